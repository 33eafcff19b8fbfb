//! Has the machine's clock kept by the cloud's.
//!
//! What is believed, and when the clock is set, says `conclave_room::clock`. Here the cloud is asked, and what
//! the clock is to be set to goes into a file: the daemon may not touch it, conclave-clock may nothing else.

use crate::config;
use anyhow::Context;
use conclave_clock::{BUILT, Target, built, monotonic};
use conclave_link_protocol::message::{Response, RoomRequest};
use conclave_link_room::{RequestFailure, RequestId, RoomLinkHandle};
use conclave_room::clock::{Clock, Found, Input, Output, WORTH_SAYING_MS};
use conclave_types::{Time, UnixMillis};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Keeps the machine's clock.
pub(crate) struct Timekeeper {
    rules: Clock,
    /// The file that conclave-clock.path waits for.
    request: PathBuf,
    asked: Option<RequestId>,
}

impl Timekeeper {
    pub(crate) fn new(config: config::Clock) -> Timekeeper {
        let built = built(Path::new(BUILT)).unwrap_or_else(|error| {
            tracing::warn!(%error, "{BUILT} does not say when this system was made");
            UnixMillis::EARLIEST
        });
        Timekeeper { rules: Clock::new(built), request: config.request, asked: None }
    }

    /// When [`Timekeeper::tick`] is wanted.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.rules.deadline()
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Time) {
        if self.deadline().is_some_and(|at| at <= now) {
            self.rules.handle(now, Input::Tick);
        }
    }

    /// The cloud welcomed the room.
    pub(crate) fn link_up(&mut self, now: Time) {
        self.asked = None;
        self.rules.handle(now, Input::LinkUp);
    }

    pub(crate) fn link_down(&mut self, now: Time) {
        self.asked = None;
        self.rules.handle(now, Input::LinkDown);
    }

    /// A request has its answer; gives it back when it was not about the time. `here` was read before `now`, so
    /// that what passed in between counts as the answer's way.
    pub(crate) fn answered(
        &mut self,
        here: UnixMillis,
        now: Time,
        id: RequestId,
        result: Result<Response, RequestFailure>,
    ) -> Option<Result<Response, RequestFailure>> {
        if self.asked != Some(id) {
            return Some(result);
        }
        self.asked = None;
        self.rules.handle(now, meaning(here, result));
        None
    }

    /// Does what the rules want.
    pub(crate) fn carry_out(&mut self, now: Time, link: &RoomLinkHandle) {
        while let Some(output) = self.rules.poll_output() {
            match output {
                Output::Ask => self.asked = Some(link.request(RoomRequest::Time)),
                Output::Found(found) => log(found),
                Output::Set { at, was, off } => {
                    let within_ms = u32::try_from(off.within_ms).unwrap_or(u32::MAX);
                    let set = monotonic().context("the measuring clock").and_then(|clock| {
                        let monotonic = clock.saturating_sub(now.since(at));
                        write(&self.request, Target { monotonic, unix_ms: was, within_ms })
                    });
                    if let Err(error) = set {
                        tracing::warn!("the clock is not set, and tried again later: {error:#}");
                    }
                }
            }
        }
    }
}

/// What an answer to the question for the time means.
fn meaning(here: UnixMillis, result: Result<Response, RequestFailure>) -> Input {
    match result {
        Ok(Response::Time { unix_ms }) => Input::Told { cloud: unix_ms, here },
        // A cloud from before there was this question.
        Ok(Response::Unsupported) => Input::NotKnown,
        Ok(_) | Err(_) => Input::NotTold,
    }
}

/// This machine's clock.
pub(crate) fn here() -> UnixMillis {
    UnixMillis::since_1970(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Writes it beside its place and then moves it there, so that nobody reads half of it. The group may read it:
/// conclave-clock is in that, and may not read what is others' alone.
fn write(path: &Path, target: Target) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, target.to_string())
        .and_then(|()| fs::set_permissions(&beside, Permissions::from_mode(0o640)))
        .and_then(|()| fs::rename(&beside, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn log(found: Found) {
    match found {
        Found::Right(off) => {
            tracing::debug!(by_ms = off.by_ms, within_ms = off.within_ms, "the clock is right");
        }
        Found::Wrong(off) if off.by_ms.unsigned_abs() < WORTH_SAYING_MS => {
            tracing::debug!(by_ms = off.by_ms, within_ms = off.within_ms, "the clock is set");
        }
        Found::Wrong(off) => {
            tracing::info!(
                by_ms = off.by_ms,
                within_ms = off.within_ms,
                "the clock was wrong, and is set by the cloud's"
            );
        }
        Found::Doubtful(off) => tracing::warn!(
            by_ms = off.by_ms,
            "the cloud's clock has jumped by more than a day: look whether it is right. This room's is set by \
             it when it still says so in an hour"
        ),
        Found::Impossible(cloud) => tracing::warn!(
            unix_ms = cloud.0,
            "the cloud tells a time before this system was made, or after 2100: set the clock of the cloud's \
             machine. This room's is left as it is"
        ),
        Found::NotKnown => {
            tracing::info!("this cloud does not tell the time yet: the clock is left as it is");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_an_answer_means() {
        let (here, unix_ms) = (UnixMillis(7), UnixMillis(1_795_369_800_123));
        let told = Input::Told { cloud: unix_ms, here };
        assert_eq!(meaning(here, Ok(Response::Time { unix_ms })), told);
        assert_eq!(meaning(here, Ok(Response::Unsupported)), Input::NotKnown);
        let failed = Response::Failed { reason: "busy".to_owned() };
        assert_eq!(meaning(here, Ok(failed)), Input::NotTold);
        for failure in [RequestFailure::LinkLost, RequestFailure::TimedOut] {
            assert_eq!(meaning(here, Err(failure)), Input::NotTold);
        }
    }

    #[test]
    fn the_file_is_what_conclave_clock_reads_and_its_group_may() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        for unix_ms in [1_795_369_800_123, 1_795_369_900_456] {
            let unix_ms = UnixMillis(unix_ms);
            let target = Target { monotonic: Duration::from_micros(5), unix_ms, within_ms: 12 };
            write(&path, target).unwrap();
            assert_eq!(conclave_clock::read(&path).unwrap(), target);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(
            write(
                &folder.path().join("none/clock"),
                "monotonic_us 1\nunix_ms 2\nwithin_ms 3\n".parse().unwrap()
            )
            .is_err()
        );
    }
}

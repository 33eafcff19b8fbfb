//! The room's clock, by its cloud's: the only one that a room asks for the time.
//!
//! ```text
//! link up, or ten minutes later ──> four questions, one after the other ──> the quickest answer ──> judged
//! ```
//!
//! Each answer is measured after Cristian, "Probabilistic clock synchronization", Distributed Computing 3
//! (1989), section 2: the cloud read its clock at some moment between question and answer. Taken for the
//! middle, it is wrong by half of the round trip at most, however unevenly the two ways were delayed. So the
//! answer with the shortest round trip is the best one (RFC 5905, section 10, sorts by the same).
//!
//! The clock is set when it is certainly further off than it can be afterwards (`judge`): whoever delays
//! what travels, and can do no more because the link is authenticated, never makes it worse.

use conclave_types::{Time, UnixMillis};
use std::collections::VecDeque;
use std::time::Duration;

/// Questions in a row. More find a quicker answer now and then; the rule is sound with one.
const QUESTIONS: u8 = 4;
/// Between an answer and the next question, so that one short delay on the way does not meet them all.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two rows. A quartz that is 100 ppm off, and few are, goes wrong by 60 ms meanwhile: less than what
/// is left alone. Longer, and clocks are set in larger steps; shorter asks for nothing.
const EVERY: Duration = Duration::from_secs(600);
/// After the clock was set: whether it was.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// What is left alone. What shows, logs and certificates know is a second at the finest, and two logs are
/// laid beside each other to a tenth of one. Lower sets clocks for nothing, higher is seen in the logs.
const LEFT_ALONE_MS: u64 = 100;
/// Once the clock was right or set, a jump beyond this is doubted: either end may be the one that is wrong. A
/// day makes no certificate expire, a month of each is left when it is renewed.
const FAR_MS: u64 = 86_400_000;
/// How long the cloud has to say the same before a jump that is doubted is believed: somebody who has set its
/// clock by mistake has noticed by then, or has not made one.
const DOUBT: Duration = Duration::from_secs(3600);
/// What two clocks that each go their way may differ by meanwhile, and still say the same.
const THE_SAME_MS: u64 = 60_000;
/// From here on a log says in one line that the clock was off.
pub const WORTH_SAYING_MS: u64 = 2_000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The cloud welcomed the room.
    LinkUp,
    /// There is no link.
    LinkDown,
    /// The cloud told the time, at this moment.
    Told {
        /// By its clock.
        cloud: UnixMillis,
        /// By this machine's, now.
        here: UnixMillis,
    },
    /// No answer came.
    NotTold,
    /// The cloud does not know the question: it is older than this room.
    NotKnown,
    /// The deadline has passed.
    Tick,
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Ask the cloud now; answer with [`Input::Told`], [`Input::NotTold`] or [`Input::NotKnown`].
    Ask,
    /// Set this machine's clock.
    Set {
        /// At this moment...
        at: Time,
        /// ...it was this.
        was: UnixMillis,
        /// How far the clock is from it.
        off: Off,
    },
    /// What came of a row of answers, for log and status.
    Found(Found),
}

/// How far this machine's clock is from the cloud's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Off {
    /// Milliseconds that it has to go forward; below zero it is ahead.
    pub by_ms: i64,
    /// What that can be wrong by at most: half of the round trip, and what is lost in rounding.
    pub within_ms: u64,
}

/// What a row of answers says of this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is right as far as anybody can tell, and is left alone.
    Right(Off),
    /// It is wrong, and is set.
    Wrong(Off),
    /// The cloud says something so different from before that its own clock may be the wrong one.
    Doubtful(Off),
    /// The cloud tells a time to which no clock is set: before this system was made, or after 2100.
    Impossible(UnixMillis),
    /// The cloud cannot tell.
    NotKnown,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
struct Answer {
    cloud: UnixMillis,
    /// What the cloud's time is taken for.
    middle: Time,
    off: Off,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// No link, or one to a cloud that cannot tell.
    Away,
    /// Until the next question; this many were asked in this row.
    Waits { until: Time, asked: u8 },
    /// An answer is on its way.
    Asks { since: Time, asked: u8 },
}

/// What the room does about its clock.
#[derive(Debug)]
pub struct Clock {
    /// When this system was made.
    built: UnixMillis,
    stage: Stage,
    /// The quickest answer of this row.
    best: Option<Answer>,
    /// It was right, or set, since this program started.
    known: bool,
    /// The last row ended with setting it.
    just_set: bool,
    /// A jump that is doubted, and since when.
    doubted: Option<(i64, Time)>,
    outputs: VecDeque<Output>,
}

impl Clock {
    /// Of a system that was made at `built`: it is not earlier now.
    pub fn new(built: UnixMillis) -> Clock {
        Clock {
            built,
            stage: Stage::Away,
            best: None,
            known: false,
            just_set: false,
            doubted: None,
            outputs: VecDeque::new(),
        }
    }

    /// Whether it was right, or set, since this program started.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// What is wanted next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is wanted.
    pub fn deadline(&self) -> Option<Time> {
        match self.stage {
            Stage::Waits { until, .. } => Some(until),
            Stage::Away | Stage::Asks { .. } => None,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Time, input: Input) {
        match (input, self.stage) {
            (Input::LinkUp, _) => {
                self.best = None;
                self.ask(now, 0);
            }
            (Input::LinkDown, _) => self.stage = Stage::Away,
            (Input::Told { cloud, here }, Stage::Asks { since, asked }) => {
                if cloud.may_be_set(self.built) {
                    let answer = measure(since, now, cloud, here);
                    if self.best.is_none_or(|best| answer.off.within_ms < best.off.within_ms) {
                        self.best = Some(answer);
                    }
                    self.go_on(now, asked);
                } else {
                    // Three more of the kind would say nothing new.
                    self.outputs.push_back(Output::Found(Found::Impossible(cloud)));
                    self.rest(now, EVERY);
                }
            }
            (Input::NotTold, Stage::Asks { asked, .. }) => self.go_on(now, asked),
            (Input::NotKnown, Stage::Asks { .. }) => {
                self.outputs.push_back(Output::Found(Found::NotKnown));
                self.stage = Stage::Away;
            }
            (Input::Tick, Stage::Waits { until, asked }) if until <= now => self.ask(now, asked),
            // An answer to a question of a link that is gone.
            (Input::Told { .. } | Input::NotTold | Input::NotKnown | Input::Tick, _) => {}
        }
    }

    fn ask(&mut self, now: Time, asked: u8) {
        self.stage = Stage::Asks { since: now, asked: asked + 1 };
        self.outputs.push_back(Output::Ask);
    }

    fn rest(&mut self, now: Time, span: Duration) {
        self.best = None;
        self.stage = Stage::Waits { until: now + span, asked: 0 };
    }

    fn go_on(&mut self, now: Time, asked: u8) {
        if asked < QUESTIONS {
            self.stage = Stage::Waits { until: now + PAUSE, asked };
            return;
        }
        let was_set = self.just_set;
        self.just_set = false;
        if let Some(best) = self.best {
            self.conclude(now, best);
        }
        // Once: where nothing comes of it, every ten minutes is often enough.
        let span = if self.just_set && !was_set { LOOK_AGAIN } else { EVERY };
        self.rest(now, span);
    }

    fn conclude(&mut self, now: Time, best: Answer) {
        let off = best.off;
        let found = match judge(off) {
            Verdict::LeaveAlone => Found::Right(off),
            Verdict::Set if self.is_doubtful(now, off) => Found::Doubtful(off),
            Verdict::Set => Found::Wrong(off),
        };
        if !matches!(found, Found::Doubtful(_)) {
            self.known = true;
            self.doubted = None;
        }
        self.outputs.push_back(Output::Found(found));
        if matches!(found, Found::Wrong(_)) {
            self.just_set = true;
            self.outputs.push_back(Output::Set { at: best.middle, was: best.cloud, off });
        }
    }

    /// A clock that was right goes wrong by seconds in a day, not by days.
    fn is_doubtful(&mut self, now: Time, off: Off) -> bool {
        if !self.known || off.by_ms.unsigned_abs() <= FAR_MS {
            return false;
        }
        match self.doubted {
            Some((by_ms, since)) if by_ms.abs_diff(off.by_ms) <= THE_SAME_MS => {
                now.since(since) < DOUBT
            }
            _ => {
                self.doubted = Some((off.by_ms, now));
                true
            }
        }
    }
}

/// What an answer says that was asked for at `asked` and came at `now`.
fn measure(asked: Time, now: Time, cloud: UnixMillis, here: UnixMillis) -> Answer {
    let half = now.since(asked) / 2;
    let half_ms = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    // This machine's clock in the middle; the part of a millisecond that both clocks leave out is in `within`.
    let here = signed(here.0).saturating_sub(signed(half_ms));
    let off =
        Off { by_ms: signed(cloud.0).saturating_sub(here), within_ms: half_ms.saturating_add(2) };
    Answer { cloud, middle: now - half, off }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    LeaveAlone,
    Set,
}

/// Whether setting the clock is sure to make it better. It is off by `by - within` at least; after being set
/// it is off by `within` at most.
fn judge(off: Off) -> Verdict {
    let certainly = off.by_ms.unsigned_abs().saturating_sub(off.within_ms);
    if certainly > off.within_ms.max(LEFT_ALONE_MS) { Verdict::Set } else { Verdict::LeaveAlone }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;

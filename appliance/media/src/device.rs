//! What every device of the room has in common: it may be missing, go away and come back.
//!
//! Each device has a thread that opens it, runs it, and after trouble tries again. The room is
//! told of each change once. Threads end within a fraction of a second when asked to.

use crate::frames::lock;
use crate::running::{Happened, Running, Trouble};
use conclave_room::media::{MediaEvent, MediaPart};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Between two attempts to open a device, at first and at most: a plugged-in camera is back soon,
/// and a missing one costs nothing.
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MOST: Duration = Duration::from_secs(3);
/// A device that gives nothing for so long has gone away without saying so.
const STALLED: Duration = Duration::from_secs(5);
/// How long a sound card is looked at before it is said to keep pace, or not to.
const PACE_WINDOW: Duration = Duration::from_secs(3);
/// The least part of what it should give in that time, in percent. A card that stands still gives a tenth
/// here and not nothing: alsasrc passes on a period of old samples each time that reading fails, which the
/// kernel makes it wait a tenth of a second for. A machine without enough processor gives more.
const PACE_LEAST: u64 = 15;
/// Between two looks at a file that stands for a device.
const LOOK: Duration = Duration::from_millis(300);

/// The way to whoever drives the media path. When its 256 places are taken the event is dropped
/// and logged: a driver that far behind has lost more than one event.
#[derive(Debug, Clone)]
pub(crate) struct Events(mpsc::Sender<MediaEvent>);

impl Events {
    pub(crate) fn channel() -> (Events, mpsc::Receiver<MediaEvent>) {
        let (sender, receiver) = mpsc::channel(256);
        (Events(sender), receiver)
    }

    pub(crate) fn tell(&self, event: MediaEvent) {
        if let Err(mpsc::error::TrySendError::Full(event)) = self.0.try_send(event) {
            tracing::error!(?event, "nobody takes the events of the media path");
        }
    }
}

/// Tells of a part's health, once per change.
pub(crate) struct Reporter {
    part: MediaPart,
    events: Events,
    working: Option<bool>,
}

impl Reporter {
    pub(crate) fn new(part: MediaPart, events: Events) -> Reporter {
        Reporter { part, events, working: None }
    }

    /// It works.
    pub(crate) fn works(&mut self, detail: impl FnOnce() -> String) {
        if self.working != Some(true) {
            self.working = Some(true);
            let detail = detail();
            tracing::info!(part = ?self.part, %detail, "a part works");
            self.events.tell(MediaEvent::Part { part: self.part, working: true, detail });
        }
    }

    /// It does not.
    pub(crate) fn fails(&mut self, trouble: &Trouble) {
        if self.working != Some(false) {
            self.working = Some(false);
            let detail = trouble.to_string();
            tracing::warn!(part = ?self.part, %detail, "a part does not work");
            self.events.tell(MediaEvent::Part { part: self.part, working: false, detail });
        }
    }
}

/// Asks a thread to end, and lets it wait for that.
#[derive(Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Waits this long; `true` when the thread is to end.
    pub(crate) fn wait(&self, span: Duration) -> bool {
        let until = Instant::now() + span;
        let mut stopped = lock(&self.stopped);
        while !*stopped {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            stopped =
                self.changed.wait_timeout(stopped, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn stop(&self) {
        *lock(&self.stopped) = true;
        self.changed.notify_all();
    }
}

/// How one run of a device ended.
pub(crate) enum Ended {
    /// The thread was asked to end.
    Stopped,
    /// Open it again at once: a file that cannot be rewound has ended.
    Again,
    /// Try again after a while.
    Broken(Trouble),
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Ended {
        Ended::Broken(trouble)
    }
}

/// A device's thread. Dropping it stops and joins the thread.
pub(crate) struct Device {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Device {
    /// Runs a device again and again. `run` opens it, tells the reporter when it works, and
    /// returns when it broke or the thread is to end.
    pub(crate) fn start(
        name: &str,
        mut reporter: Reporter,
        mut run: impl FnMut(&Stop, &mut Reporter) -> Ended + Send + 'static,
    ) -> std::io::Result<Device> {
        let stop = Arc::new(Stop::default());
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn({
            let stop = stop.clone();
            move || {
                let mut wait = RETRY_FIRST;
                loop {
                    let began = Instant::now();
                    let pause = match run(&stop, &mut reporter) {
                        Ended::Stopped => return,
                        Ended::Again => Duration::ZERO,
                        Ended::Broken(trouble) => {
                            reporter.fails(&trouble);
                            if began.elapsed() > STALLED * 2 {
                                wait = RETRY_FIRST;
                            }
                            let pause = wait;
                            wait = (wait * 2).min(RETRY_MOST);
                            pause
                        }
                    };
                    if stop.wait(pause) {
                        return;
                    }
                }
            }
        })?;
        Ok(Device { stop, thread: Some(thread) })
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a device's thread ended by a panic");
        }
    }
}

/// Counts what a device gave, so that silence is noticed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulse(Arc<Given>);

#[derive(Debug, Default)]
struct Given {
    times: AtomicU64,
    samples: AtomicU64,
}

impl Pulse {
    /// It gave a picture.
    pub(crate) fn beat(&self) {
        self.0.times.fetch_add(1, Ordering::Relaxed);
    }

    /// It gave sound.
    pub(crate) fn beat_with(&self, samples: usize) {
        self.0.samples.fetch_add(samples as u64, Ordering::Relaxed);
        self.beat();
    }

    fn count(&self) -> u64 {
        self.0.times.load(Ordering::Relaxed)
    }

    fn samples(&self) -> u64 {
        self.0.samples.load(Ordering::Relaxed)
    }
}

/// Whether a sound card gives as many samples as it should, one window of time after the other.
struct Pace {
    /// Samples per second.
    rate: u64,
    /// When the window began, and how many samples had come by then.
    window: Option<(Instant, u64)>,
    proven: bool,
}

impl Pace {
    fn new(rate: u32) -> Pace {
        Pace { rate: u64::from(rate), window: None, proven: false }
    }

    /// So many samples have come by `now`, counted from the start; `false` when those of a whole window
    /// were too few.
    fn keeps(&mut self, now: Instant, samples: u64) -> bool {
        let Some((began, before)) = self.window else {
            // What opening it took does not count.
            self.window = (samples > 0).then_some((now, samples));
            return true;
        };
        let span = now.saturating_duration_since(began);
        if span < PACE_WINDOW {
            return true;
        }
        self.window = Some((now, samples));
        let due = u128::from(self.rate) * span.as_micros() / 1_000_000;
        let least = due * u128::from(PACE_LEAST) / 100;
        self.proven = u128::from(samples.saturating_sub(before)) >= least;
        self.proven
    }
}

/// Plays a source until it breaks, rewinding `file` at its end; or until `changed` says that it
/// should be opened in another way. A sound card's `rate`, in samples per second, has to be kept.
pub(crate) fn play_source(
    running: &Running,
    file: Option<&Path>,
    pulse: &Pulse,
    rate: Option<u32>,
    stop: &Stop,
    changed: &dyn Fn() -> bool,
    works: &mut dyn FnMut(),
) -> Ended {
    let begun = match file {
        Some(_) => cue(running),
        None => running.play(),
    };
    if let Err(trouble) = begun {
        return Ended::Broken(trouble);
    }
    let mut seen = (pulse.count(), Instant::now());
    let mut looked = Instant::now();
    let mut pace = rate.map(Pace::new);
    loop {
        match running.next(gst::ClockTime::from_mseconds(50)) {
            Some(Happened::Trouble(trouble)) => return Ended::Broken(trouble),
            Some(Happened::SegmentEnd) => {
                if !rewind(running, gst::SeekFlags::SEGMENT) {
                    return Ended::Again;
                }
            }
            Some(Happened::End) if file.is_some() => {
                if !rewind(running, gst::SeekFlags::SEGMENT | gst::SeekFlags::FLUSH) {
                    return Ended::Again;
                }
            }
            Some(Happened::End) => return Ended::Broken(Trouble::text("the device stopped")),
            Some(Happened::Latency) | None => {}
        }
        if stop.wait(Duration::ZERO) {
            return Ended::Stopped;
        }
        if changed() {
            return Ended::Again;
        }
        let count = pulse.count();
        if let Some(pace) = &mut pace
            && !pace.keeps(Instant::now(), pulse.samples())
        {
            return Ended::Broken(Trouble::text("the device stands still"));
        }
        if count != seen.0 {
            seen = (count, Instant::now());
            if pace.as_ref().is_none_or(|pace| pace.proven) {
                works();
            }
        } else if seen.1.elapsed() > STALLED {
            return Ended::Broken(Trouble::text("the device gives nothing any more"));
        }
        if let Some(path) = file
            && looked.elapsed() > LOOK
        {
            looked = Instant::now();
            if !path.exists() {
                return Ended::Broken(gone(path));
            }
        }
    }
}

/// A file that stands for a device is not there.
pub(crate) fn gone(path: &Path) -> Trouble {
    Trouble::text(format!("the file {} is not there", path.display()))
}

/// Starts a file so that its end is a place to jump back from without a gap.
fn cue(running: &Running) -> Result<(), Trouble> {
    let pipeline = running.pipeline();
    let first = pipeline.set_state(gst::State::Paused).map_err(Trouble::plain).and_then(|_| {
        let (changed, _, _) = pipeline.state(gst::ClockTime::from_seconds(5));
        changed.map_err(Trouble::plain)
    });
    if let Err(general) = first {
        return Err(running.trouble().unwrap_or(general));
    }
    // Where it cannot be sought it is played to its end and opened again.
    let _ = rewind(running, gst::SeekFlags::SEGMENT | gst::SeekFlags::FLUSH);
    running.play()
}

fn rewind(running: &Running, flags: gst::SeekFlags) -> bool {
    running.pipeline().seek_simple(flags, gst::ClockTime::ZERO).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `per_second` samples for so long, 100 times a second; whether the pace was kept, and proven.
    fn give(
        pace: &mut Pace,
        now: &mut Instant,
        count: &mut u64,
        seconds: u64,
        per_second: u64,
    ) -> bool {
        (0..seconds * 100).all(|_| {
            *now += Duration::from_millis(10);
            *count += per_second / 100;
            pace.keeps(*now, *count)
        })
    }

    #[test]
    fn a_sound_card_that_stands_still_is_noticed_and_one_that_is_slow_to_begin_is_not() {
        let (mut pace, mut now, mut count) = (Pace::new(48_000), Instant::now(), 0);
        assert!(give(&mut pace, &mut now, &mut count, 10, 0), "it is being opened");
        assert!(give(&mut pace, &mut now, &mut count, 1, 48_000) && !pace.proven);
        assert!(give(&mut pace, &mut now, &mut count, 3, 48_000) && pace.proven);
        assert!(give(&mut pace, &mut now, &mut count, 20, 24_000), "a busy machine");
        // What alsasrc makes of a card that stands still.
        assert!(!give(&mut pace, &mut now, &mut count, 2 * PACE_WINDOW.as_secs(), 4_800));
        assert!(!pace.proven);
    }

    #[test]
    fn one_that_stands_still_from_the_start_is_never_said_to_work() {
        let (mut pace, mut now, mut count) = (Pace::new(48_000), Instant::now(), 0);
        assert!(!give(&mut pace, &mut now, &mut count, 4, 4_800));
        assert!(!pace.proven);
    }
}

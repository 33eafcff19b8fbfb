//! The latest picture of someone, handed from the thread that decodes to the thread that shows.
//!
//! A slot holds one picture and never queues: a display that falls behind skips, and a decoder
//! never waits for a display.

use gstreamer as gst;
use gstreamer_video as gst_video;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A decoded picture: I420, 8 bit, any size.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The pixels, as `info` describes them.
    pub(crate) buffer: gst::Buffer,
    /// Size, strides and colours.
    pub(crate) info: gst_video::VideoInfo,
    /// Counts up with every picture of the slot.
    pub(crate) number: u64,
    /// When it was put here.
    pub(crate) at: Instant,
}

/// Wakes the display: there is something new to show. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bell(Arc<Rung>);

#[derive(Debug, Default)]
struct Rung {
    state: Mutex<Ring>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Ring {
    rung: bool,
    stopped: bool,
}

/// Why a wait for the bell is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// It rang, or did while nobody waited.
    Rung,
    /// The time is up.
    Late,
    /// Whoever waits is to end.
    Stopped,
}

impl Bell {
    /// Rings; whoever waits wakes up.
    pub(crate) fn ring(&self) {
        lock(&self.0.state).rung = true;
        self.0.changed.notify_all();
    }

    /// Ends all waiting, now and from now on.
    pub(crate) fn stop(&self) {
        lock(&self.0.state).stopped = true;
        self.0.changed.notify_all();
    }

    /// Waits until it rings, at most until a moment.
    pub(crate) fn wait(&self, until: Instant) -> Woken {
        self.wait_for(until, |ring| std::mem::take(&mut ring.rung))
    }

    /// Waits until a moment whether it rings or not.
    pub(crate) fn pause(&self, until: Instant) -> Woken {
        self.wait_for(until, |_| false)
    }

    fn wait_for(&self, until: Instant, heard: impl Fn(&mut Ring) -> bool) -> Woken {
        let mut ring = lock(&self.0.state);
        loop {
            if ring.stopped {
                return Woken::Stopped;
            }
            if heard(&mut ring) {
                return Woken::Rung;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Woken::Late;
            }
            ring =
                self.0.changed.wait_timeout(ring, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Where the latest picture of someone is found. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct FrameSlot(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    latest: Option<Frame>,
    count: u64,
    arrivals: VecDeque<Instant>,
    bell: Option<Bell>,
}

/// Over how long pictures per second are counted: long enough to be steady, short enough that a
/// stalled picture is seen in the report soon.
const RATE_WINDOW: Duration = Duration::from_secs(3);

impl FrameSlot {
    /// A slot that rings when a picture comes.
    pub(crate) fn with_bell(bell: Bell) -> FrameSlot {
        FrameSlot(Arc::new(Mutex::new(Slot { bell: Some(bell), ..Slot::default() })))
    }

    /// Puts a picture there; tells how many have been.
    pub(crate) fn put(&self, buffer: gst::Buffer, info: gst_video::VideoInfo) -> u64 {
        let now = Instant::now();
        let mut slot = lock(&self.0);
        slot.count += 1;
        let number = slot.count;
        slot.latest = Some(Frame { buffer, info, number, at: now });
        slot.arrivals.push_back(now);
        slot.forget_old(now);
        let bell = slot.bell.clone();
        drop(slot);
        if let Some(bell) = bell {
            bell.ring();
        }
        number
    }

    /// The latest picture.
    pub(crate) fn latest(&self) -> Option<Frame> {
        lock(&self.0).latest.clone()
    }

    /// The number of the latest picture, without taking it.
    pub(crate) fn number(&self) -> Option<u64> {
        lock(&self.0).latest.as_ref().map(|frame| frame.number)
    }

    /// Forgets the picture: the camera was switched off.
    pub(crate) fn clear(&self) {
        lock(&self.0).latest = None;
    }

    /// Forgets the picture unless it is younger than `age`.
    pub(crate) fn clear_older_than(&self, age: Duration) {
        let mut slot = lock(&self.0);
        if slot.latest.as_ref().is_some_and(|frame| frame.at.elapsed() > age) {
            slot.latest = None;
        }
    }

    /// Pictures per second over the last seconds.
    pub(crate) fn rate(&self) -> f64 {
        let mut slot = lock(&self.0);
        slot.forget_old(Instant::now());
        match (slot.arrivals.front(), slot.arrivals.back()) {
            (Some(first), Some(last)) if slot.arrivals.len() > 1 => {
                // Measured up to the last picture, or up to now when that is long ago.
                let idle = last.elapsed();
                let mut span = last.duration_since(*first);
                if idle > Duration::from_millis(500) {
                    span += idle;
                }
                (slot.arrivals.len() - 1) as f64 / span.as_secs_f64().max(0.001)
            }
            _ => 0.0,
        }
    }
}

impl Slot {
    fn forget_old(&mut self, now: Instant) {
        while self.arrivals.front().is_some_and(|at| now.duration_since(*at) > RATE_WINDOW) {
            self.arrivals.pop_front();
        }
    }
}

/// Locks, also after a thread panicked while holding the lock: what is kept under our locks is
/// whole after every single assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The latest picture of someone, handed from the thread that decodes to the thread that shows.
//!
//! A slot holds one picture and never queues: a display that falls behind skips, and a decoder
//! never waits for a display.

use gstreamer as gst;
use gstreamer_video as gst_video;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// Where the latest picture of someone is found. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct FrameSlot(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    latest: Option<Frame>,
    count: u64,
    arrivals: VecDeque<Instant>,
}

/// Over how long pictures per second are counted: long enough to be steady, short enough that a
/// stalled picture is seen in the report soon.
const RATE_WINDOW: Duration = Duration::from_secs(3);

impl FrameSlot {
    /// Puts a picture there; tells how many have been.
    pub(crate) fn put(&self, buffer: gst::Buffer, info: gst_video::VideoInfo) -> u64 {
        let now = Instant::now();
        let mut slot = lock(&self.0);
        slot.count += 1;
        let number = slot.count;
        slot.latest = Some(Frame { buffer, info, number, at: now });
        slot.arrivals.push_back(now);
        slot.forget_old(now);
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

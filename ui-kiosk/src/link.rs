//! The Unix socket to conclave-roomd.
//!
//! One thread reads: connect, take whole panels as they come, and when the daemon goes away, or
//! sends what is no panel, say [`Seen::Away`] and try again after a growing, scattered delay. Taps are
//! written by whoever calls [`Daemon::send`]; they are lost while nobody is there, because a tap on a
//! picture that is gone must not act later.

use conclave_panel_api::{Panel, Tap, read_frame, write_frame};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// First delay before connecting again: a restarting daemon is back about then.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// Longest delay: a person in front of the panel waits no longer than this once the daemon is back.
const LONGEST_DELAY: Duration = Duration::from_secs(3);
/// A tap is some 40 octets and the socket's buffer takes thousands; a daemon that has not read for
/// this long hangs, and waiting longer would freeze the panel under the finger.
const WRITE_LIMIT: Duration = Duration::from_millis(200);

/// What is known of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is not there.
    Away,
    /// Its newest panel.
    Panel(Box<Panel>),
}

/// Holds the newest thing seen until the panel's thread takes it. Older ones are of no use, so a
/// daemon that sends faster than the panel draws costs no memory.
#[derive(Clone)]
pub(crate) struct Inbox(Arc<Mutex<Option<Seen>>>);

impl Inbox {
    pub(crate) fn new() -> Inbox {
        Inbox(Arc::new(Mutex::new(None)))
    }

    /// Whether it was empty, so that the taker has to be woken.
    pub(crate) fn put(&self, seen: Seen) -> bool {
        lock(&self.0).replace(seen).is_none()
    }

    pub(crate) fn take(&self) -> Option<Seen> {
        lock(&self.0).take()
    }
}

/// The way to send taps.
#[derive(Clone)]
pub(crate) struct Daemon(Arc<Mutex<Option<UnixStream>>>);

impl Daemon {
    /// Sends a tap, or drops it when the daemon is away.
    pub(crate) fn send(&self, tap: &Tap) {
        let mut stream = lock(&self.0);
        let Some(open) = stream.as_mut() else {
            tracing::debug!("tap dropped, the daemon is away");
            return;
        };
        if let Err(error) = write_frame(open, tap) {
            tracing::warn!(%error, "tap not sent, connecting again");
            // The reader wakes from this and begins anew.
            let _ = open.shutdown(Shutdown::Both);
            *stream = None;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while holding these, and the value is whole even if something did.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the reading thread; `tell` is called on it with everything seen.
pub(crate) fn start(path: PathBuf, tell: impl Fn(Seen) + Send + 'static) -> io::Result<Daemon> {
    let daemon = Daemon(Arc::new(Mutex::new(None)));
    let writer = daemon.clone();
    thread::Builder::new().name("daemon".into()).spawn(move || {
        let mut delay = FIRST_DELAY;
        loop {
            let panels = converse(&path, &writer, &tell);
            *lock(&writer.0) = None;
            tell(Seen::Away);
            // Only a daemon that made sense earns a quick return.
            delay = if panels > 0 { FIRST_DELAY } else { (delay * 2).min(LONGEST_DELAY) };
            thread::sleep(scatter(delay));
        }
    })?;
    Ok(daemon)
}

/// One connection from beginning to end; how many panels came over it.
fn converse(path: &PathBuf, writer: &Daemon, tell: &impl Fn(Seen)) -> u64 {
    let mut panels = 0;
    let mut stream = match open(path) {
        Ok((stream, other)) => {
            *lock(&writer.0) = Some(other);
            stream
        }
        Err(error) => {
            tracing::debug!(%error, "the daemon is not there");
            return panels;
        }
    };
    tracing::info!("connected to the daemon");
    loop {
        match read_frame::<Panel>(&mut stream) {
            Ok(Some(panel)) => {
                panels += 1;
                tell(Seen::Panel(Box::new(panel)));
            }
            Ok(None) => {
                tracing::info!("the daemon closed the connection");
                return panels;
            }
            Err(error) => {
                tracing::warn!(%error, "what the daemon sent makes no sense, connecting again");
                let _ = stream.shutdown(Shutdown::Both);
                return panels;
            }
        }
    }
}

fn open(path: &PathBuf) -> io::Result<(UnixStream, UnixStream)> {
    let stream = UnixStream::connect(path)?;
    stream.set_write_timeout(Some(WRITE_LIMIT))?;
    let other = stream.try_clone()?;
    Ok((stream, other))
}

/// Between three and five quarters of `delay`, so that panels do not come back all at once.
fn scatter(delay: Duration) -> Duration {
    // A fresh RandomState has fresh keys: chance enough for a delay.
    let share = (RandomState::new().hash_one(0_u8) % 512) as u32;
    delay * (768 + share) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_scattered_by_a_quarter_at_most() {
        for _ in 0..200 {
            let delay = scatter(Duration::from_millis(1000));
            assert!((750..=1250).contains(&delay.as_millis()), "{delay:?}");
        }
    }

    #[test]
    fn the_inbox_keeps_the_newest_and_wakes_once() {
        let inbox = Inbox::new();
        assert!(inbox.put(Seen::Away));
        assert!(!inbox.put(Seen::Away));
        assert_eq!(inbox.take(), Some(Seen::Away));
        assert_eq!(inbox.take(), None);
    }

    #[test]
    fn a_tap_without_a_daemon_is_dropped() {
        Daemon(Arc::new(Mutex::new(None))).send(&Tap::Leave);
    }
}

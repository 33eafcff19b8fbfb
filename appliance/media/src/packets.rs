//! What the two ends of a call share about packets: which kind, whether they may leave, and the
//! queue out.
//!
//! - [`Kind`]: sound or pictures, in both directions;
//! - [`Switches`]: set by the media thread, looked at by the senders and once more by the socket;
//! - [`Outgoing`] → [`OutgoingQueue`]: from the encoders' threads to the task that owns the socket.

use conclave_types::Switch;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use tokio::sync::mpsc;

/// Packets that wait for the network's task: two large keyframes. With more the socket is stuck,
/// and what would be sent then is of no use any more.
const QUEUE: usize = 1024;

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Opus.
    Audio = 0,
    /// H.264.
    Video = 1,
}

/// Whether microphone and camera send. Shared with the network's task, which looks at the very
/// last moment: what was captured before the tap on the button does not leave after it.
#[derive(Debug, Clone)]
pub(crate) struct Switches(Arc<[AtomicBool; 2]>);

impl Switches {
    pub(crate) fn new(microphone: Switch, camera: Switch) -> Switches {
        Switches(Arc::new([microphone, camera].map(|s| AtomicBool::new(s.is_on()))))
    }

    pub(crate) fn set(&self, kind: Kind, switch: Switch) {
        self.0[kind as usize].store(switch.is_on(), Ordering::Release);
    }

    pub(crate) fn is_on(&self, kind: Kind) -> bool {
        self.0[kind as usize].load(Ordering::Acquire)
    }
}

/// Where senders put their packets; never blocks.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    queue: mpsc::Sender<(Kind, Vec<u8>)>,
    /// Packets of each kind that found no place: their numbers are left out, so that receivers
    /// see a loss instead of a broken picture.
    skipped: Arc<[AtomicU16; 2]>,
}

impl Outgoing {
    pub(crate) fn push(&self, kind: Kind, packet: Vec<u8>) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send((kind, packet)) {
            self.skipped[kind as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The receiving end of [`Outgoing`].
pub(crate) struct OutgoingQueue {
    queue: mpsc::Receiver<(Kind, Vec<u8>)>,
    skipped: Arc<[AtomicU16; 2]>,
}

impl OutgoingQueue {
    /// The next packet, in the order in which they were pushed; `None` when all senders are gone.
    /// Loses nothing when it is cancelled.
    pub(crate) async fn recv(&mut self) -> Option<(Kind, Vec<u8>)> {
        self.queue.recv().await
    }

    /// How many packets of this kind found no place since this was asked last, modulo 2^16 as
    /// their numbers are.
    pub(crate) fn take_skipped(&self, kind: Kind) -> u16 {
        self.skipped[kind as usize].swap(0, Ordering::Relaxed)
    }
}

/// A new queue.
pub(crate) fn outgoing() -> (Outgoing, OutgoingQueue) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let skipped: Arc<[AtomicU16; 2]> = Arc::default();
    (
        Outgoing { queue: sender, skipped: skipped.clone() },
        OutgoingQueue { queue: receiver, skipped },
    )
}

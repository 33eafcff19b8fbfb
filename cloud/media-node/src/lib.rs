//! The media node's shell: UDP sockets, SRTP and a clock round the decisions of conclave-forward.
//!
//! - A leg has its own socket on a random port, its own keys for each direction, and its own
//!   sources; the next leg has others. All of it goes to the room in a [`MediaLeg`].
//! - The room sends first. Its address is learned, and moves, only by a packet that authenticates
//!   and was not seen before; until then the node sends it nothing.
//! - Meetings are spread over a few tasks. One task owns a meeting: its forwarder, and its legs'
//!   sockets and SRTP contexts. Tasks share nothing but a count of legs.
//! - What was read from the sockets leaves again as one burst per receiver (GSO).
//!
//! ```text
//! socket → (GRO, recvmmsg) → open → Forwarder::handle … → poll_output → seal → (GSO) → socket
//! ```

#![forbid(unsafe_code)]

mod burst;
mod leg;
mod meeting;
mod ports;
mod shard;
mod totals;

use conclave_types::{MediaLeg, MeetingId, ParticipantId, SrtpProfile};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use conclave_forward::{Counts, LegStatistics, MOST_LEGS, PacketLimit};
pub use leg::LegReport;
pub use totals::{HELD_BOUNDS_US, Held, Totals};

use shard::{Command, Shard};
use totals::Shared;

/// Commands that wait for a task. Whoever sends one more waits until there is room, so a burst of
/// joins is answered in order and only more slowly.
const COMMANDS: usize = 64;

/// Events that wait for the cloud. While it is full, events stay with their meetings' task, where a
/// newer one about the same subject replaces the older: none is lost, media never waits.
const EVENTS: usize = 256;

/// How a media node is set up.
#[derive(Debug, Clone)]
pub struct MediaNodeConfig {
    /// The address at which its sockets listen. Unspecified means all of them.
    pub bind: IpAddr,
    /// The ports that legs may use, where a firewall wants to know; `None` lets the system choose.
    pub ports: Option<RangeInclusive<u16>>,
    /// The address that rooms are told; `None` when they shall use the one of their link.
    pub address: Option<IpAddr>,
    /// What it takes at most.
    pub limits: Limits,
}

/// What a media node takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Legs open at the same time. Each has a socket, so this stays below the limit of open files.
    pub legs: usize,
    /// Tasks that meetings are spread over: one per core that may be kept busy.
    pub tasks: usize,
    /// Packets that one leg may send. What it sends beyond is dropped and counted.
    pub packets: PacketLimit,
}

impl Default for Limits {
    /// 1000 legs, one task per core up to 8, and [`PacketLimit`]'s own default.
    fn default() -> Limits {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Limits { legs: 1000, tasks: cores.min(8), packets: PacketLimit::default() }
    }
}

/// The media node as a thing that can be started.
#[derive(Debug)]
pub struct MediaNode;

impl MediaNode {
    /// Starts its tasks on the present tokio runtime. They end by [`MediaNodeHandle::shutdown`],
    /// or when the last handle is dropped.
    pub fn start(config: MediaNodeConfig) -> (MediaNodeHandle, mpsc::Receiver<MediaNodeEvent>) {
        let (events, receiver) = mpsc::channel(EVENTS);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let (config, legs) = (Arc::new(config), Arc::new(AtomicUsize::new(0)));
        let totals = Arc::new(Shared::default());
        let shards = (0..config.limits.tasks.max(1)).map(|_| {
            let (sender, commands) = mpsc::channel(COMMANDS);
            let shard = Shard::new(config.clone(), legs.clone(), events.clone(), totals.clone());
            tasks.spawn(shard.run(commands, stop.clone()));
            sender
        });
        let shards = shards.collect();
        tasks.close();
        (MediaNodeHandle { legs, totals, shards, tasks, stop }, receiver)
    }
}

/// Asks things of a running media node. Clones ask the same one.
#[derive(Debug, Clone)]
pub struct MediaNodeHandle {
    legs: Arc<AtomicUsize>,
    totals: Arc<Shared>,
    shards: Arc<[mpsc::Sender<Command>]>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl MediaNodeHandle {
    /// Opens a leg: a port, fresh keys, fresh sources. `profiles` is what the room supports; the
    /// node picks by [`SrtpProfile::PREFERENCE`].
    pub async fn open_leg(
        &self,
        meeting: MeetingId,
        participant: ParticipantId,
        profiles: &[SrtpProfile],
    ) -> Result<MediaLeg, OpenLegError> {
        let preferred = SrtpProfile::PREFERENCE.into_iter().find(|p| profiles.contains(p));
        let profile = preferred.ok_or(OpenLegError::NoProfile)?;
        self.ask(meeting, |answer| Command::Open { meeting, participant, profile, answer })
            .await
            .unwrap_or(Err(OpenLegError::Stopped))
    }

    /// Closes a leg. When this returns, its port is closed and nothing more is sent to it. A leg
    /// that is not open is closed already.
    pub async fn close_leg(&self, meeting: MeetingId, participant: ParticipantId) {
        let asked =
            self.ask(meeting, |answer| Command::Close { meeting, participant, answer }).await;
        // A node that has stopped has closed everything.
        asked.unwrap_or(());
    }

    /// What happened on a leg so far; `None` when it is not open.
    pub async fn leg_statistics(
        &self,
        meeting: MeetingId,
        participant: ParticipantId,
    ) -> Option<LegReport> {
        self.ask(meeting, |answer| Command::Report { meeting, participant, answer }).await?
    }

    /// What all legs together did so far, and how much there is now. Costs nothing to the media.
    pub fn totals(&self) -> Totals {
        self.totals.read(self.legs.load(Ordering::Relaxed))
    }

    /// Closes all legs and ends all tasks; returns when they have ended.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }

    /// Sends a command to the meeting's task. `None` when that has ended.
    async fn ask<T>(
        &self,
        meeting: MeetingId,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Option<T> {
        let mut hasher = DefaultHasher::new();
        meeting.hash(&mut hasher);
        // The remainder is below the length, so it fits.
        let shard = (hasher.finish() % self.shards.len() as u64) as usize;
        let (answer, answered) = oneshot::channel();
        self.shards[shard].send(command(answer)).await.ok()?;
        answered.await.ok()
    }
}

/// What the node tells the cloud. Of events about the same subject that wait, the newest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaNodeEvent {
    /// Another participant speaks loudest now, or nobody does.
    Speaking {
        /// Where.
        meeting: MeetingId,
        /// Who.
        participant: Option<ParticipantId>,
    },
    /// No authentic packet came from a leg for 15 seconds, or never one since it was opened.
    Silent {
        /// Where.
        meeting: MeetingId,
        /// Whose.
        participant: ParticipantId,
    },
    /// The first authentic packet came from a leg, or the first after it was silent.
    Flowing {
        /// Where.
        meeting: MeetingId,
        /// Whose.
        participant: ParticipantId,
    },
}

/// Why a leg was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLegError {
    /// The room supports no profile that the node does.
    #[error("the room and the media node have no SRTP profile in common")]
    NoProfile,
    /// The participant has a leg in this meeting already.
    #[error("the participant has a leg in this meeting already")]
    AlreadyOpen,
    /// The meeting has as many legs as one may have.
    #[error("the meeting has {} legs, the most that one may have", conclave_forward::MOST_LEGS)]
    MeetingFull,
    /// The node has as many legs as it may have.
    #[error("the media node has {limit} legs, its limit")]
    NodeFull {
        /// The configured limit.
        limit: usize,
    },
    /// No socket could be opened.
    #[error("no UDP port could be opened after {tries} tries")]
    NoPort {
        /// How many ports were tried.
        tries: usize,
        /// What the last try met.
        #[source]
        source: io::Error,
    },
    /// The system gave no random numbers, or the cryptography refused them.
    #[error("no keys could be made")]
    NoKeys,
    /// The node has been shut down.
    #[error("the media node has stopped")]
    Stopped,
}

//! One room's update: offered, fetched, installed, proved, and kept or taken back.
//!
//! A machine without sockets, disk or clock. The flow:
//! 1. [`Input::Offer`] is looked at: made for this board, not below the security floor, not one that
//!    failed here before.
//! 2. It waits for the maintenance window and until nobody has used the room for a while, then
//!    fetches the bundle's block sums, looks what of it stands in the running system or came before
//!    ([`Search`]), and fetches the rest in chunks over the link, as slowly as leaves room for
//!    everything else. A call stops it at once; what has come stays.
//! 3. The bundle is checked and installed into the slot that is not running, and the room restarts in
//!    another quiet moment.
//! 4. After the restart the new system has [`PROOF`] from its start to show what worked before it:
//!    panel, camera, microphone, link. Then it is marked as good; or the room goes back by itself.
//!    That it went back, and why, is kept and told, and that version is not tried again.
//!
//! A stick is another way to the third step: whoever stands at the panel is asked, and nobody waits for a
//! window. What it brings has to be newer than what runs ([`Stick`]); the cloud's offer stands aside meanwhile.
//!
//! What has to outlive a restart is [`Kept`]. It is written before anything happens that needs it.

#![forbid(unsafe_code)]

mod fetch;
mod machine;
mod reuse;
mod stick;

pub use machine::{State, Update};
pub use reuse::{MOST_SEARCHED, Search};
pub use stick::{Brought, Stick, Unusable};

use conclave_messages::{
    CloudEvent, NoChunk, Piece, Release, Response, RoomRequest, UpdateFault, UpdateOffer,
    UpdateReport, UpdateStage,
};
use conclave_types::{BundleHash, Compatible, Time, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

/// How long the new system has from its start to show that it works. Slow boards need two minutes to
/// try their encoders, and a network that comes late another; longer leaves a broken room broken.
pub const PROOF: Duration = Duration::from_secs(300);
/// How long nobody may have been in a call or touched the panel. Shorter, and the room restarts under
/// people who have just hung up and stay; much longer, and a busy night passes without an update.
pub const QUIET: Duration = Duration::from_secs(600);
/// How close a known meeting may be. A restart takes a minute, a way back and a second one the rest.
pub const BEFORE_MEETING: Duration = Duration::from_secs(1_800);
/// Chunks that are asked for and not yet written. Enough to fill a line of 100 ms at the pace below;
/// more would stand before a call's messages in the same connection.
pub const MOST_OUTSTANDING: usize = 4;
/// One chunk is asked for in such a time: 640 kB a second, 300 MB in eight minutes. Half of what the
/// cloud takes from a room before it calls it a flood.
pub const PACE: Duration = Duration::from_millis(50);

/// What this system is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its version.
    pub running: Version,
    /// Its board.
    pub compatible: Compatible,
    /// Tells this start of the machine from every other: the kernel's boot id.
    pub boot: String,
    /// How long ago it started.
    pub up: Duration,
    /// How long nobody may have been in a call or touched the panel: [`QUIET`], unless the site says
    /// otherwise.
    pub quiet: Duration,
    /// How long a new system has from its start to show that it works: [`PROOF`], unless the board's
    /// configuration says otherwise.
    pub proof: Duration,
}

/// What has to outlive a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The highest security floor of all releases that were committed here.
    pub floor: Version,
    /// Versions that did not work here, the latest last; a few.
    pub failed: Vec<Version>,
    /// A version that stands in the other slot, or runs and is not proved.
    pub trial: Option<Trial>,
    /// How the last update ended, to be told with each link.
    pub outcome: Option<Outcome>,
}

/// A version that was installed and is not proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// What was installed.
    pub release: Release,
    /// What ran when it was installed.
    pub from: Version,
    /// The machine's start in which it was installed.
    pub boot: String,
    /// What worked before the restart: what has to work after it.
    pub before: BTreeSet<Part>,
    /// Why the new system gave up, once it has.
    pub verdict: Option<(UpdateFault, String)>,
}

/// How an update ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Of which version.
    pub version: Version,
    /// Committed, fell back or not installed.
    pub stage: UpdateStage,
}

/// A part of the room that a new system has to bring up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The panel draws.
    Panel,
    /// The camera gives pictures.
    Camera,
    /// The microphone gives sound.
    Microphone,
    /// The room is linked.
    Link,
}

/// Whether the room is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A call is up or on its way.
    Call,
    /// Nobody is in a call.
    Free,
}

/// What a bundle says of itself, once its signature was found to be good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its version, as it is written there.
    pub version: String,
    /// Its board, as it is written there.
    pub compatible: String,
}

/// What a chunk is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The bundle.
    Bundle,
    /// Its block sums.
    Sums,
}

impl Of {
    /// The request for a chunk of it.
    pub fn request(self, sha256: BundleHash, offset: u64, length: u32) -> RoomRequest {
        match self {
            Of::Bundle => RoomRequest::Chunk { sha256, offset, length },
            Of::Sums => RoomRequest::Sums { sha256, offset, length },
        }
    }
}

/// What came of asking for a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Here it is.
    Piece(Piece),
    /// Not now.
    Busy {
        /// Ask again after this.
        retry_after: Duration,
    },
    /// The cloud has it no more.
    Gone,
    /// No answer came.
    Lost,
}

impl Fetched {
    /// What an answer says to who asked for the chunk at `offset`; `None` is a link that was lost.
    pub fn of(offset: u64, answer: Option<Response>) -> Fetched {
        match answer {
            Some(Response::Chunk { offset: of, piece }) if of == offset => Fetched::Piece(piece),
            Some(Response::NoChunk(NoChunk::Busy { retry_after_s })) => {
                Fetched::Busy { retry_after: Duration::from_secs(u64::from(retry_after_s)) }
            }
            Some(Response::Failed { .. }) | None => Fetched::Lost,
            // A cloud that does not know chunks should not have offered anything.
            Some(_) => Fetched::Gone,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The cloud offers a release.
    Offer(UpdateOffer),
    /// The cloud offers nothing any more.
    NoOffer,
    /// The room is linked, and welcome.
    LinkUp,
    /// The link is gone.
    LinkDown,
    /// Whether a call is up or on its way.
    Use(Use),
    /// Somebody touched the panel.
    Touched,
    /// When the next meeting that is known of begins.
    NextMeeting(Option<Time>),
    /// The minute of the day in the room, 0 to 1439.
    Clock(u16),
    /// A part was seen to work, or not to.
    Part(Part, bool),
    /// [`Output::Open`] is done.
    Opened {
        /// What has to be fetched: in order, apart from each other, all of it inside the bundle.
        missing: Vec<Range<u64>>,
    },
    /// What came of an [`Output::Fetch`].
    Fetched {
        /// Of what.
        of: Of,
        /// Which.
        offset: u64,
        /// What came.
        fetched: Fetched,
    },
    /// An [`Output::Write`] is done.
    Written {
        /// Octets that were written.
        octets: u64,
    },
    /// The disk did not take or give the bundle.
    DiskFailed {
        /// For the log.
        detail: String,
    },
    /// [`Output::Check`] is done: hash and signature are right.
    Checked(Bundle),
    /// [`Output::Check`] is done, and the bundle is not to be installed.
    Unfit {
        /// Why.
        fault: UpdateFault,
        /// For the log.
        detail: String,
    },
    /// What a stick brings; `None` once there is no stick, or nothing for rooms on it.
    Stick(Option<Brought>),
    /// Somebody wants what the stick brings.
    InstallStick,
    /// [`Output::Copy`] goes on.
    Copying {
        /// 0 to 100.
        percent: u8,
    },
    /// [`Output::Copy`] is done.
    Copied {
        /// The file's hash, which it stands under now.
        sha256: BundleHash,
        /// Its octets.
        size: u64,
    },
    /// Installing goes on.
    Installing {
        /// 0 to 100.
        percent: u8,
    },
    /// [`Output::Install`] is done.
    Installed,
    /// [`Output::Install`] broke off; the running slot is as it was.
    InstallFailed {
        /// For the log.
        detail: String,
    },
    /// [`Output::Commit`] is done.
    Committed,
    /// What was wanted of the boot loader or of the machine was not done; it is wanted again later.
    NotDone {
        /// For the log.
        detail: String,
    },
    /// The deadline has passed.
    Tick,
}

impl Input {
    /// What the cloud says of updates; `None` of anything else.
    pub fn of(event: &CloudEvent) -> Option<Input> {
        match event {
            CloudEvent::Offer(offer) => Some(Input::Offer(offer.clone())),
            CloudEvent::NoOffer => Some(Input::NoOffer),
            _ => None,
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Make the file for this bundle, with what of it came before or stands in the running system
    /// ([`Search`]); forget other bundles.
    Open {
        /// Which bundle.
        sha256: BundleHash,
        /// How long it will be.
        size: u64,
        /// Its block sums; none: begin anew, with nothing.
        sums: Vec<u8>,
    },
    /// Ask the cloud for a chunk: [`Of::request`].
    Fetch {
        /// Of what.
        of: Of,
        /// Of which bundle.
        sha256: BundleHash,
        /// Where it begins.
        offset: u64,
        /// Its octets.
        length: u32,
    },
    /// Write this into the file.
    Write {
        /// Where.
        offset: u64,
        /// What.
        piece: Piece,
    },
    /// Compare the file's hash, then look at the bundle's signature.
    Check(BundleHash),
    /// Copy the bundle from the stick, so that the stick can be taken out; forget other bundles.
    Copy,
    /// Install the file into the slot that is not running.
    Install(BundleHash),
    /// Forget every bundle.
    Discard,
    /// Have the running slot started from now on, and not the one that was just installed.
    Undo,
    /// Keep this before anything that follows.
    Keep(Box<Kept>),
    /// Restart the machine.
    Restart,
    /// Mark the running slot as good.
    Commit,
    /// Mark the running slot as bad, have the other one started, and restart the machine.
    FallBack,
    /// Tell the cloud.
    Tell(Box<UpdateReport>),
    /// [`Update::state`] has changed.
    Changed,
}

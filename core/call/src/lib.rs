//! One call at one end: dial, join, stay, leave.
//!
//! A machine without sockets, clock or devices. The flow:
//! 1. [`Input::Dial`] asks the cloud to join; the answer starts media at once, or says why not.
//!    Behind some doors it waits in the lobby first ([`State::Waiting`]), without media, until the cloud says that it is
//!    in or why not.
//! 2. While the call is up, rosters and switches pass through. A lost link changes nothing for
//!    picture and sound; when it is back, both ends compare what they believe.
//! 3. When the cloud has forgotten the call or that it waits (it was restarted, or media was silent for too long),
//!    the machine joins again by itself, with growing delays.
//! 4. [`Input::HangUp`] leaves, whatever is under way; an answer that comes late is undone.

#![forbid(unsafe_code)]

mod machine;

pub use machine::Call;

use conclave_messages::{
    AwayReason, EndReason, HeldCall, JoinRefusal, Joined, NotLetIn, Response, ResumedCall,
    RoomRequest, Roster, Waiter,
};
use conclave_types::{
    CallId, DisplayName, MediaLeg, ParticipantId, Pin, Redacted, SrtpProfile, Switch, Time,
    VmrNumber,
};
use std::net::{IpAddr, SocketAddr};

/// Names one question to the cloud, so that its answer finds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AskId(pub u64);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Someone wants into a meeting room. Ignored unless the machine is idle.
    Dial {
        /// Its number.
        number: VmrNumber,
        /// The PIN that was typed, if one was.
        pin: Option<Pin>,
    },
    /// Someone wants out, or does not want to wait any longer.
    HangUp,
    /// The microphone was switched.
    Microphone(Switch),
    /// The camera was switched.
    Camera(Switch),
    /// The cloud answered; `None` when the link failed before it did.
    Answered {
        /// Which question.
        ask: AskId,
        /// The answer.
        answer: Option<Response>,
    },
    /// The link is up and the room is known to the cloud.
    LinkUp {
        /// The cloud's address on the link: where media goes unless the leg says otherwise.
        cloud: Redacted<IpAddr>,
        /// The calls that go on.
        resumed: Vec<ResumedCall>,
        /// The calls that still wait in a lobby.
        waiting: Vec<CallId>,
    },
    /// The link is gone.
    LinkDown,
    /// Everyone in a call.
    Roster {
        /// Which call.
        call: CallId,
        /// Everyone.
        roster: Roster,
    },
    /// Who speaks loudest.
    Speaking {
        /// In which call.
        call: CallId,
        /// Who.
        participant: Option<ParticipantId>,
    },
    /// The cloud ended a call.
    Ended {
        /// Which call.
        call: CallId,
        /// Why.
        reason: EndReason,
    },
    /// Somebody let this room in.
    Admitted(Box<Joined>),
    /// This room does not wait any more, and is not in.
    NotAdmitted {
        /// By which call it waited.
        call: CallId,
        /// Why.
        reason: AwayReason,
    },
    /// Who waits in the lobby of the meeting, for this room to let in.
    Lobby {
        /// In which call.
        call: CallId,
        /// In the order in which they came.
        waiting: Vec<Waiter>,
    },
    /// Someone here lets these in.
    LetIn(Vec<ParticipantId>),
    /// Someone here turns these away.
    TurnAway(Vec<ParticipantId>),
    /// Packets flow, or do not.
    Flowing {
        /// In which call.
        call: CallId,
        /// Whether they do.
        flowing: bool,
    },
    /// Media could not be started.
    MediaFailed {
        /// In which call.
        call: CallId,
    },
    /// The deadline has passed.
    Tick,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Ask the cloud; feed the answer back as [`Input::Answered`].
    Ask {
        /// Names the question.
        ask: AskId,
        /// The question.
        request: RoomRequest,
    },
    /// Start sending and receiving.
    StartMedia {
        /// Which call.
        call: CallId,
        /// Keys and sources.
        leg: Box<MediaLeg>,
        /// Where the packets go.
        node: Redacted<SocketAddr>,
    },
    /// Stop sending and receiving.
    StopMedia,
    /// What the next hello says about held calls.
    Hold(Vec<HeldCall>),
    /// The dialled meeting room was not entered.
    NotJoined {
        /// Which was dialled.
        number: VmrNumber,
        /// Why not.
        why: NotJoined,
    },
    /// The call is over without anyone in this room having left it.
    Over(Over),
    /// The room waited in vain.
    NotAdmitted(AwayReason),
    /// Whom somebody here let in, or turned away, that did not happen to all.
    NotLetIn(NotLetIn),
    /// [`Call::state`] has changed.
    Changed,
}

/// Why a dialled meeting room was not entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotJoined {
    /// The cloud said no.
    Refused(JoinRefusal),
    /// The link is down, or went down before the answer.
    NoLink,
    /// The cloud's answer makes no sense here.
    Confused,
}

/// Why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The meeting was ended, or its meeting room removed.
    Ended,
    /// It broke off and could not be joined again.
    Lost,
    /// This room's media could not be started.
    Media,
}

/// How things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// No call.
    Idle,
    /// Asked to join; no answer yet.
    Joining {
        /// Where to.
        number: VmrNumber,
    },
    /// In the lobby of a meeting: somebody may let it in.
    Waiting(Waiting),
    /// In a meeting.
    Up(Up),
}

/// The lobby that the room is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The meeting room's number.
    pub number: VmrNumber,
    /// Its name.
    pub name: DisplayName,
    /// By which call.
    pub call: CallId,
    /// How the link fares: [`Health::Rejoining`] when the cloud has forgotten that the room waits.
    pub health: Health,
}

/// The call that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Up {
    /// The meeting room's number.
    pub number: VmrNumber,
    /// Its name.
    pub name: DisplayName,
    /// Which call.
    pub call: CallId,
    /// Which participant this room is.
    pub me: ParticipantId,
    /// Everyone, this room included.
    pub roster: Roster,
    /// Who speaks loudest.
    pub speaking: Option<ParticipantId>,
    /// Who waits in the lobby, as far as this room may let them in; nobody while the link is lost.
    pub lobby: Vec<Waiter>,
    /// When the room first came in.
    pub since: Time,
    /// How it fares.
    pub health: Health,
}

/// How a call fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Link and media are there.
    Good,
    /// The link is lost; picture and sound go on as far as the network lets them.
    LinkLost,
    /// The cloud has forgotten the call; it is being joined again.
    Rejoining,
}

/// Protection profiles that every room offers, preferred first.
pub(crate) const PROFILES: [SrtpProfile; 2] = SrtpProfile::PREFERENCE;

//! What the machine is told and what it says.

use conclave_types::{CallId, DisplayName, MeetingId, ParticipantId, RoomId, Ssrc, Switch, VmrId};

/// The door that somebody came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vmr {
    /// Which virtual meeting room.
    pub vmr: VmrId,
    /// The most participants at once, at least 1. Those who wait in the lobby are none.
    pub capacity: u32,
    /// What this visitor finds behind the door.
    pub entrance: Entrance,
}

/// What somebody finds behind the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// The meeting.
    Open,
    /// The lobby: they wait until they are let in.
    Lobby,
}

/// What somebody who is in may do about those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They are shown who waits, and let in or turn away.
    Host,
    /// They are shown nobody.
    Guest,
}

/// A room that passed the door. The ids are fresh; the caller drew them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The room's new call.
    pub call: CallId,
    /// Its presence in the meeting.
    pub participant: ParticipantId,
    /// Names the meeting, if this visit is the first of one.
    pub meeting: MeetingId,
    /// Who comes.
    pub room: RoomId,
    /// How the others see it.
    pub name: DisplayName,
    /// What it may do about the lobby once it is in.
    pub standing: Standing,
    /// Its microphone as it comes in.
    pub microphone: Switch,
    /// Its camera as it comes in.
    pub camera: Switch,
}

/// A call that a room holds after a reconnect, with its switches as the room has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Which call.
    pub call: CallId,
    /// The microphone; the room is right.
    pub microphone: Switch,
    /// The camera; the room is right.
    pub camera: Switch,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Nothing but time: a deadline passed.
    Wake,
    /// A room that is linked wants a seat, and may have one if one is free; or waits first.
    Arrived(Vmr, Visit),
    /// Somebody who may lets these in, as far as there are seats. Those who do not wait there are left out.
    LetIn {
        /// Where, with the capacity that it has now.
        vmr: Vmr,
        /// Whom, in this order.
        who: Vec<ParticipantId>,
    },
    /// Somebody who may turns these away. Those who do not wait there are left out.
    TurnAway {
        /// Where.
        vmr: VmrId,
        /// Whom.
        who: Vec<ParticipantId>,
    },
    /// A room was in when the cloud stopped: if it comes back soon, it does not wait.
    WasIn {
        /// Where.
        vmr: VmrId,
        /// Which room.
        room: RoomId,
    },
    /// The media node opened the leg of a call.
    LegOpened {
        /// Whose.
        call: CallId,
        /// The source of its audio, as everybody sees it.
        audio: Ssrc,
        /// The source of its video.
        video: Ssrc,
    },
    /// The media node could not open the leg of a call.
    LegRefused {
        /// Whose.
        call: CallId,
    },
    /// A room left its call. Ignored when the call is not the room's.
    Left {
        /// Who.
        room: RoomId,
        /// Which call.
        call: CallId,
    },
    /// Somebody switched microphone or camera. Ignored when the call is not the room's.
    Switched {
        /// Who.
        room: RoomId,
        /// Which call.
        call: CallId,
        /// The microphone now.
        microphone: Switch,
        /// The camera now.
        camera: Switch,
    },
    /// A room's link is gone.
    LinkLost {
        /// Whose.
        room: RoomId,
    },
    /// A room's link is up again, and these are the calls that the room still holds.
    LinkBack {
        /// Whose.
        room: RoomId,
        /// What it holds. A call that is not among them ends.
        held: Vec<Held>,
    },
    /// Packets come from a participant.
    MediaFlowing {
        /// In which meeting.
        meeting: MeetingId,
        /// Whose.
        participant: ParticipantId,
    },
    /// Packets do not come from a participant any more.
    MediaSilent {
        /// In which meeting.
        meeting: MeetingId,
        /// Whose.
        participant: ParticipantId,
    },
    /// Somebody else speaks loudest, or nobody does.
    Loudest {
        /// In which meeting.
        meeting: MeetingId,
        /// Who.
        participant: Option<ParticipantId>,
    },
    /// An administrator gave a room another name.
    Renamed {
        /// Which room.
        room: RoomId,
        /// Its name now.
        name: DisplayName,
    },
    /// A room may not be here any more.
    RoomRevoked {
        /// Which room.
        room: RoomId,
    },
    /// A virtual meeting room was removed: its meeting ends.
    VmrRemoved {
        /// Which.
        vmr: VmrId,
    },
    /// An administrator ends the meeting in a virtual meeting room; the next one may begin.
    Closed {
        /// Where.
        vmr: VmrId,
    },
    /// The cloud stops: every meeting ends.
    Stopping,
}

/// Why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The room left.
    Left,
    /// The room came in again; the new presence replaces the old one.
    Replaced,
    /// The link was gone for too long.
    LinkLost,
    /// No packet came for too long.
    MediaLost,
    /// The virtual meeting room was removed.
    VmrRemoved,
    /// An administrator ended the meeting; for somebody who waited also: everybody who was in has left.
    Closed,
    /// Somebody turned away who waited. It was never in.
    TurnedAway,
    /// Nobody let in who waited. It was never in.
    NobodyCame,
    /// The room was revoked.
    Revoked,
    /// The cloud stopped.
    CloudStopped,
}

/// Why a visitor gets no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// All seats are taken.
    Full {
        /// How many there are.
        capacity: u32,
    },
    /// The cloud has as many meetings or participants as it may have.
    CloudFull,
    /// As many wait in the lobby as may.
    LobbyFull,
    /// The media node could not open a leg.
    NoLeg,
}

/// Somebody who waits in a lobby, as those see it who may let them in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// What it will be in the meeting.
    pub participant: ParticipantId,
    /// Which room.
    pub room: RoomId,
    /// Its name.
    pub name: DisplayName,
}

/// Everyone who is in a meeting, at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// Grows with every change of the meeting; begins at 1.
    pub revision: u64,
    /// In the order in which they came.
    pub lines: Vec<RosterLine>,
}

/// One participant as the others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterLine {
    /// Who.
    pub participant: ParticipantId,
    /// The name.
    pub name: DisplayName,
    /// Whether it is heard.
    pub microphone: Switch,
    /// Whether it is seen.
    pub camera: Switch,
    /// The source of its audio.
    pub audio: Ssrc,
    /// The source of its video.
    pub video: Ssrc,
}

/// Something that the records keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The first participant is in.
    Started {
        /// Which meeting.
        meeting: MeetingId,
        /// Where.
        vmr: VmrId,
    },
    /// A participant is in.
    Joined(Attendance),
    /// A participant is out.
    Left {
        /// Who.
        room: RoomId,
        /// Which call.
        call: CallId,
        /// Why.
        why: Why,
    },
    /// The last participant is out.
    Ended {
        /// Where.
        vmr: VmrId,
        /// Which meeting.
        meeting: MeetingId,
    },
}

/// Who attends which meeting by which call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendance {
    /// Which meeting.
    pub meeting: MeetingId,
    /// Which call.
    pub call: CallId,
    /// Which room.
    pub room: RoomId,
    /// Its name at that time.
    pub name: DisplayName,
}

/// What to do now, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a leg; answer with [`Input::LegOpened`] or [`Input::LegRefused`].
    OpenLeg {
        /// In which meeting.
        meeting: MeetingId,
        /// For whom.
        participant: ParticipantId,
        /// For which call.
        call: CallId,
    },
    /// Close a leg that was opened.
    CloseLeg {
        /// In which meeting.
        meeting: MeetingId,
        /// Whose.
        participant: ParticipantId,
    },
    /// Tell a room that it is in. Its [`Fact::Joined`] came just before.
    Admitted {
        /// Which call.
        call: CallId,
        /// Which room.
        room: RoomId,
        /// Which participant it is.
        participant: ParticipantId,
        /// Who is there, this room included.
        roster: Roster,
    },
    /// Tell a room that it is not in.
    Refused {
        /// Which call.
        call: CallId,
        /// Which room.
        room: RoomId,
        /// Why.
        why: NotAdmitted,
    },
    /// Tell a room that it waits in the lobby. It is told [`Output::Admitted`] or [`Output::TurnedAway`] later.
    Waits {
        /// By which call.
        call: CallId,
        /// Which room.
        room: RoomId,
    },
    /// Tell a room that has just come back that it still waits.
    StillWaits {
        /// By which call.
        call: CallId,
        /// Which room.
        room: RoomId,
    },
    /// Tell a linked room that it does not wait any more, and is not in.
    TurnedAway {
        /// By which call.
        call: CallId,
        /// Which room.
        room: RoomId,
        /// Why.
        why: Why,
    },
    /// Tell a linked room that may let in who waits now.
    Lobby {
        /// In which call it is.
        call: CallId,
        /// Which room.
        room: RoomId,
        /// In the order in which they came.
        waiting: Vec<Waiter>,
    },
    /// Others wait in a lobby than before.
    LobbyChanged {
        /// Of which meeting room.
        vmr: VmrId,
    },
    /// Tell a room that has just come back that its call goes on.
    Resumed {
        /// Which call.
        call: CallId,
        /// Which room.
        room: RoomId,
        /// Who is there now.
        roster: Roster,
    },
    /// Tell a linked room who is there now.
    Roster {
        /// In which call.
        call: CallId,
        /// Which room.
        room: RoomId,
        /// Who is there.
        roster: Roster,
    },
    /// Tell a linked room who speaks.
    Speaking {
        /// In which call.
        call: CallId,
        /// Which room.
        room: RoomId,
        /// Who speaks.
        participant: Option<ParticipantId>,
    },
    /// Tell a linked room that its call is over, though it did not leave.
    Ended {
        /// Which call.
        call: CallId,
        /// Which room.
        room: RoomId,
        /// Why.
        why: Why,
    },
    /// Keep a fact.
    Record(Fact),
}

/// A meeting as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingSummary {
    /// Which meeting.
    pub meeting: MeetingId,
    /// Where.
    pub vmr: VmrId,
    /// Who is in, in the order in which they came.
    pub attendance: Vec<Attendance>,
    /// Who waits in the lobby, in the order in which they came.
    pub waiting: Vec<Waiter>,
}

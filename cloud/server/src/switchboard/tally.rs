//! What the switchboard counts, for the operator's metrics.
//!
//! Every label is one of a few words that are written here: no name, no address and no id is ever
//! a label, so that the number of series is fixed, whatever comes over the links.

use super::Switchboard;
use conclave_link_protocol::message::{JoinRefusal, Refusal, RoomRequest};
use std::collections::BTreeMap;

/// Counts by word. All words are there from the beginning, at zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(BTreeMap<&'static str, u64>);

impl Words {
    fn of(words: &[&'static str]) -> Words {
        Words(words.iter().map(|word| (*word, 0)).collect())
    }

    fn add(&mut self, word: &'static str) {
        *self.0.entry(word).or_default() += 1;
    }

    /// Each word with its count, in the order of the alphabet.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(word, count)| (*word, *count))
    }

    /// The count of one word.
    pub fn count(&self, word: &str) -> u64 {
        self.0.get(word).copied().unwrap_or(0)
    }
}

/// What happened since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Hellos by how they were greeted: `welcome`, `newcomer`, or why they were refused.
    pub hellos: Words,
    /// Joins by their outcome.
    pub joins: Words,
    /// Calls that ended, by the reason that the records keep.
    pub calls_ended: Words,
    /// Calls that went on over a new link.
    pub calls_resumed: u64,
    /// Parts of rooms that broke, by part.
    pub parts_broken: Words,
    /// Parts of rooms that work again.
    pub parts_mended: u64,
    /// Writings of records that failed and are tried again.
    pub records_failed: u64,
}

/// How things are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauges {
    /// Links of which a hello came and that have not ended.
    pub links: usize,
    /// Enrolled rooms that are linked.
    pub rooms: usize,
    /// Newcomers that show a code.
    pub newcomers: usize,
    /// Meetings that are on, or that somebody is entering.
    pub meetings: usize,
    /// Rooms that are in a meeting, or entering one.
    pub participants: usize,
    /// Rooms that wait in a lobby.
    pub waiting: usize,
    /// PINs that wait for their hash.
    pub pin_checks: usize,
    /// Records that could not be written yet.
    pub records_waiting: usize,
}

/// How a join came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The room is in.
    Joined,
    /// It waits in the lobby; how that comes out is counted again.
    InLobby,
    /// It waited, and is not in.
    NotAdmitted,
    /// It is not, and hears why.
    Refused(JoinRefusal),
    /// The cloud has as many meetings or participants as it may have.
    CloudFull,
    /// The room joins more often than anybody can.
    TooOften,
    /// The media node opened no leg.
    NoLeg,
    /// The database failed.
    NotKept,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Joined => "joined",
            Outcome::InLobby => "in_lobby",
            Outcome::NotAdmitted => "not_admitted",
            Outcome::Refused(JoinRefusal::NotFound) => "not_found",
            Outcome::Refused(JoinRefusal::PinNeeded) => "pin_needed",
            Outcome::Refused(JoinRefusal::WrongPin { .. }) => "wrong_pin",
            Outcome::Refused(JoinRefusal::Wait { .. }) => "locked_out",
            Outcome::Refused(JoinRefusal::TooManyNumbers { .. }) => "too_many_numbers",
            Outcome::Refused(JoinRefusal::Full { .. }) => "meeting_full",
            Outcome::Refused(JoinRefusal::LobbyUnsupported) => "lobby_unsupported",
            Outcome::Refused(JoinRefusal::LobbyFull) => "lobby_full",
            Outcome::Refused(JoinRefusal::Busy | JoinRefusal::Other) => "busy",
            Outcome::CloudFull => "cloud_full",
            Outcome::TooOften => "too_often",
            Outcome::NoLeg => "no_leg",
            Outcome::NotKept => "not_kept",
        }
    }

    /// What the room hears.
    pub(super) fn refusal(self) -> JoinRefusal {
        match self {
            Outcome::Refused(refusal) => refusal,
            _ => JoinRefusal::Busy,
        }
    }
}

/// The parts of a room that have a word of their own.
const PARTS: [&str; 6] = ["camera", "display", "encoder", "loudspeaker", "microphone", "other"];

/// A part's word: what a room calls its parts is its own affair, so others count together.
pub(super) fn part(said: &str) -> &'static str {
    PARTS.into_iter().find(|part| *part == said).unwrap_or("other")
}

/// A request's word.
pub fn kind(request: &RoomRequest) -> &'static str {
    match request {
        RoomRequest::Join(_) => "join",
        RoomRequest::Leave { .. } => "leave",
        RoomRequest::SetMedia { .. } => "set_media",
        RoomRequest::LetIn { .. } | RoomRequest::TurnAway { .. } => "lobby",
        RoomRequest::RenewCertificate => "renew_certificate",
        RoomRequest::Chunk { .. } | RoomRequest::Sums { .. } => "chunk",
        RoomRequest::MayReset { .. } => "may_reset",
        RoomRequest::ResetDone(_) => "reset_done",
        RoomRequest::Deliver(_) => "deliver",
        RoomRequest::Time => "time",
    }
}

impl Tally {
    pub(super) fn new() -> Tally {
        Tally {
            hellos: Words::of(&[
                "welcome",
                "newcomer",
                "revoked",
                "expired",
                "foreign_certificate",
                "version",
                "busy",
                "other",
            ]),
            joins: Words::of(&[
                "joined",
                "in_lobby",
                "not_admitted",
                "lobby_unsupported",
                "lobby_full",
                "not_found",
                "pin_needed",
                "wrong_pin",
                "locked_out",
                "too_many_numbers",
                "meeting_full",
                "busy",
                "cloud_full",
                "too_often",
                "no_leg",
                "not_kept",
            ]),
            calls_ended: Words::of(&[]),
            calls_resumed: 0,
            parts_broken: Words::of(&PARTS),
            parts_mended: 0,
            records_failed: 0,
        }
    }

    pub(super) fn welcomed(&mut self) {
        self.hellos.add("welcome");
    }

    pub(super) fn newcomer(&mut self) {
        self.hellos.add("newcomer");
    }

    pub(super) fn refused(&mut self, reason: Refusal) {
        self.hellos.add(match reason {
            Refusal::Revoked => "revoked",
            Refusal::Expired => "expired",
            Refusal::ForeignCertificate => "foreign_certificate",
            Refusal::Version => "version",
            Refusal::Busy => "busy",
            Refusal::Other => "other",
        });
    }

    pub(super) fn join(&mut self, outcome: Outcome) {
        self.joins.add(outcome.word());
    }

    pub(super) fn ended(&mut self, why: conclave_directory::LeftWhy) {
        self.calls_ended.add(why.as_str());
    }

    pub(super) fn broke(&mut self, part: &'static str) {
        self.parts_broken.add(part);
    }
}

impl Switchboard {
    /// What was counted since the start.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How things are now.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            links: self.links.len(),
            rooms: self.rooms.len(),
            newcomers: self.newcomers.len(),
            meetings: self.meetings.len(),
            participants: self.meetings.participants(),
            waiting: self.meetings.waiting_in_all(),
            pin_checks: self.checks.len(),
            records_waiting: self.unrecorded.len(),
        }
    }
}

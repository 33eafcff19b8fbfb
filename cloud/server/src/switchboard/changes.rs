//! What changed, for consoles that show it: they are told the topic, and ask again.

use super::{Output, Switchboard};
use conclave_types::{OrganisationId, RoomId};
use std::collections::{BTreeMap, BTreeSet};

/// What a console shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Rooms, and how they are.
    Rooms,
    /// Meeting rooms.
    Vmrs,
    /// Meetings that are on.
    Meetings,
    /// Who waits for one of them.
    Lobbies,
    /// Meetings that are to be.
    Appointments,
    /// People, and who is signed in.
    People,
    /// Records of calls.
    Records,
    /// The audit log.
    Audit,
    /// Webhooks, and what they were told.
    Webhooks,
}

impl Topic {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Topic::Rooms => "rooms",
            Topic::Vmrs => "vmrs",
            Topic::Meetings => "meetings",
            Topic::Lobbies => "lobbies",
            Topic::Appointments => "appointments",
            Topic::People => "people",
            Topic::Records => "records",
            Topic::Audit => "audit",
            Topic::Webhooks => "webhooks",
        }
    }

    /// By what the audit log calls an act.
    fn of_act(act: &str) -> Option<Topic> {
        match act.split_once('.')?.0 {
            "room" => Some(Topic::Rooms),
            "vmr" => Some(Topic::Vmrs),
            "meeting" => Some(Topic::Meetings),
            "appointment" => Some(Topic::Appointments),
            "person" | "session" | "entry" => Some(Topic::People),
            "record" => Some(Topic::Records),
            "webhook" => Some(Topic::Webhooks),
            _ => None,
        }
    }
}

/// What changed since it was told last.
#[derive(Debug, Default)]
pub(super) struct Changes(BTreeMap<OrganisationId, BTreeSet<Topic>>);

impl Switchboard {
    pub(super) fn changed(&mut self, whose: OrganisationId, topic: Topic) {
        self.changes_shown.0.entry(whose).or_default().insert(topic);
    }

    /// An act is about to be done.
    pub(super) fn act_changes(&mut self, whose: OrganisationId, act: &str) {
        self.changed(whose, Topic::Audit);
        if let Some(topic) = Topic::of_act(act) {
            self.changed(whose, topic);
        }
    }

    /// A room came, went, or is in another call.
    pub(super) fn room_changed(&mut self, room: RoomId, topics: &[Topic]) {
        if let Some(whose) = self.roster.owner(room) {
            topics.iter().for_each(|topic| self.changed(whose, *topic));
        }
    }

    /// Says it, once for each input.
    pub(super) fn tell_changes(&mut self) {
        for (organisation, topics) in std::mem::take(&mut self.changes_shown).0 {
            let topics = topics.into_iter().collect();
            self.outputs.push_back(Output::Changed { organisation, topics });
        }
    }
}

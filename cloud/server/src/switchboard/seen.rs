//! What rooms said of themselves: which software, which of their parts do not work, how they are, since when they are
//! linked or not.
//!
//! Not kept: a room says it with each link.

use super::{Switchboard, Topic};
use conclave_directory::webhooks::EventKind;
use conclave_link_protocol::message::Condition;
use conclave_types::{RoomId, UnixTime};
use std::collections::{BTreeMap, BTreeSet};

/// The most characters of a room's name for its software that are kept.
const LONGEST_SOFTWARE: usize = 80;

/// Devices of a room that are kept: its cameras, microphones, loudspeakers and displays. A large room has five.
const MOST_DEVICES: usize = 16;

/// The most characters of a device's name that are kept.
const LONGEST_NAME: usize = 80;

/// Troubles of a room that are kept. With those, ten thousand rooms that are all in trouble take 30 MB.
const MOST_TROUBLES: usize = 8;

/// The most characters of one that are kept.
const LONGEST_TROUBLE: usize = 200;

/// Parts of a room as consoles show them; what else a room calls a part of its own is `other`.
const PARTS: [&str; 7] =
    ["camera", "display", "encoder", "heat", "light", "loudspeaker", "microphone"];

/// Of one room.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Since when it is linked, or is not.
    pub(super) since: UnixTime,
    /// Of its last link.
    pub(super) software: String,
    /// Of its last link.
    pub(super) broken: BTreeSet<&'static str>,
    /// Of its present link; `None` until it has said so, and of one that is too old to.
    pub(super) condition: Option<Box<Condition>>,
}

/// Of all that were linked since this cloud started.
pub(super) type AllSeen = BTreeMap<RoomId, Seen>;

impl Switchboard {
    pub(super) fn seen_linked(&mut self, room: RoomId, software: &str) {
        let software =
            software.chars().filter(|c| !c.is_control()).take(LONGEST_SOFTWARE).collect();
        let seen = Seen { since: self.wall, software, broken: BTreeSet::new(), condition: None };
        self.seen.insert(room, seen);
        self.room_changed(room, &[Topic::Rooms]);
        self.tell_of_link(room, EventKind::RoomLinked);
    }

    pub(super) fn seen_leave(&mut self, room: RoomId) {
        if let Some(seen) = self.seen.get_mut(&room) {
            seen.since = self.wall;
            seen.condition = None;
        }
        self.room_changed(room, &[Topic::Rooms]);
        self.tell_of_link(room, EventKind::RoomUnlinked);
    }

    pub(super) fn seen_part(&mut self, room: RoomId, said: &str, working: bool) {
        let Some(seen) = self.seen.get_mut(&room) else { return };
        let part = PARTS.into_iter().find(|part| *part == said).unwrap_or("other");
        let changed = if working { seen.broken.remove(part) } else { seen.broken.insert(part) };
        if changed {
            self.room_changed(room, &[Topic::Rooms]);
        }
    }

    pub(super) fn seen_condition(&mut self, room: RoomId, mut said: Condition) {
        let Some(seen) = self.seen.get_mut(&room) else { return };
        bound(&mut said);
        if seen.condition.as_deref() != Some(&said) {
            seen.condition = Some(Box::new(said));
            self.room_changed(room, &[Topic::Rooms]);
        }
    }

    /// Whether somebody should look after it: it is not linked, or a part of it does not work.
    pub(super) fn needs_somebody(&self, room: RoomId) -> bool {
        !self.rooms.contains_key(&room)
            || self.seen.get(&room).is_some_and(|seen| !seen.broken.is_empty())
    }
}

/// What a room says is kept up to a bound, and without what no console could show.
fn bound(said: &mut Condition) {
    fn cut(text: &mut String, most: usize) {
        *text = text.chars().filter(|c| !c.is_control()).take(most).collect();
    }
    said.devices.truncate(MOST_DEVICES);
    said.devices.shrink_to_fit();
    said.devices.iter_mut().for_each(|device| cut(&mut device.name, LONGEST_NAME));
    said.troubles.truncate(MOST_TROUBLES);
    said.troubles.shrink_to_fit();
    said.troubles.iter_mut().for_each(|trouble| cut(&mut trouble.text, LONGEST_TROUBLE));
}

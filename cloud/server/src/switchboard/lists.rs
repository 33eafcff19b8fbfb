//! Long lists, a part at a time.

use super::Switchboard;
use super::admin::Answered;
use crate::control::{ControlAnswer, Part, RoomCounts, RoomState, TagLine};
use conclave_directory::{RoomStatus, Tag};
use conclave_types::{DisplayName, OrganisationId, RoomId};
use std::collections::BTreeMap;

/// Which rooms of a list.
pub(super) struct Which {
    /// Those that are so.
    pub(super) state: Option<RoomState>,
    /// Those that somebody should look after.
    pub(super) needs: bool,
    /// Those of this group.
    pub(super) group: Option<String>,
    /// Those that have this tag.
    pub(super) tag: Option<Tag>,
}

impl Part {
    /// Says whether one of some texts has what is looked for, in capitals or not.
    pub(super) fn search(&self) -> impl Fn(&[&str]) -> bool + use<> {
        let wanted = self.q.trim().to_lowercase();
        move |texts| {
            wanted.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&wanted))
        }
    }

    /// Of what matches, what is shown; and how many match.
    pub(super) fn of<T>(&self, matching: impl Iterator<Item = T>) -> (Vec<T>, usize) {
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        let most = self.most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let (mut total, mut shown) = (0, Vec::new());
        for each in matching {
            if total >= skip && shown.len() < most {
                shown.push(each);
            }
            total += 1;
        }
        (shown, total)
    }
}

impl Switchboard {
    pub(super) fn room_list(
        &self,
        whose: OrganisationId,
        part: &Part,
        Which { state: wanted, needs, group, tag }: Which,
    ) -> Answered {
        let group = group.map(|called| self.find_group(whose, &called)).transpose()?;
        let mut states = RoomCounts::default();
        let all: Vec<_> = self
            .roster
            .of_organisation(whose)
            .map(|room| {
                let state = self.state_of(room.id, room.status);
                states.count(state);
                let theirs = state != RoomState::Revoked && self.needs_somebody(room.id);
                states.needs += u32::from(theirs);
                (room, state, theirs)
            })
            .collect();
        let found = part.search();
        let matching = all.into_iter().filter(|(room, state, theirs)| {
            let place = self.settings.place(room.id).map_or("", DisplayName::as_str);
            let its = self.settings.group(room.id);
            let tags = self.settings.tags(room.id);
            let mut texts = vec![room.name.as_str(), &room.serial, place];
            texts.extend(tags.iter().map(Tag::as_str));
            wanted.is_none_or(|wanted| wanted == *state)
                && (*theirs || !needs)
                && group.as_ref().is_none_or(|group| its == Some(group))
                && tag.as_ref().is_none_or(|tag| tags.contains(tag))
                && found(&texts)
        });
        let (shown, total) = part.of(matching);
        let rooms = shown.into_iter().map(|(room, ..)| self.room_line(room.clone())).collect();
        Ok(ControlAnswer::Rooms { rooms, total, states })
    }

    /// The tags of rooms that are not revoked.
    pub(super) fn tag_list(&self, whose: OrganisationId) -> Answered {
        let mut counts: BTreeMap<String, TagLine> = BTreeMap::new();
        let rooms = self.roster.of_organisation(whose);
        for room in rooms.filter(|room| room.status == RoomStatus::Active) {
            for tag in self.settings.tags(room.id) {
                let line = TagLine { tag: tag.clone(), rooms: 0 };
                counts.entry(tag.as_str().to_lowercase()).or_insert(line).rooms += 1;
            }
        }
        Ok(ControlAnswer::Tags { tags: counts.into_values().collect() })
    }

    /// How a room is.
    pub(super) fn state_of(&self, room: RoomId, status: RoomStatus) -> RoomState {
        match status {
            RoomStatus::Revoked => RoomState::Revoked,
            RoomStatus::Active if !self.rooms.contains_key(&room) => RoomState::NotLinked,
            RoomStatus::Active if self.meetings.is_in(room) => RoomState::InCall,
            RoomStatus::Active => RoomState::Linked,
        }
    }
}

impl RoomCounts {
    fn count(&mut self, state: RoomState) {
        match state {
            RoomState::Linked => self.linked += 1,
            RoomState::InCall => self.in_call += 1,
            RoomState::NotLinked => self.not_linked += 1,
            RoomState::Revoked => self.revoked += 1,
        }
    }
}

//! How rooms are set: for the organisation, the room's group and the room itself, the nearer counts; what each room has
//! made of it.
//!
//! A room tells with its link which document it follows. When that is not the one it should, or another one is wanted
//! later, it is sent; the room tells again. So a room that was away, or went away in the middle of it, has it with its
//! next link.

use super::admin::Answered;
use super::refused::Refused;
use super::{LinkId, Output, Parts, Switchboard, Topic};
use crate::control::{
    ControlAnswer, ControlRequest, GroupLine, InForce, RefusalCode, RoomSettingsLine, SettingsFor,
    SettingsLine,
};
use conclave_directory::{Group, Place, Room, SettingsOf, StoreError, StoredSettings, Tag};
use conclave_link_protocol::message::{
    CloudEvent, RoomSettings, SettingsDocument, SettingsMark, SettingsReport, WantedSettings,
};
use conclave_types::{Dialling, DisplayName, GroupId, OrganisationId, RoomId};
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;

/// The most groups of an organisation: one for each ten rooms of a large one.
const MOST_GROUPS: usize = 1_000;

/// What is set for one organisation, group or room.
#[derive(Debug, Clone, Default)]
struct Set {
    document: SettingsDocument,
    revision: u32,
}

/// Of a linked room.
#[derive(Debug)]
struct Told {
    report: SettingsReport,
    /// What it was sent last on this link.
    sent: Option<SettingsMark>,
}

/// All that is set, beside the database.
#[derive(Debug, Default)]
pub(super) struct AllSettings {
    set: BTreeMap<SettingsOf, Set>,
    groups: BTreeMap<GroupId, Group>,
    places: BTreeMap<RoomId, Place>,
    told: BTreeMap<RoomId, Told>,
}

impl AllSettings {
    pub(super) fn of(parts: &Parts) -> Result<AllSettings, StoreError> {
        let mut all = AllSettings::default();
        for StoredSettings { of, document, revision } in parts.directory.room_settings()? {
            let document = serde_json::from_str(&document)
                .map_err(|_| StoreError::BadValue { what: "document of settings" })?;
            all.set.insert(of, Set { document, revision });
        }
        all.groups = parts.directory.groups()?.into_iter().map(|group| (group.id, group)).collect();
        all.places = parts.directory.places()?.into_iter().collect();
        Ok(all)
    }

    fn set_for(&self, of: SettingsOf) -> SettingsDocument {
        self.set.get(&of).map(|set| set.document.clone()).unwrap_or_default()
    }

    /// What a setting is set to there, and not elsewhere.
    pub(super) fn value_of(&self, of: SettingsOf, name: &str) -> Option<String> {
        self.set.get(&of)?.document.get(name).map(str::to_owned)
    }

    /// Where a room stands, as far as it was said.
    pub(super) fn place(&self, room: RoomId) -> Option<&DisplayName> {
        self.places.get(&room)?.place.as_ref()
    }

    /// The group that a room is in.
    pub(super) fn group(&self, room: RoomId) -> Option<&Group> {
        self.groups.get(&self.places.get(&room)?.group?)
    }

    /// A room's tags.
    pub(super) fn tags(&self, room: RoomId) -> &[Tag] {
        self.places.get(&room).map_or(&[], |place| &place.tags)
    }

    /// The groups of an organisation.
    pub(super) fn groups_of(&self, whose: OrganisationId) -> impl Iterator<Item = &Group> {
        self.groups.values().filter(move |each| each.organisation == whose)
    }

    /// A group of any organisation.
    pub(super) fn group_with(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// A room belongs there, as the database has it.
    pub(super) fn placed(&mut self, room: RoomId, place: Place) {
        self.places.insert(room, place);
    }

    /// What a room has before anything is set for it alone.
    fn above(&self, whose: OrganisationId, room: RoomId) -> SettingsDocument {
        let organisation = self.set_for(SettingsOf::Organisation(whose));
        match self.group(room) {
            Some(group) => organisation.under(&self.set_for(SettingsOf::Group(group.id))),
            None => organisation,
        }
    }

    /// What a room should be.
    fn wanted(&self, whose: OrganisationId, room: RoomId) -> SettingsDocument {
        self.above(whose, room).under(&self.set_for(SettingsOf::Room(room)))
    }

    pub(super) fn link_ended(&mut self, room: RoomId) {
        self.told.remove(&room);
    }

    pub(super) fn room_gone(&mut self, room: RoomId) {
        self.set.remove(&SettingsOf::Room(room));
        self.places.remove(&room);
    }

    /// Whether a room follows what is wanted of it; `None` while it has said nothing.
    fn in_force(&self, whose: OrganisationId, room: RoomId) -> Option<InForce> {
        let told = self.told.get(&room)?;
        let wanted = self.wanted(whose, room);
        let follows = follows(&told.report, &wanted);
        let said = &told.report.in_force;
        Some(match follows {
            false => InForce::Waits,
            true if wanted.iter().all(|(name, value)| said.get(name) == Some(value)) => {
                InForce::All
            }
            true => InForce::Partly,
        })
    }
}

/// What a document is known by: the first eight octets of the SHA-256 of its JSON, big endian.
fn mark(document: &SettingsDocument) -> SettingsMark {
    let text = serde_json::to_string(document).unwrap_or_default();
    let mut first = [0; 8];
    first.copy_from_slice(&digest(&SHA256, text.as_bytes()).as_ref()[..8]);
    SettingsMark(u64::from_be_bytes(first))
}

/// A room that was never told anything is as one should be of which nothing is wanted.
fn follows(report: &SettingsReport, wanted: &SettingsDocument) -> bool {
    report.mark.map_or(wanted.is_empty(), |its| its == mark(wanted))
}

impl Switchboard {
    pub(super) fn settings_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::SettingsShow { of } => self.show_settings(whose, &of),
            ControlRequest::SettingsSet { of, settings, revision } => {
                self.change_settings(whose, &of, settings, revision)
            }
            ControlRequest::GroupList => {
                let theirs =
                    self.settings.groups.values().filter(|each| each.organisation == whose);
                let mut groups: Vec<_> = theirs.map(|group| self.group_line(group)).collect();
                groups.sort_by_key(|line| line.name.as_str().to_lowercase());
                Ok(ControlAnswer::Groups { groups })
            }
            ControlRequest::GroupAdd { name } => self.add_group(whose, name),
            ControlRequest::GroupRename { group, name } => self.rename_group(whose, &group, name),
            ControlRequest::GroupRemove { group } => self.remove_group(whose, &group),
            ControlRequest::RoomPlace { room, group, place, tags } => {
                self.place_room(whose, &room, group.as_deref(), place, tags)
            }
            request => self.removal_control(whose, request),
        }
    }

    fn settings_of(
        &self,
        whose: OrganisationId,
        of: &SettingsFor,
    ) -> Result<(SettingsOf, Option<Room>), Refused> {
        match of {
            SettingsFor { room: Some(room), .. } => {
                let room = self.find_room(whose, room)?;
                Ok((SettingsOf::Room(room.id), Some(room)))
            }
            SettingsFor { group: Some(group), .. } => {
                Ok((SettingsOf::Group(self.find_group(whose, group)?.id), None))
            }
            SettingsFor { group: None, room: None } => Ok((SettingsOf::Organisation(whose), None)),
        }
    }

    fn show_settings(&self, whose: OrganisationId, of: &SettingsFor) -> Answered {
        let (of, room) = self.settings_of(whose, of)?;
        let all = &self.settings;
        let inherited = match of {
            SettingsOf::Organisation(_) => SettingsDocument::default(),
            SettingsOf::Group(_) => all.set_for(SettingsOf::Organisation(whose)),
            SettingsOf::Room(room) => all.above(whose, room),
        };
        let room = room.map(|room| {
            let report = all.told.get(&room.id).map(|told| &told.report);
            RoomSettingsLine {
                wanted: all.wanted(whose, room.id),
                reported: report.map(|report| report.in_force.clone()),
                not_understood: report.map(|r| r.not_understood.clone()).unwrap_or_default(),
                in_force: all.in_force(whose, room.id),
            }
        });
        let Set { document: own, revision } = all.set.get(&of).cloned().unwrap_or_default();
        Ok(ControlAnswer::Settings {
            settings: Box::new(SettingsLine { own, inherited, revision, room }),
        })
    }

    fn change_settings(
        &mut self,
        whose: OrganisationId,
        called: &SettingsFor,
        settings: SettingsDocument,
        revision: Option<u32>,
    ) -> Answered {
        let (of, _) = self.settings_of(whose, called)?;
        let before = self.settings.set.get(&of).cloned().unwrap_or_default();
        if revision.is_some_and(|known| known != before.revision) {
            return Err(Refused::with(
                RefusalCode::ChangedMeanwhile,
                "somebody else changed these settings meanwhile: look at them, then change them again",
            ));
        }
        check(&settings)?;
        let revision = before.revision.saturating_add(1);
        self.audit("room.settings", of, in_words(&before.document), in_words(&settings));
        let document = serde_json::to_string(&settings)
            .map_err(|_| Refused::because("the settings cannot be written down"))?;
        self.parts.directory.keep_settings(&StoredSettings { of, document, revision })?;
        tracing::info!(%of, revision, "how rooms are set is changed");
        self.settings.set.insert(of, Set { document: settings, revision });
        match of {
            SettingsOf::Room(room) => self.send_settings(room),
            _ => self.send_settings_to_all(whose),
        }
        self.show_settings(whose, called)
    }

    /// Whoever does not follow what is wanted of it now.
    fn send_settings_to_all(&mut self, whose: OrganisationId) {
        let theirs: Vec<RoomId> = self.roster.of_organisation(whose).map(|room| room.id).collect();
        theirs.into_iter().for_each(|room| self.send_settings(room));
    }

    /// Sends a linked room what is wanted of it, unless it follows that or was sent it already.
    fn send_settings(&mut self, room: RoomId) {
        let (Some(link), Some(whose)) = (self.rooms.get(&room).copied(), self.roster.owner(room))
        else {
            return;
        };
        let settings = self.settings.wanted(whose, room);
        let Some(told) = self.settings.told.get_mut(&room) else { return };
        let mark = mark(&settings);
        if told.sent == Some(mark) || (told.sent.is_none() && follows(&told.report, &settings)) {
            return;
        }
        told.sent = Some(mark);
        let event = CloudEvent::Settings(WantedSettings { mark, settings });
        self.outputs.push_back(Output::Send { link, event });
    }

    /// A room says how it is set.
    pub(super) fn settings_told(&mut self, link: LinkId, room: RoomId, mut report: SettingsReport) {
        if self.rooms.get(&room) != Some(&link) {
            return;
        }
        let short = |name: &String| name.len() <= 64 && !name.chars().any(char::is_control);
        report.not_understood.retain(short);
        report.not_understood.truncate(64);
        let before = self.settings.told.get(&room);
        if before.is_some_and(|told| told.report == report) {
            return;
        }
        let sent = before.and_then(|told| told.sent);
        self.settings.told.insert(room, Told { report, sent });
        self.send_settings(room);
        self.room_changed(room, &[Topic::Rooms]);
    }

    /// Whether IT lets this room dial only what its panel lists.
    pub(super) fn dials_listed_only(&self, whose: OrganisationId, room: RoomId) -> bool {
        let (settings, _) = RoomSettings::read(&self.settings.wanted(whose, room));
        settings.dialling == Some(Dialling::Listed)
    }

    pub(super) fn settings_in_force(&self, whose: OrganisationId, room: RoomId) -> Option<InForce> {
        self.settings.in_force(whose, room)
    }

    fn add_group(&mut self, whose: OrganisationId, name: DisplayName) -> Answered {
        let theirs = self.settings.groups.values().filter(|each| each.organisation == whose);
        if theirs.count() >= MOST_GROUPS {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!("there are {MOST_GROUPS} groups, as many as the cloud keeps"),
            ));
        }
        let group = Group { id: GroupId::from_random(self.random()), organisation: whose, name };
        self.audit("room.group_add", group.id, "", &group.name);
        self.parts.directory.add_group(&group)?;
        let line = self.group_line(&group);
        self.settings.groups.insert(group.id, group);
        Ok(ControlAnswer::GroupChanged { group: line })
    }

    fn rename_group(&mut self, whose: OrganisationId, called: &str, name: DisplayName) -> Answered {
        let mut group = self.find_group(whose, called)?;
        self.audit("room.group_rename", group.id, &group.name, &name);
        self.parts.directory.rename_group(group.id, &name)?;
        group.name = name;
        let line = self.group_line(&group);
        self.settings.groups.insert(group.id, group);
        Ok(ControlAnswer::GroupChanged { group: line })
    }

    fn remove_group(&mut self, whose: OrganisationId, called: &str) -> Answered {
        let group = self.find_group(whose, called)?;
        self.audit("room.group_remove", group.id, &group.name, "");
        let line = self.group_line(&group);
        self.parts.directory.remove_group(group.id)?;
        self.settings.groups.remove(&group.id);
        self.settings.set.remove(&SettingsOf::Group(group.id));
        for place in self.settings.places.values_mut() {
            place.group = place.group.filter(|id| *id != group.id);
        }
        self.awaited.group_gone(group.id);
        self.send_settings_to_all(whose);
        Ok(ControlAnswer::GroupRemoved { group: line })
    }

    fn place_room(
        &mut self,
        whose: OrganisationId,
        called: &str,
        group: Option<&str>,
        place: Option<DisplayName>,
        tags: Option<Vec<Tag>>,
    ) -> Answered {
        let room = self.find_room(whose, called)?;
        let group = group.map(|called| self.find_group(whose, called)).transpose()?;
        let tags = match tags {
            Some(tags) => Tag::all_of(tags)
                .map_err(|why| Refused::with(RefusalCode::Tags, why.to_string()))?,
            None => self.settings.tags(room.id).to_vec(),
        };
        let new = Place { group: group.map(|group| group.id), place, tags };
        let words = |place: &Place| {
            let group = place.group.and_then(|id| self.settings.groups.get(&id));
            let group = group.map(|group| group.name.to_string());
            let tags = place.tags.iter().map(|tag| format!("#{tag}"));
            let place = place.place.as_ref().map(ToString::to_string);
            [group, place].into_iter().flatten().chain(tags).collect::<Vec<_>>().join(", ")
        };
        let before = self.settings.places.get(&room.id).map(words).unwrap_or_default();
        let after = words(&new);
        self.audit("room.place", room.id, before, after);
        self.parts.directory.keep_place(room.id, &new)?;
        self.settings.places.insert(room.id, new);
        self.send_settings(room.id);
        Ok(ControlAnswer::RoomPlaced { room: self.room_line(room) })
    }

    /// By id or name. Another organisation's is not there.
    pub(super) fn find_group(&self, whose: OrganisationId, called: &str) -> Result<Group, Refused> {
        let called = called.trim();
        let is_meant = |group: &&Group| match called.parse::<GroupId>() {
            Ok(id) => group.id == id,
            Err(_) => group.name.as_str() == called,
        };
        let mut theirs = self.settings.groups.values().filter(|each| each.organisation == whose);
        theirs.find(is_meant).cloned().ok_or_else(|| {
            Refused::with(
                RefusalCode::Gone,
                format!("there is no group '{called}': see 'conclave-cloud group list'"),
            )
        })
    }

    fn group_line(&self, group: &Group) -> GroupLine {
        let within =
            |room: &&Room| self.settings.group(room.id).is_some_and(|its| its.id == group.id);
        GroupLine {
            group: group.id,
            name: group.name.clone(),
            rooms: self.roster.of_organisation(group.organisation).filter(within).count(),
        }
    }
}

/// Whether each is a setting, and set to what it may be.
fn check(settings: &SettingsDocument) -> Result<(), Refused> {
    let refused = |why: String| Err(Refused::with(RefusalCode::Setting, why));
    let (read, unknown) = RoomSettings::read(settings);
    if let Some(name) = unknown.first() {
        if !RoomSettings::NAMES.contains(&name.as_str()) {
            let names = RoomSettings::NAMES.join(", ");
            return refused(format!("there is no setting '{name}'; there are {names}"));
        }
        return refused(format!("'{name}' cannot be so: {}", may_be(name)));
    }
    match read.time_zone {
        Some(zone) if zone.as_str().parse::<chrono_tz::Tz>().is_err() => {
            refused(format!("'time_zone' cannot be so: {}", may_be("time_zone")))
        }
        _ => Ok(()),
    }
}

/// What a setting may be, in words.
fn may_be(name: &str) -> &'static str {
    match name {
        "language" => "english or french",
        "time_zone" => "the name of a time zone, such as Europe/Paris",
        "layout" => "grid or speaker",
        "dialling" => "any or listed",
        "microphone" | "camera" => "on or off",
        "microphone_limit" => "allowed or off",
        "camera_limit" => "1080p, 720p, 360p or off",
        "brightness" => "20 to 100",
        "quiet_hours" => "from when to when, such as 22:00-06:00",
        _ => "see the guide for integrators",
    }
}

/// For the audit log.
fn in_words(document: &SettingsDocument) -> String {
    document.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

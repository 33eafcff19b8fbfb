//! Devices that are to be rooms: lists of them, and what happens when one of them is here.
//!
//! A device that is known by its key becomes a room by itself with its first link: the key is proof. When another
//! organisation awaits the same key too, nobody gets it by itself. A serial number proves nothing, whoever has read it on a
//! box can say it: such a device still wants the code that its panel shows, typed by somebody who reads it there.

use super::admin::Answered;
use super::refused::Refused;
use super::{Caller, LinkId, Parts, Party, Switchboard, Topic};
use crate::control::{
    AwaitedLine, ControlAnswer, ControlRequest, Keep, ListedDevice, Part, RefusalCode,
};
use crate::device_list::{self, Line, Listed, MOST_LINES, Named, NoList, Wrong};
use conclave_directory::{
    AWAITED_FOR, AwaitedDevice, Device, KeyFingerprint, Place, RoomStatus, StoreError, Tag,
};
use conclave_types::{
    ActivationCode, DisplayName, GroupId, OrganisationId, Redacted, RoomId, UnixTime,
};
use std::collections::{BTreeMap, BTreeSet};

/// The most devices that an organisation awaits: as many as a list has lines.
const MOST_AWAITED: usize = MOST_LINES;

/// The most lines of a list that are shown because they are wrong. Whoever has more of them mends the file first.
const WRONG_SHOWN: usize = 500;

/// The most lines that are shown although they are right: enough to see that the columns are as they were meant.
const RIGHT_SHOWN: usize = 20;

/// The most names of devices in one row of the audit log.
const NAMED_IN_AUDIT: usize = 20;

/// All of them, beside the database.
#[derive(Debug, Default)]
pub(super) struct AllAwaited {
    all: BTreeMap<RoomId, AwaitedDevice>,
    by_device: BTreeMap<Device, BTreeSet<RoomId>>,
}

impl AllAwaited {
    pub(super) fn of(parts: &Parts) -> Result<AllAwaited, StoreError> {
        let mut all = AllAwaited::default();
        parts.directory.awaited()?.into_iter().for_each(|device| all.add(device));
        Ok(all)
    }

    fn add(&mut self, device: AwaitedDevice) {
        self.by_device.entry(device.device.clone()).or_default().insert(device.room);
        self.all.insert(device.room, device);
    }

    pub(super) fn remove(&mut self, room: RoomId) -> Option<AwaitedDevice> {
        let gone = self.all.remove(&room)?;
        if let Some(rooms) = self.by_device.get_mut(&gone.device) {
            rooms.remove(&room);
            if rooms.is_empty() {
                self.by_device.remove(&gone.device);
            }
        }
        Some(gone)
    }

    pub(super) fn group_gone(&mut self, group: GroupId) {
        for device in self.all.values_mut() {
            device.place.group = device.place.group.filter(|id| *id != group);
        }
    }

    /// Who awaits this device at this time.
    fn who_awaits(&self, device: &Device, wall: UnixTime) -> Vec<&AwaitedDevice> {
        let rooms = self.by_device.get(device).into_iter().flatten();
        let all = rooms.filter_map(|room| self.all.get(room));
        all.filter(|each| !is_over(each, wall)).collect()
    }
}

fn is_over(device: &AwaitedDevice, wall: UnixTime) -> bool {
    device.added_at.after(AWAITED_FOR) <= wall
}

impl Switchboard {
    pub(super) fn awaited_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::DevicesAwait { list, keep } => self.await_devices(whose, &list.0, keep),
            ControlRequest::AwaitedList { part } => Ok(self.awaited_list(whose, &part)),
            ControlRequest::AwaitedClaim { device, code } => {
                self.claim_awaited(whose, &device, code)
            }
            ControlRequest::AwaitedWithdraw { device } => {
                let device = self.find_awaited(whose, &device)?;
                self.audit("room.await_no_more", device.room, in_words(&device), "");
                self.parts.directory.await_no_more(device.room)?;
                self.awaited.remove(device.room);
                let device = Box::new(self.awaited_line(&device, 0));
                Ok(ControlAnswer::AwaitedWithdrawn { device })
            }
            ControlRequest::Search { q } => self.search(whose, q),
            request => self.api_token_control(whose, request),
        }
    }

    /// Looks at a list, and awaits what is to be awaited of it.
    fn await_devices(&mut self, whose: OrganisationId, list: &str, keep: Keep) -> Answered {
        let lines = device_list::read(list)?;
        let (right, mut shown) = self.judged(whose, lines);
        let wrong = shown.len();
        shown.truncate(WRONG_SHOWN);
        shown.extend(right.iter().take(RIGHT_SHOWN).map(|(line, _)| written(line, Vec::new())));
        let count = right.len();
        let devices: Vec<_> = match keep {
            Keep::All if wrong > 0 => Vec::new(),
            Keep::None => Vec::new(),
            Keep::All | Keep::Right => {
                right.into_iter().map(|(_, wanted)| self.awaited_device(whose, wanted)).collect()
            }
        };
        let kept = devices.len();
        if kept > 0 {
            self.keep_awaited(whose, devices)?;
        }
        Ok(ControlAnswer::DevicesRead { right: count, wrong, kept, lines: shown })
    }

    /// The lines that are right as they would be kept, and those that are not as they are shown.
    fn judged(
        &self,
        whose: OrganisationId,
        lines: Vec<Line>,
    ) -> (Vec<(Line, Wanted)>, Vec<ListedDevice>) {
        let active = |room: &&conclave_directory::Room| room.status == RoomStatus::Active;
        let rooms = self.roster.of_organisation(whose).filter(active).map(|room| &room.name);
        let theirs = self.awaited.all.values().filter(|each| each.organisation == whose);
        let names: BTreeSet<&DisplayName> = rooms.chain(theirs.map(|each| &each.name)).collect();
        let keys: BTreeSet<KeyFingerprint> =
            self.roster.all().filter(active).map(|room| room.key).collect();
        let groups: BTreeMap<String, GroupId> = self
            .settings
            .groups_of(whose)
            .flat_map(|group| {
                [(group.name.to_string(), group.id), (group.id.to_string(), group.id)]
            })
            .collect();
        let (mut right, mut shown) = (Vec::new(), Vec::new());
        for line in lines {
            let listed = match &line.read {
                Ok(listed) => listed.clone(),
                Err(wrong) => {
                    shown.push(written(&line, wrong.clone()));
                    continue;
                }
            };
            let Listed { name, device, place, group, tags } = listed;
            let mut wrong = Vec::new();
            if names.contains(&name) {
                wrong.push(Wrong::NameTaken);
            }
            let device = match device {
                Named::Key(key) => KeyFingerprint::from_hex(&key).map(Device::Key),
                Named::Serial(serial) => Device::with_serial(&serial),
            };
            let group = group.map(|called| groups.get(&called).copied());
            if group == Some(None) {
                wrong.push(Wrong::Group);
            }
            let Some(device) = device else {
                shown.push(written(&line, vec![Wrong::Device]));
                continue;
            };
            if matches!(&device, Device::Key(key) if keys.contains(key)) {
                wrong.push(Wrong::Enrolled);
            }
            let mut awaits = self.awaited.by_device.get(&device).into_iter().flatten();
            if awaits
                .any(|room| self.awaited.all.get(room).is_some_and(|a| a.organisation == whose))
            {
                wrong.push(Wrong::Awaited);
            }
            if wrong.is_empty() {
                let place = Place { group: group.flatten(), place, tags };
                right.push((line, Wanted { name, device, place }));
            } else {
                shown.push(written(&line, wrong));
            }
        }
        (right, shown)
    }

    fn awaited_device(&mut self, whose: OrganisationId, wanted: Wanted) -> AwaitedDevice {
        let Wanted { name, device, place } = wanted;
        AwaitedDevice {
            room: RoomId::from_random(self.random()),
            organisation: whose,
            name,
            device,
            place,
            added_at: self.wall,
            added_by: self.asking.as_ref().map(|by| by.who.clone()).unwrap_or_default(),
        }
    }

    fn keep_awaited(
        &mut self,
        whose: OrganisationId,
        devices: Vec<AwaitedDevice>,
    ) -> Result<(), Refused> {
        let before = self.awaited.all.values().filter(|each| each.organisation == whose).count();
        if before + devices.len() > MOST_AWAITED {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!(
                    "{before} devices are awaited, and {MOST_AWAITED} may be: withdraw some first"
                ),
            ));
        }
        let names = devices.iter().take(NAMED_IN_AUDIT).map(in_words).collect::<Vec<_>>();
        let more = if names.len() < devices.len() { "; …" } else { "" };
        let after = format!("{} devices: {}{more}", devices.len(), names.join("; "));
        self.audit("room.await", "", "", after);
        self.parts.directory.await_devices(&devices)?;
        tracing::info!(devices = devices.len(), "devices are awaited");
        let awaited: BTreeSet<Device> = devices.iter().map(|each| each.device.clone()).collect();
        devices.into_iter().for_each(|device| self.awaited.add(device));
        // Some may show their codes already.
        let by = self.asking.take();
        let is_awaited = |key| awaited.contains(&Device::Key(key));
        let here = self.newcomers.iter().filter(|(key, _)| is_awaited(**key));
        let here: Vec<LinkId> = here.map(|(_, link)| *link).collect();
        here.into_iter().for_each(|link| self.enrol_if_awaited(link));
        self.asking = by;
        Ok(())
    }

    /// A newcomer is here. When one organisation alone awaits its key, it is a room of that.
    pub(super) fn enrol_if_awaited(&mut self, link: LinkId) {
        let Some(Party::Newcomer { key, .. }) = self.links.get(&link) else { return };
        let key = *key;
        let awaited = match self.awaited.who_awaits(&Device::Key(key), self.wall)[..] {
            [alone] => alone.clone(),
            _ => return,
        };
        let source = Redacted("awaited by its key".to_owned());
        let (whose, name) = (awaited.organisation, awaited.name.clone());
        self.asking = Some(Caller { organisation: whose, who: awaited.added_by.clone(), source });
        let enrolled = self.enrol(whose, link, &name, Some(awaited));
        self.settle(enrolled.is_ok());
        if let Err(Refused { reason, .. }) = enrolled {
            // It waits with its code, and the list of those that are awaited says so.
            tracing::warn!(?key, reason, "a device that is awaited cannot be enrolled by itself");
        }
    }

    fn claim_awaited(
        &mut self,
        whose: OrganisationId,
        called: &str,
        code: ActivationCode,
    ) -> Answered {
        let awaited = self.find_awaited(whose, called)?;
        let link = self.newcomer_with(code)?;
        if self.awaited_at(whose, link).map(|each| each.room) != Some(awaited.room) {
            return Err(Refused::with(
                RefusalCode::OtherDevice,
                format!(
                    "the panel with this code is not that of '{}': compare the serial number on it, or \
                     add the room by its code alone",
                    awaited.name
                ),
            ));
        }
        let name = awaited.name.clone();
        let room = self.enrol(whose, link, &name, Some(awaited))?;
        Ok(ControlAnswer::RoomClaimed { room: self.room_line(room) })
    }

    /// Under what the organisation awaits the newcomer at this link: by its key, or by what it says that its serial number is.
    pub(super) fn awaited_at(&self, whose: OrganisationId, link: LinkId) -> Option<&AwaitedDevice> {
        let Some(Party::Newcomer { key, serial, .. }) = self.links.get(&link) else { return None };
        known_as(*key, serial)
            .find_map(|device| {
                let awaits = self.awaited.who_awaits(&device, self.wall);
                awaits.iter().find(|each| each.organisation == whose).map(|each| each.room)
            })
            .and_then(|room| self.awaited.all.get(&room))
    }

    /// A newcomer came or goes: whoever awaits it is shown whether it is here.
    pub(super) fn awaited_moved(&mut self, link: LinkId) {
        let Some(Party::Newcomer { key, serial, .. }) = self.links.get(&link) else { return };
        let theirs: BTreeSet<OrganisationId> = known_as(*key, serial)
            .flat_map(|device| self.awaited.who_awaits(&device, self.wall))
            .map(|each| each.organisation)
            .collect();
        theirs.into_iter().for_each(|whose| self.changed(whose, Topic::Rooms));
    }

    fn awaited_list(&self, whose: OrganisationId, part: &Part) -> ControlAnswer {
        let mut here: BTreeMap<Device, usize> = BTreeMap::new();
        for link in self.newcomers.values() {
            if let Some(Party::Newcomer { key, serial, .. }) = self.links.get(link) {
                known_as(*key, serial).for_each(|device| *here.entry(device).or_default() += 1);
            }
        }
        let found = part.search();
        let mut matching: Vec<&AwaitedDevice> = self
            .awaited
            .all
            .values()
            .filter(|each| each.organisation == whose && !is_over(each, self.wall))
            .filter(|each| {
                let mut texts = vec![each.name.as_str()];
                texts.extend(each.place.place.as_ref().map(DisplayName::as_str));
                texts.extend(each.place.tags.iter().map(Tag::as_str));
                let device = match &each.device {
                    Device::Key(key) => key.to_string(),
                    Device::Serial(serial) => serial.clone(),
                };
                texts.push(&device);
                found(&texts)
            })
            .collect();
        // Those that somebody can do something about come first.
        let of = |each: &AwaitedDevice| here.get(&each.device).copied().unwrap_or_default();
        matching.sort_by_cached_key(|each| {
            (of(each) == 0, each.name.as_str().to_lowercase(), each.room)
        });
        let (shown, total) = part.of(matching.into_iter());
        let devices = shown.into_iter().map(|each| self.awaited_line(each, of(each))).collect();
        ControlAnswer::AwaitedDevices { devices, total }
    }

    fn awaited_line(&self, device: &AwaitedDevice, here: usize) -> AwaitedLine {
        let (key, serial) = match &device.device {
            Device::Key(key) => (Some(key.to_string()), None),
            Device::Serial(serial) => (None, Some(serial.clone())),
        };
        let group = device.place.group.and_then(|id| self.settings.group_with(id));
        AwaitedLine {
            room: device.room,
            name: device.name.clone(),
            key,
            serial,
            group: group.map(|group| group.name.clone()),
            place: device.place.place.clone(),
            tags: device.place.tags.clone(),
            added_at: device.added_at,
            until: device.added_at.after(AWAITED_FOR),
            here,
        }
    }

    /// By the id of the room that it is to be, or by its name. Another organisation's is not there.
    fn find_awaited(&self, whose: OrganisationId, called: &str) -> Result<AwaitedDevice, Refused> {
        let id = called.parse::<RoomId>().ok();
        let is_meant = |each: &&AwaitedDevice| match id {
            Some(id) => each.room == id,
            None => each.name.as_str() == called.trim(),
        };
        let mut theirs = self.awaited.all.values().filter(|each| each.organisation == whose);
        theirs.find(is_meant).cloned().ok_or_else(|| {
            Refused::with(
                RefusalCode::Gone,
                format!("no device '{called}' is awaited: see 'conclave-cloud awaited list'"),
            )
        })
    }

    /// Once a day: those that never came.
    pub(super) fn remove_old_awaited(&mut self) -> Result<(), StoreError> {
        let before = UnixTime(self.wall.0.saturating_sub(AWAITED_FOR.as_secs()));
        if self.parts.directory.await_no_more_since(before)? > 0 {
            let all = self.awaited.all.values();
            let over: Vec<RoomId> =
                all.filter(|each| each.added_at < before).map(|each| each.room).collect();
            over.into_iter().for_each(|room| drop(self.awaited.remove(room)));
        }
        Ok(())
    }
}

/// A line that is right.
struct Wanted {
    name: DisplayName,
    device: Device,
    place: Place,
}

fn known_as(key: KeyFingerprint, serial: &str) -> impl Iterator<Item = Device> + use<> {
    [Some(Device::Key(key)), Device::with_serial(serial)].into_iter().flatten()
}

fn written(line: &Line, wrong: Vec<Wrong>) -> ListedDevice {
    let (name, device) = (line.name.clone(), line.device.clone());
    ListedDevice { line: line.number, name, device, wrong }
}

fn in_words(device: &AwaitedDevice) -> String {
    match &device.device {
        Device::Key(key) => format!("{}, key {key}", device.name),
        Device::Serial(serial) => format!("{}, serial number {serial}", device.name),
    }
}

impl From<NoList> for Refused {
    fn from(no_list: NoList) -> Refused {
        let (code, reason) = match no_list {
            NoList::TooLong => (
                RefusalCode::ListTooLong,
                format!(
                    "a list has at most {MOST_LINES} lines and {} MiB: divide it into several",
                    device_list::LONGEST >> 20
                ),
            ),
            NoList::NotText => (
                RefusalCode::ListNotText,
                "the list is not written in UTF-8: save it as 'CSV UTF-8'".to_owned(),
            ),
            NoList::Columns(word) => (
                RefusalCode::ListColumns,
                format!(
                    "the first line names the columns: name, serial or key, and place, group, tags where \
                     they are wanted, each once; look at '{word}'"
                ),
            ),
            NoList::Empty => (
                RefusalCode::ListEmpty,
                "the list has no line below the one that names the columns".to_owned(),
            ),
        };
        Refused::with(code, reason)
    }
}

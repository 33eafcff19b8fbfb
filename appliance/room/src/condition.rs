//! How the room is, for whoever looks after it: what the shell sees of its devices and its machine, with what the media
//! path said of them.
//!
//! All of it is told with each link, and again when it changes, but not more often than [`PACE`]; what only trembles is
//! no change.

use crate::media::MediaPart;
use crate::room::{Output, Room};
use conclave_link_protocol::message::{
    Condition as Told, DeviceKind, DeviceState, DiskSpace, PastTrouble, RoomDevice, RoomEvent,
};
use conclave_types::Time;
use std::time::Duration;

/// Between two words of how the room is. Ten thousand rooms that all tremble are 330 messages a second for their cloud;
/// shorter, and nobody at a console reads any faster.
const PACE: Duration = Duration::from_secs(30);

/// Degrees by which it has to be warmer or cooler than was told. Smaller, and a fan that goes on and off is told.
const WARMER: u16 = 2;

/// Parts of the disk by which its free space has to differ from what was told: a hundredth.
const DISK_PARTS: u64 = 100;

/// What the shell sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vitals {
    /// The devices that the configuration names, as their drivers call them.
    pub devices: Vec<(MediaPart, String)>,
    /// How many panels draw.
    pub panels: u8,
    /// In degrees Celsius; `None` where nothing measures it.
    pub temperature_c: Option<i16>,
    /// Of the partition with the data folder.
    pub disk: Option<DiskSpace>,
    /// What went wrong last, the newest first.
    pub troubles: Vec<PastTrouble>,
}

/// What is known, and what was told of it.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    /// `None` until the shell has looked.
    vitals: Option<Vitals>,
    /// What the media path said last.
    parts: Vec<(MediaPart, DeviceState)>,
    /// On this link, and when.
    told: Option<(Told, Time)>,
    /// When what has changed since may be told.
    due: Option<Time>,
}

impl Condition {
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.due
    }

    pub(crate) fn seen(&mut self, vitals: Vitals) {
        self.vitals = Some(vitals);
    }

    pub(crate) fn part(&mut self, part: MediaPart, working: bool) {
        let state = if working { DeviceState::Working } else { DeviceState::Broken };
        self.parts.retain(|(known, _)| *known != part);
        self.parts.push((part, state));
    }

    /// The cloud on the new link knows nothing.
    pub(crate) fn link_up(&mut self) {
        self.told = None;
    }

    /// There is nobody to be told.
    pub(crate) fn nobody_listens(&mut self) {
        (self.told, self.due) = (None, None);
    }

    /// Whether a panel draws, as far as the shell has looked.
    pub(crate) fn has_panel(&self) -> bool {
        self.vitals.as_ref().is_some_and(|vitals| vitals.panels > 0)
    }

    fn now(&self) -> Option<Told> {
        let vitals = self.vitals.as_ref()?;
        let device = |(part, name): &(MediaPart, String)| {
            let kind = match part {
                MediaPart::Camera => DeviceKind::Camera,
                MediaPart::Microphone => DeviceKind::Microphone,
                MediaPart::Loudspeaker => DeviceKind::Loudspeaker,
                MediaPart::Display => DeviceKind::Display,
                MediaPart::Encoder => DeviceKind::Other,
            };
            let state = self.parts.iter().find(|(known, _)| known == part);
            let state = state.map_or(DeviceState::Unknown, |(_, state)| *state);
            RoomDevice { kind, name: name.clone(), state }
        };
        Some(Told {
            devices: vitals.devices.iter().map(device).collect(),
            panels: vitals.panels,
            temperature_c: vitals.temperature_c,
            disk: vitals.disk,
            troubles: vitals.troubles.clone(),
        })
    }

    /// What is to be told now, if anything.
    fn news(&mut self, now: Time) -> Option<Told> {
        let new = self.now()?;
        self.due = None;
        if let Some((told, at)) = &self.told {
            if !differs(told, &new) {
                return None;
            }
            if now < *at + PACE {
                self.due = Some(*at + PACE);
                return None;
            }
        }
        self.told = Some((new.clone(), now));
        Some(new)
    }
}

/// Whether something has changed, and did not only tremble.
fn differs(told: &Told, new: &Told) -> bool {
    let temperature_c = match (told.temperature_c, new.temperature_c) {
        (Some(before), Some(after)) if before.abs_diff(after) < WARMER => Some(before),
        (_, after) => after,
    };
    let disk = match (told.disk, new.disk) {
        (Some(before), Some(after))
            if before.size == after.size
                && before.free.abs_diff(after.free) < after.size / DISK_PARTS =>
        {
            Some(before)
        }
        (_, after) => after,
    };
    *told != Told { temperature_c, disk, ..new.clone() }
}

impl Room {
    pub(crate) fn tell_condition(&mut self, now: Time) {
        if let Some(news) = self.condition.news(now) {
            self.want(Output::Tell(RoomEvent::Condition(news)));
        }
    }

    /// The state of its machines, a line for each, for support. Names and numbers in it are tags or left out.
    pub fn summary(&self) -> Vec<String> {
        let parts: Vec<_> = self.condition.parts.iter().collect();
        vec![
            format!("call: {}", self.call_in_words()),
            format!("link: {:?}, enrolled: {}", self.link, self.name().is_some()),
            format!("parts: {parts:?}, not working: {:?}", self.faults()),
            format!("board: {:?}, light {:?}", self.board(), self.light()),
            format!(
                "panel: notice {:?}, of use since {} s, quiet: {}",
                self.notice,
                self.of_use_at.since(Time::ZERO).as_secs(),
                self.is_quiet()
            ),
            format!("settings: {:?}", self.told),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;
    use crate::media::MediaEvent;
    use crate::room::tests::{CLOUD, at, in_call, linked, outputs, welcome};
    use conclave_types::UnixTime;

    fn vitals(temperature_c: i16, free: u64) -> Vitals {
        Vitals {
            devices: vec![(MediaPart::Camera, "HD Pro".to_owned())],
            panels: 1,
            temperature_c: Some(temperature_c),
            disk: Some(DiskSpace { free, size: 1_000 }),
            troubles: Vec::new(),
        }
    }

    fn told(room: &mut Room, seconds: u64, vitals: &Vitals) -> Option<Told> {
        room.handle(at(seconds), Input::Vitals(vitals.clone()));
        outputs(room).into_iter().find_map(|output| match output {
            Output::Tell(RoomEvent::Condition(told)) => Some(told),
            _ => None,
        })
    }

    #[test]
    fn it_is_told_with_each_link_and_when_it_changes_at_a_pace() {
        let mut room = linked();
        let first = told(&mut room, 1, &vitals(40, 500)).unwrap();
        assert_eq!(first.devices[0].state, DeviceState::Unknown);
        assert_eq!((first.panels, first.temperature_c), (1, Some(40)));
        let part = MediaPart::Camera;
        let event = MediaEvent::Part { part, working: false, detail: "unplugged".to_owned() };
        room.handle(at(2), Input::Media(event));
        assert_eq!(told(&mut room, 3, &vitals(40, 500)), None, "not yet");
        assert_eq!(room.deadline(), Some(at(31)));
        let second = told(&mut room, 31, &vitals(40, 500)).unwrap();
        assert_eq!(second.devices[0].state, DeviceState::Broken);
        assert_eq!(told(&mut room, 90, &vitals(40, 500)), None, "nothing changed");
        room.handle(at(91), Input::LinkUp { greeting: welcome(), cloud: CLOUD });
        assert_eq!(told(&mut room, 91, &vitals(40, 500)), Some(second), "the link is new");
    }

    #[test]
    fn what_only_trembles_is_not_told() {
        let mut room = linked();
        told(&mut room, 0, &vitals(40, 500)).unwrap();
        assert_eq!(told(&mut room, 100, &vitals(41, 495)), None);
        assert_eq!(told(&mut room, 100, &vitals(39, 509)), None);
        assert_eq!(told(&mut room, 200, &vitals(42, 500)).unwrap().temperature_c, Some(42));
        assert_eq!(told(&mut room, 300, &vitals(41, 500)), None);
        assert!(told(&mut room, 400, &vitals(42, 490)).is_some());
        let trouble = PastTrouble { at: UnixTime(9), text: "the link is down".to_owned() };
        let mut with = vitals(42, 490);
        with.troubles.push(trouble);
        assert!(told(&mut room, 500, &with).is_some());
        with.temperature_c = None;
        assert!(told(&mut room, 600, &with).is_some(), "nothing measures it any more");
    }

    #[test]
    fn a_room_without_a_link_tells_nothing_and_no_summary_holds_a_name() {
        let mut room = in_call();
        outputs(&mut room);
        let words = room.summary().join("\n");
        for private in ["Ada", "Voltaire", "4711", "2468"] {
            assert!(!words.contains(private), "{private} stands in {words}");
        }
        assert!(words.starts_with("call: up"), "{words}");
        let trouble = crate::LinkTrouble::Unreachable;
        room.handle(at(9), Input::LinkDown { trouble, retry_in: Duration::from_secs(9) });
        outputs(&mut room);
        assert_eq!(told(&mut room, 10, &vitals(40, 500)), None);
    }
}

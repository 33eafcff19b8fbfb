//! One room in plain words: a line for each thing that is known of it.

use super::print::{date, state};
use crate::control::{OrderLine, OrderState, ParcelKind, RoomLine};
use conclave_link_protocol::message::{Condition, DeviceKind, DeviceState, DiskSpace, RoomDevice};
use std::fmt::Write;

/// The room, for people.
pub(super) fn words(room: &RoomLine) -> String {
    let mut text = String::new();
    let mut say = |name: &str, what: &str| {
        let _ = writeln!(text, "{name:<18} {what}");
    };
    say("Name", room.name.as_str());
    say("State", state(room));
    if let Some(since) = room.since {
        say("Since", &date(since));
    }
    if !room.broken.is_empty() {
        say("Does not work", &room.broken.join(", "));
    }
    say("Group", room.group.as_ref().map_or("-", |group| group.as_str()));
    say("Place", room.place.as_ref().map_or("-", |place| place.as_str()));
    say("Software", room.software.as_deref().unwrap_or("-"));
    say("Serial number", &room.serial);
    say("Certificate until", &date(room.certificate_expires));
    say("Id", &room.room.to_string());
    if let Some(condition) = &room.condition {
        how_it_is(condition, &mut say);
    }
    if let Some(order) = &room.order {
        say("Last order", &fate(order));
    }
    for parcel in &room.parcels {
        let what = match parcel.what {
            ParcelKind::Logs => "logs",
            ParcelKind::PanelPicture => "panel-picture",
        };
        let words = format!(
            "{what} of {}, {} octets: conclave-cloud room parcel '{}' {what} --to FILE",
            date(parcel.at),
            parcel.size,
            room.name
        );
        say("Sent", &words);
    }
    text
}

fn how_it_is(condition: &Condition, say: &mut impl FnMut(&str, &str)) {
    let Condition { devices, panels, temperature_c, disk, troubles } = condition;
    for RoomDevice { kind, name, state } in devices {
        let kind = match kind {
            DeviceKind::Camera => "Camera",
            DeviceKind::Microphone => "Microphone",
            DeviceKind::Loudspeaker => "Loudspeaker",
            DeviceKind::Display => "Display",
            DeviceKind::Other => "Device",
        };
        let state = match state {
            DeviceState::Working => "works",
            DeviceState::Broken => "does not work",
            DeviceState::Unknown => "not known yet",
        };
        say(kind, &format!("{name}: {state}"));
    }
    say("Touch panel", if *panels > 0 { "works" } else { "none draws" });
    if let Some(degrees) = temperature_c {
        say("Temperature", &format!("{degrees} °C"));
    }
    if let Some(DiskSpace { free, size }) = disk {
        say("Disk", &format!("{} MB of {} MB free", free / 1_000_000, size / 1_000_000));
    }
    for trouble in troubles {
        say("Went wrong", &format!("{}: {}", date(trouble.at), trouble.text));
    }
}

fn fate(order: &OrderLine) -> String {
    let state = match order.state {
        OrderState::Sent => "on its way",
        OrderState::Done => "done",
        OrderState::InCall => "not done: people meet in the room",
        OrderState::NotNow => "not done: somebody types a code at the panel; try again in a minute",
        OrderState::Failed => "the room could not do it: look at what went wrong there",
        OrderState::NotKept => {
            "the room sent it, and the cloud could not keep it: has its disk space left?"
        }
        OrderState::NotKnown => "the room did not answer; its software may be too old: update it",
        OrderState::LinkEnded => "the link ended before the room answered: try again",
    };
    format!("{}, {}: {state}", order.order, date(order.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::RoomState;
    use conclave_link_protocol::message::PastTrouble;
    use conclave_types::{RoomId, UnixTime};

    #[test]
    fn everything_that_is_known_of_a_room_has_its_line() {
        let at = UnixTime(1_795_369_800);
        let condition = Condition {
            devices: vec![RoomDevice {
                kind: DeviceKind::Camera,
                name: "HD Pro".to_owned(),
                state: DeviceState::Broken,
            }],
            panels: 1,
            temperature_c: Some(48),
            disk: Some(DiskSpace { free: 2_000_000_000, size: 8_000_000_000 }),
            troubles: vec![PastTrouble { at, text: "no link".to_owned() }],
        };
        let order = OrderLine { order: "logs".to_owned(), at, state: OrderState::NotNow };
        let room = RoomLine {
            mark: String::new(),
            room: RoomId::from_random(1),
            name: "Room Ada".parse().unwrap(),
            serial: "A7".to_owned(),
            state: RoomState::Linked,
            enrolled_at: at,
            certificate_expires: at,
            since: Some(at),
            group: None,
            place: None,
            tags: Vec::new(),
            settings: None,
            order: Some(Box::new(order)),
            software: Some("conclave-roomd 0.1.0".to_owned()),
            broken: vec!["camera".to_owned()],
            condition: Some(Box::new(condition)),
            parcels: Vec::new(),
        };
        let text = words(&room);
        for line in [
            "Camera             HD Pro: does not work",
            "Temperature        48 °C",
            "Disk               2000 MB of 8000 MB free",
            "Went wrong         2026-11-22 17:50 UTC: no link",
            "Touch panel        works",
        ] {
            assert!(text.lines().any(|each| each == line), "{line}\n{text}");
        }
        assert!(text.contains("not done: somebody types a code"), "{text}");
    }
}

//! Answers about settings and groups of rooms in plain words.

use super::print::table;
use crate::control::{ControlAnswer, GroupLine, InForce, RoomSettingsLine, SettingsLine};
use conclave_link_protocol::message::RoomSettings;

/// An answer for people.
pub(super) fn words(answer: &ControlAnswer) -> String {
    match answer {
        ControlAnswer::RoomPlaced { room } => {
            let group = room.group.as_ref().map(|name| format!("in the group '{name}'"));
            let place = room.place.as_ref().map(|name| format!("at '{name}'"));
            let mut words: Vec<String> = [group, place].into_iter().flatten().collect();
            if !room.tags.is_empty() {
                let tags: Vec<String> = room.tags.iter().map(|tag| format!("#{tag}")).collect();
                words.push(format!("tagged {}", tags.join(" ")));
            }
            match words.is_empty() {
                true => format!("The room '{}' is in no group.", room.name),
                false => format!("The room '{}' is {}.", room.name, words.join(", ")),
            }
        }
        ControlAnswer::RoomOrdered { room } => format!(
            "The room '{name}' is told. What comes of it: conclave-cloud room show '{name}'",
            name = room.name
        ),
        ControlAnswer::RoomParcel { parcel, .. } => {
            format!("{} octets, of {}.", parcel.size, super::print::date(parcel.at))
        }
        ControlAnswer::Groups { groups } => group_table(groups),
        ControlAnswer::GroupChanged { group } => format!(
            "The group '{name}' is there. Put rooms into it: conclave-cloud room place ROOM --group \
             '{name}'",
            name = group.name
        ),
        ControlAnswer::GroupRemoved { group } => {
            format!(
                "The group '{}' is removed, and its settings with it. Its rooms stay.",
                group.name
            )
        }
        ControlAnswer::Settings { settings } => settings_table(settings),
        answer => super::print_resets::words(answer),
    }
}

fn group_table(groups: &[GroupLine]) -> String {
    if groups.is_empty() {
        return "There is no group yet. Make one: conclave-cloud group add NAME".to_owned();
    }
    let row = |group: &GroupLine| {
        vec![group.name.to_string(), group.rooms.to_string(), group.group.to_string()]
    };
    table(&["NAME", "ROOMS", "ID"], groups.iter().map(row))
}

fn settings_table(settings: &SettingsLine) -> String {
    let SettingsLine { own, inherited, room, .. } = settings;
    let rows = RoomSettings::NAMES.iter().map(|name| {
        let shown = |value: Option<&str>| value.unwrap_or("-").to_owned();
        let mut row = vec![(*name).to_owned(), shown(own.get(name)), shown(inherited.get(name))];
        if let Some(room) = room {
            row.push(shown(room.reported.as_ref().and_then(|said| said.get(name))));
        }
        row
    });
    let head: &[&str] = match room {
        Some(_) => &["SETTING", "SET HERE", "INHERITED", "IN THE ROOM"],
        None => &["SETTING", "SET HERE", "INHERITED"],
    };
    let mut text = table(head, rows);
    if let Some(room) = room {
        text.push_str(state(room));
    }
    text
}

fn state(room: &RoomSettingsLine) -> &'static str {
    match room.in_force {
        Some(InForce::All) => "The room has confirmed all of it.",
        Some(InForce::Waits) => "The room has been told and has not confirmed it yet.",
        Some(InForce::Partly) if room.not_understood.is_empty() => {
            "The room has it; somebody at its panel chose otherwise."
        }
        Some(InForce::Partly) => {
            "The room has it and does not understand all of it: its software is older. Update it."
        }
        None => {
            "The room is not linked, or its software is too old to say; it is told with its next link."
        }
    }
}

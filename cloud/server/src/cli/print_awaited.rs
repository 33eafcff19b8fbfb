//! Answers about devices that are to be rooms in plain words.

use super::print::{date, table};
use crate::control::{AwaitedLine, ControlAnswer, ListedDevice, TagLine};
use crate::device_list::Wrong;
use conclave_directory::Tag;
use std::fmt::Write;

/// An answer for people.
pub(super) fn words(answer: &ControlAnswer) -> String {
    match answer {
        ControlAnswer::DevicesRead { right, wrong, kept, lines } => {
            read(*right, *wrong, *kept, lines)
        }
        ControlAnswer::AwaitedDevices { devices, .. } => awaited_table(devices),
        ControlAnswer::AwaitedWithdrawn { device } => format!(
            "The device of '{}' is not awaited any more. When it links, its panel shows a code.",
            device.name
        ),
        ControlAnswer::Tags { tags } => {
            let row = |line: &TagLine| vec![line.tag.to_string(), line.rooms.to_string()];
            table(&["TAG", "ROOMS"], tags.iter().map(row))
        }
        answer => super::print_settings::words(answer),
    }
}

fn read(right: usize, wrong: usize, kept: usize, lines: &[ListedDevice]) -> String {
    let mut text = String::new();
    for line in lines.iter().filter(|line| !line.wrong.is_empty()) {
        let why: Vec<&str> = line.wrong.iter().map(|wrong| sentence(*wrong)).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "line {} ({}): {}", line.line, line.name.0, why.join("; "));
    }
    let last = match (kept, wrong) {
        (0, 0) => {
            format!(
                "Nothing is wrong with it (lines: {right}), and nothing is done: add it without --check."
            )
        }
        (0, _) => format!(
            "Lines that are wrong: {wrong}; right: {right}. Nothing is done: mend the list, or take those that \
             are right with --only-right."
        ),
        (kept, 0) => format!(
            "Devices that are awaited from now on: {kept}; see 'conclave-cloud awaited list'."
        ),
        (kept, wrong) => format!(
            "Devices that are awaited from now on: {kept}. Lines that were left out, because they are wrong: \
             {wrong}."
        ),
    };
    text.push_str(&last);
    text
}

fn sentence(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Cells => "more or fewer cells than the first line has",
        Wrong::Name => "no name that a room may have",
        Wrong::Device => "a key or a serial number is wanted, one of the two",
        Wrong::Key => "a key is the SHA-256 of a public key: 64 hexadecimal digits",
        Wrong::Serial => "no serial number",
        Wrong::Place => "no place: at most 80 characters",
        Wrong::Group => "there is no such group",
        Wrong::Tags => {
            "a room has at most 8 tags, each once, of 1 to 24 characters, with commas between them"
        }
        Wrong::NameTaken => "another room has this name, or another device that is awaited",
        Wrong::NameTwice => "a line above has this name",
        Wrong::DeviceTwice => "a line above has this device",
        Wrong::Enrolled => "this device is a room already",
        Wrong::Awaited => "this device is awaited already",
    }
}

fn awaited_table(devices: &[AwaitedLine]) -> String {
    if devices.is_empty() {
        return "No device is awaited. Add a list of them: conclave-cloud awaited add LIST.csv"
            .to_owned();
    }
    let row = |each: &AwaitedLine| {
        let device = match (&each.key, &each.serial) {
            (Some(key), _) => format!("key {}…", key.get(..16).unwrap_or(key)),
            (None, serial) => serial.clone().unwrap_or_default(),
        };
        let place = each.group.iter().chain(&each.place).map(ToString::to_string);
        let tags = each.tags.iter().map(|tag: &Tag| format!("#{tag}"));
        let here = if each.here > 0 { "shows a code" } else { "not yet" };
        let place = place.chain(tags).collect::<Vec<_>>().join(", ");
        vec![each.name.to_string(), device, here.to_owned(), place, date(each.until)]
    };
    table(&["NAME", "DEVICE", "HERE", "WHERE", "AWAITED UNTIL"], devices.iter().map(row))
}

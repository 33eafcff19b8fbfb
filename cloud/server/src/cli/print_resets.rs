//! Answers about factory resets in plain words.

use super::print::{date, table};
use crate::control::{ControlAnswer, ResetLine};

/// An answer for people.
pub(super) fn words(answer: &ControlAnswer) -> String {
    match answer {
        ControlAnswer::RoomResetCode { room, code, expires_in_s } => {
            let (first, last) = code.expose().split_at(4);
            format!(
                "The reset code of '{}' is {first} {last}. It works once, in the next {} minutes, \
                 after the reset button or the room's name on the panel was held for five seconds. \
                 Whoever types it erases what the room keeps.",
                room.name,
                expires_in_s / 60,
            )
        }
        ControlAnswer::RoomReset { reset, linked } => format!(
            "The room '{}' {}. Its receipt has the number {}: compare it with the room's panel, and \
             see 'conclave-cloud room resets'.",
            reset.name,
            if *linked {
                "is being reset"
            } else {
                "is not linked, and is reset as soon as it is; until then take it back with \
                 'conclave-cloud room reset ROOM --withdraw'"
            },
            reset.number,
        ),
        ControlAnswer::RoomResetWithdrawn { room } => {
            format!("The room '{}' is not to be reset any more.", room.name)
        }
        ControlAnswer::Resets { resets } => reset_list(resets),
        answer => super::print_updates::words(answer),
    }
}

/// Each with what was erased below: a sentence fits into no column.
fn reset_list(resets: &[ResetLine]) -> String {
    if resets.is_empty() {
        return "No room was reset yet.".to_owned();
    }
    let row = |reset: &ResetLine| {
        vec![
            reset.number.to_string(),
            reset.name.to_string(),
            date(reset.asked_at),
            match reset.way.as_str() {
                "cloud" => "from the cloud".to_owned(),
                _ => "at its panel".to_owned(),
            },
            outcome(reset),
            reset.serial.clone(),
            fingerprint(&reset.key),
        ]
    };
    let head = ["NUMBER", "ROOM", "ASKED", "HOW", "WHAT CAME OF IT", "SERIAL", "KEY"];
    table(&head, resets.iter().map(row))
}

fn outcome(reset: &ResetLine) -> String {
    let at = reset.told_at.map(date).unwrap_or_default();
    match reset.outcome.as_deref() {
        None => "not told yet".to_owned(),
        Some("partition_erased") => format!("keys of its data destroyed, {at}"),
        Some("folder_erased") => format!("data folder erased, {at}"),
        Some("not_erased") => format!("NOT ERASED, {at}"),
        Some(_) => format!("erased, {at}"),
    }
}

/// The first sixteen digits in groups of four, as the receipt shows them.
fn fingerprint(key: &str) -> String {
    let digits: Vec<char> = key.chars().take(16).collect();
    let groups: Vec<String> = digits.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_types::{RoomId, UnixTime};

    #[test]
    fn a_receipt_is_told_with_its_number_and_the_beginning_of_the_key() {
        let mut reset = ResetLine {
            number: "482 913 077".parse().unwrap(),
            room: RoomId::from_random(1),
            name: "Room Ada".parse().unwrap(),
            serial: "A-1".to_owned(),
            key: "0123456789abcdef".repeat(4),
            way: "cloud".to_owned(),
            asked_at: UnixTime(1_795_369_800),
            told_at: None,
            outcome: None,
        };
        let shown = reset_list(std::slice::from_ref(&reset));
        assert!(shown.contains("482 913 077") && shown.contains("not told yet"), "{shown}");
        assert!(shown.contains("0123 4567 89ab cdef") && !shown.contains("cdef0"), "{shown}");
        reset.told_at = Some(UnixTime(1_795_369_800));
        for (outcome, words) in [
            ("partition_erased", "keys of its data destroyed, 2026-11-22 17:50 UTC"),
            ("not_erased", "NOT ERASED"),
            ("what a newer cloud kept", "erased"),
        ] {
            reset.outcome = Some(outcome.to_owned());
            let shown = reset_list(std::slice::from_ref(&reset));
            assert!(shown.contains(words), "{shown}");
        }
    }
}

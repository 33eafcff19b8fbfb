//! Answers in plain words, each with the next step where there is one.

use crate::calls::CallLine;
use crate::control::{
    CertificateLine, CertificateSource, ControlAnswer, MeetingLine, OrganisationLine, RecordLine,
    RoomLine, RoomState, VmrLine, WaitingLine,
};
use conclave_types::UnixTime;
use std::fmt::Write;

/// What a removal does not reach at once.
const COPIES: &str =
    "The copies of the database beside it hold them until two newer ones are there.";

/// An answer for people; `console` is where browsers reach the console, if they do.
pub(super) fn words(answer: &ControlAnswer, console: Option<&str>) -> String {
    match answer {
        ControlAnswer::Refused { reason, .. } => reason.clone(),
        ControlAnswer::OrganisationAdded { organisation } => format!(
            "The organisation '{name}' is there. Enrol its rooms: conclave-cloud room claim CODE \
             --name NAME --organisation '{name}'",
            name = organisation.name
        ),
        ControlAnswer::Organisations { organisations } => organisation_table(organisations),
        ControlAnswer::OrganisationRenamed { organisation } => {
            format!("The organisation is called '{}' now.", organisation.name)
        }
        ControlAnswer::RoomClaimed { room } => format!(
            "The room '{}' is enrolled ({}). Its panel shows the home screen in a moment.",
            room.name, room.room
        ),
        ControlAnswer::Rooms { rooms, .. } => room_table(rooms),
        ControlAnswer::Room { room } => super::print_room::words(room),
        ControlAnswer::RoomRenamed { room } => {
            format!("The room is called '{}' now, on its panel and for everybody else.", room.name)
        }
        ControlAnswer::RoomRevoked { room } => format!(
            "The room '{}' is revoked: its link and its call are over. To use the device again, \
             enrol it anew with the code that its panel shows.",
            room.name
        ),
        ControlAnswer::RoomForgotten { room } => format!(
            "The room '{}' is forgotten, and the receipts of its resets with it. {COPIES} Records of \
             its calls stay for their time: see 'conclave-cloud record remove'.",
            room.name
        ),
        ControlAnswer::VmrCreated { vmr } => format!(
            "The meeting room '{}' is there: rooms dial {}{}{}.",
            vmr.name,
            vmr.number,
            if vmr.pin { " and enter its PIN" } else { ", no PIN is asked for" },
            if vmr.lobby { ", and wait until somebody lets them in" } else { "" }
        ),
        ControlAnswer::Vmrs { vmrs, .. } => vmr_table(vmrs),
        ControlAnswer::VmrRemoved { vmr } => {
            format!("The meeting room '{}' ({}) is removed.", vmr.name, vmr.number)
        }
        ControlAnswer::VmrChanged { vmr } => format!(
            "The meeting room {} is called '{}' and has {} seats and {} now.",
            vmr.number,
            vmr.name,
            vmr.capacity,
            if vmr.lobby { "a lobby" } else { "no lobby" }
        ),
        ControlAnswer::VmrPinSet { vmr } if vmr.pin => format!(
            "The meeting room '{}' has a new PIN. Whoever is in stays in; tell it to the others.",
            vmr.name
        ),
        ControlAnswer::VmrPinSet { vmr } => {
            format!("The meeting room '{}' has no PIN any more: everybody may enter.", vmr.name)
        }
        ControlAnswer::Meetings { meetings } => meeting_list(meetings),
        ControlAnswer::LobbyAnswered { waiting } if waiting.is_empty() => {
            "It is done. Nobody waits there any more.".to_owned()
        }
        ControlAnswer::LobbyAnswered { waiting } => {
            let still: String = waiting.iter().map(waiting_row).collect();
            format!("It is done. These still wait there:\n{still}")
        }
        ControlAnswer::MeetingEnded { vmr } => format!(
            "The meeting in '{}' ({}) is over. Whoever was in may come again.",
            vmr.name, vmr.number
        ),
        ControlAnswer::Calls { calls } => call_list(calls),
        ControlAnswer::Certificate { certificate } => certificate_words(certificate),
        ControlAnswer::BackupPromoted { pins: new } => format!(
            "The backup key is the link's key now; rooms accept it already. The backup is a new \
             one, which no room knows yet.\n{}",
            pins(new, false)
        ),
        ControlAnswer::Found { rooms, vmrs, people, .. } => {
            let rooms =
                rooms.iter().map(|room| ("room", room.name.to_string(), room.serial.clone()));
            let vmrs = vmrs
                .iter()
                .map(|vmr| ("meeting room", vmr.name.to_string(), vmr.number.to_string()));
            let people =
                people.iter().map(|each| ("person", each.name.to_string(), each.email.to_string()));
            let all = rooms.chain(vmrs).chain(people);
            table(
                &["WHAT", "NAME", "ALSO"],
                all.map(|(what, name, also)| vec![what.to_owned(), name, also]),
            )
        }
        ControlAnswer::Records { records } => record_table(records),
        ControlAnswer::RecordsRemoved { removed: 0, before } => {
            format!("No call that is recorded ended before {}.", date(*before))
        }
        ControlAnswer::RecordsRemoved { removed, before } => format!(
            "Removed: the records of {removed} calls, all that ended before {}. {COPIES}",
            date(*before)
        ),
        answer => super::print_people::words(answer, console),
    }
}

/// The certificate, and what is wrong.
fn certificate_words(certificate: &CertificateLine) -> String {
    let names = certificate.names.join(", ");
    let until = certificate.good_until.map_or_else(|| "an unknown day".into(), date);
    let mut words = match certificate.from {
        CertificateSource::OwnMaking => format!(
            "The cloud made this certificate by itself, for {names}: browsers warn. It is good until {until}. Write \
             'certificate' and 'key' into [console] of the configuration, or [acme] for one that an authority gives."
        ),
        CertificateSource::Files => format!(
            "The certificate comes from the files that the configuration names. It is for {names}, and good until {until}: \
             put another one there in time, and start the cloud again."
        ),
        CertificateSource::Authority => format!(
            "The certificate comes from the authority that [acme] names. It is for {names}, and good until {until}; another \
             one is got in time."
        ),
    };
    let Some(order) = &certificate.order else { return words };
    // Writing to a String cannot fail.
    match (&order.trouble, order.again_at) {
        (Some(why), again) => {
            let again = again.map_or_else(|| "later".into(), date);
            let _ = write!(
                words,
                "\n\nA certificate for {} could not be got, and is asked for again {again}. {}",
                order.names.join(", "),
                why.0
            );
        }
        (None, _) if certificate.from == CertificateSource::OwnMaking => {
            let _ = write!(words, "\n\nOne for {} is being asked for.", order.names.join(", "));
        }
        _ => {}
    }
    words
}

/// The pins, with what to do with them.
pub(super) fn pins(pins: &[String], json: bool) -> String {
    if json {
        return serde_json::json!({ "answer": "pins", "pins": pins }).to_string();
    }
    let quoted: Vec<String> = pins.iter().map(|pin| format!("\"{pin}\"")).collect();
    format!(
        "Put this line into the [cloud] section of each room's configuration:\n\npins = [{}]",
        quoted.join(", ")
    )
}

fn organisation_table(organisations: &[OrganisationLine]) -> String {
    let row = |each: &OrganisationLine| {
        vec![
            each.name.to_string(),
            each.rooms.to_string(),
            each.vmrs.to_string(),
            each.organisation.to_string(),
        ]
    };
    table(&["NAME", "ROOMS", "MEETING ROOMS", "ID"], organisations.iter().map(row))
}

/// How a room is, without what does not work.
pub(super) fn state(room: &RoomLine) -> &'static str {
    match room.state {
        RoomState::Linked => "linked",
        RoomState::InCall => "in a call",
        RoomState::NotLinked => "not linked",
        RoomState::Revoked => "revoked",
    }
}

fn room_table(rooms: &[RoomLine]) -> String {
    if rooms.is_empty() {
        return "No room is enrolled. Start a room, read the code on its panel, then: \
                conclave-cloud room claim CODE --name NAME"
            .to_owned();
    }
    let row = |room: &RoomLine| {
        let state = state(room);
        vec![
            room.name.to_string(),
            match &room.broken[..] {
                [] => state.to_owned(),
                broken => format!("{state}; does not work: {}", broken.join(", ")),
            },
            room.serial.clone(),
            date(room.certificate_expires),
            room.room.to_string(),
        ]
    };
    table(&["NAME", "STATE", "SERIAL", "CERTIFICATE UNTIL", "ID"], rooms.iter().map(row))
}

fn vmr_table(vmrs: &[VmrLine]) -> String {
    if vmrs.is_empty() {
        return "There is no meeting room yet. Create one: \
                conclave-cloud vmr create --number 4711 --name NAME --pin-stdin"
            .to_owned();
    }
    let row = |vmr: &VmrLine| {
        let yes_or_no = |it: bool| if it { "yes" } else { "no" }.to_owned();
        vec![
            vmr.number.to_string(),
            vmr.name.to_string(),
            yes_or_no(vmr.pin),
            vmr.capacity.to_string(),
            yes_or_no(vmr.lobby),
        ]
    };
    table(&["NUMBER", "NAME", "PIN", "SEATS", "LOBBY"], vmrs.iter().map(row))
}

fn meeting_list(meetings: &[MeetingLine]) -> String {
    if meetings.is_empty() {
        return "No meeting is on.".to_owned();
    }
    let mut text = String::new();
    for meeting in meetings {
        let _ = writeln!(text, "{} ({})", meeting.name, meeting.number);
        for participant in &meeting.participants {
            let _ = writeln!(text, "    {}", participant.name);
        }
        if !meeting.waiting.is_empty() {
            let _ = writeln!(text, "  in the lobby:");
            text.extend(meeting.waiting.iter().map(waiting_row));
        }
    }
    text
}

fn waiting_row(line: &WaitingLine) -> String {
    format!("    {}  {}\n", line.name, line.participant)
}

/// Each call with its verdict below: a verdict is a sentence and fits into no column.
fn call_list(calls: &[CallLine]) -> String {
    if calls.is_empty() {
        return "No call has ended yet. One that is on is listed when it is over.".to_owned();
    }
    let mut text = String::new();
    for call in calls {
        let (minutes, seconds) = (call.seconds / 60, call.seconds % 60);
        let _ = writeln!(
            text,
            "{}  {minutes}:{seconds:02}  {} in {}\n    {}\n    {}",
            date(call.joined_at),
            call.room_name,
            call.vmr_name,
            call.verdict,
            numbers(call),
        );
    }
    text
}

fn numbers(call: &CallLine) -> String {
    let quality = &call.quality;
    let round_trip = quality.round_trip_ms.map_or("?".to_owned(), |ms| ms.to_string());
    format!(
        "from it: {} packets, {} lost, {} for good; to it: {}, {} lost, {} sent again; \
         round trip {round_trip} ms, jitter {} ms, {} keyframes asked for; {}",
        quality.received,
        quality.lost,
        quality.unrepaired,
        quality.sent,
        quality.lost_to_room,
        quality.resent,
        quality.jitter_ms,
        quality.keyframes_asked,
        call.call,
    )
}

fn record_table(records: &[RecordLine]) -> String {
    if records.is_empty() {
        return "No call is recorded yet.".to_owned();
    }
    let row = |record: &RecordLine| {
        vec![
            date(record.joined_at),
            record.left_at.map_or("still there".to_owned(), date),
            record.room_name.to_string(),
            match (&record.vmr_name, &record.number) {
                (Some(name), Some(number)) => format!("{name} ({number})"),
                _ => "a scheduled meeting".to_owned(),
            },
            record.why.clone().unwrap_or_default(),
        ]
    };
    table(&["JOINED", "LEFT", "ROOM", "MEETING ROOM", "WHY"], records.iter().map(row))
}

/// Columns as wide as their widest word.
pub(super) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(|word| (*word).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|w| w.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, word) in row.iter().enumerate() {
            let _ = write!(line, "{word:<width$}  ", width = width(column));
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// `2026-11-22 17:50 UTC`.
pub(super) fn date(at: UnixTime) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    i64::try_from(at.0)
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_else(|| "?".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_for_people() {
        assert_eq!(date(UnixTime(1_795_369_800)), "2026-11-22 17:50 UTC");
        assert_eq!(date(UnixTime(u64::MAX)), "?");
    }

    #[test]
    fn columns_line_up_whatever_the_script() {
        let rows = [vec!["会议".to_owned(), "x".to_owned()], vec!["abcdef".into(), "y".into()]];
        let text = table(&["A", "B"], rows.into_iter());
        let at = |line: &str, mark: char| line.chars().position(|c| c == mark);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(at(lines[1], 'x'), at(lines[2], 'y'));
    }
}

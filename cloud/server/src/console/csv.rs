//! Reports as files that spreadsheets read (RFC 4180).
//!
//! What people named is text there, whatever it begins with: a cell that begins like a formula gets an apostrophe in front
//! (OWASP, "CSV Injection").

use super::reply::{Told, Trouble};
use crate::control::{ControlAnswer, RecordLine, UsageLine, UsedLine};
use ::csv::Writer;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use conclave_types::UnixTime;

pub(super) fn records(Told(answer): Told) -> Result<Response, Trouble> {
    let ControlAnswer::Records { records } = answer else { return Err(Trouble::NotFound) };
    let head = [
        "room",
        "meeting_room",
        "number",
        "joined",
        "left",
        "seconds",
        "why",
        "quality",
        "troubles",
    ];
    let rows = records.into_iter().map(|record| {
        let RecordLine { room_name, vmr_name, number, joined_at, left_at, why, troubles, .. } =
            record;
        let quality = match &troubles {
            None => "",
            Some(all) if all.is_empty() => "good",
            Some(_) => "poor",
        };
        [
            text(room_name.as_str()),
            text(vmr_name.as_ref().map_or("", |name| name.as_str())),
            number.map(|number| number.to_string()).unwrap_or_default(),
            moment(joined_at),
            left_at.map(moment).unwrap_or_default(),
            left_at.map(|left| joined_at.until(left).as_secs().to_string()).unwrap_or_default(),
            why.unwrap_or_default(),
            quality.to_owned(),
            troubles.unwrap_or_default().join(" "),
        ]
    });
    file("calls", head, rows)
}

pub(super) fn usage(Told(answer): Told) -> Result<Response, Trouble> {
    let ControlAnswer::Usage { usage } = answer else { return Err(Trouble::NotFound) };
    let UsageLine { rooms, people, vmrs, days, .. } = *usage;
    let of = |kind: &str, line: UsedLine| {
        [
            kind.to_owned(),
            text(line.name.as_ref().map_or("", |name| name.as_str())),
            line.number.map(|number| number.to_string()).unwrap_or_default(),
            line.calls.to_string(),
            line.seconds.to_string(),
            line.meetings.map(|meetings| meetings.to_string()).unwrap_or_default(),
            line.judged.map(|judged| judged.to_string()).unwrap_or_default(),
            line.good.map(|good| good.to_string()).unwrap_or_default(),
        ]
    };
    let days = days.into_iter().map(|line| {
        let (calls, seconds) = (line.calls.to_string(), line.seconds.to_string());
        let [number, meetings, judged, good] = [const { String::new() }; 4];
        ["day".to_owned(), line.day, number, calls, seconds, meetings, judged, good]
    });
    let rooms = rooms.into_iter().map(|line| of("room", line));
    let vmrs = vmrs.into_iter().map(|line| of("meeting_room", line));
    let people = people.into_iter().map(|line| of("person", line));
    let head = ["kind", "name", "number", "calls", "seconds", "meetings", "judged", "good"];
    file("use", head, rooms.chain(people).chain(vmrs).chain(days))
}

fn file<const N: usize>(
    name: &str,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<Response, Trouble> {
    let mut writer = Writer::from_writer(Vec::new());
    let written = writer.write_record(head).and_then(|()| {
        let mut rows = rows;
        rows.try_for_each(|row| writer.write_record(row))
    });
    // Into memory: nothing can go wrong but memory itself.
    let octets = written.ok().and_then(|()| writer.into_inner().ok()).ok_or(Trouble::Stopping)?;
    let mut response = octets.into_response();
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if let Ok(named) =
        HeaderValue::from_str(&format!("attachment; filename=\"conclave-{name}.csv\""))
    {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, named);
    }
    Ok(response)
}

fn text(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

/// `2026-11-30T08:00:00Z`.
fn moment(at: UnixTime) -> String {
    let form = &time::format_description::well_known::Rfc3339;
    let moment = i64::try_from(at.0).ok().map(time::OffsetDateTime::from_unix_timestamp);
    let moment = moment.and_then(Result::ok).and_then(|moment| moment.format(form).ok());
    moment.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_text() {
        for (given, written) in [
            ("Room Ada", "Room Ada"),
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1", "'+1"),
            (" @SUM(A1)", "' @SUM(A1)"),
            ("3 - 4", "3 - 4"),
        ] {
            assert_eq!(text(given), written);
        }
    }

    #[test]
    fn times_are_as_rfc_3339_has_them() {
        assert_eq!(moment(UnixTime(1_796_025_600)), "2026-11-30T08:00:00Z");
        assert_eq!(moment(UnixTime(u64::MAX)), "");
    }
}

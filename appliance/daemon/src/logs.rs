//! What IT gets that asks a room for its logs: one text with the state of each machine, `status.json` and the last log
//! lines. No name of a person, a room or a meeting is in it, and nothing that is secret.

use conclave_link_protocol::message::LONGEST_DELIVERY;
use conclave_room::Parcel;
use serde_json::Value;

/// Puts it together. `at`: the room's clock in words; `status`: what `status.json` says.
pub(crate) fn put_together(at: &str, state: &[String], status: Value, lines: &str) -> Parcel {
    let status = serde_json::to_string_pretty(&without_names(status)).unwrap_or_default();
    let head = format!(
        "{}, {at} by the room's clock\n\n== state ==\n{}\n\n== status.json, without names ==\n\
         {status}\n\n== log ==\n",
        concat!("conclave-roomd ", env!("CARGO_PKG_VERSION")),
        state.join("\n"),
    );
    // The newest lines count: what does not fit is left out at the front, whole lines only.
    let left = (LONGEST_DELIVERY as usize).saturating_sub(head.len());
    let mut from = lines.len().saturating_sub(left);
    if from > 0 {
        from = lines.as_bytes()[from..]
            .iter()
            .position(|b| *b == b'\n')
            .map_or(lines.len(), |n| from + n + 1);
    }
    let mut text = head.into_bytes();
    text.extend_from_slice(&lines.as_bytes()[from..]);
    text.truncate(LONGEST_DELIVERY as usize);
    Parcel(text)
}

/// The room's name, what stands on its screen (names, titles, numbers), and which meeting it is in.
fn without_names(mut status: Value) -> Value {
    if let Some(fields) = status.as_object_mut() {
        fields.remove("room");
        if let Some(screen) = fields.get_mut("screen") {
            *screen = screen.get("screen").cloned().unwrap_or_default();
        }
        if let Some(call) = fields.get_mut("call").and_then(Value::as_object_mut) {
            call.remove("number");
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_holds_no_names_and_the_newest_lines() {
        let status = json!({
            "room": "Salle Voltaire", "link": "up",
            "screen": { "screen": "in_call", "name": "The merger", "number": "903817264",
                "participants": [{ "name": "Dr Ada" }] },
            "call": { "call": "call-1", "number": "903817264", "health": "good" },
        });
        let state = ["call: up".to_owned(), "link: Up".to_owned()];
        let line = "2026-11-30 a line of the log\n";
        let parcel = put_together("2026-11-30T08:00:00Z", &state, status, &line.repeat(60_000));
        assert!(parcel.0.len() <= LONGEST_DELIVERY as usize);
        let text = String::from_utf8(parcel.0).unwrap();
        for private in ["Voltaire", "merger", "903817264", "Ada"] {
            assert!(!text.contains(private), "{private}");
        }
        for told in ["call: up\nlink: Up", "\"screen\": \"in_call\"", "\"health\": \"good\""] {
            assert!(text.contains(told), "{told}");
        }
        let (_, log) = text.split_once("== log ==\n").unwrap();
        assert!(log.lines().all(|each| each == line.trim_end()) && log.len() > 1_000_000);
    }
}

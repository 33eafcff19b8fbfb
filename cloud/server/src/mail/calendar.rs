//! A meeting as calendars read it: iCalendar (RFC 5545), as iTIP sends it (RFC 5546, 3.2).

use super::text::{grouped, utc};
use crate::letters::{Meeting, MeetingChange};
use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};

/// iTIP's word for what happens to the meeting.
pub(super) fn method(meeting: &Meeting) -> &'static str {
    match meeting.change {
        MeetingChange::Called | MeetingChange::Changed => "REQUEST",
        MeetingChange::Off => "CANCEL",
    }
}

/// The whole of it. `body` is what the letter says.
pub(super) fn calendar(meeting: &Meeting, body: &str) -> String {
    let mut event = Event::new();
    event
        .uid(&format!("{}@conclave", meeting.id))
        .sequence(meeting.revision)
        .summary(meeting.title.as_str())
        .description(body)
        .location(&place(meeting))
        .starts(utc(meeting.starts_at))
        .ends(utc(meeting.ends_at));
    let (name, address) = &meeting.organiser;
    let organiser = mailto(address.as_str());
    event.append_property(
        Property::new("ORGANIZER", &organiser).add_parameter("CN", &plain(name.as_str())).done(),
    );
    for person in &meeting.people {
        let attendee = Property::new("ATTENDEE", mailto(person.as_str()))
            .add_parameter("ROLE", "REQ-PARTICIPANT")
            .done();
        event.append_multi_property(attendee);
    }
    event.status(match meeting.change {
        MeetingChange::Off => EventStatus::Cancelled,
        _ => EventStatus::Confirmed,
    });
    let mut calendar = Calendar::new();
    calendar.append_property(Property::new("METHOD", method(meeting)));
    calendar.push(event.done());
    calendar.to_string()
}

fn place(meeting: &Meeting) -> String {
    let number = format!("Conclave {}", grouped(meeting.number.as_str()));
    let rooms = meeting.rooms.iter().map(ToString::to_string);
    rooms.chain([number]).collect::<Vec<_>>().join(", ")
}

fn mailto(address: &str) -> String {
    format!("mailto:{address}")
}

/// Without what may stand in no parameter's value (RFC 5545, 3.2).
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '"').collect()
}

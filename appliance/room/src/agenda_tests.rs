//! Meetings that the room is invited to.

use super::*;
use crate::room::tests::{CLOUD, asked, at, digits, linked, outputs, taps, welcome};
use crate::{Input, Room};
use conclave_link_protocol::message::{
    CloudEvent, JoinRefusal, Response, RoomRequest, SettingsMark, WantedSettings,
};
use conclave_panel_api::{Screen, Tap, Trouble};
use std::collections::BTreeMap;

/// Nine in the morning in Paris, on a Monday.
const NINE: u64 = 1_796_025_600;
const HOUR: u64 = 3_600;

fn entry(number: &str, title: &str, starts_at: u64, hours: u64) -> AgendaEntry {
    AgendaEntry {
        number: number.parse().unwrap(),
        title: title.parse().unwrap(),
        starts_at: UnixTime(starts_at),
        ends_at: UnixTime(starts_at + hours * HOUR),
        organiser: Some("Dr Ada".parse().unwrap()),
    }
}

/// The room's clock, so many hours after nine.
fn time(hours: u64) -> Input {
    let day = NINE - 9 * HOUR;
    let at = NINE + hours * HOUR;
    Input::Clock(LocalTime {
        hours: ((9 + hours) % 24) as u8,
        minutes: 0,
        at: UnixTime(at),
        day_ends: UnixTime(day + ((at - day) / 86_400 + 1) * 86_400),
    })
}

fn invited() -> Room {
    let mut room = linked();
    room.handle(at(1), time(0));
    let agenda = vec![
        entry("700000003", "Tomorrow", NINE + 20 * HOUR, 1),
        entry("700000002", "Board", NINE + 2 * HOUR, 1),
        entry("700000001", "Round", NINE - HOUR, 2),
    ];
    room.handle(at(1), Input::Cloud(CloudEvent::Agenda(agenda)));
    outputs(&mut room);
    room
}

fn shown(room: &Room, seconds: u64) -> Vec<(String, bool)> {
    let Screen::Idle { meetings, .. } = room.panel(at(seconds)).screen else { panic!() };
    let title =
        |each: &Meeting| each.title.as_ref().map_or("taken".to_owned(), ToString::to_string);
    meetings.iter().map(|each| (title(each), each.now)).collect()
}

#[test]
fn todays_meetings_are_shown_until_they_are_over() {
    let mut room = invited();
    assert_eq!(shown(&room, 1), [("Round".to_owned(), true), ("Board".to_owned(), false)]);
    room.handle(at(2), time(1));
    assert_eq!(shown(&room, 2), [("Board".to_owned(), false)]);
    room.handle(at(3), time(2));
    assert_eq!(shown(&room, 3), [("Board".to_owned(), true)]);
    room.handle(at(4), time(15));
    assert_eq!(shown(&room, 4), [("Tomorrow".to_owned(), false)], "the day has changed");
    // The list is the last one that came; a welcome begins with none.
    room.handle(at(5), Input::LinkUp { greeting: welcome(), cloud: CLOUD });
    assert!(shown(&room, 5).is_empty());
}

#[test]
fn one_tap_joins_a_meeting_without_its_pin_even_where_numbers_are_not_dialled() {
    let mut room = invited();
    let settings = BTreeMap::from([("dialling".to_owned(), "listed".to_owned())]);
    let wanted = WantedSettings { mark: SettingsMark(7), settings: settings.try_into().unwrap() };
    room.handle(at(2), Input::Cloud(CloudEvent::Settings(wanted)));
    taps(&mut room, at(2), [Tap::Choose { number: "700000002".parse().unwrap() }]);
    let Screen::Connecting { number, name } = room.panel(at(2)).screen else { panic!() };
    assert_eq!(
        (number.as_str(), name.as_ref().map(DisplayName::as_str)),
        ("700000002", Some("Board"))
    );
    let Some((_, RoomRequest::Join(join))) = asked(&mut room) else { panic!() };
    assert_eq!((join.number.as_str(), &join.pin), ("700000002", &None));
}

#[test]
fn whoever_dialled_too_many_wrong_numbers_is_told_how_long_to_wait() {
    let mut room = linked();
    taps(&mut room, at(1), [Tap::JoinWithNumber]);
    taps(&mut room, at(1), digits("123456789"));
    taps(&mut room, at(1), [Tap::Join]);
    let (ask, _) = asked(&mut room).unwrap();
    let refused = Response::NotJoined(JoinRefusal::TooManyNumbers { seconds: 90 });
    room.handle(at(2), Input::Answered { ask, answer: Some(refused) });
    // What the panel lists can be dialled meanwhile, so *Join* stays.
    for (seconds, said) in [(2, Some(90)), (52, Some(40)), (92, None)] {
        let Screen::Number { trouble, complete, .. } = room.panel(at(seconds)).screen else {
            panic!()
        };
        assert_eq!(trouble, said.map(|seconds| Trouble::TooManyNumbers { seconds }));
        assert!(complete);
    }
}

#[test]
fn no_list_of_meetings_takes_more_memory_than_a_panel_can_show() {
    let mut room = linked();
    room.handle(at(1), time(0));
    let many = (0..5_000).map(|_| entry("700000001", "Round", NINE, 1)).collect();
    room.handle(at(1), Input::Cloud(CloudEvent::Agenda(many)));
    assert_eq!(shown(&room, 1).len(), MOST);
}

fn calendar(title: Option<&str>, number: Option<&str>, starts_at: u64) -> CalendarEntry {
    CalendarEntry {
        starts_at: UnixTime(starts_at),
        ends_at: UnixTime(starts_at + HOUR),
        title: title.map(|title| title.parse().unwrap()),
        number: number.map(|number| number.parse().unwrap()),
    }
}

#[test]
fn times_of_the_calendar_stand_among_the_meetings_and_only_a_number_makes_one_a_button() {
    let mut room = invited();
    let settings = BTreeMap::from([("dialling".to_owned(), "listed".to_owned())]);
    let wanted = WantedSettings { mark: SettingsMark(7), settings: settings.try_into().unwrap() };
    room.handle(at(2), Input::Cloud(CloudEvent::Settings(wanted)));
    let entries = vec![
        calendar(None, None, NINE + HOUR),
        calendar(Some("Handover"), Some("4711"), NINE + 3 * HOUR),
        calendar(Some("Tomorrow"), None, NINE + 20 * HOUR),
        calendar(Some("Over"), None, NINE - 2 * HOUR),
    ];
    room.handle(at(2), Input::Cloud(CloudEvent::Calendar(entries)));
    let titles: Vec<_> = shown(&room, 2).into_iter().map(|(title, _)| title).collect();
    assert_eq!(titles, ["Round", "taken", "Board", "Handover"]);
    taps(&mut room, at(3), [Tap::Choose { number: "4711".parse().unwrap() }]);
    // A meeting room that is listed is dialled as it is listed: this one has a PIN.
    assert!(matches!(room.panel(at(3)).screen, Screen::Pin { .. }));

    // The two lists come and go by themselves.
    let mut room = invited();
    let entries = vec![calendar(None, None, NINE + HOUR)];
    room.handle(at(2), Input::Cloud(CloudEvent::Calendar(entries)));
    room.handle(at(2), Input::Cloud(CloudEvent::Agenda(Vec::new())));
    assert_eq!(shown(&room, 2), [("taken".to_owned(), false)]);
    room.handle(at(3), Input::Cloud(CloudEvent::Calendar(Vec::new())));
    assert!(shown(&room, 3).is_empty());
    let many = (0..5_000).map(|_| calendar(None, None, NINE)).collect();
    room.handle(at(4), Input::Cloud(CloudEvent::Calendar(many)));
    assert_eq!(shown(&room, 4).len(), MOST);
}

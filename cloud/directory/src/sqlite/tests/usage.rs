//! How much was used.

use super::*;
use crate::usage::{Amount, Judged, Span, Wanted};
use conclave_types::{PersonId, VmrNumber};

const DAY: u64 = 86_400;
/// Midnight of some day, by UTC.
const MIDNIGHT: UnixTime = UnixTime(1_799_971_200);

/// A call of a room in a meeting of its own.
struct Call {
    n: u128,
    room: u128,
    number: &'static str,
    hidden: bool,
    organiser: Option<PersonId>,
    from: u64,
    until: Option<u64>,
}

fn call(n: u128, room: u128, number: &'static str, from: u64, until: u64) -> Call {
    Call { n, room, number, hidden: false, organiser: None, from, until: Some(until) }
}

fn with(calls: &[Call]) -> SqliteDirectory {
    let mut directory = directory();
    for Call { n, room, number, hidden, organiser, from, until } in calls {
        let (meeting, call) = (MeetingId::from_random(*n), CallId::from_random(*n));
        let after = |seconds: u64| MIDNIGHT.after(Duration::from_secs(seconds));
        let mut entries = vec![
            RecordEntry::Started {
                meeting,
                organisation: OrganisationId::FIRST,
                vmr: VmrId::from_random(*n),
                number: number.parse().unwrap(),
                name: format!("Room of {number}").parse().unwrap(),
                hidden: *hidden,
                organiser: *organiser,
                at: after(*from),
            },
            RecordEntry::Joined {
                call,
                meeting,
                room: RoomId::from_random(*room),
                name: format!("Room {room}").parse().unwrap(),
                at: after(*from),
            },
        ];
        entries.extend(until.map(|until| RecordEntry::Left {
            call,
            why: LeftWhy::Left,
            at: after(until),
        }));
        directory.keep(&entries).unwrap();
    }
    directory
}

fn wanted(from: u64, until: u64, ahead_s: i32) -> Wanted {
    let after = |seconds: u64| MIDNIGHT.after(Duration::from_secs(seconds));
    let span = Span { from: after(from), until: after(until) };
    Wanted { organisation: OrganisationId::FIRST, span, ahead_s, most: 9 }
}

fn amount(calls: u64, seconds: u64) -> Amount {
    Amount { calls, seconds }
}

#[test]
fn calls_are_added_up_by_room_meeting_room_and_day_as_far_as_they_lie_within() {
    let going_on = Call { until: None, ..call(5, 2, "200", 2 * DAY, 0) };
    let directory = with(&[
        call(1, 1, "100", 1_000, 1_600),
        call(2, 1, "200", 2_000, 2_100),
        // From the day before into this one, and past the end of what is asked for.
        call(3, 2, "100", DAY - 50, DAY + 50),
        call(4, 2, "100", 9 * DAY, 9 * DAY + 60),
        going_on,
    ]);
    let usage = directory.usage(wanted(1_100, 2 * DAY + 30, 0), Sight::Plain).unwrap();
    assert_eq!(usage.all, amount(4, 500 + 100 + 100 + 30));
    let rooms: Vec<_> =
        usage.rooms.iter().map(|(_, name, amount, _)| (name.as_str(), *amount)).collect();
    assert_eq!(rooms, [("Room 1", amount(2, 600)), ("Room 2", amount(2, 130))]);
    let number = |number: &str| number.parse::<VmrNumber>().unwrap();
    let vmrs: Vec<_> =
        usage.vmrs.into_iter().map(|(which, amount)| (which.unwrap().0, amount)).collect();
    assert_eq!(vmrs, [(number("100"), amount(2, 600)), (number("200"), amount(2, 130))]);
    let first = i64::try_from(MIDNIGHT.0 / DAY).unwrap();
    assert_eq!(usage.days, [(first, amount(3, 700)), (first + 2, amount(1, 30))]);
    // By a clock that is an hour ahead, the third one began on the next day.
    let usage = directory.usage(wanted(1_100, 2 * DAY + 30, 3_600), Sight::Plain).unwrap();
    assert_eq!(usage.days[..2], [(first, amount(2, 600)), (first + 1, amount(1, 100))]);
    let usage = directory.usage(wanted(20 * DAY, 21 * DAY, 0), Sight::Plain).unwrap();
    assert_eq!((usage.all.calls, usage.rooms.len()), (1, 1), "one goes on");
}

#[test]
fn hidden_meetings_count_for_nobody_and_those_of_others_without_their_names() {
    let (ada, eve) = (PersonId::from_random(1), PersonId::from_random(2));
    let hidden = Call { hidden: true, ..call(1, 1, "100", 10, 20) };
    let hers = Call { organiser: Some(ada), ..call(2, 1, "500000001", 10, 40) };
    let others = Call { organiser: Some(eve), ..call(3, 1, "500000002", 10, 50) };
    let directory = with(&[hidden, hers, others]);
    let usage = directory.usage(wanted(0, DAY, 0), Sight::Of(ada)).unwrap();
    assert_eq!(usage.all, amount(2, 70));
    let names: Vec<_> = usage
        .vmrs
        .iter()
        .map(|(which, amount)| (which.as_ref().map(|(number, _)| number.as_str()), amount.seconds))
        .collect();
    assert_eq!(names, [(None, 40), (Some("500000001"), 30)]);
    let plain = directory.usage(wanted(0, DAY, 0), Sight::Plain).unwrap();
    assert_eq!(plain.vmrs, [(None, amount(2, 70))]);
    assert_eq!(directory.usage(wanted(0, DAY, 0), Sight::All).unwrap().all.calls, 3);
}

#[test]
fn meetings_are_added_up_by_whoever_called_them_and_good_calls_by_room() {
    let (ada, eve) = (PersonId::from_random(1), PersonId::from_random(2));
    let of = |n, room, who, from, until| Call {
        organiser: Some(who),
        ..call(n, room, "500000001", from, until)
    };
    let mut directory = with(&[
        of(1, 1, ada, 0, 100),
        of(2, 2, ada, 0, 50),
        of(3, 1, eve, 0, 30),
        call(4, 1, "100", 0, 9),
        call(5, 2, "100", 0, 9),
    ]);
    let judged = |n: u128, troubles: &[CallTrouble]| RecordEntry::Judged {
        call: CallId::from_random(n),
        troubles: troubles.to_vec(),
    };
    let bad = [CallTrouble::BrokeUp, CallTrouble::Slow];
    directory.keep(&[judged(1, &[]), judged(3, &bad), judged(5, &[])]).unwrap();
    // Told twice, and of a call that is not there: no harm.
    directory.keep(&[judged(1, &[]), judged(99, &bad)]).unwrap();
    let usage = directory.usage(wanted(0, DAY, 0), Sight::Plain).unwrap();
    assert_eq!(usage.people, [(ada, 2, amount(2, 150)), (eve, 1, amount(1, 30))]);
    let rooms: Vec<_> =
        usage.rooms.iter().map(|(_, name, _, judged)| (name.as_str(), *judged)).collect();
    let of = |calls, good| Judged { calls, good };
    assert_eq!(rooms, [("Room 1", of(2, 1)), ("Room 2", of(1, 1))]);
    let records = directory.call_records(OrganisationId::FIRST, Sight::Plain, 9).unwrap();
    let of = |n: u128| records.iter().find(|record| record.call == CallId::from_random(n)).unwrap();
    assert_eq!(of(3).troubles.as_deref(), Some(&bad[..]));
    assert_eq!((of(1).troubles.as_deref(), of(4).troubles.as_deref()), (Some(&[][..]), None));
}

//! Calendars as programs write them, and as nobody should.

use super::*;
use proptest::prelude::*;

/// Monday, 30 November 2026, midnight in Paris.
const MONDAY: u64 = 1_795_993_200;
const DAY: u64 = 86_400;

fn window() -> Window {
    Window { from: UnixTime(MONDAY), until: UnixTime(MONDAY + 14 * DAY) }
}

fn calendar(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", lines.replace('\n', "\r\n"))
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\nUID:a@x\n{lines}END:VEVENT\n")
}

fn look(octets: &[u8]) -> Result<Within, Unreadable> {
    within(&[octets], Some(&"Europe/Paris".parse().unwrap()), window(), &mut || true)
}

/// Day of the month and hour in Paris of beginning and end, and the title.
fn times(text: &str) -> Vec<String> {
    let found = look(text.as_bytes()).unwrap();
    let at = |at: UnixTime| {
        let at = DateTime::from_timestamp(at.0 as i64, 0).unwrap();
        at.with_timezone(&Tz::Europe__Paris).format("%d %H:%M").to_string()
    };
    let line = |each: &TakenTime| {
        let title = each.title.as_ref().map_or("-".to_owned(), ToString::to_string);
        format!("{} to {}, {title}", at(each.starts_at), at(each.ends_at))
    };
    found.taken.iter().map(line).collect()
}

#[test]
fn a_meeting_ends_when_it_says_or_after_as_long_as_it_says() {
    for (lines, found) in [
        ("DTSTART:20261130T080000Z\nDTEND:20261130T090000Z\n", "30 09:00 to 30 10:00, -"),
        (
            "DTSTART;TZID=Romance Standard Time:20261130T090000\nDURATION:PT90M\nSUMMARY:Board\n",
            "30 09:00 to 30 10:30, Board",
        ),
        (
            "DTSTART:20261130T090000\nDTEND;TZID=Europe/London:20261130T090000\n",
            "30 09:00 to 30 10:00, -",
        ),
        ("DTSTART;VALUE=DATE:20261201\nSUMMARY:Fair\n", "01 00:00 to 02 00:00, Fair"),
        ("DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261204\n", "01 00:00 to 04 00:00, -"),
        // It began before, and is on still.
        ("DTSTART:20261129T080000Z\nDTEND:20261130T080000Z\n", "29 09:00 to 30 09:00, -"),
    ] {
        assert_eq!(times(&calendar(&event(lines))), [found], "{lines}");
    }
}

#[test]
fn what_takes_no_time_of_these_days_is_left_out() {
    for lines in [
        "DTSTART:20261129T080000Z\nDTEND:20261129T090000Z\n",
        "DTSTART:20261214T080000Z\nDTEND:20261214T230000Z\nDTSTART:20271214T080000Z\n",
        "DTSTART:20261130T080000Z\n",
        "DTSTART:20261130T080000Z\nDTEND:20261130T070000Z\n",
        "DTSTART:20261130T080000Z\nDURATION:PT1H\nSTATUS:CANCELLED\n",
        "DTSTART:20261130T080000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT\n",
        "DTSTART:20261130T080000Z\nDURATION:PT1H\nX-MICROSOFT-CDO-BUSYSTATUS:FREE\n",
    ] {
        assert_eq!(times(&calendar(&event(lines))), [""; 0], "{lines}");
    }
}

#[test]
fn a_series_goes_on_by_the_clock_on_the_wall_without_what_was_taken_out() {
    let text = calendar(&event(
        "DTSTART;TZID=Europe/Paris:20260601T090000\nDURATION:PT1H\nSUMMARY:Round\n\
         RRULE:FREQ=WEEKLY;BYDAY=MO,WE\nEXDATE;TZID=Europe/Paris:20261202T090000\n\
         EXDATE:20261207T080000Z\nRDATE;TZID=Europe/Paris:20261204T110000\n",
    ));
    let found = [
        "30 09:00 to 30 10:00, Round",
        "04 11:00 to 04 12:00, Round",
        "09 09:00 to 09 10:00, Round",
    ];
    assert_eq!(times(&text), found);
    let by_day = text.replace("EXDATE:20261207T080000Z", "EXDATE;VALUE=DATE:20261207");
    assert_eq!(times(&by_day), found);
}

#[test]
fn one_of_a_series_that_is_otherwise_stands_in_the_place_of_the_usual_one() {
    let series = event(
        "DTSTART;TZID=Europe/Paris:20261130T090000\nDURATION:PT1H\nSUMMARY:Round\nRRULE:FREQ=DAILY;COUNT=4\n",
    );
    let moved = event(
        "RECURRENCE-ID;TZID=Europe/Paris:20261201T090000\nDTSTART;TZID=Europe/Paris:20261201T150000\n\
         DURATION:PT30M\nSUMMARY:Moved\nSEQUENCE:1\n",
    );
    let moved_again = moved.replace("T150000", "T160000").replace("SEQUENCE:1", "SEQUENCE:2");
    let off = event("RECURRENCE-ID:20261202T080000Z\nDTSTART:20261202T080000Z\nSTATUS:CANCELLED\n");
    // In whatever order they stand.
    for parts in [[&series, &moved, &moved_again, &off], [&off, &moved_again, &moved, &series]] {
        let text = calendar(&parts.map(String::as_str).concat());
        assert_eq!(
            times(&text),
            [
                "30 09:00 to 30 10:00, Round",
                "01 16:00 to 01 16:30, Moved",
                "03 09:00 to 03 10:00, Round"
            ]
        );
    }
    // Another series is none of its business.
    let stranger = moved.replace("a@x", "b@x");
    assert_eq!(times(&calendar(&format!("{series}{stranger}"))).len(), 5);
}

#[test]
fn what_is_private_has_no_title_and_its_number_all_the_same() {
    for (class, title) in
        [("PUBLIC", Some("Pay")), ("PRIVATE", None), ("CONFIDENTIAL", None), ("X", None)]
    {
        let text = calendar(&event(&format!(
            "CLASS:{class}\nSUMMARY:Pay\nDTSTART:20261130T080000Z\nDURATION:PT1H\nLOCATION:conclave:4711\n"
        )));
        let found = look(text.as_bytes()).unwrap().taken;
        assert_eq!(found[0].title.as_ref().map(|title| title.as_str()), title, "{class}");
        assert_eq!(found[0].number.as_ref().unwrap().as_str(), "4711");
    }
}

#[test]
fn what_says_a_number_more_plainly_counts_more_and_an_invitation_of_ours_is_known() {
    let lines = "DTSTART:20261130T080000Z\nDURATION:PT1H\nDESCRIPTION:Meeting ID: 111 111 111\\n\n\
                 LOCATION:Conclave 222 222 222\nURL:conclave:333333333\nX-CONCLAVE-NUMBER:444444444\n";
    for (without, number) in [
        ("X-NOTHING", "444444444"),
        ("X-CONCLAVE-NUMBER", "333333333"),
        ("X-CONCLAVE-NUMBER URL", "222222222"),
        ("X-CONCLAVE-NUMBER URL LOCATION", "111111111"),
    ] {
        let keeps = |line: &&str| !without.split(' ').any(|name| line.starts_with(name));
        let lines: Vec<_> = lines.split('\n').filter(keeps).collect();
        let found = look(calendar(&event(&lines.join("\n"))).as_bytes()).unwrap().taken;
        assert_eq!(found[0].number.as_ref().unwrap().as_str(), number);
        assert_eq!(found[0].invitation, None);
    }
    let vmr = conclave_types::VmrId::from_random(7);
    let ours = event(lines).replace("a@x", &format!("{vmr}@conclave"));
    assert_eq!(look(calendar(&ours).as_bytes()).unwrap().taken[0].invitation, Some(vmr));
}

#[test]
fn long_names_and_strange_ones_are_made_fit_to_be_shown() {
    let title = |text: &str| {
        let lines = format!("DTSTART:20261130T080000Z\nDURATION:PT1H\nSUMMARY:{text}\n");
        let found = look(calendar(&event(&lines)).as_bytes()).unwrap();
        found.taken[0].title.as_ref().map(ToString::to_string)
    };
    assert_eq!(title("Board\\n\\, tea\u{7}").as_deref(), Some("Board , tea"));
    assert_eq!(title("  "), None);
    let long = title(&"é".repeat(200)).unwrap();
    assert_eq!((long.chars().count(), long.ends_with('…')), (80, true));
}

#[test]
fn a_meeting_that_is_not_understood_hides_no_other() {
    let good = event("DTSTART:20261130T080000Z\nDURATION:PT1H\n").replace("a@x", "good@x");
    for bad in ["DTSTART:soon\n", "SUMMARY:no time\n"] {
        let found = look(calendar(&format!("{}{good}", event(bad))).as_bytes()).unwrap();
        assert_eq!((found.taken.len(), found.unread), (1, 1), "{bad}");
    }
    // Its rule is not followed; its first time is known all the same.
    let odd = event("DTSTART:20261201T080000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY\n");
    let found = look(calendar(&format!("{odd}{good}")).as_bytes()).unwrap();
    assert_eq!((found.taken.len(), found.unread), (2, 1));
}

#[test]
fn what_is_no_calendar_is_refused_as_a_whole() {
    for text in [
        "",
        "<!DOCTYPE html>\n<html><body>Sign in: now</body></html>",
        "BEGIN:VCARD\nEND:VCARD\n",
        "END:VCALENDAR\n",
        &"BEGIN:VCALENDAR\n".repeat(50),
    ] {
        assert_eq!(look(text.as_bytes()), Err(Unreadable::NoCalendar), "{text:?}");
    }
    let whole = calendar(&event("DTSTART:20261130T080000Z\nDURATION:PT1H\n"));
    for cut in 1..whole.len() - "BEGIN:VCALENDAR".len() {
        let cut = &whole[..whole.len() - cut];
        // The very end may be missing: nothing follows it.
        let end = cut.ends_with("END:VCALENDAR") || cut.ends_with("END:VCALENDAR\r");
        assert_eq!(look(cut.as_bytes()).err(), (!end).then_some(Unreadable::Cut), "{cut:?}");
    }
    assert_eq!(look(calendar("").as_bytes()).unwrap(), Within::default());
}

#[test]
fn one_broken_piece_of_a_server_is_counted_and_no_piece_is_no_meeting() {
    let good = calendar(&event("DTSTART:20261130T080000Z\nDURATION:PT1H\n"));
    let zone = Some("Europe/Paris".parse().unwrap());
    let pieces = [good.as_str(), "nonsense", "BEGIN:VCALENDAR\n", good.as_str()];
    let found = within(&pieces, zone.as_ref(), window(), &mut || true).unwrap();
    assert_eq!((found.taken.len(), found.unread), (1, 2), "the same one takes its time once");
    let none: [&str; 0] = [];
    assert_eq!(within(&none, None, window(), &mut || true).unwrap(), Within::default());
}

#[test]
fn a_calendar_without_an_end_of_meetings_or_of_repeating_is_given_up() {
    let one = event("DTSTART:20261130T080000Z\nDURATION:PT1H\n");
    let most = calendar(&one.repeat(super::super::MOST_EVENTS));
    assert_eq!(look(most.as_bytes()).unwrap().taken.len(), 1);
    let more = calendar(&one.repeat(super::super::MOST_EVENTS + 1));
    assert_eq!(look(more.as_bytes()), Err(Unreadable::TooMany));

    let mut series = String::new();
    for n in 0..40 {
        let each = event("DTSTART:19700101T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\n");
        series.push_str(&each.replace("a@x", &n.to_string()));
    }
    assert_eq!(look(calendar(&series).as_bytes()), Err(Unreadable::TooSlow));

    let mut left = 3;
    let mut goes_on = || {
        left -= 1;
        left > 0
    };
    let text = calendar(&one.repeat(5));
    assert_eq!(within(&[text], None, window(), &mut goes_on), Err(Unreadable::TooSlow));

    // More than there is room for: half-hours of one day, each day.
    let mut many = String::new();
    for n in 0..60 {
        let each = event("DTSTART:20261101T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\n");
        many.push_str(&each.replace("a@x", &n.to_string()));
    }
    assert_eq!(look(calendar(&many).as_bytes()).unwrap().taken.len(), MOST_TAKEN);
}

#[test]
fn moments_at_the_ends_of_time_do_no_harm() {
    for at in ["00010101T000000", "99991231T235959Z", "00000101", "99991231"] {
        for rule in ["", "RRULE:FREQ=DAILY\n", "RRULE:FREQ=YEARLY;COUNT=4\n", "DTEND:00010101\n"] {
            let text = calendar(&event(&format!("DTSTART:{at}\nDURATION:P1000W\n{rule}")));
            let _ = look(text.as_bytes());
        }
    }
    let text = calendar(&event("DTSTART:20261130T080000Z\nDURATION:PT1H\n"));
    for (from, until) in [(0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX)] {
        let window = Window { from: UnixTime(from), until: UnixTime(until) };
        let _ = within(&[&text], None, window, &mut || true);
    }
}

proptest! {
    /// Whatever is cut out of a calendar, changed in it or put into it.
    #[test]
    fn damaged_calendars_do_no_harm(
        from in 0_usize..700, until in 0_usize..700, put in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let text = calendar(&event(
            "DTSTART;TZID=Europe/Paris:20260601T090000\nDURATION:PT1H\nSUMMARY:Round\n\
             RRULE:FREQ=MONTHLY;BYDAY=-1MO;UNTIL=20270101T000000Z\nEXDATE;TZID=Europe/Paris:20261202T090000\n\
             RDATE;VALUE=PERIOD:20261204T110000Z/PT1H\nDESCRIPTION:Meeting ID: 482 913 077\n",
        ));
        let mut octets = text.into_bytes();
        let (from, until) = (from.min(octets.len()), until.min(octets.len()));
        octets.splice(from.min(until)..until.max(from), put);
        if let Ok(found) = look(&octets) {
            prop_assert!(found.taken.iter().all(|each| each.starts_at < each.ends_at));
            prop_assert!(found.taken.is_sorted_by_key(|each| each.starts_at));
        }
    }
}

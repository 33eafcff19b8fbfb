//! The calendars of rooms: what is read when, who is told, and what nobody learns by it.

use super::*;
use crate::calendars::{CalendarKind, CalendarTrouble, Errand, Found, Mark, Read, TakenTime};
use crate::control::{BookableRoom, CalendarLine, NewAppointment, NewCalendar};
use conclave_directory::repository::Calendars;

const ADA: u8 = 1;
const HOUR: u64 = 3_600;
const ADDRESS: &str = "https://cal.example.org/ical/s3cret.ics";

fn new(address: &str) -> NewCalendar {
    NewCalendar {
        kind: CalendarKind::Feed,
        address: Secret::new(address.to_owned()),
        user: None,
        password: None,
    }
}

fn errands(outputs: &[Output]) -> Vec<Errand> {
    let errand = |output: &Output| match output {
        Output::ReadCalendar(errand) => Some((**errand).clone()),
        _ => None,
    };
    outputs.iter().filter_map(errand).collect()
}

/// What a room was told last of its calendar; `None` when nothing.
fn told(outputs: &[Output], to: LinkId) -> Option<Vec<CalendarEntry>> {
    events_to(outputs, to).into_iter().rev().find_map(|event| match event {
        CloudEvent::Calendar(entries) => Some(entries.clone()),
        _ => None,
    })
}

fn line(answer: ControlAnswer) -> Option<CalendarLine> {
    match answer {
        ControlAnswer::RoomCalendar { calendar, .. } => calendar.map(|calendar| *calendar),
        other => panic!("{other:?}"),
    }
}

impl Cloud {
    fn set_calendar(&mut self, room: &str, address: &str) -> Errand {
        let set = ControlRequest::RoomCalendarSet { room: room.to_owned(), calendar: new(address) };
        let (answer, outputs) = self.admin(set);
        assert!(line(answer).unwrap().reading, "it is read at once");
        errands(&outputs).pop().unwrap()
    }

    fn calendar(&mut self, room: &str) -> Option<CalendarLine> {
        line(self.admin(ControlRequest::RoomCalendarShow { room: room.to_owned() }).0)
    }

    fn read(&mut self, errand: &Errand, outcome: Result<Found, CalendarTrouble>) -> Vec<Output> {
        let Errand { room, number, .. } = *errand;
        self.give(Input::CalendarRead(Box::new(Read { room, number, outcome })))
    }

    fn found(&mut self, errand: &Errand, taken: Vec<TakenTime>) -> Vec<Output> {
        let mark = Some(Mark("\"1\"".to_owned()));
        self.read(errand, Ok(Found::All { taken, unread: 0, mark }))
    }

    /// In so many hours, for one hour.
    fn taken(&self, hours: u64, title: Option<&str>, number: Option<&str>) -> TakenTime {
        let starts_at = self.wall().after(Duration::from_secs(hours * HOUR));
        TakenTime {
            starts_at,
            ends_at: starts_at.after(Duration::from_secs(HOUR)),
            title: title.map(|title| title.parse().unwrap()),
            number: number.map(|number| number.parse().unwrap()),
            invitation: None,
        }
    }
}

#[test]
fn a_calendar_is_read_and_its_room_told() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    let (other, _) = cloud.room(2, "B");
    cloud.vmr("4711", None, 5);
    assert_eq!(cloud.calendar("A"), None);
    let errand = cloud.set_calendar("A", "webcal://cal.example.org/ical/s3cret.ics");
    assert_eq!(errand.calendar.address.expose(), ADDRESS);
    assert_eq!(errand.known, None);
    assert!(errand.window.from <= cloud.wall());

    let times = vec![
        cloud.taken(1, Some("Handover"), Some("4711")),
        cloud.taken(3, None, None),
        cloud.taken(5, Some("Elsewhere"), Some("4712")),
        cloud.taken(24 * 15, Some("Far"), None),
    ];
    let outputs = cloud.found(&errand, times);
    let entries = told(&outputs, link).unwrap();
    let shown: Vec<_> = entries
        .iter()
        .map(|each| (each.title.as_ref().map(|title| title.as_str()), each.number.is_some()))
        .collect();
    assert_eq!(shown, [(Some("Handover"), true), (None, false), (Some("Elsewhere"), false)]);
    assert_eq!(told(&outputs, other), None);

    let known = cloud.calendar("A").unwrap();
    assert_eq!((known.meetings, known.reading, known.trouble), (3, false, None));
    assert_eq!(known.host.unwrap().0, "cal.example.org");
    assert_eq!(known.read_at, Some(cloud.wall()));

    // A link begins with the list; one that was told nothing new is told nothing.
    let (room, outputs) = (errand.room, cloud.give(Input::Closed { link }));
    assert_eq!(told(&outputs, link), None);
    let (again, outputs) = cloud.hello(enrolled(1, room), vec![]);
    assert_eq!(told(&outputs, again), Some(entries));

    let remove = ControlRequest::RoomCalendarRemove { room: "A".to_owned() };
    let (answer, outputs) = cloud.admin(remove.clone());
    assert_eq!((line(answer), told(&outputs, again)), (None, Some(vec![])));
    assert!(cloud.refused(remove).contains("no calendar"));
    let later = cloud.later(HOUR);
    assert_eq!(errands(&later), []);
}

#[test]
fn nobody_is_shown_the_address_or_the_password_again_and_the_audit_log_has_neither() {
    let mut cloud = Cloud::new();
    cloud.room(1, "A");
    let calendar = NewCalendar {
        kind: CalendarKind::Caldav,
        user: Some(Redacted("salle-a".to_owned())),
        password: Some(Secret::new("pa55".to_owned())),
        ..new(ADDRESS)
    };
    let (answer, outputs) =
        cloud.admin(ControlRequest::RoomCalendarSet { room: "A".to_owned(), calendar });
    let audit = ControlRequest::AuditList { installation: false, below: None, most: 9 };
    let log = cloud.admin(audit).0;
    let shown = cloud.admin(ControlRequest::RoomCalendarShow { room: "A".to_owned() }).0;
    for answer in [&answer, &log, &shown] {
        let text = serde_json::to_string(answer).unwrap();
        assert!(!text.contains("s3cret") && !text.contains("pa55"), "{text}");
    }
    let text = serde_json::to_string(&log).unwrap();
    assert!(
        text.contains("room.calendar_set") && text.contains("CalDAV of cal.example.org"),
        "{text}"
    );
    assert!(!text.contains("salle-a"));
    let debug = format!("{:?}", errands(&outputs));
    assert!(!debug.contains("s3cret") && !debug.contains("pa55") && !debug.contains("salle-a"));
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_kept() {
    let mut cloud = Cloud::new();
    let (_, id) = cloud.room(1, "A");
    let with = |user: &str, password: &str| NewCalendar {
        user: Some(Redacted(user.to_owned())),
        password: Some(Secret::new(password.to_owned())),
        ..new(ADDRESS)
    };
    for calendar in [
        new("http://cal.example.org/x.ics"),
        new("file:///etc/passwd"),
        new("https://ada:pw@cal.example.org/"),
        new(""),
        with("a:b", "x"),
        with("a", "x\r\ny"),
        with(&"a".repeat(501), "x"),
    ] {
        let set = ControlRequest::RoomCalendarSet { room: "A".to_owned(), calendar };
        let ControlAnswer::Refused { code, .. } = cloud.admin(set).0 else { panic!() };
        assert_eq!(code, RefusalCode::Address);
    }
    let nowhere = ControlRequest::RoomCalendarSet { room: "Z".to_owned(), calendar: new(ADDRESS) };
    assert!(cloud.refused(nowhere).contains("no room"));
    let read = ControlRequest::RoomCalendarRead { room: "A".to_owned() };
    assert!(cloud.refused(read).contains("no calendar"));
    cloud.admin(ControlRequest::RoomRevoke { room: "A".to_owned() });
    let set = ControlRequest::RoomCalendarSet { room: id.to_string(), calendar: new(ADDRESS) };
    let ControlAnswer::Refused { code, .. } = cloud.admin(set).0 else { panic!() };
    assert_eq!(code, RefusalCode::RoomRevoked);
    assert_eq!(cloud.disk.calendars().unwrap(), []);
}

#[test]
fn another_organisation_has_no_such_room_and_a_member_no_say() {
    let mut cloud = Cloud::with_ada();
    cloud.room(1, "A");
    cloud.person("mo@example.org", conclave_directory::access::Role::Member, 3);
    let set = ControlRequest::RoomCalendarSet { room: "A".to_owned(), calendar: new(ADDRESS) };
    let show = ControlRequest::RoomCalendarShow { room: "A".to_owned() };
    for request in [set.clone(), show.clone()] {
        assert!(matches!(cloud.browse(3, request), ControlAnswer::NotAllowed));
    }
    assert!(line(cloud.browse(ADA, set)).is_some());
    let (answer, _) = cloud.admin(ControlRequest::OrganisationAdd { name: "B".parse().unwrap() });
    let ControlAnswer::OrganisationAdded { organisation } = answer else { panic!("{answer:?}") };
    cloud.whose = organisation.organisation;
    assert!(cloud.refused(show).contains("no room"));
}

#[test]
fn a_room_that_is_shut_out_loses_its_calendar() {
    let mut cloud = Cloud::new();
    cloud.room(1, "A");
    let errand = cloud.set_calendar("A", ADDRESS);
    assert_eq!(cloud.disk.calendars().unwrap().len(), 1);
    cloud.admin(ControlRequest::RoomRevoke { room: "A".to_owned() });
    assert_eq!(cloud.disk.calendars().unwrap(), []);
    // What came of the errand that was under way is of nobody any more.
    let late = vec![cloud.taken(1, None, None)];
    cloud.found(&errand, late);
    assert_eq!(errands(&cloud.later(2 * HOUR)), []);
}

#[test]
fn what_is_gone_is_asked_for_ever_less_often_and_what_was_read_counts_meanwhile() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    let errand = cloud.set_calendar("A", ADDRESS);
    let times = vec![cloud.taken(30, Some("Board"), None)];
    cloud.found(&errand, times);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let mut waited = 0;
        let next = loop {
            waited += 10;
            if let Some(errand) = errands(&cloud.later(10)).pop() {
                break errand;
            }
        };
        waits.push(waited);
        assert_eq!(next.known, Some(Mark("\"1\"".to_owned())));
        let outputs = cloud.read(&next, Err(CalendarTrouble::Gone));
        assert_eq!(told(&outputs, link), None, "it is still taken");
    }
    assert!(waits.is_sorted_by(|a, b| *a <= *b + 400), "{waits:?}");
    let usual = |waited: &u64| (270..=340).contains(waited);
    assert!(usual(&waits[0]) && usual(&waits[1]), "{waits:?}");
    assert!(waits[7] > 3_000 && waits[7] < 4_000, "{waits:?}");
    let known = cloud.calendar("A").unwrap();
    assert_eq!((known.trouble, known.meetings), (Some(CalendarTrouble::Gone), 1));
    assert!(known.trouble_since.unwrap() < cloud.wall(), "since the first time");

    // Somebody mends it and has it read.
    let read = ControlRequest::RoomCalendarRead { room: "A".to_owned() };
    let (_, outputs) = cloud.admin(read);
    let errand = errands(&outputs).pop().unwrap();
    cloud.read(&errand, Ok(Found::Unchanged));
    let known = cloud.calendar("A").unwrap();
    assert_eq!((known.trouble, known.read_at), (None, Some(cloud.wall())));
}

#[test]
fn all_of_it_is_wanted_again_before_the_days_that_were_read_run_out_and_when_the_clock_jumps() {
    let mut cloud = Cloud::new();
    cloud.room(1, "A");
    let mut errand = cloud.set_calendar("A", ADDRESS);
    cloud.found(&errand, vec![]);
    let (mut asked, mut whole) = (0, 0);
    for _ in 0..(3 * 24 * 12) {
        if let Some(next) = errands(&cloud.later(300)).pop() {
            errand = next;
            asked += 1;
            match errand.known {
                Some(_) => drop(cloud.read(&errand, Ok(Found::Unchanged))),
                None => {
                    whole += 1;
                    cloud.found(&errand, vec![]);
                }
            }
        }
    }
    assert!(asked > 400 && (2..=3).contains(&whole), "{asked}, {whole}");

    // Somebody sets the machine's clock back by a year: what was read is of other days.
    let mut back = Vec::new();
    while back.is_empty() {
        cloud.now = cloud.now + Duration::from_secs(60);
        let wall = UnixTime(cloud.wall().0 - 365 * 86_400);
        cloud.board.handle(cloud.now, wall, Input::Wake);
        let outputs: Vec<_> = std::iter::from_fn(|| cloud.board.poll_output()).collect();
        back = errands(&outputs);
    }
    assert_eq!(back[0].known, None);
    assert!(back[0].window.until < errand.window.from);
}

#[test]
fn only_so_many_are_read_at_once_and_the_others_wait() {
    let mut cloud = Cloud::new();
    let mut out = Vec::new();
    for n in 1..=15 {
        let name = format!("Room {n}");
        cloud.room(n, &name);
        let set = ControlRequest::RoomCalendarSet { room: name, calendar: new(ADDRESS) };
        out.extend(errands(&cloud.admin(set).1));
    }
    assert_eq!(out.len(), 12);
    let first = out[0].clone();
    let next = errands(&cloud.read(&first, Ok(Found::Unchanged)));
    assert_eq!(next.len(), 1, "one ended, another one begins");
    // What comes twice, or of an errand that is none any more, counts for nothing.
    let room = format!("Room {}", 2);
    let anew = ControlRequest::RoomCalendarSet { room: room.clone(), calendar: new(ADDRESS) };
    cloud.admin(anew);
    let late = vec![cloud.taken(1, None, None)];
    cloud.found(&out[1].clone(), late);
    assert_eq!(cloud.calendar(&room).unwrap().meetings, 0);
}

#[test]
fn a_restarted_cloud_reads_all_of_them_soon_and_one_that_it_cannot_open_says_so() {
    let mut cloud = Cloud::new();
    for n in 1..=10 {
        cloud.room(n, &format!("Room {n}"));
        let errand = cloud.set_calendar(&format!("Room {n}"), ADDRESS);
        cloud.found(&errand, vec![]);
    }
    let mut kept = cloud.disk.calendars().unwrap();
    let mut broken = kept.remove(0);
    broken.sealed = vec![1, 2, 3];
    assert!(cloud.disk.keep_calendar(&broken).unwrap());
    let mut cloud = Cloud::on(cloud.disk.clone());
    let mut asked = Vec::new();
    for _ in 0..7 {
        asked.extend(errands(&cloud.later(10)));
    }
    assert_eq!(asked.len(), 9, "within a minute");
    let known = cloud.calendar(&broken.room.to_string()).unwrap();
    assert_eq!((known.kind, known.trouble), (None, Some(CalendarTrouble::Sealed)));
    // Nothing but a new one mends that.
    let name = broken.room.to_string();
    cloud.set_calendar(&name, ADDRESS);
}

#[test]
fn a_room_that_its_calendar_takes_is_not_free() {
    let mut cloud = Cloud::with_ada();
    cloud.room(1, "A");
    let errand = cloud.set_calendar("A", ADDRESS);
    let times = vec![cloud.taken(2, None, None)];
    let (from, until) = (times[0].starts_at, times[0].ends_at);
    cloud.found(&errand, times);
    let mut taken = |from, until| {
        let ask = ControlRequest::BookableRooms { part: Part::default(), from, until };
        match cloud.browse(ADA, ask) {
            ControlAnswer::BookableRooms { rooms, .. } => {
                rooms.iter().map(|BookableRoom { taken, .. }| *taken).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    let second = Duration::from_secs(1);
    assert_eq!(taken(from, until), [true]);
    assert_eq!(taken(until, until.after(second)), [false], "one after the other");
    assert_eq!(taken(until.after(second), until.after(second * 2)), [false]);
    assert_eq!(taken(UnixTime(from.0 - 1), from), [false]);
}

#[test]
fn our_own_invitations_are_not_listed_twice_and_are_joined_where_only_the_calendar_has_them() {
    let mut cloud = Cloud::with_ada();
    let (invited, _) = cloud.room(1, "A");
    let (forwarded, _) = cloud.room(2, "B");
    let starts_at = cloud.wall().after(Duration::from_secs(HOUR));
    let meeting = NewAppointment {
        title: "Tumour board".parse().unwrap(),
        starts_at,
        ends_at: starts_at.after(Duration::from_secs(HOUR)),
        rooms: vec!["A".to_owned()],
        people: vec![],
        lobby: false,
    };
    let add = ControlRequest::AppointmentAdd { new: meeting, pin: None };
    let ControlAnswer::AppointmentKept { appointment } = cloud.browse(ADA, add) else { panic!() };
    let number = appointment.number;
    let vmr = cloud.disk.vmrs().unwrap().into_iter().find(|vmr| vmr.number == number).unwrap().id;
    let invitation = TakenTime {
        invitation: Some(vmr),
        ..cloud.taken(1, Some("Tumour board"), Some(number.as_str()))
    };
    // A number alone shows nobody that a hidden meeting is there: a calendar could try them all.
    let guess = TakenTime { invitation: None, ..invitation.clone() };
    let stranger = TakenTime { invitation: Some(VmrId::from_random(99)), ..invitation.clone() };
    for (room, link, numbers) in
        [("A", invited, vec![None, None]), ("B", forwarded, vec![Some(number.clone()), None, None])]
    {
        let errand = cloud.set_calendar(room, ADDRESS);
        let times = vec![invitation.clone(), guess.clone(), stranger.clone()];
        let entries = told(&cloud.found(&errand, times), link).unwrap();
        let found: Vec<_> = entries.into_iter().map(|each| each.number).collect();
        assert_eq!(found, numbers, "{room}");
    }
}

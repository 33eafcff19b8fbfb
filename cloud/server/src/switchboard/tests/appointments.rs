//! Meetings that are to be: who is told, who is let in, and for whom they are not there.

use super::*;
use crate::control::{AppointmentLine, BookableRoom, NewAppointment};
use conclave_directory::access::Role;

const ADA: u8 = 1;
const ORGANISER: u8 = 2;
const MEMBER: u8 = 3;
const HOUR: u64 = 3_600;

/// In so many hours, for one hour.
fn meeting(
    cloud: &Cloud,
    title: &str,
    hours: u64,
    rooms: &[&str],
    people: &[&str],
) -> NewAppointment {
    let starts_at = cloud.wall().after(Duration::from_secs(hours * HOUR));
    NewAppointment {
        title: title.parse().unwrap(),
        starts_at,
        ends_at: starts_at.after(Duration::from_secs(HOUR)),
        rooms: rooms.iter().map(|&room| room.to_owned()).collect(),
        people: people.iter().map(|&person| Redacted(person.to_owned())).collect(),
        lobby: false,
    }
}

fn kept(answer: ControlAnswer) -> AppointmentLine {
    match answer {
        ControlAnswer::AppointmentKept { appointment } => appointment,
        other => panic!("{other:?}"),
    }
}

fn code(answer: ControlAnswer) -> RefusalCode {
    match answer {
        ControlAnswer::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

impl Cloud {
    /// Whoever is signed in by this session calls a meeting; what rooms are told of it.
    fn call_meeting(
        &mut self,
        session: u8,
        new: NewAppointment,
        pin: Option<&str>,
    ) -> AppointmentLine {
        let pin = pin.map(|pin| pin.parse().unwrap());
        kept(self.browse(session, ControlRequest::AppointmentAdd { new, pin }))
    }

    fn schedule(&mut self, session: u8, past: bool) -> Vec<AppointmentLine> {
        let list = ControlRequest::AppointmentList { part: Part::default(), past };
        match self.browse(session, list) {
            ControlAnswer::Appointments { appointments, total } => {
                assert_eq!(appointments.len(), total);
                appointments
            }
            other => panic!("{other:?}"),
        }
    }

    fn give_console(&mut self, session: u8, request: ControlRequest) -> Vec<Output> {
        let by = Credential::Session(conclave_directory::TokenHash([session; 32]));
        let source = crate::accounts::Source("203.0.113.9".parse().unwrap());
        self.give(Input::Console { id: ControlId(6), by, source, request })
    }
}

/// What a room was told last of its meetings; `None` when nothing.
fn agenda(outputs: &[Output], to: LinkId) -> Option<Vec<String>> {
    events_to(outputs, to).into_iter().rev().find_map(|event| match event {
        CloudEvent::Agenda(entries) => {
            Some(entries.iter().map(|entry| entry.title.to_string()).collect())
        }
        _ => None,
    })
}

fn three_people() -> Cloud {
    let mut cloud = Cloud::with_ada();
    cloud.person("olga@example.org", Role::Organiser, ORGANISER);
    cloud.person("mo@example.org", Role::Member, MEMBER);
    cloud
}

#[test]
fn a_meeting_is_told_to_whom_it_is_for_and_to_nobody_else() {
    let mut cloud = three_people();
    let (invited, _) = cloud.room(1, "A");
    let (other, _) = cloud.room(2, "B");
    let new = meeting(&cloud, "Tumour board", 2, &["A"], &["mo@example.org", "x@example.com"]);
    let outputs = cloud.give_console(ORGANISER, ControlRequest::AppointmentAdd { new, pin: None });
    assert_eq!(agenda(&outputs, invited), Some(vec!["Tumour board".to_owned()]));
    assert_eq!(agenda(&outputs, other), None);

    let theirs = cloud.schedule(ORGANISER, false);
    let [line] = &theirs[..] else { panic!("{theirs:?}") };
    assert_eq!((line.number.as_str().len(), line.mine, line.on), (9, true, false));
    assert_eq!(line.rooms[0].name.as_str(), "A");
    let people: Vec<_> =
        line.people.iter().map(|each| (each.email.as_str(), each.name.is_some())).collect();
    assert_eq!(people, [("mo@example.org", true), ("x@example.com", false)]);
    let seen = cloud.schedule(MEMBER, false);
    assert_eq!((seen.len(), seen[0].mine), (1, false));

    // An administrator who is not invited finds it by nothing, and the log does not name it.
    let number = line.number.clone();
    assert!(cloud.schedule(ADA, false).is_empty());
    let asks = [
        ControlRequest::VmrList { part: Part::default() },
        ControlRequest::MeetingList,
        ControlRequest::RecordList { most: 99 },
        ControlRequest::AuditList { installation: false, below: None, most: 99 },
        ControlRequest::AppointmentCancel { number: number.clone() },
        ControlRequest::VmrRemove { number: number.clone() },
        ControlRequest::MeetingEnd { number: number.clone() },
    ];
    cloud.joined(invited, number.as_str(), None);
    for ask in asks {
        let told = serde_json::to_string(&cloud.browse(ADA, ask)).unwrap();
        assert!(!told.contains("Tumour"), "{told}");
        let refusal = told.contains("\"refused\"");
        assert!(refusal || !told.contains(number.as_str()), "{told}");
    }
    assert!(cloud.schedule(ORGANISER, false)[0].on);
    // Nor does its organiser change it as if it were a meeting room.
    let list = cloud.browse(ORGANISER, ControlRequest::VmrList { part: Part::default() });
    assert_eq!(list, ControlAnswer::Vmrs { vmrs: vec![], total: 0 });
    // Who is invited sees it and does not change it; members call none.
    let cancel = || ControlRequest::AppointmentCancel { number: number.clone() };
    assert_eq!(cloud.browse(MEMBER, cancel()), ControlAnswer::NotAllowed);
    let new = meeting(&cloud, "Mine", 2, &[], &[]);
    let call = ControlRequest::AppointmentAdd { new: new.clone(), pin: None };
    assert_eq!(cloud.browse(MEMBER, call.clone()), ControlAnswer::NotAllowed);
    assert!(cloud.refused(call).contains("console"), "whoever has no account");
}

#[test]
fn the_reports_say_that_a_meeting_took_place_and_to_its_organiser_which() {
    let mut cloud = three_people();
    let (link, _) = cloud.room(1, "A");
    let new = meeting(&cloud, "Board", 0, &["A"], &[]);
    let number = cloud.call_meeting(ADA, new, None).number;
    let call = cloud.joined(link, number.as_str(), None).call;
    cloud.ask(link, RoomRequest::Leave { call });
    cloud.person("eve@example.org", Role::Administrator, 4);
    cloud.browse(ADA, ControlRequest::AppointmentCancel { number: number.clone() });
    let names = |cloud: &mut Cloud, session| match cloud
        .browse(session, ControlRequest::RecordList { most: 9 })
    {
        ControlAnswer::Records { records } => records
            .into_iter()
            .map(|record| (record.room_name.to_string(), record.vmr_name, record.number))
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let own = ("A".to_owned(), Some("Board".parse().unwrap()), Some(number));
    assert_eq!(names(&mut cloud, ADA), [own], "when it is called off, too");
    assert_eq!(names(&mut cloud, 4), [("A".to_owned(), None, None)]);
}

#[test]
fn an_invited_room_comes_in_by_itself_and_another_one_by_number_and_pin() {
    let mut cloud = three_people();
    let (invited, _) = cloud.room(1, "A");
    let (other, _) = cloud.room(2, "B");
    let new = meeting(&cloud, "Board", 2, &["A"], &[]);
    let line = cloud.call_meeting(ORGANISER, new, Some("246810"));
    let number = line.number.as_str();
    assert_eq!(cloud.join(other, number, None), Response::NotJoined(JoinRefusal::PinNeeded));
    let call = cloud.joined(invited, number, None).call;
    cloud.ask(invited, RoomRequest::Leave { call });
    cloud.later(4 * HOUR - 5);
    cloud.joined(other, number, Some("246810"));
    // An hour after its end it is gone for whoever is not in it, and stays for those who are.
    cloud.later(6);
    let call = cloud.joined(invited, number, None).call;
    cloud.give(Input::Closed { link: other });
    cloud.ask(invited, RoomRequest::Leave { call });
    cloud.later(60);
    assert_eq!(cloud.join(invited, number, None), Response::NotJoined(JoinRefusal::NotFound));
}

#[test]
fn a_meeting_that_changes_moves_from_panel_to_panel_and_goes_when_it_is_off() {
    let mut cloud = three_people();
    let (a, a_id) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    let new = meeting(&cloud, "Board", 2, &["A"], &[]);
    let line = cloud.call_meeting(ORGANISER, new, None);
    let number = line.number.clone();
    let to = meeting(&cloud, "Board, in B", 3, &["B"], &[]);
    let change = |revision, to: &NewAppointment| ControlRequest::AppointmentChange {
        number: number.clone(),
        to: to.clone(),
        revision: Some(revision),
    };
    let outputs = cloud.give_console(ORGANISER, change(1, &to));
    assert_eq!(
        (agenda(&outputs, a), agenda(&outputs, b)),
        (Some(vec![]), Some(vec!["Board, in B".into()]))
    );
    assert_eq!(code(cloud.browse(ORGANISER, change(1, &to))), RefusalCode::ChangedMeanwhile);
    assert_eq!(code(cloud.browse(ADA, change(2, &to))), RefusalCode::Gone);
    // With its next link a room is told again, unless there is nothing to tell.
    cloud.give(Input::Closed { link: a });
    let (_, outputs) = cloud.hello(enrolled(1, a_id), vec![]);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Send { .. })), "{outputs:?}");
    let cancel = ControlRequest::AppointmentCancel { number: number.clone() };
    let outputs = cloud.give_console(ORGANISER, cancel);
    assert_eq!(agenda(&outputs, b), Some(vec![]));
    assert!(cloud.schedule(ORGANISER, false).is_empty());
    assert_eq!(cloud.join(b, number.as_str(), None), Response::NotJoined(JoinRefusal::NotFound));
    // Whoever called one takes it along.
    let new = meeting(&cloud, "Board", 2, &["B"], &[]);
    cloud.call_meeting(ORGANISER, new, None);
    let remove = ControlRequest::PersonRemove { person: "olga@example.org".into() };
    assert_eq!(agenda(&cloud.admin(remove).1, b), Some(vec![]));
}

#[test]
fn rooms_hear_what_comes_next_and_old_meetings_go() {
    let mut cloud = three_people();
    let (a, _) = cloud.room(1, "A");
    for hour in 0..30 {
        let new = meeting(&cloud, &format!("{hour}"), hour, &["A"], &[]);
        cloud.call_meeting(ORGANISER, new, None);
    }
    let told = cloud.board.appointments_told(a);
    assert_eq!((told.len(), told[0].as_str()), (24, "0"));
    let outputs = cloud.later(HOUR + 901);
    let told = agenda(&outputs, a).unwrap();
    assert_eq!((told.len(), told[0].as_str()), (24, "1"));
    assert_eq!(cloud.schedule(ORGANISER, true).len(), 1);
    let restarted = Cloud::on(cloud.disk.clone());
    assert_eq!(restarted.board.listing.len(cloud.whose), 0, "they are no meeting rooms");
    assert_eq!(cloud.disk.vmrs().unwrap().len(), 30);
    cloud.later(9 * 86_400);
    cloud.later(86_400);
    assert_eq!(cloud.disk.vmrs().unwrap(), []);
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let mut cloud = three_people();
    cloud.room(1, "A");
    let at = cloud.wall();
    let good = meeting(&cloud, "Board", 2, &["A"], &[]);
    let later = |hours: u64| at.after(Duration::from_secs(hours * HOUR));
    let with = |starts_at, ends_at| NewAppointment { starts_at, ends_at, ..good.clone() };
    let people = |people: Vec<String>| {
        let people = people.into_iter().map(Redacted).collect();
        NewAppointment { people, ..good.clone() }
    };
    let cases = [
        (with(later(3), later(2)), RefusalCode::When),
        (with(later(2), later(2)), RefusalCode::When),
        (with(UnixTime(0), UnixTime(60)), RefusalCode::When),
        (with(later(2), later(27)), RefusalCode::When),
        (with(later(24 * 800), later(24 * 800 + 1)), RefusalCode::When),
        (with(UnixTime(u64::MAX - 60), UnixTime(u64::MAX)), RefusalCode::When),
        (NewAppointment { rooms: vec!["Nowhere".into()], ..good.clone() }, RefusalCode::Gone),
        (NewAppointment { rooms: vec!["A".into(); 81], ..good.clone() }, RefusalCode::TooMany),
        (people(vec!["nobody".into()]), RefusalCode::NoAddress),
        (people((0..301).map(|n| format!("p{n}@example.org")).collect()), RefusalCode::TooMany),
    ];
    for (new, why) in cases {
        let call = ControlRequest::AppointmentAdd { new, pin: None };
        assert_eq!(code(cloud.browse(ORGANISER, call)), why);
    }
    assert!(cloud.schedule(ORGANISER, false).is_empty());
    assert_eq!(cloud.disk.vmrs().unwrap(), []);
}

#[test]
fn a_room_is_said_to_be_taken_while_another_meeting_is_called_in_it() {
    let mut cloud = three_people();
    cloud.room(1, "A");
    cloud.room(2, "B");
    let new = meeting(&cloud, "Board", 2, &["A"], &[]);
    let (from, until) = (new.starts_at, new.ends_at);
    cloud.call_meeting(ADA, new, None);
    let mut ask = |session, q: &str, from, until| {
        let part = Part { q: q.into(), ..Part::default() };
        match cloud.browse(session, ControlRequest::BookableRooms { part, from, until }) {
            ControlAnswer::BookableRooms { rooms, .. } => {
                let line = |room: BookableRoom| (room.name.to_string(), room.taken);
                rooms.into_iter().map(line).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask(ORGANISER, "", from, until), [("A".into(), true), ("B".into(), false)]);
    assert_eq!(
        ask(ORGANISER, "a", until, until.after(Duration::from_secs(60))),
        [("A".into(), false)]
    );
}

#[test]
fn whoever_dials_at_random_waits_and_keeps_nobody_from_what_they_are_shown() {
    let mut cloud = three_people();
    cloud.vmr("4711", None, 5);
    let (link, _) = cloud.room(1, "A");
    let (other, _) = cloud.room(2, "B");
    let invited = meeting(&cloud, "Board", 2, &["A"], &[]);
    let invited = cloud.call_meeting(ADA, invited, None).number;
    let secret = meeting(&cloud, "Secret", 2, &[], &[]);
    let secret = cloud.call_meeting(ADA, secret, None).number;
    for n in 0..10 {
        let answer = cloud.join(link, &format!("10000000{n}"), None);
        assert_eq!(answer, Response::NotJoined(JoinRefusal::NotFound));
        cloud.later(1);
    }
    // A number that is given, one that is not: the same answer, and nothing is learned.
    for number in [secret.as_str(), "100000099"] {
        let answer = cloud.join(link, number, None);
        let Response::NotJoined(JoinRefusal::TooManyNumbers { seconds }) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(seconds, 590);
    }
    for number in ["4711", invited.as_str()] {
        let call = cloud.joined(link, number, None).call;
        cloud.ask(link, RoomRequest::Leave { call });
    }
    cloud.joined(other, secret.as_str(), None);
    cloud.later(600);
    cloud.joined(link, secret.as_str(), None);
}

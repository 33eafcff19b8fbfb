//! Hidden meeting rooms: for everybody but owner and moderators, nothing differs from what it would be without them.
//! And meeting rooms for one meeting.

use super::*;
use conclave_directory::access::Role;

const ADA: u8 = 1;
const EVE: u8 = 2;
const MODERATOR: u8 = 3;

fn hidden(name: &str) -> NewVmr {
    NewVmr {
        number: None,
        hidden: true,
        ..NewVmr::plain("999".parse().unwrap(), name.parse().unwrap(), 5)
    }
}

fn created(answer: ControlAnswer) -> crate::control::VmrLine {
    match answer {
        ControlAnswer::VmrCreated { vmr } => vmr,
        other => panic!("{other:?}"),
    }
}

/// Everything that somebody can be told, as one text. `about` is what they ask for by number.
fn everything(cloud: &mut Cloud, session: u8, about: &str) -> String {
    let number = || about.parse::<VmrNumber>().unwrap();
    let name = || "Mine".parse::<DisplayName>().unwrap();
    let asks = [
        ControlRequest::VmrList { part: Part::default() },
        ControlRequest::VmrList { part: Part { q: about.into(), ..Part::default() } },
        ControlRequest::VmrList { part: Part { q: "board".into(), ..Part::default() } },
        ControlRequest::VmrSetPin { number: number(), pin: None },
        ControlRequest::VmrSetPin { number: number(), pin: Some("246810".parse().unwrap()) },
        ControlRequest::VmrModerators {
            number: number(),
            people: vec![Redacted("eve@example.org".into())],
        },
        ControlRequest::VmrChange {
            number: number(),
            name: Some(name()),
            capacity: Some(9),
            lobby: Some(true),
        },
        ControlRequest::VmrRemove { number: number() },
        ControlRequest::VmrCreate { new: NewVmr::plain(number(), name(), 5), pin: None },
        ControlRequest::MeetingList,
        ControlRequest::MeetingEnd { number: number() },
        ControlRequest::MeetingLetIn { number: number(), who: vec![] },
        ControlRequest::MeetingTurnAway { number: number(), who: vec![] },
        ControlRequest::RecordList { most: 99 },
        ControlRequest::RoomList {
            part: Part::default(),
            state: None,
            needs: false,
            group: None,
            tag: None,
        },
    ];
    let answers = asks.into_iter().map(|ask| match cloud.browse(session, ask) {
        // A room that is in a call is seen to be: where, is not.
        ControlAnswer::Rooms { rooms, .. } => format!("{} rooms", rooms.len()),
        answer => serde_json::to_string(&answer).unwrap(),
    });
    answers.collect::<Vec<_>>().join("\n").replace(&number().to_string(), "?").replace(about, "?")
}

#[test]
fn nobody_but_owner_and_moderators_finds_a_hidden_meeting_room_by_anything() {
    let mut cloud = Cloud::with_ada();
    cloud.person("eve@example.org", Role::Administrator, EVE);
    cloud.person("mo@example.org", Role::Member, MODERATOR);
    let (link, id) = cloud.room(1, "Room Ada");
    let (watching, _) = cloud.room(2, "Room Eve");
    let before = everything(&mut cloud, EVE, "123456789");

    cloud.shown.clear();
    let create = ControlRequest::VmrCreate { new: hidden("Board, merger"), pin: None };
    let vmr = created(cloud.browse(ADA, create));
    assert_eq!(vmr.number.as_str().len(), 9);
    assert_eq!(vmr.owner.as_ref().map(DisplayName::as_str), Some("Ada"));
    // Consoles hear that the audit log has a row, and rooms hear nothing.
    assert_eq!(cloud.shown, [(cloud.whose, vec![Topic::Audit])]);
    let people = vec![Redacted("mo@example.org".to_owned())];
    let number = vmr.number.clone();
    cloud.browse(ADA, ControlRequest::VmrModerators { number: number.clone(), people });

    // Whoever knows the number calls it, from any room, and a panel lists it nowhere.
    let joined = cloud.joined(link, number.as_str(), None);
    assert_eq!(joined.name.as_str(), "Board, merger");
    cloud.give(Input::Closed { link: watching });
    let (_, welcome) = cloud.link(
        2,
        cloud.disk.rooms().unwrap().iter().find(|room| room.id != id).unwrap().id,
        vec![],
    );
    assert_eq!(welcome.directory, []);
    // The operator's log of calls has no name of it.
    let Some(CallNote::Began { vmr_name, .. }) = cloud.notes.last() else { panic!() };
    assert_eq!(vmr_name.as_str(), "·");

    assert_eq!(everything(&mut cloud, EVE, number.as_str()), before, "while its meeting is on");
    let told = |cloud: &mut Cloud, session: u8| {
        let list = ControlRequest::VmrList { part: Part::default() };
        match cloud.browse(session, list) {
            ControlAnswer::Vmrs { vmrs, total } => (vmrs.len(), total),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told(&mut cloud, ADA), (1, 1));
    assert_eq!(told(&mut cloud, MODERATOR), (1, 1));
    assert_eq!(told(&mut cloud, EVE), (0, 0));
    let command_line = cloud.admin(ControlRequest::VmrList { part: Part::default() }).0;
    assert_eq!(command_line, ControlAnswer::Vmrs { vmrs: vec![], total: 0 });

    // The audit log says that something was done, and not to what.
    let rows = |cloud: &mut Cloud, session| {
        let ask = ControlRequest::AuditList { installation: false, below: None, most: 99 };
        serde_json::to_string(&cloud.browse(session, ask)).unwrap()
    };
    let log = rows(&mut cloud, EVE);
    assert!(log.contains("hidden_vmr.create") && log.contains("hidden_vmr.moderators"), "{log}");
    assert!(!log.contains("merger") && !log.contains(number.as_str()), "{log}");
    assert!(rows(&mut cloud, ADA).contains("Board, merger"), "whoever sees it reads its name");

    cloud.ask(link, RoomRequest::Leave { call: joined.call });
    assert_eq!(everything(&mut cloud, EVE, number.as_str()), before, "and after it");
    let records = |cloud: &mut Cloud, session| match cloud
        .browse(session, ControlRequest::RecordList { most: 9 })
    {
        ControlAnswer::Records { records } => records.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!((records(&mut cloud, ADA), records(&mut cloud, EVE)), (1, 0));
    // Removed, its records stay as hidden as it was.
    cloud.browse(ADA, ControlRequest::VmrRemove { number: number.clone() });
    assert_eq!(everything(&mut cloud, EVE, number.as_str()), before);
    assert_eq!(records(&mut cloud, EVE), 0);
}

#[test]
fn numbers_of_hidden_meeting_rooms_are_drawn_and_nobody_chooses_such_a_number() {
    let mut cloud = Cloud::with_ada();
    let given = |new: NewVmr| ControlRequest::VmrCreate { new, pin: None };
    let code = |cloud: &mut Cloud, new| match cloud.browse(ADA, given(new)) {
        ControlAnswer::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    };
    let nine = NewVmr::plain("123456789".parse().unwrap(), "X".parse().unwrap(), 5);
    assert_eq!(code(&mut cloud, nine.clone()), RefusalCode::NumberGiven);
    assert_eq!(code(&mut cloud, NewVmr { hidden: true, ..nine }), RefusalCode::NumberGiven);
    let one = created(cloud.browse(ADA, given(hidden("One")))).number;
    let two = created(cloud.browse(ADA, given(hidden("Two")))).number;
    let plain = created(cloud.browse(ADA, given(NewVmr { hidden: false, ..hidden("Three") })));
    assert!(one != two && one != plain.number && two != plain.number);
    // On the command line nobody would see it.
    assert!(cloud.refused(given(hidden("Four"))).contains("in the console"));
}

#[test]
fn who_is_removed_takes_along_what_nobody_else_sees() {
    let mut cloud = Cloud::with_ada();
    let eve = cloud.person("eve@example.org", Role::Administrator, EVE);
    cloud.person("mo@example.org", Role::Member, MODERATOR);
    let mut make = |name: &str, moderators: &[&str]| {
        let moderators = moderators.iter().map(|each| Redacted((*each).to_owned())).collect();
        let new = NewVmr { moderators, ..hidden(name) };
        created(cloud.browse(EVE, ControlRequest::VmrCreate { new, pin: None })).number
    };
    let alone = make("Alone", &[]);
    let shared = make("Shared", &["mo@example.org"]);
    let (link, _) = cloud.room(1, "Room");
    cloud.admin(ControlRequest::PersonRemove { person: eve.to_string() });
    assert_eq!(cloud.join(link, alone.as_str(), None), Response::NotJoined(JoinRefusal::NotFound));
    assert!(matches!(cloud.join(link, shared.as_str(), None), Response::Joined(_)));
    let list = ControlRequest::VmrList { part: Part::default() };
    let ControlAnswer::Vmrs { vmrs, .. } = cloud.browse(MODERATOR, list) else { panic!() };
    assert_eq!((vmrs.len(), vmrs[0].owner.clone()), (1, None));
}

#[test]
fn a_meeting_room_for_one_meeting_is_gone_after_it() {
    let mut cloud = Cloud::new();
    let (a, _) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    let once =
        NewVmr { once: true, ..NewVmr::plain("4711".parse().unwrap(), "Once".parse().unwrap(), 5) };
    cloud.admin(ControlRequest::VmrCreate { new: once, pin: None });
    let first = cloud.joined(a, "4711", None).call;
    let second = cloud.joined(b, "4711", None).call;
    cloud.ask(a, RoomRequest::Leave { call: first });
    // Somebody is in: it is there, and whoever left comes back.
    let again = cloud.joined(a, "4711", None).call;
    cloud.ask(a, RoomRequest::Leave { call: again });
    cloud.shown.clear();
    let (_, outputs) = cloud.ask(b, RoomRequest::Leave { call: second });
    let told = outputs.iter().filter(|output| {
        matches!(output, Output::Send { event: CloudEvent::Directory(list), .. } if list.is_empty())
    });
    assert_eq!(told.count(), 2, "each panel's list is without it");
    assert!(cloud.shown.iter().any(|(_, topics)| topics.contains(&Topic::Vmrs)));
    assert_eq!(cloud.join(a, "4711", None), Response::NotJoined(JoinRefusal::NotFound));
    // Its records are there.
    assert_eq!(cloud.disk.call_records(OrganisationId::FIRST, Sight::Plain, 9).unwrap().len(), 3);
}

//! Devices that are awaited, and tags.

use super::*;
use crate::control::{AwaitedLine, Keep, RoomLine};
use crate::device_list::Wrong;
use conclave_directory::AWAITED_FOR;

/// The key of a device that links with [`Cloud::newcomer`].
fn key(of: u8) -> String {
    KeyFingerprint::of(&[of; 9]).to_string()
}

impl Cloud {
    fn read_list(
        &mut self,
        list: &str,
        keep: Keep,
    ) -> (usize, usize, usize, Vec<(u64, Vec<Wrong>)>) {
        let list = Redacted(list.to_owned());
        match self.admin(ControlRequest::DevicesAwait { list, keep }).0 {
            ControlAnswer::DevicesRead { right, wrong, kept, lines } => {
                let lines = lines.into_iter().map(|line| (line.line, line.wrong)).collect();
                (right, wrong, kept, lines)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Awaits all of a list.
    fn awaits(&mut self, list: &str) -> Vec<Output> {
        let request =
            ControlRequest::DevicesAwait { list: Redacted(list.to_owned()), keep: Keep::All };
        let (answer, outputs) = self.admin(request);
        assert!(matches!(answer, ControlAnswer::DevicesRead { wrong: 0, .. }), "{answer:?}");
        outputs
    }

    fn awaited(&mut self) -> Vec<AwaitedLine> {
        match self.admin(ControlRequest::AwaitedList { part: Part::default() }).0 {
            ControlAnswer::AwaitedDevices { devices, .. } => devices,
            other => panic!("{other:?}"),
        }
    }

    fn names(&mut self) -> Vec<String> {
        self.awaited().into_iter().map(|device| device.name.to_string()).collect()
    }

    fn tagged(&mut self, tag: Option<&str>, q: &str) -> Vec<RoomLine> {
        let tag = tag.map(|tag| tag.parse().unwrap());
        let part = Part { q: q.into(), ..Part::default() };
        let list = ControlRequest::RoomList { part, state: None, needs: false, group: None, tag };
        match self.admin(list).0 {
            ControlAnswer::Rooms { rooms, .. } => rooms,
            other => panic!("{other:?}"),
        }
    }

    fn code_of_refusal(&mut self, request: ControlRequest) -> RefusalCode {
        match self.admin(request).0 {
            ControlAnswer::Refused { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }
}

fn enrolled_at(outputs: &[Output]) -> bool {
    outputs.iter().any(|o| matches!(o, Output::Send { event: CloudEvent::Activated { .. }, .. }))
}

fn arrives(cloud: &mut Cloud, key: u8) -> (LinkId, Vec<Output>) {
    cloud.hello(Peer::Newcomer { spki_der: vec![key; 9] }, vec![])
}

#[test]
fn a_device_that_is_awaited_by_its_key_becomes_a_room_by_itself() {
    let mut cloud = Cloud::new();
    cloud.admin(ControlRequest::GroupAdd { name: "Visitors".parse().unwrap() });
    let list =
        format!("name,key,place,group,tags\nAda,{},Cellar,Visitors,\"north,video\"\n", key(1));
    assert_eq!(cloud.read_list(&list, Keep::None), (1, 0, 0, vec![(2, vec![])]));
    assert_eq!(cloud.names(), Vec::<String>::new(), "it was only looked at");
    assert!(!enrolled_at(&cloud.awaits(&list)));
    let before = cloud.awaited();
    let again = Cloud::on(cloud.disk.clone()).awaited();
    assert_eq!(before, again, "the next start knows it");

    let (_, outputs) = arrives(&mut cloud, 2);
    assert!(!enrolled_at(&outputs), "another one is not");
    let (newcomer, outputs) = arrives(&mut cloud, 1);
    let [
        Output::Greet { greeting: Greeting::Newcomer { .. }, .. },
        Output::Send { link, event: CloudEvent::Activated { room, .. } },
        Output::Close { reason: CloseReason::Activated, .. },
    ] = &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((*link, room.name.as_str(), room.room), (newcomer, "Ada", before[0].room));
    cloud.link(1, room.room, vec![]);
    let rooms = cloud.tagged(Some("NORTH"), "");
    let [ada] = &rooms[..] else { panic!("{rooms:?}") };
    assert_eq!(ada.group.as_ref().unwrap().as_str(), "Visitors");
    assert_eq!(ada.place.as_ref().unwrap().as_str(), "Cellar");
    assert_eq!((cloud.names(), rooms.len()), (vec![], 1));
    assert_eq!(Cloud::on(cloud.disk.clone()).tagged(Some("video"), "").len(), 1);
    let audit = ControlRequest::AuditList { installation: false, below: None, most: 1 };
    let ControlAnswer::Audit { rows } = cloud.admin(audit).0 else { panic!() };
    let row = &rows[0];
    assert_eq!((row.act.as_str(), row.who.as_str()), ("room.enrol", "command line"));
    assert_eq!(row.source.0, "awaited by its key", "nobody typed a code");
}

#[test]
fn a_device_whose_panel_shows_its_code_already_is_a_room_as_soon_as_it_is_awaited() {
    let mut cloud = Cloud::new();
    cloud.newcomer(1);
    assert!(enrolled_at(&cloud.awaits(&format!("name,key\nAda,{}\n", key(1)))));
    assert_eq!(cloud.tagged(None, "").len(), 1);
}

#[test]
fn a_serial_number_enrols_nobody_without_the_code_on_the_panel() {
    let mut cloud = Cloud::new();
    cloud.awaits("name,serial,tags\nAda,SERIAL,north\nBob,other,\n");
    assert_eq!(cloud.names(), ["Ada", "Bob"]);
    // The device, and one that says so too.
    let (_, code) = cloud.newcomer(1);
    let (liar, _) = cloud.newcomer(2);
    assert_eq!(cloud.tagged(None, ""), [], "whoever says a number is no room by that");
    let here: Vec<usize> = cloud.awaited().iter().map(|device| device.here).collect();
    assert_eq!(here, [2, 0], "both are shown");
    let claim = |device: &str| ControlRequest::AwaitedClaim { device: device.into(), code };
    assert_eq!(cloud.code_of_refusal(claim("Bob")), RefusalCode::OtherDevice);
    assert_eq!(cloud.code_of_refusal(claim("Eve")), RefusalCode::Gone);
    let (answer, outputs) = cloud.admin(claim("Ada"));
    assert!(matches!(answer, ControlAnswer::RoomClaimed { .. }) && enrolled_at(&outputs));
    assert_eq!((cloud.names(), cloud.tagged(Some("north"), "").len()), (vec!["Bob".into()], 1));
    assert!(cloud.board.links.contains_key(&liar), "the other one shows its code still");
}

#[test]
fn a_code_that_is_typed_under_another_name_takes_what_was_said_of_the_device_along() {
    let mut cloud = Cloud::new();
    cloud.awaits("name,serial,place\nAda,serial,Cellar\n");
    let (_, code) = cloud.newcomer(1);
    cloud.claim(code, "Grace");
    let rooms = cloud.tagged(None, "cellar");
    assert_eq!((rooms[0].name.as_str(), cloud.names()), ("Grace", vec![]));
}

#[test]
fn a_key_that_two_organisations_await_is_given_to_neither_by_itself() {
    let mut cloud = Cloud::new();
    let list = format!("name,key\nAda,{}\n", key(1));
    cloud.awaits(&list);
    let hospital = match cloud
        .admin(ControlRequest::OrganisationAdd { name: "Hospital".parse().unwrap() })
        .0
    {
        ControlAnswer::OrganisationAdded { organisation } => organisation.organisation,
        other => panic!("{other:?}"),
    };
    cloud.whose = hospital;
    assert_eq!(cloud.names(), Vec::<String>::new(), "theirs are not shown");
    cloud.awaits(&list);
    let (_, outputs) = arrives(&mut cloud, 1);
    assert!(!enrolled_at(&outputs));
    let code = match &outputs[..] {
        [Output::Greet { greeting: Greeting::Newcomer { code, .. }, .. }] => *code,
        other => panic!("{other:?}"),
    };
    assert_eq!(cloud.awaited()[0].here, 1);
    // Whoever stands in front of it says whose it is.
    let claim = ControlRequest::AwaitedClaim { device: "Ada".into(), code };
    assert!(matches!(cloud.admin(claim).0, ControlAnswer::RoomClaimed { .. }));
    cloud.whose = OrganisationId::FIRST;
    assert_eq!(cloud.tagged(None, ""), []);
}

#[test]
fn a_list_is_held_against_the_rooms_that_are_there_and_only_what_is_right_is_taken() {
    let mut cloud = Cloud::new();
    cloud.room(1, "Ada");
    cloud.awaits("name,serial\nBob,S2\n");
    let list = format!(
        "name,serial,key,group\nAda,S3,,\nEve,,{},\nBob,S4,,\nDan,s2,,\nMia,S5,,Nowhere\nZoe,S6,,\n",
        key(1)
    );
    let wrong = vec![
        (2, vec![Wrong::NameTaken]),
        (3, vec![Wrong::Enrolled]),
        (4, vec![Wrong::NameTaken]),
        (5, vec![Wrong::Awaited]),
        (6, vec![Wrong::Group]),
        (7, vec![]),
    ];
    assert_eq!(cloud.read_list(&list, Keep::All), (1, 5, 0, wrong.clone()), "all or none");
    assert_eq!(cloud.names(), ["Bob"]);
    assert_eq!(cloud.read_list(&list, Keep::Right), (1, 5, 1, wrong));
    assert_eq!(cloud.names(), ["Bob", "Zoe"]);
    let of = |list: &str| ControlRequest::DevicesAwait {
        list: Redacted(list.to_owned()),
        keep: Keep::Right,
    };
    assert_eq!(cloud.code_of_refusal(of("a,b\n1,2\n")), RefusalCode::ListColumns);
    assert_eq!(cloud.code_of_refusal(of("name,serial\n")), RefusalCode::ListEmpty);
    assert_eq!(cloud.code_of_refusal(of(&"x".repeat(3 << 20))), RefusalCode::ListTooLong);
    // As many as an organisation awaits, and one more.
    let lines: String = (0..9_998).map(|n| format!("R{n},N{n}\n")).collect();
    assert_eq!(cloud.read_list(&format!("name,serial\n{lines}"), Keep::All).2, 9_998);
    assert_eq!(cloud.code_of_refusal(of("name,serial\nLast,L1\n")), RefusalCode::TooMany);
}

#[test]
fn whoever_never_comes_is_awaited_for_a_quarter_of_a_year_and_can_be_withdrawn_before() {
    let mut cloud = Cloud::new();
    cloud.awaits(&format!("name,serial,key\nAda,S1,\nBob,,{}\n", key(2)));
    let withdraw = |device: &str| ControlRequest::AwaitedWithdraw { device: device.into() };
    cloud.admin(withdraw("Ada"));
    assert_eq!(cloud.code_of_refusal(withdraw("Ada")), RefusalCode::Gone);
    assert_eq!(cloud.names(), ["Bob"]);
    cloud.later(AWAITED_FOR.as_secs() + 86_400);
    let (_, outputs) = arrives(&mut cloud, 2);
    assert!(!enrolled_at(&outputs), "its time is over");
    assert_eq!(cloud.names(), Vec::<String>::new());
    assert_eq!(Cloud::on(cloud.disk.clone()).names(), Vec::<String>::new());
}

#[test]
fn a_name_that_was_taken_meanwhile_keeps_the_device_waiting_and_says_so() {
    let mut cloud = Cloud::new();
    cloud.awaits(&format!("name,key\nAda,{}\n", key(2)));
    cloud.room(1, "Ada");
    let (link, outputs) = arrives(&mut cloud, 2);
    assert!(!enrolled_at(&outputs));
    assert_eq!(cloud.awaited()[0].here, 1);
    cloud.give(Input::Closed { link });
    assert_eq!(cloud.awaited()[0].here, 0);
}

#[test]
fn rooms_have_tags_by_which_they_are_found_and_counted() {
    let mut cloud = Cloud::new();
    let (_, ada) = cloud.room(1, "Ada");
    cloud.room(2, "Bob");
    let place = |room: &str, tags: Option<&str>| ControlRequest::RoomPlace {
        room: room.into(),
        group: None,
        place: None,
        tags: tags.map(|tags| tags.split(' ').map(|tag| tag.parse().unwrap()).collect()),
    };
    cloud.admin(place("Ada", Some("north video")));
    cloud.admin(place("Bob", Some("North")));
    let names = |rooms: Vec<RoomLine>| rooms.into_iter().map(|r| r.room).collect::<Vec<_>>();
    assert_eq!(cloud.tagged(Some("north"), "").len(), 2);
    assert_eq!(names(cloud.tagged(Some("video"), "")), [ada]);
    assert_eq!(names(cloud.tagged(None, "VIDEO")), [ada], "searched too");
    let ControlAnswer::Tags { tags } = cloud.admin(ControlRequest::TagList).0 else { panic!() };
    let tags: Vec<_> = tags.iter().map(|line| (line.tag.as_str(), line.rooms)).collect();
    assert_eq!(tags, [("north", 2), ("video", 1)]);
    // Whoever does not name tags leaves them; a room has eight at most, each once.
    cloud.admin(place("Ada", None));
    assert_eq!(names(cloud.tagged(Some("video"), "")), [ada]);
    for tags in ["a A", "a b c d e f g h i"] {
        assert_eq!(cloud.code_of_refusal(place("Ada", Some(tags))), RefusalCode::Tags, "{tags}");
    }
    assert_eq!(Cloud::on(cloud.disk.clone()).tagged(Some("north"), "").len(), 2);
}

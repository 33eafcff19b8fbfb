//! Long lists, a part at a time; and what consoles that show them are told.

use super::*;
use Topic::{Appointments, Audit, Meetings, Records, Rooms as RoomsChanged, Vmrs as VmrsChanged};

/// Names, and how many match in all.
fn rooms(cloud: &mut Cloud, part: Part, state: Option<RoomState>) -> (Vec<String>, usize) {
    match cloud
        .admin(ControlRequest::RoomList { part, state, needs: false, group: None, tag: None })
        .0
    {
        ControlAnswer::Rooms { rooms, total, .. } => {
            (rooms.into_iter().map(|room| room.name.to_string()).collect(), total)
        }
        other => panic!("{other:?}"),
    }
}

fn part(q: &str, skip: u32, most: u32) -> Part {
    Part { q: q.into(), skip, most: Some(most) }
}

#[test]
fn a_list_is_searched_and_shown_a_part_at_a_time() {
    let mut cloud = Cloud::new();
    for (key, name) in [(1, "salle Émile"), (2, "Board room"), (3, "Salle ÉLOI"), (4, "atrium")] {
        cloud.room(key, name);
    }
    let all =
        (vec!["atrium".into(), "Board room".into(), "salle Émile".into(), "Salle ÉLOI".into()], 4);
    let (mut names, total) = rooms(&mut cloud, Part::default(), None);
    assert_eq!((names.len(), total), (4, 4));
    assert_eq!(&names[..2], &all.0[..2], "by name, in capitals or not");
    names.sort();
    let mut expected: Vec<String> = all.0;
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(rooms(&mut cloud, part("SALLE É", 0, 10), None).1, 2);
    assert_eq!(rooms(&mut cloud, part("  board ", 0, 10), None).0, ["Board room"]);
    assert_eq!(rooms(&mut cloud, part("serial", 1, 2), None).0.len(), 2, "by serial number too");
    assert_eq!(rooms(&mut cloud, part("", 3, 2), None).0.len(), 1);
    assert_eq!(rooms(&mut cloud, part("", u32::MAX, 2), None), (vec![], 4));
    assert_eq!(rooms(&mut cloud, part("%", 0, 9), None), (vec![], 0));
}

#[test]
fn rooms_are_counted_by_how_they_are_and_found_by_it() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", None, 5);
    let (caller, _) = cloud.room(1, "In a call");
    let (gone, _) = cloud.room(2, "Away");
    let (_, revoked) = cloud.room(3, "Shut out");
    cloud.room(4, "Free");
    cloud.joined(caller, "4711", None);
    cloud.give(Input::Closed { link: gone });
    cloud.admin(ControlRequest::RoomRevoke { room: revoked.to_string() });
    for (state, name) in [
        (RoomState::InCall, "In a call"),
        (RoomState::NotLinked, "Away"),
        (RoomState::Revoked, "Shut out"),
        (RoomState::Linked, "Free"),
    ] {
        assert_eq!(rooms(&mut cloud, Part::default(), Some(state)), (vec![name.to_owned()], 1));
    }
    let answer = cloud
        .admin(ControlRequest::RoomList {
            part: part("nowhere", 0, 1),
            state: None,
            needs: false,
            group: None,
            tag: None,
        })
        .0;
    let one = RoomCounts { linked: 1, in_call: 1, not_linked: 1, revoked: 1, needs: 1 };
    assert_eq!(answer, ControlAnswer::Rooms { rooms: vec![], total: 0, states: one });
    // What is renamed stands elsewhere, what is forgotten nowhere; the next start finds the same.
    cloud.admin(ControlRequest::RoomRename { room: "Free".into(), name: "AAA".parse().unwrap() });
    cloud.admin(ControlRequest::RoomForget { room: revoked.to_string() });
    let before = rooms(&mut cloud, Part::default(), None);
    assert_eq!((before.0[0].as_str(), before.1), ("AAA", 3));
    let mut again = Cloud::on(cloud.disk.clone());
    assert_eq!(rooms(&mut again, Part::default(), None), before);
}

#[test]
fn consoles_hear_what_changed_in_their_organisation_once_for_each_input() {
    let mut cloud = Cloud::new();
    let ours = cloud.whose;
    let told = |cloud: &mut Cloud| std::mem::take(&mut cloud.shown);
    cloud.vmr("4711", None, 5);
    assert_eq!(told(&mut cloud), [(ours, vec![VmrsChanged, Audit])]);
    let (link, id) = cloud.room(1, "Board room");
    // Enrolled; its old link closes, which nobody shows; then it links.
    assert_eq!(told(&mut cloud), [(ours, vec![RoomsChanged, Audit]), (ours, vec![RoomsChanged])]);
    let joined = cloud.joined(link, "4711", None);
    let call = vec![RoomsChanged, Meetings, Appointments, Records];
    assert_eq!(told(&mut cloud), [(ours, call.clone())]);
    cloud.ask(link, RoomRequest::Leave { call: joined.call });
    assert_eq!(told(&mut cloud), [(ours, call)]);
    cloud.give(Input::Closed { link });
    assert_eq!(told(&mut cloud), [(ours, vec![RoomsChanged])]);
    // Looking changes nothing, and neither does time.
    cloud.admin(ControlRequest::RoomList {
        part: Part::default(),
        state: None,
        needs: false,
        group: None,
        tag: None,
    });
    cloud.later(5);
    assert_eq!(told(&mut cloud), []);
    cloud.admin(ControlRequest::RoomRevoke { room: id.to_string() });
    assert_eq!(told(&mut cloud), [(ours, vec![RoomsChanged, Audit])]);
}

#[test]
fn a_device_of_one_organisation_is_not_taken_over_by_another() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "Board room");
    cloud.give(Input::Closed { link });
    let name = "Clinic".parse().unwrap();
    let ControlAnswer::OrganisationAdded { organisation } =
        cloud.admin(ControlRequest::OrganisationAdd { name }).0
    else {
        panic!()
    };
    // It lost its certificate and shows a code; the others type it.
    let (_, code) = cloud.newcomer(1);
    cloud.whose = organisation.organisation;
    let answer = cloud.claim(code, "Ours now").0;
    assert!(matches!(answer, ControlAnswer::Refused { .. }), "{answer:?}");
    assert_eq!(
        cloud
            .admin(ControlRequest::RoomList {
                part: Part::default(),
                state: None,
                needs: false,
                group: None,
                tag: None
            })
            .0,
        no_rooms()
    );
    // Those that it belongs to get it back with the same code, under the same id.
    cloud.whose = OrganisationId::FIRST;
    let ControlAnswer::RoomClaimed { room: back } = cloud.claim(code, "Board room").0 else {
        panic!()
    };
    assert_eq!(back.room, room);
}

#[test]
fn a_room_says_what_does_not_work_and_is_found_by_it_until_it_works_again() {
    let mut cloud = Cloud::new();
    let (link, id) = cloud.room(1, "Board room");
    cloud.room(2, "Atrium");
    let needing = |cloud: &mut Cloud| {
        let request = ControlRequest::RoomList {
            part: Part::default(),
            state: None,
            needs: true,
            group: None,
            tag: None,
        };
        match cloud.admin(request).0 {
            ControlAnswer::Rooms { rooms, .. } => rooms,
            other => panic!("{other:?}"),
        }
    };
    let health = |cloud: &mut Cloud, part: &str, working| {
        let event = RoomEvent::Health { part: part.into(), working, detail: "x".into() };
        cloud.give(Input::Event { link, event });
    };
    assert_eq!(needing(&mut cloud), []);
    let linked_at = cloud.wall();
    cloud.later(60);
    cloud.shown.clear();
    for part in ["camera", "camera", "<b>flux</b>", "heat"] {
        health(&mut cloud, part, false);
    }
    assert_eq!(cloud.shown.len(), 3, "what is known already is not told again");
    let shown = needing(&mut cloud);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].broken, ["camera", "heat", "other"]);
    assert_eq!((shown[0].since, shown[0].software.as_deref()), (Some(linked_at), Some("test 1")));
    for part in ["camera", "anything", "heat"] {
        health(&mut cloud, part, true);
    }
    assert_eq!(needing(&mut cloud), []);
    // Gone is what needs somebody too; back, it says anew what does not work.
    health(&mut cloud, "light", false);
    cloud.give(Input::Closed { link });
    let gone = needing(&mut cloud);
    assert_eq!((gone[0].state, gone[0].since), (RoomState::NotLinked, Some(cloud.wall())));
    cloud.link(1, id, vec![]);
    assert_eq!(needing(&mut cloud), []);
}

#[test]
fn a_room_that_was_reset_is_shown_as_shut_out_at_once() {
    let mut cloud = Cloud::new();
    let (link, id) = cloud.room(1, "Board room");
    let ordered = cloud.admin(ControlRequest::RoomReset { room: id.to_string() }).0;
    let ControlAnswer::RoomReset { reset, .. } = ordered else { panic!("{ordered:?}") };
    let report = ResetReport { number: reset.number, outcome: ResetOutcome::FolderErased };
    cloud.ask(link, RoomRequest::ResetDone(report));
    assert_eq!(rooms(&mut cloud, Part::default(), Some(RoomState::Revoked)).1, 1);
    assert_eq!(rooms(&mut cloud, Part::default(), Some(RoomState::Linked)).1, 0);
}

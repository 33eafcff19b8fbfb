//! Meetings that are to be.

use super::*;
use crate::access::Role;
use crate::appointments::{Appointment, Appointments};
use crate::people::{Person, Standing};
use conclave_types::PersonId;

fn person(n: u128) -> Person {
    Person {
        id: PersonId::from_random(n),
        organisation: OrganisationId::FIRST,
        email: format!("p{n}@example.org").parse().unwrap(),
        name: format!("Person {n}").parse().unwrap(),
        role: Role::Organiser,
        standing: Standing::Active,
        password: None,
        created_at: NOW,
    }
}

fn meeting(n: u128, number: &str) -> (Vmr, Appointment) {
    let vmr = Vmr { hidden: true, owner: Some(PersonId::from_random(1)), ..vmr(n, number, None) };
    let appointment = Appointment {
        vmr: vmr.id,
        starts_at: NOW,
        ends_at: NOW.after(Duration::from_secs(3_600)),
        people: vec![PersonId::from_random(2)],
        rooms: vec![RoomId::from_random(1), RoomId::from_random(2)],
        guests: vec!["guest@example.com".parse().unwrap()],
        revision: 1,
    };
    (vmr, appointment)
}

fn with_people_and_rooms() -> SqliteDirectory {
    let mut directory = directory();
    for n in [1, 2] {
        directory.add_person(&person(n)).unwrap();
        directory.enrol(&room(n, &format!("Room {n}"))).unwrap();
    }
    directory
}

#[test]
fn a_meeting_is_kept_with_its_meeting_room_and_changed_as_a_whole() {
    let mut directory = with_people_and_rooms();
    let (vmr, first) = meeting(1, "500000001");
    directory.add_appointment(&vmr, &first).unwrap();
    assert_eq!(directory.appointments().unwrap(), std::slice::from_ref(&first));
    assert_eq!(directory.vmr_with_id(vmr.id).unwrap(), Some(vmr.clone()));

    let (same, second) = meeting(2, "500000001");
    let taken = directory.add_appointment(&same, &second);
    assert!(matches!(taken, Err(crate::AddVmrError::NumberTaken)));
    assert_eq!(directory.appointments().unwrap().len(), 1, "neither of the two is kept");

    let changed = Appointment {
        starts_at: NOW.after(Duration::from_secs(60)),
        people: vec![],
        rooms: vec![RoomId::from_random(2)],
        guests: vec![],
        revision: 2,
        ..first
    };
    assert!(directory.keep_appointment(&"Later".parse().unwrap(), true, &changed).unwrap());
    assert_eq!(directory.appointments().unwrap(), std::slice::from_ref(&changed));
    let kept = directory.vmr_with_id(vmr.id).unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.lobby), ("Later", true));

    directory.remove_vmr(vmr.id).unwrap();
    assert_eq!(directory.appointments().unwrap(), []);
    assert!(!directory.keep_appointment(&"Late".parse().unwrap(), true, &changed).unwrap());
}

#[test]
fn whoever_is_gone_is_not_invited_any_more() {
    let mut directory = with_people_and_rooms();
    let (vmr, first) = meeting(1, "500000001");
    directory.add_appointment(&vmr, &first).unwrap();
    directory.remove_person(PersonId::from_random(2)).unwrap();
    directory.revoke_room(RoomId::from_random(1), NOW).unwrap();
    assert_eq!(directory.appointments().unwrap()[0].rooms.len(), 2, "it may be enrolled again");
    directory.forget_room(RoomId::from_random(1)).unwrap();
    let left = Appointment { people: vec![], rooms: vec![RoomId::from_random(2)], ..first.clone() };
    assert_eq!(directory.appointments().unwrap(), [left]);
    // Nor when they were gone before.
    let (vmr, second) = meeting(2, "500000002");
    directory.add_appointment(&vmr, &second).unwrap();
    assert_eq!(directory.appointments().unwrap()[1].people, []);
}

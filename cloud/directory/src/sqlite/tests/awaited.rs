//! Devices that are awaited.

use super::*;
use crate::awaited::{AwaitedDevice, AwaitedDevices, Device};
use crate::settings::{Group, Place};
use crate::tags::Tag;
use conclave_types::GroupId;

fn device(n: u128, device: Device) -> AwaitedDevice {
    AwaitedDevice {
        room: RoomId::from_random(n),
        organisation: OrganisationId::FIRST,
        name: format!("Room {n}").parse().unwrap(),
        device,
        place: Place::default(),
        added_at: NOW,
        added_by: "person-1".into(),
    }
}

fn serial(n: u128) -> AwaitedDevice {
    device(n, Device::with_serial(&format!("s {n}")).unwrap())
}

#[test]
fn devices_are_awaited_until_they_are_here_or_withdrawn_or_it_takes_too_long() {
    let mut directory = directory();
    let group = Group {
        id: GroupId::from_random(1),
        organisation: OrganisationId::FIRST,
        name: "Visitors".parse().unwrap(),
    };
    directory.add_group(&group).unwrap();
    let place = Place {
        group: Some(group.id),
        place: Some("Cellar".parse().unwrap()),
        tags: Tag::list("north,vidéo").unwrap(),
    };
    let mut known = device(1, Device::Key(room(1, "Room 1").key));
    known.place = place.clone();
    let old = AwaitedDevice { added_at: UnixTime(5), ..serial(3) };
    let all = [known.clone(), serial(2), old.clone()];
    directory.await_devices(&all).unwrap();
    assert_eq!(directory.awaited().unwrap(), all);

    directory.enrol_awaited(&room(1, "Room 1"), &known).unwrap();
    assert_eq!(directory.places().unwrap(), [(known.room, place)]);
    assert_eq!(directory.awaited().unwrap(), [serial(2), old]);
    assert_eq!(directory.await_no_more_since(NOW).unwrap(), 1);
    assert_eq!(directory.await_no_more_since(NOW).unwrap(), 0);
    assert!(directory.await_no_more(serial(2).room).unwrap());
    assert!(!directory.await_no_more(serial(2).room).unwrap());
    assert_eq!(directory.awaited().unwrap(), []);
}

#[test]
fn all_devices_of_a_list_are_kept_or_none_and_a_room_is_not_kept_in_half() {
    let mut directory = directory();
    directory.await_devices(&[serial(1)]).unwrap();
    let mut again = serial(3);
    again.name = serial(1).name;
    assert!(directory.await_devices(&[serial(2), again]).is_err());
    assert_eq!(directory.awaited().unwrap(), [serial(1)]);
    directory.enrol(&room(7, "Room 1")).unwrap();
    let taken = directory.enrol_awaited(&room(1, "Room 1"), &serial(1));
    assert!(matches!(taken, Err(EnrolError::NameTaken)), "{taken:?}");
    assert_eq!((directory.awaited().unwrap().len(), directory.places().unwrap().len()), (1, 0));
}

#[test]
fn a_group_that_goes_takes_no_awaited_device_with_it() {
    let mut directory = directory();
    let (id, organisation) = (GroupId::from_random(1), OrganisationId::FIRST);
    directory.add_group(&Group { id, organisation, name: "Visitors".parse().unwrap() }).unwrap();
    let mut awaited = serial(1);
    awaited.place.group = Some(id);
    directory.await_devices(&[awaited]).unwrap();
    directory.remove_group(id).unwrap();
    assert_eq!(directory.awaited().unwrap(), [serial(1)]);
}

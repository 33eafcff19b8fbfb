//! Settings, groups and places of rooms.

use super::*;
use crate::settings::{Group, GroupError, Place, SettingsOf, StoredSettings};
use conclave_types::GroupId;

fn group(n: u128, name: &str) -> Group {
    let id = GroupId::from_random(n);
    Group { id, organisation: OrganisationId::FIRST, name: name.parse().unwrap() }
}

fn settings(of: SettingsOf, revision: u32) -> StoredSettings {
    StoredSettings { of, document: "{\"language\":\"french\"}".into(), revision }
}

#[test]
fn the_last_settings_of_each_are_kept() {
    let mut directory = directory();
    let organisation = SettingsOf::Organisation(OrganisationId::FIRST);
    directory.keep_settings(&settings(organisation, 1)).unwrap();
    directory.keep_settings(&settings(SettingsOf::Room(RoomId::from_random(1)), 1)).unwrap();
    directory.keep_settings(&settings(organisation, 2)).unwrap();
    let all = directory.room_settings().unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.contains(&settings(organisation, 2)));
}

#[test]
fn a_group_goes_with_its_settings_and_its_rooms_stay() {
    let mut directory = directory();
    let visitors = group(1, "Visitors");
    directory.add_group(&visitors).unwrap();
    assert!(matches!(directory.add_group(&group(2, "Visitors")), Err(GroupError::NameTaken)));
    directory.add_group(&group(2, "Staff")).unwrap();
    let taken = directory.rename_group(visitors.id, &"Staff".parse().unwrap());
    assert!(matches!(taken, Err(GroupError::NameTaken)));
    let room = room(1, "A");
    directory.enrol(&room).unwrap();
    let place = Place {
        group: Some(visitors.id),
        place: Some("Cellar".parse().unwrap()),
        tags: crate::tags::Tag::list("North,vidéo").unwrap(),
    };
    directory.keep_place(room.id, &place).unwrap();
    assert_eq!(directory.places().unwrap(), [(room.id, place.clone())]);
    directory.keep_settings(&settings(SettingsOf::Group(visitors.id), 1)).unwrap();

    assert!(directory.remove_group(visitors.id).unwrap());
    assert!(!directory.remove_group(visitors.id).unwrap());
    assert_eq!(directory.groups().unwrap(), [group(2, "Staff")]);
    assert_eq!(directory.places().unwrap(), [(room.id, Place { group: None, ..place })]);
    assert_eq!(directory.room_settings().unwrap(), []);
}

#[test]
fn a_forgotten_room_leaves_neither_place_nor_settings() {
    let mut directory = directory();
    let room = room(1, "A");
    directory.enrol(&room).unwrap();
    directory.keep_place(room.id, &Place::default()).unwrap();
    directory.keep_settings(&settings(SettingsOf::Room(room.id), 1)).unwrap();
    directory.revoke_room(room.id, NOW).unwrap();
    assert_eq!(directory.places().unwrap().len(), 1, "it is still listed");
    directory.forget_room(room.id).unwrap();
    assert_eq!((directory.places().unwrap(), directory.room_settings().unwrap()), (vec![], vec![]));
}

//! How rooms are, as they said it.

use super::*;
use crate::control::RoomLine;

fn show(cloud: &mut Cloud) -> RoomLine {
    match cloud.admin(ControlRequest::RoomShow { room: "A".into() }).0 {
        ControlAnswer::Room { room } => room,
        other => panic!("{other:?}"),
    }
}

fn device(name: &str) -> RoomDevice {
    RoomDevice { kind: DeviceKind::Camera, name: name.to_owned(), state: DeviceState::Working }
}

#[test]
fn what_a_room_says_of_itself_is_shown_of_one_room_while_it_is_linked() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    assert_eq!(show(&mut cloud).condition, None);
    let said = Condition {
        devices: vec![device("HD Pro")],
        panels: 1,
        temperature_c: Some(48),
        disk: Some(DiskSpace { free: 5, size: 9 }),
        troubles: vec![PastTrouble { at: WALL, text: "no link".to_owned() }],
    };
    cloud.shown.clear();
    cloud.give(Input::Event { link, event: RoomEvent::Condition(said.clone()) });
    assert_eq!(show(&mut cloud).condition.as_deref(), Some(&said));
    assert_eq!(cloud.shown.len(), 1, "consoles are told");
    cloud.give(Input::Event { link, event: RoomEvent::Condition(said.clone()) });
    assert_eq!(cloud.shown.len(), 1, "and not again of the same");
    // Ten thousand rooms are listed without it.
    let list = ControlRequest::RoomList {
        part: Part::default(),
        state: None,
        needs: false,
        group: None,
        tag: None,
    };
    let ControlAnswer::Rooms { rooms, .. } = cloud.admin(list).0 else { panic!() };
    assert_eq!(rooms[0].condition, None);
    cloud.give(Input::Closed { link });
    assert_eq!(show(&mut cloud).condition, None, "of a room that is away nobody knows");
    cloud.link(1, room, vec![]);
    assert_eq!(show(&mut cloud).condition, None);
}

#[test]
fn a_room_cannot_have_more_kept_than_its_bound() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    let long = format!("\u{7}{}", "é".repeat(9_000));
    let trouble = PastTrouble { at: WALL, text: long.clone() };
    let said = Condition {
        devices: vec![device(&long); 500],
        troubles: vec![trouble; 500],
        ..Condition::default()
    };
    cloud.give(Input::Event { link, event: RoomEvent::Condition(said) });
    let kept = *show(&mut cloud).condition.unwrap();
    assert_eq!((kept.devices.len(), kept.troubles.len()), (16, 8));
    assert_eq!(kept.devices[0].name, "é".repeat(80));
    assert_eq!(kept.troubles[0].text, "é".repeat(200));
}

//! Two people who change the same thing.

use super::*;

impl Cloud {
    fn if_unchanged(&mut self, mark: &str, request: ControlRequest) -> ControlAnswer {
        let request = Box::new(request);
        self.admin(ControlRequest::IfUnchanged { mark: mark.into(), request }).0
    }
}

fn overtaken(answer: &ControlAnswer) -> bool {
    matches!(answer, ControlAnswer::Refused { code: RefusalCode::ChangedMeanwhile, .. })
}

#[test]
fn whoever_changes_a_room_second_is_told_and_nothing_is_done() {
    let mut cloud = Cloud::new();
    let (_, id) = cloud.room(1, "Ada");
    let show = || ControlRequest::RoomShow { room: id.to_string() };
    let line = |answer: ControlAnswer| match answer {
        ControlAnswer::Room { room } | ControlAnswer::RoomRenamed { room } => room,
        ControlAnswer::RoomPlaced { room } => room,
        other => panic!("{other:?}"),
    };
    let rename = |name: &str| ControlRequest::RoomRename {
        room: id.to_string(),
        name: name.parse().unwrap(),
    };
    let place = |tags: &str| ControlRequest::RoomPlace {
        room: id.to_string(),
        group: None,
        place: Some("Cellar".parse().unwrap()),
        tags: Some(conclave_directory::Tag::list(tags).unwrap()),
    };
    let first = line(cloud.admin(show()).0).mark;
    // What is changed otherwise, such as by whom it is in a call with, is no change of it.
    let second = line(cloud.if_unchanged(&first, place("north"))).mark;
    assert!(overtaken(&cloud.if_unchanged(&first, rename("Bob"))));
    assert_eq!(line(cloud.admin(show()).0).name.as_str(), "Ada");
    let third = line(cloud.if_unchanged(&second, rename("Bob"))).mark;
    assert!(overtaken(&cloud.if_unchanged(&second, place(""))));
    // Back as it was, it has the mark that it had.
    cloud.admin(rename("Ada"));
    assert_eq!((line(cloud.admin(show()).0).mark == second, third == second), (true, false));
    // Whoever shows no mark is not asked for one; with what is changed in no such way it makes no sense.
    assert!(matches!(cloud.admin(rename("Eve")).0, ControlAnswer::RoomRenamed { .. }));
    assert!(matches!(cloud.if_unchanged(&first, show()), ControlAnswer::Refused { .. }));
}

#[test]
fn a_name_a_capacity_and_a_pin_are_changes_of_a_meeting_room() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", Some("246810"), 5);
    let number = || "4711".parse().unwrap();
    let mark = |cloud: &mut Cloud| match cloud
        .admin(ControlRequest::VmrList { part: Part::default() })
        .0
    {
        ControlAnswer::Vmrs { vmrs, .. } => vmrs[0].mark.clone(),
        other => panic!("{other:?}"),
    };
    let pin =
        |pin: &str| ControlRequest::VmrSetPin { number: number(), pin: Some(pin.parse().unwrap()) };
    let change = || ControlRequest::VmrChange {
        number: number(),
        name: None,
        capacity: Some(9),
        lobby: None,
    };
    let first = mark(&mut cloud);
    assert!(matches!(cloud.if_unchanged(&first, change()), ControlAnswer::VmrChanged { .. }));
    assert!(overtaken(&cloud.if_unchanged(&first, pin("135790"))));
    let second = mark(&mut cloud);
    assert!(matches!(cloud.if_unchanged(&second, pin("135790")), ControlAnswer::VmrPinSet { .. }));
    assert!(overtaken(&cloud.if_unchanged(&second, pin("135790"))), "the same PIN is another hash");
    assert!(overtaken(&cloud.if_unchanged(&second, change())));
}

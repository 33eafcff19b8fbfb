//! Orders to rooms, and what came of them.

use super::*;
use crate::control::{OrderLine, OrderState};

fn line(cloud: &mut Cloud) -> Option<OrderLine> {
    match cloud.admin(ControlRequest::RoomShow { room: "A".into() }).0 {
        ControlAnswer::Room { room } => room.order.map(|order| *order),
        other => panic!("{other:?}"),
    }
}

fn identify(cloud: &mut Cloud) -> Vec<Output> {
    let (answer, outputs) = cloud.admin(ControlRequest::RoomIdentify { room: "A".into() });
    assert!(matches!(answer, ControlAnswer::RoomOrdered { .. }), "{answer:?}");
    outputs
}

fn sent(outputs: &[Output], link: LinkId) -> NumberedOrder {
    match &events_to(outputs, link)[..] {
        [CloudEvent::Order(order)] => *order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_linked_room_is_given_an_order_and_what_came_of_it_is_known() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    assert_eq!(line(&mut cloud), None);
    let first = sent(&identify(&mut cloud), link);
    assert_eq!(first.order, Order::Identify);
    assert_eq!(line(&mut cloud).unwrap().state, OrderState::Sent);
    let report = |number, outcome| RoomEvent::OrderDone(OrderReport { number, outcome });
    let says = |cloud: &mut Cloud, number, outcome| {
        cloud.shown.clear();
        cloud.give(Input::Event { link, event: report(number, outcome) });
        (line(cloud).unwrap().state, !cloud.shown.is_empty())
    };
    // Of another one nothing is believed, and of this one the first word.
    let stale = says(&mut cloud, first.number + 9, OrderOutcome::Done);
    assert_eq!(stale, (OrderState::Sent, false));
    let done = says(&mut cloud, first.number, OrderOutcome::Done);
    assert_eq!(done, (OrderState::Done, true));
    let again = says(&mut cloud, first.number, OrderOutcome::InCall);
    assert_eq!(again, (OrderState::Done, false));
    let (_, outputs) = cloud.admin(ControlRequest::RoomRestart { room: "A".into() });
    let second = sent(&outputs, link);
    assert_eq!(second.order, Order::Restart);
    assert_eq!(says(&mut cloud, second.number, OrderOutcome::InCall).0, OrderState::InCall);
}

#[test]
fn a_room_that_goes_away_or_says_nothing_shows() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    identify(&mut cloud);
    cloud.give(Input::Closed { link });
    assert_eq!(line(&mut cloud).unwrap().state, OrderState::LinkEnded);
    let told = cloud.refused(ControlRequest::RoomRestart { room: "A".into() });
    assert!(told.contains("not linked"), "{told}");
    cloud.link(1, room, vec![]);
    identify(&mut cloud);
    cloud.shown.clear();
    cloud.later(15);
    assert_eq!(cloud.shown.len(), 1, "whoever looks is told");
    assert_eq!(line(&mut cloud).unwrap().state, OrderState::NotKnown);
}

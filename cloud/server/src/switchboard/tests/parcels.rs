//! What rooms send when they are asked to.

use super::*;
use crate::control::{Octets, OrderState, ParcelKind, RoomLine};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n and what follows";

fn show(cloud: &mut Cloud, room: &str) -> RoomLine {
    match cloud.admin(ControlRequest::RoomShow { room: room.into() }).0 {
        ControlAnswer::Room { room } => room,
        other => panic!("{other:?}"),
    }
}

fn state(cloud: &mut Cloud, room: &str) -> OrderState {
    show(cloud, room).order.unwrap().state
}

/// Somebody has it sent; the number of the order.
fn fetch(cloud: &mut Cloud, room: &str, what: ParcelKind) -> u32 {
    let (answer, outputs) = cloud.admin(ControlRequest::RoomFetch { room: room.into(), what });
    assert!(matches!(answer, ControlAnswer::RoomOrdered { .. }), "{answer:?}");
    let numbers = outputs.iter().find_map(|output| match output {
        Output::Send { event: CloudEvent::Order(order), .. } => Some(order.number),
        _ => None,
    });
    numbers.unwrap()
}

fn piece(number: u32, offset: u32, total: u32, octets: &[u8]) -> RoomRequest {
    RoomRequest::Deliver(Delivery { number, offset, total, piece: Piece(octets.to_vec()) })
}

/// All of it in one piece; what the shell is to keep.
fn send(cloud: &mut Cloud, link: LinkId, number: u32, octets: &[u8]) -> Option<Output> {
    let total = u32::try_from(octets.len()).unwrap();
    let (response, outputs) = cloud.ask(link, piece(number, 0, total, octets));
    assert_eq!(response, Some(Response::Done));
    outputs.into_iter().find(|output| matches!(output, Output::KeepParcel { .. }))
}

/// The shell has kept it.
fn kept(cloud: &mut Cloud, keep: Output) -> Vec<Output> {
    let Output::KeepParcel { room, what, number, octets } = keep else { panic!("{keep:?}") };
    let size = u32::try_from(octets.0.len()).ok();
    cloud.give(Input::ParcelKept { room, what, number, size })
}

fn read(cloud: &mut Cloud, room: &str, what: ParcelKind) -> Vec<Output> {
    let by = Caller::command_line(cloud.whose);
    let request = ControlRequest::RoomParcel { room: room.into(), what };
    cloud.give(Input::Control { id: ControlId(7), by, request })
}

#[test]
fn logs_come_in_pieces_are_kept_for_a_day_and_can_be_read() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    let number = fetch(&mut cloud, "A", ParcelKind::Logs);
    assert!(matches!(
        read(&mut cloud, "A", ParcelKind::Logs)[..],
        [Output::Answer { answer: ControlAnswer::Refused { code: RefusalCode::Gone, .. }, .. }]
    ));
    for (offset, octets) in [(0, &b"first "[..]), (6, b"second ")] {
        let (response, outputs) = cloud.ask(link, piece(number, offset, 18, octets));
        assert_eq!((response, outputs.len()), (Some(Response::Done), 0));
        // However long it takes, a room that goes on sending is not silent.
        cloud.later(14);
        assert_eq!(state(&mut cloud, "A"), OrderState::Sent);
    }
    let (response, outputs) = cloud.ask(link, piece(number, 13, 18, b"third"));
    assert_eq!(response, Some(Response::Done));
    let keep = outputs.into_iter().next().unwrap();
    let Output::KeepParcel { octets, what: ParcelKind::Logs, .. } = &keep else { panic!() };
    assert_eq!(octets.0, b"first second third");
    let done = OrderReport { number, outcome: OrderOutcome::Done };
    cloud.give(Input::Event { link, event: RoomEvent::OrderDone(done) });
    assert_eq!(state(&mut cloud, "A"), OrderState::Sent, "it is not on the disk yet");
    kept(&mut cloud, keep);
    assert_eq!(state(&mut cloud, "A"), OrderState::Done);
    let line = show(&mut cloud, "A").parcels[0].clone();
    assert_eq!((line.what, line.size), (ParcelKind::Logs, 18));
    assert_eq!(line.at.until(line.until), Duration::from_secs(86_400));
    let answer = Output::AnswerParcel { id: ControlId(7), room, parcel: line };
    assert_eq!(read(&mut cloud, "A", ParcelKind::Logs), [answer]);
    cloud.later(86_399);
    assert_eq!(show(&mut cloud, "A").parcels.len(), 1);
    let outputs = cloud.later(1);
    assert!(outputs.contains(&Output::DropParcel { room, what: ParcelKind::Logs }), "{outputs:?}");
    assert!(show(&mut cloud, "A").parcels.is_empty());
}

#[test]
fn a_picture_is_one_and_is_kept_for_minutes() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    let number = fetch(&mut cloud, "A", ParcelKind::PanelPicture);
    let script = b"<script>alert(1)</script>";
    let total = u32::try_from(script.len()).unwrap();
    let (response, outputs) = cloud.ask(link, piece(number, 0, total, script));
    assert!(matches!(response, Some(Response::Failed { .. })) && outputs.is_empty());
    assert_eq!(state(&mut cloud, "A"), OrderState::Failed);
    let number = fetch(&mut cloud, "A", ParcelKind::PanelPicture);
    let keep = send(&mut cloud, link, number, PICTURE).unwrap();
    kept(&mut cloud, keep);
    assert_eq!(state(&mut cloud, "A"), OrderState::Done);
    let outputs = cloud.later(600);
    assert!(outputs.contains(&Output::DropParcel { room, what: ParcelKind::PanelPicture }));
    // What became of an order that was not carried out is said.
    for (outcome, shown) in [
        (OrderOutcome::NotNow, OrderState::NotNow),
        (OrderOutcome::Failed, OrderState::Failed),
        (OrderOutcome::InCall, OrderState::InCall),
    ] {
        let number = fetch(&mut cloud, "A", ParcelKind::PanelPicture);
        let report = OrderReport { number, outcome };
        cloud.give(Input::Event { link, event: RoomEvent::OrderDone(report) });
        assert_eq!(state(&mut cloud, "A"), shown);
    }
}

#[test]
fn what_nobody_asked_for_or_does_not_follow_is_not_taken() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    let refused = |cloud: &mut Cloud, request: RoomRequest| {
        let (response, outputs) = cloud.ask(link, request);
        assert!(matches!(response, Some(Response::Failed { .. })), "{response:?}");
        assert!(outputs.is_empty(), "{outputs:?}");
    };
    refused(&mut cloud, piece(1, 0, 3, b"abc"));
    cloud.admin(ControlRequest::RoomIdentify { room: "A".into() });
    refused(&mut cloud, piece(1, 0, 3, b"abc"));
    let wrong: [&[(u32, u32, &[u8])]; 7] = [
        &[(0, 0, b"")],
        &[(0, LONGEST_DELIVERY + 1, b"abc")],
        &[(0, u32::MAX, b"abc")],
        &[(3, 9, b"abc")],
        &[(0, 9, b"abc"), (4, 9, b"abc")],
        &[(0, 9, b"abc"), (3, 8, b"abc")],
        &[(0, 9, b"abc"), (3, 9, b"abcdefg")],
    ];
    for pieces in wrong {
        let number = fetch(&mut cloud, "A", ParcelKind::Logs);
        let (last, before) = pieces.split_last().unwrap();
        for (offset, total, octets) in before {
            let (response, _) = cloud.ask(link, piece(number, *offset, *total, octets));
            assert_eq!(response, Some(Response::Done));
        }
        refused(&mut cloud, piece(number, last.0, last.1, last.2));
        // And nothing of it is left to go on with.
        refused(&mut cloud, piece(number, 3, 9, b"abc"));
    }
    let number = fetch(&mut cloud, "A", ParcelKind::Logs);
    refused(&mut cloud, piece(number + 1, 0, 3, b"abc"));
}

#[test]
fn a_room_that_goes_away_in_the_middle_shows_and_leaves_nothing() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    let number = fetch(&mut cloud, "A", ParcelKind::Logs);
    cloud.ask(link, piece(number, 0, 9, b"abc"));
    cloud.give(Input::Closed { link });
    assert_eq!(state(&mut cloud, "A"), OrderState::LinkEnded);
    let (link, _) = cloud.link(1, room, vec![]);
    let (response, _) = cloud.ask(link, piece(number, 3, 9, b"abcdef"));
    assert!(matches!(response, Some(Response::Failed { .. })), "{response:?}");
    // It goes while the file is written: what is shown of the order and what is there agree.
    let number = fetch(&mut cloud, "A", ParcelKind::Logs);
    let keep = send(&mut cloud, link, number, b"abc").unwrap();
    cloud.give(Input::Closed { link });
    let outputs = kept(&mut cloud, keep);
    assert_eq!(outputs, [Output::DropParcel { room, what: ParcelKind::Logs }]);
    assert!(show(&mut cloud, "A").parcels.is_empty());
    cloud.link(1, room, vec![]);
    fetch(&mut cloud, "A", ParcelKind::Logs);
    cloud.later(15);
    assert_eq!(state(&mut cloud, "A"), OrderState::NotKnown);
}

#[test]
fn so_many_rooms_send_at_once_and_so_much_is_kept() {
    let mut cloud = Cloud::new();
    let rooms: Vec<_> = (0..70).map(|n| cloud.room(n, &format!("R{n}"))).collect();
    let name = |n: usize| format!("R{n}");
    for (n, (link, _)) in rooms.iter().enumerate().take(16) {
        let number = fetch(&mut cloud, &name(n), ParcelKind::Logs);
        let (response, _) = cloud.ask(*link, piece(number, 0, 9, b"abc"));
        assert_eq!(response, Some(Response::Done), "{n}");
    }
    let number = fetch(&mut cloud, "R16", ParcelKind::Logs);
    let (response, _) = cloud.ask(rooms[16].0, piece(number, 0, 9, b"abc"));
    assert!(matches!(response, Some(Response::Failed { .. })), "{response:?}");
    assert_eq!(state(&mut cloud, "R16"), OrderState::NotKept);
    for (link, _) in &rooms {
        cloud.give(Input::Closed { link: *link });
    }
    let mut dropped = Vec::new();
    for (n, (_, room)) in rooms.iter().enumerate() {
        let (link, _) = cloud.link(u8::try_from(n).unwrap(), *room, vec![]);
        let number = fetch(&mut cloud, &name(n), ParcelKind::Logs);
        let keep = send(&mut cloud, link, number, b"abc").unwrap();
        let outputs = kept(&mut cloud, keep);
        dropped.extend(outputs.into_iter().filter_map(|output| match output {
            Output::DropParcel { room, .. } => Some(room),
            _ => None,
        }));
        cloud.later(1);
    }
    let oldest: Vec<RoomId> = rooms.iter().take(6).map(|(_, room)| *room).collect();
    assert_eq!(dropped, oldest);
    // The disk takes nothing.
    let link = cloud.board.rooms[&rooms[69].1];
    let number = fetch(&mut cloud, "R69", ParcelKind::Logs);
    let keep = send(&mut cloud, link, number, b"abc").unwrap();
    let Output::KeepParcel { room, what, number, .. } = keep else { panic!() };
    cloud.give(Input::ParcelKept { room, what, number, size: None });
    assert_eq!(state(&mut cloud, "R69"), OrderState::NotKept);
}

#[test]
fn a_room_that_is_shut_out_takes_what_it_sent_with_it() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    let number = fetch(&mut cloud, "A", ParcelKind::Logs);
    let keep = send(&mut cloud, link, number, b"abc").unwrap();
    assert_eq!(format!("{:?}", Octets(vec![1; 9])), "9 octets", "no log is in a log");
    kept(&mut cloud, keep);
    let (_, outputs) = cloud.admin(ControlRequest::RoomRevoke { room: "A".into() });
    assert!(outputs.contains(&Output::DropParcel { room, what: ParcelKind::Logs }), "{outputs:?}");
}

#[test]
fn that_it_was_wanted_stands_in_the_audit_log() {
    let mut cloud = Cloud::new();
    cloud.room(1, "A");
    fetch(&mut cloud, "A", ParcelKind::Logs);
    fetch(&mut cloud, "A", ParcelKind::PanelPicture);
    let list = ControlRequest::AuditList { installation: false, below: None, most: 2 };
    let ControlAnswer::Audit { rows } = cloud.admin(list).0 else { panic!() };
    let acts: Vec<&str> = rows.iter().map(|row| row.act.as_str()).collect();
    assert_eq!(acts, ["room.panel_picture", "room.logs"]);
}

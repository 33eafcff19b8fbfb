//! IT looks at the panel.

use super::*;
use crate::board::BoardEvent;
use crate::room::tests::{at, clock, digits, in_call, linked, outputs, taps};
use crate::{Input, LinkTrouble, LocalTime, Output, Vitals};
use conclave_link_protocol::message::{
    AgendaEntry, CloudEvent, NumberedOrder, Order, OrderReport, RoomEvent, RoomRequest,
};
use conclave_panel_api::{PictureOctets, Screen, Tap};
use conclave_types::UnixTime;

fn room() -> Room {
    let mut room = linked();
    room.handle(at(0), Input::Vitals(Vitals { panels: 1, ..Vitals::default() }));
    outputs(&mut room);
    room
}

fn order(room: &mut Room, seconds: u64, number: u32) -> Vec<Output> {
    let order = NumberedOrder { number, order: Order::PanelPicture };
    room.handle(at(seconds), Input::Cloud(CloudEvent::Order(order)));
    outputs(room)
}

fn told(number: u32, outcome: OrderOutcome) -> Output {
    Output::Tell(RoomEvent::OrderDone(OrderReport { number, outcome }))
}

fn piece(number: u32, offset: u32, total: u32, octets: &[u8]) -> Input {
    let octets = PictureOctets(octets.to_vec());
    Input::Tap(Tap::Picture(PicturePiece { number, offset, total, octets }))
}

fn delivered(all: &[Output]) -> Option<Vec<u8>> {
    all.iter().find_map(|output| match output {
        Output::Ask { request: RoomRequest::Deliver(one), .. } => Some(one.piece.0.clone()),
        _ => None,
    })
}

#[test]
fn the_panel_says_so_before_and_after_and_hands_its_picture_over_in_between() {
    let mut room = room();
    assert!(!order(&mut room, 10, 7).iter().any(|output| matches!(output, Output::Tell(_))));
    assert_eq!(room.panel(at(10)).look, Some(Look::Soon));
    // What comes before it was wanted is none.
    room.handle(at(11), piece(7, 0, 3, b"old"));
    room.handle(at(14), Input::Tick);
    assert_eq!(room.panel(at(14)).look, Some(Look::Picture { number: 7 }));
    room.handle(at(15), piece(7, 0, 6, b"abc"));
    // A second panel, another order, a piece that does not follow.
    room.handle(at(15), piece(7, 0, 9, b"xyz"));
    room.handle(at(15), piece(6, 3, 6, b"xyz"));
    room.handle(at(15), piece(7, 3, 6, b"defg"));
    assert_eq!(delivered(&outputs(&mut room)), None);
    room.handle(at(15), piece(7, 3, 6, b"def"));
    assert_eq!(delivered(&outputs(&mut room)), Some(b"abcdef".to_vec()));
    assert_eq!(room.panel(at(15)).look, Some(Look::Over));
    room.handle(at(20), Input::Tick);
    assert_eq!(room.panel(at(20)).look, None);
}

#[test]
fn titles_are_covered_while_it_looks_and_a_dark_panel_lights_up() {
    let mut room = room();
    let now = UnixTime(1_800_000_000);
    let local = LocalTime { at: now, day_ends: UnixTime(now.0 + 9_999), ..clock(10, 0) };
    room.handle(at(0), Input::Clock(local));
    let entry = AgendaEntry {
        number: "903817264".parse().unwrap(),
        title: "The merger".parse().unwrap(),
        starts_at: now,
        ends_at: UnixTime(now.0 + 3_600),
        organiser: Some("Dr Ada".parse().unwrap()),
    };
    room.handle(at(0), Input::Cloud(CloudEvent::Agenda(vec![entry])));
    let titles = |room: &Room| match room.panel(at(100)).screen {
        Screen::Idle { meetings, .. } => {
            let shown = meetings.into_iter();
            shown.map(|m| (m.title.map(|t| t.to_string()), m.organiser.is_some())).collect()
        }
        _ => Vec::new(),
    };
    let merger = (Some("The merger".to_owned()), true);
    assert_eq!(titles(&room), std::slice::from_ref(&merger));
    room.handle(at(0), Input::Board(BoardEvent::PresenceEnded));
    assert!(room.panel(at(100)).asleep);
    order(&mut room, 100, 7);
    assert_eq!(titles(&room), [(None, false)]);
    assert!(!room.panel(at(100)).asleep);
    room.handle(at(104), Input::Tick);
    room.handle(at(104), piece(7, 0, 3, b"abc"));
    assert_eq!(titles(&room), [merger], "the picture is made");
}

#[test]
fn nothing_is_shown_of_a_meeting_or_of_what_is_typed() {
    let mut room = in_call();
    outputs(&mut room);
    assert!(order(&mut room, 10, 7).contains(&told(7, OrderOutcome::InCall)));
    let number = || Tap::Choose { number: "4711".parse().unwrap() };
    for began in [Tap::JoinWithNumber, number()] {
        let mut room = self::room();
        taps(&mut room, at(1), [began]);
        outputs(&mut room);
        assert!(order(&mut room, 2, 8).contains(&told(8, OrderOutcome::NotNow)));
        assert_eq!(room.panel(at(2)).look, None);
    }
    // A pad is opened while it is announced, and once more while the panel makes the picture.
    for seconds in [2, 6] {
        let mut room = self::room();
        order(&mut room, 1, 9);
        if seconds > 5 {
            room.handle(at(5), Input::Tick);
        }
        taps(&mut room, at(seconds), [number()]);
        taps(&mut room, at(seconds), digits("24"));
        assert!(outputs(&mut room).contains(&told(9, OrderOutcome::NotNow)));
        assert_eq!(room.panel(at(seconds)).look, None);
        room.handle(at(7), piece(9, 0, 3, b"abc"));
        assert_eq!(delivered(&outputs(&mut room)), None);
    }
}

#[test]
fn a_panel_that_makes_none_or_is_not_there_is_said() {
    let mut room = linked();
    outputs(&mut room);
    assert!(order(&mut room, 1, 7).contains(&told(7, OrderOutcome::Failed)), "no panel draws");
    for last in [Input::Tap(Tap::NoPicture { number: 8 }), Input::Tick] {
        let mut room = self::room();
        order(&mut room, 1, 8);
        room.handle(at(5), Input::Tick);
        room.handle(at(13), last);
        assert!(outputs(&mut room).contains(&told(8, OrderOutcome::Failed)));
        assert_eq!(room.panel(at(13)).look, None);
    }
    let mut room = self::room();
    order(&mut room, 1, 9);
    let trouble = LinkTrouble::Unreachable;
    room.handle(at(2), Input::LinkDown { trouble, retry_in: Duration::from_secs(1) });
    assert_eq!(room.panel(at(2)).look, None, "nobody is there to whom it could go");
}

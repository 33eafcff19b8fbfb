//! Waiting, and letting in, at the panel.

use super::*;
use crate::media::MediaCommand;
use crate::room::tests::{admission, answered_with, asked, at, in_call, outputs, taps};
use crate::room::{Input, LinkTrouble, Output};
use conclave_link_protocol::message::{CloudEvent, InLobby, JoinRefusal, Response, RoomRequest};
use conclave_panel_api::{CallHealth, Screen, Tap, Trouble};
use std::time::Duration;

fn call() -> CallId {
    CallId::from_random(1)
}

fn waiter(n: u32, name: &str) -> Waiter {
    Waiter { participant: ParticipantId::from_random(u128::from(n)), name: name.parse().unwrap() }
}

fn waiting() -> Room {
    let name = "Board".parse().unwrap();
    answered_with(Response::InLobby(Box::new(InLobby { call: call(), name })))
}

/// In a call, with these before the door.
fn with_lobby(who: &[&Waiter]) -> Room {
    let mut room = in_call();
    let waiting = who.iter().map(|waiter| (*waiter).clone()).collect();
    room.handle(at(3), Input::Cloud(CloudEvent::Lobby { call: call(), waiting }));
    outputs(&mut room);
    room
}

fn shown(room: &Room) -> Vec<String> {
    match room.panel(at(3)).screen {
        Screen::InCall(call) => call.lobby.iter().map(|each| each.name.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

fn starts(all: &[Output]) -> bool {
    all.iter().any(|output| matches!(output, Output::Media(MediaCommand::StartCall { .. })))
}

#[test]
fn a_room_in_a_lobby_says_so_has_no_media_and_is_in_when_it_is_let_in() {
    let mut room = waiting();
    assert!(!starts(&outputs(&mut room)));
    let screen = room.panel(at(2)).screen;
    assert!(
        matches!(&screen, Screen::Lobby { name, health: CallHealth::Good, .. } if name.as_str() == "Board"),
        "{screen:?}"
    );
    room.handle(at(9), Input::Cloud(CloudEvent::Admitted(Box::new(admission()))));
    assert!(starts(&outputs(&mut room)));
    assert!(matches!(room.panel(at(9)).screen, Screen::InCall(_)));
}

#[test]
fn whoever_waits_can_leave() {
    let mut room = waiting();
    outputs(&mut room);
    taps(&mut room, at(3), [Tap::Leave]);
    let request = asked(&mut room).map(|(_, request)| request);
    assert_eq!(request, Some(RoomRequest::Leave { call: call() }));
    assert!(matches!(room.panel(at(3)).screen, Screen::Idle { .. }));
}

#[test]
fn whoever_waits_in_vain_is_told_why() {
    for (reason, notice) in [
        (AwayReason::TurnedAway, Notice::TurnedAway),
        (AwayReason::NobodyCame, Notice::NobodyCame),
        (AwayReason::Ended, Notice::EndedMeanwhile),
        (AwayReason::Busy, Notice::NotLetIn),
        (AwayReason::Other, Notice::NotLetIn),
    ] {
        let mut room = waiting();
        room.handle(at(9), Input::Cloud(CloudEvent::NotAdmitted { call: call(), reason }));
        let panel = room.panel(at(9));
        assert_eq!(panel.notice, Some(notice));
        assert!(matches!(panel.screen, Screen::Idle { .. }), "{reason:?}");
    }
}

#[test]
fn a_lost_link_keeps_the_lobby_on_the_panel_and_says_so() {
    let mut room = waiting();
    let trouble = LinkTrouble::Unreachable;
    room.handle(at(5), Input::LinkDown { trouble, retry_in: Duration::from_secs(4) });
    let screen = room.panel(at(5)).screen;
    assert!(matches!(screen, Screen::Lobby { health: CallHealth::LinkLost, .. }), "{screen:?}");
}

#[test]
fn a_refusal_at_the_lobbys_door_stands_where_the_number_was_typed() {
    for (refusal, trouble) in [
        (JoinRefusal::LobbyFull, Trouble::LobbyFull),
        (JoinRefusal::LobbyUnsupported, Trouble::LobbyUnsupported),
    ] {
        let room = answered_with(Response::NotJoined(refusal));
        let screen = room.panel(at(2)).screen;
        assert!(
            matches!(screen, Screen::Number { trouble: Some(shown), .. } if shown == trouble),
            "{refusal:?}"
        );
    }
}

#[test]
fn who_waits_is_shown_and_let_in_by_one_tap() {
    let (mo, salle) = (waiter(5, "Mo"), waiter(6, "Salle Hopper"));
    let mut room = with_lobby(&[&mo, &salle]);
    assert_eq!(shown(&room), ["Mo", "Salle Hopper"]);
    taps(&mut room, at(4), [Tap::LetIn { participant: salle.participant }]);
    let participants = vec![salle.participant];
    let wanted = RoomRequest::LetIn { call: call(), participants };
    assert_eq!(asked(&mut room).map(|(_, request)| request), Some(wanted));
    // One who went meanwhile, and a finger that comes late.
    taps(&mut room, at(4), [Tap::LetIn { participant: ParticipantId::from_random(99) }]);
    assert_eq!(asked(&mut room), None);
    taps(&mut room, at(4), [Tap::TurnAway { participant: mo.participant }]);
    let participants = vec![mo.participant];
    let wanted = RoomRequest::TurnAway { call: call(), participants };
    assert_eq!(asked(&mut room).map(|(_, request)| request), Some(wanted));
}

#[test]
fn all_who_are_shown_are_let_in_at_once() {
    let (mo, salle) = (waiter(5, "Mo"), waiter(6, "Salle Hopper"));
    let mut room = with_lobby(&[&mo, &salle]);
    taps(&mut room, at(4), [Tap::LetAllIn]);
    let participants = vec![mo.participant, salle.participant];
    let wanted = RoomRequest::LetIn { call: call(), participants };
    assert_eq!(asked(&mut room).map(|(_, request)| request), Some(wanted));
    let waiting = vec![];
    room.handle(at(5), Input::Cloud(CloudEvent::Lobby { call: call(), waiting }));
    taps(&mut room, at(6), [Tap::LetAllIn]);
    assert_eq!(asked(&mut room), None);
}

#[test]
fn a_full_meeting_says_so_until_somebody_is_let_in_again_or_nobody_waits() {
    let mo = waiter(5, "Mo");
    let mut room = with_lobby(&[&mo]);
    taps(&mut room, at(4), [Tap::LetAllIn]);
    let (ask, _) = asked(&mut room).unwrap();
    let answer = Some(Response::NotLetIn(NotLetIn::Full { capacity: 2 }));
    room.handle(at(5), Input::Answered { ask, answer });
    assert_eq!(room.panel(at(5)).notice, Some(Notice::MeetingFull));
    room.handle(at(6), Input::Cloud(CloudEvent::Lobby { call: call(), waiting: vec![] }));
    assert_eq!(room.panel(at(6)).notice, None);
}

#[test]
fn a_clouds_endless_lobby_is_cut() {
    let many: Vec<Waiter> = (0..2_000).map(|n| waiter(n, "Mo")).collect();
    let room = with_lobby(&many.iter().collect::<Vec<_>>());
    assert_eq!(shown(&room).len(), MOST);
}

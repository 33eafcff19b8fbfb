//! Waiting, being let in, being turned away.

use super::*;

fn lobby(n: u128, capacity: u32) -> Vmr {
    Vmr { entrance: Entrance::Lobby, ..vmr(n, capacity) }
}

fn participant(n: u128) -> ParticipantId {
    ParticipantId::from_random(n)
}

fn let_in(capacity: u32, who: &[u128]) -> Input {
    Input::LetIn { vmr: lobby(1, capacity), who: who.iter().copied().map(participant).collect() }
}

/// Room 1 is in by an open door, room 2 waits.
fn one_waits() -> Meetings {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    let outputs = tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(2, 2)));
    assert!(outputs.contains(&Output::Waits { call: call(2), room: room(2) }));
    meetings
}

/// Whom this room was shown last.
fn shown(outputs: &[Output], to: u128) -> Option<Vec<RoomId>> {
    outputs.iter().rev().find_map(|output| match output {
        Output::Lobby { room: r, waiting, .. } if *r == room(to) => {
            Some(waiting.iter().map(|waiter| waiter.room).collect())
        }
        _ => None,
    })
}

fn turned_away(outputs: &[Output], n: u128) -> Option<Why> {
    outputs.iter().find_map(|output| match output {
        Output::TurnedAway { call: c, why, .. } if *c == call(n) => Some(*why),
        _ => None,
    })
}

fn opens_leg(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::OpenLeg { .. }))
}

#[test]
fn whoever_waits_has_no_leg_and_is_on_no_roster_until_it_is_let_in() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    let outputs = tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(2, 2)));
    assert!(!opens_leg(&outputs));
    assert!(!outputs.iter().any(|o| matches!(o, Output::Roster { .. } | Output::Record(_))));
    assert_eq!(shown(&outputs, 1), Some(vec![room(2)]));
    assert_eq!(meetings.participants(), 1, "it is none yet");
    assert!(!meetings.is_in(room(2)));

    let outputs = tell(&mut meetings, AT, let_in(5, &[2]));
    assert!(opens_leg(&outputs));
    assert_eq!(shown(&outputs, 1), Some(vec![]));
    let outputs = tell(&mut meetings, AT, leg_opened(2));
    assert_eq!(admitted(&outputs).unwrap().lines.len(), 2);
}

#[test]
fn nobody_is_let_in_twice_and_nobody_who_does_not_wait_there() {
    let mut meetings = one_waits();
    let elsewhere = Input::LetIn { vmr: lobby(9, 5), who: vec![participant(2)] };
    assert!(tell(&mut meetings, AT, elsewhere).is_empty());
    assert!(tell(&mut meetings, AT, let_in(5, &[1, 7])).is_empty());
    assert!(opens_leg(&tell(&mut meetings, AT, let_in(5, &[2]))));
    assert!(!opens_leg(&tell(&mut meetings, AT, let_in(5, &[2]))));
}

#[test]
fn places_count_when_somebody_is_let_in_and_not_while_they_wait() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 2), 1, 1);
    for n in 2..=4 {
        let outputs = tell(&mut meetings, AT, Input::Arrived(lobby(1, 2), visit(n, n)));
        assert!(refused(&outputs).is_none(), "who waits takes no place");
    }
    tell(&mut meetings, AT, let_in(2, &[3, 2, 4]));
    let left: Vec<_> = meetings.waiting(VmrId::from_random(1)).iter().map(|w| w.room).collect();
    assert_eq!(left, [room(2), room(4)], "one place, for the first who is named");
}

#[test]
fn a_lobby_takes_fifty_and_the_next_one_is_told() {
    let mut meetings = Meetings::new();
    for n in 1..=MOST_WAITING as u128 {
        tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(n, n)));
    }
    let outputs = tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(99, 99)));
    assert_eq!(refused(&outputs), Some(NotAdmitted::LobbyFull));
    // Who waits there already may come anew.
    let outputs = tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(1, 100)));
    assert!(refused(&outputs).is_none());
    assert_eq!(meetings.waiting(VmrId::from_random(1)).len(), MOST_WAITING);
}

#[test]
fn whoever_waits_takes_a_place_of_the_clouds() {
    let limits = Limits { participants: 2, ..Limits::default() };
    let mut meetings = Meetings::with_limits(limits);
    for n in 1..=2 {
        tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(n, n)));
    }
    let outputs = tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(3, 3)));
    assert_eq!(refused(&outputs), Some(NotAdmitted::CloudFull));
}

#[test]
fn a_guest_is_shown_nobody_and_a_host_who_comes_later_is_shown_who_waits() {
    let mut meetings = Meetings::new();
    tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(2, 2)));
    let guest = Visit { standing: Standing::Guest, ..visit(1, 1) };
    tell(&mut meetings, AT, Input::Arrived(vmr(1, 5), guest));
    assert_eq!(shown(&tell(&mut meetings, AT, leg_opened(1)), 1), None);
    assert_eq!(meetings.hosts(room(1), call(1)), None);
    let outputs = enter(&mut meetings, AT, vmr(1, 5), 3, 3);
    assert_eq!(shown(&outputs, 3), Some(vec![room(2)]));
    assert_eq!(meetings.hosts(room(3), call(3)), Some(VmrId::from_random(1)));
    assert_eq!(meetings.hosts(room(2), call(2)), None, "who waits lets nobody in");
    assert_eq!(meetings.hosts(room(3), call(2)), None, "nor does anybody by another call");
}

#[test]
fn whoever_is_turned_away_is_told_and_may_come_again() {
    let mut meetings = one_waits();
    let away = Input::TurnAway { vmr: VmrId::from_random(1), who: vec![participant(2)] };
    let outputs = tell(&mut meetings, AT, away);
    assert_eq!(turned_away(&outputs, 2), Some(Why::TurnedAway));
    assert!(!outputs.iter().any(|o| matches!(o, Output::Record(_))), "it was never in");
    let outputs = tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(2, 3)));
    assert!(outputs.contains(&Output::Waits { call: call(3), room: room(2) }));
}

#[test]
fn who_is_in_is_not_turned_away() {
    let mut meetings = one_waits();
    let away = Input::TurnAway { vmr: VmrId::from_random(1), who: vec![participant(1)] };
    assert!(tell(&mut meetings, AT, away).is_empty());
}

#[test]
fn a_quarter_of_an_hour_later_whoever_still_waits_is_told_that_nobody_came() {
    let mut meetings = one_waits();
    assert_eq!(meetings.deadline(), Some(AT + PATIENCE));
    let outputs = tell(&mut meetings, AT + PATIENCE, Input::Wake);
    assert_eq!(turned_away(&outputs, 2), Some(Why::NobodyCame));
    assert_eq!(shown(&outputs, 1), Some(vec![]));
}

#[test]
fn when_the_last_one_leaves_the_meeting_is_over_for_those_who_wait() {
    let mut meetings = one_waits();
    let outputs = tell(&mut meetings, AT, Input::Left { room: room(1), call: call(1) });
    assert_eq!(turned_away(&outputs, 2), Some(Why::Closed));
    assert!(meetings.is_empty());
}

#[test]
fn a_lobby_before_its_meeting_lasts_while_somebody_waits() {
    let mut meetings = Meetings::new();
    for n in 1..=2 {
        tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(n, n)));
    }
    assert_eq!(meetings.meeting_in(VmrId::from_random(1)), None, "nobody is in");
    tell(&mut meetings, AT, let_in(5, &[1]));
    // Its leg cannot be opened: no meeting began, and the other one waits on.
    tell(&mut meetings, AT, Input::LegRefused { call: call(1) });
    assert_eq!(meetings.waiting_in_all(), 1);
    let outputs = tell(&mut meetings, AT, Input::Left { room: room(2), call: call(2) });
    assert_eq!(turned_away(&outputs, 2), None, "it left by itself");
    assert!(meetings.is_empty() && meetings.deadline().is_none());
}

#[test]
fn a_removed_vmr_a_revoked_room_a_closed_meeting_and_a_stopping_cloud_are_told_to_those_who_wait() {
    for (input, why) in [
        (Input::VmrRemoved { vmr: VmrId::from_random(1) }, Why::VmrRemoved),
        (Input::RoomRevoked { room: room(2) }, Why::Revoked),
        (Input::Closed { vmr: VmrId::from_random(1) }, Why::Closed),
        (Input::Stopping, Why::CloudStopped),
    ] {
        let mut meetings = one_waits();
        assert_eq!(turned_away(&tell(&mut meetings, AT, input), 2), Some(why));
        assert_eq!(meetings.waiting_in_all(), 0);
    }
}

#[test]
fn a_lost_link_keeps_its_place_in_the_lobby_for_a_while() {
    let mut meetings = one_waits();
    tell(&mut meetings, AT, Input::LinkLost { room: room(2) });
    assert_eq!(meetings.deadline(), Some(AT + LINK_GRACE));
    let held = Held { call: call(2), microphone: Switch::Off, camera: Switch::On };
    let back = Input::LinkBack { room: room(2), held: vec![held] };
    let outputs = tell(&mut meetings, AT + secs(30), back);
    assert_eq!(outputs, [Output::StillWaits { call: call(2), room: room(2) }]);
    assert_eq!(meetings.deadline(), Some(AT + PATIENCE), "it waits since it came");
    // Gone for too long: nobody to tell, and the others do not see it any more.
    tell(&mut meetings, AT + secs(60), Input::LinkLost { room: room(2) });
    let outputs = tell(&mut meetings, AT + secs(60) + LINK_GRACE, Input::Wake);
    assert_eq!((turned_away(&outputs, 2), shown(&outputs, 1)), (None, Some(vec![])));
}

#[test]
fn whoever_is_let_in_while_its_link_is_lost_comes_in_when_it_is_back() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 2), 1, 1);
    tell(&mut meetings, AT, Input::Arrived(lobby(1, 2), visit(2, 2)));
    tell(&mut meetings, AT, Input::LinkLost { room: room(2) });
    let outputs = tell(&mut meetings, AT, let_in(2, &[2]));
    assert!(!opens_leg(&outputs) && shown(&outputs, 1) == Some(vec![]));
    let outputs = tell(&mut meetings, AT, Input::Arrived(vmr(1, 2), visit(3, 3)));
    assert_eq!(refused(&outputs), Some(NotAdmitted::Full { capacity: 2 }), "its seat is kept");
    let held = Held { call: call(2), microphone: Switch::On, camera: Switch::On };
    let outputs = tell(&mut meetings, AT, Input::LinkBack { room: room(2), held: vec![held] });
    assert!(opens_leg(&outputs));
}

#[test]
fn a_room_that_comes_back_and_does_not_wait_any_more_has_left_the_lobby() {
    let mut meetings = one_waits();
    let outputs = tell(&mut meetings, AT, Input::LinkBack { room: room(2), held: vec![] });
    assert_eq!((shown(&outputs, 1), turned_away(&outputs, 2)), (Some(vec![]), None));
}

#[test]
fn whose_call_broke_off_need_not_wait_again_for_a_while_and_who_left_does() {
    for (back, waits) in [(RETURN - secs(1), false), (RETURN, true)] {
        let mut meetings = one_waits();
        tell(&mut meetings, AT, let_in(5, &[2]));
        tell(&mut meetings, AT, leg_opened(2));
        tell(&mut meetings, AT, Input::LinkLost { room: room(2) });
        let gone = AT + SILENCE_GRACE;
        assert_eq!(left(&tell(&mut meetings, gone, Input::Wake)), [(call(2), Why::LinkLost)]);
        let outputs = tell(&mut meetings, gone + back, Input::Arrived(lobby(1, 5), visit(2, 3)));
        assert_eq!(opens_leg(&outputs), !waits);
    }
    let mut meetings = one_waits();
    tell(&mut meetings, AT, let_in(5, &[2]));
    tell(&mut meetings, AT, leg_opened(2));
    tell(&mut meetings, AT, Input::Left { room: room(2), call: call(2) });
    assert!(!opens_leg(&tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(2, 3)))));
}

#[test]
fn who_was_in_when_the_cloud_stopped_need_not_wait_and_who_comes_to_another_meeting_does() {
    let mut meetings = Meetings::new();
    for n in 1..=2 {
        tell(&mut meetings, AT, Input::WasIn { vmr: VmrId::from_random(1), room: room(n) });
    }
    assert!(opens_leg(&tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(1, 1)))));
    assert!(!opens_leg(&tell(&mut meetings, AT, Input::Arrived(lobby(2, 5), visit(2, 2)))));
    // An administrator who ends a meeting means it.
    tell(&mut meetings, AT, Input::WasIn { vmr: VmrId::from_random(1), room: room(3) });
    tell(&mut meetings, AT, Input::Closed { vmr: VmrId::from_random(1) });
    assert!(!opens_leg(&tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(3, 3)))));
}

#[test]
fn a_room_that_is_in_and_comes_anew_does_not_wait_and_one_that_waits_does() {
    let mut meetings = one_waits();
    assert!(opens_leg(&tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(1, 3)))));
    let outputs = tell(&mut meetings, AT, Input::Arrived(lobby(1, 5), visit(2, 4)));
    assert!(!opens_leg(&outputs));
    assert_eq!(turned_away(&outputs, 2), None, "it asked for the new one itself");
    assert_eq!(meetings.waiting_in_all(), 1);
}

#[test]
fn those_who_may_come_back_are_not_remembered_without_end() {
    let mut meetings = Meetings::with_limits(Limits { participants: 2, ..Limits::default() });
    for n in 1..=9 {
        tell(&mut meetings, AT, Input::WasIn { vmr: VmrId::from_random(1), room: room(n) });
    }
    assert_eq!(meetings.returning.len(), 2);
    tell(&mut meetings, AT + RETURN, Input::WasIn { vmr: VmrId::from_random(1), room: room(9) });
    assert_eq!(meetings.returning.len(), 1, "those whose time is over made room");
}

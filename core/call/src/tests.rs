//! The call's machine, driven by hand.

use super::*;
use conclave_messages::{NotLetIn, Waiter};
use conclave_types::{DisplayName, LegId, MediaLeg, ParticipantId, SrtpKey, SrtpProfile, Ssrc};

const CLOUD: Redacted<IpAddr> = Redacted(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

fn number() -> VmrNumber {
    "4711".parse().unwrap()
}

fn roster(revision: u64) -> Roster {
    Roster { revision, participants: Vec::new() }
}

fn joined(call: u128) -> Response {
    Response::Joined(Box::new(admission(call)))
}

fn admission(call: u128) -> Joined {
    let key = SrtpKey::new(SrtpProfile::AeadAes128Gcm, vec![0; 28]).unwrap();
    Joined {
        call: CallId::from_random(call),
        name: "Board".parse::<DisplayName>().unwrap(),
        participant: ParticipantId::from_random(1),
        leg: MediaLeg {
            leg: LegId::from_random(1),
            address: None,
            port: 40_000,
            room_to_node: key.clone(),
            node_to_room: key,
            audio: Ssrc(1),
            video: Ssrc(2),
        },
        roster: roster(1),
    }
}

fn in_lobby(call: u128) -> Response {
    let name = "Board".parse().unwrap();
    Response::InLobby(Box::new(InLobby { call: CallId::from_random(call), name }))
}

fn outputs(call: &mut Call) -> Vec<Output> {
    std::iter::from_fn(|| call.poll_output()).collect()
}

fn linked() -> Call {
    let mut call = Call::new(Switch::On, Switch::On);
    call.handle(at(0), Input::LinkUp { cloud: CLOUD, resumed: Vec::new(), waiting: Vec::new() });
    call
}

/// Dials and returns the question that was asked.
fn dialled(call: &mut Call) -> AskId {
    call.handle(at(1), Input::Dial { number: number(), pin: Some("2468".parse().unwrap()) });
    asked(call).expect("a join is asked for").0
}

fn asked(call: &mut Call) -> Option<(AskId, RoomRequest)> {
    outputs(call).into_iter().find_map(|output| match output {
        Output::Ask { ask, request } => Some((ask, request)),
        _ => None,
    })
}

fn up() -> Call {
    let mut call = linked();
    let ask = dialled(&mut call);
    call.handle(at(2), Input::Answered { ask, answer: Some(joined(1)) });
    call
}

fn health(call: &Call) -> Option<Health> {
    match call.state() {
        State::Up(up) => Some(up.health),
        State::Waiting(waiting) => Some(waiting.health),
        _ => None,
    }
}

#[test]
fn an_answered_dial_starts_media_at_the_links_address() {
    let mut call = up();
    let started = outputs(&mut call).into_iter().any(|output| {
        matches!(output, Output::StartMedia { node, .. } if node.0 == SocketAddr::new(CLOUD.0, 40_000))
    });
    assert!(started);
    assert_eq!(health(&call), Some(Health::Good));
}

#[test]
fn a_refusal_leaves_the_machine_idle_and_says_why() {
    let mut call = linked();
    let ask = dialled(&mut call);
    let refusal = JoinRefusal::WrongPin { tries_left: 2 };
    call.handle(at(2), Input::Answered { ask, answer: Some(Response::NotJoined(refusal)) });
    assert_eq!(call.state(), &State::Idle);
    assert!(
        outputs(&mut call)
            .contains(&Output::NotJoined { number: number(), why: NotJoined::Refused(refusal) })
    );
}

#[test]
fn late_answer_after_hang_up_is_undone() {
    let mut call = linked();
    let ask = dialled(&mut call);
    call.handle(at(2), Input::HangUp);
    outputs(&mut call);
    call.handle(at(3), Input::Answered { ask, answer: Some(joined(9)) });
    let leave = RoomRequest::Leave { call: CallId::from_random(9) };
    assert_eq!(asked(&mut call).map(|(_, request)| request), Some(leave));
    assert_eq!(call.state(), &State::Idle);
}

#[test]
fn dialling_without_a_link_says_so() {
    let mut call = Call::new(Switch::On, Switch::On);
    call.handle(at(0), Input::Dial { number: number(), pin: None });
    assert!(
        outputs(&mut call)
            .contains(&Output::NotJoined { number: number(), why: NotJoined::NoLink })
    );
}

#[test]
fn a_lost_link_stops_no_media_and_a_resumed_one_mends_it() {
    let mut call = up();
    outputs(&mut call);
    call.handle(at(10), Input::LinkDown);
    assert_eq!(health(&call), Some(Health::LinkLost));
    assert!(!outputs(&mut call).contains(&Output::StopMedia));
    assert_eq!(call.deadline(), None, "packets flow: there is no hurry");
    let resumed = vec![ResumedCall { call: CallId::from_random(1), roster: roster(5) }];
    call.handle(at(40), Input::LinkUp { cloud: CLOUD, resumed, waiting: vec![] });
    assert_eq!(health(&call), Some(Health::Good));
    assert!(matches!(call.state(), State::Up(up) if up.roster.revision == 5));
}

#[test]
fn a_forgotten_call_is_joined_again_and_keeps_its_beginning() {
    let mut call = up();
    call.handle(at(10), Input::LinkDown);
    outputs(&mut call);
    call.handle(at(12), Input::LinkUp { cloud: CLOUD, resumed: Vec::new(), waiting: Vec::new() });
    assert_eq!(health(&call), Some(Health::Rejoining));
    let (ask, request) = asked(&mut call).unwrap();
    assert!(matches!(request, RoomRequest::Join(join) if join.pin.is_some()));
    call.handle(at(13), Input::Answered { ask, answer: Some(joined(2)) });
    assert_eq!(health(&call), Some(Health::Good));
    assert!(matches!(call.state(), State::Up(up) if up.since == at(2)));
    let all = outputs(&mut call);
    let stop = all.iter().position(|o| *o == Output::StopMedia).unwrap();
    let start = all.iter().position(|o| matches!(o, Output::StartMedia { .. })).unwrap();
    assert!(stop < start);
}

#[test]
fn joining_again_waits_longer_each_time_and_then_gives_up() {
    let mut call = up();
    outputs(&mut call);
    call.handle(at(10), Input::Ended { call: CallId::from_random(1), reason: EndReason::Unknown });
    let mut now = at(10);
    let mut waits = Vec::new();
    while let Some((ask, _)) = asked(&mut call) {
        let answer = Some(Response::NotJoined(JoinRefusal::Busy));
        call.handle(now, Input::Answered { ask, answer });
        if let Some(deadline) = call.deadline() {
            waits.push(deadline.since(now).as_secs());
            now = deadline;
            call.handle(now, Input::Tick);
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 16]);
    assert_eq!(call.state(), &State::Idle);
}

#[test]
fn without_link_and_packets_the_call_is_over_after_two_minutes() {
    let mut call = up();
    call.handle(at(10), Input::LinkDown);
    call.handle(at(12), Input::Flowing { call: CallId::from_random(1), flowing: false });
    assert_eq!(call.deadline(), Some(at(132)));
    outputs(&mut call);
    call.handle(at(132), Input::Tick);
    let all = outputs(&mut call);
    assert!(all.contains(&Output::Over(Over::Lost)) && all.contains(&Output::StopMedia));
}

#[test]
fn an_ended_meeting_is_not_joined_again() {
    let mut call = up();
    outputs(&mut call);
    call.handle(at(9), Input::Ended { call: CallId::from_random(1), reason: EndReason::Ended });
    assert_eq!(call.state(), &State::Idle);
    assert!(outputs(&mut call).contains(&Output::Over(Over::Ended)));
}

#[test]
fn an_old_roster_is_ignored() {
    let mut call = up();
    let id = CallId::from_random(1);
    call.handle(at(3), Input::Roster { call: id, roster: roster(7) });
    call.handle(at(3), Input::Roster { call: id, roster: roster(6) });
    assert!(matches!(call.state(), State::Up(up) if up.roster.revision == 7));
}

#[test]
fn a_switch_during_a_lost_link_travels_with_the_next_hello() {
    let mut call = up();
    call.handle(at(5), Input::LinkDown);
    outputs(&mut call);
    call.handle(at(6), Input::Microphone(Switch::Off));
    let held = outputs(&mut call).into_iter().find_map(|output| match output {
        Output::Hold(held) => Some(held),
        _ => None,
    });
    assert_eq!(held.unwrap()[0].microphone, Switch::Off);
}

#[test]
fn a_switch_while_the_join_is_under_way_is_told_afterwards() {
    let mut call = linked();
    let ask = dialled(&mut call);
    call.handle(at(1), Input::Camera(Switch::Off));
    outputs(&mut call);
    call.handle(at(2), Input::Answered { ask, answer: Some(joined(1)) });
    let told = RoomRequest::SetMedia {
        call: CallId::from_random(1),
        microphone: Switch::On,
        camera: Switch::Off,
    };
    assert_eq!(asked(&mut call).map(|(_, request)| request), Some(told));
}

/// Dials and is answered that it waits.
fn waiting() -> Call {
    let mut call = linked();
    let ask = dialled(&mut call);
    call.handle(at(2), Input::Answered { ask, answer: Some(in_lobby(1)) });
    call
}

fn starts_media(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::StartMedia { .. }))
}

#[test]
fn whoever_waits_has_no_media_until_it_is_let_in() {
    let mut call = waiting();
    assert!(matches!(call.state(), State::Waiting(waiting) if waiting.name.as_str() == "Board"));
    assert!(!starts_media(&outputs(&mut call)));
    call.handle(at(9), Input::Admitted(Box::new(admission(1))));
    assert!(starts_media(&outputs(&mut call)));
    assert!(matches!(call.state(), State::Up(up) if up.since == at(9)));
}

#[test]
fn whoever_waits_in_vain_is_told_why_and_is_idle() {
    let mut call = waiting();
    outputs(&mut call);
    let other = CallId::from_random(7);
    call.handle(at(5), Input::NotAdmitted { call: other, reason: AwayReason::Ended });
    assert!(matches!(call.state(), State::Waiting(_)), "that was another call");
    let id = CallId::from_random(1);
    call.handle(at(9), Input::NotAdmitted { call: id, reason: AwayReason::TurnedAway });
    let all = outputs(&mut call);
    assert!(all.contains(&Output::NotAdmitted(AwayReason::TurnedAway)));
    assert!(!all.contains(&Output::StopMedia), "there was none");
    assert_eq!((call.state(), call.deadline()), (&State::Idle, None));
}

#[test]
fn whoever_does_not_want_to_wait_any_more_leaves_the_lobby_and_a_late_word_is_undone() {
    let mut call = waiting();
    outputs(&mut call);
    call.handle(at(5), Input::HangUp);
    let leave = RoomRequest::Leave { call: CallId::from_random(1) };
    assert_eq!(asked(&mut call).map(|(_, request)| request), Some(leave.clone()));
    call.handle(at(6), Input::Admitted(Box::new(admission(1))));
    assert_eq!(asked(&mut call).map(|(_, request)| request), Some(leave));
    assert_eq!(call.state(), &State::Idle);
}

#[test]
fn an_answer_that_it_waits_which_comes_after_hanging_up_is_undone() {
    let mut call = linked();
    let ask = dialled(&mut call);
    call.handle(at(2), Input::HangUp);
    outputs(&mut call);
    call.handle(at(3), Input::Answered { ask, answer: Some(in_lobby(9)) });
    let leave = RoomRequest::Leave { call: CallId::from_random(9) };
    assert_eq!(asked(&mut call).map(|(_, request)| request), Some(leave));
}

#[test]
fn a_place_in_the_lobby_is_held_over_a_lost_link() {
    let mut call = waiting();
    let held = outputs(&mut call).into_iter().rev().find_map(|output| match output {
        Output::Hold(held) => Some(held),
        _ => None,
    });
    assert_eq!(held.unwrap()[0].call, CallId::from_random(1));
    call.handle(at(5), Input::LinkDown);
    assert_eq!(health(&call), Some(Health::LinkLost));
    assert_eq!(call.deadline(), Some(at(125)));
    let waiting = vec![CallId::from_random(1)];
    call.handle(at(9), Input::LinkUp { cloud: CLOUD, resumed: vec![], waiting });
    assert_eq!((health(&call), call.deadline()), (Some(Health::Good), None));
    assert_eq!(asked(&mut call), None, "it need not ask again");
    // Without a link for too long it is over.
    call.handle(at(10), Input::LinkDown);
    call.handle(at(130), Input::Tick);
    assert!(outputs(&mut call).contains(&Output::Over(Over::Lost)));
}

#[test]
fn a_cloud_that_has_forgotten_that_it_waits_is_asked_again() {
    let mut call = waiting();
    call.handle(at(5), Input::LinkDown);
    outputs(&mut call);
    call.handle(at(9), Input::LinkUp { cloud: CLOUD, resumed: vec![], waiting: vec![] });
    let (ask, request) = asked(&mut call).unwrap();
    assert!(matches!(request, RoomRequest::Join(join) if join.pin.is_some() && join.lobby));
    assert_eq!(health(&call), Some(Health::Rejoining));
    call.handle(at(9), Input::Answered { ask, answer: Some(in_lobby(2)) });
    assert_eq!(health(&call), Some(Health::Good));
}

#[test]
fn whoever_was_let_in_by_a_word_that_was_lost_with_the_link_asks_again() {
    let mut call = waiting();
    call.handle(at(5), Input::LinkDown);
    outputs(&mut call);
    let resumed = vec![ResumedCall { call: CallId::from_random(1), roster: roster(2) }];
    call.handle(at(9), Input::LinkUp { cloud: CLOUD, resumed, waiting: vec![] });
    let (ask, _) = asked(&mut call).unwrap();
    call.handle(at(9), Input::Answered { ask, answer: Some(joined(2)) });
    assert!(starts_media(&outputs(&mut call)));
}

#[test]
fn a_room_that_was_in_and_has_to_wait_again_stops_its_media() {
    let mut call = up();
    call.handle(at(10), Input::LinkDown);
    call.handle(at(12), Input::LinkUp { cloud: CLOUD, resumed: vec![], waiting: vec![] });
    let (ask, _) = asked(&mut call).unwrap();
    call.handle(at(13), Input::Answered { ask, answer: Some(in_lobby(2)) });
    assert!(outputs(&mut call).contains(&Output::StopMedia));
    assert!(matches!(call.state(), State::Waiting(_)));
}

#[test]
fn who_waits_is_known_in_the_meeting_while_the_link_is_up_and_may_be_let_in() {
    let mut call = up();
    outputs(&mut call);
    let id = CallId::from_random(1);
    let mo = Waiter { participant: ParticipantId::from_random(5), name: "Mo".parse().unwrap() };
    let list = vec![mo.clone()];
    call.handle(at(3), Input::Lobby { call: CallId::from_random(7), waiting: list.clone() });
    assert!(matches!(call.state(), State::Up(up) if up.lobby.is_empty()), "another call's");
    call.handle(at(3), Input::Lobby { call: id, waiting: list });
    assert!(matches!(call.state(), State::Up(up) if up.lobby.len() == 1));
    call.handle(at(4), Input::LetIn(vec![mo.participant]));
    let (ask, request) = asked(&mut call).unwrap();
    assert_eq!(request, RoomRequest::LetIn { call: id, participants: vec![mo.participant] });
    let full = NotLetIn::Full { capacity: 2 };
    call.handle(at(5), Input::Answered { ask, answer: Some(Response::NotLetIn(full)) });
    assert!(outputs(&mut call).contains(&Output::NotLetIn(full)));
    call.handle(at(6), Input::LinkDown);
    assert!(matches!(call.state(), State::Up(up) if up.lobby.is_empty()), "nothing can be done");
}

/// Random inputs in any order: media is started and stopped in turn, a call is held exactly while
/// it is up, and hanging up always leads back to idle.
#[test]
fn any_order_of_events_keeps_media_and_state_together() {
    for seed in 0..2_000_u64 {
        let mut draw = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = |below: u64| {
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            draw % below
        };
        let mut call = Call::new(Switch::On, Switch::On);
        let (mut media, mut held, mut asks) = (false, false, Vec::new());
        let mut now = at(0);
        for step in 0..60 {
            now = now + Duration::from_millis(next(5_000));
            let id = CallId::from_random(u128::from(next(4)));
            let input = match next(16) {
                0 | 1 => Input::Dial { number: number(), pin: None },
                2 => Input::HangUp,
                3 => Input::Microphone(Switch::Off),
                4 | 5 => Input::LinkUp {
                    cloud: CLOUD,
                    resumed: vec![ResumedCall { call: id, roster: roster(next(9)) }],
                    waiting: if next(2) == 0 { vec![id] } else { vec![] },
                },
                6 => Input::LinkDown,
                7 => Input::Ended { call: id, reason: EndReason::MediaLost },
                8 => Input::Flowing { call: id, flowing: next(2) == 0 },
                9 => Input::Tick,
                10 => Input::Admitted(Box::new(admission(u128::from(next(4))))),
                11 => Input::NotAdmitted { call: id, reason: AwayReason::NobodyCame },
                12 => Input::LetIn(vec![ParticipantId::from_random(9)]),
                _ => match asks.pop() {
                    Some(ask) => Input::Answered {
                        ask,
                        answer: match next(4) {
                            2 => Some(in_lobby(u128::from(next(4)))),
                            0 => None,
                            1 => Some(Response::NotJoined(JoinRefusal::Busy)),
                            _ => Some(joined(u128::from(next(4)))),
                        },
                    },
                    None => Input::MediaFailed { call: id },
                },
            };
            call.handle(now, input.clone());
            for output in outputs(&mut call) {
                match output {
                    Output::StartMedia { .. } => {
                        assert!(!media, "seed {seed}, step {step}: started twice by {input:?}");
                        media = true;
                    }
                    Output::StopMedia => {
                        assert!(media, "seed {seed}, step {step}: stopped twice by {input:?}");
                        media = false;
                    }
                    Output::Hold(calls) => held = !calls.is_empty(),
                    Output::Ask { ask, request: RoomRequest::Join(_) } => asks.push(ask),
                    _ => {}
                }
            }
            let up = matches!(call.state(), State::Up(_));
            let holds = up || matches!(call.state(), State::Waiting(_));
            assert_eq!((media, held), (up, holds), "seed {seed}, step {step}: after {input:?}");
        }
        call.handle(now, Input::HangUp);
        assert_eq!(call.state(), &State::Idle, "seed {seed}");
    }
}

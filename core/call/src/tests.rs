//! The call's machine, driven by hand.

use super::*;
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
    let key = SrtpKey::new(SrtpProfile::AeadAes128Gcm, vec![0; 28]).unwrap();
    Response::Joined(Box::new(Joined {
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
    }))
}

fn outputs(call: &mut Call) -> Vec<Output> {
    std::iter::from_fn(|| call.poll_output()).collect()
}

fn linked() -> Call {
    let mut call = Call::new(Switch::On, Switch::On);
    call.handle(at(0), Input::LinkUp { cloud: CLOUD, resumed: Vec::new() });
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
    call.handle(at(40), Input::LinkUp { cloud: CLOUD, resumed });
    assert_eq!(health(&call), Some(Health::Good));
    assert!(matches!(call.state(), State::Up(up) if up.roster.revision == 5));
}

#[test]
fn a_forgotten_call_is_joined_again_and_keeps_its_beginning() {
    let mut call = up();
    call.handle(at(10), Input::LinkDown);
    outputs(&mut call);
    call.handle(at(12), Input::LinkUp { cloud: CLOUD, resumed: Vec::new() });
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
            let input = match next(12) {
                0 | 1 => Input::Dial { number: number(), pin: None },
                2 => Input::HangUp,
                3 => Input::Microphone(Switch::Off),
                4 | 5 => Input::LinkUp {
                    cloud: CLOUD,
                    resumed: vec![ResumedCall { call: id, roster: roster(next(9)) }],
                },
                6 => Input::LinkDown,
                7 => Input::Ended { call: id, reason: EndReason::MediaLost },
                8 => Input::Flowing { call: id, flowing: next(2) == 0 },
                9 => Input::Tick,
                _ => match asks.pop() {
                    Some(ask) => Input::Answered {
                        ask,
                        answer: match next(3) {
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
            assert_eq!((media, held), (up, up), "seed {seed}, step {step}: after {input:?}");
        }
        call.handle(now, Input::HangUp);
        assert_eq!(call.state(), &State::Idle, "seed {seed}");
    }
}

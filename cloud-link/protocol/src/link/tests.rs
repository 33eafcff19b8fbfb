use super::*;
use crate::envelope::{Envelope, FromCloud, encode};
use crate::message::{Refusal, RoomIdentity, Welcome};
use conclave_types::{CallId, RoomId, Switch};

fn outputs(link: &mut Link) -> Vec<Output> {
    std::iter::from_fn(|| link.poll_output()).collect()
}

fn greet(link: &mut Link, now: Time, greeting: Greeting) {
    let envelope: FromCloud = Envelope::Opening(greeting);
    link.handle(now, Input::Received(encode(&envelope).unwrap().expose()));
}

fn welcome() -> Greeting {
    let room = RoomIdentity { room: RoomId::from_random(1), name: "Ada".parse().unwrap() };
    Greeting::Welcome(Box::new(Welcome {
        version: 1,
        room,
        directory: vec![],
        calls: vec![],
        waiting: vec![],
    }))
}

fn at(s: u64) -> Time {
    Time::from_micros(s * 1_000_000)
}

fn linked(now: Time) -> Link {
    let mut link = Link::new("test", "A7", 42);
    link.handle(now, Input::Dialled);
    greet(&mut link, now, welcome());
    outputs(&mut link);
    link
}

fn unreachable() -> DownReason {
    DownReason::Unreachable { detail: "refused".to_owned() }
}

#[test]
fn the_room_dials_greets_and_dials_again_when_the_link_is_cut() {
    let mut link = Link::new("test", "A7", 42);
    assert_eq!(outputs(&mut link), [Output::Dial { attempt: 1 }]);
    link.handle(at(0), Input::Dialled);
    assert!(matches!(outputs(&mut link)[..], [Output::Write(_)]), "the hello");
    greet(&mut link, at(1), welcome());
    assert!(matches!(outputs(&mut link)[..], [Output::Up(Greeting::Welcome(_))]));
    link.handle(at(100), Input::Ended { detail: "reset".to_owned() });
    let all = outputs(&mut link);
    let [Output::Close, Output::Down { reason, retry_at }] = &all[..] else { panic!("{all:?}") };
    assert_eq!(reason.to_string(), "the connection ended: reset");
    assert_eq!(link.deadline(), Some(*retry_at));
    let waited = retry_at.since(at(100));
    assert!(waited >= Duration::from_secs(1) && waited <= Duration::from_secs(2), "{waited:?}");
    link.handle(*retry_at, Input::Tick);
    assert_eq!(outputs(&mut link), [Output::Dial { attempt: 1 }]);
}

#[test]
fn attempts_in_vain_are_counted_and_further_apart() {
    let mut link = Link::new("test", "A7", 7);
    let mut now = at(0);
    let mut waits = Vec::new();
    for attempt in 1..9 {
        assert_eq!(outputs(&mut link), [Output::Dial { attempt }]);
        link.handle(now, Input::DialFailed(unreachable()));
        let all = outputs(&mut link);
        let [Output::Down { retry_at, .. }] = all[..] else { panic!("{all:?}") };
        waits.push(retry_at.since(now));
        now = retry_at;
        link.handle(now, Input::Tick);
    }
    assert!(waits[5..].iter().all(|wait| *wait >= Duration::from_secs(30)), "{waits:?}");
}

#[test]
fn requests_without_a_link_fail_at_once() {
    let mut link = Link::new("test", "A7", 42);
    outputs(&mut link);
    let id = RequestId(1);
    link.handle(at(0), Input::Request { id, request: RoomRequest::RenewCertificate });
    let result = Err(RequestFailure::NotLinked);
    assert_eq!(outputs(&mut link), [Output::Answered { id, result }]);
}

#[test]
fn each_hello_lists_the_calls_that_are_held_now() {
    let mut link = linked(at(0));
    let held = HeldCall {
        call: CallId::from_random(1),
        revision: 4,
        microphone: Switch::Off,
        camera: Switch::On,
    };
    link.handle(at(1), Input::Hold(vec![held]));
    link.handle(at(2), Input::Ended { detail: String::new() });
    link.handle(at(60), Input::Tick);
    outputs(&mut link);
    link.handle(at(61), Input::Dialled);
    let all = outputs(&mut link);
    let [Output::Write(frame)] = &all[..] else { panic!("{all:?}") };
    let json = String::from_utf8(frame.expose()[4..].to_vec()).unwrap();
    assert!(json.contains(r#""revision":4,"microphone":"off","camera":"on""#), "{json}");
}

#[test]
fn a_refusal_is_told_and_its_wait_honoured() {
    let mut link = Link::new("test", "A7", 42);
    link.handle(at(0), Input::Dialled);
    outputs(&mut link);
    let refused = Greeting::Refused { reason: Refusal::Busy, retry_after_s: 100 };
    greet(&mut link, at(0), refused.clone());
    let all = outputs(&mut link);
    let [Output::Up(greeting), Output::Close, Output::Down { reason, retry_at }] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!((greeting, reason), (&refused, &DownReason::Refused(Refusal::Busy)));
    assert!(*retry_at >= at(100) && *retry_at <= at(125), "{retry_at:?}");
}

#[test]
fn another_identity_connects_anew_at_once_wherever_the_link_stands() {
    let mut link = linked(at(0));
    let id = RequestId(1);
    link.handle(at(1), Input::Request { id, request: RoomRequest::RenewCertificate });
    outputs(&mut link);
    link.handle(at(1), Input::Reconnect);
    let all = outputs(&mut link);
    assert!(
        matches!(
            all[..],
            [
                Output::Write(_),
                Output::Answered { result: Err(RequestFailure::LinkLost), .. },
                Output::Close,
                Output::Down { reason: DownReason::Reconnecting, .. },
                Output::Dial { attempt: 1 }
            ]
        ),
        "{all:?}"
    );
    link.handle(at(1), Input::Reconnect);
    assert_eq!(outputs(&mut link), [Output::Close, Output::Dial { attempt: 2 }]);
    link.handle(at(1), Input::DialFailed(unreachable()));
    outputs(&mut link);
    link.handle(at(1), Input::Reconnect);
    assert_eq!(outputs(&mut link), [Output::Dial { attempt: 3 }]);
}

#[test]
fn reports_of_an_attempt_that_was_given_up_do_no_harm() {
    let mut link = linked(at(0));
    link.handle(at(1), Input::Dialled);
    link.handle(at(1), Input::DialFailed(unreachable()));
    assert_eq!(outputs(&mut link), []);
}

#[test]
fn random_inputs_in_any_order_keep_the_link_trying() {
    for seed in 1..300_u64 {
        let mut chance = crate::session::tests::Chance(seed);
        let mut link = Link::new("test", "A7", seed);
        let (mut now, mut asked, mut answered) = (at(0), 0, 0);
        for _ in 0..200 {
            now = now + Duration::from_millis(chance.below(5000));
            let frame = encode::<Greeting, CloudRequest, CloudEvent>(&Envelope::Opening(welcome()));
            let frame = frame.unwrap();
            let cut = chance.below(frame.expose().len() as u64 * 2) as usize;
            let octets = &frame.expose()[..cut.min(frame.expose().len())];
            match chance.below(10) {
                0..2 => link.handle(now, Input::Dialled),
                2 => link.handle(now, Input::DialFailed(unreachable())),
                3..6 => link.handle(now, Input::Received(octets)),
                6 => link.handle(now, Input::Ended { detail: String::new() }),
                7 => {
                    let request = RoomRequest::RenewCertificate;
                    link.handle(now, Input::Request { id: RequestId(asked), request });
                    asked += 1;
                }
                8 if chance.below(10) == 0 => link.handle(now, Input::Reconnect),
                _ => link.handle(now, Input::Tick),
            }
            let all = outputs(&mut link);
            answered += all.iter().filter(|o| matches!(o, Output::Answered { .. })).count() as u64;
            let dialling = matches!(link.state, State::Dialling);
            assert!(dialling || link.deadline().is_some(), "seed {seed}: it would sleep for ever");
        }
        link.handle(now, Input::Ended { detail: String::new() });
        answered +=
            outputs(&mut link).iter().filter(|o| matches!(o, Output::Answered { .. })).count()
                as u64;
        assert_eq!(answered, asked, "seed {seed}");
    }
}

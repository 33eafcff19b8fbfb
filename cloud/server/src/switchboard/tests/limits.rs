//! Each limit is reached; the new one is refused with a reason, the others notice nothing.

use super::*;
use crate::switchboard::MOST_VMRS;
use crate::switchboard::pace::{AT_ONCE, INTERVAL};
use conclave_directory::MOST_NEWCOMERS;
use conclave_directory::Vmr;

#[test]
fn as_many_newcomers_wait_as_may_and_the_next_one_is_sent_away_for_half_a_minute() {
    let mut cloud = Cloud::new();
    let newcomer = |n: usize| Peer::Newcomer { spki_der: n.to_be_bytes().to_vec() };
    let mut codes = std::collections::BTreeSet::new();
    let mut links = Vec::new();
    for n in 0..MOST_NEWCOMERS {
        let (link, outputs) = cloud.hello(newcomer(n), vec![]);
        let [Output::Greet { greeting: Greeting::Newcomer { code, .. }, .. }] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        codes.insert(code.to_string());
        links.push(link);
    }
    assert_eq!(codes.len(), MOST_NEWCOMERS, "each has a code of its own");
    let (late, outputs) = cloud.hello(newcomer(MOST_NEWCOMERS), vec![]);
    assert!(matches!(
        &outputs[..],
        [
            Output::Greet {
                greeting: Greeting::Refused { reason: Refusal::Busy, retry_after_s: 30 },
                ..
            },
            Output::Close { link, reason: CloseReason::Refused },
        ] if *link == late
    ));
    assert_eq!(cloud.board.tally().hellos.count("busy"), 1);
    // A place that becomes free is there for the next, and an enrolled room never needs one.
    cloud.give(Input::Closed { link: links[0] });
    let (_, outputs) = cloud.hello(newcomer(MOST_NEWCOMERS), vec![]);
    assert!(matches!(&outputs[..], [Output::Greet { greeting: Greeting::Newcomer { .. }, .. }]));
}

#[test]
fn as_many_meeting_rooms_are_kept_as_may_be_and_the_next_one_is_refused_in_words() {
    let directory = SqliteDirectory::in_memory().unwrap();
    let disk = Disk(Arc::new(Mutex::new(directory)), Arc::new(Mutex::new(Space::Left)));
    for n in 0..MOST_VMRS {
        let vmr = Vmr {
            id: VmrId::from_random(n as u128),
            organisation: OrganisationId::FIRST,
            number: format!("{}", 100_000 + n).parse().unwrap(),
            name: "V".parse().unwrap(),
            pin: None,
            capacity: 2,
            hidden: false,
            once: false,
            lobby: false,
            owner: None,
            moderators: vec![],
        };
        disk.0.lock().unwrap().add_vmr(&vmr).unwrap();
    }
    let mut cloud = Cloud::on(disk);
    let (link, _) = cloud.room(1, "A");
    let create = |number: &str| ControlRequest::VmrCreate {
        new: NewVmr::plain(number.parse().unwrap(), "One more".parse().unwrap(), 2),
        pin: None,
    };
    let reason = cloud.refused(create("998"));
    assert!(reason.contains("10000") && reason.contains("remove"), "{reason}");
    cloud.joined(link, "100000", None);
    cloud.admin(ControlRequest::VmrRemove { number: "100001".parse().unwrap() });
    let answer = cloud.admin(create("999")).0;
    assert!(matches!(answer, ControlAnswer::VmrCreated { .. }), "{answer:?}");
}

#[test]
fn a_room_that_joins_without_end_is_held_back_and_the_others_join_as_before() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", None, 10);
    let (wild, _) = cloud.room(1, "Wild");
    let (calm, _) = cloud.room(2, "Calm");
    for _ in 0..AT_ONCE {
        cloud.joined(wild, "4711", None);
    }
    let answer = cloud.join(wild, "4711", None);
    assert_eq!(answer, Response::NotJoined(JoinRefusal::Busy));
    assert_eq!(cloud.board.tally().joins.count("too_often"), 1);
    cloud.joined(calm, "4711", None);
    // The call that it has goes on, and a little later it may join again.
    assert_eq!(cloud.board.gauges().participants, 2);
    cloud.now = cloud.now + INTERVAL;
    cloud.joined(wild, "4711", None);
}

#[test]
fn a_room_cannot_clear_its_slate_by_coming_on_a_new_link() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", None, 10);
    let (mut link, room) = cloud.room(1, "Wild");
    for _ in 0..AT_ONCE {
        cloud.joined(link, "4711", None);
        cloud.give(Input::Closed { link });
        link = cloud.link(1, room, vec![]).0;
    }
    assert_eq!(cloud.join(link, "4711", None), Response::NotJoined(JoinRefusal::Busy));
}

#[test]
fn as_many_pins_are_looked_at_as_may_wait_and_the_next_one_hears_that_the_cloud_is_busy() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", Some("123456"), 80);
    let rooms: Vec<LinkId> = (0..=64).map(|n| cloud.room(n, &format!("Room {n}")).0).collect();
    cloud.hold = Some(vec![]);
    let ask = |cloud: &mut Cloud, link| {
        let join = Join {
            number: "4711".parse().unwrap(),
            pin: Some("123456".parse().unwrap()),
            profiles: SrtpProfile::PREFERENCE.to_vec(),
            microphone: Switch::On,
            camera: Switch::On,
            lobby: true,
        };
        cloud.ask(link, RoomRequest::Join(join)).0
    };
    for link in &rooms[..64] {
        assert_eq!(ask(&mut cloud, *link), None, "it is being looked at");
    }
    let busy = Some(Response::NotJoined(JoinRefusal::Busy));
    assert_eq!(ask(&mut cloud, rooms[64]), busy);
    cloud.release();
    assert_eq!(cloud.board.gauges().participants, 64);
}

#[test]
fn wrong_pins_of_one_room_lock_it_out_there_and_nobody_else_anywhere() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", Some("123456"), 10);
    cloud.vmr("4712", Some("123456"), 10);
    let (guesser, _) = cloud.room(1, "Guesser");
    let (other, _) = cloud.room(2, "Other");
    for left in [2, 1, 0] {
        let wrong = Response::NotJoined(JoinRefusal::WrongPin { tries_left: left });
        assert_eq!(cloud.join(guesser, "4711", Some("000000")), wrong);
    }
    let wait = cloud.join(guesser, "4711", Some("123456"));
    assert_eq!(wait, Response::NotJoined(JoinRefusal::Wait { seconds: 30 }));
    cloud.joined(guesser, "4712", Some("123456"));
    cloud.joined(other, "4711", Some("123456"));
    let joins = &cloud.board.tally().joins;
    let counts = ["wrong_pin", "locked_out", "joined"].map(|word| joins.count(word));
    assert_eq!(counts, [3, 1, 2]);
}

#[test]
fn a_cloud_that_is_full_says_so_to_the_new_one_and_disturbs_nobody() {
    let mut cloud = Cloud::new();
    cloud.board.meetings = conclave_meeting::Meetings::with_limits(conclave_meeting::Limits {
        meetings: 10,
        participants: 2,
    });
    cloud.vmr("4711", None, 10);
    let rooms: Vec<LinkId> = (1..=3).map(|n| cloud.room(n, &format!("Room {n}")).0).collect();
    cloud.joined(rooms[0], "4711", None);
    cloud.joined(rooms[1], "4711", None);
    let join = RoomRequest::Join(Join {
        number: "4711".parse().unwrap(),
        pin: None,
        profiles: SrtpProfile::PREFERENCE.to_vec(),
        microphone: Switch::On,
        camera: Switch::On,
        lobby: true,
    });
    let (answer, others) = cloud.ask(rooms[2], join);
    assert_eq!(answer, Some(Response::NotJoined(JoinRefusal::Busy)));
    assert!(others.is_empty(), "nobody else hears of it: {others:?}");
    assert_eq!(cloud.board.tally().joins.count("cloud_full"), 1);
}

#[test]
fn an_administrator_ends_one_meeting_and_the_others_go_on() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", None, 10);
    cloud.vmr("4712", None, 10);
    let (a, _) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    let call = cloud.joined(a, "4711", None).call;
    cloud.joined(b, "4712", None);
    let end = |number: &str| ControlRequest::MeetingEnd { number: number.parse().unwrap() };
    let (answer, outputs) = cloud.admin(end("4711"));
    assert!(matches!(answer, ControlAnswer::MeetingEnded { .. }), "{answer:?}");
    let ended = CloudEvent::CallEnded { call, reason: EndReason::Ended };
    assert_eq!(events_to(&outputs, a), [&ended]);
    assert!(events_to(&outputs, b).is_empty());
    assert!(cloud.refused(end("4711")).contains("no meeting is on"));
    assert!(matches!(cloud.notes.last(), Some(CallNote::Ended { why: LeftWhy::Closed, .. })));
    cloud.joined(a, "4711", None);
}

#[test]
fn a_part_that_breaks_is_counted_and_stands_with_its_call_whatever_it_is_called() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", None, 10);
    let (link, _) = cloud.room(1, "A");
    let broken = |part: &str| Input::Event {
        link,
        event: RoomEvent::Health { part: part.into(), working: false, detail: "x".into() },
    };
    cloud.give(broken("camera"));
    let call = cloud.joined(link, "4711", None).call;
    cloud.give(broken("flux \"compensator\"\n"));
    let parts = &cloud.board.tally().parts_broken;
    assert_eq!((parts.count("camera"), parts.count("other")), (1, 1));
    assert_eq!(cloud.notes.last(), Some(&CallNote::PartBroke { call, part: "other" }));
}

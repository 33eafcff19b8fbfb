//! Both ends against each other, in virtual time, over a pipe that delays, cuts into pieces and
//! breaks. Every random choice comes from a seed that a failure prints.

use super::*;
use crate::envelope::{Envelope, FromCloud, FromRoom, encode};
use crate::message::{Refusal, RoomIdentity, Welcome};
use crate::reason::CloseReason;
use conclave_types::{CallId, RoomId, Time};
use std::collections::{BTreeMap, VecDeque};

pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn hello() -> Hello {
    Hello {
        versions: (1, 1),
        software: "test".to_owned(),
        serial: "A7".to_owned(),
        calls: Vec::new(),
    }
}

pub(crate) fn welcome() -> Greeting {
    let room = RoomIdentity { room: RoomId::from_random(1), name: "Ada".parse().unwrap() };
    Greeting::Welcome(Box::new(Welcome {
        version: 0,
        room,
        directory: vec![],
        calls: vec![],
        waiting: vec![],
    }))
}

fn newcomer() -> Greeting {
    Greeting::Newcomer { code: "7KQ2-9FXM".parse().unwrap(), expires_in_s: 900 }
}

fn leave(number: u64) -> RoomRequest {
    RoomRequest::Leave { call: CallId::from_random(u128::from(number)) }
}

fn health(number: usize) -> RoomEvent {
    RoomEvent::Health { part: number.to_string(), working: true, detail: String::new() }
}

fn ended(number: u64) -> CloudEvent {
    let call = CallId::from_random(u128::from(number));
    CloudEvent::CallEnded { call, reason: crate::message::EndReason::Ended }
}

/// One direction: pieces in order, each with the time of its arrival.
#[derive(Default)]
struct Pipe {
    pieces: VecDeque<(Time, Vec<u8>)>,
    arrives: Time,
}

impl Pipe {
    fn write(&mut self, now: Time, mut octets: &[u8], chance: &mut Chance) {
        while !octets.is_empty() {
            let length = (1 + chance.below(40) as usize).min(octets.len());
            let (piece, rest) = octets.split_at(length);
            self.arrives = self.arrives.max(now + ms(chance.below(80)));
            self.pieces.push_back((self.arrives, piece.to_vec()));
            octets = rest;
        }
    }

    fn read(&mut self, now: Time) -> Option<Vec<u8>> {
        let due = self.pieces.front().is_some_and(|(at, _)| *at <= now);
        due.then(|| self.pieces.pop_front().map(|(_, piece)| piece)).flatten()
    }
}

/// Both ends and what came out of them.
struct World {
    now: Time,
    chance: Chance,
    room: RoomSession,
    cloud: CloudSession,
    up: Pipe,
    down: Pipe,
    /// The connection is broken from here on.
    cut: bool,
    at_room: Vec<Output<Cloud>>,
    at_cloud: Vec<Output<Room>>,
    log: Vec<String>,
}

impl World {
    fn new(seed: u64) -> World {
        let now = Time::from_micros(1);
        World {
            now,
            chance: Chance(seed | 1),
            room: RoomSession::new(now, hello()),
            cloud: CloudSession::new(now),
            up: Pipe::default(),
            down: Pipe::default(),
            cut: false,
            at_room: Vec::new(),
            at_cloud: Vec::new(),
            log: vec![format!("seed {seed}")],
        }
    }

    fn greeted(seed: u64, greeting: Greeting) -> World {
        let mut world = World::new(seed);
        world.run(ms(2000));
        assert!(matches!(world.at_cloud[..], [Output::Opened(_)]), "{:?}", world.at_cloud);
        world.cloud.handle(world.now, CloudInput::Greet(greeting));
        world.run(ms(2000));
        assert!(matches!(world.at_room[..], [Output::Opened(_)]), "{:?}", world.at_room);
        world.at_room.clear();
        world.at_cloud.clear();
        world
    }

    fn drain(&mut self) {
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Write(frame) if !self.cut => {
                    self.up.write(self.now, frame.expose(), &mut self.chance);
                }
                Output::Write(_) => {}
                other => {
                    self.log.push(format!("{:?} room {other:?}", self.now));
                    self.at_room.push(other);
                }
            }
        }
        while let Some(output) = self.cloud.poll_output() {
            match output {
                Output::Write(frame) if !self.cut => {
                    self.down.write(self.now, frame.expose(), &mut self.chance);
                }
                Output::Write(_) => {}
                other => {
                    self.log.push(format!("{:?} cloud {other:?}", self.now));
                    self.at_cloud.push(other);
                }
            }
        }
    }

    /// Jumps from event to event for this long.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.drain();
            let pieces = [self.up.pieces.front(), self.down.pieces.front()];
            let arrivals = pieces.into_iter().flatten().map(|(at, _)| *at);
            let deadlines = [self.room.deadline(), self.cloud.deadline()].into_iter().flatten();
            match arrivals.chain(deadlines).min() {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => {
                    self.now = end;
                    return;
                }
            }
            while let Some(piece) = self.up.read(self.now) {
                self.cloud.handle(self.now, CloudInput::Received(&piece));
            }
            while let Some(piece) = self.down.read(self.now) {
                self.room.handle(self.now, RoomInput::Received(&piece));
            }
            self.room.handle(self.now, RoomInput::Tick);
            self.cloud.handle(self.now, CloudInput::Tick);
        }
    }

    fn cut(&mut self) {
        self.cut = true;
        self.up.pieces.clear();
        self.down.pieces.clear();
    }

    fn tell_cloud(&mut self, json: &str) {
        let frame = crate::frame::encode(json.as_bytes()).unwrap();
        self.cloud.handle(self.now, CloudInput::Received(frame.expose()));
        self.drain();
    }

    fn tell_room(&mut self, json: &str) {
        let frame = crate::frame::encode(json.as_bytes()).unwrap();
        self.room.handle(self.now, RoomInput::Received(frame.expose()));
        self.drain();
    }
}

#[test]
fn a_request_is_answered_once_and_events_keep_their_order() {
    let mut world = World::greeted(1, welcome());
    for id in 0..5 {
        let request = leave(id);
        world.room.handle(world.now, RoomInput::Request { id: RequestId(id), request });
        world.room.handle(world.now, RoomInput::Event(health(id as usize)));
        world.cloud.handle(world.now, CloudInput::Event(ended(id)));
    }
    world.run(ms(3000));
    let asked: Vec<_> = world.at_cloud.drain(..).collect();
    let events: Vec<_> = asked.iter().filter(|o| matches!(o, Output::Event(_))).collect();
    assert_eq!(
        events,
        (0..5).map(|n| Output::Event(health(n))).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    let told: Vec<_> = world.at_room.drain(..).collect();
    assert_eq!(told, (0..5).map(|n| Output::Event(ended(n))).collect::<Vec<_>>());
    for output in asked {
        if let Output::Request { id, .. } = output {
            for _ in 0..2 {
                let response = Response::Done;
                world.cloud.handle(world.now, CloudInput::Respond { id, response });
            }
        }
    }
    world.run(ms(3000));
    let answered = |id| Output::Answered { id: RequestId(id), result: Ok(Response::Done) };
    assert_eq!(world.at_room, (0..5).map(answered).collect::<Vec<_>>());
}

#[test]
fn a_request_without_answer_fails_in_time_and_a_late_answer_is_skipped() {
    let mut world = World::greeted(2, welcome());
    let id = RequestId(9);
    world.room.handle(world.now, RoomInput::Request { id, request: leave(1) });
    world.run(ANSWER_WAIT);
    let result = Err(RequestFailure::TimedOut);
    assert_eq!(world.at_room, [Output::Answered { id, result }]);
    world.cloud.handle(world.now, CloudInput::Respond { id, response: Response::Done });
    world.run(ms(1000));
    assert_eq!((world.at_room.len(), world.room.skipped()), (1, 1));
}

#[test]
fn an_idle_link_lives_on_pings() {
    let mut world = World::greeted(3, welcome());
    world.run(Duration::from_secs(3600));
    assert_eq!((world.at_room, world.at_cloud), (vec![], vec![]));
}

#[test]
fn both_ends_notice_a_silent_cut() {
    let mut world = World::greeted(4, welcome());
    let id = RequestId(1);
    world.run(Duration::from_secs(60));
    world.cut();
    world.run(ROOM_IDLE - ANSWER_WAIT);
    world.room.handle(world.now, RoomInput::Request { id, request: leave(1) });
    world.run(CLOUD_IDLE + PONG_WAIT * 2);
    let result = Err(RequestFailure::TimedOut);
    assert_eq!(
        world.at_room,
        [Output::Answered { id, result }, Output::Closed(CloseReason::Silent)]
    );
    assert_eq!(world.at_cloud, [Output::Closed(CloseReason::Silent)]);
    assert_eq!(world.room.deadline(), None);
}

#[test]
fn requests_fail_when_the_connection_breaks() {
    let mut world = World::greeted(5, welcome());
    let ids = [RequestId(1), RequestId(2)];
    for id in ids {
        world.room.handle(world.now, RoomInput::Request { id, request: leave(1) });
    }
    let detail = "reset".to_owned();
    world.room.handle(world.now, RoomInput::Ended { detail: detail.clone() });
    world.room.handle(world.now, RoomInput::Request { id: RequestId(3), request: leave(1) });
    world.drain();
    let lost = |id| Output::Answered { id, result: Err(RequestFailure::LinkLost) };
    let late = Output::Answered { id: RequestId(3), result: Err(RequestFailure::NotLinked) };
    let closed = Output::Closed(CloseReason::Cut { detail });
    assert_eq!(world.at_room, [lost(ids[0]), lost(ids[1]), closed, late]);
}

#[test]
fn more_requests_than_can_wait_fail_at_once() {
    let mut world = World::greeted(6, welcome());
    for id in 0..=MOST_WAITING as u64 {
        world.room.handle(world.now, RoomInput::Request { id: RequestId(id), request: leave(1) });
    }
    world.drain();
    let id = RequestId(MOST_WAITING as u64);
    assert_eq!(world.at_room, [Output::Answered { id, result: Err(RequestFailure::TooMany) }]);
}

#[test]
fn a_frame_that_trickles_is_cut_as_silence() {
    let mut session = CloudSession::new(Time::ZERO);
    let hello: Envelope<Hello, RoomRequest, RoomEvent> = Envelope::Opening(hello());
    let hello = encode(&hello).unwrap();
    session.handle(Time::ZERO, CloudInput::Received(hello.expose()));
    session.handle(Time::ZERO, CloudInput::Greet(welcome()));
    // An octet a second of a frame that would take a day.
    let mut now = Time::ZERO;
    for octet in [0, 1, 0, 0].into_iter().chain([b' '; 86_400]) {
        now = now + Duration::from_secs(1);
        session.handle(now, CloudInput::Received(&[octet]));
        session.handle(now, CloudInput::Tick);
        while let Some(output) = session.poll_output() {
            if let Output::Closed(reason) = output {
                assert_eq!(reason, CloseReason::Silent);
                let limit = CLOUD_IDLE + PONG_WAIT * (PINGS_UNANSWERED + 1);
                assert!(now.since(Time::ZERO) <= limit, "{now:?}");
                return;
            }
        }
    }
    panic!("nobody stopped it");
}

#[test]
fn a_hello_must_come_in_time() {
    let start = Time::from_micros(5);
    let mut cloud = CloudSession::new(start);
    cloud.handle(start, CloudInput::Received(&[0, 0, 0, 50, b'{']));
    assert_eq!(cloud.deadline(), Some(start + HELLO_WAIT));
    cloud.handle(start + HELLO_WAIT, CloudInput::Tick);
    let outputs: Vec<_> = std::iter::from_fn(|| cloud.poll_output()).collect();
    assert_eq!(outputs.last(), Some(&Output::Closed(CloseReason::HelloLate)));
}

#[test]
fn a_greeting_must_come_in_time() {
    let mut world = World::new(7);
    world.run(GREETING_WAIT);
    assert_eq!(world.at_room, [Output::Closed(CloseReason::GreetingLate)]);
}

#[test]
fn a_room_without_a_common_version_is_told_so() {
    for versions in [(2, 9), (0, 0)] {
        let mut world = World::new(8);
        world.room = RoomSession::new(world.now, Hello { versions, ..hello() });
        world.run(ms(3000));
        assert!(matches!(
            world.at_room[..],
            [
                Output::Opened(Greeting::Refused { reason: Refusal::Version, .. }),
                Output::Closed(CloseReason::Refused(Refusal::Version))
            ]
        ));
        assert_eq!(world.at_cloud, [Output::Closed(CloseReason::Refused(Refusal::Version))]);
    }
}

#[test]
fn the_highest_common_version_is_spoken() {
    let mut world = World::new(9);
    world.room = RoomSession::new(world.now, Hello { versions: (0, 7), ..hello() });
    world.run(ms(2000));
    world.cloud.handle(world.now, CloudInput::Greet(welcome()));
    world.run(ms(2000));
    let Some(Output::Opened(Greeting::Welcome(welcome))) = world.at_room.first() else {
        panic!("{:?}", world.at_room)
    };
    assert_eq!(welcome.version, 1);
}

#[test]
fn a_version_that_was_not_offered_closes_the_link() {
    let mut world = World::new(10);
    let Greeting::Welcome(mut chosen) = welcome() else { unreachable!() };
    chosen.version = 2;
    let envelope: FromCloud = Envelope::Opening(Greeting::Welcome(chosen));
    let frame = encode(&envelope).unwrap();
    world.room.handle(world.now, RoomInput::Received(frame.expose()));
    world.drain();
    assert_eq!(world.at_room, [Output::Closed(CloseReason::Version { chosen: 2 })]);
}

#[test]
fn a_newcomer_may_only_wait() {
    let mut world = World::greeted(11, newcomer());
    let id = RequestId(1);
    world.room.handle(world.now, RoomInput::Request { id, request: leave(1) });
    world.room.handle(world.now, RoomInput::Event(health(1)));
    world.run(Duration::from_secs(60));
    let result = Err(RequestFailure::NotLinked);
    assert_eq!(world.at_room, [Output::Answered { id, result }]);
    assert_eq!(world.at_cloud, []);
    for json in [
        r#"{"request":1,"kind":"renew_certificate"}"#,
        r#"{"request":1,"kind":"of a newer room"}"#,
        r#"{"event":{"kind":"health","body":{"part":"x","working":true,"detail":""}}}"#,
    ] {
        let mut world = World::greeted(12, newcomer());
        world.tell_cloud(json);
        assert!(
            matches!(world.at_cloud[..], [Output::Closed(CloseReason::Unexpected { .. })]),
            "{json}: {:?}",
            world.at_cloud
        );
    }
}

#[test]
fn nothing_but_a_hello_comes_first() {
    for json in [r#"{"request":1,"kind":"renew_certificate"}"#, r#"{"request":1,"kind":"new"}"#] {
        let mut world = World::new(13);
        world.tell_cloud(json);
        assert!(matches!(world.at_cloud[..], [Output::Closed(CloseReason::Unexpected { .. })]));
        let mut world = World::new(13);
        world.tell_room(&json.replace("renew_certificate", "ping"));
        assert!(matches!(world.at_room[..], [Output::Closed(CloseReason::Unexpected { .. })]));
    }
}

#[test]
fn the_other_end_hears_why_a_link_was_closed() {
    let mut world = World::greeted(14, welcome());
    world.room.handle(world.now, RoomInput::Received(b"\0\0\0\x02{}"));
    world.run(ms(1000));
    assert!(matches!(world.at_room[..], [Output::Closed(CloseReason::Envelope(_))]));
    let reason = "a frame is not a message of the link".to_owned();
    assert_eq!(world.at_cloud, [Output::Closed(CloseReason::ByPeer { reason })]);
}

#[test]
fn kinds_of_a_newer_peer_do_no_harm() {
    let mut world = World::greeted(15, welcome());
    let id = RequestId(3);
    world.room.handle(world.now, RoomInput::Request { id, request: leave(1) });
    world.tell_room(r#"{"event":{"kind":"hologram","body":{"x":1}}}"#);
    world.tell_room(r#"{"response":3,"kind":"queued"}"#);
    world.tell_room(r#"{"request":8,"kind":"reboot","body":{}}"#);
    assert_eq!(world.room.skipped(), 1);
    let result = Err(RequestFailure::UnknownResponse);
    assert_eq!(world.at_room, [Output::Answered { id, result }]);
    let unsupported: FromRoom =
        Envelope::Response { id: RequestId(8), response: Response::Unsupported };
    let written: Vec<u8> = world.up.pieces.iter().flat_map(|(_, piece)| piece.clone()).collect();
    assert!(written.ends_with(encode(&unsupported).unwrap().expose()));
    world.run(ms(1000));
    assert_eq!(world.at_cloud.len(), 1, "only the leave: {:?}", world.at_cloud);
}

#[test]
fn an_id_may_not_be_used_again_before_its_answer() {
    let mut world = World::greeted(16, welcome());
    world.tell_cloud(r#"{"request":1,"kind":"renew_certificate"}"#);
    world.tell_cloud(r#"{"request":1,"kind":"renew_certificate"}"#);
    assert!(matches!(
        world.at_cloud[..],
        [Output::Request { .. }, Output::Closed(CloseReason::Unexpected { .. })]
    ));
}

#[test]
fn a_room_that_asks_without_end_or_floods_is_closed() {
    let mut world = World::greeted(17, welcome());
    for id in 0..=MOST_OWED {
        world.tell_cloud(&format!(r#"{{"request":{id},"kind":"renew_certificate"}}"#));
    }
    assert_eq!(world.at_cloud.last(), Some(&Output::Closed(CloseReason::TooManyRequests)));

    let mut world = World::greeted(18, welcome());
    for _ in 0..FRAMES_AT_ONCE {
        world.tell_cloud(r#"{"pong":1}"#);
    }
    assert_eq!(world.at_cloud, []);
    for _ in 0..20 {
        world.tell_cloud(r#"{"pong":1}"#);
    }
    assert_eq!(world.at_cloud, [Output::Closed(CloseReason::Flood)]);
}

#[test]
fn a_steady_room_below_the_limit_is_never_taken_for_a_flood() {
    let mut world = World::greeted(19, welcome());
    for _ in 0..2000 {
        world.now = world.now + Duration::from_secs(1) / FRAMES_PER_SECOND;
        world.tell_cloud(r#"{"pong":1}"#);
    }
    assert_eq!(world.at_cloud, []);
}

#[test]
fn an_answer_too_long_for_a_frame_becomes_a_failure() {
    let mut world = World::greeted(20, welcome());
    let id = RequestId(1);
    world.room.handle(world.now, RoomInput::Request { id, request: leave(1) });
    world.run(ms(1000));
    let response = Response::Failed { reason: "x".repeat(100_000) };
    world.cloud.handle(world.now, CloudInput::Respond { id, response });
    world.cloud.handle(world.now, CloudInput::Event(CloudEvent::Directory(long_directory())));
    world.run(ms(1000));
    let reason = "the message does not fit in a frame".to_owned();
    let result = Ok(Response::Failed { reason });
    assert_eq!(world.at_room, [Output::Answered { id, result }]);
    assert_eq!(world.cloud.unsendable(), 1);
}

fn long_directory() -> Vec<crate::message::DirectoryEntry> {
    let entry = crate::message::DirectoryEntry {
        number: "4711".parse().unwrap(),
        name: "x".repeat(80).parse().unwrap(),
        pin: true,
    };
    vec![entry; 1000]
}

#[test]
fn words_of_a_hello_are_cleaned_and_cut() {
    let mut world = World::new(21);
    let software = format!("evil\x1b[31m\n{}", "x".repeat(500));
    world.room = RoomSession::new(world.now, Hello { software, ..hello() });
    world.run(ms(10_000));
    let Some(Output::Opened(hello)) = world.at_cloud.first() else {
        panic!("{:?}", world.at_cloud)
    };
    assert!(hello.software.starts_with("evil[31mxxx") && hello.software.len() == 100);
}

#[test]
fn a_stream_cut_at_any_octet_leaves_no_half_message() {
    let mut frames = Vec::new();
    let mut ends = Vec::new();
    let hello: FromRoom = Envelope::Opening(hello());
    frames.extend_from_slice(encode(&hello).unwrap().expose());
    ends.push(frames.len());
    for number in 0..3 {
        let event: FromRoom = Envelope::Event(health(number));
        frames.extend_from_slice(encode(&event).unwrap().expose());
        ends.push(frames.len());
    }
    for end in 0..=frames.len() {
        let mut cloud = CloudSession::new(Time::ZERO);
        let (hello_part, rest) = frames[..end].split_at(end.min(ends[0]));
        cloud.handle(Time::ZERO, CloudInput::Received(hello_part));
        cloud.handle(Time::ZERO, CloudInput::Greet(welcome()));
        cloud.handle(Time::ZERO, CloudInput::Received(rest));
        let between = cloud.is_between_frames();
        cloud.handle(Time::ZERO, CloudInput::Ended { detail: String::new() });
        let outputs: Vec<_> = std::iter::from_fn(|| cloud.poll_output())
            .filter(|output| !matches!(output, Output::Write(_)))
            .collect();
        let whole = ends.iter().filter(|at| **at <= end).count();
        assert_eq!(outputs.len(), whole + 1, "cut after {end}");
        assert_eq!(between, end == 0 || ends.contains(&end), "cut after {end}");
    }
}

/// Many links with everything at random: what was asked is answered once or fails once, whatever
/// happens, and what arrives was sent, in order, once.
#[test]
fn whatever_happens_requests_end_once_and_nothing_is_doubled_or_swapped() {
    for seed in 1..200 {
        let mut world = World::greeted(seed, welcome());
        let mut asked = 0;
        let mut told = 0;
        let mut owed: VecDeque<RequestId> = VecDeque::new();
        let mut seen_at_cloud = 0;
        for _ in 0..120 {
            match world.chance.below(10) {
                0..3 => {
                    let id = RequestId(asked);
                    world.room.handle(world.now, RoomInput::Request { id, request: leave(asked) });
                    asked += 1;
                }
                3..5 => {
                    world.cloud.handle(world.now, CloudInput::Event(ended(told)));
                    told += 1;
                }
                5..8 => {
                    if let Some(id) = owed.pop_front() {
                        let response = Response::Failed { reason: id.to_string() };
                        world.cloud.handle(world.now, CloudInput::Respond { id, response });
                    }
                }
                8 => {
                    if world.chance.below(40) == 0 {
                        world.cut();
                    }
                }
                _ => {
                    let span = ms(world.chance.below(4000));
                    world.run(span);
                }
            }
            world.drain();
            for output in &world.at_cloud[seen_at_cloud..] {
                if let Output::Request { id, .. } = output {
                    owed.push_back(*id);
                }
            }
            seen_at_cloud = world.at_cloud.len();
        }
        world.run(Duration::from_secs(120));
        let detail = String::new();
        world.room.handle(world.now, RoomInput::Ended { detail });
        world.drain();
        judge(&world, asked, told);
    }
}

fn judge(world: &World, asked: u64, told: u64) {
    let log = || world.log.join("\n");
    let mut answers = BTreeMap::new();
    let mut events = Vec::new();
    for output in &world.at_room {
        match output {
            Output::Answered { id, result } => {
                assert!(answers.insert(*id, result).is_none(), "{id} twice\n{}", log());
                if let Ok(Response::Failed { reason }) = result {
                    assert_eq!(*reason, id.to_string(), "another's answer\n{}", log());
                }
            }
            Output::Event(event) => events.push(event),
            _ => {}
        }
    }
    assert_eq!(answers.len() as u64, asked, "a request without an end\n{}", log());
    let sent: Vec<_> = (0..told).map(ended).collect();
    assert!(events.iter().copied().eq(sent[..events.len()].iter()), "{}", log());
    let requests: Vec<_> = world
        .at_cloud
        .iter()
        .filter_map(|output| match output {
            Output::Request { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    assert!(requests.is_sorted(), "out of order\n{}", log());
    assert!(requests.windows(2).all(|pair| pair[0] != pair[1]), "doubled\n{}", log());
    let closed = world.at_room.iter().filter(|o| matches!(o, Output::Closed(_))).count();
    assert_eq!(closed, 1, "{}", log());
}

#[test]
fn random_inputs_in_any_order_never_panic_and_end_once() {
    for seed in 1..400_u64 {
        let mut chance = Chance(seed);
        let mut now = Time::ZERO;
        let mut room = RoomSession::new(now, hello());
        let mut cloud = CloudSession::new(now);
        let mut closed = (0, 0);
        for step in 0..150 {
            now = now + ms(chance.below(3000));
            let id = RequestId(chance.below(40));
            let mut bytes: Vec<u8> = Vec::new();
            match chance.below(6) {
                0 => bytes.extend((0..chance.below(20)).map(|_| chance.0 as u8)),
                1 => bytes.extend(
                    encode::<Greeting, CloudRequest, CloudEvent>(&Envelope::Opening(welcome()))
                        .unwrap()
                        .expose(),
                ),
                2 => bytes.extend(
                    encode::<Hello, RoomRequest, RoomEvent>(&Envelope::Opening(hello()))
                        .unwrap()
                        .expose(),
                ),
                3 => bytes.extend(
                    encode::<Hello, RoomRequest, RoomEvent>(&Envelope::Request {
                        id,
                        request: leave(1),
                    })
                    .unwrap()
                    .expose(),
                ),
                4 => bytes.extend(
                    encode::<Hello, RoomRequest, RoomEvent>(&Envelope::Response {
                        id,
                        response: Response::Done,
                    })
                    .unwrap()
                    .expose(),
                ),
                _ => bytes.extend(
                    encode::<Hello, RoomRequest, RoomEvent>(&Envelope::Ping(1)).unwrap().expose(),
                ),
            }
            let room_input = match chance.below(8) {
                0..3 => RoomInput::Received(&bytes),
                3 => RoomInput::Request { id: RequestId(1000 + step), request: leave(2) },
                4 => RoomInput::Respond { id, response: Response::Done },
                5 => RoomInput::Event(health(1)),
                6 if chance.below(20) == 0 => RoomInput::Close { reason: "x".to_owned() },
                _ => RoomInput::Tick,
            };
            room.handle(now, room_input);
            let cloud_input = match chance.below(9) {
                0..3 => CloudInput::Received(&bytes),
                3 => {
                    CloudInput::Request { id: RequestId(2000 + step), request: CloudRequest::Ping }
                }
                4 => CloudInput::Respond { id, response: Response::Done },
                5 => CloudInput::Event(ended(1)),
                6 => CloudInput::Greet(if chance.below(2) == 0 { welcome() } else { newcomer() }),
                7 if chance.below(20) == 0 => CloudInput::Close(CloseReason::SlowReader),
                _ => CloudInput::Tick,
            };
            cloud.handle(now, cloud_input);
            closed.0 += std::iter::from_fn(|| room.poll_output())
                .filter(|o| matches!(o, Output::Closed(_)))
                .count();
            closed.1 += std::iter::from_fn(|| cloud.poll_output())
                .filter(|o| matches!(o, Output::Closed(_)))
                .count();
            assert!(closed.0 <= 1 && closed.1 <= 1, "seed {seed}: closed twice");
            let deadlines = [room.deadline(), cloud.deadline()];
            assert_eq!(deadlines[0].is_none(), closed.0 == 1, "seed {seed}");
            assert_eq!(deadlines[1].is_none(), closed.1 == 1, "seed {seed}");
        }
    }
}

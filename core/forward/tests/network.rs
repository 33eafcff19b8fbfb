//! Rooms and the forwarder in virtual time, with a seeded network between them that loses, delays,
//! reorders and doubles packets. A failure names its seed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_forward::{Forwarder, Input, Outgoing, Output};
use conclave_rtp::history::History;
use conclave_rtp::loss::{Arrival, Patience, Tracker};
use conclave_rtp::rtcp::{self, Packet as Rtcp, ReportBlock, SenderReport};
use conclave_rtp::{AudioLevel, Draft, Packet};
use conclave_types::{
    AUDIO_LEVEL_EXTENSION, AUDIO_PAYLOAD_TYPE, ParticipantId, Ssrc, Time, VIDEO_PAYLOAD_TYPE,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

/// SplitMix64: enough for a network, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

struct Room {
    id: ParticipantId,
    audio: Ssrc,
    video: Ssrc,
    open: bool,
    /// Its cable is pulled: it neither sends nor receives.
    unplugged: bool,
    /// 0 to 127; `None` sends no audio.
    loudness: Option<u8>,
    sequences: [u16; 2],
    history: [History<Vec<u8>>; 2],
    sent: [u32; 2],
    trackers: HashMap<Ssrc, Tracker>,
    /// What came of each source: number at the receiver, then the packet's own mark.
    got: HashMap<Ssrc, BTreeMap<u64, u32>>,
    counts_seen: HashMap<Ssrc, u32>,
    keyframes_asked: Vec<Time>,
    goodbyes: Vec<Ssrc>,
    reports: Vec<ReportBlock>,
    next_frame: Time,
    next_speech: Time,
    next_report: Time,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Travelling {
    Up(usize, Vec<u8>),
    Down(usize, Vec<u8>),
}

struct World {
    chance: Chance,
    loss_percent: u64,
    now: Time,
    forwarder: Forwarder,
    rooms: Vec<Room>,
    wire: BinaryHeap<Reverse<(Time, u64, Travelling)>>,
    serial: u64,
    speaking: Vec<(Time, Option<usize>)>,
    flow: Vec<(usize, bool)>,
    bursts: Vec<usize>,
    /// Rooms send no more pictures and speech from here on.
    stops: Time,
    /// Delays differ by this much.
    jitter_us: u64,
}

impl World {
    fn new(seed: u64, loss_percent: u64) -> World {
        World {
            chance: Chance(seed),
            loss_percent,
            now: Time::from_micros(1_000_000),
            forwarder: Forwarder::new(Ssrc(1)),
            rooms: Vec::new(),
            wire: BinaryHeap::new(),
            serial: 0,
            speaking: Vec::new(),
            flow: Vec::new(),
            bursts: Vec::new(),
            stops: Time::from_micros(u64::MAX),
            jitter_us: 15_000,
        }
    }

    fn enter(&mut self, loudness: Option<u8>) -> usize {
        let n = self.rooms.len();
        let (audio, video) = (Ssrc(1000 + 2 * n as u32), Ssrc(1001 + 2 * n as u32));
        let id = ParticipantId::from_random(77 + n as u128);
        self.forwarder.may_open(id, audio, video).unwrap();
        self.feed(Input::Opened { participant: id, audio, video });
        let starts = [self.chance.below(1 << 15) as u16, self.chance.below(1 << 15) as u16];
        self.rooms.push(Room {
            id,
            audio,
            video,
            open: true,
            unplugged: false,
            loudness,
            sequences: starts,
            history: [(); 2].map(|()| History::new(1024, ms(2000), ms(10))),
            sent: [0; 2],
            trackers: HashMap::new(),
            got: HashMap::new(),
            counts_seen: HashMap::new(),
            keyframes_asked: Vec::new(),
            goodbyes: Vec::new(),
            reports: Vec::new(),
            next_frame: self.now,
            next_speech: self.now,
            next_report: self.now,
        });
        n
    }

    fn leave(&mut self, n: usize) {
        self.rooms[n].open = false;
        let participant = self.rooms[n].id;
        self.feed(Input::Closed { participant });
        self.drain();
    }

    fn feed(&mut self, input: Input) {
        self.forwarder.handle(self.now, input);
    }

    fn room_of(&self, id: ParticipantId) -> usize {
        self.rooms.iter().position(|room| room.id == id).unwrap()
    }

    fn drain(&mut self) {
        while let Some(output) = self.forwarder.poll_output() {
            match output {
                Output::Send { to, packets } => {
                    let to = self.room_of(to);
                    assert!(self.rooms[to].open, "a closed leg gets nothing");
                    assert!(!packets.is_empty());
                    self.bursts.push(packets.len());
                    for packet in packets {
                        let bytes = match packet {
                            Outgoing::Rtp(packet) => {
                                let mut bytes = vec![9; 9];
                                packet.write(&mut bytes);
                                bytes
                            }
                            Outgoing::Rtcp(bytes) => bytes,
                        };
                        self.travel(Travelling::Down(to, bytes));
                    }
                }
                Output::Speaking { participant } => {
                    let who = participant.map(|id| self.room_of(id));
                    self.speaking.push((self.now, who));
                }
                Output::Silent { participant } => {
                    self.flow.push((self.room_of(participant), false));
                }
                Output::Flowing { participant } => {
                    self.flow.push((self.room_of(participant), true));
                }
            }
        }
    }

    fn travel(&mut self, what: Travelling) {
        let copies = match () {
            () if self.chance.percent(self.loss_percent) => 0,
            () if self.loss_percent > 0 && self.chance.percent(1) => 2,
            () => 1,
        };
        for _ in 0..copies {
            let delay = Duration::from_micros(5_000 + self.chance.below(self.jitter_us));
            self.serial += 1;
            let copy = match &what {
                Travelling::Up(n, bytes) => Travelling::Up(*n, bytes.clone()),
                Travelling::Down(n, bytes) => Travelling::Down(*n, bytes.clone()),
            };
            self.wire.push(Reverse((self.now + delay, self.serial, copy)));
        }
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let rooms = self.rooms.iter().filter(|room| room.plugged());
            let rooms = rooms.flat_map(|room| {
                let trackers = room.trackers.values().filter_map(Tracker::deadline).min();
                [Some(room.next_frame), Some(room.next_speech), Some(room.next_report), trackers]
            });
            let wire = self.wire.peek().map(|Reverse((time, ..))| *time);
            let next = rooms.chain([wire, self.forwarder.deadline()]).flatten().min().unwrap();
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            while self.wire.peek().is_some_and(|Reverse((time, ..))| *time <= self.now) {
                match self.wire.pop().unwrap().0.2 {
                    Travelling::Up(n, packet) if self.rooms[n].open => {
                        let from = self.rooms[n].id;
                        let rtcp = (192..=223).contains(&packet[1]);
                        self.feed(match rtcp {
                            true => Input::Rtcp { from, packet },
                            false => Input::Rtp { from, packet },
                        });
                    }
                    Travelling::Down(n, packet) if self.rooms[n].plugged() => {
                        self.arrive(n, &packet)
                    }
                    _ => {}
                }
            }
            self.feed(Input::TimePassed);
            for n in 0..self.rooms.len() {
                if self.rooms[n].plugged() {
                    self.act(n);
                }
            }
            self.drain();
            if let Some(deadline) = self.forwarder.deadline() {
                assert!(deadline > self.now || next < self.now + ms(1), "time must pass");
            }
        }
    }

    /// Lets everything arrive: no more loss, nothing new, every gap filled.
    fn settle(&mut self) {
        self.loss_percent = 0;
        self.run(ms(1_000));
        self.stops = self.now;
        self.run(ms(1_000));
    }

    /// What a room does by itself: pictures, speech, reports, requests.
    fn act(&mut self, n: usize) {
        let (now, stops) = (self.now, self.stops);
        let room = &mut self.rooms[n];
        let mut out = Vec::new();
        if room.next_frame <= now {
            room.next_frame = now + ms(33);
            if now < stops {
                for part in 0..4 {
                    out.push(room.packet(now, 1, part == 3));
                }
            }
        }
        if room.next_speech <= now {
            room.next_speech = now + ms(20);
            if room.loudness.is_some() && now < stops {
                out.push(room.packet(now, 0, false));
            }
        }
        if room.next_report <= now {
            room.next_report = now + ms(1000);
            let blocks = room.trackers.iter_mut();
            let blocks = blocks.filter_map(|(source, t)| t.report(now, *source)).collect();
            out.push(rtcp::write(&[Rtcp::ReceiverReport { sender: room.video, blocks }]));
            for (kind, source) in [room.audio, room.video].into_iter().enumerate() {
                let report = SenderReport {
                    source,
                    ntp: now.as_micros() << 20,
                    timestamp: 0,
                    packets: room.sent[kind],
                    octets: room.sent[kind] * 20,
                    blocks: Vec::new(),
                };
                out.push(rtcp::write(&[Rtcp::SenderReport(report)]));
            }
        }
        let sender = room.video;
        for (source, tracker) in &mut room.trackers {
            while let Some(lost) = tracker.poll_nack(now) {
                out.push(rtcp::write(&[Rtcp::Nack { sender, source: *source, lost }]));
            }
            if tracker.poll_lost(now).is_some() {
                out.push(rtcp::write(&[Rtcp::PictureLoss { sender, source: *source }]));
            }
        }
        for packet in out {
            self.travel(Travelling::Up(n, packet));
        }
    }

    fn arrive(&mut self, n: usize, bytes: &[u8]) {
        let now = self.now;
        let room = &mut self.rooms[n];
        if (192..=223).contains(&bytes[1]) {
            let mut again = Vec::new();
            for packet in rtcp::parse(bytes).unwrap() {
                match packet {
                    Rtcp::Nack { source, lost, .. } => {
                        let kind = usize::from(source == room.video);
                        assert_eq!(source, [room.audio, room.video][kind]);
                        for lost in lost {
                            again.extend(room.history[kind].resend(now, lost).cloned());
                        }
                    }
                    Rtcp::PictureLoss { source, .. } => {
                        assert_eq!(source, room.video);
                        room.keyframes_asked.push(now);
                    }
                    Rtcp::SenderReport(report) => {
                        assert!(report.source != room.audio && report.source != room.video);
                        if let Some(tracker) = room.trackers.get_mut(&report.source) {
                            tracker.sender_report(now, &report);
                        }
                        let seen = room.counts_seen.entry(report.source).or_default();
                        *seen = report.packets.max(*seen);
                    }
                    Rtcp::ReceiverReport { sender, blocks } => {
                        assert_eq!(sender, Ssrc(1));
                        room.reports.extend(blocks);
                    }
                    Rtcp::Goodbye { sources } => room.goodbyes.extend(sources),
                    _ => {}
                }
            }
            for packet in again {
                self.travel(Travelling::Up(n, packet));
            }
            return;
        }
        let packet = Packet::parse(bytes).unwrap();
        let source = packet.source();
        assert!(source != room.audio && source != room.video, "nobody receives themselves");
        let audio = packet.payload_type() == AUDIO_PAYLOAD_TYPE;
        let (clock, patience) =
            if audio { (48_000, Patience::AUDIO) } else { (90_000, Patience::VIDEO) };
        let tracker = room.trackers.entry(source).or_insert(Tracker::new(clock, patience));
        let arrival = tracker.received(now, packet.sequence(), packet.timestamp());
        let number = tracker.extended(packet.sequence());
        let mark = u32::from_be_bytes(packet.payload()[..4].try_into().unwrap());
        let got = room.got.entry(source).or_default();
        if let Some(before) = got.insert(number, mark) {
            assert_eq!(before, mark, "a number stands for one packet only");
        }
        if arrival == Arrival::New {
            let highest = got.last_key_value().unwrap();
            assert_eq!(*highest.0, number);
        }
    }
}

impl Room {
    fn plugged(&self) -> bool {
        self.open && !self.unplugged
    }

    fn packet(&mut self, now: Time, kind: usize, marker: bool) -> Vec<u8> {
        let (hz, payload_type, source) = match kind {
            0 => (48, AUDIO_PAYLOAD_TYPE, self.audio),
            _ => (90, VIDEO_PAYLOAD_TYPE, self.video),
        };
        let level = self.loudness.filter(|_| kind == 0).map(|loudness| {
            (AUDIO_LEVEL_EXTENSION, AudioLevel { voice: false, below_full_db: 127 - loudness })
        });
        let draft = Draft {
            marker,
            payload_type,
            sequence: self.sequences[kind],
            timestamp: (now.as_micros() / 1000 * hz) as u32,
            source,
            audio_level: level,
        };
        let bytes = draft.write(&[&self.sent[kind].to_be_bytes()[..], &[5; 16]].concat());
        self.history[kind].insert(now, self.sequences[kind], bytes.clone());
        self.sequences[kind] = self.sequences[kind].wrapping_add(1);
        self.sent[kind] += 1;
        bytes
    }

    /// What came of a source must be one run of numbers whose packets stand in their order. Of
    /// speech, one packet in 250 may be missing: it is asked for a few times only.
    fn check_order(&self, source: Ssrc, seed: u64) -> Vec<u32> {
        let got = &self.got[&source];
        let marks: Vec<u32> = got.values().copied().collect();
        assert!(marks.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: order");
        let (first, last) = (got.first_key_value().unwrap(), got.last_key_value().unwrap());
        let missing = last.0 - first.0 + 1 - got.len() as u64;
        let forgiven = if source.0.is_multiple_of(2) { got.len() as u64 / 250 } else { 0 };
        assert!(missing <= forgiven, "seed {seed}: {missing} missing of {}", got.len());
        marks
    }
}

#[test]
fn with_five_percent_loss_each_way_everything_arrives_in_the_end() {
    for seed in 1..=6 {
        let mut world = World::new(seed, 5);
        let rooms: Vec<usize> = (0..3).map(|_| world.enter(Some(80))).collect();
        world.run(ms(20_000));
        world.settle();
        let mut packets = 0;
        for receiver in &rooms {
            for source in rooms.iter().filter(|source| *source != receiver) {
                let (audio, video) = (world.rooms[*source].audio, world.rooms[*source].video);
                for (kind, ssrc) in [audio, video].into_iter().enumerate() {
                    let marks = world.rooms[*receiver].check_order(ssrc, seed);
                    // From the first that came on, each of them.
                    let run = marks.last().unwrap() - marks[0] + 1;
                    assert!(marks.len() as u32 + if kind == 0 { 5 } else { 0 } >= run);
                    let sent = world.rooms[*source].sent[kind];
                    assert!(marks[0] < 10 && *marks.last().unwrap() + 10 > sent, "seed {seed}");
                    packets += marks.len();
                    // The report's count is this receiver's, and near what it got.
                    let told = world.rooms[*receiver].counts_seen[&ssrc];
                    assert!(told <= marks.len() as u32 + 5 && told + 200 > marks.len() as u32);
                }
            }
            let leg = world.forwarder.statistics(world.rooms[*receiver].id).unwrap();
            assert!(leg.resent > 0 && leg.refused == 0 && leg.dropped == 0, "{leg:?}");
            assert!(leg.video.late > 0 && leg.video.given_up == 0, "seed {seed}: {leg:?}");
            let round_trip = leg.round_trip.unwrap();
            assert!((ms(9)..ms(45)).contains(&round_trip), "{round_trip:?}");
            let reports = &world.rooms[*receiver].reports;
            assert!(reports.iter().any(|block| block.fraction_lost > 0));
            assert!(reports.len() > 30, "a block for both sources each second");
        }
        assert!(packets > 15_000, "{packets}");
    }
}

#[test]
fn without_loss_nothing_is_asked_for() {
    let mut world = World::new(9, 0);
    // On both ways together less than the wait before a request.
    world.jitter_us = 4_000;
    for _ in 0..4 {
        world.enter(Some(80));
    }
    // In the first moments a packet may overtake the one that made its receiver known.
    world.run(ms(1_000));
    let before: Vec<_> = world.rooms.iter().map(|r| world.forwarder.statistics(r.id)).collect();
    world.run(ms(5_000));
    for (room, before) in world.rooms.iter().zip(before) {
        let leg = world.forwarder.statistics(room.id).unwrap();
        assert_eq!(leg.resent, before.unwrap().resent);
        assert!(leg.video.given_up + leg.audio.given_up == 0);
    }
}

#[test]
fn one_burst_in_is_one_burst_out_per_receiver() {
    let mut world = World::new(3, 0);
    for _ in 0..3 {
        world.enter(Some(80));
    }
    world.run(ms(2_000));
    world.bursts.clear();
    let now = world.now;
    for _ in 0..9 {
        let packet = world.rooms[0].packet(now, 1, false);
        let from = world.rooms[0].id;
        world.feed(Input::Rtp { from, packet });
    }
    world.drain();
    assert_eq!(world.bursts, [9, 9]);
}

#[test]
fn of_many_voices_three_are_heard_without_gaps_when_they_change() {
    for seed in 1..=4 {
        let mut world = World::new(seed, 3);
        for n in 0..6 {
            world.enter(Some(20 + n));
        }
        let ears = world.enter(None);
        // Everyone speaks in turn, twice.
        for turn in 0..12 {
            for n in 0..6 {
                world.rooms[n].loudness = Some(if n == turn % 6 { 100 } else { 20 });
            }
            world.run(ms(2_500));
        }
        world.settle();
        let mut heard = 0;
        for n in 0..6 {
            let marks = world.rooms[ears].check_order(world.rooms[n].audio, seed);
            assert!((marks.len() as u32) < world.rooms[n].sent[0]);
            heard += marks.len();
        }
        // Three voices of 50 packets a second, for 31 s.
        assert!((4400..=4900).contains(&heard), "seed {seed}: {heard}");
        let shown: Vec<usize> = world.speaking.iter().filter_map(|(_, who)| *who).collect();
        assert_eq!(shown, (0..12).map(|turn| turn % 6).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn a_newcomer_gets_a_keyframe_and_requests_share_one() {
    let mut world = World::new(5, 0);
    for _ in 0..5 {
        world.enter(Some(50));
        world.run(ms(1_000));
    }
    for n in 0..4 {
        assert!(!world.rooms[n].keyframes_asked.is_empty(), "room {n}");
        world.rooms[n].keyframes_asked.clear();
    }
    // Four receivers ask for room 0's picture, again and again, in both ways of asking.
    let (video, begin) = (world.rooms[0].video, world.now);
    for round in 0..40 {
        for n in 1..5 {
            let (from, sender) = (world.rooms[n].id, world.rooms[n].video);
            let ask = match round % 2 {
                0 => Rtcp::PictureLoss { sender, source: video },
                _ => Rtcp::FullIntra { sender, requests: vec![(video, round as u8)] },
            };
            world.feed(Input::Rtcp { from, packet: rtcp::write(&[ask]) });
        }
        world.run(ms(50));
    }
    let asked = world.rooms[0].keyframes_asked.len();
    assert!((7..=9).contains(&asked), "{asked} in {:?}", world.now.since(begin));
    assert!(world.rooms[1].keyframes_asked.is_empty());
}

#[test]
fn whoever_leaves_says_goodbye_and_gets_nothing_and_others_go_on() {
    let mut world = World::new(6, 5);
    for _ in 0..3 {
        world.enter(Some(90));
    }
    world.run(ms(3_000));
    world.leave(1);
    world.loss_percent = 0;
    world.run(ms(3_000));
    let late = world.enter(Some(90));
    world.run(ms(3_000));
    world.settle();
    assert_eq!(world.forwarder.legs(), 3);
    // Its slot is used again, for other sources with numbers of their own.
    for n in [0, 2] {
        let marks = world.rooms[n].check_order(world.rooms[late].video, 6);
        assert!(marks.len() > 300 && marks[0] < 10);
        assert!(world.rooms[late].check_order(world.rooms[n].video, 6).len() > 300);
    }
    for n in [0, 2, late] {
        world.leave(n);
    }
    assert_eq!((world.forwarder.legs(), world.forwarder.deadline()), (0, None));
}

#[test]
fn a_leg_that_sends_nothing_gets_nothing_and_is_told_of() {
    let mut world = World::new(7, 0);
    world.enter(Some(100));
    let mute = world.enter(Some(100));
    world.rooms[mute].unplugged = true;
    let never = world.rooms[mute].id;
    world.run(ms(14_900));
    assert_eq!(world.flow, [(0, true)]);
    world.run(ms(200));
    assert_eq!(world.flow, [(0, true), (mute, false)]);
    assert_eq!(world.forwarder.statistics(never).unwrap().packets_sent, 0);
    // Now it sends, stops, and sends again.
    world.rooms[mute].unplugged = false;
    world.run(ms(1_000));
    world.rooms[mute].unplugged = true;
    world.run(ms(15_500));
    let sent = world.forwarder.statistics(never).unwrap().packets_sent;
    world.run(ms(500));
    assert_eq!(world.forwarder.statistics(never).unwrap().packets_sent, sent);
    world.rooms[mute].unplugged = false;
    world.run(ms(2_000));
    world.settle();
    assert_eq!(world.flow[2..], [(mute, true), (mute, false), (mute, true)]);
    // What was withheld left no gap, only what was sent into the pulled cable.
    let got = &world.rooms[mute].got[&world.rooms[0].video];
    let (first, last) = (got.first_key_value().unwrap().0, got.last_key_value().unwrap().0);
    let sent = world.forwarder.statistics(never).unwrap();
    assert!(last - first < sent.packets_sent);
}

#[test]
fn nobody_speaks_in_anothers_name() {
    let mut world = World::new(8, 0);
    world.enter(Some(60));
    world.enter(Some(60));
    world.run(ms(1_000));
    let (video, audio) = (world.rooms[0].video, world.rooms[0].audio);
    let (from, own) = (world.rooms[1].id, world.rooms[1].video);
    let before = world.forwarder.statistics(world.rooms[0].id).unwrap();
    let draft = |source, payload_type| Draft {
        marker: false,
        payload_type,
        sequence: 9,
        timestamp: 0,
        source,
        audio_level: None,
    };
    let mut bad = vec![
        draft(video, VIDEO_PAYLOAD_TYPE).write(&[0; 50]),
        draft(own, AUDIO_PAYLOAD_TYPE).write(&[0; 50]),
        draft(own, 100).write(&[0; 50]),
        draft(own, VIDEO_PAYLOAD_TYPE).write(&[0; 1500]),
        vec![0x80; 5],
    ];
    for packet in bad.drain(..) {
        world.feed(Input::Rtp { from, packet });
    }
    for packet in [
        Rtcp::PictureLoss { sender: video, source: own },
        Rtcp::Nack { sender: audio, source: own, lost: vec![1] },
    ] {
        world.feed(Input::Rtcp { from, packet: rtcp::write(&[packet]) });
    }
    world.feed(Input::Rtcp { from, packet: vec![0; 3] });
    // Asking oneself is of no use either, but no offence.
    let ask = Rtcp::PictureLoss { sender: own, source: own };
    world.feed(Input::Rtcp { from, packet: rtcp::write(&[ask]) });
    assert!(world.forwarder.poll_output().is_none());
    assert_eq!(world.forwarder.statistics(from).unwrap().refused, 8);
    let after = world.forwarder.statistics(world.rooms[0].id).unwrap();
    assert_eq!((after.packets_sent, after.resent), (before.packets_sent, before.resent));
}

#[test]
fn a_receiver_that_asks_for_everything_gets_a_bounded_answer() {
    let mut world = World::new(8, 0);
    world.enter(Some(60));
    world.enter(Some(60));
    world.run(ms(3_000));
    let (source, from, sender) = (world.rooms[0].video, world.rooms[1].id, world.rooms[1].video);
    let before = world.forwarder.statistics(from).unwrap().resent;
    for _ in 0..100 {
        let lost = (128..500).collect();
        let nack = rtcp::write(&[Rtcp::Nack { sender, source, lost }]);
        world.feed(Input::Rtcp { from, packet: nack });
    }
    let resent = world.forwarder.statistics(from).unwrap().resent - before;
    assert!((100..=500).contains(&resent), "{resent}");
}

#[test]
fn any_input_in_any_order_keeps_the_machine_sound() {
    for seed in 0..60 {
        let mut chance = Chance(seed);
        let mut forwarder = Forwarder::new(Ssrc(1));
        let (mut now, mut open, mut heard) = (Time::ZERO, [false; 5], [false; 5]);
        for _ in 0..3000 {
            now = now + Duration::from_micros(chance.below(20_000));
            let n = chance.below(5) as usize;
            let (from, audio) = (ParticipantId::from_random(n as u128), 10 + 2 * n as u32);
            let any_source = Ssrc(9 + chance.below(12) as u32);
            match chance.below(12) {
                0 => {
                    let (audio, video) = (Ssrc(audio), Ssrc(audio + 1));
                    assert_eq!(forwarder.may_open(from, audio, video).is_ok(), !open[n]);
                    forwarder.handle(now, Input::Opened { participant: from, audio, video });
                    heard[n] &= open[n];
                    open[n] = true;
                }
                1 if chance.percent(30) => {
                    forwarder.handle(now, Input::Closed { participant: from });
                    open[n] = false;
                }
                2 => {
                    let length = chance.below(60) as usize;
                    let packet = (0..length).map(|_| chance.next() as u8).collect();
                    forwarder.handle(now, Input::Rtp { from, packet });
                    heard[n] |= open[n];
                }
                3 => {
                    let lost = (0..chance.below(40)).map(|_| chance.next() as u16 % 300).collect();
                    let sender = Ssrc(audio);
                    let nack = Rtcp::Nack { sender, source: any_source, lost };
                    let ask = Rtcp::PictureLoss { sender, source: any_source };
                    let packet = rtcp::write(&[nack, ask]);
                    forwarder.handle(now, Input::Rtcp { from, packet });
                    heard[n] |= open[n];
                }
                4 => {
                    now = now + Duration::from_micros(chance.below(2_000_000));
                    forwarder.handle(now, Input::TimePassed);
                }
                _ => {
                    let kind = chance.below(2) as u32;
                    let payload_type = [AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE][kind as usize];
                    let draft = Draft {
                        marker: false,
                        payload_type,
                        sequence: chance.next() as u16 % 2000,
                        timestamp: 0,
                        source: Ssrc(audio + kind),
                        audio_level: None,
                    };
                    let packet = draft.write(&[1; 20]);
                    forwarder.handle(now, Input::Rtp { from, packet });
                    heard[n] |= open[n];
                }
            }
            while let Some(output) = forwarder.poll_output() {
                if let Output::Send { to, packets } = output {
                    let to = (0..5).find(|n| ParticipantId::from_random(*n as u128) == to).unwrap();
                    assert!(open[to] && heard[to], "seed {seed}");
                    for packet in packets {
                        if let Outgoing::Rtp(packet) = packet {
                            let mut bytes = Vec::new();
                            packet.write(&mut bytes);
                            let source = Packet::parse(&bytes).unwrap().source().0;
                            let own = 10 + 2 * to as u32;
                            assert!(source != own && source != own + 1, "seed {seed}");
                        }
                    }
                }
            }
            assert!(forwarder.deadline().is_none() || open.contains(&true), "seed {seed}");
        }
        assert!(forwarder.dump().contains("legs"));
    }
}

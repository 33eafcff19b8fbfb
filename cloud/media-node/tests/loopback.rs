//! The node with real sockets on loopback, and rooms that are nothing but a socket and keys.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_media_node::{
    LegReport, Limits, MediaNode, MediaNodeConfig, MediaNodeEvent, MediaNodeHandle, OpenLegError,
};
use conclave_rtp::rtcp::{self, Packet as Rtcp, SenderReport};
use conclave_rtp::{AudioLevel, Draft, Packet};
use conclave_srtp::{Open, Seal, is_rtcp, opener, sealer};
use conclave_types::{
    AUDIO_LEVEL_EXTENSION, AUDIO_PAYLOAD_TYPE, MediaLeg, MeetingId, ParticipantId, Redacted,
    SrtpProfile, Ssrc, VIDEO_PAYLOAD_TYPE,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const MEETING: MeetingId = MeetingId::from_random(1);
/// For what must happen. A machine that is busy with other tests may take its time.
const PATIENCE: Duration = Duration::from_secs(20);
/// For what must not happen; only as long as the packets before it took.
const QUIET: Duration = Duration::from_millis(300);

fn start(limits: Limits) -> (MediaNodeHandle, mpsc::Receiver<MediaNodeEvent>) {
    let address = Some(LOOPBACK);
    MediaNode::start(MediaNodeConfig { bind: LOOPBACK, ports: None, address, limits })
}

fn participant(n: u128) -> ParticipantId {
    ParticipantId::from_random(n)
}

enum Came {
    Rtp(Vec<u8>),
    Rtcp(Vec<Rtcp>),
}

struct Room {
    id: ParticipantId,
    leg: MediaLeg,
    socket: UdpSocket,
    seal: Box<dyn Seal>,
    open: Box<dyn Open>,
    sequence: u16,
}

impl Room {
    async fn join(node: &MediaNodeHandle, n: u128, profiles: &[SrtpProfile]) -> Room {
        let leg = node.open_leg(MEETING, participant(n), profiles).await.unwrap();
        Room {
            id: participant(n),
            socket: UdpSocket::bind((LOOPBACK, 0)).await.unwrap(),
            seal: sealer(&leg.room_to_node).unwrap(),
            open: opener(&leg.node_to_room).unwrap(),
            leg,
            sequence: 100,
        }
    }

    fn node(&self) -> SocketAddr {
        (LOOPBACK, self.leg.port).into()
    }

    async fn send(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.node()).await.unwrap();
    }

    async fn send_rtcp(&mut self, packet: Rtcp) {
        let sealed = self.seal.seal_rtcp(&rtcp::write(&[packet])).unwrap();
        self.send(&sealed).await;
    }

    /// What a room does first, and every second.
    async fn report(&mut self) {
        let sender = self.leg.video;
        self.send_rtcp(Rtcp::ReceiverReport { sender, blocks: Vec::new() }).await;
    }

    fn video(&mut self, payload: &[u8]) -> Vec<u8> {
        self.sequence += 1;
        let draft = Draft {
            marker: false,
            payload_type: VIDEO_PAYLOAD_TYPE,
            sequence: self.sequence,
            timestamp: 0,
            source: self.leg.video,
            audio_level: None,
        };
        self.seal.seal_rtp(&draft.write(payload)).unwrap()
    }

    fn audio(&mut self, loudness: u8) -> Vec<u8> {
        self.sequence += 1;
        let level = AudioLevel { voice: true, below_full_db: 127 - loudness };
        let draft = Draft {
            marker: false,
            payload_type: AUDIO_PAYLOAD_TYPE,
            sequence: self.sequence,
            timestamp: 0,
            source: self.leg.audio,
            audio_level: Some((AUDIO_LEVEL_EXTENSION, level)),
        };
        self.seal.seal_rtp(&draft.write(b"voice")).unwrap()
    }

    /// The next packet, as it is on the wire.
    async fn raw(&self, until: Instant) -> Option<(Vec<u8>, SocketAddr)> {
        let mut buffer = [0; 2048];
        let received = timeout_at(until, self.socket.recv_from(&mut buffer)).await.ok()?;
        let (length, from) = received.unwrap();
        Some((buffer[..length].to_vec(), from))
    }

    async fn next(&mut self, until: Instant) -> Option<Came> {
        let (datagram, from) = self.raw(until).await?;
        assert_eq!(from, self.node(), "the node answers from the leg's port");
        if is_rtcp(&datagram) {
            let clear = self.open.open_rtcp(&datagram).unwrap();
            Some(Came::Rtcp(rtcp::parse(&clear).unwrap()))
        } else {
            Some(Came::Rtp(self.open.open_rtp(&datagram).unwrap()))
        }
    }

    /// Waits for an RTP packet and returns it.
    async fn rtp(&mut self) -> Vec<u8> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Came::Rtp(packet) = self.next(until).await.expect("an RTP packet") {
                return packet;
            }
        }
    }

    /// Waits for an RTCP packet that passes the test.
    async fn rtcp(&mut self, wanted: impl Fn(&Rtcp) -> bool) -> Rtcp {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Came::Rtcp(packets) = self.next(until).await.expect("an RTCP packet")
                && let Some(found) = packets.into_iter().find(|packet| wanted(packet))
            {
                return found;
            }
        }
    }
}

async fn event(events: &mut mpsc::Receiver<MediaNodeEvent>) -> MediaNodeEvent {
    timeout(PATIENCE, events.recv()).await.expect("an event in time").expect("a running node")
}

async fn report(node: &MediaNodeHandle, room: &Room) -> LegReport {
    node.leg_statistics(MEETING, room.id).await.unwrap()
}

/// Waits until the node's books about a leg say what is wanted.
async fn until(node: &MediaNodeHandle, room: &Room, wanted: impl Fn(&LegReport) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let now = report(node, room).await;
        if wanted(&now) {
            return;
        }
        assert!(Instant::now() < end, "{now:?}");
        tokio::task::yield_now().await;
    }
}

/// Two rooms in one meeting, both known to the node.
async fn two(node: &MediaNodeHandle, profiles: &[SrtpProfile]) -> (Room, Room) {
    let mut a = Room::join(node, 1, profiles).await;
    let mut b = Room::join(node, 2, profiles).await;
    for room in [&mut a, &mut b] {
        room.report().await;
        until(node, room, |leg| leg.peer.is_some()).await;
    }
    (a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rooms_exchange_packets_with_either_profile() {
    for profile in SrtpProfile::PREFERENCE {
        let (node, mut events) = start(Limits::default());
        let (mut a, mut b) = two(&node, &[profile]).await;
        assert_eq!(a.leg.room_to_node.profile(), profile);
        for _ in 0..2 {
            assert!(matches!(event(&mut events).await, MediaNodeEvent::Flowing { .. }));
        }
        // Both were asked for a keyframe when the second came; at least the first was.
        a.rtcp(|packet| matches!(packet, Rtcp::PictureLoss { .. })).await;
        let payload = [0x5a; 900];
        for n in 0..30 {
            let packet = a.video(&payload);
            assert!(!packet.windows(16).any(|w| w == &payload[..16]), "nothing in the clear");
            a.send(&packet).await;
            let got = b.rtp().await;
            let packet = Packet::parse(&got).unwrap();
            assert_eq!((packet.source(), packet.payload()), (a.leg.video, &payload[..]));
            assert_eq!(packet.sequence(), 128 + n);
        }
        let packet = b.audio(100);
        b.send(&packet).await;
        let got = a.rtp().await;
        let packet = Packet::parse(&got).unwrap();
        assert_eq!((packet.source(), packet.payload()), (b.leg.audio, &b"voice"[..]));
        // A sender report comes through with the receiver's own counts, and reports come back.
        let source = a.leg.video;
        let sent = SenderReport {
            source,
            ntp: 7 << 32,
            timestamp: 3,
            packets: 1,
            octets: 1,
            blocks: vec![],
        };
        a.send_rtcp(Rtcp::SenderReport(sent)).await;
        let told = b.rtcp(|packet| matches!(packet, Rtcp::SenderReport(_))).await;
        let Rtcp::SenderReport(told) = told else { unreachable!() };
        assert_eq!((told.source, told.packets, told.octets), (source, 30, 30 * 900));
        let about = |packet: &Rtcp| match packet {
            Rtcp::ReceiverReport { blocks, .. } => {
                blocks.iter().any(|block| block.source == source && block.last_report == 7 << 16)
            }
            _ => false,
        };
        a.rtcp(about).await;
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gcm_is_chosen_where_the_room_has_it_and_nothing_where_it_has_none() {
    let (node, _events) = start(Limits::default());
    let both = [SrtpProfile::AesCm128HmacSha1_80, SrtpProfile::AeadAes128Gcm];
    let room = Room::join(&node, 1, &both).await;
    assert_eq!(room.leg.room_to_node.profile(), SrtpProfile::AeadAes128Gcm);
    assert_eq!(room.leg.address, Some(LOOPBACK));
    let none = node.open_leg(MEETING, participant(2), &[]).await;
    assert!(matches!(none, Err(OpenLegError::NoProfile)));
    let again = node.open_leg(MEETING, participant(1), &both).await;
    assert!(matches!(again, Err(OpenLegError::AlreadyOpen)));
    node.shutdown().await;
    let late = node.open_leg(MEETING, participant(3), &both).await;
    assert!(matches!(late, Err(OpenLegError::Stopped)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_authenticate_or_is_replayed_teaches_no_address() {
    for profile in SrtpProfile::PREFERENCE {
        let (node, mut events) = start(Limits::default());
        let mut a = Room::join(&node, 1, &[profile]).await;
        let mut b = Room::join(&node, 2, &[profile]).await;
        b.report().await;
        assert!(matches!(event(&mut events).await, MediaNodeEvent::Flowing { .. }));
        // Garbage, plain RTP, and b's key on a's port.
        let plain = Draft {
            marker: false,
            payload_type: VIDEO_PAYLOAD_TYPE,
            sequence: 1,
            timestamp: 0,
            source: a.leg.video,
            audio_level: None,
        };
        let plain = plain.write(&[1; 100]);
        let foreign = b.seal.seal_rtp(&plain).unwrap();
        for datagram in [&[0; 40][..], &[0x80], &plain, &foreign] {
            a.send(datagram).await;
        }
        until(&node, &a, |leg| leg.malformed == 2 && leg.not_authentic == 2).await;
        assert_eq!(report(&node, &a).await.peer, None);
        // Nothing was sent to a: not even b's video.
        let packet = b.video(&[2; 100]);
        b.send(&packet).await;
        until(&node, &b, |leg| leg.forwarded.video.received == 1).await;
        assert!(a.raw(Instant::now() + QUIET).await.is_none());
        assert!(b.raw(Instant::now() + QUIET).await.is_none());
        // a speaks; then somebody who recorded that plays it from elsewhere.
        let packet = a.video(&[3; 100]);
        a.send(&packet).await;
        b.rtp().await;
        let here = Some(Redacted(a.socket.local_addr().unwrap()));
        let thief = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        thief.send_to(&packet, a.node()).await.unwrap();
        until(&node, &a, |leg| leg.replayed == 1).await;
        assert_eq!(report(&node, &a).await.peer, here);
        let packet = b.video(&[4; 100]);
        b.send(&packet).await;
        assert_eq!(Packet::parse(&a.rtp().await).unwrap().payload(), [4; 100]);
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_moves_with_an_authentic_packet_from_a_new_port() {
    let (node, _events) = start(Limits::default());
    let (mut a, mut b) = two(&node, &SrtpProfile::PREFERENCE).await;
    let packet = b.video(&[1; 50]);
    b.send(&packet).await;
    a.rtp().await;
    // The room's network changes: same keys, another port.
    a.socket = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
    a.report().await;
    let moved = Some(Redacted(a.socket.local_addr().unwrap()));
    until(&node, &a, |leg| leg.peer == moved).await;
    let packet = b.video(&[2; 50]);
    b.send(&packet).await;
    assert_eq!(Packet::parse(&a.rtp().await).unwrap().payload(), [2; 50]);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_leg_has_other_keys_sources_and_port_and_the_old_port_is_closed() {
    let (node, _events) = start(Limits::default());
    let (mut a, mut b) = two(&node, &SrtpProfile::PREFERENCE).await;
    let old = a.leg.clone();
    node.close_leg(MEETING, a.id).await;
    // Whoever stays is told.
    let gone = vec![old.audio, old.video];
    b.rtcp(|packet| matches!(packet, Rtcp::Goodbye { sources } if *sources == gone)).await;
    // The port can be had again at once, so the node has let go of it.
    let port = UdpSocket::bind((LOOPBACK, old.port)).await.unwrap();
    assert_eq!(node.leg_statistics(MEETING, a.id).await, None);
    a = Room::join(&node, 1, &SrtpProfile::PREFERENCE).await;
    assert_ne!(a.leg.port, old.port);
    assert_ne!(a.leg.leg, old.leg);
    let keys = [&a.leg.room_to_node, &a.leg.node_to_room, &old.room_to_node, &old.node_to_room];
    for (n, key) in keys.iter().enumerate() {
        assert!(keys[n + 1..].iter().all(|other| other.key() != key.key()));
    }
    let sources = [a.leg.audio, a.leg.video, old.audio, old.video, b.leg.audio, b.leg.video];
    let distinct: std::collections::BTreeSet<Ssrc> = sources.into();
    assert_eq!(distinct.len(), 6);
    // The old key opens nothing any more.
    let mut stale = sealer(&old.room_to_node).unwrap();
    let packet = stale.seal_rtcp(&rtcp::write(&[Rtcp::ReceiverReport {
        sender: a.leg.video,
        blocks: Vec::new(),
    }]));
    a.send(&packet.unwrap()).await;
    until(&node, &a, |leg| leg.not_authentic == 1).await;
    a.report().await;
    until(&node, &a, |leg| leg.forwarded.flowing).await;
    let packet = b.video(&[7; 70]);
    b.send(&packet).await;
    assert_eq!(Packet::parse(&a.rtp().await).unwrap().payload(), [7; 70]);
    drop(port);
    node.shutdown().await;
}

/// Repairs work against the clock: whoever answers later than this answers in vain, so a machine
/// that was too busy is given another try.
const IN_TIME: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_packets_are_repaired_on_both_ways() {
    for _ in 0..20 {
        let (node, _events) = start(Limits::default());
        let (mut a, mut b) = two(&node, &SrtpProfile::PREFERENCE).await;
        let done = repaired_up(&mut a, &mut b).await && repaired_down(&node, &mut a, &mut b).await;
        node.shutdown().await;
        if done {
            return;
        }
    }
    panic!("the machine was too busy twenty times");
}

/// Packet 3 of 6 is lost on its way up, the node asks for it, the room sends it once more.
async fn repaired_up(a: &mut Room, b: &mut Room) -> bool {
    let packets: Vec<_> = (0..6).map(|n| a.video(&[n; 60])).collect();
    let began = Instant::now();
    for (n, packet) in packets.iter().enumerate().filter(|(n, _)| *n != 3) {
        a.send(packet).await;
        assert_eq!(Packet::parse(&b.rtp().await).unwrap().payload(), [n as u8; 60]);
    }
    let nack = a.rtcp(|packet| matches!(packet, Rtcp::Nack { .. })).await;
    let Rtcp::Nack { source, lost, .. } = nack else { unreachable!() };
    assert_eq!((source, lost), (a.leg.video, vec![104]));
    if began.elapsed() > IN_TIME {
        return false;
    }
    a.send(&packets[3]).await;
    let repaired = b.rtp().await;
    let packet = Packet::parse(&repaired).unwrap();
    assert_eq!((packet.payload(), packet.sequence()), (&[3; 60][..], 128 + 3));
    true
}

/// b's network loses datagrams, b asks, the node answers with the same octets.
async fn repaired_down(node: &MediaNodeHandle, a: &mut Room, b: &mut Room) -> bool {
    let began = Instant::now();
    let mut lost = BTreeMap::new();
    for n in 10..20 {
        let packet = a.video(&[n; 60]);
        a.send(&packet).await;
        let until = Instant::now() + PATIENCE;
        let datagram = loop {
            let (datagram, _) = b.raw(until).await.expect("a packet");
            if !is_rtcp(&datagram) {
                break datagram;
            }
            b.open.open_rtcp(&datagram).unwrap();
        };
        if n % 3 == 0 {
            lost.insert(u16::from_be_bytes([datagram[2], datagram[3]]), datagram);
        } else {
            b.open.open_rtp(&datagram).unwrap();
        }
    }
    if began.elapsed() > IN_TIME {
        return false;
    }
    let asked: Vec<u16> = lost.keys().copied().collect();
    let (sender, source) = (b.leg.video, a.leg.video);
    b.send_rtcp(Rtcp::Nack { sender, source, lost: asked.clone() }).await;
    let until = Instant::now() + PATIENCE;
    while !lost.is_empty() {
        let (datagram, _) = b.raw(until).await.expect("the packets asked for");
        if is_rtcp(&datagram) {
            continue;
        }
        let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
        assert_eq!(lost.remove(&sequence), Some(datagram.clone()), "the same to the octet");
        b.open.open_rtp(&datagram).unwrap();
    }
    assert_eq!(report(node, b).await.forwarded.resent, asked.len() as u64);
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_a_whole_picture_goes_to_everyone() {
    let (node, _events) = start(Limits::default());
    let mut rooms = Vec::new();
    for n in 0..6 {
        let mut room = Room::join(&node, n, &SrtpProfile::PREFERENCE).await;
        room.report().await;
        until(&node, &room, |leg| leg.peer.is_some()).await;
        rooms.push(room);
    }
    let mut sender = rooms.remove(0);
    for picture in 0..20_u8 {
        for part in 0..40 {
            let packet = sender.video(&vec![picture; if part == 39 { 300 } else { 1100 }]);
            sender.send(&packet).await;
        }
        for room in &mut rooms {
            for _ in 0..40 {
                let packet = room.rtp().await;
                assert_eq!(Packet::parse(&packet).unwrap().payload()[0], picture);
            }
        }
    }
    for room in &rooms {
        let leg = report(&node, room).await;
        assert_eq!((leg.forwarded.packets_sent, leg.unsent), (800, 0));
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_speaks_is_announced_and_everyone_hears() {
    let (node, mut events) = start(Limits::default());
    let (mut a, mut b) = two(&node, &SrtpProfile::PREFERENCE).await;
    let end = Instant::now() + PATIENCE;
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    loop {
        clock.tick().await;
        let packet = a.audio(105);
        a.send(&packet).await;
        let packet = b.audio(30);
        b.send(&packet).await;
        if let Ok(MediaNodeEvent::Speaking { meeting, participant }) = events.try_recv() {
            assert_eq!((meeting, participant), (MEETING, Some(a.id)));
            break;
        }
        assert!(Instant::now() < end);
    }
    assert_eq!(Packet::parse(&b.rtp().await).unwrap().source(), a.leg.audio);
    assert_eq!(Packet::parse(&a.rtp().await).unwrap().source(), b.leg.audio);
    node.close_leg(MEETING, a.id).await;
    loop {
        if let MediaNodeEvent::Speaking { participant, .. } = event(&mut events).await {
            assert_eq!(participant, None);
            break;
        }
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_and_closed_legs_make_room() {
    let (node, _events) = start(Limits { legs: 3, tasks: 2, ..Limits::default() });
    let open = |meeting: u128, n: u128| {
        let node = node.clone();
        async move {
            let meeting = MeetingId::from_random(meeting);
            node.open_leg(meeting, participant(n), &SrtpProfile::PREFERENCE).await
        }
    };
    // Over several meetings, so over both tasks.
    for n in 0..3 {
        open(n, n).await.unwrap();
    }
    assert!(matches!(open(3, 3).await, Err(OpenLegError::NodeFull { limit: 3 })));
    node.close_leg(MeetingId::from_random(1), participant(1)).await;
    node.close_leg(MeetingId::from_random(1), participant(1)).await;
    open(3, 3).await.unwrap();
    assert!(matches!(open(4, 4).await, Err(OpenLegError::NodeFull { .. })));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_that_reads_no_events_does_not_stop_the_media() {
    let (node, mut events) = start(Limits::default());
    let meetings = 300_u128;
    let mut rooms = Vec::new();
    for n in 0..meetings {
        let meeting = MeetingId::from_random(n);
        let leg = node.open_leg(meeting, participant(n), &SrtpProfile::PREFERENCE).await.unwrap();
        let socket = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        let hello = Rtcp::ReceiverReport { sender: leg.video, blocks: Vec::new() };
        let mut seal = sealer(&leg.room_to_node).unwrap();
        let sealed = seal.seal_rtcp(&rtcp::write(&[hello])).unwrap();
        socket.send_to(&sealed, (LOOPBACK, leg.port)).await.unwrap();
        rooms.push((meeting, participant(n), socket));
    }
    for (meeting, participant, _) in &rooms {
        let end = Instant::now() + PATIENCE;
        loop {
            let leg = node.leg_statistics(*meeting, *participant).await.unwrap();
            if leg.peer.is_some() {
                break;
            }
            assert!(Instant::now() < end);
            tokio::task::yield_now().await;
        }
    }
    // More events than the channel holds; each of them comes in the end.
    let mut flowing = std::collections::BTreeSet::new();
    while flowing.len() < rooms.len() {
        if let MediaNodeEvent::Flowing { participant, .. } = event(&mut events).await {
            flowing.insert(participant);
        }
    }
    node.shutdown().await;
    assert_eq!(events.recv().await, None, "all tasks have ended");
}

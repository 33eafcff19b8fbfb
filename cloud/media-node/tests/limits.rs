//! The node's limits, reached over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_media_node::{
    Limits, MOST_LEGS, MediaNode, MediaNodeConfig, MediaNodeHandle, OpenLegError, PacketLimit,
};
use conclave_rtp::rtcp::{self, Packet as Rtcp};
use conclave_rtp::{Draft, Packet};
use conclave_srtp::{Open, Seal, is_rtcp, opener, sealer};
use conclave_types::{MediaLeg, MeetingId, ParticipantId, SrtpProfile, VIDEO_PAYLOAD_TYPE};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const MEETING: MeetingId = MeetingId::from_random(1);
/// For what must happen. A machine that is busy with other tests may take its time.
const PATIENCE: Duration = Duration::from_secs(20);

fn start(limits: Limits) -> MediaNodeHandle {
    let address = Some(LOOPBACK);
    // Nobody listens to its events, which does not stop it.
    MediaNode::start(MediaNodeConfig { bind: LOOPBACK, ports: None, address, limits }).0
}

fn participant(n: u128) -> ParticipantId {
    ParticipantId::from_random(n)
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
    /// Joins, and waits until the node knows where it is.
    async fn join(node: &MediaNodeHandle, n: u128) -> Room {
        let leg = node.open_leg(MEETING, participant(n), &SrtpProfile::PREFERENCE).await.unwrap();
        let socket = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        socket.connect((LOOPBACK, leg.port)).await.unwrap();
        let mut seal = sealer(&leg.room_to_node).unwrap();
        let open = opener(&leg.node_to_room).unwrap();
        let report = Rtcp::ReceiverReport { sender: leg.video, blocks: Vec::new() };
        let report = seal.seal_rtcp(&rtcp::write(&[report])).unwrap();
        socket.send(&report).await.unwrap();
        let room = Room { id: participant(n), leg, socket, seal, open, sequence: 100 };
        room.until(node, |report| report.peer.is_some()).await;
        room
    }

    async fn until(
        &self,
        node: &MediaNodeHandle,
        wanted: impl Fn(&conclave_media_node::LegReport) -> bool,
    ) {
        let end = Instant::now() + PATIENCE;
        loop {
            let now = node.leg_statistics(MEETING, self.id).await.unwrap();
            if wanted(&now) {
                return;
            }
            assert!(Instant::now() < end, "{now:?}");
            tokio::task::yield_now().await;
        }
    }

    async fn send_video(&mut self, payload: &[u8]) {
        self.sequence += 1;
        let draft = Draft {
            marker: false,
            payload_type: VIDEO_PAYLOAD_TYPE,
            sequence: self.sequence,
            timestamp: 0,
            source: self.leg.video,
            audio_level: None,
        };
        let sealed = self.seal.seal_rtp(&draft.write(payload)).unwrap();
        self.socket.send(&sealed).await.unwrap();
    }

    /// The next RTP packet.
    async fn rtp(&mut self) -> Vec<u8> {
        let mut buffer = [0; 2048];
        loop {
            let received = timeout(PATIENCE, self.socket.recv(&mut buffer)).await;
            let datagram = &buffer[..received.expect("a packet in time").unwrap()];
            if !is_rtcp(datagram) {
                return self.open.open_rtp(datagram).unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_cut_down_and_counted_and_the_others_do_not_notice() {
    const FLOOD: u64 = 2_000;
    let packets = PacketLimit { per_second: 50, burst: 60 };
    let node = start(Limits { packets, ..Limits::default() });
    let begun = Instant::now();
    let mut floods = Room::join(&node, 1).await;
    let mut behaves = Room::join(&node, 2).await;
    let mut watches = Room::join(&node, 3).await;
    for n in 0..FLOOD {
        floods.send_video(&[9; 200]).await;
        // Between the flood's packets, few enough for any limit.
        if n.is_multiple_of(FLOOD / 40) {
            behaves.send_video(&[n as u8; 200]).await;
        }
        // Each is seen before many more come, so that no socket's buffer decides.
        if n.is_multiple_of(100) {
            let came = move |leg: &conclave_media_node::LegReport| {
                leg.forwarded.packets_received + leg.forwarded.over_limit > n
            };
            floods.until(&node, came).await;
        }
    }
    let mut from_behaves = 0;
    while from_behaves < 40 {
        let packet = watches.rtp().await;
        from_behaves += u32::from(Packet::parse(&packet).unwrap().source() == behaves.leg.video);
    }
    floods
        .until(&node, |leg| leg.forwarded.packets_received + leg.forwarded.over_limit == FLOOD + 1)
        .await;
    let flood = node.leg_statistics(MEETING, floods.id).await.unwrap().forwarded;
    let may = 60 + 50 * (begun.elapsed().as_secs() + 1);
    assert!(flood.packets_received <= may, "{} in {:?}", flood.packets_received, begun.elapsed());
    let behaved = node.leg_statistics(MEETING, behaves.id).await.unwrap().forwarded;
    assert_eq!((behaved.over_limit, behaved.packets_received), (0, 41));

    let totals = node.totals();
    assert_eq!((totals.legs, totals.meetings), (3, 1));
    assert_eq!(totals.forwarded.over_limit, flood.over_limit);
    assert!(totals.bursts > 0 && totals.forwarded.packets_out >= 80);
    for n in 1..=3 {
        node.close_leg(MEETING, participant(n)).await;
    }
    let totals = node.totals();
    assert_eq!((totals.legs, totals.meetings), (0, 0));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_meeting_and_a_full_node_refuse_with_their_reason_and_count_it() {
    let node = start(Limits { legs: MOST_LEGS + 2, ..Limits::default() });
    let open = |meeting: u128, n: u128| {
        let node = node.clone();
        async move {
            let meeting = MeetingId::from_random(meeting);
            node.open_leg(meeting, participant(n), &SrtpProfile::PREFERENCE).await
        }
    };
    let most = MOST_LEGS as u128;
    for n in 0..most {
        open(1, n).await.unwrap();
    }
    let full = open(1, most).await.unwrap_err();
    assert!(matches!(full, OpenLegError::MeetingFull));
    assert_eq!(
        full.to_string(),
        format!("the meeting has {most} legs, the most that one may have")
    );
    // Another meeting goes on, until the node has no more.
    open(2, 1).await.unwrap();
    open(2, 2).await.unwrap();
    let full = open(3, 1).await.unwrap_err();
    assert!(matches!(full, OpenLegError::NodeFull { limit } if limit == MOST_LEGS + 2));
    node.close_leg(MeetingId::from_random(1), participant(0)).await;
    open(1, most).await.unwrap();
    let totals = node.totals();
    assert_eq!((totals.legs as usize, totals.meetings, totals.refused_legs), (MOST_LEGS + 2, 2, 2));
    node.shutdown().await;
    assert_eq!(node.totals().legs, 0);
}

//! The one UDP socket of a call, and the task that owns it.
//!
//! Out: packets from the senders' queue → number → history → SRTP → socket.
//! In: socket → SRTP (what does not authenticate is counted and dropped) → by source to the
//! participant it was announced for (others are dropped) → the participant's receiver.
//!
//! Beside that, RTCP: reports each second, the first at once, because the node learns the room's
//! address from the first packet that authenticates; NACKs and keyframe requests for what is
//! missing here (RFC 4585), retransmission of what is missing there. The identical sealed octets
//! are sent again: a nonce is never used for two packets.

use crate::device::Events;
use crate::early::{Early, Packet};
use crate::frames::lock;
use crate::inbound::{Inbound, Source};
use crate::packets::{Kind, OutgoingQueue, Switches};
use crate::report::NetworkReport;
use crate::rtcp_out::Outbound;
use conclave_room::media::MediaEvent;
use conclave_rtp::rtcp;
use conclave_srtp::{Open, OpenError, Seal};
use conclave_types::{AUDIO_CLOCK_HZ, CallId, MediaLeg, ParticipantId, Ssrc, Time, VIDEO_CLOCK_HZ};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Reports: each second, as the contract with the media node says.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Silence after which the room is told that nothing flows.
const SILENCE: Duration = Duration::from_secs(2);
/// The longest the task sleeps: silence and statistics are looked at this often.
const LOOK: Duration = Duration::from_millis(200);
/// Datagrams taken in one go before anything else gets its turn.
const BURST: usize = 64;

/// What the media thread tells the task while the call lasts.
pub(crate) enum Steer {
    /// These sources are wanted, and no others.
    Sources(HashMap<Ssrc, Source>),
    /// The decoder of this source wants a keyframe.
    KeyframeWanted(Ssrc),
}

/// What the task is built from.
pub(crate) struct Link {
    pub(crate) call: CallId,
    pub(crate) leg: Box<MediaLeg>,
    pub(crate) socket: UdpSocket,
    pub(crate) seal: Box<dyn Seal>,
    pub(crate) open: Box<dyn Open>,
    /// First sequence numbers of audio and video: below 2^15 (RFC 3711, section 3.3.1).
    pub(crate) first_numbers: [u16; 2],
    pub(crate) outgoing: OutgoingQueue,
    pub(crate) steer: mpsc::UnboundedReceiver<Steer>,
    pub(crate) switches: Switches,
    pub(crate) keyframe: Box<dyn Fn() + Send>,
    pub(crate) events: Events,
    pub(crate) report: Arc<Mutex<NetworkReport>>,
    pub(crate) cancel: CancellationToken,
}

/// The task. Ends when cancelled, or when the media thread is gone.
pub(crate) async fn run(link: Link) {
    let cancel = link.cancel.clone();
    let mut network = Network::new(link);
    // A fresh socket counts as full until the runtime has looked at it once: without this the
    // very first report, from which the node learns where the room is, would be dropped.
    tokio::select! {
        () = cancel.cancelled() => return,
        _ = network.link.socket.writable() => {}
    }
    network.send_reports();
    let mut datagram = vec![0_u8; 2048];
    loop {
        let wake = tokio::time::Instant::from_std(network.wake());
        tokio::select! {
            () = cancel.cancelled() => break,
            packet = network.link.outgoing.recv() => match packet {
                Some((kind, packet)) => network.send(kind, packet),
                None => break,
            },
            steer = network.link.steer.recv() => match steer {
                Some(steer) => network.steer(steer),
                None => break,
            },
            readable = network.link.socket.readable() => match readable {
                Ok(()) => network.drain(&mut datagram),
                Err(error) => {
                    tracing::warn!(%error, "the call's socket cannot be read");
                    break;
                }
            },
            () = tokio::time::sleep_until(wake) => {}
        }
        network.housekeeping();
    }
    network.goodbye();
}

struct Network {
    link: Link,
    began: Instant,
    /// Audio, video.
    out: [Outbound; 2],
    inbound: HashMap<Ssrc, Inbound>,
    early: Early,
    next_report: Time,
    last_authentic: Time,
    flowing: bool,
    round_trip: Duration,
    count: NetworkReport,
    counted: Time,
    send_failed: bool,
}

impl Network {
    fn new(link: Link) -> Network {
        let out = [
            Outbound::new(link.leg.audio, AUDIO_CLOCK_HZ, link.first_numbers[0]),
            Outbound::new(link.leg.video, VIDEO_CLOCK_HZ, link.first_numbers[1]),
        ];
        let count = NetworkReport::default();
        Network {
            link,
            began: Instant::now(),
            out,
            inbound: HashMap::new(),
            early: Early::default(),
            next_report: Time::ZERO,
            last_authentic: Time::ZERO,
            flowing: true,
            round_trip: Duration::ZERO,
            count,
            counted: Time::ZERO,
            send_failed: false,
        }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.began.elapsed()
    }

    /// When something is to be done even if nothing arrives.
    fn wake(&self) -> Instant {
        let deadlines = self.inbound.values().filter_map(Inbound::deadline);
        let soonest = deadlines.chain([self.next_report, self.now() + LOOK]).min();
        self.began + soonest.unwrap_or_default().since(Time::ZERO)
    }

    fn send(&mut self, kind: Kind, mut packet: Vec<u8>) {
        if !self.link.switches.is_on(kind) {
            return;
        }
        let skipped = self.link.outgoing.take_skipped(kind);
        let now = self.now();
        let out = &mut self.out[kind as usize];
        let sequence = out.number(&mut packet, skipped);
        match self.link.seal.seal_rtp(&packet) {
            Ok(sealed) => {
                out.sent(now, &packet, sequence, sealed.clone());
                self.count.packets_sent += 1;
                self.transmit(&sealed);
            }
            Err(error) => tracing::error!(%error, "a packet cannot be sealed"),
        }
    }

    fn transmit(&mut self, sealed: &[u8]) {
        match self.link.socket.try_send(sealed) {
            Ok(_) => {}
            // A full socket buffer is loss like any other; NACK repairs it.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                self.count.packets_unsent += 1;
            }
            // A node that restarts refuses for a moment; the room hears of it by silence.
            Err(error) => {
                self.count.packets_unsent += 1;
                if !std::mem::replace(&mut self.send_failed, true) {
                    tracing::warn!(call = %self.link.call, %error, "packets cannot be sent");
                }
            }
        }
    }

    fn transmit_rtcp(&mut self, packets: &[rtcp::Packet]) {
        match self.link.seal.seal_rtcp(&rtcp::write(packets)) {
            Ok(sealed) => self.transmit(&sealed),
            Err(error) => tracing::error!(%error, "a report cannot be sealed"),
        }
    }

    fn steer(&mut self, steer: Steer) {
        match steer {
            Steer::Sources(sources) => {
                self.inbound.retain(|ssrc, _| sources.contains_key(ssrc));
                for (ssrc, source) in sources {
                    match self.inbound.get_mut(&ssrc) {
                        Some(inbound) => inbound.replace(source),
                        None => {
                            let mut inbound = Inbound::new(ssrc, source);
                            for packet in self.early.take(ssrc) {
                                let Packet { at, sequence, timestamp, octets, .. } = packet;
                                inbound.receive(at, sequence, timestamp, octets);
                            }
                            self.inbound.insert(ssrc, inbound);
                        }
                    }
                }
            }
            Steer::KeyframeWanted(ssrc) => {
                if let Some(inbound) = self.inbound.get_mut(&ssrc) {
                    inbound.want_keyframe();
                }
            }
        }
    }

    /// Takes what lies in the socket.
    fn drain(&mut self, datagram: &mut [u8]) {
        for _ in 0..BURST {
            match self.link.socket.try_recv(datagram) {
                Ok(length) => self.receive(&datagram[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                // The node's port is closed for the moment: reported by ICMP, once per packet.
                Err(_) => {}
            }
        }
    }

    fn receive(&mut self, sealed: &[u8]) {
        let now = self.now();
        let is_rtcp = conclave_srtp::is_rtcp(sealed);
        let opened = match is_rtcp {
            true => self.link.open.open_rtcp(sealed),
            false => self.link.open.open_rtp(sealed),
        };
        let packet = match opened {
            Ok(packet) => packet,
            Err(OpenError::Replayed) => {
                self.count.replayed += 1;
                return;
            }
            Err(_) => {
                self.count.rejected += 1;
                return;
            }
        };
        self.last_authentic = now;
        // Only an answer shows that packets arrive: while a port is closed, every other one seems
        // to leave.
        self.send_failed = false;
        if !self.flowing {
            self.set_flowing(true);
        }
        if is_rtcp {
            self.receive_rtcp(now, &packet);
            return;
        }
        self.count.packets_received += 1;
        let (ssrc, sequence, timestamp) = match conclave_rtp::Packet::parse(&packet) {
            Ok(view) => (view.source(), view.sequence(), view.timestamp()),
            Err(_) => {
                self.count.rejected += 1;
                return;
            }
        };
        match self.inbound.get_mut(&ssrc) {
            Some(inbound) => inbound.receive(now, sequence, timestamp, packet),
            None => {
                self.count.unannounced += 1;
                self.early.keep(Packet { ssrc, at: now, sequence, timestamp, octets: packet });
            }
        }
    }

    fn receive_rtcp(&mut self, now: Time, datagram: &[u8]) {
        let Ok(packets) = rtcp::parse(datagram) else {
            self.count.rejected += 1;
            return;
        };
        for packet in packets {
            match packet {
                rtcp::Packet::Nack { source, lost, .. } => self.answer_nack(now, source, &lost),
                rtcp::Packet::PictureLoss { source, .. } => self.keyframe_asked(source),
                rtcp::Packet::FullIntra { requests, .. } => {
                    for (source, _) in requests {
                        self.keyframe_asked(source);
                    }
                }
                rtcp::Packet::SenderReport(report) => {
                    if let Some(inbound) = self.inbound.get_mut(&report.source) {
                        inbound.sender_report(now, &report);
                    }
                    self.take_blocks(now, &report.blocks);
                }
                rtcp::Packet::ReceiverReport { blocks, .. } => self.take_blocks(now, &blocks),
                rtcp::Packet::SourceDescription { .. } | rtcp::Packet::Goodbye { .. } => {}
            }
        }
    }

    fn take_blocks(&mut self, now: Time, blocks: &[rtcp::ReportBlock]) {
        for block in blocks {
            let out = self.out.iter().find(|out| out.ssrc() == block.source);
            if let Some(round_trip) = out.and_then(|out| out.round_trip(now, block)) {
                self.round_trip = round_trip;
                for inbound in self.inbound.values_mut() {
                    inbound.set_round_trip(round_trip);
                }
            }
        }
    }

    fn keyframe_asked(&mut self, source: Ssrc) {
        if source == self.link.leg.video {
            self.count.keyframes_asked += 1;
            (self.link.keyframe)();
        }
    }

    fn answer_nack(&mut self, now: Time, source: Ssrc, lost: &[u16]) {
        let Some(kind) = [Kind::Audio, Kind::Video]
            .into_iter()
            .find(|kind| self.out[*kind as usize].ssrc() == source)
        else {
            return;
        };
        for sequence in lost {
            // Also while switched off: these packets left the room before.
            if let Some(sealed) = self.out[kind as usize].again(now, *sequence) {
                self.count.packets_sent_again += 1;
                self.transmit(&sealed);
            }
        }
    }

    fn housekeeping(&mut self) {
        let now = self.now();
        let sender = self.link.leg.video;
        let mut feedback = Vec::new();
        for inbound in self.inbound.values_mut() {
            inbound.poll(now, sender, &mut feedback);
        }
        for packet in feedback {
            self.transmit_rtcp(&[packet]);
        }
        if now >= self.next_report {
            self.send_reports();
        }
        if self.flowing && now.since(self.last_authentic) > SILENCE {
            self.set_flowing(false);
        }
        if now.since(self.counted) >= LOOK {
            self.counted = now;
            self.hold_alike();
            self.publish();
        }
    }

    fn set_flowing(&mut self, flowing: bool) {
        self.flowing = flowing;
        tracing::info!(call = %self.link.call, flowing, "media packets");
        self.link.events.tell(MediaEvent::Flowing { call: self.link.call, flowing });
    }

    /// A sender report per source that has sent, or a receiver report; with what we receive.
    fn send_reports(&mut self) {
        let now = self.now();
        self.next_report = now + REPORT_EVERY;
        let blocks: Vec<rtcp::ReportBlock> =
            self.inbound.values_mut().filter_map(|inbound| inbound.report(now)).collect();
        let name = self.link.leg.leg.to_string();
        let names = self.out.iter().map(|out| (out.ssrc(), name.clone())).collect();
        let mut packets: Vec<rtcp::Packet> =
            self.out.iter_mut().filter_map(|out| out.report(now)).collect();
        for blocks in blocks.chunks(rtcp::MOST_BLOCKS) {
            let sender = self.link.leg.video;
            packets.push(rtcp::Packet::ReceiverReport { sender, blocks: blocks.to_vec() });
        }
        if packets.is_empty() {
            let sender = self.link.leg.video;
            packets.push(rtcp::Packet::ReceiverReport { sender, blocks: Vec::new() });
        }
        packets.push(rtcp::Packet::SourceDescription { names });
        self.transmit_rtcp(&packets);
    }

    fn goodbye(&mut self) {
        let sources = self.out.iter().map(Outbound::ssrc).collect();
        let sender = self.link.leg.video;
        let empty = rtcp::Packet::ReceiverReport { sender, blocks: Vec::new() };
        self.transmit_rtcp(&[empty, rtcp::Packet::Goodbye { sources }]);
        self.publish();
    }

    /// Lips and voice of each participant are held by the same delay.
    fn hold_alike(&mut self) {
        let mut needs: HashMap<ParticipantId, Duration> = HashMap::new();
        for (who, need) in self.inbound.values().map(Inbound::needs) {
            let most = needs.entry(who).or_default();
            *most = need.max(*most);
        }
        for inbound in self.inbound.values_mut() {
            let companion = needs.get(&inbound.needs().0).copied().unwrap_or_default();
            inbound.keep_with(companion);
        }
    }

    fn publish(&mut self) {
        self.count.round_trip_ms = self.round_trip.as_secs_f64() * 1000.0;
        self.count.streams =
            self.inbound.iter().map(|(ssrc, inbound)| (*ssrc, inbound.statistics())).collect();
        *lock(&self.link.report) = self.count.clone();
    }
}

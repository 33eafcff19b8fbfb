//! RTCP both ways: reports, requests for lost packets, requests for keyframes.

use crate::forwarder::Forwarder;
use crate::leg::{Kind, State};
use conclave_rtp::loss;
use conclave_rtp::rtcp::{self, Packet, ReportBlock, SenderReport};
use conclave_types::{Ssrc, Time};
use std::time::Duration;

/// From one report to the next. RFC 3550, section 6.2 would allow less traffic with many members,
/// but these go only to the sender, who learns loss and round trip from them.
const REPORT: Duration = Duration::from_secs(1);

/// Between two keyframe requests to one source. A keyframe is ten times as long as other pictures;
/// receivers that ask together share one. Somebody who joins just behind a keyframe sees nothing
/// for so long.
const KEYFRAME_AGAIN: Duration = Duration::from_millis(250);

/// Sequence numbers that one datagram may ask for; our own rooms ask for 256 at most.
const MOST_ASKED: usize = 512;

impl Forwarder {
    /// Takes a leg's RTCP. What speaks in another's name is refused.
    pub(crate) fn rtcp(&mut self, now: Time, slot: usize, datagram: &[u8]) {
        let Ok(packets) = rtcp::parse(datagram) else {
            self.refuse(slot);
            return;
        };
        let mut asked = 0;
        for packet in packets {
            let sender = match &packet {
                Packet::SenderReport(report) => report.source,
                Packet::ReceiverReport { sender, .. }
                | Packet::Nack { sender, .. }
                | Packet::PictureLoss { sender, .. }
                | Packet::FullIntra { sender, .. } => *sender,
                // The cloud knows who is there and by what name.
                Packet::SourceDescription { .. } | Packet::Goodbye { .. } => continue,
            };
            let own = self.legs[slot].as_ref().and_then(|leg| leg.kind_of(sender));
            let Some(kind) = own else {
                self.refuse(slot);
                continue;
            };
            match packet {
                Packet::SenderReport(report) => {
                    self.blocks(now, slot, &report.blocks);
                    self.sender_report(now, slot, kind, report);
                }
                Packet::ReceiverReport { blocks, .. } => self.blocks(now, slot, &blocks),
                Packet::Nack { source, lost, .. } => {
                    let room = MOST_ASKED.saturating_sub(asked);
                    asked += lost.len();
                    self.counts.asked_of_us += lost.len() as u64;
                    if let Some(leg) = &mut self.legs[slot] {
                        leg.asked_of_us += lost.len() as u64;
                    }
                    for sequence in lost.into_iter().take(room) {
                        self.resend(now, slot, source, sequence);
                    }
                }
                Packet::PictureLoss { source, .. } => self.keyframe_asked(now, slot, source),
                Packet::FullIntra { requests, .. } => {
                    for (source, _) in requests {
                        self.keyframe_asked(now, slot, source);
                    }
                }
                Packet::SourceDescription { .. } | Packet::Goodbye { .. } => {}
            }
        }
    }

    fn refuse(&mut self, slot: usize) {
        if let Some(leg) = &mut self.legs[slot] {
            leg.refused += 1;
            self.counts.refused += 1;
        }
    }

    /// Passes a sender's report on, to each receiver with the counts of what it was sent.
    fn sender_report(&mut self, now: Time, slot: usize, kind: Kind, report: SenderReport) {
        let Some(leg) = &mut self.legs[slot] else { return };
        leg.sources[kind as usize].tracker.sender_report(now, &report);
        // Both sources of a participant share this name, by which lips and voice stay together.
        let names = vec![(report.source, leg.participant.to_string())];
        let names = Packet::SourceDescription { names };
        for receiver in (0..self.legs.len()).filter(|receiver| *receiver != slot) {
            let Some(leg) = &mut self.legs[receiver] else { continue };
            if leg.state != State::Flowing {
                continue;
            }
            let downlink = leg.downlink(slot, kind);
            if downlink.packets == 0 {
                continue;
            }
            downlink.reported(now, &report);
            let copy = SenderReport {
                // Modulo 2^32, as the fields are defined.
                packets: downlink.packets as u32,
                octets: downlink.octets as u32,
                blocks: Vec::new(),
                ..report
            };
            self.send_rtcp(receiver, rtcp::write(&[Packet::SenderReport(copy), names.clone()]));
        }
    }

    /// Learns from a receiver's report blocks about what it was sent.
    fn blocks(&mut self, now: Time, slot: usize, blocks: &[ReportBlock]) {
        for block in blocks {
            let Some(&(source, kind)) = self.sources.get(&block.source) else { continue };
            let Some(leg) = self.legs[slot].as_mut().filter(|_| source != slot) else { continue };
            let downlink = leg.downlink(source, kind);
            downlink.fraction_lost = block.fraction_lost;
            let sent = downlink.report_sent(block.last_report);
            let round_trip = sent.and_then(|sent| loss::round_trip(now, sent, block));
            if let Some(round_trip) = round_trip {
                leg.round_trip = Some(round_trip);
                for source in &mut leg.sources {
                    source.tracker.set_round_trip(round_trip);
                }
            }
        }
    }

    fn keyframe_asked(&mut self, now: Time, receiver: usize, ssrc: Ssrc) {
        if let Some(&(slot, Kind::Video)) = self.sources.get(&ssrc).filter(|s| s.0 != receiver) {
            self.counts.keyframes_wanted += 1;
            if let Some(leg) = &mut self.legs[receiver] {
                leg.keyframes_wanted += 1;
            }
            self.want_keyframe(now, slot);
        }
    }

    /// Asks a leg for a keyframe, as soon as its last request is old enough.
    pub(crate) fn want_keyframe(&mut self, now: Time, slot: usize) {
        let Some(leg) = self.legs[slot].as_mut().filter(|leg| leg.state == State::Flowing) else {
            return;
        };
        let source = &mut leg.sources[Kind::Video as usize];
        let earliest = source.keyframe_asked.map_or(now, |asked| asked + KEYFRAME_AGAIN);
        let due = *source.keyframe_wanted.get_or_insert(earliest.max(now));
        self.wake_by(due);
    }

    /// Asks a leg for what is missing of its sources: packets, or a keyframe.
    pub(crate) fn repair(&mut self, now: Time, slot: usize) {
        let heard = self.speakers.is_forwarded(slot);
        for kind in Kind::BOTH {
            let mut lists = Vec::new();
            let Some(leg) = &mut self.legs[slot] else { return };
            let source = &mut leg.sources[kind as usize];
            let ssrc = source.ssrc;
            if kind == Kind::Audio && !heard {
                source.tracker.forget_missing();
            }
            while let Some(lost) = source.tracker.poll_nack(now) {
                lists.push(lost);
            }
            let given_up = source.tracker.poll_lost(now).is_some();
            let deadline = source.tracker.deadline();
            for lost in lists {
                self.counts.asked_by_us += lost.len() as u64;
                let nack = Packet::Nack { sender: self.own, source: ssrc, lost };
                self.send_rtcp(slot, rtcp::write(&[nack]));
            }
            if given_up && kind == Kind::Video {
                self.want_keyframe(now, slot);
            }
            if let Some(deadline) = deadline {
                self.wake_by(deadline);
            }
        }
        let Some(leg) = &mut self.legs[slot] else { return };
        let source = &mut leg.sources[Kind::Video as usize];
        match source.keyframe_wanted {
            Some(due) if due <= now => {
                source.keyframe_wanted = None;
                source.keyframe_asked = Some(now);
                source.keyframes_asked += 1;
                self.counts.keyframes_asked += 1;
                let ask = Packet::PictureLoss { sender: self.own, source: source.ssrc };
                self.send_rtcp(slot, rtcp::write(&[ask]));
            }
            Some(due) => self.wake_by(due),
            None => {}
        }
    }

    /// Tells a leg, once in a second, how its packets arrive.
    pub(crate) fn report_to(&mut self, now: Time, slot: usize) {
        let Some(leg) = &mut self.legs[slot] else { return };
        if leg.next_report <= now {
            leg.next_report = now + REPORT;
            let sources = leg.sources.iter_mut();
            let blocks = sources.filter_map(|s| s.tracker.report(now, s.ssrc)).collect();
            let report = Packet::ReceiverReport { sender: self.own, blocks };
            let names = vec![(self.own, "media-node".to_owned())];
            let names = Packet::SourceDescription { names };
            self.send_rtcp(slot, rtcp::write(&[report, names]));
        }
        if let Some(next) = self.legs[slot].as_ref().map(|leg| leg.next_report) {
            self.wake_by(next);
        }
    }
}

//! One source of ours on the wire: its numbers, what may have to be sent again, its reports.

use conclave_rtp::history::History;
use conclave_rtp::rtcp::{Packet, ReportBlock, SenderReport};
use conclave_rtp::set_sequence;
use conclave_types::{Ssrc, Time};
use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Packets that are kept for retransmission: over a second of video at 8 Mbit/s.
const KEPT: usize = 1024;
/// Older ones come too late for any jitter buffer.
const KEPT_FOR: Duration = Duration::from_millis(1500);
/// A packet is sent again at most this often: requests cross their answers.
const AGAIN: Duration = Duration::from_millis(15);
/// Seconds from the epoch of NTP to that of Unix.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// One source of ours.
pub(crate) struct Outbound {
    ssrc: Ssrc,
    clock_hz: u32,
    next: u16,
    history: History<Vec<u8>>,
    packets: u32,
    octets: u32,
    /// RTP timestamp of the latest packet, and when it left.
    latest: Option<(u32, Time)>,
    /// Middle of the NTP time of the latest reports, and when they left.
    reports: VecDeque<(u32, Time)>,
}

impl Outbound {
    pub(crate) fn new(ssrc: Ssrc, clock_hz: u32, first: u16) -> Outbound {
        Outbound {
            ssrc,
            clock_hz,
            next: first,
            history: History::new(KEPT, KEPT_FOR, AGAIN),
            packets: 0,
            octets: 0,
            latest: None,
            reports: VecDeque::new(),
        }
    }

    pub(crate) fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// Gives a packet its number, leaving out `skipped` numbers before it.
    pub(crate) fn number(&mut self, packet: &mut [u8], skipped: u16) -> u16 {
        let sequence = self.next.wrapping_add(skipped);
        self.next = sequence.wrapping_add(1);
        set_sequence(packet, sequence);
        sequence
    }

    /// Remembers a packet that leaves now.
    pub(crate) fn sent(&mut self, now: Time, packet: &[u8], sequence: u16, sealed: Vec<u8>) {
        self.packets = self.packets.wrapping_add(1);
        if let Ok(view) = conclave_rtp::Packet::parse(packet) {
            self.octets = self.octets.wrapping_add(view.payload().len() as u32);
            self.latest = Some((view.timestamp(), now));
        }
        self.history.insert(now, sequence, sealed);
    }

    /// The sealed octets of a packet that is asked for again.
    pub(crate) fn again(&mut self, now: Time, sequence: u16) -> Option<Vec<u8>> {
        self.history.resend(now, sequence).cloned()
    }

    /// A sender report, once something was sent.
    pub(crate) fn report(&mut self, now: Time) -> Option<Packet> {
        let (timestamp, at) = self.latest?;
        let since = now.since(at).as_micros() * u128::from(self.clock_hz) / 1_000_000;
        let ntp = ntp(SystemTime::now());
        self.reports.push_back(((ntp >> 16) as u32, now));
        // Answers come within a second; more than a few are never looked for.
        while self.reports.len() > 4 {
            self.reports.pop_front();
        }
        Some(Packet::SenderReport(SenderReport {
            source: self.ssrc,
            ntp,
            timestamp: timestamp.wrapping_add(since as u32),
            packets: self.packets,
            octets: self.octets,
            blocks: Vec::new(),
        }))
    }

    /// The round trip that a block about this source tells.
    pub(crate) fn round_trip(&self, now: Time, block: &ReportBlock) -> Option<Duration> {
        let (_, sent) = self.reports.iter().find(|(ntp, _)| *ntp == block.last_report)?;
        conclave_rtp::loss::round_trip(now, *sent, block)
    }
}

fn ntp(now: SystemTime) -> u64 {
    let unix = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    (unix.as_secs().wrapping_add(NTP_TO_UNIX) << 32) | fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_rtp::Draft;

    fn packet() -> Vec<u8> {
        Draft {
            marker: false,
            payload_type: 96,
            sequence: 9999,
            timestamp: 1000,
            source: Ssrc(7),
            audio_level: None,
        }
        .write(&[1, 2, 3])
    }

    #[test]
    fn numbers_go_on_whatever_the_encoder_wrote_and_leave_a_gap_for_what_was_lost_here() {
        let mut out = Outbound::new(Ssrc(7), 90_000, 65_534);
        let mut numbers = Vec::new();
        for skipped in [0, 0, 0, 3] {
            let mut packet = packet();
            numbers.push(out.number(&mut packet, skipped));
            let view = conclave_rtp::Packet::parse(&packet).unwrap();
            assert_eq!(Some(&view.sequence()), numbers.last());
        }
        assert_eq!(numbers, [65_534, 65_535, 0, 4]);
    }

    #[test]
    fn a_report_counts_what_was_sent_and_goes_on_with_the_clock() {
        let mut out = Outbound::new(Ssrc(7), 90_000, 0);
        assert_eq!(out.report(Time::ZERO), None);
        out.sent(Time::ZERO, &packet(), 0, vec![9]);
        let Some(Packet::SenderReport(report)) = out.report(Time::from_micros(500_000)) else {
            panic!("no report");
        };
        assert_eq!((report.packets, report.octets, report.timestamp), (1, 3, 46_000));
        assert_eq!(out.again(Time::ZERO, 0), Some(vec![9]));
        let answer = ReportBlock {
            source: Ssrc(7),
            fraction_lost: 0,
            lost: 0,
            highest: 0,
            jitter: 0,
            last_report: (report.ntp >> 16) as u32,
            delay: 65_536 / 4,
        };
        let round_trip = out.round_trip(Time::from_micros(800_000), &answer);
        assert_eq!(round_trip, Some(Duration::from_millis(50)));
        let other = ReportBlock { last_report: 1, ..answer };
        assert_eq!(out.round_trip(Time::from_micros(800_000), &other), None);
    }
}

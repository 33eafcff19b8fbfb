//! Where the counts of hub and media node are plugged into the cloud's own words for them. It is
//! the only file that knows both.

use crate::calls::{Flow, LegSample};
use crate::metrics::{Histogram, LinkTotals, NodeTotals};
use conclave_link_cloud::HubHandle;
use conclave_media_node::{HELD_BOUNDS_US, Held, LegReport, MediaNodeHandle};
use conclave_types::VIDEO_CLOCK_HZ;
use std::time::Duration;

/// A leg's report as a sample.
pub(super) fn leg_sample(report: &LegReport) -> LegSample {
    let leg = &report.forwarded;
    let (audio, video) = (&leg.audio, &leg.video);
    let jitter_us = u64::from(video.jitter) * 1_000_000 / u64::from(VIDEO_CLOCK_HZ);
    LegSample {
        flow: if leg.flowing { Flow::Flowing } else { Flow::Silent },
        received: audio.received + video.received,
        // What filled a gap was lost and sent again, but for the few that were only overtaken.
        lost: audio.late + audio.given_up + video.late + video.given_up,
        unrepaired: audio.given_up + video.given_up,
        asked: audio.asked + video.asked,
        keyframes_asked: leg.keyframes_asked,
        jitter: Duration::from_micros(jitter_us),
        sent: leg.packets_sent,
        octets_sent: leg.octets_sent,
        resent: leg.resent,
        loss_to_room: f64::from(leg.worst_loss) / 256.0,
        round_trip: leg.round_trip,
        dropped: leg.dropped + leg.over_limit + report.unsent,
        refused: leg.refused + report.malformed + report.not_authentic + report.replayed,
    }
}

/// What the hub counts.
pub(super) fn link_totals(hub: &HubHandle) -> Option<LinkTotals> {
    let totals = hub.totals();
    Some(LinkTotals {
        half_open: totals.half_open_now,
        handshakes: vec![
            ("full", totals.handshakes_full),
            ("resumed", totals.handshakes_resumed),
            ("failed", totals.handshakes_failed),
            ("late", totals.handshakes_late),
        ],
        turned_away: totals.refused,
        ended: totals.ended,
        frames: vec![("from_room", totals.frames_in), ("to_room", totals.frames_out)],
        octets: vec![("from_room", totals.octets_in), ("to_room", totals.octets_out)],
    })
}

/// What the media node counts over all legs.
pub(super) fn node_totals(node: &MediaNodeHandle) -> Option<NodeTotals> {
    let totals = node.totals();
    let of = totals.forwarded;
    Some(NodeTotals {
        packets: vec![("from_room", of.packets_in), ("to_room", of.packets_out)],
        octets: vec![("from_room", of.octets_in), ("to_room", of.octets_out)],
        dropped: vec![
            ("over_limit", of.over_limit),
            ("waiting", of.dropped),
            ("unsent", totals.unsent),
        ],
        refused: vec![
            ("foreign", of.refused),
            ("malformed", totals.malformed),
            ("not_authentic", totals.not_authentic),
            ("replayed", totals.replayed),
        ],
        asked: vec![("of_rooms", of.asked_by_us), ("of_node", of.asked_of_us)],
        keyframes: vec![("of_rooms", of.keyframes_asked), ("of_node", of.keyframes_wanted)],
        bursts: totals.bursts,
        legs_refused: totals.refused_legs,
        held: Some(held(&totals.held)),
    })
}

/// How long packets were in the node, in seconds.
fn held(held: &Held) -> Histogram {
    const BOUNDS: [f64; HELD_BOUNDS_US.len()] = {
        let mut seconds = [0.0; HELD_BOUNDS_US.len()];
        let mut at = 0;
        while at < seconds.len() {
            seconds[at] = HELD_BOUNDS_US[at] as f64 / 1e6;
            at += 1;
        }
        seconds
    };
    Histogram::counted(&BOUNDS, held.packets.to_vec(), held.sum_us as f64 / 1e6)
}

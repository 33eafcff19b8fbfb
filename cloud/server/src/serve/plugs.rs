//! Where the counts of hub and media node are plugged into the cloud's own words for them. It is
//! the only file that knows both.

use crate::calls::{Flow, LegSample};
use crate::metrics::{LinkTotals, NodeTotals};
use conclave_link_cloud::HubHandle;
use conclave_media_node::{LegReport, MediaNodeHandle};
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
        dropped: leg.dropped + report.unsent,
        refused: leg.refused + report.malformed + report.not_authentic + report.replayed,
    }
}

/// What the hub counts. It offers nothing yet: give `LinkTotals` here when it does.
pub(super) fn link_totals(_hub: &HubHandle) -> Option<LinkTotals> {
    None
}

/// What the media node counts over all legs. It offers nothing yet: give `NodeTotals` here when
/// it does.
pub(super) fn node_totals(_node: &MediaNodeHandle) -> Option<NodeTotals> {
    None
}

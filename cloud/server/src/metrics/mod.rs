//! The operator's metrics: what is counted, written as Prometheus reads it, served over HTTP.
//!
//! - `text`: the text format, and a histogram;
//! - [`http`]: answers `GET /metrics` and nothing else;
//! - [`requests`]: how long rooms wait for their answers;
//! - `process`: what the process itself uses;
//! - here: which families there are.
//!
//! **Labels are bounded.** Each is one of a few words in this program's source. No room, meeting
//! room, address, name or id is ever a label: who had a bad call is what `conclave-cloud calls` and
//! the log's spans are for.
//!
//! Written by ourselves, and not with a crate: what is counted is the state of machines that own
//! it and are asked for it, so a global recorder would only be a second copy; the format is two
//! comment lines and one line per number; an exporter would bring a web server into a process that
//! needs none. `docs/observability.md` has the comparison.

pub mod http;
mod process;
pub mod requests;
mod text;

pub use text::Histogram;
pub(crate) use text::{Kind, Page};

use crate::calls::Media;
use crate::switchboard::{Gauges, Tally};
use conclave_types::UnixTime;
use requests::RequestTimes;
use std::time::Duration;

/// What the hub of links counts; see `serve/plugs.rs`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LinkTotals {
    /// Connections without a hello yet.
    pub half_open: u64,
    /// Handshakes by their end: `full`, `resumed`, `failed`, `late`.
    pub handshakes: Vec<(&'static str, u64)>,
    /// Connections that a limit turned away, by which.
    pub turned_away: Vec<(&'static str, u64)>,
    /// Links that ended, by why.
    pub ended: Vec<(&'static str, u64)>,
    /// Frames by direction: `from_room`, `to_room`.
    pub frames: Vec<(&'static str, u64)>,
    /// Octets of frames by direction, without TLS.
    pub octets: Vec<(&'static str, u64)>,
}

/// What the media node counts over all its legs, packet by packet; see `serve/plugs.rs`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeTotals {
    /// Packets by direction: `from_room`, `to_room`.
    pub packets: Vec<(&'static str, u64)>,
    /// Their octets in the clear.
    pub octets: Vec<(&'static str, u64)>,
    /// Packets that a limit dropped, by which.
    pub dropped: Vec<(&'static str, u64)>,
    /// Packets that were refused, by why.
    pub refused: Vec<(&'static str, u64)>,
    /// Packets asked for again: `of_rooms` by the node, `of_node` by rooms.
    pub asked: Vec<(&'static str, u64)>,
    /// Keyframes asked for: `of_rooms` by the node, `of_node` by rooms.
    pub keyframes: Vec<(&'static str, u64)>,
    /// Bursts that were handed to the system.
    pub bursts: u64,
    /// Legs that were not opened because the node or their meeting was full.
    pub legs_refused: u64,
    /// How long packets were in the node, in seconds.
    pub held: Option<Histogram>,
}

/// What is known of the console's certificate; see `serve/certificate.rs`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CertificateTotals {
    /// Until when it is good.
    pub good_until: Option<UnixTime>,
    /// Orders at an authority by their end: `got`, `failed`; `None` when none is asked.
    pub orders: Option<Vec<(&'static str, u64)>>,
}

/// Everything that one page shows.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// Since the process began to serve.
    pub up: Duration,
    /// The switchboard's counts.
    pub tally: &'a Tally,
    /// The switchboard's state.
    pub gauges: Gauges,
    /// Legs that have a call, and those of them that packets come from.
    pub legs: (usize, usize),
    /// What went over legs.
    pub media: &'a Media,
    /// How long rooms waited.
    pub requests: &'a RequestTimes,
    /// How long the database took to keep changes, in seconds.
    pub commits: &'a Histogram,
    /// How long the switchboard was busy with one input, in seconds.
    pub busy: &'a Histogram,
    /// The hub's own counts, where it has any.
    pub links: Option<LinkTotals>,
    /// The media node's own counts, where it has any.
    pub node: Option<NodeTotals>,
    /// The console's certificate, where it has one.
    pub certificate: Option<CertificateTotals>,
}

/// Writes the page.
pub fn page(snapshot: &Snapshot<'_>) -> String {
    let mut page = Page::default();
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.family("conclave_build_info", Kind::Gauge, "Always 1; the version is in the label.")
        .line(&version, 1.0);
    page.gauge("conclave_up_seconds", "Since this process began to serve.", {
        snapshot.up.as_secs_f64()
    });
    links(&mut page, snapshot);
    meetings(&mut page, snapshot);
    media(&mut page, snapshot);
    page.histogram(
        "conclave_store_commit_seconds",
        "How long the database took to keep a change.",
        snapshot.commits,
    );
    page.histogram(
        "conclave_switchboard_busy_seconds",
        "How long the switchboard was busy with one input, the database included.",
        snapshot.busy,
    );
    certificate(&mut page, snapshot);
    process::write(&mut page);
    page.into_text()
}

fn links(page: &mut Page, snapshot: &Snapshot<'_>) {
    let Snapshot { tally, gauges, .. } = snapshot;
    page.gauge("conclave_links", "Links of which a hello came.", gauges.links as f64);
    page.gauge("conclave_rooms_linked", "Enrolled rooms that are linked.", gauges.rooms as f64);
    page.gauge(
        "conclave_newcomers_waiting",
        "Devices that show an activation code.",
        gauges.newcomers as f64,
    );
    page.words(
        "conclave_hellos_total",
        "Hellos by how they were greeted.",
        "outcome",
        tally.hellos.iter(),
    );
    page.words(
        "conclave_room_parts_broken_total",
        "Parts of rooms that stopped working, as the rooms told.",
        "part",
        tally.parts_broken.iter(),
    );
    page.counter(
        "conclave_room_parts_mended_total",
        "Parts of rooms that work again.",
        tally.parts_mended as f64,
    );
    let Some(hub) = &snapshot.links else { return };
    page.gauge(
        "conclave_link_half_open",
        "Connections that have not said hello yet.",
        hub.half_open as f64,
    );
    for (name, help, label, counts) in [
        ("conclave_link_handshakes_total", "TLS handshakes by end.", "outcome", &hub.handshakes),
        (
            "conclave_link_turned_away_total",
            "Connections that a limit turned away.",
            "limit",
            &hub.turned_away,
        ),
        ("conclave_links_ended_total", "Links that ended, by why.", "why", &hub.ended),
        ("conclave_link_frames_total", "Frames on links.", "direction", &hub.frames),
        ("conclave_link_octets_total", "Octets of frames on links.", "direction", &hub.octets),
    ] {
        page.words(name, help, label, counts.iter().copied());
    }
}

fn certificate(page: &mut Page, snapshot: &Snapshot<'_>) {
    let Some(certificate) = &snapshot.certificate else { return };
    if let Some(until) = certificate.good_until {
        page.gauge(
            "conclave_console_certificate_expiry_timestamp_seconds",
            "Until when the console's certificate is good, in seconds since 1970.",
            until.0 as f64,
        );
    }
    if let Some(orders) = &certificate.orders {
        page.words(
            "conclave_console_certificate_orders_total",
            "Certificates that an authority was asked for, by what came of it.",
            "outcome",
            orders.iter().copied(),
        );
    }
}

fn meetings(page: &mut Page, snapshot: &Snapshot<'_>) {
    let Snapshot { tally, gauges, media, requests, .. } = snapshot;
    page.gauge("conclave_meetings", "Meetings that are on.", gauges.meetings as f64);
    page.gauge("conclave_participants", "Rooms that are in meetings.", gauges.participants as f64);
    page.gauge("conclave_lobby", "Rooms that wait in a lobby.", gauges.waiting as f64);
    page.words("conclave_joins_total", "Joins by outcome.", "outcome", tally.joins.iter());
    page.words(
        "conclave_calls_ended_total",
        "Calls that ended, by why.",
        "why",
        tally.calls_ended.iter(),
    );
    page.counter(
        "conclave_calls_resumed_total",
        "Calls that went on over a new link.",
        tally.calls_resumed as f64,
    );
    page.histogram("conclave_call_duration_seconds", "How long calls took.", &media.duration);
    page.gauge("conclave_pin_checks", "PINs being looked at.", gauges.pin_checks as f64);
    page.gauge(
        "conclave_records_waiting",
        "Call records that could not be written yet.",
        gauges.records_waiting as f64,
    );
    page.counter(
        "conclave_records_failed_total",
        "Writings of call records that failed and are tried again.",
        tally.records_failed as f64,
    );
    let mut family = page.family(
        "conclave_request_seconds",
        Kind::Histogram,
        "From a room's request to its answer, inside the cloud.",
    );
    for (kind, histogram) in requests.iter() {
        family.histogram(&[("kind", kind)], histogram);
    }
}

fn media(page: &mut Page, snapshot: &Snapshot<'_>) {
    let media = snapshot.media;
    let sums = &media.sums;
    page.gauge("conclave_legs", "Legs with a call that is on.", snapshot.legs.0 as f64);
    page.gauge(
        "conclave_legs_flowing",
        "Legs that packets come from, as of the last look.",
        snapshot.legs.1 as f64,
    );
    page.words(
        "conclave_media_packets_total",
        "RTP packets by direction, as of the last look at each leg.",
        "direction",
        [("from_room", sums.received), ("to_room", sums.sent)].into_iter(),
    );
    page.counter(
        "conclave_media_octets_to_room_total",
        "RTP payload octets sent to rooms.",
        sums.octets_sent as f64,
    );
    page.words(
        "conclave_media_lost_packets_total",
        "RTP packets lost on the network, those sent again included; to rooms by their reports.",
        "direction",
        [("from_room", sums.lost), ("to_room", media.lost_to_rooms)].into_iter(),
    );
    page.counter(
        "conclave_media_unrepaired_packets_total",
        "RTP packets from rooms that were lost and not sent again in time.",
        sums.unrepaired as f64,
    );
    page.counter(
        "conclave_media_nacks_total",
        "Packets that rooms were asked to send again.",
        sums.asked as f64,
    );
    page.counter(
        "conclave_media_resent_total",
        "Packets that were sent to rooms again.",
        sums.resent as f64,
    );
    page.counter(
        "conclave_media_keyframe_requests_total",
        "Keyframes that rooms were asked for.",
        sums.keyframes_asked as f64,
    );
    page.counter(
        "conclave_media_dropped_total",
        "Packets to rooms that a limit of the cloud dropped.",
        sums.dropped as f64,
    );
    page.counter(
        "conclave_media_refused_total",
        "Datagrams to legs that were refused: not authentic, replayed or malformed.",
        sums.refused as f64,
    );
    let mut loss = page.family(
        "conclave_leg_loss_ratio",
        Kind::Histogram,
        "Share of packets lost between two looks at a leg, by direction.",
    );
    loss.histogram(&[("direction", "from_room")], &media.loss_from_room);
    loss.histogram(&[("direction", "to_room")], &media.loss_to_room);
    page.histogram(
        "conclave_leg_jitter_seconds",
        "Jitter of rooms' pictures at the looks.",
        &media.jitter,
    );
    page.histogram(
        "conclave_leg_round_trip_seconds",
        "Round trips to rooms at the looks.",
        &media.round_trip,
    );
    let Some(node) = &snapshot.node else { return };
    for (name, help, label, counts) in [
        ("conclave_node_packets_total", "Packets of the node.", "direction", &node.packets),
        ("conclave_node_octets_total", "Octets of its packets.", "direction", &node.octets),
        ("conclave_node_dropped_total", "Packets that a limit dropped.", "limit", &node.dropped),
        ("conclave_node_refused_total", "Packets that were refused.", "why", &node.refused),
        ("conclave_node_nacks_total", "Packets asked for again.", "asked", &node.asked),
        ("conclave_node_keyframe_requests_total", "Keyframes asked for.", "asked", &node.keyframes),
    ] {
        page.words(name, help, label, counts.iter().copied());
    }
    page.counter("conclave_node_bursts_total", "Bursts sent.", node.bursts as f64);
    page.counter(
        "conclave_node_legs_refused_total",
        "Legs that were not opened because the node or their meeting was full.",
        node.legs_refused as f64,
    );
    if let Some(held) = &node.held {
        page.histogram(
            "conclave_node_held_seconds",
            "How long packets were in the node, from reading to sending.",
            held,
        );
    }
}

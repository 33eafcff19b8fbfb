//! How the call goes, in numbers: for the log, the console and the demonstration's table.

use conclave_types::{ParticipantId, SrtpProfile, Ssrc};
use serde::Serialize;
use std::collections::HashMap;

/// A look at the media path at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MediaReport {
    /// The encoder that passed its trial: the name of GStreamer's element.
    pub encoder: Option<String>,
    /// Width of the picture that is sent, in pixels; 0 while no camera works.
    pub camera_width: u32,
    /// Height of the picture that is sent, in pixels; 0 while no camera works.
    pub camera_height: u32,
    /// Pictures per second that the camera gave over the last seconds.
    pub camera_fps: f64,
    /// What the loudspeaker played over the last second, in dBFS; -127 is silence. `None` without
    /// a working loudspeaker.
    pub played_dbfs: Option<f64>,
    /// How packets are protected; `None` outside a call.
    pub srtp_profile: Option<SrtpProfile>,
    /// What went over the call's socket; `None` outside a call.
    pub network: Option<NetworkReport>,
    /// Everyone else in the call, in the order in which they were announced.
    pub participants: Vec<ParticipantReport>,
}

/// What went over the call's socket since the call began.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NetworkReport {
    /// RTP packets sent, without those sent again.
    pub packets_sent: u64,
    /// RTP packets sent again because the node asked.
    pub packets_sent_again: u64,
    /// Packets that the machine's network did not take.
    pub packets_unsent: u64,
    /// RTP packets that authenticated.
    pub packets_received: u64,
    /// Packets that did not authenticate or were not what they claimed.
    pub rejected: u64,
    /// Packets that had been received before.
    pub replayed: u64,
    /// Packets of sources that nobody announced.
    pub unannounced: u64,
    /// Keyframes that the node asked for.
    pub keyframes_asked: u64,
    /// Round trip to the node in ms; 0 until known.
    pub round_trip_ms: f64,
    #[serde(skip)]
    pub(crate) streams: HashMap<Ssrc, StreamReport>,
}

/// Someone else in the call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParticipantReport {
    /// Who.
    pub participant: ParticipantId,
    /// From the call's start to their first decoded picture, in ms.
    pub first_picture_ms: Option<u64>,
    /// Width of their picture in pixels; 0 before the first.
    pub width: u32,
    /// Height of their picture in pixels; 0 before the first.
    pub height: u32,
    /// Pictures decoded per second over the last seconds.
    pub fps: f64,
    /// Their picture's packets.
    pub video: StreamReport,
    /// Their voice's packets.
    pub audio: StreamReport,
}

/// The packets of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct StreamReport {
    /// That arrived and were used.
    pub received: u64,
    /// That should have arrived and have not.
    pub lost: u64,
    /// That filled a gap: sent again, or overtaken.
    pub retransmitted: u64,
    /// That were asked for, repetitions included.
    pub asked: u64,
    /// Interarrival jitter in ms (RFC 3550, appendix A.8).
    pub jitter_ms: f64,
    /// How long packets are held at present so that late ones still fit, in ms.
    pub delay_ms: f64,
}

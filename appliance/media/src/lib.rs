//! The room's media path: camera and microphone to the wire, the wire to display and loudspeaker.
//!
//! ```text
//! camera ──► frame slot ──► self-view ─────────────┐
//!    └─tap─► encoder ► RTP ─┐                      │
//! microphone ► echo, noise  ├► number ► SRTP ► UDP ►  media node
//!    └─tap─► Opus ► RTP ────┘                      │
//! UDP ► SRTP ► by source ─┬► playout ► H.264 ► frame slot ► compositor ► display
//!                         └► playout ► Opus ► voice ► mixer ► echo probe ► loudspeaker
//! ```
//!
//! Pieces are joined by values that one side overwrites and the other looks at, never by
//! pipelines that wait for each other: a camera that is unplugged, a stream that breaks its
//! decoder, a screen that stalls each stop themselves alone.
//!
//! Threads: one per device and one for the display (each opens, runs, retries), one that carries
//! out commands, GStreamer's own; and one tokio task per call that owns the socket.

mod call;
mod capture;
mod config;
mod decoder;
mod device;
mod display;
mod early;
mod encoder;
mod frames;
mod inbound;
mod loudspeaker;
mod media;
mod memory;
mod mixer;
mod network;
mod packets;
mod playout;
mod receive;
mod report;
mod rtcp_out;
mod running;
mod send;
mod wav;

pub use config::{
    CameraSource, DisplaySink, FramesPerSecond, Kilobits, LoudspeakerSink, MediaConfig,
    MicrophoneSource, Pixels, RangeError, SourceError,
};
pub use display::layout;
pub use media::{Media, MediaError, MediaHandle};
pub use memory::keep_memory_small;
pub use report::{MediaReport, NetworkReport, ParticipantReport, StreamReport};

//! What the room asks of its media path, and what the media path reports back.
//!
//! conclave-media carries these out with GStreamer; a simulation carries them out with nothing.

use conclave_panel_api::{Language, Layout};
use conclave_types::{
    ActivationCode, CallId, CameraLimit, DisplayName, MediaLeg, ParticipantId, Redacted, Ssrc,
    Switch,
};
use std::net::SocketAddr;

/// What the media path is asked to do. Commands are carried out in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaCommand {
    /// Start sending to and receiving from a media node.
    StartCall {
        /// Which call, for reports and logs.
        call: CallId,
        /// Keys and sources.
        leg: Box<MediaLeg>,
        /// The node's address and port.
        node: Redacted<SocketAddr>,
    },
    /// Who else is in the call: their pictures are shown and their voices played. Packets of
    /// other sources are dropped.
    Participants(Vec<RemoteParticipant>),
    /// Stop the call and show the idle display.
    StopCall,
    /// The microphone sends, or sends nothing.
    Microphone(Switch),
    /// The camera sends, or sends nothing.
    Camera(Switch),
    /// How large the camera's pictures may be; outside of calls.
    CameraLimit(CameraLimit),
    /// The loudspeaker, 0 (silent) to 100 (full scale).
    Volume(u8),
    /// How the display arranges the pictures.
    Layout(Layout),
    /// Who is outlined as speaking.
    Speaking(Option<ParticipantId>),
    /// What the front display shows while no call is up, and in which words.
    Display(IdleDisplay),
    /// A short sound that says where the room is; outside of calls.
    Chirp,
    /// A line over the call's picture that never covers a face: the link is lost, rejoining.
    Banner(Option<Banner>),
}

/// Someone else in the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteParticipant {
    /// Their id in this meeting.
    pub participant: ParticipantId,
    /// Their name, shown on their tile.
    pub name: DisplayName,
    /// Whether the microphone-off mark is shown.
    pub microphone: Switch,
    /// Whether their tile shows a picture or "camera off".
    pub camera: Switch,
    /// The source of their audio packets.
    pub audio: Ssrc,
    /// The source of their video packets.
    pub video: Ssrc,
}

/// The front display outside a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleDisplay {
    /// The language of its words.
    pub language: Language,
    /// The room's name; `None` before it is enrolled.
    pub room: Option<DisplayName>,
    /// Whether somebody asks which room it is.
    pub identify: bool,
    /// The activation code, while the room is not enrolled.
    pub code: Option<ActivationCode>,
    /// The time of day in the room, hours and minutes.
    pub clock: (u8, u8),
}

/// A line over the call's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Banner {
    /// The link is lost; picture and sound go on.
    LinkLost,
    /// The call is being joined again.
    Rejoining,
}

/// What the media path reports.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// A part works, or does not.
    Part {
        /// Which.
        part: MediaPart,
        /// Whether it works.
        working: bool,
        /// For the log and the console, English.
        detail: String,
    },
    /// The first picture of a participant was decoded.
    FirstPicture {
        /// Whose.
        participant: ParticipantId,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// No packet authenticated for two seconds, or packets flow again.
    Flowing {
        /// In which call.
        call: CallId,
        /// Whether packets flow.
        flowing: bool,
    },
    /// The call's media could not be started.
    CallFailed {
        /// Which call.
        call: CallId,
        /// For the log.
        detail: String,
    },
}

/// The parts of the media path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaPart {
    /// The camera.
    Camera,
    /// The microphone.
    Microphone,
    /// The loudspeaker.
    Loudspeaker,
    /// The front display.
    Display,
    /// The video encoder.
    Encoder,
}

//! Which devices the room has, as the configuration file names them.
//!
//! Every value is checked while the file is read, so that a mistake is told with its line and
//! nothing behind this module meets a picture of odd width or an unknown kind of source.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The media path's part of the room's configuration. Every field has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaConfig {
    /// Where the picture comes from.
    pub camera: CameraSource,
    /// Where the sound comes from.
    pub microphone: MicrophoneSource,
    /// Where the voices of the others go.
    pub loudspeaker: LoudspeakerSink,
    /// Where the pictures of the others go.
    pub display: DisplaySink,
    /// Width of the picture that is sent, in pixels.
    pub width: Pixels,
    /// Height of the picture that is sent, in pixels.
    pub height: Pixels,
    /// Most pictures per second that are sent; a slower camera sends at its own rate.
    pub fps: FramesPerSecond,
    /// What the picture may cost, in kbit/s.
    pub bitrate_kbit: Kilobits,
    /// Width of what the display is given, in pixels.
    pub display_width: Pixels,
    /// Height of what the display is given, in pixels.
    pub display_height: Pixels,
    /// Take what the loudspeaker plays out of what the microphone hears.
    pub echo_cancellation: bool,
    /// Take steady noise (fans, projectors) out of what the microphone hears.
    pub noise_suppression: bool,
    /// Bring quiet and loud voices to one level.
    pub gain_control: bool,
}

impl Default for MediaConfig {
    fn default() -> MediaConfig {
        MediaConfig {
            camera: CameraSource::V4l2("/dev/video0".into()),
            microphone: MicrophoneSource::Alsa("default".to_owned()),
            loudspeaker: LoudspeakerSink::Alsa("default".to_owned()),
            display: DisplaySink::Kms,
            width: Pixels(1280),
            height: Pixels(720),
            fps: FramesPerSecond(30),
            bitrate_kbit: Kilobits(2500),
            display_width: Pixels(1280),
            display_height: Pixels(720),
            echo_cancellation: true,
            noise_suppression: true,
            gain_control: true,
        }
    }
}

impl MediaConfig {
    /// The same with pictures of at most so many lines, in the same proportions, for fewer bits.
    pub(crate) fn limited(&self, lines: u32) -> MediaConfig {
        let height = self.height.get();
        if height <= lines {
            return self.clone();
        }
        let scaled = |pixels: u32| Pixels((pixels * lines / height / 2 * 2).max(64));
        let kbit = (self.bitrate_kbit.get() * lines / height).max(100);
        MediaConfig {
            width: scaled(self.width.get()),
            height: scaled(height),
            bitrate_kbit: Kilobits(kbit),
            ..self.clone()
        }
    }

    /// Whether what is played can be heard by the microphone and should be taken out again. A
    /// file makes no sound and hears none.
    pub(crate) fn wants_probe(&self) -> bool {
        self.echo_cancellation
            && matches!(self.loudspeaker, LoudspeakerSink::Alsa(_) | LoudspeakerSink::PipeWire)
            && matches!(self.microphone, MicrophoneSource::Alsa(_) | MicrophoneSource::PipeWire)
    }
}

/// Where the picture comes from: `v4l2:/dev/video0`, `file:PATH` or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameraSource {
    /// A camera of the kernel's, by its device file.
    V4l2(PathBuf),
    /// A video file, played again and again in real time; or a named pipe that another program
    /// writes a video into, shown as it comes.
    File(PathBuf),
    /// The room has no camera.
    None,
}

/// Where the sound comes from: `alsa:DEVICE`, `pipewire`, `file:PATH` or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MicrophoneSource {
    /// An ALSA capture device.
    Alsa(String),
    /// The default source of the running PipeWire.
    PipeWire,
    /// A sound file, played again and again in real time.
    File(PathBuf),
    /// The room has no microphone.
    None,
}

/// Where the voices of the others go: `alsa:DEVICE`, `pipewire`, `file:PATH.wav` or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoudspeakerSink {
    /// An ALSA playback device.
    Alsa(String),
    /// The default sink of the running PipeWire.
    PipeWire,
    /// A WAV file: 48 kHz, mono, i16, little endian; readable while it grows.
    File(PathBuf),
    /// The room has no loudspeaker.
    None,
}

/// Where the pictures of the others go: `kms`, `wayland`, `window` or `offscreen:PATH.png`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisplaySink {
    /// The whole screen, by the kernel's mode setting, without a window system.
    Kms,
    /// A surface of the running Wayland compositor.
    Wayland,
    /// A window wherever one can be opened.
    Window,
    /// The latest picture in a PNG file, replaced as a whole about twice a second.
    Offscreen(PathBuf),
}

/// Why a text names no source or sink.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found '{found}'")]
pub struct SourceError {
    /// The forms that are understood.
    pub expected: &'static str,
    /// What was written.
    pub found: String,
}

/// What follows `prefix` and a colon, when it is not empty.
fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.strip_prefix(prefix)?.strip_prefix(':').filter(|rest| !rest.is_empty())
}

impl FromStr for CameraSource {
    type Err = SourceError;
    fn from_str(text: &str) -> Result<CameraSource, SourceError> {
        if text == "none" {
            return Ok(CameraSource::None);
        }
        after(text, "v4l2")
            .map(|path| CameraSource::V4l2(path.into()))
            .or_else(|| after(text, "file").map(|path| CameraSource::File(path.into())))
            .ok_or(SourceError {
                expected: "v4l2:/dev/video0, file:PATH or none",
                found: text.to_owned(),
            })
    }
}

impl fmt::Display for CameraSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CameraSource::V4l2(path) => write!(f, "v4l2:{}", path.display()),
            CameraSource::File(path) => write!(f, "file:{}", path.display()),
            CameraSource::None => f.write_str("none"),
        }
    }
}

impl FromStr for MicrophoneSource {
    type Err = SourceError;
    fn from_str(text: &str) -> Result<MicrophoneSource, SourceError> {
        match text {
            "none" => return Ok(MicrophoneSource::None),
            "pipewire" => return Ok(MicrophoneSource::PipeWire),
            _ => {}
        }
        after(text, "alsa")
            .map(|device| MicrophoneSource::Alsa(device.to_owned()))
            .or_else(|| after(text, "file").map(|path| MicrophoneSource::File(path.into())))
            .ok_or(SourceError {
                expected: "alsa:DEVICE, pipewire, file:PATH.wav or none",
                found: text.to_owned(),
            })
    }
}

impl fmt::Display for MicrophoneSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MicrophoneSource::Alsa(device) => write!(f, "alsa:{device}"),
            MicrophoneSource::PipeWire => f.write_str("pipewire"),
            MicrophoneSource::File(path) => write!(f, "file:{}", path.display()),
            MicrophoneSource::None => f.write_str("none"),
        }
    }
}

impl FromStr for LoudspeakerSink {
    type Err = SourceError;
    fn from_str(text: &str) -> Result<LoudspeakerSink, SourceError> {
        match text {
            "none" => return Ok(LoudspeakerSink::None),
            "pipewire" => return Ok(LoudspeakerSink::PipeWire),
            _ => {}
        }
        after(text, "alsa")
            .map(|device| LoudspeakerSink::Alsa(device.to_owned()))
            .or_else(|| after(text, "file").map(|path| LoudspeakerSink::File(path.into())))
            .ok_or(SourceError {
                expected: "alsa:DEVICE, pipewire, file:PATH.wav or none",
                found: text.to_owned(),
            })
    }
}

impl fmt::Display for LoudspeakerSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoudspeakerSink::Alsa(device) => write!(f, "alsa:{device}"),
            LoudspeakerSink::PipeWire => f.write_str("pipewire"),
            LoudspeakerSink::File(path) => write!(f, "file:{}", path.display()),
            LoudspeakerSink::None => f.write_str("none"),
        }
    }
}

impl FromStr for DisplaySink {
    type Err = SourceError;
    fn from_str(text: &str) -> Result<DisplaySink, SourceError> {
        match text {
            "kms" => Ok(DisplaySink::Kms),
            "wayland" => Ok(DisplaySink::Wayland),
            "window" => Ok(DisplaySink::Window),
            _ => after(text, "offscreen").map(|path| DisplaySink::Offscreen(path.into())).ok_or(
                SourceError {
                    expected: "kms, wayland, window or offscreen:PATH.png",
                    found: text.to_owned(),
                },
            ),
        }
    }
}

impl fmt::Display for DisplaySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DisplaySink::Kms => f.write_str("kms"),
            DisplaySink::Wayland => f.write_str("wayland"),
            DisplaySink::Window => f.write_str("window"),
            DisplaySink::Offscreen(path) => write!(f, "offscreen:{}", path.display()),
        }
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}
as_text!(CameraSource, MicrophoneSource, LoudspeakerSink, DisplaySink);

/// A number outside the range that its field allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct RangeError {
    /// The range, in words.
    pub expected: &'static str,
    /// What was written.
    pub found: u32,
}

macro_rules! ranged {
    ($(#[$doc:meta])* $name:ident, $ok:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "u32", into = "u32")]
        pub struct $name(u32);

        impl $name {
            /// The bare number.
            pub const fn get(self) -> u32 {
                self.0
            }
        }

        impl TryFrom<u32> for $name {
            type Error = RangeError;
            fn try_from(found: u32) -> Result<$name, RangeError> {
                let ok: fn(u32) -> bool = $ok;
                if ok(found) {
                    Ok($name(found))
                } else {
                    Err(RangeError { expected: $expected, found })
                }
            }
        }

        impl From<$name> for u32 {
            fn from(value: $name) -> u32 {
                value.0
            }
        }
    };
}

ranged!(
    /// A picture's width or height: 64 to 3840 and even, because chroma has half the resolution.
    Pixels,
    |n| (64..=3840).contains(&n) && n % 2 == 0,
    "an even number of pixels from 64 to 3840"
);
ranged!(
    /// Pictures per second, 5 to 60.
    FramesPerSecond,
    |n| (5..=60).contains(&n),
    "5 to 60 pictures per second"
);
ranged!(
    /// A bit rate in kbit/s, 100 to 20000.
    Kilobits,
    |n| (100..=20_000).contains(&n),
    "100 to 20000 kbit/s"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_read_as_it_is_written() {
        for text in ["v4l2:/dev/video2", "file:/srv/a clip:2.mp4", "none"] {
            assert_eq!(text.parse::<CameraSource>().unwrap().to_string(), text);
        }
        for text in ["alsa:hw:1,0", "pipewire", "file:/srv/a.wav", "none"] {
            assert_eq!(text.parse::<MicrophoneSource>().unwrap().to_string(), text);
            assert_eq!(text.parse::<LoudspeakerSink>().unwrap().to_string(), text);
        }
        for text in ["kms", "wayland", "window", "offscreen:/tmp/a.png"] {
            assert_eq!(text.parse::<DisplaySink>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_source_of_no_known_kind_is_refused_with_what_is_known() {
        for text in ["", "file", "file:", "v4l2:", "usb:1", "None"] {
            let refused = text.parse::<CameraSource>().unwrap_err().to_string();
            assert!(refused.contains("v4l2:/dev/video0") && refused.contains(text), "{refused}");
        }
        assert!("offscreen".parse::<DisplaySink>().is_err());
    }

    #[test]
    fn an_empty_configuration_is_a_room_with_its_first_devices() {
        let config: MediaConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(config, MediaConfig::default());
        assert!(config.echo_cancellation);
    }

    #[test]
    fn pictures_are_limited_in_their_proportions_and_never_made_larger() {
        let size = |lines| {
            let limited = MediaConfig::default().limited(lines);
            (limited.width.get(), limited.height.get(), limited.bitrate_kbit.get())
        };
        assert_eq!(size(1080), (1280, 720, 2500));
        assert_eq!(size(360), (640, 360, 1250));
        let odd: MediaConfig =
            serde_json::from_str(r#"{"width":3840,"height":1602,"bitrate_kbit":100}"#).unwrap();
        let odd = odd.limited(360);
        assert_eq!((odd.width.get(), odd.height.get(), odd.bitrate_kbit.get()), (862, 360, 100));
    }

    #[test]
    fn unknown_fields_and_impossible_sizes_are_refused() {
        for text in [
            r#"{"camra":"none"}"#,
            r#"{"width":1281}"#,
            r#"{"height":0}"#,
            r#"{"fps":0}"#,
            r#"{"fps":-1}"#,
            r#"{"bitrate_kbit":99999999}"#,
            r#"{"camera":"webcam"}"#,
        ] {
            assert!(serde_json::from_str::<MediaConfig>(text).is_err(), "{text}");
        }
    }
}

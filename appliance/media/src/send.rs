//! From raw pictures and sound to RTP packets, for the length of one call.
//!
//! - pictures → encoder → `rtph264pay` → the network's queue;
//! - sound in blocks of 20 ms → `opusenc` → `rtpopuspay` → audio level (RFC 6464) → the queue.
//!
//! Sequence numbers are given later, by the network's task, when a packet really leaves: so an
//! encoder can be replaced in mid-call without a number ever being used twice under one key.

use crate::config::MediaConfig;
use crate::encoder::Candidate;
use crate::frames::lock;
use crate::packets::{Kind, Outgoing, Switches};
use crate::running::{Running, Trouble};
use conclave_types::{AUDIO_LEVEL_EXTENSION, AUDIO_PAYLOAD_TYPE, Ssrc, VIDEO_PAYLOAD_TYPE};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_rtp as gst_rtp;
use gstreamer_video as gst_video;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Octets of an RTP packet, at most: with SRTP, UDP and IPv6 around it still below the 1280 that
/// every link of the Internet carries.
const MTU: u32 = 1150;

/// Samples in a block: 20 ms at 48 kHz.
pub(crate) const BLOCK: usize = 960;

/// Between two keyframes on request. Several receivers often ask at once, and each keyframe
/// costs as much as ten other pictures. A request that comes sooner waits for its moment: who
/// joins just behind a keyframe needs the next one to see anything at all.
const KEYFRAME_EVERY: Duration = Duration::from_millis(100);

/// What both senders need.
#[derive(Clone)]
pub(crate) struct Outlet {
    /// Where packets go.
    pub(crate) queue: Outgoing,
    /// Whether they are wanted.
    pub(crate) switches: Switches,
    /// When the call began: timestamps count from here, whatever pipeline writes them.
    pub(crate) began: Instant,
}

/// Encodes pictures.
pub(crate) struct VideoSender {
    running: Running,
    sink: gst_app::AppSink,
    source: gst_app::AppSrc,
    outlet: Outlet,
    keyframes: Arc<Mutex<Keyframes>>,
    latest: Latest,
}

/// Requests for keyframes.
#[derive(Default)]
struct Keyframes {
    /// When one was last made on request.
    made: Option<Instant>,
    /// Another is to be made.
    wanted: bool,
}

impl Keyframes {
    /// Whether one is to be made now; from then on it counts as made.
    fn due(&mut self, now: Instant) -> bool {
        let rested = self.made.is_none_or(|at| now.duration_since(at) >= KEYFRAME_EVERY);
        let due = self.wanted && rested;
        if due {
            *self = Keyframes { made: Some(now), wanted: false };
        }
        due
    }
}

/// The picture that was encoded last, and when; locked while one goes to the encoder, so that
/// they go in order.
type Latest = Arc<Mutex<Option<(gst::Buffer, Instant)>>>;

/// A picture between these ages is encoded again when a keyframe is asked for: whoever joins need
/// not wait for the camera's next. A younger one is followed by the next at once, an older one
/// comes from a camera that stalls.
const SHOWN_AGAIN: std::ops::Range<Duration> = Duration::from_millis(8)..Duration::from_millis(250);

impl VideoSender {
    /// Builds the pipeline. `timestamp_offset` is the RTP timestamp at the call's beginning.
    pub(crate) fn start(
        config: &MediaConfig,
        encoder: &Candidate,
        ssrc: Ssrc,
        timestamp_offset: u32,
        outlet: Outlet,
    ) -> Result<VideoSender, Trouble> {
        let running = Running::launch(&format!(
            "appsrc name=in is-live=true format=time max-buffers=2 leaky-type=downstream \
             ! {} ! rtph264pay name=pay mtu={MTU} aggregate-mode=zero-latency config-interval=-1 \
               pt={VIDEO_PAYLOAD_TYPE} ssrc={} timestamp-offset={timestamp_offset} \
             ! appsink name=out enable-last-sample=false sync=false async=false max-buffers=0",
            encoder.notation(),
            ssrc.0,
        ))?;
        encoder.configure(&running, config)?;
        let source = running.source("in")?;
        let caps = gst_video::VideoCapsBuilder::new()
            .format(gst_video::VideoFormat::I420)
            .width(config.width.get() as i32)
            .height(config.height.get() as i32)
            .framerate(gst::Fraction::new(config.fps.get() as i32, 1))
            .pixel_aspect_ratio(gst::Fraction::new(1, 1))
            .build();
        source.set_caps(Some(&caps));
        let sink = running.sink("out")?;
        let queue = outlet.queue.clone();
        sink.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    if let Some(map) = sample.buffer().and_then(|b| b.map_readable().ok()) {
                        queue.push(Kind::Video, map.to_vec());
                    }
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        running.play()?;
        let (keyframes, latest) = (Arc::default(), Latest::default());
        Ok(VideoSender { running, sink, source, outlet, keyframes, latest })
    }

    /// What takes pictures of the camera; may be called from any thread.
    pub(crate) fn taker(&self) -> impl FnMut(gst::Buffer) + Send + 'static {
        let (source, outlet) = (self.source.clone(), self.outlet.clone());
        let (latest, keyframes, sink) =
            (self.latest.clone(), self.keyframes.clone(), self.sink.clone());
        move |picture: gst::Buffer| {
            if !outlet.switches.is_on(Kind::Video) {
                *lock(&latest) = None;
                return;
            }
            if lock(&keyframes).due(Instant::now()) {
                force_keyframe(&sink);
            }
            encode(&source, &outlet, &latest, picture);
        }
    }

    /// Makes the next picture a keyframe, or one soon after when the last was made just now.
    pub(crate) fn request_keyframe(&self) {
        {
            let mut keyframes = lock(&self.keyframes);
            keyframes.wanted = true;
            if !keyframes.due(Instant::now()) {
                return;
            }
        }
        force_keyframe(&self.sink);
        let latest = lock(&self.latest).clone();
        if let Some((picture, at)) = latest
            && SHOWN_AGAIN.contains(&at.elapsed())
            && self.outlet.switches.is_on(Kind::Video)
        {
            encode(&self.source, &self.outlet, &self.latest, picture);
        }
    }

    /// What broke, if something did.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.running.trouble()
    }

    /// The encoder, so that a test can break it.
    #[cfg(test)]
    pub(crate) fn encoder(&self) -> gst::Element {
        self.running.element("encoder").unwrap()
    }
}

/// Has the encoder make its next picture a keyframe.
fn force_keyframe(sink: &gst_app::AppSink) {
    let event = gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build();
    // Fails only when the pipeline is going away.
    sink.send_event(event);
}

/// Gives the encoder a picture with the time that it is now.
fn encode(source: &gst_app::AppSrc, outlet: &Outlet, latest: &Latest, mut picture: gst::Buffer) {
    let mut latest = lock(latest);
    let since = outlet.began.elapsed();
    let picture_ref = picture.make_mut();
    picture_ref.set_pts(gst::ClockTime::from_nseconds(since.as_nanos() as u64));
    picture_ref.set_dts(gst::ClockTime::NONE);
    picture_ref.set_duration(gst::ClockTime::NONE);
    // The pixels are shared, not copied.
    *latest = Some((picture.clone(), Instant::now()));
    // Fails only when the pipeline is going away.
    let _ = source.push_buffer(picture);
}

/// Encodes sound.
pub(crate) struct VoiceSender {
    running: Running,
    source: gst_app::AppSrc,
    outlet: Outlet,
    levels: Arc<Mutex<VecDeque<u8>>>,
}

impl VoiceSender {
    /// Builds the pipeline. `timestamp_offset` is the RTP timestamp at the call's beginning.
    pub(crate) fn start(
        ssrc: Ssrc,
        timestamp_offset: u32,
        outlet: Outlet,
    ) -> Result<VoiceSender, Trouble> {
        let running = Running::launch(&format!(
            "appsrc name=in is-live=true format=time max-buffers=8 leaky-type=downstream \
               caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved \
             ! opusenc audio-type=voice frame-size=20 bitrate=40000 bitrate-type=cbr \
               inband-fec=true packet-loss-percentage=10 \
             ! rtpopuspay pt={AUDIO_PAYLOAD_TYPE} ssrc={} timestamp-offset={timestamp_offset} \
               mtu={MTU} \
             ! appsink name=out enable-last-sample=false sync=false async=false max-buffers=0",
            ssrc.0
        ))?;
        let source = running.source("in")?;
        let levels = Arc::new(Mutex::new(VecDeque::new()));
        let (queue, waiting) = (outlet.queue.clone(), levels.clone());
        running.sink("out")?.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    let Some(mut buffer) = sample.buffer_owned() else {
                        return Ok(gst::FlowSuccess::Ok);
                    };
                    // One block in, one packet out, in order; so the oldest level is this one's.
                    let level = lock(&waiting).pop_front().unwrap_or(SILENCE);
                    if write_level(buffer.make_mut(), level).is_ok()
                        && let Ok(map) = buffer.map_readable()
                    {
                        queue.push(Kind::Audio, map.to_vec());
                    }
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        running.play()?;
        Ok(VoiceSender { running, source, outlet, levels })
    }

    /// What takes the sound of the microphone, in pieces of any length.
    pub(crate) fn taker(&self) -> impl FnMut(Vec<i16>) + Send + 'static {
        let (source, outlet, levels) =
            (self.source.clone(), self.outlet.clone(), self.levels.clone());
        let mut pending: Vec<i16> = Vec::with_capacity(4 * BLOCK);
        let mut clock = BlockClock::default();
        move |samples: Vec<i16>| {
            if !outlet.switches.is_on(Kind::Audio) {
                pending.clear();
                return;
            }
            pending.extend_from_slice(&samples);
            while pending.len() >= BLOCK {
                let block: Vec<i16> = pending.drain(..BLOCK).collect();
                {
                    let mut levels = lock(&levels);
                    levels.push_back(level_of(&block));
                    // An encoder that swallowed a block must not shift all levels after it.
                    while levels.len() > 4 {
                        levels.pop_front();
                    }
                }
                let octets: Vec<u8> = block.iter().flat_map(|s| s.to_le_bytes()).collect();
                let mut buffer = gst::Buffer::from_mut_slice(octets);
                if let Some(buffer) = buffer.get_mut() {
                    let at = clock.next(outlet.began.elapsed());
                    buffer.set_pts(gst::ClockTime::from_nseconds(at.as_nanos() as u64));
                    buffer.set_duration(gst::ClockTime::from_mseconds(20));
                }
                let _ = source.push_buffer(buffer);
            }
        }
    }

    /// What broke, if something did.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.running.trouble()
    }
}

/// Timestamps of blocks: they follow each other without a gap, by the microphone's own clock,
/// and jump only after silence on purpose or when the clocks have drifted far apart.
#[derive(Default)]
struct BlockClock {
    next: Option<Duration>,
}

impl BlockClock {
    /// More than scheduling ever delays a block, less than a listener's buffer.
    const APART: Duration = Duration::from_millis(150);

    fn next(&mut self, now: Duration) -> Duration {
        let at = match self.next {
            Some(next) if next.abs_diff(now) < Self::APART => next,
            _ => now,
        };
        self.next = Some(at + Duration::from_millis(20));
        at
    }
}

/// The audio level of silence: 127 dB below full scale (RFC 6464, section 3).
const SILENCE: u8 = 127;

/// Softer than this, in dB below full scale, it is hardly a voice.
const VOICE_BELOW_FULL_DB: u8 = 45;

/// The level of samples: dB below full scale, 0 to 127.
pub(crate) fn level_of(samples: &[i16]) -> u8 {
    (-power_dbfs(samples)).round().clamp(0.0, f64::from(SILENCE)) as u8
}

/// The power of samples in dBFS, where a full-scale square wave is 0; -127 for silence.
pub(crate) fn power_dbfs(samples: &[i16]) -> f64 {
    let sum: i64 = samples.iter().map(|s| i64::from(*s) * i64::from(*s)).sum();
    let mean = sum as f64 / samples.len().max(1) as f64 / (32_768.0 * 32_768.0);
    (10.0 * mean.log10()).max(-127.0)
}

/// Writes the audio level into an RTP packet: one octet, voice flag and level.
fn write_level(buffer: &mut gst::BufferRef, level: u8) -> Result<(), gst::glib::BoolError> {
    let voice = if level < VOICE_BELOW_FULL_DB { 0x80 } else { 0 };
    let mut packet = gst_rtp::RTPBuffer::from_buffer_writable(buffer)?;
    packet.add_extension_onebyte_header(AUDIO_LEVEL_EXTENSION, &[voice | level])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_decibels_below_full_scale() {
        assert_eq!(level_of(&[0; 960]), 127);
        assert_eq!(level_of(&[i16::MIN; 960]), 0);
        assert_eq!(level_of(&[3277; 960]), 20);
        assert_eq!(level_of(&[]), 127);
    }

    #[test]
    fn blocks_follow_each_other_and_jump_only_after_silence() {
        let ms = Duration::from_millis;
        let mut clock = BlockClock::default();
        assert_eq!(clock.next(ms(1000)), ms(1000));
        assert_eq!(clock.next(ms(1031)), ms(1020));
        assert_eq!(clock.next(ms(1036)), ms(1040));
        assert_eq!(clock.next(ms(5000)), ms(5000));
    }

    #[test]
    fn a_keyframe_that_is_asked_for_too_soon_is_made_later_and_once() {
        let (mut keyframes, begun) = (Keyframes::default(), Instant::now());
        keyframes.wanted = true;
        assert!(keyframes.due(begun));
        keyframes.wanted = true;
        assert!(!keyframes.due(begun + KEYFRAME_EVERY / 2));
        assert!(keyframes.due(begun + KEYFRAME_EVERY));
        assert!(!keyframes.due(begun + 3 * KEYFRAME_EVERY));
    }

    #[test]
    fn a_packet_carries_its_level_where_a_receiver_looks_for_it() {
        gst::init().unwrap();
        use gst_rtp::rtp_buffer::RTPBufferExt;
        let mut buffer = gst::Buffer::new_rtp_with_sizes(10, 0, 0).unwrap();
        write_level(buffer.make_mut(), 30).unwrap();
        let map = buffer.map_readable().unwrap();
        let packet = conclave_rtp::Packet::parse(&map).unwrap();
        let level = packet.audio_level(AUDIO_LEVEL_EXTENSION).unwrap();
        assert_eq!((level.voice, level.below_full_db), (true, 30));
        assert_eq!(packet.payload().len(), 10);
    }
}

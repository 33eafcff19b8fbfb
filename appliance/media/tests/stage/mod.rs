//! What the tests stand on: a media node of a few lines, clips made on the spot, and eyes and
//! ears for what rooms show and play.

#![allow(dead_code, reason = "each test program uses its part of the stage")]
#![expect(unreachable_pub, reason = "a test program's module")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use conclave_media::{Media, MediaConfig, MediaHandle};
use conclave_room::media::{MediaCommand, MediaEvent, RemoteParticipant};
use conclave_rtp::{history::History, rtcp};
use conclave_types::{
    CallId, LegId, MediaLeg, ParticipantId, Redacted, SrtpKey, SrtpProfile, Ssrc, Switch, Time,
};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// One leg at the relay.
struct Leg {
    socket: UdpSocket,
    room: Mutex<Option<SocketAddr>>,
    seal: Mutex<Box<dyn conclave_srtp::Seal>>,
    open: Mutex<Box<dyn conclave_srtp::Open>>,
    history: Mutex<HashMap<Ssrc, History<Vec<u8>>>>,
    sources: [Ssrc; 2],
}

/// A media node for two: opens what comes from one room and seals it for the other.
pub struct Relay {
    legs: [Arc<Leg>; 2],
    pub counts: Arc<Counts>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    offers: [MediaLeg; 2],
}

/// What the relay saw and what it does to packets.
#[derive(Default)]
pub struct Counts {
    /// RTP packets that authenticated, by leg and source.
    pub rtp: Mutex<HashMap<(usize, Ssrc), u64>>,
    /// Packets that did not authenticate.
    pub refused: AtomicU64,
    /// The loudest audio level seen, by leg: 127 less the dB below full scale.
    pub loudest: [AtomicU32; 2],
    /// One of so many packets is dropped on its way to a room; 0 drops none.
    pub drop_one_in: AtomicU64,
    /// Nothing passes any more.
    pub cut: std::sync::atomic::AtomicBool,
    /// Keyframe requests from rooms.
    pub keyframes: AtomicU64,
    /// Sequence numbers asked for by rooms.
    pub asked: AtomicU64,
    /// Sealed datagrams of the first leg, for whoever wants to replay some.
    pub sealed: Mutex<Vec<Vec<u8>>>,
    seen: AtomicU64,
}

fn key(profile: SrtpProfile, seed: u8) -> SrtpKey {
    let octets = profile.key_len() + profile.salt_len();
    SrtpKey::new(profile, (0..octets as u8).map(|n| n.wrapping_mul(31) ^ seed).collect()).unwrap()
}

impl Relay {
    pub async fn start(profile: SrtpProfile) -> Relay {
        let mut legs = Vec::new();
        let mut offers = Vec::new();
        for n in 0..2_u8 {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let address = socket.local_addr().unwrap();
            let (up, down) = (key(profile, 10 + n), key(profile, 20 + n));
            let sources = [Ssrc(0x1000 + u32::from(n)), Ssrc(0x2000 + u32::from(n))];
            legs.push(Arc::new(Leg {
                socket,
                room: Mutex::new(None),
                seal: Mutex::new(conclave_srtp::sealer(&down).unwrap()),
                open: Mutex::new(conclave_srtp::opener(&up).unwrap()),
                history: Mutex::default(),
                sources,
            }));
            offers.push(MediaLeg {
                leg: LegId::from_random(u128::from(n)),
                address: Some(address.ip()),
                port: address.port(),
                room_to_node: up,
                node_to_room: down,
                audio: sources[0],
                video: sources[1],
            });
        }
        let legs: [Arc<Leg>; 2] = legs.try_into().ok().unwrap();
        let counts = Arc::new(Counts::default());
        let tasks = (0..2)
            .map(|n| {
                let (from, to) = (legs[n].clone(), legs[1 - n].clone());
                let counts = counts.clone();
                tokio::spawn(async move { relay(n, from, to, &counts).await })
            })
            .collect();
        Relay { legs, counts, tasks, offers: offers.try_into().unwrap() }
    }

    /// How a room joins leg `n`.
    pub fn start_call(&self, n: usize) -> MediaCommand {
        let leg = Box::new(self.offers[n].clone());
        let node = Redacted((leg.address.unwrap(), leg.port).into());
        MediaCommand::StartCall { call: CallId::from_random(n as u128), leg, node }
    }

    /// The room at leg `n` as the other one sees it.
    pub fn participant(&self, n: usize) -> RemoteParticipant {
        RemoteParticipant {
            participant: ParticipantId::from_random(n as u128),
            name: ["Salle Voltaire", "Kitchen"][n].parse().unwrap(),
            microphone: Switch::On,
            camera: Switch::On,
            audio: self.offers[n].audio,
            video: self.offers[n].video,
        }
    }

    pub fn received(&self, n: usize, ssrc: Ssrc) -> u64 {
        self.counts.rtp.lock().unwrap().get(&(n, ssrc)).copied().unwrap_or(0)
    }

    /// Whether the room at leg `n` has sent something that authenticates.
    pub fn knows(&self, n: usize) -> bool {
        self.legs[n].room.lock().unwrap().is_some()
    }

    /// Sends any octets to the room at leg `n`.
    pub async fn throw(&self, n: usize, octets: &[u8]) {
        let room = self.legs[n].room.lock().unwrap().unwrap();
        self.legs[n].socket.send_to(octets, room).await.unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn now() -> Time {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    Time::ZERO + BEGAN.get_or_init(Instant::now).elapsed()
}

async fn relay(n: usize, from: Arc<Leg>, to: Arc<Leg>, counts: &Counts) {
    let mut datagram = vec![0; 2048];
    loop {
        let (length, sender) = match from.socket.recv_from(&mut datagram).await {
            Ok(received) => received,
            Err(_) => continue,
        };
        let sealed = &datagram[..length];
        if conclave_srtp::is_rtcp(sealed) {
            let opened = from.open.lock().unwrap().open_rtcp(sealed);
            let Ok(packet) = opened else {
                counts.refused.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            *from.room.lock().unwrap() = Some(sender);
            if counts.cut.load(Ordering::Relaxed) {
                continue;
            }
            for packet in rtcp::parse(&packet).unwrap() {
                rtcp_packet(packet, &from, &to, counts).await;
            }
            continue;
        }
        let opened = from.open.lock().unwrap().open_rtp(sealed);
        let Ok(packet) = opened else {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        if n == 0 && counts.sealed.lock().unwrap().len() < 50 {
            counts.sealed.lock().unwrap().push(sealed.to_vec());
        }
        *from.room.lock().unwrap() = Some(sender);
        if counts.cut.load(Ordering::Relaxed) {
            continue;
        }
        let view = conclave_rtp::Packet::parse(&packet).unwrap();
        *counts.rtp.lock().unwrap().entry((n, view.source())).or_default() += 1;
        if let Some(level) = view.audio_level(conclave_types::AUDIO_LEVEL_EXTENSION) {
            counts.loudest[n].fetch_max(127 - u32::from(level.below_full_db), Ordering::Relaxed);
        }
        let resealed = to.seal.lock().unwrap().seal_rtp(&packet).unwrap();
        to.history
            .lock()
            .unwrap()
            .entry(view.source())
            .or_insert_with(|| History::new(1024, Duration::from_secs(2), Duration::from_millis(5)))
            .insert(now(), view.sequence(), resealed.clone());
        let one_in = counts.drop_one_in.load(Ordering::Relaxed);
        let seen = counts.seen.fetch_add(1, Ordering::Relaxed);
        // Scattered (Fibonacci hashing): two packets of sound and one of picture come in turn, and each fifteenth would
        // always be of the same kind.
        let scattered = seen.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        if one_in == 0 || !scattered.is_multiple_of(one_in) {
            give(&to, &resealed).await;
        }
    }
}

async fn rtcp_packet(packet: rtcp::Packet, from: &Leg, to: &Leg, counts: &Counts) {
    match &packet {
        rtcp::Packet::Nack { source, lost, .. } => {
            counts.asked.fetch_add(lost.len() as u64, Ordering::Relaxed);
            for sequence in lost {
                let again = {
                    let mut history = from.history.lock().unwrap();
                    history.get_mut(source).and_then(|h| h.resend(now(), *sequence).cloned())
                };
                if let Some(sealed) = again {
                    give(from, &sealed).await;
                }
            }
        }
        rtcp::Packet::PictureLoss { source, .. } => {
            counts.keyframes.fetch_add(1, Ordering::Relaxed);
            assert!(to.sources.contains(source), "the room asks the other room's source");
            give_rtcp(to, packet).await;
        }
        rtcp::Packet::SenderReport(_) => give_rtcp(to, packet).await,
        _ => {}
    }
}

async fn give_rtcp(to: &Leg, packet: rtcp::Packet) {
    let sealed = to.seal.lock().unwrap().seal_rtcp(&rtcp::write(&[packet])).unwrap();
    give(to, &sealed).await;
}

async fn give(to: &Leg, sealed: &[u8]) {
    let room = *to.room.lock().unwrap();
    if let Some(room) = room {
        let _ = to.socket.send_to(sealed, room).await;
    }
}

/// A room whose devices are files.
pub struct Room {
    pub handle: MediaHandle,
    pub events: mpsc::Receiver<MediaEvent>,
    pub picture: PathBuf,
    pub sound: PathBuf,
    pub seen: Vec<MediaEvent>,
}

impl Room {
    pub fn start(folder: &Path, name: &str, camera: &str, microphone: &str) -> Room {
        let picture = folder.join(format!("{name}.png"));
        let sound = folder.join(format!("{name}.wav"));
        let config: MediaConfig = serde_json::from_value(serde_json::json!({
            "camera": camera,
            "microphone": microphone,
            "loudspeaker": format!("file:{}", sound.display()),
            "display": format!("offscreen:{}", picture.display()),
            "fps": 25,
        }))
        .unwrap();
        let (handle, events) = Media::start(config).unwrap();
        Room { handle, events, picture, sound, seen: Vec::new() }
    }

    /// Waits for an event, keeping all that came before it.
    pub async fn event(&mut self, what: &str, wanted: impl Fn(&MediaEvent) -> bool) -> MediaEvent {
        let found = tokio::time::timeout(Duration::from_secs(15), async {
            loop {
                let event = self.events.recv().await.expect("the media path runs");
                self.seen.push(event.clone());
                if wanted(&event) {
                    return event;
                }
            }
        });
        match found.await {
            Ok(event) => event,
            Err(_) => panic!("{what} did not happen; seen: {:#?}", self.seen),
        }
    }
}

/// Looks again and again until something is so.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let until = Instant::now() + Duration::from_secs(15);
    loop {
        match look() {
            Ok(found) => return found,
            Err(last) if Instant::now() > until => panic!("not so: {what}; last seen: {last}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

fn run(notation: &str) {
    gst::init().unwrap();
    let pipeline = gst::parse::launch(notation).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(30), &wanted);
    pipeline.set_state(gst::State::Null).unwrap();
    let message = message.expect("the clip is made in time");
    assert!(message.type_() == gst::MessageType::Eos, "{message:?}");
}

/// Two seconds of a test card at 1280x720 and 25 pictures per second.
pub fn clip(path: &Path, pattern: &str) {
    run(&format!(
        "videotestsrc num-buffers=50 pattern={pattern} \
         ! video/x-raw,format=I420,width=1280,height=720,framerate=25/1 \
         ! x264enc speed-preset=ultrafast bitrate=4000 key-int-max=25 ! video/x-h264,profile=main \
         ! mp4mux ! filesink location={}",
        path.display()
    ));
}

/// A tone that comes and goes like syllables, so that noise suppression takes it for a voice.
pub fn tone(path: &Path, hertz: f64) {
    let mut octets = Vec::new();
    let samples = 48_000_u32 * 3;
    octets.extend(b"RIFF");
    octets.extend((36 + samples * 2).to_le_bytes());
    octets.extend(b"WAVEfmt ");
    for n in [16_u32, 1 | 1 << 16, 48_000, 96_000, 2 | 16 << 16] {
        octets.extend(n.to_le_bytes());
    }
    octets.extend(b"data");
    octets.extend((samples * 2).to_le_bytes());
    for n in 0..samples {
        let t = f64::from(n) / 48_000.0;
        let syllable = (std::f64::consts::TAU * t * 3.0).sin().max(0.0);
        let sample = (std::f64::consts::TAU * hertz * t).sin() * syllable * 9000.0;
        octets.extend((sample as i16).to_le_bytes());
    }
    std::fs::write(path, octets).unwrap();
}

/// A picture: RGB, rows without padding.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

impl Picture {
    pub fn read(path: &Path) -> Result<Picture, String> {
        let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
        let mut reader = png::Decoder::new(std::io::BufReader::new(file))
            .read_info()
            .map_err(|e| e.to_string())?;
        let mut pixels = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut pixels).map_err(|e| e.to_string())?;
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Ok(Picture { width: info.width as usize, height: info.height as usize, pixels })
    }

    /// What a test card looks like before any encoder saw it.
    pub fn test_card(pattern: &str) -> Picture {
        gst::init().unwrap();
        let pipeline = gst::parse::launch(&format!(
            "videotestsrc num-buffers=1 pattern={pattern} \
             ! video/x-raw,format=I420,width=1280,height=720 ! videoconvert \
             ! video/x-raw,format=RGB ! appsink name=out sync=false"
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        let sink: gstreamer_app::AppSink = pipeline.by_name("out").unwrap().downcast().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let sample = sink.pull_sample().unwrap();
        let pixels = sample.buffer().unwrap().map_readable().unwrap().to_vec();
        pipeline.set_state(gst::State::Null).unwrap();
        Picture { width: 1280, height: 720, pixels }
    }

    /// Peak signal-to-noise ratio in dB of the rows from `from` to `to` against another picture.
    pub fn psnr(&self, other: &Picture, from: usize, to: usize) -> f64 {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let part = from * self.width * 3..to * self.width * 3;
        let pairs = self.pixels[part.clone()].iter().zip(&other.pixels[part.clone()]);
        let squares: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
        10.0 * (255.0_f64.powi(2) * part.len() as f64 / squares.max(1) as f64).log10()
    }
}

/// The last second of a WAV file.
pub fn last_second(path: &Path) -> Vec<i16> {
    let octets = std::fs::read(path).unwrap_or_default();
    let samples: Vec<i16> = octets
        .get(44..)
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect();
    samples[samples.len().saturating_sub(48_000)..].to_vec()
}

/// The strength of a tone in samples at 48 kHz, relative to full scale, by Goertzel's method.
pub fn goertzel(samples: &[i16], hertz: f64) -> f64 {
    let k = 2.0 * (std::f64::consts::TAU * hertz / 48_000.0).cos();
    let (mut a, mut b) = (0.0, 0.0);
    for sample in samples {
        (a, b) = (k * a - b + f64::from(*sample) / 32_768.0, a);
    }
    (a * a + b * b - k * a * b).max(0.0).sqrt() * 2.0 / samples.len().max(1) as f64
}

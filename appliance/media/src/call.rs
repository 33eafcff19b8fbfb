//! One call's media: its socket's task, its encoders, everyone's decoders.
//!
//! A call is built whole or not at all, and everything in it ends when it is dropped: first the
//! taps of camera and microphone, then the socket, then the pipelines.

use crate::capture::{Pictures, Tap};
use crate::config::MediaConfig;
use crate::device::{Events, Reporter};
use crate::encoder::{Candidate, by_trial};
use crate::frames::{Bell, FrameSlot, lock};
use crate::inbound::Source;
use crate::mixer::{Mixer, Voice};
use crate::network::{self, Link, Steer};
use crate::packets::{self, Kind, Switches};
use crate::receive::{OnPicture, Receiver};
use crate::report::{NetworkReport, ParticipantReport};
use crate::running::Trouble;
use crate::send::{Outlet, VideoSender, VoiceSender};
use conclave_room::media::{MediaEvent, RemoteParticipant};
use conclave_types::{CallId, MediaLeg, ParticipantId, SrtpProfile, Ssrc, Switch};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How long the socket's task may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// By then every pipeline of a call's beginning runs.
const SETTLED: Duration = Duration::from_secs(3);

/// Those who left whose numbers are remembered for the line at the end.
const MOST_LEFT: usize = 64;

/// The parts of the room that outlive a call.
#[derive(Clone)]
pub(crate) struct Room {
    pub(crate) config: MediaConfig,
    pub(crate) events: Events,
    pub(crate) pictures: Pictures,
    pub(crate) sound: Tap<Vec<i16>>,
    pub(crate) mixer: Mixer,
    pub(crate) switches: Switches,
    pub(crate) runtime: tokio::runtime::Handle,
    /// Wakes the display.
    pub(crate) bell: Bell,
}

/// A call that is up.
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) profile: SrtpProfile,
    /// Everything that is logged about this call carries its id.
    pub(crate) span: tracing::Span,
    room: Room,
    began: Instant,
    ssrc: (Ssrc, Ssrc),
    offsets: [u32; 2],
    outlet: Outlet,
    steer: mpsc::UnboundedSender<Steer>,
    cancel: CancellationToken,
    ended: std::sync::mpsc::Receiver<()>,
    report: Arc<Mutex<NetworkReport>>,
    video: Arc<Mutex<Option<VideoSender>>>,
    voice: Option<VoiceSender>,
    /// Whether it has been told to send.
    pub(crate) sends: bool,
    settled: bool,
    others: Vec<Other>,
    /// How those fared who left before the end.
    left: Vec<ParticipantReport>,
    next_voice: u64,
}

/// Someone else in the call.
struct Other {
    who: RemoteParticipant,
    slot: FrameSlot,
    shown: Arc<AtomicBool>,
    seen: Arc<Seen>,
    voice: (u64, Voice),
    video_in: Receiver,
    audio_in: Receiver,
}

/// What was seen of someone so far.
#[derive(Default)]
struct Seen {
    /// Milliseconds from the call's start to the first picture, plus one; 0 before.
    first_ms: AtomicU64,
    /// Width in the upper half, height in the lower.
    size: AtomicU64,
}

impl Call {
    /// Opens the socket and starts to receive; [`Call::send`] is the other half.
    pub(crate) fn start(
        room: Room,
        id: CallId,
        leg: Box<MediaLeg>,
        node: SocketAddr,
    ) -> Result<Call, Trouble> {
        let began = Instant::now();
        let span = tracing::info_span!("call", call = %id);
        let _inside = span.clone().entered();
        let seal = conclave_srtp::sealer(&leg.room_to_node).map_err(Trouble::plain)?;
        let open = conclave_srtp::opener(&leg.node_to_room).map_err(Trouble::plain)?;
        let socket = connect(node)
            .map_err(|e| Trouble::text(format!("no socket to the media node: {e}")))?;
        let socket = {
            let _context = room.runtime.enter();
            tokio::net::UdpSocket::from_std(socket).map_err(Trouble::plain)?
        };
        let (queue, outgoing) = packets::outgoing();
        let (steer, steered) = mpsc::unbounded_channel();
        let outlet = Outlet { queue, switches: room.switches.clone(), began };
        let report = Arc::new(Mutex::new(NetworkReport::default()));
        let video: Arc<Mutex<Option<VideoSender>>> = Arc::default();
        let cancel = CancellationToken::new();
        let ssrc = (leg.audio, leg.video);
        let profile = leg.room_to_node.profile();
        let link = Link {
            call: id,
            leg,
            socket,
            seal,
            open,
            first_numbers: [chance() as u16 >> 1, chance() as u16 >> 1],
            outgoing,
            steer: steered,
            switches: room.switches.clone(),
            keyframe: Box::new({
                let video = video.clone();
                move || {
                    if let Some(video) = lock(&video).as_ref() {
                        video.request_keyframe();
                    }
                }
            }),
            events: room.events.clone(),
            report: report.clone(),
            cancel: cancel.clone(),
        };
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let task = async move {
            network::run(link).await;
            drop(end);
        };
        room.runtime.spawn(task.instrument(span.clone()));
        Ok(Call {
            id,
            profile,
            span,
            room,
            began,
            ssrc,
            offsets: [chance() as u32, chance() as u32],
            outlet,
            steer,
            cancel,
            ended,
            report,
            video,
            voice: None,
            sends: false,
            settled: false,
            others: Vec::new(),
            left: Vec::new(),
            next_voice: 0,
        })
    }

    /// Starts to send. The others' pictures come first: whoever tapped waits for them.
    pub(crate) fn send(&mut self, encoder: Option<&Candidate>) -> Result<(), Trouble> {
        let _inside = self.span.clone().entered();
        self.sends = true;
        if let Some(encoder) = encoder {
            self.start_video(encoder)?;
        }
        self.start_voice();
        Ok(())
    }

    fn start_voice(&mut self) {
        self.room.sound.close();
        self.voice = None;
        match VoiceSender::start(self.ssrc.0, self.offsets[0], self.outlet.clone()) {
            Ok(voice) => {
                self.room.sound.open(voice.taker());
                self.voice = Some(voice);
            }
            Err(trouble) => tracing::error!(%trouble, "sound cannot be encoded"),
        }
    }

    fn start_video(&mut self, encoder: &Candidate) -> Result<(), Trouble> {
        self.room.pictures.tap.close();
        let old = lock(&self.video).take();
        drop(old);
        let (ssrc, offset) = (self.ssrc.1, self.offsets[1]);
        let outlet = self.outlet.clone();
        let video = VideoSender::start(&self.room.config, encoder, ssrc, offset, outlet)?;
        self.room.pictures.tap.open(video.taker());
        *lock(&self.video) = Some(video);
        Ok(())
    }

    /// Makes the next picture a keyframe: the camera is on again, or back.
    pub(crate) fn request_keyframe(&self) {
        if let Some(video) = lock(&self.video).as_ref() {
            video.request_keyframe();
        }
    }

    /// Takes over who else is in the call. Those who stay keep their decoders.
    pub(crate) fn set_participants(&mut self, people: &[RemoteParticipant]) {
        let leaving = |other: &ParticipantReport| {
            !people.iter().any(|person| person.participant == other.participant)
        };
        let reports = self.participants_report(&self.network_report());
        // More are not remembered: the line at the end is for people.
        let room = MOST_LEFT.saturating_sub(self.left.len());
        self.left.extend(reports.into_iter().filter(leaving).take(room));
        let mut before = std::mem::take(&mut self.others);
        for person in people {
            let same = before.iter().position(|other| {
                let who = &other.who;
                (who.participant, who.audio, who.video)
                    == (person.participant, person.audio, person.video)
            });
            match same {
                Some(at) => {
                    let mut other = before.swap_remove(at);
                    other.follow(person);
                    self.others.push(other);
                }
                None => match self.receive(person) {
                    Ok(other) => self.others.push(other),
                    Err(trouble) => tracing::error!(
                        participant = %person.participant, %trouble, "nothing can be decoded"
                    ),
                },
            }
        }
        self.steer_sources();
        for other in before {
            self.room.mixer.remove(other.voice.0);
        }
    }

    fn steer_sources(&self) {
        let mut sources = HashMap::new();
        for other in &self.others {
            let pieces = [
                (other.who.video, Kind::Video, &other.video_in, other.who.camera),
                (other.who.audio, Kind::Audio, &other.audio_in, other.who.microphone),
            ];
            for (ssrc, kind, receiver, switch) in pieces {
                let (into, shown) = (receiver.taker(), other.shown.clone());
                let (who, expected) = (other.who.participant, switch.is_on());
                sources.insert(ssrc, Source { kind, who, into, shown, expected });
            }
        }
        // Fails only when the task has ended; then there is nothing to steer.
        let _ = self.steer.send(Steer::Sources(sources));
    }

    fn receive(&mut self, who: &RemoteParticipant) -> Result<Other, Trouble> {
        let slot = FrameSlot::with_bell(self.room.bell.clone());
        let voice = Voice::default();
        let (shown, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
        let video_in = self.receive_video(who, &slot, &shown, &seen)?;
        let audio_in = Receiver::audio(voice.clone())?;
        let number = self.next_voice;
        self.next_voice += 1;
        self.room.mixer.add(number, voice.clone());
        let who = who.clone();
        Ok(Other { who, slot, shown, seen, voice: (number, voice), video_in, audio_in })
    }

    fn receive_video(
        &self,
        who: &RemoteParticipant,
        slot: &FrameSlot,
        shown: &Arc<AtomicBool>,
        seen: &Arc<Seen>,
    ) -> Result<Receiver, Trouble> {
        let on_picture: OnPicture = Arc::new({
            let (shown, seen) = (shown.clone(), seen.clone());
            let (events, began, participant) =
                (self.room.events.clone(), self.began, who.participant);
            let span = self.span.clone();
            move |info, _| {
                let (width, height) = (info.width(), info.height());
                seen.size.store(u64::from(width) << 32 | u64::from(height), Ordering::Release);
                shown.store(true, Ordering::Release);
                let ms = began.elapsed().as_millis() as u64;
                let first =
                    seen.first_ms.compare_exchange(0, ms + 1, Ordering::AcqRel, Ordering::Acquire);
                if first.is_ok() {
                    span.in_scope(|| {
                        tracing::info!(%participant, ms, width, height, "first picture");
                    });
                    events.tell(MediaEvent::FirstPicture { participant, width, height });
                }
            }
        });
        let (steer, ssrc) = (self.steer.clone(), who.video);
        Receiver::video(slot.clone(), on_picture, move || {
            let _ = steer.send(Steer::KeyframeWanted(ssrc));
        })
    }

    /// Where everyone's pictures are found.
    pub(crate) fn frames(&self) -> HashMap<ParticipantId, FrameSlot> {
        self.others.iter().map(|o| (o.who.participant, o.slot.clone())).collect()
    }

    /// Looks for broken pipelines and builds them anew: the next encoder for one that failed,
    /// the same decoder again for a stream that broke it.
    pub(crate) fn mend(&mut self, place: &mut usize, reporter: &mut Reporter) {
        let broken = lock(&self.video).as_ref().and_then(VideoSender::trouble);
        if let Some(trouble) = broken {
            reporter.fails(&trouble);
            match by_trial(&self.room.config, *place + 1) {
                Ok((next, encoder)) => {
                    *place = next;
                    match self.start_video(encoder) {
                        Ok(()) => reporter.works(|| format!("{} took over", encoder.element)),
                        Err(trouble) => tracing::error!(%trouble, "the next encoder failed too"),
                    }
                }
                Err(trouble) => {
                    tracing::error!(%trouble, "no picture is sent any more in this call");
                    self.room.pictures.tap.close();
                    let old = lock(&self.video).take();
                    drop(old);
                }
            }
        }
        if let Some(trouble) = self.voice.as_ref().and_then(VoiceSender::trouble) {
            tracing::error!(%trouble, "sound is encoded anew");
            self.start_voice();
        }
        let mut mended = false;
        for at in 0..self.others.len() {
            mended |= self.mend_other(at);
        }
        if mended {
            self.steer_sources();
        }
    }

    fn mend_other(&mut self, at: usize) -> bool {
        let other = &self.others[at];
        let (video, audio) = (other.video_in.trouble(), other.audio_in.trouble());
        let participant = other.who.participant;
        if let Some(trouble) = &video {
            tracing::warn!(%participant, %trouble, "a picture's decoder is built anew");
            other.shown.store(false, Ordering::Release);
            match self.receive_video(&other.who, &other.slot, &other.shown, &other.seen) {
                Ok(receiver) => self.others[at].video_in = receiver,
                Err(trouble) => tracing::error!(%participant, %trouble, "and failed"),
            }
        }
        if let Some(trouble) = &audio {
            tracing::warn!(%participant, %trouble, "a voice's decoder is built anew");
            match Receiver::audio(self.others[at].voice.1.clone()) {
                Ok(receiver) => self.others[at].audio_in = receiver,
                Err(trouble) => tracing::error!(%participant, %trouble, "and failed"),
            }
        }
        video.is_some() || audio.is_some()
    }

    /// Once in a call, a few seconds after its beginning: what its beginning needed is free now.
    pub(crate) fn has_settled(&mut self) -> bool {
        let settled = self.began.elapsed() > SETTLED;
        settled && !std::mem::replace(&mut self.settled, true)
    }

    /// How the call went, in one line of the log.
    pub(crate) fn log_summary(&self, encoder: Option<&Candidate>) {
        let network = self.network_report();
        let mut others = self.participants_report(&network);
        others.extend(self.left.iter().cloned());
        let worst = |of: fn(&ParticipantReport) -> f64| others.iter().map(of).fold(0.0, f64::max);
        let lost: u64 = others.iter().map(|other| other.video.lost + other.audio.lost).sum();
        let received: u64 =
            others.iter().map(|other| other.video.received + other.audio.received).sum();
        tracing::info!(
            seconds = self.began.elapsed().as_secs(),
            encoder = encoder.map(|encoder| encoder.element),
            participants = others.len(),
            sent = network.packets_sent,
            sent_again = network.packets_sent_again,
            unsent = network.packets_unsent,
            received,
            lost,
            rejected = network.rejected,
            jitter_ms = worst(|other| other.video.jitter_ms.max(other.audio.jitter_ms)),
            delay_ms = worst(|other| other.video.delay_ms.max(other.audio.delay_ms)),
            round_trip_ms = network.round_trip_ms,
            first_picture_ms = others.iter().filter_map(|other| other.first_picture_ms).max(),
            pictures_per_second = others.iter().map(|other| other.fps).reduce(f64::min),
            "the call's media, as they were at its end"
        );
    }

    /// The socket's numbers.
    pub(crate) fn network_report(&self) -> NetworkReport {
        lock(&self.report).clone()
    }

    /// Everyone's numbers.
    pub(crate) fn participants_report(&self, network: &NetworkReport) -> Vec<ParticipantReport> {
        let stream = |ssrc| network.streams.get(&ssrc).copied().unwrap_or_default();
        self.others
            .iter()
            .map(|other| {
                let size = other.seen.size.load(Ordering::Acquire);
                ParticipantReport {
                    participant: other.who.participant,
                    first_picture_ms: other.seen.first_ms.load(Ordering::Acquire).checked_sub(1),
                    width: (size >> 32) as u32,
                    height: size as u32,
                    fps: other.slot.rate(),
                    video: stream(other.who.video),
                    audio: stream(other.who.audio),
                }
            })
            .collect()
    }
}

impl Other {
    /// Takes over a change in someone who stays.
    fn follow(&mut self, now: &RemoteParticipant) {
        match (self.who.camera, now.camera) {
            (Switch::On, Switch::Off) => self.slot.clear(),
            // What trickled in after the camera went off is old by now.
            (Switch::Off, Switch::On) => {
                self.slot.clear_older_than(Duration::from_millis(500));
                self.shown.store(false, Ordering::Release);
            }
            _ => {}
        }
        self.who = now.clone();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.room.pictures.tap.close();
        self.room.sound.close();
        self.cancel.cancel();
        // The task drops its end when it is done; a runtime that is going down drops it too.
        if self.ended.recv_timeout(GOODBYE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            tracing::error!(call = %self.id, "the call's socket did not close in time");
        }
        for other in &self.others {
            self.room.mixer.remove(other.voice.0);
        }
    }
}

/// A fresh socket that sends to the node and takes packets from the node only.
fn connect(node: SocketAddr) -> std::io::Result<UdpSocket> {
    let any: SocketAddr = match node {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(node)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A number that nobody guesses: not a key, but first sequence numbers and timestamps should
/// differ from call to call (RFC 3550, section 5.1). The standard library seeds its hashers from
/// the operating system.
fn chance() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(CALLS.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_room::media::MediaPart;
    use conclave_types::{LegId, SrtpKey};
    use gstreamer as gst;
    use gstreamer_video as gst_video;

    fn key(seed: u8) -> SrtpKey {
        SrtpKey::new(SrtpProfile::AeadAes128Gcm, vec![seed; 28]).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn when_an_encoder_fails_in_mid_call_the_next_one_goes_on_with_the_next_number() {
        gst::init().unwrap();
        let config = MediaConfig::default();
        let (events, mut told) = Events::channel();
        let room = Room {
            config: config.clone(),
            events: events.clone(),
            pictures: Pictures::default(),
            sound: Tap::default(),
            mixer: Mixer::default(),
            switches: Switches::new(Switch::On, Switch::On),
            runtime: tokio::runtime::Handle::current(),
            bell: Bell::default(),
        };
        let node = UdpSocket::bind("127.0.0.1:0").unwrap();
        node.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let leg = Box::new(MediaLeg {
            leg: LegId::from_random(1),
            address: None,
            port: node.local_addr().unwrap().port(),
            room_to_node: key(1),
            node_to_room: key(2),
            audio: Ssrc(1),
            video: Ssrc(2),
        });
        let (mut place, encoder) = by_trial(&config, 0).unwrap();
        let first = place;
        let id = CallId::from_random(1);
        let mut call = Call::start(room, id, leg, node.local_addr().unwrap()).unwrap();
        call.send(Some(encoder)).unwrap();
        let mut open = conclave_srtp::opener(&key(1)).unwrap();
        let mut next_number = || -> u16 {
            let mut datagram = [0; 2048];
            loop {
                let length = node.recv(&mut datagram).unwrap();
                if !conclave_srtp::is_rtcp(&datagram[..length]) {
                    let packet = open.open_rtp(&datagram[..length]).unwrap();
                    return conclave_rtp::Packet::parse(&packet).unwrap().sequence();
                }
            }
        };
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 1280, 720);
        let grey = gst::Buffer::from_mut_slice(vec![128_u8; info.build().unwrap().size()]);
        let send = |call: &Call| {
            let mut taker = lock(&call.video).as_ref().unwrap().taker();
            for _ in 0..3 {
                taker(grey.copy_deep().unwrap());
            }
        };
        send(&call);
        let before = next_number();
        // What a driver does whose hardware went away.
        let broken = lock(&call.video).as_ref().unwrap().encoder();
        gst::element_error!(broken, gst::StreamError::Encode, ("the hardware went away"));
        let mut reporter = Reporter::new(MediaPart::Encoder, events);
        let until = Instant::now() + Duration::from_secs(10);
        while place == first {
            call.mend(&mut place, &mut reporter);
            assert!(Instant::now() < until, "nobody took over");
            tokio::task::yield_now().await;
        }
        let mut health = Vec::new();
        while let Ok(MediaEvent::Part { working, .. }) = told.try_recv() {
            health.push(working);
        }
        assert_eq!(health, [false, true]);
        send(&call);
        let mut last = before;
        for _ in 0..5 {
            let number = next_number();
            assert_eq!(number, last.wrapping_add(1));
            last = number;
        }
    }
}

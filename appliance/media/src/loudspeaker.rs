//! The loudspeaker: a thread that takes ten milliseconds of the mix a hundred times a second and
//! plays them, or writes them to a WAV file.
//!
//! What goes to a real loudspeaker passes the echo probe first, so that the microphone's
//! pipeline knows what to take out. A file cannot be heard by any microphone: no probe.

use crate::config::{LoudspeakerSink, MediaConfig};
use crate::device::{Device, Ended, Reporter, Stop};
use crate::frames::lock;
use crate::mixer::Mixer;
use crate::running::{Happened, Running, Trouble};
use crate::send::power_dbfs;
use crate::wav::Wav;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Samples at a time: 10 ms at 48 kHz, the block of the echo canceller.
const PIECE: usize = 480;
const PIECE_TIME: Duration = Duration::from_millis(10);
/// A thread that was held up so long starts anew instead of playing what was missed in a rush.
const LATE: Duration = Duration::from_millis(200);
/// Pieces over which the level is measured: one second.
const MEASURED: usize = 100;

/// Tells the microphone which echo probe to ask, while there is one. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct EchoProbe(Arc<Probe>);

#[derive(Debug)]
struct Probe {
    name: String,
    /// 0 while no probe runs; otherwise counts the probes that ran.
    generation: AtomicU64,
    last: AtomicU64,
}

impl EchoProbe {
    /// A probe of this name. GStreamer finds probes by name in the whole process.
    pub(crate) fn new(name: String) -> EchoProbe {
        EchoProbe(Arc::new(Probe { name, generation: AtomicU64::new(0), last: AtomicU64::new(0) }))
    }

    /// Changes whenever a probe comes or goes; 0 while there is none.
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    fn came(&self) {
        let next = self.0.last.fetch_add(1, Ordering::AcqRel) + 1;
        self.0.generation.store(next, Ordering::Release);
    }

    fn gone(&self) {
        self.0.generation.store(0, Ordering::Release);
    }
}

/// What was played lately. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Played(Arc<Mutex<VecDeque<f64>>>);

impl Played {
    fn add(&self, samples: &[i16]) {
        let mut powers = lock(&self.0);
        powers.push_back(10_f64.powf(power_dbfs(samples) / 10.0));
        if powers.len() > MEASURED {
            powers.pop_front();
        }
    }

    /// The level of the last second in dBFS; `None` before anything was played.
    pub(crate) fn dbfs(&self) -> Option<f64> {
        let powers = lock(&self.0);
        let mean = powers.iter().sum::<f64>() / powers.len().max(1) as f64;
        (!powers.is_empty()).then(|| (10.0 * mean.log10()).max(-127.0))
    }

    fn clear(&self) {
        lock(&self.0).clear();
    }
}

/// Starts the loudspeaker's thread; `None` when the room has no loudspeaker.
pub(crate) fn start(
    config: &MediaConfig,
    mixer: Mixer,
    played: Played,
    probe: EchoProbe,
    reporter: Reporter,
) -> std::io::Result<Option<Device>> {
    let config = config.clone();
    if config.loudspeaker == LoudspeakerSink::None {
        return Ok(None);
    }
    // Asked once: without the plugin the room goes on without echo cancellation.
    let with_probe = config.wants_probe() && gst::ElementFactory::find("webrtcechoprobe").is_some();
    Device::start("loudspeaker", reporter, move |stop, reporter| {
        let ended = match Sink::open(&config.loudspeaker, with_probe.then_some(&probe)) {
            Ok(mut sink) => {
                if sink.has_probe {
                    probe.came();
                }
                let detail = format!("playing to {}", config.loudspeaker);
                play(&mut sink, &mixer, &played, stop, reporter, detail)
            }
            Err(trouble) => Ended::Broken(trouble),
        };
        probe.gone();
        played.clear();
        ended
    })
    .map(Some)
}

fn play(
    sink: &mut Sink,
    mixer: &Mixer,
    played: &Played,
    stop: &Stop,
    reporter: &mut Reporter,
    detail: String,
) -> Ended {
    let mut next = Instant::now();
    loop {
        let now = Instant::now();
        if now > next + LATE {
            next = now;
        }
        if stop.wait(next.saturating_duration_since(now)) {
            return Ended::Stopped;
        }
        next += PIECE_TIME;
        let samples = mixer.mix(PIECE);
        if let Err(trouble) = sink.play(&samples) {
            return Ended::Broken(trouble);
        }
        played.add(&samples);
        reporter.works(|| detail.clone());
    }
}

/// An open loudspeaker.
struct Sink {
    way: Way,
    has_probe: bool,
}

enum Way {
    Device { running: Running, source: gst_app::AppSrc, pieces: u64, first: Option<gst::ClockTime> },
    File(Wav),
}

impl Sink {
    fn open(sink: &LoudspeakerSink, probe: Option<&EchoProbe>) -> Result<Sink, Trouble> {
        let element = match sink {
            LoudspeakerSink::File(path) => {
                let wav = Wav::create(path).map_err(|e| {
                    Trouble::text(format!("{} cannot be written: {e}", path.display()))
                })?;
                return Ok(Sink { way: Way::File(wav), has_probe: false });
            }
            // 60 ms of buffer: less underruns on small boards, more is heard as delay.
            LoudspeakerSink::Alsa(_) => "alsasink name=device buffer-time=60000 latency-time=10000",
            LoudspeakerSink::PipeWire => "pipewiresink name=device",
            LoudspeakerSink::None => return Err(Trouble::text("the room has no loudspeaker")),
        };
        let echo = probe.map(|p| format!("! webrtcechoprobe name={} ", p.name()));
        let running = Running::launch(&format!(
            "appsrc name=in is-live=true format=time min-latency=20000000 max-buffers=20 \
               leaky-type=downstream \
               caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved {}\
             ! audioconvert ! audioresample ! {element}",
            echo.as_deref().unwrap_or_default()
        ))?;
        if let LoudspeakerSink::Alsa(name) = sink {
            running.element("device")?.set_property("device", name);
        }
        let source = running.source("in")?;
        running.share_time();
        running.play()?;
        let way = Way::Device { running, source, pieces: 0, first: None };
        Ok(Sink { way, has_probe: probe.is_some() })
    }

    fn play(&mut self, samples: &[i16]) -> Result<(), Trouble> {
        match &mut self.way {
            Way::File(wav) => wav
                .append(samples)
                .map_err(|e| Trouble::text(format!("the sound file cannot be written: {e}"))),
            Way::Device { running, source, pieces, first } => {
                while let Some(happened) = running.next(gst::ClockTime::ZERO) {
                    if let Happened::Trouble(trouble) = happened {
                        return Err(trouble);
                    }
                }
                let octets: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
                let mut buffer = gst::Buffer::from_mut_slice(octets);
                // Without a gap from piece to piece; anew when the thread was held up.
                let now = running.running_time().unwrap_or_default();
                let step = gst::ClockTime::from_mseconds(10);
                let begin = *first.get_or_insert(now);
                let mut at = begin + step * *pieces;
                if now.absdiff(at) > gst::ClockTime::from_mseconds(150) {
                    (*first, *pieces, at) = (Some(now), 0, now);
                }
                *pieces += 1;
                if let Some(buffer) = buffer.get_mut() {
                    buffer.set_pts(at);
                    buffer.set_duration(step);
                }
                source.push_buffer(buffer).map(|_| ()).map_err(Trouble::plain)
            }
        }
    }
}

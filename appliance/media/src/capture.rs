//! Camera and microphone: from the device, or a file that stands for one, to raw pictures and
//! blocks of sound in one fixed form.
//!
//! - pictures: I420 of the configured size, at most the configured rate; to the self-view's slot
//!   and to whoever holds the tap;
//! - sound: 48 kHz, mono, i16, after echo cancellation, noise suppression and gain control; to
//!   whoever holds the tap.
//!
//! The devices run from start to end; the call holds the taps only while it is up. So a call
//! starts at once, and a device that breaks takes no encoder with it.

use crate::config::{CameraSource, MediaConfig, MicrophoneSource};
use crate::device::{Device, Ended, Pulse, Reporter, Stop, gone, play_source};
use crate::frames::{FrameSlot, lock};
use crate::loudspeaker::EchoProbe;
use crate::running::{Running, Trouble};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Samples of the microphone per second, whatever its device has.
const RATE: u32 = 48_000;

/// Between two looks for the loudspeaker's echo probe at the start; ten looks are made.
const PROBE_STEP: Duration = Duration::from_millis(50);

/// Takes what a device gives while it holds a taker; drops it otherwise.
pub(crate) struct Tap<T>(Arc<Mutex<Option<Taker<T>>>>);

type Taker<T> = Box<dyn FnMut(T) + Send>;

impl<T> Clone for Tap<T> {
    fn clone(&self) -> Tap<T> {
        Tap(self.0.clone())
    }
}

impl<T> Default for Tap<T> {
    fn default() -> Tap<T> {
        Tap(Arc::default())
    }
}

impl<T> Tap<T> {
    /// From now on `taker` gets everything.
    pub(crate) fn open(&self, taker: impl FnMut(T) + Send + 'static) {
        *lock(&self.0) = Some(Box::new(taker));
    }

    /// From now on nobody does. When this returns the taker is not running and is dropped.
    pub(crate) fn close(&self) {
        let taker = lock(&self.0).take();
        drop(taker);
    }

    fn give(&self, value: T) {
        if let Some(taker) = lock(&self.0).as_mut() {
            taker(value);
        }
    }
}

/// Where the pictures of the camera go.
#[derive(Clone, Default)]
pub(crate) struct Pictures {
    /// The self-view.
    pub(crate) own: FrameSlot,
    /// The call.
    pub(crate) tap: Tap<gst::Buffer>,
}

/// Starts the camera's thread; `None` when the room has no camera.
pub(crate) fn start_camera(
    config: &MediaConfig,
    pictures: Pictures,
    reporter: Reporter,
) -> std::io::Result<Option<Device>> {
    let config = config.clone();
    if config.camera == CameraSource::None {
        return Ok(None);
    }
    Device::start("camera", reporter, move |stop, reporter| {
        let ended = match camera(&config, &pictures, stop, reporter) {
            Ok(ended) => ended,
            Err(trouble) => Ended::Broken(trouble),
        };
        if matches!(ended, Ended::Broken(_)) {
            pictures.own.clear();
        }
        ended
    })
    .map(Some)
}

fn camera(
    config: &MediaConfig,
    pictures: &Pictures,
    stop: &Stop,
    reporter: &mut Reporter,
) -> Result<Ended, Trouble> {
    let (width, height, fps) = (config.width.get(), config.height.get(), config.fps.get());
    let (source, sync) = match &config.camera {
        CameraSource::V4l2(path) => {
            there(path)?;
            // Motion JPEG first: over USB 2 it is the only way to full rate at this size. A rate that is
            // not used costs decoding, and bandwidth of the bus.
            let size = format!("width={width},height={height}");
            let rate = format!("framerate=[0/1,{fps}/1]");
            let source = format!(
                "v4l2src name=device ! capsfilter caps=\"image/jpeg,{size},{rate};\
                 video/x-raw,{size},{rate};image/jpeg,{size};video/x-raw,{size};\
                 image/jpeg;video/x-raw\" ! decodebin"
            );
            (source, false)
        }
        // Somebody writes pictures as they are taken: each is shown when it comes.
        CameraSource::File(path) if is_pipe(path) => {
            ("filesrc name=device blocksize=1048576 ! decodebin".to_owned(), false)
        }
        CameraSource::File(path) => {
            there(path)?;
            ("filesrc name=device ! decodebin".to_owned(), true)
        }
        CameraSource::None => return Ok(Ended::Stopped),
    };
    let running = Running::launch(&format!(
        "{source} ! videorate drop-only=true max-rate={fps} skip-to-first=true \
         ! videoconvertscale add-borders=true n-threads=1 \
         ! video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1 \
         ! appsink name=out enable-last-sample=false sync={sync} max-buffers=1 drop=true qos=false"
    ))?;
    running.decode_in_one_thread();
    let device = running.element("device")?;
    let file = match &config.camera {
        CameraSource::V4l2(path) => {
            device.set_property("device", path.to_string_lossy().as_ref());
            None
        }
        CameraSource::File(path) => {
            device.set_property("location", path.to_string_lossy().as_ref());
            (!is_pipe(path)).then_some(path.as_path())
        }
        CameraSource::None => None,
    };
    let pulse = Pulse::default();
    running.sink("out")?.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample({
                let (pulse, pictures) = (pulse.clone(), pictures.clone());
                move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    if let (Some(buffer), Some(caps)) = (sample.buffer_owned(), sample.caps())
                        && let Ok(info) = gst_video::VideoInfo::from_caps(caps)
                    {
                        pictures.own.put(buffer.clone(), info);
                        pictures.tap.give(buffer);
                        pulse.beat();
                    }
                    Ok(gst::FlowSuccess::Ok)
                }
            })
            .build(),
    );
    let mut works = || reporter.works(|| format!("{} gives pictures", config.camera));
    Ok(play_source(&running, file, &pulse, None, stop, &|| false, &mut works))
}

/// Starts the microphone's thread; `None` when the room has no microphone. `probe` is the echo
/// probe in the loudspeaker's pipeline; when it comes or goes the microphone is opened anew.
pub(crate) fn start_microphone(
    config: &MediaConfig,
    probe: EchoProbe,
    tap: Tap<Vec<i16>>,
    reporter: Reporter,
) -> std::io::Result<Option<Device>> {
    let config = config.clone();
    if config.microphone == MicrophoneSource::None {
        return Ok(None);
    }
    let installed = gst::ElementFactory::find("webrtcdsp").is_some();
    if !installed {
        tracing::warn!(
            "webrtcdsp is not installed: no echo cancellation, noise suppression, gain control"
        );
    }
    Device::start("microphone", reporter, move |stop, reporter| {
        // At the room's start the loudspeaker comes a moment later: worth waiting for.
        for _ in 0..10 {
            if !config.wants_probe() || probe.generation() != 0 || stop.wait(PROBE_STEP) {
                break;
            }
        }
        let generation = probe.generation();
        let dsp = match installed {
            true => voice_processing(&config, (generation != 0).then(|| probe.name())),
            false => String::new(),
        };
        let changed = || probe.generation() != generation;
        match microphone(&config, &dsp, &tap, stop, &changed, reporter) {
            Ok(ended) => ended,
            Err(trouble) => Ended::Broken(trouble),
        }
    })
    .map(Some)
}

/// The part of the microphone's pipeline that makes voices clear.
fn voice_processing(config: &MediaConfig, probe: Option<&str>) -> String {
    let echo = match probe {
        Some(probe) if config.echo_cancellation => format!("echo-cancel=true probe={probe}"),
        _ => "echo-cancel=false".to_owned(),
    };
    format!(
        "webrtcdsp {echo} noise-suppression={} gain-control={} high-pass-filter=true ! ",
        config.noise_suppression, config.gain_control
    )
}

fn microphone(
    config: &MediaConfig,
    dsp: &str,
    tap: &Tap<Vec<i16>>,
    stop: &Stop,
    changed: &dyn Fn() -> bool,
    reporter: &mut Reporter,
) -> Result<Ended, Trouble> {
    let (source, sync) = match &config.microphone {
        // 20 ms at a time, not the 200 that a recorder would ask for.
        MicrophoneSource::Alsa(_) => {
            ("alsasrc name=device buffer-time=80000 latency-time=10000", false)
        }
        MicrophoneSource::PipeWire => ("pipewiresrc name=device", false),
        MicrophoneSource::File(path) => {
            there(path)?;
            ("filesrc name=device ! decodebin", true)
        }
        MicrophoneSource::None => return Ok(Ended::Stopped),
    };
    let running = Running::launch(&format!(
        "{source} ! audioconvert ! audioresample \
         ! audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved \
         ! identity single-segment=true ! {dsp}\
         appsink name=out enable-last-sample=false sync={sync} max-buffers=8 drop=true"
    ))?;
    let device = running.element("device")?;
    let file = match &config.microphone {
        MicrophoneSource::Alsa(name) => {
            device.set_property("device", name);
            None
        }
        MicrophoneSource::File(path) => {
            device.set_property("location", path.to_string_lossy().as_ref());
            Some(path.as_path())
        }
        MicrophoneSource::PipeWire | MicrophoneSource::None => None,
    };
    if file.is_none() {
        running.share_time();
    }
    let pulse = Pulse::default();
    running.sink("out")?.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample({
                let (pulse, tap) = (pulse.clone(), tap.clone());
                move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    if let Some(samples) = sample.buffer().and_then(samples_of) {
                        pulse.beat_with(samples.len());
                        tap.give(samples);
                    }
                    Ok(gst::FlowSuccess::Ok)
                }
            })
            .build(),
    );
    let mut works = || reporter.works(|| format!("{} gives sound", config.microphone));
    // A file is read at the pipeline's own pace.
    let rate = file.is_none().then_some(RATE);
    Ok(play_source(&running, file, &pulse, rate, stop, changed, &mut works))
}

/// The samples of a buffer of mono i16, little endian.
pub(crate) fn samples_of(buffer: &gst::BufferRef) -> Option<Vec<i16>> {
    let map = buffer.map_readable().ok()?;
    Some(map.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
}

/// Whether a path is a named pipe, which is read as it is written and cannot be rewound.
fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

fn there(path: &Path) -> Result<(), Trouble> {
    if path.exists() { Ok(()) } else { Err(gone(path)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::power_dbfs;

    /// Noise that is the same in every run: a linear congruential generator.
    fn noise(samples: usize) -> Vec<i16> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) as i16) / 8
        };
        (0..samples).map(|_| next()).collect()
    }

    #[test]
    fn what_the_loudspeaker_plays_is_taken_out_of_what_the_microphone_hears() {
        gst::init().unwrap();
        let raw = "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved";
        // The canceller alone: the noise suppressor would take out noise as well.
        let config =
            MediaConfig { gain_control: false, noise_suppression: false, ..MediaConfig::default() };
        let dsp = voice_processing(&config, Some("echo-test"));
        let played = Running::launch(&format!(
            "appsrc name=in is-live=true format=time caps={raw} \
             ! webrtcechoprobe name=echo-test ! fakesink sync=true"
        ))
        .unwrap();
        let heard = Running::launch(&format!(
            "appsrc name=in is-live=true format=time caps={raw} ! {dsp} appsink name=out enable-last-sample=false sync=false"
        ))
        .unwrap();
        for running in [&played, &heard] {
            running.share_time();
            running.play().unwrap();
        }
        let (speaker, microphone) = (played.source("in").unwrap(), heard.source("in").unwrap());
        let push = |source: &gst_app::AppSrc, samples: &[i16], at: gst::ClockTime| {
            let octets: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
            let mut buffer = gst::Buffer::from_mut_slice(octets);
            let buffer_ref = buffer.get_mut().unwrap();
            buffer_ref.set_pts(at);
            buffer_ref.set_duration(gst::ClockTime::from_mseconds(10));
            source.push_buffer(buffer).unwrap();
        };
        // The room's echo: 20 ms later and half as loud.
        let noise = noise(480 * 300);
        let late = 960;
        let begin = played.running_time().unwrap();
        let clock = gst::SystemClock::obtain();
        for (n, piece) in noise.chunks_exact(480).enumerate() {
            let at = begin + gst::ClockTime::from_mseconds(10) * n as u64;
            let due = clock.new_single_shot_id(played.pipeline().base_time().unwrap() + at);
            let _ = due.wait();
            push(&speaker, piece, at);
            let from = (n * 480).saturating_sub(late);
            let echo: Vec<i16> = noise[from..from + 480].iter().map(|s| s / 2).collect();
            push(&microphone, &echo, at);
        }
        let sink = heard.sink("out").unwrap();
        let mut out = Vec::new();
        while let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(300)) {
            out.extend(samples_of(sample.buffer().unwrap()).unwrap());
        }
        let before = power_dbfs(&noise) - 6.0;
        let after = power_dbfs(&out[out.len() - 24_000..]);
        assert!(before - after > 20.0, "{before:.1} dBFS became {after:.1}");
    }
}

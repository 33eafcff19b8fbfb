//! The media thread: carries out commands in order, looks after what broke, ends everything.

use crate::call::{Call, Room};
use crate::capture::{self, Pictures, Tap};
use crate::config::{CameraSource, MediaConfig};
use crate::device::{Device, Events, Reporter};
use crate::display::Display;
use crate::display::scene::CallScene;
use crate::encoder::{Candidate, by_trial};
use crate::frames::lock;
use crate::loudspeaker::{self, EchoProbe, Played};
use crate::mixer::Mixer;
use crate::packets::{Kind, Switches};
use crate::report::MediaReport;
use crate::running::Trouble;
use conclave_room::media::{MediaCommand, MediaEvent, MediaPart};
use conclave_types::{CallId, CameraLimit, Switch};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;

/// Commands that wait at most: people tap a few times a second, participants come and go. When
/// full, the command is dropped and logged; the media thread is stuck then.
const COMMANDS: usize = 1024;
/// Between two looks at the pipelines' health, and at the numbers for the report.
const LOOK: Duration = Duration::from_millis(50);

/// A call begins to send once no command has come for so long: who else is in the call follows the
/// start at once, and their pictures are wanted first.
const NOTHING_MORE: Duration = Duration::from_millis(3);

/// Why the media path could not be started.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// GStreamer is not installed as it should be.
    #[error("gstreamer could not be started")]
    GStreamer(#[source] gstreamer::glib::Error),
    /// The operating system gave no thread.
    #[error("no thread for the media path")]
    Thread(#[source] std::io::Error),
    /// Called outside a tokio runtime, which the sockets need.
    #[error("the media path has to be started inside a tokio runtime")]
    NoRuntime(#[source] tokio::runtime::TryCurrentError),
}

/// The room's media path.
pub struct Media;

/// Steers the media path. Dropping it stops everything and waits for it; prefer
/// [`MediaHandle::shutdown`] where other tasks share the thread.
pub struct MediaHandle {
    commands: SyncSender<Input>,
    report: Arc<Mutex<MediaReport>>,
    thread: Option<JoinHandle<()>>,
}

enum Input {
    Command(MediaCommand),
    Stop,
}

impl Media {
    /// Starts devices, display and the media thread. Takes half a second when the encoder's
    /// trial does. A device that is missing is an event, not an error.
    pub fn start(
        config: MediaConfig,
    ) -> Result<(MediaHandle, mpsc::Receiver<MediaEvent>), MediaError> {
        gstreamer::init().map_err(MediaError::GStreamer)?;
        crate::decoder::prefer();
        let runtime = tokio::runtime::Handle::try_current().map_err(MediaError::NoRuntime)?;
        let (events, receiver) = Events::channel();
        let report = Arc::new(Mutex::new(MediaReport::empty()));
        let (commands, inputs) = sync_channel(COMMANDS);
        let mut desk =
            Desk::open(config, events, report.clone(), runtime).map_err(MediaError::Thread)?;
        let thread = std::thread::Builder::new()
            .name("media".to_owned())
            .spawn(move || desk.run(&inputs))
            .map_err(MediaError::Thread)?;
        Ok((MediaHandle { commands, report, thread: Some(thread) }, receiver))
    }
}

impl MediaHandle {
    /// Carries out a command soon, after all before it. Never blocks.
    pub fn command(&self, command: MediaCommand) {
        match self.commands.try_send(Input::Command(command)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => tracing::error!("the media thread is stuck"),
            Err(TrySendError::Disconnected(_)) => tracing::error!("the media thread has ended"),
        }
    }

    /// The numbers of the last fraction of a second.
    pub fn report(&self) -> MediaReport {
        lock(&self.report).clone()
    }

    /// Ends the call, closes the devices, stops every pipeline and joins every thread.
    pub async fn shutdown(mut self) {
        let thread = self.thread.take();
        let commands = self.commands.clone();
        let ended = tokio::task::spawn_blocking(move || stop(&commands, thread)).await;
        if ended.is_err() {
            tracing::error!("the media path was not stopped in an orderly way");
        }
    }
}

impl Drop for MediaHandle {
    fn drop(&mut self) {
        stop(&self.commands, self.thread.take());
    }
}

fn stop(commands: &SyncSender<Input>, thread: Option<JoinHandle<()>>) {
    let Some(thread) = thread else { return };
    // Fails only when the thread has ended.
    let _ = commands.send(Input::Stop);
    if thread.join().is_err() {
        tracing::error!("the media thread ended by a panic");
    }
}

/// Everything that the media thread owns. Fields are dropped in this order.
struct Desk {
    call: Option<Call>,
    display: Display,
    devices: Vec<Device>,
    camera: Option<Device>,
    /// As it is configured, before IT limits it.
    whole: MediaConfig,
    encoder: Option<(usize, &'static Candidate)>,
    encoder_reporter: Reporter,
    room: Room,
    played: Played,
    report: Arc<Mutex<MediaReport>>,
    camera_worked: bool,
}

impl Desk {
    fn open(
        config: MediaConfig,
        events: Events,
        report: Arc<Mutex<MediaReport>>,
        runtime: tokio::runtime::Handle,
    ) -> std::io::Result<Desk> {
        static PROBES: AtomicU64 = AtomicU64::new(0);
        let reporter = |part| Reporter::new(part, events.clone());
        let pictures = Pictures::default();
        let display = Display::start(&config, pictures.own.clone(), reporter(MediaPart::Display))?;
        let mut encoder_reporter = reporter(MediaPart::Encoder);
        let encoder = if config.camera == CameraSource::None {
            None
        } else {
            choose(&config, 0, &mut encoder_reporter)
        };
        let (mixer, played) = (Mixer::default(), Played::default());
        let number = PROBES.fetch_add(1, Ordering::Relaxed);
        let probe = EchoProbe::new(format!("echo{number}"));
        let sound = Tap::default();
        let devices = [
            loudspeaker::start(
                &config,
                mixer.clone(),
                played.clone(),
                probe.clone(),
                reporter(MediaPart::Loudspeaker),
            )?,
            capture::start_microphone(
                &config,
                probe,
                sound.clone(),
                reporter(MediaPart::Microphone),
            )?,
        ];
        let camera = capture::start_camera(&config, pictures.clone(), reporter(MediaPart::Camera))?;
        let switches = Switches::new(Switch::On, Switch::On);
        let bell = display.bell();
        Ok(Desk {
            call: None,
            display,
            devices: devices.into_iter().flatten().collect(),
            camera,
            whole: config.clone(),
            encoder,
            encoder_reporter,
            room: Room { config, events, pictures, sound, mixer, switches, runtime, bell },
            played,
            report,
            camera_worked: false,
        })
    }

    fn run(&mut self, inputs: &Receiver<Input>) {
        loop {
            let waits = self.call.as_ref().is_some_and(|call| !call.sends);
            match inputs.recv_timeout(if waits { NOTHING_MORE } else { LOOK }) {
                Ok(Input::Command(command)) => self.command(command),
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if waits => self.send(),
                Err(RecvTimeoutError::Timeout) => self.look(),
            }
        }
        self.call = None;
        self.camera = None;
        self.devices.clear();
    }

    fn command(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::StartCall { call, leg, node } => {
                self.stop_call();
                if self.encoder.is_none() && self.room.config.camera != CameraSource::None {
                    self.encoder = choose(&self.room.config, 0, &mut self.encoder_reporter);
                }
                match Call::start(self.room.clone(), call, leg, node.0) {
                    Ok(started) => {
                        self.call = Some(started);
                        self.display.change(|scene| scene.call = Some(CallScene::default()));
                    }
                    Err(trouble) => self.call_failed(call, &trouble),
                }
            }
            MediaCommand::Participants(people) => {
                let Some(call) = &mut self.call else { return };
                let _inside = call.span.clone().entered();
                call.set_participants(&people);
                self.display.set_frames(call.frames());
                self.display.change(|scene| {
                    if let Some(call) = &mut scene.call {
                        call.set_people(&people);
                    }
                });
            }
            MediaCommand::StopCall => {
                self.stop_call();
                self.display.change(|scene| scene.banner = None);
            }
            MediaCommand::Microphone(switch) => {
                self.room.switches.set(Kind::Audio, switch);
                self.display.change(|scene| scene.microphone = switch);
            }
            MediaCommand::Camera(switch) => {
                self.room.switches.set(Kind::Video, switch);
                if let (Switch::On, Some(call)) = (switch, &self.call) {
                    call.request_keyframe();
                }
                self.display.change(|scene| scene.camera = switch);
            }
            MediaCommand::CameraLimit(limit) => self.limit_camera(limit),
            MediaCommand::Volume(volume) => self.room.mixer.set_volume(volume),
            MediaCommand::Chirp => self.room.mixer.chirp(),
            MediaCommand::Layout(layout) => self.display.change(|scene| scene.layout = layout),
            MediaCommand::Speaking(speaking) => self.display.change(|scene| {
                if let Some(call) = &mut scene.call {
                    call.speaking = speaking;
                }
            }),
            MediaCommand::Display(idle) => self.display.change(|scene| scene.idle = idle),
            MediaCommand::Banner(banner) => self.display.change(|scene| scene.banner = banner),
        }
    }

    /// Opens the camera anew where its pictures are to have another size. Nobody asks for that in a call, whose encoder
    /// has a size of its own.
    fn limit_camera(&mut self, limit: CameraLimit) {
        let limited = self.whole.limited(limit.lines());
        if self.call.is_some() || self.room.config == limited {
            return;
        }
        let (width, height) = (limited.width.get(), limited.height.get());
        tracing::info!(width, height, "the camera's pictures have another size from now on");
        // Closed before it is opened: a device is had once.
        self.camera = None;
        self.room.config = limited;
        let reporter = Reporter::new(MediaPart::Camera, self.room.events.clone());
        let pictures = self.room.pictures.clone();
        match capture::start_camera(&self.room.config, pictures, reporter) {
            Ok(camera) => self.camera = camera,
            Err(error) => tracing::error!(%error, "no thread for the camera"),
        }
    }

    /// The second half of a call's start, when nobody waits for anything else.
    fn send(&mut self) {
        let encoder = self.encoder.map(|(_, encoder)| encoder);
        let Some(call) = &mut self.call else { return };
        let id = call.id;
        if let Err(trouble) = call.send(encoder) {
            self.stop_call();
            self.call_failed(id, &trouble);
        }
    }

    fn call_failed(&self, call: CallId, trouble: &Trouble) {
        let detail = trouble.to_string();
        tracing::error!(%call, %detail, "the call's media could not be started");
        self.room.events.tell(MediaEvent::CallFailed { call, detail });
    }

    fn stop_call(&mut self) {
        if let Some(call) = self.call.take() {
            let _inside = call.span.clone().entered();
            call.log_summary(self.encoder.map(|(_, encoder)| encoder));
            drop(call);
            crate::memory::give_back();
            self.display.change(|scene| scene.call = None);
            self.display.set_frames(Default::default());
        }
    }

    /// Mends what broke and writes the report.
    fn look(&mut self) {
        let camera = self.room.pictures.own.latest();
        // A camera that came back begins with a whole picture.
        if camera.is_some()
            && !std::mem::replace(&mut self.camera_worked, camera.is_some())
            && let Some(call) = &self.call
        {
            call.request_keyframe();
        }
        self.camera_worked = camera.is_some();
        if let (Some(call), Some((place, encoder))) = (&mut self.call, &mut self.encoder) {
            let before = *place;
            call.mend(place, &mut self.encoder_reporter);
            if *place != before
                && let Some(candidate) = crate::encoder::candidate(*place)
            {
                *encoder = candidate;
            }
        }
        if self.call.as_mut().is_some_and(Call::has_settled) {
            crate::memory::give_back();
        }
        let network = self.call.as_ref().map(Call::network_report);
        let participants = match (&self.call, &network) {
            (Some(call), Some(network)) => call.participants_report(network),
            _ => Vec::new(),
        };
        *lock(&self.report) = MediaReport {
            encoder: self.encoder.map(|(_, encoder)| encoder.element.to_owned()),
            camera_width: camera.as_ref().map_or(0, |frame| frame.info.width()),
            camera_height: camera.as_ref().map_or(0, |frame| frame.info.height()),
            camera_fps: self.room.pictures.own.rate(),
            played_dbfs: self.played.dbfs(),
            srtp_profile: self.call.as_ref().map(|call| call.profile),
            network,
            participants,
        };
    }
}

/// Chooses an encoder by trial and says how it went.
fn choose(
    config: &MediaConfig,
    from: usize,
    reporter: &mut Reporter,
) -> Option<(usize, &'static Candidate)> {
    match by_trial(config, from) {
        Ok((place, encoder)) => {
            reporter.works(|| format!("{} passed its trial", encoder.element));
            Some((place, encoder))
        }
        Err(trouble) => {
            let trouble: Trouble = trouble;
            reporter.fails(&trouble);
            None
        }
    }
}

impl MediaReport {
    fn empty() -> MediaReport {
        MediaReport {
            encoder: None,
            camera_width: 0,
            camera_height: 0,
            camera_fps: 0.0,
            played_dbfs: None,
            srtp_profile: None,
            network: None,
            participants: Vec::new(),
        }
    }
}

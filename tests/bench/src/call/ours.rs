//! Our side: a cloud and two rooms, every one the released program, driven through the socket
//! that a touch panel has.

use super::BITRATE_KBIT;
use super::camera::FPS;
use super::screen::Screen;
use anyhow::{Context, Result, bail};
use conclave_panel_api::{LinkState, Panel, Screen as Shown, Tap, read_frame, write_frame};
use conclave_stage::{Around, Cloud, Process, Stage, Status, Vmr, wait_for};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Starting, trying encoders, linking.
const PATIENCE: Duration = Duration::from_secs(40);
/// The meeting room.
const NUMBER: &str = "4711";

/// Two rooms, linked and idle.
pub(crate) struct Rooms {
    /// In the meeting first.
    pub(crate) a: Room,
    /// Taps.
    pub(crate) b: Room,
    _cloud: Cloud,
}

impl Rooms {
    /// Starts everything. Each room's camera is a file or a named pipe.
    pub(crate) fn start(
        stage: &Stage,
        name: &str,
        cameras: [&Path; 2],
        sound: &Path,
    ) -> Result<Rooms> {
        let folder = stage.folder().join(name);
        std::fs::create_dir_all(&folder)?;
        let cloud = Cloud::start_in(stage, &folder.join("cloud"), Around::default())?;
        cloud.create(Vmr { number: NUMBER, name: "Bench", pin: None })?;
        let room = |tag: &str, camera| Room::start(stage, &folder.join(tag), &cloud, camera, sound);
        let (a, b) = (room("a", cameras[0])?, room("b", cameras[1])?);
        for (room, name) in [(&a, "Ada"), (&b, "Ben")] {
            let code = room.until("a code", |panel| match &panel.screen {
                Shown::Activation { code: Some(code), .. } => Some(code.to_string()),
                _ => None,
            })?;
            cloud.claim(&code, name)?;
            room.until_idle()?;
            let lit = || Ok(room.daemon.log().contains("showing on").then_some(()));
            wait_for("the room's display", PATIENCE, lit)?;
        }
        Ok(Rooms { a, b, _cloud: cloud })
    }

    /// Both in one call: A is there, B taps. From the last tap to A's picture on B's screen.
    pub(crate) fn join(&mut self) -> Result<Duration> {
        self.a.dial()?;
        self.a.tap(&Tap::Join)?;
        self.a.until("a call", |panel| matches!(panel.screen, Shown::InCall(_)).then_some(()))?;
        self.b.dial()?;
        let tapped = Instant::now();
        self.b.tap(&Tap::Join)?;
        let there = self.b.screen.first_picture(PATIENCE)?;
        Ok(there - tapped)
    }

    /// Both leave and are idle again.
    pub(crate) fn leave(&mut self) -> Result<()> {
        for room in [&mut self.a, &mut self.b] {
            room.tap(&Tap::Leave)?;
            room.until_idle()?;
        }
        // Until the screen shows no picture any more, the next would be taken for there at once.
        wait_for("idle screens", PATIENCE, || {
            Ok((self.a.screen.number().is_none() && self.b.screen.number().is_none()).then_some(()))
        })
    }
}

/// A room's daemon, its screen and its panel.
pub(crate) struct Room {
    pub(crate) daemon: Process,
    pub(crate) screen: Screen,
    folder: PathBuf,
    panel: Arc<Mutex<Option<Panel>>>,
    socket: UnixStream,
}

impl Room {
    fn start(
        stage: &Stage,
        folder: &Path,
        cloud: &Cloud,
        camera: &Path,
        sound: &Path,
    ) -> Result<Room> {
        let screen = Screen::start(folder)?;
        let here = folder.display();
        let configuration = format!(
            "data = \"{here}/data\"\nserial = \"BENCH\"\n\
             [cloud]\nhost = \"127.0.0.1\"\nports = [{port}]\npins = {pins:?}\n\
             [panel]\nsocket = \"{here}/panel.sock\"\n\
             [media]\ncamera = \"file:{camera}\"\nmicrophone = \"file:{sound}\"\n\
             loudspeaker = \"file:{here}/loudspeaker.wav\"\ndisplay = \"window\"\n\
             bitrate_kbit = {BITRATE_KBIT}\nfps = {FPS}\n",
            port = cloud.link().port(),
            pins = cloud.pins()?,
            camera = camera.display(),
            sound = sound.display(),
        );
        let file = folder.join("room.toml");
        std::fs::write(&file, configuration)?;
        let environment = [("CONCLAVE_LOG", "info"), ("DISPLAY", screen.display.as_str())];
        let program = stage.program("conclave-roomd")?;
        let arguments = ["--config".as_ref(), file.as_os_str()];
        let log = folder.join("roomd.log");
        let mut daemon =
            Process::start("conclave-roomd", &program, &arguments, &environment, &log)?;
        let path = folder.join("panel.sock");
        let socket = wait_for("the panel's socket", PATIENCE, || {
            daemon.check_running()?;
            Ok(UnixStream::connect(&path).ok())
        })?;
        let panel: Arc<Mutex<Option<Panel>>> = Arc::default();
        let (mut reader, shown) = (socket.try_clone()?, panel.clone());
        // Ends when the daemon does.
        std::thread::spawn(move || {
            while let Ok(Some(panel)) = read_frame::<Panel>(&mut reader) {
                *shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(panel);
            }
        });
        Ok(Room { daemon, screen, folder: folder.to_owned(), panel, socket })
    }

    fn tap(&mut self, tap: &Tap) -> Result<()> {
        Ok(write_frame(&mut self.socket, tap)?)
    }

    fn until<T>(&self, what: &str, find: impl Fn(&Panel) -> Option<T>) -> Result<T> {
        let shown = || self.panel.lock().unwrap_or_else(PoisonError::into_inner);
        let found = wait_for(what, PATIENCE, || Ok(shown().as_ref().and_then(&find)));
        found.with_context(|| {
            let log = std::fs::read_to_string(self.folder.join("roomd.log")).unwrap_or_default();
            format!("the panel shows {:?}; the daemon said\n{log}", shown())
        })
    }

    fn until_idle(&self) -> Result<()> {
        self.until("the idle screen", |panel| {
            let idle = matches!(panel.screen, Shown::Idle { .. });
            (idle && panel.link == LinkState::Up && panel.room.is_some()).then_some(())
        })
    }

    /// Everything up to *Join*.
    fn dial(&mut self) -> Result<()> {
        self.tap(&Tap::JoinWithNumber)?;
        for digit in NUMBER.bytes() {
            self.tap(&Tap::Digit { digit: digit - b'0' })?;
        }
        self.until("the number is typed", |panel| {
            matches!(&panel.screen, Shown::Number { complete: true, .. }).then_some(())
        })
    }

    /// Pictures of the other that it decodes each second.
    pub(crate) fn decoded_per_second(&self) -> Result<f64> {
        match Status::read(&self.folder.join("data/status.json"))? {
            Some(status) => Ok(status.media.participants.first().map_or(0.0, |other| other.fps)),
            None => bail!("the room has written no status"),
        }
    }
}

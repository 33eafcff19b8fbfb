//! A real room: conclave-roomd with a virtual camera and microphone, and its real panel.

use crate::board::Lines;
use crate::driver::{Driver, Press};
use crate::picture::Picture;
use crate::process::{Around, Process};
use crate::stage::Stage;
use crate::status::Status;
use crate::wait::{wait_for, wait_until};
use anyhow::{Context, Result, bail};
use conclave_panel_api::{InCall, Panel, Screen};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Daemon and panel together; the encoder is chosen by trial meanwhile.
const START: Duration = Duration::from_secs(40);
/// A screen follows a tap much sooner; a busy machine is what takes time.
const SCREEN: Duration = Duration::from_secs(15);

/// What a room is made of.
#[derive(Debug, Clone)]
pub struct RoomPlan {
    /// Its folder on the stage: `room-a`.
    pub tag: &'static str,
    /// The serial number.
    pub serial: &'static str,
    /// `english` or `french`.
    pub language: &'static str,
    /// The ports of the cloud, or of a relay to it.
    pub ports: Vec<u16>,
    /// The cloud's pins.
    pub pins: Vec<String>,
    /// The video file that it sees.
    pub camera: PathBuf,
    /// The sound file that it hears.
    pub microphone: PathBuf,
    /// Where its front display is.
    pub display: Display,
    /// Further lines for `[media]`.
    pub media: String,
    /// The text of its board's description, when it has one.
    pub board: Option<String>,
}

/// Where a room's displays are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// In picture files.
    Offscreen,
    /// In windows.
    Windows,
}

/// A room that runs.
#[derive(Debug)]
pub struct Room {
    plan: RoomPlan,
    folder: PathBuf,
    /// conclave-roomd.
    pub daemon: Process,
    /// conclave-kiosk.
    pub kiosk: Process,
    driver: Driver,
    /// What the daemon's next start finds round it.
    pub around: Around,
    /// When set, whatever waits for the room gives up at once.
    interrupt: Arc<AtomicBool>,
}

impl Room {
    /// Starts the daemon, then the panel.
    pub fn start(stage: &Stage, plan: RoomPlan) -> Result<Room> {
        Room::start_with(stage, plan, Around::default())
    }

    /// Starts both, the daemon with something unusual round it.
    pub fn start_with(stage: &Stage, plan: RoomPlan, around: Around) -> Result<Room> {
        let folder = stage.folder().join(plan.tag);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("room.toml"), configuration(&plan, &folder))?;
        if let Some(description) = &plan.board {
            std::fs::write(folder.join("board.toml"), description)?;
        }
        let mut daemon = start_daemon(stage, &folder, &around)?;
        wait_until("the room's daemon opens the panel's socket", START, || {
            daemon.check_running()?;
            Ok(folder.join("panel.sock").exists())
        })?;
        let (mut kiosk, driver) = start_kiosk(stage, &folder, plan.display)?;
        let mut room_driver = driver;
        wait_until("the panel shows its first screen", START, || {
            daemon.check_running()?;
            kiosk.check_running()?;
            Ok(room_driver.panel()?.is_some())
        })?;
        let interrupt = Arc::default();
        Ok(Room { plan, folder, daemon, kiosk, driver: room_driver, around, interrupt })
    }

    /// Its name on the stage.
    pub fn tag(&self) -> &'static str {
        self.plan.tag
    }

    /// The room's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The lines of its board.
    pub fn lines(&self) -> Lines {
        Lines::new(&self.folder.join("lines"))
    }

    /// Starts the daemon again after it was killed or stopped; the panel finds it by itself.
    pub fn start_daemon_again(&mut self, stage: &Stage) -> Result<()> {
        self.daemon.kill()?; // Gone for good before its socket is taken.
        // What the dead one told last is no answer of the new one.
        let what = format!("{}: the panel notices that the daemon is away", self.plan.tag);
        wait_until(&what, SCREEN, || {
            self.kiosk.check_running()?;
            Ok(self.driver.panel()?.is_none())
        })?;
        self.daemon = start_daemon(stage, &self.folder, &self.around)?;
        Ok(())
    }

    /// Starts the panel again after it was killed.
    pub fn start_kiosk_again(&mut self, stage: &Stage) -> Result<()> {
        self.kiosk.kill()?;
        (self.kiosk, self.driver) = start_kiosk(stage, &self.folder, self.plan.display)?;
        Ok(())
    }

    /// Lets everything that waits for the room give up when this is set.
    pub fn interrupted_by(&mut self, interrupt: Arc<AtomicBool>) {
        self.interrupt = interrupt;
    }

    fn check(&mut self) -> Result<()> {
        if self.interrupt.load(Ordering::Relaxed) {
            bail!("{} was interrupted", self.plan.tag);
        }
        self.daemon.check_running()?;
        self.kiosk.check_running()
    }

    /// What the panel shows, as conclave-roomd last told it.
    pub fn panel(&mut self) -> Result<Panel> {
        self.shown()?.context("the panel shows nothing yet")
    }

    /// As [`Room::panel`]; `None` while a daemon that was started again has told it nothing.
    fn shown(&mut self) -> Result<Option<Panel>> {
        self.check()?;
        self.driver.panel()
    }

    /// Waits for a panel in which something can be found.
    pub fn until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut find: impl FnMut(&Panel) -> Option<T>,
    ) -> Result<T> {
        let tag = self.plan.tag;
        let found = wait_for(&format!("{tag}: {what}"), limit, || {
            Ok(self.shown()?.as_ref().and_then(&mut find))
        });
        found.with_context(|| match self.panel() {
            Ok(panel) => format!("{tag} shows {:?}, link {:?}", panel.screen, panel.link),
            Err(trouble) => format!("{tag}: {trouble:#}"),
        })
    }

    /// The call on the panel, if there is one.
    pub fn in_call(&mut self) -> Result<Option<InCall>> {
        Ok(match self.panel()?.screen {
            Screen::InCall(call) => Some(*call),
            _ => None,
        })
    }

    /// Presses a button as soon as it is on the screen.
    pub fn press(&mut self, id: &str) -> Result<()> {
        let mut visible = Vec::new();
        let what = format!("{}: the panel has a button '{id}'", self.plan.tag);
        wait_until(&what, SCREEN, || {
            self.check()?;
            match self.driver.press(id)? {
                Press::Done => Ok(true),
                Press::Missing(there) => {
                    visible = there;
                    Ok(false)
                }
            }
        })
        .with_context(|| format!("on the screen are {visible:?}"))
    }

    /// Holds a finger on an element until the panel shows something.
    pub fn hold_until<T>(
        &mut self,
        id: &str,
        what: &str,
        find: impl FnMut(&Panel) -> Option<T>,
    ) -> Result<T> {
        self.check()?;
        if let Press::Missing(there) = self.driver.hold(id)? {
            bail!("{}: no '{id}' to hold, on the screen are {there:?}", self.plan.tag);
        }
        let found = self.until(what, SCREEN, find)?;
        self.driver.lift()?;
        Ok(found)
    }

    /// Presses a button if it is on the screen now.
    pub fn try_press(&mut self, id: &str) -> Result<()> {
        self.check()?;
        self.driver.press(id).map(drop)
    }

    /// Reads words from the screen as soon as they are there.
    pub fn read(&mut self, id: &str) -> Result<String> {
        let what = format!("{}: the panel has words '{id}'", self.plan.tag);
        wait_for(&what, SCREEN, || {
            self.check()?;
            self.driver.read(id)
        })
    }

    /// Reads words from the screen if they are there now.
    pub fn glance(&mut self, id: &str) -> Result<Option<String>> {
        self.check()?;
        self.driver.read(id)
    }

    /// What can be pressed or read now.
    pub fn visible(&mut self) -> Result<Vec<String>> {
        self.driver.visible()
    }

    /// Keeps a picture of the panel.
    pub fn panel_picture(&mut self, file: &Path) -> Result<()> {
        self.driver.picture(file)
    }

    /// Types digits on the pad that is on the screen, key by key.
    pub fn type_digits(&mut self, digits: &str) -> Result<()> {
        for digit in digits.chars() {
            self.press(&format!("key-{digit}"))?;
        }
        Ok(())
    }

    /// The code that the panel shows, read from its screen; waits until there is one.
    pub fn code(&mut self) -> Result<String> {
        self.until("an activation code", START, |panel| match &panel.screen {
            Screen::Activation { code: Some(_), .. } => Some(()),
            _ => None,
        })?;
        self.read("code")
    }

    /// Opens the number pad and types a number: everything up to *Join*.
    pub fn dial(&mut self, number: &str) -> Result<()> {
        self.press("join-with-number")?;
        self.type_digits(number)?;
        self.until("the number is typed", SCREEN, |panel| match &panel.screen {
            Screen::Number { typed, complete: true, .. } if typed == number => Some(()),
            _ => None,
        })
    }

    /// Types a PIN on the pad that asks for it: everything up to *Join*.
    pub fn type_pin(&mut self, pin: &str) -> Result<()> {
        self.until("the PIN pad", SCREEN, |panel| match &panel.screen {
            Screen::Pin { typed: 0, .. } => Some(()),
            _ => None,
        })?;
        self.type_digits(pin)?;
        let length = u8::try_from(pin.len())?;
        self.until("the PIN is typed", SCREEN, |panel| match &panel.screen {
            Screen::Pin { typed, complete: true, .. } if *typed == length => Some(()),
            _ => None,
        })
    }

    /// Joins a meeting room by number and PIN, key by key, and waits until the room is in.
    pub fn join(&mut self, number: &str, pin: &str) -> Result<()> {
        self.dial(number)?;
        self.press("join")?;
        self.type_pin(pin)?;
        self.press("join")?;
        self.until_in_call(1)
    }

    /// Waits until the panel shows a call with this many participants.
    pub fn until_in_call(&mut self, participants: usize) -> Result<()> {
        let what = format!("a call with {participants} participants");
        self.until(&what, SCREEN, |panel| match &panel.screen {
            Screen::InCall(call) if call.participants.len() >= participants => Some(()),
            _ => None,
        })
    }

    /// The room at a glance, as conclave-roomd writes it every second; `None` before it has.
    pub fn status(&self) -> Result<Option<Status>> {
        Status::read(&self.folder.join("data/status.json"))
    }

    /// Where the front display's picture is, when the display is off screen.
    pub fn front_file(&self) -> PathBuf {
        self.folder.join("front.png")
    }

    /// The front display's latest picture.
    pub fn front(&self) -> Result<Picture> {
        let file = self.front_file();
        wait_for("a picture of the front display", SCREEN, || Ok(Picture::read(&file).ok()))
    }

    /// A picture of the front display that was painted from now on.
    pub fn next_front(&mut self) -> Result<Picture> {
        let file = self.front_file();
        let age = |file: &Path| std::fs::metadata(file).and_then(|file| file.modified()).ok();
        let before = age(&file);
        wait_for("a new picture of the front display", SCREEN, || {
            self.daemon.check_running()?;
            Ok(if age(&file) == before { None } else { Picture::read(&file).ok() })
        })
    }

    /// Everything that the loudspeaker has played so far.
    pub fn played(&self) -> Result<crate::sound::Samples> {
        crate::sound::read_wav(&self.folder.join("loudspeaker.wav"))
    }
}

fn start_daemon(stage: &Stage, folder: &Path, around: &Around) -> Result<Process> {
    let configuration = folder.join("room.toml");
    let lines = folder.join("lines");
    let mut arguments = vec!["--config".as_ref(), configuration.as_os_str()];
    if folder.join("board.toml").exists() {
        arguments.extend(["--lines".as_ref(), lines.as_os_str()]);
    }
    let log = folder.join("roomd.log");
    let level = [("CONCLAVE_LOG", stage.log_level())];
    around.start("conclave-roomd", &stage.program("conclave-roomd")?, &arguments, &level, &log)
}

fn start_kiosk(stage: &Stage, folder: &Path, display: Display) -> Result<(Process, Driver)> {
    let (panel, driver) = (folder.join("panel.sock"), folder.join("driver.sock"));
    let mut arguments =
        vec!["--socket".as_ref(), panel.as_os_str(), "--driver".as_ref(), driver.as_os_str()];
    if display == Display::Offscreen {
        arguments.extend([std::ffi::OsStr::new("--headless"), "1280x800".as_ref()]);
    }
    let log = folder.join("kiosk.log");
    let program = stage.program("conclave-kiosk")?;
    let level = [("CONCLAVE_LOG", stage.log_level())];
    let mut kiosk = Process::start("conclave-kiosk", &program, &arguments, &level, &log)?;
    let driver = wait_for("the panel's driver answers", START, || {
        kiosk.check_running()?;
        Ok(Driver::connect(&driver).ok())
    })?;
    Ok((kiosk, driver))
}

/// The room's configuration file.
fn configuration(plan: &RoomPlan, folder: &Path) -> String {
    let here = folder.display();
    let display = match plan.display {
        Display::Offscreen => format!("offscreen:{here}/front.png"),
        Display::Windows => "window".to_owned(),
    };
    let board =
        plan.board.as_ref().map(|_| format!("[board]\ndescription = \"{here}/board.toml\"\n"));
    format!(
        "data = \"{here}/data\"\nserial = \"{serial}\"\nlanguage = \"{language}\"\n\
         [cloud]\nhost = \"127.0.0.1\"\nports = {ports:?}\npins = {pins:?}\n\
         [panel]\nsocket = \"{here}/panel.sock\"\n[clock]\nrequest = \"{here}/clock\"\n\
         [media]\ncamera = \"file:{camera}\"\nmicrophone = \"file:{microphone}\"\n\
         loudspeaker = \"file:{here}/loudspeaker.wav\"\ndisplay = \"{display}\"\n{media}\n{board}",
        serial = plan.serial,
        language = plan.language,
        ports = plan.ports,
        pins = plan.pins,
        camera = plan.camera.display(),
        microphone = plan.microphone.display(),
        media = plan.media,
        board = board.unwrap_or_default(),
    )
}

/// Runs a room's daemon on a configuration that it should refuse; what it said when it ended.
pub fn refused(stage: &Stage, configuration: &str) -> Result<String> {
    let folder = stage.folder().join("refused");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("room.toml"), configuration)?;
    let mut daemon = start_daemon(stage, &folder, &Around::default())?;
    let status = wait_for("the daemon refuses its configuration", START, || daemon.ended())?;
    if status.success() {
        bail!("the daemon took the configuration:\n{configuration}");
    }
    Ok(daemon.last_words(50))
}

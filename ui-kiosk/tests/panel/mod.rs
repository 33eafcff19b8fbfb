//! A kiosk without a display, the daemon played by the test on a real Unix socket, and a finger.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what is wrong")]

use conclave_panel_api::{
    CallHealth, Entry, Health, InCall, Language, Layout, LinkState, Panel, Person, Screen, Tap,
    Waiter, read_frame, write_frame,
};
use conclave_types::{ActivationCode, DisplayName, ParticipantId, Switch};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far longer than anything here takes; a loaded machine must not fail a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `check` gives something.
pub(crate) fn until<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A running kiosk and the place where its daemon listens.
pub(crate) struct Kiosk {
    folder: TempDir,
    child: Child,
    listener: Option<UnixListener>,
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Kiosk {
    /// Starts a kiosk of this size, for example `1280x800`. Its daemon already listens.
    pub(crate) fn start(size: &str) -> Kiosk {
        let mut kiosk = Kiosk::start_alone(size);
        kiosk.listen();
        kiosk
    }

    /// Starts a kiosk whose daemon is not there yet.
    pub(crate) fn start_alone(size: &str) -> Kiosk {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_conclave-kiosk"))
            .arg("--socket")
            .arg(folder.path().join("room.sock"))
            .arg("--driver")
            .arg(folder.path().join("driver.sock"))
            .args(["--headless", size])
            .env("RUST_LOG", "conclave_kiosk=debug")
            .spawn()
            .unwrap();
        Kiosk { folder, child, listener: None }
    }

    /// Lets the daemon listen.
    pub(crate) fn listen(&mut self) {
        let path = self.folder.path().join("room.sock");
        let _ = std::fs::remove_file(&path);
        self.listener = Some(UnixListener::bind(path).unwrap());
    }

    /// Takes the daemon away, its socket with it.
    pub(crate) fn stop_listening(&mut self) {
        self.listener = None;
        std::fs::remove_file(self.folder.path().join("room.sock")).unwrap();
    }

    /// Waits for the kiosk to come.
    pub(crate) fn accept(&self) -> Daemon {
        let listener = self.listener.as_ref().expect("the daemon listens");
        listener.set_nonblocking(true).unwrap();
        let stream = until("the kiosk to connect", || listener.accept().ok()).0;
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Daemon { stream }
    }

    /// A finger and an eye.
    pub(crate) fn finger(&self) -> Finger {
        let path = self.driver_path();
        let stream = until("the driver's socket", || UnixStream::connect(&path).ok());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Finger { reader: BufReader::new(stream) }
    }

    pub(crate) fn driver_path(&self) -> PathBuf {
        self.folder.path().join("driver.sock")
    }

    pub(crate) fn still_runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

/// The daemon's end of the socket.
pub(crate) struct Daemon {
    pub(crate) stream: UnixStream,
}

impl Daemon {
    pub(crate) fn send(&mut self, panel: &Panel) {
        write_frame(&mut self.stream, panel).unwrap();
    }

    pub(crate) fn send_raw(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap();
    }

    /// The next tap.
    pub(crate) fn tap(&mut self) -> Tap {
        read_frame(&mut self.stream).unwrap().expect("the kiosk stays connected")
    }
}

/// The driver's end.
pub(crate) struct Finger {
    reader: BufReader<UnixStream>,
}

impl Finger {
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        let mut line = request.to_string();
        line.push('\n');
        self.send_line(&line)
    }

    pub(crate) fn send_line(&mut self, line: &str) -> Value {
        self.reader.get_mut().write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        self.reader.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// Waits until the kiosk has drawn this panel.
    pub(crate) fn sees(&mut self, panel: &Panel) {
        let wanted = serde_json::to_value(panel).unwrap();
        until("the panel to be drawn", || {
            (self.ask(&json!({ "do": "panel" })) == wanted).then_some(())
        });
    }

    pub(crate) fn press(&mut self, id: &str) {
        let answer = self.ask(&json!({ "do": "press", "id": id }));
        assert_eq!(answer, json!({ "ok": true }), "pressing {id}");
    }

    pub(crate) fn read(&mut self, id: &str) -> String {
        let answer = self.ask(&json!({ "do": "read", "id": id }));
        answer["text"].as_str().unwrap_or_else(|| panic!("reading {id}: {answer}")).to_owned()
    }

    pub(crate) fn visible(&mut self) -> Vec<String> {
        let answer = self.ask(&json!({ "do": "visible" }));
        serde_json::from_value(answer["ids"].clone()).unwrap()
    }

    pub(crate) fn picture(&mut self, path: &std::path::Path) {
        let answer = self.ask(&json!({ "do": "picture", "path": path }));
        assert_eq!(answer, json!({ "ok": true }), "{path:?}");
    }
}

pub(crate) fn name(text: &str) -> DisplayName {
    text.parse().unwrap()
}

/// A panel of an enrolled, healthy room.
pub(crate) fn panel(language: Language, screen: Screen) -> Panel {
    Panel {
        language,
        room: Some(name("Salle Voltaire")),
        serial: "CNV-2026-004711".into(),
        link: LinkState::Up,
        camera: Health::Working,
        microphone: Health::Working,
        screen,
        notice: None,
        asleep: false,
        identify: false,
        brightness: 100,
        time_zone: None,
        development: false,
        look: None,
    }
}

pub(crate) fn code() -> ActivationCode {
    "7KQ2-9FXM".parse().unwrap()
}

pub(crate) fn entry(number: &str, title: &str, pin: bool) -> Entry {
    Entry { number: number.parse().unwrap(), name: name(title), pin }
}

pub(crate) fn directory() -> Vec<Entry> {
    vec![
        entry("100200", "Comité de direction", true),
        entry("4711", "Stand-up", false),
        entry("881204556", "Cardiology board, second opinion with the university hospital", true),
    ]
}

pub(crate) fn person(at: usize, title: &str) -> Person {
    Person {
        participant: ParticipantId::from_random(at as u128),
        name: name(title),
        microphone: Switch::On,
        camera: Switch::On,
        speaking: false,
        me: false,
    }
}

/// Forty people with names of all kinds.
pub(crate) fn crowd() -> Vec<Person> {
    const NAMES: [&str; 10] = [
        "Salle Voltaire",
        "Amélie Dupont-Lefèvre",
        "دكتور أحمد عبد الرحمن",
        "Bo Li",
        "ד״ר יעל כהן (Haifa)",
        "Professor Maximilian-Alexander von Hohenstein zu Rotenburg und Weikersheim, Jena",
        "Nguyễn Thị Minh Khai",
        "Ward 3, nurses' station",
        "Ólafur Þórðarson",
        "Dr. Sørensen",
    ];
    (0..40)
        .map(|at| {
            let mut person = person(at, NAMES[at % NAMES.len()]);
            person.me = at == 0;
            person.speaking = at == 4;
            if at % 3 == 2 {
                person.microphone = Switch::Off;
            }
            if at % 5 == 3 {
                person.camera = Switch::Off;
            }
            person
        })
        .collect()
}

pub(crate) fn call() -> InCall {
    InCall {
        name: name("Comité de direction"),
        number: "100200".parse().unwrap(),
        seconds: 725,
        participants: crowd().into_iter().take(5).collect(),
        microphone: Switch::On,
        camera: Switch::On,
        volume: 60,
        layout: Layout::Grid,
        people_open: false,
        lobby: Vec::new(),
        health: CallHealth::Good,
    }
}

pub(crate) fn waiter(at: usize, title: &str) -> Waiter {
    Waiter { participant: ParticipantId::from_random(1_000 + at as u128), name: name(title) }
}

pub(crate) fn in_call(call: InCall) -> Screen {
    Screen::InCall(Box::new(call))
}

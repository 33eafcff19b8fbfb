//! The board on the kernel's simulated lines: the real backend, and a person's finger in `/sys`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_board::description::{Description, Line};
use conclave_board::lines::{CharacterDevice, LineTrouble, Lines};
use conclave_board::machine::{CallState, Sensor};
use conclave_board::{Board, BoardEvent, Part};
use conclave_types::Switch;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};

/// A machine under emulation is slow; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str = "/sys/kernel/config/gpio-sim";

/// A simulated chip; removed at the end.
struct Chip {
    config: PathBuf,
}

impl Chip {
    fn new(label: &str) -> Chip {
        let chip = Chip { config: Path::new(CONFIG).join(label) };
        let bank = chip.config.join("bank");
        fs::create_dir_all(bank.join("line7"))
            .expect("gpio-sim is not loaded, or this is not root");
        fs::write(bank.join("num_lines"), "8").unwrap();
        fs::write(bank.join("label"), label.trim_end_matches('-')).unwrap();
        fs::write(bank.join("line7/name"), format!("SEVENTH-{label}")).unwrap();
        chip.live(true);
        chip
    }

    fn live(&self, live: bool) {
        fs::write(self.config.join("live"), if live { "1" } else { "0" }).unwrap();
    }

    fn line(&self, offset: u32) -> PathBuf {
        let name = |file: &str| fs::read_to_string(self.config.join(file)).unwrap();
        Path::new("/sys/devices/platform")
            .join(name("dev_name").trim())
            .join(name("bank/chip_name").trim())
            .join(format!("sim_gpio{offset}"))
    }

    /// What a finger or a person does.
    fn pull(&self, offset: u32, up: bool) {
        fs::write(self.line(offset).join("pull"), if up { "pull-up" } else { "pull-down" })
            .unwrap();
    }

    /// Waits until the lines are at these levels; nobody tells of a change in `/sys`.
    async fn shows(&self, wanted: [bool; 2]) {
        let mut look = interval(Duration::from_millis(5));
        let reached = async {
            loop {
                let level = |n| fs::read_to_string(self.line(n).join("value")).unwrap();
                if [0, 1].map(|n| level(n).trim() == "1") == wanted {
                    return;
                }
                look.tick().await;
            }
        };
        timeout(PATIENCE, reached).await.unwrap();
    }
}

impl Drop for Chip {
    fn drop(&mut self) {
        let _ = fs::write(self.config.join("live"), "0");
        let _ = fs::remove_dir(self.config.join("bank/line7"));
        let _ = fs::remove_dir(self.config.join("bank"));
        let _ = fs::remove_dir(&self.config);
    }
}

async fn next(events: &mut mpsc::Receiver<BoardEvent>) -> BoardEvent {
    let event = timeout(PATIENCE, events.recv()).await.unwrap().unwrap();
    eprintln!("{event:?}");
    event
}

/// Presses the mute button until that is heard. A level has to stand for the debounce time, before as
/// well as during the press; nobody tells when it has.
async fn press(chip: &Chip, events: &mut mpsc::Receiver<BoardEvent>) {
    let mut moment = interval(Duration::from_millis(500));
    moment.tick().await;
    moment.tick().await;
    chip.pull(2, true);
    while next(events).await != BoardEvent::MuteToggled {}
    chip.pull(2, false);
}

/// Events until this part works, or not.
async fn part(events: &mut mpsc::Receiver<BoardEvent>, wanted: Part, works: bool) -> String {
    loop {
        if let BoardEvent::Part { part, working, detail } = next(events).await
            && (part, working) == (wanted, works)
        {
            return detail;
        }
    }
}

#[tokio::test]
#[ignore = "needs root and the kernel's gpio-sim; run by hand, no command of ours does it yet"]
async fn the_virtual_board_works_on_simulated_lines() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("virtual-x86_64/board.toml");
    let text = fs::read_to_string(&file).unwrap();
    // Another label than the running room's, and a shorter wait for the sensor.
    let text =
        text.replace("conclave-virtual", "conclave-test").replace("hold_s = 60", "hold_s = 1");
    let description = Description::parse(&text, &file).unwrap();

    // Without the chip everything is missing and tried again; then the chip comes.
    let (board, mut events) = Board::start(&description);
    let detail = part(&mut events, Part::Light, false).await;
    assert!(detail.contains("no GPIO chip 'conclave-test'"), "{detail}");
    let chip = Chip::new("conclave-test");
    part(&mut events, Part::Sensor(Sensor::Presence), true).await;

    board.call(CallState::InCall(Switch::On));
    chip.shows([true, false]).await;
    board.call(CallState::InCall(Switch::Off));
    chip.shows([false, true]).await;

    for _ in 0..3 {
        press(&chip, &mut events).await;
    }
    chip.pull(4, true);
    assert_eq!(next(&mut events).await, BoardEvent::PresenceBegan);
    chip.pull(4, false);
    assert_eq!(next(&mut events).await, BoardEvent::PresenceEnded);
    chip.pull(3, true);
    assert_eq!(next(&mut events).await, BoardEvent::ResetAsked);
    chip.pull(3, false);

    // The chip is pulled out, and put back.
    chip.live(false);
    let detail = part(&mut events, Part::Sensor(Sensor::Mute), false).await;
    assert!(detail.contains("gone") || detail.contains("no GPIO chip"), "{detail}");
    chip.live(true);
    // Although nothing changes in the call.
    chip.shows([false, true]).await;
    part(&mut events, Part::Light, true).await;
    press(&chip, &mut events).await;

    board.shutdown().await;
    chip.shows([false, false]).await;
}

/// The mute button's line of a description.
fn line(chip: &str, line: &str, bias: &str) -> Line {
    let text = format!(
        "name = \"a\"\ntitle = \"A\"\nencoders = [\"x264enc\"]\n[gpio]\nbackend = \"gpiocdev\"\n{chip}\n\
         [mute_button]\ndebounce_ms = 30\nline = {{ line = {line}, bias = \"{bias}\" }}\n"
    );
    Description::parse(&text, Path::new("board.toml")).unwrap().mute_button.unwrap().line
}

#[tokio::test]
#[ignore = "needs root and the kernel's gpio-sim; run by hand, no command of ours does it yet"]
async fn lines_are_found_in_every_way_and_trouble_says_what_it_is() {
    // The same label twice, under two names of configuration.
    let chip = Chip::new("found");
    let _twin = [Chip::new("twin"), Chip::new("twin-")];
    let open = |line: &Line| CharacterDevice.input(line).map(|_| ());
    let name = fs::read_to_string(chip.config.join("bank/chip_name")).unwrap();
    let path = format!("chip = \"/dev/{}\"", name.trim());
    for found in [
        line("chip = \"found\"", "1", "pull_up"),
        line(&path, "1", "pull_down"),
        line("", "\"SEVENTH-found\"", "as_is"),
        line(&path, "\"SEVENTH-found\"", "off"),
    ] {
        open(&found).unwrap_or_else(|trouble| panic!("{trouble}"));
    }
    // The pull is the chip's own: the level that is read at once.
    let mut pulled = CharacterDevice.input(&line(&path, "1", "pull_up")).unwrap();
    assert!(pulled.is_high().unwrap());

    let taken = open(&line(&path, "1", "pull_up"));
    assert!(matches!(taken, Err(LineTrouble::InUse { .. })), "{taken:?}");
    drop(pulled);
    let beyond = open(&line(&path, "8", "pull_up"));
    assert!(matches!(beyond, Err(LineTrouble::NoLine { .. })), "{beyond:?}");
    let unnamed = open(&line(&path, "\"EIGHTH\"", "pull_up"));
    assert!(matches!(unnamed, Err(LineTrouble::NoLine { .. })), "{unnamed:?}");
    let twins = open(&line("chip = \"twin\"", "1", "pull_up"));
    assert!(matches!(&twins, Err(LineTrouble::SeveralChips { paths, .. }) if paths.len() == 2));
    let Err(nowhere) = open(&line("chip = \"nowhere\"", "1", "pull_up")) else { panic!("found") };
    assert!(nowhere.to_string().contains("there: ") && nowhere.to_string().contains("found"));
    let other = open(&line("chip = \"/dev/null\"", "1", "pull_up"));
    assert!(matches!(other, Err(LineTrouble::System { .. })), "{other:?}");
}

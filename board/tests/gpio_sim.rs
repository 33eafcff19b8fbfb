//! The board on the kernel's simulated lines: the real backend, and a person's finger in `/sys`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_board::description::Description;
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
        fs::create_dir_all(&bank).expect("gpio-sim is not loaded, or this is not root");
        fs::write(bank.join("num_lines"), "8").unwrap();
        fs::write(bank.join("label"), label).unwrap();
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
        let _ = fs::remove_dir(self.config.join("bank"));
        let _ = fs::remove_dir(&self.config);
    }
}

async fn next(events: &mut mpsc::Receiver<BoardEvent>) -> BoardEvent {
    timeout(PATIENCE, events.recv()).await.unwrap().unwrap()
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
#[ignore = "needs root and the kernel's gpio-sim: it runs in the virtual board (cargo xtask hil)"]
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
        chip.pull(2, true);
        assert_eq!(next(&mut events).await, BoardEvent::MuteToggled);
        chip.pull(2, false);
        // Whoever presses faster than the debounce time presses once: the release has to stand.
        let mut moment = interval(Duration::from_millis(100));
        moment.tick().await;
        moment.tick().await;
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
    part(&mut events, Part::Sensor(Sensor::Mute), true).await;
    chip.pull(2, true);
    assert_eq!(
        loop {
            match next(&mut events).await {
                BoardEvent::Part { .. } => {}
                other => break other,
            }
        },
        BoardEvent::MuteToggled
    );
    chip.shows([false, true]).await;

    board.shutdown().await;
    chip.shows([false, false]).await;
}

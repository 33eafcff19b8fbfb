//! A screen without glass: Xvfb, whose picture lies in a file that we read.

use super::code;
use crate::process::{Running, until};
use anyhow::{Context, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two looks at a screen: short against what is measured, long against what it costs.
const LOOK: Duration = Duration::from_micros(700);

/// An X server of its own for one end of a call. What it spends is not counted for either side.
#[derive(Debug)]
pub(crate) struct Screen {
    _server: Running,
    /// `:7`, for the environment.
    pub(crate) display: String,
    pixels: File,
    /// Where the row of the time code begins.
    row: u64,
}

impl Screen {
    /// Starts one in a folder.
    pub(crate) fn start(folder: &Path) -> Result<Screen> {
        std::fs::create_dir_all(folder)?;
        let log = folder.join("xvfb.log");
        let server = Running::start(
            "Xvfb (Debian package xvfb)",
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1280x720x24", "-nolisten", "tcp"])
                // Else it starts anew when its last client closes, and refuses the next meanwhile.
                .arg("-noreset")
                .arg("-fbdir")
                .arg(folder),
            &log,
        )?;
        let mut number = None;
        until("Xvfb tells its display", Duration::from_secs(20), || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            number = text.lines().find_map(|line| line.trim().parse::<u32>().ok());
            number.is_some()
        })?;
        let display = format!(":{}", number.context("Xvfb tells no display")?);
        let pixels = File::open(folder.join("Xvfb_screen0"))?;
        let mut head = [0; 80];
        pixels.read_exact_at(&mut head, 0)?;
        // The header of XWD: big-endian words; its own length, …, the length of a row (13th), …,
        // how many colours of twelve octets follow it (20th).
        let word = |place: usize| {
            let octets = head.get(4 * place..4 * place + 4).and_then(|o| o.try_into().ok());
            u64::from(octets.map_or(0, u32::from_be_bytes))
        };
        let row = word(0) + 12 * word(19) + word(12) * code::ROW as u64;
        Ok(Screen { _server: server, display, pixels, row })
    }

    /// The number of the picture that it shows now.
    pub(crate) fn number(&self) -> Option<u16> {
        number(&self.pixels, self.row)
    }

    /// Notes every picture from now on and when it appeared.
    pub(crate) fn watch(&self) -> Result<Watching> {
        let (pixels, row) = (self.pixels.try_clone()?, self.row);
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut seen: Vec<(u16, Instant)> = Vec::new();
            while !stopping.load(Ordering::Relaxed) {
                if let Some(number) = number(&pixels, row)
                    && seen.last().is_none_or(|(last, _)| *last != number)
                {
                    seen.push((number, Instant::now()));
                }
                std::thread::sleep(LOOK);
            }
            seen
        });
        Ok(Watching { stop, thread })
    }

    /// Waits for the first picture with a number; when it was there.
    pub(crate) fn first_picture(&self, at_most: Duration) -> Result<Instant> {
        let begun = Instant::now();
        while self.number().is_none() {
            anyhow::ensure!(begun.elapsed() < at_most, "no picture on the screen in {at_most:?}");
            std::thread::sleep(LOOK);
        }
        Ok(Instant::now())
    }
}

fn number(pixels: &File, row: u64) -> Option<u16> {
    let mut octets = [0; code::WIDTH * 4];
    pixels.read_exact_at(&mut octets, row).ok()?;
    code::read(&octets)
}

/// A screen that is being watched.
pub(crate) struct Watching {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(u16, Instant)>>,
}

impl Watching {
    /// Ends; the numbers that appeared, each with its moment.
    pub(crate) fn end(self) -> Result<Vec<(u16, Instant)>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the watching thread panicked"))
    }
}

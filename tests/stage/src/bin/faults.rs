//! `cargo xtask faults`: a storm of kills on a stage of real processes.

#![forbid(unsafe_code)]

use anyhow::{Result, ensure};
use clap::Parser;
use conclave_stage::{Stage, storm::storm};
use std::io::Write;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Kills processes of a running meeting at random moments and looks whether everything comes back.
#[derive(Parser)]
struct Arguments {
    /// How many.
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// The same seed makes the same choices. Left out: one from the clock.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let Arguments { kills, seed } = Arguments::parse();
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let seed = seed.unwrap_or_else(clock);
    say(&format!("{kills} kills, seed {seed}: a cloud and two rooms with their panels"));
    match run(kills, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say(&format!("\n{trouble:#}\n\nThe same again: cargo xtask faults --seed {seed}"));
            ExitCode::FAILURE
        }
    }
}

fn run(kills: u32, seed: u64) -> Result<()> {
    let stage = Stage::new()?;
    let begun = Instant::now();
    let done = storm(&stage, kills, seed, say);
    match done {
        Ok(report) => {
            ensure!(u32::try_from(report.kills())? == kills, "some kills were not counted");
            say(&format!("\n{report}\nseed {seed}, {} s in all", begun.elapsed().as_secs()));
            Ok(())
        }
        Err(trouble) => {
            say(&stage.last_words());
            say(&format!("Everything is kept in {}", stage.keep().display()));
            Err(trouble)
        }
    }
}

fn say(line: &str) {
    // Whoever closed the output does not want to hear it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

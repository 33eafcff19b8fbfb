//! conclave-clock: sets the machine's clock to what the room's daemon wrote, once.

#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use conclave_clock::{BUILT, System, built, read, set};
use conclave_types::UnixMillis;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// What the daemon wants; conclave-clock.path waits for it, and room.toml names it to the daemon.
const WANTED: &str = "/run/conclave/clock";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("The clock is not set: {trouble:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let built = built(Path::new(BUILT)).unwrap_or_else(|error| {
        eprintln!("{BUILT} does not say when this system was made: {error}");
        UnixMillis::EARLIEST
    });
    let target = read(Path::new(WANTED)).with_context(|| WANTED.to_owned())?;
    let by_ns = set(&mut System, target, built)?;
    let by_ms = by_ns / 1_000_000;
    // For the journal. Nothing is done differently when nobody keeps it.
    let _ = writeln!(
        std::io::stdout(),
        "The clock is set {} ms {}, to what the cloud says within {} ms.",
        by_ms.abs(),
        if by_ms < 0 { "back" } else { "forward" },
        target.within_ms
    );
    Ok(())
}

//! Processes under measurement: what they spent and hold, read from /proc; ended when dropped.

use anyhow::{Context, Result};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process of ours or of a peer. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts a program; what it says goes to `log`.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        log: &std::path::Path,
    ) -> Result<Running> {
        let log = fs::File::create(log).with_context(|| format!("no log for {name}"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{name} could not be started"))?;
        Ok(Running { child, name: name.to_owned() })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// User and system time that it and its threads have spent.
    pub(crate) fn spent(&self) -> Result<Duration> {
        spent(self.id()).with_context(|| format!("{} has ended", self.name))
    }

    /// Resident memory, octets.
    pub(crate) fn resident(&self) -> Result<u64> {
        resident(self.id()).with_context(|| format!("{} has ended", self.name))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended by itself needs no killing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of a process and all its threads, in ticks of 10 ms.
pub(crate) fn spent(id: u32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The program's name may contain anything but ends at the last bracket.
    let fields = text.rsplit_once(')').context("no bracket in stat")?.1;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next().and_then(|field| field.parse::<u64>().ok());
    let ticks = next().context("no user time")? + next().context("no system time")?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// USER_HZ, which is 100 on every Linux that Debian builds.
const TICKS_PER_SECOND: u64 = 100;

/// Resident memory of a process, octets.
pub(crate) fn resident(id: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = text.lines().find(|line| line.starts_with("VmRSS")).context("no VmRSS")?;
    let kib = line.split_whitespace().nth(1).and_then(|field| field.parse::<u64>().ok());
    Ok(kib.context("VmRSS is no number")? << 10)
}

/// Waits until a condition holds, looking every few milliseconds; says what did not happen.
pub(crate) fn until(what: &str, at_most: Duration, mut holds: impl FnMut() -> bool) -> Result<()> {
    let begun = std::time::Instant::now();
    while !holds() {
        anyhow::ensure!(begun.elapsed() < at_most, "{what}: not within {at_most:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// The value below which `share` (0 to 1) of the values lie; sorts them. NaN when there are none.
pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    // Within the slice by the clamp, or None for an empty one.
    let place = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(place).copied().unwrap_or(f64::NAN)
}

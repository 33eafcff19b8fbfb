//! The machine that figures come from, and how noisy it was.

use serde::{Deserialize, Serialize};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a reader needs to know of the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The processor's own name.
    pub(crate) processor: String,
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// Memory, GiB.
    pub(crate) memory_gib: u64,
    /// Kernel version.
    pub(crate) kernel: String,
    /// The system's name and version.
    pub(crate) system: String,
    /// Load average of the minute before the part began: above zero, others were at work too.
    pub(crate) load: f64,
    /// Per cent of processor time that the host took from this machine while the part ran.
    pub(crate) stolen_percent: f64,
    /// When the part began, seconds since 1970.
    pub(crate) at: u64,
}

/// Watches the machine while a part runs.
#[derive(Debug)]
pub(crate) struct Watch {
    load: f64,
    at: u64,
    ticks: Option<(u64, u64)>,
}

impl Watch {
    /// Begins.
    pub(crate) fn begin() -> Watch {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Watch { load: load(), at, ticks: ticks() }
    }

    /// Ends, and describes the machine.
    pub(crate) fn end(self) -> Machine {
        let stolen_percent = match (self.ticks, ticks()) {
            (Some((all, stolen)), Some((all_now, stolen_now))) if all_now > all => {
                100.0 * (stolen_now - stolen) as f64 / (all_now - all) as f64
            }
            _ => 0.0,
        };
        Machine {
            processor: line("/proc/cpuinfo", "model name", ':').unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: line("/proc/meminfo", "MemTotal", ':')
                .and_then(|text| text.split(' ').next()?.parse::<u64>().ok())
                .map_or(0, |kib| (kib + (1 << 19)) >> 20),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .into(),
            system: line("/etc/os-release", "PRETTY_NAME", '=')
                .map_or_else(|| "unknown".into(), |name| name.trim_matches('"').into()),
            load: self.load,
            stolen_percent,
            at: self.at,
        }
    }
}

/// The value in the first line of a file that begins with `key`.
fn line(path: &str, key: &str, between: char) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(between)?.1.trim().to_owned())
}

fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// Ticks of all cores so far: all of them, and those that were stolen.
fn ticks() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<u64> = text
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .map_while(|field| field.parse().ok())
        .collect();
    Some((fields.iter().take(8).sum(), *fields.get(7)?))
}

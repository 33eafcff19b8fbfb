//! What a storm came to.

use super::Victim;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How things were when everything was back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Back {
    /// No call was on.
    Idle,
    /// The call returned by itself, with picture.
    Returned,
    /// The killed room's panel said that it is in no call, the other room stayed in, and a person
    /// joined again; that is part of the time.
    Told,
}

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Back::Idle => "linked again, no call was on",
            Back::Returned => "the call returned by itself",
            Back::Told => "the panel said so, a person joined again",
        })
    }
}

/// Counts and times.
#[derive(Debug, Clone, Default)]
pub struct Report {
    times: BTreeMap<(Victim, Back), Vec<Duration>>,
    /// Orders that the cloud acknowledged.
    pub orders: u32,
    /// Orders whose answer never came.
    pub unanswered: u32,
    /// Calls that panels have shown, with their records.
    pub calls: usize,
}

impl Report {
    pub(super) fn kill(&mut self, victim: Victim, back: Back, took: Duration) {
        self.times.entry((victim, back)).or_default().push(took);
    }

    /// How many processes were killed.
    pub fn kills(&self) -> usize {
        self.times.values().map(Vec::len).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| killed | afterwards | times | median | worst |")?;
        writeln!(f, "| --- | --- | --- | --- | --- |")?;
        for ((victim, back), times) in &self.times {
            let mut times = times.clone();
            times.sort();
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            let worst = times.last().copied().unwrap_or_default();
            let victim = match victim {
                Victim::Cloud => "cloud",
                Victim::DaemonA => "room A's daemon",
                Victim::DaemonB => "room B's daemon",
                Victim::PanelA => "room A's panel",
                Victim::PanelB => "room B's panel",
            };
            writeln!(
                f,
                "| {victim} | {back} | {} | {:.1} s | {:.1} s |",
                times.len(),
                median.as_secs_f64(),
                worst.as_secs_f64()
            )?;
        }
        write!(
            f,
            "{} kills; {} orders acknowledged and still true, {} without an answer; {} calls with \
             their records",
            self.kills(),
            self.orders,
            self.unanswered,
            self.calls
        )
    }
}

//! What was measured: rows for the table, curves for the plots, and where they are kept.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One corner's findings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    /// One word; the name of its file.
    pub(crate) name: String,
    /// Its heading on the page.
    pub(crate) title: String,
    /// The machine while it was measured.
    pub(crate) machine: crate::machine::Machine,
    /// The table's rows, in order.
    pub(crate) rows: Vec<Row>,
    /// What is better drawn.
    pub(crate) plots: Vec<Plot>,
    /// What was measured and how, in Markdown: the peers' set-up, what a run is, how noise shows.
    pub(crate) method: String,
}

/// A quantity, ours against the others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was measured, with its unit: `SRTP protect, AEAD-AES-128-GCM, ns per packet`.
    pub(crate) quantity: String,
    /// Ours.
    pub(crate) ours: f64,
    /// Peers or ceilings by name, measured in the same run.
    pub(crate) others: Vec<Other>,
    /// What stands between us and a goal that is not met and what was tried; or empty.
    pub(crate) remark: String,
}

/// A peer or a ceiling, and what we want to be against it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Other {
    /// `rtpengine 10.5`, `bare loop`.
    pub(crate) name: String,
    /// Its figure, in the row's unit.
    pub(crate) figure: f64,
    /// The goal for ours against this one.
    pub(crate) goal: Goal,
}

/// A goal; a ratio is always ours divided by the other's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// The ratio shall be at least this.
    RatioAtLeast(f64),
    /// The ratio shall be at most this.
    RatioAtMost(f64),
    /// Ours less the other's shall be at most this, in the row's unit.
    DifferenceAtMost(f64),
    /// Ours shall be at most this, in the row's unit; the other's figure is only shown.
    AtMost(f64),
    /// Shown for comparison.
    None,
}

impl Goal {
    /// Whether it is met; `None` where there is nothing to meet.
    pub(crate) fn met(self, ours: f64, other: f64) -> Option<bool> {
        match self {
            Goal::RatioAtLeast(goal) => Some(ours >= goal * other),
            Goal::RatioAtMost(goal) => Some(ours <= goal * other),
            Goal::DifferenceAtMost(goal) => Some(ours - other <= goal),
            Goal::AtMost(goal) => Some(ours <= goal),
            Goal::None => None,
        }
    }
}

/// A plot: curves over one axis, straight axes from zero.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plot {
    /// Its file's name without ending: `forward-receivers`.
    pub(crate) name: String,
    /// Its heading.
    pub(crate) title: String,
    /// What runs along, with its unit.
    pub(crate) x: String,
    /// What runs up, with its unit.
    pub(crate) y: String,
    /// Name and points of each curve, in order of x.
    pub(crate) curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// Where findings are kept between runs: `bench/` in the target folder.
pub(crate) fn folder() -> Result<PathBuf> {
    let me = std::env::current_exe().context("where this program is, the system does not say")?;
    let target = me.ancestors().nth(2).context("this program lies outside a target folder")?;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

/// Keeps a part, in place of what was measured before.
pub(crate) fn keep(part: &Part) -> Result<()> {
    let path = folder()?.join(format!("{}.json", part.name));
    let text = serde_json::to_string_pretty(part)?;
    std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// The part of this name; `None` when it was not measured yet.
pub(crate) fn kept(name: &str) -> Result<Option<Part>> {
    let path = folder()?.join(format!("{name}.json"));
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path)?;
    let part = serde_json::from_str(&text)
        .with_context(|| format!("{} is of another version: measure again", path.display()))?;
    Ok(Some(part))
}

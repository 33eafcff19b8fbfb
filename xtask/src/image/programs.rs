//! Our programs as they are installed: without the feature `driver`, which lets others press a room's
//! buttons, and the same octets wherever they are built.

use super::PROGRAMS;
use crate::steps::Steps;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Builds those of a room; returns the folder that they are in.
pub(crate) fn room(steps: &mut Steps, workspace: &Path) -> Result<PathBuf> {
    build(steps, "Build the room's programs", workspace, &PROGRAMS)
}

/// Builds these programs; returns the folder that they are in.
pub(crate) fn build(
    steps: &mut Steps,
    what: &str,
    workspace: &Path,
    names: &[&str],
) -> Result<PathBuf> {
    build_in(steps, what, workspace, &crate::built("..")?, names)
}

/// Builds these programs of the sources in `workspace`, in this target folder; returns the folder that they are in.
pub(crate) fn build_in(
    steps: &mut Steps,
    what: &str,
    workspace: &Path,
    target: &Path,
    names: &[&str],
) -> Result<PathBuf> {
    let release = target.join("release");
    fs::create_dir_all(&release)?;
    let release = fs::canonicalize(release)?;
    let target = release.parent().context("the target folder is the root")?;
    let manifest = workspace.join("Cargo.toml").display().to_string();
    let folder = target.display().to_string();
    let mut arguments = vec!["build", "--release", "--locked"];
    arguments.extend(["--manifest-path", &manifest, "--target-dir", &folder]);
    for name in names {
        arguments.extend(["-p", name]);
    }
    steps.cargo_with(
        what,
        &arguments,
        // Cargo keeps what it builds with other flags beside it: neither is built anew for the other.
        &[("CARGO_ENCODED_RUSTFLAGS", &flags(workspace, target)?)],
        "the compiler says above what is wrong",
    )?;
    Ok(release)
}

/// A program names files of its sources where it panics. Those are the only paths of this machine in it,
/// and these flags call them the same everywhere.
fn flags(workspace: &Path, target: &Path) -> Result<String> {
    let cargo = match std::env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cargo"),
    };
    // The last that fits counts, and a target folder mostly lies in the workspace.
    let places =
        [(workspace, "/conclave"), (target, "/conclave/target"), (cargo.as_path(), "/cargo")];
    let flag =
        |(path, name): (&Path, &str)| format!("--remap-path-prefix={}={name}", path.display());
    // What cargo splits these flags at: a path may hold a space.
    Ok(places.map(flag).join("\u{1f}"))
}

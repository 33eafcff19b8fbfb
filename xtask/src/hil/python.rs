//! The virtual environment that the tests run in.

use crate::steps::Steps;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The interpreter of the virtual environment, which is made anew when its list changed.
pub(super) fn virtual_environment(steps: &mut Steps, workspace: &Path) -> Result<PathBuf> {
    let list = workspace.join("tests/hil/requirements.txt");
    let folder = workspace.join("target/hil/venv");
    let python = folder.join("bin/python");
    let kept = folder.join("requirements.txt");
    let wanted = fs::read(&list).with_context(|| format!("{}", list.display()))?;
    if python.exists() && fs::read(&kept).is_ok_and(|kept| kept == wanted) {
        return Ok(python);
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    steps.run(
        "Make a virtual environment in target/hil/venv",
        &mut make,
        "python3 with its module venv is needed: apt install python3-venv",
    )?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&list);
    steps.run("Install pytest and labgrid there", &mut install, "pip says above why")?;
    fs::write(kept, wanted)?;
    Ok(python)
}

//! `cargo xtask image --twice`: the same sources give the same programs, and the same root and programs the same slot,
//! octet by octet.
//!
//! The programs are built a second time of a copy of the sources, in another target folder. The slot is built two times in folders of its own, whatever is there already. Files are compared in
//! the order in which one goes into the next, so that the first that differs is where to look; of a
//! system that differs, the first path is named.

use super::slot::{self, Slot};
use super::{PROGRAMS, Plan, Source, cache, output, programs, tree};
use crate::steps::Steps;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Builds the slot two times and compares.
pub(crate) fn build(steps: &mut Steps, plan: &Plan, source: &Source) -> Result<()> {
    let folder = plan.workspace.join("target/image/twice");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut slot = |name| slot::build(steps, plan, source, &folder.join(name));
    let (first, second) = (slot("first")?, slot("second")?);
    for [one, other] in pairs(&first, &second) {
        let name = one.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sum = cache::sha256(one)?;
        if sum != cache::sha256(other)? {
            let mut place = String::new();
            if *one == first.system {
                place = in_system(one, other, &folder)?;
            }
            bail!("✗ {name} differs: {} and {}.{place}", one.display(), other.display());
        }
        eprintln!("✓ The same twice: {sum} {name}");
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Builds the room's programs a second time, elsewhere, and compares what is installed of them.
pub(crate) fn programs(steps: &mut Steps, workspace: &Path, first: &Path) -> Result<()> {
    let folder = workspace.join("target/image/twice-programs");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    // Another path, longer, and with spaces: what depends on it would be seen.
    let sources = folder.join("a copy of the sources");
    fs::create_dir_all(&sources)?;
    for entry in fs::read_dir(workspace)? {
        let entry = entry?;
        if entry.file_name() != "target" && entry.file_name() != ".git" {
            output(Command::new("cp").arg("-a").arg(entry.path()).arg(&sources))?;
        }
    }
    let what = "Build the room's programs again, elsewhere";
    let second = programs::build_in(steps, what, &sources, &folder.join("built"), &PROGRAMS)?;
    let mut differ = Vec::new();
    for name in PROGRAMS {
        let stripped = |from: &Path, to: &str| {
            let place = folder.join(format!("{name}-{to}"));
            tree::strip(&from.join(name), &place)?;
            cache::sha256(&place)
        };
        let sum = stripped(first, "first")?;
        match sum == stripped(&second, "second")? {
            true => eprintln!("✓ The same twice: {sum} {name}"),
            false => differ.push(name),
        }
    }
    if !differ.is_empty() {
        bail!(
            "✗ Built twice, these differ: {}. Both are in {}.",
            differ.join(", "),
            folder.display()
        );
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// What is made, in the order in which it is.
fn pairs<'a>(first: &'a Slot, second: &'a Slot) -> [[&'a Path; 2]; 7] {
    let files = |slot: &'a Slot| -> [&'a Path; 7] {
        [
            &slot.system,
            &slot.kernel,
            &slot.initrd,
            &slot.command_line,
            &slot.unified,
            &slot.boot,
            &slot.sbom,
        ]
    };
    let (first, second) = (files(first), files(second));
    std::array::from_fn(|at| [first[at], second[at]])
}

/// The first path that differs between two systems: its mode, its owner, its size, or what is in it.
fn in_system(one: &Path, other: &Path, folder: &Path) -> Result<String> {
    let list =
        |image: &Path| output(Command::new("unsquashfs").args(["-lln", "-d", ""]).arg(image));
    if let Some(difference) = first_difference(&list(one)?, &list(other)?) {
        return Ok(difference);
    }
    let mut places = Vec::new();
    for (image, name) in [(one, "first"), (other, "second")] {
        let place = folder.join(format!("unpacked-{name}"));
        output(
            Command::new("unsquashfs")
                .args(["-quiet", "-no-progress", "-d"])
                .arg(&place)
                .arg(image),
        )?;
        places.push(place);
    }
    // It ends with 1 when it finds something: that is what is wanted of it.
    let compared = Command::new("diff")
        .args(["--recursive", "--brief", "--no-dereference"])
        .args(&places)
        .output()
        .context("diff could not be started")?;
    let said = String::from_utf8_lossy(&compared.stdout);
    // A device has nothing to compare but what the list above has said.
    Ok(match said.lines().find(|line| !line.contains(" special file")) {
        Some(line) => format!("\n{line}"),
        None => {
            "\nEvery path and what is in it is the same: only how it is packed differs.".to_owned()
        }
    })
}

/// The first line that two lists do not share.
fn first_difference(one: &str, other: &str) -> Option<String> {
    let (mut one, mut other) = (one.lines(), other.lines());
    loop {
        match (one.next(), other.next()) {
            (None, None) => return None,
            (first, second) if first == second => {}
            (first, second) => {
                let shown = |line: Option<&str>| line.unwrap_or("(nothing)").to_owned();
                return Some(format!("\n< {}\n> {}", shown(first), shown(second)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_path_that_differs_is_named() {
        assert_eq!(first_difference("a\nb", "a\nb"), None);
        assert_eq!(first_difference("a\nb\nc", "a\nx\ny").unwrap(), "\n< b\n> x");
        assert_eq!(first_difference("a", "a\nb").unwrap(), "\n< (nothing)\n> b");
    }
}

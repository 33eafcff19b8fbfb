//! Has the tools of others read yocto/: kas its files, against the schema that kas itself brings, and
//! oelint-adv the layers. What neither knows is in tests/layers. Nothing is fetched but the tools.

use crate::crates::LIST;
use crate::steps::Steps;
use crate::tools::Wanted;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const WANTED: Wanted = Wanted {
    name: "yocto",
    package: "oelint-adv",
    program: "oelint-adv",
    list: include_str!("../yocto-tools.txt"),
    path: "xtask/yocto-tools.txt",
};

/// Rules of oelint-adv that are not asked for: a name, then why.
const NOT_ASKED: &str = include_str!("../../yocto/oelint.txt");

/// What kas would do besides reading: fetch, write, and set up a build.
const NOT_DONE: [&str; 7] = [
    "setup_dir",
    "repo_setup_loop",
    "finish_setup_repos",
    "repos_checkout",
    "repos_apply_patches",
    "setup_environ",
    "write_bbconfig",
];

/// Gets the tools unless they are there, and runs them. `tools` is the folder for them.
pub(crate) fn check(steps: &mut Steps, workspace: &Path, tools: &Path) -> Result<()> {
    let programs = WANTED.programs(steps, tools)?;
    let folder = workspace.join("yocto/kas");
    for entry in std::fs::read_dir(&folder).context("yocto/kas cannot be listed")? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if ["common.yml", "development.yml"].contains(&name.as_str()) {
            continue;
        }
        let both = format!("{}:{}", file.display(), folder.join("development.yml").display());
        // Where kas would put the layers, and puts nothing.
        let mut command = Command::new(programs.join("kas"));
        command.env("KAS_WORK_DIR", tools).arg("dump");
        command.args(NOT_DONE.iter().flat_map(|step| ["--skip", step]));
        command.arg(both).stdout(std::process::Stdio::null());
        steps.run(
            &format!("kas reads {name}"),
            &mut command,
            "kas says above what it does not take",
        )?;
    }
    let copy = copy_to_lint(workspace, tools)?;
    let mut files = Vec::new();
    metadata(&copy, &mut files)?;
    files.sort();
    // It reads what it names relative to where it runs.
    let mut command = Command::new("env");
    command.arg("-C").arg(&copy).arg(programs.join("oelint-adv"));
    command.args(["--release", "wrynose", "--mode", "fast", "--quiet", "--relpaths"]);
    for (rule, _) in not_asked(NOT_ASKED)? {
        command.args(["--suppress", rule]);
    }
    steps.run(
        "oelint-adv reads the layers",
        command.arg("--").args(files),
        "mend what it names, or give a reason in yocto/oelint.txt",
    )
}

/// A copy of the layers with an empty list of crates: the list is generated, a test compares it, and
/// oelint-adv takes minutes over it, once for each recipe that has it.
fn copy_to_lint(workspace: &Path, tools: &Path) -> Result<PathBuf> {
    let copy = tools.join("yocto-layers");
    if copy.exists() {
        std::fs::remove_dir_all(&copy).context("the last copy of yocto/ cannot be removed")?;
    }
    copy_folder(&workspace.join("yocto"), &copy).context("yocto/ cannot be copied")?;
    let list = LIST.strip_prefix("yocto/").context("the list of crates is not in yocto/")?;
    std::fs::write(copy.join(list), "").context("the copy's list of crates cannot be emptied")?;
    Ok(copy)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let there = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &there)?;
        } else {
            std::fs::copy(entry.path(), there)?;
        }
    }
    Ok(())
}

/// The files that bitbake reads.
fn metadata(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // What recipes install is not for bitbake, whatever it is called.
        if path.is_dir() && path.file_name().is_some_and(|name| name != "files") {
            metadata(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|e| ["bb", "bbappend", "inc", "conf"].iter().any(|m| e == *m))
        {
            files.push(path);
        }
    }
    Ok(())
}

/// The rules with their reasons.
fn not_asked(text: &str) -> Result<Vec<(&str, &str)>> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| match line.split_once(char::is_whitespace) {
            Some((rule, reason)) => Ok((rule, reason.trim_start())),
            None => bail!("yocto/oelint.txt leaves {line} out and does not say why"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_is_left_out_has_a_reason() {
        for (rule, reason) in not_asked(NOT_ASKED).unwrap() {
            assert!(rule.starts_with("oelint.") && reason.len() > 20, "{rule}: {reason}");
        }
        assert!(not_asked("oelint.var.order\n").is_err());
    }
}

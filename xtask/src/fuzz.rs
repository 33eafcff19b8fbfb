//! Builds the targets in `fuzz/` with a fuzzer's instrumentation and runs one after the other.
//!
//! It passes rustc what cargo-fuzz would, so that neither that nor a nightly toolchain has to be
//! installed: `RUSTC_BOOTSTRAP` lets the stable compiler take the sanitizer's flag. What the fuzzer
//! finds on its way is kept in `fuzz/grown/`, what breaks a target in `fuzz/artifacts/`.

use crate::steps::Steps;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[derive(Args)]
pub(crate) struct Fuzz {
    /// How long each target runs. Zero only runs what is in its corpus.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Which targets; all when none is named.
    targets: Vec<String>,
}

/// Coverage that libFuzzer reads, and what cargo-fuzz adds so that the optimiser leaves it alone;
/// then the address sanitizer.
const FLAGS: [&str; 9] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
    "-Zsanitizer=address",
    "--cfg=fuzzing",
];

/// Megabytes that one allocation may have. The longest that outside octets may cause is the
/// panel's frame, a quarter of one; the rest is the fuzzer's own.
const MOST_MEGABYTES: u32 = 16;

/// Seconds after which one input counts as a hang; a usual one takes microseconds.
const LONGEST_SECONDS: u32 = 10;

/// Octets of the longest input. Most packets are shorter; longer inputs make everything slower.
const LONGEST_INPUT: u32 = 4096;

/// Runs the targets; the first that breaks ends it.
pub(crate) fn run(workspace: &Path, fuzz: &Fuzz) -> Result<()> {
    let there = targets(workspace)?;
    for wanted in &fuzz.targets {
        ensure!(
            there.contains(wanted),
            "There is no target {wanted}. There are: {}.",
            there.join(", ")
        );
    }
    let wanted = if fuzz.targets.is_empty() { &there } else { &fuzz.targets };
    let host = host()?;
    let mut steps = Steps::new(workspace.to_owned());
    // With a target named, cargo leaves these flags away from build scripts and macros.
    let rustflags = FLAGS.join(" ");
    let environment = [("RUSTC_BOOTSTRAP", "1"), ("RUSTFLAGS", rustflags.as_str())];
    let crate_and_host = ["--release", "--manifest-path", "fuzz/Cargo.toml", "--target", &host];
    steps.cargo_with(
        "Build the targets",
        &[&["build", "--locked", "--bins"], &crate_and_host[..]].concat(),
        &environment,
        "the compiler says above what is wrong; libFuzzer needs a C++ compiler",
    )?;
    for target in wanted {
        let [grown, artifacts] =
            ["grown", "artifacts"].map(|name| format!("fuzz/{name}/{target}/"));
        for folder in [&grown, &artifacts] {
            fs::create_dir_all(workspace.join(folder))
                .with_context(|| format!("{folder} could not be made"))?;
        }
        let mut options = vec![
            format!("-artifact_prefix={artifacts}"),
            format!("-malloc_limit_mb={MOST_MEGABYTES}"),
            format!("-timeout={LONGEST_SECONDS}"),
            format!("-max_len={LONGEST_INPUT}"),
            "-print_final_stats=1".to_owned(),
            "-verbosity=0".to_owned(),
            "-print_funcs=0".to_owned(),
        ];
        match fuzz.seconds {
            0 => options.push("-runs=0".to_owned()),
            seconds => options.push(format!("-max_total_time={seconds}")),
        }
        // New inputs go into the first folder.
        options.extend([grown, format!("fuzz/corpus/{target}")]);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let run = ["run", "--quiet", "--locked", "--bin", target.as_str()];
        steps.cargo_with(
            target,
            &[&run[..], &crate_and_host[..], &["--"], &options[..]].concat(),
            &environment,
            &format!(
                "the input that broke it is named above, in {artifacts}; mend it, and keep the \
                 input as fuzz/corpus/{target}/found-<what it was>"
            ),
        )?;
    }
    steps.summary();
    Ok(())
}

/// The names of all targets: of the files in `fuzz/fuzz_targets`.
fn targets(workspace: &Path) -> Result<Vec<String>> {
    let folder = workspace.join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("{} is not there", folder.display()))?
    {
        let path = entry?.path();
        if let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The machine's own target triple, by its rustc.
fn host() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().context("rustc could not be started")?;
    match host_line(&String::from_utf8_lossy(&output.stdout)) {
        Some(host) => Ok(host.to_owned()),
        None => bail!("rustc -vV does not say for which machine it is."),
    }
}

fn host_line(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_found_in_what_rustc_says() {
        let said = "rustc 1.92.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.92.0\n";
        assert_eq!(host_line(said), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host_line("rustc 1.92.0\n"), None);
    }

    #[test]
    fn every_target_has_a_corpus() {
        let workspace = crate::workspace().unwrap();
        let targets = targets(&workspace).unwrap();
        assert!(!targets.is_empty());
        for target in targets {
            assert!(workspace.join("fuzz/corpus").join(&target).is_dir(), "{target}");
        }
    }

    #[test]
    fn a_target_that_is_not_there_is_refused_with_those_that_are() {
        let fuzz = Fuzz { seconds: 1, targets: vec!["everything".to_owned()] };
        let trouble = run(&crate::workspace().unwrap(), &fuzz).unwrap_err().to_string();
        assert!(trouble.contains("everything") && trouble.contains("rtp_packet"), "{trouble}");
    }
}

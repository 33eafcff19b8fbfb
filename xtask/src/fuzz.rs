//! Builds the targets in `fuzz/` with a fuzzer's instrumentation and runs them.
//!
//! It passes rustc what cargo-fuzz would, so that neither that nor a nightly toolchain has to be
//! installed: `RUSTC_BOOTSTRAP` lets the stable compiler take the sanitizer's flag. What the fuzzer
//! finds on its way is kept in `fuzz/grown/`, what breaks a target in `fuzz/artifacts/`, what it
//! says in `fuzz/logs/`.
//!
//! `--seconds` watches memory with the address sanitizer and lets the fuzzer see comparisons. `--runs`
//! goes without both, many times as fast: no crate of ours has unsafe code, so that the former has
//! little to see, and the latter is for finding new ways, which the corpus holds already. What was
//! run is noted in `docs/security/fuzzing.md`.

mod page;

use crate::steps::Steps;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::{env, thread};

#[derive(Args)]
pub(crate) struct Fuzz {
    /// How long each target runs, with the address sanitizer. Zero only runs its corpus.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// How often each target runs instead, without the sanitizer; noted in docs/security.
    #[arg(long, conflicts_with = "seconds")]
    runs: Option<u64>,
    /// What `cargo xtask test` runs instead: some thousand inputs of every target, without the sanitizer.
    #[arg(long, conflicts_with_all = ["seconds", "runs", "keep", "targets"])]
    short: bool,
    /// How many targets run at once.
    #[arg(long, default_value_t = NonZeroUsize::MIN)]
    jobs: NonZeroUsize,
    /// Afterwards, puts inputs that reach something new into the corpus: the fewest that do.
    #[arg(long)]
    keep: bool,
    /// Which targets; all when none is named.
    targets: Vec<String>,
}

/// Coverage that libFuzzer reads, and what cargo-fuzz adds so that the optimiser leaves it alone.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];
const SANITIZER: &str = "-Zsanitizer=address";
/// Shows the fuzzer what is compared with what, so that it meets numbers that it would not guess.
const COMPARES: &str = "-Cllvm-args=-sanitizer-coverage-trace-compares";

/// Megabytes that a target may have. A usual one has 30, with the sanitizer 400.
const MOST_MEGABYTES: u32 = 1024;

/// Seconds after which one input counts as a hang; a usual one takes microseconds.
const LONGEST_SECONDS: u32 = 10;

/// Runs of each target in `cargo xtask test`, on top of its corpus: some seconds for all of them.
const SHORT_RUNS: u64 = 20_000;

/// Octets of the longest input, by target. As much as its subject needs to show all it can do:
/// longer inputs only make everything slower.
const LONGEST_INPUT: [(&str, u32); 7] = [
    ("activation_codes", 64),
    ("header_extensions", 128),
    ("words", 192),
    ("rtp_packet", 256),
    ("link_cloud", 1024),
    ("link_room", 1024),
    // 512 for the others.
    ("", 512),
];

/// How a run ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Seconds(u32),
    Runs(u64),
    /// [`SHORT_RUNS`], from the corpus alone, leaving nothing behind: each is like the first.
    Short,
}

/// Runs the targets; a target that breaks ends it.
pub(crate) fn run(workspace: &Path, fuzz: &Fuzz) -> Result<()> {
    if fuzz.short {
        return short(&mut Steps::new(workspace.to_owned()), workspace);
    }
    let there = targets(workspace)?;
    for wanted in &fuzz.targets {
        ensure!(
            there.contains(wanted),
            "There is no target {wanted}. There are: {}.",
            there.join(", ")
        );
    }
    let wanted = if fuzz.targets.is_empty() { there } else { fuzz.targets.clone() };
    let mut steps = Steps::new(workspace.to_owned());
    let until = fuzz.runs.map_or(Until::Seconds(fuzz.seconds), Until::Runs);
    let programs = build(&mut steps, until)?;
    let rows = run_all(workspace, &programs, &wanted, until, fuzz.jobs, &|row| match until {
        // At once: of a run of hours that is stopped, what was done stays.
        Until::Runs(_) => page::note(workspace, row.clone()),
        Until::Seconds(_) | Until::Short => Ok(()),
    })?;
    eprint!("\n{}", page::table(&rows));
    if fuzz.keep {
        for target in &wanted {
            keep(&mut steps, &programs, target)?;
        }
    }
    Ok(())
}

/// A short run of every target, for `cargo xtask test`.
fn short(steps: &mut Steps, workspace: &Path) -> Result<()> {
    let programs = build(steps, Until::Short)?;
    let jobs = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    run_all(workspace, &programs, &targets(workspace)?, Until::Short, jobs, &|_| Ok(()))?;
    Ok(())
}

/// Builds the targets; the folder of their programs.
fn build(steps: &mut Steps, until: Until) -> Result<PathBuf> {
    let host = host()?;
    let mut rustflags = FLAGS.join(" ");
    // Each kind in a folder of its own: neither build throws the other away.
    let kind = match until {
        Until::Runs(_) => "fuzz-long",
        Until::Short => {
            rustflags = format!("{rustflags} {COMPARES}");
            "fuzz"
        }
        Until::Seconds(_) => {
            rustflags = format!("{rustflags} {COMPARES} {SANITIZER}");
            "fuzz-with-sanitizer"
        }
    };
    let folder = target_folder()?.join(kind);
    // With a target named, cargo leaves these flags away from build scripts and macros.
    steps.cargo_with(
        "Build the fuzz targets",
        &[
            "build",
            "--locked",
            "--package",
            "conclave-fuzz",
            "--features",
            "fuzzer",
            "--bins",
            "--profile",
            "fuzz",
            "--target",
            &host,
            "--target-dir",
            &folder.to_string_lossy(),
        ],
        &[("RUSTC_BOOTSTRAP", "1"), ("RUSTFLAGS", &rustflags)],
        "the compiler says above what is wrong; libFuzzer needs a C++ compiler",
    )?;
    Ok(folder.join(host).join("fuzz"))
}

/// Runs the targets, some at once, and reads what came of each.
fn run_all(
    workspace: &Path,
    programs: &Path,
    wanted: &[String],
    until: Until,
    jobs: NonZeroUsize,
    note: &(dyn Fn(&page::Row) -> Result<()> + Sync),
) -> Result<Vec<page::Row>> {
    let waiting: Mutex<VecDeque<&String>> = Mutex::new(wanted.iter().collect());
    let done = Mutex::new(Vec::new());
    let held = |queue: &Mutex<VecDeque<&'_ String>>| {
        queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front().cloned()
    };
    thread::scope(|scope| {
        for _ in 0..jobs.get().min(wanted.len()) {
            scope.spawn(|| {
                while let Some(target) = held(&waiting) {
                    let row = run_one(workspace, programs, &target, until);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    let row = row.and_then(|row| note(&row).map(|()| row));
                    if let Ok(row) = &row {
                        eprintln!("✓ {target}: {} runs", row.runs);
                    } else {
                        // What waits would hide what was found.
                        waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    }
                    done.push(row);
                }
            });
        }
    });
    let rows: Result<Vec<page::Row>> =
        done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect();
    let mut rows = rows?;
    rows.sort_by(|a, b| a.target.cmp(&b.target));
    Ok(rows)
}

fn run_one(workspace: &Path, programs: &Path, target: &str, until: Until) -> Result<page::Row> {
    let [grown, artifacts] = ["grown", "artifacts"].map(|name| format!("fuzz/{name}/{target}/"));
    // libFuzzer writes new inputs into the first folder that it is given.
    let new = match until {
        Until::Short => format!("fuzz/logs/{target}.new"),
        Until::Seconds(_) | Until::Runs(_) => grown,
    };
    for folder in [&new, &artifacts, "fuzz/logs"] {
        fs::create_dir_all(workspace.join(folder))
            .with_context(|| format!("{folder} could not be made"))?;
    }
    let log = workspace.join(format!("fuzz/logs/{target}.log"));
    let out = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    let longest = LONGEST_INPUT.iter().find(|(name, _)| [target, ""].contains(name));
    let mut fuzzer = Command::new(programs.join(target));
    fuzzer
        .arg(format!("-artifact_prefix={artifacts}"))
        .arg(format!("-rss_limit_mb={MOST_MEGABYTES}"))
        .arg(format!("-timeout={LONGEST_SECONDS}"))
        .arg(format!("-max_len={}", longest.map_or(512, |(_, octets)| *octets)))
        // Nobody else writes into the folders; to read them each second took half the time.
        .args(["-reload=0", "-print_final_stats=1", "-print_funcs=0"])
        .arg(match until {
            Until::Seconds(0) => "-runs=0".to_owned(),
            Until::Seconds(seconds) => format!("-max_total_time={seconds}"),
            Until::Runs(runs) => format!("-runs={runs}"),
            Until::Short => format!("-runs={SHORT_RUNS}"),
        });
    let status = fuzzer
        .arg(&new)
        .arg(format!("fuzz/corpus/{target}"))
        .current_dir(workspace)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .status()
        .with_context(|| format!("{target} could not be started"))?;
    if until == Until::Short {
        fs::remove_dir_all(workspace.join(&new)).with_context(|| format!("{new} stays"))?;
    }
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if !status.success() {
        let lines: Vec<&str> = said.lines().collect();
        bail!(
            "{}\n\n✗ {target} broke. The input is in {artifacts} and named above; mend what it \
             broke, and keep it as fuzz/corpus/{target}/found-<what it was>.",
            lines[lines.len().saturating_sub(40)..].join("\n")
        );
    }
    page::Row::read(target, &said).with_context(|| format!("{} is odd", log.display()))
}

/// Puts what was found on the way into the corpus, as few inputs as cover all that all cover.
fn keep(steps: &mut Steps, programs: &Path, target: &str) -> Result<()> {
    let mut merge = Command::new(programs.join(target));
    // Edges alone: with the counts of each it would be ten times as many files.
    merge.args(["-set_cover_merge=1", "-use_counters=0", "-verbosity=0"]);
    merge.arg(format!("fuzz/corpus/{target}")).arg(format!("fuzz/grown/{target}"));
    merge.stdout(Stdio::null()).stderr(Stdio::null());
    steps.run(&format!("Keep what {target} found"), &mut merge, "run it by hand to see more")
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

/// Cargo's target folder: this program stands in its `debug/`.
fn target_folder() -> Result<PathBuf> {
    let me = env::current_exe().context("where this program is, the system does not say")?;
    // Its unit tests stand one deeper, in debug/deps/.
    let depth = if me.parent().is_some_and(|folder| folder.ends_with("deps")) { 3 } else { 2 };
    me.ancestors().nth(depth).map(Path::to_owned).context("this program stands in no target folder")
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
        for target in &targets {
            assert!(workspace.join("fuzz/corpus").join(target).is_dir(), "{target}");
        }
        for (name, _) in LONGEST_INPUT {
            assert!(name.is_empty() || targets.iter().any(|target| target == name), "{name}");
        }
    }

    #[test]
    fn a_target_that_is_not_there_is_refused_with_those_that_are() {
        let fuzz = Fuzz {
            seconds: 1,
            short: false,
            runs: None,
            jobs: NonZeroUsize::MIN,
            keep: false,
            targets: vec!["everything".to_owned()],
        };
        let trouble = run(&crate::workspace().unwrap(), &fuzz).unwrap_err().to_string();
        assert!(trouble.contains("everything") && trouble.contains("rtp_packet"), "{trouble}");
    }
}

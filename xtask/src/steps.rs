//! One command after the other, each with a heading, its time, and advice when it goes wrong.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Steps in the workspace's folder; the first that goes wrong ends them.
pub(crate) struct Steps {
    workspace: PathBuf,
    cargo: OsString,
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// No step done yet.
    pub(crate) fn new(workspace: PathBuf) -> Steps {
        // The cargo that runs us, so that both use one toolchain.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Steps { workspace, cargo, done: Vec::new() }
    }

    /// Refuses to begin when cargo lacks a component, and says how to get it.
    pub(crate) fn cargo_has(&self, component: &str) -> Result<()> {
        let there = Command::new(&self.cargo)
            .args([component, "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !there {
            bail!(
                "This Rust toolchain has no `cargo {component}`. \
                 Run `rustup component add rustfmt clippy`, then this again."
            );
        }
        Ok(())
    }

    /// Runs cargo with these arguments.
    pub(crate) fn cargo(&mut self, what: &str, arguments: &[&str], advice: &str) -> Result<()> {
        self.cargo_with(what, arguments, &[], advice)
    }

    /// Runs cargo with these arguments and environment variables.
    pub(crate) fn cargo_with(
        &mut self,
        what: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        advice: &str,
    ) -> Result<()> {
        let mut command = Command::new(&self.cargo);
        // What cargo told us of ourselves. ring's build script looks at it: ring and all that is
        // built on it would be built anew whenever cargo is called by us and by hand in turn.
        for (name, _) in std::env::vars_os() {
            let told = name.to_string_lossy();
            if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).envs(environment.iter().copied());
        self.run(what, &mut command, advice)
    }

    /// Runs a command in the workspace's folder; what it prints is seen as it comes.
    pub(crate) fn run(&mut self, what: &str, command: &mut Command, advice: &str) -> Result<()> {
        let workspace = self.workspace.clone();
        self.run_in(&workspace, what, command, advice)
    }

    /// The same in another folder.
    pub(crate) fn run_in(
        &mut self,
        folder: &Path,
        what: &str,
        command: &mut Command,
        advice: &str,
    ) -> Result<()> {
        eprintln!("\n── {what}");
        let begun = Instant::now();
        let status = command
            .current_dir(folder)
            .status()
            .with_context(|| format!("{what}: {} could not be started", name(command)))?;
        let taken = begun.elapsed();
        if !status.success() {
            bail!("✗ {what} went wrong after {}: {advice}.", in_words(taken));
        }
        eprintln!("✓ {what}: {}", in_words(taken));
        self.done.push((what.to_owned(), taken));
        Ok(())
    }

    /// Begins one of our own tasks beside the steps, as the last in the queue for a processor: while tests wait for
    /// each other, it goes on. What it prints is in target/beside/.
    pub(crate) fn begin(&self, what: &str, task: &[&str]) -> Result<Beside> {
        let folder = self.workspace.join("target/beside");
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let log = folder.join(format!("{}.log", task.join("")));
        let output = File::create(&log)?;
        // Not by its name: a build of the workspace puts another file there while this one runs.
        let me = format!("/proc/{}/exe", std::process::id());
        let mut command = Command::new("nice");
        command.args(["-n", "19", &me]).args(task);
        command.current_dir(&self.workspace).stdin(Stdio::null());
        command.stdout(output.try_clone()?).stderr(output);
        let child =
            command.spawn().with_context(|| format!("{what}: nice could not be started"))?;
        eprintln!("\n── {what}, beside what follows");
        Ok(Beside { what: what.to_owned(), child, log, begun: Instant::now() })
    }

    /// Waits for it; when it went wrong, shows what it printed.
    pub(crate) fn join(&mut self, mut beside: Beside) -> Result<()> {
        let waits = Instant::now();
        let status = beside.child.wait()?;
        let what = &beside.what;
        if !status.success() {
            eprintln!("{}", fs::read_to_string(&beside.log).unwrap_or_default());
            bail!("✗ {what} went wrong: it says above why.");
        }
        let (taken, waited) = (in_words(beside.begun.elapsed()), waits.elapsed());
        eprintln!("✓ {what}: {taken}, of which {} were waited for", in_words(waited));
        self.done.push((format!("{what} (the end of it)"), waited));
        Ok(())
    }

    /// Lists the steps with their times.
    pub(crate) fn summary(&self) {
        eprintln!("\nAll of it passed:");
        for (what, taken) in &self.done {
            eprintln!("  ✓ {what:<48} {:>12}", in_words(*taken));
        }
        let total = self.done.iter().map(|(_, taken)| *taken).sum();
        eprintln!("    {:<48} {:>12}", "together", in_words(total));
    }
}

/// A task of ours that goes on beside the steps. Dropped, it is ended; a program that it runs just then comes to its own
/// end.
pub(crate) struct Beside {
    what: String,
    child: Child,
    log: PathBuf,
    begun: Instant,
}

impl Drop for Beside {
    fn drop(&mut self) {
        // One that has ended is none that can be ended: that is all that may go wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// `0.4 s`, `12.3 s`, `3 min 05 s`.
pub(crate) fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds < 60 {
        format!("{:.1} s", span.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_say_them() {
        for (millis, words) in [(412, "0.4 s"), (59_900, "59.9 s"), (185_000, "3 min 05 s")] {
            assert_eq!(in_words(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn a_step_that_goes_wrong_ends_with_advice_and_is_not_listed_as_done() {
        let mut steps = Steps::new(std::env::temp_dir());
        let trouble = steps
            .run("Look for trouble", &mut Command::new("false"), "look elsewhere")
            .unwrap_err();
        assert!(trouble.to_string().contains("look elsewhere"), "{trouble}");
        assert!(steps.done.is_empty());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let mut steps = Steps::new(std::env::temp_dir());
        let mut nothing = Command::new("no-such-program-of-ours");
        let trouble = steps.run("Start nothing", &mut nothing, "").unwrap_err();
        assert!(trouble.to_string().contains("no-such-program-of-ours"), "{trouble}");
    }
}

//! A program that we started, its log, and what it costs the machine.

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long a program may take to end by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A program that runs until it is dropped. It also ends when we die, whatever kills us.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all its threads since it started.
    pub cpu: Duration,
    /// Resident memory, in octets.
    pub memory: u64,
}

/// What a program finds round it that is not as usual.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Environment variables besides ours.
    pub environment: Vec<(String, String)>,
    /// At most so many open files (RLIMIT_NOFILE), when it is to run out of them.
    pub open_files: Option<u32>,
}

impl Around {
    /// Starts a program in the midst of it.
    pub(crate) fn start<A: AsRef<OsStr>>(
        &self,
        name: &str,
        program: &Path,
        arguments: &[A],
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Process> {
        let own = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let environment: Vec<(&str, &str)> = environment.iter().copied().chain(own).collect();
        let Some(files) = self.open_files else {
            return Process::start(name, program, arguments, &environment, log);
        };
        // prlimit becomes the program, as setpriv does.
        let limit = format!("--nofile={files}:{files}");
        let mut all: Vec<&OsStr> = vec![limit.as_ref(), "--".as_ref(), program.as_os_str()];
        all.extend(arguments.iter().map(AsRef::as_ref));
        Process::start(name, Path::new("/usr/bin/prlimit"), &all, &environment, log)
    }
}

impl Process {
    /// Starts a program; what it prints goes to the end of `log`.
    pub fn start<A: AsRef<OsStr>>(
        name: &str,
        program: &Path,
        arguments: &[A],
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Process> {
        let out = OpenOptions::new().create(true).append(true).open(log);
        let out = out.with_context(|| format!("{} could not be opened", log.display()))?;
        // setpriv becomes the program, which keeps its process id and dies with its parent: no
        // process is left behind even when we are killed.
        let mut command = if Path::new("/usr/bin/setpriv").exists() {
            let mut command = Command::new("/usr/bin/setpriv");
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let child = command
            .args(arguments)
            .env("NO_COLOR", "1") // Logs are read in files.
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        Ok(Process { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// An error with the end of its log when it runs no longer.
    pub fn check_running(&mut self) -> Result<()> {
        if let Some(status) = self.ended()? {
            bail!("{} has ended ({status}). Its last words:\n{}", self.name, self.last_words(25));
        }
        Ok(())
    }

    /// The last lines of its log.
    pub fn last_words(&self, lines: usize) -> String {
        last_lines(&std::fs::read_to_string(&self.log).unwrap_or_default(), lines)
    }

    /// All that it has printed, from its first start on.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Kills it without a warning (SIGKILL), as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("{} could not be killed", self.name))?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM); kills it when it does not.
    pub fn stop(&mut self) -> Result<()> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        let pid = Pid::from_raw(i32::try_from(self.pid())?);
        kill(pid, Signal::SIGTERM).with_context(|| format!("{} was not there", self.name))?;
        let gone = crate::wait_until("its end", PATIENCE, || Ok(self.ended()?.is_some()));
        if gone.is_err() {
            self.kill()?;
        }
        Ok(())
    }

    /// What it has used so far.
    pub fn usage(&self) -> Result<Usage> {
        let folder = PathBuf::from(format!("/proc/{}", self.pid()));
        let stat = std::fs::read_to_string(folder.join("stat"))
            .with_context(|| format!("{} has ended", self.name))?;
        let status = std::fs::read_to_string(folder.join("status"))?;
        let cpu = cpu_time(&stat).context("/proc/…/stat is not as proc(5) says")?;
        let memory = resident(&status).context("/proc/…/status has no VmRSS")?;
        Ok(Usage { cpu, memory })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; either way nothing of it is left.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn last_lines(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Clock ticks in a second in /proc (USER_HZ): 100 on every architecture that Debian has.
const TICKS: u64 = 100;

/// utime and stime of proc(5), the 14th and 15th field; the 2nd is in brackets and may hold blanks.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS))
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(program: &str, arguments: &[&str], folder: &Path) -> Process {
        Process::start(program, Path::new(program), arguments, &[], &folder.join("log")).unwrap()
    }

    #[test]
    fn a_program_that_ends_too_soon_is_reported_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = start("sh", &["-c", "echo out of coffee >&2; exit 3"], folder.path());
        let limit = Duration::from_secs(10);
        crate::wait_until("its end", limit, || Ok(process.ended()?.is_some())).unwrap();
        let trouble = process.check_running().unwrap_err().to_string();
        assert!(trouble.contains("out of coffee") && trouble.contains('3'), "{trouble}");
    }

    #[test]
    fn a_dropped_program_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let process = start("sleep", &["1000"], folder.path());
        let proc = PathBuf::from(format!("/proc/{}", process.pid()));
        assert!(proc.exists());
        drop(process);
        assert!(!proc.exists());
    }

    #[test]
    fn a_program_that_works_uses_time_and_memory() {
        let folder = tempfile::tempdir().unwrap();
        let process = start("sh", &["-c", "while :; do :; done"], folder.path());
        let limit = Duration::from_secs(20);
        crate::wait_until("some work", limit, || {
            Ok(process.usage()?.cpu > Duration::from_millis(50))
        })
        .unwrap();
        assert!(process.usage().unwrap().memory > 100_000);
    }

    #[test]
    fn a_program_name_with_brackets_and_blanks_does_not_confuse_its_times() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 9 9 20 0 1 0 5";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(2)));
        assert_eq!(cpu_time("7 (sh"), None);
    }
}

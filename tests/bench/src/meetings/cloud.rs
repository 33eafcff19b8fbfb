//! The cloud under measurement, and what an administrator says to it.

use super::number;
use crate::control;
use crate::process::{Running, until};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// Where everything lies.
pub(crate) struct Folder(TempDir);

/// A running cloud.
pub(crate) struct Cloud {
    process: Running,
    data: PathBuf,
    link: SocketAddr,
    pins: Vec<String>,
    took: Duration,
}

impl Folder {
    pub(crate) fn new() -> Result<Folder> {
        Ok(Folder(tempfile::Builder::new().prefix("conclave-bench-").tempdir()?))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The release build beside this program.
fn program() -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    let program = me.with_file_name("conclave-cloud");
    ensure!(
        program.is_file(),
        "{} is not built: run `cargo build --release -p conclave-cloud` first",
        program.display()
    );
    Ok(program)
}

impl Cloud {
    /// Starts it on what an earlier one left in the folder, and waits until rooms may link.
    pub(crate) fn start(folder: &Folder) -> Result<Cloud> {
        let program = program()?;
        let data = folder.path().join("cloud");
        let pins = Command::new(&program).args(["pins", "--json", "--data"]).arg(&data).output()?;
        let pins: Value = serde_json::from_slice(&pins.stdout).context("the cloud's pins")?;
        let pins: Vec<String> = serde_json::from_value(pins["pins"].clone())?;
        let run = data.join("run.json");
        ensure!(!run.exists(), "a cloud runs in {} already", data.display());
        let mut command = Command::new(&program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--console", "off", "--data"]).arg(&data);
        command.env("CONCLAVE_LOG", "warn");
        let begun = Instant::now();
        let process =
            Running::start("conclave-cloud", &mut command, &folder.path().join("cloud.log"))?;
        let mut said = None;
        let step = Duration::from_micros(200);
        while said.is_none() {
            ensure!(begun.elapsed() < PATIENCE, "the cloud did not start within {PATIENCE:?}");
            std::thread::sleep(step);
            said = std::fs::read(&run).ok().and_then(|t| serde_json::from_slice::<Value>(&t).ok());
        }
        let took = begun.elapsed();
        let link = said.and_then(|run| run["link"][0].as_str()?.parse().ok());
        let link = link.context("the cloud does not say where it listens")?;
        Ok(Cloud { process, data, link, pins, took })
    }

    /// Stops it as a service manager does.
    pub(crate) fn stop(self) -> Result<()> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.process.id())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        // The file goes last but for the lock, which goes with the process.
        until("the cloud stops", PATIENCE, || !self.data.join("run.json").exists())
    }

    /// From its start until rooms could link.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    pub(crate) fn link(&self) -> SocketAddr {
        self.link
    }

    pub(crate) fn pins(&self) -> &[String] {
        &self.pins
    }

    pub(crate) fn spent(&self) -> Result<Duration> {
        self.process.spent()
    }

    pub(crate) fn resident(&self) -> Result<u64> {
        self.process.resident()
    }

    /// Makes a VMR without a PIN.
    pub(crate) fn create_vmr(&self, vmr: usize) -> Result<()> {
        self.ask(&json!({
            "ask": "vmr_create",
            "number": number(vmr),
            "name": format!("Meeting room {vmr}"),
            "pin": null,
            "capacity": 25,
        }))
        .map(drop)
    }

    /// Enrols the device that shows a code.
    pub(crate) fn claim(&self, code: &str, name: &str) -> Result<()> {
        self.ask(&json!({"ask": "room_claim", "code": code, "name": name})).map(drop)
    }

    /// How many meetings are on.
    pub(crate) fn meetings(&self) -> Result<usize> {
        let answer = self.ask(&json!({"ask": "meeting_list"}))?;
        answer["meetings"].as_array().map(Vec::len).context("no meetings")
    }

    fn ask(&self, request: &Value) -> Result<Value> {
        control::ask(&self.data, request)
    }
}

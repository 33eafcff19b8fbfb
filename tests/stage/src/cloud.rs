//! A real conclave-cloud: started, spoken to on its command line, killed and started again.

use crate::process::{Around, Process};
use crate::stage::Stage;
use crate::wait::wait_for;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A cloud makes its keys and its database at the first start.
const START: Duration = Duration::from_secs(30);

/// A cloud that runs.
#[derive(Debug)]
pub struct Cloud {
    console: Console,
    log: PathBuf,
    link: SocketAddr,
    level: &'static str,
    process: Process,
    /// What its next start finds round it.
    pub around: Around,
    /// Further arguments of each start.
    more: Vec<String>,
}

/// The cloud's command line, for whoever works beside it.
#[derive(Debug, Clone)]
pub struct Console {
    program: PathBuf,
    data: PathBuf,
}

/// A virtual meeting room to be made.
#[derive(Debug, Clone, Copy)]
pub struct Vmr<'a> {
    /// What is dialled.
    pub number: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// What is asked for at the door, if anything.
    pub pin: Option<&'a str>,
}

impl Cloud {
    /// Starts a cloud with nothing in it, on a port that the system chooses.
    pub fn start(stage: &Stage) -> Result<Cloud> {
        Cloud::start_in(stage, &stage.folder().join("cloud"), Around::default())
    }

    /// The same, with a console for browsers. The link for its first administrator is in its log.
    pub fn start_with_console(stage: &Stage) -> Result<Cloud> {
        let (data, around) = (stage.folder().join("cloud"), Around::default());
        Cloud::start_on(stage, &data, around, &["--console", "127.0.0.1:0"])
    }

    /// The same, with a console and whatever else as this configuration says.
    pub fn start_configured(stage: &Stage, config: &str) -> Result<Cloud> {
        let (data, around) = (stage.folder().join("cloud"), Around::default());
        let file = stage.folder().join("cloud.toml");
        std::fs::write(&file, config)?;
        Cloud::start_on(stage, &data, around, &["--config", &file.to_string_lossy()])
    }

    /// Starts a cloud on this data folder, which may be a disk of its own, and with something
    /// unusual round it.
    pub fn start_in(stage: &Stage, data: &Path, around: Around) -> Result<Cloud> {
        Cloud::start_on(stage, data, around, &["--console", "off"])
    }

    fn start_on(stage: &Stage, data: &Path, around: Around, more: &[&str]) -> Result<Cloud> {
        let program = stage.program("conclave-cloud")?;
        let log = stage.folder().join("cloud.log");
        let console = Console { program, data: data.to_owned() };
        let level = stage.log_level();
        let more: Vec<String> = more.iter().map(|&each| each.to_owned()).collect();
        let (process, link) = serve(&console, &log, ("127.0.0.1:0", &more), &around, level)?;
        Ok(Cloud { console, log, link, level, process, around, more })
    }

    /// Where rooms link to.
    pub fn link(&self) -> SocketAddr {
        self.link
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.console.data
    }

    /// Its command line.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// Where it serves its metrics.
    pub fn metrics(&self) -> Result<SocketAddr> {
        let run = std::fs::read_to_string(self.data().join("run.json"))?;
        let run: Value = serde_json::from_str(&run)?;
        let address = run.get("metrics").and_then(Value::as_str);
        Ok(address.context("the cloud serves no metrics")?.parse()?)
    }

    /// What a command with `--json` answers.
    pub fn answer(&self, arguments: &[&str]) -> Result<Value> {
        let printed = self.command(arguments)?;
        serde_json::from_str(&printed).with_context(|| format!("{arguments:?}: {printed}"))
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Kills it without a warning.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts it again on the same data and the same port.
    pub fn start_again(&mut self) -> Result<()> {
        let listen = self.link.to_string();
        let (process, link) =
            serve(&self.console, &self.log, (&listen, &self.more), &self.around, self.level)?;
        if link != self.link {
            bail!("the cloud came back at {link} and not at {listen}");
        }
        self.process = process;
        Ok(())
    }

    /// The pins that rooms are configured with: `sha256:…`, the current and the backup key's.
    pub fn pins(&self) -> Result<Vec<String>> {
        let printed = self.command(&["pins"])?;
        let pins: Vec<String> = printed
            .split(|c: char| c.is_whitespace() || c == '"' || c == ',')
            .filter(|word| word.starts_with("sha256:"))
            .map(str::to_owned)
            .collect();
        if pins.len() != 2 {
            bail!("the cloud should print two pins and printed\n{printed}");
        }
        Ok(pins)
    }

    /// Makes a virtual meeting room.
    pub fn create(&self, vmr: Vmr<'_>) -> Result<()> {
        let mut arguments = vec!["vmr", "create", "--number", vmr.number, "--name", vmr.name];
        if let Some(pin) = vmr.pin {
            arguments.extend(["--pin", pin]);
        }
        self.command(&arguments).map(drop)
    }

    /// Claims the code that a panel shows.
    pub fn claim(&self, code: &str, name: &str) -> Result<String> {
        self.command(&["room", "claim", code, "--name", name])
    }

    /// What a listing command such as `vmr list` knows: a JSON array of objects.
    pub fn list(&self, of: &str) -> Result<Value> {
        self.console.list(of, &[])
    }

    /// Runs the cloud's command line beside the running cloud; what it printed.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        self.console.command(arguments)
    }
}

impl Console {
    /// What a listing command such as `vmr list` knows: a JSON array of objects.
    /// `more` are further arguments.
    pub fn list(&self, of: &str, more: &[&str]) -> Result<Value> {
        let printed = self.command(&[&[of, "list", "--json"], more].concat())?;
        let told = || format!("{of} list --json: {printed}");
        let list: Value = serde_json::from_str(&printed).with_context(told)?;
        // Either the array itself or an answer that holds it beside its name.
        let inner = list.as_object().and_then(|answer| answer.values().find(|v| v.is_array()));
        let list = inner.unwrap_or(&list);
        if !list.is_array() {
            bail!("no list: {}", told());
        }
        Ok(list.clone())
    }

    /// Runs it beside the running cloud; what it printed.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.program)
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .output()
            .with_context(|| format!("{} could not be started", self.program.display()))?;
        if !output.status.success() {
            bail!(
                "conclave-cloud {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Starts it and waits until it has written where it listens.
fn serve(
    console: &Console,
    log: &Path,
    (listen, more): (&str, &[String]),
    around: &Around,
    level: &str,
) -> Result<(Process, SocketAddr)> {
    let run = console.data.join("run.json");
    let _ = std::fs::remove_file(&run); // Of a cloud that was killed.
    let data = console.data.to_string_lossy();
    let arguments = ["serve", "--data", &data, "--listen", listen, "--metrics", "127.0.0.1:0"];
    let more = more.iter().map(String::as_str);
    let arguments: Vec<&str> = arguments.into_iter().chain(more).collect();
    let level = [("CONCLAVE_LOG", level)];
    let mut process = around.start("conclave-cloud", &console.program, &arguments, &level, log)?;
    let link = wait_for("the cloud says where it listens", START, || {
        process.check_running()?;
        let pid = process.pid();
        Ok(std::fs::read_to_string(&run).ok().and_then(|text| link_address(&text, pid)))
    })?;
    Ok((process, link))
}

/// Where the cloud of this process id listens; a file that a killed one left says nothing.
fn link_address(run: &str, pid: u32) -> Option<SocketAddr> {
    let run: Value = serde_json::from_str(run).ok()?;
    if run.get("pid")? != pid {
        return None;
    }
    run.get("link")?.as_array()?.first()?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_once_it_is_written_whole() {
        let whole = r#"{"link":["127.0.0.1:4711"],"pid":7}"#;
        assert_eq!(link_address(whole, 7), Some("127.0.0.1:4711".parse().unwrap()));
        assert_eq!(link_address(whole, 8), None, "of another process");
        for end in 0..whole.len() {
            assert_eq!(link_address(&whole[..end], 7), None);
        }
    }
}

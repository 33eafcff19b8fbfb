//! A network of one's own: ports cannot clash, the wire can be read and broken.
//!
//! A test runs itself again in a network namespace (unshare(1)), which has a loopback and nothing
//! else and is the test's own to break. Where a machine forbids that, the test plays on the
//! machine's network and leaves out what cannot be done there, and says so.

use crate::process::Process;
use crate::wait::wait_until;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Set inside a namespace: the file that proves that the test really ran there.
const PROOF: &str = "CONCLAVE_STAGE_PROOF";

/// The network that a test plays on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The test's own.
    Own,
    /// The machine's. Nothing on it is read or broken.
    Shared,
}

/// Plays a test on a network of its own. `play` is the closure of a `#[test]` function: its type's
/// name tells which test is to be run again inside.
pub fn in_own_network<F: FnOnce(Network) -> Result<()>>(play: F) -> Result<()> {
    if let Some(proof) = std::env::var_os(PROOF) {
        play(Network::Own)?;
        std::fs::write(proof, "played")?;
        return Ok(());
    }
    let Some(namespace) = NAMESPACES.iter().find(|namespace| possible(namespace)) else {
        eprintln!(
            "This machine lets us make no network namespace (unshare), so the test plays on the \
             machine's own network and leaves out what reads or breaks the wire."
        );
        return play(Network::Shared);
    };
    let test = test_name(std::any::type_name::<F>())?;
    let folder = tempfile::tempdir()?;
    let proof = folder.path().join("proof");
    let status = unshared(namespace)
        .arg(std::env::current_exe()?)
        .args([test.as_str(), "--exact", "--include-ignored", "--nocapture", "--test-threads=1"])
        .env(PROOF, &proof)
        .env("PATH", path_with_sbin())
        .stdin(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("{test} did not pass in a network of its own; why is told above");
    }
    if !proof.is_file() {
        bail!("{test} was not found again in a network of its own, so nothing was tested");
    }
    Ok(())
}

/// `file::module::test::{{closure}}` without its first and last part.
fn test_name(closure: &str) -> Result<String> {
    let parts: Vec<&str> = closure.split("::").collect();
    match parts.as_slice() {
        [_file, path @ .., "{{closure}}"] if !path.is_empty() => Ok(path.join("::")),
        _ => bail!("{closure} is no closure of a test function"),
    }
}

/// Ways into a namespace, the first that works is taken. In a user namespace anybody may make one;
/// there we keep all rights under a number that is not root's, as tcpdump would want to give root's
/// away and cannot. Mounts are the test's own as well, for disks that it fills. Where user namespaces are switched off, root needs none.
const NAMESPACES: [&[&str]; 2] = [
    &["--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "--net", "--mount"],
    &["--net", "--mount"],
];

/// unshare, the loopback brought up, and then what is appended. It dies with us.
fn unshared(namespace: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(namespace).args(["--", "setpriv", "--pdeathsig", "KILL", "--"]);
    command.args(["sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
    command
}

fn possible(namespace: &[&str]) -> bool {
    unshared(namespace)
        .arg("true")
        .env("PATH", path_with_sbin())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// People's PATH often lacks sbin, where ip, nft and tcpdump may be.
fn path_with_sbin() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

impl Network {
    /// Whether the wire can be read and broken. Says what is left out when it cannot.
    pub fn is_ours(self, left_out: &str) -> bool {
        if self == Network::Shared {
            eprintln!("Left out, as this is not a network of our own: {left_out}.");
        }
        self == Network::Own
    }

    /// Records everything on the loopback from now on.
    pub fn capture(self, stage_folder: &Path, name: &str) -> Result<Capture> {
        self.require_own()?;
        let file = stage_folder.join(format!("{name}.pcap"));
        let log = stage_folder.join(format!("{name}.tcpdump.log"));
        let arguments: [&OsStr; 9] = [
            "-i".as_ref(),
            "lo".as_ref(),
            "-U".as_ref(), // Written packet by packet.
            "-n".as_ref(),
            "-B".as_ref(),
            "16384".as_ref(), // KiB of buffer: a busy machine must not lose packets.
            "-Z".as_ref(),
            "root".as_ref(), // Stay root if we are: a namespace may have no other user.
            "-w".as_ref(),
        ];
        let arguments = [&arguments[..], &[file.as_os_str()]].concat();
        let mut process = Process::start("tcpdump", &find("tcpdump")?, &arguments, &[], &log)?;
        wait_until("tcpdump listens", Duration::from_secs(10), || {
            process.check_running()?;
            Ok(process.log().contains("listening on")
                && std::fs::metadata(&file).is_ok_and(|file| file.len() >= 24))
        })?;
        Ok(Capture { process, file })
    }

    /// Drops the datagrams that match an nftables expression, such as `udp sport 5000`, until
    /// what is returned is dropped.
    pub fn lose(self, matching: &str) -> Result<Outage> {
        self.require_own()?;
        nft("add table inet stage")?;
        nft("add chain inet stage lost { type filter hook input priority 0 ; }")?;
        nft(&format!("add rule inet stage lost {matching} drop"))?;
        Ok(Outage)
    }

    fn require_own(self) -> Result<()> {
        if self == Network::Shared {
            bail!("the machine's own network is neither read nor broken");
        }
        Ok(())
    }
}

/// A recording that goes on.
#[derive(Debug)]
pub struct Capture {
    process: Process,
    file: PathBuf,
}

impl Capture {
    /// The recording so far.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Ends the recording and returns its file.
    pub fn stop(mut self) -> Result<PathBuf> {
        self.process.check_running()?;
        self.process.stop()?;
        Ok(self.file.clone())
    }
}

/// Datagrams are being lost; dropped, they come through again.
#[derive(Debug)]
#[must_use = "the outage ends when this is dropped"]
pub struct Outage;

impl Drop for Outage {
    fn drop(&mut self) {
        // The namespace goes with the test, so nothing is left behind even if this went wrong.
        let _ = nft("delete table inet stage");
    }
}

fn nft(command: &str) -> Result<()> {
    let output = Command::new(find("nft")?).arg(command).output()?;
    if !output.status.success() {
        bail!("nft {command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// A program of the system.
fn find(program: &str) -> Result<PathBuf> {
    let path = path_with_sbin();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .with_context(|| format!("{program} is not installed; `cargo xtask install` gets it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcap;
    use std::net::UdpSocket;

    #[test]
    fn a_test_finds_its_own_name() {
        assert_eq!(test_name("e2e::hears::{{closure}}").unwrap(), "hears");
        assert_eq!(
            test_name("stage::network::tests::x::{{closure}}").unwrap(),
            "network::tests::x"
        );
        assert!(test_name("e2e::hears").is_err());
    }

    #[test]
    fn datagrams_on_our_own_network_are_recorded_and_lost_as_wanted() -> Result<()> {
        in_own_network(|network| {
            if !network.is_ours("recording and losing datagrams") {
                return Ok(());
            }
            let folder = tempfile::tempdir()?;
            let to = UdpSocket::bind("127.0.0.1:0")?;
            to.set_read_timeout(Some(Duration::from_millis(300)))?;
            let from = UdpSocket::bind("127.0.0.1:0")?;
            let mut octets = [0; 16];
            let capture = network.capture(folder.path(), "wire")?;
            from.send_to(b"one", to.local_addr()?)?;
            assert_eq!(to.recv(&mut octets)?, 3);
            let outage = network.lose(&format!("udp sport {}", from.local_addr()?.port()))?;
            from.send_to(b"two", to.local_addr()?)?;
            assert!(to.recv(&mut octets).is_err());
            drop(outage);
            from.send_to(b"three", to.local_addr()?)?;
            assert_eq!(to.recv(&mut octets)?, 5);
            let seen = |text: &[u8]| {
                pcap::read(capture.file()).is_ok_and(|all| all.iter().any(|p| p.payload == text))
            };
            wait_until("the record", Duration::from_secs(10), || Ok(seen(b"three")))?;
            assert!(seen(b"one"));
            capture.stop()?;
            Ok(())
        })
    }
}

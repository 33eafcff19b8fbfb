//! The servers under measurement: our cloud, mosquitto, nginx.

use super::people::People;
use super::wire::Kind;
use crate::process::{Running, until};
use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(20);

/// A server that listens.
pub(crate) struct Server {
    running: Running,
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
}

/// Lets this process and its children open as many files as the system allows them.
pub(crate) fn raise_file_limit() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("the file limit cannot be raised")
}

/// A server's name and version, for the table.
pub(crate) fn version(kind: Kind) -> Result<String> {
    let (program, argument) = match kind {
        Kind::Conclave => return Ok("conclave".to_owned()),
        Kind::Mosquitto => ("mosquitto", "-h"),
        Kind::Nginx => ("nginx", "-v"),
    };
    let output = Command::new(installed(program)?).arg(argument).output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let number = said
        .split(|c: char| c.is_whitespace() || c == '/')
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .context("a version without a number")?;
    Ok(format!("{program} {number}"))
}

/// Where Debian puts a server; its folder is not on everybody's path.
fn installed(program: &str) -> Result<PathBuf> {
    ["/usr/sbin", "/usr/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.exists())
        .with_context(|| format!("{program} is missing: apt-get install {program}"))
}

impl Server {
    /// Starts one and waits until it listens.
    pub(crate) fn start(kind: Kind, people: &People) -> Result<Server> {
        let log = people.path(&format!("{kind:?}.log"));
        match kind {
            Kind::Conclave => {
                let data = people.data();
                let run = data.join("run.json");
                let _ = std::fs::remove_file(&run); // Of one that was killed.
                let mut command = Command::new(cloud()?);
                command
                    .args(["serve", "--listen", "127.0.0.1:0", "--console", "off", "--data"])
                    .arg(&data);
                command.env("CONCLAVE_LOG", "warn");
                let running = Running::start("conclave-cloud", &mut command, &log)?;
                let mut address = None;
                until("conclave-cloud listens", START, || {
                    address = std::fs::read_to_string(&run).ok().and_then(|run| listening(&run));
                    address.is_some()
                })?;
                Ok(Server { running, kind, address: address.context("no address")? })
            }
            Kind::Mosquitto | Kind::Nginx => {
                let address = free()?;
                let program = kind.program();
                let (file, text) = match kind {
                    Kind::Nginx => (people.path("nginx.conf"), nginx(people, address)),
                    _ => (people.path("mosquitto.conf"), mosquitto(people, address)),
                };
                std::fs::write(&file, text)?;
                let mut command = Command::new(installed(program)?);
                command.arg("-c").arg(&file);
                let running = Running::start(program, &mut command, &log)?;
                until(&format!("{program} listens (see {})", log.display()), START, || {
                    TcpStream::connect(address).is_ok()
                })?;
                Ok(Server { running, kind, address })
            }
        }
    }

    /// User and system time so far.
    pub(crate) fn spent(&self) -> Result<Duration> {
        self.running.spent()
    }

    /// Resident memory, octets.
    pub(crate) fn resident(&self) -> Result<u64> {
        self.running.resident()
    }
}

/// The cloud beside this program, built as it is now.
fn cloud() -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    let program = me.with_file_name("conclave-cloud");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "build",
        "--quiet",
        "-p",
        "conclave-cloud",
    ]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    anyhow::ensure!(build.status()?.success(), "conclave-cloud could not be built");
    Ok(program)
}

fn listening(run: &str) -> Option<SocketAddr> {
    let run: serde_json::Value = serde_json::from_str(run).ok()?;
    run.get("link")?.as_array()?.first()?.as_str()?.parse().ok()
}

/// A port that was free a moment ago: neither peer takes port 0 and says which it got.
fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn mosquitto(people: &People, address: SocketAddr) -> String {
    format!(
        "listener {port} {ip}\n\
         cafile {ca}\ncertfile {certificate}\nkeyfile {key}\n\
         require_certificate true\ntls_version tlsv1.3\n\
         allow_anonymous true\nuser root\nmax_connections -1\n\
         set_tcp_nodelay true\npersistence false\nlog_type error\nlog_type warning\n",
        port = address.port(),
        ip = address.ip(),
        ca = people.path("ca.pem").display(),
        certificate = people.path("server.pem").display(),
        key = people.path("server.key").display(),
    )
}

fn nginx(people: &People, address: SocketAddr) -> String {
    format!(
        "pid {pid};\nerror_log {log} warn;\nuser root;\ndaemon off;\nmaster_process off;\n\
         worker_rlimit_nofile 16000;\nevents {{ worker_connections 8000; }}\n\
         http {{\n access_log off;\n server {{\n  listen {address} ssl backlog=4000;\n  \
         ssl_protocols TLSv1.3;\n  ssl_certificate {certificate};\n  ssl_certificate_key {key};\n  \
         ssl_client_certificate {ca};\n  ssl_verify_client on;\n  ssl_session_tickets on;\n  \
         ssl_session_cache shared:S:10m;\n  location / {{ return 204; }}\n }}\n}}\n",
        pid = people.path("nginx.pid").display(),
        log = people.path("nginx.err").display(),
        certificate = people.path("server.pem").display(),
        key = people.path("server.key").display(),
        ca = people.path("ca.pem").display(),
    )
}

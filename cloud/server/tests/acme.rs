//! A real conclave-cloud and a real certificate authority: Pebble, Let's Encrypt's own for tests, which looks by TLS-ALPN-01 at the
//! port that rooms and browsers share.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long something may take that takes a second.
const LONG: Duration = Duration::from_secs(90);

const NAME: &str = "conclave.example.org";

/// One that was free a moment ago: who is told a port cannot say which one it was given. Below those that the system gives to
/// connections, so that none of them takes it meanwhile, and no two are the same.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let far = u16::try_from(std::process::id() % 9_000).unwrap();
        let port = 20_000 + far + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LONG, "{what}: not within {LONG:?}");
        std::thread::yield_now();
    }
}

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An authority that finds every name on this machine.
struct Authority {
    pebble: Process,
    names: Process,
    folder: TempDir,
    directory: u16,
    management: u16,
}

impl Authority {
    /// One that looks at this port.
    fn looking_at(port: u16) -> Authority {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (ca, key) = (folder.path().join("ca.pem"), folder.path().join("key.pem"));
        std::fs::write(&ca, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let (directory, management, dns) = (free_port(), free_port(), free_port());
        let names = Command::new("pebble-challtestsrv")
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", ""])
            .args(["-tlsalpn01", "", "-dns01", &format!("127.0.0.1:{dns}")])
            .args(["-management", &format!("127.0.0.1:{}", free_port())])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pebble-challtestsrv is not installed; `cargo xtask install` gets it");
        let config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{directory}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": ca, "privateKey": key, "httpPort": 1, "tlsPort": port,
        }});
        let file = folder.path().join("pebble.json");
        std::fs::write(&file, config.to_string()).unwrap();
        let pebble = Command::new("pebble")
            .arg("-config")
            .arg(&file)
            .args(["-strict", "-dnsserver", &format!("127.0.0.1:{dns}")])
            // It looks at once, and not after some seconds.
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (pebble, names) = (Process(pebble), Process(names));
        until("the authority listens", || TcpStream::connect(("127.0.0.1", directory)).ok());
        Authority { pebble, names, folder, directory, management }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What browsers would know it by: a root that it makes anew at each start.
    fn root(&self) -> PathBuf {
        let trusting = trusting(&self.ca());
        let mut stream = until("the authority shows its root", || {
            open(&trusting, "localhost", self.management).ok()
        });
        let request = "GET /roots/0 HTTP/1.0\r\nHost: localhost\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let root = self.folder.path().join("root.pem");
        std::fs::write(&root, answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        root
    }

    fn config(&self, port: u16, names: &[&str]) -> String {
        format!(
            "[link]\nlisten = [\"127.0.0.1:{port}\"]\n[console]\nlisten = \"127.0.0.1:{port}\"\n\
             [metrics]\nlisten = \"127.0.0.1:0\"\n\
             [acme]\ndomains = {names:?}\ncontact = \"it@example.org\"\nterms_agreed = true\n\
             directory = \"https://localhost:{}/dir\"\nroots = {:?}\n",
            self.directory,
            self.ca().display().to_string()
        )
    }
}

/// A cloud in a process of its own, in a folder that outlives it.
struct Cloud {
    _process: Process,
    data: PathBuf,
}

impl Cloud {
    fn start(data: &Path, config: &str, faked: Option<&str>) -> Cloud {
        let file = data.join("cloud.toml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave-cloud"));
        if let Some(time) = faked {
            command.env("LD_PRELOAD", faketime()).env("FAKETIME", time);
            command.env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let _ = std::fs::remove_file(data.join("run.json"));
        let process = command
            .args(["serve", "--config"])
            .arg(&file)
            .arg("--data")
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cloud = Cloud { _process: Process(process), data: data.to_owned() };
        until("the cloud runs", || data.join("run.json").exists().then_some(()));
        cloud
    }

    /// What `conclave-cloud certificate` says.
    fn certificate(&self) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave-cloud"));
        let output = command.arg("certificate").arg("--data").arg(&self.data).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn metrics(&self) -> String {
        let run = std::fs::read_to_string(self.data.join("run.json")).unwrap();
        let run: serde_json::Value = serde_json::from_str(&run).unwrap();
        let mut stream = TcpStream::connect(run["metrics"].as_str().unwrap()).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }
}

fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    folders
        .filter_map(|folder| Some(folder.ok()?.path().join("faketime/libfaketimeMT.so.1")))
        .find(|library| library.exists())
        .expect("libfaketime is not installed; `cargo xtask install` gets it")
}

fn trusting(certificate: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A connection whose handshake is done, with a server of this name.
fn open(config: &Arc<ClientConfig>, name: &str, port: u16) -> std::io::Result<Stream> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let session = ClientConnection::new(config.clone(), name).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(session, TcpStream::connect(("127.0.0.1", port))?);
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(stream)
}

fn shown(stream: &Stream) -> CertificateDer<'static> {
    stream.conn.peer_certificates().unwrap()[0].clone().into_owned()
}

/// The console answers on this connection.
fn answers(stream: &mut Stream) {
    stream.write_all(b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[test]
fn a_certificate_is_got_shown_kept_and_renewed() {
    let port = free_port();
    let authority = Authority::looking_at(port);
    let root = authority.root();
    let known = trusting(&root);
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();

    let cloud = Cloud::start(data, &authority.config(port, &[NAME]), None);
    // Until it has one, it shows its own; who came in by that is not cut off when another one comes.
    let own = trusting(&data.join("console.pem"));
    let before = open(&own, "localhost", port);
    let first = until("the authority's certificate is shown", || open(&known, NAME, port).ok());
    let first = shown(&first);
    if let Ok(mut before) = before {
        answers(&mut before);
    }
    answers(&mut open(&known, NAME, port).unwrap());
    let said = until("it is told", || {
        Some(cloud.certificate()).filter(|said| said.contains("the authority that [acme] names"))
    });
    assert!(said.contains(NAME) && !said.contains("could not be got"), "{said}");
    let page = cloud.metrics();
    assert!(page.contains("certificate_orders_total{outcome=\"got\"} 1"), "{page}");
    assert!(page.contains("\nconclave_console_certificate_expiry_timestamp_seconds "), "{page}");
    drop(cloud);

    // At the next start it is there at once, and none is asked for.
    let cloud = Cloud::start(data, &authority.config(port, &[NAME]), None);
    assert_eq!(shown(&open(&known, NAME, port).unwrap()), first);
    assert!(cloud.metrics().contains("certificate_orders_total{outcome=\"got\"} 0"));
    drop(cloud);

    // Four years later (Pebble gives five) it is old: another one is got, and after it no third.
    let cloud = Cloud::start(data, &authority.config(port, &[NAME]), Some("+4y"));
    let second = until("another one is shown", || {
        let now = shown(&open(&known, NAME, port).ok()?);
        (now != first).then_some(now)
    });
    until("it is counted", || {
        cloud.metrics().contains("certificate_orders_total{outcome=\"got\"} 1").then_some(())
    });
    assert_eq!(shown(&open(&known, NAME, port).unwrap()), second);
    drop(cloud);

    // Other names want another certificate; the one that there is stays until it comes.
    let other = "meet.example.org";
    let cloud = Cloud::start(data, &authority.config(port, &[NAME, other]), None);
    until("one for both is shown", || open(&known, other, port).ok());
    open(&known, NAME, port).unwrap();
    drop(cloud);

    // An authority that was made anew knows nobody: a new account is made.
    drop(authority);
    let authority = Authority::looking_at(port);
    let again = trusting(&authority.root());
    let third = "third.example.org";
    let config = authority.config(port, &[third]);
    let _cloud = Cloud::start(data, &config, None);
    until("the new authority's is shown", || open(&again, third, port).ok());
}

#[test]
fn what_is_wrong_is_told_and_the_console_goes_on_with_what_it_has() {
    let port = free_port();
    // It looks where nobody answers: a name that leads elsewhere, a port that is not forwarded.
    let authority = Authority::looking_at(free_port());
    let temp = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(temp.path(), &authority.config(port, &[NAME]), None);
    let said = until("the failure is told", || {
        Some(cloud.certificate()).filter(|said| said.contains("could not be got"))
    });
    assert!(said.contains("did not find this cloud at conclave.example.org, port 443"), "{said}");
    assert!(said.contains("is asked for again 2"), "{said}");
    assert!(cloud.metrics().contains("certificate_orders_total{outcome=\"failed\"} 1"));
    let own = trusting(&temp.path().join("console.pem"));
    answers(&mut open(&own, "localhost", port).unwrap());
    // Nobody but the authority is shown what is for it.
    let mut config = (*own).clone();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    assert!(open(&Arc::new(config), NAME, port).is_err());
    drop(cloud);

    // Nor does an authority that cannot be asked keep anybody out.
    let config = authority.config(port, &[NAME]);
    // Its folder stays: a file that the configuration names is read at each start.
    drop((authority.pebble, authority.names));
    let cloud = Cloud::start(temp.path(), &config, None);
    let said = until("the failure is told", || {
        Some(cloud.certificate()).filter(|said| said.contains("could not be got"))
    });
    assert!(said.contains("the authority cannot be asked"), "{said}");
    answers(&mut open(&own, "localhost", port).unwrap());
}

/// The link is the link's still: its own certificate, of the cloud's own authority, for whoever names its protocol.
#[test]
fn a_room_meets_the_link_on_the_port_that_browsers_share() {
    let port = free_port();
    let temp = tempfile::tempdir().unwrap();
    let config = format!(
        "[link]\nlisten = [\"127.0.0.1:{port}\"]\n[console]\nlisten = \"127.0.0.1:{port}\"\n"
    );
    let cloud = Cloud::start(temp.path(), &config, None);
    let own = trusting(&temp.path().join("console.pem"));
    answers(&mut open(&own, "localhost", port).unwrap());
    let ca = CertificateDer::from(std::fs::read(temp.path().join("ca.der")).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut room = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    room.alpn_protocols = vec![b"conclave-link/1".to_vec()];
    let room = Arc::new(room);
    let linked = open(&room, "link.conclave.invalid", port).unwrap();
    assert_eq!(linked.conn.alpn_protocol(), Some(&b"conclave-link/1"[..]));
    let said = cloud.certificate();
    assert!(said.contains("made this certificate by itself") && !said.contains("asked"), "{said}");
    drop(cloud);

    // Half of an address is none that can be shared.
    let file = temp.path().join("cloud.toml");
    let half = config.replace("[console]\nlisten = \"127.0.0.1", "[console]\nlisten = \"0.0.0.0");
    std::fs::write(&file, half).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave-cloud"));
    let command = command.args(["serve", "--config"]).arg(&file).arg("--data").arg(temp.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("write the same address in both"), "{said}");
}

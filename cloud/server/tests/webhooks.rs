//! A real conclave-cloud tells a real receiver, over HTTPS: what came is checked there by Python's own hmac, as whoever writes one
//! would.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "{what}: not within a minute and a half"
        );
        std::thread::yield_now();
    }
}

/// Whoever is told.
struct Receiver {
    _process: Process,
    folder: TempDir,
    port: u16,
}

impl Receiver {
    fn start() -> Receiver {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (ca, key) = (folder.path().join("ca.pem"), folder.path().join("key.pem"));
        std::fs::write(&ca, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hook_receiver.py");
        let process = Command::new("/usr/bin/python3")
            .arg(script)
            .args([&ca, &key])
            .arg(folder.path())
            .spawn()
            .unwrap();
        let process = Process(process);
        let read = || std::fs::read_to_string(folder.path().join("port")).ok()?.parse().ok();
        let port = until("the receiver listens", read);
        Receiver { _process: process, folder, port }
    }

    /// What came, in order.
    fn told(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("told")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

struct Cloud {
    _process: Process,
    console: SocketAddr,
    tls: Arc<ClientConfig>,
    cookie: String,
}

impl Cloud {
    /// One whose first administrator is signed in.
    fn start(data: &Path, config: &str) -> Cloud {
        let file = data.join("cloud.toml");
        std::fs::write(&file, config).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_conclave-cloud"))
            .args(["serve", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--config"])
            .arg(&file)
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let token =
            |line: std::io::Result<String>| Some(line.unwrap().split_once("/setup#")?.1.to_owned());
        let token = lines.find_map(token).unwrap();
        let run = until("the cloud runs", || std::fs::read(data.join("run.json")).ok());
        let run: Value = serde_json::from_slice(&run).unwrap();
        let console = run["console"].as_str().unwrap().strip_prefix("https://").unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(data.join("console.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut cloud = Cloud {
            _process: Process(process),
            console: console.parse().unwrap(),
            tls: Arc::new(tls),
            cookie: String::new(),
        };
        let (status, head, _) = cloud.ask_raw(
            "POST",
            "/setup",
            &json!({
                "token": token, "organisation": "Hôpital", "name": "Ada", "email": "ada@example.org",
                "password": "7 purple tractors sing",
            }),
        );
        assert_eq!(status, 201, "{head}");
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: __Host-session="));
        let cookie = cookie.unwrap().split(';').next().unwrap();
        cloud.cookie = format!("__Host-session={cookie}");
        cloud
    }

    fn ask_raw(&self, method: &str, path: &str, body: &Value) -> (u16, String, Value) {
        let name = ServerName::from(self.console.ip());
        let session = ClientConnection::new(self.tls.clone(), name).unwrap();
        let mut stream = StreamOwned::new(session, TcpStream::connect(self.console).unwrap());
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: console\r\nConnection: close\r\nX-Conclave: 1\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nCookie: {}\r\n\r\n{body}",
            body.len(),
            self.cookie,
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).unwrap_or("0").parse().unwrap();
        (status, head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, head, answer) = self.ask_raw(method, path, &body);
        assert_eq!(status, 200, "{method} {path}: {head} {answer}");
        answer
    }
}

#[test]
fn what_happens_is_told_signed_again_until_it_is_taken_and_listed_with_its_fate() {
    let receiver = Receiver::start();
    let data = tempfile::tempdir().unwrap();
    let ca = receiver.folder.path().join("ca.pem");
    let config = format!("[outgoing]\nloopback = true\nroots = {:?}\n", ca.display().to_string());
    let cloud = Cloud::start(data.path(), &config);
    let url = format!("https://localhost:{}/conclave?key=1", receiver.port);
    let made = cloud.ask("POST", "/webhooks", json!({ "url": url, "kinds": ["person.added"] }));
    let secret = made["secret"].as_str().unwrap();
    std::fs::write(receiver.folder.path().join("secret"), secret).unwrap();
    let id = made["webhook"]["webhook"].as_str().unwrap().to_owned();
    let listed = cloud.ask("GET", "/webhooks", Value::Null);
    assert_eq!(listed["webhooks"][0]["url"], url);
    assert!(!listed.to_string().contains("whsec_"), "told once");

    let grace = json!({ "email": "grace@example.org", "name": "Grace Hopper", "role": "member" });
    let (status, ..) = cloud.ask_raw("POST", "/people", &grace);
    assert_eq!(status, 200);
    cloud.ask("POST", &format!("/webhooks/{id}/test"), Value::Null);
    // The first try of each is not taken; ten seconds later the second is.
    let told = until("both come twice", || Some(receiver.told()).filter(|told| told.len() >= 4));
    for each in &told {
        assert_eq!((&each["right"], &each["same"]), (&true.into(), &true.into()), "{each}");
        assert_eq!(each["type"], "application/json");
    }
    let person = told.iter().find(|each| each["told"]["kind"] == "person.added").unwrap();
    assert_eq!(person["told"]["data"]["email"], "grace@example.org");
    assert!(person["told"]["data"].get("invitation").is_none());
    let path = format!("/webhooks/{id}/deliveries");
    let deliveries = until("both are taken", || {
        let all = cloud.ask("GET", &path, Value::Null)["deliveries"].clone();
        let taken = |each: &Value| each["fate"] == "taken" && each["tries"] == 2;
        all.as_array().unwrap().iter().all(taken).then_some(all)
    });
    assert_eq!(deliveries.as_array().unwrap().len(), 2);
    assert_eq!(deliveries[0]["answer"], "204 No Content");
    let line = &cloud.ask("GET", "/webhooks", Value::Null)["webhooks"][0];
    assert_eq!((&line["waiting"], &line["failing_since"]), (&0.into(), &Value::Null));
    // The database alone gives no secret away.
    let database = std::fs::read(data.path().join("cloud.db")).unwrap();
    let wal = std::fs::read(data.path().join("cloud.db-wal")).unwrap_or_default();
    let encoded = secret.strip_prefix("whsec_").unwrap().as_bytes();
    for file in [database, wal] {
        assert!(!file.windows(encoded.len()).any(|part| part == encoded));
    }
}

#[test]
fn nobody_in_the_network_around_the_cloud_is_told_unless_its_operator_says_so() {
    let receiver = Receiver::start();
    let data = tempfile::tempdir().unwrap();
    let ca = receiver.folder.path().join("ca.pem");
    let config = format!("[outgoing]\nroots = {:?}\n", ca.display().to_string());
    let cloud = Cloud::start(data.path(), &config);
    let url = format!("https://localhost:{}/", receiver.port);
    let made = cloud.ask("POST", "/webhooks", json!({ "url": url, "kinds": ["room.linked"] }));
    let id = made["webhook"]["webhook"].as_str().unwrap().to_owned();
    cloud.ask("POST", &format!("/webhooks/{id}/test"), Value::Null);
    let answer = until("it is said why", || {
        let all = cloud.ask("GET", &format!("/webhooks/{id}/deliveries"), Value::Null);
        all["deliveries"][0]["answer"].as_str().map(str::to_owned)
    });
    assert!(answer.contains("this cloud does not call on"), "{answer}");
    assert!(receiver.told().is_empty());
}

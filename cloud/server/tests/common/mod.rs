//! A real conclave-cloud, and somebody who asks it over TLS as a browser or a script does.

#![allow(dead_code, reason = "each test file uses its part")]
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
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "7 purple tractors sing";

/// A cloud that runs until it is dropped.
pub(crate) struct Cloud {
    pub(crate) process: Child,
    pub(crate) data: TempDir,
    pub(crate) console: SocketAddr,
    pub(crate) name: ServerName<'static>,
    pub(crate) link: Option<String>,
    pub(crate) tls: Arc<ClientConfig>,
}

impl Cloud {
    pub(crate) fn start() -> Cloud {
        Cloud::start_in(tempfile::tempdir().unwrap())
    }

    pub(crate) fn start_in(data: TempDir) -> Cloud {
        Cloud::start_with(data, &["--console", "127.0.0.1:0"])
    }

    pub(crate) fn start_with(data: TempDir, more: &[&str]) -> Cloud {
        let mut process = Command::new(env!("CARGO_BIN_EXE_conclave-cloud"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(more)
            .arg("--data")
            .arg(data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Its log says when it runs; until then nothing answers.
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("the cloud is running") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the cloud ended");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let run: Value =
            serde_json::from_slice(&std::fs::read(data.path().join("run.json")).unwrap()).unwrap();
        let url = run["console"].as_str().unwrap();
        // By its address, or by the only name that it has here.
        let console = url.strip_prefix("https://").unwrap().replace("localhost", "127.0.0.1");
        let console: SocketAddr = console.parse().unwrap();
        let name = match url.contains("localhost") {
            true => ServerName::try_from("localhost").unwrap(),
            false => ServerName::from(console.ip()),
        };
        let tls = trusting(&data.path().join("console.pem"), &rustls::version::TLS13);
        Cloud { process, data, console, name, link: None, tls }
    }

    /// The token of the link that it printed.
    pub(crate) fn token(&mut self) -> String {
        if self.link.is_none() {
            let mut lines = BufReader::new(self.process.stdout.take().unwrap()).lines();
            let link =
                lines.find_map(|line| Some(line.unwrap().split_once("/setup#")?.1.to_owned()));
            self.link = link;
        }
        self.link.clone().unwrap()
    }

    pub(crate) fn set_up(&mut self) -> Browser<'_> {
        let token = self.token();
        let mut browser = self.browser();
        let answer = browser.post("/setup", first_administrator(&token, PASSWORD));
        assert_eq!(answer.status, 201, "{}", answer.body);
        browser
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { cloud: self, cookies: Vec::new() }
    }

    /// What a connection answers to these octets.
    pub(crate) fn raw(&self, octets: &[u8]) -> String {
        let session = ClientConnection::new(self.tls.clone(), self.name.clone()).unwrap();
        let socket = TcpStream::connect(self.console).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        // A server that has heard enough may close before it has heard all.
        let _ = stream.write_all(octets);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn trusting(
    certificate: &Path,
    version: &'static rustls::SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

pub(crate) fn first_administrator(token: &str, password: &str) -> Value {
    json!({
        "token": token, "organisation": "Hôpital Saint-Louis", "name": "Ada Lovelace",
        "email": "ada@example.org", "password": password,
    })
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }
}

/// Keeps cookies as a browser does.
pub(crate) struct Browser<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.ask_with(method, path, body, "")
    }

    /// The same, of what has this mark.
    pub(crate) fn ask_seeing(
        &mut self,
        mark: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.ask_with(method, path, body, &format!("If-Match: \"{mark}\"\r\n"))
    }

    /// With more lines in the head, each with its end.
    pub(crate) fn ask_with(
        &mut self,
        method: &str,
        path: &str,
        body: Option<Value>,
        more: &str,
    ) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: console\r\nConnection: close\r\nX-Conclave: 1\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nCookie: {}\r\n{more}\r\n{body}",
            body.len(),
            cookies.join("; "),
        );
        let text = self.cloud.raw(request.as_bytes());
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).unwrap_or("0").parse().unwrap();
        for line in head.lines() {
            let Some(cookie) = line.strip_prefix("set-cookie: ") else { continue };
            let (pair, flags) = cookie.split_once("; ").unwrap();
            assert!(flags.starts_with("Path=/; Secure; HttpOnly; SameSite=Strict"), "{flags}");
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        Answer { status, head: head.to_owned(), body }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, None)
    }

    pub(crate) fn post(&mut self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, Some(body))
    }

    pub(crate) fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        self.post("/session", json!({ "email": email, "password": password }))
    }

    /// Somebody with this role, who accepted their invitation in a browser of their own.
    pub(crate) fn invite(&mut self, email: &str, role: &str) -> Browser<'a> {
        let invited = self.post("/people", json!({ "email": email, "name": "Max", "role": role }));
        let token = invited.body["invitation"].as_str().unwrap().to_owned();
        let mut theirs = self.cloud.browser();
        let looked = theirs.post("/invitation/look", json!({ "token": token }));
        assert_eq!(looked.body["email"], email);
        let accept = json!({ "token": token, "password": "11 green giraffes jump" });
        assert_eq!(theirs.post("/invitation", accept.clone()).status, 200);
        assert_eq!(self.cloud.browser().post("/invitation", accept).error(), (410, "link_is_over"));
        theirs
    }
}

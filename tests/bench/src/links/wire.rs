//! One client's connection, and what it says to each of the three servers.
//!
//! Everything blocks: a client that waits for nothing else adds least to what is measured.

use super::people::Person;
use anyhow::{Context, Result, ensure};
use conclave_link_protocol::frame;
use conclave_link_protocol::{ALPN, SERVER_NAME};
use conclave_types::CallId;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConnection, DigitallySignedStruct, Error, HandshakeKind, SignatureScheme, StreamOwned,
};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

/// Loopback addresses that the clients come from: a cloud takes 1,000 links from one.
const SOURCES: usize = 200;

/// The topic that all clients of mosquitto hear.
const ALL: &str = "all";

/// Nothing in a benchmark takes longer; what does has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Conclave,
    Mosquitto,
    Nginx,
}

impl Kind {
    /// The program's name.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Kind::Conclave => "conclave-cloud",
            Kind::Mosquitto => "mosquitto",
            Kind::Nginx => "nginx",
        }
    }
}

/// What a client does with a server's tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ticket {
    /// Every handshake is a full one.
    Never,
    /// The last ticket is used for the next connection.
    Kept,
}

/// One room's way of connecting.
pub(crate) struct Client {
    config: Arc<ClientConfig>,
    kind: Kind,
    server: SocketAddrV4,
    source: Ipv4Addr,
    number: usize,
}

/// A connection that is up.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    kind: Kind,
    asked: u16,
    /// What was read and is not a whole frame yet.
    read: Vec<u8>,
    /// Whether something was told while an answer was waited for.
    told: bool,
}

impl Client {
    pub(crate) fn new(
        kind: Kind,
        server: SocketAddr,
        number: usize,
        person: &Person,
        ticket: Ticket,
    ) -> Result<Client> {
        let SocketAddr::V4(server) = server else { anyhow::bail!("no IPv4 address: {server}") };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
            .with_client_auth_cert(
                vec![person.certificate.clone()],
                person.key.clone_key().into(),
            )?;
        config.enable_sni = false;
        config.resumption = match ticket {
            Ticket::Never => Resumption::disabled(),
            Ticket::Kept => Resumption::in_memory_sessions(4),
        };
        if kind == Kind::Conclave {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        // 127.1.0.1 to 127.1.0.200: all of 127/8 is this machine.
        let source = Ipv4Addr::new(127, 1, 0, 1 + (number % SOURCES) as u8);
        Ok(Client { config: Arc::new(config), kind, server, source, number })
    }

    /// Connects, and says what comes first.
    pub(crate) fn connect(&self) -> Result<Connection> {
        let tcp = connected(self.source, self.server)?;
        let name = ServerName::try_from(SERVER_NAME)?;
        let tls = ClientConnection::new(self.config.clone(), name)?;
        let stream = StreamOwned::new(tls, tcp);
        let mut connection =
            Connection { stream, kind: self.kind, asked: 0, read: vec![], told: false };
        connection.open(self.number).with_context(|| format!("{:?}", self.kind))?;
        Ok(connection)
    }
}

fn connected(source: Ipv4Addr, server: SocketAddrV4) -> Result<TcpStream> {
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(source, 0)))?;
    connect(socket.as_raw_fd(), &SockaddrIn::from(server)).context("no connection")?;
    let tcp = TcpStream::from(socket);
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    Ok(tcp)
}

impl Connection {
    fn open(&mut self, number: usize) -> Result<()> {
        match self.kind {
            Kind::Conclave => {
                self.say(&json(
                    r#"{"hello":{"versions":[1,1],"software":"bench 1","serial":"B","calls":[]}}"#,
                )?)?;
                let greeting = self.hear_frame()?;
                let welcome = greeting.starts_with(br#"{"greeting":{"kind":"welcome""#);
                ensure!(welcome, "{}", String::from_utf8_lossy(&greeting));
            }
            Kind::Mosquitto => {
                let mut body = vec![0, 4];
                body.extend_from_slice(b"MQTT\x04\x02"); // Version 3.1.1, a clean session.
                body.extend_from_slice(&60_u16.to_be_bytes()); // Keep-alive, seconds.
                put(&mut body, &format!("room-{number}"));
                self.say(&packet(0x10, &body))?;
                let answer = self.hear_packet()?;
                ensure!(answer == [0x20, 2, 0, 0], "CONNACK {answer:?}");
            }
            Kind::Nginx => {
                self.say(b"GET / HTTP/1.0\r\n\r\n")?;
                let mut answer = [0; 512];
                let octets = self.stream.read(&mut answer)?;
                ensure!(answer[..octets].starts_with(b"HTTP/1.1 204"), "no answer of nginx");
            }
        }
        Ok(())
    }

    /// Subscribes to the client's own topic and to that of all, so that the server can reach it as ours can; to ours
    /// it says how it is set, as a room does.
    pub(crate) fn subscribe(&mut self, number: usize) -> Result<()> {
        if self.kind == Kind::Conclave {
            self.say(&report("null")?)?;
        }
        if self.kind == Kind::Mosquitto {
            let mut body = vec![0, 1];
            put(&mut body, &format!("room/{number}"));
            body.push(1);
            put(&mut body, ALL);
            body.push(1);
            self.say(&packet(0x82, &body))?;
            let answer = self.hear_packet()?;
            ensure!(answer.first() == Some(&0x90), "SUBACK {answer:?}");
        }
        Ok(())
    }

    /// Whether the handshake was a resumed one.
    pub(crate) fn was_resumed(&self) -> bool {
        self.stream.conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Asks once and waits for the answer.
    pub(crate) fn ask(&mut self) -> Result<()> {
        self.asked = self.asked.wrapping_add(1).max(1);
        let call = CallId::from_random(1);
        let request = json(&format!(
            r#"{{"request":{},"kind":"leave","body":{{"call":"{call}"}}}}"#,
            self.asked
        ))?;
        match self.kind {
            Kind::Conclave => {
                self.say(&request)?;
                let answer = self.hear_answer()?;
                ensure!(answer.starts_with(br#"{"response":"#), "no response");
            }
            Kind::Mosquitto => {
                let mut body = vec![];
                put(&mut body, "a");
                body.extend_from_slice(&self.asked.to_be_bytes());
                // All that stands before it, its two octets of header too, is taken off.
                body.resize(request.len() - 2, b'x');
                self.say(&packet(0x32, &body))?;
                let answer = self.hear_answer()?;
                ensure!(answer.first() == Some(&0x40), "no PUBACK");
            }
            Kind::Nginx => {}
        }
        Ok(())
    }

    /// Says that it is there, and hears that the server is.
    pub(crate) fn keep_alive(&mut self) -> Result<()> {
        match self.kind {
            Kind::Conclave => {
                self.say(&json(r#"{"ping":1}"#)?)?;
                let answer = self.hear_answer()?;
                ensure!(answer == br#"{"pong":1}"#, "{}", String::from_utf8_lossy(&answer));
            }
            Kind::Mosquitto => {
                self.say(&[0xc0, 0])?;
                ensure!(self.hear_answer()? == [0xd0, 0], "no PINGRESP");
            }
            Kind::Nginx => {}
        }
        Ok(())
    }

    /// From now on reading waits for nothing, or waits again.
    pub(crate) fn wait_for_nothing(&mut self, nothing: bool) -> Result<()> {
        Ok(self.stream.sock.set_nonblocking(nothing)?)
    }

    /// Whether the server has told something unasked; if so, says that it came.
    pub(crate) fn was_told(&mut self) -> Result<bool> {
        let mut piece = [0; 1024];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => anyhow::bail!("the server has closed the link"),
                Ok(octets) => self.read.extend_from_slice(&piece[..octets]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        while let Some(whole) = self.take_whole() {
            self.told |= self.is_telling(&whole)?;
        }
        Ok(std::mem::take(&mut self.told))
    }

    /// Whether this tells something unasked; if so, says that it came.
    fn is_telling(&mut self, whole: &[u8]) -> Result<bool> {
        match self.kind {
            Kind::Conclave => {
                let text = String::from_utf8_lossy(whole).into_owned();
                let Some((_, mark)) = text.split_once(r#""mark":""#) else { return Ok(false) };
                let mark = mark.get(..16).context("half a mark")?;
                self.say(&report(&format!("\"{mark}\""))?)?;
                Ok(true)
            }
            _ if whole.first().is_some_and(|first| first >> 4 == 3) => {
                let id = whole.get(2 + 2 + ALL.len()..).and_then(|rest| rest.get(..2));
                self.say(&packet(0x40, id.context("half a packet")?))?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The first whole frame or packet of what was read.
    fn take_whole(&mut self) -> Option<Vec<u8>> {
        let (header, length) = match self.kind {
            Kind::Conclave => {
                let header = self.read.first_chunk::<{ frame::HEADER }>()?;
                (frame::HEADER, u32::from_be_bytes(*header) as usize)
            }
            _ => (0, 2 + usize::from(*self.read.get(1)?)),
        };
        let end = header.checked_add(length).filter(|end| *end <= self.read.len())?;
        let whole = self.read.drain(..end).skip(header).collect();
        Some(whole)
    }

    /// Has mosquitto tell all something that is as long as settings of ours.
    pub(crate) fn publish(&mut self) -> Result<()> {
        ensure!(self.kind == Kind::Mosquitto, "{:?} is told in another way", self.kind);
        let mut body = vec![];
        put(&mut body, ALL);
        body.extend_from_slice(&1_u16.to_be_bytes());
        body.resize(100, b'x');
        self.say(&packet(0x32, &body))?;
        ensure!(self.hear_answer()?.first() == Some(&0x40), "no PUBACK");
        Ok(())
    }

    /// The next frame or packet that is an answer. What is told unasked meanwhile counts for [`Connection::was_told`].
    fn hear_answer(&mut self) -> Result<Vec<u8>> {
        loop {
            let heard = match self.kind {
                Kind::Conclave => self.hear_frame()?,
                _ => self.hear_packet()?,
            };
            let unasked = match self.kind {
                Kind::Conclave => heard.starts_with(br#"{"event":"#),
                _ => heard.first().is_some_and(|first| first >> 4 == 3),
            };
            if !unasked {
                return Ok(heard);
            }
            self.told |= self.is_telling(&heard)?;
        }
    }

    /// Says goodbye and closes.
    pub(crate) fn close(mut self) -> Result<()> {
        match self.kind {
            Kind::Conclave => self.say(&json(r#"{"close":"done"}"#)?)?,
            Kind::Mosquitto => self.say(&[0xe0, 0])?,
            Kind::Nginx => {}
        }
        self.stream.conn.send_close_notify();
        // The server may have closed already.
        let _ = self.stream.flush();
        Ok(())
    }

    fn say(&mut self, octets: &[u8]) -> Result<()> {
        self.stream.write_all(octets)?;
        Ok(self.stream.flush()?)
    }

    fn hear_frame(&mut self) -> Result<Vec<u8>> {
        let mut header = [0; frame::HEADER];
        self.stream.read_exact(&mut header)?;
        let length = usize::try_from(u32::from_be_bytes(header))?;
        ensure!(length <= frame::LONGEST_CONTENT, "a frame of {length} octets");
        let mut content = vec![0; length];
        self.stream.read_exact(&mut content)?;
        Ok(content)
    }

    /// A whole packet of MQTT; those that come here are short.
    fn hear_packet(&mut self) -> Result<Vec<u8>> {
        let mut packet = vec![0; 2];
        self.stream.read_exact(&mut packet)?;
        let length = usize::from(packet[1]);
        ensure!(length < 128, "a long packet");
        packet.resize(2 + length, 0);
        self.stream.read_exact(&mut packet[2..])?;
        Ok(packet)
    }
}

/// A room says how it is set; `mark` as JSON.
fn report(mark: &str) -> Result<Vec<u8>> {
    json(&format!(
        r#"{{"event":{{"kind":"settings","body":{{"mark":{mark},"in_force":{{}},"not_understood":[]}}}}}}"#
    ))
}

fn json(text: &str) -> Result<Vec<u8>> {
    Ok(frame::encode(text.as_bytes())?.expose().clone())
}

/// A packet of MQTT whose body is shorter than 128 octets.
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind, body.len() as u8];
    packet.extend_from_slice(body);
    packet
}

/// A text of MQTT: its length in two octets before it.
fn put(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(&(text.len() as u16).to_be_bytes());
    body.extend_from_slice(text.as_bytes());
}

/// Whose server it is does not matter here; that it holds its key does.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

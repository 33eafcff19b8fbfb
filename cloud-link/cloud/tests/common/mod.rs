//! A cloud, rooms, a relay that can be cut, and strangers, all on loopback.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use conclave_link_cloud::{Authority, Hub, HubEvent, HubHandle, HubLimits, LinkId, Peer};
use conclave_link_protocol::message::{CertificateChain, Greeting, Hello, RoomIdentity, Welcome};
use conclave_link_room::{
    DeviceIdentity, DownReason, LinkEvent, Pins, RoomLink, RoomLinkConfig, RoomLinkHandle,
};
use conclave_types::{RoomId, UnixTime};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// After this the test has failed: whatever was waited for does not come.
pub const LONG: Duration = Duration::from_secs(30);

pub fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

pub async fn next<T: Debug>(receiver: &mut mpsc::Receiver<T>) -> T {
    timeout(LONG, receiver.recv()).await.expect("nothing came").expect("the channel has ended")
}

/// Waits for the first event that fits, past the others.
pub async fn find<T: Debug, R>(
    receiver: &mut mpsc::Receiver<T>,
    mut fits: impl FnMut(T) -> Option<R>,
) -> R {
    loop {
        if let Some(found) = fits(next(receiver).await) {
            return found;
        }
    }
}

pub struct Cloud {
    pub authority: Arc<Authority>,
    pub hub: HubHandle,
    pub events: mpsc::Receiver<HubEvent>,
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
}

impl Cloud {
    pub async fn start(limits: HubLimits) -> Cloud {
        let folder = tempfile::tempdir().unwrap();
        let authority = Arc::new(Authority::open(folder.path(), now()).unwrap());
        Cloud::with(folder, authority, limits).await
    }

    pub async fn with(
        folder: tempfile::TempDir,
        authority: Arc<Authority>,
        limits: HubLimits,
    ) -> Cloud {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (hub, events) = Hub::start(vec![listener], authority.clone(), limits).unwrap();
        assert_eq!(hub.addresses(), [address]);
        Cloud { authority, hub, events, address, folder }
    }

    pub async fn hello(&mut self) -> (LinkId, Peer, Hello) {
        find(&mut self.events, |event| match event {
            HubEvent::Hello { link, peer, hello, .. } => Some((link, peer, hello)),
            _ => None,
        })
        .await
    }

    pub async fn closed(&mut self, wanted: LinkId) -> conclave_link_cloud::CloseReason {
        find(&mut self.events, |event| match event {
            HubEvent::Closed { link, reason } if link == wanted => Some(reason),
            _ => None,
        })
        .await
    }

    /// A certificate for the key in the folder, as if the room had been enrolled.
    pub fn enrol(
        &self,
        folder: &Path,
        not_before: UnixTime,
        lifetime: Duration,
    ) -> CertificateChain {
        let spki = spki(folder);
        self.authority.sign_room(RoomId::from_random(7), &spki, not_before, lifetime).unwrap()
    }
}

/// The public key of the room whose key is in the folder.
pub fn spki(folder: &Path) -> Vec<u8> {
    let identity = DeviceIdentity::open(folder, None).unwrap();
    identity.public_key().to_vec()
}

pub struct TestRoom {
    pub handle: RoomLinkHandle,
    pub events: mpsc::Receiver<LinkEvent>,
}

impl TestRoom {
    pub fn start(
        ports: Vec<u16>,
        pins: Pins,
        folder: &Path,
        certificate: Option<CertificateChain>,
    ) -> TestRoom {
        let identity = DeviceIdentity::open(folder, certificate).unwrap();
        let config = RoomLinkConfig {
            host: "127.0.0.1".to_owned(),
            ports,
            pins,
            software: "test 1".to_owned(),
            serial: "A7".to_owned(),
        };
        let (handle, events) = RoomLink::start(config, identity).unwrap();
        TestRoom { handle, events }
    }

    pub async fn up(&mut self) -> Greeting {
        find(&mut self.events, |event| match event {
            LinkEvent::Up { greeting, .. } => Some(greeting),
            _ => None,
        })
        .await
    }

    pub async fn down(&mut self) -> DownReason {
        find(&mut self.events, |event| match event {
            LinkEvent::Down { reason, .. } => Some(reason),
            _ => None,
        })
        .await
    }
}

pub fn identity() -> RoomIdentity {
    RoomIdentity { room: RoomId::from_random(7), name: "Ada".parse().unwrap() }
}

pub fn welcome() -> Greeting {
    let (room, directory, calls) = (identity(), vec![], vec![]);
    Greeting::Welcome(Box::new(Welcome { version: 0, room, directory, calls, waiting: Vec::new() }))
}

pub fn newcomer() -> Greeting {
    Greeting::Newcomer { code: "7KQ2-9FXM".parse().unwrap(), expires_in_s: 900 }
}

/// A TCP relay before a server, whose connections can be cut.
pub struct Relay {
    pub address: SocketAddr,
    carried: Arc<Mutex<Vec<AbortHandle>>>,
    task: JoinHandle<()>,
}

impl Relay {
    pub async fn start(server: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let carried: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let all = carried.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let one = tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(server).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
                all.lock().unwrap().push(one.abort_handle());
            }
        });
        Relay { address, carried, task }
    }

    /// Cuts all connections at once, in the midst of whatever they carry.
    pub fn cut(&self) {
        for one in self.carried.lock().unwrap().drain(..) {
            one.abort();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

/// A client of the test's own: anything but a room.
#[derive(Debug)]
pub struct AnyServer(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

pub fn self_signed() -> (CertificateDer<'static>, rustls::pki_types::PrivateKeyDer<'static>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let pkcs8 = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    (certificate.der().clone(), pkcs8.into())
}

/// Connects as a stranger with this version and protocol.
pub async fn stranger(
    address: SocketAddr,
    version: &'static SupportedProtocolVersion,
    alpn: Option<&[u8]>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (certificate, key) = self_signed();
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
        .with_client_auth_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("stranger.invalid").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// A frame.
pub fn frame(json: &str) -> Vec<u8> {
    conclave_link_protocol::frame::encode(json.as_bytes()).unwrap().expose().clone()
}

pub const HELLO: &str = r#"{"hello":{"versions":[1,1],"software":"x","serial":"y","calls":[]}}"#;

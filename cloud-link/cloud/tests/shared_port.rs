//! One port for rooms and for others: real clients of both kinds, and strangers who are neither.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::*;
use conclave_link_cloud::{Authority, Entrance, Hub, HubEvent, HubLimits, LinkId, Other};
use conclave_link_protocol::ALPN;
use conclave_link_protocol::message::{CloudRequest, Response};
use rustls::version::{TLS12, TLS13};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;

/// A cloud whose port others share.
async fn shared(limits: HubLimits, most: usize) -> (Cloud, mpsc::Receiver<Other>) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Arc::new(Authority::open(folder.path(), now()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (others, arrivals) = mpsc::channel(most);
    let entrances = vec![Entrance::shared(listener, others)];
    let handshakes = Handle::current();
    let (hub, events) =
        Hub::start_beside(entrances, authority.clone(), limits, handshakes).unwrap();
    (Cloud { authority, hub, events, address, folder }, arrivals)
}

/// Answers others: whatever they say, in upper case.
fn answer(mut arrivals: mpsc::Receiver<Other>) {
    let (certificate, key) = self_signed();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS12, &TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Some(other) = arrivals.recv().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                assert!(other.address().ip().is_loopback());
                let Ok(mut stream) = acceptor.accept(other).await else { return };
                let mut said = [0; 5];
                if stream.read_exact(&mut said).await.is_ok() {
                    let _ = stream.write_all(&said.to_ascii_uppercase()).await;
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
}

/// Somebody with a browser is answered, with this version and protocol.
async fn browses(
    address: SocketAddr,
    version: &'static rustls::SupportedProtocolVersion,
    alpn: Option<&[u8]>,
) {
    let mut stream = stranger(address, version, alpn).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    timeout(LONG, stream.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(&heard, b"HELLO");
}

/// A room that is linked through this address.
async fn room(cloud: &mut Cloud, address: SocketAddr) -> (TestRoom, LinkId, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let lifetime = conclave_link_cloud::ROOM_CERTIFICATE_LIFETIME;
    let chain = cloud.enrol(folder.path(), now(), lifetime);
    let pins = cloud.authority.pins();
    let mut room = TestRoom::start(vec![address.port()], pins, folder.path(), Some(chain));
    let (link, _, _) = cloud.hello().await;
    cloud.hub.greet(link, welcome());
    room.up().await;
    (room, link, folder)
}

async fn undisturbed(cloud: &mut Cloud, link: LinkId) {
    let id = cloud.hub.request(link, CloudRequest::Ping);
    let answered = find(&mut cloud.events, |event| match event {
        HubEvent::Answered { id: of, result, .. } if of == id => Some(result),
        _ => None,
    });
    assert_eq!(answered.await, Ok(Response::Done));
}

fn refused(cloud: &Cloud, label: &str) -> u64 {
    let totals = cloud.hub.totals();
    totals.refused.iter().find(|(one, _)| *one == label).map(|(_, count)| *count).unwrap()
}

/// Until the hub says so.
async fn until(cloud: &Cloud, holds: impl Fn(&conclave_link_cloud::HubTotals) -> bool) {
    let waited = timeout(LONG, async {
        while !holds(&cloud.hub.totals()) {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("the hub never got there");
}

#[tokio::test]
async fn rooms_and_browsers_come_in_by_one_port() {
    let (mut cloud, arrivals) = shared(HubLimits::default(), 8).await;
    answer(arrivals);
    let address = cloud.address;
    let (_room, link, _folder) = room(&mut cloud, address).await;
    for alpn in [None, Some(&b"h2"[..]), Some(b"http/1.1")] {
        browses(address, &TLS13, alpn).await;
    }
    // Which versions others may have, they decide themselves.
    browses(address, &TLS12, Some(b"http/1.1")).await;
    // What nobody speaks is refused by whoever takes others.
    let error = stranger(address, &TLS13, Some(b"spdy/3")).await.unwrap_err().to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
    // Whoever names the link is the hub's, with all that the hub demands.
    assert!(stranger(address, &TLS12, Some(ALPN)).await.is_err());
    undisturbed(&mut cloud, link).await;
    until(&cloud, |totals| totals.half_open_now == 0).await;
}

#[tokio::test]
async fn a_hello_in_single_octets_finds_its_way() {
    let (mut cloud, arrivals) = shared(HubLimits::default(), 8).await;
    answer(arrivals);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (slowly, fast) = (listener.local_addr().unwrap(), cloud.address);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(fast).await.unwrap();
            server.set_nodelay(true).unwrap();
            let (mut from, mut back) = client.into_split();
            let (mut answers, mut to) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            tokio::spawn(async move {
                let mut octet = [0; 1];
                while from.read(&mut octet).await.is_ok_and(|read| read == 1) {
                    if to.write_all(&octet).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
    });
    browses(slowly, &TLS13, Some(b"h2")).await;
    let (_room, link, _folder) = room(&mut cloud, slowly).await;
    undisturbed(&mut cloud, link).await;
}

#[tokio::test]
async fn a_hello_that_trickles_is_cut_by_time_and_garbage_is_dropped() {
    let limits = HubLimits { handshake: Duration::from_millis(400), ..HubLimits::default() };
    let (mut cloud, arrivals) = shared(limits, 8).await;
    answer(arrivals);
    let address = cloud.address;
    let (_room, link, _folder) = room(&mut cloud, address).await;
    let mut garbage = TcpStream::connect(address).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    let _ = timeout(LONG, garbage.read_to_end(&mut heard)).await.expect("the cloud never closed");
    let mut slow = TcpStream::connect(address).await.unwrap();
    let mut pace = interval(Duration::from_millis(5));
    let trickle = async {
        for octet in [0x16, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xf0].into_iter().chain([0; 4096]) {
            pace.tick().await;
            if slow.write_all(&[octet]).await.is_err() {
                return;
            }
        }
        panic!("nobody stopped it");
    };
    timeout(LONG, trickle).await.unwrap();
    let totals = cloud.hub.totals();
    assert_eq!((totals.handshakes_late, totals.handshakes_failed), (1, 1));
    undisturbed(&mut cloud, link).await;
}

#[tokio::test]
async fn whoever_says_nothing_takes_neither_rooms_places_nor_browsers() {
    let limits = HubLimits { half_open: 3, half_open_per_address: 3, ..HubLimits::default() };
    let (mut cloud, arrivals) = shared(limits, 8).await;
    answer(arrivals);
    let address = cloud.address;
    let (_room, link, _folder) = room(&mut cloud, address).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    until(&cloud, |totals| totals.half_open_now == 3).await;
    // Of the same address the next one is sent away, whatever it is.
    let mut fourth = TcpStream::connect(address).await.unwrap();
    assert_eq!(timeout(LONG, fourth.read(&mut [0; 8])).await.unwrap().unwrap_or(0), 0);
    assert_eq!(refused(&cloud, "half_open_address"), 1);
    undisturbed(&mut cloud, link).await;
    drop(silent);
    until(&cloud, |totals| totals.half_open_now == 0).await;
    browses(address, &TLS13, None).await;
}

#[tokio::test]
async fn a_flood_of_one_kind_keeps_the_other_kind_not_outside() {
    let limits = HubLimits { half_open: 2, half_open_per_address: 2, ..HubLimits::default() };
    let (mut cloud, arrivals) = shared(limits, 2).await;
    let address = cloud.address;
    // Others whom nobody takes: two wait, the third is dropped.
    let mut waiting = Vec::new();
    let begin = || async move {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(&hello(b"h2")).await.unwrap();
        tcp
    };
    for _ in 0..2 {
        waiting.push(begin().await);
        until(&cloud, |totals| totals.half_open_now == 0).await;
    }
    let mut third = begin().await;
    assert_eq!(timeout(LONG, third.read(&mut [0; 8])).await.unwrap().unwrap_or(0), 0);
    assert_eq!(refused(&cloud, "others"), 1);
    let (_room, link, _folder) = room(&mut cloud, address).await;

    // Now those of the link's kind, who say no more than that: their places are full, browsers' are not.
    drop(waiting);
    answer(arrivals);
    let mut held = Vec::new();
    for number in 1..=2 {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(&hello(ALPN)).await.unwrap();
        held.push(tcp);
        until(&cloud, |totals| totals.half_open_now == number).await;
    }
    browses(address, &TLS13, Some(b"h2")).await;
    let mut next = TcpStream::connect(address).await.unwrap();
    next.write_all(&hello(ALPN)).await.unwrap();
    assert_eq!(timeout(LONG, next.read(&mut [0; 8])).await.unwrap().unwrap_or(0), 0);
    assert_eq!(refused(&cloud, "half_open_address"), 1);
    undisturbed(&mut cloud, link).await;
}

/// The first octets of a client that speaks this protocol.
fn hello(alpn: &[u8]) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = rustls::pki_types::ServerName::try_from("x.invalid").unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut octets = Vec::new();
    client.write_tls(&mut octets).unwrap();
    octets
}

//! What strangers do to a cloud, and to a room that finds something else than its cloud.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::*;
use conclave_link_cloud::{CloseReason, HubLimits, Peer, ROOM_CERTIFICATE_LIFETIME};
use conclave_link_protocol::ALPN;
use conclave_link_protocol::frame::FrameError;
use conclave_link_protocol::message::{CloudEvent, DirectoryEntry, Greeting, Refusal};
use conclave_link_room::{DownReason, Pins, ServerPin};
use conclave_types::UnixTime;
use rustls::version::{TLS12, TLS13};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Reads to the end, whichever way it comes.
async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut read)).await.expect("the cloud never closed");
    read
}

#[tokio::test]
async fn only_tls_1_3_with_the_links_protocol_comes_in() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    assert!(stranger(cloud.address, &TLS12, Some(ALPN)).await.is_err(), "TLS 1.2");
    let error = stranger(cloud.address, &TLS13, Some(b"http/1.1")).await.unwrap_err().to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
    let mut silent = stranger(cloud.address, &TLS13, None).await.unwrap();
    let _ = silent.write_all(&frame(HELLO)).await;
    assert_eq!(rest(&mut silent).await, b"", "no protocol, no word");
    let mut right = stranger(cloud.address, &TLS13, Some(ALPN)).await.unwrap();
    right.write_all(&frame(HELLO)).await.unwrap();
    assert!(matches!(cloud.hello().await.1, Peer::Newcomer { .. }));
}

#[tokio::test]
async fn garbage_before_the_handshake_is_dropped_and_others_do_not_notice() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let mut held = Vec::new();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 3000], &[0x16, 3, 1, 2, 0, 1]] {
        let mut tcp = TcpStream::connect(cloud.address).await.unwrap();
        tcp.write_all(garbage).await.unwrap();
        held.push(tcp);
    }
    let mut right = stranger(cloud.address, &TLS13, Some(ALPN)).await.unwrap();
    right.write_all(&frame(HELLO)).await.unwrap();
    cloud.hello().await;
    rest(&mut held[0]).await;
    rest(&mut held[1]).await;
}

#[tokio::test]
async fn frames_that_are_none_close_the_link_with_a_reason() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let too_long = FrameError::TooLong { length: 0xffff_ffff };
    for (octets, reason) in [
        (vec![0xff; 9], Some(CloseReason::Frame(too_long))),
        (vec![0; 4], Some(CloseReason::Frame(FrameError::Empty))),
        (frame("nonsense"), None),
        (frame(HELLO), Some(CloseReason::Unexpected { what: "a second hello" })),
    ] {
        let mut stream = stranger(cloud.address, &TLS13, Some(ALPN)).await.unwrap();
        stream.write_all(&frame(HELLO)).await.unwrap();
        let (link, _, _) = cloud.hello().await;
        stream.write_all(&octets).await.unwrap();
        let found = cloud.closed(link).await;
        match reason {
            Some(reason) => assert_eq!(found, reason),
            None => assert!(matches!(found, CloseReason::Envelope(_)), "{found:?}"),
        }
        let last = rest(&mut stream).await;
        assert!(last.windows(9).any(|part| part == b"{\"close\":"), "{last:?}");
    }
}

#[tokio::test]
async fn half_a_frame_and_a_cut_is_only_a_cut() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let mut stream = stranger(cloud.address, &TLS13, Some(ALPN)).await.unwrap();
    stream.write_all(&frame(HELLO)).await.unwrap();
    let (link, _, _) = cloud.hello().await;
    stream.write_all(&frame(HELLO)[..20]).await.unwrap();
    stream.flush().await.unwrap();
    drop(stream);
    let reason = cloud.closed(link).await;
    assert!(matches!(reason, CloseReason::Cut { .. }), "{reason:?}");
}

#[tokio::test]
async fn a_slow_reader_is_closed() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let mut stream = stranger(cloud.address, &TLS13, Some(ALPN)).await.unwrap();
    stream.write_all(&frame(HELLO)).await.unwrap();
    let (link, _, _) = cloud.hello().await;
    cloud.hub.greet(link, newcomer());
    let entry = DirectoryEntry {
        number: "4711".parse().unwrap(),
        name: "x".repeat(80).parse().unwrap(),
        pin: false,
    };
    let long = CloudEvent::Directory(vec![entry; 400]);
    let ended = timeout(LONG, async {
        loop {
            cloud.hub.send(link, long.clone());
            tokio::task::yield_now().await;
            if let Ok(event) = cloud.events.try_recv() {
                return event;
            }
        }
    });
    let closed = conclave_link_cloud::HubEvent::Closed { link, reason: CloseReason::SlowReader };
    assert_eq!(ended.await.unwrap(), closed);
    // Still open at its end, and never read.
    drop(stream);
}

#[tokio::test]
async fn who_finds_no_place_is_told_and_the_others_do_not_notice() {
    let limits = HubLimits { newcomers: 1, retry_after_s: 77, ..HubLimits::default() };
    let mut cloud = Cloud::start(limits).await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (port, pins) = (cloud.address.port(), cloud.authority.pins());
    let mut first = TestRoom::start(vec![port], pins, folders[0].path(), None);
    let (link, _, _) = cloud.hello().await;
    cloud.hub.greet(link, newcomer());
    first.up().await;
    let mut second = TestRoom::start(vec![port], pins, folders[1].path(), None);
    let busy = Greeting::Refused { reason: Refusal::Busy, retry_after_s: 77 };
    assert_eq!(second.up().await, busy);
    // An enrolled room still comes in, and the first newcomer is still told things.
    let chain = cloud.enrol(folders[1].path(), now(), ROOM_CERTIFICATE_LIFETIME);
    second.handle.identify(Some(chain));
    let (other, peer, _) = cloud.hello().await;
    assert!(matches!(peer, Peer::Enrolled { .. }));
    cloud.hub.greet(other, welcome());
    assert!(matches!(second.up().await, Greeting::Welcome(_)));
    let code = CloudEvent::NewCode { code: "0000-0000".parse().unwrap(), expires_in_s: 1 };
    cloud.hub.send(link, code.clone());
    assert_eq!(next(&mut first.events).await, conclave_link_room::LinkEvent::Event(code));
}

#[tokio::test]
async fn silent_connections_hold_their_places_only_for_a_while() {
    let limits =
        HubLimits { half_open: 2, handshake: Duration::from_millis(300), ..HubLimits::default() };
    let mut cloud = Cloud::start(limits).await;
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(cloud.address).await.unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut room =
        TestRoom::start(vec![cloud.address.port()], cloud.authority.pins(), folder.path(), None);
    room.down().await;
    for tcp in &mut silent {
        assert_eq!(rest(tcp).await, b"");
    }
    cloud.hello().await;
}

#[tokio::test]
async fn a_room_tells_nobody_from_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let pins = Pins { current: ServerPin([1; 32]), backup: None };
    let mut room = TestRoom::start(vec![port], pins, folder.path(), None);
    let reason = room.down().await;
    assert!(matches!(reason, DownReason::Unreachable { .. }), "{reason:?}");

    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    let answers = tokio::spawn(async move {
        while let Ok((mut tcp, _)) = plain.accept().await {
            let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let mut room = TestRoom::start(vec![port], pins, folder.path(), None);
    let reason = room.down().await;
    assert!(matches!(reason, DownReason::Tls { .. }), "{reason:?}");
    answers.abort();
}

/// A TLS server with a key of its own; returns its port and pin.
async fn server(
    version: &'static rustls::SupportedProtocolVersion,
    alpn: Option<&[u8]>,
) -> (u16, Pins, tokio::task::JoinHandle<()>) {
    let folder = tempfile::tempdir().unwrap();
    let authority = conclave_link_cloud::Authority::open(folder.path(), now()).unwrap();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let chain = vec![read("link.der").into(), read("ca.der").into()];
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(read("link.key"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key.into())
        .unwrap();
    config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(tcp).await {
                let _ = stream.read(&mut [0; 64]).await;
            }
        }
    });
    (port, authority.pins(), task)
}

#[tokio::test]
async fn a_server_with_the_right_key_and_the_wrong_manners_is_not_spoken_to() {
    let folder = tempfile::tempdir().unwrap();
    for alpn in [None, Some(&b"http/1.1"[..])] {
        let (port, pins, task) = server(&TLS13, alpn).await;
        let mut room = TestRoom::start(vec![port], pins, folder.path(), None);
        assert_eq!(room.down().await, DownReason::NotALink, "{alpn:?}");
        task.abort();
    }
    let (port, pins, task) = server(&TLS12, Some(ALPN)).await;
    let mut room = TestRoom::start(vec![port], pins, folder.path(), None);
    let reason = room.down().await;
    assert!(matches!(reason, DownReason::Tls { .. }), "{reason:?}");
    task.abort();
}

#[tokio::test]
async fn a_room_finds_the_port_that_works_beside_those_that_do_not() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    // The first accepts and says nothing, the second refuses, the third is the cloud.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports = [&silent, &nobody].map(|listener| listener.local_addr().unwrap().port());
    drop(nobody);
    let ports = vec![ports[0], ports[1], cloud.address.port()];
    let folder = tempfile::tempdir().unwrap();
    let mut room = TestRoom::start(ports, cloud.authority.pins(), folder.path(), None);
    let (link, _, _) = cloud.hello().await;
    cloud.hub.greet(link, newcomer());
    room.up().await;
    // The attempt that lost is dropped.
    let (mut dropped, _) = silent.accept().await.unwrap();
    rest(&mut dropped).await;
}

#[tokio::test]
async fn a_room_whose_clock_is_ahead_links_with_the_cloud_that_it_knows() {
    let (_room, mut done) = room_that_meets_a_cloud_of(UnixTime(now().0 - 3 * YEAR)).await;
    next(&mut done).await.unwrap();
}

#[tokio::test]
async fn a_room_whose_clock_is_behind_links_with_the_cloud_that_it_knows() {
    let (_room, mut done) = room_that_meets_a_cloud_of(UnixTime(now().0 + 3 * YEAR)).await;
    next(&mut done).await.unwrap();
}

const YEAR: u64 = 365 * 24 * 3600;

/// A room, and how the handshakes end with the cloud that it knows, whose certificate is of that time. The hub
/// renews by itself as soon as it starts, so the certificate is served by hand.
async fn room_that_meets_a_cloud_of(
    time: UnixTime,
) -> (TestRoom, mpsc::Receiver<std::io::Result<()>>) {
    let folder = tempfile::tempdir().unwrap();
    let authority = conclave_link_cloud::Authority::open(folder.path(), time).unwrap();
    let pins = authority.pins();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(read("link.key"));
    let chain = vec![read("link.der").into(), read("ca.der").into()];
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key.into())
        .unwrap();
    config.alpn_protocols = vec![ALPN.to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, done) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            // It ends well once the room has said that it takes this cloud.
            let _ = tell.try_send(acceptor.accept(tcp).await.map(|_| ()));
        }
    });
    let room_folder = tempfile::tempdir().unwrap();
    let room = TestRoom::start(vec![port], pins, room_folder.path(), None);
    (room, done)
}

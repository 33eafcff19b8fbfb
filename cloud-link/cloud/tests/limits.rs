//! Each limit is reached: the new one is refused with a reason, and the others do not notice.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::*;
use conclave_link_cloud::{CloseReason, HubEvent, HubLimits, LinkId, ROOM_CERTIFICATE_LIFETIME};
use conclave_link_protocol::ALPN;
use conclave_link_protocol::message::{CloudRequest, Greeting, Refusal, Response};
use conclave_link_protocol::session::FRAMES_AT_ONCE;
use conclave_link_room::LinkEvent;
use rustls::version::TLS13;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

/// A room that is in before anything happens, and is asked afterwards whether it still is.
async fn settled(cloud: &mut Cloud) -> (TestRoom, LinkId, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let chain = cloud.enrol(folder.path(), now(), ROOM_CERTIFICATE_LIFETIME);
    let (port, pins) = (cloud.address.port(), cloud.authority.pins());
    let mut room = TestRoom::start(vec![port], pins, folder.path(), Some(chain));
    let (link, _, _) = cloud.hello().await;
    cloud.hub.greet(link, welcome());
    room.up().await;
    (room, link, folder)
}

/// The room did not notice anything: it answers on its first link.
async fn undisturbed(cloud: &mut Cloud, room: &mut TestRoom, link: LinkId) {
    let id = cloud.hub.request(link, CloudRequest::Ping);
    let answered = find(&mut cloud.events, |event| match event {
        HubEvent::Answered { id: of, result, .. } if of == id => Some(result),
        _ => None,
    });
    assert_eq!(answered.await, Ok(Response::Done));
    assert!(room.events.try_recv().is_err(), "the room noticed something");
}

fn count(counts: &[(&'static str, u64)], label: &str) -> u64 {
    counts.iter().find(|(one, _)| *one == label).map(|(_, count)| *count).unwrap()
}

async fn the_next_is_busy(cloud: &mut Cloud, label: &str) {
    let folder = tempfile::tempdir().unwrap();
    let chain = (!label.contains("newcomers"))
        .then(|| cloud.enrol(folder.path(), now(), ROOM_CERTIFICATE_LIFETIME));
    let (port, pins) = (cloud.address.port(), cloud.authority.pins());
    let mut late = TestRoom::start(vec![port], pins, folder.path(), chain);
    let busy = Greeting::Refused { reason: Refusal::Busy, retry_after_s: 77 };
    assert_eq!(late.up().await, busy);
    assert_eq!(count(&cloud.hub.totals().refused, label), 1);
}

#[tokio::test]
async fn links_in_all_and_of_one_address_are_limited() {
    for (limits, label) in [
        (HubLimits { links: 1, ..HubLimits::default() }, "links"),
        (HubLimits { links_per_address: 1, ..HubLimits::default() }, "links_address"),
    ] {
        let mut cloud = Cloud::start(HubLimits { retry_after_s: 77, ..limits }).await;
        let (mut room, link, _folder) = settled(&mut cloud).await;
        the_next_is_busy(&mut cloud, label).await;
        undisturbed(&mut cloud, &mut room, link).await;
        assert_eq!(cloud.hub.totals().links_now, 1);
    }
}

#[tokio::test]
async fn newcomers_in_all_and_of_one_address_are_limited() {
    for (limits, label) in [
        (HubLimits { newcomers: 1, ..HubLimits::default() }, "newcomers"),
        (HubLimits { newcomers_per_address: 1, ..HubLimits::default() }, "newcomers_address"),
    ] {
        let mut cloud = Cloud::start(HubLimits { retry_after_s: 77, ..limits }).await;
        let (mut room, link, _folder) = settled(&mut cloud).await;
        let folder = tempfile::tempdir().unwrap();
        let (port, pins) = (cloud.address.port(), cloud.authority.pins());
        let mut first = TestRoom::start(vec![port], pins, folder.path(), None);
        let (waiting, _, _) = cloud.hello().await;
        cloud.hub.greet(waiting, newcomer());
        first.up().await;
        the_next_is_busy(&mut cloud, label).await;
        undisturbed(&mut cloud, &mut room, link).await;
        undisturbed(&mut cloud, &mut first, waiting).await;
        assert_eq!(cloud.hub.totals().newcomers_now, 1);
    }
}

#[tokio::test]
async fn half_open_connections_of_one_address_are_limited_and_rooms_still_come_in() {
    let limits = HubLimits { half_open_per_address: 3, ..HubLimits::default() };
    let mut cloud = Cloud::start(limits).await;
    let (mut room, link, _folder) = settled(&mut cloud).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(cloud.address).await.unwrap());
    }
    let mut fourth = TcpStream::connect(cloud.address).await.unwrap();
    // No word can be said to it: it has no TLS yet.
    assert_eq!(timeout(LONG, fourth.read(&mut [0; 8])).await.unwrap().unwrap_or(0), 0);
    assert_eq!(count(&cloud.hub.totals().refused, "half_open_address"), 1);
    undisturbed(&mut cloud, &mut room, link).await;
    silent.pop();
    settled(&mut cloud).await;
}

#[tokio::test]
async fn a_handshake_that_trickles_is_cut_by_time() {
    let limits = HubLimits { handshake: Duration::from_millis(400), ..HubLimits::default() };
    let mut cloud = Cloud::start(limits).await;
    let (mut room, link, _folder) = settled(&mut cloud).await;
    let mut slow = TcpStream::connect(cloud.address).await.unwrap();
    // The beginning of a long handshake record, an octet at a time.
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
    assert_eq!(cloud.hub.totals().handshakes_late, 1);
    undisturbed(&mut cloud, &mut room, link).await;
}

#[tokio::test]
async fn who_sends_too_many_frames_is_closed_with_a_reason() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let (mut room, link, _folder) = settled(&mut cloud).await;
    let mut stream = stranger(cloud.address, &TLS13, Some(ALPN)).await.unwrap();
    stream.write_all(&frame(HELLO)).await.unwrap();
    let (flooding, _, _) = cloud.hello().await;
    cloud.hub.greet(flooding, newcomer());
    let pings = frame(r#"{"ping":1}"#).repeat(usize::try_from(FRAMES_AT_ONCE).unwrap() + 50);
    stream.write_all(&pings).await.unwrap();
    assert_eq!(cloud.closed(flooding).await, CloseReason::Flood);
    let mut heard = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut heard)).await.unwrap();
    let last = String::from_utf8_lossy(&heard).into_owned();
    assert!(last.ends_with(r#"{"close":"the other end sends too many frames"}"#), "{last}");
    assert_eq!(count(&cloud.hub.totals().ended, "flood"), 1);
    undisturbed(&mut cloud, &mut room, link).await;
}

#[tokio::test]
async fn what_a_link_carries_is_counted() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let (mut room, link, _folder) = settled(&mut cloud).await;
    let before = cloud.hub.totals();
    assert_eq!((before.frames_in, before.frames_out), (1, 1));
    undisturbed(&mut cloud, &mut room, link).await;
    let after = cloud.hub.totals();
    assert_eq!((after.frames_in, after.frames_out), (2, 2));
    assert!(after.octets_in > before.octets_in && after.octets_out > before.octets_out);
    room.handle.shutdown().await;
    while room.events.recv().await.is_some_and(|event| !matches!(event, LinkEvent::Down { .. })) {}
    cloud.closed(link).await;
    let ended = cloud.hub.totals();
    assert_eq!((ended.links_now, count(&ended.ended, "cut")), (0, 1));
}

//! Rooms and a cloud, both shells, real TLS on loopback.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::*;
use conclave_link_cloud::{
    CloseReason, HubEvent, HubLimits, Peer, ROOM_CERTIFICATE_LIFETIME, RequestFailure,
};
use conclave_link_protocol::message::{
    CertificateChain, CloudEvent, CloudRequest, Greeting, HeldCall, Refusal, Response, RoomEvent,
    RoomRequest,
};
use conclave_link_room::{DownReason, LinkEvent, Pins, ServerPin, certificate_lifetime};
use conclave_types::{CallId, Switch};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn leave() -> RoomRequest {
    RoomRequest::Leave { call: CallId::from_random(1) }
}

#[tokio::test]
async fn a_newcomer_is_activated_and_comes_back_as_a_room() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut room =
        TestRoom::start(vec![cloud.address.port()], cloud.authority.pins(), folder.path(), None);
    let (link, peer, hello) = cloud.hello().await;
    let Peer::Newcomer { spki_der } = peer else { panic!("{peer:?}") };
    assert_eq!((hello.software.as_str(), hello.serial.as_str()), ("test 1", "A7"));
    cloud.hub.greet(link, newcomer());
    assert_eq!(room.up().await, newcomer());
    let certificate = cloud
        .authority
        .sign_room(identity().room, &spki_der, now(), ROOM_CERTIFICATE_LIFETIME)
        .unwrap();
    let activated = CloudEvent::Activated { room: identity(), certificate };
    cloud.hub.send(link, activated.clone());
    assert_eq!(next(&mut room.events).await, LinkEvent::Event(activated.clone()));
    let CloudEvent::Activated { certificate, .. } = activated else { unreachable!() };
    room.handle.identify(Some(certificate.clone()));
    assert_eq!(room.down().await, DownReason::Reconnecting);
    let reason = cloud.closed(link).await;
    assert!(matches!(reason, CloseReason::ByPeer { .. }), "{reason:?}");
    let (link, peer, _) = cloud.hello().await;
    let Peer::Enrolled { room: id, spki_der: again, expires, .. } = peer else {
        panic!("{peer:?}")
    };
    assert_eq!((id, again), (identity().room, spki_der));
    assert_eq!(certificate_lifetime(&certificate).unwrap().to, expires);
    cloud.hub.greet(link, welcome());
    let Greeting::Welcome(welcome) = room.up().await else { panic!("no welcome") };
    assert_eq!(welcome.version, 1);
    assert_eq!(cloud.hub.links()[0].room, Some(identity().room));
}

/// A cloud with one welcome room, behind a relay.
async fn linked(
    limits: HubLimits,
) -> (Cloud, Relay, TestRoom, conclave_link_cloud::LinkId, tempfile::TempDir) {
    let mut cloud = Cloud::start(limits).await;
    let relay = Relay::start(cloud.address).await;
    let folder = tempfile::tempdir().unwrap();
    let chain = cloud.enrol(folder.path(), now(), ROOM_CERTIFICATE_LIFETIME);
    let pins = cloud.authority.pins();
    let mut room = TestRoom::start(vec![relay.address.port()], pins, folder.path(), Some(chain));
    let (link, _, _) = cloud.hello().await;
    cloud.hub.greet(link, welcome());
    room.up().await;
    (cloud, relay, room, link, folder)
}

#[tokio::test]
async fn requests_and_events_travel_both_ways() {
    let (mut cloud, _relay, mut room, link, _folder) = linked(HubLimits::default()).await;
    let asked = room.handle.request(leave());
    let HubEvent::Request { id, request, .. } = next(&mut cloud.events).await else { panic!() };
    assert_eq!(request, leave());
    cloud.hub.respond(link, id, Response::Done);
    let done = LinkEvent::Answered { id: asked, result: Ok(Response::Done) };
    assert_eq!(next(&mut room.events).await, done);
    let event = RoomEvent::Health { part: "camera".into(), working: false, detail: "x".into() };
    room.handle.event(event.clone());
    assert_eq!(next(&mut cloud.events).await, HubEvent::Event { link, event });
    let id = cloud.hub.request(link, CloudRequest::Ping);
    let result = Ok(Response::Done);
    assert_eq!(next(&mut cloud.events).await, HubEvent::Answered { link, id, result });
}

#[tokio::test]
async fn a_cut_link_comes_back_and_its_hello_repeats_the_held_calls() {
    let (mut cloud, relay, mut room, link, _folder) = linked(HubLimits::default()).await;
    let held = HeldCall {
        call: CallId::from_random(1),
        revision: 4,
        microphone: Switch::Off,
        camera: Switch::On,
    };
    room.handle.hold(vec![held]);
    let asked = room.handle.request(leave());
    let HubEvent::Request { .. } = next(&mut cloud.events).await else { panic!() };
    relay.cut();
    let lost = LinkEvent::Answered { id: asked, result: Err(RequestFailure::LinkLost) };
    assert_eq!(next(&mut room.events).await, lost);
    let reason = room.down().await;
    assert!(matches!(reason, DownReason::Session(CloseReason::Cut { .. })), "{reason:?}");
    let unasked = room.handle.request(leave());
    let failed = LinkEvent::Answered { id: unasked, result: Err(RequestFailure::NotLinked) };
    assert_eq!(next(&mut room.events).await, failed);
    cloud.closed(link).await;
    let (link, _, hello) = cloud.hello().await;
    assert_eq!(hello.calls, [held]);
    cloud.hub.greet(link, welcome());
    room.up().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_in_the_next_quiet_moment() {
    let (mut cloud, _relay, mut room, link, folder) = linked(HubLimits::default()).await;
    let call = CallId::from_random(1);
    let held = HeldCall { call, revision: 4, microphone: Switch::Off, camera: Switch::On };
    room.handle.hold(vec![held]);
    let renewed = cloud.enrol(folder.path(), now(), ROOM_CERTIFICATE_LIFETIME + DAY);
    room.handle.identify(Some(renewed.clone()));
    assert_eq!(room.handle.certificate(), Some(renewed.clone()));
    // In a call, the present link goes on; after it, while an answer is waited for, too.
    let asked = room.handle.request(leave());
    let HubEvent::Request { id, .. } = next(&mut cloud.events).await else { panic!() };
    room.handle.hold(vec![]);
    cloud.hub.respond(link, id, Response::Done);
    let done = LinkEvent::Answered { id: asked, result: Ok(Response::Done) };
    assert_eq!(next(&mut room.events).await, done);
    assert_eq!(room.down().await, DownReason::Reconnecting);
    let (link, peer, hello) = cloud.hello().await;
    let Peer::Enrolled { expires, .. } = peer else { panic!("{peer:?}") };
    assert_eq!((expires, hello.calls), (certificate_lifetime(&renewed).unwrap().to, vec![]));
    cloud.hub.greet(link, welcome());
    room.up().await;
    // Shown by a full handshake: the ticket was the old certificate's.
    assert_eq!(cloud.hub.totals().handshakes_resumed, 0);
}

#[tokio::test]
async fn a_cloud_with_another_key_is_not_spoken_to() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let pins = Pins { current: ServerPin([1; 32]), backup: Some(ServerPin([2; 32])) };
    let mut room = TestRoom::start(vec![cloud.address.port()], pins, folder.path(), None);
    let found = cloud.authority.pins().current.to_string();
    assert_eq!(room.down().await, DownReason::WrongPin { found });
    assert!(cloud.events.try_recv().is_err(), "the cloud learned nothing");
}

#[tokio::test]
async fn rooms_accept_the_backup_key() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let pins = cloud.authority.pins();
    let folder = tempfile::tempdir().unwrap();
    let chain = cloud.enrol(folder.path(), now(), DAY);
    cloud.authority.promote_backup(now()).unwrap();
    assert_ne!(cloud.authority.pins().current, pins.current);
    let _room =
        TestRoom::start(vec![cloud.address.port()], pins, folder.path(), Some(chain.clone()));
    let (_, peer, _) = cloud.hello().await;
    assert!(matches!(peer, Peer::Enrolled { .. }));
    // A room that holds only the lost key's pin stays away.
    let alone = Pins { backup: None, ..pins };
    let mut other = TestRoom::start(vec![cloud.address.port()], alone, folder.path(), Some(chain));
    assert!(matches!(other.down().await, DownReason::WrongPin { .. }));
}

#[tokio::test]
async fn a_room_hears_why_its_certificate_is_no_good() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let other = Cloud::start(HubLimits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let long_ago = conclave_types::UnixTime(now().0 - 10 * DAY.as_secs());
    let expired = cloud.enrol(folder.path(), long_ago, DAY);
    let foreign = CertificateChain(other.enrol(folder.path(), now(), DAY).0[..1].to_vec());
    let revoked = cloud.enrol(folder.path(), now(), DAY);
    for (chain, reason) in [
        (expired, Refusal::Expired),
        (foreign, Refusal::ForeignCertificate),
        (revoked, Refusal::Revoked),
    ] {
        let pins = cloud.authority.pins();
        let mut room =
            TestRoom::start(vec![cloud.address.port()], pins, folder.path(), Some(chain));
        let (link, peer, _) = cloud.hello().await;
        match peer {
            Peer::Unfit(found) => assert_eq!(found, reason),
            Peer::Enrolled { .. } => assert_eq!(reason, Refusal::Revoked),
            Peer::Newcomer { .. } => panic!("a newcomer"),
        }
        let refused = Greeting::Refused { reason, retry_after_s: 120 };
        cloud.hub.greet(link, refused.clone());
        assert_eq!(room.up().await, refused);
        let LinkEvent::Down { reason: why, retry_in } = next(&mut room.events).await else {
            panic!()
        };
        assert_eq!(why, DownReason::Refused(reason));
        assert!(retry_in >= Duration::from_secs(119), "{retry_in:?}");
        assert_eq!(cloud.closed(link).await, CloseReason::Refused(reason));
        // Without its certificate it comes back at once, as a newcomer.
        room.handle.identify(None);
        let (link, peer, _) = cloud.hello().await;
        assert!(matches!(peer, Peer::Newcomer { .. }));
        room.handle.shutdown().await;
        cloud.closed(link).await;
    }
}

#[tokio::test]
async fn an_enrolled_room_does_not_follow_the_pin_to_another_authority() {
    let cloud = Cloud::start(HubLimits::default()).await;
    let other = Cloud::start(HubLimits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let chain = other.enrol(folder.path(), now(), DAY);
    let pins = cloud.authority.pins();
    let mut room = TestRoom::start(vec![cloud.address.port()], pins, folder.path(), Some(chain));
    assert_eq!(room.down().await, DownReason::OtherAuthority);
}

#[tokio::test]
async fn a_revoked_room_is_closed_at_once_and_hears_why() {
    let (mut cloud, _relay, mut room, link, _folder) = linked(HubLimits::default()).await;
    cloud.hub.close(link, "revoked by an administrator");
    let reason = "closed: revoked by an administrator".to_owned();
    assert_eq!(room.down().await, DownReason::Session(CloseReason::ByPeer { reason }));
    let here = CloseReason::Here { reason: "revoked by an administrator".to_owned() };
    assert_eq!(cloud.closed(link).await, here);
    assert!(cloud.hub.links().is_empty());
}

#[tokio::test]
async fn a_cloud_that_stops_says_goodbye_and_rooms_return_to_the_next_one() {
    let (mut cloud, _relay, mut room, link, _folder) = linked(HubLimits::default()).await;
    cloud.hub.shutdown().await;
    assert!(matches!(cloud.closed(link).await, CloseReason::Here { .. }));
    let reason = "closed: the cloud is shutting down".to_owned();
    assert_eq!(room.down().await, DownReason::Session(CloseReason::ByPeer { reason }));
    // A new process: the same folder, another port; the room follows through the same door.
    let listener = tokio::net::TcpListener::bind(cloud.address).await.unwrap();
    let authority = std::sync::Arc::new(
        conclave_link_cloud::Authority::open(cloud.folder.path(), now()).unwrap(),
    );
    let (hub, mut events) =
        conclave_link_cloud::Hub::start(vec![listener], authority, HubLimits::default()).unwrap();
    let link = find(&mut events, |event| match event {
        HubEvent::Hello { link, peer: Peer::Enrolled { .. }, .. } => Some(link),
        _ => None,
    })
    .await;
    hub.greet(link, welcome());
    room.up().await;
}

#[tokio::test]
async fn a_room_that_shuts_down_leaves_no_link_behind() {
    let (mut cloud, _relay, mut room, link, _folder) = linked(HubLimits::default()).await;
    room.handle.shutdown().await;
    assert!(room.events.recv().await.is_none());
    let reason = cloud.closed(link).await;
    assert!(matches!(reason, CloseReason::Cut { .. }), "{reason:?}");
}

#[tokio::test]
async fn more_requests_than_anyone_asks_fail_and_none_is_lost() {
    let (_cloud, _relay, mut room, _link, _folder) = linked(HubLimits::default()).await;
    let asked: Vec<_> = (0..500).map(|_| room.handle.request(leave())).collect();
    room.handle.identify(None);
    let mut ended = std::collections::BTreeMap::new();
    while ended.len() < asked.len() {
        if let LinkEvent::Answered { id, result } = next(&mut room.events).await {
            assert!(result.is_err());
            assert!(ended.insert(id, result).is_none(), "{id} twice");
        }
    }
    assert!(asked.iter().all(|id| ended.contains_key(id)));
}

//! A ticket spares a room's return the signatures, and no check.

mod common;

use common::*;
use conclave_link_cloud::{CloseReason, HubLimits, Peer, ROOM_CERTIFICATE_LIFETIME};
use conclave_link_protocol::message::{Greeting, Refusal};
use conclave_link_room::DownReason;
use std::time::Duration;

#[tokio::test]
async fn a_room_that_comes_back_resumes_and_is_known_as_after_a_full_handshake() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let relay = Relay::start(cloud.address).await;
    let folder = tempfile::tempdir().unwrap();
    let chain = cloud.enrol(folder.path(), now(), ROOM_CERTIFICATE_LIFETIME);
    let pins = cloud.authority.pins();
    let mut room = TestRoom::start(vec![relay.address.port()], pins, folder.path(), Some(chain));
    let (link, first, _) = cloud.hello().await;
    cloud.hub.greet(link, welcome());
    room.up().await;
    for returns in 1..=2 {
        relay.cut();
        let (link, again, _) = cloud.hello().await;
        assert_eq!(again, first);
        let totals = cloud.hub.totals();
        assert_eq!((totals.handshakes_full, totals.handshakes_resumed), (1, returns));
        cloud.hub.greet(link, welcome());
        room.up().await;
    }
}

#[tokio::test]
async fn a_revoked_room_is_refused_though_it_has_a_ticket() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let chain = cloud.enrol(folder.path(), now(), ROOM_CERTIFICATE_LIFETIME);
    let (port, pins) = (cloud.address.port(), cloud.authority.pins());
    let mut room = TestRoom::start(vec![port], pins, folder.path(), Some(chain));
    let (link, first, _) = cloud.hello().await;
    cloud.hub.greet(link, welcome());
    room.up().await;
    cloud.hub.close(link, "revoked");
    // The caller is asked again, with the same key and room, and says what it always says.
    let (link, again, _) = cloud.hello().await;
    assert_eq!((again, cloud.hub.totals().handshakes_resumed), (first, 1));
    let refused = Greeting::Refused { reason: Refusal::Revoked, retry_after_s: 3_600 };
    cloud.hub.greet(link, refused.clone());
    assert_eq!(room.up().await, refused);
    assert_eq!(cloud.closed(link).await, CloseReason::Refused(Refusal::Revoked));
}

#[tokio::test]
async fn a_link_ends_with_its_certificate_and_a_ticket_does_not_outlive_it() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let chain = cloud.enrol(folder.path(), now(), Duration::from_secs(3));
    let (port, pins) = (cloud.address.port(), cloud.authority.pins());
    let mut room = TestRoom::start(vec![port], pins, folder.path(), Some(chain));
    let (link, peer, _) = cloud.hello().await;
    assert!(matches!(peer, Peer::Enrolled { .. }), "{peer:?}");
    cloud.hub.greet(link, welcome());
    room.up().await;
    assert_eq!(cloud.closed(link).await, CloseReason::CertificateExpired);
    let reason = CloseReason::CertificateExpired.to_string();
    assert_eq!(room.down().await, DownReason::Session(CloseReason::ByPeer { reason }));
    // Its return is refused for the date. (At the last second itself it may be let in once more.)
    loop {
        let (link, peer, _) = cloud.hello().await;
        if peer == Peer::Unfit(Refusal::Expired) {
            break;
        }
        cloud.hub.greet(link, welcome());
    }
    assert!(cloud.hub.totals().handshakes_resumed >= 1);
}

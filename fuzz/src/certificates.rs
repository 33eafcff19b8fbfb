//! Certificates: what a stranger shows to a cloud, and what a cloud gives to a room.
//!
//! The first octet chooses. 0: the rest is a certificate as it stands. Others: one of the true
//! certificates in `seeds/certificates`, damaged: a place (two octets) and a change (one), as often
//! as the input has them.
//!
//! The modules that read them are built in here alone: both ends have keys and an asynchronous
//! runtime besides, which would take minutes to build and add nothing.

#[path = "../../cloud-link/room/src/lifetime.rs"]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
mod lifetime;
#[path = "../../cloud-link/cloud/src/peer.rs"]
#[expect(dead_code, reason = "tickets are classified by the hub only")]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
mod peer;

use crate::pieces::Pieces;
use conclave_link_protocol::message::{CertificateChain, Refusal};
use conclave_types::{RoomId, UnixTime};
use peer::Peer;
use rustls::pki_types::CertificateDer;

/// A cloud's own CA, and what it signed or not: the enrolled room, one whose time is over, a
/// newcomer. Their keys were thrown away.
pub const AUTHORITY: &[u8] = include_bytes!("seeds/certificates/authority.der");
/// See [`AUTHORITY`].
pub const TRUE: [&[u8]; 3] = [
    include_bytes!("seeds/certificates/room.der"),
    include_bytes!("seeds/certificates/expired.der"),
    include_bytes!("seeds/certificates/newcomer.der"),
];

/// 2027-01-01: the first of [`TRUE`] is valid, the second was.
const NOW: UnixTime = UnixTime(1_798_761_600);

/// The input as a certificate that both ends read.
pub fn chain(input: &[u8]) {
    let mut pieces = Pieces(input);
    let der = match usize::from(pieces.octet() % 4) {
        0 => pieces.0.to_vec(),
        choice => {
            let mut der = TRUE[choice - 1].to_vec();
            while !pieces.is_empty() {
                let place = usize::from(pieces.two()) % der.len();
                der[place] ^= pieces.octet();
            }
            der
        }
    };
    let authority = CertificateDer::from(AUTHORITY);
    let Ok(anchor) = webpki::anchor_from_trusted_cert(&authority) else {
        panic!("the CA is no CA");
    };
    let leaf = CertificateDer::from(der.as_slice());
    let peer = peer::classify(&leaf, &anchor, NOW);
    match TRUE.iter().position(|whole| **whole == *der) {
        Some(0) => assert!(matches!(peer, Peer::Enrolled { .. })),
        Some(1) => assert_eq!(peer, Peer::Unfit(Refusal::Expired)),
        Some(_) => assert!(matches!(peer, Peer::Newcomer { .. })),
        None => {}
    }
    match peer {
        // Its key was signed by the CA, so that nothing but the true room comes to this.
        Peer::Enrolled { room, spki_der, spki_sha256, expires } => {
            assert_eq!(room, RoomId::from_random(5));
            assert_eq!(Some(&spki_der), peer::spki(&CertificateDer::from(TRUE[0])).as_ref());
            assert_eq!(peer::sha256(&spki_der), spki_sha256);
            assert!(expires >= NOW);
        }
        Peer::Newcomer { spki_der } => {
            assert!(spki_der.len() < der.len());
            assert_eq!(peer::spki(&leaf), Some(spki_der));
        }
        Peer::Unfit(_) => {}
    }
    let _ = peer::not_after(&leaf);
    let chain = CertificateChain::from_der(&[&der]);
    if let Some(lifetime) = lifetime::certificate_lifetime(&chain) {
        assert_eq!(Some(lifetime.to), peer::not_after(&leaf));
    }
}

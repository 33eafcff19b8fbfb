//! What a room's certificate says of it.
//!
//! The handshake takes any certificate whose key signs it; only then is it looked at, so that a
//! room whose certificate has expired hears that in words and not as a failed handshake.

use conclave_link_protocol::ROOM_URI_PREFIX;
use conclave_link_protocol::message::Refusal;
use conclave_types::{RoomId, UnixTime};
use ring::digest::{SHA256, digest};
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime as TlsTime};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Who is at the other end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// Our CA signed its certificate. Whether that was revoked, the hub's caller knows.
    Enrolled {
        /// Which room.
        room: RoomId,
        /// Its public key, SubjectPublicKeyInfo in DER: what a renewal signs.
        spki_der: Vec<u8>,
        /// SHA-256 of that, for tables.
        spki_sha256: [u8; 32],
        /// The last second of its certificate.
        expires: UnixTime,
    },
    /// It signed its certificate itself.
    Newcomer {
        /// Its public key, SubjectPublicKeyInfo in DER: what an enrolment signs.
        spki_der: Vec<u8>,
    },
    /// Its certificate is no good here. It may only be refused, with this reason.
    Unfit(Refusal),
}

/// Reads a certificate that has proved its key.
pub(crate) fn classify(leaf: &CertificateDer<'_>, anchor: &TrustAnchor<'_>, now: UnixTime) -> Peer {
    let Ok(certificate) = EndEntityCert::try_from(leaf) else {
        return Peer::Unfit(Refusal::ForeignCertificate);
    };
    let spki_der = certificate.subject_public_key_info().as_ref().to_vec();
    if certificate.subject() == certificate.issuer() {
        // Its own signature adds nothing: the handshake has shown that it holds the key.
        return Peer::Newcomer { spki_der };
    }
    let valid_at = |at: TlsTime| {
        certificate
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                std::slice::from_ref(anchor),
                &[],
                at,
                KeyUsage::client_auth(),
                None,
                None,
            )
            .map(|_| ())
    };
    match valid_at(TlsTime::since_unix_epoch(Duration::from_secs(now.0))) {
        Ok(()) => {}
        // The dates are looked at before the signature: was it ours in its time?
        Err(webpki::Error::CertExpired { not_after, .. }) if valid_at(not_after).is_ok() => {
            return Peer::Unfit(Refusal::Expired);
        }
        // Ours, and it begins in the future: our clock was ahead when we signed it, or is behind
        // now. That it is ours and its key's is proved all the same, and whether it was revoked the
        // hub's caller knows: a wrong clock is no reason to leave a room outside.
        Err(webpki::Error::CertNotValidYet { not_before, .. }) if valid_at(not_before).is_ok() => {
            begins_in_the_future();
        }
        Err(_) => return Peer::Unfit(Refusal::ForeignCertificate),
    }
    enrolled(&certificate, spki_der, not_after(leaf))
}

/// The same for a certificate whose signature is known to be ours; `None` when it has to be looked
/// at as a whole after all.
pub(crate) fn classify_ours(leaf: &CertificateDer<'_>, now: UnixTime) -> Option<Peer> {
    let (from, to) = validity(leaf)?;
    if now < from {
        begins_in_the_future();
    }
    if now > to {
        return Some(Peer::Unfit(Refusal::Expired));
    }
    let certificate = EndEntityCert::try_from(leaf).ok()?;
    let spki_der = certificate.subject_public_key_info().as_ref().to_vec();
    Some(enrolled(&certificate, spki_der, Some(to)))
}

fn begins_in_the_future() {
    tracing::warn!("a room's certificate begins in the future: a clock is or was wrong");
}

fn enrolled(certificate: &EndEntityCert<'_>, spki_der: Vec<u8>, expires: Option<UnixTime>) -> Peer {
    let room = certificate
        .valid_uri_names()
        .find_map(|uri| uri.strip_prefix(ROOM_URI_PREFIX)?.parse::<RoomId>().ok());
    match (room, expires) {
        (Some(room), Some(expires)) => {
            Peer::Enrolled { room, spki_sha256: sha256(&spki_der), spki_der, expires }
        }
        _ => Peer::Unfit(Refusal::ForeignCertificate),
    }
}

/// The last second of a certificate.
pub(crate) fn not_after(der: &CertificateDer<'_>) -> Option<UnixTime> {
    validity(der).map(|(_, end)| end)
}

/// The first and the last second of a certificate.
pub(crate) fn validity(der: &CertificateDer<'_>) -> Option<(UnixTime, UnixTime)> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let validity = certificate.validity();
    // Before 1970 is as good as 1970.
    let second = |time: i64| UnixTime(u64::try_from(time).unwrap_or(0));
    let (begin, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    Some((second(begin), second(end)))
}

/// The public key of a certificate, SubjectPublicKeyInfo in DER.
pub(crate) fn spki(der: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let certificate = EndEntityCert::try_from(der).ok()?;
    Some(certificate.subject_public_key_info().as_ref().to_vec())
}

/// SHA-256.
pub(crate) fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, octets).as_ref());
    sum
}

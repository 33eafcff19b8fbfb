//! The cloud's own CA, and the keys with which it proves to rooms who it is.
//!
//! | file (mode 0600) | what |
//! | --- | --- |
//! | `ca.key`, `ca.der` | signs rooms' certificates and the server's; lost: every room must be enrolled anew |
//! | `link.key`, `link.der` | the server's key, whose pin rooms hold, and its certificate |
//! | `backup.key` | the key that rooms accept as well, for the day when `link.key` is lost or stolen |
//!
//! All are made on the first start. A certificate that is missing or due is made anew over the same
//! key, so that pins stay. A key that cannot be read is never replaced: the backup of the data
//! folder has it.

use crate::files::{self, FileError};
use crate::known::Known;
use crate::peer::{self, Peer};
use conclave_link_protocol::message::CertificateChain;
use conclave_link_protocol::pin::{Pins, ServerPin};
use conclave_link_protocol::{ROOM_URI_PREFIX, SERVER_NAME};
use conclave_types::{RoomId, UnixTime};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
    SubjectPublicKeyInfo,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, TrustAnchor};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use time::OffsetDateTime;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long a room's certificate is usually valid. Longer keeps a stolen key useful for longer where
/// a revocation is missed; shorter locks out rooms that stood switched off over the summer.
pub const ROOM_CERTIFICATE_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);

/// How long the server's certificate is valid. Rooms hold its key by pin anyway; it is renewed over
/// the same key when a third is left.
const SERVER_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long the CA is valid. Its end means a visit to every room's panel.
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Certificates of the cloud begin this much before now: rooms' clocks may be behind.
const BACKDATED: Duration = DAY;

/// The cloud's keys and certificates. Shared by hub and caller.
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    anchor: TrustAnchor<'static>,
    /// What the hub shows from now on.
    shown: RwLock<Arc<CertifiedKey>>,
    pins: RwLock<Pins>,
    /// Certificates whose signature was found to be ours.
    known: Mutex<Known>,
    /// Held by whoever changes files.
    changing: Mutex<()>,
}

/// Why the cloud has no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file or the folder cannot be used.
    #[error("the cloud's keys cannot be opened")]
    File(#[from] FileError),
    /// A file is not what it should be. It is not replaced.
    #[error(
        "{} is damaged; bring it back from a backup (a new one would lock out every room)",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// A certificate is there without its key.
    #[error(
        "{} is missing; bring it back from a backup (a new one would lock out every room)",
        path.display()
    )]
    KeyMissing {
        /// Which file.
        path: PathBuf,
    },
    /// A key or a certificate could not be made.
    #[error("a key or a certificate could not be made")]
    Make(#[source] rcgen::Error),
    /// The system has no randomness.
    #[error("the system has no randomness")]
    Random,
}

/// Why a room's key was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key is not ECDSA on P-256.
    #[error("the room's key is not of the kind that the link uses (ECDSA on P-256)")]
    Kind,
    /// The certificate could not be made.
    #[error("the room's certificate could not be made")]
    Make(#[source] rcgen::Error),
    /// The dates cannot be written in a certificate.
    #[error("the certificate's dates are out of range")]
    Dates,
    /// The system has no randomness.
    #[error("the system has no randomness")]
    Random,
}

impl Authority {
    /// Opens the cloud's keys in the folder, and makes what is not there yet.
    pub fn open(folder: &Path, now: UnixTime) -> Result<Authority, AuthorityError> {
        files::make_folder(folder)?;
        let (key_path, certificate_path) = (folder.join("ca.key"), folder.join("ca.der"));
        let stored = files::read(&certificate_path)?;
        let key = match open_key(&key_path)? {
            Some(key) => key,
            None if stored.is_some() => {
                return Err(AuthorityError::KeyMissing { path: key_path });
            }
            None => make_key(&key_path)?,
        };
        let certificate = match stored {
            Some(der) => CertificateDer::from(der.expose().clone()),
            None => {
                let der = make_authority(&key, now)?;
                files::write_new(&certificate_path, &der)?;
                der
            }
        };
        let damaged = || AuthorityError::Damaged { path: certificate_path.clone() };
        let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|_| damaged())?;
        let anchor = anchor.to_owned();
        if peer::spki(&certificate) != Some(key.subject_public_key_info()) {
            return Err(damaged());
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|_| damaged())?;
        let (shown, pins) = open_server(folder, &issuer, &certificate, now)?;
        Ok(Authority {
            folder: folder.to_owned(),
            issuer,
            certificate,
            anchor,
            shown: RwLock::new(Arc::new(shown)),
            pins: RwLock::new(pins),
            known: Mutex::default(),
            changing: Mutex::new(()),
        })
    }

    /// The pins of the server's key and of its backup, for rooms' configurations.
    pub fn pins(&self) -> Pins {
        *self.pins.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs a room's key: a certificate for client authentication that carries the room's id as
    /// the URI `urn:conclave:room-…`. Returns it with the CA's. `lifetime` is usually
    /// [`ROOM_CERTIFICATE_LIFETIME`].
    pub fn sign_room(
        &self,
        room: RoomId,
        spki_der: &[u8],
        not_before: UnixTime,
        lifetime: Duration,
    ) -> Result<CertificateChain, SignError> {
        let key = SubjectPublicKeyInfo::from_der(spki_der).map_err(|_| SignError::Kind)?;
        if key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(SignError::Kind);
        }
        let uri =
            Ia5String::try_from(format!("{ROOM_URI_PREFIX}{room}")).map_err(SignError::Make)?;
        let mut params = CertificateParams::default();
        params.serial_number = Some(serial().ok_or(SignError::Random)?);
        params.distinguished_name = name(&room.to_string());
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = date(not_before).ok_or(SignError::Dates)?;
        params.not_after = date(not_before.after(lifetime)).ok_or(SignError::Dates)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(SignError::Make)?;
        Ok(CertificateChain::from_der(&[certificate.der(), &self.certificate]))
    }

    /// What a certificate says of its room, after it has proved its key in a handshake.
    pub fn classify(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Peer {
        let Some(leaf) = chain.first() else {
            return Peer::Unfit(conclave_link_protocol::message::Refusal::ForeignCertificate);
        };
        let digest = peer::sha256(leaf);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known().contains(&digest)
            && let Some(peer) = peer::classify_ours(leaf, now)
        {
            return peer;
        }
        let peer = peer::classify(leaf, &self.anchor, now);
        if matches!(peer, Peer::Enrolled { .. }) {
            known().insert(digest);
        }
        peer
    }

    /// Renews the server's certificate over the same key when less than a third of its life is
    /// left; true when it did. The hub calls this by itself.
    pub fn renew_if_due(&self, now: UnixTime) -> Result<bool, AuthorityError> {
        if !self.shown().cert.first().is_none_or(|leaf| is_due(leaf, now)) {
            return Ok(false);
        }
        self.reopen_server(now)?;
        Ok(true)
    }

    /// Puts the backup key in the server's place, at once and for ever, and makes a new backup.
    /// For the day when `link.key` is lost or stolen. Rooms need the new backup's pin afterwards.
    pub fn promote_backup(&self, now: UnixTime) -> Result<(), AuthorityError> {
        {
            let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            // What a power cut leaves undone, the next start finds undone: a missing backup and a
            // certificate that does not fit the key are both made anew.
            files::rename(&self.folder.join("backup.key"), &self.folder.join("link.key"))?;
        }
        self.reopen_server(now)
    }

    /// What the hub shows to rooms now.
    pub(crate) fn shown(&self) -> Arc<CertifiedKey> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reopen_server(&self, now: UnixTime) -> Result<(), AuthorityError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (shown, pins) = open_server(&self.folder, &self.issuer, &self.certificate, now)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shown);
        *self.pins.write().unwrap_or_else(PoisonError::into_inner) = pins;
        Ok(())
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({:?})", self.pins())
    }
}

/// The server's key with a certificate that is not due, and the pins.
fn open_server(
    folder: &Path,
    issuer: &Issuer<'static, KeyPair>,
    authority: &CertificateDer<'static>,
    now: UnixTime,
) -> Result<(CertifiedKey, Pins), AuthorityError> {
    let (key_path, certificate_path) = (folder.join("link.key"), folder.join("link.der"));
    let backup_path = folder.join("backup.key");
    let key = match open_key(&key_path)? {
        Some(key) => key,
        None if files::read(&certificate_path)?.is_some() => {
            return Err(AuthorityError::KeyMissing { path: key_path });
        }
        None => make_key(&key_path)?,
    };
    let backup = match open_key(&backup_path)? {
        Some(backup) => backup,
        None => make_key(&backup_path)?,
    };
    let spki = key.subject_public_key_info();
    let pins = Pins {
        current: ServerPin(peer::sha256(&spki)),
        backup: Some(ServerPin(peer::sha256(&backup.subject_public_key_info()))),
    };
    let stored =
        files::read(&certificate_path)?.map(|der| CertificateDer::from(der.expose().clone()));
    let usable =
        |der: &CertificateDer<'static>| peer::spki(der) == Some(spki.clone()) && !is_due(der, now);
    let certificate = match stored.filter(usable) {
        Some(certificate) => certificate,
        None => {
            let certificate = make_server(&key, issuer, now)?;
            files::replace(&certificate_path, &certificate)?;
            certificate
        }
    };
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signing = rustls::crypto::ring::sign::any_ecdsa_type(&private)
        .map_err(|_| AuthorityError::Damaged { path: key_path })?;
    Ok((CertifiedKey::new(vec![certificate, authority.clone()], signing), pins))
}

fn open_key(path: &Path) -> Result<Option<KeyPair>, AuthorityError> {
    let Some(pkcs8) = files::read(path)? else { return Ok(None) };
    let der = PrivatePkcs8KeyDer::from(pkcs8.expose().as_slice());
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)
        .map(Some)
        .map_err(|_| AuthorityError::Damaged { path: path.to_owned() })
}

fn make_key(path: &Path) -> Result<KeyPair, AuthorityError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(AuthorityError::Make)?;
    let pkcs8 = conclave_types::Secret::new(key.serialize_der());
    files::write_new(path, pkcs8.expose())?;
    Ok(key)
}

fn make_authority(key: &KeyPair, now: UnixTime) -> Result<CertificateDer<'static>, AuthorityError> {
    let mut params = cloud_params(now, AUTHORITY_LIFETIME)?;
    // Two clouds' CAs have different names, for those who compare certificates by eye.
    let digest = peer::sha256(&key.subject_public_key_info());
    let tag: String = digest.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    params.distinguished_name = name(&format!("Conclave CA {tag}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(key).map_err(AuthorityError::Make)?;
    Ok(certificate.der().clone())
}

fn make_server(
    key: &KeyPair,
    issuer: &Issuer<'static, KeyPair>,
    now: UnixTime,
) -> Result<CertificateDer<'static>, AuthorityError> {
    let mut params = cloud_params(now, SERVER_LIFETIME)?;
    params.distinguished_name = name(SERVER_NAME);
    let dns = Ia5String::try_from(SERVER_NAME).map_err(AuthorityError::Make)?;
    params.subject_alt_names = vec![SanType::DnsName(dns)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(key, issuer).map_err(AuthorityError::Make)?;
    Ok(certificate.der().clone())
}

fn cloud_params(now: UnixTime, lifetime: Duration) -> Result<CertificateParams, AuthorityError> {
    let from = UnixTime(now.0.saturating_sub(BACKDATED.as_secs()));
    let mut params = CertificateParams::default();
    params.serial_number = Some(serial().ok_or(AuthorityError::Random)?);
    // A clock beyond the year 9999 is no clock.
    params.not_before = date(from).ok_or(AuthorityError::Make(rcgen::Error::Time))?;
    params.not_after = date(now.after(lifetime)).ok_or(AuthorityError::Make(rcgen::Error::Time))?;
    Ok(params)
}

/// Whether a certificate of the server runs out soon, or begins in the future: then it was made by a
/// clock that ran ahead, and no room whose clock is right would take it.
fn is_due(certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
    peer::validity(certificate)
        .is_none_or(|(begin, end)| now < begin || now.until(end) < SERVER_LIFETIME / 3)
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn date(time: UnixTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(time.0).ok()?).ok()
}

/// 127 random bits (RFC 5280, section 4.1.2.2, wants a positive number of at most 20 octets).
fn serial() -> Option<SerialNumber> {
    let mut octets = [0; 16];
    SystemRandom::new().fill(&mut octets).ok()?;
    octets[0] &= 0x7f;
    Some(SerialNumber::from_slice(&octets))
}

#[cfg(test)]
mod tests;

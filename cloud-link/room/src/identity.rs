//! Who the room is on the link: its key, and the certificate that a cloud gave it for the key.
//!
//! A room without a cloud's certificate shows one that it signed itself: the cloud takes it for a
//! newcomer, and learns the public key that it will sign.

use crate::key::{DeviceKey, Found, KeyFile, KeyFileError, p256_point};
use conclave_link_protocol::message::CertificateChain;
use rcgen::{CertificateParams, DistinguishedName, DnType, PublicKeyData};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

/// The room's key and certificate.
#[derive(Debug, Clone)]
pub struct DeviceIdentity {
    key: Arc<dyn DeviceKey>,
    certificate: Option<CertificateChain>,
}

/// Why the room has no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no key.
    #[error("the room's key cannot be opened")]
    Key(#[source] KeyFileError),
    /// The key is not ECDSA on P-256.
    #[error("the room's key is not of the kind that the link uses (ECDSA on P-256)")]
    Kind,
    /// No certificate can be made over the key.
    #[error("no certificate can be made over the room's key")]
    SelfSigned(#[source] rcgen::Error),
}

impl DeviceIdentity {
    /// Opens the key in the folder, or makes one (`device.key`, mode 0600). A certificate that is
    /// not for this key is dropped, and the room is a newcomer.
    pub fn open(
        folder: &Path,
        certificate: Option<CertificateChain>,
    ) -> Result<DeviceIdentity, IdentityError> {
        let (key, found) = KeyFile::open(folder).map_err(IdentityError::Key)?;
        if found == Found::New {
            tracing::info!("the room has made its key");
        }
        DeviceIdentity::with_key(Arc::new(key), certificate)
    }

    /// An identity over a key that lives elsewhere.
    pub fn with_key(
        key: Arc<dyn DeviceKey>,
        certificate: Option<CertificateChain>,
    ) -> Result<DeviceIdentity, IdentityError> {
        p256_point(key.spki_der()).ok_or(IdentityError::Kind)?;
        let mut identity = DeviceIdentity { key, certificate: None };
        if let Some(chain) = certificate
            && !identity.take(Some(chain))
        {
            tracing::error!("the room's certificate is not for its key; it must be enrolled again");
        }
        Ok(identity)
    }

    /// The public half of the key: SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> &[u8] {
        self.key.spki_der()
    }

    /// The certificate that a cloud gave the room.
    pub fn certificate(&self) -> Option<&CertificateChain> {
        self.certificate.as_ref()
    }

    /// Takes another certificate, or none; false when it is not for this key, and nothing changes.
    pub(crate) fn take(&mut self, certificate: Option<CertificateChain>) -> bool {
        let fits = certificate.as_ref().is_none_or(|chain| self.is_over_this_key(chain));
        if fits {
            self.certificate = certificate;
        }
        fits
    }

    fn is_over_this_key(&self, chain: &CertificateChain) -> bool {
        let Ok(ders) = chain.to_der() else { return false };
        let Some(first) = ders.first().map(|der| CertificateDer::from(der.as_slice())) else {
            return false;
        };
        webpki::EndEntityCert::try_from(&first)
            .is_ok_and(|leaf| leaf.subject_public_key_info().as_ref() == self.key.spki_der())
    }

    /// The CA that enrolled the room: the last certificate of its chain, unless it has but one.
    pub(crate) fn authority(&self) -> Option<CertificateDer<'static>> {
        let ders = self.certificate.as_ref()?.to_der().ok()?;
        ders.into_iter().skip(1).next_back().map(CertificateDer::from)
    }

    /// What rustls shows to the cloud.
    pub(crate) fn certified_key(&self) -> Result<CertifiedKey, IdentityError> {
        let enrolled = self.certificate.as_ref().and_then(|chain| chain.to_der().ok());
        let chain = match enrolled {
            // Its own certificate alone: the cloud has the CA's, and keeps what is shown to it for
            // as long as the link lives.
            Some(ders) => ders.into_iter().take(1).map(CertificateDer::from).collect(),
            None => vec![self.self_signed().map_err(IdentityError::SelfSigned)?],
        };
        Ok(CertifiedKey::new(chain, Arc::new(RustlsKey(self.key.clone()))))
    }

    fn self_signed(&self) -> Result<CertificateDer<'static>, rcgen::Error> {
        // Without names and without dates that matter: only its key is looked at.
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "conclave newcomer");
        Ok(params.self_signed(&RcgenKey(self.key.as_ref()))?.der().clone())
    }
}

/// The key as rcgen wants it.
struct RcgenKey<'a>(&'a dyn DeviceKey);

impl PublicKeyData for RcgenKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        // The kind was checked when the identity was made.
        p256_point(self.0.spki_der()).unwrap_or_default()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for RcgenKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message).map_err(|error| {
            tracing::error!(%error, "the room's key");
            rcgen::Error::RemoteKeyError
        })
    }
}

/// The key as rustls wants it.
#[derive(Debug)]
struct RustlsKey(Arc<dyn DeviceKey>);

impl SigningKey for RustlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = SignatureScheme::ECDSA_NISTP256_SHA256;
        offered.contains(&scheme).then(|| Box::new(RustlsKey(self.0.clone())) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.0.spki_der()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for RustlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.0.sign(message).map_err(|error| rustls::Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_shows_a_certificate_over_its_own_key() {
        let folder = tempfile::tempdir().unwrap();
        let identity = DeviceIdentity::open(folder.path(), None).unwrap();
        let shown = identity.certified_key().unwrap();
        assert!(shown.keys_match().is_ok());
        let leaf = webpki::EndEntityCert::try_from(&shown.cert[0]).unwrap();
        assert_eq!((leaf.subject(), shown.cert.len()), (leaf.issuer(), 1));
        assert!(identity.authority().is_none());
    }

    #[test]
    fn a_certificate_for_another_key_is_dropped() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let other = DeviceIdentity::open(folders[0].path(), None).unwrap();
        let chain = CertificateChain::from_der(&other.certified_key().unwrap().cert);
        let identity = DeviceIdentity::open(folders[1].path(), Some(chain.clone())).unwrap();
        assert!(identity.certificate().is_none());
        let kept = DeviceIdentity::open(folders[0].path(), Some(chain.clone())).unwrap();
        assert_eq!(kept.certificate(), Some(&chain));
        let garbage = Some(CertificateChain(vec!["AAAA".to_owned()]));
        assert!(DeviceIdentity::open(folders[0].path(), garbage).unwrap().certificate().is_none());
    }
}

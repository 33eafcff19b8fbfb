//! What a room demands of a cloud before it says a word: TLS 1.3, a pinned key, and a certificate
//! in order: valid now, for the link's fixed name, and signed by the CA that enrolled this room. A
//! room that no CA has enrolled yet takes the CA that the server presents; the pin says who it is.
//!
//! A session is resumed where the cloud gives tickets: after a cut all rooms come back at once, and
//! the cloud saves the signatures. Tickets live in memory, with one configuration: other pins or
//! another certificate begin anew. What the cloud showed is looked at again all the same, by
//! [`Tls::recheck`]. Nothing is sent before the handshake is over.

use crate::identity::{DeviceIdentity, IdentityError};
use conclave_link_protocol::pin::{Pins, ServerPin};
use conclave_link_protocol::{ALPN, DownReason, SERVER_NAME};
use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, HandshakeKind, OtherError, PeerIncompatible,
    SignatureScheme,
};
use std::sync::Arc;

/// Clouds whose tickets are kept: a room has one, under one name.
const TICKETS: usize = 1;

/// Why no TLS configuration can be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The room's identity cannot be shown.
    #[error("the room cannot show who it is")]
    Identity(#[from] IdentityError),
    /// rustls refuses. Our constants never make it do so.
    #[error("TLS cannot be set up")]
    Rustls(#[from] Error),
}

/// How the room connects, as one identity.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    verifier: Arc<CloudVerifier>,
}

impl Tls {
    /// Looks at the cloud's certificate again when a ticket has spared it that: the date may have
    /// passed since.
    pub(crate) fn recheck(&self, session: &rustls::CommonState) -> Result<(), DownReason> {
        if session.handshake_kind() != Some(HandshakeKind::Resumed) {
            return Ok(());
        }
        match session.peer_certificates() {
            Some([leaf, others @ ..]) => self.verifier.check(leaf, others, UnixTime::now()),
            Some([]) | None => {
                let detail = "it was resumed without one".to_owned();
                Err(DownReason::ServerCertificate { detail })
            }
        }
    }
}

/// The configuration for one identity.
pub(crate) fn config(pins: Pins, identity: &DeviceIdentity) -> Result<Tls, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(CloudVerifier {
        pins,
        authority: identity.authority(),
        provider: provider.clone(),
    });
    let shown = OneKey(Arc::new(identity.certified_key()?));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_client_cert_resolver(Arc::new(shown));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::in_memory_sessions(TICKETS);
    config.enable_early_data = false;
    // The name is the same for all clouds: sending it would only say what we are.
    config.enable_sni = false;
    Ok(Tls { config: Arc::new(config), verifier })
}

/// The name that rustls is told: it stands in the certificate, not in any DNS.
pub(crate) fn server_name() -> Result<ServerName<'static>, Error> {
    ServerName::try_from(SERVER_NAME).map_err(|_| Error::General("the link's name".to_owned()))
}

#[derive(Debug)]
struct OneKey(Arc<CertifiedKey>);

impl ResolvesClientCert for OneKey {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct CloudVerifier {
    pins: Pins,
    authority: Option<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

/// Carries our reason through rustls.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Rejected(DownReason);

impl CloudVerifier {
    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), DownReason> {
        let wrong =
            |error: webpki::Error| DownReason::ServerCertificate { detail: error.to_string() };
        let certificate = webpki::EndEntityCert::try_from(leaf).map_err(wrong)?;
        let found = pin(certificate.subject_public_key_info().as_ref());
        if !self.pins.accept(found) {
            return Err(DownReason::WrongPin { found: found.to_string() });
        }
        let authority = self.authority.as_ref().or(others.last()).ok_or_else(|| {
            let detail = "it came without the CA that signed it".to_owned();
            DownReason::ServerCertificate { detail }
        })?;
        let anchor = webpki::anchor_from_trusted_cert(authority).map_err(wrong)?;
        let valid_at = |at: UnixTime| {
            certificate
                .verify_for_usage(
                    self.provider.signature_verification_algorithms.all,
                    std::slice::from_ref(&anchor),
                    &[],
                    at,
                    webpki::KeyUsage::server_auth(),
                    None,
                    None,
                )
                .map(|_| ())
        };
        match valid_at(now) {
            // Nobody but the cloud tells a room the time, so a clock that is wrong must not keep the room from asking.
            // The key is pinned and was proved; whoever stole it is shut out by taking its pin away, as a date that
            // a stranger's battery decides would not do.
            Err(webpki::Error::CertNotValidYet { not_before, .. }) => valid_at(not_before),
            Err(webpki::Error::CertExpired { not_after, .. }) => valid_at(not_after),
            other => other,
        }
        .map_err(|error| match error {
            webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
                DownReason::OtherAuthority
            }
            other => wrong(other),
        })?;
        let name = server_name()
            .map_err(|error| DownReason::ServerCertificate { detail: error.to_string() })?;
        certificate.verify_is_valid_for_subject_name(&name).map_err(wrong)
    }
}

impl ServerCertVerifier for CloudVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.check(end_entity, intermediates, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(reason) => {
                let other = OtherError(Arc::new(Rejected(reason)));
                Err(Error::InvalidCertificate(CertificateError::Other(other)))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // Every link server's key is one of ours, and ours are of this kind.
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// The pin of a public key.
pub(crate) fn pin(spki_der: &[u8]) -> ServerPin {
    let mut octets = [0; 32];
    octets.copy_from_slice(digest(&SHA256, spki_der).as_ref());
    ServerPin(octets)
}

/// What a failed handshake means.
pub(crate) fn handshake_failure(error: &std::io::Error) -> DownReason {
    let detail = error.to_string();
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return DownReason::Tls { detail };
    };
    match tls {
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            match other.0.downcast_ref::<Rejected>() {
                Some(Rejected(reason)) => reason.clone(),
                None => DownReason::ServerCertificate { detail },
            }
        }
        Error::InvalidCertificate(_) => DownReason::ServerCertificate { detail },
        Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol) => {
            DownReason::NotALink
        }
        _ => DownReason::Tls { detail },
    }
}

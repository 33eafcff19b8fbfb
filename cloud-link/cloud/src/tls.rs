//! What the cloud demands of whoever connects: TLS 1.3, the link's protocol, and a certificate
//! whose key signs the handshake. Whose it is comes afterwards, in [`crate::peer`].

use crate::authority::Authority;
use conclave_link_protocol::ALPN;
use rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert, ServerConfig,
};
use rustls::sign::CertifiedKey;
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, SignatureScheme,
    client::danger::HandshakeSignatureValid,
};
use std::sync::Arc;

/// The hub's configuration. There is nothing to set.
pub(crate) fn config(authority: Arc<Authority>) -> Result<Arc<ServerConfig>, Error> {
    let mut provider = rustls::crypto::ring::default_provider();
    // AES-128-GCM with SHA-256 first, whatever the room would rather have: as strong as the media
    // keys that the link carries, and processors calculate SHA-256 several times faster than the
    // SHA-384 that comes with AES-256.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != TLS13_AES_128_GCM_SHA256);
    let provider = Arc::new(provider);
    let verifier = AnyKey { provider: provider.clone() };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(Shown(authority)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.ignore_client_order = true;
    // When a cloud or a building's line comes back, all its rooms do at once: a ticket saves the
    // signatures, not the checks. It holds the room's certificate, which is looked at as after a
    // full handshake; it lives for twelve hours at most, its keys for a run of this process; the
    // key exchange is fresh each time. The cloud keeps nothing for it.
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    config.send_tls13_tickets = 1;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // Nothing is sent before the handshake is over: it could be repeated by others.
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// Shows whatever certificate the authority has now.
#[derive(Debug)]
struct Shown(Arc<Authority>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.shown())
    }
}

#[derive(Debug)]
struct AnyKey {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        ParsedCertificate::try_from(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
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
        // The one kind that rooms have and the authority signs.
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

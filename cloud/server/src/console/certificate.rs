//! The console's certificate: the organisation's own, one that an authority gives by ACME, or one of ours for a first try.

use super::door::{H2, HTTP_1_1};
use crate::data_folder::DataFolder;
use anyhow::{Context, bail};
use conclave_types::UnixTime;
use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The protocol in which an authority asks whether a name is ours (RFC 8737, 6.2).
pub(super) const ACME_TLS: &[u8] = b"acme-tls/1";

/// TLS with a certificate, and what a browser that does not know it shows of it.
pub struct Tls {
    /// For the door.
    pub config: Arc<ServerConfig>,
    /// The certificate in it, which another one may take the place of.
    pub shown: Arc<Shown>,
    /// The SHA-256 of the certificate, in the form that browsers show, when it is our own.
    pub fingerprint: Option<String>,
}

/// The certificate that browsers are shown. Connections that are up keep the one that they began with.
#[derive(Debug)]
pub struct Shown {
    certificate: RwLock<Arc<CertifiedKey>>,
    /// What an authority is shown while it looks whether these names are ours.
    challenges: Mutex<BTreeMap<String, Arc<CertifiedKey>>>,
}

impl Shown {
    /// Shows this one to begin with.
    pub fn new(certificate: CertifiedKey) -> Shown {
        let certificate = RwLock::new(Arc::new(certificate));
        Shown { certificate, challenges: Mutex::default() }
    }

    /// Shows another one from now on.
    pub fn show(&self, certificate: CertifiedKey) {
        *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
    }

    /// The one that is shown.
    pub fn now(&self) -> Arc<CertifiedKey> {
        self.certificate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers an authority that asks for this name.
    pub fn answer_for(&self, name: &str, certificate: CertifiedKey) {
        let mut challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        challenges.insert(name.to_owned(), Arc::new(certificate));
    }

    /// Answers no authority any more.
    pub fn answer_none(&self) {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // An authority names its protocol alone (RFC 8737, 3); whoever names others too is answered as a browser.
        if hello.alpn().is_some_and(|mut each| each.all(|protocol| protocol == ACME_TLS)) {
            let challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
            return challenges.get(&hello.server_name()?.to_ascii_lowercase()).cloned();
        }
        Some(self.now())
    }
}

/// From when until when a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Its first second.
    pub begins: UnixTime,
    /// Its last.
    pub ends: UnixTime,
}

/// The life of the certificate itself, without those that vouch for it, and the names that it is for, in small letters. `None`: it
/// cannot be read.
pub fn leaf(certificate: &CertifiedKey) -> Option<(Life, BTreeSet<String>)> {
    let (_, leaf) = X509Certificate::from_der(certificate.cert.first()?).ok()?;
    let seconds = |time: i64| UnixTime(u64::try_from(time).unwrap_or(0));
    let (begins, ends) = (leaf.validity().not_before, leaf.validity().not_after);
    let life = Life { begins: seconds(begins.timestamp()), ends: seconds(ends.timestamp()) };
    let alternatives = leaf.subject_alternative_name().ok()?;
    let names = alternatives.iter().flat_map(|names| &names.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    Some((life, names.collect()))
}

/// Of the files that the configuration names, or of a certificate that is made once and kept in the data folder.
pub fn load(folder: &DataFolder, files: Option<(&Path, &Path)>, host: &str) -> anyhow::Result<Tls> {
    match files {
        Some((certificate, key)) => tls(read(certificate, key)?, None),
        None => {
            let (certificate, key) =
                (folder.path().join("console.pem"), folder.path().join("console.key"));
            if !certificate.exists() {
                make(&certificate, &key, host)?;
            }
            let read = read(&certificate, &key)?;
            let fingerprint = fingerprint(&read)?;
            tls(read, Some(fingerprint))
        }
    }
}

fn tls(certificate: CertifiedKey, fingerprint: Option<String>) -> anyhow::Result<Tls> {
    let shown = Arc::new(Shown::new(certificate));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(shown.clone());
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec(), ACME_TLS.to_vec()];
    Ok(Tls { config: Arc::new(config), shown, fingerprint })
}

fn read(certificate: &Path, key: &Path) -> anyhow::Result<CertifiedKey> {
    let chain = chain(certificate)?;
    let read = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("{} holds no private key in PEM", key.display()))?;
    certified(chain, read).with_context(|| {
        format!("{} and {} do not belong together", certificate.display(), key.display())
    })
}

/// A chain with its key, as rustls shows it.
///
/// # Errors
/// The key is of no kind that rustls knows, or another certificate's.
pub fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, rustls::Error> {
    CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())
}

fn chain(certificate: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let unreadable = || format!("{} holds no certificate in PEM", certificate.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .with_context(unreadable)?
        .collect::<Result<_, _>>()
        .with_context(unreadable)?;
    if chain.is_empty() {
        bail!(unreadable());
    }
    Ok(chain)
}

fn fingerprint(certificate: &CertifiedKey) -> anyhow::Result<String> {
    let leaf = certificate.cert.first().context("a chain without a leaf")?;
    let octets = digest(&SHA256, leaf);
    Ok(octets.as_ref().iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":"))
}

fn make(certificate: &Path, key: &Path, host: &str) -> anyhow::Result<()> {
    let names = vec![host.to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).context("no certificate could be made")?;
    // The key first: a certificate without one would be taken for a whole pair.
    write(key, &made.signing_key.serialize_pem())?;
    write(certificate, &made.cert.pem())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

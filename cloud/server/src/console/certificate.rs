//! The console's certificate: the organisation's own, or one of ours for a first try.

use super::door::{H2, HTTP_1_1};
use crate::data_folder::DataFolder;
use anyhow::{Context, bail};
use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// TLS with a certificate, and what a browser that does not know it shows of it.
pub struct Tls {
    /// For the door.
    pub config: Arc<ServerConfig>,
    /// The SHA-256 of the certificate, in the form that browsers show, when it is our own.
    pub fingerprint: Option<String>,
}

/// Of the files that the configuration names, or of a certificate that is made once and kept in the data folder.
pub fn load(folder: &DataFolder, files: Option<(&Path, &Path)>, host: &str) -> anyhow::Result<Tls> {
    match files {
        Some((certificate, key)) => {
            Ok(Tls { config: config(certificate, key)?, fingerprint: None })
        }
        None => {
            let (certificate, key) =
                (folder.path().join("console.pem"), folder.path().join("console.key"));
            if !certificate.exists() {
                make(&certificate, &key, host)?;
            }
            let config = config(&certificate, &key)?;
            let fingerprint = Some(fingerprint(&certificate)?);
            Ok(Tls { config, fingerprint })
        }
    }
}

fn config(certificate: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = chain(certificate)?;
    let read = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("{} holds no private key in PEM", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, read)
        .with_context(|| {
            format!("{} and {} do not belong together", certificate.display(), key.display())
        })?;
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    Ok(Arc::new(config))
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

fn fingerprint(certificate: &Path) -> anyhow::Result<String> {
    let chain = chain(certificate)?;
    let leaf = chain.first().context("a chain without a leaf")?;
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

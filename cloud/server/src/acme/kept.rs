//! What is kept between starts, in the folder `acme` of the data folder, for nobody else to read: the account at the authority,
//! and the certificate with its key in one file, so that they change together.

use crate::console::certificate::{Life, certified, leaf};
use anyhow::Context;
use instant_acme::AccountCredentials;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder.
pub(super) struct Kept {
    folder: PathBuf,
}

/// A certificate that is kept.
pub(super) struct Certificate {
    /// For the door.
    pub(super) shown: CertifiedKey,
    /// From when until when it is good.
    pub(super) life: Life,
    /// The names that it is for.
    pub(super) names: BTreeSet<String>,
}

impl Kept {
    pub(super) fn in_folder(data: &Path) -> Kept {
        Kept { folder: data.join("acme") }
    }

    /// The account at this directory; `None`: there is none yet, or at another one's.
    pub(super) fn account(&self, directory: &str) -> Option<AccountCredentials> {
        let text = fs::read_to_string(self.folder.join("account.json")).ok()?;
        let account: serde_json::Value = serde_json::from_str(&text).ok()?;
        if account.get("directory").and_then(|each| each.as_str()) != Some(directory) {
            return None;
        }
        serde_json::from_value(account).ok()
    }

    pub(super) fn keep_account(&self, account: &AccountCredentials) -> anyhow::Result<()> {
        self.write("account.json", &serde_json::to_string(account)?)
    }

    pub(super) fn forget_account(&self) {
        let _ = fs::remove_file(self.folder.join("account.json"));
    }

    /// The certificate; `None`: there is none yet.
    pub(super) fn certificate(&self) -> anyhow::Result<Option<Certificate>> {
        let path = self.folder.join("certificate.pem");
        match fs::read_to_string(&path) {
            Ok(text) => read(&text).map(Some).with_context(|| {
                format!("{} is damaged: another one is asked for", path.display())
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Keeps another one, if it is whole.
    pub(super) fn keep_certificate(&self, key: &str, chain: &str) -> anyhow::Result<Certificate> {
        let text = format!("{}\n{chain}", key.trim_end());
        let certificate = read(&text).context("the authority gave no usable certificate")?;
        self.write("certificate.pem", &text)?;
        Ok(certificate)
    }

    /// All of it or nothing, whenever the power is cut.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        let writing = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let draft = path.with_extension("new");
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            fs::File::open(&self.folder)?.sync_all()
        };
        writing().with_context(|| {
            format!("{} cannot be written: look whether the disk is full", path.display())
        })
    }
}

/// A key and a chain, in PEM.
fn read(text: &str) -> anyhow::Result<Certificate> {
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).context("no private key in it")?;
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>()?;
    let shown = certified(chain, key).context("key and certificate do not belong together")?;
    let (life, names) = leaf(&shown).context("no certificate in it")?;
    Ok(Certificate { shown, life, names })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn made(name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (made.signing_key.serialize_pem(), made.cert.pem())
    }

    #[test]
    fn a_certificate_is_kept_whole_with_its_key_and_for_nobody_else() {
        let temp = tempfile::tempdir().unwrap();
        let kept = Kept::in_folder(temp.path());
        assert!(kept.certificate().unwrap().is_none());
        let (key, chain) = made("Conclave.example.org");
        kept.keep_certificate(&key, &chain).unwrap();
        let read = kept.certificate().unwrap().unwrap();
        assert_eq!(read.names.into_iter().collect::<Vec<_>>(), ["conclave.example.org"]);
        assert!(read.life.begins < read.life.ends);
        let path = temp.path().join("acme/certificate.pem");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(temp.path().join("acme")).unwrap().mode() & 0o777, 0o700);
        // Another one that is none, or of another key, leaves it where it is.
        let (other, _) = made("other.example.org");
        assert!(kept.keep_certificate(&other, &chain).is_err());
        assert!(kept.keep_certificate(&key, "").is_err());
        assert!(kept.certificate().unwrap().is_some());
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(kept.certificate().is_err());
    }

    #[test]
    fn an_account_is_of_its_directory_alone() {
        let temp = tempfile::tempdir().unwrap();
        let kept = Kept::in_folder(temp.path());
        let directory = "https://acme.example.org/directory";
        assert!(kept.account(directory).is_none());
        let (_, key) = instant_acme::Key::generate_pkcs8().unwrap();
        let key = base64_url(key.secret_pkcs8_der());
        let account = serde_json::json!({ "id": "x", "key_pkcs8": key, "directory": directory });
        let account: AccountCredentials = serde_json::from_value(account).unwrap();
        kept.keep_account(&account).unwrap();
        assert!(kept.account(directory).is_some());
        assert!(kept.account("https://acme.example.com/directory").is_none());
        kept.forget_account();
        assert!(kept.account(directory).is_none());
    }

    fn base64_url(octets: &[u8]) -> String {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(octets)
    }
}

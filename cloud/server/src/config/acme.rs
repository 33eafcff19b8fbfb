//! The console's certificate from an authority that speaks ACME (RFC 8555).

use super::{ConsoleConfig, ConsoleListen};
use conclave_types::EmailAddress;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::fmt;
use std::path::PathBuf;

/// Let's Encrypt: free, and known to every browser.
const DEFAULT_DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// The most names of one certificate. Let's Encrypt takes 100.
const MOST_DOMAINS: usize = 100;

/// How a certificate is got.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcmeConfig {
    /// The names that the certificate is for; at least one.
    pub domains: Vec<DomainName>,
    /// Whom the authority writes to when something is wrong with it.
    pub contact: Option<EmailAddress>,
    /// The authority's directory.
    #[serde(default)]
    pub directory: AcmeDirectory,
    /// What to know the authority by, in PEM, beside what the system knows; for one of your own.
    pub roots: Option<PathBuf>,
    /// Whether the authority's terms are agreed to: without that it gives none.
    #[serde(default)]
    pub terms_agreed: bool,
}

impl AcmeConfig {
    /// What is wrong with it as a whole.
    pub(super) fn judge(&self, console: &ConsoleConfig) -> Result<(), String> {
        if self.domains.is_empty() || self.domains.len() > MOST_DOMAINS {
            return Err(format!(
                "acme.domains has the names that browsers reach the console by: from 1 to {MOST_DOMAINS}"
            ));
        }
        if !self.terms_agreed {
            return Err(
                "read the terms of the certificate authority, and set acme.terms_agreed = true if you agree to them"
                    .into(),
            );
        }
        if console.certificate.is_some() || console.key.is_some() {
            return Err(
                "the console has one certificate: take [acme] away, or console.certificate and console.key"
                    .into(),
            );
        }
        if console.listen == ConsoleListen::Off {
            return Err(
                "[acme] is for the console's certificate, and console.listen is \"off\": take one of them away"
                    .into(),
            );
        }
        Ok(())
    }
}

/// A name in the DNS, in small letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// Without a dot at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DomainName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DomainName, D::Error> {
        let text = String::deserialize(deserializer)?.to_ascii_lowercase();
        // RFC 1035, 2.3.4: 63 octets of a label, 253 in all as it is written.
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let address = text.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
        let fits =
            text.len() <= 253 && text.contains('.') && text.split('.').all(label) && !address;
        match fits {
            true => Ok(DomainName(text)),
            false => Err(D::Error::custom(
                "acme.domains are names in the DNS, such as conclave.example.org: without *, and no addresses",
            )),
        }
    }
}

/// Where an authority says what it does (RFC 8555, 7.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeDirectory(String);

impl AcmeDirectory {
    /// Its address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AcmeDirectory {
    fn default() -> AcmeDirectory {
        AcmeDirectory(DEFAULT_DIRECTORY.to_owned())
    }
}

impl<'de> Deserialize<'de> for AcmeDirectory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AcmeDirectory, D::Error> {
        let text = String::deserialize(deserializer)?;
        let rest = text.strip_prefix("https://").filter(|rest| !rest.starts_with('/'));
        let fits = rest.is_some_and(|rest| {
            !rest.is_empty()
                && rest.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c))
        });
        match fits {
            true => Ok(AcmeDirectory(text)),
            false => Err(D::Error::custom(
                "acme.directory is the address that the authority gives for ACME, and begins with https://",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use std::path::Path;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("cloud.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_wanted_terms_are_agreed_to_and_there_is_one_certificate() {
        let whole = "[acme]\ndomains = [\"Conclave.Example.org\", \"xn--bcher-kva.example\"]\nterms_agreed = true\n";
        let acme = parse(whole).unwrap().acme.unwrap();
        let names: Vec<&str> = acme.domains.iter().map(super::DomainName::as_str).collect();
        assert_eq!(names, ["conclave.example.org", "xn--bcher-kva.example"]);
        assert_eq!(acme.directory.as_str(), super::DEFAULT_DIRECTORY);
        assert_eq!(parse("").unwrap().acme, None);
        for (text, says) in [
            ("[acme]\n", "missing field `domains`"),
            ("[acme]\ndomains = []\nterms_agreed = true\n", "line 1: acme.domains has the names"),
            ("\n[acme]\ndomains = [\"a.example\"]\n", "line 2: read the terms"),
            ("[acme]\ndomains = [\"*.example.org\"]\n", "line 2: acme.domains are names"),
            ("[acme]\ndomains = [\"192.0.2.1\"]\n", "acme.domains are names"),
            ("[acme]\ndomains = [\"localhost\"]\n", "acme.domains are names"),
            ("[acme]\ndomains = [\"a..org\"]\n", "acme.domains are names"),
            ("[acme]\ndomains = [\"-a.org\"]\n", "acme.domains are names"),
            (
                &format!("[acme]\ndomains = [\"{}.org\"]\n", "a".repeat(64)),
                "acme.domains are names",
            ),
            (&format!("{whole}directory = \"http://x\"\n"), "begins with https://"),
            (&format!("{whole}contact = \"nobody\"\n"), "line 4"),
            (&format!("{whole}challenge = \"http-01\"\n"), "unknown field"),
            (&format!("{whole}[console]\ncertificate = \"a\"\nkey = \"b\"\n"), "one certificate"),
            (&format!("{whole}[console]\nlisten = \"off\"\n"), "take one of them away"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}

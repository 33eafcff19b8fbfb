//! The cloud's configuration: a TOML file whose mistakes name their line, and flags that override
//! it. Everything has a default, so no file is needed at all.
//!
//! ```toml
//! data = "/var/lib/conclave-cloud"
//!
//! [link]
//! listen = ["0.0.0.0:8200"]
//!
//! [media]
//! bind = "0.0.0.0"
//! # Where rooms reach the media ports; left out: where their link arrives.
//! address = "203.0.113.7"
//! # Left out: any.
//! ports = "20000-29999"
//!
//! [records]
//! # How many days a record of a call is kept after the call ended; left out: 365.
//! keep_days = 90
//!
//! [audit]
//! # How many days a row of the audit log is kept; left out: 730.
//! keep_days = 1095
//!
//! [console]
//! # Where browsers reach the console, over HTTPS; left out: port 8443 on every address. "off": nowhere. An address of
//! # link.listen, written the same there: rooms and browsers share it.
//! listen = "0.0.0.0:8443"
//! # What links to it begin with; left out: https://, the machine's name or the address above, and the port.
//! url = "https://conclave.example.org"
//! # In PEM; left out: one of our own, whose fingerprint the log has.
//! certificate = "/etc/conclave/console.pem"
//! key = "/etc/conclave/console.key"
//!
//! # Instead of console.certificate and console.key: a certificate that is got and renewed by ACME (RFC 8555).
//! [acme]
//! domains = ["conclave.example.org"]
//! contact = "it@example.org"
//! # Left out: Let's Encrypt's.
//! directory = "https://acme.example.org/directory"
//! # Of an authority that the system does not know, in PEM.
//! roots = "/etc/conclave/acme-ca.pem"
//! terms_agreed = true
//!
//! [mail]
//! # Left out: no e-mail is sent.
//! server = "smtp.example.org:587"
//! # "starttls", "tls" from the first octet on, or "local": without TLS, to a mail server on this machine.
//! security = "starttls"
//! user = "conclave"
//! password_file = "/etc/conclave/mail-password"
//! from = "conclave@example.org"
//! # Of a mail server whose certificate is none of the public ones, in PEM.
//! ca = "/etc/conclave/mail-ca.pem"
//!
//! [outgoing]
//! # Whether calendars, webhooks and the like may be in networks of your own (10.0.0.0/8, fd00::/8 and so on); left out: true.
//! private = false
//! # Whether they may be on this very machine; left out: false.
//! loopback = true
//! # Certificates to trust beside those of the system, in PEM.
//! roots = "/etc/conclave/outgoing-roots.pem"
//!
//! [metrics]
//! # Left out: no metrics are served.
//! listen = "127.0.0.1:9464"
//! ```
//!
//! There is nothing here about cryptography: no setting can weaken it.

// Said in full: the fuzz target builds this file in from elsewhere.
#[path = "config/acme.rs"]
mod acme;

pub use acme::{AcmeConfig, AcmeDirectory, DomainName};

use conclave_types::{EmailAddress, Redacted};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Where state is kept when nobody says otherwise.
pub const DEFAULT_DATA: &str = "/var/lib/conclave-cloud";

/// Where rooms link by default: the first port that a room tries, on every address.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8200);

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder that holds the database, the keys and the control socket.
    pub data: Option<PathBuf>,
    /// The link.
    pub link: LinkConfig,
    /// The media node.
    pub media: MediaConfig,
    /// Records of calls.
    pub records: RecordsConfig,
    /// The audit log.
    pub audit: AuditConfig,
    /// The console.
    pub console: ConsoleConfig,
    /// Where the console's certificate is got, when it has none from elsewhere.
    pub acme: Option<AcmeConfig>,
    /// The mail server.
    pub mail: MailConfig,
    /// What is asked of others and told to others: calendars, webhooks.
    pub outgoing: OutgoingConfig,
    /// The operator's metrics.
    pub metrics: MetricsConfig,
}

/// Records of calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordsConfig {
    /// How long one is kept after its call ended.
    pub keep_days: KeepDays,
}

/// The audit log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// How long a row is kept.
    pub keep_days: KeepDays,
}

impl Default for AuditConfig {
    /// Two years: what was done is asked after more often than who met, and later.
    fn default() -> AuditConfig {
        AuditConfig { keep_days: KeepDays(730) }
    }
}

/// A number of days from 1 to [`KeepDays::MOST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepDays(u32);

impl KeepDays {
    /// A hundred years: there is no word for ever, and nobody needs one.
    pub const MOST: u32 = 36_500;

    /// As a length of time.
    pub fn as_time(self) -> Duration {
        Duration::from_secs(u64::from(self.0) * 86_400)
    }
}

impl Default for KeepDays {
    /// A year: long enough to answer who met, and not for ever. A shorter one than somebody relies on
    /// loses records for good.
    fn default() -> KeepDays {
        KeepDays(365)
    }
}

impl<'de> Deserialize<'de> for KeepDays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<KeepDays, D::Error> {
        let days = i64::deserialize(deserializer)?;
        let days = u32::try_from(days).ok().filter(|days| (1..=KeepDays::MOST).contains(days));
        days.map(KeepDays).ok_or_else(|| {
            D::Error::custom(format!(
                "keep_days is for how many days something is kept: a whole number from 1 to {}",
                KeepDays::MOST
            ))
        })
    }
}

/// The console.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleConfig {
    /// Where browsers reach it; port 0 takes a free one.
    pub listen: ConsoleListen,
    /// What links to it begin with, such as `https://conclave.example.org`.
    pub url: Option<ConsoleUrl>,
    /// The certificate with its chain, in PEM. With `key` or not at all.
    pub certificate: Option<PathBuf>,
    /// Its key, in PEM.
    pub key: Option<PathBuf>,
}

impl ConsoleConfig {
    /// The files of certificate and key, when both are named.
    ///
    /// # Errors
    /// One is named without the other.
    pub fn files(&self) -> Result<Option<(&Path, &Path)>, &'static str> {
        match (self.certificate.as_deref(), self.key.as_deref()) {
            (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
            (None, None) => Ok(None),
            _ => Err("console.certificate and console.key are given both, or neither"),
        }
    }
}

/// Where browsers reach the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleListen {
    /// Nowhere.
    Off,
    /// There.
    At(SocketAddr),
}

impl Default for ConsoleListen {
    fn default() -> ConsoleListen {
        ConsoleListen::At(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8443))
    }
}

impl FromStr for ConsoleListen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<ConsoleListen, Self::Err> {
        match text {
            "off" => Ok(ConsoleListen::Off),
            text => text.parse().map(ConsoleListen::At).map_err(|_| {
                "the console's place is an address with a port, such as 0.0.0.0:8443, or \"off\""
            }),
        }
    }
}

impl<'de> Deserialize<'de> for ConsoleListen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ConsoleListen, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What links to the console begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleUrl(String);

impl ConsoleUrl {
    /// Without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host in it.
    pub fn host(&self) -> &str {
        let rest = self.0.trim_start_matches("https://");
        rest.split([':', '/']).next().unwrap_or(rest)
    }
}

impl<'de> Deserialize<'de> for ConsoleUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ConsoleUrl, D::Error> {
        let text = String::deserialize(deserializer)?;
        let url = text.trim_end_matches('/').to_owned();
        let host = url.strip_prefix("https://").filter(|host| !host.is_empty());
        let fits = host.is_some_and(|host| {
            host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]/_".contains(c))
        });
        match fits {
            true => Ok(ConsoleUrl(url)),
            false => Err(D::Error::custom(
                "the console's url is what its links begin with, such as https://conclave.example.org",
            )),
        }
    }
}

/// The mail server that letters are handed to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// Where it is; `None`: no letters are sent.
    pub server: Option<MailServer>,
    /// How the way there is protected.
    pub security: MailSecurity,
    /// Who the cloud is there. With `password_file` or not at all.
    pub user: Option<Redacted<String>>,
    /// The file with the password, whose last line break does not count.
    pub password_file: Option<PathBuf>,
    /// What letters come from; needed with `server`.
    pub from: Option<EmailAddress>,
    /// A certificate to trust beside the public ones, in PEM.
    pub ca: Option<PathBuf>,
}

impl MailConfig {
    /// What is wrong with it as a whole.
    fn judge(&self) -> Result<(), &'static str> {
        let Some(server) = &self.server else { return Ok(()) };
        if self.from.is_none() {
            return Err("mail.server wants mail.from: the address that letters come from");
        }
        if self.user.is_some() != self.password_file.is_some() {
            return Err("mail.user and mail.password_file are given both, or neither");
        }
        if self.security == MailSecurity::Local && !server.is_here() {
            return Err(
                "mail.security \"local\" is for a mail server on this machine (localhost, 127.0.0.1): for another one \
                 set \"starttls\" or \"tls\"",
            );
        }
        Ok(())
    }
}

/// How the way to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// TLS after a greeting in the clear; without it nothing is said (RFC 3207).
    #[default]
    Starttls,
    /// TLS from the first octet on (RFC 8314, 3.3).
    Tls,
    /// None: the mail server is on this machine.
    Local,
}

/// A host and a port, written `smtp.example.org:587`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    host: Redacted<String>,
    port: u16,
}

impl MailServer {
    /// The host: a name or an address.
    pub fn host(&self) -> &str {
        &self.host.0
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is this machine.
    fn is_here(&self) -> bool {
        let address = self.host().parse::<IpAddr>();
        self.host() == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl<'de> Deserialize<'de> for MailServer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MailServer, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fits = |host: &str| {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
        };
        let split = text
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok().filter(|port| *port > 0)?)));
        let split = split.filter(|(host, _)| fits(host));
        split
            .map(|(host, port)| MailServer {
                // An address of version 6 stands in brackets beside a port, and nowhere else.
                host: Redacted(host.trim_matches(['[', ']']).to_owned()),
                port,
            })
            .ok_or_else(|| {
                D::Error::custom("mail.server is a host and a port, such as smtp.example.org:587")
            })
    }
}

/// Whom the cloud asks when somebody in an organisation has it ask others over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutgoingConfig {
    /// Whether they may be in networks of one's own.
    pub private: bool,
    /// Whether they may be on this very machine.
    pub loopback: bool,
    /// Certificates to trust beside those of the system, in PEM.
    pub roots: Option<PathBuf>,
}

impl Default for OutgoingConfig {
    /// A calendar server stands on the same network as the cloud, most of the time; nothing that is for others does on the
    /// same machine.
    fn default() -> OutgoingConfig {
        OutgoingConfig { private: true, loopback: false, roots: None }
    }
}

/// The operator's metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Where they are served, over HTTP and to everybody who reaches it; port 0 takes a free one.
    /// `None`: nowhere.
    pub listen: Option<SocketAddr>,
}

/// The link.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkConfig {
    /// Where rooms link: addresses with ports; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
}

impl Default for LinkConfig {
    fn default() -> LinkConfig {
        LinkConfig { listen: vec![DEFAULT_LISTEN] }
    }
}

/// The media node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaConfig {
    /// The local address of the media ports.
    pub bind: IpAddr,
    /// Where rooms reach them; `None` where their link arrives.
    pub address: Option<IpAddr>,
    /// UDP ports to draw from, where a firewall wants to know; `None` lets the system choose.
    pub ports: Option<Ports>,
}

impl Default for MediaConfig {
    fn default() -> MediaConfig {
        MediaConfig { bind: Ipv4Addr::UNSPECIFIED.into(), address: None, ports: None }
    }
}

/// A range of ports, written `20000-29999`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports(pub RangeInclusive<u16>);

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ports, D::Error> {
        let text = String::deserialize(deserializer)?;
        let range = text.split_once('-').and_then(|(first, last)| {
            let range: RangeInclusive<u16> =
                first.trim().parse().ok()?..=last.trim().parse().ok()?;
            (*range.start() > 0 && range.start() <= range.end()).then_some(range)
        });
        range.map(Ports).ok_or_else(|| {
            D::Error::custom("ports are written \"20000-29999\": first and last, from 1 to 65535")
        })
    }
}

/// Why a configuration file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("the configuration file {file} cannot be read")]
    Read {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It says something that it cannot mean.
    #[error("{file}, line {line}: {message}")]
    Wrong {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl Config {
    /// Reads a configuration file.
    pub fn read(file: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        Config::parse(&text, file)
    }

    /// Takes the text of a configuration file; `file` is what mistakes name.
    pub fn parse(text: &str, file: &Path) -> Result<Config, ConfigError> {
        let wrong = |line, message| ConfigError::Wrong { file: file.to_owned(), line, message };
        let config: Config = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..start].iter().filter(|b| **b == b'\n').count() + 1;
            wrong(line, error.message().to_owned())
        })?;
        if config.link.listen.is_empty() {
            let line = text.lines().position(|line| line.trim_start().starts_with("listen"));
            let message = "listen needs at least one address, or no room can link".to_owned();
            return Err(wrong(line.unwrap_or(0) + 1, message));
        }
        let section = |name: &str| {
            let line = text.lines().position(|line| line.trim_start().starts_with(name));
            line.unwrap_or(0) + 1
        };
        if let Err(message) = config.mail.judge() {
            return Err(wrong(section("[mail]"), message.to_owned()));
        }
        if let Some(Err(message)) = config.acme.as_ref().map(|acme| acme.judge(&config.console)) {
            return Err(wrong(section("[acme]"), message));
        }
        Ok(config)
    }

    /// The address that rooms and browsers share; `None` when each has its own.
    ///
    /// # Errors
    /// The console wants a port of the link's without its address: only one of them could have it.
    pub fn shared(&self) -> Result<Option<SocketAddr>, String> {
        let ConsoleListen::At(console) = self.console.listen else { return Ok(None) };
        // Each gets a free one.
        if console.port() == 0 {
            return Ok(None);
        }
        let overlap = |link: &&SocketAddr| {
            let every = link.ip().is_unspecified() || console.ip().is_unspecified();
            link.port() == console.port() && (every || link.ip() == console.ip())
        };
        match self.link.listen.iter().filter(overlap).find(|link| **link != console) {
            Some(link) => Err(format!(
                "console.listen is {console} and link.listen has {link}: write the same address in both, and rooms and \
                 browsers share it, or give the console another port"
            )),
            None => Ok(self.link.listen.contains(&console).then_some(console)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("cloud.toml")).map_err(|e| e.to_string())
    }

    #[test]
    fn a_mail_server_is_named_as_a_whole_and_nothing_goes_to_another_machine_in_the_clear() {
        let whole = "server = \"smtp.example.org:587\"\nfrom = \"c@example.org\"\n";
        let mail = parse(&format!("[mail]\n{whole}")).unwrap().mail;
        assert_eq!(mail.security, MailSecurity::Starttls, "unless another one is named");
        let server = mail.server.unwrap();
        assert_eq!((server.host(), server.port()), ("smtp.example.org", 587));
        for here in ["localhost:25", "127.0.0.1:25", "[::1]:25"] {
            let text =
                format!("[mail]\nserver = \"{here}\"\nfrom = \"c@x.org\"\nsecurity = \"local\"\n");
            assert!(parse(&text).is_ok(), "{here}");
        }
        for (text, says) in [
            ("[mail]\nserver = \"smtp.example.org\"\n", "a host and a port"),
            ("[mail]\nserver = \"smtp.example.org:0\"\n", "a host and a port"),
            ("[mail]\nserver = \"a b:25\"\n", "a host and a port"),
            ("[mail]\nserver = \"smtp.example.org:25\"\n", "line 1: mail.server wants mail.from"),
            (&format!("\n[mail]\n{whole}user = \"c\"\n"), "line 2: mail.user and"),
            (&format!("[mail]\n{whole}security = \"local\"\n"), "on this machine"),
            (&format!("[mail]\n{whole}security = \"none\"\n"), "unknown variant"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn rooms_and_browsers_share_an_address_that_both_have_and_no_half_of_one() {
        let listens = |link: &str, console: &str| {
            let text = format!("[link]\nlisten = [{link}]\n[console]\nlisten = \"{console}\"\n");
            parse(&text).unwrap().shared()
        };
        let all = "\"0.0.0.0:443\", \"0.0.0.0:8200\"";
        assert_eq!(listens(all, "0.0.0.0:443"), Ok(Some("0.0.0.0:443".parse().unwrap())));
        assert_eq!(listens(all, "0.0.0.0:8443"), Ok(None));
        assert_eq!(listens(all, "off"), Ok(None));
        assert_eq!(listens("\"127.0.0.1:0\"", "127.0.0.1:0"), Ok(None), "a free one each");
        assert_eq!(listens("\"192.0.2.1:443\"", "192.0.2.2:443"), Ok(None));
        for (link, console) in
            [(all, "192.0.2.1:443"), (all, "[::]:443"), ("\"192.0.2.1:443\"", "0.0.0.0:443")]
        {
            let error = listens(link, console).unwrap_err();
            assert!(error.contains("write the same address in both"), "{error}");
        }
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.link.listen, [DEFAULT_LISTEN]);
        assert_eq!(config.records.keep_days.as_time().as_secs(), 365 * 86_400);
        assert_eq!(config.audit.keep_days.as_time().as_secs(), 730 * 86_400);
    }

    #[test]
    fn everything_can_be_said() {
        let config = parse(
            "data = \"/srv/conclave\"\n[link]\nlisten = [\"127.0.0.1:0\", \"[::1]:8200\"]\n\
             [media]\nbind = \"127.0.0.1\"\naddress = \"203.0.113.7\"\nports = \"5000-5001\"\n\
             [records]\nkeep_days = 90\n[audit]\nkeep_days = 1095\n[metrics]\nlisten = \"127.0.0.1:9464\"\n\
             [outgoing]\nprivate = false\nloopback = true\nroots = \"/etc/roots.pem\"\n",
        )
        .unwrap();
        let roots = Some("/etc/roots.pem".into());
        assert_eq!(config.outgoing, OutgoingConfig { private: false, loopback: true, roots });
        assert_eq!(config.link.listen.len(), 2);
        assert_eq!(config.media.ports, Some(Ports(5_000..=5_001)));
        assert_eq!(config.records.keep_days.as_time().as_secs(), 90 * 86_400);
        assert_eq!(config.audit.keep_days.as_time().as_secs(), 1_095 * 86_400);
        assert_eq!(config.metrics.listen, Some("127.0.0.1:9464".parse().unwrap()));
        assert_eq!(config.media.address, Some("203.0.113.7".parse().unwrap()));
    }

    #[test]
    fn mistakes_name_file_and_line() {
        for (text, line, words) in [
            ("data = \"x\"\n\n[link]\nlistne = []\n", 4, "listne"),
            ("[link]\nlisten = [\"nowhere\"]\n", 2, "socket address"),
            ("[link]\nlisten = []\n", 2, "at least one"),
            ("[media]\nbind = \"127.0.0.1\"\nports = \"9-5\"\n", 3, "20000-29999"),
            ("[metrics]\nlisten = \"9464\"\n", 2, "socket address"),
            ("[console]\nlisten = \"8443\"\n", 2, "such as 0.0.0.0:8443"),
            ("[console]\nlisten = \"Off\"\n", 2, "such as 0.0.0.0:8443"),
            ("[console]\nurl = \"http://x\"\n", 2, "https://"),
            ("[console]\nurl = \"https://a b\"\n", 2, "https://"),
            ("[records]\nkeep_days = 0\n", 2, "from 1 to 36500"),
            ("[records]\nkeep_days = -1\n", 2, "from 1 to 36500"),
            ("[records]\nkeep_days = 40000\n", 2, "from 1 to 36500"),
            ("[media\n", 1, ""),
            ("[tls]\n", 1, "tls"),
        ] {
            let error = parse(text).unwrap_err();
            let start = format!("cloud.toml, line {line}: ");
            assert!(error.starts_with(&start) && error.contains(words), "{text:?}: {error}");
        }
    }
}

//! The room's configuration file: TOML, read once at start. A mistake is named with its line.

use anyhow::{Context, bail};
use conclave_media::MediaConfig;
use conclave_panel_api::Language;
use conclave_types::Redacted;
use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The folder for key, store and status. Made with mode 0700 when it is not there.
    pub(crate) data: PathBuf,
    /// The device's serial number, for people.
    pub(crate) serial: String,
    /// The language until someone chooses another on the panel.
    #[serde(default)]
    pub(crate) language: Language,
    pub(crate) cloud: Cloud,
    pub(crate) panel: PanelSocket,
    pub(crate) media: MediaConfig,
}

/// Where the cloud is, and how it proves itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cloud {
    /// Its name or address.
    pub(crate) host: String,
    /// The ports to try, in this order, each a moment after the one before.
    #[serde(default = "default_ports")]
    pub(crate) ports: Vec<u16>,
    /// `sha256:…` of its present and its backup key, as `conclave-cloud pins` prints them.
    pub(crate) pins: Vec<String>,
}

impl fmt::Debug for Cloud {
    /// Its name or address as a tag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud")
            .field("host", &Redacted(&self.host))
            .field("ports", &self.ports)
            .field("pins", &self.pins)
            .finish()
    }
}

/// Where the panel finds the daemon.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PanelSocket {
    /// The path of a Unix socket; its folder is there already.
    pub(crate) socket: PathBuf,
}

/// What firewalls most often let out.
fn default_ports() -> Vec<u16> {
    vec![8200, 443, 80]
}

/// Reads the file; the error says where the mistake is and what was expected.
pub(crate) fn read(path: &Path) -> anyhow::Result<Config> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
    parse(&text).with_context(|| format!("the configuration file {} has a mistake", path.display()))
}

/// Takes the text of a configuration file.
pub(crate) fn parse(text: &str) -> anyhow::Result<Config> {
    let config: Config = toml::from_str(text)?;
    if config.serial.is_empty() || config.serial.len() > 64 {
        bail!("'serial' has 1 to 64 characters");
    }
    if config.cloud.ports.is_empty() || config.cloud.ports.len() > 8 {
        bail!("'cloud.ports' lists 1 to 8 ports");
    }
    if config.cloud.ports.contains(&0) {
        bail!("'cloud.ports' has a port 0, which nothing listens on");
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
data = "/var/lib/conclave"
serial = "A-1"
[cloud]
host = "cloud.example.org"
pins = ["sha256:AAAA"]
[panel]
socket = "/run/conclave/panel.sock"
[media]
camera = "none"
microphone = "none"
loudspeaker = "none"
display = "window"
"#;

    #[test]
    fn a_short_file_is_enough() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.cloud.ports, [8200, 443, 80]);
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let wrong = GOOD.replace("pins = ", "pin = ");
        let told = format!("{:#}", parse(&wrong).unwrap_err());
        assert!(told.contains("line 6") && told.contains("pin"), "{told}");
        let wrong = GOOD.replace("camera = \"none\"", "camera = \"v4l3:/dev/video0\"");
        let told = format!("{:#}", parse(&wrong).unwrap_err());
        assert!(told.contains("line 10"), "{told}");
    }

    #[test]
    fn ports_that_cannot_be_are_refused() {
        let wrong = GOOD.replace("[panel]", "ports = [0]\n[panel]");
        assert!(parse(&wrong).is_err());
    }
}

//! The room's configuration: TOML, read once at start. A mistake is named with its file and line.
//!
//! There may be several files. An image has one that is the same in every room, and the site adds one
//! that says which cloud: of each table, the last file that has it counts.

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
    /// The device's serial number, for people. Without one the machine's id gives it: a room that is
    /// built from an image has nobody who writes it down.
    #[serde(default = "serial_of_this_machine")]
    pub(crate) serial: String,
    /// The language until someone chooses another on the panel.
    #[serde(default)]
    pub(crate) language: Language,
    pub(crate) cloud: Cloud,
    pub(crate) panel: PanelSocket,
    pub(crate) media: MediaConfig,
    /// Left out: this room is not updated by its cloud.
    #[serde(default)]
    pub(crate) update: Option<Update>,
    /// Left out: what the room keeps is its data folder, and the program ends after a reset.
    pub(crate) reset: Option<Reset>,
    /// Left out: this machine's clock is kept by somebody else, and the cloud is not asked for the time.
    pub(crate) clock: Option<Clock>,
    /// Its light, buttons and sensors; without it the room has none.
    pub(crate) board: Option<Board>,
}

/// How a machine is reset whose data are on an encrypted partition: by units that wait for files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    /// A file that the daemon makes when the partition's keys are to be destroyed.
    pub(crate) request: PathBuf,
    /// A file in which the machine then says what came of it.
    pub(crate) outcome: PathBuf,
    /// A file that the daemon makes when the machine is to restart.
    pub(crate) restart: PathBuf,
}

/// How the machine's clock is set: by a unit that waits for a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clock {
    /// The file in which the daemon writes what the clock is to be set to.
    pub(crate) request: PathBuf,
}

/// How the room's system is updated: by RAUC, over the system's D-Bus.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    /// A file that the daemon makes when the machine is to restart; the image has a unit that waits
    /// for it.
    pub(crate) restart: PathBuf,
    /// Where the system says its version, as `IMAGE_VERSION` or `VERSION_ID`: os-release(5).
    #[serde(default = "os_release")]
    pub(crate) os_release: PathBuf,
    /// Files and devices that a new system may have blocks in common with: what runs now. What cannot be
    /// read is left out.
    #[serde(default)]
    pub(crate) reuse_from: Vec<PathBuf>,
    /// Where the system mounts a stick that somebody puts in; without it, none is looked for.
    pub(crate) stick: Option<PathBuf>,
    /// How long nobody may have been in a call or touched the panel before it, in seconds.
    #[serde(default = "quiet")]
    pub(crate) quiet_s: u32,
    /// How long a new system has from the machine's start to show that it works, in seconds: slow
    /// boards need more.
    #[serde(default = "proof")]
    pub(crate) proof_s: u32,
}

/// Five minutes.
fn proof() -> u32 {
    300
}

/// Ten minutes: whoever has just hung up may still be there.
fn quiet() -> u32 {
    600
}

/// Where the system says what it is: os-release(5).
pub(crate) fn os_release() -> PathBuf {
    "/etc/os-release".into()
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
    /// Who may connect to it.
    #[serde(default)]
    pub(crate) access: Access,
}

/// The room's small parts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Board {
    /// The file that says what the board is made of (TOML); every image has its board's.
    pub(crate) description: PathBuf,
}

/// Who may be a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Access {
    /// The daemon's own user.
    #[default]
    User,
    /// The daemon's group too: in an image the panel is a user of its own.
    Group,
}

/// What firewalls most often let out.
fn default_ports() -> Vec<u16> {
    vec![8200, 443, 80]
}

/// Reads the files; the error says where the mistake is and what was expected.
pub(crate) fn read(paths: &[PathBuf]) -> anyhow::Result<Config> {
    if let [path] = paths {
        let of = || format!("the configuration file {} has a mistake", path.display());
        return parse(&text(path)?).with_context(of);
    }
    let mut whole = toml::Table::new();
    for path in paths {
        // By itself first: once the files are one, nobody can tell a line any more.
        let table: toml::Table = toml::from_str(&text(path)?)
            .with_context(|| format!("the configuration file {} has a mistake", path.display()))?;
        whole.extend(table);
    }
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    check(Config::deserialize(whole)?)
        .with_context(|| format!("the configuration of {} together", names.join(" and ")))
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path)
        .with_context(|| format!("the configuration file {} cannot be read", path.display()))
}

/// Of a configuration that is not whole what its panel needs: the image's part has it. `None` of one file: its
/// writer is at a terminal and reads the error there.
pub(crate) fn panel_alone(paths: &[PathBuf]) -> Option<(PanelSocket, Language)> {
    #[derive(Deserialize)]
    struct Part {
        #[serde(default)]
        language: Language,
        panel: PanelSocket,
    }
    let (first, _) = paths.split_first().filter(|(_, others)| !others.is_empty())?;
    let Part { language, panel } = toml::from_str(&text(first).ok()?).ok()?;
    Some((panel, language))
}

/// Takes the text of a configuration file.
pub(crate) fn parse(text: &str) -> anyhow::Result<Config> {
    check(toml::from_str(text)?)
}

/// Eight digits of the machine's id: an image has it made from the firmware's number of the device.
pub(crate) fn serial_of_this_machine() -> String {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(8).collect();
    if digits.is_empty() { "UNKNOWN".to_owned() } else { digits.to_uppercase() }
}

fn check(config: Config) -> anyhow::Result<Config> {
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
    fn a_room_has_a_board_only_where_one_is_named() {
        assert!(parse(GOOD).unwrap().board.is_none());
        let with = format!("{GOOD}[board]\ndescription = \"/usr/lib/conclave/board.toml\"\n");
        let board = parse(&with).unwrap().board.unwrap();
        assert_eq!(board.description, Path::new("/usr/lib/conclave/board.toml"));
        let told = format!("{:#}", parse(&format!("{GOOD}[board]\n")).unwrap_err());
        assert!(told.contains("description") && told.contains("line 14"), "{told}");
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
    fn the_site_says_which_cloud_and_the_image_says_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (image, site) = (folder.path().join("room.toml"), folder.path().join("cloud.toml"));
        let (before, rest) = GOOD.split_once("[cloud]").unwrap();
        let (cloud, after) = rest.split_once("[panel]").unwrap();
        let before = before.replace("serial = \"A-1\"", "");
        std::fs::write(&image, format!("{before}[panel]{after}")).unwrap();
        std::fs::write(&site, format!("[cloud]{cloud}")).unwrap();
        let config = read(&[image.clone(), site.clone()]).unwrap();
        assert_eq!(config.cloud.host, "cloud.example.org");
        assert!(!config.serial.is_empty(), "the machine gives one");

        std::fs::write(&site, "[cloud]\nhost = ").unwrap();
        let told = format!("{:#}", read(&[image.clone(), site]).unwrap_err());
        assert!(told.contains("cloud.toml") && told.contains("line 2"), "{told}");
        let told = format!("{:#}", read(&[image, folder.path().join("none")]).unwrap_err());
        assert!(told.contains("none cannot be read"), "{told}");
    }

    #[test]
    fn ports_that_cannot_be_are_refused() {
        let wrong = GOOD.replace("[panel]", "ports = [0]\n[panel]");
        assert!(parse(&wrong).is_err());
    }
}

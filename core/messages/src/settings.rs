//! What IT wants of a room, and what the room does of it.
//!
//! 1. The cloud makes one document for each room, of what is set for the organisation, the room's group and the room.
//! 2. With each link the room tells which document it follows and what is in force ([`SettingsReport`], by
//!    [`crate::RoomEvent::Settings`]); the cloud sends another one ([`crate::CloudEvent::Settings`]) when it wants
//!    another, and as soon as one changes.
//! 3. The room keeps it, does what it understands of it, and tells again.
//!
//! A document is kept as it came, what this build does not understand included: a newer build of the room finds it.

use conclave_types::{
    Brightness, CameraLimit, Dialling, Language, Layout, MaintenanceWindow, MicrophoneLimit,
    Switch, TimeZone,
};
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The most settings of one document. There are ten; a hundred releases add as many each year.
const MOST: usize = 64;
/// The most octets of a name and of a value.
const LONGEST: usize = 64;

/// Settings by name: at most 64, names and values of 1 to 64 octets, without control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SettingsDocument(BTreeMap<String, String>);

/// Why something is no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Too many.
    #[error("a document has at most {MOST} settings")]
    TooMany,
    /// A name or a value is empty, too long, or has control characters.
    #[error("names and values of settings have 1 to {LONGEST} octets, without control characters")]
    Text,
}

impl SettingsDocument {
    /// All of it, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// This one, with what another one sets instead.
    #[must_use]
    pub fn under(&self, nearer: &SettingsDocument) -> SettingsDocument {
        let mut both = self.0.clone();
        both.extend(nearer.0.clone());
        SettingsDocument(both)
    }
}

impl TryFrom<BTreeMap<String, String>> for SettingsDocument {
    type Error = DocumentError;
    fn try_from(map: BTreeMap<String, String>) -> Result<SettingsDocument, DocumentError> {
        let fits =
            |text: &str| (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
        if map.len() > MOST {
            Err(DocumentError::TooMany)
        } else if map.iter().all(|(name, value)| fits(name) && fits(value)) {
            Ok(SettingsDocument(map))
        } else {
            Err(DocumentError::Text)
        }
    }
}

impl<'de> Deserialize<'de> for SettingsDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SettingsDocument, D::Error> {
        let map = BTreeMap::<String, String>::deserialize(deserializer)?;
        map.try_into().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for SettingsDocument {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SettingsDocument".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "Settings by name",
            "maxProperties": MOST,
            "propertyNames": { "minLength": 1, "maxLength": LONGEST },
            "additionalProperties": { "type": "string", "minLength": 1, "maxLength": LONGEST },
        })
    }
}

/// What a document is known by: the beginning of its hash, as the cloud computed it. 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsMark(pub u64);

impl fmt::Display for SettingsMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for SettingsMark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SettingsMark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SettingsMark, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let bits = u64::from_str_radix(&text, 16).ok().filter(|_| digits);
        bits.map(SettingsMark).ok_or_else(|| serde::de::Error::custom("not 16 hexadecimal digits"))
    }
}

/// What the cloud wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedSettings {
    /// What it is known by.
    pub mark: SettingsMark,
    /// What it says.
    pub settings: SettingsDocument,
}

/// What a room does of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsReport {
    /// The document that it follows; `None` while it has none.
    pub mark: Option<SettingsMark>,
    /// All that this build knows, as it is now: people at the panel may have chosen another language.
    pub in_force: SettingsDocument,
    /// Names in the document of which this build does not know the name, or not what it is set to.
    pub not_understood: Vec<String>,
}

/// A document as this build understands it; `None` where nothing is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomSettings {
    /// Of panel and display, until somebody at the panel chooses another.
    pub language: Option<Language>,
    /// By which clock the room shows the time, and is updated at night.
    pub time_zone: Option<TimeZone>,
    /// How the display arranges the pictures, until somebody at the panel chooses another way.
    pub layout: Option<Layout>,
    /// Which meeting rooms the panel dials.
    pub dialling: Option<Dialling>,
    /// The microphone when a call begins.
    pub microphone: Option<Switch>,
    /// The camera when a call begins.
    pub camera: Option<Switch>,
    /// Whether it may be heard at all.
    pub microphone_limit: Option<MicrophoneLimit>,
    /// Whether it may show something at all, and how much.
    pub camera_limit: Option<CameraLimit>,
    /// Of the panel.
    pub brightness: Option<Brightness>,
    /// When the panel is dark unless somebody touches it, by the clock in the room.
    pub quiet_hours: Option<MaintenanceWindow>,
}

impl RoomSettings {
    /// The names of all settings that this build knows.
    pub const NAMES: [&str; 10] = [
        "language",
        "time_zone",
        "layout",
        "dialling",
        "microphone",
        "camera",
        "microphone_limit",
        "camera_limit",
        "brightness",
        "quiet_hours",
    ];

    /// What a document says, and the names in it that this build does not understand.
    pub fn read(document: &SettingsDocument) -> (RoomSettings, Vec<String>) {
        let mut settings = RoomSettings::default();
        let unknown = document.iter().filter(|(name, value)| !settings.set(name, value));
        let unknown = unknown.map(|(name, _)| name.to_owned()).collect();
        (settings, unknown)
    }

    /// Whether it is a setting, set to what it may be.
    fn set(&mut self, name: &str, value: &str) -> bool {
        fn put<T: for<'de> Deserialize<'de>>(place: &mut Option<T>, value: &str) -> bool {
            let value: StrDeserializer<'_, serde::de::value::Error> = value.into_deserializer();
            *place = T::deserialize(value).ok();
            place.is_some()
        }
        match name {
            "language" => put(&mut self.language, value),
            "time_zone" => put(&mut self.time_zone, value),
            "layout" => put(&mut self.layout, value),
            "dialling" => put(&mut self.dialling, value),
            "microphone" => put(&mut self.microphone, value),
            "camera" => put(&mut self.camera, value),
            "microphone_limit" => put(&mut self.microphone_limit, value),
            "camera_limit" => put(&mut self.camera_limit, value),
            "brightness" => put(&mut self.brightness, value),
            "quiet_hours" => put(&mut self.quiet_hours, value),
            _ => false,
        }
    }

    /// The document that says this.
    pub fn document(&self) -> SettingsDocument {
        let mut map = BTreeMap::new();
        let mut put = |name: &str, value: Option<String>| {
            map.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("language", self.language.map(|value| value.as_str().to_owned()));
        put("time_zone", self.time_zone.as_ref().map(|value| value.as_str().to_owned()));
        put("layout", self.layout.map(|value| value.as_str().to_owned()));
        put("dialling", self.dialling.map(|value| value.as_str().to_owned()));
        put("microphone", self.microphone.map(|value| value.as_str().to_owned()));
        put("camera", self.camera.map(|value| value.as_str().to_owned()));
        put("microphone_limit", self.microphone_limit.map(|value| value.as_str().to_owned()));
        put("camera_limit", self.camera_limit.map(|value| value.as_str().to_owned()));
        put("brightness", self.brightness.map(|value| value.to_string()));
        put("quiet_hours", self.quiet_hours.map(|value| value.to_string()));
        SettingsDocument(map)
    }
}

/// `name=value`, as it is typed.
impl FromStr for SettingsDocument {
    type Err = DocumentError;
    fn from_str(text: &str) -> Result<SettingsDocument, DocumentError> {
        let (name, value) = text.split_once('=').ok_or(DocumentError::Text)?;
        BTreeMap::from([(name.trim().to_owned(), value.trim().to_owned())]).try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(pairs: &[(&str, &str)]) -> SettingsDocument {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect::<BTreeMap<_, _>>().try_into().unwrap()
    }

    #[test]
    fn a_document_survives_being_read_and_written() {
        let all = document(&[
            ("language", "french"),
            ("time_zone", "Europe/Paris"),
            ("layout", "speaker"),
            ("dialling", "listed"),
            ("microphone", "off"),
            ("camera", "off"),
            ("microphone_limit", "off"),
            ("camera_limit", "360p"),
            ("brightness", "40"),
            ("quiet_hours", "22:00-06:30"),
        ]);
        let (settings, unknown) = RoomSettings::read(&all);
        assert_eq!((settings.document(), unknown), (all.clone(), vec![]));
        assert!(RoomSettings::NAMES.iter().all(|name| all.get(name).is_some()));
        assert_eq!(all.iter().count(), RoomSettings::NAMES.len());
    }

    #[test]
    fn what_is_not_understood_is_named_and_takes_nothing_else_with_it() {
        let newer = document(&[
            ("language", "klingon"),
            ("camera", "off"),
            ("hologram", "on"),
            ("camera_limit", "4k"),
            ("brightness", "0"),
            ("time_zone", "../etc/passwd"),
        ]);
        let (settings, unknown) = RoomSettings::read(&newer);
        assert_eq!(settings, RoomSettings { camera: Some(Switch::Off), ..Default::default() });
        assert_eq!(unknown, ["brightness", "camera_limit", "hologram", "language", "time_zone"]);
    }

    #[test]
    fn the_nearer_one_counts() {
        let far = document(&[("language", "french"), ("camera", "off")]);
        let near = document(&[("language", "english")]);
        let both = document(&[("language", "english"), ("camera", "off")]);
        assert_eq!(far.under(&near), both);
    }

    #[test]
    fn a_document_has_bounds() {
        let many = (0..=MOST).map(|n| (format!("n{n}"), "x".to_owned()));
        let many = SettingsDocument::try_from(many.collect::<BTreeMap<_, _>>());
        assert_eq!(many, Err(DocumentError::TooMany));
        for text in ["", "a\u{7}", &"x".repeat(LONGEST + 1)] {
            let map = BTreeMap::from([("name".to_owned(), text.to_owned())]);
            assert_eq!(SettingsDocument::try_from(map), Err(DocumentError::Text), "{text:?}");
        }
        assert_eq!("language = french".parse(), Ok(document(&[("language", "french")])));
        assert!("language".parse::<SettingsDocument>().is_err());
    }
}

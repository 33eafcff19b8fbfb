//! Devices that are awaited: an administrator said beforehand what each is to be called and where it belongs.
//!
//! A device is known by its key or by its serial number. A key is proof: whoever links with it has it. A serial number is
//! only said, by anybody who has read it on a box; it enrols nobody without the code that the device's panel shows.

use crate::activation::KeyFingerprint;
use crate::repository::{EnrolError, Room, StoreError};
use crate::settings::Place;
use conclave_types::{DisplayName, OrganisationId, RoomId, UnixTime};
use std::time::Duration;

/// How long a device is awaited. A quarter of a year: bought, sent and hung up. Longer, and a device that went astray
/// is let in after everybody has forgotten it.
pub const AWAITED_FOR: Duration = Duration::from_secs(90 * 86_400);

/// The most characters of a serial number.
pub const LONGEST_SERIAL: usize = 80;

/// What a device is known by before it is a room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// Its key, which its link proves.
    Key(KeyFingerprint),
    /// What it says that its serial number is, in capitals.
    Serial(String),
}

impl Device {
    /// The device of a serial number; capitals and blanks at the ends make no difference. `None`: nothing is left, or it is
    /// longer than any.
    pub fn with_serial(serial: &str) -> Option<Device> {
        let serial = serial.trim().to_uppercase();
        let fits = (1..=LONGEST_SERIAL).contains(&serial.chars().count());
        (fits && !serial.chars().any(char::is_control)).then_some(Device::Serial(serial))
    }
}

/// A device that is awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitedDevice {
    /// The id that the room has when it is there.
    pub room: RoomId,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// What it is to be called.
    pub name: DisplayName,
    /// Which device.
    pub device: Device,
    /// Where it belongs.
    pub place: Place,
    /// Since when it is awaited.
    pub added_at: UnixTime,
    /// Who said so, as the audit log names them.
    pub added_by: String,
}

/// The devices that are awaited.
pub trait AwaitedDevices {
    /// All of them.
    fn awaited(&self) -> Result<Vec<AwaitedDevice>, StoreError>;
    /// Awaits these too, all or none. None of an organisation may have the name or the device of another.
    fn await_devices(&mut self, devices: &[AwaitedDevice]) -> Result<(), StoreError>;
    /// Awaits a device no more; `false` when it is not awaited.
    fn await_no_more(&mut self, room: RoomId) -> Result<bool, StoreError>;
    /// Awaits those no more that are awaited since before this. Returns how many.
    fn await_no_more_since(&mut self, before: UnixTime) -> Result<u32, StoreError>;
    /// The device is here: keeps the room, where it belongs, and that it is awaited no more, all or none.
    fn enrol_awaited(&mut self, room: &Room, awaited: &AwaitedDevice) -> Result<(), EnrolError>;
}

//! What every part of Conclave may name: ids, units, secrets, and the words of a call.
//!
//! Nothing here has a socket, a clock or a random number generator. Values that come from outside
//! become one of these types once, at the edge; past that point nobody checks again.

#![forbid(unsafe_code)]

mod code;
mod email;
mod id;
mod media;
mod name;
mod number;
mod release;
mod reset;
#[cfg(feature = "schema")]
mod schema;
mod secret;
mod settings;
mod time;

pub use code::{ActivationCode, ActivationCodeError};
pub use email::{EmailAddress, EmailError};
pub use id::{
    ApiTokenId, CallId, DeliveryId, GroupId, IdError, LegId, MeetingId, OrganisationId,
    ParticipantId, PasskeyId, PersonId, RoomId, VmrId, WebhookId,
};
pub use media::{
    AUDIO_CLOCK_HZ, AUDIO_LEVEL_EXTENSION, AUDIO_PAYLOAD_TYPE, MediaLeg, SrtpKey, SrtpKeyError,
    SrtpProfile, Ssrc, Switch, VIDEO_CLOCK_HZ, VIDEO_PAYLOAD_TYPE,
};
pub use name::{DisplayName, NameError};
pub use number::{NumberError, Pin, PinError, VmrNumber};
pub use release::{BundleHash, Channel, Compatible, MaintenanceWindow, ReleaseError, Version};
pub use reset::{ResetCode, ResetCodeError, ResetNumber, ResetNumberError};
pub use secret::{Redacted, Secret};
pub use settings::{
    Brightness, CameraLimit, Dialling, Language, Layout, MicrophoneLimit, SettingError, TimeZone,
};
pub use time::{Time, UnixMillis, UnixTime};

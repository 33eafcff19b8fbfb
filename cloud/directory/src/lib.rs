//! What the cloud keeps: rooms, virtual meeting rooms (VMRs), call records, and the rules about
//! who may do what with them.
//!
//! Three layers, each knowing only the one before it:
//!
//! 1. Rules, pure, time passed in: [`Activation`] (the codes that newcomers show),
//!    [`ResetCodes`] (with which a room may be reset) and [`pin_tries`] (how often a PIN may be
//!    guessed).
//!    [`entry`] says who comes in, and what they show at the door; [`sign_in`] and [`sign_up`] how often somebody may try.
//!    [`audit`] is what the log of all that is done is made of.
//! 2. [`repository`]: what can be kept and asked, as traits.
//! 3. [`SqliteDirectory`]: the traits on one SQLite file. Each change is on the disk before the
//!    call returns, so whatever was acknowledged survives a power cut.

#![forbid(unsafe_code)]

pub mod access;
mod activation;
pub mod api_tokens;
pub mod appointments;
pub mod audit;
pub mod awaited;
pub mod calendars;
pub mod entry;
mod hex;
pub mod passkeys;
pub mod password;
pub mod people;
mod pin_hash;
pub mod pin_tries;
pub mod repository;
mod reset_codes;
pub mod second_factor;
pub mod settings;
pub mod sign_in;
pub mod sign_up;
mod sqlite;
mod tags;
pub mod usage;
pub mod webhooks;
mod words;
pub mod wrong_numbers;

pub use activation::{
    Activation, CODE_LIFETIME, ClaimError, FREE_GUESSES, GUESS_INTERVAL, IssuedCode,
    KeyFingerprint, MOST_NEWCOMERS, TooManyNewcomers,
};
pub use api_tokens::ApiToken;
pub use appointments::Appointment;
pub use audit::{AuditEntry, AuditHash, AuditRow};
pub use awaited::{AWAITED_FOR, AwaitedDevice, Device};
pub use calendars::RoomCalendar;
pub use passkeys::{CredentialId, MOST_PASSKEYS, Passkey};
pub use password::{Password, PasswordError, PasswordHash};
pub use people::{AddPersonError, People, Person, Session, Standing, Token, TokenHash};
pub use pin_hash::{PinHash, PinHashError};
pub use repository::{
    AddReleaseError, AddVmrError, AuditCheck, CallRecord, CallTrouble, Directory, EnrolError,
    LeftWhy, Organisation, OrganisationError, RecordEntry, Reset, ResetOutcome, ResetWay, Room,
    RoomStatus, RoomUpdate, Sight, StoreError, StoredRelease, StoredRollout, TakenRoom, Vmr,
};
pub use reset_codes::{NoReset, RESET_CODE_LIFETIME, RESET_CODE_TRIES, ResetCodes};
pub use second_factor::{RECOVERY_CODES, RecoveryCode, SecondFactor, SharedSecret};
pub use settings::{Group, GroupError, Place, SettingsOf, StoredSettings};
pub use sqlite::{OpenError, SqliteDirectory};
pub use tags::{Tag, TagError};

//! The room's shell of the link: it dials out, proves its key, and carries the machine of
//! `conclave-link-protocol` with sockets, TLS and a clock.
//!
//! - [`RoomLink`]: one task that holds the link for ever; a [`RoomLinkHandle`] to speak to it;
//! - [`DeviceIdentity`]: the room's key, which never leaves it, and its certificate;
//! - [`DeviceKey`]: the seam behind which a TPM can take the key file's place;
//! - `tls`: what a room demands of a cloud: TLS 1.3, a pinned key, a certificate in order.

#![forbid(unsafe_code)]

mod dial;
mod identity;
mod key;
mod lifetime;
mod shell;
mod tls;

pub use conclave_link_protocol::pin::{PinError, Pins, PinsError, ServerPin};
pub use conclave_link_protocol::{CloseReason, DownReason, RequestFailure, RequestId};
pub use identity::{DeviceIdentity, IdentityError};
pub use key::{DeviceKey, DeviceKeyError, KeyFile, KeyFileError};
pub use lifetime::{Lifetime, certificate_lifetime};
pub use shell::{LinkEvent, RoomLink, RoomLinkConfig, RoomLinkHandle, StartError};
pub use tls::TlsError;

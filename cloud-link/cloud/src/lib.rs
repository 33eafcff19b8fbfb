//! The cloud's shell of the link: it accepts rooms, learns who they are, and keeps the hub of live
//! links.
//!
//! - [`Authority`]: the cloud's own CA, the link server's key and its backup;
//! - [`Peer`]: what a room's certificate says of it;
//! - [`Hub`]: accepts and carries links, one task each; [`HubHandle`] speaks to them by [`LinkId`];
//! - [`HubLimits`]: what strangers cannot take from rooms;
//! - [`HubTotals`]: the hub in numbers;
//! - [`Entrance`]: where it accepts, alone or beside others.
//!
//! Who may enter and what is answered, the hub's caller decides.

#![forbid(unsafe_code)]

mod accept;
mod authority;
mod door;
mod event;
mod files;
mod hello;
mod hub;
mod known;
mod limits;
mod link;
mod live;
mod peer;
mod secure;
mod sort;
mod tls;
mod totals;

pub use authority::{Authority, AuthorityError, ROOM_CERTIFICATE_LIFETIME, SignError};
pub use conclave_link_protocol::pin::{Pins, ServerPin};
pub use conclave_link_protocol::{CloseReason, RequestFailure, RequestId};
pub use event::{HubEvent, LinkId, LinkStatus};
pub use files::FileError;
pub use hub::{Hub, HubError, HubHandle};
pub use limits::HubLimits;
pub use peer::Peer;
pub use sort::{Entrance, Other};
pub use totals::HubTotals;

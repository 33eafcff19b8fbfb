//! The link between a room and its cloud, without sockets and without a clock.
//!
//! One TLS 1.3 connection, opened by the room, carries everything that the two tell each other.
//! From the wire upwards:
//!
//! - [`frame`]: a length, then JSON;
//! - [`envelope`]: what the JSON says: hello, greeting, request, response, event, ping, pong, close;
//! - [`message`]: the requests, responses and events themselves;
//! - [`session`]: one connection, as a machine for each end;
//! - [`link`]: the room's machine over all its connections: dial, session, lost, wait, dial;
//! - [`dial`]: one attempt at several addresses, staggered;
//! - [`backoff`]: how long to wait between attempts;
//! - [`pin`]: the keys that a room takes for its cloud's.
//!
//! `conclave-link-room` and `conclave-link-cloud` carry the machines with sockets and TLS.

#![forbid(unsafe_code)]

pub mod backoff;
pub mod dial;
pub mod envelope;
pub mod frame;
pub mod link;
pub mod pin;
mod reason;
pub mod session;

/// The requests, responses and events themselves.
pub use conclave_messages as message;
pub use envelope::RequestId;
pub use reason::{CloseReason, DownReason, RequestFailure};

/// What both ends offer in the TLS handshake (RFC 7301). Its number changes only when frames do.
pub const ALPN: &[u8] = b"conclave-link/1";

/// The name in every link server's certificate. Rooms check this name rather than a DNS name, so
/// that a cloud may move to another host without a new certificate; who it is, its pinned key says.
pub const SERVER_NAME: &str = "link.conclave.invalid";

/// What a room's certificate says before the room's id, as a URI in its subject alternative names.
pub const ROOM_URI_PREFIX: &str = "urn:conclave:";

/// The protocol versions that this build speaks, lowest and highest.
pub const VERSIONS: (u16, u16) = (1, 1);

//! What the hub tells its caller: what happens on links, each named by its [`LinkId`].

use crate::peer::Peer;
use conclave_link_protocol::message::{Hello, Response, RoomEvent, RoomRequest};
use conclave_link_protocol::{CloseReason, RequestFailure, RequestId};
use conclave_types::{Redacted, RoomId};
use std::fmt;
use std::net::SocketAddr;

/// Names a link while the hub runs; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link-{}", self.0)
    }
}

/// What happens on links.
#[derive(Debug, Clone, PartialEq)]
pub enum HubEvent {
    /// Someone connected and said hello; wants [`HubHandle::greet`](crate::HubHandle::greet). Until
    /// then nothing else comes of the link but its end.
    Hello {
        /// Which link.
        link: LinkId,
        /// Who it is, by its certificate.
        peer: Peer,
        /// Where it comes from.
        address: Redacted<SocketAddr>,
        /// Where it reached us.
        local_address: Redacted<SocketAddr>,
        /// What it said.
        hello: Hello,
    },
    /// A room asks; wants one [`HubHandle::respond`](crate::HubHandle::respond).
    Request {
        /// Which link.
        link: LinkId,
        /// Names the request on this link.
        id: RequestId,
        /// What it asks.
        request: RoomRequest,
    },
    /// A room tells something.
    Event {
        /// Which link.
        link: LinkId,
        /// What.
        event: RoomEvent,
    },
    /// A request of ours has its answer, or never will.
    Answered {
        /// Which link.
        link: LinkId,
        /// Of the request.
        id: RequestId,
        /// The answer, or why there is none.
        result: Result<Response, RequestFailure>,
    },
    /// A link ended. Comes once for each link of which a hello came, and last.
    Closed {
        /// Which link.
        link: LinkId,
        /// Why.
        reason: CloseReason,
    },
}

/// A live link, for lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkStatus {
    /// Which link.
    pub link: LinkId,
    /// Where it comes from.
    pub address: Redacted<SocketAddr>,
    /// Which room, by its certificate; `None` for newcomers.
    pub room: Option<RoomId>,
}

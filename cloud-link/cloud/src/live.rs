//! The table of live links, and what is said to each.
//!
//! A link's task enters itself when its hello came and leaves when it ends; the hub's handles look
//! it up to say something.

use crate::event::{LinkId, LinkStatus};
use conclave_link_protocol::RequestId;
use conclave_link_protocol::message::{CloudEvent, CloudRequest, Greeting, Response};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What the hub's caller wants of a link.
#[derive(Debug)]
pub(crate) enum Command {
    Greet(Greeting),
    Respond { id: RequestId, response: Response },
    Request { id: RequestId, request: CloudRequest },
    Event(CloudEvent),
    Close { reason: String },
}

/// How a link is reached.
#[derive(Debug)]
pub(crate) struct Reach {
    /// Boxed, so that the channel's own memory is small on every idle link.
    pub(crate) commands: mpsc::Sender<Box<Command>>,
    pub(crate) too_slow: CancellationToken,
    pub(crate) status: LinkStatus,
}

/// The live links.
#[derive(Debug, Default)]
pub(crate) struct Links(Mutex<HashMap<LinkId, Reach>>);

impl Links {
    pub(crate) fn all(&self) -> MutexGuard<'_, HashMap<LinkId, Reach>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

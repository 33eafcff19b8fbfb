//! The table of live links, and what is said to each.
//!
//! A link's task enters itself when its hello came and leaves when it ends; the hub's handles look
//! it up to say something.

use crate::event::{LinkId, LinkStatus};
use conclave_link_protocol::RequestId;
use conclave_link_protocol::message::{CloudEvent, CloudRequest, Greeting, Response};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// What may wait for a link's task. It only waits while the hub's caller does not take this link's
/// events; a link that falls this far behind is closed.
const MOST_WAITING: usize = 256;

/// What the hub's caller wants of a link.
#[derive(Debug)]
pub(crate) enum Command {
    Greet(Greeting),
    Respond { id: RequestId, response: Response },
    Request { id: RequestId, request: CloudRequest },
    Event(CloudEvent),
    Close { reason: String },
}

/// What waits for one link's task. A channel of tokio's holds 800 octets on every idle link; this
/// holds none.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    commands: VecDeque<Command>,
    /// There was no room for one.
    overflown: bool,
    waker: Option<Waker>,
}

/// What was found in an inbox.
pub(crate) enum Found {
    Command(Box<Command>),
    /// More came than may wait: the link is too slow.
    Overflow,
}

impl Inbox {
    /// Puts a command behind the others.
    pub(crate) fn push(&self, command: Command) {
        let mut waiting = self.waiting();
        if waiting.commands.len() < MOST_WAITING {
            waiting.commands.push_back(command);
        } else {
            waiting.overflown = true;
        }
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the first command, or waits for it. Dropping the future loses nothing; only one task
    /// may wait.
    pub(crate) async fn next(&self) -> Found {
        poll_fn(|context| {
            let mut waiting = self.waiting();
            if waiting.overflown {
                return Poll::Ready(Found::Overflow);
            }
            if let Some(command) = waiting.commands.pop_front() {
                if waiting.commands.is_empty() {
                    waiting.commands = VecDeque::new();
                }
                return Poll::Ready(Found::Command(Box::new(command)));
            }
            if !waiting.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                waiting.waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a link is reached.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) inbox: Arc<Inbox>,
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

//! The hub of live links: where they are accepted, and what is said to them.
//!
//! One task carries each link. Handles speak to it through a channel of its own; what happens on
//! all links comes through one channel to the hub's caller.

use crate::accept;
use crate::authority::Authority;
use crate::door::Door;
use crate::event::{HubEvent, LinkId, LinkStatus};
use crate::limits::{HubLimits, Places};
use crate::live::{Command, Links};
use crate::sort::Entrance;
use crate::tls;
use crate::totals::{HubTotals, Tally};
use conclave_link_protocol::RequestId;
use conclave_link_protocol::message::{CloudEvent, CloudRequest, Greeting, Response};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Events that wait for the hub's caller. When it is full, links are not read until there is room:
/// rooms are held up by TCP, nothing is lost.
const EVENTS: usize = 256;
/// How long links have for their last words when the hub shuts down.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Why the hub cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// rustls refuses. Our constants never make it do so.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// A listener is of no use.
    #[error("a listener cannot be used")]
    Listener(#[from] std::io::Error),
}

/// Starts hubs.
#[derive(Debug)]
pub struct Hub;

impl Hub {
    /// Accepts links on the listeners, which the caller has bound. Must be called inside a tokio
    /// runtime, which does all the work.
    pub fn start(
        listeners: Vec<TcpListener>,
        authority: Arc<Authority>,
        limits: HubLimits,
    ) -> Result<(HubHandle, mpsc::Receiver<HubEvent>), HubError> {
        let entrances = listeners.into_iter().map(Entrance::of_rooms).collect();
        Hub::start_beside(entrances, authority, limits, Handle::current())
    }

    /// The same, with entrances that others may share, and with handshakes calculated in a runtime of
    /// their own: links that are up do not wait for them, and can be carried on the thread of the
    /// hub's caller, where nothing they say has to change threads. Others' connections belong to
    /// that runtime.
    pub fn start_beside(
        entrances: Vec<Entrance>,
        authority: Arc<Authority>,
        limits: HubLimits,
        handshakes: Handle,
    ) -> Result<(HubHandle, mpsc::Receiver<HubEvent>), HubError> {
        let addresses: Vec<SocketAddr> = entrances
            .iter()
            .map(|entrance| entrance.listener.local_addr())
            .collect::<Result<_, _>>()?;
        let (events, receiver) = mpsc::channel(EVENTS);
        let (places, sorting) = (Places::new(limits), Places::new(limits));
        let handle = HubHandle {
            links: Arc::default(),
            places: places.clone(),
            sorting: sorting.clone(),
            tally: Arc::default(),
            next_request: Arc::default(),
            addresses: addresses.into(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let door = Arc::new(Door {
            tls: tls::config(authority.clone())?,
            authority: authority.clone(),
            limits,
            places,
            sorting,
            links: handle.links.clone(),
            tally: handle.tally.clone(),
            handshakes,
            home: Handle::current(),
            next_link: AtomicU64::new(1),
            events,
            stop: handle.stop.clone(),
            abort: handle.abort.clone(),
            tasks: handle.tasks.clone(),
        });
        for Entrance { listener, others } in entrances {
            let accept = accept::accept(listener.into_std()?, others, door.clone());
            handle.tasks.spawn_on(accept, &door.handshakes);
        }
        handle.tasks.spawn(accept::renew(authority, handle.stop.clone()));
        Ok((handle, receiver))
    }
}

/// Speaks to links. Nothing but `shutdown` waits, and nothing fails: of a link that is gone,
/// [`HubEvent::Closed`] tells. Clones speak to the same hub.
#[derive(Clone)]
pub struct HubHandle {
    links: Arc<Links>,
    places: Arc<Places>,
    sorting: Arc<Places>,
    tally: Arc<Tally>,
    next_request: Arc<AtomicU64>,
    addresses: Arc<[SocketAddr]>,
    stop: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
}

impl fmt::Debug for HubHandle {
    /// Without the addresses at which it accepts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubHandle")
            .field("links", &self.links)
            .field("places", &self.places)
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}

impl HubHandle {
    /// Where the hub accepts.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers a hello. The version of a welcome is filled in by the session; a refusal closes the
    /// link when it is written.
    pub fn greet(&self, link: LinkId, greeting: Greeting) {
        self.say(link, Command::Greet(greeting));
    }

    /// Answers a room's request.
    pub fn respond(&self, link: LinkId, id: RequestId, response: Response) {
        self.say(link, Command::Respond { id, response });
    }

    /// Tells a room something. An event that does not fit in a frame is dropped, with an error in
    /// the log.
    pub fn send(&self, link: LinkId, event: CloudEvent) {
        self.say(link, Command::Event(event));
    }

    /// Asks a room; the answer comes as [`HubEvent::Answered`].
    pub fn request(&self, link: LinkId, request: CloudRequest) -> RequestId {
        let id = RequestId(self.next_request.fetch_add(1, Ordering::Relaxed));
        self.say(link, Command::Request { id, request });
        id
    }

    /// Closes a link; the room hears the reason.
    pub fn close(&self, link: LinkId, reason: impl Into<String>) {
        self.say(link, Command::Close { reason: reason.into() });
    }

    /// The links of which a hello came.
    pub fn links(&self) -> Vec<LinkStatus> {
        let mut links: Vec<LinkStatus> =
            self.links.all().values().map(|reach| reach.status).collect();
        links.sort_by_key(|status| status.link);
        links
    }

    /// The hub in numbers. Cheap: no link is asked.
    pub fn totals(&self) -> HubTotals {
        let held = self.places.held();
        HubTotals {
            links_now: held.links as u64,
            newcomers_now: held.newcomers as u64,
            half_open_now: (held.half_open + self.sorting.held().half_open) as u64,
            ..self.tally.totals()
        }
    }

    /// Accepts no more, says goodbye to every link, and waits until all have ended.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(LAST_WORDS, self.tasks.wait()).await.is_err() {
            self.abort.cancel();
            self.tasks.wait().await;
        }
    }

    fn say(&self, link: LinkId, command: Command) {
        let inbox = self.links.all().get(&link).map(|reach| reach.inbox.clone());
        if let Some(inbox) = inbox {
            inbox.push(command);
        }
    }
}

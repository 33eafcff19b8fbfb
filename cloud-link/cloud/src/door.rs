//! What all connections share, from the listener to the end of the link.

use crate::authority::Authority;
use crate::event::HubEvent;
use crate::limits::{HubLimits, Places};
use crate::live::Links;
use crate::totals::Tally;
use rustls::ServerConfig;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Made once by the hub.
pub(crate) struct Door {
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) limits: HubLimits,
    pub(crate) places: Arc<Places>,
    /// Of connections to a shared port that have not said yet whose they are. As many as handshakes, and beside them.
    pub(crate) sorting: Arc<Places>,
    pub(crate) links: Arc<Links>,
    pub(crate) tally: Arc<Tally>,
    /// Where handshakes are calculated.
    pub(crate) handshakes: Handle,
    /// Where links are carried.
    pub(crate) home: Handle,
    pub(crate) next_link: AtomicU64,
    pub(crate) events: mpsc::Sender<HubEvent>,
    /// Say goodbye.
    pub(crate) stop: CancellationToken,
    /// Drop everything.
    pub(crate) abort: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

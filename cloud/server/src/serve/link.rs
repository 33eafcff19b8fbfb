//! Between the switchboard and the hub of links: their words for each other.

use super::Clock;
use crate::data_folder::DataFolder;
use crate::switchboard::{
    Certifier, CloseReason, Input, LinkId, Output, Peer, RequestId, SignError, SignedCertificate,
};
use anyhow::Context;
use conclave_link_cloud as hub;
use conclave_link_cloud::{Authority, Entrance, Hub, HubEvent, HubHandle, HubLimits, Other};
use conclave_link_protocol::message::Response;
use conclave_types::{RoomId, UnixTime};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Rooms' certificates begin this much before now: whoever looks at them may have a clock that is
/// behind, this cloud after its clock was corrected among them.
const BACKDATED: Duration = Duration::from_secs(24 * 3_600);

/// Opens the cloud's keys, and makes them when there are none yet.
pub(super) fn authority(folder: &DataFolder, now: UnixTime) -> anyhow::Result<Arc<Authority>> {
    Ok(Arc::new(Authority::open(folder.path(), now)?))
}

/// The pins of the link's keys: the current one, then the backup.
pub(super) fn pins(folder: &DataFolder, now: UnixTime) -> anyhow::Result<Vec<String>> {
    let authority = authority(folder, now)?;
    Ok(words_of_pins(&authority))
}

/// The pins as rooms' configurations hold them: the current one, then the backup's.
pub(super) fn words_of_pins(authority: &Authority) -> Vec<String> {
    let pins = authority.pins();
    std::iter::once(pins.current).chain(pins.backup).map(|pin| pin.to_string()).collect()
}

/// The certificate authority, as the switchboard wants it.
pub(super) struct Signer(Arc<Authority>);

impl Signer {
    pub(super) fn new(authority: Arc<Authority>) -> Signer {
        Signer(authority)
    }
}

impl Certifier for Signer {
    fn sign(
        &mut self,
        room: RoomId,
        spki_der: &[u8],
        now: UnixTime,
    ) -> Result<SignedCertificate, SignError> {
        let lifetime = hub::ROOM_CERTIFICATE_LIFETIME + BACKDATED;
        let from = UnixTime(now.0.saturating_sub(BACKDATED.as_secs()));
        let signed = self.0.sign_room(room, spki_der, from, lifetime);
        let chain = signed.map_err(|error| SignError(Box::new(error)))?;
        let expires = from.after(lifetime);
        Ok(SignedCertificate { chain, expires })
    }
}

/// Browsers' connections that wait for the console on a port that it shares with the link; more are dropped.
const WAITING: usize = 64;

/// A port of the link's that the console shares.
pub(super) struct Shared {
    /// Where it is.
    pub(super) address: SocketAddr,
    /// Who comes there and is no room.
    pub(super) others: mpsc::Receiver<Other>,
}

/// The hub of live links.
pub(super) struct Links {
    hub: HubHandle,
    events: mpsc::Receiver<HubEvent>,
}

impl Links {
    /// Listens where the configuration says; `shared` is the address among them that browsers share.
    pub(super) async fn listen(
        (addresses, shared): (&[SocketAddr], Option<SocketAddr>),
        authority: Arc<Authority>,
        most: usize,
        handshakes: &Handle,
    ) -> anyhow::Result<(Links, Option<Shared>)> {
        let mut entrances = Vec::with_capacity(addresses.len());
        let mut beside = None;
        for address in addresses {
            let listener = TcpListener::bind(address).await.with_context(|| {
                format!(
                    "cannot listen for rooms on {address}: stop what uses that port, or set \
                     another one with --listen or 'link.listen'"
                )
            })?;
            entrances.push(match shared {
                Some(shared) if shared == *address => {
                    let (sender, others) = mpsc::channel(WAITING);
                    beside = Some(Shared { address: listener.local_addr()?, others });
                    Entrance::shared(listener, sender)
                }
                _ => Entrance::of_rooms(listener),
            });
        }
        let limits = HubLimits::default();
        let limits = HubLimits { links: limits.links.min(most), ..limits };
        let (hub, events) = Hub::start_beside(entrances, authority, limits, handshakes.clone())?;
        Ok((Links { hub, events }, beside))
    }

    /// The hub itself, for its counts.
    pub(super) fn hub(&self) -> &HubHandle {
        &self.hub
    }

    /// Where it really listens.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        self.hub.addresses()
    }

    /// What happened next; `None` when the hub has ended.
    pub(super) async fn next(&mut self) -> Option<Input> {
        loop {
            let event = self.events.recv().await?;
            if let Some(input) = input(event) {
                return Some(input);
            }
        }
    }

    /// Does what the switchboard wants of links; nothing else comes here.
    pub(super) fn perform(&self, output: Output) {
        let on = |link: LinkId| hub::LinkId(link.0);
        match output {
            Output::Greet { link, greeting } => self.hub.greet(on(link), greeting),
            Output::Respond { link, id, response } => {
                self.hub.respond(on(link), hub::RequestId(id.0), response);
            }
            Output::TellTime { link, id } => {
                let unix_ms = Clock::to_the_millisecond();
                let response = Response::Time { unix_ms };
                self.hub.respond(on(link), hub::RequestId(id.0), response);
            }
            Output::Send { link, event } => self.hub.send(on(link), event),
            Output::Close { link, reason } => self.hub.close(on(link), words(reason)),
            Output::CheckPin { .. }
            | Output::HashPin { .. }
            | Output::OpenLeg { .. }
            | Output::CloseLeg { .. }
            | Output::ReadChunk { .. }
            | Output::ForgetBundle(_)
            | Output::KeepParcel { .. }
            | Output::AnswerParcel { .. }
            | Output::DropParcel { .. }
            | Output::Note(_)
            | Output::Answer { .. }
            | Output::Changed { .. }
            | Output::Mail(_)
            | Output::Deliver(_)
            | Output::ReadCalendar(_)
            | Output::AccountAnswer { .. } => {}
        }
    }

    /// Takes no more links, ends those that are left, and waits for that. What they still say is
    /// thrown away, so that none of them waits for us meanwhile.
    pub(super) async fn shutdown(&mut self) {
        let events = &mut self.events;
        let ignore = async { while events.recv().await.is_some() {} };
        tokio::select! {
            () = self.hub.shutdown() => {}
            () = async { ignore.await; std::future::pending().await } => {}
        }
    }
}

/// What the switchboard hears of it; answers to requests of ours interest nobody yet.
fn input(event: HubEvent) -> Option<Input> {
    let from = |link: hub::LinkId| LinkId(link.0);
    Some(match event {
        HubEvent::Hello { link, peer, hello, address, local_address: _ } => {
            tracing::debug!(%link, ?address, "hello");
            let peer = match peer {
                hub::Peer::Enrolled { room, spki_der, .. } => Peer::Enrolled { room, spki_der },
                hub::Peer::Newcomer { spki_der } => Peer::Newcomer { spki_der },
                hub::Peer::Unfit(refusal) => Peer::Unfit(refusal),
            };
            Input::Hello { link: from(link), peer, hello }
        }
        HubEvent::Request { link, id, request } => {
            Input::Request { link: from(link), id: RequestId(id.0), request }
        }
        HubEvent::Event { link, event } => Input::Event { link: from(link), event },
        HubEvent::Closed { link, reason } => {
            tracing::debug!(%link, %reason, "closed");
            Input::Closed { link: from(link) }
        }
        HubEvent::Answered { .. } => return None,
    })
}

/// The last word on a link, for the room's log.
fn words(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Refused => "refused",
        CloseReason::Replaced => "the same device came on another connection",
        CloseReason::Activated => "enrolled: come back with the new certificate",
        CloseReason::Revoked => "revoked",
        CloseReason::Stopping => "the cloud stops",
    }
}

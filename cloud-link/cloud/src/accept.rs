//! From an accepted connection to a link: a place, the handshake, and who it is.

use crate::authority::Authority;
use crate::door::Door;
use crate::event::LinkId;
use crate::limits::Place;
use crate::link::{Arrival, Carrier};
use crate::secure::handshake;
use crate::sort::{Other, room_or_other};
use crate::totals::NoPlace;
use conclave_link_protocol::ALPN;
use conclave_types::{Redacted, UnixTime};
use rustls::HandshakeKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How long to wait when the system gives no connection, mostly because it has no descriptors left.
/// Shorter spins; longer leaves rooms outside after it has some again.
const NO_CONNECTION: Duration = Duration::from_millis(200);
/// How often the server's certificate is looked at. It is due for months, but a clock that was wrong
/// and is set right makes it so at once, and rooms wait outside meanwhile.
const RENEWAL_CHECK: Duration = Duration::from_secs(20);

/// The wall clock.
pub(crate) fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime(since.as_secs())
}

/// Accepts on one listener until the hub stops. Who does not speak the link's protocol goes to `others`, where there are any.
pub(crate) async fn accept(
    listener: std::net::TcpListener,
    others: Option<mpsc::Sender<Other>>,
    door: Arc<Door>,
) {
    // Taken over by the runtime that shakes hands: connections wake its threads and no other's.
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "a listener could not be taken over"),
    };
    let stop = door.stop.clone();
    let places = if others.is_some() { door.sorting.clone() } else { door.places.clone() };
    let mut held_up = false;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, address)) => {
                if std::mem::take(&mut held_up) {
                    tracing::info!("connections are accepted again");
                }
                match places.half_open(address.ip()) {
                    Ok(place) => {
                        let task = arrive(tcp, place, others.clone(), door.clone());
                        let abort = door.abort.clone();
                        let task = async move {
                            tokio::select! {
                                () = abort.cancelled() => {}
                                () = task => {}
                            }
                        };
                        door.tasks.spawn_on(task, &door.handshakes);
                    }
                    Err(why) => {
                        door.tally.refused(why);
                        tracing::debug!(
                            address = ?Redacted(address),
                            full = why.label(),
                            "no place for another handshake"
                        );
                    }
                }
            }
            Err(error) => {
                door.tally.refused(NoPlace::Descriptors);
                // Once, not five times in a second for as long as it lasts.
                if !std::mem::replace(&mut held_up, true) {
                    tracing::warn!(
                        %error,
                        "no connection can be accepted; trying again until it works"
                    );
                }
                sleep(NO_CONNECTION).await;
            }
        }
    }
}

/// Renews the server's certificate in time.
pub(crate) async fn renew(authority: Arc<Authority>, stop: CancellationToken) {
    loop {
        // Once a year it writes a file of some 500 octets: no need for another thread.
        match authority.renew_if_due(unix_now()) {
            Ok(true) => tracing::info!("the link server's certificate was renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "the link server's certificate is due and cannot be renewed"
            ),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(RENEWAL_CHECK) => {}
        }
    }
}

async fn arrive(
    tcp: TcpStream,
    place: Place,
    others: Option<mpsc::Sender<Other>>,
    door: Arc<Door>,
) {
    let Ok(address) = tcp.peer_addr() else { return };
    // Answers are small and wait for nothing to be sent along with them.
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    // One measure for all of it: a hello in time does not buy more for what follows.
    let by = Instant::now() + door.limits.handshake;
    let Some(others) = others else { return enter(tcp, Vec::new(), place, by, door).await };
    let sorted = shaken(room_or_other(tcp, address, others, &door), address, &place, by, &door);
    let Some(Some((tcp, said))) = sorted.await else { return };
    match door.places.half_open(address.ip()) {
        Ok(next) => {
            drop(place);
            enter(tcp, said, next, by, door).await;
        }
        Err(why) => {
            door.tally.refused(why);
            tracing::debug!(
                address = ?Redacted(address),
                full = why.label(),
                "no place for another handshake"
            );
        }
    }
}

/// Goes on until the time for handshakes is over, the hub stops, or the place is wanted for another one.
async fn shaken<T>(
    doing: impl Future<Output = T>,
    address: SocketAddr,
    place: &Place,
    by: Instant,
    door: &Door,
) -> Option<T> {
    let displaced = place.displaced();
    tokio::select! {
        () = door.stop.cancelled() => None,
        () = displaced.cancelled() => {
            door.tally.refused(NoPlace::Displaced);
            None
        }
        done = timeout_at(by, doing) => done.inspect_err(|_| {
            door.tally.handshakes_late.add(1);
            tracing::debug!(address = ?Redacted(address), "a handshake took too long");
        }).ok(),
    }
}

/// Shakes hands, and has the link carried.
async fn enter(tcp: TcpStream, said: Vec<u8>, mut place: Place, by: Instant, door: Arc<Door>) {
    let (Ok(address), Ok(local_address)) = (tcp.peer_addr(), tcp.local_addr()) else { return };
    let shaking = handshake(tcp, said, door.tls.clone());
    let stream = match shaken(shaking, address, &place, by, &door).await {
        None => return,
        Some(Ok(stream)) => stream,
        Some(Err(error)) => {
            door.tally.handshakes_failed.add(1);
            tracing::debug!(address = ?Redacted(address), %error, "a handshake failed");
            return;
        }
    };
    place.has_shaken_hands();
    let session = stream.session();
    if session.alpn_protocol() != Some(ALPN) {
        door.tally.handshakes_failed.add(1);
        tracing::debug!(address = ?Redacted(address), "someone connected with another protocol");
        return;
    }
    match session.handshake_kind() {
        Some(HandshakeKind::Resumed) => door.tally.handshakes_resumed.add(1),
        _ => door.tally.handshakes_full.add(1),
    }
    // A ticket only saves the signatures: the certificate that it carries is looked at again.
    let now = unix_now();
    let peer = door.authority.classify(session.peer_certificates().unwrap_or_default(), now);
    let id = LinkId(door.next_link.fetch_add(1, Ordering::Relaxed));
    let (address, local_address) = (Redacted(address), Redacted(local_address));
    let arrival = Box::new(Arrival { peer, address, local_address });
    // At debug level: a span that somebody records costs memory for as long as the link lives.
    let span = tracing::debug_span!("link", %id, room = tracing::field::Empty);
    let (tasks, home) = (door.tasks.clone(), door.home.clone());
    let carried = async move {
        let abort = door.abort.clone();
        let stream = match stream.moved_here() {
            Ok(stream) => stream,
            Err(error) => return tracing::warn!(%error, "a connection could not be taken over"),
        };
        let carrier = Carrier::new(id, stream, arrival, place, door, now);
        // The size of the carrier alone: not twice what it is before and while it runs.
        let run = carrier.run();
        tokio::select! {
            () = abort.cancelled() => {}
            () = run => {}
        }
    };
    tasks.spawn_on(carried.instrument(span), &home);
}

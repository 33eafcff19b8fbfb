//! From an accepted connection to a link: a place, the handshake, and who it is.

use crate::authority::Authority;
use crate::door::Door;
use crate::event::LinkId;
use crate::limits::Place;
use crate::link;
use conclave_link_protocol::ALPN;
use conclave_types::UnixTime;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How long to wait when the system gives no connection, mostly because it has no descriptors left.
/// Shorter spins; longer leaves rooms outside after it has some again.
const NO_CONNECTION: Duration = Duration::from_millis(200);
/// How often the server's certificate is looked at. It is due for months.
const RENEWAL_CHECK: Duration = Duration::from_secs(3600);

/// The wall clock.
pub(crate) fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime(since.as_secs())
}

/// Accepts on one listener until the hub stops.
pub(crate) async fn accept(listener: TcpListener, door: Arc<Door>) {
    let stop = door.stop.clone();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, address)) => match door.places.half_open(address.ip()) {
                Ok(place) => {
                    let task = enter(tcp, place, door.clone());
                    let abort = door.abort.clone();
                    door.tasks.spawn(async move {
                        tokio::select! {
                            () = abort.cancelled() => {}
                            () = task => {}
                        }
                    });
                }
                Err(_) => tracing::debug!(%address, "no place for another handshake"),
            },
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
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

async fn enter(tcp: TcpStream, place: Place, door: Arc<Door>) {
    let (Ok(address), Ok(local_address)) = (tcp.peer_addr(), tcp.local_addr()) else { return };
    // Answers are small and wait for nothing to be sent along with them.
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    let handshake = TlsAcceptor::from(door.tls.clone()).accept(tcp);
    let stream = tokio::select! {
        () = door.stop.cancelled() => return,
        shaken = timeout(door.limits.handshake, handshake) => match shaken {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "a handshake failed");
                return;
            }
            Err(_) => {
                tracing::debug!(%address, "a handshake took too long");
                return;
            }
        }
    };
    let session = stream.get_ref().1;
    if session.alpn_protocol() != Some(ALPN) {
        tracing::debug!(%address, "someone connected with another protocol");
        return;
    }
    let peer = door.authority.classify(session.peer_certificates().unwrap_or_default(), unix_now());
    let id = LinkId(door.next_link.fetch_add(1, Ordering::Relaxed));
    link::Carrier::new(id, stream, peer, place, (address, local_address), door).run().await;
}

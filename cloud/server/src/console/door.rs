//! Connections: TLS 1.3, then HTTP/2 or HTTP/1.1 as ALPN says. Their number, their handshakes and the time for a head are bounded.
//!
//! They come by a port of their own, or by one of the link's, where the hub hands over who is no room. An authority that looks
//! whether a name is ours (ACME, RFC 8737) hears all that it wants within the handshake.

use super::certificate::ACME_TLS;
use super::{Desk, routes};
use crate::accounts::Source;
use axum::{Extension, Router};
use conclave_link_cloud::Other;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections at once. A browser has six, an organisation's IT a few dozen people.
const MOST_CONNECTIONS: usize = 512;

/// For the handshake, and for the head of each request.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest head of a request.
const LONGEST_HEAD: u32 = 32 * 1024;

/// Requests at once on one connection of HTTP/2. A tab has one that stays open and a few that come and go.
const MOST_STREAMS: u32 = 64;

/// A connection of HTTP/2 on which nothing was heard for so long is asked whether it is there.
const ASKED: Duration = Duration::from_secs(30);

/// HTTP/2 in ALPN (RFC 9113, 3.2).
pub(super) const H2: &[u8] = b"h2";

/// HTTP/1.1 in ALPN (RFC 7301, 6).
pub(super) const HTTP_1_1: &[u8] = b"http/1.1";

/// How browsers come in.
pub enum Entrance {
    /// By a port of the console's.
    Own(TcpListener),
    /// By one that is the link's too.
    Shared(mpsc::Receiver<Other>),
}

/// Answers browsers until `stop` is cancelled.
pub fn serve(
    entrance: Entrance,
    tls: Arc<ServerConfig>,
    desk: Desk,
    tasks: &TaskTracker,
    stop: CancellationToken,
    workers: &Handle,
) {
    let hall = Hall {
        tls: TlsAcceptor::from(tls),
        routes: routes(desk),
        tasks: tasks.clone(),
        stop: stop.clone(),
        places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
    };
    let accepting = async move {
        stop.run_until_cancelled(hall.accept(entrance)).await;
    };
    // Not beside the switchboard: a handshake takes a millisecond that rooms would wait for.
    tasks.spawn_on(accepting, workers);
}

/// What all connections share.
struct Hall {
    tls: TlsAcceptor,
    routes: Router,
    tasks: TaskTracker,
    stop: CancellationToken,
    places: Arc<Semaphore>,
}

impl Hall {
    /// One after the other, as there are places: who waits does so in the system's backlog, or in the hub's channel.
    async fn accept(self, mut entrance: Entrance) {
        loop {
            let Ok(place) = self.places.clone().acquire_owned().await else { return };
            match &mut entrance {
                Entrance::Own(listener) => match listener.accept().await {
                    Ok((stream, from)) => {
                        let _ = stream.set_nodelay(true);
                        self.welcome(stream, from, place);
                    }
                    Err(error) => {
                        // Out of file descriptors, most likely: those who hold some give them back.
                        tracing::warn!(%error, "cannot take a browser's connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                Entrance::Shared(others) => {
                    // The hub has ended.
                    let Some(other) = others.recv().await else { return };
                    let from = other.address();
                    self.welcome(other, from, place);
                }
            }
        }
    }

    fn welcome<S>(&self, stream: S, from: SocketAddr, place: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (tls, routes, stop) = (self.tls.clone(), self.routes.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let _place = place;
            // An error is a browser that went away or does not trust us; nobody is left to tell.
            let _ = stop.run_until_cancelled(converse(stream, from, tls, routes)).await;
        });
    }
}

async fn converse<S>(stream: S, from: SocketAddr, tls: TlsAcceptor, routes: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await else { return };
    let protocol = stream.get_ref().1.alpn_protocol();
    if protocol == Some(ACME_TLS) {
        return;
    }
    let second = protocol == Some(H2);
    let service = TowerToHyperService::new(routes.layer(Extension(Source(from.ip()))));
    let io = TokioIo::new(stream);
    let conversation = if second {
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MOST_STREAMS)
            .max_header_list_size(LONGEST_HEAD)
            .keep_alive_interval(ASKED)
            .keep_alive_timeout(PATIENCE)
            .serve_connection(io, service)
            .await
    } else {
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(LONGEST_HEAD as usize)
            .serve_connection(io, service)
            .await
    };
    if let Err(error) = conversation {
        tracing::debug!(%error, "a browser's connection broke");
    }
}

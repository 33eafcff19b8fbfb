//! One port for rooms and for others: whose a connection is, its first words say.
//!
//! A client says in its ClientHello which protocols it speaks (ALPN, RFC 7301). Whoever names the link's is the hub's.
//! Everybody else is the caller's, as an [`Other`]: with what was read so far, as if nobody had read it.
//!
//! Until a connection has said what it wants, it holds one of [`Door::sorting`]'s places; those of the link's handshakes are
//! apart. So neither a flood of one kind nor one that says nothing keeps the others outside.

use crate::door::Door;
use crate::hello::{Hearing, NotHeard, Whose};
use conclave_types::Redacted;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Octets taken in one read.
const READ: usize = 4096;

/// Where a hub accepts.
pub struct Entrance {
    pub(crate) listener: TcpListener,
    pub(crate) others: Option<mpsc::Sender<Other>>,
}

impl Entrance {
    /// For rooms alone.
    pub fn of_rooms(listener: TcpListener) -> Entrance {
        Entrance { listener, others: None }
    }

    /// Shared with whoever does not speak the link's protocol. When the channel is full, such connections are dropped: the hub
    /// waits for nobody.
    pub fn shared(listener: TcpListener, others: mpsc::Sender<Other>) -> Entrance {
        Entrance { listener, others: Some(others) }
    }
}

/// A connection that is not the link's. Its octets are those of the TCP connection from the first one on.
pub struct Other {
    tcp: TcpStream,
    address: Redacted<SocketAddr>,
    /// What was read already, and not read again yet.
    said: Vec<u8>,
}

impl Other {
    /// From where it comes.
    pub fn address(&self) -> SocketAddr {
        self.address.0
    }
}

impl AsyncRead for Other {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.said.is_empty() {
            return Pin::new(&mut self.tcp).poll_read(context, into);
        }
        let octets = into.remaining().min(self.said.len());
        into.put_slice(self.said.get(..octets).unwrap_or_default());
        self.said.drain(..octets);
        if self.said.is_empty() {
            self.said = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Other {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, octets)
    }

    /// Several at once: what TLS says last is a second piece behind the first, and nobody comes back for it.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

/// Reads until it is known whose the connection is; with what was read.
async fn sort(tcp: &mut TcpStream) -> Result<(Whose, Vec<u8>), NotHeard> {
    let mut hearing = Hearing::default();
    let mut space = [0; READ];
    loop {
        let octets = tcp.read(&mut space).await?;
        if octets == 0 {
            return Err(NotHeard::Cut(io::ErrorKind::UnexpectedEof.into()));
        }
        let whose = hearing.hear(space.get(..octets).unwrap_or_default());
        if let Err(NotHeard::NoHello { alert, .. }) = &whose {
            // As much of it as fits: whoever sent no hello is not waited for.
            let _ = tcp.try_write(alert);
        }
        if let Some(whose) = whose? {
            return Ok((whose, hearing.said()));
        }
    }
}

/// Sorts a connection. A room's comes back, with what it said; another's goes where others are taken.
pub(crate) async fn room_or_other(
    mut tcp: TcpStream,
    address: SocketAddr,
    others: mpsc::Sender<Other>,
    door: &Door,
) -> Option<(TcpStream, Vec<u8>)> {
    match sort(&mut tcp).await {
        Ok((Whose::Rooms, said)) => Some((tcp, said)),
        Ok((Whose::Others, said)) => {
            let other = Other { tcp, address: Redacted(address), said };
            if others.try_send(other).is_err() {
                door.tally.refused(crate::totals::NoPlace::Others);
                tracing::debug!(address = ?Redacted(address), "no place for another browser");
            }
            None
        }
        Err(error) => {
            door.tally.handshakes_failed.add(1);
            tracing::debug!(address = ?Redacted(address), %error, "a connection could not be sorted");
            None
        }
    }
}

//! TLS over one connection, the server's end, that holds no buffer while nothing happens.
//!
//! rustls' usual connection keeps 4 KiB for what may come and more for what may go; of ten thousand
//! idle links that is most of the memory. This one drives rustls' unbuffered connection: octets lie
//! on the stack while it is polled, and only an unfinished record is kept.
//!
//! 1. [`handshake`] runs until rustls is ready for traffic;
//! 2. reading takes records apart, writing puts whole ones together and keeps what TCP has not
//!    taken: at most one write's worth;
//! 3. an alert or a ticket that rustls wants to send goes out with whatever comes next.

use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Octets taken from TCP in one read; they lie on the stack. Messages of the link are shorter.
const READ: usize = 4096;

/// Octets that one write puts into a record: more would only be cut by rustls again.
const RECORD: usize = 16 * 1024;

/// What a record adds: header, content type, tag.
const OVERHEAD: usize = 64;

/// One TLS connection.
pub(crate) struct Secure {
    tcp: TcpStream,
    tls: Box<UnbufferedServerConnection>,
    /// Came, and is no whole record yet.
    incoming: Vec<u8>,
    /// Decrypted, and not read yet.
    plain: Vec<u8>,
    /// Encrypted, and not taken by TCP yet.
    outgoing: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Open,
    /// The other end has said that nothing more comes.
    Ended,
    /// What came was not TLS, or not of this connection. An alert may have to go out still.
    Broken,
}

/// Shakes hands; `said` was read from the connection already. The client hears an alert when it fails.
pub(crate) async fn handshake(
    tcp: TcpStream,
    said: Vec<u8>,
    config: Arc<ServerConfig>,
) -> io::Result<Secure> {
    let tls = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
    let mut secure = Secure {
        tcp,
        tls: Box::new(tls),
        incoming: said,
        plain: Vec::new(),
        outgoing: Vec::new(),
        state: State::Handshake,
    };
    poll_fn(|context| secure.poll_handshake(context)).await?;
    Ok(secure)
}

impl Secure {
    /// What rustls knows of the connection: certificates, protocol, whether it was resumed.
    pub(crate) fn session(&self) -> &rustls::CommonState {
        &self.tls
    }

    /// Moves the connection to the runtime that this is called in.
    pub(crate) fn moved_here(mut self) -> io::Result<Secure> {
        self.tcp = TcpStream::from_std(self.tcp.into_std()?)?;
        Ok(self)
    }

    /// Lets rustls take the records apart that have come, and say what it has to.
    fn process(&mut self) -> io::Result<()> {
        if self.state == State::Broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let result = self.take_apart();
        if result.is_err() {
            // What is left in the connection then is the alert. Nothing that came counts any more.
            self.state = State::Broken;
            self.incoming = Vec::new();
            while self.tls.wants_write()
                && let ConnectionState::EncodeTlsData(mut data) =
                    self.tls.process_tls_records(&mut []).state.map_err(io::Error::other)?
            {
                put(&mut self.outgoing, |space| data.encode(space), needed_to_encode)?;
            }
        }
        result
    }

    fn take_apart(&mut self) -> io::Result<()> {
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.tls.process_tls_records(&mut self.incoming);
            let mut more = true;
            match state.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(io::Error::other)?;
                        discard += record.discard;
                        self.plain.extend_from_slice(record.payload);
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    put(&mut self.outgoing, |space| data.encode(space), needed_to_encode)?;
                }
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::PeerClosed => self.state = State::Ended,
                ConnectionState::WriteTraffic(_) => {
                    if self.state == State::Handshake {
                        self.state = State::Open;
                    }
                    more = false;
                }
                // Early data is never asked for.
                _ => more = false,
            }
            self.incoming.drain(..discard);
            if !more {
                return Ok(());
            }
        }
    }

    /// Gives back what nothing lies in.
    fn let_go(&mut self) {
        for buffer in [&mut self.incoming, &mut self.plain, &mut self.outgoing] {
            if buffer.is_empty() {
                *buffer = Vec::new();
            }
        }
    }
}

impl Secure {
    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let processed = self.process();
            let sent = self.poll_send(context);
            processed?;
            if self.state != State::Handshake {
                // The ticket may go out with the greeting.
                return Poll::Ready(Ok(()));
            }
            if let Poll::Ready(Err(error)) = sent {
                return Poll::Ready(Err(error));
            }
            if ready!(self.poll_receive(context))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Gives TCP what is encrypted.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let octets = ready!(Pin::new(&mut self.tcp).poll_write(context, &self.outgoing))?;
            if octets == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.drain(..octets);
        }
        Poll::Ready(Ok(()))
    }

    /// Takes octets from TCP; how many.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [0; READ];
        let mut read = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.tcp).poll_read(context, &mut read))?;
        self.incoming.extend_from_slice(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }
}

impl AsyncRead for Secure {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !self.plain.is_empty() {
                let octets = into.remaining().min(self.plain.len());
                into.put_slice(self.plain.get(..octets).unwrap_or_default());
                // They may be keys or a PIN.
                self.plain.get_mut(..octets).unwrap_or_default().fill(0);
                self.plain.drain(..octets);
                return Poll::Ready(Ok(()));
            }
            if self.state == State::Ended {
                return Poll::Ready(Ok(()));
            }
            match self.poll_receive(context)? {
                Poll::Ready(0) => {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Poll::Ready(_) => {
                    let processed = self.process();
                    // An alert, or the answer to a change of keys.
                    let sent = self.poll_send(context);
                    processed?;
                    if let Poll::Ready(Err(error)) = sent {
                        return Poll::Ready(Err(error));
                    }
                }
                Poll::Pending => {
                    self.let_go();
                    return Poll::Pending;
                }
            }
        }
    }
}

impl AsyncWrite for Secure {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        // What TCP has not taken yet goes first, so that no more than one write waits here.
        ready!(self.poll_send(context))?;
        let octets = octets.get(..RECORD).unwrap_or(octets);
        self.process()?;
        let this = &mut *self;
        match this.tls.process_tls_records(&mut this.incoming).state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => put(
                &mut this.outgoing,
                |space| traffic.encrypt(octets, space),
                |error| match error {
                    EncryptError::InsufficientSize(short) => Ok(short.required_size),
                    exhausted @ EncryptError::EncryptExhausted => Err(io::Error::other(exhausted)),
                },
            )?,
            Ok(_) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Err(error) => return Poll::Ready(Err(io::Error::other(error))),
        }
        // Taken, whether TCP takes it now or later.
        if let Poll::Ready(Err(error)) = this.poll_send(context) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        let this = &mut *self;
        if this.state != State::Broken
            && let Ok(ConnectionState::WriteTraffic(mut traffic)) =
                this.tls.process_tls_records(&mut this.incoming).state
        {
            let mut space = [0; OVERHEAD];
            // Nothing is written the second time.
            if let Ok(octets) = traffic.queue_close_notify(&mut space) {
                this.outgoing.extend_from_slice(space.get(..octets).unwrap_or_default());
            }
        }
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.tcp).poll_shutdown(context)
    }
}

/// Appends what `write` writes, with as much space as it asks for.
fn put<E>(
    buffer: &mut Vec<u8>,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
    needed: impl Fn(E) -> io::Result<usize>,
) -> io::Result<()> {
    let begun = buffer.len();
    let mut space = OVERHEAD;
    loop {
        buffer.resize(begun + space, 0);
        match write(buffer.get_mut(begun..).unwrap_or_default()) {
            Ok(octets) => {
                buffer.truncate(begun + octets);
                return Ok(());
            }
            Err(error) => {
                buffer.truncate(begun);
                let more = needed(error)?;
                if more <= space {
                    return Err(io::Error::other("TLS asks for less space than it has"));
                }
                space = more;
            }
        }
    }
}

fn needed_to_encode(error: EncodeError) -> io::Result<usize> {
    match error {
        EncodeError::InsufficientSize(short) => Ok(short.required_size),
        encoded @ EncodeError::AlreadyEncoded => Err(io::Error::other(encoded)),
    }
}

//! Reading and writing one TLS stream from one task, without a buffer of its own between messages:
//! thousands of idle links hold none.

#![forbid(unsafe_code)]

use conclave_types::Secret;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Octets taken in one read. They lie on the stack while the task is polled, not in the task.
const READ: usize = 4096;

/// What is still to be written.
#[derive(Debug, Default)]
pub struct Outgoing {
    frames: VecDeque<Secret<Vec<u8>>>,
    /// Octets of the first frame that are written.
    written: usize,
    /// Octets of all frames that are not written yet.
    waiting: usize,
    unflushed: bool,
}

impl Outgoing {
    /// Puts one frame behind the others.
    pub fn push(&mut self, frame: Secret<Vec<u8>>) {
        self.waiting += frame.expose().len();
        self.frames.push_back(frame);
    }

    /// Octets that the other end has not taken yet; TLS and TCP hold some more.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    fn advance(&mut self, octets: usize) {
        self.unflushed = true;
        self.waiting = self.waiting.saturating_sub(octets);
        self.written += octets;
        if self.frames.front().is_some_and(|frame| self.written >= frame.expose().len()) {
            self.frames.pop_front();
            self.written = 0;
            if self.frames.is_empty() {
                self.frames = VecDeque::new();
            }
        }
    }
}

/// Writes what there is to write and waits for octets. An empty read is the end of the stream.
/// Dropping the future loses nothing.
pub async fn turn<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    outgoing: &mut Outgoing,
) -> io::Result<Secret<Vec<u8>>> {
    poll_fn(|context| {
        let mut stream = Pin::new(&mut *stream);
        while let Some(frame) = outgoing.frames.front() {
            let rest = frame.expose().get(outgoing.written..).unwrap_or_default();
            match stream.as_mut().poll_write(context, rest) {
                Poll::Ready(Ok(octets)) => outgoing.advance(octets),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => break,
            }
        }
        if outgoing.unflushed {
            match stream.as_mut().poll_flush(context) {
                Poll::Ready(Ok(())) => outgoing.unflushed = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        let mut space = [0; READ];
        let mut read = ReadBuf::new(&mut space);
        match stream.poll_read(context, &mut read) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(Secret::new(read.filled().to_vec()))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Writes the rest and closes.
pub async fn finish<S: AsyncWrite + Unpin>(
    stream: &mut S,
    outgoing: &mut Outgoing,
) -> io::Result<()> {
    while let Some(frame) = outgoing.frames.front() {
        let rest = frame.expose().get(outgoing.written..).unwrap_or_default();
        let octets = stream.write(rest).await?;
        outgoing.advance(octets);
    }
    stream.shutdown().await
}

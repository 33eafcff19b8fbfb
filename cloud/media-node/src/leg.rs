//! One leg's socket, keys and peer.

use crate::burst::Burst;
use crate::ports::Bound;
use crate::totals::Sums;
use conclave_forward::{LegStatistics, Outgoing};
use conclave_srtp::{Open, OpenError, RTP_OVERHEAD, Seal, is_rtcp};
use conclave_types::{LegId, Redacted};
use futures_util::future::AbortHandle;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tracing::Span;

/// One leg, as its meeting's task owns it.
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) socket: Arc<UdpSocket>,
    /// Ends the wait for its socket, which lets go of the port.
    pub(crate) waiting: AbortHandle,
    batch: UdpSocketState,
    open: Box<dyn Open>,
    seal: Box<dyn Seal>,
    peer: Option<Peer>,
    refused: Refused,
    unsent: u64,
    /// Octets that the seal adds to an RTP packet; found at the first one.
    overhead: Option<usize>,
    /// What is said about this leg is said in it.
    span: Span,
}

/// Where authentic packets come from.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Peer {
    address: SocketAddr,
    /// Our address that they were sent to, where we have several.
    ours: Option<IpAddr>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Refused {
    malformed: u64,
    not_authentic: u64,
    replayed: u64,
}

/// A packet in the clear.
pub(crate) enum Opened<'a> {
    /// In the place where it came.
    Rtp(&'a [u8]),
    Rtcp(Vec<u8>),
}

/// What happened on a leg so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegReport {
    /// Its id, which the room has too.
    pub leg: LegId,
    /// Where the room's packets come from; `None` before the first authentic one.
    pub peer: Option<Redacted<SocketAddr>>,
    /// What was forwarded, lost and repaired.
    pub forwarded: LegStatistics,
    /// Datagrams that were no SRTP or SRTCP.
    pub malformed: u64,
    /// Datagrams that did not authenticate.
    pub not_authentic: u64,
    /// Datagrams that had come before.
    pub replayed: u64,
    /// Packets that the system did not take for sending.
    pub unsent: u64,
}

impl Leg {
    pub(crate) fn new(
        id: LegId,
        bound: Bound,
        open: Box<dyn Open>,
        seal: Box<dyn Seal>,
        span: Span,
    ) -> Leg {
        let (waiting, _) = AbortHandle::new_pair();
        Leg {
            id,
            socket: Arc::new(bound.socket),
            waiting,
            batch: bound.batch,
            open,
            seal,
            peer: None,
            refused: Refused::default(),
            unsent: 0,
            overhead: None,
            span,
        }
    }

    /// The span of everything that is said about this leg.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Reads what is there, without waiting.
    pub(crate) fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> io::Result<usize> {
        self.socket
            .try_io(Interest::READABLE, || self.batch.recv((&*self.socket).into(), buffers, metas))
    }

    /// Opens a datagram in its place. One that is authentic and new tells where the peer is.
    pub(crate) fn open<'a>(
        &mut self,
        datagram: &'a mut [u8],
        from: SocketAddr,
        ours: Option<IpAddr>,
        totals: &mut Sums,
    ) -> Option<Opened<'a>> {
        let opened = if is_rtcp(datagram) {
            self.open.open_rtcp(datagram).map(Opened::Rtcp)
        } else {
            self.open.open_rtp_in_place(datagram).map(|packet| Opened::Rtp(packet))
        };
        match opened {
            Ok(opened) => {
                let peer = Some(Peer { address: from, ours });
                if self.peer != peer {
                    self.peer = peer;
                    self.span.in_scope(|| tracing::debug!(peer = ?Redacted(from), "peer learned"));
                }
                Some(opened)
            }
            Err(error) => {
                let refused = &mut self.refused;
                let (counter, sum) = match error {
                    OpenError::Malformed | OpenError::TooManySources => {
                        (&mut refused.malformed, &mut totals.malformed)
                    }
                    OpenError::NotAuthentic => {
                        (&mut refused.not_authentic, &mut totals.not_authentic)
                    }
                    OpenError::Replayed => (&mut refused.replayed, &mut totals.replayed),
                };
                (*counter, *sum) = (*counter + 1, *sum + 1);
                None
            }
        }
    }

    /// Seals packets and sends them in as few calls as possible. What the system does not take at
    /// once is dropped: the receiver asks for it again, and waiting would hold up everyone else.
    ///
    /// Packets are written, changed and sealed where they leave from.
    pub(crate) fn send(&mut self, packets: &[Outgoing], burst: &mut Burst, totals: &mut Sums) {
        let Some(peer) = self.peer else { return };
        let most = self.batch.max_gso_segments();
        burst.clear();
        for packet in packets {
            let sealed = match packet {
                Outgoing::Rtp(packet) => {
                    let length = packet.octets() + self.overhead.unwrap_or(RTP_OVERHEAD);
                    if !burst.takes(length, most) {
                        self.transmit(peer, burst, totals);
                    }
                    let begin = burst.length();
                    packet.append(burst.tail());
                    self.seal.seal_rtp_tail(burst.tail(), begin).map(|()| {
                        self.overhead = Some(burst.length() - begin - packet.octets());
                        burst.close(begin);
                    })
                }
                Outgoing::Rtcp(packet) => self.seal.seal_rtcp(packet).map(|sealed| {
                    if !burst.takes(sealed.len(), most) {
                        self.transmit(peer, burst, totals);
                    }
                    let begin = burst.length();
                    burst.tail().extend_from_slice(&sealed);
                    burst.close(begin);
                }),
            };
            if sealed.is_err() {
                self.unsent += 1;
                totals.unsent += 1;
            }
        }
        self.transmit(peer, burst, totals);
    }

    fn transmit(&mut self, peer: Peer, burst: &mut Burst, totals: &mut Sums) {
        let (contents, segment, packets) = burst.contents();
        if packets == 0 {
            return;
        }
        let transmit = Transmit {
            destination: peer.address,
            ecn: None,
            contents,
            segment_size: (packets > 1).then_some(segment),
            src_ip: peer.ours,
        };
        if let Err(error) = self.batch.try_send((&*self.socket).into(), &transmit) {
            self.unsent += packets as u64;
            totals.unsent += packets as u64;
            self.span.in_scope(|| tracing::debug!(%error, packets, "packets not sent"));
        } else {
            totals.bursts += 1;
        }
        burst.clear();
    }

    pub(crate) fn report(&self, forwarded: LegStatistics) -> LegReport {
        LegReport {
            leg: self.id,
            peer: self.peer.map(|peer| Redacted(peer.address)),
            forwarded,
            malformed: self.refused.malformed,
            not_authentic: self.refused.not_authentic,
            replayed: self.refused.replayed,
            unsent: self.unsent,
        }
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        self.waiting.abort();
    }
}

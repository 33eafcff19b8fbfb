//! The load: a sender of video-like bursts, receivers that count, and what a run of both tells.
//!
//! One thread does both, so that a machine with two cores has one left for what is measured. It
//! seals as it sends and counts without opening, except at the first receiver, where each packet
//! is opened and compared with what was sent. It sleeps instead of waiting for its sockets: no
//! forwarder pays for waking it up.

use super::system::System;
use anyhow::{Context, Result, ensure};
use conclave_rtp::rtcp::{self, Packet as Rtcp};
use conclave_rtp::{Draft, Packet};
use conclave_srtp::{Open, Seal, is_rtcp};
use conclave_types::Ssrc;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{ErrorKind, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Octets of every datagram, sealed. A video packet of ours is as long.
pub(crate) const DATAGRAM: usize = 1200;
/// RTP's fixed header.
const HEADER: usize = 12;
/// Octets at the start of a payload: when it left, nanoseconds, and its serial number.
const STAMP: usize = 16;
/// Frames sent before the receivers are looked after, when the sender has fallen behind.
const FRAMES_AT_ONCE: u64 = 8;
/// Datagrams, or merged groups of them, read in one call.
const BUFFERS: usize = 8;
/// The longest nap. What arrives meanwhile must fit into the receivers' buffers.
const NAP: Duration = Duration::from_micros(500);
/// Octets that a receiver's socket may hold: tens of milliseconds at the highest loads.
const BUFFER: usize = 4 << 20;
/// From one report of a receiver to the next, as our rooms do it.
const REPORT: Duration = Duration::from_secs(1);

/// What comes in at the forwarder.
pub(crate) struct Source {
    pub(crate) socket: UdpSocket,
    pub(crate) to: SocketAddr,
    /// `None` sends in the clear.
    pub(crate) seal: Option<Box<dyn Seal>>,
    pub(crate) ssrc: Ssrc,
    pub(crate) payload_type: u8,
    state: UdpSocketState,
    serial: u64,
}

/// One who receives.
pub(crate) struct Receiver {
    pub(crate) socket: Arc<UdpSocket>,
    state: UdpSocketState,
    /// Opens what comes; asked of the first receiver only.
    pub(crate) open: Option<Box<dyn Open>>,
    /// Where to report to, with whose key and name, for forwarders that want to hear a receiver.
    pub(crate) reports: Option<(SocketAddr, Box<dyn Seal>, Ssrc)>,
    next_report: Instant,
    packets: u64,
    groups: u64,
}

/// How packets are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Packets in a second.
    pub(crate) rate: f64,
    /// Packets of one frame, which leave together.
    pub(crate) burst: usize,
}

/// What a run showed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Packets in a second that really were sent.
    pub(crate) offered: f64,
    /// Packets that came to all receivers.
    pub(crate) forwarded: u64,
    /// Of those that should have come.
    pub(crate) delivered: f64,
    /// Processor time of the forwarder.
    pub(crate) spent: Duration,
    /// The run's length.
    pub(crate) span: Duration,
    /// Packets that came together, on average.
    pub(crate) group: f64,
    /// Delays at the first receiver, milliseconds, in a run that asked for them.
    pub(crate) delays: Vec<f64>,
    /// In the forwarder itself all but one in a hundred packets took at most so many milliseconds,
    /// where it counts them.
    pub(crate) within: Option<f64>,
}

impl Outcome {
    /// Packets forwarded per second of processor time.
    pub(crate) fn per_second(&self) -> f64 {
        self.forwarded as f64 / self.spent.as_secs_f64()
    }

    /// The share of one core that the forwarder used.
    pub(crate) fn busy(&self) -> f64 {
        self.spent.as_secs_f64() / self.span.as_secs_f64()
    }
}

/// Whether delays are measured, which takes a thread that waits at the first receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delays {
    Measured,
    Ignored,
}

/// A socket on this machine alone.
pub(crate) fn socket() -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl Source {
    pub(crate) fn new(
        to: SocketAddr,
        seal: Option<Box<dyn Seal>>,
        ssrc: Ssrc,
        payload_type: u8,
        socket: UdpSocket,
    ) -> Result<Source> {
        let state = UdpSocketState::new((&socket).into())?;
        let _ = state.set_send_buffer_size((&socket).into(), BUFFER);
        Ok(Source { socket, to, seal, ssrc, payload_type, state, serial: 0 })
    }

    /// Sends one frame.
    fn frame(&mut self, burst: usize, epoch: Instant, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        for place in 0..burst {
            let now = u64::try_from(epoch.elapsed().as_nanos()).context("a run of centuries")?;
            let mut payload = vec![self.serial as u8; DATAGRAM - HEADER - overhead(&self.seal)];
            payload[..8].copy_from_slice(&now.to_be_bytes());
            payload[8..STAMP].copy_from_slice(&self.serial.to_be_bytes());
            let draft = Draft {
                marker: place + 1 == burst,
                payload_type: self.payload_type,
                // Truncated on purpose, as RTP counts.
                sequence: self.serial as u16,
                timestamp: ((self.serial / burst as u64) * 3000) as u32,
                source: self.ssrc,
                audio_level: None,
            };
            self.serial += 1;
            let packet = draft.write(&payload);
            match &mut self.seal {
                Some(seal) => buffer.extend_from_slice(&seal.seal_rtp(&packet)?),
                None => buffer.extend_from_slice(&packet),
            }
        }
        let transmit = Transmit {
            destination: self.to,
            ecn: None,
            contents: buffer,
            segment_size: (burst > 1).then_some(buffer.len() / burst),
            src_ip: None,
        };
        match self.state.try_send((&self.socket).into(), &transmit) {
            // What the system does not take is lost like anything else.
            Err(error)
                if error.kind() != ErrorKind::WouldBlock
                    && error.kind() != ErrorKind::ConnectionRefused =>
            {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }
}

/// Octets that the seal will add: 16 or 10, found by sealing.
fn overhead(seal: &Option<Box<dyn Seal>>) -> usize {
    // Shorter by the longer of both, so that every suite's datagram has at most the length.
    if seal.is_some() { conclave_srtp::RTP_OVERHEAD } else { 10 }
}

impl Receiver {
    pub(crate) fn new(
        socket: UdpSocket,
        open: Option<Box<dyn Open>>,
        reports: Option<(SocketAddr, Box<dyn Seal>, Ssrc)>,
    ) -> Result<Receiver> {
        let state = UdpSocketState::new((&socket).into())?;
        let _ = state.set_recv_buffer_size((&socket).into(), BUFFER);
        let socket = Arc::new(socket);
        let next_report = Instant::now();
        Ok(Receiver { socket, state, open, reports, next_report, packets: 0, groups: 0 })
    }

    /// Reads what is there, counts it and, where there is a key, looks into it.
    fn drain(&mut self, buffers: &mut [Vec<u8>], checked: &mut Checked) -> Result<()> {
        loop {
            let mut metas = [RecvMeta::default(); BUFFERS];
            let mut each = buffers.iter_mut();
            let mut slices: [IoSliceMut<'_>; BUFFERS] = std::array::from_fn(|_| {
                IoSliceMut::new(each.next().map_or(&mut [], Vec::as_mut_slice))
            });
            let received = match self.state.recv((&*self.socket).into(), &mut slices, &mut metas) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => continue,
                Err(error) => return Err(error.into()),
            };
            for (buffer, meta) in buffers.iter().zip(&metas[..received]) {
                self.groups += u64::from(meta.stride > DATAGRAM / 2);
                for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                    if datagram.len() < DATAGRAM / 2 || is_rtcp(datagram) {
                        continue;
                    }
                    self.packets += 1;
                    if let Some(open) = &mut self.open {
                        checked.look(datagram, open.as_mut())?;
                    }
                }
            }
            if received < BUFFERS {
                return Ok(());
            }
        }
    }

    fn report(&mut self, now: Instant) -> Result<()> {
        if let Some((to, seal, ssrc)) = &mut self.reports
            && self.next_report <= now
        {
            self.next_report = now + REPORT;
            let report = Rtcp::ReceiverReport { sender: *ssrc, blocks: Vec::new() };
            let sealed = seal.seal_rtcp(&rtcp::write(&[report]))?;
            // A full buffer loses it, and the next one follows.
            let _ = self.socket.send_to(&sealed, *to);
        }
        Ok(())
    }
}

/// What the first receiver found in its packets.
#[derive(Debug, Default)]
struct Checked {
    packets: u64,
    epoch: Option<Instant>,
    delays: Vec<f64>,
}

impl Checked {
    fn look(&mut self, datagram: &[u8], open: &mut dyn Open) -> Result<()> {
        let packet = open.open_rtp(datagram).context("a forwarded packet does not open")?;
        let payload = Packet::parse(&packet)?.payload();
        let stamp = payload.first_chunk::<8>().context("a forwarded packet is short")?;
        let serial = payload[8..].first_chunk::<8>().context("a forwarded packet is short")?;
        // Truncated as it was when it was filled.
        let fill = u64::from_be_bytes(*serial) as u8;
        ensure!(payload[STAMP..].iter().all(|octet| *octet == fill), "a packet was changed");
        self.packets += 1;
        if let Some(epoch) = self.epoch {
            let now = epoch.elapsed().as_nanos() as f64;
            self.delays.push((now - u64::from_be_bytes(*stamp) as f64) / 1e6);
        }
        Ok(())
    }
}

/// Sends to the system for a while and counts what arrives, after a short time of running in.
pub(crate) fn run(
    system: &mut System,
    shape: Shape,
    span: Duration,
    delays: Delays,
) -> Result<Outcome> {
    let epoch = Instant::now();
    let done = AtomicBool::new(false);
    // The first receiver's own thread takes its socket over and waits at it.
    let waiting = (delays == Delays::Measured).then(|| system.receivers[0].open.take()).flatten();
    let socket = system.receivers[0].socket.clone();
    std::thread::scope(|scope| {
        let waiter = waiting.map(|open| scope.spawn(|| wait(socket, open, epoch, &done)));
        let outcome = drive(system, shape, span, epoch, waiter.is_some());
        done.store(true, Ordering::Relaxed);
        let mut outcome = outcome?;
        if let Some(waiter) = waiter {
            let (open, checked) = waiter.join().map_err(|_| anyhow::anyhow!("a thread fell"))??;
            system.receivers[0].open = Some(open);
            ensure!(checked.packets > 0, "nothing came to the first receiver");
            outcome.delays = checked.delays;
        }
        Ok(outcome)
    })
}

/// Waits at the first receiver, packet by packet.
fn wait(
    socket: Arc<UdpSocket>,
    mut open: Box<dyn Open>,
    epoch: Instant,
    done: &AtomicBool,
) -> Result<(Box<dyn Open>, Checked)> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    let state = UdpSocketState::new((&*socket).into())?;
    socket.set_nonblocking(false)?;
    let mut checked = Checked { epoch: Some(epoch), ..Checked::default() };
    let mut buffer = vec![0; 1 << 16];
    while !done.load(Ordering::Relaxed) {
        let mut metas = [RecvMeta::default()];
        let read = state.recv((&*socket).into(), &mut [IoSliceMut::new(&mut buffer)], &mut metas);
        match read {
            Ok(_) => {
                for datagram in buffer[..metas[0].len].chunks(metas[0].stride.max(1)) {
                    if datagram.len() >= DATAGRAM / 2 && !is_rtcp(datagram) {
                        checked.look(datagram, open.as_mut())?;
                    }
                }
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused
                ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    socket.set_nonblocking(true)?;
    Ok((open, checked))
}

fn drive(
    system: &mut System,
    shape: Shape,
    span: Duration,
    epoch: Instant,
    first_has_a_thread: bool,
) -> Result<Outcome> {
    /// From the first packet to the start of counting: addresses are learned, buffers found.
    const RUN_IN: Duration = Duration::from_millis(400);
    let skipped = usize::from(first_has_a_thread);
    let mut buffers = vec![vec![0; 1 << 16]; BUFFERS];
    let mut out = Vec::with_capacity(1 << 16);
    let mut checked = Checked::default();
    let frames_per_second = shape.rate / shape.burst as f64;
    let (mut frames, mut begun) = (0_u64, None);
    // Receivers are heard before anything is sent to them.
    for receiver in &mut system.receivers {
        receiver.next_report = Instant::now();
        receiver.report(Instant::now())?;
    }
    std::thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    loop {
        let now = Instant::now();
        let due = (now.duration_since(start).as_secs_f64() * frames_per_second) as u64;
        let at_once = due.saturating_sub(frames).min(FRAMES_AT_ONCE);
        for _ in 0..if system.paced.is_some() { 0 } else { at_once } {
            system.source.frame(shape.burst, epoch, &mut out)?;
        }
        frames += at_once;
        for receiver in &mut system.receivers[skipped..] {
            receiver.drain(&mut buffers, &mut checked)?;
        }
        for receiver in &mut system.receivers {
            receiver.report(now)?;
        }
        if begun.is_none() && now.duration_since(start) >= RUN_IN {
            let counts = totals(&system.receivers[skipped..]);
            begun = Some((Instant::now(), frames, counts, system.running.spent()?));
        }
        if let Some((at, frames_before, before, spent)) = begun
            && at.elapsed() >= span
        {
            let (packets, groups) = totals(&system.receivers[skipped..]);
            let (packets, groups) = (packets - before.0, groups - before.1);
            let (span, spent) = (at.elapsed(), system.running.spent()? - spent);
            let counted = (system.receivers.len() - skipped) as f64;
            let sent = match system.paced {
                Some(rate) => rate * span.as_secs_f64() / counted,
                None => ((frames - frames_before) * shape.burst as u64) as f64,
            };
            ensure!(sent > 0.0, "nothing was sent");
            // In a run of delays one receiver's packets are counted by their share.
            let all = if counted > 0.0 { system.receivers.len() as f64 / counted } else { 0.0 };
            return Ok(Outcome {
                offered: sent / span.as_secs_f64(),
                forwarded: (packets as f64 * all) as u64,
                delivered: if counted > 0.0 { packets as f64 / (sent * counted) } else { 1.0 },
                spent,
                span,
                group: packets as f64 / groups.max(1) as f64,
                delays: Vec::new(),
                within: None,
            });
        }
        let next = start + Duration::from_secs_f64((frames + 1) as f64 / frames_per_second);
        let nap = next.saturating_duration_since(Instant::now()).min(NAP);
        // Shorter naps last longer than they should.
        if nap > Duration::from_micros(60) {
            std::thread::sleep(nap);
        }
    }
}

fn totals(receivers: &[Receiver]) -> (u64, u64) {
    receivers.iter().fold((0, 0), |sum, one| (sum.0 + one.packets, sum.1 + one.groups))
}

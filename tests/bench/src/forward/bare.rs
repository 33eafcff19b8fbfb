//! The ceiling: a loop that seals with ring and sends with GSO, and decides nothing.

use super::load::{self, DATAGRAM, Receiver, Source};
use super::system::System;
use crate::process::{Running, until};
use anyhow::{Context, Result, anyhow, bail};
use conclave_types::{Ssrc, VIDEO_PAYLOAD_TYPE};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::io::{IoSliceMut, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

/// What the child is called on its command line.
pub(crate) const ROLE: &str = "bare-loop";

/// RTP's fixed header, which is authenticated and not encrypted.
const HEADER: usize = 12;
/// How long the loop pauses when it is ahead of its pace; what is due then follows at once.
const PAUSE: Duration = Duration::from_millis(4);
/// GCM's tag.
const TAG: usize = 16;

/// Starts the loop: at a pace of its own (packets per second, packets per burst), or answering.
pub(crate) fn start(
    folder: tempfile::TempDir,
    receivers: usize,
    pace: Option<(f64, usize)>,
) -> Result<System> {
    let mut sockets = Vec::new();
    for _ in 0..receivers {
        sockets.push(Receiver::new(load::socket()?, None, None)?);
    }
    let (rate, burst) = pace.unwrap_or_default();
    let mut command = Command::new(std::env::current_exe()?);
    command.args([ROLE.to_owned(), rate.to_string(), burst.to_string()]);
    for receiver in &sockets {
        command.arg(receiver.socket.local_addr()?.port().to_string());
    }
    let log = folder.path().join("loop.log");
    let running = Running::start("the bare loop", &mut command, &log)?;
    let mut port = None;
    until("the bare loop's port", Duration::from_secs(10), || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        port = text.strip_suffix('\n').and_then(|line| line.parse::<u16>().ok());
        port.is_some()
    })?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port.context("no port")?));
    let source = Source::new(to, None, Ssrc(1), VIDEO_PAYLOAD_TYPE, load::socket()?)?;
    Ok(System {
        running,
        source,
        receivers: sockets,
        paced: pace.map(|pace| pace.0),
        held: None,
        _folder: folder,
    })
}

/// One receiver of the loop.
struct To {
    address: SocketAddr,
    key: LessSafeKey,
    salt: [u8; 12],
    socket: UdpSocket,
    state: UdpSocketState,
}

impl To {
    fn new(port: u16) -> Result<To> {
        let mut bytes = [0; 28];
        SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow!("no random numbers"))?;
        let key = UnboundKey::new(&AES_128_GCM, &bytes[..16]).map_err(|_| anyhow!("no key"))?;
        let mut salt = [0; 12];
        salt.copy_from_slice(&bytes[16..]);
        let socket = load::socket()?;
        let state = UdpSocketState::new((&socket).into())?;
        let _ = state.set_send_buffer_size((&socket).into(), 1 << 21);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(To { address, key: LessSafeKey::new(key), salt, socket, state })
    }

    /// Seals packets of equal length and sends them in one call.
    fn send(&self, packets: &[u8], length: usize, first: u64, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        for (serial, packet) in (first..).zip(packets.chunks(length)) {
            let begin = buffer.len();
            buffer.extend_from_slice(packet);
            let (header, payload) = buffer[begin..].split_at_mut(HEADER);
            let mut nonce = self.salt;
            for (octet, number) in nonce[4..].iter_mut().zip(serial.to_be_bytes()) {
                *octet ^= number;
            }
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = self
                .key
                .seal_in_place_separate_tag(nonce, Aad::from(&*header), payload)
                .map_err(|_| anyhow!("not sealed"))?;
            buffer.extend_from_slice(tag.as_ref());
        }
        let transmit = Transmit {
            destination: self.address,
            ecn: None,
            contents: buffer,
            segment_size: (packets.len() > length).then_some(length + TAG),
            src_ip: None,
        };
        // What is not taken is lost, and shows as not delivered.
        let _ = self.state.try_send((&self.socket).into(), &transmit);
        Ok(())
    }
}

/// The child.
pub(crate) fn serve(arguments: &[String]) -> Result<()> {
    let [rate, burst, ports @ ..] = arguments else { bail!("wanted: rate, burst, ports") };
    let (rate, burst): (f64, usize) = (rate.parse()?, burst.parse()?);
    let to = ports.iter().map(|port| To::new(port.parse()?)).collect::<Result<Vec<To>>>()?;
    let socket = load::socket()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", socket.local_addr()?.port())?;
    out.flush()?;
    if burst == 0 { answer(&socket, &to) } else { pace(&to, rate, burst) }
}

fn answer(socket: &UdpSocket, to: &[To]) -> Result<()> {
    let state = UdpSocketState::new(socket.into())?;
    let _ = state.set_recv_buffer_size(socket.into(), 1 << 21);
    socket.set_nonblocking(false)?;
    let (mut buffer, mut out, mut serial) = (vec![0; 1 << 16], Vec::new(), 0);
    loop {
        let mut metas = [RecvMeta::default()];
        if state.recv(socket.into(), &mut [IoSliceMut::new(&mut buffer)], &mut metas).is_err() {
            continue;
        }
        // The sender leaves 10 octets for a tag, the loop has one of 16.
        let length = metas[0].stride.max(1);
        for to in to {
            to.send(&buffer[..metas[0].len], length, serial, &mut out)?;
        }
        serial += 64;
    }
}

fn pace(to: &[To], rate: f64, burst: usize) -> Result<()> {
    let packet = {
        let mut packet = vec![0x5a; DATAGRAM - TAG];
        packet[0] = 0x80;
        packet[1] = VIDEO_PAYLOAD_TYPE;
        packet
    };
    let packets = packet.repeat(burst);
    let (mut out, mut serial, start) = (Vec::new(), 0_u64, Instant::now());
    let between = burst as f64 * to.len() as f64 / rate;
    for round in 1_u64.. {
        for to in to {
            to.send(&packets, packet.len(), serial, &mut out)?;
        }
        serial += burst as u64;
        let next = start + Duration::from_secs_f64(round as f64 * between);
        // A ceiling should not wake up for each burst: it works through what a pause left over.
        if next > Instant::now() {
            std::thread::sleep(PAUSE);
        }
    }
    Ok(())
}

//! A socket on a random port.

use crate::{MediaNodeConfig, OpenLegError};
use quinn_udp::UdpSocketState;
use ring::rand::{SecureRandom, SystemRandom};
use std::io;
use std::net::UdpSocket as StdSocket;
use tokio::net::UdpSocket;

/// Random picks within a configured range before ports are tried one after the other.
const PICKS: usize = 32;
/// Ports that are tried in all. A range of up to this size is searched to its end; in a larger one
/// this many taken ports in a row mean that something else is wrong.
const TRIES: usize = 1024;

/// Octets that a socket may hold in each direction, if the system allows (`net.core.rmem_max` and
/// `wmem_max`). Inwards: the kernel counts some 2.3 kB for a video packet and grants the double, so
/// this holds 1,800, a third of a second of a leg at its limit; the task is never away as long.
/// Outwards: a keyframe for one receiver, several times.
const SOCKET_BUFFER: usize = 1 << 21;

/// A bound socket, ready for batches, and its port.
pub(crate) struct Bound {
    pub(crate) socket: UdpSocket,
    pub(crate) batch: UdpSocketState,
    pub(crate) port: u16,
}

/// Binds a socket to a random free port.
pub(crate) fn bind(config: &MediaNodeConfig, random: &SystemRandom) -> Result<Bound, OpenLegError> {
    let failed = |tries| move |source| OpenLegError::NoPort { tries, source };
    let Some(range) = &config.ports else {
        return StdSocket::bind((config.bind, 0)).and_then(ready).map_err(failed(1));
    };
    let (first, size) = (*range.start(), range.clone().count());
    if size == 0 {
        let empty = io::Error::new(io::ErrorKind::InvalidInput, "the configured range is empty");
        return Err(failed(0)(empty));
    }
    let mut offset = 0;
    for tried in 1..=PICKS + TRIES {
        offset = if tried <= PICKS { draw(random)? % size } else { (offset + 1) % size };
        // Below the range's size, so it fits and stays within the range.
        let port = first + offset as u16;
        match StdSocket::bind((config.bind, port)) {
            Ok(socket) => return ready(socket).map_err(failed(tried)),
            // Any other error would meet us at every port.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                return Err(failed(tried)(error));
            }
            Err(error) if tried == PICKS + TRIES || tried == PICKS + size => {
                return Err(failed(tried)(error));
            }
            Err(_) => {}
        }
    }
    let taken = io::Error::from(io::ErrorKind::AddrInUse);
    Err(failed(PICKS + TRIES)(taken))
}

fn ready(socket: StdSocket) -> io::Result<Bound> {
    let batch = UdpSocketState::new((&socket).into())?;
    // Smaller buffers serve too, so what the system says to the wish does not matter.
    let _ = batch.set_send_buffer_size((&socket).into(), SOCKET_BUFFER);
    let _ = batch.set_recv_buffer_size((&socket).into(), SOCKET_BUFFER);
    let port = socket.local_addr()?.port();
    Ok(Bound { socket: UdpSocket::from_std(socket)?, batch, port })
}

fn draw(random: &SystemRandom) -> Result<usize, OpenLegError> {
    let mut bytes = [0; 4];
    random.fill(&mut bytes).map_err(|_| OpenLegError::NoKeys)?;
    Ok(u32::from_ne_bytes(bytes) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use std::net::{IpAddr, Ipv4Addr};

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn the_last_free_port_of_a_range_is_found_and_a_full_range_is_an_error() {
        let taken = StdSocket::bind((LOOPBACK, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let config = |ports| MediaNodeConfig {
            bind: LOOPBACK,
            ports: Some(ports),
            address: None,
            limits: Limits::default(),
        };
        let random = SystemRandom::new();
        let full = bind(&config(port..=port), &random);
        assert!(matches!(full, Err(OpenLegError::NoPort { tries: 33, .. })));
        let range = port.saturating_sub(3)..=port.saturating_add(3);
        let bound = bind(&config(range.clone()), &random).unwrap();
        assert!(range.contains(&bound.port) && bound.port != port);
        #[expect(clippy::reversed_empty_ranges, reason = "a mistake of the configuration")]
        let empty = bind(&config(9..=8), &random);
        assert!(matches!(empty, Err(OpenLegError::NoPort { tries: 0, .. })));
    }
}

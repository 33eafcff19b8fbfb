//! Which sockets a process has open, from /proc.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// A socket that something outside could reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Open {
    /// A TCP socket that listens at this address (as /proc writes it).
    Listening(String),
    /// A UDP socket that takes datagrams from anybody at this address.
    Unconnected(String),
}

/// Everything that a process listens on: TCP in state LISTEN, and UDP that is bound and not
/// connected. A connected UDP socket takes datagrams from its one peer alone.
pub fn open_to_the_network(pid: u32) -> Result<Vec<Open>> {
    let proc = Path::new("/proc").join(pid.to_string());
    let own = inodes(&proc.join("fd"))?;
    let mut open = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        // A kernel without IPv6 has no tcp6.
        let Ok(text) = std::fs::read_to_string(proc.join("net").join(table)) else { continue };
        open.extend(reachable(&text, table.starts_with("tcp"), &own));
    }
    Ok(open)
}

/// The local ports of a process's UDP sockets.
pub fn udp_ports(pid: u32) -> Result<BTreeSet<u16>> {
    let proc = Path::new("/proc").join(pid.to_string());
    let own = inodes(&proc.join("fd"))?;
    let mut ports = BTreeSet::new();
    for table in ["udp", "udp6"] {
        let Ok(text) = std::fs::read_to_string(proc.join("net").join(table)) else { continue };
        ports.extend(text.lines().skip(1).filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let inode: u64 = fields.get(9)?.parse().ok()?;
            let (_, port) = fields.get(1)?.rsplit_once(':')?;
            own.contains(&inode).then(|| u16::from_str_radix(port, 16).ok()).flatten()
        }));
    }
    Ok(ports)
}

/// How many sockets of any kind the process has: zero would mean that we look in the wrong place.
pub fn count(pid: u32) -> Result<usize> {
    Ok(inodes(&Path::new("/proc").join(pid.to_string()).join("fd"))?.len())
}

fn inodes(folder: &Path) -> Result<BTreeSet<u64>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} is hidden", folder.display()))?;
    Ok(entries
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| {
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
        })
        .collect())
}

/// The lines of a table in /proc/net that belong to `own` and can be reached.
fn reachable(table: &str, tcp: bool, own: &BTreeSet<u64>) -> Vec<Open> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (local, far, state) = (fields.get(1)?, fields.get(2)?, fields.get(3)?);
            let inode: u64 = fields.get(9)?.parse().ok()?;
            if !own.contains(&inode) {
                return None;
            }
            let nobody = far.bytes().all(|octet| octet == b'0' || octet == b':');
            match (tcp, *state) {
                (true, "0A") => Some(Open::Listening((*local).to_owned())),
                (false, _) if nobody => Some(Open::Unconnected((*local).to_owned())),
                _ => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

    #[test]
    fn a_listener_and_an_open_udp_socket_are_found_and_connected_ones_are_not() {
        // Other tests of this process may listen too, so it is our ports that are looked for.
        let port = |address: &str| u16::from_str_radix(address.rsplit(':').next().unwrap(), 16);
        let found = |wanted: u16| {
            let open = open_to_the_network(std::process::id()).unwrap();
            open.into_iter().any(|open| match open {
                Open::Listening(at) | Open::Unconnected(at) => port(&at) == Ok(wanted),
            })
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(found(address.port()));
        assert!(!found(stream.local_addr().unwrap().port()));
        let udp = socket.local_addr().unwrap().port();
        assert!(found(udp));
        assert!(udp_ports(std::process::id()).unwrap().contains(&udp));
        socket.connect(address).unwrap();
        assert!(!found(udp));
        assert!(count(std::process::id()).unwrap() >= 3);
    }
}

//! A TCP relay between a room and the cloud: the link's cable, which can be cut and mended.

use anyhow::Result;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How a link is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Both ends see the connection close, and a new one closes at once: a router restarts.
    Closed,
    /// Nothing comes through and nobody is told: the cable is pulled.
    Silent,
}

/// How often a pump looks whether the relay was cut. Longer makes a cut less sudden.
const LOOK: Duration = Duration::from_millis(20);

const WHOLE: u8 = 0;
const CLOSED: u8 = 1;
const SILENT: u8 = 2;
const GONE: u8 = 3;

#[derive(Debug)]
struct Shared {
    state: AtomicU8,
    /// Connections that came since the relay was started.
    connections: AtomicUsize,
}

impl Shared {
    fn state(&self) -> u8 {
        self.state.load(Ordering::SeqCst)
    }
}

/// A relay on loopback; it ends with its last connection when it is dropped.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Relay {
    /// A relay to this port on loopback.
    pub fn to(port: u16) -> Result<Relay> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let own = listener.local_addr()?.port();
        let shared =
            Arc::new(Shared { state: AtomicU8::new(WHOLE), connections: AtomicUsize::new(0) });
        let far = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let theirs = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || accept(&listener, far, &theirs));
        Ok(Relay { port: own, shared, accepting: Some(accepting) })
    }

    /// Where rooms connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections have come since the relay was started.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Cuts the link.
    pub fn cut(&self, how: Cut) {
        let state = match how {
            Cut::Closed => CLOSED,
            Cut::Silent => SILENT,
        };
        self.shared.state.store(state, Ordering::SeqCst);
    }

    /// Mends the link: what was held back by a silent cut flows on.
    pub fn heal(&self) {
        self.shared.state.store(WHOLE, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.state.store(GONE, Ordering::SeqCst);
        // A last connection wakes the accepting thread, which then sees that it should end.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, far: SocketAddr, shared: &Arc<Shared>) {
    let mut pumps = Vec::new();
    while let Ok((near, _)) = listener.accept() {
        match shared.state() {
            GONE => break,
            CLOSED => continue, // Dropped, so closed.
            _ => shared.connections.fetch_add(1, Ordering::SeqCst),
        };
        let Ok(far) = TcpStream::connect(far) else { continue };
        let (Ok(near_again), Ok(far_again)) = (near.try_clone(), far.try_clone()) else { continue };
        let (one, other) = (Arc::clone(shared), Arc::clone(shared));
        pumps.push(std::thread::spawn(move || pump(near, far, &one)));
        pumps.push(std::thread::spawn(move || pump(far_again, near_again, &other)));
    }
    for pump in pumps {
        let _ = pump.join();
    }
}

/// Moves octets one way until either end closes or the relay is cut.
fn pump(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let _ = from.set_read_timeout(Some(LOOK));
    let mut octets = [0; 16 * 1024];
    loop {
        match shared.state() {
            CLOSED | GONE => break,
            SILENT => {
                std::thread::sleep(LOOK);
                continue;
            }
            _ => {}
        }
        match from.read(&mut octets) {
            Ok(0) => break,
            Ok(count) => {
                // What came in while the cable was being cut waits with the rest.
                while shared.state() == SILENT {
                    std::thread::sleep(LOOK);
                }
                if to.write_all(&octets[..count]).is_err() {
                    break;
                }
            }
            Err(trouble)
                if matches!(trouble.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends back whatever it is sent, on every connection.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                std::thread::spawn(move || {
                    let mut octets = [0; 64];
                    while let Ok(count @ 1..) = stream.read(&mut octets) {
                        if stream.write_all(&octets[..count]).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        port
    }

    fn connect(relay: &Relay, patience: Duration) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        stream
    }

    #[test]
    fn a_whole_link_carries_both_ways_and_a_closed_one_closes() {
        let relay = Relay::to(echo()).unwrap();
        let mut stream = connect(&relay, Duration::from_secs(10));
        stream.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
        relay.cut(Cut::Closed);
        assert!(matches!(stream.read(&mut answer), Ok(0) | Err(_)));
        let mut refused = connect(&relay, Duration::from_secs(10));
        assert!(matches!(refused.read(&mut answer), Ok(0) | Err(_)));
        assert_eq!(relay.connections(), 1);
    }

    #[test]
    fn a_silent_link_says_nothing_and_lets_it_through_when_mended() {
        let relay = Relay::to(echo()).unwrap();
        let mut stream = connect(&relay, Duration::from_millis(200));
        stream.write_all(b"1").unwrap();
        let mut answer = [0; 1];
        stream.read_exact(&mut answer).unwrap();
        relay.cut(Cut::Silent);
        stream.write_all(b"2").unwrap();
        let silence = stream.read(&mut answer).unwrap_err();
        assert!(matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        relay.heal();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"2");
    }
}

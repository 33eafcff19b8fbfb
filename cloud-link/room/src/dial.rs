//! One attempt to reach the cloud, with sockets: carries the machine of `protocol::dial`.

use crate::tls::{self, Tls};
use conclave_link_protocol::dial::{Dial, Input, MOST_ADDRESSES, Output};
use conclave_link_protocol::{ALPN, DownReason};
use conclave_types::{Redacted, Time};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long the name may take. The resolver of the system tries twice for five seconds.
const LOOK_UP: Duration = Duration::from_secs(10);

/// A connection to the pinned cloud.
pub(crate) struct Connected {
    pub(crate) stream: Box<TlsStream<TcpStream>>,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
}

/// Tries the host at all ports, the preferred first.
pub(crate) async fn dial(
    host: Arc<str>,
    ports: Arc<[u16]>,
    config: Tls,
) -> Result<Connected, DownReason> {
    let found = match timeout(LOOK_UP, lookup_host((host.as_ref(), 0))).await {
        Ok(Ok(found)) => found.map(|address| address.ip()).collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(no_such_name(&host, &error.to_string())),
        Err(_) => return Err(no_such_name(&host, "no answer")),
    };
    // By port first: 8200 is ours, the others are only doors in a firewall.
    let addresses =
        ports.iter().flat_map(|port| found.iter().map(|ip| SocketAddr::new(*ip, *port)));
    let mut attempt = Attempt {
        addresses: addresses.take(MOST_ADDRESSES).collect(),
        config,
        tasks: JoinSet::new(),
        running: HashMap::new(),
        done: HashMap::new(),
    };
    attempt.run().await
}

/// The reason is logged, so the name is a tag.
fn no_such_name(host: &str, why: &str) -> DownReason {
    DownReason::Unreachable { detail: format!("the name {:?}: {why}", Redacted(host)) }
}

type Tried = (usize, Result<Connected, DownReason>);

struct Attempt {
    addresses: Vec<SocketAddr>,
    config: Tls,
    /// Aborted when the attempt is dropped.
    tasks: JoinSet<Tried>,
    running: HashMap<usize, AbortHandle>,
    done: HashMap<usize, Connected>,
}

impl Attempt {
    async fn run(&mut self) -> Result<Connected, DownReason> {
        let started = Instant::now();
        let now = || Time::ZERO + started.elapsed();
        let mut machine = Dial::new(now(), self.addresses.len());
        loop {
            while let Some(output) = machine.poll_output() {
                match output {
                    Output::Connect(index) => self.connect(index),
                    Output::Drop(index) => {
                        if let Some(task) = self.running.remove(&index) {
                            task.abort();
                        }
                    }
                    Output::Won(index) => {
                        if let Some(connected) = self.done.remove(&index) {
                            return Ok(connected);
                        }
                    }
                    Output::Lost(reasons) => return Err(worst(reasons)),
                }
            }
            let deadline = machine.deadline().map(|at| started + at.since(Time::ZERO));
            tokio::select! {
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok((index, Ok(connected))) => {
                        self.done.insert(index, connected);
                        machine.handle(now(), Input::Completed(index));
                    }
                    Ok((index, Err(reason))) => machine.handle(now(), Input::Failed(index, reason)),
                    // Aborted by ourselves.
                    Err(_) => {}
                },
                () = wait_until(deadline) => machine.handle(now(), Input::Tick),
            }
        }
    }

    fn connect(&mut self, index: usize) {
        let Some(&address) = self.addresses.get(index) else { return };
        let config = self.config.clone();
        let task = self.tasks.spawn(async move { (index, connect(address, config).await) });
        self.running.insert(index, task);
    }
}

/// Sleeps until the moment, or for ever.
pub(crate) async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn connect(address: SocketAddr, config: Tls) -> Result<Connected, DownReason> {
    // The reason is logged, so the address is a tag.
    let unreachable = |error: std::io::Error| DownReason::Unreachable {
        detail: format!("{:?}, port {}: {error}", Redacted(address.ip()), address.port()),
    };
    let tcp = TcpStream::connect(address).await.map_err(unreachable)?;
    // Requests are small and wait for nothing to be sent along with them.
    tcp.set_nodelay(true).map_err(unreachable)?;
    let (local, remote) =
        (tcp.local_addr().map_err(unreachable)?, tcp.peer_addr().map_err(unreachable)?);
    let name = tls::server_name().map_err(|error| DownReason::Tls { detail: error.to_string() })?;
    let stream = TlsConnector::from(config.config.clone())
        .connect(name, tcp)
        .await
        .map_err(|error| tls::handshake_failure(&error))?;
    if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Err(DownReason::NotALink);
    }
    config.recheck(stream.get_ref().1)?;
    Ok(Connected { stream: Box::new(stream), local, remote })
}

/// The reason that tells most to the person who has to act.
fn worst(reasons: Vec<Option<DownReason>>) -> DownReason {
    let silent = || DownReason::Unreachable { detail: "no answer".to_owned() };
    reasons
        .into_iter()
        .map(|reason| reason.unwrap_or_else(silent))
        // The first of equals: it is of the preferred port.
        .rev()
        .max_by_key(DownReason::weight)
        .unwrap_or_else(|| DownReason::Unreachable { detail: "the name has no address".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_found_is_not_told() {
        let reason = no_such_name("cloud.example.org", "no answer");
        let shown = format!("{reason} {reason:?}");
        assert!(!shown.contains("example") && shown.contains("no answer"), "{shown}");
    }

    #[test]
    fn the_most_telling_failure_is_reported() {
        let refused = |detail: &str| DownReason::Unreachable { detail: detail.to_owned() };
        let wrong = DownReason::WrongPin { found: "sha256:".to_owned() };
        let all = vec![Some(refused("a")), Some(wrong.clone()), None];
        assert_eq!(worst(all), wrong);
        assert_eq!(worst(vec![Some(refused("a")), Some(refused("b"))]), refused("a"));
        assert_eq!(worst(vec![]), refused("the name has no address"));
    }
}

//! The task that holds the link, and the handle to speak to it.
//!
//! One task owns machine, socket and clock. Requests and events reach it through a bounded channel;
//! what is true rather than said (held calls, the certificate) through watches, so that the latest
//! counts and none is lost.

use crate::dial::{Connected, dial, wait_until};
use crate::identity::DeviceIdentity;
use crate::tls::{self, Tls, TlsError};
use conclave_link_protocol::link::{Input, Link, Output};
use conclave_link_protocol::message::{
    CertificateChain, CloudEvent, CloudRequest, Greeting, HeldCall, Response, RoomEvent,
    RoomRequest,
};
use conclave_link_protocol::pin::Pins;
use conclave_link_protocol::{DownReason, RequestFailure, RequestId};
use conclave_link_stream::{Outgoing, finish, turn};
use conclave_types::{Redacted, Secret, Time};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Requests and events that wait for the task. A room makes a few in a second; when it is full all
/// the same, requests fail with [`RequestFailure::TooMany`] and events are dropped.
const SAID: usize = 64;
/// What waits for the daemon. When it is full the link waits too: the daemon is busy, and the cloud
/// is told by TCP.
const HEARD: usize = 64;
/// How long the last words may take when the link is closed.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where the cloud is, and who we are.
#[derive(Clone)]
pub struct RoomLinkConfig {
    /// A name or an address.
    pub host: String,
    /// The ports to try, the preferred first.
    pub ports: Vec<u16>,
    /// The cloud's keys.
    pub pins: Pins,
    /// The room's software, for people: `conclave-roomd 0.1.0`.
    pub software: String,
    /// The device's serial number, for people.
    pub serial: String,
}

impl fmt::Debug for RoomLinkConfig {
    /// The cloud's name or address as a tag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomLinkConfig")
            .field("host", &Redacted(&self.host))
            .field("ports", &self.ports)
            .field("pins", &self.pins)
            .field("software", &self.software)
            .field("serial", &self.serial)
            .finish()
    }
}

/// What happens on the link.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkEvent {
    /// The cloud greeted. A refusal comes here too; `Down` follows it.
    Up {
        /// What it said.
        greeting: Greeting,
        /// This end of the connection.
        local: Redacted<SocketAddr>,
        /// The cloud's end: where its media node is, unless it says otherwise.
        remote: Redacted<SocketAddr>,
    },
    /// A request has its answer, or never will. Exactly once for each request.
    Answered {
        /// Of the request.
        id: RequestId,
        /// The answer, or why there is none.
        result: Result<Response, RequestFailure>,
    },
    /// The cloud tells something.
    Event(CloudEvent),
    /// There is no link.
    Down {
        /// Why.
        reason: DownReason,
        /// How long until the next attempt.
        retry_in: Duration,
    },
}

/// Why the link cannot be started. A restart does not help; another configuration may.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// TLS cannot be set up.
    #[error("the link cannot be set up")]
    Tls(#[from] TlsError),
    /// The system has no randomness.
    #[error("the system has no randomness")]
    Random,
}

/// Starts links.
#[derive(Debug)]
pub struct RoomLink;

enum Said {
    Request { id: RequestId, request: RoomRequest },
    Event(RoomEvent),
}

/// Speaks to the link. Nothing here blocks; clones speak to the same link.
#[derive(Debug, Clone)]
pub struct RoomLinkHandle {
    said: mpsc::Sender<Said>,
    held: watch::Sender<Vec<HeldCall>>,
    certificate: watch::Sender<Option<CertificateChain>>,
    next_id: Arc<AtomicU64>,
    overflow: Arc<Overflow>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Requests that found the channel full.
#[derive(Debug, Default)]
struct Overflow {
    ids: Mutex<Vec<RequestId>>,
    there: tokio::sync::Notify,
}

impl RoomLink {
    /// Starts to dial, for ever. Must be called inside a tokio runtime.
    pub fn start(
        config: RoomLinkConfig,
        identity: DeviceIdentity,
    ) -> Result<(RoomLinkHandle, mpsc::Receiver<LinkEvent>), StartError> {
        let tls = tls::config(config.pins, &identity)?;
        let mut seed = [0; 8];
        SystemRandom::new().fill(&mut seed).map_err(|_| StartError::Random)?;
        let (said, heard_said) = mpsc::channel(SAID);
        let (events, heard) = mpsc::channel(HEARD);
        let (held, held_now) = watch::channel(Vec::new());
        let (certificate, certificate_now) = watch::channel(identity.certificate().cloned());
        let handle = RoomLinkHandle {
            said,
            held,
            certificate,
            next_id: Arc::default(),
            overflow: Arc::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let shell = Shell {
            link: Link::new(&config.software, &config.serial, u64::from_be_bytes(seed)),
            started: Instant::now(),
            host: config.host.into(),
            ports: config.ports.into(),
            pins: config.pins,
            identity,
            tls,
            connection: Connection::None,
            renewed: false,
            events,
        };
        let inbox = Inbox {
            said: heard_said,
            held: held_now,
            certificate: certificate_now,
            overflow: handle.overflow.clone(),
            stop: handle.stop.clone(),
        };
        handle.tasks.spawn(shell.run(inbox));
        handle.tasks.close();
        Ok((handle, heard))
    }
}

impl RoomLinkHandle {
    /// Asks the cloud. The answer comes as [`LinkEvent::Answered`], also when there is no link.
    pub fn request(&self, request: RoomRequest) -> RequestId {
        let id = RequestId(self.next_id.fetch_add(1, Ordering::Relaxed));
        if self.said.try_send(Said::Request { id, request }).is_err() {
            self.overflow.ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
            self.overflow.there.notify_one();
        }
        id
    }

    /// Tells the cloud. Lost when there is no link.
    pub fn event(&self, event: RoomEvent) {
        if self.said.try_send(Said::Event(event)).is_err() {
            tracing::warn!("an event for the cloud was dropped: too many wait");
        }
    }

    /// What the next hello says of held calls.
    pub fn hold(&self, calls: Vec<HeldCall>) {
        self.held.send_replace(calls);
    }

    /// Be this room from now on, or a newcomer. Enrolment and its loss connect anew at once; a
    /// renewed certificate does in the next quiet moment, when no call is held and no answer
    /// waited for: the cloud ends a link whose certificate runs out, and that may be in a call.
    /// Store the certificate first.
    pub fn identify(&self, certificate: Option<CertificateChain>) {
        self.certificate.send_replace(certificate);
    }

    /// The certificate that the room was last told to show.
    pub fn certificate(&self) -> Option<CertificateChain> {
        self.certificate.borrow().clone()
    }

    /// Closes the link and waits until its task has ended.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

struct Inbox {
    said: mpsc::Receiver<Said>,
    held: watch::Receiver<Vec<HeldCall>>,
    certificate: watch::Receiver<Option<CertificateChain>>,
    overflow: Arc<Overflow>,
    stop: CancellationToken,
}

type Dialling = Pin<Box<dyn Future<Output = Result<Connected, DownReason>> + Send>>;

enum Connection {
    None,
    Dialling(Dialling),
    Up { connected: Connected, outgoing: Outgoing },
}

/// What the connection brought.
enum Brought {
    Dialled(Result<Connected, DownReason>),
    Read(Secret<Vec<u8>>),
    Ended(String),
}

struct Shell {
    link: Link,
    started: Instant,
    host: Arc<str>,
    ports: Arc<[u16]>,
    pins: Pins,
    identity: DeviceIdentity,
    tls: Tls,
    connection: Connection,
    /// The link was made with a certificate that was renewed since.
    renewed: bool,
    events: mpsc::Sender<LinkEvent>,
}

impl Shell {
    fn now(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }

    async fn run(mut self, mut inbox: Inbox) {
        let stop = inbox.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.serve(&mut inbox) => {}
        }
        self.close(LAST_WORDS).await;
    }

    /// Runs until the daemon does not listen any more.
    async fn serve(&mut self, inbox: &mut Inbox) {
        // A handle may have said something before the task began.
        inbox.held.mark_changed();
        loop {
            if !self.carry_out().await {
                return;
            }
            if self.renewed && self.link.is_quiet() {
                self.renewed = false;
                self.handle(Input::Reconnect);
                continue;
            }
            let deadline = self.link.deadline().map(|at| self.started + at.since(Time::ZERO));
            tokio::select! {
                // In this order: a certificate must not find the moment quiet while a call that it
                // should spare, or a question, is already said.
                biased;
                Ok(()) = inbox.held.changed() => {
                    let calls = inbox.held.borrow_and_update().clone();
                    self.handle(Input::Hold(calls));
                }
                Some(said) = inbox.said.recv() => match said {
                    Said::Request { id, request } => self.handle(Input::Request { id, request }),
                    Said::Event(event) => self.handle(Input::Event(event)),
                },
                Ok(()) = inbox.certificate.changed() => {
                    let certificate = inbox.certificate.borrow_and_update().clone();
                    self.identify(certificate);
                }
                () = inbox.overflow.there.notified() => {
                    let ids = std::mem::take(
                        &mut *inbox.overflow.ids.lock().unwrap_or_else(PoisonError::into_inner),
                    );
                    for id in ids {
                        let result = Err(RequestFailure::TooMany);
                        if self.events.send(LinkEvent::Answered { id, result }).await.is_err() {
                            return;
                        }
                    }
                }
                () = wait_until(deadline) => self.handle(Input::Tick),
                brought = self.connection.next() => self.brought(brought),
            }
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        let now = self.now();
        self.link.handle(now, input);
    }

    fn brought(&mut self, brought: Brought) {
        match brought {
            Brought::Dialled(Ok(connected)) => {
                let outgoing = Outgoing::default();
                self.connection = Connection::Up { connected, outgoing };
                self.handle(Input::Dialled);
            }
            Brought::Dialled(Err(reason)) => {
                self.connection = Connection::None;
                self.handle(Input::DialFailed(reason));
            }
            Brought::Read(octets) => self.handle(Input::Received(octets.expose())),
            Brought::Ended(detail) => self.handle(Input::Ended { detail }),
        }
    }

    fn identify(&mut self, certificate: Option<CertificateChain>) {
        let was = self.identity.certificate().is_some();
        let becomes = certificate.is_some();
        let mut identity = self.identity.clone();
        if !identity.take(certificate) {
            tracing::error!("a certificate came that is not for this room's key; it is not used");
            return;
        }
        match tls::config(self.pins, &identity) {
            Ok(tls) => {
                self.tls = tls;
                self.identity = identity;
            }
            Err(error) => {
                tracing::error!(%error, "a certificate came that cannot be used");
                return;
            }
        }
        if was != becomes {
            self.handle(Input::Reconnect);
        } else {
            self.renewed = becomes;
        }
    }

    /// Does what the machine wants; false when the daemon does not listen any more.
    async fn carry_out(&mut self) -> bool {
        while let Some(output) = self.link.poll_output() {
            let event = match output {
                Output::Dial { attempt } => {
                    tracing::debug!(attempt, host = ?Redacted(&self.host), "dialling");
                    let (host, ports, tls) =
                        (self.host.clone(), self.ports.clone(), self.tls.clone());
                    self.connection = Connection::Dialling(Box::pin(dial(host, ports, tls)));
                    continue;
                }
                Output::Write(frame) => {
                    if let Connection::Up { outgoing, .. } = &mut self.connection {
                        outgoing.push(frame);
                    }
                    continue;
                }
                Output::Close => {
                    self.close(LAST_WORDS).await;
                    continue;
                }
                Output::Up(greeting) => {
                    let Connection::Up { connected, .. } = &self.connection else { continue };
                    let (local, remote) = (Redacted(connected.local), Redacted(connected.remote));
                    LinkEvent::Up { greeting, local, remote }
                }
                Output::Answered { id, result } => LinkEvent::Answered { id, result },
                Output::Event(event) => LinkEvent::Event(event),
                Output::Request { id, request: CloudRequest::Ping } => {
                    self.handle(Input::Respond { id, response: Response::Done });
                    continue;
                }
                Output::Down { reason, retry_at } => {
                    LinkEvent::Down { reason, retry_in: retry_at.since(self.now()) }
                }
            };
            if self.events.send(event).await.is_err() {
                return false;
            }
        }
        true
    }

    async fn close(&mut self, limit: Duration) {
        let connection = std::mem::replace(&mut self.connection, Connection::None);
        if let Connection::Up { mut connected, mut outgoing } = connection {
            // The other end may be gone: then nothing is left to be said.
            let _ = timeout(limit, finish(&mut connected.stream, &mut outgoing)).await;
        }
    }
}

impl Connection {
    /// The next thing that comes of it. Dropping the future loses nothing.
    async fn next(&mut self) -> Brought {
        match self {
            Connection::None => std::future::pending().await,
            Connection::Dialling(dialling) => Brought::Dialled(dialling.await),
            Connection::Up { connected, outgoing } => {
                match turn(&mut connected.stream, outgoing).await {
                    Ok(read) if read.expose().is_empty() => {
                        Brought::Ended("closed by the cloud".to_owned())
                    }
                    Ok(read) => Brought::Read(read),
                    Err(error) => Brought::Ended(error.to_string()),
                }
            }
        }
    }
}

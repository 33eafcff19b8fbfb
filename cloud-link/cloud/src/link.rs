//! The task that carries one link.

use crate::door::Door;
use crate::event::{HubEvent, LinkId, LinkStatus};
use crate::limits::{Full, Place};
use crate::live::{Command, Reach};
use crate::peer::Peer;
use conclave_link_protocol::CloseReason;
use conclave_link_protocol::message::{Greeting, Hello, Refusal};
use conclave_link_protocol::session::{CloudInput, CloudSession, Output, Room};
use conclave_link_stream::{Outgoing, finish, turn};
use conclave_types::Time;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// What may wait for a link's task. It only waits while the hub's caller does not take this link's
/// events; a link that falls this far behind is closed.
const COMMANDS: usize = 256;
/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One link and its task's state.
pub(crate) struct Carrier {
    id: LinkId,
    stream: Box<TlsStream<TcpStream>>,
    peer: Option<Peer>,
    place: Place,
    address: SocketAddr,
    local_address: SocketAddr,
    door: Arc<Door>,
    session: CloudSession,
    started: Instant,
    outgoing: Outgoing,
    inbox: mpsc::Receiver<Box<Command>>,
    reach: Option<Reach>,
    too_slow: CancellationToken,
    /// The hub's caller knows of the link.
    announced: bool,
    unsendable: u64,
}

impl Carrier {
    pub(crate) fn new(
        id: LinkId,
        stream: Box<TlsStream<TcpStream>>,
        peer: Peer,
        place: Place,
        (address, local_address): (SocketAddr, SocketAddr),
        door: Arc<Door>,
    ) -> Carrier {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let room = match &peer {
            Peer::Enrolled { room, .. } => Some(*room),
            Peer::Newcomer { .. } | Peer::Unfit(_) => None,
        };
        let too_slow = CancellationToken::new();
        let status = LinkStatus { link: id, address, room };
        let reach = Reach { commands, too_slow: too_slow.clone(), status };
        Carrier {
            id,
            stream,
            peer: Some(peer),
            place,
            address,
            local_address,
            door,
            session: CloudSession::new(Time::ZERO),
            started: Instant::now(),
            outgoing: Outgoing::default(),
            inbox,
            reach: Some(reach),
            too_slow,
            announced: false,
            unsendable: 0,
        }
    }

    /// Carries the link to its end.
    pub(crate) async fn run(mut self) {
        let (stop, too_slow) = (self.door.stop.clone(), self.too_slow.clone());
        let reason = loop {
            match self.carry_out().await {
                Carried::On => {}
                Carried::Closed(reason) => break reason,
                Carried::Alone => return,
            }
            // A session that has not ended always has a deadline.
            let deadline = self.session.deadline().unwrap_or(self.now());
            let deadline = self.started + deadline.since(Time::ZERO);
            tokio::select! {
                () = stop.cancelled() => {
                    let reason = "the cloud is shutting down".to_owned();
                    self.handle(CloudInput::Close(CloseReason::Here { reason }));
                }
                () = too_slow.cancelled() => {
                    self.handle(CloudInput::Close(CloseReason::SlowReader));
                }
                Some(command) = self.inbox.recv() => self.command(*command),
                read = turn(&mut self.stream, &mut self.outgoing) => match read {
                    Ok(read) if read.expose().is_empty() => {
                        let detail = "closed by the room".to_owned();
                        self.handle(CloudInput::Ended { detail });
                    }
                    Ok(read) => self.handle(CloudInput::Received(read.expose())),
                    Err(error) => self.handle(CloudInput::Ended { detail: error.to_string() }),
                },
                () = sleep_until(deadline) => self.handle(CloudInput::Tick),
            }
        };
        self.door.links.all().remove(&self.id);
        tracing::debug!(link = %self.id, address = %self.address, %reason, "a link ended");
        // Who does not read does not read last words either.
        if !matches!(reason, CloseReason::SlowReader | CloseReason::Silent) {
            let _ = timeout(LAST_WORDS, finish(&mut self.stream, &mut self.outgoing)).await;
        }
        drop(self.stream);
        drop(self.place);
        if self.announced {
            // Fails only when the hub's caller has gone.
            let _ = self.door.events.send(HubEvent::Closed { link: self.id, reason }).await;
        }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }

    fn handle(&mut self, input: CloudInput<'_>) {
        let now = self.now();
        self.session.handle(now, input);
        let unsendable = self.session.unsendable();
        if unsendable > std::mem::replace(&mut self.unsendable, unsendable) {
            tracing::error!(link = %self.id, "an event does not fit in a frame and was not sent");
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Greet(greeting) => self.handle(CloudInput::Greet(greeting)),
            Command::Respond { id, response } => {
                self.handle(CloudInput::Respond { id, response });
            }
            Command::Request { id, request } => self.handle(CloudInput::Request { id, request }),
            Command::Event(event) => self.handle(CloudInput::Event(event)),
            Command::Close { reason } => {
                self.handle(CloudInput::Close(CloseReason::Here { reason }));
            }
        }
    }

    /// Does what the session wants.
    async fn carry_out(&mut self) -> Carried {
        while let Some(output) = self.session.poll_output() {
            let link = self.id;
            let event = match output {
                Output::<Room>::Write(frame) => {
                    self.outgoing.push(frame);
                    if self.outgoing.waiting() > self.door.limits.queued {
                        self.handle(CloudInput::Close(CloseReason::SlowReader));
                    }
                    continue;
                }
                Output::Opened(hello) => match self.opened(hello) {
                    Some(event) => event,
                    None => continue,
                },
                Output::Request { id, request } => HubEvent::Request { link, id, request },
                Output::Event(event) => HubEvent::Event { link, event },
                Output::Answered { id, result } => HubEvent::Answered { link, id, result },
                Output::Closed(reason) => return Carried::Closed(reason),
            };
            if self.door.events.send(event).await.is_err() {
                return Carried::Alone;
            }
        }
        Carried::On
    }

    /// Finds the link its place, and tells the hub's caller of it.
    fn opened(&mut self, hello: Hello) -> Option<HubEvent> {
        let peer = self.peer.take()?;
        let found = match &peer {
            Peer::Enrolled { .. } => self.place.become_link(),
            Peer::Newcomer { .. } => self.place.become_newcomer(),
            // It will be refused in a moment and keeps its half-open place until then.
            Peer::Unfit(_) => Ok(()),
        };
        if let Err(Full) = found {
            let retry_after_s = self.door.limits.retry_after_s;
            let reason = Refusal::Busy;
            tracing::warn!(address = %self.address, "no place for another link");
            self.handle(CloudInput::Greet(Greeting::Refused { reason, retry_after_s }));
            return None;
        }
        self.door.links.all().insert(self.id, self.reach.take()?);
        self.announced = true;
        Some(HubEvent::Hello {
            link: self.id,
            peer,
            address: self.address,
            local_address: self.local_address,
            hello,
        })
    }
}

/// What came of carrying out.
enum Carried {
    /// The link goes on.
    On,
    /// The session has ended.
    Closed(CloseReason),
    /// The hub's caller has gone.
    Alone,
}

//! The task that carries one link.
//!
//! There are thousands of them and nearly all are idle: what a task holds while it waits is kept
//! small, and what is seldom needed is made when it is.

use crate::door::Door;
use crate::event::{HubEvent, LinkId, LinkStatus};
use crate::limits::Place;
use crate::live::{Command, Found, Inbox, Reach};
use crate::peer::Peer;
use crate::secure::Secure;
use conclave_link_protocol::CloseReason;
use conclave_link_protocol::message::{Greeting, Hello, Refusal};
use conclave_link_protocol::session::{CloudInput, CloudSession, Output, Room};
use conclave_link_stream::{Outgoing, finish, turn};
use conclave_types::{Redacted, Time, UnixTime};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until, timeout};

/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Who came, and from where: what the hello is told with.
pub(crate) struct Arrival {
    pub(crate) peer: Peer,
    pub(crate) address: Redacted<SocketAddr>,
    pub(crate) local_address: Redacted<SocketAddr>,
}

/// One link and its task's state.
pub(crate) struct Carrier {
    id: LinkId,
    stream: Secure,
    /// Until its hello comes.
    arrival: Option<Box<Arrival>>,
    place: Place,
    door: Arc<Door>,
    session: CloudSession,
    started: Instant,
    /// When the room's certificate runs out, by the clock of the handshake: a clock that jumps
    /// later cuts no link.
    expires: Option<Time>,
    outgoing: Outgoing,
    inbox: Arc<Inbox>,
    /// The hub's caller knows of the link.
    announced: bool,
    unsendable: u64,
    frames: u64,
}

impl Carrier {
    pub(crate) fn new(
        id: LinkId,
        stream: Secure,
        arrival: Box<Arrival>,
        place: Place,
        door: Arc<Door>,
        wall: UnixTime,
    ) -> Carrier {
        let expires = match &arrival.peer {
            Peer::Enrolled { expires, .. } => Some(Time::ZERO + wall.until(*expires)),
            Peer::Newcomer { .. } | Peer::Unfit(_) => None,
        };
        Carrier {
            id,
            stream,
            arrival: Some(arrival),
            place,
            door,
            session: CloudSession::new(Time::ZERO),
            started: Instant::now(),
            expires,
            outgoing: Outgoing::default(),
            inbox: Arc::default(),
            announced: false,
            unsendable: 0,
            frames: 0,
        }
    }

    /// Carries the link to its end.
    pub(crate) async fn run(mut self) {
        let stop = self.door.stop.clone();
        let reason = loop {
            match self.carry_out().await {
                Carried::On => {}
                Carried::Closed(reason) => break reason,
                Carried::Alone => return,
            }
            // A session that has not ended always has a deadline.
            let deadline = self.session.deadline().unwrap_or(self.now());
            let deadline = self.expires.map_or(deadline, |expires| deadline.min(expires));
            let deadline = self.started + deadline.since(Time::ZERO);
            // In this order: what there is to do first, so that the clock is not wound up for it.
            // Nobody starves: a room that sends without end is closed.
            tokio::select! {
                biased;
                found = self.inbox.next() => match found {
                    Found::Command(command) => self.command(*command),
                    Found::Overflow => self.handle(CloudInput::Close(CloseReason::SlowReader)),
                },
                read = turn(&mut self.stream, &mut self.outgoing) => match read {
                    Ok(read) if read.expose().is_empty() => {
                        let detail = "closed by the room".to_owned();
                        self.handle(CloudInput::Ended { detail });
                    }
                    Ok(read) => {
                        self.door.tally.octets_in.add(read.expose().len() as u64);
                        self.handle(CloudInput::Received(read.expose()));
                    }
                    Err(error) => self.handle(CloudInput::Ended { detail: error.to_string() }),
                },
                () = stop.cancelled() => {
                    let reason = "the cloud is shutting down".to_owned();
                    self.handle(CloudInput::Close(CloseReason::Here { reason }));
                }
                () = sleep_until(deadline) => self.tick(),
            }
        };
        self.door.links.all().remove(&self.id);
        self.door.tally.ended(&reason);
        tracing::debug!(%reason, "the link ended");
        // Who does not read does not read last words either.
        if !matches!(reason, CloseReason::SlowReader | CloseReason::Silent) {
            // Boxed: it would take its room in the task for as long as the link lives.
            let last = Box::pin(finish(&mut self.stream, &mut self.outgoing));
            let _ = timeout(LAST_WORDS, last).await;
        }
        drop(self.stream);
        drop(self.place);
        if self.announced {
            // Fails only when the hub's caller has gone.
            let closed = HubEvent::Closed { link: self.id, reason };
            let _ = Box::pin(self.door.events.send(closed)).await;
        }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }

    fn tick(&mut self) {
        if self.expires.is_some_and(|expires| expires <= self.now()) {
            self.handle(CloudInput::Close(CloseReason::CertificateExpired));
        } else {
            self.handle(CloudInput::Tick);
        }
    }

    fn handle(&mut self, input: CloudInput<'_>) {
        let now = self.now();
        self.session.handle(now, input);
        let unsendable = self.session.unsendable();
        if unsendable > std::mem::replace(&mut self.unsendable, unsendable) {
            tracing::error!(link = %self.id, "an event does not fit in a frame and was not sent");
        }
        let frames = self.session.frames();
        let more = frames - std::mem::replace(&mut self.frames, frames);
        self.door.tally.frames_in.add(more);
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
                    self.write(frame);
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
            let told = match self.door.events.try_send(event) {
                Ok(()) => Ok(()),
                // Boxed: the event would take its room in the task for as long as the link lives.
                Err(TrySendError::Full(event)) => {
                    Box::pin(self.door.events.send(event)).await.map_err(|_| ())
                }
                Err(TrySendError::Closed(_)) => Err(()),
            };
            if told.is_err() {
                return Carried::Alone;
            }
        }
        Carried::On
    }

    fn write(&mut self, frame: conclave_types::Secret<Vec<u8>>) {
        self.door.tally.frames_out.add(1);
        self.door.tally.octets_out.add(frame.expose().len() as u64);
        self.outgoing.push(frame);
        if self.outgoing.waiting() > self.door.limits.queued {
            self.handle(CloudInput::Close(CloseReason::SlowReader));
        }
    }

    /// Finds the link its place, and tells the hub's caller of it.
    fn opened(&mut self, hello: Hello) -> Option<HubEvent> {
        let Arrival { peer, address, local_address } = *self.arrival.take()?;
        let (found, room) = match &peer {
            Peer::Enrolled { room, .. } => (self.place.become_link(), Some(*room)),
            Peer::Newcomer { .. } => (self.place.become_newcomer(), None),
            // It will be refused in a moment and keeps its half-open place until then.
            Peer::Unfit(_) => (Ok(()), None),
        };
        if let Err(why) = found {
            self.door.tally.refused(why);
            let retry_after_s = self.door.limits.retry_after_s;
            let reason = Refusal::Busy;
            tracing::warn!(
                address = ?address,
                full = why.label(),
                "no place for another link"
            );
            self.handle(CloudInput::Greet(Greeting::Refused { reason, retry_after_s }));
            return None;
        }
        tracing::Span::current().record("room", room.map(tracing::field::display));
        let status = LinkStatus { link: self.id, address, room };
        let reach = Reach { inbox: self.inbox.clone(), status };
        self.door.links.all().insert(self.id, reach);
        self.announced = true;
        Some(HubEvent::Hello { link: self.id, peer, address, local_address, hello })
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

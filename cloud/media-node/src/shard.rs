//! One task and the meetings that it owns.

use crate::burst::Burst;
use crate::leg::{LegReport, Opened};
use crate::meeting::Meeting;
use crate::totals::{Shared, Sums};
use crate::{MediaNodeConfig, MediaNodeEvent, OpenLegError};
use conclave_forward::{Input, Output};
use conclave_types::{LegId, MediaLeg, MeetingId, ParticipantId, SrtpProfile, Time};
use futures_util::future::{AbortHandle, Abortable, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use quinn_udp::RecvMeta;
use ring::rand::SystemRandom;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::io::IoSliceMut;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Buffers for one reading. Each takes a datagram, or as many equal ones as the kernel merged: four
/// pictures of a room in a hurry.
const BUFFERS: usize = 4;
/// Octets of one buffer: the most that the kernel merges.
const BUFFER: usize = 1 << 16;
/// Readings of one socket before the others have their turn.
const READINGS: usize = 8;
/// Sockets read before anything is sent. More makes fuller bursts and later ones.
const SOCKETS: usize = 32;
/// Packets read before anything is sent, give or take one reading. Two of the longest bursts that
/// one call sends: more would send no cheaper, and in a large meeting everyone waits for it (128
/// packets to 50 receivers take 5 ms).
const PACKETS: usize = 128;

/// What a handle asks of a meeting's task.
#[derive(Debug)]
pub(crate) enum Command {
    Open {
        meeting: MeetingId,
        participant: ParticipantId,
        profile: SrtpProfile,
        answer: oneshot::Sender<Result<MediaLeg, OpenLegError>>,
    },
    Close {
        meeting: MeetingId,
        participant: ParticipantId,
        answer: oneshot::Sender<()>,
    },
    Report {
        meeting: MeetingId,
        participant: ParticipantId,
        answer: oneshot::Sender<Option<LegReport>>,
    },
}

/// Which leg a socket belongs to. The leg's id tells a socket from that of an earlier leg.
#[derive(Debug, Clone, Copy)]
struct Key {
    meeting: MeetingId,
    participant: ParticipantId,
    leg: LegId,
}

/// Resolves to the key of a socket that has something to read; to nothing when its leg closed.
type Readable = Pin<Box<dyn Future<Output = Option<Key>> + Send>>;

pub(crate) struct Shard {
    config: Arc<MediaNodeConfig>,
    /// Legs of all tasks together.
    legs: Arc<AtomicUsize>,
    events: mpsc::Sender<MediaNodeEvent>,
    random: SystemRandom,
    started: Instant,
    meetings: HashMap<MeetingId, Meeting>,
    /// When each meeting that waits for a moment is due: the first is found without asking all.
    due: BTreeSet<(Time, MeetingId)>,
    readable: FuturesUnordered<Readable>,
    /// Meetings whose outputs have not been carried out yet.
    touched: HashSet<MeetingId>,
    /// Events that wait for room. One per subject, so no more than meetings and legs.
    pending: VecDeque<MediaNodeEvent>,
    buffers: Vec<Vec<u8>>,
    burst: Burst,
    /// When this turn's first packet was read, and how many there were.
    reading: Option<(Instant, usize)>,
    /// What this task did since it last shared it.
    sums: Sums,
    totals: Arc<Shared>,
}

impl Shard {
    pub(crate) fn new(
        config: Arc<MediaNodeConfig>,
        legs: Arc<AtomicUsize>,
        events: mpsc::Sender<MediaNodeEvent>,
        totals: Arc<Shared>,
    ) -> Shard {
        Shard {
            config,
            legs,
            events,
            random: SystemRandom::new(),
            started: Instant::now(),
            meetings: HashMap::new(),
            due: BTreeSet::new(),
            readable: FuturesUnordered::new(),
            touched: HashSet::new(),
            pending: VecDeque::new(),
            buffers: vec![vec![0; BUFFER]; BUFFERS],
            burst: Burst::default(),
            reading: None,
            sums: Sums::default(),
            totals,
        }
    }

    /// Serves its meetings until told to stop, or until no handle is left.
    pub(crate) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        stop: CancellationToken,
    ) {
        let sleep = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(sleep);
        let mut slept_for = None;
        let events = self.events.clone();
        loop {
            let deadline = self.due.first().map(|(time, _)| *time);
            if let Some(deadline) = deadline.filter(|_| deadline != slept_for) {
                let instant = self.started + Duration::from_micros(deadline.as_micros());
                sleep.as_mut().reset(instant.into());
            }
            slept_for = deadline;
            tokio::select! {
                () = stop.cancelled() => break,
                command = commands.recv() => match command {
                    Some(command) => self.carry_out(command),
                    None => break,
                },
                Some(key) = self.readable.next() => self.read(key),
                () = &mut sleep, if deadline.is_some() => {}
                room = events.reserve(), if !self.pending.is_empty() => match room {
                    Ok(room) => {
                        if let Some(event) = self.pending.pop_front() {
                            room.send(event);
                        }
                    }
                    // Nobody listens any more.
                    Err(_) => self.pending.clear(),
                },
            }
            self.pass_time();
            self.flush();
        }
        let legs = self.meetings.values().map(|meeting| meeting.legs.len()).sum();
        self.legs.fetch_sub(legs, Ordering::Relaxed);
        self.totals.meetings.fetch_sub(self.meetings.len() as u64, Ordering::Relaxed);
    }

    fn now(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }

    fn carry_out(&mut self, command: Command) {
        // Whoever asked may be gone; the answer is then of no use to anyone.
        match command {
            Command::Open { meeting, participant, profile, answer } => {
                let opened = self.open(meeting, participant, profile);
                if let Err(Ok(_)) = answer.send(opened) {
                    self.close(meeting, participant);
                }
            }
            Command::Close { meeting, participant, answer } => {
                self.close(meeting, participant);
                let _ = answer.send(());
            }
            Command::Report { meeting, participant, answer } => {
                let report = self.meetings.get(&meeting).and_then(|m| m.report(participant));
                let _ = answer.send(report);
            }
        }
    }

    fn open(
        &mut self,
        meeting: MeetingId,
        participant: ParticipantId,
        profile: SrtpProfile,
    ) -> Result<MediaLeg, OpenLegError> {
        let limit = self.config.limits.legs;
        let room = |legs| (legs < limit).then_some(legs + 1);
        let opened = match self.legs.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            Err(_) => Err(OpenLegError::NodeFull { limit }),
            Ok(_) => self.open_counted(meeting, participant, profile).inspect_err(|_| {
                self.legs.fetch_sub(1, Ordering::Relaxed);
            }),
        };
        if let Err(reason) = &opened {
            let full = matches!(reason, OpenLegError::NodeFull { .. } | OpenLegError::MeetingFull);
            self.sums.refused_legs += u64::from(full);
            tracing::warn!(%meeting, %participant, %reason, "leg refused");
            self.drop_if_empty(meeting);
        }
        opened
    }

    fn open_counted(
        &mut self,
        id: MeetingId,
        participant: ParticipantId,
        profile: SrtpProfile,
    ) -> Result<MediaLeg, OpenLegError> {
        let now = self.now();
        if !self.meetings.contains_key(&id) {
            self.meetings.insert(id, Meeting::new(&self.random, self.config.limits.packets)?);
            self.totals.meetings.fetch_add(1, Ordering::Relaxed);
            tracing::info!(meeting = %id, "meeting begins");
        }
        let meeting = self.meetings.get_mut(&id).ok_or(OpenLegError::Stopped)?;
        let who = (id, participant);
        let opened = meeting.open(now, who, profile, &self.config, &self.random)?;
        if let Some(leg) = meeting.legs.get(&participant) {
            leg.span().in_scope(|| tracing::info!(?profile, "leg opened"));
        }
        self.wait_for(Key { meeting: id, participant, leg: opened.leg });
        self.touched.insert(id);
        Ok(opened)
    }

    fn close(&mut self, id: MeetingId, participant: ParticipantId) {
        let now = self.now();
        let Some(meeting) = self.meetings.get_mut(&id) else { return };
        let last = meeting.report(participant);
        if let Some(leg) = meeting.close(now, participant) {
            self.legs.fetch_sub(1, Ordering::Relaxed);
            leg.span().in_scope(|| tell_closed(last));
        }
        // Its goodbyes leave with the others' next burst; its own last words are of no interest.
        self.pending.retain(|event| subject(event) != (id, Some(participant)));
        self.touched.insert(id);
        // Takes the ended wait out, and with it the socket; those that were readable before it
        // are read on the way.
        for _ in 0..=self.readable.len() {
            match self.readable.next().now_or_never() {
                Some(Some(Some(key))) => {
                    self.read_one(key);
                    self.wait_for(key);
                }
                _ => break,
            }
        }
        self.drop_if_empty(id);
    }

    fn drop_if_empty(&mut self, id: MeetingId) {
        if self.meetings.get(&id).is_some_and(|meeting| meeting.legs.is_empty()) {
            if let Some(mut meeting) = self.meetings.remove(&id) {
                self.sums.add(meeting.forwarder.take_counts());
                self.totals.meetings.fetch_sub(1, Ordering::Relaxed);
                if let Some(due) = meeting.due {
                    self.due.remove(&(due, id));
                }
            }
            self.touched.remove(&id);
            self.pending.retain(|event| subject(event).0 != id);
            tracing::info!(meeting = %id, "meeting ends");
        }
    }

    /// Waits for a leg's socket to have something to read.
    fn wait_for(&mut self, key: Key) {
        let legs = self.meetings.get_mut(&key.meeting).map(|meeting| &mut meeting.legs);
        let Some(leg) = legs.and_then(|legs| legs.get_mut(&key.participant)) else { return };
        if leg.id != key.leg {
            return;
        }
        let (abort, registration) = AbortHandle::new_pair();
        leg.waiting = abort;
        let socket: Arc<UdpSocket> = leg.socket.clone();
        let ready = async move {
            // An error shows itself again, and is dealt with, when the socket is read.
            let _ = socket.readable().await;
            key
        };
        self.readable.push(Box::pin(Abortable::new(ready, registration).map(Result::ok)));
    }

    /// Reads one socket, and others that are readable by now.
    fn read(&mut self, first: Option<Key>) {
        let mut packets = 0;
        let mut next = Some(first);
        for _ in 0..SOCKETS {
            let Some(key) = next else { return };
            if let Some(key) = key {
                packets += self.read_one(key);
                self.wait_for(key);
            }
            if packets >= PACKETS {
                return;
            }
            next = self.readable.next().now_or_never().flatten();
        }
        if let Some(Some(key)) = next {
            self.wait_for(key);
        }
    }

    /// Reads one leg's socket; returns how many datagrams there were.
    fn read_one(&mut self, key: Key) -> usize {
        let begun = Instant::now();
        let now = Time::ZERO + begun.duration_since(self.started);
        let several_addresses = self.config.bind.is_unspecified();
        let Some(meeting) = self.meetings.get_mut(&key.meeting) else { return 0 };
        let leg = meeting.legs.get_mut(&key.participant).filter(|leg| leg.id == key.leg);
        let Some(leg) = leg else { return 0 };
        let mut datagrams = 0;
        self.touched.insert(key.meeting);
        for _ in 0..READINGS {
            let mut metas = [RecvMeta::default(); BUFFERS];
            let received = {
                let mut buffers = self.buffers.iter_mut();
                let mut slices: [IoSliceMut<'_>; BUFFERS] = std::array::from_fn(|_| {
                    IoSliceMut::new(buffers.next().map_or(&mut [], Vec::as_mut_slice))
                });
                // What a socket has to complain of (nobody listens at the peer) changes nothing.
                let Ok(count) = leg.receive(&mut slices, &mut metas) else { break };
                count
            };
            for (buffer, meta) in self.buffers.iter_mut().zip(&metas[..received]) {
                let ours = meta.dst_ip.filter(|_| several_addresses);
                for datagram in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                    datagrams += 1;
                    let from = key.participant;
                    let input = match leg.open(datagram, meta.addr, ours, &mut self.sums) {
                        Some(Opened::Rtp(packet)) => Input::Rtp { from, packet: packet.to_vec() },
                        Some(Opened::Rtcp(packet)) => Input::Rtcp { from, packet },
                        None => continue,
                    };
                    meeting.forwarder.handle(now, input);
                }
            }
            if received < BUFFERS || datagrams >= PACKETS {
                break;
            }
        }
        self.reading.get_or_insert((begun, 0)).1 += datagrams;
        datagrams
    }

    fn pass_time(&mut self) {
        let now = self.now();
        while let Some((due, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, id));
            let Some(meeting) = self.meetings.get_mut(&id) else { continue };
            meeting.due = None;
            meeting.forwarder.handle(now, Input::TimePassed);
            // Carried out, and given its next moment, with those that were read.
            self.touched.insert(id);
        }
    }

    /// Carries out what the touched meetings want.
    fn flush(&mut self) {
        for id in self.touched.drain() {
            let Some(meeting) = self.meetings.get_mut(&id) else { continue };
            while let Some(output) = meeting.forwarder.poll_output() {
                let event = match output {
                    Output::Send { to, packets } => {
                        if let Some(leg) = meeting.legs.get_mut(&to) {
                            leg.send(&packets, &mut self.burst, &mut self.sums);
                        }
                        meeting.forwarder.take_back(packets);
                        continue;
                    }
                    Output::Speaking { participant } => {
                        MediaNodeEvent::Speaking { meeting: id, participant }
                    }
                    Output::Silent { participant } => {
                        meeting.tell(participant, || tracing::info!("leg is silent"));
                        MediaNodeEvent::Silent { meeting: id, participant }
                    }
                    Output::Flowing { participant } => {
                        meeting.tell(participant, || tracing::info!("leg flows"));
                        MediaNodeEvent::Flowing { meeting: id, participant }
                    }
                };
                self.pending.retain(|older| subject(older) != subject(&event));
                self.pending.push_back(event);
            }
            self.sums.add(meeting.forwarder.take_counts());
            let due = meeting.forwarder.deadline();
            if due != meeting.due {
                self.due.extend(due.map(|due| (due, id)));
                if let Some(before) = std::mem::replace(&mut meeting.due, due) {
                    self.due.remove(&(before, id));
                }
            }
        }
        if let Some((begun, packets)) = self.reading.take() {
            self.sums.held.count(packets, begun.elapsed());
        }
        self.totals.add(&mut self.sums);
    }
}

/// One line about a leg that was closed: enough to see later why a call was bad.
fn tell_closed(last: Option<LegReport>) {
    let Some(LegReport { forwarded, not_authentic, unsent, .. }) = last else { return };
    tracing::info!(
        received = forwarded.packets_received,
        missing = forwarded.audio.missing + forwarded.video.missing,
        over_limit = forwarded.over_limit,
        sent = forwarded.packets_sent,
        resent = forwarded.resent,
        keyframes_asked = forwarded.keyframes_asked,
        worst_loss_256 = forwarded.worst_loss,
        round_trip = ?forwarded.round_trip,
        not_authentic,
        unsent,
        "leg closed"
    );
}

/// What an event is about: of two events about the same, only the newer counts.
fn subject(event: &MediaNodeEvent) -> (MeetingId, Option<ParticipantId>) {
    match event {
        MediaNodeEvent::Speaking { meeting, .. } => (*meeting, None),
        MediaNodeEvent::Silent { meeting, participant }
        | MediaNodeEvent::Flowing { meeting, participant } => (*meeting, Some(*participant)),
    }
}

//! The machine itself: legs come and go, packets pass, time passes.

use crate::leg::{Kind, Leg, LegStatistics, State};
use crate::speakers::Speakers;
use crate::{
    CannotOpen, Counts, Forwarded, Input, LONGEST_PACKET, MOST_LEGS, Outgoing, Output, PacketLimit,
    SILENT_AFTER,
};
use conclave_rtp::loss::Arrival;
use conclave_rtp::rtcp::{self, Packet as Rtcp};
use conclave_rtp::{HEADER_LENGTH, Packet};
use conclave_types::{AUDIO_LEVEL_EXTENSION, ParticipantId, Ssrc, Time};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How often speakers are looked at. Levels come fifty times in a second from each participant; at
/// a tenth of a second nobody notices the wait.
const LOOK: Duration = Duration::from_millis(100);

/// Emptied lists of packets that are kept to be filled again: one per receiver of a large meeting.
const MOST_SPARE: usize = 64;
/// Packets that a kept list has room for; longer ones come of bursts that are rare.
const SPARE_ROOM: usize = 256;

/// The forwarder of one meeting.
#[derive(Debug)]
pub struct Forwarder {
    /// The node's own source, in whose name it reports and asks.
    pub(crate) own: Ssrc,
    /// Slots keep their index while a leg is open and are used again after it closed.
    pub(crate) legs: Vec<Option<Leg>>,
    slots: HashMap<ParticipantId, usize>,
    /// Where each source's leg is, and which of its two it is.
    pub(crate) sources: HashMap<Ssrc, (usize, Kind)>,
    pub(crate) speakers: Speakers,
    next_look: Time,
    /// Nothing is due before this moment.
    pub(crate) next_wake: Option<Time>,
    events: VecDeque<Output>,
    /// Slots with waiting packets, in the order in which they came to have some.
    ready: VecDeque<usize>,
    /// The slot of the last packet's leg.
    last_from: usize,
    limit: PacketLimit,
    pub(crate) counts: Counts,
    spare: Vec<Vec<Outgoing>>,
}

impl Forwarder {
    /// A meeting without legs. `own` is the node's own SSRC there, which no leg may use.
    pub fn new(own: Ssrc) -> Forwarder {
        Forwarder::with_limit(own, PacketLimit::default())
    }

    /// The same with another limit on what each leg may send.
    pub fn with_limit(own: Ssrc, limit: PacketLimit) -> Forwarder {
        Forwarder {
            own,
            legs: Vec::new(),
            slots: HashMap::new(),
            sources: HashMap::new(),
            speakers: Speakers::default(),
            next_look: Time::ZERO,
            next_wake: None,
            events: VecDeque::new(),
            ready: VecDeque::new(),
            last_from: 0,
            limit,
            counts: Counts::default(),
            spare: Vec::new(),
        }
    }

    /// Legs that are open.
    pub fn legs(&self) -> usize {
        self.slots.len()
    }

    /// Whether a leg with these sources may be opened.
    pub fn may_open(
        &self,
        participant: ParticipantId,
        audio: Ssrc,
        video: Ssrc,
    ) -> Result<(), CannotOpen> {
        let taken = |ssrc: &Ssrc| *ssrc == self.own || self.sources.contains_key(ssrc);
        if self.slots.contains_key(&participant) {
            Err(CannotOpen::Already)
        } else if self.slots.len() >= MOST_LEGS {
            Err(CannotOpen::Full)
        } else if let Some(ssrc) = [audio, video].into_iter().find(taken) {
            Err(CannotOpen::Source(ssrc))
        } else if audio == video {
            Err(CannotOpen::Source(video))
        } else {
            Ok(())
        }
    }

    /// Takes what happened. Outputs are polled afterwards; several inputs may come first.
    pub fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::Opened { participant, audio, video } => {
                self.open(now, participant, audio, video);
            }
            Input::Closed { participant } => self.close(participant),
            Input::Rtp { from, packet } => {
                if let Some(slot) = self.heard(now, from, packet.len()) {
                    self.rtp(now, slot, packet);
                }
            }
            Input::Rtcp { from, packet } => {
                if let Some(slot) = self.heard(now, from, packet.len()) {
                    self.rtcp(now, slot, &packet);
                }
            }
            Input::TimePassed => {}
        }
        if self.next_wake.is_some_and(|wake| wake <= now) {
            self.pass_time(now);
        }
    }

    /// The next thing to do, `None` when all is done. A receiver's packets come together.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        while let Some(slot) = self.ready.pop_front() {
            if let Some(leg) = self.legs.get_mut(slot).and_then(Option::as_mut)
                && !leg.waiting.is_empty()
            {
                let next = self.spare.pop().unwrap_or_default();
                let packets = std::mem::replace(&mut leg.waiting, next);
                return Some(Output::Send { to: leg.participant, packets });
            }
        }
        None
    }

    /// Takes the list of an [`Output::Send`] back when its packets have been sent, to fill it again.
    pub fn take_back(&mut self, mut packets: Vec<Outgoing>) {
        packets.clear();
        if self.spare.len() < MOST_SPARE && packets.capacity() <= SPARE_ROOM {
            self.spare.push(packets);
        }
    }

    /// What happened since this was last asked, all legs together.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// When to hand in [`Input::TimePassed`].
    pub fn deadline(&self) -> Option<Time> {
        self.next_wake
    }

    /// What happened on a leg so far; `None` when it is not open.
    pub fn statistics(&self, participant: ParticipantId) -> Option<LegStatistics> {
        let slot = *self.slots.get(&participant)?;
        self.legs[slot].as_ref().map(Leg::statistics)
    }

    /// The state in one line, for support bundles.
    pub fn dump(&self) -> String {
        let legs = self.legs.iter().enumerate().filter_map(|(n, l)| l.as_ref().map(|l| (n, l)));
        let legs = legs.map(|(slot, leg)| {
            let voice = if self.speakers.is_forwarded(slot) { " heard" } else { "" };
            format!("{}={:?}{voice}", leg.participant, leg.state)
        });
        format!("{} legs: {}", self.legs(), legs.collect::<Vec<_>>().join(", "))
    }

    fn open(&mut self, now: Time, participant: ParticipantId, audio: Ssrc, video: Ssrc) {
        if self.may_open(participant, audio, video).is_err() {
            return;
        }
        let leg = Leg::new(now, participant, audio, video, self.limit);
        let slot = match self.legs.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.legs.push(None);
                self.legs.len() - 1
            }
        };
        self.legs[slot] = Some(leg);
        self.slots.insert(participant, slot);
        self.sources.insert(audio, (slot, Kind::Audio));
        self.sources.insert(video, (slot, Kind::Video));
        self.wake_by(now + SILENT_AFTER);
    }

    fn close(&mut self, participant: ParticipantId) {
        let Some(slot) = self.slots.remove(&participant) else { return };
        let Some(leg) = self.legs[slot].take() else { return };
        self.ready.retain(|ready| *ready != slot);
        self.silence(slot);
        let sources: Vec<Ssrc> = leg.sources.iter().map(|source| source.ssrc).collect();
        for ssrc in &sources {
            self.sources.remove(ssrc);
        }
        let own = Rtcp::ReceiverReport { sender: self.own, blocks: Vec::new() };
        let goodbye = rtcp::write(&[own, Rtcp::Goodbye { sources }]);
        for receiver in 0..self.legs.len() {
            self.send_rtcp(receiver, goodbye.clone());
            // The slot's next leg has other sources, whose numbers begin anew.
            if let Some(leg) = &mut self.legs[receiver]
                && let Some(downlinks) = leg.downlinks.get_mut(slot)
            {
                *downlinks = Default::default();
            }
        }
        if self.slots.is_empty() {
            self.next_wake = None;
        }
    }

    /// Takes a leg's voice out of everything.
    fn silence(&mut self, slot: usize) {
        if self.speakers.forget(slot) {
            self.events.push_back(Output::Speaking { participant: None });
        }
        self.withhold_voice(slot);
    }

    fn withhold_voice(&mut self, slot: usize) {
        for leg in self.legs.iter_mut().flatten() {
            leg.downlink(slot, Kind::Audio).rewriter.withhold();
        }
    }

    /// Notes that a packet came from a leg, and finds its slot; `None` too when the leg sends more
    /// than it may. Such a leg still counts as heard: its call is not over.
    fn heard(&mut self, now: Time, from: ParticipantId, octets: usize) -> Option<usize> {
        // Packets come in runs of one leg, which are not worth a look into the map each.
        let again = |leg: &Leg| leg.participant == from;
        let last = self.legs.get(self.last_from).and_then(Option::as_ref);
        let slot = if last.is_some_and(again) { self.last_from } else { *self.slots.get(&from)? };
        self.last_from = slot;
        let leg = self.legs[slot].as_mut()?;
        leg.heard = now;
        if !leg.bucket.admits(now, self.limit) {
            leg.over_limit += 1;
            self.counts.over_limit += 1;
            return None;
        }
        leg.packets_received += 1;
        leg.octets_received += octets as u64;
        self.counts.packets_in += 1;
        self.counts.octets_in += octets as u64;
        if leg.state == State::Flowing {
            return Some(slot);
        }
        leg.state = State::Flowing;
        leg.next_report = now + Duration::from_secs(1);
        self.events.push_back(Output::Flowing { participant: from });
        self.wake_by(now + LOOK);
        // The newcomer needs pictures that do not refer to what it never got.
        for other in 0..self.legs.len() {
            if other != slot {
                self.want_keyframe(now, other);
            }
        }
        Some(slot)
    }

    fn rtp(&mut self, now: Time, slot: usize, packet: Vec<u8>) {
        let Some(leg) = &mut self.legs[slot] else { return };
        let checked = Packet::parse(&packet).ok().filter(|_| packet.len() <= LONGEST_PACKET);
        let kind = checked.and_then(|checked| {
            let kind = leg.kind_of(checked.source())?;
            (checked.payload_type() == kind.payload_type()).then_some((checked, kind))
        });
        let Some((checked, kind)) = kind else {
            leg.refused += 1;
            self.counts.refused += 1;
            return;
        };
        let source = &mut leg.sources[kind as usize];
        let sequence = checked.sequence();
        let awaited = source.tracker.awaited();
        let arrival = source.tracker.received(now, sequence, checked.timestamp());
        // Only a new gap can be due sooner than what is waited for already.
        let gap = source.tracker.awaited() > awaited;
        let wake = if gap { source.tracker.deadline() } else { None };
        if arrival == Arrival::Unwanted {
            return;
        }
        let number = source.tracker.extended(sequence);
        let payload = checked.payload().len() as u64;
        let level = checked.audio_level(AUDIO_LEVEL_EXTENSION);
        let packet = Arc::new(packet);
        source.history.insert(now, sequence, packet.clone());
        if kind == Kind::Audio {
            // Without a level there is nothing to rank by: it is heard where there is room.
            let loudness = level.map_or(0, |level| 127 - level.below_full_db);
            self.speakers.heard(now, slot, loudness);
        }
        if kind == Kind::Video || self.speakers.is_forwarded(slot) {
            self.forward(slot, kind, number, payload, &packet);
        }
        if let Some(wake) = wake {
            self.wake_by(wake);
        }
    }

    fn forward(
        &mut self,
        slot: usize,
        kind: Kind,
        number: u64,
        payload: u64,
        packet: &Arc<Vec<u8>>,
    ) {
        for receiver in 0..self.legs.len() {
            let Some(leg) = self.legs[receiver].as_mut().filter(|_| receiver != slot) else {
                continue;
            };
            if leg.state != State::Flowing {
                continue;
            }
            let downlink = leg.downlink(slot, kind);
            let Some(place) = downlink.rewriter.place(number) else { continue };
            downlink.packets += 1;
            downlink.octets += payload;
            let packet = packet.clone();
            // Speech that was withheld begins anew, which the marker says (RFC 3551, section 4.1).
            let marked = kind == Kind::Audio && place.begins;
            let forwarded = Forwarded { packet, sequence: place.sequence, marked };
            if leg.queue(Outgoing::Rtp(forwarded), &mut self.counts) {
                self.ready.push_back(receiver);
            }
        }
    }

    /// Answers one receiver's request for one packet of a source.
    pub(crate) fn resend(&mut self, now: Time, receiver: usize, ssrc: Ssrc, sequence: u16) {
        let Some(&(slot, kind)) = self.sources.get(&ssrc).filter(|(s, _)| *s != receiver) else {
            return;
        };
        let Some(leg) = &mut self.legs[receiver] else { return };
        let Some((number, place)) = leg.downlink(slot, kind).asked(now, sequence) else { return };
        let Some(source) = self.legs[slot].as_ref().map(|leg| &leg.sources[kind as usize]) else {
            return;
        };
        // Truncated to what the source wrote; younger packets than a wrap are all that is kept.
        let Some(packet) = source.history.get(now, number as u16).cloned() else { return };
        let Some(leg) = self.legs[receiver].as_mut() else { return };
        if !leg.may_resend(now) {
            return;
        }
        leg.resent += 1;
        self.counts.resent += 1;
        leg.downlink(slot, kind).answered(now, sequence);
        let marked = kind == Kind::Audio && place.begins;
        if leg.queue(Outgoing::Rtp(Forwarded { packet, sequence, marked }), &mut self.counts) {
            self.ready.push_back(receiver);
        }
    }

    /// Puts out an RTCP datagram, if the leg can be sent to.
    pub(crate) fn send_rtcp(&mut self, slot: usize, datagram: Vec<u8>) {
        let leg = self.legs.get_mut(slot).and_then(Option::as_mut);
        let Some(leg) = leg.filter(|leg| leg.state == State::Flowing) else { return };
        debug_assert!(datagram.len() >= HEADER_LENGTH - 4);
        if leg.queue(Outgoing::Rtcp(datagram), &mut self.counts) {
            self.ready.push_back(slot);
        }
    }

    pub(crate) fn wake_by(&mut self, time: Time) {
        self.next_wake = Some(self.next_wake.map_or(time, |wake| wake.min(time)));
    }

    /// Does all that is due, and finds out when the next thing is.
    fn pass_time(&mut self, now: Time) {
        self.next_wake = None;
        if self.next_look <= now {
            self.next_look = now + LOOK;
            let change = self.speakers.decide(now);
            for slot in change.withheld {
                self.withhold_voice(slot);
            }
            if let Some(shown) = change.shown {
                let leg = shown.and_then(|slot| self.legs[slot].as_ref());
                let participant = leg.map(|leg| leg.participant);
                self.events.push_back(Output::Speaking { participant });
            }
        }
        let mut flowing = false;
        for slot in 0..self.legs.len() {
            let Some(leg) = &mut self.legs[slot] else { continue };
            let silent_at = leg.heard + SILENT_AFTER;
            if leg.state != State::Silent && silent_at <= now {
                leg.state = State::Silent;
                leg.waiting.clear();
                for downlink in leg.downlinks.iter_mut().flatten() {
                    downlink.rewriter.withhold();
                }
                let participant = leg.participant;
                self.events.push_back(Output::Silent { participant });
                self.silence(slot);
            }
            let Some(leg) = &self.legs[slot] else { continue };
            match leg.state {
                State::Silent => {}
                State::Opened => self.wake_by(silent_at),
                State::Flowing => {
                    flowing = true;
                    self.report_to(now, slot);
                    self.repair(now, slot);
                }
            }
        }
        if flowing {
            self.wake_by(self.next_look);
        }
    }
}

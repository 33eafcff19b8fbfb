//! How calls go: what an operator looks at when somebody says that a call was bad.
//!
//! 1. The switchboard notes when a call begins and ends ([`CallNote`]).
//! 2. While it is on, its leg is looked at every [`LOOK`]; the worst moment is remembered.
//! 3. When it is over, it becomes one line in the log, one [`CallLine`] for `conclave-cloud calls`,
//!    and one line of JSON in a file that keeps the last [`KEPT`].
//!
//! The log has no clock and no file; see `file` for the latter.

pub mod file;
mod line;
mod sample;
pub mod verdict;

pub use line::{CallLine, Quality, Way, Worst};
pub use sample::{Flow, LegSample};

use crate::metrics::Histogram;
use crate::switchboard::CallNote;
use conclave_directory::{CallTrouble, LeftWhy};
use conclave_types::{
    CallId, DisplayName, LegId, MeetingId, ParticipantId, RoomId, Time, UnixTime,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// From one look at the legs to the next. Five seconds: a burst of loss that a person notices
/// lasts about as long. Lowered, a thousand legs cost more to watch; raised, the worst moment is
/// averaged away.
pub const LOOK: Duration = Duration::from_secs(5);

/// Ended calls that are kept: some weeks of a usual organisation, a day of a full cloud. Some 600
/// octets each, in memory and in the file.
pub const KEPT: usize = 2_000;

/// What all legs together came to since the start, and how they were at each look.
#[derive(Debug, Clone)]
pub struct Media {
    /// Sums over all legs, those that are closed included. What is no count means nothing here.
    pub sums: LegSample,
    /// Lost on the way to rooms, by their reports.
    pub lost_to_rooms: u64,
    /// Shares lost on the way from a room, one for each leg and look.
    pub loss_from_room: Histogram,
    /// Shares lost on the way to a room.
    pub loss_to_room: Histogram,
    /// Jitter of a room's picture, in seconds.
    pub jitter: Histogram,
    /// Round trips, in seconds.
    pub round_trip: Histogram,
    /// How long calls took, in seconds.
    pub duration: Histogram,
}

/// Calls that are on, and the last ones that were.
#[derive(Debug)]
pub struct CallLog {
    live: BTreeMap<CallId, Live>,
    legs: BTreeMap<ParticipantId, CallId>,
    /// Who is in which meeting together.
    meetings: BTreeMap<MeetingId, BTreeSet<CallId>>,
    recent: VecDeque<CallLine>,
    /// Calls that are over, and nobody was told how they went.
    judged: Vec<JudgedCall>,
    media: Media,
}

/// How a call went that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedCall {
    /// Which.
    pub call: CallId,
    /// Of which room.
    pub room: RoomId,
    /// What was wrong with it; nothing when it was good.
    pub troubles: Vec<CallTrouble>,
}

#[derive(Debug)]
struct Live {
    room: RoomId,
    room_name: DisplayName,
    vmr_name: DisplayName,
    meeting: MeetingId,
    participant: ParticipantId,
    leg: LegId,
    at: UnixTime,
    began: Time,
    span: tracing::Span,
    last: LegSample,
    looked: Time,
    /// The share that was lost on the way from the room up to the last look.
    lossy: f64,
    quality: Quality,
    over: Option<(Time, LeftWhy)>,
}

/// Whether a look at a leg is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The leg goes on.
    Passing,
    /// The leg is closed.
    Last,
}

impl CallLog {
    /// Begins with the calls that a file kept, the oldest first.
    pub fn new(kept: Vec<CallLine>) -> CallLog {
        const SHARES: &[f64] = &[0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
        const DELAYS: &[f64] = &[0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
        const SPANS: &[f64] = &[10.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0];
        let mut recent = VecDeque::from(kept);
        while recent.len() > KEPT {
            recent.pop_front();
        }
        CallLog {
            live: BTreeMap::new(),
            legs: BTreeMap::new(),
            meetings: BTreeMap::new(),
            recent,
            judged: Vec::new(),
            media: Media {
                sums: LegSample::default(),
                lost_to_rooms: 0,
                loss_from_room: Histogram::new(SHARES),
                loss_to_room: Histogram::new(SHARES),
                jitter: Histogram::new(DELAYS),
                round_trip: Histogram::new(DELAYS),
                duration: Histogram::new(SPANS),
            },
        }
    }

    /// Takes in what the switchboard notes.
    pub fn note(&mut self, note: CallNote) {
        match note {
            CallNote::Began {
                call,
                room,
                room_name,
                vmr_name,
                meeting,
                participant,
                leg,
                at,
                now,
                span,
            } => {
                self.legs.insert(participant, call);
                self.meetings.entry(meeting).or_default().insert(call);
                let live = Live {
                    room,
                    room_name,
                    vmr_name,
                    meeting,
                    participant,
                    leg,
                    at,
                    began: now,
                    span,
                    last: LegSample::default(),
                    looked: now,
                    lossy: 0.0,
                    quality: Quality::default(),
                    over: None,
                };
                self.live.insert(call, live);
            }
            CallNote::Ended { call, why, now } => {
                if let Some(live) = self.live.get_mut(&call) {
                    live.over = Some((now, why));
                }
            }
            CallNote::PartBroke { call, part } => {
                if let Some(live) = self.live.get_mut(&call) {
                    *live.quality.broken.entry(part.to_owned()).or_default() += 1;
                }
            }
        }
    }

    /// The legs to look at: those of calls that are on.
    pub fn legs(&self) -> Vec<(MeetingId, ParticipantId)> {
        let on = self.live.values().filter(|live| live.over.is_none());
        on.map(|live| (live.meeting, live.participant)).collect()
    }

    /// Takes in a look at some legs; `None` of a sample is a leg that the node does not have. The
    /// last look makes a call that is over into a line.
    pub fn looked(
        &mut self,
        now: Time,
        legs: &[(ParticipantId, Option<LegSample>)],
        look: Look,
    ) -> Vec<CallLine> {
        let call_of = |legs: &BTreeMap<_, CallId>, who: &ParticipantId| legs.get(who).copied();
        for (participant, sample) in legs {
            let call = call_of(&self.legs, participant);
            let live = call.and_then(|call| self.live.get_mut(&call));
            if let (Some(live), Some(sample)) = (live, sample) {
                live.lossy = sample.since(&live.last).loss_from_room().unwrap_or(0.0);
            }
        }
        let mut lines = Vec::new();
        for (participant, sample) in legs {
            let Some(call) = call_of(&self.legs, participant) else { continue };
            let upstream = self.lossiest_other(call);
            let live = self.live.get_mut(&call);
            if let (Some(live), Some(sample)) = (live, sample) {
                // What was lost on the way from another room leaves a gap that this room reports
                // as lost too; its own network is not to blame for it.
                let loss_to_room = (sample.loss_to_room - upstream).max(0.0);
                live.take(&mut self.media, now, LegSample { loss_to_room, ..*sample });
            }
            if look == Look::Last {
                lines.extend(self.finish(now, call));
            }
        }
        lines
    }

    /// The highest share lost on the way from any other room in the same meeting.
    fn lossiest_other(&self, call: CallId) -> f64 {
        let meeting = self.live.get(&call).and_then(|live| self.meetings.get(&live.meeting));
        let others = meeting.into_iter().flatten().filter(|other| **other != call);
        others.filter_map(|other| self.live.get(other)).map(|live| live.lossy).fold(0.0, f64::max)
    }

    /// The cloud stops: every call that is still here becomes a line, as far as it was seen.
    pub fn finish_all(&mut self, now: Time) -> Vec<CallLine> {
        let calls: Vec<CallId> = self.live.keys().copied().collect();
        calls.into_iter().filter_map(|call| self.finish(now, call)).collect()
    }

    /// The newest calls that are over, the newest first.
    pub fn recent(&self, most: usize) -> Vec<CallLine> {
        self.recent.iter().rev().take(most).cloned().collect()
    }

    /// How calls went that have become lines since this was asked last: for their records.
    pub fn judged(&mut self) -> Vec<JudgedCall> {
        std::mem::take(&mut self.judged)
    }

    /// What all legs came to.
    pub fn media(&self) -> &Media {
        &self.media
    }

    /// How many legs have a call that is on.
    pub fn live(&self) -> usize {
        self.live.values().filter(|live| live.over.is_none()).count()
    }

    /// How many of them packets come from, as of the last look.
    pub fn flowing(&self) -> usize {
        self.live.values().filter(|live| live.last.flow == Flow::Flowing).count()
    }

    fn finish(&mut self, now: Time, call: CallId) -> Option<CallLine> {
        let live = self.live.remove(&call)?;
        self.legs.remove(&live.participant);
        if let Some(together) = self.meetings.get_mut(&live.meeting) {
            together.remove(&call);
            if together.is_empty() {
                self.meetings.remove(&live.meeting);
            }
        }
        let (ended, why) = live.over.unwrap_or((now, LeftWhy::CloudStopped));
        let seconds = ended.since(live.began).as_secs();
        self.media.duration.observe(seconds as f64);
        let quality = &live.quality;
        tracing::info!(
            parent: &live.span,
            seconds,
            why = why.as_str(),
            received = quality.received,
            lost = quality.lost,
            unrepaired = quality.unrepaired,
            asked = quality.asked,
            keyframes_asked = quality.keyframes_asked,
            sent = quality.sent,
            lost_to_room = quality.lost_to_room,
            resent = quality.resent,
            jitter_ms = quality.jitter_ms,
            round_trip_ms = quality.round_trip_ms,
            silent_s = quality.silent_s,
            worst = ?quality.worst,
            "call ended"
        );
        let verdict = verdict::words(live.room_name.as_str(), seconds, why, quality);
        let troubles = verdict::troubles(seconds, why, quality);
        self.judged.push(JudgedCall { call, room: live.room, troubles });
        let line = CallLine {
            call,
            meeting: live.meeting,
            leg: live.leg,
            room: live.room,
            room_name: live.room_name,
            vmr_name: live.vmr_name,
            joined_at: live.at,
            seconds,
            why: why.as_str().to_owned(),
            quality: live.quality,
            verdict,
        };
        if self.recent.len() >= KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(line.clone());
        Some(line)
    }
}

impl Live {
    fn take(&mut self, media: &mut Media, now: Time, sample: LegSample) {
        let step = sample.since(&self.last);
        let passed = now.since(self.looked);
        (self.last, self.looked) = (sample, now);
        let lost_to_room = step.lost_to_room();
        media.add(&step, lost_to_room);

        let quality = &mut self.quality;
        quality.received += step.received;
        quality.lost += step.lost;
        quality.unrepaired += step.unrepaired;
        quality.asked += step.asked;
        quality.keyframes_asked += step.keyframes_asked;
        quality.sent += step.sent;
        quality.lost_to_room += lost_to_room;
        quality.resent += step.resent;
        quality.dropped += step.dropped;
        quality.jitter_ms = quality.jitter_ms.max(millis(sample.jitter));
        quality.round_trip_ms = quality.round_trip_ms.max(sample.round_trip.map(millis));
        if step.received == 0 {
            quality.silent_s += passed.as_secs();
        }
        let at_s = now.since(self.began).as_secs();
        let ways = [
            (Way::FromRoom, step.loss_from_room()),
            (Way::ToRoom, (step.sent > 0).then_some(sample.loss_to_room)),
        ];
        for (way, share) in ways {
            let lost_percent = 100.0 * share.unwrap_or(0.0);
            if lost_percent > quality.worst.map_or(0.0, |worst| worst.lost_percent) {
                quality.worst = Some(Worst { at_s, way, lost_percent });
            }
        }
    }
}

impl Media {
    fn add(&mut self, step: &LegSample, lost_to_room: u64) {
        let sums = &mut self.sums;
        sums.received += step.received;
        sums.lost += step.lost;
        sums.unrepaired += step.unrepaired;
        sums.asked += step.asked;
        sums.keyframes_asked += step.keyframes_asked;
        sums.sent += step.sent;
        sums.octets_sent += step.octets_sent;
        sums.resent += step.resent;
        sums.dropped += step.dropped;
        sums.refused += step.refused;
        self.lost_to_rooms += lost_to_room;
        if let Some(share) = step.loss_from_room() {
            self.loss_from_room.observe(share);
            self.jitter.observe(step.jitter.as_secs_f64());
        }
        if step.sent > 0 {
            self.loss_to_room.observe(step.loss_to_room);
        }
        if let Some(round_trip) = step.round_trip {
            self.round_trip.observe(round_trip.as_secs_f64());
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

//! What both ends have in common: frames, requests that wait, keep-alive, limits.

use super::{ANSWER_WAIT, End, MOST_OWED, MOST_WAITING, Output, PINGS_UNANSWERED, PONG_WAIT};
use crate::envelope::RequestId;
use crate::envelope::{self, Envelope, Incoming};
use crate::frame::Decoder;
use crate::message::Response;
use crate::reason::{CloseReason, RequestFailure};
use conclave_types::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How many octets of a frame count as one frame more against the limit.
const WEIGHT_STEP: usize = 4096;

/// How many frames the other end may send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameLimit {
    pub(crate) per_second: u32,
    pub(crate) at_once: u32,
}

/// What came and is for the session to judge.
#[derive(Debug)]
pub(crate) enum Came<There: End> {
    Opening(There::Opening),
    Request { id: RequestId, request: There::Request },
    UnknownRequest(RequestId),
    Event(There::Event),
}

/// The common part of a session.
#[derive(Debug)]
pub(crate) struct Line<Here: End, There: End> {
    decoder: Decoder,
    /// Our requests, and until when each waits.
    waiting: BTreeMap<RequestId, Time>,
    /// Their requests that we have not answered.
    owed: BTreeSet<RequestId>,
    /// When the last whole frame came.
    heard: Time,
    /// Silence before the first ping.
    idle: Duration,
    pings: u32,
    limit: Option<FrameLimit>,
    /// When the frames so far would have come at the allowed rate.
    paid_until: Time,
    skipped: u64,
    frames: u64,
    closed: bool,
    outputs: VecDeque<Output<There>>,
    here: std::marker::PhantomData<Here>,
}

impl<Here: End, There: End> Line<Here, There> {
    pub(crate) fn new(now: Time, idle: Duration, limit: Option<FrameLimit>) -> Line<Here, There> {
        Line {
            decoder: Decoder::new(),
            waiting: BTreeMap::new(),
            owed: BTreeSet::new(),
            heard: now,
            idle,
            pings: 0,
            limit,
            paid_until: now,
            skipped: 0,
            frames: 0,
            closed: false,
            outputs: VecDeque::new(),
            here: std::marker::PhantomData,
        }
    }

    /// Events of unknown kinds and answers that nobody waited for, so far.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether requests of ours wait for their answers.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whole frames that came so far.
    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    pub(crate) fn is_between_frames(&self) -> bool {
        self.decoder.is_between_frames()
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output<There>> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > 0 {
            // Thousands of idle links keep no room for what they wanted once.
            self.outputs = VecDeque::new();
        }
        output
    }

    pub(crate) fn want(&mut self, output: Output<There>) {
        self.outputs.push_back(output);
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        if self.closed {
            return None;
        }
        let answers = self.waiting.values().copied().min();
        Some(answers.map_or(self.next_ping(), |answer| answer.min(self.next_ping())))
    }

    fn next_ping(&self) -> Time {
        self.heard + self.idle + PONG_WAIT * self.pings
    }

    pub(crate) fn tick(&mut self, now: Time) {
        if self.closed {
            return;
        }
        while let Some((&id, _)) = self.waiting.iter().find(|(_, until)| **until <= now) {
            self.answered(id, Err(RequestFailure::TimedOut));
        }
        if self.next_ping() <= now {
            if self.pings >= PINGS_UNANSWERED {
                return self.close(CloseReason::Silent);
            }
            self.pings += 1;
            // A shell that slept over several pings sends one and waits for its answer.
            self.heard = self.heard.max(now - self.idle - PONG_WAIT * (self.pings - 1));
            self.send(&Envelope::Ping(self.pings));
        }
    }

    /// The next message in what was read, for the session to judge; the rest is done here.
    pub(crate) fn next(&mut self, now: Time, read: &mut &[u8]) -> Option<Came<There>> {
        while !self.closed {
            let content = match self.decoder.next(read) {
                Ok(content) => content?,
                Err(error) => {
                    self.close(CloseReason::Frame(error));
                    return None;
                }
            };
            self.heard = now;
            self.pings = 0;
            self.frames += 1;
            if !self.pays(now, content.expose().len()) {
                self.close(CloseReason::Flood);
                return None;
            }
            let incoming =
                envelope::decode::<There::Opening, There::Request, There::Event>(content.expose());
            match incoming {
                Ok(Incoming::Known(Envelope::Opening(opening))) => {
                    return Some(Came::Opening(opening));
                }
                Ok(Incoming::Known(Envelope::Request { id, request })) => {
                    return Some(Came::Request { id, request });
                }
                Ok(Incoming::UnknownRequest(id)) => return Some(Came::UnknownRequest(id)),
                Ok(Incoming::Known(Envelope::Event(event))) => return Some(Came::Event(event)),
                Ok(Incoming::UnknownEvent) => self.skipped += 1,
                Ok(Incoming::Known(Envelope::Response { id, response })) => {
                    self.answered(id, Ok(response));
                }
                Ok(Incoming::UnknownResponse(id)) => {
                    self.answered(id, Err(RequestFailure::UnknownResponse));
                }
                Ok(Incoming::Known(Envelope::Ping(number))) => {
                    self.send(&Envelope::Pong(number));
                }
                Ok(Incoming::Known(Envelope::Pong(_))) => {}
                Ok(Incoming::Known(Envelope::Close(reason))) => {
                    self.end(CloseReason::ByPeer { reason });
                }
                Err(error) => self.close(CloseReason::Envelope(error)),
            }
        }
        None
    }

    /// Counts a frame against the limit; false when the other end sends too many.
    fn pays(&mut self, now: Time, octets: usize) -> bool {
        let Some(limit) = self.limit else { return true };
        let one = Duration::from_secs(1) / limit.per_second;
        let weight = u32::try_from(1 + octets / WEIGHT_STEP).unwrap_or(u32::MAX);
        self.paid_until = self.paid_until.max(now) + one.saturating_mul(weight);
        self.paid_until.since(now) <= one.saturating_mul(limit.at_once)
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn ask(&mut self, now: Time, id: RequestId, request: Here::Request) {
        let failure = if self.closed {
            RequestFailure::NotLinked
        } else if self.waiting.len() >= MOST_WAITING || self.waiting.contains_key(&id) {
            RequestFailure::TooMany
        } else {
            match envelope::encode(&Self::envelope(Envelope::Request { id, request })) {
                Ok(frame) => {
                    self.want(Output::Write(frame));
                    self.waiting.insert(id, now + ANSWER_WAIT);
                    return;
                }
                Err(_) => RequestFailure::TooLong,
            }
        };
        self.want(Output::Answered { id, result: Err(failure) });
    }

    /// Notes that the other end waits for an answer; false, and closed, when it may not ask.
    pub(crate) fn owe(&mut self, id: RequestId) -> bool {
        if self.owed.len() >= MOST_OWED {
            self.close(CloseReason::TooManyRequests);
            false
        } else if !self.owed.insert(id) {
            self.close(CloseReason::Unexpected { what: "a request with the id of another" });
            false
        } else {
            true
        }
    }

    /// Answers a request of the other end, once; answers to nothing are dropped.
    pub(crate) fn respond(&mut self, id: RequestId, response: Response) {
        if self.closed || !self.owed.remove(&id) {
            return;
        }
        let envelope = Self::envelope(Envelope::Response { id, response });
        match envelope::encode(&envelope) {
            Ok(frame) => self.want(Output::Write(frame)),
            Err(error) => {
                let response = Response::Failed { reason: error.to_string() };
                self.send(&Envelope::Response { id, response });
            }
        }
    }

    /// Sends what wants no answer. False when it does not fit in a frame: nothing was sent.
    pub(crate) fn send(
        &mut self,
        envelope: &Envelope<Here::Opening, Here::Request, Here::Event>,
    ) -> bool {
        match envelope::encode(envelope) {
            Ok(frame) if !self.closed => {
                self.want(Output::Write(frame));
                true
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    /// Tells the other end why and ends the session.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        self.send(&Envelope::Close(reason.to_string()));
        self.end(reason);
    }

    /// Ends the session without another word.
    pub(crate) fn end(&mut self, reason: CloseReason) {
        if self.closed {
            return;
        }
        self.closed = true;
        for id in std::mem::take(&mut self.waiting).into_keys() {
            self.want(Output::Answered { id, result: Err(RequestFailure::LinkLost) });
        }
        self.owed.clear();
        self.want(Output::Closed(reason));
    }

    fn answered(&mut self, id: RequestId, result: Result<Response, RequestFailure>) {
        if self.waiting.remove(&id).is_some() {
            self.want(Output::Answered { id, result });
        } else {
            // The answer to a request that has timed out.
            self.skipped += 1;
        }
    }

    /// Only names the type.
    fn envelope(
        envelope: Envelope<Here::Opening, Here::Request, Here::Event>,
    ) -> Envelope<Here::Opening, Here::Request, Here::Event> {
        envelope
    }
}

//! When each packet of a source goes to its decoder: in order, evenly, and no later than the
//! network makes necessary. Pure: time comes in, packets come out.
//!
//! - The fastest packet of the last seconds sets the pace: what took longer was late by the rest.
//! - How late packets were lately decides the delay. It begins at nothing, grows at once when
//!   packets come late, and shrinks slowly when they no longer do. The first [`SLACK`] of lateness
//!   costs no delay: the voice's queue bridges it, and no eye sees it.
//! - A gap is waited for, so that what is sent again still fits, but not for ever.
//!
//! Picture and voice of one participant have a playout each; both are held by the larger of the
//! two delays ([`Playout::keep_with`]), so that lips and voice agree.

use crate::packets::Kind;
use conclave_types::{AUDIO_CLOCK_HZ, Time, VIDEO_CLOCK_HZ};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

/// Lateness that costs no delay: less than the voice's queue holds, and half the time between two
/// pictures. More would click, less would delay what needs none.
const SLACK: Duration = Duration::from_millis(20);
/// The longest delay. Beyond it people begin to talk into each other's words; what comes later
/// still is lost.
const MOST: Duration = Duration::from_millis(200);
/// How long lateness is remembered, in seconds; one hiccup in this time is forgiven.
const REMEMBERED: usize = 10;
/// How much the delay shrinks each second. Ten milliseconds are a speed that nobody hears.
const SHRINK_PER_SECOND: Duration = Duration::from_millis(10);
/// How long the fastest packet counts as such, at least. Two clocks that differ by 100 millionths
/// run one millisecond apart meanwhile.
const PACE: Duration = Duration::from_secs(5);
/// A timestamp that is so far from where it belongs begins a new stream.
const JUMP: i64 = 2_000_000;
/// Packets that wait at most: two large keyframes. More arrive only when somebody leaves a gap on
/// purpose.
const MOST_WAITING: usize = 1024;

/// How long a gap in a picture is waited for: as long as it is asked for again.
pub(crate) const PICTURE_GAP: Duration = Duration::from_millis(100);
/// How long a gap in a voice is waited for beyond the moment when it should be heard: a little
/// less than the voice's queue lasts.
const VOICE_GAP: Duration = Duration::from_millis(20);

/// What the decoder is given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Played {
    /// The next packet; `at` is its place on the source's own clock, since its first packet plus
    /// [`BEFORE`].
    Packet {
        /// RTP, in the clear.
        packet: Vec<u8>,
        /// Presentation time.
        at: Duration,
    },
    /// Packets before the next one will never come.
    Lost {
        /// The first of them.
        sequence: u16,
        /// Where they would have been.
        at: Duration,
        /// Until where.
        span: Duration,
    },
}

impl fmt::Debug for Played {
    /// Without what people say and show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Played::Packet { packet, at } => {
                f.debug_struct("Packet").field("octets", &packet.len()).field("at", at).finish()
            }
            Played::Lost { sequence, at, span } => f
                .debug_struct("Lost")
                .field("sequence", sequence)
                .field("at", at)
                .field("span", span)
                .finish(),
        }
    }
}

/// Where the first packet stands, so that one which was overtaken has a place before it.
const BEFORE: i64 = 1_000_000;

/// One source's packets on their way to the decoder.
#[derive(Debug)]
pub(crate) struct Playout {
    kind: Kind,
    clock_hz: i64,
    waiting: BTreeMap<u64, Waiting>,
    /// The one that is played next, counted on past 2^16.
    next: Option<u64>,
    /// Since when it is missing while later ones are there.
    gap: Option<Time>,
    /// The latest timestamp, and where it is on the source's clock, in µs.
    latest: Option<(u32, i64)>,
    /// Where the last packet that was played stood.
    played: i64,
    pace: Pace,
    lateness: Lateness,
    companion: Duration,
}

struct Waiting {
    packet: Vec<u8>,
    media: i64,
}

impl fmt::Debug for Waiting {
    /// Without what people say and show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("octets", &self.packet.len())
            .field("media", &self.media)
            .finish()
    }
}

impl Playout {
    pub(crate) fn new(kind: Kind) -> Playout {
        let clock_hz = match kind {
            Kind::Audio => AUDIO_CLOCK_HZ,
            Kind::Video => VIDEO_CLOCK_HZ,
        };
        Playout {
            kind,
            clock_hz: i64::from(clock_hz),
            waiting: BTreeMap::new(),
            next: None,
            gap: None,
            latest: None,
            played: 0,
            pace: Pace::default(),
            lateness: Lateness::default(),
            companion: Duration::ZERO,
        }
    }

    /// Takes a packet that arrived. One that comes after its turn is dropped.
    pub(crate) fn insert(&mut self, now: Time, sequence: u16, timestamp: u32, packet: Vec<u8>) {
        let mut media = self.place(timestamp);
        let arrived = now.as_micros() as i64;
        if self.pace.fastest(now).is_some_and(|pace| (arrived - media - pace).abs() > JUMP) {
            // Somebody's clock was set, or another encoder counts anew.
            let (next, played) = (self.next, self.played);
            *self = Playout { companion: self.companion, ..Playout::new(self.kind) };
            self.next = next;
            self.played = played;
            media = played + 20_000;
            self.latest = Some((timestamp, media));
        }
        let next = *self.next.get_or_insert_with(|| 1 << 32 | u64::from(sequence));
        let ahead = i64::from(sequence.wrapping_sub(next as u16) as i16);
        let place = next.wrapping_add_signed(ahead);
        let late = self.pace.arrived(now, arrived - media);
        self.lateness.note(now, late);
        if ahead < 0 {
            return;
        }
        self.waiting.insert(place, Waiting { packet, media });
        if place == next {
            self.gap = None;
        } else if self.gap.is_none() && !self.waiting.contains_key(&next) {
            self.gap = Some(now);
        }
    }

    /// What the decoder gets now; ask again until there is nothing.
    pub(crate) fn poll(&mut self, now: Time) -> Option<Played> {
        let (&place, first) = self.waiting.first_key_value()?;
        let next = self.next?;
        let due = self.due(first.media);
        if place == next {
            if now < due && self.waiting.len() < MOST_WAITING {
                return None;
            }
            let first = self.waiting.remove(&place)?;
            self.next = Some(next + 1);
            self.gap = match self.waiting.contains_key(&(next + 1)) || self.waiting.is_empty() {
                true => None,
                false => Some(now),
            };
            self.played = first.media;
            let at = Duration::from_micros((first.media + BEFORE).max(0) as u64);
            return Some(Played::Packet { packet: first.packet, at });
        }
        if now < self.give_up(due) && self.waiting.len() < MOST_WAITING {
            return None;
        }
        // Whoever comes after a gap tells how long each of the lost was.
        let lost = (place - next) as i64;
        let each = (first.media - self.played).clamp(0, 1_000_000) / (lost + 1);
        let at = (self.played + each + BEFORE).max(0) as u64;
        self.next = Some(place);
        self.gap = None;
        Some(Played::Lost {
            sequence: next as u16,
            at: Duration::from_micros(at),
            span: Duration::from_micros((each * lost) as u64),
        })
    }

    /// When to poll even if nothing arrives.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let (place, first) = self.waiting.first_key_value()?;
        let due = self.due(first.media);
        Some(if Some(*place) == self.next { due } else { self.give_up(due) })
    }

    /// The delay that this source alone needs.
    pub(crate) fn needs(&self) -> Duration {
        self.lateness.delay
    }

    /// The delay in force.
    pub(crate) fn delay(&self) -> Duration {
        self.needs().max(self.companion)
    }

    /// Holds packets at least as long as the participant's other source does.
    pub(crate) fn keep_with(&mut self, companion: Duration) {
        self.companion = companion;
    }

    fn due(&self, media: i64) -> Time {
        let at = self.pace.latest.unwrap_or_default() + media + self.delay().as_micros() as i64;
        Time::from_micros(at.max(0) as u64)
    }

    /// When the packet after a gap, itself due at `due`, is played without what is missing.
    fn give_up(&self, due: Time) -> Time {
        let since = self.gap.unwrap_or(due);
        match self.kind {
            Kind::Audio => due.max(since) + VOICE_GAP,
            Kind::Video => due.max(since + PICTURE_GAP),
        }
    }

    /// Where a timestamp is on the source's clock, in µs since its first.
    fn place(&mut self, timestamp: u32) -> i64 {
        let (latest, at) = *self.latest.get_or_insert((timestamp, 0));
        let ticks = i64::from(timestamp.wrapping_sub(latest) as i32);
        let media = at + ticks * 1_000_000 / self.clock_hz;
        if ticks > 0 {
            // From the first timestamp on, not from one to the next: rounding would add up.
            let whole = ticks * 1_000_000 % self.clock_hz == 0;
            if whole || ticks > self.clock_hz {
                self.latest = Some((timestamp, media));
            }
        }
        media
    }
}

/// The fastest way through the network lately: arrival less media time, in µs.
#[derive(Debug, Default)]
struct Pace {
    since: Time,
    now: Option<i64>,
    before: Option<i64>,
    latest: Option<i64>,
}

impl Pace {
    fn fastest(&self, now: Time) -> Option<i64> {
        // After a long silence the old pace says nothing: the clocks have run apart.
        if now.since(self.since) > PACE * 2 { None } else { self.latest }
    }

    /// Takes one; how late it is against the fastest.
    fn arrived(&mut self, now: Time, transit: i64) -> Duration {
        let age = now.since(self.since);
        if age > PACE {
            self.before = if age > PACE * 2 { None } else { self.now };
            self.now = None;
            self.since = now;
        }
        self.now = Some(self.now.map_or(transit, |fastest| fastest.min(transit)));
        let fastest = self.now.into_iter().chain(self.before).min().unwrap_or(transit);
        self.latest = Some(fastest);
        Duration::from_micros((transit - fastest).max(0) as u64)
    }
}

/// How late packets were in each of the last seconds, and the delay that follows.
#[derive(Debug, Default)]
struct Lateness {
    second: Time,
    worst: VecDeque<Duration>,
    delay: Duration,
}

impl Lateness {
    fn note(&mut self, now: Time, late: Duration) {
        while now.since(self.second) >= Duration::from_secs(1) || self.worst.is_empty() {
            if now.since(self.second) > Duration::from_secs(REMEMBERED as u64) {
                self.second = now - Duration::from_secs(1);
                self.worst.clear();
            }
            self.second = self.second + Duration::from_secs(1);
            if self.worst.len() == REMEMBERED {
                self.worst.pop_front();
            }
            self.worst.push_back(Duration::ZERO);
            self.delay = self.wanted().max(self.delay.saturating_sub(SHRINK_PER_SECOND));
        }
        if let Some(worst) = self.worst.back_mut() {
            *worst = late.max(*worst);
        }
        self.delay = self.wanted().max(self.delay);
    }

    /// The second worst of the last seconds: the worst may have been an accident.
    fn wanted(&self) -> Duration {
        let (mut worst, mut second) = (Duration::ZERO, Duration::ZERO);
        for late in &self.worst {
            if *late > worst {
                (worst, second) = (*late, worst);
            } else {
                second = second.max(*late);
            }
        }
        second.saturating_sub(SLACK).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: f64) -> Time {
        Time::from_micros((ms * 1000.0) as u64)
    }

    /// A source of one packet every 20 ms, its network and its playout.
    struct Line {
        playout: Playout,
        sent: u16,
        /// Milliseconds of the receiver for one of the sender.
        drift: f64,
        /// When each was played, by number, in ms since it was sent at the fastest.
        played: Vec<(u8, f64)>,
        lost: Vec<u16>,
    }

    impl Line {
        fn new(kind: Kind) -> Line {
            let (playout, played) = (Playout::new(kind), Vec::new());
            Line { playout, sent: 0, drift: 1.0, played, lost: Vec::new() }
        }

        fn drain(&mut self, until: f64) {
            while let Some(deadline) = self.playout.deadline().filter(|d| *d <= at(until)) {
                self.take(deadline);
            }
            self.take(at(until));
        }

        fn take(&mut self, now: Time) {
            let ms = now.as_micros() as f64 / 1000.0;
            while let Some(played) = self.playout.poll(now) {
                match played {
                    Played::Packet { packet, .. } => self.played.push((packet[0], ms)),
                    Played::Lost { sequence, .. } => self.lost.push(sequence),
                }
            }
        }

        /// Sends packets, each late by what `late` says for it, in ms; `None` is lost.
        fn send(&mut self, count: u16, late: impl Fn(u16) -> Option<f64>) {
            let mut arrivals = Vec::new();
            for number in self.sent..self.sent + count {
                if let Some(late) = late(number) {
                    let sent = 1000.0 + f64::from(number) * 20.0 * self.drift;
                    arrivals.push((sent + late, number));
                }
            }
            self.sent += count;
            arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (when, number) in arrivals {
                self.drain(when);
                let ticks = u32::from(number) * 20 * (self.playout.clock_hz / 1000) as u32;
                // Both counters pass their ends on the way.
                let (sequence, timestamp) =
                    (number.wrapping_add(65_500), ticks.wrapping_add(u32::MAX - 50_000));
                self.playout.insert(at(when), sequence, timestamp, vec![number as u8]);
                self.take(at(when));
            }
        }

        fn delay_ms(&self) -> f64 {
            self.playout.delay().as_secs_f64() * 1000.0
        }
    }

    #[test]
    fn on_a_quiet_network_nothing_waits() {
        for kind in [Kind::Audio, Kind::Video] {
            let mut line = Line::new(kind);
            line.send(500, |n| Some(f64::from(n % 7)));
            assert_eq!(line.playout.delay(), Duration::ZERO);
            assert_eq!(line.played.len(), 500);
            assert!(line.playout.waiting.is_empty() && line.lost.is_empty());
        }
    }

    #[test]
    fn the_delay_grows_at_once_with_jitter_and_shrinks_slowly_when_it_is_gone() {
        let mut line = Line::new(Kind::Audio);
        line.send(100, |_| Some(0.0));
        line.send(200, |n| Some(if n % 25 == 0 { 70.0 } else { 0.0 }));
        assert!((45.0..=50.5).contains(&line.delay_ms()), "{}", line.delay_ms());
        let before = line.delay_ms();
        line.send(50, |_| Some(0.0));
        assert!(line.delay_ms() >= before - 20.5, "one second takes little");
        line.send(50 * 20, |_| Some(0.0));
        assert_eq!(line.delay_ms(), 0.0);
        // The first came late before the delay knew of it.
        assert!(line.lost.len() <= 3, "{:?}", line.lost);
        let order = line.played.windows(2).all(|pair| pair[1].0.wrapping_sub(pair[0].0) <= 2);
        assert!(order && line.played.len() + line.lost.len() == usize::from(line.sent));
    }

    #[test]
    fn with_the_delay_in_force_packets_leave_evenly_whatever_their_jitter() {
        let mut line = Line::new(Kind::Video);
        let late = |n: u16| Some(f64::from((u32::from(n) * 7919 % 61) as u16));
        line.send(1000, late);
        line.played.clear();
        line.send(500, late);
        line.drain(1e6);
        for pair in line.played.windows(2) {
            let gap = pair[1].1 - pair[0].1;
            // Lateness within the slack shows; what the delay covers does not.
            assert!((0.0..=41.0).contains(&gap), "{gap}");
        }
        assert!((38.0..=41.0).contains(&line.delay_ms()), "{}", line.delay_ms());
    }

    #[test]
    fn one_hiccup_costs_nobody_a_delay() {
        let mut line = Line::new(Kind::Video);
        line.send(400, |n| Some(if n == 300 { 90.0 } else { 1.0 }));
        assert_eq!(line.delay_ms(), 0.0);
        assert_eq!(line.played.len(), 400);
    }

    #[test]
    fn the_delay_has_a_limit() {
        let mut line = Line::new(Kind::Audio);
        line.send(500, |n| Some(f64::from(n % 50) * 20.0));
        assert_eq!(line.playout.delay(), MOST);
    }

    #[test]
    fn a_picture_waits_for_what_is_sent_again_and_goes_on_without_what_never_comes() {
        let mut line = Line::new(Kind::Video);
        // The tenth is sent again, 35 ms late; the thirtieth never comes.
        line.send(60, |n| (n != 30).then_some(if n == 10 { 35.0 } else { 0.0 }));
        assert_eq!(line.lost, [65_500_u16.wrapping_add(30)]);
        assert_eq!(line.played.len(), 59);
        let after = line.played.iter().find(|(number, _)| *number == 31).unwrap().1;
        assert!((after - (1000.0 + 31.0 * 20.0) - 100.0).abs() < 1.0, "{after}");
    }

    #[test]
    fn a_voice_does_not_wait_long_for_a_lost_packet() {
        let mut line = Line::new(Kind::Audio);
        line.send(60, |n| (n != 30).then_some(0.0));
        let after = line.played.iter().find(|(number, _)| *number == 31).unwrap().1;
        assert!(after - (1000.0 + 31.0 * 20.0) <= 20.5, "{after}");
        assert_eq!(line.lost.len(), 1);
    }

    #[test]
    fn what_is_lost_is_told_with_its_own_place_and_length() {
        let mut playout = Playout::new(Kind::Audio);
        for number in [0_u16, 3] {
            playout.insert(Time::ZERO, number, u32::from(number) * 960, vec![0]);
        }
        assert!(matches!(playout.poll(Time::ZERO), Some(Played::Packet { .. })));
        let place = |ms: u64| Duration::from_millis(1000 + ms);
        let (at, span) = (place(20), Duration::from_millis(40));
        let late = Time::from_micros(1_000_000);
        assert_eq!(playout.poll(late), Some(Played::Lost { sequence: 1, at, span }));
        assert_eq!(playout.poll(late), Some(Played::Packet { packet: vec![0], at: place(60) }));
        assert_eq!(playout.poll(late), None);
    }

    #[test]
    fn clocks_that_differ_make_no_delay_in_either_direction() {
        for drift in [1.0003, 0.9997] {
            let mut line = Line::new(Kind::Audio);
            line.drift = drift;
            // Ten minutes: the clocks end 180 ms apart.
            line.send(30_000, |n| Some(f64::from(n % 5)));
            assert_eq!(line.delay_ms(), 0.0);
            assert_eq!(line.played.len(), 30_000);
            let (_, last) = line.played[29_999];
            let sent = 1000.0 + 29_999.0 * 20.0 * drift;
            assert!(last - sent < 12.0, "the last waited {} ms", last - sent);
        }
    }

    #[test]
    fn after_a_silence_the_first_word_is_not_late() {
        let mut line = Line::new(Kind::Audio);
        line.send(100, |_| Some(0.0));
        // A minute of silence, in which the way became 30 ms longer.
        line.send(3000, |_| None);
        line.playout.next = Some((1 << 32) + u64::from(65_500_u16.wrapping_add(line.sent)));
        line.send(100, |_| Some(30.0));
        assert_eq!(line.delay_ms(), 0.0);
        assert_eq!(line.played.len(), 200);
    }

    #[test]
    fn picture_and_voice_are_held_alike() {
        let mut line = Line::new(Kind::Audio);
        line.playout.keep_with(Duration::from_millis(60));
        line.send(100, |_| Some(0.0));
        line.drain(1e6);
        let (_, when) = line.played[50];
        assert!((when - (1000.0 + 50.0 * 20.0) - 60.0).abs() < 1.0, "{when}");
    }

    #[test]
    fn nobody_fills_the_memory_by_leaving_a_gap() {
        let mut playout = Playout::new(Kind::Video);
        let mut most = 0;
        for number in 0..20_000_u32 {
            let sequence = if number == 0 { 0 } else { (number * 2) as u16 };
            playout.insert(at(f64::from(number) / 100.0), sequence, 0, vec![0; 10]);
            while playout.poll(at(f64::from(number) / 100.0)).is_some() {}
            most = most.max(playout.waiting.len());
        }
        assert!(most <= MOST_WAITING, "{most}");
    }

    #[test]
    fn a_stream_whose_clock_jumps_goes_on() {
        let mut playout = Playout::new(Kind::Video);
        let mut played = 0;
        let mut timestamp = 5_u32;
        for number in 0..300_u16 {
            if number == 100 || number == 200 {
                timestamp = timestamp.wrapping_add(2_000_000_000);
            }
            timestamp = timestamp.wrapping_add(3600);
            let now = at(1000.0 + f64::from(number) * 40.0);
            playout.insert(now, number, timestamp, vec![0]);
            while let Some(Played::Packet { .. }) = playout.poll(now) {
                played += 1;
            }
        }
        assert!(played >= 298, "{played}");
    }
}

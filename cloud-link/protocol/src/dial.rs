//! One attempt to reach the cloud at several addresses (an idea of RFC 8305, section 5).
//!
//! The first address is tried at once; the next one starts a moment later, or as soon as one has
//! failed. The first that completes its TLS handshake wins, and the others are dropped. `F` is what
//! the shell says of a failure.

use conclave_types::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// How long one address has before the next one starts as well. Shorter opens connections that
/// nobody needs; longer makes people behind a firewall that swallows packets wait.
pub const STAGGER: Duration = Duration::from_millis(250);

/// How long one address may take up to the end of its handshake. Shorter fails on satellite links;
/// longer delays the message that the cloud cannot be reached.
pub const ADDRESS_LIMIT: Duration = Duration::from_secs(10);

/// Addresses in one attempt at most: three ports at two or three addresses. More only come from a
/// name server that is wrong.
pub const MOST_ADDRESSES: usize = 12;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<F> {
    /// The connection with this index completed its handshake.
    Completed(usize),
    /// The connection with this index failed.
    Failed(usize, F),
    /// The deadline has passed.
    Tick,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<F> {
    /// Begin to connect to the address with this index.
    Connect(usize),
    /// Drop this connection, whatever state it is in.
    Drop(usize),
    /// Keep this connection: the attempt is over.
    Won(usize),
    /// All have failed, the attempt is over. In the order of the addresses; `None` ran out of time.
    Lost(Vec<Option<F>>),
}

#[derive(Debug)]
enum Lane<F> {
    Waiting,
    Trying { until: Time },
    Failed(Option<F>),
}

/// The attempt.
#[derive(Debug)]
pub struct Dial<F> {
    lanes: Vec<Lane<F>>,
    next_start: Time,
    over: bool,
    outputs: VecDeque<Output<F>>,
}

impl<F> Dial<F> {
    /// Begins an attempt at this many addresses, the preferred first. With none it is lost at once.
    pub fn new(now: Time, addresses: usize) -> Dial<F> {
        let lanes = (0..addresses.min(MOST_ADDRESSES)).map(|_| Lane::Waiting).collect();
        let mut dial = Dial { lanes, next_start: now, over: false, outputs: VecDeque::new() };
        dial.proceed(now);
        dial
    }

    /// Takes in what happened. After the attempt is over nothing matters any more.
    pub fn handle(&mut self, now: Time, input: Input<F>) {
        if self.over {
            return;
        }
        match input {
            Input::Completed(index) => {
                if matches!(self.lanes.get(index), Some(Lane::Trying { .. })) {
                    self.won(index);
                }
            }
            Input::Failed(index, why) => {
                if let Some(lane @ Lane::Trying { .. }) = self.lanes.get_mut(index) {
                    *lane = Lane::Failed(Some(why));
                    self.next_start = now;
                }
            }
            Input::Tick => {}
        }
        self.proceed(now);
    }

    /// What is wanted next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output<F>> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is wanted.
    pub fn deadline(&self) -> Option<Time> {
        if self.over {
            return None;
        }
        let waiting = self.lanes.iter().any(|lane| matches!(lane, Lane::Waiting));
        let limits = self.lanes.iter().filter_map(|lane| match lane {
            Lane::Trying { until } => Some(*until),
            Lane::Waiting | Lane::Failed(_) => None,
        });
        limits.chain(waiting.then_some(self.next_start)).min()
    }

    fn won(&mut self, winner: usize) {
        for (index, lane) in self.lanes.iter().enumerate() {
            if index != winner && matches!(lane, Lane::Trying { .. }) {
                self.outputs.push_back(Output::Drop(index));
            }
        }
        self.outputs.push_back(Output::Won(winner));
        self.over = true;
    }

    fn proceed(&mut self, now: Time) {
        if self.over {
            return;
        }
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            if matches!(lane, Lane::Trying { until } if *until <= now) {
                *lane = Lane::Failed(None);
                self.outputs.push_back(Output::Drop(index));
            }
        }
        if self.next_start <= now
            && let Some(index) = self.lanes.iter().position(|lane| matches!(lane, Lane::Waiting))
        {
            self.lanes[index] = Lane::Trying { until: now + ADDRESS_LIMIT };
            self.outputs.push_back(Output::Connect(index));
            self.next_start = now + STAGGER;
        }
        if self.lanes.iter().all(|lane| matches!(lane, Lane::Failed(_))) {
            let reasons = self.lanes.drain(..).map(|lane| match lane {
                Lane::Failed(why) => why,
                Lane::Waiting | Lane::Trying { .. } => None,
            });
            self.outputs.push_back(Output::Lost(reasons.collect()));
            self.over = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn outputs(dial: &mut Dial<&'static str>) -> Vec<Output<&'static str>> {
        std::iter::from_fn(|| dial.poll_output()).collect()
    }

    #[test]
    fn the_next_address_starts_a_moment_later_and_the_first_to_complete_wins() {
        let mut dial = Dial::new(at(0), 3);
        assert_eq!(outputs(&mut dial), [Output::Connect(0)]);
        assert_eq!(dial.deadline(), Some(at(250)));
        dial.handle(at(250), Input::Tick);
        assert_eq!(outputs(&mut dial), [Output::Connect(1)]);
        dial.handle(at(300), Input::Completed(1));
        assert_eq!(outputs(&mut dial), [Output::Drop(0), Output::Won(1)]);
        dial.handle(at(301), Input::Completed(0));
        assert_eq!((outputs(&mut dial), dial.deadline()), (vec![], None));
    }

    #[test]
    fn a_failure_starts_the_next_address_at_once() {
        let mut dial = Dial::new(at(0), 2);
        outputs(&mut dial);
        dial.handle(at(3), Input::Failed(0, "refused"));
        assert_eq!(outputs(&mut dial), [Output::Connect(1)]);
        dial.handle(at(5), Input::Failed(1, "no TLS"));
        assert_eq!(outputs(&mut dial), [Output::Lost(vec![Some("refused"), Some("no TLS")])]);
    }

    #[test]
    fn silence_ends_an_attempt_too() {
        let mut dial = Dial::new(at(0), 2);
        while let Some(deadline) = dial.deadline() {
            dial.handle(deadline, Input::Tick);
        }
        assert_eq!(
            outputs(&mut dial),
            [
                Output::Connect(0),
                Output::Connect(1),
                Output::Drop(0),
                Output::Drop(1),
                Output::Lost(vec![None, None])
            ]
        );
    }

    #[test]
    fn no_address_is_a_lost_attempt() {
        let mut dial = Dial::new(at(0), 0);
        assert_eq!(outputs(&mut dial), [Output::Lost(vec![])]);
    }

    #[test]
    fn a_report_on_an_address_that_was_not_tried_is_ignored() {
        let mut dial = Dial::new(at(0), 2);
        outputs(&mut dial);
        dial.handle(at(1), Input::Completed(1));
        dial.handle(at(1), Input::Failed(7, "what"));
        assert_eq!(outputs(&mut dial), []);
    }
}

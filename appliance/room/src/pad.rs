//! The number pad and the PIN pad: what was typed, and what was wrong with it.

use conclave_panel_api::Trouble;
use conclave_types::{Pin, Secret, Time, VmrNumber};

/// Which pad is open.
#[derive(Debug)]
pub(crate) enum Pad {
    /// None: the idle screen.
    Closed,
    /// A meeting room's number is being typed.
    Number { typed: String, fault: Option<Fault> },
    /// A meeting room's PIN is being typed.
    Pin { number: VmrNumber, typed: Secret<String>, fault: Option<Fault> },
}

/// What was wrong with what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Shown until the next digit.
    Said(Trouble),
    /// Nothing can be tried before this moment.
    WaitUntil(Time),
}

impl Fault {
    /// What the panel shows of it at this moment; `None` when a wait is over.
    pub(crate) fn shown(self, now: Time) -> Option<Trouble> {
        match self {
            Fault::Said(trouble) => Some(trouble),
            Fault::WaitUntil(end) if now < end => {
                let left = end.since(now);
                let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
                Some(Trouble::Wait { seconds: u32::try_from(seconds).unwrap_or(u32::MAX) })
            }
            Fault::WaitUntil(_) => None,
        }
    }

    fn blocks(self, now: Time) -> bool {
        matches!(self, Fault::WaitUntil(end) if now < end)
    }
}

impl Pad {
    /// An empty PIN pad.
    pub(crate) fn pin(number: VmrNumber, fault: Option<Fault>) -> Pad {
        Pad::Pin { number, typed: Secret::new(String::new()), fault }
    }

    /// Types one digit. More digits than fit are not taken.
    pub(crate) fn type_digit(&mut self, now: Time, digit: u8) {
        let Some(digit) = char::from_digit(u32::from(digit), 10) else { return };
        match self {
            Pad::Closed => {}
            Pad::Number { typed, fault } => {
                if typed.len() < VmrNumber::LONGEST {
                    typed.push(digit);
                }
                *fault = None;
            }
            Pad::Pin { typed, fault, .. } => {
                if typed.expose().len() < Pin::LONGEST {
                    // With its full capacity from the start, so that no copy stays behind in memory.
                    let mut longer = String::with_capacity(Pin::LONGEST);
                    longer.push_str(typed.expose());
                    longer.push(digit);
                    *typed = Secret::new(longer);
                }
                if !fault.is_some_and(|fault| fault.blocks(now)) {
                    *fault = None;
                }
            }
        }
    }

    /// Deletes the last digit.
    pub(crate) fn delete(&mut self) {
        match self {
            Pad::Closed => {}
            Pad::Number { typed, .. } => {
                typed.pop();
            }
            Pad::Pin { typed, .. } => {
                let mut shorter = typed.expose().clone();
                shorter.pop();
                *typed = Secret::new(shorter);
            }
        }
    }

    /// The number, when it is one.
    pub(crate) fn number(&self) -> Option<VmrNumber> {
        match self {
            Pad::Closed => None,
            Pad::Number { typed, .. } => typed.parse().ok(),
            Pad::Pin { number, .. } => Some(number.clone()),
        }
    }

    /// The PIN, when it is one and may be tried now.
    pub(crate) fn ready_pin(&self, now: Time) -> Option<Pin> {
        match self {
            Pad::Pin { typed, fault, .. } if !fault.is_some_and(|fault| fault.blocks(now)) => {
                typed.expose().parse().ok()
            }
            _ => None,
        }
    }

    /// The end of a wait that the panel counts down.
    pub(crate) fn waiting_until(&self, now: Time) -> Option<Time> {
        let (Pad::Number { fault, .. } | Pad::Pin { fault, .. }) = self else { return None };
        match fault {
            Some(Fault::WaitUntil(end)) if now < *end => Some(*end),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_digits_are_taken_than_fit() {
        let mut pad = Pad::pin("123".parse().unwrap(), None);
        for _ in 0..20 {
            pad.type_digit(Time::ZERO, 7);
        }
        assert_eq!(pad.ready_pin(Time::ZERO), "777777777777".parse().ok());
        pad.type_digit(Time::ZERO, 99);
        pad.delete();
        assert_eq!(pad.ready_pin(Time::ZERO), "77777777777".parse().ok());
    }

    #[test]
    fn a_wait_outlasts_typing_and_then_ends() {
        let end = Time::from_micros(5_500_000);
        let mut pad = Pad::pin("123".parse().unwrap(), Some(Fault::WaitUntil(end)));
        for digit in 1..=4 {
            pad.type_digit(Time::ZERO, digit);
        }
        assert_eq!(pad.ready_pin(Time::ZERO), None);
        assert_eq!(Fault::WaitUntil(end).shown(Time::ZERO), Some(Trouble::Wait { seconds: 6 }));
        assert!(pad.ready_pin(end).is_some());
    }
}

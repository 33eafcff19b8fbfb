//! The factory reset, as a room goes through it.
//!
//! ```text
//! button held, or the panel's own way ──> code (from the cloud) ──> asked once more ──┐
//! a room that belongs to nobody ──────────────────────────────────> asked once more ──┤
//! the cloud's order ──> the call is left ─────────────────────────────────────────────┴─> erasing
//! erasing ──> receipt, told the cloud ──> restart
//! ```
//!
//! In a call nobody at the panel begins one: whoever wants it leaves the meeting first. What is once
//! being erased is not stopped by anybody.

use crate::room::{Output, Room};
use conclave_call::{AskId, State};
use conclave_link_protocol::message::{
    Greeting, Refusal, ResetOutcome, ResetRefusal, ResetReport, Response, RoomRequest,
};
use conclave_panel_api::{Erased, LinkState, Notice, ResetReceipt, Screen, Tap, Trouble};
use conclave_types::{DisplayName, ResetCode, ResetNumber, Secret, Time, UnixTime};
use std::time::Duration;

/// A page that nobody touches goes after this. Shorter, and it goes while somebody asks for the code on
/// the telephone.
const PAGE: Duration = Duration::from_secs(180);
/// How long somebody has for the last question. It may not stand there when the next one comes in.
const QUESTION: Duration = Duration::from_secs(60);
/// How long the receipt is shown, unless somebody is done with it before.
const RECEIPT: Duration = Duration::from_secs(120);
/// How long it is shown while the cloud has not noted it: a link may need its time to come back.
const RECEIPT_UNTOLD: Duration = Duration::from_secs(600);
/// A cloud that could not note it is told again after this, and a machine that did not restart too.
const AGAIN: Duration = Duration::from_secs(20);

/// How far a reset is.
#[derive(Debug)]
pub(crate) enum Reset {
    /// Nobody wants one.
    None,
    /// The code is being typed.
    Code { typed: Secret<String>, fault: Option<Trouble>, asked: Option<AskId>, until: Time },
    /// The last question. A room that belongs to nobody has no number.
    Confirm { number: Option<ResetNumber>, until: Time },
    /// What the room keeps is being erased.
    Erasing { number: Option<ResetNumber> },
    /// It is done, or could not be.
    Over(Box<Over>),
}

/// A reset that is done, or could not be.
#[derive(Debug)]
pub(crate) struct Over {
    number: Option<ResetNumber>,
    room: Option<DisplayName>,
    outcome: ResetOutcome,
    /// By the room's clock.
    at: UnixTime,
    told: Told,
    restart_at: Time,
}

/// Whether the cloud has noted the receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// There is no cloud that would want to know.
    Nobody,
    /// Not yet: it is told with the next link, or at this moment.
    Not { again_at: Option<Time> },
    /// It was asked to.
    Asked(AskId),
    /// It has.
    Yes,
}

impl Reset {
    /// Erasing has begun: nothing else counts any more.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self, Reset::Erasing { .. } | Reset::Over(_))
    }

    fn code(now: Time, fault: Option<Trouble>) -> Reset {
        let typed = Secret::new(String::new());
        Reset::Code { typed, fault, asked: None, until: now + PAGE }
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        match self {
            Reset::None | Reset::Erasing { .. } => None,
            Reset::Code { until, .. } | Reset::Confirm { until, .. } => Some(*until),
            Reset::Over(over) => {
                let again = match over.told {
                    Told::Not { again_at } => again_at,
                    _ => None,
                };
                again.into_iter().chain([over.restart_at]).min()
            }
        }
    }

    /// Whether the panel counts seconds down.
    pub(crate) fn counts(&self) -> bool {
        matches!(self, Reset::Confirm { .. } | Reset::Over(_))
    }
}

impl Room {
    /// Somebody at the room wants it reset.
    pub(crate) fn open_reset(&mut self, now: Time) {
        match (&self.reset, self.call.state()) {
            (Reset::None, State::Idle) => {
                self.pad = crate::pad::Pad::Closed;
                self.reset = if self.name().is_some() {
                    Reset::code(now, None)
                } else {
                    Reset::Confirm { number: None, until: now + QUESTION }
                };
            }
            (Reset::None, State::Up(_)) => self.notice = Some(Notice::ResetInCall),
            _ => {}
        }
    }

    /// A tap while a page of the reset is open; `false` when the tap is not about it.
    pub(crate) fn reset_tap(&mut self, now: Time, tap: &Tap) -> bool {
        if matches!(tap, Tap::Language(_) | Tap::Dismiss | Tap::Wake) {
            return false;
        }
        let asked = match (&mut self.reset, tap) {
            (Reset::None, Tap::Reset) => {
                self.open_reset(now);
                return true;
            }
            (Reset::None, _) => return false,
            (Reset::Code { .. } | Reset::Confirm { .. }, Tap::Back) => {
                self.reset = Reset::None;
                return true;
            }
            (Reset::Code { typed, fault, asked: None, until }, Tap::Digit { digit }) => {
                if let Some(digit) = char::from_digit(u32::from(*digit), 10)
                    && typed.expose().len() < ResetCode::DIGITS
                {
                    // With its full capacity from the start, so that no copy stays behind in memory.
                    let mut longer = String::with_capacity(ResetCode::DIGITS);
                    longer.push_str(typed.expose());
                    longer.push(digit);
                    *typed = Secret::new(longer);
                }
                (*fault, *until) = (None, now + PAGE);
                return true;
            }
            (Reset::Code { typed, asked: None, until, .. }, Tap::Delete) => {
                let mut shorter = typed.expose().clone();
                shorter.pop();
                (*typed, *until) = (Secret::new(shorter), now + PAGE);
                return true;
            }
            (Reset::Code { typed, asked: None, .. }, Tap::Join) => typed.expose().parse().ok(),
            (Reset::Confirm { number, .. }, Tap::Erase) => {
                let number = *number;
                self.erase(now, number);
                return true;
            }
            (Reset::Over(over), Tap::Restart) => {
                over.restart_at = now;
                self.reset_tick(now);
                return true;
            }
            _ => return true,
        };
        let Some(code) = asked else { return true };
        if self.link == LinkState::Up {
            let ask = self.ask_own(RoomRequest::MayReset { code });
            if let Reset::Code { asked, until, .. } = &mut self.reset {
                (*asked, *until) = (Some(ask), now + PAGE);
            }
        } else {
            self.reset = Reset::code(now, Some(Trouble::NoLink));
        }
        true
    }

    /// The cloud orders a reset, or reminds of one.
    pub(crate) fn reset_ordered(&mut self, now: Time, number: ResetNumber) {
        if !self.reset.is_under_way() {
            self.erase(now, Some(number));
        }
    }

    fn erase(&mut self, now: Time, number: Option<ResetNumber>) {
        if !matches!(self.call.state(), State::Idle) {
            self.hang_up(now);
        }
        self.pad = crate::pad::Pad::Closed;
        self.notice = None;
        self.reset = Reset::Erasing { number };
        self.want(Output::Erase);
    }

    /// What became of what the room keeps.
    pub(crate) fn erased(&mut self, now: Time, outcome: ResetOutcome, at: UnixTime) {
        let Reset::Erasing { number } = self.reset else { return };
        let told = number.map_or(Told::Nobody, |_| Told::Not { again_at: None });
        let shown = if told == Told::Nobody { RECEIPT } else { RECEIPT_UNTOLD };
        let (room, restart_at) = (self.name().cloned(), now + shown);
        self.reset = Reset::Over(Box::new(Over { number, room, outcome, at, told, restart_at }));
        self.tell_reset();
    }

    /// Tells the cloud what was done, when it is there and does not know.
    fn tell_reset(&mut self) {
        let Reset::Over(over) = &self.reset else { return };
        if let (Told::Not { .. }, Some(number), LinkState::Up) = (over.told, over.number, self.link)
        {
            let report = ResetReport { number, outcome: over.outcome };
            let ask = self.ask_own(RoomRequest::ResetDone(report));
            self.set_told(Told::Asked(ask));
        }
    }

    fn set_told(&mut self, told: Told) {
        if let Reset::Over(over) = &mut self.reset {
            over.told = told;
        }
    }

    /// The cloud has noted it: nothing else is waited for but eyes.
    fn noted(&mut self, now: Time) {
        if let Reset::Over(over) = &mut self.reset {
            over.told = Told::Yes;
            over.restart_at = over.restart_at.min(now + RECEIPT);
        }
    }

    /// An answer; `false` when it was not to a question of the reset.
    pub(crate) fn reset_answered(
        &mut self,
        now: Time,
        ask: AskId,
        answer: Option<&Response>,
    ) -> bool {
        match &self.reset {
            Reset::Code { asked: Some(asked), .. } if *asked == ask => {
                self.reset = match answer {
                    Some(Response::MayReset { number }) => {
                        Reset::Confirm { number: Some(*number), until: now + QUESTION }
                    }
                    answer => Reset::code(now, Some(trouble(answer))),
                };
                true
            }
            Reset::Over(over) if over.told == Told::Asked(ask) => {
                match answer {
                    Some(Response::Done) => self.noted(now),
                    Some(_) => self.set_told(Told::Not { again_at: Some(now + AGAIN) }),
                    None => self.set_told(Told::Not { again_at: None }),
                }
                true
            }
            _ => false,
        }
    }

    /// A link while everything is being erased: who the room was does not matter any more.
    pub(crate) fn reset_link_up(&mut self, now: Time, greeting: &Greeting) {
        self.link = LinkState::Up;
        self.retry_at = None;
        match greeting {
            Greeting::Welcome(_) => self.tell_reset(),
            // It has noted it, and its answer was lost.
            Greeting::Refused { reason: Refusal::Revoked, .. } => {
                self.link = LinkState::Lost { retry_in_s: 0 };
                if matches!(&self.reset, Reset::Over(over) if over.told != Told::Nobody) {
                    self.noted(now);
                }
            }
            Greeting::Refused { .. } => self.link = LinkState::Lost { retry_in_s: 0 },
            Greeting::Newcomer { .. } => {}
        }
    }

    /// Time has passed.
    pub(crate) fn reset_tick(&mut self, now: Time) {
        match &mut self.reset {
            Reset::None | Reset::Erasing { .. } => {}
            Reset::Code { until, .. } | Reset::Confirm { until, .. } => {
                if *until <= now {
                    self.reset = Reset::None;
                }
            }
            Reset::Over(over) => {
                let again = matches!(over.told, Told::Not { again_at: Some(at) } if at <= now);
                if again {
                    over.told = Told::Not { again_at: None };
                }
                if over.restart_at <= now {
                    over.restart_at = now + AGAIN;
                    self.want(Output::Restart);
                }
                if again {
                    self.tell_reset();
                }
            }
        }
    }

    /// What fills the panel; `None` while nobody wants a reset.
    pub(crate) fn reset_screen(&self, now: Time) -> Option<Screen> {
        Some(match &self.reset {
            Reset::None => return None,
            Reset::Code { typed, fault, asked, .. } => Screen::ResetCode {
                typed: u8::try_from(typed.expose().len()).unwrap_or(u8::MAX),
                complete: asked.is_none() && typed.expose().len() == ResetCode::DIGITS,
                trouble: *fault,
            },
            Reset::Confirm { until, .. } => {
                Screen::ResetConfirm { seconds_left: crate::picture::seconds_up(until.since(now)) }
            }
            Reset::Erasing { .. } => Screen::Resetting,
            Reset::Over(over) => Screen::ResetReceipt(Box::new(ResetReceipt {
                number: over.number,
                room: over.room.clone(),
                serial: self.facts.serial.clone(),
                key: self.facts.key.clone(),
                at: over.at,
                erased: match over.outcome {
                    ResetOutcome::PartitionErased => Erased::Partition,
                    ResetOutcome::FolderErased => Erased::Folder,
                    ResetOutcome::NotErased | ResetOutcome::Other => Erased::Nothing,
                },
                noted: over.told == Told::Yes,
                restart_in_s: crate::picture::seconds_up(over.restart_at.since(now)),
            })),
        })
    }

    /// The room belongs to somebody from now on: nobody says yes to a question that was asked before.
    pub(crate) fn reset_needs_code(&mut self) {
        if matches!(self.reset, Reset::Confirm { number: None, .. }) {
            self.reset = Reset::None;
        }
    }

    /// Whether the room may be asked to sleep though a sensor sees nobody: not with such a page open.
    pub(crate) fn nobody_resets(&self) -> bool {
        matches!(self.reset, Reset::None)
    }
}

fn trouble(answer: Option<&Response>) -> Trouble {
    match answer {
        Some(Response::MayNotReset(ResetRefusal::WrongCode { tries_left })) => {
            Trouble::WrongResetCode { tries_left: *tries_left }
        }
        Some(Response::MayNotReset(ResetRefusal::NoCode)) => Trouble::NoResetCode,
        None => Trouble::NoLink,
        Some(_) => Trouble::Other,
    }
}

#[cfg(test)]
#[path = "reset_tests.rs"]
mod tests;

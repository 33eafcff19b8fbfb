//! The lobby, from both sides: the room waits for a meeting, or others wait for the one that it is in.

use crate::pad::Pad;
use crate::room::Room;
use conclave_call::State;
use conclave_link_protocol::message::{AwayReason, NotLetIn, Waiter};
use conclave_panel_api::Notice;
use conclave_types::{CallId, ParticipantId, Time};

/// The most who wait that are kept, whatever a cloud sends: as many as a lobby of ours holds.
const MOST: usize = 50;

impl Room {
    /// The room waited in vain.
    pub(crate) fn not_admitted(&mut self, reason: AwayReason) {
        self.pad = Pad::Closed;
        self.notice = Some(match reason {
            AwayReason::TurnedAway => Notice::TurnedAway,
            AwayReason::NobodyCame => Notice::NobodyCame,
            AwayReason::Ended => Notice::EndedMeanwhile,
            AwayReason::Busy | AwayReason::Other => Notice::NotLetIn,
        });
    }

    /// Whom somebody here let in is not in.
    pub(crate) fn not_let_in(&mut self, why: NotLetIn) {
        if let NotLetIn::Full { .. } = why {
            self.notice = Some(Notice::MeetingFull);
        }
        // Otherwise the list says who waits, and for whom that is this room's to decide.
    }

    /// Who waits for the meeting that the room is in.
    pub(crate) fn lobby_is(&mut self, now: Time, call: CallId, mut waiting: Vec<Waiter>) {
        waiting.truncate(MOST);
        if waiting.is_empty() {
            self.clear_notice(Notice::MeetingFull);
        }
        self.feed(now, conclave_call::Input::Lobby { call, waiting });
    }

    pub(crate) fn let_in(&mut self, now: Time, who: Vec<ParticipantId>) {
        let who = self.who_waits().filter(|waits| who.contains(waits)).collect();
        self.answer(now, who, conclave_call::Input::LetIn);
    }

    /// Those whom the panel shows, and nobody who comes while the finger is on its way.
    pub(crate) fn let_all_in(&mut self, now: Time) {
        let who = self.who_waits().collect();
        self.answer(now, who, conclave_call::Input::LetIn);
    }

    pub(crate) fn turn_away(&mut self, now: Time, who: ParticipantId) {
        let who = self.who_waits().filter(|waits| *waits == who).collect();
        self.answer(now, who, conclave_call::Input::TurnAway);
    }

    fn answer(
        &mut self,
        now: Time,
        who: Vec<ParticipantId>,
        input: impl FnOnce(Vec<ParticipantId>) -> conclave_call::Input,
    ) {
        // A second finger on the same button, or a tap that crossed a change on its way.
        if !who.is_empty() {
            self.clear_notice(Notice::MeetingFull);
            self.feed(now, input(who));
        }
    }

    fn who_waits(&self) -> impl Iterator<Item = ParticipantId> + '_ {
        let lobby = match self.call.state() {
            State::Up(up) => up.lobby.as_slice(),
            _ => &[],
        };
        lobby.iter().map(|waiter| waiter.participant)
    }
}

#[cfg(test)]
#[path = "lobby_tests.rs"]
mod tests;

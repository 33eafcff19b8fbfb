//! What IT has the room do once: show which room it is, or start anew.

use crate::media::MediaCommand;
use crate::room::{Output, Room};
use conclave_call::State;
use conclave_link_protocol::message::{NumberedOrder, Order, OrderOutcome, OrderReport, RoomEvent};
use conclave_panel_api::Notice;
use conclave_types::Time;
use std::time::Duration;

/// So long the room shows which it is: time to look round a corner.
const SHOWN: Duration = Duration::from_secs(10);

/// The room restarts so long after it said that it does: both are to arrive, the word in the cloud and the notice
/// on the panel.
const RESTARTS_AFTER: Duration = Duration::from_secs(3);

/// What goes on.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    identifies_until: Option<Time>,
    restarts_at: Option<Time>,
}

impl Orders {
    pub(crate) fn deadline(&self) -> Option<Time> {
        [self.identifies_until, self.restarts_at].into_iter().flatten().min()
    }
}

impl Room {
    pub(crate) fn ordered(&mut self, now: Time, NumberedOrder { number, order }: NumberedOrder) {
        let free = matches!(self.call.state(), State::Idle);
        let outcome = match order {
            Order::Other => OrderOutcome::Other,
            Order::Identify | Order::Restart if !free => OrderOutcome::InCall,
            Order::Identify => {
                self.orders.identifies_until = Some(now + SHOWN);
                self.want(Output::Media(MediaCommand::Chirp));
                OrderOutcome::Done
            }
            Order::Restart => {
                self.orders.restarts_at = Some(now + RESTARTS_AFTER);
                self.notice = Some(Notice::Restarting);
                OrderOutcome::Done
            }
        };
        self.want(Output::Tell(RoomEvent::OrderDone(OrderReport { number, outcome })));
    }

    pub(crate) fn orders_tick(&mut self, now: Time) {
        let over = |at: Option<Time>| at.is_some_and(|at| at <= now);
        // Whoever meets by now is worth more than looking for a room.
        if over(self.orders.identifies_until) || !matches!(self.call.state(), State::Idle) {
            self.orders.identifies_until = None;
        }
        if over(self.orders.restarts_at) {
            self.orders.restarts_at = None;
            self.clear_notice(Notice::Restarting);
            if matches!(self.call.state(), State::Idle) {
                self.want(Output::RestartMachine);
            }
        }
    }

    /// Whether the room shows which it is.
    pub(crate) fn identifies(&self) -> bool {
        self.orders.identifies_until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;
    use crate::board::Light;
    use crate::room::tests::{at, in_call, linked, outputs};
    use conclave_link_protocol::message::CloudEvent;

    fn order(room: &mut Room, seconds: u64, number: u32, order: Order) -> Vec<Output> {
        let event = CloudEvent::Order(NumberedOrder { number, order });
        room.handle(at(seconds), Input::Cloud(event));
        outputs(room)
    }

    fn told(number: u32, outcome: OrderOutcome) -> Output {
        Output::Tell(RoomEvent::OrderDone(OrderReport { number, outcome }))
    }

    #[test]
    fn a_room_shows_which_it_is_for_ten_seconds() {
        let mut room = linked();
        outputs(&mut room);
        let all = order(&mut room, 1, 7, Order::Identify);
        assert!(all.contains(&told(7, OrderOutcome::Done)), "{all:?}");
        assert!(all.contains(&Output::Media(MediaCommand::Chirp)));
        assert!(room.panel(at(2)).identify && room.idle_display().identify);
        assert_eq!(room.light(), Light::Green);
        assert_eq!(room.deadline(), Some(at(11)));
        room.handle(at(11), Input::Tick);
        assert!(!room.panel(at(11)).identify && !room.idle_display().identify);
        assert_eq!(room.light(), Light::Off);
    }

    #[test]
    fn a_room_says_that_it_restarts_and_then_does() {
        let mut room = linked();
        let all = order(&mut room, 1, 8, Order::Restart);
        assert!(
            all.contains(&told(8, OrderOutcome::Done)) && !all.contains(&Output::RestartMachine)
        );
        assert_eq!(room.panel(at(1)).notice, Some(Notice::Restarting));
        room.handle(at(4), Input::Tick);
        assert!(outputs(&mut room).contains(&Output::RestartMachine));
    }

    #[test]
    fn nobody_is_disturbed_in_a_meeting_and_what_is_not_known_is_said() {
        let mut room = in_call();
        outputs(&mut room);
        for wanted in [Order::Identify, Order::Restart] {
            let all = order(&mut room, 3, 9, wanted);
            assert!(all.contains(&told(9, OrderOutcome::InCall)), "{all:?}");
        }
        assert!(!room.panel(at(3)).identify && room.panel(at(3)).notice.is_none());
        let all = order(&mut room, 4, 10, Order::Other);
        assert!(all.contains(&told(10, OrderOutcome::Other)));
    }
}

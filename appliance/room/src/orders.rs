//! What IT has the room do once: show which room it is, start anew, send something.

use crate::media::MediaCommand;
use crate::room::{Output, Room};
use conclave_call::State;
use conclave_link_protocol::message::{NumberedOrder, Order, OrderOutcome};
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
            // What comes of it is said when it is sent.
            Order::Logs => return self.want(Output::CollectLogs { number }),
            Order::PanelPicture => match self.look_begins(now, number) {
                Some(outcome) => outcome,
                None => return,
            },
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
        self.order_ended(number, outcome);
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
    use conclave_link_protocol::message::{
        CloudEvent, OrderReport, Response, RoomEvent, RoomRequest,
    };

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

    /// The room's questions to the cloud that are pieces: offset, length and total of each.
    fn pieces(all: &[Output]) -> Vec<(conclave_call::AskId, u32, usize, u32)> {
        let pieces = all.iter().filter_map(|output| match output {
            Output::Ask { ask, request: RoomRequest::Deliver(one) } => {
                Some((*ask, one.offset, one.piece.0.len(), one.total))
            }
            _ => None,
        });
        pieces.collect()
    }

    #[test]
    fn logs_go_in_pieces_one_after_the_other_at_a_pace_and_then_it_is_said() {
        let mut room = in_call();
        outputs(&mut room);
        let all = order(&mut room, 3, 11, Order::Logs);
        assert!(all.contains(&Output::CollectLogs { number: 11 }), "nobody is disturbed: {all:?}");
        let logs = crate::Parcel(vec![7; 40_000]);
        let mut now = at(3);
        room.handle(now, Input::Collected { number: 11, logs });
        for (offset, length) in [(0, 16_384), (16_384, 16_384), (32_768, 7_232)] {
            let all = outputs(&mut room);
            let [(ask, began, long, total)] = pieces(&all)[..] else { panic!("{all:?}") };
            assert_eq!((began, long, total), (offset, length, 40_000));
            assert!(!all.contains(&told(11, OrderOutcome::Done)));
            room.handle(now, Input::Answered { ask, answer: Some(Response::Done) });
            if offset < 32_768 {
                assert!(pieces(&outputs(&mut room)).is_empty(), "not at once");
                now = now + Duration::from_millis(250);
                room.handle(now, Input::Tick);
            }
        }
        assert!(outputs(&mut room).contains(&told(11, OrderOutcome::Done)));
    }

    #[test]
    fn what_the_cloud_does_not_take_or_the_link_loses_is_given_up() {
        let logs = || crate::Parcel(vec![7; 40_000]);
        for answer in [None, Some(Response::Failed { reason: "full".to_owned() })] {
            let mut room = linked();
            room.handle(at(1), Input::Collected { number: 1, logs: logs() });
            let all = outputs(&mut room);
            let [(ask, ..)] = pieces(&all)[..] else { panic!("{all:?}") };
            room.handle(at(2), Input::Answered { ask, answer });
            room.handle(at(9), Input::Tick);
            let all = outputs(&mut room);
            assert!(pieces(&all).is_empty() && !all.contains(&told(1, OrderOutcome::Done)));
        }
        let mut room = linked();
        room.handle(at(1), Input::Collected { number: 2, logs: crate::Parcel(vec![]) });
        assert!(outputs(&mut room).contains(&told(2, OrderOutcome::Failed)));
        // The newest order counts.
        room.handle(at(2), Input::Collected { number: 3, logs: logs() });
        outputs(&mut room);
        room.handle(at(3), Input::Collected { number: 4, logs: logs() });
        assert_eq!(pieces(&outputs(&mut room)).len(), 1);
    }
}

//! Orders to rooms that are carried out once, and what came of them.
//!
//! Only a linked room is given one. Of each room the last order is known until the cloud ends: whoever gave it sees what
//! became of it.

use super::admin::Answered;
use super::refused::Refused;
use super::{Output, Switchboard, Topic};
use crate::control::{ControlAnswer, OrderLine, OrderState, RefusalCode};
use conclave_link_protocol::message::{
    CloudEvent, NumberedOrder, Order, OrderOutcome, OrderReport,
};
use conclave_types::{OrganisationId, RoomId, UnixTime};
use std::collections::BTreeMap;
use std::time::Duration;

/// A room that says nothing for so long does not know what an order is.
const PATIENCE: Duration = Duration::from_secs(15);

/// The last order to a room.
#[derive(Debug, Clone, Copy)]
struct Given {
    number: u32,
    order: Order,
    at: UnixTime,
    state: OrderState,
}

/// The last order to each room.
#[derive(Debug, Default)]
pub(super) struct Orders {
    given: BTreeMap<RoomId, Given>,
    last: u32,
}

impl Switchboard {
    pub(super) fn order(&mut self, whose: OrganisationId, called: &str, order: Order) -> Answered {
        let room = self.find_room(whose, called)?;
        let Some(link) = self.rooms.get(&room.id).copied() else {
            return Err(Refused::with(
                RefusalCode::NotLinked,
                format!(
                    "the room '{}' is not linked: look whether it has power and network",
                    room.name
                ),
            ));
        };
        self.audit(&format!("room.{}", word(order)), room.id, "", "");
        self.orders.last = self.orders.last.wrapping_add(1);
        let number = self.orders.last;
        let given = Given { number, order, at: self.wall, state: OrderState::Sent };
        self.orders.given.insert(room.id, given);
        tracing::info!(room = %room.id, number, ?order, "an order");
        let event = CloudEvent::Order(NumberedOrder { number, order });
        self.outputs.push_back(Output::Send { link, event });
        Ok(ControlAnswer::RoomOrdered { room: self.room_line(room) })
    }

    /// A room says what came of an order.
    pub(super) fn order_done(
        &mut self,
        room: RoomId,
        OrderReport { number, outcome }: OrderReport,
    ) {
        let state = match outcome {
            OrderOutcome::Done => OrderState::Done,
            OrderOutcome::InCall => OrderState::InCall,
            OrderOutcome::Other => OrderState::NotKnown,
        };
        self.order_became(room, Some(number), state);
    }

    /// What was not answered before the link ended came to nothing.
    pub(super) fn order_link_ended(&mut self, room: RoomId) {
        self.order_became(room, None, OrderState::LinkEnded);
    }

    fn order_became(&mut self, room: RoomId, number: Option<u32>, state: OrderState) {
        let meant = |given: &&mut Given| {
            given.state == OrderState::Sent && number.is_none_or(|number| number == given.number)
        };
        if let Some(given) = self.orders.given.get_mut(&room).filter(meant) {
            given.state = state;
            self.room_changed(room, &[Topic::Rooms]);
        }
    }

    pub(super) fn order_line(&self, room: RoomId) -> Option<OrderLine> {
        let Given { order, at, state, .. } = *self.orders.given.get(&room)?;
        let silent = state == OrderState::Sent && at.until(self.wall) >= PATIENCE;
        let order = word(order).to_owned();
        let state = if silent { OrderState::NotKnown } else { state };
        Some(OrderLine { order, at, state })
    }
}

/// Its word, in the audit log and for programs.
fn word(order: Order) -> &'static str {
    match order {
        Order::Restart => "restart",
        // Nobody can ask for another one.
        Order::Identify | Order::Other => "identify",
    }
}

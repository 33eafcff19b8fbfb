//! Orders to rooms that are carried out once, and what came of them.
//!
//! Only a linked room is given one. Of each room the last order is known until the cloud ends: whoever gave it sees what
//! became of it.

use super::admin::Answered;
use super::parcels::brings;
use super::refused::Refused;
use super::{Output, Switchboard, Topic};
use crate::control::{ControlAnswer, OrderLine, OrderState, ParcelKind, RefusalCode};
use conclave_link_protocol::message::{
    CloudEvent, NumberedOrder, Order, OrderOutcome, OrderReport,
};
use conclave_types::{OrganisationId, RoomId, Time, UnixTime};
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
    /// Until when each room that has not answered is waited for.
    waiting: BTreeMap<RoomId, Time>,
}

impl Orders {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.waiting.values().copied().min()
    }
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
        self.order_is_heard(room.id);
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
            // That it was sent is known here: it is done when it is kept.
            OrderOutcome::Done if self.order_awaits(room, number).is_some() => return,
            OrderOutcome::Done => OrderState::Done,
            OrderOutcome::InCall => OrderState::InCall,
            OrderOutcome::NotNow => OrderState::NotNow,
            OrderOutcome::Failed => OrderState::Failed,
            OrderOutcome::Other => OrderState::NotKnown,
        };
        self.order_became(room, Some(number), state);
    }

    /// What was not answered before the link ended came to nothing.
    pub(super) fn order_link_ended(&mut self, room: RoomId) {
        self.parcels.given_up(room);
        self.order_became(room, None, OrderState::LinkEnded);
    }

    /// What is to come of an order that is not done yet.
    pub(super) fn order_awaits(&self, room: RoomId, number: u32) -> Option<ParcelKind> {
        let given = self.orders.given.get(&room)?;
        let waits = given.number == number && given.state == OrderState::Sent;
        brings(given.order).filter(|_| waits)
    }

    /// The room is about it.
    pub(super) fn order_is_heard(&mut self, room: RoomId) {
        self.orders.waiting.insert(room, self.now + PATIENCE);
    }

    /// Whoever has said nothing for so long does not know what it was told.
    pub(super) fn give_orders_up(&mut self) {
        let silent = self.orders.waiting.iter().filter(|(_, until)| **until <= self.now);
        for room in silent.map(|(room, _)| *room).collect::<Vec<_>>() {
            self.orders.waiting.remove(&room);
            self.parcels.given_up(room);
            self.order_became(room, None, OrderState::NotKnown);
        }
    }

    pub(super) fn order_became(&mut self, room: RoomId, number: Option<u32>, state: OrderState) {
        let meant = |given: &&mut Given| {
            given.state == OrderState::Sent && number.is_none_or(|number| number == given.number)
        };
        if let Some(given) = self.orders.given.get_mut(&room).filter(meant) {
            given.state = state;
            self.orders.waiting.remove(&room);
            self.room_changed(room, &[Topic::Rooms]);
        }
    }

    pub(super) fn order_line(&self, room: RoomId) -> Option<OrderLine> {
        let Given { order, at, state, .. } = *self.orders.given.get(&room)?;
        let order = word(order).to_owned();
        Some(OrderLine { order, at, state })
    }
}

/// Its word, in the audit log and for programs.
fn word(order: Order) -> &'static str {
    match order {
        Order::Restart => "restart",
        Order::Logs => "logs",
        Order::PanelPicture => "panel_picture",
        // Nobody can ask for another one.
        Order::Identify | Order::Other => "identify",
    }
}

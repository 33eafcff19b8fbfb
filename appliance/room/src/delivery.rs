//! What an order brings, on its way to the cloud: a piece at a time, the next one when the one before it was taken.

use crate::room::{Output, Room};
use conclave_call::AskId;
use conclave_link_protocol::message::{
    Delivery as Message, LONGEST_DELIVERY, OrderOutcome, OrderReport, Piece, Response, RoomEvent,
    RoomRequest,
};
use conclave_types::Time;
use std::fmt;
use std::time::Duration;

/// Octets of a piece. In base64 they are 21,848: six of the fifty frames that a room may send each second.
const PIECE: usize = 16 * 1024;

/// Between two pieces: half of what a room may send is left to its call. 64 KiB a second; a day's log lines take four.
const PACE: Duration = Duration::from_millis(250);

/// What the room hands over, as octets.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel(pub Vec<u8>);

impl fmt::Debug for Parcel {
    /// Its length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.0.len())
    }
}

/// One that is under way.
#[derive(Debug)]
pub(crate) struct Delivery {
    number: u32,
    parcel: Parcel,
    /// How much was asked to be taken.
    sent: usize,
    /// The piece that waits for its answer.
    asked: Option<AskId>,
    /// When the next piece goes.
    next_at: Option<Time>,
}

impl Delivery {
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.next_at
    }
}

impl Room {
    /// Hands it over. Another one that is under way is given up: the cloud wants the newest.
    pub(crate) fn deliver(&mut self, now: Time, number: u32, parcel: Parcel) {
        self.delivery = None;
        if parcel.0.is_empty() || parcel.0.len() > LONGEST_DELIVERY as usize {
            self.order_ended(number, OrderOutcome::Failed);
            return;
        }
        let next_at = Some(now);
        self.delivery = Some(Delivery { number, parcel, sent: 0, asked: None, next_at });
    }

    pub(crate) fn delivery_tick(&mut self, now: Time) {
        let Some(delivery) = &mut self.delivery else { return };
        if delivery.next_at.is_none_or(|at| at > now) {
            return;
        }
        let octets = &delivery.parcel.0;
        let end = (delivery.sent + PIECE).min(octets.len());
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let message = Message {
            number: delivery.number,
            offset: length(delivery.sent),
            total: length(octets.len()),
            piece: Piece(octets[delivery.sent..end].to_vec()),
        };
        (delivery.sent, delivery.next_at) = (end, None);
        let asked = self.ask_own(RoomRequest::Deliver(message));
        if let Some(delivery) = &mut self.delivery {
            delivery.asked = Some(asked);
        }
    }

    /// Whether the answer was to a piece.
    pub(crate) fn delivery_answered(
        &mut self,
        now: Time,
        ask: AskId,
        answer: Option<&Response>,
    ) -> bool {
        let Some(delivery) = self.delivery.as_mut().filter(|d| d.asked == Some(ask)) else {
            return false;
        };
        delivery.asked = None;
        match answer {
            Some(Response::Done) if delivery.sent < delivery.parcel.0.len() => {
                delivery.next_at = Some(now + PACE);
            }
            Some(Response::Done) => {
                let number = delivery.number;
                self.delivery = None;
                self.order_ended(number, OrderOutcome::Done);
            }
            // The link ended, or the cloud does not want it any more: it knows what became of its order.
            _ => self.delivery = None,
        }
        true
    }

    pub(crate) fn order_ended(&mut self, number: u32, outcome: OrderOutcome) {
        self.want(Output::Tell(RoomEvent::OrderDone(OrderReport { number, outcome })));
    }
}

//! What a room is to do once, now. Somebody at the console waits for what comes of it.
//!
//! The cloud sends [`crate::CloudEvent::Order`], the room answers with [`crate::RoomEvent::OrderDone`]. Neither is
//! repeated: an order whose link ended is an order that came to nothing.
//!
//! What the room is to send (its logs, a picture of its panel) goes before its answer, piece by piece: each is a
//! [`crate::RoomRequest::Deliver`], and the next one waits until that is answered with [`crate::Response::Done`].

use crate::update::Piece;
use serde::{Deserialize, Serialize};

/// The most octets that an order brings. A panel's picture has some tens of thousands, a day's log lines a few hundred
/// thousand; more would only be memory for whoever sends nonsense.
pub const LONGEST_DELIVERY: u32 = 1024 * 1024;

/// What the room is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Show which room it is, for some seconds: panel, display, light, a sound.
    Identify,
    /// Start its machine anew.
    Restart,
    /// Send its last log lines and how its parts are.
    Logs,
    /// Send a picture of what its panel shows, never of its camera; people at the panel are told.
    PanelPicture,
    /// Something that this build does not know.
    #[serde(other)]
    Other,
}

/// An order on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberedOrder {
    /// Counted by the cloud.
    pub number: u32,
    /// What to do.
    pub order: Order,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderOutcome {
    /// The room does it.
    Done,
    /// Not while people meet.
    InCall,
    /// Not while somebody types a code there.
    NotNow,
    /// It could not be done.
    Failed,
    /// The room's build does not know it, or this one does not know what came of it.
    #[serde(other)]
    Other,
}

/// What a room says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReport {
    /// Of which.
    pub number: u32,
    /// What came of it.
    pub outcome: OrderOutcome,
}

/// A piece of what an order brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Of which order.
    pub number: u32,
    /// Where the piece begins; the one before it ended there.
    pub offset: u32,
    /// The octets of all pieces, 1 to [`LONGEST_DELIVERY`].
    pub total: u32,
    /// What stands there.
    pub piece: Piece,
}

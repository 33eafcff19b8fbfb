//! What a room is to do once, now. Somebody at the console waits for what comes of it.
//!
//! The cloud sends [`crate::CloudEvent::Order`], the room answers with [`crate::RoomEvent::OrderDone`]. Neither is
//! repeated: an order whose link ended is an order that came to nothing.

use serde::{Deserialize, Serialize};

/// What the room is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Show which room it is, for some seconds: panel, display, light, a sound.
    Identify,
    /// Start its machine anew.
    Restart,
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

//! Calendars of rooms: what stands in one, and how it is asked for.
//!
//! `ical` reads, without sockets or clock; `errands` is what is said between whoever decides that a calendar is read and [`reading`],
//! which asks for it and knows no rule of the product.

mod errands;
pub mod ical;
pub mod reading;

pub use errands::{Calendar, Errand, Found, Mark, Read};
pub use ical::{CalendarKind, CalendarTrouble, TakenTime, Unreadable, Window, Within, within};

/// The most octets of a calendar. Half a million meetings have some hundred megabytes; a room's has a hundredth of that.
pub const LONGEST: usize = 8 * 1024 * 1024;

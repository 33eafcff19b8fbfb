//! Letters by e-mail: what is in one, and what became of it.

pub use crate::control::Fate;
use conclave_types::{DisplayName, EmailAddress, Secret, TimeZone, UnixTime, VmrId, VmrNumber};

/// Names a letter, so that its fate can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterId(pub u64);

/// A letter to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// To be named when its fate is told.
    pub id: LetterId,
    /// To whom.
    pub to: EmailAddress,
    /// What it says.
    pub content: Content,
}

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// There is an account for them, with a link on which they set their password.
    Account {
        /// What they are called.
        name: DisplayName,
        /// Whose account it is.
        organisation: DisplayName,
        /// The token of the link.
        invitation: Secret<String>,
        /// Until when that is good.
        expires_at: UnixTime,
    },
    /// Somebody asked to make themselves an account.
    SignUp {
        /// Whose account it would be.
        organisation: DisplayName,
        /// The token of the link with which they do, and until when that is good; `None`: they have an account already.
        link: Option<(Secret<String>, UnixTime)>,
    },
    /// A meeting is called, is otherwise than it was, or is off.
    Meeting(Box<Meeting>),
}

/// A meeting, as a calendar has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// What happens to it.
    pub change: MeetingChange,
    /// What calendars know it by, whatever becomes of it.
    pub id: VmrId,
    /// Counts the changes.
    pub revision: u32,
    /// What is dialled.
    pub number: VmrNumber,
    /// What it is called.
    pub title: DisplayName,
    /// When it begins.
    pub starts_at: UnixTime,
    /// When it ends.
    pub ends_at: UnixTime,
    /// By which clock the letter tells that; UTC when there is none.
    pub zone: Option<TimeZone>,
    /// Whether it has a PIN.
    pub pin: bool,
    /// Who has called it.
    pub organiser: (DisplayName, EmailAddress),
    /// The people who are invited.
    pub people: Vec<EmailAddress>,
    /// The rooms that are, by name.
    pub rooms: Vec<DisplayName>,
}

/// What happens to a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeetingChange {
    /// It is called.
    Called,
    /// It is otherwise.
    Changed,
    /// It is off, or this person is not invited any more.
    Off,
}

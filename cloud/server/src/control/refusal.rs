//! Why something is not done.

use serde::{Deserialize, Serialize};

/// Why something is not done, as far as a program can do something about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// No panel shows the code.
    CodeUnknown,
    /// The code has done its work.
    CodeUsed,
    /// The code is too old.
    CodeExpired,
    /// The room that showed the code is not linked now.
    NotConnected,
    /// Too many wrong codes.
    TooManyGuesses,
    /// Another one is called the same.
    NameTaken,
    /// Another meeting room has the number.
    NumberTaken,
    /// Such numbers are given by the cloud.
    NumberGiven,
    /// Another account has the address.
    AddressTaken,
    /// Somebody who is named has no account.
    Nobody,
    /// A token is not for that.
    Scope,
    /// No token is good for so long.
    Days,
    /// No such time can be looked at.
    Span,
    /// One's own account is changed in another way.
    Yourself,
    /// It is no e-mail address.
    NoAddress,
    /// No meeting can be then.
    When,
    /// No meeting room has so many places.
    Capacity,
    /// There are as many as the cloud keeps.
    TooMany,
    /// It is not there, or not theirs.
    Gone,
    /// The room was revoked.
    RoomRevoked,
    /// No meeting is on there.
    NoMeeting,
    /// The room is not linked.
    NotLinked,
    /// Somebody else changed it meanwhile.
    ChangedMeanwhile,
    /// No setting, or not set to what it may be.
    Setting,
    /// Nobody could get into the organisation any more.
    LastAdministrator,
    /// Too much at once.
    Busy,
    /// The database does not take it now.
    Store,
    /// What only the sentence says.
    #[default]
    #[serde(other)]
    Other,
}

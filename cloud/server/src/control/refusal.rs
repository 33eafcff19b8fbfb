//! Why something is not done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why something is not done, as far as a program can do something about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// A list has more lines or octets than one may have.
    ListTooLong,
    /// The first line of a list does not name its columns.
    ListColumns,
    /// A list has no line.
    ListEmpty,
    /// A list is not written in UTF-8.
    ListNotText,
    /// The panel that shows the code is another device's.
    OtherDevice,
    /// No tags that a room may have.
    Tags,
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
    /// It is no domain of an organisation's addresses.
    Domain,
    /// Anybody has an address there.
    FreeMail,
    /// The domain is allowed already, or is another organisation's.
    DomainTaken,
    /// The device's key is kept already.
    PasskeyKnown,
    /// Two factors are wanted, and none would be left.
    NoFactorLeft,
    /// The console is reached by an address, and passkeys belong to a name.
    NoName,
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
    /// It is no address on the web, or not one that can be asked.
    Address,
    /// No meeting can be then.
    When,
    /// No meeting room has so many places.
    Capacity,
    /// There are as many as the cloud keeps.
    TooMany,
    /// It is no address of a webhook.
    HookAddress,
    /// Nothing of that name is told.
    HookKind,
    /// The webhook is switched off.
    HookOff,
    /// It is not there, or not theirs.
    Gone,
    /// No reset of the room waits.
    NoReset,
    /// The room has heard the order: nothing stops it.
    OrderHeard,
    /// The room was revoked.
    RoomRevoked,
    /// No meeting is on there.
    NoMeeting,
    /// The meeting has no place left.
    MeetingFull,
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

//! Ids: 128 random bits each, written as a prefix that tells the kind and 26 Crockford letters.

use crate::code::CROCKFORD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdError {
    /// What the id should have begun with.
    pub prefix: &'static str,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an id of the form {}-…", self.prefix)
    }
}

impl std::error::Error for IdError {}

fn encode(bits: u128) -> String {
    (0..26).rev().map(|i| char::from(CROCKFORD[((bits >> (5 * i)) & 31) as usize])).collect()
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != 26 {
        return None;
    }
    text.bytes().try_fold(0_u128, |bits, letter| {
        let value = CROCKFORD.iter().position(|c| c.eq_ignore_ascii_case(&letter))?;
        // 26 letters hold 130 bits: the first may carry only three.
        if bits >> 123 != 0 {
            return None;
        }
        Some(bits << 5 | value as u128)
    })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// An id made of 128 random bits that the caller drew.
            pub const fn from_random(bits: u128) -> $name {
                $name(bits)
            }

            /// Those bits.
            pub const fn bits(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "-{}"), encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<$name, IdError> {
                text.strip_prefix(concat!($prefix, "-"))
                    .and_then(decode)
                    .map($name)
                    .ok_or(IdError { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// An organisation: whose rooms, meeting rooms and people they are.
    OrganisationId, "org"
);

impl OrganisationId {
    /// The one that every installation has.
    pub const FIRST: OrganisationId = OrganisationId::from_random(1);
}

id!(
    /// A person with an account.
    PersonId, "person"
);
id!(
    /// A token with which scripts ask as somebody.
    ApiTokenId, "token"
);
id!(
    /// A passkey: a key that somebody's device keeps.
    PasskeyId, "passkey"
);
id!(
    /// An address that is told what happens in an organisation.
    WebhookId, "hook"
);
id!(
    /// One thing that happened, for one webhook.
    DeliveryId, "delivery"
);
id!(
    /// A room: one appliance that an organisation enrolled.
    RoomId, "room"
);
id!(
    /// A group of rooms that are set the same way.
    GroupId, "group"
);
id!(
    /// A virtual meeting room.
    VmrId, "vmr"
);
id!(
    /// One meeting: from the first who enters a VMR to the last who leaves.
    MeetingId, "meeting"
);
id!(
    /// One participant's presence in one meeting.
    ParticipantId, "part"
);
id!(
    /// One call of one room: from joining to leaving. Also names it in the call records.
    CallId, "call"
);
id!(
    /// One leg at a media node: a port, a pair of keys, the packets of one participant.
    LegId, "leg"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_being_written_and_read() {
        for bits in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = RoomId::from_random(bits);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn another_kind_or_a_damaged_id_is_refused() {
        let call = CallId::from_random(7).to_string();
        assert!(call.parse::<RoomId>().is_err());
        assert!(call.parse::<CallId>().is_ok());
        assert!(call[..call.len() - 1].parse::<CallId>().is_err());
        assert!("call-ZZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<CallId>().is_err(), "130 bits");
        assert!("call-é".parse::<CallId>().is_err());
    }
}

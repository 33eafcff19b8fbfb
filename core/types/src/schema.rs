//! What each type looks like in JSON, as JSON Schema: for interfaces that are described.
//!
//! A schema takes all that the type's own parser takes, in the form in which it is written; the parser alone decides.

use crate::{
    ActivationCode, ApiTokenId, CallId, Channel, Compatible, DeliveryId, DisplayName, EmailAddress,
    GroupId, MaintenanceWindow, MeetingId, OrganisationId, ParticipantId, PasskeyId, PersonId, Pin,
    Redacted, ResetCode, ResetNumber, RoomId, Secret, UnixTime, Version, VmrId, VmrNumber,
    WebhookId,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use zeroize::Zeroize;

/// Types that are written as a text of one form.
macro_rules! texts {
    ($($name:ident: $schema:tt;)*) => { $(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )* };
}

/// An id: its kind, and 26 letters of Crockford's base 32.
macro_rules! ids {
    ($($name:ident: $kind:literal, $what:literal;)*) => {
        texts! { $(
            $name: {
                "type": "string",
                "description": $what,
                "pattern": concat!("^", $kind, "-[0-7][0-9A-HJKMNP-TV-Z]{25}$"),
            };
        )* }
    };
}

ids! {
    OrganisationId: "org", "An organisation";
    PersonId: "person", "A person with an account";
    PasskeyId: "passkey", "A passkey";
    ApiTokenId: "token", "A token with which scripts ask as somebody";
    RoomId: "room", "A room";
    GroupId: "group", "A group of rooms";
    VmrId: "vmr", "A virtual meeting room";
    MeetingId: "meeting", "A meeting";
    CallId: "call", "A call";
    ParticipantId: "part", "A participant of a meeting";
    WebhookId: "hook", "A webhook";
    DeliveryId: "delivery", "What a webhook was told once";
}

texts! {
    DisplayName: {
        "type": "string",
        "description": "A name: 1 to 80 characters, no control characters, no blanks at its ends",
        "minLength": 1,
        "maxLength": 80,
    };
    EmailAddress: {
        "type": "string",
        "description": "An e-mail address, at most 254 octets",
        "format": "email",
        "minLength": 3,
        "maxLength": 254,
    };
    VmrNumber: {
        "type": "string",
        "description": "A meeting room's number: 3 to 12 digits",
        "pattern": "^[0-9]{3,12}$",
    };
    Pin: {
        "type": "string",
        "description": "A PIN: 4 to 12 digits",
        "pattern": "^[0-9]{4,12}$",
        "writeOnly": true,
    };
    ActivationCode: {
        "type": "string",
        "description": "What an unenrolled room's panel shows",
        "pattern": "^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$",
    };
    ResetCode: {
        "type": "string",
        "description": "What is typed at a room's panel to reset it",
    };
    ResetNumber: {
        "type": "string",
        "description": "What a reset is known by",
        "pattern": "^[0-9]{3} [0-9]{3} [0-9]{3}$",
    };
    MaintenanceWindow: {
        "type": "string",
        "description": "From one minute of the day to another, by the clock in the room; both the same: always",
        "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
    };
    Version: {
        "type": "string",
        "description": "A release: three numbers",
        "pattern": "^[0-9]{1,5}\\.[0-9]{1,5}\\.[0-9]{1,5}$",
    };
    Compatible: {
        "type": "string",
        "description": "For which board a release is",
        "pattern": "^[A-Za-z0-9._-]{1,64}$",
    };
    Channel: {
        "type": "string",
        "description": "A channel: what a room follows",
        "pattern": "^[a-z0-9-]{1,32}$",
    };
    UnixTime: {
        "type": "integer",
        "description": "Seconds since 1970-01-01 00:00 UTC",
        "format": "int64",
        "minimum": 0,
    };
}

impl<T: JsonSchema> JsonSchema for Redacted<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

impl<T: JsonSchema + Zeroize> JsonSchema for Secret<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

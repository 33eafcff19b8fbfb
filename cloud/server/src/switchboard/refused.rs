//! Why something is not done: a sentence for whoever asked, and a word for programs that have sentences of their own.

use crate::control::{ControlAnswer, RefusalCode};
use conclave_directory::{
    AddPersonError, AddVmrError, ClaimError, EnrolError, GroupError, OrganisationError, StoreError,
};
use std::error::Error;

/// Why something is not done.
pub(super) struct Refused {
    pub(super) code: RefusalCode,
    /// Why, and what to do, in English.
    pub(super) reason: String,
}

impl Refused {
    /// For reasons that only the command line hears.
    pub(super) fn because(reason: impl Into<String>) -> Refused {
        Refused { code: RefusalCode::Other, reason: reason.into() }
    }

    pub(super) fn with(code: RefusalCode, reason: impl Into<String>) -> Refused {
        Refused { code, reason: reason.into() }
    }
}

impl From<Refused> for ControlAnswer {
    fn from(Refused { code, reason }: Refused) -> ControlAnswer {
        ControlAnswer::Refused { code, reason }
    }
}

impl<E: Error + 'static> From<E> for Refused {
    fn from(error: E) -> Refused {
        let code = code(&error);
        let mut words = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            words = format!("{words}: {cause}");
            source = cause.source();
        }
        Refused { code, reason: words }
    }
}

fn code(error: &(dyn Error + 'static)) -> RefusalCode {
    if let Some(error) = error.downcast_ref::<ClaimError>() {
        return match error {
            ClaimError::Unknown => RefusalCode::CodeUnknown,
            ClaimError::Used => RefusalCode::CodeUsed,
            ClaimError::Expired => RefusalCode::CodeExpired,
            ClaimError::NotConnected => RefusalCode::NotConnected,
            ClaimError::TooManyGuesses { .. } => RefusalCode::TooManyGuesses,
        };
    }
    if let Some(EnrolError::NameTaken) = error.downcast_ref() {
        return RefusalCode::NameTaken;
    }
    if let Some(OrganisationError::NameTaken) = error.downcast_ref() {
        return RefusalCode::NameTaken;
    }
    if let Some(GroupError::NameTaken) = error.downcast_ref() {
        return RefusalCode::NameTaken;
    }
    if let Some(AddVmrError::NumberTaken) = error.downcast_ref() {
        return RefusalCode::NumberTaken;
    }
    if let Some(AddPersonError::EmailTaken) = error.downcast_ref() {
        return RefusalCode::AddressTaken;
    }
    if error.is::<StoreError>() {
        return RefusalCode::Store;
    }
    RefusalCode::Other
}

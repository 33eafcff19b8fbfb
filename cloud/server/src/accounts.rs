//! What the console asks about people and their sessions, and what it is answered.
//!
//! Passwords are hashed and compared by whoever asks, off the main task; here are only hashes. Tokens come as
//! hashes too.

use crate::control::RefusalCode;
use conclave_directory::access::Role;
use conclave_directory::{CredentialId, Passkey, PasswordHash, SecondFactor, TokenHash};
use conclave_types::{DisplayName, EmailAddress, OrganisationId, PasskeyId, PersonId, Redacted};
use std::fmt;
use std::net::IpAddr;

/// The network address that somebody asks from. Logs show a tag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Source(pub IpAddr);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted(self.0).fmt(f)
    }
}

/// A browser that is to be signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Browser {
    /// The session that it gets.
    pub session: TokenHash,
    /// What it is known by from now on.
    pub device: TokenHash,
    /// Where it is.
    pub source: Source,
}

/// What the console asks.
#[derive(Debug, Clone)]
pub enum AccountRequest {
    /// Whether the installation waits for its first administrator, and this is the link for it.
    MaySetUp {
        /// The link's token.
        token: TokenHash,
    },
    /// Names the first organisation and makes its first administrator, who is signed in.
    SetUp {
        /// The link's token. It is good once.
        token: TokenHash,
        /// What the organisation is called.
        organisation: DisplayName,
        /// What the administrator is called.
        name: DisplayName,
        /// What they sign in with.
        email: EmailAddress,
        /// The hash of their password.
        password: PasswordHash,
        /// Where they sit.
        browser: Browser,
    },
    /// Somebody typed an address and a password. The try counts from here on.
    BeginSignIn {
        /// The address.
        email: EmailAddress,
        /// From where.
        source: Source,
        /// What the browser says that it is known by.
        device: Option<TokenHash>,
    },
    /// None of the hashes matched.
    FailedSignIn {
        /// The address.
        email: EmailAddress,
        /// From where.
        source: Source,
    },
    /// Somebody who is signed in has shown that they know their password: that try and those before it count no more.
    KnowsPassword {
        /// The address.
        email: EmailAddress,
        /// From where.
        source: Source,
        /// What the try was begun with.
        device: Option<TokenHash>,
    },
    /// One did.
    SignIn {
        /// Whose.
        person: PersonId,
        /// In which organisation.
        organisation: OrganisationId,
        /// The hash: a password that was changed meanwhile lets nobody in.
        password: PasswordHash,
        /// What the try was begun with.
        known: Option<TokenHash>,
        /// What they showed besides, where they have a second factor.
        proof: Option<Proof>,
        /// Where they sit.
        browser: Browser,
    },
    /// The second factor of the person of a session, confirmed or not.
    SecondFactor {
        /// The session.
        session: TokenHash,
    },
    /// Keeps a second factor for the person of a session. One that is confirmed is only replaced by one that is, too;
    /// with that all other sessions end.
    KeepSecondFactor {
        /// The session.
        session: TokenHash,
        /// The factor.
        factor: SecondFactor,
        /// The hashes of the recovery codes.
        recovery: Vec<TokenHash>,
    },
    /// Removes the second factor of the person of a session.
    RemoveSecondFactor {
        /// The session.
        session: TokenHash,
    },
    /// The passkeys of the person of a session.
    Passkeys {
        /// The session.
        session: TokenHash,
    },
    /// Keeps a passkey for the person of a session.
    AddPasskey {
        /// The session.
        session: TokenHash,
        /// What the device calls it.
        credential: CredentialId,
        /// What they call it.
        name: DisplayName,
        /// The key, in the words of whoever checks what it signs.
        public_key: String,
    },
    /// Removes a passkey of the person of a session.
    RemovePasskey {
        /// The session.
        session: TokenHash,
        /// Which.
        passkey: PasskeyId,
    },
    /// Somebody shows a passkey. The try counts from here on.
    BeginPasskey {
        /// What the device calls it.
        credential: CredentialId,
        /// Whose it says that it is.
        person: PersonId,
        /// From where.
        source: Source,
        /// What the browser says that it is known by.
        device: Option<TokenHash>,
    },
    /// What the passkey signed is wrong, or it says that it signed less often than it did: somebody may have copied it.
    FailedPasskey {
        /// What the device calls it.
        credential: CredentialId,
        /// From where.
        source: Source,
    },
    /// What the passkey signed is right.
    SignInWithPasskey {
        /// What the device calls it.
        credential: CredentialId,
        /// The key, as [`AccountRequest::BeginPasskey`] gave it: nobody signs in twice from there.
        before: String,
        /// As it is from now on.
        after: String,
        /// What the try was begun with.
        known: Option<TokenHash>,
        /// Where they sit.
        browser: Browser,
    },
    /// What the sign-in page offers.
    Door,
    /// Somebody asks for a letter with which they make themselves an account. Whoever they are, the answer is the same.
    AskToSignUp {
        /// The address.
        email: EmailAddress,
        /// From where.
        source: Source,
    },
    /// Whom the link in such a letter is for.
    SignUp {
        /// Its token.
        token: TokenHash,
    },
    /// Somebody makes themselves an account by such a link, and is signed in.
    AcceptSignUp {
        /// Its token. It is good once.
        token: TokenHash,
        /// What they are called.
        name: DisplayName,
        /// The hash of their password.
        password: PasswordHash,
        /// Where they sit.
        browser: Browser,
    },
    /// Who is signed in by this session.
    Who {
        /// The session.
        session: TokenHash,
    },
    /// Ends a session.
    SignOut {
        /// The session.
        session: TokenHash,
    },
    /// Ends all others of its person.
    SignOutElsewhere {
        /// The session that stays.
        session: TokenHash,
    },
    /// Gives the person of a session another password, and ends all other sessions.
    ChangePassword {
        /// The session.
        session: TokenHash,
        /// The hash of the password until now, as [`AccountRequest::BeginSignIn`] gave it.
        old: PasswordHash,
        /// The new one's.
        new: PasswordHash,
    },
    /// Whom an invitation is for.
    Invited {
        /// Its token.
        token: TokenHash,
    },
    /// Somebody sets their password by an invitation, and is signed in.
    AcceptInvitation {
        /// Its token. It is good once.
        token: TokenHash,
        /// The hash of their password.
        password: PasswordHash,
        /// Where they sit.
        browser: Browser,
    },
}

/// What somebody showed besides a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The code of this step.
    Step(u64),
    /// A recovery code, by its hash.
    Recovery(TokenHash),
}

/// Somebody who is signed in, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Their id.
    pub person: PersonId,
    /// What they are called.
    pub name: DisplayName,
    /// What they sign in with.
    pub email: EmailAddress,
    /// What they may do.
    pub role: Role,
    /// Where they belong to.
    pub organisation: OrganisationId,
    /// What that is called.
    pub organisation_name: DisplayName,
    /// Whether they have an app as a second factor.
    pub second_factor: bool,
    /// How many passkeys they have.
    pub passkeys: u32,
    /// Whether their organisation wants two factors of them.
    pub two_factors_wanted: bool,
    /// What they have to do before anything else.
    pub first: Option<First>,
}

/// What somebody has to do before anything else, because their organisation wants two factors of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// Set up a second factor.
    SetUp,
    /// Sign in again, with the one that they have.
    SignInAgain,
}

/// An account at which a password may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Whose.
    pub person: PersonId,
    /// In which organisation.
    pub organisation: OrganisationId,
    /// What to compare with.
    pub password: PasswordHash,
    /// What they are to show besides.
    pub second_factor: Option<SecondFactor>,
    /// Whether their passkey is wanted instead.
    pub passkey_wanted: bool,
}

/// What the console is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountAnswer {
    /// It is done, or it is so.
    Done,
    /// It is not done, and why.
    Refused {
        /// For programs that have words of their own.
        code: RefusalCode,
        /// In words for whoever asked.
        reason: String,
    },
    /// Too many tries.
    Wait {
        /// How long, in seconds, at least 1.
        seconds: u32,
    },
    /// These may be tried: perhaps none, which nobody else may notice.
    Try {
        /// The accounts with the address, at most one for each organisation.
        candidates: Vec<Candidate>,
    },
    /// Somebody.
    Person(Box<Me>),
    /// Somebody's second factor.
    SecondFactor {
        /// Whose.
        person: PersonId,
        /// What is kept.
        factor: Option<SecondFactor>,
    },
    /// Somebody's passkeys, the newest first.
    Passkeys(Vec<Passkey>),
    /// The passkey that somebody shows.
    Passkey(Box<Passkey>),
    /// What the sign-in page offers.
    Door {
        /// Whether somebody may make themselves an account.
        sign_up: bool,
    },
    /// Whom a link is for.
    SignUp {
        /// Whose account it becomes.
        organisation: DisplayName,
        /// Whose address it is.
        email: EmailAddress,
    },
    /// Nobody is signed in by this session, or nobody is invited by this link.
    Nobody,
}

//! People with accounts, and the browsers in which they are signed in.

use crate::access::Role;
use crate::hex;
use crate::password::PasswordHash;
use crate::repository::StoreError;
use crate::words::stored_words;
use conclave_types::{
    DisplayName, EmailAddress, OrganisationId, PersonId, Redacted, Secret, UnixTime,
};
use ring::digest::{SHA256, digest};
use std::fmt;

stored_words! {
    /// Whether a person may sign in.
    Standing:
    /// They may.
    Active = "active", "active";
    /// An administrator keeps them out for now.
    Suspended = "suspended", "suspended";
}

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: PersonId,
    /// Where they belong to.
    pub organisation: OrganisationId,
    /// What they sign in with; no two of an organisation have the same.
    pub email: EmailAddress,
    /// What they are called.
    pub name: DisplayName,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in.
    pub standing: Standing,
    /// The hash of their password; `None` until they have set one.
    pub password: Option<PasswordHash>,
    /// When the account was made.
    pub created_at: UnixTime,
}

/// 32 random octets that somebody shows to be let in: a session's, an invitation's, a browser's.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Secret<[u8; 32]>);

impl Token {
    /// Of random octets, from a generator fit for secrets.
    pub fn from_random(octets: [u8; 32]) -> Token {
        Token(Secret::new(octets))
    }

    /// As it travels: 64 hexadecimal digits. Whoever has them is let in.
    pub fn expose(&self) -> String {
        hex::written(self.0.expose())
    }

    /// From 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Token> {
        hex::read(text).map(Token::from_random)
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.0.expose()).as_ref());
        TokenHash(hash)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The SHA-256 of a [`Token`]: enough to know it again, and nothing to sign in with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    pub(crate) fn from_hex(text: &str) -> Option<TokenHash> {
        hex::read(text).map(TokenHash)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::written(&self.0))
    }
}

/// A browser in which somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its token's hash.
    pub token: TokenHash,
    /// Who.
    pub person: PersonId,
    /// Which browser.
    pub device: TokenHash,
    /// From where they signed in.
    pub source: Redacted<String>,
    /// When.
    pub created_at: UnixTime,
    /// When it was used last, to the minute.
    pub seen_at: UnixTime,
    /// Whether two factors were shown in it.
    pub both_factors: bool,
}

/// Why a person is not added.
#[derive(Debug, thiserror::Error)]
pub enum AddPersonError {
    /// Another one of the organisation has the address.
    #[error("somebody has this e-mail address already")]
    EmailTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// People, sessions, invitations.
pub trait People {
    /// Whether anybody has an account, in any organisation.
    fn anybody(&self) -> Result<bool, StoreError>;
    /// Keeps a new person.
    fn add_person(&mut self, person: &Person) -> Result<(), AddPersonError>;
    /// One of an organisation.
    fn person(
        &self,
        organisation: OrganisationId,
        id: PersonId,
    ) -> Result<Option<Person>, StoreError>;
    /// All of an organisation, by name.
    fn people(&self, organisation: OrganisationId) -> Result<Vec<Person>, StoreError>;
    /// Those with this address, at most one of each organisation.
    fn people_with_email(&self, email: &EmailAddress) -> Result<Vec<Person>, StoreError>;
    /// Keeps a person's name, role, standing and password as they are given. `false` when they are gone.
    fn keep_person(&mut self, person: &Person) -> Result<bool, StoreError>;
    /// Removes a person, with sessions and invitations. `false` when they are gone.
    fn remove_person(&mut self, id: PersonId) -> Result<bool, StoreError>;

    /// Somebody signed in: keeps the session, and the browser as a known one.
    fn add_session(&mut self, session: &Session) -> Result<(), StoreError>;
    /// A session with its person, suspended or not.
    fn session(&self, token: TokenHash) -> Result<Option<(Session, Person)>, StoreError>;
    /// A session was used.
    fn session_seen(&mut self, token: TokenHash, at: UnixTime) -> Result<(), StoreError>;
    /// Two factors were shown in a session.
    fn session_has_both_factors(&mut self, token: TokenHash) -> Result<(), StoreError>;
    /// Ends one session; `false` when it is not there.
    fn end_session(&mut self, token: TokenHash) -> Result<bool, StoreError>;
    /// Ends all sessions of a person but one. Returns how many.
    fn end_sessions(&mut self, person: PersonId, but: Option<TokenHash>)
    -> Result<u32, StoreError>;
    /// Forgets sessions that were not used since then, links that had run out by then, and browsers in
    /// which nobody signed in for a year before.
    fn remove_sessions(&mut self, before: UnixTime) -> Result<u32, StoreError>;
    /// Whether this browser has signed in as one of these people.
    fn known_device(&self, device: TokenHash, email: &EmailAddress) -> Result<bool, StoreError>;

    /// Keeps an invitation, in place of the person's earlier ones.
    fn add_invitation(
        &mut self,
        token: TokenHash,
        person: PersonId,
        expires_at: UnixTime,
    ) -> Result<(), StoreError>;
    /// Forgets the invitations of a person.
    fn forget_invitations(&mut self, person: PersonId) -> Result<(), StoreError>;
    /// Whom an invitation is for, unless it has run out.
    fn invited(&self, token: TokenHash, now: UnixTime) -> Result<Option<Person>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_being_written_and_is_never_printed() {
        let token = Token::from_random([0xa5; 32]);
        assert_eq!(Token::from_hex(&token.expose()), Some(token.clone()));
        assert!(!format!("{token:?}").contains("a5"));
        assert_ne!(token.hash().to_string(), token.expose());
        for text in ["", "a5", &"g5".repeat(32), &"é".repeat(32), &"+5".repeat(32)] {
            assert_eq!(Token::from_hex(text), None, "{text}");
        }
    }
}

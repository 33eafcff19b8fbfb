//! Tokens with which scripts ask as somebody: never for more than that person may, and for no more than they are given.

use crate::access::Scope;
use crate::people::{Person, TokenHash};
use crate::repository::StoreError;
use conclave_types::{ApiTokenId, DisplayName, PersonId, UnixTime};

/// A token of somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, which is no secret.
    pub id: ApiTokenId,
    /// Its hash.
    pub token: TokenHash,
    /// Whose it is.
    pub person: PersonId,
    /// What it is for, in their words.
    pub name: DisplayName,
    /// What may be done with it.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: UnixTime,
    /// From when on it is good for nothing.
    pub expires_at: UnixTime,
    /// When it was used last, to the minute.
    pub used_at: Option<UnixTime>,
}

/// The tokens. They go with their person.
pub trait ApiTokens {
    /// Keeps a new one.
    fn add_api_token(&mut self, token: &ApiToken) -> Result<(), StoreError>;
    /// One with its person, whether it is good still or not.
    fn api_token(&self, token: TokenHash) -> Result<Option<(ApiToken, Person)>, StoreError>;
    /// Somebody's, the newest first.
    fn api_tokens(&self, person: PersonId) -> Result<Vec<ApiToken>, StoreError>;
    /// One was used.
    fn api_token_used(&mut self, id: ApiTokenId, at: UnixTime) -> Result<(), StoreError>;
    /// Removes one of somebody's; `false` when there is none.
    fn remove_api_token(&mut self, person: PersonId, id: ApiTokenId) -> Result<bool, StoreError>;
}

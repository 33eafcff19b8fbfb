//! Tokens for scripts, in SQLite.

use super::people::{PERSON, hash, read as read_person};
use super::{SqliteDirectory, parsed, seconds, time, unreadable};
use crate::access::Scope;
use crate::api_tokens::{ApiToken, ApiTokens};
use crate::people::{Person, TokenHash};
use crate::repository::StoreError;
use conclave_types::{ApiTokenId, PersonId, UnixTime};
use rusqlite::{Row, params};

const TOKEN: &str =
    "t.id, t.token, t.person, t.name, t.scopes, t.created_at, t.expires_at, t.used_at";

impl ApiTokens for SqliteDirectory {
    fn add_api_token(&mut self, token: &ApiToken) -> Result<(), StoreError> {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        self.write(|connection| {
            connection.execute(
                "INSERT INTO api_tokens (id, token, person, name, scopes, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                params![
                    token.id.to_string(),
                    token.token.to_string(),
                    token.person.to_string(),
                    token.name.as_str(),
                    scopes.join(" "),
                    seconds(token.created_at),
                    seconds(token.expires_at),
                ],
            )
        })
        .map(|_| ())
    }

    fn api_token(&self, token: TokenHash) -> Result<Option<(ApiToken, Person)>, StoreError> {
        let sql = format!(
            "SELECT {PERSON}, {TOKEN} FROM api_tokens t JOIN people p ON p.id = t.person \
             WHERE t.token = $1"
        );
        let both = |row: &Row<'_>| Ok((read(row, 8)?, read_person(row)?));
        Ok(self.read(&sql, params![token.to_string()], both)?.pop())
    }

    fn api_tokens(&self, person: PersonId) -> Result<Vec<ApiToken>, StoreError> {
        let sql = format!(
            "SELECT {TOKEN} FROM api_tokens t WHERE t.person = $1 ORDER BY t.created_at DESC, t.id"
        );
        self.read(&sql, params![person.to_string()], |row| read(row, 0))
    }

    fn api_token_used(&mut self, id: ApiTokenId, at: UnixTime) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE api_tokens SET used_at = $1 WHERE id = $2",
                params![seconds(at), id.to_string()],
            )
        })
        .map(|_| ())
    }

    fn remove_api_token(&mut self, person: PersonId, id: ApiTokenId) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM api_tokens WHERE person = $1 AND id = $2",
                params![person.to_string(), id.to_string()],
            )
        })
        .map(|removed| removed > 0)
    }
}

/// The columns of [`TOKEN`], of which the first is this one.
fn read(row: &Row<'_>, first: usize) -> Result<ApiToken, rusqlite::Error> {
    let scopes: String = row.get(first + 4)?;
    let scope = |word| Scope::from_str(word).ok_or_else(|| unreadable(first + 4, "scope"));
    let used: Option<i64> = row.get(first + 7)?;
    Ok(ApiToken {
        id: parsed(row, first, "token's id")?,
        token: hash(row, first + 1)?,
        person: parsed(row, first + 2, "person id")?,
        name: parsed(row, first + 3, "token's name")?,
        scopes: scopes.split_whitespace().map(scope).collect::<Result<_, _>>()?,
        created_at: time(row, first + 5)?,
        expires_at: time(row, first + 6)?,
        used_at: used.map(|_| time(row, first + 7)).transpose()?,
    })
}

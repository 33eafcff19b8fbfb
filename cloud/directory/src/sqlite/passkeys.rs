//! Passkeys in SQLite.

use super::people::{PERSON, read as read_person};
use super::{SqliteDirectory, parsed, seconds, time, unreadable, violated};
use crate::hex;
use crate::passkeys::{CredentialId, Passkey, Passkeys};
use crate::people::Person;
use crate::repository::StoreError;
use conclave_types::{OrganisationId, PasskeyId, PersonId, UnixTime};
use rusqlite::{Row, params};
use std::collections::BTreeMap;

const PASSKEY: &str = "k.id, k.credential, k.person, k.name, k.public_key, k.created_at, k.used_at";

impl Passkeys for SqliteDirectory {
    fn add_passkey(&mut self, passkey: &Passkey) -> Result<bool, StoreError> {
        let added = self.write(|connection| {
            connection.execute(
                "INSERT INTO passkeys (id, credential, person, name, public_key, created_at, used_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                params![
                    passkey.id.to_string(),
                    hex::written(passkey.credential.octets()),
                    passkey.person.to_string(),
                    passkey.name.as_str(),
                    passkey.public_key,
                    seconds(passkey.created_at),
                    passkey.used_at.map(seconds),
                ],
            )
        });
        match added {
            Ok(_) => Ok(true),
            Err(error) if violated(&error).is_some_and(|words| words.contains("credential")) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn passkey(&self, credential: &CredentialId) -> Result<Option<(Passkey, Person)>, StoreError> {
        let sql = format!(
            "SELECT {PERSON}, {PASSKEY} FROM passkeys k JOIN people p ON p.id = k.person \
             WHERE k.credential = $1"
        );
        let both = |row: &Row<'_>| Ok((read(row, 8)?, read_person(row)?));
        Ok(self.read(&sql, params![hex::written(credential.octets())], both)?.pop())
    }

    fn passkeys(&self, person: PersonId) -> Result<Vec<Passkey>, StoreError> {
        let sql = format!(
            "SELECT {PASSKEY} FROM passkeys k WHERE k.person = $1 ORDER BY k.created_at DESC, k.id"
        );
        self.read(&sql, params![person.to_string()], |row| read(row, 0))
    }

    fn with_passkeys(
        &self,
        organisation: OrganisationId,
    ) -> Result<BTreeMap<PersonId, u32>, StoreError> {
        let sql = "SELECT p.id, count(*) FROM passkeys k JOIN people p ON p.id = k.person \
                   WHERE p.organisation = $1 GROUP BY p.id";
        let found = self.read(sql, params![organisation.to_string()], |row| {
            Ok((parsed(row, 0, "person id")?, row.get(1)?))
        });
        Ok(found?.into_iter().collect())
    }

    fn passkey_used(
        &mut self,
        id: PasskeyId,
        before: &str,
        after: &str,
        at: UnixTime,
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE passkeys SET public_key = $1, used_at = $2 WHERE id = $3 AND public_key = $4",
                params![after, seconds(at), id.to_string(), before],
            )
        })
        .map(|changed| changed > 0)
    }

    fn remove_passkey(&mut self, person: PersonId, id: PasskeyId) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM passkeys WHERE person = $1 AND id = $2",
                params![person.to_string(), id.to_string()],
            )
        })
        .map(|removed| removed > 0)
    }

    fn remove_passkeys(&mut self, person: PersonId) -> Result<u32, StoreError> {
        self.write(|connection| {
            connection
                .execute("DELETE FROM passkeys WHERE person = $1", params![person.to_string()])
        })
        .map(|removed| u32::try_from(removed).unwrap_or(u32::MAX))
    }
}

/// The columns of [`PASSKEY`], of which the first is this one.
fn read(row: &Row<'_>, first: usize) -> Result<Passkey, rusqlite::Error> {
    let credential: String = row.get(first + 1)?;
    let credential = hex::octets(&credential).and_then(|octets| CredentialId::new(&octets));
    let used: Option<i64> = row.get(first + 6)?;
    Ok(Passkey {
        id: parsed(row, first, "passkey's id")?,
        credential: credential.ok_or_else(|| unreadable(first + 1, "name of a key"))?,
        person: parsed(row, first + 2, "person id")?,
        name: parsed(row, first + 3, "passkey's name")?,
        public_key: row.get(first + 4)?,
        created_at: time(row, first + 5)?,
        used_at: used.map(|_| time(row, first + 6)).transpose()?,
    })
}

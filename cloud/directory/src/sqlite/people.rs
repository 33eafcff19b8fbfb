//! People, sessions and invitations in SQLite.

use super::{SqliteDirectory, parsed, seconds, time, unreadable, violated};
use crate::access::Role;
use crate::password::PasswordHash;
use crate::people::{AddPersonError, People, Person, Session, Standing, TokenHash};
use crate::repository::StoreError;
use conclave_types::{EmailAddress, OrganisationId, PersonId, Redacted, UnixTime};
use rusqlite::{Row, params};

pub(super) const PERSON: &str = "p.id, p.organisation, p.email, p.name, p.role, p.standing, p.password_hash, \
                      p.created_at";

/// A browser is known for so many seconds longer than a session lasts: a year, as long as its cookie.
const BROWSER_LONGER: i64 = 31_536_000;

impl People for SqliteDirectory {
    fn anybody(&self) -> Result<bool, StoreError> {
        let found = self.read("SELECT EXISTS (SELECT 1 FROM people)", [], |row| row.get(0))?;
        Ok(found.first().copied().unwrap_or(false))
    }

    fn add_person(&mut self, person: &Person) -> Result<(), AddPersonError> {
        let insert = self.write(|connection| {
            connection.execute(
                "INSERT INTO people (id, organisation, email, name, role, standing, password_hash, \
                 created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                params![
                    person.id.to_string(),
                    person.organisation.to_string(),
                    person.email.as_str(),
                    person.name.as_str(),
                    person.role.as_str(),
                    person.standing.as_str(),
                    person.password.as_ref().map(PasswordHash::as_phc),
                    seconds(person.created_at),
                ],
            )
        });
        insert.map(|_| ()).map_err(|error| match violated(&error) {
            Some(words) if words.contains("people.email") => AddPersonError::EmailTaken,
            _ => AddPersonError::Store(error),
        })
    }

    fn person(
        &self,
        organisation: OrganisationId,
        id: PersonId,
    ) -> Result<Option<Person>, StoreError> {
        let sql = format!("SELECT {PERSON} FROM people p WHERE p.organisation = $1 AND p.id = $2");
        Ok(self.read(&sql, params![organisation.to_string(), id.to_string()], read)?.pop())
    }

    fn people(&self, organisation: OrganisationId) -> Result<Vec<Person>, StoreError> {
        let sql = format!(
            "SELECT {PERSON} FROM people p WHERE p.organisation = $1 ORDER BY p.name, p.id"
        );
        self.read(&sql, params![organisation.to_string()], read)
    }

    fn people_with_email(&self, email: &EmailAddress) -> Result<Vec<Person>, StoreError> {
        let sql = format!("SELECT {PERSON} FROM people p WHERE p.email = $1 ORDER BY p.id");
        self.read(&sql, params![email.as_str()], read)
    }

    fn keep_person(&mut self, person: &Person) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE people SET name = $1, role = $2, standing = $3, password_hash = $4 \
                 WHERE id = $5",
                params![
                    person.name.as_str(),
                    person.role.as_str(),
                    person.standing.as_str(),
                    person.password.as_ref().map(PasswordHash::as_phc),
                    person.id.to_string(),
                ],
            )
        })
        .map(|changed| changed > 0)
    }

    fn remove_person(&mut self, id: PersonId) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute("DELETE FROM people WHERE id = $1", params![id.to_string()])
        })
        .map(|changed| changed > 0)
    }

    fn add_session(&mut self, session: &Session) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "INSERT INTO sessions (token, person, device, source, created_at, seen_at, both_factors) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                params![
                    session.token.to_string(),
                    session.person.to_string(),
                    session.device.to_string(),
                    session.source.0,
                    seconds(session.created_at),
                    seconds(session.seen_at),
                    session.both_factors,
                ],
            )?;
            connection.execute(
                "INSERT INTO devices (device, person, seen_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (device, person) DO UPDATE SET seen_at = $3",
                params![
                    session.device.to_string(),
                    session.person.to_string(),
                    seconds(session.seen_at),
                ],
            )
        })
        .map(|_| ())
    }

    fn session(&self, token: TokenHash) -> Result<Option<(Session, Person)>, StoreError> {
        let sql = format!(
            "SELECT {PERSON}, s.token, s.device, s.source, s.created_at, s.seen_at, s.both_factors \
             FROM sessions s JOIN people p ON p.id = s.person WHERE s.token = $1"
        );
        let both = |row: &Row<'_>| {
            let person = read(row)?;
            let session = Session {
                token: hash(row, 8)?,
                person: person.id,
                device: hash(row, 9)?,
                source: Redacted(row.get(10)?),
                created_at: time(row, 11)?,
                seen_at: time(row, 12)?,
                both_factors: row.get(13)?,
            };
            Ok((session, person))
        };
        Ok(self.read(&sql, params![token.to_string()], both)?.pop())
    }

    fn session_seen(&mut self, token: TokenHash, at: UnixTime) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE sessions SET seen_at = $1 WHERE token = $2",
                params![seconds(at), token.to_string()],
            )
        })
        .map(|_| ())
    }

    fn session_has_both_factors(&mut self, token: TokenHash) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE sessions SET both_factors = 1 WHERE token = $1",
                params![token.to_string()],
            )
        })
        .map(|_| ())
    }

    fn end_session(&mut self, token: TokenHash) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute("DELETE FROM sessions WHERE token = $1", params![token.to_string()])
        })
        .map(|changed| changed > 0)
    }

    fn end_sessions(
        &mut self,
        person: PersonId,
        but: Option<TokenHash>,
    ) -> Result<u32, StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM sessions WHERE person = $1 AND token IS NOT $2",
                params![person.to_string(), but.map(|token| token.to_string())],
            )
        })
        .map(|changed| u32::try_from(changed).unwrap_or(u32::MAX))
    }

    fn remove_sessions(&mut self, before: UnixTime) -> Result<u32, StoreError> {
        let before = seconds(before);
        let browsers = before.saturating_sub(BROWSER_LONGER);
        // Asked first: a look that finds nothing adds no change to the list.
        let any = self.read(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE seen_at < $1) \
             OR EXISTS (SELECT 1 FROM invitations WHERE expires_at < $1) \
             OR EXISTS (SELECT 1 FROM sign_ups WHERE expires_at < $1) \
             OR EXISTS (SELECT 1 FROM devices WHERE seen_at < $2)",
            params![before, browsers],
            |row| row.get::<_, bool>(0),
        )?;
        if any.first() != Some(&true) {
            return Ok(0);
        }
        self.write(|connection| {
            connection.execute("DELETE FROM devices WHERE seen_at < $1", params![browsers])?;
            connection.execute("DELETE FROM invitations WHERE expires_at < $1", params![before])?;
            connection.execute("DELETE FROM sign_ups WHERE expires_at < $1", params![before])?;
            connection.execute("DELETE FROM sessions WHERE seen_at < $1", params![before])
        })
        .map(|changed| u32::try_from(changed).unwrap_or(u32::MAX))
    }

    fn known_device(&self, device: TokenHash, email: &EmailAddress) -> Result<bool, StoreError> {
        let found = self.read(
            "SELECT EXISTS (SELECT 1 FROM devices d JOIN people p ON p.id = d.person \
             WHERE d.device = $1 AND p.email = $2)",
            params![device.to_string(), email.as_str()],
            |row| row.get(0),
        )?;
        Ok(found.first().copied().unwrap_or(false))
    }

    fn add_invitation(
        &mut self,
        token: TokenHash,
        person: PersonId,
        expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM invitations WHERE person = $1",
                params![person.to_string()],
            )?;
            connection.execute(
                "INSERT INTO invitations (token, person, expires_at) VALUES ($1, $2, $3)",
                params![token.to_string(), person.to_string(), seconds(expires_at)],
            )
        })
        .map(|_| ())
    }

    fn forget_invitations(&mut self, person: PersonId) -> Result<(), StoreError> {
        self.write(|connection| {
            connection
                .execute("DELETE FROM invitations WHERE person = $1", params![person.to_string()])
        })
        .map(|_| ())
    }

    fn invited(&self, token: TokenHash, now: UnixTime) -> Result<Option<Person>, StoreError> {
        let sql = format!(
            "SELECT {PERSON} FROM invitations i JOIN people p ON p.id = i.person \
             WHERE i.token = $1 AND i.expires_at > $2"
        );
        Ok(self.read(&sql, params![token.to_string(), seconds(now)], read)?.pop())
    }
}

pub(super) fn hash(row: &Row<'_>, column: usize) -> Result<TokenHash, rusqlite::Error> {
    let text: String = row.get(column)?;
    TokenHash::from_hex(&text).ok_or_else(|| unreadable(column, "hash of a token"))
}

pub(super) fn read(row: &Row<'_>) -> Result<Person, rusqlite::Error> {
    let (role, standing): (String, String) = (row.get(4)?, row.get(5)?);
    Ok(Person {
        id: parsed(row, 0, "person id")?,
        organisation: parsed(row, 1, "organisation id")?,
        email: parsed(row, 2, "e-mail address")?,
        name: parsed(row, 3, "person's name")?,
        role: Role::from_str(&role).ok_or_else(|| unreadable(4, "role"))?,
        standing: Standing::from_str(&standing).ok_or_else(|| unreadable(5, "standing"))?,
        password: row.get::<_, Option<String>>(6)?.map(PasswordHash::from_phc),
        created_at: time(row, 7)?,
    })
}

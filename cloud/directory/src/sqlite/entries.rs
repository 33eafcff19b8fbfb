//! What organisations want at the door, in SQLite.

use super::{SqliteDirectory, parsed, seconds, unreadable, violated};
use crate::entry::{Entries, Entry, SignUpDomain, TwoFactors};
use crate::people::TokenHash;
use crate::repository::StoreError;
use conclave_types::{EmailAddress, OrganisationId, UnixTime};
use rusqlite::params;

impl Entries for SqliteDirectory {
    fn entry(&self, organisation: OrganisationId) -> Result<Entry, StoreError> {
        let organisation = organisation.to_string();
        let sql = "SELECT two_factors FROM organisations WHERE id = $1";
        let found = self.read(sql, params![organisation], |row| {
            let text: String = row.get(0)?;
            TwoFactors::from_str(&text).ok_or_else(|| unreadable(0, "policy of two factors"))
        });
        let sql = "SELECT domain FROM sign_up_domains WHERE organisation = $1 ORDER BY domain";
        let domains = self.read(sql, params![organisation], |row| parsed(row, 0, "domain"))?;
        Ok(Entry { two_factors: found?.pop().unwrap_or(TwoFactors::WhoeverWants), domains })
    }

    fn keep_two_factors(
        &mut self,
        organisation: OrganisationId,
        of: TwoFactors,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE organisations SET two_factors = $1 WHERE id = $2",
                params![of.as_str(), organisation.to_string()],
            )
        })
        .map(|_| ())
    }

    fn add_domain(
        &mut self,
        organisation: OrganisationId,
        domain: &SignUpDomain,
    ) -> Result<bool, StoreError> {
        let added = self.write(|connection| {
            connection.execute(
                "INSERT INTO sign_up_domains (domain, organisation) VALUES ($1, $2)",
                params![domain.as_str(), organisation.to_string()],
            )
        });
        match added {
            Ok(_) => Ok(true),
            Err(error) if violated(&error).is_some_and(|words| words.contains("domain")) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn remove_domain(
        &mut self,
        organisation: OrganisationId,
        domain: &SignUpDomain,
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM sign_up_domains WHERE organisation = $1 AND domain = $2",
                params![organisation.to_string(), domain.as_str()],
            )
        })
        .map(|removed| removed > 0)
    }

    fn organisation_of_address(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<OrganisationId>, StoreError> {
        let sql = "SELECT organisation FROM sign_up_domains WHERE domain = $1";
        let found =
            self.read(sql, params![email.domain()], |row| parsed(row, 0, "organisation id"));
        Ok(found?.pop())
    }

    fn any_domain(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sign_up_domains)";
        let found = self.read(sql, [], |row| row.get(0))?;
        Ok(found.first().copied().unwrap_or(false))
    }

    fn add_sign_up(
        &mut self,
        token: TokenHash,
        organisation: OrganisationId,
        email: &EmailAddress,
        expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM sign_ups WHERE organisation = $1 AND email = $2",
                params![organisation.to_string(), email.as_str()],
            )?;
            connection.execute(
                "INSERT INTO sign_ups (token, organisation, email, expires_at) \
                 VALUES ($1, $2, $3, $4)",
                params![
                    token.to_string(),
                    organisation.to_string(),
                    email.as_str(),
                    seconds(expires_at)
                ],
            )
        })
        .map(|_| ())
    }

    fn sign_up(
        &self,
        token: TokenHash,
        now: UnixTime,
    ) -> Result<Option<(OrganisationId, EmailAddress)>, StoreError> {
        // A domain that was withdrawn takes its links along.
        let sql = "SELECT u.organisation, u.email, d.domain \
                   FROM sign_ups u JOIN sign_up_domains d ON d.organisation = u.organisation \
                   WHERE u.token = $1 AND u.expires_at > $2";
        let found = self.read(sql, params![token.to_string(), seconds(now)], |row| {
            let email: EmailAddress = parsed(row, 1, "e-mail address")?;
            let domain: String = row.get(2)?;
            let theirs = email.domain() == domain;
            Ok((theirs, (parsed(row, 0, "organisation id")?, email)))
        });
        Ok(found?.into_iter().find_map(|(theirs, found)| theirs.then_some(found)))
    }

    fn forget_sign_up(&mut self, token: TokenHash) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute("DELETE FROM sign_ups WHERE token = $1", params![token.to_string()])
        })
        .map(|_| ())
    }
}

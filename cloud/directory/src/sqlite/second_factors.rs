//! Second factors in SQLite.

use super::{SqliteDirectory, parsed, unreadable};
use crate::hex;
use crate::people::TokenHash;
use crate::repository::StoreError;
use crate::second_factor::{SecondFactor, SecondFactors};
use conclave_types::{OrganisationId, PersonId};
use rusqlite::params;
use std::collections::BTreeSet;

impl SecondFactors for SqliteDirectory {
    fn second_factor(&self, person: PersonId) -> Result<Option<SecondFactor>, StoreError> {
        let sql = "SELECT sealed, confirmed, last_step FROM second_factors WHERE person = $1";
        let found = self.read(sql, params![person.to_string()], |row| {
            let sealed: String = row.get(0)?;
            let step: i64 = row.get(2)?;
            Ok(SecondFactor {
                sealed: hex::octets(&sealed).ok_or_else(|| unreadable(0, "sealed secret"))?,
                confirmed: row.get(1)?,
                last_step: u64::try_from(step).unwrap_or(0),
            })
        });
        Ok(found?.pop())
    }

    fn with_second_factor(
        &self,
        organisation: OrganisationId,
    ) -> Result<BTreeSet<PersonId>, StoreError> {
        let sql = "SELECT p.id FROM second_factors s JOIN people p ON p.id = s.person \
                   WHERE p.organisation = $1 AND s.confirmed = 1";
        let found =
            self.read(sql, params![organisation.to_string()], |row| parsed(row, 0, "person id"));
        Ok(found?.into_iter().collect())
    }

    fn keep_second_factor(
        &mut self,
        person: PersonId,
        factor: &SecondFactor,
        recovery: &[TokenHash],
    ) -> Result<(), StoreError> {
        let person = person.to_string();
        self.write(|connection| {
            connection.execute("DELETE FROM second_factors WHERE person = $1", params![person])?;
            connection.execute(
                "INSERT INTO second_factors (person, sealed, confirmed, last_step) \
                 VALUES ($1, $2, $3, $4)",
                params![
                    person,
                    hex::written(&factor.sealed),
                    factor.confirmed,
                    step(factor.last_step)
                ],
            )?;
            for code in recovery {
                connection.execute(
                    "INSERT INTO recovery_codes (person, code) VALUES ($1, $2)",
                    params![person, code.to_string()],
                )?;
            }
            Ok(())
        })
    }

    fn take_step(&mut self, person: PersonId, taken: u64) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE second_factors SET last_step = $1 WHERE person = $2 AND last_step < $1",
                params![step(taken), person.to_string()],
            )
        })
        .map(|changed| changed > 0)
    }

    fn take_recovery_code(
        &mut self,
        person: PersonId,
        code: TokenHash,
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM recovery_codes WHERE person = $1 AND code = $2",
                params![person.to_string(), code.to_string()],
            )
        })
        .map(|removed| removed > 0)
    }

    fn remove_second_factor(&mut self, person: PersonId) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM second_factors WHERE person = $1",
                params![person.to_string()],
            )
        })
        .map(|removed| removed > 0)
    }
}

fn step(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

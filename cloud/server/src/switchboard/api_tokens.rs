//! Tokens for scripts: somebody makes one for themselves, with what may be done with it and until when. Whoever shows it
//! asks as that person, and never for more than that person may.
//!
//! With a token nobody makes another one, nor gets at an account: no scope has that.

use super::admin::Answered;
use super::refused::Refused;
use super::{Credential, Switchboard};
use crate::control::{ApiTokenLine, ControlAnswer, ControlRequest, RefusalCode};
use conclave_directory::access::{Action, Scope, allowed};
use conclave_directory::{ApiToken, Person, Standing, StoreError, TokenHash};
use conclave_types::{ApiTokenId, DisplayName, OrganisationId, Redacted, Secret};
use std::time::Duration;

/// The most that somebody has at once.
const MOST: usize = 50;

/// The longest that one is good for, in days. Whoever forgets one has left no door open for ever.
const LONGEST_DAYS: u32 = 366;

/// That one was used is noted once in so long: each note is a change of the database.
const USED_STEP: Duration = Duration::from_secs(60);

/// Whoever asks, and how they show it.
pub(super) struct Asker {
    pub(super) person: Person,
    token: Option<ApiToken>,
    /// Whether they have done what has to be done before anything else. Whoever has a token did so before they made it.
    pub(super) is_in: bool,
}

impl Asker {
    /// Whether they may, both by their role and by what their token is for.
    pub(super) fn may(&self, action: Action) -> bool {
        allowed(self.person.role, action)
            && self
                .token
                .as_ref()
                .is_none_or(|token| token.scopes.iter().any(|scope| scope.allows(action)))
    }

    /// From where, with the token that they showed.
    pub(super) fn from(&self, source: crate::accounts::Source) -> Redacted<String> {
        Redacted(match &self.token {
            Some(token) => format!("{}, {}", source.0, token.id),
            None => source.0.to_string(),
        })
    }
}

impl Switchboard {
    /// Who shows this, when it is good.
    pub(super) fn asker_by(&mut self, by: Credential) -> Result<Option<Asker>, StoreError> {
        match by {
            Credential::Session(session) => {
                let Some((session, person)) = self.person_of(session)? else { return Ok(None) };
                let is_in = self.first_of(&session, &person)?.is_none();
                Ok(Some(Asker { person, token: None, is_in }))
            }
            Credential::ApiToken(token) => self.asker_by_token(token),
        }
    }

    fn asker_by_token(&mut self, token: TokenHash) -> Result<Option<Asker>, StoreError> {
        let found = self.parts.directory.api_token(token)?;
        let good = |(token, person): &(ApiToken, Person)| {
            token.expires_at > self.wall && person.standing == Standing::Active
        };
        let Some((token, person)) = found.filter(good) else { return Ok(None) };
        if token.used_at.is_none_or(|used| used.until(self.wall) >= USED_STEP) {
            self.parts.directory.api_token_used(token.id, self.wall)?;
        }
        Ok(Some(Asker { person, token: Some(token), is_in: true }))
    }

    pub(super) fn api_token_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::ApiTokenAdd { name, scopes, days } => {
                self.make_api_token(whose, name, &scopes, days)
            }
            ControlRequest::ApiTokenList => {
                let person = self.asking_person(whose)?;
                let tokens = self.parts.directory.api_tokens(person.id)?;
                let tokens = tokens.iter().map(line).collect();
                Ok(ControlAnswer::ApiTokens { tokens })
            }
            ControlRequest::ApiTokenRemove { token } => {
                let person = self.asking_person(whose)?;
                let tokens = self.parts.directory.api_tokens(person.id)?;
                let Some(found) = tokens.into_iter().find(|each| each.id.to_string() == token)
                else {
                    return Err(Refused::with(
                        RefusalCode::Gone,
                        "there is no such token of yours",
                    ));
                };
                self.audit("token.remove", found.id, &found.name, "");
                self.parts.directory.remove_api_token(person.id, found.id)?;
                Ok(ControlAnswer::ApiTokenRemoved { token: line(&found) })
            }
            request => self.appointment_control(whose, request),
        }
    }

    fn make_api_token(
        &mut self,
        whose: OrganisationId,
        name: DisplayName,
        scopes: &[String],
        days: u32,
    ) -> Answered {
        let person = self.asking_person(whose)?;
        if !(1..=LONGEST_DAYS).contains(&days) {
            return Err(Refused::with(
                RefusalCode::Days,
                format!("a token is good for 1 to {LONGEST_DAYS} days"),
            ));
        }
        let mut wanted = Vec::new();
        for word in scopes {
            let scope =
                Scope::ALL.iter().find(|scope| scope.as_str() == word).ok_or_else(|| {
                    let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                    let all = all.join(", ");
                    Refused::with(
                        RefusalCode::Scope,
                        format!("there is no scope '{word}': it is one of {all}"),
                    )
                })?;
            if !wanted.contains(scope) {
                wanted.push(*scope);
            }
        }
        if wanted.is_empty() {
            return Err(Refused::with(
                RefusalCode::Scope,
                "a token is for something: name a scope",
            ));
        }
        if self.parts.directory.api_tokens(person.id)?.len() >= MOST {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!("somebody has {MOST} tokens at most: remove some that nobody uses"),
            ));
        }
        let secret = self.random_token();
        let token = ApiToken {
            id: ApiTokenId::from_random(self.random()),
            token: secret.hash(),
            person: person.id,
            name,
            scopes: wanted,
            created_at: self.wall,
            expires_at: self.wall.after(Duration::from_secs(u64::from(days) * 86_400)),
            used_at: None,
        };
        self.audit("token.create", token.id, "", format!("{}: {}", token.name, words(&token)));
        self.parts.directory.add_api_token(&token)?;
        tracing::info!(token = %token.id, person = %person.id, "a token for scripts is made");
        let secret = Secret::new(secret.expose());
        Ok(ControlAnswer::ApiTokenMade { token: line(&token), secret })
    }
}

fn words(token: &ApiToken) -> String {
    let words: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    words.join(" ")
}

fn line(token: &ApiToken) -> ApiTokenLine {
    ApiTokenLine {
        token: token.id,
        name: token.name.clone(),
        scopes: token.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        used_at: token.used_at,
    }
}

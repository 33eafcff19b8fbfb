//! Passkeys: what is kept of them, and signing in with one. What a device signed is checked by the console before it gets
//! here; here is decided whose it is, and whether it counts.

use super::Switchboard;
use super::entry::wait;
use super::people::{caller, caller_by_words};
use super::refused::Refused;
use super::words::Caller;
use crate::accounts::{AccountAnswer, AccountRequest, Browser, Source};
use crate::control::RefusalCode;
use conclave_directory::entry::Shown;
use conclave_directory::{CredentialId, MOST_PASSKEYS, Passkey, Standing, TokenHash};
use conclave_types::{DisplayName, PasskeyId, PersonId};

impl Switchboard {
    pub(super) fn answer_passkey(
        &mut self,
        request: AccountRequest,
    ) -> Result<AccountAnswer, Refused> {
        match request {
            AccountRequest::Passkeys { session } => match self.person_who_sets_up(session)? {
                None => Ok(AccountAnswer::Nobody),
                Some((_, person)) => {
                    Ok(AccountAnswer::Passkeys(self.parts.directory.passkeys(person.id)?))
                }
            },
            AccountRequest::AddPasskey { session, credential, name, public_key } => {
                self.add_passkey(session, credential, name, public_key)
            }
            AccountRequest::RemovePasskey { session, passkey } => {
                self.remove_passkey(session, passkey)
            }
            AccountRequest::BeginPasskey { credential, person, source, device } => {
                self.begin_passkey(&credential, person, source, device)
            }
            AccountRequest::FailedPasskey { credential, source } => {
                if let Some((passkey, person)) = self.parts.directory.passkey(&credential)? {
                    let by = Caller { who: "somebody".to_owned(), ..caller(&person, source) };
                    self.asking = Some(by);
                    self.audit("session.refused", person.id, "", &passkey.name);
                    self.settle(true);
                }
                Ok(AccountAnswer::Done)
            }
            AccountRequest::SignInWithPasskey { credential, before, after, known, browser } => {
                self.sign_in_with_passkey(&credential, (&before, &after), known, browser)
            }
            _ => Ok(AccountAnswer::Nobody),
        }
    }

    fn add_passkey(
        &mut self,
        session: TokenHash,
        credential: CredentialId,
        name: DisplayName,
        public_key: String,
    ) -> Result<AccountAnswer, Refused> {
        let Some((session, person)) = self.person_who_sets_up(session)? else {
            return Ok(AccountAnswer::Nobody);
        };
        if self.parts.directory.passkeys(person.id)?.len() >= MOST_PASSKEYS {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!(
                    "somebody has {MOST_PASSKEYS} passkeys at most: remove some that nobody uses"
                ),
            ));
        }
        let passkey = Passkey {
            id: PasskeyId::from_random(self.random()),
            credential,
            person: person.id,
            name,
            public_key,
            created_at: self.wall,
            used_at: None,
        };
        self.asking = Some(caller_by_words(&person, session.source));
        self.audit("person.passkey_add", person.id, "", &passkey.name);
        let added = self.parts.directory.add_passkey(&passkey);
        self.settle(matches!(added, Ok(true)));
        if !added? {
            return Err(Refused::with(
                RefusalCode::PasskeyKnown,
                "this device's passkey is registered already: choose another device",
            ));
        }
        // The device has just been unlocked, and the password was asked for: that is both.
        self.parts.directory.session_has_both_factors(session.token)?;
        Ok(AccountAnswer::Done)
    }

    fn remove_passkey(
        &mut self,
        session: TokenHash,
        passkey: PasskeyId,
    ) -> Result<AccountAnswer, Refused> {
        let Some((session, person)) = self.person_in(session)? else {
            return Ok(AccountAnswer::Nobody);
        };
        let passkeys = self.parts.directory.passkeys(person.id)?;
        let Some(gone) = passkeys.iter().find(|each| each.id == passkey) else {
            return Err(Refused::with(RefusalCode::Gone, "there is no such passkey of yours"));
        };
        let app = usize::from(self.confirmed_factor(person.id)?.is_some());
        self.may_be_left_with(&person, passkeys.len() - 1 + app)?;
        self.asking = Some(caller_by_words(&person, session.source));
        self.audit("person.passkey_remove", person.id, &gone.name, "");
        let removed = self.parts.directory.remove_passkey(person.id, gone.id);
        self.settle(removed.is_ok());
        removed?;
        Ok(AccountAnswer::Done)
    }

    fn begin_passkey(
        &mut self,
        credential: &CredentialId,
        person: PersonId,
        source: Source,
        device: Option<TokenHash>,
    ) -> Result<AccountAnswer, Refused> {
        let found = self.parts.directory.passkey(credential)?;
        let device = match &found {
            Some((_, person)) => self.known(&person.email, device)?,
            None => None,
        };
        if let Err(how_long) = self.sign_ins.begin_with_key(self.now, source.0, device) {
            return Ok(wait(how_long));
        }
        let good =
            found.filter(|(_, owner)| owner.id == person && owner.standing == Standing::Active);
        Ok(good.map_or(AccountAnswer::Nobody, |(passkey, _)| {
            AccountAnswer::Passkey(Box::new(passkey))
        }))
    }

    fn sign_in_with_passkey(
        &mut self,
        credential: &CredentialId,
        (before, after): (&str, &str),
        device: Option<TokenHash>,
        browser: Browser,
    ) -> Result<AccountAnswer, Refused> {
        let found = self.parts.directory.passkey(credential)?;
        let found = found.filter(|(_, person)| person.standing == Standing::Active);
        let Some((passkey, person)) = found else { return Ok(AccountAnswer::Nobody) };
        if !self.parts.directory.passkey_used(passkey.id, before, after, self.wall)? {
            return Ok(AccountAnswer::Nobody);
        }
        let device = self.known(&person.email, device)?;
        self.sign_ins.key_was_right(browser.source.0, device);
        self.let_in(person, browser, Shown::Passkey)
    }
}

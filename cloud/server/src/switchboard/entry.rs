//! The door: of whom two factors are wanted, and whose people may make themselves an account by a letter to their address.
//!
//! Whoever asks for such a letter is a stranger. They are answered alike, whether their address or its domain is known here
//! or not; what they may do often is in [`conclave_directory::sign_up`].

use super::Switchboard;
use super::admin::Answered;
use super::people::{MOST_PEOPLE, caller, in_words};
use super::refused::Refused;
use crate::accounts::{AccountAnswer, AccountRequest, Browser, Source};
use crate::control::{ControlAnswer, ControlRequest, EntryLine, RefusalCode};
use conclave_directory::access::Role;
use conclave_directory::entry::{
    DomainError, Entry, MOST_DOMAINS, Shown, SignUpDomain, TwoFactors,
};
use conclave_directory::sign_up::MayWrite;
use conclave_directory::webhooks::EventKind;
use conclave_directory::{Organisation, PasswordHash, Person, StoreError, TokenHash};
use conclave_types::{DisplayName, EmailAddress, OrganisationId, Secret};
use std::time::Duration;

/// How long a link in a letter is good: whoever asked for it waits for it.
const LINK: Duration = Duration::from_secs(86_400);

impl Switchboard {
    pub(super) fn entry_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::EntryShow => {}
            ControlRequest::EntryTwoFactors { of } => self.want_two_factors(whose, &of)?,
            ControlRequest::EntryAllow { domain } => self.allow_domain(whose, &domain)?,
            ControlRequest::EntryWithdraw { domain } => self.withdraw_domain(whose, &domain)?,
            _ => return Err(Refused::because("this is not the switchboard's to answer")),
        }
        let Entry { two_factors, domains } = self.parts.directory.entry(whose)?;
        Ok(ControlAnswer::Entry {
            entry: EntryLine {
                two_factors: two_factors.as_str().to_owned(),
                domains: domains.iter().map(ToString::to_string).collect(),
                mail: self.writes(),
            },
        })
    }

    fn want_two_factors(&mut self, whose: OrganisationId, of: &str) -> Result<(), Refused> {
        let wanted = TwoFactors::ALL.into_iter().find(|each| each.as_str() == of.trim());
        let wanted = wanted.ok_or_else(|| {
            let all = TwoFactors::ALL.map(TwoFactors::as_str).join(", ");
            Refused::because(format!("two factors are wanted of one of {all}, not of '{of}'"))
        })?;
        let before = self.parts.directory.entry(whose)?.two_factors;
        if before != wanted {
            self.audit("entry.two_factors", "", before.words(), wanted.words());
            self.parts.directory.keep_two_factors(whose, wanted)?;
        }
        Ok(())
    }

    fn allow_domain(&mut self, whose: OrganisationId, text: &str) -> Result<(), Refused> {
        let domain = domain(text)?;
        if domain.is_free_mail() {
            return Err(Refused::with(
                RefusalCode::FreeMail,
                format!(
                    "anybody gets an address at {domain}, so everybody could make themselves an account: invite people with \
                     such addresses one by one"
                ),
            ));
        }
        if self.parts.directory.entry(whose)?.domains.len() >= MOST_DOMAINS {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!("an organisation has {MOST_DOMAINS} domains at most"),
            ));
        }
        self.audit("entry.allow", "", "", &domain);
        match self.parts.directory.add_domain(whose, &domain)? {
            true => Ok(()),
            false => Err(Refused::with(
                RefusalCode::DomainTaken,
                format!(
                    "{domain} is allowed already, or another organisation of this cloud has it: ask whoever runs the cloud \
                     when it is yours"
                ),
            )),
        }
    }

    fn withdraw_domain(&mut self, whose: OrganisationId, text: &str) -> Result<(), Refused> {
        let domain = domain(text)?;
        if !self.parts.directory.entry(whose)?.domains.contains(&domain) {
            return Err(Refused::with(
                RefusalCode::Gone,
                format!("{domain} is not allowed anyhow"),
            ));
        }
        self.audit("entry.withdraw", "", &domain, "");
        self.parts.directory.remove_domain(whose, &domain)?;
        Ok(())
    }

    pub(super) fn answer_at_the_door(
        &mut self,
        request: AccountRequest,
    ) -> Result<AccountAnswer, Refused> {
        match request {
            AccountRequest::Door => {
                let sign_up = self.writes() && self.parts.directory.any_domain()?;
                Ok(AccountAnswer::Door { sign_up })
            }
            AccountRequest::AskToSignUp { email, source } => Ok(self.ask_to_sign_up(email, source)),
            AccountRequest::SignUp { token } => {
                let Some((whose, email)) = self.parts.directory.sign_up(token, self.wall)? else {
                    return Ok(AccountAnswer::Nobody);
                };
                let Some(Organisation { name: organisation, .. }) = self.organisation(whose)?
                else {
                    return Ok(AccountAnswer::Nobody);
                };
                Ok(AccountAnswer::SignUp { organisation, email })
            }
            AccountRequest::AcceptSignUp { token, name, password, browser } => {
                self.accept_sign_up(token, name, password, browser)
            }
            _ => Ok(AccountAnswer::Nobody),
        }
    }

    fn organisation(&self, id: OrganisationId) -> Result<Option<Organisation>, StoreError> {
        Ok(self.parts.directory.organisations()?.into_iter().find(|each| each.id == id))
    }

    fn ask_to_sign_up(&mut self, email: EmailAddress, source: Source) -> AccountAnswer {
        match self.sign_ups.ask(self.now, &email, source.0) {
            MayWrite::Wait(how_long) => return wait(how_long),
            MayWrite::Unsaid => return AccountAnswer::Done,
            MayWrite::Yes => {}
        }
        // A disk that is full is no way to learn whose address is known.
        if let Err(error) = self.write_to_whoever_may_sign_up(email) {
            tracing::error!(%error, "a letter to somebody who signs up cannot be written");
        }
        AccountAnswer::Done
    }

    fn write_to_whoever_may_sign_up(&mut self, email: EmailAddress) -> Result<(), StoreError> {
        let Some(whose) = self.parts.directory.organisation_of_address(&email)? else {
            return Ok(());
        };
        let Some(organisation) = self.organisation(whose)?.filter(|_| self.writes()) else {
            return Ok(());
        };
        let people = self.parts.directory.people_with_email(&email)?;
        let link = if people.iter().any(|person| person.organisation == whose) {
            None
        } else {
            let token = self.random_token();
            let expires_at = self.wall.after(LINK);
            self.parts.directory.add_sign_up(token.hash(), whose, &email, expires_at)?;
            Some((Secret::new(token.expose()), expires_at))
        };
        self.write_of_sign_up(&organisation, email, link);
        Ok(())
    }

    fn accept_sign_up(
        &mut self,
        token: TokenHash,
        name: DisplayName,
        password: PasswordHash,
        browser: Browser,
    ) -> Result<AccountAnswer, Refused> {
        let Some((whose, email)) = self.parts.directory.sign_up(token, self.wall)? else {
            return Ok(AccountAnswer::Nobody);
        };
        if self.parts.directory.people(whose)?.len() >= MOST_PEOPLE {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!("there are {MOST_PEOPLE} people, as many as may be"),
            ));
        }
        let person = self.new_person(whose, name, email, Role::Member);
        let person = Person { password: Some(password), ..person };
        self.asking = Some(caller(&person, browser.source));
        self.audit("person.sign_up", person.id, "", in_words(&person));
        let added = self.parts.directory.add_person(&person);
        self.settle(added.is_ok());
        added?;
        self.tell_of_person(&person, EventKind::PersonAdded);
        self.parts.directory.forget_sign_up(token)?;
        tracing::info!(person = %person.id, "somebody made themselves an account");
        self.let_in(person, browser, Shown::Password)
    }
}

fn domain(text: &str) -> Result<SignUpDomain, Refused> {
    text.parse().map_err(|error: DomainError| Refused::with(RefusalCode::Domain, error.to_string()))
}

/// Whoever tries too often waits: whole seconds, at least one.
pub(super) fn wait(how_long: Duration) -> AccountAnswer {
    let seconds = how_long.as_secs() + u64::from(how_long.subsec_nanos() > 0);
    AccountAnswer::Wait { seconds: u32::try_from(seconds).unwrap_or(u32::MAX).max(1) }
}

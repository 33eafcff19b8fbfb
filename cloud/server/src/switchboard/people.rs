//! People: the first administrator, signing in and out, and what somebody who is signed in may ask.

use super::admin::Answered;
use super::entry::wait;
use super::mail::Whose;
use super::marks::mark_of_person;
use super::refused::Refused;
use super::words::Caller;
use super::{ControlId, Credential, Output, Switchboard, Topic};
use crate::accounts::{
    AccountAnswer, AccountRequest, Browser, Candidate, First, Me, Proof, Source,
};
use crate::control::{ControlAnswer, ControlRequest, PersonLine, RefusalCode};
use conclave_directory::access::{Action, Role};
use conclave_directory::entry::{Has, Shown, Then, after_password};
use conclave_directory::sign_in::{Attempt, Device};
use conclave_directory::webhooks::EventKind;
use conclave_directory::{
    PasswordHash, Person, SecondFactor, Session, Sight, Standing, StoreError, TokenHash,
};
use conclave_types::{
    DisplayName, EmailAddress, OrganisationId, PersonId, Redacted, Secret, UnixTime,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A session ends when it was not used for so long: a shift, and the way home.
const SESSION_IDLE: Duration = Duration::from_secs(12 * 3_600);

/// A session ends after this however much it is used.
const SESSION_LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// A session's use is noted once in so long: each note is a change of the database.
const SEEN_STEP: Duration = Duration::from_secs(60);

/// How long an invitation is good for.
const INVITATION: Duration = Duration::from_secs(7 * 86_400);

/// The most people of an organisation.
pub(super) const MOST_PEOPLE: usize = 100_000;

/// Who may ask for what in a browser; `None` is for the command line alone. Every request is here: nothing is allowed
/// by being forgotten.
fn action_of(request: &ControlRequest) -> Option<Action> {
    use ControlRequest as Ask;
    match request {
        Ask::IfUnchanged { request, .. } => action_of(request),
        Ask::RoomList { .. }
        | Ask::RoomShow { .. }
        | Ask::TagList
        | Ask::AwaitedList { .. }
        | Ask::RoomUpdates
        | Ask::RoomUpdateShow { .. }
        | Ask::RoomResets { .. }
        | Ask::GroupList
        | Ask::RoomCalendarShow { .. }
        | Ask::SettingsShow { .. } => Some(Action::SeeRooms),
        Ask::RoomPlace { .. }
        | Ask::GroupAdd { .. }
        | Ask::GroupRename { .. }
        | Ask::GroupRemove { .. }
        | Ask::RoomCalendarSet { .. }
        | Ask::RoomCalendarRead { .. }
        | Ask::RoomCalendarRemove { .. }
        | Ask::SettingsSet { .. } => Some(Action::SetRooms),
        Ask::RoomClaim { .. }
        | Ask::DevicesAwait { .. }
        | Ask::AwaitedClaim { .. }
        | Ask::AwaitedWithdraw { .. } => Some(Action::EnrolRooms),
        Ask::RoomRename { .. }
        | Ask::RoomFollow { .. }
        | Ask::RoomIdentify { .. }
        | Ask::RoomFetch { .. }
        | Ask::RoomParcel { .. }
        | Ask::RoomRestart { .. } => Some(Action::ChangeRooms),
        Ask::RoomRevoke { .. }
        | Ask::RoomForget { .. }
        | Ask::RoomReset { .. }
        | Ask::RoomResetCode { .. }
        | Ask::RoomResetWithdraw { .. } => Some(Action::RemoveRooms),
        Ask::VmrList { .. } => Some(Action::SeeMeetingRooms),
        Ask::VmrCreate { .. }
        | Ask::VmrRemove { .. }
        | Ask::VmrSetPin { .. }
        | Ask::VmrChange { .. }
        | Ask::VmrModerators { .. } => Some(Action::ChangeMeetingRooms),
        Ask::ApiTokenAdd { .. } | Ask::ApiTokenList | Ask::ApiTokenRemove { .. } => {
            Some(Action::OwnTokens)
        }
        Ask::WebhookList
        | Ask::WebhookAdd { .. }
        | Ask::WebhookChange { .. }
        | Ask::WebhookRemove { .. }
        | Ask::WebhookTest { .. }
        | Ask::WebhookDeliveries { .. } => Some(Action::RunWebhooks),
        Ask::AppointmentList { .. } => Some(Action::SeeOwnMeetings),
        Ask::AppointmentAdd { .. }
        | Ask::AppointmentChange { .. }
        | Ask::AppointmentCancel { .. }
        | Ask::BookableRooms { .. } => Some(Action::CallMeetings),
        Ask::Search { .. } => Some(Action::Search),
        Ask::MeetingList | Ask::MeetingLetIn { .. } | Ask::MeetingTurnAway { .. } => {
            Some(Action::KeepLobbies)
        }
        Ask::MeetingEnd { .. } => Some(Action::RunMeetings),
        Ask::RecordList { .. } | Ask::RecordRemove { .. } | Ask::Usage { .. } => {
            Some(Action::Reports)
        }
        Ask::AuditList { installation: false, .. } => Some(Action::SeeAudit),
        Ask::PersonList { .. } => Some(Action::SeePeople),
        Ask::PersonAdd { .. }
        | Ask::PersonInvite { .. }
        | Ask::PersonChange { role: Some(_), .. }
        | Ask::PersonSecondFactorOff { .. } => Some(Action::OpenAccounts),
        Ask::PersonChange { role: None, .. } | Ask::PersonRemove { .. } => {
            Some(Action::ChangePeople)
        }
        Ask::EntryShow
        | Ask::EntryTwoFactors { .. }
        | Ask::EntryAllow { .. }
        | Ask::EntryWithdraw { .. } => Some(Action::RuleEntry),
        // Of the whole installation.
        Ask::AuditList { installation: true, .. }
        | Ask::AuditCheck
        | Ask::OrganisationAdd { .. }
        | Ask::OrganisationList
        | Ask::OrganisationRename { .. }
        | Ask::CallList { .. }
        | Ask::PromoteBackup
        | Ask::CertificateShow
        | Ask::ReleaseAdd { .. }
        | Ask::ReleaseList
        | Ask::ReleaseRemove { .. }
        | Ask::RolloutStart { .. }
        | Ask::RolloutList
        | Ask::RolloutStatus { .. }
        | Ask::RolloutSet { .. }
        | Ask::ChannelList => None,
    }
}

impl Switchboard {
    /// Whether nobody has an account yet. The console then prints a link with a token.
    pub fn waits_for_first_administrator(&self) -> Result<bool, StoreError> {
        Ok(!self.parts.directory.anybody()?)
    }

    /// Whoever shows this token may set the installation up, once.
    pub fn set_up_with(&mut self, token: TokenHash) {
        self.set_up = Some(token);
    }

    /// Somebody in a browser asks for something.
    pub(super) fn console(
        &mut self,
        id: ControlId,
        by: Credential,
        source: Source,
        request: ControlRequest,
    ) {
        let asker = match self.asker_by(by) {
            Ok(Some(asker)) => asker,
            Ok(None) => return self.answer(id, Ok(ControlAnswer::SignedOut)),
            Err(error) => return self.answer(id, Err(error.into())),
        };
        if !asker.is_in {
            return self.answer(id, Ok(ControlAnswer::SecondFactorWanted));
        }
        if !action_of(&request).is_some_and(|action| asker.may(action)) {
            return self.answer(id, Ok(ControlAnswer::NotAllowed));
        }
        self.control(id, caller_by_words(&asker.person, asker.from(source)), request);
    }

    pub(super) fn account(&mut self, id: ControlId, request: AccountRequest) {
        let answer = self.answer_account(request).unwrap_or_else(|Refused { code, reason }| {
            tracing::error!(reason, "an account could not be looked up or changed");
            AccountAnswer::Refused { code, reason }
        });
        self.outputs.push_back(Output::AccountAnswer { id, answer });
    }

    fn answer_account(&mut self, request: AccountRequest) -> Result<AccountAnswer, Refused> {
        match request {
            AccountRequest::MaySetUp { token } => Ok(self.may_set_up(token)),
            AccountRequest::SetUp { token, organisation, name, email, password, browser } => {
                let person =
                    self.new_person(OrganisationId::FIRST, name, email, Role::Administrator);
                let person = Person { password: Some(password), ..person };
                self.first_administrator(token, organisation, person, browser)
            }
            AccountRequest::BeginSignIn { email, source, device } => {
                self.begin_sign_in(&email, source, device)
            }
            AccountRequest::FailedSignIn { email, source } => {
                for person in self.parts.directory.people_with_email(&email)? {
                    let by = Caller { who: "somebody".to_owned(), ..caller(&person, source) };
                    self.asking = Some(by);
                    self.audit("session.refused", person.id, "", "");
                    self.settle(true);
                }
                Ok(AccountAnswer::Done)
            }
            AccountRequest::KnowsPassword { email, source, device } => {
                let device = self.known(&email, device)?;
                self.sign_ins.succeeded(Attempt { email: &email, source: source.0, device });
                Ok(AccountAnswer::Done)
            }
            AccountRequest::SignIn { person, organisation, password, known, proof, browser } => {
                self.sign_in((organisation, person), &password, known, proof, browser)
            }
            AccountRequest::SecondFactor { session } => {
                let Some((_, Person { id: person, .. })) = self.person_of(session)? else {
                    return Ok(AccountAnswer::Nobody);
                };
                let factor = self.parts.directory.second_factor(person)?;
                Ok(AccountAnswer::SecondFactor { person, factor })
            }
            AccountRequest::KeepSecondFactor { session, factor, recovery } => {
                self.keep_second_factor(session, &factor, &recovery)
            }
            AccountRequest::RemoveSecondFactor { session } => {
                let Some((session, person)) = self.person_in(session)? else {
                    return Ok(AccountAnswer::Nobody);
                };
                if self.confirmed_factor(person.id)?.is_none() {
                    self.parts.directory.remove_second_factor(person.id)?;
                    return Ok(AccountAnswer::Done);
                }
                let passkeys = self.parts.directory.passkeys(person.id)?.len();
                self.may_be_left_with(&person, passkeys)?;
                self.asking = Some(caller_by_words(&person, session.source));
                self.audit("person.second_factor_off", person.id, "", "");
                let removed = self.parts.directory.remove_second_factor(person.id);
                self.settle(removed.is_ok());
                removed?;
                Ok(AccountAnswer::Done)
            }
            AccountRequest::Who { session } => match self.person_of(session)? {
                None => Ok(AccountAnswer::Nobody),
                Some((session, person)) => {
                    if session.seen_at.until(self.wall) >= SEEN_STEP {
                        self.parts.directory.session_seen(session.token, self.wall)?;
                    }
                    let first = self.first_of(&session, &person)?;
                    self.person_answer(person, first)
                }
            },
            AccountRequest::SignOut { session } => {
                let whose = self.person_of(session)?.map(|(_, person)| person.organisation);
                let ended = self.parts.directory.end_session(session)?;
                whose.into_iter().for_each(|whose| self.changed(whose, Topic::People));
                Ok(if ended { AccountAnswer::Done } else { AccountAnswer::Nobody })
            }
            AccountRequest::SignOutElsewhere { session } => {
                let Some((_, person)) = self.person_in(session)? else {
                    return Ok(AccountAnswer::Nobody);
                };
                self.parts.directory.end_sessions(person.id, Some(session))?;
                self.changed(person.organisation, Topic::People);
                Ok(AccountAnswer::Done)
            }
            AccountRequest::ChangePassword { session, old, new } => {
                let Some((session, person)) = self.person_in(session)? else {
                    return Ok(AccountAnswer::Nobody);
                };
                if person.password.as_ref() != Some(&old) {
                    return Ok(AccountAnswer::Nobody);
                }
                self.asking = Some(caller_by_words(&person, session.source.clone()));
                self.audit("person.password", person.id, "", "");
                let done = self.set_password(person, new, Some(session.token));
                self.settle(done.is_ok());
                done.map(|_| AccountAnswer::Done)
            }
            AccountRequest::Invited { token } => {
                match self.parts.directory.invited(token, self.wall)? {
                    Some(person) if person.standing == Standing::Active => {
                        self.person_answer(person, None)
                    }
                    _ => Ok(AccountAnswer::Nobody),
                }
            }
            AccountRequest::AcceptInvitation { token, password, browser } => {
                let person = self.parts.directory.invited(token, self.wall)?;
                let Some(person) = person.filter(|found| found.standing == Standing::Active) else {
                    return Ok(AccountAnswer::Nobody);
                };
                self.asking = Some(caller(&person, browser.source));
                self.audit("person.accept", person.id, "", "");
                let done = self.set_password(person, password, None);
                self.settle(done.is_ok());
                let person = done?;
                self.parts.directory.forget_invitations(person.id)?;
                self.post.forget(|whose| *whose == Whose::Account(person.id));
                match self.after_password(&person)? {
                    Then::In | Then::SetsUp => self.let_in(person, browser, Shown::Password),
                    // Whoever has the link alone is not in yet.
                    Then::Code | Then::Passkey => Ok(AccountAnswer::Done),
                }
            }
            AccountRequest::Passkeys { .. }
            | AccountRequest::AddPasskey { .. }
            | AccountRequest::RemovePasskey { .. }
            | AccountRequest::BeginPasskey { .. }
            | AccountRequest::FailedPasskey { .. }
            | AccountRequest::SignInWithPasskey { .. } => self.answer_passkey(request),
            AccountRequest::Door
            | AccountRequest::AskToSignUp { .. }
            | AccountRequest::SignUp { .. }
            | AccountRequest::AcceptSignUp { .. } => self.answer_at_the_door(request),
        }
    }

    fn may_set_up(&self, token: TokenHash) -> AccountAnswer {
        if self.set_up == Some(token) { AccountAnswer::Done } else { AccountAnswer::Nobody }
    }

    fn first_administrator(
        &mut self,
        token: TokenHash,
        organisation: DisplayName,
        person: Person,
        browser: Browser,
    ) -> Result<AccountAnswer, Refused> {
        if self.set_up != Some(token) || self.parts.directory.anybody()? {
            return Ok(AccountAnswer::Nobody);
        }
        self.asking = Some(caller(&person, browser.source));
        self.audit("installation.set_up", person.id, "", &organisation);
        let done = self.set_up_first(&organisation, &person);
        self.settle(done.is_ok());
        done?;
        self.set_up = None;
        tracing::info!(person = %person.id, "the first administrator is there");
        self.let_in(person, browser, Shown::Password)
    }

    fn set_up_first(&mut self, organisation: &DisplayName, person: &Person) -> Result<(), Refused> {
        // The person last: until there is one the link stays good, and a name that is taken can be changed.
        self.parts.directory.rename_organisation(person.organisation, organisation)?;
        self.parts.directory.add_person(person)?;
        Ok(())
    }

    pub(super) fn new_person(
        &mut self,
        organisation: OrganisationId,
        name: DisplayName,
        email: EmailAddress,
        role: Role,
    ) -> Person {
        Person {
            id: PersonId::from_random(self.random()),
            organisation,
            email,
            name,
            role,
            standing: Standing::Active,
            password: None,
            created_at: self.wall,
        }
    }

    fn begin_sign_in(
        &mut self,
        email: &EmailAddress,
        source: Source,
        device: Option<TokenHash>,
    ) -> Result<AccountAnswer, Refused> {
        let device = self.known(email, device)?;
        if let Err(how_long) =
            self.sign_ins.begin(self.now, Attempt { email, source: source.0, device })
        {
            return Ok(wait(how_long));
        }
        let people = self.parts.directory.people_with_email(email)?.into_iter();
        let candidates = people.filter(|person| person.standing == Standing::Active);
        let mut found = Vec::new();
        for candidate in candidates {
            let passkey_wanted = self.after_password(&candidate)? == Then::Passkey;
            let Person { id: person, organisation, password, .. } = candidate;
            let Some(password) = password else { continue };
            let second_factor = self.confirmed_factor(person)?;
            found.push(Candidate { person, organisation, password, second_factor, passkey_wanted });
        }
        Ok(AccountAnswer::Try { candidates: found })
    }

    /// A browser's token counts only where somebody with this address signed in with it.
    pub(super) fn known(
        &self,
        email: &EmailAddress,
        device: Option<TokenHash>,
    ) -> Result<Option<Device>, StoreError> {
        Ok(match device {
            Some(device) if self.parts.directory.known_device(device, email)? => {
                Some(Device(device.0))
            }
            _ => None,
        })
    }

    fn sign_in(
        &mut self,
        (organisation, id): (OrganisationId, PersonId),
        password: &PasswordHash,
        device: Option<TokenHash>,
        proof: Option<Proof>,
        browser: Browser,
    ) -> Result<AccountAnswer, Refused> {
        let person = self.parts.directory.person(organisation, id)?.filter(|person| {
            person.standing == Standing::Active && person.password.as_ref() == Some(password)
        });
        let Some(person) = person else { return Ok(AccountAnswer::Nobody) };
        // Looked at before and asked again: it may be there since, and no code is good twice.
        let (is_good, shown) = match (self.after_password(&person)?, proof) {
            (Then::In | Then::SetsUp, _) => (true, Shown::Password),
            (Then::Passkey, _) | (Then::Code, None) => (false, Shown::Password),
            (Then::Code, Some(Proof::Step(step))) => {
                (self.parts.directory.take_step(id, step)?, Shown::PasswordAndCode)
            }
            (Then::Code, Some(Proof::Recovery(code))) => {
                (self.parts.directory.take_recovery_code(id, code)?, Shown::PasswordAndRecoveryCode)
            }
        };
        if !is_good {
            return Ok(AccountAnswer::Nobody);
        }
        let device = self.known(&person.email, device)?;
        let Browser { source, .. } = browser;
        let attempt = Attempt { email: &person.email, source: source.0, device };
        self.sign_ins.succeeded(attempt);
        self.let_in(person, browser, shown)
    }

    /// What the right password alone is good for.
    fn after_password(&self, person: &Person) -> Result<Then, StoreError> {
        let two_factors = self.parts.directory.entry(person.organisation)?.two_factors;
        Ok(after_password(two_factors, person.role, self.has(person)?))
    }

    fn has(&self, person: &Person) -> Result<Has, StoreError> {
        let app = self.confirmed_factor(person.id)?.is_some();
        Ok(Has::of(app, !self.parts.directory.passkeys(person.id)?.is_empty()))
    }

    /// What the person of a session has to do before anything else.
    pub(super) fn first_of(
        &self,
        session: &Session,
        person: &Person,
    ) -> Result<Option<First>, StoreError> {
        if session.both_factors || !self.two_factors_wanted_of(person)? {
            return Ok(None);
        }
        Ok(Some(match self.has(person)? {
            Has::Nothing => First::SetUp,
            Has::Passkeys | Has::App => First::SignInAgain,
        }))
    }

    fn two_factors_wanted_of(&self, person: &Person) -> Result<bool, StoreError> {
        Ok(self.parts.directory.entry(person.organisation)?.two_factors.wanted_of(person.role))
    }

    /// The same as [`Switchboard::person_of`], for what comes after everything that has to come first.
    pub(super) fn person_in(
        &self,
        session: TokenHash,
    ) -> Result<Option<(Session, Person)>, StoreError> {
        let Some((session, person)) = self.person_of(session)? else { return Ok(None) };
        Ok(self.first_of(&session, &person)?.is_none().then_some((session, person)))
    }

    /// The same, for whoever sets up a factor: they may have none yet.
    pub(super) fn person_who_sets_up(
        &self,
        session: TokenHash,
    ) -> Result<Option<(Session, Person)>, StoreError> {
        let Some((session, person)) = self.person_of(session)? else { return Ok(None) };
        let first = self.first_of(&session, &person)?;
        Ok((first != Some(First::SignInAgain)).then_some((session, person)))
    }

    /// Whether somebody may go on with so many factors besides their password.
    pub(super) fn may_be_left_with(&self, person: &Person, factors: usize) -> Result<(), Refused> {
        match factors == 0 && self.two_factors_wanted_of(person)? {
            true => Err(Refused::with(
                RefusalCode::NoFactorLeft,
                "your organisation wants a second factor of you: set up another one first",
            )),
            false => Ok(()),
        }
    }

    pub(super) fn confirmed_factor(
        &self,
        person: PersonId,
    ) -> Result<Option<SecondFactor>, StoreError> {
        Ok(self.parts.directory.second_factor(person)?.filter(|factor| factor.confirmed))
    }

    fn keep_second_factor(
        &mut self,
        session: TokenHash,
        factor: &SecondFactor,
        recovery: &[TokenHash],
    ) -> Result<AccountAnswer, Refused> {
        let Some((session, person)) = self.person_who_sets_up(session)? else {
            return Ok(AccountAnswer::Nobody);
        };
        if !factor.confirmed {
            if self.confirmed_factor(person.id)?.is_some() {
                return Ok(AccountAnswer::Nobody);
            }
            self.parts.directory.keep_second_factor(person.id, factor, recovery)?;
            return Ok(AccountAnswer::Done);
        }
        self.asking = Some(caller_by_words(&person, session.source));
        self.audit("person.second_factor_on", person.id, "", "");
        let kept = self.parts.directory.keep_second_factor(person.id, factor, recovery);
        self.settle(kept.is_ok());
        kept?;
        self.parts.directory.end_sessions(person.id, Some(session.token))?;
        self.parts.directory.session_has_both_factors(session.token)?;
        self.changed(person.organisation, Topic::People);
        Ok(AccountAnswer::Done)
    }

    pub(super) fn let_in(
        &mut self,
        person: Person,
        browser: Browser,
        shown: Shown,
    ) -> Result<AccountAnswer, Refused> {
        let Browser { session: token, device, source } = browser;
        self.asking = Some(caller(&person, source));
        let with = if shown == Shown::Passkey { "with a passkey" } else { "" };
        self.audit("session.begin", person.id, "", with);
        let session = Session {
            token,
            person: person.id,
            device,
            source: Redacted(source.0.to_string()),
            created_at: self.wall,
            seen_at: self.wall,
            both_factors: shown.is_both_factors(),
        };
        let kept = self.parts.directory.add_session(&session);
        self.settle(kept.is_ok());
        kept?;
        let first = self.first_of(&session, &person)?;
        self.person_answer(person, first)
    }

    fn set_password(
        &mut self,
        mut person: Person,
        password: PasswordHash,
        but: Option<TokenHash>,
    ) -> Result<Person, Refused> {
        person.password = Some(password);
        self.parts.directory.keep_person(&person)?;
        self.parts.directory.end_sessions(person.id, but)?;
        Ok(person)
    }

    /// A session that is good, with its person, who is not suspended.
    pub(super) fn person_of(
        &self,
        session: TokenHash,
    ) -> Result<Option<(Session, Person)>, StoreError> {
        let found = self.parts.directory.session(session)?;
        Ok(found.filter(|(session, person)| {
            person.standing == Standing::Active
                && session.seen_at.until(self.wall) < SESSION_IDLE
                && session.created_at.until(self.wall) < SESSION_LONGEST
        }))
    }

    fn person_answer(
        &self,
        person: Person,
        first: Option<First>,
    ) -> Result<AccountAnswer, Refused> {
        let organisations = self.parts.directory.organisations()?;
        let theirs = organisations.into_iter().find(|each| each.id == person.organisation);
        let theirs =
            theirs.ok_or_else(|| Refused::because("their organisation is gone".to_owned()))?;
        let second_factor = self.confirmed_factor(person.id)?.is_some();
        let passkeys = self.parts.directory.passkeys(person.id)?.len();
        let two_factors_wanted = self.two_factors_wanted_of(&person)?;
        Ok(AccountAnswer::Person(Box::new(Me {
            person: person.id,
            name: person.name,
            email: person.email,
            role: person.role,
            organisation: theirs.id,
            organisation_name: theirs.name,
            second_factor,
            passkeys: u32::try_from(passkeys).unwrap_or(u32::MAX),
            two_factors_wanted,
            first,
        })))
    }

    pub(super) fn person_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::PersonList { part } => {
                let (people, found) = (self.parts.directory.people(whose)?, part.search());
                let with = self.factors(whose)?;
                let matching = people
                    .into_iter()
                    .filter(|each| found(&[each.name.as_str(), each.email.as_str()]));
                let (people, total) = part.of(matching);
                let lines = people.into_iter().map(|person| PersonLine {
                    mail: self.post.fate(&Whose::Account(person.id)),
                    ..line(person, &with)
                });
                let people = lines.collect();
                Ok(ControlAnswer::People { people, total })
            }
            ControlRequest::PersonAdd { email, name, role } => {
                if self.parts.directory.people(whose)?.len() >= MOST_PEOPLE {
                    return Err(Refused::with(
                        RefusalCode::TooMany,
                        format!("there are {MOST_PEOPLE} people, as many as may be"),
                    ));
                }
                let person = self.new_person(whose, name, email, role_called(&role)?);
                self.audit("person.add", person.id, "", in_words(&person));
                self.parts.directory.add_person(&person)?;
                self.tell_of_person(&person, EventKind::PersonAdded);
                self.invite(person)
            }
            ControlRequest::PersonInvite { person } => {
                let person = self.find_person(whose, &person)?;
                self.is_somebody_else(&person)?;
                self.audit("person.invite", person.id, "", "");
                self.invite(person)
            }
            ControlRequest::PersonChange { person, name, role, suspended } => {
                let before = self.find_person(whose, &person)?;
                let mut after = before.clone();
                after.name = name.unwrap_or(after.name);
                after.role = role.as_deref().map(role_called).transpose()?.unwrap_or(after.role);
                after.standing = match suspended {
                    Some(true) => Standing::Suspended,
                    Some(false) => Standing::Active,
                    None => after.standing,
                };
                self.one_administrator_is_left(&before, &after)?;
                self.audit("person.change", before.id, in_words(&before), in_words(&after));
                self.parts.directory.keep_person(&after)?;
                if after.standing == Standing::Suspended {
                    self.parts.directory.end_sessions(after.id, None)?;
                }
                let with = self.factors(whose)?;
                Ok(ControlAnswer::PersonChanged { person: Box::new(line(after, &with)) })
            }
            ControlRequest::PersonSecondFactorOff { person } => {
                let person = self.find_person(whose, &person)?;
                self.is_somebody_else(&person)?;
                if self.has(&person)? == Has::Nothing {
                    return Err(Refused::with(
                        RefusalCode::Gone,
                        format!("'{}' has no second factor", person.name),
                    ));
                }
                self.audit("person.second_factor_off", person.id, "", "");
                self.parts.directory.remove_second_factor(person.id)?;
                self.parts.directory.remove_passkeys(person.id)?;
                let person = Box::new(line(person, &Factors::default()));
                Ok(ControlAnswer::PersonChanged { person })
            }
            ControlRequest::PersonRemove { person } => {
                let person = self.find_person(whose, &person)?;
                let gone = Person { standing: Standing::Suspended, ..person.clone() };
                self.one_administrator_is_left(&person, &gone)?;
                self.audit("person.remove", person.id, in_words(&person), "");
                self.remove_unseen(person.id)?;
                self.nobody_invites(Some(person.id), None);
                self.post.forget(|whose| *whose == Whose::Account(person.id));
                self.parts.directory.remove_person(person.id)?;
                self.tell_of_person(&person, EventKind::PersonRemoved);
                let person = Box::new(line(person, &Factors::default()));
                Ok(ControlAnswer::PersonRemoved { person })
            }
            request => self.entry_control(whose, request),
        }
    }

    /// Somebody has an account, or has none any more.
    pub(super) fn tell_of_person(&mut self, person: &Person, kind: EventKind) {
        let told = line(person.clone(), &Factors::default());
        self.happened(person.organisation, kind, &told);
    }

    fn factors(&self, whose: OrganisationId) -> Result<Factors, StoreError> {
        let apps = self.parts.directory.with_second_factor(whose)?;
        Ok(Factors { apps, passkeys: self.parts.directory.with_passkeys(whose)? })
    }

    /// What lets somebody into an account wants one's password where it is one's own: an open browser is not enough.
    fn is_somebody_else(&self, person: &Person) -> Result<(), Refused> {
        match self.sight() == Sight::Of(person.id) {
            true => Err(Refused::with(
                RefusalCode::Yourself,
                "for one's own account this is done under 'Your account', with the password",
            )),
            false => Ok(()),
        }
    }

    fn invite(&mut self, person: Person) -> Answered {
        let token = self.random_token();
        let expires_at = self.wall.after(INVITATION);
        self.parts.directory.add_invitation(token.hash(), person.id, expires_at)?;
        let invitation = Secret::new(token.expose());
        self.write_of_account(&person, Secret::new(token.expose()), expires_at)?;
        let with = self.factors(person.organisation)?;
        let mail = self.post.fate(&Whose::Account(person.id));
        let person = Box::new(PersonLine { mail, ..line(person, &with) });
        Ok(ControlAnswer::PersonInvited { person, invitation, expires_at })
    }

    /// By id, or by e-mail address.
    pub(super) fn find_person(
        &self,
        whose: OrganisationId,
        called: &str,
    ) -> Result<Person, Refused> {
        let found = match (called.parse::<PersonId>(), called.parse::<EmailAddress>()) {
            (Ok(id), _) => self.parts.directory.person(whose, id)?,
            (_, Ok(email)) => {
                let people = self.parts.directory.people_with_email(&email)?;
                people.into_iter().find(|person| person.organisation == whose)
            }
            _ => None,
        };
        found.ok_or_else(|| {
            Refused::with(
                RefusalCode::Gone,
                format!("there is nobody '{called}': see 'conclave-cloud person list'"),
            )
        })
    }

    /// An organisation without an administrator could not be got into again.
    fn one_administrator_is_left(&self, before: &Person, after: &Person) -> Result<(), Refused> {
        let runs = |person: &Person| {
            person.role == Role::Administrator && person.standing == Standing::Active
        };
        if !runs(before) || runs(after) {
            return Ok(());
        }
        let others = self.parts.directory.people(before.organisation)?;
        match others.iter().any(|person| person.id != before.id && runs(person)) {
            true => Ok(()),
            false => Err(Refused::with(
                RefusalCode::LastAdministrator,
                format!(
                    "'{}' is the only administrator who can sign in: make somebody else one first",
                    before.name
                ),
            )),
        }
    }

    /// Once a day: sessions and invitations that are over.
    pub(super) fn remove_old_sessions(&mut self) -> Result<u32, StoreError> {
        let before = UnixTime(self.wall.0.saturating_sub(SESSION_LONGEST.as_secs()));
        self.parts.directory.remove_sessions(before)
    }
}

/// Who has what besides a password.
#[derive(Default)]
struct Factors {
    apps: BTreeSet<PersonId>,
    passkeys: BTreeMap<PersonId, u32>,
}

pub(super) fn caller(person: &Person, source: Source) -> Caller {
    caller_by_words(person, Redacted(source.0.to_string()))
}

pub(super) fn caller_by_words(person: &Person, source: Redacted<String>) -> Caller {
    let who = person.id.to_string();
    Caller { organisation: person.organisation, who, source }
}

/// For the audit log: the id names the person, the address says who that was.
pub(super) fn in_words(person: &Person) -> String {
    let Person { email, name, role, standing, .. } = person;
    format!("{name}, {email}, {}, {}", role.words(), standing.words())
}

fn role_called(text: &str) -> Result<Role, Refused> {
    Role::ALL.into_iter().find(|role| role.as_str() == text.trim()).ok_or_else(|| {
        let all = Role::ALL.map(Role::as_str).join(", ");
        Refused::because(format!("there is no role '{text}': it is one of {all}"))
    })
}

fn line(person: Person, with: &Factors) -> PersonLine {
    PersonLine {
        mark: mark_of_person(&person),
        second_factor: with.apps.contains(&person.id),
        passkeys: with.passkeys.get(&person.id).copied().unwrap_or(0),
        mail: None,
        person: person.id,
        email: person.email,
        name: person.name,
        role: person.role.as_str().to_owned(),
        suspended: person.standing == Standing::Suspended,
        invited: person.password.is_none(),
        created_at: person.created_at,
    }
}

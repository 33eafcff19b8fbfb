//! Letters: who is written to, and what became of it. Sending is done elsewhere; without a mail server nothing is sent, and
//! nothing is said of it.
//!
//! Not kept: a cloud that is started again has forgotten what was on its way. A link can be made anew, a meeting be saved again.

use super::{Output, Switchboard, Topic};
use crate::letters::{Content, Fate, Letter, LetterId, Meeting, MeetingChange};
use conclave_directory::{Appointment, Organisation, Person, SettingsOf, StoreError, Vmr};
use conclave_types::{
    DisplayName, EmailAddress, OrganisationId, PersonId, Redacted, Secret, Time, UnixTime, VmrId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Letters on their way at once. A large meeting has three hundred.
const MOST_OUT: usize = 5_000;

/// Of these, places that meetings do not take: whoever waits for a link to their account waits for no meeting.
const FOR_ACCOUNTS: usize = 500;

/// Letters about meetings that an organisation may send in an hour: some large meetings, changed twice. Raised, whoever may
/// call meetings floods more mailboxes.
const MOST_AN_HOUR: u32 = 3_000;

/// Whose letter it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    /// The link for an account.
    Account(PersonId),
    /// The invitation to a meeting.
    Guest(VmrId, EmailAddress),
}

/// All letters whose fate somebody may want to know.
#[derive(Debug, Default)]
pub(super) struct Post {
    on: bool,
    next: u64,
    out: BTreeMap<LetterId, (OrganisationId, Whose)>,
    fates: BTreeMap<Whose, Fate>,
    /// Letters about meetings in the present hour, and when that began.
    sent: BTreeMap<OrganisationId, (Time, u32)>,
}

impl Post {
    pub(super) fn new(on: bool) -> Post {
        Post { on, ..Post::default() }
    }

    /// What became of the last letter about this; `None` when there was none.
    pub(super) fn fate(&self, whose: &Whose) -> Option<Fate> {
        self.fates.get(whose).cloned()
    }

    #[cfg(test)]
    pub(super) fn fates_known(&self) -> usize {
        self.fates.len()
    }

    fn fails(&mut self, whose: Option<Whose>, why: &str) {
        if let Some(whose) = whose {
            self.fates.insert(whose, Fate::Failed { why: Redacted(why.to_owned()) });
        }
    }

    /// Whether an organisation may send one more letter about a meeting.
    fn may(&mut self, organisation: OrganisationId, now: Time) -> bool {
        let (begun, count) = self.sent.entry(organisation).or_insert((now, 0));
        if now.since(*begun) >= Duration::from_secs(3_600) {
            (*begun, *count) = (now, 0);
        }
        *count += 1;
        *count <= MOST_AN_HOUR
    }

    /// Nobody asks about these any more.
    pub(super) fn forget(&mut self, gone: impl Fn(&Whose) -> bool) {
        self.fates.retain(|whose, _| !gone(whose));
    }
}

impl Switchboard {
    /// Of a letter without `whose` nobody is told what became of it.
    fn write_to(
        &mut self,
        organisation: OrganisationId,
        whose: Option<Whose>,
        to: EmailAddress,
        content: Content,
    ) {
        if !self.post.on {
            return;
        }
        let account = !matches!(content, Content::Meeting(_));
        if !account && !self.post.may(organisation, self.now) {
            self.post.fails(whose, "more letters than an organisation may send in an hour");
            return;
        }
        // Meetings leave room for links.
        let most = if account { MOST_OUT } else { MOST_OUT - FOR_ACCOUNTS };
        if self.post.out.len() >= most {
            self.post.fails(whose, "too many letters wait for the mail server");
            return;
        }
        self.post.next += 1;
        let id = LetterId(self.post.next);
        if let Some(whose) = whose {
            // Of an earlier letter about the same nobody asks any more.
            self.post.out.retain(|_, (_, out)| *out != whose);
            self.post.fates.insert(whose.clone(), Fate::Waiting);
            self.post.out.insert(id, (organisation, whose));
        }
        self.outputs.push_back(Output::Mail(Box::new(Letter { id, to, content })));
    }

    /// Whether letters are sent.
    pub(super) fn writes(&self) -> bool {
        self.post.on
    }

    /// Somebody asked to make themselves an account, and may; without a link they have one already.
    pub(super) fn write_of_sign_up(
        &mut self,
        organisation: &Organisation,
        to: EmailAddress,
        link: Option<(Secret<String>, UnixTime)>,
    ) {
        let content = Content::SignUp { organisation: organisation.name.clone(), link };
        // Nobody is told what became of it: whoever asked is a stranger.
        self.write_to(organisation.id, None, to, content);
    }

    /// What became of a letter.
    pub(super) fn mailed(&mut self, id: LetterId, fate: Fate) {
        let Some((organisation, whose)) = self.post.out.remove(&id) else { return };
        let topic = match whose {
            Whose::Account(_) => Topic::People,
            Whose::Guest(..) => Topic::Appointments,
        };
        // Unless what it is about is gone.
        if let Some(known) = self.post.fates.get_mut(&whose) {
            *known = fate;
            self.changed(organisation, topic);
        }
    }

    /// Somebody has an account, and a link.
    pub(super) fn write_of_account(
        &mut self,
        person: &Person,
        invitation: Secret<String>,
        expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        let organisations = self.parts.directory.organisations()?;
        let theirs = organisations.into_iter().find(|each| each.id == person.organisation);
        let Some(theirs) = theirs else { return Ok(()) };
        let content = Content::Account {
            name: person.name.clone(),
            organisation: theirs.name,
            invitation,
            expires_at,
        };
        let whose = Some(Whose::Account(person.id));
        self.write_to(person.organisation, whose, person.email.clone(), content);
        Ok(())
    }

    /// A meeting was called, changed or called off: its organiser and all who are invited are told; whoever was invited before
    /// and is not now is told that it is off.
    pub(super) fn write_of_meeting(
        &mut self,
        vmr: &Vmr,
        meeting: &Appointment,
        before: Option<(&DisplayName, &Appointment)>,
        off: bool,
    ) {
        // What was done is done, whether anybody can be told of it or not.
        if let Err(error) = self.try_to_write_of_meeting(vmr, meeting, before, off) {
            tracing::error!(vmr = %vmr.id, %error, "whom to write to of a meeting cannot be looked up");
        }
    }

    fn try_to_write_of_meeting(
        &mut self,
        vmr: &Vmr,
        meeting: &Appointment,
        before: Option<(&DisplayName, &Appointment)>,
        off: bool,
    ) -> Result<(), StoreError> {
        if !self.post.on {
            return Ok(());
        }
        let whose = vmr.organisation;
        let Some(owner) = vmr.owner else { return Ok(()) };
        let Some(organiser) = self.parts.directory.person(whose, owner)? else { return Ok(()) };
        let now = self.addresses(whose, meeting)?;
        let was = before;
        let before = before.map(|(_, before)| self.addresses(whose, before)).transpose()?;
        let zone = self.settings.value_of(SettingsOf::Organisation(whose), "time_zone");
        let room = |id| self.roster.get(id).map(|room| room.name.clone());
        let letter = Meeting {
            change: MeetingChange::Called,
            id: vmr.id,
            revision: meeting.revision,
            number: vmr.number.clone(),
            title: vmr.name.clone(),
            starts_at: meeting.starts_at,
            ends_at: meeting.ends_at,
            zone: zone.and_then(|zone| zone.parse().ok()),
            pin: vmr.pin.is_some(),
            organiser: (organiser.name, organiser.email.clone()),
            people: now.iter().cloned().collect(),
            rooms: meeting.rooms.iter().filter_map(|id| room(*id)).collect::<Vec<DisplayName>>(),
        };
        let known = |address: &EmailAddress| {
            before
                .as_ref()
                .is_some_and(|before| before.contains(address) || *address == organiser.email)
        };
        let everybody: BTreeSet<_> = now.iter().cloned().chain([organiser.email.clone()]).collect();
        for to in &everybody {
            let change = match (off, known(to)) {
                (true, _) => MeetingChange::Off,
                (false, true) => MeetingChange::Changed,
                (false, false) => MeetingChange::Called,
            };
            let content = Content::Meeting(Box::new(Meeting { change, ..letter.clone() }));
            // Of a meeting that is off nobody asks whether the letter arrived.
            let about = (!off).then(|| Whose::Guest(vmr.id, to.clone()));
            self.write_to(whose, about, to.clone(), content);
        }
        let Some((title, was)) = was else { return Ok(()) };
        // Whoever is not invited any more learns nothing of what the meeting is now.
        for to in before.iter().flatten().filter(|to| !everybody.contains(*to)) {
            let gone = Meeting {
                change: MeetingChange::Off,
                title: title.clone(),
                starts_at: was.starts_at,
                ends_at: was.ends_at,
                people: vec![to.clone()],
                rooms: Vec::new(),
                ..letter.clone()
            };
            self.write_to(whose, None, to.clone(), Content::Meeting(Box::new(gone)));
        }
        let id = vmr.id;
        self.post.forget(|each| match each {
            Whose::Guest(of, address) => *of == id && !everybody.contains(address),
            Whose::Account(_) => false,
        });
        Ok(())
    }

    fn addresses(
        &self,
        whose: OrganisationId,
        meeting: &Appointment,
    ) -> Result<BTreeSet<EmailAddress>, StoreError> {
        let mut all: BTreeSet<_> = meeting.guests.iter().cloned().collect();
        for id in &meeting.people {
            all.extend(self.parts.directory.person(whose, *id)?.map(|person| person.email));
        }
        Ok(all)
    }
}

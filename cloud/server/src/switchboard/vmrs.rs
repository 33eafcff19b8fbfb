//! Meeting rooms, and who sees which.
//!
//! A hidden one is found by its owner and its moderators alone: for everybody else no list, search, record or answer
//! differs from what it would be without it. So the cloud gives it its number, of nine random digits, and nobody may
//! choose such a number: a refusal would tell that it is taken. In the audit log it has neither name nor number.

use super::Switchboard;
use super::admin::Answered;
use super::marks::mark_of_vmr;
use super::refused::Refused;
use crate::control::{ControlAnswer, NewVmr, Part, RefusalCode, VmrLine};
use conclave_directory::{Person, PinHash, Sight, StoreError, Vmr};
use conclave_meeting::Input as Meet;
use conclave_types::{DisplayName, OrganisationId, PersonId, Redacted, VmrId, VmrNumber};

/// The most participants that a meeting room may be given: with the longest names, the roster of
/// so many and the list of meeting rooms still fit into one frame of the link (64 KiB).
pub(super) const LARGEST_CAPACITY: u32 = 80;

/// The most meeting rooms of an organisation: ten for each room of a large one. Each costs the cloud some
/// hundred octets; raised, listing them all takes longer than a person waits.
pub const MOST_VMRS: usize = 10_000;

/// The most people who let others into a meeting room besides its owner, and see it when it is hidden.
const MOST_MODERATORS: usize = 100;

/// The digits of numbers that the cloud gives: a thousand million, of which an organisation has 10,000 at most.
const GIVEN_DIGITS: usize = 9;

/// How often a number is drawn before the cloud gives up: each is taken with a chance of one in 100,000 at most.
const DRAWS: u32 = 16;

impl Switchboard {
    /// Whose eyes whoever asks has.
    pub(super) fn sight(&self) -> Sight {
        let who = self.asking.as_ref().and_then(|caller| caller.who.parse::<PersonId>().ok());
        who.map_or(Sight::Plain, Sight::Of)
    }

    /// Whoever asks, when that is a person.
    pub(super) fn asking_person(&self, whose: OrganisationId) -> Result<Person, Refused> {
        let person = match self.sight() {
            Sight::Of(person) => self.parts.directory.person(whose, person)?,
            _ => None,
        };
        person.ok_or_else(|| {
            Refused::because("this is done in the console, by somebody whose it is then")
        })
    }

    pub(super) fn may_create(&self, whose: OrganisationId, new: &NewVmr) -> Result<(), Refused> {
        may_hold(new.capacity)?;
        if self.listing.len(whose) >= MOST_VMRS {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!(
                    "there are {MOST_VMRS} meeting rooms, as many as the cloud keeps: remove one that \
                     nobody uses, see 'conclave-cloud vmr list'"
                ),
            ));
        }
        if new.hidden && !matches!(self.sight(), Sight::Of(_)) {
            return Err(Refused::because(
                "a hidden meeting room is made in the console, by somebody who is to see it",
            ));
        }
        match &new.number {
            Some(_) if new.hidden => Err(Refused::with(
                RefusalCode::NumberGiven,
                "a hidden meeting room gets its number from the cloud: leave it out",
            )),
            Some(number) if number.as_str().len() == GIVEN_DIGITS => Err(Refused::with(
                RefusalCode::NumberGiven,
                "numbers of nine digits are given by the cloud: choose a shorter or a longer one, or \
                 leave it out",
            )),
            Some(number) if self.parts.directory.vmr(whose, number)?.is_some() => {
                Err(conclave_directory::AddVmrError::NumberTaken.into())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn create_vmr(
        &mut self,
        whose: OrganisationId,
        new: NewVmr,
        pin: Option<PinHash>,
    ) -> Answered {
        self.may_create(whose, &new)?;
        let id = VmrId::from_random(self.random());
        let moderators = self.people_called(whose, &new.moderators)?;
        let number = match new.number {
            Some(number) => number,
            None => self.draw_number(whose)?,
        };
        let owner = match self.sight() {
            Sight::Of(person) => Some(person),
            _ => None,
        };
        let NewVmr { name, capacity, hidden, once, lobby, .. } = new;
        let vmr = Vmr {
            id,
            organisation: whose,
            number,
            name,
            pin,
            capacity,
            hidden,
            once,
            lobby,
            owner,
            moderators,
        };
        self.audit(act(&vmr, "vmr.create"), id, "", in_words(&vmr));
        self.parts.directory.add_vmr(&vmr)?;
        tracing::info!(vmr = %vmr.id, "meeting room created");
        self.list(&vmr);
        Ok(ControlAnswer::VmrCreated { vmr: self.vmr_line(vmr)? })
    }

    pub(super) fn draw_number(&mut self, whose: OrganisationId) -> Result<VmrNumber, Refused> {
        for _ in 0..DRAWS {
            // Of 128 bits: no digit is likelier than another by more than 2^-98.
            let digits = self.random() % 10_u128.pow(9);
            let Ok(number) = format!("{digits:09}").parse::<VmrNumber>() else { continue };
            if self.parts.directory.vmr(whose, &number)?.is_none() {
                return Ok(number);
            }
        }
        Err(Refused::with(RefusalCode::Busy, "no number was free: try again"))
    }

    fn people_called(
        &self,
        whose: OrganisationId,
        called: &[Redacted<String>],
    ) -> Result<Vec<PersonId>, Refused> {
        if called.len() > MOST_MODERATORS {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!("a meeting room has at most {MOST_MODERATORS} moderators"),
            ));
        }
        let mut people = Vec::new();
        for Redacted(called) in called {
            let found = self.find_person(whose, called);
            let nobody = |refused: Refused| Refused::with(RefusalCode::Nobody, refused.reason);
            let person = found.map_err(nobody)?.id;
            if !people.contains(&person) {
                people.push(person);
            }
        }
        Ok(people)
    }

    pub(super) fn vmr_list(&self, whose: OrganisationId, part: &Part) -> Answered {
        let (sight, found) = (self.sight(), part.search());
        let matching = self.parts.directory.vmrs()?.into_iter().filter(|vmr| {
            vmr.organisation == whose
                && vmr.seen_by(sight)
                && !self.appointments.has(vmr.id)
                && found(&[vmr.name.as_str(), vmr.number.as_str()])
        });
        let (shown, total) = part.of(matching);
        let vmrs = shown.into_iter().map(|vmr| self.vmr_line(vmr)).collect::<Result<_, _>>()?;
        Ok(ControlAnswer::Vmrs { vmrs, total })
    }

    pub(super) fn remove_vmr(&mut self, whose: OrganisationId, number: &VmrNumber) -> Answered {
        let vmr = self.find_vmr(whose, number)?;
        self.audit(act(&vmr, "vmr.remove"), vmr.id, in_words(&vmr), "");
        let line = self.vmr_line(vmr.clone())?;
        self.take_away(&vmr)?;
        Ok(ControlAnswer::VmrRemoved { vmr: line })
    }

    pub(super) fn take_away(&mut self, vmr: &Vmr) -> Result<(), StoreError> {
        self.parts.directory.remove_vmr(vmr.id)?;
        tracing::info!(vmr = %vmr.id, "meeting room removed");
        self.listing.remove(vmr);
        self.appointment_gone(vmr.id);
        self.meet(Meet::VmrRemoved { vmr: vmr.id });
        if !vmr.hidden {
            self.push_directory(vmr.organisation);
        }
        Ok(())
    }

    /// Somebody is about to be removed: what nobody would see any more goes with them.
    pub(super) fn remove_unseen(&mut self, person: PersonId) -> Result<(), Refused> {
        let only_theirs = |vmr: &Vmr| {
            let mut sees = vmr.owner.iter().chain(&vmr.moderators);
            vmr.hidden && vmr.seen_by(Sight::Of(person)) && sees.all(|each| *each == person)
        };
        for vmr in self.parts.directory.vmrs()?.iter().filter(|vmr| only_theirs(vmr)) {
            let meeting = self.appointments.get(vmr.id).cloned();
            self.take_away(vmr)?;
            if let Some(meeting) = meeting {
                let revision = meeting.revision.saturating_add(1);
                let off = conclave_directory::Appointment { revision, ..meeting };
                self.write_of_meeting(vmr, &off, None, true);
                self.changed(vmr.organisation, super::Topic::Appointments);
            }
        }
        Ok(())
    }

    /// Removes meeting rooms for one meeting that have had it. What cannot be removed now is after the next meeting.
    pub(super) fn remove_used_up(&mut self) {
        let mut left = Vec::new();
        for id in std::mem::take(&mut self.used_up) {
            let removed = self.parts.directory.vmr_with_id(id).and_then(|vmr| match vmr {
                Some(vmr) if vmr.once && self.meetings.meeting_in(id).is_none() => {
                    self.changed(vmr.organisation, super::Topic::Vmrs);
                    self.take_away(&vmr)
                }
                _ => Ok(()),
            });
            if let Err(error) = removed {
                tracing::error!(vmr = %id, %error, "a meeting room for one meeting cannot be removed");
                left.push(id);
            }
        }
        self.used_up.extend(left);
    }

    pub(super) fn change_vmr(
        &mut self,
        whose: OrganisationId,
        number: &VmrNumber,
        name: Option<DisplayName>,
        capacity: Option<u32>,
        lobby: Option<bool>,
    ) -> Answered {
        let before = self.find_vmr(whose, number)?;
        let mut vmr = before.clone();
        vmr.name = name.unwrap_or(vmr.name);
        vmr.capacity = capacity.unwrap_or(vmr.capacity);
        vmr.lobby = lobby.unwrap_or(vmr.lobby);
        may_hold(vmr.capacity)?;
        self.audit(act(&vmr, "vmr.change"), vmr.id, in_words(&before), in_words(&vmr));
        self.parts.directory.change_vmr(vmr.id, &vmr.name, vmr.capacity, vmr.lobby)?;
        tracing::info!(vmr = %vmr.id, "meeting room changed");
        self.list(&vmr);
        if before.lobby && !vmr.lobby {
            self.open_lobby(&vmr);
        }
        Ok(ControlAnswer::VmrChanged { vmr: self.vmr_line(vmr)? })
    }

    pub(super) fn set_moderators(
        &mut self,
        whose: OrganisationId,
        number: &VmrNumber,
        people: &[Redacted<String>],
    ) -> Answered {
        let mut vmr = self.find_vmr(whose, number)?;
        vmr.moderators = self.people_called(whose, people)?;
        let after = format!("{} moderators", vmr.moderators.len());
        self.audit(act(&vmr, "vmr.moderators"), vmr.id, in_words(&vmr), after);
        self.parts.directory.set_moderators(vmr.id, &vmr.moderators)?;
        Ok(ControlAnswer::VmrChanged { vmr: self.vmr_line(vmr)? })
    }

    pub(super) fn set_pin(
        &mut self,
        whose: OrganisationId,
        number: &VmrNumber,
        pin: Option<&PinHash>,
    ) -> Answered {
        let mut vmr = self.find_vmr(whose, number)?;
        let after = if pin.is_some() { "another PIN" } else { "no PIN" };
        self.audit(act(&vmr, "vmr.set_pin"), vmr.id, in_words(&vmr), after);
        self.parts.directory.set_pin(vmr.id, pin)?;
        match pin {
            Some(_) => tracing::info!(vmr = %vmr.id, "PIN set"),
            None => tracing::info!(vmr = %vmr.id, "PIN taken away"),
        }
        vmr.pin = pin.cloned();
        self.list(&vmr);
        Ok(ControlAnswer::VmrPinSet { vmr: self.vmr_line(vmr)? })
    }

    fn list(&mut self, vmr: &Vmr) {
        self.listing.set(vmr);
        if !vmr.hidden {
            self.push_directory(vmr.organisation);
        }
    }

    /// One that whoever asks may see, and that is not there for one meeting alone; another one is not there.
    pub(super) fn find_vmr(
        &self,
        whose: OrganisationId,
        number: &VmrNumber,
    ) -> Result<Vmr, Refused> {
        match self.find_vmr_or_meeting(whose, number) {
            Ok(vmr) if self.appointments.has(vmr.id) => Err(no_vmr(number)),
            found => found,
        }
    }

    /// One that whoever asks may see, be it for one meeting alone.
    pub(super) fn find_vmr_or_meeting(
        &self,
        whose: OrganisationId,
        number: &VmrNumber,
    ) -> Result<Vmr, Refused> {
        let sight = self.sight();
        let found = self.parts.directory.vmr(whose, number)?.filter(|vmr| vmr.seen_by(sight));
        found.ok_or_else(|| no_vmr(number))
    }

    pub(super) fn vmr_line(&self, vmr: Vmr) -> Result<VmrLine, StoreError> {
        let person = |id: PersonId| self.parts.directory.person(vmr.organisation, id);
        let mut moderators = Vec::new();
        for id in &vmr.moderators {
            moderators.extend(person(*id)?.map(|person| person.email));
        }
        let owner = vmr.owner.map(person).transpose()?.flatten().map(|person| person.name);
        Ok(VmrLine {
            mark: mark_of_vmr(&vmr),
            vmr: vmr.id,
            number: vmr.number,
            name: vmr.name,
            pin: vmr.pin.is_some(),
            capacity: vmr.capacity,
            hidden: vmr.hidden,
            once: vmr.once,
            lobby: vmr.lobby,
            owner,
            moderators,
        })
    }
}

fn no_vmr(number: &VmrNumber) -> Refused {
    Refused::with(
        RefusalCode::Gone,
        format!("there is no meeting room {number}: see 'conclave-cloud vmr list'"),
    )
}

/// Whether a meeting room may hold so many.
fn may_hold(capacity: u32) -> Result<(), Refused> {
    if (1..=LARGEST_CAPACITY).contains(&capacity) {
        return Ok(());
    }
    Err(Refused::with(
        RefusalCode::Capacity,
        format!("a meeting room holds 1 to {LARGEST_CAPACITY} participants, not {capacity}"),
    ))
}

/// What the audit log calls an act. One on a hidden meeting room has a word of its own: consoles are told by these words
/// what changed, and of a hidden one they are not told.
pub(super) fn act(vmr: &Vmr, plain: &'static str) -> &'static str {
    match (vmr.hidden, plain) {
        (true, "vmr.create") => "hidden_vmr.create",
        (true, "vmr.remove") => "hidden_vmr.remove",
        (true, "vmr.set_pin") => "hidden_vmr.set_pin",
        (true, "vmr.change") => "hidden_vmr.change",
        (true, "vmr.moderators") => "hidden_vmr.moderators",
        (true, "meeting.end") => "hidden_vmr.end",
        (true, "meeting.let_in") => "hidden_vmr.let_in",
        (true, "meeting.turn_away") => "hidden_vmr.turn_away",
        (_, plain) => plain,
    }
}

/// For the audit log.
pub(super) fn in_words(vmr: &Vmr) -> String {
    if vmr.hidden {
        return String::new();
    }
    let pin = if vmr.pin.is_some() { "a PIN" } else { "no PIN" };
    let once = if vmr.once { ", for one meeting" } else { "" };
    let lobby = if vmr.lobby { ", with a lobby" } else { "" };
    let Vmr { number, name, capacity, .. } = vmr;
    format!("{} '{name}', {pin}, {capacity} seats{once}{lobby}", number.as_str())
}

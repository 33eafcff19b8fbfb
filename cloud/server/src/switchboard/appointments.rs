//! Meetings that are to be: who calls one, who is told of it, which rooms list it on their panels.
//!
//! Each has a hidden meeting room of its own; its number, nine random digits, is the meeting's ID. Whoever is not invited is
//! answered as if it were not there. A room that is invited is let in without the PIN: it was asked for by name. The number
//! is good from the moment the meeting is called until [`STAYS`] after its end, and as long as somebody is in.

use super::admin::Answered;
use super::mail::Whose;
use super::refused::Refused;
use super::vmrs::LARGEST_CAPACITY;
use super::{Output, Parts, Switchboard};
use crate::control::{
    AppointmentLine, AppointmentRoom, BookableRoom, ControlAnswer, ControlRequest, Invited,
    NewAppointment, Part, RefusalCode,
};
use conclave_directory::{Appointment, Person, PinHash, RoomStatus, StoreError, Vmr};
use conclave_link_protocol::message::{AgendaEntry, CloudEvent};
use conclave_types::{
    DisplayName, EmailAddress, OrganisationId, PersonId, Redacted, RoomId, Time, UnixTime, VmrId,
    VmrNumber,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The most that are kept of an organisation: ten a day for each of a hundred rooms, three weeks ahead. Raised, listing
/// them takes longer, and a number dialled at random meets one sooner.
pub(super) const MOST: usize = 20_000;

/// The most rooms of one.
const MOST_ROOMS: usize = LARGEST_CAPACITY as usize;

/// The most people of one.
const MOST_PEOPLE: usize = 100;

/// The most that one person has called and that are kept: whoever has their account does not take the places of all.
const MOST_OF_ONE: usize = 500;

/// The longest one.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// How far ahead one may be.
const FURTHEST: Duration = Duration::from_secs(731 * 86_400);

/// How long after its end its number is good: a meeting that was interrupted is gone on with.
pub(super) const STAYS: Duration = Duration::from_secs(3_600);

/// How long after its end it is kept, so that whoever called it finds it again.
const KEPT: Duration = Duration::from_secs(7 * 86_400);

/// The most that a room is told at once: with the longest names they fit into a frame of the link. Of a fuller day the rest
/// follows within [`REFRESH`].
const MOST_ON_PANEL: usize = 24;

/// The most that are listed at once: who is invited to them is looked up for each.
const MOST_LISTED: u32 = 100;

/// How often the rooms' lists are looked at again: some have ended, others come into them.
const REFRESH: Duration = Duration::from_secs(900);

/// All of them, beside the database.
#[derive(Debug, Default)]
pub(super) struct Appointments {
    all: BTreeMap<VmrId, (Vmr, Appointment)>,
    /// Those that each room is invited to: a room that links costs no look at all of them.
    of_room: BTreeMap<RoomId, BTreeSet<VmrId>>,
    count: BTreeMap<OrganisationId, usize>,
    /// What linked rooms were told last; one that is not here was told nothing.
    told: BTreeMap<RoomId, Vec<AgendaEntry>>,
    pub(super) next_refresh: Option<Time>,
}

impl Appointments {
    /// Takes the meeting rooms that are there for one of them out of all.
    pub(super) fn of(parts: &Parts, vmrs: &mut Vec<Vmr>) -> Result<Appointments, StoreError> {
        let mut kept: BTreeMap<_, _> =
            parts.directory.appointments()?.into_iter().map(|each| (each.vmr, each)).collect();
        let mut all = Appointments::default();
        vmrs.retain(|vmr| match kept.remove(&vmr.id) {
            Some(appointment) => {
                all.set(vmr.clone(), appointment);
                false
            }
            None => true,
        });
        Ok(all)
    }

    fn set(&mut self, vmr: Vmr, appointment: Appointment) {
        let whose = vmr.organisation;
        self.remove(vmr.id);
        for room in &appointment.rooms {
            self.of_room.entry(*room).or_default().insert(vmr.id);
        }
        self.all.insert(vmr.id, (vmr, appointment));
        *self.count.entry(whose).or_default() += 1;
    }

    fn remove(&mut self, vmr: VmrId) -> Option<(Vmr, Appointment)> {
        let gone = self.all.remove(&vmr)?;
        for room in &gone.1.rooms {
            if let Some(theirs) = self.of_room.get_mut(room) {
                theirs.remove(&vmr);
            }
        }
        if let Some(count) = self.count.get_mut(&gone.0.organisation) {
            *count = count.saturating_sub(1);
        }
        Some(gone)
    }

    /// One of them.
    pub(super) fn get(&self, vmr: VmrId) -> Option<&Appointment> {
        self.all.get(&vmr).map(|(_, each)| each)
    }

    /// The number of one that an invitation names, and which rooms are invited to it.
    pub(super) fn invitation(
        &self,
        whose: OrganisationId,
        vmr: VmrId,
    ) -> Option<(&VmrNumber, &[RoomId])> {
        let (vmr, each) = self.all.get(&vmr).filter(|(vmr, _)| vmr.organisation == whose)?;
        Some((&vmr.number, &each.rooms))
    }

    /// Whether a meeting room is there for one of them.
    pub(super) fn has(&self, vmr: VmrId) -> bool {
        self.all.contains_key(&vmr)
    }

    /// Those of one organisation.
    fn of_organisation(&self, whose: OrganisationId) -> impl Iterator<Item = &(Vmr, Appointment)> {
        self.all.values().filter(move |(vmr, _)| vmr.organisation == whose)
    }

    /// What a meeting room is to a room that dials it; `on`: somebody is in.
    pub(super) fn to(&self, vmr: VmrId, room: RoomId, now: UnixTime, on: bool) -> Dialled {
        match self.all.get(&vmr) {
            None => Dialled::Plain,
            Some((_, each)) if each.ends_at.after(STAYS) <= now && !on => Dialled::Over,
            Some((_, each)) if each.rooms.contains(&room) => Dialled::Invited,
            Some(_) => Dialled::Plain,
        }
    }

    pub(super) fn link_ended(&mut self, room: RoomId) {
        self.told.remove(&room);
    }
}

/// What a meeting room is to a room that dials it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialled {
    /// A meeting room like others.
    Plain,
    /// A meeting that the room is invited to.
    Invited,
    /// A meeting that is over.
    Over,
}

fn small(name: &DisplayName) -> String {
    name.as_str().to_lowercase()
}

fn invited(appointment: &Appointment, person: &Person) -> bool {
    appointment.people.contains(&person.id) || appointment.guests.contains(&person.email)
}

impl Switchboard {
    pub(super) fn appointment_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::AppointmentList { part, past } => {
                self.appointment_list(whose, &part, past)
            }
            ControlRequest::AppointmentChange { number, to, revision } => {
                self.change_appointment(whose, &number, to, revision)
            }
            ControlRequest::AppointmentCancel { number } => self.cancel(whose, &number),
            ControlRequest::BookableRooms { part, from, until } => {
                self.bookable_rooms(whose, &part, from, until)
            }
            request => self.settings_control(whose, request),
        }
    }

    /// Looked at before the PIN's hash is computed, and again after.
    pub(super) fn may_call(
        &self,
        whose: OrganisationId,
        new: &NewAppointment,
    ) -> Result<(), Refused> {
        let person = self.asking_person(whose)?;
        self.is_a_time(new)?;
        let hers = |(vmr, _): &&(Vmr, Appointment)| vmr.owner == Some(person.id);
        if self.appointments.of_organisation(whose).filter(hers).count() >= MOST_OF_ONE {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!(
                    "you have called {MOST_OF_ONE} meetings, as many as somebody may: cancel some"
                ),
            ));
        }
        if self.appointments.count.get(&whose).is_some_and(|count| *count >= MOST) {
            return Err(Refused::with(
                RefusalCode::TooMany,
                format!("there are {MOST} meetings, as many as the cloud keeps: cancel some"),
            ));
        }
        Ok(())
    }

    fn is_a_time(&self, new: &NewAppointment) -> Result<(), Refused> {
        let NewAppointment { starts_at, ends_at, .. } = *new;
        let wrong = |why: &str| Err(Refused::with(RefusalCode::When, why));
        if ends_at <= starts_at {
            return wrong("a meeting ends after it begins");
        }
        if starts_at.until(ends_at) > LONGEST {
            return wrong("a meeting lasts a day at most: call one for each day");
        }
        if ends_at <= self.wall {
            return wrong("this meeting would be over already: choose a later time");
        }
        if self.wall.until(starts_at) > FURTHEST {
            return wrong("a meeting begins within the next two years");
        }
        Ok(())
    }

    pub(super) fn call_meeting(
        &mut self,
        whose: OrganisationId,
        new: NewAppointment,
        pin: Option<PinHash>,
    ) -> Answered {
        self.may_call(whose, &new)?;
        let organiser = self.asking_person(whose)?;
        let id = VmrId::from_random(self.random());
        let appointment = self.appointment(whose, id, &new, None)?;
        let vmr = Vmr {
            id,
            organisation: whose,
            number: self.draw_number(whose)?,
            name: new.title,
            pin,
            capacity: LARGEST_CAPACITY,
            hidden: true,
            once: false,
            lobby: new.lobby,
            owner: Some(organiser.id),
            moderators: Vec::new(),
        };
        // Neither name nor time: whoever reads the log need not be invited.
        self.audit("appointment.create", id, "", "");
        self.parts.directory.add_appointment(&vmr, &appointment)?;
        tracing::info!(vmr = %id, "meeting called");
        let rooms = appointment.rooms.clone();
        self.write_of_meeting(&vmr, &appointment, None, false);
        self.appointments.set(vmr, appointment);
        self.tell_agendas(rooms);
        Ok(ControlAnswer::AppointmentKept { appointment: self.appointment_line(id, &organiser)? })
    }

    /// What is asked for, with rooms and people looked up.
    fn appointment(
        &self,
        whose: OrganisationId,
        vmr: VmrId,
        new: &NewAppointment,
        before: Option<&Appointment>,
    ) -> Result<Appointment, Refused> {
        let too_many = |most, what| {
            Refused::with(RefusalCode::TooMany, format!("at most {most} {what} are invited to one"))
        };
        if new.rooms.len() > MOST_ROOMS {
            return Err(too_many(MOST_ROOMS, "rooms"));
        }
        if new.people.len() > MOST_PEOPLE {
            return Err(too_many(MOST_PEOPLE, "people"));
        }
        let mut rooms = BTreeSet::new();
        for called in &new.rooms {
            let room = self.find_room(whose, called)?;
            if room.status == RoomStatus::Active
                || before.is_some_and(|before| before.rooms.contains(&room.id))
            {
                rooms.insert(room.id);
            }
        }
        let (people, guests) = self.people_and_guests(whose, &new.people)?;
        Ok(Appointment {
            vmr,
            starts_at: new.starts_at,
            ends_at: new.ends_at,
            people: people.into_iter().collect(),
            rooms: rooms.into_iter().collect(),
            guests: guests.into_iter().collect(),
            revision: before.map_or(0, |before| before.revision).saturating_add(1),
        })
    }

    fn people_and_guests(
        &self,
        whose: OrganisationId,
        called: &[Redacted<String>],
    ) -> Result<(BTreeSet<PersonId>, BTreeSet<EmailAddress>), Refused> {
        let (mut people, mut guests) = (BTreeSet::new(), BTreeSet::new());
        for Redacted(called) in called {
            match (self.find_person(whose, called), called.parse::<EmailAddress>()) {
                (Ok(person), _) => drop(people.insert(person.id)),
                (Err(Refused { code: RefusalCode::Gone, .. }), Ok(email)) => {
                    guests.insert(email);
                }
                (Err(Refused { code: RefusalCode::Gone, .. }), Err(_)) => {
                    return Err(Refused::with(
                        RefusalCode::NoAddress,
                        format!("'{called}' is no e-mail address"),
                    ));
                }
                (Err(refused), _) => return Err(refused),
            }
        }
        Ok((people, guests))
    }

    /// One that whoever asks has called; another one is not there.
    fn own_appointment(
        &self,
        whose: OrganisationId,
        number: &VmrNumber,
    ) -> Result<(Person, Vmr, Appointment), Refused> {
        let person = self.asking_person(whose)?;
        let found = self.appointments.of_organisation(whose).find(|(vmr, _)| vmr.number == *number);
        match found.filter(|(vmr, _)| vmr.owner == Some(person.id)) {
            Some((vmr, appointment)) => Ok((person, vmr.clone(), appointment.clone())),
            None => Err(Refused::with(
                RefusalCode::Gone,
                format!("there is no meeting {number} that you have called"),
            )),
        }
    }

    fn change_appointment(
        &mut self,
        whose: OrganisationId,
        number: &VmrNumber,
        to: NewAppointment,
        revision: Option<u32>,
    ) -> Answered {
        let (organiser, mut vmr, before) = self.own_appointment(whose, number)?;
        self.is_a_time(&to)?;
        if revision.is_some_and(|revision| revision != before.revision) {
            return Err(Refused::with(
                RefusalCode::ChangedMeanwhile,
                "this meeting was changed meanwhile: look at it again, then change it",
            ));
        }
        let changed = self.appointment(whose, vmr.id, &to, Some(&before))?;
        self.audit("appointment.change", vmr.id, "", "");
        self.parts.directory.keep_appointment(&to.title, to.lobby, &changed)?;
        tracing::info!(vmr = %vmr.id, "meeting changed");
        let title = std::mem::replace(&mut vmr.name, to.title);
        let lobby_gone = std::mem::replace(&mut vmr.lobby, to.lobby) && !vmr.lobby;
        if lobby_gone {
            self.open_lobby(&vmr);
        }
        self.write_of_meeting(&vmr, &changed, Some((&title, &before)), false);
        let rooms: BTreeSet<RoomId> =
            before.rooms.into_iter().chain(changed.rooms.clone()).collect();
        let id = vmr.id;
        self.appointments.set(vmr, changed);
        self.tell_agendas(rooms);
        Ok(ControlAnswer::AppointmentKept { appointment: self.appointment_line(id, &organiser)? })
    }

    fn cancel(&mut self, whose: OrganisationId, number: &VmrNumber) -> Answered {
        let (organiser, vmr, before) = self.own_appointment(whose, number)?;
        let appointment = self.appointment_line(vmr.id, &organiser)?;
        self.audit("appointment.cancel", vmr.id, "", "");
        self.take_away(&vmr)?;
        let off = Appointment { revision: before.revision.saturating_add(1), ..before };
        self.write_of_meeting(&vmr, &off, None, true);
        Ok(ControlAnswer::AppointmentCancelled { appointment })
    }

    /// A meeting room was removed.
    pub(super) fn appointment_gone(&mut self, vmr: VmrId) {
        if let Some((vmr, appointment)) = self.appointments.remove(vmr) {
            self.tell_agendas(appointment.rooms);
            let id = vmr.id;
            self.post.forget(|whose| matches!(whose, Whose::Guest(of, _) if *of == id));
        }
    }

    pub(super) fn appointment_list(
        &self,
        whose: OrganisationId,
        part: &Part,
        past: bool,
    ) -> Answered {
        let person = self.asking_person(whose)?;
        let found = part.search();
        let part =
            Part { most: Some(part.most.unwrap_or(MOST_LISTED).min(MOST_LISTED)), ..part.clone() };
        let mut theirs: Vec<_> = self
            .appointments
            .of_organisation(whose)
            .filter(|(vmr, each)| vmr.owner == Some(person.id) || invited(each, &person))
            .filter(|(_, each)| (each.ends_at < self.wall) == past)
            .filter(|(vmr, _)| found(&[vmr.name.as_str(), vmr.number.as_str()]))
            .map(|(vmr, each)| (each.starts_at, vmr.id))
            .collect();
        theirs.sort_unstable();
        if past {
            theirs.reverse();
        }
        let (shown, total) = part.of(theirs.into_iter());
        let lines = shown.into_iter().map(|(_, id)| self.appointment_line(id, &person));
        Ok(ControlAnswer::Appointments { appointments: lines.collect::<Result<_, _>>()?, total })
    }

    fn appointment_line(&self, id: VmrId, person: &Person) -> Result<AppointmentLine, Refused> {
        let Some((vmr, each)) = self.appointments.all.get(&id) else {
            return Err(Refused::with(RefusalCode::Gone, "this meeting is not there any more"));
        };
        let whose = vmr.organisation;
        let directory = &self.parts.directory;
        let mine = vmr.owner == Some(person.id);
        // Whoever has called it is told whom the letter did not reach.
        let fate = |email: &EmailAddress| {
            let whose = Whose::Guest(id, email.clone());
            self.post.fate(&whose).filter(|_| mine)
        };
        let mut people = Vec::new();
        for id in &each.people {
            let found = directory.person(whose, *id)?;
            people.extend(found.map(|Person { name, email, .. }| Invited {
                mail: fate(&email),
                name: Some(name),
                email,
            }));
        }
        let guests = each.guests.iter().cloned();
        let guests = guests.map(|email| Invited { mail: fate(&email), name: None, email });
        people.extend(guests);
        people.sort_by_cached_key(|each| {
            (each.name.is_none(), each.name.as_ref().map(small), each.email.clone())
        });
        let room = |id: &RoomId| {
            let name = self.roster.get(*id)?.name.clone();
            Some(AppointmentRoom { room: *id, name })
        };
        let mut rooms: Vec<_> = each.rooms.iter().filter_map(room).collect();
        rooms.sort_by_cached_key(|each| (small(&each.name), each.room));
        Ok(AppointmentLine {
            number: vmr.number.clone(),
            title: vmr.name.clone(),
            starts_at: each.starts_at,
            ends_at: each.ends_at,
            organiser: self.organiser(vmr)?,
            mine,
            pin: vmr.pin.is_some(),
            lobby: vmr.lobby,
            on: self.meetings.meeting_in(id).is_some(),
            rooms,
            people,
            revision: each.revision,
        })
    }

    fn organiser(&self, vmr: &Vmr) -> Result<Option<DisplayName>, StoreError> {
        let Some(owner) = vmr.owner else { return Ok(None) };
        Ok(self.parts.directory.person(vmr.organisation, owner)?.map(|person| person.name))
    }

    /// The rooms that a meeting can be called in, and which of them have another one in that time.
    fn bookable_rooms(
        &self,
        whose: OrganisationId,
        part: &Part,
        from: UnixTime,
        until: UnixTime,
    ) -> Answered {
        let taken: BTreeSet<RoomId> = self
            .appointments
            .of_organisation(whose)
            .filter(|(_, each)| each.starts_at < until && from < each.ends_at)
            .flat_map(|(_, each)| each.rooms.iter().copied())
            .collect();
        let taken = |room| taken.contains(&room) || self.calendars.takes(room, from, until);
        let found = part.search();
        let place = |room| self.settings.place(room);
        let matching = self.roster.of_organisation(whose).filter(|room| {
            let place = place(room.id).map_or("", DisplayName::as_str);
            room.status == RoomStatus::Active && found(&[room.name.as_str(), place])
        });
        let (shown, total) = part.of(matching);
        let rooms = shown.into_iter().map(|room| BookableRoom {
            room: room.id,
            name: room.name.clone(),
            place: place(room.id).cloned(),
            taken: taken(room.id),
        });
        Ok(ControlAnswer::BookableRooms { rooms: rooms.collect(), total })
    }

    /// A room was welcomed with an empty list.
    pub(super) fn agenda_linked(&mut self, room: RoomId) {
        self.appointments.told.remove(&room);
        self.tell_agendas([room]);
    }

    /// Some have ended since, others come into the rooms' lists.
    pub(super) fn refresh_agendas(&mut self) {
        self.appointments.next_refresh = None;
        let linked: Vec<RoomId> = self.rooms.keys().copied().collect();
        self.tell_agendas(linked);
        self.refresh_later();
    }

    fn refresh_later(&mut self) {
        if self.appointments.next_refresh.is_none() && !self.appointments.all.is_empty() {
            self.appointments.next_refresh = Some(self.now + REFRESH);
        }
    }

    /// Tells those of these rooms that are linked what has changed in their lists.
    fn tell_agendas(&mut self, rooms: impl IntoIterator<Item = RoomId>) {
        let linked = rooms.into_iter().filter(|room| self.rooms.contains_key(room));
        for room in linked.collect::<BTreeSet<_>>() {
            let theirs = self.appointments.of_room.get(&room).into_iter().flatten();
            let theirs = theirs.filter_map(|id| Some((&self.appointments.all.get(id)?.1, *id)));
            let mut list: Vec<(UnixTime, VmrId)> = theirs
                .filter(|(each, _)| each.ends_at > self.wall)
                .map(|(each, id)| (each.starts_at, id))
                .collect();
            list.sort_unstable();
            let entries = list.into_iter().take(MOST_ON_PANEL);
            let entries: Vec<_> = entries.filter_map(|(_, id)| self.agenda_entry(id)).collect();
            if self.appointments.told.get(&room).map_or(&[][..], Vec::as_slice) == entries {
                continue;
            }
            let Some(link) = self.rooms.get(&room).copied() else { continue };
            self.appointments.told.insert(room, entries.clone());
            self.outputs.push_back(Output::Send { link, event: CloudEvent::Agenda(entries) });
        }
        self.refresh_later();
    }

    fn agenda_entry(&self, id: VmrId) -> Option<AgendaEntry> {
        let (vmr, each) = self.appointments.all.get(&id)?;
        let organiser = self.organiser(vmr).unwrap_or_else(|error| {
            tracing::error!(%error, "cannot look up who called a meeting");
            None
        });
        Some(AgendaEntry {
            number: vmr.number.clone(),
            title: vmr.name.clone(),
            starts_at: each.starts_at,
            ends_at: each.ends_at,
            organiser,
        })
    }

    /// What the room on this link was told last.
    #[cfg(test)]
    pub(super) fn appointments_told(&self, link: super::LinkId) -> Vec<String> {
        let room = self.rooms.iter().find(|(_, theirs)| **theirs == link).map(|(room, _)| *room);
        let told = room.and_then(|room| self.appointments.told.get(&room));
        told.into_iter().flatten().map(|entry| entry.title.to_string()).collect()
    }

    /// Once a day: those that ended long ago.
    pub(super) fn remove_old_appointments(&mut self) -> Result<(), StoreError> {
        let over = |each: &Appointment| each.ends_at.after(KEPT) <= self.wall;
        let all = self.appointments.all.values();
        let gone: Vec<Vmr> =
            all.filter(|(_, each)| over(each)).map(|(vmr, _)| vmr.clone()).collect();
        for vmr in gone {
            if self.meetings.meeting_in(vmr.id).is_none() {
                self.take_away(&vmr)?;
            }
        }
        Ok(())
    }

    /// A person or a room is gone, or is about to be: they are not invited any more.
    pub(super) fn nobody_invites(&mut self, person: Option<PersonId>, room: Option<RoomId>) {
        for (_, each) in self.appointments.all.values_mut() {
            each.people.retain(|id| Some(*id) != person);
            each.rooms.retain(|id| Some(*id) != room);
        }
        if let Some(room) = room {
            self.appointments.of_room.remove(&room);
        }
    }
}

//! The calendars of rooms: which is read when, what is made of it, which room is told.
//!
//! A calendar takes times of its room. Such a time can be joined with one tap when the number in it is that of a meeting room
//! which everybody of the organisation may know of, or when it is the cloud's own invitation: that names its meeting by 128
//! random bits. Any other number is not looked up: a calendar full of numbers finds no meeting by what panels show of it.
//!
//! Kept is where a calendar is, sealed. What stands in it is read anew by each start; while it cannot be read, what was read before
//! counts.

use super::admin::Answered;
use super::refused::Refused;
use super::{Output, Parts, Switchboard, Topic};
use crate::calendars::{
    Calendar, CalendarKind, CalendarTrouble, Errand, Found, Mark, Read, TakenTime, Window,
};
use crate::control::{CalendarLine, ControlAnswer, ControlRequest, NewCalendar, RefusalCode};
use crate::outgoing::NoWebAddress;
use conclave_directory::{Room, RoomCalendar, RoomStatus, SettingsOf, StoreError};
use conclave_link_protocol::message::{CalendarEntry, CloudEvent};
use conclave_types::{OrganisationId, Redacted, RoomId, Time, UnixTime, VmrNumber};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often a calendar is asked for.
const EVERY: Duration = Duration::from_secs(300);

/// How long a calendar that cannot be read is left alone at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Within this after the cloud's start all of them are asked for once.
const AT_START: Duration = Duration::from_secs(60);

/// How many are read at once: each has its file in memory meanwhile, 8 MiB at most.
const MOST_AT_ONCE: usize = 12;

/// How far ahead somebody wants to know.
const AHEAD: Duration = Duration::from_secs(14 * 86_400);

/// How much further is read: a file that has not changed is read again only once this has gone by.
const MARGIN: Duration = Duration::from_secs(86_400);

/// The most that a room is told at once, as of its meetings.
const MOST_ON_PANEL: usize = 24;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Calendars {
    all: BTreeMap<RoomId, Known>,
    /// When which is to be asked for; none that is being read.
    due: BTreeSet<(Time, RoomId)>,
    /// How many are being read.
    out: usize,
    last_errand: u64,
    /// What linked rooms were told last; one that is not here was told nothing.
    told: BTreeMap<RoomId, Vec<CalendarEntry>>,
}

/// A room's calendar.
#[derive(Debug)]
struct Known {
    kept: RoomCalendar,
    /// `None` when it cannot be opened.
    shown: Option<Shown>,
    due: Time,
    /// By which errand it is being read.
    reading: Option<u64>,
    /// What was read last.
    taken: Vec<TakenTime>,
    unread: u32,
    mark: Option<Mark>,
    window: Option<Window>,
    read_at: Option<UnixTime>,
    trouble: Option<(CalendarTrouble, UnixTime)>,
    /// How often it could not be read since it could.
    failures: u32,
    /// Whether somebody waits for what comes of it.
    awaited: bool,
}

/// What is shown of where it is.
#[derive(Debug)]
struct Shown {
    kind: CalendarKind,
    host: Redacted<String>,
    user: Option<Redacted<String>>,
}

impl Known {
    fn new(kept: RoomCalendar, calendar: Option<&Calendar>, due: Time) -> Known {
        let shown = calendar.map(|calendar| Shown {
            kind: calendar.kind,
            host: Redacted(calendar.address.host().to_owned()),
            user: calendar.user.clone(),
        });
        Known {
            kept,
            shown,
            due,
            reading: None,
            taken: Vec::new(),
            unread: 0,
            mark: None,
            window: None,
            read_at: None,
            trouble: None,
            failures: 0,
            awaited: false,
        }
    }

    /// The state that need not be read again: it holds all that somebody wants to know now.
    fn mark_at(&self, now: UnixTime) -> Option<Mark> {
        let holds = |window: &Window| window.from <= now && now.after(AHEAD) <= window.until;
        self.window.as_ref().filter(|window| holds(window)).and(self.mark.clone())
    }
}

impl Calendars {
    pub(super) fn of(parts: &Parts) -> Result<Calendars, StoreError> {
        let mut calendars = Calendars::default();
        let kept = parts.directory.calendars()?;
        let count = u32::try_from(kept.len()).unwrap_or(u32::MAX).max(1);
        for (place, kept) in (0..).zip(kept) {
            let calendar = opened(parts, &kept);
            let due = Time::ZERO + AT_START * place / count;
            calendars.set(Known::new(kept, calendar.as_ref(), due));
        }
        Ok(calendars)
    }

    fn set(&mut self, known: Known) {
        let room = known.kept.room;
        self.forget(room);
        self.due.insert((known.due, room));
        self.all.insert(room, known);
    }

    /// A room has none any more.
    pub(super) fn forget(&mut self, room: RoomId) {
        if let Some(known) = self.all.remove(&room) {
            self.due.remove(&(known.due, room));
        }
    }

    fn due_at(&mut self, room: RoomId, at: Time) {
        if let Some(known) = self.all.get_mut(&room) {
            self.due.remove(&(known.due, room));
            known.due = at;
            self.due.insert((at, room));
        }
    }

    /// When the next one is to be asked for.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at).filter(|_| self.out < MOST_AT_ONCE)
    }

    /// Whether a room's calendar takes it in some of this time.
    pub(super) fn takes(&self, room: RoomId, from: UnixTime, until: UnixTime) -> bool {
        let taken = self.all.get(&room).into_iter().flat_map(|known| &known.taken);
        taken.into_iter().any(|each| each.starts_at < until && from < each.ends_at)
    }

    pub(super) fn link_ended(&mut self, room: RoomId) {
        self.told.remove(&room);
    }
}

/// What a sealed calendar is bound to.
fn whose(room: RoomId) -> String {
    format!("calendar of {room}")
}

fn opened(parts: &Parts, kept: &RoomCalendar) -> Option<Calendar> {
    let octets = parts.sealer.open(&whose(kept.room), &kept.sealed)?;
    serde_json::from_slice(octets.expose()).ok()
}

impl Switchboard {
    pub(super) fn calendar_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::RoomCalendarShow { room } => {
                let room = self.find_room(whose, &room)?;
                Ok(self.calendar_answer(room.id))
            }
            ControlRequest::RoomCalendarSet { room, calendar } => {
                self.set_calendar(whose, &room, calendar)
            }
            ControlRequest::RoomCalendarRead { room } => {
                let room = self.room_with_calendar(whose, &room)?;
                if let Some(known) = self.calendars.all.get_mut(&room.id) {
                    known.awaited = true;
                    if known.reading.is_none() {
                        self.calendars.due_at(room.id, self.now);
                    }
                }
                Ok(self.calendar_answer(room.id))
            }
            ControlRequest::RoomCalendarRemove { room } => {
                let room = self.room_with_calendar(whose, &room)?;
                self.audit("room.calendar_remove", room.id, self.in_words(room.id), "");
                self.parts.directory.remove_calendar(room.id)?;
                self.calendars.forget(room.id);
                tracing::info!(room = %room.id, "a room has no calendar any more");
                self.tell_calendar(room.id);
                Ok(self.calendar_answer(room.id))
            }
            _ => Err(Refused::because("this is not the switchboard's to answer")),
        }
    }

    /// A room was shut out: nothing is read for it any more.
    pub(super) fn no_calendar(&mut self, room: RoomId) {
        if !self.calendars.all.contains_key(&room) {
            return;
        }
        if let Err(error) = self.parts.directory.remove_calendar(room) {
            tracing::error!(%room, %error, "the calendar of a room that was shut out is still kept");
        }
        self.calendars.forget(room);
    }

    fn room_with_calendar(&self, whose: OrganisationId, called: &str) -> Result<Room, Refused> {
        let room = self.find_room(whose, called)?;
        match self.calendars.all.contains_key(&room.id) {
            true => Ok(room),
            false => Err(Refused::with(
                RefusalCode::Gone,
                format!("the room '{}' has no calendar", room.name),
            )),
        }
    }

    fn set_calendar(
        &mut self,
        organisation: OrganisationId,
        called: &str,
        new: NewCalendar,
    ) -> Answered {
        let room = self.find_room(organisation, called)?;
        if room.status != RoomStatus::Active {
            return Err(Refused::with(
                RefusalCode::RoomRevoked,
                format!("the room '{}' was revoked: it has no calendar", room.name),
            ));
        }
        let calendar = checked(new)?;
        let written = serde_json::to_vec(&calendar).map(conclave_types::Secret::new);
        let sealed = written
            .ok()
            .and_then(|octets| self.parts.sealer.seal(&whose(room.id), octets.expose()));
        let Some(sealed) = sealed else {
            return Err(Refused::because("the calendar cannot be sealed now: try again"));
        };
        let kept = RoomCalendar { room: room.id, sealed, set_at: self.wall };
        let mut known = Known::new(kept, Some(&calendar), self.now);
        known.awaited = true;
        self.audit("room.calendar_set", room.id, self.in_words(room.id), words(&known));
        if !self.parts.directory.keep_calendar(&known.kept)? {
            return Err(super::admin::no_room(called));
        }
        tracing::info!(room = %room.id, "a room has a calendar");
        self.calendars.set(known);
        // What stood in the one before counts no more.
        self.tell_calendar(room.id);
        Ok(self.calendar_answer(room.id))
    }

    fn in_words(&self, room: RoomId) -> String {
        self.calendars.all.get(&room).map(words).unwrap_or_default()
    }

    fn calendar_answer(&self, room: RoomId) -> ControlAnswer {
        let line = |known: &Known| {
            let until = self.wall.after(AHEAD);
            let ahead = known
                .taken
                .iter()
                .filter(|each| each.ends_at > self.wall && each.starts_at < until);
            Box::new(CalendarLine {
                kind: known.shown.as_ref().map(|shown| shown.kind),
                host: known.shown.as_ref().map(|shown| shown.host.clone()),
                user: known.shown.as_ref().and_then(|shown| shown.user.clone()),
                set_at: known.kept.set_at,
                reading: known.awaited,
                read_at: known.read_at,
                meetings: ahead.count(),
                unread: known.unread,
                trouble: known.trouble.as_ref().map(|(trouble, _)| trouble.clone()),
                trouble_since: known.trouble.as_ref().map(|(_, since)| *since),
            })
        };
        ControlAnswer::RoomCalendar { room, calendar: self.calendars.all.get(&room).map(line) }
    }

    /// Sends for those whose time has come, as many as are read at once.
    pub(super) fn read_calendars(&mut self) {
        while self.calendars.deadline().is_some_and(|at| at <= self.now) {
            let Some((_, room)) = self.calendars.due.pop_first() else { return };
            let zone = self.zone_of(room);
            let Some(known) = self.calendars.all.get_mut(&room) else { continue };
            let Some(calendar) = opened(&self.parts, &known.kept) else {
                // Nothing but another key or another calendar mends that, and neither comes by itself.
                known.trouble = Some((CalendarTrouble::Sealed, self.wall));
                known.awaited = false;
                self.room_changed(room, &[Topic::Rooms]);
                continue;
            };
            self.calendars.last_errand += 1;
            self.calendars.out += 1;
            known.reading = Some(self.calendars.last_errand);
            let from = UnixTime(self.wall.0.saturating_sub(MARGIN.as_secs()));
            self.outputs.push_back(Output::ReadCalendar(Box::new(Errand {
                room,
                number: self.calendars.last_errand,
                calendar,
                known: known.mark_at(self.wall),
                zone,
                window: Window { from, until: self.wall.after(AHEAD + MARGIN) },
            })));
        }
    }

    fn zone_of(&self, room: RoomId) -> Option<conclave_types::TimeZone> {
        let group = self.settings.group(room).map(|group| SettingsOf::Group(group.id));
        let all = self.roster.owner(room).map(SettingsOf::Organisation);
        let mut from = [Some(SettingsOf::Room(room)), group, all].into_iter().flatten();
        let zone = from.find_map(|of| self.settings.value_of(of, "time_zone"));
        zone.and_then(|zone| zone.parse().ok())
    }

    /// What came of an errand.
    pub(super) fn calendar_read(&mut self, Read { room, number, outcome }: Read) {
        self.calendars.out = self.calendars.out.saturating_sub(1);
        let chance = self.random();
        let (now, wall) = (self.now, self.wall);
        let Some(known) = self.calendars.all.get_mut(&room) else { return };
        if known.reading != Some(number) {
            // It was set anew meanwhile.
            return;
        }
        known.reading = None;
        let mut shows = std::mem::take(&mut known.awaited);
        match outcome {
            Ok(found) => {
                shows |= known.trouble.take().is_some();
                known.failures = 0;
                known.read_at = Some(wall);
                if let Found::All { taken, unread, mark } = found {
                    shows |= known.taken != taken || known.unread != unread;
                    (known.taken, known.unread, known.mark) = (taken, unread, mark);
                    let from = UnixTime(wall.0.saturating_sub(MARGIN.as_secs()));
                    known.window = Some(Window { from, until: wall.after(AHEAD + MARGIN) });
                }
            }
            Err(trouble) => {
                known.failures = known.failures.saturating_add(1);
                if known.trouble.as_ref().is_none_or(|(before, _)| *before != trouble) {
                    shows = true;
                    tracing::warn!(%room, "a room's calendar cannot be read: see the room in the console");
                    known.trouble = Some((trouble, wall));
                }
            }
        }
        let pause = pause(known.failures, chance);
        known.due = now + pause;
        self.calendars.due.insert((now + pause, room));
        if shows {
            self.room_changed(room, &[Topic::Rooms]);
        }
        self.tell_calendar(room);
    }

    /// A room was welcomed with an empty list.
    pub(super) fn calendar_linked(&mut self, room: RoomId) {
        self.calendars.told.remove(&room);
        self.tell_calendar(room);
    }

    /// Tells a room that is linked what has changed in its calendar.
    fn tell_calendar(&mut self, room: RoomId) {
        let Some(link) = self.rooms.get(&room).copied() else { return };
        let entries = self.calendar_entries(room);
        if self.calendars.told.get(&room).map_or(&[][..], Vec::as_slice) == entries {
            return;
        }
        self.calendars.told.insert(room, entries.clone());
        self.outputs.push_back(Output::Send { link, event: CloudEvent::Calendar(entries) });
    }

    fn calendar_entries(&self, room: RoomId) -> Vec<CalendarEntry> {
        let Some(whose) = self.roster.owner(room) else { return Vec::new() };
        let taken = self.calendars.all.get(&room).into_iter().flat_map(|known| &known.taken);
        let ahead = taken
            .filter(|each| each.ends_at > self.wall && each.starts_at < self.wall.after(AHEAD))
            // Those that the room is invited to are in its list of meetings.
            .filter(|each| {
                let invitation = each.invitation;
                let invited = invitation.and_then(|vmr| self.appointments.invitation(whose, vmr));
                invited.is_none_or(|(_, rooms)| !rooms.contains(&room))
            });
        let entry = |each: &TakenTime| CalendarEntry {
            starts_at: each.starts_at,
            ends_at: each.ends_at,
            title: each.title.clone(),
            number: self.joinable(whose, each),
        };
        ahead.take(MOST_ON_PANEL).map(entry).collect()
    }

    fn joinable(&self, whose: OrganisationId, each: &TakenTime) -> Option<VmrNumber> {
        let invitation = each.invitation.and_then(|vmr| self.appointments.invitation(whose, vmr));
        match (invitation, &each.number) {
            (Some((number, _)), _) => Some(number.clone()),
            (None, Some(number)) if self.listing.shows(whose, number) => Some(number.clone()),
            _ => None,
        }
    }
}

/// What is asked for, if it can be.
fn checked(new: NewCalendar) -> Result<Calendar, Refused> {
    let NewCalendar { kind, address, user, password } = new;
    let text = address.expose().trim();
    let address = match text.strip_prefix("webcal://") {
        Some(rest) => format!("https://{rest}").parse(),
        None => text.parse(),
    };
    let address = address
        .map_err(|error: NoWebAddress| Refused::with(RefusalCode::Address, error.to_string()))?;
    let user = user.filter(|user| !user.0.is_empty());
    // A colon ends the user where both are sent (RFC 7617, 2).
    let unfit = |text: &str| text.len() > LONGEST_SIGN_IN || text.chars().any(char::is_control);
    let users = user.as_ref().is_some_and(|user| user.0.contains(':') || unfit(&user.0));
    if users || password.as_ref().is_some_and(|password| unfit(password.expose())) {
        return Err(Refused::with(
            RefusalCode::Address,
            "no server takes this user or this password: look at them again",
        ));
    }
    let password = password.filter(|_| user.is_some());
    Ok(Calendar { kind, address, user, password })
}

/// The most octets of a user's name, and of a password.
const LONGEST_SIGN_IN: usize = 500;

/// For the audit log: neither the address nor who asks there.
fn words(known: &Known) -> String {
    match &known.shown {
        Some(shown) => format!("{} of {}", shown.kind.words(), shown.host.0),
        None => "one that cannot be opened".to_owned(),
    }
}

/// How long until a calendar is asked for again that could not be read so often: longer each time, and scattered by a fifth, so
/// that those of one server do not come all at once.
fn pause(failures: u32, chance: u128) -> Duration {
    let pause = EVERY.saturating_mul(1 << failures.saturating_sub(1).min(8)).min(LONGEST_PAUSE);
    let scattered = u32::try_from(chance % 1_000).unwrap_or(0);
    pause - pause / 10 + pause / 5 * scattered / 1_000
}

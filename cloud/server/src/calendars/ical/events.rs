//! What stands in a calendar: its meetings as they are written (RFC 5545, 3.6.1), and its zones.

use super::lines::{Line, lines};
use super::numbers;
use super::times::{self, Moment};
use super::zones::{Draft, Zones};
use super::{MOST_EVENTS, Unreadable};
use chrono::{NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use conclave_types::{DisplayName, VmrId, VmrNumber};

/// The most beginnings besides the rule's, and the most that are taken out, of one meeting.
const MOST_DATES: usize = 2_000;

/// The most rules of one meeting; one is usual.
const MOST_RULES: usize = 4;

/// The most characters of a name that is shown.
const LONGEST_TITLE: usize = 80;

/// How deep parts stand in one another; an alarm in a meeting in a calendar is three.
const DEEPEST: usize = 8;

/// A meeting as it is written: one, or the first of a series, or one of a series that is otherwise than the others.
#[derive(Clone, Default)]
pub(super) struct Event {
    /// What it is known by.
    pub(super) uid: String,
    /// When the (first) one begins.
    pub(super) start: Option<Moment>,
    pub(super) end: Option<Moment>,
    pub(super) lasts: Option<TimeDelta>,
    pub(super) rules: Vec<String>,
    pub(super) more: Vec<Moment>,
    pub(super) but: Vec<Moment>,
    /// When it would begin if it were like the others of its series.
    pub(super) instead_of: Option<Moment>,
    pub(super) off: bool,
    /// Whether its time is free all the same.
    pub(super) free: bool,
    private: bool,
    title: Option<DisplayName>,
    number: Option<(u8, VmrNumber)>,
    /// How often it was changed.
    pub(super) sequence: u32,
}

impl Event {
    /// What it is called, unless that is nobody's business.
    pub(super) fn title(&self) -> Option<DisplayName> {
        self.title.clone().filter(|_| !self.private)
    }

    /// The number of a meeting of Conclave that stands in it.
    pub(super) fn number(&self) -> Option<VmrNumber> {
        self.number.as_ref().map(|(_, number)| number.clone())
    }

    /// The meeting of Conclave whose invitation it is.
    pub(super) fn invitation(&self) -> Option<VmrId> {
        self.uid.strip_suffix("@conclave")?.parse().ok()
    }

    fn line(&mut self, line: &Line) {
        let moment = || Moment::read(&line.value, line.parameter("TZID"));
        match line.name.as_str() {
            "UID" => self.uid = line.value.trim().to_owned(),
            "DTSTART" => self.start = moment(),
            "DTEND" => self.end = moment(),
            "DURATION" => self.lasts = times::duration(&line.value),
            "RRULE" if self.rules.len() < MOST_RULES => self.rules.push(line.value.clone()),
            "RDATE" => moments(line, &mut self.more),
            "EXDATE" => moments(line, &mut self.but),
            "RECURRENCE-ID" => self.instead_of = moment(),
            "STATUS" => self.off = line.value.trim().eq_ignore_ascii_case("CANCELLED"),
            "TRANSP" => self.free |= line.value.trim().eq_ignore_ascii_case("TRANSPARENT"),
            "X-MICROSOFT-CDO-BUSYSTATUS" => {
                self.free |= line.value.trim().eq_ignore_ascii_case("FREE");
            }
            "CLASS" => self.private = !line.value.trim().eq_ignore_ascii_case("PUBLIC"),
            "SEQUENCE" => self.sequence = line.value.trim().parse().unwrap_or(0),
            "SUMMARY" => self.title = title(&line.text()),
            "X-CONCLAVE-NUMBER" => self.dialled(0, line.value.parse().ok()),
            "URL" | "CONFERENCE" => self.dialled(1, numbers::in_text(&line.value)),
            "LOCATION" => self.dialled(2, numbers::in_text(&line.text())),
            "DESCRIPTION" => self.dialled(3, numbers::in_text(&line.text())),
            _ => {}
        }
    }

    /// What says it more plainly counts more.
    fn dialled(&mut self, rank: u8, number: Option<VmrNumber>) {
        let Some(number) = number else { return };
        if self.number.as_ref().is_none_or(|(before, _)| rank < *before) {
            self.number = Some((rank, number));
        }
    }
}

fn moments(line: &Line, into: &mut Vec<Moment>) {
    let zone = line.parameter("TZID");
    // Of a span of time its beginning; it lasts as long as the others.
    let begins = line.value.split(',').map(|value| value.split('/').next().unwrap_or(value));
    let room = MOST_DATES.saturating_sub(into.len());
    into.extend(begins.filter_map(|value| Moment::read(value, zone)).take(room));
}

/// As much of a name as is shown; none when nothing is left.
fn title(text: &str) -> Option<DisplayName> {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_TITLE + 1)
        .collect();
    let plain = plain.trim();
    match plain.chars().count() > LONGEST_TITLE {
        true => {
            let cut: String = plain.chars().take(LONGEST_TITLE - 1).collect();
            format!("{}…", cut.trim_end()).parse().ok()
        }
        false => plain.parse().ok(),
    }
}

/// All of a calendar, or of several one after the other.
pub(super) struct Contents {
    pub(super) events: Vec<Event>,
    pub(super) zones: Zones,
    /// Meetings without a beginning.
    pub(super) unread: u32,
}

impl Contents {
    /// Nothing yet. `floating` is the clock of whoever looks.
    pub(super) fn new(floating: Tz) -> Contents {
        Contents { events: Vec::new(), zones: Zones::new(floating), unread: 0 }
    }

    /// Reads a calendar, or a piece of one. What begins later than `until` is of no interest.
    pub(super) fn read(&mut self, octets: &[u8], until: NaiveDateTime) -> Result<(), Unreadable> {
        // Parts that have begun and not ended, the innermost last.
        let mut inside: Vec<String> = Vec::new();
        let (mut event, mut zone) = (Event::default(), Draft::default());
        let mut calendars = 0;
        for line in lines(octets) {
            let value = || line.value.trim().to_ascii_uppercase();
            let at: Vec<&str> = inside.iter().map(String::as_str).collect();
            match (line.name.as_str(), at.as_slice()) {
                ("BEGIN", _) => {
                    let part = value();
                    match (part.as_str(), at.as_slice()) {
                        ("VCALENDAR", []) => calendars += 1,
                        (_, []) => return Err(Unreadable::NoCalendar),
                        ("VEVENT", ["VCALENDAR"]) => event = Event::default(),
                        ("VTIMEZONE", ["VCALENDAR"]) => zone = Draft::default(),
                        ("STANDARD" | "DAYLIGHT", ["VCALENDAR", "VTIMEZONE"]) => zone.rule(),
                        _ => {}
                    }
                    if inside.len() >= DEEPEST {
                        return Err(Unreadable::NoCalendar);
                    }
                    inside.push(part);
                }
                ("END", []) => return Err(Unreadable::NoCalendar),
                ("END", [.., last]) => {
                    if value() != *last {
                        return Err(Unreadable::Cut);
                    }
                    match at.as_slice() {
                        ["VCALENDAR", "VEVENT"] => {
                            let event = std::mem::take(&mut event);
                            match event.start.is_some() || event.instead_of.is_some() {
                                true if self.events.len() >= MOST_EVENTS => {
                                    return Err(Unreadable::TooMany);
                                }
                                true => self.events.push(event),
                                false => self.unread = self.unread.saturating_add(1),
                            }
                        }
                        ["VCALENDAR", "VTIMEZONE"] => {
                            self.zones.add(std::mem::take(&mut zone), until);
                        }
                        _ => {}
                    }
                    inside.pop();
                }
                ("X-WR-TIMEZONE", ["VCALENDAR"]) => self.zones.calendar_is_in(&line.value),
                (_, ["VCALENDAR", "VEVENT"]) => event.line(&line),
                (_, ["VCALENDAR", "VTIMEZONE"]) => zone.line(&line),
                (_, ["VCALENDAR", "VTIMEZONE", _]) => zone.line_of_rule(&line),
                (_, []) => return Err(Unreadable::NoCalendar),
                _ => {}
            }
        }
        match (calendars, inside.is_empty()) {
            (0, _) => Err(Unreadable::NoCalendar),
            (_, false) => Err(Unreadable::Cut),
            (_, true) => Ok(()),
        }
    }
}

//! Files of calendars, and answers of CalDAV servers. The module is built in here alone, like [`crate::control_lines`].

#[path = "../../cloud/server/src/calendars/ical/mod.rs"]
#[expect(dead_code, reason = "nothing is asked for here")]
#[expect(unused_imports, reason = "not all that it hands out is named here")]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
mod ical;

pub(crate) use ical::{CalendarKind, CalendarTrouble};

use conclave_types::UnixTime;
use ical::caldav::Multistatus;
use ical::{MOST_TAKEN, Window, within};

/// Monday, 30 November 2026, of the seeds.
const FROM: u64 = 1_795_993_200;
const DAYS: u64 = 14 * 86_400;

/// Meetings that are looked at in one input: what repeats until the year 10000 takes its time, which is no fault here.
const MOST_LOOKED_AT: usize = 50;

/// The input is a file.
pub fn file(input: &[u8]) {
    look(&[input]);
}

/// The input is an answer.
pub fn caldav(input: &[u8]) {
    if let Ok(read) = Multistatus::read(input) {
        look(&read.calendars);
    }
}

fn look(pieces: &[impl AsRef<[u8]>]) {
    let window = Window { from: UnixTime(FROM), until: UnixTime(FROM + DAYS) };
    let zone = "Europe/Paris".parse().ok();
    let mut left = MOST_LOOKED_AT;
    let mut goes_on = || {
        left = left.saturating_sub(1);
        left > 0
    };
    let Ok(found) = within(pieces, zone.as_ref(), window, &mut goes_on) else { return };
    assert!(found.taken.len() <= MOST_TAKEN);
    assert!(found.taken.is_sorted_by_key(|each| each.starts_at));
    for each in &found.taken {
        assert!(each.starts_at < each.ends_at);
        assert!(each.ends_at > window.from && each.starts_at < window.until);
    }
}

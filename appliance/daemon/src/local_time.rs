//! The time in the room, by its zone.

use chrono::Timelike;
use conclave_room::LocalTime;
use conclave_types::{TimeZone, UnixTime};

/// The time in a zone, or by the machine's own.
pub(crate) fn local_time(zone: Option<&TimeZone>) -> LocalTime {
    let zone = zone.and_then(|name| name.as_str().parse::<chrono_tz::Tz>().ok());
    match zone {
        Some(zone) => local_time_of(&chrono::Utc::now().with_timezone(&zone)),
        None => local_time_of(&chrono::Local::now()),
    }
}

fn local_time_of<Z: chrono::TimeZone>(now: &chrono::DateTime<Z>) -> LocalTime {
    let unix = |at: &chrono::DateTime<Z>| UnixTime(u64::try_from(at.timestamp()).unwrap_or(0));
    // A day is over at its midnight, or where the clock jumps over that, an hour later.
    let next = now.date_naive().succ_opt().and_then(|day| {
        let midnight = day.and_hms_opt(0, 0, 0).map(|at| now.timezone().from_local_datetime(&at));
        let later = || day.and_hms_opt(1, 0, 0).map(|at| now.timezone().from_local_datetime(&at));
        midnight.and_then(|at| at.earliest()).or_else(|| later().and_then(|at| at.earliest()))
    });
    let short = |number: u32| u8::try_from(number).unwrap_or(0);
    LocalTime {
        hours: short(now.hour()),
        minutes: short(now.minute()),
        at: unix(now),
        day_ends: next.as_ref().map_or_else(|| unix(now), unix),
    }
}

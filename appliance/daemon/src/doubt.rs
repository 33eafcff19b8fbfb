//! Whose clock is wrong, when the cloud says that this room's certificate has expired and by the room's clock it
//! has not. Pure.

use conclave_link_protocol::message::{Greeting, Refusal};
use conclave_types::{Time, UnixTime};
use std::time::Duration;

/// The cloud is believed when it has said so for this long. A cloud's clock that somebody set by mistake is mended
/// within a day, and costs no room its identity; a room that lay in a cupboard until its certificate had expired and
/// its battery was empty shows a new code on its second day.
const INSISTS: Duration = Duration::from_hours(24);

/// What the cloud has said of this room's certificate since it last took it.
#[derive(Debug, Default)]
pub(crate) struct Doubt {
    since: Option<Time>,
}

impl Doubt {
    /// The greeting as the room is to take it. `wall`: what the room's clock says; `expires`: when its certificate
    /// does, `None` where it has none.
    pub(crate) fn judge(
        &mut self,
        now: Time,
        wall: UnixTime,
        expires: Option<UnixTime>,
        greeting: Greeting,
    ) -> Greeting {
        let Greeting::Refused { reason: Refusal::Expired, retry_after_s } = greeting else {
            self.since = None;
            return greeting;
        };
        if expires.is_none_or(|expires| wall > expires) {
            return greeting;
        }
        if now.since(*self.since.get_or_insert(now)) >= INSISTS {
            tracing::error!(
                "the cloud has said for a day that this room's certificate has expired: it is believed"
            );
            return greeting;
        }
        tracing::error!(
            "the cloud says that this room's certificate has expired, and by this room's clock it has not: look \
             at the clock of the cloud's machine. The room keeps its certificate, tries again by itself, and \
             believes it after a day"
        );
        Greeting::Refused { reason: Refusal::Other, retry_after_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRES: Option<UnixTime> = Some(UnixTime(1_000));
    const BEFORE: UnixTime = UnixTime(999);

    fn expired() -> Greeting {
        Greeting::Refused { reason: Refusal::Expired, retry_after_s: 30 }
    }

    fn doubted() -> Greeting {
        Greeting::Refused { reason: Refusal::Other, retry_after_s: 30 }
    }

    #[test]
    fn a_certificate_that_has_expired_by_both_clocks_is_believed_at_once() {
        let mut doubt = Doubt::default();
        assert_eq!(doubt.judge(Time::ZERO, UnixTime(1_001), EXPIRES, expired()), expired());
        assert_eq!(doubt.judge(Time::ZERO, BEFORE, None, expired()), expired());
    }

    #[test]
    fn a_cloud_that_says_so_for_a_day_is_believed_and_one_that_changes_its_mind_begins_anew() {
        let mut doubt = Doubt::default();
        let start = Time::ZERO + Duration::from_secs(7);
        let almost = INSISTS - Duration::from_micros(1);
        assert_eq!(doubt.judge(start, BEFORE, EXPIRES, expired()), doubted());
        assert_eq!(doubt.judge(start + almost, BEFORE, EXPIRES, expired()), doubted());

        let other = Greeting::Refused { reason: Refusal::Other, retry_after_s: 1 };
        assert_eq!(doubt.judge(start + almost, BEFORE, EXPIRES, other.clone()), other);
        assert_eq!(doubt.judge(start + INSISTS, BEFORE, EXPIRES, expired()), doubted());
        assert_eq!(doubt.judge(start + INSISTS + INSISTS, BEFORE, EXPIRES, expired()), expired());
    }
}

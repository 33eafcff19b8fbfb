//! Webhooks: what happens in an organisation is told to addresses that it chose.
//!
//! - at least once, in no promised order: each delivery has an id by which who hears it twice knows it;
//! - signed as Standard Webhooks has it (standardwebhooks.com, "symmetric"): HMAC-SHA256 over `id.timestamp.body`;
//! - what an address does not take is tried again for a day, later each time; an address that takes nothing for days is switched
//!   off.
//!
//! Without clock, sockets and randomness.

use crate::repository::StoreError;
use crate::words::stored_words;
use conclave_types::{DeliveryId, OrganisationId, Redacted, UnixTime, WebhookId};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The most webhooks of an organisation. Each is told everything that happens.
pub const MOST_WEBHOOKS: usize = 20;

/// The most deliveries that wait for one webhook; what happens beyond is not told, and the webhook shows that. A day of a large
/// organisation.
pub const MOST_WAITING: usize = 1_000;

/// Deliveries of one webhook whose fates are kept, beside those that wait: enough to see what is wrong.
pub const KEPT: u32 = 100;

/// The longest address of a webhook, in octets.
const LONGEST_URL: usize = 500;

/// The first pause before a delivery is tried again; each doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2 * 3_600);

/// A delivery that was not taken by then is not tried any more.
pub const GIVEN_UP: Duration = Duration::from_secs(86_400);

/// A webhook that has taken nothing for so long is switched off: nobody looks after it.
pub const SWITCHED_OFF: Duration = Duration::from_secs(5 * 86_400);

stored_words! {
    /// What may be told. Words are only ever added; a body only ever gets more fields.
    EventKind:
    /// A room is linked.
    RoomLinked = "room.linked", "a room is connected";
    /// A room's link is gone.
    RoomUnlinked = "room.unlinked", "a room is not connected any more";
    /// A room was enrolled.
    RoomEnrolled = "room.enrolled", "a room was enrolled";
    /// A room was revoked.
    RoomRevoked = "room.revoked", "a room was revoked";
    /// A meeting began.
    MeetingBegun = "meeting.begun", "a meeting began";
    /// A meeting ended.
    MeetingEnded = "meeting.ended", "a meeting ended";
    /// A room's call ended.
    CallEnded = "call.ended", "a room's call ended";
    /// Somebody has an account.
    PersonAdded = "person.added", "somebody was given an account";
    /// Somebody has none any more.
    PersonRemoved = "person.removed", "somebody's account was removed";
    /// A room's update came to nothing.
    UpdateFailed = "update.failed", "a room's update failed";
    /// Somebody wanted to see whether it arrives. Every webhook is told.
    Test = "test", "a test";
}

impl EventKind {
    /// Those that can be chosen.
    pub const CHOSEN: [EventKind; 10] = [
        EventKind::RoomLinked,
        EventKind::RoomUnlinked,
        EventKind::RoomEnrolled,
        EventKind::RoomRevoked,
        EventKind::MeetingBegun,
        EventKind::MeetingEnded,
        EventKind::CallEnded,
        EventKind::PersonAdded,
        EventKind::PersonRemoved,
        EventKind::UpdateFailed,
    ];

    /// The one with this word, if it can be chosen.
    pub fn chosen(word: &str) -> Option<EventKind> {
        EventKind::CHOSEN.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// An address that is told: `https://`, a host, and whatever follows. It may hold a secret of its own, so it prints as a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookUrl(Redacted<String>);

impl HookUrl {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

/// A text that is no address of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoHookUrl;

impl fmt::Display for NoHookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a webhook's address begins with https:// and has {LONGEST_URL} characters at most"
        )
    }
}

impl std::error::Error for NoHookUrl {}

impl FromStr for HookUrl {
    type Err = NoHookUrl;

    fn from_str(text: &str) -> Result<HookUrl, NoHookUrl> {
        let rest = text.strip_prefix("https://").ok_or(NoHookUrl)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = text.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c));
        // A name before the host would be sent to nobody: it only misleads who reads it.
        let fits = plain && text.len() <= LONGEST_URL && !host.is_empty() && !host.contains('@');
        fits.then(|| HookUrl(Redacted(text.to_owned()))).ok_or(NoHookUrl)
    }
}

/// An address that is told what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Where it is.
    pub url: HookUrl,
    /// What it is told.
    pub kinds: Vec<EventKind>,
    /// The secret that its deliveries are signed with, sealed with a key that is not in the database.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: UnixTime,
    /// Since when it has taken nothing; `None`: it took the last delivery, or there was none.
    pub failing_since: Option<UnixTime>,
    /// When it was switched off, by somebody or by itself; `None`: it is on.
    pub off_at: Option<UnixTime>,
}

stored_words! {
    /// What became of a delivery.
    DeliveryFate:
    /// It is on its way, or will be tried again.
    Waiting = "waiting", "on its way";
    /// It was taken.
    Taken = "taken", "taken";
    /// It was not, and is not tried any more.
    GivenUp = "given_up", "given up";
}

/// One thing that happened, for one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, the same however often it is tried.
    pub id: DeliveryId,
    /// For which.
    pub webhook: WebhookId,
    /// What it is about.
    pub kind: EventKind,
    /// What is sent, in JSON.
    pub body: Redacted<String>,
    /// When it happened.
    pub at: UnixTime,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next, while it waits.
    pub next_at: UnixTime,
    /// What became of it.
    pub fate: DeliveryFate,
    /// What the address answered last, or why it could not be asked.
    pub answer: Option<Redacted<String>>,
}

impl Delivery {
    /// It was tried at `now` and not taken: when it is tried again, or that it is given up. `chance` is any number, which scatters
    /// what failed together.
    pub fn not_taken(&mut self, now: UnixTime, answer: String, chance: u32) {
        self.tries = self.tries.saturating_add(1);
        self.answer = Some(Redacted(answer));
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.tries - 1).min(20)).min(LONGEST_PAUSE);
        let scattered = u64::from(chance) * (pause.as_secs() / 4) / u64::from(u32::MAX);
        self.next_at = now.after(pause + Duration::from_secs(scattered));
        if self.at.until(self.next_at) > GIVEN_UP {
            self.fate = DeliveryFate::GivenUp;
        }
    }

    /// It was taken.
    pub fn taken(&mut self, answer: String) {
        self.tries = self.tries.saturating_add(1);
        self.answer = Some(Redacted(answer));
        self.fate = DeliveryFate::Taken;
    }
}

/// Webhooks and their deliveries.
pub trait Webhooks {
    /// All webhooks, of every organisation, the oldest first.
    fn webhooks(&self) -> Result<Vec<Webhook>, StoreError>;
    /// Keeps one, new or changed.
    fn keep_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError>;
    /// Removes one with its deliveries; `false` when there is none.
    fn remove_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError>;
    /// Those that wait, the oldest first.
    fn waiting_deliveries(&self) -> Result<Vec<Delivery>, StoreError>;
    /// One webhook's, the newest first, at most so many.
    fn deliveries(&self, webhook: WebhookId, most: u32) -> Result<Vec<Delivery>, StoreError>;
    /// Keeps new ones.
    fn add_deliveries(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError>;
    /// Keeps what became of one, and forgets the oldest of its webhook's that wait no more, beyond [`KEPT`].
    fn keep_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(at: UnixTime) -> Delivery {
        Delivery {
            id: DeliveryId::from_random(1),
            webhook: WebhookId::from_random(2),
            kind: EventKind::RoomLinked,
            body: Redacted("{}".into()),
            at,
            tries: 0,
            next_at: at,
            fate: DeliveryFate::Waiting,
            answer: None,
        }
    }

    #[test]
    fn what_is_not_taken_is_tried_later_each_time_and_given_up_after_a_day() {
        for chance in [0, u32::MAX] {
            let begun = UnixTime(1_796_025_600);
            let mut one = delivery(begun);
            let mut pauses = Vec::new();
            while one.fate == DeliveryFate::Waiting {
                let now = one.next_at;
                one.not_taken(now, "500".into(), chance);
                pauses.push(now.until(one.next_at).as_secs());
                assert!(pauses.len() < 100, "it is never given up");
            }
            assert!(pauses.windows(2).all(|two| two[0] <= two[1]), "{pauses:?}");
            assert!(pauses.len() >= 15, "it is tried often enough: {pauses:?}");
            assert_eq!(usize::try_from(one.tries), Ok(pauses.len()));
        }
    }

    #[test]
    fn an_address_is_https_and_nothing_else() {
        let good = "https://hooks.example.org:8443/conclave?key=a%20b";
        assert_eq!(good.parse::<HookUrl>().unwrap().as_str(), good);
        let long = format!("https://example.org/{}", "x".repeat(LONGEST_URL));
        for bad in [
            "",
            "http://example.org",
            "https://",
            "https:///x",
            "https://a b",
            "https://ada@example.org",
            "https://example.org/\r\nX: y",
            "https://example.org/#x",
            &long,
        ] {
            assert_eq!(bad.parse::<HookUrl>(), Err(NoHookUrl), "{bad}");
        }
    }

    #[test]
    fn a_test_cannot_be_chosen_and_all_the_rest_can() {
        assert_eq!(EventKind::chosen("test"), None);
        for kind in EventKind::CHOSEN {
            assert_eq!(EventKind::chosen(kind.as_str()), Some(kind));
            assert_eq!(EventKind::from_str(kind.as_str()), Some(kind));
        }
    }
}

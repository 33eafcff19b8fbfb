//! Activation codes: how a new room shows that it is the one in front of which somebody stands.
//!
//! A newcomer connects with a key that nobody knows and gets a code, which its panel shows. An
//! administrator who reads it there claims it, and the key behind it becomes a room.
//!
//! - A code has 40 random bits, works once, and for [`CODE_LIFETIME`].
//! - A key has one code at a time. Whoever reconnects within its life keeps it, so that the panel
//!   does not change under the eyes of the person who types it off. When it runs out and the
//!   newcomer is still there, a new one takes its place.
//! - Guessing: after [`FREE_GUESSES`] wrong claims one more is allowed each [`GUESS_INTERVAL`].
//!   That is 720 a day; with [`MOST_NEWCOMERS`] codes waiting all day, the chance that one of them is
//!   hit is 730 × 1,000 ÷ 2⁴⁰, below one in a million per day of claiming without pause, by somebody
//!   who holds the administrator's rights anyway.
//!
//! Codes are kept in memory only: they belong to a live connection and to a quarter of an hour,
//! and after a restart of the cloud each newcomer reconnects and is shown a new one.

use crate::hex;
use conclave_types::{ActivationCode, Time};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

/// How long a code works. Fifteen minutes: time to walk from the room to a desk. Longer, and a
/// photograph of a panel is worth something; shorter, and people have to hurry.
pub const CODE_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The most keys that wait at once. Anybody who reaches the cloud's port can wait, so there has
/// to be an end; a thousand is more than anybody installs in a quarter of an hour.
pub const MOST_NEWCOMERS: usize = 1_000;

/// Wrong claims that are answered at once. Ten: a bad typist, on a bad day.
pub const FREE_GUESSES: u32 = 10;

/// Each interval gives one more wrong claim back. Two minutes: lowered, a day of claims is worth more than one chance
/// in a million; raised, a bad typist waits longer.
pub const GUESS_INTERVAL: Duration = Duration::from_secs(120);

/// How many spent codes are remembered, so that a late or second claim is told what happened.
const MOST_SPENT: usize = 1_000;

/// SHA-256 over the DER of a public key (SubjectPublicKeyInfo): names a device's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyFingerprint([u8; 32]);

impl KeyFingerprint {
    /// The fingerprint of a key, given as DER of its SubjectPublicKeyInfo.
    pub fn of(spki_der: &[u8]) -> KeyFingerprint {
        let digest = ring::digest::digest(&ring::digest::SHA256, spki_der);
        let mut octets = [0; 32];
        octets.copy_from_slice(digest.as_ref());
        KeyFingerprint(octets)
    }

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<KeyFingerprint> {
        hex::read(text).map(KeyFingerprint)
    }
}

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for KeyFingerprint {
    /// The first eight digits are enough to match lines of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// A code and how long it still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedCode {
    /// What the panel shows.
    pub code: ActivationCode,
    /// At most [`CODE_LIFETIME`].
    pub expires_in: Duration,
}

/// Why a claim is refused. Each reason tells the administrator something else to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No panel shows this code, nor did one lately.
    #[error("no room shows this code: compare it with the panel, letter by letter")]
    Unknown,
    /// The code has done its work.
    #[error("this code was used already, and each code works once: the panel shows a new one")]
    Used,
    /// The code is too old.
    #[error("this code is older than 15 minutes: the panel shows a new one")]
    Expired,
    /// The code is good, but its room is not linked at this moment.
    #[error("the room that showed this code is not connected: check its network, then claim again")]
    NotConnected,
    /// Too many wrong codes.
    #[error("too many wrong codes: wait {} seconds, then try again", .wait.as_secs().max(1))]
    TooManyGuesses {
        /// Until the next claim is looked at.
        wait: Duration,
    },
}

/// So many newcomers wait that one more cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many newcomers wait for their activation")]
pub struct TooManyNewcomers;

#[derive(Debug)]
struct Waiting {
    code: ActivationCode,
    expires: Time,
    presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Here,
    Away,
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Used,
    Expired,
}

/// All codes that work, and those that did lately.
#[derive(Debug, Default)]
pub struct Activation {
    waiting: BTreeMap<KeyFingerprint, Waiting>,
    spent: VecDeque<(ActivationCode, Fate)>,
    wrong_claims: u32,
    /// From when on the next interval counts.
    forgiven_at: Time,
}

impl Activation {
    /// Nobody waits.
    pub fn new() -> Activation {
        Activation::default()
    }

    /// A newcomer with this key is connected: which code does its panel show?
    /// `random` is called for 40 random bits until a code comes out that is not in use.
    pub fn arrived(
        &mut self,
        now: Time,
        key: KeyFingerprint,
        random: &mut dyn FnMut() -> u64,
    ) -> Result<IssuedCode, TooManyNewcomers> {
        self.drop_expired_absent(now);
        if let Some(waiting) = self.waiting.get_mut(&key)
            && waiting.expires > now
        {
            waiting.presence = Presence::Here;
            let expires_in = waiting.expires.since(now);
            return Ok(IssuedCode { code: waiting.code, expires_in });
        }
        if self.waiting.len() >= MOST_NEWCOMERS && !self.waiting.contains_key(&key) {
            let absent = self.waiting.iter().filter(|(_, w)| w.presence == Presence::Away);
            let oldest = absent.min_by_key(|(_, w)| w.expires).map(|(key, _)| *key);
            self.retire(&oldest.ok_or(TooManyNewcomers)?, Fate::Expired);
        }
        Ok(self.issue(now, key, random))
    }

    /// The newcomer with this key is not connected any more. Its code lives on for its return.
    pub fn gone(&mut self, key: KeyFingerprint) {
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.presence = Presence::Away;
        }
    }

    /// The newcomers who are here and whose codes have run out get new ones: tell them.
    pub fn renew_expired(
        &mut self,
        now: Time,
        random: &mut dyn FnMut() -> u64,
    ) -> Vec<(KeyFingerprint, IssuedCode)> {
        self.drop_expired_absent(now);
        let due = self.waiting.iter().filter(|(_, w)| w.expires <= now);
        let due: Vec<_> = due.map(|(key, _)| *key).collect();
        due.into_iter().map(|key| (key, self.issue(now, key, random))).collect()
    }

    /// When [`Activation::renew_expired`] has something to do.
    pub fn deadline(&self) -> Option<Time> {
        self.waiting.values().filter(|w| w.presence == Presence::Here).map(|w| w.expires).min()
    }

    /// Which key is behind a code that somebody typed? The code is not used up by asking: call
    /// [`Activation::used`] when the room is enrolled, so that a full disk does not cost the code.
    pub fn claim(&mut self, now: Time, code: ActivationCode) -> Result<KeyFingerprint, ClaimError> {
        let intervals = now.since(self.forgiven_at).as_secs() / GUESS_INTERVAL.as_secs();
        let forgiven = u32::try_from(intervals).unwrap_or(u32::MAX);
        if self.wrong_claims == 0 {
            self.forgiven_at = now;
        } else if forgiven > 0 {
            self.wrong_claims = self.wrong_claims.saturating_sub(forgiven);
            self.forgiven_at = self.forgiven_at + GUESS_INTERVAL * forgiven;
        }
        if self.wrong_claims >= FREE_GUESSES {
            let wait = (self.forgiven_at + GUESS_INTERVAL).since(now);
            return Err(ClaimError::TooManyGuesses { wait });
        }
        let found = self.waiting.iter().find(|(_, w)| w.code == code);
        if let Some((key, waiting)) = found {
            return match waiting.presence {
                _ if waiting.expires <= now => Err(ClaimError::Expired),
                Presence::Away => Err(ClaimError::NotConnected),
                Presence::Here => Ok(*key),
            };
        }
        let spent = self.spent.iter().rev().find(|(spent, _)| *spent == code);
        match spent {
            Some((_, Fate::Used)) => Err(ClaimError::Used),
            Some((_, Fate::Expired)) => Err(ClaimError::Expired),
            None => {
                self.wrong_claims += 1;
                Err(ClaimError::Unknown)
            }
        }
    }

    /// The room behind this key is enrolled: its code has done its work.
    pub fn used(&mut self, key: KeyFingerprint) {
        self.retire(&key, Fate::Used);
    }

    fn issue(
        &mut self,
        now: Time,
        key: KeyFingerprint,
        random: &mut dyn FnMut() -> u64,
    ) -> IssuedCode {
        self.retire(&key, Fate::Expired);
        let mut code = ActivationCode::from_random(random());
        while self.waiting.values().any(|w| w.code == code)
            || self.spent.iter().any(|(spent, _)| *spent == code)
        {
            code = ActivationCode::from_random(random());
        }
        let expires = now + CODE_LIFETIME;
        self.waiting.insert(key, Waiting { code, expires, presence: Presence::Here });
        IssuedCode { code, expires_in: CODE_LIFETIME }
    }

    fn drop_expired_absent(&mut self, now: Time) {
        let over = |w: &Waiting| w.presence == Presence::Away && w.expires <= now;
        let over: Vec<_> =
            self.waiting.iter().filter(|(_, w)| over(w)).map(|(key, _)| *key).collect();
        for key in over {
            self.retire(&key, Fate::Expired);
        }
    }

    fn retire(&mut self, key: &KeyFingerprint, fate: Fate) {
        if let Some(waiting) = self.waiting.remove(key) {
            if self.spent.len() == MOST_SPENT {
                self.spent.pop_front();
            }
            self.spent.push_back((waiting.code, fate));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(5_000_000);

    fn key(n: u32) -> KeyFingerprint {
        KeyFingerprint::of(&n.to_be_bytes())
    }

    fn counter() -> impl FnMut() -> u64 {
        let mut next = 0;
        move || {
            next += 1;
            next
        }
    }

    #[test]
    fn a_code_leads_to_its_key_once() {
        let mut activation = Activation::new();
        let code = activation.arrived(NOW, key(1), &mut counter()).unwrap().code;
        assert_eq!(activation.claim(NOW, code), Ok(key(1)));
        assert_eq!(activation.claim(NOW, code), Ok(key(1)), "asking uses nothing up");
        activation.used(key(1));
        assert_eq!(activation.claim(NOW, code), Err(ClaimError::Used));
    }

    #[test]
    fn a_late_code_is_told_apart_from_an_unknown_one() {
        let mut activation = Activation::new();
        let mut random = counter();
        let code = activation.arrived(NOW, key(1), &mut random).unwrap().code;
        let late = NOW + CODE_LIFETIME;
        assert_eq!(activation.claim(late, code), Err(ClaimError::Expired));
        assert_eq!(activation.deadline(), Some(late));
        let renewed = activation.renew_expired(late, &mut random);
        assert_eq!(renewed.len(), 1);
        assert_ne!(renewed[0].1.code, code);
        assert_eq!(activation.claim(late, code), Err(ClaimError::Expired));
        assert_eq!(activation.claim(late, renewed[0].1.code), Ok(key(1)));
        let never = ActivationCode::from_random(777);
        assert_eq!(activation.claim(late, never), Err(ClaimError::Unknown));
    }

    #[test]
    fn a_newcomer_that_reconnects_keeps_its_code() {
        let mut activation = Activation::new();
        let mut random = counter();
        let first = activation.arrived(NOW, key(1), &mut random).unwrap();
        activation.gone(key(1));
        assert_eq!(activation.deadline(), None);
        assert_eq!(activation.claim(NOW, first.code), Err(ClaimError::NotConnected));
        let minute = Duration::from_secs(60);
        let again = activation.arrived(NOW + minute, key(1), &mut random).unwrap();
        assert_eq!(again, IssuedCode { code: first.code, expires_in: CODE_LIFETIME - minute });
    }

    #[test]
    fn guessing_is_slowed_down_and_forgiven_with_time() {
        let mut activation = Activation::new();
        let guess = |n: u32| ActivationCode::from_random(u64::from(n) + 1_000);
        for n in 0..FREE_GUESSES {
            assert_eq!(activation.claim(NOW, guess(n)), Err(ClaimError::Unknown));
        }
        let wait = GUESS_INTERVAL;
        assert_eq!(activation.claim(NOW, guess(99)), Err(ClaimError::TooManyGuesses { wait }));
        assert_eq!(activation.claim(NOW + wait, guess(99)), Err(ClaimError::Unknown));
        assert!(matches!(
            activation.claim(NOW + wait, guess(99)),
            Err(ClaimError::TooManyGuesses { .. })
        ));
    }

    #[test]
    fn a_day_of_guessing_is_worth_less_than_one_chance_in_a_million() {
        let mut activation = Activation::new();
        let mut tries = 0_u64;
        for second in 0..86_400 {
            let now = NOW + Duration::from_secs(second);
            while activation.claim(now, ActivationCode::from_random(9)) == Err(ClaimError::Unknown)
            {
                tries += 1;
            }
        }
        assert!((720..=720 + u64::from(FREE_GUESSES)).contains(&tries), "{tries} in a day");
        // Each guess meets one of the codes that panels show, of 2^40.
        assert!(tries * MOST_NEWCOMERS as u64 * 1_000_000 < 1 << 40, "{tries} in a day");
    }

    #[test]
    fn the_crowd_of_newcomers_has_an_end_and_the_absent_make_room() {
        let mut activation = Activation::new();
        let mut random = counter();
        for n in 0..MOST_NEWCOMERS as u32 {
            activation.arrived(NOW, key(n), &mut random).unwrap();
        }
        let one_more = key(MOST_NEWCOMERS as u32);
        assert_eq!(activation.arrived(NOW, one_more, &mut random), Err(TooManyNewcomers));
        activation.gone(key(7));
        assert!(activation.arrived(NOW, one_more, &mut random).is_ok());
    }

    #[test]
    fn fingerprints_survive_being_written_and_read() {
        assert_eq!(KeyFingerprint::from_hex(&key(1).to_string()), Some(key(1)));
        assert_eq!(KeyFingerprint::from_hex("00"), None);
        assert_eq!(KeyFingerprint::from_hex(&"é".repeat(32)), None);
    }
}

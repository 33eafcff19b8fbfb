//! How often somebody may try to sign in.
//!
//! What is wanted: a password is not guessed, whatever a crowd of addresses does; nobody learns whether an address
//! has an account; and nobody keeps the owner of an account out for good. So each try is held against
//!
//! - **its account's strangers**: browsers that never signed in there share one count. [`FREE`] failures are free,
//!   then each doubles the waiting, from 30 s to 20 min. An hour without a failure forgives one. An address
//!   without an account is counted like one with, so the answers are the same;
//! - **or its own count, once it is known**: a browser that signed in before shows so by a token of its own
//!   (a *device*), and strangers cannot make it wait;
//! - **its source**: a network that failed [`FREE_OF_SOURCE`] times waits, for whichever account, up to an hour.
//!   Known browsers do not share that either: a whole building may have one address.
//!
//! The arithmetic for a day: a stranger's account is tried [`most_a_day`] times, however many addresses try. With
//! [`crate::password::LEAST_GUESSES`] guesses in front of the right one that is a chance below one in a million. The test
//! `a_thousand_addresses_gain_less_than_one_chance_in_a_million` plays the day.
//!
//! Memory is bounded: [`MOST`] accounts, devices and sources each. What is forgiven is forgotten; when a table is
//! full nevertheless, strangers wait and known browsers do not.
//!
//! A try is counted when it begins: two at once are two.

use conclave_types::{EmailAddress, Time};
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Failures before an account's strangers, or a known browser, have to wait. Five: people have several passwords.
pub const FREE: u32 = 5;

/// The same for a source: a whole office may sit behind one address.
pub const FREE_OF_SOURCE: u32 = 20;

/// The first waiting; each failure doubles it.
const FIRST_DELAY: Duration = Duration::from_secs(30);

/// The longest waiting at an account. Lowered, a crowd guesses faster; raised, whoever forgot a password has
/// a longer coffee.
const LONGEST_DELAY: Duration = Duration::from_secs(20 * 60);

/// The longest waiting of a source.
const LONGEST_OF_SOURCE: Duration = Duration::from_secs(3_600);

/// One failure is forgiven for each such time without one.
const FORGIVING: Duration = Duration::from_secs(3_600);

/// The most entries of each table: some megabytes.
pub const MOST: usize = 100_000;

/// What a stranger waits when the tables are full.
const FULL: Duration = Duration::from_secs(60);

/// A browser that signed in before, by a token that it alone has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Device(pub [u8; 32]);

/// An account as it is counted: a hash, so that no address of somebody without an account is kept.
type Account = [u8; 32];

/// Whoever tries.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// At which account.
    pub email: &'a EmailAddress,
    /// From where.
    pub source: IpAddr,
    /// As which browser, when it has signed in to this account before.
    pub device: Option<Device>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    last: Time,
}

impl Count {
    /// The failures that time has not forgiven.
    fn remaining(self, now: Time) -> u32 {
        let quiet = now.since(self.last).as_secs() / FORGIVING.as_secs();
        self.failures.saturating_sub(u32::try_from(quiet).unwrap_or(u32::MAX))
    }

    fn wait(self, now: Time, free: u32, longest: Duration) -> Duration {
        let failures = self.remaining(now);
        if failures < free {
            return Duration::ZERO;
        }
        let delay = FIRST_DELAY.saturating_mul(1 << (failures - free).min(16)).min(longest);
        delay.saturating_sub(now.since(self.last))
    }
}

/// All tries that are not forgiven.
#[derive(Default)]
pub struct SignIns {
    accounts: BTreeMap<Account, Count>,
    devices: BTreeMap<Device, Count>,
    sources: BTreeMap<IpAddr, Count>,
    swept: Option<Time>,
}

impl SignIns {
    /// May this be tried now? If so it counts as a failure until [`SignIns::succeeded`].
    ///
    /// # Errors
    /// How long to wait.
    pub fn begin(&mut self, now: Time, attempt: Attempt<'_>) -> Result<(), Duration> {
        self.sweep(now);
        if let Some(device) = attempt.device {
            let wait = waiting(&self.devices, &device, now, FREE, LONGEST_DELAY);
            return if wait.is_zero() && count(&mut self.devices, device, now) {
                Ok(())
            } else {
                Err(wait.max(Duration::from_secs(1)))
            };
        }
        let (account, source) = (account(attempt.email), network(attempt.source));
        let wait = waiting(&self.accounts, &account, now, FREE, LONGEST_DELAY).max(waiting(
            &self.sources,
            &source,
            now,
            FREE_OF_SOURCE,
            LONGEST_OF_SOURCE,
        ));
        if !wait.is_zero() {
            return Err(wait);
        }
        let fits = |is_there: bool, length: usize| is_there || length < MOST;
        if !fits(self.accounts.contains_key(&account), self.accounts.len())
            || !fits(self.sources.contains_key(&source), self.sources.len())
        {
            return Err(FULL);
        }
        count(&mut self.accounts, account, now);
        count(&mut self.sources, source, now);
        Ok(())
    }

    /// The same for whoever shows a key, which nobody guesses: an account is not kept from its owner by those who try its
    /// password. What is counted is where tries come from, for what they cost.
    ///
    /// # Errors
    /// How long to wait.
    pub fn begin_with_key(
        &mut self,
        now: Time,
        source: IpAddr,
        device: Option<Device>,
    ) -> Result<(), Duration> {
        self.sweep(now);
        let source = network(source);
        let wait = match device {
            Some(device) => waiting(&self.devices, &device, now, FREE, LONGEST_DELAY),
            None => waiting(&self.sources, &source, now, FREE_OF_SOURCE, LONGEST_OF_SOURCE),
        };
        if !wait.is_zero() {
            return Err(wait);
        }
        let counted = match device {
            Some(device) => count(&mut self.devices, device, now),
            None => count(&mut self.sources, source, now),
        };
        if counted { Ok(()) } else { Err(FULL) }
    }

    /// The key was right: this try counts no more.
    pub fn key_was_right(&mut self, source: IpAddr, device: Option<Device>) {
        match device {
            Some(device) => {
                self.devices.remove(&device);
            }
            None => self.take_back(source),
        }
    }

    /// The password was right: this try and those before it count no more, for whoever tried.
    pub fn succeeded(&mut self, attempt: Attempt<'_>) {
        match attempt.device {
            Some(device) => {
                self.devices.remove(&device);
            }
            None => {
                self.accounts.remove(&account(attempt.email));
                self.take_back(attempt.source);
            }
        }
    }

    /// A source may have failed elsewhere: only this try is taken back.
    fn take_back(&mut self, source: IpAddr) {
        if let Some(count) = self.sources.get_mut(&network(source)) {
            count.failures = count.failures.saturating_sub(1);
        }
    }

    /// Once a minute what is forgiven is forgotten.
    fn sweep(&mut self, now: Time) {
        if self.swept.is_some_and(|at| now.since(at) < Duration::from_secs(60)) {
            return;
        }
        self.swept = Some(now);
        self.accounts.retain(|_, count| count.remaining(now) > 0);
        self.devices.retain(|_, count| count.remaining(now) > 0);
        self.sources.retain(|_, count| count.remaining(now) > 0);
    }
}

fn waiting<K: Ord>(
    table: &BTreeMap<K, Count>,
    key: &K,
    now: Time,
    free: u32,
    longest: Duration,
) -> Duration {
    table.get(key).map_or(Duration::ZERO, |count| count.wait(now, free, longest))
}

/// Counts a failure; `false` when there is no place for it.
fn count<K: Ord>(table: &mut BTreeMap<K, Count>, key: K, now: Time) -> bool {
    let failures = match table.get(&key) {
        Some(before) => before.remaining(now) + 1,
        None if table.len() >= MOST => return false,
        None => 1,
    };
    table.insert(key, Count { failures, last: now });
    true
}

pub(crate) fn account(email: &EmailAddress) -> Account {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, email.as_str().as_bytes()).as_ref());
    hash
}

/// Whoever has an IPv6 address has all of its /64 (RFC 6177): they are one source.
pub fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        address => address,
    }
}

/// The most tries at one account in a day by strangers, from the first on.
pub fn most_a_day() -> u32 {
    let mut tries = 0;
    let mut spent = Duration::ZERO;
    let (mut failures, day) = (0, Duration::from_secs(86_400));
    while spent < day {
        tries += 1;
        failures += 1;
        let count = Count { failures, last: Time::ZERO };
        spent += count.wait(Time::ZERO, FREE, LONGEST_DELAY);
    }
    tries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::LEAST_GUESSES;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const DAY: Duration = Duration::from_secs(86_400);

    fn ada() -> EmailAddress {
        "ada@example.org".parse().unwrap()
    }

    fn from(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n))
    }

    fn attempt(email: &EmailAddress, n: u32) -> Attempt<'_> {
        Attempt { email, source: from(n), device: None }
    }

    #[test]
    fn a_thousand_addresses_gain_less_than_one_chance_in_a_million() {
        let (mut tries, email) = (SignIns::default(), ada());
        let (mut now, mut looked_at, mut turn) = (Time::ZERO, 0_u64, 0);
        while now.since(Time::ZERO) < DAY {
            turn += 1;
            match tries.begin(now, attempt(&email, turn % 1_000)) {
                Ok(()) => looked_at += 1,
                Err(wait) => now = now + wait,
            }
        }
        assert_eq!(looked_at, u64::from(most_a_day()));
        assert!(looked_at * 1_000_000 < LEAST_GUESSES, "{looked_at} tries in a day");
    }

    #[test]
    fn a_thousand_addresses_that_try_every_account_are_slowed_down_each_by_itself() {
        let mut tries = SignIns::default();
        let emails: Vec<EmailAddress> =
            (0..500).map(|n| format!("p{n}@example.org").parse().unwrap()).collect();
        // One source alone, at an account of its own each time.
        let (mut now, mut looked_at) = (Time::ZERO, 0_u32);
        while now.since(Time::ZERO) < DAY {
            match tries.begin(now, attempt(&emails[looked_at as usize % emails.len()], 1)) {
                Ok(()) => looked_at += 1,
                Err(wait) => now = now + wait,
            }
        }
        assert!(looked_at < 60, "{looked_at}");
    }

    #[test]
    fn an_address_without_an_account_waits_like_one_with() {
        // Nothing here knows which have one; what the caller does on success alone tells them apart.
        let (mut tries, email, other) = (SignIns::default(), ada(), "nobody@x".parse().unwrap());
        for n in 0..FREE {
            assert_eq!(tries.begin(Time::ZERO, attempt(&email, n)), Ok(()));
            assert_eq!(tries.begin(Time::ZERO, attempt(&other, n)), Ok(()));
        }
        let (one, two) = (
            tries.begin(Time::ZERO, attempt(&email, 90)),
            tries.begin(Time::ZERO, attempt(&other, 91)),
        );
        assert_eq!(one, two);
        assert_eq!(one, Err(FIRST_DELAY));
    }

    #[test]
    fn a_browser_that_is_known_is_not_kept_out_by_strangers_and_has_few_tries_of_its_own() {
        let (mut tries, email) = (SignIns::default(), ada());
        let mut now = Time::ZERO;
        for n in 0..2_000 {
            if let Err(wait) = tries.begin(now, attempt(&email, n)) {
                now = now + wait.min(Duration::from_secs(1));
            }
        }
        assert!(tries.begin(now, attempt(&email, 1)).is_err());
        let known = Attempt { device: Some(Device([7; 32])), ..attempt(&email, 1) };
        for _ in 0..FREE {
            assert_eq!(tries.begin(now, known), Ok(()));
        }
        assert_eq!(tries.begin(now, known), Err(FIRST_DELAY));
        tries.succeeded(known);
        assert_eq!(tries.begin(now, known), Ok(()));
    }

    #[test]
    fn whoever_shows_keys_waits_by_where_they_come_from_and_not_for_what_others_do_at_an_account() {
        let mut tries = SignIns::default();
        for n in 0..FREE {
            assert_eq!(tries.begin(Time::ZERO, attempt(&ada(), n)), Ok(()));
        }
        assert!(tries.begin(Time::ZERO, attempt(&ada(), 90)).is_err());
        assert_eq!(tries.begin_with_key(Time::ZERO, from(91), None), Ok(()), "her key is hers");
        for _ in 1..FREE_OF_SOURCE {
            assert_eq!(tries.begin_with_key(Time::ZERO, from(91), None), Ok(()));
        }
        assert_eq!(tries.begin_with_key(Time::ZERO, from(91), None), Err(FIRST_DELAY));
        let known = Some(Device([7; 32]));
        for _ in 0..FREE {
            assert_eq!(
                tries.begin_with_key(Time::ZERO, from(91), known),
                Ok(()),
                "a known browser"
            );
        }
        assert_eq!(tries.begin_with_key(Time::ZERO, from(91), known), Err(FIRST_DELAY));
        tries.key_was_right(from(91), known);
        assert_eq!(tries.begin_with_key(Time::ZERO, from(91), known), Ok(()));
        for _ in 0..500 {
            assert_eq!(tries.begin_with_key(Time::ZERO, from(92), None), Ok(()), "an office");
            tries.key_was_right(from(92), None);
        }
    }

    #[test]
    fn an_office_behind_one_address_signs_in_however_many_they_are() {
        let mut tries = SignIns::default();
        for n in 0..500 {
            let email = format!("p{n}@example.org").parse().unwrap();
            let once = attempt(&email, 1);
            assert_eq!(tries.begin(Time::ZERO, once), Ok(()), "{n}");
            tries.succeeded(once);
        }
    }

    #[test]
    fn a_whole_network_of_ipv6_addresses_is_one_source() {
        let (mut tries, mut waits) = (SignIns::default(), 0);
        for n in 0..100_u16 {
            let email = format!("p{n}@example.org").parse().unwrap();
            let source = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, n, n).into();
            waits += u32::from(
                tries.begin(Time::ZERO, Attempt { email: &email, source, device: None }).is_err(),
            );
        }
        assert_eq!(waits, 100 - FREE_OF_SOURCE);
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(network(mapped), from(1));
    }

    #[test]
    fn memory_is_bounded_and_what_is_forgiven_is_forgotten() {
        let mut tries = SignIns::default();
        for n in 0..MOST as u32 + 10 {
            let email = format!("p{n}@example.org").parse().unwrap();
            let begun = tries.begin(Time::ZERO, attempt(&email, n));
            assert_eq!(begun.is_ok(), (n as usize) < MOST, "{n}");
        }
        let email = ada();
        let known = Attempt { device: Some(Device([7; 32])), ..attempt(&email, 1) };
        assert_eq!(tries.begin(Time::ZERO, known), Ok(()), "known ones have places of their own");
        let later = Time::ZERO + FORGIVING + Duration::from_secs(61);
        assert_eq!(tries.begin(later, attempt(&ada(), 1)), Ok(()));
        assert_eq!((tries.accounts.len(), tries.devices.len()), (1, 0));
    }
}

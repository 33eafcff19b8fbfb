//! How often strangers may ask for a letter with which they make themselves an account.
//!
//! What is wanted: nobody fills mailboxes through us, and nobody learns whether an address or its domain is known here. So
//! each asking is counted, whatever the address: by where it came from ([`FROM_ONE`] an hour), and all together
//! ([`IN_ALL`] an hour). Whoever asks too often waits, and is told so. To one address go [`LETTERS_TO_ONE`] letters a day at
//! most; of a further one nobody is told anything.
//!
//! Memory is bounded by [`IN_ALL`]: what is counted nowhere is kept nowhere, and what is older than a day is forgotten.

use crate::sign_in::{account, network};
use conclave_types::{EmailAddress, Time};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Askings of one source in an hour: an office whose people sign up on one day sits behind one address.
pub const FROM_ONE: u32 = 20;

/// Askings in all in an hour. Raised, a crowd sends more letters in our name; lowered, it keeps others from signing up sooner.
pub const IN_ALL: u32 = 500;

/// Letters to one address in a day: the first, one that was lost, one that was deleted.
pub const LETTERS_TO_ONE: u32 = 3;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Whether a letter may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayWrite {
    /// Yes.
    Yes,
    /// No, and whoever asked is answered as if.
    Unsaid,
    /// Not now: whoever asked waits so long.
    Wait(Duration),
}

/// How many there were since then.
#[derive(Debug, Clone, Copy)]
struct Count {
    since: Time,
    many: u32,
}

impl Count {
    fn now(self, now: Time, within: Duration) -> Count {
        match now.since(self.since) >= within {
            true => Count { since: now, many: 0 },
            false => self,
        }
    }
}

/// All askings that still count.
#[derive(Default)]
pub struct SignUps {
    sources: BTreeMap<IpAddr, Count>,
    addresses: BTreeMap<[u8; 32], Count>,
    all: Option<Count>,
}

impl SignUps {
    /// Somebody asks for a letter to this address.
    pub fn ask(&mut self, now: Time, email: &EmailAddress, source: IpAddr) -> MayWrite {
        let fresh = Count { since: now, many: 0 };
        let (source, address) = (network(source), account(email));
        let all = self.all.unwrap_or(fresh).now(now, HOUR);
        let from = self.sources.get(&source).copied().unwrap_or(fresh).now(now, HOUR);
        let too_many = [(all, IN_ALL), (from, FROM_ONE)]
            .into_iter()
            .filter(|(count, most)| count.many >= *most);
        if let Some(since) = too_many.map(|(count, _)| count.since).max() {
            return MayWrite::Wait(HOUR.saturating_sub(now.since(since)));
        }
        if self.all.is_none_or(|before| before.since != all.since) {
            // Once an hour.
            self.sources.retain(|_, count| now.since(count.since) < HOUR);
            self.addresses.retain(|_, count| now.since(count.since) < DAY);
        }
        let to = self.addresses.get(&address).copied().unwrap_or(fresh).now(now, DAY);
        self.all = Some(Count { many: all.many + 1, ..all });
        self.sources.insert(source, Count { many: from.many + 1, ..from });
        self.addresses.insert(address, Count { many: to.many.saturating_add(1), ..to });
        match to.many < LETTERS_TO_ONE {
            true => MayWrite::Yes,
            false => MayWrite::Unsaid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn from(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n))
    }

    fn address(n: u32) -> EmailAddress {
        format!("p{n}@example.org").parse().unwrap()
    }

    #[test]
    fn one_address_gets_three_letters_a_day_whoever_asks_and_nobody_is_told() {
        let mut ups = SignUps::default();
        for n in 0..LETTERS_TO_ONE {
            assert_eq!(ups.ask(Time::ZERO, &address(1), from(n)), MayWrite::Yes);
        }
        assert_eq!(ups.ask(Time::ZERO, &address(1), from(9)), MayWrite::Unsaid);
        assert_eq!(ups.ask(Time::ZERO, &address(2), from(9)), MayWrite::Yes);
        assert_eq!(ups.ask(Time::ZERO + DAY, &address(1), from(9)), MayWrite::Yes);
    }

    #[test]
    fn a_source_waits_when_it_has_asked_too_often_and_others_do_not() {
        let mut ups = SignUps::default();
        let later = Time::ZERO + Duration::from_secs(600);
        for n in 0..FROM_ONE {
            assert_eq!(ups.ask(Time::ZERO, &address(n), from(1)), MayWrite::Yes);
        }
        let wait = MayWrite::Wait(Duration::from_secs(3_000));
        assert_eq!(ups.ask(later, &address(99), from(1)), wait);
        assert_eq!(ups.ask(later, &address(99), from(2)), MayWrite::Yes);
        assert_eq!(ups.ask(Time::ZERO + HOUR, &address(99), from(1)), MayWrite::Yes);
    }

    #[test]
    fn a_crowd_is_slowed_down_as_one_and_fills_no_memory() {
        let mut ups = SignUps::default();
        let mut letters = 0;
        for hour in 0..48_u32 {
            let now = Time::ZERO + HOUR * hour;
            for n in 0..2_000 {
                let each = hour * 2_000 + n;
                letters += u32::from(ups.ask(now, &address(each), from(each)) == MayWrite::Yes);
            }
            assert!(ups.sources.len() <= IN_ALL as usize);
            assert!(ups.addresses.len() <= 24 * IN_ALL as usize);
        }
        assert_eq!(letters, 48 * IN_ALL);
    }
}

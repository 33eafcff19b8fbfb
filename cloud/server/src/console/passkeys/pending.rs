//! What was begun with a browser and waits for its second half: for five minutes, once, and so much of it at a time.

use conclave_directory::TokenHash;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a browser has, as long as it gives somebody to unlock their device.
pub(super) const LIFETIME: Duration = Duration::from_secs(300);

/// The most that wait: some megabytes. Raised, a crowd fills more memory; lowered, it keeps others from their passkeys sooner.
const MOST: usize = 4_000;

/// Of these, of one source: a building's people who sign in within five minutes. Its oldest goes for a further one.
const MOST_OF_SOURCE: usize = 100;

struct Waiting<T> {
    source: IpAddr,
    /// Counts what was ever begun.
    number: u64,
    until: Instant,
    what: T,
}

/// All that waits.
pub(super) struct Pending<T> {
    waiting: BTreeMap<TokenHash, Waiting<T>>,
    begun: u64,
}

impl<T> Default for Pending<T> {
    fn default() -> Pending<T> {
        Pending { waiting: BTreeMap::new(), begun: 0 }
    }
}

impl<T> Pending<T> {
    /// Something begins; `false` when there is no place for it.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        token: TokenHash,
        source: IpAddr,
        what: T,
    ) -> bool {
        self.waiting.retain(|_, each| each.until > now);
        let theirs = self.waiting.iter().filter(|(_, each)| each.source == source);
        if theirs.clone().count() >= MOST_OF_SOURCE {
            let oldest = theirs.min_by_key(|(_, each)| each.number).map(|(token, _)| *token);
            oldest.and_then(|oldest| self.waiting.remove(&oldest));
        }
        if self.waiting.len() >= MOST {
            return false;
        }
        self.begun += 1;
        let waiting = Waiting { source, number: self.begun, until: now + LIFETIME, what };
        self.waiting.insert(token, waiting);
        true
    }

    /// Its second half is there. Nothing is taken twice, nor after its time.
    pub(super) fn take(&mut self, now: Instant, token: TokenHash) -> Option<T> {
        self.waiting.remove(&token).filter(|each| each.until > now).map(|each| each.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn token(n: u32) -> TokenHash {
        let mut octets = [0; 32];
        octets[..4].copy_from_slice(&n.to_be_bytes());
        TokenHash(octets)
    }

    fn from(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(n))
    }

    #[test]
    fn what_was_begun_is_taken_once_and_in_its_time() {
        let (mut pending, now) = (Pending::default(), Instant::now());
        assert!(pending.begin(now, token(1), from(1), "a"));
        assert!(pending.begin(now, token(2), from(1), "b"));
        let later = now + LIFETIME;
        assert_eq!(pending.take(later - Duration::from_millis(1), token(1)), Some("a"));
        assert_eq!(pending.take(now, token(1)), None, "once");
        assert_eq!(pending.take(later, token(2)), None, "too late");
        assert_eq!(pending.take(now, token(3)), None, "nobody began it");
    }

    #[test]
    fn a_source_that_begins_too_much_loses_its_own_and_a_crowd_fills_no_memory() {
        let (mut pending, now) = (Pending::default(), Instant::now());
        assert!(pending.begin(now, token(0), from(0), 0));
        let many = MOST_OF_SOURCE as u32;
        for n in 1..=many + 1 {
            assert!(pending.begin(now, token(n), from(1), n));
        }
        assert_eq!(pending.take(now, token(1)), None, "its oldest");
        assert_eq!(pending.take(now, token(2)), Some(2));
        assert_eq!(pending.take(now, token(0)), Some(0), "another's stays");
        for n in 0..2 * MOST as u32 {
            pending.begin(now, token(1_000 + n), from(1_000 + n), n);
        }
        assert_eq!(pending.waiting.len(), MOST);
        assert!(!pending.begin(now, token(9), from(9), 9));
        assert!(pending.begin(now + LIFETIME, token(9), from(9), 9), "the rest is forgotten");
        assert_eq!(pending.waiting.len(), 1);
    }
}

//! What strangers cannot take from rooms: places for handshakes, for links, for newcomers.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The limits of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubLimits {
    /// Connections that have not said hello yet, in all. Each may cost a handshake (some 0.5 ms of
    /// a core): more lets strangers take the cores, fewer slows the return of many rooms.
    pub half_open: usize,
    /// The same from one address. A building's rooms share one and return at once after a cut;
    /// whoever finds no place dials again a little later.
    pub half_open_per_address: usize,
    /// From the accepted connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// Links in all, newcomers included. About 10 kB of memory each.
    pub links: usize,
    /// Links from one address. A building has hundreds of rooms at most.
    pub links_per_address: usize,
    /// Newcomers in all: whoever knows the address can be one.
    pub newcomers: usize,
    /// Newcomers from one address, so that a single stranger cannot stop all enrolment.
    pub newcomers_per_address: usize,
    /// Octets that wait for a room that reads too slowly, before it is closed. A few of the longest
    /// messages; more is memory for everyone who connects and never reads.
    pub queued: usize,
    /// When a room comes back for which there was no place.
    pub retry_after_s: u32,
}

impl Default for HubLimits {
    fn default() -> HubLimits {
        HubLimits {
            half_open: 256,
            half_open_per_address: 64,
            handshake: Duration::from_secs(10),
            links: 10_000,
            links_per_address: 1_000,
            newcomers: 256,
            newcomers_per_address: 64,
            queued: 256 * 1024,
            retry_after_s: 60,
        }
    }
}

/// All places are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    HalfOpen,
    Enrolled,
    Newcomer,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    half_open: usize,
    links: usize,
    newcomers: usize,
}

impl Counts {
    fn add(&mut self, kind: Kind) {
        match kind {
            Kind::HalfOpen => self.half_open += 1,
            Kind::Enrolled => self.links += 1,
            Kind::Newcomer => {
                self.links += 1;
                self.newcomers += 1;
            }
        }
    }

    fn take(&mut self, kind: Kind) {
        match kind {
            Kind::HalfOpen => self.half_open -= 1,
            Kind::Enrolled => self.links -= 1,
            Kind::Newcomer => {
                self.links -= 1;
                self.newcomers -= 1;
            }
        }
    }

    fn is_zero(&self) -> bool {
        self.half_open == 0 && self.links == 0
    }
}

/// Who holds how many places.
#[derive(Debug)]
pub(crate) struct Places {
    limits: HubLimits,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: Counts,
    by_address: HashMap<IpAddr, Counts>,
}

/// One place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    address: IpAddr,
    kind: Kind,
}

impl Places {
    pub(crate) fn new(limits: HubLimits) -> Arc<Places> {
        Arc::new(Places { limits, taken: Mutex::default() })
    }

    /// A place for a connection that has said nothing yet.
    pub(crate) fn half_open(self: &Arc<Places>, from: IpAddr) -> Result<Place, Full> {
        let address = neighbourhood(from);
        let mut taken = self.taken();
        let there = taken.by_address.get(&address).copied().unwrap_or_default();
        if taken.all.half_open >= self.limits.half_open
            || there.half_open >= self.limits.half_open_per_address
        {
            return Err(Full);
        }
        taken.add(address, Kind::HalfOpen);
        drop(taken);
        Ok(Place { places: self.clone(), address, kind: Kind::HalfOpen })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn add(&mut self, address: IpAddr, kind: Kind) {
        self.all.add(kind);
        self.by_address.entry(address).or_default().add(kind);
    }

    fn take(&mut self, address: IpAddr, kind: Kind) {
        self.all.take(kind);
        if let Some(counts) = self.by_address.get_mut(&address) {
            counts.take(kind);
            if counts.is_zero() {
                self.by_address.remove(&address);
            }
        }
    }
}

impl Place {
    /// The connection is an enrolled room's link from now on.
    pub(crate) fn become_link(&mut self) -> Result<(), Full> {
        self.change(Kind::Enrolled)
    }

    /// The connection is a newcomer's link from now on.
    pub(crate) fn become_newcomer(&mut self) -> Result<(), Full> {
        self.change(Kind::Newcomer)
    }

    fn change(&mut self, kind: Kind) -> Result<(), Full> {
        let limits = self.places.limits;
        let mut taken = self.places.taken();
        let there = taken.by_address.get(&self.address).copied().unwrap_or_default();
        let all = taken.all;
        let newcomers_full = kind == Kind::Newcomer
            && (all.newcomers >= limits.newcomers
                || there.newcomers >= limits.newcomers_per_address);
        if all.links >= limits.links || there.links >= limits.links_per_address || newcomers_full {
            return Err(Full);
        }
        taken.take(self.address, self.kind);
        taken.add(self.address, kind);
        drop(taken);
        self.kind = kind;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().take(self.address, self.kind);
    }
}

/// What one stranger has: an IPv4 address, or the 64 bits of an IPv6 network.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_all_places() {
        let limits = HubLimits { half_open: 3, half_open_per_address: 2, ..HubLimits::default() };
        let places = Places::new(limits);
        let one = [places.half_open(address("192.0.2.1")), places.half_open(address("192.0.2.1"))];
        assert!(one.iter().all(Result::is_ok));
        assert_eq!(places.half_open(address("::ffff:192.0.2.1")).unwrap_err(), Full);
        let other = places.half_open(address("192.0.2.2")).unwrap();
        assert_eq!(places.half_open(address("192.0.2.3")).unwrap_err(), Full);
        drop((one, other));
        assert!(places.taken().by_address.is_empty());
        assert!(places.half_open(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let limits = HubLimits { half_open_per_address: 1, ..HubLimits::default() };
        let places = Places::new(limits);
        let _one = places.half_open(address("2001:db8::1")).unwrap();
        assert!(places.half_open(address("2001:db8::ffff:2")).is_err());
        assert!(places.half_open(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn newcomers_leave_places_for_rooms() {
        let limits = HubLimits { newcomers: 1, links: 2, ..HubLimits::default() };
        let places = Places::new(limits);
        let mut all: Vec<Place> =
            (0..4).map(|_| places.half_open(address("192.0.2.1")).unwrap()).collect();
        assert_eq!(all[0].become_newcomer(), Ok(()));
        assert_eq!(all[1].become_newcomer(), Err(Full));
        assert_eq!(all[2].become_link(), Ok(()));
        assert_eq!(all[3].become_link(), Err(Full));
        all.clear();
        assert!(places.taken().all.is_zero());
    }
}

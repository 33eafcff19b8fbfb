//! What strangers cannot take from rooms: places for handshakes, for links, for newcomers.

use crate::totals::NoPlace;
use conclave_types::Redacted;
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The limits of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubLimits {
    /// Connections that have not said hello yet, in all. Each may cost a handshake (some 0.5 ms of
    /// a core): more lets strangers take the cores, fewer slows the return of many rooms.
    pub half_open: usize,
    /// The same from one address. A building's rooms share one and return at once after a cut;
    /// whoever finds no place dials again a little later. A stranger at the same address can keep
    /// them out for as long as it goes on; one elsewhere cannot.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    HalfOpen,
    Enrolled,
    Newcomer,
}

/// How many places are taken.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) half_open: usize,
    /// Newcomers among them.
    pub(crate) links: usize,
    pub(crate) newcomers: usize,
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
    by_address: HashMap<Redacted<IpAddr>, Counts>,
    /// Who shakes hands, by address, the oldest first.
    shaking: HashMap<Redacted<IpAddr>, VecDeque<(u64, CancellationToken)>>,
    next: u64,
}

/// One place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    address: Redacted<IpAddr>,
    kind: Kind,
    /// Its number among those that shake hands, and how it hears that it has to go.
    shaking: Option<Box<(u64, CancellationToken)>>,
}

impl Places {
    pub(crate) fn new(limits: HubLimits) -> Arc<Places> {
        Arc::new(Places { limits, taken: Mutex::default() })
    }

    /// How many places are taken now.
    pub(crate) fn held(&self) -> Counts {
        self.taken().all
    }

    /// A place for a connection that has said nothing yet. When all are taken, whoever of the most
    /// crowded address shakes hands for longest has to go: an honest handshake takes a moment, a
    /// flood sits there. Of one address, the new one is sent away.
    pub(crate) fn half_open(self: &Arc<Places>, from: IpAddr) -> Result<Place, NoPlace> {
        let address = Redacted(neighbourhood(from));
        let mut taken = self.taken();
        let there = taken.by_address.get(&address).copied().unwrap_or_default();
        if there.half_open >= self.limits.half_open_per_address {
            return Err(NoPlace::HalfOpenAddress);
        }
        if taken.all.half_open >= self.limits.half_open && !taken.displace(there.half_open) {
            return Err(NoPlace::HalfOpen);
        }
        taken.add(address, Kind::HalfOpen);
        let number = taken.next;
        taken.next += 1;
        let displaced = CancellationToken::new();
        let shaking = taken.shaking.entry(address).or_default();
        shaking.push_back((number, displaced.clone()));
        drop(taken);
        let shaking = Some(Box::new((number, displaced)));
        Ok(Place { places: self.clone(), address, kind: Kind::HalfOpen, shaking })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn add(&mut self, address: Redacted<IpAddr>, kind: Kind) {
        self.all.add(kind);
        self.by_address.entry(address).or_default().add(kind);
    }

    fn take(&mut self, address: Redacted<IpAddr>, kind: Kind) {
        self.all.take(kind);
        if let Some(counts) = self.by_address.get_mut(&address) {
            counts.take(kind);
            if counts.is_zero() {
                self.by_address.remove(&address);
            }
        }
    }

    /// Sends one away that shakes hands, from an address where more do than `fewer`; false when
    /// there is none.
    fn displace(&mut self, fewer: usize) -> bool {
        // As many addresses as half-open places at most.
        let crowded = self.shaking.iter().filter(|(_, shaking)| shaking.len() > fewer);
        let oldest = |shaking: &VecDeque<(u64, CancellationToken)>| {
            shaking.front().map_or(u64::MAX, |(number, _)| *number)
        };
        let most = crowded.max_by_key(|(_, shaking)| (shaking.len(), Reverse(oldest(shaking))));
        let Some(address) = most.map(|(address, _)| *address) else { return false };
        let Some((_, displaced)) = self.shaking.get_mut(&address).and_then(VecDeque::pop_front)
        else {
            return false;
        };
        self.forget_empty(address);
        displaced.cancel();
        self.take(address, Kind::HalfOpen);
        true
    }

    /// No longer among those that shake hands; false when it was displaced before.
    fn has_shaken_hands(&mut self, address: Redacted<IpAddr>, number: u64) -> bool {
        let Some(shaking) = self.shaking.get_mut(&address) else { return false };
        let Some(place) = shaking.iter().position(|(one, _)| *one == number) else { return false };
        shaking.remove(place);
        self.forget_empty(address);
        true
    }

    fn forget_empty(&mut self, address: Redacted<IpAddr>) {
        if self.shaking.get(&address).is_some_and(VecDeque::is_empty) {
            self.shaking.remove(&address);
        }
    }
}

impl Place {
    /// Cancelled when this handshake has to make room for another.
    pub(crate) fn displaced(&self) -> CancellationToken {
        self.shaking.as_ref().map(|shaking| shaking.1.clone()).unwrap_or_default()
    }

    /// The handshake is done: from now on it is not sent away for others. It still counts as half
    /// open until its hello comes.
    pub(crate) fn has_shaken_hands(&mut self) {
        if let Some(shaking) = self.shaking.take()
            && !self.places.taken().has_shaken_hands(self.address, shaking.0)
        {
            // It was displaced at the same moment, and its place given away: it takes another.
            self.places.taken().add(self.address, Kind::HalfOpen);
        }
    }

    /// The connection is an enrolled room's link from now on.
    pub(crate) fn become_link(&mut self) -> Result<(), NoPlace> {
        self.change(Kind::Enrolled)
    }

    /// The connection is a newcomer's link from now on.
    pub(crate) fn become_newcomer(&mut self) -> Result<(), NoPlace> {
        self.change(Kind::Newcomer)
    }

    fn change(&mut self, kind: Kind) -> Result<(), NoPlace> {
        self.has_shaken_hands();
        let limits = self.places.limits;
        let mut taken = self.places.taken();
        let there = taken.by_address.get(&self.address).copied().unwrap_or_default();
        let all = taken.all;
        if all.links >= limits.links {
            return Err(NoPlace::Links);
        }
        if there.links >= limits.links_per_address {
            return Err(NoPlace::LinksAddress);
        }
        if kind == Kind::Newcomer && all.newcomers >= limits.newcomers {
            return Err(NoPlace::Newcomers);
        }
        if kind == Kind::Newcomer && there.newcomers >= limits.newcomers_per_address {
            return Err(NoPlace::NewcomersAddress);
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
        let mut taken = self.places.taken();
        if let Some(shaking) = self.shaking.take()
            && !taken.has_shaken_hands(self.address, shaking.0)
        {
            // Displaced: its place was given away already.
            return;
        }
        taken.take(self.address, self.kind);
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
        let mapped = places.half_open(address("::ffff:192.0.2.1"));
        assert_eq!(mapped.unwrap_err(), NoPlace::HalfOpenAddress);
        let other = places.half_open(address("192.0.2.2")).unwrap();
        drop((one, other));
        assert!(places.taken().by_address.is_empty() && places.taken().shaking.is_empty());
        assert!(places.half_open(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn when_all_shake_hands_the_oldest_of_the_most_crowded_address_makes_room() {
        let limits = HubLimits { half_open: 4, half_open_per_address: 3, ..HubLimits::default() };
        let places = Places::new(limits);
        let honest = places.half_open(address("192.0.2.9")).unwrap();
        let mut crowd: Vec<Place> =
            (0..3).map(|_| places.half_open(address("192.0.2.1")).unwrap()).collect();
        let displaced: Vec<CancellationToken> = crowd.iter().map(Place::displaced).collect();
        // The crowd cannot push anybody out, and whoever has shaken hands stays.
        let more = places.half_open(address("192.0.2.1"));
        assert_eq!(more.unwrap_err(), NoPlace::HalfOpenAddress);
        crowd[0].has_shaken_hands();
        let other = places.half_open(address("192.0.2.2")).unwrap();
        let gone: Vec<bool> = displaced.iter().map(CancellationToken::is_cancelled).collect();
        assert_eq!(gone, [false, true, false]);
        assert_eq!(places.held().half_open, 4);
        // One each: the oldest.
        let _third = places.half_open(address("192.0.2.3")).unwrap();
        assert!(honest.displaced().is_cancelled() && !other.displaced().is_cancelled());
        drop((honest, crowd));
        assert_eq!(places.held().half_open, 2);
    }

    #[test]
    fn who_holds_as_many_as_the_most_crowded_finds_no_place() {
        let limits = HubLimits { half_open: 2, ..HubLimits::default() };
        let places = Places::new(limits);
        let _two = [0; 2].map(|_| places.half_open(address("192.0.2.1")).unwrap());
        assert_eq!(places.half_open(address("192.0.2.1")).unwrap_err(), NoPlace::HalfOpen);
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
        assert_eq!(all[1].become_newcomer(), Err(NoPlace::Newcomers));
        assert_eq!(all[2].become_link(), Ok(()));
        assert_eq!(all[3].become_link(), Err(NoPlace::Links));
        all.clear();
        assert!(places.taken().all.is_zero());
    }

    #[test]
    fn one_address_cannot_hold_all_links_nor_all_newcomers() {
        let limits =
            HubLimits { links_per_address: 2, newcomers_per_address: 1, ..HubLimits::default() };
        let places = Places::new(limits);
        let mut all: Vec<Place> =
            (0..4).map(|_| places.half_open(address("192.0.2.1")).unwrap()).collect();
        assert_eq!(all[0].become_newcomer(), Ok(()));
        assert_eq!(all[1].become_newcomer(), Err(NoPlace::NewcomersAddress));
        assert_eq!(all[1].become_link(), Ok(()));
        assert_eq!(all[2].become_link(), Err(NoPlace::LinksAddress));
        let mut other = places.half_open(address("192.0.2.2")).unwrap();
        assert_eq!(other.become_link(), Ok(()));
    }
}

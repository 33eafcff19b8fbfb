//! The meeting rooms as panels list them, kept beside the database.
//!
//! Every welcome carries the list. Reading all meeting rooms from the database for each would make
//! the return of many rooms cost rooms times meeting rooms; kept here, a welcome costs what it
//! carries. Nobody but the switchboard changes meeting rooms, so the two cannot differ.

use conclave_directory::Vmr;
use conclave_link_protocol::message::DirectoryEntry;
use conclave_types::{OrganisationId, VmrNumber};
use std::collections::BTreeMap;

/// The most octets of the list of meeting rooms: some 250 with usual names. A welcome carries it
/// beside the roster of a call, and both have to fit into one frame of the link (64 KiB). What is
/// not listed can be dialled all the same.
const LONGEST_LISTING: usize = 24 * 1024;

/// All meeting rooms, by organisation and number.
#[derive(Debug, Default)]
pub(super) struct Listing(BTreeMap<OrganisationId, BTreeMap<VmrNumber, Listed>>);

/// A hidden one counts and is not listed.
#[derive(Debug)]
struct Listed {
    hidden: bool,
    entry: DirectoryEntry,
}

impl Listing {
    pub(super) fn of(vmrs: Vec<Vmr>) -> Listing {
        let mut listing = Listing::default();
        vmrs.iter().for_each(|vmr| listing.set(vmr));
        listing
    }

    /// How many an organisation has.
    pub(super) fn len(&self, whose: OrganisationId) -> usize {
        self.0.get(&whose).map_or(0, BTreeMap::len)
    }

    /// Whether everybody of an organisation may know that a meeting room with this number is there.
    pub(super) fn shows(&self, whose: OrganisationId, number: &VmrNumber) -> bool {
        let found = self.0.get(&whose).and_then(|theirs| theirs.get(number));
        found.is_some_and(|listed| !listed.hidden)
    }

    /// One is there, or is not as it was.
    pub(super) fn set(&mut self, vmr: &Vmr) {
        let hidden = vmr.hidden;
        let listed = Listed { hidden, entry: entry(vmr) };
        self.0.entry(vmr.organisation).or_default().insert(vmr.number.clone(), listed);
    }

    pub(super) fn remove(&mut self, vmr: &Vmr) {
        if let Some(theirs) = self.0.get_mut(&vmr.organisation) {
            theirs.remove(&vmr.number);
        }
    }

    /// As many of an organisation as fit, by number.
    pub(super) fn entries(&self, whose: OrganisationId) -> Vec<DirectoryEntry> {
        let mut room = LONGEST_LISTING;
        let fits = |entry: &&DirectoryEntry| {
            // A comma follows each entry.
            let octets = serde_json::to_vec(entry).map_or(usize::MAX, |json| json.len() + 1);
            let left = room.checked_sub(octets);
            room = left.unwrap_or(0);
            left.is_some()
        };
        self.0
            .get(&whose)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|listed| !listed.hidden)
            .map(|listed| &listed.entry)
            .take_while(fits)
            .cloned()
            .collect()
    }
}

fn entry(vmr: &Vmr) -> DirectoryEntry {
    DirectoryEntry { number: vmr.number.clone(), name: vmr.name.clone(), pin: vmr.pin.is_some() }
}

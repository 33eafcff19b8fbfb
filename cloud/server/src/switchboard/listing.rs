//! The meeting rooms as panels list them, kept beside the database.
//!
//! Every welcome carries the list. Reading all meeting rooms from the database for each would make
//! the return of many rooms cost rooms times meeting rooms; kept here, a welcome costs what it
//! carries. Nobody but the switchboard changes meeting rooms, so the two cannot differ.

use conclave_directory::Vmr;
use conclave_link_protocol::message::DirectoryEntry;
use conclave_types::VmrNumber;
use std::collections::BTreeMap;

/// The most octets of the list of meeting rooms: some 250 with usual names. A welcome carries it
/// beside the roster of a call, and both have to fit into one frame of the link (64 KiB). What is
/// not listed can be dialled all the same.
const LONGEST_LISTING: usize = 24 * 1024;

/// All meeting rooms, by number.
#[derive(Debug, Default)]
pub(super) struct Listing(BTreeMap<VmrNumber, DirectoryEntry>);

impl Listing {
    pub(super) fn of(vmrs: Vec<Vmr>) -> Listing {
        Listing(vmrs.into_iter().map(|vmr| (vmr.number.clone(), entry(&vmr))).collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// One is there, or is not as it was.
    pub(super) fn set(&mut self, vmr: &Vmr) {
        self.0.insert(vmr.number.clone(), entry(vmr));
    }

    pub(super) fn remove(&mut self, number: &VmrNumber) {
        self.0.remove(number);
    }

    /// As many as fit, by number.
    pub(super) fn entries(&self) -> Vec<DirectoryEntry> {
        let mut room = LONGEST_LISTING;
        let fits = |entry: &&DirectoryEntry| {
            // A comma follows each entry.
            let octets = serde_json::to_vec(entry).map_or(usize::MAX, |json| json.len() + 1);
            let left = room.checked_sub(octets);
            room = left.unwrap_or(0);
            left.is_some()
        };
        self.0.values().take_while(fits).cloned().collect()
    }
}

fn entry(vmr: &Vmr) -> DirectoryEntry {
    DirectoryEntry { number: vmr.number.clone(), name: vmr.name.clone(), pin: vmr.pin.is_some() }
}

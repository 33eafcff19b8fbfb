//! Keeps what has to outlast a restart, and goes on when the disk does not let it.
//!
//! A full or failing disk must not take the room out of its meeting: what cannot be written waits
//! here, in order, and is tried again. Until then it holds for this run only, and the log says so.

use crate::store::Store;
use conclave_link_protocol::message::{CertificateChain, RoomIdentity, WantedSettings};
use conclave_room::Settings;
use conclave_update::Kept;
use std::collections::VecDeque;

/// One thing to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// What the people in the room chose.
    Settings(Settings),
    /// Who the room is from now on, with its certificate.
    Enrolled(RoomIdentity, CertificateChain),
    /// The room's new name.
    Renamed(RoomIdentity),
    /// A renewed certificate.
    Renewed(CertificateChain),
    /// The room is nobody any more.
    Forgotten,
    /// What IT wants of the room.
    Wanted(Option<WantedSettings>),
    /// What an update needs after a restart.
    Update(Box<Kept>),
}

/// The store with what waits for it.
pub(crate) struct Keeper {
    store: Store,
    /// At most one change of each kind: a later one replaces an earlier one.
    waiting: VecDeque<Change>,
    /// The room is being reset.
    closed: bool,
}

impl Keeper {
    pub(crate) fn new(store: Store) -> Keeper {
        Keeper { store, waiting: VecDeque::new(), closed: false }
    }

    /// Keeps nothing any more: what the room kept is being erased, and may not come back.
    pub(crate) fn close(&mut self) {
        self.waiting.clear();
        self.closed = true;
    }

    /// Keeps a change, now or as soon as the disk lets us.
    pub(crate) fn keep(&mut self, change: Change) {
        if self.closed {
            return;
        }
        let kind = std::mem::discriminant(&change);
        self.waiting.retain(|earlier| std::mem::discriminant(earlier) != kind);
        self.waiting.push_back(change);
        if let Err(error) = self.write() {
            tracing::error!(
                "what changed cannot be kept and will be lost at the next restart; it is tried again \
                 by itself. Free some space in the data folder, or make its disk writable: {error:#}"
            );
        }
    }

    /// Whether everything that was to be kept is.
    pub(crate) fn is_kept(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Tries again what is waiting, and copies what was kept.
    pub(crate) fn retry(&mut self) {
        if self.closed {
            return;
        }
        if !self.waiting.is_empty() && self.write().is_ok() {
            tracing::info!("what could not be kept before is kept now");
        }
        self.store.copy_if_due();
    }

    fn write(&mut self) -> anyhow::Result<()> {
        while let Some(change) = self.waiting.front() {
            match change {
                Change::Settings(settings) => self.store.save(*settings)?,
                Change::Enrolled(identity, chain) => self.store.enrol(identity, chain)?,
                Change::Renamed(identity) => self.store.remember(identity)?,
                Change::Renewed(chain) => self.store.renew(chain)?,
                Change::Forgotten => self.store.forget()?,
                Change::Wanted(wanted) => self.store.keep_wanted(wanted.as_ref())?,
                Change::Update(kept) => self.store.keep_update(kept)?,
            }
            self.waiting.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_panel_api::{Language, Layout};
    use conclave_types::RoomId;

    #[test]
    fn a_full_disk_delays_what_is_kept_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.sqlite");
        let mut keeper = Keeper::new(Store::open(&path).unwrap());
        let settings = Settings { language: Language::French, volume: 10, layout: Layout::Grid };
        keeper.store.limit_pages(1);
        let identity =
            RoomIdentity { room: RoomId::from_random(1), name: "Room Ada".parse().unwrap() };
        let chain = CertificateChain(vec!["A".repeat(20_000)]);
        keeper.keep(Change::Enrolled(identity.clone(), chain.clone()));
        keeper.keep(Change::Settings(settings));
        keeper.keep(Change::Settings(Settings { volume: 20, ..settings }));
        let wanted = WantedSettings {
            mark: conclave_link_protocol::message::SettingsMark(7),
            settings: "hologram=on".parse().unwrap(),
        };
        keeper.keep(Change::Wanted(Some(wanted.clone())));
        assert_eq!(keeper.waiting.len(), 3, "the later settings replace the earlier ones");
        assert_eq!(keeper.store.enrolment().unwrap(), None, "neither half of it");
        keeper.retry();
        assert_eq!(keeper.waiting.len(), 3);
        keeper.store.limit_pages(10_000);
        keeper.retry();
        drop(keeper);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.enrolment().unwrap(), Some((identity, chain)));
        assert_eq!(store.settings().unwrap().map(|kept| kept.volume), Some(20));
        assert_eq!(store.wanted(), Some(wanted), "with what this build does not understand");
        store.keep_wanted(None).unwrap();
        assert_eq!(store.wanted(), None);
    }
}

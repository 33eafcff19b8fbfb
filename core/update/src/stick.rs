//! An update that somebody brings on a stick.

use crate::machine::{State, Update};
use crate::{Bundle, Input, Output, Use};
use conclave_messages::{Release, UpdateFault, UpdateOffer};
use conclave_types::{BundleHash, MaintenanceWindow, Version};

/// What the installer says of the best bundle on a stick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// Its signature is good.
    Bundle(Bundle),
    /// It is not, or this is no bundle.
    NotSigned,
}

/// What the person at the panel is shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stick {
    /// This version can be installed.
    Usable(Version),
    /// What is on it cannot be installed here.
    Unusable(Unusable),
    /// It is being copied: the stick has to stay.
    Copying {
        /// 0 to 100.
        percent: u8,
    },
    /// It is being looked at or installed: the stick may be taken out.
    Installing {
        /// 0 to 100.
        percent: u8,
    },
    /// It is installed, and the machine restarts.
    Restarting,
    /// It was begun, and could not be installed.
    Failed(UpdateFault),
}

/// Why a bundle on a stick cannot be installed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Nobody whom this room trusts has signed it, or it is damaged.
    NotSigned,
    /// It is made for another board.
    WrongBoard,
    /// This room runs the same version or a newer one.
    NotNewer,
    /// It is below the room's security floor.
    BelowFloor,
    /// It did not work in this room before.
    TriedBefore,
}

/// The machine's part that has to do with the stick.
#[derive(Debug, Default)]
pub(crate) struct ByHand {
    brought: Option<Brought>,
    /// What is on its way came from the stick.
    pub(crate) under_way: bool,
    /// What the cloud offers meanwhile.
    pub(crate) aside: Option<UpdateOffer>,
    /// Why what was begun failed; until the stick is taken out.
    failed: Option<UpdateFault>,
}

impl Update {
    /// What the person at the panel is to be shown of a stick; `None` when there is nothing to say.
    pub fn stick(&self) -> Option<Stick> {
        if self.by_hand.under_way {
            return Some(match self.state() {
                State::Copying { percent } => Stick::Copying { percent: *percent },
                State::Waiting | State::Checking => Stick::Installing { percent: 0 },
                State::Installing { percent, .. } => Stick::Installing { percent: *percent },
                _ => Stick::Restarting,
            });
        }
        // What runs on trial, or was installed already, is decided first.
        if !matches!(self.state(), State::Idle | State::Waiting | State::Fetching) {
            return None;
        }
        if let Some(fault) = self.by_hand.failed {
            return Some(Stick::Failed(fault));
        }
        let brought = self.by_hand.brought.as_ref()?;
        Some(match self.usable(brought) {
            Ok(version) => Stick::Usable(version),
            Err(why) => Stick::Unusable(why),
        })
    }

    fn usable(&self, brought: &Brought) -> Result<Version, Unusable> {
        let Brought::Bundle(bundle) = brought else { return Err(Unusable::NotSigned) };
        if bundle.compatible != self.facts.compatible.as_str() {
            return Err(Unusable::WrongBoard);
        }
        let version: Version = bundle.version.parse().map_err(|_| Unusable::NotSigned)?;
        if version < self.kept.floor {
            Err(Unusable::BelowFloor)
        } else if version <= self.facts.running {
            // A person with a stick could bring a room back to faults that are mended: the cloud alone may.
            Err(Unusable::NotNewer)
        } else if self.kept.failed.contains(&version) {
            Err(Unusable::TriedBefore)
        } else {
            Ok(version)
        }
    }

    pub(crate) fn brought(&mut self, brought: Option<Brought>) {
        self.by_hand.brought = brought;
        self.by_hand.failed = None;
    }

    /// Somebody at the panel said yes. What the cloud offers waits until it is seen what comes of this.
    pub(crate) fn install_stick(&mut self) {
        let (Some(Stick::Usable(_)), Use::Free) = (self.stick(), self.used) else { return };
        self.by_hand.aside = self.offer.take();
        self.by_hand.under_way = true;
        self.begin_copying();
    }

    pub(crate) fn copied(&mut self, sha256: BundleHash, size: u64) {
        let State::Copying { .. } = self.state() else { return };
        let usable = self.by_hand.brought.as_ref().map(|brought| self.usable(brought));
        let Some(Ok(version)) = usable else { return self.stick_failed(UpdateFault::Damaged) };
        let compatible = self.facts.compatible.clone();
        // Its bundle does not say a floor; the one that the room has stays.
        let release = Release { version, compatible, sha256, size, floor: Version::default() };
        let window = MaintenanceWindow::default();
        self.check(UpdateOffer { release, window });
    }

    /// What came from the stick cannot be installed; the cloud's offer is taken up again.
    pub(crate) fn stick_failed(&mut self, fault: UpdateFault) {
        self.by_hand.under_way = false;
        self.by_hand.failed = Some(fault);
        self.offer = self.by_hand.aside.take();
        self.want(Output::Discard);
        self.go_idle();
    }

    /// Puts aside what the cloud says while something from a stick is on its way; gives back the rest.
    pub(crate) fn put_aside(&mut self, input: Input) -> Option<Input> {
        if !self.by_hand.under_way {
            return Some(input);
        }
        match input {
            Input::Offer(offer) => self.by_hand.aside = Some(offer),
            Input::NoOffer => self.by_hand.aside = None,
            other => return Some(other),
        }
        None
    }
}

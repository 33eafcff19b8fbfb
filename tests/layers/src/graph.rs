//! Who imports whom, from `cargo metadata`.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// All crates that the workspace's members are built from, and themselves.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// By cargo's package id.
    pub crates: BTreeMap<String, Crate>,
}

/// One crate.
#[derive(Debug, Clone, Default)]
pub struct Crate {
    /// Its name in Cargo.toml.
    pub name: String,
    /// Its folder inside the workspace, `/` between parts; `None` for a crate of somebody else.
    pub folder: Option<String>,
    /// The licence expression (SPDX) that it declares.
    pub licence: Option<String>,
    /// The package ids of what it imports at run time and in its build script.
    pub imports: BTreeSet<String>,
    /// The package ids of what only its tests import.
    pub test_imports: BTreeSet<String>,
}

/// The workspace that this crate is a member of.
pub fn workspace_folder() -> PathBuf {
    // tests/layers stands two folders below it.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).to_owned()
}

impl Graph {
    /// Asks the cargo that runs us (`$CARGO`). Needs no network: the lock file is kept as it is.
    pub fn of_workspace() -> Result<Graph> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--locked"])
            .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
            .current_dir(workspace_folder())
            .output()
            .context("cargo could not be started")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        }
        Graph::from_metadata(&serde_json::from_slice(&output.stdout)?)
    }

    /// Reads what `cargo metadata --format-version 1` wrote.
    pub fn from_metadata(metadata: &Value) -> Result<Graph> {
        let root = text(metadata, "workspace_root")?;
        let mut graph = Graph::default();
        for package in list(metadata, "packages")? {
            let manifest = Path::new(text(package, "manifest_path")?);
            let folder = match package.get("source") {
                None | Some(Value::Null) => manifest
                    .parent()
                    .and_then(|folder| folder.strip_prefix(root).ok())
                    .map(|folder| folder.to_string_lossy().into_owned()),
                Some(_) => None,
            };
            graph.crates.insert(
                text(package, "id")?.to_owned(),
                Crate {
                    name: text(package, "name")?.to_owned(),
                    folder,
                    licence: package.get("license").and_then(Value::as_str).map(str::to_owned),
                    ..Crate::default()
                },
            );
        }
        let resolve = metadata.get("resolve").context("cargo metadata has no `resolve`")?;
        for node in list(resolve, "nodes")? {
            let importer = graph.crates.get_mut(text(node, "id")?);
            let importer = importer.context("cargo metadata resolves a crate it does not list")?;
            for import in list(node, "deps")? {
                let id = text(import, "pkg")?.to_owned();
                for kind in list(import, "dep_kinds")? {
                    match kind.get("kind").and_then(Value::as_str) {
                        Some("dev") => importer.test_imports.insert(id.clone()),
                        _ => importer.imports.insert(id.clone()),
                    };
                }
            }
        }
        Ok(graph)
    }

    /// The workspace's own crates with their folders.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Crate, &str)> {
        self.crates.iter().filter_map(|(id, member)| {
            member.folder.as_deref().map(|folder| (id.as_str(), member, folder))
        })
    }

    /// Everything that a crate is built from, itself left out, each with the path that leads to it.
    pub fn reaches(&self, from: &str) -> BTreeMap<&str, Vec<&str>> {
        let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut open: Vec<(&str, Vec<&str>)> = vec![(from, Vec::new())];
        while let Some((id, path)) = open.pop() {
            let Some(found) = self.crates.get(id) else { continue };
            for import in &found.imports {
                if import != from && !paths.contains_key(import.as_str()) {
                    let path = [path.as_slice(), &[import.as_str()]].concat();
                    paths.insert(import, path.clone());
                    open.push((import, path));
                }
            }
        }
        paths
    }

    /// A path in names: `conclave-call → conclave-types → serde`.
    pub fn path_in_names(&self, from: &str, path: &[&str]) -> String {
        let name = |id: &str| self.crates.get(id).map_or_else(|| id.to_owned(), |c| c.name.clone());
        let names: Vec<String> = [from].iter().chain(path).map(|id| name(id)).collect();
        names.join(" → ")
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value
        .get(field)
        .and_then(Value::as_str)
        .with_context(|| format!("cargo metadata has no text `{field}`"))
}

fn list<'a>(value: &'a Value, field: &str) -> Result<&'a [Value]> {
    value
        .get(field)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .with_context(|| format!("cargo metadata has no list `{field}`"))
}

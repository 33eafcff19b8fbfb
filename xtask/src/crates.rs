//! The crates of `Cargo.lock`, written down for the recipes in yocto/.
//!
//! bitbake fetches every source itself, by an address with a SHA-256, and cargo then finds them in a
//! folder and asks nobody. All crates of the lock file are in the list, and not only those of the
//! room's programs: cargo looks at the whole workspace before it builds one program of it.

use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::path::Path;

/// Where it is, from the workspace.
pub(crate) const LIST: &str = "yocto/meta-conclave/recipes-conclave/programs/conclave-crates.inc";
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Writes the list anew.
pub(crate) fn write(workspace: &Path) -> Result<()> {
    let list = from_lock_file(workspace)?;
    std::fs::write(workspace.join(LIST), list).with_context(|| format!("{LIST} cannot be written"))
}

fn from_lock_file(workspace: &Path) -> Result<String> {
    list(&lock_file(workspace)?)
}

/// The lock file's text.
pub(crate) fn lock_file(workspace: &Path) -> Result<String> {
    std::fs::read_to_string(workspace.join("Cargo.lock")).context("Cargo.lock cannot be read")
}

/// One crate, as the lock file has it.
#[derive(Default)]
pub(crate) struct Locked<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) source: Option<&'a str>,
    pub(crate) checksum: Option<&'a str>,
}

/// All crates of a lock file. Its form is cargo's own and always the same: a line for each field.
pub(crate) fn locked(lock: &str) -> Vec<Locked<'_>> {
    lock.split("[[package]]").skip(1).map(one).collect()
}

fn one(block: &str) -> Locked<'_> {
    let mut locked = Locked::default();
    for line in block.lines() {
        let Some((field, value)) = line.split_once(" = ") else { continue };
        let value = value.trim_matches('"');
        match field {
            "name" => locked.name = value,
            "version" => locked.version = value,
            "source" => locked.source = Some(value),
            "checksum" => locked.checksum = Some(value),
            _ => {}
        }
    }
    locked
}

/// The list for a lock file.
fn list(lock: &str) -> Result<String> {
    let mut addresses = String::new();
    let mut checksums = String::new();
    for Locked { name, version, source, checksum } in locked(lock) {
        match (source, checksum) {
            // Our own.
            (None, _) => {}
            (Some(REGISTRY), Some(checksum)) => {
                writeln!(addresses, "    crate://crates.io/{name}/{version} \\")?;
                writeln!(checksums, "SRC_URI[{name}-{version}.sha256sum] = \"{checksum}\"")?;
            }
            (Some(other), _) => bail!("{name} {version} comes from {other}, without a checksum"),
        }
    }
    Ok(format!(
        "# The crates of Cargo.lock. Written by `cargo xtask yocto-crates`; a test says when it is stale.\n\n\
         SRC_URI += \"\\\n{addresses}\"\n\n{checksums}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "conclave-types"
version = "0.1.0"
dependencies = [
 "serde",
]

[[package]]
name = "serde"
version = "1.0.2"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "00ff"
dependencies = [
 "source = odd",
]
"#;

    #[test]
    fn the_list_of_the_recipes_is_that_of_the_lock_file() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let there = std::fs::read_to_string(workspace.join(LIST)).unwrap();
        // Not assert_eq: it would print both lists.
        assert!(
            there == from_lock_file(&workspace).unwrap(),
            "{LIST} is not that of Cargo.lock any more: run `cargo xtask yocto-crates`"
        );
    }

    #[test]
    fn crates_of_others_have_address_and_checksum_and_ours_are_not_fetched() {
        let list = list(LOCK).unwrap();
        assert!(list.contains("crate://crates.io/serde/1.0.2 \\\n"), "{list}");
        assert!(list.contains("SRC_URI[serde-1.0.2.sha256sum] = \"00ff\"\n"), "{list}");
        assert!(!list.contains("conclave-types"), "{list}");
    }

    #[test]
    fn one_changed_figure_makes_another_list() {
        assert_ne!(list(LOCK).unwrap(), list(&LOCK.replace("00ff", "00fe")).unwrap());
        assert_ne!(list(LOCK).unwrap(), list(&LOCK.replace("1.0.2", "1.0.3")).unwrap());
    }

    #[test]
    fn a_crate_from_a_repository_or_without_a_checksum_is_not_taken() {
        let git = "git+https://git.example.org/serde#0123";
        let told = list(&LOCK.replace(REGISTRY, git)).unwrap_err().to_string();
        assert!(told.contains("serde 1.0.2 comes from git+"), "{told}");
        assert!(list(&LOCK.replace("checksum = \"00ff\"\n", "")).is_err());
    }
}

//! The crates that are linked into a program: cargo says which, the lock file says what they are.
//!
//! What only builds (build scripts, procedural macros) and what only tests is not in the program. C that
//! a crate brings along (SQLite in libsqlite3-sys, parts of ring) goes by the name of that crate.

use super::spdx::{self, Package};
use crate::crates::Locked;
use crate::image::output;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// A program and what is linked into it.
pub(crate) struct Linked {
    pub(crate) program: Package,
    pub(crate) crates: Vec<Package>,
}

/// Asks cargo, for the processor that the image is for and without the features of tests.
pub(crate) fn linked_into(workspace: &Path, program: &str, lock: &str) -> Result<Linked> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let printed = output(
        Command::new(cargo)
            .current_dir(workspace)
            .args(["tree", "--locked", "-p", program, "--edges", "normal,no-proc-macro"])
            .args(["--target", "x86_64-unknown-linux-gnu"])
            .args(["--prefix", "none", "--format", "{p}|{l}|"]),
    )?;
    linked(&printed, &crate::crates::locked(lock))
        .with_context(|| format!("cargo tree of {program}: {printed}"))
}

/// Reads lines such as `adler2 v2.0.1|0BSD OR MIT|`; the program itself is the first.
fn linked(printed: &str, lock: &[Locked<'_>]) -> Option<Linked> {
    let mut seen = BTreeSet::new();
    let mut packages = Vec::new();
    for line in printed.lines().filter(|line| !line.is_empty()) {
        let (what, rest) = line.split_once('|')?;
        let (licence, _) = rest.split_once('|')?;
        let mut words = what.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        if seen.insert((name, version)) {
            packages.push(package(name, version, licence, lock)?);
        }
    }
    let program = packages.remove(0);
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Some(Linked { program, crates: packages })
}

fn package(name: &str, version: &str, licence: &str, lock: &[Locked<'_>]) -> Option<Package> {
    let locked = lock.iter().find(|crate_| (crate_.name, crate_.version) == (name, version))?;
    let ours = Package {
        kind: "crate",
        name: name.to_owned(),
        version: version.to_owned(),
        purpose: "LIBRARY",
        // As crates wrote it before SPDX had words for it.
        licence: Some(licence.replace('/', " OR ")).filter(|licence| !licence.is_empty()),
        ..Package::default()
    };
    Some(match locked.checksum {
        // Ours: nobody finds it at crates.io, so that it has no address there.
        None => ours,
        Some(checksum) => Package {
            sha256: Some(checksum.to_owned()),
            purl: Some(format!("pkg:cargo/{name}@{}", spdx::quoted(version))),
            download: Some(format!(
                "https://static.crates.io/crates/{name}/{name}-{version}.crate"
            )),
            ..ours
        },
    })
}

/// Rust's own library, of the compiler that left its name in the program.
pub(crate) fn standard_library(program: &Path) -> Result<Package> {
    let printed = output(Command::new("readelf").args(["--string-dump=.comment"]).arg(program))?;
    let version = printed
        .split_once("rustc version ")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .with_context(|| format!("{} does not say which Rust it is of", program.display()))?;
    Ok(Package {
        kind: "rust",
        name: "rust-std".to_owned(),
        version: version.to_owned(),
        purpose: "LIBRARY",
        supplier: Some("Organization: The Rust Project".to_owned()),
        purl: Some(format!("pkg:github/rust-lang/rust@{}", spdx::quoted(version))),
        licence: Some("MIT OR Apache-2.0".to_owned()),
        ..Package::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_has_its_checksum_its_address_and_its_licence() {
        let lock = "[[package]]\nname = \"conclave-slots\"\nversion = \"0.1.0\"\n\n[[package]]\n\
                    name = \"libc\"\nversion = \"0.2.1+x\"\nsource = \"registry\"\nchecksum = \"ab\"\n";
        let lock = crate::crates::locked(lock);
        let printed = "conclave-slots v0.1.0 (/a/b)|Apache-2.0 OR MIT|\nlibc v0.2.1+x|MIT/Apache-2.0|\n\
                       libc v0.2.1+x|MIT/Apache-2.0| (*)\n";
        let linked = linked(printed, &lock).unwrap();
        assert_eq!((linked.program.name.as_str(), linked.program.purl), ("conclave-slots", None));
        let [libc] = linked.crates.as_slice() else { panic!("listed twice") };
        assert_eq!(libc.purl.as_deref(), Some("pkg:cargo/libc@0.2.1%2Bx"));
        assert_eq!(libc.sha256.as_deref(), Some("ab"));
        assert_eq!(libc.licence.as_deref(), Some("MIT OR Apache-2.0"));
    }

    #[test]
    fn a_crate_that_the_lock_file_does_not_know_is_not_passed_over() {
        assert!(linked("conclave-slots v0.1.0|MIT|\n", &[]).is_none());
    }
}

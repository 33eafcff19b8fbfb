//! What an image is made of, for whoever has to know what a flaw in somebody's package means for their
//! rooms: an SPDX 2.3 document beside the image.
//!
//! - [`debian`]: the packages of the tree, from dpkg's own list, which the image itself has not got; and
//!   systemd's boot stub, which comes from the machine that builds;
//! - [`crates`]: what is linked into our programs;
//! - [`spdx`]: how all that is written down.
//!
//! A package is named even when files of it are left out of the image. The same slot gives the same
//! document: no clock and no chance in it.

mod crates;
mod debian;
mod spdx;

use super::root::{Root, SUITE};
use super::slot::Slot;
use super::tree::COMPATIBLE;
use super::{PROGRAMS, Plan, cache, output};
use anyhow::{Context, Result};
use spdx::{Document, Package};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What the boot stub is a part of.
const STUB_PACKAGE: &str = "systemd-boot-efi";
/// What of the tree is inside the unified kernel image too, beside libraries that the system has as well.
const OF_KERNEL: [&str; 3] = ["linux-image-", "busybox", "cryptsetup-bin"];

/// Writes the document of a slot that has just been built; `tree` is what was packed into it.
pub(crate) fn write(plan: &Plan, root: &Root, tree: &Path, slot: &Slot) -> Result<()> {
    let document = document(plan, root, tree, slot)?;
    fs::write(&slot.sbom, document.text())
        .with_context(|| format!("{} cannot be written", slot.sbom.display()))
}

fn document(plan: &Plan, root: &Root, tree: &Path, slot: &Slot) -> Result<Document> {
    let image = format!("{COMPATIBLE}-{}", plan.kind.name());
    let mut document = Document::new(&image, &slot.key, &created(&plan.workspace)?);
    let whole = document.add(Package {
        kind: "image",
        name: image.clone(),
        version: plan.release.clone(),
        purpose: "OPERATING-SYSTEM",
        file: Some("system.img".to_owned()),
        sha256: Some(cache::sha256(&slot.system)?),
        ..Package::default()
    });
    document.describes(&whole);
    let kernel = document.add(Package {
        kind: "image",
        name: format!("{image}-kernel"),
        version: plan.release.clone(),
        purpose: "OPERATING-SYSTEM",
        file: Some("conclave.efi".to_owned()),
        sha256: Some(cache::sha256(&slot.unified)?),
        ..Package::default()
    });
    document.relate(&whole, "CONTAINS", &kernel);

    let status = root.tree.join("var/lib/dpkg/status");
    let status = fs::read_to_string(&status)
        .with_context(|| format!("{} cannot be read", status.display()))?;
    for package in debian::packages(&status, SUITE) {
        let of_kernel = OF_KERNEL.iter().any(|name| package.name.starts_with(name));
        let id = document.add(package);
        document.relate(&whole, "CONTAINS", &id);
        if of_kernel {
            document.relate(&kernel, "CONTAINS", &id);
        }
    }
    let stub = output(Command::new("dpkg-query").args(["--status", STUB_PACKAGE]))?;
    for package in debian::packages(&stub, &debian::suite_of_this_machine()?) {
        let id = document.add(package);
        document.relate(&kernel, "CONTAINS", &id);
    }

    let lock = crate::crates::lock_file(&plan.workspace)?;
    for name in PROGRAMS {
        let installed = tree.join("usr/bin").join(name);
        let linked = crates::linked_into(&plan.workspace, name, &lock)?;
        let program = document.add(Package {
            kind: "program",
            sha256: Some(cache::sha256(&installed)?),
            file: Some(format!("usr/bin/{name}")),
            purpose: "APPLICATION",
            ..linked.program
        });
        document.relate(&whole, "CONTAINS", &program);
        let library = crates::standard_library(&installed)?;
        for package in linked.crates.into_iter().chain([library]) {
            let id = document.add(package);
            document.relate(&program, "STATIC_LINK", &id);
        }
    }
    Ok(document)
}

/// When the sources were made, in seconds since 1970, as far as an image may tell: `SOURCE_DATE_EPOCH`, else the
/// commit's time.
pub(super) fn source_date(workspace: &Path) -> Result<u64> {
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds,
        Err(_) => {
            let mut git = Command::new("git");
            output(git.current_dir(workspace).args(["log", "-1", "--format=%ct"]))
                .context("give SOURCE_DATE_EPOCH where there is no git")?
        }
    };
    seconds.trim().parse().context("the date of the sources is no number of seconds")
}

/// When the document was made, as far as it may tell.
fn created(workspace: &Path) -> Result<String> {
    let seconds = source_date(workspace)?;
    let mut date = Command::new("date");
    date.args(["--utc", &format!("--date=@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"]);
    Ok(output(&mut date)?.trim().to_owned())
}

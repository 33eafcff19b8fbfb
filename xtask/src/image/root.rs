//! Debian's packages as a tree: mmdebstrap, from the mirror that this machine's own apt uses.

use super::cache::{self, Ingredients};
use super::{debian, list};
use crate::mirror;
use crate::steps::Steps;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian 13: its kernel, systemd and RAUC are the ones that were tried (docs/firmware.md).
pub(crate) const SUITE: &str = "trixie";

/// What no room reads, left out while packages are unpacked.
const UNREAD: [&str; 4] =
    ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*"];

/// As mmdebstrap is told of it.
pub(crate) fn unread() -> impl Iterator<Item = String> {
    UNREAD.iter().map(|path| format!("--dpkgopt=path-exclude={path}"))
}

/// The tree of packages, with the key of what it holds.
pub(crate) struct Root {
    pub(crate) tree: PathBuf,
    pub(crate) key: String,
}

impl Root {
    /// The same list gives other versions another day: which they are counts too.
    fn of(tree: PathBuf, list: &str) -> Result<Root> {
        let status = tree.join("var/lib/dpkg/status");
        let key = Ingredients::default().word("list", list).path(&status)?.key()?;
        Ok(Root { tree, key })
    }
}

/// Finds the tree, or makes it.
pub(crate) fn fetch(steps: &mut Steps, workspace: &Path, out: &Path, fresh: bool) -> Result<Root> {
    let packages = list::read(&debian(workspace).join("packages.txt"))?;
    let key = Ingredients::default()
        .word("suite", SUITE)
        .word("packages", &packages.join(","))
        .word("unread", &UNREAD.join(","))
        .key()?;
    let tree = out.join("root");
    let key_file = out.join("root.key");
    if !fresh && cache::is_current(&key_file, &key) {
        eprintln!("✓ Debian's packages are there already (--fresh fetches them anew).");
        return Root::of(tree, &key);
    }
    cache::begin(&key_file)?;
    if tree.exists() {
        fs::remove_dir_all(&tree)
            .with_context(|| format!("{} cannot be removed", tree.display()))?;
    }
    let mirror = mirror::of_this_machine()?;
    let mut command = Command::new("mmdebstrap");
    command
        .args(["--variant=minbase", "--mode=root"])
        .arg(format!("--include={}", packages.join(",")))
        .arg("--aptopt=APT::Install-Recommends \"false\"")
        .args(unread())
        // The initial RAM disk is ours; Debian's would be made for nothing.
        .env("INITRD", "No")
        .arg(SUITE)
        .arg(&tree)
        .arg(mirror);
    steps.run(
        "Fetch and unpack Debian's packages (some 300 MB, two minutes on a quiet machine)",
        &mut command,
        "mmdebstrap says above why: most often a package of appliance/debian/packages.txt that the \
         mirror does not know, or no network",
    )?;
    cache::made(&key_file, &key)?;
    Root::of(tree, &key)
}

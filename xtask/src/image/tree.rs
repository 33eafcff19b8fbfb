//! The tree of a system: Debian's packages with our programs and files laid over them.
//!
//! The packages' tree is not copied but linked: a file that is laid over another replaces its name
//! and leaves the packages' own file as it was.

use super::{BOARD, PROGRAMS, Plan, Source, debian, description, module, output, sbom, system};
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// What updates of the virtual board are for.
pub(crate) const COMPATIBLE: &str = "conclave-virtual-x86_64";

/// Where room.toml looks for the board's description.
const DESCRIPTION: &str = "usr/lib/conclave/board.toml";

/// Where conclave-clock looks for the time before which no clock is set.
const BUILT: &str = "usr/lib/conclave/built";

/// Seconds since 1970 at the beginning of the day of the sources: by the second, each commit would give another
/// system, and nobody cares about hours.
pub(super) fn built(plan: &Plan) -> Result<u64> {
    const DAY: u64 = 86_400;
    Ok(sbom::source_date(&plan.workspace)? / DAY * DAY)
}

/// Makes the tree at `tree`.
pub(crate) fn lay(plan: &Plan, source: &Source, tree: &Path) -> Result<()> {
    if tree.exists() {
        fs::remove_dir_all(tree)
            .with_context(|| format!("{} cannot be removed", tree.display()))?;
    }
    output(Command::new("cp").args(["--archive", "--link"]).arg(&source.root.tree).arg(tree))?;
    let debian = debian(&plan.workspace);
    for layer in [system(&plan.workspace), debian.join(BOARD), debian.join(plan.kind.name())] {
        over(&layer, tree)?;
    }
    let board = description(&plan.workspace);
    fs::copy(&board, tree.join(DESCRIPTION))
        .with_context(|| format!("{} cannot be laid over the system", board.display()))?;
    fs::remove_file(tree.join("README.md"))?; // It is for those who look into the folder.
    for name in PROGRAMS {
        let program = source.programs.join(name);
        if !program.exists() {
            bail!("{} is not there; `cargo build --release -p {name}`", program.display());
        }
        let place = tree.join("usr/bin").join(name);
        strip(&program, &place)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
    }
    if let Some(module) = &source.module {
        module::lay(module, tree)?;
    }
    settle(plan, tree)
}

/// A program as it is installed: without the lines for debuggers. Nobody debugs in a room, and they are most of the
/// size.
pub(crate) fn strip(program: &Path, to: &Path) -> Result<()> {
    output(Command::new("strip").arg("-o").arg(to).arg(program)).map(|_| ())
}

/// What no file says: users, what is started, and names that only a running system gives.
fn settle(plan: &Plan, tree: &Path) -> Result<()> {
    fs::create_dir_all(tree.join("site"))?;
    replace(&tree.join("etc/machine-id"), "")?; // Each machine has its own, from its firmware.
    replace(&tree.join("etc/hostname"), "conclave-room\n")?;
    let release = fs::read_to_string(tree.join("usr/lib/os-release"))?;
    let release =
        format!("{release}VARIANT_ID={}\nIMAGE_VERSION={}\n", plan.kind.name(), plan.release);
    replace(&tree.join("usr/lib/os-release"), &release)?;
    replace(&tree.join(BUILT), &format!("{}\n", built(plan)?))?;
    updates(plan, tree)?;
    let resolver = tree.join("etc/resolv.conf");
    let _ = fs::remove_file(&resolver); // Whatever Debian's tools left there.
    symlink("../run/systemd/resolve/stub-resolv.conf", &resolver)?;
    // Nobody logs in with a password: root has none, and one that is locked opens nothing.
    output(Command::new("systemd-sysusers").arg(format!("--root={}", tree.display())))?;
    output(
        Command::new("systemctl")
            .arg(format!("--root={}", tree.display()))
            .args(["--quiet", "preset-all"]),
    )?;
    plugins(tree)?;
    // The data partition lies over it, and tmpfiles make what services need there.
    for entry in fs::read_dir(tree.join("var"))?.flatten() {
        let path = entry.path();
        let is_folder = entry.file_type()?.is_dir();
        if is_folder { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    // What is started before it is there finds these, empty and read-only.
    for folder in ["cache", "lib", "log", "tmp"] {
        fs::create_dir(tree.join("var").join(folder))?;
    }
    Ok(())
}

/// GStreamer's list of its plugins, which a room would take half a minute to write.
fn plugins(tree: &Path) -> Result<()> {
    let list = "usr/lib/conclave/gstreamer-registry.bin";
    // The list tells in which order the disk names the files of this folder, and when each was written: it
    // would differ each time. That folder is away while the list is written.
    let modules = tree.join("usr/lib/x86_64-linux-gnu/gio/modules");
    let away = modules.with_extension("away");
    fs::rename(&modules, &away).context("GIO's modules are not where Debian puts them")?;
    output(
        Command::new("chroot")
            .arg(tree)
            .args(["/usr/bin/env", "-i", "PATH=/usr/bin:/usr/sbin", "HOME=/tmp"])
            .args([&format!("GST_REGISTRY=/{list}"), "GST_REGISTRY_FORK=no"])
            .args(["gst-inspect-1.0", "fakesink"]),
    )
    .context("the list of GStreamer's plugins could not be written")?;
    fs::rename(&away, &modules)?;
    // GStreamer writes it for its owner alone, and conclave-roomd is another: it would look for itself.
    fs::set_permissions(tree.join(list), fs::Permissions::from_mode(0o644))?;
    Ok(())
}

/// What RAUC knows: the slots, what an update has to be for, and whose signature it needs.
fn updates(plan: &Plan, tree: &Path) -> Result<()> {
    let template = plan.workspace.join("appliance/rauc/system.conf");
    let text = fs::read_to_string(&template)
        .with_context(|| format!("{} cannot be read", template.display()))?
        .replace("@COMPATIBLE@", COMPATIBLE)
        .replace("@BOOTLOADER@", "efi")
        .replace("@KEYRING@", "/etc/rauc/update-ca.crt");
    fs::create_dir_all(tree.join("etc/rauc"))?;
    replace(&tree.join("etc/rauc/system.conf"), &text)?;
    let authority = fs::read_to_string(plan.keys.join("update-ca.crt"))?;
    replace(&tree.join("etc/rauc/update-ca.crt"), &authority)
}

/// Lays a folder over the tree; what it replaces is unlinked first.
fn over(layer: &Path, tree: &Path) -> Result<()> {
    if !layer.exists() {
        return Ok(());
    }
    output(
        Command::new("cp")
            .args(["--archive", "--no-preserve=ownership,timestamps", "--remove-destination"])
            .arg(layer.join("."))
            .arg(tree),
    )
    .with_context(|| format!("{} cannot be laid over the system", layer.display()))?;
    Ok(())
}

fn replace(path: &Path, text: &str) -> Result<()> {
    let _ = fs::remove_file(path); // It may be a link to the packages' own file.
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_names_what_the_image_has() {
        let workspace = crate::workspace().unwrap();
        assert!(description(&workspace).is_file());
        for tree in [system(&workspace), debian(&workspace).join(BOARD)] {
            let room = fs::read_to_string(tree.join("usr/lib/conclave/room.toml")).unwrap();
            let board = format!("[board]\ndescription = \"/{DESCRIPTION}\"\n");
            assert!(room.contains(&board), "{}", tree.display());
            let clock = "[clock]\nrequest = \"/run/conclave/clock\"\n";
            assert!(room.contains(clock), "{}", tree.display());
            assert!(!tree.join(DESCRIPTION).exists(), "a second copy would differ some day");
        }
    }
}

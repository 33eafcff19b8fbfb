//! One system slot: the tree as a read-only file system with its hashes behind it, and the kernel that
//! knows the root hash.
//!
//! The slot's partition holds the squashfs and, behind it, dm-verity's hashes of it. Their root stands in
//! the initial RAM disk, in `/etc/conclave/verity`, in the words that Yocto's image_types_verity uses, and
//! that disk inside the unified kernel image: whoever signs that image signs the whole system. The same
//! octets go into either slot.

use super::cache::{self, Ingredients};
use super::{
    Kind, PROGRAMS, Plan, Source, debian, description, disk, list, only_entry, output, sbom,
    system, tree, unified,
};
use crate::steps::Steps;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bump it when the same ingredients have to give another slot.
const RECIPE: &str = "6";

/// dm-verity's block.
const BLOCK: u64 = 4096;

/// What the initial RAM disk loads: watchdogs, disks of virtual and real boards, then what opens the system.
const MODULES: [&str; 17] = [
    // First, so that what stands still is ended: QEMU's watchdog, and that of Intel's chipsets. The first that
    // is there is the one that counts.
    "i6300esb",
    "iTCO_wdt",
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "ahci",
    "nvme",
    "sd_mod",
    "usb_storage",
    "uas",
    "xhci_pci",
    "mmc_block",
    "sdhci_pci",
    "dm_verity",
    "squashfs",
    "loop",
    // Which boot partition the firmware started from.
    "efivarfs",
];

/// A built slot's files.
pub(crate) struct Slot {
    /// What its partition holds.
    pub(crate) system: PathBuf,
    /// The kernel.
    pub(crate) kernel: PathBuf,
    /// The initial RAM disk.
    pub(crate) initrd: PathBuf,
    /// What the kernel is told, in either slot.
    pub(crate) command_line: PathBuf,
    /// The signed unified kernel image of either slot.
    pub(crate) unified: PathBuf,
    /// The file system of either boot partition.
    pub(crate) boot: PathBuf,
    /// What it is made of: SPDX.
    pub(crate) sbom: PathBuf,
    /// Key of all this.
    pub(crate) key: String,
}

/// Builds the slot, or finds that what is there is still right.
pub(crate) fn build(
    steps: &mut Steps,
    plan: &Plan,
    source: &Source,
    folder: &Path,
) -> Result<Slot> {
    let Source { root, programs, module } = source;
    fs::create_dir_all(folder)?;
    let key_file = folder.join("slot.key");
    let mut ingredients = Ingredients::default();
    ingredients.word("recipe", RECIPE).word("root", &root.key).word("kind", plan.kind.name());
    ingredients.word("release", &plan.release).word("built", &tree::built(plan)?.to_string());
    ingredients.path(&plan.keys.join("update-ca.crt"))?;
    ingredients.path(&unified::certificate(plan))?;
    ingredients.path(&plan.workspace.join("appliance/rauc"))?;
    let init = plan.workspace.join("appliance/initramfs/init");
    ingredients.path(&system(&plan.workspace))?.path(&debian(&plan.workspace))?.path(&init)?;
    ingredients.path(&description(&plan.workspace))?;
    if let Some(module) = module {
        ingredients.path(&module.file)?;
    }
    for program in PROGRAMS {
        ingredients.path(&programs.join(program))?;
    }
    let slot = Slot {
        system: folder.join("system.img"),
        kernel: folder.join("vmlinuz"),
        initrd: folder.join("initrd.zst"),
        command_line: folder.join("command-line"),
        unified: folder.join("conclave.efi"),
        boot: folder.join("boot.vfat"),
        sbom: folder.join("conclave.spdx.json"),
        key: ingredients.key()?,
    };
    if cache::is_current(&key_file, &slot.key) {
        eprintln!("✓ The system is there already: nothing that goes into it has changed.");
        return Ok(slot);
    }
    cache::begin(&key_file)?;
    let tree = folder.join("tree");
    eprintln!("\n── Lay our programs and files over Debian's packages");
    tree::lay(plan, source, &tree)?;
    squash(steps, plan, &tree, &slot.system)?;
    let system = hashes(&slot)?;
    kernel(&init, &system, &tree, &slot)?;
    fs::write(&slot.command_line, command_line(plan.kind))?;
    unified::build(plan, &tree, &slot)?;
    disk::boot(folder, &slot.unified)?;
    sbom::write(plan, root, &tree, &slot)?;
    fs::remove_dir_all(&tree)?;
    cache::made(&key_file, &slot.key)?;
    Ok(slot)
}

fn squash(steps: &mut Steps, plan: &Plan, tree: &Path, system: &Path) -> Result<()> {
    let debian = debian(&plan.workspace);
    let mut left_out = list::read(&debian.join("left-out.txt"))?;
    if plan.kind == Kind::Production {
        left_out.extend(list::read(&debian.join("left-out-of-production.txt"))?);
    }
    let mut command = Command::new("mksquashfs");
    command
        .arg(tree)
        .arg(system)
        // LZ4: an emulated processor unpacks it five times as fast as zstd, for a third more space.
        // Its thorough variant saves a tenth and takes minutes.
        .args(["-comp", "lz4", "-noappend", "-no-xattrs", "-quiet", "-no-progress"])
        // The same tree gives the same octets: no clock in it.
        .args(["-mkfs-time", "0", "-all-time", "0", "-wildcards", "-e"])
        .args(left_out);
    steps.run("Pack the system", &mut command, "mksquashfs says above why")
}

/// Appends the hashes; returns what `/etc/conclave/verity` says of them.
fn hashes(slot: &Slot) -> Result<String> {
    let file = fs::OpenOptions::new().write(true).open(&slot.system)?;
    let blocks = file.metadata()?.len().div_ceil(BLOCK);
    file.set_len(blocks * BLOCK)?;
    drop(file);
    // From what went in, so that building again gives the same slot.
    let salt = &slot.key;
    let printed = output(
        Command::new("veritysetup")
            .args(["format", "--no-superblock", "--hash=sha256"])
            .arg(format!("--data-blocks={blocks}"))
            .arg(format!("--hash-offset={}", blocks * BLOCK))
            .arg(format!("--salt={salt}"))
            .args([&slot.system, &slot.system]),
    )?;
    let root_hash = printed
        .lines()
        .find_map(|line| line.strip_prefix("Root hash:"))
        .map(str::trim)
        .with_context(|| format!("veritysetup named no root hash: {printed}"))?;
    Ok(format!(
        "VERITY_HASH_ALGORITHM=sha256\nVERITY_DATA_BLOCK_SIZE={BLOCK}\nVERITY_HASH_BLOCK_SIZE={BLOCK}\n\
         VERITY_DATA_BLOCKS={blocks}\nVERITY_SALT={salt}\nVERITY_ROOT_HASH={root_hash}\n"
    ))
}

/// What the kernel is told.
fn command_line(kind: Kind) -> String {
    let words = [
        "ro quiet loglevel=4",
        // A room that cannot go on starts again, and the firmware may take the other slot.
        "panic=10",
        // Our units mount what there is; nothing is guessed from partition types.
        "systemd.gpt_auto=0",
        // A slow disk is waited for; an emulated one on a busy machine takes minutes.
        "systemd.default_device_timeout_sec=600",
        match kind {
            Kind::Production => "systemd.show_status=no",
            Kind::Development => "console=tty0 console=ttyS0,115200",
        },
    ];
    words.join(" ")
}

/// Kernel and initial RAM disk.
fn kernel(init: &Path, verity: &str, tree: &Path, slot: &Slot) -> Result<()> {
    let version = only_entry(&tree.join("usr/lib/modules"))?;
    fs::copy(tree.join(format!("boot/vmlinuz-{version}")), &slot.kernel)
        .context("the kernel is not where Debian puts it")?;
    let disk = slot.initrd.with_extension("tree");
    if disk.exists() {
        fs::remove_dir_all(&disk)?;
    }
    for folder in ["bin", "dev", "etc/conclave", "modules", "proc", "root", "run", "sys"] {
        fs::create_dir_all(disk.join(folder))?;
    }
    fs::write(disk.join("etc/conclave/verity"), verity)?;
    let mut order = String::new();
    for module in MODULES {
        // Debian's own modprobe: this machine's may be another, or not there.
        let needed = output(Command::new("chroot").arg(tree).args([
            "modprobe",
            "--set-version",
            &version,
            "--show-depends",
            module,
        ]))
        .with_context(|| format!("the kernel has no module {module}"))?;
        for path in needed.lines().filter_map(|line| line.strip_prefix("insmod ")) {
            let path = tree.join(path.trim().trim_start_matches('/'));
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let plain = name.trim_end_matches(".xz").to_owned();
            if !order.lines().any(|line| line == plain) {
                unpack(&path, &disk.join("modules").join(&plain))?;
                order.push_str(&format!("{plain}\n"));
            }
        }
    }
    fs::write(disk.join("modules/order"), order)?;
    fs::copy(tree.join("usr/bin/busybox"), disk.join("bin/busybox"))?;
    for applet in output(Command::new("chroot").arg(tree).args(["busybox", "--list"]))?.lines() {
        if applet != "busybox" {
            symlink("busybox", disk.join("bin").join(applet))?;
        }
    }
    fs::copy(tree.join("usr/sbin/veritysetup"), disk.join("bin/veritysetup"))?;
    let libraries =
        output(Command::new("chroot").arg(tree).args(["ldd", "/usr/sbin/veritysetup"]))?;
    for library in libraries.split_whitespace().filter(|word| word.starts_with("/lib")) {
        let place = disk.join(library.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap_or(&disk))?;
        // Debian's /lib is a link to /usr/lib, and the libraries' names are links too.
        let real = output(Command::new("chroot").arg(tree).args(["readlink", "-f", library]))?;
        fs::copy(tree.join(real.trim().trim_start_matches('/')), place)?;
    }
    fs::copy(init, disk.join("init"))?;
    fs::set_permissions(disk.join("init"), fs::Permissions::from_mode(0o755))?;
    pack(&disk, slot)
}

fn pack(disk: &Path, slot: &Slot) -> Result<()> {
    let script =
        "find . -print0 | sort -z | cpio --quiet -0 -o -H newc -R 0:0 --reproducible | zstd -q -9";
    let packed = Command::new("sh")
        .args(["-c", &format!("find . -exec touch -h -d @0 {{}} + && {script}")])
        .current_dir(disk)
        .output()
        .context("the initial RAM disk could not be packed")?;
    if !packed.status.success() || packed.stdout.is_empty() {
        bail!("the initial RAM disk: {}", String::from_utf8_lossy(&packed.stderr).trim());
    }
    fs::write(&slot.initrd, packed.stdout)?;
    fs::remove_dir_all(disk)?;
    Ok(())
}

fn unpack(module: &Path, place: &Path) -> Result<()> {
    if module.extension().is_some_and(|ending| ending == "xz") {
        let plain = Command::new("xz").arg("-dc").arg(module).output().context("xz")?;
        fs::write(place, plain.stdout)?;
    } else {
        fs::copy(module, place)?;
    }
    Ok(())
}

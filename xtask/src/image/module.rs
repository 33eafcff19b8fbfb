//! The kernel's simulated lines, gpio-sim: Debian's kernels are built without it, so a development image of the
//! virtual board gets it from Debian's own kernel source, built for the kernel that the image has.
//!
//! 1. a second tree, with that kernel's headers, its source and a compiler;
//! 2. gpio-sim and what it wants of the kernel that Debian has left out too (simulated interrupts), as one module.

use super::cache::{self, Ingredients};
use super::root::{self, Root};
use super::{only_entry, output};
use crate::mirror;
use crate::steps::Steps;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The module's file, for the kernel of this tree.
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    /// The kernel's version: the name of its folder of modules.
    pub(crate) kernel: String,
}

/// In Debian's package of the kernel's source.
const SOURCES: [&str; 3] =
    ["drivers/gpio/gpio-sim.c", "drivers/gpio/gpiolib.h", "kernel/irq/irq_sim.c"];

/// A module of several parts is called otherwise than each of them. Interrupts of a module come by the function
/// that is exported, and may be called from anywhere.
const BUILD: &str = "set -e
cd /module
tar --strip-components=1 -xf /usr/src/linux-source-*.tar.xz --wildcards $SOURCES
cp drivers/gpio/gpio-sim.c lines.c
cp drivers/gpio/gpiolib.h .
sed 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq_safe(irqnum)/' kernel/irq/irq_sim.c > interrupts.c
printf 'obj-m := gpio-sim.o\\ngpio-sim-y := lines.o interrupts.o\\n' > Makefile
make -s -C /usr/src/linux-headers-$KERNEL M=/module modules
strip --strip-debug gpio-sim.ko
";

/// Finds the module, or builds it.
pub(crate) fn gpio_sim(steps: &mut Steps, root: &Root, out: &Path) -> Result<Module> {
    let kernel = only_entry(&root.tree.join("usr/lib/modules"))?;
    let (headers, tree) = (format!("linux-headers-{kernel}"), out.join("module"));
    let packages = format!("{headers},linux-source-6.12,make,gcc,tar,xz-utils");
    let module = Module { file: out.join("gpio-sim.ko"), kernel: kernel.clone() };
    let mut ingredients = Ingredients::default();
    ingredients.word("packages", &packages).word("build", BUILD);
    let key = ingredients.word("sources", &SOURCES.join(" ")).key()?;
    let key_file = out.join("gpio-sim.key");
    if cache::is_current(&key_file, &key) {
        return Ok(module);
    }
    cache::begin(&key_file)?;
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    steps.run(
        "Fetch the kernel's headers, its source and a compiler (some 250 MB)",
        Command::new("mmdebstrap")
            .args(["--variant=minbase", "--mode=root"])
            .arg(format!("--include={packages}"))
            .arg("--aptopt=APT::Install-Recommends \"false\"")
            .args(root::unread())
            .arg(root::SUITE)
            .arg(&tree)
            .arg(mirror::of_this_machine()?),
        "mmdebstrap says above why. Where the mirror has a newer kernel than the image: \
         `cargo xtask image --fresh`",
    )?;
    fs::create_dir_all(tree.join("module"))?;
    let sources = SOURCES.map(|name| format!("*/{name}")).join(" ");
    output(
        Command::new("chroot")
            .arg(&tree)
            .args(["/usr/bin/env", "-i", "PATH=/usr/bin:/usr/sbin"])
            .args([format!("KERNEL={kernel}"), format!("SOURCES={sources}")])
            .args(["sh", "-c", BUILD]),
    )
    .context("gpio-sim could not be built for the image's kernel")?;
    fs::copy(tree.join("module/gpio-sim.ko"), &module.file)?;
    fs::remove_dir_all(&tree)?;
    cache::made(&key_file, &key)?;
    Ok(module)
}

/// Lays the module over a system's tree, where its kernel finds it.
pub(crate) fn lay(module: &Module, tree: &Path) -> Result<()> {
    let folder = tree.join("usr/lib/modules").join(&module.kernel).join("extra");
    fs::create_dir_all(&folder)?;
    fs::copy(&module.file, folder.join("gpio-sim.ko"))?;
    output(Command::new("chroot").arg(tree).args(["depmod", &module.kernel]))?;
    Ok(())
}

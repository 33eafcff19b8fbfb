//! `cargo xtask image`: a disk that the virtual board boots.
//!
//! 1. [`programs`]: our own, the release build;
//! 2. [`root`]: Debian's packages as a tree, kept until the list of packages changes; for a development image
//!    simulated lines for its kernel: [`module`];
//! 3. [`tree`]: that tree with our programs and `appliance/system` laid over it;
//! 4. [`slot`]: the tree as a read-only file system with its hashes, and a kernel that knows the root hash, signed ([`unified`]);
//!    [`sbom`] writes beside it what it is made of;
//! 5. [`bundle`]: both as a signed update;
//! 6. [`disk`]: both, twice, in a disk with the partitions that every board has.
//!
//! Everything lands in `target/image/`. What is there already is used again as long as what went into
//! it is the same: [`cache`]. [`twice`] builds the slot two times and looks whether they are.

mod bundle;
pub(crate) mod cache;
mod disk;
mod list;
mod module;
pub(crate) mod programs;
mod root;
mod sbom;
mod slot;
mod tree;
mod twice;
mod unified;

use crate::packages::{self, Purpose};
use crate::steps::Steps;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `cargo xtask image` is asked.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Whoever is at its serial port is root, without a password. Never for a real room.
    #[arg(long)]
    development: bool,
    /// The file that says which cloud the room belongs to: its table `[cloud]`, with host and pins.
    /// Without it, write it onto the partition conclave-site later.
    #[arg(long, value_name = "CLOUD.TOML")]
    cloud: Option<PathBuf>,
    /// The version that the system says it is; a room goes from one to another.
    #[arg(long, value_name = "X.Y.Z", default_value = RELEASE, value_parser = three_numbers)]
    release: String,
    /// The folder of keys that `yocto/make-keys.sh` makes: whose updates the room takes, and what signs
    /// this one. Without it, keys to try things with are made in target/image/keys.
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
    /// Fetches Debian's packages anew, though the list of them is the same.
    #[arg(long)]
    fresh: bool,
    /// Builds the system two times more, and the programs once more elsewhere, and fails unless they are the same to
    /// the last octet.
    #[arg(long)]
    twice: bool,
    /// Takes the programs from this folder instead of building them.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// Only fetches and unpacks Debian's packages, for an image that is built later.
    #[arg(long, conflicts_with = "twice")]
    packages_only: bool,
    /// Goes ahead without looking for Debian packages: everything needed is there already.
    #[arg(long)]
    no_install: bool,
}

/// A room takes no other version: it could not tell which of two is the newer one.
fn three_numbers(text: &str) -> Result<String, String> {
    let numbers: Vec<_> = text.split('.').map(str::parse::<u16>).collect();
    let fits = numbers.len() == 3 && numbers.iter().all(Result::is_ok) && !text.contains('+');
    if fits { Ok(text.to_owned()) } else { Err("give three numbers, such as 1.4.2".to_owned()) }
}

/// Which kind of image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// No shell, no login.
    Production,
    /// A login at the serial port.
    Development,
}

impl Kind {
    /// Its folder, in `appliance/debian` and in `target/image`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Production => "production",
            Kind::Development => "development",
        }
    }
}

/// What building an image needs to know.
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) cloud: Option<PathBuf>,
    /// The version that the system says it is.
    pub(crate) release: String,
    /// Keys of updates (`update.key`, `update.crt`, `update-ca.crt`) and of what boots (`secure-boot.key`,
    /// `secure-boot.crt`).
    pub(crate) keys: PathBuf,
    pub(crate) fresh: bool,
    pub(crate) programs: Option<PathBuf>,
    pub(crate) workspace: PathBuf,
}

/// Where a finished image's parts are.
pub(crate) struct Image {
    /// The disk.
    pub(crate) disk: PathBuf,
    /// The kernel, for a boot without firmware.
    pub(crate) kernel: PathBuf,
    /// Its initial RAM disk.
    pub(crate) initrd: PathBuf,
    /// Its command line.
    pub(crate) command_line: PathBuf,
    /// The same system as a signed update.
    pub(crate) bundle: PathBuf,
}

/// Builds the image that was asked for and says what to do with it.
pub(crate) fn run(workspace: PathBuf, arguments: Arguments) -> Result<()> {
    if !arguments.no_install {
        packages::install(Purpose::Image)?;
    }
    if arguments.packages_only {
        let mut steps = Steps::new(workspace.clone());
        return root::fetch(&mut steps, &workspace, &folder(&workspace)?, arguments.fresh)
            .map(drop);
    }
    let mut plan = Plan {
        kind: if arguments.development { Kind::Development } else { Kind::Production },
        cloud: arguments.cloud,
        release: arguments.release,
        keys: keys(&workspace, arguments.keys),
        fresh: arguments.fresh,
        programs: arguments.programs,
        workspace,
    };
    let image = build(&plan)?;
    if arguments.twice {
        // Of the packages that are there now.
        plan.fresh = false;
        build_twice(&plan)?;
    }
    eprintln!("\nThe {} image: {}", plan.kind.name(), image.disk.display());
    eprintln!("The same as an update: {}", image.bundle.display());
    if plan.kind == Kind::Development {
        eprintln!("Whoever is at its serial port is root. It is for a desk, never for a room.");
    }
    eprintln!("`cargo xtask hil --interactive` boots it here; docs/firmware.md says the rest.");
    Ok(())
}

/// Builds an image, or finds that the one that is there is still right.
pub(crate) fn build(plan: &Plan) -> Result<Image> {
    let mut steps = Steps::new(plan.workspace.clone());
    let source = source(&mut steps, plan)?;
    let system = build_system(&mut steps, plan, &source)?;
    disk::build(&mut steps, plan, &system.slot, system.bundle, &system.folder)
}

/// Builds an update alone, for a room that has another release.
pub(crate) fn build_update(plan: &Plan) -> Result<PathBuf> {
    let mut steps = Steps::new(plan.workspace.clone());
    let source = source(&mut steps, plan)?;
    Ok(build_system(&mut steps, plan, &source)?.bundle)
}

/// Builds slot and programs again, and fails unless they are the same.
fn build_twice(plan: &Plan) -> Result<()> {
    let mut steps = Steps::new(plan.workspace.clone());
    let source = source(&mut steps, plan)?;
    twice::build(&mut steps, plan, &source)?;
    match plan.programs {
        // Nobody knows how they were built.
        Some(_) => Ok(()),
        None => twice::programs(&mut steps, &plan.workspace, &source.programs),
    }
}

/// What a system is made of: Debian's packages and our programs.
struct Source {
    root: root::Root,
    programs: PathBuf,
    module: Option<module::Module>,
}

fn source(steps: &mut Steps, plan: &Plan) -> Result<Source> {
    if !packages::is_root()? {
        bail!(
            "An image's files belong to root, so only root can put them together.\n\
             Run `sudo --preserve-env=PATH,HOME cargo xtask image`."
        );
    }
    let programs = match &plan.programs {
        Some(folder) => folder.clone(),
        None => programs::room(steps, &plan.workspace)?,
    };
    let out = folder(&plan.workspace)?;
    let root = root::fetch(steps, &plan.workspace, &out, plan.fresh)?;
    if !plan.keys.join("update.crt").exists() {
        steps.run(
            &format!("Make keys to try things with in {}", plan.keys.display()),
            Command::new("sh").arg(plan.workspace.join("yocto/make-keys.sh")).arg(&plan.keys),
            "openssl says above why",
        )?;
    }
    let module = match plan.kind {
        Kind::Production => None,
        Kind::Development => Some(module::gpio_sim(steps, &root, &out)?),
    };
    Ok(Source { root, programs, module })
}

/// Where images are built.
fn folder(workspace: &Path) -> Result<PathBuf> {
    let out = workspace.join("target/image");
    fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    Ok(out)
}

/// What a disk is made of.
struct System {
    slot: slot::Slot,
    bundle: PathBuf,
    folder: PathBuf,
}

fn build_system(steps: &mut Steps, plan: &Plan, source: &Source) -> Result<System> {
    // Another release stands beside the first: a room goes from one to the other.
    let folder = plan.workspace.join("target/image").join(match plan.release.as_str() {
        RELEASE => plan.kind.name().to_owned(),
        other => format!("{}-{other}", plan.kind.name()),
    });
    let slot = slot::build(steps, plan, source, &folder)?;
    let bundle = bundle::build(steps, plan, &slot, &folder)?;
    Ok(System { slot, bundle, folder })
}

/// Where the keys are: where they are said to be, or those to try things with.
pub(crate) fn keys(workspace: &Path, given: Option<PathBuf>) -> PathBuf {
    given.unwrap_or_else(|| workspace.join("target/image/keys"))
}

/// A command's output, or what it said instead.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} could not be started"))?;
    if !output.status.success() {
        bail!("{name} said: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The name of what is alone in a folder.
pub(crate) fn only_entry(folder: &Path) -> Result<String> {
    let names: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    match names.as_slice() {
        [name] => Ok(name.clone()),
        _ => bail!("{} should hold one kernel's modules and holds {names:?}", folder.display()),
    }
}

/// The version of an image that is asked for no other.
pub(crate) const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The programs of ours that an image holds.
pub(crate) const PROGRAMS: [&str; 5] =
    ["conclave-roomd", "conclave-kiosk", "conclave-slots", "conclave-reset", "conclave-clock"];

/// The board that the image is for; its folder in `board/` and in `appliance/debian`.
pub(crate) const BOARD: &str = "virtual-x86_64";

/// What the board is made of: its one description, which the image gets as it is.
pub(crate) fn description(workspace: &Path) -> PathBuf {
    workspace.join("board").join(BOARD).join("board.toml")
}

/// The folder of the files that every image gets.
pub(crate) fn system(workspace: &Path) -> PathBuf {
    workspace.join("appliance/system")
}

/// The folder of what the virtual board's image is made of.
pub(crate) fn debian(workspace: &Path) -> PathBuf {
    workspace.join("appliance/debian")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_three_numbers() {
        assert!(three_numbers(RELEASE).is_ok());
        for text in ["", "1", "1.2", "1.2.3.4", "1.2.x", "+1.2.3", "1.2.70000"] {
            assert!(three_numbers(text).is_err(), "{text}");
        }
    }
}

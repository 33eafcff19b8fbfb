//! `cargo xtask hil`: the shipped image, booted and used: tests/hil.
//!
//! 1. the image, as `cargo xtask image` builds it, and what it is updated to: [`build`];
//! 2. a virtual environment with what `tests/hil/requirements.txt` names, in `target/hil/venv`: [`python`];
//! 3. pytest in a network namespace of its own: the cloud, the emulated room and whoever attacks it
//!    are alone there.

mod build;
mod python;

use crate::image;
use crate::packages::{self, Purpose};
use crate::steps::Steps;
use anyhow::{Context, Result};
use build::{Built, Wanted};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of all tests those of the short form.
const SHORT: &str = "test_01 or test_04";

/// What `cargo xtask hil` is asked.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leaves the room on a screen, touchable, until Ctrl-C, instead of testing it.
    #[arg(long)]
    interactive: bool,
    /// The short form: with programs that are not optimised, the image looked at, then one room from its first
    /// start over its code, a port scan and a call to an update that is taken back and one that stays; three power cuts.
    #[arg(long, conflicts_with_all = ["interactive", "power_cuts"])]
    short: bool,
    /// Boots the development image instead, asks it where the time between power on and panel goes, and
    /// writes that into docs/.
    #[arg(long, conflicts_with_all = ["interactive", "power_cuts"])]
    explain: bool,
    /// Cuts the power so often at random moments between a room's first start and an update that it keeps, and adds
    /// what came back to docs/power-cuts.md.
    #[arg(long, value_name = "N", conflicts_with = "interactive")]
    power_cuts: Option<u32>,
    /// The same seed chooses in the same way, for power cuts.
    #[arg(long)]
    seed: Option<u32>,
    /// Takes conclave-roomd and conclave-kiosk from this folder instead of building them.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// Takes conclave-cloud from this folder instead of building it.
    #[arg(long, value_name = "FOLDER")]
    cloud: Option<PathBuf>,
    /// Goes ahead without looking for Debian packages: everything needed is there already.
    #[arg(long)]
    no_install: bool,
    /// Further words for pytest, for example `-k scan`.
    #[arg(last = true)]
    pytest: Vec<String>,
}

/// Builds the image where it is not there, and runs the tests.
pub(crate) fn run(workspace: PathBuf, arguments: Arguments) -> Result<()> {
    if !arguments.no_install {
        packages::install(Purpose::Image)?;
    }
    let mut steps = Steps::new(workspace.clone());
    if arguments.short {
        short(&mut steps, &workspace)?;
        steps.summary();
        return Ok(());
    }
    let programs = match arguments.programs {
        Some(folder) => folder,
        None => image::programs::room(&mut steps, &workspace)?,
    };
    let cloud = match arguments.cloud {
        Some(folder) => folder,
        None => {
            image::programs::build(&mut steps, "Build the cloud", &workspace, &["conclave-cloud"])?
        }
    };
    let all = !arguments.interactive && !arguments.explain && arguments.power_cuts.is_none();
    let wanted = Wanted {
        workspace: &workspace,
        programs: &programs,
        updates: all || arguments.power_cuts.is_some(),
        // It alone answers at its serial port.
        development: all || arguments.explain,
    };
    let mut command = command(&mut steps, &workspace, &build::build(&wanted)?, &cloud)?;
    command.envs(arguments.seed.map(|seed| ("CONCLAVE_HIL_SEED", seed.to_string())));
    let tests = workspace.join("tests/hil");
    if arguments.interactive {
        command.arg(tests.join("interactive.py"));
        return steps.run("A room on your screen", &mut command, "it says above why");
    }
    if arguments.explain {
        command.arg(tests.join("power_on.py"));
        return steps.run("Where the time goes", &mut command, "it says above why");
    }
    if let Some(number) = arguments.power_cuts {
        command.env("CONCLAVE_HIL_PAGE", workspace.join("docs/power-cuts.md"));
        command.arg(tests.join("power_cuts.py")).arg(number.to_string());
        command.args(arguments.seed.map(|seed| seed.to_string()));
        return steps.run(
            &format!("Cut the power {number} times"),
            &mut command,
            "it says above what did not come back, and with which seed; the disk is left in target/hil/run",
        );
    }
    test(&mut steps, command, &tests, &arguments.pytest)?;
    steps.summary();
    Ok(())
}

/// The short form, which CI runs too: the image looked at, and one room on it.
pub(crate) fn short(steps: &mut Steps, workspace: &Path) -> Result<()> {
    if !can()? {
        eprintln!(
            "\nLeft out: the virtual board. It wants root, mounts, and a network of its own: cargo xtask hil."
        );
        return Ok(());
    }
    // Without `driver`, as a room has them; the same profile as all tests, which spares a second build.
    steps.cargo(
        "Build the programs as they are shipped",
        &["build", "--workspace", "--bins"],
        "the compiler says above what is wrong",
    )?;
    let programs = crate::built(".")?;
    let wanted = Wanted { workspace, programs: &programs, updates: true, development: false };
    let built = build::build(&wanted)?;
    let command = command(steps, workspace, &built, &programs)?;
    test(steps, command, &workspace.join("tests/hil"), &["-k".to_owned(), SHORT.to_owned()])
}

/// Whether the virtual board can be had here.
pub(crate) fn can() -> Result<bool> {
    Ok(packages::is_root()? && may_emulate())
}

/// Whether this machine lets us mount, and have a network with cables in it: some containers do not.
fn may_emulate() -> bool {
    let tried = "mount -t tmpfs none /mnt && ip link set lo up && ip tuntap add conclave0 mode tap";
    Command::new("unshare")
        .args(["--mount", "--net", "--", "sh", "-c", tried])
        .status()
        .is_ok_and(|status| status.success())
}

fn test(steps: &mut Steps, mut command: Command, tests: &Path, words: &[String]) -> Result<()> {
    command
        .args(["-m", "pytest", "-rA", "--tb=short", "-p", "no:cacheprovider"])
        .arg("--rootdir")
        .arg(tests)
        .args(words)
        .arg(tests);
    steps.run(
        "Boot the image and use it",
        &mut command,
        "pytest says above what did not happen; the panel's pictures are in target/hil/run",
    )
}

/// Python in a network namespace of its own, told of what was built.
fn command(steps: &mut Steps, workspace: &Path, built: &Built, cloud: &Path) -> Result<Command> {
    let cloud = cloud.join("conclave-cloud");
    let cloud = fs::canonicalize(&cloud)
        .with_context(|| format!("there is no conclave-cloud at {}", cloud.display()))?;
    let python = python::virtual_environment(steps, workspace)?;
    let folder = workspace.join("target/hil/run");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--", "sh", "-c", "ip link set lo up && exec \"$@\"", "hil"])
        .arg(&python)
        .env("CONCLAVE_HIL_FOLDER", &folder)
        .env("CONCLAVE_HIL_CLOUD", &cloud)
        .envs(built.variables())
        .env("PYTHONPATH", workspace.join("tests/hil"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

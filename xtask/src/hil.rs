//! `cargo xtask hil`: the shipped image, booted and used: tests/hil.
//!
//! 1. the image, as `cargo xtask image` builds it;
//! 2. a virtual environment with what `tests/hil/requirements.txt` names, in `target/hil/venv`;
//! 3. pytest in a network namespace of its own: the cloud, the emulated room and whoever attacks it
//!    are alone there.

use crate::image::{self, Kind, Plan};
use crate::packages::{self, Purpose};
use crate::steps::Steps;
use anyhow::{Context, Result};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release that rooms are updated to in the tests: the same system by another name.
const NEXT: &str = "1000.0.0";

/// What `cargo xtask hil` is asked.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leaves the room on a screen, touchable, until Ctrl-C, instead of testing it.
    #[arg(long)]
    interactive: bool,
    /// Boots the development image instead, asks it where the time between power on and panel goes, and
    /// writes that into docs/.
    #[arg(long, conflicts_with = "interactive")]
    explain: bool,
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
    let mut plan = Plan {
        // It alone answers at its serial port.
        kind: if arguments.explain { Kind::Development } else { Kind::Production },
        cloud: None,
        release: image::RELEASE.to_owned(),
        keys: image::keys(&workspace, None),
        fresh: false,
        programs: arguments.programs,
        workspace: workspace.clone(),
    };
    let image = image::build(&plan)?;
    plan.release = NEXT.to_owned();
    let next = image::build_update(&plan)?;
    let mut steps = Steps::new(workspace.clone());
    let cloud = match arguments.cloud {
        Some(folder) => folder.join("conclave-cloud"),
        None => {
            let names = ["conclave-cloud"];
            image::programs::build(&mut steps, "Build the cloud", &workspace, &names)?
                .join(names[0])
        }
    };
    let cloud = fs::canonicalize(&cloud)
        .with_context(|| format!("there is no conclave-cloud at {}", cloud.display()))?;
    let python = virtual_environment(&mut steps, &workspace)?;
    let folder = workspace.join("target/hil/run");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;

    let tests = workspace.join("tests/hil");
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--", "sh", "-c", "ip link set lo up && exec \"$@\"", "hil"])
        .arg(&python)
        .env("CONCLAVE_HIL_FOLDER", &folder)
        .env("CONCLAVE_HIL_CLOUD", &cloud)
        .env("CONCLAVE_HIL_DISK", &image.disk)
        .env("CONCLAVE_HIL_KERNEL", &image.kernel)
        .env("CONCLAVE_HIL_INITRD", &image.initrd)
        .env("CONCLAVE_HIL_NEXT", NEXT)
        .env("CONCLAVE_HIL_NEXT_BUNDLE", &next)
        .env("CONCLAVE_HIL_COMMAND_LINE_FILE", &image.command_line)
        .env("PYTHONPATH", &tests)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    if arguments.interactive {
        command.arg(tests.join("interactive.py"));
        return steps.run("A room on your screen", &mut command, "it says above why");
    }
    if arguments.explain {
        command.arg(tests.join("power_on.py"));
        return steps.run("Where the time goes", &mut command, "it says above why");
    }
    command
        .args(["-m", "pytest", "-rA", "--tb=short", "-p", "no:cacheprovider"])
        .arg("--rootdir")
        .arg(&tests)
        .args(&arguments.pytest)
        .arg(&tests);
    steps.run(
        "Boot the image and use it",
        &mut command,
        "pytest says above what did not happen; the panel's pictures are in target/hil/run",
    )?;
    steps.summary();
    Ok(())
}

/// The interpreter of the virtual environment, which is made anew when its list changed.
fn virtual_environment(steps: &mut Steps, workspace: &Path) -> Result<PathBuf> {
    let list = workspace.join("tests/hil/requirements.txt");
    let folder = workspace.join("target/hil/venv");
    let python = folder.join("bin/python");
    let kept = folder.join("requirements.txt");
    let wanted = fs::read(&list).with_context(|| format!("{}", list.display()))?;
    if python.exists() && fs::read(&kept).is_ok_and(|kept| kept == wanted) {
        return Ok(python);
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    steps.run(
        "Make a virtual environment in target/hil/venv",
        &mut make,
        "python3 with its module venv is needed: apt install python3-venv",
    )?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&list);
    steps.run("Install pytest and labgrid there", &mut install, "pip says above why")?;
    fs::write(kept, wanted)?;
    Ok(python)
}

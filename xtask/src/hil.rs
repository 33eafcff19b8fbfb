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
/// One whose daemon ends at once.
const BROKEN: &str = "1000.0.1";
/// Of all tests those that CI runs: the image looked at, then one room from its first start over its code, a
/// port scan and a call to an update that is taken back and one that stays.
const SHORT: &str = "test_01 or test_04";

/// What `cargo xtask hil` is asked.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leaves the room on a screen, touchable, until Ctrl-C, instead of testing it.
    #[arg(long)]
    interactive: bool,
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
    let programs = match arguments.programs {
        Some(folder) => folder,
        None => image::programs(&mut steps)?,
    };
    let cloud = match arguments.cloud {
        Some(folder) => folder,
        None => {
            steps.cargo(
                "Build the cloud",
                &["build", "--release", "-p", "conclave-cloud"],
                "the compiler says above what is wrong",
            )?;
            crate::built("../release")?
        }
    };
    if arguments.interactive {
        let script = workspace.join("tests/hil/interactive.py");
        let (mut command, _) = python(&mut steps, &workspace, &programs, &cloud)?;
        command.arg(script);
        return steps.run("A room on your screen", &mut command, "it says above why");
    }
    boot(&mut steps, &workspace, &programs, &cloud, &arguments.pytest)?;
    steps.summary();
    Ok(())
}

/// The short form, with programs that stand in a folder already.
pub(crate) fn short(steps: &mut Steps, workspace: &Path, programs: &Path) -> Result<()> {
    if !packages::is_root()? {
        eprintln!(
            "\nLeft out: the virtual board. Only root can put an image together: cargo xtask hil."
        );
        return Ok(());
    }
    boot(steps, workspace, programs, programs, &["-k".to_owned(), SHORT.to_owned()])
}

fn boot(
    steps: &mut Steps,
    workspace: &Path,
    programs: &Path,
    cloud: &Path,
    words: &[String],
) -> Result<()> {
    let (mut command, tests) = python(steps, workspace, programs, cloud)?;
    command
        .args(["-m", "pytest", "-rA", "--tb=short", "-p", "no:cacheprovider"])
        .arg("--rootdir")
        .arg(&tests)
        .args(words)
        .arg(&tests);
    steps.run(
        "Boot the image and use it",
        &mut command,
        "pytest says above what did not happen; the panel's pictures are in target/hil/run",
    )
}

/// Python in a network namespace of its own, told of the image and of what it is updated to; and the folder
/// of the tests.
fn python(
    steps: &mut Steps,
    workspace: &Path,
    programs: &Path,
    cloud: &Path,
) -> Result<(Command, PathBuf)> {
    let mut plan = Plan {
        kind: Kind::Production,
        cloud: None,
        release: image::RELEASE.to_owned(),
        keys: image::keys(workspace, None),
        fresh: false,
        programs: Some(programs.to_owned()),
        workspace: workspace.to_owned(),
    };
    let image = image::build(&plan)?;
    plan.release = NEXT.to_owned();
    let next = image::build_update(&plan)?;
    plan.release = BROKEN.to_owned();
    plan.programs = Some(without_a_daemon(programs, &workspace.join("target/hil/broken"))?);
    let broken = image::build_update(&plan)?;

    let cloud = cloud.join("conclave-cloud");
    let cloud = fs::canonicalize(&cloud)
        .with_context(|| format!("there is no conclave-cloud at {}", cloud.display()))?;
    let python = virtual_environment(steps, workspace)?;
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
        .env("CONCLAVE_HIL_BROKEN", BROKEN)
        .env("CONCLAVE_HIL_BROKEN_BUNDLE", &broken)
        .env("CONCLAVE_HIL_COMMAND_LINE_FILE", &image.command_line)
        .env("PYTHONPATH", &tests)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok((command, tests))
}

/// The same programs in a folder of their own, but for a daemon that ends at once.
fn without_a_daemon(programs: &Path, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    for name in image::PROGRAMS {
        let from = match name {
            "conclave-roomd" => Path::new("/usr/bin/false").to_owned(),
            name => programs.join(name),
        };
        fs::copy(&from, folder.join(name))
            .with_context(|| format!("{} cannot be copied", from.display()))?;
    }
    Ok(folder.to_owned())
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

//! `cargo xtask …`: what a newcomer, a developer and CI run.
//!
//! It needs Rust alone, so that it can install what everything else needs before any of that is
//! built: [`packages`] finds and installs Debian packages, [`steps`] runs one command after the
//! other and says how each went; [`fuzz`] builds and runs the fuzz targets, which need a C++ compiler
//! besides; [`mod@deny`] has cargo-deny look at what we link; [`mod@console`] builds the console's pages; [`mod@yocto`] has others look at the
//! layers, and [`crates`] writes the list of crates that they fetch; [`tools`] gets such programs;
//! [`image`] and [`hil`] build a room's disk and boot it.

#![forbid(unsafe_code)]

mod console;
mod crates;
mod deny;
mod faults;
mod fuzz;
mod hil;
mod image;
mod mirror;
mod packages;
mod steps;
mod tools;
mod yocto;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use packages::Purpose;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use steps::Steps;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Runs and tests Conclave on this machine.")]
struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Two virtual rooms meet in a real cloud, here and now. Pictures land in target/demo/.
    Demo {
        /// Opens windows where there is a display, and stays until Ctrl-C.
        #[arg(long)]
        windows: bool,
        #[command(flatten)]
        install: Install,
    },
    /// Runs the demo and the console's test, and puts their pictures into docs/pictures/, at half their size.
    Pictures {
        #[command(flatten)]
        install: Install,
    },
    /// Everything that CI checks.
    Test {
        /// Leaves out the tests that start real rooms and a real cloud, and those of the image.
        #[arg(long)]
        fast: bool,
        #[command(flatten)]
        install: Install,
    },
    /// Of what CI checks, only what we link: licences, crates in two versions, where they come from.
    Deny,
    /// Measures Conclave beside its peers, installs them, and writes docs/benchmarks.md.
    Bench {
        /// A few seconds each, to see that measuring works; the page is left as it is.
        #[arg(long)]
        quick: bool,
        /// Measures nothing and writes the page anew from what was measured last.
        #[arg(long, conflicts_with_all = ["quick", "parts"])]
        page: bool,
        /// Only these: srtp, forward, links, meetings, call.
        parts: Vec<String>,
        #[command(flatten)]
        install: Install,
    },
    /// Kills processes of a real meeting at random moments and looks whether everything comes back.
    Faults(faults::Faults),
    /// Throws random octets at everything that takes octets from outside.
    Fuzz(fuzz::Fuzz),
    /// Of what CI checks, only the layers in yocto/: kas and oelint-adv read them.
    Yocto,
    /// Writes the list of crates for the recipes in yocto/, from Cargo.lock.
    YoctoCrates,
    /// Builds a disk image that the virtual board boots, into target/image/.
    Image(image::Arguments),
    /// Boots that image in QEMU and uses it as people do: tests/hil.
    Hil(hil::Arguments),
    /// Builds the console's pages, which conclave-cloud carries inside; demo, test and bench do so first.
    Console,
    /// Only installs the Debian packages that demo and tests need.
    Install,
}

#[derive(Args)]
struct Install {
    /// Goes ahead without looking for Debian packages: everything needed is there already.
    #[arg(long)]
    no_install: bool,
}

fn main() -> ExitCode {
    let outcome = match Command::parse().task {
        Task::Demo { windows, install } => demo(windows, &install),
        Task::Pictures { install } => pictures(&install),
        Task::Test { fast, install } => test(fast, &install),
        Task::Deny => deny(),
        Task::Bench { quick, page, parts, install } => bench(quick, page, &parts, &install),
        Task::Faults(faults) => faults::run(&faults),
        Task::Fuzz(fuzz) => workspace().and_then(|workspace| fuzz::run(&workspace, &fuzz)),
        Task::Console => console(),
        Task::Yocto => yocto(),
        Task::YoctoCrates => workspace().and_then(|workspace| crates::write(&workspace)),
        Task::Image(arguments) => {
            workspace().and_then(|workspace| image::run(workspace, arguments))
        }
        Task::Hil(arguments) => workspace().and_then(|workspace| hil::run(workspace, arguments)),
        Task::Install => packages::install(Purpose::Test),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("\n{trouble:#}");
            ExitCode::FAILURE
        }
    }
}

/// Every build of the workspace selects the same crates with the same features: cargo then builds
/// each of them once, for the demo, the tests and the end-to-end tests. `driver` is the panel's, and the
/// daemon's for its board; `conclave-kiosk/driver` would mean the panel that its own tests import, and
/// not the panel.
const WHOLE: [&str; 3] = ["--workspace", "--features", "driver"];

/// What asks the console's API for all that its description names, in a test.
const API_TOOLS: tools::Wanted = tools::Wanted {
    name: "api",
    package: "schemathesis",
    program: "schemathesis",
    list: include_str!("../api-tools.txt"),
    path: "xtask/api-tools.txt",
};

fn demo(windows: bool, install: &Install) -> Result<()> {
    if !install.no_install {
        packages::install(Purpose::Test)?;
    }
    let mut steps = Steps::new(workspace()?);
    console::build(&mut steps, &workspace()?, &built("../tools")?)?;
    steps.cargo(
        "Build the cloud, the room and its panel",
        &[&["build"], &WHOLE[..], &["--bins"]].concat(),
        "the compiler says above what is wrong",
    )?;
    let mut demo = std::process::Command::new(built("demo")?);
    if windows {
        demo.arg("--windows");
    }
    steps.run("Two rooms meet", &mut demo, "the demo says above what did not happen")
}

fn pictures(install: &Install) -> Result<()> {
    demo(false, install)?;
    let mut steps = Steps::new(workspace()?);
    steps.cargo(
        "A first day in the console, and somebody in a lobby",
        &[
            &["test"],
            &WHOLE[..],
            &["--test", "e2e_console", "--test", "e2e_lobby", "--", "--ignored"],
        ]
        .concat(),
        "it says above what the browser did not find",
    )?;
    let mut pictures = std::process::Command::new(built("pictures")?);
    steps.run("Put the demo's pictures into docs/pictures", &mut pictures, "it says above why")
}

/// Measured is what would be installed: the release build.
fn bench(quick: bool, page: bool, parts: &[String], install: &Install) -> Result<()> {
    if !install.no_install {
        packages::install(Purpose::Bench)?;
    }
    let mut steps = Steps::new(workspace()?);
    console::build(&mut steps, &workspace()?, &built("../tools")?)?;
    let programs = ["-p", "conclave-cloud", "-p", "conclave-roomd", "-p", "conclave-bench"];
    steps.cargo(
        "Build what is measured",
        &[&["build", "--release", "--bins"], &programs[..]].concat(),
        "the compiler says above what is wrong",
    )?;
    let mut bench = std::process::Command::new(built("../release/conclave-bench")?);
    bench.args(parts);
    bench.args(quick.then_some("--quick")).args(page.then_some("--page"));
    steps.run("Measure", &mut bench, "it says above what could not be measured")
}

fn console() -> Result<()> {
    console::build(&mut Steps::new(workspace()?), &workspace()?, &built("../tools")?)
}

fn deny() -> Result<()> {
    deny::check(&mut Steps::new(workspace()?), &built("../tools")?)
}

fn yocto() -> Result<()> {
    yocto::check(&mut Steps::new(workspace()?), &workspace()?, &built("../tools")?)
}

fn test(fast: bool, install: &Install) -> Result<()> {
    if !install.no_install {
        packages::install(if fast { Purpose::Test } else { Purpose::Image })?;
    }
    let mut steps = Steps::new(workspace()?);
    for component in ["fmt", "clippy"] {
        steps.cargo_has(component)?;
    }
    // Waits for network and disk more than it computes.
    let packages = match !fast && hil::can()? {
        true => {
            let task = ["image", "--packages-only", "--no-install"];
            Some(steps.begin("Debian's packages for the image", &task)?)
        }
        false => None,
    };
    steps.cargo("Format", &["fmt", "--all", "--check"], "run `cargo fmt --all`")?;
    deny::check(&mut steps, &built("../tools")?)?;
    yocto::check(&mut steps, &workspace()?, &built("../tools")?)?;
    let tools = built("../tools")?;
    console::build(&mut steps, &workspace()?, &tools)?;
    console::check(&mut steps, &workspace()?, &tools)?;
    if !fast {
        API_TOOLS.programs(&mut steps, &tools)?;
    }
    steps.cargo(
        "Lints",
        &[&["clippy"], &WHOLE[..], &["--all-targets", "--", "-D", "warnings"]].concat(),
        "mend what clippy names above",
    )?;
    steps.cargo_with(
        "Documentation",
        &[&["doc"], &WHOLE[..], &["--no-deps"]].concat(),
        &[("RUSTDOCFLAGS", "-D warnings")],
        "mend the doc comments named above",
    )?;
    steps.cargo(
        "Build the programs",
        &[&["build"], &WHOLE[..], &["--bins"]].concat(),
        "the compiler says above what is wrong",
    )?;
    steps.cargo(
        "Build the tests",
        &[&["test"], &WHOLE[..], &["--no-run", "--quiet"]].concat(),
        "the compiler says above what is wrong",
    )?;
    // From here on tests wait for each other, for clocks and for disks.
    let fuzz = match fast {
        true => None,
        false => Some(steps.begin("Random octets", &["fuzz", "--short"])?),
    };
    steps.cargo(
        "Unit and integration tests",
        &[&["test"], &WHOLE[..], &["--quiet"]].concat(),
        "run one of them again with `cargo test -p <crate> <name>`",
    )?;
    if fast {
        eprintln!(
            "\nLeft out by --fast: the end-to-end tests with real rooms and a real cloud, and the image."
        );
    } else {
        // One at a time: each has two rooms that encode and decode video on this machine.
        let end_to_end = ["--test", "e2e_*", "--", "--ignored", "--test-threads=1"];
        steps.cargo(
            "End-to-end tests, real rooms and a real cloud",
            &[&["test"], &WHOLE[..], &end_to_end].concat(),
            "the end of each program's log is above; run one alone with \
             `cargo test -p conclave-stage --test <file> -- --ignored <name>`",
        )?;
        for beside in [fuzz, packages].into_iter().flatten() {
            steps.join(beside)?;
        }
        hil::short(&mut steps, &workspace()?)?;
    }
    steps.summary();
    Ok(())
}

/// The workspace's folder.
fn workspace() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_owned).context("xtask stands outside the workspace")
}

/// A program that the workspace's build put beside this one, wherever the target folder is.
fn built(name: &str) -> Result<PathBuf> {
    let me = std::env::current_exe().context("where this program is, the system does not say")?;
    Ok(me.with_file_name(name))
}

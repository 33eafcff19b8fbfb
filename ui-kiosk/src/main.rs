//! conclave-kiosk: the room's touch panel, see the library.

#![forbid(unsafe_code)]

use anyhow::Context as _;
use clap::Parser;
use conclave_kiosk::{Motion, Options, Size, run};
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// The touch panel of a Conclave room. It draws what conclave-roomd says and sends taps back.
///
/// SLINT_BACKEND chooses where it draws: winit-software (a window), linuxkms-software (a screen
/// without a desktop).
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The Unix socket of conclave-roomd.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Draw into memory at this size instead of on a display, for example 1280x800.
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    headless: Option<Size>,
    /// Move nothing on the panel.
    #[arg(long)]
    still: bool,
    /// Let a test press the buttons through a Unix socket at this path.
    #[cfg(feature = "driver")]
    #[arg(long, value_name = "PATH")]
    driver: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("CONCLAVE_LOG").unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    run(Options {
        socket: arguments.socket,
        headless: arguments.headless,
        motion: if arguments.still { Motion::Still } else { Motion::Full },
        #[cfg(feature = "driver")]
        driver: arguments.driver,
    })
    .context("the panel stopped")
}

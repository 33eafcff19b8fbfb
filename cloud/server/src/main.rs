//! The binary: reads what was typed and does it.

#![forbid(unsafe_code)]

use clap::Parser;
use conclave_cloud::cli::{self, Arguments};
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("CONCLAVE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // To standard error: what commands print on standard output is their answer and nothing else.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    cli::run(arguments)
}

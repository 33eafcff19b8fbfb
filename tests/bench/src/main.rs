//! `cargo xtask bench`: every figure of docs/benchmarks.md, measured beside its peer in one run.
//!
//! Each part measures a corner of the product, writes what it found to `target/bench/<part>.json`
//! and can be run alone; [`report`] makes the page and its plots from all of them. A figure is
//! read as a ratio: both sides ran in the same minutes on the same machine. Goals are goals and
//! never fail a run; a part fails only when something could not be measured.

#![forbid(unsafe_code)]

mod call;
mod control;
mod forward;
mod links;
mod machine;
mod meetings;
mod plot;
mod process;
mod report;
mod srtp;
mod table;
mod why;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use std::process::ExitCode;
use table::Part;

#[derive(Parser)]
#[command(about = "Measures Conclave beside its peers and writes docs/benchmarks.md.")]
struct Command {
    /// Measure only these; the page keeps what was measured before of the others.
    parts: Vec<Corner>,
    /// Runs of a few seconds, to see whether the measuring itself works. Not written to the page.
    #[arg(long)]
    quick: bool,
    /// Measures nothing and writes the page anew from what was measured last.
    #[arg(long, conflicts_with_all = ["quick", "parts"])]
    page: bool,
}

/// A corner of the product with its own peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Corner {
    /// SRTP alone: libsrtp2, ring's bare seal.
    Srtp,
    /// The media node: rtpengine, Janus, a bare loop.
    Forward,
    /// The link: mosquitto, nginx.
    Links,
    /// Virtual meeting rooms, 1 to 1,000.
    Meetings,
    /// A two-party call: baresip, a bare pipeline.
    Call,
}

/// How thoroughly to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// As the page wants it.
    Whole,
    /// A few seconds each.
    Quick,
}

impl Corner {
    fn measure(self, effort: Effort) -> Result<Part> {
        match self {
            Corner::Srtp => srtp::measure(effort),
            Corner::Forward => forward::measure(effort),
            Corner::Links => links::measure(effort),
            Corner::Meetings => meetings::measure(effort),
            Corner::Call => call::measure(effort),
        }
    }
}

fn main() -> ExitCode {
    // Started by ourselves, to play the rooms or a forwarder in a process of its own.
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some(links::load::ARGUMENT) => links::load::run(&arguments.next().unwrap_or_default()),
        _ => forward::as_child().unwrap_or_else(|| run(&Command::parse())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("\n{trouble:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    if command.page {
        return report::write();
    }
    let effort = if command.quick { Effort::Quick } else { Effort::Whole };
    let wanted = if command.parts.is_empty() { Corner::value_variants() } else { &command.parts };
    for corner in wanted {
        eprintln!("\n── {corner:?}");
        let part = corner.measure(effort)?;
        report::print(&part);
        if effort == Effort::Whole {
            table::keep(&part)?;
        }
    }
    if effort == Effort::Whole { report::write() } else { Ok(()) }
}

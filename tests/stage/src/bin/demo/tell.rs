//! What the demo says, step by step, on standard output.

use std::io::Write;
use std::time::Instant;

/// Tells the play.
pub(crate) struct Tell {
    begun: Instant,
    steps: usize,
}

impl Tell {
    pub(crate) fn new() -> Tell {
        Tell { begun: Instant::now(), steps: 0 }
    }

    /// The next step begins.
    pub(crate) fn step(&mut self, what: &str) {
        self.steps += 1;
        let at = self.begun.elapsed().as_secs_f64();
        self.say(&format!("\n{:5.1} s  {}. {what}", at, self.steps));
    }

    /// Something worth knowing about the step.
    pub(crate) fn detail(&self, what: &str) {
        self.say(&format!("             {what}"));
    }

    /// A line of its own.
    pub(crate) fn say(&self, line: &str) {
        let mut out = std::io::stdout().lock();
        // Nobody reads any more: the play goes on, its exit code still tells.
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }

    /// What did not happen.
    pub(crate) fn trouble(&self, trouble: &anyhow::Error) {
        self.say(&format!("\nIt stopped here: {trouble:#}\n"));
    }
}

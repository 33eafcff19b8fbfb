//! The media node beside rtpengine, Janus and a bare loop.

mod bare;
mod janus;
mod load;
mod node;
mod rtpengine;
mod system;

use crate::Effort;
use crate::machine::Watch;
use crate::table::Part;
use anyhow::{Result, bail};
use conclave_types::SrtpProfile;
use load::{Delays, Outcome, Shape};
use std::time::Duration;
use system::Kind;

/// Packets of one frame: see the method.
const BURST: usize = 10;

/// Serves as a child process when this program was started as one.
pub(crate) fn as_child() -> Option<Result<()>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (role, rest) = arguments.split_first()?;
    match role.as_str() {
        node::ROLE => Some(node::serve(rest)),
        bare::ROLE => Some(bare::serve(rest)),
        _ => None,
    }
}

/// Measures it.
pub(crate) fn measure(_effort: Effort) -> Result<Part> {
    let _watch = Watch::begin();
    let which: Vec<String> =
        std::env::var("FW").unwrap_or_default().split(' ').map(str::to_owned).collect();
    for n in [8, 50] {
        for (name, kind, rates) in [
            ("ours", Kind::Ours, [100_000.0, 300_000.0, 600_000.0, 1_000_000.0]),
            ("answer", Kind::BareAnswer, [100_000.0, 300_000.0, 600_000.0, 1_000_000.0]),
            ("rtpengine", Kind::Rtpengine, [30_000.0, 70_000.0, 100_000.0, 150_000.0]),
            ("janus", Kind::Janus, [30_000.0, 70_000.0, 100_000.0, 150_000.0]),
        ] {
            if !which.iter().any(|w| w == name) {
                continue;
            }
            for profile in SrtpProfile::PREFERENCE {
            for rate in rates {
                let mut system = kind.start(profile, n)?;
                let shape = Shape { rate: rate / n as f64, burst: BURST };
                let o = load::run(&mut system, shape, Duration::from_secs(2), Delays::Ignored)?;
                show(name, n, &o);
            }
            }
        }
    }
    bail!("no more yet");
}

fn show(name: &str, n: usize, o: &Outcome) {
    eprintln!(
        "  {name} to {n}: offered {:.0}, delivered {:.1} %, busy {:.2}, group {:.1}, {:.0} per CPU-second",
        o.offered, 100.0 * o.delivered, o.busy(), o.group, o.per_second()
    );
}

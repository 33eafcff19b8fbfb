//! A short storm of kills; `cargo xtask faults` runs a long one.

use anyhow::{Result, ensure};
use conclave_stage::{in_own_network, scene, storm::storm};

/// Seen: some 40 s on two cores.
const KILLS: u32 = 12;

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn whatever_is_killed_comes_back_and_nothing_that_was_acknowledged_is_lost() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            // The same choices every time: a failure can be looked at again.
            let report = storm(stage, KILLS, 3, |line| eprintln!("{line}"))?;
            eprintln!("{report}");
            ensure!(report.kills() == KILLS as usize, "not every kill was counted");
            Ok(())
        })
    })
}

//! The media node beside bare loops at the same burst size.

use super::load::{self, Delays, Shape};
use super::show;
use super::system::Kind;
use crate::Effort;
use crate::process::percentile;
use crate::table::{Goal, Other, Plot, Row};
use anyhow::{Result, ensure};
use conclave_types::SrtpProfile;
use std::time::Duration;

/// Receivers.
const RECEIVERS: usize = 8;
/// Burst sizes, and the load in packets to all receivers per second: low enough that a burst is
/// gone before the next one comes, or they would run together and seem larger.
const BURSTS: [(usize, f64); 4] = [(1, 40_000.0), (4, 80_000.0), (10, 120_000.0), (32, 160_000.0)];

/// The rows, and the plot over burst sizes.
pub(crate) fn rows(effort: Effort) -> Result<(Vec<Row>, Plot)> {
    let (rounds, span) = match effort {
        Effort::Whole => (3, Duration::from_millis(2500)),
        Effort::Quick => (1, Duration::from_millis(700)),
    };
    let names = ["Conclave", "bare loop: seal, send", "bare loop: receive, seal, send"];
    let mut curves = names.map(|name| (name.to_owned(), Vec::new()));
    let mut rows = Vec::new();
    for (burst, rate) in BURSTS {
        let kinds = [Kind::Ours, Kind::BareLoop { rate, burst }, Kind::BareAnswer];
        let mut figures = [const { Vec::new() }; 3];
        let mut arrived = 0.0;
        for _ in 0..rounds {
            for (place, kind) in kinds.into_iter().enumerate() {
                let mut system = kind.start(SrtpProfile::AeadAes128Gcm, RECEIVERS)?;
                let shape = Shape { rate: rate / RECEIVERS as f64, burst };
                let outcome = load::run(&mut system, shape, span, Delays::Ignored)?;
                show(names[place], RECEIVERS, &outcome);
                ensure!(outcome.forwarded > 0, "{} sent nothing", names[place]);
                figures[place].push(outcome.per_second());
                if place == 0 {
                    arrived = outcome.group;
                }
            }
        }
        let [ours, bare, answer] = figures.map(|mut figures| percentile(&mut figures, 0.5));
        for (curve, figure) in curves.iter_mut().zip([ours, bare, answer]) {
            curve.1.push((burst as f64, figure));
        }
        let goal = Goal::RatioAtLeast(0.7);
        rows.push(Row {
            quantity: format!(
                "The same beside bare loops, bursts of {burst}, {RECEIVERS} receivers, \
                 AEAD-AES-128-GCM, per CPU-second"
            ),
            ours,
            others: vec![
                Other { name: names[1].into(), figure: bare, goal },
                Other { name: names[2].into(), figure: answer, goal: Goal::None },
            ],
            remark: format!(
                "{rate:.0} packets to all receivers per second. The node's bursts arrived with \
                 {arrived:.1} packets on average."
            ),
        });
    }
    let plot = Plot {
        name: "forward-bursts".into(),
        title: "Forwarded per CPU-second, over the packets of a burst".into(),
        x: "packets in a burst".into(),
        y: "packets per CPU-second".into(),
        curves: curves.into(),
    };
    Ok((rows, plot))
}

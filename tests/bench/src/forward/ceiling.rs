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
const BURSTS: [(usize, f64); 4] = [(1, 80_000.0), (4, 200_000.0), (10, 300_000.0), (32, 400_000.0)];

/// The rows, and the plot over burst sizes.
pub(crate) fn rows(effort: Effort) -> Result<(Vec<Row>, Plot)> {
    let (rounds, span) = match effort {
        Effort::Whole => (3, Duration::from_secs(2)),
        Effort::Quick => (1, Duration::from_millis(700)),
    };
    let names = ["Conclave", "bare loop: seal, send", "bare loop: receive, seal, send"];
    let mut curves = names.map(|name| (name.to_owned(), Vec::new()));
    let mut found = Vec::new();
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
        found.push((burst, rate, arrived, [ours, bare, answer]));
    }
    let loops = &curves[1].1;
    let goal = Goal::RatioAtLeast(0.7);
    let rows = found
        .iter()
        .map(|&(burst, rate, arrived, [ours, bare, answer])| Row {
            quantity: format!(
                "SRTP packets forwarded in bursts of {burst}, {RECEIVERS} receivers, \
                 AEAD-AES-128-GCM, per CPU-second"
            ),
            ours,
            others: vec![
                Other { name: names[1].into(), figure: bare, goal },
                Other {
                    name: format!("the same in bursts of {arrived:.1}, as the node's came"),
                    figure: between(loops, arrived),
                    goal,
                },
                Other { name: names[2].into(), figure: answer, goal: Goal::None },
            ],
            remark: format!(
                "{rate:.0} packets to all receivers per second. Frames that came while the node was \
                 busy left together, so its bursts had {arrived:.1} packets on average; the loop's \
                 figure for that size lies between its measured ones."
            ),
        })
        .collect();
    let plot = Plot {
        name: "forward-bursts".into(),
        title: "Forwarded per CPU-second, over the packets of a burst".into(),
        x: "packets in a burst".into(),
        y: "packets per CPU-second".into(),
        curves: curves.into(),
    };
    Ok((rows, plot))
}

/// What a loop does in bursts of another size: the time of a packet is a part of its own and a
/// share of the call's, so it runs straight over the inverse of the size.
fn between(points: &[(f64, f64)], size: f64) -> f64 {
    let time = |point: &(f64, f64)| (1.0 / point.0, 1.0 / point.1);
    let neighbours = points.windows(2).find(|pair| size <= pair[1].0).or(points.windows(2).last());
    let Some([near, far]) = neighbours else { return f64::NAN };
    let ((x0, y0), (x1, y1)) = (time(near), time(far));
    let at = (1.0 / size.max(1.0)).max(x1);
    1.0 / (y0 + (y1 - y0) * (at - x0) / (x1 - x0))
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn a_size_between_two_costs_what_its_share_of_a_call_makes() {
        // 1 µs for a packet and 4 µs for a call.
        let points: Vec<(f64, f64)> =
            [1.0, 4.0, 32.0].map(|size| (size, 1e6 / (1.0 + 4.0 / size))).into();
        for size in [1.0, 2.0, 4.0, 10.0, 32.0] {
            let expected = 1e6 / (1.0 + 4.0 / size);
            assert!((between(&points, size) / expected - 1.0).abs() < 1e-9, "{size}");
        }
        assert_eq!(between(&points, 60.0), between(&points, 32.0));
    }
}

//! What a forwarded packet costs as a meeting grows.

use super::load::{self, Delays, Shape};
use super::system::Kind;
use super::{BURST, show};
use crate::Effort;
use crate::table::{Goal, Other, Plot, Row};
use anyhow::{Context, Result};
use conclave_types::SrtpProfile;
use std::time::Duration;

/// Packets to all receivers per second, however many they are.
const RATE: f64 = 100_000.0;

/// A row about the step that the curve may not have, and the plots.
pub(crate) fn plots(effort: Effort) -> Result<(Row, Vec<Plot>)> {
    let (receivers, span): (&[usize], _) = match effort {
        Effort::Whole => (&[1, 2, 5, 10, 20, 50, 100, 200], Duration::from_secs(4)),
        Effort::Quick => (&[1, 200], Duration::from_millis(700)),
    };
    let (mut cost, mut delivered, mut spent) = (Vec::new(), Vec::new(), Vec::new());
    for &receivers in receivers {
        let mut system = Kind::Ours.start(SrtpProfile::AeadAes128Gcm, receivers)?;
        let shape = Shape { rate: RATE / receivers as f64, burst: BURST };
        let outcome = load::run(&mut system, shape, span, Delays::Ignored)?;
        show("Conclave", receivers, &outcome);
        let x = receivers as f64;
        let packet_us = 1e6 / outcome.per_second();
        cost.push((x, packet_us));
        delivered.push((x, 100.0 * outcome.delivered));
        // Of a sender at 2.5 Mbit/s: 30 frames in a second.
        spent.push((x, 100.0 * packet_us * 30.0 * BURST as f64 * x / 1e6));
    }
    let at = |wanted: f64| cost.iter().find(|point| point.0 == wanted).map(|point| point.1);
    let (first, last) = (cost.first().map(|point| point.1), at(200.0));
    let row = Row {
        quantity: "Processor time per forwarded packet with 200 receivers, µs".into(),
        ours: last.context("200 receivers were not measured")?,
        others: vec![Other {
            name: "Conclave with 1 receiver".into(),
            figure: first.context("1 receiver was not measured")?,
            goal: Goal::RatioAtMost(1.0),
        }],
        remark: "Opening, deciding and waking up are shared by all receivers, so the cost of one \
                 falls with their number."
            .into(),
    };
    let plot = |name: &str, title: &str, y: &str, points| Plot {
        name: name.into(),
        title: title.into(),
        x: "receivers in one meeting".into(),
        y: y.into(),
        curves: vec![("Conclave, AEAD-AES-128-GCM".into(), points)],
    };
    Ok((
        row,
        vec![
            plot(
                "forward-receivers",
                "Processor time to forward one sender at 2.5 Mbit/s",
                "per cent of a core",
                spent,
            ),
            plot("forward-cost", "Processor time per forwarded packet", "µs", cost),
            plot("forward-delivered", "Delivered", "per cent", delivered),
        ],
    ))
}

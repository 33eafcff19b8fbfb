//! The highest load that each forwarder holds, what it costs, and how long packets take on the way.

use super::load::{self, Delays, Outcome, Shape};
use super::system::Kind;
use super::{BURST, node, show};
use crate::Effort;
use crate::process::percentile;
use crate::table::{Goal, Other, Row};
use anyhow::{Result, ensure};
use conclave_types::SrtpProfile;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

/// Delivered at least, or a run does not count.
const DELIVERED: f64 = 0.95;
/// From one load that is tried to the next.
const STEP: f64 = 1.5;
/// The share of the highest load at which delays are measured.
const SHARE: f64 = 0.8;

/// A forwarder under one suite, with a load that any machine of ours should hold.
#[derive(Debug, Clone, Copy)]
struct Contender {
    kind: Kind,
    profile: SrtpProfile,
    receivers: usize,
}

/// What a contender showed.
#[derive(Debug, Clone, Default)]
struct Found {
    held: Outcome,
    p50: f64,
    p99: f64,
    /// In the forwarder itself, by its own count, milliseconds.
    within: Option<f64>,
}

impl Contender {
    fn name(self) -> String {
        let version = |package: &str| {
            let asked = Command::new("dpkg-query").args(["-W", "-f=${Version}", package]).output();
            let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            let text = text.unwrap_or_default();
            text.split(['-', '+']).next().unwrap_or_default().to_owned()
        };
        match self.kind {
            Kind::Rtpengine => format!("rtpengine {}", version("rtpengine-daemon")),
            Kind::Janus => format!("Janus {}", version("janus")),
            _ => "Conclave".into(),
        }
    }

    /// Where the search begins, in packets to all receivers per second.
    fn first(self) -> f64 {
        match (self.kind, self.profile) {
            (Kind::Ours, SrtpProfile::AeadAes128Gcm) => 200_000.0,
            (Kind::Ours, _) => 120_000.0,
            _ => 30_000.0,
        }
    }

    /// One run on a fresh process: a load once too high can leave a forwarder behind that never
    /// comes back to its socket.
    fn run(self, rate: f64, span: Duration, delays: Delays) -> Result<Outcome> {
        let mut system = self.kind.start(self.profile, self.receivers)?;
        let shape = Shape { rate: rate / self.receivers as f64, burst: BURST };
        let mut outcome = load::run(&mut system, shape, span, delays)?;
        if let Some(file) = &system.held {
            outcome.within = node::held_ms(file)?;
        }
        show(&self.name(), self.receivers, &outcome);
        Ok(outcome)
    }

    /// Whether a load is held. What the sender itself cannot send does not count as held.
    fn holds(self, rate: f64) -> Result<bool> {
        let outcome = self.run(rate, Duration::from_millis(600), Delays::Ignored)?;
        let wanted = rate / self.receivers as f64;
        Ok(outcome.delivered >= DELIVERED && outcome.offered >= DELIVERED * wanted)
    }

    /// The highest load that is held, to a few per cent.
    fn highest(self) -> Result<f64> {
        let mut low = self.first();
        while !self.holds(low)? {
            low /= STEP;
            ensure!(low > 1000.0, "{} forwards nothing on this machine now", self.name());
        }
        let mut high = low * STEP;
        while self.holds(high)? {
            (low, high) = (high, high * STEP);
        }
        for _ in 0..2 {
            let middle = (low * high).sqrt();
            if self.holds(middle)? { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// Searches, holds the load found for the run that counts, and measures delays below it.
    fn measure(self, effort: Effort) -> Result<Found> {
        let (mut rate, span, waited) = match effort {
            Effort::Whole => (self.highest()?, Duration::from_secs(30), Duration::from_secs(4)),
            Effort::Quick => (self.first(), Duration::from_secs(2), Duration::from_millis(600)),
        };
        let mut held = self.run(rate, span, Delays::Ignored)?;
        // What is held for a second is not always held for thirty.
        while held.delivered < DELIVERED {
            rate *= 0.9;
            ensure!(rate > 1000.0, "{} forwards nothing on this machine now", self.name());
            held = self.run(rate, span, Delays::Ignored)?;
        }
        let mut slower = self.run(rate * SHARE, waited, Delays::Measured)?;
        let delays = &mut slower.delays;
        let (p50, p99) = (percentile(delays, 0.5), percentile(delays, 0.99));
        Ok(Found { held, p50, p99, within: slower.within })
    }
}

/// The rows, and a sentence about the loads that were held.
pub(crate) fn rows(effort: Effort) -> Result<(Vec<Row>, String)> {
    let mut rows = Vec::new();
    let mut loads = String::from(
        "Loads held in the runs that count, packets to all receivers per second (and packets in a \
         burst as they arrived):",
    );
    let receivers: &[usize] = if effort == Effort::Whole { &[8, 50] } else { &[8] };
    for &receivers in receivers {
        let janus =
            Contender { kind: Kind::Janus, profile: SrtpProfile::AesCm128HmacSha1_80, receivers };
        let janus_found = janus.measure(effort)?;
        note(&mut loads, janus, "CM-SHA1-80", &janus_found);
        for (profile, suite, goal) in [
            (SrtpProfile::AeadAes128Gcm, "AEAD-AES-128-GCM", 8.0),
            (SrtpProfile::AesCm128HmacSha1_80, "CM-SHA1-80", 4.0),
        ] {
            let of = |kind| Contender { kind, profile, receivers };
            let rtpengine = of(Kind::Rtpengine).measure(effort)?;
            let ours = of(Kind::Ours).measure(effort)?;
            note(&mut loads, of(Kind::Rtpengine), suite, &rtpengine);
            note(&mut loads, of(Kind::Ours), suite, &ours);
            let others = |goal: Goal, figure: &dyn Fn(&Found) -> f64| {
                vec![
                    Other { name: of(Kind::Rtpengine).name(), figure: figure(&rtpengine), goal },
                    Other { name: janus.name(), figure: figure(&janus_found), goal },
                ]
            };
            rows.push(Row {
                quantity: format!(
                    "SRTP packets forwarded to {receivers} receivers, {suite}, per CPU-second"
                ),
                ours: ours.held.per_second(),
                others: others(Goal::RatioAtLeast(goal), &|found| found.held.per_second()),
                remark: String::new(),
            });
            rows.push(Row {
                quantity: format!(
                    "Forwarding delay p99 at 80 % of the highest load, {receivers} receivers, \
                     {suite}, ms"
                ),
                ours: ours.p99,
                others: others(Goal::AtMost(2.0), &|found| found.p99),
                remark: format!(
                    "p50 {:.2} ms; rtpengine {:.2} ms, Janus {:.2} ms. Each at 80 % of its own \
                     highest load, to the first receiver's thread, its waking up included. In the \
                     node itself, from the reading of a packet to its sending, 99 % were {}.",
                    ours.p50,
                    rtpengine.p50,
                    janus_found.p50,
                    ours.within
                        .map_or("longer than it counts".into(), |ms| format!("at most {ms} ms"))
                ),
            });
        }
    }
    loads.push('.');
    Ok((rows, loads))
}

fn note(loads: &mut String, contender: Contender, suite: &str, found: &Found) {
    let held = &found.held;
    // Writing to a text does not fail.
    let _ = write!(
        loads,
        "{} {} to {}, {suite}: {:.0} ({:.1})",
        if loads.ends_with(':') { "" } else { ";" },
        contender.name(),
        contender.receivers,
        held.forwarded as f64 / held.span.as_secs_f64(),
        held.group,
    );
}

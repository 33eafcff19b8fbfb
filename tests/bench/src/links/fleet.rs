//! A whole fleet on one server: all its rooms are told something at once, while somebody looks at lists.

use super::load::Load;
use super::people::People;
use super::wire::Kind;
use crate::control;
use crate::process::percentile;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often all are told.
const ROUNDS: usize = 10;

/// At least so many lists are looked at.
const LISTS: usize = 1_000;

/// The load listens before anything is said.
const LISTENS: Duration = Duration::from_millis(300);

/// What one server shows; milliseconds.
pub(crate) struct Pushed {
    /// From the order until 99 of 100 links had it, the median of the rounds.
    pub(crate) nearly_all: f64,
    /// A list with a search, meanwhile: p50 and p99. Ours alone has lists.
    pub(crate) lists: Option<(f64, f64)>,
}

/// Microseconds since 1970: two processes compare them.
pub(super) fn wall() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1e6)
}

/// Tells all links of `holding`, again and again; `asking` plays the one who tells where that is a client.
pub(super) fn push(
    kind: Kind,
    people: &People,
    holding: &mut Load,
    asking: &mut Load,
) -> Result<Pushed> {
    let data = people.data();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = (kind == Kind::Conclave).then(|| scope.spawn(|| look_at_lists(&data, &done)));
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            let took = one(kind, &data, holding, asking, round);
            done.store(took.is_err(), Ordering::Relaxed);
            rounds.push(took?);
        }
        done.store(true, Ordering::Relaxed);
        let lists = match looking {
            Some(looking) => {
                let mut took =
                    looking.join().map_err(|_| anyhow::anyhow!("a thread fell over"))??;
                Some((percentile(&mut took, 0.5), percentile(&mut took, 0.99)))
            }
            None => None,
        };
        let nearly_all = percentile(&mut rounds, 0.5);
        Ok(Pushed { nearly_all, lists })
    })
}

fn one(
    kind: Kind,
    data: &Path,
    holding: &mut Load,
    asking: &mut Load,
    round: usize,
) -> Result<f64> {
    std::thread::scope(|scope| {
        let hearing = scope.spawn(|| holding.hear());
        std::thread::sleep(LISTENS);
        let said = match kind {
            Kind::Conclave => {
                let said = wall();
                let settings = json!({ "brightness": (20 + round).to_string() });
                control::ask(data, &json!({ "ask": "settings_set", "settings": settings }))?;
                said
            }
            _ => asking.publish()?,
        };
        let heard = hearing.join().map_err(|_| anyhow::anyhow!("a thread fell over"))??;
        ensure!(heard.missing * 100 <= heard.at.len(), "{} links heard nothing", heard.missing);
        let mut took: Vec<f64> = heard.at.iter().map(|at| (at - said) / 1e3).collect();
        Ok(percentile(&mut took, 0.99))
    })
}

/// Milliseconds that each took.
fn look_at_lists(data: &Path, done: &AtomicBool) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    while !done.load(Ordering::Relaxed) || took.len() < LISTS {
        let part = json!({ "q": format!("room {}", took.len() % 100), "most": 50 });
        let begun = Instant::now();
        let answer = control::ask(data, &json!({ "ask": "room_list", "part": part }))?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        let rooms = answer["rooms"].as_array().context("no rooms")?;
        ensure!(!rooms.is_empty(), "nothing was found");
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(took)
}

//! An operator sees that a call was bad, and why: in the metrics, in the list of calls, in the log.

use anyhow::{Context, Result, ensure};
use conclave_stage::scrape::{self, Metrics};
use conclave_stage::{
    Cable, Meeting, NAME, NUMBER, PIN, in_own_network, scene, sockets, wait_for, wait_until,
};
use serde_json::Value;
use std::time::Duration;

/// Legs are looked at every five seconds, and a busy machine takes its time.
const LOOKS: Duration = Duration::from_secs(60);

/// Packets that have to be lost before the loss counts as seen.
const ENOUGH: f64 = 150.0;

fn metrics(meeting: &Meeting) -> Result<Metrics> {
    Metrics::read(&scrape::fetch(meeting.cloud.metrics()?)?)
}

fn value(meeting: &Meeting, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
    let metrics = metrics(meeting)?;
    metrics.value(name, labels).with_context(|| format!("{name} {labels:?} is not there"))
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_lossy_network_shows_in_the_metrics_the_verdict_and_the_log() -> Result<()> {
    in_own_network(|network| {
        if !network.is_ours("losing packets") {
            return Ok(());
        }
        scene(|stage| {
            let mut meeting = Meeting::prepare(stage, Cable::Direct)?;
            ensure!(value(&meeting, "conclave_rooms_linked", &[])? == 2.0, "two rooms");
            meeting.join()?;
            ensure!(value(&meeting, "conclave_participants", &[])? == 2.0, "two are in");
            let from_room = [("direction", "from_room")];
            wait_until("packets are counted", LOOKS, || {
                Ok(value(&meeting, "conclave_media_packets_total", &from_room)? > 100.0)
            })?;

            // One packet in eight of those that room A sends.
            let ports = sockets::udp_ports(meeting.a.daemon.pid())?;
            ensure!(ports.len() == 1, "a room has one socket in a call: {ports:?}");
            let port = ports.first().context("just counted")?;
            let before = value(&meeting, "conclave_media_lost_packets_total", &from_room)?;
            let outage = network.lose(&format!("udp sport {port} numgen random mod 8 0"))?;
            wait_until("the loss is counted", LOOKS, || {
                meeting.cloud.process().check_running()?;
                let lost = value(&meeting, "conclave_media_lost_packets_total", &from_room)?;
                Ok(lost - before >= ENOUGH)
            })?;
            drop(outage);
            ensure!(value(&meeting, "conclave_media_nacks_total", &[])? > 0.0, "asked for again");
            meeting.leave()?;

            let calls = wait_for("both calls are over", LOOKS, || {
                let calls = meeting.cloud.answer(&["calls", "--json"])?;
                let calls = calls["calls"].as_array().cloned().unwrap_or_default();
                Ok((calls.len() == 2).then_some(calls))
            })?;
            let of = |name: &str| -> Result<Value> {
                let call = calls.iter().find(|call| call["room_name"] == name);
                call.cloned().with_context(|| format!("no call of {name}: {calls:?}"))
            };
            let (ada, voltaire) = (of("Room Ada")?, of("Salle Voltaire")?);
            eprintln!("{ada:#}\n{voltaire:#}");
            let verdict = ada["verdict"].as_str().context("a verdict")?;
            ensure!(verdict.contains("of packets from Room Ada lost on its way"), "{verdict}");
            let verdict = voltaire["verdict"].as_str().context("a verdict")?;
            ensure!(!verdict.contains("from Salle Voltaire lost"), "{verdict}");
            // What it did not get, A's network lost; its own is not to be blamed for that.
            ensure!(!verdict.contains("to Salle Voltaire lost"), "{verdict}");
            let printed = meeting.cloud.command(&["calls"])?;
            ensure!(printed.contains("look at its network"), "{printed}");

            let page = scrape::fetch(meeting.cloud.metrics()?)?;
            let metrics = Metrics::read(&page)?;
            eprintln!("{} numbers in {} families", metrics.len(), metrics.families().count());
            for (name, labels, wanted) in [
                ("conclave_calls_ended_total", Some(("why", "left")), 2.0),
                ("conclave_joins_total", Some(("outcome", "joined")), 2.0),
                ("conclave_legs", None, 0.0),
                ("conclave_meetings", None, 0.0),
            ] {
                let labels: Vec<_> = labels.into_iter().collect();
                let found = metrics.value(name, &labels);
                ensure!(found == Some(wanted), "{name} {labels:?}: {found:?}");
            }
            let commits = metrics.value("conclave_store_commit_seconds_count", &[]);
            ensure!(commits > Some(5.0), "each call is kept: {commits:?}");
            let held = metrics.value("conclave_node_held_seconds_count", &[]);
            ensure!(held > Some(100.0), "how long packets were in the node is counted: {held:?}");
            let id = ada["room"].as_str().context("an id")?;
            for word in [NAME, NUMBER, PIN, "Ada", "Voltaire", "VIRTUAL", "127.0.0.1", id] {
                ensure!(!page.contains(word), "“{word}” is in the metrics");
            }

            // The line in the log bears link, room, call and meeting by its spans, and no name.
            let log = meeting.cloud.process().log();
            let call = ada["call"].as_str().context("an id")?;
            let line = log
                .lines()
                .find(|line| line.contains("call ended") && line.contains(call))
                .with_context(|| format!("no line says that {call} ended"))?;
            for part in ["link{", "room-", "meeting-", "leg-", "unrepaired="] {
                ensure!(line.contains(part), "{part} is not in {line}");
            }
            for word in ["Ada", "Lumières"] {
                ensure!(!log.contains(word), "“{word}” is in the log");
            }
            Ok(())
        })
    })
}

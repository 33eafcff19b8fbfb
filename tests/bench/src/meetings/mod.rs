//! What meetings and virtual meeting rooms (VMRs) cost as they grow in number: a real cloud, real
//! links of rooms; no peer but the same cloud with fewer of them.

mod cloud;
mod rooms;

use crate::Effort;
use crate::machine::Watch;
use crate::process::percentile;
use crate::table::{Goal, Other, Part, Plot, Row};
use anyhow::{Result, ensure};
use cloud::{Cloud, Folder};
use rooms::{Enrolled, Room};
use std::time::{Duration, Instant};

/// How much is measured.
struct Plan {
    /// Numbers of VMRs, rising.
    vmrs: &'static [usize],
    /// Numbers of meetings that are on, rising; the last ones need as many rooms.
    live: &'static [usize],
    /// Rooms that join and leave in turn.
    joining: usize,
    /// How often each of them does at each point. Below the burst that the cloud's pace allows.
    turns: usize,
    /// Starts of which the middle one counts.
    starts: usize,
}

const WHOLE: Plan = Plan {
    vmrs: &[1, 10, 30, 100, 300, 1_000],
    live: &[1, 10, 30, 100, 300, 900],
    joining: 40,
    turns: 15,
    starts: 5,
};

const QUICK: Plan =
    Plan { vmrs: &[1, 10, 100], live: &[1, 10, 60], joining: 10, turns: 8, starts: 3 };

/// What one join and leave cost.
#[derive(Debug, Clone, Copy)]
struct Joins {
    /// Milliseconds of the cloud's processor time for one join and one leave.
    cpu_ms: f64,
    /// From the request to the answer with the leg's keys, milliseconds.
    middle_ms: f64,
    /// The same, which one in a hundred exceeds.
    slowest_ms: f64,
}

/// Everything at one number of VMRs.
#[derive(Debug, Clone, Copy)]
struct Point {
    vmrs: usize,
    start_ms: f64,
    resident: u64,
    /// Milliseconds of the cloud's processor time for one room that links, its welcome included.
    link_ms: f64,
    joins: Joins,
}

/// Everything at one number of meetings.
#[derive(Debug, Clone, Copy)]
struct Live {
    meetings: usize,
    resident: u64,
    joins: Joins,
}

/// Measures it.
pub(crate) fn measure(effort: Effort) -> Result<Part> {
    let plan = if effort == Effort::Whole { WHOLE } else { QUICK };
    let watch = Watch::begin();
    let folder = Folder::new()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let most_live = plan.live.last().copied().unwrap_or_default();
    let mut cloud = Cloud::start(&folder)?;
    eprintln!("  enrolling {} rooms", most_live + plan.joining);
    let enrolled = runtime.block_on(rooms::enrol(&cloud, &folder, most_live + plan.joining))?;
    let (joining, sitting) = enrolled.split_at(plan.joining);
    let mut points = Vec::new();
    let mut made = 0;
    for vmrs in plan.vmrs.iter().copied() {
        while made < vmrs {
            cloud.create_vmr(made)?;
            made += 1;
        }
        let mut starts = Vec::new();
        for _ in 0..plan.starts {
            cloud.stop()?;
            cloud = Cloud::start(&folder)?;
            starts.push(cloud.took().as_secs_f64() * 1e3);
        }
        let resident = cloud.resident()?;
        let (link_ms, joins) = runtime.block_on(async {
            let before = cloud.spent()?;
            let mut rooms = linked(&cloud, joining).await?;
            let link = (cloud.spent()? - before).as_secs_f64() * 1e3 / rooms.len() as f64;
            let joins = join_in_turn(&cloud, &mut rooms, plan.turns, 0, vmrs).await?;
            close(rooms).await;
            anyhow::Ok((link, joins))
        })?;
        let start_ms = percentile(&mut starts, 0.5);
        let point = Point { vmrs, start_ms, resident, link_ms, joins };
        eprintln!("  {point:?}");
        points.push(point);
    }
    let live = runtime.block_on(measure_live(&cloud, &plan, joining, sitting, made))?;
    cloud.stop()?;
    Ok(part(&points, &live, watch))
}

async fn linked(cloud: &Cloud, who: &[Enrolled]) -> Result<Vec<Room>> {
    let mut rooms = Vec::with_capacity(who.len());
    for room in who {
        rooms.push(room.link(cloud).await?);
    }
    Ok(rooms)
}

async fn close(rooms: Vec<Room>) {
    for room in rooms {
        room.close().await;
    }
}

/// Each room joins and leaves, one after the other, in VMRs drawn evenly from a range.
async fn join_in_turn(
    cloud: &Cloud,
    rooms: &mut [Room],
    turns: usize,
    first: usize,
    vmrs: usize,
) -> Result<Joins> {
    let before = cloud.spent()?;
    let mut waits = Vec::new();
    for turn in 0..turns {
        for (at, room) in rooms.iter_mut().enumerate() {
            // A stride that is prime to every number of VMRs here meets all of them.
            let vmr = first + (turn * 37 + at) * 7_919 % vmrs;
            let begun = Instant::now();
            let call = room.join(vmr).await?;
            waits.push(begun.elapsed().as_secs_f64() * 1e3);
            room.leave(call).await?;
        }
    }
    let spent = cloud.spent()? - before;
    Ok(Joins {
        cpu_ms: spent.as_secs_f64() * 1e3 / waits.len() as f64,
        middle_ms: percentile(&mut waits, 0.5),
        slowest_ms: percentile(&mut waits, 0.99),
    })
}

/// Meetings of one room each, more and more, and what a join of others costs meanwhile.
async fn measure_live(
    cloud: &Cloud,
    plan: &Plan,
    joining: &[Enrolled],
    sitting: &[Enrolled],
    vmrs: usize,
) -> Result<Vec<Live>> {
    let mut joining = linked(cloud, joining).await?;
    let mut sitting = linked(cloud, sitting).await?;
    // What the allocator grows by at its first calls is not the meetings'.
    join_in_turn(cloud, &mut joining, 1, 0, vmrs).await?;
    let mut found = Vec::new();
    for meetings in plan.live.iter().copied() {
        // A meeting whose media never comes ends after a minute, so each number begins anew.
        for (vmr, room) in sitting.iter_mut().take(meetings).enumerate() {
            let call = room.join(vmr).await?;
            room.sit(call);
        }
        let resident = cloud.resident()?;
        // In the last VMR, in which nobody sits: the roster stays short.
        let turns = plan.turns / 2;
        let joins = join_in_turn(cloud, &mut joining, turns, vmrs - 1, 1).await?;
        let on = cloud.meetings()?;
        ensure!(
            on == meetings,
            "{meetings} meetings were begun and {on} are on: this machine is too slow to measure \
             within the minute that a meeting without media lasts"
        );
        for room in sitting.iter_mut().take(meetings) {
            room.stand_up().await?;
        }
        let point = Live { meetings, resident, joins };
        eprintln!("  {point:?}");
        found.push(point);
        // The pace that the cloud allows each room: what was spent here is paid for by waiting.
        tokio::time::sleep(Duration::from_millis(500) * u32::try_from(turns).unwrap_or(1)).await;
    }
    close(joining).await;
    close(sitting).await;
    Ok(found)
}

fn part(points: &[Point], live: &[Live], watch: Watch) -> Part {
    let mut rows = Vec::new();
    if let (Some(few), Some(many)) = (points.first(), points.last()) {
        let beside = |name: &str, figure, goal| Other { name: name.into(), figure, goal };
        let with = |what: &str| format!("{what}, with {} meeting rooms", many.vmrs);
        let few_name = format!("with {}", few.vmrs);
        let row = |what: &str, ours, figure, goal| Row {
            quantity: with(what),
            ours,
            others: vec![beside(&few_name, figure, goal)],
            remark: String::new(),
        };
        let (m, f) = (many.joins, few.joins);
        let same = Goal::RatioAtMost(1.25);
        rows.push(row("cloud's CPU for a join and a leave, ms", m.cpu_ms, f.cpu_ms, same));
        rows.push(row("join to keys, median, ms", m.middle_ms, f.middle_ms, same));
        rows.push(row("join to keys, 99th percentile, ms", m.slowest_ms, f.slowest_ms, Goal::None));
        let link = "cloud's CPU for a room that links, welcome included, ms";
        // The list of meeting rooms that a welcome carries grows to some 250 and no further.
        rows.push(row(link, many.link_ms, few.link_ms, Goal::RatioAtMost(2.0)));
        let start = Goal::DifferenceAtMost(100.0);
        rows.push(row(
            "start of the cloud until rooms may link, ms",
            many.start_ms,
            few.start_ms,
            start,
        ));
        let each = slope(points.iter().map(|p| (p.vmrs as f64, p.resident as f64)));
        rows.push(alone("resident memory per meeting room, octets", each));
    }
    if let (Some(few), Some(many)) = (live.first(), live.last()) {
        let name = format!("with {}", few.meetings);
        rows.push(Row {
            quantity: format!(
                "cloud's CPU for a join and a leave, ms, while {} meetings are on",
                many.meetings
            ),
            ours: many.joins.cpu_ms,
            others: vec![Other { name, figure: few.joins.cpu_ms, goal: Goal::RatioAtMost(1.25) }],
            remark: String::new(),
        });
        let each = slope(live.iter().map(|p| (p.meetings as f64, p.resident as f64)));
        rows.push(alone("resident memory per meeting that is on, with its leg, octets", each));
    }
    Part {
        name: "meetings".into(),
        title: "Meetings and meeting rooms".into(),
        machine: watch.end(),
        rows,
        plots: plots(points, live),
        method: METHOD.into(),
    }
}

fn alone(quantity: &str, ours: f64) -> Row {
    Row { quantity: quantity.into(), ours, others: Vec::new(), remark: String::new() }
}

const METHOD: &str = "\
One cloud of the release build, in a process of its own, its database on this machine's disk with \
every change synced before it is acknowledged. Rooms are real links (TLS, certificates) held by \
the measuring process; enrolled once, linked anew at each number. A join is a request without a \
PIN until the answer with the leg's keys: the cloud writes two records, opens a UDP port and draws \
keys meanwhile; a leave writes two more. Rooms join one after the other, spread over all meeting \
rooms. Processor time is the cloud's own, from /proc. A start is measured from the process's start \
until the file is there that says where it listens; the middle of several counts. Memory per \
meeting room and per meeting is the slope of a straight line through all points. Meetings that are \
on have one room each, whose media never comes: they cost what the cloud keeps, not what it \
forwards.";

fn plots(points: &[Point], live: &[Live]) -> Vec<Plot> {
    let by_vmrs = |name: &str, pick: &dyn Fn(&Point) -> f64| {
        let line = points.iter().map(|point| (point.vmrs as f64, pick(point))).collect();
        (name.to_owned(), line)
    };
    let by_live = |name: &str, pick: &dyn Fn(&Live) -> f64| {
        let line = live.iter().map(|point| (point.meetings as f64, pick(point))).collect();
        (name.to_owned(), line)
    };
    let plot = |name: &str, title: &str, x: &str, y: &str, curves| Plot {
        name: format!("meetings-{name}"),
        title: title.into(),
        x: x.into(),
        y: y.into(),
        curves,
    };
    const MIB: f64 = 1_048_576.0;
    vec![
        plot(
            "joins",
            "A join as meeting rooms grow in number",
            "meeting rooms",
            "ms",
            vec![
                by_vmrs("cloud's CPU, with the leave", &|p| p.joins.cpu_ms),
                by_vmrs("cloud's CPU for a room that links", &|p| p.link_ms),
                by_vmrs("join to keys, median", &|p| p.joins.middle_ms),
                by_vmrs("join to keys, 99th percentile", &|p| p.joins.slowest_ms),
            ],
        ),
        plot(
            "joins-live",
            "A join as meetings that are on grow in number",
            "meetings that are on",
            "ms",
            vec![
                by_live("cloud's CPU, with the leave", &|p| p.joins.cpu_ms),
                by_live("join to keys, median", &|p| p.joins.middle_ms),
                by_live("join to keys, 99th percentile", &|p| p.joins.slowest_ms),
            ],
        ),
        plot(
            "start",
            "Start of the cloud",
            "meeting rooms",
            "ms",
            vec![by_vmrs("until rooms may link", &|p| p.start_ms)],
        ),
        plot(
            "memory",
            "Resident memory of the cloud",
            "meeting rooms, or meetings that are on",
            "MiB",
            vec![
                by_vmrs("meeting rooms, nobody linked", &|p| p.resident as f64 / MIB),
                by_live("meetings, all rooms linked", &|p| p.resident as f64 / MIB),
            ],
        ),
    ]
}

/// The slope of the straight line that lies closest to the points (least squares).
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let n = points.clone().count() as f64;
    let (x, y) = points.clone().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / n, sum.1 + p.1 / n));
    let (up, across) = points
        .fold((0.0, 0.0), |sum, p| (sum.0 + (p.0 - x) * (p.1 - y), sum.1 + (p.0 - x) * (p.0 - x)));
    up / across
}

/// The number that is dialled for a VMR.
fn number(vmr: usize) -> String {
    (100_000 + vmr).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_has_its_slope() {
        let line = [(0.0, 5.0), (10.0, 25.0), (20.0, 45.0)];
        assert!((slope(line.into_iter()) - 2.0).abs() < 1e-9);
    }
}

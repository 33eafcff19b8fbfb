//! A real room whose clock is wrong has the right time from a real cloud. No clock is set here: what the room
//! wants of its machine is read from the file that conclave-clock would read.

use anyhow::{Context, Result, ensure};
use conclave_clock::{Target, monotonic, read};
use conclave_stage::{Cloud, Meeting, Room, WallClock, enrol, in_own_network, scene, wait_for};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A row of questions takes four seconds; a busy machine is what takes time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the room wants its clock to be set to, when it wants it.
fn wanted(file: &Path) -> Result<Option<Target>> {
    if file.exists() { Ok(Some(read(file)?)) } else { Ok(None) }
}

/// By how many milliseconds this machine, and so the cloud, would disagree with it.
fn off_ms(target: Target) -> Result<u64> {
    let since = monotonic()?.checked_sub(target.monotonic).context("measured in the future")?;
    ensure!(since < PATIENCE, "measured {since:?} ago");
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let then_ms = u128::from(target.unix_ms.0) + since.as_millis();
    Ok(u64::try_from(now_ms.abs_diff(then_ms))?)
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_room_that_is_ten_years_behind_wants_the_clouds_time_and_one_that_is_right_wants_nothing()
-> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let cloud = Cloud::start(stage)?;
            let clock = WallClock::right(&stage.folder().join("room.clock"))?;
            clock.set("-10y")?;
            let plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
            let mut behind = Room::start_with(stage, plan, clock.around())?;
            let plan = Meeting::plan_b(stage, &cloud)?;
            let mut right = Room::start(stage, plan)?;
            // A newcomer is told nothing yet.
            behind.code()?;
            ensure!(wanted(&behind.folder().join("clock"))?.is_none());
            enrol(&cloud, &mut right, "Salle Voltaire")?;
            enrol(&cloud, &mut behind, "Room Ada")?;

            let file = behind.folder().join("clock");
            let target = wait_for("the room wants its clock set", PATIENCE, || wanted(&file))?;
            let off_ms = off_ms(target)?;
            // The clocks of both are read in whole milliseconds.
            ensure!(off_ms <= u64::from(target.within_ms) + 2, "{off_ms} {target:?}");
            ensure!(target.within_ms < 1000, "{target:?}");
            wait_for("the log says so", PATIENCE, || {
                Ok(behind.daemon.log().contains("the clock was wrong").then_some(()))
            })?;
            // It was linked before the other.
            ensure!(wanted(&right.folder().join("clock"))?.is_none(), "its clock is right");
            Ok(())
        })
    })
}

//! Clocks that jump by years, and no file descriptors left.

use anyhow::{Context, Result, ensure};
use conclave_panel_api::{CallHealth, LinkState, Screen};
use conclave_stage::{
    Around, Cloud, Meeting, NAME, NUMBER, PIN, Room, Stage, Vmr, WallClock, enrol, in_own_network,
    scene, until_idle, wait_until,
};
use serde_json::Value;
use std::net::TcpStream;
use std::time::Duration;

/// A room that was refused asks again after half a minute, scattered.
const PATIENCE: Duration = Duration::from_secs(120);

fn cloud_and_rooms(stage: &Stage, around: Around, room: Around) -> Result<Meeting> {
    let cloud = Cloud::start_in(stage, &stage.folder().join("cloud"), around)?;
    cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
    let plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
    let mut a = Room::start_with(stage, plan, room)?;
    let plan = Meeting::plan_b(stage, &cloud)?;
    let mut b = Room::start(stage, plan)?;
    enrol(&cloud, &mut a, "Room Ada")?;
    enrol(&cloud, &mut b, "Salle Voltaire")?;
    Ok(Meeting { cloud, a, b, relay: None })
}

fn until_back(room: &mut Room) -> Result<()> {
    room.until("linked again, as the same room", PATIENCE, |panel| {
        let idle = matches!(panel.screen, Screen::Idle { .. });
        (idle && panel.link == LinkState::Up && panel.room.is_some()).then_some(())
    })
}

fn in_good_call(room: &mut Room) -> Result<()> {
    let call = room.in_call()?.context("the call is over")?;
    ensure!(call.health == CallHealth::Good && call.participants.len() == 2, "{call:?}");
    Ok(())
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_clock_that_jumps_by_years_ends_no_call_and_costs_no_room_its_identity() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let of_cloud = WallClock::right(&stage.folder().join("cloud.clock"))?;
            let of_room = WallClock::right(&stage.folder().join("room.clock"))?;
            let mut meeting = cloud_and_rooms(stage, of_cloud.around(), of_room.around())?;
            for (round, jump) in ["+10y", "-10y"].into_iter().enumerate() {
                // In a call, the cloud's clock jumps; then a room has to link by that clock.
                meeting.join()?;
                of_cloud.set(jump)?;
                let seconds = meeting.a.in_call()?.context("the call is over")?.seconds;
                meeting.a.until("the jump has been seen", PATIENCE, |panel| {
                    match &panel.screen {
                        Screen::InCall(call) => (call.seconds > seconds + 3).then_some(()),
                        _ => None,
                    }
                })?;
                in_good_call(&mut meeting.a)?;
                in_good_call(&mut meeting.b)?;
                meeting.leave()?;
                let jumped = jumped(&meeting.cloud)?;
                ensure!(jumped == 2 * (round + 1), "{jump}: {jumped} calls saw the clock jump");
                meeting.a.start_daemon_again(stage)?;
                let named = meeting.a.until("it has met the cloud", PATIENCE, |panel| {
                    let met = matches!(panel.link, LinkState::Up | LinkState::Lost { .. });
                    met.then_some(panel.room.is_some())
                })?;
                ensure!(named, "{jump}: the room forgot who it is");
                // The cloud starts once more by the wrong clock, and then it is right again.
                meeting.cloud.kill()?;
                meeting.cloud.start_again()?;
                of_cloud.set("+0")?;
                until_back(&mut meeting.a).with_context(|| format!("the cloud's clock {jump}"))?;
                until_back(&mut meeting.b).with_context(|| format!("the cloud's clock {jump}"))?;

                // A room starts with a wrong clock, and gets the right one. It links all the same: it has
                // nobody else to ask for the time.
                of_room.set(jump)?;
                meeting.a.start_daemon_again(stage)?;
                let named = meeting.a.until("it is linked", PATIENCE, |panel| {
                    (panel.link == LinkState::Up).then_some(panel.room.is_some())
                })?;
                ensure!(named, "{jump}: the room forgot who it is");
                of_room.set("+0")?;
                until_back(&mut meeting.a).with_context(|| format!("the room's clock {jump}"))?;
            }
            meeting.join()
        })
    })
}

/// How many calls began and ended in years far apart, by their records.
fn jumped(cloud: &Cloud) -> Result<usize> {
    const FIVE_YEARS: u64 = 5 * 365 * 86_400;
    let records = cloud.list("record")?;
    let far = |record: &&Value| {
        let (begun, ended) = (record["joined_at"].as_u64(), record["left_at"].as_u64());
        begun.zip(ended).is_some_and(|(begun, ended)| begun.abs_diff(ended) > FIVE_YEARS)
    };
    Ok(records.as_array().into_iter().flatten().filter(far).count())
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_cloud_without_file_descriptors_keeps_its_calls_and_takes_links_when_it_has_some_again()
-> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let few = Around { open_files: Some(80), ..Around::default() };
            let mut meeting = cloud_and_rooms(stage, few, Around::default())?;
            meeting.join()?;
            let strangers: Vec<TcpStream> = (0..200)
                .map(|_| Ok(TcpStream::connect(meeting.cloud.link())?))
                .collect::<Result<_>>()?;
            wait_until("the cloud says that it can take no more", PATIENCE, || {
                meeting.cloud.process().check_running()?;
                Ok(meeting.cloud.process().log().contains("no connection can be accepted"))
            })?;
            meeting.until_both_see()?;
            in_good_call(&mut meeting.a)?;
            in_good_call(&mut meeting.b)?;
            drop(strangers);
            wait_until("the command line is answered again", PATIENCE, || {
                meeting.cloud.process().check_running()?;
                Ok(meeting.cloud.list("vmr").is_ok())
            })?;
            in_good_call(&mut meeting.a)?;
            meeting.leave()?;
            meeting.a.start_daemon_again(stage)?;
            until_idle(&mut meeting.a)?;
            meeting.join()
        })
    })
}

//! Disks that are full, read-only or tear what is on them: what was acknowledged stays, what cannot
//! be done is said, and everything returns by itself.

use anyhow::{Context, Result, bail, ensure};
use conclave_panel_api::Screen;
use conclave_stage::{
    Around, Cable, Clip, Cloud, Disk, Meeting, NAME, NUMBER, Network, PIN, Room, Stage, Vmr, enrol,
    in_own_network, scene, until_idle, until_shows, wait_for, wait_until,
};
use serde_json::Value;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Some 8 MiB: the database, its companions and its copies take less than one.
const DISK_KIB: u32 = 8 * 1024;

fn needs_mounts(network: Network) -> bool {
    network.is_ours("disks that are full or read-only")
}

/// A cloud and two enrolled rooms, the cloud's data and room A's on disks of their own.
fn on_disks(stage: &Stage) -> Result<(Meeting, Disk, Disk)> {
    let cloud_data = stage.folder().join("cloud");
    let cloud_disk = Disk::mount(&cloud_data, DISK_KIB)?;
    let room_disk = Disk::mount(&stage.folder().join("room-a/data"), DISK_KIB)?;
    let cloud = Cloud::start_in(stage, &cloud_data, Around::default())?;
    cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
    let plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
    let mut a = Room::start(stage, plan)?;
    let plan = Meeting::plan_b(stage, &cloud)?;
    let mut b = Room::start(stage, plan)?;
    enrol(&cloud, &mut a, "Room Ada")?;
    enrol(&cloud, &mut b, "Salle Voltaire")?;
    Ok((Meeting { cloud, a, b, relay: None }, cloud_disk, room_disk))
}

fn volume(room: &mut Room) -> Result<u8> {
    Ok(room.in_call()?.context("the room is in no call")?.volume)
}

fn until_volume(room: &mut Room, wanted: u8) -> Result<()> {
    room.until("the volume", PATIENCE, |panel| match &panel.screen {
        Screen::InCall(call) => (call.volume == wanted).then_some(()),
        _ => None,
    })
}

fn numbers(cloud: &Cloud) -> Result<Vec<String>> {
    let list = cloud.list("vmr")?;
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(list.iter().filter_map(|vmr| vmr["number"].as_str().map(str::to_owned)).collect())
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_full_disk_stops_changes_and_no_call_and_both_recover_when_there_is_room_again() -> Result<()> {
    in_own_network(|network| {
        if !needs_mounts(network) {
            return Ok(());
        }
        scene(|stage| {
            let (mut meeting, cloud_disk, room_disk) = on_disks(stage)?;
            meeting.join()?;
            cloud_disk.fill()?;
            room_disk.fill()?;

            // The cloud says why it does not do it. The last octets of a page may still be free.
            let mut made = Vec::new();
            let refused = (5_000..5_200).find_map(|number| {
                let number = number.to_string();
                let create = ["vmr", "create", "--number", &number, "--name", "Later"];
                match meeting.cloud.command(&create) {
                    Ok(_) => {
                        made.push(number.clone());
                        None
                    }
                    Err(refused) => Some(refused.to_string()),
                }
            });
            let refused = refused.context("two hundred meeting rooms fitted onto a full disk")?;
            ensure!(refused.contains("full") && refused.contains("make room"), "{refused}");

            // The room changes what it is asked to, keeps it for later, and says so.
            let before = volume(&mut meeting.a)?;
            meeting.a.press("softer")?;
            until_volume(&mut meeting.a, before - 10)?;
            wait_until("the room says that it cannot keep it", PATIENCE, || {
                Ok(meeting.a.daemon.log().contains("cannot be kept"))
            })?;
            meeting.until_both_see()?;
            let call = meeting.a.in_call()?.context("the call ended")?;
            ensure!(call.participants.len() == 2, "somebody left: {call:?}");

            cloud_disk.free()?;
            room_disk.free()?;
            meeting.cloud.command(&["vmr", "create", "--number", "6000", "--name", "Now"])?;
            wait_until("the room has kept it", PATIENCE, || {
                Ok(meeting.a.daemon.log().contains("is kept now"))
            })?;
            meeting.leave()?;
            let records = wait_for("the records are closed", PATIENCE, || {
                let records = meeting.cloud.list("record")?;
                let all = records.as_array().context("no list")?;
                let closed =
                    all.len() == 2 && all.iter().all(|record| !record["left_at"].is_null());
                Ok(closed.then_some(records))
            })?;

            // And all of it outlasts a kill.
            made.extend(["6000".to_owned(), NUMBER.to_owned()]);
            made.sort();
            meeting.cloud.kill()?;
            meeting.cloud.start_again()?;
            ensure!(
                numbers(&meeting.cloud)? == made,
                "{:?} and not {made:?}",
                numbers(&meeting.cloud)
            );
            ensure!(meeting.cloud.list("record")? == records, "the records are not as they were");
            meeting.a.start_daemon_again(stage)?;
            until_idle(&mut meeting.a)?;
            meeting.a.join(NUMBER, PIN)?;
            ensure!(volume(&mut meeting.a)? == before - 10, "the volume is forgotten");
            Ok(())
        })
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_room_on_a_read_only_disk_links_and_calls_and_a_cloud_says_what_to_do() -> Result<()> {
    in_own_network(|network| {
        if !needs_mounts(network) {
            return Ok(());
        }
        scene(|stage| {
            let (mut meeting, cloud_disk, room_disk) = on_disks(stage)?;
            meeting.a.daemon.kill()?;
            room_disk.read_only()?;
            meeting.a.start_daemon_again(stage)?;
            until_idle(&mut meeting.a)?;
            ensure!(meeting.a.daemon.log().contains("remount,rw"), "it does not say what to do");
            // Its status cannot be written either; panels and displays tell.
            for room in [&mut meeting.a, &mut meeting.b] {
                room.join(NUMBER, PIN)?;
            }
            let (clip_a, clip_b) = (Clip::A.faces(stage)?, Clip::B.faces(stage)?);
            until_shows(&mut meeting.a, &clip_b)?;
            until_shows(&mut meeting.b, &clip_a)?;
            let before = volume(&mut meeting.a)?;
            meeting.a.press("softer")?;
            until_volume(&mut meeting.a, before - 10)?;
            meeting.leave()?;
            meeting.a.daemon.kill()?;
            room_disk.writable()?;
            meeting.a.start_daemon_again(stage)?;
            until_idle(&mut meeting.a)?;

            meeting.cloud.kill()?;
            cloud_disk.read_only()?;
            let Err(refused) = meeting.cloud.start_again() else {
                bail!("the cloud started on a disk that it cannot write");
            };
            let refused = format!("{refused:#}");
            ensure!(refused.contains("read-only") && refused.contains("remount"), "{refused}");
            cloud_disk.writable()?;
            meeting.cloud.start_again()?;
            for room in [&mut meeting.a, &mut meeting.b] {
                until_idle(room)?;
            }
            meeting.join()
        })
    })
}

/// Overwrites `count` pages of a file, chosen by multiplying on, and cuts a page off its end.
fn tear(file: &Path, count: u64) -> Result<()> {
    let opened = std::fs::OpenOptions::new().write(true).open(file)?;
    let pages = opened.metadata()?.len() / 4096;
    for which in 0..count {
        let page = (which * 7 + 3) % pages.max(1);
        opened.write_all_at(&[0x5a; 4096], page * 4096)?;
    }
    Ok(opened.set_len(pages.saturating_sub(1) * 4096)?)
}

fn set_aside(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let files: Vec<PathBuf> = files.collect::<Result<_>>()?;
    let damaged = |path: &PathBuf| path.to_string_lossy().contains(".damaged");
    Ok(files.into_iter().filter(damaged).collect())
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn damaged_databases_come_back_with_everything_and_that_is_said_loudly() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let mut meeting = Meeting::prepare(stage, Cable::Direct)?;
            let damages: [fn(&Path) -> Result<()>; 3] = [
                |file| tear(file, 4),
                |file| Ok(std::fs::write(file, b"")?),
                |file| Ok(std::fs::remove_file(file)?),
            ];
            for (round, damage) in damages.into_iter().enumerate() {
                meeting.join()?;
                meeting.leave()?;
                let number = (7_000 + round).to_string();
                meeting.cloud.command(&["vmr", "create", "--number", &number, "--name", "M"])?;
                let lists = |cloud: &Cloud| -> Result<[Value; 3]> {
                    Ok([cloud.list("vmr")?, rooms(cloud)?, cloud.list("record")?])
                };
                let before = lists(&meeting.cloud)?;
                meeting.cloud.kill()?;
                let database = meeting.cloud.data().join("cloud.db");
                damage(&database)?;
                // What a disk tears, it tears whole: the write-ahead log would mend the file.
                let _ = std::fs::remove_file(database.with_extension("db-wal"));
                meeting.cloud.start_again()?;
                let after = lists(&meeting.cloud)?;
                ensure!(after == before, "round {round}: {after:?} and not {before:?}");
                let log = meeting.cloud.process().log();
                let said = log.matches("was built anew").count();
                ensure!(said == round + 1 && log.contains("ERROR"), "it was said {said} times");

                // The room: store and key torn, and it is who it was.
                meeting.a.daemon.kill()?;
                let data = meeting.a.folder().join("data");
                damage(&data.join("room.sqlite"))?;
                damage(&data.join("device.key"))?;
                meeting.a.start_daemon_again(stage)?;
                for room in [&mut meeting.a, &mut meeting.b] {
                    until_idle(room)?;
                }
            }
            ensure!(!set_aside(meeting.cloud.data())?.is_empty(), "nothing was set aside");
            ensure!(rooms(&meeting.cloud)?.as_array().map(Vec::len) == Some(2), "a new room");
            let log = meeting.a.daemon.log();
            ensure!(log.contains("the room is who it was"), "it was not said");
            meeting.join()
        })
    })
}

/// Rooms without how they are linked just now.
fn rooms(cloud: &Cloud) -> Result<Value> {
    let mut rooms = cloud.list("room")?;
    for room in rooms.as_array_mut().into_iter().flatten() {
        // How a room is depends on when one looks; what it said of itself it says again.
        for now in ["state", "since", "software", "settings"] {
            room[now] = Value::Null;
        }
    }
    Ok(rooms)
}

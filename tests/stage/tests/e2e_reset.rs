//! A factory reset of a real room, from its panel with a code and from the cloud in mid-call: what it kept is
//! gone, its receipt and the cloud's say the same, and it comes back as a newcomer with another key.

use anyhow::{Context, Result, ensure};
use conclave_panel_api::{Erased, Panel, ResetReceipt, Screen, Trouble};
use conclave_stage::{
    Cloud, Meeting, NAME, NUMBER, PIN, Room, Stage, Vmr, enrol, in_own_network, scene, until_idle,
    wait_for,
};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// A busy machine is what takes time.
const PATIENCE: Duration = Duration::from_secs(30);

fn trouble(panel: &Panel) -> Option<Trouble> {
    match panel.screen {
        Screen::ResetCode { trouble, .. } => trouble,
        _ => None,
    }
}

/// The receipt on the panel, once the cloud has noted it.
fn receipt(room: &mut Room) -> Result<ResetReceipt> {
    room.until("a receipt that the cloud has noted", PATIENCE, |panel| match &panel.screen {
        Screen::ResetReceipt(receipt) if receipt.noted => Some((**receipt).clone()),
        _ => None,
    })
}

/// What the cloud's command line tells of the newest reset.
fn newest(cloud: &Cloud) -> Result<Value> {
    let resets = cloud.answer(&["room", "resets", "--json"])?;
    resets.pointer("/resets/0").cloned().with_context(|| format!("no reset: {resets}"))
}

/// Everything that the room keeps, but what it rewrites each second.
fn kept(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.join("data"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with("status.json") {
            names.push(name);
        }
    }
    Ok(names)
}

/// Panel and command line say the same.
fn compare(cloud: &Cloud, shown: &ResetReceipt, way: &str) -> Result<()> {
    let told = newest(cloud)?;
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    ensure!(shown.erased == Erased::Folder, "{shown:?}");
    ensure!(Some(text("number")) == shown.number.map(|number| number.to_string()), "{told}");
    ensure!(
        (text("way"), text("outcome")) == (way.to_owned(), "folder_erased".to_owned()),
        "{told}"
    );
    ensure!(text("serial") == shown.serial, "{told}");
    ensure!(text("key").starts_with(&shown.key.replace(' ', "")), "{told} {shown:?}");
    let printed = cloud.command(&["room", "resets"])?;
    ensure!(printed.contains(&shown.key) && printed.contains(&text("number")), "{printed}");
    let rooms = cloud.list("room")?;
    let revoked = |room: &Value| room["room"] == told["room"] && room["state"] == "revoked";
    ensure!(rooms.as_array().is_some_and(|rooms| rooms.iter().any(revoked)), "{rooms}");
    Ok(())
}

/// Presses *Restart now*; the daemon ends, and started again it is nobody.
fn comes_back(stage: &Stage, room: &mut Room) -> Result<()> {
    room.press("restart")?;
    let ended = wait_for("the daemon ends", PATIENCE, || room.daemon.ended())?;
    ensure!(ended.success(), "{ended}");
    let left = std::fs::read_dir(room.folder().join("data"))?.count();
    ensure!(left == 0, "{left} files are left");
    room.start_daemon_again(stage)?;
    room.until("an activation code", PATIENCE, |panel| {
        matches!(panel.screen, Screen::Activation { code: Some(_), .. }).then_some(())
    })
}

/// Types a code: everything up to *Join*, which works when the last digit has arrived.
fn type_code(room: &mut Room, digits: &str) -> Result<()> {
    room.type_digits(digits)?;
    room.until("the code is typed", PATIENCE, |panel| {
        matches!(panel.screen, Screen::ResetCode { complete: true, .. }).then_some(())
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_room_is_reset_from_its_panel_and_from_the_cloud_and_keeps_nothing() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let cloud = Cloud::start(stage)?;
            cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
            let plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
            let mut room = Room::start(stage, plan)?;
            enrol(&cloud, &mut room, "Room Ada")?;
            let key = std::fs::read(room.folder().join("data/device.key"))?;

            // Held for five seconds; and a wrong code does nothing, whether there is one or none.
            room.hold_until("room", "the pad of the code", |panel| {
                matches!(panel.screen, Screen::ResetCode { .. }).then_some(())
            })?;
            type_code(&mut room, "12345678")?;
            room.press("join")?;
            room.until("no code is good", PATIENCE, |panel| {
                (trouble(panel) == Some(Trouble::NoResetCode)).then_some(())
            })?;
            let made = cloud.answer(&["room", "reset-code", "Room Ada", "--json"])?;
            let code = made["code"].as_str().context("a code")?.to_owned();
            let wrong: String =
                code.chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect();
            type_code(&mut room, &wrong)?;
            room.press("join")?;
            room.until("it is wrong", PATIENCE, |panel| {
                (trouble(panel) == Some(Trouble::WrongResetCode { tries_left: 4 })).then_some(())
            })?;
            ensure!(kept(room.folder())?.iter().any(|name| name == "device.key"));

            // The right one and a yes.
            type_code(&mut room, &code)?;
            room.press("join")?;
            room.press("erase")?;
            let shown = receipt(&mut room)?;
            ensure!(room.read("receipt-number")?.replace(' ', "").len() == 9);
            compare(&cloud, &shown, "panel")?;
            let left = kept(room.folder())?;
            ensure!(left.is_empty(), "{left:?}");
            comes_back(stage, &mut room)?;
            ensure!(std::fs::read(room.folder().join("data/device.key"))? != key, "another key");
            for log in [room.daemon.log(), room.kiosk.log()] {
                ensure!(!log.contains(&code), "the code stands in a log");
            }

            // From the cloud, while it is in a meeting.
            enrol(&cloud, &mut room, "Room Ada")?;
            room.join(NUMBER, PIN)?;
            let refused = cloud.command(&["room", "reset", "Room Ada"]);
            ensure!(
                refused.is_err_and(|said| said.to_string().contains("--yes")),
                "not by accident"
            );
            cloud.command(&["room", "reset", "Room Ada", "--yes"])?;
            let shown = receipt(&mut room)?;
            compare(&cloud, &shown, "cloud")?;
            let meetings = cloud.list("meeting")?;
            ensure!(meetings == Value::Array(Vec::new()), "{meetings}");
            comes_back(stage, &mut room)?;

            // A room that is away hears of it when it is back; and nobody is asked again.
            enrol(&cloud, &mut room, "Room Ada")?;
            room.daemon.stop()?;
            wait_for("the room is not linked", PATIENCE, || {
                let rooms = cloud.list("room")?;
                let linked = rooms
                    .as_array()
                    .is_some_and(|rooms| rooms.iter().any(|room| room["state"] == "linked"));
                Ok((!linked).then_some(()))
            })?;
            let said = cloud.command(&["room", "reset", "Room Ada", "--yes"])?;
            ensure!(said.contains("not linked"), "{said}");
            room.start_daemon_again(stage)?;
            let shown = receipt(&mut room)?;
            compare(&cloud, &shown, "cloud")?;
            comes_back(stage, &mut room)?;

            // One that belongs to nobody is reset without a code.
            room.hold_until("serial", "the question", |panel| {
                matches!(panel.screen, Screen::ResetConfirm { .. }).then_some(())
            })?;
            room.press("back")?;
            room.code()?;
            room.hold_until("serial", "the question", |panel| {
                matches!(panel.screen, Screen::ResetConfirm { .. }).then_some(())
            })?;
            room.press("erase")?;
            room.until("a receipt without a number", PATIENCE, |panel| match &panel.screen {
                Screen::ResetReceipt(receipt) => receipt.number.is_none().then_some(()),
                _ => None,
            })?;
            comes_back(stage, &mut room)?;
            enrol(&cloud, &mut room, "Room Ada")?;
            until_idle(&mut room)
        })
    })
}

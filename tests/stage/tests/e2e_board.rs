//! The room's light, buttons and sensors, on the virtual board's own description: a button mutes, the
//! light says so, an empty room's panel sleeps, and a board without its chip stops nobody.

use anyhow::{Context, Result, bail, ensure};
use conclave_panel_api::{Notice, Panel, Screen};
use conclave_stage::{
    BoardStatus, Cloud, Lines, Meeting, NAME, NUMBER, PIN, Room, Vmr, enrol, in_own_network, scene,
    until_idle, wait_for,
};
use conclave_types::Switch;
use std::path::Path;
use std::time::Duration;

/// A busy machine is what takes time.
const PATIENCE: Duration = Duration::from_secs(30);
/// A missing line is tried again after a minute at most, and an awake panel sleeps a minute after it was
/// of use.
const A_MINUTE: Duration = Duration::from_secs(100);

/// The virtual board's lines.
const LINES: u32 = 8;
const GREEN: u32 = 0;
const RED: u32 = 1;
const MUTE: u32 = 2;
const RESET: u32 = 3;
const PRESENCE: u32 = 4;

/// The virtual board, with a sensor that waits for a second and a thermometer, which QEMU has not.
fn description() -> Result<String> {
    let board = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../board/virtual-x86_64/board.toml");
    let text = std::fs::read_to_string(board)?.replace("hold_s = 60", "hold_s = 1");
    ensure!(text.contains("hold_s = 1\n"), "the sensor's time was not found");
    Ok(format!(
        "{text}\n[temperature]\nsource = {{ thermal_zone = \"cpu\" }}\nwarn_c = 80\ncritical_c = 90\n"
    ))
}

fn board(room: &Room) -> Result<Option<BoardStatus>> {
    Ok(room.status()?.and_then(|status| status.board))
}

fn until_board(
    room: &Room,
    what: &str,
    limit: Duration,
    is_so: impl Fn(&BoardStatus) -> bool,
) -> Result<BoardStatus> {
    let found = wait_for(what, limit, || Ok(board(room)?.filter(&is_so)));
    found.with_context(|| format!("{:?}", board(room)))
}

/// Waits until the light shows (green, red).
fn until_lit(lines: &Lines, wanted: [bool; 2]) -> Result<()> {
    wait_for(&format!("the light {wanted:?}"), PATIENCE, || {
        Ok(([lines.is_high(GREEN)?, lines.is_high(RED)?] == wanted).then_some(()))
    })
}

fn until_panel(room: &mut Room, what: &str, is_so: impl Fn(&Panel) -> bool) -> Result<()> {
    room.until(what, PATIENCE, |panel| is_so(panel).then_some(()))
}

/// Presses the button until the room's own panel shows the microphone so, then lets go of it.
fn press_mute(room: &mut Room, after: Switch) -> Result<()> {
    room.lines().set(MUTE, true)?;
    until_panel(
        room,
        &format!("its microphone is {after:?}"),
        |panel| matches!(&panel.screen, Screen::InCall(call) if call.microphone == after),
    )?;
    let_go(room)
}

/// Lets go of the button in a call until the board believes it: longer than its debounce time, by what
/// can be waited for, the call's own timer.
fn let_go(room: &mut Room) -> Result<()> {
    room.lines().set(MUTE, false)?;
    let seconds = |panel: &Panel| match &panel.screen {
        Screen::InCall(call) => call.seconds,
        _ => 0,
    };
    let before = seconds(&room.panel()?);
    until_panel(room, "two seconds have passed", |panel| seconds(panel) >= before + 2)
}

fn until_seen_by(other: &mut Room, name: &str, microphone: Switch) -> Result<()> {
    until_panel(other, &format!("{name}'s microphone is {microphone:?}"), |panel| {
        let Screen::InCall(call) = &panel.screen else { return false };
        call.participants.iter().any(|p| p.name.as_str() == name && p.microphone == microphone)
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_button_mutes_the_light_says_so_and_an_empty_room_sleeps() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let cloud = Cloud::start(stage)?;
            cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
            let mut plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
            plan.board = Some(description()?);
            let a = Room::start(stage, plan)?;
            let b = Room::start(stage, Meeting::plan_b(stage, &cloud)?)?;
            let mut meeting = Meeting { cloud, a, b, relay: None };
            let lines = meeting.a.lines();

            // Its chip is not there: the room says so and goes on.
            let found = until_board(&meeting.a, "what is missing", PATIENCE, |board| {
                board.missing.len() == 5
            })?;
            for part in ["light", "mute_button", "reset_button", "presence_sensor", "thermometer"] {
                ensure!(found.missing.contains_key(part), "{part}: {found:?}");
            }
            ensure!(found.missing["light"].contains("gpioinfo"), "what to look at: {found:?}");
            ensure!(found.presence.is_none(), "{found:?}");
            let log = meeting.a.daemon.log();
            ensure!(log.contains("a part of the board does not work"), "{log}");
            enrol(&meeting.cloud, &mut meeting.a, "Room Ada")?;
            enrol(&meeting.cloud, &mut meeting.b, "Salle Voltaire")?;

            // Then it is, and nobody need do anything.
            lines.plug_in(LINES)?;
            lines.warm("cpu", 40)?;
            until_board(&meeting.a, "all parts", A_MINUTE, |board| board.missing.is_empty())?;
            lines.set(PRESENCE, true)?;
            until_board(&meeting.a, "somebody", PATIENCE, |board| {
                board.presence.as_deref() == Some("somebody")
            })?;
            // A press outside a call mutes nothing.
            lines.set(MUTE, true)?;
            until_lit(&lines, [false, false])?;

            meeting.join()?;
            until_lit(&lines, [true, false])?;
            let_go(&mut meeting.a)?;
            until_seen_by(&mut meeting.b, "Room Ada", Switch::On)?;
            press_mute(&mut meeting.a, Switch::Off)?;
            until_lit(&lines, [false, true])?;
            until_seen_by(&mut meeting.b, "Room Ada", Switch::Off)?;
            ensure!(!meeting.a.read("muted")?.is_empty(), "the panel says that it is muted");
            press_mute(&mut meeting.a, Switch::On)?;
            until_lit(&lines, [true, false])?;
            until_seen_by(&mut meeting.b, "Room Ada", Switch::On)?;
            // Button and tap are one switch.
            meeting.a.press("microphone")?;
            until_lit(&lines, [false, true])?;
            until_seen_by(&mut meeting.b, "Room Ada", Switch::Off)?;

            // It becomes too hot in mid-call, and cools down.
            for (degrees, notice, heat) in [
                (85, Some(Notice::Hot), Some("hot")),
                (95, Some(Notice::VeryHot), Some("very_hot")),
                (40, None, None),
            ] {
                lines.warm("cpu", degrees)?;
                until_panel(&mut meeting.a, "what it says of the heat", |p| p.notice == notice)?;
                until_board(&meeting.a, "the heat", PATIENCE, |b| b.heat.as_deref() == heat)?;
            }

            meeting.leave()?;
            until_lit(&lines, [false, false])?;

            // Everybody leaves.
            lines.set(PRESENCE, false)?;
            meeting.a.until("the panel sleeps", A_MINUTE, |panel| panel.asleep.then_some(()))?;
            ensure!(meeting.a.visible()? == ["wake"], "{:?}", meeting.a.visible()?);
            // Somebody comes, and goes.
            lines.set(PRESENCE, true)?;
            until_panel(&mut meeting.a, "it wakes", |panel| !panel.asleep)?;
            lines.set(PRESENCE, false)?;
            until_panel(&mut meeting.a, "it sleeps again", |panel| panel.asleep)?;
            meeting.a.press("wake")?;
            until_panel(&mut meeting.a, "a touch wakes it", |panel| !panel.asleep)?;
            until_idle(&mut meeting.a)?;

            // A held reset button erases nothing: it asks for a code.
            lines.set(RESET, true)?;
            until_panel(&mut meeting.a, "the held button", |panel| {
                matches!(panel.screen, Screen::ResetCode { .. })
            })?;
            meeting.a.press("back")?;
            until_idle(&mut meeting.a)?;

            // The chip is pulled out; the daemon ends, and its light with it.
            lines.pull_out()?;
            until_board(&meeting.a, "what is gone", A_MINUTE, |board| board.missing.len() == 5)?;
            meeting.a.daemon.check_running()
        })
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_stopped_daemon_leaves_no_light_and_a_wrong_description_is_refused() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let cloud = Cloud::start(stage)?;
            cloud.create(Vmr { number: NUMBER, name: NAME, pin: None })?;
            let mut plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
            plan.board = Some(description()?);
            let mut room = Room::start(stage, plan)?;
            let lines = room.lines();
            lines.plug_in(LINES)?;
            enrol(&cloud, &mut room, "Room Ada")?;
            room.dial(NUMBER)?;
            room.press("join")?;
            room.until_in_call(1)?;
            until_board(&room, "a light", A_MINUTE, |b| !b.missing.contains_key("light"))?;
            until_lit(&lines, [true, false])?;
            room.daemon.stop()?;
            until_lit(&lines, [false, false])?;

            let description = room.folder().join("board.toml");
            std::fs::write(&description, "name = \"virtual\"\ntitel = \"x\"\n")?;
            let configuration = std::fs::read_to_string(room.folder().join("room.toml"))?;
            let told = conclave_stage::refused(stage, &configuration)?;
            for word in ["board.description", "board.toml, line 2", "titel"] {
                if !told.contains(word) {
                    bail!("{word:?} is not in: {told}");
                }
            }
            std::fs::remove_file(&description)?;
            let told = conclave_stage::refused(stage, &configuration)?;
            ensure!(told.contains("cannot be read: No such file"), "{told}");
            Ok(())
        })
    })
}

//! A meeting room with a lobby: whoever waits is neither seen nor heard, until the console or the other panel lets
//! them in.

use anyhow::{Context, Result, ensure};
use conclave_panel_api::{Notice, Screen};
use conclave_stage::{
    Cable, Clip, Meeting, NUMBER, PIN, Room, in_own_network, scene, sockets, until_shows,
};
use serde_json::Value;
use std::time::Duration;

/// For one answer of the cloud to reach a panel on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// Dials, types the PIN, and waits until the panel says that the room is in the lobby.
fn dial_into_lobby(room: &mut Room) -> Result<()> {
    room.dial(NUMBER)?;
    room.press("join")?;
    room.type_pin(PIN)?;
    room.press("join")?;
    room.until("the lobby", SOON, |panel| {
        matches!(panel.screen, Screen::Lobby { .. }).then_some(())
    })
}

/// No call, and no socket to the media node.
fn has_no_media(room: &Room) -> Result<()> {
    let status = room.status()?.context("no status")?;
    ensure!(status.call.is_none(), "{} is in a call while it waits", room.tag());
    let ports = sockets::udp_ports(room.daemon.pid())?;
    ensure!(ports.is_empty(), "{} has a socket to the media node: {ports:?}", room.tag());
    Ok(())
}

/// How many are in the meeting, and who waits for it, as the cloud lists them.
fn listed(meeting: &Meeting) -> Result<(usize, Vec<String>)> {
    let meetings = meeting.cloud.list("meeting")?;
    let one = meetings.get(0).context("no meeting is listed")?;
    let names = |of: &str| -> Vec<String> {
        let all = one.get(of).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|each| each.get("name")?.as_str().map(str::to_owned)).collect()
    };
    Ok((names("participants").len(), names("waiting")))
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn rooms_wait_in_the_lobby_until_the_console_or_the_other_panel_lets_them_in() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let (clip_a, clip_b) = (Clip::A.faces(stage)?, Clip::B.faces(stage)?);
            let mut meeting = Meeting::prepare(stage, Cable::Direct)?;
            meeting.cloud.command(&["vmr", "change", NUMBER, "--lobby", "on"])?;

            // Nobody is in: the console lets in the first one.
            dial_into_lobby(&mut meeting.a)?;
            has_no_media(&meeting.a)?;
            ensure!(
                listed(&meeting)? == (0, vec!["Room Ada".to_owned()]),
                "{:?}",
                listed(&meeting)?
            );
            meeting.cloud.command(&["meeting", "let-in", NUMBER, "--all"])?;
            meeting.a.until_in_call(1)?;

            // The second one is turned away by the first one's panel, then let in by it.
            dial_into_lobby(&mut meeting.b)?;
            ensure!(
                meeting.a.read("lobby-sentence")?.contains("Salle Voltaire"),
                "nobody is named"
            );
            meeting.a.press("not-now")?;
            meeting.b.until("it is told", SOON, |panel| {
                (panel.notice == Some(Notice::TurnedAway)).then_some(())
            })?;
            meeting.b.press("dismiss")?;
            dial_into_lobby(&mut meeting.b)?;
            has_no_media(&meeting.b)?;
            ensure!(listed(&meeting)? == (1, vec!["Salle Voltaire".to_owned()]), "who waits is in");
            let pictures = stage.target().join("console");
            std::fs::create_dir_all(&pictures)?;
            meeting.a.until("who waits", SOON, |panel| match &panel.screen {
                Screen::InCall(call) => (call.lobby.len() == 1).then_some(()),
                _ => None,
            })?;
            meeting.a.panel_picture(&pictures.join("panel-lobby.png"))?;
            meeting.a.press("let-in")?;
            meeting.until_both_see()?;
            until_shows(&mut meeting.b, &clip_a)?;
            until_shows(&mut meeting.a, &clip_b)?;
            meeting.leave()
        })
    })
}

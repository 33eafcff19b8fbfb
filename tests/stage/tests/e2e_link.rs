//! The link is cut and comes back, the cloud dies and comes back: people go on talking.

use anyhow::{Context, Result, ensure};
use conclave_panel_api::{CallHealth, LinkState, Screen};
use conclave_stage::{Cable, Clip, Cut, Meeting, Room, in_own_network, scene, until_shows};
use conclave_types::Switch;
use serde_json::Value;
use std::time::Duration;

/// A silent cut is noticed by the link's keep-alive, and mended after a back-off.
const NOTICED: Duration = Duration::from_secs(90);

fn until_link_lost(room: &mut Room) -> Result<()> {
    room.until("the panel says that the link is lost", NOTICED, |panel| match &panel.screen {
        Screen::InCall(call)
            if call.health == CallHealth::LinkLost
                && matches!(panel.link, LinkState::Lost { .. }) =>
        {
            Some(())
        }
        _ => None,
    })
}

fn until_good(room: &mut Room) -> Result<()> {
    room.until("the call is in good health again", NOTICED, |panel| match &panel.screen {
        Screen::InCall(call)
            if call.health == CallHealth::Good
                && panel.link == LinkState::Up
                && call.participants.len() == 2 =>
        {
            Some(())
        }
        _ => None,
    })
}

/// How another room's panel sees the microphone of the room with this name.
fn microphone_of(room: &mut Room, name: &str) -> Result<Switch> {
    let call = room.in_call()?.context("the room is in no call")?;
    let person = call.participants.iter().find(|person| person.name.as_str() == name);
    Ok(person.with_context(|| format!("{name} is not in the call"))?.microphone)
}

fn call_id(room: &Room) -> Result<String> {
    let status = room.status()?.context("no status")?;
    Ok(status.call.context("no call")?.call)
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_call_goes_on_through_a_cut_link_and_both_ends_agree_afterwards() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let (clip_a, clip_b) = (Clip::A.faces(stage)?, Clip::B.faces(stage)?);
            let mut meeting = Meeting::prepare(stage, Cable::Relayed)?;
            meeting.join()?;
            until_shows(&mut meeting.b, &clip_a)?;
            until_shows(&mut meeting.a, &clip_b)?;
            let call = call_id(&meeting.a)?;
            for (how, after) in [(Cut::Closed, Switch::Off), (Cut::Silent, Switch::On)] {
                let relay = meeting.relay.as_ref().context("room A is relayed")?;
                relay.cut(how);
                until_link_lost(&mut meeting.a).with_context(|| format!("{how:?}"))?;
                let words = meeting.a.read("health")?;
                ensure!(!words.is_empty(), "the panel says nothing of the lost link");

                // Picture and sound need no link.
                until_shows(&mut meeting.a, &clip_b).with_context(|| format!("{how:?}"))?;
                until_shows(&mut meeting.b, &clip_a).with_context(|| format!("{how:?}"))?;

                // What is switched during the cut is told afterwards.
                meeting.a.press("microphone")?;
                meeting.a.until("its own microphone is switched", NOTICED, |panel| {
                    let Screen::InCall(call) = &panel.screen else { return None };
                    (call.microphone == after).then_some(())
                })?;
                ensure!(
                    microphone_of(&mut meeting.b, "Room Ada")? == after.flipped(),
                    "the other room cannot know yet"
                );
                let relay = meeting.relay.as_ref().context("room A is relayed")?;
                relay.heal();
                until_good(&mut meeting.a).with_context(|| format!("{how:?}"))?;
                meeting.b.until("A's microphone as A has it", NOTICED, |panel| {
                    let Screen::InCall(call) = &panel.screen else { return None };
                    let ada = call.participants.iter().find(|p| p.name.as_str() == "Room Ada")?;
                    (ada.microphone == after).then_some(())
                })?;
                ensure!(call_id(&meeting.a)? == call, "{how:?}: it is another call now");
                until_shows(&mut meeting.b, &clip_a).with_context(|| format!("after {how:?}"))?;
            }
            meeting.leave()
        })
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_killed_cloud_comes_back_with_everything_and_the_rooms_return_by_themselves() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let clip_a = Clip::A.faces(stage)?;
            let mut meeting = Meeting::prepare(stage, Cable::Direct)?;
            meeting.join()?;
            meeting.leave()?;
            let vmrs = meeting.cloud.list("vmr")?;
            let rooms = names(&meeting.cloud.list("room")?);
            let records = calls(&meeting.cloud.list("record")?);
            ensure!(vmrs.as_array().is_some_and(|all| all.len() == 1), "{vmrs}");
            ensure!(rooms.len() == 2, "{rooms:?}");
            ensure!(records.len() == 2, "{records:?}");

            meeting.join()?;
            meeting.cloud.kill()?;
            until_link_lost(&mut meeting.a)?;
            meeting.cloud.start_again()?;
            for room in [&mut meeting.a, &mut meeting.b] {
                until_good(room)?;
            }
            until_shows(&mut meeting.b, &clip_a)?;

            ensure!(meeting.cloud.list("vmr")? == vmrs, "the meeting rooms are not as they were");
            ensure!(names(&meeting.cloud.list("room")?) == rooms, "the rooms are not as they were");
            let after = calls(&meeting.cloud.list("record")?);
            for record in &records {
                ensure!(after.contains(record), "the record {record} is lost: {after:?}");
            }
            meeting.leave()?;
            // The PIN still holds the door.
            meeting.join()
        })
    })
}

fn names(rooms: &Value) -> Vec<String> {
    let mut names: Vec<String> = texts(rooms, "name");
    names.sort();
    names
}

/// Each call with the moment at which it ended.
fn calls(records: &Value) -> Vec<String> {
    let all = records.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|record| format!("{} {}", record["call"], record["left_at"])).collect()
}

fn texts(list: &Value, field: &str) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|item| item.get(field)?.as_str().map(str::to_owned)).collect()
}

//! Answers about releases, rollouts and channels in plain words.

use super::print::{date, table};
use crate::control::{
    ChannelLine, ControlAnswer, ReleaseLine, RolloutLine, RolloutRoomLine, RoomUpdateLine,
};
use crate::switchboard::stage_words;
use conclave_link_protocol::message::UpdateStage;
use conclave_rollout::{Stage, Standing};
use std::fmt::Write;

/// An answer for people.
pub(super) fn words(answer: &ControlAnswer) -> String {
    match answer {
        ControlAnswer::ReleaseAdded { release } => format!(
            "The release {} for {} is there ({} octets, SHA-256 {}). Bring it to rooms: \
             conclave-cloud rollout start {} --channel CHANNEL",
            release.version, release.compatible, release.size, release.sha256, release.version
        ),
        ControlAnswer::Releases { releases } => release_table(releases),
        ControlAnswer::ReleaseRemoved { release } => {
            format!("The release {} for {} is removed.", release.version, release.compatible)
        }
        ControlAnswer::RolloutStarted { rollouts } => {
            rollouts.iter().fold(String::new(), |mut text, rollout| {
                let _ = writeln!(
                    text,
                    "Rollout {} brings {} to '{}' on {}: {} rooms in its first wave. Follow it: \
                     conclave-cloud rollout status {}",
                    rollout.rollout,
                    rollout.version,
                    rollout.channel,
                    rollout.compatible,
                    rollout.target,
                    rollout.rollout
                );
                text
            })
        }
        ControlAnswer::Rollouts { rollouts } => rollout_table(rollouts),
        ControlAnswer::Rollout { rollout, rooms } => rollout_status(rollout, rooms),
        ControlAnswer::RolloutChanged { rollout } => match rollout.stage {
            Stage::Running => {
                format!("Rollout {} goes on. What failed so far is forgiven.", rollout.rollout)
            }
            Stage::StoppedByPerson | Stage::StoppedByFailures => format!(
                "Rollout {} is stopped: no room begins any more. Go on with: conclave-cloud \
                 rollout resume {}",
                rollout.rollout, rollout.rollout
            ),
            Stage::Withdrawn => format!(
                "Rollout {} is withdrawn. Rooms that run {} keep it until another is rolled out.",
                rollout.rollout, rollout.version
            ),
        },
        ControlAnswer::RoomFollows { room } => format!(
            "The room '{}' follows '{}' and is updated between {} by its own clock.",
            room.name, room.channel, room.window
        ),
        ControlAnswer::RoomUpdates { rooms } => update_table(rooms),
        ControlAnswer::Channels { channels } => channel_table(channels),
        // The others have their words in `print`.
        _ => String::new(),
    }
}

fn release_table(releases: &[ReleaseLine]) -> String {
    if releases.is_empty() {
        return "There is no release. Add one: conclave-cloud release add BUNDLE --version 1.2.3 \
                --compatible BOARD"
            .to_owned();
    }
    let row = |release: &ReleaseLine| {
        vec![
            release.version.to_string(),
            release.compatible.to_string(),
            release.floor.to_string(),
            format!("{} MB", release.size.div_ceil(1_000_000)),
            date(release.added_at),
            release.sha256.to_string(),
        ]
    };
    let head = ["VERSION", "BOARD", "FLOOR", "SIZE", "ADDED", "SHA-256"];
    table(&head, releases.iter().map(row))
}

fn rollout_table(rollouts: &[RolloutLine]) -> String {
    if rollouts.is_empty() {
        return "There is no rollout. Start one: conclave-cloud rollout start VERSION --channel \
                CHANNEL"
            .to_owned();
    }
    let row = |rollout: &RolloutLine| {
        vec![
            rollout.rollout.to_string(),
            rollout.channel.to_string(),
            rollout.version.to_string(),
            rollout.compatible.to_string(),
            stage_words(rollout.stage).to_owned(),
            format!("{} of {}", rollout.wave, rollout.waves.len()),
            format!("{} of {}", rollout.committed, rollout.target),
            rollout.failed.to_string(),
            date(rollout.started_at),
        ]
    };
    let head =
        ["NO", "CHANNEL", "VERSION", "BOARD", "STATE", "WAVE", "UPDATED", "FAILED", "STARTED"];
    table(&head, rollouts.iter().map(row))
}

fn rollout_status(rollout: &RolloutLine, rooms: &[RolloutRoomLine]) -> String {
    let mut text = rollout_table(std::slice::from_ref(rollout));
    if rollout.stage == Stage::StoppedByFailures {
        let _ = writeln!(
            text,
            "\nIt stopped by itself: {} rooms failed. Look at their reasons, then resume it \
             (conclave-cloud rollout resume {}) or withdraw it.",
            rollout.failed, rollout.rollout
        );
    }
    if rooms.is_empty() {
        return text + "\nIt has taken no room yet.";
    }
    let row = |room: &RolloutRoomLine| {
        let standing = match room.standing {
            Standing::Offered => room.stage.as_ref().map_or("not linked".to_owned(), progress),
            Standing::Committed => "updated".to_owned(),
            Standing::Failed => "failed".to_owned(),
            Standing::Forgiven => "failed, forgiven".to_owned(),
        };
        let why = room.why.clone().unwrap_or_default();
        vec![room.name.to_string(), standing, date(room.since), why]
    };
    text.push('\n');
    text + &table(&["ROOM", "STATE", "SINCE", "WHY"], rooms.iter().map(row))
}

fn update_table(rooms: &[RoomUpdateLine]) -> String {
    if rooms.is_empty() {
        return "No room is enrolled.".to_owned();
    }
    let row = |room: &RoomUpdateLine| {
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        vec![
            room.name.to_string(),
            room.channel.to_string(),
            room.window.to_string(),
            or_unknown(room.running.map(|version| version.to_string())),
            or_unknown(room.compatible.as_ref().map(ToString::to_string)),
            room.stage.as_ref().map_or("not linked".to_owned(), progress),
        ]
    };
    let head = ["ROOM", "CHANNEL", "WINDOW", "RUNS", "BOARD", "UPDATE"];
    table(&head, rooms.iter().map(row))
}

fn channel_table(channels: &[ChannelLine]) -> String {
    let row = |channel: &ChannelLine| {
        let releases = channel.rollouts.iter().map(|rollout| {
            let state = stage_words(rollout.stage);
            format!(
                "{} ({}, rollout {}, {state})",
                rollout.version, rollout.compatible, rollout.rollout
            )
        });
        let releases: Vec<String> = releases.collect();
        vec![channel.channel.to_string(), channel.rooms.to_string(), releases.join(", ")]
    };
    table(&["CHANNEL", "ROOMS", "RELEASE"], channels.iter().map(row))
}

/// How far a room is.
fn progress(stage: &UpdateStage) -> String {
    match stage {
        UpdateStage::Idle => "nothing to do".to_owned(),
        UpdateStage::Waiting => "waits for a quiet moment in its window".to_owned(),
        UpdateStage::Fetching { percent } => format!("fetches, {percent} %"),
        UpdateStage::Checking => "checks what it fetched".to_owned(),
        UpdateStage::Installing { percent } => format!("installs, {percent} %"),
        UpdateStage::Ready => "waits for a quiet moment to restart".to_owned(),
        UpdateStage::Restarting => "restarts".to_owned(),
        UpdateStage::Proving => "shows whether it works".to_owned(),
        UpdateStage::Committed => "updated".to_owned(),
        UpdateStage::NotInstalled { fault, .. } => format!("not installed: {fault}"),
        UpdateStage::FellBack { fault, .. } => format!("went back: {fault}"),
        UpdateStage::Other => "does what this cloud does not know".to_owned(),
    }
}

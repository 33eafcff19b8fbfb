//! Rooms, their groups, their settings.

use super::{Answer, Asker, Body, Listed, Rename, Wanted};
use crate::console::Desk;
use crate::control::{ControlRequest, SettingsFor};
use axum::extract::{Path, Query};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use conclave_link_protocol::message::SettingsDocument;
use conclave_types::{ActivationCode, DisplayName};
use serde::Deserialize;

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/rooms", get(rooms).post(enrol))
        .route("/rooms/{room}", get(room).patch(rename_room))
        .route("/rooms/{room}/revoke", post(revoke_room))
        .route("/rooms/{room}/place", put(place_room))
        .route("/rooms/{room}/identify", post(identify_room))
        .route("/rooms/{room}/restart", post(restart_room))
        .route("/rooms/{room}/settings", get(room_settings).put(set_room))
        .route("/groups", get(groups).post(add_group))
        .route("/groups/{group}", patch(rename_group).delete(remove_group))
        .route("/groups/{group}/settings", get(group_settings).put(set_group))
        .route("/settings", get(settings).put(set_all))
}

async fn rooms(asker: Asker, wanted: Wanted) -> Answer {
    let Query(listed) = wanted?;
    let (state, needs, group) = (listed.state, listed.needs, listed.group.clone());
    asker.ask(ControlRequest::RoomList { part: listed.part(), state, needs, group }).await
}

async fn room(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomShow { room }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrol {
    code: ActivationCode,
    name: DisplayName,
}

async fn enrol(asker: Asker, wanted: Body<Enrol>) -> Answer {
    let Json(Enrol { code, name }) = wanted?;
    asker.ask(ControlRequest::RoomClaim { code, name }).await
}

async fn rename_room(asker: Asker, Path(room): Path<String>, wanted: Body<Rename>) -> Answer {
    let Json(Rename { name }) = wanted?;
    asker.ask(ControlRequest::RoomRename { room, name }).await
}

async fn revoke_room(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomRevoke { room }).await
}

async fn identify_room(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomIdentify { room }).await
}

async fn restart_room(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomRestart { room }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BelongsTo {
    group: Option<String>,
    place: Option<DisplayName>,
}

async fn place_room(asker: Asker, Path(room): Path<String>, wanted: Body<BelongsTo>) -> Answer {
    let Json(BelongsTo { group, place }) = wanted?;
    asker.ask(ControlRequest::RoomPlace { room, group, place }).await
}

async fn groups(asker: Asker) -> Answer {
    asker.ask(ControlRequest::GroupList).await
}

async fn add_group(asker: Asker, wanted: Body<Rename>) -> Answer {
    let Json(Rename { name }) = wanted?;
    asker.ask(ControlRequest::GroupAdd { name }).await
}

async fn rename_group(asker: Asker, Path(group): Path<String>, wanted: Body<Rename>) -> Answer {
    let Json(Rename { name }) = wanted?;
    asker.ask(ControlRequest::GroupRename { group, name }).await
}

async fn remove_group(asker: Asker, Path(group): Path<String>) -> Answer {
    asker.ask(ControlRequest::GroupRemove { group }).await
}

/// All that is set, and which revision it changes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    settings: SettingsDocument,
    revision: Option<u32>,
}

fn of_group(group: String) -> SettingsFor {
    SettingsFor { group: Some(group), room: None }
}

fn of_room(room: String) -> SettingsFor {
    SettingsFor { group: None, room: Some(room) }
}

async fn settings(asker: Asker) -> Answer {
    asker.ask(ControlRequest::SettingsShow { of: SettingsFor::default() }).await
}

async fn group_settings(asker: Asker, Path(group): Path<String>) -> Answer {
    asker.ask(ControlRequest::SettingsShow { of: of_group(group) }).await
}

async fn room_settings(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::SettingsShow { of: of_room(room) }).await
}

async fn set_all(asker: Asker, wanted: Body<Set>) -> Answer {
    let Json(Set { settings, revision }) = wanted?;
    asker.ask(ControlRequest::SettingsSet { of: SettingsFor::default(), settings, revision }).await
}

async fn set_group(asker: Asker, Path(group): Path<String>, wanted: Body<Set>) -> Answer {
    let Json(Set { settings, revision }) = wanted?;
    asker.ask(ControlRequest::SettingsSet { of: of_group(group), settings, revision }).await
}

async fn set_room(asker: Asker, Path(room): Path<String>, wanted: Body<Set>) -> Answer {
    let Json(Set { settings, revision }) = wanted?;
    asker.ask(ControlRequest::SettingsSet { of: of_room(room), settings, revision }).await
}

//! Rooms, their groups, their settings.

use super::{Answer, Asker, Body, Page, Rename, Wanted};
use crate::console::Desk;
use crate::control::{ControlRequest, SettingsFor};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use conclave_directory::Tag;
use conclave_link_protocol::message::SettingsDocument;
use conclave_types::{ActivationCode, Channel, DisplayName, MaintenanceWindow};
use serde::Deserialize;

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/rooms", get(rooms).post(enrol))
        .route("/rooms/{room}", get(room).patch(rename_room).delete(forget_room))
        .route("/rooms/{room}/revoke", post(revoke_room))
        .route("/rooms/{room}/place", put(place_room))
        .route("/rooms/{room}/identify", post(identify_room))
        .route("/rooms/{room}/restart", post(restart_room))
        .route("/rooms/{room}/updates", get(updates).put(follow))
        .route("/rooms/{room}/reset-code", post(reset_code))
        .route("/rooms/{room}/reset", post(reset).delete(withdraw_reset))
        .route("/resets", get(resets))
        .route("/rooms/{room}/settings", get(room_settings).put(set_room))
        .route("/tags", get(tags))
        .route("/groups", get(groups).post(add_group))
        .route("/groups/{group}", patch(rename_group).delete(remove_group))
        .route("/groups/{group}/settings", get(group_settings).put(set_group))
        .route("/settings", get(settings).put(set_all))
}

async fn rooms(asker: Asker, wanted: Wanted) -> Answer {
    let Query(listed) = wanted?;
    let (state, needs) = (listed.state, listed.needs);
    let (group, tag) = (listed.group.clone(), listed.tag.clone());
    asker.ask(ControlRequest::RoomList { part: listed.part(), state, needs, group, tag }).await
}

async fn tags(asker: Asker) -> Answer {
    asker.ask(ControlRequest::TagList).await
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

async fn forget_room(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomForget { room }).await
}

async fn updates(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomUpdateShow { room }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Follow {
    channel: Option<Channel>,
    window: Option<MaintenanceWindow>,
}

async fn follow(asker: Asker, Path(room): Path<String>, wanted: Body<Follow>) -> Answer {
    let Json(Follow { channel, window }) = wanted?;
    asker.ask(ControlRequest::RoomFollow { room, channel, window }).await
}

async fn reset_code(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomResetCode { room }).await
}

async fn reset(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomReset { room }).await
}

async fn withdraw_reset(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomResetWithdraw { room }).await
}

async fn resets(asker: Asker, page: Result<Query<Page>, QueryRejection>) -> Answer {
    let Query(page) = page?;
    asker.ask(ControlRequest::RoomResets { most: page.most() }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BelongsTo {
    group: Option<String>,
    place: Option<DisplayName>,
    tags: Option<Vec<Tag>>,
}

async fn place_room(asker: Asker, Path(room): Path<String>, wanted: Body<BelongsTo>) -> Answer {
    let Json(BelongsTo { group, place, tags }) = wanted?;
    asker.ask(ControlRequest::RoomPlace { room, group, place, tags }).await
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

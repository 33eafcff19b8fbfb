//! Rooms, their groups, their settings.

use super::{Answer, Asker, Body, Page, Rename, Wanted};
use crate::calendars::CalendarKind;
use crate::console::Desk;
use crate::console::api::{file, of};
use crate::console::reply::Trouble;
use crate::control::{ControlAnswer, ControlRequest, NewCalendar, Octets, ParcelKind, SettingsFor};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, patch_with, post_with, put_with};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use conclave_directory::Tag;
use conclave_link_protocol::message::SettingsDocument;
use conclave_types::{ActivationCode, Channel, DisplayName, MaintenanceWindow, Redacted, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn routes() -> ApiRouter<Desk> {
    ApiRouter::new()
        .api_route(
            "/rooms",
            get_with(rooms, of("Rooms: a part of the list", "rooms"))
                .post_with(enrol, of("Enrol the room whose panel shows the code", "room_claimed")),
        )
        .api_route(
            "/rooms/{room}",
            get_with(room, of("One room", "room"))
                .patch_with(rename_room, of("Give a room another name", "room_renamed"))
                .delete_with(forget_room, of("Forget a room that was shut out", "room_forgotten")),
        )
        .api_route(
            "/rooms/{room}/revoke",
            post_with(revoke_room, of("Shut a room out for good", "room_revoked")),
        )
        .api_route(
            "/rooms/{room}/place",
            put_with(
                place_room,
                of("Say in which group a room is, where it stands, and its tags", "room_placed"),
            ),
        )
        .api_route(
            "/rooms/{room}/identify",
            post_with(identify_room, of("Have a room show which it is", "room_ordered")),
        )
        .api_route(
            "/rooms/{room}/restart",
            post_with(restart_room, of("Have a room start its machine anew", "room_ordered")),
        )
        .api_route(
            "/rooms/{room}/logs",
            get_with(logs, file("The logs that a room sent", "text/plain"))
                .post_with(fetch_logs, of("Have a room send its last log lines", "room_ordered")),
        )
        .api_route(
            "/rooms/{room}/panel-picture",
            get_with(panel_picture, file("What the panel of a room showed", "image/png"))
                .post_with(
                    fetch_panel_picture,
                    of(
                        "Have a room send a picture of its panel, never of its camera",
                        "room_ordered",
                    ),
                ),
        )
        .api_route(
            "/rooms/{room}/updates",
            get_with(updates, of("What a room runs, and what it follows", "room_follows"))
                .put_with(
                    follow,
                    of(
                        "Have a room follow another channel, or be updated at another time",
                        "room_follows",
                    ),
                ),
        )
        .api_route(
            "/rooms/{room}/reset-code",
            post_with(
                reset_code,
                of("Make a code with which a room can be reset at its panel", "room_reset_code"),
            ),
        )
        .api_route(
            "/rooms/{room}/reset",
            post_with(reset, of("Have a room reset, now or with its next link", "room_reset"))
                .delete_with(
                    withdraw_reset,
                    of("Forget an order to reset a room", "room_reset_withdrawn"),
                ),
        )
        .api_route("/resets", get_with(resets, of("The newest resets", "resets")))
        .api_route(
            "/rooms/{room}/settings",
            get_with(room_settings, of("How a room is set", "settings"))
                .put_with(set_room, of("Set a room", "settings")),
        )
        .api_route("/tags", get_with(tags, of("The tags that rooms have", "tags")))
        .api_route(
            "/rooms/{room}/calendar",
            get_with(room_calendar, of("The calendar of a room", "room_calendar"))
                .put_with(set_calendar, of("Have a room have this calendar", "room_calendar"))
                .delete_with(
                    remove_calendar,
                    of("Take the calendar of a room away", "room_calendar"),
                ),
        )
        .api_route(
            "/rooms/{room}/calendar/read",
            post_with(read_calendar, of("Have the calendar of a room read now", "room_calendar")),
        )
        .api_route(
            "/groups",
            get_with(groups, of("The groups of rooms", "groups"))
                .post_with(add_group, of("Make a group", "group_changed")),
        )
        .api_route(
            "/groups/{group}",
            patch_with(rename_group, of("Give a group another name", "group_changed"))
                .delete_with(remove_group, of("Remove a group; its rooms stay", "group_removed")),
        )
        .api_route(
            "/groups/{group}/settings",
            get_with(group_settings, of("How the rooms of a group are set", "settings"))
                .put_with(set_group, of("Set the rooms of a group", "settings")),
        )
        .api_route(
            "/settings",
            get_with(settings, of("How all rooms are set", "settings"))
                .put_with(set_all, of("Set all rooms", "settings")),
        )
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

#[derive(Deserialize, JsonSchema)]
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

async fn fetch_logs(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomFetch { room, what: ParcelKind::Logs }).await
}

async fn fetch_panel_picture(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomFetch { room, what: ParcelKind::PanelPicture }).await
}

/// What the room sent last, as a file.
async fn logs(asker: Asker, Path(room): Path<String>) -> Result<Response, Trouble> {
    const HEADERS: [(HeaderName, &str); 2] = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"conclave-room-logs.txt\""),
    ];
    parcel(asker, room, ParcelKind::Logs, &HEADERS).await
}

/// What its panel showed, as a picture.
async fn panel_picture(asker: Asker, Path(room): Path<String>) -> Result<Response, Trouble> {
    const HEADERS: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "image/png")];
    parcel(asker, room, ParcelKind::PanelPicture, &HEADERS).await
}

async fn parcel(
    asker: Asker,
    room: String,
    what: ParcelKind,
    headers: &[(HeaderName, &'static str)],
) -> Result<Response, Trouble> {
    let answer = asker.ask(ControlRequest::RoomParcel { room, what }).await?;
    let ControlAnswer::RoomParcel { octets: Octets(octets), .. } = answer.0 else {
        return Err(Trouble::NotFound);
    };
    let mut response = octets.into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name.clone(), HeaderValue::from_static(value));
    }
    Ok(response)
}

async fn forget_room(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomForget { room }).await
}

async fn updates(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomUpdateShow { room }).await
}

#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BelongsTo {
    group: Option<String>,
    place: Option<DisplayName>,
    #[schemars(with = "Option<Vec<String>>")]
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
#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetCalendar {
    kind: CalendarKind,
    address: Secret<String>,
    user: Option<Redacted<String>>,
    password: Option<Secret<String>>,
}

async fn room_calendar(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomCalendarShow { room }).await
}

async fn set_calendar(asker: Asker, Path(room): Path<String>, wanted: Body<SetCalendar>) -> Answer {
    let Json(SetCalendar { kind, address, user, password }) = wanted?;
    let calendar = NewCalendar { kind, address, user, password };
    asker.ask(ControlRequest::RoomCalendarSet { room, calendar }).await
}

async fn read_calendar(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomCalendarRead { room }).await
}

async fn remove_calendar(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomCalendarRemove { room }).await
}

//! Devices that are to be rooms.

use super::{Answer, Asker, Body, Wanted};
use crate::console::Desk;
use crate::console::api::of;
use crate::console::reply::Trouble;
use crate::control::{ControlRequest, Keep};
use crate::device_list;
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::http::StatusCode;
use conclave_types::{ActivationCode, Redacted};
use schemars::JsonSchema;
use serde::Deserialize;

/// The most octets of a request with a list: JSON writes a line's end and a quotation mark as two, and has some words of its
/// own.
const LONGEST_BODY: usize = device_list::LONGEST * 2;

pub(super) fn routes() -> ApiRouter<Desk> {
    let lists = get_with(awaited, of("Devices that are awaited", "awaited_devices"))
        .post_with(read_list, of("Look at a list of devices, and await them", "devices_read"))
        .layer(DefaultBodyLimit::max(LONGEST_BODY));
    ApiRouter::new()
        .api_route("/awaited", lists)
        .api_route(
            "/awaited/{device}",
            delete_with(withdraw, of("Await a device no more", "awaited_withdrawn")),
        )
        .api_route(
            "/awaited/{device}/enrol",
            post_with(
                enrol,
                of("Enrol the awaited device whose panel shows the code", "room_claimed"),
            ),
        )
}

async fn awaited(asker: Asker, wanted: Wanted) -> Answer {
    let Query(listed) = wanted?;
    asker.ask(ControlRequest::AwaitedList { part: listed.part() }).await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    list: Redacted<String>,
    #[serde(default)]
    keep: Keep,
}

async fn read_list(asker: Asker, wanted: Body<List>) -> Answer {
    let too_long = |rejection: &JsonRejection| rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
    if wanted.as_ref().is_err_and(too_long) {
        return Err(Trouble::ListTooLong);
    }
    let Json(List { list, keep }) = wanted?;
    asker.ask(ControlRequest::DevicesAwait { list, keep }).await
}

async fn withdraw(asker: Asker, Path(device): Path<String>) -> Answer {
    asker.ask(ControlRequest::AwaitedWithdraw { device }).await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shown {
    code: ActivationCode,
}

async fn enrol(asker: Asker, Path(device): Path<String>, wanted: Body<Shown>) -> Answer {
    let Json(Shown { code }) = wanted?;
    asker.ask(ControlRequest::AwaitedClaim { device, code }).await
}

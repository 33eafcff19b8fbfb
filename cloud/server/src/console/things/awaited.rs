//! Devices that are to be rooms.

use super::{Answer, Asker, Body, Wanted};
use crate::console::Desk;
use crate::console::api::of;
use crate::console::reply::Trouble;
use crate::control::{ControlRequest, Keep, Part};
use crate::device_list;
use aide::OperationInput;
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use conclave_types::{ActivationCode, Redacted};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most octets of a request with a list: JSON writes a line's end and a quotation mark as two, and has some words of its
/// own.
const LONGEST_BODY: usize = device_list::LONGEST * 2;

/// Lists that are read at once: each takes some ten megabytes while it is.
const MOST_READING: usize = 4;

static READING: Semaphore = Semaphore::const_new(MOST_READING);

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

/// A list that was sent: read only when whoever sends it has shown that they may see what is awaited, and a few at a time. So
/// nobody fills the memory with lists.
struct Sent {
    asker: Asker,
    list: Body<List>,
    _place: SemaphorePermit<'static>,
}

impl FromRequest<Desk> for Sent {
    type Rejection = Trouble;

    async fn from_request(request: Request, desk: &Desk) -> Result<Sent, Trouble> {
        let (mut parts, body) = request.into_parts();
        let first = Asker::from_request_parts(&mut parts, desk).await?;
        let part = Part { q: String::new(), skip: 0, most: Some(1) };
        first.ask(ControlRequest::AwaitedList { part }).await?;
        let asker = Asker::from_request_parts(&mut parts, desk).await?;
        let place = READING.acquire().await.map_err(|_| Trouble::Stopping)?;
        let list = Json::from_request(Request::from_parts(parts, body), desk).await;
        Ok(Sent { asker, list, _place: place })
    }
}

impl OperationInput for Sent {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Json::<List>::operation_input(context, operation);
    }
}

async fn read_list(Sent { asker, list: wanted, _place }: Sent) -> Answer {
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

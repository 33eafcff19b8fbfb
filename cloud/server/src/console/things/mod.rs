//! Rooms, meeting rooms, meetings, records, people, the audit log: each request in the words of the command line.

mod awaited;
mod meeting_rooms;
mod meetings;
mod people;
mod reports;
mod rooms;
mod webhooks;

use crate::accounts::Source;
use crate::console::Desk;
use crate::console::api::of;
use crate::console::people::Cookies;
use crate::console::reply::{Told, Trouble, answered};
use crate::control::{ControlRequest, Part, RoomState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header;
use axum::{Extension, Json};
use conclave_directory::Tag;
use conclave_types::{DisplayName, VmrNumber};
use schemars::JsonSchema;
use serde::Deserialize;

/// The most lines of a list that grows without end.
const MOST: u32 = 1_000;

/// The most lines of a file.
const MOST_IN_FILE: u32 = 50_000;

type Answer = Result<Told, Trouble>;
type Body<T> = Result<Json<T>, JsonRejection>;

pub(super) fn routes() -> ApiRouter<Desk> {
    rooms::routes()
        .api_route(
            "/search",
            get_with(
                search,
                of("The first rooms, meeting rooms, people and meetings that match", "found"),
            ),
        )
        .merge(awaited::routes())
        .merge(meeting_rooms::routes())
        .merge(meetings::routes())
        .merge(people::routes())
        .merge(reports::routes())
        .merge(webhooks::routes())
}

/// Whoever asks: the desk, the session, where from, and which mark they have seen of what they change (`If-Match`).
struct Asker {
    desk: Desk,
    cookies: Cookies,
    source: Source,
    seen: Option<String>,
}

impl Asker {
    async fn ask(self, request: ControlRequest) -> Answer {
        let by = self.cookies.credential()?;
        let request = match self.seen {
            Some(mark) => ControlRequest::IfUnchanged { mark, request: Box::new(request) },
            None => request,
        };
        answered(self.desk.control(by, self.source, request).await?)
    }
}

impl aide::OperationInput for Asker {}

impl axum::extract::FromRequestParts<Desk> for Asker {
    type Rejection = Trouble;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        desk: &Desk,
    ) -> Result<Asker, Trouble> {
        let source = Extension::<Source>::from_request_parts(parts, desk).await;
        let Extension(source) = source.map_err(|_| Trouble::Stopping)?;
        let Ok(cookies) = Cookies::from_request_parts(parts, desk).await;
        let State(desk) = State::<Desk>::from_request_parts(parts, desk)
            .await
            .unwrap_or_else(|never| match never {});
        let seen = parts.headers.get(header::IF_MATCH).map(|value| {
            // What is no text is the mark of nothing.
            value.to_str().unwrap_or_default().trim_matches('"').to_owned()
        });
        Ok(Asker { desk, cookies, source, seen })
    }
}

/// A part of a list, and of rooms those that are so.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Listed {
    #[serde(default)]
    q: String,
    #[serde(default)]
    skip: u32,
    most: Option<u32>,
    state: Option<RoomState>,
    #[serde(default)]
    needs: bool,
    group: Option<String>,
    #[schemars(with = "Option<String>")]
    tag: Option<Tag>,
}

impl Listed {
    fn part(self) -> Part {
        let most = Some(self.most.unwrap_or(MOST).clamp(1, MOST));
        Part { q: self.q, skip: self.skip, most }
    }
}

type Wanted = Result<Query<Listed>, QueryRejection>;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rename {
    name: DisplayName,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LookedFor {
    q: String,
}

async fn search(asker: Asker, wanted: Result<Query<LookedFor>, QueryRejection>) -> Answer {
    let Query(LookedFor { q }) = wanted?;
    asker.ask(ControlRequest::Search { q }).await
}

/// A number in a path; another text is that of no meeting room.
fn number(text: &str) -> Result<VmrNumber, Trouble> {
    text.parse().map_err(|_| Trouble::NotFound)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    most: Option<u32>,
    below: Option<u64>,
}

impl Page {
    fn most(&self) -> u32 {
        self.most.unwrap_or(100).clamp(1, MOST)
    }
}

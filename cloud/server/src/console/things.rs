//! Rooms, meeting rooms, meetings, records, people, the audit log: each request in the words of the command line.

use super::Desk;
use super::people::Cookies;
use super::reply::{Trouble, answered};
use crate::accounts::Source;
use crate::control::{ControlAnswer, ControlRequest, NewVmr, Part, RoomState};
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::routing::{get, post, put};
use axum::{Extension, Json, Router};
use conclave_types::{ActivationCode, DisplayName, EmailAddress, Pin, Redacted, VmrNumber};
use serde::Deserialize;

/// The most lines of a list that grows without end.
const MOST: u32 = 1_000;

type Answer = Result<Json<ControlAnswer>, Trouble>;
type Body<T> = Result<Json<T>, JsonRejection>;

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/rooms", get(rooms).post(enrol))
        .route("/rooms/{room}", get(room).patch(rename_room))
        .route("/rooms/{room}/revoke", post(revoke_room))
        .route("/vmrs", get(vmrs).post(create_vmr))
        .route("/vmrs/{number}", axum::routing::delete(remove_vmr))
        .route("/vmrs/{number}/pin", put(set_pin).delete(take_pin))
        .route("/vmrs/{number}/moderators", put(set_moderators))
        .route("/meetings", get(meetings))
        .route("/meetings/{number}/end", post(end_meeting))
        .route("/records", get(records))
        .route("/audit", get(audit))
        .route("/people", get(people).post(add_person))
        .route("/people/{person}", axum::routing::patch(change_person).delete(remove_person))
        .route("/people/{person}/invitation", post(invite_person))
}

/// Whoever asks: the desk, the session, where from.
struct Asker {
    desk: Desk,
    cookies: Cookies,
    source: Source,
}

impl Asker {
    async fn ask(self, request: ControlRequest) -> Answer {
        let session = self.cookies.session()?;
        answered(self.desk.control(session, self.source, request).await?)
    }
}

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
        Ok(Asker { desk, cookies, source })
    }
}

/// A part of a list, and of rooms those that are so.
#[derive(Deserialize)]
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
}

impl Listed {
    fn part(self) -> Part {
        let most = Some(self.most.unwrap_or(MOST).clamp(1, MOST));
        Part { q: self.q, skip: self.skip, most }
    }
}

type Wanted = Result<Query<Listed>, QueryRejection>;

async fn rooms(asker: Asker, wanted: Wanted) -> Answer {
    let Query(listed) = wanted?;
    let (state, needs) = (listed.state, listed.needs);
    asker.ask(ControlRequest::RoomList { part: listed.part(), state, needs }).await
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    name: DisplayName,
}

async fn rename_room(asker: Asker, Path(room): Path<String>, wanted: Body<Rename>) -> Answer {
    let Json(Rename { name }) = wanted?;
    asker.ask(ControlRequest::RoomRename { room, name }).await
}

async fn revoke_room(asker: Asker, Path(room): Path<String>) -> Answer {
    asker.ask(ControlRequest::RoomRevoke { room }).await
}

async fn vmrs(asker: Asker, wanted: Wanted) -> Answer {
    let Query(listed) = wanted?;
    asker.ask(ControlRequest::VmrList { part: listed.part() }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateVmr {
    number: Option<VmrNumber>,
    name: DisplayName,
    pin: Option<Pin>,
    #[serde(default = "usual_capacity")]
    capacity: u32,
    #[serde(default)]
    hidden: bool,
    #[serde(default)]
    once: bool,
    #[serde(default)]
    moderators: Vec<Redacted<String>>,
}

fn usual_capacity() -> u32 {
    25
}

async fn create_vmr(asker: Asker, wanted: Body<CreateVmr>) -> Answer {
    let Json(CreateVmr { number, name, pin, capacity, hidden, once, moderators }) = wanted?;
    let new = NewVmr { number, name, capacity, hidden, once, moderators };
    asker.ask(ControlRequest::VmrCreate { new, pin }).await
}

/// A number in a path; another text is that of no meeting room.
fn number(text: &str) -> Result<VmrNumber, Trouble> {
    text.parse().map_err(|_| Trouble::NotFound)
}

async fn remove_vmr(asker: Asker, Path(vmr): Path<String>) -> Answer {
    asker.ask(ControlRequest::VmrRemove { number: number(&vmr)? }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPin {
    pin: Pin,
}

async fn set_pin(asker: Asker, Path(vmr): Path<String>, wanted: Body<SetPin>) -> Answer {
    let Json(SetPin { pin }) = wanted?;
    asker.ask(ControlRequest::VmrSetPin { number: number(&vmr)?, pin: Some(pin) }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moderators {
    people: Vec<Redacted<String>>,
}

async fn set_moderators(asker: Asker, Path(vmr): Path<String>, wanted: Body<Moderators>) -> Answer {
    let Json(Moderators { people }) = wanted?;
    asker.ask(ControlRequest::VmrModerators { number: number(&vmr)?, people }).await
}

async fn take_pin(asker: Asker, Path(vmr): Path<String>) -> Answer {
    asker.ask(ControlRequest::VmrSetPin { number: number(&vmr)?, pin: None }).await
}

async fn meetings(asker: Asker) -> Answer {
    asker.ask(ControlRequest::MeetingList).await
}

async fn end_meeting(asker: Asker, Path(vmr): Path<String>) -> Answer {
    asker.ask(ControlRequest::MeetingEnd { number: number(&vmr)? }).await
}

#[derive(Deserialize)]
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

async fn records(asker: Asker, page: Result<Query<Page>, QueryRejection>) -> Answer {
    let Query(page) = page?;
    asker.ask(ControlRequest::RecordList { most: page.most() }).await
}

async fn audit(asker: Asker, page: Result<Query<Page>, QueryRejection>) -> Answer {
    let Query(page) = page?;
    let (below, most) = (page.below, page.most());
    asker.ask(ControlRequest::AuditList { installation: false, below, most }).await
}

async fn people(asker: Asker, wanted: Wanted) -> Answer {
    let Query(listed) = wanted?;
    asker.ask(ControlRequest::PersonList { part: listed.part() }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddPerson {
    email: EmailAddress,
    name: DisplayName,
    role: String,
}

async fn add_person(asker: Asker, wanted: Body<AddPerson>) -> Answer {
    let Json(AddPerson { email, name, role }) = wanted?;
    asker.ask(ControlRequest::PersonAdd { email, name, role }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangePerson {
    name: Option<DisplayName>,
    role: Option<String>,
    suspended: Option<bool>,
}

async fn change_person(
    asker: Asker,
    Path(person): Path<String>,
    wanted: Body<ChangePerson>,
) -> Answer {
    let Json(ChangePerson { name, role, suspended }) = wanted?;
    asker.ask(ControlRequest::PersonChange { person, name, role, suspended }).await
}

async fn remove_person(asker: Asker, Path(person): Path<String>) -> Answer {
    asker.ask(ControlRequest::PersonRemove { person }).await
}

async fn invite_person(asker: Asker, Path(person): Path<String>) -> Answer {
    asker.ask(ControlRequest::PersonInvite { person }).await
}

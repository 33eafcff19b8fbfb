//! Rooms, meeting rooms, meetings, records, people, the audit log: each request in the words of the command line.

use super::Desk;
use super::csv;
use super::people::Cookies;
use super::reply::{Trouble, answered};
use crate::accounts::Source;
use crate::control::{
    ControlAnswer, ControlRequest, NewAppointment, NewVmr, Part, RoomState, SettingsFor,
};
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, patch, post, put};
use axum::{Extension, Json, Router};
use conclave_link_protocol::message::SettingsDocument;
use conclave_types::{
    ActivationCode, DisplayName, EmailAddress, Pin, Redacted, UnixTime, VmrNumber,
};
use serde::Deserialize;

/// The most lines of a list that grows without end.
const MOST: u32 = 1_000;

/// The most lines of a file.
const MOST_IN_FILE: u32 = 50_000;

type Answer = Result<Json<ControlAnswer>, Trouble>;
type Body<T> = Result<Json<T>, JsonRejection>;

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
        .route("/vmrs", get(vmrs).post(create_vmr))
        .route("/vmrs/{number}", patch(change_vmr).delete(remove_vmr))
        .route("/vmrs/{number}/pin", put(set_pin).delete(take_pin))
        .route("/vmrs/{number}/moderators", put(set_moderators))
        .route("/tokens", get(tokens).post(make_token))
        .route("/tokens/{token}", axum::routing::delete(remove_token))
        .route("/appointments", get(appointments).post(call_meeting))
        .route("/appointments/{number}", put(change_meeting).delete(cancel_meeting))
        .route("/bookable-rooms", get(bookable_rooms))
        .route("/meetings", get(meetings))
        .route("/meetings/{number}/end", post(end_meeting))
        .route("/records", get(records))
        .route("/records.csv", get(records_csv))
        .route("/usage", get(usage))
        .route("/usage.csv", get(usage_csv))
        .route("/audit", get(audit))
        .route("/people", get(people).post(add_person))
        .route("/people/{person}", axum::routing::patch(change_person).delete(remove_person))
        .route("/people/{person}/invitation", post(invite_person))
        .route("/people/{person}/second-factor", axum::routing::delete(take_second_factor))
}

/// Whoever asks: the desk, the session, where from.
struct Asker {
    desk: Desk,
    cookies: Cookies,
    source: Source,
}

impl Asker {
    async fn ask(self, request: ControlRequest) -> Answer {
        let by = self.cookies.credential()?;
        answered(self.desk.control(by, self.source, request).await?)
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
    group: Option<String>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeVmr {
    name: Option<DisplayName>,
    capacity: Option<u32>,
}

async fn change_vmr(asker: Asker, Path(vmr): Path<String>, wanted: Body<ChangeVmr>) -> Answer {
    let Json(ChangeVmr { name, capacity }) = wanted?;
    asker.ask(ControlRequest::VmrChange { number: number(&vmr)?, name, capacity }).await
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

async fn tokens(asker: Asker) -> Answer {
    asker.ask(ControlRequest::ApiTokenList).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MakeToken {
    name: DisplayName,
    scopes: Vec<String>,
    days: u32,
}

async fn make_token(asker: Asker, wanted: Body<MakeToken>) -> Answer {
    let Json(MakeToken { name, scopes, days }) = wanted?;
    asker.ask(ControlRequest::ApiTokenAdd { name, scopes, days }).await
}

async fn remove_token(asker: Asker, Path(token): Path<String>) -> Answer {
    asker.ask(ControlRequest::ApiTokenRemove { token }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Called {
    #[serde(default)]
    q: String,
    #[serde(default)]
    skip: u32,
    most: Option<u32>,
    #[serde(default)]
    past: bool,
}

async fn appointments(asker: Asker, wanted: Result<Query<Called>, QueryRejection>) -> Answer {
    let Query(Called { q, skip, most, past }) = wanted?;
    asker.ask(ControlRequest::AppointmentList { part: Part { q, skip, most }, past }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallMeeting {
    title: DisplayName,
    starts_at: UnixTime,
    ends_at: UnixTime,
    #[serde(default)]
    rooms: Vec<String>,
    #[serde(default)]
    people: Vec<Redacted<String>>,
    pin: Option<Pin>,
}

async fn call_meeting(asker: Asker, wanted: Body<CallMeeting>) -> Answer {
    let Json(CallMeeting { title, starts_at, ends_at, rooms, people, pin }) = wanted?;
    let new = NewAppointment { title, starts_at, ends_at, rooms, people };
    asker.ask(ControlRequest::AppointmentAdd { new, pin }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeMeeting {
    title: DisplayName,
    starts_at: UnixTime,
    ends_at: UnixTime,
    #[serde(default)]
    rooms: Vec<String>,
    #[serde(default)]
    people: Vec<Redacted<String>>,
    revision: Option<u32>,
}

async fn change_meeting(
    asker: Asker,
    Path(meeting): Path<String>,
    wanted: Body<ChangeMeeting>,
) -> Answer {
    let Json(ChangeMeeting { title, starts_at, ends_at, rooms, people, revision }) = wanted?;
    let to = NewAppointment { title, starts_at, ends_at, rooms, people };
    let number = number(&meeting)?;
    asker.ask(ControlRequest::AppointmentChange { number, to, revision }).await
}

async fn cancel_meeting(asker: Asker, Path(meeting): Path<String>) -> Answer {
    asker.ask(ControlRequest::AppointmentCancel { number: number(&meeting)? }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bookable {
    #[serde(default)]
    q: String,
    #[serde(default)]
    skip: u32,
    most: Option<u32>,
    from: UnixTime,
    until: UnixTime,
}

async fn bookable_rooms(asker: Asker, wanted: Result<Query<Bookable>, QueryRejection>) -> Answer {
    let Query(Bookable { q, skip, most, from, until }) = wanted?;
    let part = Part { q, skip, most: Some(most.unwrap_or(MOST).clamp(1, MOST)) };
    asker.ask(ControlRequest::BookableRooms { part, from, until }).await
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

/// Records, as a spreadsheet reads them.
async fn records_csv(
    asker: Asker,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Query(page) = page?;
    let most = page.most.unwrap_or(MOST_IN_FILE).clamp(1, MOST_IN_FILE);
    csv::records(asker.ask(ControlRequest::RecordList { most }).await?.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageOf {
    from: UnixTime,
    until: UnixTime,
    #[serde(default)]
    ahead_s: i32,
}

type WantedUsage = Result<Query<UsageOf>, QueryRejection>;

async fn usage(asker: Asker, wanted: WantedUsage) -> Answer {
    let Query(UsageOf { from, until, ahead_s }) = wanted?;
    asker.ask(ControlRequest::Usage { from, until, ahead_s }).await
}

async fn usage_csv(asker: Asker, wanted: WantedUsage) -> Result<Response, Trouble> {
    csv::usage(usage(asker, wanted).await?.0)
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

async fn take_second_factor(asker: Asker, Path(person): Path<String>) -> Answer {
    asker.ask(ControlRequest::PersonSecondFactorOff { person }).await
}

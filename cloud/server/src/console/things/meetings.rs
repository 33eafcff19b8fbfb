//! Meetings that are to be, and those that are on.

use super::{Answer, Asker, Body, MOST, number};
use crate::console::Desk;
use crate::console::api::of;
use crate::control::{ControlRequest, NewAppointment, Part};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use conclave_types::{DisplayName, ParticipantId, Pin, Redacted, UnixTime};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn routes() -> ApiRouter<Desk> {
    ApiRouter::new()
        .api_route(
            "/appointments",
            get_with(
                appointments,
                of("Meetings that you have called or are invited to", "appointments"),
            )
            .post_with(call_meeting, of("Call a meeting", "appointment_kept")),
        )
        .api_route(
            "/appointments/{number}",
            put_with(
                change_meeting,
                of("Change a meeting that you have called", "appointment_kept"),
            )
            .delete_with(cancel_meeting, of("Call a meeting off", "appointment_cancelled")),
        )
        .api_route(
            "/bookable-rooms",
            get_with(bookable_rooms, of("Rooms for a meeting", "bookable_rooms")),
        )
        .api_route("/meetings", get_with(meetings, of("Meetings that are on", "meetings")))
        .api_route(
            "/meetings/{number}/end",
            post_with(end_meeting, of("End a meeting", "meeting_ended")),
        )
        .api_route(
            "/meetings/{number}/let-in",
            post_with(let_in, of("Let in who waits in a lobby", "lobby_answered")),
        )
        .api_route(
            "/meetings/{number}/turn-away",
            post_with(turn_away, of("Turn away who waits in a lobby", "lobby_answered")),
        )
}

#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CallMeeting {
    title: DisplayName,
    starts_at: UnixTime,
    ends_at: UnixTime,
    #[serde(default)]
    rooms: Vec<String>,
    #[serde(default)]
    people: Vec<Redacted<String>>,
    #[serde(default)]
    lobby: bool,
    pin: Option<Pin>,
}

async fn call_meeting(asker: Asker, wanted: Body<CallMeeting>) -> Answer {
    let Json(CallMeeting { title, starts_at, ends_at, rooms, people, lobby, pin }) = wanted?;
    let new = NewAppointment { title, starts_at, ends_at, rooms, people, lobby };
    asker.ask(ControlRequest::AppointmentAdd { new, pin }).await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeMeeting {
    title: DisplayName,
    starts_at: UnixTime,
    ends_at: UnixTime,
    #[serde(default)]
    rooms: Vec<String>,
    #[serde(default)]
    people: Vec<Redacted<String>>,
    #[serde(default)]
    lobby: bool,
    revision: Option<u32>,
}

async fn change_meeting(
    asker: Asker,
    Path(meeting): Path<String>,
    wanted: Body<ChangeMeeting>,
) -> Answer {
    let Json(ChangeMeeting { title, starts_at, ends_at, rooms, people, lobby, revision }) = wanted?;
    let to = NewAppointment { title, starts_at, ends_at, rooms, people, lobby };
    let number = number(&meeting)?;
    asker.ask(ControlRequest::AppointmentChange { number, to, revision }).await
}

async fn cancel_meeting(asker: Asker, Path(meeting): Path<String>) -> Answer {
    asker.ask(ControlRequest::AppointmentCancel { number: number(&meeting)? }).await
}

#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Waiting {
    /// Everybody who waits when it is left out.
    #[serde(default)]
    participants: Vec<ParticipantId>,
}

async fn let_in(asker: Asker, Path(vmr): Path<String>, wanted: Body<Waiting>) -> Answer {
    let Json(Waiting { participants: who }) = wanted?;
    asker.ask(ControlRequest::MeetingLetIn { number: number(&vmr)?, who }).await
}

async fn turn_away(asker: Asker, Path(vmr): Path<String>, wanted: Body<Waiting>) -> Answer {
    let Json(Waiting { participants: who }) = wanted?;
    asker.ask(ControlRequest::MeetingTurnAway { number: number(&vmr)?, who }).await
}

//! Virtual meeting rooms.

use super::{Answer, Asker, Body, Wanted, number};
use crate::console::Desk;
use crate::control::{ControlRequest, NewVmr};
use axum::extract::{Path, Query};
use axum::routing::{get, patch, put};
use axum::{Json, Router};
use conclave_types::{DisplayName, Pin, Redacted, VmrNumber};
use serde::Deserialize;

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/vmrs", get(vmrs).post(create_vmr))
        .route("/vmrs/{number}", patch(change_vmr).delete(remove_vmr))
        .route("/vmrs/{number}/pin", put(set_pin).delete(take_pin))
        .route("/vmrs/{number}/moderators", put(set_moderators))
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
    lobby: bool,
    #[serde(default)]
    moderators: Vec<Redacted<String>>,
}

fn usual_capacity() -> u32 {
    25
}

async fn create_vmr(asker: Asker, wanted: Body<CreateVmr>) -> Answer {
    let Json(CreateVmr { number, name, pin, capacity, hidden, once, lobby, moderators }) = wanted?;
    let new = NewVmr { number, name, capacity, hidden, once, lobby, moderators };
    asker.ask(ControlRequest::VmrCreate { new, pin }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeVmr {
    name: Option<DisplayName>,
    capacity: Option<u32>,
    lobby: Option<bool>,
}

async fn change_vmr(asker: Asker, Path(vmr): Path<String>, wanted: Body<ChangeVmr>) -> Answer {
    let Json(ChangeVmr { name, capacity, lobby }) = wanted?;
    asker.ask(ControlRequest::VmrChange { number: number(&vmr)?, name, capacity, lobby }).await
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

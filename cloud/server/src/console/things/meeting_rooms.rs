//! Virtual meeting rooms.

use super::{Answer, Asker, Body, Wanted, number};
use crate::console::Desk;
use crate::console::api::of;
use crate::control::{ControlRequest, NewVmr};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, patch_with, put_with};
use axum::Json;
use axum::extract::{Path, Query};
use conclave_types::{DisplayName, Pin, Redacted, VmrNumber};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn routes() -> ApiRouter<Desk> {
    ApiRouter::new()
        .api_route(
            "/vmrs",
            get_with(vmrs, of("Meeting rooms: a part of the list", "vmrs"))
                .post_with(create_vmr, of("Make a meeting room", "vmr_created")),
        )
        .api_route(
            "/vmrs/{number}",
            patch_with(
                change_vmr,
                of("Give a meeting room another name or capacity", "vmr_changed"),
            )
            .delete_with(
                remove_vmr,
                of("Remove a meeting room; a meeting in it ends", "vmr_removed"),
            ),
        )
        .api_route(
            "/vmrs/{number}/pin",
            put_with(set_pin, of("Give a meeting room a PIN", "vmr_pin_set"))
                .delete_with(take_pin, of("Take the PIN of a meeting room away", "vmr_pin_set")),
        )
        .api_route(
            "/vmrs/{number}/moderators",
            put_with(set_moderators, of("Have others see a hidden meeting room", "vmr_changed")),
        )
}

async fn vmrs(asker: Asker, wanted: Wanted) -> Answer {
    let Query(listed) = wanted?;
    asker.ask(ControlRequest::VmrList { part: listed.part() }).await
}

#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetPin {
    pin: Pin,
}

async fn set_pin(asker: Asker, Path(vmr): Path<String>, wanted: Body<SetPin>) -> Answer {
    let Json(SetPin { pin }) = wanted?;
    asker.ask(ControlRequest::VmrSetPin { number: number(&vmr)?, pin: Some(pin) }).await
}

#[derive(Deserialize, JsonSchema)]
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

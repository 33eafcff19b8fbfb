//! People, and the tokens of their scripts.

use super::{Answer, Asker, Body, Wanted};
use crate::console::Desk;
use crate::control::ControlRequest;
use axum::extract::{Path, Query};
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use conclave_types::{DisplayName, EmailAddress};
use serde::Deserialize;

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/tokens", get(tokens).post(make_token))
        .route("/tokens/{token}", delete(remove_token))
        .route("/people", get(people).post(add_person))
        .route("/people/{person}", patch(change_person).delete(remove_person))
        .route("/people/{person}/invitation", post(invite_person))
        .route("/people/{person}/second-factor", delete(take_second_factor))
        .route("/entry", get(entry))
        .route("/entry/two-factors", put(want_two_factors))
        .route("/entry/domains", post(allow_domain))
        .route("/entry/domains/{domain}", delete(withdraw_domain))
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

async fn entry(asker: Asker) -> Answer {
    asker.ask(ControlRequest::EntryShow).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantTwoFactors {
    of: String,
}

async fn want_two_factors(asker: Asker, wanted: Body<WantTwoFactors>) -> Answer {
    let Json(WantTwoFactors { of }) = wanted?;
    asker.ask(ControlRequest::EntryTwoFactors { of }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowDomain {
    domain: String,
}

async fn allow_domain(asker: Asker, wanted: Body<AllowDomain>) -> Answer {
    let Json(AllowDomain { domain }) = wanted?;
    asker.ask(ControlRequest::EntryAllow { domain }).await
}

async fn withdraw_domain(asker: Asker, Path(domain): Path<String>) -> Answer {
    asker.ask(ControlRequest::EntryWithdraw { domain }).await
}

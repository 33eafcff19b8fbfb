//! People, and the tokens of their scripts.

use super::{Answer, Asker, Body, Wanted};
use crate::console::Desk;
use crate::console::api::of;
use crate::control::ControlRequest;
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, patch_with, post_with, put_with};
use axum::Json;
use axum::extract::{Path, Query};
use conclave_types::{DisplayName, EmailAddress};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn routes() -> ApiRouter<Desk> {
    ApiRouter::new()
        .api_route(
            "/tokens",
            get_with(tokens, of("Your tokens", "api_tokens"))
                .post_with(make_token, of("Make a token for scripts", "api_token_made")),
        )
        .api_route(
            "/tokens/{token}",
            delete_with(remove_token, of("Remove a token", "api_token_removed")),
        )
        .api_route(
            "/people",
            get_with(people, of("People with an account: a part of the list", "people"))
                .post_with(add_person, of("Give somebody an account", "person_invited")),
        )
        .api_route(
            "/people/{person}",
            patch_with(
                change_person,
                of("Rename or suspend somebody, or give another role", "person_changed"),
            )
            .delete_with(remove_person, of("Remove somebody's account", "person_removed")),
        )
        .api_route(
            "/people/{person}/invitation",
            post_with(invite_person, of("Make another link for somebody", "person_invited")),
        )
        .api_route(
            "/people/{person}/second-factor",
            delete_with(
                take_second_factor,
                of("Take somebody's second factor away", "person_changed"),
            ),
        )
        .api_route(
            "/entry",
            get_with(
                entry,
                of(
                    "Of whom a second factor is wanted, and who may make themselves an account",
                    "entry",
                ),
            ),
        )
        .api_route(
            "/entry/two-factors",
            put_with(want_two_factors, of("Say of whom a second factor is wanted", "entry")),
        )
        .api_route(
            "/entry/domains",
            post_with(
                allow_domain,
                of("Let people of a domain make themselves an account", "entry"),
            ),
        )
        .api_route(
            "/entry/domains/{domain}",
            delete_with(withdraw_domain, of("Do so no more", "entry")),
        )
}

async fn tokens(asker: Asker) -> Answer {
    asker.ask(ControlRequest::ApiTokenList).await
}

#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WantTwoFactors {
    of: String,
}

async fn want_two_factors(asker: Asker, wanted: Body<WantTwoFactors>) -> Answer {
    let Json(WantTwoFactors { of }) = wanted?;
    asker.ask(ControlRequest::EntryTwoFactors { of }).await
}

#[derive(Deserialize, JsonSchema)]
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

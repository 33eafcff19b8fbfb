//! What the sign-in page offers, and how somebody whose organisation lets them makes themselves an account.

use super::Desk;
use super::api::{done, gives};
use super::people::{Cookies, MeBody, fresh, judge, signed_in};
use super::reply::Trouble;
use crate::accounts::{AccountAnswer, AccountRequest, Source};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use conclave_directory::{Password, Token, TokenHash};
use conclave_types::{DisplayName, EmailAddress, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> ApiRouter<Desk> {
    let door_is = gives::<Door>("What is offered to whoever is not signed in", 200);
    let ask_is = done("Ask for a letter with which one makes oneself an account");
    let look_is = gives::<Found>("Whom the link in such a letter is for", 200);
    let accept_is = gives::<MeBody>("Make oneself an account, with such a link's token", 201);
    ApiRouter::new()
        .api_route("/door", get_with(door, door_is))
        .api_route("/sign-up", post_with(ask, ask_is))
        .api_route("/sign-up/look", post_with(look, look_is))
        .api_route("/sign-up/accept", post_with(accept, accept_is))
}

#[derive(Serialize, JsonSchema)]
struct Door {
    /// Whether somebody may make themselves an account.
    sign_up: bool,
    /// The name that passkeys belong to: the console's own. There is none where the console is reached by an address.
    passkeys: Option<String>,
}

async fn door(State(desk): State<Desk>) -> Result<Json<Door>, Trouble> {
    let AccountAnswer::Door { sign_up } = desk.account(AccountRequest::Door).await? else {
        return Err(Trouble::Stopping);
    };
    let passkeys = desk.passkeys.as_ref().map(|passkeys| passkeys.name().to_owned());
    Ok(Json(Door { sign_up, passkeys }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {
    email: EmailAddress,
}

async fn ask(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    wanted: Result<Json<Ask>, JsonRejection>,
) -> Result<StatusCode, Trouble> {
    let Json(Ask { email }) = wanted?;
    desk.account(AccountRequest::AskToSignUp { email, source }).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Look {
    token: Secret<String>,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    organisation: DisplayName,
    email: EmailAddress,
}

async fn look(
    State(desk): State<Desk>,
    wanted: Result<Json<Look>, JsonRejection>,
) -> Result<Json<Found>, Trouble> {
    let Json(Look { token }) = wanted?;
    find(&desk, &token).await.map(|(_, found)| Json(found))
}

async fn find(desk: &Desk, token: &Secret<String>) -> Result<(TokenHash, Found), Trouble> {
    let token = Token::from_hex(token.expose()).ok_or(Trouble::LinkIsOver)?.hash();
    match desk.account(AccountRequest::SignUp { token }).await? {
        AccountAnswer::SignUp { organisation, email } => Ok((token, Found { organisation, email })),
        _ => Err(Trouble::LinkIsOver),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Accept {
    token: Secret<String>,
    name: DisplayName,
    #[schemars(with = "String")]
    password: Password,
}

async fn accept(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    wanted: Result<Json<Accept>, JsonRejection>,
) -> Result<Response, Trouble> {
    let Json(Accept { token, name, password }) = wanted?;
    // Before anything is hashed for somebody who has no link.
    let (token, found) = find(&desk, &token).await?;
    judge(&password, &found.email, &name)?;
    let password = desk.hash(password).await?;
    let fresh = fresh(&desk, &cookies, source)?;
    let browser = fresh.browser;
    match desk.account(AccountRequest::AcceptSignUp { token, name, password, browser }).await? {
        AccountAnswer::Person(me) => Ok(signed_in(StatusCode::CREATED, &fresh, *me)),
        _ => Err(Trouble::LinkIsOver),
    }
}

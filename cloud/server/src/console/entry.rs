//! What the sign-in page offers, and how somebody whose organisation lets them makes themselves an account.

use super::Desk;
use super::people::{Cookies, fresh, judge, signed_in};
use super::reply::Trouble;
use crate::accounts::{AccountAnswer, AccountRequest, Source};
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use conclave_directory::{Password, Token, TokenHash};
use conclave_types::{DisplayName, EmailAddress, Secret};
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/door", get(door))
        .route("/sign-up", post(ask))
        .route("/sign-up/look", post(look))
        .route("/sign-up/accept", post(accept))
}

#[derive(Serialize)]
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

#[derive(Deserialize)]
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    token: Secret<String>,
}

#[derive(Serialize)]
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    token: Secret<String>,
    name: DisplayName,
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

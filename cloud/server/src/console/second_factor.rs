//! One's own second factor: set up with an app, confirmed by its first code, taken away again; and what is asked for at the
//! door.

use super::Desk;
use super::api::{done, gives};
use super::people::{Cookies, own_password, who};
use super::reply::Trouble;
use crate::accounts::{AccountAnswer, AccountRequest, Proof, Source};
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::{Extension, Json};
use conclave_directory::{Password, RECOVERY_CODES, RecoveryCode, SecondFactor, SharedSecret};
use conclave_types::{PersonId, Secret, UnixTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// What apps call us.
const ISSUER: &str = "Conclave";

pub(super) fn routes() -> ApiRouter<Desk> {
    let begin_is = gives::<Begun>("Begin with an app that shows codes", 200);
    let confirm_is = gives::<Confirmed>("Confirm it with its first code", 200);
    let remove_is = done("Take one's second factor away");
    ApiRouter::new()
        .api_route("/me/second-factor", post_with(begin, begin_is).delete_with(remove, remove_is))
        .api_route("/me/second-factor/confirm", post_with(confirm, confirm_is))
}

/// What somebody shows besides their password.
pub(super) fn proof(
    desk: &Desk,
    person: PersonId,
    factor: &SecondFactor,
    code: Option<&Secret<String>>,
) -> Result<Proof, Trouble> {
    let code = code.map(|code| code.expose().as_str()).filter(|code| !code.trim().is_empty());
    let code = code.ok_or(Trouble::CodeNeeded)?;
    if code.chars().any(|c| c.is_ascii_alphabetic()) || code.contains('-') {
        return Ok(Proof::Recovery(RecoveryCode::hash(code)));
    }
    let secret = secret_of(desk, person, factor)?;
    secret.step_of(code, now()).map(Proof::Step).ok_or(Trouble::WrongCode)
}

fn secret_of(
    desk: &Desk,
    person: PersonId,
    factor: &SecondFactor,
) -> Result<SharedSecret, Trouble> {
    let opened = desk.vault.unseal(person, &factor.sealed);
    let octets = opened.and_then(|opened| opened.expose().as_slice().try_into().ok());
    octets.map(SharedSecret::from_random).ok_or_else(|| {
        tracing::error!(%person, "a second factor cannot be opened: vault.key is not the one it was sealed with");
        Trouble::WrongCode
    })
}

fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WithPassword {
    #[schemars(with = "String")]
    password: Password,
}

/// What an app is told.
#[derive(Serialize, JsonSchema)]
struct Begun {
    /// As it is typed in.
    secret: Secret<String>,
    /// As a picture brings it (Key URI Format).
    uri: Secret<String>,
}

async fn begin(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    wanted: Result<Json<WithPassword>, JsonRejection>,
) -> Result<Json<Begun>, Trouble> {
    let Json(WithPassword { password }) = wanted?;
    let me = who(&desk, &cookies).await?;
    own_password(&desk, &cookies, source, &me, password).await?;
    let secret = SharedSecret::from_random(desk.random()?);
    let sealed = desk.vault.seal(me.person, secret.octets()).ok_or(Trouble::Stopping)?;
    let factor = SecondFactor { sealed, confirmed: false, last_step: 0 };
    let session = cookies.session()?;
    let recovery = Vec::new();
    match desk.account(AccountRequest::KeepSecondFactor { session, factor, recovery }).await? {
        AccountAnswer::Done => {}
        _ => return Err(Trouble::NotFound),
    }
    let text = secret.base32();
    let account = escaped(me.email.as_str());
    let uri = format!("otpauth://totp/{ISSUER}:{account}?secret={text}&issuer={ISSUER}");
    Ok(Json(Begun { secret: Secret::new(text), uri: Secret::new(uri) }))
}

/// Everything but what needs no escape (RFC 3986, 2.3).
fn escaped(text: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    text.bytes()
        .map(|octet| match plain(octet) {
            true => char::from(octet).to_string(),
            false => format!("%{octet:02X}"),
        })
        .collect()
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Confirm {
    code: Secret<String>,
}

#[derive(Serialize, JsonSchema)]
struct Confirmed {
    /// Each is good once. They are told here and never again.
    recovery: Vec<Secret<String>>,
}

async fn confirm(
    State(desk): State<Desk>,
    cookies: Cookies,
    wanted: Result<Json<Confirm>, JsonRejection>,
) -> Result<Json<Confirmed>, Trouble> {
    let Json(Confirm { code }) = wanted?;
    let session = cookies.session()?;
    let (person, factor) = match desk.account(AccountRequest::SecondFactor { session }).await? {
        AccountAnswer::SecondFactor { person, factor: Some(factor) } if !factor.confirmed => {
            (person, factor)
        }
        AccountAnswer::SecondFactor { .. } => return Err(Trouble::NotFound),
        _ => return Err(Trouble::SignedOut),
    };
    let secret = secret_of(&desk, person, &factor)?;
    let step = secret.step_of(code.expose(), now()).ok_or(Trouble::WrongCode)?;
    let mut codes = Vec::new();
    for _ in 0..RECOVERY_CODES {
        codes.push(RecoveryCode::from_random(u64::from_be_bytes(desk.random()?)));
    }
    let recovery = codes.iter().map(|code| RecoveryCode::hash(code.expose())).collect();
    let factor = SecondFactor { confirmed: true, last_step: step, ..factor };
    match desk.account(AccountRequest::KeepSecondFactor { session, factor, recovery }).await? {
        AccountAnswer::Done => {
            let recovery = codes.iter().map(|code| Secret::new(code.expose().to_owned())).collect();
            Ok(Json(Confirmed { recovery }))
        }
        _ => Err(Trouble::SignedOut),
    }
}

async fn remove(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    wanted: Result<Json<WithPassword>, JsonRejection>,
) -> Result<StatusCode, Trouble> {
    let Json(WithPassword { password }) = wanted?;
    let me = who(&desk, &cookies).await?;
    own_password(&desk, &cookies, source, &me, password).await?;
    let session = cookies.session()?;
    match desk.account(AccountRequest::RemoveSecondFactor { session }).await? {
        AccountAnswer::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(Trouble::SignedOut),
    }
}

//! One's own passkeys: registered, listed, removed; and signing in with one (Web Authentication, W3C).
//!
//! Each goes in two halves: the cloud begins with a challenge, which waits in `pending`; the browser has the device sign it;
//! the second half brings that, and `webauthn-rs` checks it: that it signs this challenge, for this console's name and
//! address, with this key, unlocked by its person, and that it has signed more often than before. Challenges are in memory
//! alone: whoever was in between when the cloud is started again begins again.
//!
//! A passkey belongs to the console's own name. A browser gives none to an address, so there nobody has any.

mod pending;

use super::Desk;
use super::api::{done, gives};
use super::people::{Cookies, MeBody, fresh, own_password, signed_in, who};
use super::reply::Trouble;
use crate::accounts::{AccountAnswer, AccountRequest, Source};
use crate::control::RefusalCode;
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use conclave_directory::sign_in::network;
use conclave_directory::{CredentialId, Passkey, Password, Token, TokenHash};
use conclave_types::{DisplayName, PasskeyId, PersonId, Secret, UnixTime};
use pending::Pending;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, DiscoverableKey, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder,
};

/// What devices call us.
const NAME: &str = "Conclave";

/// The most octets that are kept of a key. Usual ones have some hundred; what a device may add to them is not asked for.
const LONGEST_KEY: usize = 16 * 1024;

/// How long somebody waits when too many have begun, in seconds.
const FULL: u32 = 60;

/// What checks passkeys, and what waits for its second half.
pub(super) struct Passkeys {
    webauthn: Webauthn,
    name: String,
    begun: Mutex<Pending<Begun>>,
}

enum Begun {
    Registering { session: TokenHash, state: Box<PasskeyRegistration> },
    SigningIn(Box<DiscoverableAuthentication>),
}

impl Passkeys {
    /// Of a console that browsers reach here; `None` where that is an address and no name.
    pub(super) fn at(url: &str) -> Option<Passkeys> {
        let url = Url::parse(url).ok()?;
        let name = url.domain()?.to_owned();
        let webauthn = WebauthnBuilder::new(&name, &url).ok()?.rp_name(NAME).build().ok()?;
        Some(Passkeys { webauthn, name, begun: Mutex::default() })
    }

    /// The name that they belong to.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn begin(&self, token: &Token, source: Source, what: Begun) -> Result<(), Trouble> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        match begun.begin(Instant::now(), token.hash(), network(source.0), what) {
            true => Ok(()),
            false => Err(Trouble::Wait { seconds: FULL }),
        }
    }

    fn take(&self, ceremony: &Secret<String>) -> Option<Begun> {
        let token = Token::from_hex(ceremony.expose())?.hash();
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.take(Instant::now(), token)
    }
}

pub(super) fn routes() -> ApiRouter<Desk> {
    let list_is = gives::<Listed>("One's own passkeys", 200);
    let begin_is = gives::<Challenge>("Begin with a new passkey", 200);
    let sign_in_is = gives::<MeBody>("Sign in with a passkey: the answer has the cookie", 200);
    let challenge_is = gives::<Challenge>("Begin to sign in with a passkey", 200);
    ApiRouter::new()
        .api_route(
            "/me/passkeys",
            get_with(list, list_is).post_with(register, done("Keep the new passkey")),
        )
        .api_route("/me/passkeys/begin", post_with(begin_to_register, begin_is))
        .api_route("/me/passkeys/{passkey}", delete_with(remove, done("Remove a passkey")))
        .api_route("/session/passkey", post_with(sign_in, sign_in_is))
        .api_route("/session/passkey/begin", post_with(begin_to_sign_in, challenge_is))
}

fn passkeys_of(desk: &Desk) -> Result<&Passkeys, Trouble> {
    desk.passkeys.as_deref().ok_or_else(|| {
        Trouble::Refused(
            RefusalCode::NoName,
            "passkeys belong to a name, and this console is reached by an address: give it one with 'console.url'".into(),
        )
    })
}

/// What a browser is told: what to hand to its device, and by what the second half is known.
#[derive(Serialize, JsonSchema)]
struct Challenge {
    ceremony: Secret<String>,
    /// As `navigator.credentials` takes it, with octets in base64url (Web Authentication, 5.1.10).
    options: Value,
}

#[derive(Serialize, JsonSchema)]
struct Listed {
    passkeys: Vec<Line>,
}

#[derive(Serialize, JsonSchema)]
struct Line {
    passkey: PasskeyId,
    name: DisplayName,
    created_at: UnixTime,
    used_at: Option<UnixTime>,
}

async fn list(State(desk): State<Desk>, cookies: Cookies) -> Result<Json<Listed>, Trouble> {
    let passkeys = kept(&desk, &cookies).await?.into_iter().map(
        |Passkey { id: passkey, name, created_at, used_at, .. }| Line {
            passkey,
            name,
            created_at,
            used_at,
        },
    );
    Ok(Json(Listed { passkeys: passkeys.collect() }))
}

async fn kept(desk: &Desk, cookies: &Cookies) -> Result<Vec<Passkey>, Trouble> {
    let session = cookies.session()?;
    match desk.account(AccountRequest::Passkeys { session }).await? {
        AccountAnswer::Passkeys(passkeys) => Ok(passkeys),
        _ => refused(desk, cookies).await,
    }
}

/// Why a request of somebody who is signed in, perhaps, is not done.
async fn refused<T>(desk: &Desk, cookies: &Cookies) -> Result<T, Trouble> {
    who(desk, cookies).await?;
    Err(Trouble::SecondFactorWanted)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WithPassword {
    #[schemars(with = "String")]
    password: Password,
}

async fn begin_to_register(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    wanted: Result<Json<WithPassword>, JsonRejection>,
) -> Result<Json<Challenge>, Trouble> {
    let Json(WithPassword { password }) = wanted?;
    let passkeys = passkeys_of(&desk)?;
    let me = who(&desk, &cookies).await?;
    own_password(&desk, &cookies, source, &me, password).await?;
    let known = kept(&desk, &cookies).await?;
    let known = known.iter().map(|each| CredentialID::from(each.credential.octets())).collect();
    let begun = passkeys.webauthn.start_passkey_registration(
        Uuid::from_u128(me.person.bits()),
        me.email.as_str(),
        me.name.as_str(),
        Some(known),
    );
    let (options, state) = begun.map_err(|_| Trouble::Stopping)?;
    let mut options = serde_json::to_value(options).map_err(|_| Trouble::Stopping)?;
    // One that the device finds by itself: whoever signs in with it types no address.
    if let Some(wanted) = options.pointer_mut("/publicKey/authenticatorSelection") {
        wanted["residentKey"] = json!("required");
        wanted["requireResidentKey"] = json!(true);
    }
    let token = desk.token()?;
    let session = cookies.session()?;
    passkeys.begin(&token, source, Begun::Registering { session, state: Box::new(state) })?;
    Ok(Json(Challenge { ceremony: Secret::new(token.expose()), options }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    ceremony: Secret<String>,
    name: DisplayName,
    #[schemars(with = "Value")]
    credential: Box<RegisterPublicKeyCredential>,
}

async fn register(
    State(desk): State<Desk>,
    cookies: Cookies,
    wanted: Result<Json<Register>, JsonRejection>,
) -> Result<StatusCode, Trouble> {
    let Json(Register { ceremony, name, credential }) = wanted?;
    let passkeys = passkeys_of(&desk)?;
    let session = cookies.session()?;
    let state = match passkeys.take(&ceremony) {
        Some(Begun::Registering { session: begun, state }) if begun == session => state,
        _ => return Err(Trouble::LinkIsOver),
    };
    let webauthn = passkeys.webauthn.clone();
    // Off the tasks that talk to browsers: what a device says is read there, of whatever length and shape it is.
    let finished = desk
        .hashing(move || webauthn.finish_passkey_registration(&credential, &state))
        .await?
        .map_err(|error| wrong(&error))?;
    let credential = CredentialId::new(finished.cred_id()).ok_or(Trouble::WrongPasskey)?;
    let public_key = serde_json::to_string(&finished).map_err(|_| Trouble::Stopping)?;
    if public_key.len() > LONGEST_KEY {
        return Err(Trouble::WrongPasskey);
    }
    let request = AccountRequest::AddPasskey { session, credential, name, public_key };
    match desk.account(request).await? {
        AccountAnswer::Done => Ok(StatusCode::NO_CONTENT),
        _ => refused(&desk, &cookies).await,
    }
}

/// What was wrong, for us: it tells whoever shows a passkey nothing.
fn wrong(error: &webauthn_rs::prelude::WebauthnError) -> Trouble {
    tracing::info!(%error, "a passkey is not taken");
    Trouble::WrongPasskey
}

async fn remove(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    Path(passkey): Path<String>,
    wanted: Result<Json<WithPassword>, JsonRejection>,
) -> Result<StatusCode, Trouble> {
    let Json(WithPassword { password }) = wanted?;
    let me = who(&desk, &cookies).await?;
    own_password(&desk, &cookies, source, &me, password).await?;
    let passkey = passkey.parse().map_err(|_| Trouble::NotFound)?;
    let session = cookies.session()?;
    match desk.account(AccountRequest::RemovePasskey { session, passkey }).await? {
        AccountAnswer::Done => Ok(StatusCode::NO_CONTENT),
        _ => refused(&desk, &cookies).await,
    }
}

async fn begin_to_sign_in(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
) -> Result<Json<Challenge>, Trouble> {
    let passkeys = passkeys_of(&desk)?;
    let begun = passkeys.webauthn.start_discoverable_authentication();
    let (options, state) = begun.map_err(|_| Trouble::Stopping)?;
    let options = serde_json::to_value(options).map_err(|_| Trouble::Stopping)?;
    let token = desk.token()?;
    passkeys.begin(&token, source, Begun::SigningIn(Box::new(state)))?;
    Ok(Json(Challenge { ceremony: Secret::new(token.expose()), options }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    ceremony: Secret<String>,
    #[schemars(with = "Value")]
    credential: Box<PublicKeyCredential>,
}

async fn sign_in(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    wanted: Result<Json<SignIn>, JsonRejection>,
) -> Result<Response, Trouble> {
    let Json(SignIn { ceremony, credential: shown }) = wanted?;
    let passkeys = passkeys_of(&desk)?;
    let Some(Begun::SigningIn(state)) = passkeys.take(&ceremony) else {
        return Err(Trouble::LinkIsOver);
    };
    let (handle, name) = passkeys
        .webauthn
        .identify_discoverable_authentication(&shown)
        .map_err(|error| wrong(&error))?;
    let person = PersonId::from_random(handle.as_u128());
    let credential = CredentialId::new(name).ok_or(Trouble::WrongPasskey)?;
    let device = cookies.device();
    let request =
        AccountRequest::BeginPasskey { credential: credential.clone(), person, source, device };
    let AccountAnswer::Passkey(kept) = desk.account(request).await? else {
        return Err(Trouble::WrongPasskey);
    };
    let before = kept.public_key;
    let Some(after) = checked(&desk, passkeys, &before, shown, *state).await? else {
        desk.account(AccountRequest::FailedPasskey { credential, source }).await?;
        return Err(Trouble::WrongPasskey);
    };
    let fresh = fresh(&desk, &cookies, source)?;
    let (known, browser) = (device, fresh.browser);
    let request = AccountRequest::SignInWithPasskey { credential, before, after, known, browser };
    match desk.account(request).await? {
        AccountAnswer::Person(me) => Ok(signed_in(StatusCode::OK, &fresh, *me)),
        _ => Err(Trouble::WrongPasskey),
    }
}

/// The key as it is from now on; `None` when what it signed is wrong.
async fn checked(
    desk: &Desk,
    passkeys: &Passkeys,
    kept: &str,
    shown: Box<PublicKeyCredential>,
    state: DiscoverableAuthentication,
) -> Result<Option<String>, Trouble> {
    let key: webauthn_rs::prelude::Passkey = serde_json::from_str(kept).map_err(|error| {
        tracing::error!(%error, "a passkey cannot be read");
        Trouble::WrongPasskey
    })?;
    let webauthn = passkeys.webauthn.clone();
    desk.hashing(move || {
        let keys = [DiscoverableKey::from(&key)];
        match webauthn.finish_discoverable_authentication(&shown, state, &keys) {
            Ok(result) => {
                let mut key = key;
                key.update_credential(&result);
                serde_json::to_string(&key).ok()
            }
            Err(error) => {
                wrong(&error);
                None
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_belong_to_the_console_s_name_and_an_address_has_none() {
        for (url, name) in [
            ("https://conclave.example.org", Some("conclave.example.org")),
            ("https://localhost:8443", Some("localhost")),
            ("https://192.0.2.1:8443", None),
            ("https://[2001:db8::1]:8443", None),
            ("", None),
        ] {
            let passkeys = Passkeys::at(url);
            assert_eq!(passkeys.as_ref().map(Passkeys::name), name, "{url}");
        }
    }
}

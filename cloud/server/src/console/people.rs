//! Signing in and out, the first administrator, invitations, one's own account.

use super::api::{done, gives};
use super::reply::Trouble;
use super::{Desk, PasswordHash, second_factor};
use crate::accounts::{AccountAnswer, AccountRequest, Browser, Candidate, First, Me, Source};
use crate::switchboard::Credential;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use aide::transform::TransformOperation;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use conclave_directory::{Password, Token, TokenHash};
use conclave_types::{DisplayName, EmailAddress, OrganisationId, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cookie of a session. `__Host-`: from this host alone, over TLS alone (RFC 6265bis, 4.1.3.2).
const SESSION: &str = "__Host-session";

/// The cookie by which a browser is known again, so that strangers cannot make it wait.
const DEVICE: &str = "__Host-device";

/// For how long, in seconds: a year.
const DEVICE_LIFETIME: u32 = 31_536_000;

/// The tokens that a browser sent.
#[derive(Debug, Clone)]
pub(super) struct Cookies {
    session: Option<Token>,
    device: Option<Token>,
    /// What stands in `Authorization`, if that is there; nothing in it when it is no token.
    bearer: Option<Option<Token>>,
}

impl Cookies {
    /// How whoever asks shows who they are: by a token (RFC 6750, 2.1), or else by a session.
    pub(super) fn credential(&self) -> Result<Credential, Trouble> {
        match &self.bearer {
            Some(token) => {
                let token = token.as_ref().ok_or(Trouble::SignedOut)?;
                Ok(Credential::ApiToken(token.hash()))
            }
            None => self.session().map(Credential::Session),
        }
    }

    /// What the browser is known by.
    pub(super) fn device(&self) -> Option<TokenHash> {
        self.device.as_ref().map(Token::hash)
    }

    /// The session, when there is one. What comes with a token has none.
    pub(super) fn session(&self) -> Result<TokenHash, Trouble> {
        let session = self.session.as_ref().filter(|_| self.bearer.is_none());
        session.map(Token::hash).ok_or(Trouble::SignedOut)
    }
}

impl aide::OperationInput for Cookies {}

impl<S: Sync> FromRequestParts<S> for Cookies {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Cookies, Self::Rejection> {
        let sent = parts.headers.get_all(header::COOKIE);
        let pairs = sent.iter().filter_map(|value| value.to_str().ok());
        let pairs = pairs.flat_map(|value| value.split(';'));
        let bearer = parts.headers.get(header::AUTHORIZATION).map(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            if scheme.eq_ignore_ascii_case("bearer") { Token::from_hex(token.trim()) } else { None }
        });
        let mut cookies = Cookies { session: None, device: None, bearer };
        for (name, value) in pairs.filter_map(|pair| pair.trim().split_once('=')) {
            match name {
                SESSION => cookies.session = Token::from_hex(value),
                DEVICE => cookies.device = Token::from_hex(value),
                _ => {}
            }
        }
        Ok(cookies)
    }
}

pub(super) fn routes() -> ApiRouter<Desk> {
    let set_up_is =
        gives::<MeBody>("Make the first administrator, with the set-up link's token", 201);
    let sign_in_is = gives::<MeBody>("Sign in: the answer has the session's cookie", 200);
    let me_is = gives::<MeBody>("Whose session it is", 200);
    let look_is = gives::<MeBody>("Whom an invitation is for", 200);
    ApiRouter::new()
        .api_route("/setup", post_with(set_up, set_up_is))
        .api_route(
            "/session",
            post_with(sign_in, sign_in_is).delete_with(sign_out, done("Sign out")),
        )
        .api_route("/me", get_with(me, me_is))
        .api_route("/me/password", post_with(change_password, done("Change one's password")))
        .api_route(
            "/me/sign-out-elsewhere",
            post_with(sign_out_elsewhere, done("End all of one's other sessions")),
        )
        .api_route("/invitation", post_with(accept_invitation, accept_is))
        .api_route("/invitation/look", post_with(look_at_invitation, look_is))
}

fn accept_is(operation: TransformOperation<'_>) -> TransformOperation<'_> {
    // Whoever has a second factor has set the password, and signs in next.
    let operation = done("")(operation);
    gives::<MeBody>("Set one's password, with an invitation's token", 200)(operation)
}

#[derive(Serialize, JsonSchema)]
pub(super) struct MeBody {
    person: String,
    name: DisplayName,
    email: EmailAddress,
    role: &'static str,
    organisation: OrganisationBody,
    second_factor: bool,
    passkeys: u32,
    two_factors_wanted: bool,
    /// What has to be done before anything else: `set_up` a second factor, or `sign_in_again` with the one that is there.
    first: Option<&'static str>,
}

#[derive(Serialize, JsonSchema)]
struct OrganisationBody {
    organisation: OrganisationId,
    name: DisplayName,
}

fn body(me: Me) -> Json<MeBody> {
    Json(MeBody {
        person: me.person.to_string(),
        name: me.name,
        email: me.email,
        role: me.role.as_str(),
        organisation: OrganisationBody {
            organisation: me.organisation,
            name: me.organisation_name,
        },
        second_factor: me.second_factor,
        passkeys: me.passkeys,
        two_factors_wanted: me.two_factors_wanted,
        first: me.first.map(|first| match first {
            First::SetUp => "set_up",
            First::SignInAgain => "sign_in_again",
        }),
    })
}

/// Tokens for a browser that is to be signed in: a new session, and what it is known by already or from now on.
pub(super) struct Fresh {
    session: Token,
    device: Token,
    pub(super) browser: Browser,
}

pub(super) fn fresh(desk: &Desk, cookies: &Cookies, source: Source) -> Result<Fresh, Trouble> {
    let session = desk.token()?;
    let device = match &cookies.device {
        Some(device) => device.clone(),
        None => desk.token()?,
    };
    let browser = Browser { session: session.hash(), device: device.hash(), source };
    Ok(Fresh { session, device, browser })
}

/// Somebody is signed in: who, with the cookies.
pub(super) fn signed_in(status: StatusCode, fresh: &Fresh, me: Me) -> Response {
    let mut response = (status, body(me)).into_response();
    let session = cookie(SESSION, &fresh.session.expose(), None);
    let device = cookie(DEVICE, &fresh.device.expose(), Some(DEVICE_LIFETIME));
    for value in [session, device].into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

fn cookie(name: &str, value: &str, lifetime: Option<u32>) -> Option<HeaderValue> {
    let lifetime = lifetime.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{lifetime}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetUp {
    token: Secret<String>,
    organisation: DisplayName,
    name: DisplayName,
    email: EmailAddress,
    #[schemars(with = "String")]
    password: Password,
}

async fn set_up(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    wanted: Result<Json<SetUp>, JsonRejection>,
) -> Result<Response, Trouble> {
    let Json(SetUp { token, organisation, name, email, password }) = wanted?;
    let token = Token::from_hex(token.expose()).ok_or(Trouble::LinkIsOver)?.hash();
    // Before anything is hashed for somebody who has no link.
    let AccountAnswer::Done = desk.account(AccountRequest::MaySetUp { token }).await? else {
        return Err(Trouble::LinkIsOver);
    };
    judge(&password, &email, &name)?;
    let password = desk.hash(password).await?;
    let fresh = fresh(&desk, &cookies, source)?;
    let browser = fresh.browser;
    let request = AccountRequest::SetUp { token, organisation, name, email, password, browser };
    match desk.account(request).await? {
        AccountAnswer::Person(me) => Ok(signed_in(StatusCode::CREATED, &fresh, *me)),
        _ => Err(Trouble::LinkIsOver),
    }
}

pub(super) fn judge(
    password: &Password,
    email: &EmailAddress,
    name: &DisplayName,
) -> Result<(), Trouble> {
    password.judge(email, name.as_str()).map_err(Trouble::WeakPassword)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: EmailAddress,
    #[schemars(with = "String")]
    password: Password,
    /// Where the address belongs to several: which one is meant.
    organisation: Option<OrganisationId>,
    /// The code of their app, or a recovery code, where they have a second factor.
    code: Option<Secret<String>>,
}

async fn sign_in(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    wanted: Result<Json<SignIn>, JsonRejection>,
) -> Result<Response, Trouble> {
    let Json(SignIn { email, password, organisation, code }) = wanted?;
    let known = cookies.device();
    let matched = try_password(&desk, &email, source, known, password).await?;
    let matched = match organisation {
        Some(wanted) => matched.into_iter().find(|each| each.organisation == wanted),
        None => matched.into_iter().next(),
    };
    let Some(candidate) = matched else {
        desk.account(AccountRequest::FailedSignIn { email, source }).await?;
        return Err(Trouble::WrongPassword);
    };
    if candidate.passkey_wanted {
        return Err(Trouble::PasskeyWanted);
    }
    let Candidate { person, organisation, password, second_factor, .. } = candidate;
    let proof = match &second_factor {
        None => None,
        Some(factor) => match second_factor::proof(&desk, person, factor, code.as_ref()) {
            Err(Trouble::WrongCode) => return wrong_code(&desk, email, source).await,
            proof => Some(proof?),
        },
    };
    let fresh = fresh(&desk, &cookies, source)?;
    let browser = fresh.browser;
    let request = AccountRequest::SignIn { person, organisation, password, known, proof, browser };
    match desk.account(request).await? {
        AccountAnswer::Person(me) => Ok(signed_in(StatusCode::OK, &fresh, *me)),
        _ if proof.is_some() => wrong_code(&desk, email, source).await,
        _ => Err(Trouble::WrongPassword),
    }
}

/// The password was right and the code was not: that somebody tried stands in the audit log, too.
async fn wrong_code(desk: &Desk, email: EmailAddress, source: Source) -> Result<Response, Trouble> {
    desk.account(AccountRequest::FailedSignIn { email, source }).await?;
    Err(Trouble::WrongCode)
}

/// The accounts with this address whose password it is. Takes as long where there is none.
async fn try_password(
    desk: &Desk,
    email: &EmailAddress,
    source: Source,
    device: Option<TokenHash>,
    password: Password,
) -> Result<Vec<Candidate>, Trouble> {
    let request = AccountRequest::BeginSignIn { email: email.clone(), source, device };
    let AccountAnswer::Try { candidates } = desk.account(request).await? else {
        return Err(Trouble::WrongPassword);
    };
    let salt = desk.random()?;
    desk.hashing(move || {
        if candidates.is_empty() {
            let _ = PasswordHash::new(&password, &salt);
        }
        candidates.into_iter().filter(|each| each.password.matches(&password)).collect()
    })
    .await
}

async fn sign_out(State(desk): State<Desk>, cookies: Cookies) -> Result<Response, Trouble> {
    let session = cookies.session()?;
    desk.account(AccountRequest::SignOut { session }).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(gone) = cookie(SESSION, "", Some(0)) {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    Ok(response)
}

async fn sign_out_elsewhere(
    State(desk): State<Desk>,
    cookies: Cookies,
) -> Result<StatusCode, Trouble> {
    let session = cookies.session()?;
    match desk.account(AccountRequest::SignOutElsewhere { session }).await? {
        AccountAnswer::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(Trouble::SignedOut),
    }
}

async fn me(State(desk): State<Desk>, cookies: Cookies) -> Result<Json<MeBody>, Trouble> {
    who(&desk, &cookies).await.map(body)
}

pub(super) async fn who(desk: &Desk, cookies: &Cookies) -> Result<Me, Trouble> {
    let session = cookies.session()?;
    match desk.account(AccountRequest::Who { session }).await? {
        AccountAnswer::Person(me) => Ok(*me),
        _ => Err(Trouble::SignedOut),
    }
}

/// The same, for what comes after everything that has to come first.
pub(super) async fn who_is_in(desk: &Desk, cookies: &Cookies) -> Result<Me, Trouble> {
    let me = who(desk, cookies).await?;
    if me.first.is_none() { Ok(me) } else { Err(Trouble::SecondFactorWanted) }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    #[schemars(with = "String")]
    old: Password,
    #[schemars(with = "String")]
    new: Password,
}

async fn change_password(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    wanted: Result<Json<ChangePassword>, JsonRejection>,
) -> Result<StatusCode, Trouble> {
    let Json(ChangePassword { old, new }) = wanted?;
    let me = who_is_in(&desk, &cookies).await?;
    judge(&new, &me.email, &me.name)?;
    let old = own_password(&desk, &cookies, source, &me, old).await?;
    let (session, new) = (cookies.session()?, desk.hash(new).await?);
    match desk.account(AccountRequest::ChangePassword { session, old, new }).await? {
        AccountAnswer::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(Trouble::SignedOut),
    }
}

/// Somebody who is signed in shows that they know their password. The same counting as at the door: an open browser is no
/// place to guess from.
pub(super) async fn own_password(
    desk: &Desk,
    cookies: &Cookies,
    source: Source,
    me: &Me,
    password: Password,
) -> Result<PasswordHash, Trouble> {
    let known = cookies.device();
    let matched = try_password(desk, &me.email, source, known, password).await?;
    let matched = matched.into_iter().find(|each| each.person == me.person);
    let password = matched.map(|each| each.password).ok_or(Trouble::WrongPassword)?;
    let email = me.email.clone();
    desk.account(AccountRequest::KnowsPassword { email, source, device: known }).await?;
    Ok(password)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Look {
    token: Secret<String>,
}

async fn look_at_invitation(
    State(desk): State<Desk>,
    wanted: Result<Json<Look>, JsonRejection>,
) -> Result<Json<MeBody>, Trouble> {
    let Json(Look { token }) = wanted?;
    invited(&desk, &token).await.map(|(_, me)| body(me))
}

async fn invited(desk: &Desk, token: &Secret<String>) -> Result<(TokenHash, Me), Trouble> {
    let token = Token::from_hex(token.expose()).ok_or(Trouble::LinkIsOver)?.hash();
    match desk.account(AccountRequest::Invited { token }).await? {
        AccountAnswer::Person(me) => Ok((token, *me)),
        _ => Err(Trouble::LinkIsOver),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Accept {
    token: Secret<String>,
    #[schemars(with = "String")]
    password: Password,
}

async fn accept_invitation(
    State(desk): State<Desk>,
    Extension(source): Extension<Source>,
    cookies: Cookies,
    wanted: Result<Json<Accept>, JsonRejection>,
) -> Result<Response, Trouble> {
    let Json(Accept { token, password }) = wanted?;
    let (token, me) = invited(&desk, &token).await?;
    judge(&password, &me.email, &me.name)?;
    let password = desk.hash(password).await?;
    let fresh = fresh(&desk, &cookies, source)?;
    let browser = fresh.browser;
    match desk.account(AccountRequest::AcceptInvitation { token, password, browser }).await? {
        AccountAnswer::Person(me) => Ok(signed_in(StatusCode::OK, &fresh, *me)),
        // The password is set; who has a second factor signs in with it.
        AccountAnswer::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        _ => Err(Trouble::LinkIsOver),
    }
}

//! What goes wrong, as it is answered: a status, a word for programs, a sentence for people.

use crate::control::{ControlAnswer, RefusalCode};
use crate::device_list;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use conclave_directory::PasswordError;
use schemars::JsonSchema;
use serde::Serialize;

/// Why a request is not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The body is none of this request.
    NotUnderstood(String),
    /// The password is none to be safe with, and why.
    WeakPassword(PasswordError),
    /// A list is longer than one may be.
    ListTooLong,
    /// Another site may be behind it.
    CrossSite,
    /// Nobody is signed in.
    SignedOut,
    /// Address and password do not belong together.
    WrongPassword,
    /// The password is right, and a code of an app is wanted besides.
    CodeNeeded,
    /// The code is none, or was used.
    WrongCode,
    /// The password is right, and their passkey is wanted instead.
    PasskeyWanted,
    /// The passkey is none of this cloud's, or what it signed is wrong.
    WrongPasskey,
    /// Whoever asks has to show a second factor first.
    SecondFactorWanted,
    /// Whoever asks may not.
    NotAllowed,
    /// It is not there, or not theirs.
    NotFound,
    /// The link was used, is too old, or never was one.
    LinkIsOver,
    /// The switchboard does not do it, and says why.
    Refused(RefusalCode, String),
    /// The request with this key is being done.
    BeingDone,
    /// The key was that of another request.
    KeyOfAnother,
    /// Too many tries.
    Wait { seconds: u32 },
    /// It took too long.
    TooSlow,
    /// The cloud stops.
    Stopping,
}

/// What went wrong.
#[derive(Serialize, JsonSchema)]
pub(super) struct Problem {
    /// One word for it.
    error: &'static str,
    /// Of what is refused: why, for programs that have words of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<RefusalCode>,
    /// For people: what is wrong, and what to do.
    message: String,
    /// Until when to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u32>,
}

impl Trouble {
    fn parts(self) -> (StatusCode, &'static str, String) {
        match self {
            Trouble::NotUnderstood(why) => (StatusCode::BAD_REQUEST, "not_understood", why),
            Trouble::WeakPassword(why) => {
                (StatusCode::BAD_REQUEST, "weak_password", why.to_string())
            }
            Trouble::ListTooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "list_too_long",
                format!(
                    "a list has at most {} lines and {} MiB: divide it into several",
                    device_list::MOST_LINES,
                    device_list::LONGEST >> 20
                ),
            ),
            Trouble::CrossSite => (
                StatusCode::FORBIDDEN,
                "cross_site",
                "what changes something has the header X-Conclave: 1".into(),
            ),
            Trouble::SignedOut => (StatusCode::UNAUTHORIZED, "signed_out", "sign in first".into()),
            Trouble::WrongPassword => (
                StatusCode::UNAUTHORIZED,
                "wrong_password",
                "address and password do not belong together".into(),
            ),
            Trouble::CodeNeeded => (
                StatusCode::UNAUTHORIZED,
                "code_needed",
                "the code that your app shows is wanted too, or a recovery code".into(),
            ),
            Trouble::WrongCode => (
                StatusCode::UNAUTHORIZED,
                "wrong_code",
                "this is not the code that your app shows now, or it was used: wait for the next one"
                    .into(),
            ),
            Trouble::PasskeyWanted => (
                StatusCode::UNAUTHORIZED,
                "passkey_wanted",
                "your organisation wants a second factor of you: sign in with your passkey".into(),
            ),
            Trouble::WrongPasskey => (
                StatusCode::UNAUTHORIZED,
                "wrong_passkey",
                "this passkey does not open an account here: try another one, or your password"
                    .into(),
            ),
            Trouble::SecondFactorWanted => (
                StatusCode::FORBIDDEN,
                "second_factor_wanted",
                "your organisation wants a second factor of you: open the console, and set one up or sign in with yours"
                    .into(),
            ),
            Trouble::NotAllowed => (
                StatusCode::FORBIDDEN,
                "not_allowed",
                "ask an administrator of your organisation: your role does not allow this".into(),
            ),
            Trouble::NotFound => {
                (StatusCode::NOT_FOUND, "not_found", "there is no such page".into())
            }
            Trouble::LinkIsOver => (
                StatusCode::GONE,
                "link_is_over",
                "this link was used, or is too old: ask for another one".into(),
            ),
            Trouble::Refused(_, reason) => (StatusCode::CONFLICT, "refused", reason),
            Trouble::BeingDone => (
                StatusCode::CONFLICT,
                "being_done",
                "the request with this Idempotency-Key is still being done: ask again in a moment".into(),
            ),
            Trouble::KeyOfAnother => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "key_of_another",
                "this Idempotency-Key came with another request: use a new one for each".into(),
            ),
            Trouble::Wait { seconds } => (
                StatusCode::TOO_MANY_REQUESTS,
                "wait",
                format!("too many tries: try again in {seconds} seconds"),
            ),
            Trouble::TooSlow => {
                (StatusCode::REQUEST_TIMEOUT, "too_slow", "this took too long: try again".into())
            }
            Trouble::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                "the cloud is being started again: try again in a moment".into(),
            ),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let seconds = match self {
            Trouble::Wait { seconds } => Some(seconds),
            _ => None,
        };
        let code = match self {
            Trouble::Refused(code, _) if code != RefusalCode::Other => Some(code),
            _ => None,
        };
        let (status, error, message) = self.parts();
        let mut response =
            (status, Json(Problem { error, code, message, seconds })).into_response();
        if let Some(seconds) = seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Trouble> for Response {
    fn from(trouble: Trouble) -> Response {
        trouble.into_response()
    }
}

impl From<axum::extract::rejection::JsonRejection> for Trouble {
    fn from(rejection: axum::extract::rejection::JsonRejection) -> Trouble {
        let text = rejection.body_text();
        // What serde says, without what it calls the place: people read it beside a form.
        let text = text.rsplit_once("target type: ").map_or(text.as_str(), |(_, words)| words);
        let text = text.rsplit_once(" at line ").map_or(text, |(words, _)| words);
        Trouble::NotUnderstood(text.to_owned())
    }
}

impl From<axum::extract::rejection::QueryRejection> for Trouble {
    fn from(rejection: axum::extract::rejection::QueryRejection) -> Trouble {
        Trouble::NotUnderstood(rejection.body_text())
    }
}

/// An answer of the switchboard, as the command line prints it with `--json`.
pub(super) struct Told(pub(super) ControlAnswer);

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        Json(self.0).into_response()
    }
}

impl aide::OperationOutput for Told {
    type Inner = ControlAnswer;
}

/// An answer of the switchboard, or what went wrong.
pub(super) fn answered(answer: ControlAnswer) -> Result<Told, Trouble> {
    match answer {
        ControlAnswer::SignedOut => Err(Trouble::SignedOut),
        ControlAnswer::NotAllowed => Err(Trouble::NotAllowed),
        ControlAnswer::SecondFactorWanted => Err(Trouble::SecondFactorWanted),
        ControlAnswer::Refused { code, reason } => Err(Trouble::Refused(code, reason)),
        answer => Ok(Told(answer)),
    }
}

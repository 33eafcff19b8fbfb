//! Has a request with an `Idempotency-Key` be done once: what [`super::idempotency`] says, done.

use super::idempotency::{Answers, Asked, First, Kept, LONGEST_ANSWER, is_key};
use super::people::Cookies;
use super::reply::Trouble;
use super::{Desk, LONGEST_BODY};
use crate::switchboard::Credential;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use conclave_directory::TokenHash;
use conclave_types::Secret;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The header.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub(super) async fn once(
    State(desk): State<Desk>,
    cookies: Cookies,
    request: Request,
    next: Next,
) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(key) = request.headers().get(KEY).filter(|_| changes).cloned() else {
        return next.run(request).await;
    };
    let who = match cookies.credential() {
        Ok(Credential::Session(token) | Credential::ApiToken(token)) => token,
        // Whoever shows nothing is told so by what they ask for.
        Err(_) => return next.run(request).await,
    };
    let Some(key) = key.to_str().ok().filter(|key| is_key(key)) else {
        let why = "an Idempotency-Key has 1 to 128 visible characters, all of ASCII";
        return Trouble::NotUnderstood(why.to_owned()).into();
    };
    keyed(&desk, who, key, request, next).await
}

async fn keyed(desk: &Desk, who: TokenHash, key: &str, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return Trouble::NotUnderstood("the body is too long, or did not arrive".to_owned()).into();
    };
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let asked = Asked::of(parts.method.as_str(), path, &body);
    match locked(&desk.answers).begin(Instant::now(), who, key, asked) {
        First::Yes => {}
        First::Was(kept) => return again(kept),
        First::BeingDone => return Trouble::BeingDone.into(),
        First::Another => return Trouble::KeyOfAnother.into(),
    }
    // To its end, even when the connection breaks meanwhile: that is when it is sent again.
    let given_up = GivenUp { desk: desk.clone(), who, key: key.to_owned(), kept: false };
    let doing = tokio::spawn(do_it(given_up, Request::from_parts(parts, Body::from(body)), next));
    doing.await.unwrap_or_else(|_| Trouble::Stopping.into())
}

async fn do_it(given_up: GivenUp, request: Request, next: Next) -> Response {
    let (parts, body) = next.run(request).await.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_ANSWER).await else {
        return Trouble::Stopping.into();
    };
    if !passes(parts.status) {
        given_up.keep(kept(parts.status, &parts.headers, &body));
    }
    Response::from_parts(parts, Body::from(body))
}

/// Whether the same request may be answered otherwise in a while.
fn passes(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    ) || status.is_server_error()
}

fn kept(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Kept {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
    Kept { status: status.as_u16(), media_type, body: Secret::new(body.to_vec()) }
}

fn again(kept: Kept) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut response = (status, kept.body.expose().clone()).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Some(kind) = kept.media_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn locked(answers: &Mutex<Answers>) -> MutexGuard<'_, Answers> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whatever becomes of a request: unless its answer is kept, it may be sent again.
struct GivenUp {
    desk: Desk,
    who: TokenHash,
    key: String,
    kept: bool,
}

impl GivenUp {
    fn keep(mut self, answer: Kept) {
        locked(&self.desk.answers).keep(self.who, &self.key, answer);
        self.kept = true;
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        if !self.kept {
            locked(&self.desk.answers).forget(self.who, &self.key);
        }
    }
}

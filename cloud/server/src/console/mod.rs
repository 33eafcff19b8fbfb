//! The console: HTTPS for browsers, and for scripts that sign in like them.
//!
//! Nothing is decided here. `door` takes connections and their TLS, `people` signs people in
//! and out, `things` puts a request into the words of the command line; the switchboard answers, and it alone
//! knows who may do what. `api` describes all of it. `once` has what is sent again be done once. `second_factor` asks for the
//! code of an app, `passkeys` for what a device signs, `entry` lets people make themselves an account. `live` says what
//! changed, `pages` shows the pages.
//!
//! - Whoever is signed in has a session's token in a cookie that no script reads and no other site sends
//!   (`__Host-`, `HttpOnly`, `Secure`, `SameSite=Strict`). What changes something wants the header `X-Conclave: 1`
//!   besides, which a form of another site cannot send.
//! - A script has a token in the header `Authorization`, which no browser sends by itself: nothing else is looked at then.
//! - Bodies have at most 64 KiB, requests 30 s; passwords are hashed four at a time.

mod api;
pub mod certificate;
mod csv;
mod door;
mod entry;
mod idempotency;
mod live;
mod once;
mod pages;
mod passkeys;
mod people;
mod reply;
mod second_factor;
mod things;
pub(crate) mod vault;

pub use door::{Entrance, serve};
pub use live::Changed;
pub(crate) use vault::Vault;

use crate::accounts::{AccountAnswer, AccountRequest, Source};
use crate::control::{ControlAnswer, ControlRequest};
use crate::data_folder::DataFolder;
use crate::switchboard::Credential;
use aide::axum::ApiRouter;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use conclave_directory::{Password, PasswordHash, Token};
use idempotency::Answers;
use passkeys::Passkeys;
use reply::Trouble;
use ring::rand::{SecureRandom, SystemRandom};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

/// The most octets of a request's body. Names and numbers; a hundredth of it is usual.
const LONGEST_BODY: usize = 64 * 1024;

/// How long a request may take, the reading of its body included.
const PATIENCE: Duration = Duration::from_secs(30);

/// Passwords that are hashed at once: each takes 19 MiB and tens of milliseconds.
const MOST_HASHING: usize = 4;

/// What the console asks the task that owns the switchboard.
#[derive(Debug)]
pub enum Ask {
    /// For somebody who is signed in, or whose script has a token.
    Console {
        /// How they show who they are.
        by: Credential,
        /// From where.
        source: Source,
        /// What.
        request: ControlRequest,
        /// Where the answer goes.
        reply: oneshot::Sender<ControlAnswer>,
    },
    /// About accounts.
    Account {
        /// What.
        request: AccountRequest,
        /// Where the answer goes.
        reply: oneshot::Sender<AccountAnswer>,
    },
}

/// The way from a browser's request to the switchboard.
#[derive(Clone)]
pub struct Desk {
    asks: mpsc::Sender<Ask>,
    changes: broadcast::Sender<Changed>,
    hashing: Arc<Semaphore>,
    random: SystemRandom,
    vault: Arc<Vault>,
    answers: Arc<Mutex<Answers>>,
    /// None where the console has no name that they could belong to.
    passkeys: Option<Arc<Passkeys>>,
}

impl Desk {
    /// The desk, and what is asked at it.
    ///
    /// # Errors
    /// The key of the vault cannot be read or made.
    pub fn new(folder: &DataFolder) -> io::Result<(Desk, mpsc::Receiver<Ask>)> {
        let vault = Arc::new(Vault::open(folder)?);
        let (asks, asked) = mpsc::channel(64);
        let hashing = Arc::new(Semaphore::new(MOST_HASHING));
        let changes = broadcast::Sender::new(live::KEPT);
        let random = SystemRandom::new();
        let answers = Arc::default();
        Ok((Desk { asks, changes, hashing, random, vault, answers, passkeys: None }, asked))
    }

    /// The same, where browsers reach it at this address, such as `https://conclave.example.org:8443`.
    #[must_use]
    pub fn reached_at(self, url: &str) -> Desk {
        Desk { passkeys: Passkeys::at(url).map(Arc::new), ..self }
    }

    /// What opens secrets.
    pub(crate) fn vault(&self) -> Arc<Vault> {
        self.vault.clone()
    }

    /// Where changes are told, for whoever shows them.
    pub fn changes(&self) -> broadcast::Sender<Changed> {
        self.changes.clone()
    }

    async fn control(
        &self,
        by: Credential,
        source: Source,
        request: ControlRequest,
    ) -> Result<ControlAnswer, Trouble> {
        let (reply, replied) = oneshot::channel();
        let ask = Ask::Console { by, source, request, reply };
        self.asks.send(ask).await.map_err(|_| Trouble::Stopping)?;
        replied.await.map_err(|_| Trouble::Stopping)
    }

    async fn account(&self, request: AccountRequest) -> Result<AccountAnswer, Trouble> {
        let (reply, replied) = oneshot::channel();
        let ask = Ask::Account { request, reply };
        self.asks.send(ask).await.map_err(|_| Trouble::Stopping)?;
        match replied.await.map_err(|_| Trouble::Stopping)? {
            AccountAnswer::Refused { code, reason } => Err(Trouble::Refused(code, reason)),
            AccountAnswer::Wait { seconds } => Err(Trouble::Wait { seconds }),
            answer => Ok(answer),
        }
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], Trouble> {
        let mut octets = [0; N];
        self.random.fill(&mut octets).map_err(|_| Trouble::Stopping)?;
        Ok(octets)
    }

    fn token(&self) -> Result<Token, Trouble> {
        self.random().map(Token::from_random)
    }

    /// Runs what takes long, a few at a time, off the tasks that talk to browsers.
    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Trouble> {
        let _place = self.hashing.acquire().await.map_err(|_| Trouble::Stopping)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Trouble::Stopping)
    }

    async fn hash(&self, password: Password) -> Result<PasswordHash, Trouble> {
        let salt = self.random()?;
        let hash = self.hashing(move || PasswordHash::new(&password, &salt)).await?;
        hash.ok_or(Trouble::Stopping)
    }
}

/// The API.
fn api_routes() -> ApiRouter<Desk> {
    people::routes()
        .merge(second_factor::routes())
        .merge(passkeys::routes())
        .merge(entry::routes())
        .merge(things::routes())
        .merge(live::routes())
}

/// Everything that a browser may ask for.
fn routes(desk: Desk) -> Router {
    Router::new()
        .nest(
            api::ROOT,
            api::described(api_routes())
                .layer(middleware::from_fn_with_state(desk.clone(), once::once)),
        )
        .fallback(pages::page)
        .method_not_allowed_fallback(|| async { Trouble::NotFound })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn(guard))
        .with_state(desk)
}

/// What holds for every request: how long it may take, what another site may not bring about, what a browser has to
/// heed in the answer.
async fn guard(request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let header = request.headers().get("x-conclave").is_some_and(|value| value == "1");
    let ours = header || request.headers().contains_key(header::AUTHORIZATION);
    let response = match changes && !ours {
        true => Trouble::CrossSite.into(),
        false => match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Trouble::TooSlow.into(),
        },
    };
    heeded(response)
}

fn heeded(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 7] = [
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

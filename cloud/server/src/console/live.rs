//! Says to a browser what changed, for as long as somebody is signed in there: server-sent events (HTML, 9.2).
//!
//! Only topics are told, and only those that the person may see; the browser asks for the rest. One that does not keep
//! up is told that everything changed.

use super::Desk;
use super::api::file;
use super::people::{self, Cookies};
use super::reply::Trouble;
use crate::accounts::Me;
use crate::switchboard::Topic;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use conclave_directory::access::{Action, allowed};
use conclave_types::OrganisationId;
use futures_util::stream;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};

/// A silent line is said to be there after this, so that whatever stands between does not end it.
const KEPT_ALIVE: Duration = Duration::from_secs(15);

/// Changes that are kept for whoever reads slowly.
pub(super) const KEPT: usize = 256;

/// What changed in an organisation.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Whose.
    pub organisation: OrganisationId,
    /// What.
    pub topics: Vec<Topic>,
}

const ALL: [Topic; 9] = [
    Topic::Rooms,
    Topic::Vmrs,
    Topic::Meetings,
    Topic::Lobbies,
    Topic::Appointments,
    Topic::People,
    Topic::Records,
    Topic::Audit,
    Topic::Webhooks,
];

/// What somebody has to be allowed to be told of it.
fn action(topic: Topic) -> Action {
    match topic {
        Topic::Rooms => Action::SeeRooms,
        Topic::Vmrs => Action::SeeMeetingRooms,
        Topic::Meetings => Action::RunMeetings,
        Topic::Lobbies => Action::KeepLobbies,
        Topic::Appointments => Action::SeeOwnMeetings,
        Topic::People => Action::SeePeople,
        Topic::Records => Action::Reports,
        Topic::Audit => Action::SeeAudit,
        Topic::Webhooks => Action::RunWebhooks,
    }
}

pub(super) fn routes() -> ApiRouter<Desk> {
    let live_is = file("What changes, as it changes: server-sent events", "text/event-stream");
    ApiRouter::new().api_route("/live", get_with(live, live_is))
}

struct Listener {
    desk: Desk,
    cookies: Cookies,
    me: Me,
    changes: broadcast::Receiver<Changed>,
}

async fn live(State(desk): State<Desk>, cookies: Cookies) -> Result<Response, Trouble> {
    // Before it is looked who asks, so that no change falls between.
    let changes = desk.changes.subscribe();
    let me = people::who_is_in(&desk, &cookies).await?;
    let listener = Listener { desk, cookies, me, changes };
    let events = stream::unfold(listener, |listener| listener.next());
    let alive = KeepAlive::new().interval(KEPT_ALIVE);
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

impl Listener {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Listener)> {
        loop {
            let topics = match self.changes.recv().await {
                Ok(changed) if changed.organisation == self.me.organisation => changed.topics,
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => ALL.to_vec(),
                Err(RecvError::Closed) => return None,
            };
            if topics.contains(&Topic::People) {
                // It may be this one who was signed out, or has another role.
                self.me = people::who_is_in(&self.desk, &self.cookies).await.ok()?;
            }
            let role = self.me.role;
            let told: Vec<&str> = topics
                .into_iter()
                .filter(|topic| allowed(role, action(*topic)))
                .map(Topic::as_str)
                .collect();
            if !told.is_empty() {
                return Some((Ok(Event::default().event("changed").data(told.join(" "))), self));
            }
        }
    }
}

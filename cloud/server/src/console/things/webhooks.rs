//! Webhooks: made, changed, tried, removed; what they were told.

use super::{Answer, Asker, Body};
use crate::console::Desk;
use crate::console::reply::Trouble;
use crate::control::{ControlAnswer, ControlRequest};
use crate::hooks;
use axum::extract::Path;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use conclave_types::{Redacted, Secret, WebhookId};
use serde::Deserialize;

/// Octets of a webhook's secret; Standard Webhooks asks for 24 to 64.
const SECRET: usize = 32;

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/webhooks", get(webhooks).post(make))
        .route("/webhooks/{webhook}", patch(change).delete(remove))
        .route("/webhooks/{webhook}/test", post(test))
        .route("/webhooks/{webhook}/deliveries", get(deliveries))
}

async fn webhooks(asker: Asker) -> Answer {
    asker.ask(ControlRequest::WebhookList).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Make {
    url: Redacted<String>,
    kinds: Vec<String>,
}

/// The secret is made here, sealed, and told once.
async fn make(asker: Asker, wanted: Body<Make>) -> Answer {
    let Json(Make { url, kinds }) = wanted?;
    let webhook = WebhookId::from_random(u128::from_be_bytes(asker.desk.random()?));
    let secret = Secret::new(asker.desk.random::<SECRET>()?);
    let sealed = asker.desk.vault.seal(webhook, secret.expose()).ok_or(Trouble::Stopping)?;
    let request = ControlRequest::WebhookAdd { webhook, url, kinds, sealed };
    let Json(answer) = asker.ask(request).await?;
    Ok(Json(match answer {
        ControlAnswer::WebhookMade { webhook, .. } => {
            let secret = Some(hooks::written(secret.expose()));
            ControlAnswer::WebhookMade { webhook, secret }
        }
        answer => answer,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    url: Option<Redacted<String>>,
    kinds: Option<Vec<String>>,
    on: Option<bool>,
}

async fn change(asker: Asker, Path(webhook): Path<String>, wanted: Body<Change>) -> Answer {
    let Json(Change { url, kinds, on }) = wanted?;
    asker.ask(ControlRequest::WebhookChange { webhook, url, kinds, on }).await
}

async fn remove(asker: Asker, Path(webhook): Path<String>) -> Answer {
    asker.ask(ControlRequest::WebhookRemove { webhook }).await
}

async fn test(asker: Asker, Path(webhook): Path<String>) -> Answer {
    asker.ask(ControlRequest::WebhookTest { webhook }).await
}

async fn deliveries(asker: Asker, Path(webhook): Path<String>) -> Answer {
    asker.ask(ControlRequest::WebhookDeliveries { webhook }).await
}

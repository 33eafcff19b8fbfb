//! Webhooks: made, changed, tried, removed; what they were told.

use super::{Answer, Asker, Body};
use crate::console::Desk;
use crate::console::api::of;
use crate::console::reply::{Told, Trouble};
use crate::control::{ControlAnswer, ControlRequest};
use crate::hooks;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, patch_with, post_with};
use axum::Json;
use axum::extract::Path;
use conclave_types::{Redacted, Secret, WebhookId};
use schemars::JsonSchema;
use serde::Deserialize;

/// Octets of a webhook's secret; Standard Webhooks asks for 24 to 64.
const SECRET: usize = 32;

pub(super) fn routes() -> ApiRouter<Desk> {
    ApiRouter::new()
        .api_route(
            "/webhooks",
            get_with(webhooks, of("Webhooks", "webhooks"))
                .post_with(make, of("Make a webhook; its secret is told once", "webhook_made")),
        )
        .api_route(
            "/webhooks/{webhook}",
            patch_with(change, of("Change a webhook, switch it on or off", "webhook_changed"))
                .delete_with(remove, of("Remove a webhook", "webhook_removed")),
        )
        .api_route(
            "/webhooks/{webhook}/test",
            post_with(test, of("Send a webhook a test", "webhook_changed")),
        )
        .api_route(
            "/webhooks/{webhook}/deliveries",
            get_with(deliveries, of("What a webhook was told last", "webhook_deliveries")),
        )
}

async fn webhooks(asker: Asker) -> Answer {
    asker.ask(ControlRequest::WebhookList).await
}

#[derive(Deserialize, JsonSchema)]
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
    let Told(answer) = asker.ask(request).await?;
    Ok(Told(match answer {
        ControlAnswer::WebhookMade { webhook, .. } => {
            let secret = Some(hooks::written(secret.expose()));
            ControlAnswer::WebhookMade { webhook, secret }
        }
        answer => answer,
    }))
}

#[derive(Deserialize, JsonSchema)]
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

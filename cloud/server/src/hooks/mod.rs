//! Tells webhooks what happened: signed as Standard Webhooks has it (standardwebhooks.com, version 1), over HTTPS, several at once.
//!
//! `webhook-id`, `webhook-timestamp` (when this try began) and `webhook-signature: v1,…`: HMAC-SHA256 (RFC 2104) over
//! `id.timestamp.body`, in Base64. Only an answer of 200 to 299 means that it was taken; no redirect is followed.

use crate::config::WebhooksConfig;
use crate::console::Vault;
use crate::https::{Https, Reach};
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conclave_directory::webhooks::HookUrl;
use conclave_types::{DeliveryId, Redacted, Secret, WebhookId};
use hyper::{Method, Request};
use ring::hmac;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The most octets of an answer that are read; what it says is not looked at.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The most characters of what went wrong that are kept.
const LONGEST_WORDS: usize = 300;

/// What a secret begins with (Standard Webhooks, "Signature scheme").
const PREFIX: &str = "whsec_";

/// Fates that wait for the switchboard: more than it has out at once.
const TOLD: usize = 64;

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Which.
    pub delivery: DeliveryId,
    /// For which webhook.
    pub webhook: WebhookId,
    /// Where that is.
    pub url: HookUrl,
    /// Its secret, sealed.
    pub sealed: Vec<u8>,
    /// What is sent.
    pub body: Redacted<String>,
}

/// What came of a try, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was taken.
    Taken(String),
    /// It was not.
    NotTaken(String),
}

/// A secret as its owner is told it.
pub(crate) fn written(secret: &[u8]) -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(secret)))
}

/// What `webhook-signature` says.
fn signature(secret: &[u8], id: &str, timestamp: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// Whoever tells webhooks.
pub struct Teller {
    https: Https,
    vault: Arc<Vault>,
    told: mpsc::Sender<(DeliveryId, Answer)>,
    tasks: TaskTracker,
    stop: CancellationToken,
    workers: Handle,
}

/// What comes of deliveries.
pub type Answers = mpsc::Receiver<(DeliveryId, Answer)>;

impl Teller {
    /// With the key that opens secrets. Handshakes are calculated on the workers' threads.
    ///
    /// # Errors
    /// The file of roots cannot be read.
    pub(crate) fn new(
        config: &WebhooksConfig,
        vault: Arc<Vault>,
        (tasks, stop, workers): (&TaskTracker, &CancellationToken, &Handle),
    ) -> anyhow::Result<(Teller, Answers)> {
        let reach = if config.inside { Reach::Everybody } else { Reach::Internet };
        let https = Https::new(config.roots.as_deref(), "webhooks.roots", reach)?;
        let (told, answers) = mpsc::channel(TOLD);
        let (tasks, stop, workers) = (tasks.clone(), stop.clone(), workers.clone());
        Ok((Teller { https, vault, told, tasks, stop, workers }, answers))
    }

    /// Tells one, sometime. Its fate comes in any case.
    pub fn send(&self, outgoing: Outgoing) {
        let (https, told, stop) = (self.https.clone(), self.told.clone(), self.stop.clone());
        let secret = self.vault.unseal(outgoing.webhook, &outgoing.sealed);
        let telling = async move {
            let id = outgoing.delivery;
            let trying = async {
                match secret {
                    Some(secret) => try_once(&https, &outgoing, secret.expose()).await,
                    None => Answer::NotTaken(
                        "its secret cannot be opened: vault.key is not the one that it was sealed with".into(),
                    ),
                }
            };
            // A try that a stop cuts short is made again after the next start.
            let Some(answer) = stop.run_until_cancelled(trying).await else { return };
            let _ = told.send((id, answer)).await;
        };
        self.tasks.spawn_on(telling, &self.workers);
    }
}

async fn try_once(https: &Https, outgoing: &Outgoing, secret: &[u8]) -> Answer {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp = since.map_or(0, |since| since.as_secs());
    let (id, body) = (outgoing.delivery.to_string(), outgoing.body.0.clone());
    let request = Request::builder()
        .method(Method::POST)
        .uri(outgoing.url.as_str())
        .header("content-type", "application/json")
        .header("user-agent", concat!("conclave/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature(secret, &id, timestamp, &body))
        .body(Body::from(body));
    let request = match request {
        Ok(request) => request,
        Err(error) => return Answer::NotTaken(short(&format!("its address is none: {error}"))),
    };
    match https.ask(request, LONGEST_ANSWER).await {
        Ok(answer) if answer.status().is_success() => Answer::Taken(answer.status().to_string()),
        Ok(answer) => Answer::NotTaken(answer.status().to_string()),
        Err(error) => Answer::NotTaken(short(&format!("{error:#}"))),
    }
}

fn short(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Standard Webhooks' specification ("Signature scheme", test vectors of its reference libraries).
    #[test]
    fn a_signature_is_that_of_the_reference() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(written(&secret).expose(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }
}

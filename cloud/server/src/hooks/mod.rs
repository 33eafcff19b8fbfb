//! Tells webhooks what happened: signed as Standard Webhooks has it (standardwebhooks.com, version 1), over HTTPS, several at once.
//!
//! `webhook-id`, `webhook-timestamp` (when this try began) and `webhook-signature: v1,…`: HMAC-SHA256 (RFC 2104) over
//! `id.timestamp.body`, in Base64. Only an answer of 200 to 299 means that it was taken; no redirect is followed.

use crate::console::Vault;
use crate::outgoing::{self, HeaderMap, HeaderName, HeaderValue, Method, WebAddress, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conclave_directory::webhooks::HookUrl;
use conclave_types::{DeliveryId, Redacted, Secret, WebhookId};
use ring::hmac;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// For one try, from the name's look-up to the answer's last octet.
const PATIENCE: Duration = Duration::from_secs(30);

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
    way: outgoing::Outgoing,
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
    pub(crate) fn new(
        way: outgoing::Outgoing,
        vault: Arc<Vault>,
        (tasks, stop, workers): (&TaskTracker, &CancellationToken, &Handle),
    ) -> (Teller, Answers) {
        let (told, answers) = mpsc::channel(TOLD);
        let (tasks, stop, workers) = (tasks.clone(), stop.clone(), workers.clone());
        (Teller { way, vault, told, tasks, stop, workers }, answers)
    }

    /// Tells one, sometime. Its fate comes in any case.
    pub fn send(&self, outgoing: Outgoing) {
        let (way, told, stop) = (self.way.clone(), self.told.clone(), self.stop.clone());
        let secret = self.vault.unseal(outgoing.webhook, &outgoing.sealed);
        let telling = async move {
            let id = outgoing.delivery;
            let trying = async {
                match secret {
                    Some(secret) => try_once(&way, &outgoing, secret.expose()).await,
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

async fn try_once(way: &outgoing::Outgoing, delivery: &Outgoing, secret: &[u8]) -> Answer {
    let Ok(to) = delivery.url.as_str().parse::<WebAddress>() else {
        return Answer::NotTaken("its address is none".to_owned());
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp = since.map_or(0, |since| since.as_secs());
    let (id, body) = (delivery.delivery.to_string(), delivery.body.0.clone());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("webhook-id", id.clone()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signature(secret, &id, timestamp, &body)),
    ] {
        let Ok(value) = HeaderValue::from_str(&value) else { continue };
        headers.insert(HeaderName::from_static(name), value);
    }
    let method = Method::POST;
    let (body, longest, patience) = (body.into(), LONGEST_ANSWER, PATIENCE);
    match way.ask(outgoing::Request { method, to, headers, body, longest, patience }).await {
        Ok(answer) if answer.status.is_success() => Answer::Taken(answer.status.to_string()),
        Ok(answer) => Answer::NotTaken(answer.status.to_string()),
        Err(trouble) => Answer::NotTaken(short(&trouble.to_string())),
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

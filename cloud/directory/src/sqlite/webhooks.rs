//! Webhooks and their deliveries, in SQLite.

use super::{SqliteDirectory, parsed, seconds, time, unreadable};
use crate::hex;
use crate::repository::StoreError;
use crate::webhooks::{Delivery, DeliveryFate, EventKind, KEPT, Webhook, Webhooks};
use conclave_types::{Redacted, UnixTime, WebhookId};
use rusqlite::{Row, params};

const DELIVERY: &str = "id, webhook, kind, body, at, tries, next_at, fate, answer";

impl Webhooks for SqliteDirectory {
    fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let sql = "SELECT id, organisation, url, kinds, sealed, created_at, failing_since, off_at \
                   FROM webhooks ORDER BY created_at, id";
        self.read(sql, params![], |row| {
            let kinds: String = row.get(3)?;
            let kind = |word| EventKind::from_str(word).ok_or_else(|| unreadable(3, "kind"));
            let sealed: String = row.get(4)?;
            let sealed = hex::octets(&sealed).ok_or_else(|| unreadable(4, "sealed secret"))?;
            Ok(Webhook {
                id: parsed(row, 0, "webhook's id")?,
                organisation: parsed(row, 1, "organisation id")?,
                url: parsed(row, 2, "address")?,
                kinds: kinds.split_whitespace().map(kind).collect::<Result<_, _>>()?,
                sealed,
                created_at: time(row, 5)?,
                failing_since: maybe(row, 6)?,
                off_at: maybe(row, 7)?,
            })
        })
    }

    fn keep_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        let kinds: Vec<&str> = webhook.kinds.iter().map(|kind| kind.as_str()).collect();
        self.write(|connection| {
            connection.execute(
                "INSERT INTO webhooks \
                 (id, organisation, url, kinds, sealed, created_at, failing_since, off_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                 ON CONFLICT (id) DO UPDATE SET url = $3, kinds = $4, sealed = $5, \
                 failing_since = $7, off_at = $8",
                params![
                    webhook.id.to_string(),
                    webhook.organisation.to_string(),
                    webhook.url.as_str(),
                    kinds.join(" "),
                    hex::written(&webhook.sealed),
                    seconds(webhook.created_at),
                    webhook.failing_since.map(seconds),
                    webhook.off_at.map(seconds),
                ],
            )
        })
        .map(|_| ())
    }

    fn remove_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute("DELETE FROM webhooks WHERE id = $1", params![id.to_string()])
        })
        .map(|removed| removed > 0)
    }

    fn waiting_deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        let sql =
            format!("SELECT {DELIVERY} FROM webhook_deliveries WHERE fate = $1 ORDER BY at, id");
        self.read(&sql, params![DeliveryFate::Waiting.as_str()], read)
    }

    fn deliveries(&self, webhook: WebhookId, most: u32) -> Result<Vec<Delivery>, StoreError> {
        let sql = format!(
            "SELECT {DELIVERY} FROM webhook_deliveries WHERE webhook = $1 \
             ORDER BY at DESC, id LIMIT $2"
        );
        self.read(&sql, params![webhook.to_string(), most], read)
    }

    fn add_deliveries(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        self.write(|connection| {
            for delivery in deliveries {
                connection.execute(
                    "INSERT INTO webhook_deliveries \
                     (id, webhook, kind, body, at, tries, next_at, fate, answer) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                    params![
                        delivery.id.to_string(),
                        delivery.webhook.to_string(),
                        delivery.kind.as_str(),
                        delivery.body.0,
                        seconds(delivery.at),
                        delivery.tries,
                        seconds(delivery.next_at),
                        delivery.fate.as_str(),
                        delivery.answer.as_ref().map(|answer| answer.0.as_str()),
                    ],
                )?;
            }
            Ok(())
        })
    }

    fn keep_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE webhook_deliveries SET tries = $1, next_at = $2, fate = $3, answer = $4 \
                 WHERE id = $5",
                params![
                    delivery.tries,
                    seconds(delivery.next_at),
                    delivery.fate.as_str(),
                    delivery.answer.as_ref().map(|answer| answer.0.as_str()),
                    delivery.id.to_string(),
                ],
            )?;
            connection.execute(
                "DELETE FROM webhook_deliveries WHERE webhook = $1 AND fate <> $2 AND id NOT IN \
                 (SELECT id FROM webhook_deliveries WHERE webhook = $1 AND fate <> $2 \
                  ORDER BY at DESC, id LIMIT $3)",
                params![delivery.webhook.to_string(), DeliveryFate::Waiting.as_str(), KEPT],
            )?;
            Ok(())
        })
    }
}

fn maybe(row: &Row<'_>, at: usize) -> Result<Option<UnixTime>, rusqlite::Error> {
    let found: Option<i64> = row.get(at)?;
    found.map(|_| time(row, at)).transpose()
}

/// The columns of [`DELIVERY`].
fn read(row: &Row<'_>) -> Result<Delivery, rusqlite::Error> {
    let (kind, fate): (String, String) = (row.get(2)?, row.get(7)?);
    let answer: Option<String> = row.get(8)?;
    Ok(Delivery {
        id: parsed(row, 0, "delivery's id")?,
        webhook: parsed(row, 1, "webhook's id")?,
        kind: EventKind::from_str(&kind).ok_or_else(|| unreadable(2, "kind"))?,
        body: Redacted(row.get(3)?),
        at: time(row, 4)?,
        tries: row.get(5)?,
        next_at: time(row, 6)?,
        fate: DeliveryFate::from_str(&fate).ok_or_else(|| unreadable(7, "fate"))?,
        answer: answer.map(Redacted),
    })
}

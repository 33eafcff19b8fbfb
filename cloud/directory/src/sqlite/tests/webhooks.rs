//! Webhooks and what they are told.

use super::*;
use crate::webhooks::{Delivery, DeliveryFate, EventKind, KEPT, Webhook, Webhooks};
use conclave_types::{DeliveryId, Redacted, WebhookId};

fn hook(n: u128) -> Webhook {
    Webhook {
        id: WebhookId::from_random(n),
        organisation: OrganisationId::FIRST,
        url: "https://hooks.example.org/x?key=1".parse().unwrap(),
        kinds: vec![EventKind::RoomLinked, EventKind::CallEnded],
        sealed: vec![0, 0xff, 7],
        created_at: NOW,
        failing_since: None,
        off_at: None,
    }
}

fn delivery(n: u64, webhook: &Webhook) -> Delivery {
    Delivery {
        id: DeliveryId::from_random(u128::from(n)),
        webhook: webhook.id,
        kind: EventKind::Test,
        body: Redacted(format!("{{\"n\":{n}}}")),
        at: NOW.after(Duration::from_secs(n)),
        tries: 0,
        next_at: NOW,
        fate: DeliveryFate::Waiting,
        answer: None,
    }
}

#[test]
fn a_webhook_is_kept_changed_and_gone_with_what_waits_for_it() {
    let mut directory = directory();
    let (one, other) = (hook(1), hook(2));
    directory.keep_webhook(&one).unwrap();
    directory.keep_webhook(&other).unwrap();
    let changed = Webhook {
        kinds: vec![EventKind::PersonAdded],
        failing_since: Some(NOW),
        off_at: Some(NOW),
        ..one.clone()
    };
    directory.keep_webhook(&changed).unwrap();
    assert_eq!(directory.webhooks().unwrap(), [changed, other.clone()]);
    let all = [delivery(1, &one), delivery(2, &other)];
    directory.add_deliveries(&all).unwrap();
    assert_eq!(directory.waiting_deliveries().unwrap(), all);
    assert!(directory.remove_webhook(one.id).unwrap());
    assert!(!directory.remove_webhook(one.id).unwrap());
    assert_eq!(directory.waiting_deliveries().unwrap(), all[1..]);
}

#[test]
fn what_waits_is_kept_and_of_the_rest_the_newest() {
    let mut directory = directory();
    let one = hook(1);
    directory.keep_webhook(&one).unwrap();
    let most = u64::from(KEPT);
    let mut all: Vec<Delivery> = (0..most + 5).map(|n| delivery(n, &one)).collect();
    directory.add_deliveries(&all).unwrap();
    for each in &mut all[1..] {
        each.taken("200 OK".into());
        directory.keep_delivery(each).unwrap();
    }
    let kept = directory.deliveries(one.id, 1_000).unwrap();
    assert_eq!(kept.len(), usize::try_from(most).unwrap() + 1);
    assert_eq!(kept.first(), all.last());
    assert_eq!(kept.last(), all.first(), "the oldest waits still");
    assert_eq!(directory.waiting_deliveries().unwrap(), all[..1]);
}

//! Webhooks: who is told what, when again, and what is told to nobody.

use super::*;
use crate::hooks::{Answer, Outgoing};
use conclave_directory::repository::{Organisations, Webhooks};
use conclave_directory::webhooks::{DeliveryFate, MOST_WAITING};

const ALL: [&str; 9] = [
    "room.linked",
    "room.unlinked",
    "room.enrolled",
    "room.revoked",
    "meeting.begun",
    "meeting.ended",
    "call.ended",
    "person.added",
    "person.removed",
];

fn told(outputs: &[Output]) -> Vec<Outgoing> {
    let outgoing = |output: &Output| match output {
        Output::Deliver(outgoing) => Some((**outgoing).clone()),
        _ => None,
    };
    outputs.iter().filter_map(outgoing).collect()
}

fn kinds(outputs: &[Output]) -> Vec<String> {
    let kind = |outgoing: Outgoing| body(&outgoing)["kind"].as_str().unwrap().to_owned();
    told(outputs).into_iter().map(kind).collect()
}

fn body(outgoing: &Outgoing) -> serde_json::Value {
    serde_json::from_str(&outgoing.body.0).unwrap()
}

impl Cloud {
    fn hook(&mut self, n: u128, kinds: &[&str]) -> WebhookId {
        let webhook = WebhookId::from_random(n);
        let (answer, _) = self.admin(ControlRequest::WebhookAdd {
            webhook,
            url: Redacted("https://hooks.example.org/".into()),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            sealed: vec![1],
        });
        assert!(matches!(answer, ControlAnswer::WebhookMade { .. }), "{answer:?}");
        webhook
    }

    fn answered(&mut self, outgoing: &Outgoing, answer: Answer) -> Vec<Output> {
        self.give(Input::Delivered { delivery: outgoing.delivery, answer })
    }

    /// All that is told meanwhile is taken at once.
    fn all_taken(&mut self, outputs: Vec<Output>) -> Vec<Outgoing> {
        let (mut all, mut outgoing) = (Vec::new(), told(&outputs));
        while !outgoing.is_empty() {
            let next = outgoing.iter().flat_map(|one| {
                let outputs = self.answered(one, Answer::Taken("200 OK".into()));
                told(&outputs)
            });
            let next: Vec<Outgoing> = next.collect();
            all.append(&mut outgoing);
            outgoing = next;
        }
        all
    }

    fn line(&mut self, webhook: WebhookId) -> crate::control::WebhookLine {
        match self.admin(ControlRequest::WebhookList).0 {
            ControlAnswer::Webhooks { webhooks, .. } => {
                webhooks.into_iter().find(|line| line.webhook == webhook).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn failed() -> Answer {
    Answer::NotTaken("500 Internal Server Error".into())
}

#[test]
fn what_happens_is_told_as_the_api_shows_it_and_only_what_was_chosen() {
    let mut cloud = Cloud::new();
    let (_, room) = cloud.room(1, "Ada");
    let hook = cloud.hook(1, &["room.unlinked", "person.added"]);
    let outputs = cloud.admin(ControlRequest::RoomRevoke { room: room.to_string() }).1;
    let [one] = &told(&outputs)[..] else { panic!("{outputs:?}") };
    let body = body(one);
    assert_eq!(body["kind"], "room.unlinked");
    assert_eq!(body["id"], one.delivery.to_string());
    assert_eq!((&body["version"], &body["data"]["name"]), (&1.into(), &"Ada".into()));
    assert_eq!(body["data"]["room"], room.to_string());
    assert_eq!((one.webhook, one.url.as_str()), (hook, "https://hooks.example.org/"));

    let add = ControlRequest::PersonAdd {
        email: "grace@example.org".parse().unwrap(),
        name: "Grace".parse().unwrap(),
        role: "member".into(),
    };
    let outputs = cloud.admin(add).1;
    let [one] = &told(&outputs)[..] else { panic!("{outputs:?}") };
    let text = &one.body.0;
    assert!(text.contains("grace@example.org") && !text.contains("invitation\""), "{text}");
}

#[test]
fn a_meeting_is_told_from_its_first_room_to_its_last_and_a_hidden_one_never() {
    let mut cloud = Cloud::with_ada();
    cloud.vmr("4711", None, 5);
    let hidden = NewVmr {
        number: None,
        hidden: true,
        ..NewVmr::plain("999".parse().unwrap(), "Board".parse().unwrap(), 5)
    };
    let answer = cloud.browse(1, ControlRequest::VmrCreate { new: hidden, pin: None });
    let ControlAnswer::VmrCreated { vmr } = answer else { panic!("{answer:?}") };
    let (link, _) = cloud.room(1, "Ada");
    cloud.hook(1, &["meeting.begun", "meeting.ended", "call.ended"]);
    for (number, wanted) in [
        ("4711".to_owned(), &["meeting.begun", "call.ended", "meeting.ended"][..]),
        (vmr.number.to_string(), &[]),
    ] {
        let join = RoomRequest::Join(Join {
            number: number.parse().unwrap(),
            pin: None,
            profiles: SrtpProfile::PREFERENCE.to_vec(),
            microphone: Switch::On,
            camera: Switch::On,
            lobby: false,
        });
        let (response, mut outputs) = cloud.ask(link, join);
        let Some(Response::Joined(joined)) = response else { panic!("{response:?}") };
        outputs.extend(cloud.ask(link, RoomRequest::Leave { call: joined.call }).1);
        let all = cloud.all_taken(outputs);
        let mut told: Vec<_> =
            all.iter().map(|one| body(one)["kind"].as_str().unwrap().to_owned()).collect();
        let mut wanted = wanted.to_vec();
        told.sort();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "{number}");
        for one in all {
            assert!(!one.body.0.contains("Board"), "{:?}", one.body.0);
        }
    }
}

#[test]
fn what_is_not_taken_comes_again_for_a_day_also_after_a_restart() {
    let mut cloud = Cloud::new();
    let hook = cloud.hook(1, &ALL);
    let outputs = cloud.admin(ControlRequest::WebhookTest { webhook: hook.to_string() }).1;
    let [first] = &told(&outputs)[..] else { panic!("{outputs:?}") };
    assert!(told(&cloud.answered(first, failed())).is_empty(), "not at once");
    let line = cloud.line(hook);
    assert_eq!((line.waiting, line.failing_since), (1, Some(cloud.wall())));
    assert!(told(&cloud.later(9)).is_empty());
    let again = told(&cloud.later(4));
    assert_eq!(again, std::slice::from_ref(first), "the same, under the same id");

    // On its way when the cloud ends: sent once more.
    let disk = cloud.disk.clone();
    let now = cloud.now;
    let mut cloud = Cloud::on(disk);
    cloud.now = now;
    let again = told(&cloud.later(1));
    assert_eq!(again, std::slice::from_ref(first));
    let mut tries = 2;
    let mut outgoing = again.into_iter().next();
    while let Some(one) = outgoing.take() {
        tries += 1;
        cloud.answered(&one, failed());
        if cloud.line(hook).waiting == 0 {
            break;
        }
        outgoing = (0..100).find_map(|_| told(&cloud.later(600)).pop());
    }
    assert!((15..60).contains(&tries), "{tries} tries");
    let deliveries = cloud.disk.deliveries(hook, 9).unwrap();
    assert_eq!(deliveries[0].fate, DeliveryFate::GivenUp);
    assert!(cloud.line(hook).failing_since.is_some());
}

#[test]
fn a_webhook_that_takes_nothing_for_days_is_switched_off_until_somebody_switches_it_on() {
    let mut cloud = Cloud::new();
    let hook = cloud.hook(1, &ALL);
    let test = || ControlRequest::WebhookTest { webhook: hook.to_string() };
    for _ in 0..6 {
        let outputs = cloud.admin(test()).1;
        let Some(one) = told(&outputs).pop() else { break };
        cloud.answered(&one, failed());
        // What waits comes again, and is not taken either.
        for _ in 0..12 {
            for one in told(&cloud.later(3 * 3_600)) {
                cloud.answered(&one, failed());
            }
        }
    }
    assert!(cloud.line(hook).off_at.is_some());
    assert!(cloud.refused(test()).contains("switched off"));
    let before = cloud.line(hook).waiting;
    let _ = cloud.room(1, "Ada");
    assert_eq!(cloud.line(hook).waiting, before, "nothing is made for one that is off");
    let on = ControlRequest::WebhookChange {
        webhook: hook.to_string(),
        url: None,
        kinds: None,
        on: Some(true),
    };
    cloud.admin(on);
    assert_eq!((cloud.line(hook).off_at, cloud.line(hook).failing_since), (None, None));
    let outputs = cloud.admin(test()).1;
    assert!(kinds(&outputs).contains(&"test".to_owned()), "{outputs:?}");
}

#[test]
fn one_that_answers_slowly_holds_up_no_other_and_what_waits_is_bounded() {
    let mut cloud = Cloud::new();
    let (slow, quick) = (cloud.hook(1, &ALL), cloud.hook(2, &ALL));
    let test = |hook: WebhookId| ControlRequest::WebhookTest { webhook: hook.to_string() };
    let mut out = 0;
    for _ in 0..MOST_WAITING + 7 {
        let outputs = cloud.admin(test(slow)).1;
        out += told(&outputs).len();
    }
    assert_eq!(out, 4, "a few at once");
    let line = cloud.line(slow);
    assert_eq!((line.waiting, line.lost), (MOST_WAITING as u64, 7));
    let outputs = cloud.admin(test(quick)).1;
    let [one] = &told(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!(one.webhook, quick);
    let taken = cloud.answered(one, Answer::Taken("204 No Content".into()));
    assert!(told(&taken).is_empty());
    assert_eq!(cloud.line(quick).waiting, 0);
}

#[test]
fn what_is_another_organisations_is_not_there_and_bad_input_is_said() {
    let mut cloud = Cloud::new();
    let hook = cloud.hook(1, &ALL);
    let add = |n, url: &str, kinds: &[&str]| ControlRequest::WebhookAdd {
        webhook: WebhookId::from_random(n),
        url: Redacted(url.into()),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        sealed: vec![1],
    };
    for (url, kinds, says) in [
        ("http://example.org", &["room.linked"][..], "begins with https://"),
        ("https://example.org", &["room.dances"], "nothing is called 'room.dances'"),
        ("https://example.org", &["test"], "nothing is called 'test'"),
        ("https://example.org", &[], "choose what"),
    ] {
        let reason = cloud.refused(add(9, url, kinds));
        assert!(reason.contains(says), "{reason}");
    }
    let other = ControlRequest::OrganisationAdd { name: "Other".parse().unwrap() };
    let (answer, _) = cloud.admin(other);
    let ControlAnswer::OrganisationAdded { .. } = answer else { panic!("{answer:?}") };
    let second = cloud.disk.organisations().unwrap();
    cloud.whose = second.iter().map(|each| each.id).find(|id| *id != cloud.whose).unwrap();
    let webhook = || hook.to_string();
    for request in [
        ControlRequest::WebhookRemove { webhook: webhook() },
        ControlRequest::WebhookTest { webhook: webhook() },
        ControlRequest::WebhookDeliveries { webhook: webhook() },
        ControlRequest::WebhookChange { webhook: webhook(), url: None, kinds: None, on: None },
        // Nor is its id taken over.
        add(1, "https://evil.example.org", &["room.linked"]),
    ] {
        cloud.refused(request);
    }
    assert!(told(&cloud.later(1)).is_empty());
    let outputs = cloud.room(1, "Elsewhere");
    let _ = outputs;
    assert!(cloud.disk.waiting_deliveries().unwrap().is_empty(), "another's rooms are not told");
    cloud.whose = OrganisationId::FIRST;
    assert_eq!(cloud.line(hook).waiting, 0);
    let removed = cloud.admin(ControlRequest::WebhookRemove { webhook: webhook() }).0;
    assert!(matches!(removed, ControlAnswer::WebhookRemoved { .. }));
    assert!(cloud.disk.webhooks().unwrap().is_empty());
}

//! Webhooks: what happens is told to addresses that an organisation chose. Sending is done elsewhere.
//!
//! 1. [`Switchboard::happened`] makes a delivery for each webhook that wants to hear it; all of one input are kept in one change;
//! 2. those that are due go out, a few at once, and what came of each comes back as [`Input::Delivered`](super::Input::Delivered);
//! 3. what was not taken is tried again for a day; a webhook that takes nothing for days is switched off.
//!
//! Of hidden meeting rooms, and of meetings that somebody called, nothing is told: an organisation's administrators see no more.

use super::admin::Answered;
use super::refused::Refused;
use super::{Output, Stage, Switchboard, Topic};
use crate::control::{
    ControlAnswer, ControlRequest, DeliveryLine, RecordLine, RefusalCode, RoomLine, WebhookLine,
};
use crate::hooks::{Answer, Outgoing};
use conclave_directory::webhooks::{
    Delivery, DeliveryFate, EventKind, HookUrl, KEPT, MOST_WAITING, MOST_WEBHOOKS, SWITCHED_OFF,
    Webhook,
};
use conclave_directory::{LeftWhy, Room, StoreError, Vmr};
use conclave_meeting::Attendance;
use conclave_types::{
    CallId, DeliveryId, DisplayName, MeetingId, OrganisationId, Redacted, RoomId, Time, UnixTime,
    Version, VmrNumber, WebhookId,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Deliveries on their way at once: more would only hold more connections open.
const MOST_OUT: usize = 32;

/// Of these, for one webhook: an address that is slow holds up no other.
const MOST_OUT_EACH: usize = 4;

/// All webhooks, and what waits for them.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    all: BTreeMap<WebhookId, Webhook>,
    waiting: BTreeMap<DeliveryId, Delivery>,
    /// Of each webhook those that are not on their way, the first that is due first.
    queues: BTreeMap<WebhookId, BTreeSet<(UnixTime, DeliveryId)>>,
    /// Those that are.
    out: BTreeMap<WebhookId, BTreeSet<DeliveryId>>,
    /// Made by the present input, and not kept yet.
    new: Vec<Delivery>,
    /// How many were not made since the start because too many wait, by webhook.
    lost: BTreeMap<WebhookId, u64>,
    /// Meetings that are told of, and their calls: none of hidden meeting rooms.
    meetings: BTreeMap<MeetingId, (OrganisationId, MeetingTold)>,
    calls: BTreeMap<CallId, (OrganisationId, RecordLine)>,
}

/// A meeting, from its first room to its last.
#[derive(Debug, Serialize)]
struct MeetingTold {
    meeting: MeetingId,
    number: VmrNumber,
    name: DisplayName,
    began_at: UnixTime,
    ended_at: Option<UnixTime>,
}

/// An update that came to nothing.
#[derive(Debug, Serialize)]
struct UpdateTold {
    room: RoomLine,
    version: String,
    why: Option<String>,
}

impl Hooks {
    pub(super) fn of(parts: &super::Parts) -> Result<Hooks, StoreError> {
        let all = parts.directory.webhooks()?;
        let all = all.into_iter().map(|each| (each.id, each)).collect();
        let mut hooks = Hooks { all, ..Hooks::default() };
        parts.directory.waiting_deliveries()?.into_iter().for_each(|each| hooks.wait(each));
        Ok(hooks)
    }

    /// It waits from now on, or waits again.
    fn wait(&mut self, delivery: Delivery) {
        let queue = self.queues.entry(delivery.webhook).or_default();
        queue.insert((delivery.next_at, delivery.id));
        self.waiting.insert(delivery.id, delivery);
    }

    fn waiting_for(&self, id: WebhookId) -> usize {
        let new = self.new.iter().filter(|each| each.webhook == id).count();
        let queued = self.queues.get(&id).map_or(0, BTreeSet::len);
        queued + self.out.get(&id).map_or(0, BTreeSet::len) + new
    }

    /// The next one that may go out, and when; `None`: nothing waits that may. As many steps as there are webhooks.
    fn next(&self) -> Option<(UnixTime, DeliveryId)> {
        if self.out.values().map(BTreeSet::len).sum::<usize>() >= MOST_OUT {
            return None;
        }
        let may = |id: &WebhookId| {
            let on = self.all.get(id).is_some_and(|hook| hook.off_at.is_none());
            on && self.out.get(id).map_or(0, BTreeSet::len) < MOST_OUT_EACH
        };
        let queues = self.queues.iter().filter(|(id, _)| may(id));
        queues.filter_map(|(_, queue)| queue.first().copied()).min()
    }

    /// Nothing of it is known any more.
    fn forget(&mut self, id: WebhookId) {
        self.all.remove(&id);
        self.queues.remove(&id);
        self.out.remove(&id);
        self.lost.remove(&id);
        self.waiting.retain(|_, each| each.webhook != id);
    }
}

/// What is sent.
#[derive(Serialize)]
struct Body<'a, T> {
    id: String,
    /// Of this list of kinds and their bodies; a new one only when something changes its meaning.
    version: u8,
    at: UnixTime,
    kind: &'static str,
    organisation: OrganisationId,
    data: &'a T,
}

impl Switchboard {
    /// When a delivery is due.
    pub(super) fn hooks_deadline(&self) -> Option<Time> {
        self.hooks.next().map(|(at, _)| self.now + self.wall.until(at))
    }

    /// Something happened in an organisation, which the API shows so.
    pub(super) fn happened(
        &mut self,
        whose: OrganisationId,
        kind: EventKind,
        data: &impl Serialize,
    ) {
        let wants = |hook: &&Webhook| {
            hook.organisation == whose && hook.off_at.is_none() && hook.kinds.contains(&kind)
        };
        let hooks: Vec<WebhookId> =
            self.hooks.all.values().filter(wants).map(|each| each.id).collect();
        for hook in hooks {
            self.deliver(whose, hook, kind, data);
        }
    }

    fn deliver(
        &mut self,
        whose: OrganisationId,
        webhook: WebhookId,
        kind: EventKind,
        data: &impl Serialize,
    ) {
        if self.hooks.waiting_for(webhook) >= MOST_WAITING {
            *self.hooks.lost.entry(webhook).or_default() += 1;
            return;
        }
        let id = DeliveryId::from_random(self.random());
        let at = self.wall;
        let body = Body {
            id: id.to_string(),
            version: 1,
            at,
            kind: kind.as_str(),
            organisation: whose,
            data,
        };
        let body = match serde_json::to_string(&body) {
            Ok(body) => Redacted(body),
            Err(error) => return tracing::error!(%error, "what happened cannot be written down"),
        };
        let (tries, next_at, fate) = (0, at, DeliveryFate::Waiting);
        self.hooks.new.push(Delivery {
            id,
            webhook,
            kind,
            body,
            at,
            tries,
            next_at,
            fate,
            answer: None,
        });
    }

    /// Keeps what this input brought, and sends what is due.
    pub(super) fn send_deliveries(&mut self) {
        let new = std::mem::take(&mut self.hooks.new);
        if !new.is_empty() {
            if let Err(error) = self.parts.directory.add_deliveries(&new) {
                // They are sent all the same, as long as this cloud runs.
                tracing::error!(%error, "what webhooks are to be told cannot be kept");
            }
            new.into_iter().for_each(|each| self.hooks.wait(each));
        }
        while let Some((at, id)) = self.hooks.next().filter(|(at, _)| *at <= self.wall) {
            let Some(due) = self.hooks.waiting.get(&id) else { return };
            let Some(hook) = self.hooks.all.get(&due.webhook) else { return };
            let outgoing = Outgoing {
                delivery: due.id,
                webhook: hook.id,
                url: hook.url.clone(),
                sealed: hook.sealed.clone(),
                body: due.body.clone(),
            };
            if let Some(queue) = self.hooks.queues.get_mut(&outgoing.webhook) {
                queue.remove(&(at, id));
            }
            self.hooks.out.entry(outgoing.webhook).or_default().insert(id);
            self.outputs.push_back(Output::Deliver(Box::new(outgoing)));
        }
    }

    /// What came of a delivery.
    pub(super) fn delivered(&mut self, id: DeliveryId, answer: Answer) {
        let chance = self.random() as u32;
        let Some(mut delivery) = self.hooks.waiting.remove(&id) else { return };
        if let Some(out) = self.hooks.out.get_mut(&delivery.webhook) {
            out.remove(&id);
        }
        let taken = matches!(answer, Answer::Taken(_));
        match answer {
            Answer::Taken(words) => delivery.taken(words),
            Answer::NotTaken(words) => delivery.not_taken(self.wall, words, chance),
        }
        if delivery.fate == DeliveryFate::Waiting {
            self.hooks.wait(delivery.clone());
        }
        if let Err(error) = self.parts.directory.keep_delivery(&delivery) {
            tracing::error!(%error, delivery = %id, "what came of a delivery cannot be kept");
        }
        let Some(hook) = self.hooks.all.get_mut(&delivery.webhook) else { return };
        let whose = hook.organisation;
        let before = hook.clone();
        hook.failing_since = match taken {
            true => None,
            false => hook.failing_since.or(Some(self.wall)),
        };
        if hook.failing_since.is_some_and(|since| since.until(self.wall) >= SWITCHED_OFF) {
            hook.off_at = Some(self.wall);
            tracing::warn!(webhook = %hook.id, "a webhook took nothing for days, and is switched off");
        }
        if *hook != before
            && let Err(error) = self.parts.directory.keep_webhook(hook)
        {
            tracing::error!(%error, "how it stands with a webhook cannot be kept");
        }
        self.changed(whose, Topic::Webhooks);
    }

    /// A room is linked, or is not any more. That all links end with the cloud is no news.
    pub(super) fn tell_of_link(&mut self, room: RoomId, kind: EventKind) {
        if self.stage == Stage::Stopping {
            return;
        }
        let Some(room) = self.roster.get(room).cloned() else { return };
        self.tell_of_room(room, kind);
    }

    pub(super) fn tell_of_room(&mut self, room: Room, kind: EventKind) {
        // Ten thousand rooms may link at once, and mostly nobody wants to hear of it.
        if self.hooks.all.is_empty() {
            return;
        }
        let whose = room.organisation;
        let line = self.room_line(room);
        self.happened(whose, kind, &line);
    }

    /// The first room is in a meeting room that is no secret.
    pub(super) fn tell_of_meeting(&mut self, meeting: MeetingId, vmr: &Vmr) {
        if vmr.hidden {
            return;
        }
        let told = MeetingTold {
            meeting,
            number: vmr.number.clone(),
            name: vmr.name.clone(),
            began_at: self.wall,
            ended_at: None,
        };
        self.happened(vmr.organisation, EventKind::MeetingBegun, &told);
        self.hooks.meetings.insert(meeting, (vmr.organisation, told));
    }

    pub(super) fn tell_of_meetings_end(&mut self, meeting: MeetingId) {
        let Some((whose, mut told)) = self.hooks.meetings.remove(&meeting) else { return };
        told.ended_at = Some(self.wall);
        self.happened(whose, EventKind::MeetingEnded, &told);
    }

    /// A room joined; of hidden meeting rooms this is forgotten at once.
    pub(super) fn note_call(&mut self, who: &Attendance) {
        let Some((whose, meeting)) = self.hooks.meetings.get(&who.meeting) else { return };
        let line = RecordLine {
            call: who.call,
            meeting: who.meeting,
            number: Some(meeting.number.clone()),
            vmr_name: Some(meeting.name.clone()),
            room: who.room,
            room_name: who.name.clone(),
            joined_at: self.wall,
            left_at: None,
            why: None,
            reason: None,
            troubles: None,
        };
        self.hooks.calls.insert(who.call, (*whose, line));
    }

    pub(super) fn tell_of_calls_end(&mut self, call: CallId, why: LeftWhy) {
        let Some((whose, mut line)) = self.hooks.calls.remove(&call) else { return };
        line.left_at = Some(self.wall);
        line.why = Some(why.words().to_owned());
        line.reason = Some(why.as_str().to_owned());
        self.happened(whose, EventKind::CallEnded, &line);
    }

    pub(super) fn tell_of_failed_update(
        &mut self,
        room: RoomId,
        version: Version,
        why: Option<String>,
    ) {
        let Some(room) = self.roster.get(room).cloned() else { return };
        let whose = room.organisation;
        let told = UpdateTold { room: self.room_line(room), version: version.to_string(), why };
        self.happened(whose, EventKind::UpdateFailed, &told);
    }

    pub(super) fn webhook_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::WebhookList => {
                let hooks = self.hooks.all.values().filter(|hook| hook.organisation == whose);
                let webhooks = hooks.map(|hook| self.webhook_line(hook)).collect();
                let kinds = EventKind::CHOSEN.iter().map(|kind| kind.as_str().to_owned()).collect();
                Ok(ControlAnswer::Webhooks { webhooks, kinds })
            }
            ControlRequest::WebhookAdd { webhook, url, kinds, sealed } => {
                let theirs = self.hooks.all.values().filter(|hook| hook.organisation == whose);
                if theirs.count() >= MOST_WEBHOOKS || self.hooks.all.contains_key(&webhook) {
                    return Err(Refused::with(
                        RefusalCode::TooMany,
                        format!("an organisation has {MOST_WEBHOOKS} webhooks at most: remove one"),
                    ));
                }
                let hook = Webhook {
                    id: webhook,
                    organisation: whose,
                    url: address(&url.0)?,
                    kinds: chosen(&kinds)?,
                    sealed,
                    created_at: self.wall,
                    failing_since: None,
                    off_at: None,
                };
                self.audit("webhook.create", hook.id, "", in_words(&hook));
                self.keep_hook(hook)
                    .map(|webhook| ControlAnswer::WebhookMade { webhook, secret: None })
            }
            ControlRequest::WebhookChange { webhook, url, kinds, on } => {
                let before = self.find_hook(whose, &webhook)?;
                let mut after = before.clone();
                if let Some(url) = url {
                    after.url = address(&url.0)?;
                }
                if let Some(kinds) = kinds {
                    after.kinds = chosen(&kinds)?;
                }
                match on {
                    Some(true) => (after.off_at, after.failing_since) = (None, None),
                    Some(false) => after.off_at = after.off_at.or(Some(self.wall)),
                    None => {}
                }
                self.audit("webhook.change", after.id, in_words(&before), in_words(&after));
                self.keep_hook(after).map(|webhook| ControlAnswer::WebhookChanged { webhook })
            }
            ControlRequest::WebhookRemove { webhook } => {
                let hook = self.find_hook(whose, &webhook)?;
                self.audit("webhook.remove", hook.id, in_words(&hook), "");
                self.parts.directory.remove_webhook(hook.id)?;
                let webhook = self.webhook_line(&hook);
                self.hooks.forget(hook.id);
                Ok(ControlAnswer::WebhookRemoved { webhook })
            }
            ControlRequest::WebhookTest { webhook } => {
                let hook = self.find_hook(whose, &webhook)?;
                if hook.off_at.is_some() {
                    return Err(Refused::with(
                        RefusalCode::HookOff,
                        "this webhook is switched off: switch it on first",
                    ));
                }
                self.audit("webhook.test", hook.id, "", "");
                self.deliver(whose, hook.id, EventKind::Test, &serde_json::json!({}));
                Ok(ControlAnswer::WebhookChanged { webhook: self.webhook_line(&hook) })
            }
            ControlRequest::WebhookDeliveries { webhook } => {
                let hook = self.find_hook(whose, &webhook)?;
                let kept = self.parts.directory.deliveries(hook.id, KEPT)?;
                let deliveries = kept.into_iter().map(delivery_line).collect();
                Ok(ControlAnswer::WebhookDeliveries { deliveries })
            }
            request => self.awaited_control(whose, request),
        }
    }

    fn find_hook(&self, whose: OrganisationId, id: &str) -> Result<Webhook, Refused> {
        let found = id.parse::<WebhookId>().ok().and_then(|id| self.hooks.all.get(&id));
        let found = found.filter(|hook| hook.organisation == whose).cloned();
        found.ok_or_else(|| Refused::with(RefusalCode::Gone, "there is no such webhook"))
    }

    fn keep_hook(&mut self, hook: Webhook) -> Result<WebhookLine, Refused> {
        self.parts.directory.keep_webhook(&hook)?;
        let line = self.webhook_line(&hook);
        self.hooks.all.insert(hook.id, hook);
        Ok(line)
    }

    fn webhook_line(&self, hook: &Webhook) -> WebhookLine {
        WebhookLine {
            webhook: hook.id,
            url: Redacted(hook.url.as_str().to_owned()),
            kinds: hook.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
            created_at: hook.created_at,
            failing_since: hook.failing_since,
            off_at: hook.off_at,
            waiting: self.hooks.waiting_for(hook.id) as u64,
            lost: self.hooks.lost.get(&hook.id).copied().unwrap_or(0),
        }
    }
}

fn address(text: &str) -> Result<HookUrl, Refused> {
    text.trim().parse().map_err(|error| Refused::with(RefusalCode::HookAddress, format!("{error}")))
}

fn chosen(words: &[String]) -> Result<Vec<EventKind>, Refused> {
    let mut kinds = Vec::new();
    for word in words {
        let kind = EventKind::chosen(word).ok_or_else(|| {
            let all: Vec<&str> = EventKind::CHOSEN.iter().map(|kind| kind.as_str()).collect();
            Refused::with(
                RefusalCode::HookKind,
                format!("nothing is called '{word}': choose of {}", all.join(", ")),
            )
        })?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    match kinds.is_empty() {
        true => Err(Refused::with(RefusalCode::HookKind, "choose what the webhook is told")),
        false => Ok(kinds),
    }
}

/// For the audit log: the host alone, as an address may hold a secret.
fn in_words(hook: &Webhook) -> String {
    let kinds: Vec<&str> = hook.kinds.iter().map(|kind| kind.as_str()).collect();
    let rest = hook.url.as_str().trim_start_matches("https://");
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let off = if hook.off_at.is_some() { ", off" } else { "" };
    format!("{host}: {}{off}", kinds.join(" "))
}

fn delivery_line(delivery: Delivery) -> DeliveryLine {
    DeliveryLine {
        delivery: delivery.id,
        kind: delivery.kind.as_str().to_owned(),
        at: delivery.at,
        tries: delivery.tries,
        fate: delivery.fate.as_str().to_owned(),
        next_at: (delivery.fate == DeliveryFate::Waiting).then_some(delivery.next_at),
        answer: delivery.answer,
    }
}

//! The clerk: gives the cloud orders all the time, and notes what was acknowledged.

use super::chance::Chance;
use super::ledger::{Held, Ledger};
use crate::cloud::Console;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two orders. The command line is a process each time: more of them only take the rooms'
/// share of the machine.
const PACE: Duration = Duration::from_millis(60);
/// Meeting rooms that come and go, from this number on. So few that most are changed many times.
const FIRST_NUMBER: u32 = 9_000;
/// The room that is given another name again and again begins with this.
pub(super) const ADA: &str = "Room Ada";
/// How many there are.
const NUMBERS: u64 = 12;

/// The clerk's desk, shared with the storm.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) console: Console,
    ledger: Mutex<Ledger>,
    /// The cloud was killed and is not back yet: orders may stay without an answer.
    pub(super) away: AtomicBool,
    /// What went wrong although the cloud was there.
    trouble: Mutex<Option<anyhow::Error>>,
}

/// The clerk at work.
pub(super) struct Clerk {
    pub(super) desk: Arc<Desk>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Clerk {
    pub(super) fn start(console: Console, seed: u64) -> Clerk {
        let desk = Arc::new(Desk {
            console,
            ledger: Mutex::default(),
            away: AtomicBool::new(false),
            trouble: Mutex::default(),
        });
        let (stop, stopped) = channel();
        let own = desk.clone();
        let thread = std::thread::spawn(move || work(&own, Chance::new(seed), &stopped));
        Clerk { desk, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Desk {
    /// The ledger; while it is held, no order is given.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the clerk could not get done although the cloud was there.
    pub(super) fn trouble(&self) -> Result<()> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        trouble.map_or(Ok(()), Err)
    }

    /// Compares everything that was acknowledged with what the cloud shows.
    pub(super) fn audit(&self) -> Result<()> {
        let mut ledger = self.ledger();
        let vmrs = self.console.list("vmr", &[])?;
        for (number, held) in &mut ledger.vmrs {
            let found = entry(&vmrs, "number", number)
                .map(|vmr| Ok::<_, anyhow::Error>((text(vmr, "name")?, vmr["pin"] == true)));
            held.check(&format!("meeting room {number}"), found.transpose()?)?;
        }
        let rooms = self.console.list("room", &[])?;
        for (id, held) in &mut ledger.rooms {
            let room = entry(&rooms, "room", id).with_context(|| format!("{id} is gone"))?;
            let found = (text(room, "name")?, room["state"] != "revoked");
            held.check(&format!("room {id}"), found)?;
        }
        let records = self.console.list("record", &["--most", "100000"])?;
        for call in &ledger.calls {
            if entry(&records, "call", call).is_none() {
                bail!("the record of {call} is gone, which a panel has shown");
            }
        }
        Ok(())
    }

    /// Gives an order that changes something; notes what is known of it afterwards.
    pub(super) fn order<K: Ord + Clone, T: Clone + PartialEq + std::fmt::Debug>(
        &self,
        ledger: &mut Ledger,
        shelf: fn(&mut Ledger) -> &mut std::collections::BTreeMap<K, Held<T>>,
        key: &K,
        to: T,
        arguments: &[&str],
    ) -> Result<()> {
        if let Some(held) = shelf(ledger).get_mut(key) {
            held.ask(to);
        }
        let done = self.console.command(arguments);
        match done {
            Ok(_) => {
                if let Some(held) = shelf(ledger).get_mut(key) {
                    held.acknowledged();
                }
                ledger.acknowledged += 1;
                Ok(())
            }
            Err(trouble) => {
                ledger.unanswered += 1;
                Err(trouble)
            }
        }
    }
}

/// The object with this value in this field.
pub(super) fn entry<'a>(list: &'a Value, field: &str, value: &str) -> Option<&'a Value> {
    list.as_array()?.iter().find(|entry| entry[field] == value)
}

pub(super) fn text(entry: &Value, field: &str) -> Result<String> {
    let text = entry[field].as_str().with_context(|| format!("no '{field}' in {entry}"))?;
    Ok(text.to_owned())
}

fn work(desk: &Desk, mut chance: Chance, stopped: &Receiver<()>) {
    let mut name = 0_u32;
    while stopped.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
        name += 1;
        let mut ledger = desk.ledger();
        if desk.away.load(Ordering::SeqCst) {
            continue; // Until the audit has found out what became of the last order.
        }
        if let Err(trouble) = one_order(desk, &mut ledger, &mut chance, name)
            && !desk.away.load(Ordering::SeqCst)
        {
            let trouble = trouble.context("the cloud was there and did not do as it was told");
            desk.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trouble);
        }
    }
}

/// One change of a meeting room, or a new name for a room.
fn one_order(desk: &Desk, ledger: &mut Ledger, chance: &mut Chance, count: u32) -> Result<()> {
    if chance.below(4) == 0 {
        let ada = |held: &Held<(String, bool)>| held.is().1 && held.is().0.starts_with(ADA);
        let active = ledger.rooms.iter().find(|(_, held)| ada(held));
        let Some((id, _)) = active else { return Ok(()) };
        let (id, name) = (id.clone(), format!("{ADA} {count}"));
        let arguments = ["room", "rename", &id, &name];
        return desk.order(ledger, |l| &mut l.rooms, &id, (name.clone(), true), &arguments);
    }
    let number = (u64::from(FIRST_NUMBER) + chance.below(NUMBERS)).to_string();
    let held = ledger.vmrs.entry(number.clone()).or_insert_with(|| Held::new(None));
    match held.is().clone() {
        None => {
            let name = format!("Meeting {count}");
            let arguments = ["vmr", "create", "--number", &number, "--name", &name];
            let to = Some((name.clone(), false));
            desk.order(ledger, |l| &mut l.vmrs, &number, to, &arguments)
        }
        Some(_) if chance.below(2) == 0 => {
            let arguments = ["vmr", "remove", &number];
            desk.order(ledger, |l| &mut l.vmrs, &number, None, &arguments)
        }
        Some((name, true)) => {
            let arguments = ["vmr", "set-pin", &number, "--none"];
            desk.order(ledger, |l| &mut l.vmrs, &number, Some((name, false)), &arguments)
        }
        Some((name, false)) => {
            let arguments = ["vmr", "set-pin", &number, "--pin", "2468"];
            desk.order(ledger, |l| &mut l.vmrs, &number, Some((name, true)), &arguments)
        }
    }
}

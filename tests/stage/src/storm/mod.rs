//! A storm: processes of a running stage are killed (SIGKILL) at random moments, started again as a
//! service manager would, and everything has to come back by itself.
//!
//! While it lasts, people work: a clerk creates, changes and removes meeting rooms and renames a room
//! on the command line; the panels join, leave, and change the volume; a room is revoked and enrolled
//! anew. What was acknowledged is noted in a ledger. After each kill
//!
//! 1. the process is started again at once;
//! 2. both rooms are linked again and both panels show the state that they should: a call that was
//!    on has returned with picture, or the panel of the room that was killed says that it is in none;
//! 3. everything in the ledger is still true: meeting rooms, rooms, the records of calls, settings.
//!
//! `cargo xtask faults` runs a long one, `tests/e2e_faults_kills.rs` a short one. The same seed makes
//! the same choices; what the machine does in between is its own affair.

mod chance;
mod clerk;
mod ledger;
mod report;

use crate::Cloud;
use crate::cloud::Vmr;
use crate::meeting::{Meeting, NAME, NUMBER, PIN, enrol};
use crate::room::Room;
use crate::stage::Stage;
use crate::wait::{wait_for, wait_until};
use anyhow::{Context, Result, bail, ensure};
use chance::Chance;
use clerk::{ADA, Clerk, Desk, text};
use conclave_panel_api::{CallHealth, LinkState, Screen};
use ledger::Held;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
pub use report::{Back, Report};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A kill comes within this of the beginning of an act: long enough for most acts to be over.
const MOMENT: Duration = Duration::from_millis(2_500);
/// Everything is back within this, or it is not coming back. A room whose link breaks again and again
/// waits up to a minute before it dials.
const BACK: Duration = Duration::from_secs(100);
/// What room B is called.
const VOLTAIRE: &str = "Salle Voltaire";
/// Small pictures: what is tested here is not the picture, and two cores carry all of it.
const SMALL: &str = "width = 320\nheight = 180\nfps = 10\nbitrate_kbit = 200\ndisplay_width = 320\n\
     display_height = 180\n";

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Victim {
    /// conclave-cloud.
    Cloud,
    /// conclave-roomd of room A.
    DaemonA,
    /// conclave-roomd of room B.
    DaemonB,
    /// conclave-kiosk of room A.
    PanelA,
    /// conclave-kiosk of room B.
    PanelB,
}

/// Every one of them: the cloud as often as either room's daemon.
const VICTIMS: [Victim; 6] = [
    Victim::Cloud,
    Victim::Cloud,
    Victim::DaemonA,
    Victim::DaemonB,
    Victim::PanelA,
    Victim::PanelB,
];

/// Kills so many processes. `told` is given a line after each.
pub fn storm(stage: &Stage, kills: u32, seed: u64, mut told: impl FnMut(&str)) -> Result<Report> {
    let mut storm = Storm::prepare(stage, seed)?;
    for count in 1..=kills {
        let line =
            storm.strike(stage).with_context(|| format!("kill {count} of {kills}, seed {seed}"))?;
        told(&format!("{count:>4}/{kills}  {line}"));
    }
    Ok(storm.done())
}

struct Storm {
    meeting: Meeting,
    clerk: Clerk,
    chance: Chance,
    interrupt: Arc<AtomicBool>,
    /// Both rooms are in the call, and no tap is on its way.
    in_call: bool,
    /// Of room A and room B, as their panels showed it last.
    volumes: [Option<Held<u8>>; 2],
    report: Report,
}

impl Storm {
    fn prepare(stage: &Stage, seed: u64) -> Result<Storm> {
        let cloud = Cloud::start(stage)?;
        cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
        let port = cloud.link().port();
        let mut plan = Meeting::plan_a(stage, &cloud, port)?;
        plan.media = SMALL.to_owned();
        let mut a = Room::start(stage, plan)?;
        let mut plan = Meeting::plan_b(stage, &cloud)?;
        plan.media = SMALL.to_owned();
        let mut b = Room::start(stage, plan)?;
        enrol(&cloud, &mut a, ADA)?;
        enrol(&cloud, &mut b, VOLTAIRE)?;
        let interrupt = Arc::new(AtomicBool::new(false));
        a.interrupted_by(interrupt.clone());
        b.interrupted_by(interrupt.clone());
        let clerk = Clerk::start(cloud.console().clone(), seed ^ 0xc1e4_b000);
        {
            let mut ledger = clerk.desk.ledger();
            let rooms = cloud.list("room")?;
            for room in rooms.as_array().into_iter().flatten() {
                let held = Held::new((text(room, "name")?, true));
                ledger.rooms.insert(text(room, "room")?, held);
            }
            let main = Held::new(Some((NAME.to_owned(), true)));
            ledger.vmrs.insert(NUMBER.to_owned(), main);
        }
        Ok(Storm {
            meeting: Meeting { cloud, a, b, relay: None },
            clerk,
            chance: Chance::new(seed),
            interrupt,
            in_call: false,
            volumes: [None, None],
            report: Report::default(),
        })
    }

    fn done(self) -> Report {
        let ledger = self.clerk.desk.ledger();
        let mut report = self.report.clone();
        report.orders = ledger.acknowledged;
        report.unanswered = ledger.unanswered;
        report.calls = ledger.calls.len();
        drop(ledger);
        report
    }

    fn room(&mut self, index: usize) -> &mut Room {
        if index == 0 { &mut self.meeting.a } else { &mut self.meeting.b }
    }

    /// One kill, and everything back.
    fn strike(&mut self, stage: &Stage) -> Result<String> {
        // Two of three kills meet a call, on however busy a machine; the others whatever is going on.
        if !self.in_call && self.chance.below(3) > 0 {
            self.join()?;
        }
        let victim = self.chance.one_of(&VICTIMS);
        let delay = self.chance.within(MOMENT);
        let pid = self.pid(victim)?;
        let (interrupt, desk) = (self.interrupt.clone(), self.clerk.desk.clone());
        let killer = std::thread::spawn(move || {
            std::thread::sleep(delay);
            desk.away.store(victim == Victim::Cloud, Ordering::SeqCst);
            let at = Instant::now();
            let killed = kill(Pid::from_raw(pid), Signal::SIGKILL);
            interrupt.store(true, Ordering::SeqCst);
            killed.map(|()| at)
        });
        let mut settled = true;
        let mut doing = "nothing";
        while !killer.is_finished() {
            let (name, act) = self.next_act();
            doing = name;
            let begun = self.in_call;
            if let Err(trouble) = act(self) {
                ensure!(self.interrupt.load(Ordering::SeqCst), trouble.context(name));
                // Talking and changing the volume leave the call where it is.
                settled = matches!(name, "talk" | "volume");
                self.in_call = begun && settled;
                if self.in_call {
                    doing = "in a call";
                }
            } else {
                doing = if self.in_call { "in a call" } else { "idle" };
            }
        }
        let killed_at = match killer.join() {
            Ok(killed) => killed.context("the process could not be killed")?,
            Err(_) => bail!("the killer's thread broke"),
        };
        self.interrupt.store(false, Ordering::SeqCst);
        self.restart(stage, victim).with_context(|| format!("{victim:?} starts again"))?;
        let was_in_call = self.in_call && settled;
        let back = self
            .recover(victim, was_in_call)
            .with_context(|| format!("{victim:?} was killed during: {doing}"))?;
        let took = killed_at.elapsed();
        let desk = self.clerk.desk.clone();
        desk.audit().with_context(|| format!("after {victim:?} was killed during: {doing}"))?;
        desk.away.store(false, Ordering::SeqCst);
        desk.trouble()?;
        self.report.kill(victim, back, took);
        self.settle()?;
        let victim = format!("{victim:?}");
        Ok(format!("{victim:<8} {doing:<14} {:>5.1} s  {back}", took.as_secs_f64()))
    }

    fn pid(&mut self, victim: Victim) -> Result<i32> {
        let pid = match victim {
            Victim::Cloud => self.meeting.cloud.process().pid(),
            Victim::DaemonA => self.meeting.a.daemon.pid(),
            Victim::DaemonB => self.meeting.b.daemon.pid(),
            Victim::PanelA => self.meeting.a.kiosk.pid(),
            Victim::PanelB => self.meeting.b.kiosk.pid(),
        };
        Ok(i32::try_from(pid)?)
    }

    fn restart(&mut self, stage: &Stage, victim: Victim) -> Result<()> {
        match victim {
            Victim::Cloud => {
                self.meeting.cloud.kill()?; // Reaped.
                // What panels showed of the dead one says nothing of the new one.
                for index in [0, 1] {
                    self.until_unlinked(index)?;
                }
                self.meeting.cloud.start_again()
            }
            Victim::DaemonA => self.meeting.a.start_daemon_again(stage),
            Victim::DaemonB => self.meeting.b.start_daemon_again(stage),
            Victim::PanelA => self.meeting.a.start_kiosk_again(stage),
            Victim::PanelB => self.meeting.b.start_kiosk_again(stage),
        }
    }

    fn until_unlinked(&mut self, index: usize) -> Result<()> {
        let room = self.room(index);
        room.until("the link is down", BACK, |panel| (panel.link != LinkState::Up).then_some(()))
    }

    /// Waits until links, panels and the call are back.
    fn recover(&mut self, victim: Victim, was_in_call: bool) -> Result<Back> {
        for index in [0, 1] {
            self.until_linked(index)?;
        }
        if !was_in_call {
            return Ok(Back::Idle);
        }
        let over = match victim {
            Victim::DaemonA => Some(0),
            Victim::DaemonB => Some(1),
            Victim::Cloud | Victim::PanelA | Victim::PanelB => None,
        };
        let Some(over) = over else {
            for index in [0, 1] {
                until_good(self.room(index), 2)?;
                until_pictures(self.room(index))?;
            }
            return Ok(Back::Returned);
        };
        // Its panel says that it is in no call; the other room stays in.
        let idle = |screen: &Screen| matches!(screen, Screen::Idle { .. });
        self.room(over).until("the panel of the killed room is idle", BACK, |panel| {
            idle(&panel.screen).then_some(())
        })?;
        until_good(self.room(1 - over), 1)?;
        // And a person takes it back in.
        self.room(over).join(NUMBER, PIN)?;
        for index in [0, 1] {
            until_good(self.room(index), 2)?;
        }
        Ok(Back::Told)
    }

    /// Waits until a room is linked. One that was being enrolled when something was killed shows a
    /// code again, and is claimed again.
    fn until_linked(&mut self, index: usize) -> Result<()> {
        let desk = self.clerk.desk.clone();
        let room = self.room(index);
        let tag = room.tag();
        wait_until(&format!("{tag} is linked again"), BACK, || {
            // A panel that has just started shows nothing yet.
            let Ok(panel) = room.panel() else {
                room.daemon.check_running()?;
                room.kiosk.check_running()?;
                return Ok(false);
            };
            if let Screen::Activation { code: Some(_), .. } = &panel.screen {
                if let Some(code) = room.glance("code")? {
                    // Refused when it was claimed before the kill, and the panel is about to know.
                    let _ = claim(&desk, &code);
                }
                return Ok(false);
            }
            let starting = matches!(panel.screen, Screen::Starting);
            Ok(panel.link == LinkState::Up && panel.room.is_some() && !starting)
        })
        .with_context(|| format!("{tag} shows {:?}", self.room(index).panel()))
    }

    /// Notes the calls that panels show, and compares the volume with what it was; brings rooms that
    /// were on their way somewhere back to the beginning.
    fn settle(&mut self) -> Result<()> {
        self.note_calls();
        let shown = [self.shown_volume(0)?, self.shown_volume(1)?];
        for (index, shown) in shown.into_iter().enumerate() {
            let Some(shown) = shown else { continue };
            match &mut self.volumes[index] {
                Some(held) => held.check(&format!("volume of room {index}"), shown)?,
                None => self.volumes[index] = Some(Held::new(shown)),
            }
        }
        if shown.iter().all(Option::is_some) {
            self.in_call = true;
            return Ok(());
        }
        for index in [0, 1] {
            to_idle(self.room(index))?;
        }
        self.in_call = false;
        Ok(())
    }

    fn shown_volume(&mut self, index: usize) -> Result<Option<u8>> {
        let in_call = self.room(index).in_call()?;
        Ok(in_call.filter(|call| call.health == CallHealth::Good).map(|call| call.volume))
    }

    /// Calls that panels show and daemons name: their records have to stay.
    fn note_calls(&mut self) {
        let named = [0, 1].map(|index| {
            let room = self.room(index);
            let shown = room.in_call().ok().flatten();
            let good = shown.is_some_and(|call| call.health == CallHealth::Good);
            room.status().ok().flatten().and_then(|status| status.call).filter(|_| good)
        });
        let mut ledger = self.clerk.desk.ledger();
        ledger.calls.extend(named.into_iter().flatten().map(|call| call.call));
    }

    fn next_act(&mut self) -> (&'static str, fn(&mut Storm) -> Result<()>) {
        match (self.in_call, self.chance.below(10)) {
            (false, 0 | 1) => ("enrol anew", Storm::enrol_anew),
            (false, _) => ("join", Storm::join),
            (true, 0) => ("leave", Storm::leave),
            (true, 1..=4) => ("volume", Storm::volume),
            (true, _) => ("talk", Storm::talk),
        }
    }

    fn join(&mut self) -> Result<()> {
        for index in [0, 1] {
            self.room(index).join(NUMBER, PIN)?;
        }
        for index in [0, 1] {
            until_good(self.room(index), 2)?;
            until_pictures(self.room(index))?;
        }
        self.in_call = true;
        self.note_calls();
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        self.note_calls();
        for index in [0, 1] {
            self.room(index).press("leave")?;
            to_idle(self.room(index))?;
        }
        self.in_call = false;
        Ok(())
    }

    /// Until half a second more of the call has passed on the panel, or something happens.
    fn talk(&mut self) -> Result<()> {
        let call = self.meeting.a.in_call()?.context("room A is in no call")?;
        self.meeting.a.until("the call goes on", BACK, |panel| match &panel.screen {
            Screen::InCall(now) => (now.seconds > call.seconds).then_some(()),
            _ => None,
        })
    }

    /// Someone changes the volume of a room, and the panel shows it.
    fn volume(&mut self) -> Result<()> {
        let index = usize::from(self.chance.below(2) == 1);
        let before = self.shown_volume(index)?.context("no call to hear")?;
        let (button, to) = if before >= 100 || (before > 20 && self.chance.below(2) == 0) {
            ("softer", before - 10)
        } else {
            ("louder", before + 10)
        };
        let mut held = self.volumes[index].take().unwrap_or_else(|| Held::new(before));
        held.ask(to);
        self.volumes[index] = Some(held);
        self.room(index).press(button)?;
        self.room(index).until("the new volume", BACK, |panel| match &panel.screen {
            Screen::InCall(call) => (call.volume == to).then_some(()),
            _ => None,
        })?;
        if let Some(held) = &mut self.volumes[index] {
            held.acknowledged();
        }
        Ok(())
    }

    /// Room B is revoked, shows a code, and is enrolled as another room.
    fn enrol_anew(&mut self) -> Result<()> {
        let desk = self.clerk.desk.clone();
        {
            let mut ledger = desk.ledger();
            let voltaire = |held: &Held<(String, bool)>| held.is().0 == VOLTAIRE && held.is().1;
            let id = ledger.rooms.iter().find(|(_, held)| voltaire(held)).map(|(id, _)| id.clone());
            let id = id.context("room B is not in the ledger")?;
            let revoked = (VOLTAIRE.to_owned(), false);
            let arguments = ["room", "revoke", &id];
            desk.order(&mut ledger, |l| &mut l.rooms, &id, revoked, &arguments)?;
        }
        let code = self.meeting.b.code()?;
        claim(&desk, &code)?;
        to_idle(&mut self.meeting.b)
    }
}

/// Claims room B's code, and notes the room that came of it.
fn claim(desk: &Desk, code: &str) -> Result<()> {
    let mut ledger = desk.ledger();
    let printed = desk.console.command(&["room", "claim", code, "--name", VOLTAIRE, "--json"])?;
    let answer: serde_json::Value = serde_json::from_str(&printed)?;
    let id = text(&answer["room"], "room")?;
    ledger.acknowledged += 1;
    ledger.rooms.insert(id, Held::new((VOLTAIRE.to_owned(), true)));
    Ok(())
}

fn until_good(room: &mut Room, participants: usize) -> Result<()> {
    room.until("a call in good health", BACK, |panel| match &panel.screen {
        Screen::InCall(call)
            if call.health == CallHealth::Good && call.participants.len() >= participants =>
        {
            Some(())
        }
        _ => None,
    })
}

/// Waits until the room decodes pictures of somebody else.
fn until_pictures(room: &mut Room) -> Result<()> {
    wait_for(&format!("{} decodes pictures", room.tag()), BACK, || {
        room.panel()?;
        let status = room.status()?;
        Ok(status.filter(|now| now.media.participants.iter().any(|p| p.fps > 0.0)).map(drop))
    })
}

/// Leaves whatever is on the screen, as a person would.
fn to_idle(room: &mut Room) -> Result<()> {
    let tag = room.tag();
    wait_until(&format!("{tag} is idle"), BACK, || {
        let panel = room.panel()?;
        match panel.screen {
            Screen::Idle { .. } => return Ok(panel.link == LinkState::Up && panel.room.is_some()),
            Screen::InCall(_) | Screen::Lobby { .. } => room.try_press("leave")?,
            Screen::Number { .. }
            | Screen::Pin { .. }
            | Screen::ResetCode { .. }
            | Screen::ResetConfirm { .. }
            | Screen::Stick { .. } => room.try_press("back")?,
            Screen::Connecting { .. }
            | Screen::Starting
            | Screen::Activation { .. }
            | Screen::Resetting
            | Screen::ResetReceipt(_) => {}
        }
        Ok(false)
    })
}

//! A room in the simulation: the room's rules on the link's machine.

use crate::system::{System, Wants};
use crate::world::{ConnId, Event, Net};
use conclave_call::{AskId, State};
use conclave_cloud::switchboard::Peer;
use conclave_link_protocol::link::{Input as LinkInput, Link, Output as LinkOutput};
use conclave_link_protocol::message::{Greeting, WantedSettings};
use conclave_link_protocol::{DownReason, RequestId};
use conclave_panel_api::{Language, Layout, Panel, Tap};
use conclave_room::media::{MediaCommand, MediaEvent};
use conclave_room::{Facts, Input, LinkTrouble, Output, Room as Rules, Settings};
use conclave_types::{CallId, LegId, Redacted, RoomId, Time};
use conclave_update::{Input as Update, Of, Use};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// One room.
pub(crate) struct Room {
    index: usize,
    pub(crate) rules: Rules,
    link: Link,
    pub(crate) conn: Option<ConnId>,
    /// The dial that is under way; an older one's end is not listened to.
    dial: u64,
    enrolled: Option<RoomId>,
    asked: BTreeMap<RequestId, AskId>,
    next_request: u64,
    pub(crate) media: Option<(CallId, LegId)>,
    pub(crate) system: System,
    chunks: BTreeMap<RequestId, (Of, u64)>,
    /// On its disk: what IT wants of it.
    wanted: Option<WantedSettings>,
}

impl Room {
    pub(crate) fn new(index: usize, now: Time, net: &mut Net) -> Room {
        let serial = format!("SIM-{index}");
        let settings = Settings { language: Language::English, volume: 50, layout: Layout::Grid };
        let mut room = Room {
            index,
            rules: Rules::new(
                Facts {
                    serial: serial.clone(),
                    key: String::new(),
                    development: false,
                    knows_zone: |_| true,
                },
                settings,
                None,
            ),
            link: Link::new("sim", &serial, net.chance.below(u64::MAX)),
            conn: None,
            dial: 0,
            enrolled: None,
            asked: BTreeMap::new(),
            next_request: 0,
            media: None,
            system: System::new(now),
            chunks: BTreeMap::new(),
            wanted: None,
        };
        room.settle(now, net);
        room
    }

    /// What its certificate says to the cloud.
    pub(crate) fn peer(&self) -> Peer {
        let spki_der = format!("key of room {}", self.index).into_bytes();
        match self.enrolled {
            Some(room) => Peer::Enrolled { room, spki_der },
            None => Peer::Newcomer { spki_der },
        }
    }

    pub(crate) fn panel(&self, now: Time) -> Panel {
        self.rules.panel(now)
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        let all = [self.rules.deadline(), self.link.deadline(), self.system.deadline()];
        all.into_iter().flatten().min()
    }

    /// The clock in the room.
    pub(crate) fn clock(&mut self, now: Time, net: &mut Net, minute: u16) {
        self.system.minute = minute;
        self.system.give(now, Update::Clock(minute));
        self.settle(now, net);
    }

    /// The machine starts anew: with everything that was on its disk, and nothing else.
    fn restart(&mut self, now: Time, net: &mut Net) {
        assert!(self.media.is_none(), "nobody is thrown out of a call");
        if let Some(conn) = self.conn.take() {
            net.close_up(now, conn);
        }
        let fresh = Room::new(self.index, now, net);
        let system = std::mem::replace(&mut self.system, fresh.system);
        // Dials of before are not listened to, and the first one of now goes on.
        (self.rules, self.link, self.dial) = (fresh.rules, fresh.link, self.dial + 1);
        self.system = system;
        if let Some(wanted) = &self.wanted {
            self.rules.remember_wanted(wanted);
        }
        self.system.start(now);
        self.asked.clear();
        self.chunks.clear();
        net.dial(now, self.index, self.dial);
        self.settle(now, net);
    }

    fn used(&self) -> Use {
        if matches!(self.rules.call(), State::Idle) { Use::Free } else { Use::Call }
    }

    pub(crate) fn tap(&mut self, now: Time, net: &mut Net, tap: Tap) {
        self.rules.handle(now, Input::Tap(tap));
        self.settle(now, net);
    }

    pub(crate) fn dialled(&mut self, now: Time, net: &mut Net, dial: u64, conn: Option<ConnId>) {
        if dial != self.dial {
            return;
        }
        match conn {
            Some(conn) => {
                self.conn = Some(conn);
                self.link.handle(now, LinkInput::Dialled);
            }
            None => {
                let reason = DownReason::Unreachable { detail: "nobody there".to_owned() };
                self.link.handle(now, LinkInput::DialFailed(reason));
            }
        }
        self.settle(now, net);
    }

    pub(crate) fn received(&mut self, now: Time, net: &mut Net, bytes: &[u8]) {
        self.link.handle(now, LinkInput::Received(bytes));
        self.settle(now, net);
    }

    pub(crate) fn broken(&mut self, now: Time, net: &mut Net) {
        self.conn = None;
        self.link.handle(now, LinkInput::Ended { detail: "cut".to_owned() });
        self.settle(now, net);
    }

    pub(crate) fn tick(&mut self, now: Time, net: &mut Net) {
        if self.link.deadline().is_some_and(|at| at <= now) {
            self.link.handle(now, LinkInput::Tick);
        }
        if self.rules.deadline().is_some_and(|at| at <= now) {
            self.rules.handle(now, Input::Tick);
        }
        if self.system.restart_at().is_some_and(|at| at <= now) {
            return self.restart(now, net);
        }
        self.settle(now, net);
    }

    /// The node does not answer any more.
    pub(crate) fn leg_gone(&mut self, now: Time, net: &mut Net, leg: LegId) {
        if let Some((call, mine)) = self.media
            && mine == leg
        {
            let event = MediaEvent::Flowing { call, flowing: false };
            self.rules.handle(now, Input::Media(event));
            self.settle(now, net);
        }
    }

    fn settle(&mut self, now: Time, net: &mut Net) {
        loop {
            let used = self.used();
            self.system.tick(now, used);
            if let Some(wants) = self.system.poll(now) {
                self.system_wants(now, wants);
            } else if let Some(output) = self.link.poll_output() {
                self.link_wants(now, net, output);
            } else if let Some(output) = self.rules.poll_output() {
                self.rules_want(now, net, output);
            } else {
                break;
            }
        }
    }

    fn system_wants(&mut self, now: Time, wants: Wants) {
        match wants {
            Wants::Ask { of, offset, request } => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.chunks.insert(id, (of, offset));
                self.link.handle(now, LinkInput::Request { id, request });
            }
            Wants::Tell(event) => self.link.handle(now, LinkInput::Event(event)),
        }
    }

    fn link_wants(&mut self, now: Time, net: &mut Net, output: LinkOutput) {
        match output {
            LinkOutput::Dial { .. } => {
                self.dial += 1;
                net.dial(now, self.index, self.dial);
            }
            LinkOutput::Write(bytes) => {
                if let Some(conn) = self.conn {
                    net.send_up(now, conn, bytes.expose());
                }
            }
            LinkOutput::Close => {
                self.dial += 1;
                if let Some(conn) = self.conn.take() {
                    net.close_up(now, conn);
                }
            }
            LinkOutput::Up(greeting) => {
                let cloud = Redacted(IpAddr::V4(Ipv4Addr::LOCALHOST));
                if matches!(greeting, Greeting::Welcome(_)) {
                    self.system.give(now, Update::LinkUp);
                }
                self.rules.handle(now, Input::LinkUp { greeting, cloud });
            }
            LinkOutput::Answered { id, result } => {
                if let Some((of, offset)) = self.chunks.remove(&id) {
                    self.system.answered(now, of, offset, result.ok());
                } else if let Some(ask) = self.asked.remove(&id) {
                    self.rules.handle(now, Input::Answered { ask, answer: result.ok() });
                }
            }
            LinkOutput::Event(event) => {
                if !self.system.cloud(now, &event) {
                    self.rules.handle(now, Input::Cloud(event));
                }
            }
            LinkOutput::Request { .. } => {}
            LinkOutput::Down { retry_at, .. } => {
                self.system.give(now, Update::LinkDown);
                let (trouble, retry_in) = (LinkTrouble::Unreachable, retry_at.since(now));
                self.rules.handle(now, Input::LinkDown { trouble, retry_in });
            }
        }
    }

    fn rules_want(&mut self, now: Time, net: &mut Net, output: Output) {
        match output {
            Output::Ask { ask, request } => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.asked.insert(id, ask);
                self.link.handle(now, LinkInput::Request { id, request });
            }
            Output::Tell(event) => self.link.handle(now, LinkInput::Event(event)),
            Output::Hold(calls) => self.link.handle(now, LinkInput::Hold(calls)),
            Output::Enrol { room, .. } => {
                self.enrolled = Some(room.room);
                self.link.handle(now, LinkInput::Reconnect);
            }
            Output::Forget => {
                self.enrolled = None;
                self.link.handle(now, LinkInput::Reconnect);
            }
            Output::Media(MediaCommand::StartCall { call, leg, .. }) => {
                assert!(self.media.is_none(), "media is started once");
                self.media = Some((call, leg.leg));
                let first = net.chance.millis(5, 100);
                net.schedule(now + first, Event::Packets { leg: leg.leg, flowing: true });
            }
            Output::Media(MediaCommand::StopCall) => {
                if let Some((_, leg)) = self.media.take() {
                    let silent = now + std::time::Duration::from_secs(15);
                    net.schedule(silent, Event::Packets { leg, flowing: false });
                }
            }
            Output::KeepWanted(wanted) => self.wanted = wanted,
            Output::Media(_)
            | Output::Light(_)
            | Output::Panel(_)
            | Output::Save(_)
            | Output::Renew(_)
            | Output::Remember(_) => {}
            // Nobody resets a room here, or comes with a stick.
            Output::Erase | Output::Restart | Output::RestartMachine | Output::InstallStick => {}
            Output::CollectLogs { number } => {
                let logs = conclave_room::Parcel(b"nothing is logged here".to_vec());
                self.rules.handle(now, Input::Collected { number, logs });
            }
        }
    }

    /// The call that it is in and that is well.
    pub(crate) fn call(&self) -> Option<CallId> {
        match self.rules.call() {
            State::Up(up) => Some(up.call),
            _ => None,
        }
    }
}

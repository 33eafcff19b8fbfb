//! The world: rooms, one cloud, and the network between them, driven by one clock.

use crate::chance::Chance;
use crate::cloud::Cloud;
use crate::room::Room;
use crate::system::Fate;
use conclave_cloud::control::{ControlAnswer, ControlRequest, NewVmr};
use conclave_directory::PinHash;
use conclave_link_protocol::message::UpdateReport;
use conclave_panel_api::{Panel, Screen, Tap};
use conclave_types::{CallId, LegId, Pin, Time, Version};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

/// One connection. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnId(pub(crate) u64);

/// Whether a room's packets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// They do.
    Whole,
    /// They wait, and nobody is told: a cable pulled somewhere on the way.
    BlackHole,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Connected {
        room: usize,
        dial: u64,
    },
    Up {
        conn: ConnId,
        bytes: Vec<u8>,
    },
    Down {
        conn: ConnId,
        bytes: Vec<u8>,
    },
    /// The room's end closed or broke.
    UpClosed(ConnId),
    /// The cloud's end closed or broke.
    DownClosed(ConnId),
    Packets {
        leg: LegId,
        flowing: bool,
    },
    LegGone(LegId),
}

#[derive(Debug)]
struct Conn {
    room: usize,
    up_until: Time,
    down_until: Time,
}

/// PINs were checked by Argon2id once; the same answer is given from memory afterwards, so that
/// thousands of joins do not take hours.
#[derive(Default)]
pub(crate) struct Pins(HashMap<(String, String), bool>);

impl Pins {
    pub(crate) fn check(&mut self, hash: &PinHash, pin: &Pin) -> bool {
        // A hash has no printable form; one VMR per world, so the PIN tells them apart.
        let key = (String::new(), pin.expose().to_owned());
        *self.0.entry(key).or_insert_with(|| hash.matches(pin))
    }
}

/// What is under way.
pub(crate) struct Net {
    pub(crate) chance: Chance,
    pub(crate) pins: Pins,
    queue: BinaryHeap<Reverse<(Time, u64, Event)>>,
    order: u64,
    conns: BTreeMap<ConnId, Conn>,
    links: Vec<Link>,
    /// What TCP holds back for each room while its cable is pulled, in order.
    stalled: Vec<Vec<Event>>,
}

impl Net {
    pub(crate) fn schedule(&mut self, at: Time, event: Event) {
        self.order += 1;
        self.queue.push(Reverse((at, self.order, event)));
    }

    pub(crate) fn dial(&mut self, now: Time, room: usize, dial: u64) {
        let wait = self.chance.millis(5, 200);
        self.schedule(now + wait, Event::Connected { room, dial });
    }

    /// One way through: a delay, now and then a lost segment that is sent again.
    fn delay(&mut self) -> Duration {
        let lost = if self.chance.below(20) == 0 { 300 } else { 0 };
        self.chance.millis(2 + lost, 80 + lost)
    }

    pub(crate) fn send_up(&mut self, now: Time, conn: ConnId, bytes: &[u8]) {
        for part in self.parts(bytes) {
            let wait = self.delay();
            let Some(c) = self.conns.get_mut(&conn) else { return };
            c.up_until = c.up_until.max(now + wait);
            let at = c.up_until;
            self.schedule(at, Event::Up { conn, bytes: part });
        }
    }

    pub(crate) fn send_down(&mut self, now: Time, conn: ConnId, bytes: &[u8]) {
        for part in self.parts(bytes) {
            let wait = self.delay();
            let Some(c) = self.conns.get_mut(&conn) else { return };
            c.down_until = c.down_until.max(now + wait);
            let at = c.down_until;
            self.schedule(at, Event::Down { conn, bytes: part });
        }
    }

    pub(crate) fn close_up(&mut self, now: Time, conn: ConnId) {
        if let Some(at) = self.conns.get(&conn).map(|c| c.up_until.max(now)) {
            self.schedule(at, Event::UpClosed(conn));
        }
    }

    pub(crate) fn close_down(&mut self, now: Time, conn: ConnId) {
        if let Some(at) = self.conns.get(&conn).map(|c| c.down_until.max(now)) {
            self.schedule(at, Event::DownClosed(conn));
        }
    }

    fn parts(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        if bytes.len() < 2 || self.chance.below(3) != 0 {
            return vec![bytes.to_vec()];
        }
        let cut = 1 + self.chance.below(bytes.len() as u64 - 1) as usize;
        vec![bytes[..cut].to_vec(), bytes[cut..].to_vec()]
    }

    /// Hands back what may pass now; TCP keeps the rest for later, as it would.
    fn pass_or_stall(&mut self, event: Event) -> Option<Event> {
        let conn = match &event {
            Event::Up { conn, .. } | Event::Down { conn, .. } => conn,
            Event::UpClosed(conn) | Event::DownClosed(conn) => conn,
            Event::Connected { .. } | Event::Packets { .. } | Event::LegGone(_) => {
                return Some(event);
            }
        };
        let room = self.conns.get(conn)?.room;
        match self.links[room] {
            Link::Whole => Some(event),
            Link::BlackHole => {
                self.stalled[room].push(event);
                None
            }
        }
    }
}

/// All of it.
pub struct World {
    now: Time,
    net: Net,
    cloud: Option<Cloud>,
    runs: u64,
    rooms: Vec<Room>,
    next_conn: u64,
    folder: tempfile::TempDir,
    log: Vec<String>,
}

impl World {
    /// A cloud and so many rooms, each enrolled by the code on its panel, and the meeting room 4711
    /// with the PIN 2468.
    pub fn new(seed: u64, rooms: usize) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut world = World {
            now: Time::ZERO,
            net: Net {
                chance: Chance::new(seed),
                pins: Pins::default(),
                queue: BinaryHeap::new(),
                order: 0,
                conns: BTreeMap::new(),
                links: vec![Link::Whole; rooms],
                stalled: (0..rooms).map(|_| Vec::new()).collect(),
            },
            cloud: None,
            runs: 0,
            rooms: Vec::new(),
            next_conn: 0,
            folder,
            log: Vec::new(),
        };
        world.start_cloud();
        for index in 0..rooms {
            let room = Room::new(index, world.now, &mut world.net);
            world.rooms.push(room);
        }
        for index in 0..rooms {
            let code = world.wait_for("a code", Duration::from_secs(60), |world| {
                match world.panel(index).screen {
                    Screen::Activation { code, .. } => code,
                    _ => None,
                }
            });
            let name = format!("Room {index}").parse().expect("a name");
            world.control(ControlRequest::RoomClaim { code, name });
        }
        world
    }

    /// Makes the meeting room 4711, with the PIN 2468 or without one.
    pub fn make_vmr(&mut self, pin: Option<&str>, capacity: u32) {
        let number = "4711".parse().expect("a number");
        let name = "Board".parse().expect("a name");
        let vmr =
            ControlRequest::VmrCreate { new: NewVmr::plain(number, name, capacity), pin: None };
        self.control(vmr);
        if let Some(pin) = pin {
            let number = "4711".parse().expect("a number");
            let pin = Some(pin.parse().expect("a PIN"));
            self.control(ControlRequest::VmrSetPin { number, pin });
        }
    }

    /// Gives that meeting room a lobby.
    pub fn open_lobby(&mut self) {
        let number = "4711".parse().expect("a number");
        let (name, capacity) = (None, None);
        self.control(ControlRequest::VmrChange { number, name, capacity, lobby: Some(true) });
    }

    /// The moment.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What happened, for a failing test to print.
    pub fn log(&self) -> String {
        self.log.join("\n")
    }

    /// Chance, from the world's seed.
    pub fn chance(&mut self) -> &mut Chance {
        &mut self.net.chance
    }

    /// What a room's panel shows.
    pub fn panel(&self, room: usize) -> Panel {
        self.rooms[room].panel(self.now)
    }

    /// Sets the clock in every room, in minutes of the day.
    pub fn set_minute(&mut self, minute: u16) {
        for room in &mut self.rooms {
            room.clock(self.now, &mut self.net, minute);
        }
    }

    /// How a new system will be in a room.
    pub fn set_fate(&mut self, room: usize, fate: Fate) {
        self.rooms[room].system.fate = fate;
    }

    /// The system that a room runs.
    pub fn running(&self, room: usize) -> Version {
        self.rooms[room].system.running()
    }

    /// How far a room's update is.
    pub fn update(&self, room: usize) -> UpdateReport {
        self.rooms[room].system.report()
    }

    /// The same as one line.
    pub fn update_summary(&self, room: usize) -> String {
        self.rooms[room].system.summary()
    }

    /// The call that a room is in.
    pub fn call(&self, room: usize) -> Option<CallId> {
        self.rooms[room].call()
    }

    /// Whether the room's media and the node's leg belong together.
    pub fn media_flows(&self, room: usize) -> bool {
        match (&self.cloud, self.rooms[room].media) {
            (Some(cloud), Some((_, leg))) => cloud.has_leg(leg),
            _ => false,
        }
    }

    /// Someone touches a panel.
    pub fn tap(&mut self, room: usize, tap: Tap) {
        self.note(format!("room {room} taps {tap:?}"));
        self.rooms[room].tap(self.now, &mut self.net, tap);
    }

    /// Someone joins 4711 with the PIN, key by key.
    pub fn join(&mut self, room: usize) {
        for tap in [Tap::Back, Tap::Choose { number: "4711".parse().expect("a number") }] {
            self.tap(room, tap);
        }
        if let Screen::Pin { .. } = self.panel(room).screen {
            for digit in [2, 4, 6, 8] {
                self.tap(room, Tap::Digit { digit });
            }
            self.tap(room, Tap::Join);
        }
    }

    /// What an administrator asks of the running cloud.
    pub fn control(&mut self, request: ControlRequest) -> ControlAnswer {
        let cloud = self.cloud.as_mut().expect("the cloud runs");
        let answer = cloud.control(self.now, &mut self.net, request);
        assert!(!matches!(answer, ControlAnswer::Refused { .. }), "{answer:?}");
        answer
    }

    /// Pulls or mends a room's cable to the cloud's link. Media goes another way.
    pub fn set_link(&mut self, room: usize, link: Link) {
        self.note(format!("room {room}: {link:?}"));
        self.net.links[room] = link;
        if link == Link::Whole {
            for event in std::mem::take(&mut self.net.stalled[room]) {
                self.net.schedule(self.now, event);
            }
        }
    }

    /// Breaks a room's connection, and tells both ends.
    pub fn reset_link(&mut self, room: usize) {
        self.note(format!("room {room}: connection reset"));
        if let Some(conn) = self.rooms[room].conn {
            self.net.close_up(self.now, conn);
            self.net.close_down(self.now, conn);
        }
    }

    /// Kills the cloud: nothing is said, nothing is closed.
    pub fn kill_cloud(&mut self) {
        self.note("the cloud is killed".to_owned());
        if self.cloud.take().is_some() {
            for room in 0..self.rooms.len() {
                if let Some(conn) = self.rooms[room].conn {
                    self.net.close_down(self.now, conn);
                }
                if let Some((_, leg)) = self.rooms[room].media {
                    self.net.schedule(self.now + Duration::from_secs(2), Event::LegGone(leg));
                }
            }
        }
    }

    /// Starts the cloud on the database of the last run.
    pub fn start_cloud(&mut self) {
        self.note("the cloud starts".to_owned());
        if self.cloud.is_none() {
            self.runs += 1;
            let database = self.folder.path().join("cloud.sqlite");
            self.cloud = Some(Cloud::start(&database, self.now, self.runs));
        }
    }

    /// Whether the cloud runs.
    pub fn cloud_runs(&self) -> bool {
        self.cloud.is_some()
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until something is there; panics with the log when it never is.
    pub fn wait_for<T>(
        &mut self,
        what: &str,
        most: Duration,
        mut there: impl FnMut(&World) -> Option<T>,
    ) -> T {
        let end = self.now + most;
        loop {
            if let Some(found) = there(self) {
                return found;
            }
            assert!(self.step(end), "{what} did not come within {most:?}\n{}", self.log());
        }
    }

    fn note(&mut self, what: String) {
        self.log.push(format!("{:10.3} s  {what}", self.now.as_micros() as f64 / 1e6));
    }

    /// Goes on to the next thing that happens before `end`.
    fn step(&mut self, end: Time) -> bool {
        let event = self.net.queue.peek().map(|Reverse((at, ..))| *at);
        let room = self.rooms.iter().filter_map(Room::deadline).min();
        let cloud = self.cloud.as_ref().and_then(Cloud::deadline);
        let Some(next) = [event, room, cloud].into_iter().flatten().min() else { return false };
        if next > end {
            return false;
        }
        self.now = self.now.max(next);
        if event.is_some_and(|at| at <= self.now) {
            if let Some(Reverse((_, _, event))) = self.net.queue.pop() {
                self.happen(event);
            }
        } else {
            for room in &mut self.rooms {
                if room.deadline().is_some_and(|at| at <= self.now) {
                    room.tick(self.now, &mut self.net);
                }
            }
            if let Some(cloud) = &mut self.cloud
                && cloud.deadline().is_some_and(|at| at <= self.now)
            {
                cloud.tick(self.now, &mut self.net);
            }
        }
        true
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        let Some(event) = self.net.pass_or_stall(event) else { return };
        match event {
            Event::Connected { room, dial } => {
                let there = self.net.links[room] == Link::Whole;
                let conn = match &mut self.cloud {
                    Some(cloud) if there => {
                        self.next_conn += 1;
                        let conn = ConnId(self.next_conn);
                        let fresh = Conn { room, up_until: now, down_until: now };
                        self.net.conns.insert(conn, fresh);
                        cloud.accept(now, conn, self.rooms[room].peer());
                        Some(conn)
                    }
                    _ => None,
                };
                self.rooms[room].dialled(now, &mut self.net, dial, conn);
                if let Some(conn) = conn
                    && self.rooms[room].conn != Some(conn)
                {
                    self.net.close_up(now, conn);
                }
            }
            Event::Up { conn, bytes } => {
                match &mut self.cloud {
                    Some(cloud) if cloud.knows(conn) => {
                        cloud.received(now, &mut self.net, conn, &bytes);
                    }
                    // Another run of the cloud, or none: the system resets the connection.
                    _ => self.net.close_down(now, conn),
                }
            }
            Event::Down { conn, bytes } => {
                if let Some(room) = self.room_on(conn) {
                    self.rooms[room].received(now, &mut self.net, &bytes);
                }
            }
            Event::UpClosed(conn) => {
                if let Some(cloud) = &mut self.cloud {
                    cloud.broken(now, &mut self.net, conn);
                }
            }
            Event::DownClosed(conn) => {
                if let Some(room) = self.room_on(conn) {
                    self.rooms[room].broken(now, &mut self.net);
                }
            }
            Event::Packets { leg, flowing } => {
                let sent = self.rooms.iter().any(|r| r.media.is_some_and(|(_, mine)| mine == leg));
                if let Some(cloud) = &mut self.cloud
                    && sent == flowing
                {
                    cloud.packets(now, &mut self.net, leg, flowing);
                }
            }
            Event::LegGone(leg) => {
                for room in &mut self.rooms {
                    room.leg_gone(now, &mut self.net, leg);
                }
            }
        }
    }

    fn room_on(&self, conn: ConnId) -> Option<usize> {
        self.rooms.iter().position(|room| room.conn == Some(conn))
    }
}

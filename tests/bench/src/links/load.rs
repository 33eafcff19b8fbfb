//! The rooms' end, in a process of its own: `conclave-bench links-load`.
//!
//! It reads one task in JSON per line and answers each with one line. Links that it holds are kept
//! alive beside everything else, as rooms do.

use super::fleet::wall;
use super::people::{self, People, Person};
use super::servers::{self, Server};
use super::wire::{Client, Connection, Kind, Ticket};
use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How the program is told to be a load instead.
pub(crate) const ARGUMENT: &str = "links-load";

/// Rooms that connect and close again and again, each from a thread of its own: enough to keep a
/// server of two threads at work, few enough not to queue.
const CONNECTING: usize = 4;

/// A room's keep-alive, as `ROOM_IDLE` of the link's protocol.
const KEEP_ALIVE: Duration = conclave_link_protocol::session::ROOM_IDLE;

/// For so long all links are looked at; below the keep-alive, which waits meanwhile.
const HEARING: Duration = Duration::from_secs(12);

/// Between two requests.
const BETWEEN: Duration = Duration::from_millis(1);

#[derive(Debug, Serialize, Deserialize)]
struct Plan {
    kind: Kind,
    server: SocketAddr,
    people: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
enum Task {
    /// Connect these rooms and keep them.
    Hold { first: usize, count: usize },
    /// Connect and close for so long.
    Connect { ticket: Ticket, milliseconds: u64 },
    /// Ask on the held links in turn.
    Ask { count: usize },
    /// Wait until every held link was told something.
    Hear,
    /// Have the server tell all links something.
    Publish,
}

/// How many links came about.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Connected {
    pub(crate) all: u64,
    pub(crate) resumed: u64,
}

/// From each request to its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) microseconds: Vec<f64>,
}

/// When each link was told something, in microseconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) at: Vec<f64>,
    /// Links that were told nothing.
    pub(crate) missing: usize,
}

/// A load at work.
pub(crate) struct Load {
    child: Child,
    tasks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Load {
    pub(crate) fn start(server: &Server, people: &People) -> Result<Load> {
        let plan = Plan { kind: server.kind, server: server.address, people: people.file() };
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .arg(serde_json::to_string(&plan)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let tasks = child.stdin.take().context("no way to the load")?;
        let answers = BufReader::new(child.stdout.take().context("no way from the load")?);
        Ok(Load { child, tasks, answers })
    }

    /// Connects rooms and keeps them, from the given one on.
    pub(crate) fn hold(&mut self, first: usize, count: usize) -> Result<()> {
        self.give(&Task::Hold { first, count })
    }

    /// Connects and closes for so long.
    pub(crate) fn connect(&mut self, ticket: Ticket, span: Duration) -> Result<Connected> {
        let milliseconds = u64::try_from(span.as_millis())?;
        self.give(&Task::Connect { ticket, milliseconds })
    }

    /// Asks on the held links in turn.
    pub(crate) fn ask(&mut self, count: usize) -> Result<Asked> {
        self.give(&Task::Ask { count })
    }

    /// Waits until every held link was told something.
    pub(crate) fn hear(&mut self) -> Result<Heard> {
        self.give(&Task::Hear)
    }

    /// Has the server tell all links something; when, in microseconds since 1970.
    pub(crate) fn publish(&mut self) -> Result<f64> {
        self.give(&Task::Publish)
    }

    fn give<A: DeserializeOwned>(&mut self, task: &Task) -> Result<A> {
        writeln!(self.tasks, "{}", serde_json::to_string(task)?).context("the load has ended")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Result<A, String> = serde_json::from_str(&line)
            .with_context(|| format!("the load has ended at {task:?}"))?;
        answer.map_err(anyhow::Error::msg).with_context(|| format!("{task:?}"))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The load's own program: does the tasks until there are no more.
pub(crate) fn run(plan: &str) -> Result<()> {
    servers::raise_file_limit()?;
    let plan: Plan = serde_json::from_str(plan)?;
    let people = people::read(&plan.people)?;
    let player = Player { plan, people, resuming: OnceLock::new(), held: Arc::default() };
    player.keep_alive();
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Task::Hold { first, count } => told(player.hold(first, count)),
            Task::Connect { ticket, milliseconds } => {
                told(player.connect(ticket, Duration::from_millis(milliseconds)))
            }
            Task::Ask { count } => told(player.ask(count)),
            Task::Hear => told(player.hear()),
            Task::Publish => told(player.publish()),
        };
        writeln!(out, "{}", answer?)?;
        out.flush()?;
    }
    Ok(())
}

fn told<A: Serialize>(answer: Result<A>) -> Result<String> {
    Ok(serde_json::to_string(&answer.map_err(|trouble| format!("{trouble:#}")))?)
}

struct Player {
    plan: Plan,
    people: Vec<Person>,
    /// Those that connect and close; their tickets outlive a task.
    resuming: OnceLock<Vec<Client>>,
    held: Arc<Mutex<Vec<Held>>>,
}

struct Held {
    connection: Connection,
    /// When it last said something.
    said: Instant,
}

impl Player {
    fn client(&self, number: usize, ticket: Ticket) -> Result<Client> {
        let person = self.people.get(number).context("no room of that number")?;
        Client::new(self.plan.kind, self.plan.server, number, person, ticket)
    }

    fn hold(&self, first: usize, count: usize) -> Result<()> {
        for number in first..first + count {
            let mut connection = self.client(number, Ticket::Never)?.connect()?;
            connection.subscribe(number)?;
            let held = Held { connection, said: Instant::now() };
            self.held.lock().unwrap_or_else(PoisonError::into_inner).push(held);
        }
        Ok(())
    }

    /// Rooms from the far end: they are not held by anybody.
    fn coming_and_going(&self, ticket: Ticket) -> Result<Vec<Client>> {
        let count = CONNECTING * 8;
        (0..count).map(|back| self.client(self.people.len() - 1 - back, ticket)).collect()
    }

    fn connect(&self, ticket: Ticket, span: Duration) -> Result<Connected> {
        let (fresh, clients);
        if ticket == Ticket::Never {
            fresh = self.coming_and_going(ticket)?;
            clients = &fresh;
        } else {
            if self.resuming.get().is_none() {
                let first = self.coming_and_going(ticket)?;
                for client in &first {
                    // Brings the first ticket.
                    client.connect()?.close()?;
                }
                // Only this thread sets it.
                let _ = self.resuming.set(first);
            }
            clients = self.resuming.get().context("no clients")?;
        }
        let end = Instant::now() + span;
        std::thread::scope(|scope| {
            let threads: Vec<_> = clients
                .chunks(8)
                .map(|clients| scope.spawn(move || connect_until(clients, end)))
                .collect();
            let mut all = Connected::default();
            for thread in threads {
                let one = thread.join().map_err(|_| anyhow::anyhow!("a thread fell over"))??;
                all.all += one.all;
                all.resumed += one.resumed;
            }
            Ok(all)
        })
    }

    fn ask(&self, count: usize) -> Result<Asked> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        anyhow::ensure!(!held.is_empty(), "no link to ask on");
        let mut microseconds = Vec::with_capacity(count);
        let links = held.len();
        for number in 0..count {
            let link = &mut held[number % links];
            let begun = Instant::now();
            link.connection.ask()?;
            microseconds.push(begun.elapsed().as_secs_f64() * 1e6);
            link.said = Instant::now();
            std::thread::sleep(BETWEEN);
        }
        Ok(Asked { microseconds })
    }

    /// Looks at all links in turn, answers each that is told something, until all were.
    fn hear(&self) -> Result<Heard> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter_mut().try_for_each(|link| link.connection.wait_for_nothing(true))?;
        let (mut at, mut waiting) = (Vec::new(), (0..held.len()).collect::<Vec<_>>());
        let end = Instant::now() + HEARING;
        while !waiting.is_empty() && Instant::now() < end {
            let mut still = Vec::with_capacity(waiting.len());
            for number in waiting {
                if held[number].connection.was_told()? {
                    at.push(wall());
                } else {
                    still.push(number);
                }
            }
            waiting = still;
        }
        held.iter_mut().try_for_each(|link| link.connection.wait_for_nothing(false))?;
        Ok(Heard { at, missing: waiting.len() })
    }

    fn publish(&self) -> Result<f64> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let said = wall();
        held.first_mut().context("no link to say it on")?.connection.publish()?;
        Ok(said)
    }

    /// Pings every held link that has said nothing for a while, spread as they came.
    fn keep_alive(&self) {
        let held = self.held.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(20));
                let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                for link in held.iter_mut().filter(|link| link.said.elapsed() >= KEEP_ALIVE) {
                    if let Err(trouble) = link.connection.keep_alive() {
                        eprintln!("  a link was lost: {trouble:#}");
                    }
                    link.said = Instant::now();
                }
            }
        });
    }
}

fn connect_until(clients: &[Client], end: Instant) -> Result<Connected> {
    let mut connected = Connected::default();
    for client in clients.iter().cycle() {
        if Instant::now() >= end {
            break;
        }
        let connection = client.connect()?;
        connected.all += 1;
        connected.resumed += u64::from(connection.was_resumed());
        connection.close()?;
    }
    Ok(connected)
}

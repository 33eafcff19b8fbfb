//! The link beside mosquitto and nginx: memory of idle links, links accepted per CPU-second, and
//! the time from a request to its answer.
//!
//! - `people`: 10,000 enrolled rooms with keys and certificates of their own, in a cloud's folder;
//! - `servers`: the three servers, each a process of its own, with the same key and certificates;
//! - `load`: the rooms' end, a process of its own too (`conclave-bench links-load`);
//! - `fleet`: all rooms are told something at once;
//! - `wire`: what a client says to each of the three.

mod fleet;
pub(crate) mod load;
mod people;
mod servers;
mod wire;

use crate::Effort;
use crate::machine::Watch;
use crate::process::percentile;
use crate::table::{Goal, Other, Part, Plot, Row};
use anyhow::Result;
use fleet::Pushed;
use load::{Asked, Load};
use people::People;
use servers::Server;
use std::time::Duration;
use wire::{Kind, Ticket};

/// Rooms that ask in turn. A room may send 50 frames in a second; a thousand requests a second
/// from 40 rooms stay far below it.
const ASKING: usize = 40;

/// How much of everything.
struct Amount {
    steps: &'static [usize],
    rounds: usize,
    /// Of one run of connecting.
    connecting: Duration,
    requests: usize,
    /// After all links are up: longer than a room's keep-alive, so that each has pinged.
    idle: Duration,
}

const WHOLE: Amount = Amount {
    steps: &[100, 1_000, 3_000, 6_000, 10_000],
    rounds: 3,
    connecting: Duration::from_secs(5),
    requests: 3_000,
    idle: Duration::from_secs(20),
};

const QUICK: Amount = Amount {
    steps: &[100, 500, 1_000],
    rounds: 1,
    connecting: Duration::from_secs(1),
    requests: 500,
    idle: Duration::from_secs(1),
};

/// Measures it.
pub(crate) fn measure(effort: Effort) -> Result<Part> {
    let amount = match effort {
        Effort::Whole => &WHOLE,
        Effort::Quick => &QUICK,
    };
    servers::raise_file_limit()?;
    let watch = Watch::begin();
    let most = amount.steps.iter().copied().max().unwrap_or(0);
    let folder = tempfile::tempdir()?;
    eprintln!("  enrolling {most} rooms");
    let people = People::enrol(folder.path(), most)?;
    let accepted = accepted(&people, amount)?;
    eprintln!("  growing: conclave");
    let ours = grow(Kind::Conclave, &people, amount)?;
    eprintln!("  growing: mosquitto");
    let theirs = grow(Kind::Mosquitto, &people, amount)?;
    let names = Names {
        mosquitto: servers::version(Kind::Mosquitto)?,
        nginx: servers::version(Kind::Nginx)?,
    };
    Ok(Part {
        name: "links".to_owned(),
        title: "The link: many rooms".to_owned(),
        machine: watch.end(),
        rows: rows(&names, most, &accepted, &ours, &theirs),
        plots: plots(&names, &ours, &theirs),
        method: method(most, &ours, &theirs),
    })
}

struct Names {
    mosquitto: String,
    nginx: String,
}

/// Links per server CPU-second, the median of the rounds.
struct Accepted {
    full: f64,
    resumed: f64,
    mosquitto: f64,
    nginx_full: f64,
    nginx_resumed: f64,
}

fn accepted(people: &People, amount: &Amount) -> Result<Accepted> {
    let runs = [
        (Kind::Conclave, Ticket::Never),
        (Kind::Mosquitto, Ticket::Never),
        (Kind::Nginx, Ticket::Never),
        (Kind::Conclave, Ticket::Kept),
        (Kind::Nginx, Ticket::Kept),
    ];
    let mut found: [Vec<f64>; 5] = Default::default();
    for round in 0..amount.rounds {
        for ((kind, ticket), found) in runs.into_iter().zip(&mut found) {
            let server = Server::start(kind, people)?;
            let mut load = Load::start(&server, people)?;
            // The first handshakes of a process, and the tickets of a resuming one.
            load.connect(ticket, Duration::from_millis(300))?;
            let before = server.spent()?;
            let links = load.connect(ticket, amount.connecting)?;
            let spent = (server.spent()? - before).as_secs_f64();
            anyhow::ensure!(
                ticket == Ticket::Never || links.resumed * 100 >= links.all * 99,
                "{kind:?} resumed only {} of {} links",
                links.resumed,
                links.all
            );
            let rate = links.all as f64 / spent.max(0.01);
            eprintln!(
                "  round {round}, {kind:?}, tickets {ticket:?}: {rate:.0} links per CPU-second"
            );
            found.push(rate);
        }
    }
    let [full, mosquitto, nginx_full, resumed, nginx_resumed] =
        found.map(|mut rates| percentile(&mut rates, 0.5));
    Ok(Accepted { full, resumed, mosquitto, nginx_full, nginx_resumed })
}

/// What one server shows with growing numbers of links.
struct Grown {
    /// Links, octets of resident memory above those of the server without links.
    memory: Vec<(f64, f64)>,
    /// Links, microseconds of the server's CPU time for each that was added.
    accepting: Vec<(f64, f64)>,
    /// Links, microseconds from request to answer: p50 and p99, medians of the rounds.
    median: Vec<(f64, f64)>,
    late: Vec<(f64, f64)>,
    /// Of one core, while all links only keep alive.
    idle_percent: f64,
    /// All are told something at once.
    pushed: Option<Pushed>,
}

impl Grown {
    /// Octets per link with all links up.
    fn per_link(&self) -> f64 {
        self.memory.last().map_or(f64::NAN, |(links, octets)| octets / links)
    }
}

fn grow(kind: Kind, people: &People, amount: &Amount) -> Result<Grown> {
    let server = Server::start(kind, people)?;
    let mut holding = Load::start(&server, people)?;
    let mut asking = Load::start(&server, people)?;
    let mut grown = Grown {
        memory: vec![],
        accepting: vec![],
        median: vec![],
        late: vec![],
        idle_percent: f64::NAN,
        pushed: None,
    };
    let empty = server.resident()?;
    let note = |grown: &mut Grown, links: usize, asking: &mut Load| -> Result<()> {
        let (mut medians, mut lates) = (vec![], vec![]);
        for _ in 0..amount.rounds {
            let Asked { mut microseconds } = asking.ask(amount.requests)?;
            medians.push(percentile(&mut microseconds, 0.5));
            lates.push(percentile(&mut microseconds, 0.99));
        }
        grown.median.push((links as f64, percentile(&mut medians, 0.5)));
        grown.late.push((links as f64, percentile(&mut lates, 0.5)));
        Ok(())
    };
    // The asking rooms are among the links.
    asking.hold(0, ASKING)?;
    note(&mut grown, ASKING, &mut asking)?;
    let mut up = ASKING;
    for step in amount.steps.iter().copied() {
        let before = server.spent()?;
        holding.hold(up, step - up)?;
        let spent = (server.spent()? - before).as_secs_f64();
        grown.accepting.push((step as f64, spent * 1e6 / (step - up) as f64));
        up = step;
        let resident = server.resident()?.saturating_sub(empty);
        grown.memory.push((step as f64, resident as f64));
        note(&mut grown, step, &mut asking)?;
        eprintln!("  {step} links: {:.1} kB each", resident as f64 / step as f64 / 1e3);
    }
    let before = server.spent()?;
    std::thread::sleep(amount.idle);
    let spent = (server.spent()? - before).as_secs_f64();
    grown.idle_percent = 100.0 * spent / amount.idle.as_secs_f64();
    // With every link's keep-alive seen: that is what an idle link costs.
    if let Some(last) = grown.memory.last_mut() {
        last.1 = server.resident()?.saturating_sub(empty) as f64;
    }
    let pushed = fleet::push(kind, people, &mut holding, &mut asking)?;
    eprintln!("  told all: {:.0} ms until 99 of 100 had it", pushed.nearly_all);
    grown.pushed = Some(pushed);
    Ok(grown)
}

fn rows(names: &Names, most: usize, accepted: &Accepted, ours: &Grown, theirs: &Grown) -> Vec<Row> {
    let row = |quantity: String, ours: f64, others: Vec<(&str, f64, Goal)>| Row {
        quantity,
        ours,
        others: others
            .into_iter()
            .map(|(name, figure, goal)| Other { name: name.to_owned(), figure, goal })
            .collect(),
        remark: String::new(),
    };
    let links = ours.memory.last().map_or(0.0, |(links, _)| *links);
    let first = |curve: &[(f64, f64)]| curve.first().map_or(f64::NAN, |point| point.1);
    let last = |curve: &[(f64, f64)]| curve.last().map_or(f64::NAN, |point| point.1);
    let (mosquitto, nginx) = (names.mosquitto.as_str(), names.nginx.as_str());
    let at_most = Goal::RatioAtMost(1.0);
    let mut rows = vec![
        row(
            format!("Resident memory per idle link, {links} links, octets"),
            ours.per_link(),
            vec![(mosquitto, theirs.per_link(), Goal::RatioAtMost(0.6))],
        ),
        row(
            "Links accepted per server CPU-second, full handshake".to_owned(),
            accepted.full,
            vec![
                (mosquitto, accepted.mosquitto, Goal::RatioAtLeast(1.3)),
                (nginx, accepted.nginx_full, Goal::None),
            ],
        ),
        row(
            "Links accepted per server CPU-second, resumed".to_owned(),
            accepted.resumed,
            vec![
                ("our own full handshake", accepted.full, Goal::RatioAtLeast(2.0)),
                (nginx, accepted.nginx_resumed, Goal::None),
            ],
        ),
        row(
            format!("Request to answer, p50, {ASKING} links, µs"),
            first(&ours.median),
            vec![(mosquitto, first(&theirs.median), at_most)],
        ),
        row(
            format!("Request to answer, p99, {ASKING} links, µs"),
            first(&ours.late),
            vec![(mosquitto, first(&theirs.late), at_most)],
        ),
        row(
            format!("Request to answer, p50, {links} links, µs"),
            last(&ours.median),
            vec![(mosquitto, last(&theirs.median), at_most)],
        ),
        row(
            format!("Request to answer, p99, {links} links, µs"),
            last(&ours.late),
            vec![(mosquitto, last(&theirs.late), at_most)],
        ),
        row(
            format!("Keeping {links} idle links alive, per cent of a core"),
            ours.idle_percent,
            vec![(mosquitto, theirs.idle_percent, Goal::None)],
        ),
    ];
    if let (Some(ours), Some(theirs)) = (&ours.pushed, &theirs.pushed) {
        rows.push(row(
            format!("All of {links} rooms are told settings: until 99 % have them, ms"),
            ours.nearly_all,
            vec![(mosquitto, theirs.nearly_all, Goal::None)],
        ));
        for (which, took) in
            ours.lists.into_iter().flat_map(|(median, late)| [("p50", median), ("p99", late)])
        {
            let quantity = format!(
                "50 of {most} rooms, searched by name, while all are told settings, {which}, ms"
            );
            rows.push(row(quantity, took, vec![]));
        }
    }
    if let Some(resumed) = rows.get_mut(2)
        && accepted.resumed < 2.0 * accepted.full
    {
        resumed.remark = why_not_twice(accepted);
    }
    rows
}

/// What a ticket saves, and what it cannot.
fn why_not_twice(accepted: &Accepted) -> String {
    let (full, resumed) = (1e6 / accepted.full, 1e6 / accepted.resumed);
    format!(
        "A link costs {full:.0} µs of CPU in full and {resumed:.0} µs resumed. The {:.0} µs between \
         are what a ticket can save: one signature made and one checked, both P-256; the CA's \
         signature on a room's certificate is checked once and remembered, which made the full \
         handshake cheaper and this ratio smaller. What stays is the fresh key exchange (two X25519 \
         multiplications, which we do not give up), TCP's opening and closing, hello, directory and \
         greeting. Tried: tickets without a store, the certificate remembered, SHA-256 instead of \
         SHA-384, the whole handshake on one thread.",
        full - resumed
    )
}

fn plots(names: &Names, ours: &Grown, theirs: &Grown) -> Vec<Plot> {
    let both = |ours: &[(f64, f64)], theirs: &[(f64, f64)]| {
        vec![("conclave".to_owned(), ours.to_vec()), (names.mosquitto.clone(), theirs.to_vec())]
    };
    let plot = |name: &str, title: &str, y: &str, curves| Plot {
        name: name.to_owned(),
        title: title.to_owned(),
        x: "links".to_owned(),
        y: y.to_owned(),
        curves,
    };
    let mib = |curve: &[(f64, f64)]| -> Vec<(f64, f64)> {
        curve.iter().map(|(links, octets)| (*links, octets / f64::from(1 << 20))).collect()
    };
    vec![
        plot(
            "links-memory",
            "Memory of idle links",
            "MiB resident",
            both(&mib(&ours.memory), &mib(&theirs.memory)),
        ),
        plot(
            "links-accepting",
            "Accepting one more link",
            "µs of CPU per link",
            both(&ours.accepting, &theirs.accepting),
        ),
        plot("links-delay", "Request to answer, p50", "µs", both(&ours.median, &theirs.median)),
        plot("links-delay-late", "Request to answer, p99", "µs", both(&ours.late, &theirs.late)),
    ]
}

fn method(most: usize, ours: &Grown, theirs: &Grown) -> String {
    format!(
        "{most} rooms, each with a key and a certificate of its own, are written into a new cloud's \
         folder by the cloud's own libraries (`Authority::sign_room`, `SqliteDirectory::enrol`) \
         before the cloud starts; activation by code is left out, everything after it is not. All \
         three servers show the same key and certificate, ask every client for its certificate and \
         check it against the same CA; TLS 1.3, X25519, ECDSA P-256, the suite that the server \
         prefers. One client program, with rustls, plays all the rooms from a process of its own, \
         from 200 loopback addresses.\n\n\
         *Memory*: growth of the server's resident memory since before the first link, divided by \
         the links, with keep-alives every 15 s on both sides; a client of mosquitto holds one \
         subscription. *Accepted*: connections that get as far as the welcome (ours), CONNACK \
         (mosquitto) or an empty answer (nginx, HTTP), and close again, against the server's user \
         and system time. Ours looks every room up in its database, mosquitto looks nobody up, so \
         that ours does more. A few rooms come and go in turn, as returning rooms do: the CA's \
         signature on their certificates is checked once and then remembered, which the others do \
         not; a room's very first link costs one P-256 check more. Resumed: TLS 1.3 tickets with a fresh key exchange; mosquitto was not \
         asked for it. All log warnings only. *Request to answer*: a room's request (leave) passes \
         hub and switchboard and is answered; mosquitto answers PUBLISH with QoS 1 of the same size \
         by PUBACK, and has no subscriber to deliver it to. {ASKING} clients ask in turn, a thousand \
         times a second in all, one after the other. *Told settings*: the command line sets all rooms; \
         each linked one gets its own document and confirms it; mosquitto sends one message of the same \
         length to one topic that all clients hear, QoS 1. Ten times, the median; the client program looks \
         at all its connections in turn, which takes it longer the more there are. Lists by the command \
         line's socket, one after the other, 1,000 at least, from before the first time until after the \
         last.\n\n\
         Memory above the empty server with all links up: ours {:.1} MB, mosquitto {:.1} MB.",
        ours.memory.last().map_or(f64::NAN, |point| point.1 / 1e6),
        theirs.memory.last().map_or(f64::NAN, |point| point.1 / 1e6),
    )
}

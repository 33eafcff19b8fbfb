//! The table of the house, and what may import what.
//!
//! The rules, in the order in which they are checked:
//! 1. every member of the workspace has a place in [`HOUSE`];
//! 2. a member imports only what its place allows;
//! 3. nothing that a pure crate is built from does I/O, runs tasks, tells time or draws chance;
//! 4. appliance and cloud never reach each other, not even in a test; the media node never
//!    reaches e2ee; the panel reaches panel-api and types alone; nobody imports the panel;
//! 5. a crate outside ui-kiosk is not under the GPL.

use crate::graph::{Crate, Graph};

/// What a crate is allowed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No sockets, files, threads, clock or randomness, nor anything that has them.
    Pure,
    /// Pure in what it does, but it wraps somebody's crate that is not; the reason stands in
    /// [`HOUSE`].
    Wraps,
    /// Does I/O and takes no decisions of the product.
    Shell,
    /// Wires the others into a program.
    Program,
    /// Only tests import it or it imports only for tests.
    Test,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The crate's folder.
    pub folder: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// The folders that it may import from: a crate's, or with a `/` at its end all below it.
    pub may_import: &'static [&'static str],
}

const fn place(folder: &'static str, kind: Kind, may_import: &'static [&'static str]) -> Place {
    Place { folder, kind, may_import }
}

/// Where every crate stands. Rooms and clouds meet in core/ and cloud-link/protocol alone.
pub const HOUSE: &[Place] = &[
    place("core/types", Kind::Pure, &[]),
    place("core/messages", Kind::Pure, &["core/types"]),
    place("core/rtp", Kind::Pure, &["core/types"]),
    // webrtc-srtp drags tokio in and uses none of it for what we call.
    place("core/srtp", Kind::Wraps, &["core/types", "core/rtp"]),
    place("core/call", Kind::Pure, &["core/types", "core/messages"]),
    place("core/meeting", Kind::Pure, &["core/types"]),
    place("core/forward", Kind::Pure, &["core/types", "core/rtp"]),
    place("core/update", Kind::Pure, &["core/types", "core/messages"]),
    place("core/rollout", Kind::Pure, &["core/types"]),
    place("cloud-link/protocol", Kind::Pure, &["core/types", "core/messages"]),
    place("cloud-link/stream", Kind::Shell, &["core/types"]),
    place(
        "cloud-link/room",
        Kind::Shell,
        &["core/types", "cloud-link/protocol", "cloud-link/stream"],
    ),
    place(
        "cloud-link/cloud",
        Kind::Shell,
        &["core/types", "cloud-link/protocol", "cloud-link/stream"],
    ),
    place("board", Kind::Shell, &["core/types"]),
    place("appliance/panel-api", Kind::Pure, &["core/types"]),
    place(
        "appliance/room",
        Kind::Pure,
        &["core/types", "core/call", "cloud-link/protocol", "appliance/panel-api"],
    ),
    place(
        "appliance/media",
        Kind::Shell,
        &["core/types", "core/rtp", "core/srtp", "appliance/room", "appliance/panel-api"],
    ),
    place(
        "appliance/daemon",
        Kind::Program,
        &["core/", "cloud-link/protocol", "cloud-link/room", "board", "appliance/"],
    ),
    place("appliance/slots", Kind::Program, &[]),
    place("appliance/reset", Kind::Program, &[]),
    place("appliance/clock", Kind::Program, &["core/types"]),
    place("ui-kiosk", Kind::Program, &["core/types", "appliance/panel-api"]),
    place("cloud/console", Kind::Shell, &[]),
    place("cloud/directory", Kind::Shell, &["core/types", "core/rollout"]),
    place(
        "cloud/media-node",
        Kind::Shell,
        &["core/types", "core/rtp", "core/srtp", "core/forward"],
    ),
    place(
        "cloud/server",
        Kind::Program,
        &["core/", "cloud-link/protocol", "cloud-link/cloud", "cloud/"],
    ),
    place("tests/layers", Kind::Test, &[]),
    place(
        "tests/sim",
        Kind::Test,
        // Rooms and cloud in one process, in virtual time: what only a test may do.
        &[
            "core/",
            "cloud-link/protocol",
            "appliance/room",
            "appliance/panel-api",
            "cloud/directory",
            "cloud/server",
        ],
    ),
    place("tests/stage", Kind::Test, &["core/types", "appliance/panel-api"]),
    // Drives the media node and a room's end of the link by themselves, beside peers.
    place(
        "tests/bench",
        Kind::Test,
        &[
            "core/",
            "cloud-link/protocol",
            "cloud-link/room",
            "cloud-link/cloud",
            "cloud/directory",
            "cloud/media-node",
            "appliance/panel-api",
            "tests/stage",
        ],
    ),
    // Takes every parser, whichever end it is of.
    place(
        "fuzz",
        Kind::Test,
        &["core/", "cloud-link/protocol", "appliance/panel-api", "appliance/clock"],
    ),
    place("xtask", Kind::Program, &[]),
];

/// Crates of others that do I/O, run tasks, tell time or draw chance.
const IMPURE: &[&str] = &[
    "async-std",
    "chrono",
    "fastrand",
    "getrandom",
    "glib",
    "gstreamer",
    "libsqlite3-sys",
    "mio",
    "nix",
    "openssl",
    "quinn-udp",
    "rand",
    "rand_core",
    "ring",
    "rusqlite",
    "rustix",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
    "tokio-rustls",
    "tokio-util",
    "uuid",
];

/// Everything that is wrong with the workspace's imports.
pub fn check(graph: &Graph, house: &[Place]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, member, folder) in graph.members() {
        let Some(place) = house.iter().find(|place| place.folder == folder) else {
            wrong.push(format!(
                "{} in {folder} has no place in the house: add it to HOUSE in tests/layers, with \
                 what it may import",
                member.name
            ));
            continue;
        };
        check_imports(graph, member, place, &mut wrong);
        if place.kind == Kind::Pure {
            check_purity(graph, id, &mut wrong);
        }
        check_never(graph, id, member, folder, &mut wrong);
    }
    for place in house {
        if !graph.members().any(|(_, _, folder)| folder == place.folder) {
            wrong.push(format!("{} has a place in the house and is not there", place.folder));
        }
    }
    wrong
}

fn check_imports(graph: &Graph, member: &Crate, place: &Place, wrong: &mut Vec<String>) {
    for import in member.imports.iter().filter_map(|id| graph.crates.get(id)) {
        let Some(folder) = import.folder.as_deref() else { continue };
        if !place.may_import.iter().any(|allowed| lies_in(folder, allowed)) {
            wrong.push(format!(
                "{} ({}) imports {} ({folder}); it may import only {:?}",
                member.name, place.folder, import.name, place.may_import
            ));
        }
    }
}

fn check_purity(graph: &Graph, id: &str, wrong: &mut Vec<String>) {
    for (reached, path) in graph.reaches(id) {
        let impure = graph.crates.get(reached).is_some_and(|c| IMPURE.contains(&c.name.as_str()));
        if impure {
            wrong.push(format!("a pure crate does I/O: {}", graph.path_in_names(id, &path)));
        }
    }
}

/// What must stay apart whatever the table says, tests included.
const NEVER: &[(&str, &str, &str)] = &[
    ("appliance/", "cloud/", "appliance and cloud meet in core/ and cloud-link/protocol alone"),
    ("appliance/", "cloud-link/cloud", "a room holds only the room's end of the link"),
    ("cloud/", "appliance/", "appliance and cloud meet in core/ and cloud-link/protocol alone"),
    ("cloud/", "cloud-link/room", "a cloud holds only the cloud's end of the link"),
    ("cloud/media-node", "core/e2ee", "the media node must not be able to open a frame"),
    ("core/", "appliance/", "core is what room and cloud agree on"),
    ("core/", "cloud/", "core is what room and cloud agree on"),
    ("", "ui-kiosk", "the panel is a process of its own, under the GPL"),
    ("", "xtask", "xtask has to run before anything else is built"),
];

fn check_never(graph: &Graph, id: &str, member: &Crate, folder: &str, wrong: &mut Vec<String>) {
    let mut reached: Vec<(&str, Vec<&str>)> = graph.reaches(id).into_iter().collect();
    for test_import in &member.test_imports {
        reached.push((test_import, vec![test_import]));
    }
    for (reached, path) in reached {
        let Some(there) = graph.crates.get(reached).and_then(|c| c.folder.as_deref()) else {
            continue;
        };
        for (from, to, why) in NEVER {
            if reached != id && lies_in(folder, from) && lies_in(there, to) {
                wrong.push(format!("{why}, yet {}", graph.path_in_names(id, &path)));
            }
        }
        let of_panel = ["ui-kiosk", "appliance/panel-api", "core/types"].contains(&there);
        if folder == "ui-kiosk" && !of_panel {
            wrong.push(format!(
                "the panel knows panel-api alone, yet {}",
                graph.path_in_names(id, &path)
            ));
        }
    }
    let gpl = member.licence.as_deref().is_some_and(|licence| licence.contains("GPL"));
    match (folder == "ui-kiosk", gpl) {
        (true, false) => wrong.push("ui-kiosk links Slint and is GPL-3.0-only".to_owned()),
        (false, true) => wrong.push(format!("{} is under the GPL: only ui-kiosk is", member.name)),
        (true, true) | (false, false) => {}
    }
}

fn lies_in(folder: &str, place: &str) -> bool {
    if place.is_empty() || place.ends_with('/') {
        folder.starts_with(place)
    } else {
        folder == place
    }
}

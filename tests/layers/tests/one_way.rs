//! Imports run one way; and the checker itself notices when they do not.

use conclave_layers::graph::{Crate, Graph};
use conclave_layers::layers::{self, HOUSE, Kind, Place};
use conclave_layers::prints::{self, BY_HAND, MAY_PRINT};
use conclave_layers::{licences, sources};

#[test]
fn imports_in_this_workspace_run_one_way() {
    let wrong = layers::check(&Graph::of_workspace().unwrap(), HOUSE);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn only_the_panel_links_what_is_under_the_gpl() {
    let gpl = licences::excepted_for_the_gpl().unwrap();
    assert!(gpl.iter().any(|name| name == "slint"), "deny.toml excepts only {gpl:?}");
    let wrong = licences::check(&Graph::of_workspace().unwrap(), &gpl);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_library_or_program_lets_unsafe_code_in() {
    let wrong = sources::check_unsafe(HOUSE).unwrap();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_private_key_is_in_the_repository() {
    let wrong = sources::check_keys().unwrap();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_debug_print_shows_a_secret_an_address_or_a_name() {
    let seen = prints::of_workspace(HOUSE).unwrap();
    let wrong = seen.check(MAY_PRINT, BY_HAND);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn pure_crates_name_no_socket_file_thread_or_clock() {
    let wrong = sources::check(HOUSE).unwrap();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// A made-up workspace: (folder or `-name` of somebody else's crate, licence, imports).
fn made_up(crates: &[(&str, &str, &[&str])]) -> Graph {
    let mut graph = Graph::default();
    for (at, licence, imports) in crates {
        let ours = !at.starts_with('-');
        graph.crates.insert(
            (*at).to_owned(),
            Crate {
                name: at.trim_start_matches('-').to_owned(),
                folder: ours.then(|| (*at).to_owned()),
                licence: Some((*licence).to_owned()),
                imports: imports.iter().map(|import| (*import).to_owned()).collect(),
                test_imports: Default::default(),
            },
        );
    }
    graph
}

const SMALL_HOUSE: &[Place] = &[
    Place { folder: "core/types", kind: Kind::Pure, may_import: &[] },
    Place { folder: "appliance/room", kind: Kind::Pure, may_import: &["core/"] },
    Place { folder: "cloud/server", kind: Kind::Program, may_import: &["core/", "cloud/"] },
];

fn complaints(graph: &Graph, house: &[Place], about: &str) -> usize {
    let wrong = layers::check(graph, house);
    let found = wrong.iter().filter(|sentence| sentence.contains(about)).count();
    assert!(found > 0, "nothing about {about:?} in {wrong:#?}");
    found
}

#[test]
fn a_right_graph_is_left_alone() {
    let graph = made_up(&[
        ("core/types", "MIT", &["-serde"]),
        ("appliance/room", "MIT", &["core/types"]),
        ("cloud/server", "MIT", &["core/types", "-tokio"]),
        ("-serde", "MIT", &[]),
        ("-tokio", "MIT", &[]),
    ]);
    assert_eq!(layers::check(&graph, SMALL_HOUSE), Vec::<String>::new());
}

#[test]
fn a_cloud_that_imports_a_room_is_found_even_when_the_table_lets_it() {
    let lax: Vec<Place> =
        SMALL_HOUSE.iter().map(|place| Place { may_import: &[""], ..*place }).collect();
    let graph = made_up(&[
        ("core/types", "MIT", &[]),
        ("appliance/room", "MIT", &["core/types"]),
        ("cloud/server", "MIT", &["appliance/room"]),
    ]);
    complaints(&graph, &lax, "appliance and cloud meet");
    complaints(&graph, SMALL_HOUSE, "it may import only");
}

#[test]
fn a_test_of_the_cloud_that_imports_a_room_is_found() {
    let mut graph = made_up(&[
        ("core/types", "MIT", &[]),
        ("appliance/room", "MIT", &[]),
        ("cloud/server", "MIT", &[]),
    ]);
    let server = graph.crates.get_mut("cloud/server").unwrap();
    server.test_imports.insert("appliance/room".to_owned());
    complaints(&graph, SMALL_HOUSE, "appliance and cloud meet");
}

#[test]
fn io_behind_three_imports_of_a_pure_crate_is_found_with_its_path() {
    let graph = made_up(&[
        ("core/types", "MIT", &["-nice"]),
        ("appliance/room", "MIT", &[]),
        ("cloud/server", "MIT", &[]),
        ("-nice", "MIT", &["-nicer"]),
        ("-nicer", "MIT", &["-tokio"]),
        ("-tokio", "MIT", &[]),
    ]);
    complaints(&graph, SMALL_HOUSE, "core/types → nice → nicer → tokio");
}

#[test]
fn a_crate_without_a_place_and_a_place_without_a_crate_are_found() {
    let graph = made_up(&[
        ("core/types", "MIT", &[]),
        ("appliance/room", "MIT", &[]),
        ("cloud/new", "MIT", &[]),
    ]);
    complaints(&graph, SMALL_HOUSE, "cloud/new has no place in the house");
    complaints(&graph, SMALL_HOUSE, "cloud/server has a place in the house and is not there");
}

#[test]
fn a_media_node_that_could_open_frames_is_found() {
    let house = [
        Place { folder: "core/e2ee", kind: Kind::Pure, may_import: &[] },
        Place { folder: "cloud/media-node", kind: Kind::Shell, may_import: &["core/"] },
    ];
    let graph = made_up(&[("core/e2ee", "MIT", &[]), ("cloud/media-node", "MIT", &["core/e2ee"])]);
    complaints(&graph, &house, "must not be able to open a frame");
}

#[test]
fn a_panel_that_knows_more_than_panel_api_is_found() {
    let house = [
        Place { folder: "ui-kiosk", kind: Kind::Program, may_import: &["core/"] },
        Place { folder: "core/call", kind: Kind::Pure, may_import: &[] },
    ];
    let graph = made_up(&[("ui-kiosk", "GPL-3.0-only", &["core/call"]), ("core/call", "MIT", &[])]);
    complaints(&graph, &house, "the panel knows panel-api alone");
}

#[test]
fn gpl_spreads_no_further_than_the_panel() {
    let graph = made_up(&[
        ("core/types", "GPL-3.0-only", &[]),
        ("appliance/room", "MIT", &["-nice"]),
        ("cloud/server", "MIT", &[]),
        ("ui-kiosk", "GPL-3.0-only", &["-slint"]),
        ("-nice", "MIT", &["-slint"]),
        ("-slint", "GPL-3.0-only OR LicenseRef-Slint-Royalty-free-2.0", &[]),
    ]);
    complaints(&graph, SMALL_HOUSE, "core/types is under the GPL");
    let wrong = licences::check(&graph, &["slint".to_owned()]);
    assert!(wrong.len() == 1 && wrong[0].contains("room → nice → slint"), "{wrong:#?}");
}

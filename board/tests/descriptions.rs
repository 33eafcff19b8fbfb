//! The descriptions of the boards that we have.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_board::description::{Backend, Description, Place, Shows};
use std::fs;
use std::path::{Path, PathBuf};

/// Every folder that holds a `board.toml`, with the board.
fn boards() -> Vec<(PathBuf, Description)> {
    let entries = fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap().map(|e| e.unwrap().path());
    let folders = entries.filter(|folder| folder.join("board.toml").exists());
    let mut boards: Vec<_> = folders
        .map(|folder| {
            let board = Description::read(&folder.join("board.toml"));
            let board = board.map_err(|error| error.to_string()).unwrap();
            (folder, board)
        })
        .collect();
    boards.sort_by(|a, b| a.0.cmp(&b.0));
    boards
}

fn board(name: &str) -> Description {
    boards().into_iter().find(|(_, board)| board.name.as_str() == name).unwrap().1
}

#[test]
fn every_board_is_described_and_named_as_its_folder() {
    let boards = boards();
    let names: Vec<_> = boards.iter().map(|(_, board)| board.name.as_str()).collect();
    assert_eq!(names, ["imx8mp", "intel-n100", "raspberry-cm4", "virtual-x86_64"]);
    for (folder, board) in &boards {
        assert_eq!(folder.file_name().unwrap().to_str(), Some(board.name.as_str()));
        assert!(board.displays.iter().any(|display| display.shows == Shows::Front));
        assert!(board.displays.iter().any(|display| display.shows == Shows::Panel));
        // Whatever else a board has, it can always encode.
        assert_eq!(board.encoders.iter().last().map(|last| last.element()), Some("openh264enc"));
    }
}

#[test]
fn every_board_says_what_was_tried_on_it_and_names_its_pins() {
    for (folder, board) in boards() {
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        for heading in ["## Wiring", "## What was tried"] {
            assert!(readme.contains(heading), "{}: {heading}", folder.display());
        }
        for (part, line) in board.lines() {
            let written = match &line.place {
                Place::Bcm(number) => format!("GPIO{number} "),
                Place::Offset { offset, .. } => format!("| {offset} "),
                Place::Named { name, .. } => format!("| {name} "),
            };
            assert!(readme.contains(&written), "{}: {part} at {written}", folder.display());
        }
    }
}

#[test]
fn only_the_opt_in_board_has_a_licence_to_accept() {
    for (_, board) in boards() {
        assert_eq!(board.vendor_licence.is_some(), board.name.as_str() == "imx8mp");
    }
}

#[test]
fn boards_see_their_cameras_and_not_the_devices_beside_them() {
    let pi = board("raspberry-cm4");
    assert_eq!(pi.backend, Backend::RaspberryPi);
    assert_eq!(pi.cameras.place("bcm2835-codec-encode"), None);
    assert_eq!(pi.cameras.place("bcm2835-isp"), None);
    assert!(pi.cameras.place("HD Pro Webcam C920").is_some());
    let pc = board("intel-n100");
    assert_eq!(pc.microphones.place("HDA Intel PCH"), None);
    assert!(pc.microphones.place("Jabra SPEAK 510 USB").is_some());
    let virtual_board = board("virtual-x86_64");
    assert_eq!(virtual_board.cameras.place("vivid"), Some(0));
    assert_eq!(virtual_board.cameras.place("HD Pro Webcam C920"), None);
    assert_eq!(virtual_board.microphones.place("HDA Intel"), Some(0));
}

/// The crates do not know each other, so their list of encoders is one by this test.
#[test]
fn encoders_are_those_that_the_media_path_knows() {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let media = fs::read_to_string(house.join("appliance/media/src/encoder.rs")).unwrap();
    let ours = fs::read_to_string(house.join("board/src/description/values.rs")).unwrap();
    let candidates = media.split_once("const CANDIDATES").unwrap().1.split_once("];\n").unwrap().0;
    let theirs: Vec<_> = candidates
        .split("element: \"")
        .skip(1)
        .map(|rest| rest.split_once('"').unwrap().0)
        .collect();
    let list = ours.split_once("const ENCODERS").unwrap().1.split_once("];").unwrap().0;
    let ours: Vec<_> = list.split('"').skip(1).step_by(2).collect();
    assert!(!theirs.is_empty());
    assert_eq!(ours, theirs, "description/values.rs and appliance/media/src/encoder.rs");
}

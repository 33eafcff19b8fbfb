//! What a board is made of. Its module is built in here alone: the rest of conclave-board has lines,
//! threads and an asynchronous runtime, which would take minutes to build and add nothing.

#[path = "../../board/src/description/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the board asks what it wants")]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
mod description;

use description::{Backend, Description, DescriptionError, Place};
use std::path::Path;
use std::time::Duration;

/// The input is the file.
pub fn parse(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Description::parse(text, Path::new("board.toml")) {
        Ok(board) => judge(&board),
        Err(DescriptionError::Wrong { line, message, .. }) => {
            let lines = text.bytes().filter(|octet| *octet == b'\n').count() + 1;
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
            assert!(!message.is_empty());
        }
        Err(error) => panic!("nothing was read from a disk: {error}"),
    }
}

fn judge(board: &Description) {
    let lines = board.lines();
    for (n, (part, line)) in lines.iter().enumerate() {
        assert!(
            lines[..n].iter().all(|(_, other)| other.place != line.place),
            "{part} is a second"
        );
        match (&line.place, board.backend) {
            (Place::Bcm(number), Backend::RaspberryPi) => assert!(*number < 58),
            (Place::Offset { offset, .. }, Backend::CharacterDevice) => assert!(*offset < 1024),
            (Place::Named { name, .. }, Backend::CharacterDevice) => {
                assert!((1..32).contains(&name.as_str().len()));
            }
            other => panic!("{part}: {other:?}"),
        }
    }
    let debounces = [
        board.mute_button.as_ref().map(|button| button.debounce),
        board.reset_button.as_ref().map(|button| button.debounce),
    ];
    for debounce in debounces.into_iter().flatten() {
        assert!((5..=500).contains(&debounce.as_millis()));
    }
    if let Some(reset) = &board.reset_button {
        assert!(reset.long_press >= Duration::from_secs(3) && reset.long_press > reset.debounce);
    }
    if let Some(sensor) = &board.temperature {
        let (warn, critical) = (sensor.warn.degrees(), sensor.critical.degrees());
        assert!(30 <= warn && warn < critical && critical <= 120);
    }
    assert!(board.displays.len() <= 3);
    assert!(board.encoders.iter().next().is_some());
    // Whatever the patterns are, they come to an end.
    for name in ["", "HD Pro Webcam C920", &"a".repeat(200)] {
        let _ = (board.cameras.place(name), board.microphones.place(name));
    }
}

//! The daemon comes late, goes away, talks nonsense: the panel says so plainly and comes back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what is wrong")]

mod panel;

use conclave_panel_api::{
    Health, Language, LinkState, Look, MAX_FRAME_LEN, Notice, Screen, Tap, encode,
};
use panel::{Daemon, Finger, Kiosk, call, directory, in_call, panel as with, until};
use serde_json::{Value, json};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;

fn texts(finger: &mut Finger) -> String {
    finger.ask(&json!({ "do": "texts" }))["texts"].to_string()
}

fn waits_for(finger: &mut Finger, title: &str) {
    until(title, || {
        let answer = finger.ask(&json!({ "do": "read", "id": "quiet-title" }));
        (answer["text"] == title).then_some(())
    });
}

#[test]
fn the_panel_starts_in_both_languages_and_waits_for_a_late_daemon() {
    let mut kiosk = Kiosk::start_alone("1280x800");
    let mut finger = kiosk.finger();
    waits_for(&mut finger, "Starting · Démarrage");
    kiosk.listen();
    let mut daemon = kiosk.accept();
    let panel = with(Language::French, Screen::Starting);
    daemon.send(&panel);
    finger.sees(&panel);
    assert_eq!(finger.read("quiet-title"), "Démarrage");
}

#[test]
fn nothing_is_left_of_a_daemon_that_vanished_but_its_language() {
    let mut kiosk = Kiosk::start("1280x800");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let mut panel = with(Language::French, in_call(call()));
    panel.notice = Some(Notice::CameraLost);
    panel.camera = Health::Missing;
    panel.link = LinkState::Lost { retry_in_s: 5 };
    daemon.send(&panel);
    finger.sees(&panel);
    assert!(texts(&mut finger).contains("Amélie"));

    kiosk.stop_listening();
    drop(daemon);
    waits_for(&mut finger, "Un instant");
    assert_eq!(finger.ask(&json!({ "do": "panel" })), Value::Null);
    let left = texts(&mut finger);
    for word in ["Amélie", "Voltaire", "Comité", "12:05", "caméra", "Quitter", "100"] {
        assert!(!left.contains(word), "{word} is left in {left}");
    }
    assert!(!finger.visible().iter().any(|id| id == "leave"));

    kiosk.listen();
    let mut daemon = kiosk.accept();
    let idle = with(
        Language::English,
        Screen::Idle { meetings: Vec::new(), directory: directory(), numbers: true },
    );
    daemon.send(&idle);
    finger.sees(&idle);
    assert_eq!(finger.read("room"), "Salle Voltaire");
    finger.press("join-with-number");
    assert_eq!(daemon.tap(), Tap::JoinWithNumber, "no tap from before the break comes late");
}

#[test]
fn garbage_makes_the_panel_connect_again_and_not_fall_over() {
    let mut kiosk = Kiosk::start("1280x800");
    let mut finger = kiosk.finger();
    let idle = with(
        Language::English,
        Screen::Idle { meetings: Vec::new(), directory: directory(), numbers: true },
    );
    let whole = encode(&idle).unwrap();
    let too_long = ((MAX_FRAME_LEN + 1) as u32).to_be_bytes();
    let mut strange = encode(&json!({ "language": "klingon" })).unwrap();
    strange.extend_from_slice(&whole);
    let mut nested = vec![b'['; 20_000];
    nested.splice(0..0, 20_000_u32.to_be_bytes());
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 64],
        too_long.to_vec(),
        [4_u32.to_be_bytes(), [0xff; 4]].concat(),
        strange,
        nested,
        encode(&Tap::Leave).unwrap(),
    ] {
        let mut daemon = kiosk.accept();
        daemon.send(&idle);
        finger.sees(&idle);
        daemon.send_raw(&garbage);
        waits_for(&mut finger, "One moment");
    }
    // Half a frame, then silence for ever.
    let mut daemon = kiosk.accept();
    daemon.send_raw(&whole[..whole.len() / 2]);
    daemon.stream.shutdown(Shutdown::Write).unwrap();
    let mut daemon = kiosk.accept();
    daemon.send(&idle);
    finger.sees(&idle);
    assert!(kiosk.still_runs());
}

#[test]
fn a_flood_of_panels_ends_with_the_newest() {
    let kiosk = Kiosk::start("800x480");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let mut call = call();
    for seconds in 0..2000 {
        call.seconds = seconds;
        daemon.send(&with(Language::English, in_call(call.clone())));
    }
    finger.sees(&with(Language::English, in_call(call)));
    assert_eq!(finger.read("duration"), "33:19");
}

#[test]
fn a_daemon_that_does_not_read_cannot_freeze_the_panel() {
    let kiosk = Kiosk::start("1280x800");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let pad = with(
        Language::English,
        Screen::Number { typed: String::new(), complete: false, trouble: None },
    );
    daemon.send(&pad);
    finger.sees(&pad);
    // Until the socket's buffer is full the panel sends; then it gives the daemon up.
    until("the panel to give up", || {
        let answer = finger.ask(&json!({ "do": "press", "id": "key-1" }));
        (answer["missing"] == "key-1").then_some(())
    });
    let mut daemon = kiosk.accept();
    daemon.send(&pad);
    finger.sees(&pad);
    finger.press("key-2");
    assert_eq!(daemon.tap(), Tap::Digit { digit: 2 });
}

/// A picture that the kiosk hands over: its number and the PNG.
fn handed_over(daemon: &mut Daemon) -> (u32, Vec<u8>) {
    let mut picture = Vec::new();
    loop {
        let Tap::Picture(piece) = daemon.tap() else { panic!("no piece of a picture") };
        assert_eq!(piece.offset as usize, picture.len());
        picture.extend(piece.octets.0);
        if picture.len() == piece.total as usize {
            return (piece.number, picture);
        }
    }
}

#[test]
fn a_picture_is_handed_over_once_when_the_daemon_wants_one_and_the_panel_says_so() {
    let kiosk = Kiosk::start("1280x800");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let mut panel = with(
        Language::French,
        Screen::Idle { meetings: Vec::new(), directory: directory(), numbers: true },
    );
    panel.look = Some(Look::Soon);
    daemon.send(&panel);
    finger.sees(&panel);
    assert_eq!(finger.read("look-title"), "L'informatique regarde cet écran");
    panel.look = Some(Look::Picture { number: 7 });
    daemon.send(&panel);
    let (number, picture) = handed_over(&mut daemon);
    assert_eq!(number, 7);
    let mut decoder = png::Decoder::new(picture.as_slice()).read_info().unwrap();
    let mut pixels = vec![0; decoder.output_buffer_size()];
    let info = decoder.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (1280, 800));
    // As it is drawn, the bar that says so included.
    let file = tempfile::NamedTempFile::new().unwrap();
    finger.ask(&json!({ "do": "picture", "path": file.path() }));
    assert!(picture == std::fs::read(file.path()).unwrap(), "another picture than is drawn");
    // The same wish again, as each change of the panel brings it, is none.
    panel.brightness = 90;
    daemon.send(&panel);
    finger.sees(&panel);
    finger.press("language-en");
    assert!(matches!(daemon.tap(), Tap::Language(_)));
    panel.look = Some(Look::Picture { number: 8 });
    daemon.send(&panel);
    assert_eq!(handed_over(&mut daemon).0, 8);
    panel.look = Some(Look::Over);
    daemon.send(&panel);
    finger.sees(&panel);
    assert_eq!(finger.read("look-title"), "L'informatique a regardé cet écran");
}

#[test]
fn the_driver_is_closed_to_others_and_survives_nonsense() {
    let mut kiosk = Kiosk::start("800x480");
    let mut finger = kiosk.finger();
    let mode = std::fs::metadata(kiosk.driver_path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(finger.send_line("press the red one\n")["error"].is_string());
    assert!(finger.ask(&json!({ "do": "fly" }))["error"].is_string());
    let answer = finger.ask(&json!({ "do": "picture", "path": "/nowhere/at/all.png" }));
    assert!(answer["error"].is_string());
    assert_eq!(finger.ask(&json!({ "do": "press", "id": "key-5" }))["missing"], "key-5");
    assert!(kiosk.still_runs());
}

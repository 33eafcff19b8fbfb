//! Every tap is sent from the right button, by a real pointer press through Slint's hit testing.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

mod panel;

use conclave_panel_api::{
    CallHealth, Erased, Language, LanguageTap, Meeting, Notice, Panel, ResetReceipt, Screen,
    StickStep, Tap, Waiter,
};
use conclave_types::{UnixTime, Version};
use panel::{
    Daemon, Finger, Kiosk, call, code, directory, entry, in_call, panel as with, until, waiter,
};
use serde_json::json;

fn taps(daemon: &mut Daemon, finger: &mut Finger, panel: &Panel, expected: &[(&str, Tap)]) {
    daemon.send(panel);
    finger.sees(panel);
    for (id, tap) in expected {
        finger.press(id);
        assert_eq!(daemon.tap(), *tap, "{id}");
    }
}

fn every_button_sends_its_tap(size: &str) {
    let kiosk = Kiosk::start(size);
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let french = Tap::Language(LanguageTap { language: Language::French });
    let english = Tap::Language(LanguageTap { language: Language::English });
    let choose = |number: &str| Tap::Choose { number: number.parse().unwrap() };

    let idle = || Screen::Idle { meetings: Vec::new(), directory: directory(), numbers: true };
    taps(
        &mut daemon,
        &mut finger,
        &with(Language::English, idle()),
        &[
            ("join-with-number", Tap::JoinWithNumber),
            ("choose-100200", choose("100200")),
            ("choose-4711", choose("4711")),
            ("language-fr", french.clone()),
        ],
    );
    taps(&mut daemon, &mut finger, &with(Language::French, idle()), &[("language-en", english)]);

    let asleep = Panel { asleep: true, ..with(Language::English, idle()) };
    taps(&mut daemon, &mut finger, &asleep, &[("wake", Tap::Wake)]);
    assert_eq!(finger.visible(), ["wake"], "no button lies in the dark");

    let identify = Panel { identify: true, ..with(Language::English, idle()) };
    taps(&mut daemon, &mut finger, &identify, &[]);
    let names = finger.visible();
    assert!(
        names.iter().all(|name| name.starts_with("identify")),
        "{names:?} may be pressed by mistake"
    );

    let newcomer = Screen::Activation { code: Some(code()), seconds_left: 9, seconds_total: 900 };
    taps(&mut daemon, &mut finger, &with(Language::English, newcomer), &[("language-fr", french)]);

    let keys: Vec<_> =
        (0..10).map(|digit| (format!("key-{digit}"), Tap::Digit { digit })).collect();
    let keys: Vec<_> = keys.iter().map(|(id, tap)| (id.as_str(), tap.clone())).collect();
    let rest = [("delete", Tap::Delete), ("back", Tap::Back), ("join", Tap::Join)];
    let number = Screen::Number { typed: "1002".into(), complete: true, trouble: None };
    let pin = Screen::Pin {
        number: "100200".parse().unwrap(),
        name: None,
        typed: 4,
        complete: true,
        trouble: None,
    };
    let reset = Screen::ResetCode { typed: 8, complete: true, trouble: None };
    for screen in [number, pin, reset] {
        let panel = with(Language::French, screen);
        taps(&mut daemon, &mut finger, &panel, &keys);
        taps(&mut daemon, &mut finger, &panel, &rest);
    }

    let question = with(Language::French, Screen::ResetConfirm { seconds_left: 60 });
    let answers = [("back", Tap::Back), ("erase", Tap::Erase)];
    taps(&mut daemon, &mut finger, &question, &answers);
    let receipt = with(Language::French, Screen::ResetReceipt(Box::new(receipt())));
    taps(&mut daemon, &mut finger, &receipt, &[("restart", Tap::Restart)]);

    let version = |minor| Version(1, minor, 0);
    let ask = StickStep::Ask { running: version(2), version: version(3) };
    let ask = with(Language::French, Screen::Stick { step: ask });
    taps(&mut daemon, &mut finger, &ask, &[("back", Tap::Back), ("install", Tap::Install)]);
    let copying = Screen::Stick { step: StickStep::Copying { percent: 4 } };
    taps(&mut daemon, &mut finger, &with(Language::English, copying), &[]);
    // What was begun is seen to its end.
    assert_eq!(finger.visible(), ["stick-title", "stick-text"]);

    let connecting = Screen::Connecting { number: "100200".parse().unwrap(), name: None };
    taps(&mut daemon, &mut finger, &with(Language::English, connecting), &[("back", Tap::Back)]);

    let lobby = Screen::Lobby {
        number: "100200".parse().unwrap(),
        name: panel::name("Comité de direction"),
        health: CallHealth::LinkLost,
    };
    taps(&mut daemon, &mut finger, &with(Language::French, lobby), &[("leave", Tap::Leave)]);
    let (mo, bo) = (waiter(1, "Mo"), waiter(2, "Bo Li"));
    let mut one_waits = call();
    one_waits.lobby = vec![mo.clone()];
    let (let_in, turn_away) = (
        |who: &Waiter| Tap::LetIn { participant: who.participant },
        |who: &Waiter| Tap::TurnAway { participant: who.participant },
    );
    let panel = with(Language::English, in_call(one_waits));
    let answers = [("let-in", let_in(&mo)), ("not-now", turn_away(&mo))];
    taps(&mut daemon, &mut finger, &panel, &answers);
    let mut two_wait = call();
    two_wait.lobby = vec![mo.clone(), bo.clone()];
    let panel = with(Language::French, in_call(two_wait.clone()));
    let answers = [("who-waits", Tap::People), ("let-all-in", Tap::LetAllIn)];
    taps(&mut daemon, &mut finger, &panel, &answers);
    two_wait.people_open = true;
    let panel = with(Language::English, in_call(two_wait));
    let (first, second) =
        (format!("let-in-{}", mo.participant), format!("turn-away-{}", mo.participant));
    let answers = [(first.as_str(), let_in(&mo)), (second.as_str(), turn_away(&mo))];
    taps(&mut daemon, &mut finger, &panel, &answers);

    let call_with_notice =
        Panel { notice: Some(Notice::CameraLost), ..with(Language::English, in_call(call())) };
    taps(
        &mut daemon,
        &mut finger,
        &call_with_notice,
        &[
            ("microphone", Tap::Microphone),
            ("camera", Tap::Camera),
            ("louder", Tap::Volume { louder: true }),
            ("softer", Tap::Volume { louder: false }),
            ("layout", Tap::Layout),
            ("people", Tap::People),
            ("leave", Tap::Leave),
            ("dismiss", Tap::Dismiss),
        ],
    );
}

fn receipt() -> ResetReceipt {
    ResetReceipt {
        number: Some("482 913 077".parse().unwrap()),
        room: None,
        serial: "A7".to_owned(),
        key: "0123 4567 89ab cdef".to_owned(),
        at: UnixTime(1_795_369_800),
        erased: Erased::Partition,
        noted: true,
        restart_in_s: 120,
    }
}

#[test]
fn a_rooms_name_that_is_held_asks_for_a_reset_and_one_that_is_touched_does_not() {
    let kiosk = Kiosk::start("1280x800");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let idle = with(
        Language::English,
        Screen::Idle { meetings: Vec::new(), directory: directory(), numbers: true },
    );
    let code = Screen::Activation { code: Some(code()), seconds_left: 9, seconds_total: 900 };
    for (panel, held) in [(idle, "room"), (with(Language::French, code), "serial")] {
        daemon.send(&panel);
        finger.sees(&panel);
        finger.press(held);
        finger.press(if panel.language == Language::French {
            "language-en"
        } else {
            "language-fr"
        });
        assert!(matches!(daemon.tap(), Tap::Language(_)), "a touch said nothing before");
        assert_eq!(finger.ask(&json!({ "do": "hold", "id": held })), json!({ "ok": true }));
        assert_eq!(daemon.tap(), Tap::Reset);
        assert_eq!(finger.ask(&json!({ "do": "lift" })), json!({ "ok": true }));
    }
}

#[test]
fn every_button_sends_its_tap_on_a_large_panel() {
    every_button_sends_its_tap("1280x800");
}

#[test]
fn every_button_sends_its_tap_on_a_small_panel() {
    every_button_sends_its_tap("800x480");
}

#[test]
fn join_does_nothing_until_the_daemon_says_that_the_number_is_complete() {
    let kiosk = Kiosk::start("1280x800");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let pad = |typed: &str, complete| {
        with(Language::English, Screen::Number { typed: typed.into(), complete, trouble: None })
    };
    daemon.send(&pad("1", false));
    finger.sees(&pad("1", false));
    finger.press("join");
    finger.press("key-7");
    assert_eq!(
        daemon.tap(),
        Tap::Digit { digit: 7 },
        "the press on join came first and sent nothing"
    );
    // The panel shows no digit of its own accord: only the daemon's.
    assert_eq!(finger.read("typed"), "1");
    daemon.send(&pad("1007", true));
    finger.sees(&pad("1007", true));
    assert_eq!(finger.read("typed"), "1007");
    finger.press("join");
    assert_eq!(daemon.tap(), Tap::Join);
}

#[test]
fn one_tap_on_a_meeting_of_today_joins_it() {
    let kiosk = Kiosk::start("1280x800");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let meeting = Meeting {
        number: Some("482913077".parse().unwrap()),
        title: Some("Tumour board".parse().unwrap()),
        starts_at: UnixTime(1_796_025_600),
        ends_at: UnixTime(1_796_029_200),
        organiser: Some("Dr Ada".parse().unwrap()),
        now: false,
    };
    let taken = Meeting {
        number: None,
        title: None,
        starts_at: UnixTime(1_796_032_800),
        ends_at: UnixTime(1_796_036_400),
        organiser: None,
        now: false,
    };
    let meetings = vec![meeting, taken];
    let idle = Screen::Idle { meetings, directory: directory(), numbers: true };
    let zone = Some("Europe/Paris".parse().unwrap());
    let idle = Panel { time_zone: zone, ..with(Language::English, idle) };
    daemon.send(&idle);
    finger.sees(&idle);
    let says = finger.read("choose-482913077");
    assert_eq!(says, "Tumour board, 09:00 – 10:00 · Dr Ada");
    // What only takes the room says so, and does nothing: the next tap is that on the meeting.
    assert_eq!(finger.read("taken-11:00 – 12:00"), "Room taken, 11:00 – 12:00");
    finger.ask(&json!({ "do": "press", "id": "taken-11:00 – 12:00" }));
    finger.press("choose-482913077");
    assert_eq!(daemon.tap(), Tap::Choose { number: "482913077".parse().unwrap() });
}

#[test]
fn a_long_directory_is_moved_by_a_finger_and_a_swipe_chooses_nothing() {
    let kiosk = Kiosk::start("1280x800");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let directory =
        (0..12).map(|at| entry(&(700_100 + at).to_string(), "Consultation", false)).collect();
    let idle =
        with(Language::English, Screen::Idle { meetings: Vec::new(), directory, numbers: true });
    daemon.send(&idle);
    finger.sees(&idle);
    let answer = finger.ask(&json!({ "do": "press", "id": "choose-700111" }));
    assert_eq!(answer["missing"], "choose-700111", "out of sight is out of reach");
    assert!(answer["visible"].as_array().unwrap().contains(&json!("choose-700100")));
    let last = until("the last entry to come into sight", || {
        let visible = finger.visible();
        let lowest = visible.iter().rev().find(|id| id.starts_with("choose-"))?.clone();
        if lowest == "choose-700111" {
            return Some(lowest);
        }
        finger.ask(&json!({ "do": "swipe", "id": lowest, "by": -300 }));
        None
    });
    finger.press(&last);
    assert_eq!(daemon.tap(), Tap::Choose { number: "700111".parse().unwrap() });
}

#[test]
fn the_code_is_read_as_it_is_shown() {
    let kiosk = Kiosk::start("1280x800");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let panel = Panel {
        room: None,
        ..with(
            Language::French,
            Screen::Activation { code: Some(code()), seconds_left: 300, seconds_total: 900 },
        )
    };
    daemon.send(&panel);
    finger.sees(&panel);
    assert_eq!(finger.read("code"), "7KQ2-9FXM");
    assert_eq!(finger.read("serial"), "Numéro de série CNV-2026-004711");
}

#[test]
fn a_touched_key_answers_while_the_finger_is_still_on_it() {
    let kiosk = Kiosk::start("1280x800");
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let pad = with(
        Language::English,
        Screen::Number { typed: "12".into(), complete: false, trouble: None },
    );
    daemon.send(&pad);
    finger.sees(&pad);
    let folder = tempfile::tempdir().unwrap();
    let shot = |finger: &mut Finger, name: &str| {
        let path = folder.path().join(name);
        finger.picture(&path);
        std::fs::read(path).unwrap()
    };
    let before = shot(&mut finger, "before.png");
    assert_eq!(finger.ask(&json!({ "do": "hold", "id": "key-5" })), json!({ "ok": true }));
    assert!(shot(&mut finger, "held.png") != before, "the key looks pressed");
    assert_eq!(finger.ask(&json!({ "do": "lift" })), json!({ "ok": true }));
    assert!(shot(&mut finger, "after.png") == before, "and fades back");
    // Sliding off pressed nothing.
    finger.press("key-6");
    assert_eq!(daemon.tap(), Tap::Digit { digit: 6 });
}

//! Every screen, in both languages and at the three sizes, as a PNG that people look at, with the
//! checks that a machine can make: texts fit, nothing lies over anything, fingers hit.
//!
//! The pictures are kept in `panel-pictures` under the folder named by CONCLAVE_PICTURES, else under
//! the target folder.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

mod panel;

use conclave_panel_api::Layout;
use conclave_panel_api::{
    CallHealth, Erased, Health, InCall, Language, LinkState, Look, Meeting, Notice, Panel,
    ResetReceipt, Screen, StickFault, StickStep, Trouble,
};
use conclave_types::{Switch, UnixTime, Version};
use panel::{
    Finger, Kiosk, call, code, crowd, directory, entry, in_call, name, panel as with, waiter,
};
use serde::Deserialize;
use serde_json::json;
use std::path::{Path, PathBuf};

const LONG: &str =
    "Interdisciplinary tumour board, building C, room 4.117, Saint-Barthélemy-sur-Loi";

fn folder() -> PathBuf {
    let base = std::env::var_os("CONCLAVE_PICTURES").map_or_else(
        || {
            let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
            scratch.parent().unwrap_or(scratch).to_owned()
        },
        PathBuf::from,
    );
    let folder = base.join("panel-pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// One that is on, one with long names, one without its organiser, and a time that the calendar takes.
fn today() -> Vec<Meeting> {
    let meeting = |number: &str, title: &str, hour: u64, organiser: Option<&str>| Meeting {
        number: number.parse().ok(),
        title: title.parse().ok(),
        starts_at: UnixTime(1_796_025_600 + hour * 3_600),
        ends_at: UnixTime(1_796_025_600 + hour * 3_600 + 2_700),
        organiser: organiser.map(name),
        now: hour == 0,
    };
    vec![
        meeting(
            "482913077",
            "Réunion de concertation pluridisciplinaire",
            0,
            Some("Dr Ada Lovelace"),
        ),
        meeting("500123987", LONG, 2, Some(LONG)),
        meeting("613000457", "Handover", 6, None),
        meeting("", "", 8, None),
    ]
}

/// Every screen worth a look, named.
fn scenes(language: Language) -> Vec<(&'static str, Panel)> {
    let plain = |screen| with(language, screen);
    let newcomer = |code, left, link| Panel {
        room: None,
        link,
        ..plain(Screen::Activation { code, seconds_left: left, seconds_total: 900 })
    };
    let noticed = |notice, screen| Panel { notice: Some(notice), ..plain(screen) };
    let idle = || Screen::Idle { meetings: Vec::new(), directory: directory(), numbers: true };
    let number = |typed: &str, complete, trouble| {
        plain(Screen::Number { typed: typed.into(), complete, trouble })
    };
    let pin = |typed, complete, trouble| {
        plain(Screen::Pin {
            number: "100200".parse().unwrap(),
            name: Some(name("Comité de direction")),
            typed,
            complete,
            trouble,
        })
    };
    let mut crowded = call();
    crowded.participants = crowd();
    crowded.name = name(LONG);
    crowded.seconds = 3725;
    let mut alone = call();
    alone.participants.truncate(1);
    let mut muted = call();
    muted.microphone = Switch::Off;
    muted.camera = Switch::Off;
    muted.layout = Layout::Speaker;
    let mut people = crowded.clone();
    people.people_open = true;
    let mut lost = call();
    lost.health = CallHealth::LinkLost;
    let mut rejoining = muted.clone();
    rejoining.health = CallHealth::Rejoining;
    rejoining.participants = crowd();
    let lobby = |title: &str, health| {
        let number = "100200".parse().unwrap();
        plain(Screen::Lobby { number, name: name(title), health })
    };
    let waited = |names: &[&str], people_open| {
        let lobby = names.iter().enumerate().map(|(at, title)| waiter(at, title)).collect();
        plain(in_call(InCall { lobby, people_open, ..call() }))
    };
    let muted_and_waited = plain(in_call(InCall { lobby: vec![waiter(1, LONG)], ..muted.clone() }));
    let reset = |typed, complete, trouble| plain(Screen::ResetCode { typed, complete, trouble });
    let stick = |step| plain(Screen::Stick { step });
    let (running, version) = (Version(1, 2, 0), Version(1, 3, 0));
    let receipt = |erased, room: Option<&str>, noted, restart_in_s| {
        plain(Screen::ResetReceipt(Box::new(ResetReceipt {
            number: room.map(|_| "482 913 077".parse().unwrap()),
            room: room.map(name),
            serial: "CVL-2041-0038".to_owned(),
            key: "0123 4567 89ab cdef".to_owned(),
            at: UnixTime(1_795_369_800),
            erased,
            noted,
            restart_in_s,
        })))
    };
    let many: Vec<_> = (0..12)
        .map(|at| {
            entry(
                &format!("{}", 700_100 + at),
                if at == 2 { LONG } else { "Consultation" },
                at % 2 == 0,
            )
        })
        .collect();
    vec![
        ("starting", plain(Screen::Starting)),
        ("activation", newcomer(Some(code()), 700, LinkState::Up)),
        ("activation-ending", newcomer(Some(code()), 42, LinkState::Up)),
        ("activation-no-network", newcomer(None, 0, LinkState::Lost { retry_in_s: 8 })),
        (
            "activation-revoked",
            Panel { notice: Some(Notice::Revoked), ..newcomer(Some(code()), 900, LinkState::Up) },
        ),
        (
            "activation-not-recognised",
            Panel {
                notice: Some(Notice::NotRecognised),
                ..newcomer(None, 0, LinkState::Connecting)
            },
        ),
        ("idle", plain(idle())),
        (
            "idle-many",
            Panel {
                room: Some(name(LONG)),
                ..plain(Screen::Idle { meetings: Vec::new(), directory: many, numbers: true })
            },
        ),
        (
            "idle-empty",
            plain(Screen::Idle { meetings: Vec::new(), directory: Vec::new(), numbers: true }),
        ),
        (
            "idle-link-lost",
            Panel {
                link: LinkState::Lost { retry_in_s: 12 },
                camera: Health::Missing,
                microphone: Health::Missing,
                ..plain(idle())
            },
        ),
        (
            "idle-everything",
            Panel {
                link: LinkState::Lost { retry_in_s: 12 },
                room: Some(name(LONG)),
                ..noticed(Notice::CameraLost, idle())
            },
        ),
        (
            "idle-camera-lost",
            Panel { camera: Health::Missing, ..noticed(Notice::CameraLost, idle()) },
        ),
        ("idle-call-ended", noticed(Notice::CallEnded, idle())),
        ("idle-call-lost", noticed(Notice::CallLost, idle())),
        (
            "idle-wrong-cloud",
            Panel {
                link: LinkState::Lost { retry_in_s: 0 },
                ..noticed(Notice::WrongCloud, idle())
            },
        ),
        (
            "idle-meetings",
            plain(Screen::Idle { meetings: today(), directory: directory(), numbers: true }),
        ),
        (
            "idle-meetings-only",
            Panel {
                link: LinkState::Lost { retry_in_s: 12 },
                time_zone: "America/Montreal".parse().ok(),
                ..plain(Screen::Idle { meetings: today(), directory: Vec::new(), numbers: false })
            },
        ),
        (
            "idle-listed-only",
            plain(Screen::Idle { meetings: Vec::new(), directory: directory(), numbers: false }),
        ),
        ("idle-dim", Panel { brightness: 20, ..plain(idle()) }),
        ("idle-restarting", noticed(Notice::Restarting, idle())),
        ("identify", Panel { identify: true, room: Some(name(LONG)), ..plain(idle()) }),
        (
            "look",
            Panel {
                look: Some(Look::Soon),
                ..plain(Screen::Idle { meetings: today(), directory: directory(), numbers: true })
            },
        ),
        ("look-over", Panel { look: Some(Look::Over), ..noticed(Notice::CameraLost, idle()) }),
        ("idle-hot", noticed(Notice::Hot, idle())),
        ("idle-reset-held", noticed(Notice::ResetHeld, idle())),
        ("idle-development", Panel { development: true, ..noticed(Notice::Hot, idle()) }),
        ("starting-no-cloud", noticed(Notice::NoCloud, Screen::Starting)),
        ("starting-cloud-mistaken", noticed(Notice::CloudMistaken, Screen::Starting)),
        // What a notice has to say is said when somebody is there to read it.
        ("asleep", Panel { asleep: true, ..noticed(Notice::CameraLost, idle()) }),
        ("number-empty", number("", false, None)),
        ("number", number("100200", true, None)),
        ("number-not-found", number("123456789012", true, Some(Trouble::NotFound))),
        ("number-no-link", number("1002", true, Some(Trouble::NoLink))),
        ("number-busy", number("1002", true, Some(Trouble::Busy))),
        ("number-media", number("1002", true, Some(Trouble::Media))),
        ("number-other", number("1002", true, Some(Trouble::Other))),
        ("pin-empty", pin(0, false, None)),
        ("pin", pin(12, true, None)),
        ("pin-wrong", pin(0, false, Some(Trouble::WrongPin { tries_left: 2 }))),
        ("pin-wait", pin(0, false, Some(Trouble::Wait { seconds: 95 }))),
        ("pin-full", pin(4, true, Some(Trouble::Full { capacity: 50 }))),
        (
            "pin-notice",
            Panel {
                notice: Some(Notice::MicrophoneLost),
                microphone: Health::Missing,
                ..pin(4, true, Some(Trouble::WrongPin { tries_left: 1 }))
            },
        ),
        (
            "connecting",
            plain(Screen::Connecting {
                number: "100200".parse().unwrap(),
                name: Some(name("Comité de direction")),
            }),
        ),
        (
            "connecting-long",
            plain(Screen::Connecting {
                number: "881204556".parse().unwrap(),
                name: Some(name(LONG)),
            }),
        ),
        ("lobby", lobby("Comité de direction", CallHealth::Good)),
        ("lobby-long", lobby(LONG, CallHealth::Good)),
        ("lobby-link-lost", lobby(LONG, CallHealth::LinkLost)),
        ("lobby-rejoining", lobby("Stand-up", CallHealth::Rejoining)),
        ("call-one-waits", waited(&["Mo"], false)),
        ("call-long-one-waits", waited(&[LONG], false)),
        ("call-some-wait", waited(&["Mo", "ד״ר יעל כהן (Haifa)", LONG, "Bo Li"], false)),
        ("call-people-some-wait", waited(&["Mo", "ד״ר יעל כהן (Haifa)", LONG, "Bo Li"], true)),
        (
            "call-one-waits-muted-full",
            Panel { notice: Some(Notice::MeetingFull), ..muted_and_waited },
        ),
        ("number-lobby-full", number("1002", true, Some(Trouble::LobbyFull))),
        ("number-lobby-unsupported", number("1002", true, Some(Trouble::LobbyUnsupported))),
        ("idle-turned-away", noticed(Notice::TurnedAway, idle())),
        ("idle-nobody-came", noticed(Notice::NobodyCame, idle())),
        ("idle-ended-meanwhile", noticed(Notice::EndedMeanwhile, idle())),
        ("idle-not-let-in", noticed(Notice::NotLetIn, idle())),
        ("call-alone", plain(in_call(alone))),
        ("call", plain(in_call(call()))),
        ("call-crowded", plain(in_call(crowded))),
        ("call-muted", plain(in_call(muted))),
        ("call-people", plain(in_call(people))),
        (
            "call-link-lost",
            Panel { link: LinkState::Lost { retry_in_s: 3 }, ..plain(in_call(lost)) },
        ),
        ("call-rejoining-muted", plain(in_call(rejoining))),
        ("call-camera-lost", noticed(Notice::CameraLost, in_call(call()))),
        ("call-camera-not-allowed", noticed(Notice::CameraNotAllowed, in_call(call()))),
        ("call-reset", noticed(Notice::ResetInCall, in_call(call()))),
        ("reset-code", reset(0, false, None)),
        ("reset-code-typed", reset(8, true, None)),
        ("reset-code-wrong", reset(0, false, Some(Trouble::WrongResetCode { tries_left: 4 }))),
        ("reset-code-last", reset(0, false, Some(Trouble::WrongResetCode { tries_left: 0 }))),
        ("reset-code-none", reset(0, false, Some(Trouble::NoResetCode))),
        ("reset-question", plain(Screen::ResetConfirm { seconds_left: 60 })),
        ("resetting", plain(Screen::Resetting)),
        ("receipt", receipt(Erased::Partition, Some("Salle Voltaire"), true, 120)),
        ("receipt-long", receipt(Erased::Folder, Some(LONG), false, 600)),
        ("receipt-of-nobody", receipt(Erased::Partition, None, false, 95)),
        ("receipt-not-erased", receipt(Erased::Nothing, Some(LONG), false, 600)),
        ("stick-question", stick(StickStep::Ask { running, version })),
        ("stick-not-signed", stick(StickStep::Unusable { why: StickFault::NotSigned })),
        ("stick-not-newer", stick(StickStep::Unusable { why: StickFault::NotNewer })),
        ("stick-not-copied", stick(StickStep::Unusable { why: StickFault::Copy })),
        ("stick-not-installed", stick(StickStep::Unusable { why: StickFault::Install })),
        ("stick-copying", stick(StickStep::Copying { percent: 40 })),
        ("stick-installing", stick(StickStep::Installing { percent: 70 })),
        ("stick-restarting", stick(StickStep::Restarting)),
        ("call-very-hot", noticed(Notice::VeryHot, in_call(call()))),
    ]
}

#[derive(Debug, Deserialize)]
struct Place {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

impl Place {
    /// How far apart two rectangles are, on the axis on which they are farther; negative when one
    /// lies over the other.
    fn gap(&self, other: &Place) -> f32 {
        let across = (other.x - self.x - self.width).max(self.x - other.x - other.width);
        let down = (other.y - self.y - self.height).max(self.y - other.y - other.height);
        across.max(down)
    }
}

#[derive(Debug, Deserialize)]
struct Target {
    id: String,
    width: f32,
    height: f32,
    seen: Place,
}

#[derive(Debug, Deserialize)]
struct Text {
    text: String,
    width: f32,
    height: f32,
    wants_width: f32,
    wants_height: f32,
    elides: bool,
    seen: Place,
}

/// Names may end in an ellipsis where they stand in a list; nothing else may.
fn may_elide(panel: &Panel, text: &str) -> bool {
    match &panel.screen {
        Screen::InCall(call) => {
            call.participants.iter().any(|person| text.contains(person.name.as_str()))
                || call.lobby.iter().any(|waiter| text.contains(waiter.name.as_str()))
        }
        Screen::Idle { meetings, directory, .. } => {
            directory.iter().any(|entry| text == entry.name.as_str())
                || meetings.iter().any(|meeting| {
                    let organiser = meeting.organiser.as_ref();
                    meeting.title.as_ref().is_some_and(|title| text == title.as_str())
                        || organiser.is_some_and(|name| text.ends_with(name.as_str()))
                })
        }
        _ => false,
    }
}

/// Lists scroll: there, and only there, a text may be cut by the edge.
fn scrolls(panel: &Panel) -> bool {
    matches!(&panel.screen, Screen::InCall(_) | Screen::Idle { .. })
}

fn flaws(finger: &mut Finger, panel: &Panel, (width, height): (f32, f32)) -> Vec<String> {
    let mut flaws = Vec::new();
    let targets: Vec<Target> =
        serde_json::from_value(finger.ask(&json!({ "do": "targets" }))["targets"].clone()).unwrap();
    for (at, target) in targets.iter().enumerate() {
        if target.width < 71.9 || target.height < 71.9 {
            flaws.push(format!("{} is {}x{}", target.id, target.width, target.height));
        }
        let cut =
            target.seen.width < target.width - 0.5 || target.seen.height < target.height - 0.5;
        let listed = ["choose-", "let-in-", "turn-away-"];
        if cut && !listed.iter().any(|list| target.id.starts_with(list)) {
            flaws.push(format!("{} is cut off", target.id));
        }
        for other in &targets[at + 1..] {
            let gap = target.seen.gap(&other.seen);
            if gap < 15.9 {
                flaws.push(format!("{} and {} are {gap} apart", target.id, other.id));
            }
        }
    }
    let texts: Vec<Text> =
        serde_json::from_value(finger.ask(&json!({ "do": "texts" }))["texts"].clone()).unwrap();
    for (at, text) in texts.iter().enumerate() {
        let short = text.wants_width > text.width + 0.6;
        let low = text.wants_height > text.height + 0.6;
        if (short || low) && !(text.elides && may_elide(panel, &text.text)) {
            flaws.push(format!(
                "{:?} wants {}x{} and has {}x{}",
                text.text, text.wants_width, text.wants_height, text.width, text.height
            ));
        }
        let cut = text.seen.width < text.width - 0.6 || text.seen.height < text.height - 0.6;
        if cut && !scrolls(panel) {
            flaws.push(format!("{:?} is cut off", text.text));
        }
        if text.seen.x < 0.0
            || text.seen.y < 0.0
            || text.seen.x + text.seen.width > width + 0.5
            || text.seen.y + text.seen.height > height + 0.5
        {
            flaws.push(format!("{:?} leaves the panel", text.text));
        }
        for other in &texts[at + 1..] {
            if text.seen.gap(&other.seen) < -1.0 {
                flaws.push(format!("{:?} and {:?} lie over each other", text.text, other.text));
            }
        }
    }
    flaws
}

fn every_screen_is_sound_at(size: &str) {
    let (width, height) = size.split_once('x').unwrap();
    let area = (width.parse().unwrap(), height.parse().unwrap());
    let folder = folder();
    let kiosk = Kiosk::start(size);
    let mut daemon = kiosk.accept();
    let mut finger = kiosk.finger();
    let mut found = Vec::new();
    for (language, short) in [(Language::English, "en"), (Language::French, "fr")] {
        for (scene, panel) in scenes(language) {
            daemon.send(&panel);
            finger.sees(&panel);
            finger.picture(&folder.join(format!("{scene}-{short}-{size}.png")));
            for flaw in flaws(&mut finger, &panel, area) {
                found.push(format!("{scene}-{short}: {flaw}"));
            }
        }
    }
    assert!(found.is_empty(), "at {size}:\n{}", found.join("\n"));
}

#[test]
fn every_screen_is_sound_at_1280x800() {
    every_screen_is_sound_at("1280x800");
}

#[test]
fn every_screen_is_sound_at_1024x600() {
    every_screen_is_sound_at("1024x600");
}

#[test]
fn every_screen_is_sound_at_800x480() {
    every_screen_is_sound_at("800x480");
}

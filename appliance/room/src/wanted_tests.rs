//! What IT wants of the room, and what people at the panel choose.

use crate::media::MediaCommand;
use crate::room::tests::{
    CLOUD, at, clock, digits, in_call, linked, new_room, outputs, taps, welcome,
};
use crate::{Input, Output, Room};
use conclave_link_protocol::message::{
    CloudEvent, Greeting, Refusal, RoomEvent, SettingsDocument, SettingsMark, SettingsReport,
    WantedSettings,
};
use conclave_panel_api::{Language, LanguageTap, Layout, Notice, Screen, Tap, Trouble};
use conclave_types::{CameraLimit, Switch};
use std::collections::BTreeMap;

fn wanted(mark: u64, pairs: &[(&str, &str)]) -> WantedSettings {
    let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings: SettingsDocument = owned.collect::<BTreeMap<_, _>>().try_into().unwrap();
    WantedSettings { mark: SettingsMark(mark), settings }
}

fn want(room: &mut Room, seconds: u64, mark: u64, pairs: &[(&str, &str)]) {
    room.handle(at(seconds), Input::Cloud(CloudEvent::Settings(wanted(mark, pairs))));
}

fn reports(room: &mut Room) -> Vec<SettingsReport> {
    let told = outputs(room).into_iter().filter_map(|output| match output {
        Output::Tell(RoomEvent::Settings(report)) => Some(report),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_room_tells_how_it_is_set_with_each_link_and_when_that_changes() {
    let mut room = linked();
    let first = reports(&mut room);
    assert_eq!((first.len(), first[0].mark), (1, None));
    assert_eq!(first[0].in_force.get("language"), Some("english"));
    want(&mut room, 1, 7, &[("language", "french"), ("hologram", "on")]);
    let kept = Output::KeepWanted(Some(wanted(7, &[("hologram", "on"), ("language", "french")])));
    let all = outputs(&mut room);
    assert!(all.contains(&kept), "with what it does not understand: {all:?}");
    let told = all.into_iter().find_map(|output| match output {
        Output::Tell(RoomEvent::Settings(report)) => Some(report),
        _ => None,
    });
    let told = told.unwrap();
    assert_eq!(told.mark, Some(SettingsMark(7)));
    assert_eq!(told.in_force.get("language"), Some("french"));
    assert_eq!(told.not_understood, ["hologram"]);
    room.handle(at(2), Input::Clock(clock(10, 0)));
    assert!(reports(&mut room).is_empty(), "nothing changed");
    room.handle(at(3), Input::LinkUp { greeting: welcome(), cloud: CLOUD });
    assert_eq!(reports(&mut room), [told]);
}

#[test]
fn whoever_spoke_last_chooses_the_language() {
    let mut room = linked();
    want(&mut room, 1, 7, &[("language", "french"), ("layout", "speaker")]);
    assert_eq!(room.panel(at(1)).language, Language::French);
    assert!(outputs(&mut room).contains(&Output::Media(MediaCommand::Layout(Layout::Speaker))));
    let english = Tap::Language(LanguageTap { language: Language::English });
    taps(&mut room, at(2), [english]);
    assert_eq!(room.panel(at(2)).language, Language::English);
    let told = reports(&mut room);
    assert_eq!(told[0].in_force.get("language"), Some("english"), "the cloud sees the difference");
    // Something else is wanted: the person's choice stays.
    want(&mut room, 3, 8, &[("language", "french"), ("layout", "speaker"), ("camera", "off")]);
    assert_eq!(room.panel(at(3)).language, Language::English);
    // Another language is wanted, and then this one again.
    want(&mut room, 4, 9, &[("language", "english")]);
    want(&mut room, 5, 10, &[("language", "french")]);
    assert_eq!(room.panel(at(5)).language, Language::French);
}

#[test]
fn a_call_begins_as_it_is_wanted_and_goes_on_as_people_set_it() {
    let mut room = in_call();
    outputs(&mut room);
    want(&mut room, 3, 7, &[("microphone", "off"), ("camera", "off")]);
    let Screen::InCall(call) = room.panel(at(3)).screen else { panic!() };
    assert_eq!((call.microphone, call.camera), (Switch::On, Switch::On), "not in the middle of it");
    taps(&mut room, at(4), [Tap::Leave]);
    let off = [MediaCommand::Microphone(Switch::Off), MediaCommand::Camera(Switch::Off)];
    let all = outputs(&mut room);
    assert!(off.iter().all(|one| all.contains(&Output::Media(one.clone()))), "{all:?}");
    assert_eq!((room.call.microphone(), room.call.camera()), (Switch::Off, Switch::Off));
}

#[test]
fn a_panel_that_dials_only_what_it_lists_takes_no_numbers() {
    let mut room = linked();
    taps(&mut room, at(1), [Tap::JoinWithNumber]);
    want(&mut room, 2, 7, &[("dialling", "listed")]);
    // The pad was open already: what it dials has to be listed.
    taps(&mut room, at(3), digits("815"));
    taps(&mut room, at(3), [Tap::Join]);
    let Screen::Number { trouble, .. } = room.panel(at(3)).screen else { panic!() };
    assert_eq!(trouble, Some(Trouble::NotFound));
    taps(&mut room, at(4), [Tap::Back, Tap::JoinWithNumber]);
    let Screen::Idle { numbers, .. } = room.panel(at(4)).screen else { panic!() };
    assert!(!numbers);
    taps(&mut room, at(5), [Tap::Choose { number: "4711".parse().unwrap() }]);
    assert!(matches!(room.panel(at(5)).screen, Screen::Pin { .. }));
}

#[test]
fn in_quiet_hours_the_panel_is_dark_until_somebody_touches_it() {
    let mut room = linked();
    want(&mut room, 1, 7, &[("quiet_hours", "22:00-06:00"), ("brightness", "40")]);
    assert_eq!(room.panel(at(1)).brightness, 40);
    room.handle(at(100), Input::Clock(clock(21, 59)));
    assert!(!room.panel(at(100)).asleep);
    room.handle(at(160), Input::Clock(clock(22, 0)));
    assert!(room.panel(at(160)).asleep);
    taps(&mut room, at(200), [Tap::Wake]);
    assert!(!room.panel(at(200)).asleep);
    assert!(room.panel(at(261)).asleep, "a minute later nobody is there any more");
    room.handle(at(300), Input::Clock(clock(6, 0)));
    assert!(!room.panel(at(300)).asleep);
}

#[test]
fn what_was_wanted_counts_after_a_restart_and_not_when_the_room_is_nobodys_any_more() {
    let mut room = new_room();
    room.remember_wanted(&wanted(7, &[("microphone", "off"), ("time_zone", "Europe/Paris")]));
    assert_eq!(room.time_zone().map(|zone| zone.as_str()), Some("Europe/Paris"));
    assert_eq!(room.call.microphone(), Switch::Off);
    room.handle(at(0), Input::LinkUp { greeting: welcome(), cloud: CLOUD });
    assert_eq!(reports(&mut room)[0].mark, Some(SettingsMark(7)));
    let revoked = Greeting::Refused { reason: Refusal::Revoked, retry_after_s: 9 };
    room.handle(at(1), Input::LinkUp { greeting: revoked, cloud: CLOUD });
    assert!(outputs(&mut room).contains(&Output::KeepWanted(None)));
    assert_eq!((room.time_zone(), room.call.microphone()), (None, Switch::On));
}

#[test]
fn a_zone_that_nobody_knows_is_said_and_the_clock_stays_the_machines() {
    let mut room = linked();
    outputs(&mut room);
    want(&mut room, 1, 7, &[("time_zone", "Mars/Olympus")]);
    assert_eq!(room.time_zone(), None);
    assert_eq!(reports(&mut room)[0].not_understood, ["time_zone"]);
}

#[test]
fn what_it_does_not_allow_stays_off_in_a_call_too_and_whoever_taps_is_told_why() {
    let mut room = in_call();
    outputs(&mut room);
    want(&mut room, 3, 7, &[("microphone_limit", "off"), ("camera_limit", "off")]);
    let all = outputs(&mut room);
    for off in [MediaCommand::Microphone(Switch::Off), MediaCommand::Camera(Switch::Off)] {
        assert!(all.contains(&Output::Media(off.clone())), "{off:?}: {all:?}");
    }
    for (tap, notice) in
        [(Tap::Microphone, Notice::MicrophoneNotAllowed), (Tap::Camera, Notice::CameraNotAllowed)]
    {
        taps(&mut room, at(4), [tap]);
        assert_eq!(room.panel(at(4)).notice, Some(notice));
        assert_eq!((room.call.microphone(), room.call.camera()), (Switch::Off, Switch::Off));
    }
    let report = &reports(&mut room);
    assert!(report.is_empty(), "it was said before: {report:?}");
    // The next call begins so, whatever is set for its beginning.
    taps(&mut room, at(5), [Tap::Leave]);
    want(&mut room, 6, 8, &[("camera_limit", "off"), ("camera", "on")]);
    assert_eq!((room.call.microphone(), room.call.camera()), (Switch::On, Switch::Off));
    let told = reports(&mut room);
    let last = told.last().unwrap();
    assert_eq!(last.in_force.get("camera_limit"), Some("off"));
    assert_eq!(last.in_force.get("microphone_limit"), Some("allowed"));
}

#[test]
fn the_cameras_pictures_change_their_size_between_calls() {
    let smaller = Output::Media(MediaCommand::CameraLimit(CameraLimit::Lines360));
    let mut room = in_call();
    outputs(&mut room);
    want(&mut room, 3, 7, &[("camera_limit", "360p")]);
    let all = outputs(&mut room);
    assert!(!all.contains(&smaller), "{all:?}");
    let report = all.iter().find_map(|output| match output {
        Output::Tell(RoomEvent::Settings(report)) => report.in_force.get("camera_limit"),
        _ => None,
    });
    assert_eq!(report, Some("1080p"), "the cloud sees that it is not in force yet");
    taps(&mut room, at(4), [Tap::Leave]);
    let all = outputs(&mut room);
    assert!(all.contains(&smaller));
    let report = all.iter().find_map(|output| match output {
        Output::Tell(RoomEvent::Settings(report)) => report.in_force.get("camera_limit"),
        _ => None,
    });
    assert_eq!(report, Some("360p"));
    // And after a restart at once.
    let mut room = new_room();
    room.remember_wanted(&wanted(7, &[("camera_limit", "360p")]));
    assert!(outputs(&mut room).contains(&smaller));
}

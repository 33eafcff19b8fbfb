//! Whatever happens in between: in the end rooms and cloud agree.

use conclave_cloud::control::{
    ControlAnswer, ControlRequest, InForce, Part, RoomState, SettingsFor, SettingsLine,
};
use conclave_panel_api::{CallHealth, LinkState, Notice, Screen, Tap, Trouble};
use conclave_sim::{Link, World};
use conclave_types::Switch;
use std::collections::BTreeSet;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn in_call(world: &World, room: usize, health: CallHealth) -> bool {
    matches!(world.panel(room).screen, Screen::InCall(call) if call.health == health)
}

/// The names that a room's panel shows, with their switches.
fn people(world: &World, room: usize) -> BTreeSet<(String, bool, bool)> {
    match world.panel(room).screen {
        Screen::InCall(call) => call
            .participants
            .iter()
            .map(|p| (p.name.to_string(), p.microphone.is_on(), p.camera.is_on()))
            .collect(),
        _ => BTreeSet::new(),
    }
}

fn met(world: &mut World) {
    for room in 0..2 {
        world.join(room);
        world.wait_for("a call", MINUTE, |w| in_call(w, room, CallHealth::Good).then_some(()));
    }
    world.wait_for("each other", MINUTE, |w| {
        (0..2).all(|room| people(w, room).len() == 2).then_some(())
    });
}

#[test]
fn two_rooms_enrol_by_their_codes_and_meet_behind_a_pin() {
    let mut world = World::new(1, 2);
    world.make_vmr(Some("2468"), 10);
    world.pass(Duration::from_secs(5));
    met(&mut world);
    assert_eq!(people(&world, 0), people(&world, 1));
    assert!(world.media_flows(0) && world.media_flows(1));
    world.tap(0, Tap::Leave);
    world.wait_for("one left", MINUTE, |w| (people(w, 1).len() == 1).then_some(()));
}

#[test]
fn a_link_that_vanishes_in_mid_call_stops_no_media_and_carries_switches_when_it_is_back() {
    let mut world = World::new(2, 2);
    world.make_vmr(None, 10);
    world.pass(Duration::from_secs(5));
    met(&mut world);
    world.set_link(0, Link::BlackHole);
    world.wait_for("the loss on the panel", MINUTE, |w| {
        in_call(w, 0, CallHealth::LinkLost).then_some(())
    });
    let call = world.call(0);
    world.tap(0, Tap::Microphone);
    world.pass(Duration::from_secs(20));
    assert!(world.media_flows(0), "picture and sound go on");
    assert_eq!(people(&world, 1).len(), 2, "the other one still sees it");
    world.set_link(0, Link::Whole);
    world.wait_for("the link", 2 * MINUTE, |w| in_call(w, 0, CallHealth::Good).then_some(()));
    assert_eq!(world.call(0), call, "the same call goes on");
    world.wait_for("the switch at the other room", MINUTE, |w| {
        people(w, 1).contains(&("Room 0".to_owned(), false, true)).then_some(())
    });
}

#[test]
fn a_killed_cloud_comes_back_and_the_rooms_return_to_their_meeting() {
    let mut world = World::new(3, 2);
    world.make_vmr(Some("2468"), 10);
    world.pass(Duration::from_secs(5));
    met(&mut world);
    world.kill_cloud();
    world.pass(Duration::from_secs(10));
    assert!(in_call(&world, 0, CallHealth::LinkLost));
    world.start_cloud();
    world.wait_for("both in a call again", 2 * MINUTE, |w| {
        (0..2)
            .all(|r| in_call(w, r, CallHealth::Good) && people(w, r).len() == 2 && w.media_flows(r))
            .then_some(())
    });
    let ControlAnswer::Records { records } = world.control(ControlRequest::RecordList { most: 10 })
    else {
        unreachable!("records were asked for");
    };
    assert_eq!(records.len(), 4, "two calls before, two after");
    assert_eq!(
        records.iter().filter(|r| r.left_at.is_some()).count(),
        2,
        "the first two are closed"
    );
}

#[test]
fn a_wrong_pin_is_told_and_three_of_them_make_a_room_wait() {
    let mut world = World::new(4, 1);
    world.make_vmr(Some("2468"), 10);
    world.pass(Duration::from_secs(5));
    let mut told = Vec::new();
    world.tap(0, Tap::Choose { number: "4711".parse().unwrap() });
    for _ in 0..4 {
        for _ in 0..4 {
            world.tap(0, Tap::Digit { digit: 1 });
        }
        world.tap(0, Tap::Join);
        world.pass(Duration::from_secs(3));
        match world.panel(0).screen {
            Screen::Pin { trouble: Some(trouble), .. } => told.push(trouble),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(told[0], Trouble::WrongPin { tries_left: 2 }), "{told:?}");
    assert!(matches!(told[3], Trouble::Wait { .. }), "{told:?}");
}

#[test]
fn a_full_meeting_room_says_how_many_fit() {
    let mut world = World::new(5, 2);
    world.make_vmr(None, 1);
    world.pass(Duration::from_secs(5));
    world.join(0);
    world.wait_for("the first", MINUTE, |w| in_call(w, 0, CallHealth::Good).then_some(()));
    world.join(1);
    world.wait_for("the refusal", MINUTE, |w| match w.panel(1).screen {
        Screen::Number { trouble: Some(Trouble::Full { capacity: 1 }), .. } => Some(()),
        _ => None,
    });
}

#[test]
fn a_revoked_room_is_out_at_once_and_shows_a_new_code() {
    let mut world = World::new(6, 2);
    world.make_vmr(None, 10);
    world.pass(Duration::from_secs(5));
    met(&mut world);
    world.control(ControlRequest::RoomRevoke { room: "Room 1".to_owned() });
    world.wait_for("it is gone", MINUTE, |w| (people(w, 0).len() == 1).then_some(()));
    world.wait_for("a new code", MINUTE, |w| match w.panel(1).screen {
        Screen::Activation { code: Some(_), .. } => Some(()),
        _ => None,
    });
    assert!(!world.media_flows(1));
}

fn waits(world: &World, room: usize, health: CallHealth) -> bool {
    matches!(world.panel(room).screen, Screen::Lobby { health: shown, .. } if shown == health)
}

/// The names of those whom a room's panel shows as waiting.
fn lobby(world: &World, room: usize) -> Vec<String> {
    match world.panel(room).screen {
        Screen::InCall(call) => call.lobby.iter().map(|each| each.name.to_string()).collect(),
        _ => Vec::new(),
    }
}

fn let_all_in(world: &mut World) {
    let number = "4711".parse().expect("four digits are a number");
    world.control(ControlRequest::MeetingLetIn { number, who: Vec::new() });
}

/// The first one is in, by the console; the second one waits.
fn one_waits(seed: u64) -> World {
    let mut world = World::new(seed, 2);
    world.make_vmr(Some("2468"), 10);
    world.open_lobby();
    world.pass(Duration::from_secs(5));
    world.join(0);
    world.wait_for("the lobby", MINUTE, |w| waits(w, 0, CallHealth::Good).then_some(()));
    assert!(!world.media_flows(0), "nothing is heard of it yet");
    let_all_in(&mut world);
    world.wait_for("the first", MINUTE, |w| in_call(w, 0, CallHealth::Good).then_some(()));
    world.join(1);
    world.wait_for("the second", MINUTE, |w| waits(w, 1, CallHealth::Good).then_some(()));
    world.wait_for("its name", MINUTE, |w| (lobby(w, 0) == ["Room 1"]).then_some(()));
    assert!(!world.media_flows(1) && people(&world, 0).len() == 1);
    world
}

#[test]
fn whoever_waits_is_let_in_by_a_tap_at_the_other_panel_and_media_flows_only_then() {
    let mut world = one_waits(21);
    world.tap(0, Tap::LetAllIn);
    world.wait_for("each other", MINUTE, |w| {
        (0..2).all(|room| people(w, room).len() == 2 && w.media_flows(room)).then_some(())
    });
    assert_eq!(lobby(&world, 0), [""; 0]);
}

#[test]
fn a_lost_link_keeps_the_place_in_the_lobby() {
    let mut world = one_waits(22);
    world.set_link(1, Link::BlackHole);
    world.wait_for("the loss", MINUTE, |w| waits(w, 1, CallHealth::LinkLost).then_some(()));
    // Let in while nobody can tell it: it comes in when it is back.
    let_all_in(&mut world);
    world.wait_for("the answer", MINUTE, |w| lobby(w, 0).is_empty().then_some(()));
    assert_eq!(people(&world, 0).len(), 1);
    world.set_link(1, Link::Whole);
    world.wait_for("each other", 2 * MINUTE, |w| {
        (0..2).all(|room| people(w, room).len() == 2).then_some(())
    });
}

#[test]
fn a_killed_cloud_takes_back_who_was_in_and_whoever_waited_asks_again_by_itself() {
    let mut world = one_waits(23);
    world.kill_cloud();
    world.pass(Duration::from_secs(10));
    assert!(waits(&world, 1, CallHealth::LinkLost));
    world.start_cloud();
    world.wait_for("both as before", 2 * MINUTE, |w| {
        let before = in_call(w, 0, CallHealth::Good) && waits(w, 1, CallHealth::Good);
        (before && lobby(w, 0) == ["Room 1"]).then_some(())
    });
    assert!(world.media_flows(0) && !world.media_flows(1));
}

#[test]
fn whoever_waits_for_nobody_is_told_after_a_quarter_of_an_hour() {
    let mut world = World::new(24, 1);
    world.make_vmr(None, 10);
    world.open_lobby();
    world.pass(Duration::from_secs(5));
    world.join(0);
    world.wait_for("the lobby", MINUTE, |w| waits(w, 0, CallHealth::Good).then_some(()));
    world.pass(14 * MINUTE);
    assert!(waits(&world, 0, CallHealth::Good));
    world.wait_for("the notice", 2 * MINUTE, |w| {
        (w.panel(0).notice == Some(Notice::NobodyCame)).then_some(())
    });
}

/// Everything at once, in any order; then calm, and everybody has to agree.
#[test]
fn after_any_storm_rooms_and_cloud_agree() {
    for seed in 0..120 {
        storm(seed, Door::Open);
    }
}

#[test]
fn after_any_storm_before_a_lobby_rooms_and_cloud_agree() {
    for seed in 1_000..1_120 {
        storm(seed, Door::Lobby);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Lobby,
}

/// Somebody answers those who wait: in the console, or at a panel.
fn answer_lobby(world: &mut World, room: usize) {
    let number = "4711".parse().expect("four digits are a number");
    match world.chance().below(5) {
        0 | 1 => world.tap(room, Tap::LetAllIn),
        2 | 3 if world.cloud_runs() => let_all_in(world),
        4 if world.cloud_runs() => {
            world.control(ControlRequest::MeetingTurnAway { number, who: Vec::new() });
        }
        _ => {}
    }
}

/// How a room is set.
fn settings(world: &mut World, room: &str) -> SettingsLine {
    let of = SettingsFor { group: None, room: Some(room.to_owned()) };
    match world.control(ControlRequest::SettingsShow { of }) {
        ControlAnswer::Settings { settings } => *settings,
        other => unreachable!("settings were asked for: {other:?}"),
    }
}

/// Sets this room or all of them, if there is a cloud to do it.
fn set_brightness(world: &mut World, room: usize) {
    let (percent, all) = (20 + world.chance().below(81), world.chance().below(2) == 0);
    if !world.cloud_runs() {
        return;
    }
    let room = (!all).then(|| format!("Room {room}"));
    let of = SettingsFor { group: None, room };
    let Ok(settings) = format!("brightness={percent}").parse() else { unreachable!("it is one") };
    world.control(ControlRequest::SettingsSet { of, settings, revision: None });
}

fn storm(seed: u64, door: Door) {
    const ROOMS: usize = 3;
    let mut world = World::new(seed, ROOMS);
    world.make_vmr(None, 10);
    if door == Door::Lobby {
        world.open_lobby();
    }
    world.pass(Duration::from_secs(5));
    for _ in 0..40 {
        if door == Door::Lobby && world.chance().below(3) == 0 {
            let room = world.chance().below(ROOMS as u64) as usize;
            answer_lobby(&mut world, room);
        }
        let room = world.chance().below(ROOMS as u64) as usize;
        match world.chance().below(14) {
            0..=2 => world.join(room),
            3 => world.tap(room, Tap::Leave),
            4 => world.tap(room, Tap::Microphone),
            5 => world.tap(room, Tap::Camera),
            6 => world.set_link(room, Link::BlackHole),
            7 => world.set_link(room, Link::Whole),
            8 => world.reset_link(room),
            9 => world.kill_cloud(),
            10 | 11 => set_brightness(&mut world, room),
            _ => world.start_cloud(),
        }
        let span = world.chance().millis(0, 9_000);
        world.pass(span);
    }
    world.start_cloud();
    for room in 0..ROOMS {
        world.set_link(room, Link::Whole);
    }
    world.pass(4 * MINUTE);

    let about = |world: &World| format!("seed {seed}\n{}", world.log());
    let ControlAnswer::Rooms { rooms, .. } = world.control(ControlRequest::RoomList {
        part: Part::default(),
        state: None,
        needs: false,
        group: None,
        tag: None,
    }) else {
        unreachable!("rooms were asked for");
    };
    assert!(
        rooms.iter().all(|r| matches!(r.state, RoomState::Linked | RoomState::InCall)),
        "{rooms:?} {:?} {}",
        (0..ROOMS).map(|r| world.panel(r).link).collect::<Vec<_>>(),
        about(&world)
    );
    for (index, room) in rooms.iter().enumerate() {
        assert_eq!(room.settings, Some(InForce::All), "{}: {}", room.name, about(&world));
        let line = settings(&mut world, room.name.as_str());
        let wanted = line.room.and_then(|room| room.wanted.get("brightness").map(str::to_owned));
        let shown = world.panel(index).brightness.to_string();
        assert_eq!(shown, wanted.unwrap_or("100".to_owned()), "{}", about(&world));
    }
    let ControlAnswer::Meetings { meetings } = world.control(ControlRequest::MeetingList) else {
        unreachable!("meetings were asked for");
    };
    let in_cloud: BTreeSet<_> =
        meetings.iter().flat_map(|m| &m.participants).map(|p| p.call).collect();
    let in_rooms: BTreeSet<_> = (0..ROOMS).filter_map(|room| world.call(room)).collect();
    assert_eq!(in_cloud, in_rooms, "{}", about(&world));
    // Whoever waits in the cloud waits at its panel, has no media, and is shown to all who are in.
    let waiting: BTreeSet<_> =
        meetings.iter().flat_map(|m| &m.waiting).map(|w| w.name.to_string()).collect();
    let at_panels: BTreeSet<_> = (0..ROOMS)
        .filter(|room| matches!(world.panel(*room).screen, Screen::Lobby { .. }))
        .map(|room| format!("Room {room}"))
        .collect();
    assert_eq!(waiting, at_panels, "{}", about(&world));
    assert!(door == Door::Lobby || waiting.is_empty(), "{}", about(&world));
    for room in 0..ROOMS {
        let is_in = world.call(room).is_some();
        assert!(is_in || !world.media_flows(room), "room {room}\n{}", about(&world));
        let shown: BTreeSet<_> = lobby(&world, room).into_iter().collect();
        assert!(!is_in || shown == waiting, "room {room}: {shown:?}\n{}", about(&world));
    }
    let seen: Vec<_> =
        (0..ROOMS).filter(|r| world.call(*r).is_some()).map(|r| people(&world, r)).collect();
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}\n{}", about(&world));
    for room in 0..ROOMS {
        assert_eq!(world.panel(room).link, LinkState::Up, "{}", about(&world));
        if world.call(room).is_some() {
            assert!(in_call(&world, room, CallHealth::Good), "{}", about(&world));
            assert!(world.media_flows(room), "room {room}\n{}", about(&world));
            let Screen::InCall(call) = world.panel(room).screen else { continue };
            let me = call.participants.iter().find(|p| p.me);
            let mine = me.map(|p| (p.microphone, p.camera));
            assert_eq!(mine, Some((call.microphone, call.camera)), "{}", about(&world));
            assert!(call.microphone == Switch::On || call.microphone == Switch::Off);
        }
    }
}

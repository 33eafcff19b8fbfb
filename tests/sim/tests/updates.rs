//! Releases reach rooms, or do not, whatever happens to links, rooms and cloud meanwhile.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a failing simulation says where it stood")]

use conclave_cloud::control::{ControlAnswer, ControlRequest, RolloutChange, RolloutLine};
use conclave_link_protocol::message::UpdateStage;
use conclave_rollout::{Amount, Stage};
use conclave_sim::{BOARD, FIRST, Fate, Link, World};
use conclave_types::{BundleHash, Version};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const NIGHT: u16 = 3 * 60;
const DAY: u16 = 12 * 60;
const NEW: Version = Version(1, 1, 0);

fn release(world: &mut World) {
    world.control(ControlRequest::ReleaseAdd {
        version: NEW,
        compatible: BOARD.parse().unwrap(),
        sha256: BundleHash([3; 32]),
        size: 100_000,
        floor: FIRST,
    });
}

fn start(world: &mut World, waves: &[Amount], most_failed: u32) {
    world.control(ControlRequest::RolloutStart {
        version: NEW,
        channel: "stable".parse().unwrap(),
        waves: waves.to_vec(),
        enough: Amount::Share(100),
        most_failed: Amount::Count(most_failed),
        rest_minutes: 5,
    });
}

fn rollout(world: &mut World) -> RolloutLine {
    match world.control(ControlRequest::RolloutList) {
        ControlAnswer::Rollouts { rollouts } => rollouts[0].clone(),
        other => panic!("{other:?}"),
    }
}

fn runs_new(world: &World, rooms: usize) -> usize {
    (0..rooms).filter(|room| world.running(*room) == NEW).count()
}

#[test]
fn a_release_reaches_every_room_in_the_night_and_nobody_in_a_call() {
    let mut world = World::new(1, 3);
    world.make_vmr(None, 10);
    world.pass(Duration::from_secs(5));
    release(&mut world);
    start(&mut world, &[Amount::Count(1), Amount::Share(100)], 0);
    world.pass(60 * MINUTE);
    assert_eq!(runs_new(&world, 3), 0, "it is noon");
    world.join(0);
    world.set_minute(NIGHT);
    world.pass(60 * MINUTE);
    assert_eq!(world.running(0), FIRST, "it is in a call");
    world.tap(0, conclave_panel_api::Tap::Leave);
    world.pass(60 * MINUTE);
    assert_eq!(runs_new(&world, 3), 3, "{}", world.log());
    assert!((0..3).all(|room| world.update(room).stage == UpdateStage::Committed));
    let line = rollout(&mut world);
    assert_eq!((line.committed, line.failed, line.wave), (3, 0, 2));
}

#[test]
fn a_wave_that_fails_stops_and_the_other_rooms_stay_as_they_are() {
    let mut world = World::new(2, 6);
    world.pass(Duration::from_secs(5));
    for room in 0..6 {
        world.set_fate(room, if room % 2 == 0 { Fate::NoCamera } else { Fate::DoesNotStart });
    }
    release(&mut world);
    start(&mut world, &[Amount::Count(2), Amount::Share(100)], 1);
    world.set_minute(NIGHT);
    world.pass(120 * MINUTE);
    let line = rollout(&mut world);
    assert_eq!((line.stage, line.failed, line.committed), (Stage::StoppedByFailures, 2, 0));
    assert_eq!(runs_new(&world, 6), 0, "they went back by themselves");
    let untouched = (0..6).filter(|room| world.update(*room).stage == UpdateStage::Idle);
    assert_eq!(untouched.count(), 4);
    let ControlAnswer::Rollout { rooms, .. } =
        world.control(ControlRequest::RolloutStatus { rollout: 1 })
    else {
        panic!()
    };
    assert!(rooms.iter().all(|room| room.why.is_some()), "{rooms:?}");
    // Somebody goes on all the same: what failed is left alone.
    (0..6).for_each(|room| world.set_fate(room, Fate::Works));
    world.control(ControlRequest::RolloutSet { rollout: 1, to: RolloutChange::Resume });
    world.pass(240 * MINUTE);
    assert_eq!(runs_new(&world, 6), 4, "{}", world.log());
}

/// Cut links, killed clouds, calls, nights and days, and new systems that do not work. After it, rooms
/// and cloud agree on who runs what; who cannot run it runs the old one.
#[test]
fn after_any_storm_every_room_runs_what_works_there_and_the_cloud_knows() {
    for seed in 100..125 {
        storm(seed);
    }
}

fn storm(seed: u64) {
    const ROOMS: usize = 4;
    let mut world = World::new(seed, ROOMS);
    world.make_vmr(None, 10);
    world.pass(Duration::from_secs(5));
    let mut broken = 0;
    for room in 0..ROOMS {
        let fate = match world.chance().below(6) {
            0 => Fate::NoCamera,
            1 => Fate::DoesNotStart,
            _ => Fate::Works,
        };
        broken += usize::from(fate != Fate::Works);
        world.set_fate(room, fate);
    }
    release(&mut world);
    let most_failed = u32::try_from(world.chance().below(3)).unwrap();
    start(&mut world, &[Amount::Count(1), Amount::Share(100)], most_failed);
    for _ in 0..60 {
        let room = world.chance().below(ROOMS as u64) as usize;
        match world.chance().below(14) {
            0 => world.join(room),
            1 | 2 => world.tap(room, conclave_panel_api::Tap::Leave),
            3 => world.set_link(room, Link::BlackHole),
            4 | 5 => world.set_link(room, Link::Whole),
            6 => world.reset_link(room),
            7 => world.kill_cloud(),
            8 => world.set_minute(DAY),
            9..=11 => world.set_minute(NIGHT),
            _ => world.start_cloud(),
        }
        let span = world.chance().millis(0, 600_000);
        world.pass(span);
    }
    world.start_cloud();
    for room in 0..ROOMS {
        world.set_link(room, Link::Whole);
        world.tap(room, conclave_panel_api::Tap::Leave);
    }
    world.set_minute(NIGHT);
    world.pass(300 * MINUTE);

    let line = rollout(&mut world);
    let about = |world: &World| {
        let rooms: Vec<String> = (0..ROOMS).map(|room| world.update_summary(room)).collect();
        format!("seed {seed} {broken} broken\n{line:?}\n{rooms:#?}\n{}", world.log())
    };
    let stopped = line.stage == Stage::StoppedByFailures;
    assert_eq!(stopped, line.failed > most_failed, "{}", about(&world));
    assert_eq!(line.committed as usize, runs_new(&world, ROOMS), "{}", about(&world));
    if !stopped {
        let all = line.committed + line.failed;
        // A first wave of one room that failed is not enough for the next.
        let waits = line.wave == 1 && line.failed == 1;
        assert!(all as usize == ROOMS || waits, "{}", about(&world));
    }
    let ControlAnswer::RoomUpdates { rooms } = world.control(ControlRequest::RoomUpdates) else {
        panic!()
    };
    for room in rooms {
        let index: usize = room.name.as_str()["Room ".len()..].parse().unwrap();
        assert_eq!(room.running, Some(world.running(index)), "{}", about(&world));
    }
}

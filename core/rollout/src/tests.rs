//! Waves, by hand and at random.

use super::*;
use std::time::Duration;

const NOW: UnixTime = UnixTime(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

fn room(n: u32) -> RoomId {
    RoomId::from_random(u128::from(n))
}

fn plan(waves: &str, most_failed: &str) -> Plan {
    let waves = waves.split(',').map(|wave| wave.parse().unwrap()).collect();
    Plan::new(waves, "90%".parse().unwrap(), most_failed.parse().unwrap(), HOUR).unwrap()
}

fn outputs(rollout: &mut Rollout) -> Vec<Output> {
    std::iter::from_fn(|| rollout.poll_output()).collect()
}

fn offered(outputs: &[Output]) -> Vec<RoomId> {
    let offer = |output: &Output| match output {
        Output::Offer(room) => Some(*room),
        _ => None,
    };
    outputs.iter().filter_map(offer).collect()
}

/// A hundred rooms are there.
fn hundred(plan: Plan) -> (Rollout, Vec<RoomId>) {
    let mut rollout = Rollout::new(plan);
    rollout.handle(NOW, Input::Pool(100));
    for n in 0..100 {
        rollout.handle(NOW, Input::Here(room(n)));
    }
    let first = offered(&outputs(&mut rollout));
    (rollout, first)
}

#[test]
fn a_wave_takes_its_share_and_the_next_comes_when_enough_are_there_and_have_rested() {
    let (mut rollout, first) = hundred(plan("10%,50%,100%", "1"));
    assert_eq!(first.len(), 10);
    for room in &first[..9] {
        assert_eq!(rollout.saved().rests_since, None);
        rollout.handle(NOW, Input::Committed(*room));
    }
    assert_eq!(rollout.deadline(), Some(NOW.after(HOUR)), "nine of ten are enough");
    outputs(&mut rollout);
    rollout.handle(NOW.after(HOUR - Duration::from_secs(1)), Input::Tick);
    assert_eq!(outputs(&mut rollout), []);
    rollout.handle(NOW.after(HOUR), Input::Tick);
    assert_eq!(offered(&outputs(&mut rollout)).len(), 40);
    assert_eq!((rollout.saved().wave, rollout.target()), (1, 50));
}

#[test]
fn too_many_failures_stop_it_and_take_back_what_is_not_installed() {
    let (mut rollout, first) = hundred(plan("10,100%", "1"));
    rollout.handle(NOW, Input::Committed(first[0]));
    rollout.handle(NOW, Input::Failed(first[1]));
    rollout.handle(NOW, Input::Failed(first[1]));
    assert_eq!(rollout.saved().stage, Stage::Running, "one may fail, however often it says so");
    outputs(&mut rollout);
    rollout.handle(NOW, Input::Failed(first[2]));
    assert_eq!(rollout.saved().stage, Stage::StoppedByFailures);
    let said = outputs(&mut rollout);
    let taken_back = said.iter().filter(|o| matches!(o, Output::TakeBack(_))).count();
    assert_eq!(taken_back, 7, "ten, without one that runs it and two that failed");
    rollout.handle(NOW, Input::Here(room(99)));
    assert_eq!(outputs(&mut rollout), [Output::TakeBack(room(99))]);
    assert_eq!(rollout.deadline(), None);
}

#[test]
fn a_resumed_rollout_goes_on_and_does_not_ask_those_again_that_failed() {
    let (mut rollout, first) = hundred(plan("10,100%", "0"));
    rollout.handle(NOW, Input::Failed(first[0]));
    outputs(&mut rollout);
    rollout.handle(NOW, Input::Resume);
    let again = offered(&outputs(&mut rollout));
    assert_eq!(again.len(), 10, "nine as before, and one in the place of the one that failed");
    assert!(!again.contains(&first[0]));
    rollout.handle(NOW, Input::Failed(first[0]));
    assert_eq!(rollout.saved().stage, Stage::Running, "its failure was forgiven");
    rollout.handle(NOW, Input::Withdraw);
    outputs(&mut rollout);
    rollout.handle(NOW, Input::Resume);
    assert_eq!((rollout.saved().stage, outputs(&mut rollout)), (Stage::Withdrawn, vec![]));
}

#[test]
fn a_kept_rollout_goes_on_where_it_was() {
    let (mut rollout, first) = hundred(plan("10,100%", "1"));
    for room in &first {
        rollout.handle(NOW, Input::Committed(*room));
    }
    let rooms = first.iter().map(|room| (*room, Standing::Committed)).collect();
    let mut again = Rollout::restored(plan("10,100%", "1"), rollout.saved(), rooms);
    again.handle(NOW.after(HOUR), Input::Pool(100));
    for n in 0..100 {
        if !first.contains(&room(n)) {
            again.handle(NOW.after(HOUR), Input::Here(room(n)));
        }
    }
    assert_eq!(offered(&outputs(&mut again)).len(), 90);
}

#[test]
fn nobody_there_is_no_success() {
    let mut rollout = Rollout::new(plan("5%,100%", "0"));
    rollout.handle(NOW, Input::Pool(0));
    rollout.handle(NOW.after(HOUR * 1_000), Input::Tick);
    assert_eq!((rollout.saved().wave, rollout.deadline()), (0, None));
}

#[test]
fn plans_that_make_no_sense_are_refused() {
    for wrong in ["", "5 %", "101%", "-1", "x", "%"] {
        assert_eq!(wrong.parse::<Amount>(), Err(PlanError::Amount), "{wrong}");
    }
    let (share, none) = (Amount::Share(100), Amount::Count(0));
    assert_eq!(Plan::new(vec![], share, none, HOUR), Err(PlanError::Waves));
    assert_eq!(Plan::new(vec![none], share, none, HOUR), Err(PlanError::EmptyWave));
    assert_eq!(Amount::Share(5).of(1), 1, "a share of one is one");
}

/// Whatever comes in whatever order: never more rooms than a wave takes, and none after a stop.
#[test]
fn no_order_of_events_takes_more_rooms_than_the_wave_or_any_after_a_stop() {
    for seed in 1_u64..400 {
        let mut chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut draw = |end: u64| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            chance % end
        };
        let mut rollout = Rollout::new(plan("2,20%,100%", "2"));
        rollout.handle(NOW, Input::Pool(20));
        let (mut now, mut log) = (NOW, Vec::new());
        for _ in 0..300 {
            let room = room(draw(20) as u32);
            let taken = rollout.standing(room) == Some(Standing::Offered);
            let input = match draw(40) {
                0 => Input::Stop,
                1 => Input::Resume,
                2 => Input::Left(room),
                3 => Input::Gone(room),
                4 if taken => Input::Failed(room),
                5..=12 if taken => Input::Committed(room),
                13..=16 => Input::Tick,
                _ => Input::Here(room),
            };
            now = now.after(Duration::from_secs(draw(1_000)));
            let before = rollout.saved().stage;
            let known = rollout.rooms.clone();
            rollout.handle(now, input);
            log.push(input);
            let said = outputs(&mut rollout);
            let stopped = rollout.saved().stage != Stage::Running;
            assert!(!(stopped && before != Stage::Running) || offered(&said).is_empty(), "{log:?}");
            let counted = [Standing::Offered, Standing::Failed, Standing::Committed];
            let taken: u32 = counted.into_iter().map(|standing| rollout.count(standing)).sum();
            let took = offered(&said).iter().any(|room| !known.contains_key(room));
            assert!(!took || taken <= rollout.target(), "seed {seed} {log:?}");
            assert!(rollout.count(Standing::Failed) <= 2 || stopped, "seed {seed} {log:?}");
        }
    }
}

use super::*;
use proptest::prelude::*;

const BUILT: UnixMillis = UnixMillis(1_790_000_000_000);
/// The true time at [`Time::ZERO`].
const TRUE: u64 = 1_800_000_000_000;

fn at(ms: u64) -> Time {
    Time::from_micros(ms * 1000)
}

/// A machine whose clock is off, a cloud whose clock is off, and the ways between them.
struct World {
    clock: Clock,
    now_ms: u64,
    /// What has to be added to this machine's clock.
    off_ms: i64,
    cloud_off_ms: i64,
    /// How long the next question and its answer are on their way, and again from the start.
    ways: Vec<(u64, u64)>,
    questions: usize,
    sets: usize,
    /// What the machine was asked to set is done.
    sets_work: bool,
}

impl World {
    fn new(off_ms: i64, ways: &[(u64, u64)]) -> World {
        World {
            clock: Clock::new(BUILT),
            now_ms: 10_000,
            off_ms,
            cloud_off_ms: 0,
            ways: ways.to_vec(),
            questions: 0,
            sets: 0,
            sets_work: true,
        }
    }

    fn truth(&self, ms: u64) -> i64 {
        (TRUE + ms) as i64
    }

    fn give(&mut self, input: Input) {
        self.clock.handle(at(self.now_ms), input);
    }

    /// Until a row of answers is judged.
    fn row(&mut self) -> Found {
        loop {
            match self.clock.poll_output() {
                Some(Output::Ask) => {
                    let (there, back) = self.ways[self.questions % self.ways.len()];
                    self.questions += 1;
                    let cloud = self.truth(self.now_ms + there) + self.cloud_off_ms;
                    self.now_ms += there + back;
                    let here = self.truth(self.now_ms) - self.off_ms;
                    let told = |ms: i64| UnixMillis(ms.max(0) as u64);
                    self.give(Input::Told { cloud: told(cloud), here: told(here) });
                }
                Some(Output::Found(found)) => {
                    self.set();
                    return found;
                }
                Some(Output::Set { .. }) => panic!("what was found is said first"),
                None => {
                    let deadline = self.clock.deadline().expect("it waits for something");
                    self.now_ms = self.now_ms.max(deadline.as_micros() / 1000);
                    self.give(Input::Tick);
                }
            }
        }
    }

    fn set(&mut self) {
        if let Some(Output::Set { at, was, off }) = self.clock.poll_output() {
            self.sets += 1;
            // The machine may take its time: the pair says when it was.
            let true_then = self.truth(at.as_micros() / 1000);
            if self.sets_work {
                self.off_ms = true_then - was.0 as i64;
                assert!(
                    (self.off_ms + self.cloud_off_ms).unsigned_abs() <= off.within_ms,
                    "{} {off:?}",
                    self.off_ms
                );
            }
        }
    }
}

#[test]
fn a_clock_in_1970_is_set_by_the_first_row_of_answers_and_then_left_alone() {
    let mut world = World::new(TRUE as i64, &[(20, 20), (400, 30), (10, 12), (90, 10)]);
    assert!(!world.clock.is_known());
    world.give(Input::LinkUp);
    let Found::Wrong(off) = world.row() else { panic!("it is wrong") };
    assert_eq!(off.within_ms, 11 + 2, "the quickest of the four");
    assert!(world.off_ms.abs() <= 13 && world.clock.is_known());
    assert_eq!(world.questions, usize::from(QUESTIONS));
    let set_at = world.now_ms;
    assert!(matches!(world.row(), Found::Right(_)));
    assert!(world.now_ms - set_at < 25_000, "looked at again soon");
    let right_at = world.now_ms;
    assert!(matches!(world.row(), Found::Right(_)));
    assert!(world.now_ms - right_at >= 600_000, "and then seldom");
    assert_eq!(world.sets, 1);
}

#[test]
fn a_machine_that_does_not_set_its_clock_is_asked_each_ten_minutes_and_no_oftener() {
    let mut world = World::new(5_000, &[(5, 5)]);
    world.sets_work = false;
    world.give(Input::LinkUp);
    for _ in 0..2 {
        world.row();
    }
    let begun = world.now_ms;
    for _ in 0..4 {
        assert!(matches!(world.row(), Found::Wrong(_)));
    }
    // Every other row is the look after it.
    assert!(world.now_ms - begun >= 2 * 600_000);
}

#[test]
fn a_small_difference_is_left_alone() {
    for off in [-100, -1, 0, 60, 100] {
        let mut world = World::new(off, &[(5, 5)]);
        world.give(Input::LinkUp);
        assert!(matches!(world.row(), Found::Right(_)), "{off}");
    }
    for off in [-115, 115] {
        let mut world = World::new(off, &[(5, 5)]);
        world.give(Input::LinkUp);
        assert!(matches!(world.row(), Found::Wrong(_)), "{off}");
    }
}

#[test]
fn a_time_that_cannot_be_is_not_believed_and_asked_for_again_later() {
    for (cloud_off, told) in [(-40 * 365 * 86_400_000, "1987"), (80 * 365 * 86_400_000, "2106")] {
        let mut world = World::new(0, &[(5, 5)]);
        world.cloud_off_ms = cloud_off;
        world.give(Input::LinkUp);
        assert!(matches!(world.row(), Found::Impossible(_)), "{told}");
        assert_eq!((world.questions, world.sets), (1, 0), "{told}");
        let begun = world.now_ms;
        assert!(matches!(world.row(), Found::Impossible(_)), "{told}");
        assert!(world.now_ms - begun >= 600_000, "{told}");
    }
    // Whatever 64 bits hold.
    let mut clock = Clock::new(BUILT);
    for (cloud, here) in [(u64::MAX, 0), (0, u64::MAX), (BUILT.0, u64::MAX)] {
        clock.handle(at(1), Input::LinkUp);
        let told = Input::Told { cloud: UnixMillis(cloud), here: UnixMillis(here) };
        clock.handle(at(2), told);
    }
}

#[test]
fn a_jump_of_days_is_believed_when_the_cloud_still_says_so_an_hour_later() {
    const DAYS: i64 = 40 * 86_400_000;
    let mut world = World::new(3_000, &[(5, 5)]);
    world.give(Input::LinkUp);
    assert!(matches!(world.row(), Found::Wrong(_)));
    // Its clock was set by mistake, and somebody mends it.
    world.cloud_off_ms = DAYS;
    for _ in 0..3 {
        assert!(matches!(world.row(), Found::Doubtful(_)));
    }
    world.cloud_off_ms = 0;
    assert!(matches!(world.row(), Found::Right(_)));
    // Nobody does.
    world.cloud_off_ms = -DAYS;
    let begun = world.now_ms;
    while let Found::Doubtful(_) = world.row() {}
    assert!(world.now_ms - begun >= 3_600_000, "{}", world.now_ms - begun);
    assert_eq!(world.sets, 2);
    // Less than a day is taken at once.
    world.cloud_off_ms += 80_000_000;
    assert!(matches!(world.row(), Found::Wrong(_)));
}

#[test]
fn a_cloud_that_keeps_jumping_is_never_believed() {
    let mut world = World::new(0, &[(5, 5)]);
    world.give(Input::LinkUp);
    world.row();
    for jump in 2..20 {
        world.cloud_off_ms = jump * 86_400_000;
        assert!(matches!(world.row(), Found::Doubtful(_)));
    }
    assert_eq!(world.sets, 0);
}

#[test]
fn an_older_cloud_is_asked_once_for_each_link() {
    let mut clock = Clock::new(BUILT);
    for _ in 0..2 {
        clock.handle(at(1), Input::LinkUp);
        assert_eq!(clock.poll_output(), Some(Output::Ask));
        clock.handle(at(2), Input::NotKnown);
        assert_eq!(clock.poll_output(), Some(Output::Found(Found::NotKnown)));
        assert_eq!((clock.deadline(), clock.poll_output()), (None, None));
    }
    assert!(!clock.is_known());
}

#[test]
fn answers_that_do_not_come_or_come_too_late_are_done_without() {
    let mut clock = Clock::new(BUILT);
    let told = Input::Told { cloud: UnixMillis(TRUE), here: UnixMillis(0) };
    clock.handle(at(1), told);
    assert_eq!(clock.poll_output(), None, "nobody asked");
    clock.handle(at(1), Input::LinkUp);
    clock.poll_output();
    clock.handle(at(2), Input::LinkDown);
    clock.handle(at(3), told);
    assert_eq!((clock.poll_output(), clock.deadline()), (None, None));
    clock.handle(at(4), Input::LinkUp);
    for _ in 0..QUESTIONS {
        assert_eq!(clock.poll_output(), Some(Output::Ask));
        clock.handle(at(5), Input::NotTold);
        let deadline = clock.deadline().unwrap();
        clock.handle(deadline, Input::Tick);
    }
    // The next row.
    assert_eq!(clock.poll_output(), Some(Output::Ask));
}

proptest! {
    /// Whoever can delay what travels, and cannot say anything else, never makes a clock worse; and one that
    /// is off by more than the answers are slow by comes right.
    #[test]
    fn no_delay_makes_a_clock_worse(
        off in prop_oneof![-2_000_i64..2_000, -90_000_000_i64..90_000_000],
        ways in prop::collection::vec((0_u64..8_000, 0_u64..8_000), 4..8),
    ) {
        let mut world = World::new(off, &ways);
        world.give(Input::LinkUp);
        let mut before = off.unsigned_abs();
        for _ in 0..4 {
            world.row();
            let after = world.off_ms.unsigned_abs();
            // Two milliseconds are lost in rounding.
            prop_assert!(after <= before + 2, "{before} {after}");
            before = after;
        }
        if off.unsigned_abs() <= LEFT_ALONE_MS {
            prop_assert_eq!(world.sets, 0);
        }
        let quickest = ways.iter().take(4).map(|(there, back)| there + back).min().unwrap_or(0);
        if off.unsigned_abs() > 2 * quickest + LEFT_ALONE_MS + 8 {
            prop_assert!(world.sets >= 1);
        }
    }
}

use super::*;
use Signal::{Active, Idle};
use proptest::prelude::*;

const DEBOUNCE_MS: u64 = 30;
const HOLD_MS: u64 = 5_000;
const PRESENCE_MS: u64 = 60_000;

fn at(ms: u64) -> Time {
    Time::from_micros(ms * 1000)
}

fn machine() -> Machine {
    let debounce = Duration::from_millis(DEBOUNCE_MS);
    let mut machine = Machine::new(Rules {
        mute: Some(debounce),
        reset: Some(ResetRule { debounce, hold: Duration::from_millis(HOLD_MS) }),
        presence: Some(Duration::from_millis(PRESENCE_MS)),
        heat: Some(Limits {
            warn: Temperature::from_celsius(80),
            critical: Temperature::from_celsius(90),
        }),
    });
    assert_eq!(machine.poll_output(), Some(Output::Light(Colour::Off)));
    machine
}

/// A machine with the shell that it wants: every deadline is kept.
struct Rig {
    machine: Machine,
    now: u64,
    /// What came out, and when.
    log: Vec<(u64, Output)>,
}

impl Rig {
    /// All lines found, at rest, long ago.
    fn new() -> Rig {
        let mut rig = Rig { machine: machine(), now: 0, log: Vec::new() };
        for sensor in [Sensor::Mute, Sensor::Reset, Sensor::Presence] {
            rig.feed(Input::Found(sensor, Idle));
        }
        rig.until(1_000);
        rig
    }

    fn feed(&mut self, input: Input) {
        self.machine.handle(at(self.now), input);
        while let Some(output) = self.machine.poll_output() {
            self.log.push((self.now, output));
        }
    }

    /// Time passes until then.
    fn until(&mut self, ms: u64) {
        while let Some(deadline) = self.machine.deadline().filter(|deadline| *deadline <= at(ms)) {
            let due = deadline.as_micros().div_ceil(1000);
            self.now = self.now.max(due);
            self.feed(Input::Tick);
            assert_ne!(self.machine.deadline(), Some(deadline), "a deadline that is never met");
        }
        self.now = ms;
    }

    fn edge(&mut self, ms: u64, sensor: Sensor, signal: Signal) {
        self.until(ms);
        self.feed(Input::Edge { sensor, signal, at: at(ms) });
    }

    fn times(&self, wanted: Output) -> Vec<u64> {
        self.log.iter().filter(|(_, output)| *output == wanted).map(|(then, _)| *then).collect()
    }
}

#[test]
fn a_press_toggles_once_it_has_stood() {
    let mut rig = Rig::new();
    rig.edge(2_000, Sensor::Mute, Active);
    rig.edge(2_200, Sensor::Mute, Idle);
    rig.until(3_000);
    assert_eq!(rig.times(Output::MuteToggled), [2_030]);
}

#[test]
fn bounces_in_either_direction_toggle_once() {
    let mut rig = Rig::new();
    for (ms, signal) in [(0, Active), (2, Idle), (3, Active), (9, Idle), (10, Active)] {
        rig.edge(2_000 + ms, Sensor::Mute, signal);
    }
    for (ms, signal) in [(0, Idle), (4, Active), (5, Idle), (29, Active), (33, Idle)] {
        rig.edge(2_100 + ms, Sensor::Mute, signal);
    }
    rig.until(3_000);
    assert_eq!(rig.times(Output::MuteToggled), [2_040]);
    // A spike on the line is no press.
    rig.edge(4_000, Sensor::Mute, Active);
    rig.edge(4_029, Sensor::Mute, Idle);
    rig.until(5_000);
    assert_eq!(rig.times(Output::MuteToggled).len(), 1);
}

#[test]
fn a_press_that_began_before_the_line_was_found_does_not_count() {
    let mut rig = Rig { machine: machine(), now: 0, log: Vec::new() };
    rig.feed(Input::Found(Sensor::Mute, Active));
    rig.feed(Input::Found(Sensor::Reset, Active));
    rig.until(20_000);
    // Found in the middle of a bounce of such a press.
    rig.feed(Input::Found(Sensor::Mute, Idle));
    rig.edge(20_003, Sensor::Mute, Active);
    rig.edge(21_000, Sensor::Mute, Idle);
    rig.until(22_000);
    assert_eq!(rig.log, []);
    rig.edge(22_000, Sensor::Mute, Active);
    rig.until(23_000);
    assert_eq!(rig.times(Output::MuteToggled), [22_030]);
}

#[test]
fn a_line_that_was_lost_while_pressed_toggles_nothing_when_it_is_back() {
    let mut rig = Rig::new();
    rig.edge(2_000, Sensor::Mute, Active);
    rig.feed(Input::Lost(Sensor::Mute));
    rig.edge(2_010, Sensor::Mute, Idle);
    rig.until(3_000);
    rig.feed(Input::Found(Sensor::Mute, Active));
    rig.until(4_000);
    assert_eq!(rig.log, []);
}

#[test]
fn edges_that_are_told_late_count_as_they_happened() {
    let mut machine = machine();
    machine.handle(at(0), Input::Found(Sensor::Mute, Idle));
    machine.handle(at(100), Input::Tick);
    // The shell was away for a second: two presses, and between them a bounce that is none.
    let edges =
        [(200, Active), (300, Idle), (400, Active), (401, Idle), (500, Active), (600, Idle)];
    for (ms, signal) in edges {
        machine.handle(at(1_100), Input::Edge { sensor: Sensor::Mute, signal, at: at(ms) });
    }
    machine.handle(at(1_100), Input::Tick);
    let outputs: Vec<_> = std::iter::from_fn(|| machine.poll_output()).collect();
    assert_eq!(outputs, [Output::MuteToggled; 2]);
}

#[test]
fn a_long_press_asks_once_and_a_short_one_not_at_all() {
    let mut rig = Rig::new();
    rig.edge(2_000, Sensor::Reset, Active);
    rig.edge(2_000 + HOLD_MS - 1, Sensor::Reset, Idle);
    // The contact bounces past the moment at which it would have been a long one.
    rig.edge(2_000 + HOLD_MS + 1, Sensor::Reset, Active);
    rig.edge(2_000 + HOLD_MS + 20, Sensor::Reset, Idle);
    rig.until(20_000);
    assert_eq!(rig.log, []);
    rig.edge(20_000, Sensor::Reset, Active);
    rig.until(60_000);
    assert_eq!(rig.times(Output::ResetAsked), [20_000 + HOLD_MS]);
    rig.edge(60_000, Sensor::Reset, Idle);
    rig.edge(61_000, Sensor::Reset, Active);
    rig.until(70_000);
    assert_eq!(rig.times(Output::ResetAsked).len(), 2);
}

#[test]
fn presence_is_held_and_told_once() {
    let mut rig = Rig::new();
    rig.edge(2_000, Sensor::Presence, Active);
    rig.edge(3_000, Sensor::Presence, Idle);
    rig.edge(50_000, Sensor::Presence, Active);
    rig.edge(51_000, Sensor::Presence, Idle);
    rig.until(500_000);
    assert_eq!(rig.times(Output::PresenceBegan), [2_000]);
    assert_eq!(rig.times(Output::PresenceEnded), [51_000 + PRESENCE_MS]);
}

#[test]
fn a_sensor_that_is_lost_does_not_hold_the_room_for_ever() {
    let mut rig = Rig::new();
    rig.edge(2_000, Sensor::Presence, Active);
    rig.until(100_000);
    rig.feed(Input::Lost(Sensor::Presence));
    rig.until(300_000);
    assert_eq!(rig.times(Output::PresenceEnded), [100_000 + PRESENCE_MS]);
    rig.feed(Input::Found(Sensor::Presence, Active));
    assert_eq!(rig.times(Output::PresenceBegan), [2_000, 300_000]);
}

#[test]
fn the_light_follows_the_call_and_is_told_at_changes() {
    let mut rig = Rig::new();
    let muted = CallState::InCall(Switch::Off);
    for call in [CallState::InCall(Switch::On), muted, muted, CallState::Free, CallState::Free] {
        rig.feed(Input::Call(call));
    }
    let lights: Vec<_> = rig.log.iter().map(|(_, output)| *output).collect();
    assert_eq!(lights, [Colour::Green, Colour::Red, Colour::Off].map(Output::Light));
}

#[test]
fn heat_is_told_at_each_limit_and_left_with_a_gap() {
    let mut rig = Rig::new();
    for degrees in [79, 80, 79, 76, 80, 89, 90, 86, 84, 91, 60] {
        rig.feed(Input::Reads(Temperature::from_celsius(degrees)));
    }
    let hot =
        |heat, degrees| Output::TooHot { heat, temperature: Temperature::from_celsius(degrees) };
    let told: Vec<_> = rig.log.iter().map(|(_, output)| *output).collect();
    let expected = [
        hot(Heat::Warning, 80),
        hot(Heat::Critical, 90),
        hot(Heat::Warning, 84),
        hot(Heat::Critical, 91),
        Output::CoolAgain(Temperature::from_celsius(60)),
    ];
    assert_eq!(told, expected);
}

/// One contact's history: the level from each moment on, beginning idle at 0.
fn history() -> impl Strategy<Value = Vec<(u64, Signal)>> {
    // Gaps round the debounce time, round the long press, and in between; the same level may come
    // twice, as a kernel whose queue ran over tells it.
    let gap = prop_oneof![3 => 0_u64..80, 1 => 80_u64..2_000, 1 => 4_900_u64..5_100];
    let signal = prop_oneof![Just(Idle), Just(Active)];
    prop::collection::vec((gap, signal), 1..80).prop_map(|steps| {
        let mut ms = 1_000;
        let edges = steps.into_iter().map(|(gap, signal)| {
            ms += gap;
            (ms, signal)
        });
        edges.collect()
    })
}

/// The same without levels that are no change: moments and what holds from then on.
fn runs(edges: &[(u64, Signal)]) -> Vec<(u64, Signal)> {
    let mut runs = vec![(0, Idle)];
    for edge in edges {
        if runs.last().is_some_and(|last| last.1 != edge.1) {
            runs.push(*edge);
        }
    }
    runs
}

/// Presses as a person would count them who sees the whole history: changes among the levels that
/// stood long enough.
fn presses(edges: &[(u64, Signal)]) -> usize {
    let runs = runs(edges);
    let ends = runs.iter().skip(1).map(|run| run.0).chain([u64::MAX]);
    let stood = runs.iter().zip(ends).filter(|(run, end)| end - run.0 >= DEBOUNCE_MS);
    let mut levels: Vec<_> = stood.map(|(run, _)| run.1).collect();
    levels.dedup();
    levels.iter().skip(1).filter(|level| **level == Active).count()
}

proptest! {
    #[test]
    fn toggles_are_presses_and_never_two_within_one_debounce_time(edges in history()) {
        let mut rig = Rig::new();
        for (ms, signal) in &edges {
            rig.edge(*ms, Sensor::Mute, *signal);
        }
        rig.until(1_000_000);
        let toggles = rig.times(Output::MuteToggled);
        prop_assert_eq!(toggles.len(), presses(&edges));
        prop_assert!(toggles.windows(2).all(|pair| pair[1] - pair[0] >= DEBOUNCE_MS));
    }

    #[test]
    fn a_reset_needs_a_press_as_long_as_stated(edges in history()) {
        let mut rig = Rig::new();
        for (ms, signal) in &edges {
            rig.edge(*ms, Sensor::Reset, *signal);
        }
        rig.edge(900_000, Sensor::Reset, Idle);
        rig.until(1_000_000);
        let asked = rig.times(Output::ResetAsked);
        let mut runs = runs(&edges);
        if runs.last().is_some_and(|run| run.1 == Active) {
            runs.push((900_000, Idle));
        }
        for then in &asked {
            // Let go for no longer than a contact bounces, from its beginning to this moment.
            let released = runs.windows(2).filter(|pair| pair[0].1 == Idle);
            for pair in released {
                let (from, to) = (pair[0].0.max(then - HOLD_MS), pair[1].0.min(*then));
                prop_assert!(to.saturating_sub(from) < DEBOUNCE_MS, "{} {:?}", then, pair);
            }
            let now = runs.iter().rev().find(|run| run.0 <= *then);
            prop_assert!(now.is_some_and(|run| run.1 == Active || run.0 == *then));
        }
        // And whoever holds it without a break, after a clear rest, is heard once.
        for trio in runs.windows(3) {
            let [(rest, Idle), (down, Active), (up, _)] = trio else { continue };
            if down - rest >= DEBOUNCE_MS && up - down >= HOLD_MS {
                let heard = asked.iter().filter(|then| (down..=up).contains(then)).count();
                prop_assert_eq!(heard, 1, "{:?} {:?}", trio, asked);
            }
        }
    }

    #[test]
    fn presence_begins_and_ends_in_turn_and_is_held_for_as_long_as_stated(edges in history()) {
        let mut rig = Rig::new();
        for (ms, signal) in &edges {
            rig.edge(*ms, Sensor::Presence, *signal);
        }
        rig.edge(900_000, Sensor::Presence, Idle);
        rig.until(1_000_000);
        let any = edges.iter().any(|edge| edge.1 == Active);
        prop_assert_eq!(rig.log.len() % 2, 0);
        prop_assert_eq!(rig.log.is_empty(), !any);
        for (n, (then, output)) in rig.log.iter().enumerate() {
            if n % 2 == 0 {
                prop_assert_eq!(*output, Output::PresenceBegan);
                prop_assert!(edges.contains(&(*then, Active)));
            } else {
                prop_assert_eq!(*output, Output::PresenceEnded);
                prop_assert!(runs(&edges).contains(&(then - PRESENCE_MS, Idle)) || *then == 960_000);
            }
        }
    }

    /// A shell that comes too late, with the edges as they happened, changes nothing.
    #[test]
    fn a_late_shell_hears_the_same(
        edges in prop::collection::vec(
            (0_u64..6_000, 0..3_usize, prop_oneof![Just(Idle), Just(Active)]), 1..60,
        ),
        late in prop::collection::vec(0_u64..20_000, 60),
    ) {
        let sensors = [Sensor::Mute, Sensor::Reset, Sensor::Presence];
        let (mut punctual, mut tardy) = (Rig::new(), Rig::new());
        let (mut ms, mut now) = (1_000, tardy.now);
        for ((gap, n, signal), late) in edges.into_iter().zip(late) {
            ms += gap;
            let sensor = sensors[n];
            punctual.edge(ms, sensor, signal);
            now = now.max(ms + late);
            tardy.now = now;
            tardy.feed(Input::Edge { sensor, signal, at: at(ms) });
        }
        punctual.until(1_000_000);
        tardy.until(1_000_000);
        for output in [
            Output::MuteToggled, Output::ResetAsked, Output::PresenceBegan, Output::PresenceEnded,
        ] {
            let (on_time, late) = (punctual.times(output).len(), tardy.times(output).len());
            prop_assert_eq!(on_time, late, "{:?}", output);
        }
    }

    /// Whatever happens in whatever order: the light is a function of the call, presence alternates,
    /// heat is told at changes, and no deadline is left behind.
    #[test]
    fn any_inputs_keep_the_invariants(
        inputs in prop::collection::vec((0_u64..3_000, 0..6_usize, 0..3_usize, any::<bool>(), 0..120), 1..200),
    ) {
        let sensors = [Sensor::Mute, Sensor::Reset, Sensor::Presence];
        let calls = [CallState::Free, CallState::InCall(Switch::On), CallState::InCall(Switch::Off)];
        let mut rig = Rig::new();
        let (mut colour, mut call, mut present, mut hot, mut read) =
            (Colour::Off, CallState::Free, false, None, 0);
        let mut ms = 1_000;
        for (gap, what, n, active, degrees) in inputs {
            ms += gap;
            rig.until(ms);
            let (sensor, signal) = (sensors[n], if active { Active } else { Idle });
            rig.feed(match what {
                0 => Input::Found(sensor, signal),
                1 => Input::Lost(sensor),
                2 | 3 => Input::Edge { sensor, signal, at: at(ms.saturating_sub(gap / 2)) },
                4 => { call = calls[n]; Input::Call(call) }
                _ => { read = degrees; Input::Reads(Temperature::from_celsius(degrees)) }
            });
            for (_, output) in rig.log.drain(..) {
                match output {
                    Output::Light(shown) => { prop_assert_ne!(shown, colour); colour = shown; }
                    Output::PresenceBegan => { prop_assert!(!present); present = true; }
                    Output::PresenceEnded => { prop_assert!(present); present = false; }
                    Output::TooHot { heat, temperature } => {
                        prop_assert_ne!(hot, Some(heat));
                        prop_assert!(temperature >= Temperature::from_celsius(80 - 5));
                        hot = Some(heat);
                    }
                    Output::CoolAgain(_) => { prop_assert!(hot.is_some()); hot = None; }
                    Output::MuteToggled | Output::ResetAsked => {}
                }
            }
            prop_assert_eq!(colour, call.colour());
            prop_assert!(hot == Some(Heat::Critical) || read < 90);
            prop_assert!(hot.is_some() || read < 80);
            prop_assert!(hot.is_none() || read >= 75);
        }
    }
}

//! The whole board on lines that are not there, in virtual time: tokio's clock stands still while
//! anything can run, and then jumps to the next deadline.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use conclave_board::description::{Active, Description, Light, Line};
use conclave_board::lines::{Folder, Level, LineTrouble, Lines, StandIn};
use conclave_board::machine::{CallState, Heat, Sensor, Temperature};
use conclave_board::{Board, BoardEvent, Part};
use conclave_types::Switch;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, advance};

const DESCRIPTION: &str = r#"
name = "test"
title = "Test"
encoders = ["x264enc"]
[gpio]
backend = "gpiocdev"
chip = "stand-in"
[light.separate]
green = { line = 0 }
red = { line = 1, active_low = true }
[mute_button]
line = { line = 2, active_low = true, bias = "pull_up" }
debounce_ms = 30
[reset_button]
line = { line = 3 }
debounce_ms = 30
long_press_s = 5
[presence]
line = { line = 4 }
hold_s = 60
[temperature]
source = { thermal_zone = "cpu-thermal" }
warn_c = 80
critical_c = 90
"#;

/// A board, its lines and its sensors' files.
struct Bench {
    lines: StandIn,
    description: Description,
    sys: TempDir,
}

struct Running {
    board: Board,
    events: mpsc::Receiver<BoardEvent>,
}

impl Bench {
    fn new() -> Bench {
        let description = Description::parse(DESCRIPTION, Path::new("board.toml")).unwrap();
        let bench = Bench { lines: StandIn::new(), description, sys: tempfile::tempdir().unwrap() };
        let zone = bench.sys.path().join("class/thermal/thermal_zone0");
        fs::create_dir_all(&zone).unwrap();
        fs::write(zone.join("type"), "cpu-thermal\n").unwrap();
        bench.warm(50);
        // Not pressed: the line is pulled up.
        bench.lines.set(bench.mute(), Level::High);
        bench
    }

    fn warm(&self, degrees: i32) {
        let zone = self.sys.path().join("class/thermal/thermal_zone0");
        fs::write(zone.join("new"), format!("{degrees}000\n")).unwrap();
        fs::rename(zone.join("new"), zone.join("temp")).unwrap();
    }

    fn start(&self) -> Running {
        let lines: Box<dyn Lines> = Box::new(self.lines.clone());
        let (board, events) = Board::start_on(&self.description, lines, self.sys.path());
        Running { board, events }
    }

    /// Starts and waits until every part works.
    async fn started(&self) -> Running {
        let mut running = self.start();
        for _ in 0..5 {
            match running.next().await {
                BoardEvent::Part { working: true, .. } => {}
                other => panic!("{other:?}"),
            }
        }
        running
    }

    fn mute(&self) -> &Line {
        &self.description.mute_button.as_ref().unwrap().line
    }

    fn reset(&self) -> &Line {
        &self.description.reset_button.as_ref().unwrap().line
    }

    fn presence(&self) -> &Line {
        &self.description.presence.as_ref().unwrap().line
    }

    /// Green, then red.
    fn light(&self) -> [&Line; 2] {
        match &self.description.light {
            Some(Light::Separate { green, red }) => [green, red],
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the light shows (green, red).
    async fn shows(&self, green: bool, red: bool) {
        let lamps = self.light();
        self.lines
            .until(|lines| lamps.map(|line| lines.level(line).is_on(line.active)) == [green, red])
            .await;
    }

    fn press(&self, pressed: bool) {
        self.lines.set(self.mute(), Level::of(Active::Low, pressed));
    }
}

impl Running {
    async fn next(&mut self) -> BoardEvent {
        self.events.recv().await.unwrap()
    }

    /// Nothing is told for so long.
    async fn quiet(&mut self, span: Duration) {
        let told = tokio::time::timeout(span, self.events.recv()).await;
        assert!(told.is_err(), "{told:?}");
    }
}

const MS: fn(u64) -> Duration = Duration::from_millis;
const MUTED: CallState = CallState::InCall(Switch::Off);
const HEARD: CallState = CallState::InCall(Switch::On);

#[tokio::test(start_paused = true)]
async fn the_light_follows_the_call_and_is_dark_at_the_end() {
    let bench = Bench::new();
    let running = bench.started().await;
    bench.shows(false, false).await;
    running.board.call(HEARD);
    bench.shows(true, false).await;
    running.board.call(MUTED);
    bench.shows(false, true).await;
    running.board.call(CallState::Free);
    bench.shows(false, false).await;
    running.board.call(MUTED);
    bench.shows(false, true).await;
    running.board.shutdown().await;
    bench.shows(false, false).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_board_or_its_events_ends_it() {
    let bench = Bench::new();
    let Running { board, events } = bench.started().await;
    board.call(HEARD);
    bench.shows(true, false).await;
    drop(board);
    bench.shows(false, false).await;
    drop(events);

    let Running { board, events } = bench.started().await;
    board.call(MUTED);
    bench.shows(false, true).await;
    drop(events);
    bench.shows(false, false).await;
    board.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_press_toggles_after_the_debounce_time_and_a_spike_does_not() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    running.quiet(MS(100)).await;
    bench.press(true);
    advance(MS(20)).await;
    bench.press(false);
    running.quiet(MS(1000)).await;
    bench.press(true);
    let pressed = Instant::now();
    assert_eq!(running.next().await, BoardEvent::MuteToggled);
    assert!(pressed.elapsed() >= MS(30) && pressed.elapsed() < MS(40), "{:?}", pressed.elapsed());
    bench.press(false);
    running.quiet(MS(1000)).await;
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_the_kernel_lost_makes_no_press() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    running.quiet(MS(100)).await;
    bench.press(true);
    advance(MS(10)).await;
    bench.lines.set_unheard(bench.mute(), Level::High);
    running.quiet(MS(1000)).await;
}

#[tokio::test(start_paused = true)]
async fn a_button_that_is_held_at_start_does_nothing_until_it_is_pressed_anew() {
    let bench = Bench::new();
    bench.press(true);
    bench.lines.set(bench.reset(), Level::High);
    let mut running = bench.started().await;
    running.quiet(Duration::from_secs(60)).await;
    bench.press(false);
    running.quiet(MS(100)).await;
    bench.press(true);
    assert_eq!(running.next().await, BoardEvent::MuteToggled);
}

#[tokio::test(start_paused = true)]
async fn a_long_press_asks_for_the_reset_once() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    running.quiet(MS(100)).await;
    bench.lines.set(bench.reset(), Level::High);
    running.quiet(MS(4990)).await;
    assert_eq!(running.next().await, BoardEvent::ResetAsked);
    running.quiet(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn presence_begins_at_once_and_ends_after_the_hold_time() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    bench.lines.set(bench.presence(), Level::High);
    assert_eq!(running.next().await, BoardEvent::PresenceBegan);
    bench.lines.set(bench.presence(), Level::Low);
    running.quiet(Duration::from_secs(59)).await;
    assert_eq!(running.next().await, BoardEvent::PresenceEnded);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_missing_is_told_tried_again_and_keeps_nobody_waiting() {
    let bench = Bench::new();
    bench.lines.unplug(bench.light()[1]);
    bench.lines.unplug(bench.presence());
    let mut running = bench.start();
    let mut missing = Vec::new();
    for _ in 0..5 {
        if let BoardEvent::Part { part, working: false, detail } = running.next().await {
            assert!(detail.contains("stand-in") && detail.contains("gpioinfo"), "{detail}");
            missing.push(part);
        }
    }
    assert_eq!(missing, [Part::Light, Part::Sensor(Sensor::Presence)]);
    running.quiet(MS(100)).await;
    bench.press(true);
    assert_eq!(running.next().await, BoardEvent::MuteToggled);
    // Ten minutes of waits that grow to one.
    running.quiet(Duration::from_secs(600)).await;
    let attempts = bench.lines.attempts(bench.presence());
    assert!((10..=17).contains(&attempts), "{attempts}");

    running.board.call(MUTED);
    bench.lines.plug_in(bench.light()[1]);
    bench.lines.plug_in(bench.presence());
    let back = [running.next().await, running.next().await];
    assert!(back.iter().all(|event| matches!(event, BoardEvent::Part { working: true, .. })));
    // It shows what it missed.
    bench.shows(false, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_lost_comes_back_without_a_press() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    running.quiet(MS(100)).await;
    bench.lines.unplug(bench.mute());
    let lost = running.next().await;
    let part = Part::Sensor(Sensor::Mute);
    assert!(
        matches!(&lost, BoardEvent::Part { part: of, working: false, detail }
            if *of == part && detail.contains("adapter")),
        "{lost:?}"
    );
    bench.press(true);
    bench.lines.plug_in(bench.mute());
    // The message changes from gone to not found, which is told as well.
    loop {
        match running.next().await {
            BoardEvent::Part { part: of, working: true, .. } if of == part => break,
            BoardEvent::Part { part: of, working: false, .. } if of == part => {}
            other => panic!("{other:?}"),
        }
    }
    running.quiet(Duration::from_secs(5)).await;
    bench.press(false);
    running.quiet(MS(100)).await;
    bench.press(true);
    assert_eq!(running.next().await, BoardEvent::MuteToggled);
}

#[tokio::test(start_paused = true)]
async fn a_light_that_fails_in_mid_call_shows_the_call_again_when_it_is_back() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    running.board.call(HEARD);
    bench.shows(true, false).await;
    bench.lines.unplug(bench.light()[0]);
    running.board.call(MUTED);
    let lost = running.next().await;
    assert!(matches!(lost, BoardEvent::Part { part: Part::Light, working: false, .. }), "{lost:?}");
    bench.lines.plug_in(bench.light()[0]);
    let back = running.next().await;
    assert!(matches!(back, BoardEvent::Part { part: Part::Light, working: true, .. }), "{back:?}");
    bench.shows(false, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_light_that_is_pulled_out_and_put_back_is_lit_again_although_the_call_did_not_change() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    running.board.call(MUTED);
    bench.shows(false, true).await;
    bench.lines.unplug(bench.light()[0]);
    bench.lines.plug_in(bench.light()[0]);
    let began = Instant::now();
    let lost = running.next().await;
    assert!(matches!(lost, BoardEvent::Part { part: Part::Light, working: false, .. }), "{lost:?}");
    bench.shows(false, true).await;
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_line_that_floats_is_closed_and_the_others_go_on() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    running.quiet(MS(100)).await;
    let told = loop {
        for level in [Level::High, Level::Low] {
            bench.lines.set(bench.presence(), level);
            tokio::task::yield_now().await;
        }
        match running.events.try_recv() {
            Ok(BoardEvent::PresenceBegan) | Err(_) => {}
            Ok(other) => break other,
        }
    };
    assert!(
        matches!(&told, BoardEvent::Part { working: false, detail, .. } if detail.contains("floats")),
        "{told:?}"
    );
    bench.press(true);
    assert_eq!(running.next().await, BoardEvent::MuteToggled);
}

#[tokio::test(start_paused = true)]
async fn heat_is_read_from_the_kernels_files() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    bench.warm(95);
    let temperature = Temperature::from_celsius(95);
    let hot = BoardEvent::TooHot { heat: Heat::Critical, temperature };
    assert_eq!(running.next().await, hot);
    assert_eq!(running.board.temperature(), Some(temperature));
    bench.warm(60);
    assert_eq!(running.next().await, BoardEvent::CoolAgain(Temperature::from_celsius(60)));
    fs::remove_file(bench.sys.path().join("class/thermal/thermal_zone0/temp")).unwrap();
    let lost = running.next().await;
    assert_eq!(running.board.temperature(), None);
    assert!(
        matches!(&lost, BoardEvent::Part { part: Part::Thermometer, working: false, detail }
            if detail.contains("temp cannot be read: No such file")),
        "{lost:?}"
    );
    bench.warm(40);
    let back = running.next().await;
    assert!(matches!(back, BoardEvent::Part { part: Part::Thermometer, working: true, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_takes_no_events_loses_some_and_keeps_its_light() {
    let bench = Bench::new();
    let mut running = bench.started().await;
    running.quiet(MS(100)).await;
    for _ in 0..100 {
        for pressed in [true, false] {
            bench.press(pressed);
            advance(MS(50)).await;
            // The clock was moved by hand: the board gets its turns.
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
    }
    running.board.call(HEARD);
    bench.shows(true, false).await;
    let mut toggles = 0;
    while let Ok(event) = running.events.try_recv() {
        assert_eq!(event, BoardEvent::MuteToggled);
        toggles += 1;
    }
    assert_eq!(toggles, 64);
}

#[tokio::test(start_paused = true)]
async fn a_bare_board_runs_and_tells_nothing() {
    let text =
        "name = \"bare\"\ntitle = \"Bare\"\nencoders = [\"x264enc\"]\n[gpio]\nbackend = \"none\"\n";
    let description = Description::parse(text, Path::new("board.toml")).unwrap();
    let (board, events) = Board::start(&description);
    let mut running = Running { board, events };
    running.board.call(MUTED);
    running.quiet(Duration::from_secs(3600)).await;
    running.board.shutdown().await;
}

/// What the end-to-end tests work the board of a daemon with.
#[tokio::test(start_paused = true)]
async fn lines_can_be_files() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let lines: Box<dyn Lines> = Box::new(Folder::new(&folder.path().join("lines")));
    let (board, events) = Board::start_on(&bench.description, lines, bench.sys.path());
    let mut running = Running { board, events };
    for _ in 0..5 {
        match running.next().await {
            BoardEvent::Part { part: Part::Thermometer, working: true, .. } => {}
            BoardEvent::Part { working: false, .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let making = folder.path().join("making");
    fs::create_dir(&making).unwrap();
    for (line, level) in [(0, "0"), (1, "0"), (2, "1"), (3, "0"), (4, "0")] {
        fs::write(making.join(line.to_string()), level).unwrap();
    }
    fs::rename(making, folder.path().join("lines")).unwrap();
    for _ in 0..4 {
        let event = running.next().await;
        assert!(matches!(event, BoardEvent::Part { working: true, .. }), "{event:?}");
    }
    running.quiet(MS(100)).await;
    let line = |number: u8| folder.path().join("lines").join(number.to_string());
    fs::write(line(2), "0").unwrap();
    assert_eq!(running.next().await, BoardEvent::MuteToggled);
    fs::write(line(4), "1").unwrap();
    assert_eq!(running.next().await, BoardEvent::PresenceBegan);
    running.board.call(MUTED);
    running.quiet(MS(100)).await;
    let light = [0, 1].map(|number| fs::read_to_string(line(number)).unwrap());
    assert_eq!(light, ["0", "0"], "green is off, and red is on when its line is low");
    fs::remove_file(line(2)).unwrap();
    let lost = running.next().await;
    assert!(
        matches!(&lost, BoardEvent::Part { part, working: false, .. } if *part == Part::Sensor(Sensor::Mute)),
        "{lost:?}"
    );
    running.board.shutdown().await;
}

/// What a machine without the chip says: the real backend, on whatever machine runs the tests.
#[tokio::test]
async fn the_real_backends_say_what_to_look_at_where_the_chip_is_not() {
    let described = Description::parse(
        &DESCRIPTION.replace("stand-in", "no-such-chip"),
        Path::new("board.toml"),
    )
    .unwrap();
    let line = &described.mute_button.as_ref().unwrap().line;
    let lines = conclave_board::lines::CharacterDevice;
    let Err(trouble) = lines.input(line) else { panic!("it is there") };
    let told = trouble.to_string();
    match trouble {
        LineTrouble::NoChip { wanted, .. } => assert_eq!(wanted, "no-such-chip"),
        // A machine that has chips which the tests may not open.
        LineTrouble::NotAllowed { .. } => {}
        other => panic!("{other:?}"),
    }
    assert!(told.contains("gpiodetect") || told.contains("udev"), "{told}");

    let other = conclave_board::lines::RaspberryPi.input(line);
    assert!(matches!(other.err(), Some(LineTrouble::OtherBackend { .. })));
}

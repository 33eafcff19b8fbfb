//! The shell: one task owns the lines and the machine, and moves events between them.
//!
//! A part that is missing, taken, not allowed or lost is told to the room with what to look at, tried
//! again after waits that grow to a minute, and never keeps the others from working.

use crate::description::Description;
use crate::kernel_clock::KernelClock;
use crate::lines::{Edge, Level, LineTrouble, Lines, lines_of};
use crate::machine::{
    CallState, Colour, Input, Limits, Machine, Output, ResetRule, Rules, Sensor, Signal,
    Temperature,
};
use crate::thermometer::{Thermometer, ThermometerError};
use crate::upkeep::{BoardEvent, Events, Fixture, Part, Station, Upkeep};
use conclave_types::Time;
use std::error::Error;
use std::future::{pending, poll_fn};
use std::path::Path;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

/// Between two readings of the temperature. A metal case warms by a degree in that time.
const READ_EVERY: Duration = Duration::from_secs(10);

/// The running board. Dropping it ends its task soon: the light goes dark and the lines are given
/// back; [`Board::shutdown`] waits for that.
pub struct Board {
    calls: watch::Sender<CallState>,
    temperature: watch::Receiver<Option<Temperature>>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Board {
    /// Starts the board that is described, within a tokio runtime. The task also ends when the
    /// receiver is dropped.
    pub fn start(description: &Description) -> (Board, mpsc::Receiver<BoardEvent>) {
        Board::start_on(description, lines_of(description.backend), Path::new("/sys"))
    }

    /// The same with other lines, and with `/sys` at another place: for tests.
    pub fn start_on(
        description: &Description,
        lines: Box<dyn Lines>,
        sys: &Path,
    ) -> (Board, mpsc::Receiver<BoardEvent>) {
        let (events, receiver) = Events::channel();
        let (calls, call) = watch::channel(CallState::default());
        let stop = CancellationToken::new();
        let (warmth, temperature) = watch::channel(None);
        let shell = Shell::new(description, lines, events.clone(), warmth);
        let readings = description.temperature.as_ref().map(|sensor| {
            let (sender, readings) = mpsc::channel(1);
            let thermometer = Thermometer::new(sensor.source.clone(), sys);
            let task = tokio::spawn(read_again_and_again(thermometer, sender));
            Readings { readings, _task: AbortOnDropHandle::new(task) }
        });
        let task = tokio::spawn(shell.run(call, readings, stop.clone()));
        tracing::info!(board = %description.name, "the board has started");
        (Board { calls, temperature, stop: stop.drop_guard(), task }, receiver)
    }

    /// What the light shows from now on. Of states that follow each other at once the last counts.
    pub fn call(&self, state: CallState) {
        self.calls.send_replace(state);
    }

    /// What the thermometer said last; `None` while there is none that works.
    pub fn temperature(&self) -> Option<Temperature> {
        *self.temperature.borrow()
    }

    /// Ends the board and waits until its light is dark and its lines are free.
    pub async fn shutdown(self) {
        drop(self.stop);
        if self.task.await.is_err() {
            tracing::error!("the board's task ended by a panic");
        }
    }
}

/// The task of the thermometer: apart, because a sensor on a bad bus may take its time.
struct Readings {
    /// One place: a reading waits until the one before it is taken.
    readings: mpsc::Receiver<Result<Temperature, ThermometerError>>,
    _task: AbortOnDropHandle<()>,
}

async fn read_again_and_again(
    thermometer: Thermometer,
    readings: mpsc::Sender<Result<Temperature, ThermometerError>>,
) {
    loop {
        let thermometer = thermometer.clone();
        // It fails only when the runtime ends, or by a panic, which is logged where it happens.
        let Ok(read) = tokio::task::spawn_blocking(move || thermometer.read()).await else {
            return;
        };
        if readings.send(read).await.is_err() {
            return;
        }
        tokio::time::sleep(READ_EVERY).await;
    }
}

/// What the task owns.
struct Shell {
    machine: Machine,
    started: Instant,
    clock: KernelClock,
    lines: Box<dyn Lines>,
    light: Option<Fixture>,
    colour: Colour,
    stations: Vec<Station>,
    thermometer: Upkeep,
    warmth: watch::Sender<Option<Temperature>>,
    events: Events,
}

impl Shell {
    fn new(
        description: &Description,
        lines: Box<dyn Lines>,
        events: Events,
        warmth: watch::Sender<Option<Temperature>>,
    ) -> Shell {
        let station = |sensor, line: &_| Station::new(sensor, Clone::clone(line), events.clone());
        let mute = description.mute_button.as_ref();
        let reset = description.reset_button.as_ref();
        let presence = description.presence.as_ref();
        let stations = mute
            .map(|button| station(Sensor::Mute, &button.line))
            .into_iter()
            .chain(reset.map(|button| station(Sensor::Reset, &button.line)))
            .chain(presence.map(|sensor| station(Sensor::Presence, &sensor.line)))
            .collect();
        Shell {
            machine: Machine::new(rules(description)),
            started: Instant::now(),
            clock: KernelClock::default(),
            lines,
            light: description.light.clone().map(|light| Fixture::new(light, events.clone())),
            colour: Colour::default(),
            stations,
            thermometer: Upkeep::new(Part::Thermometer, events.clone()),
            warmth,
            events,
        }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }

    async fn run(
        mut self,
        mut calls: watch::Receiver<CallState>,
        mut readings: Option<Readings>,
        stop: CancellationToken,
    ) {
        let events = self.events.clone();
        loop {
            self.look_after_what_is_due();
            self.carry_out();
            let deadline = self.deadline().map(|due| self.started + due.since(Time::ZERO));
            // In this order: what has happened already is heard before time is said to have passed.
            // A line that never stops is closed before it keeps the others waiting.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = events.unwanted() => return,
                (n, edge) = next_edge(&mut self.stations) => self.heard(n, edge),
                Ok(()) = calls.changed() => {
                    let call = *calls.borrow_and_update();
                    self.machine.handle(self.now(), Input::Call(call));
                }
                read = next_reading(&mut readings) => match read {
                    Some(read) => self.read(read),
                    None => readings = None,
                },
                () = sleep_until(deadline) => self.tick(),
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        let light = self.light.as_ref().map(Fixture::due);
        let stations = self.stations.iter().filter_map(Station::due);
        self.machine.deadline().into_iter().chain(light).chain(stations).min()
    }

    fn look_after_what_is_due(&mut self) {
        let now = self.now();
        if let Some(light) = &mut self.light
            && light.due() <= now
        {
            light.show(now, self.lines.as_ref(), self.colour);
        }
        for station in &mut self.stations {
            if station.due().is_some_and(|due| due <= now)
                && let Some(level) = station.open(now, self.lines.as_ref())
            {
                let signal = signal(level.is_on(station.line.active));
                self.machine.handle(now, Input::Found(station.sensor, signal));
            }
        }
    }

    fn heard(&mut self, n: usize, edge: Result<Edge, LineTrouble>) {
        let now = self.now();
        let station = &mut self.stations[n];
        match edge.and_then(|edge| station.count(now).map(|()| edge)) {
            Ok(edge) => {
                let at = self.clock.time(now, edge.stamp);
                self.changed(n, edge.level, at);
            }
            Err(trouble) => self.lost(n, &trouble),
        }
    }

    fn changed(&mut self, n: usize, level: Level, at: Time) {
        let now = self.now();
        let station = &mut self.stations[n];
        (station.level, station.since) = (level, at);
        let signal = signal(level.is_on(station.line.active));
        self.machine.handle(now, Input::Edge { sensor: station.sensor, signal, at });
    }

    fn lost(&mut self, n: usize, trouble: &LineTrouble) {
        let now = self.now();
        let station = &mut self.stations[n];
        station.close(now, trouble);
        self.machine.handle(now, Input::Lost(station.sensor));
    }

    /// Time has passed. Each line is asked before what it said last is believed: the kernel keeps a
    /// few edges only, and a line may be gone without a word. Of a change that was not heard nobody
    /// knows when it was; as early as it can have been, so that no press is made up.
    fn tick(&mut self) {
        for n in 0..self.stations.len() {
            let station = &mut self.stations[n];
            match station.sample() {
                Some(Ok(level)) if level != station.level => {
                    let earliest = station.since;
                    self.changed(n, level, earliest);
                }
                Some(Err(trouble)) => self.lost(n, &trouble),
                Some(Ok(_)) | None => {}
            }
        }
        self.machine.handle(self.now(), Input::Tick);
    }

    fn read(&mut self, read: Result<Temperature, ThermometerError>) {
        let now = self.now();
        self.warmth.send_replace(read.as_ref().ok().copied());
        match read {
            Ok(temperature) => {
                self.thermometer.works(now);
                self.machine.handle(now, Input::Reads(temperature));
            }
            Err(error) => {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                self.thermometer.fails(now, format!("{error}{cause}"));
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            self.events.tell(match output {
                Output::Light(colour) => {
                    self.colour = colour;
                    let now = self.now();
                    if let Some(light) = &mut self.light {
                        light.show(now, self.lines.as_ref(), colour);
                    }
                    continue;
                }
                Output::MuteToggled => BoardEvent::MuteToggled,
                Output::PresenceBegan => BoardEvent::PresenceBegan,
                Output::PresenceEnded => BoardEvent::PresenceEnded,
                Output::ResetAsked => BoardEvent::ResetAsked,
                Output::TooHot { heat, temperature } => BoardEvent::TooHot { heat, temperature },
                Output::CoolAgain(temperature) => BoardEvent::CoolAgain(temperature),
            });
        }
    }
}

/// The part of the description that the machine needs.
fn rules(description: &Description) -> Rules {
    Rules {
        mute: description.mute_button.as_ref().map(|button| button.debounce),
        reset: description
            .reset_button
            .as_ref()
            .map(|button| ResetRule { debounce: button.debounce, hold: button.long_press }),
        presence: description.presence.as_ref().map(|sensor| sensor.hold),
        heat: description.temperature.as_ref().map(|sensor| Limits {
            warn: Temperature::from_celsius(sensor.warn.degrees()),
            critical: Temperature::from_celsius(sensor.critical.degrees()),
        }),
    }
}

fn signal(on: bool) -> Signal {
    if on { Signal::Active } else { Signal::Idle }
}

async fn next_edge(stations: &mut [Station]) -> (usize, Result<Edge, LineTrouble>) {
    poll_fn(|context| {
        for (n, station) in stations.iter_mut().enumerate() {
            if let Some(line) = &mut station.open
                && let Poll::Ready(edge) = line.poll_edge(context)
            {
                return Poll::Ready((n, edge));
            }
        }
        Poll::Pending
    })
    .await
}

async fn next_reading(
    readings: &mut Option<Readings>,
) -> Option<Result<Temperature, ThermometerError>> {
    match readings {
        Some(readings) => readings.readings.recv().await,
        None => pending().await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => pending().await,
    }
}

//! What every part has in common: it may be missing, go away and come back, and whoever can do
//! something about it is told so.

use crate::description::{Light, Line};
use crate::light::{InCallLight, Lamp};
use crate::lines::{Level, LineTrouble, Lines, Output, Watched};
use crate::machine::{Colour, Heat, Sensor, Temperature};
use crate::retry::Retry;
use conclave_types::Time;
use std::time::Duration;
use tokio::sync::mpsc;

/// What the room is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoardEvent {
    /// Somebody pressed the mute button, in a call or not.
    MuteToggled,
    /// Somebody came in: the panel wakes.
    PresenceBegan,
    /// Nobody has been seen for a while: the panel may sleep.
    PresenceEnded,
    /// The reset button was held long enough.
    ResetAsked,
    /// It became too hot, or from one heat to the other.
    TooHot {
        /// How hot.
        heat: Heat,
        /// What was read.
        temperature: Temperature,
    },
    /// It is below the first limit again.
    CoolAgain(Temperature),
    /// A part works now, or does not. Told once per change.
    Part {
        /// Which.
        part: Part,
        /// Whether it does.
        working: bool,
        /// When not: why, and what to look at.
        detail: String,
    },
}

/// A part of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The in-call light.
    Light,
    /// A button or the presence sensor.
    Sensor(Sensor),
    /// The thermometer.
    Thermometer,
}

/// The way to the room. When its 64 places are taken the event is dropped and logged: a room that
/// far behind would mute on a press of a minute ago.
#[derive(Debug, Clone)]
pub(crate) struct Events(mpsc::Sender<BoardEvent>);

impl Events {
    pub(crate) fn channel() -> (Events, mpsc::Receiver<BoardEvent>) {
        let (sender, receiver) = mpsc::channel(64);
        (Events(sender), receiver)
    }

    pub(crate) fn tell(&self, event: BoardEvent) {
        if let Err(mpsc::error::TrySendError::Full(event)) = self.0.try_send(event) {
            tracing::error!(?event, "nobody takes the events of the board");
        }
    }

    /// Waits until nobody wants them any more.
    pub(crate) async fn unwanted(&self) {
        self.0.closed().await;
    }
}

/// Whether a part works, who was told, and when it is tried again.
#[derive(Debug)]
pub(crate) struct Upkeep {
    part: Part,
    events: Events,
    retry: Retry,
    /// What was told last: that it works, or why not.
    told: Option<Result<(), String>>,
}

impl Upkeep {
    pub(crate) fn new(part: Part, events: Events) -> Upkeep {
        Upkeep { part, events, retry: Retry::new(), told: None }
    }

    /// When it should be tried again.
    pub(crate) fn due(&self) -> Time {
        self.retry.due()
    }

    pub(crate) fn works(&mut self, now: Time) {
        self.retry.works(now);
        if self.told != Some(Ok(())) {
            tracing::info!(part = ?self.part, "a part of the board works");
            self.told = Some(Ok(()));
            self.tell(true, String::new());
        }
    }

    pub(crate) fn fails(&mut self, now: Time, detail: String) {
        self.retry.fails(now);
        let retry_in_s = self.due().since(now).as_secs();
        if self.told != Some(Err(detail.clone())) {
            tracing::warn!(part = ?self.part, detail, retry_in_s, "a part of the board does not work");
            self.told = Some(Err(detail.clone()));
            self.tell(false, detail);
        } else {
            tracing::debug!(part = ?self.part, retry_in_s, "a part of the board still does not work");
        }
    }

    fn tell(&self, working: bool, detail: String) {
        self.events.tell(BoardEvent::Part { part: self.part, working, detail });
    }
}

/// Between two looks whether the lines of the light still work: nobody tells of an output that is
/// gone. Longer, and a light that was pulled out and put back stays dark in a call for so long.
const LOOK: Duration = Duration::from_secs(5);

/// The light with its lines, or what is left of it.
pub(crate) struct Fixture {
    wiring: Light,
    open: Option<InCallLight<Output>>,
    /// When it was set last.
    set: Time,
    upkeep: Upkeep,
}

impl Fixture {
    pub(crate) fn new(wiring: Light, events: Events) -> Fixture {
        let upkeep = Upkeep::new(Part::Light, events);
        Fixture { wiring, open: None, set: Time::ZERO, upkeep }
    }

    /// When it wants [`Fixture::show`] although nothing changed: to be opened, or looked after.
    pub(crate) fn due(&self) -> Time {
        if self.open.is_some() { self.set + LOOK } else { self.upkeep.due() }
    }

    /// Shows a colour, opening the lines when that is due.
    pub(crate) fn show(&mut self, now: Time, lines: &dyn Lines, colour: Colour) {
        if self.open.is_none() && self.due() > now {
            return;
        }
        self.set = now;
        let shown = self.open(lines).and_then(|light| light.show(colour));
        match shown {
            Ok(()) => self.upkeep.works(now),
            Err(trouble) => {
                self.open = None;
                self.upkeep.fails(now, trouble.to_string());
            }
        }
    }

    fn open(&mut self, lines: &dyn Lines) -> Result<&mut InCallLight<Output>, LineTrouble> {
        let lamp = |line: &Line| {
            let pin = lines.output(line, Level::of(line.active, false))?;
            Ok(Lamp::new(pin, line.active))
        };
        let light = match (self.open.take(), &self.wiring) {
            (Some(light), _) => light,
            (None, Light::Separate { green, red }) => {
                InCallLight::separate(lamp(green)?, lamp(red)?)
            }
            (None, Light::Bicolour { lit, red }) => InCallLight::bicolour(lamp(lit)?, lamp(red)?),
        };
        Ok(self.open.insert(light))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // A dark light, not one that says what is over. Lines that fail now were told before.
        if let Some(light) = &mut self.open {
            let _ = light.show(Colour::Off);
        }
    }
}

/// A sensor with its line, or what is left of it.
pub(crate) struct Station {
    pub(crate) sensor: Sensor,
    pub(crate) line: Line,
    pub(crate) open: Option<Box<dyn Watched>>,
    /// What the line was heard to say last, and since when.
    pub(crate) level: Level,
    pub(crate) since: Time,
    upkeep: Upkeep,
    noise: Noise,
}

impl Station {
    pub(crate) fn new(sensor: Sensor, line: Line, events: Events) -> Station {
        Station {
            sensor,
            level: Level::of(line.active, false),
            since: Time::ZERO,
            line,
            open: None,
            upkeep: Upkeep::new(Part::Sensor(sensor), events),
            noise: Noise::default(),
        }
    }

    /// When it wants to be opened.
    pub(crate) fn due(&self) -> Option<Time> {
        self.open.is_none().then(|| self.upkeep.due())
    }

    /// Opens the line; what it says.
    pub(crate) fn open(&mut self, now: Time, lines: &dyn Lines) -> Option<Level> {
        let opened = lines.input(&self.line).and_then(|mut line| {
            let level = read(line.as_mut())?;
            Ok((line, level))
        });
        match opened {
            Ok((line, level)) => {
                self.open = Some(line);
                (self.level, self.since) = (level, now);
                self.noise = Noise::default();
                self.upkeep.works(now);
                Some(level)
            }
            Err(trouble) => {
                self.upkeep.fails(now, trouble.to_string());
                None
            }
        }
    }

    /// The line does not work any more.
    pub(crate) fn close(&mut self, now: Time, trouble: &LineTrouble) {
        self.open = None;
        self.upkeep.fails(now, trouble.to_string());
    }

    /// What the line says at this moment; `None` when it is not open.
    pub(crate) fn sample(&mut self) -> Option<Result<Level, LineTrouble>> {
        self.open.as_mut().map(|line| read(line.as_mut()))
    }

    /// Counts an edge; the trouble when there are too many.
    pub(crate) fn count(&mut self, now: Time) -> Result<(), LineTrouble> {
        match self.noise.count(now) {
            edges if edges > MOST_EDGES => {
                Err(LineTrouble::Noisy { place: self.line.place.clone(), edges })
            }
            _ => Ok(()),
        }
    }
}

fn read(line: &mut dyn Watched) -> Result<Level, LineTrouble> {
    Ok(if line.is_high()? { Level::High } else { Level::Low })
}

/// Edges of one line within a second, at most. A worn button gives some tens; a line that floats
/// beside a radio gives thousands, and would keep the room from everything else.
const MOST_EDGES: u32 = 500;

/// Counts edges by the second.
#[derive(Debug, Default)]
struct Noise {
    since: Time,
    edges: u32,
}

impl Noise {
    fn count(&mut self, now: Time) -> u32 {
        if now.since(self.since) >= Duration::from_secs(1) {
            *self = Noise { since: now, edges: 0 };
        }
        self.edges += 1;
        self.edges
    }
}

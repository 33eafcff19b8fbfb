//! Lines behind embedded-hal's traits, and what opens them.
//!
//! embedded-hal 1.0 sets and reads a line and cannot wait for one; its asynchronous sister waits for
//! an edge without saying when it was and forgets those between two waits. So the waiting is a trait
//! of ours, [`Watched`].
//!
//! | backend | opens | waits by |
//! | --- | --- | --- |
//! | [`CharacterDevice`] | any chip that Linux knows | the readiness of the line's descriptor |
//! | [`RaspberryPi`] | a Raspberry Pi's pins | a thread of rppal's for each line |
//! | [`StandIn`] | whatever is asked for | a channel that the test fills |
//! | [`Folder`] | files that another process writes, in tests | looking at them |
//! | [`NoLines`] | nothing | |

mod character_device;
mod folder;
mod raspberry_pi;
mod stand_in;

pub use character_device::CharacterDevice;
pub use folder::Folder;
pub use raspberry_pi::RaspberryPi;
pub use stand_in::StandIn;

use crate::description::{Active, Backend, Line, Place};
use embedded_hal::digital::{Error, ErrorKind, ErrorType, InputPin, OutputPin};
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;

/// An electric level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Ground.
    Low,
    /// The supply.
    High,
}

impl Level {
    /// The level at which something is on, or off.
    pub fn of(active: Active, on: bool) -> Level {
        if (active == Active::High) == on { Level::High } else { Level::Low }
    }

    /// Whether something is on at this level.
    pub fn is_on(self, active: Active) -> bool {
        self == Level::of(active, true)
    }
}

/// A line changed its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// To this.
    pub level: Level,
    /// When, by the kernel's clock; one clock for all lines of a board. `None` where nobody took the
    /// time: then it is now.
    pub stamp: Option<Duration>,
}

/// An input that can be waited for.
pub trait Watched: InputPin<Error = LineTrouble> + Send {
    /// The next change, in the order in which they happened; no change is lost while nobody waits,
    /// up to the kernel's queue (16 for a line).
    fn poll_edge(&mut self, context: &mut Context<'_>) -> Poll<Result<Edge, LineTrouble>>;
}

/// An open output of any backend.
pub struct Output(Box<dyn OutputPin<Error = LineTrouble> + Send>);

impl Output {
    /// Whatever a backend opened.
    pub fn new(pin: impl OutputPin<Error = LineTrouble> + Send + 'static) -> Output {
        Output(Box::new(pin))
    }
}

impl ErrorType for Output {
    type Error = LineTrouble;
}

impl OutputPin for Output {
    fn set_low(&mut self) -> Result<(), LineTrouble> {
        self.0.set_low()
    }

    fn set_high(&mut self) -> Result<(), LineTrouble> {
        self.0.set_high()
    }
}

/// What opens lines.
pub trait Lines: Send {
    /// Opens an output at this level. Nothing flickers on the way.
    fn output(&self, line: &Line, level: Level) -> Result<Output, LineTrouble>;

    /// Opens an input with its bias. Within a tokio runtime.
    fn input(&self, line: &Line) -> Result<Box<dyn Watched>, LineTrouble>;
}

/// What opens the lines of a board with this backend.
pub fn lines_of(backend: Backend) -> Box<dyn Lines> {
    match backend {
        Backend::CharacterDevice => Box::new(CharacterDevice),
        Backend::RaspberryPi => Box::new(RaspberryPi),
        Backend::None => Box::new(NoLines),
    }
}

/// For boards without any line. Their descriptions have none, so it is never asked.
#[derive(Debug, Clone, Copy)]
pub struct NoLines;

impl Lines for NoLines {
    fn output(&self, line: &Line, _: Level) -> Result<Output, LineTrouble> {
        Err(LineTrouble::OtherBackend { place: line.place.clone() })
    }

    fn input(&self, line: &Line) -> Result<Box<dyn Watched>, LineTrouble> {
        Err(LineTrouble::OtherBackend { place: line.place.clone() })
    }
}

/// Why a line does not work. The text says what to look at.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LineTrouble {
    /// No chip is what the description names.
    #[error(
        "no GPIO chip '{wanted}' (there: {}): is its driver loaded, is an adapter plugged in? \
         'gpiodetect' lists labels for the board description",
        if found.is_empty() { "none".to_owned() } else { found.join(", ") }
    )]
    NoChip {
        /// As the description names it.
        wanted: String,
        /// The chips that are there, by label.
        found: Vec<String>,
    },
    /// A label that says too little.
    #[error("{} GPIO chips are labelled '{label}': name one by its path in the board description", paths.len())]
    SeveralChips {
        /// The label.
        label: String,
        /// Their device files.
        paths: Vec<PathBuf>,
    },
    /// The chip has no such line.
    #[error("there is no {place}: 'gpioinfo' lists lines for the board description")]
    NoLine {
        /// Which one.
        place: Place,
    },
    /// Not ours to open.
    #[error(
        "{what} may not be opened by this user: give it the group that owns the device file (a udev \
         rule, and DeviceAllow= of the service)"
    )]
    NotAllowed {
        /// The chip, or the memory of a Raspberry Pi's pins.
        what: String,
    },
    /// Somebody else has it.
    #[error("{place} is in use: 'gpioinfo' says by whom")]
    InUse {
        /// Which one.
        place: Place,
    },
    /// The chip cannot tell of changes.
    #[error(
        "{place} cannot be waited for: its chip has no interrupts, wire the part to another one"
    )]
    NoInterrupts {
        /// Which one.
        place: Place,
    },
    /// It was there and is not.
    #[error("{place} has gone: is the adapter still plugged in?")]
    Gone {
        /// Which one.
        place: Place,
    },
    /// It changes without end.
    #[error(
        "{place} changed {edges} times within a second: it floats, so it wants a bias in the board \
         description, or a resistor"
    )]
    Noisy {
        /// Which one.
        place: Place,
        /// How often.
        edges: u32,
    },
    /// The description was made for another backend.
    #[error("{place} does not belong to this backend")]
    OtherBackend {
        /// Which one.
        place: Place,
    },
    /// Anything else that the system says.
    #[error("{place} failed: {detail}")]
    System {
        /// Which one.
        place: Place,
        /// In the system's words.
        detail: String,
    },
}

impl Error for LineTrouble {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

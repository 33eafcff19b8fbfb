//! Lines that are files, for tests that work the board of another process: a folder is the chip, a file
//! in it is the line of that number, and its first octet is the level, `0` or `1`.
//!
//! No description can ask for it. A daemon that is built with its feature `driver` takes such a folder
//! on its command line; images are built without.

use super::{Edge, Level, LineTrouble, Lines, Output, Watched};
use crate::description::{Line, Place};
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Between two looks at an input: nobody tells of a file that was written. Longer, and a press as short
/// as a finger's is missed.
const LOOK: Duration = Duration::from_millis(5);

/// The lines in a folder. A line is there as long as its file is.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The lines in this folder, whether it is there already or not.
    pub fn new(folder: &Path) -> Folder {
        Folder(folder.to_owned())
    }

    fn file(&self, place: &Place) -> Result<File, LineTrouble> {
        let number = match place {
            Place::Offset { offset, .. } => *offset,
            Place::Bcm(number) => u32::from(*number),
            Place::Named { .. } => return Err(LineTrouble::OtherBackend { place: place.clone() }),
        };
        let file = File { path: self.0.join(number.to_string()), place: place.clone() };
        match file.read() {
            Err(LineTrouble::Gone { place }) => Err(LineTrouble::NoLine { place }),
            Err(trouble) => Err(trouble),
            Ok(_) => Ok(file),
        }
    }
}

impl Lines for Folder {
    fn output(&self, line: &Line, level: Level) -> Result<Output, LineTrouble> {
        let mut file = self.file(&line.place)?;
        match level {
            Level::Low => file.set_low()?,
            Level::High => file.set_high()?,
        }
        Ok(Output::new(file))
    }

    fn input(&self, line: &Line) -> Result<Box<dyn Watched>, LineTrouble> {
        let mut file = self.file(&line.place)?;
        let level = if file.is_high()? { Level::High } else { Level::Low };
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Box::new(Input { file, level, look }))
    }
}

/// One line.
#[derive(Debug)]
struct File {
    path: PathBuf,
    place: Place,
}

impl File {
    fn trouble(&self, error: &std::io::Error) -> LineTrouble {
        let place = self.place.clone();
        match error.kind() {
            ErrorKind::NotFound => LineTrouble::Gone { place },
            _ => LineTrouble::System { place, detail: error.to_string() },
        }
    }

    /// One octet, so that nobody reads half of it.
    fn write(&self, octet: u8) -> Result<(), LineTrouble> {
        let file = OpenOptions::new().write(true).open(&self.path);
        file.and_then(|file| file.write_all_at(&[octet], 0)).map_err(|error| self.trouble(&error))
    }

    fn read(&self) -> Result<Level, LineTrouble> {
        let content = std::fs::read(&self.path).map_err(|error| self.trouble(&error))?;
        Ok(if content.first() == Some(&b'1') { Level::High } else { Level::Low })
    }
}

impl ErrorType for File {
    type Error = LineTrouble;
}

impl OutputPin for File {
    fn set_low(&mut self) -> Result<(), LineTrouble> {
        self.write(b'0')
    }

    fn set_high(&mut self) -> Result<(), LineTrouble> {
        self.write(b'1')
    }
}

impl InputPin for File {
    fn is_high(&mut self) -> Result<bool, LineTrouble> {
        Ok(self.read()? == Level::High)
    }

    fn is_low(&mut self) -> Result<bool, LineTrouble> {
        Ok(self.read()? == Level::Low)
    }
}

/// An input that is looked at again and again.
struct Input {
    file: File,
    level: Level,
    look: Interval,
}

impl ErrorType for Input {
    type Error = LineTrouble;
}

impl InputPin for Input {
    fn is_high(&mut self) -> Result<bool, LineTrouble> {
        self.file.is_high()
    }

    fn is_low(&mut self) -> Result<bool, LineTrouble> {
        self.file.is_low()
    }
}

impl Watched for Input {
    fn poll_edge(&mut self, context: &mut Context<'_>) -> Poll<Result<Edge, LineTrouble>> {
        while self.look.poll_tick(context).is_ready() {
            match self.file.read() {
                Ok(level) if level == self.level => {}
                Ok(level) => {
                    self.level = level;
                    return Poll::Ready(Ok(Edge { level, stamp: None }));
                }
                Err(trouble) => return Poll::Ready(Err(trouble)),
            }
        }
        Poll::Pending
    }
}

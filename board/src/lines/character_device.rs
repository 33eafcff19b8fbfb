//! Lines by the kernel's GPIO character device, `/dev/gpiochip*` (uAPI v2, Linux 5.10).

use super::{Edge, Level, LineTrouble, Lines, Output, Watched};
use crate::description::{Bias, Chip, Line, Place};
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use gpiocdev::Request;
use gpiocdev::line::{self, EdgeDetection, EdgeKind, Value};
use gpiocdev::request::Config;
use gpiocdev_uapi::{Errno, Error as UapiError};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Who has the line, as `gpioinfo` shows it.
const CONSUMER: &str = "conclave";

/// All chips that Linux knows.
#[derive(Debug, Clone, Copy)]
pub struct CharacterDevice;

impl Lines for CharacterDevice {
    fn output(&self, line: &Line, level: Level) -> Result<Output, LineTrouble> {
        let (chip, offset) = find(&line.place)?;
        let mut config = Config::default();
        config.on_chip(chip).with_line(offset).as_output(match level {
            Level::High => Value::Active,
            Level::Low => Value::Inactive,
        });
        Ok(Output::new(Open { request: request(config, line)?, place: line.place.clone() }))
    }

    fn input(&self, line: &Line) -> Result<Box<dyn Watched>, LineTrouble> {
        let (chip, offset) = find(&line.place)?;
        let mut config = Config::default();
        config.on_chip(chip).with_line(offset).as_input().with_bias(match line.bias {
            Bias::AsIs => None,
            Bias::Off => Some(line::Bias::Disabled),
            Bias::PullUp => Some(line::Bias::PullUp),
            Bias::PullDown => Some(line::Bias::PullDown),
        });
        config.with_edge_detection(EdgeDetection::BothEdges);
        let place = line.place.clone();
        let open = Open { request: request(config, line)?, place: place.clone() };
        // The function that replaced it is unsafe. What that one asks for holds: the descriptor is the
        // request's own, which lives, open and unchanged, inside for as long as this does.
        #[expect(deprecated, reason = "sound here, and this crate has no unsafe code")]
        let ready = AsyncFd::with_interest(open, Interest::READABLE)
            .map_err(|error| LineTrouble::System { place, detail: error.to_string() })?;
        Ok(Box::new(Input { ready }))
    }
}

fn request(config: Config, line: &Line) -> Result<Request, LineTrouble> {
    let edges = config.lines().iter().any(|offset| {
        config.line_config(*offset).is_some_and(|line| line.edge_detection.is_some())
    });
    let mut builder = Request::from_config(config);
    builder.with_consumer(CONSUMER).request().map_err(|error| match number(&error) {
        // What `edge_detector_setup` in the kernel says of a line without an interrupt.
        Some(ENXIO | ENODEV | EOPNOTSUPP) if edges => {
            LineTrouble::NoInterrupts { place: line.place.clone() }
        }
        _ => trouble(&line.place, &error),
    })
}

/// The device file and the number of a line.
fn find(place: &Place) -> Result<(PathBuf, u32), LineTrouble> {
    let nowhere = || LineTrouble::NoLine { place: place.clone() };
    let on = |path: &Path| gpiocdev::chip::Chip::from_path(path).map_err(|e| trouble(place, &e));
    match place {
        Place::Offset { chip, offset } => {
            let path = path_of(chip, place)?;
            let info = on(&path)?.info().map_err(|error| trouble(place, &error))?;
            if *offset < info.num_lines { Ok((path, *offset)) } else { Err(nowhere()) }
        }
        Place::Named { chip: Some(chip), name } => {
            let path = path_of(chip, place)?;
            let line = on(&path)?.find_line_info(name.as_str()).ok_or_else(nowhere)?;
            Ok((path, line.offset))
        }
        Place::Named { chip: None, name } => {
            let line = gpiocdev::find_named_line(name.as_str()).ok_or_else(nowhere)?;
            Ok((line.chip, line.info.offset))
        }
        Place::Bcm(_) => Err(LineTrouble::OtherBackend { place: place.clone() }),
    }
}

/// The device file of a chip.
fn path_of(chip: &Chip, place: &Place) -> Result<PathBuf, LineTrouble> {
    let label = match chip {
        Chip::Path(path) if path.exists() => return Ok(path.clone()),
        Chip::Path(_) => None,
        Chip::Label(label) => Some(label.as_str()),
    };
    let (mut paths, mut found, mut refused) = (Vec::new(), Vec::new(), None);
    for path in gpiocdev::chip::chips().map_err(|error| trouble(place, &error))? {
        match gpiocdev::chip::Chip::from_path(&path).and_then(|chip| chip.info()) {
            Ok(info) if Some(info.label.as_str()) == label => paths.push(path),
            Ok(info) => found.push(info.label),
            Err(error) => refused = Some(trouble_with(&path.display().to_string(), place, &error)),
        }
    }
    match (paths.len(), label, refused) {
        (1, _, _) => Ok(paths.remove(0)),
        // It may be the one that we are not allowed to look at.
        (0, _, Some(refused)) => Err(refused),
        (0, _, None) => Err(LineTrouble::NoChip { wanted: chip.to_string(), found }),
        _ => Err(LineTrouble::SeveralChips { label: chip.to_string(), paths }),
    }
}

const EPERM: i32 = 1;
const ENXIO: i32 = 6;
const EACCES: i32 = 13;
const EBUSY: i32 = 16;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const EOPNOTSUPP: i32 = 95;

/// The system's number of an error, when it comes from there.
fn number(error: &gpiocdev::Error) -> Option<i32> {
    match error {
        gpiocdev::Error::Os(Errno(number))
        | gpiocdev::Error::Uapi(_, UapiError::Os(Errno(number))) => Some(*number),
        _ => None,
    }
}

fn trouble(place: &Place, error: &gpiocdev::Error) -> LineTrouble {
    let what = match place {
        Place::Offset { chip, .. } | Place::Named { chip: Some(chip), .. } => chip.to_string(),
        Place::Named { chip: None, .. } | Place::Bcm(_) => "the GPIO chip".to_owned(),
    };
    trouble_with(&what, place, error)
}

fn trouble_with(chip: &str, place: &Place, error: &gpiocdev::Error) -> LineTrouble {
    let place = place.clone();
    match number(error) {
        Some(EPERM | EACCES) => LineTrouble::NotAllowed { what: chip.to_owned() },
        Some(EBUSY) => LineTrouble::InUse { place },
        Some(ENODEV) => LineTrouble::Gone { place },
        Some(EINVAL) => LineTrouble::System {
            place,
            detail: format!("{error}: perhaps the chip has no such bias"),
        },
        _ => LineTrouble::System { place, detail: error.to_string() },
    }
}

/// A line that is ours until it is dropped.
struct Open {
    request: Request,
    place: Place,
}

impl Open {
    fn set(&self, value: Value) -> Result<(), LineTrouble> {
        self.request.set_lone_value(value).map_err(|error| trouble(&self.place, &error))?;
        Ok(())
    }

    fn is_high(&self) -> Result<bool, LineTrouble> {
        let value = self.request.lone_value().map_err(|error| trouble(&self.place, &error))?;
        Ok(value == Value::Active)
    }
}

impl std::os::fd::AsRawFd for Open {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.request.as_raw_fd()
    }
}

impl ErrorType for Open {
    type Error = LineTrouble;
}

impl OutputPin for Open {
    fn set_low(&mut self) -> Result<(), LineTrouble> {
        self.set(Value::Inactive)
    }

    fn set_high(&mut self) -> Result<(), LineTrouble> {
        self.set(Value::Active)
    }
}

/// An input, ready when the kernel has an edge of it, or when its chip has gone.
struct Input {
    ready: AsyncFd<Open>,
}

impl ErrorType for Input {
    type Error = LineTrouble;
}

impl InputPin for Input {
    fn is_high(&mut self) -> Result<bool, LineTrouble> {
        self.ready.get_ref().is_high()
    }

    fn is_low(&mut self) -> Result<bool, LineTrouble> {
        self.is_high().map(|high| !high)
    }
}

impl Watched for Input {
    fn poll_edge(&mut self, context: &mut Context<'_>) -> Poll<Result<Edge, LineTrouble>> {
        let Open { place, .. } = self.ready.get_ref();
        let (place, gone) = (place.clone(), LineTrouble::Gone { place: place.clone() });
        loop {
            let Ok(mut guard) = ready!(self.ready.poll_read_ready(context)) else {
                return Poll::Ready(Err(gone));
            };
            let request = &guard.get_inner().request;
            // Asked first, because reading would block the whole task.
            match request.has_edge_event() {
                Ok(true) => {}
                Ok(false) => {
                    guard.clear_ready();
                    continue;
                }
                Err(error) => return Poll::Ready(Err(trouble(&place, &error))),
            }
            return Poll::Ready(match request.read_edge_event() {
                Ok(event) => Ok(Edge {
                    level: match event.kind {
                        EdgeKind::Rising => Level::High,
                        EdgeKind::Falling => Level::Low,
                    },
                    // CLOCK_MONOTONIC, unless a request asks for another.
                    stamp: Some(Duration::from_nanos(event.timestamp_ns)),
                }),
                Err(error) => Err(trouble(&place, &error)),
            });
        }
    }
}

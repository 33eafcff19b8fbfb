//! A Raspberry Pi's pins by rppal: through the memory of the pins, and for edges through the
//! character device.

use super::{Edge, Level, LineTrouble, Lines, Output, Watched};
use crate::description::{Bias, Line, Place};
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use rppal::gpio::{Error, Gpio, Pin, Trigger};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Edges of one line that nobody has taken yet. On top of the kernel's own queue, and as long: more
/// comes only from a line that floats. What does not fit is dropped; the level is read before it
/// is believed.
const QUEUED: usize = 16;

/// The pins of the Raspberry Pi that this runs on.
#[derive(Debug, Clone, Copy)]
pub struct RaspberryPi;

impl Lines for RaspberryPi {
    fn output(&self, line: &Line, level: Level) -> Result<Output, LineTrouble> {
        let pin = open(line)?;
        let pin = match level {
            Level::High => pin.into_output_high(),
            Level::Low => pin.into_output_low(),
        };
        Ok(Output::new(RaspberryOutput(pin)))
    }

    fn input(&self, line: &Line) -> Result<Box<dyn Watched>, LineTrouble> {
        let pin = open(line)?;
        let mut pin = match line.bias {
            Bias::AsIs | Bias::Off => pin.into_input(),
            Bias::PullUp => pin.into_input_pullup(),
            Bias::PullDown => pin.into_input_pulldown(),
        };
        let (sender, edges) = mpsc::channel(QUEUED);
        pin.set_async_interrupt(Trigger::Both, None, move |event| {
            let level = match event.trigger {
                Trigger::RisingEdge => Level::High,
                Trigger::FallingEdge => Level::Low,
                Trigger::Both | Trigger::Disabled => return,
            };
            let _ = sender.try_send(Edge { level, stamp: Some(event.timestamp) });
        })
        .map_err(|error| trouble(&line.place, error))?;
        Ok(Box::new(RaspberryInput { pin, edges, place: line.place.clone() }))
    }
}

fn open(line: &Line) -> Result<Pin, LineTrouble> {
    let Place::Bcm(number) = line.place else {
        return Err(LineTrouble::OtherBackend { place: line.place.clone() });
    };
    Gpio::new().and_then(|gpio| gpio.get(number)).map_err(|error| trouble(&line.place, error))
}

fn trouble(place: &Place, error: Error) -> LineTrouble {
    let place = place.clone();
    match error {
        Error::PinUsed(_) => LineTrouble::InUse { place },
        Error::PinNotAvailable(_) => LineTrouble::NoLine { place },
        Error::PermissionDenied(what) => LineTrouble::NotAllowed { what },
        Error::UnknownModel => LineTrouble::System {
            place,
            detail: "this is no Raspberry Pi that rppal knows: is this the board description of \
                     this machine?"
                .to_owned(),
        },
        Error::Io(error) => LineTrouble::System { place, detail: error.to_string() },
        Error::ThreadPanic => LineTrouble::System { place, detail: error.to_string() },
    }
}

/// Its pins cannot fail once they are open: they are memory.
struct RaspberryOutput(rppal::gpio::OutputPin);

impl ErrorType for RaspberryOutput {
    type Error = LineTrouble;
}

impl OutputPin for RaspberryOutput {
    fn set_low(&mut self) -> Result<(), LineTrouble> {
        let Ok(()) = OutputPin::set_low(&mut self.0);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), LineTrouble> {
        let Ok(()) = OutputPin::set_high(&mut self.0);
        Ok(())
    }
}

struct RaspberryInput {
    pin: rppal::gpio::InputPin,
    edges: mpsc::Receiver<Edge>,
    place: Place,
}

impl ErrorType for RaspberryInput {
    type Error = LineTrouble;
}

impl InputPin for RaspberryInput {
    fn is_high(&mut self) -> Result<bool, LineTrouble> {
        let Ok(high) = InputPin::is_high(&mut self.pin);
        Ok(high)
    }

    fn is_low(&mut self) -> Result<bool, LineTrouble> {
        self.is_high().map(|high| !high)
    }
}

impl Watched for RaspberryInput {
    fn poll_edge(&mut self, context: &mut Context<'_>) -> Poll<Result<Edge, LineTrouble>> {
        // rppal's thread ends, and with it the channel, when the kernel takes the line away.
        self.edges
            .poll_recv(context)
            .map(|edge| edge.ok_or_else(|| LineTrouble::Gone { place: self.place.clone() }))
    }
}

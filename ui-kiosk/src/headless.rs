//! A panel without a display: it draws into memory.
//!
//! Slint's software renderer and a loop of our own: timers and animations, then drawing, then sleep
//! until the next timer, the next frame of an animation, or a closure sent from another thread.

use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{
    EventLoopProxy, Platform, WindowAdapter, duration_until_next_timer_update,
    update_timers_and_animations,
};
use slint::{EventLoopError, PhysicalSize, PlatformError, Rgb8Pixel};
use std::rc::Rc;
use std::str::FromStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Time of one frame while something moves: 60 in a second.
const FRAME: Duration = Duration::from_millis(16);
/// Longest sleep when no timer is set; only bounds how long a mistake in the timers would last.
const IDLE: Duration = Duration::from_secs(60);
/// Largest width and height, in pixels: a 4K panel. More would only take memory.
const LARGEST: u32 = 4096;

/// A panel's size in pixels, each side 1 to 4096.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The text is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a size; write it as WIDTHxHEIGHT, for example 1280x800, at most 4096 each"
)]
pub struct SizeError {
    text: String,
}

impl FromStr for Size {
    type Err = SizeError;
    fn from_str(text: &str) -> Result<Size, SizeError> {
        let side = |side: &str| side.parse().ok().filter(|side| (1..=LARGEST).contains(side));
        text.split_once('x')
            .and_then(|(width, height)| Some(Size { width: side(width)?, height: side(height)? }))
            .ok_or_else(|| SizeError { text: text.chars().take(32).collect() })
    }
}

enum Order {
    Call(Box<dyn FnOnce() + Send>),
    Quit,
}

/// The platform that Slint runs on when there is no display.
pub(crate) struct Headless {
    window: Rc<MinimalSoftwareWindow>,
    size: Size,
    sender: Sender<Order>,
    receiver: Receiver<Order>,
}

impl Headless {
    pub(crate) fn new(size: Size) -> Headless {
        let window = MinimalSoftwareWindow::new(RepaintBufferType::ReusedBuffer);
        window.set_size(PhysicalSize::new(size.width, size.height));
        // Unbounded, but fed by two writers that each have at most one closure under way: the link's
        // inbox and the driver, which waits for its answer.
        let (sender, receiver) = channel();
        Headless { window, size, sender, receiver }
    }
}

impl Platform for Headless {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        Ok(Rc::clone(&self.window) as Rc<dyn WindowAdapter>)
    }

    fn new_event_loop_proxy(&self) -> Option<Box<dyn EventLoopProxy>> {
        Some(Box::new(Proxy(self.sender.clone())))
    }

    fn run_event_loop(&self) -> Result<(), PlatformError> {
        let width = self.size.width as usize;
        // RGB, 8 bit each, `height` rows of `width` pixels without padding.
        let mut picture = vec![Rgb8Pixel::default(); width * self.size.height as usize];
        loop {
            update_timers_and_animations();
            self.window.draw_if_needed(|renderer| {
                renderer.render(&mut picture, width);
            });
            let wait = if self.window.has_active_animations() {
                FRAME
            } else {
                duration_until_next_timer_update().unwrap_or(IDLE)
            };
            match self.receiver.recv_timeout(wait) {
                Ok(Order::Call(call)) => call(),
                Ok(Order::Quit) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

struct Proxy(Sender<Order>);

impl EventLoopProxy for Proxy {
    fn quit_event_loop(&self) -> Result<(), EventLoopError> {
        self.0.send(Order::Quit).map_err(|_| EventLoopError::EventLoopTerminated)
    }

    fn invoke_from_event_loop(
        &self,
        event: Box<dyn FnOnce() + Send>,
    ) -> Result<(), EventLoopError> {
        self.0.send(Order::Call(event)).map_err(|_| EventLoopError::EventLoopTerminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_two_numbers_with_an_x_between() {
        assert_eq!("1280x800".parse(), Ok(Size { width: 1280, height: 800 }));
        for wrong in ["", "x", "1280", "0x800", "1280x", "-1x3", "99999x1", "1280×800"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}

//! The in-call light, on any two outputs of embedded-hal.

use crate::description::Active;
use crate::lines::Level;
use crate::machine::Colour;
use embedded_hal::digital::OutputPin;

/// Something that is on or off.
#[derive(Debug)]
pub struct Lamp<P> {
    pin: P,
    active: Active,
}

impl<P: OutputPin> Lamp<P> {
    /// What is wired to this pin and on at this level.
    pub fn new(pin: P, active: Active) -> Lamp<P> {
        Lamp { pin, active }
    }

    fn set(&mut self, on: bool) -> Result<(), P::Error> {
        match Level::of(self.active, on) {
            Level::High => self.pin.set_high(),
            Level::Low => self.pin.set_low(),
        }
    }
}

/// The light.
#[derive(Debug)]
pub struct InCallLight<P> {
    wiring: Wiring<P>,
    shown: Option<Colour>,
}

#[derive(Debug)]
enum Wiring<P> {
    Separate { green: Lamp<P>, red: Lamp<P> },
    Bicolour { lit: Lamp<P>, red: Lamp<P> },
}

impl<P: OutputPin> InCallLight<P> {
    /// A lamp for each colour.
    pub fn separate(green: Lamp<P>, red: Lamp<P>) -> InCallLight<P> {
        InCallLight { wiring: Wiring::Separate { green, red }, shown: None }
    }

    /// One lamp of two colours: `lit` is on when there is light, `red` when it is red.
    pub fn bicolour(lit: Lamp<P>, red: Lamp<P>) -> InCallLight<P> {
        InCallLight { wiring: Wiring::Bicolour { lit, red }, shown: None }
    }

    /// Shows a colour. On the way to another one it is dark for an instant, and never both colours
    /// or the wrong one. The same colour again does not flicker, and tells whether the pins still
    /// work.
    pub fn show(&mut self, colour: Colour) -> Result<(), P::Error> {
        let same = self.shown.replace(colour) == Some(colour);
        match &mut self.wiring {
            Wiring::Separate { green, red } if colour == Colour::Red => {
                green.set(false)?;
                red.set(true)
            }
            Wiring::Separate { green, red } => {
                red.set(false)?;
                green.set(colour == Colour::Green)
            }
            Wiring::Bicolour { lit, red } => {
                if !same {
                    lit.set(false)?;
                }
                red.set(colour == Colour::Red)?;
                lit.set(colour != Colour::Off)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LineTrouble;
    use embedded_hal::digital::ErrorType;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Two levels, and every pair of them that there ever was.
    #[derive(Debug, Default)]
    struct Wires {
        high: [bool; 2],
        seen: Vec<[bool; 2]>,
    }

    struct Wire(Rc<RefCell<Wires>>, usize);

    impl Wire {
        fn set(&self, high: bool) {
            let mut wires = self.0.borrow_mut();
            wires.high[self.1] = high;
            let now = wires.high;
            wires.seen.push(now);
        }
    }

    impl ErrorType for Wire {
        type Error = LineTrouble;
    }

    impl OutputPin for Wire {
        fn set_low(&mut self) -> Result<(), LineTrouble> {
            self.set(false);
            Ok(())
        }
        fn set_high(&mut self) -> Result<(), LineTrouble> {
            self.set(true);
            Ok(())
        }
    }

    const COLOURS: [Colour; 7] = [
        Colour::Green,
        Colour::Red,
        Colour::Green,
        Colour::Off,
        Colour::Red,
        Colour::Red,
        Colour::Off,
    ];

    #[test]
    fn separate_colours_are_never_both_on() {
        let wires = Rc::new(RefCell::new(Wires::default()));
        let green = Lamp::new(Wire(wires.clone(), 0), Active::High);
        let red = Lamp::new(Wire(wires.clone(), 1), Active::Low);
        let mut light = InCallLight::separate(green, red);
        light.show(Colour::Off).unwrap();
        wires.borrow_mut().seen.clear();
        for colour in COLOURS {
            light.show(colour).unwrap();
            let [green, red] = wires.borrow().high;
            assert_eq!((green, !red), (colour == Colour::Green, colour == Colour::Red));
        }
        assert!(wires.borrow().seen.iter().all(|[green, red]| !*green || *red));
    }

    #[test]
    fn a_bicolour_changes_its_colour_in_the_dark() {
        let wires = Rc::new(RefCell::new(Wires::default()));
        let lit = Lamp::new(Wire(wires.clone(), 0), Active::High);
        let red = Lamp::new(Wire(wires.clone(), 1), Active::High);
        let mut light = InCallLight::bicolour(lit, red);
        for colour in COLOURS {
            light.show(colour).unwrap();
            let [lit, red] = wires.borrow().high;
            assert_eq!((lit, red), (colour != Colour::Off, colour == Colour::Red));
        }
        for pair in wires.borrow().seen.windows(2) {
            assert!(pair[0][1] == pair[1][1] || (!pair[0][0] && !pair[1][0]), "{pair:?}");
        }
        light.show(Colour::Red).unwrap();
        wires.borrow_mut().seen.clear();
        light.show(Colour::Red).unwrap();
        assert!(wires.borrow().seen.iter().all(|levels| *levels == [true, true]));
    }
}

//! Too hot, and cool again: with a gap between the two, so that a temperature on the edge is told
//! once.

use std::fmt;

/// A temperature in thousandths of a degree Celsius, as the kernel gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Temperature(i32);

impl Temperature {
    /// So many thousandths of a degree Celsius.
    pub const fn from_thousandths(thousandths: i32) -> Temperature {
        Temperature(thousandths)
    }

    /// So many degrees Celsius; what does not fit becomes the most that does.
    pub const fn from_celsius(degrees: i32) -> Temperature {
        Temperature(degrees.saturating_mul(1000))
    }

    /// In thousandths of a degree Celsius.
    pub const fn thousandths(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} °C", f64::from(self.0) / 1000.0)
    }
}

/// From which temperatures on it is too hot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Somebody should know.
    pub warn: Temperature,
    /// The room is about to slow down or switch off; above `warn`.
    pub critical: Temperature,
}

/// How hot it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heat {
    /// Above the first limit.
    Warning,
    /// Above the second.
    Critical,
}

/// So far below a limit it counts as left, in thousandths of a degree. Smaller, and a fan that goes
/// on and off is told every minute; larger, and a mended fan is not noticed.
const GAP: i32 = 5_000;

/// What is known of the heat.
#[derive(Debug, Clone)]
pub(super) struct Thermometer {
    limits: Limits,
    heat: Option<Heat>,
}

impl Thermometer {
    pub(super) fn new(limits: Limits) -> Thermometer {
        Thermometer { limits, heat: None }
    }

    /// The heat at this temperature, when it changed.
    pub(super) fn reads(&mut self, temperature: Temperature) -> Option<Option<Heat>> {
        let holds = |limit: Temperature, heat: Heat| {
            let gap = if self.heat >= Some(heat) { GAP } else { 0 };
            temperature.0 >= limit.0.saturating_sub(gap)
        };
        let heat = if holds(self.limits.critical, Heat::Critical) {
            Some(Heat::Critical)
        } else if holds(self.limits.warn, Heat::Warning) {
            Some(Heat::Warning)
        } else {
            None
        };
        (heat != self.heat).then(|| {
            self.heat = heat;
            heat
        })
    }
}

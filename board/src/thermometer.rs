//! The temperature, from the files of the kernel: `class/thermal` and `class/hwmon` below `/sys`, or
//! below another folder in tests.

use crate::description::TemperatureSource;
use crate::machine::Temperature;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Octets of a file that are read: the longest of these is a name.
const LONGEST: u64 = 64;

/// What a sensor can mean, in thousandths of a degree: below and above, it is broken.
const PLAUSIBLE: std::ops::RangeInclusive<i32> = -60_000..=200_000;

/// Why there is no temperature. The text says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum ThermometerError {
    /// No sensor has this name.
    #[error(
        "no sensor '{wanted}' in {} (there: {}): is its driver loaded? The board description names \
         one of these",
        folder.display(), if found.is_empty() { "none".to_owned() } else { found.join(", ") }
    )]
    NoSensor {
        /// As the description names it.
        wanted: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// The sensors that are there.
        found: Vec<String>,
    },
    /// It is there and cannot be read.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It says something that is no temperature.
    #[error("{} says '{found}', which is no temperature: the sensor may be broken", file.display())]
    Nonsense {
        /// Which file.
        file: PathBuf,
        /// What stands in it.
        found: String,
    },
}

/// A sensor.
#[derive(Debug, Clone)]
pub struct Thermometer {
    source: TemperatureSource,
    sys: PathBuf,
}

impl Thermometer {
    /// A sensor below this folder, which is `/sys` on a real board.
    pub fn new(source: TemperatureSource, sys: &Path) -> Thermometer {
        Thermometer { source, sys: sys.to_owned() }
    }

    /// Reads it. It is found anew each time: after a driver was loaded again it has another number.
    /// A sensor on a slow bus takes some milliseconds.
    pub fn read(&self) -> Result<Temperature, ThermometerError> {
        let file = self.find()?;
        let found = read(&file)
            .map_err(|source| ThermometerError::Unreadable { file: file.clone(), source })?;
        match found.parse() {
            Ok(thousandths) if PLAUSIBLE.contains(&thousandths) => {
                Ok(Temperature::from_thousandths(thousandths))
            }
            _ => Err(ThermometerError::Nonsense { file, found }),
        }
    }

    fn find(&self) -> Result<PathBuf, ThermometerError> {
        let (class, kind, name_in, value_in, wanted) = match &self.source {
            TemperatureSource::ThermalZone(name) => {
                ("class/thermal", "thermal_zone", "type", "temp", name)
            }
            TemperatureSource::Hwmon(name) => ("class/hwmon", "hwmon", "name", "temp1_input", name),
        };
        let folder = self.sys.join(class);
        let mut found: Vec<(u32, String)> = Vec::new();
        // A machine without any sensor has no such folder.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let number = entry
                .file_name()
                .to_str()
                .and_then(|name| name.strip_prefix(kind).and_then(|number| number.parse().ok()));
            if let (Some(number), Ok(name)) = (number, read(&entry.path().join(name_in))) {
                found.push((number, name));
            }
        }
        found.sort();
        match found.iter().find(|(_, name)| name == wanted.as_str()) {
            Some((number, _)) => Ok(folder.join(format!("{kind}{number}")).join(value_in)),
            None => Err(ThermometerError::NoSensor {
                wanted: wanted.to_string(),
                folder,
                found: found.into_iter().map(|(_, name)| name).collect(),
            }),
        }
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sys(files: &[(&str, &str)]) -> tempfile::TempDir {
        let sys = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = sys.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        sys
    }

    fn zone(name: &str) -> TemperatureSource {
        TemperatureSource::ThermalZone(name.parse().unwrap())
    }

    #[test]
    fn a_thermal_zone_is_found_by_its_type_and_the_first_of_two_is_taken() {
        let sys = sys(&[
            ("class/thermal/thermal_zone10/type", "cpu-thermal\n"),
            ("class/thermal/thermal_zone10/temp", "99000\n"),
            ("class/thermal/thermal_zone2/type", "cpu-thermal\n"),
            ("class/thermal/thermal_zone2/temp", "48312\n"),
            ("class/thermal/thermal_zone0/type", "gpu\n"),
            ("class/thermal/cooling_device0/type", "cpu-thermal\n"),
        ]);
        let read = Thermometer::new(zone("cpu-thermal"), sys.path()).read().unwrap();
        assert_eq!(read, Temperature::from_thousandths(48_312));
        assert_eq!(read.to_string(), "48.3 °C");
        let told = Thermometer::new(zone("soc"), sys.path()).read().unwrap_err().to_string();
        assert!(told.contains("'soc'") && told.contains("gpu, cpu-thermal"), "{told}");
    }

    #[test]
    fn a_hwmon_device_is_found_by_its_name_even_when_its_number_changes() {
        let source = TemperatureSource::Hwmon("coretemp".parse().unwrap());
        let sys = sys(&[
            ("class/hwmon/hwmon1/name", "coretemp\n"),
            ("class/hwmon/hwmon1/temp1_input", "-5000\n"),
        ]);
        let thermometer = Thermometer::new(source, sys.path());
        assert_eq!(thermometer.read().unwrap(), Temperature::from_celsius(-5));
        let folder = sys.path().join("class/hwmon");
        fs::rename(folder.join("hwmon1"), folder.join("hwmon7")).unwrap();
        assert_eq!(thermometer.read().unwrap(), Temperature::from_celsius(-5));
    }

    #[test]
    fn what_is_no_temperature_is_an_error_that_says_so() {
        for content in ["", "hot", "9999999", "48.3", "99999999999999999999"] {
            let sys = sys(&[
                ("class/thermal/thermal_zone0/type", "a"),
                ("class/thermal/thermal_zone0/temp", content),
            ]);
            let told = Thermometer::new(zone("a"), sys.path()).read().unwrap_err().to_string();
            assert!(told.contains("no temperature"), "{told}");
        }
        let empty = sys(&[("class/thermal/thermal_zone0/type", "a")]);
        let told = Thermometer::new(zone("a"), empty.path()).read().unwrap_err().to_string();
        assert!(told.contains("cannot be read"), "{told}");
        let nothing = tempfile::tempdir().unwrap();
        let told = Thermometer::new(zone("a"), nothing.path()).read().unwrap_err().to_string();
        assert!(told.contains("there: none"), "{told}");
    }
}

//! What the machine's clock is to be set to, as a file.
//!
//! ```text
//! monotonic_us 81234567890
//! unix_ms 1795369800123
//! within_ms 12
//! ```
//!
//! *When CLOCK_MONOTONIC read the first, it was the second, give or take the third.* That clock is the same in
//! every process, so that it does not matter how long it takes until somebody reads the file. A fourth line, or
//! another word, is another version, and is refused.

use conclave_types::UnixMillis;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Octets of such a file at most; three lines with the largest numbers have 97.
pub const LONGEST: u64 = 128;

/// What the machine's clock is to be set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// What CLOCK_MONOTONIC read, to the microsecond.
    pub monotonic: Duration,
    /// What time it was then.
    pub unix_ms: UnixMillis,
    /// What that can be wrong by at most.
    pub within_ms: u32,
}

/// Not a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// It has more or fewer lines.
    #[error("it has not three lines")]
    Lines,
    /// A line is not a word, a space and digits.
    #[error("the line '{wanted}' is not there, or not a number that fits")]
    Line {
        /// The word that it begins with.
        wanted: &'static str,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { monotonic, unix_ms, within_ms } = self;
        writeln!(f, "monotonic_us {}", monotonic.as_micros())?;
        writeln!(f, "unix_ms {}", unix_ms.0)?;
        writeln!(f, "within_ms {within_ms}")
    }
}

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Target, NoTarget> {
        let mut lines = text.strip_suffix('\n').ok_or(NoTarget::Lines)?.split('\n');
        let monotonic = Duration::from_micros(number(lines.next(), "monotonic_us")?);
        let unix_ms = UnixMillis(number(lines.next(), "unix_ms")?);
        let within_ms = number(lines.next(), "within_ms")?;
        match lines.next() {
            None => Ok(Target { monotonic, unix_ms, within_ms }),
            Some(_) => Err(NoTarget::Lines),
        }
    }
}

fn number<T: FromStr>(line: Option<&str>, wanted: &'static str) -> Result<T, NoTarget> {
    let line = line.ok_or(NoTarget::Lines)?;
    let digits = line.strip_prefix(wanted).and_then(|rest| rest.strip_prefix(' '));
    let digits = digits.filter(|digits| digits.bytes().all(|octet| octet.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(NoTarget::Line { wanted })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_says_when_it_was_what() {
        let text = "monotonic_us 81234567890\nunix_ms 1795369800123\nwithin_ms 12\n";
        let target = Target {
            monotonic: Duration::from_micros(81_234_567_890),
            unix_ms: UnixMillis(1_795_369_800_123),
            within_ms: 12,
        };
        assert_eq!(text.parse(), Ok(target));
        assert_eq!(target.to_string(), text);
    }

    #[test]
    fn the_largest_numbers_fit_and_larger_ones_are_refused() {
        let monotonic = Duration::from_micros(u64::MAX);
        let largest = Target { monotonic, unix_ms: UnixMillis(u64::MAX), within_ms: u32::MAX };
        let text = largest.to_string();
        assert!(text.len() as u64 <= LONGEST, "{}", text.len());
        assert_eq!(text.parse(), Ok(largest));
        let over = text.replace("unix_ms 1", "unix_ms 2");
        assert_eq!(over.parse::<Target>(), Err(NoTarget::Line { wanted: "unix_ms" }));
        let over = text.replace("within_ms 4", "within_ms 5");
        assert_eq!(over.parse::<Target>(), Err(NoTarget::Line { wanted: "within_ms" }));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "\n",
            "monotonic_us 1\nunix_ms 2\n",
            "monotonic_us 1\nunix_ms 2\nwithin_ms 3",
            "monotonic_us 1\nunix_ms 2\nwithin_ms 3\n\n",
            "monotonic_us 1\nunix_ms 2\nwithin_ms 3\nmore 4\n",
            "monotonic_us 1\nwithin_ms 3\nunix_ms 2\n",
            "monotonic_us -1\nunix_ms 2\nwithin_ms 3\n",
            "monotonic_us +1\nunix_ms 2\nwithin_ms 3\n",
            "monotonic_us 1\nunix_ms 2 \nwithin_ms 3\n",
            "monotonic_us 1\nunix_ms\nwithin_ms 3\n",
            "monotonic_us 1\nunix_ms 2.5\nwithin_ms 3\n",
            "monotonic_us 1\r\nunix_ms 2\r\nwithin_ms 3\r\n",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(us: u64, unix: u64, within_ms: u32) {
            let monotonic = Duration::from_micros(us);
            let target = Target { monotonic, unix_ms: UnixMillis(unix), within_ms };
            prop_assert_eq!(target.to_string().parse(), Ok(target));
        }
    }
}

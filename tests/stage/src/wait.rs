//! Waiting for a condition, with a limit and a message that says what did not happen.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Between two looks. Short against anything a person notices, long against what a look costs.
const PAUSE: Duration = Duration::from_millis(40);

/// Looks again and again until `condition` has something, at most for `limit`.
///
/// An error of `condition` ends the waiting at once: it is for what can never become right, such
/// as a process that has ended.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = condition()? {
            return Ok(found);
        }
        if begun.elapsed() > limit {
            bail!("waited {} s in vain: {what}", limit.as_secs_f64());
        }
        std::thread::sleep(PAUSE);
    }
}

/// As [`wait_for`], for a condition that is only true or not.
pub fn wait_until(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<()> {
    wait_for(what, limit, || Ok(condition()?.then_some(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happens_is_named_when_the_limit_is_reached() {
        let trouble =
            wait_until("the cows come home", Duration::from_millis(50), || Ok(false)).unwrap_err();
        assert_eq!(trouble.to_string(), "waited 0.05 s in vain: the cows come home");
    }

    #[test]
    fn a_condition_that_can_never_become_right_ends_the_waiting_at_once() {
        let mut looks = 0;
        let ended: Result<()> = wait_for("anything", Duration::from_secs(3600), || {
            looks += 1;
            bail!("the process has ended")
        });
        assert!(ended.is_err());
        assert_eq!(looks, 1);
    }
}

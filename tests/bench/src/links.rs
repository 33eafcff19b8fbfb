//! The link beside mosquitto and nginx.

use crate::Effort;
use crate::table::Part;
use anyhow::Result;

/// Measures it.
pub(crate) fn measure(_effort: Effort) -> Result<Part> {
    anyhow::bail!("not measured yet")
}

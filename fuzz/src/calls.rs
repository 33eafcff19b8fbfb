//! What control lines carry of calls; see `control_lines`.

#[path = "../../cloud/server/src/calls/line.rs"]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
mod line;

pub(crate) use line::CallLine;

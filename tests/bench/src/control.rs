//! What an administrator says to a cloud under measurement: one line of JSON, and its answer.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the cloud whose data folder this is.
pub(crate) fn ask(data: &Path, request: &Value) -> Result<Value> {
    let mut stream = UnixStream::connect(data.join("control.sock"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let answer: Value = serde_json::from_str(&line).context("no answer of the cloud")?;
    if answer["answer"] == "refused" {
        bail!("the cloud refuses: {}", answer["reason"]);
    }
    Ok(answer)
}

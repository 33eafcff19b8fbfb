//! The finger on a panel: conclave-kiosk's driver socket (its feature `driver`).
//!
//! One JSON value to a line, a question and an answer in turn. Every press goes through the
//! panel's real buttons; nothing here reaches round them to conclave-roomd.

use anyhow::{Context, Result, bail};
use conclave_panel_api::Panel;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A panel answers within a frame; a software-rendered picture takes longest.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a panel's driver.
#[derive(Debug)]
pub struct Driver {
    stream: BufReader<UnixStream>,
}

/// What became of a press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    /// The button was there and was pressed.
    Done,
    /// No such button is on the screen; these are.
    Missing(Vec<String>),
}

impl Driver {
    /// Connects to the socket that conclave-kiosk was given with `--driver`.
    pub fn connect(socket: &Path) -> Result<Driver> {
        let stream = UnixStream::connect(socket)
            .with_context(|| format!("the panel's driver {} is not there", socket.display()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Driver { stream: BufReader::new(stream) })
    }

    /// Presses a button once.
    pub fn press(&mut self, id: &str) -> Result<Press> {
        self.finger("press", id)
    }

    /// Puts a finger on an element and leaves it there.
    pub fn hold(&mut self, id: &str) -> Result<Press> {
        self.finger("hold", id)
    }

    /// Takes the finger away.
    pub fn lift(&mut self) -> Result<()> {
        self.ask(&json!({"do": "lift"})).map(drop)
    }

    fn finger(&mut self, how: &str, id: &str) -> Result<Press> {
        let answer = self.ask(&json!({"do": how, "id": id}))?;
        if answer.get("ok").and_then(Value::as_bool) == Some(true) {
            return Ok(Press::Done);
        }
        if answer.get("missing").is_some() {
            return Ok(Press::Missing(texts(answer.get("visible"))));
        }
        bail!("the panel does not understand a press: {answer}")
    }

    /// Reads an element's words; `None` when it is not on the screen.
    pub fn read(&mut self, id: &str) -> Result<Option<String>> {
        let answer = self.ask(&json!({"do": "read", "id": id}))?;
        Ok(answer.get("text").and_then(Value::as_str).map(str::to_owned))
    }

    /// The ids of everything that can be pressed or read now.
    pub fn visible(&mut self) -> Result<Vec<String>> {
        Ok(texts(self.ask(&json!({"do": "visible"}))?.get("ids")))
    }

    /// Keeps a picture of the panel (PNG).
    pub fn picture(&mut self, file: &Path) -> Result<()> {
        let answer = self.ask(&json!({"do": "picture", "path": file}))?;
        if !file.is_file() {
            bail!("the panel painted no picture: {answer}");
        }
        Ok(())
    }

    /// What conclave-roomd last told the panel to show; `None` while the daemon is away.
    pub fn panel(&mut self) -> Result<Option<Panel>> {
        let answer = self.ask(&json!({"do": "panel"}))?;
        serde_json::from_value(answer.clone()).with_context(|| format!("not a panel: {answer}"))
    }

    fn ask(&mut self, question: &Value) -> Result<Value> {
        let mut line = question.to_string();
        line.push('\n');
        self.stream.get_mut().write_all(line.as_bytes()).context("the panel has ended")?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer).with_context(|| format!("no answer to {question}"))?;
        if answer.is_empty() {
            bail!("the panel ended at {question}");
        }
        serde_json::from_str(&answer).with_context(|| format!("not an answer: {answer}"))
    }
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::thread::JoinHandle;

    /// Answers the lines it is sent with the given lines, one each, then closes.
    fn scripted(folder: &Path, answers: &[&str]) -> (Driver, JoinHandle<Vec<String>>) {
        let socket = folder.join("driver.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let answers: Vec<String> = answers.iter().map(|line| format!("{line}\n")).collect();
        let far = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut asked = Vec::new();
            for answer in answers {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                asked.push(line.trim().to_owned());
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (Driver::connect(&socket).unwrap(), far)
    }

    #[test]
    fn a_press_is_done_or_tells_what_is_there_instead() {
        let folder = tempfile::tempdir().unwrap();
        let answers = [r#"{"ok":true}"#, r#"{"missing":"leave","visible":["key-1","back"]}"#];
        let (mut driver, far) = scripted(folder.path(), &answers);
        assert_eq!(driver.press("key-5").unwrap(), Press::Done);
        let there = vec!["key-1".to_owned(), "back".to_owned()];
        assert_eq!(driver.press("leave").unwrap(), Press::Missing(there));
        assert_eq!(far.join().unwrap()[0], r#"{"do":"press","id":"key-5"}"#);
    }

    #[test]
    fn a_panel_that_ends_in_mid_question_is_an_error_and_not_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        let (mut driver, far) = scripted(folder.path(), &[]);
        far.join().unwrap();
        assert!(driver.visible().is_err());
    }

    #[test]
    fn nonsense_from_the_panel_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let (mut driver, far) = scripted(folder.path(), &["gibberish", r#"{"odd":1}"#]);
        assert!(driver.visible().unwrap_err().to_string().contains("gibberish"));
        assert!(driver.press("join").unwrap_err().to_string().contains("odd"));
        far.join().unwrap();
    }
}

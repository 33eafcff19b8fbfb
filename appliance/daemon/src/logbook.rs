//! The daemon's own last log lines, kept in memory for support: what the journal says, as far back as fits.
//!
//! Nothing is in them that is not in the journal: no secret, no name, no address. Warnings and errors are kept once
//! more, the last of each kind: they are what IT sees of a room without asking for its logs.

use conclave_link_protocol::message::PastTrouble;
use conclave_types::UnixTime;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Octets of lines that are kept: some two thousand lines, a quiet room's week. More is memory that every room gives
/// away for good.
const MOST: usize = 256 * 1024;

/// The longest line; the rest of a longer one is cut.
const LONGEST_LINE: usize = 2 * 1024;

/// Kinds of trouble that are kept. What a person reads at one glance.
const MOST_TROUBLES: usize = 8;

/// Letters of one.
const LONGEST_TROUBLE: usize = 200;

/// The lines. Clones are the same book.
#[derive(Clone, Default)]
pub(crate) struct Logbook(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    lines: VecDeque<String>,
    octets: usize,
    /// The newest first.
    troubles: Vec<PastTrouble>,
}

impl Logbook {
    /// All lines, the oldest first.
    pub(crate) fn lines(&self) -> String {
        self.kept().lines.iter().map(String::as_str).collect()
    }

    /// What went wrong last, the newest first.
    pub(crate) fn troubles(&self) -> Vec<PastTrouble> {
        self.kept().troubles.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A line is pushed whole or not at all.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn line(&mut self, mut line: String) {
        cut(&mut line, LONGEST_LINE);
        if !line.ends_with('\n') {
            line.push('\n');
        }
        self.octets += line.len();
        self.lines.push_back(line);
        while self.octets > MOST {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.octets -= oldest.len();
        }
    }

    /// One of a kind is kept: the same words with other figures are the same kind.
    fn trouble(&mut self, at: UnixTime, mut text: String) {
        cut(&mut text, LONGEST_TROUBLE);
        let kind = |text: &str| -> String { text.chars().filter(|c| !c.is_numeric()).collect() };
        let its = kind(&text);
        self.troubles.retain(|known| kind(&known.text) != its);
        self.troubles.insert(0, PastTrouble { at, text });
        self.troubles.truncate(MOST_TROUBLES);
    }
}

/// Cuts a text to so many octets at most, between two letters.
fn cut(text: &mut String, most: usize) {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
}

/// Takes one line.
pub(crate) struct Pen {
    book: Logbook,
    /// The module that says it, when it is a warning or an error of ours.
    trouble_of: Option<String>,
}

impl Write for Pen {
    /// The layer that formats hands over a whole line.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(octets).into_owned();
        let mut kept = self.book.kept();
        if let Some(target) = &self.trouble_of
            && let Some((_, words)) = line.split_once(&format!("{target}: "))
        {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
            kept.trouble(UnixTime(now), words.trim_end().to_owned());
        }
        kept.line(line);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logbook {
    type Writer = Pen;

    fn make_writer(&'a self) -> Pen {
        Pen { book: self.clone(), trouble_of: None }
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Pen {
        let ours = *of.level() <= Level::WARN && of.target().starts_with("conclave_");
        Pen { book: self.clone(), trouble_of: ours.then(|| of.target().to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    fn with_a_book(work: impl FnOnce()) -> Logbook {
        let book = Logbook::default();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(book.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        book
    }

    #[test]
    fn lines_are_kept_as_they_are_logged_and_the_oldest_go() {
        let book = with_a_book(|| {
            tracing::info!(n = 1, "the very first");
            for n in 0..MOST / 100 {
                tracing::info!(
                    n,
                    "one of many lines that are all about as long as a line of a log is"
                );
            }
            tracing::info!(long = "é".repeat(LONGEST_LINE), "too long");
        });
        let lines = book.lines();
        assert!(lines.len() <= MOST && lines.len() > MOST / 2, "{}", lines.len());
        assert!(!lines.contains("the very first"));
        assert!(lines.lines().all(|line| line.len() <= LONGEST_LINE));
        assert!(lines.contains("too long") && lines.ends_with('\n'));
        assert!(book.troubles().is_empty());
    }

    #[test]
    fn the_last_of_each_kind_of_trouble_is_kept() {
        let book = with_a_book(|| {
            for retry_in_s in 1..9 {
                tracing::warn!(retry_in_s, "no link to the cloud");
            }
            tracing::error!(detail = "unplugged", "the camera is gone");
            tracing::warn!(target: "somebody_else", "not ours");
        });
        let texts: Vec<_> = book.troubles().into_iter().map(|trouble| trouble.text).collect();
        assert_eq!(
            texts,
            ["the camera is gone detail=\"unplugged\"", "no link to the cloud retry_in_s=8"]
        );
        let many = with_a_book(|| {
            for kind in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
                tracing::warn!("{kind} {}", "x".repeat(900));
            }
        });
        assert_eq!(many.troubles().len(), MOST_TROUBLES);
        assert!(many.troubles().iter().all(|trouble| trouble.text.len() <= LONGEST_TROUBLE));
    }
}

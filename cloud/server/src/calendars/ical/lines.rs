//! Lines of iCalendar (RFC 5545, 3.1): unfolded, taken apart, each for itself. What is no line is left out: one that a program got
//! wrong does not hide the others, as it does with parsers that take a calendar as a whole.

/// The most octets of a line that are kept; descriptions may be longer, and what is looked for stands at their beginning or
/// nowhere.
const LONGEST_LINE: usize = 32 * 1024;

/// A line.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its name, in capitals.
    pub(super) name: String,
    parameters: Vec<(String, String)>,
    /// Its value, as it is written.
    pub(super) value: String,
}

impl Line {
    /// A parameter's value, without the quotes round it; its name in capitals.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    /// The value as a text (RFC 5545, 3.3.11).
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut characters = self.value.chars();
        while let Some(c) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(other) => text.push(other),
                    None => {}
                },
                c => text.push(c),
            }
        }
        text
    }
}

/// The lines of a calendar, in order.
pub(super) fn lines(octets: &[u8]) -> impl Iterator<Item = Line> {
    // Some programs write a mark of the order of octets first.
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    let mut physical = octets
        .split(|octet| *octet == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .peekable();
    let unfolded = std::iter::from_fn(move || {
        let mut whole = physical.next()?.to_vec();
        whole.truncate(LONGEST_LINE);
        while let Some(more) = physical.next_if(|line| matches!(line.first(), Some(b' ' | b'\t'))) {
            let room = LONGEST_LINE - whole.len();
            whole.extend(more.iter().skip(1).take(room));
        }
        Some(whole)
    });
    unfolded.filter_map(|whole| line(&String::from_utf8_lossy(&whole)))
}

fn line(text: &str) -> Option<Line> {
    let mut quoted = false;
    let mut cuts = Vec::new();
    let mut colon = None;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => cuts.push(at),
            ':' if !quoted => {
                colon = Some(at);
                break;
            }
            _ => {}
        }
    }
    let colon = colon?;
    let value = text.get(colon + 1..)?.to_owned();
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut from = 0;
    for cut in cuts.into_iter().chain([colon]) {
        pieces.push(text.get(from..cut)?);
        from = cut + 1;
    }
    let (name, parameters) = pieces.split_first()?;
    let parameters = parameters.iter().filter_map(|piece| {
        let (name, value) = piece.split_once('=')?;
        Some((name.trim().to_ascii_uppercase(), value.trim().trim_matches('"').to_owned()))
    });
    let (name, parameters) = (name.trim().to_ascii_uppercase(), parameters.collect());
    (!name.is_empty()).then_some(Line { name, parameters, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Line> {
        lines(text.as_bytes()).collect()
    }

    #[test]
    fn a_line_is_taken_apart_and_unfolded() {
        let found = all(
            "\u{feff}begin:VEVENT\r\nDTSTART;TZID=\"Europe/Paris\";X=a:2026\r\n 1130T0900\r\n\t00\r\n",
        );
        assert_eq!((found[0].name.as_str(), found[0].value.as_str()), ("BEGIN", "VEVENT"));
        assert_eq!(found[1].parameter("TZID"), Some("Europe/Paris"));
        assert_eq!(found[1].parameter("X"), Some("a"));
        assert_eq!(found[1].value, "20261130T090000");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn colons_and_semicolons_in_quotes_belong_to_the_parameter() {
        let found = all("ATTENDEE;CN=\"a:b;c\":mailto:x@example.org\n");
        assert_eq!(found[0].parameter("CN"), Some("a:b;c"));
        assert_eq!(found[0].value, "mailto:x@example.org");
    }

    #[test]
    fn a_text_is_read_as_it_was_meant() {
        let found = all("SUMMARY:Board\\, budget\\; a\\\\b\\nnext\\\n");
        assert_eq!(found[0].text(), "Board, budget; a\\b\nnext");
    }

    #[test]
    fn what_is_no_line_is_left_out_and_a_letter_cut_by_folding_is_whole_again() {
        assert_eq!(all("nothing\n:x\n;a=b\nX;\"y:z\n\n"), []);
        let octets = b"SUMMARY:caf\xc3\r\n \xa9\r\nX-Y:\xff\r\n";
        let found: Vec<_> = lines(octets).collect();
        assert_eq!((found[0].value.as_str(), found[1].value.as_str()), ("café", "\u{fffd}"));
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let octets = [b"X:".to_vec(), b"y\r\n y".repeat(LONGEST_LINE)].concat();
        let found: Vec<_> = lines(&octets).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].value.len(), LONGEST_LINE - 2);
    }
}

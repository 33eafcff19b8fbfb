//! The number of a meeting of Conclave in somebody's text: as an address (`conclave:482913077`), or as our invitations say it.

use conclave_types::VmrNumber;

/// What an address begins with; any number of a meeting room may follow.
const ADDRESS: &str = "conclave:";

/// What our invitations have before a number of nine digits (`mail/text.rs`, `mail/calendar.rs`).
const SENTENCES: [&str; 3] = ["Meeting ID:", "Numéro de réunion :", "Conclave "];

/// How many digits the cloud gives.
const DRAWN: usize = 9;

/// The first one in a text.
pub(super) fn in_text(text: &str) -> Option<VmrNumber> {
    let as_address = after(text, ADDRESS).find_map(|rest| digits(rest)?.parse().ok());
    as_address.or_else(|| {
        let said = SENTENCES.into_iter().flat_map(|sentence| after(text, sentence));
        said.filter_map(digits).find(|digits| digits.len() == DRAWN)?.parse().ok()
    })
}

fn after<'a>(text: &'a str, word: &'static str) -> impl Iterator<Item = &'a str> {
    text.match_indices(word).filter_map(move |(at, _)| text.get(at + word.len()..))
}

/// The digits that a text begins with, single spaces between them or not; `None`: more than a number has.
fn digits(text: &str) -> Option<String> {
    let mut digits = String::new();
    let mut space = true;
    for c in text.trim_start().chars() {
        match c {
            '0'..='9' if digits.len() == VmrNumber::LONGEST => return None,
            '0'..='9' => {
                digits.push(c);
                space = false;
            }
            ' ' | '\u{a0}' | '\u{202f}' if !space => space = true,
            _ => break,
        }
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        in_text(text).map(|number| number.as_str().to_owned())
    }

    #[test]
    fn a_number_is_found_where_our_invitations_have_it_and_as_an_address() {
        for text in [
            "conclave:482913077",
            "Join: <conclave:482 913 077>",
            "Salle 4, Conclave 482 913 077",
            "…\n\nMeeting ID: 482 913 077\nFrom any other meeting room",
            "Numéro de réunion : 482 913 077\n",
            "Numéro de réunion : 482\u{a0}913\u{202f}077",
            "conclave: x Meeting ID: 482913077",
        ] {
            assert_eq!(found(text).as_deref(), Some("482913077"), "{text}");
        }
        assert_eq!(found("conclave:4711").as_deref(), Some("4711"));
    }

    #[test]
    fn what_is_no_number_of_ours_is_none() {
        for text in [
            "",
            "conclave:",
            "conclave:12",
            "conclave:1234567890123",
            "Meeting ID: 4829130",
            "Meeting ID: 482 9130 7712",
            "Tel. 482 913 077",
            "Meeting ID:  é",
            "the conclave of 1903",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    /// What letters say is found again, in whichever language it is looked for.
    #[test]
    fn our_own_sentences_are_those_that_letters_have() {
        let letters = include_str!("../../mail/text.rs");
        assert!(letters.contains("Meeting ID: {number}"));
        assert!(letters.contains("Numéro de réunion : {number}"));
        assert!(include_str!("../../mail/calendar.rs").contains("\"Conclave {}\", grouped("));
    }
}

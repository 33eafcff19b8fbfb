//! Looking for secrets where none may be: in logs, in what programs print, in files.
//!
//! A secret is looked for in the forms in which code would let it slip: as text, in hexadecimal, in
//! base64 at each of its three alignments, and as `{:?}` prints octets.

use anyhow::{Result, ensure};

/// Octets at the start of a secret that are enough to know it by. Eight do not come by chance.
const ENOUGH: usize = 8;

/// Something that must not be found.
#[derive(Debug, Clone)]
pub struct Secret {
    /// What it is, for whoever reads that it was found.
    pub what: String,
    forms: Vec<String>,
}

impl Secret {
    /// A text that a person wrote or read: a PIN, a code, a name. It is looked for as it is, as
    /// JSON has it, and without hyphens and blanks.
    pub fn text(what: &str, text: &str) -> Secret {
        let mut forms = vec![text.to_owned(), text.replace(['-', ' '], "")];
        forms.push(text.escape_unicode().to_string());
        forms.push(text.escape_default().to_string());
        forms.push(serde_json::Value::from(text).to_string().trim_matches('"').to_owned());
        Secret { what: what.to_owned(), forms }
    }

    /// Octets: a key, a salt. At least eight, or they would be found by chance.
    pub fn octets(what: &str, octets: &[u8]) -> Result<Secret> {
        ensure!(octets.len() >= ENOUGH, "{what} is too short to be looked for");
        let start = &octets[..ENOUGH];
        let hex: String = start.iter().map(|octet| format!("{octet:02x}")).collect();
        let spaced: Vec<String> = start.iter().map(|octet| format!("{octet:02x}")).collect();
        let decimal: Vec<String> = start.iter().map(u8::to_string).collect();
        let mut forms = vec![
            hex.to_uppercase(),
            hex,
            spaced.join(":"),
            spaced.join(" "),
            decimal.join(", "),
            decimal.join(","),
            // `{:#?}`: one to a line.
            decimal.join(",\n"),
        ];
        for skipped in 0..3 {
            // Whole groups of three only: what stands behind them is not ours to know.
            let whole = &octets[skipped..skipped + (ENOUGH - skipped) / 3 * 3];
            let base64 = base64(whole);
            forms.push(base64.replace('+', "-").replace('/', "_"));
            forms.push(base64);
        }
        Ok(Secret { what: what.to_owned(), forms })
    }

    /// How it was written where it was found, with the line around it.
    pub fn found_in<'a>(&self, text: &'a str) -> Option<&'a str> {
        let at = self.forms.iter().find_map(|form| text.find(form.as_str()))?;
        let begin = text[..at].rfind('\n').map_or(0, |line| line + 1);
        let end = text[at..].find('\n').map_or(text.len(), |line| at + line);
        Some(&text[begin..end])
    }
}

/// Runs of at least this many hexadecimal or base64 letters, or of half as many numbers below 256
/// in a row, look like key material. A session's or a call's id has 26 letters in capitals.
const LONG_RUN: usize = 32;

/// What looks like key material that nobody knows: the longest run of letters that are not a word,
/// a path or an id, and lists of octets. `but` are texts that may stand there, such as pins.
pub fn like_keys<'a>(text: &'a str, but: &[&str]) -> Option<&'a str> {
    let suspicious = |line: &str| {
        let mut line = line.to_owned();
        for allowed in but {
            line = line.replace(allowed, " ");
        }
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        let run = line.split(|c: char| !letters(c)).any(|run| {
            // Paths and names of modules have no figures and capitals mixed in one piece.
            let mixed = run.bytes().any(|b| b.is_ascii_digit())
                && run.bytes().any(|b| b.is_ascii_alphabetic());
            run.len() >= LONG_RUN && mixed && !run.starts_with('/')
        });
        let mut row = 0;
        let octets = line.split(", ").any(|part| {
            let number = part.trim_matches(|c: char| !c.is_ascii_digit());
            row = if number.parse::<u8>().is_ok() && part.len() <= 4 { row + 1 } else { 0 };
            row >= LONG_RUN / 2
        });
        run || octets
    };
    text.lines().find(|line| suspicious(line))
}

/// RFC 4648, section 4, of a whole number of groups: no padding.
fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in octets.chunks_exact(3) {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        for place in (0..4).rev() {
            text.push(char::from(LETTERS[(bits >> (6 * place) & 63) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 16] = [0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 250, 9, 8, 7, 6, 5, 4, 3, 2];

    #[test]
    fn octets_are_found_in_every_form_that_code_would_print() {
        let key = Secret::octets("a key", &KEY).unwrap();
        for leak in [
            format!("key={KEY:?}"),
            format!("{KEY:#?}").replace("    ", ""),
            "deadbeef010203fa".to_owned(),
            "0xDEADBEEF010203FA0908".to_owned(),
            "de:ad:be:ef:01:02:03:fa".to_owned(),
            "3q2+7wECA/oJCAcGBQQDAg==".to_owned(),
            "xx3q2-7wECA_oJ".to_owned(),
        ] {
            assert!(key.found_in(&leak).is_some(), "{leak}");
        }
        assert_eq!(key.found_in("deadbeef 01"), None);
    }

    #[test]
    fn octets_in_the_middle_of_a_base64_text_are_found() {
        // Behind one and two octets: `python3 -c 'base64.b64encode(b"A" + key)'`.
        let key = Secret::octets("a key", &KEY).unwrap();
        assert!(key.found_in("Qd6tvu8BAgP6CQgHBgUEAwI=").is_some());
        assert!(key.found_in("QUHerb7vAQID+gkIBwYFBAMC").is_some());
    }

    #[test]
    fn texts_are_found_as_they_are_and_as_json_has_them() {
        let name = Secret::text("a name", "Les Lumières");
        assert_eq!(name.found_in("a\nroom Les Lumières b\nc"), Some("room Les Lumières b"));
        assert!(name.found_in(r"Les Lumi\u{e8}res").is_some());
        assert!(Secret::text("a code", "7KQ2-9FXM").found_in("code 7KQ29FXM").is_some());
        assert_eq!(name.found_in("~1a2b3"), None);
    }

    #[test]
    fn keys_that_nobody_knows_are_told_from_ids_and_paths() {
        let pin = "sha256:3q2+7wECA/oJCAcGBQQDAgEBAQEBAQEBAQEBAQEBAQE=";
        for harmless in [
            "room=room-0123456789ABCDEFGHJKMNPQRS leg=leg-0123456789ABCDEFGHJKMNPQRS",
            "/tmp/conclave-a1b2/room-a/data/something_quite_long_that_is_a_path",
            "conclave_link_cloud::accept::something: a sentence of many words",
            "1, 2, 3, 4 packets",
            pin,
        ] {
            assert_eq!(like_keys(harmless, &[pin]), None);
        }
        for key in [format!("{KEY:?}"), "deadbeef010203fa0908070605040302".into(), pin.into()] {
            assert!(like_keys(&key, &[]).is_some(), "{key}");
        }
    }
}

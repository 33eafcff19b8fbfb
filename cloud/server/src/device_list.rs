//! A list of devices that are to be rooms, as a spreadsheet writes it (RFC 4180): one line each, a first line that names the
//! columns.
//!
//! | column | |
//! | --- | --- |
//! | `name` | what the room is to be called |
//! | `serial` | the device's serial number, or |
//! | `key` | the SHA-256 of its public key, 64 hexadecimal digits; colons and blanks between them do not matter |
//! | `place` | where it stands; may be left out, as may |
//! | `group` | the group, by its name or its id, and |
//! | `tags` | tags with commas between them, so in quotation marks: `"north,video"` |
//!
//! Columns come in any order; between them stands a comma, or a semicolon as spreadsheets write it where a comma divides
//! decimals. Whether a name is taken or a device known is not for this module to say.

use conclave_directory::Tag;
use conclave_types::{DisplayName, Redacted};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The most octets of a list: ten thousand lines of two hundred, which is a key, long names and tags. It stands in memory
/// while it is looked at.
pub const LONGEST: usize = 2 * 1024 * 1024;

/// The most lines of a list, the first one not counted: as many rooms as one cloud has been measured with.
pub const MOST_LINES: usize = 10_000;

/// The most characters of a cell that are shown to whoever sent the list.
const LONGEST_SHOWN: usize = 80;

/// The most characters of a serial number.
const LONGEST_SERIAL: usize = 80;

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: u64,
    /// The name as it was written, cut short.
    pub name: Redacted<String>,
    /// The key or the serial number as it was written, cut short.
    pub device: Redacted<String>,
    /// What it says, or all that is wrong with it.
    pub read: Result<Listed, Vec<Wrong>>,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the room is to be called.
    pub name: DisplayName,
    /// Which device.
    pub device: Named,
    /// Where it stands.
    pub place: Option<DisplayName>,
    /// The group's name or id.
    pub group: Option<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// How a line names a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By the SHA-256 of its key: 64 hexadecimal digits, small letters.
    Key(String),
    /// By its serial number, in capitals.
    Serial(String),
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// It has more or fewer cells than the first line.
    Cells,
    /// No name, or none that a room may have.
    Name,
    /// Neither key nor serial number, or both.
    Device,
    /// No 64 hexadecimal digits.
    Key,
    /// No serial number: too long, or with a control character.
    Serial,
    /// No place: too long, or with a control character.
    Place,
    /// There is no such group.
    Group,
    /// No tags that one room may have.
    Tags,
    /// Another room, or another device that is awaited, has the name.
    NameTaken,
    /// A line above has the name.
    NameTwice,
    /// A line above has the device.
    DeviceTwice,
    /// The device is a room already.
    Enrolled,
    /// The device is awaited already.
    Awaited,
}

/// Why a text is no list at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoList {
    /// More than [`LONGEST`] octets, or more than [`MOST_LINES`] lines.
    TooLong,
    /// Not written in UTF-8.
    NotText,
    /// The first line does not name the columns: the first word that is none, or what is missing.
    Columns(String),
    /// No line below the first.
    Empty,
}

/// The columns that a list may have.
const COLUMNS: [&str; 6] = ["name", "serial", "key", "place", "group", "tags"];

/// In which cell of a line each column stands.
struct Columns([Option<usize>; COLUMNS.len()]);

impl Columns {
    fn of(head: &csv::StringRecord) -> Result<Columns, NoList> {
        let mut places = [None; COLUMNS.len()];
        for (at, word) in head.iter().enumerate() {
            let known = COLUMNS.iter().position(|column| word.eq_ignore_ascii_case(column));
            match known.and_then(|known| places.get_mut(known)) {
                Some(place @ None) => *place = Some(at),
                _ => return Err(NoList::Columns(shown(word))),
            }
        }
        match places {
            [None, ..] => Err(NoList::Columns("name".to_owned())),
            [_, None, None, ..] => Err(NoList::Columns("serial".to_owned())),
            _ => Ok(Columns(places)),
        }
    }

    /// What stands there in each column; nothing where a list has not got it.
    fn cells<'a>(&self, line: &'a csv::StringRecord) -> [&'a str; COLUMNS.len()] {
        self.0.map(|at| at.and_then(|at| line.get(at)).unwrap_or_default())
    }
}

/// Reads a list.
///
/// # Errors
/// It is none. A line that is wrong is not among these: it says so itself.
pub fn read(text: &str) -> Result<Vec<Line>, NoList> {
    if text.len() > LONGEST {
        return Err(NoList::TooLong);
    }
    // What a browser or a program puts where octets were no UTF-8.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(NoList::NotText);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let semicolons = first.contains(';') && !first.contains(',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(if semicolons { b';' } else { b',' })
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let Some(head) = records.next() else { return Err(NoList::Empty) };
    let head = head.map_err(|_| NoList::NotText)?;
    let columns = Columns::of(&head)?;
    let mut lines = Vec::new();
    let mut ends = Ends { text: text.as_bytes(), at: 0, before: 0 };
    let (mut names, mut devices) = (HashSet::new(), HashSet::new());
    for record in records {
        let record = record.map_err(|_| NoList::NotText)?;
        // Spreadsheets write lines of nothing but commas below the last one.
        if record.iter().all(str::is_empty) {
            continue;
        }
        if lines.len() >= MOST_LINES {
            return Err(NoList::TooLong);
        }
        let begins = record.position().map_or(0, csv::Position::byte);
        let mut line = read_line(&columns, &head, &record);
        line.number = ends.line_at(usize::try_from(begins).unwrap_or(usize::MAX));
        if let Ok(listed) = &line.read {
            let name = !names.insert(listed.name.clone());
            let (Named::Key(device) | Named::Serial(device)) = &listed.device;
            let device = !devices.insert(device.clone());
            let twice = [(name, Wrong::NameTwice), (device, Wrong::DeviceTwice)];
            let twice: Vec<Wrong> =
                twice.into_iter().filter(|(is, _)| *is).map(|(_, wrong)| wrong).collect();
            if !twice.is_empty() {
                line.read = Err(twice);
            }
        }
        lines.push(line);
    }
    if lines.is_empty() { Err(NoList::Empty) } else { Ok(lines) }
}

fn read_line(columns: &Columns, head: &csv::StringRecord, record: &csv::StringRecord) -> Line {
    let [name, serial, key, place, group, tags] = columns.cells(record);
    let mut wrong = Vec::new();
    if record.len() != head.len() {
        wrong.push(Wrong::Cells);
    }
    let mut or = |why, wrong_cell: bool| {
        if wrong_cell {
            wrong.push(why);
        }
    };
    let parsed = name.parse::<DisplayName>();
    or(Wrong::Name, parsed.is_err());
    let device = match (key, serial) {
        ("", "") => None,
        ("", serial) => Some(Named::Serial(serial.to_uppercase())),
        (key, "") => Some(Named::Key(digits(key))),
        _ => None,
    };
    match &device {
        None => or(Wrong::Device, true),
        Some(Named::Key(key)) => or(Wrong::Key, !is_hash(key)),
        Some(Named::Serial(serial)) => {
            let long = serial.chars().count() > LONGEST_SERIAL;
            or(Wrong::Serial, long || serial.chars().any(char::is_control));
        }
    }
    let stands = (!place.is_empty()).then(|| place.parse::<DisplayName>()).transpose();
    or(Wrong::Place, stands.is_err());
    let tagged = Tag::list(tags);
    or(Wrong::Tags, tagged.is_err());
    let read = match (parsed, device, stands, tagged) {
        (Ok(name), Some(device), Ok(place), Ok(tags)) if wrong.is_empty() => {
            let group = (!group.is_empty()).then(|| group.to_owned());
            Ok(Listed { name, device, place, group, tags })
        }
        _ => Err(wrong),
    };
    let device = if key.is_empty() { serial } else { key };
    Line { number: 0, name: Redacted(shown(name)), device: Redacted(shown(device)), read }
}

/// Counts lines as people do, whatever ends them: the reader of CSV counts one that ends with two octets too late.
struct Ends<'a> {
    text: &'a [u8],
    at: usize,
    before: u64,
}

impl Ends<'_> {
    /// The number of the line on which a record begins that was found here, behind the end of the one before it or before it.
    /// Places only grow.
    fn line_at(&mut self, place: usize) -> u64 {
        while let Some(octet) = self.text.get(self.at) {
            let ends = match octet {
                b'\n' => true,
                b'\r' => self.text.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            if self.at >= place && !matches!(octet, b'\n' | b'\r') {
                break;
            }
            self.before += u64::from(ends);
            self.at += 1;
        }
        self.before + 1
    }
}

/// As other programs write them: with colons or blanks between them, in capitals.
fn digits(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, ':' | ' ')).collect::<String>().to_lowercase()
}

fn is_hash(key: &str) -> bool {
    key.len() == 64 && key.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn shown(cell: &str) -> String {
    cell.chars().filter(|c| !c.is_control()).take(LONGEST_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<Vec<Wrong>> {
        read(text).unwrap().into_iter().map(|line| line.read.err().unwrap_or_default()).collect()
    }

    #[test]
    fn a_list_is_read_whatever_the_order_of_its_columns_and_what_divides_them() {
        let key = "AB:".repeat(31) + "ab";
        let text = format!(
            "\u{feff}Tags;KEY;name;group;place\r\n\"nord,vidéo\";{key};Salle Émile;Étage 3;\"Bâtiment A; aile nord\"\r\n;;;;\r\n"
        );
        let lines = read(&text).unwrap();
        assert_eq!(lines.len(), 1, "a line of semicolons is none");
        let listed = lines[0].read.as_ref().unwrap();
        assert_eq!((lines[0].number, listed.name.as_str()), (2, "Salle Émile"));
        assert_eq!(listed.device, Named::Key("ab".repeat(32)));
        assert_eq!(listed.place.as_ref().unwrap().as_str(), "Bâtiment A; aile nord");
        assert_eq!(listed.group.as_deref(), Some("Étage 3"));
        assert_eq!(listed.tags.len(), 2);
        let lines = read("name,serial\nBoard room, sn-1 \n").unwrap();
        let listed = lines[0].read.as_ref().unwrap();
        assert_eq!(listed.device, Named::Serial("SN-1".into()));
    }

    #[test]
    fn each_line_says_all_that_is_wrong_with_it() {
        use Wrong::*;
        let long = "x".repeat(81);
        let text = format!(
            "name,serial,key,place,tags\n\
             ,,,,\n\
             ,S1,,,\n\
             A,,,,\n\
             B,S2,{hash},,\n\
             C,,12 34,,\n\
             D,{long},,{long},\"a,a\"\n\
             E,S3\n\
             F,S4,,,\n\
             F,s4,,,\n\
             \"<script>\",S5,,,\n",
            hash = "0".repeat(64),
        );
        assert_eq!(
            wrong(&text),
            [
                vec![Name],
                vec![Device],
                vec![Device],
                vec![Key],
                vec![Serial, Place, Tags],
                vec![Cells],
                vec![],
                vec![NameTwice, DeviceTwice],
                vec![],
            ]
        );
    }

    #[test]
    fn what_is_no_list_is_told_why() {
        let columns = |word: &str| Err(NoList::Columns(word.to_owned()));
        assert_eq!(read(""), Err(NoList::Empty));
        assert_eq!(read("name,serial\n"), Err(NoList::Empty));
        assert_eq!(read("name,serial\n,\n"), Err(NoList::Empty));
        assert_eq!(read("Board room,S1\n"), columns("Board room"));
        assert_eq!(read("name,name,serial\na,b,c\n"), columns("name"));
        assert_eq!(read("serial\nS1\n"), columns("name"));
        assert_eq!(read("name\nA\n"), columns("serial"));
        assert_eq!(read("name,serial\nSalle \u{fffd}mile,S1\n"), Err(NoList::NotText));
    }

    #[test]
    fn a_list_has_an_end() {
        let lines = |count: usize| {
            let lines: String = (0..count).map(|n| format!("R{n},S{n}\n")).collect();
            read(&format!("name,serial\n{lines}"))
        };
        assert_eq!(lines(MOST_LINES).unwrap().len(), MOST_LINES);
        assert_eq!(lines(MOST_LINES + 1), Err(NoList::TooLong));
        assert_eq!(read(&"\n".repeat(LONGEST + 1)), Err(NoList::TooLong));
        // A million lines, each of them short.
        assert_eq!(
            read(&format!("name,serial\n{}", "a\n".repeat(1_000_000))),
            Err(NoList::TooLong)
        );
    }
}

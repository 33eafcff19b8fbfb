//! What is said to a CalDAV server (RFC 4791) and what it answers (RFC 4918, 13): which state a collection is in, and the meetings
//! of some days.

use super::Window;
use chrono::DateTime;
use roxmltree::{Document, Node, ParsingOptions};

/// The most elements of an answer; each meeting has some ten.
const MOST_NODES: u32 = 300_000;

/// The longest word for a state.
const LONGEST_MARK: usize = 500;

const DAV: &str = "DAV:";
const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
const CALENDAR_SERVER: &str = "http://calendarserver.org/ns/";

/// Asks which state a collection is in.
pub const WHICH_STATE: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <D:propfind xmlns:D=\"DAV:\" xmlns:CS=\"http://calendarserver.org/ns/\">\
    <D:prop><CS:getctag/><D:sync-token/></D:prop></D:propfind>";

/// Asks for the meetings of some days.
pub fn meetings_of(window: Window) -> String {
    let at = |at: conclave_types::UnixTime| {
        let at = DateTime::from_timestamp(i64::try_from(at.0).unwrap_or(0), 0).unwrap_or_default();
        at.format("%Y%m%dT%H%M%SZ").to_string()
    };
    let (start, end) = (at(window.from), at(window.until));
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"{CALDAV}\"><D:prop><C:calendar-data/></D:prop>\
         <C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">\
         <C:time-range start=\"{start}\" end=\"{end}\"/></C:comp-filter></C:comp-filter></C:filter>\
         </C:calendar-query>"
    )
}

/// What a server says of its resources.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Multistatus {
    /// The calendars in it.
    pub calendars: Vec<String>,
    /// Which state the collection is in.
    pub mark: Option<String>,
}

/// It is no such answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no multistatus of WebDAV")]
pub struct NoMultistatus;

impl Multistatus {
    /// Reads one. What a document defines by itself (DTD) is not taken.
    ///
    /// # Errors
    /// It is something else.
    pub fn read(octets: &[u8]) -> Result<Multistatus, NoMultistatus> {
        let text = std::str::from_utf8(octets).map_err(|_| NoMultistatus)?;
        let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|_| NoMultistatus)?;
        let root = document.root_element();
        if !root.has_tag_name((DAV, "multistatus")) {
            return Err(NoMultistatus);
        }
        let mut read = Multistatus::default();
        let (mut tag, mut token) = (None, None);
        for node in root.descendants() {
            if node.has_tag_name((CALDAV, "calendar-data")) {
                read.calendars.push(text_of(node));
            } else if node.has_tag_name((CALENDAR_SERVER, "getctag")) {
                tag = mark(node);
            } else if node.has_tag_name((DAV, "sync-token")) {
                token = mark(node);
            }
        }
        read.mark = tag.or(token);
        Ok(read)
    }
}

fn text_of(node: Node<'_, '_>) -> String {
    node.children().filter_map(|child| child.text()).collect()
}

fn mark(node: Node<'_, '_>) -> Option<String> {
    Some(text_of(node).trim().to_owned()).filter(|mark| (1..=LONGEST_MARK).contains(&mark.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_types::UnixTime;

    #[test]
    fn what_is_asked_is_xml_with_the_days_in_it() {
        let window = Window { from: UnixTime(1_796_025_600), until: UnixTime(1_797_235_200) };
        let asked = meetings_of(window);
        assert!(asked.contains("start=\"20261130T080000Z\" end=\"20261214T080000Z\""), "{asked}");
        assert!(Document::parse(&asked).is_ok() && Document::parse(WHICH_STATE).is_ok());
    }

    #[test]
    fn an_answer_is_read_whatever_it_calls_its_namespaces() {
        let answer = "<multistatus xmlns=\"DAV:\" xmlns:x=\"urn:ietf:params:xml:ns:caldav\"><response><propstat><prop>\
            <x:calendar-data>BEGIN:VCALENDAR&#13;\nEND:VCALENDAR</x:calendar-data></prop></propstat></response>\
            <response><propstat><prop><x:calendar-data><![CDATA[a&b]]></x:calendar-data></prop></propstat></response>\
            <sync-token> s-1 </sync-token></multistatus>";
        let read = Multistatus::read(answer.as_bytes()).unwrap();
        assert_eq!(read.calendars, ["BEGIN:VCALENDAR\r\nEND:VCALENDAR", "a&b"]);
        assert_eq!(read.mark.as_deref(), Some("s-1"));
    }

    #[test]
    fn what_is_no_such_answer_is_refused() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;\">]>\
            <multistatus xmlns=\"DAV:\">&b;</multistatus>";
        let deep = format!("<multistatus xmlns=\"DAV:\">{}", "<a>".repeat(100_000));
        for text in
            ["", "<html></html>", "<multistatus/>", bomb, "<multistatus xmlns=\"DAV:\">", &deep]
        {
            assert_eq!(Multistatus::read(text.as_bytes()), Err(NoMultistatus));
        }
        assert_eq!(Multistatus::read(b"\xff"), Err(NoMultistatus));
        let many = format!("<multistatus xmlns=\"DAV:\">{}</multistatus>", "<a/>".repeat(400_000));
        assert_eq!(Multistatus::read(many.as_bytes()), Err(NoMultistatus));
    }
}

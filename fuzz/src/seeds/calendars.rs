//! Calendars as programs write them, and as servers hand them out.

/// What stands in meetings: a file of each, and one of all.
const EVENTS: [&str; 12] = [
    "DTSTART:20261130T080000Z\nDTEND:20261130T090000Z\nSUMMARY:Board\\, budget\n",
    "DTSTART;TZID=Romance Standard Time:20261130T090000\nDURATION:PT1H30M\nCLASS:PRIVATE\n",
    "DTSTART;TZID=\"Our own\":20261130T090000\nDTEND;TZID=\"Our own\":20261130T100000\nLOCATION:Conclave 482 913 077\n",
    "DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261203\nSUMMARY:Fair\n",
    "DTSTART;TZID=Europe/Paris:20260601T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=SU\n\
     EXDATE;TZID=Europe/Paris:20261203T090000,20261217T090000\n",
    "DTSTART:20200131T080000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1\n",
    "DTSTART:20200131T080000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1,-1;COUNT=200\n",
    "DTSTART:20001205T080000Z\nDURATION:P1D\nRRULE:FREQ=YEARLY;BYWEEKNO=49;BYDAY=SA\n",
    "DTSTART:20261130T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20261204T080000Z\nRDATE;VALUE=PERIOD:20261208T080000Z/PT2H\n",
    "RECURRENCE-ID:20261201T080000Z\nDTSTART:20261201T140000Z\nDURATION:PT1H\nSEQUENCE:2\nURL:conclave:482913077\n",
    "DTSTART:20261202T080000Z\nDURATION:PT1H\nSTATUS:CANCELLED\nTRANSP:TRANSPARENT\n\
     BEGIN:VALARM\nTRIGGER:-PT15M\nEND:VALARM\n",
    "DTSTART:20261203T080000Z\nDURATION:PT1H\nX-CONCLAVE-NUMBER:4711\nDESCRIPTION:Meeting ID: 482 913 077\\nFrom\n  any \n\tother\n",
];

/// As Outlook brings one along.
const ZONE: &str = "BEGIN:VTIMEZONE\nTZID:Our own\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\n\
    TZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\n\
    DTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n\
    END:DAYLIGHT\nEND:VTIMEZONE\n";

fn calendar(events: &[&str]) -> String {
    let events = events.iter().enumerate().map(|(n, lines)| {
        // A series and one of it that is otherwise share what they are known by.
        let uid = if matches!(n, 8 | 9) { 8 } else { n };
        format!("BEGIN:VEVENT\nUID:{uid}@example.org\n{lines}END:VEVENT\n")
    });
    let events: String = events.collect();
    format!("BEGIN:VCALENDAR\nX-WR-TIMEZONE:Europe/Paris\n{ZONE}{events}END:VCALENDAR\n")
        .replace('\n', "\r\n")
}

/// Files.
pub fn files() -> Vec<Vec<u8>> {
    let each = EVENTS.iter().map(|event| calendar(&[event]));
    each.chain([calendar(&EVENTS), calendar(&[])]).map(String::into_bytes).collect()
}

/// Answers with them.
pub fn answers() -> Vec<Vec<u8>> {
    let answer = |pieces: &[String]| {
        let pieces = pieces.iter().map(|piece| {
            let piece = piece.replace('&', "&amp;").replace('<', "&lt;").replace('\r', "&#13;");
            format!("<D:response><D:propstat><D:prop><C:calendar-data>{piece}</C:calendar-data></D:prop></D:propstat></D:response>")
        });
        format!(
            "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{}\
             <D:sync-token>1</D:sync-token></D:multistatus>",
            pieces.collect::<String>()
        )
        .into_bytes()
    };
    let all: Vec<String> = EVENTS.iter().map(|event| calendar(&[event])).collect();
    let each = all.iter().map(|piece| answer(std::slice::from_ref(piece)));
    each.chain([answer(&all), answer(&[])]).collect()
}

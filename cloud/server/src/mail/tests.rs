//! Letters as they leave. Sending them to a mail server: `cloud/server/tests/mail.rs`.

use super::*;
use crate::letters::{Meeting, MeetingChange};
use conclave_types::{Secret, UnixTime, VmrId};

fn meeting(change: MeetingChange) -> Letter {
    let content = Content::Meeting(Box::new(Meeting {
        change,
        id: VmrId::from_random(7),
        revision: 3,
        number: "482913077".parse().unwrap(),
        title: "Réunion, \"tumeurs\"; salle 4".parse().unwrap(),
        starts_at: UnixTime(1_796_025_600),
        ends_at: UnixTime(1_796_029_200),
        zone: "Europe/Paris".parse().ok(),
        pin: true,
        organiser: ("Dr \"Ada\" Lovelace".parse().unwrap(), "ada@example.org".parse().unwrap()),
        people: vec!["grace@example.org".parse().unwrap(), "x@example.com".parse().unwrap()],
        rooms: vec!["Salle Voltaire".parse().unwrap()],
    }));
    Letter { id: LetterId(1), to: "grace@example.org".parse().unwrap(), content }
}

fn account() -> Letter {
    let content = Content::Account {
        name: "Grace <b>Hopper</b>".parse().unwrap(),
        organisation: "Hôpital Saint-Louis".parse().unwrap(),
        invitation: Secret::new("ab".repeat(32)),
        expires_at: UnixTime(1_796_025_600),
    };
    Letter { id: LetterId(1), to: "grace@example.org".parse().unwrap(), content }
}

fn written(letter: &Letter) -> String {
    let from = "conclave@example.org".parse().unwrap();
    let message = message(letter, &from, "https://cloud.example.org").unwrap();
    String::from_utf8(message.formatted()).unwrap()
}

#[test]
fn an_account_is_told_in_both_languages_with_its_link() {
    let text::Text { subject, body } = text::text(&account().content, "https://cloud.example.org");
    assert!(subject.starts_with("Hôpital Saint-Louis"));
    let link = format!("https://cloud.example.org/invitation#{}", "ab".repeat(32));
    assert_eq!(body.matches(&link).count(), 2, "{body}");
    assert!(body.contains("2026-11-30 08:00 (UTC)"), "{body}");
    let whole = written(&account());
    assert!(whole.contains("Auto-Submitted: auto-generated"), "{whole}");
    assert!(whole.contains("To: grace@example.org"), "{whole}");
}

#[test]
fn whoever_signs_up_is_sent_a_link_or_told_that_they_have_an_account() {
    let letter = |link| {
        let organisation = "Hôpital Saint-Louis".parse().unwrap();
        let content = Content::SignUp { organisation, link };
        text::text(&content, "https://cloud.example.org").body
    };
    let body = letter(Some((Secret::new("ab".repeat(32)), UnixTime(1_796_025_600))));
    let link = format!("https://cloud.example.org/sign-up#{}", "ab".repeat(32));
    assert_eq!(body.matches(&link).count(), 2, "{body}");
    assert!(body.contains("2026-11-30 08:00 (UTC)"), "{body}");
    let body = letter(None);
    assert!(!body.contains('#') && body.contains("There is one already"), "{body}");
    assert!(body.contains("Ce compte existe déjà"), "{body}");
}

#[test]
fn a_meeting_is_told_by_the_organisations_clock_and_to_calendars() {
    let text::Text { body, .. } = text::text(&meeting(MeetingChange::Called).content, "");
    assert!(body.contains("2026-11-30, 09:00 – 10:00 (Europe/Paris)"), "{body}");
    assert!(body.contains("482 913 077") && body.contains("Salle Voltaire"), "{body}");
    let Content::Meeting(inner) = meeting(MeetingChange::Called).content else { panic!() };
    let ics = calendar::calendar(&inner, "two\nlines; and, more").replace("\r\n ", "");
    for line in [
        "METHOD:REQUEST",
        "UID:vmr-00000000000000000000000007@conclave",
        "SEQUENCE:3",
        "SUMMARY:Réunion\\, \"tumeurs\"\\; salle 4",
        "DTSTART:20261130T080000Z",
        "DTEND:20261130T090000Z",
        "DESCRIPTION:two\\nlines\\; and\\, more",
        "LOCATION:Salle Voltaire\\, Conclave 482 913 077",
        "ATTENDEE;ROLE=REQ-PARTICIPANT:mailto:x@example.com",
        "STATUS:CONFIRMED",
    ] {
        assert!(ics.lines().any(|each| each == line), "{line}\n{ics}");
    }
    assert!(ics.contains("ORGANIZER;CN=Dr Ada Lovelace:mailto:ada@example.org"), "{ics}");
    let whole = written(&meeting(MeetingChange::Called));
    assert!(whole.contains("text/calendar; charset=utf-8; method=REQUEST"), "{whole}");
}

#[test]
fn a_meeting_that_is_off_is_taken_out_of_calendars() {
    let Content::Meeting(inner) = meeting(MeetingChange::Off).content else { panic!() };
    let ics = calendar::calendar(&inner, "");
    assert!(ics.contains("METHOD:CANCEL") && ics.contains("STATUS:CANCELLED"), "{ics}");
    assert!(written(&meeting(MeetingChange::Off)).contains("method=CANCEL"));
}

#[test]
fn nothing_in_a_name_becomes_a_header_or_a_line_of_its_own() {
    // Names have no control characters, whoever gives them; what is left is quoted or encoded.
    let whole = written(&meeting(MeetingChange::Changed));
    let (head, _) = whole.split_once("\r\n\r\n").unwrap();
    for line in head.split("\r\n").filter(|line| !line.starts_with(' ')) {
        let (name, _) = line.split_once(':').unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{line}");
    }
    assert!(head.is_ascii(), "{head}");
}

#[test]
fn a_letter_is_tried_again_for_a_day() {
    let (mut age, mut tries) = (Duration::ZERO, 0);
    while let Some(next) = pause(tries, age) {
        age += next;
        tries += 1;
    }
    assert!(age <= GIVEN_UP && age > GIVEN_UP - LONGEST_PAUSE, "{age:?}");
    assert!((25..35).contains(&tries), "{tries} tries");
    assert_eq!(pause(0, Duration::ZERO), Some(FIRST_PAUSE));
    assert_eq!(pause(u32::MAX, Duration::ZERO), Some(LONGEST_PAUSE));
}

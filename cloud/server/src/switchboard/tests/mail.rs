//! Letters: who is written to, what became of it, and who is told that.

use super::*;
use crate::control::{Fate, NewAppointment};
use crate::letters::{Content, Letter, LetterId, MeetingChange};
use conclave_directory::access::Role;

const ADA: u8 = 1;
const MEMBER: u8 = 2;

impl Cloud {
    /// With a mail server, and an administrator who is signed in by session 1.
    fn with_mail() -> Cloud {
        let mut cloud = Cloud::with_ada();
        cloud.board.post = super::super::mail::Post::new(true);
        cloud
    }

    /// What is written when somebody who is signed in asks for this.
    fn letters(&mut self, session: u8, request: ControlRequest) -> Vec<Letter> {
        let by = Credential::Session(conclave_directory::TokenHash([session; 32]));
        let source = crate::accounts::Source("203.0.113.9".parse().unwrap());
        let outputs = self.give(Input::Console { id: ControlId(6), by, source, request });
        let refused = |output: &Output| {
            matches!(output, Output::Answer { answer: ControlAnswer::Refused { .. }, .. })
        };
        assert!(!outputs.iter().any(refused), "{outputs:?}");
        let letter = |output| match output {
            Output::Mail(letter) => Some(*letter),
            _ => None,
        };
        outputs.into_iter().filter_map(letter).collect()
    }

    fn fate(&mut self, letter: &Letter, fate: Fate) {
        self.give(Input::Mailed { letter: letter.id, fate });
    }

    fn mail_of(&mut self, email: &str) -> Option<Fate> {
        let list = ControlRequest::PersonList { part: Part { q: email.into(), ..Part::default() } };
        match self.browse(ADA, list) {
            ControlAnswer::People { people, .. } => people[0].mail.clone(),
            other => panic!("{other:?}"),
        }
    }
}

fn add(email: &str) -> ControlRequest {
    ControlRequest::PersonAdd {
        email: email.parse().unwrap(),
        name: "Grace".parse().unwrap(),
        role: "member".into(),
    }
}

fn failed() -> Fate {
    Fate::Failed { why: Redacted("550 no such mailbox".into()) }
}

#[test]
fn a_link_is_sent_to_whom_it_is_for_and_what_became_of_it_is_shown() {
    let mut cloud = Cloud::with_mail();
    let letters = cloud.letters(ADA, add("grace@example.org"));
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(letter.to.as_str(), "grace@example.org");
    let Content::Account { organisation, invitation, .. } = &letter.content else { panic!() };
    assert_eq!((organisation.as_str(), invitation.expose().len()), ("Hospital", 64));
    assert!(!format!("{letter:?}").contains(invitation.expose().as_str()));
    assert_eq!(cloud.mail_of("grace"), Some(Fate::Waiting));
    cloud.shown.clear();
    cloud.fate(letter, failed());
    assert_eq!(cloud.shown, [(cloud.whose, vec![Topic::People])], "the page is told");
    assert_eq!(cloud.mail_of("grace"), Some(failed()));
    // Another link, another letter; what is said of the first one does not count any more.
    let again =
        cloud.letters(ADA, ControlRequest::PersonInvite { person: "grace@example.org".into() });
    cloud.fate(letter, failed());
    assert_eq!(cloud.mail_of("grace"), Some(Fate::Waiting));
    cloud.fate(&again[0], Fate::Sent);
    assert_eq!(cloud.mail_of("grace"), Some(Fate::Sent));
    cloud.give(Input::Mailed { letter: LetterId(99), fate: failed() });
    assert_eq!(cloud.mail_of("ada"), None);
}

#[test]
fn whoever_is_invited_to_a_meeting_hears_each_change_and_its_end() {
    let mut cloud = Cloud::with_mail();
    cloud.room(1, "A");
    cloud.person("mo@example.org", Role::Member, MEMBER);
    let zone = std::collections::BTreeMap::from([("time_zone".into(), "Europe/Paris".into())]);
    let settings = SettingsDocument::try_from(zone).unwrap();
    let of = crate::control::SettingsFor::default();
    cloud.admin(ControlRequest::SettingsSet { of, settings, revision: None });
    let starts_at = cloud.wall().after(Duration::from_secs(3_600));
    let with = |people: &[&str]| NewAppointment {
        title: "Board".parse().unwrap(),
        starts_at,
        ends_at: starts_at.after(Duration::from_secs(1_800)),
        rooms: vec!["A".into()],
        people: people.iter().map(|&each| Redacted(each.to_owned())).collect(),
        lobby: false,
    };
    let changes = |letters: &[Letter]| {
        let change = |letter: &Letter| match &letter.content {
            Content::Meeting(meeting) => (letter.to.to_string(), meeting.change, meeting.revision),
            other => panic!("{other:?}"),
        };
        letters.iter().map(change).collect::<Vec<_>>()
    };
    let (ada, mo, guest) = ("ada@example.org", "mo@example.org", "guest@example.com");
    let new = with(&[mo, guest]);
    let letters = cloud.letters(ADA, ControlRequest::AppointmentAdd { new, pin: None });
    let called = |to: &str, revision| (to.to_owned(), MeetingChange::Called, revision);
    assert_eq!(changes(&letters), [called(ada, 1), called(guest, 1), called(mo, 1)]);
    let Content::Meeting(meeting) = &letters[0].content else { panic!() };
    assert_eq!(meeting.zone.as_ref().map(|zone| zone.as_str()), Some("Europe/Paris"));
    assert_eq!((meeting.people.len(), meeting.rooms.len(), meeting.pin), (2, 1, false));

    // Its organiser sees whom it did not reach; whoever else is invited does not.
    cloud.fate(&letters[1], failed());
    cloud.fate(&letters[2], Fate::Sent);
    let fates = |cloud: &mut Cloud, session| {
        let list = ControlRequest::AppointmentList { part: Part::default(), past: false };
        match cloud.browse(session, list) {
            ControlAnswer::Appointments { appointments, .. } => {
                let people = appointments[0].people.clone().into_iter();
                (appointments[0].number.clone(), people.map(|each| each.mail).collect::<Vec<_>>())
            }
            other => panic!("{other:?}"),
        }
    };
    let (number, hers) = fates(&mut cloud, ADA);
    assert_eq!(hers, [Some(Fate::Sent), Some(failed())]);
    assert_eq!(fates(&mut cloud, MEMBER).1, [None, None]);

    let to = NewAppointment { title: "Secret".parse().unwrap(), ..with(&[mo, "new@example.com"]) };
    let change = ControlRequest::AppointmentChange { number: number.clone(), to, revision: None };
    let changed = |to: &str| (to.to_owned(), MeetingChange::Changed, 2);
    let off = |to: &str, revision| (to.to_owned(), MeetingChange::Off, revision);
    let letters = cloud.letters(ADA, change);
    assert_eq!(
        changes(&letters),
        [changed(ada), changed(mo), called("new@example.com", 2), off(guest, 2)]
    );
    // Whoever is not invited any more learns nothing of what it is now.
    let Content::Meeting(gone) = &letters[3].content else { panic!() };
    assert_eq!((gone.title.as_str(), gone.people.len(), gone.rooms.len()), ("Board", 1, 0));
    let cancel = ControlRequest::AppointmentCancel { number };
    assert_eq!(
        changes(&cloud.letters(ADA, cancel)),
        [off(ada, 3), off(mo, 3), off("new@example.com", 3)]
    );
    assert_eq!(cloud.board.post.fates_known(), 0, "nothing is kept of what is gone");
}

#[test]
fn nobody_floods_mailboxes_with_meetings_and_links_go_out_all_the_same() {
    let mut cloud = Cloud::with_mail();
    let people: Vec<String> = (0..100).map(|n| format!("p{n}@example.org")).collect();
    let starts_at = cloud.wall().after(Duration::from_secs(36_000));
    let mut sent = 0;
    for _ in 0..40 {
        let new = NewAppointment {
            title: "Board".parse().unwrap(),
            starts_at,
            ends_at: starts_at.after(Duration::from_secs(1_800)),
            rooms: vec![],
            people: people.iter().cloned().map(Redacted).collect(),
            lobby: false,
        };
        let letters = cloud.letters(ADA, ControlRequest::AppointmentAdd { new, pin: None });
        sent += letters.len();
        for letter in letters {
            cloud.fate(&letter, Fate::Sent);
        }
    }
    assert_eq!(sent, 3_000);
    assert_eq!(cloud.letters(ADA, add("grace@example.org")).len(), 1);
}

#[test]
fn without_a_mail_server_nothing_is_sent_and_nothing_said() {
    let mut cloud = Cloud::with_ada();
    assert!(cloud.letters(ADA, add("grace@example.org")).is_empty());
    assert_eq!(cloud.mail_of("grace"), None);
}

#[test]
fn no_more_letters_wait_than_memory_is_meant_for() {
    let mut cloud = Cloud::with_mail();
    let mut sent = 0;
    for n in 0..5_010 {
        let letters = cloud.letters(ADA, add(&format!("p{n}@example.org")));
        sent += letters.len();
    }
    assert_eq!(sent, 5_000);
    let too_many =
        Fate::Failed { why: Redacted("too many letters wait for the mail server".into()) };
    assert_eq!(cloud.mail_of("p5009@"), Some(too_many));
}

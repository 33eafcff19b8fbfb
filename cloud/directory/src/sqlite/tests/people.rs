//! People, sessions and invitations.

use super::*;
use crate::access::Role;
use crate::password::{Password, PasswordHash};
use crate::people::{AddPersonError, People, Person, Session, Standing, TokenHash};
use conclave_types::{PersonId, Redacted};

pub(super) fn person(n: u128, email: &str) -> Person {
    let password = Password::new(format!("password {n}"));
    Person {
        id: PersonId::from_random(n),
        organisation: OrganisationId::FIRST,
        email: email.parse().unwrap(),
        name: format!("Person {n}").parse().unwrap(),
        role: Role::Administrator,
        standing: Standing::Active,
        password: PasswordHash::new(&password, &[7; 16]),
        created_at: NOW,
    }
}

fn session(n: u8, of: &Person, at: UnixTime) -> Session {
    Session {
        token: TokenHash([n; 32]),
        person: of.id,
        device: TokenHash([n | 0x80; 32]),
        source: Redacted("192.0.2.1".into()),
        created_at: at,
        seen_at: at,
        both_factors: n == 4,
    }
}

#[test]
fn people_are_kept_by_organisation_and_an_address_is_theirs_once_in_each() {
    let mut directory = directory();
    let hospital =
        Organisation { id: OrganisationId::from_random(7), name: "Hospital".parse().unwrap() };
    directory.add_organisation(&hospital).unwrap();
    assert!(!directory.anybody().unwrap());
    let ada = person(1, "ada@example.org");
    directory.add_person(&ada).unwrap();
    assert!(directory.anybody().unwrap());
    let again = directory.add_person(&person(2, "ada@example.org"));
    assert!(matches!(again, Err(AddPersonError::EmailTaken)));
    let elsewhere = Person { organisation: hospital.id, ..person(3, "ada@example.org") };
    directory.add_person(&elsewhere).unwrap();

    assert_eq!(directory.person(OrganisationId::FIRST, ada.id).unwrap(), Some(ada.clone()));
    assert_eq!(directory.person(hospital.id, ada.id).unwrap(), None, "not theirs, so not there");
    assert_eq!(directory.people(hospital.id).unwrap(), std::slice::from_ref(&elsewhere));
    let both = directory.people_with_email(&ada.email).unwrap();
    assert_eq!(both, [ada.clone(), elsewhere]);

    let changed =
        Person { role: Role::Member, standing: Standing::Suspended, password: None, ..ada };
    assert!(directory.keep_person(&changed).unwrap());
    assert_eq!(directory.person(OrganisationId::FIRST, changed.id).unwrap(), Some(changed.clone()));
    assert!(directory.remove_person(changed.id).unwrap());
    assert!(!directory.remove_person(changed.id).unwrap(), "once");
    assert!(!directory.keep_person(&changed).unwrap());
}

#[test]
fn sessions_end_one_by_one_all_but_one_after_their_time_and_with_their_person() {
    let mut directory = directory();
    let (ada, grace) = (person(1, "ada@example.org"), person(2, "grace@example.org"));
    directory.add_person(&ada).unwrap();
    directory.add_person(&grace).unwrap();
    let later = NOW.after(Duration::from_secs(600));
    for each in [
        session(1, &ada, NOW),
        session(2, &ada, NOW),
        session(3, &ada, NOW),
        session(4, &grace, NOW),
    ] {
        directory.add_session(&each).unwrap();
    }
    directory.session_seen(TokenHash([1; 32]), later).unwrap();
    let (found, whose) = directory.session(TokenHash([1; 32])).unwrap().unwrap();
    assert_eq!((found.seen_at, whose), (later, ada.clone()));
    assert!(directory.end_session(TokenHash([2; 32])).unwrap());
    assert!(!directory.end_session(TokenHash([2; 32])).unwrap());
    assert_eq!(directory.end_sessions(ada.id, Some(TokenHash([1; 32]))).unwrap(), 1);
    assert_eq!(directory.session(TokenHash([3; 32])).unwrap(), None);

    assert_eq!(directory.remove_sessions(NOW).unwrap(), 0);
    assert_eq!(directory.remove_sessions(later).unwrap(), 1, "Grace's was not used since");
    directory.remove_person(ada.id).unwrap();
    assert_eq!(directory.session(TokenHash([1; 32])).unwrap(), None);
}

#[test]
fn a_browser_is_known_where_somebody_signed_in_with_it_and_stays_so_after_signing_out() {
    let mut directory = directory();
    let (ada, grace) = (person(1, "ada@example.org"), person(2, "grace@example.org"));
    directory.add_person(&ada).unwrap();
    directory.add_person(&grace).unwrap();
    let signed_in = session(1, &ada, NOW);
    directory.add_session(&signed_in).unwrap();
    directory.end_session(signed_in.token).unwrap();
    assert!(directory.known_device(signed_in.device, &ada.email).unwrap());
    assert!(!directory.known_device(signed_in.device, &grace.email).unwrap());
    assert!(!directory.known_device(TokenHash([9; 32]), &ada.email).unwrap());
    let year = Duration::from_secs(31_536_000);
    directory.remove_sessions(NOW.after(year)).unwrap();
    assert!(directory.known_device(signed_in.device, &ada.email).unwrap());
    directory.remove_sessions(NOW.after(year + Duration::from_secs(1))).unwrap();
    assert!(!directory.known_device(signed_in.device, &ada.email).unwrap());
    directory.add_session(&signed_in).unwrap();
    // Signed in once more with the same browser.
    directory.add_session(&Session { token: TokenHash([2; 32]), ..signed_in }).unwrap();
}

#[test]
fn an_invitation_replaces_the_one_before_and_runs_out() {
    let mut directory = directory();
    let ada = person(1, "ada@example.org");
    directory.add_person(&ada).unwrap();
    let until = NOW.after(Duration::from_secs(60));
    let (first, second) = (TokenHash([1; 32]), TokenHash([2; 32]));
    directory.add_invitation(first, ada.id, until).unwrap();
    assert_eq!(directory.invited(first, NOW).unwrap(), Some(ada.clone()));
    directory.add_invitation(second, ada.id, until).unwrap();
    assert_eq!(directory.invited(first, NOW).unwrap(), None);
    assert_eq!(directory.invited(second, until).unwrap(), None, "it has run out");
    directory.remove_sessions(until.after(Duration::from_secs(1))).unwrap();
    assert_eq!(directory.invited(second, NOW).unwrap(), None, "and is forgotten");
}

#[test]
fn hidden_meeting_rooms_and_their_records_are_read_by_those_who_may() {
    let mut directory = directory();
    let (owner, moderator, other) =
        (person(1, "a@x.org"), person(2, "b@x.org"), person(3, "c@x.org"));
    for each in [&owner, &moderator, &other] {
        directory.add_person(each).unwrap();
    }
    let nobody = PersonId::from_random(77);
    let hidden = Vmr {
        hidden: true,
        once: true,
        owner: Some(owner.id),
        moderators: vec![moderator.id, nobody],
        ..vmr(1, "123456789", None)
    };
    directory.add_vmr(&hidden).unwrap();
    let kept = directory.vmr_with_id(hidden.id).unwrap().unwrap();
    assert_eq!(
        kept,
        Vmr { moderators: vec![moderator.id], ..hidden },
        "who is not there is left out"
    );

    let [started, joined] = joined(1);
    let RecordEntry::Started { meeting, organisation, vmr, number, name, at, .. } = started else {
        panic!()
    };
    let started = RecordEntry::Started {
        meeting,
        organisation,
        vmr,
        number,
        name,
        hidden: true,
        organiser: None,
        at,
    };
    directory.keep(&[started, joined]).unwrap();
    let seen = |directory: &SqliteDirectory, sight| {
        directory.call_records(OrganisationId::FIRST, sight, 9).unwrap().len()
    };
    for (sight, records) in [
        (Sight::All, 1),
        (Sight::Plain, 0),
        (Sight::Of(owner.id), 1),
        (Sight::Of(moderator.id), 1),
        (Sight::Of(other.id), 0),
    ] {
        assert_eq!(seen(&directory, sight), records, "{sight:?}");
        assert_eq!(kept.seen_by(sight), records == 1, "{sight:?}");
    }
    // Without its owner it is the moderators'; another list of them takes the place of the first.
    directory.remove_person(owner.id).unwrap();
    assert_eq!(directory.vmr_with_id(kept.id).unwrap().unwrap().owner, None);
    directory.set_moderators(kept.id, &[other.id, other.id]).unwrap();
    assert_eq!(seen(&directory, Sight::Of(moderator.id)), 0);
    assert_eq!(seen(&directory, Sight::Of(other.id)), 1);
    directory.remove_vmr(kept.id).unwrap();
    assert_eq!(seen(&directory, Sight::Of(other.id)), 0, "removed, it stays hidden");
    assert_eq!(seen(&directory, Sight::All), 1);
}

//! Passkeys: whose they are, what signing in with one is worth, and that each signature counts once.

use super::people::{SOURCE, ada, browser, hash, token};
use super::*;
use crate::accounts::{AccountAnswer, AccountRequest, First};
use conclave_directory::access::Role;
use conclave_directory::sign_in::{FREE, FREE_OF_SOURCE};
use conclave_directory::{CredentialId, MOST_PASSKEYS, SecondFactor};

const ADA: u8 = 1;
const OTHER: u8 = 2;
const THIRD: u8 = 3;

fn credential(n: u8) -> CredentialId {
    CredentialId::new(&[n; 16]).unwrap()
}

/// A key that has signed so often.
fn key(signed: u32) -> String {
    format!("{{\"counter\":{signed}}}")
}

impl Cloud {
    fn add_passkey(&mut self, session: u8, n: u8) -> AccountAnswer {
        self.account(AccountRequest::AddPasskey {
            session: token(session),
            credential: credential(n),
            name: "Telephone".parse().unwrap(),
            public_key: key(0),
        })
    }

    fn passkeys(&mut self, session: u8) -> Vec<PasskeyId> {
        match self.account(AccountRequest::Passkeys { session: token(session) }) {
            AccountAnswer::Passkeys(passkeys) => passkeys.iter().map(|each| each.id).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn remove_passkey(&mut self, session: u8, passkey: PasskeyId) -> AccountAnswer {
        self.account(AccountRequest::RemovePasskey { session: token(session), passkey })
    }

    fn show(&mut self, n: u8, person: PersonId) -> AccountAnswer {
        let (credential, source) = (credential(n), SOURCE);
        self.account(AccountRequest::BeginPasskey { credential, person, source, device: None })
    }

    /// As somebody whose device signed rightly does.
    fn signed(&mut self, n: u8, counts: (u32, u32), session: u8) -> AccountAnswer {
        self.account(AccountRequest::SignInWithPasskey {
            credential: credential(n),
            before: key(counts.0),
            after: key(counts.1),
            known: None,
            browser: browser(session),
        })
    }
}

#[test]
fn a_passkey_signs_its_owner_in_each_signature_once_and_until_it_is_removed() {
    let mut cloud = Cloud::with_ada();
    assert_eq!(cloud.add_passkey(ADA, 7), AccountAnswer::Done);
    let me = cloud.who(ADA).unwrap();
    assert_eq!((me.passkeys, me.second_factor), (1, false));
    let AccountAnswer::Passkey(kept) = cloud.show(7, me.person) else { panic!("not found") };
    assert_eq!(kept.public_key, key(0));
    assert_eq!(cloud.show(7, PersonId::from_random(99)), AccountAnswer::Nobody, "another's handle");
    assert_eq!(cloud.show(8, me.person), AccountAnswer::Nobody, "no such key");
    assert!(matches!(cloud.signed(7, (0, 1), OTHER), AccountAnswer::Person(_)));
    assert_eq!(cloud.signed(7, (0, 1), THIRD), AccountAnswer::Nobody, "it was used from there");
    assert!(matches!(cloud.signed(7, (1, 2), THIRD), AccountAnswer::Person(_)));
    // The password still lets in where nobody wants two factors.
    assert!(matches!(cloud.sign_in(&ada(), 4), AccountAnswer::Person(_)));
    let ids = cloud.passkeys(ADA);
    assert_eq!(cloud.remove_passkey(ADA, ids[0]), AccountAnswer::Done);
    assert_eq!(cloud.signed(7, (2, 3), 5), AccountAnswer::Nobody);
    let failed = AccountRequest::FailedPasskey { credential: credential(7), source: SOURCE };
    cloud.account(failed);
    let log = ControlRequest::AuditList { installation: false, below: None, most: 9 };
    let ControlAnswer::Audit { rows } = cloud.browse(ADA, log) else { panic!() };
    let acts: Vec<_> = rows.iter().map(|row| (row.act.as_str(), row.after.0.as_str())).collect();
    assert!(acts.contains(&("person.passkey_add", "Telephone")), "{acts:?}");
    assert!(acts.contains(&("person.passkey_remove", "")), "{acts:?}");
    assert!(acts.contains(&("session.begin", "with a passkey")), "{acts:?}");
    assert!(!acts.iter().any(|(act, _)| *act == "session.refused"), "nobody's any more");
}

#[test]
fn a_passkey_is_one_person_s_and_nobody_has_more_than_so_many() {
    let mut cloud = Cloud::with_ada();
    cloud.person("max@example.org", Role::Member, OTHER);
    cloud.add_passkey(ADA, 7);
    let AccountAnswer::Refused { code, .. } = cloud.add_passkey(OTHER, 7) else { panic!() };
    assert_eq!(code, RefusalCode::PasskeyKnown);
    assert_eq!(cloud.add_passkey(99, 8), AccountAnswer::Nobody, "no session");
    let hers = cloud.passkeys(ADA)[0];
    let AccountAnswer::Refused { code, .. } = cloud.remove_passkey(OTHER, hers) else { panic!() };
    assert_eq!(code, RefusalCode::Gone, "not theirs is not there");
    for n in 0..MOST_PASSKEYS {
        assert_eq!(cloud.add_passkey(OTHER, 100 + u8::try_from(n).unwrap()), AccountAnswer::Done);
    }
    let AccountAnswer::Refused { code, .. } = cloud.add_passkey(OTHER, 99) else { panic!() };
    assert_eq!(code, RefusalCode::TooMany);
    // Who is suspended does not come in; whose factors were taken away has none.
    let suspend = |suspended| ControlRequest::PersonChange {
        person: "max@example.org".into(),
        name: None,
        role: None,
        suspended: Some(suspended),
    };
    cloud.browse(ADA, suspend(true));
    assert_eq!(cloud.signed(100, (0, 1), THIRD), AccountAnswer::Nobody);
    cloud.browse(ADA, suspend(false));
    let off = ControlRequest::PersonSecondFactorOff { person: "max@example.org".into() };
    let ControlAnswer::PersonChanged { person } = cloud.browse(ADA, off) else { panic!() };
    assert_eq!(person.passkeys, 0);
    assert_eq!(cloud.signed(100, (0, 1), THIRD), AccountAnswer::Nobody);
}

#[test]
fn where_two_factors_are_wanted_a_passkey_is_both_and_the_password_alone_lets_nobody_in() {
    let mut cloud = Cloud::with_ada();
    assert!(matches!(cloud.sign_in(&ada(), OTHER), AccountAnswer::Person(_)));
    let want = |of: &str| ControlRequest::EntryTwoFactors { of: of.into() };
    cloud.browse(ADA, want("everybody"));
    assert_eq!(cloud.who(ADA).unwrap().first, Some(First::SetUp));
    assert_eq!(cloud.add_passkey(ADA, 7), AccountAnswer::Done);
    assert_eq!(cloud.who(ADA).unwrap().first, None, "her device was unlocked in this session");
    // Another browser, in which she typed the password alone, is none in which a factor is set up or removed.
    assert_eq!(cloud.who(OTHER).unwrap().first, Some(First::SignInAgain));
    assert_eq!(cloud.add_passkey(OTHER, 8), AccountAnswer::Nobody);
    let list = || ControlRequest::VmrList { part: Part::default() };
    assert_eq!(cloud.browse(OTHER, list()), ControlAnswer::SecondFactorWanted);
    let hers = cloud.passkeys(ADA)[0];
    assert_eq!(cloud.remove_passkey(OTHER, hers), AccountAnswer::Nobody);
    let factor = SecondFactor { sealed: vec![1], confirmed: true, last_step: 0 };
    let (session, recovery) = (token(OTHER), Vec::new());
    let keep = AccountRequest::KeepSecondFactor { session, factor, recovery };
    assert_eq!(cloud.account(keep), AccountAnswer::Nobody);
    // The right password is answered with that, and opens nothing.
    let begin = AccountRequest::BeginSignIn { email: ada(), source: SOURCE, device: None };
    let AccountAnswer::Try { candidates } = cloud.account(begin) else { panic!("waits") };
    assert!(candidates[0].passkey_wanted);
    assert_eq!(cloud.sign_in(&ada(), THIRD), AccountAnswer::Nobody);
    let AccountAnswer::Person(me) = cloud.signed(7, (0, 1), THIRD) else { panic!("not in") };
    assert_eq!(me.first, None);
    // A link for a new password is no way round it either.
    let invite = ControlRequest::PersonInvite { person: "ada@example.org".into() };
    let (ControlAnswer::PersonInvited { invitation, .. }, _) = cloud.admin(invite) else {
        panic!()
    };
    let link = conclave_directory::Token::from_hex(invitation.expose()).unwrap().hash();
    let (password, browser) = (hash(6), browser(6));
    let accept = AccountRequest::AcceptInvitation { token: link, password, browser };
    assert_eq!(cloud.account(accept), AccountAnswer::Done);
    assert!(cloud.who(6).is_none());
    // The last factor stays while it is wanted.
    cloud.signed(7, (1, 2), ADA);
    let AccountAnswer::Refused { code, .. } = cloud.remove_passkey(ADA, hers) else { panic!() };
    assert_eq!(code, RefusalCode::NoFactorLeft);
    cloud.add_passkey(ADA, 8);
    assert_eq!(cloud.remove_passkey(ADA, hers), AccountAnswer::Done, "another one is left");
}

#[test]
fn who_shows_keys_that_are_none_waits_and_the_owner_does_not_for_what_others_did_with_passwords() {
    let mut cloud = Cloud::with_ada();
    cloud.add_passkey(ADA, 7);
    let person = cloud.who(ADA).unwrap().person;
    for _ in 0..=FREE {
        let begin = AccountRequest::BeginSignIn { email: ada(), source: SOURCE, device: None };
        cloud.account(begin);
    }
    assert!(matches!(cloud.show(7, person), AccountAnswer::Passkey(_)));
    for _ in 0..FREE_OF_SOURCE {
        cloud.show(9, person);
    }
    assert!(matches!(cloud.show(7, person), AccountAnswer::Wait { .. }));
    let known = AccountRequest::BeginPasskey {
        credential: credential(7),
        person,
        source: SOURCE,
        device: Some(browser(ADA).device),
    };
    assert!(matches!(cloud.account(known), AccountAnswer::Passkey(_)), "her own browser");
}

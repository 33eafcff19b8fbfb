//! The second factor: asked for once it is confirmed, each code good once, taken away by its owner or an administrator.

use super::people::{SOURCE, ada, browser, hash, token};
use super::*;
use crate::accounts::{AccountAnswer, AccountRequest, Candidate, Proof};
use conclave_directory::access::Role;
use conclave_directory::{RecoveryCode, SecondFactor, TokenHash};

const ADA: u8 = 1;
const OTHER: u8 = 2;

fn factor(confirmed: bool, last_step: u64) -> SecondFactor {
    SecondFactor { sealed: vec![1, 2, 3], confirmed, last_step }
}

impl Cloud {
    fn keep(&mut self, session: u8, factor: SecondFactor, recovery: &[&str]) -> AccountAnswer {
        let session = token(session);
        let recovery = recovery.iter().map(|code| RecoveryCode::hash(code)).collect();
        self.account(AccountRequest::KeepSecondFactor { session, factor, recovery })
    }

    fn candidate(&mut self) -> Candidate {
        let begin = AccountRequest::BeginSignIn { email: ada(), source: SOURCE, device: None };
        let AccountAnswer::Try { candidates } = self.account(begin) else { panic!("waits") };
        candidates.into_iter().next().unwrap()
    }

    fn shows(&mut self, proof: Option<Proof>) -> bool {
        let candidate = self.candidate();
        let answer = self.sign_in_with(candidate, OTHER, proof);
        let shown = matches!(answer, AccountAnswer::Person(_));
        assert_eq!(self.who(OTHER).is_some(), shown);
        self.account(AccountRequest::SignOut { session: token(OTHER) });
        shown
    }
}

#[test]
fn it_is_asked_for_once_it_is_confirmed_and_each_code_is_good_once() {
    let mut cloud = Cloud::with_ada();
    assert_eq!(cloud.keep(ADA, factor(false, 0), &[]), AccountAnswer::Done);
    let candidate = cloud.candidate();
    assert_eq!(candidate.second_factor, None, "nobody has shown that an app has it");
    assert!(matches!(cloud.sign_in_with(candidate, OTHER, None), AccountAnswer::Person(_)));
    assert_eq!(
        cloud.keep(ADA, factor(true, 40), &["aaaaa-bbbbb", "ccccc-ddddd"]),
        AccountAnswer::Done
    );
    assert_eq!(cloud.who(OTHER), None, "who came in by the password alone is signed out");
    assert!(cloud.who(ADA).unwrap().second_factor);
    assert_eq!(cloud.candidate().second_factor, Some(factor(true, 40)));
    let recovery = |code: &str| Some(Proof::Recovery(RecoveryCode::hash(code)));
    for (proof, good) in [
        (None, false),
        (Some(Proof::Step(40)), false),
        (Some(Proof::Step(41)), true),
        (Some(Proof::Step(41)), false),
        (Some(Proof::Step(39)), false),
        (recovery("AAAAA BBBBB"), true),
        (recovery("aaaaa-bbbbb"), false),
        (recovery("eeeee-fffff"), false),
        (Some(Proof::Recovery(TokenHash([0; 32]))), false),
        (Some(Proof::Step(42)), true),
    ] {
        // Each wrong one counts: the next may have to wait.
        cloud.later(3_600);
        assert_eq!(cloud.shows(proof), good, "{proof:?}");
    }
}

#[test]
fn a_link_for_a_new_password_does_not_let_in_whoever_has_not_got_the_app() {
    let mut cloud = Cloud::with_ada();
    cloud.keep(ADA, factor(true, 0), &[]);
    let invite = ControlRequest::PersonInvite { person: "ada@example.org".into() };
    let (ControlAnswer::PersonInvited { invitation, person, .. }, _) = cloud.admin(invite) else {
        panic!("not invited")
    };
    assert!(person.second_factor);
    let token = conclave_directory::Token::from_hex(invitation.expose()).unwrap().hash();
    let accept =
        AccountRequest::AcceptInvitation { token, password: hash(7), browser: browser(OTHER) };
    assert_eq!(cloud.account(accept), AccountAnswer::Done);
    assert_eq!(cloud.who(OTHER), None);
    assert!(!cloud.shows(None));
    assert!(cloud.shows(Some(Proof::Step(1))), "with the new password and the app");
}

#[test]
fn nobody_swaps_a_factor_for_one_that_is_not_confirmed_and_an_administrator_takes_one_away() {
    let mut cloud = Cloud::with_ada();
    cloud.person("max@example.org", Role::Member, OTHER);
    cloud.keep(OTHER, factor(true, 0), &[]);
    assert_eq!(cloud.keep(OTHER, factor(false, 0), &[]), AccountAnswer::Nobody);
    assert!(cloud.who(OTHER).unwrap().second_factor);
    assert_eq!(cloud.keep(99, factor(true, 0), &[]), AccountAnswer::Nobody, "no session");
    let off = || ControlRequest::PersonSecondFactorOff { person: "max@example.org".into() };
    assert_eq!(cloud.browse(OTHER, off()), ControlAnswer::NotAllowed);
    let ControlAnswer::PersonChanged { person } = cloud.browse(ADA, off()) else { panic!() };
    assert!(!person.second_factor && !cloud.who(OTHER).unwrap().second_factor);
    let ControlAnswer::Refused { code, .. } = cloud.browse(ADA, off()) else { panic!() };
    assert_eq!(code, RefusalCode::Gone);
    cloud.keep(OTHER, factor(true, 0), &[]);
    let remove = AccountRequest::RemoveSecondFactor { session: token(OTHER) };
    assert_eq!(cloud.account(remove), AccountAnswer::Done);
    assert!(!cloud.who(OTHER).unwrap().second_factor);
    let log = ControlRequest::AuditList { installation: false, below: None, most: 9 };
    let ControlAnswer::Audit { rows } = cloud.browse(ADA, log) else { panic!() };
    let acts: Vec<&str> = rows.iter().map(|row| row.act.as_str()).collect();
    assert_eq!(acts.iter().filter(|act| **act == "person.second_factor_off").count(), 2);
}

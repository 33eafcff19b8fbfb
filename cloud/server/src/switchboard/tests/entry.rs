//! The door: who makes themselves an account, by a letter and a link; of whom a second factor is wanted.

use super::people::{SOURCE, ada, browser, hash, token};
use super::*;
use crate::accounts::{AccountAnswer, AccountRequest, First, Proof, Source};
use crate::letters::{Content, Letter};
use conclave_directory::access::Role;
use conclave_directory::sign_up::{FROM_ONE, LETTERS_TO_ONE};
use conclave_directory::{RecoveryCode, SecondFactor};

const ADA: u8 = 1;
const OTHER: u8 = 2;
const THIRD: u8 = 3;
const DAY: u64 = 86_400;

fn factor() -> SecondFactor {
    SecondFactor { sealed: vec![1], confirmed: true, last_step: 0 }
}

impl Cloud {
    fn with_domain() -> Cloud {
        let mut cloud = Cloud::with_ada();
        cloud.board.post = super::super::mail::Post::new(true);
        cloud.entry(ControlRequest::EntryAllow { domain: "example.org".into() });
        cloud
    }

    fn entry(&mut self, request: ControlRequest) -> Vec<String> {
        match self.browse(ADA, request) {
            ControlAnswer::Entry { entry } => entry.domains,
            other => panic!("{other:?}"),
        }
    }

    fn want(&mut self, of: &str) {
        self.entry(ControlRequest::EntryTwoFactors { of: of.into() });
    }

    /// What is answered, and the letter that is written.
    fn asks(&mut self, email: &str, n: u8) -> (AccountAnswer, Option<Letter>) {
        let source = Source(std::net::Ipv4Addr::new(198, 51, 100, n).into());
        let email = email.parse().unwrap();
        let request = AccountRequest::AskToSignUp { email, source };
        let (mut said, mut letter) = (None, None);
        for output in self.give(Input::Account { id: ControlId(5), request }) {
            match output {
                Output::AccountAnswer { answer, .. } => said = Some(answer),
                Output::Mail(written) => letter = Some(*written),
                other => panic!("{other:?}"),
            }
        }
        (said.unwrap(), letter)
    }

    /// The token of the link that somebody is sent.
    fn sign_up_link(&mut self, email: &str, n: u8) -> Option<TokenHash> {
        let (_, letter) = self.asks(email, n);
        match letter?.content {
            Content::SignUp { link, .. } => {
                let (secret, _) = link?;
                Some(conclave_directory::Token::from_hex(secret.expose())?.hash())
            }
            other => panic!("{other:?}"),
        }
    }

    fn accept(&mut self, token: TokenHash, session: u8) -> AccountAnswer {
        let (name, password) = ("Max".parse().unwrap(), hash(session));
        let browser = browser(session);
        self.account(AccountRequest::AcceptSignUp { token, name, password, browser })
    }

    fn acts_kept(&mut self) -> Vec<String> {
        let log = ControlRequest::AuditList { installation: false, below: None, most: 50 };
        let (ControlAnswer::Audit { rows }, _) = self.admin(log) else { panic!() };
        rows.into_iter().map(|row| row.act).collect()
    }
}

#[test]
fn somebody_with_an_address_of_the_domain_becomes_a_member_by_the_link_in_a_letter() {
    let mut cloud = Cloud::with_domain();
    let door = cloud.account(AccountRequest::Door);
    assert_eq!(door, AccountAnswer::Door { sign_up: true });
    let link = cloud.sign_up_link("max@example.org", 1).unwrap();
    let found = cloud.account(AccountRequest::SignUp { token: link });
    let organisation = "Hospital".parse().unwrap();
    let email: EmailAddress = "max@example.org".parse().unwrap();
    assert_eq!(found, AccountAnswer::SignUp { organisation, email: email.clone() });
    let AccountAnswer::Person(me) = cloud.accept(link, OTHER) else { panic!("not in") };
    assert_eq!((me.role, me.email, me.first), (Role::Member, email.clone(), None));
    assert_eq!(cloud.accept(link, THIRD), AccountAnswer::Nobody, "good once");
    assert!(matches!(cloud.sign_in(&email, THIRD), AccountAnswer::Person(_)));
    let acts = cloud.acts_kept();
    for act in ["entry.allow", "person.sign_up", "session.begin"] {
        assert!(acts.iter().any(|each| each == act), "{act}: {acts:?}");
    }
    assert!(cloud.shown.iter().any(|(_, topics)| topics.contains(&Topic::People)));
}

#[test]
fn whoever_asks_learns_nothing_and_only_the_owner_of_an_address_is_written_to() {
    let mut cloud = Cloud::with_domain();
    for (n, email) in ["ada@example.org", "new@example.org", "x@example.com", "x@sub.example.org"]
        .into_iter()
        .enumerate()
    {
        let (answer, letter) = cloud.asks(email, u8::try_from(n).unwrap());
        assert_eq!(answer, AccountAnswer::Done, "{email}");
        let link = letter.map(|letter| {
            assert_eq!(letter.to.as_str(), email);
            matches!(letter.content, Content::SignUp { link: Some(_), .. })
        });
        let expected = [Some(false), Some(true), None, None][n];
        assert_eq!(link, expected, "{email}: who has an account is told so in the letter");
    }
    // Nor is anybody told that no letter goes to an address any more.
    for n in 1..LETTERS_TO_ONE {
        assert!(cloud.asks("new@example.org", 100 + u8::try_from(n).unwrap()).1.is_some());
    }
    assert_eq!(cloud.asks("new@example.org", 200), (AccountAnswer::Done, None));
    for n in 0..FROM_ONE {
        assert_eq!(cloud.asks(&format!("p{n}@nowhere.example"), 77), (AccountAnswer::Done, None));
    }
    let (answer, letter) = cloud.asks("last@example.org", 77);
    assert_eq!((answer, letter), (AccountAnswer::Wait { seconds: 3_600 }, None));
    // Without a mail server nobody is offered it, and nothing is kept.
    cloud.board.post = super::super::mail::Post::new(false);
    assert_eq!(cloud.account(AccountRequest::Door), AccountAnswer::Door { sign_up: false });
    assert_eq!(cloud.asks("late@example.org", 78), (AccountAnswer::Done, None));
}

#[test]
fn a_link_is_good_for_a_day_while_its_domain_is_allowed_and_the_address_free() {
    let mut cloud = Cloud::with_domain();
    let link = cloud.sign_up_link("max@example.org", 1).unwrap();
    let second = cloud.sign_up_link("max@example.org", 1).unwrap();
    assert_eq!(cloud.accept(link, OTHER), AccountAnswer::Nobody, "a later one was made");
    cloud.entry(ControlRequest::EntryWithdraw { domain: "example.org".into() });
    assert_eq!(cloud.accept(second, OTHER), AccountAnswer::Nobody, "withdrawn");
    cloud.entry(ControlRequest::EntryAllow { domain: "example.org".into() });
    // Somebody was invited meanwhile.
    cloud.person("max@example.org", Role::Organiser, THIRD);
    let AccountAnswer::Refused { code, .. } = cloud.accept(second, OTHER) else { panic!() };
    assert_eq!(code, RefusalCode::AddressTaken);
    let other = cloud.sign_up_link("grace@example.org", 1).unwrap();
    cloud.later(DAY);
    assert_eq!(cloud.accept(other, OTHER), AccountAnswer::Nobody, "too old");
}

#[test]
fn a_domain_is_one_organisation_s_and_only_administrators_say_so() {
    let mut cloud = Cloud::with_domain();
    cloud.person("max@example.org", Role::Member, OTHER);
    for request in [
        ControlRequest::EntryShow,
        ControlRequest::EntryTwoFactors { of: "everybody".into() },
        ControlRequest::EntryAllow { domain: "example.net".into() },
        ControlRequest::EntryWithdraw { domain: "example.org".into() },
    ] {
        assert_eq!(cloud.browse(OTHER, request), ControlAnswer::NotAllowed);
    }
    let name = "School".parse().unwrap();
    let (ControlAnswer::OrganisationAdded { organisation }, _) =
        cloud.admin(ControlRequest::OrganisationAdd { name })
    else {
        panic!()
    };
    cloud.whose = organisation.organisation;
    for (domain, code) in [
        ("example.org", RefusalCode::DomainTaken),
        ("gmail.com", RefusalCode::FreeMail),
        ("nothing", RefusalCode::Domain),
    ] {
        let (answer, _) = cloud.admin(ControlRequest::EntryAllow { domain: domain.into() });
        assert!(
            matches!(answer, ControlAnswer::Refused { code: why, .. } if why == code),
            "{domain}: {answer:?}"
        );
    }
    let (gone, _) = cloud.admin(ControlRequest::EntryWithdraw { domain: "example.org".into() });
    assert!(matches!(gone, ControlAnswer::Refused { code: RefusalCode::Gone, .. }), "not theirs");
    let log = ControlRequest::AuditList { installation: false, below: None, most: 9 };
    let (ControlAnswer::Audit { rows }, _) = cloud.admin(log) else { panic!() };
    assert!(rows.is_empty(), "what was refused leaves no row: {rows:?}");
    for n in 0..conclave_directory::entry::MOST_DOMAINS {
        let (answer, _) =
            cloud.admin(ControlRequest::EntryAllow { domain: format!("d{n}.example") });
        assert!(matches!(answer, ControlAnswer::Entry { .. }), "{answer:?}");
    }
    let (answer, _) = cloud.admin(ControlRequest::EntryAllow { domain: "more.example".into() });
    assert!(matches!(answer, ControlAnswer::Refused { code: RefusalCode::TooMany, .. }));
}

#[test]
fn who_has_no_second_factor_and_is_to_have_one_does_nothing_else_before() {
    let mut cloud = Cloud::with_ada();
    cloud.person("max@example.org", Role::Member, OTHER);
    cloud.want("administrators");
    assert_eq!(cloud.who(ADA).unwrap().first, Some(First::SetUp));
    assert_eq!(cloud.who(OTHER).unwrap().first, None);
    let list = || ControlRequest::VmrList { part: Part::default() };
    assert_eq!(cloud.browse(ADA, list()), ControlAnswer::SecondFactorWanted);
    assert!(matches!(cloud.browse(OTHER, list()), ControlAnswer::Vmrs { .. }));
    let change = AccountRequest::ChangePassword { session: token(ADA), old: hash(1), new: hash(5) };
    assert_eq!(cloud.account(change), AccountAnswer::Nobody);
    // By the password alone she is in, and led there; with the app she goes on.
    let AccountAnswer::Person(me) = cloud.sign_in(&ada(), THIRD) else { panic!("not in") };
    assert_eq!(me.first, Some(First::SetUp));
    let (session, recovery) = (token(ADA), vec![RecoveryCode::hash("aaaaa-bbbbb")]);
    let keep = AccountRequest::KeepSecondFactor { session, factor: factor(), recovery };
    assert_eq!(cloud.account(keep), AccountAnswer::Done);
    assert_eq!(cloud.who(ADA).unwrap().first, None);
    assert!(matches!(cloud.browse(ADA, list()), ControlAnswer::Vmrs { .. }));
    // She cannot turn it off while it is wanted, and signs in with it.
    let off = AccountRequest::RemoveSecondFactor { session };
    let AccountAnswer::Refused { code, .. } = cloud.account(off.clone()) else { panic!() };
    assert_eq!(code, RefusalCode::NoFactorLeft);
    let begin = AccountRequest::BeginSignIn { email: ada(), source: SOURCE, device: None };
    let AccountAnswer::Try { candidates } = cloud.account(begin) else { panic!("waits") };
    let proof = Some(Proof::Recovery(RecoveryCode::hash("aaaaa-bbbbb")));
    let candidate = candidates.into_iter().next().unwrap();
    let AccountAnswer::Person(me) = cloud.sign_in_with(candidate, THIRD, proof) else {
        panic!("not in")
    };
    assert_eq!(me.first, None);
    cloud.want("whoever_wants");
    assert_eq!(cloud.account(off), AccountAnswer::Done);
    assert!(cloud.acts_kept().iter().any(|act| act == "entry.two_factors"));
}

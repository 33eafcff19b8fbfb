//! People: the first administrator, sessions and their ends, what each role may ask.

use super::*;
use crate::accounts::{AccountAnswer, AccountRequest, Browser, Candidate, Me, Proof, Source};
use conclave_directory::access::Role;
use conclave_directory::{Password, PasswordHash};
use std::net::{IpAddr, Ipv4Addr};

pub(super) const SOURCE: Source = Source(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
const HOUR: u64 = 3_600;

pub(super) fn token(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

pub(super) fn browser(n: u8) -> Browser {
    Browser { session: token(n), device: token(n | 0x80), source: SOURCE }
}

pub(super) fn hash(n: u8) -> PasswordHash {
    PasswordHash::new(&Password::new(format!("password {n}")), &[n; 16]).unwrap()
}

pub(super) fn ada() -> EmailAddress {
    "ada@example.org".parse().unwrap()
}

impl Cloud {
    pub(super) fn account(&mut self, request: AccountRequest) -> AccountAnswer {
        let outputs = self.give(Input::Account { id: ControlId(5), request });
        match outputs.into_iter().next() {
            Some(Output::AccountAnswer { answer, .. }) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn browse(&mut self, session: u8, request: ControlRequest) -> ControlAnswer {
        let input = Input::Console {
            id: ControlId(6),
            by: Credential::Session(token(session)),
            source: SOURCE,
            request,
        };
        let answer = self.give(input).into_iter().find_map(|output| match output {
            Output::Answer { answer, .. } => Some(answer),
            _ => None,
        });
        answer.unwrap()
    }

    fn set_up(&mut self, link: TokenHash, session: u8) -> AccountAnswer {
        self.account(AccountRequest::SetUp {
            token: link,
            organisation: "Hospital".parse().unwrap(),
            name: "Ada".parse().unwrap(),
            email: ada(),
            password: hash(1),
            browser: browser(session),
        })
    }

    /// A cloud with an administrator, who is signed in by session 1.
    pub(super) fn with_ada() -> Cloud {
        let mut cloud = Cloud::new();
        cloud.board.set_up_with(token(9));
        assert!(matches!(cloud.set_up(token(9), 1), AccountAnswer::Person(_)));
        cloud
    }

    pub(super) fn who(&mut self, session: u8) -> Option<Me> {
        match self.account(AccountRequest::Who { session: token(session) }) {
            AccountAnswer::Person(me) => Some(*me),
            AccountAnswer::Nobody => None,
            other => panic!("{other:?}"),
        }
    }

    /// As somebody with the right password does.
    pub(super) fn sign_in(&mut self, email: &EmailAddress, session: u8) -> AccountAnswer {
        let request =
            AccountRequest::BeginSignIn { email: email.clone(), source: SOURCE, device: None };
        let AccountAnswer::Try { candidates } = self.account(request) else { panic!("waits") };
        let Some(candidate) = candidates.into_iter().next() else {
            return AccountAnswer::Nobody;
        };
        self.sign_in_with(candidate, session, None)
    }

    pub(super) fn sign_in_with(
        &mut self,
        candidate: Candidate,
        session: u8,
        proof: Option<Proof>,
    ) -> AccountAnswer {
        let Candidate { person, organisation, password, .. } = candidate;
        let (known, browser) = (None, browser(session));
        self.account(AccountRequest::SignIn {
            person,
            organisation,
            password,
            known,
            proof,
            browser,
        })
    }

    /// Somebody with this role, invited and signed in by this session.
    pub(super) fn person(&mut self, email: &str, role: Role, session: u8) -> PersonId {
        let add = ControlRequest::PersonAdd {
            email: email.parse().unwrap(),
            name: "Somebody".parse().unwrap(),
            role: role.as_str().to_owned(),
        };
        let ControlAnswer::PersonInvited { person, invitation, .. } = self.admin(add).0 else {
            panic!("not invited")
        };
        let invitation = conclave_directory::Token::from_hex(invitation.expose()).unwrap().hash();
        let accept = AccountRequest::AcceptInvitation {
            token: invitation,
            password: hash(session),
            browser: browser(session),
        };
        assert!(matches!(self.account(accept.clone()), AccountAnswer::Person(_)));
        assert_eq!(self.account(accept), AccountAnswer::Nobody, "good once");
        person.person
    }
}

#[test]
fn the_link_for_the_first_administrator_is_good_once_and_for_nobody_else() {
    let mut cloud = Cloud::new();
    assert!(cloud.board.waits_for_first_administrator().unwrap());
    assert_eq!(cloud.set_up(token(9), 1), AccountAnswer::Nobody, "no link was made");
    cloud.board.set_up_with(token(9));
    assert_eq!(cloud.set_up(token(8), 1), AccountAnswer::Nobody);
    assert_eq!(cloud.account(AccountRequest::MaySetUp { token: token(9) }), AccountAnswer::Done);
    // Its name is another's: said, and the link is still good.
    cloud.admin(ControlRequest::OrganisationAdd { name: "Hospital".parse().unwrap() });
    assert!(matches!(cloud.set_up(token(9), 1), AccountAnswer::Refused { .. }));
    cloud.admin(ControlRequest::OrganisationRename {
        organisation: "Hospital".into(),
        name: "Clinic".parse().unwrap(),
    });
    let AccountAnswer::Person(me) = cloud.set_up(token(9), 1) else { panic!("not set up") };
    assert_eq!((me.role, me.organisation_name), (Role::Administrator, "Hospital".parse().unwrap()));
    assert!(!cloud.board.waits_for_first_administrator().unwrap());
    for _ in 0..2 {
        assert_eq!(cloud.set_up(token(9), 2), AccountAnswer::Nobody);
        // Nor when the cloud makes one by mistake.
        cloud.board.set_up_with(token(9));
    }
    assert_eq!(cloud.who(1).unwrap().email, ada());
}

#[test]
fn a_session_ends_unused_after_half_a_day_and_used_after_a_week() {
    let mut cloud = Cloud::with_ada();
    cloud.later(11 * HOUR);
    assert!(cloud.who(1).is_some());
    cloud.later(11 * HOUR);
    assert!(cloud.who(1).is_some(), "it was used");
    cloud.later(12 * HOUR);
    assert_eq!(cloud.who(1), None);
    assert_eq!(
        cloud.browse(
            1,
            ControlRequest::RoomList {
                part: Part::default(),
                state: None,
                needs: false,
                group: None,
                tag: None
            }
        ),
        ControlAnswer::SignedOut
    );

    assert!(matches!(cloud.sign_in(&ada(), 2), AccountAnswer::Person(_)));
    for _ in 0..(7 * 24 / 8 - 1) {
        cloud.later(8 * HOUR);
        assert!(cloud.who(2).is_some());
    }
    cloud.later(8 * HOUR);
    assert_eq!(cloud.who(2), None);
}

#[test]
fn sessions_end_by_signing_out_by_another_password_and_by_being_kept_out() {
    let mut cloud = Cloud::with_ada();
    let grace = cloud.person("grace@example.org", Role::Member, 2);
    let email = "grace@example.org".parse().unwrap();
    for session in [3, 4] {
        assert!(matches!(cloud.sign_in(&email, session), AccountAnswer::Person(_)));
    }
    assert_eq!(cloud.account(AccountRequest::SignOut { session: token(3) }), AccountAnswer::Done);
    assert_eq!((cloud.who(3), cloud.who(4).is_some()), (None, true));
    cloud.account(AccountRequest::SignOutElsewhere { session: token(4) });
    assert_eq!((cloud.who(2), cloud.who(4).is_some()), (None, true));

    cloud.sign_in(&email, 5);
    let change = |old: u8| AccountRequest::ChangePassword {
        session: token(5),
        old: hash(old),
        new: hash(20),
    };
    assert_eq!(cloud.account(change(7)), AccountAnswer::Nobody, "not the old one");
    assert_eq!(cloud.account(change(2)), AccountAnswer::Done);
    assert_eq!((cloud.who(4), cloud.who(5).is_some()), (None, true));

    let suspend = |suspended| ControlRequest::PersonChange {
        person: grace.to_string(),
        name: None,
        role: None,
        suspended: Some(suspended),
    };
    cloud.admin(suspend(true));
    assert_eq!(cloud.who(5), None);
    assert_eq!(cloud.sign_in(&email, 6), AccountAnswer::Nobody);
    cloud.admin(suspend(false));
    assert!(matches!(cloud.sign_in(&email, 7), AccountAnswer::Person(_)));
    cloud.admin(ControlRequest::PersonRemove { person: "grace@example.org".into() });
    assert_eq!(cloud.who(7), None);
}

#[test]
fn a_password_that_was_changed_while_it_was_compared_lets_nobody_in() {
    let mut cloud = Cloud::with_ada();
    let begin = AccountRequest::BeginSignIn { email: ada(), source: SOURCE, device: None };
    let AccountAnswer::Try { candidates } = cloud.account(begin) else { panic!("waits") };
    let candidate = candidates.into_iter().next().unwrap();
    cloud.account(AccountRequest::ChangePassword {
        session: token(1),
        old: hash(1),
        new: hash(20),
    });
    assert_eq!(cloud.sign_in_with(candidate, 2, None), AccountAnswer::Nobody);
}

#[test]
fn an_address_without_an_account_is_told_apart_by_nothing() {
    let mut cloud = Cloud::with_ada();
    let begin = |email: &str| AccountRequest::BeginSignIn {
        email: email.parse().unwrap(),
        source: Source(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77))),
        device: None,
    };
    for n in 0..7 {
        let (one, other) =
            (cloud.account(begin("ada@example.org")), cloud.account(begin("nobody@example.org")));
        match (one, other) {
            (AccountAnswer::Try { .. }, AccountAnswer::Try { candidates }) if n < 5 => {
                assert_eq!(candidates, []);
            }
            (AccountAnswer::Wait { seconds: a }, AccountAnswer::Wait { seconds: b }) if n >= 5 => {
                assert_eq!(a, b);
            }
            others => panic!("{n}: {others:?}"),
        }
    }
    // The browser that Ada signed in with is not kept out by that.
    let known = AccountRequest::BeginSignIn {
        email: ada(),
        source: SOURCE,
        device: Some(browser(1).device),
    };
    assert!(matches!(cloud.account(known), AccountAnswer::Try { .. }));
}

#[test]
fn the_last_administrator_stays_one() {
    let mut cloud = Cloud::with_ada();
    let change = |role: Option<&str>, suspended| ControlRequest::PersonChange {
        person: "ada@example.org".into(),
        name: None,
        role: role.map(str::to_owned),
        suspended,
    };
    let remove = || ControlRequest::PersonRemove { person: "ada@example.org".into() };
    for order in [change(Some("member"), None), change(None, Some(true)), remove()] {
        assert!(cloud.refused(order).contains("only administrator"));
    }
    assert!(cloud.refused(change(Some("king"), None)).contains("no role 'king'"));
    cloud.person("grace@example.org", Role::Administrator, 2);
    assert!(matches!(cloud.admin(remove()).0, ControlAnswer::PersonRemoved { .. }));
    assert_eq!(cloud.who(1), None);
}

/// One of each request, and who may make it in a browser.
fn requests() -> Vec<(ControlRequest, &'static [Role])> {
    const ALL: &[Role] = &Role::ALL;
    const ADMINISTRATOR: &[Role] = &[Role::Administrator];
    const NOBODY: &[Role] = &[];
    let room = || "X".to_owned();
    let number = || "4711".parse().unwrap();
    let name = || "N".parse().unwrap();
    let version = || "1.0.0".parse().unwrap();
    let board = || "conclave-x".parse().unwrap();
    let person = || "nobody@example.org".to_owned();
    use ControlRequest as Ask;
    vec![
        (Ask::VmrList { part: Part::default() }, ALL),
        (
            Ask::RoomList {
                part: Part::default(),
                state: None,
                needs: false,
                group: None,
                tag: None,
            },
            ADMINISTRATOR,
        ),
        (Ask::RoomUpdates, ADMINISTRATOR),
        (Ask::RoomResets { most: 9 }, ADMINISTRATOR),
        (Ask::RoomClaim { code: "7KQ2-9FXM".parse().unwrap(), name: name() }, ADMINISTRATOR),
        (Ask::RoomRename { room: room(), name: name() }, ADMINISTRATOR),
        (Ask::RoomFollow { room: room(), channel: None, window: None }, ADMINISTRATOR),
        (Ask::RoomRevoke { room: room() }, ADMINISTRATOR),
        (Ask::RoomForget { room: room() }, ADMINISTRATOR),
        (Ask::RoomReset { room: room() }, ADMINISTRATOR),
        (Ask::RoomResetCode { room: room() }, ADMINISTRATOR),
        (Ask::RoomResetWithdraw { room: room() }, ADMINISTRATOR),
        (Ask::VmrRemove { number: number() }, ADMINISTRATOR),
        (Ask::VmrSetPin { number: number(), pin: None }, ADMINISTRATOR),
        (Ask::VmrCreate { new: NewVmr::plain(number(), name(), 0), pin: None }, ADMINISTRATOR),
        // What of it somebody may keep: see the tests of lobbies.
        (Ask::MeetingList, ALL),
        (Ask::MeetingLetIn { number: number(), who: vec![] }, ALL),
        (Ask::MeetingTurnAway { number: number(), who: vec![] }, ALL),
        (Ask::MeetingEnd { number: number() }, ADMINISTRATOR),
        (Ask::RecordList { most: 9 }, ADMINISTRATOR),
        (Ask::RecordRemove { before: UnixTime(1) }, ADMINISTRATOR),
        (Ask::AuditList { installation: false, below: None, most: 9 }, ADMINISTRATOR),
        (Ask::PersonList { part: Part::default() }, ADMINISTRATOR),
        (Ask::PersonAdd { email: ada(), name: name(), role: "king".into() }, ADMINISTRATOR),
        (Ask::PersonInvite { person: person() }, ADMINISTRATOR),
        (
            Ask::PersonChange { person: person(), name: None, role: None, suspended: None },
            ADMINISTRATOR,
        ),
        (Ask::PersonRemove { person: person() }, ADMINISTRATOR),
        (Ask::WebhookList, ADMINISTRATOR),
        (
            Ask::WebhookAdd {
                webhook: WebhookId::from_random(1),
                url: Redacted("https://example.org".into()),
                kinds: vec![],
                sealed: vec![],
            },
            ADMINISTRATOR,
        ),
        (Ask::WebhookChange { webhook: room(), url: None, kinds: None, on: None }, ADMINISTRATOR),
        (Ask::WebhookRemove { webhook: room() }, ADMINISTRATOR),
        (Ask::WebhookTest { webhook: room() }, ADMINISTRATOR),
        (Ask::WebhookDeliveries { webhook: room() }, ADMINISTRATOR),
        (Ask::AuditList { installation: true, below: None, most: 9 }, NOBODY),
        (Ask::AuditCheck, NOBODY),
        (Ask::OrganisationAdd { name: name() }, NOBODY),
        (Ask::OrganisationList, NOBODY),
        (Ask::OrganisationRename { organisation: room(), name: name() }, NOBODY),
        (Ask::CallList { most: 9 }, NOBODY),
        (Ask::PromoteBackup, NOBODY),
        (Ask::CertificateShow, NOBODY),
        (
            Ask::ReleaseAdd {
                version: version(),
                compatible: board(),
                sha256: BundleHash([0; 32]),
                size: 1,
                floor: version(),
            },
            NOBODY,
        ),
        (Ask::ReleaseList, NOBODY),
        (Ask::ReleaseRemove { version: version(), compatible: board() }, NOBODY),
        (
            Ask::RolloutStart {
                version: version(),
                channel: Channel::default(),
                waves: vec![],
                enough: "90%".parse().unwrap(),
                most_failed: "1".parse().unwrap(),
                rest_minutes: 1,
            },
            NOBODY,
        ),
        (Ask::RolloutList, NOBODY),
        (Ask::RolloutStatus { rollout: 1 }, NOBODY),
        (Ask::RolloutSet { rollout: 1, to: crate::control::RolloutChange::Stop }, NOBODY),
        (Ask::ChannelList, NOBODY),
    ]
}

#[test]
fn every_role_may_ask_for_what_the_table_says_and_for_nothing_else() {
    let mut cloud = Cloud::with_ada();
    cloud.person("olga@example.org", Role::Organiser, 2);
    cloud.person("max@example.org", Role::Member, 3);
    let sessions = [(1, Role::Administrator), (2, Role::Organiser), (3, Role::Member)];
    let all = requests();
    // `ask` is how a request is called on the wire: each is there.
    let named: BTreeSet<String> = all
        .iter()
        .map(|(request, _)| serde_json::to_value(request).unwrap()["ask"].to_string())
        .collect();
    assert_eq!(named.len(), 48, "a request is missing here, or new");
    for (request, may) in all {
        for (session, role) in sessions {
            let answer = cloud.browse(session, request.clone());
            let refused = answer == ControlAnswer::NotAllowed;
            assert_eq!(refused, !may.contains(&role), "{role:?}: {request:?}: {answer:?}");
            assert_ne!(answer, ControlAnswer::SignedOut);
        }
        assert_eq!(cloud.browse(77, request), ControlAnswer::SignedOut);
    }
}

#[test]
fn somebody_in_a_browser_reaches_their_own_organisation_alone() {
    let mut cloud = Cloud::with_ada();
    cloud.room(1, "Board room");
    cloud.vmr("4711", None, 5);
    let clinic =
        match cloud.admin(ControlRequest::OrganisationAdd { name: "Clinic".parse().unwrap() }).0 {
            ControlAnswer::OrganisationAdded { organisation } => organisation.organisation,
            other => panic!("{other:?}"),
        };
    cloud.whose = clinic;
    cloud.person("boss@clinic.example", Role::Administrator, 2);
    assert_eq!(
        cloud.browse(
            2,
            ControlRequest::RoomList {
                part: Part::default(),
                state: None,
                needs: false,
                group: None,
                tag: None
            }
        ),
        no_rooms()
    );
    assert_eq!(
        cloud.browse(2, ControlRequest::VmrList { part: Part::default() }),
        ControlAnswer::Vmrs { vmrs: vec![], total: 0 }
    );
    let (theirs, nowhere) = ("ada@example.org", "eve@example.org");
    let mut remove = |person: &str| match cloud
        .browse(2, ControlRequest::PersonRemove { person: person.to_owned() })
    {
        ControlAnswer::Refused { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(remove(theirs).replace(theirs, nowhere), remove(nowhere));
    // The same address may have an account there too.
    cloud.person("ada@example.org", Role::Member, 3);
    assert_eq!(cloud.who(3).unwrap().organisation, clinic);
    assert_eq!(cloud.who(1).unwrap().organisation, OrganisationId::FIRST);
    let list = ControlRequest::AuditList { installation: false, below: None, most: 99 };
    let ControlAnswer::Audit { rows } = cloud.browse(2, list) else { panic!("no list") };
    assert!(rows.iter().all(|row| row.organisation == Some(clinic)));
    assert!(rows.iter().any(|row| row.act == "session.begin"), "{rows:?}");
}

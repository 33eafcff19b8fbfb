//! Tokens for scripts: who asks with one, for what, and how long.

use super::*;
use crate::control::ApiTokenLine;
use conclave_directory::access::Role;
use conclave_directory::{Token, TokenHash};

const ADA: u8 = 1;
const MEMBER: u8 = 2;
const DAY: u64 = 86_400;

impl Cloud {
    fn token(&mut self, session: u8, scopes: &[&str], days: u32) -> (ApiTokenLine, TokenHash) {
        match self.browse(session, add(scopes, days)) {
            ControlAnswer::ApiTokenMade { token, secret } => {
                (token, Token::from_hex(secret.expose()).unwrap().hash())
            }
            other => panic!("{other:?}"),
        }
    }

    fn by_token(&mut self, token: TokenHash, request: ControlRequest) -> ControlAnswer {
        let source = crate::accounts::Source("203.0.113.9".parse().unwrap());
        let by = Credential::ApiToken(token);
        let input = Input::Console { id: ControlId(6), by, source, request };
        let answer = self.give(input).into_iter().find_map(|output| match output {
            Output::Answer { answer, .. } => Some(answer),
            _ => None,
        });
        answer.unwrap()
    }

    fn tokens(&mut self, session: u8) -> Vec<ApiTokenLine> {
        match self.browse(session, ControlRequest::ApiTokenList) {
            ControlAnswer::ApiTokens { tokens } => tokens,
            other => panic!("{other:?}"),
        }
    }
}

fn add(scopes: &[&str], days: u32) -> ControlRequest {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    ControlRequest::ApiTokenAdd { name: "Nightly report".parse().unwrap(), scopes, days }
}

fn rooms() -> ControlRequest {
    ControlRequest::RoomList {
        part: Part::default(),
        state: None,
        needs: false,
        group: None,
        tag: None,
    }
}

#[test]
fn a_token_asks_for_what_it_is_for_and_is_in_the_log() {
    let mut cloud = Cloud::with_ada();
    cloud.room(1, "A");
    let (line, token) = cloud.token(ADA, &["rooms:write", "rooms:write"], 30);
    assert_eq!((line.scopes.len(), line.used_at), (1, None));
    assert!(matches!(cloud.by_token(token, rooms()), ControlAnswer::Rooms { total: 1, .. }));
    assert_eq!(cloud.tokens(ADA)[0].used_at, Some(cloud.wall()));
    let rename = ControlRequest::RoomRename { room: "A".into(), name: "B".parse().unwrap() };
    assert!(matches!(cloud.by_token(token, rename), ControlAnswer::RoomRenamed { .. }));
    // Not for what is beside its scopes, and for no other token.
    let others = [
        ControlRequest::VmrList { part: Part::default() },
        ControlRequest::PersonList { part: Part::default() },
        ControlRequest::RecordList { most: 9 },
        ControlRequest::OrganisationList,
        ControlRequest::ApiTokenList,
        add(&["rooms:read"], 1),
        ControlRequest::ApiTokenRemove { token: line.token.to_string() },
    ];
    for request in others {
        assert_eq!(cloud.by_token(token, request), ControlAnswer::NotAllowed);
    }
    let log = ControlRequest::AuditList { installation: false, below: None, most: 9 };
    let ControlAnswer::Audit { rows } = cloud.browse(ADA, log) else { panic!() };
    let renamed = rows.iter().find(|row| row.act == "room.rename").unwrap();
    assert_eq!(renamed.who_name.as_ref().map(DisplayName::as_str), Some("Ada"));
    assert_eq!(renamed.source.0, format!("203.0.113.9, {}", line.token));
    let made = rows.iter().find(|row| row.act == "token.create").unwrap();
    assert_eq!(made.after.0, "Nightly report: rooms:write");
}

#[test]
fn a_token_is_no_way_into_an_account() {
    let mut cloud = Cloud::with_ada();
    cloud.person("mo@example.org", Role::Member, MEMBER);
    let all: Vec<&str> =
        conclave_directory::access::Scope::ALL.iter().map(|each| each.as_str()).collect();
    let (_, token) = cloud.token(ADA, &all, 30);
    let person = || "mo@example.org".to_owned();
    let change = |role: Option<&str>| ControlRequest::PersonChange {
        person: person(),
        name: None,
        role: role.map(str::to_owned),
        suspended: Some(true),
    };
    let add = ControlRequest::PersonAdd {
        email: "eve@example.org".parse().unwrap(),
        name: "Eve".parse().unwrap(),
        role: "administrator".into(),
    };
    for request in [
        add,
        change(Some("administrator")),
        ControlRequest::PersonInvite { person: person() },
        ControlRequest::PersonSecondFactorOff { person: person() },
    ] {
        assert_eq!(cloud.by_token(token, request), ControlAnswer::NotAllowed);
    }
    assert!(matches!(cloud.by_token(token, change(None)), ControlAnswer::PersonChanged { .. }));
    // Nor is an open browser one's own way round the password.
    for request in [
        ControlRequest::PersonInvite { person: "ada@example.org".into() },
        ControlRequest::PersonSecondFactorOff { person: "ada@example.org".into() },
    ] {
        let ControlAnswer::Refused { code, .. } = cloud.browse(ADA, request) else { panic!() };
        assert_eq!(code, RefusalCode::Yourself);
    }
}

#[test]
fn a_token_may_no_more_than_its_person_and_no_longer_than_that_one() {
    let mut cloud = Cloud::with_ada();
    cloud.person("mo@example.org", Role::Member, MEMBER);
    let (_, token) = cloud.token(MEMBER, &["rooms:read", "meeting-rooms:read"], 30);
    assert_eq!(cloud.by_token(token, rooms()), ControlAnswer::NotAllowed);
    let vmrs = || ControlRequest::VmrList { part: Part::default() };
    assert!(matches!(cloud.by_token(token, vmrs()), ControlAnswer::Vmrs { .. }));
    let change = |suspended| ControlRequest::PersonChange {
        person: "mo@example.org".into(),
        name: None,
        role: None,
        suspended: Some(suspended),
    };
    cloud.admin(change(true));
    assert_eq!(cloud.by_token(token, vmrs()), ControlAnswer::SignedOut);
    cloud.admin(change(false));
    assert!(matches!(cloud.by_token(token, vmrs()), ControlAnswer::Vmrs { .. }));
    cloud.admin(ControlRequest::PersonRemove { person: "mo@example.org".into() });
    assert_eq!(cloud.by_token(token, vmrs()), ControlAnswer::SignedOut);
}

#[test]
fn a_token_ends_by_itself_and_when_it_is_removed() {
    let mut cloud = Cloud::with_ada();
    cloud.person("mo@example.org", Role::Member, MEMBER);
    let (line, token) = cloud.token(ADA, &["rooms:read"], 2);
    cloud.later(2 * DAY - 1);
    assert!(matches!(cloud.by_token(token, rooms()), ControlAnswer::Rooms { .. }));
    cloud.later(1);
    assert_eq!(cloud.by_token(token, rooms()), ControlAnswer::SignedOut);
    assert_eq!(cloud.by_token(TokenHash([7; 32]), rooms()), ControlAnswer::SignedOut);
    drop(line);

    let mut cloud = Cloud::with_ada();
    cloud.person("mo@example.org", Role::Member, MEMBER);
    let (line, token) = cloud.token(ADA, &["rooms:read"], 2);
    let remove = || ControlRequest::ApiTokenRemove { token: line.token.to_string() };
    let ControlAnswer::Refused { code, .. } = cloud.browse(MEMBER, remove()) else { panic!() };
    assert_eq!(code, RefusalCode::Gone, "somebody else's is not there");
    assert!(matches!(cloud.browse(ADA, remove()), ControlAnswer::ApiTokenRemoved { .. }));
    assert_eq!(cloud.by_token(token, rooms()), ControlAnswer::SignedOut);
    assert!(cloud.tokens(ADA).is_empty());
}

#[test]
fn what_no_token_can_be_is_refused_with_its_reason() {
    let mut cloud = Cloud::with_ada();
    for (scopes, days, why) in [
        (&["rooms:read"][..], 0, RefusalCode::Days),
        (&["rooms:read"], 367, RefusalCode::Days),
        (&[], 30, RefusalCode::Scope),
        (&["everything"], 30, RefusalCode::Scope),
    ] {
        let ControlAnswer::Refused { code, .. } = cloud.browse(ADA, add(scopes, days)) else {
            panic!("{scopes:?}")
        };
        assert_eq!(code, why);
    }
    for _ in 0..50 {
        cloud.token(ADA, &["rooms:read"], 1);
    }
    let ControlAnswer::Refused { code, .. } = cloud.browse(ADA, add(&["rooms:read"], 1)) else {
        panic!()
    };
    assert_eq!(code, RefusalCode::TooMany);
    assert!(cloud.refused(add(&["rooms:read"], 1)).contains("console"), "whoever has no account");
}

//! Second factors and tokens for scripts.

use super::people::person;
use super::*;
use crate::access::Scope;
use crate::api_tokens::{ApiToken, ApiTokens};
use crate::people::TokenHash;
use crate::second_factor::{RecoveryCode, SecondFactor, SecondFactors};
use conclave_types::ApiTokenId;

#[test]
fn a_step_and_a_recovery_code_are_taken_once_and_all_of_it_goes_with_its_person() {
    let mut directory = directory();
    let (ada, eve) = (person(1, "ada@example.org"), person(2, "eve@example.org"));
    directory.add_person(&ada).unwrap();
    directory.add_person(&eve).unwrap();
    let factor = SecondFactor { sealed: vec![0, 0xff, 7], confirmed: false, last_step: 0 };
    let codes = ["aaaaa-bbbbb", "ccccc-ddddd"].map(RecoveryCode::hash);
    directory.keep_second_factor(ada.id, &factor, &[]).unwrap();
    assert_eq!(directory.with_second_factor(OrganisationId::FIRST).unwrap().len(), 0);
    let factor = SecondFactor { confirmed: true, last_step: 40, ..factor };
    directory.keep_second_factor(ada.id, &factor, &codes).unwrap();
    assert_eq!(directory.second_factor(ada.id).unwrap(), Some(factor));
    assert_eq!(directory.second_factor(eve.id).unwrap(), None);
    assert!(directory.with_second_factor(OrganisationId::FIRST).unwrap().contains(&ada.id));

    assert!(!directory.take_step(ada.id, 40).unwrap());
    assert!(directory.take_step(ada.id, 41).unwrap());
    assert!(!directory.take_step(ada.id, 41).unwrap());
    assert!(!directory.take_step(eve.id, 41).unwrap());
    assert!(!directory.take_recovery_code(eve.id, codes[0]).unwrap());
    assert!(directory.take_recovery_code(ada.id, codes[0]).unwrap());
    assert!(!directory.take_recovery_code(ada.id, codes[0]).unwrap());
    assert!(directory.remove_second_factor(ada.id).unwrap());
    assert!(!directory.remove_second_factor(ada.id).unwrap());
    assert!(!directory.take_recovery_code(ada.id, codes[1]).unwrap(), "gone with it");
}

#[test]
fn a_token_is_found_by_its_hash_and_goes_with_its_person() {
    let mut directory = directory();
    let ada = person(1, "ada@example.org");
    directory.add_person(&ada).unwrap();
    let token = ApiToken {
        id: ApiTokenId::from_random(1),
        token: TokenHash([1; 32]),
        person: ada.id,
        name: "Nightly".parse().unwrap(),
        scopes: vec![Scope::RoomsRead, Scope::AuditRead],
        created_at: NOW,
        expires_at: NOW.after(Duration::from_secs(60)),
        used_at: None,
    };
    directory.add_api_token(&token).unwrap();
    let found = directory.api_token(token.token).unwrap();
    assert_eq!(found, Some((token.clone(), ada.clone())));
    assert_eq!(directory.api_token(TokenHash([2; 32])).unwrap(), None);
    directory.api_token_used(token.id, NOW).unwrap();
    let used = ApiToken { used_at: Some(NOW), ..token.clone() };
    assert_eq!(directory.api_tokens(ada.id).unwrap(), [used]);
    assert!(!directory.remove_api_token(PersonId::from_random(9), token.id).unwrap());
    directory.remove_person(ada.id).unwrap();
    assert_eq!(directory.api_token(token.token).unwrap(), None);
}

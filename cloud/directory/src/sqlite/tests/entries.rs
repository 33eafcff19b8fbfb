//! Passkeys, what organisations want at the door, links for those who make themselves an account.

use super::people::person;
use super::*;
use crate::entry::{Entries, Entry, SignUpDomain, TwoFactors};
use crate::passkeys::{CredentialId, Passkey, Passkeys};
use crate::people::{People, TokenHash};
use conclave_types::{EmailAddress, PasskeyId};

fn passkey(n: u8, of: PersonId) -> Passkey {
    Passkey {
        id: PasskeyId::from_random(u128::from(n)),
        credential: CredentialId::new(&[n; 20]).unwrap(),
        person: of,
        name: "Telephone".parse().unwrap(),
        public_key: "{\"counter\":0}".to_owned(),
        created_at: NOW,
        used_at: None,
    }
}

#[test]
fn a_passkey_is_one_s_alone_is_used_from_what_it_was_and_goes_with_its_person() {
    let mut directory = directory();
    let (ada, eve) = (person(1, "ada@example.org"), person(2, "eve@example.org"));
    directory.add_person(&ada).unwrap();
    directory.add_person(&eve).unwrap();
    let hers = passkey(1, ada.id);
    assert!(directory.add_passkey(&hers).unwrap());
    let same = Passkey { id: PasskeyId::from_random(9), ..passkey(1, eve.id) };
    assert!(!directory.add_passkey(&same).unwrap(), "the device's name for it is taken");
    assert!(directory.add_passkey(&passkey(2, ada.id)).unwrap());
    assert_eq!(directory.passkey(&hers.credential).unwrap(), Some((hers.clone(), ada.clone())));
    assert_eq!(directory.passkey(&CredentialId::new(&[3]).unwrap()).unwrap(), None);
    let with = directory.with_passkeys(OrganisationId::FIRST).unwrap();
    assert_eq!(with.into_iter().collect::<Vec<_>>(), [(ada.id, 2)]);

    let (before, after) = (hers.public_key.as_str(), "{\"counter\":1}");
    assert!(directory.passkey_used(hers.id, before, after, NOW).unwrap());
    assert!(!directory.passkey_used(hers.id, before, after, NOW).unwrap(), "it is otherwise now");
    let (used, _) = directory.passkey(&hers.credential).unwrap().unwrap();
    assert_eq!((used.public_key.as_str(), used.used_at), (after, Some(NOW)));
    assert!(!directory.remove_passkey(eve.id, hers.id).unwrap(), "not hers");
    assert!(directory.remove_passkey(ada.id, hers.id).unwrap());
    assert_eq!(directory.remove_passkeys(ada.id).unwrap(), 1);
    directory.add_passkey(&hers).unwrap();
    directory.remove_person(ada.id).unwrap();
    assert_eq!(directory.passkey(&hers.credential).unwrap(), None);
}

#[test]
fn a_domain_is_one_organisation_s_and_its_links_go_with_it() {
    let mut directory = directory();
    let other =
        Organisation { id: OrganisationId::from_random(7), name: "Hospital".parse().unwrap() };
    directory.add_organisation(&other).unwrap();
    let none = Entry { two_factors: TwoFactors::WhoeverWants, domains: Vec::new() };
    assert_eq!(directory.entry(OrganisationId::FIRST).unwrap(), none);
    assert!(!directory.any_domain().unwrap());
    let domain: SignUpDomain = "example.org".parse().unwrap();
    let second: SignUpDomain = "example.com".parse().unwrap();
    assert!(directory.add_domain(OrganisationId::FIRST, &domain).unwrap());
    assert!(directory.add_domain(OrganisationId::FIRST, &second).unwrap());
    assert!(!directory.add_domain(other.id, &domain).unwrap());
    assert!(directory.any_domain().unwrap());
    directory.keep_two_factors(other.id, TwoFactors::Everybody).unwrap();
    let theirs = Entry { two_factors: TwoFactors::Everybody, domains: Vec::new() };
    assert_eq!(directory.entry(other.id).unwrap(), theirs);
    assert_eq!(directory.entry(OrganisationId::FIRST).unwrap().domains, [second, domain.clone()]);

    let max: EmailAddress = "max@example.org".parse().unwrap();
    let whose = |directory: &SqliteDirectory, address: &str| {
        directory.organisation_of_address(&address.parse().unwrap()).unwrap()
    };
    assert_eq!(whose(&directory, "max@example.org"), Some(OrganisationId::FIRST));
    assert_eq!(whose(&directory, "max@sub.example.org"), None);
    let (first, then) = (TokenHash([1; 32]), TokenHash([2; 32]));
    let until = NOW.after(Duration::from_secs(60));
    directory.add_sign_up(first, OrganisationId::FIRST, &max, until).unwrap();
    directory.add_sign_up(then, OrganisationId::FIRST, &max, until).unwrap();
    assert_eq!(directory.sign_up(first, NOW).unwrap(), None, "the later one counts");
    let found = Some((OrganisationId::FIRST, max.clone()));
    assert_eq!(directory.sign_up(then, NOW).unwrap(), found);
    assert_eq!(directory.sign_up(then, until).unwrap(), None, "it has run out");
    assert!(!directory.remove_domain(other.id, &domain).unwrap(), "not theirs");
    assert!(directory.remove_domain(OrganisationId::FIRST, &domain).unwrap());
    assert_eq!(directory.sign_up(then, NOW).unwrap(), None, "gone with the domain");
    directory.add_domain(OrganisationId::FIRST, &domain).unwrap();
    directory.remove_sessions(until.after(Duration::from_secs(1))).unwrap();
    assert_eq!(directory.sign_up(then, NOW).unwrap(), None, "forgotten after its time");
    directory.add_sign_up(then, OrganisationId::FIRST, &max, until).unwrap();
    directory.forget_sign_up(then).unwrap();
    assert_eq!(directory.sign_up(then, NOW).unwrap(), None);
}

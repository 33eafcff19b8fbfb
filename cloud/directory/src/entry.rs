//! Who comes in, and what they show at the door: of whom an organisation wants two factors, and whose people may make
//! themselves an account.

use crate::access::Role;
use crate::people::TokenHash;
use crate::repository::StoreError;
use crate::words::stored_words;
use conclave_types::{EmailAddress, OrganisationId, UnixTime};
use std::fmt;
use std::str::FromStr;

/// The most domains of an organisation: a hospital with its schools and its charity has a dozen.
pub const MOST_DOMAINS: usize = 50;

/// Domains of providers that give anybody an address: whoever let these sign up would let everybody in. The large ones of the
/// world and of France; others are the administrator's to know.
const FREE_MAIL: &[&str] = &[
    "126.com",
    "163.com",
    "aol.com",
    "bbox.fr",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.fr",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "hotmail.de",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "live.com",
    "live.fr",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "neuf.fr",
    "numericable.fr",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "outlook.fr",
    "pm.me",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "sfr.fr",
    "tuta.com",
    "tutanota.com",
    "wanadoo.fr",
    "web.de",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.de",
    "yahoo.fr",
    "yandex.com",
    "yandex.ru",
    "ymail.com",
    "zoho.com",
];

stored_words! {
    /// Of whom an organisation wants two factors.
    TwoFactors:
    /// Of all its people.
    Everybody = "everybody", "everybody";
    /// Of its administrators.
    Administrators = "administrators", "administrators";
    /// Of those who have set one up themselves.
    WhoeverWants = "whoever_wants", "whoever wants";
}

impl TwoFactors {
    /// All of them.
    pub const ALL: [TwoFactors; 3] =
        [TwoFactors::Everybody, TwoFactors::Administrators, TwoFactors::WhoeverWants];

    /// Whether they are wanted of whoever has this role.
    pub fn wanted_of(self, role: Role) -> bool {
        match self {
            TwoFactors::Everybody => true,
            TwoFactors::Administrators => role == Role::Administrator,
            TwoFactors::WhoeverWants => false,
        }
    }
}

/// What somebody shows at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The password alone, or a link with which it is set.
    Password,
    /// The password, and the code of an app.
    PasswordAndCode,
    /// The password, and a recovery code.
    PasswordAndRecoveryCode,
    /// A passkey, which a finger, a face or a PIN has unlocked.
    Passkey,
}

impl Shown {
    /// Whether that is two factors: something that they know or are, and something that they have.
    pub fn is_both_factors(self) -> bool {
        match self {
            Shown::Password => false,
            Shown::PasswordAndCode | Shown::PasswordAndRecoveryCode | Shown::Passkey => true,
        }
    }
}

/// What somebody has besides a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// Nothing.
    Nothing,
    /// Passkeys.
    Passkeys,
    /// An app, perhaps passkeys too.
    App,
}

impl Has {
    /// By what is kept.
    pub fn of(app: bool, passkeys: bool) -> Has {
        match (app, passkeys) {
            (true, _) => Has::App,
            (false, true) => Has::Passkeys,
            (false, false) => Has::Nothing,
        }
    }
}

/// What becomes of somebody who has shown the right password and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// They are in.
    In,
    /// They set up a second factor, and do nothing else before.
    SetsUp,
    /// They are asked for a code, too.
    Code,
    /// They are asked for their passkey instead.
    Passkey,
}

/// What the right password alone is good for. An app is always asked for once it is there; a passkey is a way of its own,
/// and becomes the only one where two factors are wanted.
pub fn after_password(two_factors: TwoFactors, role: Role, has: Has) -> Then {
    match (has, two_factors.wanted_of(role)) {
        (Has::App, _) => Then::Code,
        (Has::Passkeys, true) => Then::Passkey,
        (Has::Nothing, true) => Then::SetsUp,
        (Has::Passkeys | Has::Nothing, false) => Then::In,
    }
}

/// The domain of an organisation's addresses: at least two labels (RFC 1123, 2.1), in small letters. Subdomains are not in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignUpDomain(String);

/// A text that is no domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a domain is what stands behind the @ of an address, such as example.org")]
pub struct DomainError;

impl SignUpDomain {
    /// The domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is that of a provider that gives anybody an address, as far as we know them.
    pub fn is_free_mail(&self) -> bool {
        FREE_MAIL.contains(&self.as_str())
    }
}

impl fmt::Display for SignUpDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SignUpDomain {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<SignUpDomain, DomainError> {
        let text = text.trim();
        let text = text.strip_prefix('@').unwrap_or(text);
        // What can stand in an address, and nothing else.
        let address: EmailAddress = format!("a@{text}").parse().map_err(|_| DomainError)?;
        let domain = address.domain();
        let last = domain.rsplit_once('.').map(|(_, last)| last);
        let named = |last: &str| last.chars().any(|c| c.is_ascii_alphabetic());
        if !last.is_some_and(named) {
            return Err(DomainError);
        }
        Ok(SignUpDomain(domain.to_owned()))
    }
}

/// How an organisation wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Of whom it wants two factors.
    pub two_factors: TwoFactors,
    /// Whose people may make themselves an account, by name.
    pub domains: Vec<SignUpDomain>,
}

/// What organisations want at the door, and links for those who make themselves an account.
pub trait Entries {
    /// What one wants. One that is not there wants nothing.
    fn entry(&self, organisation: OrganisationId) -> Result<Entry, StoreError>;
    /// Keeps of whom it wants two factors.
    fn keep_two_factors(
        &mut self,
        organisation: OrganisationId,
        of: TwoFactors,
    ) -> Result<(), StoreError>;
    /// Keeps a domain as an organisation's; `false` when it is one's already, whosever it is.
    fn add_domain(
        &mut self,
        organisation: OrganisationId,
        domain: &SignUpDomain,
    ) -> Result<bool, StoreError>;
    /// Removes one; `false` when it is not theirs.
    fn remove_domain(
        &mut self,
        organisation: OrganisationId,
        domain: &SignUpDomain,
    ) -> Result<bool, StoreError>;
    /// Where whoever has this address may make themselves an account.
    fn organisation_of_address(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<OrganisationId>, StoreError>;
    /// Whether any organisation lets people make themselves an account.
    fn any_domain(&self) -> Result<bool, StoreError>;
    /// Keeps a link for an address, in place of its earlier one.
    fn add_sign_up(
        &mut self,
        token: TokenHash,
        organisation: OrganisationId,
        email: &EmailAddress,
        expires_at: UnixTime,
    ) -> Result<(), StoreError>;
    /// Whom a link is for, unless it has run out.
    fn sign_up(
        &self,
        token: TokenHash,
        now: UnixTime,
    ) -> Result<Option<(OrganisationId, EmailAddress)>, StoreError>;
    /// The link has done its work.
    fn forget_sign_up(&mut self, token: TokenHash) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role::{Administrator, Member, Organiser};
    use Has::{App, Nothing, Passkeys};
    use Then::{Code, In, Passkey, SetsUp};
    use TwoFactors::{Administrators, Everybody, WhoeverWants};

    type Row = (TwoFactors, Role, [(Has, Then); 3]);

    /// Every policy, role and possession, written down a second time and on purpose: who changes the rule changes both.
    const TABLE: &[Row] = &[
        (Everybody, Administrator, [(Nothing, SetsUp), (Passkeys, Passkey), (App, Code)]),
        (Everybody, Organiser, [(Nothing, SetsUp), (Passkeys, Passkey), (App, Code)]),
        (Everybody, Member, [(Nothing, SetsUp), (Passkeys, Passkey), (App, Code)]),
        (Administrators, Administrator, [(Nothing, SetsUp), (Passkeys, Passkey), (App, Code)]),
        (Administrators, Organiser, [(Nothing, In), (Passkeys, In), (App, Code)]),
        (Administrators, Member, [(Nothing, In), (Passkeys, In), (App, Code)]),
        (WhoeverWants, Administrator, [(Nothing, In), (Passkeys, In), (App, Code)]),
        (WhoeverWants, Organiser, [(Nothing, In), (Passkeys, In), (App, Code)]),
        (WhoeverWants, Member, [(Nothing, In), (Passkeys, In), (App, Code)]),
    ];

    #[test]
    fn a_password_alone_is_good_for_what_the_table_says() {
        let named: Vec<_> = TABLE.iter().map(|(policy, role, _)| (*policy, *role)).collect();
        let all: Vec<_> = TwoFactors::ALL
            .into_iter()
            .flat_map(|policy| Role::ALL.map(|role| (policy, role)))
            .collect();
        assert_eq!(named, all, "a policy or a role is missing here");
        for (policy, role, row) in TABLE {
            for (has, then) in row {
                assert_eq!(
                    after_password(*policy, *role, *has),
                    *then,
                    "{policy:?} {role:?} {has:?}"
                );
            }
        }
    }

    #[test]
    fn what_counts_as_two_factors_is_what_the_table_says() {
        for (shown, both) in [
            (Shown::Password, false),
            (Shown::PasswordAndCode, true),
            (Shown::PasswordAndRecoveryCode, true),
            (Shown::Passkey, true),
        ] {
            assert_eq!(shown.is_both_factors(), both, "{shown:?}");
        }
        assert_eq!(Has::of(true, true), App);
        assert_eq!(Has::of(false, true), Passkeys);
        assert_eq!(Has::of(false, false), Nothing);
    }

    #[test]
    fn a_domain_is_taken_in_small_letters_and_free_mail_providers_are_known() {
        for (text, domain) in [
            ("Example.ORG", "example.org"),
            (" @hospital.example ", "hospital.example"),
            ("a.b.example.co.uk", "a.b.example.co.uk"),
            ("xn--hpital-bwa.example", "xn--hpital-bwa.example"),
        ] {
            let taken: SignUpDomain = text.parse().unwrap();
            assert_eq!((taken.as_str(), taken.is_free_mail()), (domain, false));
        }
        let long = format!("{}.org", "a.".repeat(130));
        for text in [
            "",
            "@",
            "org",
            "a@example.org",
            "a b.org",
            "example..org",
            "1.2",
            "-a.org",
            "ä.org",
            &long,
        ] {
            assert_eq!(text.parse::<SignUpDomain>(), Err(DomainError), "{text:?}");
        }
        for text in ["gmail.com", "@GMail.com", "orange.fr"] {
            assert!(text.parse::<SignUpDomain>().unwrap().is_free_mail(), "{text}");
        }
        assert!(FREE_MAIL.is_sorted(), "so that nobody adds one twice");
    }
}

//! The second factor of signing in: six digits from an app (TOTP, RFC 6238), and codes for the day on which the app is gone.
//!
//! The arithmetic: whoever has the password, and no app, tries as often as [`crate::sign_in`] lets them, some 80 times a
//! day, against three codes of a million.

use crate::people::TokenHash;
use crate::repository::StoreError;
use conclave_types::{OrganisationId, PersonId, Secret, UnixTime};
use ring::digest::{SHA256, digest};
use ring::hmac;
use std::collections::BTreeSet;
use std::fmt;
use subtle::ConstantTimeEq;

/// How long a code is shown, in seconds (RFC 6238, 5.2).
const STEP_S: u64 = 30;

/// The digits of a code.
const DIGITS: usize = 6;

/// Recovery codes that somebody gets.
pub const RECOVERY_CODES: usize = 8;

/// What base32 (RFC 4648, 6) writes with.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What recovery codes are written with: no letter looks like a figure.
const PLAIN: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What an app and the cloud share: 160 bits, as RFC 4226, 4 recommends.
#[derive(Clone)]
pub struct SharedSecret(Secret<[u8; 20]>);

impl SharedSecret {
    /// Of random octets, from a generator fit for secrets.
    pub fn from_random(octets: [u8; 20]) -> SharedSecret {
        SharedSecret(Secret::new(octets))
    }

    /// The octets, to be sealed.
    pub fn octets(&self) -> &[u8; 20] {
        self.0.expose()
    }

    /// As people type it into an app: 32 letters and figures.
    pub fn base32(&self) -> String {
        written(self.0.expose(), BASE32)
    }

    /// The step of which this is the code: the present one, or one beside it, since clocks differ. `None`: it is of none.
    pub fn step_of(&self, code: &str, now: UnixTime) -> Option<u64> {
        let typed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let present = now.0 / STEP_S;
        let near = [present, present.saturating_sub(1), present.saturating_add(1)];
        near.into_iter().find(|step| self.code(*step).as_bytes().ct_eq(typed.as_bytes()).into())
    }

    /// The code of a step (RFC 4226, 5.3).
    fn code(&self, step: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.expose());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0f);
        let four = tag.get(offset..offset + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
        let number = u32::from_be_bytes(four.unwrap_or_default()) & 0x7fff_ffff;
        format!("{:0DIGITS$}", number % 10_u32.pow(DIGITS as u32))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

/// Octets, five bits a letter; what is left at the end is filled with zeros.
fn written(octets: &[u8], alphabet: &[u8; 32]) -> String {
    let mut text = String::new();
    let (mut bits, mut count) = (0_u32, 0);
    for octet in octets {
        bits = bits << 8 | u32::from(*octet);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(alphabet[(bits >> count & 31) as usize]));
        }
    }
    if count > 0 {
        text.push(char::from(alphabet[(bits << (5 - count) & 31) as usize]));
    }
    text
}

/// A code for the day on which the app is gone: 50 bits.
#[derive(Clone)]
pub struct RecoveryCode(Secret<String>);

impl RecoveryCode {
    /// Of random bits, of which 50 count.
    pub fn from_random(bits: u64) -> RecoveryCode {
        let mut text = written(&(bits << 14).to_be_bytes(), PLAIN);
        text.truncate(10);
        text.insert(5, '-');
        RecoveryCode(Secret::new(text))
    }

    /// As it is shown: `0123a-bcdef`.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is kept of it, and of what somebody typed: with or without the hyphen, in capitals or not.
    pub fn hash(typed: &str) -> TokenHash {
        let plain: Secret<String> = Secret::new(
            typed.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase(),
        );
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, plain.expose().as_bytes()).as_ref());
        TokenHash(hash)
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

/// Somebody's second factor, as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The shared secret, sealed by whoever has the key.
    pub sealed: Vec<u8>,
    /// Whether its person has shown that their app has it; until then nobody is asked for it.
    pub confirmed: bool,
    /// The step of the last code that was taken.
    pub last_step: u64,
}

impl fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SecondFactor { confirmed, last_step, .. } = self;
        write!(f, "SecondFactor {{ confirmed: {confirmed}, last_step: {last_step} }}")
    }
}

/// Second factors. They go with their person.
pub trait SecondFactors {
    /// Somebody's.
    fn second_factor(&self, person: PersonId) -> Result<Option<SecondFactor>, StoreError>;
    /// Who of an organisation has one that is confirmed.
    fn with_second_factor(
        &self,
        organisation: OrganisationId,
    ) -> Result<BTreeSet<PersonId>, StoreError>;
    /// Keeps one in place of what was kept, with these recovery codes and no others.
    fn keep_second_factor(
        &mut self,
        person: PersonId,
        factor: &SecondFactor,
        recovery: &[TokenHash],
    ) -> Result<(), StoreError>;
    /// Takes the code of this step; `false` when it, or a later one, was taken before.
    fn take_step(&mut self, person: PersonId, step: u64) -> Result<bool, StoreError>;
    /// Takes a recovery code; `false` when it is none of theirs any more.
    fn take_recovery_code(&mut self, person: PersonId, code: TokenHash)
    -> Result<bool, StoreError>;
    /// Removes somebody's; `false` when they have none.
    fn remove_second_factor(&mut self, person: PersonId) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_rfc() -> SharedSecret {
        SharedSecret::from_random(*b"12345678901234567890")
    }

    #[test]
    fn codes_are_those_of_rfc_6238_and_rfc_4226() {
        // RFC 6238, appendix B, SHA-1: eight digits, of which an app shows the last six.
        for (at, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(of_rfc().step_of(code, UnixTime(at)), Some(at / STEP_S), "{code}");
        }
        // RFC 4226, appendix D.
        let codes = ["755224", "287082", "359152", "969429", "338314"];
        for (step, code) in codes.into_iter().enumerate() {
            assert_eq!(of_rfc().code(step as u64), code);
        }
    }

    #[test]
    fn clocks_may_differ_by_a_step_and_what_is_no_code_is_none() {
        let secret = of_rfc();
        let at = |step: u64| UnixTime(step * STEP_S + 7);
        assert_eq!(secret.step_of("969 429", at(4)), Some(3), "as some apps show it");
        assert_eq!(secret.step_of("969429", at(2)), Some(3));
        for (code, now) in
            [("969429", at(5)), ("", at(3)), ("96942", at(3)), ("９６９４２９", at(3))]
        {
            assert_eq!(secret.step_of(code, now), None, "{code}");
        }
        assert_eq!(secret.step_of("000000", UnixTime(u64::MAX)), None);
    }

    #[test]
    fn a_secret_is_written_as_apps_read_it() {
        // RFC 4648, section 10, without the filling.
        for (octets, text) in [("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(written(octets.as_bytes(), BASE32), text);
        }
        assert_eq!(of_rfc().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(!format!("{:?}", of_rfc()).contains("GEZD"));
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let code = RecoveryCode::from_random(0x3_ffff_ffff_fff1);
        assert_eq!(code.expose().len(), 11);
        assert_eq!(code.expose(), "zzzzz-zzzzh");
        let typed = code.expose().replace('-', " ").to_uppercase();
        assert_eq!(RecoveryCode::hash(&typed), RecoveryCode::hash(code.expose()));
        assert_ne!(RecoveryCode::hash("zzzzz-zzzzg"), RecoveryCode::hash(code.expose()));
    }
}

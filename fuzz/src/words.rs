//! Words that people type or the link carries: what parses is shown, and parses as the same.

use conclave_link_protocol::message::CertificateChain;
use conclave_link_protocol::pin::{Pins, ServerPin};
use conclave_types::{
    ActivationCode, BundleHash, CallId, Channel, Compatible, DisplayName, EmailAddress, LegId,
    MaintenanceWindow, MeetingId, OrganisationId, ParticipantId, PersonId, Pin, RoomId, SrtpKey,
    Version, VmrId, VmrNumber,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// The input, as an activation code. Written in any way, it is the same code; it has no other
/// letters than Crockford's; and no log shows it.
pub fn activation_code(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    shown::<ActivationCode>(text);
    let Ok(code) = text.parse::<ActivationCode>() else { return };
    let shown = code.to_string();
    let letters = shown.replace('-', "");
    assert!(letters.len() == 8 && letters.bytes().all(|l| CROCKFORD.contains(&l)), "{shown}");
    for other in [letters.to_lowercase(), letters.replace('0', "o").replace('1', "l")] {
        assert_eq!(other.parse(), Ok(code), "{other}");
    }
    assert!(!format!("{code:?}").contains(&letters[..4]));
}

/// The alphabet of activation codes.
const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The input, as each of the other words; its lines as pins and as a chain.
pub fn all(input: &[u8]) {
    if let Ok(key) = serde_json::from_slice::<SrtpKey>(input) {
        json(&key);
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    shown::<VmrNumber>(text);
    shown::<DisplayName>(text);
    shown::<EmailAddress>(text);
    shown::<OrganisationId>(text);
    shown::<PersonId>(text);
    shown::<RoomId>(text);
    shown::<VmrId>(text);
    shown::<MeetingId>(text);
    shown::<ParticipantId>(text);
    shown::<CallId>(text);
    shown::<LegId>(text);
    shown::<Version>(text);
    shown::<BundleHash>(text);
    shown::<Compatible>(text);
    shown::<Channel>(text);
    shown::<MaintenanceWindow>(text);
    if let Ok(target) = text.parse::<conclave_clock::Target>() {
        assert_eq!(target.to_string().parse(), Ok(target));
        assert!(text.len() as u64 <= conclave_clock::LONGEST || text.contains(" 0"), "{text:?}");
    }
    match text.parse::<ServerPin>() {
        Ok(pin) => assert_eq!(pin.to_string().parse(), Ok(pin)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(pin) = text.parse::<Pin>() {
        assert_eq!(pin.expose().parse(), Ok(pin.clone()));
        assert!(!format!("{pin:?}").contains(text));
        json(&pin);
    }
    let lines: Vec<&str> = text.lines().collect();
    if let Ok(pins) = Pins::parse(&lines) {
        let mut written = vec![pins.current.to_string()];
        written.extend(pins.backup.map(|backup| backup.to_string()));
        assert_eq!(Pins::parse(&written), Ok(pins));
    }
    let chain = CertificateChain(lines.iter().map(|line| (*line).to_owned()).collect());
    if let Ok(certificates) = chain.to_der() {
        assert_eq!(CertificateChain::from_der(&certificates).to_der(), Ok(certificates));
    }
}

fn shown<T>(text: &str)
where
    T: FromStr<Err: Display> + Display + PartialEq + Debug + Serialize + DeserializeOwned,
{
    match text.parse::<T>() {
        Ok(word) => {
            let shown = word.to_string();
            assert!(shown.parse::<T>().is_ok_and(|again| again == word), "{shown:?}");
            json(&word);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn json<T: Serialize + DeserializeOwned + PartialEq>(word: &T) {
    let written = serde_json::to_string(word).unwrap_or_default();
    assert!(serde_json::from_str::<T>(&written).is_ok_and(|again| again == *word), "{written}");
}

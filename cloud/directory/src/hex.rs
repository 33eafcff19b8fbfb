//! 32 octets as 64 hexadecimal digits: hashes and tokens.

/// The digits.
pub(crate) fn written(octets: &[u8; 32]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The octets; `None` of anything but 64 digits.
pub(crate) fn read(text: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (at, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(octets)
}

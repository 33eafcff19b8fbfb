//! Octets as hexadecimal digits: hashes, tokens, what is sealed.

/// The digits.
pub(crate) fn written(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// 32 octets; `None` of anything but 64 digits.
pub(crate) fn read(text: &str) -> Option<[u8; 32]> {
    octets(text)?.try_into().ok()
}

/// The octets; `None` of anything but pairs of digits.
pub(crate) fn octets(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}

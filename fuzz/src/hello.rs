//! A client's first words in TLS, as they come to a port that rooms and browsers share.
//!
//! The first octet is the length of the pieces in which the rest comes; 0: all at once.
//!
//! The module is built in here alone: the hub has an asynchronous runtime besides.

#[path = "../../cloud-link/cloud/src/hello.rs"]
mod heard;

use heard::{Hearing, LONGEST_HELLO, Whose};

/// What was heard of octets that came in pieces of this length, and what was kept of them.
fn hear(octets: &[u8], length: usize) -> (Option<Whose>, Vec<u8>) {
    let mut hearing = Hearing::default();
    let mut whose = None;
    for piece in octets.chunks(length.max(1)) {
        match hearing.hear(piece) {
            Ok(None) => {}
            Ok(found) => {
                whose = found;
                break;
            }
            Err(_) => break,
        }
    }
    (whose, hearing.said())
}

/// The input as what a stranger says first.
pub fn words(input: &[u8]) {
    let Some((first, octets)) = input.split_first() else { return };
    let length = match usize::from(*first) {
        0 => octets.len(),
        length => length,
    };
    let (whose, said) = hear(octets, length);
    assert!(said.len() <= LONGEST_HELLO, "{} octets are kept", said.len());
    assert!(octets.starts_with(&said), "what is kept is not what was said");
    let (at_once, _) = hear(octets, octets.len());
    // What follows a hello in the same breath may spoil it; nothing makes it another's.
    if let (Some(whose), Some(at_once)) = (whose, at_once) {
        assert_eq!(whose, at_once);
    }
}

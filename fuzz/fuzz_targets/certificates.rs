//! Certificates that a stranger shows to a cloud, or a cloud gives to a room; see `conclave_fuzz::certificates`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::certificates::chain(input));

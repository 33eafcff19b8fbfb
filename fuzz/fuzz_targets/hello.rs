//! What a stranger says first on a port that rooms and browsers share; see `conclave_fuzz::hello`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::hello::words(input));

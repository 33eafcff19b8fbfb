//! What a stranger or a room may send to a cloud; see `conclave_fuzz::link`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::link::cloud(input));

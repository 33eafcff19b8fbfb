//! What a cloud, or what sits in its place, may send to a room; see `conclave_fuzz::link`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::link::room(input));

//! What a person types who enrols a room; see `conclave_fuzz::words`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::words::activation_code(input));

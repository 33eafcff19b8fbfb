//! Garbage and damaged packets before the key; see `conclave_fuzz::srtp`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::srtp::open(input));

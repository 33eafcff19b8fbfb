//! What stands in the panel's socket; see `conclave_fuzz::panel`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::panel::messages(input));

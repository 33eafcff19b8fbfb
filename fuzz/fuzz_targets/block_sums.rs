//! Block sums of an update; see `conclave_fuzz::block_sums`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::block_sums::search(input));

//! What a board is made of; see `conclave_fuzz::board_description`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::board_description::parse(input));

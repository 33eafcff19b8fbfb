//! The room's configuration file; see `conclave_fuzz::room_config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::room_config::parse(input));

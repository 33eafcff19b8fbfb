//! The cloud's configuration file; see `conclave_fuzz::cloud_config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::cloud_config::parse(input));

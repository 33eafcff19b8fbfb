//! Lines between the command line and a running cloud; see `conclave_fuzz::control_lines`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::control_lines::lines(input));

//! Files of calendars; see `conclave_fuzz::calendars`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::calendars::file(input));

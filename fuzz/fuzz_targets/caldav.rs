//! Answers of CalDAV servers; see `conclave_fuzz::calendars`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::calendars::caldav(input));

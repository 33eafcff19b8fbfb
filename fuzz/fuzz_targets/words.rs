//! What people type and the link carries as text; see `conclave_fuzz::words`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::words::all(input));

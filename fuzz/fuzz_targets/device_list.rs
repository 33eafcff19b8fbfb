//! A list of devices that are to be rooms; see `conclave_fuzz::device_list`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::device_list::read(input));

//! What two legs may send to the forwarder of their meeting; see `conclave_fuzz::forwarder`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::forwarder::meeting(input));

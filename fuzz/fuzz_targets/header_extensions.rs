//! Header extensions of RTP packets; see `conclave_fuzz::rtp`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzz::rtp::extensions(input));

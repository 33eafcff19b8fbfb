//! Fuzz targets: octets from outside, however wrong, must do no harm.
//!
//! Each target takes the fuzzer's input, makes of it what an outsider could send, and asserts what
//! has to hold. They are plain functions, so that `cargo test` in this folder runs all seeds
//! through them without a fuzzer; `fuzz_targets/` only hands them to libFuzzer, and
//! `cargo xtask fuzz` builds and runs those.
//!
//! | target | function | beyond "does not panic" |
//! | --- | --- | --- |
//! | `link_room`, `link_cloud` | [`link`] | outputs are bounded; one close; messages survive being written and read |
//! | `rtp_packet`, `rtcp` | [`rtp`] | what is read can be written and read again as the same |
//! | `srtp_open` | [`srtp`] | what was damaged does not open; the true packet then does, once |
//! | `forwarder` | [`forwarder`] | outputs are bounded; no receiver gets two packets under one number |
//! | `panel_messages` | [`panel`] | messages survive being written and read |
//! | `words` | [`words`] | what parses is shown, and parses as the same |
//! | `cloud_config` | [`cloud_config`] | mistakes name a line that is there |
//!
//! [`seeds`] makes the corpus to begin with.

pub mod cloud_config;
pub mod forwarder;
pub mod link;
pub mod panel;
pub mod pieces;
pub mod rtp;
pub mod seeds;
pub mod srtp;
pub mod words;

/// A target by the name of its program in `fuzz_targets/`.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("link_room", link::room),
    ("link_cloud", link::cloud),
    ("rtp_packet", rtp::packet),
    ("rtcp", rtp::rtcp),
    ("srtp_open", srtp::open),
    ("forwarder", forwarder::meeting),
    ("panel_messages", panel::messages),
    ("words", words::all),
    ("cloud_config", cloud_config::parse),
];

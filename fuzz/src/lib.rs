//! Fuzz targets: octets from outside, however wrong, must do no harm.
//!
//! Each target takes the fuzzer's input, makes of it what an outsider could send, and asserts what
//! has to hold. They are plain functions, so that `cargo test -p conclave-fuzz` runs all
//! seeds through them without a fuzzer; `fuzz_targets/` only hands them to libFuzzer, and
//! `cargo xtask fuzz` builds and runs those.
//!
//! | target | function | beyond "does not panic" |
//! | --- | --- | --- |
//! | `link_room`, `link_cloud` | [`link`] | outputs are bounded; one close; messages survive being written and read |
//! | `rtp_packet`, `header_extensions`, `rtcp` | [`rtp`] | what is read can be written and read again as the same |
//! | `srtp_open` | [`srtp`] | what was damaged does not open; the true packet then does, once |
//! | `forwarder` | [`forwarder`] | outputs are bounded; no receiver gets two packets under one number |
//! | `panel_messages` | [`panel`] | messages survive being written and read |
//! | `activation_codes`, `words` | [`words`] | what parses is shown, and parses as the same |
//! | `certificates` | [`certificates`] | only what the CA signed is an enrolled room |
//! | `hello` | [`hello`] | what is kept is what was said, and bounded; pieces change nothing |
//! | `cloud_config` | [`cloud_config`] | mistakes name a line that is there |
//! | `device_list` | [`device_list`] | lines are bounded; what is wrong is said; no name is there twice |
//! | `board_description` | [`board_description`] | mistakes name a line that is there; what parses keeps its limits |
//! | `room_config` | [`room_config`] | what parses keeps its limits, and is written as the same |
//! | `control_lines` | [`control_lines`] | what parses is one line when written, and parses as the same |
//! | `calendars`, `caldav` | [`calendars`] | what is found lies within the days that were asked for, in order, and is bounded |
//! | `block_sums` | [`block_sums`] | what is found has the sums; all the rest is missing |
//!
//! [`seeds`] makes the corpus to begin with.

#![expect(
    clippy::panic,
    reason = "what must not be ends the run: that is how a fuzzer learns of it"
)]

pub mod block_sums;
pub mod board_description;
pub mod calendars;
mod calls;
pub mod certificates;
pub mod cloud_config;
pub mod control_lines;
pub mod device_list;
pub mod forwarder;
pub mod hello;
pub mod limit;
pub mod link;
pub mod panel;
pub mod pieces;
pub mod room_config;
pub mod rtp;
pub mod seeds;
pub mod srtp;
pub mod words;

// The daemon's configuration names the media path's; see [`room_config`].
extern crate self as conclave_media;
pub(crate) use room_config::media::MediaConfig;

// A list of devices names the directory's tags.
extern crate self as conclave_directory;
pub(crate) use device_list::tags::Tag;

/// A target by the name of its program in `fuzz_targets/`.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 20] = [
    ("link_room", link::room),
    ("link_cloud", link::cloud),
    ("rtp_packet", rtp::packet),
    ("header_extensions", rtp::extensions),
    ("rtcp", rtp::rtcp),
    ("srtp_open", srtp::open),
    ("forwarder", forwarder::meeting),
    ("panel_messages", panel::messages),
    ("activation_codes", words::activation_code),
    ("words", words::all),
    ("certificates", certificates::chain),
    ("hello", hello::words),
    ("cloud_config", cloud_config::parse),
    ("device_list", device_list::read),
    ("room_config", room_config::parse),
    ("board_description", board_description::parse),
    ("control_lines", control_lines::lines),
    ("block_sums", block_sums::search),
    ("calendars", calendars::file),
    ("caldav", calendars::caldav),
];

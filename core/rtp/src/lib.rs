//! RTP and RTCP as room and media node both read them: headers, reports, and what to do about loss.
//!
//! - [`Packet`] looks into an RTP packet (RFC 3550, section 5.1) without copying it; [`Draft`]
//!   writes one; [`set_sequence`], [`set_source`] and [`set_marker`] change one in place.
//! - [`rtcp`] reads and writes the few RTCP packets that we use.
//! - [`loss::Tracker`] watches one source at its receiver: gaps, NACK lists, reports.
//! - [`history::History`] keeps what a sender may have to send again.
//!
//! Everything here works on packets in the clear; SRTP lies outside of it.

#![forbid(unsafe_code)]

pub mod history;
pub mod loss;
mod packet;
pub mod rtcp;
pub mod sequence;

pub use packet::{
    AudioLevel, Draft, HEADER_LENGTH, Packet, RtpError, set_marker, set_sequence, set_source,
};

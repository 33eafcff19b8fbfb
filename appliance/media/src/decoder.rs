//! Which decoder pictures go through: OpenH264 before FFmpeg.
//!
//! Both decode all that a room sends or gets (constrained baseline). FFmpeg's needs less processor
//! time; but its plug-in brings FFmpeg with every codec and filter that Debian builds it with,
//! sixty libraries and 20 MB of a process that uses one of them.

use crate::running::Trouble;
use gstreamer as gst;
use gstreamer::prelude::*;

/// In order of preference: the element, and how it is used. FFmpeg's in one thread: frame threads
/// would each hold back a picture and keep pictures of their own.
const DECODERS: [(&str, &str); 2] = [
    ("openh264dec", "openh264dec"),
    ("avdec_h264", "avdec_h264 max-threads=1 output-corrupt=false"),
];

/// The first that is installed, in GStreamer's notation.
pub(crate) fn decoder() -> Result<&'static str, Trouble> {
    DECODERS
        .into_iter()
        .find(|(element, _)| gst::ElementFactory::find(element).is_some())
        .map(|(_, notation)| notation)
        .ok_or_else(|| {
            Trouble::text("no H.264 decoder is installed (gstreamer1.0-plugins-bad has one)")
        })
}

/// Has pipelines that look for a decoder by themselves prefer the same one. Hardware stays before
/// it. Once, after GStreamer is initialised.
pub(crate) fn prefer() {
    if let Some((first, _)) = DECODERS.first()
        && let Some(found) = gst::ElementFactory::find(first)
    {
        // Above FFmpeg's, which are primary; decoders in hardware rank higher by more than one.
        found.set_rank(gst::Rank::PRIMARY + 1);
    }
}

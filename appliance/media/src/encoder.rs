//! Which encoder this machine really has: found by trying, not by asking.
//!
//! Each candidate encodes a few pictures of a test card and a software decoder decodes them
//! again. An encoder is trusted only when the pictures come back with the right size and with
//! light and dark where they belong: drivers exist that register an encoder and give green.

use crate::config::MediaConfig;
use crate::decoder::decoder;
use crate::running::{Running, Trouble};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

/// An encoder element and how it is told to be quick and plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The element's name.
    pub(crate) element: &'static str,
    /// Properties, where the element has them: `{kbit}` and `{bit}` stand for the bit rate,
    /// `{gop}` for the pictures between two keyframes that nobody asked for.
    settings: &'static [(&'static str, &'static str)],
}

/// In order of preference: hardware by the kernel's own interfaces, hardware by its vendors',
/// then software. x264 before openh264: at the same bit rate it shows more.
const CANDIDATES: &[Candidate] = &[
    Candidate {
        element: "v4l2h264enc",
        settings: &[(
            "extra-controls",
            "controls,video_bitrate={bit},video_gop_size={gop},repeat_sequence_header=1",
        )],
    },
    Candidate {
        element: "vah264enc",
        settings: &[
            ("rate-control", "cbr"),
            ("bitrate", "{kbit}"),
            ("key-int-max", "{gop}"),
            ("b-frames", "0"),
            ("ref-frames", "1"),
            ("target-usage", "6"),
        ],
    },
    Candidate {
        element: "vaapih264enc",
        settings: &[
            ("rate-control", "cbr"),
            ("bitrate", "{kbit}"),
            ("keyframe-period", "{gop}"),
            ("max-bframes", "0"),
        ],
    },
    Candidate {
        element: "omxh264enc",
        settings: &[
            ("control-rate", "constant"),
            ("target-bitrate", "{bit}"),
            ("interval-intraframes", "{gop}"),
        ],
    },
    Candidate { element: "vpuenc_h264", settings: &[("bitrate", "{kbit}"), ("gop-size", "{gop}")] },
    Candidate {
        element: "mpph264enc",
        settings: &[("bps", "{bit}"), ("gop", "{gop}"), ("rc-mode", "cbr")],
    },
    Candidate {
        element: "qsvh264enc",
        settings: &[
            ("bitrate", "{kbit}"),
            ("gop-size", "{gop}"),
            ("b-frames", "0"),
            ("low-latency", "true"),
        ],
    },
    Candidate {
        element: "x264enc",
        settings: &[
            ("tune", "zerolatency"),
            // Half the time of "superfast", for a slightly coarser picture at this bit rate.
            ("speed-preset", "ultrafast"),
            ("bitrate", "{kbit}"),
            ("key-int-max", "{gop}"),
            ("bframes", "0"),
            ("vbv-buf-capacity", "300"),
            // Slices on two cores: more threads only cost bits.
            ("threads", "2"),
        ],
    },
    Candidate {
        element: "openh264enc",
        settings: &[
            ("bitrate", "{bit}"),
            ("gop-size", "{gop}"),
            ("rate-control", "bitrate"),
            ("complexity", "low"),
        ],
    },
];

/// Seconds between keyframes that nobody asked for. Whoever lost one asks; this is only for
/// requests that are lost as well. Each costs as much as ten other pictures.
const GOP_SECONDS: u32 = 10;

/// How long a candidate may take for its few pictures; the slowest that is of use needs 0.4 s.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(5);

/// Pictures that must come back.
const TRIAL_PICTURES: u32 = 5;

impl Candidate {
    /// The encoder in GStreamer's notation, from I420 to H.264 byte stream.
    pub(crate) fn notation(&self) -> String {
        format!(
            "videoconvert n-threads=1 ! {} name=encoder \
             ! video/x-h264,stream-format=byte-stream,alignment=au,\
               profile=(string){{constrained-baseline,baseline}} \
             ! h264parse",
            self.element
        )
    }

    /// Sets the encoder of a pipeline built from [`Candidate::notation`].
    pub(crate) fn configure(&self, running: &Running, config: &MediaConfig) -> Result<(), Trouble> {
        let encoder = running.element("encoder")?;
        let kbit = config.bitrate_kbit.get();
        for (name, value) in self.settings {
            let value = value
                .replace("{kbit}", &kbit.to_string())
                .replace("{bit}", &(kbit * 1000).to_string())
                .replace("{gop}", &(config.fps.get() * GOP_SECONDS).to_string());
            set_if_there(&encoder, name, &value);
        }
        Ok(())
    }

    fn attempt(&self, config: &MediaConfig) -> Result<(), Trouble> {
        let (width, height, fps) = (config.width.get(), config.height.get(), config.fps.get());
        let running = Running::launch(&format!(
            "videotestsrc pattern=smpte num-buffers={pictures} \
             ! video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 \
             ! {encoder} ! {decoder} ! videoconvert n-threads=1 ! video/x-raw,format=I420 \
             ! appsink name=out sync=false",
            pictures = TRIAL_PICTURES * 2,
            encoder = self.notation(),
            decoder = decoder()?,
        ))?;
        self.configure(&running, config)?;
        let sink = running.sink("out")?;
        running.play()?;
        for _ in 0..TRIAL_PICTURES {
            let Some(sample) = sink.try_pull_sample(PATIENCE) else {
                return Err(running
                    .trouble()
                    .unwrap_or_else(|| Trouble::text("it gave no pictures in time")));
            };
            check(&sample, width, height)?;
        }
        Ok(())
    }
}

/// Whether a decoded test card looks like one: the left bar is light, the blue bar is dark.
fn check(sample: &gst::Sample, width: u32, height: u32) -> Result<(), Trouble> {
    let caps = sample.caps().ok_or_else(|| Trouble::text("a picture without a format"))?;
    let info = gst_video::VideoInfo::from_caps(caps).map_err(Trouble::plain)?;
    if (info.width(), info.height()) != (width, height) {
        let found = format!("pictures came back as {} x {}", info.width(), info.height());
        return Err(Trouble::text(found));
    }
    let buffer = sample.buffer().ok_or_else(|| Trouble::text("a picture without pixels"))?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)
        .map_err(Trouble::plain)?;
    let luma = frame.plane_data(0).map_err(Trouble::plain)?;
    let stride = frame.plane_stride()[0] as usize;
    let at = |x: u32| luma.get(stride * (height as usize / 3) + x as usize).copied();
    let (light, dark) = (at(width / 14), at(width * 13 / 14));
    match (light, dark) {
        (Some(150..), Some(..=70)) => Ok(()),
        _ => Err(Trouble::text(format!("the test card came back as {light:?} and {dark:?}"))),
    }
}

/// Sets a property when the element has it and understands the value: names and values differ
/// between drivers and versions, and the trial shows whether it matters.
pub(crate) fn set_if_there(element: &gst::Element, name: &str, value: &str) {
    let Some(property) = element.find_property(name) else { return };
    match gst::glib::Value::deserialize(value, property.value_type()) {
        Ok(value) => element.set_property_from_value(name, &value),
        Err(error) => tracing::debug!(name, value, %error, "a setting is not understood"),
    }
}

/// The encoder at a place of the order.
pub(crate) fn candidate(place: usize) -> Option<&'static Candidate> {
    CANDIDATES.get(place)
}

/// The first encoder from place `from` of the order that passes its trial, with its place.
pub(crate) fn by_trial(
    config: &MediaConfig,
    from: usize,
) -> Result<(usize, &'static Candidate), Trouble> {
    for (place, candidate) in CANDIDATES.iter().enumerate().skip(from) {
        if gst::ElementFactory::find(candidate.element).is_none() {
            continue;
        }
        match candidate.attempt(config) {
            Ok(()) => return Ok((place, candidate)),
            Err(trouble) => {
                tracing::warn!(encoder = candidate.element, %trouble, "an encoder failed its trial");
            }
        }
    }
    Err(Trouble::text("no H.264 encoder works here (install gstreamer1.0-plugins-ugly)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_is_found_by_trial_and_the_next_one_after_it() {
        gst::init().unwrap();
        let config = MediaConfig::default();
        let (place, first) = by_trial(&config, 0).unwrap();
        let (next, second) = by_trial(&config, place + 1).unwrap();
        assert!(next > place && first != second, "{first:?} {second:?}");
        assert!(by_trial(&config, CANDIDATES.len()).is_err());
    }

    #[test]
    fn an_encoder_that_gives_something_else_fails_its_trial() {
        gst::init().unwrap();
        // A JPEG encoder is no H.264 encoder, and an element that is not there is none at all.
        for element in ["jpegenc", "nosuchenc"] {
            let candidate = Candidate { element, settings: &[] };
            assert!(candidate.attempt(&MediaConfig::default()).is_err(), "{element}");
        }
    }
}

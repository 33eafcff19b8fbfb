//! A pipeline that always ends in NULL.
//!
//! Dropping a playing GStreamer pipeline crashes the process, so every pipeline of this crate
//! lives in a [`Running`], whose drop stops it whatever way the owner goes.

use crate::encoder::set_if_there;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::fmt;
use std::sync::OnceLock;

/// What went wrong with a device or a pipeline: English, for the log and the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble(String);

impl Trouble {
    /// From a sentence.
    pub(crate) fn text(text: impl Into<String>) -> Trouble {
        Trouble(text.into())
    }

    /// From another error's words.
    pub(crate) fn plain(error: impl fmt::Display) -> Trouble {
        Trouble(error.to_string())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A pipeline that is set to NULL when dropped.
pub(crate) struct Running {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
}

impl Running {
    /// Builds a pipeline from GStreamer's notation.
    pub(crate) fn launch(notation: &str) -> Result<Running, Trouble> {
        let pipeline = gst::parse::launch(notation)
            .map_err(Trouble::plain)?
            .downcast::<gst::Pipeline>()
            .map_err(|_| Trouble::text("a pipeline needs more than one element"))?;
        let bus = pipeline.bus().ok_or_else(|| Trouble::text("the pipeline has no bus"))?;
        // One clock for everything: the echo canceller compares the time of what was played with
        // the time of what was heard, and their pipelines live apart.
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        Ok(Running { pipeline, bus })
    }

    /// Software decoders that the pipeline finds for itself get one thread: each further one
    /// would keep pictures of its own and hand them on a picture later.
    pub(crate) fn decode_in_one_thread(&self) {
        self.pipeline.connect_deep_element_added(|_, _, element| {
            set_if_there(element, "max-threads", "1");
        });
    }

    /// Sinks that the pipeline finds for itself do not keep the picture that they showed last.
    pub(crate) fn keep_no_last_sample(&self) {
        self.pipeline.connect_deep_element_added(|_, _, element| {
            set_if_there(element, "enable-last-sample", "false");
        });
    }

    /// The pipeline itself.
    pub(crate) fn pipeline(&self) -> &gst::Pipeline {
        &self.pipeline
    }

    /// Lets the pipeline count its time from the same moment as all others of the process that
    /// do. The echo canceller needs that of the loudspeaker's and the microphone's; only for
    /// pipelines whose data comes in real time.
    pub(crate) fn share_time(&self) {
        static BEGAN: OnceLock<gst::ClockTime> = OnceLock::new();
        let began = *BEGAN.get_or_init(|| gst::SystemClock::obtain().time());
        self.pipeline.set_start_time(gst::ClockTime::NONE);
        self.pipeline.set_base_time(began);
    }

    /// An element by its name in the notation.
    pub(crate) fn element(&self, name: &str) -> Result<gst::Element, Trouble> {
        self.pipeline
            .by_name(name)
            .ok_or_else(|| Trouble::text(format!("the pipeline has no element '{name}'")))
    }

    /// An appsrc by its name.
    pub(crate) fn source(&self, name: &str) -> Result<gst_app::AppSrc, Trouble> {
        self.element(name)?
            .downcast()
            .map_err(|_| Trouble::text(format!("'{name}' is not an appsrc")))
    }

    /// An appsink by its name.
    pub(crate) fn sink(&self, name: &str) -> Result<gst_app::AppSink, Trouble> {
        self.element(name)?
            .downcast()
            .map_err(|_| Trouble::text(format!("'{name}' is not an appsink")))
    }

    /// Starts it. An error that the elements told is preferred to GStreamer's general one.
    pub(crate) fn play(&self) -> Result<(), Trouble> {
        match self.pipeline.set_state(gst::State::Playing) {
            Ok(_) => Ok(()),
            Err(general) => Err(self.trouble().unwrap_or_else(|| Trouble::plain(general))),
        }
    }

    /// Since the pipeline's clock began, `None` while it does not run.
    pub(crate) fn running_time(&self) -> Option<gst::ClockTime> {
        self.pipeline.current_running_time()
    }

    /// Takes the next message that matters, waiting at most this long.
    pub(crate) fn next(&self, wait: gst::ClockTime) -> Option<Happened> {
        use gst::MessageView;
        let wanted = [
            gst::MessageType::Error,
            gst::MessageType::Eos,
            gst::MessageType::SegmentDone,
            gst::MessageType::Latency,
        ];
        // With no time at all, `timed_pop_filtered` of gstreamer-rs gives up before it looks.
        let message = match wait.is_zero() {
            true => self.bus.pop_filtered(&wanted)?,
            false => self.bus.timed_pop_filtered(wait, &wanted)?,
        };
        match message.view() {
            MessageView::Error(error) => {
                let from = error.src().map(|s| s.name().to_string()).unwrap_or_default();
                Some(Happened::Trouble(Trouble::text(format!("{from}: {}", error.error()))))
            }
            MessageView::Eos(_) => Some(Happened::End),
            MessageView::SegmentDone(_) => Some(Happened::SegmentEnd),
            _ => {
                let _ = self.pipeline.recalculate_latency();
                Some(Happened::Latency)
            }
        }
    }

    /// What went wrong since the last call, without waiting. The end of a stream counts: streams
    /// of a room never end by themselves.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        loop {
            match self.next(gst::ClockTime::ZERO)? {
                Happened::Trouble(trouble) => return Some(trouble),
                Happened::End => return Some(Trouble::text("the stream ended")),
                Happened::SegmentEnd | Happened::Latency => {}
            }
        }
    }
}

/// What a pipeline told.
#[derive(Debug)]
pub(crate) enum Happened {
    /// It broke.
    Trouble(Trouble),
    /// Everything was played.
    End,
    /// The part that was sought has been played.
    SegmentEnd,
    /// Its delay changed; dealt with already.
    Latency,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
        // Some sinks go to NULL in a thread of their own.
        let _ = self.pipeline.state(gst::ClockTime::from_seconds(3));
    }
}

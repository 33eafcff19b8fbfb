//! From RTP packets of one participant to pictures and sound.
//!
//! Each participant has two pipelines of their own, so that a broken stream stops nobody else:
//! - video: packets → jitter buffer → depayloader → decoder → the participant's frame slot;
//! - audio: packets → jitter buffer → depayloader → Opus decoder → the participant's voice.
//!
//! Both play out with the same delay, the jitter buffer's, so lips and voice agree.

use crate::capture::samples_of;
use crate::encoder::decoder;
use crate::frames::FrameSlot;
use crate::inbound::JITTER_MS;
use crate::mixer::Voice;
use crate::running::{Running, Trouble};
use conclave_types::{AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use std::sync::Arc;

/// A picture came out of the decoder: the first since the receiver began, or a later one.
pub(crate) type OnPicture = Arc<dyn Fn(&gst_video::VideoInfo, u64) + Send + Sync>;

/// One pipeline that receives.
pub(crate) struct Receiver {
    running: Running,
    source: gst_app::AppSrc,
}

impl Receiver {
    /// Decodes pictures into `slot`; `keyframe_wanted` is called when the decoder cannot go on.
    pub(crate) fn video(
        slot: FrameSlot,
        on_picture: OnPicture,
        keyframe_wanted: impl Fn() + Send + Sync + 'static,
    ) -> Result<Receiver, Trouble> {
        let running = Running::launch(&format!(
            "appsrc name=in is-live=true format=time do-timestamp=true \
               max-buffers=4096 leaky-type=downstream caps=\"application/x-rtp,media=video,\
               encoding-name=H264,clock-rate=90000,payload={VIDEO_PAYLOAD_TYPE}\" \
             ! rtpjitterbuffer latency={JITTER_MS} do-lost=true \
             ! rtph264depay wait-for-keyframe=true request-keyframe=true ! h264parse \
             ! {} ! videoconvert n-threads=1 ! video/x-raw,format=I420 \
             ! appsink name=out sync=true max-buffers=3 drop=true qos=false",
            decoder()?
        ))?;
        running.sink("out")?.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    if let (Some(buffer), Some(caps)) = (sample.buffer_owned(), sample.caps())
                        && let Ok(info) = gst_video::VideoInfo::from_caps(caps)
                    {
                        let number = slot.put(buffer, info.clone());
                        on_picture(&info, number);
                    }
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        let source = running.source("in")?;
        if let Some(pad) = source.static_pad("src") {
            pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
                if let Some(event) = info.event()
                    && gst_video::ForceKeyUnitEvent::is(event)
                {
                    keyframe_wanted();
                }
                gst::PadProbeReturn::Ok
            });
        }
        running.play()?;
        Ok(Receiver { running, source })
    }

    /// Decodes sound into `voice`.
    pub(crate) fn audio(voice: Voice) -> Result<Receiver, Trouble> {
        let running = Running::launch(&format!(
            "appsrc name=in is-live=true format=time do-timestamp=true \
               max-buffers=512 leaky-type=downstream caps=\"application/x-rtp,media=audio,\
               encoding-name=OPUS,clock-rate=48000,payload={AUDIO_PAYLOAD_TYPE}\" \
             ! rtpjitterbuffer latency={JITTER_MS} do-lost=true \
             ! rtpopusdepay ! opusdec use-inband-fec=true plc=true \
             ! audioconvert ! audioresample \
             ! audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved \
             ! appsink name=out sync=true max-buffers=16 drop=true"
        ))?;
        running.sink("out")?.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    if let Some(samples) = sample.buffer().and_then(samples_of) {
                        voice.say(&samples);
                    }
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        let source = running.source("in")?;
        running.play()?;
        Ok(Receiver { running, source })
    }

    /// What takes RTP packets in the clear; never blocks, and drops the oldest when the decoder
    /// is far behind.
    pub(crate) fn taker(&self) -> Arc<dyn Fn(Vec<u8>) + Send + Sync> {
        let source = self.source.clone();
        Arc::new(move |packet| {
            let _ = source.push_buffer(gst::Buffer::from_mut_slice(packet));
        })
    }

    /// What broke, if something did.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.running.trouble()
    }
}

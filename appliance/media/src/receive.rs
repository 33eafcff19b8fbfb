//! From RTP packets of one participant to pictures and sound.
//!
//! Each participant has two pipelines of their own, so that a broken stream stops nobody else:
//! - video: packets → depayloader → decoder → the participant's frame slot;
//! - audio: packets → depayloader → Opus decoder → the participant's voice.
//!
//! Packets come in order and when they are due ([`crate::playout`]); nothing waits here any more.

use crate::capture::samples_of;
use crate::decoder::decoder;
use crate::frames::FrameSlot;
use crate::mixer::Voice;
use crate::playout::Played;
use crate::running::{Running, Trouble};
use conclave_types::{AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use std::sync::Arc;
use std::time::Duration;

/// What the depayloader is to give. As a byte stream GStreamer 1.22's gives each slice of a picture
/// by itself, which OpenH264 takes for a damaged picture each.
const WHOLE_PICTURES: &str = "video/x-h264,stream-format=avc,alignment=au";

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
            "appsrc name=in is-live=true format=time \
               max-buffers=4096 leaky-type=downstream caps=\"application/x-rtp,media=video,\
               encoding-name=H264,clock-rate=90000,payload={VIDEO_PAYLOAD_TYPE}\" \
             ! rtph264depay wait-for-keyframe=true request-keyframe=true \
             ! {WHOLE_PICTURES} ! h264parse ! {} ! videoconvert n-threads=1 ! video/x-raw,format=I420 \
             ! appsink name=out enable-last-sample=false sync=false max-buffers=1 drop=true qos=false",
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
            "appsrc name=in is-live=true format=time \
               max-buffers=512 leaky-type=downstream caps=\"application/x-rtp,media=audio,\
               encoding-name=OPUS,clock-rate=48000,payload={AUDIO_PAYLOAD_TYPE}\" \
             ! rtpopusdepay ! opusdec use-inband-fec=true plc=true \
             ! audioconvert ! audioresample \
             ! audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved \
             ! appsink name=out enable-last-sample=false sync=false max-buffers=16 drop=true"
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

    /// What takes RTP packets in the clear, in order; never blocks, and drops the oldest when the
    /// decoder is far behind.
    pub(crate) fn taker(&self) -> Arc<dyn Fn(Played) + Send + Sync> {
        let source = self.source.clone();
        Arc::new(move |played| match played {
            Played::Packet { packet, at } => {
                let mut buffer = gst::Buffer::from_mut_slice(packet);
                if let Some(buffer) = buffer.get_mut() {
                    buffer.set_pts(clock_time(at));
                }
                // Fails only when the pipeline is going away.
                let _ = source.push_buffer(buffer);
            }
            Played::Lost { sequence, at, span } => {
                // As a jitter buffer of GStreamer tells it: decoders conceal, or wait for a
                // keyframe.
                let lost = gst::Structure::builder("GstRTPPacketLost")
                    .field("seqnum", u32::from(sequence))
                    .field("timestamp", clock_time(at).nseconds())
                    .field("duration", clock_time(span).nseconds())
                    .field("retry", 0_u32)
                    .build();
                source.send_event(gst::event::CustomDownstream::new(lost));
            }
        })
    }

    /// What broke, if something did.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.running.trouble()
    }
}

fn clock_time(span: Duration) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(span.as_nanos() as u64)
}

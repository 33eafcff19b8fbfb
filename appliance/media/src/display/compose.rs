//! The picture on the display, put together from the still parts and the latest frames.
//!
//! Per frame: copy the base, scale each picture straight into its place, blend the overlays. All
//! three run in GStreamer's own code; Rust only says what goes where.

use super::layout::Rect;
use super::still::{Still, Whose};
use crate::frames::Frame;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use std::collections::HashMap;
use tiny_skia::Pixmap;

/// Why a picture could not be put together.
#[derive(Debug, thiserror::Error)]
#[error("the display's picture could not be put together: {step}")]
pub(super) struct ComposeError {
    /// Which step failed.
    step: &'static str,
    #[source]
    source: gst::glib::BoolError,
}

fn failed(step: &'static str) -> impl FnOnce(gst::glib::BoolError) -> ComposeError {
    move |source| ComposeError { step, source }
}

/// Puts pictures together. One per display.
pub(super) struct Composer {
    /// I420, the display's size.
    info: gst_video::VideoInfo,
    pool: gst::BufferPool,
    still: Option<Prepared>,
    converters: HashMap<Whose, Placed>,
}

struct Prepared {
    base: gst::Buffer,
    overlay: gst_video::VideoOverlayComposition,
    places: Vec<(Whose, Rect)>,
}

struct Placed {
    from: gst_video::VideoInfo,
    into: Rect,
    converter: gst_video::VideoConverter,
}

impl Composer {
    /// For a display of this size, both even.
    pub(super) fn new(width: u32, height: u32) -> Result<Composer, ComposeError> {
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height)
            .build()
            .map_err(failed("describing it"))?;
        let pool = pool(&info).map_err(failed("making its buffers"))?;
        Ok(Composer { info, pool, still: None, converters: HashMap::new() })
    }

    /// What the composed pictures look like.
    pub(super) fn info(&self) -> &gst_video::VideoInfo {
        &self.info
    }

    /// Takes over new still parts.
    pub(super) fn prepare(&mut self, still: Still) -> Result<(), ComposeError> {
        let base = self.base(still.base)?;
        let rectangles = still
            .overlays
            .into_iter()
            .map(|(pixmap, x, y)| overlay(pixmap, x, y))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed("an overlay"))?;
        let overlay =
            gst_video::VideoOverlayComposition::new(&rectangles).map_err(failed("the overlays"))?;
        self.converters.retain(|whose, _| still.places.iter().any(|(other, _)| other == whose));
        self.still = Some(Prepared { base, overlay, places: still.places });
        Ok(())
    }

    /// Where pictures go now.
    pub(super) fn places(&self) -> &[(Whose, Rect)] {
        self.still.as_ref().map_or(&[], |still| &still.places)
    }

    /// One picture: I420, the display's size, without timestamps.
    pub(super) fn compose(
        &mut self,
        frame_of: &dyn Fn(Whose) -> Option<Frame>,
    ) -> Result<Option<gst::Buffer>, ComposeError> {
        let Some(still) = &self.still else { return Ok(None) };
        let mut picture = self
            .pool
            .acquire_buffer(None)
            .map_err(|_| failed("a buffer")(gst::glib::bool_error!("the pool gives none")))?;
        {
            let picture = picture.make_mut();
            let mut out = gst_video::VideoFrameRef::from_buffer_ref_writable(picture, &self.info)
                .map_err(failed("mapping it"))?;
            let base = gst_video::VideoFrameRef::from_buffer_ref_readable(&still.base, &self.info)
                .map_err(failed("mapping the base"))?;
            let frames = still
                .places
                .iter()
                .filter_map(|(whose, rect)| frame_of(*whose).map(|frame| (whose, rect, frame)));
            let frames: Vec<(&Whose, &Rect, Frame)> = frames.collect();
            let whole = Rect { x: 0, y: 0, width: self.info.width(), height: self.info.height() };
            let covered = frames.iter().any(|(_, rect, frame)| {
                rect.letterbox(frame.info.width(), frame.info.height()) == whole
            });
            if !covered {
                base.copy(&mut out).map_err(failed("copying the base"))?;
            }
            for (whose, rect, frame) in frames {
                // A frame that cannot be mapped is left out: the others are still shown.
                let Ok(from) =
                    gst_video::VideoFrameRef::from_buffer_ref_readable(&frame.buffer, &frame.info)
                else {
                    continue;
                };
                let placed = match self.converters.get(whose) {
                    Some(p) if p.into == *rect && p.from == frame.info => Some(p),
                    _ => None,
                };
                let placed = match placed {
                    Some(placed) => placed,
                    None => {
                        let Ok(converter) = converter(&frame.info, &self.info, *rect) else {
                            continue;
                        };
                        let placed = Placed { from: frame.info.clone(), into: *rect, converter };
                        self.converters.insert(*whose, placed);
                        let Some(placed) = self.converters.get(whose) else { continue };
                        placed
                    }
                };
                placed.converter.frame_ref(&from, &mut out);
            }
            still.overlay.blend(&mut out).map_err(failed("laying names over it"))?;
        }
        Ok(Some(picture))
    }

    fn base(&self, pixmap: Pixmap) -> Result<gst::Buffer, ComposeError> {
        let (width, height) = (pixmap.width(), pixmap.height());
        let rgba = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgba, width, height)
            .build()
            .map_err(failed("describing the base"))?;
        let buffer = gst::Buffer::from_mut_slice(pixmap.take());
        let mut base = gst::Buffer::with_size(self.info.size()).map_err(failed("the base"))?;
        if let Some(base) = base.get_mut() {
            let from = gst_video::VideoFrameRef::from_buffer_ref_readable(&buffer, &rgba)
                .map_err(failed("mapping the base"))?;
            let mut into = gst_video::VideoFrameRef::from_buffer_ref_writable(base, &self.info)
                .map_err(failed("mapping the base"))?;
            gst_video::VideoConverter::new(&rgba, &self.info, None)
                .map_err(failed("converting the base"))?
                .frame_ref(&from, &mut into);
        }
        Ok(base)
    }
}

impl Drop for Composer {
    fn drop(&mut self) {
        // A pool that stays active keeps its buffers.
        let _ = self.pool.set_active(false);
    }
}

fn pool(info: &gst_video::VideoInfo) -> Result<gst::BufferPool, gst::glib::BoolError> {
    let pool = gst_video::VideoBufferPool::new();
    let mut config = pool.config();
    // Two are enough: one is shown while the next is painted; more come when a sink holds on.
    config.set_params(Some(&info.to_caps()?), info.size() as u32, 2, 0);
    pool.set_config(config)?;
    pool.set_active(true)?;
    Ok(pool.upcast())
}

fn converter(
    from: &gst_video::VideoInfo,
    onto: &gst_video::VideoInfo,
    tile: Rect,
) -> Result<gst_video::VideoConverter, gst::glib::BoolError> {
    let rect = tile.letterbox(from.width(), from.height());
    let mut config = gst_video::VideoConverterConfig::new();
    config.set_dest_x(rect.x as i32);
    config.set_dest_y(rect.y as i32);
    config.set_dest_width(Some(rect.width as i32));
    config.set_dest_height(Some(rect.height as i32));
    // The rest of the picture belongs to others.
    config.set_fill_border(false);
    config.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
    // The pixels stay as they are: another matrix between SD and HD would shift colours, and
    // converting it would cost more than the scaling.
    config.set_matrix_mode(gst_video::VideoMatrixMode::None);
    config.set_gamma_mode(gst_video::VideoGammaMode::None);
    config.set_primaries_mode(gst_video::VideoPrimariesMode::None);
    config.set_chroma_mode(gst_video::VideoChromaMode::None);
    config.set_threads(1);
    // The converter insists on one rate and scan for both ends, though it looks at single pictures.
    let onto = gst_video::VideoInfo::builder(onto.format(), onto.width(), onto.height())
        .fps(from.fps())
        .interlace_mode(from.interlace_mode())
        .build()?;
    gst_video::VideoConverter::new(from, &onto, Some(config))
}

/// A small picture as GStreamer lays it over frames: BGRA, premultiplied.
fn overlay(
    pixmap: Pixmap,
    x: u32,
    y: u32,
) -> Result<gst_video::VideoOverlayRectangle, gst::glib::BoolError> {
    let (width, height) = (pixmap.width(), pixmap.height());
    let mut pixels = pixmap.take();
    for pixel in pixels.chunks_exact_mut(4) {
        pixel.swap(0, 2);
    }
    let mut buffer = gst::Buffer::from_mut_slice(pixels);
    if let Some(buffer) = buffer.get_mut() {
        gst_video::VideoMeta::add(
            buffer,
            gst_video::VideoFrameFlags::empty(),
            gst_video::VideoFormat::Bgra,
            width,
            height,
        )?;
    }
    Ok(gst_video::VideoOverlayRectangle::new_raw(
        &buffer,
        x as i32,
        y as i32,
        width,
        height,
        gst_video::VideoOverlayFormatFlags::PREMULTIPLIED_ALPHA,
    ))
}

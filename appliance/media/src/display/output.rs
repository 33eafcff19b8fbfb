//! Where composed pictures go: a GStreamer sink, or a PNG file.

use crate::config::DisplaySink;
use crate::running::{Running, Trouble};
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between two PNG files: a person or a test looks no more often, and each costs a few
/// milliseconds of a core.
const PNG_EVERY: Duration = Duration::from_millis(450);

/// An open display.
pub(super) enum Output {
    /// A screen or a window.
    Screen { running: Running, source: gst_app::AppSrc },
    /// A file.
    Png(Box<PngFile>),
}

impl Output {
    /// Opens the display for pictures as `info` describes them.
    pub(super) fn open(sink: &DisplaySink, info: &gst_video::VideoInfo) -> Result<Output, Trouble> {
        let element = match sink {
            DisplaySink::Offscreen(path) => {
                return Ok(Output::Png(Box::new(PngFile::new(path, info)?)));
            }
            DisplaySink::Kms => {
                "kmssink name=sink enable-last-sample=false skip-vsync=false sync=false"
            }
            DisplaySink::Wayland => {
                "waylandsink name=sink enable-last-sample=false fullscreen=true sync=false"
            }
            DisplaySink::Window => "autovideosink sync=false",
        };
        // One picture waits at most: a slow screen shows the latest, not the past.
        let running = Running::launch(&format!(
            "appsrc name=in is-live=true format=time do-timestamp=true max-buffers=1 \
             leaky-type=downstream ! videoconvert ! videoscale ! {element}"
        ))?;
        running.keep_no_last_sample();
        let source = running.source("in")?;
        source.set_caps(Some(&info.to_caps().map_err(Trouble::plain)?));
        running.play()?;
        Ok(Output::Screen { running, source })
    }

    /// Shows a picture.
    pub(super) fn show(&mut self, picture: &gst::Buffer) -> Result<(), Trouble> {
        match self {
            Output::Screen { running, source } => {
                if let Some(trouble) = running.trouble() {
                    return Err(trouble);
                }
                source.push_buffer(picture.clone()).map(|_| ()).map_err(Trouble::plain)
            }
            Output::Png(file) => file.show(picture),
        }
    }
}

/// A file that always holds the latest picture.
pub(super) struct PngFile {
    path: PathBuf,
    beside: PathBuf,
    from: gst_video::VideoInfo,
    into: gst_video::VideoInfo,
    converter: gst_video::VideoConverter,
    written: Option<Instant>,
}

impl PngFile {
    pub(super) fn new(path: &Path, info: &gst_video::VideoInfo) -> Result<PngFile, Trouble> {
        let into =
            gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, info.width(), info.height())
                .build()
                .map_err(Trouble::plain)?;
        let converter =
            gst_video::VideoConverter::new(info, &into, None).map_err(Trouble::plain)?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".part");
        Ok(PngFile {
            path: path.to_owned(),
            beside: beside.into(),
            from: info.clone(),
            into,
            converter,
            written: None,
        })
    }

    pub(super) fn show(&mut self, picture: &gst::Buffer) -> Result<(), Trouble> {
        if self.written.is_some_and(|at| at.elapsed() < PNG_EVERY) {
            return Ok(());
        }
        let mut rgb = gst::Buffer::with_size(self.into.size()).map_err(Trouble::plain)?;
        let buffer = rgb.make_mut();
        {
            let from = gst_video::VideoFrameRef::from_buffer_ref_readable(picture, &self.from)
                .map_err(Trouble::plain)?;
            let mut into = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, &self.into)
                .map_err(Trouble::plain)?;
            self.converter.frame_ref(&from, &mut into);
        }
        let pixels = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &self.into)
            .map_err(Trouble::plain)?;
        self.write(&pixels).map_err(|e| {
            Trouble::text(format!("the picture {} cannot be written: {e}", self.path.display()))
        })?;
        self.written = Some(Instant::now());
        Ok(())
    }

    /// Writes beside the file and renames, so that whoever reads sees a whole picture.
    fn write(
        &self,
        pixels: &gst_video::VideoFrameRef<&gst::BufferRef>,
    ) -> Result<(), std::io::Error> {
        let (width, height) = (self.into.width(), self.into.height());
        let row = width as usize * 3;
        let stride = pixels.plane_stride()[0] as usize;
        let data = pixels.plane_data(0).map_err(std::io::Error::other)?;
        let mut packed = Vec::with_capacity(row * height as usize);
        for line in data.chunks(stride).take(height as usize) {
            packed.extend_from_slice(line.get(..row).unwrap_or(line));
        }
        let mut encoder =
            png::Encoder::new(BufWriter::new(File::create(&self.beside)?), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().map_err(std::io::Error::other)?;
        writer.write_image_data(&packed).map_err(std::io::Error::other)?;
        writer.finish().map_err(std::io::Error::other)?;
        std::fs::rename(&self.beside, &self.path)
    }
}

//! The ceiling for the delay: camera, encoder, decoder and screen in one pipeline of one process,
//! without a network, a jitter buffer or anything painted over the picture.

use super::BITRATE_KBIT;
use super::screen::Screen;
use crate::process::Running;
use anyhow::Result;
use std::path::Path;
use std::process::Command;

/// A pipeline that runs, and its screen.
pub(crate) struct Bare {
    _process: Running,
    pub(crate) screen: Screen,
}

impl Bare {
    /// Starts it on a camera's named pipe. Encoder and decoder are conclave-media's.
    pub(crate) fn start(folder: &Path, camera: &Path) -> Result<Bare> {
        let screen = Screen::start(folder)?;
        let notation = format!(
            "filesrc location={} blocksize=1048576 ! y4mdec ! videoconvert n-threads=1 \
             ! x264enc tune=zerolatency speed-preset=ultrafast bitrate={BITRATE_KBIT} \
               key-int-max=250 bframes=0 vbv-buf-capacity=300 threads=2 \
             ! video/x-h264,profile=constrained-baseline ! h264parse \
             ! openh264dec \
             ! videoconvert n-threads=1 ! ximagesink sync=false",
            camera.display()
        );
        let process = Running::start(
            "gst-launch-1.0 (Debian package gstreamer1.0-tools)",
            Command::new("gst-launch-1.0")
                .arg("--quiet")
                .args(notation.split_whitespace())
                .env("DISPLAY", &screen.display),
            &folder.join("gst-launch.log"),
        )?;
        Ok(Bare { _process: process, screen })
    }
}

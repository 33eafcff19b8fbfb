//! The virtual cameras' clips, decoded for comparison.

use crate::picture::{Face, Picture};
use crate::stage::Stage;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One of the two clips in tests/clips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clip {
    /// The rabbit wakes: room A's camera.
    A,
    /// The rabbit from closer by, mirrored: room B's camera.
    B,
}

impl Clip {
    /// Its file.
    pub fn file(self, stage: &Stage) -> PathBuf {
        stage.source(match self {
            Clip::A => "tests/clips/a.mp4",
            Clip::B => "tests/clips/b.mp4",
        })
    }

    /// The face of every frame of it, to compare displays with.
    pub fn faces(self, stage: &Stage) -> Result<Vec<Face>> {
        faces(&self.file(stage), stage.folder())
    }
}

/// The size that frames are decoded to: a quarter of the clips' area. Divisible by four, so that
/// GStreamer pads no row.
const WIDTH: usize = 640;
const HEIGHT: usize = 360;

/// Decodes a video file with GStreamer's own tool, independent of our media path.
pub fn faces(file: &Path, scratch: &Path) -> Result<Vec<Face>> {
    let raw = scratch.join("frames.rgb");
    let output = Command::new("gst-launch-1.0")
        .arg("--quiet")
        .args(["filesrc", &format!("location={}", file.display()), "!", "decodebin"])
        .args(["!", "videoconvert", "!", "videoscale"])
        .args(["!", &format!("video/x-raw,format=RGB,width={WIDTH},height={HEIGHT}")])
        .args(["!", "filesink", &format!("location={}", raw.display())])
        .output()
        .context("gst-launch-1.0 could not be started; `cargo xtask install` gets it")?;
    if !output.status.success() {
        bail!("{} was not decoded: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    }
    let octets = std::fs::read(&raw)?;
    std::fs::remove_file(&raw)?;
    let frame = 3 * WIDTH * HEIGHT;
    if octets.is_empty() || octets.len() % frame != 0 {
        bail!("{} gave {} octets, no whole number of frames", file.display(), octets.len());
    }
    let pictures = octets.chunks_exact(frame).map(|rgb| Picture::new(WIDTH, HEIGHT, rgb.to_vec()));
    pictures.map(|picture| Ok(Face::of(&picture?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_clips_are_decoded_whole_and_nobody_takes_one_for_the_other() {
        let stage = Stage::new().unwrap();
        let (a, b) = (Clip::A.faces(&stage).unwrap(), Clip::B.faces(&stage).unwrap());
        assert_eq!((a.len(), b.len()), (66, 66));
        for shown in [0, 30, 65] {
            let other = a[shown].likeness_to_any(&b);
            assert!(other < 16.0, "{other}");
            assert_eq!(b[shown].likeness_to_any(&b), 99.0);
        }
    }

    #[test]
    fn a_clip_stays_itself_through_a_poor_encoder_at_a_poor_rate() {
        let stage = Stage::new().unwrap();
        let poor = stage.folder().join("poor.mp4");
        let status = Command::new("gst-launch-1.0")
            .arg("--quiet")
            .args(["filesrc", &format!("location={}", Clip::A.file(&stage).display())])
            .args(["!", "decodebin", "!", "videoconvert", "!", "x264enc", "bitrate=600"])
            .args(["tune=zerolatency", "speed-preset=ultrafast", "!", "h264parse", "!", "mp4mux"])
            .args(["!", "filesink", &format!("location={}", poor.display())])
            .status()
            .unwrap();
        assert!(status.success());
        let clip = Clip::A.faces(&stage).unwrap();
        for frame in faces(&poor, stage.folder()).unwrap().iter().step_by(13) {
            let found = frame.likeness_to_any(&clip);
            assert!(found > 25.0, "{found}");
        }
    }

    #[test]
    fn a_file_that_is_no_video_is_refused() {
        let stage = Stage::new().unwrap();
        let file = stage.folder().join("no.mp4");
        std::fs::write(&file, "not a video").unwrap();
        assert!(faces(&file, stage.folder()).is_err());
    }
}

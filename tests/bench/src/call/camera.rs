//! What every side's camera sees: one of the stage's clips with each picture's number drawn in,
//! as a long file, or live through a named pipe, where each picture's moment is noted.

use super::code::{self, OCTETS};
use anyhow::{Context, Result, ensure};
use conclave_stage::{Clip, Stage};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pictures per second of the clips and of everything here.
pub(crate) const FPS: u32 = 25;

/// How YUV4MPEG2, the plainest container that everybody reads, begins.
const HEAD: &[u8] = b"YUV4MPEG2 W1280 H720 F25:1 Ip A1:1 C420jpeg\n";

/// A clip's pictures, decoded, in a file.
pub(crate) struct Pictures {
    file: File,
    count: u64,
}

impl Pictures {
    /// Decodes a clip with GStreamer's own tool.
    pub(crate) fn of(clip: Clip, stage: &Stage) -> Result<Pictures> {
        let raw = stage.folder().join(format!("{clip:?}.i420"));
        let status = Command::new("gst-launch-1.0")
            .arg("--quiet")
            .args(["filesrc", &format!("location={}", clip.file(stage).display())])
            .args(["!", "decodebin", "!", "videoconvert"])
            .args(["!", "video/x-raw,format=I420,width=1280,height=720"])
            .args(["!", "filesink", &format!("location={}", raw.display())])
            .stdout(Stdio::null())
            .status()
            .context("gst-launch-1.0 could not be started (Debian package gstreamer1.0-tools)")?;
        ensure!(status.success(), "the clip {clip:?} could not be decoded");
        let file = File::open(&raw)?;
        let count = file.metadata()?.len() / OCTETS as u64;
        ensure!(count > 0, "the clip {clip:?} has no pictures");
        // Still open, and gone with us.
        std::fs::remove_file(&raw)?;
        Ok(Pictures { file, count })
    }

    /// The picture of this number, the clip going round and round.
    fn write(&self, number: u16, into: &mut impl Write, picture: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(picture, u64::from(number) % self.count * OCTETS as u64)?;
        code::draw(picture, number);
        into.write_all(b"FRAME\n")?;
        Ok(into.write_all(picture)?)
    }

    /// A video file of this length for players that cannot go round, H.264 in MP4.
    pub(crate) fn film(&self, length: Duration, file: &Path) -> Result<()> {
        let mut encoder = Command::new("gst-launch-1.0")
            .arg("--quiet")
            .args(["fdsrc", "fd=0", "blocksize=1382400", "!", "y4mdec"])
            .args(["!", "x264enc", "speed-preset=ultrafast", "pass=quant", "quantizer=20"])
            .args(["key-int-max=50", "!", "h264parse", "!", "mp4mux"])
            .args(["!", "filesink", &format!("location={}", file.display())])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("gst-launch-1.0 could not be started (Debian package gstreamer1.0-tools)")?;
        let mut pipe = encoder.stdin.take().context("an encoder without an entrance")?;
        pipe.write_all(HEAD)?;
        let mut picture = vec![0; OCTETS];
        for number in 0..(length.as_secs() as u32 * FPS).min(u32::from(u16::MAX)) {
            self.write(number as u16, &mut pipe, &mut picture)?;
        }
        drop(pipe);
        ensure!(encoder.wait()?.success(), "the film could not be encoded");
        Ok(())
    }
}

/// A camera that somebody reads from a named pipe.
pub(crate) struct Live {
    pub(crate) pipe: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Instant>>>,
}

impl Live {
    /// Makes the pipe; pictures flow once somebody reads, 25 each second.
    pub(crate) fn start(pictures: Pictures, pipe: PathBuf) -> Result<Live> {
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR)
            .with_context(|| format!("no pipe at {}", pipe.display()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (path, stopping) = (pipe.clone(), stop.clone());
        let thread = std::thread::spawn(move || shoot(&pictures, &path, &stopping));
        Ok(Live { pipe, stop, thread })
    }

    /// Ends; when each picture was taken, by its number.
    pub(crate) fn end(self) -> Result<Vec<Instant>> {
        self.stop.store(true, Ordering::Relaxed);
        // Whoever waits for a reader is woken by one.
        let _ = OpenOptions::new().read(true).custom_flags_nonblocking().open(&self.pipe);
        self.thread.join().map_err(|_| anyhow::anyhow!("the camera's thread panicked"))?
    }
}

trait NonBlocking {
    fn custom_flags_nonblocking(&mut self) -> &mut Self;
}

impl NonBlocking for OpenOptions {
    fn custom_flags_nonblocking(&mut self) -> &mut OpenOptions {
        use std::os::unix::fs::OpenOptionsExt;
        self.custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
    }
}

fn shoot(pictures: &Pictures, path: &Path, stop: &AtomicBool) -> Result<Vec<Instant>> {
    let mut taken = Vec::new();
    let mut picture = vec![0; OCTETS];
    // Who tries a camera before using it goes away and comes back: the pipe is opened anew.
    loop {
        // Waits for the reader.
        let mut pipe = OpenOptions::new().write(true).open(path)?;
        if stop.load(Ordering::Relaxed) {
            return Ok(taken);
        }
        // A picture fits nearly whole: the reader is not woken for each piece of 64 KiB.
        let _ = nix::fcntl::fcntl(&pipe, nix::fcntl::FcntlArg::F_SETPIPE_SZ(1 << 20));
        let mut reading = pipe.write_all(HEAD).is_ok();
        let (begun, first) = (Instant::now(), taken.len());
        while reading {
            let number = u16::try_from(taken.len()).context("the camera ran out of numbers")?;
            let due = Duration::from_secs(1) * (taken.len() - first) as u32 / FPS;
            std::thread::sleep((begun + due).saturating_duration_since(Instant::now()));
            if stop.load(Ordering::Relaxed) {
                return Ok(taken);
            }
            taken.push(Instant::now());
            reading = pictures.write(number, &mut pipe, &mut picture).is_ok();
        }
    }
}

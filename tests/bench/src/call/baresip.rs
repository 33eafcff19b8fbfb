//! The peer: two baresip on the same clip, encoder, bit rate and kind of screen.
//!
//! Steered by its `ctrl_tcp` module: netstrings of JSON.

use super::BITRATE_KBIT;
use super::camera::FPS;
use super::screen::Screen;
use crate::process::{Running, until};
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// Where Debian puts its modules.
const MODULES: [&str; 2] = ["/usr/lib/baresip/modules", "/usr/lib64/baresip/modules"];

/// Two of them.
pub(crate) struct Pair {
    /// Answers.
    pub(crate) a: End,
    /// Dials.
    pub(crate) b: End,
}

impl Pair {
    /// Starts both.
    pub(crate) fn start(folder: &Path, cameras: [&Path; 2]) -> Result<Pair> {
        Ok(Pair {
            a: End::start(&folder.join("a"), "a", ";answermode=auto", cameras[0])?,
            b: End::start(&folder.join("b"), "b", "", cameras[1])?,
        })
    }

    /// B calls A. From the command to A's picture on B's screen.
    pub(crate) fn dial(&mut self) -> Result<Duration> {
        let dialled = Instant::now();
        let to = format!("sip:a@127.0.0.1:{}", self.a.sip);
        self.b.command("dial", &to)?;
        Ok(self.b.screen.first_picture(PATIENCE)? - dialled)
    }

    /// Ends the call; both windows are gone.
    pub(crate) fn hang_up(&mut self) -> Result<()> {
        self.b.command("hangup", "")?;
        until("baresip's windows are gone", PATIENCE, || {
            self.a.screen.number().is_none() && self.b.screen.number().is_none()
        })
    }
}

/// One baresip with its screen.
pub(crate) struct End {
    pub(crate) process: Running,
    pub(crate) screen: Screen,
    control: TcpStream,
    log: PathBuf,
    sip: u16,
}

impl End {
    fn start(folder: &Path, name: &str, answer: &str, camera: &Path) -> Result<End> {
        let screen = Screen::start(folder)?;
        let modules = MODULES.into_iter().map(Path::new).find(|path| path.is_dir());
        let modules = modules.context("no modules of baresip (Debian package baresip-core)")?;
        for module in ["avcodec.so", "avformat.so", "x11.so"] {
            anyhow::ensure!(
                modules.join(module).exists(),
                "baresip has no {module} (Debian packages baresip-ffmpeg and baresip-x11)"
            );
        }
        let (sip, control) = (free_udp()?, free_tcp()?);
        let rtp = free_udp()?.clamp(2000, 60_000) & !1;
        let configuration = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{sip}\ncall_max_calls 4\n\
             audio_player aufile,/dev/null\naudio_source ausine,440\naudio_alert aufile,/dev/null\n\
             ausine_srate 48000\n\
             video_source avformat,{camera}\nvideo_display x11,nil\nvideo_size 1280x720\n\
             video_bitrate {bitrate}\nvideo_fps {FPS}\nvideo_fullscreen no\n\
             rtp_ports {rtp}-{most}\nrtp_stats yes\nnet_interface 127.0.0.1\n\
             module_path {modules}\n\
             module opus.so\nmodule ausine.so\nmodule aufile.so\nmodule avcodec.so\n\
             module avformat.so\nmodule swscale.so\nmodule x11.so\nmodule srtp.so\n\
             module_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
             ctrl_tcp_listen 127.0.0.1:{control}\nopus_bitrate 40000\n\
             avcodec_h264enc libx264\navcodec_h264dec h264\n",
            camera = camera.display(),
            bitrate = BITRATE_KBIT * 1000,
            most = rtp + 200,
            modules = modules.display(),
        );
        std::fs::write(folder.join("config"), configuration)?;
        let account = format!(
            "<sip:{name}@127.0.0.1:{sip}>;regint=0;mediaenc=srtp-mand;\
             audio_codecs=opus/48000/2;video_codecs=h264{answer}\n"
        );
        std::fs::write(folder.join("accounts"), account)?;
        let log = folder.join("baresip.log");
        let process = Running::start(
            "baresip (Debian package baresip)",
            Command::new("baresip").arg("-f").arg(folder).env("DISPLAY", &screen.display),
            &log,
        )?;
        let mut stream = None;
        until("baresip's control port", PATIENCE, || {
            stream = TcpStream::connect(("127.0.0.1", control)).ok();
            stream.is_some()
        })?;
        let control = stream.context("no connection to baresip")?;
        control.set_read_timeout(Some(PATIENCE))?;
        Ok(End { process, screen, control, log, sip })
    }

    fn command(&mut self, command: &str, parameters: &str) -> Result<()> {
        let json =
            serde_json::json!({"command": command, "params": parameters, "token": "1"}).to_string();
        self.control.write_all(format!("{}:{json},", json.len()).as_bytes())?;
        // The answer is not needed; that there is one is.
        let mut answer = [0; 1];
        if self.control.read(&mut answer)? == 0 {
            bail!("baresip has ended");
        }
        Ok(())
    }

    /// Pictures that it shows each second, as it last said.
    pub(crate) fn shown_per_second(&self) -> Result<f64> {
        let log = std::fs::read(&self.log)?;
        let log = String::from_utf8_lossy(&log);
        let (_, last) = log.rsplit_once("efps=").context("baresip tells no frame rates")?;
        let word = last.split_whitespace().next().unwrap_or_default();
        let (_, shown) = word.split_once('/').context("baresip tells frame rates otherwise")?;
        Ok(shown.parse()?)
    }
}

fn free_tcp() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn free_udp() -> Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

//! What the call was like: measured while it is held, told as a table.

use anyhow::{Context, Result, bail};
use conclave_stage::{Cloud, Remote, Room, Status, Usage};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// From the tap that completed the meeting to the first decoded picture of the other.
pub(crate) struct Times {
    pub(crate) ada: Duration,
    pub(crate) voltaire: Duration,
}

/// The call while it is held.
pub(crate) struct Held {
    begun: Instant,
    usage: Vec<(&'static str, Usage)>,
    /// The loudest second of each room's loudspeaker, in dBFS: speech has pauses.
    loudest: [f64; 2],
}

/// How it went.
pub(crate) struct Table {
    sides: Vec<Side>,
    processes: Vec<(&'static str, f64, u64)>,
}

struct Side {
    name: &'static str,
    first_picture: Duration,
    status: Status,
    other: Remote,
    loudest: f64,
}

/// Silence, as a room reports it.
const SILENCE: f64 = -127.0;
/// A voice that one understands is louder than this, in dBFS.
const AUDIBLE: f64 = -50.0;
/// Fewer pictures than this in a second are no motion.
const FLUENT: f64 = 10.0;

impl Held {
    pub(crate) fn begin(cloud: &mut Cloud, ada: &Room, voltaire: &Room) -> Result<Held> {
        Ok(Held {
            begun: Instant::now(),
            usage: usage(cloud, ada, voltaire)?,
            loudest: [SILENCE; 2],
        })
    }

    /// Looks at what the loudspeakers play now.
    pub(crate) fn listen(&mut self, ada: &Room, voltaire: &Room) -> Result<()> {
        for (loudest, room) in self.loudest.iter_mut().zip([ada, voltaire]) {
            if let Some(status) = room.status()? {
                *loudest = loudest.max(status.media.played_dbfs.unwrap_or(SILENCE));
            }
        }
        Ok(())
    }

    pub(crate) fn end(
        self,
        cloud: &mut Cloud,
        ada: &Room,
        voltaire: &Room,
        times: &Times,
    ) -> Result<Table> {
        let span = self.begun.elapsed().as_secs_f64();
        let now = usage(cloud, ada, voltaire)?;
        let processes = self
            .usage
            .iter()
            .zip(&now)
            .map(|((name, then), (_, now))| {
                let cpu = now.cpu.saturating_sub(then.cpu).as_secs_f64();
                (*name, 100.0 * cpu / span, now.memory)
            })
            .collect();
        let side = |name, room: &Room, first_picture, loudest| -> Result<Side> {
            let status = room.status()?.context("a room that runs writes its status")?;
            let other = status.media.participants.first().cloned();
            let other = other.with_context(|| format!("{name} has lost the other room"))?;
            Ok(Side { name, first_picture, status, other, loudest })
        };
        let sides = vec![
            side("Room Ada", ada, times.ada, self.loudest[0])?,
            side("Salle Voltaire", voltaire, times.voltaire, self.loudest[1])?,
        ];
        Ok(Table { sides, processes })
    }
}

fn usage(cloud: &mut Cloud, ada: &Room, voltaire: &Room) -> Result<Vec<(&'static str, Usage)>> {
    Ok(vec![
        ("conclave-cloud", cloud.process().usage()?),
        ("conclave-roomd, Room Ada", ada.daemon.usage()?),
        ("conclave-kiosk, Room Ada", ada.kiosk.usage()?),
        ("conclave-roomd, Salle Voltaire", voltaire.daemon.usage()?),
        ("conclave-kiosk, Salle Voltaire", voltaire.kiosk.usage()?),
    ])
}

impl Table {
    /// The table in plain text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("\nWhat each room received             ");
        for side in &self.sides {
            let _ = write!(text, "{:>18}", side.name);
        }
        let mut row = |what: &str, cell: &dyn Fn(&Side) -> String| {
            let _ = write!(text, "\n  {what:<34}");
            for side in &self.sides {
                let _ = write!(text, "{:>18}", cell(side));
            }
        };
        row("from tap to first remote picture", &|s| format!("{} ms", s.first_picture.as_millis()));
        row("picture", &|s| format!("{}×{}", s.other.width, s.other.height));
        row("pictures per second", &|s| format!("{:.1}", s.other.fps));
        row("lost packets, picture", &|s| lost(s.other.video.lost, s.other.video.received));
        row("lost packets, sound", &|s| lost(s.other.audio.lost, s.other.audio.received));
        row("loudest second of sound", &|s| format!("{:.0} dBFS", s.loudest));
        row("protection", &|s| profile(&s.status));
        row("own encoder", &|s| s.status.media.encoder.clone().unwrap_or_default());
        text.push_str("\n\nWhat each program used                        CPU       memory\n");
        for (name, cpu, memory) in &self.processes {
            let megabytes = memory / 1_000_000;
            let _ = writeln!(text, "  {name:<36} {cpu:>8.1} %   {megabytes:>6} MB");
        }
        text
    }

    /// A sentence on the first thing that is not as it should be.
    pub(crate) fn check(&self) -> Result<()> {
        for side in &self.sides {
            let name = side.name;
            if side.other.width == 0 || side.other.fps < FLUENT {
                bail!(
                    "{name} saw only {:.1} pictures per second of the other room",
                    side.other.fps
                );
            }
            if side.loudest < AUDIBLE {
                bail!(
                    "{name} heard nothing of the other room: {:.0} dBFS at the loudest",
                    side.loudest
                );
            }
        }
        Ok(())
    }
}

fn lost(lost: u64, received: u64) -> String {
    let percent = 100.0 * lost as f64 / (lost + received).max(1) as f64;
    format!("{percent:.2} % of {}", lost + received)
}

/// `GCM` and `SHA1_80` say it all in a narrow column.
fn profile(status: &Status) -> String {
    let profile = status.media.srtp_profile.as_deref().unwrap_or("none");
    profile.trim_start_matches("AEAD_").trim_start_matches("AES_CM_128_HMAC_").to_owned()
}

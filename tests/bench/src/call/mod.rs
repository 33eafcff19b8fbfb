//! A two-party call beside baresip and a bare pipeline.
//!
//! - [`camera`]: what every side sees, each picture with its number drawn in ([`code`]);
//! - [`screen`]: where every side shows it, read back by us;
//! - [`ours`], [`baresip`], [`bare`]: the sides.

mod bare;
mod baresip;
mod camera;
mod code;
mod ours;
mod screen;

use crate::Effort;
use crate::machine::Watch;
use crate::process::percentile;
use crate::table::{Goal, Other, Part, Row};
use anyhow::{Context, Result, ensure};
use camera::{Live, Pictures};
use conclave_stage::{Clip, Stage, TONE_A, scene};
use screen::Screen;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the picture may cost on every side: the rooms' default.
const BITRATE_KBIT: u32 = 2500;

/// How much of everything.
struct Plan {
    /// Calls whose set-up is timed, per side.
    calls: usize,
    /// Rounds of both sides, one after the other.
    rounds: usize,
    /// A call goes on for so long before anything is counted: rate control and jitter buffers
    /// have found their pace.
    settle: Duration,
    /// For so long time and pictures are counted.
    span: Duration,
}

impl Plan {
    fn of(effort: Effort) -> Plan {
        let seconds = Duration::from_secs;
        match effort {
            Effort::Whole => Plan { calls: 5, rounds: 2, settle: seconds(5), span: seconds(20) },
            Effort::Quick => Plan { calls: 1, rounds: 1, settle: seconds(2), span: seconds(3) },
        }
    }
}

/// One end of a call over a span.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Per cent of a core.
    cpu: f64,
    /// Resident, MB (10^6).
    memory: f64,
    /// Of that: pages that nobody else has and no file holds, MB.
    own: f64,
    /// Pictures of the other that it showed each second.
    shown: f64,
}

/// A side's findings, one value per round.
#[derive(Debug, Default)]
struct Side {
    set_up_ms: Vec<f64>,
    costs: Vec<Cost>,
    delays_ms: Vec<f64>,
    /// Share of the pictures taken that were seen on the screen.
    seen: Vec<f64>,
}

/// Measures it.
pub(crate) fn measure(effort: Effort) -> Result<Part> {
    let watch = Watch::begin();
    let plan = Plan::of(effort);
    let (mut ours, mut theirs, mut bare) = (Side::default(), Side::default(), Side::default());
    // Prints all logs when something fails, and keeps them.
    scene(|stage| {
        let set = Set::build(stage, &plan)?;
        for round in 0..plan.rounds {
            eprintln!("  round {} of {}", round + 1, plan.rounds);
            set.our_call(stage, round, &plan, &mut ours)?;
            set.their_call(round, &plan, &mut theirs)?;
            set.bare_delay(stage, round, &plan, &mut bare)?;
            set.our_delay(stage, round, &plan, &mut ours)?;
            if let Err(trouble) = set.their_delay(stage, round, &plan, &mut theirs) {
                eprintln!("  baresip's delay could not be measured: {trouble:#}");
            }
        }
        Ok(())
    })?;
    Ok(Part {
        name: "call".into(),
        title: "A two-party call".into(),
        machine: watch.end(),
        rows: rows(&mut ours, &mut theirs, &mut bare),
        plots: Vec::new(),
        method: METHOD.into(),
    })
}

/// What every side sees and hears.
struct Set {
    folder: PathBuf,
    films: [PathBuf; 2],
    sound: PathBuf,
    stage_clips: [Clip; 2],
}

impl Set {
    fn build(stage: &Stage, plan: &Plan) -> Result<Set> {
        let folder = stage.folder().to_owned();
        let films = [folder.join("film-a.mp4"), folder.join("film-b.mp4")];
        let clips = [Clip::A, Clip::B];
        // baresip's source does not go round; a second call begins at the film's beginning.
        let length = plan.settle + plan.span + Duration::from_secs(8);
        for (clip, film) in clips.into_iter().zip(&films) {
            Pictures::of(clip, stage)?.film(length, film)?;
        }
        let sound = folder.join("tone.wav");
        conclave_stage::sound::write_wav(&sound, &conclave_stage::sound::beeps(TONE_A, 10.0))?;
        Ok(Set { folder, films, sound, stage_clips: clips })
    }

    fn cameras(&self) -> [&Path; 2] {
        self.films.each_ref().map(PathBuf::as_path)
    }

    fn folder(&self, name: &str, round: usize) -> Result<PathBuf> {
        let folder = self.folder.join(format!("{name}-{round}"));
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn our_call(&self, stage: &Stage, round: usize, plan: &Plan, side: &mut Side) -> Result<()> {
        let name = format!("ours-{round}");
        let mut rooms = ours::Rooms::start(stage, &name, self.cameras(), &self.sound)?;
        for call in 0..plan.calls {
            if call > 0 {
                rooms.leave()?;
            }
            side.set_up_ms.push(ms(rooms.join()?));
        }
        std::thread::sleep(plan.settle);
        let ends = [&rooms.a, &rooms.b];
        let before = Instant::now();
        let spent = ends.map(|room| room.daemon.usage().map(|usage| usage.cpu));
        std::thread::sleep(plan.span);
        let span = before.elapsed();
        for (room, spent) in ends.into_iter().zip(spent) {
            let usage = room.daemon.usage()?;
            side.costs.push(Cost {
                cpu: 100.0 * (usage.cpu - spent?).as_secs_f64() / span.as_secs_f64(),
                memory: usage.memory as f64 / 1e6,
                own: own_memory(room.daemon.pid())?,
                shown: room.decoded_per_second()?,
            });
        }
        rooms.leave()
    }

    fn their_call(&self, round: usize, plan: &Plan, side: &mut Side) -> Result<()> {
        let folder = self.folder("baresip", round)?;
        let mut pair = baresip::Pair::start(&folder, self.cameras())?;
        for call in 0..plan.calls {
            if call > 0 {
                pair.hang_up()?;
            }
            side.set_up_ms.push(ms(pair.dial()?));
        }
        std::thread::sleep(plan.settle);
        let ends = [&pair.a, &pair.b];
        let before = Instant::now();
        let spent = ends.map(|end| end.process.spent());
        std::thread::sleep(plan.span);
        let span = before.elapsed();
        for (end, spent) in ends.into_iter().zip(spent) {
            side.costs.push(Cost {
                cpu: 100.0 * (end.process.spent()? - spent?).as_secs_f64() / span.as_secs_f64(),
                memory: end.process.resident()? as f64 / 1e6,
                own: own_memory(end.process.id())?,
                shown: end.shown_per_second()?,
            });
        }
        Ok(())
    }

    fn our_delay(&self, stage: &Stage, round: usize, plan: &Plan, side: &mut Side) -> Result<()> {
        let name = format!("delay-ours-{round}");
        let live = self.live(stage, &self.folder(&name, round)?)?;
        let cameras = [live.pipe.as_path(), self.films[1].as_path()];
        let mut rooms = ours::Rooms::start(stage, &name, cameras, &self.sound)?;
        rooms.join()?;
        side.delays(live, &rooms.b.screen, plan)
    }

    fn their_delay(&self, stage: &Stage, round: usize, plan: &Plan, side: &mut Side) -> Result<()> {
        let folder = self.folder("delay-baresip", round)?;
        let live = self.live(stage, &folder)?;
        let mut pair = baresip::Pair::start(&folder, [&live.pipe, &self.films[1]])?;
        pair.dial()?;
        side.delays(live, &pair.b.screen, plan)
    }

    fn bare_delay(&self, stage: &Stage, round: usize, plan: &Plan, side: &mut Side) -> Result<()> {
        let folder = self.folder("delay-bare", round)?;
        let live = self.live(stage, &folder)?;
        let bare = bare::Bare::start(&folder, &live.pipe)?;
        bare.screen.first_picture(Duration::from_secs(20))?;
        side.delays(live, &bare.screen, plan)
    }

    fn live(&self, stage: &Stage, folder: &Path) -> Result<Live> {
        Live::start(Pictures::of(self.stage_clips[0], stage)?, folder.join("camera"))
    }
}

impl Side {
    /// From each picture's taking to its showing.
    fn delays(&mut self, live: Live, screen: &Screen, plan: &Plan) -> Result<()> {
        std::thread::sleep(plan.settle);
        let watching = screen.watch()?;
        let begun = Instant::now();
        std::thread::sleep(plan.span);
        let seen = watching.end()?;
        let taken = live.end()?;
        let in_span = taken.iter().filter(|at| **at >= begun && **at < begun + plan.span).count();
        let mut found = 0;
        // The first was there before the watching began.
        for (number, at) in seen.into_iter().skip(1) {
            if let Some(taken) = taken.get(usize::from(number))
                && at > *taken
            {
                found += 1;
                self.delays_ms.push(ms(at - *taken));
            }
        }
        ensure!(found > 0, "no picture of the camera came to the screen");
        self.seen.push(f64::from(found) / (in_span as f64).max(1.0));
        Ok(())
    }

    fn median(&self, of: impl Fn(&Cost) -> f64) -> f64 {
        percentile(&mut self.costs.iter().map(of).collect::<Vec<_>>(), 0.5)
    }

    fn delay(&mut self, share: f64) -> f64 {
        percentile(&mut self.delays_ms, share)
    }

    fn seen(&mut self) -> f64 {
        percentile(&mut self.seen, 0.5)
    }
}

/// Resident pages of a process that are not a file's, MB.
fn own_memory(id: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let field = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let anonymous = field("RssAnon:").context("no RssAnon in /proc/…/status")?;
    Ok((anonymous + field("RssShmem:").unwrap_or_default()) * 1024.0 / 1e6)
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

const BARESIP: &str = "baresip 1.0.0";
const BARE: &str = "bare pipeline";

fn rows(ours: &mut Side, theirs: &mut Side, bare: &mut Side) -> Vec<Row> {
    let fps = (ours.median(|c| c.shown), theirs.median(|c| c.shown));
    let per_picture = |cost: &Cost| 10.0 * cost.cpu / cost.shown.max(0.1);
    let peer = |figure, goal| vec![Other { name: BARESIP.into(), figure, goal }];
    let row = |quantity: &str, ours, others, remark: String| Row {
        quantity: quantity.into(),
        ours,
        others,
        remark,
    };
    let set_up = (percentile(&mut ours.set_up_ms, 0.5), percentile(&mut theirs.set_up_ms, 0.5));
    let mut rows = vec![
        row(
            "From the tap (baresip: the dial command) to the other's first picture on the screen, ms",
            set_up.0,
            peer(set_up.1, Goal::RatioAtMost(1.0)),
            String::new(),
        ),
        row(
            "CPU of one end for each picture that it shows and the one that it sends meanwhile, ms",
            ours.median(per_picture),
            peer(theirs.median(per_picture), Goal::RatioAtMost(1.0)),
            format!(
                "The clip has {} pictures a second. Conclave shows {:.1} of them and spends {:.1} % \
                 of a core; baresip shows {:.1} and spends {:.1} %: it sends nothing while packets \
                 of the picture before wait for their pace, so the plain percentages are of \
                 different work and the comparison is by picture.",
                camera::FPS,
                fps.0,
                ours.median(|c| c.cpu),
                fps.1,
                theirs.median(|c| c.cpu),
            ),
        ),
        row(
            "Resident memory of one end, MB",
            ours.median(|c| c.memory),
            peer(theirs.median(|c| c.memory), Goal::RatioAtMost(1.0)),
            format!(
                "Of Conclave's {:.0} MB are its own (stacks, heap, pictures) and the rest pages of \
                 programs and libraries, which the system can drop and read again; of baresip's \
                 {:.0} MB. Conclave's libraries are those of GStreamer and of WebRTC's voice \
                 processing; with FFmpeg's decoder instead of OpenH264 they were 20 MB more.",
                ours.median(|c| c.own),
                theirs.median(|c| c.own)
            ),
        ),
    ];
    for (words, share) in [("median", 0.5), ("95th percentile", 0.95)] {
        let mut others = vec![Other {
            name: BARE.into(),
            figure: bare.delay(share),
            goal: Goal::DifferenceAtMost(40.0),
        }];
        if !theirs.delays_ms.is_empty() {
            let figure = theirs.delay(share);
            others.push(Other { name: BARESIP.into(), figure, goal: Goal::None });
        }
        let quantity = format!("Camera to screen, {words}, ms");
        let seen = match share {
            0.5 => format!(
                "Of the camera's pictures {:.0} % were seen on the screen ({:.0} % with the bare \
                 pipeline).",
                100.0 * ours.seen(),
                100.0 * bare.seen()
            ),
            _ => String::new(),
        };
        rows.push(row(&quantity, ours.delay(share), others, seen));
    }
    rows
}

const METHOD: &str = "\
Both sides see tests/clips at 1280 × 720, 25 pictures a second, with each picture's number drawn in \
as black and white squares; both decode the film from a file, encode with x264 (ultrafast, \
zerolatency, constrained baseline, 2.5 Mbit/s), protect with SRTP, decode, and show it in a window of \
1280 × 720 under an Xvfb of their own, whose time is not counted. Sound goes both ways in Opus, \
40 kbit/s (one channel; baresip's source of sound knows two only). Ours is conclave-roomd twice through a conclave-cloud, steered through the panel's socket: \
what is counted is the room's process. Beyond what baresip does it composes a front display (the \
other's picture, the self-view, names), takes noise out of the microphone's sound and levels it, and \
holds the link to the cloud. baresip 1.0.0 is Debian's, with its modules avformat, avcodec, swscale \
and x11, mandatory SRTP (AES-CM-128-HMAC-SHA1-80; ours has AEAD-AES-128-GCM), without the cloud in \
between.

*Set-up*: the other end waits in the meeting already (baresip: answers at once). The clock runs from \
the panel's tap on Join, or the dial command, to the moment when the squares of the other's picture \
can be read from the screen: that is later than its decoding, on both sides. *CPU*: user and system \
time from /proc over the span, median over ends and rounds. *Memory*: VmRSS at the span's end. \
*Camera to screen*: a camera of ours writes raw pictures into a named pipe, 25 a second, noting the \
moment of each; the screen is looked at 1,400 times a second, and the difference taken for each \
number that appears. The bare pipeline is one gst-launch with the same camera, encoder, decoder and \
screen. baresip reads the same pipe by FFmpeg, which may add delay of its own.
";

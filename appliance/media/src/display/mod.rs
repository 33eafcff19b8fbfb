//! The front display: a thread that puts pictures together and shows them.
//!
//! 1. The media thread writes a [`Scene`] and registers where each participant's latest frame is.
//! 2. Whoever changes the scene or decodes a picture of someone else rings this thread's bell. The
//!    self-view does not: it is painted along.
//! 3. If the scene changed, the still parts are painted again ([`still`]).
//! 4. If anything changed, a picture is composed ([`compose`]) and shown ([`output`]).
//!
//! The thread takes the latest frame of everyone and waits for nobody: one broken stream never
//! stops the others. A display that cannot be opened is tried again every few seconds.

mod compose;
#[cfg(test)]
mod gallery;
mod idle;
pub mod layout;
mod output;
mod paint;
pub(crate) mod scene;
mod still;
mod words;

use crate::config::MediaConfig;
use crate::device::Reporter;
use crate::frames::{Bell, Frame, FrameSlot, Woken, lock};
use crate::running::Trouble;
use compose::Composer;
use conclave_types::ParticipantId;
use output::Output;
use paint::Painter;
use scene::Scene;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use still::Whose;

/// Between two pictures on the display, at least: 60 a second with one other participant, 30 with
/// more, whose pictures come at different moments.
const SOONEST: [Duration; 2] = [Duration::from_micros(16_000), Duration::from_micros(32_000)];
/// Between two looks at the self-view while nobody else's picture comes.
const LOOK: Duration = Duration::from_millis(66);
/// A picture that does not change is still shown this often, for sinks that were covered.
const REFRESH: Duration = Duration::from_millis(500);
/// Between two attempts to open a display.
const RETRY: Duration = Duration::from_secs(3);

/// The display's thread. Dropping it stops and joins the thread.
pub(crate) struct Display {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    wanted: Mutex<Wanted>,
    bell: Bell,
}

struct Wanted {
    scene: Scene,
    version: u64,
    own: FrameSlot,
    theirs: HashMap<ParticipantId, FrameSlot>,
}

impl Display {
    /// Starts showing the first scene.
    pub(crate) fn start(
        config: &MediaConfig,
        own: FrameSlot,
        reporter: Reporter,
    ) -> std::io::Result<Display> {
        let wanted = Wanted { scene: Scene::first(), version: 1, own, theirs: HashMap::new() };
        let shared = Arc::new(Shared { wanted: Mutex::new(wanted), bell: Bell::default() });
        let config = config.clone();
        let thread = std::thread::Builder::new().name("display".to_owned()).spawn({
            let shared = shared.clone();
            move || run(&config, &shared, reporter)
        })?;
        Ok(Display { shared, thread: Some(thread) })
    }

    /// Changes what is shown; it appears with the next picture.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Scene)) {
        {
            let mut wanted = lock(&self.shared.wanted);
            change(&mut wanted.scene);
            wanted.version += 1;
        }
        self.shared.bell.ring();
    }

    /// What rings when there is a new picture to show.
    pub(crate) fn bell(&self) -> Bell {
        self.shared.bell.clone()
    }

    /// Says where the latest frame of each participant is found.
    pub(crate) fn set_frames(&self, theirs: HashMap<ParticipantId, FrameSlot>) {
        lock(&self.shared.wanted).theirs = theirs;
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.shared.bell.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the display's thread ended by a panic");
        }
    }
}

fn run(config: &MediaConfig, shared: &Shared, mut reporter: Reporter) {
    let mut painter = Painter::new();
    // Looking through all fonts left much behind.
    crate::memory::give_back();
    loop {
        let trouble = match Showing::open(config) {
            Ok(mut showing) => loop {
                if shared.bell.pause(showing.soonest()) == Woken::Stopped {
                    return;
                }
                match showing.tick(shared, &mut painter) {
                    Ok(true) => reporter.works(|| format!("showing on {}", config.display)),
                    Ok(false) => {}
                    Err(trouble) => break trouble,
                }
                if shared.bell.wait(showing.latest()) == Woken::Stopped {
                    return;
                }
            },
            Err(trouble) => trouble,
        };
        reporter.fails(&trouble);
        if shared.bell.pause(Instant::now() + RETRY) == Woken::Stopped {
            return;
        }
    }
}

/// An open display and what stands on it.
struct Showing {
    output: Output,
    composer: Composer,
    version: u64,
    scene: Option<Scene>,
    pictures: Vec<Whose>,
    numbers: Vec<Option<u64>>,
    shown: Option<Instant>,
}

impl Showing {
    fn open(config: &MediaConfig) -> Result<Showing, Trouble> {
        let (width, height) = (config.display_width.get(), config.display_height.get());
        let composer = Composer::new(width, height).map_err(Trouble::plain)?;
        let output = Output::open(&config.display, composer.info())?;
        Ok(Showing {
            output,
            composer,
            version: 0,
            scene: None,
            pictures: Vec::new(),
            numbers: Vec::new(),
            shown: None,
        })
    }

    /// Before this moment no other picture is shown.
    fn soonest(&self) -> Instant {
        let others = self.pictures.iter().filter(|whose| **whose != Whose::Own).count();
        let gap = SOONEST[usize::from(others > 1)];
        self.shown.map_or_else(Instant::now, |at| at + gap)
    }

    /// At this moment the display looks even when nothing rang.
    fn latest(&self) -> Instant {
        let in_call = self.scene.as_ref().is_some_and(|scene| scene.call.is_some());
        Instant::now() + if in_call { LOOK } else { REFRESH }
    }

    /// Shows a picture if it differs from the last one; tells whether it did.
    fn tick(&mut self, shared: &Shared, painter: &mut Painter) -> Result<bool, Trouble> {
        let (own, theirs) = {
            let wanted = lock(&shared.wanted);
            if wanted.version != self.version || self.scene.is_none() {
                self.version = wanted.version;
                if self.scene.as_ref() != Some(&wanted.scene) {
                    self.scene = Some(wanted.scene.clone());
                    self.shown = None;
                    self.pictures.clear();
                    self.numbers.clear();
                }
            }
            (wanted.own.clone(), wanted.theirs.clone())
        };
        let Some(scene) = &self.scene else { return Ok(false) };
        let slot = |whose: Whose| match whose {
            Whose::Own => Some(&own),
            Whose::Theirs(participant) => theirs.get(&participant),
        };
        let mut pictures = Vec::new();
        if let Some(call) = &scene.call {
            pictures.push(Whose::Own);
            pictures.extend(call.people.iter().map(|p| Whose::Theirs(p.participant)));
            pictures.retain(|whose| slot(*whose).is_some_and(|s| s.number().is_some()));
        }
        if self.shown.is_none() || pictures != self.pictures {
            let size = (self.composer.info().width(), self.composer.info().height());
            let has = |whose| pictures.contains(&whose);
            if let Some(still) = still::paint(painter, scene, size.0, size.1, &has) {
                self.composer.prepare(still).map_err(Trouble::plain)?;
            }
            self.pictures = pictures;
            self.shown = None;
        }
        let places = self.composer.places();
        let numbers: Vec<Option<u64>> =
            places.iter().map(|(whose, _)| slot(*whose).and_then(FrameSlot::number)).collect();
        if numbers == self.numbers && self.shown.is_some_and(|at| at.elapsed() < REFRESH) {
            return Ok(false);
        }
        let frame_of = |whose| -> Option<Frame> { slot(whose)?.latest() };
        let picture = self.composer.compose(&frame_of).map_err(Trouble::plain)?;
        let Some(picture) = picture else { return Ok(false) };
        self.output.show(&picture)?;
        self.numbers = numbers;
        self.shown = Some(Instant::now());
        Ok(true)
    }
}

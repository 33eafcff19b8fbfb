//! Lines that are not there, for tests and for boards without the part: what the room sets can be
//! read, what a person would do can be said.

use super::{Edge, Level, LineTrouble, Lines, Output, Watched};
use crate::description::{Line, Place};
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::{mpsc, watch};

/// Edges of one line that nobody has taken yet; as with the kernel, what comes on top is lost.
const QUEUED: usize = 16;

/// A board of lines; clones are the same board.
#[derive(Debug, Clone)]
pub struct StandIn {
    board: Arc<Mutex<Board>>,
    /// Told at every change that the room makes.
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Board {
    levels: HashMap<Place, Level>,
    /// Lines that are not there at present.
    unplugged: Vec<Place>,
    /// How often each line was taken away: whoever had it open then has nothing in hand.
    losses: HashMap<Place, u32>,
    watched: HashMap<Place, mpsc::Sender<Edge>>,
    /// How often each line was opened, with success or without.
    attempts: HashMap<Place, u32>,
}

impl Default for StandIn {
    fn default() -> StandIn {
        StandIn::new()
    }
}

impl StandIn {
    /// Every line is there, and low.
    pub fn new() -> StandIn {
        StandIn { board: Arc::default(), changed: watch::Sender::new(0) }
    }

    /// The level of a line, whoever set it.
    pub fn level(&self, line: &Line) -> Level {
        self.lock().levels.get(&line.place).copied().unwrap_or(Level::Low)
    }

    /// How often the line was opened or tried.
    pub fn attempts(&self, line: &Line) -> u32 {
        self.lock().attempts.get(&line.place).copied().unwrap_or(0)
    }

    /// Sets the level of an input, as what is wired to it would.
    pub fn set(&self, line: &Line, level: Level) {
        let mut board = self.lock();
        if board.levels.insert(line.place.clone(), level) == Some(level) {
            return;
        }
        if let Some(edges) = board.watched.get(&line.place) {
            let _ = edges.try_send(Edge { level, stamp: None });
        }
    }

    /// The same, and the kernel's queue has run over: nobody hears the edge.
    pub fn set_unheard(&self, line: &Line, level: Level) {
        self.lock().levels.insert(line.place.clone(), level);
    }

    /// Takes the line away: it is dark, and whoever waits for it is told; whoever sets it learns of
    /// it then.
    pub fn unplug(&self, line: &Line) {
        let mut board = self.lock();
        board.unplugged.push(line.place.clone());
        *board.losses.entry(line.place.clone()).or_default() += 1;
        board.levels.remove(&line.place);
        board.watched.remove(&line.place);
    }

    /// Puts the line back.
    pub fn plug_in(&self, line: &Line) {
        self.lock().unplugged.retain(|place| *place != line.place);
    }

    /// Waits until the board is as wanted; it is looked at whenever the room has set or opened a line.
    pub async fn until(&self, mut wanted: impl FnMut(&StandIn) -> bool) {
        let mut changes = self.changed.subscribe();
        // The sender lives in this very board, so that waiting cannot fail.
        while !wanted(self) && changes.changed().await.is_ok() {}
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, line: &Line, with: impl FnOnce(&mut Board)) -> Result<(), LineTrouble> {
        let mut board = self.lock();
        *board.attempts.entry(line.place.clone()).or_default() += 1;
        let there = !board.unplugged.contains(&line.place);
        if there {
            with(&mut board);
        }
        drop(board);
        self.changed.send_modify(|changes| *changes += 1);
        there.then_some(()).ok_or_else(|| LineTrouble::NoLine { place: line.place.clone() })
    }

    fn pin(&self, place: Place, edges: Option<mpsc::Receiver<Edge>>) -> Pin {
        let losses = self.lock().losses.get(&place).copied();
        Pin { board: self.clone(), place, losses, edges }
    }
}

impl Lines for StandIn {
    fn output(&self, line: &Line, level: Level) -> Result<Output, LineTrouble> {
        let place = line.place.clone();
        self.open(line, |board| {
            board.levels.insert(place.clone(), level);
        })?;
        Ok(Output::new(self.pin(place, None)))
    }

    fn input(&self, line: &Line) -> Result<Box<dyn Watched>, LineTrouble> {
        let (sender, edges) = mpsc::channel(QUEUED);
        let place = line.place.clone();
        self.open(line, |board| {
            board.watched.insert(place.clone(), sender);
        })?;
        Ok(Box::new(self.pin(place, Some(edges))))
    }
}

/// An open line.
struct Pin {
    board: StandIn,
    place: Place,
    /// As they were when it was opened.
    losses: Option<u32>,
    /// Of inputs.
    edges: Option<mpsc::Receiver<Edge>>,
}

impl Pin {
    fn there(&self) -> Result<MutexGuard<'_, Board>, LineTrouble> {
        let board = self.board.lock();
        if board.losses.get(&self.place).copied() != self.losses {
            return Err(LineTrouble::Gone { place: self.place.clone() });
        }
        Ok(board)
    }

    fn write(&self, level: Level) -> Result<(), LineTrouble> {
        self.there()?.levels.insert(self.place.clone(), level);
        self.board.changed.send_modify(|changes| *changes += 1);
        Ok(())
    }
}

impl ErrorType for Pin {
    type Error = LineTrouble;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), LineTrouble> {
        self.write(Level::Low)
    }

    fn set_high(&mut self) -> Result<(), LineTrouble> {
        self.write(Level::High)
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, LineTrouble> {
        Ok(self.there()?.levels.get(&self.place) == Some(&Level::High))
    }

    fn is_low(&mut self) -> Result<bool, LineTrouble> {
        self.is_high().map(|high| !high)
    }
}

impl Watched for Pin {
    fn poll_edge(&mut self, context: &mut Context<'_>) -> Poll<Result<Edge, LineTrouble>> {
        let Some(edges) = &mut self.edges else { return Poll::Pending };
        edges
            .poll_recv(context)
            .map(|edge| edge.ok_or_else(|| LineTrouble::Gone { place: self.place.clone() }))
    }
}

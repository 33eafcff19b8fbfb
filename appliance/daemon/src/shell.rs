//! Moves events into the room's machine and carries out what it wants. One task owns it all.

use crate::board::{self, Fitted};
use crate::clock::{self, Timekeeper};
use crate::doubt::Doubt;
use crate::keeper::{Change, Keeper};
use crate::local_time::local_time;
use crate::reset::{Eraser, Restart};
use crate::service::Service;
use crate::update::{self, Updater};
use crate::vitals::Looker;
use crate::{logs, status};
use conclave_call::{AskId, State};
use conclave_link_protocol::message::Greeting;
use conclave_link_room::{DownReason, LinkEvent, RequestId, RoomLinkHandle, certificate_lifetime};
use conclave_media::MediaHandle;
use conclave_panel_api::{Panel, Tap};
use conclave_room::board::Presence;
use conclave_room::media::{MediaCommand, MediaEvent, MediaPart};
use conclave_room::{Input, LinkTrouble, Output, Room};
use conclave_types::{Redacted, Time, UnixTime};
use conclave_update::{Input as Update, Part, Use};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Taps that wait while the daemon is busy; a person makes a few a second.
pub(crate) const TAPS_QUEUED: usize = 32;

/// Where events come from.
pub(crate) struct Events {
    pub(crate) taps: mpsc::Receiver<Tap>,
    pub(crate) link: mpsc::Receiver<LinkEvent>,
    pub(crate) media: mpsc::Receiver<MediaEvent>,
    /// `None` where rooms are not updated.
    pub(crate) update: Option<mpsc::Receiver<update::Event>>,
    /// How many panels draw.
    pub(crate) drawing: watch::Receiver<usize>,
    /// `None` where there is no board.
    pub(crate) board: Option<mpsc::Receiver<conclave_board::BoardEvent>>,
}

/// What carries out what the room wants.
pub(crate) struct Around {
    pub(crate) link: RoomLinkHandle,
    pub(crate) media: MediaHandle,
    /// `None` where the configuration names none.
    pub(crate) board: Option<Fitted>,
    pub(crate) shown: watch::Sender<Option<Panel>>,
    /// `None` where rooms are not updated.
    pub(crate) update: Option<Updater>,
    pub(crate) eraser: Eraser,
    /// `None` where the machine's clock is not the room's business.
    pub(crate) clock: Option<Timekeeper>,
    pub(crate) looker: Looker,
}

/// Why the shell has ended.
pub(crate) enum Ended {
    /// It was stopped.
    Stopped,
    /// The room was reset, and the program starts anew.
    Reset(Eraser),
}

/// The next word of a part that a room may have or not; waits for ever where there is none.
pub(crate) async fn next<T>(events: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

/// The shell round the room's machine.
pub(crate) struct Shell {
    room: Room,
    keeper: Keeper,
    link: RoomLinkHandle,
    media: MediaHandle,
    board: Option<Fitted>,
    shown: watch::Sender<Option<Panel>>,
    status: PathBuf,
    started: Instant,
    /// Which of the room's questions each request on the link carries.
    asked: HashMap<RequestId, AskId>,
    update: Option<Updater>,
    eraser: Eraser,
    timekeeper: Option<Timekeeper>,
    looker: Looker,
    /// How many panels draw.
    panels: usize,
    doubt: Doubt,
    /// The room was reset: this program ends.
    starts_anew: bool,
    /// IT starts the room anew: this program ends, and keeps what it has.
    ends: bool,
    /// What the update was told last of whether the room is used.
    used: Use,
    /// While a call's media run: whatever happens meanwhile is logged with its id.
    call: Option<tracing::Span>,
}

impl Shell {
    pub(crate) fn new(
        room: Room,
        (keeper, started): (Keeper, Instant),
        around: Around,
        status: PathBuf,
    ) -> Shell {
        let asked = HashMap::new();
        let Around { link, media, board, shown, update, eraser, clock, looker } = around;
        Shell {
            room,
            keeper,
            link,
            media,
            board,
            shown,
            status,
            started,
            asked,
            update,
            eraser,
            timekeeper: clock,
            looker,
            panels: 0,
            doubt: Doubt::default(),
            starts_anew: false,
            ends: false,
            used: Use::Free,
            call: None,
        }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }

    /// Runs until cancelled, or until a task that it stands on has ended. Whoever supervises it is
    /// told once it shows something, and then each second that it is not stuck: from this task,
    /// because this is the one that must not be.
    pub(crate) async fn run(
        mut self,
        mut events: Events,
        stop: CancellationToken,
    ) -> anyhow::Result<Ended> {
        let service = Service::of_this_process();
        let mut told_ready = false;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut status_failed = false;
        let result = loop {
            let update = self.update.as_ref().and_then(Updater::deadline);
            let clock = self.timekeeper.as_ref().and_then(Timekeeper::deadline);
            let deadline = [self.room.deadline(), update, clock].into_iter().flatten().min();
            let wait = deadline.map_or(Duration::from_secs(3600), |at| at.since(self.now()));
            let input = tokio::select! {
                () = stop.cancelled() => break Ok(Ended::Stopped),
                Some(tap) = events.taps.recv() => {
                    if !matches!(tap, Tap::Picture(_) | Tap::NoPicture { .. }) {
                        self.tell_update(Update::Touched);
                    }
                    Some(Input::Tap(tap))
                }
                Some(event) = next(&mut events.update) => {
                    let now = self.now();
                    if let Some(update) = &mut self.update {
                        update.heard(now, event);
                    }
                    None
                }
                Ok(()) = events.drawing.changed() => {
                    self.panels = *events.drawing.borrow_and_update();
                    let draws = self.panels > 0;
                    self.tell_update(Update::Part(Part::Panel, draws));
                    None
                }
                event = events.link.recv() => match event {
                    Some(event) => self.heard(event),
                    None => break Err(anyhow::anyhow!("the link's task has ended")),
                },
                event = events.media.recv() => match event {
                    Some(event) => {
                        log_media(&event);
                        self.tell_update_of(&event);
                        Some(Input::Media(event))
                    }
                    None => break Err(anyhow::anyhow!("the media path has ended")),
                },
                event = next(&mut events.board) => match event {
                    Some(event) => Some(Input::Board(board::heard(event))),
                    None => {
                        // Nobody in a meeting should lose it because of a lamp.
                        tracing::error!(
                            "the board's task has ended: light, buttons and sensors do nothing \
                             until the daemon is started again; the room goes on without them"
                        );
                        events.board = None;
                        None
                    }
                },
                _ = second.tick() => {
                    service.lives();
                    if let Some(outcome) = self.eraser.look().await {
                        let at = UnixTime(unix_now());
                        self.room.handle(self.now(), Input::Erased { outcome, at });
                    }
                    if let Err(error) = self.each_second() {
                        // Said once: a full disk would otherwise fill the log as well.
                        if !std::mem::replace(&mut status_failed, true) {
                            tracing::warn!(%error, "status.json cannot be written");
                        }
                    } else {
                        status_failed = false;
                    }
                    let warm = self.board.as_ref().and_then(Fitted::temperature);
                    let vitals = self.looker.look(self.panels, warm);
                    self.room.handle(self.now(), Input::Vitals(vitals));
                    let time = local_time(self.room.time_zone());
                    self.tell_update(Update::Clock(time.minute()));
                    Some(Input::Clock(time))
                }
                () = tokio::time::sleep(wait) => Some(Input::Tick),
            };
            let _inside = self.call.clone().map(tracing::Span::entered);
            if let Some(input) = input {
                self.room.handle(self.now(), input);
            }
            self.go_on_with_update();
            self.go_on_with_clock();
            self.carry_out();
            if self.starts_anew || self.ends {
                break Ok(Ended::Stopped);
            }
            if !std::mem::replace(&mut told_ready, true) {
                service.is_ready();
            }
        };
        service.stops();
        if let Some(board) = self.board {
            board.shutdown().await;
        }
        self.link.shutdown().await;
        self.media.shutdown().await;
        if self.starts_anew {
            return Ok(Ended::Reset(self.eraser));
        }
        result
    }

    fn heard(&mut self, event: LinkEvent) -> Option<Input> {
        match event {
            LinkEvent::Up { greeting, remote, .. } => {
                tracing::info!(cloud = ?remote, "the link is up");
                let lifetime = self.link.certificate().as_ref().and_then(certificate_lifetime);
                let expires = lifetime.map(|lifetime| lifetime.to);
                let wall = UnixTime(unix_now());
                let greeting = self.doubt.judge(self.now(), wall, expires, greeting);
                if matches!(greeting, Greeting::Welcome(_)) {
                    self.tell_update(Update::LinkUp);
                    let now = self.now();
                    if let Some(timekeeper) = &mut self.timekeeper {
                        timekeeper.link_up(now);
                    }
                }
                Some(Input::LinkUp { greeting, cloud: Redacted(remote.0.ip()) })
            }
            LinkEvent::Down { reason, retry_in } => {
                self.tell_update(Update::LinkDown);
                let now = self.now();
                if let Some(timekeeper) = &mut self.timekeeper {
                    timekeeper.link_down(now);
                }
                if reason == DownReason::Reconnecting {
                    tracing::info!("linking anew as an enrolled room");
                } else {
                    let retry_in_s = retry_in.as_secs_f32();
                    tracing::warn!(%reason, retry_in_s, "no link to the cloud");
                }
                let trouble = match reason {
                    // Somebody answered, and it is not the cloud that this room belongs to.
                    DownReason::WrongPin { .. }
                    | DownReason::OtherAuthority
                    | DownReason::ServerCertificate { .. } => LinkTrouble::WrongCloud,
                    _ => LinkTrouble::Unreachable,
                };
                Some(Input::LinkDown { trouble, retry_in })
            }
            LinkEvent::Answered { id, result } => {
                let here = clock::here();
                let now = self.now();
                let result = match &mut self.timekeeper {
                    Some(timekeeper) => timekeeper.answered(here, now, id, result)?,
                    None => result,
                };
                let result = match &mut self.update {
                    Some(update) => update.answered(now, id, result)?,
                    None => result,
                };
                let ask = self.asked.remove(&id)?;
                if let Err(failure) = &result {
                    tracing::warn!(%failure, "the cloud did not answer");
                }
                Some(Input::Answered { ask, answer: result.ok() })
            }
            LinkEvent::Event(event) => {
                let now = self.now();
                let taken = self.update.as_mut().is_some_and(|update| update.cloud(now, &event));
                (!taken).then_some(Input::Cloud(event))
            }
        }
    }

    fn tell_update(&mut self, input: Update) {
        let now = self.now();
        if let Some(update) = &mut self.update {
            update.give(now, input);
        }
    }

    /// What a new system has to show: pictures from the camera, sound from the microphone.
    fn tell_update_of(&mut self, event: &MediaEvent) {
        let MediaEvent::Part { part, working, .. } = event else { return };
        match part {
            MediaPart::Camera => self.tell_update(Update::Part(Part::Camera, *working)),
            MediaPart::Microphone => self.tell_update(Update::Part(Part::Microphone, *working)),
            MediaPart::Loudspeaker | MediaPart::Display | MediaPart::Encoder => {}
        }
    }

    /// Tells it whether the room is used, and does what it wants.
    fn go_on_with_update(&mut self) {
        let now = self.now();
        let Some(update) = &mut self.update else { return };
        let used = match self.room.call() {
            State::Idle => Use::Free,
            State::Joining { .. } | State::Waiting(_) | State::Up(_) => Use::Call,
        };
        if self.used != used {
            self.used = used;
            update.give(now, Update::Use(used));
        }
        // Whoever the sensor sees is using the room, whatever they do in it.
        if self.room.board().presence == Some(Presence::Somebody) {
            update.give(now, Update::Touched);
        }
        update.tick(now);
        if let Some(news) = update.carry_out(Some(&self.link), &mut self.keeper) {
            self.room.handle(now, Input::Update(news));
        }
        if let Some(step) = update.stick() {
            self.room.handle(now, Input::Stick(step));
        }
    }

    fn go_on_with_clock(&mut self) {
        let now = self.now();
        if let Some(timekeeper) = &mut self.timekeeper {
            timekeeper.tick(now);
            timekeeper.carry_out(now, &self.link);
        }
    }

    fn each_second(&mut self) -> anyhow::Result<()> {
        self.keeper.retry();
        if let Some(lifetime) = self.link.certificate().as_ref().and_then(certificate_lifetime) {
            let now = unix_now();
            // One that begins in the future was signed by a clock that was ahead. Two thirds of its
            // life: a month is left to a cloud that is away for repairs.
            if now < lifetime.from.0
                || now >= lifetime.from.0 + (lifetime.to.0.saturating_sub(lifetime.from.0)) / 3 * 2
            {
                self.room.handle(self.now(), Input::RenewalDue);
            }
        }
        status::write(&self.status, &self.status_now()?)
    }

    fn status_now(&self) -> serde_json::Result<serde_json::Value> {
        let update = self.update.as_ref().and_then(Updater::report);
        let board = self.board.as_ref().map(|board| board.name());
        status::of(self.now(), &self.room, self.media.report(), update, board)
    }

    fn collect_logs(&mut self, number: u32) {
        let mut state = self.room.summary();
        let update = self.update.as_ref().and_then(Updater::report);
        state.push(format!("update: {update:?}"));
        let status = self.status_now().unwrap_or_default();
        let at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let lines = self.looker.book().lines();
        let logs = logs::put_together(&at, &state, status, &lines);
        tracing::info!(number, ?logs, "IT asks for this room's logs");
        self.room.handle(self.now(), Input::Collected { number, logs });
    }

    fn carry_out(&mut self) {
        let mut panel = None;
        while let Some(output) = self.room.poll_output() {
            match output {
                // Shown last: what a person sees has been kept.
                Output::Panel(latest) => panel = Some(*latest),
                Output::Media(command) => {
                    match &command {
                        MediaCommand::StartCall { call, .. } => {
                            self.call = Some(tracing::info_span!("call", %call));
                        }
                        MediaCommand::StopCall => self.call = None,
                        _ => {}
                    }
                    self.media.command(command);
                }
                Output::Light(light) => {
                    if let Some(board) = &self.board {
                        board.show(light);
                    }
                }
                Output::Ask { ask, request } => {
                    let id = self.link.request(request);
                    self.asked.insert(id, ask);
                }
                Output::Tell(event) => self.link.event(event),
                Output::Hold(calls) => self.link.hold(calls),
                Output::Save(settings) => self.keeper.keep(Change::Settings(settings)),
                Output::KeepWanted(wanted) => self.keeper.keep(Change::Wanted(wanted)),
                Output::Enrol { room, certificate } => {
                    tracing::info!(room = %room.room, "the room is enrolled");
                    self.keeper.keep(Change::Enrolled(room, certificate.clone()));
                    self.link.identify(Some(certificate));
                }
                Output::Renew(certificate) => {
                    tracing::info!("the room's certificate was renewed");
                    self.keeper.keep(Change::Renewed(certificate.clone()));
                    self.link.identify(Some(certificate));
                }
                Output::Remember(identity) => self.keeper.keep(Change::Renamed(identity)),
                Output::Forget => {
                    tracing::warn!("the cloud does not know this room any more");
                    self.keeper.keep(Change::Forgotten);
                    self.link.identify(None);
                }
                Output::Erase => {
                    // Neither may write any more: what is erased must not come back.
                    self.keeper.close();
                    self.update = None;
                    self.eraser.begin();
                }
                Output::CollectLogs { number } => self.collect_logs(number),
                Output::InstallStick => self.tell_update(Update::InstallStick),
                Output::RestartMachine => {
                    tracing::warn!("IT starts this room anew");
                    self.ends |= self.eraser.restart() == Restart::End;
                }
                Output::Restart => self.starts_anew |= self.eraser.restart() == Restart::End,
            }
        }
        if panel.is_some() {
            self.shown.send_replace(panel);
        }
    }
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn log_media(event: &MediaEvent) {
    match event {
        MediaEvent::Part { part, working, detail } => {
            // The media path logs it where it happens.
            tracing::debug!(?part, working, detail, "a part of the room changed");
        }
        MediaEvent::FirstPicture { participant, width, height } => {
            tracing::info!(%participant, width, height, "first picture");
        }
        MediaEvent::Flowing { call, flowing } => {
            tracing::info!(%call, flowing, "packets");
        }
        MediaEvent::CallFailed { call, detail } => {
            tracing::warn!(%call, detail, "media could not be started");
        }
    }
}

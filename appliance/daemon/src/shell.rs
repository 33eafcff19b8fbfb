//! Moves events into the room's machine and carries out what it wants. One task owns it all.

use crate::board::{self, Fitted};
use crate::keeper::{Change, Keeper};
use crate::service::Service;
use crate::status;
use crate::store::Store;
use chrono::Timelike;
use conclave_call::AskId;
use conclave_link_protocol::message::{Greeting, Refusal};
use conclave_link_room::{DownReason, LinkEvent, RequestId, RoomLinkHandle, certificate_lifetime};
use conclave_media::MediaHandle;
use conclave_panel_api::{Panel, Tap};
use conclave_room::media::{MediaCommand, MediaEvent};
use conclave_room::{Input, LinkTrouble, Output, Room};
use conclave_types::{Redacted, Time};
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
    /// While a call's media run: whatever happens meanwhile is logged with its id.
    call: Option<tracing::Span>,
}

impl Shell {
    pub(crate) fn new(room: Room, store: Store, around: Around, status: PathBuf) -> Shell {
        let asked = HashMap::new();
        let Around { link, media, board, shown } = around;
        Shell {
            room,
            keeper: Keeper::new(store),
            link,
            media,
            board,
            shown,
            status,
            started: Instant::now(),
            asked,
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
    ) -> anyhow::Result<()> {
        let service = Service::of_this_process();
        let mut told_ready = false;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut status_failed = false;
        let result = loop {
            let deadline = self.room.deadline();
            let wait = deadline.map_or(Duration::from_secs(3600), |at| at.since(self.now()));
            let input = tokio::select! {
                () = stop.cancelled() => break Ok(()),
                Some(tap) = events.taps.recv() => Some(Input::Tap(tap)),
                event = events.link.recv() => match event {
                    Some(event) => self.heard(event),
                    None => break Err(anyhow::anyhow!("the link's task has ended")),
                },
                event = events.media.recv() => match event {
                    Some(event) => {
                        log_media(&event);
                        Some(Input::Media(event))
                    }
                    None => break Err(anyhow::anyhow!("the media path has ended")),
                },
                event = board::next(&mut events.board) => match event {
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
                    if let Err(error) = self.each_second() {
                        // Said once: a full disk would otherwise fill the log as well.
                        if !std::mem::replace(&mut status_failed, true) {
                            tracing::warn!(%error, "status.json cannot be written");
                        }
                    } else {
                        status_failed = false;
                    }
                    Some(clock())
                }
                () = tokio::time::sleep(wait) => Some(Input::Tick),
            };
            let _inside = self.call.clone().map(tracing::Span::entered);
            if let Some(input) = input {
                self.room.handle(self.now(), input);
            }
            self.carry_out();
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
        result
    }

    fn heard(&mut self, event: LinkEvent) -> Option<Input> {
        match event {
            LinkEvent::Up { greeting, remote, .. } => {
                tracing::info!(cloud = ?remote, "the link is up");
                let greeting = self.doubt(greeting);
                Some(Input::LinkUp { greeting, cloud: Redacted(remote.0.ip()) })
            }
            LinkEvent::Down { reason, retry_in } => {
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
                    | DownReason::ServerExpired
                    | DownReason::ServerNotYetValid
                    | DownReason::ServerCertificate { .. } => LinkTrouble::WrongCloud,
                    _ => LinkTrouble::Unreachable,
                };
                Some(Input::LinkDown { trouble, retry_in })
            }
            LinkEvent::Answered { id, result } => {
                let ask = self.asked.remove(&id)?;
                if let Err(failure) = &result {
                    tracing::warn!(%failure, "the cloud did not answer");
                }
                Some(Input::Answered { ask, answer: result.ok() })
            }
            LinkEvent::Event(event) => Some(Input::Cloud(event)),
        }
    }

    /// The cloud says that our certificate has expired. When our own clock says that it has not, one
    /// of the two clocks is wrong, and on the word of one wrong clock nothing is forgotten: the room
    /// keeps its certificate and comes back.
    fn doubt(&self, greeting: Greeting) -> Greeting {
        let lifetime = || self.link.certificate().as_ref().and_then(certificate_lifetime);
        match greeting {
            Greeting::Refused { reason: Refusal::Expired, retry_after_s }
                if lifetime().is_some_and(|lifetime| unix_now() <= lifetime.to.0) =>
            {
                tracing::error!(
                    "the cloud says that this room's certificate has expired, and by this room's \
                     clock it has not: set the clock of the one that is wrong (timedatectl). The \
                     room keeps its certificate and tries again by itself"
                );
                Greeting::Refused { reason: Refusal::Other, retry_after_s }
            }
            other => other,
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
        let board = self.board.as_ref().map(|board| board.name());
        status::write(&self.status, self.now(), &self.room, self.media.report(), board)
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

fn clock() -> Input {
    let now = chrono::Local::now();
    let short = |number: u32| u8::try_from(number).unwrap_or(0);
    Input::Clock(short(now.hour()), short(now.minute()))
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

//! The room's machine: enrolment, link, pads, call, notices.

use crate::agenda::{Agenda, LocalTime};
use crate::board::{BoardEvent, BoardState, Light};
use crate::condition::{Condition, Vitals};
use crate::delivery::{Delivery, Parcel};
use crate::look::Looking;
use crate::media::{Banner, IdleDisplay, MediaCommand, MediaEvent, MediaPart, RemoteParticipant};
use crate::orders::Orders;
use crate::pad::{Fault, Pad};
use crate::reset::Reset;
use crate::stick::Stick;
use crate::wanted::{Kept, Wanted};
use conclave_call::{AskId, Call, NotJoined, Over, State};
use conclave_link_protocol::message::{
    CertificateChain, CloudEvent, DirectoryEntry, Greeting, HeldCall, JoinRefusal, Refusal,
    ResetOutcome, Response, RoomEvent, RoomIdentity, RoomRequest, SettingsReport, WantedSettings,
};
use conclave_panel_api::{
    Health, Language, Layout, LinkState, Notice, Panel, StickStep, Tap, Trouble,
};
use conclave_types::{
    ActivationCode, CameraLimit, DisplayName, Redacted, Switch, Time, UnixTime, VmrNumber,
};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// One tap on *louder* or *softer*.
const VOLUME_STEP: u8 = 10;
/// A certificate is asked for again after this, when the cloud could not sign it. A month is left, so
/// there is no hurry.
const RENEWAL_PAUSE: Duration = Duration::from_secs(600);
/// How often what counts seconds is drawn anew. Slower lets a timer skip a second.
const REDRAW: Duration = Duration::from_millis(500);

/// What never changes while the daemon runs.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The device's serial number.
    pub serial: String,
    /// What people compare its key by: the first sixteen hexadecimal digits of its SHA-256 in groups of
    /// four, `0123 4567 89ab cdef`.
    pub key: String,
    /// Whether its system is a development image.
    pub development: bool,
    /// Whether its system has a time zone of that name.
    pub knows_zone: fn(&str) -> bool,
}

/// What the people in the room chose; kept through restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Of panel and display.
    pub language: Language,
    /// Of the loudspeaker, 0 to 100.
    pub volume: u8,
    /// Of the display in a call.
    pub layout: Layout,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Someone touched the panel.
    Tap(Tap),
    /// The link is up, and the cloud greeted.
    LinkUp {
        /// What it said.
        greeting: Greeting,
        /// Its address on the link.
        cloud: Redacted<IpAddr>,
    },
    /// The link is down, or an attempt was in vain.
    LinkDown {
        /// Why.
        trouble: LinkTrouble,
        /// How long until the next attempt.
        retry_in: Duration,
    },
    /// The cloud answered; `None` when the link failed before it did.
    Answered {
        /// Which question.
        ask: AskId,
        /// The answer.
        answer: Option<Response>,
    },
    /// The cloud says something unasked.
    Cloud(CloudEvent),
    /// The media path reports.
    Media(MediaEvent),
    /// The board reports.
    Board(BoardEvent),
    /// The time in the room, by its own zone.
    Clock(LocalTime),
    /// How devices and machine are.
    Vitals(Vitals),
    /// What [`Output::CollectLogs`] wanted.
    Collected {
        /// For which order.
        number: u32,
        /// The logs; empty when there are none.
        logs: Parcel,
    },
    /// The certificate should be renewed.
    RenewalDue,
    /// How far the update is, as people in the room should know it.
    Update(UpdateNews),
    /// What is to be said of a stick with a new system; `None` when nothing.
    Stick(Option<StickStep>),
    /// What became of what the room keeps, after [`Output::Erase`].
    Erased {
        /// What was erased.
        outcome: ResetOutcome,
        /// When, by the room's clock.
        at: UnixTime,
    },
    /// The deadline has passed.
    Tick,
}

/// What people in the room should know of its update. Before it is installed: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateNews {
    /// Nothing.
    None,
    /// The room is about to restart, or has and proves itself.
    Updating,
    /// It went back to the old system.
    Failed,
}

/// Why there is no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTrouble {
    /// Nobody answers, or the connection broke.
    Unreachable,
    /// The cloud's key is not a pinned one.
    WrongCloud,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Show this on the panel.
    Panel(Box<Panel>),
    /// Have the media path do this.
    Media(MediaCommand),
    /// Have the in-call light show this; told at the beginning and at each change.
    Light(Light),
    /// Ask the cloud; feed the answer back as [`Input::Answered`].
    Ask {
        /// Names the question.
        ask: AskId,
        /// The question.
        request: RoomRequest,
    },
    /// Tell the cloud.
    Tell(RoomEvent),
    /// What the next hello says about held calls.
    Hold(Vec<HeldCall>),
    /// Keep the settings.
    Save(Settings),
    /// Keep what IT wants, for [`Room::remember_wanted`]; `None`: nothing any more.
    KeepWanted(Option<WantedSettings>),
    /// Keep this certificate and be this room from now on: the link is made anew with it.
    Enrol {
        /// Who the room is.
        room: RoomIdentity,
        /// Its certificate.
        certificate: CertificateChain,
    },
    /// Keep this certificate in place of the present one.
    Renew(CertificateChain),
    /// Keep the room's name, for the time before the next link.
    Remember(RoomIdentity),
    /// Forget certificate and identity; keep the key. The link is made anew as a newcomer.
    Forget,
    /// Erase everything that the room keeps, for good; feed back [`Input::Erased`]. Nothing is kept
    /// from now on.
    Erase,
    /// Install what the stick brings.
    InstallStick,
    /// Put the last log lines together with how the parts are; feed back [`Input::Collected`].
    CollectLogs {
        /// For which order.
        number: u32,
    },
    /// Start the machine anew, or where there is none of its own, the program. Nothing is erased.
    RestartMachine,
    /// Start anew: the machine, or where there is none of its own, the program. Asked again after a
    /// while when nothing comes of it.
    Restart,
}

/// Whether the room belongs to a cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Enrolment {
    /// It waits for an administrator.
    Newcomer { code: Option<ActivationCode>, until: Option<Time>, total: u32 },
    /// It belongs.
    Enrolled(RoomIdentity),
}

/// What panel and display were last told, so that they are told changes only.
#[derive(Debug, Default)]
struct Shown {
    panel: Option<Panel>,
    display: Option<IdleDisplay>,
    participants: Vec<RemoteParticipant>,
    speaking: Option<conclave_types::ParticipantId>,
    banner: Option<Banner>,
    light: Option<Light>,
}

/// One room.
#[derive(Debug)]
pub struct Room {
    pub(crate) facts: Facts,
    pub(crate) settings: Settings,
    pub(crate) wanted: Wanted,
    /// What the camera was told last.
    pub(crate) camera_limited: CameraLimit,
    /// What the cloud was told of it on this link.
    pub(crate) told: Option<SettingsReport>,
    pub(crate) enrolment: Enrolment,
    pub(crate) link: LinkState,
    pub(crate) retry_at: Option<Time>,
    pub(crate) directory: Vec<DirectoryEntry>,
    pub(crate) call: Call,
    pub(crate) pad: Pad,
    pub(crate) people_open: bool,
    pub(crate) notice: Option<Notice>,
    /// That an update failed is said when the present notice is tapped away.
    update_failed: bool,
    pub(crate) camera: Health,
    pub(crate) microphone: Health,
    pub(crate) clock: LocalTime,
    pub(crate) agenda: Agenda,
    pub(crate) board: BoardState,
    pub(crate) reset: Reset,
    pub(crate) stick: Stick,
    pub(crate) orders: Orders,
    pub(crate) delivery: Option<Delivery>,
    pub(crate) looking: Looking,
    pub(crate) condition: Condition,
    /// When somebody last touched something, or the panel showed what somebody began.
    pub(crate) of_use_at: Time,
    /// Parts that do not work, as the cloud is told them with each new link.
    faults: BTreeMap<&'static str, String>,
    renewal: Option<AskId>,
    /// Not asked for again before this.
    renewal_after: Time,
    next_own_ask: u64,
    shown: Shown,
    redraw_at: Option<Time>,
    outputs: VecDeque<Output>,
}

/// The room's own questions are numbered from here on; the call's from 0.
const OWN_ASKS: u64 = 1 << 63;

impl Room {
    /// A room that has just started. `identity` is what the store remembers of its enrolment.
    pub fn new(facts: Facts, settings: Settings, identity: Option<RoomIdentity>) -> Room {
        Room {
            facts,
            settings,
            wanted: Wanted::default(),
            camera_limited: CameraLimit::default(),
            told: None,
            enrolment: identity.map_or(
                Enrolment::Newcomer { code: None, until: None, total: 0 },
                Enrolment::Enrolled,
            ),
            link: LinkState::Connecting,
            retry_at: None,
            directory: Vec::new(),
            call: Call::new(Switch::On, Switch::On),
            pad: Pad::Closed,
            people_open: false,
            notice: None,
            update_failed: false,
            camera: Health::Working,
            microphone: Health::Working,
            clock: LocalTime::default(),
            agenda: Agenda::default(),
            board: BoardState::default(),
            reset: Reset::None,
            stick: Stick::default(),
            orders: Orders::default(),
            delivery: None,
            looking: Looking::default(),
            condition: Condition::default(),
            of_use_at: Time::ZERO,
            faults: BTreeMap::new(),
            renewal: None,
            renewal_after: Time::ZERO,
            next_own_ask: OWN_ASKS,
            shown: Shown::default(),
            redraw_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// The room's name, when it has one.
    pub fn name(&self) -> Option<&DisplayName> {
        match &self.enrolment {
            Enrolment::Enrolled(identity) => Some(&identity.name),
            _ => None,
        }
    }

    /// The call, for reports.
    pub fn call(&self) -> &State {
        self.call.state()
    }

    /// What is wanted next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is wanted.
    pub fn deadline(&self) -> Option<Time> {
        let awake = self.shown.panel.as_ref().is_none_or(|panel| !panel.asleep);
        let sleeps_at = self.sleeps_at().filter(|_| awake);
        let reset = self.reset.deadline();
        let delivery = self.delivery.as_ref().and_then(Delivery::deadline);
        let looking = self.looking.deadline();
        let own = [self.orders.deadline(), delivery, looking, self.condition.deadline()];
        let all = [self.call.deadline(), self.redraw_at, sleeps_at, reset].into_iter().chain(own);
        all.flatten().min()
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Time, input: Input) {
        if !self.nothing_began() {
            self.of_use_at = now;
        }
        match input {
            // No finger did these.
            Input::Tap(Tap::Picture(piece)) => self.picture_piece(now, piece),
            Input::Tap(Tap::NoPicture { number }) => self.no_picture(number),
            Input::Tap(tap) => self.tap(now, tap),
            Input::LinkUp { greeting, cloud } => self.link_up(now, greeting, cloud),
            Input::LinkDown { trouble, retry_in } => self.link_down(now, trouble, retry_in),
            Input::Answered { ask, answer } => self.answered(now, ask, answer),
            Input::Cloud(event) => self.cloud(now, event),
            Input::Media(event) => self.media(now, event),
            Input::Board(event) => self.board_reports(now, event),
            Input::Clock(time) => self.clock = time,
            Input::Vitals(vitals) => self.condition.seen(vitals),
            Input::Collected { number, logs } => self.deliver(now, number, logs),
            Input::RenewalDue => {
                if self.renewal.is_none()
                    && self.link == LinkState::Up
                    && now >= self.renewal_after
                    && !self.reset.is_under_way()
                {
                    self.renewal_after = now + RENEWAL_PAUSE;
                    self.renewal = Some(self.ask_own(RoomRequest::RenewCertificate));
                }
            }
            Input::Erased { outcome, at } => self.erased(now, outcome, at),
            Input::Update(news) => {
                self.clear_notice(Notice::Updating);
                match news {
                    UpdateNews::None => {}
                    // What is wrong with the room itself is said first.
                    UpdateNews::Updating => self.notice = self.notice.or(Some(Notice::Updating)),
                    UpdateNews::Failed if self.notice.is_some() => self.update_failed = true,
                    UpdateNews::Failed => self.notice = Some(Notice::UpdateFailed),
                }
            }
            Input::Stick(step) => self.stick_is(now, step),
            Input::Tick => self.feed(now, conclave_call::Input::Tick),
        }
        self.reset_tick(now);
        self.orders_tick(now);
        self.look_tick(now);
        self.delivery_tick(now);
        self.show(now);
    }

    pub(crate) fn want(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Asks the cloud for the room itself; the call has numbers of its own.
    pub(crate) fn ask_own(&mut self, request: RoomRequest) -> AskId {
        let ask = AskId(self.next_own_ask);
        self.next_own_ask += 1;
        self.want(Output::Ask { ask, request });
        ask
    }

    pub(crate) fn feed(&mut self, now: Time, input: conclave_call::Input) {
        let was_up = self.is_up();
        self.call.handle(now, input);
        while let Some(output) = self.call.poll_output() {
            match output {
                conclave_call::Output::Ask { ask, request } => {
                    self.want(Output::Ask { ask, request });
                }
                conclave_call::Output::StartMedia { call, leg, node } => {
                    self.people_open = false;
                    self.want(Output::Media(MediaCommand::StartCall { call, leg, node }));
                    self.shown.participants.clear();
                    self.shown.speaking = None;
                }
                conclave_call::Output::StopMedia => {
                    self.want(Output::Media(MediaCommand::StopCall));
                }
                conclave_call::Output::Hold(calls) => self.want(Output::Hold(calls)),
                conclave_call::Output::NotJoined { number, why } => {
                    self.not_joined(now, number, why);
                }
                conclave_call::Output::Over(over) => {
                    self.pad = Pad::Closed;
                    self.notice = Some(match over {
                        Over::Ended => Notice::CallEnded,
                        Over::Lost | Over::Media => Notice::CallLost,
                    });
                }
                conclave_call::Output::Changed => {
                    if matches!(self.call.state(), State::Up(_) | State::Waiting(_)) {
                        self.pad = Pad::Closed;
                    }
                }
                conclave_call::Output::NotAdmitted(reason) => self.not_admitted(reason),
                conclave_call::Output::NotLetIn(why) => self.not_let_in(why),
            }
        }
        if was_up && !self.is_up() {
            self.begin_as_wanted(now);
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.call.state(), State::Up(_))
    }

    /// A call is over, whoever ended it: nobody should enter the next meeting muted, or unseen, because
    /// of the last one. Microphone and camera are as they are to be when a call begins.
    pub(crate) fn begin_as_wanted(&mut self, now: Time) {
        self.limit_camera();
        let (microphone, camera) = (self.microphone_at_first(), self.camera_at_first());
        self.want(Output::Media(MediaCommand::Microphone(microphone)));
        self.want(Output::Media(MediaCommand::Camera(camera)));
        self.feed(now, conclave_call::Input::Microphone(microphone));
        self.feed(now, conclave_call::Input::Camera(camera));
    }

    fn not_joined(&mut self, now: Time, number: VmrNumber, why: NotJoined) {
        let said = |trouble| Some(Fault::Said(trouble));
        let on_number_pad =
            |trouble| Pad::Number { typed: number.as_str().to_owned(), fault: said(trouble) };
        self.pad = match why {
            NotJoined::Refused(refusal) => match refusal {
                JoinRefusal::PinNeeded => Pad::pin(number, None),
                JoinRefusal::WrongPin { tries_left } => {
                    Pad::pin(number, said(Trouble::WrongPin { tries_left }))
                }
                JoinRefusal::Wait { seconds } => {
                    let end = now + Duration::from_secs(u64::from(seconds));
                    Pad::pin(number, Some(Fault::WaitUntil(end)))
                }
                JoinRefusal::TooManyNumbers { seconds } => {
                    let end = now + Duration::from_secs(u64::from(seconds));
                    let typed = number.as_str().to_owned();
                    Pad::Number { typed, fault: Some(Fault::WaitUntil(end)) }
                }
                JoinRefusal::NotFound => on_number_pad(Trouble::NotFound),
                JoinRefusal::Full { capacity } => on_number_pad(Trouble::Full { capacity }),
                JoinRefusal::Busy => on_number_pad(Trouble::Busy),
                JoinRefusal::LobbyFull => on_number_pad(Trouble::LobbyFull),
                JoinRefusal::LobbyUnsupported => on_number_pad(Trouble::LobbyUnsupported),
                JoinRefusal::Other => on_number_pad(Trouble::Other),
            },
            NotJoined::NoLink => on_number_pad(Trouble::NoLink),
            NotJoined::Confused => on_number_pad(Trouble::Other),
        };
    }

    fn tap(&mut self, now: Time, tap: Tap) {
        self.of_use_at = now;
        if self.reset_tap(now, &tap) || self.stick_tap(&tap) {
            return;
        }
        let in_call = self.is_up();
        let free = matches!(self.call.state(), State::Idle | State::Joining { .. });
        match tap {
            Tap::Language(tap) => {
                self.settings.language = tap.language;
                self.want(Output::Save(self.settings));
            }
            Tap::Dismiss => {
                let next = std::mem::take(&mut self.update_failed);
                self.notice = next.then_some(Notice::UpdateFailed);
            }
            Tap::JoinWithNumber if free && self.dials_numbers() => {
                self.pad = Pad::Number { typed: String::new(), fault: None };
            }
            Tap::Choose { number } if free => self.head_for(now, number),
            Tap::Digit { digit } => self.pad.type_digit(now, digit),
            Tap::Delete => self.pad.delete(),
            Tap::Join if free => match &self.pad {
                Pad::Closed => {}
                Pad::Number { .. } => {
                    if let Some(number) = self.pad.number() {
                        if self.dials(&number) {
                            self.head_for(now, number);
                        } else {
                            self.not_joined(now, number, NotJoined::Refused(JoinRefusal::NotFound));
                        }
                    }
                }
                Pad::Pin { number, .. } => {
                    if let Some(pin) = self.pad.ready_pin(now) {
                        let number = number.clone();
                        self.dial(now, number, Some(pin));
                    }
                }
            },
            Tap::Back => {
                self.pad = Pad::Closed;
                if matches!(self.call.state(), State::Joining { .. }) {
                    self.feed(now, conclave_call::Input::HangUp);
                }
            }
            Tap::Microphone if in_call => self.toggle_microphone(now),
            Tap::Camera if in_call => {
                let switch = self.call.camera().flipped();
                if self.may_switch(Kept::Camera, switch) {
                    self.set_camera(now, switch);
                }
            }
            Tap::Volume { louder } => {
                let volume = self.settings.volume;
                self.settings.volume = if louder {
                    (volume + VOLUME_STEP).min(100)
                } else {
                    volume.saturating_sub(VOLUME_STEP)
                };
                self.want(Output::Media(MediaCommand::Volume(self.settings.volume)));
                self.want(Output::Save(self.settings));
            }
            Tap::Layout => {
                self.settings.layout = match self.settings.layout {
                    Layout::Grid => Layout::Speaker,
                    Layout::Speaker => Layout::Grid,
                };
                self.want(Output::Media(MediaCommand::Layout(self.settings.layout)));
                self.want(Output::Save(self.settings));
            }
            Tap::People => self.people_open = in_call && !self.people_open,
            Tap::Leave => self.hang_up(now),
            Tap::LetIn { participant } => self.let_in(now, vec![participant]),
            Tap::TurnAway { participant } => self.turn_away(now, participant),
            Tap::LetAllIn => self.let_all_in(now),
            // A tap that crossed a change of screen on its way; and any tap wakes the panel.
            Tap::JoinWithNumber
            | Tap::Choose { .. }
            | Tap::Join
            | Tap::Microphone
            | Tap::Camera
            | Tap::Wake
            | Tap::Reset
            | Tap::Erase
            | Tap::Restart
            | Tap::Install
            | Tap::Picture(_)
            | Tap::NoPicture { .. } => {}
        }
    }

    pub(crate) fn toggle_microphone(&mut self, now: Time) {
        let switch = self.call.microphone().flipped();
        if self.may_switch(Kept::Microphone, switch) {
            self.set_microphone(now, switch);
        }
    }

    pub(crate) fn set_microphone(&mut self, now: Time, switch: Switch) {
        self.want(Output::Media(MediaCommand::Microphone(switch)));
        self.feed(now, conclave_call::Input::Microphone(switch));
    }

    pub(crate) fn set_camera(&mut self, now: Time, switch: Switch) {
        self.want(Output::Media(MediaCommand::Camera(switch)));
        self.feed(now, conclave_call::Input::Camera(switch));
    }

    pub(crate) fn hang_up(&mut self, now: Time) {
        self.pad = Pad::Closed;
        self.people_open = false;
        self.feed(now, conclave_call::Input::HangUp);
    }

    /// On the way to a meeting room: by way of its PIN pad, when the directory says it has a PIN.
    fn head_for(&mut self, now: Time, number: VmrNumber) {
        let pin = self.directory.iter().any(|entry| entry.number == number && entry.pin);
        if pin {
            self.pad = Pad::pin(number, None);
        } else {
            self.dial(now, number, None);
        }
    }

    fn dial(&mut self, now: Time, number: VmrNumber, pin: Option<conclave_types::Pin>) {
        self.notice = None;
        self.feed(now, conclave_call::Input::Dial { number, pin });
    }

    fn link_up(&mut self, now: Time, greeting: Greeting, cloud: Redacted<IpAddr>) {
        if self.reset.is_under_way() {
            self.reset_link_up(now, &greeting);
            return;
        }
        match greeting {
            Greeting::Welcome(welcome) => {
                self.link = LinkState::Up;
                self.retry_at = None;
                self.clear_notice(Notice::WrongCloud);
                self.clear_notice(Notice::Revoked);
                self.clear_notice(Notice::NotRecognised);
                self.directory = welcome.directory;
                self.agenda = Agenda::default();
                self.identified(welcome.room);
                for (part, detail) in self.faults.clone() {
                    let part = part.to_owned();
                    self.want(Output::Tell(RoomEvent::Health { part, working: false, detail }));
                }
                self.told = None;
                self.condition.link_up();
                self.delivery = None;
                let resumed = welcome.calls;
                let waiting = welcome.waiting;
                self.feed(now, conclave_call::Input::LinkUp { cloud, resumed, waiting });
            }
            Greeting::Newcomer { code, expires_in_s } => {
                self.link = LinkState::Up;
                self.retry_at = None;
                self.clear_notice(Notice::WrongCloud);
                self.new_code(now, code, expires_in_s);
            }
            Greeting::Refused { reason, retry_after_s } => {
                self.link = LinkState::Lost { retry_in_s: retry_after_s };
                self.retry_at = Some(now + Duration::from_secs(u64::from(retry_after_s)));
                match reason {
                    Refusal::Revoked => self.forget(now, Notice::Revoked),
                    Refusal::Expired | Refusal::ForeignCertificate => {
                        self.forget(now, Notice::NotRecognised);
                    }
                    Refusal::Version | Refusal::Busy | Refusal::Other => {}
                }
            }
        }
    }

    fn identified(&mut self, identity: RoomIdentity) {
        if self.enrolment != Enrolment::Enrolled(identity.clone()) {
            self.reset_needs_code();
            self.enrolment = Enrolment::Enrolled(identity.clone());
            self.want(Output::Remember(identity));
        }
    }

    fn new_code(&mut self, now: Time, code: ActivationCode, expires_in_s: u32) {
        let until = now + Duration::from_secs(u64::from(expires_in_s));
        self.enrolment =
            Enrolment::Newcomer { code: Some(code), until: Some(until), total: expires_in_s };
    }

    fn forget(&mut self, now: Time, notice: Notice) {
        self.feed(now, conclave_call::Input::HangUp);
        self.pad = Pad::Closed;
        self.reset = Reset::None;
        self.directory.clear();
        self.agenda = Agenda::default();
        self.enrolment = Enrolment::Newcomer { code: None, until: None, total: 0 };
        self.notice = Some(notice);
        self.want(Output::Forget);
        self.nothing_wanted(now);
    }

    fn link_down(&mut self, now: Time, trouble: LinkTrouble, retry_in: Duration) {
        self.link = match self.link {
            // Until the first connection there is nothing to have lost.
            LinkState::Connecting if retry_in < Duration::from_secs(2) => LinkState::Connecting,
            _ => LinkState::Lost { retry_in_s: 0 },
        };
        self.retry_at = Some(now + retry_in);
        self.renewal = None;
        self.delivery = None;
        self.look_ends();
        if let Enrolment::Newcomer { code, until, .. } = &mut self.enrolment {
            // The cloud gives a new code with the next connection; this one is as good as gone.
            *code = None;
            *until = None;
        }
        match trouble {
            LinkTrouble::WrongCloud => self.notice = Some(Notice::WrongCloud),
            LinkTrouble::Unreachable => self.clear_notice(Notice::WrongCloud),
        }
        self.feed(now, conclave_call::Input::LinkDown);
    }

    fn answered(&mut self, now: Time, ask: AskId, answer: Option<Response>) {
        if ask.0 < OWN_ASKS {
            self.feed(now, conclave_call::Input::Answered { ask, answer });
        } else if self.reset_answered(now, ask, answer.as_ref())
            || self.delivery_answered(now, ask, answer.as_ref())
        {
        } else if self.renewal == Some(ask) {
            self.renewal = None;
            if let Some(Response::Certificate(chain)) = answer {
                self.want(Output::Renew(chain));
            }
        }
    }

    fn cloud(&mut self, now: Time, event: CloudEvent) {
        match event {
            CloudEvent::Reset { number } => self.reset_ordered(now, number),
            // Who the room was, and what it may do, does not matter any more.
            _ if self.reset.is_under_way() => {}
            CloudEvent::Activated { room, certificate } => {
                self.clear_notice(Notice::Revoked);
                self.clear_notice(Notice::NotRecognised);
                self.reset_needs_code();
                self.enrolment = Enrolment::Enrolled(room.clone());
                self.want(Output::Enrol { room, certificate });
            }
            CloudEvent::NewCode { code, expires_in_s } => self.new_code(now, code, expires_in_s),
            CloudEvent::Room(identity) => self.identified(identity),
            CloudEvent::Directory(entries) => self.directory = entries,
            CloudEvent::Agenda(entries) => self.agenda.meetings_are(entries),
            CloudEvent::Calendar(entries) => self.agenda.calendar_is(entries),
            CloudEvent::Order(order) => self.ordered(now, order),
            CloudEvent::Settings(wanted) => self.settings_came(now, wanted),
            CloudEvent::Roster { call, roster } => {
                self.feed(now, conclave_call::Input::Roster { call, roster });
            }
            CloudEvent::Admitted(joined) => {
                self.feed(now, conclave_call::Input::Admitted(joined));
            }
            CloudEvent::NotAdmitted { call, reason } => {
                self.feed(now, conclave_call::Input::NotAdmitted { call, reason });
            }
            CloudEvent::Lobby { call, waiting } => self.lobby_is(now, call, waiting),
            CloudEvent::Speaking { call, participant } => {
                self.feed(now, conclave_call::Input::Speaking { call, participant });
            }
            CloudEvent::CallEnded { call, reason } => {
                self.feed(now, conclave_call::Input::Ended { call, reason });
            }
            // The update's machine stands beside this one.
            CloudEvent::Offer(_) | CloudEvent::NoOffer => {}
        }
    }

    fn media(&mut self, now: Time, event: MediaEvent) {
        match event {
            MediaEvent::Part { part, working, detail } => {
                let health = if working { Health::Working } else { Health::Missing };
                let (name, notice) = match part {
                    MediaPart::Camera => {
                        self.camera = health;
                        ("camera", Some(Notice::CameraLost))
                    }
                    MediaPart::Microphone => {
                        self.microphone = health;
                        ("microphone", Some(Notice::MicrophoneLost))
                    }
                    MediaPart::Loudspeaker => ("loudspeaker", None),
                    MediaPart::Display => ("display", None),
                    MediaPart::Encoder => ("encoder", None),
                };
                match notice {
                    Some(notice) if working => self.clear_notice(notice),
                    Some(notice) => {
                        self.update_failed |= self.notice == Some(Notice::UpdateFailed);
                        self.notice = Some(notice);
                    }
                    None => {}
                }
                self.condition.part(part, working);
                self.part_changed(name, working, detail);
            }
            MediaEvent::FirstPicture { .. } => {}
            MediaEvent::Flowing { call, flowing } => {
                self.feed(now, conclave_call::Input::Flowing { call, flowing });
            }
            MediaEvent::CallFailed { call, .. } => {
                self.feed(now, conclave_call::Input::MediaFailed { call });
            }
        }
    }

    /// A part of the room works or does not: the cloud is told, now and with each new link.
    pub(crate) fn part_changed(&mut self, name: &'static str, working: bool, detail: String) {
        if working {
            self.faults.remove(name);
        } else {
            self.faults.insert(name, detail.clone());
        }
        if self.link == LinkState::Up && self.name().is_some() {
            let part = name.to_owned();
            self.want(Output::Tell(RoomEvent::Health { part, working, detail }));
        }
    }

    /// Which parts do not work.
    pub(crate) fn faults(&self) -> Vec<&'static str> {
        self.faults.keys().copied().collect()
    }

    /// Where its call stands, without names and numbers.
    pub(crate) fn call_in_words(&self) -> String {
        match self.call.state() {
            State::Idle => "idle".to_owned(),
            State::Joining { .. } => "joining".to_owned(),
            State::Waiting(waiting) => format!("in a lobby, {}", waiting.call),
            State::Up(up) => format!("up, {}, {:?}", up.call, up.health),
        }
    }

    pub(crate) fn clear_notice(&mut self, notice: Notice) {
        if self.notice == Some(notice) {
            self.notice = None;
        }
    }

    /// Tells panel and display what has changed, and when they want to be told again.
    fn show(&mut self, now: Time) {
        let display = self.idle_display();
        if self.shown.display.as_ref() != Some(&display) {
            self.shown.display = Some(display.clone());
            self.want(Output::Media(MediaCommand::Display(display)));
        }
        if let State::Up(up) = self.call.state() {
            let speaking = up.speaking;
            let participants = self.remote_participants();
            if self.shown.participants != participants {
                self.shown.participants = participants.clone();
                self.want(Output::Media(MediaCommand::Participants(participants)));
            }
            if self.shown.speaking != speaking {
                self.shown.speaking = speaking;
                self.want(Output::Media(MediaCommand::Speaking(speaking)));
            }
        }
        let banner = self.banner();
        if self.shown.banner != banner {
            self.shown.banner = banner;
            self.want(Output::Media(MediaCommand::Banner(banner)));
        }
        let light = self.light();
        if self.shown.light != Some(light) {
            self.shown.light = Some(light);
            self.want(Output::Light(light));
        }
        if self.link == LinkState::Up && self.name().is_some() && !self.reset.is_under_way() {
            self.tell_settings();
            self.tell_condition(now);
        } else {
            self.condition.nobody_listens();
        }
        let panel = self.panel(now);
        if self.shown.panel.as_ref() != Some(&panel) {
            self.shown.panel = Some(panel.clone());
            self.want(Output::Panel(Box::new(panel)));
        }
        let counting = self.is_up()
            || matches!(self.enrolment, Enrolment::Newcomer { until: Some(_), .. })
            || self.pad.waiting_until(now).is_some()
            || self.reset.counts()
            || self.retry_at.is_some_and(|at| at > now);
        self.redraw_at = counting.then(|| now + REDRAW);
    }
}

#[cfg(test)]
#[path = "tests.rs"]
pub(crate) mod tests;

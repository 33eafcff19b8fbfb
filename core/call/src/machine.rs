//! The machine itself.

use crate::{AskId, Health, Input, NotJoined, Output, Over, PROFILES, State, Up, Waiting};
use conclave_messages::{
    AwayReason, EndReason, HeldCall, InLobby, Join, JoinRefusal, Joined, Response, ResumedCall,
    RoomRequest, Roster,
};
use conclave_types::{CallId, Pin, Redacted, Switch, Time, VmrNumber};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A call without link *and* without packets is given up after this long. Shorter drops calls that
/// a cloud restart of a minute would have brought back; longer leaves people before a still picture.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);
/// The first wait before joining again; it doubles with each attempt. Shorter would meet a cloud
/// that is still starting.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Attempts to join again: 1 + 2 + 4 + 8 + 16 seconds, then the call is over.
const MOST_RETRIES: u32 = 5;

/// One room's call, or none.
#[derive(Debug)]
pub struct Call {
    state: State,
    /// What was dialled; kept while the call lasts, so that it can be joined again.
    dialled: Option<(VmrNumber, Option<Pin>)>,
    microphone: Switch,
    camera: Switch,
    /// The cloud's address while the link is up.
    link: Option<Redacted<IpAddr>>,
    /// The join that is under way.
    pending: Option<AskId>,
    /// Microphone and camera as that join told them.
    joined_with: (Switch, Switch),
    next_ask: u64,
    flowing: bool,
    /// Since when neither link nor packets are there; of whoever waits, the link alone.
    cut_off: Option<Time>,
    retries: u32,
    retry_at: Option<Time>,
    held: Vec<HeldCall>,
    outputs: VecDeque<Output>,
}

impl Call {
    /// No call, no link; microphone and camera as the room has them.
    pub fn new(microphone: Switch, camera: Switch) -> Call {
        Call {
            state: State::Idle,
            dialled: None,
            microphone,
            camera,
            link: None,
            pending: None,
            joined_with: (microphone, camera),
            next_ask: 0,
            flowing: false,
            cut_off: None,
            retries: 0,
            retry_at: None,
            held: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    /// How things are.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The microphone as it is set, in a call or not.
    pub fn microphone(&self) -> Switch {
        self.microphone
    }

    /// The camera as it is set, in a call or not.
    pub fn camera(&self) -> Switch {
        self.camera
    }

    /// What is wanted next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is wanted.
    pub fn deadline(&self) -> Option<Time> {
        let give_up = self.cut_off.map(|since| since + GIVE_UP_AFTER);
        [self.retry_at, give_up].into_iter().flatten().min()
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::Dial { number, pin } => self.dial(number, pin),
            Input::HangUp => self.hang_up(),
            Input::Microphone(switch) => {
                self.microphone = switch;
                self.tell_switches();
            }
            Input::Camera(switch) => {
                self.camera = switch;
                self.tell_switches();
            }
            Input::Answered { ask, answer } => self.answered(now, ask, answer),
            Input::LinkUp { cloud, resumed, waiting } => {
                self.link_up(now, cloud, resumed, &waiting);
            }
            Input::Admitted(joined) => self.admitted(now, *joined),
            Input::NotAdmitted { call, reason } => self.not_admitted(call, reason),
            Input::Lobby { call, waiting } => {
                if let Some(up) = self.up_in(call)
                    && up.lobby != waiting
                {
                    up.lobby = waiting;
                    self.outputs.push_back(Output::Changed);
                }
            }
            Input::LetIn(participants) => {
                self.ask_about_lobby(|call| RoomRequest::LetIn { call, participants });
            }
            Input::TurnAway(participants) => {
                self.ask_about_lobby(|call| RoomRequest::TurnAway { call, participants });
            }
            Input::LinkDown => self.link_down(now),
            Input::Roster { call, roster } => self.roster(call, roster),
            Input::Speaking { call, participant } => {
                if let Some(up) = self.up_in(call)
                    && up.speaking != participant
                {
                    up.speaking = participant;
                    self.outputs.push_back(Output::Changed);
                }
            }
            Input::Ended { call, reason } => {
                if self.up_in(call).is_some() {
                    match reason {
                        EndReason::Ended | EndReason::Removed => self.over(Over::Ended),
                        EndReason::MediaLost | EndReason::Unknown | EndReason::Other => {
                            self.rejoin(now);
                        }
                    }
                }
            }
            Input::Flowing { call, flowing } => {
                if self.up_in(call).is_some() {
                    self.flowing = flowing;
                    self.note_cut_off(now);
                }
            }
            Input::MediaFailed { call } => {
                if self.up_in(call).is_some() {
                    self.leave(call);
                    self.over(Over::Media);
                }
            }
            Input::Tick => self.tick(now),
        }
        self.note_held();
    }

    fn up_in(&mut self, call: CallId) -> Option<&mut Up> {
        match &mut self.state {
            State::Up(up) if up.call == call => Some(up),
            _ => None,
        }
    }

    fn ask(&mut self, request: RoomRequest) -> AskId {
        let ask = AskId(self.next_ask);
        self.next_ask += 1;
        self.outputs.push_back(Output::Ask { ask, request });
        ask
    }

    fn ask_to_join(&mut self) {
        if let Some((number, pin)) = self.dialled.clone() {
            let join = Join {
                number,
                pin,
                profiles: PROFILES.to_vec(),
                microphone: self.microphone,
                camera: self.camera,
                lobby: true,
            };
            self.joined_with = (self.microphone, self.camera);
            self.pending = Some(self.ask(RoomRequest::Join(join)));
        }
    }

    fn leave(&mut self, call: CallId) {
        // Without a link the next hello says it: it no longer lists the call.
        if self.link.is_some() {
            self.ask(RoomRequest::Leave { call });
        }
    }

    fn dial(&mut self, number: VmrNumber, pin: Option<Pin>) {
        if self.state != State::Idle {
            return;
        }
        if self.link.is_none() {
            self.outputs.push_back(Output::NotJoined { number, why: NotJoined::NoLink });
            return;
        }
        self.state = State::Joining { number: number.clone() };
        self.dialled = Some((number, pin));
        self.ask_to_join();
        self.outputs.push_back(Output::Changed);
    }

    fn hang_up(&mut self) {
        match &self.state {
            State::Idle => return,
            State::Joining { .. } => {}
            State::Waiting(waiting) => {
                let call = waiting.call;
                self.leave(call);
            }
            State::Up(up) => {
                let call = up.call;
                self.leave(call);
                self.outputs.push_back(Output::StopMedia);
            }
        }
        self.clear();
    }

    fn over(&mut self, why: Over) {
        if let State::Up(_) = self.state {
            self.outputs.push_back(Output::StopMedia);
        }
        self.clear();
        self.outputs.push_back(Output::Over(why));
    }

    fn clear(&mut self) {
        self.state = State::Idle;
        self.dialled = None;
        self.pending = None;
        self.flowing = false;
        self.cut_off = None;
        self.retries = 0;
        self.retry_at = None;
        self.outputs.push_back(Output::Changed);
    }

    fn answered(&mut self, now: Time, ask: AskId, answer: Option<Response>) {
        if self.pending != Some(ask) {
            match answer {
                // The person did not wait: whatever was opened for them is closed again.
                Some(Response::Joined(joined)) => self.leave(joined.call),
                Some(Response::InLobby(lobby)) => self.leave(lobby.call),
                Some(Response::NotLetIn(why)) => self.outputs.push_back(Output::NotLetIn(why)),
                _ => {}
            }
            return;
        }
        self.pending = None;
        match answer {
            Some(Response::Joined(joined)) => self.joined(now, *joined),
            Some(Response::InLobby(lobby)) => self.in_lobby(now, *lobby),
            Some(Response::NotJoined(refusal)) => self.not_joined(now, NotJoined::Refused(refusal)),
            None => self.not_joined(now, NotJoined::NoLink),
            Some(_) => self.not_joined(now, NotJoined::Confused),
        }
    }

    fn joined(&mut self, now: Time, joined: Joined) {
        let Some(cloud) = self.link else {
            // The link went while the answer was on its way up: the next hello will not list it.
            return self.not_joined(now, NotJoined::NoLink);
        };
        let Some((number, _)) = self.dialled.clone() else { return };
        let since = match &self.state {
            State::Up(up) => {
                self.outputs.push_back(Output::StopMedia);
                up.since
            }
            _ => now,
        };
        let node = SocketAddr::new(joined.leg.address.unwrap_or(cloud.0), joined.leg.port);
        self.outputs.push_back(Output::StartMedia {
            call: joined.call,
            leg: Box::new(joined.leg),
            node: Redacted(node),
        });
        self.state = State::Up(Up {
            number,
            name: joined.name,
            call: joined.call,
            me: joined.participant,
            roster: joined.roster,
            speaking: None,
            lobby: Vec::new(),
            since,
            health: Health::Good,
        });
        self.flowing = true;
        self.retries = 0;
        self.retry_at = None;
        if self.joined_with != (self.microphone, self.camera) {
            // Switched while the answer was on its way.
            self.tell_switches();
        }
        self.outputs.push_back(Output::Changed);
    }

    fn not_joined(&mut self, now: Time, why: NotJoined) {
        match &self.state {
            State::Idle => {}
            State::Joining { number } => {
                let number = number.clone();
                self.clear();
                self.outputs.push_back(Output::NotJoined { number, why });
            }
            State::Up(_) | State::Waiting(_) => {
                // Joining again. What time cannot mend ends the call.
                let hopeless = matches!(
                    why,
                    NotJoined::Refused(
                        JoinRefusal::NotFound
                            | JoinRefusal::PinNeeded
                            | JoinRefusal::WrongPin { .. }
                            | JoinRefusal::Wait { .. }
                    )
                );
                if hopeless || self.retries >= MOST_RETRIES {
                    self.over(Over::Lost);
                } else if self.link.is_some() {
                    self.retry_at = Some(now + FIRST_RETRY * 2_u32.pow(self.retries));
                    self.retries += 1;
                }
            }
        }
    }

    fn rejoin(&mut self, now: Time) {
        match &mut self.state {
            State::Up(up) => {
                up.health = Health::Rejoining;
                up.speaking = None;
                up.lobby.clear();
            }
            State::Waiting(waiting) => waiting.health = Health::Rejoining,
            State::Idle | State::Joining { .. } => return,
        }
        self.outputs.push_back(Output::Changed);
        if self.link.is_some() && self.pending.is_none() && self.retry_at.is_none() {
            self.ask_to_join();
        }
        self.note_cut_off(now);
    }

    /// The room is in a lobby, for the first time or anew.
    fn in_lobby(&mut self, now: Time, lobby: InLobby) {
        let Some((number, _)) = self.dialled.clone() else { return };
        if self.link.is_none() {
            // The next hello will not list it.
            return self.not_joined(now, NotJoined::NoLink);
        }
        if let State::Up(_) = self.state {
            // It was in, and has to be let in again.
            self.outputs.push_back(Output::StopMedia);
        }
        let InLobby { call, name } = lobby;
        self.state = State::Waiting(Waiting { number, name, call, health: Health::Good });
        self.flowing = false;
        self.retries = 0;
        self.retry_at = None;
        self.note_cut_off(now);
        self.outputs.push_back(Output::Changed);
    }

    fn admitted(&mut self, now: Time, joined: Joined) {
        match &self.state {
            State::Waiting(waiting) if waiting.call == joined.call => self.joined(now, joined),
            // It is in by this call already.
            State::Up(up) if up.call == joined.call => {}
            // The person did not wait.
            _ => self.leave(joined.call),
        }
    }

    fn not_admitted(&mut self, call: CallId, reason: AwayReason) {
        if !matches!(&self.state, State::Waiting(waiting) if waiting.call == call) {
            return;
        }
        self.clear();
        self.outputs.push_back(Output::NotAdmitted(reason));
    }

    fn ask_about_lobby(&mut self, request: impl FnOnce(CallId) -> RoomRequest) {
        if let State::Up(up) = &self.state
            && self.link.is_some()
        {
            let request = request(up.call);
            self.ask(request);
        }
    }

    fn link_up(
        &mut self,
        now: Time,
        cloud: Redacted<IpAddr>,
        resumed: Vec<ResumedCall>,
        still: &[CallId],
    ) {
        self.link = Some(cloud);
        if let State::Waiting(waiting) = &mut self.state {
            if still.contains(&waiting.call) && waiting.health != Health::Rejoining {
                waiting.health = Health::Good;
                self.outputs.push_back(Output::Changed);
                self.note_cut_off(now);
            } else {
                // Forgotten, or let in by a word that was lost with the link: keys and all.
                self.retries = 0;
                self.retry_at = None;
                self.rejoin(now);
            }
            return;
        }
        let State::Up(up) = &mut self.state else { return };
        let call = up.call;
        let again = resumed.into_iter().find(|resumed| resumed.call == call);
        match again {
            Some(resumed) if up.health != Health::Rejoining => {
                up.health = Health::Good;
                self.outputs.push_back(Output::Changed);
                self.roster(call, resumed.roster);
                self.note_cut_off(now);
            }
            _ => {
                self.retries = 0;
                self.retry_at = None;
                self.rejoin(now);
            }
        }
    }

    fn link_down(&mut self, now: Time) {
        self.link = None;
        self.retry_at = None;
        // An answer to a join that is under way can no longer come.
        if self.pending.take().is_some() && matches!(self.state, State::Joining { .. }) {
            self.not_joined(now, NotJoined::NoLink);
        }
        let health = match &mut self.state {
            State::Up(up) => {
                up.lobby.clear();
                &mut up.health
            }
            State::Waiting(waiting) => &mut waiting.health,
            State::Idle | State::Joining { .. } => return,
        };
        if *health == Health::Good {
            *health = Health::LinkLost;
        }
        self.outputs.push_back(Output::Changed);
        self.note_cut_off(now);
    }

    fn note_cut_off(&mut self, now: Time) {
        let held = matches!(self.state, State::Up(_) | State::Waiting(_));
        let cut_off = held && self.link.is_none() && !self.flowing;
        self.cut_off = match (cut_off, self.cut_off) {
            (true, None) => Some(now),
            (true, since) => since,
            (false, _) => None,
        };
    }

    fn roster(&mut self, call: CallId, roster: Roster) {
        if let Some(up) = self.up_in(call)
            && roster.revision > up.roster.revision
        {
            if let Some(speaking) = up.speaking
                && !roster.participants.iter().any(|p| p.participant == speaking)
            {
                up.speaking = None;
            }
            up.roster = roster;
            self.outputs.push_back(Output::Changed);
        }
    }

    fn tell_switches(&mut self) {
        let (microphone, camera) = (self.microphone, self.camera);
        if let State::Up(up) = &self.state
            && self.link.is_some()
        {
            let call = up.call;
            self.ask(RoomRequest::SetMedia { call, microphone, camera });
        }
        self.outputs.push_back(Output::Changed);
    }

    fn tick(&mut self, now: Time) {
        if self.cut_off.is_some_and(|since| now >= since + GIVE_UP_AFTER) {
            self.over(Over::Lost);
        } else if self.retry_at.is_some_and(|at| now >= at) {
            self.retry_at = None;
            self.ask_to_join();
        }
    }

    fn note_held(&mut self) {
        let held = match &self.state {
            State::Up(up) => vec![HeldCall {
                call: up.call,
                revision: up.roster.revision,
                microphone: self.microphone,
                camera: self.camera,
            }],
            State::Waiting(waiting) => vec![HeldCall {
                call: waiting.call,
                revision: 0,
                microphone: self.microphone,
                camera: self.camera,
            }],
            _ => Vec::new(),
        };
        if held != self.held {
            self.held = held.clone();
            self.outputs.push_back(Output::Hold(held));
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

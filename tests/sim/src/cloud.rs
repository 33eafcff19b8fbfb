//! The cloud in the simulation: the switchboard, with each connection's session before it.

use crate::world::{ConnId, Event, Net};
use conclave_cloud::control::{ControlAnswer, ControlRequest};
use conclave_cloud::switchboard::{
    Caller, Certifier, ControlId, Input, LinkId, MediaEvent, Output, Parts, Peer, PinOutcome,
    RequestId, Sealer, SignError, SignedCertificate, Switchboard,
};
use conclave_directory::{PinHash, SqliteDirectory};
use conclave_link_protocol::message::{CertificateChain, Piece, Response};
use conclave_link_protocol::session::{CloudInput, CloudSession, Output as SessionOutput};
use conclave_types::{
    LegId, MediaLeg, MeetingId, OrganisationId, ParticipantId, RoomId, Secret, SrtpKey,
    SrtpProfile, Ssrc, Time, UnixMillis, UnixTime,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Seconds since 1970 at the simulation's start.
const EPOCH: UnixTime = UnixTime(1_800_000_000);

/// The simulation's certificates say whom they are for and are believed.
struct Stamp;

impl Certifier for Stamp {
    fn sign(
        &mut self,
        room: RoomId,
        _: &[u8],
        now: UnixTime,
    ) -> Result<SignedCertificate, SignError> {
        let chain = CertificateChain(vec![room.to_string()]);
        Ok(SignedCertificate { chain, expires: now.after(Duration::from_secs(90 * 86_400)) })
    }
}

/// No room has a calendar here.
impl Sealer for Stamp {
    fn seal(&self, _: &str, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn open(&self, _: &str, _: &[u8]) -> Option<Secret<Vec<u8>>> {
        None
    }
}

/// One run of the cloud, from start to kill.
pub(crate) struct Cloud {
    board: Switchboard,
    sessions: BTreeMap<ConnId, (CloudSession, Peer)>,
    legs: BTreeMap<LegId, (MeetingId, ParticipantId)>,
    next: u64,
    answers: Vec<ControlAnswer>,
}

impl Cloud {
    /// Starts on the database that the last run left.
    pub(crate) fn start(database: &Path, now: Time, run: u64) -> Cloud {
        let mut drawn = u128::from(run) << 64;
        let parts = Parts {
            directory: Box::new(SqliteDirectory::open(database).expect("the database opens")),
            certifier: Box::new(Stamp),
            random: Box::new(move || {
                drawn += 1;
                // Spread over all bits: codes take the low ones.
                drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
            }),
            keep_records: Duration::from_secs(365 * 86_400),
            keep_audit: Duration::from_secs(365 * 86_400),
            sealer: Box::new(Stamp),
            mail: false,
        };
        let board = Switchboard::new(parts, wall(now)).expect("the records can be closed");
        Cloud {
            board,
            sessions: BTreeMap::new(),
            legs: BTreeMap::new(),
            next: run << 32,
            answers: Vec::new(),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        let sessions = self.sessions.values().filter_map(|(session, _)| session.deadline());
        sessions.chain(self.board.deadline()).min()
    }

    pub(crate) fn accept(&mut self, now: Time, conn: ConnId, peer: Peer) {
        self.sessions.insert(conn, (CloudSession::new(now), peer));
    }

    pub(crate) fn received(&mut self, now: Time, net: &mut Net, conn: ConnId, bytes: &[u8]) {
        self.session(now, conn, CloudInput::Received(bytes));
        self.settle(now, net);
    }

    pub(crate) fn broken(&mut self, now: Time, net: &mut Net, conn: ConnId) {
        self.session(now, conn, CloudInput::Ended { detail: "cut".to_owned() });
        self.settle(now, net);
    }

    pub(crate) fn tick(&mut self, now: Time, net: &mut Net) {
        let due = |session: &CloudSession| session.deadline().is_some_and(|at| at <= now);
        let conns: Vec<ConnId> =
            self.sessions.iter().filter(|(_, (s, _))| due(s)).map(|(conn, _)| *conn).collect();
        for conn in conns {
            self.session(now, conn, CloudInput::Tick);
        }
        if self.board.deadline().is_some_and(|at| at <= now) {
            self.board.handle(now, wall(now), Input::Wake);
        }
        self.settle(now, net);
    }

    /// Packets of a leg come, or come no more. Legs that are closed are not heard of.
    pub(crate) fn packets(&mut self, now: Time, net: &mut Net, leg: LegId, flowing: bool) {
        if let Some((meeting, participant)) = self.legs.get(&leg).copied() {
            let event = if flowing {
                MediaEvent::Flowing { meeting, participant }
            } else {
                MediaEvent::Silent { meeting, participant }
            };
            self.board.handle(now, wall(now), Input::Media(event));
            self.settle(now, net);
        }
    }

    pub(crate) fn knows(&self, conn: ConnId) -> bool {
        self.sessions.contains_key(&conn)
    }

    pub(crate) fn has_leg(&self, leg: LegId) -> bool {
        self.legs.contains_key(&leg)
    }

    /// What an administrator asks.
    pub(crate) fn control(
        &mut self,
        now: Time,
        net: &mut Net,
        request: ControlRequest,
    ) -> ControlAnswer {
        self.next += 1;
        let id = ControlId(self.next);
        self.board.handle(
            now,
            wall(now),
            Input::Control { id, by: Caller::command_line(OrganisationId::FIRST), request },
        );
        self.settle(now, net);
        self.answers.pop().expect("an administrator is answered at once")
    }

    fn session(&mut self, now: Time, conn: ConnId, input: CloudInput<'_>) {
        if let Some((session, _)) = self.sessions.get_mut(&conn) {
            session.handle(now, input);
        }
    }

    /// Moves outputs about until nothing is left to do.
    fn settle(&mut self, now: Time, net: &mut Net) {
        loop {
            let mut moved = false;
            for conn in self.sessions.keys().copied().collect::<Vec<_>>() {
                while let Some(output) =
                    self.sessions.get_mut(&conn).and_then(|(session, _)| session.poll_output())
                {
                    moved = true;
                    self.session_wants(now, net, conn, output);
                }
            }
            while let Some(output) = self.board.poll_output() {
                moved = true;
                self.board_wants(now, net, output);
            }
            if !moved {
                break;
            }
        }
    }

    fn session_wants(
        &mut self,
        now: Time,
        net: &mut Net,
        conn: ConnId,
        output: SessionOutput<conclave_link_protocol::session::Room>,
    ) {
        let link = LinkId(conn.0);
        let input = match output {
            SessionOutput::Write(bytes) => return net.send_down(now, conn, bytes.expose()),
            SessionOutput::Opened(hello) => {
                let Some((_, peer)) = self.sessions.get(&conn) else { return };
                Input::Hello { link, peer: peer.clone(), hello }
            }
            SessionOutput::Request { id, request } => {
                Input::Request { link, id: RequestId(id.0), request }
            }
            SessionOutput::Event(event) => Input::Event { link, event },
            SessionOutput::Answered { .. } => return,
            SessionOutput::Closed(_) => {
                self.sessions.remove(&conn);
                net.close_down(now, conn);
                Input::Closed { link }
            }
        };
        self.board.handle(now, wall(now), input);
    }

    fn board_wants(&mut self, now: Time, net: &mut Net, output: Output) {
        match output {
            Output::Greet { link, greeting } => {
                self.session(now, ConnId(link.0), CloudInput::Greet(greeting));
            }
            Output::Respond { link, id, response } => {
                let id = conclave_link_protocol::RequestId(id.0);
                self.session(now, ConnId(link.0), CloudInput::Respond { id, response });
            }
            Output::TellTime { link, id } => {
                let id = conclave_link_protocol::RequestId(id.0);
                let response = Response::Time { unix_ms: UnixMillis(wall(now).0 * 1000) };
                self.session(now, ConnId(link.0), CloudInput::Respond { id, response });
            }
            Output::Send { link, event } => {
                self.session(now, ConnId(link.0), CloudInput::Event(event));
            }
            Output::Close { link, reason } => {
                let reason =
                    conclave_link_protocol::CloseReason::Here { reason: format!("{reason:?}") };
                self.session(now, ConnId(link.0), CloudInput::Close(reason));
            }
            Output::CheckPin { job, pin, hash } => {
                let right = net.pins.check(&hash, &pin);
                let outcome = if right { PinOutcome::Right } else { PinOutcome::Wrong };
                self.board.handle(now, wall(now), Input::PinChecked { job, outcome });
            }
            Output::HashPin { job, pin, salt } => {
                let hash = PinHash::new(&pin, salt.expose()).ok();
                self.board.handle(now, wall(now), Input::PinHashed { job, hash });
            }
            Output::OpenLeg { meeting, participant, .. } => {
                self.next += 1;
                let leg = LegId::from_random(u128::from(self.next));
                self.legs.insert(leg, (meeting, participant));
                let input = Input::LegOpened { participant, leg: Some(Box::new(self.leg(leg))) };
                self.board.handle(now, wall(now), input);
            }
            Output::CloseLeg { participant, .. } => {
                let gone = |(_, whose): &(MeetingId, ParticipantId)| *whose == participant;
                let legs: Vec<LegId> =
                    self.legs.iter().filter(|(_, leg)| gone(leg)).map(|(leg, _)| *leg).collect();
                for leg in legs {
                    self.legs.remove(&leg);
                    net.schedule(now + Duration::from_secs(2), Event::LegGone(leg));
                }
            }
            Output::ReadChunk { link, id, offset, length, .. } => {
                // Every bundle of the simulation is of the same octets.
                let piece = Some(Piece(vec![7; length as usize]));
                self.board.handle(now, wall(now), Input::ChunkRead { link, id, offset, piece });
            }
            Output::KeepParcel { room, what, number, octets } => {
                let size = u32::try_from(octets.0.len()).ok();
                let input = Input::ParcelKept { room, what, number, size };
                self.board.handle(now, wall(now), input);
            }
            Output::Note(_) | Output::ForgetBundle(_) => {}
            Output::AnswerParcel { .. } | Output::DropParcel { .. } => {}
            Output::Answer { answer, .. } => self.answers.push(answer),
            // Nobody has a browser here.
            Output::Mail(_)
            | Output::Deliver(_)
            | Output::ReadCalendar(_)
            | Output::AccountAnswer { .. }
            | Output::Changed { .. } => {}
        }
    }

    fn leg(&self, leg: LegId) -> MediaLeg {
        let key = || {
            SrtpKey::new(SrtpProfile::AeadAes128Gcm, vec![0; 28])
                .expect("28 octets are key and salt")
        };
        let source = u32::try_from(self.next & 0xffff_ffff).unwrap_or(0);
        MediaLeg {
            leg,
            address: None,
            port: 40_000,
            room_to_node: key(),
            node_to_room: key(),
            audio: Ssrc(source.wrapping_mul(2)),
            video: Ssrc(source.wrapping_mul(2) + 1),
        }
    }
}

fn wall(now: Time) -> UnixTime {
    EPOCH.after(now.since(Time::ZERO))
}

mod api_tokens;
mod appointments;
mod audit;
mod awaited;
mod calendars;
mod chaos;
mod condition;
mod disk;
mod entry;
mod guessing;
mod hidden;
mod limits;
mod lists;
mod lobby;
mod mail;
mod marks;
mod orders;
mod organisations;
mod parcels;
mod passkeys;
mod people;
mod removal;
mod resets;
mod second_factor;
mod settings;
mod updates;
mod webhooks;

use super::*;
use crate::control::{
    ControlAnswer, ControlRequest, NewVmr, Part, RefusalCode, RoomCounts, RoomState,
};
use conclave_directory::repository::{Records, Rooms, Vmrs};
use conclave_directory::{CODE_LIFETIME, LeftWhy, PinHash, Sight, SqliteDirectory};
use conclave_link_protocol::message::*;
use conclave_types::*;
use disk::{Disk, Space};
use std::sync::{Arc, Mutex};

const WALL: UnixTime = UnixTime(1_800_000_000);
/// How long records are kept.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// A certificate authority whose certificates say whom they are for.
struct Seal;

impl Certifier for Seal {
    fn sign(
        &mut self,
        room: RoomId,
        spki_der: &[u8],
        now: UnixTime,
    ) -> Result<SignedCertificate, SignError> {
        let chain = CertificateChain(vec![format!("{room} {}", spki_der.len()), "ca".into()]);
        Ok(SignedCertificate { chain, expires: now.after(Duration::from_secs(86_400)) })
    }
}

impl Sealer for Seal {
    fn seal(&self, whose: &str, secret: &[u8]) -> Option<Vec<u8>> {
        Some([whose.as_bytes(), b"|", secret].concat())
    }

    fn open(&self, whose: &str, sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
        let rest = sealed.strip_prefix(whose.as_bytes())?.strip_prefix(b"|")?;
        Some(Secret::new(rest.to_vec()))
    }
}

struct Cloud {
    board: Switchboard,
    disk: Disk,
    now: Time,
    /// In which organisation the administrator asks.
    whose: OrganisationId,
    links: u64,
    requests: u64,
    /// Jobs that are held back until the test lets them go.
    hold: Option<Vec<Output>>,
    /// What the log of calls was told.
    /// What consoles were told.
    shown: Vec<(OrganisationId, Vec<Topic>)>,
    notes: Vec<CallNote>,
}

impl Cloud {
    fn new() -> Cloud {
        let directory = SqliteDirectory::in_memory().unwrap();
        let space = Arc::new(Mutex::new(Space::Left));
        Cloud::on(Disk(Arc::new(Mutex::new(directory)), space))
    }

    fn on(disk: Disk) -> Cloud {
        let mut next = 0_u128;
        let parts = Parts {
            directory: Box::new(disk.clone()),
            certifier: Box::new(Seal),
            random: Box::new(move || {
                next += 1;
                next | (1 << 90)
            }),
            keep_records: KEPT,
            keep_audit: KEPT * 2,
            sealer: Box::new(Seal),
            mail: false,
        };
        let board = Switchboard::new(parts, WALL).unwrap();
        let now = Time::from_micros(1_000_000);
        let whose = OrganisationId::FIRST;
        Cloud {
            board,
            disk,
            now,
            whose,
            links: 0,
            requests: 0,
            hold: None,
            notes: vec![],
            shown: vec![],
        }
    }

    fn later(&mut self, seconds: u64) -> Vec<Output> {
        self.now = self.now + Duration::from_secs(seconds);
        self.give(Input::Wake)
    }

    fn wall(&self) -> UnixTime {
        WALL.after(Duration::from_micros(self.now.as_micros()))
    }

    /// Gives an input, does the jobs that come out, and returns everything else that comes out.
    fn give(&mut self, input: Input) -> Vec<Output> {
        let mut inputs = VecDeque::from([input]);
        let mut said = Vec::new();
        while let Some(input) = inputs.pop_front() {
            self.board.handle(self.now, self.wall(), input);
            while let Some(output) = self.board.poll_output() {
                match (self.hold.as_mut(), output) {
                    (_, Output::Note(note)) => self.notes.push(*note),
                    (_, Output::Changed { organisation, topics }) => {
                        self.shown.push((organisation, topics));
                    }
                    (
                        Some(held),
                        output @ (Output::CheckPin { .. }
                        | Output::HashPin { .. }
                        | Output::OpenLeg { .. }),
                    ) => held.push(output),
                    (None, output) => match done(output) {
                        Ok(input) => inputs.push_back(input),
                        Err(output) => said.push(output),
                    },
                    (Some(_), output) => said.push(output),
                }
            }
        }
        assert!(self.board.deadline().is_none_or(|at| at > self.now), "overdue");
        said
    }

    /// Lets the jobs go that were held back.
    fn release(&mut self) -> Vec<Output> {
        let jobs = self.hold.take().unwrap_or_default();
        let inputs: Vec<_> = jobs.into_iter().map(|job| done(job).unwrap()).collect();
        inputs.into_iter().flat_map(|input| self.give(input)).collect()
    }

    fn hello(&mut self, peer: Peer, calls: Vec<HeldCall>) -> (LinkId, Vec<Output>) {
        self.links += 1;
        let link = LinkId(self.links);
        let hello =
            Hello { versions: (1, 1), software: "test 1".into(), serial: "serial".into(), calls };
        (link, self.give(Input::Hello { link, peer, hello }))
    }

    fn ask(&mut self, link: LinkId, request: RoomRequest) -> (Option<Response>, Vec<Output>) {
        self.requests += 1;
        let mine = RequestId(self.requests);
        let mut outputs = self.give(Input::Request { link, id: mine, request });
        let at =
            outputs.iter().position(|o| matches!(o, Output::Respond { id, .. } if *id == mine));
        let response = at.map(|at| match outputs.remove(at) {
            Output::Respond { response, .. } => response,
            _ => unreachable!(),
        });
        (response, outputs)
    }

    fn join(&mut self, link: LinkId, number: &str, pin: Option<&str>) -> Response {
        let join = RoomRequest::Join(Join {
            number: number.parse().unwrap(),
            pin: pin.map(|pin| pin.parse().unwrap()),
            profiles: SrtpProfile::PREFERENCE.to_vec(),
            microphone: Switch::On,
            camera: Switch::On,
            lobby: true,
        });
        self.ask(link, join).0.unwrap()
    }

    fn joined(&mut self, link: LinkId, number: &str, pin: Option<&str>) -> Joined {
        match self.join(link, number, pin) {
            Response::Joined(joined) => *joined,
            other => panic!("{other:?}"),
        }
    }

    fn admin(&mut self, request: ControlRequest) -> (ControlAnswer, Vec<Output>) {
        let by = Caller::command_line(self.whose);
        let mut outputs = self.give(Input::Control { id: ControlId(1), by, request });
        let at = outputs.iter().position(|o| matches!(o, Output::Answer { .. })).unwrap();
        match outputs.remove(at) {
            Output::Answer { answer, .. } => (answer, outputs),
            _ => unreachable!(),
        }
    }

    fn refused(&mut self, request: ControlRequest) -> String {
        match self.admin(request).0 {
            ControlAnswer::Refused { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    fn vmr(&mut self, number: &str, pin: Option<&str>, capacity: u32) -> Vec<Output> {
        let (answer, outputs) = self.admin(ControlRequest::VmrCreate {
            new: NewVmr::plain(
                number.parse().unwrap(),
                format!("VMR {number}").parse().unwrap(),
                capacity,
            ),
            pin: pin.map(|pin| pin.parse().unwrap()),
        });
        assert!(matches!(answer, ControlAnswer::VmrCreated { .. }), "{answer:?}");
        outputs
    }

    /// A newcomer with this key shows its code.
    fn newcomer(&mut self, key: u8) -> (LinkId, ActivationCode) {
        let (link, outputs) = self.hello(Peer::Newcomer { spki_der: vec![key; 9] }, vec![]);
        match &outputs[..] {
            [Output::Greet { greeting: Greeting::Newcomer { code, .. }, .. }] => (link, *code),
            other => panic!("{other:?}"),
        }
    }

    fn claim(&mut self, code: ActivationCode, name: &str) -> (ControlAnswer, Vec<Output>) {
        self.admin(ControlRequest::RoomClaim { code, name: name.parse().unwrap() })
    }

    /// Enrols a device and links it as the room it is now.
    fn room(&mut self, key: u8, name: &str) -> (LinkId, RoomId) {
        let (newcomer, code) = self.newcomer(key);
        let (answer, outputs) = self.claim(code, name);
        let ControlAnswer::RoomClaimed { room } = answer else { panic!("{answer:?}") };
        assert!(matches!(
            &outputs[..],
            [
                Output::Send { event: CloudEvent::Activated { .. }, .. },
                Output::Close { reason: CloseReason::Activated, .. }
            ]
        ));
        self.give(Input::Closed { link: newcomer });
        (self.link(key, room.room, vec![]).0, room.room)
    }

    fn link(&mut self, key: u8, room: RoomId, calls: Vec<HeldCall>) -> (LinkId, Welcome) {
        let (link, outputs) = self.hello(enrolled(key, room), calls);
        match outputs.into_iter().next() {
            Some(Output::Greet { greeting: Greeting::Welcome(welcome), .. }) => (link, *welcome),
            other => panic!("{other:?}"),
        }
    }
}

fn enrolled(key: u8, room: RoomId) -> Peer {
    Peer::Enrolled { room, spki_der: vec![key; 9] }
}

/// Does a job; gives back what is none.
#[expect(clippy::result_large_err, reason = "nobody hands it on")]
fn done(output: Output) -> Result<Input, Output> {
    Ok(match output {
        Output::CheckPin { job, pin, hash } => {
            let outcome = if hash.matches(&pin) { PinOutcome::Right } else { PinOutcome::Wrong };
            Input::PinChecked { job, outcome }
        }
        Output::HashPin { job, pin, salt } => {
            Input::PinHashed { job, hash: PinHash::new(&pin, salt.expose()).ok() }
        }
        Output::OpenLeg { participant, profiles, .. } => {
            let key = |fill| SrtpKey::new(profiles[0], vec![fill; 28]).unwrap();
            let leg = MediaLeg {
                leg: LegId::from_random(1),
                address: None,
                port: 20_000,
                room_to_node: key(1),
                node_to_room: key(2),
                audio: Ssrc(1),
                video: Ssrc(2),
            };
            Input::LegOpened { participant, leg: Some(Box::new(leg)) }
        }
        other => return Err(other),
    })
}

fn no_rooms() -> ControlAnswer {
    ControlAnswer::Rooms { rooms: vec![], total: 0, states: RoomCounts::default() }
}

fn held(call: CallId) -> HeldCall {
    HeldCall { call, revision: 1, microphone: Switch::Off, camera: Switch::On }
}

fn events_to(outputs: &[Output], to: LinkId) -> Vec<&CloudEvent> {
    outputs
        .iter()
        .filter_map(|o| match o {
            Output::Send { link, event } if *link == to => Some(event),
            _ => None,
        })
        .collect()
}

#[test]
fn a_newcomer_becomes_a_room_by_its_code() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "Salle Voltaire");
    let (answer, _) = cloud.admin(ControlRequest::RoomList {
        part: Part::default(),
        state: None,
        needs: false,
        group: None,
        tag: None,
    });
    let ControlAnswer::Rooms { rooms, .. } = answer else { panic!() };
    assert_eq!((rooms.len(), rooms[0].room, rooms[0].state), (1, room, RoomState::Linked));
    cloud.give(Input::Closed { link });
    let ControlAnswer::Rooms { rooms, .. } = cloud
        .admin(ControlRequest::RoomList {
            part: Part::default(),
            state: None,
            needs: false,
            group: None,
            tag: None,
        })
        .0
    else {
        panic!()
    };
    assert_eq!(rooms[0].state, RoomState::NotLinked);
}

#[test]
fn a_code_used_twice_late_or_never_shown_is_refused_in_different_words() {
    let mut cloud = Cloud::new();
    let (_, code) = cloud.newcomer(1);
    cloud.claim(code, "A");
    let claim = |code| ControlRequest::RoomClaim { code, name: "B".parse().unwrap() };
    assert!(cloud.refused(claim(code)).contains("used already"));

    let (link, code) = cloud.newcomer(2);
    let outputs = cloud.later(CODE_LIFETIME.as_secs());
    let fresh = match events_to(&outputs, link)[..] {
        [CloudEvent::NewCode { code, expires_in_s: 900 }] => *code,
        ref other => panic!("{other:?}"),
    };
    assert!(cloud.refused(claim(code)).contains("older than 15 minutes"));
    let never = ActivationCode::from_random(0x77_7777_7777);
    assert!(cloud.refused(claim(never)).contains("no room shows this code"));
    assert!(matches!(cloud.claim(fresh, "B").0, ControlAnswer::RoomClaimed { .. }));
}

#[test]
fn a_name_that_is_taken_does_not_cost_the_code() {
    let mut cloud = Cloud::new();
    cloud.room(1, "A");
    let (_, code) = cloud.newcomer(2);
    let name = "A".parse().unwrap();
    assert!(cloud.refused(ControlRequest::RoomClaim { code, name }).contains("name"));
    assert!(matches!(cloud.claim(code, "B").0, ControlAnswer::RoomClaimed { .. }));
}

#[test]
fn a_device_that_never_received_its_certificate_is_claimed_again_as_the_same_room() {
    let mut cloud = Cloud::new();
    let (_, room) = cloud.room(1, "A");
    let (_, code) = cloud.newcomer(1);
    let ControlAnswer::RoomClaimed { room: again } = cloud.claim(code, "A2").0 else { panic!() };
    assert_eq!((again.room, again.name.as_str()), (room, "A2"));
}

#[test]
fn unfit_foreign_old_and_revoked_peers_are_refused_with_their_reason() {
    let mut cloud = Cloud::new();
    let (_, room) = cloud.room(1, "A");
    let refusal = |cloud: &mut Cloud, peer| match &cloud.hello(peer, vec![]).1[..] {
        [
            Output::Greet { greeting: Greeting::Refused { reason, .. }, .. },
            Output::Close { reason: CloseReason::Refused, .. },
        ] => *reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(&mut cloud, Peer::Unfit(Refusal::Expired)), Refusal::Expired);
    assert_eq!(refusal(&mut cloud, enrolled(2, room)), Refusal::Revoked, "another key");
    assert_eq!(refusal(&mut cloud, enrolled(1, RoomId::from_random(5))), Refusal::Revoked);
    cloud.admin(ControlRequest::RoomRevoke { room: "A".into() });
    assert_eq!(refusal(&mut cloud, enrolled(1, room)), Refusal::Revoked);
    let link = LinkId(999);
    let hello = Hello { versions: (7, 9), software: "".into(), serial: "".into(), calls: vec![] };
    let outputs = cloud.give(Input::Hello { link, peer: enrolled(1, room), hello });
    let reason = Refusal::Version;
    assert!(matches!(
        &outputs[0],
        Output::Greet { greeting: Greeting::Refused { reason: r, .. }, .. } if *r == reason
    ));
}

#[test]
fn rooms_learn_of_new_meeting_rooms_at_once_and_never_of_pins() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    let outputs = cloud.vmr("4711", Some("246810"), 5);
    match events_to(&outputs, link)[..] {
        [CloudEvent::Directory(entries)] => {
            assert_eq!((entries.len(), entries[0].pin), (1, true));
        }
        ref other => panic!("{other:?}"),
    }
    assert!(!format!("{outputs:?}").contains("246810"));
    let (_, outputs) = cloud.admin(ControlRequest::VmrRemove { number: "4711".parse().unwrap() });
    assert_eq!(events_to(&outputs, link), [&CloudEvent::Directory(vec![])]);
}

#[test]
fn two_rooms_meet_with_the_right_pin_and_see_each_other() {
    let mut cloud = Cloud::new();
    let (a, _) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    cloud.vmr("4711", Some("246810"), 5);
    let first = cloud.joined(a, "4711", Some("246810"));
    assert_eq!((first.name.as_str(), first.roster.participants.len()), ("VMR 4711", 1));
    let join = RoomRequest::Join(Join {
        number: "4711".parse().unwrap(),
        pin: Some("246810".parse().unwrap()),
        profiles: SrtpProfile::PREFERENCE.to_vec(),
        microphone: Switch::Off,
        camera: Switch::On,
        lobby: true,
    });
    let (response, outputs) = cloud.ask(b, join);
    let Some(Response::Joined(second)) = response else { panic!("{response:?}") };
    let told = events_to(&outputs, a);
    assert!(
        matches!(&told[..], [CloudEvent::Roster { call, roster }]
            if *call == first.call && *roster == second.roster && roster.participants.len() == 2),
        "{told:?}"
    );
    let (response, outputs) = cloud.ask(b, RoomRequest::Leave { call: second.call });
    assert_eq!(response, Some(Response::Done));
    assert!(outputs.iter().any(|o| matches!(o, Output::CloseLeg { .. })));
    let records = cloud.disk.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap();
    assert_eq!(records.len(), 2);
    let left = records.iter().filter_map(|r| r.left).collect::<Vec<_>>();
    assert!(matches!(left[..], [(_, LeftWhy::Left)]), "{left:?}");
}

#[test]
fn an_unknown_number_a_missing_pin_and_a_wrong_pin_are_refused() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", Some("246810"), 5);
    let no = |refusal| Response::NotJoined(refusal);
    assert_eq!(cloud.join(link, "9999", Some("246810")), no(JoinRefusal::NotFound));
    assert_eq!(cloud.join(link, "4711", None), no(JoinRefusal::PinNeeded));
    for tries_left in [2, 1, 0] {
        let wrong = no(JoinRefusal::WrongPin { tries_left });
        assert_eq!(cloud.join(link, "4711", Some("000000")), wrong);
    }
    let wait = no(JoinRefusal::Wait { seconds: 30 });
    assert_eq!(cloud.join(link, "4711", Some("246810")), wait, "not even the right one");
    cloud.later(30);
    cloud.joined(link, "4711", Some("246810"));
}

#[test]
fn a_full_meeting_says_so_only_to_those_who_know_the_pin() {
    let mut cloud = Cloud::new();
    let (a, _) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    cloud.vmr("4711", Some("246810"), 1);
    cloud.joined(a, "4711", Some("246810"));
    let full = Response::NotJoined(JoinRefusal::Full { capacity: 1 });
    assert_eq!(cloud.join(b, "4711", Some("246810")), full);
    let wrong = Response::NotJoined(JoinRefusal::WrongPin { tries_left: 2 });
    assert_eq!(cloud.join(b, "4711", Some("000000")), wrong);
}

#[test]
fn two_guesses_of_one_room_never_run_side_by_side() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", Some("246810"), 5);
    cloud.hold = Some(vec![]);
    let join = |pin: &str| {
        RoomRequest::Join(Join {
            number: "4711".parse().unwrap(),
            pin: Some(pin.parse().unwrap()),
            profiles: SrtpProfile::PREFERENCE.to_vec(),
            microphone: Switch::On,
            camera: Switch::On,
            lobby: true,
        })
    };
    assert_eq!(cloud.ask(link, join("000000")).0, None);
    let busy = Response::NotJoined(JoinRefusal::Busy);
    assert_eq!(cloud.ask(link, join("246810")).0, Some(busy));
    let outputs = cloud.release();
    assert!(matches!(
        outputs[..],
        [Output::Respond { response: Response::NotJoined(JoinRefusal::WrongPin { .. }), .. }]
    ));
}

#[test]
fn a_pin_that_is_changed_while_it_is_looked_at_opens_nothing() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", Some("246810"), 5);
    cloud.hold = Some(vec![]);
    let join = RoomRequest::Join(Join {
        number: "4711".parse().unwrap(),
        pin: Some("246810".parse().unwrap()),
        profiles: SrtpProfile::PREFERENCE.to_vec(),
        microphone: Switch::On,
        camera: Switch::On,
        lobby: true,
    });
    cloud.ask(link, join);
    let vmr = cloud.disk.vmrs().unwrap().remove(0);
    let other = PinHash::new(&"135791".parse().unwrap(), &[3; 16]).unwrap();
    cloud.disk.set_pin(vmr.id, Some(&other)).unwrap();
    let outputs = cloud.release();
    assert!(matches!(
        outputs[..],
        [Output::Respond { response: Response::NotJoined(JoinRefusal::WrongPin { .. }), .. }]
    ));
}

#[test]
fn a_link_that_goes_while_the_pin_is_looked_at_leaves_nothing_behind() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    cloud.hold = Some(vec![]);
    let join = RoomRequest::Join(Join {
        number: "4711".parse().unwrap(),
        pin: None,
        profiles: SrtpProfile::PREFERENCE.to_vec(),
        microphone: Switch::On,
        camera: Switch::On,
        lobby: true,
    });
    cloud.ask(link, join);
    cloud.give(Input::Closed { link });
    let outputs = cloud.release();
    assert!(matches!(outputs[..], [Output::CloseLeg { .. }]), "{outputs:?}");
    assert_eq!(cloud.disk.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap(), []);
    assert!(cloud.board.summary().contains("0 arriving"), "{}", cloud.board.summary());
}

#[test]
fn a_room_revoked_in_mid_call_is_out_at_once() {
    let mut cloud = Cloud::new();
    let (a, room) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    cloud.vmr("4711", None, 5);
    let first = cloud.joined(a, "4711", None);
    cloud.joined(b, "4711", None);
    let (answer, outputs) = cloud.admin(ControlRequest::RoomRevoke { room: room.to_string() });
    assert!(matches!(answer, ControlAnswer::RoomRevoked { .. }));
    let ended = CloudEvent::CallEnded { call: first.call, reason: EndReason::Ended };
    assert_eq!(events_to(&outputs, a), [&ended]);
    let close = Output::Close { link: a, reason: CloseReason::Revoked };
    assert!(
        outputs.contains(&close) && outputs.iter().any(|o| matches!(o, Output::CloseLeg { .. }))
    );
    assert!(matches!(events_to(&outputs, b)[..], [CloudEvent::Roster { .. }]));
    assert_eq!(cloud.ask(a, RoomRequest::RenewCertificate).0, None, "nothing it says counts");
}

#[test]
fn a_call_goes_on_when_the_link_comes_back_and_the_rooms_switches_win() {
    let mut cloud = Cloud::new();
    let (a, room) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    cloud.vmr("4711", None, 5);
    let first = cloud.joined(a, "4711", None);
    cloud.joined(b, "4711", None);
    cloud.give(Input::Closed { link: a });
    cloud.later(3);
    let (_, welcome) = cloud.link(1, room, vec![held(first.call)]);
    assert_eq!(welcome.calls.len(), 1);
    assert_eq!(welcome.calls[0].call, first.call);
    assert_eq!(welcome.calls[0].roster.participants[0].microphone, Switch::Off);
}

#[test]
fn a_new_connection_replaces_one_that_is_dead_and_unnoticed() {
    let mut cloud = Cloud::new();
    let (old, room) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    let joined = cloud.joined(old, "4711", None);
    let (new, outputs) = cloud.hello(enrolled(1, room), vec![held(joined.call)]);
    assert!(outputs.contains(&Output::Close { link: old, reason: CloseReason::Replaced }));
    // The late news that the old one is closed changes nothing.
    cloud.give(Input::Closed { link: old });
    let set =
        RoomRequest::SetMedia { call: joined.call, microphone: Switch::On, camera: Switch::Off };
    assert_eq!(cloud.ask(new, set).0, Some(Response::Done));
}

#[test]
fn a_room_that_joins_twice_is_there_once() {
    let mut cloud = Cloud::new();
    let (a, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 1);
    let first = cloud.joined(a, "4711", None);
    let second = cloud.joined(a, "4711", None);
    assert_ne!(first.call, second.call);
    assert_eq!(second.roster.participants.len(), 1);
}

#[test]
fn a_cloud_that_was_restarted_has_forgotten_the_calls_and_closed_their_records() {
    let mut cloud = Cloud::new();
    let (a, room) = cloud.room(1, "A");
    cloud.vmr("4711", Some("246810"), 5);
    let joined = cloud.joined(a, "4711", Some("246810"));
    let mut cloud = Cloud::on(cloud.disk);
    let (link, welcome) = cloud.link(1, room, vec![held(joined.call)]);
    assert_eq!((welcome.calls.len(), welcome.directory.len()), (0, 1));
    let records = cloud.disk.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap();
    assert!(matches!(records[0].left, Some((_, LeftWhy::CloudStopped))));
    cloud.joined(link, "4711", Some("246810"));
}

#[test]
fn a_stopping_cloud_tells_rooms_and_closes_records() {
    let mut cloud = Cloud::new();
    let (a, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    let joined = cloud.joined(a, "4711", None);
    let outputs = cloud.give(Input::Stop);
    let ended = CloudEvent::CallEnded { call: joined.call, reason: EndReason::Unknown };
    assert_eq!(events_to(&outputs, a), [&ended]);
    assert!(outputs.contains(&Output::Close { link: a, reason: CloseReason::Stopping }));
    let records = cloud.disk.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap();
    assert!(matches!(records[0].left, Some((_, LeftWhy::CloudStopped))));
}

#[test]
fn a_certificate_is_renewed_over_the_same_key() {
    let mut cloud = Cloud::new();
    let (a, room) = cloud.room(1, "A");
    cloud.later(1_000);
    let (response, _) = cloud.ask(a, RoomRequest::RenewCertificate);
    let Some(Response::Certificate(chain)) = response else { panic!("{response:?}") };
    assert_eq!(chain.0[0], format!("{room} 9"));
    let expires = cloud.disk.room(room).unwrap().unwrap().certificate_expires;
    assert_eq!(expires, cloud.wall().after(Duration::from_secs(86_400)));
}

#[test]
fn a_renamed_room_and_its_fellows_see_the_new_name() {
    let mut cloud = Cloud::new();
    let (a, _) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    cloud.vmr("4711", None, 5);
    cloud.joined(a, "4711", None);
    cloud.joined(b, "4711", None);
    let name: DisplayName = "Salle Diderot".parse().unwrap();
    let (_, outputs) = cloud.admin(ControlRequest::RoomRename { room: "A".into(), name });
    assert!(matches!(events_to(&outputs, a)[..], [CloudEvent::Room(_), CloudEvent::Roster { .. }]));
    match events_to(&outputs, b)[..] {
        [CloudEvent::Roster { roster, .. }] => {
            assert_eq!(roster.participants[0].name.as_str(), "Salle Diderot");
        }
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn a_newcomer_may_ask_for_nothing() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.newcomer(1);
    cloud.vmr("4711", None, 5);
    for request in
        [RoomRequest::RenewCertificate, RoomRequest::Leave { call: CallId::from_random(1) }]
    {
        assert!(matches!(cloud.ask(link, request).0, Some(Response::Failed { .. })));
    }
    assert!(matches!(cloud.join(link, "4711", None), Response::Failed { .. }));
}

#[test]
fn the_meeting_list_shows_who_is_in() {
    let mut cloud = Cloud::new();
    let (a, room) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    cloud.joined(a, "4711", None);
    let ControlAnswer::Meetings { meetings } = cloud.admin(ControlRequest::MeetingList).0 else {
        panic!()
    };
    assert_eq!(meetings[0].participants[0].room, room);
}

#[test]
fn speakers_and_lost_media_reach_the_rooms() {
    let mut cloud = Cloud::new();
    let (a, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    let joined = cloud.joined(a, "4711", None);
    let ControlAnswer::Meetings { meetings } = cloud.admin(ControlRequest::MeetingList).0 else {
        panic!()
    };
    let (meeting, participant) = (meetings[0].meeting, joined.participant);
    let loudest = MediaEvent::Loudest { meeting, participant: Some(participant) };
    let outputs = cloud.give(Input::Media(loudest));
    let speaking = CloudEvent::Speaking { call: joined.call, participant: Some(participant) };
    assert_eq!(events_to(&outputs, a), [&speaking]);
    let outputs = cloud.later(conclave_meeting::MEDIA_GRACE.as_secs());
    let ended = CloudEvent::CallEnded { call: joined.call, reason: EndReason::MediaLost };
    assert_eq!(events_to(&outputs, a), [&ended]);
}

#[test]
fn on_a_full_disk_nobody_joins_unrecorded_and_who_leaves_is_recorded_later() {
    let mut cloud = Cloud::new();
    let (a, _) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    cloud.vmr("4711", None, 5);
    let joined = cloud.joined(a, "4711", None);
    *cloud.disk.1.lock().unwrap() = Space::None;
    assert_eq!(cloud.join(b, "4711", None), Response::NotJoined(JoinRefusal::Busy));
    cloud.ask(a, RoomRequest::Leave { call: joined.call });
    assert_eq!(
        cloud.disk.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap()[0].left,
        None
    );
    *cloud.disk.1.lock().unwrap() = Space::Left;
    cloud.later(RECORD_RETRY.as_secs());
    let records = cloud.disk.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap();
    assert_eq!(records.len(), 1);
    assert!(matches!(records[0].left, Some((_, LeftWhy::Left))));
    cloud.joined(b, "4711", None);
}

#[test]
fn a_meeting_room_gets_another_name_and_capacity_and_panels_are_told() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", None, 1);
    let (a, _) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    cloud.joined(a, "4711", None);
    let full = Response::NotJoined(JoinRefusal::Full { capacity: 1 });
    assert_eq!(cloud.join(b, "4711", None), full);
    let change = |name: Option<&str>, capacity| ControlRequest::VmrChange {
        number: "4711".parse().unwrap(),
        name: name.map(|name| name.parse().unwrap()),
        capacity,
        lobby: None,
    };
    let (answer, outputs) = cloud.admin(change(Some("Weekly"), Some(2)));
    let ControlAnswer::VmrChanged { vmr } = answer else { panic!("{answer:?}") };
    assert_eq!((vmr.name.as_str(), vmr.capacity), ("Weekly", 2));
    for link in [a, b] {
        let [CloudEvent::Directory(list)] = &events_to(&outputs, link)[..] else { panic!() };
        assert_eq!(list[0].name.as_str(), "Weekly");
    }
    cloud.joined(b, "4711", None);
    // Fewer places send nobody out; what is left out stays; none, or a crowd, is refused.
    assert!(matches!(cloud.admin(change(None, Some(1))).0, ControlAnswer::VmrChanged { .. }));
    let ControlAnswer::Meetings { meetings } = cloud.admin(ControlRequest::MeetingList).0 else {
        panic!()
    };
    assert_eq!(meetings[0].participants.len(), 2);
    for capacity in [0, 81] {
        assert!(cloud.refused(change(None, Some(capacity))).contains("1 to 80"));
    }
    assert_eq!(cloud.disk.vmrs().unwrap()[0].name.as_str(), "Weekly");
}

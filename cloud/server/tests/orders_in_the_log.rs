//! What an administrator changes stands in the log, by ids alone.
//!
//! A program of its own: what a log gets must not hang on which other test ran first.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail their test")]

use conclave_cloud::control::{ControlAnswer, ControlRequest, NewVmr};
use conclave_cloud::switchboard::{
    Caller, Certifier, ControlId, Input, LinkId, Output, Parts, Peer, RequestId, Sealer, SignError,
    SignedCertificate, Switchboard,
};
use conclave_directory::{PinHash, SqliteDirectory};
use conclave_link_protocol::message::{CertificateChain, Greeting, Hello, Join, RoomRequest};
use conclave_types::{
    ActivationCode, OrganisationId, RoomId, Secret, SrtpProfile, Switch, Time, UnixTime,
};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

const NAME: &str = "Salle Voltaire";
const LATER_NAME: &str = "Salle Diderot";
const TITLE: &str = "Redundancies";
const NUMBER: &str = "903817264535";
const PIN: &str = "758493021647";

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What was written since the last look.
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
    }
}

struct Seal;

impl Certifier for Seal {
    fn sign(&mut self, _: RoomId, _: &[u8], now: UnixTime) -> Result<SignedCertificate, SignError> {
        Ok(SignedCertificate { chain: CertificateChain(vec![]), expires: now })
    }
}

/// No room has a calendar here.
impl Sealer for Seal {
    fn seal(&self, _: &str, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn open(&self, _: &str, _: &[u8]) -> Option<Secret<Vec<u8>>> {
        None
    }
}

struct Cloud(Switchboard);

impl Cloud {
    fn new() -> Cloud {
        let mut next = 0_u128;
        let parts = Parts {
            directory: Box::new(SqliteDirectory::in_memory().unwrap()),
            certifier: Box::new(Seal),
            random: Box::new(move || {
                next += 1;
                next | (1 << 90)
            }),
            keep_records: std::time::Duration::from_secs(86_400),
            keep_audit: std::time::Duration::from_secs(86_400),
            sealer: Box::new(Seal),
            mail: false,
        };
        Cloud(Switchboard::new(parts, UnixTime(1_800_000_000)).unwrap())
    }

    /// Gives an input, hashes what is to be hashed, and returns the rest.
    fn give(&mut self, input: Input) -> Vec<Output> {
        let mut inputs = VecDeque::from([input]);
        let mut said = Vec::new();
        while let Some(input) = inputs.pop_front() {
            self.0.handle(Time::from_micros(1_000_000), UnixTime(1_800_000_001), input);
            while let Some(output) = self.0.poll_output() {
                match output {
                    Output::HashPin { job, pin, salt } => {
                        let hash = PinHash::new(&pin, salt.expose()).ok();
                        inputs.push_back(Input::PinHashed { job, hash });
                    }
                    output => said.push(output),
                }
            }
        }
        said
    }

    fn hello(&mut self, link: LinkId, peer: Peer) -> Vec<Output> {
        let (software, serial) = (String::new(), String::new());
        let hello = Hello { versions: (1, 1), software, serial, calls: vec![] };
        self.give(Input::Hello { link, peer, hello })
    }

    fn newcomer(&mut self) -> ActivationCode {
        let outputs = self.hello(LinkId(1), Peer::Newcomer { spki_der: vec![1; 9] });
        match &outputs[..] {
            [Output::Greet { greeting: Greeting::Newcomer { code, .. }, .. }] => *code,
            other => panic!("{other:?}"),
        }
    }

    fn order(&mut self, request: ControlRequest) -> ControlAnswer {
        let answer = |output| match output {
            Output::Answer { answer, .. } => Some(answer),
            _ => None,
        };
        let outputs = self.give(Input::Control {
            id: ControlId(1),
            by: Caller::command_line(OrganisationId::FIRST),
            request,
        });
        let answer = outputs.into_iter().find_map(answer).unwrap();
        assert!(!matches!(answer, ControlAnswer::Refused { .. }), "{answer:?}");
        answer
    }
}

#[test]
fn every_order_of_an_administrator_is_logged_by_ids_alone() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _logging = tracing::subscriber::set_default(subscriber.finish());
    let mut cloud = Cloud::new();
    let code = cloud.newcomer();
    log.take();

    let claimed = cloud.order(ControlRequest::RoomClaim { code, name: NAME.parse().unwrap() });
    let ControlAnswer::RoomClaimed { room } = claimed else { panic!("{claimed:?}") };
    let room = room.room.to_string();
    said(&log, &room, "room enrolled");
    cloud.hello(LinkId(2), Peer::Enrolled { room: room.parse().unwrap(), spki_der: vec![1; 9] });
    log.take();

    let number = || NUMBER.parse().unwrap();
    let pin = || Some(PIN.parse().unwrap());
    let name = TITLE.parse().unwrap();
    let create = ControlRequest::VmrCreate { new: NewVmr::plain(number(), name, 5), pin: None };
    let created = cloud.order(create);
    let ControlAnswer::VmrCreated { vmr } = created else { panic!("{created:?}") };
    let vmr = vmr.vmr.to_string();
    said(&log, &vmr, "meeting room created");
    cloud.give(Input::Request {
        link: LinkId(2),
        id: RequestId(1),
        request: RoomRequest::Join(Join {
            number: number(),
            pin: None,
            profiles: SrtpProfile::PREFERENCE.to_vec(),
            microphone: Switch::On,
            camera: Switch::On,
            lobby: true,
        }),
    });
    log.take();

    let name = LATER_NAME.parse().unwrap();
    for (request, id, words) in [
        (ControlRequest::MeetingEnd { number: number() }, &vmr, "meeting ended"),
        (ControlRequest::VmrSetPin { number: number(), pin: pin() }, &vmr, "PIN set"),
        (ControlRequest::VmrSetPin { number: number(), pin: None }, &vmr, "PIN taken away"),
        (ControlRequest::VmrRemove { number: number() }, &vmr, "meeting room removed"),
        (ControlRequest::RoomRename { room: room.clone(), name }, &room, "room renamed"),
        (
            ControlRequest::RoomFollow {
                room: room.clone(),
                channel: Some("early".parse().unwrap()),
                window: None,
            },
            &room,
            "room follows",
        ),
        (ControlRequest::RoomResetCode { room: room.clone() }, &room, "a reset code was made"),
        (ControlRequest::RoomReset { room: room.clone() }, &room, "a reset is ordered"),
        (ControlRequest::RoomRevoke { room: room.clone() }, &room, "room revoked"),
        (ControlRequest::RoomForget { room: room.clone() }, &room, "room forgotten"),
    ] {
        cloud.order(request);
        said(&log, id, words);
    }
}

/// One line has the id and the words; none has a name, a number that is dialled or a PIN.
fn said(log: &Log, id: &str, words: &str) {
    let text = log.take();
    let lines = text.lines().filter(|line| line.contains(id) && line.contains(words));
    assert_eq!(lines.count(), 1, "{words}: {text}");
    for private in [NAME, LATER_NAME, TITLE, NUMBER, PIN] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}

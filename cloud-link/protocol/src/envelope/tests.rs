use super::*;
use crate::message::{
    AwayReason, CertificateChain, Condition, Delivery, DeviceKind, DeviceState, DiskSpace,
    EndReason, HeldCall, InLobby, Join, JoinRefusal, Joined, LONGEST_CHUNK, NoChunk, NotLetIn,
    Participant, PastTrouble, Piece, Refusal, Release, ResetOutcome, ResetRefusal, ResetReport,
    RoomDevice, RoomIdentity, Roster, UpdateFault, UpdateOffer, UpdateReport, UpdateStage, Waiter,
    Welcome,
};
use conclave_types::{
    BundleHash, CallId, LegId, MediaLeg, ParticipantId, ResetNumber, RoomId, SrtpKey, SrtpProfile,
    Ssrc, Switch, UnixMillis, Version,
};
use proptest::prelude::*;

type ReadByCloud = Incoming<Hello, RoomRequest, RoomEvent>;
type ReadByRoom = Incoming<Greeting, CloudRequest, CloudEvent>;

fn text(frame: &Secret<Vec<u8>>) -> &str {
    std::str::from_utf8(&frame.expose()[frame::HEADER..]).unwrap()
}

fn from_room(envelope: &FromRoom) -> Secret<Vec<u8>> {
    encode(envelope).unwrap()
}

fn from_cloud(envelope: &FromCloud) -> Secret<Vec<u8>> {
    encode(envelope).unwrap()
}

fn at_cloud(json: &str) -> Result<ReadByCloud, EnvelopeError> {
    decode(json.as_bytes())
}

fn at_room(json: &str) -> Result<ReadByRoom, EnvelopeError> {
    decode(json.as_bytes())
}

fn call() -> CallId {
    CallId::from_random(1)
}

fn roster() -> Roster {
    Roster {
        revision: 3,
        participants: vec![Participant {
            participant: ParticipantId::from_random(2),
            name: "Salle \"Voltaire\"".parse().unwrap(),
            microphone: Switch::On,
            camera: Switch::Off,
            audio: Ssrc(1),
            video: Ssrc(u32::MAX),
        }],
    }
}

fn update(stage: UpdateStage) -> UpdateReport {
    let compatible = "conclave-intel-n100".parse().unwrap();
    UpdateReport { running: Version(1, 4, 1), compatible, wanted: Some(Version(1, 4, 2)), stage }
}

fn offer() -> UpdateOffer {
    let release = Release {
        version: Version(1, 4, 2),
        compatible: "conclave-intel-n100".parse().unwrap(),
        sha256: BundleHash([0xa5; 32]),
        size: 300_000_000,
        floor: Version(1, 2, 0),
    };
    UpdateOffer { release, window: "22:00-04:30".parse().unwrap() }
}

fn condition() -> Condition {
    Condition {
        devices: vec![RoomDevice {
            kind: DeviceKind::Camera,
            name: "HD Pro".to_owned(),
            state: DeviceState::Broken,
        }],
        panels: 1,
        temperature_c: Some(-4),
        disk: Some(DiskSpace { free: 1 << 30, size: 1 << 33 }),
        troubles: vec![PastTrouble {
            at: conclave_types::UnixTime(1_795_369_800),
            text: "no link".to_owned(),
        }],
    }
}

fn number() -> ResetNumber {
    "482 913 077".parse().unwrap()
}

/// One of everything a room sends.
fn all_from_room() -> Vec<FromRoom> {
    let join = Join {
        number: "4711".parse().unwrap(),
        pin: Some("123456".parse().unwrap()),
        profiles: SrtpProfile::PREFERENCE.to_vec(),
        microphone: Switch::On,
        camera: Switch::On,
        lobby: true,
    };
    let (microphone, camera) = (Switch::Off, Switch::On);
    let requests = [
        RoomRequest::Join(join),
        RoomRequest::Leave { call: call() },
        RoomRequest::SetMedia { call: call(), microphone, camera },
        RoomRequest::LetIn { call: call(), participants: vec![ParticipantId::from_random(3)] },
        RoomRequest::TurnAway { call: call(), participants: vec![] },
        RoomRequest::RenewCertificate,
        RoomRequest::Chunk { sha256: BundleHash([0xa5; 32]), offset: 1 << 40, length: 32_768 },
        RoomRequest::Sums { sha256: BundleHash([0xa5; 32]), offset: 20, length: 40 },
        RoomRequest::MayReset { code: "04711815".parse().unwrap() },
        RoomRequest::ResetDone(ResetReport {
            number: number(),
            outcome: ResetOutcome::PartitionErased,
        }),
        RoomRequest::Deliver(Delivery {
            number: 7,
            offset: 16_384,
            total: 1 << 20,
            piece: Piece(vec![0, 1, 255]),
        }),
        RoomRequest::Time,
    ];
    let held = HeldCall { call: call(), revision: 9, microphone, camera };
    let hello = Hello {
        versions: (1, 3),
        software: "conclave-roomd 0.1.0".to_owned(),
        serial: "A7 \u{1f4fa}".to_owned(),
        calls: vec![held],
    };
    let health = RoomEvent::Health {
        part: "camera".to_owned(),
        working: false,
        detail: "unplugged".to_owned(),
    };
    let mut all = vec![
        Envelope::Opening(hello),
        Envelope::Response { id: RequestId(0), response: Response::Done },
        Envelope::Event(health),
        Envelope::Event(RoomEvent::Condition(condition())),
        Envelope::Event(RoomEvent::Update(update(UpdateStage::Fetching { percent: 40 }))),
        Envelope::Event(RoomEvent::Update(update(UpdateStage::FellBack {
            fault: UpdateFault::Camera,
            detail: "none there".to_owned(),
        }))),
        Envelope::Ping(1),
        Envelope::Pong(u32::MAX),
        Envelope::Close("why".to_owned()),
    ];
    for (id, request) in requests.into_iter().enumerate() {
        all.push(Envelope::Request { id: RequestId(id as u64), request });
    }
    all
}

/// One of everything a cloud sends.
fn all_from_cloud() -> Vec<FromCloud> {
    let room = RoomIdentity { room: RoomId::from_random(5), name: "Ada".parse().unwrap() };
    let key = |byte| SrtpKey::new(SrtpProfile::AeadAes128Gcm, vec![byte; 28]).unwrap();
    let leg = MediaLeg {
        leg: LegId::from_random(1),
        address: None,
        port: 40_000,
        room_to_node: key(1),
        node_to_room: key(2),
        audio: Ssrc(1),
        video: Ssrc(2),
    };
    let joined = Joined {
        call: call(),
        name: "Weekly".parse().unwrap(),
        participant: ParticipantId::from_random(2),
        leg,
        roster: roster(),
    };
    let waiter = Waiter { participant: ParticipantId::from_random(3), name: "Mo".parse().unwrap() };
    let responses = [
        Response::Done,
        Response::Joined(Box::new(joined.clone())),
        Response::InLobby(Box::new(InLobby { call: call(), name: "Weekly".parse().unwrap() })),
        Response::NotLetIn(NotLetIn::Full { capacity: 2 }),
        Response::NotLetIn(NotLetIn::MayNot),
        Response::NotJoined(JoinRefusal::LobbyUnsupported),
        Response::NotJoined(JoinRefusal::LobbyFull),
        Response::NotJoined(JoinRefusal::NotFound),
        Response::NotJoined(JoinRefusal::WrongPin { tries_left: 2 }),
        Response::Certificate(CertificateChain(vec!["MA==".to_owned()])),
        Response::Chunk { offset: 9, piece: Piece(vec![0, 1, 255]) },
        Response::NoChunk(NoChunk::Busy { retry_after_s: 3 }),
        Response::NoChunk(NoChunk::Gone),
        Response::MayReset { number: number() },
        Response::MayNotReset(ResetRefusal::WrongCode { tries_left: 4 }),
        Response::MayNotReset(ResetRefusal::NoCode),
        Response::Time { unix_ms: UnixMillis(1_795_369_800_123) },
        Response::Unsupported,
        Response::Failed { reason: "full".to_owned() },
    ];
    let events = [
        CloudEvent::Activated {
            room: room.clone(),
            certificate: CertificateChain(vec!["MA==".to_owned()]),
        },
        CloudEvent::NewCode { code: "7KQ2-9FXM".parse().unwrap(), expires_in_s: 900 },
        CloudEvent::Room(room.clone()),
        CloudEvent::Directory(vec![]),
        CloudEvent::Roster { call: call(), roster: roster() },
        CloudEvent::Admitted(Box::new(joined)),
        CloudEvent::NotAdmitted { call: call(), reason: AwayReason::NobodyCame },
        CloudEvent::Lobby { call: call(), waiting: vec![waiter] },
        CloudEvent::Speaking { call: call(), participant: None },
        CloudEvent::CallEnded { call: call(), reason: EndReason::Ended },
        CloudEvent::Offer(offer()),
        CloudEvent::NoOffer,
        CloudEvent::Reset { number: number() },
    ];
    let waiting = vec![call()];
    let welcome = Welcome { version: 1, room, directory: vec![], calls: vec![], waiting };
    let greetings = [
        Greeting::Welcome(Box::new(welcome)),
        Greeting::Newcomer { code: "7KQ2-9FXM".parse().unwrap(), expires_in_s: 900 },
        Greeting::Refused { reason: Refusal::Busy, retry_after_s: 60 },
    ];
    let mut all: Vec<FromCloud> = greetings.into_iter().map(Envelope::Opening).collect();
    all.push(Envelope::Request { id: RequestId(1), request: CloudRequest::Ping });
    all.extend(
        responses.into_iter().map(|response| Envelope::Response { id: RequestId(7), response }),
    );
    all.extend(events.into_iter().map(Envelope::Event));
    all
}

#[test]
fn the_json_is_the_one_that_the_module_documents() {
    let leave =
        Envelope::Request { id: RequestId(7), request: RoomRequest::Leave { call: call() } };
    assert_eq!(
        text(&from_room(&leave)),
        r#"{"request":7,"kind":"leave","body":{"call":"call-00000000000000000000000001"}}"#
    );
    let done = Envelope::Response { id: RequestId(7), response: Response::Done };
    assert_eq!(text(&from_cloud(&done)), r#"{"response":7,"kind":"done"}"#);
    let code = CloudEvent::NewCode { code: "7KQ2-9FXM".parse().unwrap(), expires_in_s: 900 };
    assert_eq!(
        text(&from_cloud(&Envelope::Event(code))),
        r#"{"event":{"kind":"new_code","body":{"code":"7KQ2-9FXM","expires_in_s":900}}}"#
    );
    assert_eq!(text(&from_room(&Envelope::Ping(3))), r#"{"ping":3}"#);
    assert_eq!(text(&from_room(&Envelope::Pong(3))), r#"{"pong":3}"#);
    let close = Envelope::Close("shutting\ndown".to_owned());
    assert_eq!(text(&from_cloud(&close)), r#"{"close":"shuttingdown"}"#);
    let hello = Hello {
        versions: (1, 1),
        software: "conclave-roomd 0.1.0".to_owned(),
        serial: "A7".to_owned(),
        calls: vec![],
    };
    assert_eq!(
        text(&from_room(&Envelope::Opening(hello))),
        r#"{"hello":{"versions":[1,1],"software":"conclave-roomd 0.1.0","serial":"A7","calls":[]}}"#
    );
    let code = "7KQ2-9FXM".parse().unwrap();
    let newcomer = Greeting::Newcomer { code, expires_in_s: 900 };
    assert_eq!(
        text(&from_cloud(&Envelope::Opening(newcomer))),
        r#"{"greeting":{"kind":"newcomer","code":"7KQ2-9FXM","expires_in_s":900}}"#
    );
}

#[test]
fn every_message_survives_the_way() {
    for envelope in all_from_room() {
        let frame = from_room(&envelope);
        assert_eq!(at_cloud(text(&frame)), Ok(Incoming::Known(envelope)));
    }
    for envelope in all_from_cloud() {
        let frame = from_cloud(&envelope);
        assert_eq!(at_room(text(&frame)), Ok(Incoming::Known(envelope)));
    }
}

#[test]
fn the_kinds_are_written_as_their_list_says() {
    let kind_on_wire = |json: &str| {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        let holder = value.get("event").unwrap_or(&value);
        holder["kind"].as_str().map(str::to_owned)
    };
    for envelope in all_from_room() {
        let kind = match &envelope {
            Envelope::Request { request, .. } => request.kind(),
            Envelope::Event(event) => event.kind(),
            _ => continue,
        };
        assert_eq!(kind_on_wire(text(&from_room(&envelope))).as_deref(), Some(kind));
    }
    for envelope in all_from_cloud() {
        let kind = match &envelope {
            Envelope::Request { request, .. } => request.kind(),
            Envelope::Response { response, .. } => response.kind(),
            Envelope::Event(event) => event.kind(),
            _ => continue,
        };
        assert_eq!(kind_on_wire(text(&from_cloud(&envelope))).as_deref(), Some(kind));
    }
}

#[test]
fn kinds_of_a_newer_peer_are_told_apart_from_damaged_ones() {
    assert_eq!(
        at_cloud(r#"{"request":4,"kind":"share_screen","body":{"x":[1]}}"#),
        Ok(Incoming::UnknownRequest(RequestId(4)))
    );
    assert_eq!(
        at_room(r#"{"response":4,"kind":"maybe","body":0}"#),
        Ok(Incoming::UnknownResponse(RequestId(4)))
    );
    assert_eq!(at_room(r#"{"event":{"body":{},"kind":"laser"}}"#), Ok(Incoming::UnknownEvent));
    assert_eq!(
        at_cloud(r#"{"request":4,"kind":"leave","body":{"call":"no"}}"#),
        Err(EnvelopeError::Body { kind: "leave" })
    );
    assert_eq!(at_room(r#"{"event":{"body":{}}}"#), Err(EnvelopeError::NoKind { what: "event" }));
}

#[test]
fn fields_of_a_newer_peer_are_ignored() {
    let json = r#"{"request":1,"trace":"x","kind":"leave","body":{"call":"call-00000000000000000000000001","why":1}}"#;
    let request = RoomRequest::Leave { call: call() };
    assert_eq!(
        at_cloud(json),
        Ok(Incoming::Known(Envelope::Request { id: RequestId(1), request }))
    );
}

#[test]
fn a_protection_profile_of_a_newer_room_is_left_out_and_the_join_goes_on() {
    let json = r#"{"request":1,"kind":"join","body":{"number":"4711","pin":null,"profiles":["AEAD_AES_256_GCM","AEAD_AES_128_GCM"],"microphone":"on","camera":"on"}}"#;
    let Ok(Incoming::Known(Envelope::Request { request: RoomRequest::Join(join), .. })) =
        at_cloud(json)
    else {
        panic!("not a join")
    };
    assert_eq!(join.profiles, [SrtpProfile::AeadAes128Gcm]);
}

#[test]
fn a_room_that_knows_no_lobby_does_not_say_that_it_can_wait_and_reads_the_refusal_as_some_other_one()
 {
    let json = r#"{"request":1,"kind":"join","body":{"number":"4711","pin":null,"profiles":[],"microphone":"on","camera":"on"}}"#;
    let Ok(Incoming::Known(Envelope::Request { request: RoomRequest::Join(join), .. })) =
        at_cloud(json)
    else {
        panic!("not a join")
    };
    assert!(!join.lobby);
    // As such a room reads what it does not know.
    let json = r#"{"response":1,"kind":"not_joined","body":{"reason":"lobby_of_tomorrow","x":1}}"#;
    let response = Response::NotJoined(JoinRefusal::Other);
    assert_eq!(
        at_room(json),
        Ok(Incoming::Known(Envelope::Response { id: RequestId(1), response }))
    );
    let refusal = Response::NotJoined(JoinRefusal::LobbyUnsupported);
    let frame = from_cloud(&Envelope::Response { id: RequestId(1), response: refusal });
    assert_eq!(
        text(&frame),
        r#"{"response":1,"kind":"not_joined","body":{"reason":"lobby_unsupported"}}"#
    );
}

#[test]
fn a_welcome_of_a_cloud_that_knows_no_lobby_lets_nobody_wait() {
    let json = r#"{"greeting":{"kind":"welcome","version":1,"room":{"room":"room-00000000000000000000000005","name":"Ada"},"directory":[],"calls":[]}}"#;
    let Ok(Incoming::Known(Envelope::Opening(Greeting::Welcome(welcome)))) = at_room(json) else {
        panic!("not a welcome")
    };
    assert!(welcome.waiting.is_empty());
}

#[test]
fn a_frame_holds_exactly_one_message() {
    assert_eq!(at_cloud("{}"), Err(EnvelopeError::Count { found: 0 }));
    assert_eq!(at_cloud(r#"{"ping":1,"pong":1}"#), Err(EnvelopeError::Count { found: 2 }));
    let greeting = r#"{"greeting":{"kind":"refused","reason":"busy","retry_after_s":1}}"#;
    assert!(at_room(greeting).is_ok());
    assert_eq!(at_cloud(greeting), Err(EnvelopeError::Count { found: 0 }), "from a room");
    for json in
        ["", "1", "[]", "{\"ping\":1}{\"ping\":2}", "{\"ping\":-1}", "{\"ping\":1,\"ping\":1}"]
    {
        assert!(matches!(at_cloud(json), Err(EnvelopeError::Json { .. })), "{json}");
    }
}

#[test]
fn deep_nesting_is_refused_without_a_stack_overflow() {
    let deep = "[".repeat(30_000);
    for json in [
        format!(r#"{{"event":{deep}"#),
        format!(r#"{{"request":1,"kind":"leave","body":{deep}"#),
        format!(r#"{{"request":1,"kind":"leave","body":{deep}{}}}"#, "]".repeat(30_000)),
        format!(r#"{{"event":{{"body":{deep}{},"kind":"health"}}}}"#, "]".repeat(30_000)),
    ] {
        assert!(at_cloud(&json).is_err());
    }
}

#[test]
fn an_error_shows_nothing_of_a_pin() {
    let json = r#"{"request":1,"kind":"join","body":{"number":"4711","pin":"12345x","profiles":[],"microphone":"on","camera":"on"}}"#;
    let error = at_cloud(json).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("12345"), "{error:?}");
}

#[test]
fn a_message_that_does_not_fit_is_an_error_for_its_sender() {
    let response = Response::Failed { reason: "x".repeat(frame::LONGEST_CONTENT) };
    let envelope: FromCloud = Envelope::Response { id: RequestId(1), response };
    assert!(matches!(encode(&envelope), Err(EncodeError::Frame(FrameError::TooLong { .. }))));
}

#[test]
fn a_message_cut_short_anywhere_is_an_error() {
    for envelope in all_from_room() {
        let frame = from_room(&envelope);
        let json = text(&frame).as_bytes();
        for end in 0..json.len() {
            assert!(decode::<Hello, RoomRequest, RoomEvent>(&json[..end]).is_err());
        }
    }
}

proptest! {
    #[test]
    fn damaged_messages_never_panic(
        which in 0_usize..18,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let all = all_from_cloud();
        let frame = from_cloud(&all[which % all.len()]);
        let mut json = text(&frame).as_bytes().to_vec();
        for (index, byte) in damage {
            let index = index.index(json.len());
            json[index] = byte;
        }
        let _ = decode::<Greeting, CloudRequest, CloudEvent>(&json);
        let _ = decode::<Hello, RoomRequest, RoomEvent>(&json);
    }
}

#[test]
fn the_longest_chunk_fits_into_a_frame_and_a_longer_one_is_not_read() {
    let chunk = |length: u32| FromCloud::Response {
        id: RequestId(u64::MAX),
        response: Response::Chunk { offset: u64::MAX, piece: Piece(vec![255; length as usize]) },
    };
    let frame = from_cloud(&chunk(LONGEST_CHUNK));
    assert_eq!(at_room(text(&frame)), Ok(Incoming::Known(chunk(LONGEST_CHUNK))));
    let longer = from_cloud(&chunk(LONGEST_CHUNK + 1));
    assert_eq!(at_room(text(&longer)), Err(EnvelopeError::Body { kind: "chunk" }));
}

#[test]
fn a_newer_rooms_stage_and_fault_are_told_apart_from_nonsense() {
    let told = |stage: &str| {
        at_cloud(&format!(
            r#"{{"event":{{"kind":"update","body":{{"running":"1.0.0","compatible":"x","wanted":null,"stage":{stage}}}}}}}"#
        ))
    };
    let stage = |json: &str| match told(json) {
        Ok(Incoming::Known(Envelope::Event(RoomEvent::Update(report)))) => report.stage,
        other => panic!("{other:?}"),
    };
    assert_eq!(stage(r#"{"stage":"dreaming","of":"sheep"}"#), UpdateStage::Other);
    let fault = UpdateFault::Other;
    assert_eq!(
        stage(r#"{"stage":"fell_back","fault":"ghosts","detail":"x"}"#),
        UpdateStage::FellBack { fault, detail: "x".to_owned() }
    );
    assert_eq!(told("7"), Err(EnvelopeError::Body { kind: "update" }));
}

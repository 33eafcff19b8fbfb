//! True messages of the link and the panel, one of every kind.

use conclave_link_protocol::envelope::{FromCloud, FromRoom};
use conclave_link_protocol::message::{
    AgendaEntry, AwayReason, CalendarEntry, CertificateChain, CloudEvent, Condition, Delivery,
    DeviceKind, DeviceState, DirectoryEntry, DiskSpace, EndReason, Greeting, HeldCall, Hello,
    InLobby, Join, JoinRefusal, Joined, NotLetIn, NumberedOrder, Order, OrderOutcome, OrderReport,
    Participant, PastTrouble, Piece, Refusal, ResetOutcome, ResetRefusal, ResetReport, Response,
    ResumedCall, RoomDevice, RoomEvent, RoomIdentity, RoomRequest, Roster, SettingsDocument,
    SettingsMark, SettingsReport, Waiter, WantedSettings, Welcome,
};
use conclave_panel_api::{
    CallHealth, Entry, Erased, Health, InCall, Language, LanguageTap, Layout, LinkState, Look,
    Meeting, Notice, Panel, Person, PictureOctets, PicturePiece, ResetReceipt, Screen, StickFault,
    StickStep, Tap, Trouble, encode,
};
use conclave_types::{
    ActivationCode, BundleHash, CallId, DisplayName, LegId, MediaLeg, ParticipantId, ResetCode,
    ResetNumber, RoomId, SrtpKey, SrtpProfile, Ssrc, Switch, UnixMillis, UnixTime, Version,
    VmrNumber,
};

/// Names the type, so that the compiler knows which end sends.
pub fn cloud(message: FromCloud) -> FromCloud {
    message
}

/// Names the type, so that the compiler knows which end sends.
pub fn room(message: FromRoom) -> FromRoom {
    message
}

fn name(text: &str) -> DisplayName {
    let Ok(name) = text.parse() else { panic!("{text:?} is a name") };
    name
}

fn number() -> VmrNumber {
    let Ok(number) = "4711".parse() else { panic!("these are four digits") };
    number
}

fn call() -> CallId {
    CallId::from_random(1)
}

fn identity() -> RoomIdentity {
    RoomIdentity { room: RoomId::from_random(5), name: name("Ada") }
}

fn settings() -> SettingsDocument {
    let Ok(settings) = "time_zone=Europe/Paris".parse() else { panic!("it is a setting") };
    settings
}

/// A room says what came of an order.
pub fn order_report() -> RoomEvent {
    RoomEvent::OrderDone(OrderReport { number: 7, outcome: OrderOutcome::InCall })
}

/// A room says how it is.
pub fn condition() -> RoomEvent {
    RoomEvent::Condition(Condition {
        devices: vec![RoomDevice {
            kind: DeviceKind::Display,
            name: "kms".to_owned(),
            state: DeviceState::Working,
        }],
        panels: 1,
        temperature_c: Some(48),
        disk: Some(DiskSpace { free: 1 << 30, size: 1 << 33 }),
        troubles: vec![PastTrouble { at: UnixTime(1_795_369_800), text: "no link".to_owned() }],
    })
}

/// A room says how it is set.
pub fn settings_report() -> RoomEvent {
    RoomEvent::Settings(SettingsReport {
        mark: Some(SettingsMark(7)),
        in_force: settings(),
        not_understood: vec!["hologram".to_owned()],
    })
}

fn directory() -> Vec<DirectoryEntry> {
    vec![DirectoryEntry { number: number(), name: name("Weekly"), pin: true }]
}

fn roster() -> Roster {
    let participant = Participant {
        participant: ParticipantId::from_random(2),
        name: name("Salle \"Voltaire\""),
        microphone: Switch::On,
        camera: Switch::Off,
        audio: Ssrc(1),
        video: Ssrc(u32::MAX),
    };
    Roster { revision: 3, participants: vec![participant] }
}

/// A room that comes back from a broken connection.
pub fn hello() -> Hello {
    let held = HeldCall { call: call(), revision: 9, microphone: Switch::On, camera: Switch::Off };
    Hello {
        versions: (1, 3),
        software: "conclave-roomd 0.1.0".to_owned(),
        serial: "A7 \u{1f4fa}".to_owned(),
        calls: vec![held],
    }
}

/// An enrolled room is linked.
pub fn welcome() -> Greeting {
    let calls = vec![ResumedCall { call: call(), roster: roster() }];
    Greeting::Welcome(Box::new(Welcome {
        version: 1,
        room: identity(),
        directory: directory(),
        calls,
        waiting: Vec::new(),
    }))
}

/// A new room is linked.
pub fn newcomer() -> Greeting {
    Greeting::Newcomer { code: ActivationCode::from_random(0x12_3456_789a), expires_in_s: 900 }
}

/// A room is sent away.
pub fn refused() -> Greeting {
    Greeting::Refused { reason: Refusal::Busy, retry_after_s: 5 }
}

/// One of the requests of a room.
pub fn room_request(choice: u8) -> RoomRequest {
    match choice % 12 {
        0 => RoomRequest::Join(Join {
            number: number(),
            pin: "123456".parse().ok(),
            profiles: SrtpProfile::PREFERENCE.to_vec(),
            microphone: Switch::On,
            camera: Switch::On,
            lobby: true,
        }),
        1 => RoomRequest::Leave { call: call() },
        2 => RoomRequest::SetMedia { call: call(), microphone: Switch::Off, camera: Switch::On },
        3 => RoomRequest::Chunk { sha256: BundleHash([7; 32]), offset: 1 << 20, length: 32_768 },
        4 => RoomRequest::Sums { sha256: BundleHash([7; 32]), offset: 0, length: 20 },
        5 => RoomRequest::MayReset { code: ResetCode::from_random(4_711) },
        6 => RoomRequest::ResetDone(ResetReport {
            number: ResetNumber::from_random(482_913_077),
            outcome: ResetOutcome::PartitionErased,
        }),
        8 => RoomRequest::Time,
        9 => RoomRequest::LetIn {
            call: call(),
            participants: vec![ParticipantId::from_random(3), ParticipantId::from_random(4)],
        },
        10 => RoomRequest::TurnAway { call: call(), participants: Vec::new() },
        11 => RoomRequest::Deliver(Delivery {
            number: 7,
            offset: 0,
            total: 3,
            piece: Piece(b"abc".to_vec()),
        }),
        _ => RoomRequest::RenewCertificate,
    }
}

/// One of the responses.
pub fn response(choice: u8) -> Response {
    match choice % 14 {
        0 => Response::Done,
        1 => Response::Joined(Box::new(joined())),
        2 => Response::NotJoined(JoinRefusal::WrongPin { tries_left: 2 }),
        3 => Response::NotJoined(JoinRefusal::Wait { seconds: 30 }),
        4 => Response::NotJoined(JoinRefusal::PinNeeded),
        5 => Response::Certificate(CertificateChain(vec!["MA==".to_owned(), "MII=".to_owned()])),
        6 => Response::Unsupported,
        7 => Response::MayReset { number: ResetNumber::from_random(482_913_077) },
        8 => Response::MayNotReset(ResetRefusal::WrongCode { tries_left: 4 }),
        9 => Response::Time { unix_ms: UnixMillis(1_795_369_800_123) },
        11 => Response::InLobby(Box::new(InLobby { call: call(), name: name("Weekly") })),
        12 => Response::NotLetIn(NotLetIn::Full { capacity: 5 }),
        13 => Response::NotJoined(JoinRefusal::LobbyUnsupported),
        _ => Response::Failed { reason: "not now".to_owned() },
    }
}

fn joined() -> Joined {
    Joined {
        call: call(),
        name: name("Weekly"),
        participant: ParticipantId::from_random(2),
        leg: leg(),
        roster: roster(),
    }
}

fn leg() -> MediaLeg {
    let key = |octet| {
        let profile = SrtpProfile::AeadAes128Gcm;
        let material = vec![octet; profile.key_len() + profile.salt_len()];
        let Ok(key) = SrtpKey::new(profile, material) else { panic!("the length is right") };
        key
    };
    MediaLeg {
        leg: LegId::from_random(1),
        address: "203.0.113.7".parse().ok(),
        port: 40_000,
        room_to_node: key(1),
        node_to_room: key(2),
        audio: Ssrc(1),
        video: Ssrc(2),
    }
}

/// One of the events of a cloud.
pub fn cloud_event(choice: u8) -> CloudEvent {
    let call = call();
    match choice % 15 {
        0 => CloudEvent::Activated {
            room: identity(),
            certificate: CertificateChain(vec!["MA==".to_owned()]),
        },
        1 => CloudEvent::NewCode { code: ActivationCode::from_random(99), expires_in_s: 900 },
        2 => CloudEvent::Room(identity()),
        3 => CloudEvent::Directory(directory()),
        4 => CloudEvent::Roster { call, roster: roster() },
        5 => CloudEvent::Speaking { call, participant: Some(ParticipantId::from_random(2)) },
        6 => CloudEvent::Speaking { call, participant: None },
        7 => CloudEvent::Reset { number: ResetNumber::from_random(482_913_077) },
        12 => CloudEvent::Admitted(Box::new(joined())),
        13 => CloudEvent::NotAdmitted { call, reason: AwayReason::TurnedAway },
        14 => CloudEvent::Lobby {
            call,
            waiting: vec![Waiter {
                participant: ParticipantId::from_random(3),
                name: name("Salle Hopper"),
            }],
        },
        9 => CloudEvent::Order(NumberedOrder { number: 7, order: Order::Identify }),
        10 => CloudEvent::Agenda(vec![AgendaEntry {
            number: number(),
            title: name("Tumour board"),
            starts_at: UnixTime(1_800_000_000),
            ends_at: UnixTime(1_800_003_600),
            organiser: Some(name("Dr Ada")),
        }]),
        11 => CloudEvent::Calendar(vec![
            CalendarEntry {
                starts_at: UnixTime(1_800_000_000),
                ends_at: UnixTime(1_800_003_600),
                title: Some(name("Handover")),
                number: Some(number()),
            },
            CalendarEntry {
                starts_at: UnixTime(1_800_003_600),
                ends_at: UnixTime(1_800_007_200),
                title: None,
                number: None,
            },
        ]),
        8 => CloudEvent::Settings(WantedSettings {
            mark: SettingsMark(0x0123_4567_89ab_cdef),
            settings: settings(),
        }),
        _ => CloudEvent::CallEnded { call, reason: EndReason::MediaLost },
    }
}

/// Frames of daemon and panel: every screen, and every tap.
pub fn panel_frames() -> Vec<Vec<u8>> {
    let panels = screens().into_iter().enumerate().filter_map(|(n, screen)| {
        let link = match n % 3 {
            0 => LinkState::Up,
            1 => LinkState::Connecting,
            _ => LinkState::Lost { retry_in_s: 7 },
        };
        let notices = [Notice::CameraLost, Notice::CallLost, Notice::WrongCloud];
        encode(&Panel {
            language: if n % 2 == 0 { Language::English } else { Language::French },
            room: (n > 1).then(|| name("Salle Voltaire")),
            serial: "A7".to_owned(),
            link,
            camera: Health::Working,
            microphone: Health::Missing,
            screen,
            notice: notices.get(n).copied(),
            asleep: n == 2,
            identify: n == 4,
            brightness: 40,
            time_zone: (n == 3).then(|| "Europe/Paris".parse().ok()).flatten(),
            development: n == 1,
            look: [None, Some(Look::Soon), Some(Look::Picture { number: 7 })][n % 3],
        })
        .ok()
    });
    let taps = taps().into_iter().filter_map(|tap| encode(&tap).ok());
    panels.chain(taps).collect()
}

fn screens() -> Vec<Screen> {
    let (number, name) = (number(), name("Weekly"));
    let person = |me: bool| Person {
        participant: ParticipantId::from_random(2),
        name: name.clone(),
        microphone: Switch::On,
        camera: Switch::Off,
        speaking: !me,
        me,
    };
    let in_call = InCall {
        name: name.clone(),
        number: number.clone(),
        seconds: 61,
        participants: vec![person(true), person(false)],
        microphone: Switch::On,
        camera: Switch::On,
        volume: 60,
        layout: Layout::Speaker,
        people_open: true,
        lobby: vec![conclave_panel_api::Waiter {
            participant: ParticipantId::from_random(3),
            name: name.clone(),
        }],
        health: CallHealth::Rejoining,
    };
    let code = Some(ActivationCode::from_random(7));
    vec![
        Screen::Starting,
        Screen::Activation { code, seconds_left: 600, seconds_total: 900 },
        Screen::Idle {
            meetings: vec![Meeting {
                number: Some(number.clone()),
                title: Some(name.clone()),
                starts_at: UnixTime(1_800_000_000),
                ends_at: UnixTime(1_800_003_600),
                organiser: Some(name.clone()),
                now: true,
            }],
            directory: vec![Entry { number: number.clone(), name: name.clone(), pin: true }],
            numbers: false,
        },
        Screen::Number {
            typed: "47".to_owned(),
            complete: false,
            trouble: Some(Trouble::TooManyNumbers { seconds: 90 }),
        },
        Screen::Pin {
            number: number.clone(),
            name: None,
            typed: 3,
            complete: true,
            trouble: Some(Trouble::WrongPin { tries_left: 2 }),
        },
        Screen::Connecting { number: number.clone(), name: Some(name.clone()) },
        Screen::Lobby { number, name: name.clone(), health: CallHealth::LinkLost },
        Screen::InCall(Box::new(in_call)),
        Screen::ResetCode {
            typed: 8,
            complete: true,
            trouble: Some(Trouble::WrongResetCode { tries_left: 4 }),
        },
        Screen::ResetConfirm { seconds_left: 60 },
        Screen::Resetting,
        Screen::ResetReceipt(Box::new(ResetReceipt {
            number: Some(ResetNumber::from_random(482_913_077)),
            room: Some(name),
            serial: "A7".to_owned(),
            key: "0123 4567 89ab cdef".to_owned(),
            at: UnixTime(1_795_369_800),
            erased: Erased::Partition,
            noted: true,
            restart_in_s: 120,
        })),
        stick(StickStep::Ask { running: Version(1, 0, 0), version: Version(1, 1, 0) }),
        stick(StickStep::Unusable { why: StickFault::NotSigned }),
        stick(StickStep::Copying { percent: 40 }),
        stick(StickStep::Installing { percent: 100 }),
        stick(StickStep::Restarting),
    ]
}

fn stick(step: StickStep) -> Screen {
    Screen::Stick { step }
}

fn taps() -> Vec<Tap> {
    vec![
        Tap::Language(LanguageTap { language: Language::French }),
        Tap::JoinWithNumber,
        Tap::Choose { number: number() },
        Tap::Digit { digit: 7 },
        Tap::Delete,
        Tap::Join,
        Tap::Back,
        Tap::Microphone,
        Tap::Camera,
        Tap::Volume { louder: true },
        Tap::Layout,
        Tap::People,
        Tap::Leave,
        Tap::LetIn { participant: ParticipantId::from_random(3) },
        Tap::TurnAway { participant: ParticipantId::from_random(3) },
        Tap::LetAllIn,
        Tap::Dismiss,
        Tap::Wake,
        Tap::Reset,
        Tap::Erase,
        Tap::Restart,
        Tap::Install,
        Tap::Picture(PicturePiece {
            number: 7,
            offset: 0,
            total: 9,
            octets: PictureOctets(b"\x89PNG".to_vec()),
        }),
        Tap::NoPicture { number: 7 },
    ]
}

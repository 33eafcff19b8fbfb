//! The room's machine, driven by taps and by a cloud that is written out by hand.

use super::*;
use crate::board::{BoardPart, Heat, Presence};
use conclave_link_protocol::message::{Joined, Participant, Roster, Welcome};
use conclave_panel_api::Screen;
use conclave_types::{
    CallId, LegId, MediaLeg, ParticipantId, Redacted, ResetNumber, RoomId, SrtpKey, SrtpProfile,
    Ssrc,
};

pub(crate) const NUMBER: ResetNumber = ResetNumber::from_random(482_913_077);

pub(crate) const CLOUD: Redacted<IpAddr> = Redacted(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

pub(crate) fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

/// A time of day, on some day.
pub(crate) fn clock(hours: u8, minutes: u8) -> LocalTime {
    LocalTime { hours, minutes, ..LocalTime::default() }
}

pub(crate) fn new_room() -> Room {
    let settings = Settings { language: Language::English, volume: 60, layout: Layout::Grid };
    Room::new(
        Facts {
            serial: "TEST-1".to_owned(),
            key: "0123 4567 89ab cdef".to_owned(),
            development: false,
            knows_zone: |name| name != "Mars/Olympus",
        },
        settings,
        None,
    )
}

pub(crate) fn identity() -> RoomIdentity {
    RoomIdentity { room: RoomId::from_random(1), name: "Room Ada".parse().unwrap() }
}

pub(crate) fn welcome() -> Greeting {
    Greeting::Welcome(Box::new(Welcome {
        version: 1,
        room: identity(),
        directory: vec![DirectoryEntry {
            number: "4711".parse().unwrap(),
            name: "Board".parse().unwrap(),
            pin: true,
        }],
        calls: Vec::new(),
        waiting: Vec::new(),
    }))
}

pub(crate) fn linked() -> Room {
    let mut room = new_room();
    room.handle(at(0), Input::LinkUp { greeting: welcome(), cloud: CLOUD });
    room
}

pub(crate) fn outputs(room: &mut Room) -> Vec<Output> {
    std::iter::from_fn(|| room.poll_output()).collect()
}

pub(crate) fn taps(room: &mut Room, now: Time, all: impl IntoIterator<Item = Tap>) {
    for tap in all {
        room.handle(now, Input::Tap(tap));
    }
}

pub(crate) fn digits(text: &str) -> Vec<Tap> {
    text.bytes().map(|b| Tap::Digit { digit: b - b'0' }).collect()
}

pub(crate) fn asked(room: &mut Room) -> Option<(AskId, RoomRequest)> {
    outputs(room).into_iter().find_map(|output| match output {
        Output::Ask { ask, request } => Some((ask, request)),
        _ => None,
    })
}

fn joined() -> Response {
    Response::Joined(Box::new(admission()))
}

pub(crate) fn admission() -> Joined {
    let key = SrtpKey::new(SrtpProfile::AeadAes128Gcm, vec![0; 28]).unwrap();
    let person = |n: u32, name: &str| Participant {
        participant: ParticipantId::from_random(u128::from(n)),
        name: name.parse().unwrap(),
        microphone: Switch::On,
        camera: Switch::On,
        audio: Ssrc(10 * n),
        video: Ssrc(10 * n + 1),
    };
    Joined {
        call: CallId::from_random(1),
        name: "Board".parse().unwrap(),
        participant: ParticipantId::from_random(1),
        leg: MediaLeg {
            leg: LegId::from_random(1),
            address: None,
            port: 40_000,
            room_to_node: key.clone(),
            node_to_room: key,
            audio: Ssrc(10),
            video: Ssrc(11),
        },
        roster: Roster {
            revision: 1,
            participants: vec![person(1, "Room Ada"), person(2, "Salle Voltaire")],
        },
    }
}

pub(crate) fn in_call() -> Room {
    answered_with(joined())
}

/// Dials, and is answered so.
pub(crate) fn answered_with(answer: Response) -> Room {
    let mut room = linked();
    taps(&mut room, at(1), [Tap::Choose { number: "4711".parse().unwrap() }]);
    taps(&mut room, at(1), digits("2468"));
    taps(&mut room, at(1), [Tap::Join]);
    let (ask, _) = asked(&mut room).unwrap();
    room.handle(at(2), Input::Answered { ask, answer: Some(answer) });
    room
}

#[test]
fn a_newcomer_shows_its_code_and_becomes_a_room_when_it_is_claimed() {
    let mut room = new_room();
    let code: ActivationCode = "7KQ2-9FXM".parse().unwrap();
    let greeting = Greeting::Newcomer { code, expires_in_s: 900 };
    room.handle(at(0), Input::LinkUp { greeting, cloud: CLOUD });
    assert_eq!(
        room.panel(at(60)).screen,
        Screen::Activation { code: Some(code), seconds_left: 840, seconds_total: 900 }
    );
    let certificate = CertificateChain(vec!["AAAA".to_owned()]);
    let event = CloudEvent::Activated { room: identity(), certificate: certificate.clone() };
    room.handle(at(61), Input::Cloud(event));
    assert!(outputs(&mut room).contains(&Output::Enrol { room: identity(), certificate }));
    assert!(matches!(room.panel(at(61)).screen, Screen::Idle { .. }));
}

#[test]
fn a_meeting_room_with_a_pin_asks_for_it_before_anything_is_dialled() {
    let mut room = linked();
    outputs(&mut room);
    taps(&mut room, at(1), [Tap::JoinWithNumber]);
    taps(&mut room, at(1), digits("4711"));
    taps(&mut room, at(1), [Tap::Join]);
    assert!(matches!(room.panel(at(1)).screen, Screen::Pin { .. }));
    assert_eq!(asked(&mut room), None);
    taps(&mut room, at(2), digits("2468"));
    taps(&mut room, at(2), [Tap::Join]);
    let (_, request) = asked(&mut room).unwrap();
    assert!(matches!(request, RoomRequest::Join(join) if join.pin == "2468".parse().ok()));
    assert!(matches!(room.panel(at(2)).screen, Screen::Connecting { .. }));
}

#[test]
fn a_wrong_pin_is_explained_where_it_was_typed_and_a_wait_counts_down() {
    let mut room = linked();
    taps(&mut room, at(1), [Tap::Choose { number: "4711".parse().unwrap() }]);
    taps(&mut room, at(1), digits("1111"));
    taps(&mut room, at(1), [Tap::Join]);
    let (ask, _) = asked(&mut room).unwrap();
    let refusal = Response::NotJoined(JoinRefusal::WrongPin { tries_left: 2 });
    room.handle(at(2), Input::Answered { ask, answer: Some(refusal) });
    let screen = room.panel(at(2)).screen;
    let trouble = Some(Trouble::WrongPin { tries_left: 2 });
    assert!(
        matches!(&screen, Screen::Pin { typed: 0, trouble: shown, .. } if *shown == trouble),
        "{screen:?}"
    );
    taps(&mut room, at(3), digits("2222"));
    taps(&mut room, at(3), [Tap::Join]);
    let (ask, _) = asked(&mut room).unwrap();
    let refusal = Response::NotJoined(JoinRefusal::Wait { seconds: 30 });
    room.handle(at(4), Input::Answered { ask, answer: Some(refusal) });
    taps(&mut room, at(5), digits("2468"));
    taps(&mut room, at(5), [Tap::Join]);
    assert_eq!(asked(&mut room), None, "a wait is kept");
    let screen = room.panel(at(14)).screen;
    assert!(
        matches!(
            screen,
            Screen::Pin { trouble: Some(Trouble::Wait { seconds: 20 }), complete: false, .. }
        ),
        "{screen:?}"
    );
    taps(&mut room, at(34), [Tap::Join]);
    assert!(asked(&mut room).is_some());
}

#[test]
fn media_is_told_of_the_others_and_not_of_the_room_itself() {
    let mut room = in_call();
    let told = outputs(&mut room).into_iter().find_map(|output| match output {
        Output::Media(MediaCommand::Participants(people)) => Some(people),
        _ => None,
    });
    let names: Vec<String> = told.unwrap().iter().map(|p| p.name.to_string()).collect();
    assert_eq!(names, ["Salle Voltaire"]);
}

#[test]
fn a_lost_link_in_mid_call_is_said_and_the_call_stays_on_the_panel() {
    let mut room = in_call();
    let trouble = LinkTrouble::Unreachable;
    room.handle(at(10), Input::LinkDown { trouble, retry_in: Duration::from_secs(4) });
    let panel = room.panel(at(11));
    assert_eq!(panel.link, LinkState::Lost { retry_in_s: 3 });
    assert!(
        matches!(&panel.screen, Screen::InCall(call) if call.health == conclave_panel_api::CallHealth::LinkLost)
    );
    assert!(!outputs(&mut room).contains(&Output::Media(MediaCommand::StopCall)));
}

#[test]
fn revocation_ends_the_call_forgets_the_certificate_and_says_so() {
    let mut room = in_call();
    outputs(&mut room);
    let greeting = Greeting::Refused { reason: Refusal::Revoked, retry_after_s: 1 };
    room.handle(at(20), Input::LinkUp { greeting, cloud: CLOUD });
    let all = outputs(&mut room);
    assert!(all.contains(&Output::Forget));
    assert!(all.contains(&Output::Media(MediaCommand::StopCall)));
    let panel = room.panel(at(20));
    assert_eq!(panel.notice, Some(Notice::Revoked));
    assert!(matches!(panel.screen, Screen::Activation { code: None, .. }));
}

#[test]
fn leaving_puts_microphone_and_camera_back_on() {
    let mut room = in_call();
    taps(&mut room, at(5), [Tap::Microphone, Tap::Camera]);
    assert_eq!(room.call.microphone(), Switch::Off);
    outputs(&mut room);
    taps(&mut room, at(6), [Tap::Leave]);
    let all = outputs(&mut room);
    assert!(all.contains(&Output::Media(MediaCommand::StopCall)));
    assert!(all.contains(&Output::Media(MediaCommand::Microphone(Switch::On))));
    assert_eq!(room.call.camera(), Switch::On);
    assert!(matches!(room.panel(at(6)).screen, Screen::Idle { .. }));
}

#[test]
fn however_a_call_ends_the_next_one_begins_with_microphone_and_camera_on() {
    use conclave_link_protocol::message::EndReason;
    let call = CallId::from_random(1);
    let ended = |reason| Input::Cloud(CloudEvent::CallEnded { call, reason });
    let revoked = Greeting::Refused { reason: Refusal::Revoked, retry_after_s: 1 };
    for end in [
        Input::Tap(Tap::Leave),
        ended(EndReason::Ended),
        ended(EndReason::Removed),
        Input::Media(MediaEvent::CallFailed { call, detail: String::new() }),
        Input::LinkUp { greeting: revoked, cloud: CLOUD },
        Input::Cloud(CloudEvent::Reset { number: NUMBER }),
    ] {
        let mut room = in_call();
        taps(&mut room, at(5), [Tap::Microphone, Tap::Camera]);
        outputs(&mut room);
        room.handle(at(6), end.clone());
        let all = outputs(&mut room);
        assert!(all.contains(&Output::Media(MediaCommand::StopCall)), "{end:?}");
        assert!(all.contains(&Output::Media(MediaCommand::Microphone(Switch::On))), "{end:?}");
        assert!(all.contains(&Output::Media(MediaCommand::Camera(Switch::On))), "{end:?}");
        assert_eq!((room.call.microphone(), room.call.camera()), (Switch::On, Switch::On));
        // A tap that was on its way when the call ended.
        taps(&mut room, at(6), [Tap::Microphone, Tap::Camera]);
        assert_eq!((room.call.microphone(), room.call.camera()), (Switch::On, Switch::On));
    }
}

#[test]
fn a_call_that_is_joined_again_keeps_its_switches() {
    let mut room = in_call();
    taps(&mut room, at(5), [Tap::Microphone]);
    outputs(&mut room);
    let reason = conclave_link_protocol::message::EndReason::Unknown;
    room.handle(
        at(6),
        Input::Cloud(CloudEvent::CallEnded { call: CallId::from_random(1), reason }),
    );
    let again = |output: &Output| {
        matches!(output, Output::Ask { request: RoomRequest::Join(join), .. }
            if (join.microphone, join.camera) == (Switch::Off, Switch::On))
    };
    assert!(outputs(&mut room).iter().any(again));
}

#[test]
fn the_timer_is_drawn_anew_each_second_and_nothing_is_sent_when_nothing_changed() {
    let mut room = in_call();
    outputs(&mut room);
    let mut panels = 0;
    for _ in 0..20 {
        let now = room.deadline().unwrap();
        room.handle(now, Input::Tick);
        panels += outputs(&mut room).iter().filter(|o| matches!(o, Output::Panel(_))).count();
    }
    assert_eq!(panels, 10, "ten seconds, ten pictures");
}

#[test]
fn a_missing_camera_is_said_until_it_is_back() {
    let mut room = linked();
    let event = |working| {
        Input::Media(MediaEvent::Part {
            part: MediaPart::Camera,
            working,
            detail: "test".to_owned(),
        })
    };
    room.handle(at(1), event(false));
    assert_eq!(room.panel(at(1)).notice, Some(Notice::CameraLost));
    assert_eq!(room.panel(at(1)).camera, Health::Missing);
    room.handle(at(2), event(true));
    assert_eq!(room.panel(at(2)).notice, None);
}

#[test]
fn a_pinned_key_that_does_not_match_is_named_on_the_panel() {
    let mut room = new_room();
    let trouble = LinkTrouble::WrongCloud;
    room.handle(at(1), Input::LinkDown { trouble, retry_in: Duration::from_secs(30) });
    assert_eq!(room.panel(at(1)).notice, Some(Notice::WrongCloud));
}

#[test]
fn a_certificate_is_renewed_once_and_kept() {
    let mut room = linked();
    outputs(&mut room);
    room.handle(at(5), Input::RenewalDue);
    room.handle(at(6), Input::RenewalDue);
    let asks: Vec<_> = outputs(&mut room)
        .into_iter()
        .filter_map(|output| match output {
            Output::Ask { ask, request: RoomRequest::RenewCertificate } => Some(ask),
            _ => None,
        })
        .collect();
    assert_eq!(asks.len(), 1, "one question at a time");
    let chain = CertificateChain(vec!["BBBB".to_owned()]);
    let answer = Some(Response::Certificate(chain.clone()));
    room.handle(at(7), Input::Answered { ask: asks[0], answer });
    assert!(outputs(&mut room).contains(&Output::Renew(chain)));
}

#[test]
fn a_certificate_that_the_cloud_cannot_sign_is_not_asked_for_every_second() {
    let mut room = linked();
    outputs(&mut room);
    let mut asked_at = Vec::new();
    for second in 0..1_300 {
        room.handle(at(second), Input::RenewalDue);
        if let Some((ask, RoomRequest::RenewCertificate)) = asked(&mut room) {
            asked_at.push(second);
            let answer = Some(Response::Failed { reason: "no".to_owned() });
            room.handle(at(second), Input::Answered { ask, answer });
        }
    }
    assert_eq!(asked_at, [0, 600, 1200]);
}

#[test]
fn faults_are_told_again_with_each_new_link() {
    let mut room = linked();
    let detail = "unplugged".to_owned();
    let event = MediaEvent::Part { part: MediaPart::Camera, working: false, detail };
    room.handle(at(1), Input::Media(event));
    outputs(&mut room);
    let trouble = LinkTrouble::Unreachable;
    room.handle(at(2), Input::LinkDown { trouble, retry_in: Duration::from_secs(1) });
    room.handle(at(3), Input::LinkUp { greeting: welcome(), cloud: CLOUD });
    assert!(outputs(&mut room).iter().any(|output| matches!(
        output,
        Output::Tell(RoomEvent::Health { part, working: false, .. }) if part == "camera"
    )));
}

pub(crate) fn board(room: &mut Room, now: Time, event: BoardEvent) {
    room.handle(now, Input::Board(event));
}

fn part(part: BoardPart, working: bool) -> BoardEvent {
    BoardEvent::Part { part, working, detail: if working { "" } else { "unplugged" }.to_owned() }
}

/// A linked room whose presence sensor works and has seen nobody.
fn empty_room() -> Room {
    let mut room = linked();
    board(&mut room, at(0), part(BoardPart::PresenceSensor, true));
    room
}

#[test]
fn the_mute_button_does_in_a_call_what_the_panels_does() {
    let (mut by_button, mut by_tap) = (in_call(), in_call());
    for second in 5..8 {
        outputs(&mut by_button);
        outputs(&mut by_tap);
        board(&mut by_button, at(second), BoardEvent::MutePressed);
        taps(&mut by_tap, at(second), [Tap::Microphone]);
        let done = outputs(&mut by_button);
        assert_eq!(done, outputs(&mut by_tap));
        let muted = done.contains(&Output::Media(MediaCommand::Microphone(Switch::Off)));
        assert_eq!(muted, second % 2 == 1, "{done:?}");
        assert!(done.contains(&Output::Light(if muted { Light::Red } else { Light::Green })));
        let told = |output: &Output| {
            matches!(output, Output::Ask { request: RoomRequest::SetMedia { .. }, .. })
        };
        assert!(second > 5 || done.iter().any(told), "the cloud is told: {done:?}");
    }
}

#[test]
fn the_mute_button_does_nothing_outside_a_call() {
    let mut room = linked();
    outputs(&mut room);
    board(&mut room, at(1), BoardEvent::MutePressed);
    taps(&mut room, at(2), [Tap::Choose { number: "4711".parse().unwrap() }]);
    taps(&mut room, at(2), digits("2468"));
    taps(&mut room, at(2), [Tap::Join]);
    board(&mut room, at(2), BoardEvent::MutePressed);
    let media = |output: &Output| matches!(output, Output::Media(MediaCommand::Microphone(_)));
    assert!(!outputs(&mut room).iter().any(media));
    assert_eq!(room.call.microphone(), Switch::On);
}

#[test]
fn the_light_is_dark_green_and_red_and_is_told_changes_only() {
    let lights = |room: &mut Room| {
        let told = outputs(room).into_iter().filter_map(|output| match output {
            Output::Light(light) => Some(light),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let mut room = linked();
    assert_eq!(lights(&mut room), [Light::Off]);
    let mut room = in_call();
    assert_eq!(lights(&mut room), [Light::Green]);
    taps(&mut room, at(5), [Tap::Microphone, Tap::Camera]);
    assert_eq!(lights(&mut room), [Light::Red]);
    taps(&mut room, at(6), [Tap::Leave]);
    assert_eq!(lights(&mut room), [Light::Off]);
}

#[test]
fn the_panel_of_an_empty_room_sleeps_and_whoever_comes_wakes_it() {
    let mut room = empty_room();
    assert_eq!(room.deadline(), Some(at(60)));
    room.handle(at(59), Input::Tick);
    assert!(!room.panel(at(59)).asleep);
    outputs(&mut room);
    room.handle(at(60), Input::Tick);
    assert!(room.panel(at(60)).asleep);
    assert!(outputs(&mut room).iter().any(|output| matches!(output, Output::Panel(_))));
    assert_eq!(room.deadline(), None, "a panel that sleeps waits for nothing");

    board(&mut room, at(70), BoardEvent::PresenceBegan);
    assert_eq!(room.board().presence, Some(Presence::Somebody));
    assert!(!room.panel(at(700)).asleep, "as long as somebody is there");
    // The board has waited before it says so.
    board(&mut room, at(700), BoardEvent::PresenceEnded);
    assert!(room.panel(at(700)).asleep);
    // A touch wakes it, though the sensor sees nobody.
    taps(&mut room, at(710), [Tap::Wake]);
    assert!(!room.panel(at(769)).asleep && room.panel(at(770)).asleep);
}

#[test]
fn a_room_without_a_presence_sensor_never_sleeps() {
    let mut room = linked();
    board(&mut room, at(1), part(BoardPart::PresenceSensor, false));
    room.handle(at(3600), Input::Tick);
    assert!(!room.panel(at(3600)).asleep);
    assert_eq!(room.deadline(), None);
}

#[test]
fn the_panel_is_awake_in_a_call_while_enrolling_and_while_a_pad_is_open() {
    let mut room = new_room();
    board(&mut room, at(0), part(BoardPart::PresenceSensor, true));
    let greeting = Greeting::Newcomer { code: "7KQ2-9FXM".parse().unwrap(), expires_in_s: 900 };
    room.handle(at(1), Input::LinkUp { greeting, cloud: CLOUD });
    assert!(!room.panel(at(500)).asleep, "enrolling");

    let mut room = empty_room();
    taps(&mut room, at(1), [Tap::JoinWithNumber]);
    assert!(!room.panel(at(500)).asleep, "a pad");
    taps(&mut room, at(500), [Tap::Back]);
    assert!(!room.panel(at(559)).asleep && room.panel(at(560)).asleep);

    let mut room = in_call();
    board(&mut room, at(3), part(BoardPart::PresenceSensor, true));
    board(&mut room, at(3), BoardEvent::PresenceEnded);
    assert!(!room.panel(at(500)).asleep, "a call");
    let ended = CloudEvent::CallEnded {
        call: CallId::from_random(1),
        reason: conclave_link_protocol::message::EndReason::Ended,
    };
    room.handle(at(500), Input::Cloud(ended));
    let panel = room.panel(at(559));
    assert!(!panel.asleep && panel.notice == Some(Notice::CallEnded), "it is read in peace");
    assert!(room.panel(at(560)).asleep);
}

#[test]
fn heat_is_said_with_what_to_do_until_it_is_cool_again() {
    let mut room = linked();
    outputs(&mut room);
    for (heat, notice) in [(Heat::Hot, Notice::Hot), (Heat::VeryHot, Notice::VeryHot)] {
        board(&mut room, at(1), BoardEvent::TooHot(heat));
        assert_eq!(room.panel(at(1)).notice, Some(notice));
        assert_eq!(room.board().heat, Some(heat));
        assert!(outputs(&mut room).iter().any(|output| matches!(
            output,
            Output::Tell(RoomEvent::Health { part, working: false, .. }) if part == "heat"
        )));
    }
    board(&mut room, at(2), BoardEvent::CoolAgain);
    assert_eq!(room.panel(at(2)).notice, None);
    assert_eq!(room.board().heat, None);
    // What else there is to say stays said.
    let trouble = LinkTrouble::WrongCloud;
    board(&mut room, at(3), BoardEvent::TooHot(Heat::Hot));
    room.handle(at(3), Input::LinkDown { trouble, retry_in: Duration::from_secs(30) });
    board(&mut room, at(4), BoardEvent::CoolAgain);
    assert_eq!(room.panel(at(4)).notice, Some(Notice::WrongCloud));
}

#[test]
fn a_held_reset_button_wakes_the_panel_and_asks_for_a_code() {
    let mut room = empty_room();
    assert!(room.panel(at(100)).asleep);
    board(&mut room, at(100), BoardEvent::ResetHeld);
    let panel = room.panel(at(100));
    assert!(!panel.asleep && matches!(panel.screen, Screen::ResetCode { typed: 0, .. }));
    assert!(!outputs(&mut room).contains(&Output::Erase));
    room.handle(at(280), Input::Tick);
    assert!(matches!(room.panel(at(280)).screen, Screen::Idle { .. }), "nobody went on");
}

#[test]
fn a_part_that_is_missing_is_told_the_cloud_and_the_room_goes_on() {
    let mut room = in_call();
    outputs(&mut room);
    board(&mut room, at(5), part(BoardPart::Light, false));
    let missing: Vec<_> = room.board().missing.iter().collect();
    assert_eq!(missing, [(&BoardPart::Light, &"unplugged".to_owned())]);
    assert!(outputs(&mut room).iter().any(|output| matches!(
        output,
        Output::Tell(RoomEvent::Health { part, working: false, .. }) if part == "light"
    )));
    assert_eq!(room.panel(at(5)).notice, None, "nobody in the room can mend it");
    board(&mut room, at(6), part(BoardPart::Light, true));
    assert!(room.board().missing.is_empty());
}

/// Random taps and events in any order: never a panic, the panel always has a screen, and the
/// media path is started and stopped in turn; what was kept is erased once at most, and the machine restarts
/// only after it; the light is the call's, and the panel is awake wherever
/// somebody began something.
#[test]
fn any_order_of_taps_and_events_keeps_panel_and_media_together() {
    for seed in 1..1_500_u64 {
        let mut draw = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = |below: u64| {
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            draw % below
        };
        let mut room = new_room();
        let (mut now, mut media, mut asks) = (at(0), false, Vec::new());
        let (mut light, mut resets, mut erased) = (Light::Off, Vec::new(), 0);
        for step in 0..80 {
            now = now + Duration::from_millis(next(3_000));
            let input = match next(30) {
                0..=4 => Input::Tap(Tap::Digit { digit: next(12) as u8 }),
                5 => Input::Tap(Tap::Join),
                6 => Input::Tap(Tap::Choose { number: "4711".parse().unwrap() }),
                7 => Input::Tap(Tap::JoinWithNumber),
                8 => Input::Tap(Tap::Leave),
                9 => Input::Tap(Tap::Back),
                10 => Input::Tap(Tap::Microphone),
                11 | 12 => Input::LinkUp { greeting: welcome(), cloud: CLOUD },
                13 => Input::LinkDown {
                    trouble: LinkTrouble::Unreachable,
                    retry_in: Duration::from_secs(next(60)),
                },
                14 => Input::LinkUp {
                    greeting: Greeting::Refused { reason: Refusal::Revoked, retry_after_s: 1 },
                    cloud: CLOUD,
                },
                15 => Input::RenewalDue,
                16 => Input::Tick,
                20 => Input::Board(BoardEvent::MutePressed),
                21 => Input::Board(BoardEvent::PresenceBegan),
                22 => Input::Board(BoardEvent::PresenceEnded),
                23 => {
                    now = now + Duration::from_secs(next(90));
                    Input::Tick
                }
                24 => Input::Board(BoardEvent::ResetHeld),
                25 => Input::Tap(Tap::Erase),
                26 if next(4) == 0 => Input::Cloud(CloudEvent::Reset { number: NUMBER }),
                27 => Input::Erased { outcome: ResetOutcome::PartitionErased, at: UnixTime(1) },
                28 => Input::Tap(Tap::Restart),
                29 => match resets.pop() {
                    Some(ask) => {
                        let answer = Some(Response::MayReset { number: NUMBER });
                        Input::Answered { ask, answer }
                    }
                    None => Input::Tap(Tap::Reset),
                },
                _ => match asks.pop() {
                    Some(ask) => Input::Answered { ask, answer: Some(joined()) },
                    None => Input::Tap(Tap::People),
                },
            };
            room.handle(now, input.clone());
            for output in outputs(&mut room) {
                match output {
                    Output::Media(MediaCommand::StartCall { .. }) => {
                        assert!(!media, "seed {seed}, step {step}: {input:?}");
                        media = true;
                    }
                    Output::Media(MediaCommand::StopCall) => {
                        assert!(media, "seed {seed}, step {step}: {input:?}");
                        media = false;
                    }
                    Output::Ask { ask, request: RoomRequest::Join(_) } => asks.push(ask),
                    Output::Ask { ask, request: RoomRequest::MayReset { .. } } => resets.push(ask),
                    Output::Light(now) => light = now,
                    Output::Erase => erased += 1,
                    Output::Restart => assert_eq!(erased, 1, "seed {seed}, step {step}: {input:?}"),
                    _ => {}
                }
            }
            assert!(erased < 2, "seed {seed}, step {step}: {input:?}");
            let panel = room.panel(now);
            let call = match &panel.screen {
                Screen::InCall(call) => Some(call),
                _ => None,
            };
            assert_eq!(call.is_some(), media, "seed {seed}, step {step}: {input:?}");
            let wanted = match call.map(|call| call.microphone) {
                None => Light::Off,
                Some(Switch::On) => Light::Green,
                Some(Switch::Off) => Light::Red,
            };
            assert_eq!(light, wanted, "seed {seed}, step {step}: {input:?}");
            let switches = (room.call.microphone(), room.call.camera());
            assert!(
                call.is_some() || switches == (Switch::On, Switch::On),
                "seed {seed}, step {step}: {input:?}"
            );
            let idle = matches!(panel.screen, Screen::Idle { .. });
            assert!(idle || !panel.asleep, "seed {seed}, step {step}: {input:?}");
            let due = room.deadline();
            assert!(due.is_none_or(|due| due > now), "seed {seed}, step {step}: {input:?}");
        }
    }
}

#[test]
fn people_are_told_of_a_restart_and_of_a_way_back_and_of_a_missing_camera_first() {
    let mut room = linked();
    let notice = |room: &mut Room, news| {
        room.handle(at(1), Input::Update(news));
        room.panel(at(1)).notice
    };
    assert_eq!(notice(&mut room, UpdateNews::Updating), Some(Notice::Updating));
    assert_eq!(notice(&mut room, UpdateNews::None), None);
    assert_eq!(notice(&mut room, UpdateNews::Failed), Some(Notice::UpdateFailed));
    taps(&mut room, at(2), [Tap::Dismiss]);
    let (part, detail) = (MediaPart::Camera, String::new());
    room.handle(at(2), Input::Media(MediaEvent::Part { part, working: false, detail }));
    assert_eq!(notice(&mut room, UpdateNews::Updating), Some(Notice::CameraLost));
    // What is said first does not keep the other from being said.
    assert_eq!(notice(&mut room, UpdateNews::Failed), Some(Notice::CameraLost));
    taps(&mut room, at(3), [Tap::Dismiss]);
    assert_eq!(room.panel(at(3)).notice, Some(Notice::UpdateFailed));
    let (part, detail) = (MediaPart::Microphone, String::new());
    room.handle(at(4), Input::Media(MediaEvent::Part { part, working: false, detail }));
    assert_eq!(room.panel(at(4)).notice, Some(Notice::MicrophoneLost));
    taps(&mut room, at(5), [Tap::Dismiss, Tap::Dismiss]);
    assert_eq!(room.panel(at(5)).notice, None);
}

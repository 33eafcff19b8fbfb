//! The factory reset, tap by tap.

use super::*;
use crate::board::BoardEvent;
use crate::media::MediaCommand;
use crate::room::tests::{
    CLOUD, NUMBER, asked, at, board, digits, in_call, linked, new_room, outputs, taps, welcome,
};
use crate::room::{Input, LinkTrouble};
use conclave_link_protocol::message::{CertificateChain, CloudEvent};

const CODE: &str = "04711815";
const AT: UnixTime = UnixTime(1_795_369_800);

/// A linked room with the whole code typed and asked.
fn asking() -> (Room, AskId) {
    let mut room = linked();
    taps(&mut room, at(1), [Tap::Reset]);
    taps(&mut room, at(1), digits(CODE));
    outputs(&mut room);
    taps(&mut room, at(1), [Tap::Join]);
    let (ask, request) = asked(&mut room).unwrap();
    assert_eq!(request, RoomRequest::MayReset { code: CODE.parse().unwrap() });
    (room, ask)
}

fn answer(room: &mut Room, now: Time, ask: AskId, response: Option<Response>) {
    room.handle(now, Input::Answered { ask, answer: response });
}

fn erased(room: &mut Room, now: Time) {
    let outcome = ResetOutcome::PartitionErased;
    room.handle(now, Input::Erased { outcome, at: AT });
}

fn ordered(room: &mut Room, now: Time) {
    room.handle(now, Input::Cloud(CloudEvent::Reset { number: NUMBER }));
}

fn receipt(room: &Room, now: Time) -> ResetReceipt {
    match room.panel(now).screen {
        Screen::ResetReceipt(receipt) => *receipt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_right_code_and_a_yes_erase_the_room_and_the_cloud_is_told_before_it_restarts() {
    let (mut room, ask) = asking();
    assert!(matches!(room.panel(at(1)).screen, Screen::ResetCode { complete: false, .. }), "once");
    answer(&mut room, at(2), ask, Some(Response::MayReset { number: NUMBER }));
    assert_eq!(room.panel(at(2)).screen, Screen::ResetConfirm { seconds_left: 60 });
    assert!(!outputs(&mut room).contains(&Output::Erase), "asked once more");
    taps(&mut room, at(3), [Tap::Erase]);
    assert!(outputs(&mut room).contains(&Output::Erase));
    assert_eq!(room.panel(at(3)).screen, Screen::Resetting);
    erased(&mut room, at(5));
    let (ask, request) = asked(&mut room).unwrap();
    let report = ResetReport { number: NUMBER, outcome: ResetOutcome::PartitionErased };
    assert_eq!(request, RoomRequest::ResetDone(report));
    assert!(!receipt(&room, at(5)).noted);
    answer(&mut room, at(6), ask, Some(Response::Done));
    let shown = receipt(&room, at(6));
    assert_eq!((shown.number, shown.at, shown.erased), (Some(NUMBER), AT, Erased::Partition));
    assert_eq!((shown.noted, shown.restart_in_s), (true, 120));
    assert_eq!((shown.serial.as_str(), shown.key.as_str()), ("TEST-1", "0123 4567 89ab cdef"));
    outputs(&mut room);
    room.handle(at(125), Input::Tick);
    assert!(!outputs(&mut room).contains(&Output::Restart));
    room.handle(at(126), Input::Tick);
    assert!(outputs(&mut room).contains(&Output::Restart));
    room.handle(at(146), Input::Tick);
    assert!(outputs(&mut room).contains(&Output::Restart), "it did not");
}

#[test]
fn a_wrong_code_and_one_that_is_worth_nothing_are_said_and_typed_anew() {
    for (refusal, trouble) in [
        (ResetRefusal::WrongCode { tries_left: 4 }, Trouble::WrongResetCode { tries_left: 4 }),
        (ResetRefusal::NoCode, Trouble::NoResetCode),
        (ResetRefusal::Other, Trouble::Other),
    ] {
        let (mut room, ask) = asking();
        answer(&mut room, at(2), ask, Some(Response::MayNotReset(refusal)));
        let screen = Screen::ResetCode { typed: 0, complete: false, trouble: Some(trouble) };
        assert_eq!(room.panel(at(2)).screen, screen);
        assert!(!outputs(&mut room).contains(&Output::Erase));
    }
}

#[test]
fn a_room_without_a_link_asks_nobody_and_says_so() {
    let mut room = linked();
    taps(&mut room, at(1), [Tap::Reset]);
    let (trouble, retry_in) = (LinkTrouble::Unreachable, Duration::from_secs(5));
    room.handle(at(1), Input::LinkDown { trouble, retry_in });
    outputs(&mut room);
    taps(&mut room, at(2), digits(CODE));
    taps(&mut room, at(2), [Tap::Join]);
    assert_eq!(asked(&mut room), None);
    let Screen::ResetCode { trouble, .. } = room.panel(at(2)).screen else { panic!("the code") };
    assert_eq!(trouble, Some(Trouble::NoLink));

    let (mut room, ask) = asking();
    answer(&mut room, at(2), ask, None);
    let Screen::ResetCode { trouble, .. } = room.panel(at(2)).screen else { panic!("the code") };
    assert_eq!(trouble, Some(Trouble::NoLink));
}

#[test]
fn a_room_that_belongs_to_nobody_is_reset_without_a_code_and_no_other() {
    let mut room = new_room();
    taps(&mut room, at(1), [Tap::Reset]);
    assert!(matches!(room.panel(at(1)).screen, Screen::ResetConfirm { .. }));
    taps(&mut room, at(2), [Tap::Erase]);
    assert!(outputs(&mut room).contains(&Output::Erase));
    erased(&mut room, at(3));
    assert_eq!(asked(&mut room), None, "nobody would know what it is about");
    let shown = receipt(&room, at(3));
    assert_eq!((shown.number, shown.restart_in_s), (None, 120));

    // It is enrolled while the question stands there.
    let mut room = new_room();
    taps(&mut room, at(1), [Tap::Reset]);
    let certificate = CertificateChain(vec!["AAAA".to_owned()]);
    let event = CloudEvent::Activated { room: crate::room::tests::identity(), certificate };
    room.handle(at(2), Input::Cloud(event));
    taps(&mut room, at(3), [Tap::Erase]);
    assert!(!outputs(&mut room).contains(&Output::Erase));
}

#[test]
fn nobody_at_the_panel_resets_a_room_in_a_meeting_and_the_cloud_ends_the_call_first() {
    let mut room = in_call();
    board(&mut room, at(3), BoardEvent::ResetHeld);
    let panel = room.panel(at(3));
    assert!(matches!(panel.screen, Screen::InCall(_)));
    assert_eq!(panel.notice, Some(Notice::ResetInCall));
    outputs(&mut room);
    ordered(&mut room, at(4));
    let done = outputs(&mut room);
    let place = |wanted: &Output| done.iter().position(|output| output == wanted).unwrap();
    assert!(place(&Output::Media(MediaCommand::StopCall)) < place(&Output::Erase));
    assert_eq!(room.panel(at(4)).screen, Screen::Resetting);
}

#[test]
fn what_has_begun_is_not_begun_again_nor_stopped() {
    let mut room = linked();
    ordered(&mut room, at(1));
    outputs(&mut room);
    ordered(&mut room, at(2));
    taps(&mut room, at(2), [Tap::Back, Tap::Reset, Tap::Erase, Tap::JoinWithNumber]);
    room.handle(at(900), Input::Tick);
    assert_eq!(room.panel(at(900)).screen, Screen::Resetting);
    erased(&mut room, at(901));
    erased(&mut room, at(902));
    let done = outputs(&mut room);
    assert!(!done.contains(&Output::Erase));
    let asks = done.iter().filter(|output| matches!(output, Output::Ask { .. })).count();
    assert_eq!(asks, 1, "told once");
}

#[test]
fn the_cloud_is_told_as_soon_as_it_is_there_again() {
    let mut room = linked();
    ordered(&mut room, at(1));
    let (trouble, retry_in) = (LinkTrouble::Unreachable, Duration::from_secs(5));
    room.handle(at(2), Input::LinkDown { trouble, retry_in });
    erased(&mut room, at(3));
    outputs(&mut room);
    assert_eq!(receipt(&room, at(3)).restart_in_s, 600);
    room.handle(at(9), Input::LinkUp { greeting: welcome(), cloud: CLOUD });
    let (ask, _) = asked(&mut room).unwrap();
    // Its disk is full.
    answer(&mut room, at(10), ask, Some(Response::Failed { reason: "full".to_owned() }));
    room.handle(at(29), Input::Tick);
    assert_eq!(asked(&mut room), None);
    room.handle(at(30), Input::Tick);
    let (ask, _) = asked(&mut room).unwrap();
    // It notes it, and the answer is lost: the next greeting says so.
    answer(&mut room, at(31), ask, None);
    let greeting = Greeting::Refused { reason: Refusal::Revoked, retry_after_s: 3600 };
    room.handle(at(32), Input::LinkUp { greeting, cloud: CLOUD });
    let shown = receipt(&room, at(32));
    assert!(shown.noted && shown.restart_in_s == 120);
    assert!(!outputs(&mut room).contains(&Output::Forget), "there is nothing to forget");
}

#[test]
fn a_room_that_could_not_be_erased_says_so() {
    let mut room = linked();
    ordered(&mut room, at(1));
    outputs(&mut room);
    room.handle(at(2), Input::Erased { outcome: ResetOutcome::NotErased, at: AT });
    assert_eq!(receipt(&room, at(2)).erased, Erased::Nothing);
    let (_, request) = asked(&mut room).unwrap();
    assert!(
        matches!(request, RoomRequest::ResetDone(report) if report.outcome == ResetOutcome::NotErased)
    );
}

#[test]
fn whoever_has_read_the_receipt_need_not_wait() {
    let mut room = linked();
    ordered(&mut room, at(1));
    erased(&mut room, at(2));
    outputs(&mut room);
    taps(&mut room, at(9), [Tap::Restart]);
    assert!(outputs(&mut room).contains(&Output::Restart));
}

#[test]
fn a_question_that_nobody_answers_goes_by_itself() {
    let (mut room, ask) = asking();
    answer(&mut room, at(2), ask, Some(Response::MayReset { number: NUMBER }));
    assert!(room.deadline() <= Some(at(62)));
    room.handle(at(62), Input::Tick);
    assert!(matches!(room.panel(at(62)).screen, Screen::Idle { .. }));
    taps(&mut room, at(63), [Tap::Erase]);
    assert!(!outputs(&mut room).contains(&Output::Erase));
    assert!(!format!("{room:?}").contains(CODE));
}

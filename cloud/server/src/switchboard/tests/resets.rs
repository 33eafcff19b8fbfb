//! Factory resets: who may have a room erased, and what is kept of it.

use super::*;
use crate::control::ResetLine;
use conclave_directory::{RESET_CODE_LIFETIME, RESET_CODE_TRIES};

impl Cloud {
    fn code(&mut self, room: RoomId) -> ResetCode {
        match self.admin(ControlRequest::RoomResetCode { room: room.to_string() }).0 {
            ControlAnswer::RoomResetCode { code, expires_in_s: 900, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    fn order(&mut self, room: RoomId) -> (ResetLine, bool, Vec<Output>) {
        match self.admin(ControlRequest::RoomReset { room: room.to_string() }) {
            (ControlAnswer::RoomReset { reset, linked }, outputs) => (reset, linked, outputs),
            other => panic!("{other:?}"),
        }
    }

    fn types(&mut self, link: LinkId, code: &ResetCode) -> Response {
        self.ask(link, RoomRequest::MayReset { code: code.clone() }).0.unwrap()
    }

    fn tells(
        &mut self,
        link: LinkId,
        number: ResetNumber,
        outcome: ResetOutcome,
    ) -> (Option<Response>, Vec<Output>) {
        self.ask(link, RoomRequest::ResetDone(ResetReport { number, outcome }))
    }

    fn resets(&mut self) -> Vec<ResetLine> {
        match self.admin(ControlRequest::RoomResets { most: 9 }).0 {
            ControlAnswer::Resets { resets } => resets,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(&mut self, peer: Peer) -> Option<Refusal> {
        match self.hello(peer, vec![]).1.first() {
            Some(Output::Greet { greeting: Greeting::Refused { reason, .. }, .. }) => Some(*reason),
            _ => None,
        }
    }
}

fn wrong(tries_left: u8) -> Response {
    Response::MayNotReset(ResetRefusal::WrongCode { tries_left })
}

const NO_CODE: Response = Response::MayNotReset(ResetRefusal::NoCode);

#[test]
fn a_room_that_is_reset_leaves_a_receipt_and_never_links_again() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    let (reset, linked, outputs) = cloud.order(room);
    assert!(linked);
    assert_eq!(events_to(&outputs, link), [&CloudEvent::Reset { number: reset.number }]);
    cloud.later(60);
    let (response, outputs) = cloud.tells(link, reset.number, ResetOutcome::PartitionErased);
    assert_eq!(response, Some(Response::Done));
    assert!(outputs.contains(&Output::Close { link, reason: CloseReason::Revoked }));
    let [kept] = &cloud.resets()[..] else { panic!("one receipt") };
    assert_eq!((kept.number, kept.room, kept.way.as_str()), (reset.number, room, "cloud"));
    assert_eq!(kept.outcome.as_deref(), Some("partition_erased"));
    assert_eq!(kept.told_at, Some(cloud.wall()));
    assert_eq!(kept.key, KeyFingerprint::of(&[1; 9]).to_string());
    cloud.give(Input::Closed { link });
    assert_eq!(cloud.refusal(enrolled(1, room)), Some(Refusal::Revoked));
}

#[test]
fn an_order_waits_for_its_room_through_a_restart_of_the_cloud_and_is_told_with_each_link() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    cloud.give(Input::Closed { link });
    let (reset, linked, _) = cloud.order(room);
    assert!(!linked);
    assert_eq!(cloud.order(room).0, reset, "asked twice, it is reset once");
    let mut cloud = Cloud::on(cloud.disk);
    for _ in 0..2 {
        let (link, outputs) = cloud.hello(enrolled(1, room), vec![]);
        assert_eq!(events_to(&outputs, link), [&CloudEvent::Reset { number: reset.number }]);
        assert!(matches!(outputs[0], Output::Greet { .. }), "the greeting is the first word");
        cloud.give(Input::Closed { link });
    }
}

#[test]
fn an_order_can_be_taken_back_until_the_room_links() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    let withdraw = || ControlRequest::RoomResetWithdraw { room: "A".to_owned() };
    assert!(cloud.refused(withdraw()).contains("has heard the order"));
    cloud.give(Input::Closed { link });
    assert!(cloud.refused(withdraw()).contains("no reset of 'A' waits"));
    cloud.order(room);
    let (answer, _) = cloud.admin(withdraw());
    assert!(matches!(answer, ControlAnswer::RoomResetWithdrawn { .. }), "{answer:?}");
    let (link, outputs) = cloud.hello(enrolled(1, room), vec![]);
    assert_eq!(events_to(&outputs, link), [] as [&CloudEvent; 0]);
    assert_eq!(cloud.resets(), []);
}

#[test]
fn a_code_lets_its_room_be_reset_once() {
    let mut cloud = Cloud::new();
    let ((a, room), (b, _)) = (cloud.room(1, "A"), cloud.room(2, "B"));
    let code = cloud.code(room);
    assert_eq!(cloud.types(b, &code), NO_CODE, "another room's code");
    let Response::MayReset { number } = cloud.types(a, &code) else { panic!("it is right") };
    assert_eq!(cloud.types(a, &code), NO_CODE);
    assert_eq!(cloud.resets()[0].way, "panel");
    // Whoever says no in the end, or pulls the plug, has reset nothing.
    let (link, outputs) = cloud.hello(enrolled(1, room), vec![]);
    assert_eq!(events_to(&outputs, link), [] as [&CloudEvent; 0]);
    let (response, _) = cloud.tells(link, number, ResetOutcome::FolderErased);
    assert_eq!(response, Some(Response::Done));
    assert_eq!(cloud.resets()[0].outcome.as_deref(), Some("folder_erased"));
}

#[test]
fn wrong_codes_and_late_ones_are_worth_nothing() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    let never = ResetCode::from_random(12_345_678);
    assert_eq!(cloud.types(link, &never), NO_CODE, "while there is none, nothing can be guessed");
    let code = cloud.code(room);
    for left in (0..RESET_CODE_TRIES).rev() {
        assert_eq!(cloud.types(link, &never), wrong(left));
    }
    assert_eq!(cloud.types(link, &code), NO_CODE);
    let code = cloud.code(room);
    cloud.later(RESET_CODE_LIFETIME.as_secs());
    assert_eq!(cloud.types(link, &code), NO_CODE);
    assert_eq!(cloud.resets(), []);
}

#[test]
fn a_room_cannot_speak_for_another_or_make_up_a_number() {
    let mut cloud = Cloud::new();
    let ((_, room), (b, _)) = (cloud.room(1, "A"), cloud.room(2, "B"));
    let number = cloud.order(room).0.number;
    for number in [number, "000 000 000".parse().unwrap()] {
        let (response, outputs) = cloud.tells(b, number, ResetOutcome::PartitionErased);
        assert!(matches!(response, Some(Response::Failed { .. })), "{response:?}");
        assert_eq!(outputs, []);
    }
    assert_eq!(cloud.resets()[0].outcome, None);
}

#[test]
fn a_room_that_could_not_be_erased_stays_and_is_not_told_again() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    let number = cloud.order(room).0.number;
    let (response, outputs) = cloud.tells(link, number, ResetOutcome::NotErased);
    assert_eq!((response, outputs), (Some(Response::Done), vec![]));
    cloud.give(Input::Closed { link });
    let (link, outputs) = cloud.hello(enrolled(1, room), vec![]);
    assert_eq!(events_to(&outputs, link), [] as [&CloudEvent; 0]);
    assert_ne!(cloud.order(room).0.number, number, "it can be ordered anew");
}

#[test]
fn a_room_in_a_call_leaves_its_meeting_with_its_reset() {
    let mut cloud = Cloud::new();
    let ((a, room), (b, _)) = (cloud.room(1, "A"), cloud.room(2, "B"));
    cloud.vmr("4711", None, 5);
    cloud.joined(a, "4711", None);
    cloud.joined(b, "4711", None);
    let number = cloud.order(room).0.number;
    let (_, outputs) = cloud.tells(a, number, ResetOutcome::PartitionErased);
    assert!(matches!(events_to(&outputs, b)[..], [CloudEvent::Roster { .. }]));
}

#[test]
fn a_revoked_room_is_not_reset_from_afar() {
    let mut cloud = Cloud::new();
    let (_, room) = cloud.room(1, "A");
    cloud.admin(ControlRequest::RoomRevoke { room: room.to_string() });
    for request in [
        ControlRequest::RoomReset { room: room.to_string() },
        ControlRequest::RoomResetCode { room: room.to_string() },
    ] {
        assert!(cloud.refused(request).contains("without a code"));
    }
}

//! A stick with a new system, tap by tap.

use super::*;
use crate::room::Input;
use crate::room::tests::{at, in_call, linked, new_room, outputs, taps};
use conclave_panel_api::StickFault;
use conclave_types::Version;

const ASK: StickStep = StickStep::Ask { running: Version(1, 0, 0), version: Version(1, 1, 0) };

fn is(room: &mut Room, now: Time, step: Option<StickStep>) {
    room.handle(now, Input::Stick(step));
}

fn shows(room: &Room, now: Time, step: StickStep) -> bool {
    room.panel(now).screen == Screen::Stick { step }
}

#[test]
fn whoever_puts_a_stick_in_is_asked_says_yes_and_sees_how_far_it_is() {
    for mut room in [linked(), new_room()] {
        is(&mut room, at(1), Some(ASK));
        assert!(shows(&room, at(1), ASK));
        assert!(!outputs(&mut room).contains(&Output::InstallStick), "nobody has said yes");
        taps(&mut room, at(2), [Tap::Install]);
        assert!(outputs(&mut room).contains(&Output::InstallStick));
        for step in [
            StickStep::Copying { percent: 3 },
            StickStep::Installing { percent: 50 },
            StickStep::Restarting,
        ] {
            is(&mut room, at(3), Some(step));
            taps(&mut room, at(3), [Tap::Back, Tap::JoinWithNumber, Tap::Install]);
            assert!(shows(&room, at(4), step), "what was begun is seen to its end");
            assert!(!outputs(&mut room).contains(&Output::InstallStick), "once");
        }
    }
}

#[test]
fn not_now_leaves_the_room_to_its_people_until_the_stick_is_put_in_again() {
    let mut room = linked();
    is(&mut room, at(1), Some(ASK));
    taps(&mut room, at(2), [Tap::Back]);
    assert!(matches!(room.panel(at(2)).screen, Screen::Idle { .. }));
    is(&mut room, at(3), Some(ASK));
    assert!(matches!(room.panel(at(3)).screen, Screen::Idle { .. }));
    is(&mut room, at(4), None);
    is(&mut room, at(5), Some(ASK));
    assert!(shows(&room, at(5), ASK));
}

#[test]
fn nobody_in_a_meeting_on_a_pad_or_in_a_reset_is_asked() {
    let mut room = in_call();
    is(&mut room, at(3), Some(ASK));
    assert!(matches!(room.panel(at(3)).screen, Screen::InCall(_)));
    taps(&mut room, at(4), [Tap::Install]);
    assert!(!outputs(&mut room).contains(&Output::InstallStick));
    taps(&mut room, at(5), [Tap::Leave]);
    assert!(shows(&room, at(5), ASK), "once they have left");

    for began in [Tap::JoinWithNumber, Tap::Reset] {
        let mut room = linked();
        taps(&mut room, at(1), [began]);
        let before = room.panel(at(1)).screen;
        is(&mut room, at(2), Some(ASK));
        assert_eq!(room.panel(at(2)).screen, before);
    }
}

#[test]
fn why_a_stick_cannot_be_used_is_read_and_closed() {
    let mut room = linked();
    let refused = StickStep::Unusable { why: StickFault::NotNewer };
    is(&mut room, at(1), Some(refused));
    assert!(shows(&room, at(1), refused));
    taps(&mut room, at(2), [Tap::Install, Tap::Back]);
    assert!(!outputs(&mut room).contains(&Output::InstallStick));
    assert!(matches!(room.panel(at(2)).screen, Screen::Idle { .. }));
}

//! The audit log: what leaves a row, and what the row says.

use super::super::removal::DAILY;
use super::*;

impl Cloud {
    /// The rows of an organisation or of the installation, the oldest first: what was done, before, after.
    fn acts(&mut self, installation: bool) -> Vec<(String, String, String)> {
        let list = ControlRequest::AuditList { installation, below: None, most: 99 };
        let ControlAnswer::Audit { rows } = self.admin(list).0 else { panic!("no list") };
        let row = |row: crate::control::AuditLine| (row.act, row.before.0, row.after.0);
        rows.into_iter().rev().map(row).collect()
    }

    fn last_act(&mut self) -> (String, String, String) {
        self.acts(false).pop().unwrap()
    }
}

fn act(act: &str, before: &str, after: &str) -> (String, String, String) {
    (act.to_owned(), before.to_owned(), after.to_owned())
}

#[test]
fn each_order_that_changes_something_leaves_a_row_that_says_what() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    assert_eq!(cloud.last_act(), act("room.enrol", "", "A, serial number serial"));
    cloud.vmr("4711", Some("246810"), 5);
    assert_eq!(cloud.last_act(), act("vmr.create", "", "4711 'VMR 4711', a PIN, 5 seats"));
    let number = || "4711".parse().unwrap();
    let named = || room.to_string();
    for (order, row) in [
        (
            ControlRequest::RoomRename { room: "A".into(), name: "B".parse().unwrap() },
            act("room.rename", "A", "B"),
        ),
        (
            ControlRequest::RoomFollow {
                room: named(),
                channel: Some("early".parse().unwrap()),
                window: None,
            },
            act("room.follow", "stable, 02:00-05:00", "early, 02:00-05:00"),
        ),
        (
            ControlRequest::VmrSetPin { number: number(), pin: Some("135790".parse().unwrap()) },
            act("vmr.set_pin", "4711 'VMR 4711', a PIN, 5 seats", "another PIN"),
        ),
        (
            ControlRequest::VmrSetPin { number: number(), pin: None },
            act("vmr.set_pin", "4711 'VMR 4711', a PIN, 5 seats", "no PIN"),
        ),
        (ControlRequest::RoomResetCode { room: named() }, act("room.reset_code", "B", "")),
    ] {
        let (answer, _) = cloud.admin(order);
        assert!(!matches!(answer, ControlAnswer::Refused { .. }), "{answer:?}");
        assert_eq!(cloud.last_act(), row);
    }
    cloud.joined(link, "4711", None);
    cloud.admin(ControlRequest::MeetingEnd { number: number() });
    assert_eq!(cloud.last_act(), act("meeting.end", "4711 'VMR 4711', no PIN, 5 seats", ""));
    cloud.admin(ControlRequest::VmrRemove { number: number() });
    assert_eq!(cloud.last_act(), act("vmr.remove", "4711 'VMR 4711', no PIN, 5 seats", ""));
    let before = cloud.wall();
    cloud.admin(ControlRequest::RecordRemove { before });
    assert_eq!(cloud.last_act(), act("record.remove", "calls that ended before 2027-01-15", ""));

    cloud.give(Input::Closed { link });
    cloud.admin(ControlRequest::RoomReset { room: named() });
    assert_eq!(cloud.last_act(), act("room.reset", "B", ""));
    let count = cloud.acts(false).len();
    cloud.admin(ControlRequest::RoomReset { room: named() });
    assert_eq!(cloud.acts(false).len(), count, "it was ordered already");
    cloud.admin(ControlRequest::RoomResetWithdraw { room: named() });
    assert_eq!(cloud.last_act(), act("room.reset_withdraw", "B", ""));
    cloud.admin(ControlRequest::RoomRevoke { room: named() });
    assert_eq!(cloud.last_act(), act("room.revoke", "B", ""));
    cloud.admin(ControlRequest::RoomForget { room: named() });
    assert_eq!(cloud.last_act(), act("room.forget", "B", ""));

    assert_eq!(cloud.acts(true), [], "none of it was the installation's");
    let rename = ControlRequest::OrganisationRename {
        organisation: "Organisation".into(),
        name: "Ministry".parse().unwrap(),
    };
    cloud.admin(rename);
    cloud.board.note(Caller::command_line(OrganisationId::FIRST), "key.promote_backup", "");
    assert_eq!(
        cloud.acts(true),
        [act("organisation.rename", "Organisation", "Ministry"), act("key.promote_backup", "", "")]
    );
    let ControlAnswer::AuditChecked { rows, wrong, .. } = cloud.admin(ControlRequest::AuditCheck).0
    else {
        panic!("not looked at")
    };
    assert_eq!((rows, wrong), (count as u64 + 5, vec![]));
    for secret in ["246810", "135790"] {
        let all = format!("{:?}", cloud.acts(false));
        assert!(!all.contains(secret), "{secret}");
    }
}

#[test]
fn what_is_asked_or_refused_leaves_none() {
    let mut cloud = Cloud::new();
    cloud.room(1, "A");
    cloud.room(2, "B");
    cloud.vmr("4711", None, 5);
    let before = cloud.acts(false);
    for order in [
        ControlRequest::RoomList {
            part: Part::default(),
            state: None,
            needs: false,
            group: None,
            tag: None,
        },
        ControlRequest::VmrList { part: Part::default() },
        ControlRequest::RoomRename { room: "A".into(), name: "B".parse().unwrap() },
        ControlRequest::RoomRevoke { room: "C".into() },
        ControlRequest::VmrRemove { number: "4712".parse().unwrap() },
        ControlRequest::VmrCreate {
            new: NewVmr::plain("4711".parse().unwrap(), "V".parse().unwrap(), 2),
            pin: Some("246810".parse().unwrap()),
        },
        ControlRequest::MeetingEnd { number: "4711".parse().unwrap() },
        ControlRequest::OrganisationAdd { name: "Organisation".parse().unwrap() },
    ] {
        cloud.admin(order);
    }
    // What a room changes afterwards is not put down to whoever was refused.
    let (link, _) = cloud.newcomer(3);
    cloud.give(Input::Closed { link });
    assert_eq!(cloud.acts(false), before);
    assert_eq!(cloud.acts(true), []);
}

#[test]
fn two_orders_that_wait_for_their_hashes_do_not_mix_their_rows() {
    let mut cloud = Cloud::new();
    let hospital = match cloud
        .admin(ControlRequest::OrganisationAdd { name: "Hospital".parse().unwrap() })
        .0
    {
        ControlAnswer::OrganisationAdded { organisation } => organisation.organisation,
        other => panic!("{other:?}"),
    };
    let create = |number: &str| ControlRequest::VmrCreate {
        new: NewVmr::plain(number.parse().unwrap(), "V".parse().unwrap(), 2),
        pin: Some("246810".parse().unwrap()),
    };
    cloud.hold = Some(vec![]);
    for (whose, number) in [(OrganisationId::FIRST, "4711"), (hospital, "4712")] {
        let by = Caller::command_line(whose);
        cloud.give(Input::Control { id: ControlId(7), by, request: create(number) });
    }
    cloud.release();
    for (whose, number) in [(OrganisationId::FIRST, "4711"), (hospital, "4712")] {
        cloud.whose = whose;
        let row = act("vmr.create", "", &format!("{number} 'V', a PIN, 2 seats"));
        assert_eq!(cloud.acts(false), [row]);
    }
}

#[test]
fn rows_go_after_their_time_and_the_rest_is_whole() {
    let mut cloud = Cloud::new();
    cloud.room(1, "A");
    cloud.later(KEPT.as_secs());
    cloud.vmr("4711", None, 5);
    cloud.later(KEPT.as_secs() + 2 * DAILY.as_secs());
    let acts: Vec<String> = cloud.acts(false).into_iter().map(|row| row.0).collect();
    assert_eq!(acts, ["vmr.create"]);
    let checked = cloud.admin(ControlRequest::AuditCheck).0;
    assert!(
        matches!(&checked, ControlAnswer::AuditChecked { first: 2, rows: 1, wrong, .. } if wrong.is_empty()),
        "{checked:?}"
    );
}

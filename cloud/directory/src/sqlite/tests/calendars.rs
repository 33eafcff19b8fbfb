//! The calendars of rooms.

use super::*;
use crate::calendars::{Calendars, RoomCalendar};

#[test]
fn a_room_has_one_calendar_which_goes_with_it() {
    let mut directory = directory();
    for n in [1, 2] {
        directory.enrol(&room(n, &format!("Room {n}"))).unwrap();
    }
    let (first, second) = (RoomId::from_random(1), RoomId::from_random(2));
    let calendar = |room, octet| RoomCalendar { room, sealed: vec![octet; 40], set_at: NOW };
    for (room, octet) in [(first, 1), (second, 2), (first, 3)] {
        assert!(directory.keep_calendar(&calendar(room, octet)).unwrap());
    }
    assert_eq!(directory.calendars().unwrap(), [calendar(first, 3), calendar(second, 2)]);

    let stranger = RoomId::from_random(9);
    assert!(!directory.keep_calendar(&calendar(stranger, 4)).unwrap());
    assert!(!directory.remove_calendar(stranger).unwrap());
    assert!(directory.remove_calendar(first).unwrap());
    assert!(directory.revoke_room(second, NOW).unwrap());
    assert!(directory.forget_room(second).unwrap());
    assert_eq!(directory.calendars().unwrap(), []);
}

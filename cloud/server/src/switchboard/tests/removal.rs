//! What is not kept for ever: records of calls, and revoked rooms.

use super::super::removal::{DAILY, FIRST};
use super::*;

impl Cloud {
    /// A call of this room that ends now.
    fn call(&mut self, link: LinkId) {
        let joined = self.joined(link, "4711", None);
        self.ask(link, RoomRequest::Leave { call: joined.call });
    }

    fn records(&self) -> usize {
        self.disk.call_records(OrganisationId::FIRST, Sight::All, 99).unwrap().len()
    }

    fn removed(&mut self, before: UnixTime) -> u32 {
        match self.admin(ControlRequest::RecordRemove { before }).0 {
            ControlAnswer::RecordsRemoved { removed, .. } => removed,
            other => panic!("{other:?}"),
        }
    }

    fn rooms(&mut self) -> Vec<RoomId> {
        match self
            .admin(ControlRequest::RoomList {
                part: Part::default(),
                state: None,
                needs: false,
                group: None,
                tag: None,
            })
            .0
        {
            ControlAnswer::Rooms { rooms, .. } => rooms.into_iter().map(|room| room.room).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn forget(room: &str) -> ControlRequest {
    ControlRequest::RoomForget { room: room.to_owned() }
}

#[test]
fn a_record_is_removed_a_day_after_its_time_at_the_latest_and_not_before_it() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    cloud.call(link);
    let ended = cloud.now;
    while cloud.records() == 1 {
        let at = cloud.board.deadline().unwrap();
        assert!(at.since(ended) <= KEPT + DAILY, "it is overdue");
        cloud.now = at;
        cloud.give(Input::Wake);
    }
    assert!(cloud.now.since(ended) > KEPT, "its time was not over");
}

#[test]
fn a_call_that_goes_on_keeps_its_record_however_long_ago_it_began() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    let Joined { call, participant, .. } = cloud.joined(link, "4711", None);
    let meeting = cloud.disk.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap()[0].meeting;
    cloud.give(Input::Media(MediaEvent::Flowing { meeting, participant }));
    cloud.later(KEPT.as_secs() * 3);
    cloud.later(DAILY.as_secs());
    assert_eq!(cloud.records(), 1);
    cloud.ask(link, RoomRequest::Leave { call });
    cloud.later(KEPT.as_secs() - 1);
    assert_eq!(cloud.records(), 1, "its time begins with its end");
    cloud.later(DAILY.as_secs() + 1);
    assert_eq!(cloud.records(), 0);
}

#[test]
fn a_cloud_that_has_just_started_removes_nothing() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    cloud.call(link);
    let mut cloud = Cloud::on(cloud.disk);
    let ahead = WALL.after(KEPT * 20);
    cloud.board.handle(cloud.now, ahead, Input::Wake);
    assert_eq!(cloud.records(), 1, "its clock is ahead until something sets it");
    cloud.later(FIRST.as_secs());
    assert_eq!(cloud.records(), 1, "it was set");
}

#[test]
fn a_full_disk_keeps_old_records_until_it_is_mended() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    cloud.call(link);
    *cloud.disk.1.lock().unwrap() = Space::None;
    cloud.later((KEPT + DAILY).as_secs());
    assert_eq!(cloud.records(), 1);
    *cloud.disk.1.lock().unwrap() = Space::Left;
    cloud.later(3_600);
    assert_eq!(cloud.records(), 0);
}

#[test]
fn an_administrator_removes_records_before_a_day_and_none_of_days_to_come() {
    let mut cloud = Cloud::new();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    cloud.call(link);
    cloud.later(2 * 86_400);
    cloud.call(link);
    cloud.joined(link, "4711", None);
    let now = cloud.wall();
    assert_eq!(cloud.removed(WALL), 0);
    assert_eq!(cloud.removed(WALL.after(DAILY)), 1);
    let reason = cloud.refused(ControlRequest::RecordRemove { before: now.after(DAILY * 2) });
    assert!(reason.contains("still to come"), "{reason}");
    assert_eq!(cloud.removed(now.after(DAILY)), 1);
    assert_eq!(cloud.records(), 1, "somebody is in that call");
}

#[test]
fn a_revoked_room_is_forgotten_with_its_receipts_and_stays_out() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    cloud.call(link);
    cloud.admin(ControlRequest::RoomReset { room: "A".to_owned() });
    assert!(cloud.refused(forget("A")).contains("in service"));
    assert!(cloud.refused(forget(&room.to_string())).contains("in service"));
    assert!(cloud.refused(forget("B")).contains("no room 'B'"));
    cloud.admin(ControlRequest::RoomRevoke { room: "A".to_owned() });
    let (answer, outputs) = cloud.admin(forget("A"));
    assert!(matches!(answer, ControlAnswer::RoomForgotten { .. }), "{answer:?}");
    assert_eq!(outputs, []);
    assert_eq!(cloud.rooms(), []);
    assert_eq!(
        conclave_directory::repository::Resets::resets(&cloud.disk, OrganisationId::FIRST, 9)
            .unwrap(),
        []
    );
    assert_eq!(cloud.records(), 1, "it goes after its time");
    assert!(cloud.refused(forget(&room.to_string())).contains("no room"));
    let (_, outputs) = cloud.hello(enrolled(1, room), vec![]);
    assert!(matches!(
        outputs[0],
        Output::Greet { greeting: Greeting::Refused { reason: Refusal::Revoked, .. }, .. }
    ));
}

#[test]
fn of_several_revoked_rooms_with_one_name_the_id_says_which() {
    let mut cloud = Cloud::new();
    let mut rooms = Vec::new();
    for key in 1..=2 {
        rooms.push(cloud.room(key, "A").1);
        cloud.admin(ControlRequest::RoomRevoke { room: "A".to_owned() });
    }
    let (_, active) = cloud.room(3, "A");
    assert!(cloud.refused(forget("A")).contains("several"));
    cloud.admin(forget(&rooms[0].to_string()));
    // The one in service is never meant.
    cloud.admin(forget("A"));
    assert_eq!(cloud.rooms(), [active]);
}

//! Releases reach rooms in waves, and only those rooms.

use super::*;
use crate::control::{RolloutChange, RolloutLine};
use conclave_rollout::{Amount, Stage, Standing};

const HASH: BundleHash = BundleHash([5; 32]);
const SIZE: u64 = 100_000;

fn board() -> Compatible {
    "conclave-x".parse().unwrap()
}

fn report(running: &str, stage: UpdateStage) -> RoomEvent {
    let wanted = (stage != UpdateStage::Idle).then_some(Version(1, 1, 0));
    let (running, compatible) = (running.parse().unwrap(), board());
    RoomEvent::Update(UpdateReport { running, compatible, wanted, stage })
}

impl Cloud {
    fn says(&mut self, link: LinkId, event: RoomEvent) -> Vec<Output> {
        self.give(Input::Event { link, event })
    }

    fn with_release() -> Cloud {
        let mut cloud = Cloud::new();
        let (answer, _) = cloud.admin(ControlRequest::ReleaseAdd {
            version: Version(1, 1, 0),
            compatible: board(),
            sha256: HASH,
            size: SIZE,
            floor: Version(1, 0, 0),
        });
        assert!(matches!(answer, ControlAnswer::ReleaseAdded { .. }), "{answer:?}");
        cloud
    }

    fn start(&mut self, channel: &str, waves: &[Amount], most_failed: u32) -> Vec<Output> {
        let (answer, outputs) = self.admin(ControlRequest::RolloutStart {
            version: Version(1, 1, 0),
            channel: channel.parse().unwrap(),
            waves: waves.to_vec(),
            enough: Amount::Share(100),
            most_failed: Amount::Count(most_failed),
            rest_minutes: 10,
        });
        assert!(matches!(answer, ControlAnswer::RolloutStarted { .. }), "{answer:?}");
        outputs
    }

    fn status(&mut self) -> (RolloutLine, Vec<crate::control::RolloutRoomLine>) {
        match self.admin(ControlRequest::RolloutStatus { rollout: 1 }).0 {
            ControlAnswer::Rollout { rollout, rooms } => (*rollout, rooms),
            other => panic!("{other:?}"),
        }
    }
}

fn offers(outputs: &[Output]) -> Vec<LinkId> {
    let offer = |output: &Output| match output {
        Output::Send { link, event: CloudEvent::Offer(offer) } => {
            assert_eq!((offer.release.sha256, offer.release.size), (HASH, SIZE));
            Some(*link)
        }
        _ => None,
    };
    outputs.iter().filter_map(offer).collect()
}

fn taken_back(outputs: &[Output]) -> Vec<LinkId> {
    let back = |output: &Output| match output {
        Output::Send { link, event: CloudEvent::NoOffer } => Some(*link),
        _ => None,
    };
    outputs.iter().filter_map(back).collect()
}

fn rooms(cloud: &mut Cloud, count: u8) -> Vec<LinkId> {
    let room = |n: u8| {
        let (link, _) = cloud.room(n + 1, &format!("Room {n}"));
        cloud.says(link, report("1.0.0", UpdateStage::Idle));
        link
    };
    (0..count).map(room).collect()
}

#[test]
fn waves_reach_linked_rooms_of_the_channel_one_after_the_other() {
    let mut cloud = Cloud::with_release();
    let all = rooms(&mut cloud, 4);
    let follow = |room: &str| ControlRequest::RoomFollow {
        room: room.to_owned(),
        channel: Some("early".parse().unwrap()),
        window: Some("22:00-23:00".parse().unwrap()),
    };
    assert!(matches!(cloud.admin(follow("Room 0")).0, ControlAnswer::RoomFollows { .. }));
    assert!(offers(&cloud.start("early", &[Amount::Count(2)], 0)) == [all[0]], "it alone follows");
    let first = offers(&cloud.start("stable", &[Amount::Count(1), Amount::Share(100)], 0));
    assert_eq!(first.len(), 1);
    let said = cloud.says(first[0], report("1.1.0", UpdateStage::Committed));
    assert_eq!(offers(&said), []);
    assert_eq!(offers(&cloud.later(599)), []);
    let rest: Vec<LinkId> = offers(&cloud.later(1));
    assert_eq!(rest.len(), 2, "the wave has rested");
    assert!(!rest.contains(&first[0]) && !rest.contains(&all[0]));
}

#[test]
fn a_room_that_changes_its_system_without_end_is_held_back() {
    let mut cloud = Cloud::with_release();
    let link = rooms(&mut cloud, 1)[0];
    let runs = |cloud: &mut Cloud| match cloud.admin(ControlRequest::RoomUpdates).0 {
        ControlAnswer::RoomUpdates { rooms } => rooms[0].running.unwrap(),
        other => panic!("{other:?}"),
    };
    for n in 1..1_000 {
        cloud.says(link, report(&format!("2.0.{n}"), UpdateStage::Idle));
    }
    // The first report counts as well.
    assert_eq!(u32::from(runs(&mut cloud).2), pace::AT_ONCE - 1);
    cloud.later(1);
    cloud.says(link, report("3.0.0", UpdateStage::Idle));
    assert_eq!(runs(&mut cloud), Version(3, 0, 0));
}

#[test]
fn a_wave_whose_rooms_fail_stops_by_itself_and_says_why() {
    let mut cloud = Cloud::with_release();
    let all = rooms(&mut cloud, 4);
    assert_eq!(offers(&cloud.start("stable", &[Amount::Share(100)], 1)).len(), 4);
    let fell = |detail: &str| UpdateStage::FellBack {
        fault: UpdateFault::Camera,
        detail: detail.to_owned(),
    };
    cloud.says(all[0], report("1.1.0", UpdateStage::Committed));
    let said = cloud.says(all[1], report("1.0.0", fell("none\nthere")));
    assert_eq!(taken_back(&said), []);
    let said = cloud.says(all[2], report("1.0.0", fell("")));
    assert_eq!(taken_back(&said), [all[3]], "what runs it keeps it, what failed knows");
    let (line, of) = cloud.status();
    assert_eq!((line.stage, line.committed, line.failed), (Stage::StoppedByFailures, 1, 2));
    let why = of.iter().find(|room| room.name.as_str() == "Room 1").unwrap();
    assert_eq!(why.why.as_deref(), Some("the camera gave no pictures nonethere"));
    // It survives the cloud's restart, and a person goes on.
    let mut cloud = Cloud::on(cloud.disk.clone());
    assert_eq!(cloud.status().0.stage, Stage::StoppedByFailures);
    let set = |to| ControlRequest::RolloutSet { rollout: 1, to };
    assert!(cloud.refused(set(RolloutChange::Stop)).contains("stopped by failures already"));
    cloud.admin(set(RolloutChange::Resume));
    let (line, of) = cloud.status();
    assert_eq!((line.stage, line.forgiven, line.offered), (Stage::Running, 2, 1));
    assert!(of.iter().filter(|room| room.standing == Standing::Forgiven).all(|r| r.why.is_some()));
}

#[test]
fn only_a_room_that_was_offered_a_bundle_gets_its_pieces() {
    let mut cloud = Cloud::with_release();
    let all = rooms(&mut cloud, 2);
    let chunk = |offset, length| RoomRequest::Chunk { sha256: HASH, offset, length };
    let gone = Some(Response::NoChunk(NoChunk::Gone));
    assert_eq!(cloud.ask(all[0], chunk(0, 10)).0, gone, "nothing was offered");
    let offered = offers(&cloud.start("stable", &[Amount::Count(1), Amount::Share(100)], 0));
    let other = all.iter().find(|link| **link != offered[0]).unwrap();
    assert_eq!(cloud.ask(*other, chunk(0, 10)).0, gone);
    for (offset, length) in
        [(0, 0), (0, LONGEST_CHUNK + 1), (SIZE - 9, 10), (u64::MAX, 10), (SIZE, 1)]
    {
        assert_eq!(cloud.ask(offered[0], chunk(offset, length)).0, gone, "{offset} {length}");
    }
    let (answer, outputs) = cloud.ask(offered[0], chunk(SIZE - 10, 10));
    assert_eq!(answer, None, "it is being read");
    let Some(Output::ReadChunk { link, id, offset, .. }) = outputs.into_iter().next() else {
        panic!("nothing is read")
    };
    let piece = Piece(vec![1; 10]);
    let read = Some(piece.clone());
    let said = cloud.give(Input::ChunkRead { link, id, offset, piece: read });
    let response = Response::Chunk { offset, piece };
    assert_eq!(said, [Output::Respond { link, id, response }]);
    // A room that has everything, and answers nobody waits for, do no harm.
    cloud.give(Input::ChunkRead { link, id, offset, piece: None });

    let length = u32::try_from(sums_length(SIZE)).unwrap();
    let sums = |length| RoomRequest::Sums { sha256: HASH, offset: 0, length };
    assert_eq!(cloud.ask(*other, sums(length)).0, gone);
    assert_eq!(cloud.ask(offered[0], sums(length + 1)).0, gone, "there are no more");
    let (answer, outputs) = cloud.ask(offered[0], sums(length));
    let read = matches!(outputs[..], [Output::ReadChunk { file: BundleFile::Sums(HASH), .. }]);
    assert!(answer.is_none() && read, "{outputs:?}");
}

#[test]
fn only_some_rooms_fetch_at_once_and_the_others_wait_their_turn() {
    let mut cloud = Cloud::with_release();
    let all = rooms(&mut cloud, 18);
    cloud.start("stable", &[Amount::Share(100)], 0);
    let ask = RoomRequest::Chunk { sha256: HASH, offset: 0, length: 10 };
    let busy = Some(Response::NoChunk(NoChunk::Busy { retry_after_s: 30 }));
    let answers = |cloud: &mut Cloud| {
        let all: Vec<_> = all.iter().map(|link| cloud.ask(*link, ask.clone()).0).collect();
        all.iter().filter(|answer| **answer == busy).count()
    };
    assert_eq!(answers(&mut cloud), 2);
    cloud.later(11);
    assert_eq!(answers(&mut cloud), 2, "others or the same, never more than its number");
}

#[test]
fn a_new_rollout_replaces_the_one_before_it_and_a_room_comes_back_to_its_offer() {
    let mut cloud = Cloud::with_release();
    let (link, room) = cloud.room(1, "Room 0");
    cloud.says(link, report("1.0.0", UpdateStage::Idle));
    cloud.start("stable", &[Amount::Share(100)], 0);
    cloud.give(Input::Closed { link });
    let (link, _) = cloud.link(1, room, vec![]);
    let waiting = UpdateStage::Fetching { percent: 40 };
    assert_eq!(offers(&cloud.says(link, report("1.0.0", waiting.clone()))), [link]);
    assert_eq!(cloud.says(link, report("1.0.0", UpdateStage::Fetching { percent: 45 })), []);
    let version = Version(1, 2, 0);
    let floor = Version(1, 0, 0);
    let add = |floor| ControlRequest::ReleaseAdd {
        version,
        compatible: board(),
        sha256: HASH,
        size: SIZE,
        floor,
    };
    assert!(cloud.refused(add(Version(2, 0, 0))).contains("above the release"));
    cloud.admin(add(floor));
    let start = ControlRequest::RolloutStart {
        version,
        channel: "stable".parse().unwrap(),
        waves: vec![Amount::Share(100)],
        enough: Amount::Share(90),
        most_failed: Amount::Count(0),
        rest_minutes: 0,
    };
    let (_, outputs) = cloud.admin(start.clone());
    assert_eq!((taken_back(&outputs), offers(&outputs)), (vec![link], vec![link]));
    assert!(cloud.refused(start).contains("already"));
    assert_eq!(cloud.status().0.stage, Stage::Withdrawn);
    cloud.admin(ControlRequest::RolloutSet { rollout: 2, to: RolloutChange::Withdraw });
    // After that it is told that it waits in vain.
    cloud.give(Input::Closed { link });
    let (link, _) = cloud.link(1, room, vec![]);
    assert_eq!(taken_back(&cloud.says(link, report("1.0.0", waiting))), [link]);
    let remove = |version| ControlRequest::ReleaseRemove { version, compatible: board() };
    assert!(cloud.refused(remove(version)).contains("was rolled out"));
    assert!(cloud.refused(remove(Version(9, 9, 9))).contains("no release 9.9.9"));
}

#[test]
fn a_revoked_room_is_counted_no_more() {
    let mut cloud = Cloud::with_release();
    rooms(&mut cloud, 2);
    cloud.start("stable", &[Amount::Share(100)], 0);
    assert_eq!(cloud.status().0.target, 2);
    cloud.admin(ControlRequest::RoomRevoke { room: "Room 1".to_owned() });
    let (line, of) = cloud.status();
    assert_eq!((line.target, line.offered, of.len()), (1, 1, 1));
    let ControlAnswer::Channels { channels } = cloud.admin(ControlRequest::ChannelList).0 else {
        panic!()
    };
    assert_eq!((channels[0].rooms, channels[0].rollouts.len()), (1, 1));
}

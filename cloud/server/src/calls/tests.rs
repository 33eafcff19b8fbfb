use super::file::CallFile;
use super::*;
use conclave_types::{CallId, LegId, MeetingId, ParticipantId, RoomId};

const START: Time = Time::from_micros(5_000_000);

fn id(n: u128) -> (CallId, ParticipantId) {
    (CallId::from_random(n), ParticipantId::from_random(n))
}

fn begin(log: &mut CallLog, n: u128) {
    let (call, participant) = id(n);
    log.note(CallNote::Began {
        call,
        room: RoomId::from_random(n),
        room_name: "Room A".parse().unwrap(),
        vmr_name: "Les Lumières".parse().unwrap(),
        meeting: MeetingId::from_random(9),
        participant,
        leg: LegId::from_random(n),
        at: UnixTime(1_800_000_000),
        now: START,
        span: tracing::Span::none(),
    });
}

fn sample(received: u64, lost: u64) -> LegSample {
    let unrepaired = lost / 2;
    let received = received - unrepaired;
    LegSample { flow: Flow::Flowing, received, lost, unrepaired, sent: 500, ..Default::default() }
}

fn end(log: &mut CallLog, n: u128, at: Time, last: LegSample) -> CallLine {
    let (call, participant) = id(n);
    log.note(CallNote::Ended { call, why: LeftWhy::Left, now: at });
    log.looked(at, &[(participant, Some(last))], Look::Last).pop().unwrap()
}

#[test]
fn a_call_becomes_a_line_with_its_sums_and_its_worst_moment() {
    let mut log = CallLog::new(vec![]);
    begin(&mut log, 1);
    let (call, participant) = id(1);
    assert_eq!(log.legs(), [(MeetingId::from_random(9), participant)]);
    let mut look = |seconds, sample| {
        let at = START + Duration::from_secs(seconds);
        assert_eq!(log.looked(at, &[(participant, Some(sample))], Look::Passing), []);
    };
    look(5, sample(1_000, 0));
    look(10, sample(2_000, 200));
    log.note(CallNote::PartBroke { call, part: "camera" });
    let line = end(&mut log, 1, START + Duration::from_secs(15), sample(3_000, 210));
    assert_eq!((line.seconds, line.quality.received, line.quality.lost), (15, 2_895, 210));
    let worst = line.quality.worst.unwrap();
    assert_eq!((worst.at_s, worst.way), (10, Way::FromRoom));
    assert!((19.0..=21.0).contains(&worst.lost_percent), "{worst:?}");
    assert!(line.verdict.contains("7 % of packets from Room A"), "{}", line.verdict);
    assert!(line.verdict.contains("camera"), "{}", line.verdict);
    let troubles = vec![CallTrouble::BrokeUp, CallTrouble::PartBroke];
    assert_eq!(log.judged(), [JudgedCall { call, room: RoomId::from_random(1), troubles }]);
    assert_eq!(log.judged(), [], "told once");
    assert_eq!(log.media().sums.lost, 210);
    assert_eq!((log.live(), log.legs().len(), log.recent(10).len()), (0, 0, 1));
}

#[test]
fn a_stopping_cloud_makes_lines_of_what_was_seen() {
    let mut log = CallLog::new(vec![]);
    begin(&mut log, 1);
    begin(&mut log, 2);
    log.looked(START + LOOK, &[(id(1).1, Some(sample(100, 0)))], Look::Passing);
    let lines = log.finish_all(START + LOOK);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].quality.received, 100);
    assert_eq!(log.looked(START + LOOK, &[(id(1).1, None)], Look::Last), [], "it is over already");
}

#[test]
fn the_log_keeps_so_many_and_no_more_and_the_file_survives_a_torn_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.jsonl");
    let (mut file, kept) = CallFile::open(&path);
    assert!(kept.is_empty());
    let mut log = CallLog::new(kept);
    for n in 0..(2 * KEPT + 10) as u128 {
        begin(&mut log, n);
        let line = end(&mut log, n, START + LOOK, sample(100, 0));
        file.keep(&line, || log.recent(KEPT));
    }
    let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
    assert!((KEPT..=2 * KEPT).contains(&lines()), "{}", lines());
    assert_eq!(log.recent(usize::MAX).len(), KEPT);
    let mut torn = std::fs::read(&path).unwrap();
    torn.truncate(torn.len() - 20);
    std::fs::write(&path, torn).unwrap();
    let (mut file, kept) = CallFile::open(&path);
    let mut log = CallLog::new(kept);
    let before = log.recent(usize::MAX).len();
    begin(&mut log, 1);
    let line = end(&mut log, 1, START + LOOK, sample(100, 0));
    file.keep(&line, || log.recent(KEPT));
    let (_, again) = CallFile::open(&path);
    assert_eq!(again.len(), (before + 1).min(KEPT));
    assert_eq!(again.last(), Some(&line));
}

#[test]
fn a_room_is_not_blamed_for_what_another_rooms_network_lost() {
    let mut log = CallLog::new(vec![]);
    begin(&mut log, 1);
    begin(&mut log, 2);
    // The first room's network loses a fifth; the second reports the same as lost on its way.
    let lossy = sample(1_000, 200);
    let other = LegSample { loss_to_room: 0.18, ..sample(1_000, 0) };
    let at = START + LOOK;
    log.looked(at, &[(id(2).1, Some(other)), (id(1).1, Some(lossy))], Look::Passing);
    assert_eq!(end(&mut log, 2, at, other).verdict, "good");
    assert!(end(&mut log, 1, at, lossy).verdict.contains("from Room A lost"));
}

use crate::seats::{Meeting, Seat};
use crate::*;
use conclave_types::{CallId, MeetingId, ParticipantId, RoomId, Ssrc, Switch, Time, VmrId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(crate) const AT: Time = Time::from_micros(1_000_000);

pub(crate) fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

pub(crate) fn room(n: u128) -> RoomId {
    RoomId::from_random(n)
}

pub(crate) fn call(n: u128) -> CallId {
    CallId::from_random(n)
}

pub(crate) fn vmr(n: u128, capacity: u32) -> Vmr {
    Vmr { vmr: VmrId::from_random(n), capacity, entrance: Entrance::Open }
}

pub(crate) fn visit(room_number: u128, call_number: u128) -> Visit {
    Visit {
        call: call(call_number),
        participant: ParticipantId::from_random(call_number),
        meeting: MeetingId::from_random(call_number),
        room: room(room_number),
        name: format!("Room {room_number}").parse().unwrap(),
        standing: Standing::Host,
        microphone: Switch::On,
        camera: Switch::On,
    }
}

fn drain(meetings: &mut Meetings) -> Vec<Output> {
    std::iter::from_fn(|| meetings.poll_output()).collect()
}

pub(crate) fn tell(meetings: &mut Meetings, now: Time, input: Input) -> Vec<Output> {
    meetings.handle(now, input);
    drain(meetings)
}

pub(crate) fn leg_opened(n: u128) -> Input {
    Input::LegOpened { call: call(n), audio: Ssrc(n as u32 * 2), video: Ssrc(n as u32 * 2 + 1) }
}

/// A room walks in and its media flows.
pub(crate) fn enter(
    meetings: &mut Meetings,
    now: Time,
    door: Vmr,
    room: u128,
    call: u128,
) -> Vec<Output> {
    let mut outputs = tell(meetings, now, Input::Arrived(door, visit(room, call)));
    let meeting = outputs.iter().find_map(|o| match o {
        Output::OpenLeg { meeting, .. } => Some(*meeting),
        _ => None,
    });
    outputs.extend(tell(meetings, now, leg_opened(call)));
    if let Some(meeting) = meeting {
        let participant = ParticipantId::from_random(call);
        outputs.extend(tell(meetings, now, Input::MediaFlowing { meeting, participant }));
    }
    outputs
}

pub(crate) fn admitted(outputs: &[Output]) -> Option<&Roster> {
    outputs.iter().find_map(|o| match o {
        Output::Admitted { roster, .. } => Some(roster),
        _ => None,
    })
}

pub(crate) fn facts(outputs: &[Output]) -> Vec<&Fact> {
    outputs
        .iter()
        .filter_map(|o| match o {
            Output::Record(fact) => Some(fact),
            _ => None,
        })
        .collect()
}

pub(crate) fn left(outputs: &[Output]) -> Vec<(CallId, Why)> {
    facts(outputs)
        .into_iter()
        .filter_map(|f| match f {
            Fact::Left { call, why, .. } => Some((*call, *why)),
            _ => None,
        })
        .collect()
}

#[test]
fn the_first_room_starts_a_meeting_and_the_last_one_ends_it() {
    let mut meetings = Meetings::new();
    let outputs = enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    assert!(matches!(facts(&outputs)[..], [Fact::Started { .. }, Fact::Joined(_)]));
    let outputs = enter(&mut meetings, AT, vmr(1, 5), 2, 2);
    let roster = admitted(&outputs).unwrap();
    assert_eq!(roster.lines.len(), 2);
    assert_eq!(roster.lines[0].participant, ParticipantId::from_random(1), "in order of arrival");
    assert!(outputs.iter().any(|o| matches!(o, Output::Roster { call: c, .. } if *c == call(1))));

    let outputs = tell(&mut meetings, AT, Input::Left { room: room(1), call: call(1) });
    assert_eq!(left(&outputs), [(call(1), Why::Left)]);
    let outputs = tell(&mut meetings, AT, Input::Left { room: room(2), call: call(2) });
    assert!(matches!(facts(&outputs)[..], [Fact::Left { .. }, Fact::Ended { .. }]));
    assert!(meetings.summaries().is_empty() && meetings.deadline().is_none());
}

#[test]
fn a_full_meeting_takes_nobody_else_and_a_seat_being_taken_counts() {
    let mut meetings = Meetings::new();
    tell(&mut meetings, AT, Input::Arrived(vmr(1, 1), visit(1, 1)));
    let outputs = tell(&mut meetings, AT, Input::Arrived(vmr(1, 1), visit(2, 2)));
    let why = NotAdmitted::Full { capacity: 1 };
    assert_eq!(outputs, [Output::Refused { call: call(2), room: room(2), why }]);
}

#[test]
fn a_room_that_comes_in_twice_replaces_itself_even_when_the_meeting_is_full() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 1), 1, 1);
    let outputs = enter(&mut meetings, AT, vmr(1, 1), 1, 2);
    assert_eq!(left(&outputs), [(call(1), Why::Replaced)]);
    assert_eq!(admitted(&outputs).unwrap().lines.len(), 1);
    assert!(!facts(&outputs).iter().any(|f| matches!(f, Fact::Ended { .. })), "one meeting");
}

pub(crate) fn refused(outputs: &[Output]) -> Option<NotAdmitted> {
    outputs.iter().find_map(|output| match output {
        Output::Refused { why, .. } => Some(*why),
        _ => None,
    })
}

#[test]
fn at_the_limit_of_participants_the_new_one_is_refused_and_the_others_hear_nothing() {
    let limits = Limits { participants: 3, ..Limits::default() };
    let mut meetings = Meetings::with_limits(limits);
    for n in 1..=3 {
        enter(&mut meetings, AT, vmr(n % 2, 10), n, n);
    }
    let outputs = tell(&mut meetings, AT, Input::Arrived(vmr(1, 10), visit(4, 4)));
    let why = NotAdmitted::CloudFull;
    assert_eq!(outputs, [Output::Refused { call: call(4), room: room(4), why }], "and no more");
    // Whoever has a place may move with it.
    let outputs = enter(&mut meetings, AT, vmr(0, 10), 3, 5);
    assert_eq!(admitted(&outputs).unwrap().lines.len(), 2);
    // A place that is given back is there for the next.
    tell(&mut meetings, AT, Input::Left { room: room(1), call: call(1) });
    assert!(admitted(&enter(&mut meetings, AT, vmr(1, 10), 4, 6)).is_some());
}

#[test]
fn at_the_limit_of_meetings_no_further_one_begins_and_those_that_are_on_take_more() {
    let limits = Limits { meetings: 2, ..Limits::default() };
    let mut meetings = Meetings::with_limits(limits);
    enter(&mut meetings, AT, vmr(1, 10), 1, 1);
    enter(&mut meetings, AT, vmr(2, 10), 2, 2);
    let outputs = tell(&mut meetings, AT, Input::Arrived(vmr(3, 10), visit(3, 3)));
    assert_eq!(refused(&outputs), Some(NotAdmitted::CloudFull));
    assert!(admitted(&enter(&mut meetings, AT, vmr(2, 10), 3, 4)).is_some());
    // The only one in a meeting takes its place along into another.
    assert!(admitted(&enter(&mut meetings, AT, vmr(3, 10), 1, 5)).is_some());
    assert_eq!(meetings.len(), 2);
}

#[test]
fn a_meeting_that_is_closed_ends_for_everybody_and_the_next_one_is_another() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 10), 1, 1);
    let first = meetings.meeting_in(VmrId::from_random(1)).unwrap();
    let outputs = tell(&mut meetings, AT, Input::Closed { vmr: VmrId::from_random(1) });
    assert_eq!(left(&outputs), [(call(1), Why::Closed)]);
    let told = Output::Ended { call: call(1), room: room(1), why: Why::Closed };
    assert!(outputs.contains(&told));
    enter(&mut meetings, AT, vmr(1, 10), 1, 2);
    assert_ne!(meetings.meeting_in(VmrId::from_random(1)), Some(first));
}

#[test]
fn a_leg_that_cannot_be_opened_leaves_no_meeting_and_no_record() {
    let mut meetings = Meetings::new();
    tell(&mut meetings, AT, Input::Arrived(vmr(1, 5), visit(1, 1)));
    let outputs = tell(&mut meetings, AT, Input::LegRefused { call: call(1) });
    let why = NotAdmitted::NoLeg;
    assert_eq!(outputs, [Output::Refused { call: call(1), room: room(1), why }]);
    assert!(meetings.call_of(room(1)).is_none());
}

#[test]
fn a_leg_that_opens_for_somebody_who_is_gone_is_closed() {
    let mut meetings = Meetings::new();
    tell(&mut meetings, AT, Input::Arrived(vmr(1, 5), visit(1, 1)));
    let outputs = tell(&mut meetings, AT, Input::LinkLost { room: room(1) });
    assert!(!outputs.iter().any(|o| matches!(o, Output::CloseLeg { .. })), "not yet open");
    let outputs = tell(&mut meetings, AT, leg_opened(1));
    assert!(matches!(outputs[..], [Output::CloseLeg { .. }]));
}

#[test]
fn a_call_outlives_its_link_while_media_flows_but_not_for_ever() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    tell(&mut meetings, AT, Input::LinkLost { room: room(1) });
    assert_eq!(meetings.deadline(), Some(AT + LINK_GRACE));
    assert!(tell(&mut meetings, AT + LINK_GRACE - secs(1), Input::Wake).is_empty());
    let outputs = tell(&mut meetings, AT + LINK_GRACE, Input::Wake);
    assert_eq!(left(&outputs), [(call(1), Why::LinkLost)]);
    assert!(!outputs.iter().any(|o| matches!(o, Output::Ended { .. })), "nobody to tell");
}

#[test]
fn a_room_without_link_and_media_goes_soon() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    tell(&mut meetings, AT, Input::LinkLost { room: room(1) });
    let meeting = MeetingId::from_random(1);
    let participant = ParticipantId::from_random(1);
    tell(&mut meetings, AT + secs(5), Input::MediaSilent { meeting, participant });
    assert_eq!(meetings.deadline(), Some(AT + secs(5) + SILENCE_GRACE));
}

#[test]
fn a_room_whose_media_never_comes_is_told_that_its_call_is_over() {
    let mut meetings = Meetings::new();
    tell(&mut meetings, AT, Input::Arrived(vmr(1, 5), visit(1, 1)));
    tell(&mut meetings, AT, leg_opened(1));
    let outputs = tell(&mut meetings, AT + MEDIA_GRACE, Input::Wake);
    assert!(outputs.iter().any(|o| matches!(o, Output::Ended { why: Why::MediaLost, .. })));
}

#[test]
fn a_room_that_comes_back_keeps_its_call_and_its_switches_win() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    enter(&mut meetings, AT, vmr(1, 5), 2, 2);
    tell(&mut meetings, AT, Input::LinkLost { room: room(1) });
    let held = vec![Held { call: call(1), microphone: Switch::Off, camera: Switch::On }];
    let outputs = tell(&mut meetings, AT + secs(30), Input::LinkBack { room: room(1), held });
    let seen = |wanted: CallId| {
        outputs.iter().find_map(|o| match o {
            Output::Roster { call, roster, .. } | Output::Resumed { call, roster, .. } => {
                (*call == wanted).then_some(roster.clone())
            }
            _ => None,
        })
    };
    assert_eq!(seen(call(1)), seen(call(2)), "both ends see the same");
    let roster = seen(call(1)).unwrap();
    assert_eq!((roster.revision, roster.lines[0].microphone), (3, Switch::Off));
    assert_eq!(meetings.deadline(), None, "no grace runs any more");
}

#[test]
fn a_room_that_comes_back_without_its_call_has_left_it() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    // A call of somebody else does not help.
    let held = vec![Held { call: call(9), microphone: Switch::On, camera: Switch::On }];
    let outputs = tell(&mut meetings, AT, Input::LinkBack { room: room(1), held });
    assert_eq!(left(&outputs), [(call(1), Why::Left)]);
    assert!(!outputs.iter().any(|o| matches!(o, Output::Resumed { .. })));
}

#[test]
fn nobody_leaves_or_switches_for_another_room() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    enter(&mut meetings, AT, vmr(1, 5), 2, 2);
    assert!(tell(&mut meetings, AT, Input::Left { room: room(2), call: call(1) }).is_empty());
    let foreign = Input::Switched {
        room: room(2),
        call: call(1),
        microphone: Switch::Off,
        camera: Switch::Off,
    };
    assert!(tell(&mut meetings, AT, foreign).is_empty());
}

#[test]
fn a_switch_that_changes_nothing_makes_no_noise() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    let set = |microphone| Input::Switched {
        room: room(1),
        call: call(1),
        microphone,
        camera: Switch::On,
    };
    assert!(tell(&mut meetings, AT, set(Switch::On)).is_empty());
    assert_eq!(tell(&mut meetings, AT, set(Switch::Off)).len(), 1);
}

#[test]
fn speakers_are_announced_at_once_and_then_not_too_often() {
    let mut meetings = Meetings::new();
    enter(&mut meetings, AT, vmr(1, 5), 1, 1);
    enter(&mut meetings, AT, vmr(1, 5), 2, 2);
    let meeting = MeetingId::from_random(1);
    let loudest = |n: u128| Input::Loudest {
        meeting,
        participant: (n > 0).then(|| ParticipantId::from_random(n)),
    };
    assert_eq!(tell(&mut meetings, AT, loudest(1)).len(), 2);
    assert!(tell(&mut meetings, AT, loudest(2)).is_empty());
    assert_eq!(meetings.deadline(), Some(AT + SPEAKER_INTERVAL));
    let outputs = tell(&mut meetings, AT + SPEAKER_INTERVAL, Input::Wake);
    let second = Some(ParticipantId::from_random(2));
    assert!(
        outputs
            .iter()
            .all(|o| matches!(o, Output::Speaking { participant, .. } if *participant == second))
    );
    assert_eq!(outputs.len(), 2);
    assert!(tell(&mut meetings, AT + secs(9), loudest(7)).len() == 2, "a stranger is nobody");
}

#[test]
fn a_removed_vmr_a_revoked_room_and_a_stopping_cloud_end_calls_and_say_so() {
    for (input, why) in [
        (Input::VmrRemoved { vmr: VmrId::from_random(1) }, Why::VmrRemoved),
        (Input::RoomRevoked { room: room(1) }, Why::Revoked),
        (Input::Stopping, Why::CloudStopped),
    ] {
        let mut meetings = Meetings::new();
        enter(&mut meetings, AT, vmr(1, 5), 1, 1);
        let outputs = tell(&mut meetings, AT, input);
        assert_eq!(left(&outputs), [(call(1), why)]);
        assert!(outputs.contains(&Output::Ended { call: call(1), room: room(1), why }));
        assert!(meetings.summaries().is_empty());
    }
}

/// What an onlooker who sees only the outputs believes.
#[derive(Default)]
struct Onlooker {
    /// Who waits, until their leg is asked for or they are gone.
    waiting: BTreeMap<CallId, RoomId>,
    /// Whom somebody has let in.
    let_in: BTreeSet<CallId>,
    asked: BTreeSet<CallId>,
    open_legs: BTreeMap<ParticipantId, MeetingId>,
    joined: BTreeMap<CallId, (RoomId, MeetingId)>,
    running: BTreeSet<MeetingId>,
    revisions: BTreeMap<CallId, u64>,
}

impl Onlooker {
    fn sees(&mut self, output: &Output, capacity: usize) {
        match output {
            Output::OpenLeg { call, .. } => {
                assert!(self.asked.insert(*call), "one leg per call");
                let waited = self.waiting.remove(call).is_some();
                assert!(!waited || self.let_in.contains(call), "no leg while it waits");
            }
            Output::Waits { call, room } => {
                assert!(!self.asked.contains(call) && !self.joined.contains_key(call));
                self.waiting.insert(*call, *room);
            }
            Output::StillWaits { call, .. } => assert!(self.waiting.contains_key(call)),
            Output::TurnedAway { call, .. } => {
                assert!(self.waiting.remove(call).is_some(), "told once, and only who waits");
            }
            Output::Lobby { call, waiting, .. } => {
                assert!(self.joined.contains_key(call), "only who is in is shown the lobby");
                assert!(waiting.len() <= MOST_WAITING);
                assert!(waiting.iter().all(|w| self.waiting.values().any(|room| *room == w.room)));
            }
            Output::LobbyChanged { .. } => {}
            Output::CloseLeg { participant, .. } => {
                assert!(self.open_legs.remove(participant).is_some(), "only open legs are closed");
            }
            Output::Record(Fact::Started { meeting, .. }) => {
                assert!(self.running.insert(*meeting));
            }
            Output::Record(Fact::Joined(who)) => {
                assert!(self.running.contains(&who.meeting));
                assert!(self.joined.values().all(|(room, _)| *room != who.room), "one seat a room");
                self.joined.insert(who.call, (who.room, who.meeting));
                let here = self.joined.values().filter(|(_, m)| *m == who.meeting).count();
                assert!(here <= capacity);
            }
            Output::Record(Fact::Left { call, .. }) => {
                assert!(self.joined.remove(call).is_some(), "leaves once, after joining");
            }
            Output::Record(Fact::Ended { meeting, .. }) => {
                assert!(self.running.remove(meeting));
                assert!(self.joined.values().all(|(_, m)| m != meeting), "empty when it ends");
            }
            Output::Admitted { call, roster, participant, .. } => {
                assert!(self.joined.contains_key(call), "recorded before it is told");
                assert!(roster.lines.iter().any(|l| l.participant == *participant));
                self.all_in(roster);
                self.revisions.insert(*call, roster.revision);
            }
            Output::Roster { call, roster, .. } => {
                self.all_in(roster);
                let seen = self.revisions.insert(*call, roster.revision).unwrap();
                assert!(seen < roster.revision, "each roster told is newer");
            }
            Output::Resumed { call, roster, .. } => {
                let seen = self.revisions.insert(*call, roster.revision).unwrap();
                assert!(seen <= roster.revision && self.joined.contains_key(call));
            }
            Output::Speaking { call, .. } => assert!(self.joined.contains_key(call)),
            Output::Ended { call, .. } => {
                assert!(!self.joined.contains_key(call), "recorded before it is told");
            }
            Output::Refused { .. } => {}
        }
    }
}

impl Onlooker {
    /// Nobody who waits is on a roster. A participant's number is that of its call here.
    fn all_in(&self, roster: &Roster) {
        let most = self.asked.len() + self.waiting.len() + 200;
        let waits =
            |line: &RosterLine| self.waiting.contains_key(&called(line.participant, most as u128));
        assert!(!roster.lines.iter().any(waits), "nobody who waits is on a roster");
    }
}

fn called(who: ParticipantId, calls: u128) -> CallId {
    let all = (0..=calls).find(|n| ParticipantId::from_random(*n) == who);
    call(all.expect("its number is that of a call"))
}

#[test]
fn whatever_happens_in_whatever_order_the_books_agree() {
    for seed in 1..=300_u64 {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut roll = |sides: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % sides
        };
        let mut meetings = Meetings::new();
        let mut onlooker = Onlooker::default();
        let mut opening: Vec<(CallId, MeetingId, ParticipantId)> = Vec::new();
        let mut now = AT;
        let mut calls = 0_u128;
        let mut log = Vec::new();
        for _ in 0..200 {
            now = now + Duration::from_millis(roll(8_000));
            let who = room(u128::from(roll(5)));
            let some_call = call(u128::from(roll(calls as u64 + 1)));
            let held = Held { call: some_call, microphone: Switch::Off, camera: Switch::On };
            let meeting = MeetingId::from_random(u128::from(roll(calls as u64 + 1)));
            let participant = ParticipantId::from_random(u128::from(roll(calls as u64 + 1)));
            let input = match roll(19) {
                0..=2 => {
                    calls += 1;
                    let mut visit = visit(0, calls);
                    visit.room = who;
                    visit.standing = if roll(3) == 0 { Standing::Guest } else { Standing::Host };
                    let entrance = if roll(2) == 0 { Entrance::Lobby } else { Entrance::Open };
                    Input::Arrived(Vmr { entrance, ..vmr(u128::from(roll(2)), 3) }, visit)
                }
                3..=6 if !opening.is_empty() => {
                    let at = roll(opening.len() as u64) as usize;
                    let (call, meeting, participant) = opening.swap_remove(at);
                    if roll(5) == 0 {
                        Input::LegRefused { call }
                    } else {
                        onlooker.open_legs.insert(participant, meeting);
                        Input::LegOpened { call, audio: Ssrc(1), video: Ssrc(2) }
                    }
                }
                7 => Input::Left { room: who, call: some_call },
                8 => Input::LinkLost { room: who },
                9 => Input::LinkBack {
                    room: who,
                    held: meetings
                        .call_of(who)
                        .map(|call| Held { call, ..held })
                        .into_iter()
                        .collect(),
                },
                10 => Input::LinkBack { room: who, held: vec![held] },
                11 => Input::MediaFlowing { meeting, participant },
                12 => Input::MediaSilent { meeting, participant },
                13 => Input::Loudest { meeting, participant: Some(participant) },
                14 => match roll(12) {
                    4 => Input::WasIn { vmr: VmrId::from_random(u128::from(roll(2))), room: who },
                    0 => Input::VmrRemoved { vmr: VmrId::from_random(u128::from(roll(2))) },
                    1 => Input::RoomRevoked { room: who },
                    2 => Input::Stopping,
                    3 => Input::Closed { vmr: VmrId::from_random(u128::from(roll(2))) },
                    _ => Input::Switched {
                        room: who,
                        call: meetings.call_of(who).unwrap_or(some_call),
                        microphone: Switch::Off,
                        camera: if roll(2) == 0 { Switch::On } else { Switch::Off },
                    },
                },
                16 | 17 => {
                    let door = vmr(u128::from(roll(2)), 3);
                    let waiting = meetings.waiting(door.vmr);
                    let some = waiting.into_iter().filter(|_| roll(2) == 0);
                    let mut who: Vec<_> = some.map(|waiter| waiter.participant).collect();
                    who.push(participant);
                    if roll(3) == 0 {
                        Input::TurnAway { vmr: door.vmr, who }
                    } else {
                        onlooker.let_in.extend(who.iter().map(|who| called(*who, calls)));
                        Input::LetIn { vmr: door, who }
                    }
                }
                _ => Input::Wake,
            };
            log.push(format!("{now:?} {input:?}"));
            meetings.handle(now, input);
            while let Some(output) = meetings.poll_output() {
                if let Output::OpenLeg { meeting, participant, call } = output {
                    opening.push((call, meeting, participant));
                }
                let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    onlooker.sees(&output, 3);
                }));
                assert!(seen.is_ok(), "seed {seed}, at {output:?}:\n{}", log.join("\n"));
            }
            assert!(meetings.deadline().is_none_or(|at| at > now), "seed {seed}: overdue");
            assert!(meetings.indexes_agree(), "seed {seed}:\n{}", log.join("\n"));
            let seated: usize = meetings.summaries().iter().map(|m| m.attendance.len()).sum();
            assert_eq!(seated, onlooker.joined.len(), "seed {seed}");
            assert_eq!(seated, onlooker.open_legs.len(), "seed {seed}: a leg for each seat");
            onlooker.waiting.retain(|call, room| meetings.call_of(*room) == Some(*call));
            assert_eq!(meetings.waiting_in_all(), onlooker.waiting.len(), "seed {seed}");
        }
        meetings.handle(now, Input::Stopping);
        for (call, meeting, participant) in opening {
            onlooker.open_legs.insert(participant, meeting);
            meetings.handle(now, Input::LegOpened { call, audio: Ssrc(1), video: Ssrc(2) });
        }
        for output in drain(&mut meetings) {
            onlooker.sees(&output, 3);
        }
        assert!(onlooker.open_legs.is_empty() && onlooker.joined.is_empty(), "seed {seed}");
        assert!(onlooker.running.is_empty(), "seed {seed}");
    }
}

impl Meetings {
    /// Whether the indexes say what the seats say.
    pub(crate) fn indexes_agree(&self) -> bool {
        let seats = || self.meetings.iter().flat_map(|(vmr, m)| m.seats.iter().map(|s| (*vmr, s)));
        let due = |seat: &Seat| Some((seat.deadline()?.0, seat.visit.call));
        let announced = |(vmr, m): (&VmrId, &Meeting)| Some((m.announcement_due()?, *vmr));
        self.given_up == seats().filter_map(|(_, seat)| due(seat)).collect()
            && self.announcements == self.meetings.iter().filter_map(announced).collect()
            && self.calls == seats().map(|(vmr, seat)| (seat.visit.call, vmr)).collect()
            && self.ids == self.meetings.iter().map(|(vmr, m)| (m.id, *vmr)).collect()
            && self.rooms.len() == self.calls.len()
            && self.lobby == seats().filter(|(_, s)| s.waits()).map(|(_, s)| s.visit.call).collect()
    }
}

#[path = "lobby_tests.rs"]
mod lobby;

//! Lobbies: who waits, who keeps which, and what each is told.

use super::*;
use crate::control::{MeetingLine, NewAppointment};
use crate::switchboard::lobby::Keeper;
use conclave_directory::access::Role;

const ADA: u8 = 1;
const OLGA: u8 = 2;
const MO: u8 = 3;

fn number() -> VmrNumber {
    "4711".parse().unwrap()
}

impl Cloud {
    /// The organisation's meeting room 4711, with a lobby.
    fn with_lobby(capacity: u32) -> Cloud {
        let mut cloud = Cloud::with_ada();
        cloud.person("olga@example.org", Role::Organiser, OLGA);
        cloud.person("mo@example.org", Role::Member, MO);
        let new =
            NewVmr { lobby: true, ..NewVmr::plain(number(), "Board".parse().unwrap(), capacity) };
        let made = cloud.admin(ControlRequest::VmrCreate { new, pin: None }).0;
        assert!(matches!(made, ControlAnswer::VmrCreated { vmr } if vmr.lobby));
        cloud
    }

    /// Dials and has to wait.
    fn waits(&mut self, link: LinkId, number: &str) -> CallId {
        match self.join(link, number, None) {
            Response::InLobby(lobby) => lobby.call,
            other => panic!("{other:?}"),
        }
    }

    fn meetings(&mut self, session: u8) -> Vec<MeetingLine> {
        match self.browse(session, ControlRequest::MeetingList) {
            ControlAnswer::Meetings { meetings } => meetings,
            other => panic!("{other:?}"),
        }
    }

    fn waiting(&mut self, number: &VmrNumber) -> Vec<ParticipantId> {
        let vmr = self.disk.vmr(self.whose, number).unwrap().unwrap();
        self.board.meetings.waiting(vmr.id).iter().map(|each| each.participant).collect()
    }

    /// Somebody in the console lets in everybody who waits; what comes out.
    fn let_in(&mut self, session: u8, number: &VmrNumber) -> (ControlAnswer, Vec<Output>) {
        self.console(session, ControlRequest::MeetingLetIn { number: number.clone(), who: vec![] })
    }

    fn console(&mut self, session: u8, request: ControlRequest) -> (ControlAnswer, Vec<Output>) {
        let by = Credential::Session(conclave_directory::TokenHash([session; 32]));
        let source = crate::accounts::Source("203.0.113.9".parse().unwrap());
        let mut outputs = self.give(Input::Console { id: ControlId(8), by, source, request });
        let at = outputs.iter().position(|o| matches!(o, Output::Answer { .. })).unwrap();
        match outputs.remove(at) {
            Output::Answer { answer, .. } => (answer, outputs),
            _ => unreachable!(),
        }
    }

    /// Olga calls a meeting with a lobby, to which these rooms are invited.
    fn called(&mut self, rooms: &[&str]) -> VmrNumber {
        let new = NewAppointment {
            title: "Tumour board".parse().unwrap(),
            starts_at: self.wall(),
            ends_at: self.wall().after(Duration::from_secs(3_600)),
            rooms: rooms.iter().map(|&room| room.to_owned()).collect(),
            people: vec![Redacted("mo@example.org".to_owned())],
            lobby: true,
        };
        match self.browse(OLGA, ControlRequest::AppointmentAdd { new, pin: None }) {
            ControlAnswer::AppointmentKept { appointment } => appointment.number,
            other => panic!("{other:?}"),
        }
    }
}

fn admitted(outputs: &[Output], to: LinkId) -> Option<Joined> {
    events_to(outputs, to).into_iter().find_map(|event| match event {
        CloudEvent::Admitted(joined) => Some((**joined).clone()),
        _ => None,
    })
}

fn away(outputs: &[Output], to: LinkId) -> Option<AwayReason> {
    events_to(outputs, to).into_iter().find_map(|event| match event {
        CloudEvent::NotAdmitted { reason, .. } => Some(*reason),
        _ => None,
    })
}

/// The names that a room was shown last as waiting.
fn shown(outputs: &[Output], to: LinkId) -> Option<Vec<String>> {
    events_to(outputs, to).into_iter().rev().find_map(|event| match event {
        CloudEvent::Lobby { waiting, .. } => {
            Some(waiting.iter().map(|each| each.name.to_string()).collect())
        }
        _ => None,
    })
}

#[test]
fn a_room_that_waits_has_no_leg_until_an_administrator_lets_it_in() {
    let mut cloud = Cloud::with_lobby(5);
    let (link, _) = cloud.room(1, "A");
    cloud.hold = Some(vec![]);
    let call = cloud.waits(link, "4711");
    assert_eq!(cloud.hold.take().unwrap(), [], "nothing is opened for it");
    assert_eq!(cloud.board.gauges().waiting, 1);
    assert_eq!(cloud.board.gauges().participants, 0);
    let [meeting] = &cloud.meetings(ADA)[..] else { panic!() };
    assert_eq!((meeting.participants.len(), meeting.waiting[0].name.as_str()), (0, "A"));
    let records = cloud.disk.call_records(cloud.whose, Sight::All, 9).unwrap();
    assert!(records.is_empty(), "nobody was in a meeting yet");

    cloud.shown.clear();
    let (answer, outputs) = cloud.let_in(ADA, &number());
    assert_eq!(answer, ControlAnswer::LobbyAnswered { waiting: vec![] });
    let joined = admitted(&outputs, link).unwrap();
    assert_eq!((joined.call, joined.name.as_str()), (call, "Board"));
    assert_eq!(joined.roster.participants.len(), 1);
    assert!(cloud.shown.iter().any(|(_, topics)| topics.contains(&Topic::Lobbies)));
    assert_eq!(cloud.meetings(ADA)[0].participants[0].call, call);
    assert_eq!(cloud.disk.call_records(cloud.whose, Sight::All, 9).unwrap().len(), 1);
    assert_eq!(cloud.board.tally().joins.count("in_lobby"), 1);
    assert_eq!(cloud.board.tally().joins.count("joined"), 1);
}

#[test]
fn a_room_in_the_meeting_is_shown_who_waits_lets_in_and_turns_away() {
    let mut cloud = Cloud::with_lobby(5);
    let (first, _) = cloud.room(1, "A");
    let (second, _) = cloud.room(2, "B");
    let (third, _) = cloud.room(3, "C");
    let inside = cloud.waits(first, "4711");
    cloud.let_in(ADA, &number());
    let ask = |number: &str| {
        RoomRequest::Join(Join {
            number: number.parse().unwrap(),
            pin: None,
            profiles: SrtpProfile::PREFERENCE.to_vec(),
            microphone: Switch::On,
            camera: Switch::On,
            lobby: true,
        })
    };
    let (_, outputs) = cloud.ask(second, ask("4711"));
    assert_eq!(shown(&outputs, first), Some(vec!["B".to_owned()]));
    let (_, outputs) = cloud.ask(third, ask("4711"));
    assert_eq!(shown(&outputs, first), Some(vec!["B".to_owned(), "C".to_owned()]));
    let waiting = cloud.waiting(&number());

    let participants = vec![waiting[1]];
    let (answer, outputs) = cloud.ask(first, RoomRequest::LetIn { call: inside, participants });
    assert_eq!(answer, Some(Response::Done));
    assert!(admitted(&outputs, third).is_some() && admitted(&outputs, second).is_none());
    assert_eq!(shown(&outputs, third), Some(vec!["B".to_owned()]), "it may let others in too");
    let participants = vec![waiting[0]];
    let (answer, outputs) = cloud.ask(first, RoomRequest::TurnAway { call: inside, participants });
    assert_eq!(answer, Some(Response::Done));
    assert_eq!(away(&outputs, second), Some(AwayReason::TurnedAway));
    assert_eq!(shown(&outputs, first), Some(vec![]));
}

#[test]
fn whoever_waits_is_told_when_nobody_comes_the_meeting_ends_or_its_room_is_removed() {
    type Does = fn(&mut Cloud, LinkId, CallId) -> Vec<Output>;
    let ends: [(Does, Option<AwayReason>); 5] = [
        (|cloud, _, _| cloud.later(15 * 60), Some(AwayReason::NobodyCame)),
        (
            |cloud, _, _| cloud.admin(ControlRequest::MeetingEnd { number: number() }).1,
            Some(AwayReason::Ended),
        ),
        (
            |cloud, _, _| cloud.admin(ControlRequest::VmrRemove { number: number() }).1,
            Some(AwayReason::Ended),
        ),
        (
            |cloud, _, _| {
                let who = vec![];
                cloud.admin(ControlRequest::MeetingTurnAway { number: number(), who }).1
            },
            Some(AwayReason::TurnedAway),
        ),
        (|cloud, link, call| cloud.ask(link, RoomRequest::Leave { call }).1, None),
    ];
    for (does, reason) in ends {
        let mut cloud = Cloud::with_lobby(5);
        let (link, _) = cloud.room(1, "A");
        let call = cloud.waits(link, "4711");
        let outputs = does(&mut cloud, link, call);
        assert_eq!(away(&outputs, link), reason);
        assert!(cloud.board.lobby.is_empty() && cloud.board.spans.is_empty(), "{reason:?}");
        assert_eq!(cloud.meetings(ADA), []);
    }
}

#[test]
fn a_room_whose_software_knows_no_lobby_is_refused_and_invited_ones_need_none() {
    let mut cloud = Cloud::with_lobby(5);
    let (link, _) = cloud.room(1, "A");
    let join = |number: &str| {
        RoomRequest::Join(Join {
            number: number.parse().unwrap(),
            pin: None,
            profiles: SrtpProfile::PREFERENCE.to_vec(),
            microphone: Switch::On,
            camera: Switch::On,
            lobby: false,
        })
    };
    let refusal = Response::NotJoined(JoinRefusal::LobbyUnsupported);
    assert_eq!(cloud.ask(link, join("4711")).0, Some(refusal));
    assert_eq!(cloud.board.tally().joins.count("lobby_unsupported"), 1);
    assert_eq!(cloud.meetings(ADA), []);
    let called = cloud.called(&["A"]);
    assert!(matches!(cloud.ask(link, join(called.as_str())).0, Some(Response::Joined(_))));
}

/// Who keeps a lobby, written down a second time and on purpose.
const TABLE: [(Keeper, bool); 7] = [
    (Keeper::Administrator, true),
    (Keeper::Owner, true),
    (Keeper::Moderator, true),
    (Keeper::Person, false),
    (Keeper::Room, true),
    (Keeper::InvitedRoom, true),
    (Keeper::Guest, false),
];

/// Somebody who is that tries to let in a room that waits.
fn lets_in(keeper: Keeper) -> bool {
    let mut cloud = Cloud::with_lobby(5);
    let (inside, _) = cloud.room(1, "Inside");
    let (waits, _) = cloud.room(2, "Waits");
    let by_console = |cloud: &mut Cloud, session, number: &VmrNumber| {
        cloud.waits(waits, number.as_str());
        let seen = cloud.meetings(session).iter().any(|meeting| !meeting.waiting.is_empty());
        let (_, outputs) = cloud.let_in(session, number);
        let done = admitted(&outputs, waits).is_some();
        assert_eq!(seen, done, "{keeper:?} is shown who waits, or is not");
        done
    };
    let by_room = |cloud: &mut Cloud, call, number: &VmrNumber| {
        cloud.waits(waits, number.as_str());
        let participants = cloud.waiting(number);
        let (answer, outputs) = cloud.ask(inside, RoomRequest::LetIn { call, participants });
        let done = admitted(&outputs, waits).is_some();
        let wanted = if done { Response::Done } else { Response::NotLetIn(NotLetIn::MayNot) };
        assert_eq!(answer, Some(wanted), "{keeper:?}");
        done
    };
    match keeper {
        Keeper::Administrator => by_console(&mut cloud, ADA, &number()),
        Keeper::Owner => {
            let called = cloud.called(&[]);
            by_console(&mut cloud, OLGA, &called)
        }
        Keeper::Moderator => {
            let people = vec![Redacted("mo@example.org".to_owned())];
            cloud.admin(ControlRequest::VmrModerators { number: number(), people });
            by_console(&mut cloud, MO, &number())
        }
        Keeper::Person => {
            // Invited as a person, and an administrator who is not: neither keeps Olga's lobby.
            let called = cloud.called(&[]);
            let ada = by_console(&mut cloud, ADA, &called);
            let mo = by_console(&mut cloud, MO, &called);
            ada || mo || by_console(&mut cloud, MO, &number())
        }
        Keeper::Room => {
            let call = cloud.waits(inside, "4711");
            cloud.let_in(ADA, &number());
            by_room(&mut cloud, call, &number())
        }
        Keeper::InvitedRoom => {
            let called = cloud.called(&["Inside"]);
            let call = cloud.joined(inside, called.as_str(), None).call;
            by_room(&mut cloud, call, &called)
        }
        Keeper::Guest => {
            let called = cloud.called(&[]);
            let call = cloud.waits(inside, called.as_str());
            cloud.let_in(OLGA, &called);
            by_room(&mut cloud, call, &called)
        }
    }
}

#[test]
fn a_lobby_is_kept_by_those_of_the_table_and_by_nobody_else() {
    for (keeper, keeps) in TABLE {
        assert_eq!(keeper.keeps(), keeps, "{keeper:?}");
        assert_eq!(lets_in(keeper), keeps, "{keeper:?}");
    }
}

#[test]
fn whoever_waits_or_is_elsewhere_lets_nobody_in() {
    let mut cloud = Cloud::with_lobby(5);
    let (first, _) = cloud.room(1, "A");
    let (second, _) = cloud.room(2, "B");
    let (elsewhere, _) = cloud.room(3, "C");
    cloud.vmr("4712", None, 5);
    let call = cloud.joined(elsewhere, "4712", None).call;
    let mine = cloud.waits(first, "4711");
    let theirs = cloud.waits(second, "4711");
    let participants = cloud.waiting(&number());
    for (link, call) in [(first, mine), (first, theirs), (elsewhere, call), (elsewhere, mine)] {
        let request = RoomRequest::LetIn { call, participants: participants.clone() };
        let (_, outputs) = cloud.ask(link, request);
        assert!(admitted(&outputs, first).is_none() && admitted(&outputs, second).is_none());
        let request = RoomRequest::TurnAway { call, participants: participants.clone() };
        cloud.ask(link, request);
    }
    assert_eq!(cloud.waiting(&number()), participants);
}

#[test]
fn members_see_their_own_meetings_alone_and_end_none() {
    let mut cloud = Cloud::with_lobby(5);
    let (link, _) = cloud.room(1, "A");
    let (other, _) = cloud.room(2, "B");
    cloud.waits(link, "4711");
    let called = cloud.called(&[]);
    cloud.waits(other, called.as_str());
    let numbers = |lines: Vec<MeetingLine>| -> Vec<String> {
        lines.into_iter().map(|line| line.number.to_string()).collect()
    };
    assert_eq!(numbers(cloud.meetings(ADA)), [number().to_string()]);
    assert_eq!(numbers(cloud.meetings(OLGA)), [called.to_string()]);
    assert_eq!(cloud.meetings(MO), [], "who is invited keeps no lobby");
    let end = ControlRequest::MeetingEnd { number: called.clone() };
    assert_eq!(cloud.browse(OLGA, end), ControlAnswer::NotAllowed);
    // What somebody may see and not keep is not allowed; what they may not see is not there.
    let ask =
        |number: &VmrNumber| ControlRequest::MeetingLetIn { number: number.clone(), who: vec![] };
    assert_eq!(cloud.browse(MO, ask(&number())), ControlAnswer::NotAllowed);
    let not_theirs = cloud.browse(ADA, ask(&called));
    let not_there = cloud.browse(ADA, ask(&"123456789".parse().unwrap()));
    let text = |answer: &ControlAnswer| serde_json::to_string(answer).unwrap();
    let grouped = |number: &str| number.parse::<VmrNumber>().unwrap().to_string();
    assert_eq!(
        text(&not_theirs).replace(&grouped(called.as_str()), "?"),
        text(&not_there).replace(&grouped("123456789"), "?")
    );
}

#[test]
fn a_full_meeting_lets_nobody_in_and_says_so_to_whoever_asked() {
    let mut cloud = Cloud::with_lobby(1);
    let (first, _) = cloud.room(1, "A");
    let (second, _) = cloud.room(2, "B");
    let call = cloud.waits(first, "4711");
    cloud.let_in(ADA, &number());
    cloud.waits(second, "4711");
    let (answer, outputs) = cloud.let_in(ADA, &number());
    assert!(
        matches!(answer, ControlAnswer::Refused { code: RefusalCode::MeetingFull, .. }),
        "{answer:?}"
    );
    assert!(admitted(&outputs, second).is_none());
    let participants = cloud.waiting(&number());
    let (answer, _) = cloud.ask(first, RoomRequest::LetIn { call, participants });
    assert_eq!(answer, Some(Response::NotLetIn(NotLetIn::Full { capacity: 1 })));
    cloud.admin(ControlRequest::VmrChange {
        number: number(),
        name: None,
        capacity: Some(2),
        lobby: None,
    });
    assert!(admitted(&cloud.let_in(ADA, &number()).1, second).is_some());
}

#[test]
fn a_lobby_that_is_taken_away_lets_in_who_waits() {
    let mut cloud = Cloud::with_lobby(1);
    let (first, _) = cloud.room(1, "A");
    let (second, _) = cloud.room(2, "B");
    cloud.waits(first, "4711");
    cloud.waits(second, "4711");
    let outputs = cloud
        .admin(ControlRequest::VmrChange {
            number: number(),
            name: None,
            capacity: None,
            lobby: Some(false),
        })
        .1;
    assert!(admitted(&outputs, first).is_some());
    assert!(admitted(&outputs, second).is_none(), "there was one place");
}

#[test]
fn a_lost_link_keeps_the_place_in_the_lobby_and_whoever_is_let_in_meanwhile_comes_in_with_it() {
    let mut cloud = Cloud::with_lobby(5);
    let (link, room) = cloud.room(1, "A");
    let call = cloud.waits(link, "4711");
    cloud.give(Input::Closed { link });
    let (link, welcome) = cloud.link(1, room, vec![held(call)]);
    assert_eq!((welcome.waiting, welcome.calls.len()), (vec![call], 0));
    cloud.give(Input::Closed { link });
    let (answer, outputs) = cloud.let_in(ADA, &number());
    assert_eq!(answer, ControlAnswer::LobbyAnswered { waiting: vec![] });
    assert!(outputs.iter().all(|output| !matches!(output, Output::Send { .. })), "nobody is there");
    let (link, outputs) = cloud.hello(enrolled(1, room), vec![held(call)]);
    let joined = admitted(&outputs, link).unwrap();
    assert_eq!(joined.call, call);
}

#[test]
fn a_restarted_cloud_lets_those_back_who_were_in_and_has_those_wait_again_who_waited() {
    for killed in [true, false] {
        let mut cloud = Cloud::with_lobby(5);
        let (first, inside) = cloud.room(1, "A");
        let (second, outside) = cloud.room(2, "B");
        cloud.waits(first, "4711");
        cloud.let_in(ADA, &number());
        cloud.waits(second, "4711");
        if !killed {
            let outputs = cloud.give(Input::Stop);
            assert_eq!(away(&outputs, second), None, "it asks again by itself");
        }
        let now = cloud.now;
        let mut cloud = Cloud::on(cloud.disk);
        cloud.now = now;
        let (first, _) = cloud.link(1, inside, vec![]);
        let (second, welcome) = cloud.link(2, outside, vec![held(CallId::from_random(9))]);
        assert_eq!(welcome.waiting, []);
        assert!(matches!(cloud.join(first, "4711", None), Response::Joined(_)), "{killed}");
        cloud.waits(second, "4711");
    }
}

#[test]
fn who_let_whom_in_stands_in_the_audit_log_and_nothing_of_a_hidden_one() {
    let mut cloud = Cloud::with_lobby(5);
    let (first, _) = cloud.room(1, "Room A");
    let (second, _) = cloud.room(2, "Room B");
    cloud.waits(first, "4711");
    cloud.let_in(ADA, &number());
    let called = cloud.called(&[]);
    cloud.waits(second, called.as_str());
    cloud.let_in(OLGA, &called);
    let ask = ControlRequest::AuditList { installation: false, below: None, most: 9 };
    let ControlAnswer::Audit { rows } = cloud.browse(ADA, ask) else { panic!() };
    let acts: Vec<_> = rows.iter().map(|row| (row.act.as_str(), row.after.0.as_str())).collect();
    assert!(acts.contains(&("meeting.let_in", "Room A")), "{acts:?}");
    assert!(acts.contains(&("hidden_vmr.let_in", "")), "{acts:?}");
    let of_lobbies = acts.iter().filter(|(act, _)| act.ends_with("let_in"));
    assert!(of_lobbies.clone().all(|(_, after)| !after.contains("Room B")), "{acts:?}");
}

#[test]
fn a_room_in_the_lobby_is_free_in_the_list_of_rooms_and_may_dial_another_number() {
    let mut cloud = Cloud::with_lobby(5);
    let (link, room) = cloud.room(1, "A");
    cloud.vmr("4712", None, 5);
    cloud.waits(link, "4711");
    assert_eq!(
        cloud.board.state_of(room, conclave_directory::RoomStatus::Active),
        RoomState::Linked
    );
    cloud.joined(link, "4712", None);
    assert_eq!(cloud.waiting(&number()), []);
    assert!(cloud.board.lobby.is_empty());
}

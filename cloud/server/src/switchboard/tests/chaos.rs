//! Anything in any order: an onlooker who sees only inputs and outputs keeps the books.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// What links, legs and records must look like, judged from outside.
#[derive(Default)]
struct Books {
    /// Links that said hello and were not greeted yet.
    waiting: BTreeSet<LinkId>,
    /// Links on which we may speak.
    open: BTreeSet<LinkId>,
    /// Requests without an answer.
    asked: BTreeMap<RequestId, LinkId>,
    /// Legs that the node has open.
    legs: BTreeSet<ParticipantId>,
    seen_legs: BTreeSet<ParticipantId>,
    /// Calls that the log of calls believes are on.
    calls: BTreeSet<CallId>,
}

impl Books {
    fn sees(&mut self, output: &Output) {
        match output {
            Output::Greet { link, .. } => {
                assert!(self.waiting.remove(link), "one greeting, first of all");
                self.open.insert(*link);
            }
            Output::Respond { link, id, .. } | Output::TellTime { link, id } => {
                assert_eq!(self.asked.remove(id), Some(*link), "one answer, on its link");
                assert!(self.open.contains(link), "{link:?} is closed");
            }
            Output::Send { link, .. } => assert!(self.open.contains(link), "{link:?} is closed"),
            Output::Close { link, .. } => {
                assert!(self.open.remove(link), "closed once");
                self.asked.retain(|_, on| on != link);
            }
            Output::CloseLeg { participant, .. } => {
                assert!(self.legs.remove(participant), "only open legs are closed");
            }
            Output::OpenLeg { participant, .. } => {
                assert!(self.seen_legs.insert(*participant), "asked for once");
            }
            Output::Note(note) => match &**note {
                CallNote::Began { call, .. } => assert!(self.calls.insert(*call), "begins once"),
                CallNote::Ended { call, .. } => {
                    // One that could not be recorded has ended without having begun.
                    self.calls.remove(call);
                }
                CallNote::PartBroke { .. } => {}
            },
            Output::CheckPin { .. }
            | Output::HashPin { .. }
            | Output::ReadChunk { .. }
            | Output::ForgetBundle(_)
            | Output::KeepParcel { .. }
            | Output::AnswerParcel { .. }
            | Output::DropParcel { .. }
            | Output::Answer { .. }
            | Output::Changed { .. }
            | Output::Mail(_)
            | Output::Deliver(_)
            | Output::ReadCalendar(_)
            | Output::AccountAnswer { .. } => {}
        }
    }
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.roll(from.len())])
    }
}

impl Cloud {
    /// Everybody who waits for 4713.
    fn who_waits(&self) -> Vec<ParticipantId> {
        let vmr = self.disk.vmr(self.whose, &"4713".parse().unwrap()).unwrap();
        let waiting = vmr.map(|vmr| self.board.meetings.waiting(vmr.id)).unwrap_or_default();
        waiting.into_iter().map(|each| each.participant).collect()
    }
}

struct World {
    cloud: Cloud,
    books: Books,
    jobs: Vec<Output>,
    log: Vec<String>,
    seed: u64,
}

impl World {
    fn give(&mut self, input: Input) -> Vec<Output> {
        // A shell wakes the switchboard at its deadline, before whatever happens later.
        let due = self.cloud.board.deadline().is_some_and(|at| at <= self.cloud.now);
        if due && !matches!(input, Input::Wake) {
            self.give(Input::Wake);
        }
        self.log.push(format!("{:?} {input:?}", self.cloud.now));
        if let Input::LegOpened { participant, leg: Some(_) } = &input {
            self.books.legs.insert(*participant);
        }
        if let Input::Closed { link } = &input {
            self.books.open.remove(link);
            self.books.waiting.remove(link);
            self.books.asked.retain(|_, on| on != link);
        }
        self.cloud.board.handle(self.cloud.now, self.cloud.wall(), input);
        let mut said = Vec::new();
        while let Some(output) = self.cloud.board.poll_output() {
            let books = &mut self.books;
            let look = std::panic::AssertUnwindSafe(|| books.sees(&output));
            if std::panic::catch_unwind(look).is_err() {
                panic!("seed {}, at {output:?}:\n{}", self.seed, self.log.join("\n"));
            }
            match output {
                Output::CheckPin { .. } | Output::HashPin { .. } | Output::OpenLeg { .. } => {
                    self.jobs.push(output);
                }
                output => said.push(output),
            }
        }
        said
    }

    /// Finishes one job; a leg fails now and then. Argon2 is left out: the PIN ending in 0 is right.
    fn finish(&mut self, at: usize, dice: &mut Dice) {
        let input = match self.jobs.swap_remove(at) {
            Output::CheckPin { job, pin, .. } => {
                let right = pin.expose().ends_with('0');
                let outcome = if right { PinOutcome::Right } else { PinOutcome::Wrong };
                Input::PinChecked { job, outcome }
            }
            Output::OpenLeg { participant, .. } if dice.roll(6) == 0 => {
                Input::LegOpened { participant, leg: None }
            }
            job => done(job).unwrap(),
        };
        self.give(input);
    }
}

#[test]
fn every_request_gets_one_answer_and_every_leg_is_closed_whatever_happens() {
    for seed in 1..=150_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut cloud = Cloud::new();
        cloud.vmr("4711", Some("246810"), 2);
        cloud.vmr("4712", None, 3);
        let plain = NewVmr::plain("4713".parse().unwrap(), "Lobby".parse().unwrap(), 2);
        let new = NewVmr { lobby: true, ..plain };
        cloud.admin(ControlRequest::VmrCreate { new, pin: None });
        let mut rooms = Vec::new();
        for key in 1..=4 {
            let (link, room) = cloud.room(key, &format!("Room {key}"));
            cloud.give(Input::Closed { link });
            rooms.push((key, room));
        }
        let mut world = World { cloud, books: Books::default(), jobs: vec![], log: vec![], seed };
        let mut calls = Vec::new();
        for _ in 0..150 {
            world.cloud.now = world.cloud.now + Duration::from_millis(dice.roll(4_000) as u64);
            let open: Vec<LinkId> = world.books.open.iter().copied().collect();
            let some_link = dice.pick(&open);
            let call = dice.pick(&calls).unwrap_or(CallId::from_random(7));
            let input = match (dice.roll(14), some_link) {
                (0..=2, _) | (_, None) => {
                    world.cloud.links += 1;
                    let link = LinkId(world.cloud.links);
                    world.books.waiting.insert(link);
                    let (key, room) = rooms[dice.roll(rooms.len())];
                    let peer = match dice.roll(8) {
                        0 => Peer::Unfit(Refusal::Expired),
                        1 => Peer::Newcomer { spki_der: vec![key + 10; 9] },
                        _ => enrolled(key, room),
                    };
                    let calls = if dice.roll(2) == 0 { vec![held(call)] } else { vec![] };
                    let hello = Hello {
                        versions: (1, 1),
                        software: "chaos".into(),
                        serial: "1".into(),
                        calls,
                    };
                    Input::Hello { link, peer, hello }
                }
                (3, Some(link)) => Input::Closed { link },
                (4..=8, Some(link)) => {
                    world.cloud.requests += 1;
                    let id = RequestId(world.cloud.requests);
                    world.books.asked.insert(id, link);
                    let request = match dice.roll(8) {
                        3 | 4 => {
                            let participants = world.cloud.who_waits();
                            if dice.roll(2) == 0 {
                                RoomRequest::LetIn { call, participants }
                            } else {
                                RoomRequest::TurnAway { call, participants }
                            }
                        }
                        0 => RoomRequest::Leave { call },
                        1 => RoomRequest::SetMedia {
                            call,
                            microphone: Switch::Off,
                            camera: Switch::On,
                        },
                        2 => RoomRequest::RenewCertificate,
                        _ => {
                            let pins = [None, Some("246810"), Some("135791")];
                            let numbers = ["4711", "4713", "4712", "9999", "4713"];
                            RoomRequest::Join(Join {
                                number: numbers[dice.roll(5)].parse().unwrap(),
                                pin: pins[dice.roll(3)].map(|pin| pin.parse().unwrap()),
                                profiles: SrtpProfile::PREFERENCE.to_vec(),
                                microphone: Switch::On,
                                camera: Switch::On,
                                lobby: true,
                            })
                        }
                    };
                    Input::Request { link, id, request }
                }
                (9..=11, _) if !world.jobs.is_empty() => {
                    let at = dice.roll(world.jobs.len());
                    world.finish(at, &mut dice);
                    continue;
                }
                (12, _) if dice.roll(6) == 0 => {
                    let room = rooms[dice.roll(rooms.len())].1.to_string();
                    let request = ControlRequest::RoomRevoke { room };
                    Input::Control {
                        id: ControlId(1),
                        by: Caller::command_line(OrganisationId::FIRST),
                        request,
                    }
                }
                (12, _) if dice.roll(2) == 0 => Input::Control {
                    id: ControlId(3),
                    by: Caller::command_line(OrganisationId::FIRST),
                    request: ControlRequest::MeetingLetIn {
                        number: "4713".parse().unwrap(),
                        who: vec![],
                    },
                },
                (12, _) if dice.roll(6) == 0 => Input::Control {
                    id: ControlId(2),
                    by: Caller::command_line(OrganisationId::FIRST),
                    request: ControlRequest::VmrRemove { number: "4712".parse().unwrap() },
                },
                _ => Input::Wake,
            };
            for output in world.give(input) {
                match output {
                    Output::Respond { response: Response::Joined(joined), .. } => {
                        calls.push(joined.call);
                    }
                    Output::Respond { response: Response::InLobby(lobby), .. } => {
                        calls.push(lobby.call);
                    }
                    _ => {}
                }
            }
            let deadline = world.cloud.board.deadline();
            assert!(deadline.is_none_or(|at| at > world.cloud.now), "seed {seed}: overdue");
        }
        while !world.jobs.is_empty() {
            world.finish(0, &mut dice);
        }
        let log = world.log.join("\n");
        assert!(world.books.asked.is_empty(), "seed {seed}: unanswered\n{log}");
        assert!(world.books.waiting.is_empty(), "seed {seed}: not greeted\n{log}");
        world.give(Input::Stop);
        assert!(world.books.legs.is_empty(), "seed {seed}: legs stay open\n{log}");
        assert!(world.books.open.is_empty(), "seed {seed}: links stay open\n{log}");
        let records =
            world.cloud.disk.call_records(OrganisationId::FIRST, Sight::All, 1_000).unwrap();
        assert!(records.iter().all(|r| r.left.is_some()), "seed {seed}: records stay open\n{log}");
    }
}

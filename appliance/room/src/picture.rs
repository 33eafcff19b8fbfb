//! The panel and the front display as functions of the state.

use crate::look::covered;
use crate::media::{Banner, IdleDisplay, RemoteParticipant};
use crate::pad::Pad;
use crate::room::{Enrolment, Room};
use conclave_call::{Health, State, Up};
use conclave_panel_api::{
    CallHealth, Entry, InCall, LinkState, Meeting, Panel, Person, Screen, Trouble, Waiter,
};
use conclave_types::{Time, VmrNumber};

impl Room {
    /// What the panel shows now.
    pub fn panel(&self, now: Time) -> Panel {
        Panel {
            language: self.settings.language,
            room: self.name().cloned(),
            serial: self.facts.serial.clone(),
            link: self.shown_link(now),
            camera: self.camera,
            microphone: self.microphone,
            screen: self.screen(now),
            notice: self.notice,
            asleep: self.asleep(now) && !self.identifies() && self.looking.shown().is_none(),
            identify: self.identifies(),
            brightness: self.brightness().percent(),
            time_zone: self.time_zone().cloned(),
            development: self.facts.development,
            look: self.looking.shown(),
        }
    }

    fn shown_link(&self, now: Time) -> LinkState {
        match self.link {
            LinkState::Lost { .. } => {
                let left = self.retry_at.map_or(0, |at| at.since(now).as_secs());
                LinkState::Lost { retry_in_s: u32::try_from(left).unwrap_or(u32::MAX) }
            }
            other => other,
        }
    }

    fn screen(&self, now: Time) -> Screen {
        if let Some(screen) = self.reset_screen(now).or_else(|| self.stick_screen()) {
            return screen;
        }
        match (self.call.state(), &self.enrolment, &self.pad) {
            (State::Up(up), _, _) => Screen::InCall(Box::new(self.in_call(now, up))),
            (State::Waiting(waiting), _, _) => Screen::Lobby {
                number: waiting.number.clone(),
                name: waiting.name.clone(),
                health: health(waiting.health),
            },
            (State::Joining { number }, _, _) => {
                Screen::Connecting { number: number.clone(), name: self.listed_name(number) }
            }
            (State::Idle, Enrolment::Newcomer { code, until, total }, _) => Screen::Activation {
                code: *code,
                seconds_left: until.map_or(0, |end| seconds_up(end.since(now))),
                seconds_total: *total,
            },
            (State::Idle, Enrolment::Enrolled(_), Pad::Closed) => Screen::Idle {
                meetings: self.shown_meetings(),
                directory: self
                    .directory
                    .iter()
                    .map(|entry| Entry {
                        number: entry.number.clone(),
                        name: entry.name.clone(),
                        pin: entry.pin,
                    })
                    .collect(),
                numbers: self.dials_numbers(),
            },
            (State::Idle, Enrolment::Enrolled(_), Pad::Number { typed, fault }) => Screen::Number {
                typed: typed.clone(),
                complete: self.pad.number().is_some(),
                trouble: fault.and_then(|fault| fault.shown(now)).map(|trouble| match trouble {
                    Trouble::Wait { seconds } => Trouble::TooManyNumbers { seconds },
                    other => other,
                }),
            },
            (State::Idle, Enrolment::Enrolled(_), Pad::Pin { number, typed, fault }) => {
                Screen::Pin {
                    number: number.clone(),
                    name: self.listed_name(number),
                    typed: u8::try_from(typed.expose().len()).unwrap_or(u8::MAX),
                    complete: self.pad.ready_pin(now).is_some(),
                    trouble: fault.and_then(|fault| fault.shown(now)),
                }
            }
        }
    }

    fn shown_meetings(&self) -> Vec<Meeting> {
        let meetings = self.agenda.today(&self.clock);
        match self.looking.covers() {
            true => meetings.into_iter().map(covered).collect(),
            false => meetings,
        }
    }

    fn in_call(&self, now: Time, up: &Up) -> InCall {
        InCall {
            name: up.name.clone(),
            number: up.number.clone(),
            seconds: u32::try_from(now.since(up.since).as_secs()).unwrap_or(u32::MAX),
            participants: up
                .roster
                .participants
                .iter()
                .map(|person| {
                    let me = person.participant == up.me;
                    Person {
                        participant: person.participant,
                        name: person.name.clone(),
                        // Of itself a room knows better than the cloud's last word.
                        microphone: if me { self.call.microphone() } else { person.microphone },
                        camera: if me { self.call.camera() } else { person.camera },
                        speaking: up.speaking == Some(person.participant),
                        me,
                    }
                })
                .collect(),
            microphone: self.call.microphone(),
            camera: self.call.camera(),
            volume: self.settings.volume,
            layout: self.settings.layout,
            people_open: self.people_open,
            lobby: up
                .lobby
                .iter()
                .map(|each| Waiter { participant: each.participant, name: each.name.clone() })
                .collect(),
            health: health(up.health),
        }
    }

    fn listed_name(&self, number: &VmrNumber) -> Option<conclave_types::DisplayName> {
        let listed = self.directory.iter().find(|entry| entry.number == *number);
        listed.map(|entry| entry.name.clone()).or_else(|| self.agenda.title(number))
    }

    pub(crate) fn idle_display(&self) -> IdleDisplay {
        let code = match &self.enrolment {
            Enrolment::Newcomer { code, .. } => *code,
            _ => None,
        };
        IdleDisplay {
            language: self.settings.language,
            room: self.name().cloned(),
            identify: self.identifies(),
            code,
            clock: (self.clock.hours, self.clock.minutes),
        }
    }

    pub(crate) fn remote_participants(&self) -> Vec<RemoteParticipant> {
        let State::Up(up) = self.call.state() else { return Vec::new() };
        up.roster
            .participants
            .iter()
            .filter(|person| person.participant != up.me)
            .map(|person| RemoteParticipant {
                participant: person.participant,
                name: person.name.clone(),
                microphone: person.microphone,
                camera: person.camera,
                audio: person.audio,
                video: person.video,
            })
            .collect()
    }

    pub(crate) fn banner(&self) -> Option<Banner> {
        match self.call.state() {
            State::Up(Up { health: Health::LinkLost, .. }) => Some(Banner::LinkLost),
            State::Up(Up { health: Health::Rejoining, .. }) => Some(Banner::Rejoining),
            _ => None,
        }
    }
}

fn health(health: Health) -> CallHealth {
    match health {
        Health::Good => CallHealth::Good,
        Health::LinkLost => CallHealth::LinkLost,
        Health::Rejoining => CallHealth::Rejoining,
    }
}

/// Whole seconds, so that nothing is shown as over before it is.
pub(crate) fn seconds_up(span: std::time::Duration) -> u32 {
    u32::try_from(span.as_secs() + u64::from(span.subsec_nanos() > 0)).unwrap_or(u32::MAX)
}

//! What the display should show right now, as values. The media thread writes it, the display
//! thread reads it; two equal scenes look the same, so an unchanged scene is never painted twice.

use conclave_panel_api::{Language, Layout};
use conclave_room::media::{Banner, IdleDisplay, RemoteParticipant};
use conclave_types::{DisplayName, ParticipantId, Switch};

/// Everything that decides what is painted, apart from the pictures themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scene {
    /// Outside a call; also carries the language.
    pub(crate) idle: IdleDisplay,
    /// The call, while one is up.
    pub(crate) call: Option<CallScene>,
    /// How pictures are arranged.
    pub(crate) layout: Layout,
    /// This room's microphone, shown on the self-view.
    pub(crate) microphone: Switch,
    /// This room's camera as the person set it.
    pub(crate) camera: Switch,
    /// The line above the tiles. Outlives a call that is joined again.
    pub(crate) banner: Option<Banner>,
}

/// A call on the display.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CallScene {
    /// The others, in the order of their tiles.
    pub(crate) people: Vec<Person>,
    /// Whether anybody else was there before, or is not known yet.
    pub(crate) company: Company,
    /// Who is outlined.
    pub(crate) speaking: Option<ParticipantId>,
}

/// Why nobody else is on the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Company {
    /// The list of participants has not come yet.
    #[default]
    Unknown,
    /// Nobody else has been here.
    NotYet,
    /// Somebody was here.
    Came,
}

/// Someone else on the display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) participant: ParticipantId,
    pub(crate) name: DisplayName,
    pub(crate) microphone: Switch,
    pub(crate) camera: Switch,
}

impl Scene {
    /// Before anything was commanded.
    pub(crate) fn first() -> Scene {
        Scene {
            idle: IdleDisplay {
                language: Language::English,
                room: None,
                identify: false,
                code: None,
                clock: (0, 0),
            },
            call: None,
            layout: Layout::Grid,
            microphone: Switch::On,
            camera: Switch::On,
            banner: None,
        }
    }
}

impl CallScene {
    /// Takes over who is there.
    pub(crate) fn set_people(&mut self, people: &[RemoteParticipant]) {
        self.company = match (people.is_empty(), self.company) {
            (false, _) | (true, Company::Came) => Company::Came,
            (true, _) => Company::NotYet,
        };
        self.people = people
            .iter()
            .map(|p| Person {
                participant: p.participant,
                name: p.name.clone(),
                microphone: p.microphone,
                camera: p.camera,
            })
            .collect();
    }

    /// People in the order of tiles: with the speaker layout, who speaks comes first.
    pub(crate) fn ordered(&self, layout: Layout) -> Vec<&Person> {
        let mut people: Vec<&Person> = self.people.iter().collect();
        if layout == Layout::Speaker
            && let Some(at) = people.iter().position(|p| Some(p.participant) == self.speaking)
        {
            people[..=at].rotate_right(1);
        } else if people.len() > super::layout::MAX_TILES
            && let Some(at) = people.iter().position(|p| Some(p.participant) == self.speaking)
            && at >= super::layout::MAX_TILES
        {
            // Who speaks is seen, however many came before.
            people.swap(super::layout::MAX_TILES - 1, at);
        }
        people
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(n: u128) -> RemoteParticipant {
        RemoteParticipant {
            participant: ParticipantId::from_random(n),
            name: format!("Room {n}").parse().unwrap(),
            microphone: Switch::On,
            camera: Switch::On,
            audio: conclave_types::Ssrc(n as u32 * 2),
            video: conclave_types::Ssrc(n as u32 * 2 + 1),
        }
    }

    #[test]
    fn whoever_speaks_is_large_and_the_others_keep_their_order() {
        let mut call = CallScene::default();
        call.set_people(&[person(1), person(2), person(3)]);
        call.speaking = Some(ParticipantId::from_random(3));
        let order = |layout| -> Vec<ParticipantId> {
            call.ordered(layout).iter().map(|p| p.participant).collect()
        };
        let ids = [1, 2, 3].map(ParticipantId::from_random);
        assert_eq!(order(Layout::Grid), ids);
        assert_eq!(order(Layout::Speaker), [ids[2], ids[0], ids[1]]);
    }

    #[test]
    fn being_left_alone_is_not_being_the_first() {
        let mut call = CallScene::default();
        assert_eq!(call.company, Company::Unknown);
        call.set_people(&[]);
        assert_eq!(call.company, Company::NotYet);
        call.set_people(&[person(1)]);
        call.set_people(&[]);
        assert_eq!(call.company, Company::Came);
    }
}

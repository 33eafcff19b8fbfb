//! One meeting and its seats.

use crate::lobby::PATIENCE;
use crate::words::{Attendance, Held, Roster, RosterLine, Standing, Visit, Why};
use conclave_types::{MeetingId, ParticipantId, Ssrc, Time};
use std::time::Duration;

/// How long a seat is kept when the link is gone and media still flows.
/// Two minutes: longer than the longest pause between a room's attempts to reconnect. Raised, a
/// room that was carried off stays on the roster; lowered, a cloud behind a slow proxy drops calls.
pub const LINK_GRACE: Duration = Duration::from_secs(120);

/// How long a seat is kept when no packet comes though the link is up.
/// A minute: whoever blocks UDP should see the reason while they still stand at the panel, and a
/// room that changes its camera or its network should not lose the call.
pub const MEDIA_GRACE: Duration = Duration::from_secs(60);

/// How long a seat is kept when link and media are both gone.
/// Fifteen seconds: a cable pulled and put back, but no ghost on everybody's roster.
pub const SILENCE_GRACE: Duration = Duration::from_secs(15);

/// The shortest time between two announcements of the speaker in one meeting.
/// Half a second: a frame that jumps faster than that is no help to anybody.
pub const SPEAKER_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Meeting {
    pub(crate) id: MeetingId,
    pub(crate) revision: u64,
    pub(crate) recorded: bool,
    /// In the order of arrival.
    pub(crate) seats: Vec<Seat>,
    pub(crate) speaker: Option<ParticipantId>,
    pub(crate) announced: Option<ParticipantId>,
    pub(crate) announced_at: Option<Time>,
    /// Its line in [`Meetings::announcements`].
    pub(crate) due: Option<Time>,
}

#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) visit: Visit,
    pub(crate) stage: Stage,
    /// Its line in [`Meetings::given_up`].
    pub(crate) due: Option<Time>,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// It waits in the lobby. `let_in`: it may come in as soon as its link is back.
    Waiting { since: Time, link: Link, let_in: bool },
    /// Its leg is being opened.
    Coming,
    /// It is in the meeting.
    In { audio: Ssrc, video: Ssrc, link: Link, media: Media },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Up,
    Lost { since: Time },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Flowing,
    Silent { since: Time },
}

impl Meeting {
    pub(crate) fn new(id: MeetingId) -> Meeting {
        Meeting {
            id,
            revision: 0,
            recorded: false,
            seats: Vec::new(),
            speaker: None,
            announced: None,
            announced_at: None,
            due: None,
        }
    }

    pub(crate) fn has(&self, participant: ParticipantId) -> bool {
        self.seats.iter().any(|seat| seat.visit.participant == participant && seat.is_in())
    }

    pub(crate) fn linked(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| matches!(seat.stage, Stage::In { link: Link::Up, .. }))
    }

    /// Those of them who may let others in.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &Seat> {
        self.linked().filter(|seat| seat.visit.standing == Standing::Host)
    }

    /// When the speaker is to be announced; `None` when everybody knows.
    pub(crate) fn announcement_due(&self) -> Option<Time> {
        let due = self.announced_at.map_or(Time::ZERO, |at| at + SPEAKER_INTERVAL);
        (self.speaker != self.announced).then_some(due)
    }

    pub(crate) fn roster(&self) -> Roster {
        let lines = self.seats.iter().filter_map(Seat::line).collect();
        Roster { revision: self.revision, lines }
    }
}

impl Seat {
    pub(crate) fn is_in(&self) -> bool {
        matches!(self.stage, Stage::In { .. })
    }

    pub(crate) fn waits(&self) -> bool {
        matches!(self.stage, Stage::Waiting { .. })
    }

    /// Whether it has one of the places of the meeting's capacity. One who was let in and whose link is lost has.
    pub(crate) fn takes_place(&self) -> bool {
        !matches!(self.stage, Stage::Waiting { let_in: false, .. })
    }

    pub(crate) fn attendance(&self, meeting: MeetingId) -> Attendance {
        let Visit { call, room, ref name, .. } = self.visit;
        Attendance { meeting, call, room, name: name.clone() }
    }

    pub(crate) fn line(&self) -> Option<RosterLine> {
        let Stage::In { audio, video, .. } = self.stage else { return None };
        Some(RosterLine {
            participant: self.visit.participant,
            name: self.visit.name.clone(),
            microphone: self.visit.microphone,
            camera: self.visit.camera,
            audio,
            video,
        })
    }

    /// Takes over the switches; true when the others can see a change.
    pub(crate) fn set_switches(&mut self, set: Held) -> bool {
        let before = (self.visit.microphone, self.visit.camera);
        (self.visit.microphone, self.visit.camera) = (set.microphone, set.camera);
        before != (set.microphone, set.camera) && self.is_in()
    }

    /// When this seat is given up, and why, if nothing changes.
    pub(crate) fn deadline(&self) -> Option<(Time, Why)> {
        let (link, media) = match self.stage {
            Stage::Waiting { since, link, .. } => {
                let patience = (since + PATIENCE, Why::NobodyCame);
                return Some(match link {
                    Link::Lost { since } if since + LINK_GRACE < patience.0 => {
                        (since + LINK_GRACE, Why::LinkLost)
                    }
                    _ => patience,
                });
            }
            Stage::Coming => return None,
            Stage::In { link, media, .. } => (link, media),
        };
        match (link, media) {
            (Link::Up, Media::Flowing) => None,
            (Link::Up, Media::Silent { since }) => Some((since + MEDIA_GRACE, Why::MediaLost)),
            (Link::Lost { since }, Media::Flowing) => Some((since + LINK_GRACE, Why::LinkLost)),
            (Link::Lost { since: link }, Media::Silent { since: media }) => {
                let both = link.max(media) + SILENCE_GRACE;
                let first = both.min(link + LINK_GRACE).min(media + MEDIA_GRACE);
                Some((first, Why::LinkLost))
            }
        }
    }
}

//! One meeting: its forwarder and its legs.

use crate::leg::{Leg, LegReport};
use crate::ports::{self, Bound};
use crate::{MediaNodeConfig, OpenLegError};
use conclave_forward::{CannotOpen, Forwarder, Input, PacketLimit};
use conclave_types::{LegId, MediaLeg, MeetingId, ParticipantId, SrtpKey, SrtpProfile, Ssrc, Time};
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::{HashMap, HashSet};

/// Pairs of sources that are drawn before giving up: each fails once in millions of times.
const DRAWS: usize = 16;

/// One meeting, as its task owns it.
pub(crate) struct Meeting {
    pub(crate) forwarder: Forwarder,
    pub(crate) legs: HashMap<ParticipantId, Leg>,
    /// When its task comes back to it; kept by the task.
    pub(crate) due: Option<Time>,
    /// Every source that was ever given out here. A source that came again with its numbers begun
    /// anew would make receivers' keys protect two packets alike. Four octets per join.
    used: HashSet<Ssrc>,
}

impl Meeting {
    pub(crate) fn new(random: &SystemRandom, limit: PacketLimit) -> Result<Meeting, OpenLegError> {
        let own = Ssrc(u32::from_ne_bytes(draw(random)?));
        let used = HashSet::from([own]);
        let forwarder = Forwarder::with_limit(own, limit);
        Ok(Meeting { forwarder, legs: HashMap::new(), due: None, used })
    }

    /// Opens a leg: keys, sources and a socket of its own.
    pub(crate) fn open(
        &mut self,
        now: Time,
        (meeting, participant): (MeetingId, ParticipantId),
        profile: SrtpProfile,
        config: &MediaNodeConfig,
        random: &SystemRandom,
    ) -> Result<MediaLeg, OpenLegError> {
        let (audio, video) = self.draw_sources(participant, random)?;
        let (room_to_node, node_to_room) = (key(profile, random)?, key(profile, random)?);
        let open = conclave_srtp::opener(&room_to_node).map_err(|_| OpenLegError::NoKeys)?;
        let seal = conclave_srtp::sealer(&node_to_room).map_err(|_| OpenLegError::NoKeys)?;
        let id = LegId::from_random(u128::from_ne_bytes(draw(random)?));
        let bound: Bound = ports::bind(config, random)?;
        let port = bound.port;
        self.used.extend([audio, video]);
        let span = tracing::info_span!("leg", %meeting, %participant, leg = %id);
        self.legs.insert(participant, Leg::new(id, bound, open, seal, span));
        self.forwarder.handle(now, Input::Opened { participant, audio, video });
        let address = config.address;
        Ok(MediaLeg { leg: id, address, port, room_to_node, node_to_room, audio, video })
    }

    fn draw_sources(
        &self,
        participant: ParticipantId,
        random: &SystemRandom,
    ) -> Result<(Ssrc, Ssrc), OpenLegError> {
        for _ in 0..DRAWS {
            let audio = Ssrc(u32::from_ne_bytes(draw(random)?));
            let video = Ssrc(u32::from_ne_bytes(draw(random)?));
            match self.forwarder.may_open(participant, audio, video) {
                Ok(()) if !self.used.contains(&audio) && !self.used.contains(&video) => {
                    return Ok((audio, video));
                }
                Ok(()) | Err(CannotOpen::Source(_)) => {}
                Err(CannotOpen::Already) => return Err(OpenLegError::AlreadyOpen),
                Err(CannotOpen::Full) => return Err(OpenLegError::MeetingFull),
            }
        }
        Err(OpenLegError::NoKeys)
    }

    /// Closes a leg; `None` when it was not open.
    pub(crate) fn close(&mut self, now: Time, participant: ParticipantId) -> Option<Leg> {
        self.forwarder.handle(now, Input::Closed { participant });
        self.legs.remove(&participant)
    }

    /// Says something about a leg.
    pub(crate) fn tell(&self, participant: ParticipantId, say: impl FnOnce()) {
        if let Some(leg) = self.legs.get(&participant) {
            leg.span().in_scope(say);
        }
    }

    pub(crate) fn report(&self, participant: ParticipantId) -> Option<LegReport> {
        let leg = self.legs.get(&participant)?;
        self.forwarder.statistics(participant).map(|forwarded| leg.report(forwarded))
    }
}

fn key(profile: SrtpProfile, random: &SystemRandom) -> Result<SrtpKey, OpenLegError> {
    let mut material = vec![0; profile.key_len() + profile.salt_len()];
    random.fill(&mut material).map_err(|_| OpenLegError::NoKeys)?;
    SrtpKey::new(profile, material).map_err(|_| OpenLegError::NoKeys)
}

fn draw<const N: usize>(random: &SystemRandom) -> Result<[u8; N], OpenLegError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(|_| OpenLegError::NoKeys)?;
    Ok(bytes)
}

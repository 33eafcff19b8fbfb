//! What the two ends of a media leg agree on before the first packet.

use crate::{LegId, Redacted, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;

/// RTP payload type of Opus (RFC 7587) on every leg. Fixed, because both ends are ours.
pub const AUDIO_PAYLOAD_TYPE: u8 = 111;
/// RTP payload type of H.264 (RFC 6184), packetization mode 1, on every leg.
pub const VIDEO_PAYLOAD_TYPE: u8 = 96;
/// RTP clock of Opus, whatever the sampling rate (RFC 7587, section 4.1).
pub const AUDIO_CLOCK_HZ: u32 = 48_000;
/// RTP clock of H.264 (RFC 6184, section 8.2.1).
pub const VIDEO_CLOCK_HZ: u32 = 90_000;
/// Id of the audio-level header extension (RFC 6464) in the one-byte form of RFC 8285.
pub const AUDIO_LEVEL_EXTENSION: u8 = 1;

/// An RTP synchronisation source (RFC 3550, section 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ssrc(pub u32);

impl fmt::Debug for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// A microphone or camera as the person set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// It sends.
    On,
    /// Muted, or the picture is off.
    Off,
}

impl Switch {
    /// The other position.
    pub fn flipped(self) -> Switch {
        match self {
            Switch::On => Switch::Off,
            Switch::Off => Switch::On,
        }
    }

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Switch::On => "on",
            Switch::Off => "off",
        }
    }

    /// Whether it sends.
    pub fn is_on(self) -> bool {
        self == Switch::On
    }
}

/// An SRTP protection profile, by the names that IANA registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SrtpProfile {
    /// RFC 7714: preferred.
    #[serde(rename = "AEAD_AES_128_GCM")]
    AeadAes128Gcm,
    /// RFC 3711: always supported.
    #[serde(rename = "AES_CM_128_HMAC_SHA1_80")]
    AesCm128HmacSha1_80,
}

impl SrtpProfile {
    /// Both profiles, the preferred one first.
    pub const PREFERENCE: [SrtpProfile; 2] =
        [SrtpProfile::AeadAes128Gcm, SrtpProfile::AesCm128HmacSha1_80];

    /// Octets of the master key.
    pub const fn key_len(self) -> usize {
        16
    }

    /// Octets of the master salt.
    pub const fn salt_len(self) -> usize {
        match self {
            SrtpProfile::AeadAes128Gcm => 12,
            SrtpProfile::AesCm128HmacSha1_80 => 14,
        }
    }
}

/// An SRTP master key with its salt, for one direction of one leg of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrtpKey {
    profile: SrtpProfile,
    /// Key, then salt.
    material: Secret<Vec<u8>>,
}

/// Key material whose length does not fit its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SrtpKeyError {
    /// Octets of key and salt together that the profile wants.
    pub expected: usize,
    /// Octets that came.
    pub found: usize,
}

impl fmt::Display for SrtpKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} octets of key and salt, found {}", self.expected, self.found)
    }
}

impl std::error::Error for SrtpKeyError {}

impl SrtpKey {
    /// Takes key and salt, one behind the other, from a random source or from the link.
    pub fn new(profile: SrtpProfile, material: Vec<u8>) -> Result<SrtpKey, SrtpKeyError> {
        let material = Secret::new(material);
        let expected = profile.key_len() + profile.salt_len();
        let found = material.expose().len();
        if found == expected {
            Ok(SrtpKey { profile, material })
        } else {
            Err(SrtpKeyError { expected, found })
        }
    }

    /// The profile that the key is for.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// The master key: 16 octets.
    pub fn key(&self) -> &[u8] {
        &self.material.expose()[..self.profile.key_len()]
    }

    /// The master salt: 12 or 14 octets.
    pub fn salt(&self) -> &[u8] {
        &self.material.expose()[self.profile.key_len()..]
    }
}

#[derive(Serialize, Deserialize)]
struct SrtpKeyOnWire {
    profile: SrtpProfile,
    material: Secret<String>,
}

impl Serialize for SrtpKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let material = Secret::new(STANDARD.encode(self.material.expose()));
        SrtpKeyOnWire { profile: self.profile, material }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SrtpKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SrtpKey, D::Error> {
        let wire = SrtpKeyOnWire::deserialize(deserializer)?;
        let material = STANDARD
            .decode(wire.material.expose())
            .map_err(|_| serde::de::Error::custom("key material is not base64"))?;
        SrtpKey::new(wire.profile, material).map_err(serde::de::Error::custom)
    }
}

/// All that a room needs to start media with a media node: no further handshake follows.
///
/// The room sends first; the node learns the room's address from the first packet that
/// authenticates. Audio, video and RTCP share the one port (RFC 5761).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaLeg {
    /// Names the leg in logs of both ends.
    pub leg: LegId,
    /// The node's address; `None` means the address at which the link reached the cloud.
    pub address: Option<IpAddr>,
    /// The node's UDP port, drawn anew for each call.
    pub port: u16,
    /// Protects what the room sends.
    pub room_to_node: SrtpKey,
    /// Protects what the room receives.
    pub node_to_room: SrtpKey,
    /// The source that the room's audio packets carry, unique in the meeting.
    pub audio: Ssrc,
    /// The source that the room's video packets carry, unique in the meeting.
    pub video: Ssrc,
}

impl fmt::Debug for MediaLeg {
    /// Without its keys, and the address as a tag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaLeg")
            .field("leg", &self.leg)
            .field("address", &self.address.map(Redacted))
            .field("port", &self.port)
            .field("audio", &self.audio)
            .field("video", &self.video)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_material_of_another_length_is_refused() {
        let short = SrtpKey::new(SrtpProfile::AeadAes128Gcm, vec![0; 27]);
        assert_eq!(short, Err(SrtpKeyError { expected: 28, found: 27 }));
        let key = SrtpKey::new(SrtpProfile::AesCm128HmacSha1_80, (0..30).collect()).unwrap();
        assert_eq!((key.key().len(), key.salt()[0]), (16, 16));
    }

    #[test]
    fn keys_do_not_print() {
        let key = SrtpKey::new(SrtpProfile::AeadAes128Gcm, vec![0xab; 28]).unwrap();
        let shown = format!("{key:?}");
        assert!(!shown.contains("171") && !shown.contains("ab,"), "{shown}");
    }
}

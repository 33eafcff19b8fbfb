//! What may print, and why.

use super::Listed;

/// Fields that show an address, octets, or text under a telling name all the same.
pub const MAY_PRINT: &[Listed] = &[
    ("core/rtp/src/rtcp.rs", "Packet::SourceDescription.names", "CNAMEs: ids, which are random"),
    ("board/src/lines/mod.rs", "LineTrouble::SeveralChips.label", "how a driver calls its chip"),
    (
        "appliance/slots/src/entries.rs",
        "Slot.label",
        "the same on every board: conclave_a, conclave_b",
    ),
    (
        "core/forward/src/lib.rs",
        "Outgoing::Rtcp.0",
        "RTCP: counts and times, nothing that anybody says or shows",
    ),
    ("cloud-link/cloud/src/peer.rs", "Peer::Enrolled.spki_der", "a public key: it opens nothing"),
    (
        "cloud-link/cloud/src/peer.rs",
        "Peer::Enrolled.spki_sha256",
        "a public key: it opens nothing",
    ),
    ("cloud-link/cloud/src/peer.rs", "Peer::Newcomer.spki_der", "a public key: it opens nothing"),
    ("cloud-link/cloud/src/known.rs", "Known.late", "hashes of certificates"),
    ("cloud-link/cloud/src/known.rs", "Known.early", "hashes of certificates"),
    (
        "appliance/panel-api/src/lib.rs",
        "Screen::Number.typed",
        "a meeting room's number, as VmrNumber prints",
    ),
    (
        "appliance/room/src/pad.rs",
        "Pad::Number.typed",
        "a meeting room's number, as VmrNumber prints",
    ),
    ("appliance/media/src/loudspeaker.rs", "Probe.name", "GStreamer's word for an element of ours"),
    (
        "ui-kiosk/src/driver/elements.rs",
        "Element.label",
        "for tests and the demo, in no image that is handed out",
    ),
    ("cloud/media-node/src/lib.rs", "MediaNodeConfig.bind", "where the operator has it listen"),
    ("cloud/media-node/src/lib.rs", "MediaNodeConfig.address", "where the operator has rooms sent"),
    ("cloud/server/src/control.rs", "ControlAnswer::BackupPromoted.pins", "hashes of public keys"),
    ("cloud/server/src/cli/args.rs", "Command::Serve.listen", "where the operator has it listen"),
    ("cloud/server/src/cli/args.rs", "Command::Serve.metrics", "where the operator has it listen"),
    ("cloud/server/src/config.rs", "MetricsConfig.listen", "where the operator has it listen"),
    ("cloud/server/src/config.rs", "LinkConfig.listen", "where the operator has it listen"),
    ("cloud/server/src/config.rs", "MediaConfig.bind", "where the operator has it listen"),
    ("cloud/server/src/config.rs", "MediaConfig.address", "where the operator has rooms sent"),
    ("cloud/server/src/data_folder.rs", "Run.link", "where the operator has it listen"),
    ("cloud/server/src/data_folder.rs", "Run.metrics", "where the operator has it listen"),
    ("cloud/server/src/switchboard/tally.rs", "Gauges.pin_checks", "how many are under way"),
    (
        "cloud/server/src/switchboard/mod.rs",
        "Party::Room.spki_der",
        "a public key: it opens nothing",
    ),
    (
        "cloud/server/src/switchboard/mod.rs",
        "Party::Newcomer.spki_der",
        "a public key: it opens nothing",
    ),
    (
        "cloud/server/src/switchboard/words.rs",
        "Peer::Enrolled.spki_der",
        "a public key: it opens nothing",
    ),
    (
        "cloud/server/src/switchboard/words.rs",
        "Peer::Newcomer.spki_der",
        "a public key: it opens nothing",
    ),
];

/// Prints that are written by hand, and macros that write some, with what they show.
pub const BY_HAND: &[Listed] = &[
    ("core/types/src/secret.rs", "Secret", "nothing"),
    ("core/types/src/secret.rs", "Redacted", "a tag of 20 bits"),
    ("core/types/src/code.rs", "ActivationCode", "nothing"),
    ("core/types/src/name.rs", "DisplayName", "a tag"),
    ("core/types/src/release.rs", "BundleHash", "the hash of what every room is given"),
    ("core/messages/src/update.rs", "Piece", "its length"),
    ("core/types/src/media.rs", "Ssrc", "a random number that stands in each packet"),
    ("core/types/src/media.rs", "MediaLeg", "its address as a tag, no keys"),
    ("core/types/src/id.rs", "id!", "an id, which is random"),
    ("core/rtp/src/packet.rs", "Packet", "its length"),
    ("core/forward/src/lib.rs", "Forwarded", "its number and length"),
    ("core/forward/src/leg.rs", "Source", "counts and times, no packets"),
    ("cloud-link/protocol/src/frame.rs", "Decoder", "how many octets it holds"),
    ("cloud-link/protocol/src/pin.rs", "ServerPin", "the hash of a public key"),
    ("cloud-link/room/src/shell.rs", "RoomLinkConfig", "the host as a tag"),
    ("cloud-link/room/src/key.rs", "KeyFile", "nothing"),
    ("cloud-link/cloud/src/authority.rs", "Authority", "hashes of public keys"),
    ("cloud-link/cloud/src/hub.rs", "HubHandle", "links and counts, their addresses as tags"),
    ("appliance/panel-api/src/lib.rs", "Tap", "that a digit was tapped, not which"),
    ("appliance/media/src/early.rs", "Packet", "its times and length"),
    ("appliance/media/src/playout.rs", "Played", "its time and length"),
    ("appliance/media/src/playout.rs", "Waiting", "its time and length"),
    (
        "board/src/description/values.rs",
        "worded!",
        "words of a board's description, which is public",
    ),
    ("appliance/media/src/config.rs", "ranged!", "sizes and rates of pictures"),
    ("appliance/daemon/src/config.rs", "Cloud", "the host as a tag"),
    ("cloud/directory/src/pin_hash.rs", "PinHash", "nothing"),
    (
        "cloud/directory/src/activation.rs",
        "KeyFingerprint",
        "the first 32 bits of a public key's hash",
    ),
    ("cloud/directory/src/repository.rs", "left_why!", "one of our own words"),
    ("cloud/media-node/src/totals.rs", "sums!", "counts"),
];

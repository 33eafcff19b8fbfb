//! No message shows what is secret or private when it is printed for a log.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_messages::{
    CloudEvent, DirectoryEntry, Greeting, InLobby, Join, Joined, Participant, Response,
    RoomIdentity, RoomRequest, Roster, Waiter, Welcome,
};
use conclave_types::{
    ActivationCode, CallId, DisplayName, LegId, MediaLeg, ParticipantId, Pin, ResetCode, RoomId,
    SrtpKey, SrtpProfile, Ssrc, Switch,
};
use std::fmt::Debug;

/// Printed both ways; none of the private words is in it, nor a row of octets.
fn is_silent(message: &impl Debug, private: &[&str]) {
    for shown in [format!("{message:?}"), format!("{message:#?}")] {
        for word in private {
            assert!(!shown.contains(word), "{word:?} stands in {shown}");
        }
    }
}

fn name() -> DisplayName {
    "Salle Voltaire".parse().unwrap()
}

fn roster() -> Roster {
    let participant = Participant {
        participant: ParticipantId::from_random(2),
        name: name(),
        microphone: Switch::On,
        camera: Switch::On,
        audio: Ssrc(1),
        video: Ssrc(2),
    };
    Roster { revision: 1, participants: vec![participant] }
}

#[test]
fn a_join_does_not_show_its_pin() {
    let pin: Pin = "758493021647".parse().unwrap();
    let join = Join {
        number: "4711".parse().unwrap(),
        pin: Some(pin),
        profiles: SrtpProfile::PREFERENCE.to_vec(),
        microphone: Switch::On,
        camera: Switch::On,
        lobby: true,
    };
    is_silent(&RoomRequest::Join(join), &["758493021647", "7584"]);
}

#[test]
fn the_code_of_a_reset_is_not_shown() {
    let code: ResetCode = "75849302".parse().unwrap();
    is_silent(&RoomRequest::MayReset { code }, &["75849302", "7584"]);
}

#[test]
fn a_joined_shows_no_key_no_address_and_no_name() {
    for profile in SrtpProfile::PREFERENCE {
        let length = profile.key_len() + profile.salt_len();
        let key = SrtpKey::new(profile, (201..).take(length).collect()).unwrap();
        let joined = Joined {
            call: CallId::from_random(1),
            name: name(),
            participant: ParticipantId::from_random(2),
            leg: MediaLeg {
                leg: LegId::from_random(1),
                address: Some("203.0.113.77".parse().unwrap()),
                port: 40_000,
                room_to_node: key.clone(),
                node_to_room: key,
                audio: Ssrc(1),
                video: Ssrc(2),
            },
            roster: roster(),
        };
        let private = ["Voltaire", "203.0.113", "201", "202", "c9ca", "C9CA", "ycrL"];
        is_silent(&CloudEvent::Admitted(Box::new(joined.clone())), &private);
        is_silent(&Response::Joined(Box::new(joined)), &private);
    }
}

#[test]
fn codes_and_names_are_not_shown_on_the_way_to_a_room() {
    let code = ActivationCode::from_random(0x12_3456_789a);
    let (first, last) = (code.to_string()[..4].to_owned(), code.to_string()[5..].to_owned());
    let private = [first.as_str(), last.as_str(), "Voltaire", "78187493530"];
    is_silent(&Greeting::Newcomer { code, expires_in_s: 9 }, &private);
    is_silent(&CloudEvent::NewCode { code, expires_in_s: 9 }, &private);
    let room = RoomIdentity { room: RoomId::from_random(5), name: name() };
    let directory =
        vec![DirectoryEntry { number: "4711".parse().unwrap(), name: name(), pin: true }];
    is_silent(&CloudEvent::Room(room.clone()), &private);
    is_silent(&CloudEvent::Directory(directory.clone()), &private);
    is_silent(&CloudEvent::Roster { call: CallId::from_random(1), roster: roster() }, &private);
    let waiting = vec![Waiter { participant: ParticipantId::from_random(3), name: name() }];
    is_silent(&CloudEvent::Lobby { call: CallId::from_random(1), waiting }, &private);
    let lobby = InLobby { call: CallId::from_random(1), name: name() };
    is_silent(&Response::InLobby(Box::new(lobby)), &private);
    let welcome = Welcome { version: 1, room, directory, calls: Vec::new(), waiting: Vec::new() };
    is_silent(&Greeting::Welcome(Box::new(welcome)), &private);
}

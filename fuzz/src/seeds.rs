//! The corpus to begin with, made from true messages and packets.
//!
//! `cargo run -p conclave-fuzz --example seeds` writes them to `corpus/<target>/`; the test in `tests/corpus.rs`
//! fails when they and the files part. Inputs that broke something once are kept beside them, as
//! `found-…`.

pub mod calendars;
pub mod messages;

use crate::pieces::Script;
use crate::srtp;
use conclave_link_protocol::RequestId;
use conclave_link_protocol::envelope::{self, Envelope, Kinds, Opening};
use conclave_link_protocol::frame::HEADER;
use conclave_link_protocol::message::{CertificateChain, CloudRequest, RoomEvent};
use conclave_link_protocol::pin::ServerPin;
use conclave_link_protocol::session::MOST_OWED;
use conclave_rtp::rtcp::{self, Packet as Rtcp, ReportBlock, SenderReport};
use conclave_rtp::{AudioLevel, Draft};
use conclave_srtp::sealer;
use conclave_types::{
    ActivationCode, CallId, LegId, MeetingId, OrganisationId, ParticipantId, PersonId, RoomId,
    SrtpProfile, Ssrc, VmrId,
};

/// One file of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The target, which is the folder.
    pub target: &'static str,
    /// The file.
    pub name: String,
    /// What stands in it.
    pub content: Vec<u8>,
}

/// All of them.
pub fn all() -> Vec<Seed> {
    let by_target = [
        ("link_room", link_room()),
        ("link_cloud", link_cloud()),
        ("rtp_packet", rtp_packet()),
        ("header_extensions", header_extensions()),
        ("rtcp", rtcp_datagrams()),
        ("srtp_open", srtp_open()),
        ("forwarder", forwarder()),
        ("panel_messages", messages::panel_frames()),
        ("activation_codes", activation_codes()),
        ("words", words()),
        ("certificates", certificates()),
        ("hello", hellos()),
        ("cloud_config", cloud_config()),
        ("device_list", device_list()),
        ("room_config", room_config()),
        ("board_description", board_description()),
        ("control_lines", control_lines()),
        ("block_sums", block_sums()),
        ("calendars", calendars::files()),
        ("caldav", calendars::answers()),
    ];
    let seeds = by_target.into_iter().flat_map(|(target, contents)| {
        let numbered = contents.into_iter().enumerate();
        numbered.map(move |(n, content)| Seed { target, name: format!("seed-{n:02}"), content })
    });
    seeds.collect()
}

fn framed<O: Opening, Q: Kinds, E: Kinds>(message: &Envelope<O, Q, E>) -> Vec<u8> {
    envelope::encode(message).map(|frame| frame.expose().clone()).unwrap_or_default()
}

/// Steps of [`crate::link`].
const READ: u8 = 0;
const READ_FRAMED: u8 = 1;
const WAIT: u8 = 2;
const ASK: u8 = 3;
const ANSWER: u8 = 4;
const TELL: u8 = 5;
const GREET: u8 = 8;

fn link_room() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for greeting in [messages::welcome(), messages::newcomer(), messages::refused()] {
        let frame = framed(&messages::cloud(Envelope::Opening(greeting)));
        let (first, second) = frame.split_at(frame.len() / 2);
        seeds.push(Script::new().octet(0).octet(READ).piece(first).octet(READ).piece(second).0);
        seeds.push(Script::new().octet(0).octet(READ_FRAMED).piece(&frame[HEADER..]).0);
    }
    for n in 0..16 {
        let event = framed(&messages::cloud(Envelope::Event(messages::cloud_event(n))));
        seeds.push(Script::new().octet(1).octet(READ_FRAMED).piece(&event[HEADER..]).0);
    }
    for n in 0..14 {
        let response = messages::response(n);
        let message = messages::cloud(Envelope::Response { id: RequestId(0), response });
        let asked = Script::new().octet(1).octet(ASK).octet(n);
        seeds.push(asked.octet(READ).piece(&framed(&message)).octet(WAIT).two(2000).0);
    }
    let ping = Envelope::Request { id: RequestId(7), request: CloudRequest::Ping };
    let asks = Script::new().octet(2).octet(READ).piece(&framed(&messages::cloud(ping)));
    seeds.push(asks.octet(ANSWER).octet(TELL).0);
    for message in [Envelope::Ping(3), Envelope::Pong(1), Envelope::Close("shutting down".into())] {
        let frame = framed(&messages::cloud(message));
        seeds.push(Script::new().octet(1).octet(WAIT).two(1600).octet(READ).piece(&frame).0);
    }
    // One request more than may wait for their answers, either way.
    let (mut flood, mut asks) = (Script::new().octet(1), Script::new().octet(1));
    for n in 0..=MOST_OWED as u64 {
        let ping = Envelope::Request { id: RequestId(n), request: CloudRequest::Ping };
        flood = flood.octet(READ).piece(&framed(&messages::cloud(ping)));
        asks = asks.octet(ASK).octet(n as u8);
    }
    seeds.extend([flood.0, asks.0]);
    let unknown = br#"{"request":9,"kind":"dance","body":{"steps":[1,2]}}"#;
    seeds.push(Script::new().octet(1).octet(READ_FRAMED).piece(unknown).0);
    seeds.push(Script::new().octet(1).octet(WAIT).two(1600).octet(WAIT).two(9000).0);
    seeds
}

fn link_cloud() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let hello = framed(&messages::room(Envelope::Opening(messages::hello())));
    for greeting in 0..3 {
        let (first, second) = hello.split_at(30);
        let cut = Script::new().octet(0).octet(READ).piece(first).octet(READ).piece(second);
        seeds.push(cut.octet(GREET).octet(greeting).octet(ASK).octet(TELL).octet(greeting).0);
    }
    for n in 0..12 {
        let request = messages::room_request(n);
        let message = messages::room(Envelope::Request { id: RequestId(n.into()), request });
        let whole = framed(&message);
        seeds.push(Script::new().octet(1).octet(READ).piece(&whole).octet(ANSWER).octet(n).0);
        let content = &whole[HEADER..];
        seeds.push(Script::new().octet(2).octet(READ_FRAMED).piece(content).0);
        seeds.push(Script::new().octet(1).octet(READ_FRAMED).piece(content).0);
    }
    for n in 0..8 {
        let response = messages::response(n);
        let message = messages::room(Envelope::Response { id: RequestId(0), response });
        let asked = Script::new().octet(1 + n % 2).octet(ASK).octet(TELL).octet(n);
        seeds.push(asked.octet(READ).piece(&framed(&message)).octet(WAIT).two(2500).0);
    }
    let health = RoomEvent::Health {
        part: "camera".to_owned(),
        working: false,
        detail: "unplugged \u{1f4fa}".to_owned(),
    };
    for message in [
        Envelope::Event(health),
        Envelope::Event(messages::settings_report()),
        Envelope::Event(messages::order_report()),
        Envelope::Event(messages::condition()),
        Envelope::Ping(3),
        Envelope::Pong(1),
        Envelope::Close("restart".to_owned()),
    ] {
        let frame = framed(&messages::room(message));
        seeds.push(Script::new().octet(1).octet(READ).piece(&frame).octet(WAIT).two(2100).0);
    }
    seeds.push(Script::new().octet(0).octet(WAIT).two(1001).0);
    // One request more than may wait for their answers.
    let mut flood = Script::new().octet(1);
    for n in 0..=MOST_OWED as u64 {
        let request = messages::room_request(7);
        let message = messages::room(Envelope::Request { id: RequestId(n), request });
        flood = flood.octet(READ).piece(&framed(&message));
    }
    seeds.push(flood.0);
    seeds.push(Script::new().octet(1).octet(READ_FRAMED).piece(br#"{"request":1,"kind":"x"}"#).0);
    seeds
}

fn drafts() -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for (n, payload) in [&b""[..], b"\x7c\x85\x88", &[0xd5; 60], &[0; 300]].iter().enumerate() {
        for audio in [true, false] {
            let n = n as u16;
            let level = AudioLevel { voice: n.is_multiple_of(2), below_full_db: 30 + n as u8 };
            let draft = Draft {
                marker: n == 1,
                payload_type: if audio { 111 } else { 96 },
                sequence: 500 + n,
                timestamp: 960 * u32::from(n),
                source: Ssrc(0x1234_5678 + u32::from(audio)),
                audio_level: audio.then_some((1, level)),
            };
            packets.push(draft.write(payload));
        }
    }
    packets
}

fn rtp_packet() -> Vec<Vec<u8>> {
    let mut seeds = drafts();
    for packet in drafts().into_iter().take(3) {
        // Two contributing sources, and padding of four.
        let mut longer = packet;
        longer[0] |= 0x22;
        longer.splice(12..12, [9, 9, 9, 9, 8, 8, 8, 8]);
        longer.extend([0, 0, 0, 4]);
        seeds.push(longer);
    }
    seeds
}

fn reports() -> Vec<Rtcp> {
    let block = ReportBlock {
        source: Ssrc(0x22),
        fraction_lost: 64,
        lost: -1,
        highest: 0x1_0002,
        jitter: 3,
        last_report: 4,
        delay: 5,
    };
    let report = SenderReport {
        source: Ssrc(0x11),
        ntp: 0x0102_0304_0506_0708,
        timestamp: 9,
        packets: 10,
        octets: 11,
        blocks: vec![block, block],
    };
    vec![
        Rtcp::SenderReport(report),
        Rtcp::ReceiverReport { sender: Ssrc(0x11), blocks: vec![block] },
        Rtcp::ReceiverReport { sender: Ssrc(0x11), blocks: Vec::new() },
        Rtcp::SourceDescription { names: vec![(Ssrc(1), "a@b".into()), (Ssrc(2), "é".into())] },
        Rtcp::Goodbye { sources: vec![Ssrc(1), Ssrc(2), Ssrc(3)] },
        Rtcp::Nack { sender: Ssrc(0x11), source: Ssrc(0x22), lost: vec![65535, 0, 15, 400] },
        Rtcp::PictureLoss { sender: Ssrc(0x11), source: Ssrc(0x22) },
        Rtcp::FullIntra { sender: Ssrc(0x11), requests: vec![(Ssrc(0x22), 1), (Ssrc(3), 2)] },
    ]
}

fn rtcp_datagrams() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for packet in reports() {
        let bytes = rtcp::write(&[packet]);
        let body = Script::new().octet(1).octet(bytes[0] & 0x1f).octet(bytes[1] - 200);
        seeds.push(body.piece(&bytes[4..]).0);
        seeds.push([vec![0], bytes].concat());
    }
    for first in 0..reports().len() {
        seeds.push([vec![0], rtcp::write(&reports()[first..])].concat());
    }
    seeds
}

fn srtp_open() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for profile in SrtpProfile::PREFERENCE {
        let Some(Ok(mut sealer)) = srtp::key(profile).map(|key| sealer(&key)) else { continue };
        let packets = drafts().into_iter().filter_map(|packet| sealer.seal_rtp(&packet).ok());
        seeds.extend(packets.map(|sealed| [vec![0], sealed].concat()));
        let reports = reports().into_iter().map(|packet| rtcp::write(&[packet]));
        let reports = reports.filter_map(|packet| sealer.seal_rtcp(&packet).ok());
        seeds.extend(reports.map(|sealed| [vec![0], sealed].concat()));
    }
    for (n, packet) in drafts().into_iter().enumerate() {
        let n = n as u8;
        // Three packets: as rooms send it with one octet changed, raw and cut, RTCP and longer.
        let script = Script::new().octet(1).two(700);
        let script = script.octet(0).octet(6).four(960).octet(n).piece(&[n; 20]);
        let script = script.octet(1).two(u16::from(n) * 5).octet(1);
        let script = script.octet(2).piece(&packet).octet(0x80).two(20);
        let report = rtcp::write(&reports()[1..2]);
        seeds.push(script.octet(0x11).piece(&report[2..]).octet(0xc0).piece(&[n]).0);
    }
    seeds
}

fn forwarder() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for video in 0..2_u8 {
        for gap in [1_u8, 2, 40, 255] {
            // A leg sends twenty packets, the other asks for some of them, time passes between.
            let mut script = Script::new();
            for n in 0..20_u32 {
                let step = if n % 9 == 8 { gap } else { 1 };
                script = script.octet(0).octet(4 | video).octet(step).four(3000 * n);
                script = script.piece(&[n as u8; 12]).octet(5).two(20);
            }
            let lost = [0, 110, 0, 111, 0, 113, 0x40, 0x6e];
            let asks = script.octet(0x13).octet(video << 4).piece(&lost).octet(5).two(40);
            seeds.push(asks.octet(0x13).octet(3 | 0x10).octet(5).two(600).0);
        }
    }
    for choice in 0..8 {
        let report = Script::new().octet(0).octet(5).octet(1).four(1).piece(b"picture");
        let report = report.octet(3).octet(5).four(1).four(2).four(3).four(4).four(5);
        let answer = report.octet(0x13).octet(choice).octet(9).four(1).four(2).four(3);
        seeds.push(answer.four(0x0001_0000).four(6).octet(5).two(1000).0);
    }
    for packet in drafts() {
        let raw =
            Script::new().octet(2).octet(3).piece(&packet).octet(0x12).octet(1).piece(&packet);
        seeds.push(raw.octet(6).octet(2).octet(1).piece(&packet).octet(5).two(16_000).0);
    }
    for packet in reports() {
        let bytes = rtcp::write(&[packet]);
        let raw = Script::new().octet(4).octet(1).piece(&bytes).octet(7).octet(1).two(65_530);
        seeds.push(raw.octet(0).octet(1).octet(10).four(7).piece(b"x").octet(5).two(200).0);
    }
    seeds
}

fn header_extensions() -> Vec<Vec<u8>> {
    let elements: [&[u8]; 12] = [
        b"",
        &[0x10, 0xa0, 0, 0],
        &[0, 0x10, 0x80, 0x31, 1, 2, 0, 0],
        &[0x1f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        &[0x3f, 1, 2],
        &[0xf0, 1, 0x10, 7],
        &[0x00, 0x00, 0x00, 0x12, 1, 2, 3],
        &[0x10, 0x7f, 0x10, 0x01, 0x22, 9, 9, 9],
        &[0x05, 1, 2, 3, 4, 5, 6],
        &[1, 1, 0x80, 0],
        &[2, 0, 1, 1, 9, 0, 0, 0],
        &[0xe3, 1, 2, 3, 4, 0xd0, 5],
    ];
    let choices = [0, 1, 4, 8, 12, 2, 0x12, 3].into_iter().cycle();
    let seeds = elements.iter().zip(choices);
    seeds
        .map(|(area, choice)| {
            Script::new().octet(choice).0.into_iter().chain(area.iter().copied()).collect()
        })
        .collect()
}

fn activation_codes() -> Vec<Vec<u8>> {
    let mut codes: Vec<String> =
        (0..6_u64).map(|n| ActivationCode::from_random(0x12_3456_789a << n).to_string()).collect();
    for code in
        ["7kq2 9fxm", "OIL0-0000", "7KQ29FXM", "7KQ2-9FX", "7KQ2-9FXU", " 7-K-Q-2 9fxm ", ""]
    {
        codes.push(code.to_owned());
    }
    codes.into_iter().map(String::into_bytes).collect()
}

fn certificates() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (n, der) in crate::certificates::TRUE.into_iter().enumerate() {
        seeds.push([&[0], der].concat());
        let damaged = Script::new().octet(n as u8 + 1);
        seeds.push(damaged.clone().0);
        seeds.push(damaged.clone().two(40).octet(1).0);
        seeds.push(damaged.two(9).octet(0x80).two(300).octet(2).0);
    }
    seeds.push([&[0], crate::certificates::AUTHORITY].concat());
    seeds
}

/// A ClientHello of TLS 1.3 (RFC 8446, 4.1.2) that names these protocols, as one record.
fn hello(protocols: &[&[u8]]) -> Vec<u8> {
    let counted = |octets: &[u8]| [&(octets.len() as u16).to_be_bytes(), octets].concat();
    let extension = |kind: u16, body: &[u8]| [&kind.to_be_bytes()[..], &counted(body)].concat();
    let name = [&[0][..], &counted(b"cloud.example.org")].concat();
    let share = [&[0, 0x1d][..], &counted(&[9; 32])].concat();
    let mut extensions = [
        extension(0, &counted(&name)),
        // X25519; ECDSA on P-256; TLS 1.3; a share for the first.
        extension(10, &counted(&[0, 0x1d])),
        extension(13, &counted(&[4, 3])),
        extension(43, &[2, 3, 4]),
        extension(51, &counted(&share)),
    ]
    .concat();
    if !protocols.is_empty() {
        let each = |protocol: &&[u8]| [&[protocol.len() as u8][..], protocol].concat();
        let all: Vec<u8> = protocols.iter().flat_map(each).collect();
        extensions.extend(extension(16, &counted(&all)));
    }
    // The old version, 32 random octets, no session, one suite, no compression.
    let mut body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
    body.extend(counted(&extensions));
    let length = (body.len() as u32).to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[0x16, 3, 1][..], &counted(&message)].concat()
}

fn hellos() -> Vec<Vec<u8>> {
    let ours: &[u8] = b"conclave-link/1";
    let mut seeds = Vec::new();
    for protocols in [&[ours][..], &[b"h2", b"http/1.1"], &[b"acme-tls/1"], &[b"h2", ours], &[]] {
        seeds.push([&[0][..], &hello(protocols)].concat());
        seeds.push([&[1][..], &hello(protocols)].concat());
    }
    let whole = hello(&[ours]);
    seeds.push([&[50][..], &whole[..whole.len() / 2]].concat());
    seeds.push([&[0][..], &whole, &whole].concat());
    seeds.push(b"\0GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec());
    seeds
}

fn room_config() -> Vec<Vec<u8>> {
    let rest = "[panel]\nsocket = \"/run/conclave/panel.sock\"\n";
    let cloud = "[cloud]\nhost = \"cloud.example.org\"\npins = [\"sha256:AAAA\"]\n";
    let media = [
        "[media]\n",
        "[media]\ncamera = \"none\"\nmicrophone = \"none\"\nloudspeaker = \"none\"\n",
        "[media]\ncamera = \"v4l2:/dev/video0\"\nmicrophone = \"alsa:hw:0\"\ndisplay = \"kms\"\n",
        "[media]\ncamera = \"file:a.mp4\"\nloudspeaker = \"file:a.wav\"\ndisplay = \"window\"\n",
        "[media]\ndisplay = \"offscreen:a.png\"\nmicrophone = \"pipewire\"\n",
        "[media]\nwidth = 640\nheight = 360\nfps = 15\nbitrate_kbit = 700\n",
        "[media]\ndisplay_width = 1920\ndisplay_height = 1080\ndisplay = \"wayland\"\n",
        "[media]\necho_cancellation = false\nnoise_suppression = false\ngain_control = false\n",
        "[media]\nwidth = 641\n",
        "[media]\ncamera = \"v4l3:\"\n",
    ];
    let mut files: Vec<String> = media
        .iter()
        .map(|media| format!("data = \"/d\"\nserial = \"A-1\"\n{cloud}{rest}{media}"))
        .collect();
    files.push(format!("data = \"/d\"\nserial = \"\"\nlanguage = \"fr\"\n{cloud}{rest}[media]\n"));
    files
        .push(format!("data = \"/d\"\nserial = \"A\"\n{cloud}ports = [0, 65536]\n{rest}[media]\n"));
    files.push(format!(
        "data = \"/d\"\nserial = \"A\"\n{cloud}ports = [8200, 443]\n{rest}[media]\n"
    ));
    files.push(format!(
        "data = \"/d\"\n{cloud}{rest}[media]\n[board]\ndescription = \"/usr/lib/board.toml\"\n"
    ));
    files.into_iter().map(String::into_bytes).collect()
}

/// The boards that we have, and what each of them leaves out.
fn board_description() -> Vec<Vec<u8>> {
    let boards = [
        include_str!("../../board/imx8mp/board.toml"),
        include_str!("../../board/intel-n100/board.toml"),
        include_str!("../../board/raspberry-cm4/board.toml"),
        include_str!("../../board/virtual-x86_64/board.toml"),
    ];
    let begin = "name = \"a\"\ntitle = \"A\"\nencoders = [\"x264enc\"]\n";
    let rest = [
        "[gpio]\nbackend = \"none\"\n",
        "gpio.backend = \"none\"\ntemperature = { source = { hwmon = \"coretemp\" }, warn_c = 70, critical_c = 90 }\n",
        "[gpio]\nbackend = \"gpiocdev\"\n[light.bicolour]\nlit = { line = \"LIT\" }\nred = { line = 1, chip = \"/dev/gpiochip3\" }\n",
        "[gpio]\nbackend = \"rppal\"\n[mute_button]\nline = { line = 57, bias = \"off\" }\ndebounce_ms = 500\n",
        "[gpio]\nbackend = \"gpiocdev\"\nchip = \"a\"\n[presence]\nhold_s = 3600\n[presence.line]\nline = 1023\nbias = \"as_is\"\n",
        "[gpio]\nbackend = \"gpiocdev\"\n[presence]\nline = { line = 1 }\nhold_s = 1\n",
        "[gpio]\nbackend = \"none\"\n[[display]]\nconnector = \"eDP-1\"\nshows = \"panel\"\n[[display]]\nconnector = \"eDP-1\"\nshows = \"front\"\n",
        "cameras = [\"!*x*\", \"\\u00e9\"]\ngpio = { backend = \"none\", chip = \"/etc\" }\n",
    ];
    let made = rest.into_iter().map(|rest| format!("{begin}{rest}"));
    boards.into_iter().map(str::to_owned).chain(made).map(String::into_bytes).collect()
}

fn control_lines() -> Vec<Vec<u8>> {
    let (room, call) = (RoomId::from_random(5), CallId::from_random(1));
    let (vmr, meeting) = (VmrId::from_random(1), MeetingId::from_random(2));
    let (org, person) = (OrganisationId::FIRST, PersonId::from_random(3));
    let participant = ParticipantId::from_random(4);
    let line = format!(
        r#"{{"room":"{room}","name":"Ada","serial":"A7","state":"in_call","enrolled_at":1,"certificate_expires":2}}"#
    );
    let vmr_line =
        format!(r#"{{"vmr":"{vmr}","number":"4711","name":"Weekly","pin":true,"capacity":12}}"#);
    let lines = [
        r#"{"ask":"room_claim","code":"7KQ2-9FXM","name":"Ada"}"#.to_owned(),
        r#"{"ask":"room_list"}"#.to_owned(),
        r#"{"ask":"room_rename","room":"Ada","name":"Salle \u00e9"}"#.to_owned(),
        r#"{"ask":"room_revoke","room":"Ada"}"#.to_owned(),
        r#"{"ask":"vmr_create","number":"4711","name":"Weekly","pin":"246810","capacity":12}"#
            .to_owned(),
        r#"{"ask":"vmr_set_pin","number":"4711","pin":null}"#.to_owned(),
        r#"{"ask":"vmr_remove","number":"4711"}"#.to_owned(),
        r#"{"ask":"vmr_change","number":"4711","lobby":true}"#.to_owned(),
        format!(r#"{{"ask":"meeting_let_in","number":"4711","who":["{participant}"]}}"#),
        format!(
            r#"{{"answer":"lobby_answered","waiting":[{{"participant":"{participant}","room":"{room}","name":"A"}}]}}"#
        ),
        r#"{"ask":"record_list","most":100}"#.to_owned(),
        r#"{"organisation":"Hospital","ask":"room_list"}"#.to_owned(),
        r#"{"ask":"settings_set","group":"Visitors","settings":{"language":"french"},"revision":3}"#
            .to_owned(),
        r#"{"ask":"room_identify","room":"Ada"}"#.to_owned(),
        r#"{"ask":"room_place","room":"Ada","place":"3rd floor"}"#.to_owned(),
        r#"{"answer":"settings","settings":{"own":{},"inherited":{},"revision":0}}"#.to_owned(),
        r#"{"ask":"audit_list","installation":false,"below":7,"most":100}"#.to_owned(),
        r#"{"ask":"person_add","email":"ada@example.org","name":"Ada","role":"member"}"#.to_owned(),
        format!(
            r#"{{"answer":"audit","rows":[{{"number":1,"at":2,"organisation":"{org}","who":"a","source":"b","act":"c","subject":"d","before":"","after":"e","hash":"f"}}]}}"#
        ),
        format!(
            r#"{{"answer":"person_invited","person":{{"person":"{person}","email":"a@b","name":"A","role":"member","suspended":false,"invited":true,"created_at":1}},"invitation":"00","expires_at":2}}"#
        ),
        r#"{"answer":"refused","reason":"no"}"#.to_owned(),
        format!(r#"{{"answer":"room_claimed","room":{line}}}"#),
        format!(r#"{{"answer":"rooms","rooms":[{line},{line}]}}"#),
        format!(r#"{{"answer":"vmr_created","vmr":{vmr_line}}}"#),
        format!(
            r#"{{"answer":"meetings","meetings":[{{"meeting":"{meeting}","number":"4711","name":"W","participants":[{{"room":"{room}","name":"A","call":"{call}"}}]}}]}}"#
        ),
        format!(
            r#"{{"answer":"records","records":[{{"call":"{call}","meeting":"{meeting}","number":"4711","vmr_name":"W","room":"{room}","room_name":"A","joined_at":1,"left_at":null,"why":null}}]}}"#
        ),
    ];
    lines.into_iter().map(String::into_bytes).collect()
}

fn words() -> Vec<Vec<u8>> {
    let bits = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
    let pins = [ServerPin([7; 32]).to_string(), ServerPin([8; 32]).to_string()];
    let chain = CertificateChain::from_der(&[vec![0x30, 0x82, 1], vec![0x30]]);
    let mut words: Vec<String> = vec![
        "4711".to_owned(),
        "123 456 789".to_owned(),
        "246810".to_owned(),
        "Salle Voltaire".to_owned(),
        "غرفة الاجتماعات".to_owned(),
        "会议室 <3>".to_owned(),
        RoomId::from_random(bits).to_string(),
        VmrId::from_random(1).to_string(),
        MeetingId::from_random(u128::MAX).to_string(),
        ParticipantId::from_random(2).to_string(),
        CallId::from_random(0).to_string(),
        LegId::from_random(bits).to_string().to_lowercase(),
        OrganisationId::FIRST.to_string(),
        PersonId::from_random(bits).to_string(),
        "Ada.Lovelace+IT@Example.org".to_owned(),
        "İ@example.org".to_owned(),
        pins[0].clone(),
        pins.join("\n"),
        chain.0.join("\n"),
        "1.4.2".to_owned(),
        "0123456789abcdef".repeat(4),
        "conclave-intel-n100".to_owned(),
        "early".to_owned(),
        "22:00-04:00".to_owned(),
        "monotonic_us 81234567890\nunix_ms 1795369800123\nwithin_ms 12\n".to_owned(),
    ];
    let keys = SrtpProfile::PREFERENCE.into_iter().filter_map(srtp::key);
    words.extend(keys.filter_map(|key| serde_json::to_string(&key).ok()));
    words.into_iter().map(String::into_bytes).collect()
}

/// Three blocks and a tail of 77 octets, of which the room has one; sums that are none; one sum too many.
fn block_sums() -> Vec<Vec<u8>> {
    let bundle = || Script::new().two(3).two(77).octet(7).octet(9).octet(0).piece(&[1; 20]);
    let moved = bundle().octet(0).octet(5).two(1_000).octet(9).two(40_000).octet(7).two(32_767);
    let alike = Script::new().two(2).two(0).octet(3).octet(3).octet(0).octet(3).two(u16::MAX);
    let mut seeds = vec![moved.0, alike.0, bundle().octet(254).0, Script::new().two(0).two(5).0];
    // A bundle of so many blocks of which the room has the last one, behind some other octets.
    seeds.extend((1..8_u8).map(|blocks| {
        let sums = (1..=blocks).fold(Script::new().two(blocks.into()).two(1), Script::octet);
        sums.octet(0).octet(99).two(300 * u16::from(blocks)).octet(blocks).two(u16::MAX).0
    }));
    seeds
}

fn device_list() -> Vec<Vec<u8>> {
    let key = "3f".repeat(32);
    let files = [
        String::new(),
        "name,serial\n".to_owned(),
        "name,serial\r\nBoard room,CR-0001\r\n,\r\n".to_owned(),
        format!(
            "name,serial,key,place,group,tags\nA,,{key},\"3rd floor, left\",Visitors,\"n,v\"\n"
        ),
        format!("\u{feff}Tags;KEY;name\n\"nord,vidéo\";{};Salle Émile\n;;\n", "3F:".repeat(32)),
        "name,serial\nA,1\nA,1\na,2\n".to_owned(),
        "name,serial,key\nA,1,2\nB,,xyz\nC,,\n,3,\n".to_owned(),
        "name,serial\nA\nB,1,2\n".to_owned(),
        "name,name,serial\nA,B,1\n".to_owned(),
        "serial\n1\n".to_owned(),
        "name,serial,tags\nA,1,\"a,b,c,d,e,f,g,h,i\"\nB,2,\"a,A\"\n".to_owned(),
        "name,serial\n\"A\nB\",\"1\"\"2\"\n\"open,3\n".to_owned(),
        "name,serial\n<script>,=1+1\n\u{202e}A,\u{7f}\n".to_owned(),
    ];
    files.into_iter().map(String::into_bytes).collect()
}

fn cloud_config() -> Vec<Vec<u8>> {
    let files = [
        "",
        "data = \"/srv/conclave\"\n",
        "data = '/srv/conclave'\n[link]\nlisten = [\"127.0.0.1:0\", \"[::1]:8200\"]\n",
        "[media]\nbind = \"127.0.0.1\"\naddress = \"203.0.113.7\"\nports = \"5000-5001\"\n",
        "# all\n[link]\nlisten = [\n  \"0.0.0.0:8200\", # every address\n]\n[media]\nbind = \"::\"\n",
        "link.listen = [\"0.0.0.0:443\"]\nmedia = { ports = \"1 - 65535\" }\n",
        "[link]\nlisten = []\n",
        "[records]\nkeep_days = 90\n[audit]\nkeep_days = 1095\n",
        "[console]\nlisten = \"[::]:8443\"\nurl = \"https://c.example.org/\"\ncertificate = \"/c\"\nkey = \"/k\"\n",
        "[link]\nlistne = []\n",
        "[media]\nports = \"9-5\"\n",
        "[media]\nports = \"0-5\"\n",
        "[media\n",
        "data = \"\"\"\n/srv/\\\n  conclave\"\"\"\n",
        "data = \"\\u00e9\"\r\n[link]\r\nlisten = [ \"nowhere\" ]\r\n",
        "[acme]\ndomains = [\"c.example.org\"]\ncontact = \"it@example.org\"\nroots = \"/r\"\nterms_agreed = true\n",
        "[acme]\ndomains = [\"*.example.org\"]\ndirectory = \"https://a.example.org/d\"\n",
    ];
    files.into_iter().map(|file| file.as_bytes().to_vec()).collect()
}

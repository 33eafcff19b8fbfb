//! What is on the wire is sealed, every call has ports and sources of its own, and a room listens
//! on nothing.

use anyhow::{Context, Result, ensure};
use conclave_stage::pcap::{self, Packet, Transport};
use conclave_stage::wire::{ENOUGH, Verdict};
use conclave_stage::{
    Cable, Capture, Clip, Meeting, NAME, Network, PIN, Process, Room, Stage, in_own_network, scene,
    sockets, wait_until,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

/// One direction of one flow: port to port.
type Flows = BTreeMap<(u16, u16), Vec<Vec<u8>>>;

fn flows(packets: &[Packet]) -> Flows {
    let mut flows = Flows::new();
    for packet in packets.iter().filter(|packet| packet.transport == Transport::Udp) {
        let ports = (packet.from.port(), packet.to.port());
        flows.entry(ports).or_default().push(packet.payload.clone());
    }
    flows
}

fn verdicts(packets: &[Packet]) -> BTreeMap<(u16, u16), Verdict> {
    flows(packets)
        .into_iter()
        .map(|(ports, datagrams)| (ports, Verdict::of(datagrams.iter().map(Vec::as_slice))))
        .collect()
}

/// Waits until every flow has enough packets of each kind to judge.
fn until_enough(capture: &Capture) -> Result<()> {
    wait_until("enough packets to judge", Duration::from_secs(60), || {
        let verdicts = verdicts(&pcap::read(capture.file())?);
        Ok(verdicts.len() == 4
            && verdicts
                .values()
                .all(|v| v.video >= 2 * ENOUGH && v.audio >= 2 * ENOUGH && v.control > 0))
    })
}

/// One call, recorded from before it is dialled until it is over.
fn recorded_call(
    meeting: &mut Meeting,
    network: Network,
    folder: &Path,
    name: &str,
) -> Result<Vec<Packet>> {
    let capture = network.capture(folder, name)?;
    meeting.join()?;
    until_enough(&capture)?;
    meeting.leave()?;
    pcap::read(&capture.stop()?)
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn the_wire_shows_nothing_plain_and_the_next_call_has_other_ports_and_sources() -> Result<()> {
    in_own_network(|network| {
        if !network.is_ours("reading the wire") {
            return Ok(());
        }
        scene(|stage| {
            let mut meeting = Meeting::prepare(stage, Cable::Direct)?;
            let first = recorded_call(&mut meeting, network, stage.folder(), "first")?;
            let second = recorded_call(&mut meeting, network, stage.folder(), "second")?;

            for (call, packets) in [("first", &first), ("second", &second)] {
                let verdicts = verdicts(packets);
                ensure!(verdicts.len() == 4, "two rooms, two ways: {:?}", verdicts.keys());
                for (ports, verdict) in verdicts {
                    eprintln!("{call} call, {ports:?}: {verdict:?}");
                    let complaints = verdict.complaints();
                    ensure!(complaints.is_empty(), "{call} call, {ports:?}: {complaints:?}");
                }
                // Nothing that a person typed or reads travels in the clear, over TCP or UDP.
                for word in [PIN, NAME, "Room Ada", "Salle Voltaire", "VIRTUAL-A"] {
                    let seen = packets.iter().any(|packet| contains(&packet.payload, word));
                    ensure!(!seen, "“{word}” is on the wire");
                }
            }

            let ports = |packets: &[Packet]| -> BTreeSet<u16> {
                flows(packets).into_keys().flat_map(|(from, to)| [from, to]).collect()
            };
            let sources = |packets: &[Packet]| -> BTreeSet<u32> {
                verdicts(packets).into_values().flat_map(|verdict| verdict.sources).collect()
            };
            let again: Vec<u16> = ports(&first).intersection(&ports(&second)).copied().collect();
            // Eight ports drawn from some 28,000: one may come again by chance, once in 1,700 runs.
            ensure!(again.len() <= 1, "both calls used the ports {again:?}");
            let again: Vec<u32> =
                sources(&first).intersection(&sources(&second)).copied().collect();
            ensure!(again.is_empty(), "both calls used the sources {again:?}");
            Ok(())
        })
    })
}

fn contains(octets: &[u8], word: &str) -> bool {
    octets.windows(word.len()).any(|window| window == word.as_bytes())
}

/// What somebody else's sender, GStreamer's, puts on the wire, plain or through libsrtp.
fn foreign_sender(
    stage: &Stage,
    network: Network,
    name: &str,
    (sound, picture, reports): (&str, &str, &str),
) -> Result<Verdict> {
    let far = UdpSocket::bind("127.0.0.1:0")?;
    let port = far.local_addr()?.port();
    let capture = network.capture(stage.folder(), name)?;
    let sink = format!("udpsink host=127.0.0.1 port={port} sync=false async=false");
    let pipeline = format!(
        "rtpbin name=r filesrc location={clip} ! qtdemux ! avdec_h264 ! videoconvert ! \
         x264enc tune=zerolatency speed-preset=ultrafast ! h264parse config-interval=-1 ! \
         rtph264pay pt=96 mtu=1100 aggregate-mode=zero-latency ! r.send_rtp_sink_0 \
         r.send_rtp_src_0 ! {picture} {sink} r.send_rtcp_src_0 ! {reports} {sink} \
         audiotestsrc is-live=true wave=pink-noise num-buffers=400 ! opusenc ! \
         rtpopuspay pt=111 ! {sound} {sink}",
        clip = Clip::A.file(stage).display(),
    );
    let words: Vec<&str> = pipeline.split_whitespace().collect();
    let log = stage.folder().join(format!("{name}.log"));
    let launch = Path::new("gst-launch-1.0");
    let mut sender = Process::start("gst-launch-1.0", launch, &words, &[], &log)?;
    let mut verdict = Verdict::default();
    wait_until("enough packets", Duration::from_secs(60), || {
        sender.check_running()?;
        let packets = pcap::read(capture.file())?;
        let datagrams = packets.iter().filter(|p| p.to.port() == port);
        verdict = Verdict::of(datagrams.map(|p| p.payload.as_slice()));
        Ok(verdict.video >= ENOUGH && verdict.audio >= ENOUGH && verdict.control > 0)
    })?;
    eprintln!("{name}: {verdict:?}");
    Ok(verdict)
}

#[test]
#[ignore = "records on a network of its own; cargo xtask test runs it"]
fn the_check_of_the_wire_fails_on_plain_rtp_and_passes_srtp_of_another_make() -> Result<()> {
    in_own_network(|network| {
        if !network.is_ours("reading the wire") {
            return Ok(());
        }
        scene(|stage| {
            let plain = foreign_sender(stage, network, "plain", ("", "", ""))?;
            let complaints = plain.complaints().join("; ");
            for expected in ["plain H.264", "same octet", "RTCP packets are plain"] {
                ensure!(complaints.contains(expected), "no word on {expected}: {complaints}");
            }
            let key = "00112233445566778899aabbccddeeff00112233445566778899aabbccdd";
            let sealed = foreign_sender(
                stage,
                network,
                "sealed",
                (
                    &format!("srtpenc key={key} !"),
                    &format!("s.rtp_sink_0 srtpenc name=s key={key} s.rtp_src_0 !"),
                    "s.rtcp_sink_0 s.rtcp_src_0 !",
                ),
            )?;
            ensure!(sealed.complaints().is_empty(), "{:?}", sealed.complaints());
            Ok(())
        })
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_room_listens_on_no_tcp_or_udp_port() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let mut meeting = Meeting::prepare(stage, Cable::Direct)?;
            nothing_open(&meeting.a).context("idle")?;
            meeting.join()?;
            nothing_open(&meeting.a).context("in a call")?;
            nothing_open(&meeting.b).context("in a call")?;
            // The same look at the cloud finds what it listens on, so the look is a real one.
            let cloud = sockets::open_to_the_network(meeting.cloud.process().pid())?;
            ensure!(!cloud.is_empty(), "the cloud takes links, yet nothing was found");
            meeting.leave()?;
            nothing_open(&meeting.a).context("after a call")
        })
    })
}

fn nothing_open(room: &Room) -> Result<()> {
    for process in [&room.daemon, &room.kiosk] {
        let open = sockets::open_to_the_network(process.pid())?;
        ensure!(open.is_empty(), "{} is open to the network: {open:?}", process.name());
        ensure!(sockets::count(process.pid())? > 0, "{} has no socket at all", process.name());
    }
    Ok(())
}

//! Our media node in a process of its own, hosted as conclave-cloud hosts it.

use super::load::{self, Receiver, Source};
use super::system::System;
use crate::process::{Running, until};
use anyhow::{Context, Result, bail};
use conclave_media_node::{HELD_BOUNDS_US, Limits, MediaNode, MediaNodeConfig, PacketLimit};
use conclave_srtp::{opener, sealer};
use conclave_types::{MediaLeg, MeetingId, ParticipantId, SrtpProfile, VIDEO_PAYLOAD_TYPE};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What the child is called on its command line.
pub(crate) const ROLE: &str = "media-node";

const GCM: &str = "gcm";
const SHA1: &str = "sha1";
/// Between two times that the child writes down how long packets were in it.
const LOOK: Duration = Duration::from_millis(100);
/// The last line that the child writes before it only forwards.
const READY: &str = "ready";

/// Starts the node with one sender and so many receivers, in one meeting.
pub(crate) fn start(
    folder: tempfile::TempDir,
    profile: SrtpProfile,
    receivers: usize,
) -> Result<System> {
    let suite = match profile {
        SrtpProfile::AeadAes128Gcm => GCM,
        SrtpProfile::AesCm128HmacSha1_80 => SHA1,
    };
    let mut command = Command::new(std::env::current_exe()?);
    let held = folder.path().join("held.json");
    command.args([ROLE, suite, &(receivers + 1).to_string()]).arg(&held);
    let log = folder.path().join("node.log");
    let running = Running::start("the media node", &mut command, &log)?;
    let mut text = String::new();
    until("the media node's legs", Duration::from_secs(10), || {
        text = std::fs::read_to_string(&log).unwrap_or_default();
        text.lines().last() == Some(READY)
    })
    .with_context(|| text.clone())?;
    let mut legs = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        legs.push(serde_json::from_str::<MediaLeg>(line)?);
    }
    let (sender, rest) = legs.split_first().context("the node opened no leg")?;
    let at = |leg: &MediaLeg| SocketAddr::from((Ipv4Addr::LOCALHOST, leg.port));
    let seal = Some(sealer(&sender.room_to_node)?);
    let socket = load::socket()?;
    let source = Source::new(at(sender), seal, sender.video, VIDEO_PAYLOAD_TYPE, socket)?;
    let mut receivers = Vec::new();
    for (place, leg) in rest.iter().enumerate() {
        let open = if place == 0 { Some(opener(&leg.node_to_room)?) } else { None };
        let reports = Some((at(leg), sealer(&leg.room_to_node)?, leg.video));
        receivers.push(Receiver::new(load::socket()?, open, reports)?);
    }
    Ok(System { running, source, receivers, paced: None, held: Some(held), _folder: folder })
}

/// The child: opens the legs, writes them down and forwards until it is ended.
pub(crate) fn serve(arguments: &[String]) -> Result<()> {
    let [suite, legs, held] = arguments else { bail!("wanted: suite, number of legs, a file") };
    let profile = match suite.as_str() {
        GCM => SrtpProfile::AeadAes128Gcm,
        _ => SrtpProfile::AesCm128HmacSha1_80,
    };
    let legs: u128 = legs.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (node, mut events) = MediaNode::start(MediaNodeConfig {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: None,
            address: None,
            limits: Limits {
                packets: PacketLimit { per_second: u32::MAX, burst: u32::MAX },
                ..Limits::default()
            },
        });
        let meeting = MeetingId::from_random(1);
        let mut lines = String::new();
        for n in 0..legs {
            let participant = ParticipantId::from_random(n + 1);
            let leg = node.open_leg(meeting, participant, &[profile]).await?;
            lines += &serde_json::to_string(&leg)?;
            lines.push('\n');
        }
        lines += READY;
        let mut out = std::io::stdout().lock();
        out.write_all(lines.as_bytes())?;
        out.flush()?;
        let mut looks = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                event = events.recv() => if event.is_none() { return Ok(()) },
                _ = looks.tick() => {
                    let packets = node.totals().held.packets;
                    std::fs::write(held, serde_json::to_string(&packets)?)?;
                }
            }
        }
    })
}

/// How long all but one in a hundred packets were in the node at most, milliseconds; as fine as the
/// node counts. `None` when it was longer than it has bounds for, or nothing was counted.
pub(crate) fn held_ms(file: &Path) -> Result<Option<f64>> {
    let packets: Vec<u64> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let all: u64 = packets.iter().sum();
    let mut beyond = all;
    for (packets, bound) in packets.iter().zip(HELD_BOUNDS_US) {
        beyond -= packets;
        if all > 0 && beyond * 100 <= all {
            return Ok(Some(bound as f64 / 1000.0));
        }
    }
    Ok(None)
}

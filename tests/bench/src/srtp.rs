//! SRTP alone, beside libsrtp2 and ring's bare seal.
//!
//! One thread on one core seals bursts of packets and opens them again; only the bursts are timed.
//! Everybody takes a turn in every round, and the median of the rounds counts.

use crate::Effort;
use crate::machine::Watch;
use crate::process::percentile;
use crate::table::{Goal, Other, Part, Row};
use anyhow::{Context as _, Result, ensure};
use conclave_srtp::{RTP_OVERHEAD, opener, sealer};
use conclave_types::{SrtpKey, SrtpProfile};
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use webrtc_srtp::context::Context as Webrtc;
use webrtc_srtp::protection_profile::ProtectionProfile;

/// The fixed header of RTP.
const HEADER: usize = 12;
/// What the goals speak of, and about what a packet of video carries.
const PAYLOAD: usize = 1200;
/// Packets between two looks at the clock, which takes as long as a packet: the most that one GSO
/// send carries.
const BURST: usize = 64;
/// Bursts in a turn: 50 ms for the slowest, so that nobody's turn is long.
const BURSTS: usize = 100;

/// Nanoseconds of processor time per packet.
#[derive(Debug, Clone, Copy)]
struct Cost {
    seal: f64,
    open: f64,
}

/// Sealing or opening.
type Way = fn(&Cost) -> f64;

/// Everybody's turns with one suite.
#[derive(Debug, Default)]
struct Turns {
    ours: Vec<Cost>,
    libsrtp: Vec<Cost>,
    webrtc: Vec<Cost>,
    ring: Vec<Cost>,
}

/// Measures it.
pub(crate) fn measure(effort: Effort) -> Result<Part> {
    let watch = Watch::begin();
    let folder = tempfile::tempdir()?;
    let peer = compile(folder.path())?;
    for profile in SrtpProfile::PREFERENCE {
        interoperate(&peer, profile)?;
    }
    let rounds = if effort == Effort::Whole { 101 } else { 9 };
    // A thread of its own, so that the pin ends with it.
    let measured = std::thread::spawn(move || rounds_of(&peer, rounds)).join();
    let (version, gcm, cm) = measured.map_err(|_| anyhow::anyhow!("the measuring panicked"))??;
    let libsrtp = format!("libsrtp2 {version}");
    Ok(Part {
        name: "srtp".into(),
        title: "SRTP".into(),
        machine: watch.end(),
        rows: [
            rows("AEAD-AES-128-GCM", &libsrtp, &gcm),
            rows("AES-CM-128-HMAC-SHA1-80", &libsrtp, &cm),
        ]
        .concat(),
        plots: vec![],
        method: METHOD.into(),
    })
}

const METHOD: &str = "\
A packet is a header of 12 octets and a payload of 1,200, all of one source; everybody remembers the \
last 1,024 packets. One thread, pinned to one core, seals 64 packets and opens the same 64, and only \
that is timed, as the thread's processor time; a turn is 100 such bursts, everybody has a turn in each \
round, and the median of 101 rounds counts. Ours is `Seal::seal_rtp_into`, which copies each packet \
from where it lies into one send buffer, and `Open::open_rtp_in_place`; libsrtp2 (Debian's, a C program \
compiled with -O2) works in place both ways and copies nothing; webrtc-srtp returns a new buffer. \
Before it is timed, libsrtp2 and we seal and \
open 600 packets over three cycles of sequence numbers for each other, to the same octets. \
ring's bare seal is AES-128-GCM in place with 12 octets of associated data: no header is read, no \
replay is looked for and nothing is copied. 0.285 × the time is 3.5 times as fast.";

fn rounds_of(peer: &Path, rounds: usize) -> Result<(String, Turns, Turns)> {
    let mut core = CpuSet::new();
    core.set(sched_getcpu()?)?;
    sched_setaffinity(Pid::from_raw(0), &core)?;
    let (mut version, mut gcm, mut cm) = (String::new(), Turns::default(), Turns::default());
    for _ in 0..rounds {
        for (profile, turns) in
            [(SrtpProfile::AeadAes128Gcm, &mut gcm), (SrtpProfile::AesCm128HmacSha1_80, &mut cm)]
        {
            turns.ours.push(ours(profile)?);
            if profile == SrtpProfile::AeadAes128Gcm {
                turns.ring.push(ring()?);
            }
            turns.webrtc.push(webrtc(profile)?);
            let (said, cost) = libsrtp(peer, profile)?;
            version = said;
            turns.libsrtp.push(cost);
        }
    }
    Ok((version, gcm, cm))
}

fn rows(suite: &str, libsrtp: &str, turns: &Turns) -> Vec<Row> {
    let ways: [(&str, Way); 2] = [("protect", |cost| cost.seal), ("unprotect", |cost| cost.open)];
    let row = |(way, pick): (&str, Way)| {
        let median =
            |costs: &[Cost]| percentile(&mut costs.iter().map(pick).collect::<Vec<_>>(), 0.5);
        let other = |name: &str, costs: &[Cost], goal| {
            (!costs.is_empty()).then(|| Other { name: name.into(), figure: median(costs), goal })
        };
        let beside_libsrtp =
            if turns.ring.is_empty() { Goal::RatioAtMost(0.285) } else { Goal::None };
        let others = [
            other("ring's bare AES-128-GCM", &turns.ring, Goal::RatioAtMost(1.5)),
            other(libsrtp, &turns.libsrtp, beside_libsrtp),
            other("webrtc-srtp 0.17", &turns.webrtc, Goal::None),
        ];
        Row {
            quantity: format!("SRTP {way}, {suite}, 1,200 octets, ns per packet"),
            ours: median(&turns.ours),
            others: others.into_iter().flatten().collect(),
            remark: String::new(),
        }
    };
    ways.into_iter().map(row).collect()
}

/// Times bursts: `prepare` makes one's packets ready for a first sequence number, `seal` and
/// `open` work on them.
fn timed<S>(
    state: &mut S,
    prepare: impl Fn(&mut S, usize),
    seal: impl Fn(&mut S) -> Result<()>,
    open: impl Fn(&mut S) -> Result<()>,
) -> Result<Cost> {
    let mut cost = Cost { seal: 0.0, open: 0.0 };
    for burst in 0..BURSTS {
        prepare(state, burst * BURST);
        let begun = spent()?;
        seal(state)?;
        let sealed = spent()?;
        open(state)?;
        cost.open += spent()? - sealed;
        cost.seal += sealed - begun;
    }
    let packets = (BURSTS * BURST) as f64;
    Ok(Cost { seal: cost.seal / packets, open: cost.open / packets })
}

/// Nanoseconds of processor time that this thread has had.
fn spent() -> Result<f64> {
    let now = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(now.tv_sec() as f64 * 1e9 + now.tv_nsec() as f64)
}

fn number(packets: &mut [Vec<u8>], first: usize) {
    for (packet, sequence) in packets.iter_mut().zip(first..) {
        packet[2..4].copy_from_slice(&(sequence as u16).to_be_bytes());
    }
}

fn packets() -> Vec<Vec<u8>> {
    let mut packet = vec![0x55; HEADER + PAYLOAD];
    packet[..HEADER].fill(0);
    packet[..2].copy_from_slice(&[0x80, 96]);
    vec![packet; BURST]
}

fn key(profile: SrtpProfile) -> Result<SrtpKey> {
    Ok(SrtpKey::new(profile, (0..).take(profile.key_len() + profile.salt_len()).collect())?)
}

fn ours(profile: SrtpProfile) -> Result<Cost> {
    let key = key(profile)?;
    let (seal, open) = (sealer(&key)?, opener(&key)?);
    let buffer = Vec::with_capacity(BURST * (HEADER + PAYLOAD + RTP_OVERHEAD));
    let mut state = (seal, open, packets(), buffer);
    timed(
        &mut state,
        |(_, _, packets, _), first| number(packets, first),
        |(seal, _, packets, buffer)| {
            buffer.clear();
            packets.iter().try_for_each(|packet| Ok(seal.seal_rtp_into(packet, buffer)?))
        },
        |(_, open, packets, buffer)| {
            let sealed = buffer.len() / BURST;
            for (sealed, packet) in buffer.chunks_exact_mut(sealed).zip(packets) {
                let opened = open.open_rtp_in_place(sealed)?;
                ensure!(opened.len() == packet.len() && opened[HEADER] == 0x55);
            }
            Ok(())
        },
    )
}

fn webrtc(profile: SrtpProfile) -> Result<Cost> {
    let (key, suite) = (
        key(profile)?,
        match profile {
            SrtpProfile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            SrtpProfile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        },
    );
    let window = || webrtc_srtp::option::srtp_replay_protection(1024);
    let seal = Webrtc::new(key.key(), key.salt(), suite, None, None)?;
    let open = Webrtc::new(key.key(), key.salt(), suite, Some(window()), None)?;
    let mut state = (seal, open, packets(), Vec::with_capacity(BURST));
    timed(
        &mut state,
        |(_, _, packets, sealed), first| {
            number(packets, first);
            sealed.clear();
        },
        |(seal, _, packets, sealed)| {
            for packet in packets {
                sealed.push(seal.encrypt_rtp(packet)?);
            }
            Ok(())
        },
        |(_, open, _, sealed)| {
            for sealed in sealed {
                let opened = open.decrypt_rtp(sealed)?;
                ensure!(opened.len() == HEADER + PAYLOAD && opened[HEADER] == 0x55);
            }
            Ok(())
        },
    )
}

/// AES-GCM itself: the floor for everybody who uses ring.
fn ring() -> Result<Cost> {
    let refused = |_| anyhow::anyhow!("ring refuses");
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).map_err(refused)?);
    let nonce = |first: usize| {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&(first as u64).to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    };
    let mut state = (packets(), 0, Vec::<Tag>::with_capacity(BURST));
    timed(
        &mut state,
        |(packets, begin, tags), first| {
            number(packets, first);
            *begin = first;
            tags.clear();
        },
        |(packets, first, tags)| {
            for (packet, place) in packets.iter_mut().zip(*first..) {
                let (clear, payload) = packet.split_at_mut(HEADER);
                let tag = key.seal_in_place_separate_tag(nonce(place), Aad::from(clear), payload);
                tags.push(tag.map_err(refused)?);
            }
            Ok(())
        },
        |(packets, first, tags)| {
            for ((packet, tag), place) in packets.iter_mut().zip(tags).zip(*first..) {
                let (clear, payload) = packet.split_at_mut(HEADER);
                let aad = Aad::from(clear);
                let opened = key.open_in_place_separate_tag(nonce(place), aad, *tag, payload, 0..);
                ensure!(opened.map_err(refused)?[0] == 0x55);
            }
            Ok(())
        },
    )
}

/// Each opens what the other sealed, and both seal to the same octets: of two sources, with
/// contributing sources and an extension, over three cycles of sequence numbers.
fn interoperate(peer: &Path, profile: SrtpProfile) -> Result<()> {
    let mut child = Command::new(peer)
        .args([suite(profile), "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut asked = child.stdin.take().context("no way to ask")?;
    let mut answered = child.stdout.take().context("no way to hear")?;
    let mut ask = |what: u8, packet: &[u8]| -> Result<Vec<u8>> {
        let length = u16::try_from(packet.len())?.to_be_bytes();
        asked.write_all(&[&[what][..], &length, packet].concat())?;
        let mut length = [0; 2];
        answered.read_exact(&mut length)?;
        let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
        answered.read_exact(&mut packet)?;
        Ok(packet)
    };
    let key = key(profile)?;
    let (mut seal, mut open) = (sealer(&key)?, opener(&key)?);
    for step in 0..600_usize {
        // Strides of 331, a few back.
        let sequence = 9 + 331 * step - if step % 7 == 6 { 400 } else { 0 };
        let mut packet = vec![0x55; HEADER + 8 + 8 + step % 97];
        packet[..2].copy_from_slice(&[0x92, 96]);
        packet[8..HEADER].copy_from_slice(&(step as u32 & 1).to_be_bytes());
        packet[HEADER + 8..HEADER + 16].copy_from_slice(&[0xbe, 0xde, 0, 1, 0x12, 1, 2, 3]);
        number(std::slice::from_mut(&mut packet), sequence);
        let ours = seal.seal_rtp(&packet)?;
        ensure!(ask(b's', &packet)? == ours, "step {step}: libsrtp2 seals to other octets");
        ensure!(ask(b'o', &ours)? == packet, "step {step}: libsrtp2 does not open ours");
        ensure!(open.open_rtp(&ours)? == packet, "step {step}: we do not open libsrtp2's");
        let mut forged = ours;
        let last = forged.len() - 1 - step % 30;
        forged[last] ^= 1;
        ensure!(ask(b'o', &forged)?.is_empty() && open.open_rtp(&forged).is_err());
    }
    drop(asked);
    ensure!(child.wait()?.success(), "the program round libsrtp2 failed");
    Ok(())
}

fn suite(profile: SrtpProfile) -> &'static str {
    match profile {
        SrtpProfile::AeadAes128Gcm => "gcm",
        SrtpProfile::AesCm128HmacSha1_80 => "cm",
    }
}

fn libsrtp(peer: &Path, profile: SrtpProfile) -> Result<(String, Cost)> {
    let output = Command::new(peer).args([suite(profile), &BURSTS.to_string()]).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "the program round libsrtp2 failed: {} {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let mut words = said.split_whitespace().rev();
    let mut figure = || words.next().and_then(|word| word.parse::<f64>().ok());
    let (open, seal) = (figure(), figure());
    let cost = Cost { seal: seal.context("no figure")?, open: open.context("no figure")? };
    // Its version is "libsrtp2 2.5.0".
    Ok((words.next().unwrap_or_default().to_owned(), cost))
}

/// Compiles the program round libsrtp2.
fn compile(folder: &Path) -> Result<PathBuf> {
    let (source, program) = (folder.join("srtp.c"), folder.join("srtp"));
    std::fs::write(&source, include_str!("../peers/srtp.c"))?;
    let output = Command::new("cc")
        .args(["-O2", "-o"])
        .args([&program, &source])
        .arg("-lsrtp2")
        .output()
        .context("there is no C compiler: install Debian's gcc and libc6-dev")?;
    ensure!(
        output.status.success(),
        "the program round libsrtp2 does not compile; is Debian's libsrtp2-dev installed?\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs a C compiler and libsrtp2-dev"]
    fn packets_go_to_libsrtp2_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let peer = compile(folder.path()).unwrap();
        for profile in SrtpProfile::PREFERENCE {
            interoperate(&peer, profile).unwrap();
        }
    }
}

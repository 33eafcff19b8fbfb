//! Strangers who open connections and never finish a handshake take nothing from rooms, and only
//! a bounded amount of the cloud's memory.
//!
//! 3,000 of them are for every day; `CONCLAVE_FLOOD=100000` makes it as many as one likes, in waves.

use anyhow::{Context, Result, bail, ensure};
use conclave_link_protocol::message::{CloudEvent, Greeting};
use conclave_link_room::{DeviceIdentity, LinkEvent, Pins, RoomLink, RoomLinkConfig};
use conclave_stage::{Cloud, in_own_network, scene};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use std::collections::VecDeque;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Receiver;

const PATIENCE: Duration = Duration::from_secs(30);

/// Half-open connections when nobody says otherwise.
const FEW: usize = 3_000;

/// Open at once at the strangers' end: far more than the cloud's 256 places, and below what one
/// process may open.
const AT_ONCE: usize = 800;

/// Addresses that they come from, each within its own limit.
const ADDRESSES: usize = 50;

/// How much the cloud may grow: 256 handshakes of some 20 kB are 5 MiB, the rest is what the
/// allocator keeps.
const GROWTH: u64 = 16 << 20;

/// How often the room links during the flood.
const RETURNS: usize = 5;

#[test]
#[ignore = "starts a real cloud; cargo xtask test runs it"]
fn a_flood_of_half_open_links_takes_no_place_from_a_room_and_no_memory_without_bound() -> Result<()>
{
    let wanted = match std::env::var("CONCLAVE_FLOOD") {
        Ok(number) => number.parse().context("CONCLAVE_FLOOD is a number of connections")?,
        Err(_) => FEW,
    };
    in_own_network(|_| {
        scene(|stage| {
            let mut cloud = Cloud::start(stage)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let folder = stage.folder().join("room");
            std::fs::create_dir(&folder)?;
            let chain = runtime.block_on(enrol(&cloud, &folder))?;
            let before = cloud.process().usage()?.memory;
            let (done, opened) = (AtomicBool::new(false), AtomicUsize::new(0));
            let server = cloud.link();
            let slowest = std::thread::scope(|scope| {
                let flood = scope.spawn(|| flood(server, wanted, &opened, &done));
                let linked = runtime.block_on(link_again(&cloud, &folder, &chain, &opened, wanted));
                done.store(true, Ordering::Relaxed);
                flood.join().map_err(|_| anyhow::anyhow!("the flood fell over"))??;
                linked
            })?;
            let opened = opened.load(Ordering::Relaxed);
            ensure!(opened >= wanted, "only {opened} connections");
            let after = cloud.process().usage()?.memory;
            eprintln!(
                "{opened} half-open connections: memory {:.1} to {:.1} MiB; the room linked \
                 {RETURNS} times, at most {} ms each",
                mib(before),
                mib(after),
                slowest.as_millis()
            );
            cloud.process().check_running()?;
            ensure!(after.saturating_sub(before) < GROWTH, "{before} octets became {after}");
            Ok(())
        })
    })
}

fn mib(octets: u64) -> f64 {
    octets as f64 / f64::from(1 << 20)
}

/// Opens connections that say nothing, or half of their first word; keeps the latest.
fn flood(server: SocketAddr, wanted: usize, opened: &AtomicUsize, done: &AtomicBool) -> Result<()> {
    let mut kept = VecDeque::new();
    let mut number = 0;
    while number < wanted || !done.load(Ordering::Relaxed) {
        let mut stranger = open(server, number)?;
        if number % 2 == 0 {
            // The beginning of a ClientHello. It may have been sent away already.
            let _ = stranger.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
        }
        kept.push_back(stranger);
        if kept.len() > AT_ONCE {
            kept.pop_front();
        }
        number += 1;
        opened.store(number, Ordering::Relaxed);
    }
    Ok(())
}

fn open(server: SocketAddr, number: usize) -> Result<TcpStream> {
    let SocketAddr::V4(server) = server else { bail!("the cloud listens at {server}") };
    let tcp = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let source = Ipv4Addr::new(127, 1, 0, 1 + u8::try_from(number % ADDRESSES)?);
    bind(tcp.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(source, 0)))?;
    connect(tcp.as_raw_fd(), &SockaddrIn::from(server))?;
    Ok(TcpStream::from(tcp))
}

type Chain = conclave_link_protocol::message::CertificateChain;

fn start(
    cloud: &Cloud,
    folder: &Path,
    chain: Option<Chain>,
) -> Result<(conclave_link_room::RoomLinkHandle, Receiver<LinkEvent>)> {
    let config = RoomLinkConfig {
        host: cloud.link().ip().to_string(),
        ports: vec![cloud.link().port()],
        pins: Pins::parse(&cloud.pins()?)?,
        software: "a test".to_owned(),
        serial: "VIRTUAL-F".to_owned(),
    };
    Ok(RoomLink::start(config, DeviceIdentity::open(folder, chain)?)?)
}

async fn next(events: &mut Receiver<LinkEvent>) -> Result<LinkEvent> {
    let event = tokio::time::timeout(PATIENCE, events.recv()).await.context("no event")?;
    event.context("the link's task has ended")
}

async fn enrol(cloud: &Cloud, folder: &Path) -> Result<Chain> {
    let (link, mut events) = start(cloud, folder, None)?;
    loop {
        match next(&mut events).await? {
            LinkEvent::Up { greeting: Greeting::Newcomer { code, .. }, .. } => {
                cloud.claim(&code.to_string(), "Room Fay")?;
            }
            LinkEvent::Event(CloudEvent::Activated { certificate, .. }) => {
                link.shutdown().await;
                return Ok(certificate);
            }
            _ => {}
        }
    }
}

/// Links anew, again and again, spread over the flood; how long the slowest took.
async fn link_again(
    cloud: &Cloud,
    folder: &Path,
    chain: &Chain,
    opened: &AtomicUsize,
    wanted: usize,
) -> Result<Duration> {
    let mut slowest = Duration::ZERO;
    for number in 1..=RETURNS {
        while opened.load(Ordering::Relaxed) < wanted * number / (RETURNS + 1) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let (link, mut events) = start(cloud, folder, Some(chain.clone()))?;
        let begun = Instant::now();
        loop {
            match next(&mut events).await? {
                LinkEvent::Up { greeting: Greeting::Welcome(_), .. } => break,
                LinkEvent::Up { greeting, .. } => bail!("not welcome: {greeting:?}"),
                LinkEvent::Down { reason, .. } => bail!("the room was kept out: {reason}"),
                _ => {}
            }
        }
        slowest = slowest.max(begun.elapsed());
        link.shutdown().await;
    }
    Ok(slowest)
}

//! Every call has keys, a port and sources of its own.
//!
//! From the wire nobody can tell keys apart, that is their point. So the test is a room itself: it
//! enrols over a real link with a real cloud, joins the same meeting room again and again, and
//! looks at the legs that it is given. That rooms use them the other tests show: packets sealed
//! with other keys are dropped by the media node.

use anyhow::{Context, Result, bail, ensure};
use conclave_link_protocol::message::{
    CloudEvent, Greeting, Join, JoinRefusal, Response, RoomRequest,
};
use conclave_link_room::{
    DeviceIdentity, LinkEvent, Pins, RequestId, RoomLink, RoomLinkConfig, RoomLinkHandle,
};
use conclave_stage::{Cloud, NAME, NUMBER, PIN, Vmr, in_own_network, scene};
use conclave_types::{MediaLeg, Pin, SrtpProfile, Switch};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// How many calls are compared.
const CALLS: usize = 4;
/// Argon2id in a debug build takes its time.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
#[ignore = "starts a real cloud; cargo xtask test runs it"]
fn each_call_gets_other_keys_another_port_and_other_sources() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let cloud = Cloud::start(stage)?;
            cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
            let key = stage.folder().join("key");
            std::fs::create_dir(&key)?;
            let identity = DeviceIdentity::open(&key, None)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let legs = runtime.block_on(async {
                let config = RoomLinkConfig {
                    host: cloud.link().ip().to_string(),
                    ports: vec![cloud.link().port()],
                    pins: Pins::parse(&cloud.pins()?)?,
                    software: "a test".to_owned(),
                    serial: "VIRTUAL-K".to_owned(),
                };
                let (link, mut events) = RoomLink::start(config, identity)?;
                enrol(&cloud, &link, &mut events).await?;
                let mut legs = Vec::new();
                for profile in SrtpProfile::PREFERENCE.into_iter().cycle().take(CALLS) {
                    legs.push(call(&link, &mut events, profile).await?);
                }
                link.shutdown().await;
                anyhow::Ok(legs)
            })?;
            all_differ(&legs)
        })
    })
}

async fn next(events: &mut Receiver<LinkEvent>) -> Result<LinkEvent> {
    let event =
        tokio::time::timeout(PATIENCE, events.recv()).await.context("the cloud is silent")?;
    event.context("the link's task has ended")
}

async fn enrol(
    cloud: &Cloud,
    link: &RoomLinkHandle,
    events: &mut Receiver<LinkEvent>,
) -> Result<()> {
    loop {
        match next(events).await? {
            LinkEvent::Up { greeting: Greeting::Newcomer { code, .. }, .. } => {
                cloud.claim(&code.to_string(), "Room Kay")?;
            }
            LinkEvent::Event(CloudEvent::Activated { certificate, .. }) => {
                link.identify(Some(certificate));
            }
            LinkEvent::Up { greeting: Greeting::Welcome(_), .. } => return Ok(()),
            LinkEvent::Up { greeting: Greeting::Refused { reason, .. }, .. } => {
                bail!("refused: {reason:?}")
            }
            _ => {}
        }
    }
}

async fn ask(
    link: &RoomLinkHandle,
    events: &mut Receiver<LinkEvent>,
    request: RoomRequest,
) -> Result<Response> {
    let asked: RequestId = link.request(request);
    loop {
        if let LinkEvent::Answered { id, result } = next(events).await?
            && id == asked
        {
            return Ok(result?);
        }
    }
}

/// Joins with one profile and leaves again; the leg that the call had.
async fn call(
    link: &RoomLinkHandle,
    events: &mut Receiver<LinkEvent>,
    profile: SrtpProfile,
) -> Result<MediaLeg> {
    let join = |pin: Option<Pin>| {
        RoomRequest::Join(Join {
            number: NUMBER.parse().expect("a number of four digits"),
            pin,
            profiles: vec![profile],
            microphone: Switch::On,
            camera: Switch::On,
            lobby: true,
        })
    };
    let without = ask(link, events, join(None)).await?;
    ensure!(without == Response::NotJoined(JoinRefusal::PinNeeded), "without PIN: {without:?}");
    let joined = match ask(link, events, join(Some(PIN.parse()?))).await? {
        Response::Joined(joined) => joined,
        other => bail!("not in: {other:?}"),
    };
    let left = ask(link, events, RoomRequest::Leave { call: joined.call }).await?;
    ensure!(left == Response::Done, "not out: {left:?}");
    for key in [&joined.leg.room_to_node, &joined.leg.node_to_room] {
        ensure!(key.profile() == profile, "asked for {profile:?}, got {:?}", key.profile());
    }
    Ok(joined.leg)
}

fn all_differ(legs: &[MediaLeg]) -> Result<()> {
    let keys: BTreeSet<&[u8]> =
        legs.iter().flat_map(|leg| [leg.room_to_node.key(), leg.node_to_room.key()]).collect();
    ensure!(keys.len() == 2 * legs.len(), "{} different keys in {} calls", keys.len(), legs.len());
    let salts: BTreeSet<&[u8]> =
        legs.iter().flat_map(|leg| [leg.room_to_node.salt(), leg.node_to_room.salt()]).collect();
    ensure!(salts.len() == 2 * legs.len(), "a salt was used twice");
    ensure!(keys.iter().all(|key| key.iter().any(|octet| *octet != 0)), "a key is zero");
    let sources: BTreeSet<u32> = legs.iter().flat_map(|leg| [leg.audio.0, leg.video.0]).collect();
    ensure!(sources.len() == 2 * legs.len(), "a source was used twice");
    let ports: BTreeSet<u16> = legs.iter().map(|leg| leg.port).collect();
    // Drawn at random: two of four may be the same by chance, never most of them.
    ensure!(ports.len() + 1 >= legs.len(), "the ports are {ports:?}");
    Ok(())
}

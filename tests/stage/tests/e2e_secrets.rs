//! Nothing that is secret or private reaches a log: PINs, codes, keys, names, addresses.
//!
//! Cloud and rooms log all that they can, libraries included. They go through what makes them
//! handle secrets: enrolment, a wrong PIN, a right one, a call, a broken connection, leaving. Then
//! every log and everything that the command line printed is searched. A third room is the test
//! itself: of its calls it knows the media keys.

use anyhow::{Context, Result, bail, ensure};
use conclave_link_protocol::message::{CloudEvent, Greeting, Join, Response, RoomRequest};
use conclave_link_room::{
    DeviceIdentity, LinkEvent, Pins, RoomLink, RoomLinkConfig, RoomLinkHandle,
};
use conclave_panel_api::{Screen, Trouble};
use conclave_stage::leaks::{Secret, like_keys};
use conclave_stage::{Cable, Cloud, Meeting, Stage, Vmr, in_own_network, scene, until_idle};
use conclave_types::{MediaLeg, SrtpProfile, Switch};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// Twelve digits, the longest that there are: no time of a log line looks like them.
const NUMBER: &str = "903817264535";
const NAME: &str = "Réunion très privée";
const PIN: &str = "758493021647";
const WRONG_PIN: &str = "162738495066";
/// Argon2id in a debug build takes its time, and so does logging everything.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn no_secret_name_or_address_reaches_a_log() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            stage.verbose();
            let mut secrets = Vec::new();
            let mut meeting = Meeting::prepare(stage, Cable::Relayed)?;
            let vmr = Vmr { number: NUMBER, name: NAME, pin: Some(PIN) };
            meeting.cloud.create(vmr)?;
            secrets.extend(keys_of_a_call(stage, &meeting.cloud)?);

            wrong_pin(&mut meeting)?;
            for room in [&mut meeting.a, &mut meeting.b] {
                room.join(NUMBER, PIN)?;
            }
            meeting.until_both_see()?;
            let printed = ["room", "vmr", "meeting", "record"]
                .map(|of| meeting.cloud.command(&[of, "list"]).map(|text| (of, text)));
            meeting.leave()?;
            // Strangers: what is no TLS, and a second wrong claim.
            drop(std::net::TcpStream::connect(meeting.cloud.link())?);
            ensure!(meeting.cloud.claim("ABCD-1234", "Nobody").is_err(), "a made-up code is taken");
            meeting.cloud.process().stop()?;
            for room in [&mut meeting.a, &mut meeting.b] {
                room.daemon.stop()?;
                room.kiosk.stop()?;
            }

            secrets.extend([
                Secret::text("the PIN", PIN),
                Secret::text("a wrong PIN", WRONG_PIN),
                Secret::text("the PIN of the other meeting room", conclave_stage::PIN),
                Secret::text("room A's name", "Room Ada"),
                Secret::text("room B's name", "Salle Voltaire"),
                Secret::text("room K's name", "Room Kay"),
                Secret::text("the meeting's title", NAME),
                Secret::text("the other meeting's title", conclave_stage::NAME),
            ]);
            secrets.extend(private_keys(stage.folder())?);
            ensure!(secrets.len() >= 8 + 1 + 4 + 6, "only {} secrets are known", secrets.len());
            let listens = meeting.cloud.link().to_string();
            let left = files(stage.folder())?;
            let core = |file: &&PathBuf| file.file_name().is_some_and(|name| name == "core");
            ensure!(left.iter().find(core).is_none(), "a program left its memory in a file");
            let logs = logs(stage.folder())?;
            ensure!(logs.len() >= 5, "there are logs missing: {logs:?}");
            for log in &logs {
                search(log, &secrets, &listens)?;
            }
            // Lists are for the administrator, who may read names; secrets they hold none.
            for listed in printed {
                let (of, text) = listed?;
                for secret in secrets.iter().filter(|secret| !secret.what.contains("name")) {
                    let title = secret.what.contains("title");
                    ensure!(
                        title || secret.found_in(&text).is_none(),
                        "{of} list: {}",
                        secret.what
                    );
                }
            }
            Ok(())
        })
    })
}

fn wrong_pin(meeting: &mut Meeting) -> Result<()> {
    let room = &mut meeting.a;
    room.dial(NUMBER)?;
    room.press("join")?;
    room.type_pin(WRONG_PIN)?;
    room.press("join")?;
    room.until("the PIN is wrong", PATIENCE, |panel| match &panel.screen {
        Screen::Pin { trouble: Some(Trouble::WrongPin { .. }), .. } => Some(()),
        _ => None,
    })?;
    room.press("back")?;
    let again =
        room.until("the pad of numbers or the idle screen", PATIENCE, |panel| {
            match panel.screen {
                Screen::Number { .. } => Some(true),
                Screen::Idle { .. } => Some(false),
                _ => None,
            }
        })?;
    if again {
        room.press("back")?;
    }
    until_idle(room)
}

/// Enrols a room that is this test, joins and leaves; its code and the keys of its leg.
fn keys_of_a_call(stage: &Stage, cloud: &Cloud) -> Result<Vec<Secret>> {
    let key = stage.folder().join("room-k");
    std::fs::create_dir(&key)?;
    let identity = DeviceIdentity::open(&key, None)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut secrets = Vec::new();
    runtime.block_on(async {
        let config = RoomLinkConfig {
            host: cloud.link().ip().to_string(),
            ports: vec![cloud.link().port()],
            pins: Pins::parse(&cloud.pins()?)?,
            software: "a test".to_owned(),
            serial: "VIRTUAL-K".to_owned(),
        };
        let (link, mut events) = RoomLink::start(config, identity)?;
        let code = enrol(cloud, &link, &mut events).await?;
        secrets.push(Secret::text("the activation code", &code));
        for profile in SrtpProfile::PREFERENCE {
            let leg = join(&link, &mut events, profile).await?;
            for (what, key) in [("up", &leg.room_to_node), ("down", &leg.node_to_room)] {
                secrets.push(Secret::octets(&format!("the SRTP key {what}"), key.key())?);
                secrets.push(Secret::octets(&format!("the SRTP salt {what}"), key.salt())?);
            }
        }
        link.shutdown().await;
        anyhow::Ok(())
    })?;
    Ok(secrets)
}

async fn next(events: &mut Receiver<LinkEvent>) -> Result<LinkEvent> {
    let event = tokio::time::timeout(PATIENCE, events.recv()).await.context("silence")?;
    event.context("the link's task has ended")
}

async fn enrol(
    cloud: &Cloud,
    link: &RoomLinkHandle,
    events: &mut Receiver<LinkEvent>,
) -> Result<String> {
    let mut shown = None;
    loop {
        match next(events).await? {
            LinkEvent::Up { greeting: Greeting::Newcomer { code, .. }, .. } => {
                cloud.claim(&code.to_string(), "Room Kay")?;
                shown = Some(code.to_string());
            }
            LinkEvent::Event(CloudEvent::Activated { certificate, .. }) => {
                link.identify(Some(certificate));
            }
            LinkEvent::Up { greeting: Greeting::Welcome(_), .. } => {
                return shown.context("enrolled without a code");
            }
            _ => {}
        }
    }
}

async fn join(
    link: &RoomLinkHandle,
    events: &mut Receiver<LinkEvent>,
    profile: SrtpProfile,
) -> Result<MediaLeg> {
    let join = Join {
        number: NUMBER.parse()?,
        pin: Some(PIN.parse()?),
        profiles: vec![profile],
        microphone: Switch::On,
        camera: Switch::On,
        lobby: true,
    };
    let joined = match ask(link, events, RoomRequest::Join(join)).await? {
        Response::Joined(joined) => joined,
        other => bail!("not in: {other:?}"),
    };
    ask(link, events, RoomRequest::Leave { call: joined.call }).await?;
    Ok(joined.leg)
}

async fn ask(
    link: &RoomLinkHandle,
    events: &mut Receiver<LinkEvent>,
    request: RoomRequest,
) -> Result<Response> {
    let asked = link.request(request);
    loop {
        if let LinkEvent::Answered { id, result } = next(events).await?
            && id == asked
        {
            return Ok(result?);
        }
    }
}

/// The private part of every key file below the folder: rooms' and the cloud's own.
fn private_keys(folder: &Path) -> Result<Vec<Secret>> {
    /// Where PKCS#8 has the 32 octets of a P-256 key (RFC 5208, RFC 5915): behind the algorithm.
    const PLACE: std::ops::Range<usize> = 36..68;
    let mut secrets = Vec::new();
    for file in files(folder)? {
        if file.extension().is_some_and(|ending| ending == "key")
            || file.file_name().is_some_and(|name| name.to_string_lossy().contains("key"))
        {
            let content = std::fs::read(&file)?;
            // The vault's is the key itself.
            let place = if file.ends_with("vault.key") { 0..32 } else { PLACE };
            let private = content.get(place).with_context(|| format!("{}", file.display()))?;
            secrets.push(Secret::octets(&format!("{}", file.display()), private)?);
        }
    }
    Ok(secrets)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn logs(folder: &Path) -> Result<Vec<PathBuf>> {
    let all = files(folder)?.into_iter();
    Ok(all.filter(|file| file.extension().is_some_and(|ending| ending == "log")).collect())
}

/// Each secret in one log; octets that look like a key; addresses other than where it listens.
fn search(log: &Path, secrets: &[Secret], listens: &str) -> Result<()> {
    let text = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
    let shown = log.file_name().unwrap_or_default().to_string_lossy().into_owned();
    ensure!(!text.is_empty(), "{shown} says nothing");
    for secret in secrets {
        if let Some(line) = secret.found_in(&text) {
            bail!("{} stands in {shown}:\n{line}", secret.what);
        }
    }
    // Of rooms A and B nobody knows the keys. Libraries print what is on the wire anyway: rustls its
    // handshakes' random octets.
    let ours: Vec<&str> = text.lines().filter(|line| line.contains(" conclave_")).collect();
    // The audit log's hashes are meant for the log: whoever changes the database does not get at it there.
    let audit =
        ours.iter().filter(|line| line.contains(" conclave_directory::sqlite::audit: audit"));
    let hashes: Vec<&str> =
        audit.filter_map(|line| line.split_once(" hash=")?.1.split(' ').next()).collect();
    if let Some(line) = like_keys(&ours.join("\n"), &hashes) {
        bail!("this looks like a key, in {shown}:\n{line}");
    }
    for line in text.lines() {
        // Where the cloud listens it says once, because its administrator asks for it.
        let rest = line.replace(&format!("link=[{listens}]"), "");
        let rest = match rest.split_once(": the cloud is running ") {
            Some((_, said)) => said.split(" data=").next().map_or(rest.clone(), without_metrics),
            None => rest,
        };
        ensure!(!rest.contains("127.0.0.1"), "an address stands in {shown}:\n{line}");
    }
    Ok(())
}

/// What is said beside the address at which the cloud serves its metrics.
fn without_metrics(said: &str) -> String {
    said.split_whitespace().filter(|word| !word.starts_with("metrics=Some(")).collect()
}

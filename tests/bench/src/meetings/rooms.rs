//! Rooms that have a link and no media.

use super::cloud::{Cloud, Folder};
use super::number;
use anyhow::{Context, Result, bail};
use conclave_link_protocol::message::{
    CertificateChain, CloudEvent, Greeting, Join, Response, RoomRequest,
};
use conclave_link_room::{
    DeviceIdentity, LinkEvent, Pins, RoomLink, RoomLinkConfig, RoomLinkHandle,
};
use conclave_types::{CallId, SrtpProfile, Switch};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(30);

/// A room that may link.
pub(crate) struct Enrolled {
    key: PathBuf,
    certificate: CertificateChain,
    name: String,
}

/// A room that is linked.
pub(crate) struct Room {
    link: RoomLinkHandle,
    heard: mpsc::UnboundedReceiver<Heard>,
    sits: Option<CallId>,
}

/// What matters of what a link says.
enum Heard {
    Linked,
    Refused(String),
    Newcomer(String),
    Activated(CertificateChain),
    Answer(Result<Response, String>),
}

/// Enrols rooms as an administrator does, by their codes.
pub(crate) async fn enrol(cloud: &Cloud, folder: &Folder, rooms: usize) -> Result<Vec<Enrolled>> {
    let mut enrolled = Vec::with_capacity(rooms);
    for n in 0..rooms {
        let name = format!("Room {n}");
        let key = folder.path().join(format!("room-{n}"));
        std::fs::create_dir(&key)?;
        let (link, mut heard) = start(cloud, DeviceIdentity::open(&key, None)?, &name)?;
        let certificate = loop {
            match next(&mut heard).await? {
                Heard::Newcomer(code) => cloud.claim(&code, &name)?,
                Heard::Activated(certificate) => break certificate,
                Heard::Refused(why) => bail!("{name} is refused: {why}"),
                Heard::Linked | Heard::Answer(_) => {}
            }
        };
        link.shutdown().await;
        enrolled.push(Enrolled { key, certificate, name });
    }
    Ok(enrolled)
}

fn start(
    cloud: &Cloud,
    identity: DeviceIdentity,
    name: &str,
) -> Result<(RoomLinkHandle, mpsc::UnboundedReceiver<Heard>)> {
    let config = RoomLinkConfig {
        host: cloud.link().ip().to_string(),
        ports: vec![cloud.link().port()],
        pins: Pins::parse(cloud.pins())?,
        software: "conclave-bench".into(),
        serial: name.into(),
    };
    let (link, mut events) = RoomLink::start(config, identity)?;
    // Read at once, so that the cloud never waits for a room. It holds answers to requests that
    // are made one at a time.
    let (tell, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            let heard = match event {
                LinkEvent::Up { greeting: Greeting::Welcome(_), .. } => Heard::Linked,
                LinkEvent::Up { greeting: Greeting::Newcomer { code, .. }, .. } => {
                    Heard::Newcomer(code.to_string())
                }
                LinkEvent::Up { greeting: Greeting::Refused { reason, .. }, .. } => {
                    Heard::Refused(reason.to_string())
                }
                LinkEvent::Event(CloudEvent::Activated { certificate, .. }) => {
                    Heard::Activated(certificate)
                }
                LinkEvent::Answered { result, .. } => {
                    Heard::Answer(result.map_err(|failure| format!("{failure:?}")))
                }
                LinkEvent::Event(_) | LinkEvent::Down { .. } => continue,
            };
            if tell.send(heard).is_err() {
                return;
            }
        }
    });
    Ok((link, heard))
}

async fn next(heard: &mut mpsc::UnboundedReceiver<Heard>) -> Result<Heard> {
    let heard =
        tokio::time::timeout(PATIENCE, heard.recv()).await.context("the cloud is silent")?;
    heard.context("the link has ended")
}

impl Enrolled {
    /// Links it and waits for the welcome.
    pub(crate) async fn link(&self, cloud: &Cloud) -> Result<Room> {
        let identity = DeviceIdentity::open(&self.key, Some(self.certificate.clone()))?;
        let (link, mut heard) = start(cloud, identity, &self.name)?;
        loop {
            match next(&mut heard).await? {
                Heard::Linked => return Ok(Room { link, heard, sits: None }),
                Heard::Refused(why) => bail!("{} is refused: {why}", self.name),
                _ => {}
            }
        }
    }
}

impl Room {
    /// Joins; returns when the keys are there.
    pub(crate) async fn join(&mut self, vmr: usize) -> Result<CallId> {
        let join = Join {
            number: number(vmr).parse()?,
            pin: None,
            profiles: vec![SrtpProfile::AeadAes128Gcm],
            microphone: Switch::On,
            camera: Switch::On,
            lobby: true,
        };
        match self.ask(RoomRequest::Join(join)).await? {
            Response::Joined(joined) => Ok(joined.call),
            other => bail!("not in meeting room {vmr}: {other:?}"),
        }
    }

    pub(crate) async fn leave(&mut self, call: CallId) -> Result<()> {
        match self.ask(RoomRequest::Leave { call }).await? {
            Response::Done => Ok(()),
            other => bail!("not out: {other:?}"),
        }
    }

    /// Stays in a call.
    pub(crate) fn sit(&mut self, call: CallId) {
        self.sits = Some(call);
    }

    /// Leaves the call that it stays in.
    pub(crate) async fn stand_up(&mut self) -> Result<()> {
        match self.sits.take() {
            Some(call) => self.leave(call).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn close(self) {
        self.link.shutdown().await;
    }

    async fn ask(&mut self, request: RoomRequest) -> Result<Response> {
        self.link.request(request);
        loop {
            if let Heard::Answer(answer) = next(&mut self.heard).await? {
                return answer.map_err(anyhow::Error::msg);
            }
        }
    }
}

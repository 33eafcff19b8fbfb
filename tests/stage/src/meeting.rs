//! What most plays begin with: a cloud, two enrolled rooms, and a meeting room with a PIN.

use crate::clip::Clip;
use crate::cloud::{Cloud, Vmr};
use crate::picture::Face;
use crate::relay::Relay;
use crate::room::{Display, Room, RoomPlan};
use crate::sound::{beeps, tenths_with_tone, write_wav};
use crate::stage::Stage;
use crate::wait::{wait_for, wait_until};
use anyhow::{Context, Result, bail};
use conclave_panel_api::{LinkState, Screen};
use std::path::PathBuf;
use std::time::Duration;

/// The meeting room's number.
pub const NUMBER: &str = "4711";
/// Its name.
pub const NAME: &str = "Les Lumières";
/// Its PIN.
pub const PIN: &str = "246813";
/// What room A's microphone hears, in Hz. Neither tone is a harmonic of the other or of the mains.
pub const TONE_A: f64 = 997.0;
/// What room B's microphone hears, in Hz.
pub const TONE_B: f64 = 1_499.0;

/// Linking, trying encoders, joining: all at once on a machine with two cores.
const PATIENCE: Duration = Duration::from_secs(30);

/// From this likeness on, in dB, a display shows the clip. Seen on two cores: the right clip 36
/// after encoding and decoding, the other clip 10 (never above 16), "camera off" 9.
const RIGHT_PICTURE: f64 = 22.0;

/// Two pictures of a display that are more alike than this, in dB, are one picture painted twice.
const FROZEN: f64 = 60.0;

/// How room A is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cable {
    /// Straight to the cloud.
    Direct,
    /// Through a relay that can cut it.
    Relayed,
}

/// Two rooms, linked and idle until they are told to join.
#[derive(Debug)]
pub struct Meeting {
    /// The cloud.
    pub cloud: Cloud,
    /// "Room Ada": clip A and [`TONE_A`].
    pub a: Room,
    /// "Salle Voltaire", in French: clip B and [`TONE_B`].
    pub b: Room,
    /// Room A's cable, when there is a relay.
    pub relay: Option<Relay>,
}

impl Meeting {
    /// Starts everything, makes the meeting room and enrols both rooms by their panels' codes.
    pub fn prepare(stage: &Stage, cable: Cable) -> Result<Meeting> {
        let cloud = Cloud::start(stage)?;
        cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
        let relay = match cable {
            Cable::Direct => None,
            Cable::Relayed => Some(Relay::to(cloud.link().port())?),
        };
        let port = relay.as_ref().map_or(cloud.link().port(), Relay::port);
        let a = Meeting::plan_a(stage, &cloud, port)?;
        let mut a = Room::start(stage, a)?;
        let b = Meeting::plan_b(stage, &cloud)?;
        let mut b = Room::start(stage, b)?;
        enrol(&cloud, &mut a, "Room Ada")?;
        enrol(&cloud, &mut b, "Salle Voltaire")?;
        Ok(Meeting { cloud, a, b, relay })
    }

    /// What room A is made of.
    pub fn plan_a(stage: &Stage, cloud: &Cloud, port: u16) -> Result<RoomPlan> {
        Ok(RoomPlan {
            tag: "room-a",
            serial: "VIRTUAL-A",
            language: "english",
            ports: vec![port],
            pins: cloud.pins()?,
            camera: Clip::A.file(stage),
            microphone: tone_file(stage, "a.wav", TONE_A)?,
            display: Display::Offscreen,
            media: String::new(),
            board: None,
        })
    }

    /// What room B is made of.
    pub fn plan_b(stage: &Stage, cloud: &Cloud) -> Result<RoomPlan> {
        Ok(RoomPlan {
            tag: "room-b",
            serial: "VIRTUAL-B",
            language: "french",
            ports: vec![cloud.link().port()],
            pins: cloud.pins()?,
            camera: Clip::B.file(stage),
            microphone: tone_file(stage, "b.wav", TONE_B)?,
            display: Display::Offscreen,
            media: String::new(),
            board: None,
        })
    }

    /// Both rooms join through their panels, and see each other.
    pub fn join(&mut self) -> Result<()> {
        self.a.join(NUMBER, PIN)?;
        self.b.join(NUMBER, PIN)?;
        self.until_both_see()
    }

    /// Waits until both panels show two participants and both rooms have decoded a picture.
    pub fn until_both_see(&mut self) -> Result<()> {
        for room in [&mut self.a, &mut self.b] {
            room.until_in_call(2)?;
            let what = format!("{} decodes a picture of the other room", room.tag());
            wait_until(&what, PATIENCE, || {
                room.daemon.check_running()?;
                let status = room.status()?;
                Ok(status.is_some_and(|status| {
                    status.media.participants.iter().any(|p| p.first_picture_ms.is_some())
                }))
            })?;
        }
        Ok(())
    }

    /// Both rooms leave by the panel's button.
    pub fn leave(&mut self) -> Result<()> {
        for room in [&mut self.a, &mut self.b] {
            room.press("leave")?;
            until_idle(room)?;
        }
        Ok(())
    }
}

/// Claims the code that the room's panel shows, and waits until it is linked as a room.
pub fn enrol(cloud: &Cloud, room: &mut Room, name: &str) -> Result<()> {
    let code = room.code()?;
    cloud.claim(&code, name)?;
    until_idle(room)
}

/// Waits for the idle screen of a linked room.
pub fn until_idle(room: &mut Room) -> Result<()> {
    room.until("the idle screen, linked", PATIENCE, |panel| {
        let idle = matches!(panel.screen, Screen::Idle { .. });
        (idle && panel.link == LinkState::Up && panel.room.is_some()).then_some(())
    })
}

fn tone_file(stage: &Stage, name: &str, hertz: f64) -> Result<PathBuf> {
    let file = stage.folder().join(name);
    write_wav(&file, &beeps(hertz, 10.0))?;
    Ok(file)
}

/// Whether a room's display shows the clip, and it moves: each of four pictures in a row is like
/// some frame of the clip, and no two neighbours are the same. The picture may fill the display or
/// stand below a banner.
pub fn shows(room: &mut Room, clip: &[Face]) -> Result<()> {
    let mut before: Option<Face> = None;
    for _ in 0..4 {
        let front = room.next_front()?;
        let below = Face::below_banner(&front);
        let front = Face::of(&front);
        let found = front.likeness_to_any(clip).max(below.likeness_to_any(clip));
        if found < RIGHT_PICTURE {
            bail!(
                "the display of {} is like the clip by {found:.1} dB; {RIGHT_PICTURE} are needed",
                room.tag()
            );
        }
        if let Some(before) = before
            && front.likeness(&before) > FROZEN
        {
            bail!("the picture on the display of {} stands still", room.tag());
        }
        before = Some(front);
    }
    Ok(())
}

/// Waits until [`shows`] holds.
pub fn until_shows(room: &mut Room, clip: &[Face]) -> Result<()> {
    let mut last = None;
    let shown = wait_for("the display shows the clip, moving", PATIENCE, || {
        room.daemon.check_running()?;
        match shows(room, clip) {
            Ok(()) => Ok(Some(())),
            Err(trouble) => {
                last = Some(trouble);
                Ok(None)
            }
        }
    });
    shown.with_context(|| last.map(|last| format!("{last:#}")).unwrap_or_default())
}

/// Whether a room's loudspeaker plays a tone during the next seconds, and how many tenths of a
/// second it was heard in.
pub fn tenths_heard(room: &mut Room, hertz: f64) -> Result<usize> {
    let begun = room.played()?.len();
    let enough = begun + 3 * crate::sound::RATE as usize;
    let played = wait_for("three seconds of sound", PATIENCE, || {
        room.daemon.check_running()?;
        let played = room.played()?;
        Ok((played.len() >= enough).then_some(played))
    })?;
    Ok(tenths_with_tone(&played[begun..], hertz))
}

//! `cargo xtask demo`: two real rooms meet in a real cloud, on this machine.
//!
//! Every step is said in plain words as it happens and ends in a picture, a number or a sentence
//! on what did not happen:
//! 1. the cloud starts, with a meeting room behind a PIN;
//! 2. two rooms start, and are enrolled with the codes that their panels show;
//! 3. both join by their panels, key by key, one of them with a wrong PIN first;
//! 4. the call is held and measured;
//! 5. both leave, and a table says how it went.

#![forbid(unsafe_code)]

mod measured;
mod tell;

use anyhow::{Context, Result, bail};
use clap::Parser;
use conclave_panel_api::{Screen, Trouble};
use conclave_stage::{
    Clip, Cloud, Display, NAME, NUMBER, PIN, Room, RoomPlan, Stage, Vmr, enrol, sound, until_idle,
    wait_until,
};
use measured::{Held, Times};
use nix::sys::signal::{SigSet, Signal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tell::Tell;

/// How long the call is held: long enough for several loops of each clip and for steady numbers.
const HELD: Duration = Duration::from_secs(12);
/// A room sees the other well within this, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Four to twelve digits, and not the right ones.
const WRONG_PIN: &str = "1111";

/// Two virtual rooms meet: the demo behind `cargo xtask demo`.
#[derive(Parser)]
struct Arguments {
    /// Opens windows and stays until Ctrl-C.
    #[arg(long)]
    windows: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut tell = Tell::new();
    let stage = match Stage::new() {
        Ok(stage) => stage,
        Err(trouble) => {
            tell.trouble(&trouble);
            return ExitCode::FAILURE;
        }
    };
    match play(&stage, &mut tell, arguments.windows) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            tell.trouble(&trouble);
            tell.say(&stage.last_words());
            tell.say(&format!("Everything is kept in {}", stage.keep().display()));
            ExitCode::FAILURE
        }
    }
}

fn play(stage: &Stage, tell: &mut Tell, windows: bool) -> Result<()> {
    let display = match (windows, std::env::var_os("DISPLAY")) {
        (false, _) => Display::Offscreen,
        (true, Some(_)) => Display::Windows,
        (true, None) => {
            tell.say(
                "No windows: this session has no display ($DISPLAY is not set). Pictures follow.",
            );
            Display::Offscreen
        }
    };
    let pictures = Album::new(stage)?;

    tell.step("The cloud starts, with its own database and media node inside");
    let mut cloud = Cloud::start(stage)?;
    cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
    tell.detail(&format!("it takes links at {}", cloud.link()));
    tell.detail(&format!(
        "meeting room “{NAME}”, number {NUMBER}, with a PIN of {} digits",
        PIN.len()
    ));

    tell.step("Two rooms start: camera, microphone, encoder by trial, touch panel");
    let (ada, voltaire) = plans(stage, &cloud, display)?;
    let mut ada = Room::start(stage, ada)?;
    let mut voltaire = Room::start(stage, voltaire)?;

    tell.step("Each panel shows a code, and the cloud's administrator claims it");
    for (room, name) in [(&mut ada, "Room Ada"), (&mut voltaire, "Salle Voltaire")] {
        let code = room.code()?;
        pictures.panel(room, &format!("1-activation-{}", room.tag()))?;
        tell.detail(&format!("{name}: the panel shows {code}"));
        enrol(&cloud, room, name)?;
        tell.detail(&format!("{name}: enrolled and linked"));
        pictures.panel(room, &format!("2-idle-{}", room.tag()))?;
    }
    pictures.front(&mut ada, "2-idle-display", display)?;

    tell.step("Room Ada joins, key by key");
    ada.dial(NUMBER)?;
    pictures.panel(&mut ada, "3-number-pad")?;
    ada.press("join")?;
    let words = wrong_pin(&mut ada)?;
    pictures.panel(&mut ada, "4-wrong-pin")?;
    tell.detail(&format!("a wrong PIN first: “{words}”"));
    ada.type_pin(PIN)?;
    pictures.panel(&mut ada, "5-pin-pad")?;
    ada.press("join")?;
    ada.until_in_call(1)?;
    let ada_in = Instant::now();
    tell.detail("Room Ada is in, alone");

    tell.step("Salle Voltaire joins, key by key, on its French panel");
    voltaire.dial(NUMBER)?;
    voltaire.press("join")?;
    voltaire.type_pin(PIN)?;
    let tapped = Instant::now();
    voltaire.press("join")?;
    voltaire.until_in_call(2)?;
    let voltaire_in = Instant::now();
    ada.until_in_call(2)?;
    let times = Times {
        ada: first_picture(&mut ada)?.saturating_sub(tapped.duration_since(ada_in)),
        voltaire: voltaire_in.duration_since(tapped) + first_picture(&mut voltaire)?,
    };
    tell.detail(&format!(
        "they see each other: {} ms and {} ms after the tap on “Rejoindre”",
        times.ada.as_millis(),
        times.voltaire.as_millis()
    ));

    tell.step(&format!("The call is held for {} seconds", HELD.as_secs()));
    let mut held = Held::begin(&mut cloud, &ada, &voltaire)?;
    let begun = Instant::now();
    let mut told = 0;
    wait_until("the call goes on", HELD * 2, || {
        ada.daemon.check_running()?;
        voltaire.daemon.check_running()?;
        cloud.process().check_running()?;
        held.listen(&ada, &voltaire)?;
        let seconds = begun.elapsed().as_secs();
        if seconds > told && seconds.is_multiple_of(3) {
            told = seconds;
            tell.detail(&format!("{seconds} s"));
        }
        Ok(begun.elapsed() >= HELD)
    })?;
    let table = held.end(&mut cloud, &ada, &voltaire, &times)?;
    for room in [&mut ada, &mut voltaire] {
        pictures.panel(room, &format!("6-in-call-{}", room.tag()))?;
        pictures.front(room, &format!("6-in-call-display-{}", room.tag()), display)?;
    }
    ada.press("people")?;
    pictures.panel(&mut ada, "7-people")?;
    ada.press("people")?;

    tell.step("Both leave");
    if display == Display::Windows {
        tell.say("The windows stay, and so does the call. Ctrl-C ends it.");
    } else {
        for room in [&mut ada, &mut voltaire] {
            room.press("leave")?;
            until_idle(room)?;
        }
        let records = cloud.list("record")?;
        tell.detail(&format!(
            "the cloud kept {} call records",
            records.as_array().map_or(0, Vec::len)
        ));
    }
    tell.say(&table.text());
    tell.say(&format!("Pictures of panels and displays: {}", pictures.folder.display()));
    table.check()?;
    if display == Display::Windows {
        until_interrupted()?;
    }
    Ok(())
}

fn plans(stage: &Stage, cloud: &Cloud, display: Display) -> Result<(RoomPlan, RoomPlan)> {
    let (english, french) = (stage.folder().join("en.wav"), stage.folder().join("fr.wav"));
    sound::speak(
        "Good morning from Room Ada. Can you hear me well? The camera is on, and so is the light.",
        "en",
        &english,
    )?;
    sound::speak(
        "Bonjour de la salle Voltaire. Nous vous entendons très bien, et l'image est nette.",
        "fr",
        &french,
    )?;
    let plan = |tag, serial, language, clip: Clip, microphone| -> Result<RoomPlan> {
        Ok(RoomPlan {
            tag,
            serial,
            language,
            ports: vec![cloud.link().port()],
            pins: cloud.pins()?,
            camera: clip.file(stage),
            microphone,
            display,
            media: String::new(),
            board: None,
        })
    };
    Ok((
        plan("ada", "VIRTUAL-A", "english", Clip::A, english)?,
        plan("voltaire", "VIRTUAL-B", "french", Clip::B, french)?,
    ))
}

/// Types a wrong PIN and returns what the panel says to it.
fn wrong_pin(room: &mut Room) -> Result<String> {
    room.type_pin(WRONG_PIN)?;
    room.press("join")?;
    room.until("a word on the wrong PIN", PATIENCE, |panel| match &panel.screen {
        Screen::Pin { trouble: Some(Trouble::WrongPin { .. }), .. } => Some(()),
        _ => None,
    })?;
    room.read("trouble")
}

/// From the start of the room's call to the first decoded picture of the other.
fn first_picture(room: &mut Room) -> Result<Duration> {
    conclave_stage::wait_for("the first picture of the other room", PATIENCE, || {
        room.daemon.check_running()?;
        let Some(status) = room.status()? else { return Ok(None) };
        let first = status.media.participants.first().and_then(|other| other.first_picture_ms);
        Ok(first.map(Duration::from_millis))
    })
}

fn until_interrupted() -> Result<()> {
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGINT);
    ends.add(Signal::SIGTERM);
    ends.thread_block()?;
    ends.wait()?;
    Ok(())
}

/// `target/demo/`, where the pictures land.
struct Album {
    folder: PathBuf,
}

impl Album {
    /// An empty folder beside the one that the programs are built in.
    fn new(stage: &Stage) -> Result<Album> {
        let target = stage.program("demo")?;
        let target = target.ancestors().nth(2).context("programs stand in target/debug/")?;
        let folder = target.join("demo");
        std::fs::create_dir_all(&folder)?;
        for entry in std::fs::read_dir(&folder)? {
            let old = entry?.path();
            if old.extension().is_some_and(|ending| ending == "png") {
                std::fs::remove_file(old)?;
            }
        }
        Ok(Album { folder })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension("png")
    }

    fn panel(&self, room: &mut Room, name: &str) -> Result<()> {
        room.panel_picture(&self.file(&format!("{name}-panel")))
    }

    fn front(&self, room: &mut Room, name: &str, display: Display) -> Result<()> {
        if display == Display::Windows {
            return Ok(()); // It is on the screen.
        }
        room.next_front()?;
        copy(&room.front_file(), &self.file(name))
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if std::fs::copy(from, to)? == 0 {
        bail!("{} is empty", from.display());
    }
    Ok(())
}

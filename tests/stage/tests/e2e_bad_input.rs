//! What is wrong is told to whoever can act on it, in plain words, and nothing falls over.

use anyhow::{Context, Result, ensure};
use conclave_panel_api::{Health, Notice, Screen, Trouble};
use conclave_stage::{
    Clip, Cloud, Meeting, NAME, NUMBER, PIN, Room, Stage, TONE_B, Vmr, enrol, in_own_network,
    refused, scene, tenths_heard, until_idle, until_shows, wait_until,
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// Words that tell a person nothing.
const BARE: [&str; 6] = ["error", "invalid", "failed", "null", "unknown", "panic"];

fn plain(words: &str) -> Result<()> {
    ensure!(words.chars().count() > 10, "“{words}” says too little");
    let lower = words.to_lowercase();
    ensure!(!BARE.iter().any(|bare| lower.contains(bare)), "“{words}” is not plain");
    Ok(())
}

/// A cloud with the meeting room, and room A enrolled.
fn one_room(stage: &Stage) -> Result<(Cloud, Room)> {
    let cloud = Cloud::start(stage)?;
    cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
    let plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
    let mut room = Room::start(stage, plan)?;
    enrol(&cloud, &mut room, "Room Ada")?;
    Ok((cloud, room))
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_wrong_pin_and_a_number_that_is_not_there_are_told_on_the_panel_and_mended_there() -> Result<()>
{
    in_own_network(|_| {
        scene(|stage| {
            let (_cloud, mut room) = one_room(stage)?;
            room.dial("999888777")?;
            room.press("join")?;
            room.until("a word on the number", PATIENCE, |panel| match &panel.screen {
                Screen::Number { trouble: Some(Trouble::NotFound), .. } => Some(()),
                _ => None,
            })?;
            plain(&room.read("trouble")?)?;
            room.press("back")?;

            room.dial(NUMBER)?;
            room.press("join")?;
            room.type_pin("000000")?;
            room.press("join")?;
            let left = room.until("a word on the PIN", PATIENCE, |panel| match &panel.screen {
                Screen::Pin { trouble: Some(Trouble::WrongPin { tries_left }), .. } => {
                    Some(*tries_left)
                }
                _ => None,
            })?;
            let words = room.read("trouble")?;
            plain(&words)?;
            ensure!(words.contains(&left.to_string()), "“{words}” does not say {left}");
            // Guessing on ends in a wait that the panel counts down.
            let mut tries = 0;
            loop {
                tries += 1;
                ensure!(tries < 12, "{tries} wrong PINs and no wait");
                room.type_pin("000000")?;
                room.press("join")?;
                let waits = room.until("an answer", PATIENCE, |panel| match &panel.screen {
                    Screen::Pin { trouble: Some(trouble), typed: 0, .. } => {
                        Some(matches!(trouble, Trouble::Wait { .. }))
                    }
                    _ => None,
                })?;
                if waits {
                    break;
                }
            }
            plain(&room.read("trouble")?)?;
            room.until("the wait is over", Duration::from_secs(90), |panel| match &panel.screen {
                Screen::Pin { trouble: Some(Trouble::Wait { seconds }), .. } if *seconds > 0 => {
                    None
                }
                _ => Some(()),
            })?;
            room.type_pin(PIN)?;
            room.press("join")?;
            room.until_in_call(1)?;
            ensure!(!room.daemon.log().contains(PIN), "the PIN is in the log");
            Ok(())
        })
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_code_opens_the_door_once() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let cloud = Cloud::start(stage)?;
            let plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
            let mut room = Room::start(stage, plan)?;
            let code = room.code()?;
            let never = cloud.claim("ZZZZ-ZZZZ", "Nobody").map_err(|trouble| trouble.to_string());
            ensure!(never.is_err(), "a code that no panel shows was taken");
            cloud.claim(&code, "Room Ada")?;
            until_idle(&mut room)?;
            let again = cloud.claim(&code, "Room Eve").map_err(|trouble| trouble.to_string());
            let told = again.err().context("the code was taken twice")?;
            eprintln!("{told}");
            ensure!(told.to_lowercase().contains("code"), "{told}");
            let short = cloud.claim("ABC", "Room Eve").map_err(|trouble| trouble.to_string());
            ensure!(short.is_err(), "half a code was taken");
            let rooms = cloud.list("room")?;
            ensure!(rooms.as_array().is_some_and(|rooms| rooms.len() == 1), "{rooms}");
            Ok(())
        })
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_cloud_with_another_key_is_not_spoken_to_and_the_panel_says_so() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let cloud = Cloud::start(stage)?;
            let mut plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
            // The right form, and nobody's key: 32 octets of zero, in base64 or in hexadecimal.
            plan.pins = plan.pins.iter().map(|pin| nobodys(pin)).collect();
            let mut room = Room::start(stage, plan)?;
            room.until("a word on the wrong cloud", PATIENCE, |panel| {
                (panel.notice == Some(Notice::WrongCloud)).then_some(())
            })?;
            plain(&room.read("notice")?)?;
            let rooms = cloud.list("room")?;
            ensure!(rooms.as_array().is_some_and(Vec::is_empty), "{rooms}");
            Ok(())
        })
    })
}

/// The same pin with other content.
fn nobodys(pin: &str) -> String {
    let (name, digest) = pin.split_once(':').unwrap_or(("sha256", pin));
    let other: String = match digest.chars().next() {
        Some(first) => {
            let changed = if first == 'A' { 'B' } else { 'A' };
            std::iter::once(changed).chain(digest.chars().skip(1)).collect()
        }
        None => String::new(),
    };
    format!("{name}:{other}")
}

#[test]
#[ignore = "starts real rooms; cargo xtask test runs it"]
fn a_mistake_in_the_configuration_is_named_with_its_line() -> Result<()> {
    scene(|stage| {
        let good = "data = \"/nowhere\"\nserial = \"A\"\n[cloud]\nhost = \"127.0.0.1\"\npins = []\n\
                    [panel]\nsocket = \"/nowhere/panel.sock\"\n[media]\ncamera = \"none\"\n";
        for (wrong, line, word) in [
            (good.replace("serial = \"A\"", "serial = 7"), "line 2", "serial"),
            (good.replace("host", "hots"), "line 4", "hots"),
            (good.replace("camera = \"none\"", "camera = \"film\""), "line 9", "film"),
            (good.replace("[panel]", "[panel"), "line 6", "panel"),
        ] {
            let told = refused(stage, &wrong)?;
            ensure!(told.contains(line) && told.contains(word), "{line}, {word}:\n{told}");
            ensure!(!told.contains("panicked"), "{told}");
        }
        let told = refused(stage, "\u{0}\u{1}garbage")?;
        ensure!(told.contains("line 1") && !told.contains("panicked"), "{told}");
        Ok(())
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn garbage_on_the_link_and_on_the_panel_socket_disturbs_nobody() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let (mut cloud, mut room) = one_room(stage)?;
            let garbage: [&[u8]; 6] = [
                b"",
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                b"\x16\x03\x01\xff\xff",
                &[0; 5000],
                &[0xff; 100_000],
                b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
            ];
            for bytes in garbage {
                let mut stream = TcpStream::connect(cloud.link())?;
                stream.set_read_timeout(Some(Duration::from_millis(300)))?;
                // The cloud may hang up in the middle of it.
                let _ = stream.write_all(bytes);
                let _ = stream.read(&mut [0; 64]);
            }
            // Many that say nothing at all, held open together.
            let silent: Vec<TcpStream> =
                (0..50).map(|_| TcpStream::connect(cloud.link())).collect::<Result<_, _>>()?;
            let socket = room.folder().join("panel.sock");
            let frames: [&[u8]; 5] = [
                b"",
                b"\xff\xff\xff\xff",
                b"\x00\x00\x00\x02{]",
                b"\x00\x00\x00\x0f{\"tap\":\"nosuch\"",
                b"\x00\x00\x00\x00",
            ];
            for bytes in frames {
                let mut stream = UnixStream::connect(&socket)?;
                stream.set_read_timeout(Some(Duration::from_millis(300)))?;
                let _ = stream.write_all(bytes);
                let _ = stream.read(&mut [0; 64]);
            }
            room.join(NUMBER, PIN)?;
            cloud.process().check_running()?;
            room.daemon.check_running()?;
            for log in [cloud.process().log(), room.daemon.log()] {
                ensure!(!log.contains("panicked"), "{log}");
            }
            drop(silent);
            Ok(())
        })
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn without_a_camera_a_room_says_so_and_still_speaks_and_listens() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let clip_b = Clip::B.faces(stage)?;
            let cloud = Cloud::start(stage)?;
            cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
            let mut plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
            plan.camera = stage.folder().join("no-such-file.mp4");
            let mut a = Room::start(stage, plan)?;
            let mut b = Room::start(stage, Meeting::plan_b(stage, &cloud)?)?;
            enrol(&cloud, &mut a, "Room Ada")?;
            enrol(&cloud, &mut b, "Salle Voltaire")?;
            a.until("the camera is missing", PATIENCE, |panel| {
                (panel.camera == Health::Missing).then_some(())
            })?;
            a.join(NUMBER, PIN)?;
            b.join(NUMBER, PIN)?;
            until_shows(&mut a, &clip_b)?;
            wait_until("room B's voice in room A", PATIENCE, || {
                Ok(tenths_heard(&mut a, TONE_B)? >= 8)
            })?;
            ensure!(!a.daemon.log().contains("panicked"), "{}", a.daemon.log());
            Ok(())
        })
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn a_camera_that_goes_away_in_mid_call_is_told_and_comes_back_by_itself() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let clip_a = Clip::A.faces(stage)?;
            let cloud = Cloud::start(stage)?;
            cloud.create(Vmr { number: NUMBER, name: NAME, pin: Some(PIN) })?;
            let mut plan = Meeting::plan_a(stage, &cloud, cloud.link().port())?;
            let camera = stage.folder().join("camera.mp4");
            std::fs::copy(&plan.camera, &camera)?;
            plan.camera.clone_from(&camera);
            let mut a = Room::start(stage, plan)?;
            let mut b = Room::start(stage, Meeting::plan_b(stage, &cloud)?)?;
            enrol(&cloud, &mut a, "Room Ada")?;
            enrol(&cloud, &mut b, "Salle Voltaire")?;
            a.join(NUMBER, PIN)?;
            b.join(NUMBER, PIN)?;
            until_shows(&mut b, &clip_a)?;

            // Emptied first, as the room may hold the file open.
            std::fs::write(&camera, "")?;
            std::fs::remove_file(&camera)?;
            a.until("the camera is lost", PATIENCE, |panel| {
                (panel.camera == Health::Missing && panel.notice == Some(Notice::CameraLost))
                    .then_some(())
            })?;
            plain(&a.read("notice")?)?;
            wait_until("room B's voice in room A all the same", PATIENCE, || {
                Ok(tenths_heard(&mut a, TONE_B)? >= 8)
            })?;

            std::fs::copy(Clip::A.file(stage), &camera)?;
            a.until("the camera works again", Duration::from_secs(60), |panel| {
                (panel.camera == Health::Working).then_some(())
            })?;
            until_shows(&mut b, &clip_a)
        })
    })
}

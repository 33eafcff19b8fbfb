//! A release travels from the cloud's command line into a room's other slot, by the real programs and
//! the real RAUC.

use anyhow::{Context, Result, bail, ensure};
use conclave_panel_api::{Panel, Screen, read_frame};
use conclave_stage::{BOARD, Cloud, Process, Rauc, Stage, can_mount, scene, wait_for};
use serde_json::Value;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The daemon tries encoders first; the installer takes its time on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

/// A daemon without a panel of its own: this test looks at the panel's socket. A room of this version
/// is it by its os-release.
fn room(stage: &Stage, cloud: &Cloud, rauc: &Rauc, version: &str) -> Result<Process> {
    let folder = stage.folder().join("room");
    std::fs::create_dir_all(&folder)?;
    let here = folder.display();
    std::fs::write(folder.join("os-release"), format!("VERSION_ID=\"{version}\"\n"))?;
    std::fs::write(
        folder.join("room.toml"),
        format!(
            "data = \"{here}/data\"\nserial = \"UP-1\"\n[cloud]\nhost = \"127.0.0.1\"\n\
             ports = [{}]\npins = {:?}\n[panel]\nsocket = \"{here}/panel.sock\"\n\
             [media]\ncamera = \"none\"\nmicrophone = \"none\"\nloudspeaker = \"none\"\n\
             display = \"offscreen:{here}/front.png\"\n\
             [update]\nrestart = \"{here}/restart\"\nos_release = \"{here}/os-release\"\n\
             quiet_s = 0\nreuse_from = [\"{here}/running\"]\n",
            cloud.link().port(),
            cloud.pins()?
        ),
    )?;
    let config = folder.join("room.toml");
    let (name, address) = rauc.environment();
    let environment = [("CONCLAVE_LOG", stage.log_level()), (name.as_str(), address.as_str())];
    Process::start(
        "conclave-roomd",
        &stage.program("conclave-roomd")?,
        &["--config".as_ref(), config.as_os_str()],
        &environment,
        &folder.join("roomd.log"),
    )
}

/// The panel that comes next for which something can be found.
fn on_panel<T>(socket: &Path, mut find: impl FnMut(Panel) -> Option<T>) -> Result<T> {
    let mut panel = wait_for("the panel's socket", LIMIT, || Ok(UnixStream::connect(socket).ok()))?;
    panel.set_read_timeout(Some(LIMIT))?;
    loop {
        match read_frame(&mut panel)? {
            Some(shown) => {
                if let Some(found) = find(shown) {
                    return Ok(found);
                }
            }
            None => bail!("the daemon closed the panel's socket"),
        }
    }
}

/// Waits until the cloud's list of updates says this of the only room's stage.
fn until_stage(cloud: &Cloud, daemon: &mut Process, stage: &str) -> Result<Value> {
    wait_for(&format!("the room is {stage}"), LIMIT, || {
        daemon.check_running()?;
        let answer = cloud.answer(&["room", "updates", "--json"])?;
        let room = answer["rooms"][0].clone();
        Ok((room["stage"]["stage"] == stage).then_some(room))
    })
}

#[test]
#[ignore = "starts a real room and a real cloud; cargo xtask test runs it"]
fn a_release_is_fetched_and_installed_by_rauc_and_one_that_is_not_proved_goes_back_and_is_counted()
-> Result<()> {
    if !can_mount() {
        return Ok(());
    }
    scene(|stage| {
        let (cloud, rauc) = (Cloud::start(stage)?, Rauc::start(stage)?);
        let mut daemon = room(stage, &cloud, &rauc, "1.0.0")?;
        let socket = stage.folder().join("room/panel.sock");
        let code = on_panel(&socket, |panel| match panel.screen {
            Screen::Activation { code, .. } => code,
            _ => None,
        })?;
        cloud.claim(&code.to_string(), "Room Ada")?;
        until_stage(&cloud, &mut daemon, "idle")?;

        let image: Vec<u8> = (0_u32..2_000_000).map(|n| (n.wrapping_mul(n) >> 9) as u8).collect();
        // The system that runs has most of the new one, at another place.
        let running = [b"the system that runs", &image[100_000..]].concat();
        std::fs::write(stage.folder().join("room/running"), running)?;
        let bundle = rauc.bundle("1.1.0", &image)?;
        let bundle = bundle.to_str().context("a path of text")?;
        let add = ["release", "add", bundle, "--version", "1.1.0", "--compatible", BOARD];
        cloud.command(&add)?;
        cloud.command(&["room", "follow", "Room Ada", "--window", "00:00-00:00"])?;
        cloud.command(&[
            "rollout",
            "start",
            "1.1.0",
            "--channel",
            "stable",
            "--most-failed",
            "0",
        ])?;
        let asked = stage.folder().join("room/restart");
        wait_for("the restart is asked for", LIMIT, || {
            daemon.check_running()?;
            Ok(asked.exists().then_some(()))
        })?;
        ensure!(rauc.slot_b()?.starts_with(&image), "the new system stands in the other slot");
        ensure!(rauc.primary()? == "B", "and is started next");
        let log = std::fs::read_to_string(stage.folder().join("room/roomd.log"))?;
        let missing =
            log.lines().find_map(|line| line.split_once("missing=")?.1.parse::<usize>().ok());
        let missing = missing.with_context(|| format!("how much was fetched: {log}"))?;
        ensure!(missing < image.len() / 5, "{missing} octets were fetched of {}", image.len());

        // The machine restarts into it: the store says that it was installed in an earlier start, for
        // a test cannot have another boot id. This one has been up for too long to prove anything,
        // as if the daemon had ended again and again: it goes back.
        daemon.kill()?;
        std::fs::remove_file(&asked)?;
        forget_the_start(&stage.folder().join("room/data/room.sqlite"))?;
        let mut daemon = room(stage, &cloud, &rauc, "1.1.0")?;
        wait_for("the way back is asked for", LIMIT, || {
            daemon.check_running()?;
            Ok(asked.exists().then_some(()))
        })?;
        ensure!(rauc.state("A")? == "bad", "the slot that runs");
        daemon.kill()?;
        let mut daemon = room(stage, &cloud, &rauc, "1.0.0")?;
        until_stage(&cloud, &mut daemon, "fell_back")?;
        let status = cloud.answer(&["rollout", "status", "1", "--json"])?;
        ensure!(status["rollout"]["stage"] == "stopped_by_failures", "{status}");
        let why = status["rooms"][0]["why"].as_str().unwrap_or_default();
        ensure!(why.contains("did not start, or ended"), "{status}");

        // A bundle that is not what its release says is refused, and the room stays as it is.
        let wrong = rauc.bundle("1.3.0", b"another image")?;
        let wrong = wrong.to_str().context("a path of text")?;
        let add = ["release", "add", wrong, "--version", "1.2.0", "--compatible", BOARD];
        cloud.command(&add)?;
        cloud.command(&[
            "rollout",
            "start",
            "1.2.0",
            "--channel",
            "stable",
            "--most-failed",
            "0",
        ])?;
        let refused = until_stage(&cloud, &mut daemon, "not_installed")?;
        ensure!(refused["stage"]["detail"] == "the bundle is of version 1.3.0", "{refused}");
        let status = cloud.answer(&["rollout", "status", "2", "--json"])?;
        ensure!(status["rollout"]["stage"] == "stopped_by_failures", "{status}");
        Ok(())
    })
}

/// Has the store say that what it holds was installed before this start of the machine.
fn forget_the_start(store: &Path) -> Result<()> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let octets = std::fs::read(store)?;
    let (from, to) = (boot.trim().as_bytes(), b"00000000-0000-0000-0000-000000000000");
    let mut changed = octets.clone();
    let mut found = 0;
    for at in 0..octets.len().saturating_sub(from.len()) {
        if octets[at..].starts_with(from) {
            changed[at..at + from.len()].copy_from_slice(to);
            found += 1;
        }
    }
    ensure!(found > 0, "the store does not say when the update was installed");
    std::fs::write(store, changed)?;
    Ok(())
}

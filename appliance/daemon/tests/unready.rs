//! The real program with nothing, or nonsense, about its cloud: the panel says so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_panel_api::{Notice, Panel, Screen, read_frame};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program, killed at the end whatever comes.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn first_picture(folder: &Path) -> Panel {
    let room = folder.join("room.toml");
    let socket = folder.join("panel.sock");
    let text = format!(
        "data = \"{0}/data\"\nlanguage = \"french\"\n[panel]\nsocket = \"{1}\"\n[media]\n",
        folder.display(),
        socket.display()
    );
    std::fs::write(&room, text).unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_conclave-roomd"))
        .arg("--config")
        .arg(&room)
        .arg("--config")
        .arg(folder.join("cloud.toml"))
        .stderr(Stdio::null())
        .spawn();
    let mut daemon = Daemon(program.unwrap());
    let end = Instant::now() + Duration::from_secs(60);
    let mut panel = loop {
        match UnixStream::connect(&socket) {
            Ok(panel) => break panel,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        assert!(daemon.0.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(10));
    };
    panel.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    read_frame(&mut panel).unwrap().unwrap()
}

#[test]
fn a_room_that_nobody_told_its_cloud_says_so_on_its_panel() {
    let folder = tempfile::tempdir().unwrap();
    let shown = first_picture(folder.path());
    assert_eq!((shown.screen, shown.notice), (Screen::Starting, Some(Notice::NoCloud)));
    assert_eq!(shown.language, conclave_panel_api::Language::French);
}

#[test]
fn a_mistake_in_what_it_was_told_is_said_too() {
    for text in [
        "[cloud]\nhost = ",
        "[cloud]\nhost = \"cloud.example.org\"\n",
        "[cloud]\nhost = \"cloud.example.org\"\npins = [\"sha256:short\"]\n",
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cloud.toml"), text).unwrap();
        let shown = first_picture(folder.path());
        assert_eq!(shown.notice, Some(Notice::CloudMistaken), "{text}");
    }
}

#[test]
fn whoever_gives_one_file_reads_the_mistake_at_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("room.toml");
    std::fs::write(&file, "data = \"x\"\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave-roomd"));
    let told = command.arg("--config").arg(&file).output().unwrap();
    assert!(!told.status.success());
    assert!(String::from_utf8_lossy(&told.stderr).contains("has a mistake"));
}

//! The real binary, as an administrator meets it: on a folder of its own, on free ports.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail their test")]

use conclave_cloud::data_folder::Run;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_conclave-cloud");

/// A cloud in a process of its own, killed when dropped.
struct Cloud(Child);

impl Cloud {
    fn start(data: &Path) -> Cloud {
        Cloud::start_with(data, &[])
    }

    fn start_with(data: &Path, more: &[&str]) -> Cloud {
        let mut child = Command::new(BINARY)
            .args(["serve", "--listen", "127.0.0.1:0", "--console", "off", "--data"])
            .arg(data)
            .args(more)
            .env("CONCLAVE_LOG", "info")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut lines = log.lines().map(Result::unwrap);
        let ready = lines.any(|line| line.contains("the cloud is running"));
        // Read on, so that the cloud never waits for a reader of its log.
        std::thread::spawn(move || lines.for_each(drop));
        assert!(ready, "the cloud ended before it was running");
        Cloud(child)
    }

    fn run_file(data: &Path) -> Run {
        serde_json::from_slice(&std::fs::read(data.join("run.json")).unwrap()).unwrap()
    }

    /// As a service manager stops it.
    fn terminate(mut self) -> bool {
        let pid = nix::unistd::Pid::from_raw(self.0.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.0.wait().unwrap().success()
    }

    /// As a power cut stops it.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run_with(data: &Path, input: &str, words: &[&str]) -> Output {
    let mut child = Command::new(BINARY)
        .args(words)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever does not read its input closes it; that is its right.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn run(data: &Path, words: &[&str]) -> Output {
    run_with(data, "", words)
}

fn said(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(all).unwrap()
}

/// What a command that must work prints.
fn good(output: Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    said(&output)
}

/// What a command that must be refused prints.
fn refused(output: Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(output.stdout.is_empty(), "reasons go to standard error");
    said(&output)
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let cloud = Cloud::start(data);
    let create = ["vmr", "create", "--number", "4711", "--name", "Board", "--pin-stdin"];
    let words = good(run_with(data, "246810\n", &create));
    assert!(words.contains("'Board'") && words.contains("4 711"), "{words}");
    good(run(data, &["vmr", "create", "--number", "4712", "--name", "Open"]));
    let before = good(run(data, &["vmr", "list", "--json"]));
    cloud.kill();

    let cloud = Cloud::start(data);
    assert_eq!(good(run(data, &["vmr", "list", "--json"])), before);
    assert!(before.contains("\"pin\":true") && !before.contains("246810"), "{before}");
    assert!(good(run(data, &["record", "list"])).contains("No call is recorded"));
    assert!(cloud.terminate());
    for entry in ["cloud.db", "cloud.db-wal"] {
        let bytes = std::fs::read(data.join(entry)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|w| w == b"246810"), "a PIN in {entry}");
    }
}

#[test]
fn a_running_cloud_says_where_it_is_and_a_stopped_one_cleans_up() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let cloud = Cloud::start(data);
    let run_file = Cloud::run_file(data);
    assert_eq!(run_file.pid, cloud.0.id());
    assert_ne!(run_file.link[0].port(), 0);
    std::net::TcpStream::connect(run_file.link[0]).unwrap();
    let mode = std::fs::metadata(&run_file.control).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert!(cloud.terminate());
    assert!(!data.join("run.json").exists() && !run_file.control.exists());
}

#[test]
fn a_second_cloud_on_the_same_folder_is_refused_and_the_first_one_lives() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let _cloud = Cloud::start(data);
    let words = refused(run(data, &["serve", "--listen", "127.0.0.1:0", "--console", "off"]));
    assert!(words.contains("another conclave-cloud runs on"), "{words}");
    assert!(good(run(data, &["room", "list"])).contains("No room is enrolled"));
}

#[test]
fn without_a_running_cloud_the_command_line_says_how_to_start_one() {
    let temp = tempfile::tempdir().unwrap();
    let words = refused(run(temp.path(), &["room", "list"]));
    assert!(words.contains("is not running") && words.contains("serve --data"), "{words}");
    // A socket that a killed cloud left behind is no running cloud.
    Cloud::start(temp.path()).kill();
    let words = refused(run(temp.path(), &["room", "list"]));
    assert!(words.contains("is not running"), "{words}");
}

#[test]
fn pins_are_there_before_the_first_start_and_stay() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let before = good(run(&data, &["pins", "--json"]));
    let _cloud = Cloud::start(&data);
    assert_eq!(good(run(&data, &["pins", "--json"])), before);
    let answer: serde_json::Value = serde_json::from_str(&before).unwrap();
    assert_eq!(answer["pins"].as_array().unwrap().len(), 2, "a current and a backup pin");
}

#[test]
fn mistakes_are_refused_with_a_reason() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let _cloud = Cloud::start(data);
    let create = ["vmr", "create", "--number", "4711", "--name", "Board"];
    good(run(data, &create));
    assert!(refused(run(data, &create)).contains("number already"));
    let claim = ["room", "claim", "7KQ2-9FXM", "--name", "A"];
    assert!(refused(run(data, &claim)).contains("no room shows this code"));
    assert!(refused(run(data, &["room", "revoke", "Nobody"])).contains("no room 'Nobody'"));
    assert!(refused(run(data, &["vmr", "remove", "9999"])).contains("no meeting room 9 999"));
    let set = ["vmr", "set-pin", "4711", "--pin-stdin"];
    assert!(refused(run_with(data, "12\n", &set)).contains("4 to 12 digits"));
    assert!(good(run_with(data, "135791\n", &set)).contains("new PIN"));
    assert!(good(run(data, &["vmr", "set-pin", "4711", "--none"])).contains("no PIN any more"));
    // Not understood at all: usage.
    for words in [
        &["room", "claim", "U", "--name", "A"][..],
        &["vmr", "create", "--number", "1", "--name", "A"],
        &["dance"],
    ] {
        assert_eq!(run(data, words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn a_wrong_configuration_file_names_its_line() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("cloud.toml");
    std::fs::write(&file, "[link]\nlisten = [\"127.0.0.1:0\"]\nport = 7\n").unwrap();
    let words = refused(run(temp.path(), &["serve", "--config", file.to_str().unwrap()]));
    assert!(words.contains("cloud.toml, line 3") && words.contains("port"), "{words}");
}

#[test]
fn a_damaged_database_is_named_and_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("cloud.db");
    let damaged = b"not a database, however one looks at it, and quite long at that.....";
    std::fs::write(&file, damaged).unwrap();
    let words =
        refused(run(temp.path(), &["serve", "--listen", "127.0.0.1:0", "--console", "off"]));
    assert!(words.contains("damaged") && words.contains("backup"), "{words}");
    assert_eq!(std::fs::read(&file).unwrap(), damaged);
}

#[test]
fn garbage_on_the_control_socket_is_refused_and_harms_nobody() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let _cloud = Cloud::start(data);
    let socket = Cloud::run_file(data).control;
    for garbage in
        [&b"\n"[..], b"{\"ask\":\"dance\"}\n", &[0xff; 40_000], b"{\"ask\":\"room_list\""]
    {
        let mut stream = UnixStream::connect(&socket).unwrap();
        // The cloud may have closed before all of it was sent.
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        if BufReader::new(&stream).read_line(&mut answer).is_ok() {
            assert!(answer.is_empty() || answer.contains("refused"), "{answer}");
        }
    }
    // Half a request, and gone.
    drop(UnixStream::connect(&socket).unwrap());
    good(run(data, &["room", "list"]));
}

#[test]
fn the_backup_key_takes_the_links_place_only_when_it_is_meant() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let _cloud = Cloud::start(data);
    let pins = || -> Vec<String> {
        let answer = good(run(data, &["pins", "--json"]));
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        serde_json::from_value(answer["pins"].clone()).unwrap()
    };
    let before = pins();
    assert!(refused(run(data, &["key", "promote-backup"])).contains("--yes"));
    assert_eq!(pins(), before);
    let words = good(run(data, &["key", "promote-backup", "--yes"]));
    let after = pins();
    assert_eq!(after[0], before[1], "rooms accept it already");
    assert!(!before.contains(&after[1]), "a new backup");
    assert!(after.iter().all(|pin| words.contains(pin)), "{words}");
}

#[test]
fn a_meeting_that_is_not_on_cannot_be_ended_and_no_call_is_listed_before_one_ended() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let _cloud = Cloud::start(data);
    assert!(refused(run(data, &["meeting", "end", "4711"])).contains("no meeting room 4 711"));
    good(run(data, &["vmr", "create", "--number", "4711", "--name", "Board"]));
    assert!(refused(run(data, &["meeting", "end", "4711"])).contains("no meeting is on"));
    assert!(good(run(data, &["calls"])).contains("No call has ended yet"));
    assert!(good(run(data, &["calls", "--json"])).contains("\"calls\":[]"));
}

#[test]
fn a_meeting_room_is_given_a_lobby_and_nobody_waits_in_it_yet() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let _cloud = Cloud::start(data);
    let create = ["vmr", "create", "--number", "4711", "--name", "Board", "--lobby"];
    assert!(good(run(data, &create)).contains("wait until somebody lets them in"));
    assert!(good(run(data, &["vmr", "list", "--json"])).contains("\"lobby\":true"));
    assert!(good(run(data, &["vmr", "change", "4711", "--lobby", "off"])).contains("no lobby"));
    assert!(good(run(data, &["vmr", "change", "4711", "--lobby", "on"])).contains("a lobby"));
    let nobody = "Nobody waits there any more";
    assert!(good(run(data, &["meeting", "let-in", "4711", "--all"])).contains(nobody));
    assert!(good(run(data, &["meeting", "turn-away", "4711", "--all"])).contains(nobody));
    // Whom, is always said.
    assert_eq!(run(data, &["meeting", "let-in", "4711"]).status.code(), Some(2));
    assert!(
        refused(run(data, &["meeting", "let-in", "9999", "--all"])).contains("no meeting room")
    );
}

#[test]
fn metrics_are_served_only_where_they_are_wanted() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let cloud = Cloud::start(data);
    assert_eq!(Cloud::run_file(data).metrics, None);
    assert!(cloud.terminate());
    let file = data.join("cloud.toml");
    std::fs::write(&file, "[metrics]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let _cloud = Cloud::start_with(data, &["--config", file.to_str().unwrap()]);
    let metrics = Cloud::run_file(data).metrics.unwrap();
    let mut stream = std::net::TcpStream::connect(metrics).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let lines: Vec<String> = BufReader::new(stream).lines().map(Result::unwrap).collect();
    assert!(lines.contains(&"conclave_rooms_linked 0".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("conclave_build_info{version=")));
}

#[test]
fn a_release_is_added_rolled_out_and_taken_back() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data");
    let _cloud = Cloud::start(&data);
    assert!(good(run(&data, &["release", "list"])).contains("There is no release"));
    let bundle = temp.path().join("x.raucb");
    std::fs::write(&bundle, b"abc").unwrap();
    let bundle = bundle.to_str().unwrap();
    let board = ["--compatible", "conclave-x"];
    let add = [&["release", "add", bundle, "--version", "1.2.0"], &board[..]].concat();
    let words = good(run(&data, &add));
    assert!(words.contains("1.2.0 for conclave-x") && words.contains("ba7816bf"), "{words}");
    assert!(refused(run(&data, &add)).contains("there already"));
    let floor = [&add[..3], &["--version", "1.0.0", "--floor", "2.0.0"], &board[..]].concat();
    let file = temp.path().join("y.raucb");
    std::fs::write(&file, b"another").unwrap();
    let floor: Vec<&str> = floor
        .iter()
        .map(|word| if *word == bundle { file.to_str().unwrap() } else { word })
        .collect();
    assert!(refused(run(&data, &floor)).contains("above the release"));
    let spare = [&["release", "add", bundle, "--version", "1.1.0"], &board[..]].concat();
    good(run(&data, &spare));
    good(run(&data, &[&["release", "remove", "1.1.0"], &board[..]].concat()));
    assert_eq!(
        std::fs::read_dir(data.join("bundles")).unwrap().count(),
        2,
        "1.2.0 needs it and its sums"
    );

    let start = ["rollout", "start", "1.2.0", "--channel", "early", "--waves", "1,100%"];
    assert!(good(run(&data, &start)).contains("Rollout 1 brings 1.2.0 to 'early'"));
    assert!(refused(run(&data, &start)).contains("already"));
    let status = good(run(&data, &["rollout", "status", "1"]));
    assert!(status.contains("running") && status.contains("taken no room yet"), "{status}");
    assert!(good(run(&data, &["rollout", "stop", "1"])).contains("is stopped"));
    assert!(good(run(&data, &["rollout", "resume", "1"])).contains("goes on"));
    let json = good(run(&data, &["rollout", "list", "--json"]));
    assert!(
        json.contains(r#""stage":"running""#) && json.contains(r#""waves":["1","100%"]"#),
        "{json}"
    );
    assert!(good(run(&data, &["rollout", "withdraw", "1"])).contains("withdrawn"));
    assert!(good(run(&data, &["channel", "list"])).contains("stable"));
    assert!(good(run(&data, &["room", "updates"])).contains("No room is enrolled"));
    for words in [
        &["rollout", "start", "1.2", "--channel", "early"][..],
        &["rollout", "start", "1.2.0", "--channel", "early", "--waves", "x"],
        &["room", "follow", "A"],
        &["room", "follow", "A", "--window", "2-3"],
    ] {
        assert_eq!(run(&data, words).status.code(), Some(2), "{words:?}");
    }
    assert!(
        refused(run(&data, &["room", "follow", "A", "--channel", "early"])).contains("no room")
    );
}

#[test]
fn a_list_of_devices_is_looked_at_taken_as_far_as_it_is_right_and_withdrawn() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path();
    let _cloud = Cloud::start(data);
    let list = data.join("rooms.csv");
    std::fs::write(&list, "name;serial;tags\r\nAda;S1;north\r\n;S2;\r\n").unwrap();
    let list = list.to_str().unwrap();
    let wrong = refused(run(data, &["awaited", "add", list]));
    assert!(wrong.contains("line 3 (): no name") && wrong.contains("--only-right"), "{wrong}");
    assert!(good(run(data, &["awaited", "list"])).contains("No device is awaited"));
    let taken = good(run(data, &["awaited", "add", list, "--only-right"]));
    assert!(taken.contains("from now on: 1."), "{taken}");
    let awaited = good(run(data, &["awaited", "list"]));
    assert!(awaited.contains("Ada") && awaited.contains("S1") && awaited.contains("#north"));
    let code = refused(run(data, &["awaited", "enrol", "Ada", "AAAA-AAAA"]));
    assert!(code.contains("no room shows this code"), "{code}");
    good(run(data, &["awaited", "withdraw", "Ada"]));
    assert!(refused(run(data, &["awaited", "withdraw", "Ada"])).contains("no device 'Ada'"));
    assert!(refused(run(data, &["awaited", "add", "/nowhere"])).contains("cannot be read"));
}

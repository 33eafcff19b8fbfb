//! A real conclave-cloud and a real mail server (aiosmtpd): letters leave over TLS, arrive, are read by a calendar, and what does
//! not arrive is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_cloud::config::Config;
use conclave_cloud::letters::{Content, Fate, Letter, LetterId, Meeting, MeetingChange};
use conclave_cloud::mail::{Fates, Mailer};
use conclave_types::{Secret, UnixTime, VmrId};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Debian's, which has Debian's packages.
const PYTHON: &str = "/usr/bin/python3";

/// Ends with the test.
struct MailServer {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl MailServer {
    fn start(tls: bool) -> MailServer {
        let folder = tempfile::tempdir().unwrap();
        // It cannot say which port it was given: one that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(PYTHON);
        command.args(["-m", "aiosmtpd", "--nosetuid", "--listen", &format!("127.0.0.1:{port}")]);
        if tls {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
            std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem())
                .unwrap();
            command.arg("--tlscert").arg(folder.path().join("ca.pem"));
            command.arg("--tlskey").arg(folder.path().join("key.pem"));
        }
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let process = command
            .args(["--class", "mail_box.Box"])
            .arg(folder.path().join("mail"))
            .env("PYTHONPATH", here)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = MailServer { process, folder, port };
        until("the mail server listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        server
    }

    fn config(&self, lines: &str) -> Config {
        let text = format!(
            "[mail]\nserver = \"localhost:{}\"\nfrom = \"conclave@example.org\"\n{lines}",
            self.port
        );
        Config::parse(&text, Path::new("cloud.toml")).unwrap()
    }

    /// The letters that it has.
    fn letters(&self) -> Vec<PathBuf> {
        let found = std::fs::read_dir(self.folder.path().join("mail/new"));
        found.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: not within half a minute");
        std::thread::yield_now();
    }
}

fn account(id: u64, to: &str) -> Letter {
    let content = Content::Account {
        name: "Grace Hopper".parse().unwrap(),
        organisation: "Hôpital Saint-Louis".parse().unwrap(),
        invitation: Secret::new("ab".repeat(32)),
        expires_at: UnixTime(1_796_025_600),
    };
    Letter { id: LetterId(id), to: to.parse().unwrap(), content }
}

fn meeting(id: u64, change: MeetingChange) -> Letter {
    let content = Content::Meeting(Box::new(Meeting {
        change,
        id: VmrId::from_random(7),
        revision: 2,
        number: "482913077".parse().unwrap(),
        title: "Réunion; tumeurs, salle 4".parse().unwrap(),
        starts_at: UnixTime(1_796_025_600),
        ends_at: UnixTime(1_796_029_200),
        zone: None,
        pin: false,
        organiser: ("Ada, Countess".parse().unwrap(), "ada@example.org".parse().unwrap()),
        people: vec!["grace@example.org".parse().unwrap()],
        rooms: vec![],
    }));
    Letter { id: LetterId(id), to: "grace@example.org".parse().unwrap(), content }
}

fn mailer(config: &Config) -> (Mailer, Fates, CancellationToken) {
    let stop = CancellationToken::new();
    let console = Some("https://cloud.example.org");
    let (mailer, fates) =
        Mailer::start(&config.mail, console, &TaskTracker::new(), stop.clone()).unwrap();
    (mailer.unwrap(), fates, stop)
}

/// What `python3` says of a letter.
fn read(letter: &Path, script: &str) -> String {
    let output = Command::new(PYTHON).arg("-c").arg(script).arg(letter).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

const PLAIN: &str = "
import email, email.policy, sys
m = email.message_from_file(open(sys.argv[1]), policy=email.policy.default)
print(m['subject'], '|', m['from'], '|', m['to'])
print(m.get_body(('plain',)).get_content())";

const CALENDAR: &str = "
import email, email.policy, icalendar, sys
m = email.message_from_file(open(sys.argv[1]), policy=email.policy.default)
part = [p for p in m.walk() if p.get_content_type() == 'text/calendar'][0]
calendar = icalendar.Calendar.from_ical(part.get_payload(decode=True))
event = calendar.walk('VEVENT')[0]
print('|'.join([part.get_param('method'), str(calendar['METHOD']), str(event['UID']), str(event['SEQUENCE']), str(event['SUMMARY']),
    event['DTSTART'].dt.isoformat(), event['DTEND'].dt.isoformat(), str(event['ORGANIZER']), event['ORGANIZER'].params['CN'],
    str(event['ATTENDEE']), str(event['STATUS'])]))";

#[tokio::test]
async fn letters_arrive_over_tls_and_what_does_not_is_told() {
    let server = MailServer::start(true);
    let ca = server.folder.path().join("ca.pem");
    let config = server.config(&format!("ca = {:?}\n", ca.display().to_string()));
    let (mailer, mut fates, _stop) = mailer(&config);
    assert_eq!(mailer.send(account(1, "grace@example.org")), None);
    assert_eq!(fates.recv().await, Some((LetterId(1), Fate::Sent)));
    let [letter] = &server.letters()[..] else { panic!("one letter") };
    let told = read(letter, PLAIN);
    assert!(told.contains("Conclave <conclave@example.org> | grace@example.org"), "{told}");
    assert!(
        told.contains(&format!("https://cloud.example.org/invitation#{}", "ab".repeat(32))),
        "{told}"
    );

    // Nobody is there: said at once, in the mail server's words.
    mailer.send(account(2, "nobody@example.org"));
    let Some((LetterId(2), Fate::Failed { why })) = fates.recv().await else { panic!() };
    assert!(why.0.contains("There is no such mailbox here"), "{}", why.0);
}

#[tokio::test]
async fn a_calendar_reads_what_a_meeting_is() {
    let server = MailServer::start(false);
    let (mailer, mut fates, _stop) = mailer(&server.config("security = \"local\"\n"));
    for (id, change, method, status) in [
        (1, MeetingChange::Called, "REQUEST", "CONFIRMED"),
        (2, MeetingChange::Off, "CANCEL", "CANCELLED"),
    ] {
        let before = server.letters();
        mailer.send(meeting(id, change));
        assert_eq!(fates.recv().await, Some((LetterId(id), Fate::Sent)));
        let letters = server.letters();
        let letter = letters.iter().find(|each| !before.contains(each)).unwrap();
        let told = read(letter, CALENDAR);
        let wanted = format!(
            "{method}|{method}|vmr-00000000000000000000000007@conclave|2|Réunion; tumeurs, salle 4|\
             2026-11-30T08:00:00+00:00|2026-11-30T09:00:00+00:00|mailto:ada@example.org|Ada, Countess|\
             mailto:grace@example.org|{status}"
        );
        assert_eq!(told, wanted);
    }
}

#[tokio::test]
async fn nothing_is_said_to_a_mail_server_without_tls_or_with_a_certificate_that_nobody_vouches_for()
 {
    let plain = MailServer::start(false);
    let (mailer_to_plain, mut fates, stop) = mailer(&plain.config(""));
    mailer_to_plain.send(account(1, "grace@example.org"));
    // It may be mended, so it is tried again: until then there is no fate.
    let secured = MailServer::start(true);
    let (mailer_to_unknown, mut others, other_stop) = mailer(&secured.config(""));
    mailer_to_unknown.send(account(1, "grace@example.org"));
    let waited = tokio::time::timeout(Duration::from_secs(2), async {
        tokio::select! {
            fate = fates.recv() => fate,
            fate = others.recv() => fate,
        }
    });
    assert!(waited.await.is_err(), "neither was sent nor given up");
    assert!(plain.letters().is_empty() && secured.letters().is_empty());
    stop.cancel();
    other_stop.cancel();
}

/// A cloud in a process of its own, ended with the test.
struct Cloud {
    process: Child,
    data: TempDir,
}

impl Cloud {
    fn start(lines: &str) -> Cloud {
        let data = tempfile::tempdir().unwrap();
        let config = data.path().join("cloud.toml");
        std::fs::write(&config, lines).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_conclave-cloud"))
            .args(["serve", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--config"])
            .arg(&config)
            .arg("--data")
            .arg(data.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cloud = Cloud { process, data };
        let run = cloud.data.path().join("run.json");
        until("the cloud runs", || run.exists().then_some(()));
        cloud
    }

    fn asked(&self, words: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave-cloud"));
        let output = command.args(words).arg("--data").arg(self.data.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn whoever_gets_an_account_gets_a_letter_and_its_fate_is_listed() {
    let server = MailServer::start(false);
    let cloud = Cloud::start(&format!(
        "[mail]\nserver = \"127.0.0.1:{}\"\nsecurity = \"local\"\nfrom = \"conclave@example.org\"\n",
        server.port
    ));
    let said = cloud.asked(&["person", "add", "grace@example.org", "--name", "Grace Hopper"]);
    assert!(said.contains("It is sent to them by e-mail, too."), "{said}");
    let link = said.lines().find(|line| line.contains("/invitation#")).unwrap();
    let letter = until("the letter arrives", || server.letters().pop());
    assert!(read(&letter, PLAIN).contains(link), "{said}");
    cloud.asked(&["person", "add", "nobody@example.org", "--name", "Nobody"]);
    until("both fates are known", || {
        let list = cloud.asked(&["person", "list"]);
        let of = |name: &str| list.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        let (grace, nobody) = (of("Grace")?, of("Nobody")?);
        (grace.contains(" sent ") && nobody.contains("There is no such mailbox here")).then_some(())
    });
}

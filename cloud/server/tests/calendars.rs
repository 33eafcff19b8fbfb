//! A real CalDAV server (Radicale), over TLS: calendars are read as a feed and by CalDAV, and what is wrong with one is told.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use conclave_cloud::calendars::reading::Reader;
use conclave_cloud::calendars::{
    Calendar, CalendarKind, CalendarTrouble, Errand, Found, Read, Window,
};
use conclave_cloud::config::OutgoingConfig;
use conclave_cloud::outgoing::{
    Answer, Bytes, HeaderMap, HeaderValue, Method, Outgoing, Request, StatusCode, header,
};
use conclave_types::{Redacted, RoomId, Secret, UnixTime};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Debian's, which has Debian's packages.
const PYTHON: &str = "/usr/bin/python3";

/// `salle-a`, with the password `pa55 é`.
const SIGNED: &str = "Basic c2FsbGUtYTpwYTU1IMOp";
const USER: &str = "salle-a";
const PASSWORD: &str = "pa55 é";

/// Monday, 30 November 2026, midnight in Paris.
const MONDAY: u64 = 1_795_993_200;

/// Ends with the test.
struct Server {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Server {
    fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(file("ca.pem"), made.cert.pem()).unwrap();
        std::fs::write(file("key.pem"), made.signing_key.serialize_pem()).unwrap();
        std::fs::write(file("users"), format!("{USER}:{PASSWORD}\n")).unwrap();
        // It cannot say which port it was given: one that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.path().display();
        let config = format!(
            "[server]\nhosts = 127.0.0.1:{port}\nssl = True\ncertificate = {path}/ca.pem\nkey = {path}/key.pem\n\
             [auth]\ntype = htpasswd\nhtpasswd_filename = {path}/users\nhtpasswd_encryption = plain\ndelay = 0\n\
             [storage]\nfilesystem_folder = {path}/kept\n[web]\ntype = none\n[logging]\nlevel = warning\n"
        );
        std::fs::write(file("config"), config).unwrap();
        let process = Command::new(PYTHON)
            .args(["-m", "radicale", "--config"])
            .arg(file("config"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server { process, folder, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "Radicale does not listen");
            std::thread::yield_now();
        }
        server
    }

    fn outgoing(&self) -> Outgoing {
        let roots = Some(self.folder.path().join("ca.pem"));
        Outgoing::new(
            &OutgoingConfig { loopback: true, roots, ..OutgoingConfig::default() },
            "outgoing.roots",
        )
        .unwrap()
    }

    fn address(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.port)
    }

    async fn asked(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(SIGNED));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/calendar"));
        let request = Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            to: self.address(path).parse().unwrap(),
            headers,
            body: Bytes::from(body.to_owned()),
            longest: 100_000,
            patience: Duration::from_secs(60),
        };
        self.outgoing().ask(request).await.unwrap()
    }

    async fn keeps(&self, name: &str, lines: &str) {
        let body = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:VEVENT\r\nUID:{name}\r\nDTSTAMP:20261101T000000Z\r\n\
             {}END:VEVENT\r\nEND:VCALENDAR\r\n",
            lines.replace('\n', "\r\n")
        );
        let answer = self.asked("PUT", &format!("{USER}/room/{name}.ics"), &body).await;
        assert!(answer.status.is_success(), "{}: {:?}", answer.status, answer.body);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads one calendar after the other.
struct Reading {
    reader: Reader,
    read: mpsc::Receiver<Read>,
    errands: u64,
}

impl Reading {
    fn of(server: &Server) -> Reading {
        let stop = CancellationToken::new();
        let (reader, read) =
            Reader::new(server.outgoing(), TaskTracker::new(), Handle::current(), stop);
        Reading { reader, read, errands: 0 }
    }

    async fn read(
        &mut self,
        calendar: Calendar,
        known: Option<conclave_cloud::calendars::Mark>,
    ) -> Result<Found, CalendarTrouble> {
        self.errands += 1;
        self.reader.read(Errand {
            room: RoomId::from_random(1),
            number: self.errands,
            calendar,
            known,
            zone: "Europe/Paris".parse().ok(),
            window: Window { from: UnixTime(MONDAY), until: UnixTime(MONDAY + 14 * 86_400) },
        });
        let read = self.read.recv().await.unwrap();
        assert_eq!(read.number, self.errands);
        read.outcome
    }
}

fn calendar(server: &Server, kind: CalendarKind, path: &str, password: &str) -> Calendar {
    Calendar {
        kind,
        address: server.address(path).parse().unwrap(),
        user: Some(Redacted(USER.to_owned())),
        password: Some(Secret::new(password.to_owned())),
    }
}

/// Seconds after Monday's beginning, and the titles.
fn times(found: &Found) -> Vec<(u64, String)> {
    let Found::All { taken, unread: 0, .. } = found else { panic!("{found:?}") };
    let title = |title: &Option<conclave_types::DisplayName>| {
        title.as_ref().map_or("-".to_owned(), ToString::to_string)
    };
    taken.iter().map(|each| (each.starts_at.0 - MONDAY, title(&each.title))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calendar_of_radicale_is_read_by_caldav_and_as_a_feed() {
    let server = Server::start();
    let made = server.asked("MKCALENDAR", &format!("{USER}/room/"), "").await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    server
        .keeps(
            "one",
            "DTSTART;TZID=Europe/Paris:20261130T090000\nDURATION:PT1H\nSUMMARY:Réunion & thé\n",
        )
        .await;
    server
        .keeps("series", "DTSTART:20200101T100000Z\nDURATION:PT30M\nRRULE:FREQ=WEEKLY;BYDAY=WE\nCLASS:PRIVATE\nSUMMARY:Pay\n")
        .await;
    server.keeps("past", "DTSTART:20251130T080000Z\nDURATION:PT1H\nSUMMARY:Past\n").await;
    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;
    let all = [
        (9 * HOUR, "Réunion & thé".to_owned()),
        (2 * DAY + 11 * HOUR, "-".to_owned()),
        (9 * DAY + 11 * HOUR, "-".to_owned()),
    ];
    let path = format!("{USER}/room/");
    let mut reading = Reading::of(&server);
    for kind in [CalendarKind::Caldav, CalendarKind::Feed] {
        let of_room = || calendar(&server, kind, &path, PASSWORD);
        let found = reading.read(of_room(), None).await.unwrap();
        assert_eq!(times(&found), all, "{kind:?}");
        let Found::All { mark: Some(mark), .. } = found else { panic!("no mark: {found:?}") };
        match (kind, reading.read(of_room(), Some(mark)).await.unwrap()) {
            (_, Found::Unchanged) => {}
            // Radicale hands a whole collection out again, whatever is known of it.
            (CalendarKind::Feed, found) => assert_eq!(times(&found), all),
            (kind, found) => panic!("{kind:?}: {found:?}"),
        }
    }

    // Somebody plans another meeting there.
    let of_room = || calendar(&server, CalendarKind::Caldav, &path, PASSWORD);
    let Found::All { mark, .. } = reading.read(of_room(), None).await.unwrap() else { panic!() };
    server.keeps("two", "DTSTART:20261201T080000Z\nDURATION:PT1H\nSUMMARY:Two\n").await;
    let found = reading.read(of_room(), mark).await.unwrap();
    assert_eq!(times(&found).len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_calendar_is_told() {
    let server = Server::start();
    let made = server.asked("MKCALENDAR", &format!("{USER}/room/"), "").await;
    assert_eq!(made.status, StatusCode::CREATED);
    let mut reading = Reading::of(&server);
    let path = format!("{USER}/room/");
    for kind in [CalendarKind::Feed, CalendarKind::Caldav] {
        let wrong = calendar(&server, kind, &path, "wrong");
        assert_eq!(reading.read(wrong, None).await, Err(CalendarTrouble::NotLetIn), "{kind:?}");
        let nobody = Calendar { user: None, ..calendar(&server, kind, &path, PASSWORD) };
        assert_eq!(reading.read(nobody, None).await, Err(CalendarTrouble::NotLetIn), "{kind:?}");
        let nowhere = calendar(&server, kind, &format!("{USER}/nowhere/"), PASSWORD);
        assert_eq!(reading.read(nowhere, None).await, Err(CalendarTrouble::Gone), "{kind:?}");
    }
    // Without the operator's word nothing on this machine is asked.
    let roots = Some(server.folder.path().join("ca.pem"));
    let outgoing =
        Outgoing::new(&OutgoingConfig { roots, ..OutgoingConfig::default() }, "outgoing.roots")
            .unwrap();
    let stop = CancellationToken::new();
    let (reader, read) = Reader::new(outgoing, TaskTracker::new(), Handle::current(), stop);
    let mut reading = Reading { reader, read, errands: 0 };
    let here = calendar(&server, CalendarKind::Feed, &path, PASSWORD);
    assert_eq!(reading.read(here, None).await, Err(CalendarTrouble::NotAllowed));
}

//! A real conclave-cloud and its console, over TLS, as a browser or a script meets it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "console/passkeys.rs"]
mod passkeys;

use common::{Answer, Browser, Cloud, PASSWORD, first_administrator, trusting};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn the_first_administrator_sets_the_cloud_up_and_signs_in_again_after_a_restart() {
    let mut cloud = Cloud::start();
    let token = cloud.token();
    let mut browser = cloud.browser();
    assert_eq!(browser.get("/me").error(), (401, "signed_out"));
    let weak = browser.post("/setup", first_administrator(&token, "password1"));
    assert_eq!(weak.error(), (400, "weak_password"));
    assert!(weak.body["message"].as_str().unwrap().contains("guessed too easily"));
    let wrong = browser.post("/setup", first_administrator(&"0".repeat(64), PASSWORD));
    assert_eq!(wrong.error(), (410, "link_is_over"));
    let done = browser.post("/setup", first_administrator(&token, PASSWORD));
    assert_eq!((done.status, &done.body["role"]), (201, &json!("administrator")));
    let again = browser.post("/setup", first_administrator(&token, PASSWORD));
    assert_eq!(again.error(), (410, "link_is_over"));
    assert_eq!(browser.get("/me").body["organisation"]["name"], "Hôpital Saint-Louis");
    assert_eq!(browser.ask("DELETE", "/session", None).status, 204);
    assert_eq!(browser.get("/me").error(), (401, "signed_out"));
    let session = browser.cookies.iter().find(|(name, _)| name == "__Host-session");
    assert_eq!(session, None);

    let mut process = std::mem::replace(
        &mut cloud.process,
        Command::new("true").stdout(Stdio::null()).spawn().unwrap(),
    );
    process.kill().unwrap();
    process.wait().unwrap();
    let data = std::mem::replace(&mut cloud.data, tempfile::tempdir().unwrap());
    drop(cloud);
    let cloud = Cloud::start_in(data);
    let mut browser = cloud.browser();
    assert_eq!(browser.sign_in("ada@example.org", "wrong").error(), (401, "wrong_password"));
    assert_eq!(browser.sign_in("ADA@example.org", PASSWORD).status, 200);
    let change = json!({ "old": PASSWORD, "new": "19 quiet volcanoes knit" });
    assert_eq!(browser.post("/me/password", change).status, 204);
    assert_eq!(cloud.browser().sign_in("ada@example.org", PASSWORD).error().0, 401);
    assert_eq!(browser.get("/me").status, 200, "this browser stays signed in");
}

#[test]
fn what_each_role_may_ask_for_is_so_for_every_address() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    assert_eq!(ada.post("/vmrs", json!({ "number": "4711", "name": "Board" })).status, 200);
    let meeting = json!({
        "title": "Board", "starts_at": 4_000_000_000_u64, "ends_at": 4_000_003_600_u64,
        "rooms": [], "people": ["x@example.com"], "lobby": true,
    });
    // Every route, with a body that is right; and whether a member may.
    let routes = [
        ("GET", "/vmrs", None, true),
        ("GET", "/me", None, true),
        ("POST", "/me/sign-out-elsewhere", None, true),
        ("GET", "/rooms?q=a&state=linked&needs=true&skip=1&most=2", None, false),
        ("GET", "/rooms", None, false),
        ("GET", "/rooms/X", None, false),
        ("POST", "/rooms", Some(json!({ "code": "7KQ2-9FXM", "name": "A" })), false),
        ("PATCH", "/rooms/X", Some(json!({ "name": "A" })), false),
        ("POST", "/rooms/X/revoke", None, false),
        ("POST", "/rooms/X/identify", None, false),
        ("POST", "/rooms/X/restart", None, false),
        ("DELETE", "/rooms/X", None, false),
        ("GET", "/rooms/X/updates", None, false),
        (
            "PUT",
            "/rooms/X/updates",
            Some(json!({ "channel": "early", "window": "02:00-05:00" })),
            false,
        ),
        ("POST", "/rooms/X/reset-code", None, false),
        ("POST", "/rooms/X/reset", None, false),
        ("DELETE", "/rooms/X/reset", None, false),
        ("GET", "/resets?most=5", None, false),
        ("GET", "/rooms?tag=north", None, false),
        ("GET", "/tags", None, false),
        ("GET", "/search?q=a", None, true),
        ("GET", "/awaited?q=a&skip=1&most=2", None, false),
        ("POST", "/awaited", Some(json!({ "list": "name,serial\nA,1\n" })), false),
        ("DELETE", "/awaited/X", None, false),
        ("POST", "/awaited/X/enrol", Some(json!({ "code": "7KQ2-9FXM" })), false),
        (
            "PUT",
            "/rooms/X/place",
            Some(json!({ "group": "G", "place": "3rd floor", "tags": ["north"] })),
            false,
        ),
        ("GET", "/rooms/X/settings", None, false),
        ("PUT", "/rooms/X/settings", Some(json!({ "settings": {}, "revision": 0 })), false),
        ("POST", "/groups", Some(json!({ "name": "G" })), false),
        ("GET", "/groups", None, false),
        ("PATCH", "/groups/G", Some(json!({ "name": "H" })), false),
        ("GET", "/groups/H/settings", None, false),
        ("PUT", "/groups/H/settings", Some(json!({ "settings": { "camera": "off" } })), false),
        ("DELETE", "/groups/H", None, false),
        ("GET", "/settings", None, false),
        ("PUT", "/settings", Some(json!({ "settings": { "language": "french" } })), false),
        ("POST", "/vmrs", Some(json!({ "number": "4712", "name": "B" })), false),
        ("PATCH", "/vmrs/4711", Some(json!({ "name": "C", "capacity": 9, "lobby": true })), false),
        ("PUT", "/vmrs/4711/pin", Some(json!({ "pin": "246810" })), false),
        ("DELETE", "/vmrs/4711/pin", None, false),
        ("PUT", "/vmrs/4711/moderators", Some(json!({ "people": [] })), false),
        ("DELETE", "/vmrs/4711", None, false),
        ("GET", "/meetings", None, true),
        ("POST", "/meetings/123456789/let-in", Some(json!({ "participants": [] })), true),
        ("POST", "/meetings/123456789/turn-away", Some(json!({})), true),
        ("POST", "/meetings/4711/end", None, false),
        ("GET", "/records", None, false),
        ("GET", "/records.csv", None, false),
        ("GET", "/usage?from=1&until=86400&ahead_s=-3600", None, false),
        ("GET", "/usage.csv?from=1&until=86400", None, false),
        ("GET", "/audit", None, false),
        ("GET", "/people", None, false),
        (
            "POST",
            "/people",
            Some(json!({ "email": "new@example.org", "name": "N", "role": "member" })),
            false,
        ),
        ("PATCH", "/people/x@example.org", Some(json!({ "suspended": true })), false),
        ("DELETE", "/people/x@example.org", None, false),
        ("POST", "/people/x@example.org/invitation", None, false),
        ("DELETE", "/people/x@example.org/second-factor", None, false),
        ("GET", "/entry", None, false),
        ("PUT", "/entry/two-factors", Some(json!({ "of": "whoever_wants" })), false),
        ("POST", "/entry/domains", Some(json!({ "domain": "example.net" })), false),
        ("DELETE", "/entry/domains/example.net", None, false),
        ("GET", "/me/passkeys", None, true),
        ("GET", "/appointments?q=a&past=true&skip=1&most=2", None, true),
        ("POST", "/appointments", Some(meeting.clone()), false),
        ("PUT", "/appointments/123456789", Some(meeting.clone()), false),
        ("DELETE", "/appointments/123456789", None, false),
        ("GET", "/bookable-rooms?q=a&from=1&until=2", None, false),
        ("GET", "/tokens", None, true),
        (
            "POST",
            "/tokens",
            Some(json!({ "name": "Nightly", "scopes": ["meeting-rooms:read"], "days": 7 })),
            true,
        ),
        ("DELETE", "/tokens/X", None, true),
    ];
    let mut max = ada.invite("max@example.org", "member");
    let mut stranger = max.cloud.browser();
    for (method, path, body, member_may) in &routes {
        let theirs = max.ask(method, path, body.clone());
        let refused = theirs.error() == (403, "not_allowed");
        assert_eq!(refused, !member_may, "{method} {path}: {}", theirs.body);
        let nobodys = stranger.ask(method, path, body.clone());
        assert_eq!(nobodys.error(), (401, "signed_out"), "{method} {path}");
    }
    for (method, path, body, _) in &routes {
        let hers = ada.ask(method, path, body.clone());
        let fits = matches!(hers.status, 200 | 204) || hers.error() == (409, "refused");
        assert!(fits, "{method} {path}: {} {}", hers.status, hers.body);
    }
}

#[test]
fn a_request_with_a_key_is_done_once_however_often_it_is_sent() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    let group = |name: &str| Some(json!({ "name": name }));
    let key = "Idempotency-Key: 8e03978e-40d5-43e8-bc93-6894a57f9324\r\n";
    let first = ada.ask_with("POST", "/groups", group("Ground floor"), key);
    let again = ada.ask_with("POST", "/groups", group("Ground floor"), key);
    assert_eq!((first.status, again.status), (200, 200), "{}", again.body);
    assert_eq!(first.body, again.body);
    assert!(again.head.contains("idempotency-replayed: true"), "{}", again.head);
    assert!(!first.head.contains("idempotency-replayed"), "{}", first.head);
    assert_eq!(ada.get("/groups").body["groups"].as_array().unwrap().len(), 1);
    let another = ada.ask_with("POST", "/groups", group("First floor"), key);
    assert_eq!(another.error(), (422, "key_of_another"));
    // Without a key it is done, or refused, each time.
    assert_eq!(ada.post("/groups", json!({ "name": "Ground floor" })).error(), (409, "refused"));
    let no_key = ada.ask_with("POST", "/groups", group("X"), "Idempotency-Key: \u{e9}\r\n");
    assert_eq!(no_key.error(), (400, "not_understood"));
    // Somebody else has keys of their own, and a stranger none.
    let theirs = ada.invite("max@example.org", "administrator").ask_with(
        "POST",
        "/groups",
        group("Second floor"),
        key,
    );
    assert_eq!(theirs.body["group"]["name"], "Second floor");
    let nobodys = ada.cloud.browser().ask_with("POST", "/groups", group("Third floor"), key);
    assert_eq!(nobodys.error(), (401, "signed_out"));
}

#[test]
fn the_description_of_the_api_is_there_for_everybody() {
    let cloud = Cloud::start();
    let answer = cloud.browser().get("/openapi.json");
    assert_eq!((answer.status, &answer.body["openapi"]), (200, &json!("3.1.0")));
    assert!(answer.body["paths"]["/rooms/{room}"]["get"].is_object());
}

#[test]
fn who_guesses_waits_and_learns_nothing() {
    let mut cloud = Cloud::start();
    cloud.set_up();
    let mut stranger = cloud.browser();
    let mut seen = Vec::new();
    for email in ["ada@example.org", "nobody@example.org"] {
        let answers: Vec<_> = (0..6).map(|_| stranger.sign_in(email, "wrong")).collect();
        assert!(answers[..5].iter().all(|answer| answer.error() == (401, "wrong_password")));
        assert_eq!(answers[5].error(), (429, "wait"));
        assert!(answers[5].head.contains("retry-after: "), "{}", answers[5].head);
        seen.push(answers[0].body.clone());
    }
    assert_eq!(seen[0], seen[1]);
    // Even with the right one, and the owner's own browser is let in.
    assert_eq!(stranger.sign_in("ada@example.org", PASSWORD).error(), (429, "wait"));
}

#[test]
fn a_browser_that_signed_in_before_is_not_kept_out_by_strangers() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    ada.ask("DELETE", "/session", None);
    let mut stranger = ada.cloud.browser();
    for _ in 0..9 {
        stranger.sign_in("ada@example.org", "wrong");
    }
    assert_eq!(stranger.sign_in("ada@example.org", PASSWORD).error(), (429, "wait"));
    assert_eq!(ada.sign_in("ada@example.org", PASSWORD).status, 200);
}

#[test]
fn what_is_no_request_of_ours_is_refused_in_words_and_harms_nothing() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    for (path, body, words) in [
        ("/vmrs", json!({ "number": "x", "name": "B" }), "3 to 12 digits"),
        ("/vmrs", json!({ "number": "4711", "name": "" }), "at least one character"),
        ("/vmrs", json!({ "number": "4711", "name": "B", "colour": "red" }), "colour"),
        ("/people", json!({ "email": "a b", "name": "B", "role": "member" }), "name@example.org"),
    ] {
        let answer = ada.post(path, body);
        assert_eq!(answer.error(), (400, "not_understood"));
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.contains(words) && !message.contains("line 1"), "{message}");
    }
    let king = ada.post("/people", json!({ "email": "a@b", "name": "B", "role": "king" }));
    assert_eq!(king.error(), (409, "refused"));
    // Scripts in names are names: what shows them has to escape them.
    let script = "<script>alert(1)</script>";
    assert_eq!(ada.post("/vmrs", json!({ "number": "4711", "name": script })).status, 200);
    assert_eq!(ada.get("/vmrs").body["vmrs"][0]["name"], script);
    assert_eq!(ada.get("/nothing").error(), (404, "not_found"));
    assert_eq!(ada.ask("PUT", "/me", None).error(), (404, "not_found"));
    assert_eq!(ada.get("/audit?most=x").error(), (400, "not_understood"));

    let cloud = ada.cloud;
    let foreign = "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                   Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    assert!(cloud.raw(foreign.as_bytes()).contains("cross_site"));
    let long = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Conclave: 1\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        1_000_000
    );
    let long = [long.as_bytes(), &vec![b'['; 1_000_000]].concat();
    assert!(!cloud.raw(&long).contains("HTTP/1.1 200"));
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    assert!(cloud.raw(head.as_bytes()).starts_with("HTTP/1.1 4"));
    for octets in [&b"\0\0\0\0"[..], b"GET\r\n\r\n", b"\r\n\r\n\r\n", &[0xff; 64]] {
        let answer = cloud.raw(octets);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let head = ada.get("/me").head;
    for header in ["strict-transport-security", "content-security-policy", "x-frame-options: DENY"]
    {
        assert!(head.contains(header), "{header}: {head}");
    }
}

#[test]
fn an_older_tls_is_not_spoken() {
    let cloud = Cloud::start();
    let old = trusting(&cloud.data.path().join("console.pem"), &rustls::version::TLS12);
    let session = ClientConnection::new(old, ServerName::from(cloud.console.ip())).unwrap();
    let mut stream = StreamOwned::new(session, TcpStream::connect(cloud.console).unwrap());
    let refused = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").and_then(|()| stream.flush());
    assert!(refused.is_err());
}

/// A line of server-sent events, as they come over HTTP/1.1.
struct Events<'a> {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    _cloud: &'a Cloud,
}

impl<'a> Browser<'a> {
    fn events(&self) -> Events<'a> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let name = ServerName::from(self.cloud.console.ip());
        let session = ClientConnection::new(self.cloud.tls.clone(), name).unwrap();
        let socket = TcpStream::connect(self.cloud.console).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        let cookies = cookies.join("; ");
        let request =
            format!("GET /api/v1/live HTTP/1.1\r\nHost: console\r\nCookie: {cookies}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut events = Events { stream: BufReader::new(stream), _cloud: self.cloud };
        let head = events.until("\r\n");
        assert!(head.contains("200 OK") && head.contains("text/event-stream"), "{head}");
        events
    }
}

impl Events<'_> {
    /// Everything up to a line that is this, or to the end.
    fn until(&mut self, line: &str) -> String {
        let mut text = String::new();
        loop {
            let begun = text.len();
            if self.stream.read_line(&mut text).unwrap_or(0) == 0 || &text[begun..] == line {
                return text;
            }
        }
    }

    /// The topics of the next event; `None` when there is none any more.
    fn next(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            if let Some(topics) = line.strip_prefix("data: ") {
                return Some(topics.trim_end().to_owned());
            }
        }
    }
}

#[test]
fn a_browser_hears_what_changes_as_far_as_it_may_see_it_and_until_it_is_signed_out() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    let max = ada.invite("max@example.org", "member");
    let (mut hers, mut his) = (ada.events(), max.events());
    ada.post("/people", json!({ "email": "x@example.org", "name": "X", "role": "member" }));
    ada.post("/vmrs", json!({ "number": "4711", "name": "Board" }));
    assert_eq!(hers.next().as_deref(), Some("people audit"));
    assert_eq!(hers.next().as_deref(), Some("vmrs audit"));
    assert_eq!(his.next().as_deref(), Some("vmrs"), "of people and the audit log he hears nothing");
    let id = ada.get("/people?q=max").body["people"][0]["person"].as_str().unwrap().to_owned();
    ada.ask("PATCH", &format!("/people/{id}"), Some(json!({ "suspended": true })));
    assert_eq!(his.next(), None, "it ends with his session");
    assert_eq!(hers.next().as_deref(), Some("people audit"));
    assert_eq!(cloud.browser().get("/live").error(), (401, "signed_out"));
}

#[test]
fn the_pages_are_at_every_address_but_those_of_the_api_and_allow_nothing_from_elsewhere() {
    let cloud = Cloud::start();
    let get = |path: &str| {
        let text = cloud.raw(
            format!("GET {path} HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n").as_bytes(),
        );
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    };
    let (_, start) = get("/");
    for path in ["/", "/rooms", "/setup", "/rooms/room-x", "/..%2f..%2fetc/passwd"] {
        let (head, body) = get(path);
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        assert!(
            head.contains("content-security-policy: default-src 'none'; script-src 'self'"),
            "{head}"
        );
        assert!(head.contains("cache-control: no-store") && head.contains("nosniff"), "{head}");
        assert_eq!(body, start, "{path}");
    }
    for path in ["/api/v1/nothing", "/api/", "/api/v2/rooms"] {
        assert!(get(path).0.starts_with("HTTP/1.1 404"), "{path}");
    }
    let post = cloud.raw(
        b"POST /rooms HTTP/1.1\r\nHost: console\r\nX-Conclave: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
    assert!(post.starts_with("HTTP/1.1 404"), "{post}");
}

/// The code that an app shows in so many seconds.
fn code(secret: &str, later: u32) -> String {
    let now = format!("--now=+{later} seconds");
    let output = Command::new("oathtool").args(["--totp", "--base32", &now, secret]).output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
}

#[test]
fn an_app_shows_a_code_that_signing_in_wants_besides_the_password() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    let wrong = ada.post("/me/second-factor", json!({ "password": "wrong" }));
    assert_eq!(wrong.error(), (401, "wrong_password"));
    let begun = ada.post("/me/second-factor", json!({ "password": PASSWORD }));
    let secret = begun.body["secret"].as_str().unwrap().to_owned();
    let uri = format!("otpauth://totp/Conclave:ada%40example.org?secret={secret}&issuer=Conclave");
    assert_eq!(begun.body["uri"], uri);
    assert_eq!(
        ada.post("/me/second-factor/confirm", json!({ "code": "1" })).error(),
        (401, "wrong_code")
    );
    assert_eq!(ada.get("/me").body["second_factor"], false);
    let confirmed = ada.post("/me/second-factor/confirm", json!({ "code": code(&secret, 0) }));
    let recovery = confirmed.body["recovery"].as_array().unwrap().clone();
    assert_eq!((confirmed.status, recovery.len()), (200, 8));
    assert_eq!(ada.get("/me").body["second_factor"], true);

    let mut other = ada.cloud.browser();
    let with = |code: Option<&str>| json!({ "email": "ada@example.org", "password": PASSWORD, "code": code });
    assert_eq!(other.post("/session", with(None)).error(), (401, "code_needed"));
    assert_eq!(other.post("/session", with(Some("12 34"))).error(), (401, "wrong_code"));
    let log = ada.get("/audit?most=3").body["rows"].to_string();
    assert!(log.contains("session.refused"), "a wrong code stands in the log: {log}");
    // The next code: the one before was taken.
    let next = code(&secret, 30);
    assert_eq!(other.post("/session", with(Some(&next))).status, 200);
    assert_eq!(
        ada.cloud.browser().post("/session", with(Some(&next))).error(),
        (401, "wrong_code")
    );
    // Nothing in the database gives the secret away.
    let database = std::fs::read(ada.cloud.data.path().join("cloud.db")).unwrap();
    let list = std::fs::read_dir(ada.cloud.data.path()).unwrap();
    let mut octets = database;
    for entry in list {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with("vault.key") {
            octets.extend(std::fs::read(path).unwrap());
        }
    }
    assert!(!octets.windows(secret.len()).any(|window| window == secret.as_bytes()));
    // The app is gone: a recovery code lets in once, and takes the factor away.
    let lost = recovery[0].as_str().unwrap();
    let mut third = ada.cloud.browser();
    assert_eq!(third.post("/session", with(Some(lost))).status, 200);
    assert_eq!(ada.cloud.browser().post("/session", with(Some(lost))).error(), (401, "wrong_code"));
    let off = third.ask("DELETE", "/me/second-factor", Some(json!({ "password": PASSWORD })));
    assert_eq!(off.status, 204);
    assert_eq!(ada.cloud.browser().post("/session", with(None)).status, 200);
}

#[test]
fn a_script_asks_with_a_token_and_no_cookie() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    let made =
        ada.post("/tokens", json!({ "name": "Nightly", "scopes": ["rooms:read"], "days": 7 }));
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    let ask = |line: &str, header: &str| {
        let request =
            format!("{line} HTTP/1.1\r\nHost: console\r\nConnection: close\r\n{header}\r\n\r\n");
        ada.cloud.raw(request.as_bytes()).split(' ').nth(1).unwrap().to_owned()
    };
    let bearer = format!("Authorization: Bearer {secret}");
    assert_eq!(ask("GET /api/v1/rooms", &bearer), "200");
    assert_eq!(ask("GET /api/v1/vmrs", &bearer), "403");
    // No header of ours is wanted, since no browser sends this one by itself.
    assert_eq!(ask("POST /api/v1/rooms/X/identify", &bearer), "403", "its scope");
    assert_eq!(ask("GET /api/v1/me", &bearer), "401", "an account is beyond every token");
    assert_eq!(ask("GET /api/v1/live", &bearer), "401");
    let session = &ada.cookies.iter().find(|(name, _)| name == "__Host-session").unwrap().1;
    let both =
        format!("Authorization: Bearer {}\r\nCookie: __Host-session={session}", "0".repeat(64));
    assert_eq!(
        ask("GET /api/v1/rooms", &both),
        "401",
        "a token that is none is not helped by a cookie"
    );
    let forged = format!("Authorization: Basic eA==\r\nCookie: __Host-session={session}");
    assert_eq!(ask("POST /api/v1/rooms/X/identify", &forged), "401");
}

#[test]
fn reports_come_as_files_and_what_cannot_be_looked_at_is_said() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    let file = ada.get("/usage.csv?from=1&until=86400");
    assert_eq!(file.status, 200);
    for line in [
        "content-type: text/csv; charset=utf-8; header=present",
        "content-disposition: attachment; filename=\"conclave-use.csv\"",
        "x-content-type-options: nosniff",
    ] {
        assert!(file.head.contains(line), "{}", file.head);
    }
    assert!(ada.get("/records.csv").head.contains("conclave-calls.csv"));
    for path in [
        "/usage?from=2&until=1",
        "/usage?from=1&until=99999999",
        "/usage?from=1&until=2&ahead_s=-2147483648",
    ] {
        let refused = ada.get(path);
        assert_eq!((refused.error(), &refused.body["code"]), ((409, "refused"), &json!("span")));
    }
    assert_eq!(ada.get("/usage?from=x&until=2").error(), (400, "not_understood"));
}

#[test]
fn a_list_of_devices_is_looked_at_before_anything_is_done_and_a_million_lines_are_none() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    let list = "name;serial;tags\n<b>Ada</b>;S1;nord\n;S2;\n";
    let looked = ada.post("/awaited", json!({ "list": list }));
    assert_eq!(
        (looked.status, &looked.body["right"], &looked.body["wrong"]),
        (200, &json!(1), &json!(1))
    );
    assert_eq!(looked.body["lines"][0]["wrong"], json!(["name"]));
    assert_eq!(ada.get("/awaited").body["total"], 0);
    let kept = ada.post("/awaited", json!({ "list": list, "keep": "right" }));
    assert_eq!(kept.body["kept"], 1, "{}", kept.body);
    let awaited = ada.get("/awaited").body["devices"][0].clone();
    assert_eq!((&awaited["name"], &awaited["serial"]), (&json!("<b>Ada</b>"), &json!("S1")));
    let room = awaited["room"].as_str().unwrap();
    assert_eq!(ada.ask("DELETE", &format!("/awaited/{room}"), None).status, 200);
    let columns = ada.post("/awaited", json!({ "list": "a,b\n1,2\n" }));
    assert_eq!(
        (columns.error(), &columns.body["code"]),
        ((409, "refused"), &json!("list_columns"))
    );
    let million = ada.post("/awaited", json!({ "list": "a,b\n".repeat(1_000_000) }));
    assert_eq!(million.error(), (413, "list_too_long"));
    assert!(million.body["message"].as_str().unwrap().contains("10000 lines"), "{}", million.body);
    let long = ada.post("/awaited", json!({ "list": "x".repeat(3 << 20) }));
    assert_eq!((long.error(), &long.body["code"]), ((409, "refused"), &json!("list_too_long")));
}

#[test]
fn a_search_finds_of_each_kind_what_whoever_searches_may_see() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    ada.post("/vmrs", json!({ "number": "4711", "name": "Maximal" }));
    ada.post("/vmrs", json!({ "name": "Max alone", "hidden": true }));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (from, until) = (now.as_secs() + 3_600, now.as_secs() + 7_200);
    let meeting = json!({ "title": "Max and Ada", "starts_at": from, "ends_at": until });
    assert_eq!(ada.post("/appointments", meeting).status, 200);
    let mut max = ada.invite("max@example.org", "administrator");
    let mut eve = ada.invite("eve@example.org", "member");
    let count = |browser: &mut Browser<'_>, q: &str| {
        let found = browser.get(&format!("/search?q={q}")).body;
        ["rooms", "vmrs", "people", "appointments"]
            .map(|kind| found[kind].as_array().unwrap().len())
    };
    // Everybody who is invited is called Max.
    assert_eq!(count(&mut ada, "MAX"), [0, 2, 2, 1], "her own hidden one and her own meeting");
    assert_eq!(count(&mut max, "max"), [0, 1, 2, 0]);
    assert_eq!(count(&mut eve, "max"), [0, 1, 0, 0], "a member sees no people");
    assert_eq!(count(&mut ada, "%20"), [0, 0, 0, 0], "nothing finds nothing");
}

#[test]
fn two_people_who_change_the_same_person_or_meeting_room_do_not_overwrite_each_other() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    let mut max = ada.invite("max@example.org", "administrator");
    ada.post("/vmrs", json!({ "number": "4711", "name": "Board" }));
    let seen = max.get("/vmrs").body["vmrs"][0]["mark"].as_str().unwrap().to_owned();
    let places = |capacity: u32| Some(json!({ "capacity": capacity }));
    assert_eq!(ada.ask_seeing(&seen, "PATCH", "/vmrs/4711", places(30)).status, 200);
    let second = max.ask_seeing(&seen, "PATCH", "/vmrs/4711", places(40));
    assert_eq!(
        (second.error(), &second.body["code"]),
        ((409, "refused"), &json!("changed_meanwhile"))
    );
    assert_eq!(max.get("/vmrs").body["vmrs"][0]["capacity"], 30, "nothing is lost");
    let who = "/people/max@example.org";
    let people = ada.get("/people?q=max").body;
    let seen = people["people"][0]["mark"].as_str().unwrap().to_owned();
    let role = |role: &str| Some(json!({ "role": role }));
    assert_eq!(ada.ask_seeing(&seen, "PATCH", who, role("organiser")).status, 200);
    let second = ada.ask_seeing(&seen, "PATCH", who, role("member"));
    assert_eq!(second.body["code"], "changed_meanwhile");
    assert_eq!(
        ada.ask_seeing("nothing", "PATCH", who, role("member")).body["code"],
        "changed_meanwhile"
    );
    // A mark gives nobody a right that they have not got.
    assert_eq!(
        max.ask_seeing(&seen, "PATCH", who, role("administrator")).error(),
        (403, "not_allowed")
    );
}

#[test]
fn who_has_no_second_factor_sets_one_up_before_anything_else_and_whoever_has_one_keeps_it() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    let mut max = ada.invite("max@example.org", "member");
    let made =
        max.post("/tokens", json!({ "name": "Door", "scopes": ["meeting-rooms:read"], "days": 7 }));
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    let everybody = ada.ask("PUT", "/entry/two-factors", Some(json!({ "of": "everybody" })));
    assert_eq!(everybody.body["entry"]["two_factors"], "everybody");
    let king = ada.ask("PUT", "/entry/two-factors", Some(json!({ "of": "kings" })));
    assert_eq!(king.error().0, 403, "she is led there first, as everybody is");
    for browser in [&mut ada, &mut max] {
        let me = browser.get("/me").body;
        assert_eq!((&me["first"], &me["two_factors_wanted"]), (&json!("set_up"), &json!(true)));
        for path in ["/vmrs", "/tokens", "/live", "/appointments"] {
            assert_eq!(browser.get(path).error(), (403, "second_factor_wanted"), "{path}");
        }
        let change = json!({ "old": PASSWORD, "new": "19 quiet volcanoes knit" });
        assert_eq!(browser.post("/me/password", change).error(), (403, "second_factor_wanted"));
    }
    let request = format!(
        "GET /api/v1/vmrs HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\
         Authorization: Bearer {secret}\r\n\r\n"
    );
    let token = max.cloud.raw(request.as_bytes());
    assert!(token.starts_with("HTTP/1.1 200"), "a script's token goes on: {token}");

    let begun = ada.post("/me/second-factor", json!({ "password": PASSWORD }));
    let app = begun.body["secret"].as_str().unwrap().to_owned();
    let confirmed = ada.post("/me/second-factor/confirm", json!({ "code": code(&app, 0) }));
    assert_eq!(confirmed.status, 200);
    assert_eq!(ada.get("/me").body["first"], Value::Null);
    assert_eq!(ada.get("/vmrs").status, 200);
    let off = ada.ask("DELETE", "/me/second-factor", Some(json!({ "password": PASSWORD })));
    assert_eq!((off.error(), &off.body["code"]), ((409, "refused"), &json!("no_factor_left")));
    let wanted = ada.ask("PUT", "/entry/two-factors", Some(json!({ "of": "administrators" })));
    assert_eq!(wanted.status, 200);
    assert_eq!(max.get("/vmrs").status, 200, "it is not wanted of a member any more");
}

#[test]
fn a_console_that_is_reached_by_an_address_has_no_passkeys_and_lets_nobody_sign_up_without_mail() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    let door = ada.cloud.browser().get("/door");
    assert_eq!(door.body, json!({ "sign_up": false, "passkeys": null }));
    let begun = ada.post("/me/passkeys/begin", json!({ "password": PASSWORD }));
    assert_eq!((begun.error(), &begun.body["code"]), ((409, "refused"), &json!("no_name")));
    let allowed = ada.post("/entry/domains", json!({ "domain": "@Example.ORG" }));
    let entry =
        json!({ "two_factors": "whoever_wants", "domains": ["example.org"], "mail": false });
    assert_eq!(allowed.body["entry"], entry);
    for (domain, code) in
        [("gmail.com", "free_mail"), ("example", "domain"), ("example.org", "domain_taken")]
    {
        let refused = ada.post("/entry/domains", json!({ "domain": domain }));
        assert_eq!(refused.body["code"], code, "{domain}");
    }
    assert_eq!(ada.cloud.browser().get("/door").body["sign_up"], false, "no letters, no links");
    let asked = ada.cloud.browser().post("/sign-up", json!({ "email": "max@example.org" }));
    assert_eq!(asked.status, 204, "and nobody is told");
    let token = json!({ "token": "0".repeat(64) });
    assert_eq!(ada.cloud.browser().post("/sign-up/look", token).error(), (410, "link_is_over"));
}

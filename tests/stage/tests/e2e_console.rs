//! A first day, in a real browser: the set-up link, two rooms enrolled by their panels' codes, people, a meeting room, a
//! call that shows while it is on, and what is kept of it. Each page is looked at by axe, light, dark, and on a telephone.

use anyhow::{Context, Result, ensure};
use conclave_panel_api::{Language, Look, Screen};
use conclave_stage::{
    Browser, Cloud, Meeting, NAME, NUMBER, PIN, Room, Stage, Window, in_own_network, scene,
    until_idle, wait_for,
};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[path = "e2e_console/entry.rs"]
mod entry;

const PASSWORD: &str = "7 purple tractors sing";

/// What the cloud printed for whoever started it.
fn set_up_link(stage: &Stage) -> Result<String> {
    wait_for("the cloud prints the set-up link", Duration::from_secs(10), || {
        let log = std::fs::read_to_string(stage.folder().join("cloud.log"))?;
        let link =
            log.lines().find(|line| line.starts_with("https://") && line.contains("/setup#"));
        Ok(link.map(str::to_owned))
    })
}

fn set_up(stage: &Stage, ada: &mut Window<'_>) -> Result<String> {
    let link = set_up_link(stage)?;
    ada.open(&link)?;
    ada.fill("Name of your organisation", "Hôpital Saint-Louis")?;
    ada.fill("Your name", "Ada Lovelace")?;
    ada.fill("Your e-mail address", "ada@example.org")?;
    // A password that others would think of is refused on the spot, and nothing typed is lost.
    ada.fill("Password", "password1")?;
    ada.press("button", "Make the organisation")?;
    ada.see("alert", "")?;
    ada.look("set-up")?;
    ada.fill("Password", PASSWORD)?;
    ada.press("button", "Make the organisation")?;
    ada.see("heading", "Rooms")?;
    ada.see("heading", "No room yet")?;
    ada.look("rooms-none")?;
    Ok(link)
}

fn enrol(ada: &mut Window<'_>, code: &str, name: &str) -> Result<()> {
    ada.press("button", "Add a room")?;
    ada.fill("Code on the panel", &code.to_lowercase())?;
    ada.fill("Name", name)?;
    ada.press("button", "Add the room")?;
    ada.miss("dialog", "Add a room")
}

/// A code that no panel shows is said in the form, which keeps what was typed.
fn enrol_wrongly(ada: &mut Window<'_>) -> Result<()> {
    ada.press("button", "Add a room")?;
    ada.fill("Code on the panel", "AAAA-AAAA")?;
    ada.fill("Name", "Nowhere")?;
    ada.press("button", "Add the room")?;
    ada.see_text("No panel shows this code. Compare it with the panel, letter by letter.")?;
    ensure!(ada.read("Name")? == "Nowhere", "what was typed is gone");
    ada.look("rooms-wrong-code")?;
    ada.key("Escape")?;
    ada.miss("dialog", "Add a room")
}

/// A room's row: its name and what it is.
fn shows(ada: &mut Window<'_>, name: &str, state: &str) -> Result<()> {
    wait_for(&format!("{name} is shown as {state}"), Duration::from_secs(20), || {
        let (status, text) = ada.ask("GET", "/rooms", Value::Null)?;
        ensure!(status == 200, "{text}");
        let rooms: Value = serde_json::from_str(&text)?;
        let rooms = rooms["rooms"].as_array().context("no rooms")?;
        let is = |room: &&Value| room["name"] == name && room["state"] == state;
        Ok(rooms.iter().find(is).map(|_| ()))
    })
}

fn invite(browser: &mut Browser) -> Result<()> {
    let mut ada = browser.of("ada");
    ada.press("link", "People")?;
    ada.press("button", "Invite somebody")?;
    ada.fill("Name", "Grace Hopper <script>alert(1)</script>")?;
    ada.fill("E-mail address", "grace@example.org")?;
    ada.press("button", "Make the link")?;
    let title = "A link for Grace Hopper <script>alert(1)</script>";
    ada.see("heading", title)?;
    let link = ada.read("Link")?;
    ada.look("people-link")?;
    ada.press("button", "Close")?;
    ada.see("cell", "Invited")?;

    let mut grace = browser.of("grace");
    grace.open(&link)?;
    grace.see("heading", "Welcome to Hôpital Saint-Louis")?;
    grace.fill("Password", "9 green gardens hum")?;
    grace.look("invitation")?;
    grace.press("button", "Set the password")?;
    // A member sees their meetings, those that they may let others into, and the meeting rooms; nothing else, here and by
    // the API.
    grace.see("heading", "Schedule")?;
    grace.miss("link", "People")?;
    for path in ["/rooms", "/people", "/records", "/audit"] {
        let (status, text) = grace.ask("GET", path, Value::Null)?;
        ensure!(status == 403, "{path}: {status} {text}");
    }
    let (status, text) = grace.ask("GET", "/meetings", Value::Null)?;
    ensure!(status == 200 && text.contains("\"meetings\":[]"), "{status} {text}");
    // The link worked once.
    let token = link.rsplit('#').next().unwrap_or_default();
    let (status, _) = grace.ask("POST", "/invitation/look", json!({ "token": token }))?;
    ensure!(status == 410, "a used link is answered with {status}");

    let mut ada = browser.of("ada");
    ada.miss("cell", "Invited")?;
    ada.look("people")
}

fn meeting_room(browser: &mut Browser) -> Result<()> {
    let mut ada = browser.of("ada");
    ada.press("link", "Meeting rooms")?;
    ada.see("heading", "No meeting room yet")?;
    ada.press("button", "New meeting room")?;
    ada.fill("Name", NAME)?;
    ada.fill("Number (optional)", NUMBER)?;
    ada.fill("PIN (optional)", PIN)?;
    ada.look("meeting-rooms-new")?;
    ada.press("button", "Make it")?;
    ada.see("rowheader", NAME)?;
    // The other browser is told, and shows it too; a member cannot change it.
    let mut grace = browser.of("grace");
    grace.press("link", "Meeting rooms")?;
    grace.see("rowheader", NAME)?;
    grace.miss("button", &format!("What to do with {NAME}"))?;
    let (status, _) = grace.ask("DELETE", &format!("/vmrs/{NUMBER}"), Value::Null)?;
    ensure!(status == 403, "a member removed a meeting room: {status}");
    // It gets more places, and the other browser sees that too.
    let mut ada = browser.of("ada");
    ada.press("button", &format!("What to do with {NAME}"))?;
    ada.press("menuitem", "Change name, places or lobby")?;
    ada.fill("Places", "30")?;
    ada.press("button", "Save")?;
    ada.miss("dialog", &format!("Change {NAME}"))?;
    browser.of("grace").see("cell", "30")?;
    // The number is taken now.
    let mut ada = browser.of("ada");
    ada.press("button", "New meeting room")?;
    ada.fill("Name", "Another")?;
    ada.fill("Number (optional)", NUMBER)?;
    ada.press("button", "Make it")?;
    ada.see_text("Another meeting room has this number. Choose another one.")?;
    ada.press("button", "Cancel")?;
    ada.miss("dialog", "New meeting room")?;
    hidden(browser)?;
    browser.of("ada").look("meeting-rooms")
}

/// One that another administrator finds by no call of the API.
fn hidden(browser: &mut Browser) -> Result<()> {
    const TITLE: &str = "The merger";
    let mut ada = browser.of("ada");
    ada.press("button", "New meeting room")?;
    ada.fill("Name", TITLE)?;
    ada.press("checkbox", "Hidden")?;
    ada.press("checkbox", "For one meeting")?;
    ada.look("meeting-rooms-hidden")?;
    ada.press("button", "Make it")?;
    ada.see("rowheader", &format!("{TITLE} Hidden For one meeting"))?;
    let (_, text) = ada.ask("GET", "/vmrs?q=merger", Value::Null)?;
    let found: Value = serde_json::from_str(&text)?;
    let number = found["vmrs"][0]["number"].as_str().context("no number")?.to_owned();

    // Grace is an administrator now, and is told so.
    let (_, people) = ada.ask("GET", "/people?q=grace", Value::Null)?;
    let people: Value = serde_json::from_str(&people)?;
    let id = people["people"][0]["person"].as_str().context("no person")?.to_owned();
    let (status, text) =
        ada.ask("PATCH", &format!("/people/{id}"), json!({ "role": "administrator" }))?;
    ensure!(status == 200, "{text}");
    let mut grace = browser.of("grace");
    let reads =
        ["/vmrs", "/vmrs?q=merger", "/meetings", "/records", "/rooms", "/audit", "/people", "/me"];
    let mut told = String::new();
    for path in reads.into_iter().map(str::to_owned).chain([format!("/vmrs?q={number}")]) {
        let (status, text) = grace.ask("GET", &path, Value::Null)?;
        ensure!(status == 200, "{path}: {status} {text}");
        told += &text;
    }
    // What changes it is answered as for a number that is not there.
    for there in [number.as_str(), "987654321"] {
        let vmr = format!("/vmrs/{there}");
        let mut answers = Vec::new();
        answers.push(grace.ask("DELETE", &vmr, Value::Null)?);
        answers.push(grace.ask("PUT", &format!("{vmr}/pin"), json!({ "pin": "135790" }))?);
        answers.push(grace.ask("DELETE", &format!("{vmr}/pin"), Value::Null)?);
        answers.push(grace.ask("PUT", &format!("{vmr}/moderators"), json!({ "people": [] }))?);
        answers.push(grace.ask("POST", &format!("/meetings/{there}/end"), Value::Null)?);
        answers.push(grace.ask("POST", &format!("/meetings/{there}/let-in"), json!({}))?);
        let create = json!({ "number": there, "name": "Mine" });
        answers.push(grace.ask("POST", "/vmrs", create)?);
        for (status, text) in answers {
            ensure!(status == 409, "{status} {text}");
            let code = text.contains("\"gone\"") || text.contains("\"number_given\"");
            ensure!(code, "{text}");
        }
    }
    ensure!(!told.contains(TITLE) && !told.contains(&number), "{told}");
    let mut ada = browser.of("ada");
    let (status, text) = ada.ask("PATCH", &format!("/people/{id}"), json!({ "role": "member" }))?;
    ensure!(status == 200, "{text}");
    Ok(())
}

/// The day in the browser's zone.
fn today() -> Result<String> {
    let date = Command::new("date").arg("+%F").env("TZ", "Europe/Paris").output()?;
    Ok(String::from_utf8(date.stdout)?.trim().to_owned())
}

/// A meeting is scheduled; both panels list it, and a tap on each is all that it takes.
fn schedule(browser: &mut Browser, pictures: &Path, a: &mut Room, b: &mut Room) -> Result<()> {
    const TITLE: &str = "Tumour board";
    const SOON: Duration = Duration::from_secs(10);
    let mut ada = browser.of("ada");
    ada.press("link", "Schedule")?;
    ada.see("heading", "No meeting ahead")?;
    ada.press("button", "Schedule a meeting")?;
    ada.fill("Title", TITLE)?;
    ada.fill("Day", &today()?)?;
    // Nearly a whole day, whatever the hour is now: shorter than the longest on the day when clocks are set back, too.
    ada.fill("From", "04:00")?;
    ada.fill("Until", "02:30")?;
    ada.press("button", "Room Ada")?;
    ada.press("button", "Salle Voltaire Bâtiment A, 2e")?;
    ada.fill("PIN (optional)", "135790")?;
    ada.fill("People (optional)", "grace@example.org, consultant@example.com")?;
    ada.look("schedule-new")?;
    ada.fill("People (optional)", "grace@example.org, nobody")?;
    ada.press("button", "Schedule it")?;
    ada.see_text("One of these is no e-mail address. Put commas between them.")?;
    ada.fill("People (optional)", "grace@example.org, consultant@example.com")?;
    ada.press("button", "Schedule it")?;
    ada.see("heading", &format!("{TITLE} is scheduled"))?;
    ada.look("schedule-made")?;
    ada.press("button", "Close")?;
    ada.miss("dialog", &format!("{TITLE} is scheduled"))?;
    let (_, text) = ada.ask("GET", "/appointments", Value::Null)?;
    let list: Value = serde_json::from_str(&text)?;
    let number = list["appointments"][0]["number"].as_str().context("no number")?.to_owned();
    ensure!(number.len() == 9, "{number}");

    // Whoever is invited finds it; whoever is not does not, and nobody guesses it.
    let mut grace = browser.of("grace");
    grace.press("link", "Schedule")?;
    grace.see_text(TITLE)?;
    grace.see_text("Called by Ada Lovelace")?;
    grace.miss("button", "Schedule a meeting")?;
    let (status, _) = grace.ask("DELETE", &format!("/appointments/{number}"), Value::Null)?;
    ensure!(status == 403, "a member called a meeting off: {status}");
    grace.press("link", "Meeting rooms")?;

    for room in [&mut *a, &mut *b] {
        room.until("the meeting on its panel", SOON, |panel| match &panel.screen {
            Screen::Idle { meetings, .. } => meetings
                .iter()
                .any(|each| each.title.as_ref().is_some_and(|title| title.as_str() == TITLE))
                .then_some(()),
            _ => None,
        })?;
        room.panel_picture(&pictures.join("panel-today.png"))?;
        room.press(&format!("choose-{number}"))?;
        room.until("the meeting", 2 * SOON, |panel| match &panel.screen {
            Screen::InCall(call) => (call.name.as_str() == TITLE).then_some(()),
            _ => None,
        })?;
    }
    let mut ada = browser.of("ada");
    ada.see_text("Going on")?;
    ada.look("schedule")?;
    // It is made shorter while people meet, and then called off: they leave the call, and the panels do not list it.
    ada.press("button", &format!("What to do with {TITLE}"))?;
    ada.press("menuitem", "Change")?;
    ada.fill("Title", "Tumour board, short")?;
    ada.press("button", "Save")?;
    ada.miss("dialog", &format!("Change {TITLE}"))?;
    ada.press("button", "What to do with Tumour board, short")?;
    ada.press("menuitem", "Call it off")?;
    ada.see("alertdialog", "Call Tumour board, short off?")?;
    ada.press("button", "Call it off")?;
    ada.see("heading", "No meeting ahead")?;
    for room in [a, b] {
        until_idle(room)?;
        room.until("no meeting on its panel", SOON, |panel| match &panel.screen {
            Screen::Idle { meetings, .. } => meetings.is_empty().then_some(()),
            _ => None,
        })?;
    }
    Ok(())
}

/// All rooms are set, then those of a group, then one; each room does it, and what came of it shows.
fn settings(stage: &Stage, ada: &mut Window<'_>, a: &mut Room, b: &mut Room) -> Result<()> {
    const SOON: Duration = Duration::from_secs(10);
    ada.press("link", "Settings")?;
    ada.see("heading", "All rooms")?;
    ada.choose("Language", "French")?;
    ada.fill("Time zone", "Mars/Olympus")?;
    ada.press("button", "Save")?;
    ada.see("alert", "")?;
    ada.fill("Time zone", "Europe/Paris")?;
    ada.press("button", "Save")?;
    for room in [&mut *a, &mut *b] {
        room.until("French on its panel", SOON, |panel| {
            let zone = panel.time_zone.as_ref().map(|zone| zone.as_str());
            (panel.language == Language::French && zone == Some("Europe/Paris")).then_some(())
        })?;
    }
    // Two people at once: the second is told, and what either wrote is there.
    ada.choose("Camera when a call begins", "Off")?;
    let others = json!({ "settings": { "language": "english", "time_zone": "Europe/Paris" } });
    let (status, text) = ada.ask("PUT", "/settings", others)?;
    ensure!(status == 200, "{text}");
    ada.see_text("Somebody else changed these settings meanwhile.")?;
    ada.press("button", "Save")?;
    ada.see("alert", "")?;
    ada.look("settings-overtaken")?;
    ada.press("button", "Show theirs")?;
    for room in [&mut *a, &mut *b] {
        room.until("English on its panel", SOON, |panel| {
            (panel.language == Language::English).then_some(())
        })?;
    }
    ada.press("button", "New group")?;
    ada.fill("Name of the group", "Visitors")?;
    ada.press("button", "Make the group")?;
    ada.miss("dialog", "New group")?;
    ada.look("settings")?;
    ada.press("link", "Visitors")?;
    ada.see("heading", "The rooms of this group")?;
    ada.choose("What the panel dials", "Only what it lists")?;
    ada.press("button", "Save")?;
    ada.see("button", "Remove the group")?;

    ada.press("link", "Rooms")?;
    ada.press("link", "Room Ada")?;
    ada.press("button", "Place, group, tags")?;
    ada.fill("Place", "Main building, 3rd floor")?;
    ada.fill("Tags", "north, video")?;
    ada.choose("Group", "Visitors")?;
    ada.press("button", "Save")?;
    ada.miss("dialog", "Where Room Ada belongs")?;
    a.until("no pad for numbers", SOON, |panel| {
        matches!(panel.screen, Screen::Idle { numbers: false, .. }).then_some(())
    })?;
    ada.choose("Brightness of the panel", "60 %")?;
    ada.press("button", "Save")?;
    a.until("a darker panel", SOON, |panel| (panel.brightness == 60).then_some(()))?;
    ada.see_text("The room has confirmed all of it.")?;
    let lines = |a: &Room| Ok::<_, anyhow::Error>(a.status()?.map(|now| now.media.camera_height));
    wait_for("the camera's own size", SOON, || Ok(lines(a)?.filter(|lines| *lines > 360)))?;
    ada.choose("Camera at most", "Up to 360 lines")?;
    ada.press("button", "Save")?;
    wait_for("smaller pictures", SOON, || Ok(lines(a)?.filter(|lines| *lines == 360)))?;
    ada.see_text("The room has confirmed all of it.")?;
    updates_and_reset(ada)?;
    // Which one is it? The panel says so, the page says that it does, and it is heard.
    ada.press("button", "Identify")?;
    a.until("its name, large", SOON, |panel| panel.identify.then_some(()))?;
    ada.see_text("The room shows its name on panel and display, and makes a sound.")?;
    a.until("the panel as it was", 2 * SOON, |panel| (!panel.identify).then_some(()))?;
    support(ada, a)?;
    // It restarts and is who it was: here, where there is no machine, its program ends and is started again.
    ada.press("button", "Restart")?;
    ada.see("dialog", "Restart Room Ada?")?;
    ada.press("button", "Restart")?;
    ada.see_text("The room restarts.")?;
    wait_for("its program ends", 2 * SOON, || Ok(a.daemon.ended()?.map(drop)))?;
    a.start_daemon_again(stage)?;
    until_idle(a)?;
    a.until("as dark as before", SOON, |panel| (panel.brightness == 60).then_some(()))?;
    // Somebody at the panel chooses another language, and the page says so.
    a.press("language-fr")?;
    ada.see_text("In the room: French")?;
    ada.look("room-settings")?;
    a.press("language-en")?;
    ada.see_text("The room has confirmed all of it.")?;

    ada.press("link", "Settings")?;
    ada.press("link", "Visitors")?;
    ada.press("button", "Remove the group")?;
    ada.see("alertdialog", "Remove the group Visitors?")?;
    ada.press("button", "Remove the group")?;
    ada.see("heading", "Settings")?;
    a.until("the pad for numbers", SOON, |panel| {
        matches!(panel.screen, Screen::Idle { numbers: true, .. }).then_some(())
    })
}

/// What a room follows, and a code with which it could be reset.
fn updates_and_reset(ada: &mut Window<'_>) -> Result<()> {
    ada.see("heading", "Software")?;
    ada.press("button", "Change")?;
    ada.fill("Channel", "early")?;
    ada.fill("From", "01:30")?;
    ada.fill("To", "04:00")?;
    ada.press("button", "Save")?;
    ada.miss("dialog", "How this room is updated")?;
    ada.see_text("01:30 and 04:00, by its clock")?;
    ada.press("button", "Code for the panel")?;
    ada.see("heading", "To reset Room Ada at its panel")?;
    ensure!(ada.read("Code")?.len() >= 8, "no code");
    ada.press("button", "Close")?;
    ada.press("button", "Reset from here")?;
    ada.see("alertdialog", "Reset Room Ada?")?;
    ada.look("room-reset")?;
    ada.press("button", "Cancel")?;
    ada.miss("alertdialog", "Reset Room Ada?")
}

/// A list of devices: looked at, taken, and one of them added by the code on its panel.
fn awaited(ada: &mut Window<'_>, code: &str) -> Result<()> {
    const LIST: &str =
        "name,serial,place\nSalle Voltaire,virtual-b,\"Bâtiment A, 2e\"\nNobody,,\nZ,Z-1,\n";
    ada.press("link", "Await devices")?;
    ada.see("heading", "No device is awaited")?;
    ada.look("awaited-none")?;
    ada.upload("List of devices, a CSV file", "devices.csv", LIST)?;
    ada.see_text("Give the serial number or the key, one of the two.")?;
    ada.look("awaited-list")?;
    ada.press("button", "Await only the 2 that are right")?;
    ada.see_text("2 devices are awaited. Those that are here already are rooms in a moment.")?;
    ada.press("button", "Close")?;
    ada.see_text("One that says so is here: type its code")?;
    ada.look("awaited")?;
    ada.press("button", "What to do with Salle Voltaire")?;
    ada.press("menuitem", "Type its code")?;
    ada.fill("Code on the panel", code)?;
    ada.press("button", "Add the room")?;
    ada.miss("rowheader", "Salle Voltaire")?;
    ada.press("button", "What to do with Z")?;
    ada.press("menuitem", "Await no more")?;
    ada.press("button", "Await no more")?;
    ada.see("heading", "No device is awaited")?;
    ada.press("link", "To the rooms")
}

/// One search over everything, by the keyboard.
fn search_everything(ada: &mut Window<'_>) -> Result<()> {
    ada.press("link", "Reports")?;
    ada.see("heading", "Reports")?;
    // This page has no search of its own.
    ada.key("/")?;
    ada.see("dialog", "Search everything")?;
    ada.fill("A name, a number, a place, an address", "north")?;
    ada.see("link", "Room Ada Main building, 3rd floor")?;
    ada.look("search")?;
    ada.fill("A name, a number, a place, an address", NUMBER)?;
    ada.see_text("1 result.")?;
    ada.key("Enter")?;
    ada.miss("dialog", "Search everything")?;
    ada.see("heading", "Meeting rooms")?;
    ada.see("button", &format!("What to do with {NAME}"))?;
    ada.press("link", "Rooms")?;
    ada.key("Control+k")?;
    ada.see("dialog", "Search everything")?;
    ada.key("Escape")?;
    ada.miss("dialog", "Search everything")
}

/// How the room is stands on its page; its panel says that IT looks at it, and nothing typed is in the picture; its logs
/// hold no name.
fn support(ada: &mut Window<'_>, a: &mut Room) -> Result<()> {
    const SOON: Duration = Duration::from_secs(20);
    let read = |ada: &mut Window<'_>, path: &str| -> Result<Value> {
        let (status, text) = ada.ask("GET", path, Value::Null)?;
        ensure!(status == 200, "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    };
    let rooms = read(ada, "/rooms?q=Ada")?;
    let id = rooms["rooms"][0]["room"].as_str().context("no room")?.to_owned();
    let path = format!("/rooms/{id}");
    // It says so again half a minute later at the latest.
    wait_for("camera, microphone, display and panel work", 2 * SOON, || {
        let condition = read(ada, &path)?["room"]["condition"].clone();
        let works = |kind: &str| {
            let devices = condition["devices"].as_array().into_iter().flatten();
            devices.filter(|each| each["kind"] == kind && each["state"] == "working").count() == 1
        };
        let all = ["camera", "microphone", "display"].into_iter().all(works);
        let disk = condition["disk"]["size"].as_u64() > condition["disk"]["free"].as_u64();
        Ok((all && condition["panels"] == 1 && disk).then_some(()))
    })?;
    ada.see("heading", "How it is now")?;
    ada.see_text("Touch panel")?;

    let picture = format!("{path}/panel-picture");
    let (status, _) = ada.ask("GET", &picture, Value::Null)?;
    ensure!(status == 409, "a picture that nobody has taken: {status}");
    a.press(&format!("choose-{NUMBER}"))?;
    ada.press("button", "Take a picture of the panel")?;
    let typed = "Somebody types at the panel: no picture is made of that. Try again in a minute.";
    ada.see_text(typed)?;
    a.press("back")?;
    until_idle(a)?;
    ada.press("button", "Take a picture of the panel")?;
    a.until("that IT looks at it", SOON, |panel| (panel.look == Some(Look::Soon)).then_some(()))?;
    a.until("that IT has looked", SOON, |panel| (panel.look == Some(Look::Over)).then_some(()))?;
    ada.see_text("The picture is here.")?;
    let (status, png) = ada.ask("GET", &picture, Value::Null)?;
    ensure!(status == 200 && png.chars().skip(1).take(3).eq("PNG".chars()), "{status}");
    a.until("the panel as it was", SOON, |panel| panel.look.is_none().then_some(()))?;

    ada.press("button", "Fetch the logs")?;
    ada.see_text("The logs are here.")?;
    let (status, logs) = ada.ask("GET", &format!("{path}/logs"), Value::Null)?;
    ensure!(
        status == 200 && logs.contains("== log ==") && logs.contains("the link is up"),
        "{logs}"
    );
    for private in ["Room Ada", "Salle Voltaire", NAME, "Tumour board", PIN, "ada@example.org"] {
        ensure!(!logs.contains(private), "{private} stands in the logs:\n{logs}");
    }
    ada.look("room-support")
}

fn call(ada: &mut Window<'_>, a: &mut Room, b: &mut Room) -> Result<()> {
    ada.press("link", "Meetings now")?;
    ada.see("heading", "No meeting is on")?;
    // It has a lobby for this once: both wait, and are let in here.
    let (status, text) = ada.ask("PATCH", &format!("/vmrs/{NUMBER}"), json!({ "lobby": true }))?;
    ensure!(status == 200, "{text}");
    for room in [&mut *a, &mut *b] {
        room.dial(NUMBER)?;
        room.press("join")?;
        room.type_pin(PIN)?;
        room.press("join")?;
        room.until("the lobby", Duration::from_secs(20), |panel| {
            matches!(panel.screen, Screen::Lobby { .. }).then_some(())
        })?;
    }
    ada.see("heading", "2 wait in the lobby")?;
    ada.look("meetings-lobby")?;
    ada.press("button", "Let in Room Ada")?;
    a.until_in_call(1)?;
    ada.see("heading", "1 waits in the lobby")?;
    ada.press("button", "Let in Salle Voltaire")?;
    b.until_in_call(2)?;
    ada.miss("heading", "1 waits in the lobby")?;
    ada.see("heading", NAME)?;
    ada.see_text("Room Ada")?;
    ada.see_text("Salle Voltaire")?;
    ada.look("meetings")?;
    ada.press("link", "Rooms")?;
    ada.see("cell", "In a call")?;
    ada.look("rooms")?;
    ada.press("link", "Room Ada")?;
    ada.see("heading", "Room Ada")?;
    ada.see_text("VIRTUAL-A")?;
    ada.look("room")?;
    ada.press("link", "Meetings now")?;
    ada.press("button", "End")?;
    ada.see("alertdialog", &format!("End the meeting in {NAME}?"))?;
    ada.press("button", "End")?;
    until_idle(a)?;
    until_idle(b)?;
    ada.see("heading", "No meeting is on")
}

/// Everything by the keyboard: a search, and a room that is renamed.
fn by_keyboard(ada: &mut Window<'_>, room: &mut Room) -> Result<()> {
    ada.press("link", "Rooms")?;
    ada.see("rowheader", "Salle Voltaire")?;
    ada.key("/")?;
    for letter in "voltaire".chars() {
        ada.key(&letter.to_string())?;
    }
    ada.miss("rowheader", "Room Ada")?;
    ada.see("rowheader", "Salle Voltaire")?;
    // From the search over the filters by state and tag and the name to the menu of the only line, and in it to its first choice.
    for key in ["Tab", "Tab", "Tab", "Tab", "Enter"] {
        ada.key(key)?;
    }
    ada.until_focused("Rename")?;
    ada.key("Enter")?;
    ada.see("dialog", "Rename Salle Voltaire")?;
    ada.fill("Name", "Salle Émilie")?;
    ada.key("Enter")?;
    ada.miss("dialog", "Rename Salle Voltaire")?;
    room.until("its new name on the panel", Duration::from_secs(10), |panel| {
        (panel.room.as_ref()?.as_str() == "Salle Émilie").then_some(())
    })
}

/// The code that an app shows in so many seconds.
fn code(secret: &str, later: u32) -> Result<String> {
    let now = format!("--now=+{later} seconds");
    let output = Command::new("oathtool").args(["--totp", "--base32", &now, secret]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// An app is set up; what it shares with the cloud.
fn second_factor(ada: &mut Window<'_>) -> Result<String> {
    ada.press("link", "Signed in as Ada Lovelace")?;
    ada.press("button", "Set up")?;
    ada.fill("Password", PASSWORD)?;
    ada.press("button", "Go on")?;
    ada.see("dialog", "Put it into your app")?;
    let picture = "The picture for your app. The letters and figures under it say the same.";
    ada.see("img", picture)?;
    let secret: String = ada.text("p.secret")?.split_whitespace().collect();
    ada.look("account-app")?;
    ada.fill("Code", &code(&secret, 0)?)?;
    ada.press("button", "Turn on")?;
    ada.see("heading", "Your recovery codes")?;
    ensure!(ada.read("Recovery codes")?.lines().count() == 8, "eight codes");
    ada.press("button", "Close")?;
    ada.see("button", "Turn off")?;
    Ok(secret)
}

/// A token for a script is made and shown once.
fn token(ada: &mut Window<'_>) -> Result<()> {
    ada.press("button", "New token")?;
    ada.fill("What it is for", "Nightly report")?;
    ada.press("checkbox", "see rooms")?;
    ada.press("checkbox", "read reports")?;
    ada.look("account-token")?;
    ada.press("button", "Make it")?;
    ada.see("heading", "Your new token")?;
    ensure!(ada.read("Token")?.len() == 64, "no token");
    ada.press("button", "Close")?;
    ada.see("button", "Remove Nightly report")
}

#[test]
#[ignore = "starts real rooms, a real cloud and a real browser; cargo xtask test runs it"]
fn a_first_day_in_the_console() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let cloud = Cloud::start_with_console(stage)?;
            let pictures = stage.target().join("console");
            let mut browser = Browser::start(stage, Path::new(&pictures))?;
            let link = set_up(stage, &mut browser.of("ada"))?;
            let mut a = Room::start(stage, Meeting::plan_a(stage, &cloud, cloud.link().port())?)?;
            let mut b = Room::start(stage, Meeting::plan_b(stage, &cloud)?)?;
            let mut ada = browser.of("ada");
            enrol_wrongly(&mut ada)?;
            enrol(&mut ada, &a.code()?, "Room Ada")?;
            awaited(&mut ada, &b.code()?)?;
            until_idle(&mut a)?;
            until_idle(&mut b)?;
            for name in ["Room Ada", "Salle Voltaire"] {
                ada.see("rowheader", name)?;
                shows(&mut ada, name, "linked")?;
            }
            // The link for the first administrator worked once.
            let mut stranger = browser.of("stranger");
            stranger.open(&link)?;
            stranger.fill("Name of your organisation", "Mallory & Co")?;
            stranger.fill("Your name", "Mallory")?;
            stranger.fill("Your e-mail address", "mallory@example.org")?;
            stranger.fill("Password", "2 quick thieves whisper")?;
            stranger.press("button", "Make the organisation")?;
            stranger.see_text("This link was used, or is too old. Ask for a new one.")?;

            invite(&mut browser)?;
            meeting_room(&mut browser)?;
            schedule(&mut browser, &pictures, &mut a, &mut b)?;
            let mut ada = browser.of("ada");
            settings(stage, &mut ada, &mut a, &mut b)?;
            call(&mut ada, &mut a, &mut b)?;
            search_everything(&mut ada)?;
            by_keyboard(&mut ada, &mut b)?;

            ada.press("link", "Reports")?;
            ada.see("heading", "By meeting room")?;
            ada.press("button", "Last 7 days")?;
            let (status, file) = ada.ask("GET", "/records.csv", Value::Null)?;
            ensure!(status == 200 && file.lines().count() == 5, "two calls of two rooms: {file}");
            ensure!(file.contains("Room Ada,Tumour board,"), "{file}");
            ada.see("rowheader", "Room Ada")?;
            ada.see("rowheader", "Salle Voltaire")?;
            ada.look("reports")?;
            ada.press("link", "Webhooks")?;
            ada.see("heading", "Webhooks")?;
            ada.look("webhooks")?;
            ada.press("link", "Audit")?;
            ada.see_text("scheduled a meeting")?;
            ada.see_text("ended a meeting")?;
            ada.see_text("let somebody into a meeting")?;
            ada.see_text("renamed a room")?;
            ada.see_text("fetched the logs of a room")?;
            ada.see_text("took a picture of a room’s panel")?;
            ada.see_text("changed how rooms are set")?;
            ada.look("audit")?;
            let app = second_factor(&mut ada)?;
            token(&mut ada)?;
            ada.look("account")?;
            ada.press("button", "Français")?;
            ada.press("link", "Salles")?;
            ada.see("heading", "Salles")?;
            ada.see("cell", "Libre")?;
            ada.look("rooms-french")?;

            // Shut out: what is lost is said, and its name is asked for.
            ada.press("button", "Que faire de Room Ada")?;
            ada.press("menuitem", "Exclure")?;
            ada.fill("Saisissez « Room Ada » pour continuer", "Room Ada")?;
            ada.look("rooms-shut-out")?;
            ada.press("button", "Exclure")?;
            ada.see("cell", "Exclue")?;

            // Signed out, there is the sign-in and nothing else; a wrong password is said there.
            ada.press("button", "Se déconnecter")?;
            ada.see("heading", "Connexion")?;
            ada.look("sign-in")?;
            ada.fill("Adresse e-mail", "ada@example.org")?;
            ada.fill("Mot de passe", "not this one 5")?;
            ada.press("button", "Se connecter")?;
            ada.see_text("Ce n’est pas le mot de passe de cette adresse. Vérifiez les deux.")?;
            ada.fill("Mot de passe", PASSWORD)?;
            ada.press("button", "Se connecter")?;
            ada.fill("Code de votre application", "000 000")?;
            ada.press("button", "Se connecter")?;
            ada.see("alert", "")?;
            ada.look("sign-in-code")?;
            // The next code: the one before was taken when the app was set up.
            ada.fill("Code de votre application", &code(&app, 30)?)?;
            ada.press("button", "Se connecter")?;
            ada.see("heading", "Salles")?;

            let complaints = browser.complaints()?;
            ensure!(complaints.is_empty(), "the pages complained:\n{}", complaints.join("\n"));
            Ok(())
        })
    })
}

//! Who comes in: a passkey of a device in the browser, a second factor wanted of everybody, and somebody who makes themselves an
//! account by a letter that a real mail server brought.

use super::set_up_link;
use anyhow::{Context, Result, ensure};
use conclave_stage::{Browser, Cloud, Process, Stage, Window, in_own_network, scene, wait_for};
use serde_json::Value;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

const PASSWORD: &str = "7 purple tractors sing";
const SOON: Duration = Duration::from_secs(20);

/// A passkey belongs to a name, and a page's own address has its port in it. Both are free: the network is this test's own.
const CONFIG: &str = r#"
[console]
listen = "127.0.0.1:8443"
url = "https://localhost:8443"

[mail]
server = "localhost:2525"
security = "local"
from = "conclave@example.org"
"#;

fn mail_server(stage: &Stage) -> Result<Process> {
    let mail = stage.folder().join("mail");
    let mail = mail.to_string_lossy();
    let here = stage.source("cloud/server/tests");
    let process = Process::start(
        "mail",
        Path::new("/usr/bin/python3"),
        &[
            "-m",
            "aiosmtpd",
            "--nosetuid",
            "--listen",
            "127.0.0.1:2525",
            "--class",
            "mail_box.Box",
            &mail,
        ],
        &[("PYTHONPATH", &here.to_string_lossy()), ("PYTHONDONTWRITEBYTECODE", "1")],
        &stage.folder().join("mail.log"),
    )?;
    wait_for("the mail server listens", SOON, || Ok(TcpStream::connect("127.0.0.1:2525").ok()))?;
    Ok(process)
}

/// The link in the only letter that there is.
fn letter(stage: &Stage) -> Result<String> {
    let folder = stage.folder().join("mail/new");
    wait_for("the letter arrives", SOON, || {
        let Some(Ok(entry)) = std::fs::read_dir(&folder).into_iter().flatten().next() else {
            return Ok(None);
        };
        // Lines that are too long for a letter are broken, with "=" at the end (RFC 2045, 6.7).
        let text = std::fs::read_to_string(entry.path())?.replace("=\r\n", "").replace("=\n", "");
        let (_, link) = text.split_once("https://localhost:8443/sign-up#").context("no link")?;
        let token: String = link.chars().take_while(char::is_ascii_hexdigit).collect();
        Ok(Some(format!("https://localhost:8443/sign-up#{token}")))
    })
}

fn set_up(stage: &Stage, ada: &mut Window<'_>) -> Result<()> {
    ada.open(&set_up_link(stage)?)?;
    ada.fill("Name of your organisation", "Hôpital Saint-Louis")?;
    ada.fill("Your name", "Ada Lovelace")?;
    ada.fill("Your e-mail address", "ada@example.org")?;
    ada.fill("Password", PASSWORD)?;
    ada.press("button", "Make the organisation")?;
    ada.see("heading", "Rooms")
}

fn add_passkey(whose: &mut Window<'_>, name: &str) -> Result<()> {
    whose.has_authenticator()?;
    whose.press("button", "Add a passkey")?;
    whose.fill("What you call it", name)?;
    whose.fill("Password", PASSWORD)?;
    whose.press("button", "Go on")
}

/// Of whom a second factor is wanted, and whose people may sign up.
fn say_who_comes_in(ada: &mut Window<'_>) -> Result<()> {
    ada.press("link", "People")?;
    ada.press("radio", "everybody")?;
    ada.press("button", "Save")?;
    ada.see_text("Saved.")?;
    ada.press("button", "Allow a domain")?;
    ada.fill("Domain", "gmail.com")?;
    ada.press("button", "Allow it")?;
    ada.see_text(
        "Anybody gets an address of this provider, so everybody could come in. Invite such people one by one.",
    )?;
    ada.fill("Domain", "@Example.org")?;
    ada.press("button", "Allow it")?;
    ada.miss("dialog", "Allow a domain")?;
    ada.see("button", "Withdraw example.org")?;
    ada.look("people-entry")
}

fn sign_up(stage: &Stage, max: &mut Window<'_>) -> Result<()> {
    max.open("https://localhost:8443/")?;
    max.press("link", "Make an account")?;
    max.fill("E-mail address", "max@example.org")?;
    max.look("sign-up")?;
    max.press("button", "Send the letter")?;
    max.see("status", "")?;
    max.open(&letter(stage)?)?;
    max.see("heading", "Welcome to Hôpital Saint-Louis")?;
    max.fill("Your name", "Max Planck")?;
    max.fill("Password", PASSWORD)?;
    max.look("sign-up-accept")?;
    max.press("button", "Make the account")?;
    // Nothing else before that, whatever he asks for.
    max.see("heading", "Set up a second factor")?;
    let (status, text) = max.ask("GET", "/vmrs", Value::Null)?;
    ensure!(status == 403 && text.contains("second_factor_wanted"), "{status} {text}");
    max.look("first")?;
    add_passkey(max, "Telephone")?;
    max.see("heading", "Schedule")
}

fn signs_in(max: &mut Window<'_>) -> Result<()> {
    max.press("button", "Sign out")?;
    max.see("button", "Sign in with a passkey")?;
    max.look("sign-in-passkey")?;
    max.fill("E-mail address", "max@example.org")?;
    max.fill("Password", PASSWORD)?;
    max.press("button", "Sign in")?;
    max.see_text("Your organisation wants a second factor of you. Sign in with your passkey.")?;
    // By the keyboard alone.
    max.open("https://localhost:8443/")?;
    max.see("button", "Sign in with a passkey")?;
    for _ in 0..5 {
        max.key("Tab")?;
    }
    max.until_focused("Sign in with a passkey")?;
    max.key("Enter")?;
    max.see("heading", "Schedule")
}

#[test]
#[ignore = "starts a real cloud, a real mail server and a real browser; cargo xtask test runs it"]
fn passkeys_and_who_makes_themselves_an_account() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let _mail = mail_server(stage)?;
            let _cloud = Cloud::start_configured(stage, CONFIG)?;
            let pictures = stage.target().join("console-entry");
            let mut browser = Browser::start(stage, Path::new(&pictures))?;
            let mut ada = browser.of("ada");
            set_up(stage, &mut ada)?;
            ada.press("link", "Signed in as Ada Lovelace")?;
            add_passkey(&mut ada, "Laptop")?;
            ada.see("button", "Remove Laptop")?;
            ada.look("account-passkeys")?;
            say_who_comes_in(&mut ada)?;
            let mut max = browser.of("max");
            sign_up(stage, &mut max)?;
            signs_in(&mut max)?;

            let mut ada = browser.of("ada");
            ada.see("rowheader", "Max Planck Passkey")?;
            ada.press("link", "Audit")?;
            ada.see_text("made themselves an account")?;
            ada.press("link", "Signed in as Ada Lovelace")?;
            // The last one stays while it is wanted; in French, too.
            ada.press("button", "Français")?;
            ada.press("button", "Supprimer Laptop")?;
            ada.fill("Mot de passe", PASSWORD)?;
            ada.press("button", "Supprimer")?;
            ada.see_text("Votre organisation vous demande un second facteur. Configurez-en d’abord un autre.")?;
            ada.look("account-passkeys-french")?;

            let complaints = browser.complaints()?;
            ensure!(complaints.is_empty(), "the pages complained:\n{}", complaints.join("\n"));
            Ok(())
        })
    })
}

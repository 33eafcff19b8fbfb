//! schemathesis asks a real cloud for everything that its description in OpenAPI names, with all that may be asked and much
//! that may not: no answer is a server's error, and none is one that the description does not have.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Browser, Cloud};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The checks of schemathesis: about what is answered, not about what another server would take.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_schema_conformance,response_headers_conformance";

/// What ends or changes the session that everything else is asked with, or what is wanted of it; asked without one instead.
const ABOUT_SESSIONS: &str = "^/(setup|session|invitation|me|sign-up|entry/two-factors)";

/// A stream without an end.
const ENDLESS: &str = "/live";

/// Of those that xtask got.
fn schemathesis() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let list = std::fs::read_to_string(workspace.join("xtask/api-tools.txt")).unwrap();
    let version = list.lines().find_map(|line| line.strip_prefix("schemathesis==")).unwrap();
    let version = version.split_whitespace().next().unwrap();
    let mut target = std::env::current_exe().unwrap();
    while !target.join("tools").is_dir() {
        assert!(target.pop(), "no target/tools: `cargo xtask test` gets what is in it");
    }
    target.join(format!("tools/api-{version}/bin/schemathesis"))
}

fn ask_everything(cloud: &Cloud, headers: &[String], which: [&str; 2]) {
    let url = format!("https://{}/api/v1/openapi.json", cloud.console);
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api");
    let mut command = Command::new(schemathesis());
    command.current_dir(cloud.data.path());
    command.env("PYTHONPATH", &here).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("SCHEMATHESIS_HOOKS", "api_hooks");
    command.arg("--config-file").arg(here.join("schemathesis.toml"));
    command.args(["run", &url, "--checks", CHECKS]);
    command.arg("--tls-verify").arg(cloud.data.path().join("console.pem"));
    command.args(which).args(["--exclude-path", ENDLESS]);
    // The same requests each time: CI finds what was changed, not what chance brings.
    command.args(["--generation-deterministic"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", "12"]);
    command.args(["--continue-on-failure", "--no-color"]);
    for header in headers {
        command.args(["--header", header]);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// One of each, so that requests find something.
fn furnish(ada: &mut Browser<'_>) {
    let tomorrow = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 86_400;
    let appointment = json!({
        "title": "Board", "starts_at": tomorrow, "ends_at": tomorrow + 3_600,
        "people": ["x@example.com"],
    });
    for (path, body) in [
        ("/vmrs", json!({ "number": "4711", "name": "Board" })),
        ("/groups", json!({ "name": "Ground floor" })),
        ("/people", json!({ "email": "max@example.org", "name": "Max", "role": "member" })),
        ("/tokens", json!({ "name": "Nightly", "scopes": ["rooms:read"], "days": 7 })),
        ("/appointments", appointment),
    ] {
        assert_eq!(ada.post(path, body).status, 200, "{path}");
    }
}

#[test]
#[ignore = "asks some thousand times; cargo xtask test runs it"]
fn every_answer_is_one_that_the_description_has() {
    let mut cloud = Cloud::start();
    let mut ada = cloud.set_up();
    furnish(&mut ada);
    let cookies: Vec<String> =
        ada.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let ours = "X-Conclave: 1".to_owned();
    let session = format!("Cookie: {}", cookies.join("; "));
    let cloud = ada.cloud;
    ask_everything(cloud, &[session, ours.clone()], ["--exclude-path-regex", ABOUT_SESSIONS]);
    ask_everything(cloud, &[ours], ["--include-path-regex", ABOUT_SESSIONS]);
    assert_eq!(ada.get("/me").body["name"], "Ada Lovelace", "the cloud goes on");
}

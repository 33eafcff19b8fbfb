//! Janus with its videoroom: a remote publisher in the clear, `rtp_forward` with SRTP to many.

use super::load::{self, Receiver, Source};
use super::system::{self, System};
use crate::process::{Running, until};
use anyhow::{Context, Result, ensure};
use conclave_srtp::opener;
use conclave_types::{SrtpProfile, Ssrc};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Any dynamic payload type.
const PAYLOAD_TYPE: u8 = 96;
/// The room in its configuration.
const ROOM: u32 = 1;
/// Where it expects a remote publisher's first stream (its plugin's base of remote SSRCs).
const REMOTE: Ssrc = Ssrc(1000);
/// The publisher.
const PUBLISHER: u32 = 7;

/// Starts it with one room and so many forwards out of it. Its forwards know CM-SHA1-80 alone.
pub(crate) fn start(folder: tempfile::TempDir, receivers: usize) -> Result<System> {
    let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    configure(folder.path(), api.port())?;
    let mut command = Command::new("janus");
    command.arg(format!("--configs-folder={}", folder.path().display()));
    let log = folder.path().join("janus.log");
    let running = Running::start("Janus (package janus)", &mut command, &log)?;
    let mut session = None;
    until("Janus's answer", Duration::from_secs(15), || {
        session = post(api, "", json!({"janus": "create"})).ok();
        session.is_some()
    })
    .with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
    let session = format!("/{}", session.unwrap_or_default()["data"]["id"]);
    let attach = json!({"janus": "attach", "plugin": "janus.plugin.videoroom"});
    let handle = format!("{session}/{}", post(api, &session, attach)?["data"]["id"]);
    let ask = |body: Value| -> Result<Value> {
        let answer = post(api, &handle, json!({"janus": "message", "body": body}))?;
        let data = answer["plugindata"]["data"].clone();
        ensure!(data["error"].is_null() && data["videoroom"].is_string(), "Janus says {answer}");
        Ok(data)
    };
    let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    ask(json!({
        "request": "add_remote_publisher", "room": ROOM, "secret": "bench", "id": PUBLISHER,
        "display": "bench", "port": port, "iface": "127.0.0.1",
        "streams": [{"type": "video", "mindex": 0, "mid": "0", "codec": "h264"}],
    }))?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let source = Source::new(to, None, REMOTE, PAYLOAD_TYPE, load::socket()?)?;
    let mut all = Vec::new();
    for place in 0..receivers {
        let (socket, key) = (load::socket()?, system::key(SrtpProfile::AesCm128HmacSha1_80)?);
        let port = socket.local_addr()?.port();
        // The keys stand beside the streams: within one they would silently be left out.
        let forward = json!({
            "request": "rtp_forward", "room": ROOM, "secret": "bench", "publisher_id": PUBLISHER,
            "host": "127.0.0.1", "srtp_suite": 80, "srtp_crypto": system::inline(&key),
            "streams": [{
                "mid": "0", "port": port, "ssrc": 5000 + place,
                "pt": PAYLOAD_TYPE,
            }],
        });
        // The publisher is there a moment after Janus says so.
        let mut answer = ask(forward.clone());
        until("Janus's publisher", Duration::from_secs(10), || {
            if answer.is_err() {
                answer = ask(forward.clone());
            }
            answer.is_ok()
        })
        .with_context(|| format!("{:?}", answer.as_ref().err()))?;
        let open = if place == 0 { Some(opener(&key)?) } else { None };
        all.push(Receiver::new(socket, open, None)?);
    }
    Ok(System { running, source, receivers: all, paced: None, held: None, _folder: folder })
}

fn configure(folder: &Path, port: u16) -> Result<()> {
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text);
    let plugins = [
        "audiobridge",
        "duktape",
        "lua",
        "sip",
        "nosip",
        "recordplay",
        "textroom",
        "videocall",
        "voicemail",
        "echotest",
        "streaming",
    ];
    let plugins = plugins.map(|name| format!("libjanus_{name}.so")).join(",");
    let transports = ["mqtt", "nanomsg", "pfunix", "rabbitmq", "websockets"];
    let transports = transports.map(|name| format!("libjanus_{name}.so")).join(",");
    write(
        "janus.jcfg",
        format!(
            "general: {{ log_to_stdout = true; debug_level = 3; interface = \"127.0.0.1\"; }}\n\
             nat: {{ ice_enforce_list = \"lo\"; ignore_mdns = true; }}\n\
             plugins: {{ disable = \"{plugins}\"; }}\n\
             transports: {{ disable = \"{transports}\"; }}\n"
        ),
    )?;
    write(
        "janus.plugin.videoroom.jcfg",
        format!(
            "general: {{ }}\nroom-{ROOM}: {{ description = \"bench\"; publishers = 10; \
             videocodec = \"h264\"; secret = \"bench\"; bitrate = 0; }}\n"
        ),
    )?;
    write(
        "janus.transport.http.jcfg",
        format!(
            "general: {{ base_path = \"/janus\"; http = true; port = {port}; ip = \"127.0.0.1\"; \
             https = false; }}\nadmin: {{ admin_http = false; }}\n"
        ),
    )?;
    Ok(())
}

/// One request of its interface.
fn post(api: SocketAddr, path: &str, mut body: Value) -> Result<Value> {
    body["transaction"] = json!("bench");
    let body = body.to_string();
    let mut stream = TcpStream::connect(api)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "POST /janus{path} HTTP/1.0\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, json) = answer.split_once("\r\n\r\n").context("Janus answers strangely")?;
    let json: Value = serde_json::from_str(json)?;
    ensure!(json["janus"] == "success", "Janus says {json}");
    Ok(json)
}

//! rtpengine without its kernel module: one publisher, many subscribers, SRTP on both sides.

use super::load::{self, Receiver, Source};
use super::system::{self, System};
use crate::process::{Running, until};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use conclave_srtp::{opener, sealer};
use conclave_types::{SrtpKey, SrtpProfile, Ssrc};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

/// Any dynamic payload type.
const PAYLOAD_TYPE: u8 = 96;

/// Starts it and sets one conference up.
pub(crate) fn start(
    folder: tempfile::TempDir,
    profile: SrtpProfile,
    receivers: usize,
) -> Result<System> {
    let suite = match profile {
        SrtpProfile::AeadAes128Gcm => "AEAD_AES_128_GCM",
        SrtpProfile::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
    };
    let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let mut command = Command::new("rtpengine");
    command.args(["--config-file=none", "--foreground", "--log-stderr", "--log-level=4"]);
    // Without its kernel module, which no test machine has: its own loop forwards.
    command.args(["--table=-1", "--interface=127.0.0.1"]);
    command.arg(format!("--listen-ng={free}"));
    let log = folder.path().join("rtpengine.log");
    let running = Running::start("rtpengine (package rtpengine-daemon)", &mut command, &log)?;
    let control = Control::new(free)?;
    until("rtpengine's answer", Duration::from_secs(10), || {
        control.ask(&[("command", "ping")]).is_ok()
    })
    .with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;

    let socket = load::socket()?;
    let call = ("call-id", "bench");
    // It hands the publisher's key on to whoever subscribes, and passes packets through unopened
    // where both keys are the same. The publisher therefore changes its key before each newcomer,
    // and once more at the end: every receiver has its own key and none has the sender's.
    let publish = || -> Result<(SrtpKey, u16)> {
        let up = system::key(profile)?;
        let offer = sdp(socket.local_addr()?.port(), 1, suite, &up, "sendonly");
        let fields = [("command", "publish"), call, ("from-tag", "pub"), ("sdp", &offer)];
        let answer = control.ask(&fields)?;
        let port = answer
            .lines_of("sdp")
            .find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok())
            .context("rtpengine names no port")?;
        Ok((up, port))
    };
    let mut all = Vec::new();
    let mut keys: Vec<SrtpKey> = Vec::new();
    for place in 0..receivers {
        publish()?;
        let asked = control.ask(&[("command", "subscribe request"), call, ("from-tag", "pub")])?;
        let tag = asked.text("to-tag").context("rtpengine gives no tag")?.to_owned();
        // "a=crypto:<number> <suite> inline:<key>", one line for each suite that it would take.
        let line = asked.lines_of("sdp").find(|line| line.split(' ').any(|word| word == suite));
        let line = line.with_context(|| format!("rtpengine does not offer {suite}"))?;
        let number = line.split([':', ' ']).nth(1).context("a line without a number")?;
        let inline = line.split("inline:").nth(1).context("a line without a key")?;
        let inline = inline.trim_end().split(['|', ' ', '=']).next().unwrap_or_default();
        let down = SrtpKey::new(profile, STANDARD_NO_PAD.decode(inline)?)
            .context("rtpengine's key has another length")?;
        ensure!(keys.iter().all(|other| other.key() != down.key()), "two receivers have one key");
        keys.push(down.clone());
        let socket = load::socket()?;
        let own = system::key(profile)?;
        let answer = sdp(socket.local_addr()?.port(), number.parse()?, suite, &own, "recvonly");
        control.ask(&[
            ("command", "subscribe answer"),
            call,
            ("to-tag", &tag),
            ("sdp", &answer),
        ])?;
        let open = if place == 0 { Some(opener(&down)?) } else { None };
        all.push(Receiver::new(socket, open, None)?);
    }
    let (up, port) = publish()?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let source = Source::new(to, Some(sealer(&up)?), Ssrc(0x0102_0304), PAYLOAD_TYPE, socket)?;
    Ok(System { running, source, receivers: all, paced: None, held: None, _folder: folder })
}

/// A description of one stream. It is called audio because rtpengine wants no more of a stream
/// than to forward it; the packets are the same.
fn sdp(port: u16, number: u32, suite: &str, key: &SrtpKey, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio {port} RTP/SAVP {PAYLOAD_TYPE}\r\n\
         c=IN IP4 127.0.0.1\r\na=rtpmap:{PAYLOAD_TYPE} opus/48000/2\r\n\
         a=crypto:{number} {suite} inline:{}\r\na={direction}\r\n",
        system::inline(key)
    )
}

/// Its control protocol: a cookie and a bencoded dictionary in each datagram.
struct Control {
    socket: UdpSocket,
    /// A cookie that came before is answered as it was before.
    asked: Cell<u32>,
}

impl Control {
    fn new(to: SocketAddr) -> Result<Control> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(to)?;
        socket.set_read_timeout(Some(Duration::from_secs(3)))?;
        Ok(Control { socket, asked: Cell::new(0) })
    }

    fn ask(&self, fields: &[(&str, &str)]) -> Result<Dictionary> {
        let sorted: BTreeMap<&str, &str> = fields.iter().copied().collect();
        self.asked.set(self.asked.get() + 1);
        let cookie = format!("{} ", self.asked.get());
        let mut text = format!("{cookie}d");
        for (name, value) in sorted {
            text += &format!("{}:{name}{}:{value}", name.len(), value.len());
        }
        text.push('e');
        self.socket.send(text.as_bytes())?;
        let mut answer = vec![0; 1 << 16];
        let length = self.socket.recv(&mut answer)?;
        let mut rest = answer[..length]
            .strip_prefix(cookie.as_bytes())
            .context("rtpengine answers strangely")?;
        let Value::Dictionary(dictionary) = read(&mut rest)? else { bail!("no dictionary") };
        let dictionary = Dictionary(dictionary);
        let result = dictionary.text("result").unwrap_or("nothing");
        ensure!(
            result == "ok" || result == "pong",
            "rtpengine says {result}: {}",
            dictionary.text("error-reason").unwrap_or("no reason")
        );
        Ok(dictionary)
    }
}

struct Dictionary(BTreeMap<String, Value>);

impl Dictionary {
    fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Value::Text(text) => Some(text),
            Value::Dictionary(_) | Value::Other => None,
        }
    }

    fn lines_of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.text(name).unwrap_or_default().lines()
    }
}

enum Value {
    Text(String),
    Dictionary(BTreeMap<String, Value>),
    Other,
}

/// Reads one bencoded value.
fn read(rest: &mut &[u8]) -> Result<Value> {
    let until = |rest: &mut &[u8], end: u8| -> Result<usize> {
        let place = rest.iter().position(|octet| *octet == end).context("a number has no end")?;
        let number = std::str::from_utf8(&rest[..place])?.parse()?;
        *rest = &rest[place + 1..];
        Ok(number)
    };
    match rest.first() {
        Some(b'd') => {
            *rest = &rest[1..];
            let mut fields = BTreeMap::new();
            while rest.first().is_some_and(|octet| *octet != b'e') {
                let Value::Text(name) = read(rest)? else { bail!("a name that is no text") };
                fields.insert(name, read(rest)?);
            }
            *rest = rest.get(1..).context("a dictionary has no end")?;
            Ok(Value::Dictionary(fields))
        }
        Some(b'l') => {
            *rest = &rest[1..];
            while rest.first().is_some_and(|octet| *octet != b'e') {
                read(rest)?;
            }
            *rest = rest.get(1..).context("a list has no end")?;
            Ok(Value::Other)
        }
        Some(b'i') => {
            *rest = &rest[1..];
            until(rest, b'e')?;
            Ok(Value::Other)
        }
        Some(_) => {
            let length = until(rest, b':')?;
            ensure!(rest.len() >= length, "a text has no end");
            let (text, after) = rest.split_at(length);
            *rest = after;
            Ok(Value::Text(String::from_utf8_lossy(text).into_owned()))
        }
        None => bail!("nothing to read"),
    }
}

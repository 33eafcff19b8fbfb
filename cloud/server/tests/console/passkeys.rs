//! Passkeys over the API, with a device of our own making: what a real one signs is taken, and anything else is not. That a
//! real browser and its device agree is for `e2e_console` to show.

use super::{Browser, Cloud, PASSWORD};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::net::TcpListener;

/// What a device says of its person (Web Authentication, 6.1): they are there, they unlocked it, a key follows.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const HAS_KEY: u8 = 0x40;

/// A device with one key.
struct Device {
    key: EcdsaKeyPair,
    random: SystemRandom,
    credential: Vec<u8>,
    handle: String,
    signed: u32,
    /// What it says of its person.
    flags: u8,
    /// Where its browser says that it is.
    origin: String,
}

impl Device {
    fn new(cloud: &Cloud, n: u8) -> Device {
        let random = SystemRandom::new();
        let of = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(of, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(of, made.as_ref(), &random).unwrap();
        let origin = format!("https://localhost:{}", cloud.console.port());
        let (credential, handle) = (vec![n; 32], String::new());
        Device { key, random, credential, handle, signed: 0, flags: PRESENT | VERIFIED, origin }
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        let data = json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        data.to_string().into_bytes()
    }

    fn head(&mut self, flags: u8) -> Vec<u8> {
        self.signed += 1;
        let mut octets = digest(&SHA256, b"localhost").as_ref().to_vec();
        octets.push(flags);
        octets.extend(self.signed.to_be_bytes());
        octets
    }

    /// A new key (Web Authentication, 6.5), in CBOR (RFC 8949) without an attestation.
    fn make(&mut self, options: &Value) -> Value {
        self.handle = options["user"]["id"].as_str().unwrap().to_owned();
        let client_data = self.client_data("webauthn.create", &options["challenge"]);
        let mut data = self.head(self.flags | HAS_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        data.extend(&self.credential);
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}: ES256 on P-256 (RFC 9053, 2.1 and 7.1).
        let point = self.key.public_key().as_ref();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        attestation.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        attestation.extend(data);
        let id = BASE64.encode(&self.credential);
        json!({
            "id": id, "rawId": id, "type": "public-key", "extensions": {},
            "response": {
                "attestationObject": BASE64.encode(attestation),
                "clientDataJSON": BASE64.encode(client_data),
                "transports": ["internal"],
            },
        })
    }

    fn sign(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", &options["challenge"]);
        let data = self.head(self.flags);
        let signed = [&data[..], digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign(&self.random, &signed).unwrap();
        let id = BASE64.encode(&self.credential);
        json!({
            "id": id, "rawId": id, "type": "public-key", "extensions": {},
            "response": {
                "authenticatorData": BASE64.encode(data),
                "clientDataJSON": BASE64.encode(client_data),
                "signature": BASE64.encode(signature),
                "userHandle": self.handle,
            },
        })
    }
}

fn named() -> Cloud {
    let data = tempfile::tempdir().unwrap();
    // Its own address has its port in it: one that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = data.path().join("cloud.toml");
    let text =
        format!("[console]\nlisten = \"127.0.0.1:{port}\"\nurl = \"https://localhost:{port}\"\n");
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap().to_owned();
    Cloud::start_with(data, &["--config", &config])
}

impl Browser<'_> {
    fn begin(&mut self) -> (Value, Value) {
        let begun = self.post("/me/passkeys/begin", json!({ "password": PASSWORD }));
        assert_eq!(begun.status, 200, "{}", begun.body);
        (begun.body["ceremony"].clone(), begun.body["options"]["publicKey"].clone())
    }

    fn register(&mut self, device: &mut Device) -> super::Answer {
        let (ceremony, options) = self.begin();
        let credential = device.make(&options);
        let body = json!({ "ceremony": ceremony, "name": "Telephone", "credential": credential });
        self.post("/me/passkeys", body)
    }

    fn shown(&mut self, device: &mut Device) -> super::Answer {
        let begun = self.post("/session/passkey/begin", json!({}));
        assert_eq!(begun.status, 200, "{}", begun.body);
        let credential = device.sign(&begun.body["options"]["publicKey"]);
        let body = json!({ "ceremony": begun.body["ceremony"], "credential": credential });
        self.post("/session/passkey", body)
    }
}

#[test]
fn a_passkey_is_registered_with_the_password_and_signs_in_alone() {
    let mut cloud = named();
    let mut ada = cloud.set_up();
    assert_eq!(ada.cloud.browser().get("/door").body["passkeys"], "localhost");
    let wrong = ada.post("/me/passkeys/begin", json!({ "password": "wrong" }));
    assert_eq!(wrong.error(), (401, "wrong_password"));
    let (_, options) = ada.begin();
    let selection = &options["authenticatorSelection"];
    assert_eq!(
        (&selection["residentKey"], &selection["userVerification"]),
        (&json!("required"), &json!("required"))
    );
    assert_eq!(options["rp"]["id"], "localhost");
    let mut device = Device::new(ada.cloud, 7);
    assert_eq!(ada.register(&mut device).status, 204);
    let listed = ada.get("/me/passkeys").body["passkeys"].clone();
    assert_eq!((&listed[0]["name"], &listed[0]["used_at"]), (&json!("Telephone"), &Value::Null));
    let known = ada.begin().1["excludeCredentials"].clone();
    assert_eq!(known[0]["id"], BASE64.encode(&device.credential), "its device is told");

    let mut other = ada.cloud.browser();
    let signed = other.shown(&mut device);
    assert_eq!((signed.status, &signed.body["email"]), (200, &json!("ada@example.org")));
    assert_eq!(other.get("/me").body["passkeys"], 1);
    assert!(other.get("/me/passkeys").body["passkeys"][0]["used_at"].is_u64());
    assert!(other.get("/audit?most=2").body["rows"].to_string().contains("with a passkey"));

    let passkey = listed[0]["passkey"].as_str().unwrap();
    let path = format!("/me/passkeys/{passkey}");
    let wrong = ada.ask("DELETE", &path, Some(json!({ "password": "wrong" })));
    assert_eq!(wrong.error(), (401, "wrong_password"));
    assert_eq!(ada.ask("DELETE", &path, Some(json!({ "password": PASSWORD }))).status, 204);
    assert_eq!(ada.cloud.browser().shown(&mut device).error(), (401, "wrong_passkey"));
}

#[test]
fn what_is_signed_for_another_place_by_another_key_or_a_copy_is_not_taken() {
    let mut cloud = named();
    let mut ada = cloud.set_up();
    let mut device = Device::new(ada.cloud, 7);
    let mut unlocked_by_nobody = Device { flags: PRESENT, ..Device::new(ada.cloud, 8) };
    assert_eq!(ada.register(&mut unlocked_by_nobody).error(), (401, "wrong_passkey"));
    let mut elsewhere =
        Device { origin: "https://localhost:1".into(), ..Device::new(ada.cloud, 9) };
    assert_eq!(ada.register(&mut elsewhere).error(), (401, "wrong_passkey"));
    assert_eq!(ada.register(&mut device).status, 204);
    let (right, wrong) = (device.origin.clone(), (401, "wrong_passkey"));

    device.origin = "https://evil.example".into();
    assert_eq!(ada.cloud.browser().shown(&mut device).error(), wrong, "another site");
    device.origin = right;
    device.flags = PRESENT;
    assert_eq!(ada.cloud.browser().shown(&mut device).error(), wrong, "nobody unlocked it");
    device.flags = PRESENT | VERIFIED;
    let mut forged = Device::new(ada.cloud, 7);
    (forged.handle, forged.signed) = (device.handle.clone(), 90);
    assert_eq!(ada.cloud.browser().shown(&mut forged).error(), wrong, "another key");
    let handle = std::mem::replace(&mut device.handle, BASE64.encode([1; 16]));
    assert_eq!(ada.cloud.browser().shown(&mut device).error(), wrong, "another person");
    device.handle = "!".into();
    assert!(matches!(ada.cloud.browser().shown(&mut device).status, 400 | 401));
    device.handle = handle;
    assert_eq!(ada.cloud.browser().shown(&mut device).status, 200);
    device.signed -= 1;
    assert_eq!(ada.cloud.browser().shown(&mut device).error(), wrong, "it has signed less: a copy");
    let log = ada.get("/audit?most=50").body["rows"].to_string();
    assert_eq!(log.matches("session.refused").count(), 4, "those with her key's name: {log}");
}

#[test]
fn each_challenge_is_good_once_and_for_whom_it_was_made() {
    let mut cloud = named();
    let mut ada = cloud.set_up();
    let mut device = Device::new(ada.cloud, 7);
    let (ceremony, options) = ada.begin();
    let credential = device.make(&options);
    let body = json!({ "ceremony": ceremony, "name": "Telephone", "credential": credential });
    let mut max = ada.invite("max@example.org", "member");
    assert_eq!(max.post("/me/passkeys", body.clone()).error(), (410, "link_is_over"), "not his");
    assert_eq!(ada.post("/me/passkeys", body).error(), (410, "link_is_over"), "he used it up");
    assert_eq!(ada.register(&mut device).status, 204);

    let mut browser = ada.cloud.browser();
    let begun = browser.post("/session/passkey/begin", json!({})).body;
    let credential = device.sign(&begun["options"]["publicKey"]);
    let body = json!({ "ceremony": begun["ceremony"], "credential": credential });
    assert_eq!(browser.post("/session/passkey", body.clone()).status, 200);
    assert_eq!(browser.post("/session/passkey", body.clone()).error(), (410, "link_is_over"));
    // Another one's challenge is not the one that was signed.
    let other = browser.post("/session/passkey/begin", json!({})).body;
    let mut mixed = body;
    mixed["ceremony"] = other["ceremony"].clone();
    assert_eq!(browser.post("/session/passkey", mixed).error(), (401, "wrong_passkey"));
}

#[test]
fn octets_that_no_device_says_are_refused_and_harm_nothing() {
    let mut cloud = named();
    let mut ada = cloud.set_up();
    let mut device = Device::new(ada.cloud, 7);
    let (_, options) = ada.begin();
    let whole = device.make(&options);
    let attestation = BASE64.decode(whole["response"]["attestationObject"].as_str().unwrap());
    let attestation = attestation.unwrap();
    let mut seen = Vec::new();
    for at in (0..attestation.len()).step_by(7) {
        let mut damaged = attestation.clone();
        damaged[at] ^= 0x1f;
        for octets in [damaged, attestation[..at].to_vec()] {
            let (ceremony, options) = ada.begin();
            let mut credential = device.make(&options);
            credential["response"]["attestationObject"] = json!(BASE64.encode(&octets));
            let body = json!({ "ceremony": ceremony, "name": "X", "credential": credential });
            let answer = ada.post("/me/passkeys", body);
            seen.push(answer.status);
            // A key that is another one by a bit, or a device of another make, is still a device's.
            assert!(
                matches!(answer.status, 204 | 401 | 409),
                "{at}: {} {}",
                answer.status,
                answer.body
            );
        }
    }
    assert!(seen.iter().filter(|status| **status == 401).count() > seen.len() / 2);
    for body in [json!({}), json!({ "ceremony": "x", "credential": {} }), json!([1])] {
        assert_eq!(ada.post("/session/passkey", body).error(), (400, "not_understood"));
    }
}

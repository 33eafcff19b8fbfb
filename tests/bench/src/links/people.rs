//! The rooms of the benchmark: enrolled in a cloud's folder by the cloud's own libraries, and kept
//! in one file for the processes that play them.

use anyhow::{Context, Result};
use base64::Engine;
use conclave_directory::repository::Rooms;
use conclave_directory::{KeyFingerprint, Room, RoomStatus, SqliteDirectory};
use conclave_link_cloud::{Authority, ROOM_CERTIFICATE_LIFETIME};
use conclave_types::{OrganisationId, RoomId, UnixTime};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Enrolled rooms, and the files of the servers that they connect to.
pub(crate) struct People {
    folder: PathBuf,
}

/// A room's key and the certificate that it shows.
pub(crate) struct Person {
    pub(crate) key: PrivatePkcs8KeyDer<'static>,
    pub(crate) certificate: CertificateDer<'static>,
}

impl People {
    /// Makes a cloud's folder with this many enrolled rooms.
    pub(crate) fn enrol(folder: &Path, count: usize) -> Result<People> {
        let people = People { folder: folder.to_owned() };
        let now = UnixTime(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
        let data = people.data();
        let authority = Authority::open(&data, now)?;
        let mut directory = SqliteDirectory::open(&data.join("cloud.db"))?;
        let mut file = BufWriter::new(std::fs::File::create(people.file())?);
        for number in 0..count {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            let spki = key.subject_public_key_info();
            let id = RoomId::from_random(0x1000_0000 + number as u128);
            let chain = authority.sign_room(id, &spki, now, ROOM_CERTIFICATE_LIFETIME)?;
            directory.enrol(&Room {
                id,
                organisation: OrganisationId::FIRST,
                name: format!("Room {number}").parse()?,
                serial: number.to_string(),
                key: KeyFingerprint::of(&spki),
                certificate_expires: now.after(ROOM_CERTIFICATE_LIFETIME),
                status: RoomStatus::Active,
                enrolled_at: now,
            })?;
            let leaf = chain.to_der()?.into_iter().next().context("a chain without a leaf")?;
            writeln!(file, "{} {}", base64(&key.serialize_der()), base64(&leaf))?;
        }
        file.flush()?;
        // The same key and certificate for the peers, as they read them.
        let read = |name: &str| std::fs::read(data.join(name)).with_context(|| name.to_owned());
        std::fs::write(people.path("ca.pem"), pem("CERTIFICATE", &read("ca.der")?))?;
        std::fs::write(people.path("server.pem"), pem("CERTIFICATE", &read("link.der")?))?;
        std::fs::write(people.path("server.key"), pem("PRIVATE KEY", &read("link.key")?))?;
        Ok(people)
    }

    /// The cloud's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("cloud")
    }

    /// The file of keys and certificates: a line for each room.
    pub(crate) fn file(&self) -> PathBuf {
        self.path("people")
    }

    /// A file beside them.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Reads the file of [`People::file`].
pub(crate) fn read(file: &Path) -> Result<Vec<Person>> {
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text);
    BufReader::new(std::fs::File::open(file)?)
        .lines()
        .map(|line| {
            let line = line?;
            let (key, certificate) = line.split_once(' ').context("half a room")?;
            Ok(Person {
                key: PrivatePkcs8KeyDer::from(decode(key)?),
                certificate: CertificateDer::from(decode(certificate)?),
            })
        })
        .collect()
}

fn base64(octets: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(octets)
}

fn pem(what: &str, der: &[u8]) -> String {
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines(&base64(der)))
}

/// 64 letters a line, as OpenSSL reads them.
fn lines(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let lines: Vec<String> = letters.chunks(64).map(|line| line.iter().collect()).collect();
    lines.join("\n")
}

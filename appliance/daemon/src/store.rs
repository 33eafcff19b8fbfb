//! What a room keeps through power cuts: who it is, its certificate, its settings. SQLite.

use anyhow::{Context, bail};
use conclave_link_protocol::message::{CertificateChain, RoomIdentity};
use conclave_panel_api::{Language, Layout};
use conclave_room::Settings;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Each step brings a store of the version before it to the next one. Steps are only ever added.
const MIGRATIONS: [&str; 1] = ["CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL)"];

/// The room's store. Every write is on the disk before the call returns.
pub(crate) struct Store {
    connection: Connection,
}

impl Store {
    /// Opens the store, makes it when there is none, and sets aside one that cannot be read: a
    /// room without its memory can be enrolled anew, a room that does not start cannot.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Store> {
        match Store::try_open(path) {
            Ok(store) => Ok(store),
            Err(Unusable::Damaged(why)) => {
                let aside = path.with_extension("damaged");
                tracing::error!(
                    store = %path.display(), kept_as = %aside.display(), why = %why,
                    "the room's store is damaged and was set aside; the room must be enrolled again"
                );
                fs::rename(path, &aside).context("the damaged store cannot be set aside")?;
                for suffix in ["-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(suffix);
                    let _ = fs::remove_file(name);
                }
                Store::try_open(path).map_err(Unusable::into_error)
            }
            Err(other) => Err(other.into_error()),
        }
    }

    fn try_open(path: &Path) -> Result<Store, Unusable> {
        let mut connection = Connection::open(path).map_err(Unusable::from)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .map_err(|error| Unusable::Other(error.into()))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let version = version as usize;
        if version > MIGRATIONS.len() {
            return Err(Unusable::Other(anyhow::anyhow!(
                "the store was written by a newer conclave-roomd (version {version}, this one \
                 knows {}); install that one or a newer one",
                MIGRATIONS.len()
            )));
        }
        for (next, sql) in (1_u32..).zip(MIGRATIONS).skip(version) {
            let change = connection.transaction()?;
            change.execute_batch(sql)?;
            change.pragma_update(None, "user_version", next)?;
            change.commit()?;
        }
        let sound: String = connection.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
        if sound != "ok" {
            return Err(Unusable::Damaged(sound));
        }
        Ok(Store { connection })
    }

    fn put<T: Serialize>(&self, name: &str, value: &T) -> anyhow::Result<()> {
        let text = serde_json::to_string(value)?;
        self.connection
            .execute(
                "INSERT INTO kept (name, value) VALUES ($1, $2) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, text),
            )
            .with_context(|| format!("'{name}' cannot be written to the room's store"))?;
        Ok(())
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let text: Option<String> = self
            .connection
            .query_row("SELECT value FROM kept WHERE name = $1", [name], |row| row.get(0))
            .optional()
            .with_context(|| format!("'{name}' cannot be read from the room's store"))?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .with_context(|| format!("'{name}' in the room's store makes no sense"))
    }

    /// Who the room is and its certificate, when it is enrolled.
    pub(crate) fn enrolment(&self) -> anyhow::Result<Option<(RoomIdentity, CertificateChain)>> {
        Ok(self.get("identity")?.zip(self.get("certificate")?))
    }

    /// Keeps both, or neither.
    pub(crate) fn enrol(
        &mut self,
        identity: &RoomIdentity,
        certificate: &CertificateChain,
    ) -> anyhow::Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let done = self
            .put("identity", identity)
            .and_then(|()| self.put("certificate", certificate))
            .and_then(|()| Ok(self.connection.execute_batch("COMMIT")?));
        if done.is_err() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }

    /// Keeps the room's new name.
    pub(crate) fn remember(&self, identity: &RoomIdentity) -> anyhow::Result<()> {
        self.put("identity", identity)
    }

    /// Keeps a renewed certificate.
    pub(crate) fn renew(&self, certificate: &CertificateChain) -> anyhow::Result<()> {
        self.put("certificate", certificate)
    }

    /// Forgets who the room was.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        let names = "DELETE FROM kept WHERE name IN ('identity', 'certificate')";
        self.connection.execute(names, []).context("the room's store cannot be written")?;
        Ok(())
    }

    /// Lets the file grow to so many pages only: a full disk, for a test.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, most: u32) {
        self.connection.pragma_update(None, "max_page_count", most).expect("a number of pages");
    }

    /// What the people in the room chose.
    pub(crate) fn settings(&self) -> anyhow::Result<Option<Settings>> {
        Ok(self.get::<KeptSettings>("settings")?.map(|kept| Settings {
            language: kept.language,
            volume: kept.volume.min(100),
            layout: kept.layout,
        }))
    }

    /// Keeps what the people in the room chose.
    pub(crate) fn save(&self, settings: Settings) -> anyhow::Result<()> {
        let Settings { language, volume, layout } = settings;
        self.put("settings", &KeptSettings { language, volume, layout })
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct KeptSettings {
    language: Language,
    volume: u8,
    layout: Layout,
}

/// Why a store cannot be used.
enum Unusable {
    /// It is no database, or a broken one.
    Damaged(String),
    /// Anything else: rights, a full disk, a newer version.
    Other(anyhow::Error),
}

impl Unusable {
    fn into_error(self) -> anyhow::Error {
        match self {
            Unusable::Damaged(why) => anyhow::anyhow!("the room's store is damaged: {why}"),
            Unusable::Other(error) => error.context("the room's store cannot be opened"),
        }
    }
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Unusable {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Unusable::Damaged(error.to_string()),
            _ => Unusable::Other(error.into()),
        }
    }
}

/// Makes the data folder, readable by this user alone.
pub(crate) fn make_folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path)
        .with_context(|| format!("the data folder {} cannot be made", path.display()))?;
    if !path.is_dir() {
        bail!("{} is not a folder", path.display());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("the data folder {} belongs to someone else", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_types::RoomId;

    fn identity() -> RoomIdentity {
        RoomIdentity { room: RoomId::from_random(1), name: "Room Ada".parse().unwrap() }
    }

    #[test]
    fn what_was_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.sqlite");
        let chain = CertificateChain(vec!["AAAA".to_owned()]);
        let mut store = Store::open(&path).unwrap();
        assert!(store.enrolment().unwrap().is_none());
        store.enrol(&identity(), &chain).unwrap();
        let settings = Settings { language: Language::French, volume: 30, layout: Layout::Speaker };
        store.save(settings).unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.enrolment().unwrap(), Some((identity(), chain)));
        assert_eq!(store.settings().unwrap(), Some(settings));
        store.forget().unwrap();
        assert!(store.enrolment().unwrap().is_none());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_store_is_set_aside_and_the_room_starts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.sqlite");
        fs::write(&path, b"this was a database once, before the disk tore it ".repeat(200))
            .unwrap();
        let store = Store::open(&path).unwrap();
        assert!(store.enrolment().unwrap().is_none());
        assert!(path.with_extension("damaged").exists());
    }

    #[test]
    fn a_store_of_a_newer_build_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.sqlite");
        Store::open(&path).unwrap().connection.pragma_update(None, "user_version", 99).unwrap();
        let told = format!("{:#}", Store::open(&path).err().unwrap());
        assert!(told.contains("newer"), "{told}");
    }
}

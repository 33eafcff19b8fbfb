//! What a room keeps through power cuts: who it is, its certificate, its settings. SQLite.

use anyhow::{Context, bail};
use conclave_link_protocol::message::{CertificateChain, RoomIdentity, WantedSettings};
use conclave_panel_api::{Language, Layout};
use conclave_room::Settings;
use conclave_update::Kept;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

/// The newest copy, beside the store.
const COPY: &str = ".copy";
/// The one before it: should a copy be damaged as well, there is another.
const OLDER: &str = ".copy-older";

/// Each step brings a store of the version before it to the next one. Steps are only ever added.
const MIGRATIONS: [&str; 1] = ["CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL)"];

/// The room's store. Every write is on the disk before the call returns. Beside it stand two copies,
/// each taken after a change and checked: a damaged store does not make a room a stranger.
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
    /// Something was changed since the last copy.
    copy_due: Cell<bool>,
}

impl Store {
    /// Opens the store, and makes it when there is none. One that cannot be read, or is gone, is set
    /// aside and comes back from its newest good copy. Without one the room starts as a newcomer: it
    /// can be enrolled anew, a room that does not start cannot.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Store> {
        let lost = !fs::metadata(path).is_ok_and(|found| found.len() > 0)
            && [COPY, OLDER].iter().any(|ending| beside(path, ending).exists());
        let opened = if lost {
            Err(Unusable::Damaged("it is gone or empty".to_owned()))
        } else {
            Store::try_open(path)
        };
        let store = match opened {
            Ok(store) => store,
            Err(Unusable::Damaged(why)) => Store::restore(path, &why)?,
            Err(other) => return Err(other.into_error()),
        };
        store.copy_if_due();
        Ok(store)
    }

    fn restore(path: &Path, why: &str) -> anyhow::Result<Store> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let aside = beside(path, &format!(".damaged-{now}"));
        for ending in ["", "-wal", "-shm", "-journal"] {
            match fs::rename(beside(path, ending), beside(&aside, ending)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).context(
                        "the room's store is damaged and cannot be set aside; make its folder \
                         writable, then start again",
                    );
                }
                _ => {}
            }
        }
        for ending in [COPY, OLDER] {
            let copy = beside(path, ending);
            let taken = fs::metadata(&copy).and_then(|file| file.modified()).ok();
            let Ok(_) = fs::copy(&copy, path) else { continue };
            match Store::try_open(path) {
                Ok(store) => {
                    let hours = taken.and_then(|taken| taken.elapsed().ok()).unwrap_or_default();
                    tracing::error!(
                        store = %path.display(), kept_as = %aside.display(), why,
                        copy = %copy.display(), copy_age_s = hours.as_secs(),
                        "the room's store was damaged, set aside, and brought back from its copy: \
                         the room is who it was. What to do: look at the disk before it damages \
                         more; settings changed after the copy may have to be set again"
                    );
                    return Ok(store);
                }
                Err(_) => {
                    let _ = fs::remove_file(path);
                }
            }
        }
        tracing::error!(
            store = %path.display(), kept_as = %aside.display(), why,
            "the room's store is damaged, was set aside, and has no good copy; the room must be \
             enrolled again with the code on its panel"
        );
        Store::try_open(path).map_err(Unusable::into_error)
    }

    fn try_open(path: &Path) -> Result<Store, Unusable> {
        let mut connection = Connection::open(path).map_err(Unusable::from)?;
        match fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != io::ErrorKind::ReadOnlyFilesystem => {
                return Err(Unusable::Other(error.into()));
            }
            _ => {}
        }
        let read_only = connection.is_readonly("main")?;
        if read_only {
            tracing::error!(
                store = %path.display(),
                "the room's store cannot be written: the room links and calls as it is, and keeps \
                 nothing new. What to do: mount its disk for writing (mount -o remount,rw), and \
                 look why it was not"
            );
        } else {
            // A rollback journal and no write-ahead log: a store in one file can be read from a disk
            // that has become read-only. A change costs more, and there are a few a day. EXTRA: the
            // journal's end is on the disk as well before a change counts.
            connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
            connection.pragma_update(None, "synchronous", "EXTRA")?;
        }
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
        let path = path.to_owned();
        let store = Store { connection, path, copy_due: Cell::new(!read_only) };
        // SQLite checks how pages hang together, not what stands in them.
        let sense = store.enrolment().map(drop).and_then(|()| store.settings().map(drop));
        match sense {
            Ok(()) => Ok(store),
            Err(error) => Err(Unusable::Damaged(format!("{error:#}"))),
        }
    }

    /// Takes a copy when something was changed. One that cannot be taken is due until it can.
    pub(crate) fn copy_if_due(&self) {
        if !self.copy_due.get() {
            return;
        }
        match self.copy() {
            Ok(()) => self.copy_due.set(false),
            Err(error) => tracing::debug!("no copy of the room's store: {error:#}"),
        }
    }

    fn copy(&self) -> anyhow::Result<()> {
        let draft = beside(&self.path, ".copy-new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        let mut copy = Connection::open(&draft)?;
        Backup::new(&self.connection, &mut copy)?.step(-1)?;
        let sound: String = copy.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
        if sound != "ok" {
            bail!("it is damaged: {sound}");
        }
        drop(copy);
        fs::File::open(&draft)?.sync_all()?;
        let newest = beside(&self.path, COPY);
        if newest.exists() {
            fs::rename(&newest, beside(&self.path, OLDER))?;
        }
        fs::rename(&draft, &newest)?;
        if let Some(folder) = self.path.parent() {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
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
        self.copy_due.set(true);
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
        self.copy_if_due();
        done
    }

    /// Keeps the room's new name.
    pub(crate) fn remember(&self, identity: &RoomIdentity) -> anyhow::Result<()> {
        self.put("identity", identity)?;
        self.copy_if_due();
        Ok(())
    }

    /// Keeps a renewed certificate.
    pub(crate) fn renew(&self, certificate: &CertificateChain) -> anyhow::Result<()> {
        self.put("certificate", certificate)?;
        self.copy_if_due();
        Ok(())
    }

    /// Forgets who the room was.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        let names = "DELETE FROM kept WHERE name IN ('identity', 'certificate', 'wanted')";
        self.connection.execute(names, []).context("the room's store cannot be written")?;
        // Both copies: the room that was revoked must not come back from the older one.
        for _ in [COPY, OLDER] {
            self.copy_due.set(true);
            self.copy_if_due();
        }
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

    /// What an update left for this start. What makes no sense any more is as good as nothing: a room
    /// that does not start because of it could not be updated either.
    pub(crate) fn update(&self) -> Kept {
        self.get("update")
            .unwrap_or_else(|error| {
                tracing::error!("what was kept of the last update cannot be used: {error:#}");
                None
            })
            .unwrap_or_default()
    }

    /// Keeps what an update needs after a restart.
    pub(crate) fn keep_update(&self, kept: &Kept) -> anyhow::Result<()> {
        self.put("update", kept)
    }

    /// What IT wants of the room. What makes no sense any more comes again with the next link.
    pub(crate) fn wanted(&self) -> Option<WantedSettings> {
        let kept: anyhow::Result<Option<Option<WantedSettings>>> = self.get("wanted");
        kept.map(Option::flatten).unwrap_or_else(|error| {
            tracing::error!("what was kept of the cloud's settings cannot be used: {error:#}");
            None
        })
    }

    /// Keeps what IT wants of the room; `None`: nothing.
    pub(crate) fn keep_wanted(&self, wanted: Option<&WantedSettings>) -> anyhow::Result<()> {
        self.put("wanted", &wanted)
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
    match fs::set_permissions(path, fs::Permissions::from_mode(0o700)) {
        // Told where the store is opened; what can be read there is still good.
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => Ok(()),
        other => other
            .with_context(|| format!("the data folder {} belongs to someone else", path.display())),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
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
    fn a_damaged_store_comes_back_from_its_copy_and_the_room_is_who_it_was() {
        let damages: [fn(&Path); 4] = [
            |path| fs::write(path, b"torn by the disk ".repeat(900)).unwrap(),
            |path| fs::write(path, b"").unwrap(),
            |path| fs::remove_file(path).unwrap(),
            |path| {
                // A whole database that holds nonsense.
                let raw = Connection::open(path).unwrap();
                raw.execute("UPDATE kept SET value = '{' WHERE name = 'identity'", []).unwrap();
            },
        ];
        for (which, damage) in damages.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("room.sqlite");
            let chain = CertificateChain(vec!["AAAA".to_owned()]);
            let mut store = Store::open(&path).unwrap();
            store.enrol(&identity(), &chain).unwrap();
            drop(store);
            damage(&path);
            let store = Store::open(&path).unwrap();
            assert_eq!(store.enrolment().unwrap(), Some((identity(), chain.clone())), "{which}");
            // And when store and newest copy are damaged, the older one is there.
            drop(store);
            drop(Store::open(&path).unwrap());
            damage(&path);
            fs::write(beside(&path, COPY), b"torn").unwrap();
            assert!(Store::open(&path).unwrap().enrolment().unwrap().is_some(), "{which}");
        }
    }

    #[test]
    fn a_room_that_was_forgotten_does_not_come_back_from_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.sqlite");
        let mut store = Store::open(&path).unwrap();
        store.enrol(&identity(), &CertificateChain(vec!["AAAA".to_owned()])).unwrap();
        store.forget().unwrap();
        drop(store);
        for _ in 0..2 {
            fs::write(&path, b"torn").unwrap();
            fs::write(beside(&path, COPY), b"torn").unwrap();
            assert!(Store::open(&path).unwrap().enrolment().unwrap().is_none());
        }
    }

    #[test]
    fn a_damaged_store_without_a_copy_is_set_aside_and_the_room_starts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.sqlite");
        fs::write(&path, b"this was a database once, before the disk tore it ".repeat(200))
            .unwrap();
        let store = Store::open(&path).unwrap();
        assert!(store.enrolment().unwrap().is_none());
        let names = fs::read_dir(folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(names.filter(|name| name.contains(".damaged-")).count(), 1);
    }

    #[test]
    fn a_store_of_a_newer_build_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.sqlite");
        let newer = Store::open(&path).unwrap();
        newer.connection.pragma_update(None, "user_version", 99).unwrap();
        drop(newer);
        let told = format!("{:#}", Store::open(&path).err().unwrap());
        assert!(told.contains("newer"), "{told}");
    }
}

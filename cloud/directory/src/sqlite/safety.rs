//! The database survives its own file: good copies, and lists of the changes since them.
//!
//! Beside `cloud.db` stand, in generations of ever higher number,
//!
//! | name | what |
//! | --- | --- |
//! | `cloud.db.copy-7` | a copy of the database, checked before it got this name |
//! | `cloud.db.changes-7` | every change since a moment just before that copy ([`super::changes`]) |
//!
//! The newest two copies are kept, with all lists from the older one on: a damaged copy costs
//! nothing either. At each start the database is checked. When it is damaged or gone, it is set
//! aside with the time in its name and built anew from the newest good copy and the lists; when it
//! only lacks changes at its end (its write-ahead log was lost), those are put back.
//!
//! docs/decisions/003-changes-beside-the-database.md tells why.

use super::changes::{self, ChangeList};
use crate::repository::StoreError;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A copy is taken this long after the first change since the last one. Nothing is lost meanwhile,
/// the list has it: shorter only copies more often, longer only makes the list longer.
const PAUSE: Duration = Duration::from_secs(60);

/// Copies that are kept: should one be damaged too, there is another.
const COPIES: usize = 2;

/// The lists and copies of one database.
#[derive(Debug)]
pub(super) struct Safety {
    shared: Arc<Shared>,
    /// Wakes the copier; dropped, it ends.
    wake: Option<SyncSender<()>>,
    copier: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    file: PathBuf,
    /// The present list; `None` while the disk lets us begin none.
    list: Mutex<Option<ChangeList>>,
    /// Held by whoever takes a copy.
    copying: Mutex<()>,
}

impl Safety {
    /// Begins a new list after the change of this number, and copies the database. A disk that
    /// lets us do neither is said and tried again with the next change.
    pub(super) fn start(file: &Path, last: u32) -> Safety {
        let shared = Arc::new(Shared {
            file: file.to_owned(),
            list: Mutex::new(None),
            copying: Mutex::new(()),
        });
        if let Err(error) = shared.begin(&mut shared.lock(), last) {
            tracing::error!(
                %error,
                "no list of changes can be begun beside the database; until it can, changes are \
                 refused: make room on the disk, and check that it can be written"
            );
        }
        let (wake, woken) = sync_channel(1);
        let own = shared.clone();
        let copier = std::thread::Builder::new().name("safety-copy".to_owned());
        let copier = copier.spawn(move || own.copy_now_and_then(&woken)).ok();
        Safety { shared, wake: Some(wake), copier }
    }

    /// The present list; held from before a change is committed until after.
    pub(super) fn list(&self, last: u32) -> Result<Held<'_>, io::Error> {
        let mut list = self.shared.lock();
        if list.is_none() {
            self.shared.begin(&mut list, last)?;
        }
        Ok(Held { list })
    }

    /// Something was changed.
    pub(super) fn changed(&self) {
        if let Some(wake) = &self.wake {
            let _ = wake.try_send(()); // Full: it is awake already.
        }
    }

    /// Copies the database now.
    #[cfg(test)]
    pub(super) fn copy(&self) -> Result<(), CopyError> {
        self.shared.copy()
    }
}

impl Drop for Safety {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(copier) = self.copier.take() {
            let _ = copier.join();
        }
    }
}

/// The present list, locked.
pub(super) struct Held<'a> {
    list: MutexGuard<'a, Option<ChangeList>>,
}

impl Held<'_> {
    pub(super) fn append(&mut self, number: u32, text: &str) -> io::Result<()> {
        match self.list.as_mut() {
            Some(list) => list.append(number, text),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn take_back(&mut self, text: &str) {
        if let Some(list) = self.list.as_mut() {
            list.take_back(text);
        }
    }
}

/// Why there is no new copy.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error("the copy cannot be written")]
    File(#[from] io::Error),
    #[error("the database cannot be copied")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the database is damaged: {0}")]
    Damaged(String),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<ChangeList>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the next list.
    fn begin(&self, list: &mut Option<ChangeList>, last: u32) -> io::Result<()> {
        let number = Generations::of(&self.file)?.newest().saturating_add(1);
        *list = Some(ChangeList::begin(&beside(&self.file, "changes", number), last)?);
        Ok(())
    }

    fn copy_now_and_then(&self, woken: &Receiver<()>) {
        let mut failed = false;
        loop {
            match self.copy() {
                Ok(()) => failed = false,
                // Said once: the disk's trouble would otherwise fill the log as well.
                Err(_) if failed => {}
                Err(error @ CopyError::Damaged(_)) => {
                    failed = true;
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        database = %self.file.display(),
                        "no copy of the database was taken; start the cloud again: it then sets the \
                         damaged database aside and builds it anew from its last good copy"
                    );
                }
                Err(error) => {
                    failed = true;
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "no copy of the database could be taken; the list of changes goes on, and \
                         it is tried again"
                    );
                }
            }
            // After a failure again by itself, after a success with the next change.
            let next = if failed { Err(RecvTimeoutError::Timeout) } else { Ok(woken.recv()) };
            if matches!(next, Ok(Err(_))) || !pause(woken) {
                return;
            }
        }
    }

    /// Begins the next list and copies the database beside it, once it is known to be good.
    fn copy(&self) -> Result<(), CopyError> {
        let _copying = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        let number = {
            let mut list = self.lock();
            let generations = Generations::of(&self.file)?;
            let newest = generations.newest();
            match list.as_ref().map(|list| (list.count(), list.last())) {
                // Nothing happened in the newest list: the copy goes with it.
                Some((0, _)) if !generations.copies.contains(&newest) => newest,
                Some((0, _)) => return Ok(()),
                Some((_, last)) => {
                    self.begin(&mut list, last)?;
                    newest.saturating_add(1)
                }
                None => return Err(io::Error::from(io::ErrorKind::StorageFull).into()),
            }
        };
        let path = beside(&self.file, "copy", number);
        let draft = with_ending(&path, ".new");
        let copied = take(&self.file, &draft).and_then(|()| {
            fs::rename(&draft, &path)?;
            Ok(changes::sync_folder(&path)?)
        });
        if copied.is_err() {
            let _ = fs::remove_file(&draft);
        }
        copied?;
        prune(&self.file);
        Ok(())
    }
}

/// Waits for [`PAUSE`], whatever changes meanwhile; false when it is to end.
fn pause(woken: &Receiver<()>) -> bool {
    let end = Instant::now() + PAUSE;
    loop {
        match woken.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// Copies a database while it is in use; what is copied is checked.
fn take(from: &Path, to: &Path) -> Result<(), CopyError> {
    let _ = fs::remove_file(to);
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    source.busy_timeout(super::BUSY_TIMEOUT)?;
    create_private(to)?;
    let mut copy = Connection::open(to)?;
    // All at once, of one moment: in WAL mode readers hold up nobody.
    Backup::new(&source, &mut copy)?.step(-1)?;
    // One file without companions.
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    drop(copy);
    let copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    if let Some(found) = damage(&copy)? {
        return Err(CopyError::Damaged(found));
    }
    drop(copy);
    Ok(File::open(to)?.sync_all()?)
}

/// What is wrong with a database, if anything.
pub(super) fn damage(connection: &Connection) -> Result<Option<String>, rusqlite::Error> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

/// The number of the last change in a database.
pub(super) fn last_change(connection: &Connection) -> Result<u32, rusqlite::Error> {
    let stored: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(stored.cast_unsigned())
}

/// Notes the number of the last change, in the transaction of the change.
pub(super) fn set_last_change(connection: &Connection, to: u32) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "user_version", to.cast_signed())
}

/// What became of a database that was damaged or gone.
#[derive(Debug)]
pub(super) struct Rebuilt {
    /// Where the damaged file is; `None` when none was there.
    pub(super) aside: Option<PathBuf>,
    /// The copy that it was built from; `None`: from the first change on.
    pub(super) copy: Option<PathBuf>,
    /// When that was taken.
    pub(super) taken: Option<SystemTime>,
    /// How many changes were made again.
    pub(super) again: usize,
    /// Whether a list ended in what cannot be read.
    pub(super) torn: bool,
}

/// Whether there is anything to build the database anew from.
pub(super) fn has_copies(file: &Path) -> bool {
    Generations::of(file).is_ok_and(|generations| !generations.copies.is_empty())
}

/// Sets a damaged database aside and builds it anew. `None` when there is nothing to build it from;
/// then it is left where it is.
pub(super) fn rebuild(file: &Path) -> Result<Option<Rebuilt>, StoreError> {
    let failed = |error| StoreError::from_io(file, error);
    let generations = Generations::of(file).map_err(failed)?;
    let lists = generations.lists(file);
    let draft = with_ending(file, ".new");
    for number in generations.copies.iter().rev().copied().map(Some).chain([None]) {
        let copy = number.map(|number| beside(file, "copy", number));
        let _ = fs::remove_file(&draft);
        let begun = match &copy {
            Some(copy) => fs::copy(copy, &draft).map(drop),
            None => create_private(&draft),
        };
        begun.map_err(failed)?;
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let Ok(Some((again, torn))) = build(&draft, number, &lists) else { continue };
        let taken = copy.as_ref().and_then(|copy| fs::metadata(copy).ok()?.modified().ok());
        let aside = set_aside(file).map_err(failed)?;
        fs::rename(&draft, file).and_then(|()| changes::sync_folder(file)).map_err(failed)?;
        return Ok(Some(Rebuilt { aside, copy, taken, again, torn }));
    }
    let _ = fs::remove_file(&draft);
    Ok(None)
}

/// Makes the changes since a copy again; how many, and whether a list was torn. `None` when the
/// copy is damaged or of another history.
fn build(
    draft: &Path,
    generation: Option<u32>,
    lists: &BTreeMap<u32, changes::Found>,
) -> Result<Option<(usize, bool)>, rusqlite::Error> {
    let mut connection = Connection::open(draft)?;
    if damage(&connection)?.is_some() {
        return Ok(None);
    }
    let last = last_change(&connection)?;
    let since: BTreeMap<_, _> = lists.range(generation.unwrap_or(0)..).collect();
    if generation.is_none() && since.values().next().is_none_or(|list| list.base != 0) {
        return Ok(None);
    }
    let given_up = |(number, list): (&&u32, &&changes::Found)| {
        generation.is_some_and(|generation| **number > generation) && list.base < last
    };
    if since.iter().any(given_up) {
        // A list of after this copy begins before it: somebody went back to a backup.
        return Ok(None);
    }
    let again = pending(last, since.values().copied());
    let torn = since.values().any(|list| list.torn > 0);
    let count = apply(&mut connection, last, &again)?;
    if damage(&connection)?.is_some() {
        return Ok(None);
    }
    drop(connection);
    if let Err(error) = File::open(draft).and_then(|file| file.sync_all()) {
        tracing::warn!(%error, "the database that was built anew could not be synced");
    }
    Ok(Some((count, torn)))
}

/// The changes after `last`, without gaps, of lists in their order. A list that begins before the
/// end of the one before it tells that what came after its beginning was given up.
fn pending<'a>(last: u32, lists: impl Iterator<Item = &'a changes::Found>) -> Vec<&'a str> {
    let mut all: BTreeMap<u32, &str> = BTreeMap::new();
    for list in lists {
        all.split_off(&list.base.saturating_add(1));
        all.extend(list.changes.iter().map(|(number, text)| (*number, text.as_str())));
    }
    (last.saturating_add(1)..).map_while(|number| all.get(&number).copied()).collect()
}

fn apply(
    connection: &mut Connection,
    last: u32,
    changes: &[&str],
) -> Result<usize, rusqlite::Error> {
    connection.pragma_update(None, "foreign_keys", "ON")?;
    super::overwrite_what_is_deleted(connection)?;
    let transaction = connection.transaction()?;
    for text in changes {
        transaction.execute_batch(text)?;
    }
    let count = u32::try_from(changes.len()).unwrap_or(u32::MAX);
    set_last_change(&transaction, last.saturating_add(count))?;
    transaction.commit()?;
    Ok(changes.len())
}

/// Puts changes back that were acknowledged and that the database lacks at its end: its write-ahead
/// log was lost. Returns how many.
pub(super) fn roll_forward(connection: &mut Connection, file: &Path) -> Result<usize, StoreError> {
    let sql = |error| super::store_error(file, error);
    let last = last_change(connection).map_err(sql)?;
    let generations = Generations::of(file).map_err(|error| StoreError::from_io(file, error))?;
    let lists = generations.lists(file);
    // Older than everything that is known here: somebody restored a backup on purpose.
    let known = lists
        .values()
        .any(|list| list.base == last || list.changes.iter().any(|(number, _)| *number == last));
    if !known {
        return Ok(0);
    }
    let again = pending(last, lists.values());
    if again.is_empty() {
        return Ok(0);
    }
    apply(connection, last, &again).map_err(sql)
}

/// Moves a database and its companions out of the way, with the time in their name.
fn set_aside(file: &Path) -> io::Result<Option<PathBuf>> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let stamp = stamp(since.as_secs());
    let free = |count: u32| {
        let more = if count == 0 { String::new() } else { format!("-{count}") };
        let aside = with_ending(file, &format!(".damaged-{stamp}{more}"));
        (!aside.exists()).then_some(aside)
    };
    // A hundred in one second are not to be had.
    let aside = (0..100).find_map(free).ok_or(io::ErrorKind::AlreadyExists)?;
    for ending in ["-wal", "-shm"] {
        match fs::rename(with_ending(file, ending), with_ending(&aside, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    match fs::rename(file, &aside) {
        Ok(()) => Ok(Some(aside)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// `20261122T175000Z`: the calendar of Gregory from days since 1970, by eras of 400 years.
pub(super) fn stamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// What stands beside a database.
#[derive(Debug, Default)]
struct Generations {
    copies: Vec<u32>,
    lists: Vec<u32>,
}

impl Generations {
    fn of(file: &Path) -> io::Result<Generations> {
        let mut found = Generations::default();
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else { return Ok(found) };
        for entry in fs::read_dir(folder)? {
            let entry = entry?.file_name();
            let Some(kind) = entry.to_str().and_then(|entry| entry.strip_prefix(name)) else {
                continue;
            };
            let number = |kind: &str, of: &str| kind.strip_prefix(of)?.parse::<u32>().ok();
            found.copies.extend(number(kind, ".copy-"));
            found.lists.extend(number(kind, ".changes-"));
        }
        found.copies.sort_unstable();
        found.lists.sort_unstable();
        Ok(found)
    }

    fn newest(&self) -> u32 {
        self.copies.last().copied().max(self.lists.last().copied()).unwrap_or(0)
    }

    /// The lists that can be read.
    fn lists(&self, file: &Path) -> BTreeMap<u32, changes::Found> {
        let read = |number: &u32| {
            let path = beside(file, "changes", *number);
            match changes::read(&path) {
                Ok(Some(found)) => Some((*number, found)),
                Ok(None) => None,
                Err(error) => {
                    tracing::warn!(%error, list = %path.display(), "a list cannot be read");
                    None
                }
            }
        };
        self.lists.iter().filter_map(read).collect()
    }
}

/// Removes what the two newest copies do not need.
fn prune(file: &Path) {
    let Ok(found) = Generations::of(file) else { return };
    let Some(oldest) = found.copies.iter().rev().nth(COPIES - 1).copied() else { return };
    let copies = found.copies.iter().map(|number| (number, "copy"));
    let lists = found.lists.iter().map(|number| (number, "changes"));
    for (number, kind) in copies.chain(lists).filter(|(number, _)| **number < oldest) {
        if let Err(error) = fs::remove_file(beside(file, kind, *number)) {
            tracing::warn!(%error, "an old copy of the database cannot be removed");
        }
    }
}

fn beside(file: &Path, kind: &str, number: u32) -> PathBuf {
    with_ending(file, &format!(".{kind}-{number}"))
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map(drop)
}

#[cfg(test)]
mod tests;

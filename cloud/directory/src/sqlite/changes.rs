//! The list of changes beside the database: what happened since the last good copy.
//!
//! Each change is one record, appended and on the disk before the change is committed: whatever is
//! acknowledged stands in the database *and* here. A record is
//!
//! | octets | what |
//! | --- | --- |
//! | 0..4 | length of the text, u32, little endian |
//! | 4..8 | the change's number, u32, little endian; the database keeps the last one in `user_version` |
//! | 8..40 | SHA-256 over the first 8 octets and the text |
//! | 40.. | the change's statements, SQL with all values in it, UTF-8 |
//!
//! The first record of a file has the number of the last change before the file, and [`TITLE`] as
//! its text. A file ends at its first record that is not whole: an append that a power cut tore was
//! never acknowledged.

use ring::digest::{Context, SHA256};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// What the first record says; the figure is the version of the format.
const TITLE: &str = "conclave changes, version 1";

/// Octets before the text.
const HEAD: usize = 40;

/// A list that is being written.
#[derive(Debug)]
pub(super) struct ChangeList {
    file: File,
    /// Octets that are whole; what is behind them is a torn append.
    length: u64,
    /// The last change in it.
    last: u32,
    /// Changes in it.
    count: u32,
}

impl ChangeList {
    /// Begins a list after the change of this number. The file must not be there yet.
    pub(super) fn begin(path: &Path, last: u32) -> io::Result<ChangeList> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut list = ChangeList { file, length: 0, last, count: 0 };
        let begun = list.append(last, TITLE).and_then(|()| sync_folder(path));
        if let Err(error) = begun {
            // An empty list would only be in the way of the next try.
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        list.count = 0;
        Ok(list)
    }

    /// Puts a change on the disk; when this fails, the list is as before.
    pub(super) fn append(&mut self, number: u32, text: &str) -> io::Result<()> {
        let length = u32::try_from(text.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut record = Vec::with_capacity(HEAD + text.len());
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&number.to_le_bytes());
        record.extend_from_slice(&checksum(&record, text.as_bytes()));
        record.extend_from_slice(text.as_bytes());
        let mut write = || {
            // At its place, not at the file's end: what a failed append left is written over.
            self.file.write_all_at(&record, self.length)?;
            self.file.flush()?;
            self.file.sync_data()
        };
        if let Err(error) = write() {
            self.cut();
            return Err(error);
        }
        self.length += record.len() as u64;
        self.last = number;
        self.count += 1;
        Ok(())
    }

    /// The change of this number was not committed after all.
    pub(super) fn take_back(&mut self, text: &str) {
        self.length = self.length.saturating_sub((HEAD + text.len()) as u64);
        self.last = self.last.wrapping_sub(1);
        self.count = self.count.saturating_sub(1);
        self.cut();
    }

    /// Takes away what is behind the last whole record, as far as the disk lets us.
    fn cut(&mut self) {
        if let Err(error) = self.file.set_len(self.length).and_then(|()| self.file.sync_data()) {
            tracing::warn!(%error, "the list of changes keeps a change that was refused");
        }
    }

    /// The last change in it, or before it.
    pub(super) fn last(&self) -> u32 {
        self.last
    }

    /// How many changes are in it.
    pub(super) fn count(&self) -> u32 {
        self.count
    }
}

/// A list as it was found.
#[derive(Debug)]
pub(super) struct Found {
    /// The last change before it.
    pub(super) base: u32,
    /// Its changes with their numbers, in order.
    pub(super) changes: Vec<(u32, String)>,
    /// Octets behind the last whole record.
    pub(super) torn: usize,
}

/// Reads a list; `None` when its beginning is not whole.
pub(super) fn read(path: &Path) -> io::Result<Option<Found>> {
    let octets = std::fs::read(path)?;
    let mut rest = octets.as_slice();
    let Some((base, TITLE)) = record(&mut rest) else { return Ok(None) };
    let mut changes = Vec::new();
    while let Some((number, text)) = record(&mut rest) {
        changes.push((number, text.to_owned()));
    }
    Ok(Some(Found { base, changes, torn: rest.len() }))
}

/// Takes the next whole record off.
fn record<'a>(rest: &mut &'a [u8]) -> Option<(u32, &'a str)> {
    let (head, behind) = rest.split_at_checked(HEAD)?;
    let length = u32::from_le_bytes(head[0..4].try_into().ok()?);
    let number = u32::from_le_bytes(head[4..8].try_into().ok()?);
    let (text, behind) = behind.split_at_checked(usize::try_from(length).ok()?)?;
    if checksum(&head[..8], text) != head[8..] {
        return None;
    }
    *rest = behind;
    Some((number, std::str::from_utf8(text).ok()?))
}

fn checksum(head: &[u8], text: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(head);
    context.update(text);
    let mut sum = [0; 32];
    sum.copy_from_slice(context.finish().as_ref());
    sum
}

/// Makes sure that the folder's list of names is on the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_or_changed_record_ends_the_list_and_what_is_before_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes");
        let mut list = ChangeList::begin(&path, 41).unwrap();
        list.append(42, "INSERT 'é'").unwrap();
        list.append(43, "DELETE").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for end in 0..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            let found = read(&path).unwrap();
            let count = found.map_or(0, |found| found.changes.len());
            assert!(count < 2, "{count} changes in {end} of {} octets", whole.len());
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            assert!(read(&path).unwrap().is_none_or(|found| found.changes.len() < 2), "octet {at}");
        }
        std::fs::write(&path, &whole).unwrap();
        let found = read(&path).unwrap().unwrap();
        assert_eq!((found.base, found.torn), (41, 0));
        assert_eq!(found.changes, [(42, "INSERT 'é'".to_owned()), (43, "DELETE".to_owned())]);
    }

    #[test]
    fn a_change_that_was_taken_back_is_gone_and_the_next_one_has_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes");
        let mut list = ChangeList::begin(&path, 0).unwrap();
        list.append(1, "one").unwrap();
        list.append(2, "not to be").unwrap();
        list.take_back("not to be");
        assert_eq!((list.last(), list.count()), (1, 1));
        list.append(2, "two").unwrap();
        let found = read(&path).unwrap().unwrap();
        assert_eq!(found.changes, [(1, "one".to_owned()), (2, "two".to_owned())]);
    }
}

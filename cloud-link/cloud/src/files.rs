//! Small files that appear whole or not at all, readable by their owner alone.

use conclave_types::Secret;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Octets of a file at most; keys have 138, certificates some 500.
const LONGEST: u64 = 16 * 1024;

/// A file or its folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used", path.display())]
pub struct FileError {
    /// Which one.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FileError + use<> {
    let path = path.to_owned();
    |cause| FileError { path, cause }
}

/// Makes the folder when it is not there, for its owner alone.
pub(crate) fn make_folder(path: &Path) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))
}

/// The file's content; `None` when it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Secret<Vec<u8>>>, FileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path)(error)),
    };
    let mut content = Vec::new();
    file.take(LONGEST).read_to_end(&mut content).map_err(failed(path))?;
    Ok(Some(Secret::new(content)))
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let draft = draft(path, content)?;
    // A link, not a rename: it fails when the name is taken.
    fs::hard_link(&draft, path).map_err(failed(path))?;
    fs::remove_file(&draft).map_err(failed(&draft))?;
    sync_folder(path)
}

/// Writes a file in place of the one that is there.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let draft = draft(path, content)?;
    rename(&draft, path)
}

/// Moves a file in place of another one.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(failed(from))?;
    sync_folder(to)
}

fn draft(path: &Path, content: &[u8]) -> Result<PathBuf, FileError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let draft = PathBuf::from(name);
    // A draft is what a power cut left of an earlier try.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&draft)(error)),
        _ => {}
    }
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(failed(&draft))?;
    Ok(draft)
}

fn sync_folder(path: &Path) -> Result<(), FileError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))
}

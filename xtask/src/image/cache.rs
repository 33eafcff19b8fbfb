//! What was made is kept beside the key of what went into it, and made anew when the key differs.
//!
//! A key is the SHA-256 of names and contents, by coreutils' sha256sum: xtask has no cryptography of
//! its own. The key is written last, so that a run that was interrupted counts for nothing.

use super::output;
use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What something is made of.
#[derive(Default)]
pub(crate) struct Ingredients {
    text: String,
}

impl Ingredients {
    /// A word that matters: an option, a name, another key.
    pub(crate) fn word(&mut self, name: &str, value: &str) -> &mut Ingredients {
        self.text.push_str(&format!("{name}={value}\n"));
        self
    }

    /// A file, or a folder with everything below it.
    pub(crate) fn path(&mut self, path: &Path) -> Result<&mut Ingredients> {
        let mut files = Vec::new();
        files_below(path, &mut files)?;
        files.sort();
        for file in files {
            let sum = sha256(&file)?;
            let name = file.strip_prefix(path).unwrap_or(&file).display();
            self.text.push_str(&format!("{sum} {name}\n"));
        }
        Ok(self)
    }

    /// Their key: 64 hexadecimal digits.
    pub(crate) fn key(&self) -> Result<String> {
        let mut child = Command::new("sha256sum")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("sha256sum could not be started")?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(self.text.as_bytes())?;
        }
        let answer = child.wait_with_output()?;
        let answer = String::from_utf8_lossy(&answer.stdout);
        answer.split_whitespace().next().map(str::to_owned).context("sha256sum said nothing")
    }
}

/// A file's SHA-256: 64 hexadecimal digits.
pub(crate) fn sha256(file: &Path) -> Result<String> {
    let printed = output(Command::new("sha256sum").arg(file))?;
    let sum = printed.split_whitespace().next().map(|sum| sum.trim_start_matches('\\'));
    sum.map(str::to_owned).with_context(|| format!("sha256sum said nothing of {}", file.display()))
}

fn files_below(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let told = || format!("{} cannot be read", path.display());
    if fs::symlink_metadata(path).with_context(told)?.is_dir() {
        for entry in fs::read_dir(path).with_context(told)? {
            files_below(&entry?.path(), found)?;
        }
    } else {
        found.push(path.to_owned());
    }
    Ok(())
}

/// Whether what stands beside this key file was made of the same.
pub(crate) fn is_current(key_file: &Path, key: &str) -> bool {
    fs::read_to_string(key_file).is_ok_and(|kept| kept.trim() == key)
}

/// From here on what stands beside the key file is worth nothing, until [`made`].
pub(crate) fn begin(key_file: &Path) -> Result<()> {
    match fs::remove_file(key_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", key_file.display()))
        }
        _ => Ok(()),
    }
}

/// It is made.
pub(crate) fn made(key_file: &Path, key: &str) -> Result<()> {
    fs::write(key_file, key).with_context(|| format!("{} cannot be written", key_file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_and_a_changed_name_change_the_key() {
        let folder = std::env::temp_dir().join(format!("conclave-cache-{}", std::process::id()));
        fs::create_dir_all(folder.join("below")).unwrap();
        let key = || {
            let mut ingredients = Ingredients::default();
            ingredients.word("kind", "x").path(&folder).unwrap().key().unwrap()
        };
        fs::write(folder.join("below/a"), "one").unwrap();
        let first = key();
        assert_eq!((first.len(), key()), (64, first.clone()));
        fs::write(folder.join("below/a"), "two").unwrap();
        let second = key();
        fs::rename(folder.join("below/a"), folder.join("below/b")).unwrap();
        let third = key();
        assert!(first != second && second != third);
        fs::remove_dir_all(folder).unwrap();
    }
}

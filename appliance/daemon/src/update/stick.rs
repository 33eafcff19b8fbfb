//! What somebody brings on a stick: the image mounts it, read-only; here it is looked at and copied.
//!
//! A stick may be pulled out at any moment: what was read of it counts only once it was copied whole, and
//! RAUC looks at the copy's signature again.

use super::installer::Installer;
use conclave_types::{BundleHash, Version};
use conclave_update::{Brought, Bundle};
use ring::digest;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often it is looked whether there is one. Longer, and whoever put it in wonders.
pub(super) const LOOK: Duration = Duration::from_secs(2);
/// Bundles that are looked at, by their names: a folder full of them must not keep RAUC busy for minutes.
const MOST_BUNDLES: usize = 8;
/// Names that are read at all.
const MOST_NAMES: usize = 4_096;
/// Larger files are no bundles: what is in one goes into a boot partition and a system slot, 1.1 GiB together.
const LARGEST: u64 = 4 << 30;

/// One bundle on a stick, as it lies there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Lies {
    path: PathBuf,
    octets: u64,
    written: Option<SystemTime>,
}

/// What is known of the stick.
#[derive(Debug, Default)]
pub(super) struct Stick {
    /// Where it is mounted; `None` where rooms take none.
    folder: Option<PathBuf>,
    lies: Vec<Lies>,
    /// The bundle that the person was told of.
    best: Option<PathBuf>,
}

impl Stick {
    pub(super) fn new(folder: Option<PathBuf>) -> Stick {
        Stick { folder, ..Stick::default() }
    }

    /// Whether there can be one.
    pub(super) fn is_looked_for(&self) -> bool {
        self.folder.is_some()
    }

    /// Looks; `None` when nothing has changed.
    pub(super) async fn look(
        &mut self,
        installer: &impl Installer,
        board: &str,
    ) -> Option<Option<Brought>> {
        let folder = self.folder.clone()?;
        let lies = tokio::task::spawn_blocking(move || bundles(&folder)).await.unwrap_or_default();
        if lies == self.lies {
            return None;
        }
        self.lies = lies;
        self.best = None;
        let mut best: Option<(u8, Version, PathBuf, Brought)> = None;
        for Lies { path, .. } in &self.lies {
            let (brought, rank, version) = match installer.inspect(path).await {
                Ok(bundle) => {
                    let (rank, version) = rank(&bundle, board);
                    (Brought::Bundle(bundle), rank, version)
                }
                Err(error) => {
                    tracing::warn!(path = %path.display(), "not taken from the stick: {error:#}");
                    (Brought::NotSigned, 0, Version::default())
                }
            };
            let better =
                best.as_ref().is_none_or(|(of, known, ..)| (rank, version) > (*of, *known));
            if better {
                best = Some((rank, version, path.clone(), brought));
            }
        }
        let Some((_, _, path, brought)) = best else { return Some(None) };
        tracing::info!(path = %path.display(), ?brought, "on the stick");
        self.best = Some(path);
        Some(Some(brought))
    }

    /// The bundle that the person was told of.
    pub(super) fn best(&self) -> Option<PathBuf> {
        self.best.clone()
    }
}

/// What is for this board comes first, then what is newest.
fn rank(bundle: &Bundle, board: &str) -> (u8, Version) {
    let fits = u8::from(bundle.compatible == board);
    (1 + fits, bundle.version.parse().unwrap_or_default())
}

/// The bundles in the stick's uppermost folder; none when it is not there, or cannot be read.
fn bundles(folder: &Path) -> Vec<Lies> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<Lies> = entries
        .take(MOST_NAMES)
        .flatten()
        .filter(|entry| is_bundle(&entry.path()))
        .filter_map(|entry| {
            let (path, metadata) = (entry.path(), entry.metadata().ok()?);
            let fits = metadata.is_file() && (1..=LARGEST).contains(&metadata.len());
            let written = metadata.modified().ok();
            fits.then_some(Lies { path, octets: metadata.len(), written })
        })
        .collect();
    found.sort();
    found.truncate(MOST_BUNDLES);
    found
}

/// By its name; what an Apple computer leaves beside each file begins with a dot.
fn is_bundle(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("raucb"));
    ending && !hidden
}

/// Copies a bundle into the folder, under its hash; gives that and its octets.
pub(super) fn copy(
    from: &Path,
    folder: &Path,
    mut progress: impl FnMut(u8),
) -> io::Result<(BundleHash, u64)> {
    let mut from = File::open(from)?;
    let size = from.metadata()?.len().min(LARGEST);
    fs::create_dir_all(folder)?;
    super::worker::keep_only(folder, None)?;
    let part = folder.join("from-stick");
    let mut to = File::create(&part)?;
    let (mut hash, mut octets) = (digest::Context::new(&digest::SHA256), vec![0; 1 << 20]);
    let mut copied = 0;
    while copied < size {
        let read = from.read(&mut octets)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all(&octets[..read])?;
        hash.update(&octets[..read]);
        copied += read as u64;
        progress(u8::try_from(copied.saturating_mul(100) / size).unwrap_or(100));
    }
    to.sync_all()?;
    let mut sha256 = BundleHash([0; 32]);
    sha256.0.copy_from_slice(hash.finish().as_ref());
    fs::rename(&part, super::worker::file_in(folder, sha256))?;
    Ok((sha256, copied))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bundles_in_the_uppermost_folder_count_and_no_more_than_a_few() {
        let stick = tempfile::tempdir().unwrap();
        assert!(bundles(&stick.path().join("none")).is_empty());
        for name in ["photo.jpg", "._conclave.raucb", "empty.raucb"] {
            fs::write(stick.path().join(name), if name.starts_with('e') { "" } else { "x" })
                .unwrap();
        }
        fs::create_dir(stick.path().join("folder.raucb")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", stick.path().join("zero.raucb")).unwrap();
        assert!(bundles(stick.path()).is_empty());
        for n in 0..20 {
            fs::write(stick.path().join(format!("{n:02}.RAUCB")), "x").unwrap();
        }
        let found = bundles(stick.path());
        assert_eq!(found.len(), MOST_BUNDLES);
        assert!(found[0].path.ends_with("00.RAUCB"));
    }

    #[test]
    fn a_copy_stands_under_its_hash_and_what_was_there_is_gone() {
        let (stick, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let bundle = stick.path().join("conclave.raucb");
        let content: Vec<u8> = (0..3 << 20).map(|n: u32| (n / 7) as u8).collect();
        fs::write(&bundle, &content).unwrap();
        fs::write(data.path().join("older.raucb"), "x").unwrap();
        let mut steps = Vec::new();
        let (sha256, octets) = copy(&bundle, data.path(), |percent| steps.push(percent)).unwrap();
        assert_eq!(octets, content.len() as u64);
        assert_eq!(steps.last(), Some(&100));
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1);
        let copy = fs::read(data.path().join(format!("{sha256}.raucb"))).unwrap();
        assert_eq!(copy, content);
        let hash = digest::digest(&digest::SHA256, &content);
        assert_eq!(sha256.0, hash.as_ref());
    }

    #[test]
    fn what_is_for_this_board_comes_before_what_is_newer() {
        let of = |version: &str, board: &str| Bundle {
            version: version.to_owned(),
            compatible: board.to_owned(),
        };
        let ours = rank(&of("1.1.0", "conclave-virtual"), "conclave-virtual");
        assert!(ours > rank(&of("1.0.9", "conclave-virtual"), "conclave-virtual"));
        assert!(ours > rank(&of("9.0.0", "conclave-other"), "conclave-virtual"));
        assert!(rank(&of("no version", "conclave-other"), "x") > (0, Version::default()));
    }
}

//! The folder that a demo or a test plays in, and the programs that it starts.

use crate::process::last_lines;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// Lines of each log that a failed test prints.
const TAIL: usize = 40;

/// A folder for one play: everything that is started on it keeps its files and its log in there.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    programs: PathBuf,
    verbose: AtomicBool,
}

impl Stage {
    /// An empty stage in the system's folder for temporary files, where the paths of sockets stay
    /// short enough (108 octets, unix(7)).
    pub fn new() -> Result<Stage> {
        let folder = tempfile::Builder::new().prefix("conclave-").tempdir()?;
        let me = std::env::current_exe()?;
        // target/debug/demo, or a test in target/debug/deps/.
        let mut programs = me.parent().context("a program stands in a folder")?;
        if programs.ends_with("deps") {
            programs = programs.parent().context("deps/ stands in a folder")?;
        }
        let verbose = AtomicBool::new(false);
        Ok(Stage { programs: programs.to_owned(), folder, verbose })
    }

    /// The folder. It is removed with the stage, unless something failed.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whatever is started from now on logs all that it can.
    pub fn verbose(&self) {
        self.verbose.store(true, Ordering::Relaxed);
    }

    /// What programs log: for the variable CONCLAVE_LOG.
    pub fn log_level(&self) -> &'static str {
        if self.verbose.load(Ordering::Relaxed) { "trace" } else { "info" }
    }

    /// A program of the workspace, beside the one that runs.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        let path = self.programs.join(name);
        if !path.is_file() {
            bail!(
                "{} is not built. Run `cargo xtask demo` or `cargo xtask test`, which build it; or \
                 `cargo build --workspace --features driver --bins`.",
                path.display()
            );
        }
        Ok(path)
    }

    /// The target folder, where the programs were built.
    pub fn target(&self) -> &Path {
        self.programs.parent().unwrap_or(&self.programs)
    }

    /// A folder or file of the workspace's sources.
    pub fn source(&self, path: &str) -> PathBuf {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().nth(2).unwrap_or(here).join(path)
    }

    /// The ends of all logs, for whoever has to find out what went wrong.
    pub fn last_words(&self) -> String {
        let mut logs = Vec::new();
        collect_logs(self.folder(), &mut logs);
        logs.sort();
        let mut text = String::new();
        for log in logs {
            let shown = log.strip_prefix(self.folder()).unwrap_or(&log);
            let content = std::fs::read_to_string(&log).unwrap_or_default();
            text.push_str(&format!("── {}\n{}\n", shown.display(), last_lines(&content, TAIL)));
        }
        text
    }

    /// Leaves the folder where it is for inspection, and says where that is.
    pub fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

fn collect_logs(folder: &Path, logs: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_logs(&path, logs);
        } else if path.extension().is_some_and(|ending| ending == "log") {
            logs.push(path);
        }
    }
}

/// Plays one scene of a test on a fresh stage. When it fails, the ends of all logs are printed
/// and the folder is kept.
pub fn scene(play: impl FnOnce(&Stage) -> Result<()>) -> Result<()> {
    let stage = Stage::new()?;
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&stage)));
    let trouble = match played {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(trouble)) => Ok(trouble),
        Err(panic) => Err(panic),
    };
    eprintln!("{}", stage.last_words());
    eprintln!("Everything is kept in {}", stage.keep().display());
    match trouble {
        Ok(trouble) => Err(trouble),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_all_logs_are_shown_with_their_names() {
        let stage = Stage::new().unwrap();
        let room = stage.folder().join("room");
        std::fs::create_dir(&room).unwrap();
        std::fs::write(room.join("roomd.log"), "one\ntwo\n").unwrap();
        std::fs::write(stage.folder().join("cloud.log"), "three\n").unwrap();
        assert_eq!(stage.last_words(), "── cloud.log\nthree\n── room/roomd.log\none\ntwo\n");
    }

    #[test]
    fn a_program_that_is_not_built_is_named_with_the_way_to_build_it() {
        let trouble = Stage::new().unwrap().program("conclave-nothing").unwrap_err().to_string();
        assert!(trouble.contains("conclave-nothing") && trouble.contains("cargo"), "{trouble}");
    }

    #[test]
    fn a_scene_that_fails_keeps_its_folder_and_one_that_does_not_cleans_up() {
        let mut folders = Vec::new();
        scene(|stage| {
            folders.push(stage.folder().to_owned());
            Ok(())
        })
        .unwrap();
        assert!(!folders[0].exists());
        assert!(
            scene(|stage| {
                folders.push(stage.folder().to_owned());
                bail!("on purpose")
            })
            .is_err()
        );
        assert!(folders[1].exists());
        std::fs::remove_dir_all(&folders[1]).unwrap();
    }
}

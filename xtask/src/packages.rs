//! The Debian packages of `packages.txt`: which are missing, and getting them.
//!
//! 1. ask dpkg which of them are installed;
//! 2. name the missing ones with the reason for each;
//! 3. `apt-get install` as root, else through sudo;
//! 4. ask dpkg again.

use crate::mirror;
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

/// One line of `packages.txt`.
#[derive(Debug, PartialEq, Eq)]
struct Package<'a> {
    /// As apt-get takes it: a name, or `name/suite` for one that is not from Debian 12 itself.
    name: &'a str,
    why: &'a str,
}

impl Package<'_> {
    /// As dpkg knows it.
    fn installed_as(&self) -> &str {
        self.name.split_once('/').map_or(self.name, |(name, _)| name)
    }
}

const LIST: &str = include_str!("../packages.txt");

/// What stands above the packages that benchmarks alone want: programs of others, to measure beside.
const BENCH_HEADING: &str = "# For the benchmarks.";

/// What stands above the packages that images and their tests alone want.
const IMAGE_HEADING: &str = "# For images and their tests.";

/// What the packages are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building, running, demo and tests.
    Test,
    /// The benchmarks too.
    Bench,
    /// Images, and booting them; building too, but no benchmarks.
    Image,
}

/// Sees to it that every package of the list that serves the purpose is installed.
pub(crate) fn install(purpose: Purpose) -> Result<()> {
    let wanted = list(purpose);
    if !there("dpkg-query") || !there("apt-get") {
        bail!("{}", by_hand(&wanted, "This system has no apt-get"));
    }
    let missing = missing(&wanted)?;
    if missing.is_empty() {
        eprintln!("✓ All {} Debian packages are installed.", wanted.len());
        return Ok(());
    }
    if !is_debian_12(&std::fs::read_to_string("/etc/os-release").unwrap_or_default()) {
        bail!("{}", by_hand(&missing, "This is not Debian 12, where package names are known"));
    }
    eprintln!("These Debian packages are missing and will be installed:");
    for package in &missing {
        eprintln!("  {:<34} {}", package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    apt_get_install(&names)?;
    let left = self::missing(&wanted)?;
    if !left.is_empty() {
        bail!("{}", by_hand(&left, "apt-get said it was done, yet something is still missing"));
    }
    eprintln!("✓ All {} Debian packages are installed.", wanted.len());
    Ok(())
}

/// The packages of the list that serve the purpose: those for everything stand first, then each
/// special purpose has a heading of its own.
fn list(purpose: Purpose) -> Vec<Package<'static>> {
    let (rest, image) = LIST.split_once(IMAGE_HEADING).unwrap_or((LIST, ""));
    let (everything, bench) = rest.split_once(BENCH_HEADING).unwrap_or((rest, ""));
    let mut packages = parse(everything);
    packages.extend(match purpose {
        Purpose::Test => Vec::new(),
        Purpose::Bench => parse(bench),
        Purpose::Image => parse(image),
    });
    packages
}

fn parse(list: &str) -> Vec<Package<'_>> {
    list.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| match line.split_once(char::is_whitespace) {
            Some((name, why)) => Package { name, why: why.trim() },
            None => Package { name: line, why: "" },
        })
        .collect()
}

fn missing<'a>(wanted: &[Package<'a>]) -> Result<Vec<Package<'a>>> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${db:Status-Abbrev}\n"])
        .args(wanted.iter().map(Package::installed_as))
        .stderr(Stdio::null()) // It complains of the missing ones, which is what we are after.
        .output()
        .context("dpkg-query could not be started")?;
    let installed = installed(&String::from_utf8_lossy(&output.stdout));
    let there = |package: &Package<'_>| installed.iter().any(|name| name == package.installed_as());
    let left = wanted.iter().filter(|package| !there(package));
    Ok(left.map(|package| Package { ..*package }).collect())
}

/// The names that dpkg-query shows as wanted and installed (`ii`).
fn installed(shown: &str) -> Vec<String> {
    shown
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, status)| status.trim_end() == "ii")
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn apt_get_install(names: &[&str]) -> Result<()> {
    let root = is_root()?;
    if !root {
        if !there("sudo") {
            bail!(
                "Installing packages needs root, and there is no sudo here. As root, run\n  \
                 apt-get update && apt-get install --no-install-recommends {}\nthen this again.",
                names.join(" ")
            );
        }
        eprintln!("You are not root, so sudo may ask for your password: apt-get needs it.");
    }
    for suite in names.iter().filter_map(|name| Some(name.split_once('/')?.1)) {
        mirror::see(suite, root)?;
    }
    // A fresh machine has no package lists yet, or ones that have gone stale.
    if !known(names) {
        apt_get(root, &["update"])?;
    }
    let install = [&["install", "--yes", "--no-install-recommends"], names].concat();
    if apt_get(root, &install).is_err() {
        eprintln!("Once more, with fresh package lists.");
        apt_get(root, &["update"])?;
        apt_get(root, &install)?;
    }
    Ok(())
}

fn apt_get(root: bool, arguments: &[&str]) -> Result<()> {
    let mut command = if root {
        Command::new("env")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    };
    let status = command
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"])
        .args(arguments)
        .status()
        .context("apt-get could not be started")?;
    if !status.success() {
        bail!(
            "`apt-get {}` did not succeed; it says above why. Mend that, then run this again.",
            arguments.join(" ")
        );
    }
    Ok(())
}

/// Whether apt has heard of every one of these.
fn known(names: &[&str]) -> bool {
    Command::new("apt-cache")
        .args(["show", "--no-all-versions"])
        .args(names)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

pub(crate) fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output().context("id could not be started")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

fn there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn is_debian_12(os_release: &str) -> bool {
    let field = |name: &str| {
        os_release.lines().find_map(|line| {
            line.strip_prefix(name)?.strip_prefix('=').map(|value| value.trim_matches('"'))
        })
    };
    field("ID") == Some("debian") && field("VERSION_ID") == Some("12")
}

fn by_hand(packages: &[Package<'_>], reason: &str) -> String {
    let mut text = format!("{reason}. Install by hand what these Debian packages hold:\n");
    for package in packages {
        text.push_str(&format!("  {:<34} {}\n", package.name, package.why));
    }
    text.push_str("Then run this again with --no-install.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_says_why() {
        let list = parse(LIST);
        assert!(list.len() > 20);
        for package in &list {
            assert!(!package.why.is_empty(), "{} has no reason", package.name);
        }
        let mut names: Vec<_> = list.iter().map(|package| package.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), list.len(), "a package is listed twice");
    }

    #[test]
    fn what_serves_one_purpose_is_installed_for_that_one_alone() {
        let named = |purpose, name| list(purpose).iter().any(|package| package.name == name);
        for (name, its) in [("mosquitto", Purpose::Bench), ("mmdebstrap", Purpose::Image)] {
            for purpose in [Purpose::Test, Purpose::Bench, Purpose::Image] {
                assert_eq!(named(purpose, name), purpose == its, "{name} for {purpose:?}");
            }
        }
        assert!(named(Purpose::Image, "build-essential"));
    }

    #[test]
    fn remarks_and_empty_lines_are_no_packages() {
        let list = parse("# build\n\n  gcc   compiles C  \nmake\n");
        assert_eq!(
            list,
            [Package { name: "gcc", why: "compiles C" }, Package { name: "make", why: "" }]
        );
    }

    #[test]
    fn a_package_that_was_removed_but_kept_its_settings_is_not_installed() {
        let shown = "gcc ii \nmake rc \ncurl un \nlibc6 ii \nlibc6 ii \n";
        assert_eq!(installed(shown), ["gcc", "libc6", "libc6"]);
    }

    #[test]
    fn debian_12_is_told_from_its_relatives() {
        assert!(is_debian_12("NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n"));
        assert!(!is_debian_12("VERSION_ID=\"13\"\nID=debian\n"));
        assert!(!is_debian_12("VERSION_ID=\"12\"\nID=elsewhere\nID_LIKE=debian\n"));
        assert!(!is_debian_12(""));
    }

    #[test]
    fn what_to_install_by_hand_names_each_package_and_the_way_on() {
        let text = by_hand(&[Package { name: "gcc", why: "compiles C" }], "No apt-get");
        assert!(text.contains("gcc") && text.contains("--no-install"), "{text}");
    }
}

//! Debian's packages, as dpkg's status file lists them.

use super::spdx::{self, Package};
use anyhow::{Context, Result};

/// The installed packages of a status file.
pub(crate) fn packages(status: &str, suite: &str) -> Vec<Package> {
    let blocks = status.split("\n\n").filter(|block| {
        field(block, "Status").is_some_and(|status| status.ends_with(" ok installed"))
    });
    blocks.filter_map(|block| package(block, suite)).collect()
}

fn package(block: &str, suite: &str) -> Option<Package> {
    let name = field(block, "Package")?;
    let version = field(block, "Version")?;
    let architecture = field(block, "Architecture")?;
    // "gcc-14", or "linux-signed-amd64 (6.12.117+1)" where the source has a version of its own.
    let (source, source_version) = match field(block, "Source").unwrap_or(name).split_once(" (") {
        Some((source, version)) => (source, version.trim_end_matches(')')),
        None => (field(block, "Source").unwrap_or(name), version),
    };
    Some(Package {
        kind: "deb",
        name: name.to_owned(),
        version: version.to_owned(),
        purpose: "LIBRARY",
        supplier: Some("Organization: Debian".to_owned()),
        purl: Some(format!(
            "pkg:deb/debian/{}@{}?arch={architecture}&distro={suite}",
            spdx::quoted(name),
            spdx::quoted(version)
        )),
        source: Some(format!("source package {source} {source_version}")),
        comment: field(block, "Maintainer").map(|who| format!("Maintainer: {who}")),
        ..Package::default()
    })
}

fn field<'a>(block: &'a str, name: &str) -> Option<&'a str> {
    block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The name of this machine's own Debian.
pub(crate) fn suite_of_this_machine() -> Result<String> {
    let text = std::fs::read_to_string("/etc/os-release").context("/etc/os-release")?;
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(name.unwrap_or("unknown").trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "\
Package: libstdc++6
Status: install ok installed
Maintainer: Debian GCC Maintainers <debian-gcc@lists.debian.org>
Architecture: amd64
Source: gcc-14 (14.2.0-19a)
Version: 1:14.2.0-19
Description: a library
 Version: 7, says a description

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: adduser
Status: install ok installed
Architecture: all
Version: 3.152
";

    #[test]
    fn installed_packages_are_listed_with_where_they_come_from() {
        let found = packages(STATUS, "trixie");
        let purls: Vec<_> = found.iter().filter_map(|package| package.purl.as_deref()).collect();
        assert_eq!(
            purls,
            [
                "pkg:deb/debian/libstdc%2B%2B6@1%3A14.2.0-19?arch=amd64&distro=trixie",
                "pkg:deb/debian/adduser@3.152?arch=all&distro=trixie"
            ]
        );
        assert_eq!(found[0].source.as_deref(), Some("source package gcc-14 14.2.0-19a"));
        assert_eq!(found[1].source.as_deref(), Some("source package adduser 3.152"));
    }
}

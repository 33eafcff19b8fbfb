//! What a pure crate may not name in its sources, and what no file of the repository may hold.
//!
//! The dependency tree does not show the standard library's sockets, files, threads and clocks, so
//! the text is searched for them. Comments and quoted text do not count, nor do a file's tests
//! (`#[cfg(test)]` to its end: they stand last).

use crate::graph::workspace_folder;
use crate::layers::{Kind, Place};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Names that do I/O, start threads, tell the time or draw chance. Addresses such as `std::net::IpAddr`
/// are only data and stay allowed.
const FORBIDDEN: &[&str] = &[
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixDatagram",
    "UnixListener",
    "UnixStream",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "fs::File",
    "thread::spawn",
    "Instant::now",
    "SystemTime",
    "RandomState",
    "ToSocketAddrs",
    "println!",
    "eprintln!",
];

/// One sentence for each forbidden name in a pure crate of the house.
pub fn check(house: &[Place]) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for place in house.iter().filter(|p| matches!(p.kind, Kind::Pure | Kind::Wraps)) {
        let mut files = Vec::new();
        rust_files(&workspace_folder().join(place.folder).join("src"), &mut files)?;
        for file in files {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("{} could not be read", file.display()))?;
            let shown = file.strip_prefix(workspace_folder()).unwrap_or(&file);
            wrong.extend(
                forbidden_names(&text)
                    .into_iter()
                    .map(|(line, name)| format!("{}:{line} names {name}", shown.display())),
            );
        }
    }
    Ok(wrong)
}

/// The attribute with which a crate has the compiler refuse unsafe code.
const FORBID: &str = "#![forbid(unsafe_code)]";

/// Crates that cannot have it, and why.
const UNSAFE: &[(&str, &str)] = &[
    ("fuzz", "an allocator is unsafe by its trait; it limits what outside octets may ask for"),
    ("appliance/media", "C functions of glibc and Linux keep the room's memory small"),
    ("ui-kiosk", "Slint writes the panel's code, and allows itself what its tables need"),
];

/// One sentence for each library and program of the house that lets unsafe code in.
pub fn check_unsafe(house: &[Place]) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for place in house.iter().filter(|p| UNSAFE.iter().all(|(folder, _)| *folder != p.folder)) {
        let source = workspace_folder().join(place.folder).join("src");
        let mut roots = vec![source.join("lib.rs"), source.join("main.rs")];
        for entry in std::fs::read_dir(source.join("bin")).into_iter().flatten().flatten() {
            roots.extend([entry.path(), entry.path().join("main.rs")]);
        }
        roots.retain(|root| root.is_file());
        if roots.is_empty() {
            wrong.push(format!("{} has neither a library nor a program", place.folder));
        }
        for root in roots {
            let text = std::fs::read_to_string(&root)
                .with_context(|| format!("{} could not be read", root.display()))?;
            if !text.lines().any(|line| line == FORBID) {
                let shown = root.strip_prefix(workspace_folder()).unwrap_or(&root);
                wrong.push(format!("{} lacks {FORBID}", shown.display()));
            }
        }
    }
    Ok(wrong)
}

/// One sentence for each file of the repository that holds a private key.
pub fn check_keys() -> Result<Vec<String>> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(workspace_folder())
        .output()
        .context("git could not be started")?;
    anyhow::ensure!(listed.status.success(), "git does not list the files of the repository");
    let listed = String::from_utf8(listed.stdout).context("a file's name is no text")?;
    let mut wrong = Vec::new();
    for path in listed.split_terminator('\0') {
        // Gone from the folder and not yet from git's list.
        let Ok(octets) = std::fs::read(workspace_folder().join(path)) else { continue };
        if holds_a_private_key(&octets) {
            wrong.push(format!("{path} holds a private key"));
        }
    }
    Ok(wrong)
}

/// In PEM, or on a curve in PKCS#8 as DER (RFC 5958: version 0, then id-ecPublicKey), which is how rooms
/// and clouds keep theirs.
fn holds_a_private_key(octets: &[u8]) -> bool {
    const BEGINS: &[u8] = b"-----BEGIN ";
    const ENDS: &[u8] = b"PRIVATE KEY-----";
    const ON_A_CURVE: &[u8] =
        &[0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let mut lines = octets.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii_end);
    lines.any(|line| line.starts_with(BEGINS) && line.ends_with(ENDS))
        || octets.windows(ON_A_CURVE.len()).any(|at| at == ON_A_CURVE)
}

/// The Rust files below a folder, those of tests left out.
pub(crate) fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("{} could not be listed", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let tests = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() && !tests {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") && !tests {
            files.push(path);
        }
    }
    Ok(())
}

/// Line numbers (from 1) with the forbidden name on them.
pub fn forbidden_names(source: &str) -> Vec<(usize, &'static str)> {
    let code = without_comments_and_text(source);
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .enumerate()
        .flat_map(|(index, line)| {
            FORBIDDEN.iter().filter(move |name| line.contains(**name)).map(move |n| (index + 1, *n))
        })
        .collect()
}

/// The source with comments and quoted text blanked out, line for line.
fn without_comments_and_text(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if next == '"' {
            end_of_text(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("b'\"'") {
            rest.find("'\"'").map_or(1, |start| start + 3)
        } else {
            0
        };
        if skipped == 0 {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// The length of a quoted text, quotes included.
fn end_of_text(quoted: &str) -> usize {
    let mut escaped = false;
    for (index, letter) in quoted.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    quoted.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_files_and_clocks_are_found_on_their_lines() {
        let source = "use std::net::IpAddr;\nuse std::net::UdpSocket;\nlet t = Instant::now();\n";
        assert_eq!(forbidden_names(source), [(2, "UdpSocket"), (3, "Instant::now")]);
    }

    #[test]
    fn private_keys_are_found_and_what_only_speaks_of_them_is_not() {
        for kind in ["", "EC ", "RSA ", "ENCRYPTED "] {
            let pem = format!("a = 1\n-----BEGIN {kind}PRIVATE KEY-----\r\nMIGH\n");
            assert!(holds_a_private_key(pem.as_bytes()), "{pem}");
        }
        // The first octets of a P-256 key as ring writes it.
        let der = b"\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08";
        assert!(holds_a_private_key(der));
        assert!(!holds_a_private_key(b"-----BEGIN PUBLIC KEY-----\npem(\"PRIVATE KEY\", der)\n"));
    }

    #[test]
    fn comments_text_and_tests_may_name_anything() {
        let source = "// no std::fs here\n/* SystemTime\n */\nlet s = \"a \\\" std::fs\";\n\
                      let q = '\"';\nlet a = 1; // UdpSocket\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        assert_eq!(forbidden_names(source), []);
    }

    #[test]
    fn code_behind_a_text_is_seen_again() {
        assert_eq!(forbidden_names("f(\"x\"); std::fs::read(\"y\");"), [(1, "std::fs")]);
    }
}

//! Where this machine's own apt has Debian from: other suites of it come from there too.

use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The mirror that this machine's apt has Debian from.
pub(crate) fn of_this_machine() -> Result<String> {
    let mut texts = Vec::new();
    for folder in ["/etc/apt", "/etc/apt/sources.list.d"] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let ending = path.extension().unwrap_or_default();
            if ending == "list" || ending == "sources" {
                texts.push(fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    match texts.iter().find_map(|text| mirror_in(text)) {
        Some(mirror) => Ok(mirror),
        None => bail!(
            "This machine's apt names no Debian mirror in /etc/apt/sources.list or \
             /etc/apt/sources.list.d, so there is none to fetch packages from."
        ),
    }
}

/// The first mirror whose address ends in `/debian`: that is where Debian's own suites are.
fn mirror_in(text: &str) -> Option<String> {
    text.lines()
        .filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"))
        .flat_map(str::split_whitespace)
        .find(|word| word.contains("://") && word.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
}

/// Lets apt see another suite of Debian, unless it does already. apt takes nothing from backports by
/// itself: only what is asked for by `name/suite`.
pub(crate) fn see(suite: &str, root: bool) -> Result<()> {
    let seen = Command::new("apt-cache").arg("policy").output().context("apt-cache")?;
    if String::from_utf8_lossy(&seen.stdout).contains(&format!("{suite}/")) {
        return Ok(());
    }
    let place = Path::new("/etc/apt/sources.list.d").join(format!("conclave-{suite}.list"));
    let line = format!("deb {} {suite} main\n", of_this_machine()?);
    eprintln!("apt learns of Debian's suite {suite}, by {}.", place.display());
    if root {
        return fs::write(&place, line).with_context(|| format!("{}", place.display()));
    }
    let mut tee = Command::new("sudo")
        .arg("tee")
        .arg(&place)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("sudo could not be started")?;
    if let Some(mut input) = tee.stdin.take() {
        input.write_all(line.as_bytes())?;
    }
    if !tee.wait()?.success() {
        bail!("{} could not be written", place.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_found_in_both_ways_of_writing_it() {
        let lines =
            "# deb http://old/debian x main\ndeb [signed-by=k] http://here/debian/ x main\n";
        assert_eq!(mirror_in(lines).as_deref(), Some("http://here/debian/"));
        let fields = "Types: deb\nURIs: http://there/debian\nSuites: x\n";
        assert_eq!(mirror_in(fields).as_deref(), Some("http://there/debian"));
        assert_eq!(mirror_in("URIs: http://there/debian-security\n"), None);
    }
}

//! Traps in yocto/: mistakes that bitbake takes without a word, or that an image shows only on a board.
//!
//! - [`places`]: wks files where wic looks for them; names and sources that this release has not any more;
//! - [`protection`]: a system slot without its hash tree boots just as well, and is not protected;
//! - [`layout`]: one layout on every board, and RAUC, U-Boot, units and wks mean the same partitions;
//! - [`layers`]: every layer at one commit of its wrynose branch, and none that decides for us;
//! - [`versions`]: what is built is the workspace that it stands in.
//!
//! Nothing of bitbake is needed: they read text, so that each can be shown a text with the mistake in it.

use crate::graph::workspace_folder;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What RAUC knows of the slots, in every image.
const RAUC: &str = "appliance/rauc/system.conf";

/// Files by their path from the workspace's folder, `/` between parts.
pub type Files = BTreeMap<String, String>;

/// Where the tree is that every image gets.
const SYSTEM: &str = "appliance/system/";

/// What is read of the workspace.
pub fn of_workspace() -> Result<Files> {
    let mut files = Files::new();
    for folder in ["yocto", "appliance/system", "appliance/rauc"] {
        read(&workspace_folder(), folder, &mut files)?;
    }
    let cargo = std::fs::read_to_string(workspace_folder().join("Cargo.toml"))?;
    files.insert("Cargo.toml".to_owned(), cargo);
    Ok(files)
}

fn read(workspace: &Path, folder: &str, files: &mut Files) -> Result<()> {
    // The tree is the image's; until it is there, nothing can differ from it.
    let Ok(entries) = std::fs::read_dir(workspace.join(folder)) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(workspace, &path, files)?;
        } else {
            let text = std::fs::read_to_string(entry.path())
                .with_context(|| format!("{path} could not be read"))?;
            files.insert(path, text);
        }
    }
    Ok(())
}

/// All of them.
pub fn check(files: &Files) -> Vec<String> {
    [places, protection, layout, layers, versions].iter().flat_map(|check| check(files)).collect()
}

/// Where things stand, and what no file may say.
pub fn places(files: &Files) -> Vec<String> {
    let mut wrong = Vec::new();
    for path in wks(files).map(|(path, _)| path) {
        let layer = path.split_once("/files/wic/").map(|(layer, _)| layer);
        let in_layer = layer.is_some_and(|l| files.contains_key(&format!("{l}/conf/layer.conf")));
        if !in_layer || path.matches('/').count() != 4 {
            wrong.push(format!("{path}: wic looks for it in <layer>/files/wic/ and nowhere else"));
        }
    }
    for (path, text) in metadata(files) {
        for line in statements(text) {
            let bare: String = line.split_whitespace().collect();
            if bare.starts_with("S") && bare.contains("=\"${WORKDIR}/git\"") {
                wrong.push(format!("{path}: sources are unpacked to UNPACKDIR now, and S is right without being set"));
            }
            if words(&line).any(|word| word == "cve-check") {
                wrong.push(format!(
                    "{path}: cve-check is gone; vex says what is known, for others to look up"
                ));
            }
            if words(&line).any(|word| word == "ACCEPT_FSL_EULA")
                && words(&line).any(|word| word == "1")
            {
                wrong.push(format!(
                    "{path}: NXP's licence is accepted by whoever builds, not by us"
                ));
            }
        }
    }
    wrong
}

/// The hash tree reaches the disk and the bundle.
pub fn protection(files: &Files) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut asked_for = false;
    for (path, text) in metadata(files) {
        let lists = |variable: &str, value: &str| {
            statements(text)
                .any(|line| line.starts_with(variable) && words(&line).any(|w| w == value))
        };
        if lists("IMAGE_FSTYPES", "verity") {
            asked_for = true;
            if !path.contains("/conf/distro/") && !path.contains("/conf/machine/") {
                wrong.push(format!(
                    "{path}: the type verity belongs into a machine's or a distribution's file"
                ));
            }
            if !lists("IMAGE_CLASSES", "image_types_verity") {
                wrong.push(format!("{path}: lists verity and not IMAGE_CLASSES += \"image_types_verity\", so nobody makes it"));
            }
        }
    }
    if !asked_for {
        wrong.push(
            "no IMAGE_FSTYPES lists verity: the system slot would have no hash tree".to_owned(),
        );
    }
    let with_tree = |file: &str| {
        let name = file.trim_start_matches("${").trim_end_matches('}');
        file.ends_with(".verity") || value(files, name).is_some_and(|v| v.ends_with(".verity"))
    };
    for (path, text) in wks(files) {
        for part in parts(text) {
            if part.source == Some("rootfs") {
                wrong.push(format!("{path}: --source rootfs makes a file system without a hash tree; rawcopy takes the one that has it"));
            }
            if part.name.is_some_and(|name| name.starts_with("conclave-system-"))
                && (part.source != Some("rawcopy") || !part.file.is_some_and(with_tree))
            {
                wrong.push(format!(
                    "{path}: {} is not a rawcopy of the verity file",
                    part.name.unwrap_or_default()
                ));
            }
        }
    }
    for (path, text) in metadata(files).filter(|(_, text)| text.contains("RAUC_BUNDLE_SLOTS")) {
        let file =
            statements(text).find_map(|line| quoted(line.strip_prefix("RAUC_SLOT_system[file]")?));
        if !file.is_some_and(|file| with_tree(&file)) {
            wrong.push(format!("{path}: RAUC_SLOT_system[file] is not the verity file"));
        }
        let format =
            statements(text).find_map(|line| quoted(line.strip_prefix("RAUC_BUNDLE_FORMAT")?));
        if format.as_deref() != Some("verity") {
            wrong.push(format!("{path}: RAUC_BUNDLE_FORMAT is not verity"));
        }
    }
    wrong
}

/// One layout, and everybody means the same.
pub fn layout(files: &Files) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut first: Option<(&str, Vec<String>)> = None;
    for (path, text) in wks(files) {
        // What boards have besides: what their firmware reads, and U-Boot's environment.
        let common: Vec<String> = parts(text)
            .into_iter()
            .filter(|part| {
                part.name.is_some_and(|n| n != "conclave-firmware" && n != "conclave-uboot")
            })
            .map(|part| part.line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        match &first {
            Some((other, layout)) if *layout != common => {
                wrong.push(format!("{path} and {other} differ in what is the same on every board"));
            }
            Some(_) => {}
            None => first = Some((path, common)),
        }
    }
    let Some((_, text)) = files.iter().find(|(path, _)| *path == RAUC) else {
        wrong.push("RAUC has no system.conf".to_owned());
        return wrong;
    };
    let slots = slots(text);
    for (name, slot) in &slots {
        let label = slot.get("device").and_then(|d| d.strip_prefix("/dev/disk/by-partlabel/"));
        let Some(label) = label else {
            wrong.push(format!("system.conf: slot {name} is not named by its partition's label"));
            continue;
        };
        for (path, text) in wks(files) {
            if !parts(text).iter().any(|part| part.name == Some(label)) {
                wrong.push(format!("system.conf: slot {name} is {label}, which {path} has not"));
            }
        }
        let letter = label.rsplit('-').next().unwrap_or_default();
        let number = name.rsplit('.').next().unwrap_or_default();
        let same = matches!((letter, number), ("a", "0") | ("b", "1"))
            && slot
                .get("bootname")
                .is_none_or(|bootname| bootname.ends_with(&format!("_{letter}")))
            && slot.get("parent").is_none_or(|parent| parent.ends_with(&format!(".{number}")));
        if !same {
            wrong.push(format!(
                "system.conf: slot {name} has a label, a bootname or a parent of the other slot"
            ));
        }
    }
    for (path, text) in wks(files) {
        for name in parts(text).iter().filter_map(|part| part.name) {
            let slot = name.starts_with("conclave-system-") || name.starts_with("conclave-esp-");
            let known = |s: &&str| s.strip_prefix("/dev/disk/by-partlabel/") == Some(name);
            if slot && !slots.values().filter_map(|s| s.get("device").copied()).any(|d| known(&d)) {
                wrong.push(format!(
                    "{path}: {name} is no slot of system.conf, so no update reaches it"
                ));
            }
        }
    }
    wrong.extend(bundle_has_the_slots(files, &slots));
    wrong.extend(uboot_has_the_slots(files, &slots));
    wrong.extend(units_have_their_partitions(files));
    wrong
}

fn bundle_has_the_slots(
    files: &Files,
    slots: &BTreeMap<String, BTreeMap<&str, &str>>,
) -> Vec<String> {
    let classes: BTreeSet<&str> = slots.keys().filter_map(|name| name.split('.').next()).collect();
    metadata(files)
        .filter_map(|(path, text)| {
            let list = statements(text)
                .find_map(|line| quoted(line.strip_prefix("RAUC_BUNDLE_SLOTS")?))?;
            let bundle: BTreeSet<&str> = list.split_whitespace().collect();
            (bundle != classes)
                .then(|| format!("{path}: the bundle has {bundle:?}, system.conf has {classes:?}"))
        })
        .collect()
}

/// U-Boot counts tries by names that RAUC writes, and looks for its environment where wic left room.
fn uboot_has_the_slots(
    files: &Files,
    slots: &BTreeMap<String, BTreeMap<&str, &str>>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".cfg")) {
        let Some(command) = text.lines().find(|line| line.starts_with("CONFIG_BOOTCOMMAND="))
        else {
            continue;
        };
        for bootname in slots.values().filter_map(|slot| slot.get("bootname")) {
            if !command.contains(&format!("BOOT_{bootname}_LEFT")) {
                wrong.push(format!(
                    "{path}: U-Boot does not know {bootname}, which system.conf has"
                ));
            }
        }
        let setting = |name: &str| {
            let line =
                text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("=0x"))?;
            u64::from_str_radix(line, 16).ok()
        };
        let (offset, size) = (setting("CONFIG_ENV_OFFSET"), setting("CONFIG_ENV_SIZE"));
        for (wks_path, wks_text) in wks(files) {
            let Some(part) = parts(wks_text).into_iter().find(|p| p.name == Some("conclave-uboot"))
            else {
                continue;
            };
            let mib =
                part.option("--offset").and_then(|o| o.strip_suffix('M')?.parse::<u64>().ok());
            if mib.map(|mib| mib << 20) != offset {
                wrong.push(format!("{wks_path}: conclave-uboot does not begin where {path} has U-Boot's environment"));
            }
        }
        let second = setting("CONFIG_ENV_OFFSET_REDUND");
        if offset.zip(size).map(|(offset, size)| offset + size) != second {
            wrong.push(format!("{path}: the second environment does not follow the first"));
        }
    }
    wrong
}

/// The units of appliance/system wait for partitions by their labels.
fn units_have_their_partitions(files: &Files) -> Vec<String> {
    let ours =
        || files.iter().filter(|(path, _)| path.starts_with(SYSTEM) && !path.ends_with(".md"));
    let made_later: BTreeSet<&str> = ours()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| line.strip_prefix("Label="))
        .collect();
    let mut wrong = Vec::new();
    for (path, text) in ours() {
        let text = text
            .replace("dev-disk-by\\x2dpartlabel-", "/dev/disk/by-partlabel/")
            .replace("\\x2d", "-");
        for rest in text.split("/dev/disk/by-partlabel/").skip(1) {
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
            let label = &rest[..end];
            for (wks_path, wks_text) in wks(files) {
                if !made_later.contains(label)
                    && !parts(wks_text).iter().any(|part| part.name == Some(label))
                {
                    wrong.push(format!("{path} wants {label}, which {wks_path} has not"));
                }
            }
        }
    }
    wrong
}

/// Where the layers come from.
pub fn layers(files: &Files) -> Vec<String> {
    const KNOWN: &[&str] = &[
        "bitbake",
        "openembedded-core",
        "meta-openembedded",
        "meta-rauc",
        "meta-raspberrypi",
        "meta-freescale",
    ];
    let mut wrong = Vec::new();
    let mut locked: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("yocto/kas/")) {
        for (name, repo) in repositories(text) {
            // Ours, in which the file itself stands.
            let Some(url) = repo.get("url") else { continue };
            if !KNOWN.contains(&name.as_str()) || url.contains("poky") {
                wrong.push(format!(
                    "{path}: {name} is none of the layers that this distribution is made from"
                ));
            }
            let branch = if name == "bitbake" { "2.18" } else { "wrynose" };
            if repo.get("branch").map(String::as_str) != Some(branch) {
                wrong.push(format!("{path}: {name} is not on its branch {branch}"));
            }
            let commit = repo.get("commit").cloned().unwrap_or_default();
            if commit.len() != 40
                || !commit.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            {
                wrong.push(format!("{path}: {name} is not locked at one commit"));
            }
            match locked.get(&name) {
                Some((other, there)) if *there != commit => {
                    wrong.push(format!("{path}: {name} is at another commit than in {other}"));
                }
                _ => {
                    locked.insert(name, (path.clone(), commit));
                }
            }
        }
    }
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with("/conf/layer.conf")) {
        let compatible = statements(text).find(|line| line.starts_with("LAYERSERIES_COMPAT_"));
        if compatible.as_deref().and_then(quoted).as_deref() != Some("wrynose") {
            wrong.push(format!("{path}: LAYERSERIES_COMPAT is not wrynose"));
        }
    }
    let rauc = |(path, text): (&String, &String)| {
        path.contains("/conf/distro/")
            && statements(text).any(|line| {
                line.starts_with("DISTRO_FEATURES")
                    && !line.starts_with("DISTRO_FEATURES_")
                    && words(&line).any(|w| w == "rauc")
            })
    };
    if !files.iter().any(rauc) {
        wrong.push(
            "no distribution has rauc in DISTRO_FEATURES: meta-rauc's changes would not count"
                .to_owned(),
        );
    }
    wrong
}

/// The version of what is built.
pub fn versions(files: &Files) -> Vec<String> {
    let of_workspace = files
        .get("Cargo.toml")
        .and_then(|text| text.split_once("[workspace.package]"))
        .and_then(|(_, text)| text.lines().find_map(|line| quoted(line.strip_prefix("version")?)));
    let of_image = value(files, "CONCLAVE_VERSION");
    if of_image.is_some() && of_image == of_workspace {
        return Vec::new();
    }
    vec![format!("CONCLAVE_VERSION is {of_image:?}, the workspace is {of_workspace:?}")]
}

/// Recipes, their parts and additions, classes, configuration; kas files too.
fn metadata(files: &Files) -> impl Iterator<Item = (&String, &String)> {
    const ENDINGS: &[&str] = &[".bb", ".bbappend", ".inc", ".bbclass", ".conf", ".yml"];
    files
        .iter()
        .filter(|(path, _)| path.starts_with("yocto/") && ENDINGS.iter().any(|e| path.ends_with(e)))
}

fn wks(files: &Files) -> impl Iterator<Item = (&str, &str)> {
    files
        .iter()
        .filter(|(path, _)| {
            path.ends_with(".wks") || path.ends_with(".wks.in") || path.ends_with(".wks.inc")
        })
        .map(|(path, text)| (path.as_str(), text.as_str()))
}

/// Lines without comments; one that goes on behind a `\` is one.
fn statements(text: &str) -> impl Iterator<Item = String> {
    let code: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
    let joined = code.join("\n").replace("\\\n", " ");
    joined.lines().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_' && c != '.')
        .filter(|w| !w.is_empty())
}

/// What stands between the first quotes.
fn quoted(text: &str) -> Option<String> {
    text.split('"').nth(1).map(|inside| inside.trim().to_owned())
}

/// A variable's value, wherever it is set.
fn value(files: &Files, name: &str) -> Option<String> {
    let set = |line: String| {
        let rest = line.strip_prefix(name)?;
        rest.trim_start_matches([' ', '?', ':']).starts_with('=').then(|| quoted(rest))?
    };
    metadata(files).find_map(|(_, text)| statements(text).find_map(set))
}

/// A partition of a wks file.
struct Part<'a> {
    line: &'a str,
    name: Option<&'a str>,
    source: Option<&'a str>,
    file: Option<&'a str>,
}

impl<'a> Part<'a> {
    fn option(&self, option: &str) -> Option<&'a str> {
        let rest = self.line.split_once(&format!("{option} ")).map(|(_, rest)| rest.trim_start());
        let rest = rest.or_else(|| Some(self.line.split_once(&format!("{option}="))?.1))?;
        rest.split_whitespace().next().map(|word| word.trim_matches('"'))
    }
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with("part "));
    lines
        .map(|line| {
            let part = Part { line, name: None, source: None, file: None };
            let file =
                line.split_once("file=").and_then(|(_, rest)| rest.split(['"', ',', ' ']).next());
            Part { name: part.option("--part-name"), source: part.option("--source"), file, ..part }
        })
        .collect()
}

/// RAUC's slots: class and number, then what stands below.
fn slots(text: &str) -> BTreeMap<String, BTreeMap<&str, &str>> {
    let mut slots: BTreeMap<String, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            open = section.strip_prefix("slot.").map(str::to_owned);
        } else if let (Some(name), Some((field, value))) = (&open, line.split_once('=')) {
            slots.entry(name.clone()).or_default().insert(field.trim(), value.trim());
        }
    }
    slots
}

/// The repositories of a kas file, in the plain form in which ours are written.
fn repositories(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let (mut inside, mut open) = (false, String::new());
    for line in
        text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty())
    {
        let depth = line.len() - line.trim_start().len();
        let (name, value) = line.trim().split_once(':').unwrap_or((line.trim(), ""));
        match depth {
            0 => inside = name == "repos",
            2 if inside => {
                open = name.to_owned();
                found.entry(open.clone()).or_default();
            }
            4 if inside => {
                let value = value.trim().trim_matches('"').to_owned();
                found.entry(open.clone()).or_default().insert(name.to_owned(), value);
            }
            _ => {}
        }
    }
    found
}

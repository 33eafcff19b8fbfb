//! Writes the list of the pages' files, which the program carries. They are built by `cargo xtask console`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Where they are not there yet, the folder itself is looked for each time.
    println!("cargo::rerun-if-changed=web/dist");
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("web/dist");
    let mut files = Vec::new();
    if folder.exists() {
        below(&folder, &mut files)?;
    }
    files.sort();
    let mut list = String::from("pub(crate) const FILES: &[(&str, &[u8])] = &[\n");
    for file in files {
        let name = file.strip_prefix(&folder)?;
        writeln!(list, "    ({name:?}, include_bytes!({file:?})),")?;
    }
    list.push_str("];\n");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("files.rs"), list)?;
    Ok(())
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            below(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

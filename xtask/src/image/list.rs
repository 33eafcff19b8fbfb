//! Lists in text files: a word, then a reason. `#` begins a remark.

use anyhow::{Context, Result};
use std::path::Path;

/// The first words of a list's lines.
pub(crate) fn read(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(words(&text))
}

fn words(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_image_s_lists_says_why() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../appliance/debian");
        for name in ["packages.txt", "left-out.txt", "left-out-of-production.txt"] {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            for line in lines {
                assert!(line.split_whitespace().count() > 1, "{name}: {line} has no reason");
            }
            assert!(words(&text).len() > 10, "{name}");
        }
    }
}

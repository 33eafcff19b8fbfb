//! Writes the corpus to begin with into `corpus/`. Run it after a change to `src/seeds`.

use conclave_fuzz::seeds;
use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for seed in seeds::all() {
        let folder = corpus.join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(&seed.name), &seed.content)?;
    }
    Ok(())
}

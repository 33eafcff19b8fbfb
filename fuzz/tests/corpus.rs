//! The seeds, without a fuzzer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_fuzz::{TARGETS, seeds};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file of the corpus with its content, by target and name.
fn files() -> BTreeMap<(String, String), Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let inside = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let mut files = BTreeMap::new();
    for folder in inside(&corpus) {
        for file in inside(&folder) {
            files.insert((name(&folder), name(&file)), fs::read(&file).unwrap());
        }
    }
    files
}

#[test]
fn every_seed_goes_through_its_target() {
    let files = files();
    for (target, run) in TARGETS {
        let of_target = || files.iter().filter(|((folder, _), _)| folder == target);
        assert!(of_target().count() >= 10, "{target} has hardly any seeds");
        for ((_, name), content) in of_target() {
            eprintln!("{target}/{name}");
            run(content);
        }
    }
}

#[test]
fn the_seeds_in_the_corpus_are_those_that_the_example_writes() {
    let mut made = BTreeMap::new();
    for seed in seeds::all() {
        made.insert((seed.target.to_owned(), seed.name), seed.content);
    }
    let mut files = files();
    files.retain(|(_, name), _| name.starts_with("seed-"));
    assert!(made == files, "run `cargo run -p conclave-fuzz --example seeds`");
}

#[test]
fn every_target_has_its_program() {
    for (target, _) in TARGETS {
        let program = format!("fuzz_targets/{target}.rs");
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&program).exists(), "{program}");
    }
}

#[test]
fn short_inputs_of_every_octet_go_through_every_target() {
    for (_, run) in TARGETS {
        run(&[]);
        for first in 0..=u8::MAX {
            for length in 1..8 {
                run(&vec![first; length]);
            }
        }
    }
}

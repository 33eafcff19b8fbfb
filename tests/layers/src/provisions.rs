//! The pages of docs/security that answer a standard, provision by provision.
//!
//! Each is made of tables headed `| provision | asks | status | answer | how, or what is missing | shown by |`,
//! with one row for each provision, in the standard's order. What stands in backticks is a reference,
//! and one of
//!
//! - a file or a folder, from the workspace's folder;
//! - `folder/file.rs::a_test`, also of Python; `…` at the end leaves out the rest of a name that only
//!   one test of that file has;
//! - `cargo xtask task`, `cargo test -p crate`, `cargo test -p crate --test file`;
//! - `conclave-cloud word word`, by the words that its command line knows.
//!
//! A page ends with its counts. They are compared with the rows, so nobody counts by hand.

use crate::graph::workspace_folder;
use crate::layers::HOUSE;
use std::fs;
use std::path::PathBuf;

/// A standard, and the page that answers it.
#[derive(Debug, Clone, Copy)]
pub struct Standard {
    /// From the workspace's folder.
    pub page: &'static str,
    /// Its provisions in order: the number as the page writes it, and what its status begins with.
    pub provisions: &'static [(&'static str, &'static str)],
}

/// ETSI EN 303 645 V2.1.1 (2020-06), table B.1 with provision 4-1: M has to be, R is recommended.
#[rustfmt::skip]
pub const ETSI_EN_303_645: Standard = Standard {
    page: "docs/security/etsi-en-303-645.md",
    provisions: &[
        ("4-1", "M"),
        ("5.1-1", "M"), ("5.1-2", "M"), ("5.1-3", "M"), ("5.1-4", "M"), ("5.1-5", "M"),
        ("5.2-1", "M"), ("5.2-2", "R"), ("5.2-3", "R"),
        ("5.3-1", "R"), ("5.3-2", "M"), ("5.3-3", "M"), ("5.3-4", "R"), ("5.3-5", "R"), ("5.3-6", "R"),
        ("5.3-7", "M"), ("5.3-8", "M"), ("5.3-9", "R"), ("5.3-10", "M"), ("5.3-11", "R"), ("5.3-12", "R"),
        ("5.3-13", "M"), ("5.3-14", "R"), ("5.3-15", "R"), ("5.3-16", "M"),
        ("5.4-1", "M"), ("5.4-2", "M"), ("5.4-3", "M"), ("5.4-4", "M"),
        ("5.5-1", "M"), ("5.5-2", "R"), ("5.5-3", "R"), ("5.5-4", "R"), ("5.5-5", "M"), ("5.5-6", "R"),
        ("5.5-7", "M"), ("5.5-8", "M"),
        ("5.6-1", "M"), ("5.6-2", "M"), ("5.6-3", "R"), ("5.6-4", "M"), ("5.6-5", "R"), ("5.6-6", "R"),
        ("5.6-7", "R"), ("5.6-8", "R"), ("5.6-9", "R"),
        ("5.7-1", "R"), ("5.7-2", "R"),
        ("5.8-1", "R"), ("5.8-2", "M"), ("5.8-3", "M"),
        ("5.9-1", "R"), ("5.9-2", "R"), ("5.9-3", "R"),
        ("5.10-1", "R"),
        ("5.11-1", "M"), ("5.11-2", "R"), ("5.11-3", "R"), ("5.11-4", "R"),
        ("5.12-1", "R"), ("5.12-2", "R"), ("5.12-3", "R"),
        ("5.13-1", "M"),
        ("6-1", "M"), ("6-2", "M"), ("6-3", "M"), ("6-4", "R"), ("6-5", "M"),
    ],
};

/// Regulation (EU) 2024/2847, Annex I: M always holds, C holds where the risk assessment says that it applies.
#[rustfmt::skip]
pub const CRA_ANNEX_I: Standard = Standard {
    page: "docs/security/cra-annex-i.md",
    provisions: &[
        ("I (1)", "M"),
        ("I (2)(a)", "C"), ("I (2)(b)", "C"), ("I (2)(c)", "C"), ("I (2)(d)", "C"), ("I (2)(e)", "C"),
        ("I (2)(f)", "C"), ("I (2)(g)", "C"), ("I (2)(h)", "C"), ("I (2)(i)", "C"), ("I (2)(j)", "C"),
        ("I (2)(k)", "C"), ("I (2)(l)", "C"), ("I (2)(m)", "C"),
        ("II (1)", "M"), ("II (2)", "M"), ("II (3)", "M"), ("II (4)", "M"), ("II (5)", "M"), ("II (6)", "M"),
        ("II (7)", "M"), ("II (8)", "M"),
    ],
};

const ANSWERS: [&str; 3] = ["met", "not yet", "does not apply"];

struct Row<'a> {
    provision: &'a str,
    asks: &'a str,
    status: &'a str,
    answer: &'a str,
    how: &'a str,
    shown_by: &'a str,
}

/// The standard's page in this workspace.
pub fn of_workspace(standard: Standard) -> anyhow::Result<String> {
    Ok(fs::read_to_string(workspace_folder().join(standard.page))?)
}

/// One sentence for each thing that is wrong with the page's text.
pub fn check(standard: Standard, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let rows = rows(text, &mut wrong);
    let asked: Vec<&str> = standard.provisions.iter().map(|(number, _)| *number).collect();
    let answered: Vec<&str> = rows.iter().map(|row| row.provision).collect();
    if let Some(at) =
        (0..asked.len().max(answered.len())).find(|at| asked.get(*at) != answered.get(*at))
    {
        wrong.push(format!(
            "where {} should stand there is {}",
            asked.get(at).unwrap_or(&"the end"),
            answered.get(at).unwrap_or(&"the end")
        ));
    }
    for row in &rows {
        wrong.extend(
            complaints(standard, row).into_iter().map(|what| format!("{}: {what}", row.provision)),
        );
    }
    let counts = counts(&rows);
    if !text.trim_end().ends_with(counts.trim_end()) {
        wrong.push(format!("the page has to end with these counts:\n{counts}"));
    }
    wrong
}

fn rows<'a>(text: &'a str, wrong: &mut Vec<String>) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if !line.starts_with('|') {
            inside = false;
        } else if cells[0] == "provision" {
            inside = true;
        } else if inside && !cells[0].starts_with("---") {
            match cells[..] {
                [provision, asks, status, answer, how, shown_by] => {
                    rows.push(Row { provision, asks, status, answer, how, shown_by });
                }
                _ => wrong.push(format!("{}: the row has {} cells, not 6", cells[0], cells.len())),
            }
        }
    }
    rows
}

fn complaints(standard: Standard, row: &Row<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let status = standard.provisions.iter().find(|(number, _)| *number == row.provision);
    if status.is_some_and(|(_, letter)| row.status.split(' ').next() != Some(letter)) {
        wrong.push(format!("its status is not {:?}", row.status));
    }
    if !ANSWERS.contains(&row.answer) {
        wrong.push(format!("{:?} is none of {ANSWERS:?}", row.answer));
    }
    if row.asks.is_empty() || row.how.is_empty() {
        wrong.push("what it asks and how, or what is missing, have to be said".to_owned());
    }
    if row.answer == "met" && row.shown_by.is_empty() {
        wrong.push("it is met and nothing shows it".to_owned());
    }
    // Every other piece stands between backticks.
    for (at, piece) in row.shown_by.split('`').enumerate() {
        if at % 2 == 0 && !piece.trim_matches([',', ' ']).is_empty() {
            wrong.push(format!("“{piece}” is no reference"));
        }
    }
    for cell in [row.asks, row.status, row.how, row.shown_by] {
        wrong.extend(cell.split('`').skip(1).step_by(2).filter_map(missing));
    }
    wrong
}

/// What is not there of a reference.
fn missing(reference: &str) -> Option<String> {
    let words: Vec<&str> = reference.split(' ').collect();
    let there = match words[..] {
        ["cargo", "xtask", task] => {
            let source = read("xtask/src/main.rs");
            let tasks = source.split_once("enum Task {").map_or("", |(_, rest)| rest);
            variants(tasks.split_once("\n}").map_or("", |(tasks, _)| tasks))
                .any(|name| name == task)
        }
        ["cargo", "test", "-p", name] => folder_of(name).is_some(),
        ["cargo", "test", "-p", name, "--test", file] => folder_of(name).is_some_and(|folder| {
            workspace_folder().join(folder).join(format!("tests/{file}.rs")).is_file()
        }),
        ["conclave-cloud", ref words @ ..] => {
            let source = read("cloud/server/src/cli/args.rs");
            words.iter().all(|word| variants(&source).any(|name| name == *word))
        }
        [path] => match path.split_once("::") {
            Some((file, name)) => {
                let source = read(file);
                let found = tests(&source).filter(|test| match name.strip_suffix('…') {
                    Some(beginning) => test.starts_with(beginning),
                    None => *test == name,
                });
                found.count() == 1
            }
            None => {
                let inside = !path.is_empty() && !path.starts_with('/') && !path.contains("..");
                inside && workspace_folder().join(path).exists()
            }
        },
        _ => false,
    };
    (!there).then(|| format!("`{reference}` is not there"))
}

/// A file's text; nothing where there is none.
fn read(path: &str) -> String {
    fs::read_to_string(workspace_folder().join(path)).unwrap_or_default()
}

/// The folder of one of our crates.
fn folder_of(name: &str) -> Option<PathBuf> {
    let line = format!("name = \"{name}\"");
    let place = HOUSE.iter().find(|place| {
        read(&format!("{}/Cargo.toml", place.folder)).lines().any(|found| found == line)
    })?;
    Some(PathBuf::from(place.folder))
}

/// The variants of a source's enums, as clap makes words of them: `SetPin` is `set-pin`.
fn variants(source: &str) -> impl Iterator<Item = String> {
    source.lines().filter_map(|line| {
        let name: &str = line.strip_prefix("    ")?;
        let end = name.find(|letter: char| !letter.is_alphanumeric())?;
        let (name, rest) = name.split_at(end);
        let is_one =
            name.starts_with(char::is_uppercase) && rest.trim_start().starts_with([',', '(', '{']);
        let word = name.chars().enumerate().fold(String::new(), |mut word, (at, letter)| {
            if at > 0 && letter.is_uppercase() {
                word.push('-');
            }
            word.extend(letter.to_lowercase());
            word
        });
        is_one.then_some(word)
    })
}

/// The tests of a Rust or Python file: functions below `#[test]` or what ends so, and `def test_…`.
fn tests(source: &str) -> impl Iterator<Item = &str> {
    let mut marked = false;
    source.lines().filter_map(move |line| {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("def ") {
            let name = rest.split('(').next()?;
            return name.starts_with("test_").then_some(name);
        }
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            let name = line.trim_start_matches("async ").strip_prefix("fn ");
            if std::mem::take(&mut marked) {
                return name?.split('(').next();
            }
        }
        None
    })
}

/// How many of each answer, and of each status.
fn counts(rows: &[Row<'_>]) -> String {
    let letter = |row: &Row<'_>| row.status.split(' ').next().unwrap_or_default().to_owned();
    let mut letters: Vec<String> = Vec::new();
    for row in rows {
        if !letters.contains(&letter(row)) {
            letters.push(letter(row));
        }
    }
    let count = |answer: Option<&str>, status: Option<&String>| {
        let fits = |row: &&Row<'_>| {
            answer.is_none_or(|answer| row.answer == answer)
                && status.is_none_or(|status| letter(row) == *status)
        };
        rows.iter().filter(fits).count()
    };
    let mut text = format!(
        "| | {} | all |\n| --- |{}\n",
        letters.join(" | "),
        " ---: |".repeat(letters.len() + 1)
    );
    for (name, answer) in
        ANSWERS.iter().map(|answer| (*answer, Some(*answer))).chain([("all", None)])
    {
        let numbers = letters.iter().map(Some).chain([None]);
        let cells: Vec<String> = numbers.map(|status| count(answer, status).to_string()).collect();
        text.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    }
    text
}

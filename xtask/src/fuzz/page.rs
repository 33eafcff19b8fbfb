//! The table in `docs/security/fuzzing.md`, made from what the fuzzers said.

use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

/// The page, from the workspace's folder.
const PAGE: &str = "docs/security/fuzzing.md";
/// The table stands between these lines of the page.
const BEGIN: &str = "<!-- Written by `cargo xtask fuzz --runs`. -->";
const END: &str = "<!-- End of what it writes. -->";

/// What came of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) target: String,
    /// Executions.
    pub(super) runs: u64,
    /// Executions per second of wall time.
    pub(super) per_second: u64,
    /// Branches of the program's code that were taken, and all that there are.
    covered: (u64, u64),
    /// Inputs that each reach something that no other does.
    corpus: u64,
    /// When and on what, once it is noted.
    when: String,
}

impl Row {
    /// Reads libFuzzer's log; `None` when it ended otherwise than it should.
    pub(super) fn read(target: &str, log: &str) -> Option<Row> {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let statistic = |name: &str| {
            number(log.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?)
        };
        let done = log.lines().rev().find(|line| line.contains("cov: "))?;
        let words: Vec<&str> = done.split_whitespace().collect();
        let behind = |word: &str| {
            let at = words.iter().position(|found| *found == word)?;
            number(words.get(at + 1)?.split('/').next()?)
        };
        let loaded = log.lines().find(|line| line.contains("inline 8-bit counters"))?;
        let counters = loaded.split('(').nth(1)?.split_whitespace().next()?;
        Some(Row {
            target: target.to_owned(),
            runs: statistic("stat::number_of_executed_units")?,
            per_second: statistic("stat::average_exec_per_sec")?,
            covered: (behind("cov:")?, number(counters)?),
            corpus: behind("corp:")?,
            when: String::new(),
        })
    }

    fn line(&self) -> String {
        let Row { target, runs, per_second, covered: (cov, all), corpus, when } = self;
        let [runs, per_second, cov, all, corpus] =
            [runs, per_second, cov, all, corpus].map(|number| thousands(*number));
        format!("| `{target}` | {runs} | {per_second} | {cov} of {all} | {corpus} | {when} |\n")
    }
}

/// `1234567` as `1,234,567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const HEAD: &str = "| target | executions | a second | branches reached | inputs | when, at commit |\n\
                    | --- | ---: | ---: | ---: | ---: | --- |\n";

/// The rows as a table.
pub(super) fn table(rows: &[Row]) -> String {
    rows.iter().fold(HEAD.to_owned(), |text, row| text + &row.line())
}

/// Puts the row into the page, in the place of an older one of the same target.
pub(super) fn note(workspace: &Path, mut row: Row) -> Result<()> {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(workspace).output();
        output.map_or(String::new(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
    };
    let day = said("date", &["--utc", "+%Y-%m-%d"]);
    let commit = said("git", &["rev-parse", "--short", "HEAD"]);
    row.when = format!("{day}, {commit}");
    let path = workspace.join(PAGE);
    let page = std::fs::read_to_string(&path).with_context(|| format!("{PAGE} is not there"))?;
    let page = with_rows(&page, &[row]).with_context(|| format!("{PAGE} has no place for it"))?;
    std::fs::write(&path, page).with_context(|| format!("{PAGE} cannot be written"))
}

fn with_rows(page: &str, rows: &[Row]) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (old, behind) = rest.split_once(END)?;
    let name = |line: &str| line.strip_prefix("| `")?.split('`').next().map(str::to_owned);
    let mut lines: Vec<(String, String)> = old
        .lines()
        .filter_map(|line| Some((name(line)?, format!("{line}\n"))))
        .filter(|(old, _)| rows.iter().all(|row| row.target != *old))
        .chain(rows.iter().map(|row| (row.target.clone(), row.line())))
        .collect();
    lines.sort();
    let table: String = lines.into_iter().map(|(_, line)| line).collect();
    Some(format!("{before}{BEGIN}\n\n{HEAD}{table}\n{END}{behind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "INFO: Loaded 1 modules   (915 inline 8-bit counters): 915 [0x1, 0x2), \n\
        #2\tINITED cov: 10 ft: 10 corp: 1/1b exec/s: 0 rss: 27Mb\n\
        #10000000\tDONE   cov: 190 ft: 289 corp: 55/2849b lim: 1050 exec/s: 15784 rss: 89Mb\n\
        Done 10000000 runs in 633 second(s)\n\
        stat::number_of_executed_units: 10000000\n\
        stat::average_exec_per_sec:     15784\n";

    #[test]
    fn a_log_becomes_a_row() {
        let row = Row::read("rtp_packet", LOG).unwrap();
        assert_eq!(row.line(), "| `rtp_packet` | 10,000,000 | 15,784 | 190 of 915 | 55 |  |\n");
        assert_eq!(Row::read("rtp_packet", "==7== ERROR: libFuzzer: deadly signal\n"), None);
    }

    #[test]
    fn a_row_takes_the_place_of_its_older_one_and_leaves_the_others() {
        let page = format!("# Page\n{BEGIN}\n| `a` | old |\n| `rtp_packet` | old |\n{END}\nend\n");
        let page = with_rows(&page, &[Row::read("rtp_packet", LOG).unwrap()]).unwrap();
        assert!(page.starts_with("# Page\n") && page.ends_with("\nend\n"), "{page}");
        assert!(page.contains("| `a` | old |\n| `rtp_packet` | 10,000,000 |"), "{page}");
        assert_eq!(page.matches("rtp_packet").count(), 1);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 10_000_000].map(thousands), ["0", "999", "1,000", "10,000,000"]);
    }
}

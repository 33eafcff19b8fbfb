//! The table on the terminal, and the page docs/benchmarks.md with its plots.

use crate::Corner;
use crate::table::{self, Goal, Part, Row};
use crate::why;
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::fmt::Write as _;
use std::path::Path;

/// Prints a part's table.
pub(crate) fn print(part: &Part) {
    for row in &part.rows {
        eprintln!("  {}: {}", row.quantity, figure(row.ours));
        for other in &row.others {
            let mark = match other.goal.met(row.ours, other.figure) {
                Some(true) => "✓",
                Some(false) => "✗",
                None => " ",
            };
            eprintln!(
                "    {mark} {}: {} ({}; goal {})",
                other.name,
                figure(other.figure),
                compared(row.ours, other.figure, other.goal),
                in_words(other.goal)
            );
        }
    }
}

/// Writes docs/benchmarks.md and docs/benchmarks/*.svg from all parts that were kept.
pub(crate) fn write() -> Result<()> {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("no workspace")?;
    let (page, plots) = (workspace.join("docs/benchmarks.md"), workspace.join("docs/benchmarks"));
    std::fs::create_dir_all(&plots)?;
    let mut parts = Vec::new();
    for corner in Corner::value_variants() {
        let name = corner.to_possible_value().context("a corner without a name")?;
        parts.extend(table::kept(name.get_name())?);
    }
    for plot in parts.iter().flat_map(|part| &part.plots) {
        crate::plot::draw(plot, &plots)?;
    }
    std::fs::write(&page, markdown(&parts)?)?;
    eprintln!("\nWritten: {}", page.display());
    Ok(())
}

fn markdown(parts: &[Part]) -> Result<String> {
    let mut page = String::from(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench`; do not edit. Every figure stands beside a peer or a bare\n\
         ceiling that ran in the same minutes on the same machine: read the ratios, not the numbers.\n\
         ✓ the goal is met, ✗ it is not and the remark says what stands between.\n",
    );
    for part in parts {
        let machine = &part.machine;
        writeln!(page, "\n## {}\n", part.title)?;
        writeln!(
            page,
            "{}, {} cores, {} GiB; {}, Linux {}. Load {:.2} at the beginning, {:.1} % of the \
             processor stolen by the host meanwhile.\n",
            machine.processor,
            machine.cores,
            machine.memory_gib,
            machine.system,
            machine.kernel,
            machine.load,
            machine.stolen_percent
        )?;
        writeln!(page, "| quantity | Conclave | beside | its figure | compared | goal | |")?;
        writeln!(page, "| --- | ---: | --- | ---: | ---: | --- | --- |")?;
        for row in &part.rows {
            write_row(&mut page, row)?;
        }
        for row in &part.rows {
            if !row.remark.is_empty() {
                writeln!(page, "\n*{}*: {}", row.quantity, row.remark)?;
            }
        }
        // Once for all rows of a kind.
        let mut said: Vec<&str> = Vec::new();
        for (row, why) in part.rows.iter().filter_map(|row| Some((row, why::of(row)?))) {
            if !said.contains(&why) {
                said.push(why);
                writeln!(page, "\n✗ *{}*, and others like it: {why}", row.quantity)?;
            }
        }
        for plot in &part.plots {
            writeln!(page, "\n![{}](benchmarks/{}.svg)", plot.title, plot.name)?;
        }
        if !part.method.is_empty() {
            writeln!(page, "\n{}", part.method.trim())?;
        }
    }
    Ok(page)
}

fn write_row(page: &mut String, row: &Row) -> Result<()> {
    if row.others.is_empty() {
        writeln!(page, "| {} | {} | | | | | |", row.quantity, figure(row.ours))?;
    }
    for (place, other) in row.others.iter().enumerate() {
        let (quantity, ours) =
            if place == 0 { (&*row.quantity, figure(row.ours)) } else { ("", String::new()) };
        let mark =
            other.goal.met(row.ours, other.figure).map_or("", |met| if met { "✓" } else { "✗" });
        writeln!(
            page,
            "| {quantity} | {ours} | {} | {} | {} | {} | {mark} |",
            other.name,
            figure(other.figure),
            compared(row.ours, other.figure, other.goal),
            in_words(other.goal)
        )?;
    }
    Ok(())
}

fn compared(ours: f64, other: f64, goal: Goal) -> String {
    match goal {
        Goal::DifferenceAtMost(_) => format!("{:+.1}", ours - other),
        _ if other > 0.0 => format!("{:.2} ×", ours / other),
        _ => String::new(),
    }
}

fn in_words(goal: Goal) -> String {
    match goal {
        Goal::RatioAtLeast(ratio) => format!("≥ {ratio} ×"),
        Goal::RatioAtMost(ratio) => format!("≤ {ratio} ×"),
        Goal::DifferenceAtMost(most) => format!("≤ +{most}"),
        Goal::AtMost(most) => format!("≤ {most}"),
        Goal::None => "none".into(),
    }
}

/// `1.23 M`, `340 k`, `12.0`, `0.350`: three digits that count.
pub(crate) fn figure(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e6 => (value / 1e6, " M"),
        size if size >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    match scaled.abs() {
        size if size >= 100.0 || scaled == 0.0 => format!("{scaled:.0}{unit}"),
        size if size >= 10.0 => format!("{scaled:.1}{unit}"),
        size if size >= 1.0 => format!("{scaled:.2}{unit}"),
        _ => format!("{scaled:.3}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits() {
        let words = [(1_234_567.0, "1.23 M"), (65_432.0, "65.4 k"), (0.0, "0"), (0.2345, "0.234")];
        for (value, word) in words {
            assert_eq!(figure(value), word);
        }
    }

    #[test]
    fn a_goal_is_met_on_its_own_side_only() {
        assert_eq!(Goal::RatioAtLeast(8.0).met(80.0, 10.0), Some(true));
        assert_eq!(Goal::RatioAtMost(0.6).met(7.0, 10.0), Some(false));
        assert_eq!(Goal::DifferenceAtMost(40.0).met(55.0, 20.0), Some(true));
        assert_eq!(Goal::AtMost(2.0).met(2.5, 0.0), Some(false));
    }
}

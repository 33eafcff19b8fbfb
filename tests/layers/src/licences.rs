//! Which licences the crates may have that we link.
//!
//! Everything is under terms that Apache-2.0 OR MIT can be passed on with: those that `deny.toml`
//! lists. The panel is GPL-3.0-only and may link Slint besides.

use crate::deny::Deny;
use crate::graph::Graph;
use std::collections::BTreeMap;

/// Licences that only the panel may link besides.
pub const ALLOWED_IN_THE_PANEL: &[&str] = &["GPL-3.0-only", "GPL-3.0-or-later", "MPL-2.0"];

/// One sentence for each crate whose licence does not fit where it is linked.
pub fn check(graph: &Graph, deny: &Deny) -> Vec<String> {
    let mut wrong = BTreeMap::new();
    for (id, member, folder) in graph.members() {
        let panel = folder == "ui-kiosk";
        let allowed = |licence: &str| {
            deny.licences.allow.iter().any(|name| name == licence)
                || panel && ALLOWED_IN_THE_PANEL.contains(&licence)
        };
        for (reached, path) in graph.reaches(id) {
            let Some(linked) = graph.crates.get(reached) else { continue };
            if linked.folder.is_some() {
                continue;
            }
            let sentence = match linked.licence.as_deref() {
                None => "declares no licence".to_owned(),
                Some(expression) => match satisfied(expression, &allowed) {
                    Some(true) => continue,
                    Some(false) => format!("is under {expression}"),
                    None => format!("has a licence that cannot be read: {expression}"),
                },
            };
            wrong.entry((reached, panel)).or_insert_with(|| {
                format!(
                    "{} {} {sentence}, which {} may not link: {}",
                    linked.name,
                    linked.version,
                    member.name,
                    graph.path_in_names(id, &path)
                )
            });
        }
    }
    wrong.into_values().collect()
}

/// Whether an SPDX expression can be satisfied with allowed licences; `None` when it is malformed.
/// `/` between names is an old way of writing OR. An exception (WITH) only gives more freedom.
pub fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let value = either(&mut rest, allowed)?;
    rest.is_empty().then_some(value)
}

fn either(rest: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut value = both(rest, allowed)?;
    while let Some(("OR", behind)) = rest.split_first().map(|(word, behind)| (*word, behind)) {
        *rest = behind;
        value |= both(rest, allowed)?;
    }
    Some(value)
}

fn both(rest: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut value = one(rest, allowed)?;
    while let Some(("AND", behind)) = rest.split_first().map(|(word, behind)| (*word, behind)) {
        *rest = behind;
        value &= one(rest, allowed)?;
    }
    Some(value)
}

fn one(rest: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let (word, behind) = rest.split_first()?;
    *rest = behind;
    match *word {
        "(" => {
            let value = either(rest, allowed)?;
            let (")", behind) = rest.split_first().map(|(word, behind)| (*word, behind))? else {
                return None;
            };
            *rest = behind;
            Some(value)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        licence => {
            if let ["WITH", _exception, behind @ ..] = rest {
                *rest = behind;
            }
            Some(allowed(licence))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_with_and_binding_tighter_than_or() {
        let allowed = |licence: &str| matches!(licence, "MIT" | "Unicode-3.0" | "Apache-2.0");
        for (expression, answer) in [
            ("MIT", Some(true)),
            ("MIT OR GPL-3.0-only", Some(true)),
            ("GPL-2.0/MIT", Some(true)),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", Some(true)),
            ("MIT AND GPL-3.0-only", Some(false)),
            ("GPL-3.0-only OR MIT AND Unicode-3.0", Some(true)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("GPL-3.0-only", Some(false)),
            ("MIT OR", None),
            ("(MIT", None),
            ("MIT MIT", None),
            ("", None),
        ] {
            assert_eq!(satisfied(expression, &allowed), answer, "{expression}");
        }
    }
}

//! The audit log in plain words.

use super::print::{date, table};
use crate::control::{AuditLine, ControlAnswer};

pub(super) fn words(answer: &ControlAnswer) -> String {
    match answer {
        ControlAnswer::Audit { rows } if rows.is_empty() => {
            "Nothing is in the audit log there.".to_owned()
        }
        ControlAnswer::Audit { rows } => {
            let row = |row: &AuditLine| {
                let change = match (row.before.0.as_str(), row.after.0.as_str()) {
                    ("", after) => after.to_owned(),
                    (before, "") => format!("was: {before}"),
                    (before, after) => format!("{before} -> {after}"),
                };
                vec![
                    row.number.to_string(),
                    date(row.at),
                    row.who.clone(),
                    row.act.clone(),
                    row.subject.clone(),
                    change,
                ]
            };
            table(&["NUMBER", "TIME", "WHO", "WHAT", "TO", "CHANGE"], rows.iter().map(row))
        }
        ControlAnswer::AuditChecked { rows: 0, .. } => "The audit log has no rows yet.".to_owned(),
        ControlAnswer::AuditChecked { first, rows, last, hash, wrong } if wrong.is_empty() => {
            format!(
                "The audit log is whole: {rows} rows, {first} to {last}, none missing between them \
                 and none changed. The last one's hash is {hash}; the cloud's log said the same when \
                 it was written."
            )
        }
        ControlAnswer::AuditChecked { wrong, .. } => {
            let wrong: Vec<String> = wrong.iter().map(u64::to_string).collect();
            format!(
                "The audit log is not as it was written. These rows were changed, or one before them \
                 is missing: {}. Compare with the lines 'audit' in the cloud's log, and with a backup.",
                wrong.join(", ")
            )
        }
        answer => super::print_awaited::words(answer),
    }
}

//! What has to be changed of the firmware's entries: a function of what `efibootmgr -v` prints.

use anyhow::{Result, bail};

/// No firmware has as many entries; a longer list is not read.
const MOST_LINES: usize = 1_000;

/// A slot's boot partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// RAUC's name of the slot, which is the entry's: `conclave_a`.
    pub(crate) label: String,
    /// The partition's number on its disk.
    pub(crate) partition: u32,
    /// The partition's GUID, lower case.
    pub(crate) guid: String,
}

/// One change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An entry of one of our names that is for another partition.
    Remove { number: String },
    /// A new entry; it stands before all others then.
    Create(Slot),
}

/// The changes in their order. The slot that was started is made last, so that it comes first.
pub(crate) fn steps(known: &str, slots: &[Slot; 2], booted: &str) -> Result<Vec<Step>> {
    if !slots.iter().any(|slot| slot.label == booted) {
        bail!("'{booted}' is the name of no slot");
    }
    let mut steps = Vec::new();
    let mut missing = Vec::new();
    for slot in slots {
        let mut found = false;
        for entry in known.lines().take(MOST_LINES).filter_map(entry) {
            if entry.name != slot.label {
                continue;
            }
            // A second one for the same partition would only be in the way.
            if !found && entry.place.to_ascii_lowercase().contains(&slot.guid) {
                found = true;
            } else {
                steps.push(Step::Remove { number: entry.number.to_owned() });
            }
        }
        if !found {
            missing.push(slot.clone());
        }
    }
    missing.sort_by_key(|slot| slot.label == booted);
    steps.extend(missing.into_iter().map(Step::Create));
    Ok(steps)
}

struct Entry<'a> {
    number: &'a str,
    name: &'a str,
    place: &'a str,
}

/// `Boot0001* conclave_a<tab>HD(1,GPT,…)/…`; a space stands for the star when it is switched off.
fn entry(line: &str) -> Option<Entry<'_>> {
    let line = line.strip_prefix("Boot")?;
    let (number, line) = line.split_at_checked(4)?;
    if !number.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return None;
    }
    let line = line.strip_prefix(['*', ' '])?.strip_prefix(' ')?;
    let (name, place) = line.split_once('\t')?;
    Some(Entry { number, name, place })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "5ca1ab1e-0000-4000-8000-00000000000a";
    const B: &str = "5ca1ab1e-0000-4000-8000-00000000000b";

    fn slots() -> [Slot; 2] {
        [("conclave_a", 1, A), ("conclave_b", 2, B)].map(|(label, partition, guid)| Slot {
            label: label.to_owned(),
            partition,
            guid: guid.to_owned(),
        })
    }

    fn line(number: &str, name: &str, guid: &str) -> String {
        format!(
            "Boot{number}* {name}\tHD(1,GPT,{guid},0x800,0x30000)/\\EFI\\conclave\\conclave.efi\n"
        )
    }

    fn names(steps: &[Step]) -> Vec<&str> {
        steps
            .iter()
            .map(|step| match step {
                Step::Remove { number } => number.as_str(),
                Step::Create(slot) => slot.label.as_str(),
            })
            .collect()
    }

    #[test]
    fn a_new_board_learns_both_and_starts_the_one_that_was_started() {
        let known = "BootCurrent: 0001\nTimeout: 0 seconds\nBootOrder: 0000,0001\n\
                     Boot0000* UiApp\tFvVol(7cb8bdc9)/FvFile(462caa21)\n";
        // Each new entry is put before all others.
        assert_eq!(
            names(&steps(known, &slots(), "conclave_a").unwrap()),
            ["conclave_b", "conclave_a"]
        );
        assert_eq!(
            names(&steps(known, &slots(), "conclave_b").unwrap()),
            ["conclave_a", "conclave_b"]
        );
    }

    #[test]
    fn a_board_that_knows_both_is_left_alone() {
        let known = format!(
            "BootOrder: 0004,0003\n{}{}",
            line("0003", "conclave_a", &A.to_ascii_uppercase()),
            line("0004", "conclave_b", B)
        );
        assert_eq!(steps(&known, &slots(), "conclave_b").unwrap(), []);
    }

    #[test]
    fn entries_of_another_disk_and_second_ones_go() {
        let other = "5ca1ab1e-0000-4000-8000-0000000000ff";
        let known = [
            line("0003", "conclave_a", other),
            line("0004", "conclave_b", B),
            line("0005", "conclave_b", B),
        ]
        .concat();
        assert_eq!(
            names(&steps(&known, &slots(), "conclave_a").unwrap()),
            ["0003", "0005", "conclave_a"]
        );
    }

    #[test]
    fn lines_that_are_no_entries_are_passed_over() {
        for known in ["Boot", "Boot00", "Bootüüüü* conclave_a\tx", "Boot0001*", "Boot0001* x", ""]
        {
            assert_eq!(steps(known, &slots(), "conclave_a").unwrap().len(), 2, "{known}");
        }
        assert!(steps("", &slots(), "conclave_c").is_err());
    }
}

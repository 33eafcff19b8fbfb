//! The pages that answer a standard are whole and name what is there; and each mistake is found.

use conclave_layers::provisions::{self, CRA_ANNEX_I, ETSI_EN_303_645, Standard};

fn is_right(standard: Standard) {
    let page = provisions::of_workspace(standard).expect("the page is in the repository");
    let wrong = provisions::check(standard, &page);
    assert!(wrong.is_empty(), "\n{}:\n{}\n", standard.page, wrong.join("\n"));
}

#[test]
fn every_provision_of_etsi_en_303_645_has_its_answer() {
    is_right(ETSI_EN_303_645);
}

#[test]
fn every_requirement_of_the_cyber_resilience_act_has_its_answer() {
    is_right(CRA_ANNEX_I);
}

#[test]
fn there_are_as_many_provisions_as_etsi_counts() {
    let of =
        |letter| ETSI_EN_303_645.provisions.iter().filter(|(_, status)| *status == letter).count();
    assert_eq!((of("M"), of("R")), (33, 35));
}

const SMALL: Standard = Standard { page: "small.md", provisions: &[("1-1", "M"), ("1-2", "R")] };

const RIGHT: &str = "\
# Small

| provision | asks | status | answer | how, or what is missing | shown by |
| --- | --- | --- | --- | --- | --- |
| 1-1 | doors | M C (5) | met | none, see `docs/it.md` | `tests/stage/tests/e2e_wire.rs::a_room_listens_on…`, `cargo xtask deny` |
| 1-2 | windows | R | not yet | all of it | |

| | M | R | all |
| --- | ---: | ---: | ---: |
| met | 1 | 0 | 1 |
| not yet | 0 | 1 | 1 |
| does not apply | 0 | 0 | 0 |
| all | 1 | 1 | 2 |
";

#[test]
fn a_page_in_which_everything_is_right_is_left_alone() {
    assert_eq!(provisions::check(SMALL, RIGHT), Vec::<String>::new());
}

/// `from` becomes `to`, and then the check says `about`.
fn planted(from: &str, to: &str, about: &str) {
    assert!(RIGHT.contains(from), "the small page has no {from:?}");
    let wrong = provisions::check(SMALL, &RIGHT.replacen(from, to, 1));
    assert!(
        wrong.iter().any(|sentence| sentence.contains(about)),
        "{about:?} is not in {wrong:#?}"
    );
}

#[test]
fn a_row_that_is_missing_doubled_or_in_another_place_is_found() {
    planted(
        "| 1-2 | windows | R | not yet | all of it | |\n",
        "",
        "where 1-2 should stand there is the end",
    );
    planted("| 1-2 |", "| 1-3 |", "where 1-2 should stand there is 1-3");
    planted("| 1-1 |", "| 1-2 |", "where 1-1 should stand there is 1-2");
    planted("all of it | |", "all of it |", "5 cells");
}

#[test]
fn an_answer_without_its_reason_is_found() {
    planted("| not yet | all of it |", "| not yet | |", "what is missing, have to be said");
    planted("not yet | all", "partly | all", "is none of");
    planted("| R | not yet", "| M | not yet", "its status is not");
    planted("| R | not yet | all of it |", "| R | met | all of it |", "nothing shows it");
    planted("`cargo xtask deny`", "the lock file", "is no reference");
}

#[test]
fn a_reference_to_what_is_not_there_is_found() {
    let test = "`tests/stage/tests/e2e_wire.rs::a_room_listens_on…`";
    for (from, to) in [
        (test, "`tests/stage/tests/e2e_wire.rs::a_room_listens_on`"),
        (test, "`tests/stage/tests/e2e_wire.rs::contains`"),
        // Two of its tests begin so.
        (test, "`tests/stage/tests/e2e_wire.rs::the…`"),
        (test, "`tests/stage/tests/e2e_wires.rs::a_room_listens_on…`"),
        (test, "`tests/hil/test_01_image.py::test_a_production_image_has_no_window`"),
        ("`docs/it.md`", "`docs/them.md`"),
        ("`docs/it.md`", "`tests/../../shared`"),
        ("`docs/it.md`", "`/etc/passwd`"),
        ("`docs/it.md`", "`conclave_rooms_linked`"),
        ("`cargo xtask deny`", "`cargo xtask denies`"),
        ("`cargo xtask deny`", "`cargo test -p conclave-ladders`"),
        ("`cargo xtask deny`", "`cargo test -p conclave-layers --test no_way`"),
        ("`cargo xtask deny`", "`conclave-cloud vmr paint`"),
    ] {
        planted(from, to, &format!("{to} is not there"));
    }
}

#[test]
fn a_reference_to_what_is_there_is_taken() {
    for to in [
        "`tests/hil/test_01_image.py::test_nobody_in_it_has_a_password`",
        "`cloud-link/cloud/tests/link.rs::a_cloud_with_another_key_is_not_spoken_to`",
        "`cargo test -p conclave-layers`",
        "`cargo test -p conclave-layers --test one_way`",
        "`conclave-cloud vmr set-pin`",
        "`appliance/system`",
        "`deny.toml`",
    ] {
        let page = RIGHT.replacen("`cargo xtask deny`", to, 1);
        assert_eq!(provisions::check(SMALL, &page), Vec::<String>::new());
    }
}

#[test]
fn counts_that_are_not_those_of_the_rows_are_found() {
    planted("| met | 1 | 0 | 1 |", "| met | 1 | 1 | 2 |", "has to end with these counts");
    planted(
        "| all | 1 | 1 | 2 |\n",
        "| all | 1 | 1 | 2 |\n\nMore.\n",
        "has to end with these counts",
    );
}

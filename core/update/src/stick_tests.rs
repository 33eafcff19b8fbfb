//! What somebody brings on a stick, in virtual time.

use super::*;
use crate::{Brought, Stick, Unusable};

const COPY: BundleHash = BundleHash([9; 32]);
const COPIED: Input = Input::Copied { sha256: COPY, size: 1 << 20 };

pub(super) fn brings(version: Version) -> Brought {
    let compatible = "conclave-virtual".to_owned();
    Brought::Bundle(Bundle { version: version.to_string(), compatible })
}

/// At noon, touched a moment ago, never linked: a cloud is not needed.
fn at_noon() -> Bench {
    let mut bench = Bench::new(facts(OLD, "boot 1"), Kept::default());
    for part in [Part::Panel, Part::Camera, Part::Microphone] {
        bench.give(Input::Part(part, true));
    }
    bench.give(Input::Clock(DAY));
    bench.give(Input::Touched);
    bench
}

fn asked() -> Bench {
    let mut bench = at_noon();
    bench.give(Input::Stick(Some(brings(NEW))));
    assert_eq!(bench.update.stick(), Some(Stick::Usable(NEW)));
    bench
}

#[test]
fn a_stick_updates_a_room_at_once_and_without_a_cloud() {
    let mut bench = asked();
    assert!(bench.said.is_empty(), "nobody has said yes");
    bench.give(Input::InstallStick);
    assert!(bench.says(&Output::Copy));
    bench.give(Input::Copying { percent: 40 });
    assert_eq!(bench.update.stick(), Some(Stick::Copying { percent: 40 }));
    bench.give(COPIED);
    assert!(bench.says(&Output::Check(COPY)));
    // From here on it may be taken out.
    bench.give(Input::Stick(None));
    bench.check();
    assert!(bench.says(&Output::Install(COPY)));
    bench.give(Input::Installing { percent: 70 });
    assert_eq!(bench.update.stick(), Some(Stick::Installing { percent: 70 }));
    bench.give(Input::Installed);
    assert!(bench.says(&Output::Restart), "{:?}", bench.said);
    assert_eq!(bench.update.stick(), Some(Stick::Restarting));

    // And it has to prove itself like any other: the link was not there before.
    let mut bench = Bench::new(facts(NEW, "boot 2"), bench.kept);
    for part in [Part::Panel, Part::Camera, Part::Microphone] {
        bench.give(Input::Part(part, true));
    }
    bench.pass(STEADY);
    assert!(bench.says(&Output::Commit));
    bench.give(Input::Committed);
    assert_eq!(bench.stage(), UpdateStage::Committed);
}

#[test]
fn what_is_not_newer_not_signed_or_not_for_this_board_is_refused_with_its_reason() {
    let mut bench = at_noon();
    let elsewhere = Bundle { version: NEW.to_string(), compatible: "conclave-other".into() };
    let nonsense = Bundle { version: "new".into(), compatible: "conclave-virtual".into() };
    for (brought, why) in [
        (Brought::NotSigned, Unusable::NotSigned),
        (Brought::Bundle(elsewhere), Unusable::WrongBoard),
        (Brought::Bundle(nonsense), Unusable::NotSigned),
        (brings(OLD), Unusable::NotNewer),
        (brings(Version(0, 9, 9)), Unusable::NotNewer),
    ] {
        bench.give(Input::Stick(Some(brought)));
        assert_eq!(bench.update.stick(), Some(Stick::Unusable(why)));
        bench.give(Input::InstallStick);
        assert!(bench.said.is_empty(), "{:?}", bench.said);
    }
    bench.give(Input::Stick(None));
    assert_eq!(bench.update.stick(), None);

    let kept = Kept { floor: Version(1, 3, 0), failed: vec![Version(1, 4, 0)], ..Kept::default() };
    let mut bench = Bench::new(facts(OLD, "boot 1"), kept);
    bench.give(Input::Stick(Some(brings(Version(1, 2, 9)))));
    assert_eq!(bench.update.stick(), Some(Stick::Unusable(Unusable::BelowFloor)));
    bench.give(Input::Stick(Some(brings(Version(1, 4, 0)))));
    assert_eq!(bench.update.stick(), Some(Stick::Unusable(Unusable::TriedBefore)));
}

#[test]
fn another_stick_than_the_one_that_was_asked_about_is_not_installed() {
    let mut bench = asked();
    bench.give(Input::InstallStick);
    bench.give(COPIED);
    let version = Version(1, 2, 0).to_string();
    bench.give(Input::Checked(Bundle { version, compatible: "conclave-virtual".into() }));
    assert_eq!(bench.update.stick(), Some(Stick::Failed(UpdateFault::Damaged)));
    assert!(!bench.said.iter().any(|said| matches!(said, Output::Install(_))));
}

#[test]
fn a_stick_that_is_pulled_out_too_early_leaves_the_room_as_it_was() {
    let mut bench = asked();
    bench.give(Input::InstallStick);
    bench.give(Input::DiskFailed { detail: "gone".into() });
    assert_eq!(bench.update.stick(), Some(Stick::Failed(UpdateFault::Disk)));
    assert!(bench.says(&Output::Discard));
    bench.give(Input::Stick(None));
    assert_eq!(bench.update.stick(), None);
    bench.give(Input::Stick(Some(brings(NEW))));
    assert_eq!(bench.update.stick(), Some(Stick::Usable(NEW)));
}

#[test]
fn the_clouds_offer_stands_aside_and_comes_back() {
    let mut bench = Bench::idle();
    bench.give(Input::Clock(DAY));
    bench.give(offer(Version(1, 2, 0)));
    bench.give(Input::Stick(Some(brings(NEW))));
    bench.give(Input::InstallStick);
    bench.give(offer(Version(1, 3, 0)));
    assert!(bench.says(&Output::Copy), "{:?}", bench.said);
    bench.give(COPIED);
    bench.give(Input::Unfit { fault: UpdateFault::Refused, detail: String::new() });
    assert_eq!(bench.update.stick(), Some(Stick::Failed(UpdateFault::Refused)));
    assert_eq!(bench.update.report().wanted, Some(Version(1, 3, 0)));
    assert_eq!(bench.stage(), UpdateStage::Waiting);
}

#[test]
fn nothing_is_begun_or_installed_in_a_call() {
    let mut bench = asked();
    bench.give(Input::Use(Use::Call));
    bench.give(Input::InstallStick);
    assert!(bench.said.is_empty());
    bench.give(Input::Use(Use::Free));
    bench.give(Input::InstallStick);
    bench.give(COPIED);
    bench.give(Input::Use(Use::Call));
    bench.said.clear();
    bench.check();
    assert!(bench.said.is_empty(), "{:?}", bench.said);
    bench.give(Input::Use(Use::Free));
    assert!(bench.says(&Output::Check(COPY)));
    bench.check();
    assert!(bench.says(&Output::Install(COPY)));
}

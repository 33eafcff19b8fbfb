//! What is typed on the panel is not shown when a tap is printed for a log.

use conclave_panel_api::Tap;

#[test]
fn a_digit_prints_as_nothing() {
    for digit in 0..=9 {
        let shown = format!("{:?}", Tap::Digit { digit });
        assert!(!shown.contains(char::is_numeric), "{shown}");
    }
    assert_eq!(format!("{:?}", Tap::Leave), "Leave");
    assert_eq!(format!("{:?}", Tap::Volume { louder: true }), "Volume { louder: true }");
}

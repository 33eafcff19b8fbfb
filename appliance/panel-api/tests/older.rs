//! What an older daemon or panel sends is still understood.

use conclave_panel_api::{Panel, decode};

#[test]
fn a_panel_of_a_daemon_that_knows_no_sleep_is_awake() {
    let older = r#"{"language":"english","room":null,"serial":"A","link":"up","camera":"working",
        "microphone":"working","screen":{"screen":"starting"},"notice":null}"#;
    assert!(!decode::<Panel>(older.as_bytes()).unwrap().asleep);
}

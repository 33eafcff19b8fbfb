//! What an older daemon or panel sends is still understood.

use conclave_panel_api::{Panel, Screen, decode};

#[test]
fn a_panel_of_a_daemon_that_knows_no_sleep_is_awake() {
    let older = r#"{"language":"english","room":null,"serial":"A","link":"up","camera":"working",
        "microphone":"working","screen":{"screen":"starting"},"notice":null}"#;
    assert!(!decode::<Panel>(older.as_bytes()).unwrap().asleep);
}

#[test]
fn in_a_call_of_a_daemon_that_knows_no_lobby_nobody_waits() {
    let older = r#"{"screen":"in_call","name":"Board","number":"4711","seconds":1,"participants":[],
        "microphone":"on","camera":"on","volume":50,"layout":"grid","people_open":false,
        "health":"good"}"#;
    let Screen::InCall(call) = decode::<Screen>(older.as_bytes()).unwrap() else { panic!() };
    assert!(call.lobby.is_empty());
}

//! Lines between `conclave-cloud …` and the running cloud. The module is built in here alone: the
//! rest of conclave-cloud has SQLite and an asynchronous runtime.

#[path = "../../cloud/server/src/control/mod.rs"]
#[expect(dead_code, reason = "lines are counted by the socket only")]
#[expect(unused_imports, reason = "not all that it hands out is named here")]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
mod control;

use control::{ControlAnswer, ControlLine};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The input is one line of each end.
pub fn lines(input: &[u8]) {
    survives::<ControlLine>(input);
    survives::<ControlAnswer>(input);
}

fn survives<T: Serialize + DeserializeOwned + PartialEq>(input: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(input) else { return };
    let written = serde_json::to_string(&read).unwrap_or_default();
    assert!(!written.contains('\n'));
    assert!(serde_json::from_str::<T>(&written).is_ok_and(|again| again == read), "{written}");
}

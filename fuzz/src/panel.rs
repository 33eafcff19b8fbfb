//! The panel's socket, both ways, and its messages.

use conclave_panel_api::{FrameError, MAX_FRAME_LEN, Panel, Tap, decode, encode, read_frame};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// The input is a stream of frames of each end, and a message of each end.
pub fn messages(input: &[u8]) {
    stream::<Panel>(input);
    stream::<Tap>(input);
    message::<Panel>(input);
    message::<Tap>(input);
}

fn stream<T: Serialize + DeserializeOwned + PartialEq + Debug>(mut input: &[u8]) {
    while let Ok(Some(message)) = read_frame::<T>(&mut input) {
        survives(&message);
    }
}

fn message<T: Serialize + DeserializeOwned + PartialEq + Debug>(input: &[u8]) {
    if let Ok(message) = decode::<T>(input) {
        survives(&message);
    }
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(message: &T) {
    match encode(message) {
        Ok(frame) => {
            let read = read_frame::<T>(&mut frame.as_slice());
            assert!(matches!(&read, Ok(Some(read)) if read == message), "{message:?}: {read:?}");
        }
        // What was left out is written, so it may have grown.
        Err(FrameError::Length { found }) => assert!(found > MAX_FRAME_LEN),
        Err(error) => panic!("{message:?}: {error}"),
    }
}

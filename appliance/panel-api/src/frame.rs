//! Frames on the panel's socket: a length, then JSON.
//!
//! Offset 0: length of what follows, u32, big endian, 1 to [`MAX_FRAME_LEN`]. Offset 4: one JSON value.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read, Write};

/// Octets of JSON in one frame at most. A panel with 200 participants takes about 60 kB; a higher
/// limit would only let a broken peer take more memory.
pub const MAX_FRAME_LEN: usize = 256 * 1024;

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The socket failed or closed in the middle of a frame.
    #[error("panel socket failed")]
    Io(#[from] std::io::Error),
    /// The length is zero or above the limit.
    #[error("frame of {found} octets, at most {MAX_FRAME_LEN} are allowed")]
    Length {
        /// What the length field said.
        found: usize,
    },
    /// The JSON is not a message of the wanted kind.
    #[error("frame is not a panel message")]
    Content(#[from] serde_json::Error),
}

/// One message as a frame, ready to be written.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_LEN {
        return Err(FrameError::Length { found: length });
    }
    frame[..4].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(frame)
}

/// Reads a frame's length field.
pub fn decode_length(field: [u8; 4]) -> Result<usize, FrameError> {
    let length = u32::from_be_bytes(field) as usize;
    if (1..=MAX_FRAME_LEN).contains(&length) {
        Ok(length)
    } else {
        Err(FrameError::Length { found: length })
    }
}

/// Reads what stands behind the length field.
pub fn decode<T: DeserializeOwned>(content: &[u8]) -> Result<T, FrameError> {
    Ok(serde_json::from_slice(content)?)
}

/// Waits for one whole frame; `None` when the other end closed between frames.
pub fn read_frame<T: DeserializeOwned>(reader: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut field = [0; 4];
    match reader.read(&mut field[..1])? {
        0 => return Ok(None),
        _ => reader.read_exact(&mut field[1..])?,
    }
    let mut content = vec![0; decode_length(field)?];
    reader.read_exact(&mut content)?;
    decode(&content).map(Some)
}

/// Writes one message as a frame.
pub fn write_frame<T: Serialize>(writer: &mut impl Write, message: &T) -> Result<(), FrameError> {
    writer.write_all(&encode(message)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tap;

    #[test]
    fn a_tap_survives_the_socket() {
        let frame = encode(&Tap::Digit { digit: 7 }).unwrap();
        let mut reader = frame.as_slice();
        assert_eq!(read_frame(&mut reader).unwrap(), Some(Tap::Digit { digit: 7 }));
        assert_eq!(read_frame::<Tap>(&mut reader).unwrap(), None);
    }

    #[test]
    fn half_a_frame_or_too_long_a_frame_is_an_error_and_takes_no_memory() {
        let frame = encode(&Tap::Leave).unwrap();
        for cut in 1..frame.len() {
            assert!(read_frame::<Tap>(&mut &frame[..cut]).is_err(), "cut at {cut}");
        }
        let found = read_frame::<Tap>(&mut [0xff, 0xff, 0xff, 0xff].as_slice());
        assert!(matches!(found, Err(FrameError::Length { found: 0xffff_ffff })));
        assert!(read_frame::<Tap>(&mut [0, 0, 0, 0].as_slice()).is_err());
    }

    #[test]
    fn garbage_is_an_error() {
        assert!(read_frame::<Tap>(&mut [0, 0, 0, 2, b'h', b'i'].as_slice()).is_err());
    }
}

//! Frames: how messages stand behind each other in the stream.
//!
//! | offset | octets | what |
//! | --- | --- | --- |
//! | 0 | 4 | length of the content, u32, big endian, 1 to [`LONGEST_CONTENT`] |
//! | 4 | length | one JSON object in UTF-8, see [`crate::envelope`] |
//!
//! The format belongs to the ALPN `conclave-link/1` and does not change under that name.

use conclave_types::Secret;
use std::fmt;

/// Octets of content in one frame at most. The longest messages are the roster of a large meeting
/// and the directory: an entry takes 60 to 150 octets with usual names, so that about 400 fit. A
/// higher limit lets a stranger who has shown no certificate yet take more memory of the cloud.
pub const LONGEST_CONTENT: usize = 64 * 1024;

/// Octets before the content.
pub const HEADER: usize = 4;

/// Why a stream cannot be cut into frames, or a message not be put into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length field says more than is allowed.
    #[error("a frame of {length} octets, at most {LONGEST_CONTENT} are allowed")]
    TooLong {
        /// What it said.
        length: usize,
    },
    /// The length field says zero.
    #[error("a frame without content")]
    Empty,
}

/// Puts the header before the content.
pub fn encode(content: &[u8]) -> Result<Secret<Vec<u8>>, FrameError> {
    let length = check(content.len())?;
    let mut frame = Vec::with_capacity(HEADER + content.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(content);
    Ok(Secret::new(frame))
}

fn check(length: usize) -> Result<u32, FrameError> {
    match u32::try_from(length) {
        Ok(0) => Err(FrameError::Empty),
        Ok(short) if length <= LONGEST_CONTENT => Ok(short),
        Ok(_) | Err(_) => Err(FrameError::TooLong { length }),
    }
}

/// Cuts a stream into frames. It keeps at most one frame's beginning, takes memory only for octets
/// that have really come, and none between frames: thousands of idle links hold nothing here.
#[derive(Default)]
pub struct Decoder {
    header: [u8; HEADER],
    header_filled: usize,
    /// The content so far.
    content: Vec<u8>,
}

impl Decoder {
    /// Nothing read yet.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Takes octets off the front of `read`, up to the end of the first frame that they complete,
    /// and returns its content. `None` when `read` is used up. After an error the stream is lost.
    pub fn next(&mut self, read: &mut &[u8]) -> Result<Option<Secret<Vec<u8>>>, FrameError> {
        let missing = take(read, HEADER - self.header_filled);
        self.header[self.header_filled..self.header_filled + missing.len()]
            .copy_from_slice(missing);
        self.header_filled += missing.len();
        if self.header_filled < HEADER {
            return Ok(None);
        }
        // A length that does not fit is far above the limit on every machine.
        let length = usize::try_from(u32::from_be_bytes(self.header)).unwrap_or(usize::MAX);
        check(length)?;
        self.content.extend_from_slice(take(read, length - self.content.len()));
        if self.content.len() < length {
            return Ok(None);
        }
        self.header_filled = 0;
        Ok(Some(Secret::new(std::mem::take(&mut self.content))))
    }

    /// Whether the stream may end here: not in the midst of a frame.
    pub fn is_between_frames(&self) -> bool {
        self.header_filled == 0
    }
}

impl fmt::Debug for Decoder {
    /// Contents may be keys and PINs, so only the amount is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({} + {} octets)", self.header_filled, self.content.len())
    }
}

fn take<'a>(from: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = from.split_at(most.min(from.len()));
    *from = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(decoder: &mut Decoder, mut read: &[u8]) -> Result<Vec<Vec<u8>>, FrameError> {
        let mut frames = Vec::new();
        while let Some(frame) = decoder.next(&mut read)? {
            frames.push(frame.expose().clone());
        }
        Ok(frames)
    }

    #[test]
    fn a_frame_is_its_length_and_its_content() {
        let frame = encode(b"{\"ping\":1}").unwrap();
        assert_eq!(frame.expose(), b"\x00\x00\x00\x0a{\"ping\":1}");
    }

    #[test]
    fn lengths_outside_the_limit_are_refused_before_any_content_is_kept() {
        let mut decoder = Decoder::new();
        assert_eq!(
            all(&mut decoder, &[0, 1, 0, 1]),
            Err(FrameError::TooLong { length: LONGEST_CONTENT + 1 })
        );
        assert_eq!(all(&mut Decoder::new(), &[0, 0, 0, 0]), Err(FrameError::Empty));
        assert_eq!(
            all(&mut Decoder::new(), b"GET / HTTP/1.1\r\n"),
            Err(FrameError::TooLong { length: 0x4745_5420 })
        );
        assert!(encode(&vec![b' '; LONGEST_CONTENT]).is_ok());
        assert!(encode(&vec![b' '; LONGEST_CONTENT + 1]).is_err());
        assert_eq!(encode(b"").unwrap_err(), FrameError::Empty);
    }

    #[test]
    fn a_great_length_takes_no_memory_until_octets_come() {
        let mut decoder = Decoder::new();
        assert_eq!(all(&mut decoder, &[0, 1, 0, 0, b'{']), Ok(vec![]));
        assert!(decoder.content.capacity() < 64);
        assert!(!decoder.is_between_frames());
    }

    #[test]
    fn nothing_is_kept_between_frames() {
        let mut decoder = Decoder::new();
        let frame = encode(&vec![b'x'; 40_000]).unwrap();
        assert_eq!(all(&mut decoder, frame.expose()).unwrap().len(), 1);
        assert_eq!(decoder.content.capacity(), 0);
        assert!(decoder.is_between_frames());
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_the_stream_is_cut(
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..8),
            cuts in prop::collection::vec(1_usize..50, 1..20),
        ) {
            let mut stream = Vec::new();
            for content in &contents {
                stream.extend_from_slice(encode(content).unwrap().expose());
            }
            let mut decoder = Decoder::new();
            let mut seen = Vec::new();
            let mut rest = stream.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (read, after) = rest.split_at((*cut).min(rest.len()));
                seen.extend(all(&mut decoder, read).unwrap());
                rest = after;
            }
            prop_assert_eq!(seen, contents);
            prop_assert!(decoder.is_between_frames());
        }

        #[test]
        fn any_octets_are_frames_or_an_error_and_never_take_more_memory_than_they_are(
            stream in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            let mut decoder = Decoder::new();
            let _ = all(&mut decoder, &stream);
            prop_assert!(decoder.content.len() <= stream.len());
        }
    }
}

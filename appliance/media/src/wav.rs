//! A WAV file that can be read while it grows: 48 kHz, mono, i16, little endian.
//!
//! ```text
//!  0  "RIFF" · size of what follows, u32 · "WAVE"
//! 12  "fmt " · 16 · PCM (1) · channels (1) · 48000 · 96000 octets/s · 2 octets · 16 bits
//! 36  "data" · size of the samples, u32
//! 44  samples
//! ```
//!
//! Both sizes are written again several times a second. Whoever reads in between, or after the
//! process was killed, sees a whole file that only lacks its last moment.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

const HEADER: u32 = 44;
const RATE: u32 = 48_000;
/// Samples between two updates of the sizes: a quarter of a second.
const UPDATE: u32 = RATE / 4;
/// Sizes are 32 bits: after six hours the file starts again.
const MOST_OCTETS: u32 = 0x7fff_0000;

pub(crate) struct Wav {
    file: File,
    /// Octets of samples written.
    written: u32,
    since_update: u32,
}

impl Wav {
    /// Starts a file, replacing one that was there.
    pub(crate) fn create(path: &Path) -> std::io::Result<Wav> {
        let mut wav = Wav { file: File::create(path)?, written: 0, since_update: 0 };
        wav.file.write_all(&header(0))?;
        Ok(wav)
    }

    /// Adds samples.
    pub(crate) fn append(&mut self, samples: &[i16]) -> std::io::Result<()> {
        if self.written > MOST_OCTETS {
            self.file.set_len(u64::from(HEADER))?;
            self.file.seek(SeekFrom::Start(u64::from(HEADER)))?;
            self.written = 0;
        }
        let octets: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        self.file.write_all(&octets)?;
        self.written += octets.len() as u32;
        self.since_update += samples.len() as u32;
        if self.since_update >= UPDATE {
            self.since_update = 0;
            self.update()?;
        }
        Ok(())
    }

    fn update(&mut self) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(self.written))?;
        self.file.seek(SeekFrom::Start(u64::from(HEADER + self.written)))?;
        Ok(())
    }
}

impl Drop for Wav {
    fn drop(&mut self) {
        if let Err(error) = self.update() {
            tracing::warn!(%error, "the sound file lacks its last moment");
        }
    }
}

fn header(octets: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER as usize);
    header.extend(b"RIFF");
    header.extend((HEADER - 8 + octets).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(RATE.to_le_bytes());
    header.extend((RATE * 2).to_le_bytes());
    header.extend(2_u16.to_le_bytes());
    header.extend(16_u16.to_le_bytes());
    header.extend(b"data");
    header.extend(octets.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_while_it_grows_and_after_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut wav = Wav::create(&path).unwrap();
        let sizes = || {
            let octets = std::fs::read(&path).unwrap();
            let at = |n: usize| u32::from_le_bytes(octets[n..n + 4].try_into().unwrap());
            assert_eq!(at(4), at(40) + 36);
            assert!(at(40) as usize + 44 <= octets.len());
            (at(40), octets.len())
        };
        assert_eq!(sizes(), (0, 44));
        for _ in 0..30 {
            wav.append(&[5; 480]).unwrap();
        }
        assert_eq!(sizes(), (24_000, 44 + 28_800));
        drop(wav);
        assert_eq!(sizes(), (28_800, 44 + 28_800));
    }
}

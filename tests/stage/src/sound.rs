//! Sound made for microphones, and looked for in loudspeakers.

use anyhow::{Context, Result, bail};
use std::f64::consts::TAU;
use std::path::Path;
use std::process::Command;

/// Samples per second of everything here.
pub const RATE: u32 = 48_000;

/// One voice: mono samples at [`RATE`].
pub type Samples = Vec<i16>;

/// Beeps of a pure tone: 0.3 s on, 0.2 s off. A tone that never stops would rightly be taken for
/// a noisy fan and suppressed.
pub fn beeps(hertz: f64, seconds: f64) -> Samples {
    let count = (seconds * f64::from(RATE)) as usize;
    (0..count)
        .map(|i| {
            let at = i as f64 / f64::from(RATE);
            let into = at % 0.5;
            // 10 ms of fading: a hard edge would click at every frequency.
            let loud = (into / 0.01).min((0.3 - into) / 0.01).clamp(0.0, 1.0);
            (loud * 12_000.0 * (TAU * hertz * at).sin()) as i16
        })
        .collect()
}

/// Writes a WAV file: mono, 16 bit, little endian, at [`RATE`].
pub fn write_wav(file: &Path, samples: &[i16]) -> Result<()> {
    let octets = u32::try_from(samples.len() * 2)?;
    let mut wav = Vec::with_capacity(samples.len() * 2 + 44);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(octets + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    wav.extend_from_slice(&16_u32.to_le_bytes());
    wav.extend_from_slice(&1_u16.to_le_bytes()); // PCM
    wav.extend_from_slice(&1_u16.to_le_bytes()); // mono
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.extend_from_slice(&(RATE * 2).to_le_bytes());
    wav.extend_from_slice(&2_u16.to_le_bytes());
    wav.extend_from_slice(&16_u16.to_le_bytes());
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&octets.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::write(file, wav).with_context(|| format!("{} cannot be written", file.display()))
}

/// Reads a WAV file of 16-bit PCM at [`RATE`], its channels mixed to one. A file that is still
/// being written is read as far as it goes: what its header says of its length does not count.
pub fn read_wav(file: &Path) -> Result<Samples> {
    let wav = std::fs::read(file).with_context(|| format!("{} is not there", file.display()))?;
    parse_wav(&wav).with_context(|| format!("{} is no WAV file that we know", file.display()))
}

fn parse_wav(wav: &[u8]) -> Result<Samples> {
    if wav.len() < 12 || &wav[..4] != b"RIFF" || &wav[8..12] != b"WAVE" {
        bail!("it does not begin with RIFF and WAVE");
    }
    let (mut rest, mut channels) = (&wav[12..], 0);
    loop {
        let Some((head, body)) = rest.split_at_checked(8) else { bail!("it has no sound") };
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        match &head[..4] {
            b"fmt " if body.len() >= 16 => {
                channels = usize::from(u16::from_le_bytes([body[2], body[3]]));
                let rate = u32::from_le_bytes([body[4], body[5], body[6], body[7]]);
                let bits = u16::from_le_bytes([body[14], body[15]]);
                if rate != RATE || bits != 16 || channels == 0 {
                    bail!("it has {channels} channels of {bits} bit at {rate} Hz");
                }
            }
            b"data" if channels > 0 => {
                let till = if length == 0 { body.len() } else { length.min(body.len()) };
                // A growing file may carry the length of its first part only.
                let body = if till < body.len() { body } else { &body[..till] };
                return Ok(body
                    .chunks_exact(2 * channels)
                    .map(|frame| {
                        let sum: i32 = frame
                            .chunks_exact(2)
                            .map(|s| i32::from(i16::from_le_bytes([s[0], s[1]])))
                            .sum();
                        (sum / channels as i32) as i16
                    })
                    .collect());
            }
            _ => {}
        }
        rest = body.get(length + length % 2..).unwrap_or_default();
    }
}

/// How much of a sound's power lies at one frequency, 0 to 1, by Goertzel's algorithm; 0 for
/// silence.
pub fn share_of_tone(samples: &[i16], hertz: f64) -> f64 {
    let count = samples.len() as f64;
    let power: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / count.max(1.0);
    // Below 10 of 32767 (about -70 dBFS) there is only dither.
    if samples.is_empty() || power < 100.0 {
        return 0.0;
    }
    let turn = 2.0 * (TAU * hertz / f64::from(RATE)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        (last, before) = (f64::from(*sample) + turn * last - before, last);
    }
    let magnitude = last * last + before * before - turn * last * before;
    // A sine of power p gives p·n²/2.
    (2.0 * magnitude / (count * count) / power).min(1.0)
}

/// Samples that a tone is looked for in at a time: 100 ms, within one beep.
const WINDOW: usize = RATE as usize / 10;

/// How many tenths of a second consist mostly of this tone.
pub fn tenths_with_tone(samples: &[i16], hertz: f64) -> usize {
    samples.chunks_exact(WINDOW).filter(|window| share_of_tone(window, hertz) > 0.5).count()
}

/// Lets espeak-ng speak a sentence into a WAV file at [`RATE`], with a pause behind it.
pub fn speak(text: &str, voice: &str, file: &Path) -> Result<()> {
    let spoken = file.with_extension("spoken.wav");
    let output = Command::new("espeak-ng")
        .args(["-v", voice, "-s", "140", "-a", "160", "-w"])
        .arg(&spoken)
        .arg(text)
        .output()
        .context("espeak-ng could not be started; `cargo xtask install` gets it")?;
    if !output.status.success() {
        bail!("espeak-ng did not speak: {}", String::from_utf8_lossy(&output.stderr));
    }
    // espeak-ng speaks at 22.05 kHz.
    let output = Command::new("gst-launch-1.0")
        .arg("--quiet")
        .args(["filesrc", &format!("location={}", spoken.display()), "!", "wavparse"])
        .args(["!", "audioconvert", "!", "audioresample"])
        .args(["!", &format!("audio/x-raw,format=S16LE,rate={RATE},channels=1")])
        .args(["!", "wavenc", "!", "filesink", &format!("location={}", file.display())])
        .output()
        .context("gst-launch-1.0 could not be started; `cargo xtask install` gets it")?;
    if !output.status.success() {
        bail!("the speech was not converted: {}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::remove_file(&spoken)?;
    let mut samples = read_wav(file)?;
    samples.extend(std::iter::repeat_n(0, RATE as usize / 2));
    write_wav(file, &samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize) -> Samples {
        let mut state = 12_345_u32;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 18) as i16 - 8192
            })
            .collect()
    }

    #[test]
    fn a_tone_is_found_at_its_frequency_and_nowhere_else() {
        let tone = beeps(997.0, 2.0);
        assert!(tenths_with_tone(&tone, 997.0) >= 8, "{}", tenths_with_tone(&tone, 997.0));
        assert_eq!(tenths_with_tone(&tone, 1499.0), 0);
    }

    #[test]
    fn silence_noise_and_nothing_hold_no_tone() {
        for samples in [vec![0; 48_000], noise(48_000), Vec::new()] {
            assert_eq!(tenths_with_tone(&samples, 997.0), 0);
        }
    }

    #[test]
    fn a_tone_in_some_noise_is_still_found() {
        let mixed: Samples =
            beeps(997.0, 2.0).iter().zip(noise(96_000)).map(|(a, b)| a / 2 + b / 4).collect();
        assert!(tenths_with_tone(&mixed, 997.0) >= 8);
    }

    #[test]
    fn a_wav_file_is_read_whole_in_stereo_and_while_it_grows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.wav");
        let samples = beeps(440.0, 0.1);
        write_wav(&file, &samples).unwrap();
        assert_eq!(read_wav(&file).unwrap(), samples);
        let mut wav = std::fs::read(&file).unwrap();
        wav[40..44].copy_from_slice(&0_u32.to_le_bytes());
        assert_eq!(parse_wav(&wav).unwrap(), samples, "a header without a length");
        wav[40..44].copy_from_slice(&100_u32.to_le_bytes());
        assert_eq!(parse_wav(&wav).unwrap(), samples, "a header with an old length");
        wav[22] = 2;
        assert_eq!(parse_wav(&wav).unwrap().len(), samples.len() / 2, "stereo");
    }

    #[test]
    fn damaged_wav_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.wav");
        write_wav(&file, &[1, 2, 3]).unwrap();
        let wav = std::fs::read(&file).unwrap();
        for end in 0..44 {
            assert!(parse_wav(&wav[..end]).is_err(), "{end}");
        }
        let mut odd = wav.clone();
        odd[24] = 1;
        assert!(parse_wav(&odd).is_err());
    }

    #[test]
    fn a_voice_speaks() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("speech.wav");
        speak("Good morning.", "en", &file).unwrap();
        let samples = read_wav(&file).unwrap();
        assert!(samples.len() > RATE as usize / 2);
        assert!(samples.iter().any(|sample| sample.unsigned_abs() > 1000));
    }
}

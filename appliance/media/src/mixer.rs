//! Everyone's voice into one. Plain arithmetic on 48 kHz mono i16; no clock of its own.
//!
//! Each voice has a short queue that the decoder fills and the loudspeaker empties. A voice that
//! has nothing to give is silent and stops nobody. Queues also absorb that the sender's clock and
//! the loudspeaker's differ: too full, the oldest samples go; empty, it fills a little first.

use crate::frames::lock;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Samples that a voice gathers before it is heard: 30 ms, an Opus frame and half of one, so that
/// a frame which comes a little late is not heard as a click.
const GATHER: usize = 1440;
/// Samples beyond which the oldest go: 160 ms. More would be heard as delay.
const MOST: usize = 7680;

/// One participant's voice. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Voice(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    samples: VecDeque<i16>,
    heard: bool,
}

impl Voice {
    /// Adds what was decoded.
    pub(crate) fn say(&self, samples: &[i16]) {
        let mut queue = lock(&self.0);
        queue.samples.extend(samples);
        if queue.samples.len() > MOST {
            let surplus = queue.samples.len() - GATHER * 2;
            queue.samples.drain(..surplus);
        }
    }

    /// Adds the next samples onto `mix`; nothing while the voice gathers.
    fn add_onto(&self, mix: &mut [i32]) {
        let mut queue = lock(&self.0);
        queue.heard |= queue.samples.len() >= GATHER;
        if !queue.heard {
            return;
        }
        let count = mix.len().min(queue.samples.len());
        for (mix, sample) in mix.iter_mut().zip(queue.samples.drain(..count)) {
            *mix += i32::from(sample);
        }
        queue.heard = count == mix.len();
    }
}

/// All voices and the volume. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Mixer(Arc<Mutex<Mix>>);

#[derive(Debug)]
struct Mix {
    voices: HashMap<u64, Voice>,
    gain: f32,
    /// What is left of a sound that says where the room is.
    chirp: VecDeque<i16>,
}

impl Default for Mixer {
    fn default() -> Mixer {
        Mixer(Arc::new(Mutex::new(Mix {
            voices: HashMap::new(),
            gain: 1.0,
            chirp: VecDeque::new(),
        })))
    }
}

impl Mixer {
    /// Adds a voice under a number that nobody else uses.
    pub(crate) fn add(&self, number: u64, voice: Voice) {
        lock(&self.0).voices.insert(number, voice);
    }

    /// Takes a voice away.
    pub(crate) fn remove(&self, number: u64) {
        lock(&self.0).voices.remove(&number);
    }

    /// 0 is silent, 100 is full scale. Squared, because ears hear ratios: 50 sounds like half.
    pub(crate) fn set_volume(&self, volume: u8) {
        let share = f32::from(volume.min(100)) / 100.0;
        lock(&self.0).gain = share * share;
    }

    /// Plays a short sound, however the volume is set: whoever looks for a room wants to hear it.
    pub(crate) fn chirp(&self) {
        lock(&self.0).chirp = chirp().into();
    }

    /// The next samples for the loudspeaker.
    pub(crate) fn mix(&self, samples: usize) -> Vec<i16> {
        let mut sum = vec![0_i32; samples];
        let mut chirp = Vec::new();
        let gain = {
            let mut mix = lock(&self.0);
            let left = samples.min(mix.chirp.len());
            chirp.extend(mix.chirp.drain(..left));
            for voice in mix.voices.values() {
                voice.add_onto(&mut sum);
            }
            mix.gain
        };
        let chirp = chirp.into_iter().chain(std::iter::repeat(0)).map(f32::from);
        let scaled = sum.into_iter().zip(chirp).map(|(s, chirp)| (s as f32 * gain).round() + chirp);
        scaled.map(|s| s.clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16).collect()
    }
}

/// Two notes, one above the other, a quarter of full scale, each swelling and fading so that nothing clicks.
fn chirp() -> Vec<i16> {
    const NOTES: [f32; 2] = [880.0, 1318.5];
    const LENGTH: usize = 12_000; // A quarter of a second.
    let note = |hertz: f32| {
        (0..LENGTH).map(move |at| {
            let (turn, share) = (at as f32 / 48_000.0 * hertz, at as f32 / LENGTH as f32);
            let swell = (share * std::f32::consts::PI).sin();
            ((turn * std::f32::consts::TAU).sin() * swell * 8_192.0) as i16
        })
    };
    NOTES.into_iter().flat_map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixer_with(levels: &[i16]) -> Mixer {
        let mixer = Mixer::default();
        for (number, level) in levels.iter().enumerate() {
            let voice = Voice::default();
            voice.say(&vec![*level; GATHER]);
            mixer.add(number as u64, voice);
        }
        mixer
    }

    #[test]
    fn voices_add_up_and_never_wrap_around() {
        assert_eq!(mixer_with(&[100, -30]).mix(480), [70; 480]);
        assert_eq!(mixer_with(&[30_000, 30_000]).mix(480), [i16::MAX; 480]);
        assert_eq!(mixer_with(&[]).mix(480), [0; 480]);
    }

    #[test]
    fn volume_goes_from_silence_to_full_scale() {
        let mixer = mixer_with(&[1000]);
        mixer.set_volume(0);
        assert_eq!(mixer.mix(480), [0; 480]);
        mixer.set_volume(50);
        assert_eq!(mixer.mix(480), [250; 480]);
        mixer.set_volume(255);
        assert_eq!(mixer.mix(480), [1000; 480]);
    }

    #[test]
    fn a_chirp_is_heard_once_and_at_any_volume() {
        let mixer = Mixer::default();
        mixer.set_volume(0);
        mixer.chirp();
        let heard = mixer.mix(48_000);
        let loudest = heard.iter().map(|sample| sample.unsigned_abs()).max();
        assert!(loudest.is_some_and(|most| (8_000..=8_192).contains(&most)), "{loudest:?}");
        assert!(heard[24_000..].iter().all(|sample| *sample == 0), "half a second");
        assert_eq!(mixer.mix(480), [0; 480]);
    }

    #[test]
    fn a_voice_that_ran_dry_gathers_before_it_is_heard_again() {
        let voice = Voice::default();
        let mixer = Mixer::default();
        mixer.add(1, voice.clone());
        voice.say(&[7; 480]);
        assert_eq!(mixer.mix(480), [0; 480], "too little to begin with");
        voice.say(&[7; GATHER]);
        assert_eq!(mixer.mix(480), [7; 480]);
        mixer.mix(GATHER + 480);
        voice.say(&[7; 480]);
        assert_eq!(mixer.mix(480), [0; 480]);
    }

    #[test]
    fn a_voice_that_comes_too_fast_never_lags_far_behind() {
        let voice = Voice::default();
        for _ in 0..100 {
            voice.say(&[1; 960]);
        }
        assert!(lock(&voice.0).samples.len() <= MOST);
    }
}

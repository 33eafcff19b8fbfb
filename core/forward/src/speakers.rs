//! Who is heard and who is speaking, from the levels that senders state (RFC 6464).
//!
//! Levels are smoothed: quick to rise, so that a first syllable is not lost, slow to fall, so that
//! a pause between words is not silence. Two decisions follow, both made by [`Speakers::decide`]:
//! the few voices that are forwarded, and the one that is shown as speaking. Each newcomer has to
//! be clearly louder than whom it replaces, so that two equal voices do not take turns.

use conclave_types::Time;
use std::time::Duration;

/// Voices that are forwarded. More than three at once is noise, fewer cuts people off who agree.
pub(crate) const MOST_VOICES: usize = 3;

/// Loudness, in decibels above -127 dBov, from which a voice counts as speech: -50 dBov. Quiet
/// talkers at two metres come in at -40, a closed room's noise at -60.
const SPEECH: f32 = 77.0;
/// Decibels by which a newcomer must be louder. Lower flaps, higher holds on to whoever was first.
const MARGIN: f32 = 6.0;
/// How long a voice that still speaks keeps its place: no word is understood in less.
const VOICE_HOLD: Duration = Duration::from_millis(500);
/// How long whoever is shown as speaking stays so at least. Shorter is restless on a display.
const SHOWN_HOLD: Duration = Duration::from_millis(1200);
/// After this much quiet nobody is shown as speaking.
const NOBODY_AFTER: Duration = Duration::from_secs(3);
/// How fast a rising level is followed: two packets of 20 ms.
const RISE: Duration = Duration::from_millis(40);
/// How fast a falling level is followed: longer than the pause between two words.
const FALL: Duration = Duration::from_millis(400);
/// Without a packet for this long, a source is silent: muted, or gone.
const STALE: Duration = Duration::from_millis(400);

/// The voices of one meeting, each known by the slot of its leg.
#[derive(Debug, Default)]
pub(crate) struct Speakers {
    voices: Vec<Option<Voice>>,
    shown: Option<Shown>,
}

#[derive(Debug, Clone, Copy)]
struct Voice {
    /// Smoothed loudness, 0 (silence) to 127 (full scale).
    level: f32,
    heard: Time,
    forwarded_since: Option<Time>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    slot: usize,
    since: Time,
    spoke: Time,
}

/// What [`Speakers::decide`] changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Voices that are not forwarded any more.
    pub(crate) withheld: Vec<usize>,
    /// The new speaker, or nobody, when that changed.
    pub(crate) shown: Option<Option<usize>>,
}

impl Speakers {
    /// Takes the loudness of one packet: 0 (silence) to 127 (full scale).
    pub(crate) fn heard(&mut self, now: Time, slot: usize, loudness: u8) {
        if self.voices.len() <= slot {
            self.voices.resize(slot + 1, None);
        }
        let voice = self.voices[slot].get_or_insert(Voice {
            level: 0.0,
            heard: now - Duration::from_millis(20),
            forwarded_since: None,
        });
        let loudness = f32::from(loudness.min(127));
        let passed = now.since(voice.heard).min(STALE).as_secs_f32();
        let slowness = if loudness > voice.level { RISE } else { FALL }.as_secs_f32();
        voice.level += (loudness - voice.level) * passed / (passed + slowness);
        voice.heard = now;
        // A free place is taken at once: in a small meeting nobody waits to be heard.
        if !self.is_forwarded(slot) && self.forwarded_count() < MOST_VOICES {
            self.forward(slot, Some(now));
        }
    }

    /// Forgets a leg that closed or fell silent. True when it was the one shown as speaking.
    pub(crate) fn forget(&mut self, slot: usize) -> bool {
        if let Some(voice) = self.voices.get_mut(slot) {
            *voice = None;
        }
        let was_shown = self.shown.is_some_and(|shown| shown.slot == slot);
        if was_shown {
            self.shown = None;
        }
        was_shown
    }

    /// Whether a leg's voice is forwarded.
    pub(crate) fn is_forwarded(&self, slot: usize) -> bool {
        matches!(self.voices.get(slot), Some(Some(Voice { forwarded_since: Some(_), .. })))
    }

    fn forwarded_count(&self) -> usize {
        self.voices.iter().flatten().filter(|voice| voice.forwarded_since.is_some()).count()
    }

    /// Looks at all levels again. Called about ten times in a second.
    pub(crate) fn decide(&mut self, now: Time) -> Change {
        for voice in self.voices.iter_mut().flatten() {
            if now.since(voice.heard) > STALE {
                voice.level = 0.0;
            }
        }
        Change { withheld: self.choose_voices(now), shown: self.choose_shown(now) }
    }

    fn choose_voices(&mut self, now: Time) -> Vec<usize> {
        let mut withheld = Vec::new();
        for _ in 0..MOST_VOICES {
            let Some((challenger, challenging)) = self.loudest(|v| v.forwarded_since.is_none())
            else {
                break;
            };
            if self.forwarded_count() >= MOST_VOICES {
                let weakest = self.each().filter_map(|(slot, voice)| {
                    let since = voice.forwarded_since?;
                    let held = voice.level >= SPEECH && now.since(since) < VOICE_HOLD;
                    (!held).then_some((slot, voice.level))
                });
                let Some((slot, level)) = weakest.min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
                if challenging < level + MARGIN {
                    break;
                }
                self.forward(slot, None);
                withheld.push(slot);
            }
            self.forward(challenger, Some(now));
        }
        withheld
    }

    fn choose_shown(&mut self, now: Time) -> Option<Option<usize>> {
        let loudest = self.loudest(|voice| voice.level >= SPEECH);
        let Some(mut shown) = self.shown else {
            let (slot, _) = loudest?;
            self.shown = Some(Shown { slot, since: now, spoke: now });
            return Some(Some(slot));
        };
        let level = self.voices[shown.slot].map_or(0.0, |voice| voice.level);
        if level >= SPEECH {
            shown.spoke = now;
        }
        self.shown = Some(shown);
        if let Some((slot, louder)) = loudest.filter(|(slot, _)| *slot != shown.slot) {
            let clearly = level < SPEECH || louder >= level + MARGIN;
            if clearly && now.since(shown.since) >= SHOWN_HOLD {
                self.shown = Some(Shown { slot, since: now, spoke: now });
                return Some(Some(slot));
            }
        } else if now.since(shown.spoke) >= NOBODY_AFTER {
            self.shown = None;
            return Some(None);
        }
        None
    }

    fn each(&self) -> impl Iterator<Item = (usize, &Voice)> {
        self.voices.iter().enumerate().filter_map(|(slot, v)| v.as_ref().map(|v| (slot, v)))
    }

    fn loudest(&self, wanted: impl Fn(&Voice) -> bool) -> Option<(usize, f32)> {
        let wanted = self.each().filter(|(_, voice)| wanted(voice));
        wanted.map(|(slot, voice)| (slot, voice.level)).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn forward(&mut self, slot: usize, since: Option<Time>) {
        if let Some(Some(voice)) = self.voices.get_mut(slot) {
            voice.forwarded_since = since;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets everyone speak with a level for a while, deciding every 100 ms; returns the changes of
    /// the shown speaker and how often a voice was withheld.
    struct Room {
        speakers: Speakers,
        now_ms: u64,
    }

    impl Room {
        fn speak(&mut self, ms: u64, levels: &[u8]) -> (Vec<Option<usize>>, usize) {
            let (mut shown, mut withheld) = (Vec::new(), 0);
            for _ in 0..ms / 20 {
                self.now_ms += 20;
                let now = Time::from_micros(self.now_ms * 1000);
                for (slot, level) in levels.iter().enumerate() {
                    if *level > 0 {
                        self.speakers.heard(now, slot, *level);
                    }
                }
                if self.now_ms.is_multiple_of(100) {
                    let change = self.speakers.decide(now);
                    shown.extend(change.shown);
                    withheld += change.withheld.len();
                    assert!(self.speakers.forwarded_count() <= MOST_VOICES);
                }
            }
            (shown, withheld)
        }

        fn forwarded(&self) -> Vec<usize> {
            (0..9).filter(|slot| self.speakers.is_forwarded(*slot)).collect()
        }
    }

    fn room() -> Room {
        Room { speakers: Speakers::default(), now_ms: 1000 }
    }

    #[test]
    fn in_a_small_meeting_everyone_is_heard_from_the_first_packet() {
        let mut room = room();
        room.speak(20, &[5, 0, 7]);
        assert_eq!(room.forwarded(), [0, 2]);
    }

    #[test]
    fn the_loudest_three_of_many_are_heard_and_a_newcomer_replaces_the_quietest() {
        let mut room = room();
        room.speak(1000, &[40, 90, 91, 92, 41]);
        assert_eq!(room.forwarded(), [1, 2, 3]);
        // Slot 2 stops, slot 4 begins: within 200 ms the first syllable goes through.
        room.speak(1000, &[40, 90, 40, 92, 41]);
        room.speak(200, &[40, 90, 40, 92, 95]);
        assert_eq!(room.forwarded(), [1, 3, 4]);
    }

    #[test]
    fn equal_voices_do_not_take_turns() {
        let mut room = room();
        room.speak(1000, &[90, 90, 90, 90, 90]);
        let (mut switches, mut shown) = (0, Vec::new());
        for n in 0..200 {
            // Everyone wavers by three decibels, each at another time.
            let levels: Vec<u8> = (0..5).map(|slot| 88 + ((n * 7 + slot * 3) % 5) as u8).collect();
            let (changes, withheld) = room.speak(100, &levels);
            shown.extend(changes);
            switches += withheld;
        }
        assert_eq!((switches, shown), (0, vec![]));
    }

    #[test]
    fn the_shown_speaker_follows_the_talk_with_some_calm() {
        let mut room = room();
        assert_eq!(room.speak(2000, &[95, 40]).0, [Some(0)]);
        // A cough of 300 ms does not take over, nor does a pause between sentences.
        assert_eq!(room.speak(300, &[95, 97]).0, []);
        assert_eq!(room.speak(1000, &[40, 40]).0, []);
        assert_eq!(room.speak(2000, &[40, 95]).0, [Some(1)]);
        assert_eq!(room.speak(6000, &[40, 40]).0, [None]);
        // Muted microphones send nothing at all.
        assert_eq!(room.speak(1000, &[95, 0]).0, [Some(0)]);
        assert_eq!(room.speak(6000, &[0, 0]).0, [None]);
    }

    #[test]
    fn two_who_argue_switch_no_faster_than_the_hold() {
        let mut room = room();
        let mut switches = 0;
        for n in 0..100 {
            let levels = if n % 2 == 0 { [100, 30] } else { [30, 100] };
            switches += room.speak(300, &levels).0.len();
        }
        assert!(switches <= 30_000 / 1200 + 1, "{switches} switches in 30 s");
    }

    #[test]
    fn whoever_leaves_is_not_shown_any_more() {
        let mut room = room();
        room.speak(1000, &[95, 40]);
        assert!(room.speakers.forget(0));
        assert!(!room.speakers.forget(1));
        assert!(room.forwarded().is_empty());
    }
}

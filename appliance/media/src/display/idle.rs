//! The display outside a call: the room's name, a clock, how to join; or the activation code.

use super::paint::{ACCENT, Area, GROUND, Ink, MUTED, Painter, Style, TEXT, fill, fill_rounded};
use super::words::{Phrase, say};
use conclave_room::media::IdleDisplay;
use tiny_skia::Pixmap;

/// Paints the idle display over everything.
pub(super) fn paint(painter: &mut Painter, onto: &mut Pixmap, idle: &IdleDisplay) {
    // Somebody asks which room it is: light where it is dark otherwise.
    fill(onto, if idle.identify { ACCENT } else { GROUND });
    let scale = onto.height() as f32 / 720.0;
    let lines = match (&idle.room, &idle.code) {
        (Some(room), _) if idle.identify => vec![Line::new(room.as_str(), 120.0, 600, GROUND, 2)],
        (Some(room), _) => vec![
            Line::new(&clock(idle.clock), 208.0, 600, TEXT, 1),
            Line::accent(),
            Line::new(room.as_str(), 60.0, 600, TEXT, 2),
            Line::new(say(Phrase::HowToJoin, idle.language), 30.0, 400, MUTED, 2),
        ],
        (None, Some(code)) => vec![
            Line::new(say(Phrase::NotEnrolled, idle.language), 40.0, 600, TEXT, 2),
            Line::new(&code.to_string(), 184.0, 600, ACCENT, 1),
            Line::new(say(Phrase::WhereToType, idle.language), 30.0, 400, MUTED, 2),
        ],
        (None, None) => vec![
            Line::new(say(Phrase::Starting, idle.language), 64.0, 600, TEXT, 1),
            Line::new(say(Phrase::StartingHint, idle.language), 30.0, 400, MUTED, 2),
        ],
    };
    let drift = drift(idle.clock);
    centred(painter, onto, &lines, scale, (drift.0 * scale, drift.1 * scale));
}

/// One line of a centred block.
pub(super) struct Line {
    text: String,
    size: f32,
    weight: u16,
    ink: Ink,
    lines: usize,
}

impl Line {
    /// Words of `size` pixels on a display 720 high, in at most `lines` lines.
    pub(super) fn new(text: &str, size: f32, weight: u16, ink: Ink, lines: usize) -> Line {
        Line { text: text.to_owned(), size, weight, ink, lines }
    }

    /// A short rule in the accent colour.
    fn accent() -> Line {
        Line { text: String::new(), size: 0.0, weight: 0, ink: ACCENT, lines: 1 }
    }
}

/// Paints lines one below the other in the middle of the picture.
pub(super) fn centred(
    painter: &mut Painter,
    onto: &mut Pixmap,
    lines: &[Line],
    scale: f32,
    shift: (f32, f32),
) {
    let width = onto.width() as f32;
    let room = width * 0.84;
    let gap = 20.0 * scale;
    let mut shaped: Vec<_> = lines
        .iter()
        .map(|line| {
            let style = Style { size: line.size * scale, weight: line.weight, ink: line.ink };
            (line.size > 0.0).then(|| painter.words(&line.text, style, room, line.lines))
        })
        .collect();
    let rule = 6.0 * scale;
    let heights = shaped.iter().map(|words| words.as_ref().map_or(rule, |w| w.height));
    let total: f32 = heights.sum::<f32>() + gap * (lines.len().saturating_sub(1)) as f32;
    let mut y = (onto.height() as f32 - total) / 2.0 + shift.1;
    for (line, words) in lines.iter().zip(&mut shaped) {
        match words {
            Some(words) => {
                let x = (width - words.width) / 2.0 + shift.0;
                painter.draw(words, onto, x, y);
                y += words.height + gap;
            }
            None => {
                let rule_w = 96.0 * scale;
                let x = (width - rule_w) / 2.0 + shift.0;
                let area = Area { x, y, width: rule_w, height: rule };
                fill_rounded(onto, area, rule / 2.0, line.ink);
                y += rule + gap;
            }
        }
    }
}

fn clock((hours, minutes): (u8, u8)) -> String {
    format!("{hours:02}:{minutes:02}")
}

/// How far the picture stands from its middle, in pixels on a display 720 high: another place
/// every minute on a path that takes hours to return, so that nothing burns in. Small enough to
/// go unnoticed, and still when nothing else changes.
fn drift((hours, minutes): (u8, u8)) -> (f32, f32) {
    let minute = f32::from(hours) * 60.0 + f32::from(minutes);
    ((minute * 0.37).sin() * 36.0, (minute * 0.23).cos() * 24.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_moves_every_minute_but_never_far() {
        let places: Vec<_> = (0..24).flat_map(|h| (0..60).map(move |m| drift((h, m)))).collect();
        for pair in places.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        assert!(places.iter().all(|(x, y)| x.abs() <= 36.0 && y.abs() <= 24.0));
    }
}

//! Shapes and words into small pictures: tiny-skia for shapes, cosmic-text for words.
//!
//! Everything here runs only when something on the display changes, never once per frame.
//! Pixmaps are RGBA, 8 bit, premultiplied, rows without padding.

use super::layout::Rect;
use cosmic_text::{
    Align, Attrs, Buffer, Color as TextColor, Ellipsize, EllipsizeHeightLimit, Family, FontSystem,
    Metrics, Shaping, SwashCache, Weight, Wrap,
};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, Transform,
};

/// A colour of the front display, sRGB with alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink(pub(super) u8, pub(super) u8, pub(super) u8, pub(super) u8);

/// Behind everything.
pub(super) const GROUND: Ink = Ink(0x0d, 0x13, 0x18, 0xff);
/// A tile without a picture.
pub(super) const SURFACE: Ink = Ink(0x17, 0x21, 0x29, 0xff);
/// Something on a tile.
pub(super) const RAISED: Ink = Ink(0x26, 0x36, 0x41, 0xff);
/// Thin borders.
pub(super) const LINE: Ink = Ink(0x3a, 0x4d, 0x59, 0xff);
/// Words; 16:1 against the ground.
pub(super) const TEXT: Ink = Ink(0xf3, 0xf7, 0xf9, 0xff);
/// Less important words; still 8:1 against the ground.
pub(super) const MUTED: Ink = Ink(0xac, 0xbc, 0xc6, 0xff);
/// The one accent: a calm blue-green.
pub(super) const ACCENT: Ink = Ink(0x44, 0xcf, 0xba, 0xff);
/// Words on something that needs attention.
pub(super) const WARN: Ink = Ink(0xf4, 0xbd, 0x55, 0xff);
/// Muted microphone.
pub(super) const DANGER: Ink = Ink(0xff, 0x83, 0x7d, 0xff);
/// Behind a name that lies on a picture: dark enough for 7:1 on a white wall.
pub(super) const SHADE: Ink = Ink(0x0b, 0x10, 0x14, 0xd9);

impl Ink {
    fn color(self) -> Color {
        Color::from_rgba8(self.0, self.1, self.2, self.3)
    }

    fn paint(self) -> Paint<'static> {
        let mut paint = Paint::default();
        paint.set_color(self.color());
        paint
    }
}

/// How words are set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Height of a letter's em, in pixels.
    pub(super) size: f32,
    /// 400 regular, 600 semi-bold.
    pub(super) weight: u16,
    /// Colour.
    pub(super) ink: Ink,
}

/// Words that are shaped and can be measured and drawn.
pub(super) struct Words {
    buffer: Buffer,
    ink: Ink,
    /// Width of the widest line, in pixels.
    pub(super) width: f32,
    /// Height of all lines, in pixels.
    pub(super) height: f32,
}

/// The fonts of the machine and what was drawn with them lately.
pub(super) struct Painter {
    fonts: FontSystem,
    glyphs: SwashCache,
}

impl Painter {
    /// Looks up the machine's fonts: takes tens of milliseconds.
    pub(super) fn new() -> Painter {
        Painter { fonts: FontSystem::new(), glyphs: SwashCache::new() }
    }

    /// Shapes words into at most `lines` centred lines of `max_width` pixels; what does not fit
    /// ends in an ellipsis. Where Inter lacks a letter, another font of the machine has it.
    pub(super) fn words(
        &mut self,
        text: &str,
        style: Style,
        max_width: f32,
        lines: usize,
    ) -> Words {
        let metrics = Metrics::new(style.size, (style.size * 1.28).round());
        let mut buffer = Buffer::new(&mut self.fonts, metrics);
        buffer.set_wrap(if lines > 1 { Wrap::Word } else { Wrap::None });
        buffer.set_ellipsize(Ellipsize::End(EllipsizeHeightLimit::Lines(lines)));
        buffer.set_size(Some(max_width.max(1.0)), None);
        let attrs = Attrs::new().family(Family::Name("Inter")).weight(Weight(style.weight));
        let align = if lines > 1 { Some(Align::Center) } else { Some(Align::Left) };
        buffer.set_text(text, &attrs, Shaping::Advanced, align);
        buffer.shape_until_scroll(&mut self.fonts, false);
        let (mut width, mut height) = (0.0_f32, 0.0_f32);
        for run in buffer.layout_runs() {
            width = width.max(run.line_w);
            height = height.max(run.line_top + run.line_height);
        }
        Words { buffer, ink: style.ink, width: width.ceil(), height: height.ceil() }
    }

    /// Draws words with the upper left corner of their box at `x`, `y`.
    pub(super) fn draw(&mut self, words: &mut Words, onto: &mut Pixmap, x: f32, y: f32) {
        // Lines are aligned inside the width that was allowed; the box begins where they do.
        let indent = words
            .buffer
            .layout_runs()
            .filter_map(|run| run.glyphs.iter().map(|g| g.x).min_by(f32::total_cmp))
            .min_by(f32::total_cmp)
            .unwrap_or(0.0);
        let (left, top) = ((x - indent).round() as i32, y.round() as i32);
        let ink = words.ink;
        let color = TextColor::rgba(ink.0, ink.1, ink.2, ink.3);
        let (width, height) = (onto.width() as i32, onto.height() as i32);
        let data = onto.data_mut();
        words.buffer.draw(&mut self.fonts, &mut self.glyphs, color, |gx, gy, gw, gh, color| {
            let [r, g, b, a] = color.as_rgba();
            if a == 0 {
                return;
            }
            for py in (gy + top)..(gy + top + gh as i32) {
                for px in (gx + left)..(gx + left + gw as i32) {
                    if (0..width).contains(&px) && (0..height).contains(&py) {
                        let at = (py as usize * width as usize + px as usize) * 4;
                        blend(&mut data[at..at + 4], [r, g, b, a]);
                    }
                }
            }
        });
    }
}

/// Lays a colour over a premultiplied pixel.
fn blend(pixel: &mut [u8], [r, g, b, a]: [u8; 4]) {
    let alpha = u32::from(a);
    for (below, above) in pixel.iter_mut().zip([r, g, b, 255]) {
        let mixed = u32::from(above) * alpha + u32::from(*below) * (255 - alpha);
        *below = ((mixed + 127) / 255) as u8;
    }
}

/// A rectangle as shapes need it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

impl From<Rect> for Area {
    fn from(rect: Rect) -> Area {
        Area {
            x: rect.x as f32,
            y: rect.y as f32,
            width: rect.width as f32,
            height: rect.height as f32,
        }
    }
}

impl Area {
    /// Smaller by `by` pixels on each side.
    pub(super) fn inset(self, by: f32) -> Area {
        Area {
            x: self.x + by,
            y: self.y + by,
            width: (self.width - 2.0 * by).max(0.0),
            height: (self.height - 2.0 * by).max(0.0),
        }
    }
}

/// Share of the radius at which a cubic's handles lie to look like a quarter circle.
const KAPPA: f32 = 0.552_285;

fn push_rounded(path: &mut PathBuilder, area: Area, radius: f32) {
    let r = radius.min(area.width / 2.0).min(area.height / 2.0);
    let k = r * (1.0 - KAPPA);
    let (l, t) = (area.x, area.y);
    let (right, b) = (l + area.width, t + area.height);
    path.move_to(l + r, t);
    path.line_to(right - r, t);
    path.cubic_to(right - k, t, right, t + k, right, t + r);
    path.line_to(right, b - r);
    path.cubic_to(right, b - k, right - k, b, right - r, b);
    path.line_to(l + r, b);
    path.cubic_to(l + k, b, l, b - k, l, b - r);
    path.line_to(l, t + r);
    path.cubic_to(l, t + k, l + k, t, l + r, t);
    path.close();
}

fn rounded(area: Area, radius: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    push_rounded(&mut path, area, radius);
    path.finish()
}

/// Fills a rectangle with round corners.
pub(super) fn fill_rounded(onto: &mut Pixmap, area: Area, radius: f32, ink: Ink) {
    if let Some(path) = rounded(area, radius) {
        onto.fill_path(&path, &ink.paint(), FillRule::Winding, Transform::identity(), None);
    }
}

/// Draws the border of a rectangle with round corners, `width` pixels wide, inside the area.
/// `shift` moves everything, so that one strip of a large frame can be drawn by itself.
pub(super) fn stroke_rounded(
    onto: &mut Pixmap,
    area: Area,
    radius: f32,
    width: f32,
    ink: Ink,
    shift: (f32, f32),
) {
    if let Some(path) = rounded(area.inset(width / 2.0), (radius - width / 2.0).max(0.0)) {
        let stroke = Stroke { width, ..Stroke::default() };
        let shift = Transform::from_translate(shift.0, shift.1);
        onto.stroke_path(&path, &ink.paint(), &stroke, shift, None);
    }
}

/// Fills what lies outside a rounded rectangle but inside its bounding box.
pub(super) fn fill_corners(
    onto: &mut Pixmap,
    area: Area,
    radius: f32,
    ink: Ink,
    shift: (f32, f32),
) {
    let mut path = PathBuilder::new();
    if let Some(rect) = tiny_skia::Rect::from_xywh(area.x, area.y, area.width, area.height) {
        path.push_rect(rect);
    }
    push_rounded(&mut path, area, radius);
    if let Some(path) = path.finish() {
        let shift = Transform::from_translate(shift.0, shift.1);
        onto.fill_path(&path, &ink.paint(), FillRule::EvenOdd, shift, None);
    }
}

/// Fills a circle.
pub(super) fn fill_circle(onto: &mut Pixmap, x: f32, y: f32, radius: f32, ink: Ink) {
    if let Some(path) = PathBuilder::from_circle(x, y, radius) {
        onto.fill_path(&path, &ink.paint(), FillRule::Winding, Transform::identity(), None);
    }
}

/// The signs that are drawn as vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    /// A crossed-out microphone.
    MicrophoneOff,
    /// A crossed-out camera.
    CameraOff,
    /// A broken ring: something is being mended.
    Mending,
}

/// Draws an icon into a square of `size` pixels.
pub(super) fn draw_icon(onto: &mut Pixmap, icon: Icon, x: f32, y: f32, size: f32, ink: Ink) {
    let mut p = PathBuilder::new();
    match icon {
        Icon::MicrophoneOff => {
            push_rounded(&mut p, Area { x: 9.0, y: 2.5, width: 6.0, height: 11.5 }, 3.0);
            p.move_to(5.0, 11.0);
            p.cubic_to(5.0, 20.0, 19.0, 20.0, 19.0, 11.0);
            p.move_to(12.0, 18.0);
            p.line_to(12.0, 21.5);
        }
        Icon::CameraOff => {
            push_rounded(&mut p, Area { x: 2.0, y: 6.0, width: 13.5, height: 12.0 }, 2.5);
            p.move_to(15.5, 11.0);
            p.line_to(21.5, 7.5);
            p.line_to(21.5, 16.5);
            p.line_to(15.5, 13.0);
        }
        Icon::Mending => {
            p.move_to(20.0, 8.0);
            p.cubic_to(17.0, 1.5, 7.0, 2.0, 4.0, 9.5);
            p.move_to(4.0, 16.0);
            p.cubic_to(7.0, 22.5, 17.0, 22.0, 20.0, 14.5);
            p.move_to(20.5, 3.5);
            p.line_to(20.0, 8.0);
            p.line_to(15.5, 7.5);
            p.move_to(3.5, 20.5);
            p.line_to(4.0, 16.0);
            p.line_to(8.5, 16.5);
        }
    }
    let scale = size / 24.0;
    let place = Transform::from_row(scale, 0.0, 0.0, scale, x, y);
    let stroke = Stroke {
        width: 2.0,
        line_cap: LineCap::Round,
        line_join: LineJoin::Round,
        ..Stroke::default()
    };
    if let Some(path) = p.finish() {
        onto.stroke_path(&path, &ink.paint(), &stroke, place, None);
    }
    if icon != Icon::Mending {
        let mut slash = PathBuilder::new();
        slash.move_to(3.0, 3.0);
        slash.line_to(21.0, 21.0);
        if let Some(path) = slash.finish() {
            onto.stroke_path(&path, &ink.paint(), &stroke, place, None);
        }
    }
}

/// Fills everything.
pub(super) fn fill(onto: &mut Pixmap, ink: Ink) {
    onto.fill(ink.color());
}

/// One or two letters for someone without a picture: the first of their first and last word. One
/// letter in scripts that know no capitals, where two letters side by side would read as a word.
pub(super) fn initials(name: &str) -> String {
    let firsts: Vec<char> = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()))
        .collect();
    let (Some(first), Some(last)) = (firsts.first(), firsts.last()) else {
        return name.chars().next().map(String::from).unwrap_or_default();
    };
    let mut letters: String = first.to_uppercase().collect();
    if firsts.len() > 1 && (first.is_uppercase() || first.is_lowercase()) {
        letters.extend(last.to_uppercase());
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_those_of_the_first_and_last_word() {
        for (name, expected) in [
            ("Salle Voltaire", "SV"),
            ("élan", "É"),
            ("R&D <3rd floor>", "RF"),
            ("غرفة الاجتماعات", "غ"),
            ("会议室", "会"),
            ("…", "…"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn words_that_do_not_fit_are_shortened() {
        let mut painter = Painter::new();
        let style = Style { size: 24.0, weight: 600, ink: TEXT };
        let long = "The very long name of a meeting room on the third floor of the west wing";
        let all = painter.words(long, style, 4000.0, 1);
        let some = painter.words(long, style, 200.0, 1);
        assert!(all.width > 400.0 && some.width <= 200.0, "{} {}", all.width, some.width);
    }

    #[test]
    fn words_leave_ink_where_they_are_drawn_and_nowhere_else() {
        let mut painter = Painter::new();
        let mut picture = Pixmap::new(200, 60).unwrap();
        let style = Style { size: 24.0, weight: 400, ink: TEXT };
        let mut words = painter.words("قاعة Voltaire", style, 190.0, 1);
        painter.draw(&mut words, &mut picture, 20.0, 10.0);
        let inked = |x: u32, y: u32| picture.pixel(x, y).unwrap().alpha() > 0;
        let count = (0..60)
            .flat_map(|y| (0..200).map(move |x| (x, y)))
            .filter(|(x, y)| inked(*x, *y))
            .count();
        assert!(count > 300, "{count} pixels");
        assert!((0..60).all(|y| !inked(2, y)) && (0..200).all(|x| !inked(x, 58)));
    }
}

//! The parts of the picture that only change when the scene does.
//!
//! A [`Still`] is a base picture (the ground, tiles without a picture) with the places where
//! pictures go, and small overlays that lie on top: names, outlines, round corners, the banner.

use super::idle::{self, Line, centred};
use super::layout::{Rect, arrange, even};
use super::paint::{
    ACCENT, Area, DANGER, GROUND, Icon, Ink, LINE, MUTED, Painter, RAISED, SHADE, SURFACE, Style,
    TEXT, WARN, draw_icon, fill, fill_circle, fill_corners, fill_rounded, initials, stroke_rounded,
};
use super::scene::{CallScene, Company, Person, Scene};
use super::words::{Phrase, say};
use conclave_panel_api::Language;
use conclave_room::media::Banner;
use conclave_types::{ParticipantId, Switch};
use tiny_skia::Pixmap;

/// What is painted once and then shown under and over moving pictures.
pub(super) struct Still {
    /// The whole display, opaque.
    pub(super) base: Pixmap,
    /// Small pictures with their upper left corner, to be laid over everything in this order.
    pub(super) overlays: Vec<(Pixmap, u32, u32)>,
    /// Where moving pictures go, in painting order.
    pub(super) places: Vec<(Whose, Rect)>,
}

/// Whose picture it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// This room's own.
    Own,
    /// Someone else's.
    Theirs(ParticipantId),
}

/// Round corners of tiles, on a display 720 high.
const RADIUS: f32 = 14.0;

/// Paints a scene. `has_picture` tells whose picture can be shown already.
pub(super) fn paint(
    painter: &mut Painter,
    scene: &Scene,
    width: u32,
    height: u32,
    has_picture: &dyn Fn(Whose) -> bool,
) -> Option<Still> {
    let mut base = Pixmap::new(width, height)?;
    let Some(call) = &scene.call else {
        idle::paint(painter, &mut base, &scene.idle);
        return Some(Still { base, overlays: Vec::new(), places: Vec::new() });
    };
    fill(&mut base, GROUND);
    let mut painting = Painting {
        painter,
        scale: height as f32 / 720.0,
        language: scene.idle.language,
        still: Still { base, overlays: Vec::new(), places: Vec::new() },
    };
    painting.call(scene, call, (width, height), has_picture);
    Some(painting.still)
}

/// The measures of a name on its tile, in pixels.
struct Pill {
    size: f32,
    pad: f32,
    margin: f32,
    height: f32,
}

impl Pill {
    fn on(tile: Rect, scale: f32) -> Pill {
        let size = (tile.height as f32 * 0.042).clamp(20.0 * scale, 28.0 * scale);
        let large = tile.height as f32 > 500.0 * scale;
        let margin = if large { 20.0 * scale } else { 10.0 * scale };
        Pill { size, pad: (size * 0.55).round(), margin, height: (size * 1.75).ceil() }
    }
}

struct Painting<'a> {
    painter: &'a mut Painter,
    /// Pixels per pixel of a display 720 high.
    scale: f32,
    language: Language,
    still: Still,
}

impl Painting<'_> {
    fn call(
        &mut self,
        scene: &Scene,
        call: &CallScene,
        (width, height): (u32, u32),
        has_picture: &dyn Fn(Whose) -> bool,
    ) {
        let mut area = Rect { x: 0, y: 0, width: even(width), height: even(height) };
        if let Some(banner) = scene.banner {
            // The tiles make room: nothing ever lies over a face.
            let strip = even((56.0 * self.scale) as u32);
            self.banner(banner, width, strip);
            area.y += strip;
            area.height -= strip;
        }
        let people = call.ordered(scene.layout);
        let (tiles, own_place) = arrange(area, people.len(), scene.layout);
        if tiles.is_empty() {
            self.alone(call.company);
        }
        let round = if people.len() == 1 { 0.0 } else { RADIUS * self.scale };
        for (person, tile) in people.iter().zip(&tiles) {
            let whose = Whose::Theirs(person.participant);
            let speaking = call.speaking == Some(person.participant);
            self.tile(person, *tile, round, speaking, has_picture(whose));
        }
        let own = has_picture(Whose::Own) && scene.camera.is_on();
        self.own(scene, own_place, own);
    }

    fn banner(&mut self, banner: Banner, width: u32, strip: u32) {
        let icon = (28.0 * self.scale).round();
        let gap = 12.0 * self.scale;
        let style = Style { size: (24.0 * self.scale).max(18.0), weight: 600, ink: WARN };
        let text = say(Phrase::from(banner), self.language);
        let mut words = self.painter.words(text, style, width as f32 - icon - 6.0 * gap, 1);
        let x = (width as f32 - words.width - icon - gap) / 2.0;
        let base = &mut self.still.base;
        let bar = Area { x: 0.0, y: 0.0, width: width as f32, height: strip as f32 };
        fill_rounded(base, bar, 0.0, SURFACE);
        draw_icon(base, Icon::Mending, x, (strip as f32 - icon) / 2.0, icon, WARN);
        let y = (strip as f32 - words.height) / 2.0;
        self.painter.draw(&mut words, base, x + icon + gap, y);
    }

    fn alone(&mut self, company: Company) {
        let (title, hint) = match company {
            Company::Unknown => (Phrase::Joining, Phrase::JoiningHint),
            Company::NotYet => (Phrase::FirstHere, Phrase::FirstHereHint),
            Company::Came => (Phrase::OthersLeft, Phrase::OthersLeftHint),
        };
        let lines = [
            Line::new(say(title, self.language), 64.0, 600, TEXT, 2),
            Line::new(say(hint, self.language), 30.0, 400, MUTED, 2),
        ];
        centred(self.painter, &mut self.still.base, &lines, self.scale, (0.0, 0.0));
    }

    fn tile(&mut self, person: &Person, tile: Rect, round: f32, speaking: bool, picture: bool) {
        let area = Area::from(tile);
        if picture && person.camera.is_on() {
            fill_rounded(&mut self.still.base, area, round, Ink(0, 0, 0, 0xff));
            self.still.places.push((Whose::Theirs(person.participant), tile));
        } else {
            self.placeholder(person, tile, round);
        }
        self.frame(tile, round, speaking.then_some(ACCENT), 5.0 * self.scale);
        self.name(person, tile);
    }

    /// Initials in a circle, and why there is no picture.
    fn placeholder(&mut self, person: &Person, tile: Rect, round: f32) {
        let area = Area::from(tile);
        fill_rounded(&mut self.still.base, area, round, SURFACE);
        let phrase = match person.camera {
            Switch::Off => Phrase::CameraOff,
            Switch::On => Phrase::WaitingForPicture,
        };
        let size = (area.height * 0.055).clamp(18.0 * self.scale, 30.0 * self.scale);
        // Circle and words share what the name leaves.
        let name = Pill::on(tile, self.scale);
        let left = area.height - name.height - name.margin;
        let radius = (area.height * 0.19).min((left - size * 2.2) / 2.0);
        let block = radius * 2.0 + size * 1.9;
        let (x, y) = (area.x + area.width / 2.0, area.y + (left - block) / 2.0 + radius);
        fill_circle(&mut self.still.base, x, y, radius, RAISED);
        let style = Style { size: radius * 0.86, weight: 600, ink: TEXT };
        let letters = initials(person.name.as_str());
        let mut words = self.painter.words(&letters, style, radius * 3.0, 1);
        let (left, top) = (x - words.width / 2.0, y - words.height / 2.0);
        self.painter.draw(&mut words, &mut self.still.base, left, top);

        let style = Style { size, weight: 500, ink: MUTED };
        let icon = match person.camera {
            Switch::Off => size * 1.25,
            Switch::On => 0.0,
        };
        let gap = if icon > 0.0 { size * 0.45 } else { 0.0 };
        let text = say(phrase, self.language);
        let mut words = self.painter.words(text, style, area.width * 0.9 - icon - gap, 1);
        let left = x - (words.width + icon + gap) / 2.0;
        let top = y + radius + size * 0.6;
        if icon > 0.0 {
            let icon_top = top + (words.height - icon) / 2.0;
            draw_icon(&mut self.still.base, Icon::CameraOff, left, icon_top, icon, MUTED);
        }
        self.painter.draw(&mut words, &mut self.still.base, left + icon + gap, top);
    }

    /// Round corners and the outline, as four strips: what lies between them stays untouched.
    fn frame(&mut self, tile: Rect, round: f32, outline: Option<Ink>, line: f32) {
        if round == 0.0 && outline.is_none() {
            return;
        }
        let area = Area::from(tile);
        let edge = even(round.max(line).ceil() as u32 + 2).min(tile.height / 2).min(tile.width / 2);
        let side = even(line.ceil() as u32 + 2).min(tile.width / 2);
        let inner_h = tile.height - 2 * edge;
        let mut strips = vec![
            (tile.x, tile.y, tile.width, edge),
            (tile.x, tile.y + tile.height - edge, tile.width, edge),
        ];
        if outline.is_some() {
            strips.push((tile.x, tile.y + edge, side, inner_h));
            strips.push((tile.x + tile.width - side, tile.y + edge, side, inner_h));
        }
        for (x, y, width, height) in strips {
            let Some(mut strip) = Pixmap::new(width, height) else { continue };
            let shift = (-(x as f32), -(y as f32));
            fill_corners(&mut strip, area, round, GROUND, shift);
            if let Some(ink) = outline {
                stroke_rounded(&mut strip, area, round, line, ink, shift);
            }
            self.still.overlays.push((strip, x, y));
        }
    }

    /// The name on a dark pill, bottom left, with the microphone's mark before it.
    fn name(&mut self, person: &Person, tile: Rect) {
        let s = self.scale;
        let Pill { size, pad, margin, height } = Pill::on(tile, s);
        let icon = match person.microphone {
            Switch::Off => (size * 1.1).round(),
            Switch::On => 0.0,
        };
        let gap = if icon > 0.0 { size * 0.35 } else { 0.0 };
        // In a large picture the pill ends where the self-view begins.
        let share = if tile.height as f32 > 250.0 * s { 0.76 } else { 1.0 };
        let room = tile.width as f32 * share - 2.0 * (margin + pad) - icon - gap;
        let style = Style { size, weight: 600, ink: TEXT };
        let mut words = self.painter.words(person.name.as_str(), style, room, 1);
        let width = (words.width + icon + gap + 2.0 * pad).ceil();
        let Some(mut pill) = Pixmap::new(width as u32, height as u32) else { return };
        let area = Area { x: 0.0, y: 0.0, width, height };
        fill_rounded(&mut pill, area, (height * 0.32).round(), SHADE);
        if icon > 0.0 {
            let top = (height - icon) / 2.0;
            draw_icon(&mut pill, Icon::MicrophoneOff, pad, top, icon, DANGER);
        }
        let top = (height - words.height) / 2.0;
        self.painter.draw(&mut words, &mut pill, pad + icon + gap, top);
        let x = tile.x + margin as u32;
        let y = tile.y + tile.height - pill.height() - margin as u32;
        self.still.overlays.push((pill, even(x), even(y)));
    }

    /// The self-view, or why there is none.
    fn own(&mut self, scene: &Scene, rect: Rect, picture: bool) {
        let s = self.scale;
        // Square over a picture: what lies behind its corners moves and cannot be masked.
        let round = if picture { 0.0 } else { 10.0 * s };
        let Some(mut over) = Pixmap::new(rect.width, rect.height) else { return };
        let area = Area { x: 0.0, y: 0.0, width: rect.width as f32, height: rect.height as f32 };
        if picture {
            self.still.places.push((Whose::Own, rect));
        } else {
            fill_rounded(&mut over, area, round, SURFACE);
            let size = 18.0 * s;
            let phrase = match scene.camera {
                Switch::Off => Phrase::CameraOff,
                Switch::On => Phrase::NoCamera,
            };
            let style = Style { size, weight: 500, ink: MUTED };
            let text = say(phrase, self.language);
            let mut words = self.painter.words(text, style, area.width * 0.92, 1);
            let icon = 34.0 * s;
            let top = (area.height - icon - words.height - 6.0 * s) / 2.0;
            draw_icon(&mut over, Icon::CameraOff, (area.width - icon) / 2.0, top, icon, TEXT);
            let left = (area.width - words.width) / 2.0;
            self.painter.draw(&mut words, &mut over, left, top + icon + 6.0 * s);
        }
        stroke_rounded(&mut over, area, round, 2.0 * s, LINE, (0.0, 0.0));
        if scene.microphone == Switch::Off {
            let mark = 30.0 * s;
            let (x, y) = (area.width - mark - 8.0 * s, area.height - mark - 8.0 * s);
            fill_circle(&mut over, x + mark / 2.0, y + mark / 2.0, mark * 0.62, SHADE);
            let icon = mark * 0.74;
            let (x, y) = (x + (mark - icon) / 2.0, y + (mark - icon) / 2.0);
            draw_icon(&mut over, Icon::MicrophoneOff, x, y, icon, DANGER);
        }
        if picture {
            let style = Style { size: 18.0 * s, weight: 600, ink: TEXT };
            let text = say(Phrase::You, self.language);
            let mut words = self.painter.words(text, style, area.width * 0.5, 1);
            let pill = Area {
                x: 8.0 * s,
                y: area.height - 36.0 * s,
                width: words.width + 16.0 * s,
                height: 28.0 * s,
            };
            fill_rounded(&mut over, pill, 8.0 * s, SHADE);
            let top = pill.y + (pill.height - words.height) / 2.0;
            self.painter.draw(&mut words, &mut over, pill.x + 8.0 * s, top);
        }
        self.still.overlays.push((over, rect.x, rect.y));
    }
}

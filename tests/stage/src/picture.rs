//! Pictures and how alike two of them are.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// A picture: `height` rows of `width` pixels, RGB, 8 bit each, no padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `3 * width * height` octets.
    pub rgb: Vec<u8>,
}

/// A part of a picture, in thousandths of its width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Left and right edge.
    pub across: (usize, usize),
    /// Upper and lower edge.
    pub down: (usize, usize),
}

impl Part {
    /// All of it.
    pub const WHOLE: Part = Part { across: (0, 1000), down: (0, 1000) };
    /// What a display shows of the only other participant and no overlay ever covers: the name
    /// stands bottom left, the self-view bottom right, the speaking outline runs round the edge.
    pub const FACE: Part = Part { across: (50, 950), down: (120, 680) };
}

impl Picture {
    /// A picture of octets that someone else decoded.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Result<Picture> {
        if rgb.len() != 3 * width * height {
            bail!("{} octets are no RGB picture of {width}×{height}", rgb.len());
        }
        Ok(Picture { width, height, rgb })
    }

    /// Reads a PNG file of 8 bits per channel.
    pub fn read(file: &Path) -> Result<Picture> {
        let opened =
            File::open(file).with_context(|| format!("{} is not there", file.display()))?;
        let mut decoder = png::Decoder::new(BufReader::new(opened));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut octets = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut octets)?;
        octets.truncate(info.buffer_size());
        let channels = info.color_type.samples();
        let rgb = match channels {
            3 => octets,
            4 => octets.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect(),
            2 => octets.chunks_exact(2).flat_map(|p| [p[0]; 3]).collect(),
            _ => octets.iter().flat_map(|grey| [*grey; 3]).collect(),
        };
        Picture::new(info.width as usize, info.height as usize, rgb)
    }

    /// Cuts out a part and averages it down to `width` by `height`: fine grain that a codec may
    /// drop does not count, what the picture shows does.
    pub fn reduced(&self, part: Part, width: usize, height: usize) -> Picture {
        let (left, right) = (self.width * part.across.0 / 1000, self.width * part.across.1 / 1000);
        let (top, bottom) = (self.height * part.down.0 / 1000, self.height * part.down.1 / 1000);
        let edge = |from: usize, to: usize, i: usize, n: usize| from + (to - from) * i / n;
        let mut rgb = Vec::with_capacity(3 * width * height);
        for row in 0..height {
            let y0 = edge(top, bottom, row, height);
            let y1 = edge(top, bottom, row + 1, height).max(y0 + 1).min(self.height);
            for column in 0..width {
                let x0 = edge(left, right, column, width);
                let x1 = edge(left, right, column + 1, width).max(x0 + 1).min(self.width);
                let mut sum = [0_usize; 3];
                for y in y0..y1 {
                    let line = &self.rgb[3 * (y * self.width + x0)..3 * (y * self.width + x1)];
                    for pixel in line.chunks_exact(3) {
                        for (total, value) in sum.iter_mut().zip(pixel) {
                            *total += usize::from(*value);
                        }
                    }
                }
                let count = ((y1 - y0) * (x1 - x0)).max(1);
                rgb.extend(sum.map(|total| (total / count) as u8));
            }
        }
        Picture { width, height, rgb }
    }

    /// Peak signal to noise ratio against another picture of the same size, in dB: 99 when they
    /// are the same, about 10 when they have nothing in common. 0 when the sizes differ.
    pub fn psnr(&self, other: &Picture) -> f64 {
        if self.rgb.len() != other.rgb.len() || self.rgb.is_empty() {
            return 0.0;
        }
        let squares: u64 =
            self.rgb.iter().zip(&other.rgb).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
        let mean = squares as f64 / self.rgb.len() as f64;
        if mean == 0.0 { 99.0 } else { (10.0 * (255.0 * 255.0 / mean).log10()).min(99.0) }
    }
}

/// Faces are compared at this size: large enough to tell two frames apart in which only an arm
/// moves, small enough to compare with every frame of a clip.
const COMPARED: (usize, usize) = (160, 64);

/// Height of a banner and of the display that it is on, in pixels.
const BANNER: (usize, usize) = (56, 720);

/// The part of a display that no overlay covers, small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face(Picture);

impl Face {
    /// Of a display that shows one other participant, or of a clip's frame.
    pub fn of(picture: &Picture) -> Face {
        let (width, height) = COMPARED;
        Face(picture.reduced(Part::FACE, width, height))
    }

    /// Of a display that shows one other participant below a banner across its upper edge.
    pub fn below_banner(display: &Picture) -> Face {
        // The picture keeps its shape, so it becomes narrower as well.
        let banner = 1000 * BANNER.0 / BANNER.1;
        let side = banner / 2;
        let within = |(from, to): (usize, usize), start: usize, length: usize| {
            (start + length * from / 1000, start + length * to / 1000)
        };
        let part = Part {
            across: within(Part::FACE.across, side, 1000 - banner),
            down: within(Part::FACE.down, banner, 1000 - banner),
        };
        let (width, height) = COMPARED;
        Face(display.reduced(part, width, height))
    }

    /// How alike two faces are, in dB; see [`Picture::psnr`].
    pub fn likeness(&self, other: &Face) -> f64 {
        self.0.psnr(&other.0)
    }

    /// How alike this face is to the most similar of a clip's frames, in dB.
    pub fn likeness_to_any(&self, clip: &[Face]) -> f64 {
        clip.iter().map(|frame| self.likeness(frame)).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(paint: impl Fn(usize, usize) -> u8) -> Picture {
        let rgb = (0..72)
            .flat_map(|y| (0..128).map(move |x| (x, y)))
            .flat_map(|(x, y)| [paint(x, y); 3])
            .collect();
        Picture::new(128, 72, rgb).unwrap()
    }

    #[test]
    fn the_same_is_99_and_the_opposite_is_0() {
        let black = painted(|_, _| 0);
        assert_eq!(black.psnr(&black), 99.0);
        assert_eq!(black.psnr(&painted(|_, _| 255)), 0.0);
    }

    #[test]
    fn an_error_of_one_step_everywhere_is_48_decibels() {
        let psnr = painted(|_, _| 100).psnr(&painted(|_, _| 101));
        assert!((psnr - 48.13).abs() < 0.01, "{psnr}");
    }

    #[test]
    fn a_slightly_damaged_picture_is_liked_better_than_another_one() {
        let clip = painted(|x, y| (x * 2) as u8 ^ (y as u8));
        let damaged = painted(|x, y| ((x * 2) as u8 ^ (y as u8)).saturating_add((x % 3) as u8));
        let mirrored = painted(|x, y| ((127 - x) * 2) as u8 ^ (y as u8));
        let clip = [Face::of(&clip)];
        assert!(Face::of(&damaged).likeness_to_any(&clip) > 35.0);
        assert!(Face::of(&mirrored).likeness_to_any(&clip) < 20.0);
    }

    #[test]
    fn what_overlays_cover_does_not_count() {
        let clip = painted(|x, y| (x + y) as u8);
        let covered = painted(|x, y| if y > 55 && x > 90 { 255 } else { (x + y) as u8 });
        assert_eq!(Face::of(&covered).likeness(&Face::of(&clip)), 99.0);
    }

    #[test]
    fn a_picture_below_a_banner_is_found_there_and_only_there() {
        let waves =
            |x: f64, y: f64| ((x * 9.0).sin() * 60.0 + (y * 7.0).cos() * 60.0 + 128.0) as u8;
        let paint = |width: usize, height: usize, at: &dyn Fn(f64, f64) -> u8| {
            let rgb = (0..height)
                .flat_map(|y| (0..width).map(move |x| (x, y)))
                .flat_map(|(x, y)| [at(x as f64 / width as f64, y as f64 / height as f64); 3])
                .collect();
            Picture::new(width, height, rgb).unwrap()
        };
        let clip = Face::of(&paint(1280, 720, &waves));
        let banner = 56.0 / 720.0;
        let below = paint(1280, 720, &|x, y| {
            let (x, y) = ((x - banner / 2.0) / (1.0 - banner), (y - banner) / (1.0 - banner));
            if y < 0.0 || !(0.0..1.0).contains(&x) { 0 } else { waves(x, y) }
        });
        assert!(Face::below_banner(&below).likeness(&clip) > 35.0);
        assert!(Face::of(&below).likeness(&clip) < 25.0);
    }

    #[test]
    fn a_picture_survives_being_written_as_png_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.png");
        let picture = painted(|x, y| (x * y) as u8);
        let mut encoder = png::Encoder::new(File::create(&file).unwrap(), 128, 72);
        encoder.set_color(png::ColorType::Rgba);
        let rgba: Vec<u8> =
            picture.rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        encoder.write_header().unwrap().write_image_data(&rgba).unwrap();
        assert_eq!(Picture::read(&file).unwrap(), picture);
    }
}

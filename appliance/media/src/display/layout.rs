//! Where each picture stands on the front display. Pure: numbers in, rectangles out.
//!
//! Every tile has the shape 16:9, which is the shape that rooms send; a picture of another shape
//! is letterboxed inside its tile, never cropped and never stretched.

use conclave_panel_api::Layout;

/// A rectangle on the display, in pixels from the top left corner. All four numbers are even.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Rect {
    /// The part of this rectangle that a picture of `width` by `height` fills when its shape is
    /// kept; all of it when either is zero.
    pub fn letterbox(self, width: u32, height: u32) -> Rect {
        if width == 0 || height == 0 {
            return self;
        }
        let (w, h) = (u64::from(width), u64::from(height));
        let by_width = u64::from(self.width) * h / w;
        let (fit_w, fit_h) = if by_width <= u64::from(self.height) {
            (self.width, by_width as u32)
        } else {
            ((u64::from(self.height) * w / h) as u32, self.height)
        };
        let (fit_w, fit_h) = (even(fit_w).max(2), even(fit_h).max(2));
        Rect {
            x: self.x + even((self.width - fit_w.min(self.width)) / 2),
            y: self.y + even((self.height - fit_h.min(self.height)) / 2),
            width: fit_w.min(self.width),
            height: fit_h.min(self.height),
        }
    }
}

/// The most tiles that are shown; with more participants the first ones are. Smaller tiles could
/// not be told apart from the end of a table.
pub const MAX_TILES: usize = 16;

/// Between tiles, for a display 720 high; grows with it.
const GAP: u32 = 12;

/// Tiles of `count` remote participants on a display of `width` by `height` pixels, in the order
/// of the participants. With [`Layout::Speaker`] the first tile is the large one: the caller puts
/// who speaks first. At most [`MAX_TILES`] rectangles.
pub fn tiles(count: usize, layout: Layout, width: u32, height: u32) -> Vec<Rect> {
    arrange(whole(width, height), count, layout).0
}

/// The self-view beside these tiles: small in the lower right corner where that hides little, a
/// place of its own among the tiles where it would hide somebody.
pub fn self_view(count: usize, layout: Layout, width: u32, height: u32) -> Rect {
    arrange(whole(width, height), count, layout).1
}

fn whole(width: u32, height: u32) -> Rect {
    Rect { x: 0, y: 0, width: even(width), height: even(height) }
}

/// Tiles and self-view inside a part of the display: below a banner, for example.
pub(crate) fn arrange(area: Rect, count: usize, layout: Layout) -> (Vec<Rect>, Rect) {
    let count = count.min(MAX_TILES);
    let corner = corner(area);
    if area.width < 64 || area.height < 64 {
        return (Vec::new(), corner);
    }
    let (mut tiles, own) = match (count, layout) {
        (0, _) => return (Vec::new(), corner),
        (1, _) => return (vec![sixteen_to_nine(area)], corner),
        (2..=4, Layout::Grid) => return (grid(area, count), corner),
        (_, Layout::Grid) => (grid(area, count + 1), corner),
        (_, Layout::Speaker) => (speaker(area, count + 1), corner),
    };
    // The last place is ours.
    let own = tiles.pop().unwrap_or(own);
    (tiles, own)
}

fn corner(area: Rect) -> Rect {
    let margin = even(area.height / 36);
    let width = even(area.width / 6);
    let height = even(width * 9 / 16);
    Rect {
        x: even((area.x + area.width).saturating_sub(width + margin)),
        y: even((area.y + area.height).saturating_sub(height + margin)),
        width,
        height,
    }
}

fn gap(area: Rect) -> u32 {
    even((area.height * GAP / 720).max(4))
}

fn grid(area: Rect, count: usize) -> Vec<Rect> {
    let columns = match count {
        0 | 1 => 1,
        2..=4 => 2,
        5..=9 => 3,
        10..=16 => 4,
        _ => 5,
    };
    let rows = count.div_ceil(columns) as u32;
    let columns = columns as u32;
    let gap = gap(area);
    let cell_w = (area.width - gap * (columns + 1)) / columns;
    let cell_h = (area.height - gap * (rows + 1)) / rows;
    let tile = sixteen_to_nine(Rect { x: 0, y: 0, width: cell_w, height: cell_h });
    let (w, h) = (tile.width, tile.height);
    let block_h = rows * h + (rows - 1) * gap;
    let top = area.y + (area.height - block_h) / 2;
    (0..count as u32)
        .map(|i| {
            let (row, column) = (i / columns, i % columns);
            // The last row may be shorter: it stands in the middle.
            let in_row = (count as u32 - row * columns).min(columns);
            let row_w = in_row * w + (in_row - 1) * gap;
            let left = area.x + (area.width - row_w) / 2;
            Rect {
                x: even(left + column * (w + gap)),
                y: even(top + row * (h + gap)),
                width: w,
                height: h,
            }
        })
        .collect()
}

/// One large tile, the others in a strip below it.
fn speaker(area: Rect, count: usize) -> Vec<Rect> {
    let gap = gap(area);
    let others = count as u32 - 1;
    // The strip is a fifth of the height, less when many share it.
    let strip_h = area.height / 5;
    let fit_w = (area.width - gap * (others + 1)) / others;
    let small =
        sixteen_to_nine(Rect { x: 0, y: 0, width: fit_w.min(strip_h * 16 / 9), height: strip_h });
    let (w, h) = (small.width, small.height);
    let large = sixteen_to_nine(Rect {
        x: area.x + gap,
        y: area.y + gap,
        width: area.width - 2 * gap,
        height: area.height - h - 3 * gap,
    });
    let strip_w = others * w + (others - 1) * gap;
    let left = area.x + (area.width - strip_w) / 2;
    let top = area.y + area.height - h - gap;
    let mut tiles = vec![large];
    tiles.extend((0..others).map(|i| Rect {
        x: even(left + i * (w + gap)),
        y: even(top),
        width: w,
        height: h,
    }));
    tiles
}

/// The largest rectangle of the shape 16:9 in the middle of `area`.
fn sixteen_to_nine(area: Rect) -> Rect {
    let inner = Rect {
        x: even(area.x),
        y: even(area.y),
        width: even(area.width),
        height: even(area.height),
    };
    inner.letterbox(16, 9)
}

/// Chroma has half the resolution, so edges lie on even pixels.
pub(crate) fn even(n: u32) -> u32 {
    n & !1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [(u32, u32); 4] = [(1280, 720), (1920, 1080), (1024, 768), (854, 480)];

    fn overlap(a: Rect, b: Rect) -> bool {
        a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
    }

    #[test]
    fn tiles_lie_on_the_display_and_never_overlap() {
        for (width, height) in SIZES {
            for layout in [Layout::Grid, Layout::Speaker] {
                for count in 0..=40 {
                    let mut tiles = tiles(count, layout, width, height);
                    assert_eq!(tiles.len(), count.min(MAX_TILES));
                    let own = self_view(count, layout, width, height);
                    let hides = tiles.iter().filter(|tile| overlap(own, **tile)).count();
                    assert!(hides <= usize::from(matches!(count, 1..=4)), "{count} {layout:?}");
                    if hides == 0 {
                        tiles.push(own);
                    }
                    for (i, a) in tiles.iter().enumerate() {
                        assert!(a.x + a.width <= width && a.y + a.height <= height, "{a:?}");
                        assert!(a.width >= 32 && a.height >= 18, "{count} {layout:?}: {a:?}");
                        assert!([a.x, a.y, a.width, a.height].iter().all(|n| n % 2 == 0));
                        assert!(tiles[..i].iter().all(|b| !overlap(*a, *b)), "{count} {layout:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn tiles_keep_the_shape_of_a_picture() {
        for count in 1..=16 {
            for tile in tiles(count, Layout::Grid, 1280, 720) {
                let shape = f64::from(tile.width) / f64::from(tile.height);
                assert!((shape - 16.0 / 9.0).abs() < 0.03, "{count}: {tile:?}");
            }
        }
    }

    #[test]
    fn one_fills_the_display_two_stand_side_by_side_four_in_a_square() {
        let full = Rect { x: 0, y: 0, width: 1280, height: 720 };
        assert_eq!(tiles(1, Layout::Grid, 1280, 720), [full]);
        assert_eq!(tiles(1, Layout::Speaker, 1280, 720), [full]);
        let two = tiles(2, Layout::Grid, 1280, 720);
        assert!(two[0].y == two[1].y && two[0].x < two[1].x);
        let four = tiles(4, Layout::Grid, 1280, 720);
        assert!(four[0].y == four[1].y && four[2].y == four[3].y && four[0].y < four[2].y);
    }

    #[test]
    fn the_self_view_never_hides_more_than_a_corner() {
        let own = self_view(4, Layout::Grid, 1280, 720);
        let last = tiles(4, Layout::Grid, 1280, 720)[3];
        assert!(own.width * 5 < last.width * 2 && own.height * 5 < last.height * 2);
        assert!(own.x + own.width <= 1280 && own.y + own.height <= 720);
    }

    #[test]
    fn the_speaker_is_much_larger_than_anyone_else() {
        for count in 2..=16 {
            let tiles = tiles(count, Layout::Speaker, 1280, 720);
            assert!(tiles[1..].iter().all(|t| t.width * 3 <= tiles[0].width * 2), "{count}");
        }
    }

    #[test]
    fn a_picture_of_another_shape_is_not_stretched() {
        let tile = Rect { x: 0, y: 0, width: 640, height: 360 };
        assert_eq!(tile.letterbox(640, 480), Rect { x: 80, y: 0, width: 480, height: 360 });
        assert_eq!(tile.letterbox(1280, 360), Rect { x: 0, y: 90, width: 640, height: 180 });
        assert_eq!(tile.letterbox(0, 0), tile);
        let thin = tile.letterbox(1, 5000);
        assert!(thin.width >= 2 && thin.height == 360);
    }
}

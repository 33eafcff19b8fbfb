//! The picture's number, drawn into the picture and read back from a screen.
//!
//! A row of 32 squares, black or white, in the upper part of a picture of 1280 by 720: first the
//! number's 16 bits, most significant first, then the same bits turned over. A picture that is
//! half painted, or another one, does not pass for a number by chance: black would need white.

/// Width of every picture here, in pixels.
pub(crate) const WIDTH: usize = 1280;
/// Height of every picture here, in pixels.
pub(crate) const HEIGHT: usize = 720;
/// Octets of a picture: I420.
pub(crate) const OCTETS: usize = WIDTH * HEIGHT * 3 / 2;

/// A square's side in pixels: two macroblocks, so that no encoder blurs its middle.
const SIDE: usize = 32;
/// Where the squares begin. Neither a name nor a self-view lies over them.
const LEFT: usize = 128;
/// Their upper edge.
const TOP: usize = 96;
/// The row that is looked at: through the squares' middle.
pub(crate) const ROW: usize = TOP + SIDE / 2;

/// Luma of white and black, as video has them.
const WHITE: u8 = 235;
const BLACK: u8 = 16;

/// Draws a number into an I420 picture of [`OCTETS`].
pub(crate) fn draw(picture: &mut [u8], number: u16) {
    let (luma, chroma) = picture.split_at_mut(WIDTH * HEIGHT);
    for row in luma.chunks_exact_mut(WIDTH).skip(TOP).take(SIDE) {
        for (place, square) in row[LEFT..].chunks_exact_mut(SIDE).take(32).enumerate() {
            square.fill(if bit(number, place) { WHITE } else { BLACK });
        }
    }
    for plane in chroma.chunks_exact_mut(WIDTH * HEIGHT / 4) {
        for row in plane.chunks_exact_mut(WIDTH / 2).skip(TOP / 2).take(SIDE / 2) {
            row[LEFT / 2..][..SIDE * 16].fill(128);
        }
    }
}

/// Reads the number from a row of a screen through the squares' middle: [`WIDTH`] pixels of four
/// octets, blue, green, red, nothing. `None` when there is none.
pub(crate) fn read(row: &[u8]) -> Option<u16> {
    let mut bits = 0_u32;
    for place in 0..32 {
        let pixel = row.get(4 * (LEFT + place * SIDE + SIDE / 2)..)?.get(..3)?;
        bits = bits << 1 | u32::from(pixel.iter().map(|c| u32::from(*c)).sum::<u32>() > 3 * 128);
    }
    let (number, turned) = ((bits >> 16) as u16, bits as u16);
    (number == !turned).then_some(number)
}

fn bit(number: u16, place: usize) -> bool {
    let bits = u32::from(number) << 16 | u32::from(!number);
    bits >> (31 - place) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_was_drawn_and_nothing_else_is_read() {
        let mut picture = vec![90; OCTETS];
        for number in [0, 1, 0x1234, u16::MAX] {
            draw(&mut picture, number);
            let row = &picture[ROW * WIDTH..][..WIDTH];
            let screen: Vec<u8> = row.iter().flat_map(|luma| [*luma; 4]).collect();
            assert_eq!(read(&screen), Some(number));
            assert_eq!(read(&screen[..200]), None);
        }
        assert_eq!(read(&vec![0; WIDTH * 4]), None);
        assert_eq!(read(&vec![255; WIDTH * 4]), None);
    }
}

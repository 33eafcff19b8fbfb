//! A picture of what the panel shows: for IT, when the daemon wants one, and for the driver.

use crate::link::Daemon;
use crate::ui;
use conclave_panel_api::{LONGEST_PIECE, PictureOctets, PicturePiece, Tap};
use slint::ComponentHandle;
use std::io::{self, Write};
use std::thread;

/// The most octets of a picture that is handed over: what the daemon takes. A panel of 1280 by 800 has some tens of
/// thousands.
const LONGEST: usize = 1024 * 1024;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("the window gives no picture: {0}")]
    Window(slint::PlatformError),
    #[error("the picture cannot be written: {0}")]
    File(#[from] io::Error),
    #[error("the picture cannot be encoded: {0}")]
    Png(#[from] png::EncodingError),
}

/// What stands on the screen: RGB, 8 bit each, `height` rows of `width` pixels without padding.
pub(crate) struct Pixels {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Pixels {
    /// As it is drawn now.
    pub(crate) fn of(app: &ui::App) -> Result<Pixels, PictureError> {
        let snapshot = app.window().take_snapshot().map_err(PictureError::Window)?;
        // RGBA to RGB: the panel is opaque.
        let rgb = snapshot.as_slice().iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]);
        Ok(Pixels { width: snapshot.width(), height: snapshot.height(), rgb: rgb.collect() })
    }

    /// Writes it as a PNG.
    pub(crate) fn write(&self, to: impl Write) -> Result<(), PictureError> {
        let mut encoder = png::Encoder::new(to, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()?;
        Ok(())
    }
}

/// Hands a picture of what is drawn now to the daemon. It is compressed and sent beside the panel's own thread, so that
/// no finger waits for it.
pub(crate) fn hand_over(app: &ui::App, daemon: Daemon, number: u32) {
    let pixels = Pixels::of(app);
    let made = thread::Builder::new().name("picture".into()).spawn({
        let daemon = daemon.clone();
        move || match pixels.and_then(|pixels| png(&pixels)) {
            Ok(png) if png.len() <= LONGEST => send(&daemon, number, &png),
            Ok(png) => {
                tracing::warn!(octets = png.len(), "the panel's picture is too long for IT");
                daemon.send(&Tap::NoPicture { number });
            }
            Err(error) => {
                tracing::warn!(%error, "there is no picture of the panel");
                daemon.send(&Tap::NoPicture { number });
            }
        }
    });
    if let Err(error) = made {
        tracing::warn!(%error, "there is no picture of the panel");
        daemon.send(&Tap::NoPicture { number });
    }
}

fn png(pixels: &Pixels) -> Result<Vec<u8>, PictureError> {
    let mut png = Vec::new();
    pixels.write(&mut png)?;
    Ok(png)
}

fn send(daemon: &Daemon, number: u32, png: &[u8]) {
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let mut offset = 0;
    for piece in png.chunks(LONGEST_PIECE) {
        daemon.send(&Tap::Picture(PicturePiece {
            number,
            offset: length(offset),
            total: length(png.len()),
            octets: PictureOctets(piece.to_vec()),
        }));
        offset += piece.len();
    }
}

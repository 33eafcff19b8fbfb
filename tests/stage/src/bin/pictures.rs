//! Puts the demo's pictures into docs/pictures/, at half their size, and those of the console, under the names that the
//! documents show.

#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use conclave_stage::picture::Picture;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// The demo's name for a picture, and the README's.
const PICTURES: [(&str, &str); 6] = [
    ("6-in-call-display-ada.png", "ada-display.png"),
    ("6-in-call-voltaire-panel.png", "voltaire-panel.png"),
    ("1-activation-ada-panel.png", "ada-code.png"),
    ("4-wrong-pin-panel.png", "wrong-pin.png"),
    ("2-idle-voltaire-panel.png", "voltaire-idle.png"),
    ("2-idle-display.png", "idle-display.png"),
];

/// Pictures that the console's test takes: `console-` is put before their names.
const CONSOLE: [&str; 28] = [
    "set-up-light",
    "sign-in-light",
    "invitation-light",
    "rooms-light",
    "rooms-dark",
    "room-light",
    "room-settings-light",
    "room-support-light",
    "room-reset-light",
    "awaited-list-light",
    "search-light",
    "settings-light",
    "rooms-french-telephone",
    "rooms-wrong-code-light",
    "rooms-shut-out-light",
    "meeting-rooms-light",
    "meeting-rooms-hidden-light",
    "meetings-light",
    "meetings-lobby-light",
    "people-light",
    "reports-light",
    "schedule-light",
    "schedule-new-light",
    "account-app-light",
    "sign-in-code-light",
    "audit-light",
    "webhooks-light",
    "account-light",
];

/// Panels, taken by that test and the one of the lobby: one lists a meeting of today, at the other somebody waits.
const PANELS: [&str; 2] = ["panel-today.png", "panel-lobby.png"];

fn main() -> Result<()> {
    let to = Path::new("docs/pictures");
    std::fs::create_dir_all(to)?;
    for name in CONSOLE {
        let from = Path::new("target/console").join(format!("{name}.png"));
        put(&from, &to.join(format!("console-{name}.png")), "cargo xtask pictures")?;
    }
    for panel in PANELS {
        put(&Path::new("target/console").join(panel), &to.join(panel), "cargo xtask pictures")?;
    }
    for (demo, readme) in PICTURES {
        put(&Path::new("target/demo").join(demo), &to.join(readme), "cargo xtask demo")?;
    }
    Ok(())
}

fn put(from: &Path, to: &Path, made_by: &str) -> Result<()> {
    let picture = Picture::read(from)
        .with_context(|| format!("{} is not there; run `{made_by}` first", from.display()))?;
    write(to, &halved(&picture)?)?;
    eprintln!("  {}", to.display());
    Ok(())
}

/// Each pixel is the mean of four.
fn halved(picture: &Picture) -> Result<Picture> {
    let (width, height) = (picture.width / 2, picture.height / 2);
    let mut rgb = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let at = |dx, dy| {
                    let pixel = (2 * y + dy) * picture.width + 2 * x + dx;
                    u32::from(picture.rgb[3 * pixel + channel])
                };
                let mean = (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1) + 2) / 4;
                rgb.push(u8::try_from(mean)?);
            }
        }
    }
    Picture::new(width, height, rgb)
}

fn write(path: &Path, picture: &Picture) -> Result<()> {
    let file = BufWriter::new(File::create(path)?);
    let mut encoder =
        png::Encoder::new(file, u32::try_from(picture.width)?, u32::try_from(picture.height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    encoder.write_header()?.write_image_data(&picture.rgb)?;
    Ok(())
}

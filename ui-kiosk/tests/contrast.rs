//! The colours of ui/tokens.slint against each other, by the formula of WCAG 2.2 (contrast ratio,
//! relative luminance), and colours nowhere else.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Text, then every ground on which a screen puts it.
const PAIRS: [(&str, &[&str]); 10] = [
    ("text", &["ground", "surface", "raised", "pressed", "warn-ground"]),
    ("muted", &["ground", "surface", "raised", "asleep"]),
    ("accent", &["ground", "surface"]),
    ("on-accent", &["accent", "accent-pressed"]),
    ("warn", &["ground", "surface", "raised", "warn-ground"]),
    ("ok", &["ground", "surface", "raised"]),
    ("on-danger", &["danger", "danger-pressed"]),
    ("danger-text", &["ground", "surface"]),
    ("text", &["danger"]),
    ("accent", &["raised"]),
];

/// What LOOK asks of words on the panel.
const WORDS: f64 = 7.0;
/// What WCAG asks of the outline of something that one needs to see.
const SHAPES: f64 = 3.0;

fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")
}

fn colours() -> HashMap<String, [f64; 3]> {
    let text = fs::read_to_string(ui().join("tokens.slint")).unwrap();
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("out property <color> "))
        .map(|line| {
            let (name, value) = line.split_once(": #").expect("a colour is written as #rrggbb");
            let value = value.strip_suffix(';').unwrap();
            assert_eq!(value.len(), 6, "{name} is opaque, #rrggbb");
            let part =
                |at: usize| f64::from(u8::from_str_radix(&value[at..at + 2], 16).unwrap()) / 255.0;
            (name.to_owned(), [part(0), part(2), part(4)])
        })
        .collect()
}

fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] =
        colour.map(
            |part| {
                if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            },
        );
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_formula_gives_21_for_black_on_white() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
    assert!((contrast([0.5; 3], [0.5; 3]) - 1.0).abs() < 1e-9);
}

#[test]
fn every_word_stands_out_seven_to_one_from_its_ground() {
    let colours = colours();
    for (text, grounds) in PAIRS {
        for ground in grounds {
            let ratio = contrast(colours[text], colours[*ground]);
            assert!(ratio >= WORDS, "{text} on {ground}: {ratio:.2}");
        }
    }
}

#[test]
fn outlines_that_carry_meaning_stand_out_three_to_one() {
    let colours = colours();
    for (shape, ground) in [("accent", "surface"), ("warn", "surface"), ("accent", "line")] {
        let ratio = contrast(colours[shape], colours[ground]);
        assert!(ratio >= SHAPES, "{shape} on {ground}: {ratio:.2}");
    }
}

#[test]
fn no_colour_is_named_outside_the_tokens() {
    let screens = fs::read_dir(ui().join("screens")).unwrap();
    let files = screens.map(|entry| entry.unwrap().path()).chain(
        ["app", "icons", "model", "widgets"].map(|name| ui().join(name).with_extension("slint")),
    );
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (at, line) in text.lines().enumerate() {
            assert!(!line.contains('#'), "{}:{}: a colour of its own", file.display(), at + 1);
        }
    }
}

use super::*;
use proptest::prelude::*;

/// A description that uses everything.
const WHOLE: &str = r#"name = "test-board"
title = "Everything at once"
vendor_licence = "None at all"
encoders = ["v4l2h264enc", "x264enc"]
cameras = ["!bcm2835-*", "*"]
microphones = ["*"]

[gpio]
backend = "gpiocdev"
chip = "gpio-sim"

[light.separate]
green = { line = 0 }
red = { line = 1, active_low = true }

[mute_button]
line = { line = "MUTE", active_low = true, bias = "pull_up" }
debounce_ms = 30

[reset_button]
line = { line = 3, chip = "/dev/gpiochip4" }
debounce_ms = 30
long_press_s = 5

[presence]
line = { line = 4, bias = "pull_down" }
hold_s = 60

[temperature]
source = { thermal_zone = "cpu-thermal" }
warn_c = 80
critical_c = 90

[[display]]
connector = "DSI-1"
shows = "panel"

[[display]]
connector = "HDMI-A-1"
shows = "front"
"#;

fn parse(text: &str) -> Result<Description, String> {
    Description::parse(text, Path::new("board.toml")).map_err(|error| error.to_string())
}

#[test]
fn everything_can_be_said() {
    let board = parse(WHOLE).unwrap();
    assert_eq!(board.name.as_str(), "test-board");
    let label = Chip::Label("gpio-sim".parse().unwrap());
    let Some(Light::Separate { green, red }) = &board.light else { panic!("{:?}", board.light) };
    assert_eq!(green.place, Place::Offset { chip: label.clone(), offset: 0 });
    assert_eq!((green.active, red.active), (Active::High, Active::Low));
    let mute = board.mute_button.as_ref().unwrap();
    let name = "MUTE".parse().unwrap();
    assert_eq!(mute.line.place, Place::Named { chip: Some(label), name });
    assert_eq!(mute.line.bias, Bias::PullUp);
    let reset = board.reset_button.as_ref().unwrap();
    assert_eq!(reset.long_press, Duration::from_secs(5));
    assert_eq!(reset.line.place.to_string(), "line 3 of /dev/gpiochip4");
    assert_eq!(board.presence.as_ref().unwrap().hold, Duration::from_secs(60));
    assert_eq!(board.displays[1].shows, Shows::Front);
    let encoders: Vec<_> = board.encoders.iter().map(Encoder::element).collect();
    assert_eq!(encoders, ["v4l2h264enc", "x264enc"]);
    assert_eq!(board.lines().len(), 5);
}

#[test]
fn a_board_without_parts_is_a_board() {
    let text =
        "name = \"bare\"\ntitle = \"Bare\"\nencoders = [\"x264enc\"]\n[gpio]\nbackend = \"none\"\n";
    let board = parse(text).unwrap();
    assert!(board.lines().is_empty() && board.displays.is_empty());
    assert_eq!(board.cameras.place("anything"), None);
}

#[test]
fn a_raspberry_pis_pins_are_bcm_numbers() {
    let pi = WHOLE
        .replace("\"gpiocdev\"\nchip = \"gpio-sim\"", "\"rppal\"")
        .replace("\"MUTE\"", "22")
        .replace(", chip = \"/dev/gpiochip4\"", "");
    assert_eq!(parse(&pi).unwrap().mute_button.unwrap().line.place, Place::Bcm(22));
    let told = parse(&pi.replace("line = 22", "line = 58")).unwrap_err();
    assert!(told.contains("line 16") && told.contains("BCM"), "{told}");
}

#[test]
fn mistakes_name_file_and_line() {
    for (from, to, line, words) in [
        ("title = ", "tilte = ", 2, "tilte"),
        ("\"test-board\"", "\"Test Board\"", 1, "small letters"),
        ("\"v4l2h264enc\", ", "\"v4l2h265enc\", ", 4, "vah264enc"),
        ("\"v4l2h264enc\", \"x264enc\"", "", 4, "at least one encoder"),
        ("\"v4l2h264enc\", \"x264enc\"", "\"x264enc\", \"x264enc\"", 4, "each encoder once"),
        ("\"gpiocdev\"", "\"sysfs\"", 9, "gpiocdev"),
        ("\"gpiocdev\"", "\"none\"", 13, "none"),
        ("chip = \"gpio-sim\"", "", 13, "needs a chip"),
        ("line = 0 }", "line = 4096 }", 13, "1023"),
        ("line = 0 }", "line = 0, bias = \"pull_up\" }", 13, "no bias"),
        ("line = 1,", "line = 0,", 14, "used twice"),
        ("[light.separate]", "[light.tricolour]", 12, "bicolour"),
        ("[light.separate]", "[light.bicolour]", 13, "green"),
        ("debounce_ms = 30", "debounce_ms = 0", 18, "5 to 500 milliseconds"),
        ("long_press_s = 5", "long_press_s = 1", 23, "3 to 60 seconds"),
        ("hold_s = 60", "hold_s = -1", 27, "1 to 3600 seconds"),
        ("thermal_zone", "thermal", 30, "hwmon"),
        ("warn_c = 80", "warn_c = 95", 29, "below critical_c"),
        ("critical_c = 90", "critical_c = 900", 32, "30 to 120"),
        ("\"DSI-1\"", "\"HDMI-A-1\"", 38, "two displays"),
        ("\"front\"", "\"panel\"", 38, "two displays"),
        ("\"HDMI-A-1\"", "\"HDMI-1\"", 39, "HDMI-A-1"),
    ] {
        let wrong = WHOLE.replacen(from, to, 1);
        assert_ne!(wrong, WHOLE, "{from:?} is not there");
        let told = parse(&wrong).unwrap_err();
        let start = format!("board.toml, line {line}: ");
        assert!(told.starts_with(&start) && told.contains(words), "{to:?}: {told}");
    }
}

#[test]
fn a_description_is_not_endless() {
    let long = format!("{WHOLE}{}", "#\n".repeat(LONGEST));
    assert!(parse(&long).unwrap_err().contains("at most"));
}

proptest! {
    /// However it is damaged, it is taken or a line that is there is named.
    #[test]
    fn damage_is_told_with_a_line_that_is_there(
        cut in 0..WHOLE.len(), put in "[ -~\\n]{0,12}", gone in 0_usize..40,
    ) {
        let mut text = WHOLE.to_owned();
        let end = (cut + gone).min(text.len());
        text.replace_range(cut..end, &put);
        if let Err(DescriptionError::Wrong { line, message, .. }) =
            Description::parse(&text, Path::new("board.toml"))
        {
            prop_assert!((1..=text.matches('\n').count() + 1).contains(&line), "{}", line);
            prop_assert!(!message.is_empty());
        }
    }
}

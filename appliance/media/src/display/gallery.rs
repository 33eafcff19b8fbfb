//! Pictures of the display to be looked at by people:
//! `cargo test -p conclave-media gallery -- --ignored` writes them to the folder that the
//! environment names in CONCLAVE_GALLERY. Each scene is painted in every other test run too, to
//! see that none fails.

use super::compose::Composer;
use super::output::PngFile;
use super::paint::Painter;
use super::scene::{CallScene, Company, Scene};
use super::still::{self, Whose};
use crate::frames::Frame;
use conclave_panel_api::{Language, Layout};
use conclave_room::media::{Banner, IdleDisplay, RemoteParticipant};
use conclave_types::{ActivationCode, ParticipantId, Ssrc, Switch};
use gstreamer as gst;
use gstreamer_video as gst_video;
use std::path::Path;
use std::time::Instant;

const NAMES: [&str; 16] = [
    "Salle Voltaire",
    "Kitchen, third floor",
    "غرفة الاجتماعات الكبرى",
    "Direction régionale Provence-Alpes-Côte d’Azur, bâtiment Sud, salle du conseil",
    "Zoë",
    "חדר ישיבות",
    "R&D lab",
    "Amphithéâtre",
    "Board room",
    "Berlin 4",
    "Atelier",
    "Reception",
    "Québec",
    "Studio 2",
    "Library",
    "Møterom",
];

fn people(count: usize) -> Vec<RemoteParticipant> {
    (0..count)
        .map(|n| RemoteParticipant {
            participant: ParticipantId::from_random(n as u128),
            name: NAMES[n % NAMES.len()].parse().unwrap(),
            microphone: if n % 3 == 1 { Switch::Off } else { Switch::On },
            camera: if n % 4 == 2 { Switch::Off } else { Switch::On },
            audio: Ssrc(n as u32),
            video: Ssrc(n as u32 + 100),
        })
        .collect()
}

fn in_call(count: usize, layout: Layout, language: Language) -> Scene {
    let mut call = CallScene::default();
    call.set_people(&people(count));
    call.speaking = Some(ParticipantId::from_random(if count > 1 { 1 } else { 9 }));
    let mut scene = Scene { call: Some(call), layout, ..Scene::first() };
    scene.idle.language = language;
    scene
}

fn idle(language: Language, room: Option<&str>, code: Option<ActivationCode>) -> Scene {
    let room = room.map(|name| name.parse().unwrap());
    Scene {
        idle: IdleDisplay { language, room, identify: false, code, clock: (9, 41) },
        ..Scene::first()
    }
}

fn scenes() -> Vec<(&'static str, Scene)> {
    use Language::{English, French};
    use Layout::{Grid, Speaker};
    let code = Some(ActivationCode::from_random(0x3a_5e_17_9c_42));
    let mut banner = in_call(4, Grid, French);
    let mut muted = in_call(1, Grid, English);
    let mut first = in_call(0, Grid, English);
    let mut left = in_call(0, Grid, French);
    banner.banner = Some(Banner::LinkLost);
    left.banner = Some(Banner::Rejoining);
    (muted.microphone, muted.camera) = (Switch::Off, Switch::Off);
    if let Some(call) = &mut first.call {
        call.company = Company::NotYet;
    }
    if let Some(call) = &mut left.call {
        call.company = Company::Came;
    }
    vec![
        ("idle-en", idle(English, Some("Salle Voltaire"), None)),
        ("idle-fr", idle(French, Some(NAMES[3]), None)),
        ("code-en", idle(English, None, code)),
        ("code-fr", idle(French, None, code)),
        ("starting", idle(English, None, None)),
        ("first", first),
        ("left", left),
        ("one", in_call(1, Grid, English)),
        ("muted", muted),
        ("two", in_call(2, Grid, English)),
        ("three-fr", in_call(3, Grid, French)),
        ("banner-fr", banner),
        ("speaker", in_call(5, Speaker, English)),
        ("nine", in_call(9, Grid, French)),
        ("sixteen", in_call(16, Grid, English)),
    ]
}

/// A picture of a test pattern, as if a camera had seen it.
fn frame(pattern: &str) -> Frame {
    let running = crate::running::Running::launch(&format!(
        "videotestsrc num-buffers=1 pattern={pattern} \
         ! video/x-raw,format=I420,width=640,height=360,framerate=25/1 \
         ! appsink name=out sync=false"
    ))
    .unwrap();
    let sink = running.sink("out").unwrap();
    running.play().unwrap();
    let sample = sink.pull_sample().unwrap();
    let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
    Frame { buffer: sample.buffer_owned().unwrap(), info, number: 1, at: Instant::now() }
}

fn paint_all(folder: &Path) {
    gst::init().unwrap();
    let (own, theirs) = (frame("smpte75"), frame("gradient"));
    let mut painter = Painter::new();
    for (name, scene) in scenes() {
        let mut composer = Composer::new(1280, 720).unwrap();
        // The fourth of them has not sent a picture yet.
        let has = |whose| whose != Whose::Theirs(ParticipantId::from_random(3));
        let still = still::paint(&mut painter, &scene, 1280, 720, &has).unwrap();
        composer.prepare(still).unwrap();
        let frame_of = |whose| Some(if whose == Whose::Own { own.clone() } else { theirs.clone() });
        let picture = composer.compose(&frame_of).unwrap().unwrap();
        let path = folder.join(format!("{name}.png"));
        PngFile::new(&path, composer.info()).unwrap().show(&picture).unwrap();
        assert!(std::fs::metadata(path).unwrap().len() > 3000, "{name}");
    }
}

#[test]
fn every_scene_can_be_painted() {
    paint_all(tempfile::tempdir().unwrap().path());
}

#[test]
#[ignore = "writes pictures for people"]
fn gallery() {
    let folder = std::env::var("CONCLAVE_GALLERY").unwrap();
    paint_all(Path::new(&folder));
}

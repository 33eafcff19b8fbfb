//! Two rooms whose devices are files, joined by a media node of a few lines: real GStreamer, real
//! SRTP, real sockets.

mod stage;

use conclave_media::{Media, layout};
use conclave_panel_api::Layout;
use conclave_room::media::{MediaCommand, MediaEvent, MediaPart};
use conclave_types::{SrtpProfile, Switch};
use stage::{Picture, Relay, Room, clip, eventually, goertzel, last_second, tone};
use std::sync::atomic::Ordering;

/// The rows of a full tile that neither the name nor the self-view covers.
const CLEAR: std::ops::Range<usize> = 0..560;

fn is_part(event: &MediaEvent, wanted: MediaPart, state: bool) -> bool {
    matches!(event, MediaEvent::Part { part, working, .. } if *part == wanted && *working == state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rooms_see_and_hear_each_other_through_loss_until_they_mute_and_leave() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    clip(&path("a.mp4"), "smpte75");
    clip(&path("b.mp4"), "ball");
    tone(&path("a.tone.wav"), 700.0);
    tone(&path("b.tone.wav"), 1100.0);
    let source = |name: &str| format!("file:{}", path(name).display());
    let relay = Relay::start(SrtpProfile::AeadAes128Gcm).await;
    let mut a = Room::start(folder.path(), "a", &source("a.mp4"), &source("a.tone.wav"));
    let mut b = Room::start(folder.path(), "b", &source("b.mp4"), &source("b.tone.wav"));
    for (n, room) in [&a, &b].into_iter().enumerate() {
        room.handle.command(relay.start_call(n));
        room.handle.command(MediaCommand::Participants(vec![relay.participant(1 - n)]));
    }
    for room in [&mut a, &mut b] {
        let first = room.event("a first picture", |e| matches!(e, MediaEvent::FirstPicture { .. }));
        let MediaEvent::FirstPicture { width, height, .. } = first.await else { unreachable!() };
        assert_eq!((width, height), (1280, 720));
    }

    // B shows what A's camera saw.
    let card = Picture::test_card("smpte75");
    assert_eq!(layout::tiles(1, Layout::Grid, 1280, 720)[0].width, 1280);
    let likeness = |room: &Room| {
        Picture::read(&room.picture).map(|seen| seen.psnr(&card, CLEAR.start, CLEAR.end))
    };
    eventually("B's display shows A's test card", || match likeness(&b)? {
        db if db > 30.0 => Ok(()),
        db => Err(format!("{db:.1} dB")),
    })
    .await;
    assert!(likeness(&a).unwrap() < 15.0, "A shows B's ball, which is no test card");

    // B plays what A's microphone heard, and not what its own did.
    eventually("A's tone in B's loudspeaker", || {
        let heard = last_second(&b.sound);
        let (theirs, own) = (goertzel(&heard, 700.0), goertzel(&heard, 1100.0));
        if theirs > 0.02 && theirs > 10.0 * own { Ok(()) } else { Err(format!("{theirs} {own}")) }
    })
    .await;
    let below = 127 - relay.counts.loudest[0].load(Ordering::Relaxed);
    assert!((2..50).contains(&below), "the audio level says {below} dB below full scale");

    // One packet in fifteen is lost on the way to the rooms; what is asked for again repairs it.
    relay.counts.drop_one_in.store(15, Ordering::Relaxed);
    eventually("lost packets are asked for and come again", || {
        let report = b.handle.report();
        let video = report.participants[0].video;
        let network = report.network.unwrap();
        let repaired = video.retransmitted >= 5 && video.lost <= 2;
        if repaired && network.rejected == 0 && report.participants[0].fps > 15.0 {
            Ok(())
        } else {
            Err(format!("{video:?} {network:?} {} fps", report.participants[0].fps))
        }
    })
    .await;
    relay.counts.drop_one_in.store(0, Ordering::Relaxed);

    // Garbage and copies of old packets change nothing.
    let old = relay.counts.sealed.lock().unwrap().clone();
    for octets in old.iter().map(Vec::as_slice).chain([&[][..], &[0x80], &[0xff; 1500], b"hello"]) {
        relay.throw(1, octets).await;
    }
    eventually("what does not authenticate or came before is counted", || {
        let network = b.handle.report().network.unwrap();
        let refused = network.rejected + network.replayed;
        if network.rejected >= 3 && refused >= 50 { Ok(()) } else { Err(format!("{network:?}")) }
    })
    .await;
    let report = b.handle.report();
    assert!(report.participants[0].fps > 15.0, "{report:#?}");
    assert!(report.encoder.is_some() && report.camera_fps > 15.0, "{report:#?}");
    assert_eq!(report.srtp_profile, Some(SrtpProfile::AeadAes128Gcm));
    assert!(report.played_dbfs.unwrap() > -50.0, "{report:#?}");

    // A mutes: nothing of its microphone leaves the room any more.
    a.handle.command(MediaCommand::Microphone(Switch::Off));
    eventually("silence at B", || {
        let heard = goertzel(&last_second(&b.sound), 700.0);
        if heard < 0.0005 { Ok(()) } else { Err(heard.to_string()) }
    })
    .await;
    let audio = relay.participant(0).audio;
    let before = relay.received(0, audio);
    // A's camera goes off: B shows why there is no picture.
    a.handle.command(MediaCommand::Camera(Switch::Off));
    let mut off = relay.participant(0);
    (off.camera, off.microphone) = (Switch::Off, Switch::Off);
    b.handle.command(MediaCommand::Participants(vec![off]));
    eventually("B shows a placeholder", || match Picture::read(&b.picture)? {
        seen if seen.psnr(&card, CLEAR.start, CLEAR.end) < 12.0 => Ok(()),
        seen => Err(format!("{:.1} dB", seen.psnr(&card, CLEAR.start, CLEAR.end))),
    })
    .await;
    let video = relay.participant(0).video;
    let still = relay.received(0, video);
    // And on again: a keyframe, and the picture is back.
    let came = b.handle.report().participants[0].video.received;
    assert_eq!(relay.received(0, audio), before, "muted is muted");
    assert!(relay.received(0, video) <= still + 1, "off is off");
    a.handle.command(MediaCommand::Camera(Switch::On));
    b.handle.command(MediaCommand::Participants(vec![relay.participant(0)]));
    eventually("the picture is back", || match likeness(&b)? {
        db if db > 30.0 => Ok(()),
        db => Err(format!("{db:.1} dB, {came} packets before")),
    })
    .await;

    // The network goes away and comes back; the rooms notice both.
    relay.counts.cut.store(true, Ordering::Relaxed);
    b.event("nothing flows", |e| matches!(e, MediaEvent::Flowing { flowing: false, .. })).await;
    relay.counts.cut.store(false, Ordering::Relaxed);
    b.event("it flows again", |e| matches!(e, MediaEvent::Flowing { flowing: true, .. })).await;

    // A hangs up: nothing more comes from it, and its display is idle.
    a.handle.command(MediaCommand::StopCall);
    eventually("A's call is over", || match a.handle.report().network {
        None => Ok(()),
        Some(network) => Err(format!("{network:?}")),
    })
    .await;
    let after = relay.received(0, video);
    a.handle.shutdown().await;
    assert_eq!(relay.received(0, video), after);
    assert_eq!(relay.counts.refused.load(Ordering::Relaxed), 0);
    // Dropped without a word, in the middle of its call.
    drop(b);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_without_its_devices_calls_and_takes_them_when_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    clip(&path("there.mp4"), "smpte75");
    let source = |name: &str| format!("file:{}", path(name).display());
    let relay = Relay::start(SrtpProfile::AesCm128HmacSha1_80).await;
    let mut a = Room::start(folder.path(), "a", &source("missing.mp4"), &source("missing.wav"));
    let mut b = Room::start(folder.path(), "b", "none", "none");
    a.event("the camera is missed", |e| is_part(e, MediaPart::Camera, false)).await;
    for (n, room) in [&a, &b].into_iter().enumerate() {
        room.handle.command(relay.start_call(n));
        room.handle.command(MediaCommand::Participants(vec![relay.participant(1 - n)]));
    }
    eventually("B waits for A's picture", || Picture::read(&b.picture)).await;

    std::fs::rename(path("there.mp4"), path("missing.mp4")).unwrap();
    a.event("the camera is there", |e| is_part(e, MediaPart::Camera, true)).await;
    b.event("A's first picture", |e| matches!(e, MediaEvent::FirstPicture { .. })).await;

    // It goes away in mid-call and comes back, and so does its picture.
    std::fs::rename(path("missing.mp4"), path("there.mp4")).unwrap();
    a.event("the camera went away", |e| is_part(e, MediaPart::Camera, false)).await;
    std::fs::rename(path("there.mp4"), path("missing.mp4")).unwrap();
    a.event("the camera is back", |e| is_part(e, MediaPart::Camera, true)).await;
    eventually("B sees A again", || {
        let fps = b.handle.report().participants[0].fps;
        if fps > 15.0 { Ok(()) } else { Err(format!("{fps} fps")) }
    })
    .await;
    assert_eq!(a.handle.report().participants[0].first_picture_ms, None, "B has no camera");
    tokio::join!(a.handle.shutdown(), b.handle.shutdown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_where_nothing_opens_says_so_once_and_still_makes_calls() {
    let folder = tempfile::tempdir().unwrap();
    let config = serde_json::json!({
        "camera": "v4l2:/dev/no-such-camera",
        "microphone": "alsa:no-such-microphone",
        "loudspeaker": "alsa:no-such-loudspeaker",
        "display": format!("offscreen:{}", folder.path().join("no/such/folder.png").display()),
    });
    let config = serde_json::from_value(config).unwrap();
    let (handle, mut events) = Media::start(config).unwrap();
    let relay = Relay::start(SrtpProfile::AeadAes128Gcm).await;
    handle.command(relay.start_call(0));
    handle.command(MediaCommand::Participants(vec![relay.participant(1)]));
    let mut missing = Vec::new();
    while missing.len() < 4 {
        match events.recv().await.unwrap() {
            MediaEvent::Part { part, working: false, .. } => missing.push(part),
            MediaEvent::Part { part, .. } => assert_eq!(part, MediaPart::Encoder),
            MediaEvent::Flowing { flowing, .. } => assert!(!flowing, "the relay says nothing"),
            other => panic!("{other:?}"),
        }
    }
    for part in
        [MediaPart::Camera, MediaPart::Microphone, MediaPart::Loudspeaker, MediaPart::Display]
    {
        assert!(missing.contains(&part), "{missing:?}");
    }
    eventually("the node is told where the room is", || match handle.report().network {
        Some(network) if relay.knows(0) => {
            assert_eq!(network.packets_unsent, 0, "the first report left at once");
            Ok(())
        }
        other => Err(format!("{other:?}")),
    })
    .await;
    handle.shutdown().await;
}

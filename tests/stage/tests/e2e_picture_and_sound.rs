//! What room A's camera sees and its microphone hears arrives in room B, and the other way round;
//! and the same checks fail when the media is broken.

use anyhow::{Result, ensure};
use conclave_stage::picture::Face;
use conclave_stage::{
    Cable, Clip, Meeting, TONE_A, TONE_B, in_own_network, scene, shows, sockets, tenths_heard,
    until_shows, wait_until,
};
use std::time::Duration;

/// A right picture is above 22 dB; nothing else comes this near.
const WRONG_PICTURE: f64 = 19.0;

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn two_rooms_see_and_hear_each_other() -> Result<()> {
    in_own_network(|_| {
        scene(|stage| {
            let (clip_a, clip_b) = (Clip::A.faces(stage)?, Clip::B.faces(stage)?);
            let mut meeting = Meeting::prepare(stage, Cable::Direct)?;
            meeting.join()?;
            until_shows(&mut meeting.b, &clip_a)?;
            until_shows(&mut meeting.a, &clip_b)?;

            // The measure can tell: the other clip is nowhere near, nor is "camera off".
            let front = Face::of(&meeting.b.next_front()?);
            let right = front.likeness_to_any(&clip_a);
            let other = front.likeness_to_any(&clip_b);
            eprintln!("room B shows clip A by {right:.1} dB, clip B by {other:.1} dB");
            ensure!(
                other < WRONG_PICTURE,
                "room B's display is like the wrong clip: {other:.1} dB"
            );

            let (heard, own) =
                (tenths_heard(&mut meeting.b, TONE_A)?, tenths_heard(&mut meeting.b, TONE_B)?);
            eprintln!("room B hears A's tone in {heard} of 30 tenths, its own in {own}");
            ensure!(heard >= 8, "room B hears A's tone in {heard} tenths of a second only");
            ensure!(own == 0, "room B hears itself in {own} tenths of a second");
            let heard = tenths_heard(&mut meeting.a, TONE_B)?;
            ensure!(heard >= 8, "room A hears B's tone in {heard} tenths of a second only");

            meeting.a.press("camera")?;
            let mut off = 99.0;
            wait_until("room B shows that A's camera is off", Duration::from_secs(15), || {
                off = Face::of(&meeting.b.next_front()?).likeness_to_any(&clip_a);
                Ok(off < WRONG_PICTURE)
            })?;
            eprintln!("\"camera off\" is like clip A by {off:.1} dB");
            ensure!(shows(&mut meeting.b, &clip_a).is_err(), "a placeholder passed for the clip");
            meeting.a.press("camera")?;
            until_shows(&mut meeting.b, &clip_a)?;

            meeting.a.press("microphone")?;
            let mut heard = 99;
            wait_until("A's microphone is off in room B", Duration::from_secs(20), || {
                heard = tenths_heard(&mut meeting.b, TONE_A)?;
                Ok(heard == 0)
            })?;
            meeting.leave()
        })
    })
}

#[test]
#[ignore = "starts real rooms and a real cloud; cargo xtask test runs it"]
fn the_checks_of_picture_and_sound_fail_when_the_media_is_broken() -> Result<()> {
    in_own_network(|network| {
        if !network.is_ours("breaking the media on purpose") {
            return Ok(());
        }
        scene(|stage| {
            let clip_a = Clip::A.faces(stage)?;
            let mut meeting = Meeting::prepare(stage, Cable::Direct)?;
            meeting.join()?;
            until_shows(&mut meeting.b, &clip_a)?;
            ensure!(tenths_heard(&mut meeting.b, TONE_A)? >= 8, "no tone before the outage");

            let ports = sockets::udp_ports(meeting.a.daemon.pid())?;
            ensure!(ports.len() == 1, "room A should have one UDP socket and has {ports:?}");
            let port = ports.iter().next().copied().unwrap_or_default();
            let outage = network.lose(&format!("udp sport {port}"))?;
            wait_until("the picture check fails", Duration::from_secs(20), || {
                Ok(shows(&mut meeting.b, &clip_a).is_err())
            })?;
            // Two seconds of jitter buffer and concealment later nothing of the tone is left.
            wait_until("the sound check fails", Duration::from_secs(20), || {
                Ok(tenths_heard(&mut meeting.b, TONE_A)? == 0)
            })?;

            drop(outage);
            until_shows(&mut meeting.b, &clip_a)?;
            wait_until("the tone is back", Duration::from_secs(20), || {
                Ok(tenths_heard(&mut meeting.b, TONE_A)? >= 8)
            })
        })
    })
}

//! A call in one sentence: what was bad, where, and what to look at.

use super::{Quality, Way};
use crate::calls::sample::share;
use conclave_directory::{CallTrouble, LeftWhy};
use std::fmt::Write;

/// From this share of packets that stayed lost, 1 in 200, a picture breaks up visibly: a frame has
/// some ten packets, so it is one frame in twenty.
const BROKE_UP: f64 = 0.005;

/// From this share of packets lost a network is worth a look, even when all were sent again.
const LOSSY: f64 = 0.01;

/// From this round trip on people fall into each other's words (ITU-T G.114 wants half of it one
/// way to stay below 150 ms, and coding and buffers take their part).
const SLOW_MS: u64 = 250;

/// From this jitter on voices stumble: it is more than the receivers' usual buffer.
const UNEVEN_MS: u64 = 60;

/// A silence that somebody noticed: longer than two looks.
const GAP_S: u64 = 10;

/// What is to be said of a call, in English.
pub fn words(room: &str, seconds: u64, why: LeftWhy, quality: &Quality) -> String {
    let mut said = Vec::new();
    let silent = quality.received == 0;
    if silent && seconds >= GAP_S {
        said.push(format!(
            "no picture and no sound: not one packet from {room} reached the cloud; look whether \
             its network lets UDP out to the cloud's media ports"
        ));
    }
    let from = share(quality.lost, quality.received + quality.unrepaired).unwrap_or(0.0);
    let stayed = share(quality.unrepaired, quality.received + quality.unrepaired).unwrap_or(0.0);
    if from >= LOSSY || stayed >= BROKE_UP {
        let broke = if stayed >= BROKE_UP { "picture broke up" } else { "picture held" };
        let mut text = format!(
            "{broke}: {} of packets from {room} lost on its way to the cloud",
            percent(from)
        );
        if stayed < BROKE_UP {
            text.push_str(" and sent again in time");
        }
        text.push_str("; look at its network");
        said.push(text);
    }
    let to = share(quality.lost_to_room, quality.sent).unwrap_or(0.0);
    if to >= LOSSY {
        said.push(format!(
            "picture of the others was disturbed: {} of packets to {room} lost on the way from the \
             cloud; look at its network",
            percent(to)
        ));
    }
    if quality.dropped > 0 && quality.dropped * 200 >= quality.sent.max(1) {
        said.push(format!(
            "the cloud itself dropped {} packets to {room}; look at the load of its machine",
            quality.dropped
        ));
    }
    if let Some(round_trip) = quality.round_trip_ms.filter(|ms| *ms >= SLOW_MS) {
        said.push(format!(
            "answers were slow: {round_trip} ms to {room} and back; look for a long way or a full \
             line between it and the cloud"
        ));
    }
    if quality.jitter_ms >= UNEVEN_MS {
        said.push(format!(
            "packets from {room} came unevenly, by {} ms; look for a busy wireless or a full line",
            quality.jitter_ms
        ));
    }
    if !silent && quality.silent_s >= GAP_S {
        said.push(format!("nothing came from {room} for {} s", quality.silent_s));
    }
    for (part, times) in &quality.broken {
        let part = if part == "other" { "a part" } else { part };
        said.push(format!("the {part} of {room} failed{}", how_often(*times)));
    }
    match why {
        LeftWhy::MediaLost if !silent => {
            said.push("ended because no packets came for a minute".to_owned());
        }
        LeftWhy::LinkLost => {
            said.push("ended because the room's link was gone for too long".to_owned());
        }
        LeftWhy::CloudStopped => said.push("ended because the cloud stopped".to_owned()),
        _ => {}
    }
    // The worst moment is worth a word where the whole does not show it.
    if let Some(worst) = quality.worst.filter(|w| w.lost_percent >= 5.0)
        && worst.lost_percent >= 200.0 * if worst.way == Way::FromRoom { from } else { to }
    {
        let way = match worst.way {
            Way::FromRoom => "to the cloud",
            Way::ToRoom => "from the cloud",
        };
        said.push(format!(
            "worst at {}: {} lost on the way {way}",
            clock(worst.at_s),
            percent(worst.lost_percent / 100.0)
        ));
    }
    if said.is_empty() { "good".to_owned() } else { said.join("; ") }
}

/// The same as words for programs: nothing when it was good.
pub fn troubles(seconds: u64, why: LeftWhy, quality: &Quality) -> Vec<CallTrouble> {
    let silent = quality.received == 0;
    let from = share(quality.lost, quality.received + quality.unrepaired).unwrap_or(0.0);
    let stayed = share(quality.unrepaired, quality.received + quality.unrepaired).unwrap_or(0.0);
    let to = share(quality.lost_to_room, quality.sent).unwrap_or(0.0);
    let cut = matches!(why, LeftWhy::LinkLost | LeftWhy::CloudStopped)
        || (why == LeftWhy::MediaLost && !silent);
    let mut all = vec![
        (silent && seconds >= GAP_S, CallTrouble::NoPackets),
        (stayed >= BROKE_UP, CallTrouble::BrokeUp),
        (stayed < BROKE_UP && from >= LOSSY, CallTrouble::Lossy),
        (to >= LOSSY, CallTrouble::LossyToRoom),
        (
            quality.dropped > 0 && quality.dropped * 200 >= quality.sent.max(1),
            CallTrouble::Overloaded,
        ),
        (quality.round_trip_ms.is_some_and(|ms| ms >= SLOW_MS), CallTrouble::Slow),
        (quality.jitter_ms >= UNEVEN_MS, CallTrouble::Uneven),
        (!silent && quality.silent_s >= GAP_S, CallTrouble::Silent),
        (!quality.broken.is_empty(), CallTrouble::PartBroke),
        (cut, CallTrouble::CutOff),
    ];
    let whole = all.iter().all(|(is, _)| !is);
    let moment = quality.worst.is_some_and(|worst| worst.lost_percent >= 5.0);
    all.push((whole && moment, CallTrouble::Moment));
    all.into_iter().filter(|(is, _)| *is).map(|(_, trouble)| trouble).collect()
}

/// `6 %`, `0.7 %`.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent >= 1.95 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// `3:07`, from the beginning of the call.
fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn how_often(times: u32) -> String {
    let mut text = String::new();
    if times > 1 {
        // Writing to a String cannot fail.
        let _ = write!(text, " {times} times");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::Worst;

    /// The sentence; that it and the words for programs agree is looked at each time.
    fn said(quality: &Quality) -> String {
        let text = words("Room A", 600, LeftWhy::Left, quality);
        let troubles = troubles(600, LeftWhy::Left, quality);
        let parts = if text == "good" { 0 } else { text.split("; ").count() };
        assert_eq!(troubles.is_empty(), text == "good", "{troubles:?}: {text}");
        assert!(troubles.len() <= parts, "{troubles:?}: {text}");
        text
    }

    fn quality() -> Quality {
        Quality { received: 10_000, sent: 10_000, round_trip_ms: Some(20), ..Quality::default() }
    }

    #[test]
    fn a_call_without_trouble_is_good() {
        assert_eq!(said(&quality()), "good");
    }

    #[test]
    fn loss_on_the_way_to_the_cloud_names_the_room_and_its_network() {
        let broke = Quality { lost: 600, unrepaired: 300, received: 9_700, ..quality() };
        assert_eq!(
            said(&broke),
            "picture broke up: 6 % of packets from Room A lost on its way to the cloud; look at \
             its network"
        );
        let held = Quality { lost: 600, ..quality() };
        assert!(said(&held).starts_with("picture held: 6 %"), "{}", said(&held));
        assert!(said(&held).contains("sent again in time"));
        let of = |quality: &Quality| troubles(600, LeftWhy::Left, quality);
        assert_eq!((of(&broke), of(&held)), (vec![CallTrouble::BrokeUp], vec![CallTrouble::Lossy]));
    }

    #[test]
    fn loss_on_the_way_back_a_slow_line_and_a_broken_camera_are_told_apart() {
        let bad = Quality {
            lost_to_room: 500,
            round_trip_ms: Some(400),
            broken: [("camera".to_owned(), 2)].into(),
            ..quality()
        };
        let text = said(&bad);
        let parts = [CallTrouble::LossyToRoom, CallTrouble::Slow, CallTrouble::PartBroke];
        assert_eq!(troubles(600, LeftWhy::Left, &bad), parts);
        for part in ["5 % of packets to Room A", "400 ms", "the camera of Room A failed 2 times"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_call_that_no_packet_reached_points_at_udp() {
        let text = words("Room A", 60, LeftWhy::MediaLost, &Quality::default());
        assert!(text.contains("UDP"), "{text}");
        assert!(!text.contains("for a minute"), "said once: {text}");
        let why = troubles(60, LeftWhy::MediaLost, &Quality::default());
        assert_eq!(why, [CallTrouble::NoPackets]);
        assert_eq!(troubles(600, LeftWhy::LinkLost, &quality()), [CallTrouble::CutOff]);
    }

    #[test]
    fn a_bad_moment_in_a_good_call_is_told_with_its_time() {
        let worst = Worst { at_s: 187, way: Way::ToRoom, lost_percent: 30.0 };
        let text = said(&Quality { worst: Some(worst), ..quality() });
        assert_eq!(text, "worst at 3:07: 30 % lost on the way from the cloud");
    }
}

//! The limits of one meeting, reached.

use conclave_forward::{CannotOpen, Forwarder, Input, MOST_LEGS, Outgoing, Output, PacketLimit};
use conclave_rtp::rtcp::{self, Packet as Rtcp};
use conclave_rtp::{Draft, Packet};
use conclave_types::{ParticipantId, Ssrc, Time, VIDEO_PAYLOAD_TYPE};
use std::collections::HashMap;

fn id(n: u32) -> ParticipantId {
    ParticipantId::from_random(u128::from(n))
}

fn video(n: u32) -> Ssrc {
    Ssrc(1001 + 2 * n)
}

fn open(forwarder: &mut Forwarder, now: Time, n: u32) -> Result<(), CannotOpen> {
    let (participant, audio, video) = (id(n), Ssrc(1000 + 2 * n), video(n));
    forwarder.may_open(participant, audio, video)?;
    forwarder.handle(now, Input::Opened { participant, audio, video });
    Ok(())
}

fn report(forwarder: &mut Forwarder, now: Time, n: u32) {
    let report = Rtcp::ReceiverReport { sender: video(n), blocks: Vec::new() };
    forwarder.handle(now, Input::Rtcp { from: id(n), packet: rtcp::write(&[report]) });
}

#[test]
fn a_leg_that_floods_is_cut_down_to_its_rate_and_the_others_do_not_notice() {
    const FLOODS: u32 = 0;
    const BEHAVES: u32 = 1;
    const WATCHES: u32 = 2;
    let limit = PacketLimit { per_second: 400, burst: 100 };
    let mut forwarder = Forwarder::with_limit(Ssrc(1), limit);
    let at = |us: u64| Time::from_micros(1_000_000 + us);
    for n in [FLOODS, BEHAVES, WATCHES] {
        open(&mut forwarder, at(0), n).unwrap();
        report(&mut forwarder, at(0), n);
    }
    let (mut got, mut sequences) = (HashMap::<Ssrc, u64>::new(), [500_u16; 2]);
    // Ten seconds: 20,000 packets in each from the one, 250 from the other.
    for step in 0..200_000_u64 {
        let now = at(50 * step);
        let senders: &[u32] = if step.is_multiple_of(80) { &[FLOODS, BEHAVES] } else { &[FLOODS] };
        for n in senders {
            let sequence = &mut sequences[*n as usize];
            *sequence = sequence.wrapping_add(1);
            let draft = Draft {
                marker: false,
                payload_type: VIDEO_PAYLOAD_TYPE,
                sequence: *sequence,
                timestamp: 0,
                source: video(*n),
                audio_level: None,
            };
            forwarder.handle(now, Input::Rtp { from: id(*n), packet: draft.write(&[7; 99]) });
        }
        if step.is_multiple_of(20_000) {
            report(&mut forwarder, now, WATCHES);
        }
        while let Some(output) = forwarder.poll_output() {
            let Output::Send { to, packets } = output else { continue };
            for packet in &packets {
                if let Outgoing::Rtp(packet) = packet
                    && to == id(WATCHES)
                {
                    let mut bytes = Vec::new();
                    packet.write(&mut bytes);
                    *got.entry(Packet::parse(&bytes).unwrap().source()).or_default() += 1;
                }
            }
            forwarder.take_back(packets);
        }
    }
    assert_eq!(got[&video(BEHAVES)], 2500);
    // Its first report was one of the burst.
    assert!((4000..=4099).contains(&got[&video(FLOODS)]), "{}", got[&video(FLOODS)]);
    let floods = forwarder.statistics(id(FLOODS)).unwrap();
    assert_eq!(floods.packets_received + floods.over_limit, 200_001);
    assert_eq!(forwarder.statistics(id(BEHAVES)).unwrap().over_limit, 0);
    let counts = forwarder.take_counts();
    assert_eq!(counts.over_limit, floods.over_limit);
    assert_eq!(counts.packets_in, floods.packets_received + 2501 + 11);
    assert_eq!(forwarder.take_counts().packets_in, 0, "each is told once");
}

#[test]
fn a_full_meeting_refuses_the_next_leg_and_takes_it_when_one_has_left() {
    let mut forwarder = Forwarder::new(Ssrc(1));
    let most = MOST_LEGS as u32;
    for n in 0..most {
        open(&mut forwarder, Time::ZERO, n).unwrap();
    }
    assert_eq!(open(&mut forwarder, Time::ZERO, most), Err(CannotOpen::Full));
    forwarder.handle(Time::ZERO, Input::Closed { participant: id(7) });
    assert_eq!(open(&mut forwarder, Time::ZERO, most), Ok(()));
    assert_eq!(forwarder.legs(), MOST_LEGS);
}

//! What strangers gain by guessing, however many addresses they have. Passwords: conclave_directory::sign_in; activation
//! codes, by somebody who may claim them: conclave_directory's activation.

use super::*;
use conclave_directory::MOST_NEWCOMERS;

#[test]
fn whoever_is_no_room_gets_no_pin_and_no_number_looked_at() {
    let mut cloud = Cloud::new();
    cloud.vmr("4711", Some("246810"), 5);
    let (first, code) = cloud.newcomer(1);
    let mut strangers = vec![first];
    let others = (1..MOST_NEWCOMERS as u32)
        .map(|n| cloud.hello(Peer::Newcomer { spki_der: n.to_be_bytes().to_vec() }, vec![]).0);
    strangers.extend(others);
    // The right number and the right PIN, from each of them: nothing is asked of anybody.
    cloud.hold = Some(vec![]);
    for link in strangers {
        for (number, pin) in [("4711", Some("246810")), ("4711", None), ("123456789", None)] {
            let answer = cloud.join(link, number, pin);
            let Response::Failed { reason } = answer else { panic!("{answer:?}") };
            assert_eq!(reason, "this device is not enrolled", "the same for all that was asked");
        }
    }
    assert_eq!(cloud.hold.as_ref().map(Vec::len), Some(0), "no PIN was looked at");
    // Nor does whoever is not signed in claim a code, the right one included.
    let (_, outputs) = cloud.hello(Peer::Newcomer { spki_der: vec![9; 99] }, vec![]);
    assert!(matches!(&outputs[..], [Output::Greet { greeting: Greeting::Refused { .. }, .. }, ..]));
    for code in [code, ActivationCode::from_random(u64::MAX)] {
        let claim = ControlRequest::RoomClaim { code, name: "Mine".parse().unwrap() };
        assert_eq!(cloud.browse(77, claim), ControlAnswer::SignedOut);
    }
}

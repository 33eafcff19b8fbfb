//! The system has no file descriptors left. Alone in its file: the limit is the whole process's.

mod common;

use common::*;
use conclave_link_cloud::{HubEvent, HubLimits, ROOM_CERTIFICATE_LIFETIME};
use conclave_link_protocol::message::{CloudRequest, Response};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs::File;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

/// Enough for what the test itself has open.
const FILES: u64 = 64;

#[tokio::test]
async fn without_descriptors_nobody_new_comes_in_links_stay_and_it_recovers_by_itself() {
    let mut cloud = Cloud::start(HubLimits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let chain = cloud.enrol(folder.path(), now(), ROOM_CERTIFICATE_LIFETIME);
    let (port, pins) = (cloud.address.port(), cloud.authority.pins());
    let mut room = TestRoom::start(vec![port], pins, folder.path(), Some(chain));
    let (link, _, _) = cloud.hello().await;
    cloud.hub.greet(link, welcome());
    room.up().await;

    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, FILES, most).unwrap();
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    // One is left for the client's end, none for the cloud's.
    taken.pop();
    let mut waiting = TcpStream::connect(cloud.address).await.unwrap();
    let refused = || {
        let refused = cloud.hub.totals().refused;
        refused.into_iter().find(|(label, _)| *label == "descriptors").unwrap().1
    };
    let mut pace = interval(Duration::from_millis(10));
    timeout(LONG, async {
        while refused() == 0 {
            pace.tick().await;
        }
    })
    .await
    .unwrap();
    let id = cloud.hub.request(link, CloudRequest::Ping);
    let answered = HubEvent::Answered { link, id, result: Ok(Response::Done) };
    assert_eq!(next(&mut cloud.events).await, answered);
    assert!(room.events.try_recv().is_err(), "the room noticed something");

    // With descriptors again, the same connection is taken: it waited with the system.
    drop(taken);
    tokio::io::AsyncWriteExt::write_all(&mut waiting, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut alert = Vec::new();
    let _ = timeout(LONG, waiting.read_to_end(&mut alert)).await.unwrap();
    assert_eq!(alert.first(), Some(&0x15), "no alert: {alert:?}");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

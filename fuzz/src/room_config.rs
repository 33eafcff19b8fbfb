//! The room's configuration file. Its modules are built in here alone: the daemon and the media
//! path have GStreamer, which the fuzzer needs not.

#[path = "../../appliance/daemon/src/config.rs"]
#[expect(dead_code, reason = "files are read by the daemon only")]
mod config;
#[path = "../../appliance/media/src/config.rs"]
#[expect(dead_code, reason = "the media path asks what it wants")]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
pub(crate) mod media;

/// The input is the file.
pub fn parse(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match config::parse(text) {
        Ok(config) => {
            assert!((1..=64).contains(&config.serial.len()));
            assert!((1..=8).contains(&config.cloud.ports.len()));
            assert!(!config.cloud.ports.contains(&0));
            // What the media path was told is written as it was said, and means the same.
            let Ok(written) = serde_json::to_string(&config.media) else {
                panic!("{:?} cannot be written", config.media)
            };
            let again = serde_json::from_str::<media::MediaConfig>(&written);
            assert!(again.is_ok_and(|again| again == config.media), "{written}");
        }
        Err(error) => assert!(!format!("{error:#}").is_empty()),
    }
}

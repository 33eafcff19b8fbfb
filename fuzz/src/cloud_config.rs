//! The cloud's configuration file. Its module is built in here alone: the rest of conclave-cloud
//! has SQLite and an asynchronous runtime, which would take minutes to build and add nothing.

#[path = "../../cloud/server/src/config.rs"]
#[expect(dead_code, reason = "files are read by the cloud only")]
#[expect(unused_imports, reason = "not all that it hands out is named here")]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
mod config;

use config::{Config, ConfigError, Ports};
use std::path::Path;

/// The input is the file.
pub fn parse(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Config::parse(text, Path::new("cloud.toml")) {
        Ok(config) => {
            assert!(!config.link.listen.is_empty());
            if let Some(Ports(range)) = config.media.ports {
                assert!(*range.start() > 0 && range.start() <= range.end());
            }
        }
        Err(ConfigError::Wrong { line, .. }) => {
            let lines = text.bytes().filter(|octet| *octet == b'\n').count() + 1;
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
        }
        Err(error) => panic!("nothing was read from a disk: {error}"),
    }
}

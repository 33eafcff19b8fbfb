//! What the shell sees of the room's devices and its machine, for the room's rules to tell.

use crate::logbook::Logbook;
use conclave_link_protocol::message::DiskSpace;
use conclave_media::{CameraSource, DisplaySink, LoudspeakerSink, MediaConfig, MicrophoneSource};
use conclave_room::Vitals;
use conclave_room::media::MediaPart;
use nix::sys::statvfs::statvfs;
use std::path::{Path, PathBuf};

/// Letters of a device's name.
const LONGEST_NAME: usize = 80;

/// Where to look.
pub(crate) struct Looker {
    config: MediaConfig,
    data: PathBuf,
    book: Logbook,
}

impl Looker {
    pub(crate) fn new(config: MediaConfig, data: &Path, book: Logbook) -> Looker {
        Looker { config, data: data.to_owned(), book }
    }

    /// The daemon's own last log lines.
    pub(crate) fn book(&self) -> &Logbook {
        &self.book
    }

    /// How it is now. Two small files and one call of the kernel: nothing that waits for a disk.
    pub(crate) fn look(&self, panels: usize, temperature_thousandths: Option<i32>) -> Vitals {
        let degrees = |thousandths: i32| i16::try_from((thousandths + 500).div_euclid(1_000)).ok();
        Vitals {
            devices: devices(&self.config),
            panels: u8::try_from(panels).unwrap_or(u8::MAX),
            temperature_c: temperature_thousandths.and_then(degrees),
            disk: space(&self.data),
            troubles: self.book.troubles(),
        }
    }
}

/// What the configuration names; what it says there is none of is left out.
fn devices(config: &MediaConfig) -> Vec<(MediaPart, String)> {
    let camera = match &config.camera {
        CameraSource::None => None,
        CameraSource::V4l2(device) => Some(driver_name(device).map_or_else(
            || config.camera.to_string(),
            |name| format!("{name} ({})", config.camera),
        )),
        CameraSource::File(_) => Some(config.camera.to_string()),
    };
    let microphone =
        (config.microphone != MicrophoneSource::None).then(|| config.microphone.to_string());
    let loudspeaker =
        (config.loudspeaker != LoudspeakerSink::None).then(|| config.loudspeaker.to_string());
    let display = match &config.display {
        DisplaySink::Kms | DisplaySink::Wayland | DisplaySink::Window => config.display.to_string(),
        DisplaySink::Offscreen(_) => "offscreen".to_owned(),
    };
    let all = [
        (MediaPart::Camera, camera),
        (MediaPart::Microphone, microphone),
        (MediaPart::Loudspeaker, loudspeaker),
        (MediaPart::Display, Some(display)),
    ];
    let named = all.into_iter().filter_map(|(part, name)| Some((part, name?)));
    named.map(|(part, name)| (part, name.chars().take(LONGEST_NAME).collect())).collect()
}

/// How the driver of a camera calls it: Documentation/ABI/testing/sysfs-class-video4linux in the kernel's sources.
fn driver_name(device: &Path) -> Option<String> {
    let file = Path::new("/sys/class/video4linux").join(device.file_name()?).join("name");
    let name = std::fs::read_to_string(file).ok()?;
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    (!name.is_empty()).then_some(name)
}

fn space(folder: &Path) -> Option<DiskSpace> {
    let found = statvfs(folder).ok()?;
    // As wide as the C library has them, which differs from one processor to another.
    let octets = |blocks: u64| blocks.saturating_mul(found.fragment_size());
    Some(DiskSpace { free: octets(found.blocks_available()), size: octets(found.blocks()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_those_of_the_configuration_and_the_disk_is_that_of_the_data_folder() {
        let config: MediaConfig = serde_json::from_str(
            r#"{"camera":"v4l2:/dev/none-such","microphone":"none","loudspeaker":"pipewire"}"#,
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let looker = Looker::new(config, folder.path(), Logbook::default());
        let vitals = looker.look(2, Some(47_500));
        let devices: Vec<_> =
            vitals.devices.iter().map(|(part, name)| (*part, name.as_str())).collect();
        assert_eq!(
            devices,
            [
                (MediaPart::Camera, "v4l2:/dev/none-such"),
                (MediaPart::Loudspeaker, "pipewire"),
                (MediaPart::Display, "kms"),
            ]
        );
        assert_eq!((vitals.panels, vitals.temperature_c), (2, Some(48)));
        let disk = vitals.disk.unwrap();
        assert!(disk.size > 0 && disk.free <= disk.size);
        assert_eq!(looker.look(0, Some(-400)).temperature_c, Some(0));
        assert_eq!(space(&folder.path().join("gone")), None);
    }
}

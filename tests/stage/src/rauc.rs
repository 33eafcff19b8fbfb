//! The real `rauc service` on a bus of its own, with files as slots and a script as the boot loader:
//! what a room's daemon drives in an image. It mounts bundles, so it wants root and loop devices.

use crate::process::Process;
use crate::stage::Stage;
use crate::wait::wait_until;
use anyhow::{Context, Result, ensure};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The board's name on the stage.
pub const BOARD: &str = "conclave-stage";

/// RAUC with its slots A, which runs, and B.
#[derive(Debug)]
pub struct Rauc {
    folder: PathBuf,
    _service: Process,
    _bus: Process,
}

/// Whether this machine lets RAUC mount anything. A test that needs it says so and looks at nothing.
pub fn can_mount() -> bool {
    let can = nix::unistd::geteuid().is_root() && Path::new("/dev/loop0").exists();
    if !can {
        eprintln!("skipped: RAUC is not tried without root and loop devices");
    }
    can
}

const BUS: &str = include_str!("../rauc/bus.conf");

const BOOT_LOADER: &str = include_str!("../rauc/boot-loader");

const SYSTEM: &str = include_str!("../rauc/system.conf");

impl Rauc {
    /// Starts it in a folder of the stage.
    pub fn start(stage: &Stage) -> Result<Rauc> {
        let folder = stage.folder().join("rauc");
        for part in ["boot", "mnt"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        let write = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text.replace('@', &folder.to_string_lossy()))
        };
        write("bus.conf", BUS)?;
        write("system.conf", SYSTEM)?;
        write("boot-loader", BOOT_LOADER)?;
        let rights = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.join("boot-loader"), rights)?;
        for (name, text) in [("primary", "A"), ("state.A", "good"), ("state.B", "good")] {
            write(&format!("boot/{name}"), text)?;
        }
        for slot in ["a.img", "b.img"] {
            std::fs::File::create(folder.join(slot))?.set_len(4 << 20)?;
        }
        let sign =
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x"];
        run(
            "openssl",
            &[&sign[..], &["-keyout", "signer.key", "-out", "signer.crt"]].concat(),
            &folder,
        )?;
        let log = folder.join("bus.log");
        let config = folder.join("bus.conf");
        let arguments = ["--nofork".as_ref(), "--config-file".as_ref(), config.as_os_str()];
        let bus = Process::start("dbus-daemon", Path::new("dbus-daemon"), &arguments, &[], &log)?;
        let socket = folder.join("bus");
        wait_until("the bus is there", Duration::from_secs(10), || Ok(socket.exists()))?;
        let config = folder.join("system.conf").to_string_lossy().into_owned();
        let arguments = ["--conf", &config, "--override-boot-slot=A", "service"];
        let address = address(&folder);
        let environment = [("DBUS_SYSTEM_BUS_ADDRESS", address.as_str())];
        let log = folder.join("rauc.log");
        let service = Process::start("rauc", Path::new("rauc"), &arguments, &environment, &log)?;
        Ok(Rauc { folder, _service: service, _bus: bus })
    }

    /// What a daemon finds round it that is to drive this RAUC.
    pub fn environment(&self) -> (String, String) {
        ("DBUS_SYSTEM_BUS_ADDRESS".to_owned(), address(&self.folder))
    }

    /// Makes a signed bundle of this version, with this image for a system.
    pub fn bundle(&self, version: &str, image: &[u8]) -> Result<PathBuf> {
        let content = self.folder.join(format!("content-{version}"));
        std::fs::create_dir_all(&content)?;
        std::fs::write(content.join("system.img"), image)?;
        let manifest = format!(
            "[update]\ncompatible={BOARD}\nversion={version}\n[bundle]\nformat=plain\n\
             [image.system]\nfilename=system.img\n"
        );
        std::fs::write(content.join("manifest.raucm"), manifest)?;
        let (from, to) = (content.to_string_lossy(), format!("{version}.raucb"));
        let keys = ["--cert", "signer.crt", "--key", "signer.key"];
        // Not packed, as those of images: what stands in the running system is found in it.
        let plain = ["bundle", "--mksquashfs-args=-noI -noD -noF -noX", &from, &to];
        run("rauc", &[&keys[..], &plain[..]].concat(), &self.folder)?;
        Ok(self.folder.join(to))
    }

    /// The slot that is started next.
    pub fn primary(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.join("boot/primary"))?.trim().to_owned())
    }

    /// `good` or `bad`.
    pub fn state(&self, slot: &str) -> Result<String> {
        let state = std::fs::read_to_string(self.folder.join(format!("boot/state.{slot}")))?;
        Ok(state.trim().to_owned())
    }

    /// What stands in slot B.
    pub fn slot_b(&self) -> Result<Vec<u8>> {
        Ok(std::fs::read(self.folder.join("b.img"))?)
    }
}

fn address(folder: &Path) -> String {
    format!("unix:path={}/bus", folder.display())
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<()> {
    let mut command = Command::new(program);
    let command = command.args(arguments).current_dir(folder).stdin(Stdio::null());
    let output = command.output().with_context(|| format!("{program} could not be started"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {arguments:?}: {told}");
    Ok(())
}

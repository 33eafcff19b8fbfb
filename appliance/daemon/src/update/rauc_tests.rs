//! Against the real `rauc service`, on a bus of its own, with files as slots and a script as the boot
//! loader. It mounts bundles, so it wants root, loop devices and the package `rauc`; where one of them
//! is missing it says so and looks at nothing.
//!
//! Bundles here are of the *plain* format: *verity* wants the device mapper, which few test machines
//! let anybody use. What the daemon sees of both is the same.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

/// RAUC, its bus and its slots; all gone when dropped.
struct Stage {
    temp: tempfile::TempDir,
    bus: String,
    children: Vec<Child>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let run = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{program} {arguments:?}: {told}");
}

// As tests/stage has them, which a crate of the room may not import.
const BUS: &str = include_str!("../../../../tests/stage/rauc/bus.conf");

const BOOT_LOADER: &str = include_str!("../../../../tests/stage/rauc/boot-loader");

const SYSTEM: &str = include_str!("../../../../tests/stage/rauc/system.conf");

impl Stage {
    fn new() -> Option<Stage> {
        let there = |program: &str| {
            let help = Command::new(program).arg("--version").stdout(Stdio::null()).status();
            help.is_ok_and(|status| status.success())
        };
        let root = fs::metadata("/proc/self").is_ok_and(|of| {
            use std::os::unix::fs::MetadataExt;
            of.uid() == 0
        });
        if !root || !there("rauc") || !there("dbus-daemon") || !Path::new("/dev/loop0").exists() {
            eprintln!(
                "skipped: RAUC is not tried without root, loop devices, rauc and dbus-daemon"
            );
            return None;
        }
        let temp = tempfile::tempdir().unwrap();
        let at = temp.path();
        let write = |name: &str, text: &str| {
            fs::write(at.join(name), text.replace('@', at.to_str().unwrap())).unwrap();
        };
        write("bus.conf", BUS);
        write("system.conf", SYSTEM);
        write("boot-loader", BOOT_LOADER);
        fs::set_permissions(at.join("boot-loader"), fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["boot", "mnt", "bundle"] {
            fs::create_dir(at.join(folder)).unwrap();
        }
        for (name, text) in [("primary", "A"), ("state.A", "good"), ("state.B", "good")] {
            write(&format!("boot/{name}"), text);
        }
        for slot in ["a.img", "b.img"] {
            fs::File::create(at.join(slot)).unwrap().set_len(1 << 20).unwrap();
        }
        for who in ["signer", "other"] {
            let (key, certificate) = (format!("{who}.key"), format!("{who}.crt"));
            let name = format!("/CN={who}");
            let mut words = vec!["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
            words.extend(["-keyout", &key, "-out", &certificate, "-subj", &name]);
            run("openssl", &words, at);
        }
        fs::write(at.join("bundle/system.img"), image()).unwrap();
        write(
            "bundle/manifest.raucm",
            "[update]\ncompatible=conclave-stage\nversion=1.1.0\n[bundle]\nformat=plain\n\
             [image.system]\nfilename=system.img\n",
        );
        for who in ["signer", "other"] {
            let (key, certificate) = (format!("{who}.key"), format!("{who}.crt"));
            let bundle = format!("{who}.raucb");
            run("rauc", &["--cert", &certificate, "--key", &key, "bundle", "bundle", &bundle], at);
        }
        let bus = format!("unix:path={}/bus", at.display());
        let mut stage = Stage { temp, bus, children: Vec::new() };
        let config = stage.path("bus.conf");
        let daemon = Command::new("dbus-daemon")
            .args(["--nofork", "--config-file", &config])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        stage.children.push(daemon.unwrap());
        Some(stage)
    }

    fn path(&self, name: &str) -> String {
        self.temp.path().join(name).to_str().unwrap().to_owned()
    }

    fn boot(&self, name: &str) -> String {
        fs::read_to_string(self.temp.path().join("boot").join(name)).unwrap().trim().to_owned()
    }

    /// Starts the service, as a machine does that runs slot A, and waits until it answers.
    async fn rauc(&mut self) -> Rauc {
        let service = Command::new("rauc")
            .args(["--conf", &self.path("system.conf"), "--override-boot-slot=A", "service"])
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.bus)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.children.push(service.unwrap());
        for _ in 0..400 {
            let rauc = Rauc::on(&self.bus);
            if rauc.compatible().await.is_ok() {
                return rauc;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("RAUC's service does not answer")
    }
}

fn image() -> Vec<u8> {
    (0_u32..200_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[tokio::test]
async fn the_real_rauc_installs_refuses_and_marks() {
    let Some(mut stage) = Stage::new() else { return };
    let rauc = stage.rauc().await;
    assert_eq!(rauc.compatible().await.unwrap(), "conclave-stage");

    let (signer, other) = (stage.path("signer.raucb"), stage.path("other.raucb"));
    let bundle = rauc.inspect(Path::new(&signer)).await.unwrap();
    let wanted = Bundle { version: "1.1.0".into(), compatible: "conclave-stage".into() };
    assert_eq!(bundle, wanted);
    let refused = rauc.inspect(Path::new(&other)).await.unwrap_err();
    assert!(format!("{refused:#}").contains("its log says why"), "{refused:#}");
    let refused = rauc.install(Path::new(&other), |_| ()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("RAUC says"), "{refused:#}");
    assert_eq!(stage.boot("primary"), "A", "nothing was touched");

    let mut percents = Vec::new();
    rauc.install(Path::new(&signer), |percent| percents.push(percent)).await.unwrap();
    assert!(percents.len() > 2 && percents.is_sorted(), "{percents:?}");
    let slot = fs::read(stage.path("b.img")).unwrap();
    assert!(slot.starts_with(&image()), "it stands in the other slot");
    assert_eq!(stage.boot("primary"), "B");
    rauc.mark(Mark::Undo).await.unwrap();
    assert_eq!(stage.boot("primary"), "A");
    rauc.mark(Mark::FallBack).await.unwrap();
    assert_eq!((stage.boot("primary"), stage.boot("state.A")), ("B".into(), "bad".into()));
    rauc.mark(Mark::Good).await.unwrap();
    assert_eq!(stage.boot("state.A"), "good");
}

#[tokio::test]
async fn a_rauc_that_is_not_there_or_ends_is_an_error_and_no_wait() {
    let Some(mut stage) = Stage::new() else { return };
    let nobody = Rauc::on(&stage.bus);
    assert!(nobody.compatible().await.is_err());
    let rauc = stage.rauc().await;
    let mut service = stage.children.pop().unwrap();
    service.kill().unwrap();
    service.wait().unwrap();
    assert!(rauc.mark(Mark::Good).await.is_err());
    // Another one is found by the same connection.
    stage.rauc().await;
    rauc.mark(Mark::Good).await.unwrap();
}

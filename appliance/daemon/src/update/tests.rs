//! Machine and worker together, on a real folder, with an installer that is written out by hand.

use super::*;
use crate::store::Store;
use conclave_link_protocol::message::{
    LONGEST_CHUNK, Piece, Release, UpdateFault, UpdateOffer, UpdateReport, sums_of,
};
use conclave_types::BundleHash;
use conclave_update::{Bundle, PROOF, QUIET, Use};
use std::sync::{Arc, Mutex};

/// What an installer was asked, and what it says of a bundle.
#[derive(Clone)]
struct Hands {
    done: Arc<Mutex<Vec<String>>>,
    refuses: bool,
}

impl Installer for Hands {
    async fn compatible(&self) -> anyhow::Result<String> {
        Ok("conclave-virtual".to_owned())
    }

    async fn inspect(&self, bundle: &Path) -> anyhow::Result<Bundle> {
        anyhow::ensure!(!self.refuses, "signed by somebody else");
        assert_eq!(std::fs::read(bundle).unwrap(), content(), "whole, and checked before");
        Ok(Bundle { version: "1.1.0".to_owned(), compatible: "conclave-virtual".to_owned() })
    }

    async fn install(&self, _: &Path, mut progress: impl FnMut(u8) + Send) -> anyhow::Result<()> {
        progress(50);
        self.done.lock().unwrap().push("install".to_owned());
        Ok(())
    }

    async fn mark(&self, mark: Mark) -> anyhow::Result<()> {
        self.done.lock().unwrap().push(format!("{mark:?}"));
        Ok(())
    }
}

/// Three blocks that differ, and some octets.
fn content() -> Vec<u8> {
    (0..LONGEST_CHUNK as usize * 3 + 77).map(|n| (n * 7 + n / 1_000) as u8).collect()
}

fn sums() -> Vec<u8> {
    let blocks = content();
    let hash = |block: &[u8]| ring::digest::digest(&ring::digest::SHA256, block);
    let sums = |block: &[u8]| sums_of(block, hash(block).as_ref().try_into().unwrap());
    blocks.chunks_exact(LONGEST_CHUNK as usize).flat_map(sums).collect()
}

fn release() -> Release {
    let mut sha256 = BundleHash([0; 32]);
    let hash = ring::digest::digest(&ring::digest::SHA256, &content());
    sha256.0.copy_from_slice(hash.as_ref());
    Release {
        version: Version(1, 1, 0),
        compatible: "conclave-virtual".parse().unwrap(),
        sha256,
        size: content().len() as u64,
        floor: Version(1, 0, 0),
    }
}

/// A room without a link: the test answers its chunks.
struct Bench {
    updater: Updater,
    events: mpsc::Receiver<Event>,
    keeper: Keeper,
    now: Time,
    folder: tempfile::TempDir,
    hands: Hands,
    /// Octets of bundles that were asked for.
    fetched: u64,
    stop: CancellationToken,
}

impl Bench {
    fn on(folder: tempfile::TempDir, running: Version, boot: &str, refuses: bool) -> Bench {
        let store = Store::open(&folder.path().join("room.sqlite")).unwrap();
        let kept = store.update();
        let hands = Hands { done: Arc::default(), refuses };
        let (boot, up) = (boot.to_owned(), Duration::from_secs(20));
        let start_of = ThisStart { running, boot, up, quiet: QUIET, proof: PROOF };
        let config = config::Update {
            restart: folder.path().join("restart"),
            os_release: PathBuf::new(),
            reuse_from: vec![folder.path().join("running"), folder.path().join("absent")],
            stick: Some(folder.path().join("stick")),
            quiet_s: 0,
            proof_s: 300,
        };
        let stop = CancellationToken::new();
        let (updater, events) =
            start(config, start_of, hands.clone(), folder.path(), kept, stop.clone());
        let keeper = Keeper::new(store);
        let now = Time::from_micros(1_000_000);
        Bench { updater, events, keeper, now, folder, hands, fetched: 0, stop }
    }

    /// In the night, everything works, linked and quiet.
    fn settle(&mut self) {
        for part in [Part::Panel, Part::Camera, Part::Microphone] {
            self.updater.give(self.now, Input::Part(part, true));
        }
        self.updater.give(self.now, Input::LinkUp);
        self.updater.give(self.now, Input::Use(Use::Free));
        self.updater.give(self.now, Input::Clock(180));
    }

    /// Lets machine and worker go on until something is so.
    async fn until(&mut self, what: &str, mut so: impl FnMut(&UpdateReport) -> bool) {
        for _ in 0..2_000 {
            self.updater.tick(self.now);
            self.answer();
            if self.updater.report().as_ref().is_some_and(&mut so) {
                return;
            }
            // What the worker has to say comes first; when it says nothing, time passes.
            let patience = Duration::from_millis(5);
            match tokio::time::timeout(patience, self.events.recv()).await {
                Ok(Some(event)) => self.updater.heard(self.now, event),
                Ok(None) => break,
                Err(_) => self.now = self.now + Duration::from_secs(1),
            }
        }
        panic!("{what} never came: {:?}", self.updater.report());
    }

    /// Carries out, with the cloud's part done by hand.
    fn answer(&mut self) {
        let Some(machine) = &mut self.updater.machine else { return };
        let mut rest = Vec::new();
        let mut asked = Vec::new();
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Fetch { of, offset, length, .. } => asked.push((of, offset, length)),
                output => rest.push(output),
            }
        }
        for output in rest {
            let order = match output {
                Output::Keep(kept) => {
                    self.keeper.keep(Change::Update(kept));
                    continue;
                }
                Output::Tell(_) | Output::Changed => continue,
                output => order(output).unwrap(),
            };
            self.updater.orders.try_send(order).unwrap();
        }
        for (of, offset, length) in asked {
            let from = offset as usize;
            let all = match of {
                Of::Bundle => content(),
                Of::Sums => sums(),
            };
            if of == Of::Bundle {
                self.fetched += u64::from(length);
            }
            let fetched = Fetched::Piece(Piece(all[from..from + length as usize].to_vec()));
            self.updater.give(self.now, Input::Fetched { of, offset, fetched });
        }
    }

    fn done(&self) -> Vec<String> {
        self.hands.done.lock().unwrap().clone()
    }

    fn end(self) -> tempfile::TempDir {
        self.stop.cancel();
        self.folder
    }
}

fn offer() -> Input {
    Input::Offer(UpdateOffer { release: release(), window: Default::default() })
}

/// Waits for what the worker, a task of its own, does without a word.
async fn done_by_the_worker(what: &str, mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.unwrap_or_else(|_| panic!("{what} never came"));
}

#[tokio::test]
async fn a_bundle_is_fetched_to_the_disk_checked_installed_and_proved_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("update").join(format!("{}.raucb", release().sha256));
    std::fs::create_dir(folder.path().join("update")).unwrap();
    // An older bundle goes; a block that came before a power cut is used, and so is one that the running
    // system has somewhere.
    std::fs::write(folder.path().join("update/older.raucb"), b"x").unwrap();
    let block = LONGEST_CHUNK as usize;
    std::fs::write(&part, &content()[..block + 1_000]).unwrap();
    let running = [b"else", &content()[block..block * 2 + 9], b"where"].concat();
    std::fs::write(folder.path().join("running"), running).unwrap();
    let mut bench = Bench::on(folder, Version(1, 0, 0), "boot 1", false);
    bench.settle();
    bench.updater.give(bench.now, offer());
    bench.until("the board", |_| true).await;
    bench.now = bench.now + QUIET;
    let restart = bench.folder.path().join("restart");
    bench.until("the restart", |report| report.stage == UpdateStage::Restarting).await;
    bench.answer();
    done_by_the_worker("the file that asks for it", || restart.exists()).await;
    assert_eq!(bench.done(), ["install"]);
    assert_eq!(bench.fetched, u64::from(LONGEST_CHUNK) + 77, "the rest alone");
    assert_eq!(std::fs::read_dir(bench.folder.path().join("update")).unwrap().count(), 0);

    let mut bench = Bench::on(bench.end(), Version(1, 1, 0), "boot 2", false);
    assert!(bench.updater.is_on_trial());
    bench.settle();
    bench.until("the mark", |report| report.stage == UpdateStage::Committed).await;
    assert_eq!(bench.done(), ["Good"]);
    let bench = Bench::on(bench.end(), Version(1, 1, 0), "boot 3", false);
    assert!(!bench.updater.is_on_trial());
}

#[tokio::test]
async fn a_bundle_of_another_signer_is_refused_and_forgotten() {
    let mut bench = Bench::on(tempfile::tempdir().unwrap(), Version(1, 0, 0), "boot 1", true);
    bench.settle();
    bench.updater.give(bench.now, offer());
    bench.until("the board", |_| true).await;
    bench.now = bench.now + QUIET;
    bench
        .until("the refusal", |report| {
            let refused = UpdateFault::Refused;
            matches!(&report.stage, UpdateStage::NotInstalled { fault, detail }
                if *fault == refused && detail.contains("somebody else"))
        })
        .await;
    assert!(bench.done().is_empty());
}

#[tokio::test]
async fn a_new_system_without_a_panel_marks_itself_bad_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::on(folder, Version(1, 0, 0), "boot 1", false);
    bench.settle();
    bench.updater.give(bench.now, offer());
    bench.until("the board", |_| true).await;
    bench.now = bench.now + QUIET;
    bench.until("the restart", |report| report.stage == UpdateStage::Restarting).await;
    let mut bench = Bench::on(bench.end(), Version(1, 1, 0), "boot 2", false);
    bench.settle();
    bench.updater.give(bench.now, Input::Part(Part::Panel, false));
    bench.until("the way back", |report| report.stage == UpdateStage::Restarting).await;
    bench.answer();
    done_by_the_worker("the other slot", || bench.done() == ["FallBack"]).await;
    let mut bench = Bench::on(bench.end(), Version(1, 0, 0), "boot 3", false);
    bench
        .until("the reason", |report| {
            matches!(&report.stage, UpdateStage::FellBack { fault: UpdateFault::Panel, .. })
        })
        .await;
}

#[tokio::test]
async fn a_stick_is_asked_about_copied_installed_and_the_room_restarts_in_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let stick = folder.path().join("stick");
    let mut bench = Bench::on(folder, Version(1, 0, 0), "boot 1", false);
    bench.updater.give(bench.now, Input::Part(Part::Panel, true));
    bench.updater.give(bench.now, Input::Clock(720));
    bench.until("the board", |_| true).await;
    std::fs::create_dir(&stick).unwrap();
    std::fs::write(stick.join("conclave.raucb"), content()).unwrap();
    let ask = StickStep::Ask { running: Version(1, 0, 0), version: Version(1, 1, 0) };
    while bench.updater.stick() != Some(Some(ask)) {
        let event = bench.events.recv().await.unwrap();
        bench.updater.heard(bench.now, event);
    }
    bench.updater.give(bench.now, Input::InstallStick);
    bench.until("the restart", |report| report.stage == UpdateStage::Restarting).await;
    assert_eq!(bench.updater.stick(), Some(Some(StickStep::Restarting)));
    bench.answer();
    let restart = bench.folder.path().join("restart");
    done_by_the_worker("the file that asks for it", || restart.exists()).await;
    assert_eq!((bench.done(), bench.fetched), (vec!["install".to_owned()], 0));
    assert!(stick.join("conclave.raucb").exists(), "it may be needed in the next room");
}

#[tokio::test]
async fn a_stick_that_somebody_else_signed_is_refused_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let stick = folder.path().join("stick");
    std::fs::create_dir(&stick).unwrap();
    std::fs::write(stick.join("conclave.raucb"), b"x").unwrap();
    let mut bench = Bench::on(folder, Version(1, 0, 0), "boot 1", true);
    let refused = StickStep::Unusable { why: StickFault::NotSigned };
    while bench.updater.stick() != Some(Some(refused)) {
        let event = bench.events.recv().await.unwrap();
        bench.updater.heard(bench.now, event);
    }
    std::fs::remove_file(stick.join("conclave.raucb")).unwrap();
    while bench.updater.stick() != Some(None) {
        let event = bench.events.recv().await.unwrap();
        bench.updater.heard(bench.now, event);
    }
}

#[test]
fn the_version_stands_in_os_release() {
    let found = |text: &str| version_in(text);
    assert_eq!(found("ID=conclave\nVERSION_ID=\"0.1.0\"\n"), Some(Version(0, 1, 0)));
    assert_eq!(found("VERSION_ID=13\nIMAGE_VERSION=1.2.3\n"), Some(Version(1, 2, 3)));
    assert_eq!(found("VERSION_ID=\"13\"\n"), None);
}

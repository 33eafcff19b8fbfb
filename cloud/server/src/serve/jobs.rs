//! What takes long and is done beside the switchboard: Argon2, and the media node's answers.
//!
//! Each job sends exactly one input back. The channel for them holds more than the switchboard
//! lets run at once; should it be full all the same, a job waits for room, not the switchboard.

use crate::switchboard::{Input, JobId, PinOutcome};
use conclave_directory::PinHash;
use conclave_media_node::MediaNodeHandle;
use conclave_types::{MeetingId, ParticipantId, Pin, SrtpProfile};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;

/// Finished jobs that wait for the switchboard: more than it has out at once.
const DONE: usize = 256;

/// Starts jobs.
pub(super) struct Jobs {
    tasks: TaskTracker,
    node: MediaNodeHandle,
    done: mpsc::Sender<Input>,
    /// One Argon2 per core: more at once would only take 19 MiB each and finish no sooner.
    cores: Arc<Semaphore>,
}

impl Jobs {
    pub(super) fn new(tasks: TaskTracker, node: MediaNodeHandle) -> (Jobs, mpsc::Receiver<Input>) {
        let (done, results) = mpsc::channel(DONE);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = Arc::new(Semaphore::new(cores));
        (Jobs { tasks, node, done, cores }, results)
    }

    pub(super) fn check_pin(&self, job: JobId, pin: Pin, hash: PinHash) {
        self.compute(move || {
            let outcome = if hash.matches(&pin) { PinOutcome::Right } else { PinOutcome::Wrong };
            Input::PinChecked { job, outcome }
        });
    }

    pub(super) fn hash_pin(&self, job: JobId, pin: Pin, salt: [u8; 16]) {
        self.compute(move || {
            let hash = PinHash::new(&pin, &salt);
            if let Err(error) = &hash {
                tracing::error!(%error, "a PIN could not be hashed");
            }
            Input::PinHashed { job, hash: hash.ok() }
        });
    }

    pub(super) fn open_leg(
        &self,
        meeting: MeetingId,
        participant: ParticipantId,
        profiles: Vec<SrtpProfile>,
    ) {
        let (node, done) = (self.node.clone(), self.done.clone());
        self.tasks.spawn(async move {
            let leg = match node.open_leg(meeting, participant, &profiles).await {
                Ok(leg) => Some(Box::new(leg)),
                Err(error) => {
                    tracing::error!(
                        %meeting,
                        %participant,
                        error = &error as &dyn std::error::Error,
                        "no leg"
                    );
                    None
                }
            };
            // An error means that the cloud has stopped; nobody waits for the leg.
            let _ = done.send(Input::LegOpened { participant, leg }).await;
        });
    }

    pub(super) fn close_leg(&self, meeting: MeetingId, participant: ParticipantId) {
        let node = self.node.clone();
        self.tasks.spawn(async move { node.close_leg(meeting, participant).await });
    }

    fn compute(&self, work: impl FnOnce() -> Input + Send + 'static) {
        let (cores, done) = (self.cores.clone(), self.done.clone());
        self.tasks.spawn(async move {
            let Ok(_core) = cores.acquire_owned().await else { return };
            if let Ok(input) = tokio::task::spawn_blocking(work).await {
                let _ = done.send(input).await;
            }
        });
    }
}

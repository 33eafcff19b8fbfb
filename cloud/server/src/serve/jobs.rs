//! What takes long and is done beside the switchboard: Argon2, and the media node's answers.
//!
//! Each job sends exactly one [`Done`] back. The channel for them holds more than the switchboard
//! lets run at once; should it be full all the same, a job waits for room, not the switchboard.

use super::plugs;
use crate::calls::LegSample;
use crate::control::{ControlAnswer, Octets, ParcelKind, ParcelLine, RefusalCode};
use crate::parcel_files::ParcelFiles;
use crate::switchboard::{ControlId, Input, JobId, LinkId, PinOutcome, RequestId};
use conclave_directory::PinHash;
use conclave_link_protocol::message::Piece;
use conclave_media_node::MediaNodeHandle;
use conclave_types::{MeetingId, ParticipantId, Pin, RoomId, Secret, SrtpProfile};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Finished jobs that wait for the switchboard: more than it has out at once.
const DONE: usize = 256;

/// What a job came to.
#[derive(Debug)]
pub(super) enum Done {
    /// The switchboard waits for it.
    Input(Input),
    /// All legs were looked at; `None` of a leg that is not there any more.
    Looked(Vec<(ParticipantId, Option<LegSample>)>),
    /// Somebody has their answer.
    Answer(ControlId, ControlAnswer),
    /// A leg was looked at and closed.
    Closed(ParticipantId, Option<LegSample>),
}

/// Starts jobs.
pub(super) struct Jobs {
    tasks: TaskTracker,
    node: MediaNodeHandle,
    done: mpsc::Sender<Done>,
    /// One Argon2 per core: more at once would only take 19 MiB each and finish no sooner.
    cores: Arc<Semaphore>,
}

impl Jobs {
    pub(super) fn new(tasks: TaskTracker, node: MediaNodeHandle) -> (Jobs, mpsc::Receiver<Done>) {
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

    pub(super) fn hash_pin(&self, job: JobId, pin: Pin, salt: Secret<[u8; 16]>) {
        self.compute(move || {
            let hash = PinHash::new(&pin, salt.expose());
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
        let span = tracing::info_span!("leg", %meeting, %participant);
        let opening = async move {
            let leg = match node.open_leg(meeting, participant, &profiles).await {
                Ok(leg) => Some(Box::new(leg)),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "no leg");
                    None
                }
            };
            // An error means that the cloud has stopped; nobody waits for the leg.
            let _ = done.send(Done::Input(Input::LegOpened { participant, leg })).await;
        };
        self.tasks.spawn(opening.instrument(span));
    }

    pub(super) fn close_leg(&self, meeting: MeetingId, participant: ParticipantId) {
        let (node, done) = (self.node.clone(), self.done.clone());
        let span = tracing::info_span!("leg", %meeting, %participant);
        let closing = async move {
            // What it came to has to be asked while it is there.
            let report = node.leg_statistics(meeting, participant).await;
            node.close_leg(meeting, participant).await;
            let sample = report.as_ref().map(plugs::leg_sample);
            let _ = done.send(Done::Closed(participant, sample)).await;
        };
        self.tasks.spawn(closing.instrument(span));
    }

    /// Reads a piece of a bundle.
    pub(super) fn read_chunk(
        &self,
        bundle: PathBuf,
        asked: (LinkId, RequestId),
        from: u64,
        length: u32,
    ) {
        let done = self.done.clone();
        self.tasks.spawn(async move {
            let reading = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; length as usize];
                let mut file = File::open(&bundle)?;
                file.seek(SeekFrom::Start(from))?;
                file.read_exact(&mut piece)?;
                Ok::<_, std::io::Error>(Piece(piece))
            });
            let piece = match reading.await {
                Ok(Ok(piece)) => Some(piece),
                Ok(Err(error)) => {
                    tracing::error!(%error, "a bundle cannot be read: add its release again");
                    None
                }
                Err(_) => None,
            };
            let (link, id) = asked;
            let read = Input::ChunkRead { link, id, offset: from, piece };
            let _ = done.send(Done::Input(read)).await;
        });
    }

    /// Keeps what a room sent.
    pub(super) fn keep_parcel(
        &self,
        files: ParcelFiles,
        (room, what): (RoomId, ParcelKind),
        number: u32,
        octets: Octets,
    ) {
        let done = self.done.clone();
        self.tasks.spawn(async move {
            let size = u32::try_from(octets.0.len()).ok();
            let keeping = tokio::task::spawn_blocking(move || files.keep(room, what, &octets.0));
            let size = match keeping.await {
                Ok(Ok(())) => size,
                Ok(Err(error)) => {
                    tracing::error!(%error, %room, "what a room sent cannot be kept: is the disk full?");
                    None
                }
                Err(_) => None,
            };
            let kept = Input::ParcelKept { room, what, number, size };
            let _ = done.send(Done::Input(kept)).await;
        });
    }

    /// Reads what a room sent, for somebody who waits.
    pub(super) fn answer_parcel(
        &self,
        files: ParcelFiles,
        id: ControlId,
        room: RoomId,
        parcel: ParcelLine,
    ) {
        let done = self.done.clone();
        self.tasks.spawn(async move {
            let what = parcel.what;
            let reading = tokio::task::spawn_blocking(move || files.read(room, what));
            let answer = match reading.await {
                Ok(Ok(octets)) => ControlAnswer::RoomParcel { parcel, octets: Octets(octets) },
                _ => ControlAnswer::Refused {
                    code: RefusalCode::Gone,
                    reason: "it is not here any more: have the room send it again".to_owned(),
                },
            };
            let _ = done.send(Done::Answer(id, answer)).await;
        });
    }

    /// Looks at these legs, one after the other.
    pub(super) fn look_at(&self, legs: Vec<(MeetingId, ParticipantId)>) {
        let (node, done) = (self.node.clone(), self.done.clone());
        self.tasks.spawn(async move {
            let mut looked = Vec::with_capacity(legs.len());
            for (meeting, participant) in legs {
                let report = node.leg_statistics(meeting, participant).await;
                looked.push((participant, report.as_ref().map(plugs::leg_sample)));
            }
            let _ = done.send(Done::Looked(looked)).await;
        });
    }

    fn compute(&self, work: impl FnOnce() -> Input + Send + 'static) {
        let (cores, done) = (self.cores.clone(), self.done.clone());
        self.tasks.spawn(async move {
            let Ok(_core) = cores.acquire_owned().await else { return };
            if let Ok(input) = tokio::task::spawn_blocking(work).await {
                let _ = done.send(Done::Input(input)).await;
            }
        });
    }
}

//! The control socket: how the command line reaches a running cloud.
//!
//! A Unix socket in the data folder, mode 0600, answered only for the user who runs the cloud. One
//! line of JSON asks, one line answers; a connection may ask again. There is a limit to the length
//! of a line, to the number of connections and to the time that one may idle.

use crate::control::{ControlAnswer, ControlLine, LONGEST_LINE, RefusalCode};
use std::fs::Permissions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The longest request: names and a PIN. Sixteen times what ours take.
const LONGEST_REQUEST: u64 = 16 * 1024;

/// Connections at once. A command line needs one, a script a few.
const MOST_CONNECTIONS: usize = 32;

/// How long a connection may idle, and how long the command line waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request and where its answer goes.
pub type Asked = (ControlLine, oneshot::Sender<ControlAnswer>);

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlSocketError {
    /// Unix sockets have short names.
    #[error("the path {path} is too long for a socket: choose a data folder with a shorter path")]
    PathTooLong {
        /// The socket.
        path: PathBuf,
    },
    /// Anything else.
    #[error("the control socket {path} cannot be opened")]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Opens the socket. Requests of its owner come out of the receiver, until `stop` is cancelled;
/// its channel holds a few, and when it is full the next command line waits.
pub fn listen(
    path: &Path,
    owner: u32,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Result<mpsc::Receiver<Asked>, ControlSocketError> {
    // 108 octets with the final zero: `sun_path` on Linux.
    if path.as_os_str().len() > 107 {
        return Err(ControlSocketError::PathTooLong { path: path.to_owned() });
    }
    let failed = |source| ControlSocketError::Io { path: path.to_owned(), source };
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    let (asked, requests) = mpsc::channel(8);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let accepting = accept(listener, owner, asked, places, tasks.clone(), stop.clone());
    tasks.spawn(async move {
        stop.run_until_cancelled(accepting).await;
    });
    Ok(requests)
}

async fn accept(
    listener: UnixListener,
    owner: u32,
    asked: mpsc::Sender<Asked>,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: those who hold some give them back.
                tracing::warn!(%error, "cannot take a control connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let asked = asked.clone();
        let stop = stop.clone();
        tasks.spawn(async move {
            let _place = place;
            // An error here is a command line that went away; nobody is left to tell.
            let _ = stop.run_until_cancelled(converse(stream, owner, asked)).await;
        });
    }
}

async fn converse(
    mut stream: UnixStream,
    owner: u32,
    asked: mpsc::Sender<Asked>,
) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let (reader, mut writer) = stream.split();
    if peer != owner {
        let reason = "only the user who runs the cloud may give it orders: try 'sudo -u'".into();
        return answer(&mut writer, &ControlAnswer::Refused { code: RefusalCode::Other, reason })
            .await;
    }
    let mut reader = tokio::io::BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut reader).take(LONGEST_REQUEST);
        let read = limited.read_until(b'\n', &mut line);
        match tokio::time::timeout(PATIENCE, read).await {
            Ok(Ok(0)) | Err(_) => return Ok(()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error),
        }
        let Ok(line) = serde_json::from_slice(&line) else {
            // What came is not repeated: it may hold a PIN.
            let reason = "this is no request that the cloud knows: use a conclave-cloud of the \
                          same version as the running one";
            return answer(
                &mut writer,
                &ControlAnswer::Refused { code: RefusalCode::Other, reason: reason.into() },
            )
            .await;
        };
        let (reply, replied) = oneshot::channel();
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        asked.send((line, reply)).await.map_err(|_| gone())?;
        answer(&mut writer, &replied.await.map_err(|_| gone())?).await?;
    }
}

async fn answer(
    writer: &mut (impl AsyncWriteExt + Unpin),
    answer: &ControlAnswer,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

/// Why the running cloud could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers at the socket.
    #[error(
        "the cloud is not running on {data}: start it with 'conclave-cloud serve --data {data}'"
    )]
    NotRunning {
        /// The data folder.
        data: PathBuf,
    },
    /// The socket belongs to somebody else.
    #[error("the cloud on {data} belongs to another user: run this command as that user")]
    NotAllowed {
        /// The data folder.
        data: PathBuf,
    },
    /// The connection broke.
    #[error("the cloud did not answer: see its log")]
    Broken(#[source] io::Error),
    /// The answer is none of ours.
    #[error("the cloud answered something else: use a conclave-cloud of its version")]
    NotUnderstood(#[source] serde_json::Error),
}

/// Asks the cloud that runs on a data folder, and waits for its answer.
pub fn ask(data: &Path, socket: &Path, request: &ControlLine) -> Result<ControlAnswer, AskError> {
    let mut stream = BlockingStream::connect(socket).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => AskError::NotAllowed { data: data.to_owned() },
        _ => AskError::NotRunning { data: data.to_owned() },
    })?;
    let mut converse = || {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        let mut answer = Vec::new();
        BufReader::new((&stream).take(LONGEST_LINE as u64)).read_until(b'\n', &mut answer)?;
        Ok(answer)
    };
    let answer = converse().map_err(AskError::Broken)?;
    if answer.is_empty() {
        return Err(AskError::Broken(io::ErrorKind::UnexpectedEof.into()));
    }
    serde_json::from_slice(&answer).map_err(AskError::NotUnderstood)
}

//! The panel's socket: every panel that connects gets the whole state at once and then each
//! change; what it taps comes back. A panel that sends nonsense is disconnected, and may come back.

use crate::config::Access;
use anyhow::Context;
use conclave_panel_api::{Panel, Tap, decode, decode_length, encode};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Panels at once: one on the table, one beside the door, a spare while one restarts. More would
/// only serve somebody who holds connections open.
const MOST_PANELS: usize = 4;

/// How long to wait when the system gives no connection. Longer leaves a panel dark that could show
/// something; shorter fills the log.
const NO_CONNECTION: std::time::Duration = std::time::Duration::from_millis(200);

/// Opens the socket, for this user alone or for its group. A socket left by a daemon that was killed
/// is replaced.
pub(crate) fn listen(path: &Path, access: Access) -> anyhow::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        anyhow::bail!(
            "another conclave-roomd serves the panel at {}; stop it first, or name another socket",
            path.display()
        );
    }
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be replaced", path.display()));
        }
    }
    let listener = UnixListener::bind(path)
        .with_context(|| format!("the panel's socket {} cannot be opened", path.display()))?;
    let mode = match access {
        Access::User => 0o600,
        Access::Group => 0o660,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Serves panels until cancelled.
///
/// `drawing` is told how many panels have taken what they were given to draw.
pub(crate) async fn serve(
    listener: UnixListener,
    shown: watch::Receiver<Option<Panel>>,
    taps: mpsc::Sender<Tap>,
    drawing: watch::Sender<usize>,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(MOST_PANELS));
    let tasks = TaskTracker::new();
    loop {
        let socket = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => socket,
                Err(error) => {
                    tracing::warn!(%error, "a panel could not connect");
                    // Out of file descriptors, most likely; asking again at once would only spin.
                    tokio::time::sleep(NO_CONNECTION).await;
                    continue;
                }
            },
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::warn!(most = MOST_PANELS, "one panel too many was turned away");
            continue;
        };
        let (shown, taps, stop) = (shown.clone(), taps.clone(), stop.clone());
        let drawing = drawing.clone();
        tasks.spawn(async move {
            attend(socket, shown, taps, drawing, stop).await;
            drop(place);
        });
    }
    tasks.close();
    tasks.wait().await;
}

async fn attend(
    socket: UnixStream,
    shown: watch::Receiver<Option<Panel>>,
    taps: mpsc::Sender<Tap>,
    drawing: watch::Sender<usize>,
    stop: CancellationToken,
) {
    let mut draws = Draws { drawing, counted: false };
    tracing::info!("a panel connected");
    let (reader, writer) = socket.into_split();
    let ended = tokio::select! {
        () = stop.cancelled() => return,
        ended = read(reader, taps) => ended,
        ended = write(writer, shown, &mut draws) => ended,
    };
    match ended {
        Ok(()) => tracing::info!("a panel disconnected"),
        Err(error) => tracing::warn!(%error, "a panel was disconnected"),
    }
}

async fn read(mut reader: OwnedReadHalf, taps: mpsc::Sender<Tap>) -> anyhow::Result<()> {
    let mut field = [0; 4];
    let mut content = Vec::new();
    loop {
        if reader.read(&mut field[..1]).await? == 0 {
            return Ok(());
        }
        reader.read_exact(&mut field[1..]).await?;
        content.resize(decode_length(field)?, 0);
        reader.read_exact(&mut content).await?;
        // When the daemon is behind, the panel waits: taps are few and none is dropped.
        taps.send(decode(&content)?).await?;
    }
}

/// Counts one panel from the first picture that it took until it is gone.
struct Draws {
    drawing: watch::Sender<usize>,
    counted: bool,
}

impl Draws {
    fn took(&mut self) {
        if !std::mem::replace(&mut self.counted, true) {
            self.drawing.send_modify(|panels| *panels += 1);
        }
    }
}

impl Drop for Draws {
    fn drop(&mut self) {
        if self.counted {
            self.drawing.send_modify(|panels| *panels -= 1);
        }
    }
}

async fn write(
    mut writer: OwnedWriteHalf,
    mut shown: watch::Receiver<Option<Panel>>,
    draws: &mut Draws,
) -> anyhow::Result<()> {
    loop {
        let frame = shown.borrow_and_update().as_ref().map(encode).transpose()?;
        if let Some(frame) = frame {
            writer.write_all(&frame).await?;
            draws.took();
        }
        // A slow panel skips states in between: it needs the last one only.
        shown.changed().await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_panel_api::{Health, Language, LinkState, Screen, read_frame, write_frame};
    use std::io::Write;

    fn panel(serial: &str) -> Panel {
        Panel {
            language: Language::English,
            room: None,
            serial: serial.to_owned(),
            link: LinkState::Connecting,
            camera: Health::Working,
            microphone: Health::Working,
            screen: Screen::Starting,
            notice: None,
            asleep: false,
            identify: false,
            brightness: 100,
            time_zone: None,
            development: false,
            look: None,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn garbage_disconnects_that_panel_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("panel.sock");
        let listener = listen(&path, Access::User).unwrap();
        let (show, shown) = watch::channel(Some(panel("one")));
        let (taps, mut tapped) = mpsc::channel(4);
        let (drawing, mut drawn) = watch::channel(0);
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, shown, taps, drawing, stop.clone()));

        let there = path.clone();
        let (mut good, mut bad) = tokio::task::spawn_blocking(move || {
            let connect = || std::os::unix::net::UnixStream::connect(&there).unwrap();
            let (mut good, mut bad) = (connect(), connect());
            for socket in [&mut good, &mut bad] {
                assert_eq!(read_frame::<Panel>(socket).unwrap(), Some(panel("one")));
            }
            bad.write_all(&[0, 0, 0, 3, b'?', b'?', b'?']).unwrap();
            assert!(matches!(read_frame::<Panel>(&mut bad), Ok(None)), "it is disconnected");
            (good, bad)
        })
        .await
        .unwrap();
        drawn.wait_for(|panels| *panels == 1).await.unwrap();
        show.send(Some(panel("two"))).unwrap();
        let tap = tokio::task::spawn_blocking(move || {
            assert_eq!(read_frame::<Panel>(&mut good).unwrap(), Some(panel("two")));
            write_frame(&mut good, &Tap::Leave).unwrap();
            bad.write_all(&[1]).err();
        });
        assert_eq!(tapped.recv().await, Some(Tap::Leave));
        tap.await.unwrap();
        stop.cancel();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn the_group_gets_in_only_where_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (access, mode) in [(Access::User, 0o600), (Access::Group, 0o660)] {
            let path = folder.path().join(format!("{access:?}"));
            let _listener = listen(&path, access).unwrap();
            let found = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{access:?}");
        }
    }

    #[tokio::test]
    async fn a_second_daemon_does_not_take_the_socket_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("panel.sock");
        let first = listen(&path, Access::User).unwrap();
        assert!(listen(&path, Access::User).is_err());
        drop(first);
        assert!(listen(&path, Access::User).is_ok(), "a socket that nobody serves is replaced");
    }
}

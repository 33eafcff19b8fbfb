//! A room that cannot begin because nobody has told it, or told it wrongly, which cloud it belongs to: its
//! panel says so, instead of a daemon that ends again and again behind a panel that waits.

use crate::config;
use crate::panel;
use crate::service::Service;
use conclave_panel_api::{Health, Language, LinkState, Notice, Panel, Screen};
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How often systemd is told that this lives: as often as by a whole room.
const LIVES: Duration = Duration::from_secs(1);

/// Says it until this is stopped; what is written meanwhile counts at the next start. Gives the error back where
/// there is no panel to say it on.
pub(crate) fn say(
    paths: &[PathBuf],
    mistake: anyhow::Error,
    development: bool,
) -> anyhow::Result<()> {
    let Some((socket, language)) = config::panel_alone(paths) else { return Err(mistake) };
    tracing::error!("this room cannot begin: {mistake:#}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let stop = CancellationToken::new();
        let listener = panel::listen(&socket.socket, socket.access)?;
        let (_show, shown) = watch::channel(Some(picture(paths, language, development)));
        // Nothing that is tapped changes anything.
        let (taps, mut tapped) = mpsc::channel(16);
        let (drawing, _drawn) = watch::channel(0);
        let panels = tokio::spawn(panel::serve(listener, shown, taps, drawing, stop.clone()));
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let service = Service::of_this_process();
        service.is_ready();
        let mut second = tokio::time::interval(LIVES);
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = second.tick() => service.lives(),
                Some(_) = tapped.recv() => {}
            }
        }
        service.stops();
        stop.cancel();
        panels.await?;
        let _ = std::fs::remove_file(&socket.socket);
        Ok(())
    })
}

fn picture(paths: &[PathBuf], language: Language, development: bool) -> Panel {
    let all_there = paths.iter().all(|path| path.exists());
    Panel {
        language,
        room: None,
        serial: config::serial_of_this_machine(),
        link: LinkState::Connecting,
        camera: Health::Missing,
        microphone: Health::Missing,
        screen: Screen::Starting,
        notice: Some(if all_there { Notice::CloudMistaken } else { Notice::NoCloud }),
        asleep: false,
        identify: false,
        brightness: 100,
        time_zone: None,
        development,
        look: None,
    }
}

//! conclave-roomd: the room's daemon. It opens connections and never listens on the network.
//!
//! Here the parts are read from the configuration, built and connected; `shell` moves events
//! between them, and every rule is in `conclave-room`.

#![forbid(unsafe_code)]

mod board;
mod clock;
mod config;
mod doubt;
mod keeper;
mod local_time;
mod logbook;
mod logs;
mod panel;
mod reset;
mod service;
mod shell;
mod status;
mod store;
mod unready;
mod update;
mod vitals;

use anyhow::Context;
use clap::Parser;
use conclave_link_room::{DeviceIdentity, Pins, RoomLink, RoomLinkConfig};
use conclave_media::Media;
use conclave_panel_api::Layout;
use conclave_room::{Facts, Room, Settings};
use conclave_types::Time;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// The loudspeaker before anyone has chosen: audible, not startling.
const FIRST_VOLUME: u8 = 70;

/// The daemon of a Conclave room: camera, microphones and displays, and the link to the cloud.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file (TOML). Given again, a later file's tables replace an earlier one's.
    #[arg(long, default_value = "/etc/conclave/room.toml")]
    config: Vec<PathBuf>,
    /// Let a test work the board's lines: each is a file in this folder, named by its number.
    #[cfg(feature = "driver")]
    #[arg(long, value_name = "FOLDER")]
    lines: Option<PathBuf>,
}

fn main() -> ExitCode {
    conclave_media::keep_memory_small();
    let arguments = Arguments::parse();
    let book = logbook::Logbook::default();
    log_to(&book);
    match run(arguments, book) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Logs to whoever started this, as wordy as they want it, and at `info` into the logbook.
fn log_to(book: &logbook::Logbook) {
    // It lays out names on the display, and below a warning it logs every word of them.
    let quiet = |filter: EnvFilter| match "cosmic_text=warn".parse() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    };
    let wanted = EnvFilter::try_from_env("CONCLAVE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let said = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .with_filter(quiet(wanted));
    let kept = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(book.clone())
        .with_filter(quiet(EnvFilter::new("info")));
    tracing_subscriber::registry().with(said).with(kept).init();
}

fn run(arguments: Arguments, book: logbook::Logbook) -> anyhow::Result<()> {
    #[cfg(feature = "driver")]
    let wiring = arguments.lines.map_or(board::Wiring::Real, board::Wiring::Files);
    #[cfg(not(feature = "driver"))]
    let wiring = board::Wiring::Real;
    let development = update::is_development(&config::os_release());
    let read = config::read(&arguments.config).and_then(|config| {
        let pins = Pins::parse(&config.cloud.pins)
            .context("'cloud.pins' in the configuration has a mistake")?;
        Ok((config, pins))
    });
    let (config, pins): (_, Pins) = match read {
        Ok(read) => read,
        Err(mistake) => return unready::say(&arguments.config, mistake, development),
    };
    let description = config.board.as_ref().map(board::describe).transpose()?;
    store::make_folder(&config.data)?;
    let store = store::Store::open(&config.data.join("room.sqlite"))?;
    let settings = store.settings()?.unwrap_or(Settings {
        language: config.language,
        volume: FIRST_VOLUME,
        layout: Layout::Grid,
    });
    let (identity, certificate) = store.enrolment()?.unzip();
    let kept = store.update();
    let wanted = store.wanted();
    let mut keeper = keeper::Keeper::new(store);
    let started = Instant::now();
    let key = DeviceIdentity::open(&config.data, certificate)?;
    let facts = Facts {
        serial: config.serial.clone(),
        key: fingerprint(key.public_key()),
        development,
        knows_zone,
    };
    let mut room = Room::new(facts, settings, identity);
    if let Some(wanted) = &wanted {
        room.remember_wanted(wanted);
    }
    let mut eraser = reset::Eraser::new(config.reset, &config.data);
    eraser.go_on();

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let stop = CancellationToken::new();
        let mut updates = None;
        if let Some(update) = config.update {
            match update::this_start(&update) {
                Ok(start) => {
                    let rauc = update::Rauc::of_this_system();
                    let data = &config.data;
                    let (mut updater, mut events) =
                        update::start(update, start, rauc, data, kept, stop.clone());
                    if updater.is_on_trial() {
                        before_all_else(&mut updater, &mut events, &mut keeper, started).await;
                    }
                    updates = Some((updater, events));
                }
                Err(error) => tracing::error!("this room cannot be updated: {error:#}"),
            }
        }
        let (update, update_events) = updates.unzip();
        let (board, board_events) =
            description.as_ref().map(|description| board::start(description, &wiring)).unzip();
        let listener = panel::listen(&config.panel.socket, config.panel.access)?;
        let looker = vitals::Looker::new(config.media.clone(), &config.data, book);
        let (media, media_events) = Media::start(config.media).context(
            "the media path cannot be started; 'media' in the configuration says what it uses",
        )?;
        let link_config = RoomLinkConfig {
            host: config.cloud.host,
            ports: config.cloud.ports,
            pins,
            software: concat!("conclave-roomd ", env!("CARGO_PKG_VERSION")).to_owned(),
            serial: config.serial,
        };
        let (link, link_events) = RoomLink::start(link_config, key)?;
        let (shown, shown_receiver) = tokio::sync::watch::channel(None);
        let (taps, tapped) = tokio::sync::mpsc::channel(shell::TAPS_QUEUED);
        let (drawing, drawn) = tokio::sync::watch::channel(0);
        let panels =
            tokio::spawn(panel::serve(listener, shown_receiver, taps, drawing, stop.clone()));

        let clock = config.clock.map(clock::Timekeeper::new);
        let around = shell::Around { link, media, board, shown, update, eraser, clock, looker };
        let status = config.data.join("status.json");
        let shell = shell::Shell::new(room, (keeper, started), around, status);
        let events = shell::Events {
            taps: tapped,
            link: link_events,
            media: media_events,
            update: update_events,
            drawing: drawn,
            board: board_events,
        };
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stopper = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stopper.cancel();
        });
        let ended = shell.run(events, stop.clone()).await;
        stop.cancel();
        panels.await?;
        let _ = std::fs::remove_file(&config.panel.socket);
        match ended? {
            shell::Ended::Stopped => Ok(()),
            shell::Ended::Reset(eraser) => eraser.finish(),
        }
    })
}

/// Whether there is a time zone of that name.
fn knows_zone(name: &str) -> bool {
    name.parse::<chrono_tz::Tz>().is_ok()
}

/// What people compare a key by: the beginning of its SHA-256 in groups of four digits.
fn fingerprint(spki_der: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, spki_der);
    let groups = hash.as_ref().chunks(2).take(4);
    let groups = groups.map(|pair| pair.iter().map(|octet| format!("{octet:02x}")).collect());
    groups.collect::<Vec<String>>().join(" ")
}

/// How long a new system waits for the installer before it goes on without having heard it. It is
/// heard later all the same.
const INSTALLER_WAIT: Duration = Duration::from_secs(20);

/// A new system that has had its time goes back now. What is started after this may be what does not
/// work in it, and what ends this program again and again.
async fn before_all_else(
    updater: &mut update::Updater,
    events: &mut tokio::sync::mpsc::Receiver<update::Event>,
    keeper: &mut keeper::Keeper,
    started: Instant,
) {
    if let Ok(Some(event)) = tokio::time::timeout(INSTALLER_WAIT, events.recv()).await {
        updater.heard(Time::ZERO + started.elapsed(), event);
        updater.carry_out(None, keeper);
    }
}

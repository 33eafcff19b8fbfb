//! Lets tests and the demo use the panel as a finger and an eye would. Feature `driver` only.
//!
//! A Unix socket (mode 0600). Each line is a JSON request, each answer is one line of JSON:
//!
//! | request | answer |
//! | --- | --- |
//! | `{"do":"press","id":"key-5"}` | `{"ok":true}`, or `{"missing":"key-5","visible":[ids…]}` |
//! | `{"do":"read","id":"code"}` | `{"text":"7KQ2-9FXM"}`, or `missing` as above |
//! | `{"do":"visible"}` | `{"ids":[…]}`, buttons and named texts, in drawing order |
//! | `{"do":"picture","path":"/…/x.png"}` | `{"ok":true}` once the PNG is written |
//! | `{"do":"panel"}` | the last `Panel` itself, or `null` while the daemon is away |
//! | `{"do":"swipe","id":"choose-4711","by":-200}` | `{"ok":true}` after a finger went from the element's centre by so many pixels down (negative: up) |
//! | `{"do":"hold","id":"key-5"}` | `{"ok":true}`: the finger stays down on it |
//! | `{"do":"lift"}` | `{"ok":true}`: the finger slides off the panel, so nothing is pressed |
//! | `{"do":"targets"}` | `{"targets":[{"id","width","height","seen":{"x","y","width","height"}}…]}`: the buttons' whole sizes and the part that nothing clips |
//! | `{"do":"texts"}` | `{"texts":[{"text","width","height","wants_width","wants_height","elides","seen":{…}}…]}` |
//! | anything else | `{"error":"…"}` |
//!
//! A press is a real pointer press and release through the window, at the centre of the element's
//! place on the screen at that moment, so it goes through Slint's hit testing: what lies under
//! something else is not pressed. Ids are `accessible-id`s in `ui/`, the same in every language:
//! `key-0` to `key-9`, `delete`, `join`, `back`, `join-with-number`, `choose-<number>`, `microphone`,
//! `camera`, `louder`, `softer`, `layout`, `people`, `leave`, `dismiss`, `wake`, `language-fr`,
//! `language-en`;
//! to read: `code`, `typed`, `trouble`, `room`, `clock`, `meeting`, `duration`, `speaking`, `health`,
//! `muted`, `volume`, `notice`, `notice-title`, `link`, `link-lost` and more, see `visible`.
//! A button that is scrolled out of sight is missing, as it is for a finger.

mod elements;

use crate::picture::{PictureError, Pixels};
use crate::{ui, view};
use elements::{Element, Kind};
use serde::Deserialize;
use serde_json::{Value, json};
use slint::platform::{PointerEventButton, WindowEvent};
use slint::{ComponentHandle, LogicalPosition, Weak};
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

/// Longest line taken; a request is a path at most.
const LONGEST_LINE: u64 = 16 * 1024;
/// How long a picture waits for movements to end; they last 220 ms at most.
const SETTLE: Duration = Duration::from_millis(600);
/// Step of that wait.
const SETTLE_STEP: Duration = Duration::from_millis(10);

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Request {
    Press { id: String },
    Read { id: String },
    Swipe { id: String, by: f32 },
    Hold { id: String },
    Lift,
    Visible,
    Picture { path: PathBuf },
    Panel,
    Targets,
    Texts,
}

/// Starts listening at `path`; whatever socket was there before is replaced.
pub(crate) fn listen(path: &Path, app: Weak<ui::App>) -> io::Result<()> {
    // Bound under another name and moved into place once it is closed to others, so that nobody gets
    // in between.
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
    fs::rename(&fresh, path)?;
    thread::Builder::new().name("driver".into()).spawn(move || {
        for stream in listener.incoming() {
            let app = app.clone();
            let served = stream.and_then(|stream| {
                thread::Builder::new().name("driver".into()).spawn(move || {
                    if let Err(error) = serve(&stream, &app) {
                        tracing::debug!(%error, "a driver's connection ended");
                    }
                })
            });
            if let Err(error) = served {
                tracing::warn!(%error, "a driver could not be served");
            }
        }
    })?;
    Ok(())
}

/// One connection, one request after the other.
fn serve(stream: &UnixStream, app: &Weak<ui::App>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.by_ref().take(LONGEST_LINE).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(request) => on_screen(app, request),
            Err(error) => trouble(&error),
        };
        let mut text = answer.to_string();
        text.push('\n');
        let mut writer = stream;
        writer.write_all(text.as_bytes())?;
    }
}

/// Carries out a request on the thread of the event loop and waits for its answer.
fn on_screen(app: &Weak<ui::App>, request: Request) -> Value {
    let (sender, receiver) = sync_channel(1);
    let sent = app.upgrade_in_event_loop(move |app| {
        // Nobody listens any more when the connection was closed meanwhile.
        let _ = sender.send(answer(&app, request));
    });
    match sent {
        Ok(()) => receiver.recv().unwrap_or_else(|error| trouble(&error)),
        Err(error) => trouble(&error),
    }
}

fn answer(app: &ui::App, request: Request) -> Value {
    match request {
        Request::Press { id } => finger(app, &id, Move::Lift { by: 0.0 }),
        Request::Swipe { id, by } => finger(app, &id, Move::Lift { by }),
        Request::Hold { id } => finger(app, &id, Move::Stay),
        Request::Lift => {
            let position = LogicalPosition::new(-1.0, -1.0);
            let button = PointerEventButton::Left;
            dispatch(
                app,
                vec![
                    WindowEvent::PointerMoved { position },
                    WindowEvent::PointerReleased { position, button },
                    WindowEvent::PointerExited,
                ],
            )
        }
        Request::Read { id } => {
            let elements = elements::named(app);
            match elements.iter().find(|element| element.id == id) {
                Some(element) => json!({ "text": element.label }),
                None => missing(&id, &elements),
            }
        }
        Request::Visible => json!({ "ids": ids(&elements::named(app)) }),
        Request::Picture { path } => match picture(app, &path) {
            Ok(()) => json!({ "ok": true }),
            Err(error) => trouble(&error),
        },
        Request::Panel => {
            serde_json::to_value(view::last_panel()).unwrap_or_else(|error| trouble(&error))
        }
        Request::Targets => {
            let elements = elements::named(app);
            let targets = elements.iter().filter(|element| element.kind == Kind::Button);
            json!({ "targets": targets.collect::<Vec<_>>() })
        }
        Request::Texts => json!({ "texts": elements::texts(app) }),
    }
}

fn trouble(error: &dyn std::fmt::Display) -> Value {
    json!({ "error": error.to_string() })
}

fn ids(elements: &[Element]) -> Vec<&str> {
    elements.iter().map(|element| element.id.as_str()).collect()
}

fn missing(id: &str, elements: &[Element]) -> Value {
    json!({ "missing": id, "visible": ids(elements) })
}

/// What a finger does after it has touched.
enum Move {
    /// It moves down by `by` logical pixels, which may be none, and lifts.
    Lift { by: f32 },
    /// It stays.
    Stay,
}

/// Puts a finger on the centre of what is seen of the element.
fn finger(app: &ui::App, id: &str, then: Move) -> Value {
    let elements = elements::named(app);
    let Some(element) = elements.iter().find(|element| element.id == id) else {
        return missing(id, &elements);
    };
    let down = |by: f32| {
        LogicalPosition::new(
            element.seen.x + element.seen.width / 2.0,
            element.seen.y + element.seen.height / 2.0 + by,
        )
    };
    let button = PointerEventButton::Left;
    let mut events = vec![
        WindowEvent::PointerMoved { position: down(0.0) },
        WindowEvent::PointerPressed { position: down(0.0), button },
    ];
    if let Move::Lift { by } = then {
        if by != 0.0 {
            events.extend((1..=8_u8).map(|step| WindowEvent::PointerMoved {
                position: down(by * f32::from(step) / 8.0),
            }));
        }
        events.push(WindowEvent::PointerReleased { position: down(by), button });
        events.push(WindowEvent::PointerExited);
    }
    dispatch(app, events)
}

fn dispatch(app: &ui::App, events: Vec<WindowEvent>) -> Value {
    for event in events {
        if let Err(error) = app.window().dispatch_event_with_result(event) {
            return trouble(&error);
        }
    }
    json!({ "ok": true })
}

fn picture(app: &ui::App, path: &Path) -> Result<(), PictureError> {
    let until = Instant::now() + SETTLE;
    let pixels = loop {
        slint::platform::update_timers_and_animations();
        // Only drawing tells Slint which movements still matter.
        let pixels = Pixels::of(app)?;
        if !app.window().has_active_animations() || Instant::now() >= until {
            break pixels;
        }
        thread::sleep(SETTLE_STEP);
    };
    let mut file = BufWriter::new(File::create(path)?);
    pixels.write(&mut file)?;
    file.flush()?;
    Ok(())
}

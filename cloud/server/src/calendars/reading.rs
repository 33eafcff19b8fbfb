//! Asks for calendars over HTTPS, each errand by a task of its own. Which, when, and how many at once is not decided here.

use super::ical::caldav::{self, Multistatus};
use super::{Calendar, CalendarKind, CalendarTrouble, Errand, Found, LONGEST, Mark, Read, within};
use crate::outgoing::{
    Answer, Bytes, HeaderMap, HeaderName, HeaderValue, Method, Outgoing, Request, StatusCode,
    header,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a server may take for each answer. Some make the file while they are asked.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a calendar may be looked into: a large one takes a hundredth of that.
const LOOKING: Duration = Duration::from_secs(10);

/// The most octets of an entity tag that is kept.
const LONGEST_MARK: usize = 500;

/// Finished errands that wait for whoever sent for them: more than are out at once.
const DONE: usize = 64;

/// Who reads calendars.
pub struct Reader {
    outgoing: Outgoing,
    tasks: TaskTracker,
    workers: Handle,
    stop: CancellationToken,
    done: mpsc::Sender<Read>,
}

impl Reader {
    /// Somebody who reads on `workers`, and what comes of the errands: exactly one of each, unless all is stopped.
    pub fn new(
        outgoing: Outgoing,
        tasks: TaskTracker,
        workers: Handle,
        stop: CancellationToken,
    ) -> (Reader, mpsc::Receiver<Read>) {
        let (done, read) = mpsc::channel(DONE);
        (Reader { outgoing, tasks, workers, stop, done }, read)
    }

    /// Reads a calendar.
    pub fn read(&self, errand: Errand) {
        let (outgoing, done, stop) = (self.outgoing.clone(), self.done.clone(), self.stop.clone());
        let reading = async move {
            let (room, number) = (errand.room, errand.number);
            let outcome = read(&outgoing, errand).await;
            // An error is a cloud that stops: nobody asks any more.
            let _ = done.send(Read { room, number, outcome }).await;
        };
        let until_stopped = async move {
            stop.run_until_cancelled(reading).await;
        };
        self.tasks.spawn_on(until_stopped, &self.workers);
    }
}

async fn read(outgoing: &Outgoing, errand: Errand) -> Result<Found, CalendarTrouble> {
    let (pieces, mark) = match errand.calendar.kind {
        CalendarKind::Feed => {
            let asked = feed(&errand)?;
            let answer = outgoing.ask(asked).await?;
            match (answer.status, &errand.known) {
                (StatusCode::OK, _) => {}
                (StatusCode::NOT_MODIFIED, Some(_)) => return Ok(Found::Unchanged),
                (status, _) => return Err(refused(status)),
            }
            (Pieces::File(answer.body.clone()), entity_tag(&answer))
        }
        CalendarKind::Caldav => {
            let mark = state(outgoing, &errand).await?;
            if mark.is_some() && mark == errand.known {
                return Ok(Found::Unchanged);
            }
            let asked = dav(&errand, b"REPORT", "1", caldav::meetings_of(errand.window))?;
            let answer = outgoing.ask(asked).await?;
            (Pieces::Multistatus(multistatus_of(answer)?), mark)
        }
    };
    // It calculates, and whatever a parser may still have in store ends with its own thread's work.
    let looking = tokio::task::spawn_blocking(move || looked_into(&pieces, &errand, mark));
    looking.await.unwrap_or_else(|_| {
        tracing::error!("looking into a calendar failed by a fault of the cloud's own");
        Err(CalendarTrouble::NoCalendar)
    })
}

/// What came, before it is looked into.
enum Pieces {
    File(Bytes),
    Multistatus(Bytes),
}

fn looked_into(
    pieces: &Pieces,
    errand: &Errand,
    mark: Option<Mark>,
) -> Result<Found, CalendarTrouble> {
    let begun = Instant::now();
    let mut goes_on = || begun.elapsed() < LOOKING;
    let (zone, window) = (errand.zone.as_ref(), errand.window);
    let found = match pieces {
        Pieces::File(file) => within(&[file], zone, window, &mut goes_on)?,
        Pieces::Multistatus(answer) => {
            let read = Multistatus::read(answer).map_err(|_| CalendarTrouble::NoCaldav)?;
            within(&read.calendars, zone, window, &mut goes_on)?
        }
    };
    Ok(Found::All { taken: found.taken, unread: found.unread, mark })
}

fn feed(errand: &Errand) -> Result<Request, CalendarTrouble> {
    let mut headers = signed(&errand.calendar);
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/calendar, */*;q=0.1"));
    if let Some(Mark(known)) = &errand.known
        && let Ok(known) = HeaderValue::from_str(known)
    {
        headers.insert(header::IF_NONE_MATCH, known);
    }
    Ok(asked(Method::GET, &errand.calendar, headers, Bytes::new()))
}

/// Which state the collection is in; `None` when the server has no word for that.
async fn state(outgoing: &Outgoing, errand: &Errand) -> Result<Option<Mark>, CalendarTrouble> {
    let asked = dav(errand, b"PROPFIND", "0", caldav::WHICH_STATE.to_owned())?;
    let answer = outgoing.ask(asked).await?;
    let read = Multistatus::read(&multistatus_of(answer)?);
    Ok(read.map_err(|_| CalendarTrouble::NoCaldav)?.mark.map(Mark))
}

fn multistatus_of(answer: Answer) -> Result<Bytes, CalendarTrouble> {
    match answer.status {
        StatusCode::MULTI_STATUS => Ok(answer.body),
        StatusCode::OK | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
            Err(CalendarTrouble::NoCaldav)
        }
        status => Err(refused(status)),
    }
}

fn dav(
    errand: &Errand,
    method: &[u8],
    depth: &'static str,
    body: String,
) -> Result<Request, CalendarTrouble> {
    let method = Method::from_bytes(method).map_err(|_| CalendarTrouble::NoCaldav)?;
    let mut headers = signed(&errand.calendar);
    let xml = HeaderValue::from_static("application/xml; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, xml);
    headers.insert(HeaderName::from_static("depth"), HeaderValue::from_static(depth));
    Ok(asked(method, &errand.calendar, headers, body.into()))
}

fn asked(method: Method, calendar: &Calendar, headers: HeaderMap, body: Bytes) -> Request {
    let to = calendar.address.clone();
    Request { method, to, headers, body, longest: LONGEST, patience: PATIENCE }
}

/// Says who asks (RFC 7617).
fn signed(calendar: &Calendar) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(user) = &calendar.user {
        let password = calendar.password.as_ref().map_or("", |password| password.expose());
        let words = STANDARD.encode(format!("{}:{password}", user.0));
        if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {words}")) {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
    }
    headers
}

fn entity_tag(answer: &Answer) -> Option<Mark> {
    let tag = answer.headers.get(header::ETAG)?.to_str().ok()?;
    (tag.len() <= LONGEST_MARK).then(|| Mark(tag.to_owned()))
}

fn refused(status: StatusCode) -> CalendarTrouble {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CalendarTrouble::NotLetIn,
        StatusCode::NOT_FOUND | StatusCode::GONE => CalendarTrouble::Gone,
        status if status.is_redirection() => CalendarTrouble::Moved,
        status => CalendarTrouble::Status { status: status.as_u16() },
    }
}

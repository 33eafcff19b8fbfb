//! From a [`Panel`] to what stands on the screen, and from a finger to a [`Tap`].
//!
//! [`show`] writes every property that the screen's picture depends on, each time, so nothing of an
//! older panel can stay behind. Lists are mended line by line rather than replaced: a new panel each
//! second must not tear the button away from under a finger.

use crate::link::{Daemon, Seen};
use crate::{picture, ui, words};
use chrono::{DateTime, Datelike, Local, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;
use conclave_panel_api::{
    CallHealth, Erased, Health, InCall, Language, LanguageTap, Layout, LinkState, Look, Meeting,
    Panel, ResetReceipt, Screen as Showing, StickStep, Tap, Trouble,
};
use conclave_types::{DisplayName, UnixTime, VmrNumber};
use slint::{ComponentHandle, Model, ModelRc, SharedString, Timer, TimerMode, VecModel};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// How often the clock is looked at. It is drawn again only when its text has changed; longer would
/// let it lag behind other clocks in the room.
const CLOCK_PERIOD: Duration = Duration::from_secs(1);

/// What the panel's thread holds beside the picture itself.
pub(crate) struct Screen {
    meetings: Rc<VecModel<ui::Entry>>,
    entries: Rc<VecModel<ui::Entry>>,
    people: Rc<VecModel<ui::Person>>,
    lobby: Rc<VecModel<ui::Waiter>>,
    /// The language last spoken: the one in which to say that the daemon is gone.
    language: Cell<Option<Language>>,
    clock: Timer,
    /// By which clock the time is shown; the machine's own when there is none.
    zone: Cell<Option<Tz>>,
    /// To whom pictures go.
    daemon: RefCell<Option<Daemon>>,
    /// The picture that was handed over last.
    pictured: Cell<Option<u32>>,
    /// For the driver.
    last: RefCell<Option<Panel>>,
}

thread_local! {
    /// The one screen of this process, on the thread of the event loop. Slint's closures from other
    /// threads cannot carry an `Rc`.
    static SCREEN: RefCell<Option<Rc<Screen>>> = const { RefCell::new(None) };
}

impl Screen {
    pub(crate) fn new(app: &ui::App) -> Screen {
        let screen = Screen {
            meetings: Rc::default(),
            entries: Rc::default(),
            people: Rc::default(),
            lobby: Rc::default(),
            language: Cell::new(None),
            clock: Timer::default(),
            zone: Cell::new(None),
            daemon: RefCell::new(None),
            pictured: Cell::new(None),
            last: RefCell::new(None),
        };
        let shown = app.global::<ui::Shown>();
        shown.set_meetings(ModelRc::from(Rc::clone(&screen.meetings)));
        shown.set_directory(ModelRc::from(Rc::clone(&screen.entries)));
        shown.set_people(ModelRc::from(Rc::clone(&screen.people)));
        shown.set_lobby(ModelRc::from(Rc::clone(&screen.lobby)));
        app.global::<ui::Say>().set_w(words::before_any_language());
        screen
    }
}

/// The last panel that came, for the driver.
#[cfg(feature = "driver")]
pub(crate) fn last_panel() -> Option<Panel> {
    SCREEN.with_borrow(|screen| screen.as_ref().and_then(|screen| screen.last.borrow().clone()))
}

/// Connects fingers with the daemon and starts the clock.
pub(crate) fn attach(app: &ui::App, screen: Rc<Screen>, daemon: Daemon) {
    let taps = app.global::<ui::Taps>();
    taps.on_did({
        let daemon = daemon.clone();
        move |did| daemon.send(&tap(did))
    });
    taps.on_digit({
        let daemon = daemon.clone();
        move |digit| {
            if let Ok(digit) = u8::try_from(digit) {
                daemon.send(&Tap::Digit { digit });
            }
        }
    });
    taps.on_let_in({
        let daemon = daemon.clone();
        move |who| {
            if let Ok(participant) = who.parse() {
                daemon.send(&Tap::LetIn { participant });
            }
        }
    });
    taps.on_turn_away({
        let daemon = daemon.clone();
        move |who| {
            if let Ok(participant) = who.parse() {
                daemon.send(&Tap::TurnAway { participant });
            }
        }
    });
    screen.daemon.replace(Some(daemon.clone()));
    taps.on_choose(move |number| {
        // The number came from a panel, so it is one; anything else is not worth sending.
        if let Ok(number) = number.parse::<VmrNumber>() {
            daemon.send(&Tap::Choose { number });
        }
    });

    let weak = app.as_weak();
    screen.clock.start(TimerMode::Repeated, CLOCK_PERIOD, move || {
        if let Some(app) = weak.upgrade() {
            show_clock(&app);
        }
    });
    show_clock(app);
    SCREEN.set(Some(screen));
}

fn tap(did: ui::Did) -> Tap {
    match did {
        ui::Did::JoinWithNumber => Tap::JoinWithNumber,
        ui::Did::Delete => Tap::Delete,
        ui::Did::Join => Tap::Join,
        ui::Did::Back => Tap::Back,
        ui::Did::Microphone => Tap::Microphone,
        ui::Did::Camera => Tap::Camera,
        ui::Did::Louder => Tap::Volume { louder: true },
        ui::Did::Softer => Tap::Volume { louder: false },
        ui::Did::Layout => Tap::Layout,
        ui::Did::People => Tap::People,
        ui::Did::Leave => Tap::Leave,
        ui::Did::LetAllIn => Tap::LetAllIn,
        ui::Did::Dismiss => Tap::Dismiss,
        ui::Did::Wake => Tap::Wake,
        ui::Did::Reset => Tap::Reset,
        ui::Did::Erase => Tap::Erase,
        ui::Did::Restart => Tap::Restart,
        ui::Did::Install => Tap::Install,
        ui::Did::French => Tap::Language(LanguageTap { language: Language::French }),
        ui::Did::English => Tap::Language(LanguageTap { language: Language::English }),
    }
}

/// Draws what was seen.
pub(crate) fn show(app: &ui::App, seen: &Seen) {
    SCREEN.with_borrow(|screen| {
        let Some(screen) = screen else { return };
        match seen {
            Seen::Away => show_away(app, screen),
            Seen::Panel(panel) => show_panel(app, screen, panel),
        }
    });
    show_clock(app);
}

/// The daemon is gone: nothing of what it said is left but the language.
fn show_away(app: &ui::App, screen: &Screen) {
    let language = screen.language.get();
    app.global::<ui::Say>().set_w(match language {
        Some(language) => words::words(language),
        None => words::before_any_language(),
    });
    screen.last.replace(None);
    // Another daemon counts anew.
    screen.pictured.set(None);
    let nothing = Panel {
        language: language.unwrap_or_default(),
        room: None,
        serial: String::new(),
        link: LinkState::Connecting,
        camera: Health::Missing,
        microphone: Health::Missing,
        screen: Showing::Starting,
        notice: None,
        asleep: false,
        identify: false,
        brightness: 100,
        time_zone: None,
        development: false,
        look: None,
    };
    draw(app, screen, &nothing);
    app.global::<ui::Shown>().set_page(ui::Page::Away);
}

fn show_panel(app: &ui::App, screen: &Screen, panel: &Panel) {
    if screen.language.replace(Some(panel.language)) != Some(panel.language)
        || app.global::<ui::Shown>().get_page() == ui::Page::Away
    {
        app.global::<ui::Say>().set_w(words::words(panel.language));
    }
    draw(app, screen, panel);
    app.global::<ui::Shown>().set_page(match panel.screen {
        _ if panel.identify => ui::Page::Identify,
        _ if panel.asleep => ui::Page::Asleep,
        Showing::Starting => ui::Page::Starting,
        Showing::Activation { .. } => ui::Page::Activation,
        Showing::Idle { .. } => ui::Page::Idle,
        Showing::Number { .. } => ui::Page::Number,
        Showing::Pin { .. } => ui::Page::Pin,
        Showing::Connecting { .. } => ui::Page::Connecting,
        Showing::Lobby { .. } => ui::Page::Lobby,
        Showing::InCall(_) => ui::Page::Call,
        Showing::ResetCode { .. } => ui::Page::ResetCode,
        Showing::ResetConfirm { .. } => ui::Page::ResetConfirm,
        Showing::Resetting => ui::Page::Resetting,
        Showing::ResetReceipt(_) => ui::Page::Receipt,
        Showing::Stick { .. } => ui::Page::Stick,
    });
    screen.last.replace(Some(panel.clone()));
    if let Some(Look::Picture { number }) = panel.look
        && screen.pictured.replace(Some(number)) != Some(number)
        && let Some(daemon) = screen.daemon.borrow().clone()
    {
        picture::hand_over(app, daemon, number);
    }
}

fn draw(app: &ui::App, screen: &Screen, panel: &Panel) {
    let shown = app.global::<ui::Shown>();
    let language = panel.language;
    shown.set_french(language == Language::French);
    shown.set_room(panel.room.as_ref().map(|room| room.as_str()).unwrap_or_default().into());
    shown.set_serial(panel.serial.as_str().into());
    shown.set_link(match panel.link {
        LinkState::Up => ui::Link::Up,
        LinkState::Connecting => ui::Link::Connecting,
        LinkState::Lost { .. } => ui::Link::Lost,
    });
    shown.set_link_word(words::link_word(language, panel.link).into());
    shown
        .set_link_sentence(words::link_sentence(language, panel.link, panel.room.is_some()).into());
    shown.set_camera_works(panel.camera == Health::Working);
    shown.set_microphone_works(panel.microphone == Health::Working);
    shown.set_development(panel.development);
    shown.set_dimmed(dimmed(panel.brightness));
    shown.set_takes_numbers(matches!(panel.screen, Showing::Idle { numbers: true, .. }));
    let zone = panel.time_zone.as_ref().and_then(|name| name.as_str().parse().ok());
    screen.zone.set(zone);
    shown.set_notice(match panel.notice {
        None => ui::Warning::default(),
        Some(notice) => {
            let (urgency, title, text) = words::notice(language, notice);
            ui::Warning { urgency, title: title.into(), text: text.into() }
        }
    });
    shown.set_look(match panel.look {
        None => ui::Warning::default(),
        Some(look) => {
            let (title, text) = words::look(language, look);
            ui::Warning { urgency: ui::Urgency::Heed, title: title.into(), text: text.into() }
        }
    });
    draw_activation(&shown, panel);
    draw_pad(&shown, panel);
    draw_meeting(&shown, panel);
    draw_reset(&shown, panel);
    draw_stick(&shown, panel);

    let (meetings, entries) = match &panel.screen {
        Showing::Idle { meetings, directory, .. } => (meetings.as_slice(), directory.as_slice()),
        _ => (&[][..], &[][..]),
    };
    mend(&screen.meetings, meetings.iter().map(|meeting| meeting_line(language, meeting)));
    mend(
        &screen.entries,
        entries.iter().map(|entry| ui::Entry {
            number: entry.number.as_str().into(),
            shown: grouped(entry.number.as_str()).into(),
            name: entry.name.as_str().into(),
            pin: entry.pin,
            now: false,
        }),
    );
    let nobody = InCallView::default();
    let call = match &panel.screen {
        Showing::InCall(call) => InCallView::of(language, call),
        Showing::Lobby { health, .. } => InCallView {
            health: shown_health(*health),
            health_sentence: words::lobby_health(language, *health),
            ..nobody
        },
        _ => nobody,
    };
    draw_call(&shown, &call);
    mend(&screen.lobby, call.lobby);
    mend(&screen.people, call.people);
}

fn meeting_line(language: Language, meeting: &Meeting) -> ui::Entry {
    let time = |at: UnixTime| {
        let at = DateTime::from_timestamp(i64::try_from(at.0).unwrap_or(0), 0).unwrap_or_default();
        let at = on_the_wall(at);
        format!("{:02}:{:02}", at.hour(), at.minute())
    };
    let (from, until) = (time(meeting.starts_at), time(meeting.ends_at));
    let mut shown = words::meeting_time(language, meeting.now, &from, &until);
    if let Some(organiser) = &meeting.organiser {
        shown = format!("{shown} · {organiser}");
    }
    let title = meeting.title.as_ref();
    ui::Entry {
        // Without one the row is no button.
        number: meeting.number.as_ref().map_or("", VmrNumber::as_str).into(),
        shown: shown.into(),
        name: title.map_or_else(|| words::taken(language), DisplayName::as_str).into(),
        pin: false,
        now: meeting.now,
    }
}

fn draw_activation(shown: &ui::Shown<'_>, panel: &Panel) {
    let (code, left, total) = match &panel.screen {
        Showing::Activation { code, seconds_left, seconds_total } => (
            code.as_ref().map(ToString::to_string).unwrap_or_default(),
            *seconds_left,
            *seconds_total,
        ),
        _ => (String::new(), 0, 0),
    };
    shown.set_code(code.into());
    shown.set_code_share(if total == 0 { 0.0 } else { (left as f32 / total as f32).min(1.0) });
    shown.set_code_time(words::code_time(panel.language, left).into());
}

fn draw_pad(shown: &ui::Shown<'_>, panel: &Panel) {
    let (typed, dots, complete, trouble) = match &panel.screen {
        Showing::Number { typed, complete, trouble } => {
            // No number is longer; a longer text would only spoil the picture.
            let typed: String = typed.chars().take(VmrNumber::LONGEST).collect();
            (grouped(&typed), 0, *complete, *trouble)
        }
        Showing::Pin { typed, complete, trouble, .. } => {
            (String::new(), (*typed).min(12), *complete, *trouble)
        }
        Showing::ResetCode { typed, complete, trouble } => {
            (String::new(), (*typed).min(12), *complete, *trouble)
        }
        _ => (String::new(), 0, false, None),
    };
    shown.set_typed(typed.into());
    shown.set_dots(dots.into());
    shown.set_complete(complete);
    shown.set_waiting(matches!(trouble, Some(Trouble::Wait { .. })));
    let sentence = trouble.map(|trouble| words::trouble(panel.language, trouble));
    shown.set_trouble(sentence.unwrap_or_default().into());
}

fn draw_meeting(shown: &ui::Shown<'_>, panel: &Panel) {
    let (name, number) = match &panel.screen {
        Showing::Pin { number, name, .. } | Showing::Connecting { number, name } => {
            (name.as_ref(), Some(number))
        }
        Showing::Lobby { number, name, .. } => (Some(name), Some(number)),
        Showing::InCall(call) => (Some(&call.name), Some(&call.number)),
        _ => (None, None),
    };
    shown.set_meeting(name.map(|name| name.as_str()).unwrap_or_default().into());
    shown.set_meeting_number(
        number.map(|number| grouped(number.as_str())).unwrap_or_default().into(),
    );
}

fn draw_reset(shown: &ui::Shown<'_>, panel: &Panel) {
    let language = panel.language;
    let (time, receipt) = match &panel.screen {
        Showing::ResetConfirm { seconds_left } => {
            (words::question_time(language, *seconds_left), ui::Receipt::default())
        }
        Showing::ResetReceipt(receipt) => {
            (words::restart_time(language, receipt.restart_in_s), receipt_lines(language, receipt))
        }
        _ => (String::new(), ui::Receipt::default()),
    };
    shown.set_reset_time(time.into());
    shown.set_receipt(receipt);
}

fn draw_stick(shown: &ui::Shown<'_>, panel: &Panel) {
    let Showing::Stick { step } = panel.screen else {
        return shown.set_stick(ui::Stick { percent: -1, ..ui::Stick::default() });
    };
    let (title, text) = words::stick(panel.language, step);
    let percent = match step {
        StickStep::Copying { percent } | StickStep::Installing { percent } => i32::from(percent),
        StickStep::Ask { .. } | StickStep::Unusable { .. } | StickStep::Restarting => -1,
    };
    shown.set_stick(ui::Stick {
        title: title.into(),
        text: text.into(),
        asks: matches!(step, StickStep::Ask { .. }),
        closes: matches!(step, StickStep::Ask { .. } | StickStep::Unusable { .. }),
        percent,
    });
}

fn receipt_lines(language: Language, receipt: &ResetReceipt) -> ui::Receipt {
    let (title, what) = words::erased(language, receipt.erased);
    let number = receipt.number.map(|number| number.to_string()).unwrap_or_default();
    ui::Receipt {
        erased: receipt.erased != Erased::Nothing,
        title: title.into(),
        number: number.as_str().into(),
        room: receipt.room.as_ref().map(|room| room.as_str()).unwrap_or_default().into(),
        when: moment(receipt.at).into(),
        what: what.into(),
        serial: receipt.serial.as_str().into(),
        key: receipt.key.as_str().into(),
        noted: words::noted(language, receipt.number.is_some(), receipt.noted).into(),
    }
}

/// `2026-11-22 17:50 UTC`, as the cloud's command line writes it.
fn moment(at: UnixTime) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|at| DateTime::from_timestamp(at, 0));
    moment.map_or("?".to_owned(), |moment| moment.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// A call in words.
struct InCallView {
    duration: String,
    people: Vec<ui::Person>,
    lobby: Vec<ui::Waiter>,
    lobby_sentence: String,
    count: String,
    title: String,
    speaking: String,
    microphone: bool,
    camera: bool,
    volume: String,
    grid: bool,
    people_open: bool,
    health: ui::Health,
    health_sentence: &'static str,
}

impl Default for InCallView {
    fn default() -> InCallView {
        InCallView {
            duration: String::new(),
            people: Vec::new(),
            lobby: Vec::new(),
            lobby_sentence: String::new(),
            count: String::new(),
            title: String::new(),
            speaking: String::new(),
            microphone: true,
            camera: true,
            volume: String::new(),
            grid: true,
            people_open: false,
            health: ui::Health::Good,
            health_sentence: "",
        }
    }
}

impl InCallView {
    fn of(language: Language, call: &InCall) -> InCallView {
        let speaker = call.participants.iter().find(|person| person.speaking);
        InCallView {
            duration: duration(call.seconds),
            people: call
                .participants
                .iter()
                .map(|person| ui::Person {
                    name: person.name.as_str().into(),
                    microphone: person.microphone.is_on(),
                    camera: person.camera.is_on(),
                    speaking: person.speaking,
                    me: person.me,
                })
                .collect(),
            lobby: call
                .lobby
                .iter()
                .map(|waiter| ui::Waiter {
                    who: waiter.participant.to_string().into(),
                    name: waiter.name.as_str().into(),
                })
                .collect(),
            lobby_sentence: words::who_waits(
                language,
                &call.lobby.iter().map(|waiter| waiter.name.as_str()).collect::<Vec<_>>(),
            ),
            count: call.participants.len().to_string(),
            title: words::people_title(language, call.participants.len()),
            speaking: speaker
                .map(|person| words::speaking(language, person.name.as_str()))
                .unwrap_or_default(),
            microphone: call.microphone.is_on(),
            camera: call.camera.is_on(),
            volume: words::volume(language, call.volume.min(100)),
            grid: call.layout == Layout::Grid,
            people_open: call.people_open,
            health: shown_health(call.health),
            health_sentence: words::call_health(language, call.health),
        }
    }
}

fn shown_health(health: CallHealth) -> ui::Health {
    match health {
        CallHealth::Good => ui::Health::Good,
        CallHealth::LinkLost => ui::Health::LinkLost,
        CallHealth::Rejoining => ui::Health::Rejoining,
    }
}

fn draw_call(shown: &ui::Shown<'_>, call: &InCallView) {
    if shown.get_duration().text != call.duration.as_str() {
        shown.set_duration(figured(&call.duration));
    }
    shown.set_lobby_sentence(call.lobby_sentence.as_str().into());
    shown.set_people_count(call.count.as_str().into());
    shown.set_people_title(call.title.as_str().into());
    shown.set_speaking(call.speaking.as_str().into());
    shown.set_microphone(call.microphone);
    shown.set_camera(call.camera);
    shown.set_volume(call.volume.as_str().into());
    shown.set_grid(call.grid);
    shown.set_people_open(call.people_open);
    shown.set_health(call.health);
    shown.set_health_sentence(call.health_sentence.into());
}

/// Reads the local time; the one thing that the panel knows by itself.
fn show_clock(app: &ui::App) {
    let now = on_the_wall(Utc::now());
    let shown = app.global::<ui::Shown>();
    let clock = format!("{:02}:{:02}", now.hour(), now.minute());
    if shown.get_clock().text != clock.as_str() {
        shown.set_clock(figured(&clock));
    }
    let language = if shown.get_french() { Language::French } else { Language::English };
    let weekday = now.weekday().num_days_from_monday() as usize;
    shown.set_date(words::date(language, weekday, now.day(), now.month0() as usize).into());
}

/// How much of a colour's value is taken away so that a share of its light is left: screens turn values into light
/// by a power of about 2.2 (IEC 61966-2-1).
fn dimmed(percent: u8) -> f32 {
    1.0 - (f32::from(percent.clamp(20, 100)) / 100.0).powf(1.0 / 2.2)
}

/// What a clock in the room shows then.
fn on_the_wall(at: DateTime<Utc>) -> NaiveDateTime {
    let zone = SCREEN.with_borrow(|screen| screen.as_ref().and_then(|screen| screen.zone.get()));
    match zone {
        Some(zone) => at.with_timezone(&zone).naive_local(),
        None => at.with_timezone(&Local).naive_local(),
    }
}

/// Makes `model` equal to `lines` by touching only what differs.
fn mend<T: Clone + PartialEq + 'static>(model: &VecModel<T>, lines: impl IntoIterator<Item = T>) {
    let mut count = 0;
    for (at, line) in lines.into_iter().enumerate() {
        match model.row_data(at) {
            Some(old) if old == line => {}
            Some(_) => model.set_row_data(at, line),
            None => model.push(line),
        }
        count = at + 1;
    }
    while model.row_count() > count {
        model.remove(model.row_count() - 1);
    }
}

fn figured(text: &str) -> ui::Figured {
    let glyphs: VecModel<SharedString> =
        text.chars().map(|glyph| SharedString::from(glyph.to_string())).collect();
    ui::Figured { text: text.into(), glyphs: ModelRc::new(glyphs) }
}

/// Digits in groups of three from the left, as they are typed. Up to four stay together, and no
/// digit is left alone at the end: `4711`, `100 200`, `100 20 04`.
fn grouped(digits: &str) -> String {
    let mut rest: Vec<char> = digits.chars().collect();
    let mut groups: Vec<String> = Vec::new();
    while !rest.is_empty() {
        let take = match (groups.is_empty(), rest.len()) {
            (true, 4) => 4,
            (_, 4) => 2,
            (_, left) => left.min(3),
        };
        groups.push(rest.drain(..take).collect());
    }
    groups.join(&words::NBSP.to_string())
}

/// A span of seconds as `12:05` or `1:02:05`.
fn duration(seconds: u32) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes:02}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_groups_of_three() {
        assert_eq!(grouped("100200"), "100\u{a0}200");
        assert_eq!(grouped("4711"), "4711");
        assert_eq!(grouped("47110"), "471\u{a0}10");
        assert_eq!(grouped("1234567"), "123\u{a0}45\u{a0}67");
        assert_eq!(grouped("123456789012"), "123\u{a0}456\u{a0}789\u{a0}012");
        assert_eq!(grouped(""), "");
    }

    #[test]
    fn a_moment_is_written_as_the_command_line_writes_it() {
        assert_eq!(moment(UnixTime(1_795_369_800)), "2026-11-22 17:50 UTC");
        assert_eq!(moment(UnixTime(u64::MAX)), "?");
    }

    #[test]
    fn a_duration_shows_hours_only_once_there_are_some() {
        assert_eq!(duration(0), "00:00");
        assert_eq!(duration(725), "12:05");
        assert_eq!(duration(3725), "1:02:05");
    }

    #[test]
    fn mending_a_list_leaves_untouched_lines_alone() {
        let model = VecModel::from(vec![1, 2, 3]);
        mend(&model, [1, 5]);
        assert_eq!(model.iter().collect::<Vec<_>>(), [1, 5]);
        mend(&model, [1, 5, 6, 7]);
        assert_eq!(model.iter().collect::<Vec<_>>(), [1, 5, 6, 7]);
        mend(&model, []);
        assert_eq!(model.row_count(), 0);
    }
}

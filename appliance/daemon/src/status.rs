//! `status.json` in the data folder: the room at a glance, for support and for the tests that put
//! real rooms on a stage. Rewritten once a second, whole or not at all. It holds no secret.

use conclave_board::description::BoardName;
use conclave_call::{Health, State};
use conclave_link_protocol::message::UpdateReport;
use conclave_media::MediaReport;
use conclave_panel_api::{LinkState, Screen};
use conclave_room::Room;
use conclave_room::board::{Heat, Light, Presence};
use conclave_types::{CallId, DisplayName, ParticipantId, Time, VmrNumber};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Serialize)]
struct Status<'a> {
    software: &'static str,
    room: Option<&'a DisplayName>,
    link: LinkState,
    screen: Screen,
    asleep: bool,
    call: Option<CallStatus<'a>>,
    media: MediaReport,
    update: Option<UpdateReport>,
    /// `null` where the configuration names none.
    board: Option<BoardStatus<'a>>,
}

#[derive(Serialize)]
struct BoardStatus<'a> {
    name: &'a str,
    light: &'static str,
    /// `null` where no sensor has said anything.
    presence: Option<&'static str>,
    /// `null` while it is not too hot.
    heat: Option<&'static str>,
    /// Parts that do not work, and why.
    missing: BTreeMap<&'static str, &'a str>,
}

impl<'a> BoardStatus<'a> {
    fn of(name: &'a BoardName, room: &'a Room) -> BoardStatus<'a> {
        let known = room.board();
        BoardStatus {
            name: name.as_str(),
            light: match room.light() {
                Light::Off => "off",
                Light::Green => "green",
                Light::Red => "red",
            },
            presence: known.presence.map(|presence| match presence {
                Presence::Somebody => "somebody",
                Presence::Nobody => "nobody",
            }),
            heat: known.heat.map(|heat| match heat {
                Heat::Hot => "hot",
                Heat::VeryHot => "very_hot",
            }),
            missing: known.missing.iter().map(|(part, why)| (part.name(), why.as_str())).collect(),
        }
    }
}

#[derive(Serialize)]
struct CallStatus<'a> {
    call: CallId,
    number: &'a VmrNumber,
    me: ParticipantId,
    revision: u64,
    health: &'static str,
}

/// What it says now.
pub(crate) fn of(
    now: Time,
    room: &Room,
    media: MediaReport,
    update: Option<UpdateReport>,
    board: Option<&BoardName>,
) -> serde_json::Result<serde_json::Value> {
    let panel = room.panel(now);
    let call = match room.call() {
        State::Up(up) => Some(CallStatus {
            call: up.call,
            number: &up.number,
            me: up.me,
            revision: up.roster.revision,
            health: match up.health {
                Health::Good => "good",
                Health::LinkLost => "link_lost",
                Health::Rejoining => "rejoining",
            },
        }),
        _ => None,
    };
    let status = Status {
        software: concat!("conclave-roomd ", env!("CARGO_PKG_VERSION")),
        room: room.name(),
        link: panel.link,
        screen: match panel.screen {
            // The code opens the door to whoever reads it.
            Screen::Activation { seconds_left, seconds_total, .. } => {
                Screen::Activation { code: None, seconds_left, seconds_total }
            }
            Screen::Number { complete, trouble, .. } => {
                Screen::Number { typed: String::new(), complete, trouble }
            }
            other => other,
        },
        asleep: panel.asleep,
        call,
        media,
        update,
        board: board.map(|name| BoardStatus::of(name, room)),
    };
    serde_json::to_value(&status)
}

/// Writes it beside its place and then moves it there, so that nobody reads half of it.
pub(crate) fn write(path: &Path, status: &serde_json::Value) -> anyhow::Result<()> {
    let beside = path.with_extension("json.new");
    std::fs::write(&beside, serde_json::to_vec_pretty(status)?)?;
    std::fs::rename(&beside, path)?;
    Ok(())
}

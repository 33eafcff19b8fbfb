//! `status.json` in the data folder: the room at a glance, for support and for the tests that put
//! real rooms on a stage. Rewritten once a second, whole or not at all. It holds no secret.

use conclave_call::{Health, State};
use conclave_link_protocol::message::UpdateReport;
use conclave_media::MediaReport;
use conclave_panel_api::{LinkState, Screen};
use conclave_room::Room;
use conclave_types::{CallId, DisplayName, ParticipantId, Time, VmrNumber};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Status<'a> {
    software: &'static str,
    room: Option<&'a DisplayName>,
    link: LinkState,
    screen: Screen,
    call: Option<CallStatus<'a>>,
    media: MediaReport,
    update: Option<UpdateReport>,
}

#[derive(Serialize)]
struct CallStatus<'a> {
    call: CallId,
    number: &'a VmrNumber,
    me: ParticipantId,
    revision: u64,
    health: &'static str,
}

/// Writes the status beside its place and then moves it there, so that nobody reads half of it.
pub(crate) fn write(
    path: &Path,
    now: Time,
    room: &Room,
    media: MediaReport,
    update: Option<UpdateReport>,
) -> anyhow::Result<()> {
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
        call,
        media,
        update,
    };
    let beside = path.with_extension("json.new");
    std::fs::write(&beside, serde_json::to_vec_pretty(&status)?)?;
    std::fs::rename(&beside, path)?;
    Ok(())
}

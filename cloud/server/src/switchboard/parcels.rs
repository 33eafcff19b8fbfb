//! What rooms send when they are asked to: their logs, a picture of their panel.
//!
//! 1. An order is given ([`super::orders`]); the room hands over what it wants piece by piece, each after the one before
//!    it was taken.
//! 2. What is whole is kept as a file by the shell, and the order is done.
//! 3. Whoever may have it sent may look at it until its time is over. The next start of the cloud knows of none.

use super::admin::Answered;
use super::refused::Refused;
use super::{ControlId, LinkId, Output, RequestId, Switchboard, Topic};
use crate::control::{Octets, OrderState, ParcelKind, ParcelLine, RefusalCode};
use conclave_link_protocol::message::{Delivery, LONGEST_DELIVERY, Order, Response};
use conclave_types::{OrganisationId, RoomId, Time, UnixTime};
use std::collections::BTreeMap;
use std::time::Duration;

/// Rooms that send at once. Each takes 1 MiB of memory at most.
const MOST_COMING: usize = 16;

/// Parcels that are kept; then the oldest goes. 64 MiB of the disk at most: nobody looks after more rooms in a day.
const MOST_KEPT: usize = 64;

/// Logs are kept for a day: whoever asked for them looks at them on the same one.
const LOGS_KEPT: Duration = Duration::from_secs(86_400);

/// A picture is kept for ten minutes: it shows what somebody sees, and is looked at now or never.
const PICTURE_KEPT: Duration = Duration::from_secs(600);

/// How a PNG begins (ISO/IEC 15948, 5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What a parcel is known by: of each kind, a room has one.
pub(super) type ParcelId = (RoomId, ParcelKind);

/// One that comes in.
#[derive(Debug)]
struct Coming {
    number: u32,
    total: u32,
    octets: Octets,
}

/// One that is here.
#[derive(Debug, Clone, Copy)]
struct Kept {
    at: UnixTime,
    until: UnixTime,
    /// The same on the clock that is never set.
    ends: Time,
    size: u32,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Parcels {
    coming: BTreeMap<RoomId, Coming>,
    kept: BTreeMap<ParcelId, Kept>,
}

impl Parcels {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.kept.values().map(|kept| kept.ends).min()
    }

    /// Nothing more comes of what this room sends.
    pub(super) fn given_up(&mut self, room: RoomId) {
        self.coming.remove(&room);
    }
}

/// What an order brings, if it brings something.
pub(super) fn brings(order: Order) -> Option<ParcelKind> {
    match order {
        Order::Logs => Some(ParcelKind::Logs),
        Order::PanelPicture => Some(ParcelKind::PanelPicture),
        Order::Identify | Order::Restart | Order::Other => None,
    }
}

fn life(what: ParcelKind) -> Duration {
    match what {
        ParcelKind::Logs => LOGS_KEPT,
        ParcelKind::PanelPicture => PICTURE_KEPT,
    }
}

impl Switchboard {
    /// A room hands over a piece.
    pub(super) fn piece_came(
        &mut self,
        link: LinkId,
        id: RequestId,
        room: RoomId,
        delivery: Delivery,
    ) {
        let response = match self.take_piece(room, delivery) {
            Ok(()) => Response::Done,
            Err(reason) => Response::Failed { reason: reason.to_owned() },
        };
        self.respond(link, id, response);
    }

    fn take_piece(&mut self, room: RoomId, delivery: Delivery) -> Result<(), &'static str> {
        let Delivery { number, offset, total, piece } = delivery;
        let Some(what) = self.order_awaits(room, number) else {
            self.parcels.coming.remove(&room);
            return Err("nobody waits for this");
        };
        let coming = &mut self.parcels.coming;
        if offset == 0 {
            coming.remove(&room);
            if !(1..=LONGEST_DELIVERY).contains(&total) {
                return Err("this is longer than is ever taken");
            }
            if coming.len() >= MOST_COMING {
                self.order_became(room, Some(number), OrderState::NotKept);
                return Err("too many rooms send at once");
            }
            coming.insert(room, Coming { number, total, octets: Octets(Vec::new()) });
        }
        let fits = |one: &&mut Coming| {
            let here = u32::try_from(one.octets.0.len()).ok();
            let length = u32::try_from(piece.0.len()).ok().filter(|length| *length > 0);
            let ends = here.zip(length).and_then(|(here, length)| here.checked_add(length));
            one.number == number
                && one.total == total
                && here == Some(offset)
                && ends.is_some_and(|ends| ends <= total)
        };
        let Some(one) = coming.get_mut(&room).filter(fits) else {
            coming.remove(&room);
            self.order_became(room, Some(number), OrderState::Failed);
            return Err("this does not follow the piece before it");
        };
        one.octets.0.extend_from_slice(&piece.0);
        if one.octets.0.len() < total as usize {
            self.order_is_heard(room);
            return Ok(());
        }
        let Some(Coming { octets, .. }) = coming.remove(&room) else { return Ok(()) };
        if what == ParcelKind::PanelPicture && !octets.0.starts_with(PNG) {
            self.order_became(room, Some(number), OrderState::Failed);
            return Err("this is no picture");
        }
        self.order_is_heard(room);
        self.outputs.push_back(Output::KeepParcel { room, what, number, octets });
        Ok(())
    }

    /// [`Output::KeepParcel`] is done, or could not be: how many octets there are.
    pub(super) fn parcel_kept(&mut self, (room, what): ParcelId, number: u32, size: Option<u32>) {
        let Some(size) = size else {
            self.order_became(room, Some(number), OrderState::NotKept);
            return;
        };
        // The room was shut out meanwhile, or something newer is wanted: what is shown of the order and what is here agree.
        if self.order_awaits(room, number) != Some(what) {
            self.parcels.kept.remove(&(room, what));
            self.outputs.push_back(Output::DropParcel { room, what });
            return;
        }
        let life = life(what);
        let (until, ends) = (self.wall.after(life), self.now + life);
        self.parcels.kept.insert((room, what), Kept { at: self.wall, until, ends, size });
        while self.parcels.kept.len() > MOST_KEPT {
            let oldest = self.parcels.kept.iter().min_by_key(|(_, kept)| kept.at);
            let Some((&oldest, _)) = oldest else { break };
            self.drop_parcel(oldest);
        }
        self.order_became(room, Some(number), OrderState::Done);
        self.room_changed(room, &[Topic::Rooms]);
    }

    pub(super) fn drop_old_parcels(&mut self) {
        let over: Vec<ParcelId> = self
            .parcels
            .kept
            .iter()
            .filter(|(_, kept)| kept.ends <= self.now)
            .map(|(id, _)| *id)
            .collect();
        over.into_iter().for_each(|id| self.drop_parcel(id));
    }

    fn drop_parcel(&mut self, (room, what): ParcelId) {
        if self.parcels.kept.remove(&(room, what)).is_some() {
            self.outputs.push_back(Output::DropParcel { room, what });
            self.room_changed(room, &[Topic::Rooms]);
        }
    }

    /// The room is nobody's any more.
    pub(super) fn parcels_gone(&mut self, room: RoomId) {
        self.parcels.coming.remove(&room);
        for what in [ParcelKind::Logs, ParcelKind::PanelPicture] {
            self.drop_parcel((room, what));
        }
    }

    /// Somebody wants to have it: the shell answers, with what is in the file.
    pub(super) fn show_parcel(
        &mut self,
        id: ControlId,
        whose: OrganisationId,
        called: &str,
        what: ParcelKind,
    ) -> Result<(), Refused> {
        let room = self.find_room(whose, called)?;
        let Some(parcel) = self.parcel_line((room.id, what)) else {
            return Err(Refused::with(
                RefusalCode::Gone,
                format!(
                    "nothing of that kind is here of the room '{}': have it sent first",
                    room.name
                ),
            ));
        };
        self.outputs.push_back(Output::AnswerParcel { id, room: room.id, parcel });
        Ok(())
    }

    /// Has a room send something.
    pub(super) fn fetch(
        &mut self,
        whose: OrganisationId,
        called: &str,
        what: ParcelKind,
    ) -> Answered {
        let order = match what {
            ParcelKind::Logs => Order::Logs,
            ParcelKind::PanelPicture => Order::PanelPicture,
        };
        self.order(whose, called, order)
    }

    fn parcel_line(&self, id: ParcelId) -> Option<ParcelLine> {
        let Kept { at, until, size, .. } = *self.parcels.kept.get(&id)?;
        Some(ParcelLine { what: id.1, at, until, size })
    }

    pub(super) fn parcel_lines(&self, room: RoomId) -> Vec<ParcelLine> {
        let kinds = [ParcelKind::Logs, ParcelKind::PanelPicture];
        kinds.into_iter().filter_map(|what| self.parcel_line((room, what))).collect()
    }
}

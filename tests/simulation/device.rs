//! A fan's device: what it sent, what it received, and what it believes. Whatever it receives has to be so.

use std::collections::BTreeMap;
use std::sync::Arc;

use frontrow::dispatcher::Reply;
use frontrow::domain::command::Command;
use frontrow::domain::ids::{
    ConcertId, ConnectionId, EntryNo, QueueToken, ReservationId, ScheduleId, UserId,
};
use frontrow::domain::record::{Reservation, TokenRecord};
use frontrow::domain::seat_plan::Money;
use frontrow::domain::time::Timestamp;
use frontrow::fanout::{SeatSnapshot, Subscriber};
use frontrow_protocol::push::SeatsUpdate;
use frontrow_protocol::{SeatState, decode_seats};
use tokio::sync::oneshot;

use crate::model::{Moment, SaleModel, SeatNow};

pub struct Device {
    pub user: UserId,
    pub concert: ConcertId,
    /// Polls over HTTP, and has no connection.
    pub polls: bool,
    /// The token that it remembers, also while it is not connected.
    pub token: Option<QueueToken>,
    pub connection: Option<Connection>,
    /// Open requests, by their tags. Those of a connection that is gone will never be answered.
    pub asked: BTreeMap<u32, Asked>,
    pub tags: u32,
}

pub struct Connection {
    pub id: ConnectionId,
    pub node: usize,
    pub subscriber: Arc<Subscriber>,
    /// The time since which the server has said that it knows who is there.
    pub known_since: Option<Timestamp>,
    /// The newest state that it received of each token and reservation, as the number of its version.
    tokens: BTreeMap<EntryNo, usize>,
    positions: BTreeMap<EntryNo, u64>,
    reservations: BTreeMap<ReservationId, usize>,
    pub watched: BTreeMap<ScheduleId, Watched>,
}

/// The seats of a performance as a client keeps them.
pub struct Watched {
    pub version: u64,
    pub seats: Vec<SeatState>,
}

pub struct Asked {
    pub what: What,
    pub node: usize,
    pub sent: Moment,
    pub sent_at: Timestamp,
    /// The place in line that the user had then.
    pub position: Option<(EntryNo, u64)>,
    /// The number of requests that the user had made by then, this one included.
    pub number: u64,
    /// Was no other request of the user under way?
    pub alone: bool,
    /// The channel that the answer to a request over HTTP comes in by.
    pub reply: Option<oneshot::Receiver<Reply>>,
}

#[derive(Clone, Debug)]
pub enum What {
    Sale(Command),
    Charge { amount: Money, request: Box<str> },
}

impl Asked {
    /// The lane that it waits for: that of a sale, or of the wallets.
    pub fn lane(&self, concert: ConcertId) -> Option<ConcertId> {
        matches!(self.what, What::Sale(_)).then_some(concert)
    }
}

impl Connection {
    pub fn new(id: ConnectionId, node: usize, subscriber: Arc<Subscriber>) -> Self {
        Self {
            id,
            node,
            subscriber,
            known_since: None,
            tokens: BTreeMap::new(),
            positions: BTreeMap::new(),
            reservations: BTreeMap::new(),
            watched: BTreeMap::new(),
        }
    }

    /// Has it received no token that was given later?
    pub fn is_new(&self, entry: EntryNo) -> bool {
        self.tokens.last_key_value().is_none_or(|(newest, _)| *newest < entry)
    }

    /// A token's state is durable, and never older than what was received before.
    pub fn received_token(&mut self, model: &SaleModel, record: &TokenRecord) {
        let version = version_of_token(model, record);
        let before = self.tokens.insert(record.entry, version);
        assert!(before.is_none_or(|before| before <= version), "received an older state: {record:?}");
    }

    /// Positions only get better.
    pub fn received_position(&mut self, entry: EntryNo, position: u64) {
        let before = self.positions.insert(entry, position);
        assert!(before.is_none_or(|before| before >= position), "{entry} fell back to {position}");
    }

    /// A reservation's state was so, and is never older than what was received before.
    pub fn received_reservation(&mut self, model: &SaleModel, reservation: &Reservation) {
        let known = self.reservations.get(&reservation.id).copied().unwrap_or(0);
        let Some(version) = model.reservation_version(reservation, known) else {
            assert!(was(model, reservation), "received what never was: {reservation:?}");
            panic!("received an older state: {reservation:?}");
        };
        self.reservations.insert(reservation.id, version);
    }

    pub fn watch(&mut self, schedule: ScheduleId, snapshot: &SeatSnapshot) {
        let seats = decode_seats(&snapshot.seats, snapshot.count).expect("a snapshot can be unpacked");
        let available = seats.iter().filter(|seat| **seat == SeatState::Available).count();
        assert_eq!(available, snapshot.available as usize, "a snapshot counts its own seats");
        self.watched.insert(schedule, Watched { version: snapshot.version, seats });
    }

    /// Gives back whether the client has to watch again.
    pub fn apply(&mut self, update: &SeatsUpdate) -> bool {
        let Some(watched) = self.watched.get_mut(&ScheduleId(update.schedule_id)) else { return false };
        if update.version <= watched.version {
            return false;
        }
        if update.from > watched.version {
            return true;
        }
        for change in &update.changes {
            watched.seats[change.seat as usize] = change.state;
        }
        watched.version = update.version;
        let available = watched.seats.iter().filter(|seat| **seat == SeatState::Available).count();
        assert_eq!(available, update.available as usize, "a delta leaves what it says");
        false
    }
}

pub fn version_of_token(model: &SaleModel, record: &TokenRecord) -> usize {
    model.token_version(record).unwrap_or_else(|| panic!("received what never was: {record:?}"))
}

pub fn was(model: &SaleModel, reservation: &Reservation) -> bool {
    model.reservation_version(reservation, 0).is_some()
}

pub fn seat_now(state: SeatState) -> SeatNow {
    match state {
        SeatState::Available => SeatNow::Free,
        SeatState::TempReserved => SeatNow::Held,
        SeatState::Reserved => SeatNow::Sold,
        SeatState::Restricted => SeatNow::Restricted,
    }
}

//! The sweep compares memory with the store, so that a difference, wherever it came from, does not live long. Every few seconds
//! some rows of each sale are read beside its lane: those whose time is over, and the next page of each table, so that
//! the whole sale is seen in time.
//!
//! Always: like is compared with like. The rows come with the place in the journal up to which they follow it, and are
//! read once that is where memory was when the sweep began; what changed since then is left out: everything else must be the
//! same in the rows and in memory. One read is under way for a lane, and what it remembers meanwhile is bounded.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::running::RunningSale;
use super::tables::Tables;
use crate::domain::event::{Event, Refunded, SeatMoved, SoldAtDesk};
use crate::domain::ids::{ConcertId, EntryNo, ReservationId, ScheduleId, SeatId};
use crate::domain::record::{Reservation, ReservationStatus, TokenRecord};
use crate::domain::sale::Sale;
use crate::domain::seat_map::SeatState;
use crate::domain::time::Timestamp;
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{Reads, StoreError, SweepPage, SweepRows};

pub(super) struct Sweeper {
    store: Arc<dyn Reads>,
    tables: Arc<Tables>,
    metrics: Arc<Metrics>,
    /// The runtime that polls the pooled connections, and so the sweeps.
    home: Handle,
    rows_max: u32,
    /// The number of sweeps that were begun.
    count: u64,
    under_way: Option<UnderWay>,
    rounds: BTreeMap<ConcertId, Round>,
    sender: mpsc::Sender<Swept>,
    receiver: mpsc::Receiver<Swept>,
}

/// The rows of a sweep, or why they could not be read.
pub(super) struct Swept {
    number: u64,
    rows: Result<SweepRows, StoreError>,
}

struct UnderWay {
    number: u64,
    page: SweepPage,
    begun: Timestamp,
    /// The sale's place in its journal when the rows were queried.
    since: u64,
    touched: Touched,
}

/// The rows that changed since they were queried.
#[derive(Default)]
struct Touched {
    tokens: HashSet<EntryNo>,
    reservations: HashSet<ReservationId>,
    seats: HashSet<(ScheduleId, SeatId)>,
}

/// The progress of a sale's sweeps through its tables.
struct Round {
    due: Timestamp,
    /// Holds that should have ended before this sale time were looked at when they were just over, so that a look costs no
    /// more after hours than after minutes, and ending a hold no index.
    holds_overdue_from: Timestamp,
    tokens_from: EntryNo,
    reservations_from: ReservationId,
    seats_from: (ScheduleId, SeatId),
    /// Differences for which the sale was rebuilt, and when.
    rebuilt_for: HashMap<Difference, Timestamp>,
}

/// The row that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    Token(EntryNo),
    Reservation(ReservationId),
    Seat(ScheduleId, SeatId),
}

/// A row and memory differ. The words are for the log, without credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Difference {
    key: Key,
    stored: String,
    remembered: String,
}

impl Sweeper {
    pub fn new(
        store: Arc<dyn Reads>,
        tables: Arc<Tables>,
        metrics: Arc<Metrics>,
        home: Handle,
        rows_max: u32,
    ) -> Self {
        // One sweep is under way; those that were given up may still send something.
        let (sender, receiver) = mpsc::channel(4);
        let rounds = BTreeMap::new();
        Self { store, tables, metrics, home, rows_max, count: 0, under_way: None, rounds, sender, receiver }
    }

    /// Queries the rows of a sale that is due, if none are on their way.
    pub fn begin(&mut self, sales: &BTreeMap<ConcertId, RunningSale>, now: Timestamp) {
        if self.under_way.as_ref().is_some_and(|way| now.since(way.begun) < limits::SWEEP_PATIENCE) {
            return;
        }
        self.under_way = None;
        let due = sales.iter().find(|(concert, running)| {
            let beginning = || Round::beginning(now, running.standing().sale);
            self.rounds.entry(**concert).or_insert_with(beginning).due <= now
        });
        let Some((concert, running)) = due else { return };
        let Some(round) = self.rounds.get_mut(concert) else { return };
        round.due = now + limits::SWEEP_INTERVAL;
        let schedule = round.seats_from.0;
        if running.sale.seats_of(schedule).is_none() {
            let first = running.sale.schedules().next().map_or(schedule, |(first, _)| first);
            round.seats_from = (first, SeatId(0));
        }
        let page = SweepPage {
            concert: *concert,
            holds_overdue_from: round.holds_overdue_from,
            overdue_before: running.standing().sale - limits::SWEEP_MARGIN,
            tokens_from: round.tokens_from,
            reservations_from: round.reservations_from,
            seats_from: round.seats_from,
            rows_max: self.rows_max,
        };
        self.count += 1;
        let number = self.count;
        let (since, touched) = (running.journal.seq, Touched::default());
        self.under_way = Some(UnderWay { number, page, begun: now, since, touched });
        let (store, tables, sender) = (self.store.clone(), self.tables.clone(), self.sender.clone());
        self.home.spawn(async move {
            // What was not in the tables when the sweep began would look like a difference.
            tables.have(&[(page.concert, since)]).await;
            let rows = store.sweep(&page).await;
            // Nobody compares any more if the lane has stopped.
            let _ = sender.send(Swept { number, rows }).await;
        });
    }

    /// Waits for rows.
    pub async fn wait(&mut self) -> Option<Swept> {
        self.receiver.recv().await
    }

    /// Whether there are rows to compare.
    pub fn has_news(&self) -> bool {
        !self.receiver.is_empty()
    }

    pub fn take(&mut self) -> Option<Swept> {
        self.receiver.try_recv().ok()
    }

    /// These events of the sale were committed.
    pub fn note(&mut self, concert: ConcertId, events: &[Event]) {
        let Some(way) = self.under_way.as_mut().filter(|way| way.page.concert == concert) else { return };
        events.iter().for_each(|event| way.touched.add(event));
        if way.touched.len() > limits::SWEEP_TOUCHED_MAX {
            self.under_way = None;
        }
    }

    /// The sale is not in memory any more.
    pub fn forget(&mut self, concert: ConcertId) {
        self.under_way.take_if(|way| way.page.concert == concert);
    }

    /// Compares rows that came, between batches only: memory is what was committed. Returns the sale that has to be rebuilt,
    /// if any.
    pub fn compare(
        &mut self,
        swept: Swept,
        sales: &BTreeMap<ConcertId, RunningSale>,
        now: Timestamp,
    ) -> Option<ConcertId> {
        let way = self.under_way.take_if(|way| way.number == swept.number)?;
        let concert = way.page.concert;
        let running = sales.get(&concert)?;
        let round = self.rounds.get_mut(&concert)?;
        let rows = match swept.rows {
            Ok(rows) => rows,
            Err(error) => {
                // The lane finds out for itself if the store is out.
                tracing::warn!(
                    concert.id = concert.0,
                    error = &error as &dyn std::error::Error,
                    "could not read rows to compare"
                );
                return None;
            }
        };
        // Nothing is known of what was touched outside of that time, least of all by another writer.
        if !(way.since..=running.journal.seq).contains(&rows.applied) {
            return None;
        }
        let differences = differences(&way, &rows, &running.sale);
        round.go_on(&way.page, &rows, &running.sale);
        round.rebuilt_for.retain(|_, at| now.since(*at) < limits::SWEEP_REBUILD_PAUSE);
        let mut rebuild = false;
        for difference in differences {
            self.metrics.sweep_differences.inc();
            let is_known = round.rebuilt_for.contains_key(&difference);
            tracing::error!(
                concert.id = concert.0,
                row = %difference.key,
                stored = %difference.stored,
                remembered = %difference.remembered,
                journal.seq = rows.applied,
                is_known,
                "the store and memory differ"
            );
            if !is_known {
                rebuild = true;
                round.rebuilt_for.insert(difference, now);
            }
        }
        rebuild.then_some(concert)
    }
}

impl Round {
    /// The first round. `standing`: the sale's time. Holds that were over long before are seen with their page.
    fn beginning(now: Timestamp, standing: Timestamp) -> Self {
        Self {
            due: now + limits::SWEEP_INTERVAL,
            holds_overdue_from: standing - limits::SWEEP_MARGIN,
            tokens_from: EntryNo(0),
            reservations_from: ReservationId(Uuid::nil()),
            seats_from: (ScheduleId(0), SeatId(0)),
            rebuilt_for: HashMap::new(),
        }
    }

    /// The next page lies behind the one that was looked at, and after the end at the beginning again.
    fn go_on(&mut self, page: &SweepPage, rows: &SweepRows, sale: &Sale) {
        let is_full = |count: usize| count == page.rows_max as usize;
        let last_hold = rows.overdue_reservations.last().filter(|_| is_full(rows.overdue_reservations.len()));
        // If more than a page ended at one moment, the rest of them is seen with its page.
        let moment = Duration::from_millis(1);
        self.holds_overdue_from = last_hold
            .map_or(page.overdue_before, |last| last.expires_at.max(page.holds_overdue_from + moment));
        self.tokens_from = match rows.tokens.last() {
            Some(last) if is_full(rows.tokens.len()) => EntryNo(last.entry.0 + 1),
            _ => EntryNo(0),
        };
        self.reservations_from = match rows.reservations.last() {
            Some(last) if is_full(rows.reservations.len()) => {
                ReservationId(Uuid::from_u128(last.id.0.as_u128().saturating_add(1)))
            }
            _ => ReservationId(Uuid::nil()),
        };
        let (schedule, _) = page.seats_from;
        self.seats_from = match rows.seats.last() {
            Some((last, ..)) if is_full(rows.seats.len()) => (schedule, SeatId(last.0 + 1)),
            _ => {
                let next = sale.schedules().map(|(id, _)| id).find(|id| *id > schedule);
                (next.unwrap_or(ScheduleId(0)), SeatId(0))
            }
        };
    }
}

impl Touched {
    fn add(&mut self, event: &Event) {
        let (reservation, seats) = match event {
            Event::Joined(token) | Event::Admitted(token) | Event::TokenEnded(token) => {
                self.tokens.insert(token.entry);
                return;
            }
            Event::Described(_)
            | Event::Repriced(_)
            | Event::ScheduleAdded(_)
            | Event::Rescheduled(_)
            | Event::CalledOff(_)
            | Event::Archived(_)
            | Event::SettingsChanged { .. } => return,
            Event::SeatMoved(SeatMoved { reservation, from, to, .. }) => {
                self.reservations.insert(reservation.id);
                self.seats.extend([*from, *to].map(|seat| (reservation.schedule, seat)));
                return;
            }
            Event::SeatsRestricted(of) | Event::SeatsUnrestricted(of) => {
                self.seats.extend(of.seats.iter().map(|seat| (of.schedule, *seat)));
                return;
            }
            Event::SeatsHeld { reservation, seats, .. }
            | Event::SeatsReleased { reservation, seats }
            | Event::Refunded(Refunded { reservation, seats, .. }) => (reservation, seats),
            Event::ReservationEnded { reservation, .. }
            | Event::Paid { reservation, .. }
            | Event::SoldAtDesk(SoldAtDesk { reservation, .. }) => (reservation, &reservation.seats),
        };
        self.reservations.insert(reservation.id);
        self.seats.extend(seats.iter().map(|seat| (reservation.schedule, *seat)));
    }

    fn len(&self) -> usize {
        self.tokens.len() + self.reservations.len() + self.seats.len()
    }

    fn contains(&self, key: Key) -> bool {
        match key {
            Key::Token(entry) => self.tokens.contains(&entry),
            Key::Reservation(id) => self.reservations.contains(&id),
            Key::Seat(schedule, seat) => self.seats.contains(&(schedule, seat)),
        }
    }
}

/// Every row of the page that differs, once each.
fn differences(way: &UnderWay, rows: &SweepRows, sale: &Sale) -> Vec<Difference> {
    let (page, mut seen) = (&way.page, BTreeSet::new());
    let mut found = Vec::new();
    let mut look = |key: Key, differs: bool, words: &dyn Fn() -> (String, String)| {
        if seen.insert(key) && differs && !way.touched.contains(key) {
            let (stored, remembered) = words();
            found.push(Difference { key, stored, remembered });
        }
    };
    // A page that is not full ends with its table.
    let is_full = |count: usize| count == page.rows_max as usize;

    for row in rows.tokens.iter().chain(&rows.overdue_tokens) {
        let remembered = sale.live_token(row.entry);
        let stored = row.status.is_live().then_some(row);
        look(Key::Token(row.entry), stored != remembered.as_ref(), &|| {
            (token(Some(row)), token_beside(remembered.as_ref(), row))
        });
    }
    let last = rows.tokens.last().map(|row| row.entry).filter(|_| is_full(rows.tokens.len()));
    for record in sale.live_tokens_from(page.tokens_from) {
        if last.is_some_and(|last| record.entry > last) {
            break;
        }
        look(Key::Token(record.entry), true, &|| (token(None), token(Some(&record))));
    }

    for row in rows.reservations.iter().chain(&rows.overdue_reservations) {
        let remembered = sale.held_reservation(row.id);
        let stored = (row.status == ReservationStatus::TempReserved).then_some(row);
        look(Key::Reservation(row.id), stored != remembered, &|| {
            (reservation(Some(row)), reservation(remembered))
        });
    }
    let last = rows.reservations.last().map(|row| row.id).filter(|_| is_full(rows.reservations.len()));
    let is_in_page = |id: ReservationId| id >= page.reservations_from && last.is_none_or(|last| id <= last);
    let mut in_page: Vec<_> = sale.held_reservations().filter(|held| is_in_page(held.id)).collect();
    // The order is that of the rows, so that a simulation replays.
    in_page.sort_unstable_by_key(|held| held.id);
    for held in in_page {
        look(Key::Reservation(held.id), true, &|| (reservation(None), reservation(Some(held))));
    }

    let (schedule, first) = page.seats_from;
    let map = sale.seats_of(schedule);
    for (number, status, by) in &rows.seats {
        let remembered = map.and_then(|map| map.get(*number));
        let stored = status.state(*by);
        let differs = stored.is_none() || stored != remembered;
        look(Key::Seat(schedule, *number), differs, &|| (seat(stored), seat(remembered)));
    }
    let end = match rows.seats.last() {
        Some((last, ..)) if is_full(rows.seats.len()) => last.0 + 1,
        _ => map.map_or(0, |map| map.len() as u32),
    };
    for number in (first.0..end).map(SeatId) {
        let remembered = map.and_then(|map| map.get(number));
        look(Key::Seat(schedule, number), true, &|| ("no row".to_owned(), seat(remembered)));
    }
    found
}

/// A row of the queue, or what memory has of it.
fn token(record: Option<&TokenRecord>) -> String {
    let Some(record) = record else { return "none".to_owned() };
    let ends = millis(record.expires_at);
    format!(
        "{:?} of user {}, entered {}, ends {ends}",
        record.status,
        record.user,
        record.entered_at.as_millis()
    )
}

/// The row's token is a secret; the fact that it is another one is not.
fn token_beside(record: Option<&TokenRecord>, row: &TokenRecord) -> String {
    let other = record.is_some_and(|record| record.token != row.token);
    token(record) + if other { ", with another name" } else { "" }
}

fn reservation(record: Option<&Reservation>) -> String {
    let Some(record) = record else { return "none".to_owned() };
    let seats: Vec<u32> = record.seats.iter().map(|seat| seat.0).collect();
    format!(
        "{:?} of user {}, schedule {}, seats {seats:?}, amount {}, ends {}",
        record.status,
        record.user,
        record.schedule,
        record.amount,
        millis(Some(record.expires_at))
    )
}

fn seat(state: Option<SeatState>) -> String {
    match state {
        None => "nothing that can be".to_owned(),
        Some(SeatState::Available) => "free".to_owned(),
        Some(SeatState::Held(by)) => format!("held by {by}"),
        Some(SeatState::Sold(by)) => format!("sold to {by}"),
        Some(SeatState::Restricted) => "kept by the house".to_owned(),
    }
}

fn millis(time: Option<Timestamp>) -> String {
    time.map_or("never".to_owned(), |time| time.as_millis().to_string())
}

impl Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token(entry) => write!(f, "token {entry}"),
            Self::Reservation(id) => write!(f, "reservation {id}"),
            Self::Seat(schedule, seat) => write!(f, "seat {schedule}:{seat}"),
        }
    }
}

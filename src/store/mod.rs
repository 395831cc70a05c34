//! Where what was confirmed is kept. One narrow trait; a file for each real backend, and the same conformance
//! tests against each. A backend knows the domain's records and events, and decides nothing.
//!
//! Always: a batch is one transaction, and its first statement adds the journal rows of its sales, each only on
//! top of the row that this writer wrote or took over before. That row, not a lease, makes two writers
//! impossible.

pub mod archive;
mod audit;
#[cfg(test)]
mod bounds;
mod bulk;
mod columns;
pub mod error;
pub mod files;
pub mod journal;
pub mod migrate;
pub mod mysql;
mod open;
pub mod rows;
mod session;
mod settings;
pub mod sqlite;
mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::domain::command::{EndedFacts, Needs};
use crate::domain::event::Event;
use crate::domain::ids::{
    ConcertId, EntryNo, HistoryId, PaymentId, ReservationId, ScheduleId, SeatId, UserId,
};
use crate::domain::record::{LedgerEntry, Reservation, Ticket, TokenRecord};
use crate::domain::rules::SaleSettings;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::domain::wallet::Wallets;
use crate::metrics::Metrics;
use crate::venue::layout::VenueLayout;

use archive::{Archive, OldJournal};
pub use error::{CommitError, StoreError};
pub use open::{DataFolder, FolderError, has_lost_its_database, open, pending_migrations};

/// A running process, as the store knows it: the writer of the sales that it claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WriterId(pub Uuid);

/// Reads, leases and lanes. Reads see everything that was committed before they began.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Is this the embedded database, with one writer and one process? Others spread sales over several lanes, and
    /// a former process's lease has to run out.
    fn is_embedded(&self) -> bool;

    /// The writing side of one lane: a connection of its own.
    async fn open_lane(&self) -> Result<Box<dyn Lane>, StoreError>;

    /// Can the store answer?
    async fn ping(&self) -> Result<(), StoreError>;

    /// Looks after the store beside the work, for as long as a server uses it. Some have nothing to be looked after.
    async fn tend(&self, _metrics: &Metrics) {}

    /// Concerts that have something left to run: a performance that has not started, a live token or a held
    /// reservation. In ascending order.
    async fn concerts_to_run(&self, now: Timestamp) -> Result<Vec<ConcertId>, StoreError>;

    /// Makes `writer` the writer of a sale: counts the time since the last heartbeat as an outage (once, in the
    /// same transaction), and puts a row of its own on top of the journal, so that a former writer can add
    /// nothing more. Refused with `StoreError::Claimed` while another writer's heartbeat is younger than
    /// `lease`; a zero `lease` takes it over in any case. Gives the heartbeat that it found: the sale's time goes on from
    /// there, also if that is later than `now`.
    async fn claim(
        &self,
        concert: ConcertId,
        writer: WriterId,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Everything that a sale's memory is built from at `now`: its live tokens, held reservations, those that expired
    /// lately, and seats that are not free. Only after `claim`.
    async fn load_sale(&self, concert: ConcertId, now: Timestamp) -> Result<LoadedSale, StoreError>;

    /// Says that the sales which `writer` holds were alive at `now`. A gap of more than `gap_max` since the last
    /// heartbeat is added to a sale's outages. Gives the outages of each sale that is still `writer`'s.
    async fn heartbeat(
        &self,
        writer: WriterId,
        now: Timestamp,
        gap_max: Duration,
    ) -> Result<Vec<(ConcertId, Duration)>, StoreError>;

    /// Counts `outage` to a sale of `writer`, besides what heartbeats count: the time that loading it took. Gives
    /// the sum of its outages.
    async fn count_outage(
        &self,
        concert: ConcertId,
        writer: WriterId,
        outage: Duration,
    ) -> Result<Duration, StoreError>;

    /// Gives the sales of `writer` free for others at once. Their outage begins at `now`; without it, because the
    /// writer is dead, at its last heartbeat.
    async fn release_claims(&self, writer: WriterId, now: Option<Timestamp>) -> Result<(), StoreError>;

    /// Stores a concert with its schedules and seats, whole or not at all. The first one's currency is that of the wallets;
    /// `StoreError::OtherCurrency` refuses a later one in another.
    async fn add_concert(&self, concert: NewConcert) -> Result<(ConcertId, Vec<ScheduleId>), StoreError>;

    /// In which currency wallets are. Where older concerts are in several, the first one's is written down.
    async fn wallet_currency(&self) -> Result<WalletCurrency, StoreError>;

    /// From the next start on, wallets are in this currency, and only concerts in it are sold.
    async fn decide_currency(&self, currency: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Was a server at work with this database less than a lease before `now`, and has not stopped since?
    async fn is_served(&self, now: Timestamp) -> Result<bool, StoreError>;

    /// Makes a user; a balance above 0 comes with its ledger entry.
    async fn add_user(&self, user: NewUser) -> Result<UserId, StoreError>;

    /// Makes `count` users alike. What was made stays made if one of them fails.
    async fn add_users(&self, user: NewUser, count: u32) -> Result<Vec<UserId>, StoreError> {
        let mut made = Vec::with_capacity(count as usize);
        for _ in 0..count {
            made.push(self.add_user(user.clone()).await?);
        }
        Ok(made)
    }

    async fn user(&self, user: UserId) -> Result<Option<UserRecord>, StoreError>;

    /// The user of an external issuer, made at first use; the same (issuer, subject) always gives the same user.
    async fn user_of_subject(
        &self,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<UserId, StoreError>;

    async fn balance(&self, user: UserId) -> Result<Option<Money>, StoreError>;

    /// A user's ledger, newest first, only entries older than `before` if given.
    async fn history(
        &self,
        user: UserId,
        before: Option<HistoryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError>;

    /// A user's reservations in all sales, newest first, at most `limits::RESERVATIONS_LISTED_MAX`.
    async fn reservations(&self, user: UserId) -> Result<Vec<Reservation>, StoreError>;

    /// A user's valid tickets (those of payments that are done) in all sales, newest first, at most
    /// `limits::TICKETS_LISTED_MAX`.
    async fn tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError>;

    /// The tickets of a user's cancelled orders, newest first.
    async fn cancelled_tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError>;

    /// For each sale that the user ever joined: their newest token. Newest first, at most 100.
    async fn last_tokens(&self, user: UserId) -> Result<Vec<TokenRecord>, StoreError>;

    /// Every concert, in ascending order.
    async fn concerts(&self) -> Result<Vec<ConcertId>, StoreError>;

    async fn concert_of_schedule(&self, schedule: ScheduleId) -> Result<Option<ConcertId>, StoreError>;

    async fn seat_label(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        seat: SeatId,
    ) -> Result<Option<String>, StoreError>;

    /// A sale's journal from place `from` on, at most `rows_max` rows.
    async fn journal(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<Vec<JournalRow>, StoreError>;

    /// Some rows of a sale, all as of one place in its journal, to be compared with its memory.
    async fn sweep(&self, page: &SweepPage) -> Result<SweepRows, StoreError>;

    /// Proves or refutes the invariants from the stored rows alone. Empty: everything fits.
    async fn audit(&self) -> Result<AuditReport, StoreError> {
        self.audit_with(None).await
    }

    /// The same, with the rows of the journal that were moved into files.
    async fn audit_with(&self, archive: Option<&Archive>) -> Result<AuditReport, StoreError>;

    /// The journal's side of the archive. `None`: a store that keeps everything.
    fn old_journal(&self) -> Option<&dyn OldJournal> {
        None
    }
}

/// One lane's connection: one batch at a time.
#[async_trait]
pub trait Lane: Send {
    /// Opens the transaction and reads what the batch needs, wallets locked in the order of user ids. With empty
    /// needs nothing is sent.
    async fn begin(&mut self, needs: &Needs) -> Result<Facts, StoreError>;

    /// Writes the batch and commits.
    async fn commit(&mut self, batch: &Batch) -> Result<(), CommitError>;

    /// Ends a transaction that `begin` opened and that has nothing to write.
    async fn rollback(&mut self) -> Result<(), StoreError>;

    /// After `CommitError::OutcomeUnknown`: was the batch committed? Makes sure that it cannot appear later:
    /// tries to insert a void row at each of its places in the journal. `Ok(true)`: it was committed. `Ok(false)`:
    /// it was not, and the journal of each of its sales now ends at the batch's place with the id
    /// `Batch::void_id`. May be repeated until it gives one of the two.
    async fn settle(&mut self, batch: &Batch) -> Result<bool, CommitError>;
}

/// What `begin` read.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub wallets: Wallets,
    pub ended: EndedFacts,
    /// Of `Needs::ledgers`: entries since `Needs::ledger_since`, as far as the newest `Needs::ledger_max` tell.
    pub ledgers: Vec<(UserId, u32)>,
    pub ledger_since: Timestamp,
}

/// One transaction: what a lane decided since its last commit.
#[derive(Clone, Debug)]
pub struct Batch {
    /// New for every attempt.
    pub id: Uuid,
    pub writer: WriterId,
    /// UTC.
    pub at: Timestamp,
    /// At most one for a sale; none without events.
    pub sales: Vec<SaleBatch>,
    /// Ledger entries of charges: no sale has a part in them.
    pub charges: Vec<LedgerEntry>,
}

/// An id that nobody else has: of batches and writers.
pub fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

impl Batch {
    /// The id of the void row that may take this batch's place in the journal. Told by the batch's own, so that
    /// settling can be repeated.
    pub fn void_id(&self) -> Uuid {
        // Batch ids are random; one that is another's complement is as unlikely as two that are equal.
        Uuid::from_u128(!self.id.as_u128())
    }
}

/// One sale's part of a batch: one row of its journal.
#[derive(Clone, Debug)]
pub struct SaleBatch {
    pub concert: ConcertId,
    /// This row's place in the journal.
    pub seq: u64,
    /// The id of the batch at `seq - 1`, which must be there.
    pub after: Uuid,
    pub events: Vec<Event>,
}

/// Which rows of a sale a sweep looks at: those whose time is over, and a page of each table.
#[derive(Clone, Copy, Debug)]
pub struct SweepPage {
    pub concert: ConcertId,
    /// Sale time: what should have ended before it is overdue.
    pub overdue_before: Timestamp,
    /// Sale time: holds that were over before it were looked at.
    pub holds_overdue_from: Timestamp,
    /// Where the pages begin.
    pub tokens_from: EntryNo,
    pub reservations_from: ReservationId,
    /// In this schedule.
    pub seats_from: (ScheduleId, SeatId),
    /// Of each list at most.
    pub rows_max: u32,
}

/// Rows of one sale as of one place in its journal.
#[derive(Debug)]
pub struct SweepRows {
    pub journal: JournalPosition,
    /// Admitted, and over.
    pub overdue_tokens: Vec<TokenRecord>,
    /// Held, and over.
    pub overdue_reservations: Vec<Reservation>,
    /// Live or ended, by entry number.
    pub tokens: Vec<TokenRecord>,
    /// By id, without payments.
    pub reservations: Vec<Reservation>,
    /// By number.
    pub seats: Vec<(SeatId, SeatStatus, Option<ReservationId>)>,
}

/// The end of a sale's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalPosition {
    pub seq: u64,
    pub batch: Uuid,
}

/// The currency of all wallets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalletCurrency {
    /// ISO 4217; `None` before the first concert.
    pub code: Option<String>,
    /// The operator chose it among several.
    pub decided: bool,
    /// Other currencies that concerts are in. They are not sold.
    pub others: Vec<String>,
}

impl WalletCurrency {
    /// What an operator has to know, while nothing is decided.
    pub fn undecided(&self) -> Option<String> {
        let code = self.code.as_ref().filter(|_| !self.decided && !self.others.is_empty())?;
        Some(format!(
            "concerts are in several currencies, and wallets in one: only those in {code} are sold, those in {} are not, \
             until `frontrow currency` decides (for another one than {code} with no server running)",
            self.others.join(", ")
        ))
    }
}

pub struct LoadedSale {
    pub concert: ConcertRecord,
    /// Is it in the wallets' currency? What is not cannot be bought from them.
    pub sells: bool,
    pub settings: SaleSettings,
    /// The sum of the sale's outages.
    pub outages: Duration,
    pub journal: JournalPosition,
    /// One more than the largest entry number ever given.
    pub next_entry: EntryNo,
    /// Waiting or admitted, in the order of entry numbers.
    pub tokens: Vec<TokenRecord>,
    /// Held ones.
    pub reservations: Vec<Reservation>,
    /// Expired ones, as far back as `lapses::REMEMBERED`.
    pub lapsed: Vec<Reservation>,
    /// How many seats users have bought and not given back, in no order.
    pub bought: Vec<(UserId, u32)>,
    pub schedules: Vec<LoadedSchedule>,
}

pub struct LoadedSchedule {
    pub schedule: ScheduleRecord,
    pub layout: Arc<VenueLayout>,
    /// Seats that are held or sold, and by which reservation.
    pub taken: Vec<(SeatId, SeatStatus, ReservationId)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeatStatus {
    Available,
    TempReserved,
    Reserved,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcertRecord {
    pub id: ConcertId,
    pub title: String,
    pub venue: String,
    /// ISO 4217.
    pub currency: String,
    /// The venue's IANA time zone; `None` for venues of before it was kept.
    pub time_zone: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleRecord {
    pub id: ScheduleId,
    /// UTC.
    pub starts_at: Timestamp,
}

pub struct NewConcert {
    pub title: String,
    pub currency: String,
    /// The venue's IANA time zone, if it is known.
    pub time_zone: Option<String>,
    pub layout: VenueLayout,
    /// UTC, one schedule each, in ascending order.
    pub starts_at: Vec<Timestamp>,
    pub settings: SaleSettings,
    /// UTC.
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct NewUser {
    pub name: String,
    pub balance: Money,
    /// Nobody vouches for them: neither an issuer nor an operator.
    pub guest: bool,
    /// UTC.
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    pub id: UserId,
    pub name: String,
    pub balance: Money,
    /// Nobody vouches for them: neither an issuer nor an operator.
    pub guest: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTicket {
    pub ticket: Ticket,
    pub reservation: ReservationId,
    pub concert: ConcertId,
    pub title: String,
    pub venue: String,
    pub label: String,
    pub category: String,
    pub price: Money,
    pub starts_at: Timestamp,
    pub time_zone: Option<String>,
    pub payment: PaymentId,
    pub cancelled_at: Option<Timestamp>,
}

/// One row of a sale's journal.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalRow {
    pub seq: u64,
    /// UTC.
    pub at: Timestamp,
    pub events: Vec<journal::Entry>,
}

/// What an audit looked at and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Rows seen, by what they are: "users", "seats", "tokens", "reservations", "payments", "tickets",
    /// "ledger entries", "journal rows".
    pub seen: HashMap<&'static str, u64>,
    /// Each names what is wrong and where.
    pub faults: Vec<String>,
}

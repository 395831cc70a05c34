//! The store keeps what was confirmed. It has six narrow traits: `Claims` (who runs a sale), `Members` (which servers there are), `CatchUp` (rows that are
//! behind their journal), `BatchWriter` (what a lane writes with, and `TableWriter` behind it), `Reads` and `Setup`. What an SQL database does for them is written once, over its connection
//! (`query`, `Link`); a file for each backend says how it connects and where its words differ. The same conformance tests
//! hold for all (`tests/support`). A backend knows the domain's records and events, and decides nothing.
//!
//! Always: a batch is one transaction, and its first statement adds the journal rows of its sales, each only on
//! top of the row that this writer wrote or took over before. That row, not a lease, makes two writers
//! impossible. Places in line, seats and reservations follow (`TableWriter`): `applied` says of each sale up to which row.

pub mod alarms;
pub mod archive;
mod attempt;
mod audit;
mod backend;
mod batch;
#[cfg(test)]
mod bounds;
pub mod box_office;
mod bulk;
mod catch_up;
mod claims;
mod columns;
mod duty;
mod ends;
pub mod error;
pub mod figures;
pub mod files;
pub mod fold;
pub mod journal;
pub mod making;
mod members;
pub mod migrate;
pub mod mysql;
mod open;
pub mod operators;
mod orders;
pub mod passkeys;
mod query;
mod reads;
pub mod rehearsals;
pub mod repair;
pub mod rows;
mod segments;
mod settings;
mod setup;
pub mod sqlite;
mod table_writer;
pub mod unfinished;
pub mod webhooks;
mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::domain::command::EndedFacts;
use crate::domain::event::Event;
use crate::domain::ids::{ConcertId, EntryNo, NodeNo, PaymentId, ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::record::{
    LedgerEntry, PaymentSource, Reservation, ScheduleState, Takings, Ticket, TokenRecord,
};
use crate::domain::rules::SaleSettings;
use crate::domain::seat_map::SeatState;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::domain::token_secret::TokenSecret;
use crate::domain::wallet::Wallets;
use crate::metrics::Metrics;
use crate::venue::layout::VenueLayout;

pub use alarms::Alarms;
use archive::OldJournal;
pub use batch::BatchWriter;
pub use box_office::BoxOffice;
pub use catch_up::CatchUp;
pub use claims::Claims;
pub use duty::{DUTY_CHARS_MAX, Duties};
pub use ends::{End, Ends};
pub use error::{CommitError, StoreError};
pub use figures::FiguresStore;
pub use making::Making;
pub use members::{Members, member_state};
pub use open::{
    DataFolder, FolderError, has_lost_its_database, may_take_back, open, pending_migrations, take_back,
};
pub use operators::Operators;
pub use orders::Orders;
pub use passkeys::Passkeys;
pub use reads::Reads;
pub use rehearsals::Rehearsals;
pub use repair::Repairs;
pub use setup::{DESK, Prepared, Setup, desk_subject};
pub use table_writer::{Following, TableWriter};
pub use unfinished::Unfinished;
pub use webhooks::Webhooks;

/// A running process, as the store knows it: the writer of the sales that it claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WriterId(pub Uuid);

impl WriterId {
    /// The bits of a writer's id, behind those of its node.
    const RANDOM_BITS: u32 = 104;

    /// A new writer of this node.
    pub fn of(node: NodeNo) -> Self {
        let random = rand::random::<u128>() >> (128 - Self::RANDOM_BITS);
        let id = u128::from(node.0) << Self::RANDOM_BITS | random;
        Self(uuid::Builder::from_custom_bytes(id.to_be_bytes()).into_uuid())
    }

    /// The node that it belongs to. `None`: a command that was given once, or a server of before there were nodes.
    pub fn node(self) -> Option<NodeNo> {
        (self.0.get_version_num() == 8).then(|| NodeNo((self.0.as_u128() >> Self::RANDOM_BITS) as u32))
    }
}

/// Who has claimed a sale, by which claim, and the last that was heard of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// `None`: it was given free, or nobody ever had it.
    pub writer: Option<WriterId>,
    /// The journal's row that the claim added; 0: an older server's, or none.
    pub epoch: u64,
    pub heartbeat: Option<Timestamp>,
    /// The node that is to run the sale next.
    pub moves_to: Option<NodeNo>,
}

impl Holder {
    /// Is it this one that was expected? Who expects no certain heartbeat takes any; who comes next is no matter.
    pub fn is_met_by(&self, found: &Self) -> bool {
        let is_heard_so = self.heartbeat.is_none() || self.heartbeat == found.heartbeat;
        (self.writer, self.epoch) == (found.writer, found.epoch) && is_heard_so
    }
}

/// A claim that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The journal's row that it added.
    pub epoch: u64,
    /// The heartbeat that it found: the sale's time goes on from there, also if that is later than its own time.
    pub before: Option<Timestamp>,
}

/// A store: who runs which sale, what is in it, how it comes in, and the writing side of lanes.
#[async_trait]
pub trait Store: Claims + CatchUp + Members + Reads + Orders + Setup {
    /// Is this the embedded database, with one writer and one process? Others spread sales over several lanes, and
    /// a former process's lease has to run out.
    fn is_embedded(&self) -> bool;

    /// The writing side of one lane: a connection of its own.
    async fn open_writer(&self) -> Result<Box<dyn BatchWriter>, StoreError>;

    /// The connection of a lane's table writer.
    async fn open_table_writer(&self) -> Result<Box<dyn TableWriter>, StoreError>;

    /// Can the store answer?
    async fn ping(&self) -> Result<(), StoreError>;

    /// Settings of the store without which what was confirmed may be lost with the power, each with what is at stake. The
    /// embedded one has none that anybody could set.
    async fn loose_settings(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    /// Looks after the store beside the work, for as long as a server uses it. Some have nothing to be looked after.
    async fn tend(&self, _metrics: &Metrics) {}

    /// What is kept of operators. `None`: a store without any.
    fn operators(&self) -> Option<&dyn Operators> {
        None
    }

    /// What is kept of operators' passkeys. `None`: a store without any.
    fn passkeys(&self) -> Option<&dyn Passkeys> {
        None
    }

    /// What one server does for all of them. `None`: a store that is no other server's.
    fn duties(&self) -> Option<&dyn Duties> {
        None
    }

    /// The figures that are kept of sales. `None`: a store that keeps none.
    fn figures(&self) -> Option<&dyn FiguresStore> {
        None
    }

    /// Alarms as they are kept. `None`: a store that keeps none.
    fn alarms(&self) -> Option<&dyn Alarms> {
        None
    }

    /// Webhooks and what is sent to them. `None`: a store without any.
    fn webhooks(&self) -> Option<&dyn Webhooks> {
        None
    }

    /// What is kept of concerts that are being made. `None`: a store without any.
    fn making(&self) -> Option<&dyn Making> {
        None
    }

    /// What the box office looks up. `None`: a store without any.
    fn box_office(&self) -> Option<&dyn BoxOffice> {
        None
    }

    /// What is kept of rehearsals. `None`: a store without any.
    fn rehearsals(&self) -> Option<&dyn Rehearsals> {
        None
    }

    /// Going past what tables refuse. `None`: a store whose tables refuse nothing.
    fn repairs(&self) -> Option<&dyn Repairs> {
        None
    }

    /// Performances whose making was broken off. `None`: a store that has none.
    fn unfinished(&self) -> Option<&dyn Unfinished> {
        None
    }

    /// The journal's side of the archive. `None`: a store that keeps everything.
    fn old_journal(&self) -> Option<&dyn OldJournal> {
        None
    }
}

/// The rows that `begin` read.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub wallets: Wallets,
    pub ended: EndedFacts,
    /// The entries of `Needs::ledgers` since `Needs::ledger_since`, as far as the newest `Needs::ledger_max` reach.
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
    /// One entry for each sale with events.
    pub sales: Vec<SaleBatch>,
    /// Ledger entries of charges: no sale has a part in them.
    pub charges: Vec<LedgerEntry>,
}

/// An id that nobody else has: of batches and writers.
pub fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

impl Batch {
    /// The id of the void row that may take this batch's place in the journal. It follows from the batch's own, so that
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

/// The rows of a sale that a sweep looks at: those whose time is over, and a page of each table.
#[derive(Clone, Copy, Debug)]
pub struct SweepPage {
    pub concert: ConcertId,
    /// Sale time: what should have ended before it is overdue.
    pub overdue_before: Timestamp,
    /// Sale time: holds that were over before it were looked at.
    pub holds_overdue_from: Timestamp,
    /// The start of the pages.
    pub tokens_from: EntryNo,
    pub reservations_from: ReservationId,
    /// The schedule and the seat at which the page of seats begins.
    pub seats_from: (ScheduleId, SeatId),
    /// The longest that each list may be.
    pub rows_max: u32,
}

/// Rows of one sale as of one place in its journal.
#[derive(Debug)]
pub struct SweepRows {
    /// The last row of the journal that they have.
    pub applied: u64,
    /// Admitted, and over.
    pub overdue_tokens: Vec<TokenRecord>,
    /// Held, and over.
    pub overdue_reservations: Vec<Reservation>,
    /// Live or ended, by entry number.
    pub tokens: Vec<TokenRecord>,
    /// The reservations by id, without payments.
    pub reservations: Vec<Reservation>,
    /// The seats by number.
    pub seats: Vec<(SeatId, SeatStatus, Option<ReservationId>)>,
}

/// A sale whose rows are behind its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    pub concert: ConcertId,
    /// The last row of the journal that they have, and its last one.
    pub applied: u64,
    pub end: u64,
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
    /// The text for the operator while nothing is decided.
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
    /// Since when everything is over, UTC.
    pub archived: Option<Timestamp>,
    pub settings: SaleSettings,
    /// The sum of the sale's outages.
    pub outages: Duration,
    /// What new tokens are made with. `None`: it was never claimed.
    pub token_secret: Option<TokenSecret>,
    pub journal: JournalPosition,
    /// One more than the largest entry number ever given.
    pub next_entry: EntryNo,
    /// Waiting or admitted, in the order of entry numbers.
    pub tokens: Vec<TokenRecord>,
    /// Held ones.
    pub reservations: Vec<Reservation>,
    /// Expired ones, as far back as `lapses::REMEMBERED`.
    pub lapsed: Vec<Reservation>,
    /// The number of seats that each user has bought and not given back, in no order.
    pub bought: Vec<(UserId, u32)>,
    /// What was paid and not given back.
    pub takings: Takings,
    pub schedules: Vec<LoadedSchedule>,
}

/// What somebody did not hear of a sale that another server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The last row of the journal that they know.
    pub since: u64,
    /// Those who have to know what happened to them, in ascending order.
    pub users: Vec<UserId>,
}

/// A sale that another server runs, all as of one place in its journal.
pub struct LoadedCopy {
    /// Its rows, which follow its journal.
    pub sale: LoadedSale,
    /// The last row of the journal that they have. Places in line and holds that ended later may be gone from them already.
    pub applied: u64,
    /// What happened to those who missed it, as of that row: of what changed again behind it nothing.
    pub tokens: Vec<TokenRecord>,
    pub reservations: Vec<Reservation>,
}

/// A paid order of a performance that is called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderToRefund {
    pub id: ReservationId,
    pub user: UserId,
    pub source: PaymentSource,
    pub seats: u64,
    /// What was paid and not given back.
    pub amount: Money,
}

pub struct LoadedSchedule {
    pub schedule: ScheduleRecord,
    /// Why it was moved or called off, as fans are told.
    pub reason: Option<Arc<str>>,
    pub layout: Arc<VenueLayout>,
    /// The price of each category that does not cost what the layout says, in ascending order.
    pub prices: Vec<(u16, Money)>,
    /// Seats that are held or sold, and by which reservation.
    pub taken: Vec<(SeatId, SeatStatus, ReservationId)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeatStatus {
    Available,
    TempReserved,
    Reserved,
}

impl SeatStatus {
    /// The state of a seat with this status whose row names this reservation. `None`: no seat can be in it.
    ///
    /// A seat that the house keeps is a reserved one, whose reservation is the house's: a server of before, which knows
    /// nothing of it, does not sell it either.
    pub fn state(self, reservation: Option<ReservationId>) -> Option<SeatState> {
        match (self, reservation) {
            (Self::Available, None) => Some(SeatState::Available),
            (Self::Reserved, Some(by)) if by.is_house() => Some(SeatState::Restricted),
            (Self::TempReserved, Some(by)) if !by.is_house() => Some(SeatState::Held(by)),
            (Self::Reserved, Some(by)) => Some(SeatState::Sold(by)),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcertRecord {
    pub id: ConcertId,
    pub title: String,
    /// What its page says, as JSON.
    pub about: Option<String>,
    pub venue: String,
    /// ISO 4217.
    pub currency: String,
    /// The venue's IANA time zone; `None` for venues of before it was kept.
    pub time_zone: Option<String>,
    /// The concert that this is a hidden copy of, for a rehearsal.
    pub rehearsal_of: Option<ConcertId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleRecord {
    pub id: ScheduleId,
    /// UTC.
    pub starts_at: Timestamp,
    pub state: ScheduleState,
}

#[derive(Clone, Debug)]
pub struct NewConcert {
    pub title: String,
    pub currency: String,
    /// The venue's IANA time zone, if it is known.
    pub time_zone: Option<String>,
    pub layout: VenueLayout,
    /// UTC, one schedule each, in ascending order.
    pub starts_at: Vec<Timestamp>,
    /// Seats that the house keeps from sale in each of them, in ascending order.
    pub restricted: Vec<SeatId>,
    /// What its page says besides, as JSON.
    pub about: Option<Box<str>>,
    /// Also if the same one is there already.
    pub again: bool,
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
    /// The label of the seat in whose place this one is.
    pub moved_from: Option<String>,
    /// Of the performance.
    pub state: ScheduleState,
    /// Why the performance was moved or called off, or an operator gave the money back.
    pub reason: Option<String>,
}

/// One row of a sale's journal.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalRow {
    pub seq: u64,
    /// UTC.
    pub at: Timestamp,
    pub events: Vec<journal::Entry>,
}

/// The figures of an audit: what it looked at and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Rows seen, by what they are: "users", "seats", "tokens", "reservations", "payments", "tickets",
    /// "ledger entries", "journal rows".
    pub seen: HashMap<&'static str, u64>,
    /// Each names what is wrong and where.
    pub faults: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_names_its_node_unless_it_has_none() {
        for node in [NodeNo(1), NodeNo(NodeNo::END - 1)] {
            let (one, other) = (WriterId::of(node), WriterId::of(node));
            assert_eq!((one.node(), other.node()), (Some(node), Some(node)));
            assert_ne!(one, other);
        }
        assert_eq!(WriterId(random_id()).node(), None);
    }
}

//! A store in memory that fails on purpose: calls that hang, commits that fail before or after they are done or
//! come back unknown, transactions that a lost connection leaves open, processes that die at any step or stand
//! still. For the simulation, and held to the same conformance tests as the real ones.
//!
//! Always: a batch is written whole or not at all; what was written stays. Not here: any disk.

mod faults;
mod tables;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use faults::Faults;
pub use faults::{Call, Fault, Weather};
use frontrow::clock::Clock;
use frontrow::domain::command::Needs;
use frontrow::domain::event::Event;
use frontrow::domain::ids::{
    ConcertId, EntryNo, HistoryId, IdSource, NodeNo, ReservationId, ScheduleId, SeatId, UserId,
};
use frontrow::domain::membership::{About, Member, MemberState};
use frontrow::domain::record::{LedgerEntry, Reservation, TokenRecord};
use frontrow::domain::seat_plan::Money;
use frontrow::domain::time::Timestamp;
use frontrow::store::archive::Archive;
use frontrow::store::rows::Rows;
use frontrow::store::{
    AuditReport, Batch, BatchWriter, Behind, CatchUp, Claimed, Claims, CommitError, Facts, Following, Holder,
    JournalRow, LoadedCopy, LoadedSale, Members, Missed, NewConcert, NewUser, OrderToRefund, Orders,
    Prepared, Reads, Setup, Store, StoreError, StoredTicket, SweepPage, SweepRows, TableWriter, UserRecord,
    WalletCurrency, WriterId, random_id,
};
use tables::Tables;
pub use tables::{KeptKind, KeptRow};

/// The time that a transaction waits for what another one has locked.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// So few events are caught up with in one transaction that whoever dies has often done some of it.
const CAUGHT_UP_AT_ONCE_MAX: usize = 3;

/// The database, to which any number of processes are connected.
pub struct Database {
    state: Mutex<State>,
    /// A lock was let go, or a process goes on.
    changed: Notify,
}

struct State {
    tables: Tables,
    faults: Faults,
    ids: IdSource,
    nodes: Vec<Node>,
    transactions: u64,
    /// Wallets, and the transaction that has each.
    locks: BTreeMap<UserId, Transaction>,
    open: Vec<OpenCommit>,
    open_follows: Vec<OpenFollow>,
    /// The number of times that each call was begun.
    calls: BTreeMap<Call, u64>,
    /// A seat that nobody can hold, for a rule of the schema's.
    refused: Option<(ScheduleId, SeatId)>,
    /// The number of the next commits that meet a fault of ours.
    bugs: u32,
    /// Somebody else has the rows that batches change: how long each waits for them in vain.
    locked: Option<Duration>,
    /// Calls of this kind are not answered behind the one of this number.
    held_up: Option<(Call, u64)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Runs,
    /// The process stands still as by SIGSTOP: its calls are answered when it goes on.
    Stands,
    Dead,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Transaction {
    node: usize,
    number: u64,
}

/// A commit whose connection is lost, which the server has not noticed yet.
struct OpenCommit {
    batch: Batch,
    transaction: Transaction,
    ends: Instant,
    commits: bool,
    /// The server has nothing of it yet: a batch that is one statement is on its way, and locks nothing until it arrives.
    is_on_its_way: bool,
}

/// The same of what follows: the sale's row in `applied` is locked meanwhile.
struct OpenFollow {
    rows: Following,
    ends: Instant,
    commits: bool,
}

impl Database {
    /// Empty, and with nothing going wrong until `set_weather`.
    pub fn new(seed: u64) -> Arc<Self> {
        let mut ids = [0; 32];
        ids[..8].copy_from_slice(&seed.to_le_bytes());
        Arc::new(Self {
            state: Mutex::new(State {
                tables: Tables::default(),
                faults: Faults::new(seed),
                ids: IdSource::seeded(ids),
                nodes: Vec::new(),
                transactions: 0,
                locks: BTreeMap::new(),
                open: Vec::new(),
                open_follows: Vec::new(),
                calls: BTreeMap::new(),
                refused: None,
                bugs: 0,
                locked: None,
                held_up: None,
            }),
            changed: Notify::new(),
        })
    }

    /// Connects one more process.
    pub fn connect(self: &Arc<Self>) -> SimulatedStore {
        let mut state = self.state.lock();
        state.nodes.push(Node::Runs);
        SimulatedStore { database: self.clone(), node: state.nodes.len() - 1 }
    }

    pub fn set_weather(&self, weather: Weather) {
        self.state.lock().faults.weather = weather;
    }

    /// The clock of the database's machine; without one nobody asks for its time.
    pub fn set_clock(&self, clock: Clock) {
        self.state.lock().tables.clock = Some(clock);
    }

    /// The next `times` calls of this kind end so.
    pub fn plan(&self, call: Call, fault: Fault, times: u32) {
        self.state.lock().faults.planned.extend((0..times).map(|_| (call, fault)));
    }

    /// Refuses for certain every row, from now on, that says of this seat that it is held; `None`: of no seat.
    pub fn refuse_seat(&self, seat: Option<(ScheduleId, SeatId)>) {
        self.state.lock().refused = seat;
    }

    /// The code that writes the next batch has a bug, and panics before anything is done.
    pub fn break_off_next_commit(&self) {
        self.state.lock().bugs += 1;
    }

    /// Locks what batches change, from now on, for somebody else: each batch waits for so long, and is rolled back. `None`:
    /// nothing is locked.
    pub fn lock_rows(&self, wait: Option<Duration>) {
        self.state.lock().locked = wait;
    }

    /// Calls of this kind wait from now on; `None`: all go on.
    pub fn hold_up(&self, call: Option<Call>) {
        self.set_held_up(call.map(|call| (call, 0)));
    }

    /// Of the calls of this kind, as `calls` counts them, those behind the `last` one wait.
    pub fn hold_up_behind(&self, call: Call, last: u64) {
        self.set_held_up(Some((call, last)));
    }

    fn set_held_up(&self, held_up: Option<(Call, u64)>) {
        self.state.lock().held_up = held_up;
        self.changed.notify_waiters();
    }

    /// The number of calls of this kind, answered or not.
    pub fn calls(&self, call: Call) -> u64 {
        self.state.lock().calls.get(&call).copied().unwrap_or_default()
    }

    /// The number of times that each fault came, and of calls that hung.
    pub fn injected(&self) -> (BTreeMap<(Call, Fault), u64>, u64) {
        let state = self.state.lock();
        (state.faults.injected.clone(), state.faults.hung)
    }

    /// The rows of a sale's journal from place `from` on.
    pub fn journal(&self, concert: ConcertId, from: usize) -> Vec<KeptRow> {
        self.state.lock().tables.journal(concert).get(from..).unwrap_or_default().to_vec()
    }

    /// The sum of a sale's outages.
    pub fn outages(&self, concert: ConcertId) -> Duration {
        self.state.lock().tables.outages(concert)
    }

    /// A sale as it is stored, with all that ever expired, and what its tables do not have yet.
    pub fn sale(&self, concert: ConcertId) -> Result<LoadedSale, StoreError> {
        self.state.lock().tables.whole().load_sale(concert, Timestamp::default())
    }

    /// The sales whose tables do not have all of their journal.
    pub fn behind(&self) -> Vec<Behind> {
        self.state.lock().tables.behind()
    }

    /// Somebody wishes that a sale is run by this server.
    pub fn wish_move(&self, concert: ConcertId, to: NodeNo) {
        self.state.lock().tables.wish_move(concert, to);
    }

    /// Somebody wishes that a server gives its sales away, or takes some again.
    pub fn wish_drain(&self, node: NodeNo, is_to_drain: bool) {
        self.state.lock().tables.wish_drain(node, is_to_drain);
    }

    /// Somebody claims a sale whose writer lives, and is never heard of again: as a process does that was cut off, whose clock
    /// is ahead. Nothing happens while a transaction has the sale's rows.
    pub fn take_over(&self, concert: ConcertId, now: Timestamp) {
        let mut state = self.state.lock();
        state.end_open_commits();
        if !state.is_open(concert) && !state.is_followed(concert) {
            let claimed = state.tables.claim(concert, WriterId(random_id()), now, None);
            debug_assert!(claimed.is_ok(), "it expects nobody: {claimed:?}");
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Moves the end of a live token, as if somebody had with SQL. Gives the row as it is now.
    pub fn plant_token(
        &self,
        concert: ConcertId,
        entry: EntryNo,
        expires_at: Timestamp,
    ) -> Option<TokenRecord> {
        self.state.lock().tables.plant_token(concert, entry, expires_at)
    }

    /// Moves the end of a held reservation. Gives it as it is now.
    pub fn plant_reservation(&self, id: ReservationId, expires_at: Timestamp) -> Option<Reservation> {
        self.state.lock().tables.plant_reservation(id, expires_at)
    }

    /// A user's ledger, newest first.
    /// What `Setup::prepare_schedule` does, for whoever cannot wait.
    pub fn prepare_schedule(&self, concert: ConcertId, starts_at: Timestamp) -> Option<ScheduleId> {
        self.state.lock().tables.prepare_schedule(concert, starts_at)
    }

    pub fn ledger(&self, user: UserId) -> Vec<LedgerEntry> {
        self.state.lock().tables.history(user, None, u32::MAX)
    }

    /// Proves or refutes the invariants from the rows, but for the journals.
    pub fn audit(&self) -> AuditReport {
        self.state.lock().tables.whole().audit()
    }

    /// Proves or refutes that the journals give the rows: reads all of them.
    pub fn audit_journals(&self) -> Vec<String> {
        self.state.lock().tables.audit_journals()
    }

    fn stand_or_run(&self, node: usize, now: Node) {
        let mut state = self.state.lock();
        if state.nodes[node] != Node::Dead {
            state.nodes[node] = now;
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The process is gone, and with it its connections and their transactions.
    fn kill(&self, node: usize) {
        let mut state = self.state.lock();
        state.nodes[node] = Node::Dead;
        let is_open = |state: &State, of: &Transaction| state.open.iter().any(|open| open.transaction == *of);
        let kept: BTreeMap<_, _> = state
            .locks
            .iter()
            .filter(|(_, of)| of.node != node || is_open(&state, of))
            .map(|(u, t)| (*u, *t))
            .collect();
        state.locks = kept;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until `ready` gives something, for as long as a transaction waits for a lock.
    async fn wait_for<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> Result<T, StoreError> {
        let deadline = Instant::now() + LOCK_PATIENCE;
        loop {
            let changed = self.changed.notified();
            let next = {
                let mut state = self.state.lock();
                state.end_open_commits();
                if let Some(done) = ready(&mut state) {
                    return Ok(done);
                }
                let ends = state.open.iter().map(|open| open.ends);
                let ends = ends.chain(state.open_follows.iter().map(|open| open.ends));
                ends.min().unwrap_or(deadline).min(deadline)
            };
            if Instant::now() >= deadline {
                return Err(StoreError::RolledBack("waited too long for a lock".into()));
            }
            // Whichever comes first, or neither: the next look shows it.
            let _ = tokio::time::timeout_at(next, changed).await;
        }
    }
}

impl State {
    /// Ends the commits that the server was left alone with.
    fn end_open_commits(&mut self) {
        let now = Instant::now();
        while let Some(index) = self.open.iter().position(|open| open.ends <= now) {
            let open = self.open.remove(index);
            if open.commits {
                let written = self.tables.write(&open.batch);
                let is_sure = !open.is_on_its_way;
                debug_assert!(!is_sure || written.is_ok(), "its place and wallets were locked: {written:?}");
            }
            self.unlock(open.transaction);
        }
        while let Some(index) = self.open_follows.iter().position(|open| open.ends <= now) {
            let open = self.open_follows.remove(index);
            if open.commits {
                let followed = self.tables.follow(&open.rows);
                debug_assert!(followed.is_ok(), "its row was locked: {followed:?}");
            }
        }
    }

    /// Is this sale's row in `applied` locked by what was left open?
    fn is_followed(&self, concert: ConcertId) -> bool {
        self.open_follows.iter().any(|open| open.rows.concert == concert)
    }

    /// A process that died while it waited gets no lock: nobody would release it.
    fn lock(&mut self, users: &[UserId], of: Transaction) -> Option<()> {
        if self.nodes[of.node] == Node::Dead {
            return None;
        }
        let is_free = |user: &UserId| self.locks.get(user).is_none_or(|holder| *holder == of);
        if !users.iter().all(is_free) {
            return None;
        }
        self.locks.extend(users.iter().map(|user| (*user, of)));
        Some(())
    }

    fn unlock(&mut self, of: Transaction) {
        self.locks.retain(|_, holder| *holder != of);
    }

    /// Is the end of this sale's journal locked by a commit that was left open?
    fn is_open(&self, concert: ConcertId) -> bool {
        let is_of = |open: &OpenCommit| open.batch.sales.iter().any(|sale| sale.concert == concert);
        self.open.iter().any(|open| !open.is_on_its_way && is_of(open))
    }

    fn refuses(&self, batch: &Batch) -> bool {
        let Some((schedule, seat)) = self.refused else { return false };
        let holds = |event: &Event| match event {
            Event::SeatsHeld { reservation, seats, .. } => {
                reservation.schedule == schedule && seats.contains(&seat)
            }
            _ => false,
        };
        batch.sales.iter().any(|sale| sale.events.iter().any(holds))
    }

    fn blocks(&self, batch: &Batch) -> bool {
        batch.sales.iter().any(|sale| self.is_open(sale.concert))
    }
}

/// One process's way to the database.
pub struct SimulatedStore {
    database: Arc<Database>,
    node: usize,
}

impl SimulatedStore {
    /// The same process again.
    pub fn handle(&self) -> Self {
        Self { database: self.database.clone(), node: self.node }
    }

    /// The process dies: whatever it asked is never answered.
    pub fn kill(&self) {
        self.database.kill(self.node);
    }

    pub fn is_dead(&self) -> bool {
        self.database.state.lock().nodes[self.node] == Node::Dead
    }

    /// Stops the process and continues it, as SIGSTOP and SIGCONT do.
    pub fn stand_still(&self, still: bool) {
        self.database.stand_or_run(self.node, if still { Node::Stands } else { Node::Runs });
    }

    /// Every call of a process, and every answer to it, has to pass here.
    async fn pass(&self) {
        loop {
            let changed = self.database.changed.notified();
            let now = self.database.state.lock().nodes[self.node];
            match now {
                Node::Runs => return,
                Node::Stands => {}
                Node::Dead => pending().await,
            }
            changed.await;
        }
    }

    /// The call is on its way. Gives back how it will end.
    async fn call(&self, call: Call) -> Option<Fault> {
        let number = {
            let calls = &mut self.database.state.lock().calls;
            let number = calls.entry(call).or_default();
            *number += 1;
            *number
        };
        self.pass().await;
        loop {
            let changed = self.database.changed.notified();
            let held_up = self.database.state.lock().held_up;
            if held_up.is_none_or(|(kind, last)| kind != call || number <= last) {
                break;
            }
            changed.await;
        }
        let (latency, fault) = {
            let faults = &mut self.database.state.lock().faults;
            (faults.latency(), faults.next(call))
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        self.database.state.lock().end_open_commits();
        self.pass().await;
        fault
    }

    async fn die(&self) -> ! {
        self.database.kill(self.node);
        pending().await
    }

    /// A call that reads or writes without a batch.
    async fn plain<T>(
        &self,
        call: Call,
        mut done: impl FnMut(&mut State) -> Option<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fault = self.call(call).await;
        match fault {
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::RolledBack) => return Err(StoreError::RolledBack("deadlock".into())),
            Some(Fault::Unreachable) => return Err(StoreError::Unreachable("connection refused".into())),
            _ => {}
        }
        let answer = self.database.wait_for(&mut done).await?;
        self.pass().await;
        match fault {
            Some(Fault::CrashAfter) => self.die().await,
            Some(Fault::AnswerLost) => Err(StoreError::Unreachable("connection reset".into())),
            _ => answer,
        }
    }

    async fn read<T>(&self, read: impl Fn(&mut State) -> T) -> Result<T, StoreError> {
        self.plain(Call::Read, |state| Some(Ok(read(state)))).await
    }
}

#[async_trait]
impl Store for SimulatedStore {
    fn is_embedded(&self) -> bool {
        false
    }

    async fn open_writer(&self) -> Result<Box<dyn BatchWriter>, StoreError> {
        self.plain(Call::OpenWriter, |_| Some(Ok(()))).await?;
        Ok(Box::new(SimulatedWriter { store: self.handle(), transaction: None }))
    }

    async fn open_table_writer(&self) -> Result<Box<dyn TableWriter>, StoreError> {
        self.plain(Call::OpenTableWriter, |_| Some(Ok(()))).await?;
        Ok(Box::new(self.handle()))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|_| ()).await
    }
}

#[async_trait]
impl Orders for SimulatedStore {
    async fn orders_to_refund(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        after: ReservationId,
        max: u32,
    ) -> Result<Vec<OrderToRefund>, StoreError> {
        self.read(|state| state.tables.orders_to_refund(concert, schedule, after, max)).await
    }

    async fn order(&self, id: ReservationId) -> Result<Option<Reservation>, StoreError> {
        self.read(|state| state.tables.order(id)).await
    }

    async fn is_archived(&self, concert: ConcertId) -> Result<bool, StoreError> {
        self.read(|state| state.tables.is_archived(concert)).await
    }
}

#[async_trait]
impl CatchUp for SimulatedStore {
    async fn catch_up(
        &self,
        concert: ConcertId,
        writer: WriterId,
        events_max: usize,
    ) -> Result<u64, StoreError> {
        let (mut rows, events_max) = (0, events_max.min(CAUGHT_UP_AT_ONCE_MAX));
        loop {
            let step = |state: &mut State| {
                (!state.is_followed(concert)).then(|| state.tables.catch_up(concert, writer, events_max))
            };
            match self.plain(Call::CatchUp, step).await? {
                0 => return Ok(rows),
                more => rows += more,
            }
        }
    }
}

#[async_trait]
impl TableWriter for SimulatedStore {
    async fn follow(&mut self, rows: &Following) -> Result<u64, StoreError> {
        let fault = self.call(Call::Follow).await;
        match fault {
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::RolledBack) => return Err(StoreError::RolledBack("deadlock".into())),
            Some(Fault::Unreachable) => return Err(StoreError::Unreachable("connection refused".into())),
            _ => {}
        }
        let lost = || StoreError::Unreachable("connection reset in COMMIT".into());
        let followed = self.database.wait_for(|state| {
            if state.is_followed(rows.concert) {
                return None;
            }
            if fault == Some(Fault::UnknownOpen) && state.tables.may_follow(rows) {
                let (commits, after) = state.faults.late_outcome();
                let ends = Instant::now() + after;
                state.open_follows.push(OpenFollow { rows: rows.clone(), ends, commits });
                return Some(Err(lost()));
            }
            Some(state.tables.follow(rows))
        });
        let followed = followed.await?;
        self.pass().await;
        match fault {
            Some(Fault::CrashAfter) => self.die().await,
            Some(Fault::AnswerLost) => Err(lost()),
            _ => followed,
        }
    }
}

#[async_trait]
impl Claims for SimulatedStore {
    async fn concerts_to_run(&self, now: Timestamp) -> Result<Vec<ConcertId>, StoreError> {
        self.read(|state| state.tables.concerts_to_run(now)).await
    }

    async fn claim(
        &self,
        concert: ConcertId,
        writer: WriterId,
        now: Timestamp,
        expected: Option<Holder>,
    ) -> Result<Claimed, StoreError> {
        let claim = |state: &mut State| {
            let is_free = !state.is_open(concert) && !state.is_followed(concert);
            is_free.then(|| state.tables.claim(concert, writer, now, expected))
        };
        self.plain(Call::Claim, claim).await
    }

    async fn holder(&self, concert: ConcertId) -> Result<Holder, StoreError> {
        self.plain(Call::Read, |state| Some(state.tables.holder(concert))).await
    }

    async fn holders(&self) -> Result<Vec<(ConcertId, Holder)>, StoreError> {
        self.read(|state| state.tables.holders()).await
    }

    async fn load_sale(&self, concert: ConcertId, now: Timestamp) -> Result<LoadedSale, StoreError> {
        self.plain(Call::Load, |state| Some(state.tables.load_sale(concert, now))).await
    }

    async fn load_copy(
        &self,
        concert: ConcertId,
        now: Timestamp,
        missed: Option<Missed>,
    ) -> Result<LoadedCopy, StoreError> {
        self.plain(Call::Load, |state| Some(state.tables.load_copy(concert, now, missed.as_ref()))).await
    }

    async fn heartbeat(
        &self,
        writer: WriterId,
        now: Timestamp,
        gap_max: Duration,
    ) -> Result<Vec<(ConcertId, Duration)>, StoreError> {
        self.plain(Call::Heartbeat, |state| Some(Ok(state.tables.heartbeat(writer, now, gap_max)))).await
    }

    async fn count_outage(
        &self,
        concert: ConcertId,
        writer: WriterId,
        outage: Duration,
    ) -> Result<Duration, StoreError> {
        self.plain(Call::CountOutage, |state| Some(state.tables.count_outage(concert, writer, outage))).await
    }

    async fn release_claims(&self, writer: WriterId, now: Option<Timestamp>) -> Result<(), StoreError> {
        self.plain(Call::ReleaseClaims, |state| {
            state.tables.release_claims(writer, now);
            Some(Ok(()))
        })
        .await
    }

    async fn give_claim(
        &self,
        concert: ConcertId,
        claim: (WriterId, u64),
        now: Timestamp,
        heir: NodeNo,
    ) -> Result<(), StoreError> {
        self.plain(Call::ReleaseClaims, |state| {
            state.tables.give_claim(concert, claim, now, heir);
            Some(Ok(()))
        })
        .await
    }

    async fn wish_move(&self, concert: ConcertId, to: NodeNo) -> Result<bool, StoreError> {
        self.plain(Call::BeatMember, |state| Some(Ok(state.tables.wish_move(concert, to)))).await
    }

    async fn is_served(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.read(|state| state.tables.is_served(now)).await
    }
}

#[async_trait]
impl Members for SimulatedStore {
    async fn join_members(&self, about: &About) -> Result<NodeNo, StoreError> {
        self.plain(Call::BeatMember, |state| Some(Ok(state.tables.join_members(about)))).await
    }

    async fn enter_member(&self, member: &Member) -> Result<bool, StoreError> {
        self.plain(Call::BeatMember, |state| Some(Ok(state.tables.enter_member(member)))).await
    }

    async fn beat_member(
        &self,
        node: NodeNo,
        now: MemberState,
        sales: u32,
        hears: u32,
    ) -> Result<bool, StoreError> {
        self.plain(Call::BeatMember, |state| Some(Ok(state.tables.beat_member(node, now, sales, hears))))
            .await
    }

    async fn wish_drain(&self, node: NodeNo, is_to_drain: bool) -> Result<bool, StoreError> {
        self.plain(Call::BeatMember, |state| Some(Ok(state.tables.wish_drain(node, is_to_drain)))).await
    }

    async fn members(&self) -> Result<Vec<Member>, StoreError> {
        self.read(|state| state.tables.members()).await
    }

    async fn forget_member(&self, node: NodeNo, beat: u64) -> Result<(), StoreError> {
        self.plain(Call::BeatMember, |state| {
            state.tables.forget_member(node, beat);
            Some(Ok(()))
        })
        .await
    }

    /// At once, whatever the weather: how well it is measured is not what a life is about.
    async fn database_time(&self) -> Result<Timestamp, StoreError> {
        self.pass().await;
        let clock = self.database.state.lock().tables.clock.clone();
        Ok(clock.map_or(Timestamp::default(), |clock| clock.utc()))
    }
}

#[async_trait]
impl Reads for SimulatedStore {
    async fn user(&self, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        self.read(|state| state.tables.user(user)).await
    }

    async fn balance(&self, user: UserId) -> Result<Option<Money>, StoreError> {
        self.read(|state| state.tables.user(user).map(|user| user.balance)).await
    }

    async fn history(
        &self,
        user: UserId,
        before: Option<HistoryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(|state| state.tables.history(user, before, limit)).await
    }

    async fn reservations(&self, user: UserId) -> Result<Vec<Reservation>, StoreError> {
        self.read(|state| state.tables.reservations_of(user)).await
    }

    async fn tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError> {
        self.read(|state| state.tables.tickets_of(user, true)).await
    }

    async fn cancelled_tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError> {
        self.read(|state| state.tables.tickets_of(user, false)).await
    }

    async fn last_tokens(&self, user: UserId) -> Result<Vec<TokenRecord>, StoreError> {
        self.read(|state| state.tables.last_tokens(user)).await
    }

    async fn concerts(&self) -> Result<Vec<ConcertId>, StoreError> {
        self.read(|state| state.tables.concerts()).await
    }

    async fn concert_of_schedule(&self, schedule: ScheduleId) -> Result<Option<ConcertId>, StoreError> {
        self.read(|state| state.tables.concert_of_schedule(schedule)).await
    }

    async fn seat_label(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        seat: SeatId,
    ) -> Result<Option<String>, StoreError> {
        self.read(|state| state.tables.seat_label(concert, schedule, seat)).await
    }

    async fn journal(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<Vec<JournalRow>, StoreError> {
        self.plain(Call::Read, |state| Some(state.tables.journal_rows(concert, from, rows_max))).await
    }

    async fn behind(&self) -> Result<Vec<Behind>, StoreError> {
        self.read(|state| state.tables.behind()).await
    }

    async fn sweep(&self, page: &SweepPage) -> Result<SweepRows, StoreError> {
        self.plain(Call::Read, |state| Some(state.tables.sweep(page))).await
    }

    async fn audit_with(&self, _archive: Option<&Archive>) -> Result<AuditReport, StoreError> {
        let report = self.read(|state| (state.tables.whole().audit(), state.tables.audit_journals())).await;
        report.map(|(report, faults)| AuditReport { faults: [report.faults, faults].concat(), ..report })
    }
}

#[async_trait]
impl Setup for SimulatedStore {
    async fn add_concert(&self, concert: NewConcert) -> Result<(ConcertId, Vec<ScheduleId>), StoreError> {
        let tables = &mut self.database.state.lock().tables;
        match tables.wallet_currency().code {
            Some(wallets) if wallets != concert.currency => {
                Err(StoreError::OtherCurrency { wallets, concert: concert.currency })
            }
            _ => match tables.same_concert(&concert) {
                Some(concert) => Err(StoreError::AlreadyThere { concert }),
                None => Ok(tables.add_concert(concert)),
            },
        }
    }

    async fn prepare_schedule(
        &self,
        concert: ConcertId,
        starts_at: Timestamp,
        _seats_max: usize,
    ) -> Result<Prepared, StoreError> {
        let prepared = self.read(|state| state.tables.prepare_schedule(concert, starts_at)).await?;
        let schedule = prepared.ok_or(StoreError::NoSuchConcert { concert })?;
        Ok(Prepared { schedule, is_whole: true })
    }

    async fn add_first_concert(&self, concert: NewConcert) -> Result<bool, StoreError> {
        let is_there = self.database.state.lock().tables.has_concerts();
        if !is_there {
            self.add_concert(concert).await?;
        }
        Ok(!is_there)
    }

    async fn add_user(&self, user: NewUser) -> Result<UserId, StoreError> {
        self.pass().await;
        let mut state = self.database.state.lock();
        let State { tables, ids, .. } = &mut *state;
        Ok(tables.add_user(user, ids))
    }

    async fn user_of_subject(
        &self,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<UserId, StoreError> {
        self.read(|state| state.tables.user_of_subject(issuer, subject, now, &mut state.ids)).await
    }

    async fn user_at_desk(
        &self,
        concert: ConcertId,
        request: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<UserId, StoreError> {
        self.read(|state| state.tables.user_at_desk((concert, request), name, now, &mut state.ids)).await
    }

    async fn wallet_currency(&self) -> Result<WalletCurrency, StoreError> {
        self.read(|state| state.tables.wallet_currency()).await
    }

    async fn decide_currency(&self, currency: &str, _now: Timestamp) -> Result<(), StoreError> {
        self.database.state.lock().tables.decide_currency(currency);
        Ok(())
    }
}

struct SimulatedWriter {
    store: SimulatedStore,
    /// Begun and not ended.
    transaction: Option<Transaction>,
}

impl SimulatedWriter {
    fn database(&self) -> &Database {
        &self.store.database
    }

    fn start(&mut self) -> Transaction {
        let node = self.store.node;
        *self.transaction.get_or_insert_with(|| {
            let mut state = self.store.database.state.lock();
            state.transactions += 1;
            Transaction { node, number: state.transactions }
        })
    }

    fn end(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.database().state.lock().unlock(transaction);
            self.database().changed.notify_waiters();
        }
    }

    /// Writes the batch once nobody stands in its way.
    async fn write(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let transaction = self.start();
        let wallets = Rows::at_once(batch).wallet_users();
        let written = self.database().wait_for(|state| {
            if state.blocks(batch) {
                return None;
            }
            state.lock(&wallets, transaction).map(|()| state.tables.write(batch))
        });
        written.await?
    }
}

impl Drop for SimulatedWriter {
    /// A connection that is gone rolls back.
    fn drop(&mut self) {
        self.end();
    }
}

#[async_trait]
impl BatchWriter for SimulatedWriter {
    async fn begin(&mut self, needs: &Needs) -> Result<Facts, StoreError> {
        self.end();
        if needs.is_empty() {
            return Ok(Facts::default());
        }
        let transaction = self.start();
        let store = self.store.handle();
        let begun = store.plain(Call::Begin, |state| {
            state.lock(&needs.wallets, transaction).map(|()| Ok(state.tables.facts(needs)))
        });
        let begun = begun.await;
        if begun.is_err() {
            self.end();
        }
        begun
    }

    async fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let fault = self.store.call(Call::Commit).await;
        let is_broken_off = {
            let bugs = &mut self.database().state.lock().bugs;
            *bugs > 0 && std::mem::replace(bugs, *bugs - 1) > 0
        };
        assert!(!is_broken_off, "a bug that was asked for");
        if self.database().state.lock().refuses(batch) {
            self.end();
            return Err(StoreError::refused("a rule that was asked for").into());
        }
        let locked = self.database().state.lock().locked;
        if let Some(wait) = locked {
            tokio::time::sleep(wait).await;
            self.end();
            return Err(StoreError::RolledBack("lock wait timeout exceeded".into()).into());
        }
        let lost = || CommitError::OutcomeUnknown("connection reset in COMMIT".into());
        match fault {
            Some(Fault::CrashBefore) => self.store.die().await,
            Some(Fault::RolledBack) => {
                self.end();
                return Err(StoreError::RolledBack("deadlock".into()).into());
            }
            Some(Fault::Unreachable) => {
                self.end();
                return Err(StoreError::Unreachable("connection reset".into()).into());
            }
            Some(Fault::Broken) => {
                self.end();
                return Err(StoreError::broken("no space left on device").into());
            }
            Some(Fault::UnknownUndone) => {
                self.end();
                return Err(lost());
            }
            Some(Fault::UnknownOpen) => return self.leave_open(batch).await,
            _ => {}
        }
        let written = self.write(batch).await;
        if written.is_ok() {
            // It is done, whether its answer arrives or not.
            self.end();
        }
        self.store.pass().await;
        self.end();
        match fault {
            Some(Fault::CrashAfter) => self.store.die().await,
            Some(Fault::UnknownDone) if written.is_ok() => Err(lost()),
            _ => written,
        }
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        let store = self.store.handle();
        let done = store.plain(Call::Rollback, |_| Some(Ok(()))).await;
        self.end();
        done
    }

    async fn settle(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        self.end();
        let fault = self.store.call(Call::Settle).await;
        let lost = || CommitError::OutcomeUnknown("connection reset in COMMIT".into());
        match fault {
            Some(Fault::CrashBefore) => self.store.die().await,
            Some(Fault::RolledBack) => return Err(StoreError::RolledBack("deadlock".into()).into()),
            Some(Fault::Unreachable) => {
                return Err(StoreError::Unreachable("connection refused".into()).into());
            }
            Some(Fault::UnknownUndone) => return Err(lost()),
            _ => {}
        }
        let transaction = self.start();
        let wallets = Rows::at_once(batch).wallet_users();
        let settled = self.database().wait_for(|state| {
            if state.blocks(batch) {
                return None;
            }
            state.lock(&wallets, transaction).map(|()| state.tables.settle(batch))
        });
        let settled = settled.await;
        self.end();
        self.store.pass().await;
        match fault {
            Some(Fault::CrashAfter) => self.store.die().await,
            Some(Fault::UnknownDone) => Err(lost()),
            _ => settled?,
        }
    }
}

impl SimulatedWriter {
    /// The connection is lost with the transaction complete but for its end. The server keeps its locks until it
    /// finds out, and then it commits, if the COMMIT had come through, or not.
    async fn leave_open(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let is_alone = self.transaction.is_none() && Rows::at_once(batch).is_empty();
        let transaction = self.start();
        if is_alone && self.database().state.lock().faults.is_late() {
            let mut state = self.database().state.lock();
            let (commits, after) = state.faults.late_outcome();
            let (batch, ends) = (batch.clone(), Instant::now() + after);
            state.open.push(OpenCommit { batch, transaction, ends, commits, is_on_its_way: true });
            drop(state);
            self.transaction = None;
            return Err(CommitError::OutcomeUnknown("connection reset after the statement was sent".into()));
        }
        let wallets = Rows::at_once(batch).wallet_users();
        let left = self.database().wait_for(|state| {
            if state.blocks(batch) {
                return None;
            }
            state.lock(&wallets, transaction)?;
            let (commits, after) = state.faults.late_outcome();
            // A batch that would be refused is refused now: the server only keeps what could be committed.
            let fits = state.tables.could_write(batch);
            if fits.is_ok() {
                let ends = Instant::now() + after;
                let batch = batch.clone();
                state.open.push(OpenCommit { batch, transaction, ends, commits, is_on_its_way: false });
            }
            Some(fits)
        });
        let left = left.await;
        if left.is_err() {
            // A transaction that waited too long for a lock is rolled back, and releases its own.
            self.end();
        }
        match left? {
            Ok(()) => {
                // The transaction outlives this connection.
                self.transaction = None;
                Err(CommitError::OutcomeUnknown("connection reset in COMMIT".into()))
            }
            Err(error) => {
                self.end();
                Err(error)
            }
        }
    }
}

//! The cost of a durable batch: fans hold a seat each in one transaction, and give it back in the next. The time of a
//! batch grows far slower than its size, which is why there are batches. And what it costs that the tables follow. In the embedded store, or in the database that
//! `FRONTROW_BENCH_DATABASE` names by its URL; on that one also what the same holds cost row by row.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::ItemsCount;
use frontrow::domain::command::{Answer, Caller, Command, EndedFacts, Inputs, Needs};
use frontrow::domain::concert::Texts;
use frontrow::domain::event::Event;
use frontrow::domain::ids::{ConcertId, IdSource, ReservationId, ScheduleId, SeatId, UserId};
use frontrow::domain::line::Order;
use frontrow::domain::record::SaleState;
use frontrow::domain::rules::{OwnRules, SaleRules, SaleSettings};
use frontrow::domain::sale::{Sale, SaleSnapshot, ScheduleSnapshot, Step};
use frontrow::domain::time::{Now, Timestamp};
use frontrow::limits::ENDED_KEPT_MAX;
use frontrow::store::{
    self, Batch, BatchWriter, Following, JournalPosition, NewConcert, SaleBatch, Store, TableWriter,
    WriterId, random_id,
};
use frontrow::venue::{self, ImportOptions, Shape};
use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Row};

const DATABASE: &str = "FRONTROW_BENCH_DATABASE";
const SEATS: usize = 20_000;
const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A filter runs only what it names; `counts` and `in turns` are what follows at the end.
fn main() {
    divan::main();
    let filters: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| filter == name);
    if is_wanted("counts") {
        count();
    }
    if is_wanted("in turns") {
        compare();
    }
}

/// A sale with everybody admitted, and the lane that writes it.
struct Stage {
    runtime: tokio::runtime::Runtime,
    lane: Box<dyn BatchWriter>,
    tables: Box<dyn TableWriter>,
    sale: Sale,
    schedule: ScheduleId,
    inputs: Inputs,
    writer: WriterId,
    journal: JournalPosition,
    /// What the tables do not have yet.
    behind: Vec<Arc<Vec<Event>>>,
    /// Kept for as long as the store is open.
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new(fans: usize) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        // Beside the build, because a folder for temporary files may be in memory, where commits are free.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let writer = WriterId(random_id());
        let (store, concert) = runtime.block_on(new_concert(folder.path()));
        let (lane, sale, schedule, journal) = runtime.block_on(load(&*store, concert, writer));
        let tables = runtime.block_on(store.open_table_writer()).expect("a table writer");
        let inputs =
            Inputs { wallets: Default::default(), ended: EndedFacts::default(), ids: IdSource::from_os() };
        let behind = Vec::new();
        let mut stage =
            Self { runtime, lane, tables, sale, schedule, inputs, writer, journal, behind, _folder: folder };
        let joins = (1..=fans).map(|user| Command::Join { user: UserId(user as u64), connection: None });
        stage.commit(&joins.collect::<Vec<_>>());
        stage.follow();
        stage
    }

    /// Decides the commands and commits what came of them in one transaction.
    fn commit(&mut self, commands: &[Command]) -> Vec<Answer> {
        let (batch, answers) = self.decide(commands);
        self.write(batch);
        answers
    }

    fn decide(&mut self, commands: &[Command]) -> (Batch, Vec<Answer>) {
        let now = Now::new(START, Duration::ZERO);
        let mut events: Vec<Event> = Vec::new();
        let decide = |command| {
            let step = Step { now, inputs: &mut self.inputs, events: &mut events };
            self.sale.decide(step, command)
        };
        let answers = commands.iter().map(decide).map(|answer| answer.expect("the rules allow it")).collect();
        let batch = Batch {
            id: random_id(),
            writer: self.writer,
            at: START,
            sales: vec![SaleBatch {
                concert: self.sale.concert(),
                seq: self.journal.seq + 1,
                after: self.journal.batch,
                events,
            }],
            charges: Vec::new(),
        };
        (batch, answers)
    }

    fn write(&mut self, batch: Batch) {
        let committed = self.runtime.block_on(async {
            self.lane.begin(&Needs::default()).await?;
            self.lane.commit(&batch).await
        });
        committed.expect("the disk has room");
        self.sale.commit(ENDED_KEPT_MAX);
        self.journal = JournalPosition { seq: self.journal.seq + 1, batch: batch.id };
        self.behind.extend(batch.sales.into_iter().map(|sale| Arc::new(sale.events)));
    }

    /// Has the tables follow all that was committed, in one transaction.
    fn follow(&mut self) {
        let to = self.journal.seq;
        let following = Following {
            concert: self.sale.concert(),
            writer: self.writer,
            from: to - self.behind.len() as u64,
            to,
            events: std::mem::take(&mut self.behind),
            passed: Vec::new(),
            ends: Vec::new(),
        };
        let followed = self.runtime.block_on(self.tables.follow(&following));
        assert_eq!(followed.expect("the tables take what the journal says"), to);
    }

    /// The holds of the first `fans` of them, spread over the house.
    fn holds(&mut self, fans: usize) -> (Batch, Vec<Answer>) {
        let schedule = self.schedule;
        let hold = |fan| Command::Hold {
            caller: caller(fan),
            schedule,
            seats: vec![SeatId((fan * (SEATS / fans)) as u32)],
        };
        self.decide(&(0..fans).map(hold).collect::<Vec<_>>())
    }

    fn give_back(&mut self, held: &mut Vec<Answer>) {
        let release = |(fan, answer): (usize, Answer)| Command::Release {
            caller: caller(fan),
            reservation: reservation_of(&answer),
            seats: None,
        };
        let releases: Vec<_> = held.drain(..).enumerate().map(release).collect();
        if !releases.is_empty() {
            self.commit(&releases);
        }
    }
}

async fn new_concert(folder: &std::path::Path) -> (Arc<dyn Store>, ConcertId) {
    let url = std::env::var(DATABASE).ok();
    let store = store::open(url.as_deref(), folder).await.expect("a store");
    let hall = venue::generate(SEATS, Shape::Arena).expect("a hall");
    let prices = venue::suggested_prices(&hall);
    let imported = venue::import(hall.to_string().as_bytes(), &prices, ImportOptions::default());
    let concert = NewConcert {
        title: "A night".into(),
        currency: "KRW".into(),
        time_zone: Some("Asia/Seoul".into()),
        layout: imported.expect("a generated hall has no fault").layout,
        starts_at: vec![START + 30 * DAY],
        restricted: Vec::new(),
        about: None,
        again: true,
        settings: SaleSettings {
            state: SaleState::Open,
            opens_at: None,
            message: None,
            own: OwnRules::default(),
        },
        at: START,
    };
    let (concert, _) = store.add_concert(concert).await.expect("the concert is stored");
    (store, concert)
}

async fn load(
    store: &dyn Store,
    concert: ConcertId,
    writer: WriterId,
) -> (Box<dyn BatchWriter>, Sale, ScheduleId, JournalPosition) {
    store.claim(concert, writer, START, None).await.expect("nobody else runs it");
    let loaded = store.load_sale(concert, START).await.expect("the sale is there");
    let schedule = loaded.schedules[0].schedule;
    let snapshot = SaleSnapshot {
        sells: true,
        token_secret: loaded.token_secret.expect("the claim gave it one"),
        concert,
        settings: loaded.settings,
        texts: Texts::default(),
        archived: None,
        order: Order::default(),
        next_entry: loaded.next_entry,
        tokens: loaded.tokens,
        reservations: loaded.reservations,
        lapsed: Vec::new(),
        bought: Vec::new(),
        schedules: vec![ScheduleSnapshot {
            id: schedule.id,
            starts_at: schedule.starts_at,
            state: Default::default(),
            plan: Arc::new(loaded.schedules[0].layout.seat_plan()),
            prices: Vec::new(),
            taken: Vec::new(),
        }],
    };
    let rules = SaleRules { capacity: SEATS as u32, ..SaleRules::default() };
    let lane = store.open_writer().await.expect("a lane");
    (lane, Sale::restored(snapshot, rules, START), schedule.id, loaded.journal)
}

fn caller(fan: usize) -> Caller {
    Caller { user: UserId(fan as u64 + 1), token: None, guest_of: None }
}

/// Two batches, decided and written: as many holds as fans, then as many releases.
#[divan::bench(args = [1, 10, 100, 1_000])]
fn holds_then_releases(bencher: Bencher<'_, '_>, fans: usize) {
    let mut stage = Stage::new(fans);
    bencher.counter(ItemsCount::new(2 * fans)).bench_local(|| {
        let (batch, mut held) = stage.holds(fans);
        stage.write(batch);
        stage.give_back(&mut held);
    });
}

fn reservation_of(answer: &Answer) -> ReservationId {
    match answer {
        Answer::Reservation(reservation) => reservation.id,
        other => panic!("{other:?} is no reservation"),
    }
}

/// Holds alone, a thousand in a batch, and as many as a lane puts into one under load: what the store takes to write them.
/// They are decided, and given back, untimed.
#[divan::bench(args = [1_000, 4_000], sample_count = 60, sample_size = 1)]
fn holds_in_a_batch(bencher: Bencher<'_, '_>, fans: usize) {
    let stage = RefCell::new((Stage::new(fans), Vec::new()));
    let decide = || {
        let (stage, held) = &mut *stage.borrow_mut();
        stage.give_back(held);
        let (batch, answers) = stage.holds(fans);
        *held = answers;
        batch
    };
    bencher
        .counter(ItemsCount::new(fans))
        .with_inputs(decide)
        .bench_local_values(|batch| stage.borrow_mut().0.write(batch));
}

/// What it takes to write the rows of a thousand holds behind their batch, and of a thousand that were given back meanwhile, as
/// most are in a rush.
#[divan::bench(args = [false, true], sample_count = 60, sample_size = 1)]
fn tables_follow_a_thousand_holds(bencher: Bencher<'_, '_>, given_back: bool) {
    const FANS: usize = 1_000;
    let stage = RefCell::new((Stage::new(FANS), Vec::new()));
    let commit = || {
        let (stage, held) = &mut *stage.borrow_mut();
        stage.give_back(held);
        stage.follow();
        let (batch, mut answers) = stage.holds(FANS);
        stage.write(batch);
        if given_back {
            stage.give_back(&mut answers);
        }
        *held = answers;
    };
    bencher
        .counter(ItemsCount::new(FANS))
        .with_inputs(commit)
        .bench_local_values(|()| stage.borrow_mut().0.follow());
}

/// The same, of two sales at once, each on a lane of its own, as a server with a database spreads its sales: a thousand in
/// each batch.
#[divan::bench(sample_count = 60, sample_size = 1)]
fn holds_on_two_lanes(bencher: Bencher<'_, '_>) {
    const FANS: usize = 1_000;
    if std::env::var(DATABASE).is_err() {
        return println!("the embedded database has one lane: {DATABASE} names no other");
    }
    let stages = RefCell::new([Stage::new(FANS), Stage::new(FANS)].map(|stage| (stage, Vec::new())));
    let decide = || {
        stages.borrow_mut().each_mut().map(|(stage, held)| {
            stage.give_back(held);
            let (batch, answers) = stage.holds(FANS);
            *held = answers;
            batch
        })
    };
    bencher.counter(ItemsCount::new(2 * FANS)).with_inputs(decide).bench_local_values(|batches| {
        let mut stages = stages.borrow_mut();
        std::thread::scope(|scope| {
            for ((stage, _), batch) in stages.iter_mut().zip(batches) {
                scope.spawn(|| stage.write(batch));
            }
        });
    });
}

/// The way everybody builds it: each hold a transaction that reads the seat under lock, inserts the reservation, updates
/// the seat and commits, on 16 connections at once; in the same tables, in the database that `FRONTROW_BENCH_DATABASE`
/// names. Without one it measures nothing and says so.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn holds_row_by_row(bencher: Bencher<'_, '_>) {
    let Ok(url) = std::env::var(DATABASE) else {
        return println!("row by row is measured on a database server: {DATABASE} names none");
    };
    let row_by_row = RefCell::new(RowByRow::new(&url));
    bencher
        .counter(ItemsCount::new(RowByRow::HOLDS))
        .with_inputs(|| row_by_row.borrow_mut().give_back())
        .bench_local_values(|()| row_by_row.borrow_mut().hold_all());
}

struct RowByRow {
    runtime: tokio::runtime::Runtime,
    concert: ConcertId,
    schedule: i64,
    connections: Vec<MySqlConnection>,
    /// Kept for as long as the store is open.
    _folder: tempfile::TempDir,
}

impl RowByRow {
    const CONNECTIONS: usize = 16;
    const HOLDS_EACH: usize = 100;
    const HOLDS: usize = Self::CONNECTIONS * Self::HOLDS_EACH;

    fn new(url: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let (_, concert) = runtime.block_on(new_concert(folder.path()));
        let connect = |_| runtime.block_on(MySqlConnection::connect(url)).expect("a connection");
        let mut connections: Vec<_> = (0..Self::CONNECTIONS).map(connect).collect();
        let schedule = sqlx::query_scalar("SELECT schedule_id FROM concert_schedule WHERE concert_id = ?");
        let schedule = runtime.block_on(schedule.bind(concert.0).fetch_one(&mut connections[0]));
        Self { runtime, concert, schedule: schedule.expect("a schedule"), connections, _folder: folder }
    }

    fn give_back(&mut self) {
        let statement = "UPDATE concert_seat SET status = 'AVAILABLE', reservation_id = NULL \
             WHERE reservation_id IS NOT NULL AND concert_id = ?";
        let done = sqlx::query(statement).bind(self.concert.0).execute(&mut self.connections[0]);
        self.runtime.block_on(done).expect("it is given back");
    }

    fn hold_all(&mut self) {
        let (concert, schedule) = (self.concert, self.schedule);
        let hold_each = |(at, mut connection): (usize, MySqlConnection)| {
            self.runtime.spawn(async move {
                for hold in 0..Self::HOLDS_EACH {
                    // Spread over the house, as in a batch.
                    let seat = (hold * Self::CONNECTIONS + at) * (SEATS / Self::HOLDS);
                    hold_one(&mut connection, concert, schedule, seat as u32).await.expect("it is free");
                }
                connection
            })
        };
        let tasks: Vec<_> = self.connections.drain(..).enumerate().map(hold_each).collect();
        for task in tasks {
            self.connections.push(self.runtime.block_on(task).expect("the task ends"));
        }
    }
}

/// What a database server counts for a hold and its release: the statements that it is sent, each a round trip, and the rows
/// that it writes, with the tables a second behind and with them at once behind every batch.
fn count() {
    const FANS: usize = 1_000;
    const BATCHES: usize = 10;
    let Ok(url) = std::env::var(DATABASE) else { return };
    let mut stage = Stage::new(FANS);
    let mut counts = Counts::of(&url, &stage.runtime);
    for (at_once, how) in [(false, "behind ten batches"), (true, "behind each batch")] {
        let mut held = Vec::new();
        for _ in 0..BATCHES {
            let (batch, answers) = stage.holds(FANS);
            stage.write(batch);
            if at_once {
                stage.follow();
            }
            held = answers;
            stage.give_back(&mut held);
            if at_once {
                stage.follow();
            }
        }
        let batches = counts.since(&stage.runtime);
        stage.follow();
        let tables = counts.since(&stage.runtime);
        assert!(held.is_empty(), "all were given back");
        let each = |count: u64| count as f64 / (BATCHES * FANS) as f64;
        println!(
            "{how}: {} + {} statements, {} + {} rows of {} holds and releases; a hold {:.4} statements, {:.3} rows",
            batches.0,
            tables.0,
            batches.1,
            tables.1,
            BATCHES * FANS,
            each(batches.0 + tables.0),
            each(batches.1 + tables.1),
        );
    }
}

/// The statements and rows that a database server has counted.
struct Counts {
    connection: MySqlConnection,
    last: (u64, u64),
}

impl Counts {
    fn of(url: &str, runtime: &tokio::runtime::Runtime) -> Self {
        let connection = runtime.block_on(MySqlConnection::connect(url)).expect("a connection");
        let mut counts = Self { connection, last: (0, 0) };
        counts.since(runtime);
        counts
    }

    /// Since the last time; asking is no part of it.
    fn since(&mut self, runtime: &tokio::runtime::Runtime) -> (u64, u64) {
        let status = "SHOW GLOBAL STATUS WHERE Variable_name IN \
             ('Questions', 'Handler_write', 'Handler_update', 'Handler_delete')";
        let asked = sqlx::raw_sql(status).fetch_all(&mut self.connection);
        let rows = runtime.block_on(asked).expect("what the server counts");
        let (mut statements, mut written) = (0, 0);
        for row in rows {
            let count: u64 = row.get::<String, _>(1).parse().expect("a number");
            match row.get::<String, _>(0).as_str() {
                "Questions" => statements += count,
                _ => written += count,
            }
        }
        let since = (statements.saturating_sub(self.last.0 + 1), written.saturating_sub(self.last.1));
        self.last = (statements, written);
        since
    }
}

/// The ratio of holds a second in batches of a thousand on one lane to row by row: both in turns, because the speed of a
/// machine changes from one minute to the next.
fn compare() {
    const FANS: usize = 1_000;
    const ROUNDS: usize = 20;
    const BATCHES: usize = 10;
    let Ok(url) = std::env::var(DATABASE) else { return };
    let (mut stage, mut row_by_row) = (Stage::new(FANS), RowByRow::new(&url));
    let mut held = Vec::new();
    let mut ratios = Vec::new();
    let (mut in_batches, mut by_rows) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let mut batches = Duration::ZERO;
        for _ in 0..BATCHES {
            stage.give_back(&mut held);
            let (batch, answers) = stage.holds(FANS);
            held = answers;
            let began = Instant::now();
            stage.write(batch);
            batches += began.elapsed();
        }
        row_by_row.give_back();
        let began = Instant::now();
        row_by_row.hold_all();
        let rows = began.elapsed();
        ratios.push(per_second(BATCHES * FANS, batches) / per_second(RowByRow::HOLDS, rows));
        in_batches += batches;
        by_rows += rows;
    }
    ratios.sort_by(f64::total_cmp);
    let (batches, rows) =
        (per_second(ROUNDS * BATCHES * FANS, in_batches), per_second(ROUNDS * RowByRow::HOLDS, by_rows));
    println!(
        "in turns: {batches:.0} holds/s in batches of {FANS} on one lane, {rows:.0}/s row by row: {:.1} ×; \
         of {ROUNDS} rounds the worst {:.1} ×, half at least {:.1} ×",
        batches / rows,
        ratios[0],
        ratios[ROUNDS / 2]
    );
}

fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

async fn hold_one(
    connection: &mut MySqlConnection,
    concert: ConcertId,
    schedule: i64,
    seat: u32,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let status: String = sqlx::query_scalar(
        "SELECT status FROM concert_seat WHERE concert_id = ? AND schedule_id = ? AND seat = ? FOR UPDATE",
    )
    .bind(concert.0)
    .bind(schedule)
    .bind(seat)
    .fetch_one(&mut *transaction)
    .await?;
    assert_eq!(status, "AVAILABLE");
    let reservation = random_id().as_bytes().to_vec();
    sqlx::query(
        "INSERT INTO reservation (concert_id, reservation_id, schedule_id, user_id, status, seats, amount, opened_at, \
           expires_at) VALUES (?, ?, ?, ?, 'TEMP_RESERVED', ?, 100, '2030-01-01', '2030-01-01')",
    )
    .bind(concert.0)
    .bind(&reservation)
    .bind(schedule)
    .bind(seat)
    .bind(seat.to_string())
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "UPDATE concert_seat SET status = 'TEMP_RESERVED', reservation_id = ? \
         WHERE concert_id = ? AND schedule_id = ? AND seat = ?",
    )
    .bind(&reservation)
    .bind(concert.0)
    .bind(schedule)
    .bind(seat)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

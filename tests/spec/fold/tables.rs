//! The stored rows and those of the journal, as text, a cell a column, and how they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use frontrow::domain::actor::{Actor, Who};
use frontrow::domain::concert::TextsPatch;
use frontrow::domain::event::{By, HouseSeats, PriceChange, RefundWhy};
use frontrow::domain::ids::{ConcertId, EntryNo, ReservationId, ScheduleId, SeatId};
use frontrow::domain::record::{
    LedgerEntry, LedgerKind, PaymentSource, PaymentStatus, Reservation, ReservationStatus, SaleState,
    ScheduleState, Ticket, TokenRecord, TokenStatus,
};
use frontrow::domain::rules::{OwnRule, OwnRules, SaleSettings};
use frontrow::domain::time::Timestamp;
use frontrow::domain::token_secret::TokenSecret;
use frontrow::store::archive::Archive;
use frontrow::store::fold::{Base, BaseSchedule, FoldedSale, FoldedSchedule, Touched};
use frontrow::store::journal::{Entry, SeatsChange, SeatsEntry};
use frontrow::store::rows::{PaymentRow, Rows, SeatRow};
use frontrow::store::sqlite::FILE_NAME;
use frontrow::store::{JournalRow, SeatStatus};
use frontrow::venue::VenueLayout;
use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _};
use uuid::Uuid;

use super::behind::{self, Behind};
use super::{COLUMNS_LEFT_OUT, ROWS_LEFT_OUT, TABLES_LEFT_OUT};
use crate::harness::House;

/// Numbers in decimal, times in milliseconds since 1970, ids in hexadecimal, texts as they are.
pub type Cell = Option<String>;
pub type Row = BTreeMap<String, Cell>;

/// The columns by which rows are found again.
const KEYS: &[(&str, &[&str])] = &[
    ("concert", &["concert_id"]),
    ("concert_schedule", &["schedule_id"]),
    ("concert_seat", &["concert_id", "schedule_id", "seat"]),
    ("concert_schedule", &["schedule_id"]),
    ("queue", &["concert_id", "entry_no"]),
    ("reservation", &["concert_id", "reservation_id"]),
    ("reservation_seat", &["concert_id", "reservation_id", "seat"]),
    ("payment", &["concert_id", "payment_id"]),
    ("ticket", &["concert_id", "ticket_id"]),
    ("payment_history", &["user_id", "history_id"]),
    ("operator_log", &["concert_id", "seq", "nr"]),
];

/// Every word that a column may have.
const STATES: &[(&str, &str, &[&str])] = &[
    ("concert", "state", &["CLOSED", "OPEN", "PAUSED", "SCHEDULED"]),
    ("concert_schedule", "state", &["CALLED_OFF", "PLANNED"]),
    ("concert_seat", "status", &["AVAILABLE", "RESERVED", "TEMP_RESERVED"]),
    ("queue", "status", &["DONE", "EXPIRED", "PROGRESS", "WAITING"]),
    ("queue", "reason", &["away", "closed", "idle", "left", "time"]),
    ("reservation", "status", &["CANCELLED", "EXPIRED", "RESERVED", "TEMP_RESERVED"]),
    ("payment", "status", &["CANCELLED", "DONE"]),
    ("payment", "source", &["card", "cash", "gift", "wallet"]),
    ("payment_history", "type", &["PAYMENT", "REFUND"]),
    (
        "operator_log",
        "what",
        &[
            "archive", "calloff", "describe", "keep", "move", "open", "perform", "postpone", "price",
            "refund", "sell", "set",
        ],
    ),
    ("journal", "refund", &["called off", "cancelled", "operator"]),
    ("journal", "given back", &["all", "some"]),
    (
        "journal",
        "lapse",
        &["bought_another", "called_off", "hold_time", "idle", "left", "released", "started"],
    ),
    ("journal", "house", &["describe", "keep", "open", "price"]),
    ("journal", "by", &["nobody known", "opens_at", "operator", "user"]),
    ("journal", "from", &["somewhere", "unknown"]),
];

/// The sum of all comparisons.
#[derive(Default)]
pub struct Seen {
    /// Columns that the fold could not give, or gave otherwise.
    pub needed: BTreeSet<(String, String)>,
    /// Events that were written later than they were decided.
    pub late: usize,
    words: BTreeSet<(String, String, String)>,
}

impl Seen {
    fn word(&mut self, table: &str, column: &str, word: &str) {
        self.words.insert((table.to_owned(), column.to_owned(), word.to_owned()));
    }

    pub fn every_state_came_about(&self) {
        for (table, column, words) in STATES {
            let seen: Vec<_> =
                self.words.iter().filter(|(t, c, _)| (&**t, &**c) == (*table, *column)).collect();
            let seen: Vec<_> = seen.into_iter().map(|(.., word)| word.as_str()).collect();
            assert_eq!(seen, *words, "{table}.{column}");
        }
    }

    fn by(&mut self, by: &By) {
        let By::Actor(Actor { who, from }) = by else { return self.word("journal", "by", "opens_at") };
        let who = match who {
            Who::Operator(_) => "operator",
            Who::User(_) => "user",
            Who::Unnamed => "nobody known",
        };
        self.word("journal", "by", who);
        self.word("journal", "from", if from.is_some() { "somewhere" } else { "unknown" });
    }

    fn entry(&mut self, entry: &Entry) {
        match entry {
            Entry::Join { late, .. } | Entry::Admit { late, .. } | Entry::End { late, .. } => {
                self.late += usize::from(late.unwrap() != 0);
            }
            Entry::Set { after, by, .. } => {
                self.word("concert", "state", after["state"].as_str().unwrap());
                self.by(by.as_ref().unwrap());
            }
            Entry::Seats(change) => {
                if let SeatsChange::Lapse { why, .. } = &change.change {
                    self.word("journal", "lapse", why);
                }
                if let SeatsChange::Refund { why, is_all, .. } = &change.change {
                    self.word("journal", "given back", if *is_all { "all" } else { "some" });
                    let word = match why {
                        RefundWhy::Cancelled => "cancelled",
                        RefundWhy::CalledOff => "called off",
                        RefundWhy::Operator { .. } => "operator",
                    };
                    self.word("journal", "refund", word);
                }
            }
            Entry::Archive { by, .. } => self.by(&By::Actor(by.clone())),
            Entry::Perform(of) => self.by(&By::Actor(of.by.clone())),
            Entry::Postpone(of) => self.by(&By::Actor(of.by.clone())),
            Entry::CallOff(of) => self.by(&By::Actor(of.by.clone())),
            Entry::Restrict(of) | Entry::Unrestrict(of) => {
                let word = if matches!(entry, Entry::Restrict(_)) { "keep" } else { "open" };
                self.word("journal", "house", word);
                of.by.iter().for_each(|by| self.by(&By::Actor(by.clone())));
            }
            Entry::Describe { by, .. } => {
                self.word("journal", "house", "describe");
                self.by(&By::Actor(by.clone()));
            }
            Entry::Price { by, .. } => {
                self.word("journal", "house", "price");
                self.by(&By::Actor(by.clone()));
            }
            Entry::New { .. } | Entry::Claim { .. } | Entry::Void | Entry::Repair { .. } => {}
        }
    }
}

/// Stops the server, folds every journal and compares the result with what is stored. Starts the server again.
pub async fn compare(house: &mut House, seen: &mut Seen, behind: &mut Behind) {
    house.stop().await;
    let store = house.open_store().await;
    let archive = Archive::new(house.journal_archive());
    let mut folded_rows: BTreeMap<&str, Vec<Row>> =
        KEYS.iter().map(|(table, _)| (*table, Vec::new())).collect();
    let mut prices = Vec::new();
    for concert in store.concerts().await.unwrap() {
        let loaded = store.load_sale(concert, house.clock.utc()).await.unwrap();
        let journal = Journal {
            concert,
            token_secret: loaded.token_secret,
            layout: loaded.schedules[0].layout.clone(),
            rows: Vec::new(),
        };
        let mut sale = FoldedSale::new(concert, journal.token_secret.clone());
        let mut rows = Vec::new();
        archive.journal(&*store, concert, &mut |row: JournalRow| rows.push(row)).await.unwrap();
        for JournalRow { seq, at, events } in &rows {
            for (nr, entry) in events.iter().enumerate() {
                folded_rows.entry("operator_log").or_default().extend(log_row(concert, *seq, nr, *at, entry));
                sale.add(*at, entry).unwrap_or_else(|why| panic!("row {seq} of sale {concert}: {why}"));
                seen.entry(entry);
                prices.extend(told_prices(entry));
            }
        }
        for (table, rows) in folded(&sale.rows(), sale.texts()) {
            folded_rows.entry(table).or_default().extend(rows);
        }
        let schedules =
            sale.schedules().iter().map(|(id, of)| schedule_row(concert, *id, of, &sale.own_prices(*id)));
        folded_rows.entry("concert_schedule").or_default().extend(schedules);
        Journal { rows, ..journal }.is_folded_in_two_parts_as_in_one(&sale);
    }
    drop(store);
    let mut database = Database::open(house).await;
    for table in database.tables().await {
        if TABLES_LEFT_OUT.iter().any(|(left_out, _)| *left_out == table) || table.starts_with(behind::COPY) {
            continue;
        }
        let folded_rows =
            folded_rows.remove(&*table).unwrap_or_else(|| panic!("{table} is neither folded nor left out"));
        let columns = database.columns(&table).await;
        let stored = database.rows(&table, &columns).await;
        if table == "concert_seat" {
            prices_are_the_seats(&prices, &stored);
        }
        compare_table(&table, &columns, &folded_rows, &stored, seen);
    }
    assert_eq!(
        folded_rows.keys().collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "these tables are not in the schema"
    );
    behind.catch_up(house, &mut database).await;
    house.start().await;
}

/// A sale's whole journal, and what is beside it.
struct Journal {
    concert: ConcertId,
    token_secret: Option<TokenSecret>,
    layout: Arc<VenueLayout>,
    rows: Vec<JournalRow>,
}

impl Journal {
    /// Goal: rows that are behind their journal are brought up to date by the rest of it, and by nothing else. Method: cut in
    /// many places; of what the first part gives, the second one is shown only what it names.
    fn is_folded_in_two_parts_as_in_one(&self, whole: &FoldedSale) {
        let rows = self.rows.len();
        let cuts: BTreeSet<_> =
            (1..=8).map(|part| rows * part / 9).chain([1, rows.saturating_sub(1)]).collect();
        for cut in cuts.into_iter().filter(|cut| (1..=rows).contains(cut)) {
            let (first, second) = self.rows.split_at(cut);
            let mut before = FoldedSale::new(self.concert, self.token_secret.clone());
            add_all(&mut before, first);
            let entries = || second.iter().flat_map(|row| &row.events);
            let touched = Touched::by(entries());
            // What is said of performances is written together with the journal, and so ahead of the other rows.
            let schedules = whole.schedules().iter().map(|(id, folded)| {
                let prices = whole.own_prices(*id).into_iter().collect();
                (*id, BaseSchedule { folded: folded.clone(), prices })
            });
            let token = |entry: &EntryNo| Some(before.token(*entry)?.row.clone());
            // So are payments, with their tickets.
            let reservation = |id: &ReservationId| {
                let mut row = before.reservation(*id)?.row.clone();
                if row.payment.is_some() {
                    row.payment.clone_from(&whole.reservation(*id)?.row.payment);
                }
                Some(row)
            };
            let base = Base {
                concert: self.concert,
                token_secret: self.token_secret.clone(),
                layout: self.layout.clone(),
                schedules: schedules.collect(),
                places: before.places(),
                tokens: touched.tokens.iter().filter_map(token).collect(),
                taken: touched.seats.iter().filter_map(|seat| Some((*seat, before.seat(*seat)?))).collect(),
                reservations: touched.reservations.iter().filter_map(reservation).collect(),
            };
            let entries: Vec<_> = entries().collect();
            let mut after = FoldedSale::on(base.before(entries.into_iter()));
            add_all(&mut after, second);
            let changed = tables_behind(&after.rows_of(&touched));
            let (before, whole) = (tables_behind(&before.rows()), tables_behind(&whole.rows()));
            for (table, whole) in whole {
                let (before, changed) = (&before[table], &changed[table]);
                for (key, row) in &whole {
                    let now = changed.get(key).or_else(|| before.get(key));
                    // A performance's seats are stored before the journal names it.
                    let is_new_seat = table == "concert_seat" && now.is_none();
                    assert!(
                        is_new_seat || now == Some(row),
                        "{table} {key:?}, cut at {cut} of {rows}: {now:?} {row:?}"
                    );
                }
                let all = before.keys().chain(changed.keys());
                all.for_each(|key| assert!(whole.contains_key(key), "{table} {key:?} is too much"));
            }
        }
    }
}

fn add_all(sale: &mut FoldedSale, rows: &[JournalRow]) {
    for JournalRow { seq, at, events } in rows {
        for entry in events {
            sale.add(*at, entry).unwrap_or_else(|why| panic!("row {seq}: {why}"));
        }
    }
}

/// The tables that may be behind the journal, by their keys.
fn tables_behind(rows: &Rows<'_>) -> BTreeMap<&'static str, BTreeMap<Vec<Cell>, Row>> {
    let tables = folded(rows, &TextsPatch::default()).into_iter();
    let is_behind =
        |table: &str| ["queue", "concert_seat", "reservation", "reservation_seat"].contains(&table);
    let by_key = |(table, rows): (&'static str, Vec<Row>)| {
        let (_, key) = KEYS.iter().find(|(of, _)| *of == table).unwrap();
        let key_of = |row: &Row| key.iter().map(|column| row[*column].clone()).collect();
        (table, rows.into_iter().map(|row| (key_of(&row), row)).collect())
    };
    tables.filter(|(table, _)| is_behind(table)).map(by_key).collect()
}

fn compare_table(table: &str, columns: &[String], folded_rows: &[Row], stored: &[Row], seen: &mut Seen) {
    let (_, key) = KEYS.iter().find(|(of, _)| *of == table).unwrap();
    let by_key = |rows: &[Row]| {
        let key_of = |row: &Row| key.iter().map(|column| row[*column].clone()).collect::<Vec<_>>();
        rows.iter().map(|row| (key_of(row), row.clone())).collect::<BTreeMap<_, _>>()
    };
    let (folded, stored) = (by_key(folded_rows), by_key(stored));
    assert_eq!(folded.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>(), "the rows of {table}");
    for (key, row) in &folded {
        for column in row.keys() {
            assert!(columns.contains(column), "{table} has no column {column}");
        }
        for column in columns {
            let (folded, stored) = (row.get(column), &stored[key][column]);
            if STATES.iter().any(|(of, state, _)| (*of, *state) == (table, column.as_str())) {
                stored.iter().for_each(|word| seen.word(table, column, word));
            }
            if COLUMNS_LEFT_OUT.iter().any(|(of, left_out, _)| (*of, *left_out) == (table, column.as_str())) {
                // What is left out, but is there after all, is right.
                assert!(
                    (table, column.as_str()) != ("concert_schedule", "starts_at")
                        || folded.is_none_or(|folded| folded == stored),
                    "the start of {key:?}"
                );
                if folded != Some(stored) {
                    seen.needed.insert((table.to_owned(), column.clone()));
                }
                continue;
            }
            let folded = folded.unwrap_or_else(|| panic!("{table}.{column} is neither folded nor left out"));
            assert_eq!(folded, stored, "{table}.{column} of {key:?}, by the journal and as it is stored");
        }
    }
}

/// What a journal says of prices.
enum Told {
    /// A seat was held for so much.
    Held(ScheduleId, SeatId, i64),
    /// Free seats of this category cost so much from now on.
    Changed(ScheduleId, Cell, i64),
}

fn told_prices(entry: &Entry) -> Vec<Told> {
    if let Entry::Price { schedule, changed, .. } = entry {
        return changed.iter().map(|of| Told::Changed(*schedule, word(&of.name), of.after)).collect();
    }
    if let Entry::Perform(of) = entry {
        return of
            .prices
            .iter()
            .map(|price| Told::Changed(of.schedule, word(&price.name), price.after))
            .collect();
    }
    let Entry::Seats(change) = entry else { return Vec::new() };
    let (SeatsChange::Hold { taken, .. } | SeatsChange::Add { taken }) = &change.change else {
        return Vec::new();
    };
    let prices = &taken.as_ref().unwrap().prices;
    change.seats.iter().zip(prices).map(|(seat, price)| Told::Held(change.schedule, *seat, *price)).collect()
}

/// Whoever held a seat was told what it cost then: what it was imported with, or what its category cost since.
fn prices_are_the_seats(told: &[Told], stored: &[Row]) {
    let drawn: BTreeMap<_, _> = stored.iter().map(|row| ((&row["schedule_id"], &row["seat"]), row)).collect();
    let mut now = BTreeMap::new();
    assert!(!told.is_empty());
    for told in told {
        match told {
            Told::Changed(schedule, category, price) => {
                now.insert((*schedule, category.clone()), *price);
            }
            Told::Held(schedule, seat, price) => {
                let row = drawn[&(&number(schedule), &number(seat))];
                let own = now.get(&(*schedule, row["category"].clone()));
                let costs = own.map_or_else(|| row["price"].clone(), number);
                assert_eq!(costs, number(price), "{schedule}:{seat}");
            }
        }
    }
}

// The rows by the journal.

fn folded(rows: &Rows<'_>, texts: &TextsPatch) -> Vec<(&'static str, Vec<Row>)> {
    let tickets = rows.tickets();
    let tickets = tickets.iter().map(|(payment, ticket)| ticket_row(payment, ticket));
    vec![
        ("concert", rows.settings.iter().map(|(concert, of)| sale_row(*concert, of, texts, rows)).collect()),
        ("concert_seat", rows.seats.iter().map(|change| seat_row(&change.row)).collect()),
        ("queue", rows.tokens.iter().map(|token| token_row(token)).collect()),
        ("reservation", rows.reservations.iter().map(|row| reservation_row(row)).collect()),
        ("reservation_seat", rows.reservation_seats.iter().map(reservation_seat_row).collect()),
        ("payment", rows.payments.iter().map(payment_row).collect()),
        ("ticket", tickets.collect()),
        ("payment_history", rows.ledger.iter().map(|entry| ledger_row(entry)).collect()),
    ]
}

fn sale_row(concert: ConcertId, settings: &SaleSettings, texts: &TextsPatch, rows: &Rows<'_>) -> Row {
    let millis = |time: Option<std::time::Duration>| time.map(|time| time.as_millis().to_string());
    let own = &settings.own;
    let state = match settings.state {
        SaleState::Scheduled => "SCHEDULED",
        SaleState::Open => "OPEN",
        SaleState::Paused => "PAUSED",
        SaleState::Closed => "CLOSED",
    };
    row([
        ("concert_id", number(concert)),
        ("title", texts.title.as_deref().map(str::to_owned)),
        ("about", texts.about.clone().flatten().map(String::from)),
        ("state", word(state)),
        ("opens_at", time(settings.opens_at)),
        ("message", settings.message.as_deref().map(str::to_owned)),
        ("capacity", own.capacity.map(|places| places.to_string())),
        ("hold_ttl_ms", millis(own.hold_ttl)),
        ("admission_ttl_ms", millis(own.admission_ttl)),
        ("idle_ttl_ms", millis(own.idle_ttl)),
        ("away_ttl_ms", millis(own.away_ttl)),
        ("seats_per_reservation_max", own.seats_per_reservation_max.map(|max| max.to_string())),
        ("cancel_before_start_ms", millis(own.cancel_before_start)),
        ("hold_again_after_ms", millis(own.hold_again_after)),
        ("own_rules", own_rules(*own)),
        ("archived_at", time(rows.archived.first().map(|(_, at)| *at))),
    ])
}

/// Its first start is stored before its sale, so that the journal has only a later one.
fn schedule_row(concert: ConcertId, id: ScheduleId, of: &FoldedSchedule, prices: &[(u16, i64)]) -> Row {
    let prices: Vec<_> = prices.iter().map(|(category, price)| format!("[{category},{price}]")).collect();
    let state = match of.state {
        ScheduleState::Planned => "PLANNED",
        ScheduleState::CalledOff => "CALLED_OFF",
    };
    let mut cells = row([
        ("schedule_id", number(id)),
        ("concert_id", number(concert)),
        ("state", word(state)),
        ("reason", of.reason.as_deref().map(str::to_owned)),
        ("prices", (!prices.is_empty()).then(|| format!("[{}]", prices.join(",")))),
    ]);
    cells.extend(of.starts_at.map(|starts_at| ("starts_at".to_owned(), time(Some(starts_at)))));
    cells
}

/// Those that are set, as JSON.
fn own_rules(mut own: OwnRules) -> Cell {
    let rule = |(name, rule): (&str, OwnRule<'_>)| match rule {
        OwnRule::Count(count) => Some((name.to_owned(), count.as_ref()?.to_string())),
        OwnRule::Time(time) => Some((format!("{name}_ms"), time.as_ref()?.as_millis().to_string())),
    };
    let rules: BTreeMap<_, _> = own.each().filter_map(rule).collect();
    let rules: Vec<_> = rules.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    Some(format!("{{{}}}", rules.join(",")))
}

fn seat_row(seat: &SeatRow) -> Row {
    let status = match seat.status {
        SeatStatus::Available => "AVAILABLE",
        SeatStatus::TempReserved => "TEMP_RESERVED",
        SeatStatus::Reserved => "RESERVED",
    };
    row([
        ("concert_id", number(seat.concert)),
        ("schedule_id", number(seat.schedule)),
        ("seat", number(seat.seat)),
        ("status", word(status)),
        ("reservation_id", seat.reservation.and_then(|reservation| id(reservation.0))),
    ])
}

fn token_row(token: &TokenRecord) -> Row {
    let (status, reason) = match token.status {
        TokenStatus::Waiting => ("WAITING", None),
        TokenStatus::Progress => ("PROGRESS", None),
        TokenStatus::Done => ("DONE", None),
        TokenStatus::Expired(reason) => ("EXPIRED", Some(format!("{reason:?}").to_lowercase())),
    };
    row([
        ("concert_id", number(token.concert)),
        ("entry_no", number(token.entry)),
        ("token", id(token.token.0)),
        ("user_id", number(token.user)),
        ("status", word(status)),
        ("reason", reason),
        ("entered_at", time(Some(token.entered_at))),
        ("admitted_at", time(token.admitted_at)),
        ("expires_at", time(token.expires_at)),
        ("ended_at", time(token.ended_at)),
    ])
}

fn reservation_row(reservation: &Reservation) -> Row {
    let status = match reservation.status {
        ReservationStatus::TempReserved => "TEMP_RESERVED",
        ReservationStatus::Reserved => "RESERVED",
        ReservationStatus::Expired => "EXPIRED",
        ReservationStatus::Cancelled => "CANCELLED",
    };
    let seats: Vec<_> = reservation.seats.iter().map(ToString::to_string).collect();
    let requests = reservation.best_requests.iter().map(|request| {
        let bounds = if request.bounds == 0 { String::new() } else { format!(",{}", request.bounds) };
        let category = request.category.as_ref().map_or("null".to_owned(), |name| format!("{name:?}"));
        format!("[{:?},{},{category}{bounds}]", request.request_id, request.count)
    });
    let requests: Vec<_> = requests.collect();
    row([
        ("concert_id", number(reservation.concert)),
        ("reservation_id", id(reservation.id.0)),
        ("schedule_id", number(reservation.schedule)),
        ("user_id", number(reservation.user)),
        ("status", word(status)),
        ("seats", word(&seats.join(","))),
        ("amount", number(reservation.amount)),
        ("opened_at", time(Some(reservation.opened_at))),
        ("expires_at", time(Some(reservation.expires_at))),
        ("ended_at", time(reservation.ended_at)),
        ("best_requests", (!requests.is_empty()).then(|| format!("[{}]", requests.join(",")))),
        ("prices", priced(&reservation.prices)),
        ("guest_of", reservation.guest_of.and_then(|block| id(Uuid::from_u128(block.0)))),
    ])
}

/// Where they are not those of the import.
fn priced(prices: &[i64]) -> Cell {
    let prices: Vec<_> = prices.iter().map(ToString::to_string).collect();
    (!prices.is_empty()).then(|| prices.join(","))
}

fn reservation_seat_row(
    (reservation, concert, schedule, seat): &(ReservationId, ConcertId, ScheduleId, SeatId),
) -> Row {
    row([
        ("concert_id", number(concert)),
        ("reservation_id", id(reservation.0)),
        ("schedule_id", number(schedule)),
        ("seat", number(seat)),
    ])
}

fn payment_row(row_of: &PaymentRow<'_>) -> Row {
    let payment = row_of.payment;
    let status = match payment.status {
        PaymentStatus::Done => "DONE",
        PaymentStatus::Cancelled => "CANCELLED",
    };
    let source = match payment.source {
        PaymentSource::Wallet => "wallet",
        PaymentSource::Cash => "cash",
        PaymentSource::Card => "card",
        PaymentSource::Gift => "gift",
    };
    row([
        ("concert_id", number(row_of.concert)),
        ("payment_id", id(payment.id.0)),
        ("reservation_id", id(payment.reservation.0)),
        ("user_id", number(payment.user)),
        ("source", word(source)),
        ("amount", number(payment.amount)),
        ("status", word(status)),
        ("at", time(Some(payment.at))),
        ("cancelled_at", time(row_of.cancelled_at)),
        ("refunded", number(payment.refunded)),
        ("refund_reason", payment.refund_reason.as_deref().map(str::to_owned)),
    ])
}

fn ticket_row(row_of: &PaymentRow<'_>, ticket: &Ticket) -> Row {
    let payment = row_of.payment;
    row([
        ("concert_id", number(row_of.concert)),
        ("ticket_id", id(ticket.id.0)),
        ("payment_id", id(payment.id.0)),
        ("reservation_id", id(payment.reservation.0)),
        ("schedule_id", number(ticket.schedule)),
        ("seat", number(ticket.seat)),
        ("user_id", number(payment.user)),
        ("price", ticket.price.map(|price| price.to_string())),
        ("code", word(&ticket.code)),
        ("issued_at", time(Some(payment.at))),
        ("cancelled_at", time(ticket.cancelled_at)),
        ("moved_from", ticket.moved_from.map(|seat| seat.to_string())),
        ("moved_to", ticket.moved_to.map(|seat| seat.to_string())),
    ])
}

fn ledger_row(entry: &LedgerEntry) -> Row {
    let kind = match entry.kind {
        LedgerKind::Charge => "CHARGE",
        LedgerKind::Payment => "PAYMENT",
        LedgerKind::Refund => "REFUND",
    };
    row([
        ("user_id", number(entry.user)),
        ("history_id", id(entry.id.0)),
        ("type", word(kind)),
        ("amount_change", number(entry.amount_change)),
        ("balance", number(entry.balance)),
        ("at", time(Some(entry.at))),
        ("payment_id", entry.payment.and_then(|payment| id(payment.0))),
        ("request_id", entry.request_id.as_deref().map(str::to_owned)),
    ])
}

/// What an operator did, as their log has it.
fn log_row(concert: ConcertId, seq: u64, nr: usize, at: Timestamp, entry: &Entry) -> Option<Row> {
    let performance = |schedule: ScheduleId| word(&format!("performance {schedule}"));
    let ranges = |seats: &[SeatId]| {
        let ranges = seats.chunk_by(|a, b| a.0 + 1 == b.0);
        let ranges: Vec<_> = ranges.map(|run| format!("[{},{}]", run[0], run[run.len() - 1])).collect();
        format!("[{}]", ranges.join(","))
    };
    let of_seats = |of: &HouseSeats| {
        let became = format!("{{\"seats\":{}}}", ranges(&of.seats));
        (
            word(&format!("performance {}", of.schedule)),
            None,
            word(&became),
            of.note.as_deref().map(str::to_owned),
        )
    };
    let (by, what, (subject, was, became, reason)) = match entry {
        Entry::Set { before, after, by: Some(By::Actor(by)) } => {
            let names: BTreeSet<_> =
                [before, after].iter().flat_map(|told| told.as_object().unwrap().keys()).collect();
            let changed = |of: &serde_json::Value| {
                let changed = names.iter().filter(|name| before[name.as_str()] != after[name.as_str()]);
                let changed: serde_json::Map<_, _> =
                    changed.map(|name| ((*name).clone(), of[name.as_str()].clone())).collect();
                word(&serde_json::Value::Object(changed).to_string())
            };
            (by, "set", (None, changed(before), changed(after), None))
        }
        Entry::Describe { before, after, by } => {
            let texts = |of: &TextsPatch| {
                let about =
                    of.about.iter().map(|about| format!("\"about\":{}", about.as_deref().unwrap_or("null")));
                let title = of.title.iter().map(|title| format!("\"title\":{title:?}"));
                word(&format!("{{{}}}", about.chain(title).collect::<Vec<_>>().join(",")))
            };
            (by, "describe", (None, texts(before), texts(after), None))
        }
        Entry::Price { schedule, changed, by } => {
            let prices = |price: fn(&PriceChange) -> i64| {
                let changed: Vec<_> =
                    changed.iter().map(|of| format!("{:?}:{}", of.name, price(of))).collect();
                word(&format!("{{\"prices\":{{{}}}}}", changed.join(",")))
            };
            let subject = word(&format!("performance {schedule}"));
            (by, "price", (subject, prices(|of| of.before), prices(|of| of.after), None))
        }
        Entry::Perform(of) => {
            let prices: Vec<_> = of.prices.iter().map(|of| format!("{:?}:{}", of.name, of.after)).collect();
            let (prices, at) = (prices.join(","), of.starts_at.as_millis());
            let became = word(&format!("{{\"prices\":{{{prices}}},\"starts_at\":{at}}}"));
            (&of.by, "perform", (performance(of.schedule), None, became, None))
        }
        Entry::Postpone(of) => {
            let start = |at: Timestamp| word(&format!("{{\"starts_at\":{}}}", at.as_millis()));
            let reason = of.reason.as_deref().map(str::to_owned);
            (&of.by, "postpone", (performance(of.schedule), start(of.before), start(of.after), reason))
        }
        Entry::Archive { late, by } => {
            let then = at.as_millis() - late;
            (by, "archive", (None, None, word(&format!("{{\"archived_at\":{then}}}")), None))
        }
        Entry::CallOff(of) => {
            let became = word("{\"state\":\"CALLED_OFF\"}");
            (&of.by, "calloff", (performance(of.schedule), None, became, word(&of.reason)))
        }
        Entry::Seats(SeatsEntry {
            change: SeatsChange::Refund { amount, why: RefundWhy::Operator { reason, by }, is_all, .. },
            reservation,
            seats,
            ..
        }) => {
            let became = match is_all {
                true => word(&format!("{{\"refunded\":{amount}}}")),
                false => word(&format!("{{\"refunded\":{amount},\"seats\":{}}}", ranges(seats))),
            };
            (by, "refund", (word(&format!("order {reservation}")), None, became, word(reason)))
        }
        Entry::Seats(SeatsEntry {
            change: SeatsChange::Move { note, by, .. }, reservation, seats, ..
        }) => {
            let seat = |seat: SeatId| word(&format!("{{\"seat\":{seat}}}"));
            let (subject, note) = (word(&format!("order {reservation}")), note.as_deref().map(str::to_owned));
            (by, "move", (subject, seat(seats[0]), seat(seats[1]), note))
        }
        Entry::Seats(SeatsEntry {
            change: SeatsChange::Sell { prices, source, note, by, .. },
            reservation,
            seats,
            ..
        }) => {
            let (amount, seats) = (prices.iter().sum::<i64>(), ranges(seats));
            let source = match source {
                PaymentSource::Wallet => panic!("nobody pays at the desk from a wallet"),
                PaymentSource::Cash => "cash",
                PaymentSource::Card => "card",
                PaymentSource::Gift => "gift",
            };
            let became = format!("{{\"amount\":{amount},\"seats\":{seats},\"source\":\"{source}\"}}");
            let note = note.as_deref().map(str::to_owned);
            (by, "sell", (word(&format!("order {reservation}")), None, word(&became), note))
        }
        Entry::Restrict(of) => (of.by.as_ref()?, "keep", of_seats(of)),
        Entry::Unrestrict(of) => (of.by.as_ref()?, "open", of_seats(of)),
        _ => return None,
    };
    let (operator, user) = match by.who {
        Who::Operator(operator) => (number(operator), None),
        Who::User(user) => (None, number(user)),
        Who::Unnamed => (None, None),
    };
    Some(row([
        ("concert_id", number(concert)),
        ("seq", number(seq)),
        ("nr", number(nr)),
        ("at", time(Some(at))),
        ("operator_id", operator),
        ("user_id", user),
        ("came_from", by.from.as_deref().map(str::to_owned)),
        ("what", word(what)),
        ("subject", subject),
        ("was", was),
        ("became", became),
        ("reason", reason),
    ]))
}

fn row<const N: usize>(cells: [(&str, Cell); N]) -> Row {
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

fn number(number: impl ToString) -> Cell {
    Some(number.to_string())
}

fn word(word: &str) -> Cell {
    Some(word.to_owned())
}

fn id(id: Uuid) -> Cell {
    Some(id.simple().to_string())
}

fn time(time: Option<Timestamp>) -> Cell {
    time.map(|time| time.as_millis().to_string())
}

// The stored rows.

/// The number of rows of every table that the schema has.
pub async fn row_counts(house: &House) -> BTreeMap<String, u64> {
    house.rows_follow().await;
    let mut database = Database::open(house).await;
    let mut counts = BTreeMap::new();
    for table in database.tables().await {
        let count = database.all(format!("SELECT CAST(count(*) AS CHAR) FROM {table}")).await;
        counts.insert(table, count[0][0].as_deref().unwrap().parse().unwrap());
    }
    counts
}

pub enum Database {
    Sqlite(SqliteConnection),
    MySql(MySqlConnection),
}

impl Database {
    pub async fn open(house: &House) -> Self {
        match house.database_url() {
            Some(url) => Self::MySql(MySqlConnection::connect(url).await.unwrap()),
            None => {
                let file = SqliteConnectOptions::new().filename(house.data().join(FILE_NAME));
                Self::Sqlite(file.connect().await.unwrap())
            }
        }
    }

    /// Rows of texts. A statement is hardly ever the same again, and a session of seekdb keeps 50 of them.
    pub async fn all(&mut self, sql: String) -> Vec<Vec<Cell>> {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query(sql).persistent(false).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect()
            }
            Self::MySql(connection) => {
                let rows = sqlx::query(sql).persistent(false).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect()
            }
        }
    }

    async fn tables(&mut self) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            }
            Self::MySql(_) => {
                "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()"
            }
        };
        self.all(sql.to_owned()).await.into_iter().filter_map(|mut row| row.swap_remove(0)).collect()
    }

    /// Those that are written: what the database makes of other columns by itself follows from them.
    pub async fn columns(&mut self, table: &str) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => format!("SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0"),
            Self::MySql(_) => format!(
                "SELECT CAST(column_name AS CHAR) FROM information_schema.columns WHERE table_schema = DATABASE() \
                 AND table_name = '{table}' AND COALESCE(generation_expression, '') = '' ORDER BY ordinal_position"
            ),
        };
        self.all(sql).await.into_iter().filter_map(|mut row| row.swap_remove(0)).collect()
    }

    pub async fn rows(&mut self, table: &str, columns: &[String]) -> Vec<Row> {
        let mut cells = Vec::new();
        for column in columns {
            cells.push(self.cell(table, column).await);
        }
        let condition =
            ROWS_LEFT_OUT.iter().find(|(of, ..)| *of == table).map_or("1 = 1", |(_, others, _)| others);
        let sql = format!("SELECT {} FROM {table} WHERE {condition}", cells.join(", "));
        let rows = self.all(sql).await.into_iter();
        let mut rows: Vec<Row> = rows.map(|row| columns.iter().cloned().zip(row).collect()).collect();
        // Each engine writes JSON in its own manner.
        for json in rows.iter_mut().filter_map(|row| row.get_mut("own_rules")?.as_mut()) {
            *json = serde_json::from_str::<serde_json::Value>(json).unwrap().to_string();
        }
        rows
    }

    /// A column as text.
    async fn cell(&mut self, table: &str, column: &str) -> String {
        if let Self::Sqlite(_) = self {
            return format!(
                "CASE typeof({column}) WHEN 'blob' THEN lower(hex({column})) ELSE CAST({column} AS TEXT) END"
            );
        }
        let sql = format!(
            "SELECT CAST(data_type AS CHAR) FROM information_schema.columns WHERE table_schema = DATABASE() \
             AND table_name = '{table}' AND column_name = '{column}'"
        );
        match self.all(sql).await[0][0].as_deref() {
            Some("datetime") => {
                format!("CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', `{column}`) DIV 1000 AS CHAR)")
            }
            Some("binary" | "varbinary" | "blob" | "mediumblob" | "longblob") => {
                format!("CAST(LOWER(HEX(`{column}`)) AS CHAR)")
            }
            _ => format!("CAST(`{column}` AS CHAR)"),
        }
    }
}

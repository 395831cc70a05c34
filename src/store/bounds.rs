//! What ends in a column, and the most that it may be when it is let in or decided: one table for all, compared with the
//! schema of each backend. Whatever a column could refuse has to be refused where it comes from; a refusal by the
//! store comes too late to be explained, and one that comes after the journal's row would stop the sale.
//!
//! Always: each column that a lane writes stands here (`WRITTEN_BY_LANES`). Not here: rules between the columns of a row,
//! and keys that may be there once. The simulated store demands those of every batch of a simulated life.

use frontrow_protocol::limits::{
    ABOUT_BYTES_MAX, CAPACITY_MAX, CATEGORY_CHARS_MAX, DURATION_MILLIS_MAX, IDEMPOTENCY_KEY_CHARS_MAX,
    MONEY_MAX, NOTE_CHARS_MAX, OPERATOR_NAME_CHARS_MAX, SALE_MESSAGE_CHARS_MAX, SEATS_PER_RESERVATION_MAX,
    TITLE_CHARS_MAX, USER_NAME_CHARS_MAX,
};

use super::duty::DUTY_CHARS_MAX;
use super::operators::DEVICE_CHARS_MAX;
use super::segments::SEGMENTS_MAX;
use crate::domain::actor::FROM_CHARS_MAX;

use crate::domain::record::BEST_REQUESTS_KEPT_MAX;
use crate::limits::{BATCH_COMMANDS_MAX, PICTURE_BYTES_MAX, PLAN_KEPT_BYTES_MAX, SUBJECT_BYTES_MAX};
use crate::venue::SEATS_MAX;
use crate::venue::import::PRICE_MAX;
use crate::venue::labels::LABEL_CHARS_MAX;
use crate::venue::read::{CATEGORIES_MAX, NAME_CHARS_MAX};

/// The most that is let into a column.
#[derive(Clone, Copy, Debug)]
pub enum Most {
    /// From zero.
    Number(i64),
    Chars(usize),
    Bytes(usize),
    /// Ids that the database gave, and counters from zero.
    Id,
    Uuid,
    /// A moment, to the millisecond, from 1970 to the end of the year 9999.
    Time,
    /// One of these words, each with the statement that there is no other.
    Words(&'static [&'static str]),
    /// Or nothing.
    Maybe(&'static Most),
}

use Most::{Bytes, Chars, Id, Maybe, Number, Time, Uuid, Words};

const CONCERT: Most = Number(u32::MAX as i64);
const SEAT: Most = Number(SEATS_MAX as i64 - 1);
const NOTE: Most = Chars(NOTE_CHARS_MAX);

const UTF8_BYTES_MAX: usize = 4;
const MILLIS: Most = Number(DURATION_MILLIS_MAX as i64);
const MONEY: Most = Number(MONEY_MAX);
/// The bytes of one remembered request: its id and category, each character escaped, with what stands between.
const BEST_REQUEST_BYTES_MAX: usize =
    2 * UTF8_BYTES_MAX * (IDEMPOTENCY_KEY_CHARS_MAX + CATEGORY_CHARS_MAX) + 32;

/// (table, column, what is let in).
pub const BOUNDS: &[(&str, &str, Most)] = &[
    // A guest's name, or an external subject.
    (
        "users",
        "name",
        Chars(if USER_NAME_CHARS_MAX > SUBJECT_BYTES_MAX { USER_NAME_CHARS_MAX } else { SUBJECT_BYTES_MAX }),
    ),
    ("users", "issuer", Bytes(SUBJECT_BYTES_MAX)),
    ("users", "subject", Bytes(SUBJECT_BYTES_MAX)),
    ("users", "balance", MONEY),
    ("users", "ledger_entries", Id),
    ("payment_history", "user_id", Id),
    ("payment_history", "entry_no", Id),
    ("payment_history", "history_id", Uuid),
    ("payment_history", "type", Words(&["CHARGE", "PAYMENT", "REFUND"])),
    ("payment_history", "amount_change", MONEY),
    ("payment_history", "balance", MONEY),
    ("payment_history", "at", Time),
    ("payment_history", "payment_id", Maybe(&Uuid)),
    ("payment_history", "request_id", Maybe(&Bytes(UTF8_BYTES_MAX * IDEMPOTENCY_KEY_CHARS_MAX))),
    ("concert", "title", Chars(TITLE_CHARS_MAX)),
    ("concert", "venue", Chars(NAME_CHARS_MAX)),
    ("concert", "message", Bytes(UTF8_BYTES_MAX * SALE_MESSAGE_CHARS_MAX)),
    ("concert", "capacity", Number(CAPACITY_MAX as i64)),
    ("concert", "hold_ttl_ms", MILLIS),
    ("concert", "admission_ttl_ms", MILLIS),
    ("concert", "idle_ttl_ms", MILLIS),
    ("concert", "away_ttl_ms", MILLIS),
    ("concert", "cancel_before_start_ms", MILLIS),
    ("concert", "seats_per_reservation_max", Number(SEATS_PER_RESERVATION_MAX as i64)),
    ("concert_seat", "concert_id", CONCERT),
    ("concert_seat", "schedule_id", Id),
    ("concert_seat", "seat", SEAT),
    ("concert_seat", "label", Chars(LABEL_CHARS_MAX)),
    ("concert_seat", "category", Chars(NAME_CHARS_MAX)),
    ("concert_seat", "price", Number(PRICE_MAX)),
    ("concert_seat", "status", Words(&["AVAILABLE", "TEMP_RESERVED", "RESERVED"])),
    ("concert_seat", "reservation_id", Maybe(&Uuid)),
    ("queue", "concert_id", CONCERT),
    ("queue", "entry_no", Id),
    ("queue", "token", Uuid),
    ("queue", "user_id", Id),
    ("queue", "status", Words(&["WAITING", "PROGRESS", "DONE", "EXPIRED"])),
    ("queue", "reason", Maybe(&Words(&["left", "away", "idle", "time", "closed"]))),
    ("queue", "entered_at", Time),
    ("queue", "admitted_at", Maybe(&Time)),
    ("queue", "expires_at", Maybe(&Time)),
    ("queue", "ended_at", Maybe(&Time)),
    ("concert_schedule", "prices", Bytes(CATEGORIES_MAX * "[9999,9007199254740991],".len())),
    ("reservation", "concert_id", CONCERT),
    ("reservation", "segment", Number(SEGMENTS_MAX - 1)),
    ("reservation", "reservation_id", Uuid),
    ("reservation", "schedule_id", Id),
    ("reservation", "user_id", Id),
    ("reservation", "status", Words(&["TEMP_RESERVED", "RESERVED", "EXPIRED", "CANCELLED"])),
    ("reservation", "seats", Bytes(SEATS_PER_RESERVATION_MAX as usize * "4294967295,".len())),
    ("reservation", "prices", Maybe(&Bytes(SEATS_PER_RESERVATION_MAX as usize * "9007199254740991,".len()))),
    ("reservation", "amount", MONEY),
    ("reservation", "opened_at", Time),
    ("reservation", "expires_at", Time),
    ("reservation", "ended_at", Maybe(&Time)),
    ("reservation", "best_requests", Maybe(&Bytes(BEST_REQUESTS_KEPT_MAX * BEST_REQUEST_BYTES_MAX))),
    ("reservation", "guest_of", Maybe(&Uuid)),
    ("reservation_seat", "concert_id", CONCERT),
    ("reservation_seat", "reservation_id", Uuid),
    ("reservation_seat", "schedule_id", Id),
    ("reservation_seat", "seat", SEAT),
    ("payment", "concert_id", CONCERT),
    ("payment", "payment_id", Uuid),
    ("payment", "reservation_id", Uuid),
    ("payment", "user_id", Id),
    ("payment", "amount", MONEY),
    ("payment", "status", Words(&["DONE", "CANCELLED"])),
    ("payment", "at", Time),
    ("payment", "cancelled_at", Maybe(&Time)),
    ("payment", "refunded", MONEY),
    ("payment", "source", Chars("wallet".len())),
    ("payment", "refund_reason", Maybe(&NOTE)),
    ("ticket", "concert_id", CONCERT),
    ("ticket", "ticket_id", Uuid),
    ("ticket", "payment_id", Uuid),
    ("ticket", "reservation_id", Uuid),
    ("ticket", "schedule_id", Id),
    ("ticket", "seat", SEAT),
    ("ticket", "user_id", Id),
    // As `IdSource::ticket_code` makes it.
    ("ticket", "code", Chars(16)),
    ("ticket", "issued_at", Time),
    ("ticket", "cancelled_at", Maybe(&Time)),
    ("ticket", "price", Maybe(&Number(PRICE_MAX))),
    ("ticket", "moved_from", Maybe(&SEAT)),
    ("ticket", "moved_to", Maybe(&SEAT)),
    ("journal", "concert_id", CONCERT),
    ("journal", "seq", Id),
    ("journal", "batch_id", Uuid),
    ("journal", "writer", Uuid),
    ("journal", "at", Time),
    ("journal", "events", Bytes(EVENTS_BYTES_MAX)),
    ("journal", "guests", Maybe(&Bytes(EVENTS_BYTES_MAX))),
    ("journal", "form", Number(1)),
    // What the console and the command line take, or what is kept of a subject.
    ("operators", "name", Chars(OPERATOR_NAME_CHARS_MAX)),
    ("operators", "name", Chars(super::setup::NAME_CHARS_MAX)),
    ("operators", "issuer", Bytes(SUBJECT_BYTES_MAX)),
    ("operators", "subject", Bytes(SUBJECT_BYTES_MAX)),
    ("operator_link", "spent_from", Chars(FROM_CHARS_MAX)),
    ("operator_session", "made_from", Chars(FROM_CHARS_MAX)),
    ("operator_session", "device", Chars(DEVICE_CHARS_MAX)),
    ("operator_log", "concert_id", Maybe(&CONCERT)),
    ("operator_log", "seq", Maybe(&Id)),
    ("operator_log", "nr", Maybe(&Number(EVENTS_MAX as i64))),
    ("operator_log", "at", Time),
    ("operator_log", "operator_id", Maybe(&Id)),
    ("operator_log", "user_id", Maybe(&Id)),
    ("operator_log", "came_from", Maybe(&Chars(FROM_CHARS_MAX))),
    // An event of the journal, or a part of one.
    ("operator_log", "was", Maybe(&Bytes(EVENTS_BYTES_MAX))),
    ("operator_log", "became", Maybe(&Bytes(EVENTS_BYTES_MAX))),
    ("duty", "name", Chars(DUTY_CHARS_MAX)),
    ("operator_log", "what", Chars("draft.announce".len())),
    // The longest: an order, which is a UUID.
    ("operator_log", "subject", Maybe(&Chars("order 00112233-4455-6677-8899-aabbccddeeff".len()))),
    ("operator_log", "reason", Maybe(&NOTE)),
    ("concert_schedule", "reason", Maybe(&NOTE)),
    ("concert", "about", Bytes(ABOUT_BYTES_MAX)),
    ("concert_image", "mime", Chars("image/jpeg".len())),
    ("concert_image", "bytes", Bytes(PICTURE_BYTES_MAX)),
    ("concert_draft", "plan", Bytes(PLAN_KEPT_BYTES_MAX)),
];

/// Tables of which lanes write every column, but for these: the table, and each that is somebody else's, with whose.
pub const WRITTEN_BY_LANES: &[(&str, &[(&str, &str)])] = &[
    ("queue", &[]),
    ("concert_seat", &[]),
    ("reservation", &[]),
    ("reservation_seat", &[]),
    ("payment", &[]),
    ("ticket", &[]),
    ("payment_history", &[]),
    ("journal", &[]),
    ("operator_log", &[("log_id", "given by the database")]),
];

/// More events than one row of a journal has: those of a batch's commands, of which the one that opens a closed sale makes the
/// most, an end for each of 1,024 in its line.
const EVENTS_MAX: usize = BATCH_COMMANDS_MAX * 2_048;
/// Far more than any batch has: its commands' input, each at most a frame or a body, and what follows from it.
const EVENTS_BYTES_MAX: usize = 1 << 30;

// The dearest seats of the largest reservation still add up to a sum that is money.
const _: () = assert!(PRICE_MAX * SEATS_PER_RESERVATION_MAX as i64 <= MONEY_MAX);

/// Compares what is let in with what a column takes.
pub fn compare(of: impl Fn(&str, &str) -> Column) {
    for (table, column, most) in BOUNDS {
        let takes = of(table, column);
        if let Err(why) = takes.takes(most) {
            panic!("{table}.{column}: {why}; it takes {takes:?}, let in is {most:?}");
        }
    }
}

/// Compares the columns of the schema with those that stand here.
pub fn all_stand_here(columns_of: impl Fn(&str) -> Vec<String>) {
    for (table, others) in WRITTEN_BY_LANES {
        let mut listed: Vec<_> = BOUNDS.iter().filter(|(of, ..)| of == table).map(|(_, of, _)| *of).collect();
        listed.extend(others.iter().map(|(column, _)| *column));
        listed.sort_unstable();
        let mut columns = columns_of(table);
        columns.sort_unstable();
        assert_eq!(
            listed, columns,
            "the columns of {table}: those that have a bound here, and those that there are"
        );
    }
}

/// What a column takes, as far as the schema says.
#[derive(Clone, Debug, Default)]
pub struct Column {
    pub kind: Kind,
    pub nullable: bool,
    /// The least and the most of its numbers.
    pub numbers: Option<(i64, i64)>,
    pub chars: Option<usize>,
    pub bytes: Option<usize>,
    pub words: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Number,
    /// In SQLite a time is a number.
    NumberOrTime,
    Time,
    Text,
    /// In MySQL a text whose order matters to nobody is kept as its bytes.
    Bytes,
}

impl Column {
    fn takes(&self, most: &Most) -> Result<(), String> {
        let fits = |fits: bool, why: &str| if fits { Ok(()) } else { Err(why.to_owned()) };
        match *most {
            Maybe(most) => {
                fits(self.nullable, "it may be nothing")?;
                self.takes(most)
            }
            Number(most) => {
                fits(matches!(self.kind, Kind::Number | Kind::NumberOrTime), "it is no number")?;
                let (from, to) = self.numbers.unwrap_or((i64::MIN, i64::MAX));
                fits(from <= 0 && most <= to, "too small for numbers")
            }
            Id => {
                fits(matches!(self.kind, Kind::Number | Kind::NumberOrTime), "it is no number")?;
                let (from, to) = self.numbers.unwrap_or((i64::MIN, i64::MAX));
                // Some count from one.
                fits(from <= 1 && to == i64::MAX, "too small for ids")
            }
            Time => fits(matches!(self.kind, Kind::Time | Kind::NumberOrTime), "it is no time"),
            Uuid => {
                fits(self.kind == Kind::Bytes, "it is no bytes")?;
                fits(self.bytes.is_none_or(|bytes| bytes == 16), "it is no UUID")
            }
            Chars(most) => {
                fits(matches!(self.kind, Kind::Text | Kind::Bytes), "it is no text")?;
                fits(self.chars.is_none_or(|max| most <= max), "too short")
            }
            Bytes(most) => {
                fits(matches!(self.kind, Kind::Text | Kind::Bytes), "it is no text")?;
                fits(self.bytes.is_none_or(|max| most <= max), "too short")
            }
            Words(all) => {
                fits(self.kind == Kind::Text, "it is no text")?;
                let known = |word: &&str| self.words.as_ref().is_none_or(|of| of.iter().any(|of| of == word));
                fits(all.iter().all(known), "it does not know a word")
            }
        }
    }
}

/// The bounds that a CHECK states for this column, as `BETWEEN a AND b` or `>= a`.
pub fn checked(checks: &str, column: &str) -> Option<(i64, i64)> {
    // Names are quoted by some.
    let checks = checks.replace('`', "").to_ascii_lowercase();
    let number = |text: &str| {
        let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
        digits.parse().ok()
    };
    let between = |rest: &str| {
        let (from, to) = rest.split_once(" and ")?;
        Some((number(from)?, number(to)?))
    };
    let found = |words: &str| {
        let at = checks.find(&format!("{column} {words} "))?;
        // Another column's name may end alike.
        let is_whole = at == 0
            || !checks.as_bytes()[at - 1].is_ascii_alphanumeric() && checks.as_bytes()[at - 1] != b'_';
        is_whole.then(|| &checks[at + column.len() + words.len() + 2..])
    };
    found("between").and_then(between).or_else(|| Some((number(found(">=")?)?, i64::MAX)))
}

/// The words that a CHECK or an ENUM lists, as `column IN ('A', 'B')` or `enum('A','B')`.
pub fn words(text: &str, before: &str) -> Option<Vec<String>> {
    let text = text.replace('`', "");
    let at = text.find(before)?;
    let is_whole =
        at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric() && text.as_bytes()[at - 1] != b'_';
    let (list, _) = text[at + before.len()..].split_once(')')?;
    is_whole.then(|| list.split(',').map(|word| word.trim().trim_matches('\'').to_owned()).collect())
}

/// Each of these statements has to be made anew when a state comes to be, and with it the list above.
#[test]
fn every_word_of_a_state_stands_here() {
    use crate::domain::record::{
        ExpiryReason as Why, LedgerKind, PaymentStatus, ReservationStatus, TokenStatus,
    };
    use crate::store::{SeatStatus, words as of};
    // The compiler asks for a state that is missing.
    let token = |status| match status {
        TokenStatus::Waiting | TokenStatus::Progress | TokenStatus::Done => {}
        TokenStatus::Expired(Why::Left | Why::Away | Why::Idle | Why::Time | Why::Closed) => {}
    };
    let reasons = [Why::Left, Why::Away, Why::Idle, Why::Time, Why::Closed];
    let tokens = [TokenStatus::Waiting, TokenStatus::Progress, TokenStatus::Done];
    let tokens: Vec<_> = tokens.into_iter().chain(reasons.map(TokenStatus::Expired)).collect();
    tokens.iter().copied().for_each(token);
    let status = tokens.iter().map(|status| of::token_status(*status).0);
    let seat = |status| match status {
        SeatStatus::Available | SeatStatus::TempReserved | SeatStatus::Reserved => of::seat_status(status),
    };
    let seats = [SeatStatus::Available, SeatStatus::TempReserved, SeatStatus::Reserved].map(seat);
    let reservation = |status| match status {
        ReservationStatus::TempReserved
        | ReservationStatus::Reserved
        | ReservationStatus::Expired
        | ReservationStatus::Cancelled => of::reservation_status(status),
    };
    let reservations = [
        ReservationStatus::TempReserved,
        ReservationStatus::Reserved,
        ReservationStatus::Expired,
        ReservationStatus::Cancelled,
    ];
    let payment = |status| match status {
        PaymentStatus::Done | PaymentStatus::Cancelled => of::payment_status(status),
    };
    let kind = |kind| match kind {
        LedgerKind::Charge | LedgerKind::Payment | LedgerKind::Refund => of::ledger_kind(kind),
    };
    let kinds = [LedgerKind::Charge, LedgerKind::Payment, LedgerKind::Refund].map(kind);
    stands(("queue", "status"), status.collect());
    stands(("queue", "reason"), reasons.iter().map(|why| of::expiry_reason(*why)).collect());
    stands(("concert_seat", "status"), seats.to_vec());
    stands(("reservation", "status"), reservations.map(reservation).to_vec());
    stands(("payment", "status"), [PaymentStatus::Done, PaymentStatus::Cancelled].map(payment).to_vec());
    stands(("payment_history", "type"), kinds.to_vec());
}

fn stands((table, column): (&str, &str), mut of: Vec<&str>) {
    let (.., most) = BOUNDS.iter().find(|(t, c, _)| (*t, *c) == (table, column)).expect("it stands here");
    let (Words(listed) | Maybe(Words(listed))) = most else { panic!("{table}.{column}: {most:?}") };
    of.dedup();
    assert_eq!(*listed, of, "{table}.{column}");
}

#[test]
fn what_a_column_would_refuse_is_found() {
    let number = Column { numbers: Some((0, 9)), ..Column::default() };
    assert_eq!(number.takes(&Number(9)), Ok(()));
    for (most, why) in [
        (Number(10), "too small for numbers"),
        (Id, "too small for ids"),
        (Maybe(&Number(9)), "it may be nothing"),
        (Time, "it is no time"),
        (Chars(1), "it is no text"),
        (Uuid, "it is no bytes"),
    ] {
        assert_eq!(number.takes(&most), Err(why.to_owned()), "{most:?}");
    }
    let list = Some(vec!["A".to_owned(), "B".to_owned()]);
    let text = Column { kind: Kind::Text, chars: Some(4), bytes: Some(16), words: list, ..Column::default() };
    assert_eq!(text.takes(&Words(&["B", "A"])), Ok(()));
    for (most, why) in [
        (Words(&["A", "C"]), "it does not know a word"),
        (Chars(5), "too short"),
        (Bytes(17), "too short"),
        (Number(0), "it is no number"),
    ] {
        assert_eq!(text.takes(&most), Err(why.to_owned()), "{most:?}");
    }
    let bytes = Column { kind: Kind::Bytes, bytes: Some(32), ..Column::default() };
    assert_eq!(bytes.takes(&Uuid), Err("it is no UUID".to_owned()));
}

#[test]
fn a_check_is_read_as_it_is_written() {
    let listed = words("status TEXT CHECK (status IN ('A', 'B'))", "status IN (");
    assert_eq!(listed, Some(vec!["A".to_owned(), "B".to_owned()]));
    assert_eq!(words("enum('A','B')", "enum("), Some(vec!["A".to_owned(), "B".to_owned()]));
    assert_eq!(words("his_status IN ('A')", "status IN ("), None);

    let checks = "(`balance` between 0 and 9007199254740991) AND (`entry_no` >= 1)";
    assert_eq!(checked(checks, "balance"), Some((0, 9_007_199_254_740_991)));
    assert_eq!(checked(checks, "entry_no"), Some((1, i64::MAX)));
    assert_eq!(checked(checks, "no"), None);
}

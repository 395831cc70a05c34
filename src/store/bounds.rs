//! The input that ends in a column, and how large it may be when it is let in: one table for all, compared with the
//! schema of each backend. Input that a column could refuse has to be refused where it comes from; a refusal by the
//! store comes too late to be explained.

use frontrow_protocol::limits::{
    ABOUT_BYTES_MAX, CAPACITY_MAX, CATEGORY_CHARS_MAX, DURATION_MILLIS_MAX, IDEMPOTENCY_KEY_CHARS_MAX,
    MONEY_MAX, NOTE_CHARS_MAX, OPERATOR_NAME_CHARS_MAX, SALE_MESSAGE_CHARS_MAX, SEATS_PER_RESERVATION_MAX,
    TITLE_CHARS_MAX, USER_NAME_CHARS_MAX,
};

use super::duty::DUTY_CHARS_MAX;
use super::operators::DEVICE_CHARS_MAX;
use crate::domain::actor::FROM_CHARS_MAX;

use crate::domain::record::BEST_REQUESTS_KEPT_MAX;
use crate::limits::{PICTURE_BYTES_MAX, PLAN_KEPT_BYTES_MAX, SUBJECT_BYTES_MAX};
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
}

use Most::{Bytes, Chars, Number};

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
    ("payment_history", "amount_change", MONEY),
    ("payment_history", "balance", MONEY),
    ("payment_history", "request_id", Bytes(UTF8_BYTES_MAX * IDEMPOTENCY_KEY_CHARS_MAX)),
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
    ("concert_seat", "label", Chars(LABEL_CHARS_MAX)),
    ("concert_seat", "category", Chars(NAME_CHARS_MAX)),
    ("concert_seat", "price", Number(PRICE_MAX)),
    ("concert_schedule", "prices", Bytes(CATEGORIES_MAX * "[9999,9007199254740991],".len())),
    ("reservation", "seats", Bytes(SEATS_PER_RESERVATION_MAX as usize * "4294967295,".len())),
    ("reservation", "prices", Bytes(SEATS_PER_RESERVATION_MAX as usize * "9007199254740991,".len())),
    ("reservation", "amount", MONEY),
    ("reservation", "best_requests", Bytes(BEST_REQUESTS_KEPT_MAX * BEST_REQUEST_BYTES_MAX)),
    ("payment", "amount", MONEY),
    ("payment", "refunded", MONEY),
    ("payment", "source", Chars("wallet".len())),
    ("ticket", "price", Number(PRICE_MAX)),
    // What the console and the command line take, or what is kept of a subject.
    ("operators", "name", Chars(OPERATOR_NAME_CHARS_MAX)),
    ("operators", "name", Chars(super::setup::NAME_CHARS_MAX)),
    ("operators", "issuer", Bytes(SUBJECT_BYTES_MAX)),
    ("operators", "subject", Bytes(SUBJECT_BYTES_MAX)),
    ("operator_link", "spent_from", Chars(FROM_CHARS_MAX)),
    ("operator_session", "made_from", Chars(FROM_CHARS_MAX)),
    ("operator_session", "device", Chars(DEVICE_CHARS_MAX)),
    ("operator_log", "came_from", Chars(FROM_CHARS_MAX)),
    ("duty", "name", Chars(DUTY_CHARS_MAX)),
    ("operator_log", "what", Chars("draft.announce".len())),
    // The longest: an order, which is a UUID.
    ("operator_log", "subject", Chars("order 00112233-4455-6677-8899-aabbccddeeff".len())),
    ("operator_log", "reason", Chars(NOTE_CHARS_MAX)),
    ("concert_schedule", "reason", Chars(NOTE_CHARS_MAX)),
    ("payment", "refund_reason", Chars(NOTE_CHARS_MAX)),
    ("concert", "about", Bytes(ABOUT_BYTES_MAX)),
    ("concert_image", "mime", Chars("image/jpeg".len())),
    ("concert_image", "bytes", Bytes(PICTURE_BYTES_MAX)),
    ("concert_draft", "plan", Bytes(PLAN_KEPT_BYTES_MAX)),
];

// The dearest seats of the largest reservation still add up to a sum that is money.
const _: () = assert!(PRICE_MAX * SEATS_PER_RESERVATION_MAX as i64 <= MONEY_MAX);

/// Compares what is let in with what a column takes: (its numbers' least and most, its characters, its bytes), each as
/// far as the schema bounds it.
pub fn compare(of: impl Fn(&str, &str) -> Column) {
    for (table, column, most) in BOUNDS {
        let takes = of(table, column);
        match *most {
            Number(most) => {
                let (from, to) = takes.numbers.unwrap_or((i64::MIN, i64::MAX));
                assert!(from <= 0 && most <= to, "{table}.{column} takes {from} to {to}, let in is {most}");
            }
            Chars(most) => {
                assert!(
                    takes.chars.is_none_or(|max| most <= max),
                    "{table}.{column}: {takes:?}, let in is {most}"
                );
            }
            Bytes(most) => {
                assert!(
                    takes.bytes.is_none_or(|max| most <= max),
                    "{table}.{column}: {takes:?}, let in is {most}"
                );
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Column {
    pub numbers: Option<(i64, i64)>,
    pub chars: Option<usize>,
    pub bytes: Option<usize>,
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

#[test]
fn a_check_is_read_as_it_is_written() {
    let checks = "(`balance` between 0 and 9007199254740991) AND (`entry_no` >= 1)";
    assert_eq!(checked(checks, "balance"), Some((0, 9_007_199_254_740_991)));
    assert_eq!(checked(checks, "entry_no"), Some((1, i64::MAX)));
    assert_eq!(checked(checks, "no"), None);
}

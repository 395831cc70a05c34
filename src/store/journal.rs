//! The journal's rows as text: a batch's events as compact JSON, each a list whose first element says what it is.
//! Readable with SQL alone (`reservation_id` as 32 hexadecimal digits), enough to replay every seat and to tell who
//! held it, when and why it was lost. Not here, on purpose: queue tokens and ticket codes, which are credentials.
//!
//! ```text
//! ["new",[[schedule,seats],...]]                      the concert was stored; its sale begins
//! ["claim",outage_ms]                                 a process became the writer, after so long an outage
//! ["void"]                                            nothing: a batch of unknown outcome can never appear here
//! ["join",entry,user]
//! ["admit",entry,user,expires_at]
//! ["end",entry,user,why]                              why: done, left, away, idle, time, closed
//! ["hold",reservation,schedule,user,[seat,...],expires_at]
//! ["add",reservation,schedule,user,[seat,...]]        more seats for an open reservation
//! ["release",reservation,schedule,user,[seat,...]]    some of its seats
//! ["lapse",reservation,schedule,user,[seat,...],why]  all of them: released, left, bought_another, hold_time, idle, started
//! ["pay",reservation,schedule,user,[seat,...],amount]
//! ["refund",reservation,schedule,user,[seat,...],amount]
//! ["set",before,after]                                the sale's settings, each an object
//! ```
//! Times are milliseconds since 1970; `expires_at` is sale time.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{settings, words};
use crate::domain::event::{Event, HoldEnd};
use crate::domain::ids::{EntryNo, ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::record::{Reservation, TokenRecord, TokenStatus};
use crate::domain::rules::SaleSettings;
use crate::domain::time::Timestamp;

/// The row that a new concert's journal begins with.
pub fn new_concert(schedules: &[(ScheduleId, u32)]) -> String {
    let schedules: Vec<_> = schedules.iter().map(|(id, seats)| (id.0, seats)).collect();
    json!([["new", schedules]]).to_string()
}

/// The row by which a process becomes the writer.
pub fn claimed(outage: Duration) -> String {
    format!("[[\"claim\",{}]]", outage.as_millis())
}

/// The row that keeps a batch of unknown outcome from ever appearing.
pub fn void() -> &'static str {
    "[[\"void\"]]"
}

/// A batch's events, in their order.
pub fn encode(events: &[Event]) -> String {
    let mut out = String::with_capacity(2 + events.len() * 80);
    out.push('[');
    for (i, event) in events.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        encode_event(&mut out, event);
    }
    out.push(']');
    out
}

fn encode_event(out: &mut String, event: &Event) {
    match event {
        Event::Joined(token) => token_event(out, "join", token, ""),
        Event::Admitted(token) => {
            let expires_at = token.expires_at.map_or(0, Timestamp::as_millis);
            put(out, format_args!("[\"admit\",{},{},{expires_at}]", token.entry, token.user));
        }
        Event::TokenEnded(token) => {
            let why = match token.status {
                TokenStatus::Expired(reason) => words::expiry_reason(reason),
                TokenStatus::Done => "done",
                TokenStatus::Waiting | TokenStatus::Progress => "alive",
            };
            token_event(out, "end", token, why);
        }
        Event::SeatsHeld { reservation, seats, opened } => {
            seats_event(out, if *opened { "hold" } else { "add" }, reservation, seats);
            if *opened {
                put(out, format_args!(",{}", reservation.expires_at.as_millis()));
            }
            out.push(']');
        }
        Event::SeatsReleased { reservation, seats } => {
            seats_event(out, "release", reservation, seats);
            out.push(']');
        }
        Event::ReservationEnded { reservation, why } => {
            seats_event(out, "lapse", reservation, &reservation.seats);
            put(out, format_args!(",\"{}\"]", hold_end(*why)));
        }
        Event::Paid { reservation, .. } => {
            seats_event(out, "pay", reservation, &reservation.seats);
            put(out, format_args!(",{}]", reservation.amount));
        }
        Event::Refunded { reservation, .. } => {
            seats_event(out, "refund", reservation, &reservation.seats);
            put(out, format_args!(",{}]", reservation.amount));
        }
        Event::SettingsChanged { before, after } => {
            put(out, format_args!("[\"set\",{},{}]", settings(before), settings(after)));
        }
    }
}

fn token_event(out: &mut String, what: &str, token: &TokenRecord, why: &str) {
    put(out, format_args!("[\"{what}\",{},{}", token.entry, token.user));
    if !why.is_empty() {
        put(out, format_args!(",\"{why}\""));
    }
    out.push(']');
}

/// Everything but the closing bracket, so that more can follow.
fn seats_event(out: &mut String, what: &str, reservation: &Reservation, seats: &[SeatId]) {
    let (id, schedule, user) = (reservation.id.0.simple(), reservation.schedule, reservation.user);
    put(out, format_args!("[\"{what}\",\"{id}\",{schedule},{user},["));
    for (i, seat) in seats.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        put(out, format_args!("{seat}"));
    }
    out.push(']');
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = out.write_fmt(text);
}

pub fn hold_end(why: HoldEnd) -> &'static str {
    match why {
        HoldEnd::Released => "released",
        HoldEnd::Left => "left",
        HoldEnd::BoughtAnother => "bought_another",
        HoldEnd::HoldTime => "hold_time",
        HoldEnd::Idle => "idle",
        HoldEnd::Started => "started",
    }
}

fn settings(settings: &SaleSettings) -> Value {
    let mut all = settings::encode(&settings.own);
    let mut put = |name: &str, value| all.insert(name.to_owned(), value);
    put("state", json!(words::sale_state(settings.state)));
    put("opens_at", json!(settings.opens_at.map(Timestamp::as_millis)));
    put("message", json!(settings.message));
    Value::Object(all)
}

/// One event of a journal row, as it is read back.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    New {
        schedules: Vec<(ScheduleId, u32)>,
    },
    Claim {
        outage: Duration,
    },
    Void,
    Join {
        entry: EntryNo,
        user: UserId,
    },
    Admit {
        entry: EntryNo,
        user: UserId,
        expires_at: Timestamp,
    },
    /// `why`: "done", or the reason of an expiry.
    End {
        entry: EntryNo,
        user: UserId,
        why: String,
    },
    Seats(SeatsEntry),
    Set {
        before: Value,
        after: Value,
    },
}

/// Seats that changed hands.
#[derive(Clone, Debug, PartialEq)]
pub struct SeatsEntry {
    pub change: SeatsChange,
    pub reservation: ReservationId,
    pub schedule: ScheduleId,
    pub user: UserId,
    pub seats: Vec<SeatId>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SeatsChange {
    Hold {
        expires_at: Timestamp,
    },
    Add,
    Release,
    /// All of an unpaid reservation's seats; `why` as in the module's head.
    Lapse {
        why: String,
    },
    Pay {
        amount: i64,
    },
    Refund {
        amount: i64,
    },
}

/// Reads a row's events back. The error names the event that cannot be read.
pub fn decode(events: &str) -> Result<Vec<Entry>, String> {
    let events: Vec<Vec<Value>> =
        serde_json::from_str(events).map_err(|error| format!("not a list of lists: {error}"))?;
    let read = |(i, event): (usize, &Vec<Value>)| {
        entry(event).ok_or_else(|| format!("event {i} cannot be read: {}", Value::from(event.clone())))
    };
    events.iter().enumerate().map(read).collect()
}

fn entry(event: &[Value]) -> Option<Entry> {
    let (what, rest) = event.split_first()?;
    Some(match (what.as_str()?, rest) {
        ("new", [schedules]) => {
            let one = |pair: &Value| {
                Some((ScheduleId(pair.get(0)?.as_u64()?), u32::try_from(pair.get(1)?.as_u64()?).ok()?))
            };
            Entry::New { schedules: schedules.as_array()?.iter().map(one).collect::<Option<_>>()? }
        }
        ("claim", [outage]) => Entry::Claim { outage: Duration::from_millis(outage.as_u64()?) },
        ("void", []) => Entry::Void,
        ("join", [entry, user]) => {
            Entry::Join { entry: EntryNo(entry.as_u64()?), user: UserId(user.as_u64()?) }
        }
        ("admit", [entry, user, expires_at]) => Entry::Admit {
            entry: EntryNo(entry.as_u64()?),
            user: UserId(user.as_u64()?),
            expires_at: Timestamp::from_millis(expires_at.as_i64()?),
        },
        ("end", [entry, user, why]) => Entry::End {
            entry: EntryNo(entry.as_u64()?),
            user: UserId(user.as_u64()?),
            why: why.as_str()?.to_owned(),
        },
        ("set", [before, after]) => Entry::Set { before: before.clone(), after: after.clone() },
        (what, [reservation, schedule, user, seats, more @ ..]) => {
            let change = match (what, more) {
                ("hold", [at]) => SeatsChange::Hold { expires_at: Timestamp::from_millis(at.as_i64()?) },
                ("add", []) => SeatsChange::Add,
                ("release", []) => SeatsChange::Release,
                ("lapse", [why]) => SeatsChange::Lapse { why: why.as_str()?.to_owned() },
                ("pay", [amount]) => SeatsChange::Pay { amount: amount.as_i64()? },
                ("refund", [amount]) => SeatsChange::Refund { amount: amount.as_i64()? },
                _ => return None,
            };
            let seat = |seat: &Value| Some(SeatId(u32::try_from(seat.as_u64()?).ok()?));
            Entry::Seats(SeatsEntry {
                change,
                reservation: ReservationId(Uuid::try_parse(reservation.as_str()?).ok()?),
                schedule: ScheduleId(schedule.as_u64()?),
                user: UserId(user.as_u64()?),
                seats: seats.as_array()?.iter().map(seat).collect::<Option<_>>()?,
            })
        }
        _ => return None,
    })
}

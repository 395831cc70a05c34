//! The journal's rows as text: a batch's events as compact JSON, each a list whose first element says what it is.
//! Readable with SQL alone (ids as 32 hexadecimal digits), and enough to rebuild the rows of a sale (`store::fold`). Not
//! here, on purpose: queue tokens, which follow from what is here and a secret beside it (`domain::token_secret`), the
//! codes of tickets, which are credentials too, and where guests came from, which is kept no longer than they hold (it stands
//! beside a row's events until it is applied: `guests`).
//!
//! ```text
//! ["new",[[schedule,seats],...],settings,ranges]      the concert was stored; its sale begins. ranges, if there are any:
//!                                                     the seats of each performance that the house keeps from the start
//! ["claim",outage_ms]                                 a process became the writer, after so long an outage
//! ["void"]                                            nothing: a batch of unknown outcome can never appear here
//! ["repair",row,[nr,...],reason,by]                   the tables refused these events of a row, counted from 0, and do not
//!                                                     have them, by an operator's word
//! ["join",entry,user,late,made]                       made: 1, the token is made of the sale's secret; older ones are random
//! ["admit",entry,user,expires_at,late]
//! ["end",entry,user,why,late]                         why: done, left, away, idle, time, closed
//! ["hold",reservation,schedule,user,[seat,...],expires_at,prices,late,request]
//! ["add",reservation,schedule,user,[seat,...],prices,request]      more seats for an open reservation
//! ["release",reservation,schedule,user,[seat,...],amount]          some of its seats; what the others cost
//! ["lapse",reservation,schedule,user,[seat,...],why,late]          all of them: released, left, bought_another,
//!                                                                  hold_time, idle, started, called_off
//! ["pay",reservation,schedule,user,[seat,...],amount,late,payment,[ticket,...],ledger entry,balance]
//! ["sell",reservation,schedule,user,[seat,...],expires_at,prices,late,payment,[ticket,...],source,note,by]
//!                                                     an operator sold seats at once. source: cash, card, gift
//! ["refund",reservation,schedule,user,[seat,...],amount,late,ledger entry,balance,reason,by]
//!                                                     ledger entry and balance: null and null of what was sold so
//!                                                     reason and by: of an operator, who wrote it; null and null if the
//!                                                     performance was called off; left out if its owner cancelled it
//! ["refund_seats",...]                                the same of some of its seats, and what these cost
//! ["move",reservation,schedule,user,[from,to],prices,late,ticket,note,by]
//!                                                     a seat of a paid reservation became another one. prices: of all that it
//!                                                     has then, by their order; null if they cost what they were imported with
//! ["keep",schedule,ranges,note,by]                    the house keeps seats from sale, which were free
//! ["open",schedule,ranges,note,by]                    seats that the house kept are free
//! ["describe",before,after,by]                        the texts of the concert that changed: "title", and "about", which is
//!                                                     what its page says, as JSON in a text
//! ["price",schedule,[[category,name,was,is],...],by]                what free seats of these categories cost, by their
//!                                                                  numbers in the layout
//! ["perform",schedule,starts_at,seats,[[category,name,imported,is],...],by]
//!                                                     another performance, with the categories that do not cost what the
//!                                                     layout says
//! ["postpone",schedule,before,after,reason,by]        another start, earlier or later: milliseconds since 1970
//! ["calloff",schedule,reason,by]                      a performance is not played, or broke off
//! ["archive",late,by]                              everything of the concert is over
//! ["set",before,after,by]                             the sale's settings, each an object; by: who, as below, or
//!                                                     "opens_at" by itself
//! ```
//! `expires_at` is sale time, in milliseconds since 1970. `late`: by how many milliseconds the row's `at` is later than
//! the event, so `at - late` is when it happened. `prices`: what each of the seats costs, or one number if all cost the
//! same. `request`: of a `hold_best` that may be repeated, as in `reservation.best_requests`; else it is left out.
//!
//! `by`: {"operator":7,"from":"2001:db8::1"} or {"user":7,…} of a token that names an operator as a user of ours. If the
//! address is not known, the user alone; "operator" is one of whom nothing is known, null is what followed by itself.
//! `ranges`: `[[first,last],...]` of seats, both included.
//!
//! Rows of older versions lack what stands here after `expires_at`, `why` or `amount`, and the last element of what has
//! none of these. They are read as they are: what they lack is `None`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{JournalRow, columns, settings, words};
use crate::domain::actor::{Actor, Who};
use crate::domain::concert::{Texts, TextsPatch};
use crate::domain::event::{
    Archived, By, CalledOff, Description, Event, HoldEnd, HouseSeats, PriceChange, RefundWhy, Refunded,
    Repricing, Rescheduled, ScheduleAdded, SeatMoved, SoldAtDesk,
};
use crate::domain::ids::{
    AddressBlock, EntryNo, HistoryId, OperatorId, PaymentId, ReservationId, ScheduleId, SeatId, TicketId,
    UserId,
};
use crate::domain::record::{
    BestRequest, LedgerEntry, Payment, PaymentSource, Reservation, ReservationStatus, TokenRecord,
    TokenStatus,
};
use crate::domain::rules::SaleSettings;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::venue::SEATS_MAX;

/// The row that a new concert's journal begins with.
pub fn new_concert(schedules: &[(ScheduleId, u32)], begun: &SaleSettings, restricted: &[SeatId]) -> String {
    let schedules: Vec<_> = schedules.iter().map(|(id, seats)| (id.0, seats)).collect();
    match restricted {
        [] => json!([["new", schedules, settings(begun)]]),
        restricted => json!([["new", schedules, settings(begun), ranges(restricted)]]),
    }
    .to_string()
}

/// The row by which a process becomes the writer.
pub fn claimed(outage: Duration) -> String {
    format!("[[\"claim\",{}]]", outage.as_millis())
}

/// The row that says which events of another one the tables do not have, by an operator's word.
pub fn repaired(row: u64, events: &[u32], reason: &str, by: &Actor) -> String {
    json!([["repair", row, events, reason, actor_of(by)]]).to_string()
}

/// What a line of the operators' log calls a row.
pub fn repaired_row(row: u64) -> String {
    format!("row {row}")
}

/// What a line of the operators' log says of what was left out.
pub fn repaired_events(row: u64, events: &[u32]) -> Value {
    json!({"row": row, "events": events})
}

/// Reads what `repaired_events` wrote.
pub fn repaired_events_of(value: &Value) -> Option<(u64, Vec<u32>)> {
    Some((value.get("row")?.as_u64()?, numbers_of(value.get("events")?)?))
}

fn numbers_of(value: &Value) -> Option<Vec<u32>> {
    value.as_array()?.iter().map(|number| u32::try_from(number.as_u64()?).ok()).collect()
}

/// The row that keeps a batch of unknown outcome from ever appearing.
pub fn void() -> &'static str {
    "[[\"void\"]]"
}

/// Where guests come from who hold after these events, `{"reservation":"address",...}` with both as 32 hexadecimal digits;
/// `None`: no guest does. It stands beside the events until the reservations' rows have it, because a journal is kept for ever.
pub fn guests(events: &[Event]) -> Option<String> {
    let mut guests: BTreeMap<ReservationId, AddressBlock> = BTreeMap::new();
    for event in events {
        match event {
            Event::SeatsHeld { reservation, .. } | Event::SeatsReleased { reservation, .. } => {
                guests.extend(reservation.guest_of.map(|block| (reservation.id, block)));
            }
            Event::ReservationEnded { reservation, .. } | Event::Paid { reservation, .. } => {
                guests.remove(&reservation.id);
            }
            _ => {}
        }
    }
    let text = |(id, block): (&ReservationId, &AddressBlock)| {
        (id.0.simple().to_string(), Value::from(Uuid::from_u128(block.0).simple().to_string()))
    };
    (!guests.is_empty()).then(|| Value::Object(guests.iter().map(text).collect()).to_string())
}

/// Reads what `guests` wrote.
pub fn guests_of(text: &str) -> Result<Vec<(ReservationId, AddressBlock)>, String> {
    let read = || {
        let guests: BTreeMap<Uuid, Uuid> = serde_json::from_str(text).ok()?;
        let guest = |(id, block): (Uuid, Uuid)| (ReservationId(id), AddressBlock(block.as_u128()));
        Some(guests.into_iter().map(guest).collect())
    };
    read().ok_or_else(|| format!("{text:?} are no addresses of guests"))
}

/// A batch's events, in their order, for a row of this time.
pub fn encode(at: Timestamp, events: &[Event]) -> String {
    let mut out = String::with_capacity(2 + events.len() * 96);
    out.push('[');
    for (i, event) in events.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        encode_event(&mut out, at, event);
    }
    out.push(']');
    out
}

fn encode_event(out: &mut String, at: Timestamp, event: &Event) {
    match event {
        Event::Joined(TokenRecord { entry, user, entered_at, .. }) => {
            put(out, format_args!("[\"join\",{entry},{user},{},1", late(at, Some(*entered_at))));
        }
        Event::Admitted(TokenRecord { entry, user, admitted_at, expires_at, .. }) => {
            let expires_at = expires_at.map_or(0, Timestamp::as_millis);
            put(out, format_args!("[\"admit\",{entry},{user},{expires_at},{}", late(at, *admitted_at)));
        }
        Event::TokenEnded(TokenRecord { entry, user, status, ended_at, .. }) => {
            let why = match status {
                TokenStatus::Expired(reason) => words::expiry_reason(*reason),
                TokenStatus::Done => "done",
                TokenStatus::Waiting | TokenStatus::Progress => "alive",
            };
            put(out, format_args!("[\"end\",{entry},{user},\"{why}\",{}", late(at, *ended_at)));
        }
        Event::SeatsHeld { reservation, seats, prices, opened, request } => {
            seats_event(out, if *opened { "hold" } else { "add" }, reservation, seats);
            if *opened {
                put(out, format_args!(",{}", reservation.expires_at.as_millis()));
            }
            put_prices(out, prices);
            if *opened {
                put(out, format_args!(",{}", late(at, Some(reservation.opened_at))));
            }
            if let Some(request) = request {
                put(out, format_args!(",{}", columns::best_request(request)));
            }
        }
        Event::SeatsReleased { reservation, seats } => {
            seats_event(out, "release", reservation, seats);
            put(out, format_args!(",{}", reservation.amount));
        }
        Event::ReservationEnded { reservation, why } => {
            seats_event(out, "lapse", reservation, &reservation.seats);
            put(out, format_args!(",\"{}\",{}", hold_end(*why), late(at, reservation.ended_at)));
        }
        Event::Paid { reservation, ledger } => {
            seats_event(out, "pay", reservation, &reservation.seats);
            put(out, format_args!(",{}", reservation.amount));
            if let Some(payment) = &reservation.payment {
                put(out, format_args!(",{},", late(at, reservation.ended_at)));
                put_payment(out, payment);
                put_ledger(out, ledger);
            }
        }
        Event::SoldAtDesk(SoldAtDesk { reservation, note, by }) => {
            seats_event(out, "sell", reservation, &reservation.seats);
            put(out, format_args!(",{}", reservation.expires_at.as_millis()));
            put_prices(out, &reservation.prices);
            if let Some(payment) = &reservation.payment {
                put(out, format_args!(",{},", late(at, Some(payment.at))));
                put_payment(out, payment);
                let source = words::payment_source(payment.source);
                put(out, format_args!(",\"{source}\",{},{}", json!(note), actor_of(by)));
            }
        }
        Event::Refunded(Refunded { reservation, seats, amount, at: then, ledger, why }) => {
            let is_all = reservation.status == ReservationStatus::Cancelled;
            seats_event(out, if is_all { "refund" } else { "refund_seats" }, reservation, seats);
            put(out, format_args!(",{amount},{}", late(at, Some(*then))));
            match ledger {
                Some(entry) => put_ledger(out, entry),
                None => out.push_str(",null,null"),
            }
            match why {
                RefundWhy::Cancelled => {}
                RefundWhy::CalledOff => out.push_str(",null,null"),
                RefundWhy::Operator { reason, by } => {
                    put(out, format_args!(",{},{}", json!(reason), actor_of(by)));
                }
            }
        }
        Event::SeatMoved(SeatMoved { reservation, from, to, at: then, note, by }) => {
            seats_event(out, "move", reservation, &[*from, *to]);
            match &reservation.prices[..] {
                [] => out.push_str(",null,"),
                prices => {
                    out.push(',');
                    put_list(out, prices);
                    out.push(',');
                }
            }
            let tickets = reservation.payment.iter().flat_map(|payment| &payment.tickets);
            let ticket = tickets.filter(|ticket| ticket.is_valid()).find(|ticket| ticket.seat == *to);
            let ticket = ticket.map_or_else(Uuid::nil, |ticket| ticket.id.0);
            put(out, format_args!("{},\"{}\",", late(at, Some(*then)), ticket.simple()));
            put(out, format_args!("{},{}", json!(note), actor_of(by)));
        }
        Event::SeatsRestricted(kept) => house_event(out, "keep", kept),
        Event::SeatsUnrestricted(opened) => house_event(out, "open", opened),
        Event::Described(Description { before, after, by }) => {
            let (before, after) = texts_difference(before, after);
            put(out, format_args!("[\"describe\",{before},{after},{}", actor_of(by)));
        }
        Event::Repriced(Repricing { schedule, changed, by, .. }) => {
            put(out, format_args!("[\"price\",{schedule},{},{}", price_changes(changed), actor_of(by)));
        }
        Event::ScheduleAdded(ScheduleAdded { schedule, starts_at, seats, prices, by }) => {
            let starts_at = starts_at.as_millis();
            put(out, format_args!("[\"perform\",{schedule},{starts_at},{seats},"));
            put(out, format_args!("{},{}", price_changes(prices), actor_of(by)));
        }
        Event::Rescheduled(Rescheduled { schedule, before, after, reason, by }) => {
            let (before, after) = (before.as_millis(), after.as_millis());
            put(out, format_args!("[\"postpone\",{schedule},{before},{after},{},", json!(reason)));
            put(out, format_args!("{}", actor_of(by)));
        }
        Event::CalledOff(CalledOff { schedule, reason, by }) => {
            put(out, format_args!("[\"calloff\",{schedule},{},{}", json!(reason), actor_of(by)));
        }
        Event::Archived(Archived { at: then, by }) => {
            put(out, format_args!("[\"archive\",{},{}", late(at, Some(*then)), actor_of(by)));
        }
        Event::SettingsChanged { before, after, by } => {
            put(out, format_args!("[\"set\",{},{}", settings(before), settings(after)));
            put(out, format_args!(",{}", by_of(by)));
        }
    }
    out.push(']');
}

/// The milliseconds by which a row of `at` is later than this.
fn late(at: Timestamp, moment: Option<Timestamp>) -> i64 {
    moment.map_or(0, |moment| at.as_millis().saturating_sub(moment.as_millis()))
}

fn price_changes(changed: &[PriceChange]) -> Value {
    changed.iter().map(|of| json!([of.category, of.name, of.before, of.after])).collect()
}

fn put_prices(out: &mut String, prices: &[Money]) {
    out.push(',');
    match prices {
        [first, rest @ ..] if rest.iter().all(|price| price == first) => put(out, format_args!("{first}")),
        _ => put_list(out, prices),
    }
}

fn put_payment(out: &mut String, payment: &Payment) {
    put(out, format_args!("\"{}\",[", payment.id.0.simple()));
    for (i, ticket) in payment.tickets.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        put(out, format_args!("{comma}\"{}\"", ticket.id.0.simple()));
    }
    out.push(']');
}

fn put_ledger(out: &mut String, entry: &LedgerEntry) {
    put(out, format_args!(",\"{}\",{}", entry.id.0.simple(), entry.balance));
}

fn put_list(out: &mut String, list: &[impl std::fmt::Display]) {
    out.push('[');
    for (i, one) in list.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        put(out, format_args!("{one}"));
    }
    out.push(']');
}

/// Everything but the closing bracket, so that more can follow.
fn seats_event(out: &mut String, what: &str, reservation: &Reservation, seats: &[SeatId]) {
    let (id, schedule, user) = (reservation.id.0.simple(), reservation.schedule, reservation.user);
    put(out, format_args!("[\"{what}\",\"{id}\",{schedule},{user},"));
    put_list(out, seats);
}

/// Everything but the closing bracket.
fn house_event(out: &mut String, what: &str, HouseSeats { schedule, seats, note, by }: &HouseSeats) {
    let (ranges, by) = (json!(ranges(seats)), json!(by.as_ref().map(actor_of)));
    put(out, format_args!("[\"{what}\",{schedule},{ranges},{},{by}", json!(note)));
}

/// Of seats in ascending order: the first and the last one of each run.
pub fn ranges(seats: &[SeatId]) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for seat in seats {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == seat.0 => *last = seat.0,
            _ => ranges.push((seat.0, seat.0)),
        }
    }
    ranges
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
        HoldEnd::CalledOff => "called_off",
    }
}

pub fn hold_end_of(word: &str) -> Option<HoldEnd> {
    Some(match word {
        "released" => HoldEnd::Released,
        "left" => HoldEnd::Left,
        "bought_another" => HoldEnd::BoughtAnother,
        "hold_time" => HoldEnd::HoldTime,
        "idle" => HoldEnd::Idle,
        "started" => HoldEnd::Started,
        "called_off" => HoldEnd::CalledOff,
        _ => return None,
    })
}

fn settings(settings: &SaleSettings) -> Value {
    let mut all = settings::encode(&settings.own);
    let mut put = |name: &str, value| all.insert(name.to_owned(), value);
    put("state", json!(words::sale_state(settings.state)));
    put("opens_at", json!(settings.opens_at.map(Timestamp::as_millis)));
    put("message", json!(settings.message));
    Value::Object(all)
}

/// The settings that differ, as they were and as they became.
pub fn difference(before: &SaleSettings, after: &SaleSettings) -> (Value, Value) {
    values_that_differ(settings(before), settings(after))
}

/// Of two objects of settings what differs.
pub fn values_that_differ(mut was: Value, mut became: Value) -> (Value, Value) {
    // What is not set is not there: who reads the log is told that, too.
    if let (Some(before), Some(after)) = (was.as_object_mut(), became.as_object_mut()) {
        for name in before.keys().chain(after.keys()).cloned().collect::<Vec<_>>() {
            before.entry(name.clone()).or_insert(Value::Null);
            after.entry(name).or_insert(Value::Null);
        }
        let same: Vec<_> = before
            .iter()
            .filter(|(name, value)| after.get(*name) == Some(value))
            .map(|(name, _)| name.clone())
            .collect();
        for name in same {
            before.remove(&name);
            after.remove(&name);
        }
    }
    (was, became)
}

/// The texts that differ, as they were and as they became.
pub fn texts_difference(before: &Texts, after: &Texts) -> (Value, Value) {
    let changed = |of: &Texts| {
        let mut told = Map::new();
        if before.title != after.title {
            told.insert("title".to_owned(), json!(of.title));
        }
        if before.about != after.about {
            told.insert("about".to_owned(), json!(of.about));
        }
        Value::Object(told)
    };
    (changed(before), changed(after))
}

/// Reads what `texts_difference` wrote.
fn texts_of(value: &Value) -> Option<TextsPatch> {
    let told = value.as_object()?;
    let title = match told.get("title") {
        None => None,
        Some(title) => Some(title.as_str()?.into()),
    };
    let about = match told.get("about") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(about) => Some(Some(about.as_str()?.into())),
    };
    Some(TextsPatch { title, about })
}

/// Reads what `settings` wrote; a setting that older rows do not know is not set.
pub fn settings_of(value: &Value) -> Option<SaleSettings> {
    let value = value.as_object()?;
    let given = |name: &str| value.get(name).filter(|value| !value.is_null());
    let opens_at = given("opens_at").map(|at| at.as_i64().map(Timestamp::from_millis));
    let message = given("message").map(|message| message.as_str().map(Box::from));
    Some(SaleSettings {
        state: words::sale_state_of(value.get("state")?.as_str()?)?,
        opens_at: opens_at.map_or(Some(None), |at| at.map(Some))?,
        message: message.map_or(Some(None), |message| message.map(Some))?,
        own: settings::decode(value).ok()?,
    })
}

/// One event of a journal row, as it is read back. `late` is in milliseconds, as in the module's head.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    New {
        schedules: Vec<(ScheduleId, u32)>,
        settings: Option<Value>,
        /// The seats of each schedule that the house keeps.
        restricted: Vec<SeatId>,
    },
    Claim {
        outage: Duration,
    },
    Void,
    /// The tables refused these events of an earlier row, and do not have them.
    Repair {
        row: u64,
        events: Vec<u32>,
        reason: String,
        by: Actor,
    },
    /// `is_made`: the token is made of the sale's secret.
    Join {
        entry: EntryNo,
        user: UserId,
        late: Option<i64>,
        is_made: bool,
    },
    Admit {
        entry: EntryNo,
        user: UserId,
        expires_at: Timestamp,
        late: Option<i64>,
    },
    /// `why`: "done", or the reason of an expiry.
    End {
        entry: EntryNo,
        user: UserId,
        why: String,
        late: Option<i64>,
    },
    Seats(SeatsEntry),
    Restrict(HouseSeats),
    Unrestrict(HouseSeats),
    Describe {
        before: TextsPatch,
        after: TextsPatch,
        by: Actor,
    },
    Price {
        schedule: ScheduleId,
        changed: Vec<PriceChange>,
        by: Actor,
    },
    Perform(ScheduleAdded),
    Postpone(Rescheduled),
    CallOff(CalledOff),
    Archive {
        late: i64,
        by: Actor,
    },
    Set {
        before: Value,
        after: Value,
        by: Option<By>,
    },
}

/// The last rows of a journal that are about the tokens and reservations of some users.
#[derive(Default)]
pub struct LastTouched {
    pub tokens: BTreeMap<EntryNo, u64>,
    pub reservations: BTreeMap<ReservationId, u64>,
}

impl LastTouched {
    /// Notes a row, which is behind all that were noted. `users` are in ascending order.
    pub fn add(&mut self, row: &JournalRow, users: &[UserId]) {
        for entry in &row.events {
            match entry {
                Entry::Join { entry, user, .. }
                | Entry::Admit { entry, user, .. }
                | Entry::End { entry, user, .. }
                    if users.binary_search(user).is_ok() =>
                {
                    self.tokens.insert(*entry, row.seq);
                }
                Entry::Seats(SeatsEntry { reservation, user, .. }) if users.binary_search(user).is_ok() => {
                    self.reservations.insert(*reservation, row.seq);
                }
                _ => {}
            }
        }
    }

    /// Forgets what was touched behind this row.
    pub fn retain_until(&mut self, seq: u64) {
        self.tokens.retain(|_, last| *last <= seq);
        self.reservations.retain(|_, last| *last <= seq);
    }
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
        late: Option<i64>,
        taken: Option<Taken>,
    },
    Add {
        taken: Option<Taken>,
    },
    /// `amount`: of the seats that are left.
    Release {
        amount: Option<Money>,
    },
    /// All of an unpaid reservation's seats; `why` as in the module's head.
    Lapse {
        why: String,
        late: Option<i64>,
    },
    Pay {
        amount: Money,
        late: Option<i64>,
        payment: Option<Paid>,
    },
    /// Free seats, at once.
    Sell {
        expires_at: Timestamp,
        /// One for each seat.
        prices: Vec<Money>,
        late: i64,
        payment: PaymentId,
        /// One for each seat.
        tickets: Vec<TicketId>,
        source: PaymentSource,
        note: Option<Box<str>>,
        by: Actor,
    },
    Refund {
        amount: Money,
        /// Rows of older versions have neither this nor what follows.
        late: Option<i64>,
        /// None where no wallet had a part in it, too.
        ledger: Option<InLedger>,
        why: RefundWhy,
        /// All that it had by then?
        is_all: bool,
    },
    /// The first of two seats became the second.
    Move {
        /// What each of its seats costs then; empty: what they were imported with.
        prices: Vec<Money>,
        late: i64,
        ticket: TicketId,
        note: Option<Box<str>>,
        by: Actor,
    },
}

/// The price of held seats together, and the request that chose them.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// One for each seat.
    pub prices: Vec<Money>,
    pub request: Option<BestRequest>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Paid {
    pub id: PaymentId,
    /// One for each seat.
    pub tickets: Vec<TicketId>,
    pub ledger: InLedger,
}

/// The entry that a wallet's ledger got, and the balance after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InLedger {
    pub id: HistoryId,
    pub balance: Money,
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
        ("new", [schedules, rest @ ..]) => {
            let (settings, restricted) = match rest {
                [] => (None, Vec::new()),
                [settings] => (Some(settings.clone()), Vec::new()),
                [settings, ranges] => (Some(settings.clone()), read_ranges(ranges)?),
                _ => return None,
            };
            let one = |pair: &Value| {
                Some((ScheduleId(pair.get(0)?.as_u64()?), u32::try_from(pair.get(1)?.as_u64()?).ok()?))
            };
            let schedules = schedules.as_array()?.iter().map(one).collect::<Option<_>>()?;
            Entry::New { schedules, settings, restricted }
        }
        ("claim", [outage]) => Entry::Claim { outage: Duration::from_millis(outage.as_u64()?) },
        ("void", []) => Entry::Void,
        ("repair", [row, events, reason, by]) => Entry::Repair {
            row: row.as_u64()?,
            events: numbers_of(events)?,
            reason: reason.as_str()?.to_owned(),
            by: read_actor(by)?,
        },
        ("join", [entry, user, rest @ ..]) => {
            let (late, is_made) = match rest {
                [late, made] if made.as_u64() == Some(1) => (Some(late.as_i64()?), true),
                late => (number(late)?, false),
            };
            Entry::Join { entry: EntryNo(entry.as_u64()?), user: UserId(user.as_u64()?), late, is_made }
        }
        ("admit", [entry, user, expires_at, late @ ..]) => Entry::Admit {
            entry: EntryNo(entry.as_u64()?),
            user: UserId(user.as_u64()?),
            expires_at: Timestamp::from_millis(expires_at.as_i64()?),
            late: number(late)?,
        },
        ("end", [entry, user, why, late @ ..]) => Entry::End {
            entry: EntryNo(entry.as_u64()?),
            user: UserId(user.as_u64()?),
            why: why.as_str()?.to_owned(),
            late: number(late)?,
        },
        ("keep", [schedule, ranges, note, by]) => Entry::Restrict(house_seats(schedule, ranges, note, by)?),
        ("open", [schedule, ranges, note, by]) => Entry::Unrestrict(house_seats(schedule, ranges, note, by)?),
        ("describe", [before, after, by]) => {
            Entry::Describe { before: texts_of(before)?, after: texts_of(after)?, by: read_actor(by)? }
        }
        ("price", [schedule, changed, by]) => Entry::Price {
            schedule: ScheduleId(schedule.as_u64()?),
            changed: changed.as_array()?.iter().map(price_change).collect::<Option<_>>()?,
            by: read_actor(by)?,
        },
        ("perform", [schedule, starts_at, seats, prices, by]) => Entry::Perform(ScheduleAdded {
            schedule: ScheduleId(schedule.as_u64()?),
            starts_at: Timestamp::from_millis(starts_at.as_i64()?),
            seats: u32::try_from(seats.as_u64()?).ok()?,
            prices: prices.as_array()?.iter().map(price_change).collect::<Option<_>>()?,
            by: read_actor(by)?,
        }),
        ("postpone", [schedule, before, after, reason, by]) => Entry::Postpone(Rescheduled {
            schedule: ScheduleId(schedule.as_u64()?),
            before: Timestamp::from_millis(before.as_i64()?),
            after: Timestamp::from_millis(after.as_i64()?),
            reason: if reason.is_null() { None } else { Some(reason.as_str()?.into()) },
            by: read_actor(by)?,
        }),
        ("calloff", [schedule, reason, by]) => Entry::CallOff(CalledOff {
            schedule: ScheduleId(schedule.as_u64()?),
            reason: reason.as_str()?.into(),
            by: read_actor(by)?,
        }),
        ("archive", [late, by]) => Entry::Archive { late: late.as_i64()?, by: read_actor(by)? },
        ("set", [before, after, by @ ..]) => Entry::Set {
            before: before.clone(),
            after: after.clone(),
            by: at_most_one(by)?.map_or(Some(None), |by| changed_by(by).map(Some))?,
        },
        (what, [reservation, schedule, user, seats, more @ ..]) => {
            let seat = |seat: &Value| Some(SeatId(u32::try_from(seat.as_u64()?).ok()?));
            let seats: Vec<_> = seats.as_array()?.iter().map(seat).collect::<Option<_>>()?;
            Entry::Seats(SeatsEntry {
                change: change(what, seats.len(), more)?,
                reservation: ReservationId(uuid(reservation)?),
                schedule: ScheduleId(schedule.as_u64()?),
                user: UserId(user.as_u64()?),
                seats,
            })
        }
        _ => return None,
    })
}

/// The values after the seats, of which there are so many.
fn change(what: &str, seats: usize, more: &[Value]) -> Option<SeatsChange> {
    Some(match (what, more) {
        ("hold", [expires_at, rest @ ..]) => {
            let (late, taken) = match rest {
                [] => (None, None),
                [prices, late, request @ ..] => (Some(late.as_i64()?), Some(taken(prices, seats, request)?)),
                _ => return None,
            };
            SeatsChange::Hold { expires_at: Timestamp::from_millis(expires_at.as_i64()?), late, taken }
        }
        ("add", []) => SeatsChange::Add { taken: None },
        ("add", [prices, request @ ..]) => SeatsChange::Add { taken: Some(taken(prices, seats, request)?) },
        ("release", amount) => SeatsChange::Release { amount: number(amount)? },
        ("lapse", [why, late @ ..]) => {
            SeatsChange::Lapse { why: why.as_str()?.to_owned(), late: number(late)? }
        }
        ("pay", [amount, rest @ ..]) => {
            let (late, payment) = match rest {
                [] => (None, None),
                [late, payment, tickets, ledger, balance] => {
                    let tickets = tickets.as_array()?.iter().map(|ticket| uuid(ticket).map(TicketId));
                    let (id, tickets) = (PaymentId(uuid(payment)?), tickets.collect::<Option<_>>()?);
                    let ledger = in_ledger(ledger, balance)?;
                    (Some(late.as_i64()?), Some(Paid { id, tickets, ledger }))
                }
                _ => return None,
            };
            SeatsChange::Pay { amount: amount.as_i64()?, late, payment }
        }
        ("sell", [expires_at, prices, late, payment, tickets, source, note, by]) => {
            let tickets = tickets.as_array()?.iter().map(|ticket| uuid(ticket).map(TicketId));
            let tickets: Vec<_> = tickets.collect::<Option<_>>()?;
            let Taken { prices, .. } = taken(prices, seats, &[])?;
            (tickets.len() == seats).then_some(SeatsChange::Sell {
                expires_at: Timestamp::from_millis(expires_at.as_i64()?),
                prices,
                late: late.as_i64()?,
                payment: PaymentId(uuid(payment)?),
                tickets,
                source: words::payment_source_of(source.as_str()?)
                    .filter(|source| *source != PaymentSource::Wallet)?,
                note: if note.is_null() { None } else { Some(note.as_str()?.into()) },
                by: read_actor(by)?,
            })?
        }
        ("refund" | "refund_seats", [amount, rest @ ..]) => {
            let (late, ledger) = match rest {
                [] => (None, None),
                [late, Value::Null, Value::Null, ..] => (Some(late.as_i64()?), None),
                [late, ledger, balance, ..] => (Some(late.as_i64()?), Some(in_ledger(ledger, balance)?)),
                _ => return None,
            };
            let why = match rest.get(3..).unwrap_or_default() {
                [] => RefundWhy::Cancelled,
                [Value::Null, Value::Null] => RefundWhy::CalledOff,
                [reason, by] => RefundWhy::Operator { reason: reason.as_str()?.into(), by: read_actor(by)? },
                _ => return None,
            };
            SeatsChange::Refund { amount: amount.as_i64()?, late, ledger, why, is_all: what == "refund" }
        }
        ("move", [prices, late, ticket, note, by]) if seats == 2 => SeatsChange::Move {
            prices: match prices {
                Value::Null => Vec::new(),
                prices => prices.as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?,
            },
            late: late.as_i64()?,
            ticket: TicketId(uuid(ticket)?),
            note: if note.is_null() { None } else { Some(note.as_str()?.into()) },
            by: read_actor(by)?,
        },
        _ => return None,
    })
}

fn house_seats(schedule: &Value, ranges: &Value, note: &Value, by: &Value) -> Option<HouseSeats> {
    Some(HouseSeats {
        schedule: ScheduleId(schedule.as_u64()?),
        seats: read_ranges(ranges)?,
        note: if note.is_null() { None } else { Some(note.as_str()?.into()) },
        by: if by.is_null() { None } else { Some(read_actor(by)?) },
    })
}

fn price_change(change: &Value) -> Option<PriceChange> {
    let [category, name, before, after] = change.as_array()?.as_slice() else { return None };
    Some(PriceChange {
        category: u16::try_from(category.as_u64()?).ok()?,
        name: name.as_str()?.into(),
        before: before.as_i64()?,
        after: after.as_i64()?,
    })
}

/// More seats than any house has are nonsense, and not made up in memory.
fn read_ranges(ranges: &Value) -> Option<Vec<SeatId>> {
    let mut seats = Vec::new();
    for range in ranges.as_array()? {
        let end = |index| u32::try_from(range.get(index)?.as_u64()?).ok();
        let (first, last) = (end(0)?, end(1)?);
        if last < first || seats.len() + (last - first) as usize >= SEATS_MAX {
            return None;
        }
        seats.extend((first..=last).map(SeatId));
    }
    Some(seats)
}

/// The one element that older rows have not; `None` if there are more.
fn at_most_one(rest: &[Value]) -> Option<Option<&Value>> {
    (rest.len() <= 1).then(|| rest.first())
}

fn number(rest: &[Value]) -> Option<Option<i64>> {
    at_most_one(rest)?.map_or(Some(None), |number| number.as_i64().map(Some))
}

fn taken(prices: &Value, seats: usize, request: &[Value]) -> Option<Taken> {
    let prices = match prices.as_array() {
        Some(prices) => prices.iter().map(Value::as_i64).collect::<Option<Vec<_>>>()?,
        None => vec![prices.as_i64()?; seats],
    };
    let request = match at_most_one(request)? {
        Some(request) => Some(columns::read_best_request(request)?),
        None => None,
    };
    (prices.len() == seats).then_some(Taken { prices, request })
}

fn in_ledger(id: &Value, balance: &Value) -> Option<InLedger> {
    Some(InLedger { id: HistoryId(uuid(id)?), balance: balance.as_i64()? })
}

fn by_of(by: &By) -> Value {
    match by {
        By::OpensAt => json!("opens_at"),
        By::Actor(actor) => actor_of(actor),
    }
}

fn actor_of(Actor { who, from }: &Actor) -> Value {
    match (who, from) {
        (Who::Operator(operator), None) => json!({"operator": operator.0}),
        (Who::Operator(operator), Some(from)) => json!({"operator": operator.0, "from": from}),
        (Who::User(user), None) => json!(user.0),
        (Who::User(user), Some(from)) => json!({"user": user.0, "from": from}),
        (Who::Unnamed, None) => json!("operator"),
        (Who::Unnamed, Some(from)) => json!({"from": from}),
    }
}

fn changed_by(by: &Value) -> Option<By> {
    Some(if by == "opens_at" { By::OpensAt } else { By::Actor(read_actor(by)?) })
}

fn read_actor(by: &Value) -> Option<Actor> {
    let Value::Object(told) = by else {
        let who = if by == "operator" { Who::Unnamed } else { Who::User(UserId(by.as_u64()?)) };
        return Some(Actor::of(who));
    };
    let who = match (told.get("operator"), told.get("user")) {
        (Some(operator), None) => Who::Operator(OperatorId(operator.as_u64()?)),
        (None, Some(user)) => Who::User(UserId(user.as_u64()?)),
        (None, None) => Who::Unnamed,
        (Some(_), Some(_)) => return None,
    };
    let from = match told.get("from") {
        Some(from) => Some(from.as_str()?.into()),
        None => None,
    };
    Some(Actor { who, from })
}

fn uuid(text: &Value) -> Option<Uuid> {
    Uuid::try_parse(text.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ConcertId, QueueToken};
    use crate::domain::record::{ExpiryReason, LedgerKind, PaymentStatus, SaleState, Ticket};
    use crate::domain::rules::OwnRules;

    const AT: Timestamp = Timestamp::from_millis(1_900_000_000_000);
    /// Seven milliseconds before the row was written.
    const THEN: Timestamp = Timestamp::from_millis(1_899_999_999_993);
    const RESERVATION: &str = "\"00000001019e80008000000000000001\"";

    fn token() -> TokenRecord {
        TokenRecord {
            concert: ConcertId(1),
            entry: EntryNo(1_234),
            token: QueueToken(Uuid::from_u128(5)),
            user: UserId(56_789),
            status: TokenStatus::Waiting,
            entered_at: THEN,
            admitted_at: Some(THEN),
            expires_at: Some(Timestamp::from_millis(1_900_000_600_000)),
            ended_at: Some(THEN),
        }
    }

    fn reservation() -> Reservation {
        Reservation {
            id: ReservationId(Uuid::from_u128(0x00000001_019e8000_80000000_00000001)),
            concert: ConcertId(1),
            schedule: ScheduleId(7),
            user: UserId(56_789),
            status: ReservationStatus::TempReserved,
            seats: vec![SeatId(1_200), SeatId(1_201)],
            prices: Vec::new(),
            amount: 300_000,
            opened_at: THEN,
            expires_at: Timestamp::from_millis(1_900_000_300_000),
            ended_at: None,
            best_requests: Vec::new(),
            guest_of: Some(crate::domain::ids::AddressBlock(9)),
            payment: None,
        }
    }

    fn held(prices: [Money; 2], opened: bool, request: Option<BestRequest>) -> Event {
        let (reservation, prices) = (reservation(), prices.to_vec());
        Event::SeatsHeld { seats: reservation.seats.clone(), reservation, prices, opened, request }
    }

    fn paid() -> (Reservation, LedgerEntry) {
        let reservation = reservation().ended(ReservationStatus::Reserved, THEN);
        let ticket = |n, seat: &SeatId| Ticket {
            id: TicketId(Uuid::from_u128(n)),
            schedule: reservation.schedule,
            seat: *seat,
            price: None,
            code: "0123456789ABCDEF".into(),
            cancelled_at: None,
            moved_from: None,
            moved_to: None,
        };
        let payment = Payment {
            id: PaymentId(Uuid::from_u128(0xA)),
            reservation: reservation.id,
            user: reservation.user,
            source: PaymentSource::Wallet,
            amount: reservation.amount,
            status: PaymentStatus::Done,
            at: THEN,
            refunded: 0,
            refund_reason: None,
            tickets: (0xB..).zip(&reservation.seats).map(|(n, seat)| ticket(n, seat)).collect(),
        };
        let ledger = LedgerEntry {
            id: HistoryId(Uuid::from_u128(0xD)),
            user: reservation.user,
            kind: LedgerKind::Payment,
            amount_change: -reservation.amount,
            balance: 700_000,
            at: THEN,
            payment: Some(payment.id),
            request_id: None,
        };
        (Reservation { payment: Some(payment), ..reservation }, ledger)
    }

    fn refunded(seats: &[SeatId], why: RefundWhy) -> Event {
        let (paid, ledger) = paid();
        let amount = 150_000 * seats.len() as Money;
        let ledger = Some(LedgerEntry { kind: LedgerKind::Refund, amount_change: amount, ..ledger });
        let reservation = paid.refunded(seats, amount, THEN, why.reason());
        Event::Refunded(Refunded { reservation, seats: seats.to_vec(), amount, at: THEN, ledger, why })
    }

    fn sold_at_desk(prices: [Money; 2], source: PaymentSource, note: Option<&str>) -> Event {
        let (paid, _) = paid();
        let payment = paid.payment.clone().map(|payment| Payment { source, ..payment });
        let reservation = Reservation { prices: prices.to_vec(), payment, ..paid };
        Event::SoldAtDesk(SoldAtDesk { reservation, note: note.map(Box::from), by: operator9() })
    }

    fn moved(to: u32, prices: Vec<Money>, note: Option<&str>) -> Event {
        let (paid, _) = paid();
        let (from, to) = (SeatId(1_201), SeatId(to));
        let earlier = paid.payment.as_ref().unwrap().tickets[1].clone();
        let ticket =
            Ticket { id: TicketId(Uuid::from_u128(0xE)), seat: to, moved_from: Some(from), ..earlier };
        let reservation = paid.moved(from, ticket, prices, THEN);
        Event::SeatMoved(SeatMoved {
            reservation,
            from,
            to,
            at: THEN,
            note: note.map(Box::from),
            by: operator9(),
        })
    }

    fn open() -> SaleSettings {
        SaleSettings { state: SaleState::Open, opens_at: None, message: None, own: OwnRules::default() }
    }

    fn house_seats(seats: [u32; 3], note: Option<&str>) -> HouseSeats {
        let by = Actor::of(Who::Operator(OperatorId(9)));
        HouseSeats::new(ScheduleId(7), seats.map(SeatId).to_vec(), note, &by)
    }

    fn description() -> Description {
        let before = Texts { title: "A night".into(), about: None };
        let after = Texts { about: Some("{}".into()), ..before.clone() };
        Description { before, after, by: Actor::of(Who::Operator(OperatorId(9))) }
    }

    fn repricing() -> Repricing {
        let change = PriceChange { category: 1, name: "V\"IP".into(), before: 100, after: 120 };
        let by = Actor::of(Who::Operator(OperatorId(9)));
        Repricing { schedule: ScheduleId(7), changed: vec![change], own: vec![(1, 120)], by }
    }

    fn operator9() -> Actor {
        Actor::of(Who::Operator(OperatorId(9)))
    }

    fn rescheduled(reason: Option<&str>) -> Rescheduled {
        let reason = reason.map(Box::from);
        Rescheduled { schedule: ScheduleId(7), before: THEN, after: AT, reason, by: operator9() }
    }

    fn added() -> ScheduleAdded {
        let Repricing { changed: prices, by, .. } = repricing();
        ScheduleAdded { schedule: ScheduleId(8), starts_at: AT, seats: 20, prices, by }
    }

    fn called_off() -> CalledOff {
        CalledOff { schedule: ScheduleId(7), reason: "ill".into(), by: operator9() }
    }

    fn by(who: Who, from: Option<&str>) -> By {
        By::Actor(Actor { who, from: from.map(Box::from) })
    }

    fn request() -> BestRequest {
        BestRequest { request_id: "a\"b".into(), count: 2, category: None, bounds: 0 }
    }

    /// Goal: rows stay as small as what they say. Method: every kind of event as it is written, to the letter.
    #[test]
    fn every_event_is_written_as_it_should_be_and_read_back() {
        let left = TokenRecord { status: TokenStatus::Expired(ExpiryReason::Left), ..token() };
        let (bought, ledger) = paid();
        let lapsed = reservation().ended(ReservationStatus::Cancelled, THEN);
        let (before, after) = (Box::new(open()), Box::new(open()));
        let set = format!("[\"set\",{0},{0},56789]", settings(&open()));
        let of = format!("{RESERVATION},7,56789,[1200,1201]");
        let id = |n: u128| format!("\"{}\"", Uuid::from_u128(n).simple());
        let refund = format!("{of},300000,7,{},700000", id(0xD));
        let refunded = |why| refunded(&bought.seats, why);
        let some = format!("{RESERVATION},7,56789,[1201],150000,7,{},700000", id(0xD));
        let part = |why| super::tests::refunded(&[SeatId(1_201)], why);
        let at_desk = |event: Event| {
            let Event::Refunded(refunded) = event else { panic!("{event:?}") };
            Event::Refunded(Refunded { ledger: None, ..refunded })
        };
        let pay = format!("[\"pay\",{of},300000,7,{},[{},{}],{},700000]", id(0xA), id(0xB), id(0xC), id(0xD));
        let released = Event::SeatsReleased { reservation: reservation(), seats: vec![SeatId(3)] };
        let expected = [
            (Event::Joined(token()), "[\"join\",1234,56789,7,1]".to_owned()),
            (Event::Admitted(token()), "[\"admit\",1234,56789,1900000600000,7]".to_owned()),
            (Event::TokenEnded(left), "[\"end\",1234,56789,\"left\",7]".to_owned()),
            (held([150_000; 2], true, None), format!("[\"hold\",{of},1900000300000,150000,7]")),
            (held([1, 2], false, None), format!("[\"add\",{of},[1,2]]")),
            (
                held([1, 2], true, Some(request())),
                format!("[\"hold\",{of},1900000300000,[1,2],7,[\"a\\\"b\",2,null]]"),
            ),
            (released, format!("[\"release\",{RESERVATION},7,56789,[3],300000]")),
            (
                Event::ReservationEnded { reservation: lapsed, why: HoldEnd::Released },
                format!("[\"lapse\",{of},\"released\",7]"),
            ),
            (Event::Paid { reservation: bought.clone(), ledger: ledger.clone() }, pay),
            (refunded(RefundWhy::Cancelled), format!("[\"refund\",{refund}]")),
            (refunded(RefundWhy::CalledOff), format!("[\"refund\",{refund},null,null]")),
            (
                refunded(RefundWhy::Operator { reason: "a\"b".into(), by: operator9() }),
                format!("[\"refund\",{refund},\"a\\\"b\",{{\"operator\":9}}]"),
            ),
            (
                part(RefundWhy::Operator { reason: "broken".into(), by: operator9() }),
                format!("[\"refund_seats\",{some},\"broken\",{{\"operator\":9}}]"),
            ),
            (
                sold_at_desk([150_000; 2], PaymentSource::Cash, None),
                format!(
                    "[\"sell\",{of},1900000300000,150000,7,{},[{},{}],\"cash\",null,{{\"operator\":9}}]",
                    id(0xA),
                    id(0xB),
                    id(0xC)
                ),
            ),
            (
                sold_at_desk([1, 2], PaymentSource::Gift, Some("a\"b")),
                format!(
                    "[\"sell\",{of},1900000300000,[1,2],7,{},[{},{}],\"gift\",\"a\\\"b\",{{\"operator\":9}}]",
                    id(0xA),
                    id(0xB),
                    id(0xC)
                ),
            ),
            (
                at_desk(refunded(RefundWhy::CalledOff)),
                format!("[\"refund\",{of},300000,7,null,null,null,null]"),
            ),
            (
                at_desk(refunded(RefundWhy::Operator { reason: "ill".into(), by: operator9() })),
                format!("[\"refund\",{of},300000,7,null,null,\"ill\",{{\"operator\":9}}]"),
            ),
            (
                moved(1_100, Vec::new(), None),
                format!(
                    "[\"move\",{RESERVATION},7,56789,[1201,1100],null,7,{},null,{{\"operator\":9}}]",
                    id(0xE)
                ),
            ),
            (
                moved(1_202, vec![1, 2], Some("broken")),
                format!(
                    "[\"move\",{RESERVATION},7,56789,[1201,1202],[1,2],7,{},\"broken\",{{\"operator\":9}}]",
                    id(0xE)
                ),
            ),
            (
                Event::Rescheduled(rescheduled(Some("rain"))),
                "[\"postpone\",7,1899999999993,1900000000000,\"rain\",{\"operator\":9}]".to_owned(),
            ),
            (
                Event::Rescheduled(rescheduled(None)),
                "[\"postpone\",7,1899999999993,1900000000000,null,{\"operator\":9}]".to_owned(),
            ),
            (
                Event::ScheduleAdded(added()),
                "[\"perform\",8,1900000000000,20,[[1,\"V\\\"IP\",100,120]],{\"operator\":9}]".to_owned(),
            ),
            (
                Event::Archived(Archived { at: THEN, by: operator9() }),
                "[\"archive\",7,{\"operator\":9}]".to_owned(),
            ),
            (Event::CalledOff(called_off()), "[\"calloff\",7,\"ill\",{\"operator\":9}]".to_owned()),
            (
                Event::SeatsRestricted(house_seats([3, 4, 7], Some("a\"b"))),
                "[\"keep\",7,[[3,4],[7,7]],\"a\\\"b\",{\"operator\":9}]".to_owned(),
            ),
            (
                Event::SeatsUnrestricted(HouseSeats { by: None, ..house_seats([3, 5, 6], None) }),
                "[\"open\",7,[[3,3],[5,6]],null,null]".to_owned(),
            ),
            (
                Event::Described(description()),
                "[\"describe\",{\"about\":null},{\"about\":\"{}\"},{\"operator\":9}]".to_owned(),
            ),
            (
                Event::Repriced(repricing()),
                "[\"price\",7,[[1,\"V\\\"IP\",100,120]],{\"operator\":9}]".to_owned(),
            ),
            (Event::SettingsChanged { before, after, by: by(Who::User(UserId(56_789)), None) }, set.clone()),
        ];
        for (event, text) in expected {
            assert_eq!(encode(AT, std::slice::from_ref(&event)), format!("[{text}]"));
            assert_eq!(decode(&format!("[{text}]")).map(|entries| entries.len()), Ok(1), "{text}");
        }
        let taken = Taken { prices: vec![1, 2], request: Some(request()) };
        let decoded = decode(&encode(AT, &[held([1, 2], true, Some(request()))])).unwrap().remove(0);
        let Entry::Seats(SeatsEntry { change, .. }) = decoded else { panic!("{decoded:?}") };
        let expires_at = reservation().expires_at;
        assert_eq!(change, SeatsChange::Hold { expires_at, late: Some(7), taken: Some(taken) });
        let (operator, user) = (Who::Operator(OperatorId(7)), Who::User(UserId(56_789)));
        let text = repaired(17, &[0, 3], "by \"hand\"", &Actor::of(operator));
        assert_eq!(text, r#"[["repair",17,[0,3],"by \"hand\"",{"operator":7}]]"#);
        let (row, events, reason) = (17, vec![0, 3], "by \"hand\"".to_owned());
        assert_eq!(decode(&text), Ok(vec![Entry::Repair { row, events, reason, by: Actor::of(operator) }]));
        assert_eq!(repaired_events_of(&repaired_events(17, &[0, 3])), Some((17, vec![0, 3])));
        for (word, by) in [
            ("\"opens_at\"", By::OpensAt),
            ("\"operator\"", by(Who::Unnamed, None)),
            ("56789", by(user, None)),
            ("{\"operator\":7}", by(operator, None)),
            ("{\"from\":\"::1\",\"operator\":7}", by(operator, Some("::1"))),
            ("{\"from\":\"::1\",\"user\":56789}", by(user, Some("::1"))),
            ("{\"from\":\"::1\"}", by(Who::Unnamed, Some("::1"))),
        ] {
            let text = format!("[{}]", set.replace("56789", word));
            let (before, after) = (Box::new(open()), Box::new(open()));
            assert_eq!(encode(AT, &[Event::SettingsChanged { before, after, by: by.clone() }]), text);
            let decoded = decode(&text).unwrap().remove(0);
            assert!(matches!(&decoded, Entry::Set { by: Some(found), .. } if *found == by), "{decoded:?}");
        }
    }

    #[test]
    fn what_the_house_keeps_is_read_as_it_was_written() {
        for kept in [house_seats([0, 1, 2], None), house_seats([0, 2, 4], Some("cameras"))] {
            let decoded = decode(&encode(AT, &[Event::SeatsRestricted(kept.clone())])).unwrap();
            assert_eq!(decoded, [Entry::Restrict(kept.clone())]);
            let decoded = decode(&encode(AT, &[Event::SeatsUnrestricted(kept.clone())])).unwrap();
            assert_eq!(decoded, [Entry::Unrestrict(kept)]);
        }
        let begun = new_concert(&[(ScheduleId(7), 20)], &open(), &[SeatId(3), SeatId(4)]);
        assert!(begun.ends_with(",[[3,4]]]]"), "{begun}");
        let Entry::New { restricted, .. } = decode(&begun).unwrap().remove(0) else { panic!("{begun}") };
        assert_eq!(restricted, [SeatId(3), SeatId(4)]);
        let begun = new_concert(&[(ScheduleId(7), 20)], &open(), &[]);
        assert!(
            matches!(&decode(&begun).unwrap()[..], [Entry::New { restricted, .. }] if restricted.is_empty())
        );
    }

    #[test]
    fn what_the_box_office_sold_is_read_as_it_was_written() {
        for (prices, source) in
            [([5, 5], PaymentSource::Cash), ([5, 7], PaymentSource::Card), ([0, 0], PaymentSource::Gift)]
        {
            let decoded =
                decode(&encode(AT, &[sold_at_desk(prices, source, Some("row 3"))])).unwrap().remove(0);
            let Entry::Seats(SeatsEntry { change, seats, .. }) = decoded else { panic!("{decoded:?}") };
            let SeatsChange::Sell { prices: read, tickets, source: of, note, by, expires_at, late, payment } =
                change
            else {
                panic!("{change:?}")
            };
            assert_eq!(
                (read, of, note.as_deref(), by),
                (prices.to_vec(), source, Some("row 3"), operator9())
            );
            assert_eq!((seats, late, expires_at), (reservation().seats, 7, reservation().expires_at));
            assert_eq!(payment, PaymentId(Uuid::from_u128(0xA)));
            assert_eq!(tickets, [0xB, 0xC].map(|n| TicketId(Uuid::from_u128(n))));
        }
    }

    #[test]
    fn prices_are_read_as_they_were_written() {
        let Repricing { schedule, changed, by, .. } = repricing();
        let decoded = decode(&encode(AT, &[Event::Repriced(repricing())])).unwrap();
        assert_eq!(decoded, [Entry::Price { schedule, changed, by }]);
    }

    #[test]
    fn texts_are_read_as_they_were_written() {
        let title = Texts { title: "An\"other".into(), about: Some("{\"a\":1}".into()) };
        let by = Actor::UNNAMED;
        for (before, after) in [
            (title.clone(), Texts { title: "One".into(), ..title.clone() }),
            (title.clone(), Texts { about: None, ..title.clone() }),
            (Texts { about: None, ..title.clone() }, title.clone()),
            (title.clone(), Texts { title: "".into(), about: Some("{}".into()) }),
        ] {
            let event = Event::Described(Description {
                before: before.clone(),
                after: after.clone(),
                by: by.clone(),
            });
            let decoded = decode(&encode(AT, &[event])).unwrap().remove(0);
            let Entry::Describe { before: was, after: became, .. } = decoded else { panic!("{decoded:?}") };
            assert_eq!((before.patched(&became), after.patched(&was)), (after, before));
        }
    }

    #[test]
    fn what_becomes_of_a_performance_and_of_its_money_is_read_as_it_was_written() {
        let operator = RefundWhy::Operator { reason: "ill".into(), by: operator9() };
        for why in [RefundWhy::Cancelled, RefundWhy::CalledOff, operator] {
            for (given, all) in [(&[SeatId(1_200), SeatId(1_201)][..], true), (&[SeatId(1_200)], false)] {
                let decoded = decode(&encode(AT, &[refunded(given, why.clone())])).unwrap().remove(0);
                let Entry::Seats(SeatsEntry { change, seats, .. }) = decoded else { panic!("{decoded:?}") };
                let SeatsChange::Refund { amount, why: read, is_all, .. } = change else {
                    panic!("{change:?}")
                };
                assert_eq!((amount, seats.as_slice()), (150_000 * given.len() as Money, given));
                assert_eq!((read, is_all), (why.clone(), all));
            }
        }
        let (added, moved, off) = (added(), rescheduled(Some("rain")), called_off());
        let events = [
            Event::ScheduleAdded(added.clone()),
            Event::Rescheduled(moved.clone()),
            Event::CalledOff(off.clone()),
        ];
        let read = [Entry::Perform(added), Entry::Postpone(moved), Entry::CallOff(off)];
        assert_eq!(decode(&encode(AT, &events)).unwrap(), read);
    }

    #[test]
    fn rows_of_older_versions_are_read_as_far_as_they_go() {
        let older = format!(
            "[[\"new\",[[7,20]]],[\"join\",0,3],[\"admit\",0,3,9],[\"end\",0,3,\"done\"],\
             [\"hold\",{RESERVATION},7,3,[1],9],[\"add\",{RESERVATION},7,3,[2]],\
             [\"release\",{RESERVATION},7,3,[2]],[\"lapse\",{RESERVATION},7,3,[1],\"idle\"],\
             [\"pay\",{RESERVATION},7,3,[1],5],[\"refund\",{RESERVATION},7,3,[1],5],\
             [\"set\",{{\"state\":\"OPEN\"}},{{\"state\":\"PAUSED\",\"capacity\":4}}]]"
        );
        let decoded = decode(&older).unwrap();
        let seats = |entry: &Entry| match entry {
            Entry::Seats(seats) => Some(seats.change.clone()),
            _ => None,
        };
        assert_eq!(
            decoded.iter().filter_map(seats).collect::<Vec<_>>(),
            [
                SeatsChange::Hold { expires_at: Timestamp::from_millis(9), late: None, taken: None },
                SeatsChange::Add { taken: None },
                SeatsChange::Release { amount: None },
                SeatsChange::Lapse { why: "idle".to_owned(), late: None },
                SeatsChange::Pay { amount: 5, late: None, payment: None },
                SeatsChange::Refund {
                    amount: 5,
                    late: None,
                    ledger: None,
                    why: RefundWhy::Cancelled,
                    is_all: true
                },
            ]
        );
        assert!(matches!(decoded[0], Entry::New { settings: None, .. }));
        assert!(matches!(decoded[1], Entry::Join { late: None, is_made: false, .. }));
        let Some(Entry::Set { after, by: None, .. }) = decoded.last() else { panic!("{decoded:?}") };
        let own = OwnRules { capacity: Some(4), ..OwnRules::default() };
        assert_eq!(settings_of(after), Some(SaleSettings { state: SaleState::Paused, own, ..open() }));
    }

    #[test]
    fn what_is_no_event_is_named() {
        for nonsense in [
            "[\"join\",0]",
            "[\"join\",0,3,\"late\"]",
            "[\"join\",0,3,7,7]",
            "[\"join\",0,3,7,1,1]",
            "[\"join\",0,3,null,1]",
            "[\"steal\",1]",
            "[\"keep\",7,[[4,3]],null,null]",
            "[\"keep\",7,[[0,4294967295]],null,null]",
            "[\"open\",7,[[3,3]],null]",
            "[\"price\",7,[[1,\"VIP\",100]],\"operator\"]",
            "[\"describe\",{\"title\":1},{},\"operator\"]",
            "[\"describe\",{},{\"about\":{}},\"operator\"]",
            "[\"price\",7,[[1,\"VIP\",100,120]],null]",
            "[\"price\",7,[[65536,\"VIP\",100,120]],\"operator\"]",
            "[\"postpone\",7,1,2,null,null]",
            "[\"calloff\",7,null,{\"operator\":9}]",
            "[\"refund\",\"00000001019e80008000000000000001\",7,3,[1],5,7,\"00000000000000000000000000000001\",5,null]",
            "[\"sell\",\"00000001019e80008000000000000001\",7,3,[1],9,5,7,\"00000000000000000000000000000001\",\
             [\"00000000000000000000000000000002\"],\"wallet\",null,\"operator\"]",
            "[\"sell\",\"00000001019e80008000000000000001\",7,3,[1],9,5,7,\"00000000000000000000000000000001\",\
             [],\"cash\",null,\"operator\"]",
            "[\"set\",{},{},\"nobody\"]",
            "[\"set\",{},{},{\"operator\":1,\"user\":1}]",
            "[\"set\",{},{},{\"operator\":1,\"from\":2}]",
            "[\"hold\",\"x\",7,3,[1],9]",
            "[\"hold\",\"00000001019e80008000000000000001\",7,3,[1],9,5]",
            "[\"hold\",\"00000001019e80008000000000000001\",7,3,[1],9,[5,5],7]",
            "[\"pay\",\"00000001019e80008000000000000001\",7,3,[1],5,7]",
        ] {
            let error = decode(&format!("[{nonsense}]")).unwrap_err();
            assert!(error.starts_with("event 0 cannot be read"), "{error}");
        }
        for settings in [json!({}), json!({"state": "open"}), json!({"state": "OPEN", "capacity": -1})] {
            assert_eq!(settings_of(&settings), None, "{settings}");
        }
    }

    #[test]
    fn settings_are_read_as_they_were_written() {
        let own = OwnRules {
            capacity: Some(1),
            hold_ttl: Some(Duration::from_millis(2)),
            seats_per_user_max: Some(3),
            ..OwnRules::default()
        };
        let message = Some("Back at noon".into());
        let all = SaleSettings { state: SaleState::Scheduled, opens_at: Some(AT), message, own };
        assert_eq!(settings_of(&settings(&all)), Some(all));
        assert_eq!(settings_of(&settings(&open())), Some(open()));
    }
}

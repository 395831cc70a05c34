//! Proves or refutes the invariants from the stored rows alone: what is sold is paid, what is paid is in a wallet's
//! ledger, what is held belongs to somebody who was let in, and the journal agrees, as does what the log says of operators. Every
//! fault is a sentence that names its rows. The statements are SQL that all backends share.
//!
//! Always: one view of the database, read once, a sale at a time, so that memory holds one sale and the wallets'
//! payments. Not here: repair.

mod again;
mod log;
mod per_user;
mod replay;
mod sale;
mod tail;
mod wallets;

use std::collections::{HashMap, HashSet};

use sqlx::SqlSafeStr;

use super::archive::Archive;
use super::columns::{
    Bind, Cells, known, ledger_columns, read_layout, read_ledger, read_own_prices, read_payment,
    read_reservation, read_seat, read_ticket, read_token, read_token_secret, reservation_columns,
    token_columns,
};
use super::query::{Link, Take};
use super::rehearsals::issuer_of;
use super::settings::{read_settings, settings_columns};
use super::{AuditReport, StoreError, journal, words};
use crate::domain::concert::Texts;
use crate::domain::ids::{ConcertId, PaymentId, ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::time::Timestamp;
use crate::limits;
use sale::{SaleAudit, StoredSchedule};
use tail::Tail;
use wallets::Wallets;

/// Named faults; more of them would not be read. The rest is counted.
const FAULTS_NAMED_MAX: usize = 1_000;

/// Faults found so far and rows seen.
#[derive(Default)]
struct Findings {
    faults: Vec<String>,
    unnamed: u64,
    seen: HashMap<&'static str, u64>,
}

impl Findings {
    fn fault(&mut self, fault: String) {
        if self.faults.len() < FAULTS_NAMED_MAX {
            self.faults.push(fault);
        } else {
            self.unnamed += 1;
        }
    }

    /// Names a fault unless `right`.
    fn check(&mut self, right: bool, fault: impl FnOnce() -> String) {
        if !right {
            self.fault(fault());
        }
    }

    fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// A row that cannot even be read is a fault of its own.
    fn read<T>(&mut self, table: &str, row: Result<T, StoreError>) -> Option<T> {
        match row {
            Ok(row) => Some(row),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                self.fault(format!("a row of {table} cannot be read: {cause}"));
                None
            }
        }
    }

    fn report(mut self) -> AuditReport {
        if self.unnamed > 0 {
            self.faults.push(format!("and {} more faults", self.unnamed));
        }
        AuditReport { seen: self.seen, faults: self.faults }
    }
}

const USERS: &str = "SELECT user_id, balance, ledger_entries FROM users ORDER BY user_id";
const LEDGER: &str =
    concat!("SELECT ", ledger_columns!(), ", entry_no FROM payment_history ORDER BY user_id, entry_no");
const CONCERTS: &str = "SELECT concert_id, rehearsal_of, archived_at FROM concert ORDER BY concert_id";
const BUYERS: &str = "SELECT user_id FROM users WHERE issuer = ?";
/// Users of rehearsals of which nothing else is left.
const STRAY_BUYERS: &str = "SELECT user_id FROM users WHERE issuer >= 'frontrow:rehearsal:' \
       AND issuer < 'frontrow:rehearsal;' AND issuer NOT IN \
         (SELECT concat('frontrow:rehearsal:', concert_id) FROM concert WHERE rehearsal_of IS NOT NULL)";
const LAYOUT: &str = "SELECT layout, seats FROM venue_layout WHERE concert_id = ?";
const SCHEDULES: &str = "SELECT schedule_id, starts_at, state, reason, prices FROM concert_schedule \
     WHERE concert_id = ? AND state <> 'ADDING' ORDER BY schedule_id";
/// Without those of performances that are being made.
const SEATS: &str = "SELECT concert_id, schedule_id, seat, status, reservation_id, label, category, price \
     FROM concert_seat s WHERE concert_id = ? AND NOT EXISTS ( \
       SELECT 1 FROM concert_schedule p WHERE p.schedule_id = s.schedule_id AND p.state = 'ADDING') \
     ORDER BY schedule_id, seat";
const TOKENS: &str =
    concat!("SELECT ", token_columns!(), " FROM queue WHERE concert_id = ? ORDER BY entry_no");
const RESERVATIONS: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    " FROM reservation WHERE concert_id = ? ORDER BY reservation_id"
);
const RESERVATION_SEATS: &str = "SELECT reservation_id, schedule_id, seat FROM reservation_seat \
     WHERE concert_id = ? ORDER BY reservation_id, seat";
const PAYMENTS: &str = "SELECT payment_id, reservation_id, user_id, source, amount, status, at, cancelled_at, refunded, refund_reason \
     FROM payment WHERE concert_id = ? ORDER BY payment_id";
const TICKETS: &str = "SELECT ticket_id, schedule_id, seat, price, code, payment_id, reservation_id, user_id, cancelled_at, \
       moved_from, moved_to \
     FROM ticket WHERE concert_id = ? ORDER BY ticket_id";
const JOURNAL: &str = "SELECT seq, at, events FROM journal WHERE concert_id = ? ORDER BY seq";
/// What was left out of a sale's tables is told by the log before its journal is read; that says the same.
const REPAIRS: &str = "SELECT was FROM operator_log WHERE concert_id = ? AND what = 'repair'";
const LOG: &str = "SELECT log_id, seq, nr, at, operator_id, user_id, came_from, what, subject, was, became, reason \
     FROM operator_log WHERE concert_id = ? AND seq IS NOT NULL ORDER BY seq, nr";

const SETTINGS: &str = concat!(
    "SELECT title, about, CASE WHEN rehearsal_of IS NULL THEN archived_at END AS archived_at, ",
    settings_columns!(),
    " FROM concert WHERE concert_id = ?"
);
/// The time at which the schema became that of servers which know a rule, and up to which an older one that ran
/// meanwhile was alive.
macro_rules! known_since {
    ($migration:literal) => {
        concat!(
            "SELECT m.applied_at, \
               (SELECT max(n.heartbeat_at) FROM node n WHERE n.started_at < m.applied_at) AS older_until \
             FROM schema_migration m WHERE m.name = '",
            $migration,
            "'"
        )
    };
}
/// A performance's start ends its sale.
const STARTS_END_SINCE: &str = known_since!("installation");
/// What operators do with a sale is in their log.
const LOGGED_SINCE: &str = known_since!("operator_log");
/// A user has so many seats of a sale and no more.
const USERS_LIMITED_SINCE: &str = known_since!("concert_own_rules");

const TOKEN_SECRET: &str = "SELECT token_secret FROM concert WHERE concert_id = ?";

/// Rows of concerts that do not exist would be seen by no sale's audit.
const STRAYS: [(&str, &str); 11] = {
    macro_rules! strays {
        ($table:literal) => {
            (
                $table,
                concat!(
                    "SELECT DISTINCT concert_id FROM ",
                    $table,
                    " WHERE concert_id NOT IN (SELECT concert_id FROM concert)"
                ),
            )
        };
    }
    [
        strays!("concert_schedule"),
        strays!("venue_layout"),
        strays!("concert_seat"),
        strays!("queue"),
        strays!("reservation"),
        strays!("reservation_seat"),
        strays!("payment"),
        strays!("ticket"),
        strays!("journal"),
        strays!("operator_log"),
        strays!("applied"),
    ]
};

/// Gives every row that a query finds; `concert` is its one parameter, if it has one.
async fn each<L: Link>(
    source: &mut L,
    sql: &'static str,
    concert: Option<ConcertId>,
    take: &mut Take<'_, L::Row>,
) -> Result<(), StoreError> {
    let mut values = L::Values::default();
    if let Some(concert) = concert {
        values.id(concert.0.into());
    }
    source.each(sql.into_sql_str(), values, take).await
}

/// Looks at everything in the store.
pub async fn run(source: &mut impl Link, archive: Option<&Archive>) -> Result<AuditReport, StoreError> {
    let mut findings = Findings::default();
    let mut wallets = Wallets::default();
    let mut concerts = Vec::new();
    let mut taken_away = Vec::new();
    each(source, CONCERTS, None, &mut |row| {
        let concert = ConcertId(row.number("concert_id")?);
        match (row.opt_int("rehearsal_of")?, row.opt_time("archived_at")?) {
            (Some(of), Some(_)) => {
                findings.fault(format!(
                    "concert {concert} is a rehearsal of concert {of} that is being made or taken away: a server is at \
                     it, or does the rest when it starts"
                ));
                taken_away.push(concert);
            }
            (Some(_), None) => {
                findings.saw("rehearsals");
                concerts.push(concert);
            }
            (None, _) => {
                findings.saw("concerts");
                concerts.push(concert);
            }
        }
        Ok(())
    })
    .await?;
    let mut left_out = HashSet::new();
    for rehearsal in taken_away {
        let mut values = values_of(source);
        values.text(Some(&issuer_of(rehearsal)));
        let take: &mut Take<'_, _> = &mut |row| {
            left_out.insert(UserId(Cells::number(row, "user_id")?));
            Ok(())
        };
        source.each(BUYERS.into_sql_str(), values, take).await?;
    }
    each(source, USERS, None, &mut |row| {
        findings.saw("users");
        let user =
            (|| Ok((UserId(row.number("user_id")?), row.int("balance")?, row.number("ledger_entries")?)))();
        if let Some((user, balance, entries)) = findings.read("users", user)
            && !left_out.contains(&user)
        {
            wallets.user(user, balance, entries, &mut findings);
        }
        Ok(())
    })
    .await?;
    each(source, LEDGER, None, &mut |row| {
        findings.saw("ledger entries");
        let entry = (|| Ok((read_ledger(row)?, row.number("entry_no")?)))();
        if let Some((entry, number)) = findings.read("payment_history", entry)
            && !left_out.contains(&entry.user)
        {
            wallets.entry(entry, number, &mut findings);
        }
        Ok(())
    })
    .await?;
    wallets.balance(&mut findings);

    let rules = Rules {
        starts_end_since: known_since(source, STARTS_END_SINCE).await?,
        users_limited_since: known_since(source, USERS_LIMITED_SINCE).await?,
        logged_since: known_since(source, LOGGED_SINCE).await?,
    };
    for concert in concerts {
        audit_sale(source, concert, archive, rules, &mut wallets, &mut findings).await?;
    }
    wallets.conclude(&mut findings);

    for (table, sql) in STRAYS {
        each(source, sql, None, &mut |row| {
            let concert = row.int("concert_id")?;
            findings.fault(format!("{table} has rows of concert {concert}, which does not exist"));
            Ok(())
        })
        .await?;
    }
    each(source, STRAY_BUYERS, None, &mut |row| {
        let user = row.int("user_id")?;
        findings.fault(format!("user {user} is left over from a rehearsal"));
        Ok(())
    })
    .await?;
    Ok(findings.report())
}

/// No values yet, for a query of this source.
fn values_of<L: Link>(_: &L) -> L::Values {
    L::Values::default()
}

/// The times since which rules are obeyed that are younger than the first of the rows.
#[derive(Clone, Copy)]
struct Rules {
    starts_end_since: Option<Timestamp>,
    users_limited_since: Option<Timestamp>,
    logged_since: Option<Timestamp>,
}

async fn known_since(
    source: &mut impl Link,
    question: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    let mut since = None;
    each(source, question, None, &mut |row| {
        let older = row.opt_time("older_until")?.map(|alive| alive + limits::LEASE);
        since = Some(row.time("applied_at")?).max(older);
        Ok(())
    })
    .await?;
    Ok(since)
}

async fn audit_sale(
    source: &mut impl Link,
    concert: ConcertId,
    archive: Option<&Archive>,
    rules: Rules,
    wallets: &mut Wallets,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let of = Some(concert);
    let mut layout = None;
    each(source, LAYOUT, of, &mut |row| {
        let read = (|| Ok((read_layout(row)?, row.number("seats")?)))();
        layout = findings.read("venue_layout", read);
        Ok(())
    })
    .await?;
    let Some((layout, seats)) = layout else {
        findings.fault(format!("{}: there is no layout to compare with", sale_name(concert)));
        return Ok(());
    };
    let mut tail = Tail::read(source, concert, findings).await?;
    let mut token_secret = None;
    each(source, TOKEN_SECRET, of, &mut |row| {
        token_secret = findings.read("concert", read_token_secret(row)).flatten();
        Ok(())
    })
    .await?;
    let mut sale = SaleAudit::new(concert, token_secret, &layout, seats, findings);
    sale.users_limited_since(rules.users_limited_since);
    each(source, SCHEDULES, of, &mut |row| {
        let schedule = ScheduleId(row.number("schedule_id")?);
        let of = (|| {
            let word = row.text("state")?;
            let state = known(words::schedule_state_of(word), word)?;
            Ok((row.time("starts_at")?, state, row.opt_text("reason")?.map(Box::from)))
        })();
        let prices = row.opt_text("prices")?.map_or(Ok(Vec::new()), |text| read_own_prices(text, &layout));
        let prices = findings.read("concert_schedule", prices).unwrap_or_default();
        if let Some((starts_at, state, reason)) = findings.read("concert_schedule", of) {
            sale.schedule(schedule, StoredSchedule { starts_at, state, reason, prices });
        }
        Ok(())
    })
    .await?;
    each(source, SETTINGS, of, &mut |row| {
        if let Some(settings) = findings.read("concert", read_settings(row)) {
            sale.own_rules(settings.own);
        }
        let texts = (|| {
            let about = row.opt_text("about")?.map(Box::from);
            Ok(Texts { title: row.text("title")?.into(), about })
        })();
        if let Some(texts) = findings.read("concert", texts) {
            sale.texts(texts);
        }
        sale.archived(findings.read("concert", row.opt_time("archived_at")).flatten());
        Ok(())
    })
    .await?;
    each(source, REPAIRS, of, &mut |row| {
        let read = |text| serde_json::from_str(text).ok().and_then(|was| journal::repaired_events_of(&was));
        let left_out = row.opt_text("was")?.and_then(read);
        let left_out = left_out.ok_or_else(|| StoreError::broken("a repair does not say of what"));
        if let Some((seq, events)) = findings.read("operator_log", left_out) {
            events.into_iter().for_each(|nr| sale.leave_out((seq, nr)));
        }
        Ok(())
    })
    .await?;
    // The journal is read first, so that every row is compared with it.
    let archived = archive.map_or(Ok(0), |archive| {
        archive.each(concert, 0, &mut |row| {
            findings.saw("journal rows");
            sale.journal(row.seq, row.at, &row.events, findings);
            Ok(())
        })
    });
    let archived = archived.unwrap_or_else(|error| {
        findings.fault(format!("{}: the archive cannot be read: {error}", sale_name(concert)));
        0
    });
    each(source, JOURNAL, of, &mut |row| {
        let seq = row.number("seq")?;
        // A run of the archive that was broken off leaves rows in both places.
        if seq >= archived {
            findings.saw("journal rows");
            sale.journal(seq, row.time("at")?, row.text("events")?, findings);
        }
        Ok(())
    })
    .await?;
    each(source, LOG, of, &mut |row| {
        findings.saw("log lines");
        if let Some((id, place, line)) = findings.read("operator_log", log::read(row)) {
            sale.log(id, place, &line, findings);
        }
        Ok(())
    })
    .await?;
    each(source, SEATS, of, &mut |row| {
        findings.saw("seats");
        let seat = (|| Ok((read_seat(row)?, row.text("label")?, row.text("category")?, row.int("price")?)))();
        if let Some((seat, label, category, price)) = findings.read("concert_seat", seat) {
            sale.seat(tail.seat(seat), label, category, price, findings);
        }
        Ok(())
    })
    .await?;
    each(source, TOKENS, of, &mut |row| {
        findings.saw("tokens");
        if let Some(token) = findings.read("queue", read_token(row)) {
            sale.token(tail.token(token), findings);
        }
        Ok(())
    })
    .await?;
    for token in std::mem::take(&mut tail.tokens).into_values() {
        findings.saw("tokens");
        sale.token(token, findings);
    }
    each(source, RESERVATIONS, of, &mut |row| {
        findings.saw("reservations");
        if let Some(reservation) = findings.read("reservation", read_reservation(row)) {
            sale.reservation(tail.reservation(reservation), findings);
        }
        Ok(())
    })
    .await?;
    for reservation in std::mem::take(&mut tail.reservations).into_values() {
        findings.saw("reservations");
        sale.reservation(reservation, findings);
    }
    each(source, RESERVATION_SEATS, of, &mut |row| {
        let (id, schedule) =
            (ReservationId(row.uuid("reservation_id")?), ScheduleId(row.number("schedule_id")?));
        let seat = SeatId(row.number("seat")?);
        if !tail.takes_seat((id, schedule, seat)) {
            sale.reservation_seat(id, schedule, seat, findings);
        }
        Ok(())
    })
    .await?;
    for (id, schedule, seat) in std::mem::take(&mut tail.reservation_seats) {
        sale.reservation_seat(id, schedule, seat, findings);
    }
    each(source, PAYMENTS, of, &mut |row| {
        findings.saw("payments");
        let payment = (|| Ok((read_payment(row)?, row.opt_time("cancelled_at")?)))();
        if let Some((payment, cancelled_at)) = findings.read("payment", payment) {
            sale.payment(payment, cancelled_at.is_some(), findings);
        }
        Ok(())
    })
    .await?;
    each(source, TICKETS, of, &mut |row| {
        findings.saw("tickets");
        let ticket = (|| {
            let payment = PaymentId(row.uuid("payment_id")?);
            let (reservation, user) =
                (ReservationId(row.uuid("reservation_id")?), UserId(row.number("user_id")?));
            Ok((read_ticket(row)?, payment, reservation, user))
        })();
        if let Some((ticket, payment, reservation, user)) = findings.read("ticket", ticket) {
            sale.ticket(&ticket, payment, reservation, user, findings);
        }
        Ok(())
    })
    .await?;
    sale.conclude(rules, wallets, findings);
    Ok(())
}

/// A seat as operators name it: `SCHEDULE:SEAT`.
fn seat_name((schedule, seat): (ScheduleId, SeatId)) -> String {
    format!("seat {schedule}:{seat}")
}

fn sale_name(concert: ConcertId) -> String {
    format!("sale {concert}")
}

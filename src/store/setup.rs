//! The things that have to be there before anything is sold: concerts, users, and the currency of their wallets.

use async_trait::async_trait;
use sqlx::SqlSafeStr;
use uuid::Uuid;

use super::backend::{Backend, again, begin, commit};
use super::batch::{self, Expect, statements};
use super::columns::{Bind, Cells, NewSeat, bind_new_seat, new_seats, pack_layout};
use super::query::{self, Link};
use super::settings::bind_settings;
use super::{NewConcert, NewUser, StoreError, WalletCurrency, journal, random_id};
use crate::domain::ids::{ConcertId, IdSource, ScheduleId, UserId};
use crate::domain::time::Timestamp;
use crate::limits::SUBJECT_BYTES_MAX;

/// Everything that is made beside the sales.
#[async_trait]
pub trait Setup: Send + Sync + 'static {
    /// Stores a concert with its schedules and seats, whole or not at all. The first one's currency is that of the wallets;
    /// `StoreError::OtherCurrency` refuses a later one in another, and `StoreError::AlreadyThere` one that is there already.
    async fn add_concert(&self, concert: NewConcert) -> Result<(ConcertId, Vec<ScheduleId>), StoreError>;

    /// The same, unless there is a concert already: `false`. Of any number of servers at it at once, one makes it.
    async fn add_first_concert(&self, concert: NewConcert) -> Result<bool, StoreError>;

    /// Makes another performance of a concert ready, seat by seat, of which nobody knows anything until its sale has it
    /// (`Event::ScheduleAdded`), and writes at most so many seats of it now. Asked again, it goes on with the same one, also
    /// with what was broken off, unless that was given up (`Unfinished`).
    async fn prepare_schedule(
        &self,
        concert: ConcertId,
        starts_at: Timestamp,
        seats_max: usize,
    ) -> Result<Prepared, StoreError>;

    /// The currency of wallets. Where older concerts are in several, the first one's is written down.
    async fn wallet_currency(&self) -> Result<WalletCurrency, StoreError>;

    /// From the next start on, wallets are in this currency, and only concerts in it are sold.
    async fn decide_currency(&self, currency: &str, now: Timestamp) -> Result<(), StoreError>;

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

    /// The user of an external issuer, made at first use; the same (issuer, subject) always gives the same user.
    async fn user_of_subject(
        &self,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<UserId, StoreError>;

    /// The user of one order at the desk, made at first use with this name; the same request of the same sale always gives the
    /// same user. Nobody can say that they are this user.
    async fn user_at_desk(
        &self,
        concert: ConcertId,
        request: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<UserId, StoreError>;
}

/// The issuer of users who are made for one order at the desk. No issuer of tokens is called so: it is no address.
pub const DESK: &str = "frontrow:desk";
/// A request of a sale, as the subject of its user.
pub fn desk_subject(concert: ConcertId, request: &str) -> String {
    format!("{concert}/{request}")
}

/// A performance that is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    pub schedule: ScheduleId,
    /// It has all of its seats.
    pub is_whole: bool,
}

/// Users made in one transaction: a few milliseconds in which an embedded database commits no batch.
const USERS_PER_TRANSACTION: usize = 1_000;
/// The characters of an external subject that become a user's name, at most: a name may have so many.
pub const NAME_CHARS_MAX: usize = 200;

const LAYOUT: &str = "INSERT INTO venue_layout (concert_id, seats, layout) VALUES (?, ?, ?)";
const SCHEDULE: &str = "INSERT INTO concert_schedule (concert_id, starts_at) VALUES (?, ?)";
/// Seats of a performance written in one transaction: a few milliseconds in which an embedded database commits no batch.
const SEATS_PER_TRANSACTION: usize = 1_000;

pub const UNFINISHED: &str = "SELECT schedule_id FROM concert_schedule \
     WHERE concert_id = ? AND starts_at = ? AND state = 'ADDING' AND reason IS NULL ORDER BY schedule_id LIMIT 1";
const UNFINISHED_SCHEDULE: &str =
    "INSERT INTO concert_schedule (concert_id, starts_at, state) VALUES (?, ?, 'ADDING')";
/// Locks the row of a performance that is being made, so that nobody takes it away meanwhile.
pub const STILL_ADDING: &str = "UPDATE concert_schedule SET state = 'ADDING' WHERE schedule_id = ? AND state = 'ADDING' AND reason IS NULL";
pub const LAST_SEAT: &str =
    "SELECT max(seat) AS seat FROM concert_seat WHERE concert_id = ? AND schedule_id = ?";
const FIRST_ROW: &str =
    "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events, form) VALUES (?, 0, ?, ?, ?, ?, 1)";
const ABOUT: &str = "UPDATE concert SET about = ? WHERE concert_id = ?";
const USER: &str =
    "INSERT INTO users (name, balance, ledger_entries, created_at, vouched) VALUES (?, ?, ?, ?, ?)";
const FIRST_ENTRY: &str = "INSERT INTO payment_history \
       (user_id, entry_no, history_id, type, amount_change, balance, at) \
     VALUES (?, 1, ?, 'CHARGE', ?, ?, ?)";

#[async_trait]
impl<B: Backend> Setup for B {
    async fn add_concert(&self, new: NewConcert) -> Result<(ConcertId, Vec<ScheduleId>), StoreError> {
        let add = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let added = add_concert(&mut *change, &new, None).await?;
            commit::<B>(change).await?;
            Ok(added)
        };
        again(add).await?.ok_or_else(|| StoreError::broken("a new concert has the id of another one"))
    }

    async fn add_first_concert(&self, new: NewConcert) -> Result<bool, StoreError> {
        let add = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let is_first = query::concerts(&mut *change).await?.is_empty()
                && add_concert(&mut *change, &new, Some(FIRST)).await?.is_some();
            commit::<B>(change).await?;
            Ok(is_first)
        };
        again(add).await
    }

    async fn prepare_schedule(
        &self,
        concert: ConcertId,
        starts_at: Timestamp,
        seats_max: usize,
    ) -> Result<Prepared, StoreError> {
        let layout = query::layout_of(&mut *self.reader().await?, concert).await?;
        let seats = new_seats(&layout, &[]);
        let begun = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let schedule = unfinished_schedule(&mut *change, concert, starts_at).await?;
            commit::<B>(change).await?;
            Ok(schedule)
        };
        let schedule = again(begun).await?;
        let mut written = 0;
        loop {
            // Others get their turn between transactions: sales go on meanwhile.
            let more = || async {
                let mut held = self.hold().await?;
                let mut change = begin::<B>(&mut held).await?;
                let link = &mut *change;
                if query::run(link, STILL_ADDING, |to| to.id(schedule.0)).await?.rows == 0 {
                    let what = format!("the making of performance {schedule} was given up meanwhile");
                    return Err(StoreError::broken(what));
                }
                let row =
                    query::one(link, LAST_SEAT, query::numbers(&[concert.0.into(), schedule.0])).await?;
                let last = row.map(|row| row.opt_int("seat")).transpose()?.flatten();
                let from = last.and_then(|last| usize::try_from(last).ok()).map_or(0, |last| last + 1);
                let some = seats.get(from..).unwrap_or_default();
                let most = SEATS_PER_TRANSACTION.min(seats_max - written);
                let some = &some[..some.len().min(most)];
                let bind =
                    |to: &mut <B::Link as Link>::Values, seat: &_| bind_new_seat(to, concert, schedule, seat);
                let dialect = B::Link::DIALECT;
                let rows = statements::<B::Link, _>(
                    "concert_seat",
                    &dialect.new_seats,
                    some,
                    Expect::Anything,
                    bind,
                );
                batch::write(link, rows).await?;
                commit::<B>(change).await?;
                Ok((some.len(), from + some.len() == seats.len()))
            };
            let (more, is_whole) = again(more).await?;
            written += more;
            if is_whole || written >= seats_max {
                return Ok(Prepared { schedule, is_whole });
            }
        }
    }

    async fn wallet_currency(&self) -> Result<WalletCurrency, StoreError> {
        let known = query::wallet_currency(&mut *self.reader().await?).await?;
        let (None, Some(first)) = (&known.code, known.others.first()) else { return Ok(known) };
        let write_down = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            first_currency(&mut *change, first).await?;
            let known = query::wallet_currency(&mut *change).await?;
            commit::<B>(change).await?;
            Ok(known)
        };
        again(write_down).await
    }

    async fn decide_currency(&self, currency: &str, now: Timestamp) -> Result<(), StoreError> {
        let decide = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            query::run(&mut *change, B::Link::DIALECT.decided_currency, |to| {
                to.text(Some(currency));
                to.time(Some(now));
            })
            .await?;
            commit::<B>(change).await
        };
        again(decide).await
    }

    async fn add_user(&self, new: NewUser) -> Result<UserId, StoreError> {
        let made = self.add_users(new, 1).await?;
        made.first().copied().ok_or_else(|| StoreError::broken("no user was made"))
    }

    async fn add_users(&self, new: NewUser, count: u32) -> Result<Vec<UserId>, StoreError> {
        let mut made = Vec::with_capacity(count as usize);
        while made.len() < count as usize {
            // Others get their turn between transactions: a server may be at work with the same database.
            let some = USERS_PER_TRANSACTION.min(count as usize - made.len());
            let add = || async {
                let (mut added, mut ids) = (Vec::with_capacity(some), IdSource::from_os());
                let mut held = self.hold().await?;
                let mut change = begin::<B>(&mut held).await?;
                for _ in 0..some {
                    added.push(add_user(&mut *change, &new, &mut ids).await?);
                }
                commit::<B>(change).await?;
                Ok(added)
            };
            made.append(&mut again(add).await?);
        }
        Ok(made)
    }

    async fn user_of_subject(
        &self,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<UserId, StoreError> {
        user_of(self, (issuer, subject), subject, now).await
    }

    async fn user_at_desk(
        &self,
        concert: ConcertId,
        request: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<UserId, StoreError> {
        user_of(self, (DESK, &desk_subject(concert, request)), name, now).await
    }
}

/// The user of this issuer and subject, made at first use with this name.
async fn user_of<B: Backend>(
    store: &B,
    (issuer, subject): (&str, &str),
    name: &str,
    now: Timestamp,
) -> Result<UserId, StoreError> {
    if issuer.len() > SUBJECT_BYTES_MAX || subject.len() > SUBJECT_BYTES_MAX {
        return Err(StoreError::broken(format!(
            "an issuer or a subject has more than {SUBJECT_BYTES_MAX} bytes"
        )));
    }
    if let Some(user) = query::user_of_subject(&mut *store.reader().await?, issuer, subject).await? {
        return Ok(user);
    }
    let add = || async {
        let mut held = store.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        // Somebody else may make the same user at this moment; then theirs is the one.
        query::run(&mut *change, B::Link::DIALECT.new_subject, |to| {
            to.text(Some(&name.chars().take(NAME_CHARS_MAX).collect::<String>()));
            to.text(Some(issuer));
            to.text(Some(subject));
            to.time(Some(now));
        })
        .await?;
        let found = query::user_of_subject(&mut *change, issuer, subject).await?;
        commit::<B>(change).await?;
        Ok(found)
    };
    again(add).await?.ok_or_else(|| StoreError::broken("a user who was just made is not there"))
}

/// The performance with this start that is being made, or one that is begun now.
async fn unfinished_schedule<L: Link>(
    link: &mut L,
    concert: ConcertId,
    starts_at: Timestamp,
) -> Result<ScheduleId, StoreError> {
    let bind = |to: &mut L::Values| {
        to.id(concert.0.into());
        to.time(Some(starts_at));
    };
    let mut values = L::Values::default();
    bind(&mut values);
    if let Some(row) = query::one(link, UNFINISHED, values).await? {
        return row.number("schedule_id").map(ScheduleId);
    }
    Ok(ScheduleId(query::run(link, UNFINISHED_SCHEDULE, bind).await?.last_id))
}

/// The id that a concert gets which is to be the only one. Who looks sees nothing of what others are about to commit, and
/// a lock may be one node's own; of two rows with the same key every database lets only one in.
const FIRST: ConcertId = ConcertId(1);

/// The turn that those who announce a concert take one after the other.
const ANNOUNCE: &str = "announce";

/// Whoever announces the same concert at the same moment waits here, or is lost to whoever commits first, also at another node
/// of a cluster: both write this row, and write something else. Then each sees what the other one made. So nothing may have
/// been read in this transaction before.
async fn take_turn<L: Link>(link: &mut L, now: Timestamp) -> Result<(), StoreError> {
    query::run(link, L::DIALECT.turn, |to| {
        to.text(Some(ANNOUNCE));
        to.uuid(Some(random_id()));
        to.time(Some(now));
    })
    .await?;
    Ok(())
}

/// `None`: there is a concert with this id.
pub(super) async fn add_concert<L: Link>(
    link: &mut L,
    new: &NewConcert,
    id: Option<ConcertId>,
) -> Result<Option<(ConcertId, Vec<ScheduleId>)>, StoreError> {
    let Some((concert, schedules)) = add_without_seats(link, new, id).await? else { return Ok(None) };
    let seats = new_seats(&new.layout, &new.restricted);
    for schedule in &schedules {
        add_seats(link, concert, *schedule, &seats).await?;
    }
    Ok(Some((concert, schedules)))
}

/// Writes some seats of a performance that were not there.
pub(super) async fn add_seats<L: Link>(
    link: &mut L,
    concert: ConcertId,
    schedule: ScheduleId,
    seats: &[NewSeat<'_>],
) -> Result<(), StoreError> {
    let bind = |to: &mut L::Values, seat: &_| bind_new_seat(to, concert, schedule, seat);
    let rows = statements::<L, _>("concert_seat", &L::DIALECT.new_seats, seats, Expect::Anything, bind);
    batch::write(link, rows).await
}

/// The concert with its performances, whose seats are to follow. `None`: there is a concert with this id.
pub(super) async fn add_without_seats<L: Link>(
    link: &mut L,
    new: &NewConcert,
    id: Option<ConcertId>,
) -> Result<Option<(ConcertId, Vec<ScheduleId>)>, StoreError> {
    let layout = pack_layout(&new.layout)?;
    let seats = new.layout.seat_count();

    if !new.again {
        take_turn(link, new.at).await?;
        if let Some(concert) = query::same_concert(link, new, &layout).await? {
            return Err(StoreError::AlreadyThere { concert });
        }
    }
    first_currency(link, &new.currency).await?;
    let wallets = query::wallet_currency(link).await?.code.unwrap_or_default();
    if wallets != new.currency {
        return Err(StoreError::OtherCurrency { wallets, concert: new.currency.clone() });
    }

    let mut row = L::Values::default();
    row.int(id.map(|id| id.0.into()));
    row.text(Some(&new.title));
    row.text(Some(&new.layout.name));
    row.text(Some(&new.currency));
    bind_settings(&mut row, &new.settings);
    row.text(new.time_zone.as_deref());
    row.time(Some(new.at));
    let added = link.run_unless_there(L::DIALECT.new_concert.into_sql_str(), row).await?;
    let Some(added) = added else { return Ok(None) };
    let given = || u32::try_from(added.last_id).map_err(|error| StoreError::Broken(error.into()));
    let concert = id.map_or_else(|| given().map(ConcertId), Ok)?;

    if let Some(about) = &new.about {
        query::run(link, ABOUT, |to| {
            to.text(Some(about));
            to.id(concert.0.into());
        })
        .await?;
    }
    query::run(link, LAYOUT, |to| {
        to.id(concert.0.into());
        to.id(seats as u64);
        to.bytes(&layout);
    })
    .await?;
    let mut schedules = Vec::with_capacity(new.starts_at.len());
    for starts_at in &new.starts_at {
        let added = query::run(link, SCHEDULE, |to| {
            to.id(concert.0.into());
            to.time(Some(*starts_at));
        });
        schedules.push(ScheduleId(added.await?.last_id));
    }
    let seats = u32::try_from(seats).map_err(|error| StoreError::Broken(error.into()))?;
    let begun: Vec<_> = schedules.iter().map(|schedule| (*schedule, seats)).collect();
    query::run(link, FIRST_ROW, |to| {
        to.id(concert.0.into());
        to.uuid(Some(random_id()));
        to.uuid(Some(Uuid::nil()));
        to.time(Some(new.at));
        to.text(Some(&journal::new_concert(&begun, &new.settings, &new.restricted)));
    })
    .await?;
    Ok(Some((concert, schedules)))
}

/// Writes the currency down, unless it is known already: a database from before has concerts, and the first of them
/// says it.
async fn first_currency<L: Link>(link: &mut L, currency: &str) -> Result<(), StoreError> {
    query::run(link, L::DIALECT.first_currency, |to| to.text(Some(currency))).await?;
    Ok(())
}

async fn add_user<L: Link>(link: &mut L, new: &NewUser, ids: &mut IdSource) -> Result<UserId, StoreError> {
    let added = query::run(link, USER, |to| {
        to.text(Some(&new.name));
        to.int(Some(new.balance));
        to.int(Some(i64::from(new.balance > 0)));
        to.time(Some(new.at));
        to.int(Some(i64::from(!new.guest)));
    });
    let user = added.await?.last_id;
    if new.balance > 0 {
        query::run(link, FIRST_ENTRY, |to| {
            to.id(user);
            to.uuid(Some(ids.history(new.at).0));
            to.int(Some(new.balance));
            to.int(Some(new.balance));
            to.time(Some(new.at));
        })
        .await?;
    }
    Ok(UserId(user))
}

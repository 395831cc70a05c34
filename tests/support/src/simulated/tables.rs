//! The rows of a simulated database, as maps. A batch is written whole or not at all, and the constraints that a
//! real schema has are checked before. Ordered maps throughout, so that a simulation replays to the letter.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use frontrow::clock::Clock;
use frontrow::domain::command::{EndedFacts, Needs};
use frontrow::domain::concert::Texts;
use frontrow::domain::event::Event;
use frontrow::domain::ids::{
    ConcertId, EntryNo, HistoryId, IdSource, NodeNo, ReservationId, ScheduleId, SeatId, UserId,
};
use frontrow::domain::lapses::REMEMBERED;
use frontrow::domain::membership::{About, Member, MemberState};
use frontrow::domain::record::{
    LedgerEntry, LedgerKind, Payment, PaymentStatus, Reservation, ReservationStatus, ScheduleState, Takings,
    Ticket, TokenRecord, TokenStatus,
};
use frontrow::domain::rules::SaleSettings;
use frontrow::domain::seat_plan::Money;
use frontrow::domain::time::Timestamp;
use frontrow::domain::token_secret::TokenSecret;
use frontrow::domain::wallet::Wallets;
use frontrow::limits::{
    CANCELLED_TICKETS_LISTED_MAX, LEASE, RESERVATIONS_LISTED_MAX, RUNS_AFTER_START, TICKETS_LISTED_MAX,
};
use frontrow::store::fold::{Base, BaseSchedule, FoldedSale, FoldedSchedule, Touched, ends_of};
use frontrow::store::journal::{Entry, LastTouched};
use frontrow::store::rows::{Became, LedgerRow, Rows, ScheduleRow, SeatChange, SeatRow, WalletRow};
use frontrow::store::{
    AuditReport, Batch, Behind, Claimed, CommitError, ConcertRecord, DESK, End, Ends, Facts, Following,
    Holder, JournalPosition, JournalRow, LoadedCopy, LoadedSale, LoadedSchedule, Missed, NewConcert, NewUser,
    OrderToRefund, SaleBatch, ScheduleRecord, SeatStatus, StoreError, StoredTicket, SweepPage, SweepRows,
    UserRecord, WalletCurrency, WriterId, desk_subject, journal, random_id,
};
use frontrow::venue::layout::VenueLayout;
use uuid::Uuid;

/// The number of sales of which a user's newest tokens are listed.
const LAST_TOKENS_MAX: usize = 100;

#[derive(Clone, Default)]
pub(super) struct Tables {
    users: BTreeMap<UserId, User>,
    subjects: BTreeMap<(String, String), UserId>,
    concerts: BTreeMap<ConcertId, Concert>,
    /// The currency as the operator decided; without that it is the first concert's.
    currency: Option<String>,
    schedules: BTreeMap<ScheduleId, ConcertId>,
    /// Those that are not available.
    seats: BTreeMap<(ScheduleId, SeatId), (SeatStatus, ReservationId)>,
    /// The reservations without their payments, which have a table of their own.
    reservations: BTreeMap<ReservationId, Reservation>,
    /// The payments with their tickets, which are void when it is cancelled.
    payments: BTreeMap<ReservationId, Payment>,
    members: BTreeMap<NodeNo, Member>,
    /// What the database's machine goes by: the right time.
    pub clock: Option<Clock>,
    /// What was found wrong when it came about.
    faults: Vec<String>,
}

#[derive(Clone)]
struct User {
    name: String,
    balance: Money,
    guest: bool,
    ledger: Vec<LedgerEntry>,
}

#[derive(Clone)]
struct Concert {
    record: ConcertRecord,
    /// The settings with which it was stored.
    begun: SaleSettings,
    /// The seats of each schedule that the house kept then.
    restricted: Vec<SeatId>,
    settings: SaleSettings,
    layout: Arc<VenueLayout>,
    schedules: Vec<ScheduleRecord>,
    /// The prices of categories that do not cost what the layout says.
    prices: BTreeMap<ScheduleId, Vec<(u16, Money)>>,
    /// Why performances were moved or called off.
    reasons: BTreeMap<ScheduleId, Arc<str>>,
    /// Since when everything is over.
    archived: Option<Timestamp>,
    /// Performances that are being made, which no sale has yet.
    preparing: BTreeMap<ScheduleId, Timestamp>,
    /// Performances that were not there from the beginning.
    added: BTreeSet<ScheduleId>,
    outages: Duration,
    token_secret: Option<TokenSecret>,
    writer: Option<WriterId>,
    heartbeat_at: Option<Timestamp>,
    epoch: u64,
    moves_to: Option<NodeNo>,
    /// When its writer was heard of last, by the right time.
    heard_at: Timestamp,
    journal: Vec<KeptRow>,
    /// The last row of the journal that its other tables have, and who may change them; `None`: it was never claimed.
    applied: Option<(u64, WriterId)>,
    tokens: BTreeMap<EntryNo, TokenRecord>,
    live: BTreeMap<UserId, EntryNo>,
    by_token: BTreeMap<Uuid, EntryNo>,
}

/// One row of a sale's journal; its place is its `seq`.
#[derive(Clone, Debug)]
pub struct KeptRow {
    pub batch: Uuid,
    pub writer: WriterId,
    /// UTC.
    pub at: Timestamp,
    pub kind: KeptKind,
    /// The sum of the sale's outages when it was written.
    pub outages: Duration,
}

#[derive(Clone, Debug)]
pub enum KeptKind {
    /// The concert was stored.
    New,
    /// A process became the writer.
    Claim {
        outage: Duration,
        /// For how long, by the right time, nothing had been heard of the process that it took the sale from. `None`: of nobody,
        /// of itself, of one that had stopped, or by somebody's word.
        silence: Option<Duration>,
    },
    /// A batch of unknown outcome can never appear here.
    Void,
    Events(Arc<[Event]>),
}

impl Tables {
    pub fn add_concert(&mut self, new: NewConcert) -> (ConcertId, Vec<ScheduleId>) {
        let id = ConcertId(self.concerts.len() as u32 + 1);
        let first = self.schedules.len() as u64 + 1;
        let schedules: Vec<_> = (first..)
            .zip(new.starts_at)
            .map(|(id, starts_at)| ScheduleRecord {
                id: ScheduleId(id),
                starts_at,
                state: ScheduleState::Planned,
            })
            .collect();
        self.schedules.extend(schedules.iter().map(|schedule| (schedule.id, id)));
        let kept = (SeatStatus::Reserved, ReservationId::house(id));
        for schedule in &schedules {
            self.seats.extend(new.restricted.iter().map(|seat| ((schedule.id, *seat), kept)));
        }
        let named = schedules.iter().map(|schedule| schedule.id).collect();
        let begin = KeptRow {
            batch: random_id(),
            writer: WriterId(Uuid::nil()),
            at: new.at,
            kind: KeptKind::New,
            outages: Duration::ZERO,
        };
        let concert = Concert {
            record: ConcertRecord {
                id,
                title: new.title,
                about: new.about.map(String::from),
                venue: new.layout.name.clone(),
                currency: new.currency,
                time_zone: new.time_zone,
                rehearsal_of: None,
            },
            begun: new.settings.clone(),
            restricted: new.restricted,
            settings: new.settings,
            layout: Arc::new(new.layout),
            prices: schedules.iter().map(|schedule| (schedule.id, Vec::new())).collect(),
            schedules,
            reasons: BTreeMap::new(),
            preparing: BTreeMap::new(),
            added: BTreeSet::new(),
            archived: None,
            outages: Duration::ZERO,
            token_secret: None,
            writer: None,
            heartbeat_at: None,
            epoch: 0,
            moves_to: None,
            heard_at: Timestamp::default(),
            journal: vec![begin],
            applied: None,
            tokens: BTreeMap::new(),
            live: BTreeMap::new(),
            by_token: BTreeMap::new(),
        };
        self.concerts.insert(id, concert);
        (id, named)
    }

    pub fn is_archived(&self, concert: ConcertId) -> bool {
        self.concerts.get(&concert).is_some_and(|sale| sale.archived.is_some())
    }

    /// The performance with this start that is being made, or one that is begun now.
    pub fn prepare_schedule(&mut self, concert: ConcertId, starts_at: Timestamp) -> Option<ScheduleId> {
        let next = ScheduleId(self.schedules.len() as u64 + 1);
        let sale = self.concerts.get_mut(&concert)?;
        let known = sale.preparing.iter().find(|(_, at)| **at == starts_at).map(|(id, _)| *id);
        let id = known.unwrap_or(next);
        sale.preparing.insert(id, starts_at);
        self.schedules.insert(id, concert);
        Some(id)
    }

    /// The concert that this one would only repeat.
    pub fn same_concert(&self, new: &NewConcert) -> Option<ConcertId> {
        let unpriced = |layout: &VenueLayout| {
            let mut layout = layout.clone();
            layout.categories.iter_mut().for_each(|category| category.price = 0);
            layout
        };
        let is_same = |concert: &&Concert| {
            concert.record.title == new.title
                && concert.schedules.iter().any(|schedule| new.starts_at.contains(&schedule.starts_at))
                && unpriced(&concert.layout) == unpriced(&new.layout)
        };
        let mut others = self.concerts.values().filter(|_| !new.again);
        others.find(is_same).map(|concert| concert.record.id)
    }

    pub fn has_concerts(&self) -> bool {
        !self.concerts.is_empty()
    }

    pub fn wallet_currency(&self) -> WalletCurrency {
        let currencies = || self.concerts.values().map(|concert| &concert.record.currency);
        let code = self.currency.as_ref().or_else(|| currencies().next()).cloned();
        let mut others: Vec<_> =
            currencies().filter(|other| Some(*other) != code.as_ref()).cloned().collect();
        others.dedup();
        WalletCurrency { code, decided: self.currency.is_some(), others }
    }

    pub fn is_served(&self, now: Timestamp) -> bool {
        let is_run = |concert: &Concert| {
            concert.writer.is_some() && concert.heartbeat_at.is_some_and(|at| at > now - LEASE)
        };
        self.concerts.values().any(is_run)
    }

    pub fn decide_currency(&mut self, currency: &str) {
        self.currency = Some(currency.to_owned());
    }

    pub fn add_user(&mut self, new: NewUser, ids: &mut IdSource) -> UserId {
        let id = UserId(self.users.len() as u64 + 1);
        let first = LedgerEntry {
            id: ids.history(new.at),
            user: id,
            kind: LedgerKind::Charge,
            amount_change: new.balance,
            balance: new.balance,
            at: new.at,
            payment: None,
            request_id: None,
        };
        let ledger = if new.balance > 0 { vec![first] } else { Vec::new() };
        self.users.insert(id, User { name: new.name, balance: new.balance, guest: new.guest, ledger });
        id
    }

    pub fn user_of_subject(
        &mut self,
        issuer: &str,
        subject: &str,
        at: Timestamp,
        ids: &mut IdSource,
    ) -> UserId {
        let key = (issuer.to_owned(), subject.to_owned());
        if let Some(known) = self.subjects.get(&key) {
            return *known;
        }
        self.add_subject(key, subject, at, ids)
    }

    fn add_subject(
        &mut self,
        key: (String, String),
        name: &str,
        at: Timestamp,
        ids: &mut IdSource,
    ) -> UserId {
        let user = self.add_user(NewUser { name: name.to_owned(), balance: 0, guest: false, at }, ids);
        self.subjects.insert(key, user);
        user
    }

    pub fn user_at_desk(
        &mut self,
        (concert, request): (ConcertId, &str),
        name: &str,
        at: Timestamp,
        ids: &mut IdSource,
    ) -> UserId {
        let key = (DESK.to_owned(), desk_subject(concert, request));
        match self.subjects.get(&key) {
            Some(known) => *known,
            None => self.add_subject(key, name, at, ids),
        }
    }

    pub fn user(&self, id: UserId) -> Option<UserRecord> {
        let user = self.users.get(&id)?;
        Some(UserRecord { id, name: user.name.clone(), balance: user.balance, guest: user.guest })
    }

    pub fn history(&self, user: UserId, before: Option<HistoryId>, limit: u32) -> Vec<LedgerEntry> {
        let Some(user) = self.users.get(&user) else { return Vec::new() };
        let end = match before {
            None => user.ledger.len(),
            Some(before) => user.ledger.iter().position(|entry| entry.id == before).unwrap_or(0),
        };
        user.ledger[..end].iter().rev().take(limit as usize).cloned().collect()
    }

    pub fn reservations_of(&self, user: UserId) -> Vec<Reservation> {
        let mut of: Vec<_> =
            self.reservations.values().filter(|r| r.user == user).map(|r| self.whole_of(r)).collect();
        of.sort_by_key(|r| std::cmp::Reverse((r.opened_at, r.id)));
        of.truncate(RESERVATIONS_LISTED_MAX as usize);
        of
    }

    /// A user's tickets, those that are valid or those that are void.
    pub fn tickets_of(&self, user: UserId, are_valid: bool) -> Vec<StoredTicket> {
        let asked = |payment: &&Payment| payment.user == user;
        let mut tickets = Vec::new();
        for payment in self.payments.values().filter(asked) {
            // Its reservation may follow later.
            let Some(concert) = payment.tickets.first().and_then(|of| self.schedules.get(&of.schedule))
            else {
                continue;
            };
            let concert = &self.concerts[concert];
            let listed = |ticket: &&Ticket| ticket.is_valid() == are_valid && ticket.moved_to.is_none();
            for ticket in payment.tickets.iter().filter(listed) {
                let seats = &concert.layout.seats;
                let index = ticket.seat.0 as usize;
                let category = &concert.layout.categories[usize::from(seats.category[index])];
                let schedule = concert.schedules.iter().find(|schedule| schedule.id == ticket.schedule);
                tickets.push(StoredTicket {
                    ticket: ticket.clone(),
                    reservation: payment.reservation,
                    concert: concert.record.id,
                    title: concert.record.title.clone(),
                    venue: concert.record.venue.clone(),
                    label: seats.label[index].clone(),
                    category: category.name.clone(),
                    price: ticket.price.unwrap_or(category.price),
                    starts_at: schedule.map(|schedule| schedule.starts_at).unwrap_or_default(),
                    time_zone: concert.record.time_zone.clone(),
                    payment: payment.id,
                    moved_from: ticket.moved_from.map(|from| seats.label[from.0 as usize].clone()),
                    state: schedule.map(|schedule| schedule.state).unwrap_or_default(),
                    reason: {
                        let of_all = concert.reasons.get(&ticket.schedule).map(|reason| reason.to_string());
                        let of_it = payment.refund_reason.as_deref().filter(|_| !are_valid);
                        of_it.map(str::to_owned).or(of_all)
                    },
                });
            }
        }
        tickets.sort_by_key(|ticket| std::cmp::Reverse(ticket.ticket.id));
        let listed_max = if are_valid { TICKETS_LISTED_MAX } else { CANCELLED_TICKETS_LISTED_MAX };
        tickets.truncate(listed_max as usize);
        tickets
    }

    pub fn last_tokens(&self, user: UserId) -> Vec<TokenRecord> {
        let newest = |concert: &Concert| concert.newest_of(user).cloned();
        let mut tokens: Vec<_> = self.concerts.values().filter_map(newest).collect();
        tokens.sort_by_key(|token| std::cmp::Reverse((token.entered_at, token.concert)));
        tokens.truncate(LAST_TOKENS_MAX);
        tokens
    }

    pub fn orders_to_refund(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        after: ReservationId,
        max: u32,
    ) -> Vec<OrderToRefund> {
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        let paid = self.reservations.range(behind).map(|(_, row)| row).filter(|row| {
            (row.concert, row.schedule, row.status) == (concert, schedule, ReservationStatus::Reserved)
        });
        let order = |row: &Reservation| {
            let payment = &self.payments[&row.id];
            OrderToRefund {
                id: row.id,
                user: row.user,
                source: payment.source,
                seats: row.seats.len() as u64,
                amount: payment.amount - payment.refunded,
            }
        };
        paid.map(order).take(max as usize).collect()
    }

    pub fn order(&self, id: ReservationId) -> Option<Reservation> {
        self.reservations.get(&id).map(|row| self.whole_of(row))
    }

    pub fn concerts_to_run(&self, now: Timestamp) -> Vec<ConcertId> {
        let is_left = |concert: &&Concert| {
            concert.schedules.iter().any(|schedule| {
                schedule.starts_at > now - RUNS_AFTER_START || schedule.state == ScheduleState::CalledOff
            }) || !concert.live.is_empty()
        };
        let is_run =
            |concert: &&Concert| concert.archived.is_none() && is_left(concert) || concert.is_behind();
        self.concerts.values().filter(is_run).map(|concert| concert.record.id).collect()
    }

    pub fn claim(
        &mut self,
        concert: ConcertId,
        writer: WriterId,
        now: Timestamp,
        expected: Option<Holder>,
    ) -> Result<Claimed, StoreError> {
        let right = self.right_time();
        let has_stopped = |of: WriterId| {
            let member = of.node().and_then(|node| self.members.get(&node));
            member.is_some_and(|member| member.state == MemberState::Stopped)
        };
        let sale = self.concerts.get(&concert).ok_or(StoreError::NoSuchConcert { concert })?;
        let taken_from = sale.writer.filter(|of| of.node() != writer.node() && !has_stopped(*of));
        let silence = taken_from.and(expected).map(|_| right.since(sale.heard_at));
        let sale = self.concerts.get_mut(&concert).ok_or(StoreError::NoSuchConcert { concert })?;
        let found = sale.holder();
        if expected.is_some_and(|expected| !expected.is_met_by(&found)) {
            return Err(StoreError::OtherHolder { concert, found });
        }
        // Nothing could stand still before it first ran.
        let heartbeat = sale.heartbeat_at;
        let outage = heartbeat.map_or(Duration::ZERO, |heartbeat| now.since(heartbeat));
        (sale.writer, sale.heartbeat_at) = (Some(writer), heartbeat.max(Some(now)));
        sale.moves_to = None;
        sale.outages += outage;
        // Known to all, as a life has to come out the same again.
        sale.token_secret.get_or_insert_with(|| TokenSecret::new([concert.0 as u8; TokenSecret::BYTES]));
        let before = sale.journal_end().seq;
        sale.add_row(random_id(), writer, now, KeptKind::Claim { outage, silence });
        sale.heard_at = right;
        let at = match sale.applied {
            Some((at, _)) if at < before => at,
            _ => before + 1,
        };
        sale.applied = Some((at, writer));
        sale.epoch = before + 1;
        Ok(Claimed { epoch: sale.epoch, before: heartbeat })
    }

    fn right_time(&self) -> Timestamp {
        self.clock.as_ref().map_or(Timestamp::default(), Clock::utc)
    }

    pub fn holder(&self, concert: ConcertId) -> Result<Holder, StoreError> {
        self.concerts.get(&concert).map(Concert::holder).ok_or(StoreError::NoSuchConcert { concert })
    }

    pub fn holders(&self) -> Vec<(ConcertId, Holder)> {
        let listed = |sale: &&Concert| sale.writer.is_some() || sale.archived.is_none();
        self.concerts.values().filter(listed).map(|sale| (sale.record.id, sale.holder())).collect()
    }

    pub fn enter_member(&mut self, member: &Member) -> bool {
        let is_new = !self.members.contains_key(&member.node);
        if is_new {
            self.members.insert(member.node, member.clone());
        }
        is_new
    }

    pub fn join_members(&mut self, about: &About) -> NodeNo {
        let last = self.members.last_key_value().map_or(0, |(node, _)| node.0);
        let node = NodeNo(last + 1);
        let (about, state) = (about.clone(), MemberState::Up);
        self.enter_member(&Member { node, about, beat: 0, state, sales: 0, hears: 0, is_to_drain: false });
        node
    }

    pub fn beat_member(&mut self, node: NodeNo, state: MemberState, sales: u32, hears: u32) -> bool {
        let member = self.members.get_mut(&node).filter(|member| member.state != MemberState::Stopped);
        let Some(member) = member else { return false };
        (member.beat, member.state) = (member.beat + 1, state);
        (member.sales, member.hears) = (sales, hears);
        true
    }

    pub fn wish_drain(&mut self, node: NodeNo, is_to_drain: bool) -> bool {
        let member = self.members.get_mut(&node).filter(|member| member.state != MemberState::Stopped);
        let Some(member) = member else { return false };
        member.is_to_drain = is_to_drain;
        true
    }

    pub fn members(&self) -> Vec<Member> {
        self.members.values().cloned().collect()
    }

    pub fn forget_member(&mut self, node: NodeNo, beat: u64) {
        if self.members.get(&node).is_some_and(|member| member.beat == beat) {
            self.members.remove(&node);
        }
    }

    pub fn behind(&self) -> Vec<Behind> {
        let behind = |sale: &Concert| Behind {
            concert: sale.record.id,
            applied: sale.applied.map_or(0, |(at, _)| at),
            end: sale.journal_end().seq,
        };
        self.concerts.values().filter(|sale| sale.is_behind()).map(behind).collect()
    }

    /// May this writer go on from there?
    pub fn may_follow(&self, rows: &Following) -> bool {
        let sale = self.concerts.get(&rows.concert);
        sale.is_some_and(|sale| sale.applied == Some((rows.from, rows.writer)))
    }

    /// Writes what follows of a sale's journal, or says why not.
    pub fn follow(&mut self, rows: &Following) -> Result<u64, StoreError> {
        let Following { concert, writer, from, to, .. } = *rows;
        let sale = self.concerts.get(&concert).ok_or(StoreError::NoSuchConcert { concert })?;
        match sale.applied {
            Some((at, holder)) if holder == writer && at == from => {}
            Some((at, holder)) if holder == writer && at > from => return Ok(at),
            other => {
                let holder = other.map(|(_, holder)| holder);
                return Err(StoreError::Claimed { concert, holder });
            }
        }
        let kept = sale.journal.get(from as usize + 1..=to as usize).unwrap_or_default();
        let is_kept = |(kept, events): (&KeptRow, &Arc<Vec<Event>>)| match &kept.kind {
            KeptKind::Events(kept) => **kept == ***events,
            KeptKind::New | KeptKind::Claim { .. } | KeptKind::Void => events.is_empty(),
        };
        let is_whole = kept.len() == rows.events.len() && kept.iter().zip(&rows.events).all(is_kept);
        if !is_whole {
            self.faults
                .push(format!("sale {concert}: what follows row {from} to {to} is not in its journal"));
        }
        let rest = sale.journal.get(to as usize + 1..).unwrap_or_default().iter();
        let rest = rest.flat_map(|row| match &row.kind {
            KeptKind::Events(events) => &events[..],
            _ => &[],
        });
        let known: HashMap<_, _> = rest.filter_map(|event| Some((Ends::by(event)?, event))).collect();
        let is_known = |end: &End| Ends::by(end.event()).and_then(|of| known.get(&of)) == Some(&end.event());
        if !rows.ends.iter().all(is_known) {
            self.faults
                .push(format!("sale {concert}: something ends behind row {to} as its journal does not say"));
        }
        // A sale that is refused is claimed anew, which would heal it; but nothing that follows may not fit.
        if let Err(error) = self.constrain(&rows.rows(), &[], &[]) {
            self.faults
                .push(format!("sale {concert}: what follows row {from} does not fit: {}", error.reason()));
        }
        self.write_behind(concert, &rows.rows(), (to, writer))?;
        Ok(to)
    }

    fn write_behind(
        &mut self,
        concert: ConcertId,
        rows: &Rows<'_>,
        applied: (u64, WriterId),
    ) -> Result<(), StoreError> {
        self.constrain(rows, &[], &[])?;
        self.write_rows(rows);
        if let Some(sale) = self.concerts.get_mut(&concert) {
            sale.applied = Some(applied);
        }
        Ok(())
    }

    /// One transaction of bringing a sale's tables up to date from the text of its journal, as real stores do. Gives the number
    /// of rows; 0: there is nothing left to do.
    pub fn catch_up(
        &mut self,
        concert: ConcertId,
        writer: WriterId,
        events_max: usize,
    ) -> Result<u64, StoreError> {
        let sale = self.concerts.get(&concert).ok_or(StoreError::NoSuchConcert { concert })?;
        let Some((at, holder)) = sale.applied.filter(|_| sale.is_behind()) else { return Ok(0) };
        if holder != writer {
            return Err(StoreError::Claimed { concert, holder: Some(holder) });
        }
        let tail = self.journal_rows(concert, at + 1, u32::MAX)?;
        let mut events = 0;
        let fits = |row: &&JournalRow| {
            let is_first = events == 0;
            events += row.events.len();
            is_first || events <= events_max
        };
        let count = tail.iter().take_while(fits).count();
        let (rows, last) = (&tail[..count], at + count as u64);
        let touched = Touched::by(rows.iter().flat_map(|row| &row.events));
        let ahead = tail.iter().flat_map(|row| &row.events);
        let mut folded = FoldedSale::on(self.base_of(concert, &touched).before(ahead));
        for row in rows {
            for entry in &row.events {
                folded.add(row.at, entry).map_err(|why| {
                    StoreError::broken(format!("sale {concert}: row {} of its journal: {why}", row.seq))
                })?;
            }
        }
        for kept in &self.concerts[&concert].journal[at as usize + 1..=last as usize] {
            if let KeptKind::Events(events) = &kept.kind
                && let Some(guests) = journal::guests(events)
            {
                folded.add_guests(&journal::guests_of(&guests).map_err(StoreError::broken)?);
            }
        }
        self.write_behind(concert, &folded.rows_of(&touched), (last, writer))?;
        Ok(count as u64)
    }

    fn base_of(&self, concert: ConcertId, touched: &Touched) -> Base {
        let sale = &self.concerts[&concert];
        let schedules = sale.schedules.iter().map(|schedule| {
            let folded = FoldedSchedule {
                seats: sale.layout.seat_count() as u32,
                starts_at: Some(schedule.starts_at),
                state: schedule.state,
                reason: sale.reasons.get(&schedule.id).map(|reason| Box::from(&**reason)),
            };
            let prices = sale.prices.get(&schedule.id).into_iter().flatten().copied().collect();
            (schedule.id, BaseSchedule { folded, prices })
        });
        let reservation = |id: &ReservationId| Some(self.whole_of(self.reservations.get(id)?));
        Base {
            concert,
            token_secret: sale.token_secret.clone(),
            layout: sale.layout.clone(),
            schedules: schedules.collect(),
            places: sale.tokens.len() as u64,
            tokens: touched.tokens.iter().filter_map(|entry| sale.tokens.get(entry).cloned()).collect(),
            taken: touched.seats.iter().filter_map(|seat| Some((*seat, *self.seats.get(seat)?))).collect(),
            reservations: touched.reservations.iter().filter_map(reservation).collect(),
        }
    }

    /// The tables as they are with the rest of every journal.
    pub fn whole(&self) -> Self {
        let mut whole = self.clone();
        for Behind { concert, .. } in self.behind() {
            let Some((_, writer)) = self.concerts[&concert].applied else { continue };
            loop {
                match whole.catch_up(concert, writer, usize::MAX) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        whole.faults.push(format!("sale {concert}: {}", error.reason()));
                        break;
                    }
                }
            }
        }
        whole
    }

    pub fn load_copy(
        &self,
        concert: ConcertId,
        now: Timestamp,
        missed: Option<&Missed>,
    ) -> Result<LoadedCopy, StoreError> {
        let sale = self.load_sale(concert, now)?;
        let applied = self.concerts[&concert].applied.map_or(sale.journal.seq, |(at, _)| at);
        let mut touched = LastTouched::default();
        if let Some(Missed { since, users }) = missed {
            let rows = self.journal_rows(concert, since + 1, u32::MAX)?;
            rows.iter().for_each(|row| touched.add(row, users));
        }
        touched.retain_until(applied);
        let tokens = self.concerts[&concert].tokens.values();
        let tokens = tokens.filter(|row| touched.tokens.contains_key(&row.entry)).cloned().collect();
        let reservations = self.reservations.values();
        let reservations =
            reservations.filter(|row| touched.reservations.contains_key(&row.id)).map(|r| self.whole_of(r));
        let reservations = reservations.collect();
        Ok(LoadedCopy { sale, applied, tokens, reservations })
    }

    pub fn load_sale(&self, concert: ConcertId, now: Timestamp) -> Result<LoadedSale, StoreError> {
        let sale = self.concerts.get(&concert).ok_or(StoreError::NoSuchConcert { concert })?;
        let held = |r: &&Reservation| r.concert == concert && r.status == ReservationStatus::TempReserved;
        let since = now - REMEMBERED;
        let lapsed = |r: &&Reservation| {
            r.concert == concert
                && r.status == ReservationStatus::Expired
                && r.ended_at.is_some_and(|at| at > since)
        };
        let (mut bought, mut takings) = (BTreeMap::new(), Takings::default());
        for paid in self
            .reservations
            .values()
            .filter(|r| r.concert == concert && r.status == ReservationStatus::Reserved)
        {
            *bought.entry(paid.user).or_default() += paid.seats.len() as u32;
            takings.add(self.payments[&paid.id].source, paid.amount);
        }
        let schedules = sale.schedules.iter().map(|schedule| {
            let seats = self.seats.range((schedule.id, SeatId(0))..=(schedule.id, SeatId(u32::MAX)));
            LoadedSchedule {
                schedule: *schedule,
                reason: sale.reasons.get(&schedule.id).cloned(),
                layout: sale.layout.clone(),
                prices: sale.prices[&schedule.id].clone(),
                taken: seats.map(|((_, seat), (status, by))| (*seat, *status, *by)).collect(),
            }
        });
        let mut schedules: Vec<_> = schedules.collect();
        schedules.sort_by_key(|of: &LoadedSchedule| (of.schedule.starts_at, of.schedule.id));
        Ok(LoadedSale {
            sells: self.wallet_currency().code.as_ref() == Some(&sale.record.currency),
            concert: sale.record.clone(),
            settings: sale.settings.clone(),
            archived: sale.archived,
            outages: sale.outages,
            token_secret: sale.token_secret.clone(),
            journal: sale.journal_end(),
            next_entry: EntryNo(sale.tokens.last_key_value().map_or(0, |(entry, _)| entry.0 + 1)),
            tokens: sale.tokens.values().filter(|token| token.status.is_live()).cloned().collect(),
            reservations: self.reservations.values().filter(held).map(|r| self.whole_of(r)).collect(),
            lapsed: self.reservations.values().filter(lapsed).cloned().collect(),
            bought: bought.into_iter().collect(),
            takings,
            schedules,
        })
    }

    pub fn sweep(&self, page: &SweepPage) -> Result<SweepRows, StoreError> {
        let concert = page.concert;
        let sale = self.concerts.get(&concert).ok_or(StoreError::NoSuchConcert { concert })?;
        let rows_max = page.rows_max as usize;
        let span = page.holds_overdue_from..page.overdue_before;
        let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end < page.overdue_before);
        let of_sale = |r: &&Reservation| r.concert == concert;
        let is_held = |r: &&Reservation| r.status == ReservationStatus::TempReserved;
        let mut overdue_tokens: Vec<_> = sale.live.values().map(|entry| sale.tokens[entry].clone()).collect();
        overdue_tokens.retain(|token| is_over(token.expires_at));
        overdue_tokens.sort_by_key(|token| (token.expires_at, token.entry));
        overdue_tokens.truncate(rows_max);
        let mut overdue_reservations: Vec<_> =
            self.reservations.values().filter(of_sale).filter(is_held).collect();
        overdue_reservations.retain(|reservation| span.contains(&reservation.expires_at));
        overdue_reservations.sort_by_key(|reservation| (reservation.expires_at, reservation.id));
        overdue_reservations.truncate(rows_max);
        let reservations =
            self.reservations.range(page.reservations_from..).map(|(_, row)| row).filter(of_sale);
        let (schedule, first) = page.seats_from;
        let count = sale.schedules.iter().any(|known| known.id == schedule).then(|| sale.layout.seat_count());
        let seats = (first.0..count.unwrap_or(0) as u32).map(SeatId).map(|seat| {
            match self.seats.get(&(schedule, seat)) {
                Some((status, by)) => (seat, *status, Some(*by)),
                None => (seat, SeatStatus::Available, None),
            }
        });
        Ok(SweepRows {
            applied: sale.applied.map_or(sale.journal_end().seq, |(at, _)| at),
            overdue_tokens,
            overdue_reservations: overdue_reservations.into_iter().cloned().collect(),
            tokens: sale
                .tokens
                .range(page.tokens_from..)
                .take(rows_max)
                .map(|(_, row)| row.clone())
                .collect(),
            reservations: reservations.take(rows_max).cloned().collect(),
            seats: seats.take(rows_max).collect(),
        })
    }

    pub fn plant_token(
        &mut self,
        concert: ConcertId,
        entry: EntryNo,
        expires_at: Timestamp,
    ) -> Option<TokenRecord> {
        let sale = self.concerts.get_mut(&concert)?;
        // What follows would only write over it.
        let is_behind = sale.is_behind();
        let row = sale.tokens.get_mut(&entry)?;
        if row.status != TokenStatus::Progress || is_behind {
            return None;
        }
        row.expires_at = Some(expires_at);
        Some(row.clone())
    }

    pub fn plant_reservation(&mut self, id: ReservationId, expires_at: Timestamp) -> Option<Reservation> {
        let row = self.reservations.get_mut(&id)?;
        let is_behind = self.concerts[&row.concert].is_behind();
        if row.status != ReservationStatus::TempReserved || is_behind {
            return None;
        }
        row.expires_at = expires_at;
        Some(row.clone())
    }

    pub fn heartbeat(
        &mut self,
        writer: WriterId,
        now: Timestamp,
        gap_max: Duration,
    ) -> Vec<(ConcertId, Duration)> {
        let (mut alive, right) = (Vec::new(), self.right_time());
        for (id, sale) in self.concerts.iter_mut().filter(|(_, sale)| sale.writer == Some(writer)) {
            let gap = sale.heartbeat_at.map_or(Duration::ZERO, |heartbeat| now.since(heartbeat));
            if gap > gap_max {
                sale.outages += gap;
            }
            (sale.heartbeat_at, sale.heard_at) = (Some(now), right);
            alive.push((*id, sale.outages));
        }
        alive
    }

    pub fn count_outage(
        &mut self,
        concert: ConcertId,
        writer: WriterId,
        outage: Duration,
    ) -> Result<Duration, StoreError> {
        let sale = self.concerts.get_mut(&concert).filter(|sale| sale.writer == Some(writer));
        let sale = sale.ok_or(StoreError::Claimed { concert, holder: None })?;
        sale.outages += outage;
        // Known to all, as a life has to come out the same again.
        sale.token_secret.get_or_insert_with(|| TokenSecret::new([concert.0 as u8; TokenSecret::BYTES]));
        Ok(sale.outages)
    }

    pub fn release_claims(&mut self, writer: WriterId, now: Option<Timestamp>) {
        for sale in self.concerts.values_mut().filter(|sale| sale.writer == Some(writer)) {
            (sale.writer, sale.heartbeat_at) = (None, now.or(sale.heartbeat_at));
        }
    }

    pub fn give_claim(
        &mut self,
        concert: ConcertId,
        (writer, epoch): (WriterId, u64),
        now: Timestamp,
        heir: NodeNo,
    ) {
        let is_held = |sale: &&mut Concert| (sale.writer, sale.epoch) == (Some(writer), epoch);
        let held = self.concerts.get_mut(&concert).filter(is_held);
        if let Some(sale) = held {
            (sale.writer, sale.heartbeat_at, sale.moves_to) = (None, Some(now), Some(heir));
        }
    }

    pub fn wish_move(&mut self, concert: ConcertId, to: NodeNo) -> bool {
        let sale = self.concerts.get_mut(&concert);
        sale.map(|sale| sale.moves_to = Some(to)).is_some()
    }

    pub fn facts(&self, needs: &Needs) -> Facts {
        let balances = needs.wallets.iter().filter_map(|user| Some((*user, self.users.get(user)?.balance)));
        let charges = needs.charges.iter().filter_map(|(user, request)| {
            let ledger = &self.users.get(user)?.ledger;
            ledger.iter().find(|entry| entry.request_id.as_ref() == Some(request)).cloned()
        });
        let mut ended = EndedFacts::default();
        for id in &needs.reservations {
            ended.reservations.extend(self.reservations.get(id).map(|r| (*id, self.whole_of(r))));
        }
        let is_over = |token: &&TokenRecord| !token.status.is_live();
        for token in &needs.tokens {
            let sale = token.concert().and_then(|concert| self.concerts.get(&concert));
            let found = sale.and_then(|sale| sale.tokens.get(sale.by_token.get(&token.0)?));
            ended.tokens.extend(found.filter(is_over).map(|found| (*token, found.clone())));
        }
        for (concert, user) in &needs.last_tokens {
            let found = self.concerts.get(concert).and_then(|sale| sale.newest_of(*user));
            ended.last_tokens.extend(found.map(|found| ((*concert, *user), found.clone())));
        }
        for (concert, user) in &needs.desk_orders {
            let found = self.reservations.values().find(|r| (r.concert, r.user) == (*concert, *user));
            ended.desk_orders.extend(found.map(|r| ((*concert, *user), self.whole_of(r))));
        }
        let made = |user: &UserId| {
            let ledger = &self.users.get(user)?.ledger;
            let newest = ledger.iter().rev().take(needs.ledger_max as usize);
            Some((*user, newest.filter(|entry| entry.at >= needs.ledger_since).count() as u32))
        };
        Facts {
            wallets: Wallets::new(balances, charges.collect()),
            ended,
            ledgers: needs.ledgers.iter().filter_map(made).collect(),
            ledger_since: needs.ledger_since,
        }
    }

    /// Writes a batch whole, or says why not a row of it was written.
    pub fn write(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let rows = Rows::at_once(batch);
        let (ledger, wallets) = self.prepare(batch, &rows)?;
        for sale in &batch.sales {
            if let Some(concert) = self.concerts.get_mut(&sale.concert) {
                let kind = KeptKind::Events(sale.events.clone().into());
                concert.add_row(batch.id, batch.writer, batch.at, kind);
            }
        }
        self.write_rows(&rows);
        for row in &ledger {
            if let Some(user) = self.users.get_mut(&row.entry.user) {
                user.ledger.push(row.entry.clone());
            }
        }
        for wallet in &wallets {
            if let Some(user) = self.users.get_mut(&wallet.user) {
                user.balance = wallet.balance;
            }
        }
        Ok(())
    }

    /// Would the batch be written now?
    pub fn could_write(&self, batch: &Batch) -> Result<(), CommitError> {
        self.prepare(batch, &Rows::at_once(batch)).map(drop)
    }

    /// Was the batch written? If not, makes sure that it never is.
    pub fn settle(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        for sale in &batch.sales {
            if self.place(sale, batch).is_ok() {
                continue;
            }
            let stepped_down = CommitError::SteppedDown { concert: sale.concert };
            let row = self.concerts.get(&sale.concert).and_then(|c| c.journal.get(sale.seq as usize));
            return match row.filter(|row| row.writer == batch.writer) {
                Some(row) if row.batch == batch.id => Ok(true),
                Some(row) if row.batch == batch.void_id() => Ok(false),
                _ => Err(stepped_down),
            };
        }
        for sale in &batch.sales {
            if let Some(concert) = self.concerts.get_mut(&sale.concert) {
                concert.add_row(batch.void_id(), batch.writer, batch.at, KeptKind::Void);
            }
        }
        let is_written = |charge: &LedgerEntry| {
            self.users.get(&charge.user).is_some_and(|user| user.ledger.iter().any(|e| e.id == charge.id))
        };
        Ok(batch.sales.is_empty() && batch.charges.iter().any(is_written))
    }

    pub fn journal(&self, concert: ConcertId) -> &[KeptRow] {
        self.concerts.get(&concert).map_or(&[], |sale| &sale.journal)
    }

    pub fn outages(&self, concert: ConcertId) -> Duration {
        self.concerts.get(&concert).map(|sale| sale.outages).unwrap_or_default()
    }

    pub fn concerts(&self) -> Vec<ConcertId> {
        self.concerts.keys().copied().collect()
    }

    pub fn concert_of_schedule(&self, schedule: ScheduleId) -> Option<ConcertId> {
        self.schedules.get(&schedule).copied()
    }

    pub fn seat_label(&self, concert: ConcertId, schedule: ScheduleId, seat: SeatId) -> Option<String> {
        let sale = self.concerts.get(&concert).filter(|_| self.schedules.get(&schedule) == Some(&concert));
        sale?.layout.seats.label.get(seat.0 as usize).cloned()
    }

    /// The rows as they are read from a real store: as text.
    pub fn journal_rows(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<Vec<JournalRow>, StoreError> {
        let kept = (0..).zip(self.journal(concert)).skip(from as usize).take(rows_max as usize);
        kept.map(|(seq, row)| {
            let text = match &row.kind {
                KeptKind::New => {
                    let sale = &self.concerts[&concert];
                    let seats = sale.layout.seat_count() as u32;
                    let first = sale.schedules.iter().filter(|schedule| !sale.added.contains(&schedule.id));
                    let begun: Vec<_> = first.map(|schedule| (schedule.id, seats)).collect();
                    journal::new_concert(&begun, &sale.begun, &sale.restricted)
                }
                KeptKind::Claim { outage, .. } => journal::claimed(*outage),
                KeptKind::Void => journal::void().to_owned(),
                KeptKind::Events(events) => journal::encode(row.at, events),
            };
            let events = journal::decode(&text).map_err(StoreError::broken)?;
            Ok(JournalRow { seq, at: row.at, events })
        })
        .collect()
    }

    pub fn audit(&self) -> AuditReport {
        let mut report = AuditReport { faults: self.faults.clone(), ..AuditReport::default() };
        let faults = &mut report.faults;
        for (id, user) in &self.users {
            let mut sum = 0;
            for entry in &user.ledger {
                sum += entry.amount_change;
                if entry.balance != sum || sum < 0 {
                    faults.push(format!("user {id}: entry {} leaves {} of {sum}", entry.id, entry.balance));
                }
            }
            if sum != user.balance {
                faults.push(format!("user {id}: a balance of {} and a ledger of {sum}", user.balance));
            }
        }
        for (id, row) in &self.reservations {
            let whole = self.whole_of(row);
            let taken = match row.status {
                ReservationStatus::TempReserved => Some(SeatStatus::TempReserved),
                ReservationStatus::Reserved => Some(SeatStatus::Reserved),
                ReservationStatus::Expired | ReservationStatus::Cancelled => None,
            };
            let mine = self.seats.iter().filter(|(_, (_, by))| by == id);
            let mine: BTreeMap<_, _> = mine.map(|((_, seat), (status, _))| (*seat, *status)).collect();
            let meant =
                taken.into_iter().flat_map(|status| whole.seats.iter().map(move |seat| (*seat, status)));
            if mine != meant.collect() {
                faults.push(format!("reservation {id}: {:?} with {mine:?}", row.status));
            }
            let paid = whole.payment.as_ref().map(|payment| {
                let valid = payment.tickets.iter().filter(|ticket| ticket.is_valid());
                let mut valid: Vec<_> = valid.map(|ticket| ticket.seat).collect();
                valid.sort_unstable();
                (payment.status, valid, payment.refunded)
            });
            let amount = whole.payment.as_ref().map_or(0, |payment| payment.amount);
            let fits = match (row.status, &paid) {
                (ReservationStatus::Reserved, Some((PaymentStatus::Done, valid, refunded))) => {
                    *valid == whole.seats && amount - refunded == whole.amount
                }
                (ReservationStatus::Cancelled, None) => true,
                (ReservationStatus::Cancelled, Some((PaymentStatus::Cancelled, valid, refunded))) => {
                    valid.is_empty() && *refunded == amount
                }
                (ReservationStatus::Expired | ReservationStatus::TempReserved, None) => true,
                _ => false,
            };
            if !fits {
                faults.push(format!("reservation {id}: {:?} and paid {paid:?}", row.status));
            }
        }
        let count = |of: &dyn Fn(&Concert) -> usize| self.concerts.values().map(of).sum::<usize>() as u64;
        report.seen = HashMap::from([
            ("users", self.users.len() as u64),
            ("concerts", self.concerts.len() as u64),
            ("seats", count(&|concert| concert.schedules.len() * concert.layout.seat_count())),
            ("tokens", count(&|concert| concert.tokens.len())),
            ("journal rows", count(&|concert| concert.journal.len())),
            ("reservations", self.reservations.len() as u64),
            ("payments", self.payments.len() as u64),
            ("tickets", self.payments.values().map(|payment| payment.tickets.len() as u64).sum()),
            ("ledger entries", self.users.values().map(|user| user.ledger.len() as u64).sum()),
        ]);
        report
    }

    /// Every journal, as the text that a real store has, must give the rows that there are: those that follow it up to where they
    /// are, and with the rest of it all of them.
    pub fn audit_journals(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (id, concert) in self.concerts.iter().filter(|(_, concert)| concert.is_behind()) {
            let mut sale = FoldedSale::new(*id, concert.token_secret.clone());
            let applied = concert.applied.map_or(0, |(at, _)| at);
            let mut ended: HashSet<_> = self
                .reservations
                .values()
                .filter(|row| row.concert == *id && row.status != ReservationStatus::TempReserved)
                .map(|row| Ends::Hold(row.id))
                .collect();
            ended.extend(
                concert
                    .tokens
                    .values()
                    .filter(|row| row.ended_at.is_some())
                    .map(|row| Ends::Token(row.entry)),
            );
            for JournalRow { seq, at, events } in self.journal_rows(*id, 0, u32::MAX).unwrap_or_default() {
                // What ended may be written before its turn.
                let is_written =
                    |entry: &&Entry| seq <= applied || ends_of(entry).is_some_and(|of| ended.contains(&of));
                events.iter().filter(is_written).for_each(|entry| drop(sale.add(at, entry)));
            }
            let folded = sale.rows();
            let of_money =
                |row: &Reservation| in_journal::reservation(&Reservation { payment: None, ..row.clone() });
            let tokens = concert.tokens.values().map(in_journal::token);
            let reservations = self.reservations.values().filter(|row| row.concert == *id).map(of_money);
            if !folded.tokens.iter().map(|token| in_journal::token(token)).eq(tokens)
                || !folded.reservations.iter().map(|row| of_money(row)).eq(reservations)
            {
                faults.push(format!("sale {id}: its rows are not as of row {applied} of its journal"));
            }
        }
        faults.append(&mut self.whole().audit_whole_journals());
        faults
    }

    fn audit_whole_journals(&self) -> Vec<String> {
        let (mut faults, mut ledger) = (self.faults.clone(), Vec::new());
        for (id, concert) in &self.concerts {
            let mut sale = FoldedSale::new(*id, concert.token_secret.clone());
            let rows = self.journal_rows(*id, 0, u32::MAX).unwrap_or_else(|error| {
                faults.push(format!("sale {id}: {error:?}"));
                Vec::new()
            });
            for JournalRow { seq, at, events } in rows {
                for entry in events {
                    faults
                        .extend(sale.add(at, &entry).err().map(|why| format!("sale {id}: row {seq}: {why}")));
                }
            }
            let folded = sale.rows();
            let tokens = concert.tokens.values().map(in_journal::token);
            if !folded.tokens.iter().map(|token| in_journal::token(token)).eq(tokens) {
                faults.push(format!("sale {id}: the journal has other tokens: {:?}", folded.tokens));
            }
            let reservations = self.reservations.values().filter(|row| row.concert == *id);
            let reservations = reservations.map(|row| in_journal::reservation(&self.whole_of(row)));
            if !folded.reservations.iter().map(|row| in_journal::reservation(row)).eq(reservations) {
                faults.push(format!(
                    "sale {id}: the journal has other reservations: {:?}",
                    folded.reservations
                ));
            }
            let taken = folded.seats.iter().filter_map(|change| {
                let SeatRow { schedule, seat, status, reservation, .. } = change.row;
                Some(((schedule, seat), (status, reservation?)))
            });
            let of_sale = |schedule: &ScheduleId| self.schedules.get(schedule) == Some(id);
            let seats = self.seats.iter().filter(|((schedule, _), _)| of_sale(schedule));
            if !taken.eq(seats.map(|(seat, state)| (*seat, *state))) {
                faults.push(format!("sale {id}: the journal has other seats"));
            }
            if folded.settings != [(*id, &concert.settings)] {
                faults.push(format!("sale {id}: the journal has other settings: {:?}", folded.settings));
            }
            let record = &concert.record;
            let texts =
                Texts { title: record.title.as_str().into(), about: record.about.as_deref().map(Box::from) };
            if texts.patched(sale.texts()) != texts {
                faults.push(format!("sale {id}: the journal has other texts: {:?}", sale.texts()));
            }
            if sale.archived() != concert.archived {
                faults.push(format!("sale {id}: the journal has it archived at {:?}", sale.archived()));
            }
            let prices: BTreeMap<_, _> =
                folded.prices.iter().map(|(_, of, prices)| (*of, prices.to_vec())).collect();
            if prices != concert.prices {
                faults.push(format!("sale {id}: the journal has other prices: {prices:?}"));
            }
            for stored in &concert.schedules {
                let told = sale.schedules().get(&stored.id);
                let reason = concert.reasons.get(&stored.id).map(|reason| &**reason);
                let fits = told.is_some_and(|told| {
                    told.starts_at.is_none_or(|starts_at| starts_at == stored.starts_at)
                        && (told.state, told.reason.as_deref()) == (stored.state, reason)
                });
                if !fits {
                    faults.push(format!("sale {id}: the journal has schedule {} as {told:?}", stored.id));
                }
            }
            ledger.extend(folded.ledger.into_iter().cloned());
        }
        let stored = self.users.values().flat_map(|user| &user.ledger);
        let mut stored: Vec<_> = stored.filter(|entry| entry.payment.is_some()).cloned().collect();
        // Several processes make ids, each by its own clock.
        for entries in [&mut ledger, &mut stored] {
            entries.sort_by_key(|entry| (entry.user, entry.id));
        }
        if ledger != stored {
            faults.push("the journals have other payments than the ledgers".to_owned());
        }
        faults
    }

    /// A row of the journal may only be added on top of the one that its writer wrote before.
    fn place(&self, sale: &SaleBatch, batch: &Batch) -> Result<(), CommitError> {
        let journal = self.journal(sale.concert);
        let last = journal.last().filter(|_| journal.len() as u64 == sale.seq);
        match last {
            Some(last) if last.batch == sale.after && last.writer == batch.writer => Ok(()),
            _ => Err(CommitError::SteppedDown { concert: sale.concert }),
        }
    }

    /// The wallets' part of a batch, if all of it may be written.
    fn prepare<'a>(
        &self,
        batch: &Batch,
        rows: &Rows<'a>,
    ) -> Result<(Vec<LedgerRow<'a>>, Vec<WalletRow>), CommitError> {
        for sale in &batch.sales {
            self.place(sale, batch)?;
        }
        let wallets = rows.wallet_users().into_iter().filter_map(|user| {
            let row = self.users.get(&user)?;
            let ledger_entries = row.ledger.len() as u64;
            Some((user, WalletRow { user, balance: row.balance, ledger_entries }))
        });
        let (ledger, wallets) = rows.on_wallets(&wallets.collect())?;
        self.constrain(rows, &ledger, &wallets)?;
        Ok((ledger, wallets))
    }

    /// The refusals of a real store's schema.
    fn constrain(
        &self,
        rows: &Rows<'_>,
        ledger: &[LedgerRow<'_>],
        wallets: &[WalletRow],
    ) -> Result<(), StoreError> {
        let mut live: BTreeMap<(ConcertId, UserId), BTreeSet<EntryNo>> = BTreeMap::new();
        for token in &rows.tokens {
            let sale = self.concerts.get(&token.concert);
            let live = live.entry((token.concert, token.user)).or_insert_with(|| {
                sale.and_then(|sale| sale.live.get(&token.user)).copied().into_iter().collect()
            });
            if token.status.is_live() {
                live.insert(token.entry);
            } else {
                live.remove(&token.entry);
            }
            let fits = match token.status {
                TokenStatus::Waiting => token.admitted_at.is_none() && token.ended_at.is_none(),
                TokenStatus::Progress => token.admitted_at.is_some() && token.ended_at.is_none(),
                TokenStatus::Done => token.admitted_at.is_some() && token.ended_at.is_some(),
                TokenStatus::Expired(_) => token.ended_at.is_some(),
            };
            demand(fits, || format!("token {} is {:?} at odd times", token.entry, token.status))?;
        }
        for ((concert, user), live) in live {
            demand(live.len() <= 1, || format!("user {user} has two live tokens in sale {concert}"))?;
        }
        for change in &rows.seats {
            let row = &change.row;
            let sale = self.schedules.get(&row.schedule).and_then(|concert| self.concerts.get(concert));
            let seats = sale.map_or(0, |sale| sale.layout.seat_count());
            demand((row.seat.0 as usize) < seats, || {
                format!("there is no seat {} in {}", row.seat, row.schedule)
            })?;
            let holder = self.seats.get(&(row.schedule, row.seat)).map(|(_, by)| *by);
            demand(holder == change.before, || {
                format!("seat {}:{} is somebody else's than memory believes", row.schedule, row.seat)
            })?;
        }
        for row in &rows.ended_reservations {
            // All but the deadline, which the simulation meddles with.
            let ended = |stored: &Reservation| Reservation {
                status: row.status,
                ended_at: row.ended_at,
                expires_at: row.expires_at,
                payment: row.payment.clone(),
                guest_of: None,
                ..stored.clone()
            };
            demand(self.reservations.get(&row.id).map(ended).as_ref() == Some(*row), || {
                format!("reservation {} is said to differ by its end alone", row.id)
            })?;
        }
        let mut requests = BTreeSet::new();
        for row in ledger {
            let Some(request) = &row.entry.request_id else { continue };
            let before = self.users.get(&row.entry.user).map_or(&[][..], |user| &user.ledger);
            let known = before.iter().any(|entry| entry.request_id.as_ref() == Some(request));
            demand(!known && requests.insert((row.entry.user, request)), || {
                format!("user {} charged twice as {request}", row.entry.user)
            })?;
        }
        for wallet in wallets {
            demand(wallet.balance >= 0, || format!("user {} has {}", wallet.user, wallet.balance))?;
        }
        Ok(())
    }

    fn write_rows(&mut self, rows: &Rows<'_>) {
        for token in &rows.tokens {
            let Some(sale) = self.concerts.get_mut(&token.concert) else { continue };
            if token.status.is_live() {
                sale.live.insert(token.user, token.entry);
            } else if sale.live.get(&token.user) == Some(&token.entry) {
                sale.live.remove(&token.user);
            }
            sale.by_token.insert(token.token.0, token.entry);
            sale.tokens.insert(token.entry, (*token).clone());
        }
        for SeatChange { row, .. } in &rows.seats {
            match row.reservation {
                Some(by) => self.seats.insert((row.schedule, row.seat), (row.status, by)),
                None => self.seats.remove(&(row.schedule, row.seat)),
            };
        }
        for row in rows.reservations.iter().chain(&rows.ended_reservations) {
            let bare = Reservation { payment: None, ..(*row).clone() };
            self.reservations.insert(row.id, bare);
        }
        for row in &rows.payments {
            self.payments.insert(row.payment.reservation, row.payment.clone());
        }
        for (concert, settings) in &rows.settings {
            if let Some(sale) = self.concerts.get_mut(concert) {
                sale.settings = (*settings).clone();
            }
        }
        for (concert, at) in &rows.archived {
            if let Some(sale) = self.concerts.get_mut(concert) {
                sale.archived = Some(*at);
            }
        }
        for (concert, texts) in &rows.texts {
            if let Some(sale) = self.concerts.get_mut(concert) {
                sale.record.title = texts.title.to_string();
                sale.record.about = texts.about.as_ref().map(ToString::to_string);
            }
        }
        for (concert, schedule, prices) in &rows.prices {
            if let Some(sale) = self.concerts.get_mut(concert) {
                sale.prices.insert(*schedule, prices.to_vec());
            }
        }
        for ScheduleRow { schedule, became, reason } in &rows.schedules {
            let concert = self.schedules.get(schedule);
            let Some(sale) = concert.and_then(|concert| self.concerts.get_mut(concert)) else { continue };
            if let Some(starts_at) = sale.preparing.remove(schedule) {
                let state = ScheduleState::Planned;
                sale.schedules.push(ScheduleRecord { id: *schedule, starts_at, state });
                sale.added.insert(*schedule);
            }
            let Some(stored) = sale.schedules.iter_mut().find(|of| of.id == *schedule) else { continue };
            match became {
                Became::Moved(starts_at) => stored.starts_at = *starts_at,
                Became::CalledOff => stored.state = ScheduleState::CalledOff,
                Became::Added => {}
            }
            match reason {
                Some(reason) => drop(sale.reasons.insert(*schedule, Arc::from(*reason))),
                None => drop(sale.reasons.remove(schedule)),
            }
        }
    }

    /// A reservation with its payment.
    fn whole_of(&self, bare: &Reservation) -> Reservation {
        Reservation { payment: self.payments.get(&bare.id).cloned(), ..bare.clone() }
    }
}

impl Concert {
    fn holder(&self) -> Holder {
        let Self { writer, epoch, heartbeat_at: heartbeat, moves_to, .. } = *self;
        Holder { writer, epoch, heartbeat, moves_to }
    }

    fn add_row(&mut self, batch: Uuid, writer: WriterId, at: Timestamp, kind: KeptKind) {
        self.journal.push(KeptRow { batch, writer, at, kind, outages: self.outages });
    }

    fn journal_end(&self) -> JournalPosition {
        let batch = self.journal.last().map_or(Uuid::nil(), |row| row.batch);
        JournalPosition { seq: self.journal.len() as u64 - 1, batch }
    }

    /// Do the tables lack some of the journal?
    fn is_behind(&self) -> bool {
        self.applied.is_some_and(|(at, _)| at < self.journal_end().seq)
    }

    fn newest_of(&self, user: UserId) -> Option<&TokenRecord> {
        self.tokens.values().rev().find(|token| token.user == user)
    }
}

/// Rows without what no journal has, and without deadlines, which the simulation meddles with.
mod in_journal {
    use super::{Reservation, Timestamp, TokenRecord};

    pub fn token(token: &TokenRecord) -> TokenRecord {
        TokenRecord { expires_at: None, ..token.clone() }
    }

    pub fn reservation(reservation: &Reservation) -> Reservation {
        let mut bare =
            Reservation { guest_of: None, expires_at: Timestamp::default(), ..reservation.clone() };
        let payment = bare.payment.iter_mut();
        payment.flat_map(|payment| &mut payment.tickets).for_each(|ticket| ticket.code = Box::default());
        bare
    }
}

fn demand(fits: bool, what: impl FnOnce() -> String) -> Result<(), StoreError> {
    if fits { Ok(()) } else { Err(StoreError::refused(what())) }
}

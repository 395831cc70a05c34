//! A model of a sale, kept as plainly as can be from its journal, and the rules that each event has to obey. It knows
//! nothing of lanes, batches or memory, so what it says about an event is the design's word, not the code's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use frontrow::domain::command::Command;
use frontrow::domain::concert::Texts;
use frontrow::domain::event::{
    Archived, CalledOff, Description, Event, HoldEnd, HouseSeats, PriceChange, RefundWhy, Refunded,
    Repricing, Rescheduled, ScheduleAdded, SeatMoved, SoldAtDesk,
};
use frontrow::domain::ids::{EntryNo, QueueToken, ReservationId, ScheduleId, SeatId, UserId};
use frontrow::domain::lapses::REMEMBERED;
use frontrow::domain::record::{
    ExpiryReason, Payment, PaymentSource, PaymentStatus, Reservation, ReservationStatus, SaleState,
    TokenRecord, TokenStatus,
};
use frontrow::domain::rules::{SaleRules, SaleSettings};
use frontrow::domain::seat_plan::Money;
use frontrow::domain::time::Timestamp;
use frontrow::limits::MISSED_LEASE;
use frontrow_testing::simulated::{KeptKind, KeptRow};

use crate::fans::guest_of;

/// A moment in a sale's history: how many events had happened.
pub type Moment = usize;

pub struct SaleModel {
    defaults: SaleRules,
    pub settings: SaleSettings,
    schedules: BTreeMap<ScheduleId, Performance>,
    /// What is said of the concert, once that changed.
    pub texts: Option<Texts>,
    called_off: BTreeSet<ScheduleId>,
    pub tokens: BTreeMap<EntryNo, TokenRecord>,
    /// The live token of each user.
    live: BTreeMap<UserId, EntryNo>,
    waiting: BTreeSet<EntryNo>,
    pub reservations: BTreeMap<ReservationId, Reservation>,
    seats: BTreeMap<(ScheduleId, SeatId), ReservationId>,
    /// What each seat of an order cost when it was taken.
    taken_for: BTreeMap<(ReservationId, SeatId), Money>,
    /// Seats that the house keeps.
    restricted: BTreeSet<(ScheduleId, SeatId)>,
    /// What a performance that was just added has to keep, as all others do.
    to_keep: Option<(ScheduleId, Vec<SeatId>)>,
    /// Live tokens whose user let a hold run out.
    ran_out: BTreeSet<EntryNo>,
    /// The number of seats that each user had, held and bought together, since when.
    user_seats: BTreeMap<UserId, Vec<(Moment, usize)>>,
    /// Everything that was ever so, for what a client received.
    token_versions: BTreeMap<EntryNo, Vec<TokenRecord>>,
    reservation_versions: BTreeMap<ReservationId, Vec<Reservation>>,
    seat_changes: BTreeMap<(ScheduleId, SeatId), Vec<(Moment, SeatNow)>>,
    /// The things that a user did or had done to them, and when.
    user_events: BTreeMap<UserId, Vec<(Moment, Deed)>>,
    moment: Moment,
    /// Reservations whose row was changed behind the server's back, and not since by itself.
    planted: BTreeSet<ReservationId>,
    /// The same, also after they ended.
    ever_planted: BTreeSet<ReservationId>,
    planted_tokens: BTreeSet<EntryNo>,
    /// The time of the last row of the journal.
    outages: Duration,
    /// The number of rows of the journal that were read.
    pub rows: usize,
}

/// A performance: its seats and what they cost, and when it starts.
#[derive(Clone)]
pub struct Performance {
    /// The category of each seat.
    pub categories: Vec<u16>,
    /// What a free seat of each category was imported with.
    pub imported: Vec<Money>,
    /// What it costs now.
    pub prices: Vec<Money>,
    pub starts_at: Timestamp,
}

impl Performance {
    fn price(&self, seat: SeatId) -> Money {
        self.prices[usize::from(self.categories[seat.0 as usize])]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatNow {
    Free,
    Held,
    Sold,
    Restricted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Joined,
    Left,
    Held,
    Released,
    Paid,
    Refunded,
    /// The token changed its state.
    Token(TokenStatus),
}

impl SaleModel {
    pub fn new(
        defaults: SaleRules,
        settings: SaleSettings,
        schedules: BTreeMap<ScheduleId, Performance>,
    ) -> Self {
        Self {
            defaults,
            settings,
            schedules,
            texts: None,
            called_off: BTreeSet::new(),
            tokens: BTreeMap::new(),
            live: BTreeMap::new(),
            waiting: BTreeSet::new(),
            reservations: BTreeMap::new(),
            seats: BTreeMap::new(),
            taken_for: BTreeMap::new(),
            restricted: BTreeSet::new(),
            to_keep: None,
            ran_out: BTreeSet::new(),
            user_seats: BTreeMap::new(),
            token_versions: BTreeMap::new(),
            reservation_versions: BTreeMap::new(),
            seat_changes: BTreeMap::new(),
            user_events: BTreeMap::new(),
            moment: 0,
            planted: BTreeSet::new(),
            ever_planted: BTreeSet::new(),
            planted_tokens: BTreeSet::new(),
            outages: Duration::ZERO,
            rows: 0,
        }
    }

    pub fn moment(&self) -> Moment {
        self.moment
    }

    pub fn rules(&self) -> SaleRules {
        self.settings.own.over(&self.defaults)
    }

    pub fn schedules(&self) -> impl Iterator<Item = (ScheduleId, usize)> {
        self.schedules.iter().map(|(id, of)| (*id, of.categories.len()))
    }

    pub fn live_token(&self, user: UserId) -> Option<&TokenRecord> {
        self.live.get(&user).map(|entry| &self.tokens[entry])
    }

    pub fn token(&self, token: QueueToken) -> Option<&TokenRecord> {
        self.tokens.values().find(|record| record.token == token)
    }

    /// Admitted, and without seats to pay.
    pub fn visitors(&self) -> impl Iterator<Item = &TokenRecord> {
        let admitted = self.live.values().map(|entry| &self.tokens[entry]);
        let holds = |user: UserId| self.held().any(|r| r.user == user);
        admitted.filter(move |token| token.status == TokenStatus::Progress && !holds(token.user))
    }

    pub fn held(&self) -> impl Iterator<Item = &Reservation> {
        self.reservations.values().filter(|r| r.status == ReservationStatus::TempReserved)
    }

    pub fn seat(&self, schedule: ScheduleId, seat: SeatId) -> SeatNow {
        match self.seats.get(&(schedule, seat)).map(|by| self.reservations[by].status) {
            None if self.restricted.contains(&(schedule, seat)) => SeatNow::Restricted,
            None => SeatNow::Free,
            Some(ReservationStatus::Reserved) => SeatNow::Sold,
            Some(_) => SeatNow::Held,
        }
    }

    pub fn starts_at(&self, schedule: ScheduleId) -> Timestamp {
        self.schedules[&schedule].starts_at
    }

    /// What a free seat of each category of a performance costs.
    pub fn prices(&self, schedule: ScheduleId) -> &[Money] {
        &self.schedules[&schedule].prices
    }

    /// What a free seat of a performance costs.
    pub fn price_of(&self, schedule: ScheduleId, seat: SeatId) -> Money {
        self.schedules[&schedule].price(seat)
    }

    pub fn is_called_off(&self, schedule: ScheduleId) -> bool {
        self.called_off.contains(&schedule)
    }

    /// Paid orders of the sale, and whose they are.
    pub fn orders(&self) -> impl Iterator<Item = (ReservationId, UserId, ScheduleId)> {
        let paid = self.reservations.values().filter(|r| r.status == ReservationStatus::Reserved);
        paid.map(|r| (r.id, r.user, r.schedule))
    }

    /// The seats of an order.
    pub fn seats_of_order(&self, order: ReservationId) -> &[SeatId] {
        &self.reservations[&order].seats
    }

    /// Every seat of a performance.
    pub fn seats_of(&self, schedule: ScheduleId) -> impl Iterator<Item = (SeatId, SeatNow)> {
        let count = self.schedules.get(&schedule).map_or(0, |of| of.categories.len());
        (0..count as u32).map(move |seat| (SeatId(seat), self.seat(schedule, SeatId(seat))))
    }

    pub fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    /// 1 + the number of waiting tokens that came earlier.
    pub fn position(&self, entry: EntryNo) -> u64 {
        self.waiting.range(..entry).count() as u64 + 1
    }

    /// The how-manieth state of its token this is, or `None` if it never was so.
    pub fn token_version(&self, received: &TokenRecord) -> Option<usize> {
        let versions = self.token_versions.get(&received.entry)?;
        let exact = versions.iter().position(|version| version == received);
        // A row whose end was moved keeps that, if its sale was lost before it was found.
        let is_planted = self.planted_tokens.contains(&received.entry);
        let besides = |version: &TokenRecord| {
            TokenRecord { expires_at: received.expires_at, ..version.clone() } == *received
        };
        exact.or_else(|| versions.iter().position(|version| is_planted && besides(version)))
    }

    /// The how-manieth state of its reservation this is, from the `since`th on, or `None` if it never was so since. The first
    /// such: seats that are given back and held again within a batch make a state of before come back.
    pub fn reservation_version(&self, received: &Reservation, since: usize) -> Option<usize> {
        let versions = self.reservation_versions.get(&received.id)?;
        let is_planted = self.ever_planted.contains(&received.id);
        // A row whose end was moved keeps that, if its sale was lost before it was found.
        let besides = |version: &Reservation| {
            Reservation { expires_at: received.expires_at, ..version.clone() } == *received
        };
        let first = |is_it: &dyn Fn(&Reservation) -> bool| {
            versions
                .iter()
                .enumerate()
                .skip(since)
                .find(|(_, version)| is_it(version))
                .map(|(number, _)| number)
        };
        first(&|version| version == received).or_else(|| first(&|version| is_planted && besides(version)))
    }

    /// Was this ever what was paid for its reservation? Seats of it may have come back since, or become others.
    pub fn was_paid(&self, received: &Payment) -> bool {
        let versions = self.reservation_versions.get(&received.reservation);
        let mut payments = versions.into_iter().flatten().filter_map(|version| version.payment.as_ref());
        payments.any(|kept| {
            (kept.id, kept.amount, &kept.tickets) == (received.id, received.amount, &received.tickets)
        })
    }

    /// Was this so of the seat at any time since `since`?
    pub fn was_seat(
        &self,
        schedule: ScheduleId,
        seat: SeatId,
        since: Moment,
        so: impl Fn(SeatNow) -> bool,
    ) -> bool {
        let Some(changes) = self.seat_changes.get(&(schedule, seat)) else { return so(SeatNow::Free) };
        let before = changes.iter().rev().find(|(moment, _)| *moment <= since).map_or(SeatNow::Free, |c| c.1);
        so(before) || changes.iter().any(|(moment, now)| *moment > since && so(*now))
    }

    /// Was the user's newest token like this at any time since `since`? `None` stands for no token at all.
    pub fn was_token(&self, user: UserId, since: Moment, so: impl Fn(Option<TokenStatus>) -> bool) -> bool {
        let states =
            self.user_events.get(&user).map_or(&[][..], Vec::as_slice).iter().filter_map(|(m, deed)| {
                match deed {
                    Deed::Token(status) => Some((*m, *status)),
                    _ => None,
                }
            });
        let states: Vec<_> = states.collect();
        let before = states.iter().rev().find(|(moment, _)| *moment <= since).map(|(_, status)| *status);
        so(before) || states.iter().any(|(moment, status)| *moment > since && so(Some(*status)))
    }

    /// Did the user do this since `since`?
    pub fn did(&self, user: UserId, since: Moment, deed: Deed) -> bool {
        let events = self.user_events.get(&user).map_or(&[][..], Vec::as_slice);
        events.iter().rev().take_while(|(moment, _)| *moment > since).any(|(_, done)| *done == deed)
    }

    /// May somebody be let in? `strictly`: counting those who let a hold run out, as a process does that was
    /// restarted since.
    pub fn may_admit(&self, utc: Timestamp, strictly: bool) -> bool {
        let admitted: Vec<_> =
            self.live.values().filter(|entry| self.tokens[entry].status == TokenStatus::Progress).collect();
        let holds = |user: UserId| self.held().any(|r| r.user == user);
        let is_unserved = |entry: &&&EntryNo| {
            !holds(self.tokens[**entry].user) && (strictly || !self.ran_out.contains(**entry))
        };
        let unserved = admitted.iter().filter(is_unserved).count();
        let free: usize = self
            .schedules
            .iter()
            .filter(|(id, of)| of.starts_at > utc && !self.is_called_off(**id))
            .map(|(id, _)| {
                self.for_sale(*id) - self.seats.range((*id, SeatId(0))..=(*id, SeatId(u32::MAX))).count()
            })
            .sum();
        self.settings.state == SaleState::Open
            && !self.waiting.is_empty()
            && (admitted.len() as u32) < self.rules().capacity
            && unserved < free
    }

    /// The seats of a performance but those that the house keeps.
    fn for_sale(&self, schedule: ScheduleId) -> usize {
        let restricted = self.restricted.range((schedule, SeatId(0))..=(schedule, SeatId(u32::MAX))).count();
        self.schedules[&schedule].categories.len() - restricted
    }

    /// Reads one more row of the journal.
    pub fn read(&mut self, row: &KeptRow) {
        self.rows += 1;
        let counted = row.outages.checked_sub(self.outages).expect("an outage stays counted");
        self.outages = row.outages;
        match &row.kind {
            KeptKind::New | KeptKind::Void => {}
            KeptKind::Claim { outage, silence } => {
                assert!(counted >= *outage, "an outage of {outage:?} is not counted");
                // Whatever the clocks say, and whatever is out: who lives keeps its sale.
                let is_dead = silence.is_none_or(|silence| silence >= MISSED_LEASE);
                assert!(is_dead, "taken from a process that was heard of {silence:?} before");
            }
            KeptKind::Events(events) => {
                for event in events.iter() {
                    self.moment += 1;
                    self.prove_no_hold_comes_too_early(event, row.at);
                    self.witness(event, row.outages);
                }
            }
        }
    }

    fn witness(&mut self, event: &Event, outages: Duration) {
        self.prove_seats_of_user(event);
        let to_keep = self.to_keep.take();
        match event {
            Event::SeatsRestricted(HouseSeats { schedule, seats, by: None, .. }) if to_keep.is_some() => {
                assert_eq!(
                    to_keep,
                    Some((*schedule, seats.clone())),
                    "an added performance keeps what all keep"
                );
                for seat in seats {
                    self.restricted.insert((*schedule, *seat));
                    self.seat_is(*schedule, *seat, SeatNow::Restricted);
                }
            }
            _ if to_keep.is_some() => panic!("what every performance keeps is sold: {event:?}"),
            Event::Joined(record) => {
                assert!(
                    matches!(self.settings.state, SaleState::Open | SaleState::Scheduled),
                    "{record:?} joined"
                );
                assert_eq!(record.entry.0, self.tokens.len() as u64, "entries are dense");
                assert_eq!(record.status, TokenStatus::Waiting);
                assert_eq!(self.live.insert(record.user, record.entry), None, "one live token a user");
                self.waiting.insert(record.entry);
                self.did_now(record.user, Deed::Joined);
                self.keep_token(record);
            }
            Event::Admitted(record) => {
                assert_eq!(self.waiting.first(), Some(&record.entry), "first come, first served");
                let utc = record.admitted_at.expect("an admission has its time");
                assert!(self.may_admit(utc, false), "{} was admitted, but no place was free", record.entry);
                self.waiting.remove(&record.entry);
                self.keep_token(record);
            }
            Event::TokenEnded(record) => self.end_token(record, outages),
            Event::SeatsHeld { reservation, seats, prices, opened, request } => {
                let of = &self.schedules[&reservation.schedule];
                let now = seats.iter().map(|seat| of.price(*seat));
                assert!(prices.iter().copied().eq(now), "seats cost what they cost now");
                let taken = seats.iter().zip(prices).map(|(seat, price)| ((reservation.id, *seat), *price));
                self.taken_for.extend(taken);
                self.prove_prices(reservation);
                assert!(request.is_none() || request.as_ref() == reservation.best_requests.last());
                assert_eq!(self.settings.state, SaleState::Open, "only an open sale sells");
                assert!(!self.is_called_off(reservation.schedule), "what is called off is not sold");
                let holder = self.live_token(reservation.user).expect("who holds has a live token");
                assert_eq!(holder.status, TokenStatus::Progress, "who holds is admitted");
                for seat in seats {
                    let before = self.seats.insert((reservation.schedule, *seat), reservation.id);
                    assert_eq!(before, None, "{seat} of {} has a holder", reservation.schedule);
                    let kept = self.restricted.contains(&(reservation.schedule, *seat));
                    assert!(!kept, "the house keeps {seat} of {}", reservation.schedule);
                    self.seat_is(reservation.schedule, *seat, SeatNow::Held);
                }
                assert!(reservation.seats.len() <= self.rules().seats_per_reservation_max as usize);
                assert_eq!(
                    reservation.guest_of,
                    guest_of(reservation.user),
                    "where a guest comes from is kept"
                );
                match self.reservations.get(&reservation.id) {
                    None => assert!(opened),
                    Some(before) => {
                        assert!(!opened && before.status == ReservationStatus::TempReserved);
                        let same = before.expires_at == reservation.expires_at;
                        assert!(
                            same || self.planted.contains(&reservation.id),
                            "the clock is not reset by more"
                        );
                    }
                }
                self.did_now(reservation.user, Deed::Held);
                self.keep_reservation(reservation);
                self.prove_guests_share(reservation);
            }
            Event::SeatsReleased { reservation, seats } => {
                self.prove_prices(reservation);
                self.free(reservation, seats);
                self.did_now(reservation.user, Deed::Released);
                self.keep_reservation(reservation);
            }
            Event::ReservationEnded { reservation, why } => {
                let ended_at = reservation.ended_at.expect("what ended has its time");
                if *why == HoldEnd::HoldTime {
                    assert!(
                        ended_at - outages >= reservation.expires_at,
                        "{} ended before its time",
                        reservation.id
                    );
                    self.ran_out.extend(self.live.get(&reservation.user));
                }
                if *why == HoldEnd::Started {
                    let starts_at = self.starts_at(reservation.schedule);
                    assert!(ended_at >= starts_at, "{} ended before the performance began", reservation.id);
                }
                if *why == HoldEnd::CalledOff {
                    assert!(self.is_called_off(reservation.schedule), "{} goes on", reservation.id);
                }
                self.free(reservation, &reservation.seats);
                let deed = match why {
                    HoldEnd::Released => Some(Deed::Released),
                    HoldEnd::Left => Some(Deed::Left),
                    HoldEnd::BoughtAnother
                    | HoldEnd::HoldTime
                    | HoldEnd::Idle
                    | HoldEnd::Started
                    | HoldEnd::CalledOff => None,
                };
                deed.into_iter().for_each(|deed| self.did_now(reservation.user, deed));
                self.keep_reservation(reservation);
            }
            Event::Paid { reservation, ledger } => {
                let held = &self.reservations[&reservation.id];
                assert_eq!(held.status, ReservationStatus::TempReserved, "only what is held is paid");
                assert_eq!(held.seats, reservation.seats);
                let utc = reservation.ended_at.expect("a payment has its time");
                // Each outage that was counted since only moves the deadline on.
                assert!(utc - outages < reservation.expires_at, "{} was paid after its time", reservation.id);
                let starts_at = self.starts_at(reservation.schedule);
                assert!(utc < starts_at, "{} was paid after the performance had begun", reservation.id);
                assert!(!self.is_called_off(reservation.schedule), "what is called off is not paid");
                self.prove_prices(reservation);
                assert_eq!(
                    ledger.amount_change, -reservation.amount,
                    "it costs what it cost when it was held"
                );
                let payment = reservation.payment.as_ref().expect("what is paid has a payment");
                assert!(
                    payment.tickets.iter().map(|ticket| ticket.seat).eq(reservation.seats.iter().copied())
                );
                for ticket in &payment.tickets {
                    assert_eq!(ticket.price, reservation.price(ticket.seat), "a ticket says what was paid");
                }
                for seat in &reservation.seats {
                    self.seat_is(reservation.schedule, *seat, SeatNow::Sold);
                }
                self.did_now(reservation.user, Deed::Paid);
                self.keep_reservation(reservation);
            }
            Event::SoldAtDesk(SoldAtDesk { reservation, .. }) => self.sold_at_desk(reservation),
            Event::Refunded(Refunded { reservation, seats, amount, ledger, why, .. }) => {
                let paid = &self.reservations[&reservation.id];
                assert_eq!(paid.status, ReservationStatus::Reserved, "only what is paid is refunded");
                assert!(!seats.is_empty() && seats.iter().all(|seat| paid.seats.contains(seat)));
                let cost: Money = seats.iter().map(|seat| self.taken_for[&(reservation.id, *seat)]).sum();
                assert_eq!(*amount, cost, "a seat comes back for what it cost");
                let kept: Vec<_> = paid.seats.iter().copied().filter(|seat| !seats.contains(seat)).collect();
                let payment = reservation.payment.as_ref().expect("what was paid has a payment");
                let before = paid.payment.as_ref().expect("what was paid has a payment");
                assert_eq!(payment.refunded, before.refunded + cost);
                let entry = ledger.as_ref().map(|entry| (entry.user, entry.amount_change));
                let is_of_wallet = before.source == PaymentSource::Wallet;
                assert_eq!(
                    entry,
                    is_of_wallet.then_some((reservation.user, cost)),
                    "it goes where it came from"
                );
                assert_eq!(payment.refund_reason.as_deref(), why.reason());
                let valid = payment.tickets.iter().filter(|ticket| ticket.is_valid());
                assert!(valid.map(|ticket| ticket.seat).eq(kept.iter().copied()), "a void ticket for each");
                if kept.is_empty() {
                    let whole = (ReservationStatus::Cancelled, PaymentStatus::Cancelled, payment.amount);
                    assert_eq!((reservation.status, payment.status, payment.refunded), whole);
                    assert_eq!(reservation.seats, *seats, "it names those that it had last");
                } else {
                    let part = (ReservationStatus::Reserved, PaymentStatus::Done, &kept);
                    assert_eq!((reservation.status, payment.status, &reservation.seats), part);
                    self.prove_prices(reservation);
                }
                let off = self.is_called_off(reservation.schedule);
                match why {
                    RefundWhy::Cancelled => assert!(!off && is_of_wallet, "its refund is on the way"),
                    RefundWhy::CalledOff => {
                        assert!(off, "{} is played", reservation.schedule);
                        let handed_out = matches!(before.source, PaymentSource::Cash | PaymentSource::Card);
                        assert!(!handed_out, "nobody stands at the desk");
                    }
                    RefundWhy::Operator { .. } => {}
                }
                self.free(reservation, seats);
                self.did_now(reservation.user, Deed::Refunded);
                self.keep_reservation(reservation);
            }
            Event::SeatMoved(SeatMoved { reservation, from, to, .. }) => {
                let (id, schedule) = (reservation.id, reservation.schedule);
                let paid = &self.reservations[&id];
                assert_eq!(paid.status, ReservationStatus::Reserved, "only what is paid is moved");
                assert!(!self.is_called_off(schedule), "nothing of what is called off is moved");
                assert_eq!(self.seat(schedule, *to), SeatNow::Free, "{to} of {schedule} has a holder");
                let of = &self.schedules[&schedule];
                assert!(of.price(*to) >= of.price(*from), "nobody gets a cheaper seat");
                let mut seats: BTreeSet<_> = paid.seats.iter().copied().collect();
                assert!(seats.remove(from) && seats.insert(*to));
                assert!(seats.iter().eq(&reservation.seats) && paid.amount == reservation.amount);
                let (before, after) = (paid.payment.as_ref(), reservation.payment.as_ref());
                let (before, after) = (before.expect("a payment"), after.expect("a payment"));
                let valid = after.tickets.iter().filter(|ticket| ticket.is_valid());
                assert!(valid.map(|ticket| ticket.seat).collect::<BTreeSet<_>>() == seats, "a ticket a seat");
                let new: Vec<_> =
                    after.tickets.iter().filter(|t| before.tickets.iter().all(|b| b.id != t.id)).collect();
                let [ticket] = new[..] else { panic!("{new:?}") };
                assert_eq!((ticket.seat, ticket.moved_from), (*to, Some(*from)));
                assert!(before.tickets.iter().all(|before| before.code != ticket.code), "a code of its own");
                let cost = self.taken_for[&(id, *from)];
                self.taken_for.insert((id, *to), cost);
                self.prove_prices(reservation);
                self.free(reservation, &[*from]);
                self.seats.insert((schedule, *to), id);
                self.seat_is(schedule, *to, SeatNow::Sold);
                self.keep_reservation(reservation);
            }
            Event::SeatsRestricted(HouseSeats { schedule, seats, by, .. }) => {
                assert!(by.is_some() || self.is_called_off(*schedule), "an operator keeps seats");
                for seat in seats {
                    assert_eq!(self.seat(*schedule, *seat), SeatNow::Free, "only a free seat is kept");
                    self.restricted.insert((*schedule, *seat));
                    self.seat_is(*schedule, *seat, SeatNow::Restricted);
                }
            }
            Event::SeatsUnrestricted(HouseSeats { schedule, seats, by, .. }) => {
                assert!(by.is_some(), "an operator gives seats back");
                for seat in seats {
                    assert!(self.restricted.remove(&(*schedule, *seat)), "the house kept {seat}");
                    self.seat_is(*schedule, *seat, SeatNow::Free);
                }
            }
            Event::Described(Description { before, after, .. }) => {
                assert!(before != after, "what changes nothing is no event");
                let known = self.texts.get_or_insert_with(|| before.clone());
                assert_eq!(known, before);
                *known = after.clone();
            }
            Event::Repriced(Repricing { schedule, changed, own, .. }) => {
                let of = self.schedules.get_mut(schedule).expect("a performance of the sale");
                assert!(!changed.is_empty(), "what changes nothing is no event");
                for PriceChange { category, before, after, .. } in changed {
                    let price = &mut of.prices[usize::from(*category)];
                    assert_eq!((*price, before == after), (*before, false), "category {category}");
                    *price = *after;
                }
                let differ =
                    (0..).zip(of.prices.iter().zip(&of.imported)).filter(|(_, (now, was))| now != was);
                assert!(differ.map(|(category, (now, _))| (category, *now)).eq(own.iter().copied()));
            }
            Event::ScheduleAdded(added) => {
                let ScheduleAdded { schedule, starts_at, seats, ref prices, .. } = *added;
                let same = self
                    .schedules
                    .iter()
                    .find(|(id, of)| of.starts_at == starts_at && !self.is_called_off(**id));
                assert!(same.is_none(), "{schedule} begins as another one");
                let mut of = self.schedules.values().next().expect("a sale has a performance").clone();
                assert_eq!(of.categories.len(), seats as usize, "it is in the same hall");
                of.starts_at = starts_at;
                of.prices = of.imported.clone();
                for PriceChange { category, before, after, .. } in prices {
                    let price = &mut of.prices[usize::from(*category)];
                    assert_eq!((*price, before == after), (*before, false), "category {category}");
                    *price = *after;
                }
                let mut others: Vec<_> = self.schedules.keys().copied().collect();
                if others.iter().any(|id| !self.is_called_off(*id)) {
                    others.retain(|id| !self.is_called_off(*id));
                }
                let is_kept = |seat: &SeatId| others.iter().all(|of| self.restricted.contains(&(*of, *seat)));
                let kept: Vec<SeatId> = (0..seats).map(SeatId).filter(is_kept).collect();
                self.to_keep = (!kept.is_empty()).then_some((schedule, kept));
                assert!(self.schedules.insert(schedule, of).is_none(), "{schedule} is there already");
            }
            Event::Rescheduled(Rescheduled { schedule, before, after, .. }) => {
                assert!(!self.is_called_off(*schedule), "{schedule} is moved after it was called off");
                let of = self.schedules.get_mut(schedule).expect("a performance of the sale");
                assert_eq!(std::mem::replace(&mut of.starts_at, *after), *before);
            }
            Event::Archived(Archived { at, .. }) => {
                assert_eq!(self.settings.state, SaleState::Closed, "what may still be sold is archived");
                assert!(self.live.is_empty(), "somebody is still there");
                let sold = |of: ScheduleId| self.orders().any(|(.., schedule)| schedule == of);
                for (id, of) in &self.schedules {
                    let is_over = if self.is_called_off(*id) { !sold(*id) } else { of.starts_at <= *at };
                    assert!(is_over, "performance {id} is not over");
                }
            }
            Event::CalledOff(CalledOff { schedule, .. }) => {
                assert!(self.called_off.insert(*schedule), "{schedule} is called off once");
            }
            Event::SettingsChanged { before, after, .. } => {
                assert_eq!(**before, self.settings);
                self.settings = (**after).clone();
            }
        }
    }

    /// An order of the box office: all at once, by an operator, for a user who has no other.
    fn sold_at_desk(&mut self, reservation: &Reservation) {
        let Reservation { id, schedule, user, .. } = *reservation;
        let payment = reservation.payment.as_ref().expect("what is sold has a payment");
        let is_gift = payment.source == PaymentSource::Gift;
        assert!(payment.source != PaymentSource::Wallet, "the box office has no wallet");
        let sells = matches!(self.settings.state, SaleState::Open | SaleState::Closed);
        assert!(is_gift || sells, "{id} was sold while the sale was {:?}", self.settings.state);
        assert!(!self.is_called_off(schedule), "what is called off is not sold");
        assert!(payment.at < self.starts_at(schedule), "{id} was sold after the performance had begun");
        let earlier = self.reservations.values().find(|order| order.user == user);
        assert_eq!(earlier, None, "a request sells once");
        let now = (ReservationStatus::Reserved, PaymentStatus::Done, 0, payment.amount);
        let is = (reservation.status, payment.status, payment.refunded, reservation.amount);
        assert_eq!(is, now);
        for seat in &reservation.seats {
            assert_eq!(self.seat(schedule, *seat), SeatNow::Free, "{seat} of {schedule} has a holder");
            let price = if is_gift { 0 } else { self.schedules[&schedule].price(*seat) };
            self.taken_for.insert((id, *seat), price);
        }
        self.prove_prices(reservation);
        let tickets = payment.tickets.iter().filter(|ticket| ticket.is_valid());
        let told = tickets.map(|ticket| (ticket.seat, ticket.price));
        let due = reservation.seats.iter().map(|seat| (*seat, reservation.price(*seat)));
        assert!(told.eq(due), "a ticket for each seat, which says what was paid");
        self.keep_reservation(reservation);
        for seat in &reservation.seats {
            self.seats.insert((schedule, *seat), id);
            self.seat_is(schedule, *seat, SeatNow::Sold);
        }
        self.user_seats.entry(user).or_default().push((self.moment, reservation.seats.len()));
    }

    /// Nobody pays for a seat what it did not cost when they took it.
    fn prove_prices(&self, reservation: &Reservation) {
        let of = &self.schedules[&reservation.schedule];
        let imported = |seat: SeatId| of.imported[usize::from(of.categories[seat.0 as usize])];
        let mut sum = 0;
        for seat in &reservation.seats {
            let price = self.taken_for[&(reservation.id, *seat)];
            let written = reservation.price(*seat).unwrap_or_else(|| imported(*seat));
            assert_eq!(written, price, "{seat} of {}", reservation.id);
            sum += price;
        }
        assert_eq!(reservation.amount, sum, "{} costs what it cost when it was held", reservation.id);
    }

    /// Nobody takes seats beyond what one user may have; what they have already stays, whatever the limit becomes.
    fn prove_seats_of_user(&mut self, event: &Event) {
        let (reservation, more, fewer) = match event {
            Event::SeatsHeld { reservation, seats, .. } => (reservation, seats.len(), 0),
            Event::SeatsReleased { reservation, seats } => (reservation, 0, seats.len()),
            Event::Refunded(Refunded { reservation, seats, .. }) => (reservation, 0, seats.len()),
            Event::ReservationEnded { reservation, .. } => (reservation, 0, reservation.seats.len()),
            _ => return,
        };
        let seats = self.seats_of_user(reservation.user) + more - fewer;
        let max = self.rules().seats_per_user_max as usize;
        assert!(
            more == 0 || max == 0 || seats <= max,
            "{} has {seats} seats, {max} are allowed",
            reservation.user
        );
        self.user_seats.entry(reservation.user).or_default().push((self.moment, seats));
    }

    fn seats_of_user(&self, user: UserId) -> usize {
        self.user_seats.get(&user).and_then(|had| had.last()).map_or(0, |(_, seats)| *seats)
    }

    /// Would a user have had more than `max` seats with so many more, at any time since `since`?
    pub fn was_at_limit(&self, user: UserId, since: Moment, more: usize, max: u32) -> bool {
        let had = self.user_seats.get(&user).map_or(&[][..], Vec::as_slice);
        let before = had.iter().rev().find(|(moment, _)| *moment <= since).map_or(0, |(_, seats)| *seats);
        let since = had.iter().filter(|(moment, _)| *moment > since).map(|(_, seats)| *seats);
        max > 0 && since.chain([before]).any(|seats| seats + more > max as usize)
    }

    /// The guests of an address hold no more than their share of a house, whoever ran the sale before.
    fn prove_guests_share(&self, reservation: &Reservation) {
        let Some(block) = reservation.guest_of else { return };
        let of_them = |r: &&Reservation| r.schedule == reservation.schedule && r.guest_of == Some(block);
        let seats: usize = self.held().filter(of_them).map(|r| r.seats.len()).sum();
        let house = self.for_sale(reservation.schedule) as u64;
        let max = self.rules().guest_seats.max(house);
        assert!(seats as u64 <= max, "the guests of {block:?} hold {seats} seats, {max} are allowed");
    }

    /// Did this user let these seats run out?
    pub fn has_let_run_out(&self, user: UserId, seats: &[SeatId], command: &Command) -> bool {
        let (Command::Hold { schedule, .. } | Command::HoldBest { schedule, .. }) = command else {
            return false;
        };
        seats.iter().all(|seat| self.lapses(user).any(|r| r.schedule == *schedule && r.seats.contains(seat)))
    }

    fn lapses(&self, user: UserId) -> impl Iterator<Item = &Reservation> {
        self.reservations.values().filter(move |r| r.user == user && r.status == ReservationStatus::Expired)
    }

    /// A seat whose hold ran out is not held again by the same user for a while, and the longer the more often that
    /// happened. `at` is no earlier than the hold was decided.
    fn prove_no_hold_comes_too_early(&self, event: &Event, at: Timestamp) {
        let Event::SeatsHeld { reservation, seats, .. } = event else { return };
        let after = self.rules().hold_again_after;
        let lately = |r: &&Reservation| {
            !self.planted.contains(&r.id) && r.ended_at.is_some_and(|ended| at.since(ended) < REMEMBERED)
        };
        let times = self.lapses(reservation.user).filter(lately).count() as u32;
        for lapse in self.lapses(reservation.user).filter(lately) {
            let again =
                lapse.schedule == reservation.schedule && lapse.seats.iter().any(|s| seats.contains(s));
            let ended = lapse.ended_at.expect("what ended has its time");
            let wait = after.saturating_mul(1 << times.saturating_sub(1).min(4)).min(REMEMBERED);
            assert!(!again || at >= ended + wait, "{} was held again {wait:?} too early", lapse.id);
        }
    }

    /// Somebody has changed a row behind the server's back.
    pub fn plant_token(&mut self, record: &TokenRecord) {
        self.token_versions.entry(record.entry).or_default().push(record.clone());
        self.tokens.insert(record.entry, record.clone());
        self.planted_tokens.insert(record.entry);
    }

    pub fn plant_reservation(&mut self, reservation: &Reservation) {
        self.keep_reservation(reservation);
        self.planted.insert(reservation.id);
        self.ever_planted.insert(reservation.id);
    }

    fn end_token(&mut self, record: &TokenRecord, outages: Duration) {
        let before = self.tokens[&record.entry].clone();
        assert_eq!(self.live.remove(&record.user), Some(record.entry), "only a live token ends");
        assert!(!self.held().any(|r| r.user == record.user), "who has ended holds nothing");
        let ended_at = record.ended_at.expect("what ended has its time") - outages;
        let waited = self.waiting.remove(&record.entry);
        match record.status {
            TokenStatus::Waiting | TokenStatus::Progress => panic!("{record:?} has ended"),
            TokenStatus::Done => assert!(
                self.did(record.user, self.moment.saturating_sub(8), Deed::Paid),
                "who is done has bought"
            ),
            TokenStatus::Expired(ExpiryReason::Left) => self.did_now(record.user, Deed::Left),
            TokenStatus::Expired(ExpiryReason::Away) => assert!(waited, "only who waits is away"),
            TokenStatus::Expired(ExpiryReason::Closed) => {
                assert!(
                    waited && self.settings.state == SaleState::Closed,
                    "only a closed sale dissolves its line"
                );
            }
            TokenStatus::Expired(ExpiryReason::Idle) => assert!(!waited, "only who is admitted is idle"),
            TokenStatus::Expired(ExpiryReason::Time) => {
                let over = before.expires_at.expect("an admission has its end");
                assert!(ended_at >= over, "{} ended before its time", record.entry);
            }
        }
        self.ran_out.remove(&record.entry);
        self.keep_token(record);
    }

    fn free(&mut self, reservation: &Reservation, seats: &[SeatId]) {
        for seat in seats {
            let by = self.seats.remove(&(reservation.schedule, *seat));
            assert_eq!(by, Some(reservation.id), "{seat} of {} was another's", reservation.schedule);
            self.seat_is(reservation.schedule, *seat, SeatNow::Free);
        }
    }

    fn seat_is(&mut self, schedule: ScheduleId, seat: SeatId, now: SeatNow) {
        self.seat_changes.entry((schedule, seat)).or_default().push((self.moment, now));
    }

    fn did_now(&mut self, user: UserId, deed: Deed) {
        self.user_events.entry(user).or_default().push((self.moment, deed));
    }

    fn keep_token(&mut self, record: &TokenRecord) {
        self.did_now(record.user, Deed::Token(record.status));
        self.token_versions.entry(record.entry).or_default().push(record.clone());
        self.tokens.insert(record.entry, record.clone());
    }

    fn keep_reservation(&mut self, reservation: &Reservation) {
        self.planted.remove(&reservation.id);
        self.reservation_versions.entry(reservation.id).or_default().push(reservation.clone());
        self.reservations.insert(reservation.id, reservation.clone());
    }
}

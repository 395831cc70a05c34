//! A sale's rows as its journal has them: the journal folded, from its first row, into what the tables must hold. The
//! audit compares the two, and `tests/spec/fold/` proves column by column that nothing is missing.
//!
//! Always: an event that does not follow from those before it is named, and counts all the same, as the last word.
//! Not here, because no journal has it: ticket codes (empty), which are credentials, where guests came from, and charges,
//! which are of no sale. Queue tokens are here if the sale's secret is known; random ones, of before, are nil.
//!
//! A part of a journal is folded in the same way, onto the rows of before that it names (`Touched`, `Base`). Of what had ended there
//! already the part may still tell how, which is no news (`table_writer`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::ends::Ends;
use super::journal::{self, Entry, InLedger, SeatsChange, SeatsEntry, Taken};
use super::rows::{Became, PaymentRow, Rows, ScheduleRow, SeatChange, SeatRow, seats_since_paid};
use super::{SeatStatus, words};
use crate::domain::concert::TextsPatch;
use crate::domain::event::{
    CalledOff, HoldEnd, HouseSeats, PriceChange, RefundWhy, Rescheduled, ScheduleAdded,
};
use crate::domain::ids::{
    AddressBlock, ConcertId, EntryNo, PaymentId, QueueToken, ReservationId, ScheduleId, SeatId, TicketId,
    UserId,
};
use crate::domain::record::{
    LedgerEntry, LedgerKind, Payment, PaymentSource, PaymentStatus, Reservation, ReservationStatus,
    ScheduleState, Ticket, TokenRecord, TokenStatus,
};
use crate::domain::rules::SaleSettings;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::domain::token_secret::TokenSecret;
use crate::venue::VenueLayout;

/// A row as far as the journal has it.
#[derive(Clone, Debug)]
pub struct Folded<T> {
    pub row: T,
    /// Older journals lack amounts, payments and the times of events, for which the row's own stands in.
    pub is_whole: bool,
}

/// A performance as far as the journal has it.
#[derive(Clone, Debug, Default)]
pub struct FoldedSchedule {
    /// The number of its seats.
    pub seats: u32,
    /// When it starts, if it was moved: the journal does not have the first start.
    pub starts_at: Option<Timestamp>,
    pub state: ScheduleState,
    pub reason: Option<Box<str>>,
}

/// The rows that a part of a journal is folded onto: those that it touches, as they were before it. More of them do no harm.
#[derive(Clone, Debug)]
pub struct Base {
    pub concert: ConcertId,
    /// As for `FoldedSale::new`.
    pub token_secret: Option<TokenSecret>,
    pub layout: Arc<VenueLayout>,
    pub schedules: BTreeMap<ScheduleId, BaseSchedule>,
    /// The number of places in line that were given.
    pub places: u64,
    pub tokens: Vec<TokenRecord>,
    /// Seats that are not free.
    pub taken: HashMap<(ScheduleId, SeatId), (SeatStatus, ReservationId)>,
    pub reservations: Vec<Reservation>,
}

#[derive(Clone, Debug, Default)]
pub struct BaseSchedule {
    pub folded: FoldedSchedule,
    /// The price of each category that does not cost what the layout says.
    pub prices: BTreeMap<u16, Money>,
}

impl Base {
    /// With performances as they were before these events, which come after the other rows. What operators change of
    /// performances is written together with its event, and so may be ahead of those rows.
    pub fn before<'e>(mut self, entries: impl DoubleEndedIterator<Item = &'e Entry>) -> Self {
        for entry in entries.rev() {
            match entry {
                Entry::Perform(added) => drop(self.schedules.remove(&added.schedule)),
                Entry::Price { schedule, changed, .. } => {
                    let prices = &mut self.schedules.entry(*schedule).or_default().prices;
                    for PriceChange { category, before, .. } in changed {
                        let imported = self.layout.categories.get(usize::from(*category));
                        match imported.is_some_and(|of| of.price == *before) {
                            true => prices.remove(category),
                            false => prices.insert(*category, *before),
                        };
                    }
                }
                Entry::Postpone(moved) => {
                    self.schedules.entry(moved.schedule).or_default().folded.starts_at = Some(moved.before);
                }
                Entry::CallOff(off) => {
                    self.schedules.entry(off.schedule).or_default().folded.state = ScheduleState::Planned;
                }
                _ => {}
            }
        }
        self
    }

    fn imported_price(&self, seat: SeatId) -> Option<Money> {
        let category = *self.layout.seats.category.get(seat.0 as usize)?;
        Some(self.layout.categories.get(usize::from(category))?.price)
    }
}

/// The rows of places in line, seats and reservations that a part of a journal changes, and so those of before that it
/// has to be folded onto.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    pub tokens: BTreeSet<EntryNo>,
    pub seats: BTreeSet<(ScheduleId, SeatId)>,
    pub reservations: BTreeSet<ReservationId>,
}

impl Touched {
    pub fn by<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        let mut touched = Self::default();
        entries.into_iter().for_each(|entry| touched.add(entry));
        touched
    }

    fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Join { entry, .. } | Entry::Admit { entry, .. } | Entry::End { entry, .. } => {
                self.tokens.insert(*entry);
            }
            Entry::Seats(SeatsEntry { reservation, schedule, seats, .. }) => {
                self.reservations.insert(*reservation);
                self.seats.extend(seats.iter().map(|seat| (*schedule, *seat)));
            }
            Entry::Restrict(HouseSeats { schedule, seats, .. })
            | Entry::Unrestrict(HouseSeats { schedule, seats, .. }) => {
                self.seats.extend(seats.iter().map(|seat| (*schedule, *seat)));
            }
            // Seats of a performance are there, and free or the house's, before there is a row of the journal about it.
            Entry::New { .. } | Entry::Perform(_) => {}
            // Of the concert's own row, or of its performances'.
            Entry::Set { .. } | Entry::Describe { .. } | Entry::Archive { .. } => {}
            Entry::Price { .. } | Entry::Postpone(_) | Entry::CallOff(_) => {}
            Entry::Claim { .. } | Entry::Void | Entry::Repair { .. } => {}
        }
    }
}

/// Places in line that follow each other and were left out, at most: a number that makes no sense must not be passed over to.
const LEFT_OUT_TOGETHER_MAX: u64 = 10_000;

/// A sale's tables, made from its journal.
#[derive(Debug)]
pub struct FoldedSale {
    concert: ConcertId,
    /// What its tokens are made with, if it is known.
    token_secret: Option<TokenSecret>,
    schedules: BTreeMap<ScheduleId, FoldedSchedule>,
    settings: Option<SaleSettings>,
    /// What is said of the concert, as far as it was ever changed.
    texts: TextsPatch,
    /// Since when everything is over.
    archived: Option<Timestamp>,
    /// What free seats of a schedule's categories were imported with and cost now, where that was ever changed.
    prices: BTreeMap<ScheduleId, BTreeMap<u16, (Money, Money)>>,
    /// What each seat of a held reservation costs, ascending.
    held_prices: HashMap<ReservationId, Vec<(SeatId, Money)>>,
    /// The number of places in line that were given before the first row that is folded, and those of them that are known.
    places_before: u64,
    tokens_before: BTreeMap<EntryNo, Folded<TokenRecord>>,
    /// The tokens by entry number, from there on. `None`: the tables do not have it, by an operator's word.
    tokens: Vec<Option<Folded<TokenRecord>>>,
    /// Places in line that are not among them for that reason; `None`: not known, as only a part of the journal is folded.
    left_out: Option<BTreeSet<EntryNo>>,
    /// Seats that are not free, and those that were not before the first row that is folded.
    taken: HashMap<(ScheduleId, SeatId), (SeatStatus, ReservationId)>,
    taken_before: HashMap<(ScheduleId, SeatId), (SeatStatus, ReservationId)>,
    reservations: BTreeMap<ReservationId, Folded<Reservation>>,
    /// What had ended before the first row that is folded, as rows are ahead that were written as they ended.
    ended_before: HashSet<Ends>,
    /// Payments and refunds, in their order.
    ledger: Vec<LedgerEntry>,
}

impl FoldedSale {
    /// `token_secret` is that of the concert's row; `None`: it has none, as nobody ran the sale since there are secrets.
    pub fn new(concert: ConcertId, token_secret: Option<TokenSecret>) -> Self {
        Self {
            concert,
            token_secret,
            schedules: BTreeMap::new(),
            settings: None,
            texts: TextsPatch::default(),
            archived: None,
            prices: BTreeMap::new(),
            held_prices: HashMap::new(),
            places_before: 0,
            tokens_before: BTreeMap::new(),
            tokens: Vec::new(),
            left_out: Some(BTreeSet::new()),
            taken: HashMap::new(),
            taken_before: HashMap::new(),
            reservations: BTreeMap::new(),
            ended_before: HashSet::new(),
            ledger: Vec::new(),
        }
    }

    /// The sale as these rows have it, for the part of its journal that follows.
    pub fn on(base: Base) -> Self {
        let mut sale = Self::new(base.concert, base.token_secret.clone());
        sale.places_before = base.places;
        sale.left_out = None;
        for row in base.reservations.iter().filter(|row| row.status == ReservationStatus::TempReserved) {
            let seats = row.seats.iter();
            let costs = |seat: &SeatId| row.price(*seat).or_else(|| base.imported_price(*seat));
            let costs = seats.map(|seat| Some((*seat, costs(seat)?))).collect::<Option<_>>();
            sale.held_prices.extend(costs.map(|costs| (row.id, costs)));
        }
        for (id, BaseSchedule { folded, prices }) in base.schedules {
            let imported = |of: u16| base.layout.categories.get(usize::from(of)).map(|of| of.price);
            let prices = prices.iter().filter_map(|(of, now)| Some((*of, (imported(*of)?, *now))));
            sale.prices.insert(id, prices.collect());
            sale.schedules.insert(id, folded);
        }
        let is_over =
            |row: &&TokenRecord| !matches!(row.status, TokenStatus::Waiting | TokenStatus::Progress);
        let over = base.tokens.iter().filter(is_over);
        sale.ended_before.extend(over.map(|row| Ends::Token(row.entry)));
        let over = base.reservations.iter().filter(|row| row.status != ReservationStatus::TempReserved);
        sale.ended_before.extend(over.map(|row| Ends::Hold(row.id)));
        let tokens = base.tokens.into_iter().map(|row| (row.entry, Folded { row, is_whole: true }));
        sale.tokens_before = tokens.collect();
        let reservations = base.reservations.into_iter().map(|row| (row.id, Folded { row, is_whole: true }));
        sale.reservations = reservations.collect();
        sale.taken_before = base.taken.clone();
        sale.taken = base.taken;
        sale
    }

    /// Adds an event of the row that was written at `at`; events come in their order. The error says what does not follow
    /// from those before it.
    pub fn add(&mut self, at: Timestamp, entry: &Entry) -> Result<(), String> {
        if ends_of(entry).is_some_and(|of| self.ended_before.contains(&of)) {
            return self.ended_so(at, entry);
        }
        match entry {
            Entry::New { schedules, settings, restricted } => {
                let of = |seats: u32| FoldedSchedule { seats, ..FoldedSchedule::default() };
                self.schedules = schedules.iter().map(|(id, seats)| (*id, of(*seats))).collect();
                for (schedule, _) in schedules {
                    self.pass(*schedule, restricted, None, Some(self.house()))?;
                }
                settings.as_ref().map_or(Ok(()), |settings| self.set(settings))
            }
            Entry::Claim { .. } | Entry::Void | Entry::Repair { .. } => Ok(()),
            Entry::Join { entry, user, late, is_made } => {
                self.join(*entry, *user, moment(at, *late), late.is_some(), *is_made)
            }
            Entry::Admit { entry, user, expires_at, late } => {
                self.step(*entry, *user, &[TokenStatus::Waiting], late.is_some(), |token| {
                    token.status = TokenStatus::Progress;
                    token.admitted_at = Some(moment(at, *late));
                    token.expires_at = Some(*expires_at);
                })
            }
            Entry::End { entry, user, why, late } => {
                let status = token_end_of(why)
                    .ok_or_else(|| format!("entry {entry} ended, and {why:?} is no reason"))?;
                let live = [TokenStatus::Waiting, TokenStatus::Progress];
                self.step(*entry, *user, &live, late.is_some(), |token| {
                    token.status = status;
                    token.ended_at = Some(moment(at, *late));
                })
            }
            Entry::Describe { before, after, .. } => self.describe(before, after),
            Entry::Price { schedule, changed, .. } => self.price(*schedule, changed),
            Entry::Set { after, .. } => self.set(after),
            Entry::Restrict(HouseSeats { schedule, seats, .. }) => {
                self.pass(*schedule, seats, None, Some(self.house()))
            }
            Entry::Unrestrict(HouseSeats { schedule, seats, .. }) => {
                self.pass(*schedule, seats, Some(self.house()), None)
            }
            Entry::Perform(added) => self.added(added),
            Entry::Postpone(moved) => self.moved(moved),
            Entry::CallOff(off) => self.called_off(off),
            Entry::Archive { late, .. } => {
                let before = self.archived.replace(moment(at, Some(*late)));
                follows(before.is_none(), || "the concert is archived again".to_owned())
            }
            Entry::Seats(change) => {
                let seats = self.seats_change(change);
                let reservation = self.reservation_changes(at, change);
                seats.and(reservation)
            }
        }
    }

    /// What had ended before ended as this event says, if it says so.
    fn ended_so(&self, at: Timestamp, entry: &Entry) -> Result<(), String> {
        match entry {
            Entry::End { entry, user, why, late } => {
                let row = self.tokens_before.get(entry).map(|folded| &folded.row);
                let is_so = row.is_some_and(|row| {
                    let moment = late.is_none_or(|_| row.ended_at == Some(moment(at, *late)));
                    Some(row.status) == token_end_of(why) && row.user == *user && moment
                });
                follows(is_so, || format!("entry {entry} of user {user} ended before, and otherwise"))
            }
            Entry::Seats(SeatsEntry { reservation, user, change, .. }) => {
                let row = self.reservations.get(reservation).map(|folded| &folded.row);
                let is_so = row.is_some_and(|row| match change {
                    SeatsChange::Lapse { why, late } => {
                        let moment = late.is_none_or(|_| row.ended_at == Some(moment(at, *late)));
                        journal::hold_end_of(why).map(HoldEnd::leaves) == Some(row.status) && moment
                    }
                    SeatsChange::Pay { payment: Some(paid), .. } => {
                        row.payment.as_ref().is_some_and(|payment| payment.id == paid.id)
                    }
                    _ => true,
                });
                follows(is_so && row.is_some_and(|row| row.user == *user), || {
                    format!("reservation {reservation} of user {user} ended before, and otherwise")
                })
            }
            _ => Ok(()),
        }
    }

    /// Passes an event over that the tables do not have, by an operator's word.
    pub fn leave_out(&mut self, entry: &Entry) {
        if let (Entry::Join { entry, .. }, Some(left_out)) = (entry, &mut self.left_out) {
            left_out.insert(*entry);
        }
    }

    /// Was a place in line given that the tables do not have?
    pub fn is_left_out(&self, entry: EntryNo) -> bool {
        self.left_out.as_ref().is_none_or(|left_out| left_out.contains(&entry))
    }

    /// Where guests come from who hold after a row.
    pub fn add_guests(&mut self, guests: &[(ReservationId, AddressBlock)]) {
        for (id, block) in guests {
            if let Some(Folded { row, .. }) = self.reservations.get_mut(id)
                && row.status == ReservationStatus::TempReserved
            {
                row.guest_of = Some(*block);
            }
        }
    }

    fn set(&mut self, value: &serde_json::Value) -> Result<(), String> {
        self.settings = journal::settings_of(value);
        self.settings.as_ref().map(drop).ok_or_else(|| format!("{value} are no settings of a sale"))
    }

    fn describe(&mut self, before: &TextsPatch, after: &TextsPatch) -> Result<(), String> {
        let mut fault = Ok(());
        if let (Some(known), Some(before)) = (&self.texts.title, &before.title)
            && known != before
        {
            fault = Err(format!("the title was {known:?} instead of {before:?}"));
        }
        if let (Some(known), Some(before)) = (&self.texts.about, &before.about)
            && known != before
        {
            fault = Err(format!("its page said {known:?} instead of {before:?}"));
        }
        let TextsPatch { title, about } = after.clone();
        self.texts =
            TextsPatch { title: title.or(self.texts.title.take()), about: about.or(self.texts.about.take()) };
        fault
    }

    /// Since when everything is over, UTC.
    pub fn archived(&self) -> Option<Timestamp> {
        self.archived
    }

    /// What is said of the concert, as far as it was ever changed.
    pub fn texts(&self) -> &TextsPatch {
        &self.texts
    }

    fn price(&mut self, schedule: ScheduleId, changed: &[PriceChange]) -> Result<(), String> {
        let prices = self.prices.entry(schedule).or_default();
        let mut fault = Ok(());
        for PriceChange { category, name, before, after } in changed {
            let (_, price) = prices.entry(*category).or_insert((*before, *before));
            let known = std::mem::replace(price, *after);
            if known != *before {
                fault = Err(format!("{name:?} of schedule {schedule} cost {known} instead of {before}"));
            }
        }
        follows(self.schedules.contains_key(&schedule), || format!("schedule {schedule} does not exist"))?;
        fault
    }

    /// The price of each category of a schedule that does not cost what it was imported with.
    pub fn own_prices(&self, schedule: ScheduleId) -> Vec<(u16, Money)> {
        let all = self.prices.get(&schedule).into_iter().flatten();
        all.filter(|(_, (imported, now))| imported != now).map(|(of, (_, now))| (*of, *now)).collect()
    }

    fn schedule(&mut self, schedule: ScheduleId) -> Result<&mut FoldedSchedule, String> {
        self.schedules.get_mut(&schedule).ok_or_else(|| format!("performance {schedule} is not here"))
    }

    fn added(&mut self, added: &ScheduleAdded) -> Result<(), String> {
        let ScheduleAdded { schedule, starts_at, seats, .. } = *added;
        let of = FoldedSchedule { seats, starts_at: Some(starts_at), ..FoldedSchedule::default() };
        let before = self.schedules.insert(schedule, of);
        let priced = self.price(schedule, &added.prices);
        follows(before.is_none(), || format!("performance {schedule} is there already"))?;
        priced
    }

    fn moved(&mut self, moved: &Rescheduled) -> Result<(), String> {
        let folded = self.schedule(moved.schedule)?;
        let before = folded.starts_at.replace(moved.after);
        folded.reason.clone_from(&moved.reason);
        let is_planned = folded.state == ScheduleState::Planned;
        follows(is_planned && before.is_none_or(|before| before == moved.before), || {
            format!("performance {} was called off or moved to another time before", moved.schedule)
        })
    }

    fn called_off(&mut self, off: &CalledOff) -> Result<(), String> {
        let folded = self.schedule(off.schedule)?;
        let before = std::mem::replace(&mut folded.state, ScheduleState::CalledOff);
        folded.reason = Some(off.reason.clone());
        follows(before == ScheduleState::Planned, || {
            format!("performance {} is called off again", off.schedule)
        })
    }

    fn join(
        &mut self,
        entry: EntryNo,
        user: UserId,
        entered_at: Timestamp,
        is_whole: bool,
        is_made: bool,
    ) -> Result<(), String> {
        // The last one that was left out may have been given again, and is not passed over then.
        let is_near = entry.0.saturating_sub(self.places()) <= LEFT_OUT_TOGETHER_MAX;
        while is_near && self.places() < entry.0 && self.is_left_out(EntryNo(self.places())) {
            self.tokens.push(None);
        }
        let next = EntryNo(self.places());
        let secret = self.token_secret.as_ref().filter(|_| is_made);
        let token = secret.map(|secret| secret.token(self.concert, next, user, entered_at));
        let is_known = token.is_some() == is_made;
        let row = TokenRecord {
            concert: self.concert,
            entry: next,
            token: token.unwrap_or(QueueToken(Uuid::nil())),
            user,
            status: TokenStatus::Waiting,
            entered_at,
            admitted_at: None,
            expires_at: None,
            ended_at: None,
        };
        self.tokens.push(Some(Folded { row, is_whole }));
        follows(is_known, || format!("entry {entry} has a token of the sale's secret, which is not there"))?;
        follows(entry == next, || format!("entry {entry} joins where {next} is next"))
    }

    fn step(
        &mut self,
        entry: EntryNo,
        user: UserId,
        from: &[TokenStatus],
        is_whole: bool,
        change: impl FnOnce(&mut TokenRecord),
    ) -> Result<(), String> {
        let folded = match entry.0.checked_sub(self.places_before) {
            Some(later) => usize::try_from(later).ok().and_then(|later| self.tokens.get_mut(later)?.as_mut()),
            None => self.tokens_before.get_mut(&entry),
        };
        let folded = folded.ok_or_else(|| format!("entry {entry} never joined"))?;
        let (before, of) = (folded.row.status, folded.row.user);
        folded.is_whole &= is_whole;
        change(&mut folded.row);
        follows(of == user && from.contains(&before), || {
            format!("entry {entry} of user {of} was {} before", words::token_status(before).0)
        })
    }

    fn seats_change(&mut self, change: &SeatsEntry) -> Result<(), String> {
        let id = change.reservation;
        let held = Some((SeatStatus::TempReserved, id));
        let sold = Some((SeatStatus::Reserved, id));
        let (from, to) = match change.change {
            SeatsChange::Hold { .. } | SeatsChange::Add { .. } => (None, held),
            SeatsChange::Release { .. } | SeatsChange::Lapse { .. } => (held, None),
            SeatsChange::Pay { .. } => (held, sold),
            SeatsChange::Sell { .. } => (None, sold),
            SeatsChange::Refund { .. } => (sold, None),
            SeatsChange::Move { .. } => {
                let [from, to] = change.seats[..] else { return Err(format!("reservation {id}: no move")) };
                let left = self.pass(change.schedule, &[from], sold, None);
                return left.and(self.pass(change.schedule, &[to], None, sold));
            }
        };
        self.pass(change.schedule, &change.seats, from, to)
    }

    /// The state of a seat that the house keeps.
    fn house(&self) -> (SeatStatus, ReservationId) {
        (SeatStatus::Reserved, ReservationId::house(self.concert))
    }

    /// Seats pass from one to another; `None` has them while they are free.
    fn pass(
        &mut self,
        schedule: ScheduleId,
        seats: &[SeatId],
        from: Option<(SeatStatus, ReservationId)>,
        to: Option<(SeatStatus, ReservationId)>,
    ) -> Result<(), String> {
        let mut fault = Ok(());
        for &seat in seats {
            let key = (schedule, seat);
            let before = match to {
                Some(state) => self.taken.insert(key, state),
                None => self.taken.remove(&key),
            };
            if before != from {
                let (before, expected) = (state_in_words(before), state_in_words(from));
                fault = Err(format!("seat {schedule}:{seat} was {before} instead of {expected}"));
            }
            if self.schedules.get(&schedule).is_none_or(|known| seat.0 >= known.seats) {
                fault = Err(format!("seat {schedule}:{seat} does not exist"));
            }
        }
        fault
    }

    fn reservation_changes(&mut self, at: Timestamp, change: &SeatsEntry) -> Result<(), String> {
        let SeatsEntry { reservation: id, schedule, user, ref seats, .. } = *change;
        let is_repriced = !self.own_prices(schedule).is_empty();
        if let SeatsChange::Hold { expires_at, late, taken } = &change.change {
            let mut row = Reservation {
                id,
                concert: self.concert,
                schedule,
                user,
                status: ReservationStatus::TempReserved,
                seats: Vec::new(),
                prices: Vec::new(),
                amount: 0,
                opened_at: moment(at, *late),
                expires_at: *expires_at,
                ended_at: None,
                best_requests: Vec::new(),
                guest_of: None,
                payment: None,
            };
            let prices = self.held_prices.entry(id).or_default();
            let is_whole = more_seats(&mut row, prices, seats, taken.as_ref(), is_repriced) && late.is_some();
            let before = self.reservations.insert(id, Folded { row, is_whole });
            return follows(before.is_none(), || format!("reservation {id} is opened again"));
        }
        if let SeatsChange::Sell { expires_at, prices, late, payment, tickets, source, .. } = &change.change {
            let (at, amount) = (moment(at, Some(*late)), prices.iter().sum());
            let mut row = Reservation {
                id,
                concert: self.concert,
                schedule,
                user,
                status: ReservationStatus::Reserved,
                seats: seats.clone(),
                prices: prices.clone(),
                amount,
                opened_at: at,
                expires_at: *expires_at,
                ended_at: Some(at),
                best_requests: Vec::new(),
                guest_of: None,
                payment: None,
            };
            row.payment = Some(payment_of(&row, (*payment, tickets, *source), amount, at));
            let before = self.reservations.insert(id, Folded { row, is_whole: true });
            return follows(before.is_none(), || format!("reservation {id} is sold again"));
        }
        let Some(Folded { row, is_whole }) = self.reservations.get_mut(&id) else {
            return Err(format!("reservation {id} was never opened"));
        };
        let before = row.status;
        let (was, is_all) = match &change.change {
            SeatsChange::Hold { .. } | SeatsChange::Sell { .. } => return Ok(()),
            SeatsChange::Add { taken } => {
                let prices = self.held_prices.entry(id).or_default();
                *is_whole &= more_seats(row, prices, seats, taken.as_ref(), is_repriced);
                (ReservationStatus::TempReserved, true)
            }
            SeatsChange::Release { amount } => {
                let are_its = seats.iter().all(|seat| row.seats.contains(seat));
                let kept: Vec<_> = row.seats.iter().copied().filter(|seat| !seats.contains(seat)).collect();
                row.keep(&kept);
                if let Some(prices) = self.held_prices.get_mut(&id) {
                    prices.retain(|(seat, _)| !seats.contains(seat));
                }
                row.amount = amount.unwrap_or(row.amount);
                *is_whole &= amount.is_some();
                (ReservationStatus::TempReserved, are_its)
            }
            SeatsChange::Lapse { why, late } => {
                let why = journal::hold_end_of(why)
                    .ok_or_else(|| format!("reservation {id} ended, and {why:?} is no reason"))?;
                *is_whole &= late.is_some();
                self.held_prices.remove(&id);
                end(row, why.leaves(), moment(at, *late));
                (ReservationStatus::TempReserved, row.seats == *seats)
            }
            SeatsChange::Pay { amount, late, payment } => {
                let paid_at = moment(at, *late);
                *is_whole &= payment.is_some();
                self.held_prices.remove(&id);
                end(row, ReservationStatus::Reserved, paid_at);
                if let Some(paid) = payment {
                    let of = (paid.id, &paid.tickets[..], PaymentSource::Wallet);
                    row.payment = Some(payment_of(row, of, *amount, paid_at));
                    let entry = (LedgerKind::Payment, -*amount);
                    self.ledger.push(ledger_entry(row, entry, paid.id, paid.ledger, paid_at));
                }
                if *is_whole && row.amount != *amount {
                    return Err(format!("reservation {id} costs {}, and {amount} was paid", row.amount));
                }
                (ReservationStatus::TempReserved, row.seats == *seats)
            }
            SeatsChange::Refund { amount, late, ledger, why, is_all } => {
                let refunded_at = moment(at, *late);
                *is_whole &= late.is_some();
                // It names those that it had last.
                let are_its = seats.iter().all(|seat| row.seats.contains(seat));
                let fits = are_its && *is_all == (row.seats == *seats);
                let given = if *is_all { &row.seats.clone() } else { seats };
                *row = row.clone().refunded(given, *amount, refunded_at, why.reason());
                if let (Some(payment), Some(ledger)) = (&row.payment, ledger) {
                    let entry = (LedgerKind::Refund, *amount);
                    self.ledger.push(ledger_entry(row, entry, payment.id, *ledger, refunded_at));
                }
                let is_off =
                    self.schedules.get(&schedule).map(|of| of.state) == Some(ScheduleState::CalledOff);
                let source = row.payment.as_ref().map(|payment| payment.source);
                if let (Some(source), Some(_)) = (source, late)
                    && (source == PaymentSource::Wallet) != ledger.is_some()
                {
                    let source = words::payment_source(source);
                    return Err(format!("reservation {id} was paid by {source}, and comes back otherwise"));
                }
                if *why == RefundWhy::CalledOff && !is_off {
                    return Err(format!(
                        "reservation {id} is refunded as performance {schedule} is called off, which it is not"
                    ));
                }
                (ReservationStatus::Reserved, fits)
            }
            SeatsChange::Move { prices, late, ticket, .. } => {
                let [from, to] = seats[..] else { return Ok(()) };
                let moved_at = moment(at, Some(*late));
                let are_its = row.seats.contains(&from) && !row.seats.contains(&to);
                let fits = are_its && [0, row.seats.len()].contains(&prices.len());
                let place = row.seats.iter().filter(|seat| **seat != from && **seat < to).count();
                let ticket = Ticket {
                    id: *ticket,
                    schedule,
                    seat: to,
                    price: prices.get(place).copied(),
                    code: Box::default(),
                    cancelled_at: None,
                    moved_from: Some(from),
                    moved_to: None,
                };
                *row = row.clone().moved(from, ticket, prices.clone(), moved_at);
                (ReservationStatus::Reserved, fits)
            }
        };
        follows(before == was && (row.user, row.schedule) == (user, schedule), || {
            let (word, user) = (words::reservation_status(before), row.user);
            format!("reservation {id} of user {user} was {word} before")
        })?;
        follows(is_all, || format!("reservation {id} had other seats before"))
    }

    /// Everything, as a lane would write it into empty tables.
    pub fn rows(&self) -> Rows<'_> {
        let concert = self.concert;
        let seats = self
            .schedules
            .iter()
            .flat_map(|(schedule, of)| (0..of.seats).map(|seat| self.seat_change(*schedule, SeatId(seat))));
        let reservations: Vec<_> = self.reservations.values().map(|folded| &folded.row).collect();
        let paid = reservations.iter().filter_map(|row| Some((*row, row.payment.as_ref()?)));
        let mut payments: Vec<_> = paid
            .clone()
            .map(|(row, payment)| {
                let is_refunded = payment.status == PaymentStatus::Cancelled;
                PaymentRow { concert, payment, cancelled_at: row.ended_at.filter(|_| is_refunded) }
            })
            .collect();
        payments.sort_by_key(|row| (row.cancelled_at.is_none(), row.payment.id));
        let prices_of = |of: &ScheduleId| (concert, *of, Cow::Owned(self.own_prices(*of)));
        let mut ledger: Vec<_> = self.ledger.iter().collect();
        ledger.sort_by_key(|entry| (entry.user, entry.id));
        Rows {
            segment: 0,
            tokens: self.every_token().map(|folded| &folded.row).collect(),
            seats: seats.collect(),
            reservation_seats: paid
                .flat_map(|(row, _)| seats_since_paid(row))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            reservations,
            ended_reservations: Vec::new(),
            payments,
            ledger,
            settings: self.settings.iter().map(|settings| (concert, settings)).collect(),
            // Until they are changed, no journal has them: see `texts`.
            texts: Vec::new(),
            prices: self.schedules.keys().map(prices_of).collect(),
            schedules: self.schedules.iter().flat_map(|(id, folded)| folded.rows(*id)).collect(),
            archived: self.archived.iter().map(|at| (concert, *at)).collect(),
            // A line of it is an event as it stands in the journal: nothing is folded.
            log: Vec::new(),
        }
    }

    /// The places in line and reservations that `touched` names, as they are now, and those of its seats that are not as they were
    /// before the first row that is folded.
    pub fn rows_of(&self, touched: &Touched) -> Rows<'_> {
        let token = |entry: &EntryNo| self.token(*entry).map(|folded| &folded.row);
        let reservation = |id: &ReservationId| self.reservations.get(id).map(|folded| &folded.row);
        let reservations: Vec<_> = touched.reservations.iter().filter_map(reservation).collect();
        let paid = reservations.iter().flat_map(|row| seats_since_paid(row)).collect::<BTreeSet<_>>();
        let changed = |seat: &&(ScheduleId, SeatId)| self.taken.get(*seat) != self.taken_before.get(*seat);
        let seat = |&(schedule, seat): &(ScheduleId, SeatId)| {
            let before = self.taken_before.get(&(schedule, seat)).map(|(_, by)| *by);
            SeatChange { before, ..self.seat_change(schedule, seat) }
        };
        Rows {
            tokens: touched.tokens.iter().filter_map(token).collect(),
            seats: touched.seats.iter().filter(changed).map(seat).collect(),
            reservation_seats: paid.into_iter().collect(),
            reservations,
            ..Rows::default()
        }
    }

    fn seat_change(&self, schedule: ScheduleId, seat: SeatId) -> SeatChange {
        let (status, reservation) = match self.seat((schedule, seat)) {
            Some((status, reservation)) => (status, Some(reservation)),
            None => (SeatStatus::Available, None),
        };
        let row = SeatRow { concert: self.concert, schedule, seat, status, reservation };
        SeatChange { row, before: None }
    }

    /// The status of a seat, and the reservation that has it.
    pub fn seat(&self, seat: (ScheduleId, SeatId)) -> Option<(SeatStatus, ReservationId)> {
        self.taken.get(&seat).copied()
    }

    pub fn token(&self, entry: EntryNo) -> Option<&Folded<TokenRecord>> {
        match entry.0.checked_sub(self.places_before) {
            Some(later) => self.tokens.get(usize::try_from(later).ok()?)?.as_ref(),
            None => self.tokens_before.get(&entry),
        }
    }

    fn every_token(&self) -> impl Iterator<Item = &Folded<TokenRecord>> {
        self.tokens_before.values().chain(self.tokens.iter().flatten())
    }

    /// The number of places in line that the tables have.
    pub fn tokens(&self) -> u64 {
        self.every_token().count() as u64
    }

    /// The number of places in line that were given.
    pub fn places(&self) -> u64 {
        self.places_before + self.tokens.len() as u64
    }

    pub fn reservation(&self, id: ReservationId) -> Option<&Folded<Reservation>> {
        self.reservations.get(&id)
    }

    /// The number of reservations that were opened.
    pub fn reservations(&self) -> u64 {
        self.reservations.len() as u64
    }

    pub fn schedules(&self) -> &BTreeMap<ScheduleId, FoldedSchedule> {
        &self.schedules
    }
}

impl FoldedSchedule {
    /// What a lane wrote of it.
    fn rows(&self, schedule: ScheduleId) -> impl Iterator<Item = ScheduleRow<'_>> {
        let called_off = (self.state == ScheduleState::CalledOff).then_some(Became::CalledOff);
        let became = self.starts_at.map(Became::Moved).into_iter().chain(called_off);
        became.map(move |became| ScheduleRow { schedule, became, reason: self.reason.as_deref() })
    }
}

/// A seat's state in words.
pub fn state_in_words(state: Option<(SeatStatus, ReservationId)>) -> String {
    match state {
        None | Some((SeatStatus::Available, _)) => "free".to_owned(),
        Some((SeatStatus::Reserved, id)) if id.is_house() => "kept by the house".to_owned(),
        Some((SeatStatus::TempReserved, id)) => format!("held by reservation {id}"),
        Some((SeatStatus::Reserved, id)) => format!("sold to reservation {id}"),
    }
}

/// The time at which something happened that was written at `at`, so many milliseconds later.
fn moment(at: Timestamp, late: Option<i64>) -> Timestamp {
    at.shifted(late.unwrap_or_default().saturating_neg())
}

/// What an event is about, if that had not ended before.
pub fn ends_of(entry: &Entry) -> Option<Ends> {
    match entry {
        Entry::Join { entry, .. } | Entry::Admit { entry, .. } | Entry::End { entry, .. } => {
            Some(Ends::Token(*entry))
        }
        Entry::Seats(SeatsEntry { reservation, change, .. }) => match change {
            SeatsChange::Hold { .. }
            | SeatsChange::Add { .. }
            | SeatsChange::Release { .. }
            | SeatsChange::Lapse { .. }
            | SeatsChange::Pay { .. } => Some(Ends::Hold(*reservation)),
            SeatsChange::Sell { .. } | SeatsChange::Refund { .. } | SeatsChange::Move { .. } => None,
        },
        _ => None,
    }
}

fn token_end_of(why: &str) -> Option<TokenStatus> {
    match why {
        "done" => Some(TokenStatus::Done),
        reason => words::token_status_of("EXPIRED", Some(reason)),
    }
}

fn follows(fits: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if fits { Ok(()) } else { Err(fault()) }
}

/// Adds seats to a reservation, whose seats cost `held` so far; `is_repriced`: some category does not cost what it was
/// imported with. `false`: the journal does not say what they cost.
fn more_seats(
    row: &mut Reservation,
    held: &mut Vec<(SeatId, Money)>,
    seats: &[SeatId],
    taken: Option<&Taken>,
    is_repriced: bool,
) -> bool {
    let prices = taken.map_or(&[][..], |taken| &taken.prices);
    // Rows of older versions do not say what each seat costs.
    let is_known = !prices.is_empty() && held.len() == row.seats.len();
    let is_written = is_known && (is_repriced || !row.prices.is_empty());
    if is_written && row.prices.is_empty() {
        row.prices = held.iter().map(|(_, price)| *price).collect();
    }
    row.add(seats, if is_written { prices } else { &[] }, taken.and_then(|taken| taken.request.clone()));
    held.extend(seats.iter().copied().zip(prices.iter().copied()));
    held.sort_unstable();
    row.amount += taken.map_or(0, |taken| taken.prices.iter().sum());
    taken.is_some()
}

fn end(row: &mut Reservation, status: ReservationStatus, at: Timestamp) {
    row.status = status;
    row.ended_at = Some(at);
    row.guest_of = None;
}

fn payment_of(
    row: &Reservation,
    (id, tickets, source): (PaymentId, &[TicketId], PaymentSource),
    amount: Money,
    at: Timestamp,
) -> Payment {
    let ticket = |(id, seat): (_, &SeatId)| Ticket {
        id,
        schedule: row.schedule,
        seat: *seat,
        price: row.price(*seat),
        code: Box::default(),
        cancelled_at: None,
        moved_from: None,
        moved_to: None,
    };
    Payment {
        id,
        reservation: row.id,
        user: row.user,
        source,
        amount,
        status: PaymentStatus::Done,
        at,
        refunded: 0,
        refund_reason: None,
        tickets: tickets.iter().copied().zip(&row.seats).map(ticket).collect(),
    }
}

fn ledger_entry(
    row: &Reservation,
    (kind, amount_change): (LedgerKind, Money),
    payment: PaymentId,
    ledger: InLedger,
    at: Timestamp,
) -> LedgerEntry {
    LedgerEntry {
        id: ledger.id,
        user: row.user,
        kind,
        amount_change,
        balance: ledger.balance,
        at,
        payment: Some(payment),
        request_id: None,
    }
}

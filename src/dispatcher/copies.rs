//! Copies of sales that other servers run: what their owners commit is taken in here as it is there, and published to the fans
//! of this server. Whatever is missing is asked for again, and in the end read in the database.
//!
//! Always: a copy takes in the rows of the journal in their order, each once, and never goes back. An answer that rests on a
//! row is handed on when the copy has it, and what is published to a user before and behind their answer is what was so before
//! and behind it: while somebody waits for an answer, what happens to them waits, too.
//! Not here: the bus, the database, who runs what.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::tables::events_of;
use super::told::{Owner, Told};
use crate::bus::message::{Committed, Running, SaleTime};
use crate::bus::wire;
use crate::domain::event::Event;
use crate::domain::ids::{ConcertId, NodeNo, UserId};
use crate::domain::record::{Reservation, TokenRecord};
use crate::domain::time::Timestamp;
use crate::fanout::{Refusal, SaleView};
use crate::limits;
use crate::store::{LoadedCopy, Missed};

#[derive(Default)]
pub(super) struct Copies {
    sales: BTreeMap<ConcertId, CopyOf>,
}

#[derive(Default)]
struct CopyOf {
    view: Option<Arc<SaleView>>,
    /// Who runs the sale, as far as this copy has heard.
    owner: Option<Owner>,
    /// Those who are present here are to be named to the owner.
    is_new_owner: bool,
    /// Rows that came before their turn.
    ahead: BTreeMap<u64, Frame>,
    ahead_bytes: usize,
    /// The last row that was heard of.
    heard: u64,
    /// Since when rows are missing, and when they were asked for last.
    missing_since: Option<Timestamp>,
    asked_at: Timestamp,
    load: Load,
    /// Answers that rest on rows which are not here yet.
    waiting: VecDeque<(Timestamp, Told)>,
    /// What happened to those who wait for an answer.
    held: BTreeMap<UserId, Vec<Held>>,
    /// The last row that is about each user, of those behind `known_from` that the owner's tables do not have. Whom the rows
    /// before are about is known of those alone that the tables have.
    users: HashMap<UserId, u64>,
    known_from: u64,
    applied: u64,
    /// The rows behind `known_from` that the owner's tables do not have, and how many events they are.
    unapplied: VecDeque<(u64, Arc<Vec<Event>>)>,
    unapplied_events: usize,
    /// When it was read last.
    read_at: Timestamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Load {
    #[default]
    No,
    /// Not before then.
    Wanted(Timestamp),
    UnderWay,
}

/// A row of a journal as it comes.
#[derive(Default)]
struct Frame {
    /// The next part that is missing.
    next: u32,
    is_whole: bool,
    events: Vec<Bytes>,
    time: SaleTime,
    bytes: usize,
}

/// What happened to somebody who waits for an answer, and at which place: the row, and the number of events up to it.
struct Held {
    at: (u64, u32),
    what: News,
}

/// What is published to somebody.
pub(super) enum News {
    Happened(Event),
    /// As it is now, whatever happened.
    Is(Reservation),
}

/// A row that is taken in.
pub(super) struct TakenIn {
    pub view: Arc<SaleView>,
    pub seq: u64,
    pub events: Arc<Vec<Event>>,
}

/// What there is to ask of an owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub owner: NodeNo,
    pub concert: ConcertId,
    pub from: u64,
}

/// A copy that was read in the database.
pub(super) enum Loaded {
    /// It is to be shown, and those who missed something are to be told.
    Show(Arc<SaleView>, Box<LoadedNews>),
    /// The copy is further by now; but time moved for these.
    Tell(Arc<SaleView>, Box<LoadedNews>),
    /// It is of no use.
    Nothing,
}

/// What comes of reading for those who are connected.
pub(super) struct LoadedNews {
    pub places: Vec<TokenRecord>,
    pub reservations: Vec<Reservation>,
}

impl Copies {
    /// There is to be a copy of each of these sales; each with what is shown of it.
    pub fn begin(&mut self, concerts: Vec<(ConcertId, Option<Arc<SaleView>>)>, now: Timestamp) {
        for (concert, shown) in concerts {
            let of = self.sales.entry(concert).or_default();
            if of.view.is_none() && of.load == Load::No {
                // A sale that ran here until now goes on from where it was.
                of.view = shown.filter(|view| view.is_copy());
                match &of.view {
                    Some(view) => (of.known_from, of.heard) = (view.seq(), view.seq()),
                    None => of.load = Load::Wanted(now),
                }
            }
        }
    }

    pub fn forget(&mut self, concert: ConcertId) -> Vec<Told> {
        let of = self.sales.remove(&concert);
        of.map_or_else(Vec::new, |of| of.waiting.into_iter().map(|(_, told)| told).collect())
    }

    /// Whoever read for copies is gone.
    pub fn begin_again(&mut self, now: Timestamp) {
        let under_way = self.sales.values_mut().filter(|of| of.load == Load::UnderWay);
        under_way.for_each(|of| of.load = Load::Wanted(now));
    }

    /// The sales of these copies that are so.
    pub fn those(&self, are: impl Fn(ConcertId) -> bool) -> Vec<ConcertId> {
        self.sales.keys().copied().filter(|concert| are(*concert)).collect()
    }

    /// The number of answers that wait for a copy.
    pub fn kept_back(&self, concert: ConcertId) -> usize {
        self.sales.get(&concert).map_or(0, |of| of.waiting.len())
    }

    /// What happened to those who wait for an answer, when nobody says any more what came before it.
    pub fn all_held(&mut self, concert: ConcertId) -> Vec<(UserId, Vec<News>)> {
        let held = self.sales.get_mut(&concert).map(|of| std::mem::take(&mut of.held)).unwrap_or_default();
        held.into_iter()
            .map(|(user, held)| (user, held.into_iter().map(|held| held.what).collect()))
            .collect()
    }

    /// Is there to be a copy of this sale?
    pub fn is_begun(&self, concert: ConcertId) -> bool {
        self.sales.contains_key(&concert)
    }

    /// Is there a copy of this sale?
    pub fn has(&self, concert: ConcertId) -> bool {
        self.sales.get(&concert).is_some_and(|of| of.view.is_some())
    }

    /// Who runs a sale, by the latest claim that is known.
    pub fn learn(&mut self, concert: ConcertId, owner: Owner, now: Timestamp) {
        let Some(of) = self.sales.get_mut(&concert) else { return };
        if of.owner.is_some_and(|known| known.epoch >= owner.epoch) {
            return;
        }
        (of.owner, of.is_new_owner) = (Some(owner), true);
        of.heard = of.heard.max(owner.epoch);
        of.pass_claim(now);
    }

    /// Those whose owner is another one since this was asked last.
    pub fn new_owners(&mut self) -> Vec<ConcertId> {
        let new = self
            .sales
            .iter_mut()
            .filter_map(|(concert, of)| std::mem::take(&mut of.is_new_owner).then_some(*concert));
        new.collect()
    }

    /// An owner says how its sale stands.
    pub fn stands(&mut self, from: NodeNo, running: &Running, now: Timestamp) {
        self.learn(running.concert, Owner { node: from, epoch: running.epoch }, now);
        let Some(of) = self.sales.get_mut(&running.concert) else { return };
        of.heard = of.heard.max(running.seq);
        if of.load != Load::UnderWay && of.applied < running.applied {
            of.have_applied(running.applied);
        }
        let is_current = of.owner.is_some_and(|owner| owner.epoch == running.epoch);
        if let Some(view) = of.view.as_ref().filter(|view| is_current && view.seq() >= running.epoch) {
            of.moved(&view.clone(), running.time, now);
        }
    }

    /// A row, or a part of one, that was committed. What can be taken in now is given by `next`.
    pub fn hear(&mut self, said: Committed, now: Timestamp) {
        let Some(of) = self.sales.get_mut(&said.concert) else { return };
        of.heard = of.heard.max(said.seq);
        if of.view.as_ref().is_some_and(|view| said.seq <= view.seq()) {
            return;
        }
        let bytes: usize = said.events.iter().map(Bytes::len).sum();
        if of.ahead_bytes + bytes > limits::COPY_AHEAD_BYTES_MAX {
            of.ahead.clear();
            of.ahead_bytes = 0;
            of.want(now);
            return;
        }
        let frame = of.ahead.entry(said.seq).or_default();
        // Parts of one row come in their order, or the row is asked for again.
        if frame.is_whole || frame.next != said.part {
            return;
        }
        (frame.next, frame.is_whole, frame.time) = (said.part + 1, said.is_last, said.time);
        frame.bytes += bytes;
        frame.events.extend(said.events);
        of.ahead_bytes += bytes;
    }

    /// Takes in the next row of this sale, if it is here.
    pub fn next(&mut self, concert: ConcertId, now: Timestamp) -> Option<TakenIn> {
        let of = self.sales.get_mut(&concert)?;
        of.pass_claim(now);
        let view = of.view.clone()?;
        let seq = view.seq() + 1;
        if !of.ahead.first_entry().is_some_and(|frame| *frame.key() == seq && frame.get().is_whole) {
            return None;
        }
        let frame = of.ahead.remove(&seq)?;
        of.ahead_bytes -= frame.bytes;
        let events: Result<Vec<Event>, _> = frame.events.iter().map(|event| wire::decode(event)).collect();
        let events = match events {
            Ok(events) => events,
            // A newer release's: the rows say what came of it.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(concert.id = concert.0, error, "what happened in a sale cannot be read");
                of.want(now);
                return None;
            }
        };
        of.missing_since = None;
        of.users.extend(events.iter().filter_map(Event::user).map(|user| (user, seq)));
        of.moved(&view, frame.time, now);
        view.apply(seq, &events);
        let events = Arc::new(events);
        of.keep_unapplied(seq, &events);
        Some(TakenIn { view, seq, events })
    }

    /// The answers that can be handed on, as what they rest on is here, in their order.
    pub fn ripe(&mut self, concert: ConcertId) -> Vec<Told> {
        let Some(of) = self.sales.get_mut(&concert) else { return Vec::new() };
        let seq = of.seq();
        let mut ripe = Vec::new();
        while let Some((_, told)) = of.waiting.pop_front_if(|(_, told)| told.at.0 <= seq) {
            ripe.push(told);
        }
        ripe
    }

    /// Keeps an answer until what it rests on is here, also while the copy is read for the first time: what it tells then would
    /// be older. `Some`: it may be handed on now.
    pub fn keep_back(&mut self, told: Told, now: Timestamp) -> Option<Told> {
        let Some(of) = self.sales.get_mut(&told.concert) else { return Some(told) };
        of.heard = of.heard.max(told.at.0);
        if of.waiting.is_empty() && told.at.0 <= of.seq() {
            return Some(told);
        }
        of.waiting.push_back((now, told));
        None
    }

    /// What happened to somebody who waits for an answer is published behind it, or before it, in its turn.
    pub fn hold(&mut self, concert: ConcertId, user: UserId, at: (u64, u32), what: News) {
        let Some(of) = self.sales.get_mut(&concert) else { return };
        of.held.entry(user).or_default().push(Held { at, what });
    }

    /// What happened to a user up to this place and waited.
    pub fn held_until(&mut self, concert: ConcertId, user: UserId, at: (u64, u32)) -> Vec<News> {
        let Some(of) = self.sales.get_mut(&concert) else { return Vec::new() };
        let Some(held) = of.held.get_mut(&user) else { return Vec::new() };
        let until = held.partition_point(|held| held.at <= at);
        let due = held.drain(..until).map(|held| held.what).collect();
        if held.is_empty() {
            of.held.remove(&user);
        }
        due
    }

    /// Those of whom more waits than is worth it.
    pub fn overdue(&self, concert: ConcertId) -> Vec<UserId> {
        let held = self.sales.get(&concert).into_iter().flat_map(|of| &of.held);
        held.filter(|(_, held)| held.len() > limits::NEWS_HELD_MAX).map(|(user, _)| *user).collect()
    }

    /// Looks what is missing, for how long, and which answers have waited too long for it: what they say is not known here.
    pub fn look(&mut self, now: Timestamp) -> (Vec<Ask>, Vec<Told>) {
        let (mut asks, mut told) = (Vec::new(), Vec::new());
        for (concert, of) in &mut self.sales {
            let is_late = |since: Timestamp| now.since(since) >= limits::COPY_PATIENCE;
            while let Some((_, late)) = of.waiting.pop_front_if(|(since, _)| is_late(*since)) {
                let reply = late.reply.and(Err(Refusal::OutcomeUnknown));
                told.push(Told { reply, at: (0, 0), ..late });
            }
            let Some(view) = &of.view else { continue };
            if view.seq() >= of.heard {
                of.missing_since = None;
                continue;
            }
            let since = *of.missing_since.get_or_insert(now);
            let is_due = now.since(since) >= limits::MISSED_AFTER
                && now.since(of.asked_at) >= limits::MISSED_AGAIN_AFTER;
            if let Some(owner) = of.owner.filter(|_| is_due && of.load == Load::No) {
                of.asked_at = now;
                asks.push(Ask { owner: owner.node, concert: *concert, from: view.seq() + 1 });
            }
        }
        (asks, told)
    }

    /// When something is to be looked at again.
    pub fn next_due(&self) -> Option<Timestamp> {
        let may_read = self.under_way() < limits::COPIES_READ_AT_ONCE;
        let due = self.sales.values().filter_map(|of| {
            let may_ask = of.owner.is_some() && of.load == Load::No;
            let missed = of
                .missing_since
                .filter(|_| may_ask)
                .map(|since| (since + limits::MISSED_AFTER).max(of.asked_at + limits::MISSED_AGAIN_AFTER));
            let starts = (of.missing_since.is_none() && of.is_behind()).then_some(Timestamp::default());
            let late = of.waiting.front().map(|(since, _)| *since + limits::COPY_PATIENCE);
            let load = match of.load {
                Load::Wanted(at) if may_read => Some(at),
                Load::Wanted(_) | Load::No | Load::UnderWay => None,
            };
            missed.into_iter().chain(starts).chain(late).chain(load).min()
        });
        due.min()
    }

    /// The owner does not keep what is missing from this row on.
    pub fn not_kept(&mut self, concert: ConcertId, from: u64, now: Timestamp) {
        if let Some(of) = self.sales.get_mut(&concert)
            && of.view.as_ref().is_some_and(|view| view.seq() + 1 == from)
        {
            of.want(now);
        }
    }

    /// The copies that are to be read now, each with the row that it has.
    pub fn begin_reads(&mut self, now: Timestamp) -> Vec<(ConcertId, Option<u64>)> {
        let under_way = self.under_way();
        let wanted = self.sales.iter_mut().filter(|(_, of)| matches!(of.load, Load::Wanted(at) if at <= now));
        let begun =
            wanted.take(limits::COPIES_READ_AT_ONCE.saturating_sub(under_way)).map(|(concert, of)| {
                of.load = Load::UnderWay;
                (*concert, of.view.as_ref().map(|view| view.seq()))
            });
        begun.collect()
    }

    fn under_way(&self) -> usize {
        self.sales.values().filter(|of| of.load == Load::UnderWay).count()
    }

    /// A copy could not be read.
    pub fn not_loaded(&mut self, concert: ConcertId, now: Timestamp) {
        if let Some(of) = self.sales.get_mut(&concert) {
            of.load = Load::Wanted(now + limits::COPY_READ_AGAIN_AFTER);
        }
    }

    /// A copy was read. `is_connected`: of whom it is told.
    pub fn loaded(
        &mut self,
        concert: ConcertId,
        view: &Arc<SaleView>,
        rows: LoadedRows,
        now: Timestamp,
    ) -> Loaded {
        let Some(of) = self.sales.get_mut(&concert) else { return Loaded::Nothing };
        (of.load, of.read_at) = (Load::No, now);
        let LoadedRows { applied, mut places, mut reservations } = rows;
        let Some(known) = of.view.clone() else {
            of.show(view, applied);
            return Loaded::Show(view.clone(), Box::new(LoadedNews { places, reservations }));
        };
        if known.seq() <= applied {
            of.show(view, applied);
            return Loaded::Show(view.clone(), Box::new(LoadedNews { places, reservations }));
        }
        if applied < of.known_from {
            // Whom the rows in between are about is not known, and they may have been told what is later.
            of.want(now);
            return Loaded::Nothing;
        }
        if of.is_behind() && of.ahead.first_key_value().is_none_or(|(seq, _)| *seq > known.seq() + 1) {
            // The rows follow; what is missing may be among them soon.
            of.load = Load::Wanted(now + limits::COPY_READ_AGAIN_AFTER);
        }
        // What happened behind the rows was told, and is later than they are.
        let is_later = |user: &UserId| of.users.get(user).is_some_and(|last| *last > applied);
        places.retain(|token| !is_later(&token.user));
        reservations.retain(|reservation| !is_later(&reservation.user));
        Loaded::Tell(known, Box::new(LoadedNews { places, reservations }))
    }

    /// The rows which have to be in the tables before those of a user are read: `end` is the end of the sale's journal. `Err`:
    /// the copy is not so far.
    pub fn last_of(&self, concert: ConcertId, user: UserId, end: u64) -> Result<Option<u64>, Behind> {
        let of = self.sales.get(&concert).ok_or(Behind)?;
        let view = of.view.as_ref().ok_or(Behind)?;
        if view.seq() < end {
            return Err(Behind);
        }
        let before = (of.applied < of.known_from).then_some(of.known_from);
        Ok(of.users.get(&user).copied().max(before))
    }

    /// What the tables do not have of a user, where they have the rows up to `applied` and the journal ends with `end`. `Err`: the
    /// copy is not so far, or does not know all of it; then they have to have more first.
    pub fn unapplied_of(
        &self,
        concert: ConcertId,
        user: UserId,
        (applied, end): (u64, u64),
    ) -> Result<Vec<(u64, Event)>, Behind> {
        let of = self.sales.get(&concert).ok_or(Behind)?;
        let view = of.view.as_ref().ok_or(Behind)?;
        if view.seq() < end || applied < of.known_from {
            return Err(Behind);
        }
        let rows = of.unapplied.iter().filter(|(seq, _)| *seq > applied);
        Ok(rows.flat_map(|(seq, events)| events_of(user, *seq, events)).collect())
    }

    /// Whoever runs a sale, as far as its copy has heard.
    pub fn owner(&self, concert: ConcertId) -> Option<NodeNo> {
        self.sales.get(&concert)?.owner.map(|owner| owner.node)
    }
}

/// A copy is not as far as it has to be, or not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Behind;

/// What was read for a copy, for those who are connected.
pub(super) struct LoadedRows {
    pub applied: u64,
    pub places: Vec<TokenRecord>,
    pub reservations: Vec<Reservation>,
}

impl LoadedRows {
    /// What those have to know who missed something, or whose time moved. `missed`: who is connected.
    pub fn of(loaded: &LoadedCopy, missed: Option<&Missed>) -> Self {
        let LoadedCopy { sale, applied, tokens, reservations } = loaded;
        let is_here = |user: &UserId| missed.is_some_and(|of| of.users.binary_search(user).is_ok());
        // Of who only waits nothing has a deadline, and their place moves by itself.
        let admitted = sale.tokens.iter().filter(|token| token.admitted_at.is_some() && is_here(&token.user));
        let mut places: Vec<_> = tokens.iter().chain(admitted).cloned().collect();
        places.sort_by_key(|token| token.entry);
        places.dedup_by_key(|token| token.entry);
        // Of those that are paid behind these rows the money is here already.
        let is_as_of_then = |held: &&Reservation| is_here(&held.user) && held.payment.is_none();
        let held = sale.reservations.iter().filter(is_as_of_then);
        let mut reservations: Vec<_> = reservations.iter().chain(held).cloned().collect();
        reservations.sort_by_key(|reservation| reservation.id);
        reservations.dedup_by_key(|reservation| reservation.id);
        Self { applied: *applied, places, reservations }
    }
}

impl CopyOf {
    /// The last row that is here; 0: none is.
    fn seq(&self) -> u64 {
        self.view.as_ref().map_or(0, |view| view.seq())
    }

    fn is_behind(&self) -> bool {
        self.view.as_ref().is_some_and(|view| view.seq() < self.heard)
    }

    fn want(&mut self, now: Timestamp) {
        if self.load == Load::No {
            self.load = Load::Wanted(now.max(self.read_at + limits::COPY_READ_AGAIN_AFTER));
        }
    }

    /// A claim is a row in which nothing happened. What was committed before it and is not here comes from the database alone.
    fn pass_claim(&mut self, now: Timestamp) {
        let (Some(view), Some(owner)) = (&self.view, self.owner) else { return };
        if view.seq() + 1 == owner.epoch {
            view.pass(owner.epoch);
        } else if view.seq() < owner.epoch && !self.ahead.contains_key(&(view.seq() + 1)) {
            self.want(now);
        }
    }

    /// The owner's tables have this row.
    fn have_applied(&mut self, applied: u64) {
        self.applied = applied;
        self.users.retain(|_, last| *last > applied);
        while let Some((_, events)) = self.unapplied.pop_front_if(|(seq, _)| *seq <= applied) {
            self.unapplied_events -= events.len();
        }
    }

    /// A row that is taken in is kept until the owner's tables have it.
    fn keep_unapplied(&mut self, seq: u64, events: &Arc<Vec<Event>>) {
        self.unapplied_events += events.len();
        self.unapplied.push_back((seq, events.clone()));
        while self.unapplied_events > limits::COPY_UNAPPLIED_EVENTS_MAX {
            let Some((oldest, events)) = self.unapplied.pop_front() else { return };
            self.unapplied_events -= events.len();
            self.known_from = oldest;
        }
    }

    /// Time moved for the sale: those who have deadlines have to know, and the database knows who they are.
    fn moved(&mut self, view: &SaleView, time: SaleTime, now: Timestamp) {
        if view.time() != (time.outages, time.step) {
            view.set_time(time.outages, time.step);
            self.want(now);
        }
    }

    fn show(&mut self, view: &Arc<SaleView>, applied: u64) {
        if let Some(known) = &self.view {
            let (outages, step) = known.time();
            view.set_time(view.time().0.max(outages), step);
        }
        self.view = Some(view.clone());
        self.known_from = applied;
        self.heard = self.heard.max(applied);
        self.have_applied(applied);
        let rest = self.ahead.split_off(&(applied + 1));
        self.ahead = rest;
        self.ahead_bytes = self.ahead.values().map(|frame| frame.bytes).sum();
        self.missing_since = None;
    }
}

//! The rows that a store would have kept of a sale's events, as maps: enough to answer what a command needs to have
//! read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use frontrow::domain::command::{EndedFacts, Inputs, Needs};
use frontrow::domain::concert::Texts;
use frontrow::domain::event::{Event, Refunded, SeatMoved, SoldAtDesk};
use frontrow::domain::ids::{
    ConcertId, EntryNo, IdSource, QueueToken, ReservationId, ScheduleId, SeatId, UserId,
};
use frontrow::domain::line::Order;
use frontrow::domain::record::{LedgerEntry, Reservation, ReservationStatus, ScheduleState, TokenRecord};
use frontrow::domain::rules::SaleSettings;
use frontrow::domain::sale::{SaleSnapshot, ScheduleSnapshot};
use frontrow::domain::seat_map::SeatState;
use frontrow::domain::seat_plan::Money;
use frontrow::domain::time::Timestamp;
use frontrow::domain::token_secret::TokenSecret;
use frontrow::domain::wallet::Wallets;

/// A token that nobody ever got.
pub fn unknown_token(concert: ConcertId) -> QueueToken {
    TokenSecret::new([201; 32]).token(concert, EntryNo(0), UserId(0), Timestamp::default())
}

#[derive(Clone, Default)]
pub struct Stored {
    pub tokens: BTreeMap<EntryNo, TokenRecord>,
    pub reservations: BTreeMap<ReservationId, Reservation>,
    pub ledger: Vec<LedgerEntry>,
    pub settings: Option<SaleSettings>,
    pub texts: Texts,
    pub restricted: BTreeSet<(ScheduleId, SeatId)>,
    /// The prices of categories that do not cost what was imported.
    pub prices: BTreeMap<ScheduleId, Vec<(u16, Money)>>,
    /// The starts of performances that were moved.
    pub starts: BTreeMap<ScheduleId, Timestamp>,
    pub called_off: BTreeSet<ScheduleId>,
    pub archived: Option<Timestamp>,
    /// Performances that were added, with their starts.
    pub added: BTreeMap<ScheduleId, Timestamp>,
}

impl Stored {
    pub fn write(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Joined(token) | Event::Admitted(token) | Event::TokenEnded(token) => {
                    self.tokens.insert(token.entry, token.clone());
                }
                Event::SeatsHeld { reservation, .. }
                | Event::SeatsReleased { reservation, .. }
                | Event::SeatMoved(SeatMoved { reservation, .. })
                | Event::SoldAtDesk(SoldAtDesk { reservation, .. })
                | Event::ReservationEnded { reservation, .. } => {
                    self.reservations.insert(reservation.id, reservation.clone());
                }
                Event::Paid { reservation, ledger } => {
                    self.reservations.insert(reservation.id, reservation.clone());
                    self.ledger.push(ledger.clone());
                }
                Event::Refunded(Refunded { reservation, ledger, .. }) => {
                    self.reservations.insert(reservation.id, reservation.clone());
                    self.ledger.extend(ledger.clone());
                }
                Event::SeatsRestricted(kept) => {
                    self.restricted.extend(kept.seats.iter().map(|seat| (kept.schedule, *seat)));
                }
                Event::SeatsUnrestricted(opened) => {
                    for seat in &opened.seats {
                        self.restricted.remove(&(opened.schedule, *seat));
                    }
                }
                Event::Described(of) => self.texts = of.after.clone(),
                Event::Repriced(of) => drop(self.prices.insert(of.schedule, of.own.clone())),
                Event::ScheduleAdded(added) => {
                    self.added.insert(added.schedule, added.starts_at);
                    self.prices.insert(added.schedule, added.own_prices());
                }
                Event::Rescheduled(moved) => drop(self.starts.insert(moved.schedule, moved.after)),
                Event::Archived(archived) => self.archived = Some(archived.at),
                Event::CalledOff(off) => drop(self.called_off.insert(off.schedule)),
                Event::SettingsChanged { after, .. } => self.settings = Some((**after).clone()),
            }
        }
    }

    /// The sum of a user's ledger; users without one have an empty wallet.
    pub fn balance(&self, user: UserId) -> Money {
        self.ledger.iter().filter(|entry| entry.user == user).map(|entry| entry.amount_change).sum()
    }

    fn restricted_in(&self, schedule: ScheduleId) -> impl Iterator<Item = (SeatId, SeatState)> {
        let kept = self.restricted.range((schedule, SeatId(0))..=(schedule, SeatId(u32::MAX)));
        kept.map(|(_, seat)| (*seat, SeatState::Restricted))
    }

    /// Exactly what was asked for, as a store would read it.
    pub fn read(&self, concert: ConcertId, needs: &Needs, ids: IdSource) -> Inputs {
        let balances: HashMap<_, _> = needs.wallets.iter().map(|user| (*user, self.balance(*user))).collect();
        let charged = |entry: &&LedgerEntry| {
            let request = entry.request_id.clone();
            request.is_some_and(|request| needs.charges.contains(&(entry.user, request)))
        };
        let mut ended = EndedFacts::default();
        for id in &needs.reservations {
            if let Some(found) =
                self.reservations.get(id).filter(|r| r.status != ReservationStatus::TempReserved)
            {
                ended.reservations.insert(*id, found.clone());
            }
        }
        for record in self.tokens.values().filter(|record| !record.status.is_live()) {
            if needs.tokens.contains(&record.token) {
                ended.tokens.insert(record.token, record.clone());
            }
            if needs.last_tokens.contains(&(concert, record.user)) {
                ended.last_tokens.insert((concert, record.user), record.clone());
            }
        }
        for (concert, user) in &needs.desk_orders {
            let found = self.reservations.values().find(|r| r.user == *user);
            ended.desk_orders.extend(found.map(|found| ((*concert, *user), found.clone())));
        }
        let charges = self.ledger.iter().filter(charged).cloned().collect();
        Inputs { wallets: Wallets::new(balances, charges), ended, ids }
    }

    /// The state that a sale's memory is built from after a restart. `plans` gives each schedule with all seats free.
    pub fn snapshot(
        &self,
        concert: ConcertId,
        settings: SaleSettings,
        plans: Vec<ScheduleSnapshot>,
    ) -> SaleSnapshot {
        let schedules = plans.into_iter().map(|mut schedule| {
            schedule.starts_at = self.starts.get(&schedule.id).copied().unwrap_or(schedule.starts_at);
            if self.called_off.contains(&schedule.id) {
                schedule.state = ScheduleState::CalledOff;
            }
            let here = self.reservations.values().filter(|r| r.schedule == schedule.id);
            schedule.taken = here
                .filter_map(|r| match r.status {
                    ReservationStatus::TempReserved => Some((r, SeatState::Held(r.id))),
                    ReservationStatus::Reserved => Some((r, SeatState::Sold(r.id))),
                    ReservationStatus::Expired | ReservationStatus::Cancelled => None,
                })
                .flat_map(|(r, state)| r.seats.iter().map(move |seat| (*seat, state)))
                .chain(self.restricted_in(schedule.id))
                .collect();
            schedule.prices = self.prices.get(&schedule.id).cloned().unwrap_or_default();
            schedule
        });
        let held = |r: &&Reservation| r.status == ReservationStatus::TempReserved;
        let lapsed = |r: &&Reservation| r.status == ReservationStatus::Expired;
        let mut bought = BTreeMap::new();
        for paid in self.reservations.values().filter(|r| r.status == ReservationStatus::Reserved) {
            *bought.entry(paid.user).or_default() += paid.seats.len() as u32;
        }
        SaleSnapshot {
            sells: true,
            token_secret: TokenSecret::new([6; 32]),
            concert,
            settings: self.settings.clone().unwrap_or(settings),
            texts: self.texts.clone(),
            archived: self.archived,
            order: Order::default(),
            next_entry: EntryNo(self.tokens.len() as u64),
            tokens: self.tokens.values().filter(|token| token.status.is_live()).cloned().collect(),
            reservations: self.reservations.values().filter(held).cloned().collect(),
            lapsed: self.reservations.values().filter(lapsed).cloned().collect(),
            bought: bought.into_iter().collect(),
            schedules: schedules.collect(),
        }
    }
}

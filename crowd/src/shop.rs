//! The shopping of a fan once admitted: looks at the seats, picks, holds, tops the wallet up, pays. Shared by the
//! scenarios that sell.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use frontrow_protocol::request::ScheduleRef;
use frontrow_protocol::{Reason, Request, SeatState};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use uuid::Uuid;

use crate::claims::Claims;
use crate::crew::Worker;
use crate::fan::{Event, Fan, Reservation, Trouble};
use crate::record::{Counter, FanState};
use crate::seats::SeatModel;

/// Tries to get a seat before a fan gives up; a person would be tired long before.
const TRIES_MAX: usize = 50;

/// Whoever was too slow so often in a row looks up, until the map shows who was faster.
const LOOKS_UP_AFTER: usize = 5;
/// Or for so long: several rounds of the map.
const LOOKS_UP_FOR: Duration = Duration::from_millis(100);

/// Seats that a fan looks at for some side by side.
const LOOKED_AT_MAX: usize = 1_000;

/// The share of the house that everybody wants.
const POPULAR_SHARE: usize = 20;

/// The seats that fans want.
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Any free seat.
    Uniform,
    /// The first seats of the plan: everybody wants the same ones.
    Popular,
    /// The server picks: `hold_best`.
    Best,
    /// A third of the fans each way.
    Mixed,
}

/// The venue that is sold.
#[derive(Clone, Debug, Deserialize)]
pub struct Venue {
    #[serde(rename = "concert_id")]
    pub concert: u32,
    #[serde(rename = "schedule_ids")]
    pub schedules: Vec<u64>,
    /// The seats of each schedule.
    pub seats: usize,
}

/// The state that all fans of a worker share.
pub struct Shop {
    pub venue: Venue,
    pub claims: Arc<Claims>,
    models: RefCell<HashMap<u64, Rc<RefCell<SeatModel>>>>,
}

/// The plan of one fan.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Seats together.
    pub seats: usize,
    pub pick: Pick,
    /// The time before each of holding and paying; half to one and a half of it.
    pub think: Duration,
    /// Goes away with the seats in the hand instead of paying.
    pub abandons: bool,
    /// The balance before, in minor units.
    pub balance: i64,
}

/// The end of a visit.
#[derive(Debug)]
pub enum Shopped {
    Bought(Purchase),
    Abandoned,
    SoldOut,
}

#[derive(Debug)]
pub struct Purchase {
    pub schedule: u64,
    pub reservation: Uuid,
    pub seats: Vec<u32>,
    /// Paid, and left in the wallet; minor units.
    pub amount: i64,
    pub balance: i64,
}

/// One admitted fan in the shop.
pub struct Visit<'a> {
    pub shop: &'a Shop,
    pub worker: &'a Worker,
    pub fan: &'a mut Fan,
    /// The fan's.
    pub number: usize,
    pub wish: Wish,
    pub rng: &'a mut StdRng,
}

#[derive(Deserialize)]
struct Nothing {}

impl Shop {
    pub fn new(venue: &Venue, claims: &Arc<Claims>) -> Rc<Self> {
        Rc::new(Self { venue: venue.clone(), claims: claims.clone(), models: RefCell::default() })
    }

    /// The seats of a schedule as this worker's fans see them.
    pub fn model(&self, schedule: u64) -> Rc<RefCell<SeatModel>> {
        let mut models = self.models.borrow_mut();
        models.entry(schedule).or_insert_with(|| Rc::new(RefCell::new(SeatModel::new(schedule)))).clone()
    }
}

impl Visit<'_> {
    /// Shops from the list of performances to the ticket.
    pub async fn shop(mut self) -> Result<Shopped, Trouble> {
        let schedules = self.fan.schedules().await?;
        if schedules.is_empty() {
            return Ok(Shopped::SoldOut);
        }
        let schedule = schedules[self.rng.random_range(0..schedules.len())];
        let model = self.shop.model(schedule);
        self.fan.watch(schedule, &model).await?;
        self.think().await?;
        let Some(held) = self.hold(schedule, &model).await? else { return Ok(Shopped::SoldOut) };
        let seats: Vec<u32> = held.seats.iter().map(|seat| seat.seat).collect();
        let ended = self.decide(schedule, held).await;
        if !matches!(ended, Ok(Shopped::Bought(_))) {
            // Walked away, or was sent away: nobody cares for these seats any more, and their time will be over.
            for seat in seats {
                self.shop.claims.let_go(schedule, seat, self.number);
            }
        }
        ended
    }

    /// Decides what to do with the seats that are held.
    async fn decide(&mut self, schedule: u64, held: Reservation) -> Result<Shopped, Trouble> {
        self.fan.notes.state.set(FanState::Holding);
        self.think().await?;
        if self.wish.abandons {
            self.worker.stats.count(Counter::Abandoned, 1);
            return Ok(Shopped::Abandoned);
        }
        self.check_out(schedule, held).await.map(Shopped::Bought)
    }

    async fn check_out(&mut self, schedule: u64, held: Reservation) -> Result<Purchase, Trouble> {
        let (number, stats) = (self.number, &self.worker.stats);
        // Nobody looks at the seats any more at the checkout.
        let unwatched = self.fan.push(&Request::SeatsUnwatch(ScheduleRef { schedule_id: schedule }));
        let mut balance = self.wish.balance;
        if balance < held.amount {
            let key = held.reservation_id.to_string();
            balance = self.fan.charge(held.amount - balance, &key).await?.balance;
            if balance != held.amount {
                stats.fault(format!("fan {number}: {balance} after a charge, not {}", held.amount));
            }
        }
        let paid = self.fan.pay(held.reservation_id).await?;
        let _: Nothing = self.fan.answer(unwatched).await?;
        if paid.balance != balance - held.amount {
            stats.fault(format!("fan {number}: {} after paying {} of {balance}", paid.balance, held.amount));
        }
        let seats: Vec<u32> = held.seats.iter().map(|seat| seat.seat).collect();
        let mut ticketed: Vec<u32> = paid.tickets.iter().map(|ticket| ticket.seat).collect();
        ticketed.sort_unstable();
        if ticketed != seats {
            stats.fault(format!("fan {number}: paid {seats:?} and got tickets for {ticketed:?}"));
        }
        for seat in &seats {
            self.shop.claims.sell(schedule, *seat, number).unwrap_or_else(|fault| stats.fault(fault));
        }
        stats.count(Counter::SeatsSold, seats.len() as u64);
        stats.count(Counter::Buyers, 1);
        let (reservation, amount) = (held.reservation_id, held.amount);
        Ok(Purchase { schedule, reservation, seats, amount, balance: paid.balance })
    }

    /// `None`: nothing was left.
    async fn hold(
        &mut self,
        schedule: u64,
        model: &RefCell<SeatModel>,
    ) -> Result<Option<Reservation>, Trouble> {
        let pick = match self.wish.pick {
            Pick::Mixed => [Pick::Uniform, Pick::Popular, Pick::Best][self.number % 3],
            one => one,
        };
        for tries in 1..=TRIES_MAX {
            let answer = if pick == Pick::Best {
                self.fan.hold_best(schedule, self.wish.seats as u32).await
            } else {
                let seats = choose(&model.borrow(), self.wish.seats, pick, self.rng);
                if seats.is_empty() {
                    return Ok(None);
                }
                self.fan.hold(schedule, &seats).await
            };
            match answer {
                Ok(held) => {
                    self.worker.stats.count(Counter::SeatsHeld, held.seats.len() as u64);
                    for seat in &held.seats {
                        let claim = self.shop.claims.hold(schedule, seat.seat, self.number);
                        claim.unwrap_or_else(|fault| self.worker.stats.fault(fault));
                    }
                    return Ok(Some(held));
                }
                Err(trouble) => match trouble.reason() {
                    // Somebody was faster; the map shows it by now, or will after the next round.
                    Some(Reason::SeatTaken) if tries % LOOKS_UP_AFTER == 0 => self.look_up().await?,
                    Some(Reason::SeatTaken) => {}
                    Some(Reason::NoSeatsAvailable) => return Ok(None),
                    _ => return Err(trouble),
                },
            }
        }
        Ok(None)
    }

    /// Waits until the map shows something new.
    async fn look_up(&mut self) -> Result<(), Trouble> {
        let until = tokio::time::Instant::now() + LOOKS_UP_FOR;
        while let Ok(event) = tokio::time::timeout_at(until, self.fan.next()).await {
            if matches!(event?, Event::Seats(_) | Event::Back) {
                break;
            }
        }
        Ok(())
    }

    /// Lets time pass as a person does, and receives what comes meanwhile. When it is over, nobody thinks any longer.
    async fn think(&mut self) -> Result<(), Trouble> {
        if self.wish.think.is_zero() {
            return Ok(());
        }
        let until = tokio::time::Instant::now() + self.wish.think.mul_f64(self.rng.random_range(0.5..1.5));
        let mut stopped = pin!(self.worker.stopped());
        loop {
            tokio::select! {
                event = tokio::time::timeout_at(until, self.fan.next()) => match event {
                    Ok(event) => drop(event?),
                    Err(_) => return Ok(()),
                },
                () = &mut stopped => return Ok(()),
            }
        }
    }
}

/// `count` free seats side by side in the plan's order, from the first one on that a fan would like; where there are none nearby,
/// that one alone. So how many a fan takes does not depend on who was there a moment before, until the house is nearly full.
fn choose(model: &SeatModel, count: usize, pick: Pick, rng: &mut StdRng) -> Vec<u32> {
    let states = model.states();
    let first = match pick {
        Pick::Popular => model.pick_popular(states.len().div_ceil(POPULAR_SHARE), rng),
        _ => model.pick_uniform(rng),
    };
    let Some(first) = first else { return Vec::new() };
    let first = first as usize;
    let is_free = |from: &usize| {
        let row = states.get(*from..*from + count);
        row.is_some_and(|row| row.iter().all(|state| *state == SeatState::Available))
    };
    let nearby = (first..states.len()).chain(0..first).take(LOOKED_AT_MAX);
    match nearby.into_iter().find(is_free) {
        Some(from) => (from..from + count).map(|seat| seat as u32).collect(),
        None => vec![first as u32],
    }
}

/// A fan's own randomness: the same in every run with the same seed.
pub fn rng_of(seed: u64, fan: usize) -> StdRng {
    StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ fan as u64)
}

//! Gives back what was paid for performances that were called off: a few orders at a time, so that those who hold and pay in
//! other sales of the lane do not wait for it.
//!
//! Not what was paid at the desk: whoever bought there comes for the money, an operator hands it out and refunds the order. It is
//! counted, so that the box office knows what is to come.
//!
//! Always: what is left to do is what the rows say, the paid orders of a performance that is called off; so a server that was
//! killed goes on where the last commit was, and no order is given back twice. Not here: whether an order may be given back,
//! which the sale decides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use crate::clock::Clock;
use crate::dispatcher::{Dispatcher, Refusal, Reply, ReplyTo, Rows};
use crate::domain::command::{Answer, Command, Rejection};
use crate::domain::event::RefundWhy;
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId, UserId};
use crate::domain::record::ScheduleState;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::fanout::Fanout;
use crate::limits;
use crate::store::Store;

/// The time between two looks for something to give back, if nobody says that there is.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Orders that are read at a time.
const PAGE: u32 = 256;
/// The least pause after a command.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How much is given back at a time while others hold and pay, and how often.
struct Rhythm {
    /// A batch grows by them.
    orders: usize,
    /// Others have their turn for so many times as long as a command took.
    turns_of_others: u32,
    /// The same while nobody is there, who may come at any time.
    turns_of_nobody: u32,
}

/// An embedded database commits one batch after the other, and others wait for each, however little it writes: with four orders
/// at a time the slowest of a hundred of their holds took 1.3 to 2 times as long. So there are few, and fewer than one hold in a
/// hundred meets one.
const OF_EMBEDDED: Rhythm = Rhythm { orders: 32, turns_of_others: 150, turns_of_nobody: 30 };
/// A database server commits several at once, but writing takes processors from them: 1.1 times as long, and with eight orders
/// and turns as long as a command, 1.75 times.
const OF_SERVER: Rhythm = Rhythm { orders: 4, turns_of_others: 2, turns_of_nobody: 2 };

/// A performance of which orders were left is looked at again after this: a fan may have spent from a full wallet.
const STUCK_AGAIN: Duration = Duration::from_secs(10 * 60);

pub struct Refunds {
    dispatcher: Dispatcher,
    fanout: Arc<Fanout>,
    store: Arc<dyn Store>,
    clock: Clock,
    progress: Mutex<BTreeMap<(ConcertId, ScheduleId), Performance>>,
    called_off: Notify,
}

/// What this process did for one performance.
#[derive(Default)]
struct Performance {
    done: u64,
    at_desk: AtDesk,
    /// Sold seats when it was looked at last: if these are others by now, somebody gave one back.
    sold: Option<u64>,
    stuck: BTreeMap<ReservationId, Rejection>,
    /// Steady: not looked at before.
    again: Option<Timestamp>,
}

/// Paid orders whose money is handed out at the desk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtDesk {
    pub orders: u64,
    pub seats: u64,
    pub amount: Money,
}

/// How far a performance's refunds are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub concert: ConcertId,
    pub schedule: ScheduleId,
    /// Seats paid from wallets that are not given back yet.
    pub seats_left: u64,
    /// As of the last look.
    pub at_desk: AtDesk,
    /// Orders that this process gave back.
    pub done: u64,
    /// The first of those that cannot be given back now.
    pub stuck: Vec<(ReservationId, Rejection)>,
}

impl Refunds {
    pub fn new(dispatcher: Dispatcher, fanout: Arc<Fanout>, store: Arc<dyn Store>, clock: Clock) -> Self {
        let (progress, called_off) = (Mutex::default(), Notify::new());
        Self { dispatcher, fanout, store, clock, progress, called_off }
    }

    /// A performance was called off: it is looked at soon.
    pub fn wake(&self) {
        self.called_off.notify_one();
    }

    /// Every performance that runs here and is called off, by concert and performance.
    pub fn progress(&self) -> Vec<Progress> {
        let progress = self.progress.lock();
        let off = self.called_off_here(|_| true).into_iter();
        let of = |(concert, schedule, sold): (_, _, u64)| {
            let known = progress.get(&(concert, schedule));
            let at_desk = known.map(|known| known.at_desk).unwrap_or_default();
            let stuck = known.iter().flat_map(|known| &known.stuck).take(limits::STUCK_REFUNDS_LISTED_MAX);
            Progress {
                concert,
                schedule,
                seats_left: sold.saturating_sub(at_desk.seats),
                at_desk,
                done: known.map_or(0, |known| known.done),
                stuck: stuck.map(|(id, rejection)| (*id, rejection.clone())).collect(),
            }
        };
        off.map(of).collect()
    }

    /// Runs for as long as the server does.
    pub async fn run(&self) {
        loop {
            for (concert, schedule, sold) in self.called_off_here(|_| true) {
                if self.is_due(concert, schedule, sold) {
                    self.give_back(concert, schedule).await;
                }
            }
            let next = self.clock.steady() + LOOK_INTERVAL;
            tokio::select! {
                () = self.clock.sleep_until(next) => {}
                () = self.called_off.notified() => {}
            }
        }
    }

    /// The performances that are called off, with so many paid seats each.
    fn called_off_here(&self, of: impl Fn(u64) -> bool) -> Vec<(ConcertId, ScheduleId, u64)> {
        let mut off = Vec::new();
        for view in self.fanout.sales() {
            for topic in view.topics() {
                let (schedule, counts) = topic.glance();
                if schedule.state == ScheduleState::CalledOff && of(counts.sold) {
                    off.push((topic.concert(), schedule.id, counts.sold));
                }
            }
        }
        off
    }

    /// Is there something to do, as far as is known? Of a performance of which all is given back, nothing is looked at again.
    fn is_due(&self, concert: ConcertId, schedule: ScheduleId, sold: u64) -> bool {
        let progress = self.progress.lock();
        let Some(known) = progress.get(&(concert, schedule)) else { return sold > 0 };
        let is_changed =
            known.sold.is_none_or(|before| before != sold) && (sold > 0 || known.at_desk.orders > 0);
        let is_left = sold > known.at_desk.seats || !known.stuck.is_empty();
        is_changed || is_left && known.again.is_none_or(|again| again <= self.clock.steady())
    }

    /// Goes once through all paid orders of a performance.
    async fn give_back(&self, concert: ConcertId, schedule: ScheduleId) {
        let (mut stuck, mut at_desk) = (BTreeMap::new(), AtDesk::default());
        let rhythm = if self.store.is_embedded() { OF_EMBEDDED } else { OF_SERVER };
        let (mut answered, mut pause) = (self.answered(), Duration::ZERO);
        let mut after = ReservationId(Uuid::nil());
        loop {
            let page = match self.dispatcher.tables_have(Rows::OfSale(concert)).await {
                Ok(()) => self.store.orders_to_refund(concert, schedule, after, PAGE).await,
                Err(error) => Err(error),
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(
                        concert.id = concert.0,
                        schedule.id = schedule.0,
                        error,
                        "could not read orders to refund"
                    );
                    return;
                }
            };
            let Some(last) = page.last() else { break };
            after = last.id;
            let (handed_out, page): (Vec<_>, Vec<_>) =
                page.into_iter().partition(|order| order.source.is_taken_at_desk());
            for order in handed_out {
                at_desk.orders += 1;
                at_desk.seats += order.seats;
                at_desk.amount += order.amount;
            }
            let page: Vec<_> = page.into_iter().map(|order| (order.id, order.user)).collect();
            for orders in page.chunks(rhythm.orders) {
                tokio::time::sleep(pause).await;
                let began = Instant::now();
                match self.refund(concert, orders).await {
                    Ok(Answer::Refunded { done, left }) => {
                        self.progress.lock().entry((concert, schedule)).or_default().done +=
                            done.len() as u64;
                        stuck.extend(left.into_iter().filter(|(_, why)| is_stuck(why)));
                    }
                    Ok(_) => return,
                    // It is tried again with the next look: nothing was done, or it is found out what was.
                    Err(refusal) => {
                        tracing::info!(
                            concert.id = concert.0,
                            schedule.id = schedule.0,
                            ?refusal,
                            "refunds wait"
                        );
                        return;
                    }
                }
                let before = std::mem::replace(&mut answered, self.answered());
                // The command itself is one of them.
                let is_alone = answered <= before + 1;
                pause = rhythm.pause_after(began.elapsed(), is_alone);
            }
        }
        let sold = self.called_off_here(|_| true).into_iter().find(|(_, id, _)| *id == schedule);
        let mut progress = self.progress.lock();
        let known = progress.entry((concert, schedule)).or_default();
        (known.sold, known.at_desk) = (sold.map(|(.., sold)| sold), at_desk);
        known.again = (!stuck.is_empty()).then(|| self.clock.steady() + STUCK_AGAIN);
        if !stuck.is_empty() {
            tracing::warn!(
                concert.id = concert.0,
                schedule.id = schedule.0,
                orders = stuck.len(),
                "orders cannot be refunded now"
            );
        }
        known.stuck = stuck;
    }

    /// The commands that the sales of this server answered.
    fn answered(&self) -> u64 {
        self.fanout.sales().iter().map(|view| view.tally().copy().answers.count()).sum()
    }

    async fn refund(&self, concert: ConcertId, orders: &[(ReservationId, UserId)]) -> Reply {
        let (sender, reply) = oneshot::channel();
        let command = Command::Refund { orders: orders.to_vec(), why: RefundWhy::CalledOff };
        self.dispatcher.submit(concert, command, ReplyTo::Once(sender))?;
        reply.await.unwrap_or(Err(Refusal::OutcomeUnknown))
    }
}

/// Somebody else gave it back meanwhile: then there is nothing left to do.
fn is_stuck(why: &Rejection) -> bool {
    !matches!(why, Rejection::AlreadyRefunded { .. })
}

impl Rhythm {
    fn pause_after(&self, took: Duration, is_alone: bool) -> Duration {
        let turns = if is_alone { self.turns_of_nobody } else { self.turns_of_others };
        (turns * took).clamp(PAUSE_MIN, PAUSE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_have_their_turn_for_much_longer_than_refunds() {
        let ms = Duration::from_millis;
        let pause = |took, is_alone| OF_EMBEDDED.pause_after(took, is_alone);
        assert_eq!(pause(ms(10), false), ms(1_500));
        assert_eq!(pause(ms(300), false), PAUSE_MAX, "a slow disk does not keep people from their money");
        assert_eq!(pause(Duration::ZERO, false), PAUSE_MIN);
        assert_eq!(pause(ms(10), true), ms(300), "while nobody else is there");
        assert_eq!(OF_SERVER.pause_after(ms(10), false), ms(20));
    }
}

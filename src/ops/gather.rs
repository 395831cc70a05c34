//! The figures of every sale, gathered together once a second while somebody looks on.
//!
//! Figures are the committed copies' (`fanout`). Each sale's lane is asked all the same, to see whether it answers: one that
//! does not is shown as that, and keeps nobody from seeing the others. Not here: how figures are told, and to whom.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use crate::clock::Clock;
use crate::dispatcher::{Dispatcher, Place, Refusal, ReplyTo};
use crate::domain::command::Command;
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::fanout::{Fanout, SaleView, Standing, Tallied};

/// Between two rounds while somebody looks on.
pub const ROUND_INTERVAL: Duration = Duration::from_secs(1);
/// The time that a lane may take to answer: the round is over before the next one begins.
const ANSWER_PATIENCE: Duration = Duration::from_millis(900);
/// What rates are told of.
const MINUTE: Duration = Duration::from_secs(60);
/// By the pace of so long it is told when a sale sells out.
const PACE: Duration = Duration::from_secs(5 * 60);
/// A burst that is over for so long is seen to be.
const MOMENT: Duration = Duration::from_secs(15);
/// A sale of fewer seats in that time has no pace.
const PACE_SEATS_MIN: u64 = 5;
/// Copies are remembered so far apart: a minute is known to a twelfth.
const REMEMBERED_EVERY: Duration = Duration::from_secs(5);

/// Every sale, as it was when it was asked.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// UTC. `None`: before the first round.
    pub at: Option<Timestamp>,
    /// In ascending order of concerts.
    pub sales: Vec<Line>,
}

/// A sale in it.
#[derive(Clone, Debug)]
pub struct Line {
    pub concert: ConcertId,
    pub place: Place,
    /// Did its lane answer?
    pub answers: bool,
    /// `None`: this server never ran it.
    pub live: Option<Arc<Live>>,
}

/// A sale's figures.
#[derive(Debug, PartialEq)]
pub struct Live {
    /// UTC: when they were taken.
    pub at: Timestamp,
    pub standing: Standing,
    pub pace: Pace,
}

/// What happens how fast.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    pub joins_per_minute: u32,
    /// Of seats.
    pub sales_per_minute: u32,
    /// The time until no seat is free.
    pub sells_out_in: Option<Duration>,
    pub answers: Option<Quantiles>,
    pub commits: Option<Quantiles>,
    /// One of each kind, and how many in a minute.
    pub refusals: Vec<(Refusal, u32)>,
    pub holds_out_per_minute: u32,
    pub idle_per_minute: u32,
    pub out_of_time_per_minute: u32,
    pub away_per_minute: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    pub p50: Duration,
    pub p99: Duration,
}

pub struct Gatherer {
    dispatcher: Dispatcher,
    fanout: Arc<Fanout>,
    clock: Clock,
    latest: watch::Sender<Arc<Snapshot>>,
    /// Of the sales that are run here.
    past: Mutex<BTreeMap<ConcertId, Past>>,
}

/// A sale's former figures.
struct Past {
    /// Only to know whether it is the same: a sale that was built anew counts from zero.
    view: Weak<SaleView>,
    /// Oldest first, with the steady time at which each was taken.
    copies: VecDeque<(Timestamp, Tallied)>,
}

impl Gatherer {
    pub fn new(dispatcher: Dispatcher, fanout: Arc<Fanout>, clock: Clock) -> Self {
        Self { dispatcher, fanout, clock, latest: watch::Sender::default(), past: Mutex::default() }
    }

    pub fn latest(&self) -> Arc<Snapshot> {
        self.latest.borrow().clone()
    }

    /// Sees each snapshot, but for those that a later one overtook.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.latest.subscribe()
    }

    /// Gathers for ever, while somebody looks on.
    pub async fn run(self: Arc<Self>) {
        let consoles = &self.fanout.consoles;
        loop {
            if !consoles.is_watched() {
                consoles.begun().await;
                continue;
            }
            let began = self.clock.steady();
            self.latest.send_replace(Arc::new(self.round().await));
            self.clock.sleep_until(began + ROUND_INTERVAL).await;
        }
    }

    async fn round(&self) -> Snapshot {
        let places = self.dispatcher.whereabouts();
        let mut asked = Vec::with_capacity(places.len());
        for (concert, place, _) in places {
            let (sender, reply) = oneshot::channel();
            let view = self.fanout.sale(concert).filter(|_| place == Place::Here);
            if view.is_some() {
                // A refusal drops the sender, and is no answer.
                let _ = self.dispatcher.submit(concert, Command::Figures, ReplyTo::Once(sender));
            }
            asked.push((concert, place, view, reply));
        }
        let former = self.latest();
        let mut too_late = pin!(self.clock.run_out(ANSWER_PATIENCE));
        let mut is_late = false;
        let mut sales = Vec::with_capacity(asked.len());
        for (concert, place, view, mut reply) in asked {
            let answers = match is_late {
                true => matches!(reply.try_recv(), Ok(Ok(_))),
                false => tokio::select! {
                    biased;
                    reply = &mut reply => matches!(reply, Ok(Ok(_))),
                    () = &mut too_late => {
                        is_late = true;
                        false
                    }
                },
            };
            let live = match view {
                Some(view) => Some(Arc::new(self.live(&view))),
                // As it was when it was here.
                None => {
                    let of = former.sales.iter().find(|line| line.concert == concert);
                    of.and_then(|line| line.live.clone())
                }
            };
            sales.push(Line { concert, place, answers, live });
        }
        self.past.lock().retain(|concert, _| sales.iter().any(|line| line.concert == *concert));
        Snapshot { at: Some(self.clock.utc()), sales }
    }

    fn live(&self, view: &Arc<SaleView>) -> Live {
        let (utc, now) = (self.clock.utc(), self.clock.steady());
        let standing = view.standing(utc);
        let mut past = self.past.lock();
        let new = || Past { view: Arc::downgrade(view), copies: VecDeque::new() };
        let past = past.entry(standing.concert.id).or_insert_with(new);
        if !std::ptr::eq(past.view.as_ptr(), Arc::as_ptr(view)) {
            *past = new();
        }
        let pace = past.pace(now, &standing);
        past.remember(now, &standing.tallied);
        Live { at: utc, standing, pace }
    }
}

impl Past {
    /// The newest copy that is at least so old, else the oldest that there is; and how old it is. One that is twice as old
    /// says nothing of that time.
    fn before(&self, now: Timestamp, age: Duration) -> Option<(&Tallied, Duration)> {
        let of_use = || self.copies.iter().filter(|(at, _)| now.since(*at) < 2 * age);
        let (at, copy) = of_use().rev().find(|(at, _)| now.since(*at) >= age).or_else(|| of_use().next())?;
        let age = now.since(*at);
        (!age.is_zero()).then_some((copy, age))
    }

    fn pace(&self, now: Timestamp, standing: &Standing) -> Pace {
        let Some((before, age)) = self.before(now, MINUTE) else { return Pace::default() };
        let is = &standing.tallied;
        let per_minute = |count: u64| -> u32 {
            // Of less than a minute it is known what happened, and not how it goes on.
            let scaled = count as f64 * MINUTE.as_secs_f64() / age.max(MINUTE).as_secs_f64();
            scaled.round() as u32
        };
        let rate = |of: fn(&Tallied) -> u64| per_minute(of(is) - of(before));
        let quantiles = |of: fn(&Tallied) -> &crate::fanout::Times| {
            let times = of(is).since(of(before));
            Some(Quantiles { p50: times.quantile(0.5)?, p99: times.quantile(0.99)? })
        };
        let refusals = is.refused_since(before).into_iter();
        Pace {
            joins_per_minute: rate(|tallied| tallied.joined),
            sales_per_minute: rate(|tallied| tallied.seats_sold),
            sells_out_in: self.sells_out_in(now, standing),
            answers: quantiles(|tallied| &tallied.answers),
            commits: quantiles(|tallied| &tallied.commits),
            refusals: refusals.map(|(refusal, count)| (refusal, per_minute(count))).collect(),
            holds_out_per_minute: rate(|tallied| tallied.holds_out),
            idle_per_minute: rate(|tallied| tallied.idle),
            out_of_time_per_minute: rate(|tallied| tallied.out_of_time),
            away_per_minute: rate(|tallied| tallied.away),
        }
    }

    /// By the slowest of three paces: that of a longer time, that of the last minute, and that of a moment, as if one seat more had
    /// been sold in it. So a burst is no pace. A sale that is known for less than a minute, or that sold nothing in the last one,
    /// has none yet, or none any more.
    fn sells_out_in(&self, now: Timestamp, standing: &Standing) -> Option<Duration> {
        let free = standing.counts().available;
        let seconds_a_seat = |age: Duration, seats_min: u64| {
            let (before, age) = self.before(now, age).filter(|(_, age)| *age >= MINUTE)?;
            let sold = standing.tallied.seats_sold - before.seats_sold;
            (sold >= seats_min).then(|| age.as_secs_f64() / sold as f64)
        };
        let (lately, long) = (seconds_a_seat(MINUTE, 1)?, seconds_a_seat(PACE, PACE_SEATS_MIN)?);
        let now_at_least = self.before(now, MOMENT).map_or(0.0, |(before, age)| {
            let sold = standing.tallied.seats_sold - before.seats_sold;
            age.as_secs_f64() / (sold + 1) as f64
        });
        (free > 0).then(|| Duration::from_secs((free as f64 * lately.max(long).max(now_at_least)) as u64))
    }

    fn remember(&mut self, now: Timestamp, copy: &Tallied) {
        let is_time = |(at, _): &(Timestamp, _)| now.since(*at) >= REMEMBERED_EVERY;
        if self.copies.back().is_none_or(is_time) {
            self.copies.push_back((now, copy.clone()));
        }
        // One that is older than all that is asked for stays, to have one that is old enough.
        while self.copies.get(1).is_some_and(|(at, _)| now.since(*at) >= PACE) {
            self.copies.pop_front();
        }
        // Times are told of a minute, from a copy that is no use any more when it is two minutes old.
        for (_, copy) in self.copies.iter_mut().rev().skip_while(|(at, _)| now.since(*at) < 2 * MINUTE) {
            if copy.forget_times() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ScheduleId;
    use crate::domain::record::{SaleState, ScheduleState};
    use crate::domain::rules::{OwnRules, SaleRules, SaleSettings};
    use crate::fanout::{ScheduleStanding, SeatCounts};
    use crate::store::{ConcertRecord, ScheduleRecord};

    fn standing(joined: u64, seats_sold: u64, available: u64) -> Standing {
        let schedule = ScheduleRecord {
            id: ScheduleId(1),
            starts_at: Timestamp::default(),
            state: ScheduleState::Planned,
        };
        let counts = SeatCounts { available, sold: seats_sold, ..SeatCounts::default() };
        Standing {
            concert: ConcertRecord {
                id: ConcertId(1),
                title: String::new(),
                venue: String::new(),
                currency: String::new(),
                time_zone: None,
                about: None,
                rehearsal_of: None,
            },
            settings: SaleSettings {
                state: SaleState::Open,
                opens_at: None,
                message: None,
                own: OwnRules::default(),
            },
            rules: SaleRules::default(),
            waiting: 0,
            progress: 0,
            admissions_last_minute: 0,
            schedules: vec![ScheduleStanding { schedule, counts, left: Vec::new(), watchers: 0 }],
            tallied: Tallied { joined, seats_sold, ..Tallied::default() },
        }
    }

    /// Goal: rates are of the last minute, and the pace of five, however often somebody looked. Method: a sale of which
    /// is known what happened when, looked at each second, each ten, and once in a while.
    #[test]
    fn a_rate_is_that_of_the_last_minute() {
        for step in [1, 10, 45] {
            let mut past = Past { view: Weak::new(), copies: VecDeque::new() };
            let second = |n: u64| Timestamp::from_millis(1_000_000 + n as i64 * 1_000);
            let (mut last, mut seen) = (Pace::default(), 0);
            for n in (0_u64..=900).step_by(step) {
                // Two join each second for ten minutes, then one; a seat each three seconds throughout.
                let joined = n.min(600) * 2 + n.saturating_sub(600);
                let standing = standing(joined, n / 3, 1_000 - n / 3);
                last = past.pace(second(n), &standing);
                past.remember(second(n), &standing.tallied);
                if n == 0 {
                    assert_eq!(last, Pace::default(), "nothing is known yet");
                }
                if n == 10 && step == 1 {
                    assert_eq!(last.joins_per_minute, 20, "what was seen, and no guess");
                }
                if (540..=600).contains(&n) {
                    assert_eq!(last.joins_per_minute, 120, "{step}: after {n} s");
                }
                seen = n;
            }
            assert_eq!(last.joins_per_minute, 60, "{step}");
            assert!((19..=21).contains(&last.sales_per_minute), "{step}: {}", last.sales_per_minute);
            let left = (1_000 - seen / 3) * 3;
            let told = last.sells_out_in.expect("it has a pace").as_secs();
            assert!(told.abs_diff(left) * 50 <= left, "{step}: {told} s for {left} s");
            assert!(past.copies.len() <= 62, "{} copies", past.copies.len());
        }
    }

    #[test]
    fn what_hardly_sells_and_what_is_sold_out_has_no_pace() {
        let mut past = Past { view: Weak::new(), copies: VecDeque::new() };
        let at = |n| Timestamp::from_millis(n);
        past.remember(at(0), &standing(0, 0, 100).tallied);
        let told = |sold, free| past.pace(at(60_000), &standing(0, sold, free)).sells_out_in;
        assert_eq!(told(4, 96), None);
        assert_eq!(told(5, 95), Some(Duration::from_secs(95 * 12)));
        assert_eq!(told(100, 0), None);
    }

    /// Goal: a burst does not sell a house out in a second. Method: most of it is sold in the first ten seconds, then a seat each
    /// twenty, then nothing.
    #[test]
    fn a_burst_is_no_pace() {
        let mut past = Past { view: Weak::new(), copies: VecDeque::new() };
        let mut told = Vec::new();
        for n in 0_u64..=400 {
            let sold = (n.min(10) * 9 + n.saturating_sub(10).min(290) / 20).min(99);
            let standing = standing(0, sold, 100 - sold);
            let now = Timestamp::from_millis(n as i64 * 1_000);
            let said = past.pace(now, &standing).sells_out_in;
            past.remember(now, &standing.tallied);
            match n {
                0..60 => assert_eq!(said, None, "{n} s are too few to say it"),
                // Eight seats or fewer are left, one of which is sold each twenty seconds.
                60..=200 => told.push(said.expect("it has a pace").as_secs() / (100 - sold)),
                260.. => assert_eq!(said, None, "{n} s: nothing was sold for a minute"),
                _ => {}
            }
        }
        assert!(told.iter().all(|seconds| (7..=30).contains(seconds)), "{told:?}");
    }
}

//! What happened in a sale since it is run here, counted as it was committed: the base of operators' rates and times.
//!
//! Always: one lane counts, and anybody may read meanwhile. It costs the lane an addition in memory that is its own, so no
//! figure is worth leaving out for speed. Not here: rates, which are differences of two copies.

use std::mem::discriminant;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;

use super::Refusal;
use crate::domain::event::{Event, HoldEnd, SoldAtDesk};
use crate::domain::record::{ExpiryReason, PaymentSource, Reservation, Takings, TokenStatus};
use crate::domain::rejection::Rejection;
use crate::domain::seat_plan::Money;

/// Four for each doubling, up to half a minute: what is longer is counted with that. A time is known to an eighth.
const BUCKETS: usize = 100;

/// Counted by one thread alone, so that no addition has to be locked.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self, more: u64) {
        self.0.store(self.0.load(Relaxed) + more, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The same for money, which may become less.
#[derive(Debug, Default)]
struct TakingsCounter {
    wallet: AtomicI64,
    cash: AtomicI64,
    card: AtomicI64,
}

impl TakingsCounter {
    fn new(Takings { wallet, cash, card }: Takings) -> Self {
        Self { wallet: wallet.into(), cash: cash.into(), card: card.into() }
    }

    fn add(&self, source: PaymentSource, money: Money) {
        let mut more = Takings::default();
        more.add(source, money);
        for (counter, more) in [(&self.wallet, more.wallet), (&self.cash, more.cash), (&self.card, more.card)]
        {
            counter.store(counter.load(Relaxed) + more, Relaxed);
        }
    }

    fn get(&self) -> Takings {
        let [wallet, cash, card] = [&self.wallet, &self.cash, &self.card].map(|of| of.load(Relaxed));
        Takings { wallet, cash, card }
    }
}

pub struct Tally {
    joined: Counter,
    admitted: Counter,
    seats_held: Counter,
    seats_sold: Counter,
    done: Counter,
    left: Counter,
    holds_out: Counter,
    idle: Counter,
    out_of_time: Counter,
    away: Counter,
    closed: Counter,
    /// What was paid and not given back.
    takings: TakingsCounter,
    answers: Histogram,
    commits: Histogram,
    /// One of each kind, and how many there were.
    refusals: Mutex<Vec<(Refusal, u64)>>,
}

/// A copy of a tally.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallied {
    pub joined: u64,
    pub admitted: u64,
    pub seats_held: u64,
    pub seats_sold: u64,
    /// Visits that ended by buying.
    pub done: u64,
    /// Visits that their fans ended.
    pub left: u64,
    /// Holds that ran out.
    pub holds_out: u64,
    /// Visits that ended because their fan did nothing, was in for as long as one may, or was away.
    pub idle: u64,
    pub out_of_time: u64,
    pub away: u64,
    /// Visits that the end of the sale ended.
    pub closed: u64,
    pub takings: Takings,
    pub answers: Times,
    pub commits: Times,
    pub refusals: Vec<(Refusal, u64)>,
}

impl Tally {
    /// `takings` is what was paid before, and not given back.
    pub fn new(takings: Takings) -> Self {
        Self {
            joined: Counter::default(),
            admitted: Counter::default(),
            seats_held: Counter::default(),
            seats_sold: Counter::default(),
            done: Counter::default(),
            left: Counter::default(),
            holds_out: Counter::default(),
            idle: Counter::default(),
            out_of_time: Counter::default(),
            away: Counter::default(),
            closed: Counter::default(),
            takings: TakingsCounter::new(takings),
            answers: Histogram::default(),
            commits: Histogram::default(),
            refusals: Mutex::default(),
        }
    }

    pub(super) fn happened(&self, event: &Event) {
        match event {
            Event::Joined(_) => self.joined.add(1),
            Event::Admitted(_) => self.admitted.add(1),
            Event::TokenEnded(token) => match token.status {
                TokenStatus::Waiting | TokenStatus::Progress => {}
                TokenStatus::Done => self.done.add(1),
                TokenStatus::Expired(why) => match why {
                    ExpiryReason::Left => self.left.add(1),
                    ExpiryReason::Idle => self.idle.add(1),
                    ExpiryReason::Time => self.out_of_time.add(1),
                    ExpiryReason::Away => self.away.add(1),
                    ExpiryReason::Closed => self.closed.add(1),
                },
            },
            Event::SeatsHeld { seats, .. } => self.seats_held.add(seats.len() as u64),
            Event::ReservationEnded { why: HoldEnd::HoldTime, .. } => self.holds_out.add(1),
            Event::Paid { reservation, .. } | Event::SoldAtDesk(SoldAtDesk { reservation, .. }) => {
                self.seats_sold.add(reservation.seats.len() as u64);
                self.took(reservation, reservation.amount);
            }
            Event::Refunded(of) => self.took(&of.reservation, -of.amount),
            Event::ReservationEnded { .. }
            | Event::SeatsReleased { .. }
            | Event::SeatMoved(_)
            | Event::SeatsRestricted(_)
            | Event::SeatsUnrestricted(_)
            | Event::Described(_)
            | Event::Repriced(_)
            | Event::ScheduleAdded(_)
            | Event::Rescheduled(_)
            | Event::CalledOff(_)
            | Event::Archived(_)
            | Event::SettingsChanged { .. } => {}
        }
    }

    fn took(&self, order: &Reservation, money: Money) {
        if let Some(payment) = &order.payment {
            self.takings.add(payment.source, money);
        }
    }

    /// Somebody's command was answered, so long after it came.
    pub fn answered(&self, after: Duration, refusal: Option<&Refusal>) {
        self.answers.add(after);
        let Some(refusal) = refusal else { return };
        let mut refusals = self.refusals.lock();
        match refusals.iter_mut().find(|(known, _)| is_same_kind(known, refusal)) {
            Some((_, count)) => *count += 1,
            None => refusals.push((refusal.clone(), 1)),
        }
    }

    /// The store kept a batch that changed the sale.
    pub fn committed(&self, took: Duration) {
        self.commits.add(took);
    }

    /// Fans who were let in.
    pub fn admitted(&self) -> u64 {
        self.admitted.get()
    }

    pub fn copy(&self) -> Tallied {
        Tallied {
            joined: self.joined.get(),
            admitted: self.admitted.get(),
            seats_held: self.seats_held.get(),
            seats_sold: self.seats_sold.get(),
            done: self.done.get(),
            left: self.left.get(),
            holds_out: self.holds_out.get(),
            idle: self.idle.get(),
            out_of_time: self.out_of_time.get(),
            away: self.away.get(),
            closed: self.closed.get(),
            takings: self.takings.get(),
            answers: self.answers.copy(),
            commits: self.commits.copy(),
            refusals: self.refusals.lock().clone(),
        }
    }
}

/// Are they told with the same reason? What else they say is left out.
fn is_same_kind(one: &Refusal, other: &Refusal) -> bool {
    match (one, other) {
        // A time that is over and a visit that is over are two things.
        (
            Refusal::Rejected(Rejection::TokenExpired(one)),
            Refusal::Rejected(Rejection::TokenExpired(other)),
        ) => one.is_some() == other.is_some(),
        (Refusal::Rejected(one), Refusal::Rejected(other)) => discriminant(one) == discriminant(other),
        (one, other) => discriminant(one) == discriminant(other),
    }
}

impl Tallied {
    /// The refusals since an earlier copy.
    pub fn refused_since(&self, earlier: &Self) -> Vec<(Refusal, u64)> {
        let before = |refusal: &Refusal| {
            let known = earlier.refusals.iter().find(|(known, _)| is_same_kind(known, refusal));
            known.map_or(0, |(_, count)| *count)
        };
        let since = self.refusals.iter().map(|(refusal, count)| (refusal.clone(), count - before(refusal)));
        since.filter(|(_, count)| *count > 0).collect()
    }

    /// Keeps the counts alone. `true`: so it is already.
    pub fn forget_times(&mut self) -> bool {
        self.refusals = Vec::new();
        std::mem::take(&mut self.answers).0.is_empty() & std::mem::take(&mut self.commits).0.is_empty()
    }

    /// Visits that ended otherwise than by buying.
    pub fn expired(&self) -> u64 {
        self.left + self.idle + self.out_of_time + self.away + self.closed
    }
}

struct Histogram([Counter; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl Histogram {
    fn add(&self, time: Duration) {
        self.0[bucket_of(time)].add(1);
    }

    fn copy(&self) -> Times {
        Times(self.0.iter().map(Counter::get).collect())
    }
}

/// How many things took how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times(Box<[u64]>);

impl Times {
    /// Those since an earlier copy.
    pub fn since(&self, earlier: &Self) -> Self {
        let before = earlier.0.iter().copied().chain(std::iter::repeat(0));
        Self(self.0.iter().zip(before).map(|(now, before)| now - before).collect())
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// These and others.
    pub fn and(&self, others: &Self) -> Self {
        let longest = self.0.len().max(others.0.len());
        let of = |times: &Self, bucket: usize| times.0.get(bucket).copied().unwrap_or(0);
        Self((0..longest).map(|bucket| of(self, bucket) + of(others, bucket)).collect())
    }

    /// The time that this part of all took no longer than. `None`: nothing was timed.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let all: u64 = self.0.iter().sum();
        let wanted = ((all as f64 * part).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(middle_of(bucket))
    }
}

fn bucket_of(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let bucket = match micros.checked_ilog2() {
        None | Some(0 | 1) => micros as usize,
        Some(log) => (log as usize - 1) * 4 + (micros >> (log - 2) & 3) as usize,
    };
    bucket.min(BUCKETS - 1)
}

/// The shortest time that is in a bucket, in microseconds.
fn begin_of(bucket: usize) -> u64 {
    match bucket {
        0..4 => bucket as u64,
        _ => (4 + bucket as u64 % 4) << (bucket / 4 - 1),
    }
}

fn middle_of(bucket: usize) -> Duration {
    Duration::from_nanos((begin_of(bucket) + begin_of(bucket + 1)) * 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_its_bucket() {
        for bucket in 0..BUCKETS - 1 {
            let (begin, end) = (begin_of(bucket), begin_of(bucket + 1));
            assert!(begin < end);
            for micros in [begin, end - 1] {
                assert_eq!(bucket_of(Duration::from_micros(micros)), bucket, "{micros} µs");
            }
            if bucket >= 4 {
                assert!((end - begin) * 4 <= begin, "known to an eighth from its middle");
            }
        }
        assert!(begin_of(BUCKETS - 1) > 29_000_000);
        for long in [Duration::from_secs(3_600), Duration::MAX] {
            assert_eq!(bucket_of(long), BUCKETS - 1);
        }
    }

    #[test]
    fn a_quantile_is_of_what_was_timed_since() {
        let tally = Tally::new(Takings::default());
        for _ in 0..1_000 {
            tally.answered(Duration::from_secs(9), None);
        }
        let before = tally.copy();
        assert_eq!(before.answers.since(&before.answers).quantile(0.5), None);
        for millis in 1..=100 {
            tally.answered(Duration::from_millis(millis), None);
        }
        let times = tally.copy().answers.since(&before.answers);
        for (part, millis) in [(0.01, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = times.quantile(part).unwrap().as_secs_f64() * 1000.0;
            assert!((found / millis - 1.0).abs() <= 0.126, "{part}: {found} ms for {millis} ms");
        }
        // Nothing was there before the first.
        assert_eq!(tally.copy().answers.since(&Times::default()), tally.copy().answers);
    }

    #[test]
    fn refusals_are_counted_by_their_kind() {
        let tally = Tally::new(Takings::default());
        let refuse = |rejection| tally.answered(Duration::ZERO, Some(&Refusal::Rejected(rejection)));
        refuse(Rejection::SeatTaken { seats: vec![] });
        refuse(Rejection::TokenExpired(None));
        let before = tally.copy();
        refuse(Rejection::SeatTaken { seats: vec![crate::domain::ids::SeatId(3)] });
        refuse(Rejection::TokenExpired(Some(ExpiryReason::Idle)));
        refuse(Rejection::TokenExpired(Some(ExpiryReason::Time)));
        tally.answered(Duration::ZERO, Some(&Refusal::Internal));
        let since = tally.copy().refused_since(&before);
        let counts: Vec<_> = since.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [1, 2, 1], "{since:?}");
        assert_eq!(tally.copy().refusals.len(), 4);
    }
}

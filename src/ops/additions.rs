//! Performances that are being added here, and taking away what is left of those whose making was broken off.
//!
//! Always: of one concert nobody makes two with the same start at once. One that got no seat for a while, here or by another
//! server, is nobody's. Not here: how one is made.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::domain::ids::{ConcertId, ScheduleId};
use crate::domain::time::Timestamp;
use crate::store::rehearsals::Cleared;
use crate::store::unfinished::UnfinishedSchedule;
use crate::store::{Store, StoreError, Unfinished};

/// What is left is looked for so often.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// One that got no seat for so long is nobody's: whoever was broken off has said it again by then, and what is made for a lane
/// that waits for its database has had an answer.
pub const RESTS_AFTER: Duration = Duration::from_secs(120);
/// Seats that are taken away in one transaction: a few milliseconds in which an embedded database commits no batch.
const SEATS_AT_ONCE: u32 = 500;
/// The least pause between two transactions. Others have their turn for as long as one took, and no less than this.
const PAUSE_MIN: Duration = Duration::from_millis(10);

type Key = (ConcertId, Timestamp);

pub struct Additions {
    store: Arc<dyn Store>,
    clock: Clock,
    being_made: Mutex<BTreeSet<Key>>,
}

/// A performance is being made by us until this is dropped.
pub struct BeingMade {
    additions: Arc<Additions>,
    key: Key,
}

impl Drop for BeingMade {
    fn drop(&mut self) {
        self.additions.being_made.lock().remove(&self.key);
    }
}

/// The seats that one had when it was looked at, and since when (steady).
pub type Seen = HashMap<ScheduleId, (u32, Timestamp)>;

impl Additions {
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { store, clock, being_made: Mutex::default() }
    }

    /// `None`: somebody makes one with this start at this moment.
    pub fn begin(self: &Arc<Self>, concert: ConcertId, starts_at: Timestamp) -> Option<BeingMade> {
        let key = (concert, starts_at);
        let is_first = self.being_made.lock().insert(key);
        is_first.then(|| BeingMade { additions: self.clone(), key })
    }

    /// Takes away what nobody goes on with, for ever.
    pub async fn run(&self) {
        let Some(store) = self.store.unfinished() else { return };
        // The lock of the data folder says that no other server is there, so nobody is at what is found at the start.
        let mut is_nobodys = self.store.is_embedded();
        let mut seen = Seen::new();
        loop {
            match self.look(store, &mut seen, is_nobodys).await {
                Ok(()) => is_nobodys = false,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(
                        error,
                        "could not take away what is left of a performance; it is tried again"
                    );
                }
            }
            let next = self.clock.steady() + LOOK_INTERVAL;
            self.clock.sleep_until(next).await;
        }
    }

    /// Looks once. `is_nobodys`: nobody else can be at what is found.
    pub async fn look(
        &self,
        store: &dyn Unfinished,
        seen: &mut Seen,
        is_nobodys: bool,
    ) -> Result<(), StoreError> {
        let unfinished = store.unfinished().await?;
        seen.retain(|schedule, _| unfinished.iter().any(|of| of.schedule == *schedule));
        let now = self.clock.steady();
        for of in &unfinished {
            let (seats, since) = seen.entry(of.schedule).or_insert((of.seats, now));
            let is_ours = self.being_made.lock().contains(&(of.concert, of.starts_at));
            if *seats != of.seats || is_ours {
                (*seats, *since) = (of.seats, now);
            }
            let rests = !is_ours && (is_nobodys || now >= *since + RESTS_AFTER);
            if of.is_given_up || (rests && store.give_up(of).await?) {
                self.clear(store, of).await?;
            }
        }
        Ok(())
    }

    async fn clear(&self, store: &dyn Unfinished, of: &UnfinishedSchedule) -> Result<(), StoreError> {
        loop {
            let began = Instant::now();
            if store.clear_given_up(of.concert, of.schedule, SEATS_AT_ONCE).await? == Cleared::All {
                break;
            }
            tokio::time::sleep(began.elapsed().max(PAUSE_MIN)).await;
        }
        tracing::info!(
            concert.id = of.concert.0,
            schedule.id = of.schedule.0,
            "a performance whose making was broken off was taken away"
        );
        Ok(())
    }
}
